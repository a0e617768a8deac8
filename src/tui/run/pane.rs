//! One pane: the bytes of a process on their way into a terminal of our own.
//!
//! Owns the joining of what the log holds with what comes live, the bound on what waits, and the terminal. Never asks
//! for bytes itself. Start at [`Pane::live`] and [`Pane::parse`].
//!
//! A pane begins with the end of the log and goes on with live bytes. Both say where in the log they are, so that
//! nothing is shown twice and what was skipped is known ([`LogJoin`]).

use std::collections::VecDeque;

use crate::{
    engine::door::{Chunk, join::LogJoin},
    model::ids::ProcessId,
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

/// Bytes that wait.
#[derive(Debug)]
enum Piece {
    /// The end of the log.
    Log(Vec<u8>),
    /// What came live, and may be in the log too.
    Live(Chunk),
    /// What came live and is not in the log.
    New(Vec<u8>),
}

impl Piece {
    fn bytes(&self) -> &[u8] {
        match self {
            Piece::Live(chunk) => &chunk.bytes,
            Piece::Log(bytes) | Piece::New(bytes) => bytes,
        }
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
    /// The end of the log is still being read.
    loading: bool,
    waiting: VecDeque<Piece>,
    waiting_bytes: usize,
    /// Bytes of the first piece that were fed.
    fed: usize,
    /// Bytes that were skipped and not counted yet.
    missing: u64,
    join: LogJoin,
}

impl Pane {
    /// A pane that waits for the end of its log.
    pub fn new(process: ProcessId, size: (u16, u16), scrollback: usize) -> Self {
        Self {
            process,
            screen: Screen::new(size.0, size.1, scrollback),
            skipped: 0,
            loading: true,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            fed: 0,
            missing: 0,
            join: LogJoin::at(0),
        }
    }

    /// The end of the log was read: the bytes from `at` on.
    pub fn loaded(&mut self, at: u64, bytes: Vec<u8>) {
        if !self.loading {
            return;
        }
        self.loading = false;
        self.join = LogJoin::at(at + bytes.len() as u64);
        self.waiting_bytes += bytes.len();
        self.waiting.push_front(Piece::Log(bytes));
    }

    /// Bytes came.
    pub fn live(&mut self, chunk: Chunk) {
        self.waiting_bytes += chunk.bytes.len();
        self.waiting.push_back(Piece::Live(chunk));
        if self.waiting_bytes <= WAITING_MAX {
            return;
        }
        // While the log is read, live bytes may come without bound: the newest are enough.
        let least = if self.loading { WAITING_MAX } else { KEPT };
        while self.waiting_bytes > least && self.waiting.len() > 1 {
            self.skip();
        }
    }

    /// Skips the oldest bytes that wait; there are others behind them.
    fn skip(&mut self) {
        let Some(piece) = self.waiting.pop_front() else {
            return;
        };
        self.waiting_bytes -= piece.bytes().len();
        let fed = std::mem::take(&mut self.fed);
        match piece {
            // What of it is in the log is known only when that was read: its place is before the next one's.
            Piece::Live(chunk) if self.loading => {
                if let Some(Piece::Live(next)) = self.waiting.front_mut() {
                    next.gap += chunk.gap + chunk.bytes.len() as u64;
                }
            }
            Piece::Live(chunk) => {
                let (gap, new) = self.join.rest(&chunk);
                self.missing += gap + new.len() as u64;
            }
            Piece::Log(bytes) | Piece::New(bytes) => self.missing += (bytes.len() - fed) as u64,
        }
    }

    /// Whether bytes wait to be parsed.
    pub fn has_work(&self) -> bool {
        !self.loading && !self.waiting.is_empty()
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
        if let Some(Piece::Live(chunk)) = self.waiting.front() {
            let (gap, new) = self.join.rest(chunk);
            let new = new.to_vec();
            self.missing += gap;
            self.waiting_bytes -= chunk.bytes.len() - new.len();
            self.waiting[0] = Piece::New(new);
        }
        let Some(piece) = self.waiting.front() else {
            return Vec::new();
        };
        if self.missing > 0 {
            self.skipped += std::mem::take(&mut self.missing);
            self.screen.gap();
        }
        let is_past = matches!(piece, Piece::Log(_));
        let bytes = piece.bytes();
        let end = bytes.len().min(self.fed + PIECE);
        self.screen.feed(&bytes[self.fed..end]);
        self.fed = end;
        if end == bytes.len() {
            self.waiting_bytes -= bytes.len();
            self.waiting.pop_front();
            self.fed = 0;
        }
        let replies = self.screen.take_replies();
        if is_past {
            // It was asked before anybody could answer.
            self.screen.take_bell();
            return Vec::new();
        }
        replies
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::ids::Incarnation;

    fn live(pane: &mut Pane, offset: u64, gap: u64, bytes: &[u8]) {
        pane.live(Chunk {
            process: Arc::new(pane.process.clone()),
            incarnation: Incarnation(0),
            stream: 0,
            offset,
            gap,
            bytes: bytes.to_vec(),
        });
    }

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
        live(&mut pane, 3, 0, b"two\r\n");
        assert!(!pane.has_work(), "the log comes first");
        pane.loaded(0, b"1\r\ntwo\r\n".to_vec());
        live(&mut pane, 8, 0, b"three");
        finish(&mut pane);
        assert_eq!(shown(&pane), ["1", "two", "three", ""]);
        assert_eq!(pane.skipped, 0);
    }

    #[test]
    fn bytes_that_overlap_in_part_are_joined() {
        let mut pane = pane();
        pane.loaded(10, b"abcdef".to_vec());
        live(&mut pane, 13, 0, b"defghi");
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
            live(&mut pane, at, 0, &line);
            at += line.len() as u64;
            assert!(pane.waiting_bytes <= WAITING_MAX + line.len());
        }
        live(&mut pane, at, 0, b"the end");
        finish(&mut pane);
        assert!(pane.skipped > at - WAITING_MAX as u64, "{}", pane.skipped);
        assert!(pane.skipped < at - KEPT as u64 / 2, "{}", pane.skipped);
        assert_eq!(shown(&pane)[3], "the end");
        assert_eq!(pane.waiting_bytes, 0);
    }

    #[test]
    fn a_flood_while_the_log_is_read_is_counted_only_where_the_log_ends() {
        let mut pane = pane();
        let line = vec![b'x'; 64 << 10];
        let pieces = 40;
        for piece in 0..pieces {
            live(&mut pane, piece * line.len() as u64, 0, &line);
        }
        let read = 10 * line.len() as u64;
        pane.loaded(read - 4, b"tail".to_vec());
        finish(&mut pane);
        let came = pieces * line.len() as u64;
        assert_eq!(pane.skipped, came - read - WAITING_MAX as u64);
    }

    #[test]
    fn what_a_full_disk_does_not_take_is_shown_and_what_was_dropped_on_the_way_is_counted() {
        let mut pane = pane();
        pane.loaded(0, b"1\r\n".to_vec());
        for line in [&b"2\r\n"[..], b"3\r\n", b"4"] {
            live(&mut pane, 3, 0, line);
        }
        finish(&mut pane);
        assert_eq!(shown(&pane), ["1", "2", "3", "4"]);
        live(&mut pane, 3, 500, b"5");
        finish(&mut pane);
        assert_eq!(pane.skipped, 500);
    }

    #[test]
    fn questions_of_the_past_are_not_answered_and_those_of_now_are() {
        let mut pane = pane();
        pane.loaded(0, b"\x1b[6n".to_vec());
        assert_eq!(finish(&mut pane), b"");
        live(&mut pane, 4, 0, b"\x1b[6n");
        assert_eq!(finish(&mut pane), b"\x1b[1;1R");
    }
}
