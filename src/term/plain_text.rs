//! What a process wrote, as text that is safe for the user's terminal.
//!
//! Owns the filter [`PlainText`]: bytes in, lines of clean UTF-8 out. Escape sequences (ECMA-48: CSI,
//! OSC, DCS, SOS, PM, APC, two- and three-byte ones, and C1 controls in UTF-8 and as single bytes),
//! control characters and bidi overrides never come out; a bare carriage return starts the line anew, so
//! that of a progress bar only the last state remains. Never interprets a sequence and never keeps more
//! than one line, whatever a process writes. Start at [`PlainText::push`]; [`one_line`] and
//! [`safe_lines`] are for a text that is there as a whole.
//!
//! A line that is clean already is handed on where it lies, without a copy. Everything else goes through
//! a small state machine, so cutting the input anywhere gives the same lines.

use std::ops::Range;

use memchr::{memchr, memrchr};

use self::decode::{Decoder, Step};

mod decode;
#[cfg(test)]
mod tests;

/// The longest line that is kept, in bytes. A longer one is handed on in pieces.
pub const LINE_MAX: usize = 64 * 1024;

/// A string sequence (OSC, DCS, …) that has not ended after so many bytes is taken for text again.
const STRING_MAX: u32 = 64 * 1024;

/// Why a piece of a line is handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnd {
    /// The line is complete.
    Newline,
    /// The line is longer than [`LINE_MAX`]: this is a part of it, more follows.
    Cut,
}

/// Where in an escape sequence the input stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// In text.
    Ground,
    /// After ESC, with or without intermediate bytes.
    Escape,
    /// After CSI.
    Csi,
    /// In a string: how much of it was dropped, and whether only its terminator ends it (DCS: its data
    /// may hold newlines; in the others a newline shows that nobody meant a string).
    Text { dropped: u32, dcs: bool },
}

/// The filter. It is the state between two chunks of one stream.
#[derive(Debug)]
pub struct PlainText {
    mode: Mode,
    decoder: Decoder,
    /// The unfinished line: clean UTF-8, at most [`LINE_MAX`] bytes.
    line: Vec<u8>,
    /// A carriage return was seen; what follows decides what it means.
    returned: bool,
}

impl Default for PlainText {
    fn default() -> Self {
        Self::new()
    }
}

impl PlainText {
    /// A filter at the begin of a stream.
    pub fn new() -> Self {
        Self {
            mode: Mode::Ground,
            decoder: Decoder::default(),
            line: Vec::new(),
            returned: false,
        }
    }

    /// Takes a chunk and hands each line that it completes to `sink`, without its end of line.
    pub fn push(&mut self, chunk: &[u8], sink: &mut impl FnMut(&[u8], LineEnd)) {
        let mut rest = chunk;
        // Usually all of it, and then there is no need to look at each line.
        let sure = sure_part(chunk);
        while !rest.is_empty() {
            let newline = memchr(b'\n', rest);
            let (segment, next) = rest.split_at(newline.map_or(rest.len(), |at| at + 1));
            let begin = chunk.len() - rest.len();
            let is_sure = sure.start <= begin && begin + segment.len() <= sure.end;
            rest = next;
            let (body, ended) = match newline {
                Some(at) => (&segment[..at], true),
                None => (segment, false),
            };
            let between = self.mode == Mode::Ground && !self.decoder.is_inside();
            if between && (is_sure || is_clean(body, ended)) {
                self.clean(body, ended, sink);
            } else {
                self.slow(segment, sink);
            }
        }
    }

    /// Ends the stream: hands on what is left of the last line, if anything, and begins anew.
    pub fn finish(&mut self, sink: &mut impl FnMut(&[u8], LineEnd)) {
        if self.decoder.reset() {
            self.text("\u{fffd}".as_bytes(), sink);
        }
        if !self.line.is_empty() {
            sink(&self.line, LineEnd::Newline);
        }
        self.line = Vec::new();
        self.mode = Mode::Ground;
        self.returned = false;
    }

    /// A part of a line (to its end, if `ended`) that holds no sequence, no control character but tab
    /// and carriage return, and only whole characters.
    fn clean(&mut self, body: &[u8], ended: bool, sink: &mut impl FnMut(&[u8], LineEnd)) {
        let returns = body.iter().rev().take_while(|b| **b == b'\r').count();
        let text = &body[..body.len() - returns];
        let fresh = self.line.is_empty() || (self.returned && !text.is_empty());
        if ended && fresh && body.len() <= LINE_MAX {
            // Handed on where it lies: after its last bare carriage return, if it has one.
            let from = memrchr(b'\r', text).map_or(0, |at| at + 1);
            sink(&text[from..], LineEnd::Newline);
            self.line.clear();
            self.returned = false;
            return;
        }
        let mut rest = body;
        while let Some(at) = memchr(b'\r', rest) {
            self.text(&rest[..at], sink);
            self.returned = true;
            rest = &rest[at + 1..];
        }
        self.text(rest, sink);
        if ended {
            self.newline(sink);
        }
    }

