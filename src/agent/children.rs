//! The children of this agent and their descriptors in epoll.
//!
//! Owns who is alive, what is read when, and the moment at which a child is forgotten. Never speaks to the engine except by
//! the bulk buffer. Start at [`Children::ready`].
//!
//! Epoll is level-triggered, and a descriptor that is not wanted now is taken out of it altogether, as it would report
//! a hang-up for ever. It is always taken out before it is closed: a child between clone and exec still holds the open
//! file, and epoll would go on reporting a number that is already used again.

mod resting;
#[cfg(test)]
mod tests;
mod typing;

use std::{
    collections::{HashMap, VecDeque},
    io,
    os::fd::{AsFd, OwnedFd},
    rc::Rc,
    time::Instant,
};

use rustix::{
    event::epoll::{self, EventData, EventFlags},
    time::{TimerfdClockId, TimerfdFlags},
};

use super::{
    child::{Child, Outcome, Way, grown_few},
    link::{Bulk, COPY_MAX},
    pty,
    start::open_null,
    wire::{BULK_MAX, CREDIT, ChildKey},
};

/// Which descriptor of a child: a stream, or its input pipe.
const INPUT: usize = 2;

/// Where the key's low bits are in a token, and how many.
const KEY_SHIFT: u32 = 34;
const KEY_BITS: u64 = (1 << 28) - 1;

/// The most that is still read of a stream that was asked to end, in bytes: a pty and a grown pipe hold less,
/// only somebody who goes on writing reaches it.
const CLOSING_MAX: u64 = 1 << 20;

/// A descriptor of a child: whose, its slot, and which.
type Place = (ChildKey, u32, usize);

/// All children that are not forgotten yet.
pub struct Children {
    epoll: OwnedFd,
    slots: Vec<Option<Box<Child>>>,
    free: Vec<u32>,
    by_key: HashMap<ChildKey, u32>,
    living: HashMap<i32, (ChildKey, u32)>,
    ended: HashMap<i32, (ChildKey, Rc<str>)>,
    /// The process ids of those in `ended`.
    ended_keys: HashMap<ChildKey, i32>,
    /// Streams not watched because the bulk buffer was full; the longest waiting one is read first.
    blocked: VecDeque<Place>,
    /// Chatty streams that are left alone until the next tick, the timer that ticks then, and whether it runs.
    resting: VecDeque<Place>,
    timer: OwnedFd,
    ticks: bool,
    /// Descriptors that the kernel did not let us watch.
    unwatched: Vec<Place>,
    /// Whether all output is thrown away because there is no engine any more.
    deaf: bool,
    /// Who was just typed into, and until when it is listened to between others.
    attended: VecDeque<(ChildKey, Instant)>,
    /// Pipes grown now.
    grown: usize,
    null: OwnedFd,
    scratch: Box<[u8]>,
}

/// Registers, changes or removes what epoll watches a descriptor for.
pub fn watch(
    epoll: impl AsFd,
    fd: impl AsFd,
    token: u64,
    interest: &mut Option<EventFlags>,
    wanted: Option<EventFlags>,
) -> io::Result<()> {
    if *interest == wanted {
        return Ok(());
    }
    match (*interest, wanted) {
        (None, Some(flags)) => epoll::add(epoll, fd, EventData::new_u64(token), flags)?,
        (Some(_), Some(flags)) => epoll::modify(epoll, fd, EventData::new_u64(token), flags)?,
        (_, None) => epoll::delete(epoll, fd)?,
    }
    *interest = wanted;
    Ok(())
}

/// What epoll reports for a place. It holds the low bits of the key: events that were taken from epoll before a slot got
/// another child are not that child's. The two highest bits are never set, which leaves numbers for other things.
fn token((key, slot, which): Place) -> u64 {
    (key.0 & KEY_BITS) << KEY_SHIFT | u64::from(slot) << 2 | which as u64
}

