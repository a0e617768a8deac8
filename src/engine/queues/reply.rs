//! Replies onto the wire: [`Reply`] as the broker says it, [`Output`] as the connection sends it (RESP2 or RESP3).
//!
//! Pure: [`Output`] offers slices to a vectored write and is told how much went out; values from 16 KiB on are sent
//! from where they lie. Start at [`Output::push`].
use std::borrow::Cow;
use std::collections::VecDeque;
use std::io::IoSlice;
use std::sync::Arc;

use bytes::Bytes;

use super::items::Item;

/// From this length on a shared value is sent without a copy.
const SEND_SHARED_FROM: usize = 16 * 1024;
/// Small replies are gathered in pieces of this size, so that a slow reader's backlog is freed as it drains.
const PIECE: usize = 64 * 1024;
/// Room kept by a connection that has nothing to send.
const KEEP: usize = 4 * 1024;
/// Slices offered to one write.
pub const SLICES: usize = 64;

/// The dialect of one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// What every connection begins with.
    #[default]
    Resp2,
    /// After `HELLO 3`.
    Resp3,
}

/// An end of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The front: where gets take.
    Left,
    /// The back: where puts add.
    Right,
}

/// One answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// `+OK` and its like.
    Status(&'static str),
    /// An error, its code first.
    Error(Cow<'static, str>),
    /// A number.
    Int(i64),
    /// Text.
    Text(Cow<'static, str>),
    /// A queue's name.
    Key(Arc<[u8]>),
    /// A value that stays in its queue.
    Value(Item),
    /// Nothing, where a value was asked for.
    Nil,
    /// Nothing, where an array was asked for (RESP2 tells the two apart).
    NilArray,
    /// A list.
    Array(Vec<Reply>),
    /// Names and their values; a flat list in RESP2.
    Map(Vec<(&'static str, Reply)>),
    /// Items that leave their queue with this reply.
    Got(Got),
}

impl Reply {
    /// An error of fixed text.
    pub const fn error(text: &'static str) -> Self {
        Reply::Error(Cow::Borrowed(text))
    }

    /// A length or a count.
    pub fn count(count: usize) -> Self {
        Reply::Int(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

/// Items on their way to a client: what must go back if the reply cannot be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Got {
    /// Their queue.
    pub key: Arc<[u8]>,
    /// The end they were taken from.
    pub end: End,
    /// The items and the shape of the reply.
    pub items: GotItems,
}

/// The shapes of a get's reply.
#[derive(Debug, Clone, PartialEq)]
pub enum GotItems {
    /// The value (`LPOP key`).
    One(Item),
    /// The key and the value (`BLPOP`).
    WithKey(Item),
    /// Several values (`LPOP key count`).
    Many(Vec<Item>),
}

impl Got {
    /// True when nothing was taken (`LPOP key 0`).
    pub fn is_empty(&self) -> bool {
        matches!(&self.items, GotItems::Many(items) if items.is_empty())
    }

    /// The items in the order they were taken.
    pub fn into_items(self) -> Vec<Item> {
        match self.items {
            GotItems::One(item) | GotItems::WithKey(item) => vec![item],
            GotItems::Many(items) => items,
        }
    }
}

/// Replies of one connection that were not sent yet.
#[derive(Debug, Default)]
pub struct Output {
    pieces: VecDeque<Bytes>,
    tail: Vec<u8>,
    /// How much of the first piece (of the tail, without pieces) is sent.
    sent: usize,
    unsent: usize,
    accepted: u64,
}

impl Output {
    /// Bytes not sent yet.
    pub fn unsent(&self) -> usize {
        self.unsent
    }

    /// Position in the stream behind everything pushed so far.
    pub fn end(&self) -> u64 {
        self.accepted
    }

    /// Position in the stream up to which everything is sent.
    pub fn sent(&self) -> u64 {
        self.accepted - self.unsent as u64
    }

    /// Appends a reply.
    pub fn push(&mut self, reply: &Reply, protocol: Protocol) {
        match reply {
            Reply::Status(text) => self.line(b'+', text.as_bytes()),
            Reply::Error(text) if text.contains(['\r', '\n']) => {
                self.line(b'-', text.replace(['\r', '\n'], " ").as_bytes());
            }
            Reply::Error(text) => self.line(b'-', text.as_bytes()),
            Reply::Int(number) => self.head(b':', *number),
            Reply::Text(text) => self.bulk(text.as_bytes()),
            Reply::Key(key) => self.bulk(key),
            Reply::Value(item) => self.item(item),
            Reply::Nil | Reply::NilArray if protocol == Protocol::Resp3 => self.raw(b"_\r\n"),
            Reply::Nil => self.raw(b"$-1\r\n"),
            Reply::NilArray => self.raw(b"*-1\r\n"),
            Reply::Array(replies) => {
                self.head(b'*', replies.len() as i64);
                for reply in replies {
                    self.push(reply, protocol);
                }
            }
            Reply::Map(pairs) => {
                match protocol {
                    Protocol::Resp2 => self.head(b'*', pairs.len() as i64 * 2),
                    Protocol::Resp3 => self.head(b'%', pairs.len() as i64),
                }
                for (name, value) in pairs {
                    self.bulk(name.as_bytes());
                    self.push(value, protocol);
                }
            }
            Reply::Got(got) => match &got.items {
                GotItems::One(item) => self.item(item),
                GotItems::WithKey(item) => {
                    self.raw(b"*2\r\n");
                    self.bulk(&got.key);
                    self.item(item);
                }
                GotItems::Many(items) => {
                    self.head(b'*', items.len() as i64);
                    for item in items {
                        self.item(item);
                    }
                }
            },
        }
    }

    fn raw(&mut self, bytes: &[u8]) {
        self.unsent += bytes.len();
        self.accepted += bytes.len() as u64;
        self.tail.extend_from_slice(bytes);
        if self.tail.len() >= PIECE {
            self.close_tail();
        }
    }

    fn close_tail(&mut self) {
        if !self.tail.is_empty() {
            self.pieces
                .push_back(Bytes::from(std::mem::take(&mut self.tail)));
        }
    }

    fn line(&mut self, kind: u8, text: &[u8]) {
        self.raw(&[kind]);
        self.raw(text);
        self.raw(b"\r\n");
    }

    fn head(&mut self, kind: u8, number: i64) {
        let mut line = [0u8; 24];
        let mut at = line.len() - 2;
        line[at..].copy_from_slice(b"\r\n");
        let mut rest = number.unsigned_abs();
        loop {
            at -= 1;
            line[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if number < 0 {
            at -= 1;
            line[at] = b'-';
        }
        at -= 1;
        line[at] = kind;
        self.raw(&line[at..]);
    }

    fn bulk(&mut self, bytes: &[u8]) {
        self.head(b'$', bytes.len() as i64);
        self.raw(bytes);
        self.raw(b"\r\n");
    }

    fn item(&mut self, item: &Item) {
        match item.as_shared() {
            Some(shared) if shared.len() >= SEND_SHARED_FROM => {
                self.head(b'$', shared.len() as i64);
                self.close_tail();
                self.unsent += shared.len();
                self.accepted += shared.len() as u64;
                self.pieces.push_back(shared.clone());
                self.raw(b"\r\n");
            }
            _ => self.bulk(item.bytes()),
        }
    }

    /// Fills `slices` with what is to be sent next; how many were used.
    pub fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>; SLICES]) -> usize {
        let mut skip = self.sent;
        let mut used = 0;
        let tail = (!self.tail.is_empty()).then_some(&self.tail[..]);
        for piece in self
            .pieces
            .iter()
            .map(|piece| &piece[..])
            .chain(tail)
            .take(SLICES)
        {
            slices[used] = IoSlice::new(&piece[skip..]);
            used += 1;
            skip = 0;
        }
        used
    }

    /// Notes that `count` bytes went out.
    pub fn advance(&mut self, count: usize) {
        self.unsent -= count;
        self.sent += count;
        while let Some(first) = self.pieces.front() {
            if self.sent < first.len() {
                return;
            }
            self.sent -= first.len();
            self.pieces.pop_front();
        }
        if self.sent == self.tail.len() {
            self.sent = 0;
            if self.tail.capacity() > KEEP {
                self.tail = Vec::new();
            } else {
                self.tail.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::items::Tick;
    use super::*;
    use std::time::Duration;

    fn written(reply: &Reply, protocol: Protocol) -> Vec<u8> {
        let mut output = Output::default();
        output.push(reply, protocol);
        drain(&mut output, usize::MAX)
    }

    /// Sends everything in writes of at most `step` bytes.
    fn drain(output: &mut Output, step: usize) -> Vec<u8> {
        let mut sent = Vec::new();
        while output.unsent() > 0 {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let used = output.slices(&mut slices);
            let all: Vec<u8> = slices[..used].iter().flat_map(|s| s.to_vec()).collect();
            let part = &all[..all.len().min(step)];
            sent.extend_from_slice(part);
            let count = part.len();
            output.advance(count);
        }
        assert_eq!(output.sent(), output.end());
        sent
    }

    #[test]
    fn each_reply_is_written_in_the_dialect_of_its_connection() {
        let map = Reply::Map(vec![("depth", Reply::Int(-3))]);
        for (reply, two, three) in [
            (Reply::Status("OK"), "+OK\r\n", "+OK\r\n"),
            (
                Reply::Int(i64::MIN),
                ":-9223372036854775808\r\n",
                ":-9223372036854775808\r\n",
            ),
            (Reply::Nil, "$-1\r\n", "_\r\n"),
            (Reply::NilArray, "*-1\r\n", "_\r\n"),
            (
                Reply::Error("ERR a\r\nb".into()),
                "-ERR a  b\r\n",
                "-ERR a  b\r\n",
            ),
            (
                map,
                "*2\r\n$5\r\ndepth\r\n:-3\r\n",
                "%1\r\n$5\r\ndepth\r\n:-3\r\n",
            ),
        ] {
            assert_eq!(written(&reply, Protocol::Resp2), two.as_bytes());
            assert_eq!(written(&reply, Protocol::Resp3), three.as_bytes());
        }
    }

    #[test]
    fn whatever_the_kernel_takes_at_a_time_the_stream_is_the_same() {
        let at = Tick::at(Duration::ZERO);
        let mut replies = vec![Reply::Status("OK")];
        for size in [10, 5_000, 20_000, 100_000, 3] {
            let value = vec![b'a' + (size % 26) as u8; size];
            replies.push(Reply::Value(Item::shared(Bytes::from(value.clone()), at)));
            replies.push(Reply::Value(Item::copied(&value, at)));
        }
        let whole: Vec<u8> = replies
            .iter()
            .flat_map(|r| written(r, Protocol::Resp2))
            .collect();
        for step in [997, 4096, 70_000] {
            let mut output = Output::default();
            replies
                .iter()
                .for_each(|reply| output.push(reply, Protocol::Resp2));
            assert!(drain(&mut output, step) == whole, "step {step}");
        }
    }
}