    /// Adds clean text without carriage returns to the line.
    fn text(&mut self, mut text: &[u8], sink: &mut impl FnMut(&[u8], LineEnd)) {
        if text.is_empty() {
            return;
        }
        if std::mem::take(&mut self.returned) {
            self.line.clear();
        }
        while self.line.len() + text.len() > LINE_MAX {
            let mut fits = LINE_MAX - self.line.len();
            while fits > 0 && is_continuation(text[fits]) {
                fits -= 1;
            }
            self.line.extend_from_slice(&text[..fits]);
            sink(&self.line, LineEnd::Cut);
            self.line.clear();
            text = &text[fits..];
        }
        self.line.extend_from_slice(text);
    }

    fn newline(&mut self, sink: &mut impl FnMut(&[u8], LineEnd)) {
        sink(&self.line, LineEnd::Newline);
        self.line.clear();
        self.returned = false;
    }

    /// Byte by byte (and by runs of plain text).
    fn slow(&mut self, segment: &[u8], sink: &mut impl FnMut(&[u8], LineEnd)) {
        let mut at = 0;
        while at < segment.len() {
            let byte = segment[at];
            if self.mode != Mode::Ground {
                at += usize::from(self.in_sequence(byte));
                continue;
            }
            if !self.decoder.is_inside() {
                let run = plain_run(&segment[at..]);
                if run > 0 {
                    self.text(&segment[at..at + run], sink);
                    at += run;
                    continue;
                }
            }
            match self.decoder.step(byte) {
                Step::More => at += 1,
                Step::Character(bytes, length) => {
                    at += 1;
                    self.character(&bytes[..length], sink);
                }
                Step::Broken => self.text("\u{fffd}".as_bytes(), sink),
                Step::BrokenByte => {
                    at += 1;
                    self.text("\u{fffd}".as_bytes(), sink);
                }
                Step::Control(code) => {
                    at += 1;
                    self.control(code, sink);
                }
            }
        }
    }

    /// A character beyond ASCII.
    fn character(&mut self, bytes: &[u8], sink: &mut impl FnMut(&[u8], LineEnd)) {
        if !is_bidi_control(bytes) {
            self.text(bytes, sink);
        }
    }

    /// A C0 or C1 control character, or DEL, in text.
    fn control(&mut self, code: u8, sink: &mut impl FnMut(&[u8], LineEnd)) {
        match code {
            b'\t' => self.text(b"\t", sink),
            b'\n' => self.newline(sink),
            b'\r' => self.returned = true,
            0x08 if !self.returned => {
                while let Some(byte) = self.line.pop() {
                    if !is_continuation(byte) {
                        break;
                    }
                }
            }
            0x1b => self.mode = Mode::Escape,
            0x9b => self.mode = Mode::Csi,
            0x90 | 0x98 | 0x9d..=0x9f => self.mode = string(code == 0x90),
            _ => {}
        }
    }

    /// One byte while in a sequence: whether it belonged to it (else it is to be read as text).
    fn in_sequence(&mut self, byte: u8) -> bool {
        match (self.mode, byte) {
            (_, 0x1b) => self.mode = Mode::Escape,
            // CAN and SUB break off any sequence.
            (_, 0x18 | 0x1a) => self.mode = Mode::Ground,
            (Mode::Text { dcs: false, .. }, b'\n') => {
                self.mode = Mode::Ground;
                return false;
            }
            // BEL ends an OSC, as xterm has it; ST as one byte ends all.
            (Mode::Text { dcs: false, .. }, 0x07) | (Mode::Text { .. }, 0x9c) => {
                self.mode = Mode::Ground;
            }
            (Mode::Text { dropped, dcs }, _) => {
                self.mode = if dropped >= STRING_MAX {
                    Mode::Ground
                } else {
                    Mode::Text {
                        dropped: dropped + 1,
                        dcs,
                    }
                };
            }
            (Mode::Csi, 0x20..=0x3f) | (Mode::Escape, 0x20..=0x2f) => {}
            (Mode::Csi, 0x40..=0x7e) => self.mode = Mode::Ground,
            (Mode::Escape, b'[') => self.mode = Mode::Csi,
            (Mode::Escape, b'P') => self.mode = string(true),
            (Mode::Escape, b'X' | b']' | b'^' | b'_') => self.mode = string(false),
            (Mode::Escape, 0x30..=0x7e) => self.mode = Mode::Ground,
            // Nothing that a sequence may hold: it is over, and this is text again.
            _ => {
                self.mode = Mode::Ground;
                return false;
            }
        }
        true
    }
}

