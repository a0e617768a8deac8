//! The end of an agent: from the wish or the loss to the moment when nothing is left.
//!
//! Owns the ladder of signals and its times. Never reads a child's output: the loop goes on meanwhile.
//! Start at [`Ending::round`].

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use rustix::{event::epoll, time::Timespec};

use super::{
    aim,
    hunt::{self, World},
    procs::{Process, Strangers},
    serve::{Agent, EVENTS},
    spawn,
    wire::FromAgent,
};
use crate::model::event::Level;

/// Between two looks at what is left, while it is asked politely and while it is killed.
const POLITE_PAUSE: Duration = Duration::from_millis(50);
const KILL_PAUSE: Duration = Duration::from_millis(5);

/// How long it is tried to look what is left, where that cannot be done.
const UNSEEN: Duration = Duration::from_secs(5);

/// How long the last words may take.
const FAREWELL: Duration = Duration::from_millis(500);

/// Why an agent ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The engine asked for it: at once.
    Shutdown,
    /// The link closed, or we were asked to terminate: politely first, in less than five seconds.
    Lost,
}

impl Why {
    /// Signals and how long each may take.
    fn ladder(self) -> &'static [(i32, Duration)] {
        const POLITE: [(i32, Duration); 3] = [
            (libc::SIGINT, Duration::from_millis(1_500)),
            (libc::SIGTERM, Duration::from_millis(1_500)),
            (libc::SIGKILL, Duration::from_millis(1_500)),
        ];
        const AT_ONCE: [(i32, Duration); 1] = [(libc::SIGKILL, Duration::from_millis(4_000))];
        match self {
            Why::Shutdown => &AT_ONCE,
            Why::Lost => &POLITE,
        }
    }
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// So many processes could not be killed.
    Left(usize),
    /// Nobody could look what is left.
    Unknown,
}

/// An end under way.
pub struct Ending {
    ladder: &'static [(i32, Duration)],
    stage: usize,
    entered: Instant,
    asked: bool,
    empty: u8,
    strangers: Strangers,
    next: Instant,
}

impl Ending {
    /// Begins an end; its first round is due now.
    pub fn new(why: Why, now: Instant) -> Self {
        Self {
            ladder: why.ladder(),
            stage: 0,
            entered: now,
            asked: false,
            empty: 0,
            strangers: Strangers::default(),
            next: now,
        }
    }

    /// Ends at once after all, whatever was granted so far.
    pub fn hurry(&mut self, now: Instant) {
        *self = Self::new(Why::Shutdown, now);
    }

    /// When the next round is due.
    pub fn due(&self) -> Instant {
        self.next
    }

    /// Looks what is left and signals it; how it ended, when it is over.
    pub fn round(&mut self, world: &World<'_>, now: Instant) -> Option<Over> {
        let Ok(left) = hunt::everything(world, &mut self.strangers) else {
            // No descriptor is free: again, as long as there is time.
            self.next = now + POLITE_PAUSE;
            return (now.duration_since(self.entered) > UNSEEN).then_some(Over::Unknown);
        };
        if left.is_empty() {
            self.empty += 1;
            self.strangers = Strangers::default();
            self.next = now + KILL_PAUSE;
            // One that forked while we looked was missed with its child: only the second look is proof.
            return (self.empty >= 2).then_some(Over::Left(0));
        }
        self.empty = 0;
        if let Some(&(_, time)) = self.ladder.get(self.stage)
            && now.duration_since(self.entered) >= time
        {
            self.stage += 1;
            self.entered = now;
            self.asked = false;
        }
        let Some(&(signal, _)) = self.ladder.get(self.stage) else {
            return Some(Over::Left(left.len()));
        };
        if signal == libc::SIGKILL {
            for (process, _) in &left {
                // Gone meanwhile, or not ours to kill: the next look sees.
                let _ = aim::signal(process, signal);
            }
            self.next = now + KILL_PAUSE;
        } else {
            if !self.asked {
                self.asked = true;
                ask(&left, signal);
            }
            self.next = now + POLITE_PAUSE;
        }
        None
    }
}

/// Sends a polite signal to groups of ours as a whole, and to what only carries our mark by itself. Who is stopped could
/// not even hear of it, and so goes on.
fn ask(left: &[(Process, bool)], signal: i32) {
    let (ours, marked): (Vec<_>, Vec<_>) = left.iter().partition(|(_, ours)| *ours);
    let groups: HashSet<i32> = ours.iter().map(|(p, _)| p.group).collect();
    for number in [signal, libc::SIGCONT] {
        for &group in groups.iter().filter(|&&group| group > 1) {
            let _ = spawn::kill(-group, number);
        }
        for (process, _) in &marked {
            let _ = aim::signal(process, number);
        }
    }
}

impl Agent {
    /// Nothing is left: delivers what is still on its way, says `Bye`, and ends.
    pub(super) fn say_goodbye(&mut self, over: Over) {
        match over {
            Over::Left(0) => {}
            Over::Left(left) => self.notice(
                Level::Warning,
                format!("{left} processes cannot be killed: they wait in the kernel, or belong to another user"),
            ),
            Over::Unknown => self.notice(
                Level::Warning,
                "what is left cannot be looked for, as /proc cannot be read: the guardian is left to end it".to_owned(),
            ),
        }
        let until = Instant::now() + FAREWELL;
        let mut events = Vec::with_capacity(EVENTS);
        let mut said = false;
        while self.control.is_some() && Instant::now() < until {
            // What was asked for behind a start is heard here too.
            self.starts = 0;
            self.requests();
            self.reap();
            self.flush_bulk();
            let delivered = self.bulk.as_ref().is_none_or(|bulk| bulk.waiting() == 0);
            if self.children.is_empty() && delivered && !said {
                said = true;
                self.say(&FromAgent::Bye);
            }
            let Some(control) = &mut self.control else {
                return;
            };
            if control.flush().is_err() || (said && control.waiting() == 0) {
                return;
            }
            if self.watch_link().is_err() {
                return;
            }
            events.clear();
            let wait = Timespec {
                tv_sec: 0,
                tv_nsec: 20_000_000,
            };
            let into = rustix::buffer::spare_capacity(&mut events);
            let _ = epoll::wait(&self.epoll, into, Some(&wait));
            for event in &events {
                // Credit lets the rest of the output through.
                self.ready(event.data.u64(), event.flags);
            }
        }
        if !said {
            self.say(&FromAgent::Bye);
        }
    }
}
