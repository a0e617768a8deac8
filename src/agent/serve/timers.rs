//! What the passing of time brings up in the loop.
//!
//! Owns the order in which it is looked at. Start at [`Agent::timeout`] and [`Agent::timers`].

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use rustix::time::Timespec;

use super::{Agent, Bulk, Ending};
use crate::model::event::Level;

/// How long the kernel is left alone that did not let us watch a descriptor.
const UNWATCHED: Duration = Duration::from_millis(100);

impl Agent {
    /// Until the next thing is due; absent: for ever.
    pub(super) fn timeout(&mut self) -> Option<Timespec> {
        let due = [
            self.hunter.due(),
            self.stats.due(),
            self.guardian_due,
            self.unwatched_due,
            self.ending.as_ref().map(Ending::due),
        ];
        let due = due.into_iter().flatten().min();
        let bulk = self.bulk.as_mut();
        let can_unblock = self.children.is_blocked() && bulk.is_some_and(Bulk::has_room);
        let wait = match (self.more_requests || can_unblock, due) {
            (true, _) => Duration::ZERO,
            (false, None) => return None,
            (false, Some(due)) => due.saturating_duration_since(Instant::now()),
        };
        Some(Timespec {
            tv_sec: wait.as_secs() as i64,
            tv_nsec: wait.subsec_nanos().into(),
        })
    }

    /// Tries again what the kernel did not let us watch, now and then.
    pub(super) fn watch_unwatched(&mut self) {
        let now = Instant::now();
        if self.unwatched_due.is_some_and(|due| due <= now) {
            self.unwatched_due = None;
            self.children.retry();
        }
        if self.children.is_unwatched() && self.unwatched_due.is_none() {
            self.unwatched_due = Some(now + UNWATCHED);
            if !std::mem::replace(&mut self.unwatched_told, true) {
                let text = "the kernel lets us watch no more descriptors (sysctl fs.epoll.max_user_watches): \
                            what some processes write comes later";
                self.notice(Level::Warning, text.to_owned());
            }
        }
    }

    pub(super) fn timers(&mut self) {
        let now = Instant::now();
        let is_due = |due: Option<Instant>| due.is_some_and(|due| due <= now);
        if is_due(self.guardian_due) && self.ending.is_none() {
            self.start_guardian();
        }
        if is_due(self.hunter.due()) {
            self.with_reserve(|agent| agent.hunt(now));
        }
        if is_due(self.stats.due()) {
            self.with_reserve(|agent| agent.sample(now));
        }
        if is_due(self.ending.as_ref().map(Ending::due))
            && let Some(mut ending) = self.ending.take()
        {
            let over = self.with_reserve(|agent| ending.round(&agent.world(), now));
            self.ending = Some(ending);
            if let Some(over) = over {
                self.say_goodbye(over);
                self.exit = Some(ExitCode::SUCCESS);
            }
        }
    }
}