impl Children {
    /// None yet, watched by this epoll, which reports `tick` when it is time for [`Children::tick`].
    pub fn new(epoll: OwnedFd, tick: u64) -> io::Result<Self> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = rustix::time::timerfd_create(TimerfdClockId::Monotonic, flags)?;
        // Edge-triggered, it needs no read.
        let flags = EventFlags::IN | EventFlags::ET;
        epoll::add(&epoll, &timer, EventData::new_u64(tick), flags)?;
        Ok(Self {
            epoll,
            slots: Vec::new(),
            free: Vec::new(),
            by_key: HashMap::new(),
            living: HashMap::new(),
            ended: HashMap::new(),
            ended_keys: HashMap::new(),
            blocked: VecDeque::new(),
            resting: VecDeque::new(),
            timer,
            ticks: false,
            unwatched: Vec::new(),
            deaf: false,
            attended: VecDeque::new(),
            grown: 0,
            null: open_null()?,
            scratch: vec![0; COPY_MAX].into_boxed_slice(),
        })
    }

    /// Keys and slots of children that are not reaped, by process id.
    pub fn living(&self) -> &HashMap<i32, (ChildKey, u32)> {
        &self.living
    }

    /// Keys and tasks of the reaped, by what was their process id, until their group is swept.
    pub fn ended(&self) -> &HashMap<i32, (ChildKey, Rc<str>)> {
        &self.ended
    }

    /// What is, or was, the process id of a child, and its task; absent once its group is swept.
    pub fn trace(&self, key: ChildKey) -> Option<(i32, Rc<str>)> {
        if let Some(child) = self.get(key) {
            return Some((child.pid, child.task.clone()));
        }
        let pid = *self.ended_keys.get(&key)?;
        let (_, task) = self.ended.get(&pid)?;
        Some((pid, task.clone()))
    }

    /// A group was swept: nothing of its ended children is left.
    pub fn forget_ended(&mut self, group: &str) {
        let keys = &mut self.ended_keys;
        self.ended.retain(|_, (key, task)| {
            let stays = super::hunt::group_of(task) != group;
            if !stays {
                keys.remove(key);
            }
            stays
        });
    }

    /// The living ones.
    pub fn alive(&self) -> impl Iterator<Item = &Child> {
        self.living
            .values()
            .filter_map(|&(_, slot)| self.slots[slot as usize].as_deref())
    }

    /// Gives a child's pty another size: rows, columns.
    pub fn resize(&self, key: ChildKey, size: (u16, u16)) {
        if let Some(stream) = self.get(key).and_then(|child| child.streams[0].as_ref())
            && stream.pty
        {
            // A pty that is hung up has no size to change.
            let _ = pty::resize(&stream.fd, size);
        }
    }

    /// Whether every child is forgotten.
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// A child by its key.
    pub fn get(&self, key: ChildKey) -> Option<&Child> {
        self.slots[*self.by_key.get(&key)? as usize].as_deref()
    }

    /// Takes a child that just started, and watches it.
    pub fn add(&mut self, child: Child) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() as u32 - 1
        });
        self.by_key.insert(child.key, slot);
        self.living.insert(child.pid, (child.key, slot));
        // Its number is in use again: whoever had it left no session behind.
        if let Some((key, _)) = self.ended.remove(&child.pid) {
            self.ended_keys.remove(&key);
        }
        self.slots[slot as usize] = Some(Box::new(child));
        for which in [0, 1] {
            self.sync(slot, which);
        }
    }

    /// Watches a descriptor for what is wanted of it now.
    fn sync(&mut self, slot: u32, which: usize) {
        let Some(child) = self.slots[slot as usize].as_deref_mut() else {
            return;
        };
        let input_waits = child.input.waits();
        let credit = child.credit > 0;
        let place = (child.key, slot, which);
        let failed = if which == INPUT {
            let Way::Pipe(fd, watched) = &mut child.input.way else {
                return;
            };
            let mut interest = watched.then_some(EventFlags::OUT);
            let wanted = input_waits.then_some(EventFlags::OUT);
            let done = watch(&self.epoll, fd, token(place), &mut interest, wanted);
            *watched = interest.is_some();
            done.is_err()
        } else {
            let by_pty = matches!(child.input.way, Way::Pty);
            let Some(stream) = &mut child.streams[which] else {
                return;
            };
            let mut wanted = EventFlags::empty();
            if stream.resting {
                // The next tick reads it.
            } else if stream.muted || self.deaf || credit {
                wanted |= EventFlags::IN;
            }
            if stream.hung {
                // Level-triggered, it would report its hang-up for ever; so only news.
                wanted = EventFlags::IN | EventFlags::ET;
            }
            if by_pty && which == 0 && input_waits {
                wanted |= EventFlags::OUT;
            }
            let wanted = (!wanted.is_empty()).then_some(wanted);
            let (fd, interest) = (&stream.fd, &mut stream.interest);
            watch(&self.epoll, fd, token(place), interest, wanted).is_err()
        };
        // Only for want of kernel memory or watches (epoll(7), max_user_watches): again in a while.
        if failed && !self.unwatched.contains(&place) {
            self.unwatched.push(place);
        }
    }

    /// Whether the kernel did not let us watch everything: [`Children::retry`] is due in a while.
    pub fn is_unwatched(&self) -> bool {
        !self.unwatched.is_empty()
    }

    /// Tries to watch what the kernel did not let us watch.
    pub fn retry(&mut self) {
        for (key, slot, which) in std::mem::take(&mut self.unwatched) {
            if self.is(key, slot) {
                self.sync(slot, which);
            }
        }
    }

    /// Whether a child is still in its slot.
    fn is(&self, key: ChildKey, slot: u32) -> bool {
        self.by_key.get(&key) == Some(&slot)
    }

    /// Something is ready at a token of ours.
    pub fn ready(&mut self, token: u64, flags: EventFlags, bulk: &mut Option<Bulk>) {
        let (slot, which) = ((token >> 2) as u32, (token & 3) as usize);
        let closed = flags.intersects(EventFlags::HUP | EventFlags::ERR);
        let child = self.slots.get_mut(slot as usize).and_then(Option::as_mut);
        let Some(child) = child.filter(|child| child.key.0 & KEY_BITS == token >> KEY_SHIFT) else {
            return;
        };
        if which == INPUT {
            if closed {
                child.input.discard(child.alive);
            }
            return self.write_input(slot);
        }
        if flags.contains(EventFlags::OUT) {
            self.write_input(slot);
        }
        if closed || flags.contains(EventFlags::IN) {
            let read = self.read(slot, which, closed, bulk);
            let child = self.slots[slot as usize].as_deref_mut();
            if read > 0
                && let Some(stream) = child.and_then(|child| child.streams[which].as_mut())
                && stream.needs_rest(read, false)
            {
                self.rest(slot, which);
            }
        }
    }

    /// Reads a stream once: how much it gave.
    fn read(&mut self, slot: u32, which: usize, closed: bool, bulk: &mut Option<Bulk>) -> usize {
        let Some(child) = self.slots[slot as usize].as_deref_mut() else {
            return 0;
        };
        let Some(stream) = &mut child.streams[which] else {
            return 0;
        };
        let share = match grown_few(self.grown) {
            true => BULK_MAX,
            false => COPY_MAX,
        };
        let (read, outcome) = match bulk {
            Some(bulk) if !stream.muted && !self.deaf => {
                if child.credit <= 0 || !bulk.has_room() {
                    if child.credit > 0 {
                        self.blocked.push_back((child.key, slot, which));
                    }
                    let interest = &mut stream.interest;
                    // It was there to be removed.
                    let _ = watch(&self.epoll, &stream.fd, 0, interest, None);
                    if closed && which == 0 && matches!(child.input.way, Way::Pty) {
                        child.input.discard(child.alive);
                    }
                    return 0;
                }
                let (key, number) = (child.key, which as u8);
                let credit = child.credit as usize;
                let moved = match stream.is_bulky() {
                    true => bulk.carry(key, number, credit.min(share), &stream.fd),
                    false => None,
                };
                let (read, outcome) = moved.unwrap_or_else(|| {
                    let limit = stream.budget().min(credit);
                    bulk.frame(key, number, limit, |into| stream.read(into))
                });
                child.credit -= read as i64;
                child.shown += read as u64;
                (read, outcome)
            }
            _ => {
                let (read, outcome) = stream.discard(&self.null, &mut self.scratch);
                child.discarded += read as u64;
                (read, outcome)
            }
        };
        // Nothing was there when it was only attended: that is not yet quiet.
        if read > 0 {
            stream.adapt(read, &mut self.grown);
        }
        if let Some(left) = &mut stream.closing {
            *left = left.saturating_sub(read as u64);
            if read == 0 || *left == 0 {
                self.end_stream(slot, which, bulk);
                return read;
            }
        }
        let hung = stream.pty && child.alive && outcome == Outcome::End;
        if outcome == Outcome::End && !hung {
            self.end_stream(slot, which, bulk);
        } else if stream.hung != hung && (hung || read > 0) {
            // Nobody has the pty open, but its owner lives and may open it again (/dev/tty); closing it
            // would send him a hang-up for having redirected his output.
            stream.hung = hung;
            self.sync(slot, which);
        }
        read
    }

    fn end_stream(&mut self, slot: u32, which: usize, bulk: &mut Option<Bulk>) {
        let Some(child) = self.slots[slot as usize].as_deref_mut() else {
            return;
        };
        if let Some(mut stream) = child.streams[which].take() {
            let _ = watch(&self.epoll, &stream.fd, 0, &mut stream.interest, None);
            if stream.grown {
                self.grown -= 1;
            }
            if stream.pty {
                child.input = Default::default();
            }
        }
        self.settle(slot, bulk);
    }

    /// Tells the end of a child's output once, and forgets it once it is reaped too.
    fn settle(&mut self, slot: u32, bulk: &mut Option<Bulk>) {
        let Some(child) = self.slots[slot as usize].as_deref_mut() else {
            return;
        };
        let open = child.streams.iter().any(Option::is_some);
        if !child.ended && !open && (child.streamed || !child.alive) {
            child.ended = true;
            if let Some(bulk) = bulk {
                bulk.finish(child.key, child.discarded);
            }
        }
        if child.ended && !child.alive {
            self.by_key.remove(&child.key);
            self.slots[slot as usize] = None;
            self.free.push(slot);
        }
    }

    /// A process was reaped: returns its key if it was a child of ours.
    pub fn reaped(&mut self, pid: i32, bulk: &mut Option<Bulk>) -> Option<ChildKey> {
        let (_, slot) = self.living.remove(&pid)?;
        let child = self.slots[slot as usize].as_deref_mut()?;
        let key = child.key;
        child.alive = false;
        self.ended.insert(pid, (key, child.task.clone()));
        self.ended_keys.insert(key, pid);
        child.input.discard(false);
        if let Way::Pipe(..) = child.input.way {
            self.write_input(slot);
        }
        for which in [0, 1] {
            let child = self.slots[slot as usize].as_deref_mut();
            if let Some(stream) = child.and_then(|child| child.streams[which].as_mut()) {
                // What is hung now is at its end: level-triggered, that is reported.
                stream.hung = false;
                self.sync(slot, which);
            }
        }
        self.settle(slot, bulk);
        self.retry();
        Some(key)
    }

    /// Ends the output of a child: what the kernel holds of it now still comes.
    pub fn close(&mut self, key: ChildKey, bulk: &mut Option<Bulk>) {
        let Some(&slot) = self.by_key.get(&key) else {
            return;
        };
        if let Some(child) = self.slots[slot as usize].as_deref_mut() {
            for stream in child.streams.iter_mut().flatten() {
                stream.closing.get_or_insert(CLOSING_MAX);
            }
        }
        self.drain_closing(slot, bulk);
    }

    /// Reads a child whose output is to end as far as that is possible now: epoll does not tell that nothing is left.
    fn drain_closing(&mut self, slot: u32, bulk: &mut Option<Bulk>) {
        for which in [0, 1] {
            loop {
                let Some(child) = self.slots[slot as usize].as_deref_mut() else {
                    return;
                };
                let Some(stream) = &child.streams[which] else {
                    break;
                };
                let unseen = stream.muted || self.deaf || bulk.is_none();
                if stream.closing.is_none() || (!unseen && child.credit <= 0) {
                    // Its next credit leads here again.
                    break;
                }
                if !unseen && bulk.as_mut().is_some_and(|bulk| !bulk.has_room()) {
                    // With nothing left to read, epoll would never tell: the next room leads here again.
                    self.blocked.push_back((child.key, slot, which));
                    break;
                }
                self.read(slot, which, false, bulk);
            }
        }
    }

    /// Throws away a child's output, or sends it: bytes thrown away so far.
    pub fn mute(&mut self, key: ChildKey, muted: bool) -> Option<u64> {
        let &slot = self.by_key.get(&key)?;
        let child = self.slots[slot as usize].as_deref_mut()?;
        for stream in child.streams.iter_mut().flatten() {
            stream.muted = muted;
        }
        let discarded = child.discarded;
        for which in [0, 1] {
            self.sync(slot, which);
        }
        Some(discarded)
    }

    /// The engine took bytes of a child.
    pub fn credit(&mut self, key: ChildKey, bytes: u32, bulk: &mut Option<Bulk>) {
        let Some(&slot) = self.by_key.get(&key) else {
            return;
        };
        let Some(child) = self.slots[slot as usize].as_deref_mut() else {
            return;
        };
        let had = child.credit > 0;
        child.credit = (child.credit + i64::from(bytes)).min(i64::from(CREDIT));
        if !had {
            for which in [0, 1] {
                self.sync(slot, which);
            }
            self.drain_closing(slot, bulk);
        }
    }

    /// Whether streams wait for room in the bulk buffer.
    pub fn is_blocked(&self) -> bool {
        !self.blocked.is_empty()
    }

    /// The bulk buffer has room again: reads the stream that waits for it longest.
    pub fn unblock(&mut self, bulk: &mut Option<Bulk>) {
        let Some((key, slot, which)) = self.blocked.pop_front() else {
            return;
        };
        if !self.is(key, slot) {
            return;
        }
        self.read(slot, which, false, bulk);
        self.sync(slot, which);
        self.drain_closing(slot, bulk);
    }

    /// From now on all output is thrown away: there is nobody to take it.
    pub fn deafen(&mut self) {
        self.deaf = true;
        self.blocked.clear();
        for slot in 0..self.slots.len() as u32 {
            for which in [0, 1] {
                self.sync(slot, which);
            }
        }
    }
}
