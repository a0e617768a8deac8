//! The agent's one loop.
//!
//! Owns the epoll, the link and the order of things: one turn reads a little of every ready child, and looks at control after
//! each of them, so that a key never queues behind a flood. Never sleeps but in epoll, and ticks for nothing.
//! Start at [`serve`].
//!
//! One thread, so whatever blocks it blocks all: the opening of a file or folder of a file system that does not answer
//! (a child's program, which the kernel loads before it lets us go on, its folder, its files, a question about them),
//! a GPU driver that hangs, a `/proc` entry of a process whose memory the kernel holds. Engines notice by heartbeats.

mod timers;

use std::{io, os::fd::OwnedFd, process::ExitCode, time::Instant};

use rustix::{
    event::epoll::{self, EventFlags},
    process::{Resource, Rlimit},
};

use super::{
    children::{Children, watch},
    ending::{Ending, Why},
    gpu::Gpus,
    guardian::Guardian,
    hunt::Hunter,
    link::{Bulk, Control, LinkError},
    spawn,
    start::{Starter, open_null},
    stats::Stats,
    wire::{FromAgent, ToAgent},
};
use crate::model::event::Level;

const CONTROL: u64 = u64::MAX;
const BULK: u64 = u64::MAX - 1;
const SIGNALS: u64 = u64::MAX - 2;
const TICK: u64 = u64::MAX - 3;

/// Children started in one turn: after so many the others are read once. Measured: 8 costs 10 % of the launch
/// rate, 1 costs 25 %.
const STARTS: u32 = 8;

/// Streams that waited for room and are read at once before control is looked at.
const UNBLOCKED: usize = 8;

/// Events taken from epoll at once.
pub(super) const EVENTS: usize = 64;

/// Descriptors held back for reading `/proc` when all others are in use.
const RESERVE: usize = 6;

/// What an agent lives through: a terminal's keys and its end are for the engine.
const IGNORED: [i32; 5] = [
    libc::SIGINT,
    libc::SIGHUP,
    libc::SIGQUIT,
    libc::SIGTSTP,
    libc::SIGPIPE,
];

/// The agent on standard input (control) and standard output (bulk), in a session of its own.
pub fn run_stdio() -> ExitCode {
    spawn::close_inherited();
    // Refused only for the leader of a group, which has no terminal of ours to lose.
    let _ = rustix::process::setsid();
    let taken = (|| {
        let control = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
        let bulk = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3)?;
        // Nothing that prints by mistake reaches the link.
        let null = open_null()?;
        rustix::stdio::dup2_stdin(&null)?;
        rustix::stdio::dup2_stdout(&null)?;
        Ok::<_, io::Error>((control, bulk))
    })();
    match taken {
        Ok((control, bulk)) => serve(control, bulk),
        Err(error) => failed(&error),
    }
}

/// Serves an engine until it asks for the end or its link closes; nothing that was started is left then.
///
/// Belongs on the main thread of a process of its own: it becomes a subreaper, reaps every child, and the kernel
/// kills the children when this thread ends.
pub fn serve(control: OwnedFd, bulk: OwnedFd) -> ExitCode {
    match Agent::new(control, bulk) {
        Ok(mut agent) => agent.run(),
        Err(error) => failed(&error),
    }
}

fn failed(error: &io::Error) -> ExitCode {
    eprintln!("dragon-tui agent: cannot begin: {error}");
    ExitCode::FAILURE
}

/// What the engine's `Hello` brought.
pub(super) struct Run {
    pub mark: String,
    pub starter: Starter,
    pub gpus: Option<Gpus>,
}

/// The state of the loop.
pub(super) struct Agent {
    pub epoll: OwnedFd,
    pub signals: OwnedFd,
    pub control: Option<Control>,
    control_interest: Option<EventFlags>,
    pub bulk: Option<Bulk>,
    bulk_interest: Option<EventFlags>,
    pub pid: i32,
    /// The limit of descriptors that we were started with.
    pub nofile: Rlimit,
    pub children: Children,
    pub run: Option<Run>,
    pub hunter: Hunter,
    pub stats: Stats,
    pub guardian: Option<Guardian>,
    pub guardian_started: Instant,
    pub guardian_due: Option<Instant>,
    pub guardians_lost: u32,
    reserve: Vec<OwnedFd>,
    pub ending: Option<Ending>,
    pub exit: Option<ExitCode>,
    pub starts: u32,
    pub no_pty_told: bool,
    unwatched_told: bool,
    unwatched_due: Option<Instant>,
    more_requests: bool,
    /// A start that has to wait for the next turn.
    held: Option<ToAgent>,
}

