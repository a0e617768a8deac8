//! Requests off the wire: RESP arrays of bulk strings, and inline commands, with every limit of the contract.
//!
//! Pure and incremental: bytes go in through [`RequestReader::space`] or [`RequestReader::feed`], whole commands come
//! out of [`RequestReader::next_request`]; no socket, no clock. Work is linear in the input. A value from 4 KiB on is
//! read straight into an allocation of its own (never a second copy, never a read buffer pinned by it).
use bytes::Bytes;

use super::inline::{is_http, is_space, unquote};
use super::items::{Item, SHARED_FROM, Tick};

/// Most arguments of one command.
pub const MAX_ARGS: usize = 1024 * 1024;
/// Longest value (stock's `proto-max-bulk-len`).
pub const MAX_BULK: usize = 512 * 1024 * 1024;
/// Longest line: an inline command or a length.
const MAX_LINE: usize = 64 * 1024;
/// Most bytes of one command (stock's query buffer limit).
const MAX_COMMAND: usize = 1024 * 1024 * 1024;
/// Before AUTH: most arguments, longest argument.
const UNAUTHENTICATED: (usize, usize) = (10, 16 * 1024);
/// A command of more arguments leaves no table of them behind.
const MANY_ARGS: usize = 4096;
/// A buffer that one command made larger than this goes with it.
const LARGE_BUFFER: usize = 1024 * 1024;
/// Room offered for each read.
pub const READ_SIZE: usize = 64 * 1024;
/// First allocation for a long value; it doubles as bytes really come, so an announced length alone costs nothing.
const FIRST_GROWTH: usize = 1024 * 1024;

/// Why a stream cannot be read any further: the connection is closed, after [`ProtocolError::reply`] if there is one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// Broken framing or a limit.
    #[error("Protocol error: {0}")]
    Broken(String),
    /// A browser tricked into talking to us: closed without an answer.
    #[error("an HTTP request")]
    Http,
}

impl ProtocolError {
    /// The text of the error reply, `None` where there must be no answer.
    pub fn reply(&self) -> Option<String> {
        match self {
            ProtocolError::Broken(_) => Some(format!("ERR {self}")),
            ProtocolError::Http => None,
        }
    }
}

fn broken<T>(what: &str) -> Result<T, ProtocolError> {
    Err(ProtocolError::Broken(what.to_owned()))
}

/// Where an argument lies: in the buffer, relative to the command's start, or in the list of long values.
#[derive(Debug, Clone, Copy)]
enum Span {
    Here { start: u32, len: u32 },
    Long { index: u32 },
}

/// One whole command, borrowed from its reader.
#[derive(Debug)]
pub struct Request<'a> {
    buf: &'a [u8],
    spans: &'a [Span],
    long: &'a [Bytes],
}

impl Request<'_> {
    /// Number of arguments, the command's name included; never 0.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Never true; here because `len` is.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The argument at `index`; empty when there is none.
    pub fn arg(&self, index: usize) -> &[u8] {
        match self.spans.get(index) {
            Some(&Span::Here { start, len }) => &self.buf[start as usize..(start + len) as usize],
            Some(&Span::Long { index }) => &self.long[index as usize],
            None => &[],
        }
    }

    /// The argument at `index` as an item: long values are shared, short ones copied.
    pub fn item(&self, index: usize, at: Tick) -> Item {
        match self.spans.get(index) {
            Some(&Span::Long { index }) => Item::shared(self.long[index as usize].clone(), at),
            _ => Item::copied(self.arg(index), at),
        }
    }

    /// All arguments from `from` on.
    pub fn args(&self, from: usize) -> impl Iterator<Item = &[u8]> {
        (from..self.len()).map(|index| self.arg(index))
    }
}

/// A long value that is still coming in, with the CR LF behind it.
#[derive(Debug)]
struct Growing {
    bytes: Vec<u8>,
    want: usize,
}

/// The reading side of one connection.
#[derive(Debug, Default)]
pub struct RequestReader {
    buf: Vec<u8>,
    /// Where the command being read starts; everything before is done with.
    start: usize,
    /// The next byte to look at.
    pos: usize,
    /// How far a line end was searched in vain.
    searched: usize,
    /// Arguments still missing; 0 between commands.
    missing: usize,
    /// Announced length of the argument whose body comes next.
    body: Option<usize>,
    growing: Option<Growing>,
    spans: Vec<Span>,
    long: Vec<Bytes>,
    /// Bytes of the long values.
    long_bytes: usize,
}

impl RequestReader {
    /// Where the next bytes of the stream are to be appended; it has room for at least one byte.
    pub fn space(&mut self) -> &mut Vec<u8> {
        if self.growing.is_none() {
            self.compact();
            self.buf.reserve(READ_SIZE);
        }
        match &mut self.growing {
            None => &mut self.buf,
            Some(Growing { bytes, want }) => {
                let have = bytes.len();
                if have == bytes.capacity() {
                    let room = (*want).min(have.saturating_mul(2)) - have;
                    bytes.reserve_exact(room.max(1));
                }
                bytes
            }
        }
    }

