//! The agent's two channels to the engine.
//!
//! Owns their buffers and bounds. Control is read message by message and written at once; bulk is one buffer into which
//! children are read directly. Never knows what a message means. Start at [`Control`] and [`Bulk`].

use std::{
    collections::VecDeque,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::io::Errno;

use super::wire::{
    self, BULK_MAX, Bulk as Kind, BulkHeader, ChildKey, ControlReader, FromAgent, ToAgent,
    WireError,
};

/// Output on its way to the engine, in bytes. Eight of the largest frames: enough that one write empties into a
/// socket while the next frames gather, small enough that a slow engine is felt by the children at once.
const BULK_BUFFER: usize = 8 * (BulkHeader::SIZE + BULK_MAX);

/// Answers that may wait for the engine, in bytes, before no further request is read.
const ANSWERS_MAX: usize = 4 << 20;

/// Why the link to the engine is of no use any more.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The other end is closed.
    #[error("the engine closed the link")]
    Closed,
    /// The connection failed.
    #[error("the link to the engine failed: {0}")]
    Io(#[from] io::Error),
    /// What came cannot be read.
    #[error(transparent)]
    Wire(#[from] WireError),
}

/// Makes a descriptor non-blocking, or blocking again.
pub fn set_nonblocking(fd: impl AsFd, on: bool) -> io::Result<()> {
    let mut flags = rustix::fs::fcntl_getfl(&fd)?;
    flags.set(rustix::fs::OFlags::NONBLOCK, on);
    Ok(rustix::fs::fcntl_setfl(&fd, flags)?)
}

/// The channel of messages, both ways.
pub struct Control {
    fd: OwnedFd,
    reader: ControlReader,
    scratch: Box<[u8]>,
    out: Vec<u8>,
    sent: usize,
}

impl Control {
    /// Takes the descriptor and makes it non-blocking.
    pub fn new(fd: OwnedFd) -> io::Result<Self> {
        set_nonblocking(&fd, true)?;
        Ok(Self {
            fd,
            reader: ControlReader::default(),
            scratch: vec![0; 16 << 10].into_boxed_slice(),
            out: Vec::new(),
            sent: 0,
        })
    }

    /// The next request, if a whole one is here.
    pub fn next_request(&mut self) -> Result<Option<ToAgent>, LinkError> {
        loop {
            if let Some(message) = self.reader.next_message()? {
                return Ok(Some(message));
            }
            if self.is_choked() {
                return Ok(None);
            }
            match rustix::io::read(&self.fd, &mut *self.scratch) {
                Ok(0) => return Err(LinkError::Closed),
                Ok(read) => self.reader.push(&self.scratch[..read]),
                Err(Errno::AGAIN) => return Ok(None),
                Err(Errno::INTR) => {}
                Err(error) => return Err(io::Error::from(error).into()),
            }
        }
    }

    /// Sends a message at once, as far as the socket takes it.
    pub fn send(&mut self, message: &FromAgent) -> Result<(), LinkError> {
        wire::encode_control(message, &mut self.out)?;
        self.flush()
    }

    /// Writes what waits, as far as the socket takes it.
    pub fn flush(&mut self) -> Result<(), LinkError> {
        while self.waiting() > 0 {
            match rustix::io::write(&self.fd, &self.out[self.sent..]) {
                Ok(written) => self.sent += written,
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(error) => return Err(io::Error::from(error).into()),
            }
        }
        self.out.clear();
        self.sent = 0;
        // After a burst, be small again.
        self.out.shrink_to(64 << 10);
        Ok(())
    }

    /// Whether so many answers wait that no request is read.
    pub fn is_choked(&self) -> bool {
        self.waiting() > ANSWERS_MAX
    }

    /// Bytes that wait for the socket.
    pub fn waiting(&self) -> usize {
        self.out.len() - self.sent
    }
}

impl AsFd for Control {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// The length of the frame that ends a child's output.
const END: usize = BulkHeader::SIZE + size_of::<u64>();

/// The channel of output.
pub struct Bulk {
    fd: OwnedFd,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// Children whose end could not be told yet for want of room.
    ends: VecDeque<(ChildKey, u64)>,
}

impl Bulk {
    /// Takes the descriptor and makes it non-blocking.
    pub fn new(fd: OwnedFd) -> io::Result<Self> {
        set_nonblocking(&fd, true)?;
        Ok(Self {
            fd,
            // Zeroed memory comes from the kernel untouched: an idle agent pays for none of it.
            buffer: vec![0; BULK_BUFFER].into_boxed_slice(),
            start: 0,
            end: 0,
            ends: VecDeque::new(),
        })
    }

    /// Whether a frame of the largest size fits in.
    pub fn has_room(&mut self) -> bool {
        self.fits(BulkHeader::SIZE + BULK_MAX)
    }

    fn fits(&mut self, size: usize) -> bool {
        if self.end + size <= self.buffer.len() {
            return true;
        }
        // Moved to the front only when that frees at least half, so that each byte moves once at most.
        if self.start >= self.buffer.len() / 2 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        self.end + size <= self.buffer.len()
    }

    /// Lets `read` fill a frame of at most `limit` bytes; nothing is sent when it fills none of it.
    /// Only when [`Bulk::has_room`].
    pub fn frame<E>(
        &mut self,
        child: ChildKey,
        stream: u8,
        limit: usize,
        read: impl FnOnce(&mut [u8]) -> (usize, E),
    ) -> (usize, E) {
        let body = self.end + BulkHeader::SIZE;
        let (len, outcome) = read(&mut self.buffer[body..body + limit.min(BULK_MAX)]);
        if len > 0 {
            let header = BulkHeader {
                kind: Kind::Output,
                stream,
                child,
                len: len as u32,
            };
            self.buffer[self.end..body].copy_from_slice(&header.encode());
            self.end = body + len;
        }
        (len, outcome)
    }

    /// Tells the end of a child's output, after what it already wrote, and how many bytes of it were thrown away.
    pub fn finish(&mut self, child: ChildKey, discarded: u64) {
        self.ends.push_back((child, discarded));
        self.take_ends();
    }

    fn take_ends(&mut self) {
        while !self.ends.is_empty() && self.fits(END) {
            let Some((child, discarded)) = self.ends.pop_front() else {
                return;
            };
            let header = BulkHeader {
                kind: Kind::Eof,
                stream: 0,
                child,
                len: discarded.to_le_bytes().len() as u32,
            };
            let body = self.end + BulkHeader::SIZE;
            self.buffer[self.end..body].copy_from_slice(&header.encode());
            self.buffer[body..self.end + END].copy_from_slice(&discarded.to_le_bytes());
            self.end += END;
        }
    }

    /// Writes what waits, as far as the socket takes it.
    pub fn flush(&mut self) -> Result<(), LinkError> {
        loop {
            while self.start < self.end {
                match rustix::io::write(&self.fd, &self.buffer[self.start..self.end]) {
                    Ok(written) => self.start += written,
                    Err(Errno::AGAIN) => {
                        self.take_ends();
                        return Ok(());
                    }
                    Err(Errno::INTR) => {}
                    Err(error) => return Err(io::Error::from(error).into()),
                }
            }
            self.start = 0;
            self.end = 0;
            if self.ends.is_empty() {
                return Ok(());
            }
            self.take_ends();
        }
    }

    /// Bytes that wait for the socket.
    pub fn waiting(&self) -> usize {
        self.end - self.start + self.ends.len() * END
    }
}

impl AsFd for Bulk {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Read, os::unix::net::UnixStream};

    use super::*;

    #[test]
    fn frames_and_ends_come_out_in_order_although_the_reader_is_slow() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut bulk = Bulk::new(ours.into()).unwrap();
        let (mut sent, mut got) = (Vec::new(), Vec::new());
        let mut chunk = vec![0; 100_000];
        for round in 0..2_000u64 {
            let child = ChildKey(round % 7);
            while !bulk.has_room() {
                bulk.flush().unwrap();
                let read = theirs.read(&mut chunk).unwrap();
                got.extend_from_slice(&chunk[..read]);
            }
            let len = (round as usize * 7919) % BULK_MAX;
            bulk.frame(child, 0, len, |into| {
                into.fill(round as u8);
                (into.len(), ())
            });
            if len > 0 {
                sent.push((Kind::Output, child, len, round as u8));
            }
            if round % 5 == 0 {
                bulk.finish(child, 0);
                sent.push((Kind::Eof, child, size_of::<u64>(), 0));
            }
        }
        theirs.set_nonblocking(true).unwrap();
        while bulk.waiting() > 0 {
            bulk.flush().unwrap();
            while let Ok(read) = theirs.read(&mut chunk) {
                got.extend_from_slice(&chunk[..read]);
            }
        }
        let mut rest = &got[..];
        for (kind, child, len, byte) in sent {
            let (header, body) = rest.split_first_chunk().unwrap();
            let header = BulkHeader::decode(header).unwrap();
            assert_eq!(
                (header.kind, header.child, header.len as usize),
                (kind, child, len)
            );
            assert!(body[..len].iter().all(|&b| b == byte));
            rest = &body[len..];
        }
        assert!(rest.is_empty());
    }
}
