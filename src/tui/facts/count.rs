//! How many ranks are where, known without a walk over them: ten thousand are counted for every frame.

use super::rank::Rank;
use crate::model::lifecycle::{ExitStatus, ProcessState};

/// How many ranks are where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// All.
    pub total: u32,
    /// Starting, running, ready, stopping.
    pub live: u32,
    /// Ended well: returned 0.
    pub well: u32,
    /// Ended otherwise, because they were asked to.
    pub stopped: u32,
    /// Ended badly.
    pub failed: u32,
    /// Asked to end and not gone yet.
    pub stopping: u32,
    /// Waiting for something, or for their next start.
    pub waiting: u32,
    /// Being started.
    pub starting: u32,
    /// Of all: muted.
    pub muted: u32,
    /// Of all: with an alert nobody has seen.
    pub alerts: u32,
}

impl Count {
    /// One rank alone.
    pub(super) fn of(rank: &Rank) -> Self {
        let mut count = Self {
            total: 1,
            muted: u32::from(rank.muted),
            alerts: u32::from(rank.alert.is_some()),
            ..Self::default()
        };
        match rank.state {
            ProcessState::Waiting | ProcessState::BackingOff => count.waiting = 1,
            ProcessState::Starting => (count.starting, count.live) = (1, 1),
            ProcessState::Stopping | ProcessState::Draining => {
                (count.stopping, count.live) = (1, 1);
            }
            state if state.is_live() => count.live = 1,
            ProcessState::Ended | ProcessState::Lost if rank.failure => count.failed = 1,
            ProcessState::Lost => count.failed = 1,
            ProcessState::Ended => match rank.status {
                Some(ExitStatus::Code(0)) => count.well = 1,
                Some(_) => count.stopped = 1,
                None => {}
            },
            _ => {}
        }
        count
    }

    fn zip(&mut self, other: &Self, with: fn(u32, u32) -> u32) {
        for (mine, theirs) in [
            (&mut self.total, other.total),
            (&mut self.live, other.live),
            (&mut self.well, other.well),
            (&mut self.stopped, other.stopped),
            (&mut self.failed, other.failed),
            (&mut self.stopping, other.stopping),
            (&mut self.waiting, other.waiting),
            (&mut self.starting, other.starting),
            (&mut self.muted, other.muted),
            (&mut self.alerts, other.alerts),
        ] {
            *mine = with(*mine, theirs);
        }
    }

    /// With those of another.
    pub(super) fn add(&mut self, other: &Self) {
        self.zip(other, u32::saturating_add);
    }

    /// Without those of another, which are among these.
    pub(super) fn take(&mut self, other: &Self) {
        self.zip(other, u32::saturating_sub);
    }

    /// Whether anything is alive, or will be by itself.
    pub fn is_busy(&self) -> bool {
        self.live + self.waiting > 0
    }
}