    /// Appends bytes of the stream (what a read into [`Self::space`] does without a copy).
    pub fn feed(&mut self, bytes: &[u8]) {
        self.space().extend_from_slice(bytes);
    }

    /// True when nothing of the stream is kept: the buffer may be lent by the caller.
    pub fn is_idle(&self) -> bool {
        self.growing.is_none() && self.start == self.buf.len() && self.missing == 0
    }

    /// Bytes kept: unread commands and the long values of one under way.
    pub fn buffered(&self) -> usize {
        let growing = self.growing.as_ref().map_or(0, |g| g.bytes.len());
        self.buf.len() - self.start + growing + self.long_bytes
    }

    /// Gives an idle reader a shared buffer to read into, so that idle connections hold none. False when not idle.
    pub fn lend(&mut self, shared: &mut Vec<u8>) -> bool {
        if !self.is_idle() {
            return false;
        }
        (self.start, self.pos, self.searched) = (0, 0, 0);
        self.buf = std::mem::take(shared);
        self.buf.clear();
        true
    }

    /// Takes a lent buffer back; what is still unread moves into a buffer of the reader's own.
    pub fn give_back(&mut self, shared: &mut Vec<u8>) {
        let rest = self.buf[self.start..].to_vec();
        self.pos -= self.start;
        self.searched = self.searched.saturating_sub(self.start);
        self.start = 0;
        *shared = std::mem::replace(&mut self.buf, rest);
        shared.clear();
    }

    /// Drops what earlier commands used, once it is the larger part (so each byte moves a bounded number of times).
    fn compact(&mut self) {
        if self.start > 0 && self.start * 2 >= self.buf.len() {
            self.buf.drain(..self.start);
            self.pos -= self.start;
            self.searched = self.searched.saturating_sub(self.start);
            self.start = 0;
        }
    }

