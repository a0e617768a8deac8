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
    hunt::{self, World},
    serve::{Agent, EVENTS},
    spawn,
    wire::FromAgent,
};
use crate::model::event::Level;

/// Between two looks at what is left, while it is asked politely and while it is killed.
const POLITE_PAUSE: Duration = Duration::from_millis(50);
const KILL_PAUSE: Duration = Duration::from_millis(5);

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

/// An end under way.
pub struct Ending {
    ladder: &'static [(i32, Duration)],
    stage: usize,
    entered: Instant,
    asked: bool,
    empty: u8,
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

    /// Looks what is left and signals it. When it is over: how many could not be killed.
    pub fn round(&mut self, world: &World<'_>, now: Instant) -> Option<usize> {
        let Ok(left) = hunt::everything(world) else {
            // No descriptor is free: again, as long as there is time.
            self.next = now + POLITE_PAUSE;
            return (now.duration_since(self.entered) > Duration::from_secs(5)).then_some(0);
        };
        if left.is_empty() {
            self.empty += 1;
            self.next = now + KILL_PAUSE;
            // One that forked while we looked was missed with its child: only the second look is proof.
            return (self.empty >= 2).then_some(0);
        }
        self.empty = 0;
        let Some(&(_, time)) = self.ladder.get(self.stage) else {
            return Some(left.len());
        };
        if now.duration_since(self.entered) >= time {
            self.stage += 1;
            self.entered = now;
            self.asked = false;
        }
        let Some(&(signal, _)) = self.ladder.get(self.stage) else {
            return Some(left.len());
        };
        if signal == libc::SIGKILL {
            for (process, _) in &left {
                // Gone meanwhile, or not ours to kill: the next look sees.
                let _ = spawn::kill(process.pid, signal);
            }
            self.next = now + KILL_PAUSE;
        } else {
            if !self.asked {
                self.asked = true;
                // Groups of ours as a whole; what only carries our mark, by itself.
                let (ours, marked): (Vec<_>, Vec<_>) = left.iter().partition(|(_, ours)| *ours);
                let groups: HashSet<i32> = ours.iter().map(|(p, _)| p.group).collect();
                for pid in groups
                    .iter()
                    .filter(|&&group| group > 1)
                    .map(|group| -group)
                    .chain(marked.iter().map(|(p, _)| p.pid))
                {
                    let _ = spawn::kill(pid, signal);
                }
            }
            self.next = now + POLITE_PAUSE;
        }
        None
    }
}

impl Agent {
    /// Nothing is left: delivers what is still on its way, says `Bye`, and ends.
    pub(super) fn say_goodbye(&mut self, left: usize) {
        if left > 0 {
            self.notice(
                Level::Warning,
                format!("{left} processes cannot be killed: they wait in the kernel, or belong to another user"),
            );
        }
        let until = Instant::now() + FAREWELL;
        let mut events = Vec::with_capacity(EVENTS);
        let mut said = false;
        while self.control.is_some() && Instant::now() < until {
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
