//! When the logs grew: of a past run, what its processes had printed up to any second of it.
//!
//! Owns [`Growth`], which writes `growth.jsonl` beside the logs: a line now and then, with the length of every log that
//! grew since the one before. One file for all logs, one write for all that grew, nothing while they are quiet. Never
//! says that a byte was there before it was: a length is that of the last write before the line's second. What is
//! written is bounded: the longer a run goes on and the more logs grow at once, the rarer the lines become, and after
//! [`ENTRIES_MAX`] lengths the last one says that there are no more. Start at [`Growth::grew`]; [`Grown`] is a line.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use super::{anchor::Anchor, json_lines::JsonLines, paths};
use crate::model::ids::ProcessId;

/// The version of these lines.
const VERSION: u32 = 1;

/// Lengths that are written in all, each of some twelve bytes.
const ENTRIES_MAX: u64 = 4 << 20;

/// The least time between two lines.
const PACE: Duration = Duration::from_millis(100);

/// A line for every so much of the time that the run takes so far: the time bar of a past run has about 60 steps.
const SHARE: f64 = 1.0 / 256.0;

/// What is left of [`ENTRIES_MAX`] is to last for this much of the logarithm of the time: it never runs out.
const LASTS: f64 = 8.0;

/// A line of `growth.jsonl`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Grown {
    /// The version, in the first line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// Seconds of the run.
    pub at: f64,
    /// The logs that are named for the first time: their numbers, and whose they are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<(u32, ProcessId)>,
    /// How long the logs of these numbers were at that second.
    pub ends: Vec<(u32, u64)>,
    /// From here on nothing is written: there was too much of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub full: bool,
}

/// Where a log stands in the file.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    is_named: bool,
    has_grown: bool,
    end: u64,
}

/// The file, as it is written.
#[derive(Debug)]
pub(super) struct Growth {
    anchor: Arc<Anchor>,
    file: JsonLines<Grown>,
    generation: u32,
    /// Second 0 of the run.
    zero: Instant,
    known: Vec<Known>,
    /// The numbers of those that grew since the last line, and when the last of them did.
    grown: Vec<u32>,
    last: Instant,
    /// When the next line is due.
    due: Instant,
    has_begun: bool,
    entries: u64,
}

impl Growth {
    pub(super) fn new(anchor: Arc<Anchor>) -> Self {
        let now = Instant::now();
        Self {
            file: JsonLines::new(Arc::clone(&anchor), paths::GROWTH),
            generation: anchor.generation(),
            anchor,
            zero: now,
            known: Vec::new(),
            grown: Vec::new(),
            last: now,
            due: now,
            has_begun: false,
            entries: 0,
        }
    }

    /// Seconds of the run count from here.
    pub(super) fn count_from(&mut self, zero: Instant) {
        self.zero = zero;
    }

    /// The log of this number has this length now. `whose` is asked when the log is named in the file.
    pub(super) fn grew(
        &mut self,
        number: u32,
        end: u64,
        now: Instant,
        whose: impl Fn(u32) -> Option<ProcessId>,
    ) {
        if self.entries >= ENTRIES_MAX {
            return;
        }
        if now >= self.due {
            self.write(whose);
            let passed = now.saturating_duration_since(self.zero).as_secs_f64();
            let left = ENTRIES_MAX.saturating_sub(self.entries);
            self.due = now + pace(passed, self.grown.len(), left);
            self.grown.clear();
        }
        let at = number as usize;
        if self.known.len() <= at {
            self.known.resize(at + 1, Known::default());
        }
        if let Some(known) = self.known.get_mut(at) {
            known.end = end;
            if !std::mem::replace(&mut known.has_grown, true) {
                self.grown.push(number);
            }
        }
        self.last = now;
    }

    /// Writes what has grown and was not written.
    pub(super) fn finish(&mut self, whose: impl Fn(u32) -> Option<ProcessId>) {
        self.write(whose);
        self.grown.clear();
    }

    /// A line with those that have grown; they stay in the list.
    fn write(&mut self, whose: impl Fn(u32) -> Option<ProcessId>) {
        if self.grown.is_empty() {
            return;
        }
        if self.generation != self.anchor.generation() {
            // The file is a new one: nothing is named in it.
            self.generation = self.anchor.generation();
            self.has_begun = false;
            self.known
                .iter_mut()
                .for_each(|known| known.is_named = false);
        }
        let mut line = Grown {
            version: (!self.has_begun).then_some(VERSION),
            at: seconds(self.last.saturating_duration_since(self.zero)),
            ..Grown::default()
        };
        for number in &self.grown {
            let Some(known) = self.known.get_mut(*number as usize) else {
                continue;
            };
            known.has_grown = false;
            if !known.is_named
                && let Some(process) = whose(*number)
            {
                known.is_named = true;
                line.logs.push((*number, process));
            }
            line.ends.push((*number, known.end));
        }
        self.has_begun = true;
        self.entries += line.ends.len() as u64;
        line.full = self.entries >= ENTRIES_MAX;
        // That the disk is full is said of the events and the logs. A line that is lost makes the moments after it older.
        let _ = self.file.append([&line]);
    }
}

/// How long until the next line, so many seconds into the run, when so many logs grew at once and so many lengths may still
/// be written.
fn pace(passed: f64, logs: usize, left: u64) -> Duration {
    let share = SHARE.max(LASTS * logs as f64 / left.max(1) as f64);
    Duration::try_from_secs_f64(passed * share)
        .unwrap_or_default()
        .max(PACE)
}

/// Seconds as events have them.
fn seconds(since: Duration) -> f64 {
    since.as_micros() as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_of_ten_thousand_logs_that_grow_all_the_time_does_not_fill_the_file() {
        let hour = 3_600.0;
        for (logs, slowest) in [(1, 15), (1_000, 75), (10_000, 240)] {
            let (mut at, mut entries) = (0.0, 0);
            let mut at_an_hour = Duration::ZERO;
            while at < 365.0 * 24.0 * hour {
                let pace = pace(at, logs, ENTRIES_MAX - entries);
                if at < hour {
                    at_an_hour = pace;
                }
                at += pace.as_secs_f64();
                entries += logs as u64;
                assert!(entries < ENTRIES_MAX, "{logs} logs: full after {at} s");
            }
            assert!(
                at_an_hour <= Duration::from_secs(slowest),
                "{logs}: {at_an_hour:?}"
            );
        }
    }
}