impl Agent {
    fn new(control: OwnedFd, bulk: OwnedFd) -> io::Result<Self> {
        spawn::ignore(&IGNORED);
        let signals = spawn::signals()?;
        let pid = rustix::process::getpid();
        rustix::process::set_child_subreaper(Some(pid))?;
        let nofile = rustix::process::getrlimit(Resource::Nofile);
        let raised = Rlimit {
            current: nofile.maximum,
            maximum: nofile.maximum,
        };
        // As it is, it works too, for fewer children.
        let _ = rustix::process::setrlimit(Resource::Nofile, raised);
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let add = |fd: &OwnedFd, token| {
            epoll::add(&epoll, fd, epoll::EventData::new_u64(token), EventFlags::IN)
        };
        add(&signals, SIGNALS)?;
        let now = Instant::now();
        let mut agent = Self {
            children: Children::new(rustix::io::fcntl_dupfd_cloexec(&epoll, 3)?, TICK)?,
            epoll,
            signals,
            control: Some(Control::new(control)?),
            control_interest: None,
            bulk: Some(Bulk::new(bulk)?),
            bulk_interest: None,
            pid: pid.as_raw_nonzero().get(),
            nofile,
            run: None,
            hunter: Hunter::default(),
            stats: Stats::new(0, now),
            guardian: None,
            guardian_started: now,
            guardian_due: None,
            guardians_lost: 0,
            reserve: Vec::new(),
            ending: None,
            exit: None,
            starts: 0,
            no_pty_told: false,
            unwatched_told: false,
            unwatched_due: None,
            more_requests: false,
            held: None,
        };
        agent.refill_reserve();
        agent.watch_link()?;
        Ok(agent)
    }

    fn run(&mut self) -> ExitCode {
        let mut events = Vec::with_capacity(EVENTS);
        loop {
            if let Some(code) = self.exit {
                return code;
            }
            let timeout = self.timeout();
            events.clear();
            let wait = epoll::wait(
                &self.epoll,
                rustix::buffer::spare_capacity(&mut events),
                timeout.as_ref(),
            );
            if let Err(error) = wait
                && error != rustix::io::Errno::INTR
            {
                // Cannot be: the descriptor and the memory are ours. The guardian cleans up.
                return failed(&error.into());
            }
            self.starts = 0;
            if self.more_requests {
                self.requests();
            }
            for event in &events {
                self.ready(event.data.u64(), event.flags);
            }
            self.flush_bulk();
            self.timers();
            self.watch_unwatched();
            if let Err(error) = self.watch_link() {
                self.lose_link(&LinkError::Io(error));
            }
        }
    }

    /// Something is ready.
    pub(super) fn ready(&mut self, token: u64, flags: EventFlags) {
        match token {
            SIGNALS => self.signalled(),
            CONTROL => self.control_ready(flags),
            BULK => self.bulk_ready(flags),
            TICK => {
                for _ in 0..self.children.tick() {
                    self.children.rouse(&mut self.bulk);
                    self.between_children();
                }
            }
            _ => {
                self.children.ready(token, flags, &mut self.bulk);
                self.between_children();
            }
        }
    }

    /// What must not wait for the other children's turns: what was just read, requests, and answers to keys.
    fn between_children(&mut self) {
        if self.bulk.as_ref().is_some_and(Bulk::is_due) {
            self.flush_bulk();
        }
        self.requests();
        if self.children.attend(&mut self.bulk) {
            self.flush_bulk();
        }
    }

    /// Performs the requests that are here, but only so many starts in a turn.
    pub(super) fn requests(&mut self) {
        self.more_requests = false;
        while let Some(control) = &mut self.control
            && self.exit.is_none()
        {
            let request = match self.held.take() {
                Some(request) => request,
                None => match control.next_request() {
                    Ok(Some(request)) => request,
                    Ok(None) => return,
                    Err(error) => return self.lose_link(&error),
                },
            };
            if self.starts >= STARTS && matches!(request, ToAgent::Spawn(_)) {
                // And what comes after it, for requests keep their order.
                self.held = Some(request);
                self.more_requests = true;
                return;
            }
            self.perform(request);
        }
    }

