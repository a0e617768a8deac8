//! What was changed, to be taken back.
//!
//! Owns snapshots of the session, at most [`KEPT`]. Steps of one kind that follow each other quickly (a number that is
//! turned up) are one.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use super::node::Node;
use crate::model::document::Session;

/// Changes that can be taken back.
pub const KEPT: usize = 200;

/// Changes of the same field within this time are one.
const TOGETHER: Duration = Duration::from_millis(1_500);

/// The session as it was, and what was selected.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The session.
    pub session: Arc<Session>,
    /// What was selected.
    pub at: Node,
    /// What was done to it then, in words.
    pub what: String,
}

/// Changes so far.
#[derive(Debug, Clone, Default)]
pub struct History {
    past: VecDeque<Snapshot>,
    future: Vec<Snapshot>,
    last: Option<(String, Instant)>,
}

impl History {
    /// Remembers how it was before a change. Changes of one `series` that follow each other quickly are one.
    pub fn push(&mut self, before: Snapshot, series: Option<String>, now: Instant) {
        let same = match (&self.last, &series) {
            (Some((last, when)), Some(series)) => last == series && now < *when + TOGETHER,
            _ => false,
        };
        self.last = series.map(|series| (series, now));
        self.future.clear();
        if same && !self.past.is_empty() {
            return;
        }
        if self.past.len() >= KEPT {
            self.past.pop_front();
        }
        self.past.push_back(before);
    }

    /// Goes back one change. `now` is how it is.
    pub fn undo(&mut self, mut now: Snapshot) -> Option<Snapshot> {
        let before = self.past.pop_back()?;
        now.what.clone_from(&before.what);
        self.future.push(now);
        self.last = None;
        Some(before)
    }

    /// Goes forward again.
    pub fn redo(&mut self, mut now: Snapshot) -> Option<Snapshot> {
        let after = self.future.pop()?;
        now.what.clone_from(&after.what);
        self.past.push_back(now);
        self.last = None;
        Some(after)
    }
}
