//! Input on its way to children, and the attention that who was typed into gets.
//!
//! Owns no bytes (`Input` does). Start at [`Children::input`].

use std::time::{Duration, Instant};

use rustix::event::epoll::EventFlags;

use super::{Children, INPUT, watch};
use crate::agent::{child::Way, link::Bulk, wire::ChildKey};

/// How many of the children that were just typed into are listened to between others, and for how long after the
/// last key.
const ATTENDED_MAX: usize = 8;
const ATTENDED_FOR: Duration = Duration::from_millis(100);

impl Children {
    /// Bytes for a child. False: refused.
    pub fn input(&mut self, key: ChildKey, bytes: &[u8]) -> bool {
        let Some(&slot) = self.by_key.get(&key) else {
            return false;
        };
        let accepted = match self.slots[slot as usize].as_deref_mut() {
            Some(child) => child.alive && child.input.push(bytes),
            None => false,
        };
        self.write_input(slot);
        if accepted {
            self.attended.retain(|(other, _)| *other != key);
            if self.attended.len() >= ATTENDED_MAX {
                self.attended.pop_front();
            }
            self.attended
                .push_back((key, Instant::now() + ATTENDED_FOR));
        }
        accepted
    }

    /// The end of a child's input, after what waits.
    pub fn close_input(&mut self, key: ChildKey) {
        let Some(&slot) = self.by_key.get(&key) else {
            return;
        };
        if let Some(child) = self.slots[slot as usize].as_deref_mut() {
            child.input.close(child.streams[0].as_ref());
        }
        self.write_input(slot);
    }

    pub(super) fn write_input(&mut self, slot: u32) {
        let Some(child) = self.slots[slot as usize].as_deref_mut() else {
            return;
        };
        let goes_on = child.input.write(child.streams[0].as_ref());
        if let (Way::Pipe(fd, watched), false) = (&child.input.way, goes_on) {
            let mut interest = watched.then_some(EventFlags::OUT);
            let _ = watch(&self.epoll, fd, 0, &mut interest, None);
            child.input = Default::default();
        } else if !goes_on {
            child.input.discard(child.alive);
        }
        self.sync(slot, 0);
        self.sync(slot, INPUT);
    }

    /// Reads what those answer who were just typed into, so that no echo waits for its turn behind floods. To be
    /// called after each child that was read; whether something came.
    pub fn attend(&mut self, bulk: &mut Option<Bulk>) -> bool {
        if self.attended.is_empty() {
            return false;
        }
        let now = Instant::now();
        self.attended.retain(|(_, until)| *until > now);
        let mut came = false;
        for index in 0..self.attended.len() {
            let Some(&slot) = self.by_key.get(&self.attended[index].0) else {
                continue;
            };
            for which in [0, 1] {
                let child = self.slots[slot as usize].as_deref();
                let stream = child.and_then(|child| child.streams[which].as_ref());
                // What waits for credit, or for news of a pty that is hung up, goes on waiting.
                let listens = |flags: EventFlags| {
                    flags.contains(EventFlags::IN) && !flags.contains(EventFlags::ET)
                };
                if stream
                    .and_then(|stream| stream.interest)
                    .is_some_and(listens)
                {
                    came |= self.read(slot, which, false, bulk) > 0;
                }
            }
        }
        came
    }
}
