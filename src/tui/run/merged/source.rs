//! One process of the merged view: its bytes, from its log or as they come, on their way to whole lines.
//!
//! Owns the joining of both by their place in the log, and the unfinished lines. Never asks for bytes. Start at
//! [`Source::log`] and [`Source::live`].

use std::time::Instant;

use crate::{
    engine::door::Chunk, model::ids::Incarnation, term::plain_text::PlainText,
    tui::widget::text::untabbed,
};

/// Bytes of a line that are shown; the log has all of it.
const LINE_MAX: usize = 4 << 10;

/// Where it stands with its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Its log is to be read from [`Source::position`] on.
    Wanted,
    /// The same, as soon as the engine says that what is not in the log will come.
    Asked,
    /// It is being read.
    Reading,
    /// It was read: what comes live goes on from there.
    Read,
}

/// A line that is not at its end yet.
#[derive(Debug, Default)]
struct Open {
    plain: PlainText,
    /// Where in the log it begins, if it has begun.
    at: Option<u64>,
}

/// A process whose lines are shown.
#[derive(Debug)]
pub(super) struct Source {
    pub phase: Phase,
    /// Where in the log the next byte is expected.
    pub position: u64,
    /// When it ended, or said something after that: its last line may still be on the way.
    pub over: Option<Instant>,
    /// What is being read may not be all that did not come live: once more.
    pub again: bool,
    /// What came live goes on where the log ended: from here on the order in which it comes is trusted.
    joined: bool,
    incarnation: Incarnation,
    /// Of each stream: two that take turns do not write into each other's lines.
    open: [Open; 2],
}

/// Lines with their places in the log.
pub(super) type Lines = Vec<(u64, String)>;

impl Source {
    pub fn new() -> Self {
        Self {
            phase: Phase::Wanted,
            position: 0,
            over: None,
            again: false,
            joined: false,
            incarnation: Incarnation::default(),
            open: Default::default(),
        }
    }

    /// Its log is to be read again from where it was left.
    pub fn wake(&mut self) {
        self.phase = Phase::Wanted;
        self.joined = false;
    }

    /// A part of the log, from `at` on; gives how many bytes before it were left out.
    pub fn log(&mut self, at: u64, bytes: &[u8], lines: &mut Lines) -> u64 {
        self.phase = Phase::Read;
        let (mut at, mut bytes) = (at, bytes);
        let left_out = at.saturating_sub(self.position);
        if left_out > 0 {
            // What it begins with is the end of a line that nobody saw the begin of.
            self.finish(lines);
            let whole = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |end| end + 1);
            at += whole as u64;
            bytes = &bytes[whole..];
        } else {
            let known = (self.position - at).min(bytes.len() as u64) as usize;
            at += known as u64;
            bytes = &bytes[known..];
        }
        self.feed(0, at, bytes, lines);
        self.position = self.position.max(at + bytes.len() as u64);
        left_out
    }

    /// Bytes as they came; gives how many before them were skipped.
    pub fn live(&mut self, chunk: &Chunk, lines: &mut Lines) -> u64 {
        if chunk.incarnation > self.incarnation {
            // Another life: it does not end the line that the one before began.
            self.incarnation = chunk.incarnation;
            self.finish(lines);
            self.over = None;
        }
        let mut bytes = &chunk.bytes[..];
        let mut at = chunk.offset;
        let end = at + bytes.len() as u64;
        let mut skipped = chunk.gap;
        if !self.joined {
            let known = self.position.saturating_sub(at).min(bytes.len() as u64);
            at += known;
            bytes = &bytes[known as usize..];
            // What the ring had to drop the log may have given.
            skipped = at.saturating_sub(self.position);
            self.joined = end > self.position;
        }
        if skipped > 0 {
            self.finish(lines);
        }
        self.feed(usize::from(chunk.stream != 0), at, bytes, lines);
        self.position = self.position.max(end);
        skipped
    }

    fn feed(&mut self, stream: usize, at: u64, bytes: &[u8], lines: &mut Lines) {
        let open = &mut self.open[stream];
        let (mut at, mut rest) = (at, bytes);
        while !rest.is_empty() {
            let newline = memchr::memchr(b'\n', rest);
            let (segment, next) = rest.split_at(newline.map_or(rest.len(), |end| end + 1));
            let begin = *open.at.get_or_insert(at);
            open.plain.push(segment, &mut |line, _| {
                lines.push((begin, line_of(line)));
            });
            if newline.is_some() {
                open.at = None;
            }
            at += segment.len() as u64;
            rest = next;
        }
    }

    /// Whether a line has begun and not ended.
    pub fn is_amid(&self) -> bool {
        self.open.iter().any(|open| open.at.is_some())
    }

    /// What has begun ends here; what comes begins anew, in the midst of nothing.
    pub fn finish(&mut self, lines: &mut Lines) {
        for open in &mut self.open {
            let begin = open.at.take().unwrap_or(self.position);
            open.plain.finish(&mut |line, _| {
                lines.push((begin, line_of(line)));
            });
        }
    }
}

/// A line as it is shown.
pub(super) fn line_of(bytes: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(bytes).into_owned();
    let cut = (0..=LINE_MAX.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at));
    text.truncate(cut.unwrap_or(0));
    untabbed(text)
}
