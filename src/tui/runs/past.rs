//! The moment of a past run that is looked at.
//!
//! Owns which second is wanted and which one is being read; at most one is on its way, so that a key held down asks for
//! no more than can be read. Start at [`Past::go`].

use super::{
    Ask,
    reading::Listed,
    walk::{Through, Walk},
};

/// A run that is read from its record.
#[derive(Debug, Clone)]
pub struct Past {
    /// Which.
    pub listed: Listed,
    /// The way to any second of it.
    pub walk: Walk,
    /// The last second of which something is known.
    pub end: f64,
    /// The seconds at which ranks failed; of those close together, one.
    pub failures: Vec<f64>,
    /// The second that is wanted.
    pub at: f64,
    asked: Option<f64>,
}

impl Past {
    /// A run at its end.
    pub fn new(listed: Listed, through: &Through) -> Self {
        Self {
            listed,
            walk: through.walk.clone(),
            end: through.end,
            failures: through.failures.clone(),
            at: through.moment.at,
            asked: None,
        }
    }

    /// Whether what is shown is that of another second still.
    pub fn is_reading(&self) -> bool {
        self.asked.is_some()
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
            walk: self.walk.clone(),
            at: self.at,
        })
    }
}
