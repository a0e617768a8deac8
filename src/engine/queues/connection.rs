//! One client's socket: bytes in, bytes out, and the items that are on their way to it.
//!
//! Knows nothing of commands. Never blocks. An item counts as delivered once the kernel took the last byte of its
//! reply; until then [`Connection::undelivered`] has it, so that a connection that breaks loses none.
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::os::fd::OwnedFd;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::EventFlags;
use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendFlags};

use super::reply::{Got, Output, Protocol, Reply, SLICES};
use super::request::RequestReader;

/// Unsent replies above which no further one is accepted (a single reply may be larger).
const MAX_UNSENT: usize = 64 * 1024 * 1024;
/// A blocked client's further commands are kept up to this size; then they stay in the kernel.
const MAX_WAITING_INPUT: usize = 1024 * 1024;

/// What a read brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// Some bytes.
    Bytes,
    /// Nothing at the moment.
    Nothing,
    /// The end of the stream.
    End,
}

/// One client's socket and what is under way on it.
#[derive(Debug)]
pub struct Connection {
    pub socket: OwnedFd,
    pub reader: RequestReader,
    pub protocol: Protocol,
    /// No further command is executed; closed once everything is sent.
    pub closing: bool,
    /// It did not read its replies: closed at once.
    pub overflowed: bool,
    /// It is in the list of connections to be flushed.
    pub dirty: bool,
    /// What epoll watches for at present.
    pub interest: EventFlags,
    output: Output,
    /// Items by the position in the stream behind their reply.
    in_flight: VecDeque<(u64, Got)>,
}

impl Connection {
    /// A connection over a non-blocking socket.
    pub fn new(socket: OwnedFd) -> Self {
        Connection {
            socket,
            reader: RequestReader::default(),
            protocol: Protocol::default(),
            closing: false,
            overflowed: false,
            dirty: false,
            interest: EventFlags::IN | EventFlags::RDHUP,
            output: Output::default(),
            in_flight: VecDeque::new(),
        }
    }

    /// One read from the socket into the reader.
    pub fn receive(&mut self) -> io::Result<Received> {
        match rustix::io::read(&self.socket, spare_capacity(self.reader.space())) {
            Ok(0) => Ok(Received::End),
            Ok(_) => Ok(Received::Bytes),
            Err(Errno::AGAIN | Errno::INTR) => Ok(Received::Nothing),
            Err(error) => Err(error.into()),
        }
    }

    /// Queues a reply for sending.
    pub fn push(&mut self, reply: Reply) {
        self.overflowed |= self.output.unsent() > MAX_UNSENT;
        if !self.overflowed {
            self.output.push(&reply, self.protocol);
        }
        if let Reply::Got(got) = reply {
            let end = if self.overflowed {
                u64::MAX
            } else {
                self.output.end()
            };
            self.in_flight.push_back((end, got));
        }
    }

    /// Sends what the kernel takes.
    pub fn flush(&mut self) -> io::Result<()> {
        while self.output.unsent() > 0 {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let used = self.output.slices(&mut slices);
            let sent = if used == 1 {
                rustix::net::send(&self.socket, &slices[0], SendFlags::NOSIGNAL)
            } else {
                let mut nothing = SendAncillaryBuffer::default();
                rustix::net::sendmsg(
                    &self.socket,
                    &slices[..used],
                    &mut nothing,
                    SendFlags::NOSIGNAL,
                )
            };
            match sent {
                Ok(count) => self.output.advance(count),
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let sent = self.output.sent();
        while self.in_flight.front().is_some_and(|(end, _)| *end <= sent) {
            self.in_flight.pop_front();
        }
        Ok(())
    }

    /// True when every reply is sent.
    pub fn is_drained(&self) -> bool {
        self.output.unsent() == 0
    }

    /// The items whose replies the kernel did not take whole, the last one first.
    pub fn undelivered(&mut self) -> impl Iterator<Item = Got> {
        std::mem::take(&mut self.in_flight)
            .into_iter()
            .rev()
            .map(|(_, got)| got)
    }

    /// What epoll has to watch for; `blocked` says whether the client waits at a queue.
    pub fn wanted_interest(&self, blocked: bool) -> EventFlags {
        let mut wanted = EventFlags::RDHUP;
        let enough = blocked && self.reader.buffered() > MAX_WAITING_INPUT;
        if !enough && !self.closing {
            wanted |= EventFlags::IN;
        }
        if !self.is_drained() {
            wanted |= EventFlags::OUT;
        }
        wanted
    }

    /// True while its input is left in the kernel.
    pub fn is_paused(&self) -> bool {
        !self.interest.contains(EventFlags::IN)
    }
}
