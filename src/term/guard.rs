//! What of a child's output may reach the emulator, decided before it gets there.
//!
//! Owns the scan for control strings (OSC, DCS, APC, PM, SOS) and for the repeat sequence (REP). Strings never
//! pass: the emulator would keep them whole, without any limit, to act on almost none. Short operating system
//! commands are handed out for [`super::Screen`] to act on; the rest is skipped. Ordinary bytes pass in whole
//! slices, found with one `memchr` for ESC. It never interprets anything else
//! and changes no ordinary byte; a character cut by the end of a read waits for its rest.
//!
//! Start at [`Guard::feed`]. How bytes fall into sequences follows the parser behind it (vte 0.15), itself after
//! Paul Williams' state machine (<https://vt100.net/emu/dec_ansi_parser>): the two must agree where text begins.

use memchr::memchr;

/// Bytes of an operating system command that are kept: titles and colour queries are far shorter.
const LONGEST_KEPT: usize = 4096;

/// A string that has not ended after so many bytes is no string but a stray escape in binary output, and what
/// follows is text again: a pane silent for ever is worse than a huge image shown as letters.
pub(super) const LONGEST_STRING: usize = 4 << 20;

const BEL: u8 = 0x07;
const CAN: u8 = 0x18;
const SUB: u8 = 0x1a;
const ESC: u8 = 0x1b;

/// What comes out of the guard, in order.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Bytes for the emulator.
    Pass(&'a [u8]),
    /// The last character once more, so many times (REP); at least 1.
    Repeat(u16),
    /// An operating system command, without introducer and terminator, cut at [`LONGEST_KEPT`].
    Command {
        /// Number, semicolon, text.
        text: &'a [u8],
        /// It ended with BEL; an answer ends alike.
        bell: bool,
    },
}

/// Where in the grammar the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Ground,
    Escape,
    /// After ESC and an intermediate byte: the next letter ends it, whatever it is.
    Intermediate,
    Csi(Csi),
    /// Inside a control string.
    Text {
        /// An operating system command: kept, and ended by BEL too.
        command: bool,
    },
}

/// As much of a control sequence as tells REP from the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Csi {
    /// The first parameter.
    count: u16,
    /// Still within the first parameter.
    first: bool,
    /// No private marker or intermediate so far.
    plain: bool,
}

/// The scanner; it remembers where in a sequence the last bytes ended.
#[derive(Debug, Default)]
pub(super) struct Guard {
    state: State,
    command: Vec<u8>,
    /// Bytes of the present string so far.
    skipped: usize,
    /// The begin of a character of text that the last bytes ended within.
    tail: [u8; 4],
    /// How many bytes that are.
    held: usize,
}

