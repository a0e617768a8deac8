//! One pane: the bytes of a process on their way into a terminal of our own.
//!
//! Owns the joining of what the log holds with what comes live, the bound on what waits, and the terminal. Never asks
//! for bytes itself. Start at [`Pane::live`] and [`Pane::parse`].
//!
//! A pane begins with the end of the log and goes on with live bytes. Both say where in the log they are, so that
//! nothing is shown twice and what was skipped is known.

use std::collections::VecDeque;

use crate::{
    model::ids::{Incarnation, ProcessId},
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

/// Bytes with their place in the log.
#[derive(Debug)]
struct Piece {
    at: u64,
    bytes: Vec<u8>,
    /// How many of them were fed.
    fed: usize,
}

impl Piece {
    fn end(&self) -> u64 {
        self.at + self.bytes.len() as u64
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
    /// It stands still: what comes waits.
    pub paused: bool,
    /// The end of the log is still being read.
    loading: bool,
    waiting: VecDeque<Piece>,
    waiting_bytes: usize,
    /// Where in the log the next byte is expected.
    position: u64,
    incarnation: Incarnation,
    /// Bytes before this place in the log came before anybody could answer: questions in them are not answered.
    silent_until: u64,
}

impl Pane {
    /// A pane that waits for the end of its log.
    pub fn new(process: ProcessId, size: (u16, u16), scrollback: usize) -> Self {
        Self {
            process,
            screen: Screen::new(size.0, size.1, scrollback),
            skipped: 0,
            paused: false,
            loading: true,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            position: 0,
            incarnation: Incarnation::default(),
            silent_until: 0,
        }
    }

    /// The end of the log was read: the bytes from `at` on.
    pub fn loaded(&mut self, at: u64, bytes: Vec<u8>) {
        if !self.loading {
            return;
        }
        self.loading = false;
        self.position = at;
        self.silent_until = at + bytes.len() as u64;
        self.waiting_bytes += bytes.len();
        self.waiting.push_front(Piece { at, bytes, fed: 0 });
    }

    /// Bytes came, the first of them at this place of the log.
    pub fn live(&mut self, incarnation: Incarnation, at: u64, bytes: Vec<u8>) {
        self.incarnation = self.incarnation.max(incarnation);
        self.waiting_bytes += bytes.len();
        self.waiting.push_back(Piece { at, bytes, fed: 0 });
        if self.waiting_bytes > WAITING_MAX && !self.loading {
            while self.waiting_bytes > KEPT
                && self.waiting.len() > 1
                && let Some(piece) = self.waiting.pop_front()
            {
                self.waiting_bytes -= piece.bytes.len();
            }
        }
        // While the log is read, live bytes may come without bound: the newest are enough.
        while self.loading
            && self.waiting_bytes > WAITING_MAX
            && let Some(piece) = self.waiting.pop_front()
        {
            self.waiting_bytes -= piece.bytes.len();
        }
    }

    /// Whether bytes wait to be parsed.
    pub fn has_work(&self) -> bool {
        !self.loading && !self.paused && !self.waiting.is_empty()
    }

    /// Bytes that wait.
    pub fn waiting(&self) -> usize {
        self.waiting_bytes
    }

    /// Whether the end of the log is still being read.
    pub fn is_loading(&self) -> bool {
        self.loading
    }

    /// Parses one piece of what waits. What the program is to be answered is returned.
    pub fn parse(&mut self) -> Vec<u8> {
        if self.loading {
            return Vec::new();
        }
        let Some(piece) = self.waiting.front_mut() else {
            return Vec::new();
        };
        let rest = &piece.bytes[piece.fed..];
        let len = rest.len().min(PIECE);
        let at = piece.at + piece.fed as u64;
        let end = at + len as u64;
        if at > self.position {
            self.skipped += at - self.position;
            self.screen.gap();
            self.position = at;
        }
        // What the log already gave.
        let known = (self.position - at).min(len as u64) as usize;
        self.screen.feed(&rest[known..len]);
        self.position = self.position.max(end);
        piece.fed += len;
        if piece.fed == piece.bytes.len() {
            self.waiting_bytes -= piece.bytes.len();
            self.waiting.pop_front();
        }
        let replies = self.screen.take_replies();
        if end <= self.silent_until {
            self.screen.take_bell();
            return Vec::new();
        }
        replies
    }

    /// Where in the log what is shown ends.
    pub fn position(&self) -> u64 {
        self.waiting
            .back()
            .map_or(self.position, |piece| piece.end().max(self.position))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pane() -> Pane {
        Pane::new("g/a.0".parse().unwrap(), (4, 20), 100)
    }

    fn finish(pane: &mut Pane) -> Vec<u8> {
        let mut replies = Vec::new();
        while pane.has_work() {
            replies.extend(pane.parse());
        }
        replies
    }

    fn shown(pane: &Pane) -> Vec<String> {
        let lines = (0..4).map(|line| pane.screen.line_text(line));
        lines.map(|line| line.trim_end().to_owned()).collect()
    }

    #[test]
    fn what_the_log_gave_is_not_shown_again_when_it_comes_live() {
        let mut pane = pane();
        pane.live(Incarnation(0), 3, b"two\r\n".to_vec());
        assert!(!pane.has_work(), "the log comes first");
        pane.loaded(0, b"1\r\ntwo\r\n".to_vec());
        pane.live(Incarnation(0), 8, b"three".to_vec());
        finish(&mut pane);
        assert_eq!(shown(&pane), ["1", "two", "three", ""]);
        assert_eq!(pane.skipped, 0);
    }

    #[test]
    fn bytes_that_overlap_in_part_are_joined() {
        let mut pane = pane();
        pane.loaded(10, b"abcdef".to_vec());
        pane.live(Incarnation(0), 13, b"defghi".to_vec());
        finish(&mut pane);
        assert_eq!(shown(&pane)[0], "abcdefghi");
    }

    #[test]
    fn a_flood_is_skipped_and_counted_and_its_end_is_shown() {
        let mut pane = pane();
        pane.loaded(0, Vec::new());
        let line = b"0123456789abcdef\r\n".repeat(4_000);
        let mut at = 0;
        for _ in 0..40 {
            pane.live(Incarnation(0), at, line.clone());
            at += line.len() as u64;
            assert!(pane.waiting_bytes <= WAITING_MAX + line.len());
        }
        pane.live(Incarnation(0), at, b"the end".to_vec());
        finish(&mut pane);
        assert!(pane.skipped > 0);
        assert_eq!(shown(&pane)[3], "the end");
        assert_eq!(pane.position(), at + 7);
    }

    #[test]
    fn questions_of_the_past_are_not_answered_and_those_of_now_are() {
        let mut pane = pane();
        pane.loaded(0, b"\x1b[6n".to_vec());
        assert_eq!(finish(&mut pane), b"");
        pane.live(Incarnation(0), 4, b"\x1b[6n".to_vec());
        assert_eq!(finish(&mut pane), b"\x1b[1;1R");
    }
}