    /// The next whole command, `None` when more bytes are needed. `authenticated` lifts the small limits.
    pub fn next_request(
        &mut self,
        authenticated: bool,
    ) -> Result<Option<Request<'_>>, ProtocolError> {
        if self.missing == 0 && !self.begin(authenticated)? {
            return Ok(None);
        }
        while self.missing > 0 {
            if !self.argument(authenticated)? {
                return Ok(None);
            }
        }
        let begin = std::mem::replace(&mut self.start, self.pos);
        Ok(Some(Request {
            buf: &self.buf[begin..self.pos],
            spans: &self.spans,
            long: &self.long,
        }))
    }

    /// What the last command was read into is not needed any more, however long its client is going to wait.
    pub fn finish_request(&mut self) {
        self.long.clear();
        self.long_bytes = 0;
        if self.spans.capacity() > MANY_ARGS {
            self.spans = Vec::new();
        }
        if self.buf.capacity() > LARGE_BUFFER && self.is_idle() {
            self.buf = Vec::new();
            (self.start, self.pos, self.searched) = (0, 0, 0);
        }
    }

    /// Reads the head of a command; true when arguments are announced or already complete.
    fn begin(&mut self, authenticated: bool) -> Result<bool, ProtocolError> {
        self.spans.clear();
        self.long.clear();
        self.long_bytes = 0;
        loop {
            self.start = self.pos;
            let Some(&first) = self.buf.get(self.pos) else {
                return Ok(false);
            };
            let inline = first != b'*';
            let too_long = if inline {
                "too big inline request"
            } else {
                "too big mbulk count string"
            };
            let Some((from, to)) = self.line(too_long)? else {
                return Ok(false);
            };
            if inline {
                if self.inline(from, to, authenticated)? {
                    return Ok(true);
                }
                continue;
            }
            match number(&self.buf[from + 1..to]) {
                None => return broken("invalid multibulk length"),
                Some(count) if count <= 0 => {}
                Some(count) => {
                    let count = usize::try_from(count).unwrap_or(usize::MAX);
                    if count > MAX_ARGS {
                        return broken("invalid multibulk length");
                    }
                    if !authenticated && count > UNAUTHENTICATED.0 {
                        return broken("unauthenticated multibulk length");
                    }
                    self.missing = count;
                    return Ok(true);
                }
            }
        }
    }

    /// Reads one argument of an array; false when more bytes are needed.
    fn argument(&mut self, authenticated: bool) -> Result<bool, ProtocolError> {
        if self.growing.is_some() {
            return self.grow();
        }
        let len = match self.body {
            Some(len) => len,
            None => {
                let Some(&first) = self.buf.get(self.pos) else {
                    return Ok(false);
                };
                if first != b'$' {
                    return broken(&format!("expected '$', got '{}'", first.escape_ascii()));
                }
                let Some((from, to)) = self.line("too big bulk count string")? else {
                    return Ok(false);
                };
                let len = match number(&self.buf[from + 1..to]).map(usize::try_from) {
                    Some(Ok(len)) if len <= MAX_BULK => len,
                    _ => return broken("invalid bulk length"),
                };
                if !authenticated && len > UNAUTHENTICATED.1 {
                    return broken("unauthenticated bulk length");
                }
                if self.pos - self.start + self.long_bytes + len > MAX_COMMAND {
                    return broken("too big request");
                }
                self.body = Some(len);
                len
            }
        };
        if len >= SHARED_FROM {
            return self.begin_growing(len);
        }
        let end = self.pos + len;
        let Some(tail) = self.buf.get(end..end + 2) else {
            return Ok(false);
        };
        if tail != b"\r\n" {
            return broken("expected CRLF after bulk");
        }
        self.push_span(self.pos, len);
        self.pos = end + 2;
        self.body = None;
        self.missing -= 1;
        Ok(true)
    }

    fn push_span(&mut self, from: usize, len: usize) {
        // Both fit: a command's bytes in the buffer are limited to 1 GiB.
        let start = u32::try_from(from - self.start).unwrap_or(u32::MAX);
        let len = u32::try_from(len).unwrap_or(0);
        self.spans.push(Span::Here { start, len });
    }

    /// Starts a long value: what the buffer has of it moves over, the rest is read straight into its place.
    fn begin_growing(&mut self, len: usize) -> Result<bool, ProtocolError> {
        let want = len + 2;
        let have = (self.buf.len() - self.pos).min(want);
        let mut bytes = Vec::with_capacity(want.min(FIRST_GROWTH.max(have)));
        bytes.extend_from_slice(&self.buf[self.pos..self.pos + have]);
        if self.pos + have == self.buf.len() {
            self.buf.truncate(self.pos);
        } else {
            self.pos += have;
        }
        self.growing = Some(Growing { bytes, want });
        self.grow()
    }

    /// Finishes a long value once it is whole; false when more bytes are needed.
    fn grow(&mut self) -> Result<bool, ProtocolError> {
        let Some(Growing { mut bytes, want }) = self.growing.take() else {
            return Ok(false);
        };
        if bytes.len() < want {
            self.growing = Some(Growing { bytes, want });
            return Ok(false);
        }
        // An allocator may give more room than asked for, and a read fills it: that is the next command's.
        if bytes.len() > want {
            self.buf.extend_from_slice(&bytes[want..]);
        }
        if bytes[want - 2..want] != *b"\r\n" {
            return broken("expected CRLF after bulk");
        }
        bytes.truncate(want - 2);
        let index = u32::try_from(self.long.len()).unwrap_or(u32::MAX);
        self.long_bytes += bytes.len();
        self.long.push(Bytes::from(bytes));
        self.spans.push(Span::Long { index });
        self.body = None;
        self.missing -= 1;
        Ok(true)
    }

    /// The line at `pos` without its end, as (from, to), and `pos` set behind it; `None` when it is not whole yet.
    fn line(&mut self, too_long: &str) -> Result<Option<(usize, usize)>, ProtocolError> {
        let from = self.pos;
        let search = self.searched.max(from);
        let Some(found) = memchr::memchr(b'\n', &self.buf[search..]) else {
            self.searched = self.buf.len();
            if self.buf.len() - from > MAX_LINE {
                return broken(too_long);
            }
            return Ok(None);
        };
        let end = search + found;
        if end - from > MAX_LINE {
            return broken(too_long);
        }
        self.pos = end + 1;
        self.searched = self.pos;
        let cr = end > from && self.buf[end - 1] == b'\r';
        Ok(Some((from, end - usize::from(cr))))
    }

    /// Splits an inline command in place (an unquoted word is never longer than its quoted form).
    /// False for an empty line.
    fn inline(
        &mut self,
        from: usize,
        to: usize,
        authenticated: bool,
    ) -> Result<bool, ProtocolError> {
        let mut at = from;
        let mut write = from;
        loop {
            while at < to && is_space(self.buf[at]) {
                at += 1;
            }
            if at >= to {
                break;
            }
            let word = write;
            let Some((next, written)) = unquote(&mut self.buf, at, to, write) else {
                return broken("unbalanced quotes in request");
            };
            (at, write) = (next, written);
            self.push_span(word, write - word);
            if self.spans.len() == 1 && is_http(&self.buf[word..write], &self.buf[at..to]) {
                return Err(ProtocolError::Http);
            }
            if !authenticated && self.spans.len() > UNAUTHENTICATED.0 {
                return broken("unauthenticated multibulk length");
            }
        }
        Ok(!self.spans.is_empty())
    }
}

/// A decimal number with an optional minus and nothing else.
pub(super) fn number(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || digits.len() > 19 {
        return None;
    }
    let mut value: i64 = 0;
    for &digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        // Accumulated as a negative number: the most negative one has no positive counterpart.
        value = value
            .checked_mul(10)?
            .checked_sub(i64::from(digit - b'0'))?;
    }
    if negative {
        Some(value)
    } else {
        value.checked_neg()
    }
}

/// Writes `args` as a request, as a client would.
pub fn encode(args: &[&[u8]]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        out.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
        out.extend_from_slice(arg);
        out.extend_from_slice(b"\r\n");
    }
    out
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
