//! One pane: the bytes of a process on their way into a terminal of our own.
//!
//! Owns the joining of what the log holds with what comes live, the bound on what waits, the change from one life of the
//! process to the next, and the terminal. Never asks for bytes itself. Start at [`Pane::live`] and [`Pane::parse`].
//!
//! A pane begins with the end of the log and goes on with live bytes. Both say where in the log they are, so that
//! nothing is shown twice and what was skipped is known. A pane that is closed keeps its terminal for a while
//! (`parked`); it is opened again with what the log got since.

use std::{borrow::Cow, collections::VecDeque, time::Instant};

use crate::{
    model::{
        event::Channel,
        ids::{Incarnation, ProcessId},
    },
    term::Screen,
};

/// Bytes of the end of a log that a pane begins with.
pub const TAIL: usize = 256 << 10;

/// Bytes that may wait to be parsed; beyond, the oldest are skipped down to [`KEPT`]: a screenful of them is all that
/// anybody can see.
const WAITING_MAX: usize = 1 << 20;
const KEPT: usize = 128 << 10;

/// Bytes fed at once, between looks at the clock: a stream of nothing but clear-screens takes some milliseconds for so
/// many, ordinary text some microseconds.
const PIECE: usize = 2 << 10;

/// Where a log is cut, its first line is shown from its begin on if that is no farther than this, in bytes.
const LINE_MAX: usize = 16 << 10;

/// Some output with its place in the log.
#[derive(Debug, Default)]
struct Piece {
    life: Incarnation,
    /// As in the message: 1 is standard error, where that is apart. Absent: it is what the log gave.
    stream: Option<u8>,
    at: u64,
    /// Bytes before it that nobody gets to see.
    gap: u64,
    bytes: Vec<u8>,
    /// How many of them were fed.
    fed: usize,
}

impl Piece {
    fn end(&self) -> u64 {
        self.at + self.bytes.len() as u64
    }

    /// It says only that a life has begun.
    fn is_mark(&self) -> bool {
        self.bytes.is_empty() && self.stream.is_some()
    }
}

/// How the ends of lines come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ways {
    /// Of standard output.
    pub channel: Channel,
    /// Standard error comes by a way of its own, which is a pipe.
    pub apart: bool,
}

impl Ways {
    /// A bare newline goes to the begin of the next line, as no terminal is there to say so. The log has both streams,
    /// and does not tell them apart.
    fn is_pipe(self, stream: Option<u8>) -> bool {
        self.channel == Channel::Pipe || stream.map_or(self.apart, |stream| stream == 1)
    }
}

/// A process that is shown.
pub struct Pane {
    /// Whose output it is.
    pub process: ProcessId,
    /// What it looks like.
    pub screen: Screen,
    /// Bytes that were skipped because they came faster than they could be shown.
    pub skipped: u64,
    /// The rows and columns that its terminal was told, in which life.
    pub told: Option<(Incarnation, u16, u16)>,
    /// Its begin is not known, and it was told another size for a moment, so that a full-screen program draws itself anew.
    pub nudged: Option<Instant>,
    /// Since when its program is in the middle of an update that is to be seen as a whole.
    pub torn_since: Option<Instant>,
    /// What is typed goes here, and the program may know.
    pub has_focus: bool,
    /// Its output comes this way; bytes wait until that is known.
    pub ways: Option<Ways>,
    /// It stands still: what comes waits.
    pub paused: bool,
    /// The end of the log is still being read.
    loading: bool,
    /// What the log asks is answered: the program began just now, and may wait for it.
    answers: bool,
    /// Nothing was shown yet.
    is_new: bool,
    /// The log has more than what is shown.
    is_cut: bool,
    waiting: VecDeque<Piece>,
    waiting_bytes: usize,
    /// Where in the log the next byte is expected.
    position: u64,
    /// The life that what is shown last belongs to, and the one whose begin was marked last.
    life: Incarnation,
    marked: Incarnation,
    /// Bytes before this place in the log came before anybody could answer: questions in them are not answered. What comes
    /// live from before it is shown already.
    silent_until: u64,
    /// Live bytes have come from behind that place. From then on their order is enough: what the disk does not take has no
    /// place in the log.
    is_live: bool,
    /// The last byte of a pipe was a carriage return.
    returned: bool,
}