impl Guard {
    /// Takes the next bytes of the stream and hands out what becomes of them. It does not matter where the
    /// stream is cut into calls.
    pub(super) fn feed(&mut self, bytes: &[u8], mut emit: impl FnMut(Piece<'_>)) {
        let taken = self.complete(bytes, &mut emit);
        if taken < bytes.len() {
            self.scan(&bytes[taken..], &mut emit);
        }
    }

    /// A control string has begun and not ended.
    pub(super) fn in_string(&self) -> bool {
        matches!(self.state, State::Text { .. })
    }

    fn scan(&mut self, bytes: &[u8], emit: &mut impl FnMut(Piece<'_>)) {
        // Everything from `start` to `at` passes.
        let mut start = 0;
        let mut at = 0;
        while at < bytes.len() {
            match self.state {
                State::Ground => match memchr(ESC, &bytes[at..]) {
                    Some(before) => {
                        at += before + 1;
                        self.state = State::Escape;
                    }
                    None => at = bytes.len(),
                },
                State::Escape => {
                    let byte = bytes[at];
                    if let b']' | b'P' | b'X' | b'^' | b'_' = byte {
                        cancel(&bytes[start..at], emit);
                        self.command.clear();
                        self.skipped = 0;
                        self.state = State::Text {
                            command: byte == b']',
                        };
                    } else {
                        self.state = after_escape(byte);
                    }
                    at += 1;
                }
                State::Intermediate => {
                    self.state = match bytes[at] {
                        0x30..=0x7e | CAN | SUB => State::Ground,
                        ESC => State::Escape,
                        _ => State::Intermediate,
                    };
                    at += 1;
                }
                State::Csi(mut csi) => {
                    let next = csi.scan(&bytes[at..], &mut at);
                    if next == State::Ground && bytes[at - 1] == b'b' && csi.plain {
                        cancel(&bytes[start..at - 1], emit);
                        emit(Piece::Repeat(csi.count.max(1)));
                        start = at;
                    }
                    self.state = next;
                }
                State::Text { command } => {
                    at += self.skip(&bytes[at..], command, emit);
                    // The escape that ended the string begins the next sequence, and passes.
                    start = at - usize::from(self.state == State::Escape);
                }
            }
        }
        if self.in_string() {
            return;
        }
        let mut rest = &bytes[start..];
        if self.state == State::Ground {
            let (whole, begun) = rest.split_at(rest.len() - begun_character(rest));
            self.tail[..begun.len()].copy_from_slice(begun);
            self.held = begun.len();
            rest = whole;
        }
        if !rest.is_empty() {
            emit(Piece::Pass(rest));
        }
    }

    /// Passes the character that the last bytes ended within, when it is complete or will never be; says how many
    /// of the new bytes belong to it. The parser puts such characters together too, but loses the letter after one
    /// when a further one begins right behind.
    fn complete(&mut self, bytes: &[u8], emit: &mut impl FnMut(Piece<'_>)) -> usize {
        if self.held == 0 {
            return 0;
        }
        let length = character_length(self.tail[0]);
        let missing = bytes.iter().take(length - self.held);
        let taken = missing.take_while(|byte| is_continuation(**byte)).count();
        self.tail[self.held..self.held + taken].copy_from_slice(&bytes[..taken]);
        self.held += taken;
        if self.held == length || taken < bytes.len() {
            emit(Piece::Pass(&self.tail[..self.held]));
            self.held = 0;
        }
        taken
    }

    /// Skips what belongs to a string and says how many bytes that were, with its terminator.
    fn skip(&mut self, bytes: &[u8], command: bool, emit: &mut impl FnMut(Piece<'_>)) -> usize {
        let window = &bytes[..bytes.len().min(LONGEST_STRING - self.skipped)];
        let ends = |byte: &u8| matches!(*byte, ESC | CAN | SUB) || command && *byte == BEL;
        let end = window.iter().position(ends);
        let body = &window[..end.unwrap_or(window.len())];
        if command {
            let room = LONGEST_KEPT - self.command.len();
            self.command
                .extend_from_slice(&body[..body.len().min(room)]);
        }
        self.skipped += body.len();
        let Some(end) = end else {
            if self.skipped == LONGEST_STRING {
                self.state = State::Ground;
            }
            return body.len();
        };
        let bell = window[end] == BEL;
        let escape = window[end] == ESC;
        if command && (bell || escape) {
            emit(Piece::Command {
                text: &self.command,
                bell,
            });
        }
        self.state = if escape { State::Escape } else { State::Ground };
        end + 1
    }
}

impl Csi {
    const START: Self = Self {
        count: 0,
        first: true,
        plain: true,
    };

    /// Reads on until the sequence ends or the bytes do; moves `at` behind what was read.
    fn scan(&mut self, bytes: &[u8], at: &mut usize) -> State {
        for &byte in bytes {
            *at += 1;
            match byte {
                b'0'..=b'9' if self.first => {
                    let digit = u16::from(byte - b'0');
                    self.count = self.count.saturating_mul(10).saturating_add(digit);
                }
                b':' | b';' => self.first = false,
                0x20..=0x2f | 0x3c..=0x3f => self.plain = false,
                0x40..=0x7e | CAN | SUB => return State::Ground,
                ESC => return State::Escape,
                // Controls act at once, and the sequence goes on.
                _ => {}
            }
        }
        State::Csi(*self)
    }
}

fn after_escape(byte: u8) -> State {
    match byte {
        b'[' => State::Csi(Csi::START),
        0x20..=0x2f => State::Intermediate,
        0x30..=0x7e | CAN | SUB => State::Ground,
        // Controls act at once; a further ESC begins anew; the rest is ignored.
        _ => State::Escape,
    }
}

/// How many of the last bytes are the begin of a UTF-8 character that is not complete: 0 to 3.
fn begun_character(bytes: &[u8]) -> usize {
    let last = bytes.iter().rev().take(3);
    let following = last.take_while(|byte| is_continuation(**byte)).count();
    match bytes.len().checked_sub(following + 1) {
        Some(lead) if character_length(bytes[lead]) > following + 1 => following + 1,
        _ => 0,
    }
}

fn character_length(lead: u8) -> usize {
    match lead {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    }
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

/// Passes `before`, and CAN for what follows it: the parser has seen the begin of a sequence and forgets it.
fn cancel(before: &[u8], emit: &mut impl FnMut(Piece<'_>)) {
    if !before.is_empty() {
        emit(Piece::Pass(before));
    }
    emit(Piece::Pass(&[CAN]));
}

#[cfg(test)]
mod tests;