    /// The engine took answers, sent requests, or is gone.
    fn control_ready(&mut self, flags: EventFlags) {
        let gone = EventFlags::HUP | EventFlags::ERR;
        if flags.intersects(EventFlags::OUT | gone)
            && let Some(control) = &mut self.control
            && let Err(error) = control.flush()
        {
            return self.lose_link(&error);
        }
        self.requests();
    }

    /// Sends a message at once.
    pub(super) fn say(&mut self, message: &FromAgent) {
        if let Some(control) = &mut self.control
            && let Err(error) = control.send(message)
        {
            self.lose_link(&error);
        }
    }

    /// Tells the user something.
    pub(super) fn notice(&mut self, level: Level, text: String) {
        self.say(&FromAgent::Notice(level, None, text));
    }

    /// Sends output, and reads those who waited for room as long as there is some, but only so many at a time:
    /// control waits.
    pub(super) fn flush_bulk(&mut self) {
        for _ in 0..UNBLOCKED {
            let Some(bulk) = &mut self.bulk else { return };
            if bulk.waiting() > 0
                && let Err(error) = bulk.flush()
            {
                return self.lose_link(&error);
            }
            if !self.children.is_blocked() || !bulk.has_room() {
                return;
            }
            self.children.unblock(&mut self.bulk);
        }
    }

    fn bulk_ready(&mut self, flags: EventFlags) {
        if flags.intersects(EventFlags::HUP | EventFlags::ERR) {
            return self.lose_link(&LinkError::Closed);
        }
        self.flush_bulk();
    }

    /// Watches the link for what is wanted of it now.
    pub(super) fn watch_link(&mut self) -> io::Result<()> {
        if let Some(control) = &mut self.control {
            let mut wanted = EventFlags::IN;
            // Answers that nobody takes: no more requests until somebody does.
            if control.waiting() > 0 {
                wanted = if control.is_choked() {
                    EventFlags::OUT
                } else {
                    EventFlags::IN | EventFlags::OUT
                };
            }
            let interest = &mut self.control_interest;
            watch(&self.epoll, &*control, CONTROL, interest, Some(wanted))?;
        }
        if let Some(bulk) = &mut self.bulk {
            let wanted = match bulk.waiting() {
                0 => EventFlags::empty(),
                _ => EventFlags::OUT,
            };
            let interest = &mut self.bulk_interest;
            watch(&self.epoll, &*bulk, BULK, interest, Some(wanted))?;
        }
        Ok(())
    }

    /// The engine is gone: throw its output away and end.
    fn lose_link(&mut self, error: &LinkError) {
        if let Some(control) = self.control.take() {
            let _ = epoll::delete(&self.epoll, &control);
            // A closed link is how an engine's death looks; anything else is worth a line for whoever collects them.
            if !matches!(error, LinkError::Closed) {
                eprintln!("dragon-tui agent: {error}");
            }
        }
        if let Some(bulk) = self.bulk.take() {
            let _ = epoll::delete(&self.epoll, &bulk);
        }
        self.children.deafen();
        if self.ending.is_none() {
            self.end(Why::Lost);
        }
    }

    /// Begins the end.
    pub(super) fn end(&mut self, why: Why) {
        let now = Instant::now();
        match &mut self.ending {
            Some(ending) if why == Why::Shutdown => ending.hurry(now),
            Some(_) => {}
            None => self.ending = Some(Ending::new(why, now)),
        }
    }

    /// Frees the descriptors held back, for what `free` does; then holds back new ones.
    pub(super) fn with_reserve<T>(&mut self, free: impl FnOnce(&mut Self) -> T) -> T {
        self.reserve.clear();
        let result = free(self);
        self.refill_reserve();
        result
    }

    pub(super) fn refill_reserve(&mut self) {
        while self.reserve.len() < RESERVE {
            match open_null() {
                Ok(fd) => self.reserve.push(fd),
                Err(_) => return,
            }
        }
    }
}