impl Pane {
    /// A pane that waits for its log, from this place on.
    pub fn new(process: ProcessId, size: (u16, u16), scrollback: usize, from: u64) -> Self {
        Self {
            process,
            screen: Screen::new(size.0, size.1, scrollback),
            skipped: 0,
            told: None,
            nudged: None,
            torn_since: None,
            has_focus: false,
            ways: None,
            paused: false,
            loading: true,
            answers: false,
            is_new: true,
            is_cut: false,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            position: from,
            life: Incarnation::default(),
            marked: Incarnation::default(),
            silent_until: 0,
            is_live: false,
            returned: false,
        }
    }

    /// Closed for now: what waits is in the log as well, and is read from there when it is opened again.
    pub fn close(&mut self) {
        self.answers = false;
        self.paused = false;
        self.waiting.clear();
        self.waiting_bytes = 0;
        self.loading = true;
        self.is_new = false;
        self.is_live = false;
        self.has_focus = false;
        self.torn_since = None;
    }

    /// The log was read: its bytes from `at` on, to which this life wrote last. True: there are bytes before it that
    /// nobody has seen, so that nobody knows what a full-screen program drew. What the program asks in them is answered
    /// only if `answers`: it began just now, and may wait for it.
    pub fn loaded(
        &mut self,
        life: Incarnation,
        at: u64,
        mut bytes: Vec<u8>,
        answers: bool,
    ) -> bool {
        if !self.loading {
            return false;
        }
        self.loading = false;
        self.answers = answers;
        self.silent_until = at + bytes.len() as u64;
        let missing = at.saturating_sub(self.position);
        let mut begin = at;
        if missing > 0 {
            self.is_cut = true;
            // The first line lacks its begin, and may be the rest of anything.
            let head = &bytes[..bytes.len().min(LINE_MAX)];
            if let Some(end) = memchr::memchr(b'\n', head) {
                bytes.drain(..=end);
                begin += end as u64 + 1;
            }
        }
        self.position = begin;
        if self.is_new {
            (self.life, self.marked) = (life, life);
        }
        // A life may have begun within: its begin is not recorded. Better all of it on a fresh screen than none.
        let life = if bytes.is_empty() { self.life } else { life };
        self.waiting_bytes += bytes.len();
        self.waiting.push_front(Piece {
            life,
            stream: None,
            at: begin,
            gap: if self.is_new { 0 } else { missing },
            bytes,
            fed: 0,
        });
        missing > 0
    }

    /// Bytes came.
    pub fn live(&mut self, life: Incarnation, stream: u8, at: u64, gap: u64, bytes: Vec<u8>) {
        let piece = Piece {
            life,
            stream: Some(stream),
            at,
            gap,
            bytes,
            fed: 0,
        };
        self.waiting_bytes += piece.bytes.len();
        // A life may be told of before the last bytes of the one before come.
        match self
            .waiting
            .pop_back_if(|last| last.is_mark() && last.life > life)
        {
            Some(mark) => self.waiting.extend([piece, mark]),
            None => self.waiting.push_back(piece),
        }
        if self.waiting_bytes > WAITING_MAX {
            // While the log is read, the oldest of what came live may be in it; then the newest are enough.
            let keep = if self.loading { WAITING_MAX } else { KEPT };
            let mut gap = 0;
            while self.waiting_bytes > keep
                && self.waiting.len() > 1
                && let Some(piece) = self.waiting.pop_front()
            {
                let rest = piece.bytes.len() - piece.fed;
                self.waiting_bytes -= rest;
                gap += piece.gap + rest as u64;
            }
            if let Some(first) = self.waiting.front_mut() {
                first.gap += gap;
            }
        }
    }

    /// Another life of the process has begun, although it may not have written anything.
    pub fn begins(&mut self, life: Incarnation) {
        let newest = self.waiting.back().map_or(self.life, |last| last.life);
        if self.loading || life <= newest {
            return;
        }
        self.waiting.pop_back_if(|last| last.is_mark());
        let at = self.position();
        self.waiting.push_back(Piece {
            life,
            at,
            stream: Some(0),
            ..Piece::default()
        });
    }

