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

/// Unsent replies above which no further command is executed (a single reply may be larger).
pub const MAX_UNSENT: usize = 64 * 1024 * 1024;
/// What a client may send while it has so many replies to read; then it is closed.
const MAX_STALLED_INPUT: usize = 16 * 1024 * 1024;
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
    /// Its replies wait for it to read them, and its further commands wait for that.
    pub stalled: bool,
    /// It sends nothing more: closed once everything it sent is executed and answered.
    pub read_out: bool,
    /// It is in the list of connections to be flushed.
    pub dirty: bool,
    /// What epoll watches for at present.
    pub interest: EventFlags,
    /// What of its input and output is counted in the broker's memory.
    pub weighed: u64,
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
            stalled: false,
            read_out: false,
            dirty: false,
            interest: EventFlags::IN | EventFlags::RDHUP,
            weighed: 0,
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
        self.output.push(&reply, self.protocol);
        if let Reply::Got(got) = reply {
            self.in_flight.push_back((self.output.end(), got));
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
    fn is_drained(&self) -> bool {
        self.output.unsent() == 0
    }

    /// True while so many replies wait that no further command is to be executed.
    pub fn is_congested(&self) -> bool {
        self.output.unsent() > MAX_UNSENT
    }

    /// True when it sends on and on without reading.
    pub fn is_flooding(&self) -> bool {
        self.stalled && self.reader.buffered() > MAX_STALLED_INPUT
    }

    /// True while it has a long request half-way here.
    pub fn is_sending_much(&self) -> bool {
        self.reader.buffered() > MAX_WAITING_INPUT
    }

    /// True when it has all it will get, and nothing more is to be read from it.
    pub fn is_done(&self) -> bool {
        self.is_drained() && (self.closing || self.read_out && !self.stalled)
    }

    /// True when nothing more is to be read from it, ever.
    pub fn is_read_out(&self) -> bool {
        self.closing || self.read_out
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
        let mut wanted = EventFlags::empty();
        // A peer that hung up for good is told of in any case.
        if !self.is_read_out() {
            wanted |= EventFlags::RDHUP;
            if !blocked || self.reader.buffered() <= MAX_WAITING_INPUT {
                wanted |= EventFlags::IN;
            }
        }
        if !self.is_drained() || self.stalled {
            wanted |= EventFlags::OUT;
        }
        wanted
    }

    /// Bytes it makes us keep: requests not executed yet and replies not sent yet.
    pub fn weight(&self) -> u64 {
        (self.reader.buffered() + self.output.unsent()) as u64
    }

    /// True while its input is left in the kernel.
    pub fn is_paused(&self) -> bool {
        !self.interest.contains(EventFlags::IN)
    }
}
