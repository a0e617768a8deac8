//! Looks for lines in the output of a process: the one that shows it is ready, and those the user wants to
//! be told of.
//!
//! Owns the cutting of bytes into lines within a bound. Never shows anything.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use regex::bytes::Regex;

use crate::model::template::{Alert, ProcessTemplate, Ready};

/// The longest line that is looked at, in bytes; of a longer one only the beginning is.
const LINE_MAX: usize = 16 << 10;

/// A process that prints a watched line again and again is reported at most so often.
const PAUSE: Duration = Duration::from_secs(1);

/// Something that was looked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// The line that shows readiness.
    Ready,
    /// A line of this alert.
    Alert(Alert, String),
}

#[derive(Debug, Clone)]
struct Pattern {
    /// Compiled once per template: all its ranks share it, and one thread uses it.
    regex: Arc<Regex>,
    /// `None`: readiness; gone once seen.
    alert: Option<Alert>,
    told: Option<Instant>,
}

/// The patterns of one life of a process, and the beginning of its present line in each stream. Made once per template,
/// and cloned for each life.
#[derive(Debug, Clone)]
pub struct LineWatch {
    patterns: Vec<Pattern>,
    lines: [Vec<u8>; 2],
}

impl LineWatch {
    /// What a template asks to look for, if anything; its patterns were found to be valid before.
    pub fn of(template: &ProcessTemplate) -> Option<Self> {
        let mut patterns = Vec::new();
        if let Some(Ready::Line(pattern)) = &template.ready
            && let Ok(regex) = Regex::new(pattern)
        {
            patterns.push(Pattern {
                regex: Arc::new(regex),
                alert: None,
                told: None,
            });
        }
        for alert in &template.alerts {
            if let Alert::Line(pattern) = alert
                && let Ok(regex) = Regex::new(pattern)
            {
                patterns.push(Pattern {
                    regex: Arc::new(regex),
                    alert: Some(alert.clone()),
                    told: None,
                });
            }
        }
        (!patterns.is_empty()).then_some(Self {
            patterns,
            lines: [Vec::new(), Vec::new()],
        })
    }

    /// Adds output of a stream (0 or 1).
    pub fn push(&mut self, stream: u8, mut bytes: &[u8], seen: &mut Vec<Seen>) {
        let stream = usize::from(stream.min(1));
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            let (line, rest) = bytes.split_at(end);
            bytes = &rest[1..];
            if self.lines[stream].is_empty() {
                self.look(line, seen);
            } else {
                self.keep(stream, line);
                let line = std::mem::take(&mut self.lines[stream]);
                self.look(&line, seen);
            }
        }
        self.keep(stream, bytes);
    }

    /// The output is complete: an unfinished line counts as one.
    pub fn finish(&mut self, seen: &mut Vec<Seen>) {
        for line in std::mem::take(&mut self.lines) {
            if !line.is_empty() {
                self.look(&line, seen);
            }
        }
    }

    fn keep(&mut self, stream: usize, bytes: &[u8]) {
        let room = LINE_MAX - self.lines[stream].len().min(LINE_MAX);
        self.lines[stream].extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn look(&mut self, line: &[u8], seen: &mut Vec<Seen>) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = &line[..line.len().min(LINE_MAX)];
        self.patterns.retain_mut(|pattern| {
            if !pattern.regex.is_match(line) {
                return true;
            }
            let Some(alert) = &pattern.alert else {
                seen.push(Seen::Ready);
                return false;
            };
            let now = Instant::now();
            if pattern
                .told
                .is_none_or(|told| now.duration_since(told) >= PAUSE)
            {
                pattern.told = Some(now);
                seen.push(Seen::Alert(
                    alert.clone(),
                    String::from_utf8_lossy(line).into_owned(),
                ));
            }
            true
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::template::Target;

    fn watch(ready: &str, alert: &str) -> LineWatch {
        LineWatch::of(&ProcessTemplate {
            ready: Some(Ready::Line(ready.to_owned())),
            alerts: vec![Alert::Line(alert.to_owned())],
            ..ProcessTemplate::new(Target::Shell(String::new()))
        })
        .unwrap()
    }

    #[test]
    fn readiness_is_seen_once_however_the_line_is_cut() {
        let text = b"starting\r\nlistening on 80\r\nlistening on 81\n";
        for cut in 1..text.len() {
            let mut watch = watch("^listening on \\d+$", "never");
            let mut seen = Vec::new();
            for piece in text.chunks(cut) {
                watch.push(0, piece, &mut seen);
            }
            assert_eq!(seen, [Seen::Ready], "cut at {cut}");
        }
    }

    #[test]
    fn an_alert_names_the_line_and_a_flood_of_it_is_told_once_a_second() {
        let mut watch = watch("never", "ERROR");
        let mut seen = Vec::new();
        for _ in 0..1000 {
            watch.push(0, b"ERROR: disk\n", &mut seen);
        }
        assert!(matches!(&seen[..], [Seen::Alert(_, text)] if text == "ERROR: disk"));
    }

    #[test]
    fn streams_do_not_mix_and_an_unfinished_last_line_counts() {
        let mut watch = watch("^ab$", "never");
        let mut seen = Vec::new();
        watch.push(0, b"a", &mut seen);
        watch.push(1, b"b\n", &mut seen);
        assert_eq!(seen, []);
        watch.push(0, b"b", &mut seen);
        watch.finish(&mut seen);
        assert_eq!(seen, [Seen::Ready]);
    }

    #[test]
    fn clones_share_their_patterns_and_nothing_else() {
        let mut one = watch("^ab$", "never");
        let mut other = one.clone();
        assert!(Arc::ptr_eq(
            &one.patterns[0].regex,
            &other.patterns[0].regex
        ));
        let (mut seen, mut seen_too) = (Vec::new(), Vec::new());
        one.push(0, b"ab\na", &mut seen);
        other.push(0, b"b\nab\n", &mut seen_too);
        assert_eq!((seen, seen_too), (vec![Seen::Ready], vec![Seen::Ready]));
    }

    #[test]
    fn a_line_without_end_takes_a_bounded_amount_of_memory() {
        let mut watch = watch("x", "y");
        let mut seen = Vec::new();
        for _ in 0..1000 {
            watch.push(0, &[b'z'; 4096], &mut seen);
        }
        assert!(watch.lines[0].len() <= LINE_MAX);
    }
}