    /// Whether bytes wait to be parsed.
    pub fn has_work(&self) -> bool {
        !self.loading && !self.paused && self.ways.is_some() && !self.waiting.is_empty()
    }

    /// Bytes that wait.
    pub fn waiting(&self) -> usize {
        self.waiting_bytes
    }

    /// Whether the log is still being read.
    pub fn is_loading(&self) -> bool {
        self.loading
    }

    /// Whether the log has lines above the topmost one there is.
    pub fn has_more_above(&self) -> bool {
        self.is_cut || self.skipped > 0 || self.screen.is_full()
    }

    /// Parses one piece of what waits. What the program is to be answered is returned.
    pub fn parse(&mut self) -> Vec<u8> {
        let (false, Some(ways)) = (self.loading, self.ways) else {
            return Vec::new();
        };
        let Some(mut piece) = self.waiting.pop_front() else {
            return Vec::new();
        };
        let rest = &piece.bytes[piece.fed..];
        let len = rest.len().min(PIECE);
        let at = piece.at + piece.fed as u64;
        let end = at + len as u64;
        let is_joined = self.is_live || piece.stream.is_none();
        // What the log already gave.
        let known = match is_joined {
            true => 0,
            false => self.silent_until.saturating_sub(at).min(len as u64) as usize,
        };
        self.skip(match is_joined {
            true => piece.gap,
            // Some of what was dropped may be what the log gave.
            false => piece.gap.min(at.saturating_sub(self.silent_until)),
        });
        piece.gap = 0;
        self.turn_to(piece.life);
        let new = &rest[known..len];
        match ways.is_pipe(piece.stream) {
            true => self.screen.feed(&with_returns(new, &mut self.returned)),
            false => self.screen.feed(new),
        }
        let is_log = piece.stream.is_none();
        let is_past = is_log || !self.is_live && end <= self.silent_until;
        self.is_live |= !is_past;
        if known < len {
            self.position = end;
        }
        self.waiting_bytes -= len;
        piece.fed += len;
        if piece.fed < piece.bytes.len() {
            self.waiting.push_front(piece);
        }
        let replies = self.screen.take_replies();
        // Nobody waits for an answer any more, but a program that began just now.
        match is_past && !(self.answers && is_log) {
            true => Vec::new(),
            false => replies,
        }
    }

    /// Bytes are not shown.
    fn skip(&mut self, gap: u64) {
        if gap > 0 {
            self.skipped += gap;
            self.screen.gap();
        }
    }

    /// What comes now is of this life: it finds nothing of what another one left behind.
    fn turn_to(&mut self, life: Incarnation) {
        if life == self.life {
            return;
        }
        self.life = life;
        self.screen.new_life();
        self.returned = false;
        if life <= self.marked {
            return;
        }
        self.marked = life;
        let is_blank = self.screen.history() == 0 && self.screen.line_is_blank(0);
        if !is_blank {
            let mark = format!("\x1b[2m-- restart {} --\x1b[0m\r\n", life.0);
            self.screen.feed(mark.as_bytes());
        }
    }

    /// Where in the log what is shown ends.
    pub fn shown_until(&self) -> u64 {
        self.position
    }

    /// Where in the log what came ends.
    fn position(&self) -> u64 {
        self.waiting.back().map_or(self.position, Piece::end)
    }
}

/// The bytes of a pipe as a terminal needs them: each newline goes to the begin of the next line. `returned`: whether the
/// last byte so far was a carriage return.
fn with_returns<'a>(bytes: &'a [u8], returned: &mut bool) -> Cow<'a, [u8]> {
    let Some(last) = bytes.last() else {
        return Cow::Borrowed(bytes);
    };
    let mut before = std::mem::replace(returned, *last == b'\r');
    if memchr::memchr(b'\n', bytes).is_none() {
        return Cow::Borrowed(bytes);
    }
    let mut all = Vec::with_capacity(bytes.len() + bytes.len() / 16);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if let Some(text) = line.strip_suffix(b"\n") {
            all.extend_from_slice(text);
            let is_there = text.last().map_or(before, |byte| *byte == b'\r');
            all.extend_from_slice(if is_there { b"\n" } else { b"\r\n" });
        } else {
            all.extend_from_slice(line);
        }
        before = false;
    }
    Cow::Owned(all)
}

#[cfg(test)]
mod tests;