/// A text as one line that is safe for the user's terminal; between what were several lines stands a space.
pub fn one_line(text: &str) -> String {
    let mut safe = Vec::with_capacity(text.len());
    let mut goes_on = true;
    filter(text.as_bytes(), &mut |line, end| {
        if !goes_on {
            safe.push(b' ');
        }
        safe.extend_from_slice(line);
        goes_on = end == LineEnd::Cut || safe.is_empty();
    });
    String::from_utf8_lossy(&safe).into_owned()
}

/// A text as lines that are safe for the user's terminal, each with its end.
pub fn safe_lines(text: &[u8]) -> Vec<u8> {
    let mut safe = Vec::with_capacity(text.len() + 1);
    filter(text, &mut |line, end| {
        safe.extend_from_slice(line);
        if end == LineEnd::Newline {
            safe.push(b'\n');
        }
    });
    safe
}

/// Hands the lines of a whole text on.
fn filter(text: &[u8], sink: &mut impl FnMut(&[u8], LineEnd)) {
    let mut filter = PlainText::new();
    filter.push(text, sink);
    filter.finish(sink);
}

fn string(dcs: bool) -> Mode {
    Mode::Text { dropped: 0, dcs }
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

/// The bidi embeddings, overrides and isolates: U+202A to U+202E and U+2066 to U+2069. They can make a
/// line read as something that it is not.
fn is_bidi_control(bytes: &[u8]) -> bool {
    matches!(bytes, [0xe2, 0x80, 0xaa..=0xae] | [0xe2, 0x81, 0xa6..=0xa9])
}

/// Whether all bytes are printable ASCII, tabs, newlines or carriage returns. Written so that the
/// compiler turns it into vector code: blocks, no early exit inside a block.
fn is_plain_ascii(bytes: &[u8]) -> bool {
    fn odd(byte: u8) -> bool {
        // 0x20..=0x7e in one comparison; then the three that are allowed besides.
        byte.wrapping_sub(0x20) > 0x5e && byte != b'\t' && byte != b'\n' && byte != b'\r'
    }
    let mut blocks = bytes.chunks_exact(128);
    blocks
        .by_ref()
        .all(|block| !block.iter().fold(false, |any, byte| any | odd(*byte)))
        && !blocks.remainder().iter().any(|byte| odd(*byte))
}

/// Which part of a chunk is whole lines (or all of it) and surely clean.
fn sure_part(chunk: &[u8]) -> Range<usize> {
    if is_plain_ascii(chunk) {
        return 0..chunk.len();
    }
    // The first and the last line may be cut inside a character.
    match (memchr(b'\n', chunk), memrchr(b'\n', chunk)) {
        (Some(first), Some(last)) if is_clean_text(&chunk[first + 1..=last]) => first + 1..last + 1,
        _ => 0..0,
    }
}

/// Whether a part of a line is whole characters of clean text (and tabs and carriage returns).
fn is_clean(body: &[u8], ended: bool) -> bool {
    // A part without its end may stop inside a character: the state machine carries that.
    is_plain_ascii(body) || (ended && is_clean_text(body))
}

/// Whether it is UTF-8 without control characters other than tabs and ends of lines, and without bidi
/// controls.
fn is_clean_text(bytes: &[u8]) -> bool {
    fn odd(byte: u8) -> bool {
        (byte < 0x20 && byte != b'\t' && byte != b'\n' && byte != b'\r') || byte == 0x7f
    }
    let no_controls = bytes
        .chunks(128)
        .all(|block| !block.iter().fold(false, |any, byte| any | odd(*byte)));
    no_controls && !holds_c1_or_bidi(bytes) && std::str::from_utf8(bytes).is_ok()
}

/// Whether valid UTF-8 holds a C1 control (C2 80 to C2 9F) or a bidi control (see
/// [`is_bidi_control`]). Written for vector code too.
fn holds_c1_or_bidi(bytes: &[u8]) -> bool {
    let (second, third) = (bytes.get(1..), bytes.get(2..));
    let second = second.unwrap_or_default();
    let third = third.unwrap_or_default();
    let bidi = bytes.iter().zip(second).zip(third);
    let c1 = bytes.iter().zip(second);
    c1.fold(false, |any, (a, b)| {
        any | ((*a == 0xc2) & (*b >= 0x80) & (*b <= 0x9f))
    }) || bidi.fold(false, |any, ((a, b), c)| {
        let overrides = (*b == 0x80) & (*c >= 0xaa) & (*c <= 0xae);
        let isolates = (*b == 0x81) & (*c >= 0xa6) & (*c <= 0xa9);
        any | ((*a == 0xe2) & (overrides | isolates))
    })
}

/// How many bytes of printable ASCII (and tabs) it begins with.
fn plain_run(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .take_while(|b| matches!(**b, 0x20..=0x7e | b'\t'))
        .count()
}
