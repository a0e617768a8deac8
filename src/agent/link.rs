//! The agent's two channels to the engine.
//!
//! Owns their buffers and bounds. Control is read message by message and written at once. Bulk is one buffer into which
//! children are read directly, and a pipe through which the pages of those that write much are moved without being
//! copied. Never knows what a message means. Start at [`Control`] and [`Bulk`].

use std::{
    collections::VecDeque,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{io::Errno, pipe::SpliceFlags};

use super::{
    child::{self, Outcome},
    wire::{
        self, BULK_MAX, Bulk as Kind, BulkHeader, ChildKey, ControlReader, FromAgent, ToAgent,
        WireError,
    },
};

/// The largest frame that is copied, in bytes; larger ones are moved.
pub const COPY_MAX: usize = 64 << 10;

/// Output on its way to the engine, in bytes. Eight of the largest copied frames: enough that one write empties into the
/// channel while the next frames gather, small enough that a slow engine is felt by the children at once.
const BULK_BUFFER: usize = 8 * (BulkHeader::SIZE + COPY_MAX);

/// Bytes in the buffer that are worth a write before the turn is over.
const FLUSH: usize = 64 << 10;

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

impl LinkError {
    /// Why nothing can be written any more.
    fn of_write(error: Errno) -> Self {
        match error {
            Errno::PIPE | Errno::CONNRESET => Self::Closed,
            error => Self::Io(error.into()),
        }
    }
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
                // Whoever closed its end without reading on is noticed here.
                self.flush()?;
                if self.is_choked() {
                    return Ok(None);
                }
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
                Err(error) => return Err(LinkError::of_write(error)),
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
    /// Where the payload of a moved frame waits for the channel; absent where the kernel has none for us.
    stage: Option<Stage>,
    /// Children whose end could not be told yet for want of room.
    ends: VecDeque<(ChildKey, u64)>,
}

/// A pipe of our own between a child's and the channel: the length of a frame must be known before the frame is sent, and
/// only what lies in a pipe that nobody else can read is known.
struct Stage {
    read: OwnedFd,
    write: OwnedFd,
    /// Bytes in it; they follow what is in the buffer.
    holds: usize,
}

impl Stage {
    fn new() -> io::Result<Self> {
        let (read, write) = child::pipe(true)?;
        // Refused at an ordinary user's limit: then frames are smaller.
        let _ = rustix::pipe::fcntl_setpipe_size(&write, BULK_MAX);
        Ok(Self {
            read,
            write,
            holds: 0,
        })
    }
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
            stage: Stage::new().ok(),
            ends: VecDeque::new(),
        })
    }

    /// Whether a frame of the largest size fits in.
    pub fn has_room(&mut self) -> bool {
        self.fits(BulkHeader::SIZE + COPY_MAX)
    }

    fn fits(&mut self, size: usize) -> bool {
        if self.staged() > 0 {
            // What comes into the buffer now would be sent before it.
            return false;
        }
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

    fn staged(&self) -> usize {
        self.stage.as_ref().map_or(0, |stage| stage.holds)
    }

    /// Whether so much waits that it is to be written before anything else is read.
    pub fn is_due(&self) -> bool {
        self.staged() > 0 || self.end - self.start >= FLUSH
    }

    /// Moves what a child's pipe holds, at most `limit` bytes, into a frame: how much, and whether more may come.
    /// `None` where that cannot be done; then [`Bulk::frame`] can. Only when [`Bulk::has_room`].
    pub fn carry(
        &mut self,
        child: ChildKey,
        stream: u8,
        limit: usize,
        from: impl AsFd,
    ) -> Option<(usize, Outcome)> {
        let stage = self.stage.as_mut()?;
        let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
        let limit = limit.min(BULK_MAX);
        match rustix::pipe::splice(from, None, &stage.write, None, limit, flags) {
            Ok(0) => Some((0, Outcome::End)),
            Ok(moved) => {
                stage.holds = moved;
                let header = BulkHeader {
                    kind: Kind::Output,
                    stream,
                    child,
                    len: moved as u32,
                };
                let body = self.end + BulkHeader::SIZE;
                self.buffer[self.end..body].copy_from_slice(&header.encode());
                self.end = body;
                Some((moved, Outcome::More))
            }
            Err(Errno::AGAIN | Errno::INTR) => Some((0, Outcome::More)),
            Err(_) => None,
        }
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
        let (len, outcome) = read(&mut self.buffer[body..body + limit.min(COPY_MAX)]);
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

    /// Writes what waits, as far as the channel takes it.
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
                    Err(error) => return Err(LinkError::of_write(error)),
                }
            }
            self.start = 0;
            self.end = 0;
            if !self.send_staged()? {
                return Ok(());
            }
            if self.end > 0 {
                continue;
            }
            if self.ends.is_empty() {
                return Ok(());
            }
            self.take_ends();
        }
    }

    /// Moves what is staged into the channel; false: it takes no more now. The buffer must be empty.
    fn send_staged(&mut self) -> Result<bool, LinkError> {
        let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
        while let Some(stage) = &mut self.stage
            && stage.holds > 0
        {
            match rustix::pipe::splice(&stage.read, None, &self.fd, None, stage.holds, flags) {
                Ok(moved) => stage.holds -= moved,
                Err(Errno::AGAIN) => return Ok(false),
                Err(Errno::INTR) => {}
                // A channel that nothing can be moved into: copied this time, and no more moved.
                Err(Errno::INVAL) => {
                    while stage.holds > 0 {
                        let into = &mut self.buffer[self.end..];
                        let read =
                            rustix::io::retry_on_intr(|| rustix::io::read(&stage.read, &mut *into));
                        let read = read.map_err(io::Error::from)?;
                        stage.holds -= read.min(stage.holds);
                        self.end += read;
                    }
                    self.stage = None;
                }
                Err(error) => return Err(LinkError::of_write(error)),
            }
        }
        Ok(true)
    }

    /// Bytes that wait for the socket.
    pub fn waiting(&self) -> usize {
        self.end - self.start + self.staged() + self.ends.len() * END
    }
}

impl AsFd for Bulk {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests;
