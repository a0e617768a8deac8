//! Short news in a corner: they come, are read, and go.
//!
//! Owns the few that are shown and when each goes. Those that are more than an answer to a key are handed on, to be kept
//! among the notices.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::model::event::Level;

/// Shown at once.
const MAX: usize = 4;

/// How long one is shown, by how much it matters.
fn lasts(level: Level) -> Duration {
    match level {
        Level::Info => Duration::from_secs(4),
        Level::Warning => Duration::from_secs(8),
        Level::Error => Duration::from_secs(12),
    }
}

/// One of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Toast {
    /// How much it matters.
    pub level: Level,
    /// What.
    pub text: String,
    /// The same was said so often.
    pub times: u32,
    until: Instant,
}

/// Those that are shown, the newest last.
#[derive(Debug, Clone, Default)]
pub struct Toasts {
    shown: VecDeque<Toast>,
    /// To be kept.
    fresh: Vec<(Level, String)>,
}

impl Toasts {
    /// Shows one more.
    pub fn push(&mut self, level: Level, text: impl Into<String>, now: Instant) {
        let text = text.into();
        let until = now + lasts(level);
        if level >= Level::Warning {
            self.fresh.push((level, text.clone()));
        }
        if let Some(same) = self.shown.iter_mut().find(|toast| toast.text == text) {
            same.times += 1;
            same.until = until;
            return;
        }
        if self.shown.len() >= MAX {
            self.shown.pop_front();
        }
        self.shown.push_back(Toast {
            level,
            text,
            times: 1,
            until,
        });
    }

    /// What is to be kept of what came since the last time.
    pub fn take_fresh(&mut self) -> Vec<(Level, String)> {
        std::mem::take(&mut self.fresh)
    }

    /// Takes away those whose time is over.
    pub fn expire(&mut self, now: Instant) {
        self.shown.retain(|toast| toast.until > now);
    }

    /// When the next one goes.
    pub fn due(&self) -> Option<Instant> {
        self.shown.iter().map(|toast| toast.until).min()
    }

    /// Those that are shown, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Toast> {
        self.shown.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_news_is_counted_and_old_news_goes() {
        let now = Instant::now();
        let mut toasts = Toasts::default();
        for _ in 0..3 {
            toasts.push(Level::Info, "saved", now);
        }
        assert_eq!(
            toasts.iter().map(|toast| toast.times).collect::<Vec<_>>(),
            [3]
        );
        for number in 0..10 {
            toasts.push(Level::Error, number.to_string(), now);
        }
        assert_eq!(toasts.iter().count(), MAX);
        toasts.expire(now + Duration::from_secs(60));
        assert_eq!(toasts.due(), None);
    }
}
