//! What was changed, to be taken back.
//!
//! Owns snapshots of the session, at most [`KEPT`], and not more than [`TEMPLATES`] all together. Steps of one kind that follow each other quickly (a number that is
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

/// Templates in all of them, each some kilobyte; the newest one is kept however many it has.
const TEMPLATES: usize = 200_000;

/// Changes of the same field within this time are one.
const TOGETHER: Duration = Duration::from_millis(1_500);

/// The session as it was, and what was selected.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The session.
    pub session: Arc<Session>,
    /// Its text, where the change was one of the text; empty: there was none.
    pub text: Option<Arc<str>>,
    /// What was selected.
    pub at: Node,
    /// What was done to it then, in words.
    pub what: String,
}

impl Snapshot {
    /// The other side of the same change.
    fn beside(mut self, other: &Snapshot) -> Self {
        self.what.clone_from(&other.what);
        if other.text.is_none() {
            self.text = None;
        }
        self
    }

    fn weight(&self) -> usize {
        let groups = self.session.groups.values();
        groups.map(|group| 1 + group.templates.len()).sum()
    }
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
        self.past.push_back(before);
        let mut held: usize = self.past.iter().map(Snapshot::weight).sum();
        while self.past.len() > KEPT || held > TEMPLATES && self.past.len() > 1 {
            let oldest = self.past.pop_front();
            held -= oldest.map_or(0, |oldest| oldest.weight());
        }
    }

    /// What follows is no more of the same, however quickly.
    pub fn pause(&mut self) {
        self.last = None;
    }

    /// Changes the session of every step.
    pub fn each(&mut self, change: impl Fn(&Session) -> Session) {
        for step in self.past.iter_mut().chain(&mut self.future) {
            step.session = Arc::new(change(&step.session));
        }
    }

    /// Goes back one change. `now` is how it is.
    pub fn undo(&mut self, now: Snapshot) -> Option<Snapshot> {
        let before = self.past.pop_back()?;
        let now = now.beside(&before);
        self.future.push(now);
        self.last = None;
        Some(before)
    }

    /// Goes forward again.
    pub fn redo(&mut self, now: Snapshot) -> Option<Snapshot> {
        let after = self.future.pop()?;
        let now = now.beside(&after);
        self.past.push_back(now);
        self.last = None;
        Some(after)
    }
}
