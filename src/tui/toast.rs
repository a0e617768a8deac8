//! Short news in a corner: they come, are read, and go.
//!
//! Owns the few that are shown and when each goes, and what was told so far, for the list of notices: bounded, the oldest
//! go. What the engine says is in the record of its run, and only shown here.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::model::event::Level;

/// Shown at once.
const MAX: usize = 4;

/// Kept for the list of notices.
const TOLD_MAX: usize = 500;

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

/// Something that was told.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// When last.
    pub at: Instant,
    /// How much it matters.
    pub level: Level,
    /// What.
    pub text: String,
    /// The same was said so often in a row.
    pub times: u32,
}

/// Those that are shown and those that were told, the newest last.
#[derive(Debug, Clone, Default)]
pub struct Toasts {
    shown: VecDeque<Toast>,
    told: VecDeque<Told>,
}

impl Toasts {
    /// Shows one more, and keeps it.
    pub fn push(&mut self, level: Level, text: impl Into<String>, now: Instant) {
        let text = text.into();
        match self.told.back_mut() {
            Some(last) if last.text == text => {
                last.times += 1;
                last.at = now;
            }
            _ => {
                if self.told.len() >= TOLD_MAX {
                    self.told.pop_front();
                }
                self.told.push_back(Told {
                    at: now,
                    level,
                    text: text.clone(),
                    times: 1,
                });
            }
        }
        self.show(level, text, now);
    }

    /// Shows one that is kept elsewhere.
    pub fn show(&mut self, level: Level, text: String, now: Instant) {
        let until = now + lasts(level);
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

    /// All that was told, the oldest first.
    pub fn told(&self) -> impl Iterator<Item = &Told> {
        self.told.iter()
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
        for number in 0..TOLD_MAX {
            toasts.push(Level::Error, number.to_string(), now);
        }
        assert_eq!(toasts.iter().count(), MAX);
        assert_eq!(toasts.told().count(), TOLD_MAX);
        toasts.expire(now + Duration::from_secs(60));
        assert_eq!(toasts.due(), None);
    }
}
