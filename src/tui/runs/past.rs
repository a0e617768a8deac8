//! The moment of a past run that is looked at.
//!
//! Owns which second is wanted and which one is being read; at most one is on its way, so that a key held down asks for
//! no more than can be read. Start at [`Past::go`].

use std::sync::Arc;

use super::{
    Ask,
    reading::{Listed, Opened},
};
use crate::model::document::Session;

/// A run that is read from its record.
#[derive(Debug, Clone)]
pub struct Past {
    /// Which.
    pub listed: Listed,
    /// Its session.
    pub session: Arc<Session>,
    /// The last second of which something is known.
    pub end: f64,
    /// The seconds at which a rank failed, the first ones.
    pub failures: Vec<f64>,
    /// The second that is wanted.
    pub at: f64,
    asked: Option<f64>,
}

impl Past {
    /// A run at its end.
    pub fn new(opened: &Opened) -> Self {
        Self {
            listed: opened.listed.clone(),
            session: opened.session.clone(),
            end: opened.end,
            failures: opened.failures.clone(),
            at: opened.moment.at,
            asked: None,
        }
    }

    /// Whether it is looked at as it was in the end.
    pub fn is_at_end(&self) -> bool {
        self.at >= self.end
    }

    /// To a second of it; what is to be read for that, if nothing is being read.
    pub fn go(&mut self, to: f64) -> Option<Ask> {
        self.at = to.clamp(0.0, self.end);
        self.ask()
    }

    /// A moment was read: what is to be read next, if the user went on meanwhile.
    pub fn came(&mut self) -> Option<Ask> {
        let came = self.asked.take();
        if came == Some(self.at) {
            return None;
        }
        self.ask()
    }

    fn ask(&mut self) -> Option<Ask> {
        if self.asked.is_some() {
            return None;
        }
        self.asked = Some(self.at);
        Some(Ask::Moment {
            id: self.listed.id.clone(),
            session: self.session.clone(),
            at: self.at,
        })
    }
}
