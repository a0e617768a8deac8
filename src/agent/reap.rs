//! Who ended, and the guardian that must not.
//!
//! Owns what follows from a child's end: the report of a child, silence about an adopted orphan, another guardian.
//! Never decides whether a child is started again. Start at [`Agent::reap`].

use std::{
    os::fd::AsFd,
    time::{Duration, Instant},
};

use super::{ending::Why, guardian::Guardian, serve::Agent, spawn, wire::FromAgent};
use crate::model::event::Level;

/// A guardian that dies within this time does not count as one, and after so many of them the next one has to wait.
const GUARDIAN_PAUSE: Duration = Duration::from_secs(1);
const GUARDIANS_AT_ONCE: u32 = 5;

impl Agent {
    /// SIGCHLD or SIGTERM came.
    pub(super) fn signalled(&mut self) {
        if spawn::take_signals(self.signals.as_fd()) {
            self.end(Why::Lost);
        }
        self.reap();
    }

    /// Reaps everyone who ended, and tells of those that are children of ours.
    pub(super) fn reap(&mut self) {
        while let Some(reaped) = spawn::reap() {
            if self.guardian.as_ref().is_some_and(|g| g.pid == reaped.pid) {
                self.guardian = None;
                self.notice(
                    Level::Warning,
                    "the guardian of this host's processes died; another one is started".to_owned(),
                );
                if self.guardian_started.elapsed() >= GUARDIAN_PAUSE {
                    self.guardians_lost = 0;
                }
                self.guardians_lost += 1;
                if self.guardians_lost <= GUARDIANS_AT_ONCE {
                    self.start_guardian();
                } else {
                    self.guardian_due = Some(Instant::now() + GUARDIAN_PAUSE);
                }
            } else if let Some(child) = self.children.reaped(reaped.pid, &mut self.bulk) {
                self.say(&FromAgent::Exited {
                    child,
                    exit: reaped.exit,
                    usage: reaped.usage,
                });
            }
        }
    }

    /// Starts a guardian, or says why there is none and tries again.
    pub(super) fn start_guardian(&mut self) {
        let Some(run) = &self.run else { return };
        let mark = run.mark.clone();
        let started = self.with_reserve(|_| Guardian::start(&mark));
        let now = Instant::now();
        self.guardian_started = now;
        self.guardian_due = None;
        match started {
            Ok(guardian) => self.guardian = Some(guardian),
            Err(error) => {
                self.guardian_due = Some(now + GUARDIAN_PAUSE * 10);
                self.notice(
                    Level::Warning,
                    format!("no guardian can be started, should the agent be killed its processes stay: {error}"),
                );
            }
        }
    }
}
