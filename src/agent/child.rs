//! One living child: its descriptors and what it may send.
//!
//! Owns the reading of one stream and the input that waits. Never touches the link's sockets or epoll itself, but
//! says what it wants to be woken for. Start at [`Child`] and [`Stream::read`].

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    rc::Rc,
    time::{Duration, Instant},
};

use rustix::{event::epoll::EventFlags, io::Errno, pipe::SpliceFlags};

use super::{
    link::COPY_MAX,
    pty,
    wire::{CREDIT, ChildKey},
};

/// Input that may wait for a child, in bytes.
pub const INPUT_MAX: usize = 64 << 10;

/// What one turn reads from one pty. More makes a key wait behind a flood; a pty gives 1 to 4 KiB a read.
const PTY_BUDGET: usize = 16 << 10;

/// Worth another read of a pty in the same turn: the last one gave at least this much.
const PTY_BUSY: usize = 1 << 10;

/// A pipe that fills this is grown to [`PIPE_GROWN`]: three times the throughput, measured.
const PIPE_DEFAULT: usize = 64 << 10;
const PIPE_GROWN: usize = 256 << 10;

/// A read of this much says that the pipe was full: a write that does not fit into a page begins a new one, so short
/// lines leave gaps.
const PIPE_FULL: usize = PIPE_DEFAULT / 2;

/// A read of this much, in bytes, makes a pipe one whose pages are moved.
const BULKY: usize = 16 << 10;

/// Pipes that are grown at a time, and those of them beyond which they are grown less: an ordinary user's pipes shrink to
/// 8 KiB beyond 16,384 pages (pipe(7), pipe-user-pages-soft), and this takes little more than a quarter of them.
const GROWN_MAX: usize = 128;
const GROWN_FEW: usize = 16;
const PIPE_GROWN_LESS: usize = 128 << 10;

/// Reads of less than this in a row, after which a grown pipe is quiet and shrinks.
const QUIET_BYTES: usize = 4 << 10;
const QUIET_READS: u8 = 16;

/// How long a chatty pipe is left alone, for a wake-up to bring more than a line. A grown pipe holds what is written
/// meanwhile at 1 GB/s; nobody sees the delay.
pub const REST: Duration = Duration::from_micros(250);

/// Reads of less than [`QUIET_BYTES`] in a row, each within [`HURRY`] of the one before, that make a pipe chatty.
const HURRIED_READS: u8 = 8;
const HURRY: Duration = Duration::from_micros(500);

/// A child from its start until it is reaped and its output is complete.
pub struct Child {
    /// Its key.
    pub key: ChildKey,
    /// Its process id; of its main process, its group and its session.
    pub pid: i32,
    /// `group/template.rank`.
    pub task: Rc<str>,
    /// Whether it is not reaped yet.
    pub alive: bool,
    /// Whether the end of its output was told.
    pub ended: bool,
    /// Standard output (or both), standard error.
    pub streams: [Option<Stream>; 2],
    /// Its standard input.
    pub input: Input,
    /// Bytes that it may still send.
    pub credit: i64,
    /// Whether it ever had a stream: then its output ends with the last one, else with itself.
    pub streamed: bool,
    /// Bytes sent.
    pub shown: u64,
    /// Bytes thrown away.
    pub discarded: u64,
}

impl Child {
    /// A child that just started.
    pub fn new(key: ChildKey, pid: i32, task: &str) -> Self {
        Self {
            key,
            pid,
            task: task.into(),
            alive: true,
            ended: false,
            streams: [None, None],
            input: Input::default(),
            credit: i64::from(CREDIT),
            streamed: false,
            shown: 0,
            discarded: 0,
        }
    }
}

/// Where a child's input goes and what waits.
#[derive(Default)]
pub struct Input {
    /// By which way.
    pub way: Way,
    waiting: Vec<u8>,
    /// Close after what waits.
    closing: bool,
    /// The last byte typed ended a line.
    mid_line: bool,
}

/// How input reaches a child.
#[derive(Default)]
pub enum Way {
    /// Not at all.
    #[default]
    None,
    /// By the pty that is its stream 0.
    Pty,
    /// By a pipe, and whether epoll watches it.
    Pipe(OwnedFd, bool),
}

impl Input {
    /// Whether something waits to be written.
    pub fn waits(&self) -> bool {
        !self.waiting.is_empty() || (self.closing && matches!(self.way, Way::Pipe(..)))
    }

    /// Takes bytes to be written. False: refused, too much waits or there is no way.
    pub fn push(&mut self, bytes: &[u8]) -> bool {
        if matches!(self.way, Way::None)
            || self.closing
            || self.waiting.len() + bytes.len() > INPUT_MAX
        {
            return false;
        }
        if let Some(last) = bytes.last() {
            self.mid_line = !matches!(last, b'\n' | b'\r');
        }
        self.waiting.extend_from_slice(bytes);
        true
    }

    /// Ends the input after what waits: a pipe is closed, a pty gets its end-of-input byte, and goes on.
    pub fn close(&mut self, master: Option<&Stream>) {
        match (&self.way, master) {
            (Way::Pipe(..), _) => self.closing = true,
            (Way::Pty, Some(stream)) => {
                let (byte, by_line) = pty::end_of_input(&stream.fd);
                // The first one only ends an unfinished line.
                let times = if by_line && self.mid_line { 2 } else { 1 };
                self.waiting.extend(std::iter::repeat_n(byte, times));
                self.mid_line = false;
            }
            _ => {}
        }
    }

    /// Drops all that waits; nobody will read it. A pty whose owner lives may be opened again, and then typed into.
    pub fn discard(&mut self, alive: bool) {
        self.waiting = Vec::new();
        self.closing = !(alive && matches!(self.way, Way::Pty));
    }

    /// Writes what the child takes now. False: it does not read any more.
    pub fn write(&mut self, master: Option<&Stream>) -> bool {
        while !self.waiting.is_empty() {
            let written = match (&self.way, master) {
                (Way::Pipe(fd, _), _) => rustix::io::write(fd, &self.waiting),
                (Way::Pty, Some(stream)) => rustix::io::write(&stream.fd, &self.waiting),
                _ => return false,
            };
            match written {
                Ok(written) => drop(self.waiting.drain(..written)),
                Err(Errno::AGAIN) => return true,
                Err(Errno::INTR) => {}
                Err(_) => return false,
            }
        }
        // Idle children hold no buffers.
        self.waiting = Vec::new();
        !self.closing
    }
}

/// What became of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Bytes, or none now.
    More,
    /// No bytes will come any more.
    End,
}

/// One output stream of a child.
pub struct Stream {
    /// Our end: the pty's master, or the pipe.
    pub fd: OwnedFd,
    /// Whether it is a pty.
    pub pty: bool,
    /// Thrown away instead of sent.
    pub muted: bool,
    /// What epoll watches it for; absent: it is not watched.
    pub interest: Option<EventFlags>,
    /// A pty that nobody holds open although the child lives: it may open it again.
    pub hung: bool,
    /// A pipe that was grown.
    pub grown: bool,
    /// A pipe that the kernel did not let us grow.
    fixed: bool,
    /// A pipe whose last read gave so much that moving pages is cheaper than copying bytes.
    bulky: bool,
    quiet: u8,
    /// It is to end as soon as nothing is left in the kernel, or after so many bytes more.
    pub closing: Option<u64>,
    /// Not watched for a moment, for more than a line to gather.
    pub resting: bool,
    /// Small reads in a row, each soon after the one before, and when the last read was.
    hurried: u8,
    last: Option<Instant>,
}

impl Stream {
    /// A stream on this descriptor, which must not block.
    pub fn new(fd: OwnedFd, pty: bool, muted: bool) -> Self {
        Self {
            fd,
            pty,
            muted,
            interest: None,
            hung: false,
            grown: false,
            fixed: false,
            bulky: false,
            quiet: 0,
            closing: None,
            resting: false,
            hurried: 0,
            last: None,
        }
    }

    /// The most bytes that a turn may copy of it.
    pub fn budget(&self) -> usize {
        if self.pty { PTY_BUDGET } else { COPY_MAX }
    }

    /// Reads what is there, at most `into`; how much, and whether more may come.
    pub fn read(&mut self, into: &mut [u8]) -> (usize, Outcome) {
        let mut filled = 0;
        while filled < into.len() {
            match read_some(&self.fd, &mut into[filled..]) {
                Ok(0) => return (filled, Outcome::End),
                Ok(read) => {
                    filled += read;
                    if !self.pty || read < PTY_BUSY {
                        break;
                    }
                }
                Err(Errno::AGAIN) => break,
                // A pty whose other side is closed: EIO, after all that it held. Anything else: no more to be had.
                Err(_) => return (filled, Outcome::End),
            }
        }
        (filled, Outcome::More)
    }

    /// Throws away what is there; how much, and whether more may come.
    pub fn discard(&mut self, null: &OwnedFd, scratch: &mut [u8]) -> (usize, Outcome) {
        if self.pty {
            return self.read(&mut scratch[..PTY_BUDGET]);
        }
        // Moves pages instead of bytes. A pty has no splice.
        let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
        match rustix::pipe::splice(&self.fd, None, null, None, PIPE_GROWN, flags) {
            Ok(0) => (0, Outcome::End),
            Ok(moved) => (moved, Outcome::More),
            Err(Errno::AGAIN | Errno::INTR) => (0, Outcome::More),
            Err(_) => self.read(scratch),
        }
    }

    /// Whether its pages are to be moved.
    pub fn is_bulky(&self) -> bool {
        self.bulky
    }

    /// Whether to leave it alone for [`REST`] after a read that gave so much: it writes little at a time and often, and
    /// each write would wake us. Once it rests it does so again, until a rest brings nothing or nearly fills it.
    pub fn needs_rest(&mut self, read: usize, woken: bool) -> bool {
        if self.pty {
            return false;
        }
        let holds = if self.grown {
            PIPE_GROWN_LESS
        } else {
            PIPE_DEFAULT
        };
        if woken {
            self.hurried = 0;
            self.last = None;
            return read > 0 && read < holds / 2;
        }
        let now = Instant::now();
        let soon = self.last.is_some_and(|last| now - last < HURRY);
        self.last = Some(now);
        if read >= QUIET_BYTES || !soon {
            self.hurried = 0;
            return false;
        }
        self.hurried += 1;
        self.hurried >= HURRIED_READS
    }

    /// Grows or shrinks a pipe by how much the last read gave. `grown` counts the grown pipes of the agent.
    pub fn adapt(&mut self, read: usize, grown: &mut usize) {
        self.bulky = !self.pty && read >= BULKY;
        if self.pty || self.fixed {
            return;
        }
        if !self.grown {
            if read >= PIPE_FULL && *grown < GROWN_MAX {
                let size = if grown_few(*grown) {
                    PIPE_GROWN
                } else {
                    PIPE_GROWN_LESS
                };
                match rustix::pipe::fcntl_setpipe_size(&self.fd, size) {
                    Ok(_) => {
                        self.grown = true;
                        self.quiet = 0;
                        *grown += 1;
                    }
                    // An ordinary user's limit: as it is, it works too.
                    Err(_) => self.fixed = true,
                }
            }
        } else if read >= QUIET_BYTES {
            self.quiet = 0;
        } else {
            self.quiet += 1;
            if self.quiet >= QUIET_READS {
                // Refused (EBUSY) only when it holds more than that: then it is not quiet.
                if rustix::pipe::fcntl_setpipe_size(&self.fd, PIPE_DEFAULT).is_ok() {
                    self.grown = false;
                    *grown -= 1;
                }
                self.quiet = 0;
            }
        }
    }
}

/// Whether so few pipes are grown that each may be read as far as it goes; else all give the same in a turn, so that
/// none runs ahead of the others.
pub fn grown_few(grown: usize) -> bool {
    grown < GROWN_FEW
}

fn read_some(fd: impl AsFd, into: &mut [u8]) -> rustix::io::Result<usize> {
    rustix::io::retry_on_intr(|| rustix::io::read(&fd, &mut *into))
}

/// A pipe whose ends close on exec: (read, write). `ours_reads`: which end is ours and does not block.
pub fn pipe(ours_reads: bool) -> io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    super::link::set_nonblocking(if ours_reads { &read } else { &write }, true)?;
    Ok((read, write))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_beyond_the_limit_is_refused_whole_and_the_rest_is_kept() {
        let (read, write) = pipe(false).unwrap();
        let mut input = Input {
            way: Way::Pipe(write, false),
            ..Input::default()
        };
        // What the kernel takes does not wait.
        assert!(input.push(&[1; INPUT_MAX]) && input.write(None));
        assert!(!input.waits());
        assert!(input.push(&[2; INPUT_MAX]) && input.write(None));
        assert!(input.waits());
        assert!(!input.push(&[3]));
        input.close(None);
        let mut got = vec![0; 4 * INPUT_MAX];
        let mut filled = 0;
        loop {
            let open = input.write(None);
            if !open {
                input.way = Way::None;
            }
            match read_some(&read, &mut got[filled..]).unwrap() {
                0 => break,
                n => filled += n,
            }
        }
        assert_eq!(filled, 2 * INPUT_MAX);
        assert!(got[..INPUT_MAX].iter().all(|&b| b == 1));
        assert!(got[INPUT_MAX..filled].iter().all(|&b| b == 2));
    }

    #[test]
    fn a_pty_that_is_hung_up_takes_input_again_while_its_owner_lives() {
        let pty = pty::open((24, 80)).unwrap();
        super::super::link::set_nonblocking(&pty.master, true).unwrap();
        let master = Stream::new(pty.master, true, false);
        let mut input = Input {
            way: Way::Pty,
            ..Input::default()
        };
        assert!(input.push(b"lost"));
        input.discard(true);
        assert!(!input.waits() && input.push(b"read\n") && input.write(Some(&master)));
        let mut line = [0; 16];
        assert_eq!(read_some(&pty.slave, &mut line).unwrap(), 5);
        input.discard(false);
        assert!(!input.push(b"nobody"));
    }

    #[test]
    fn a_pipe_grows_when_it_fills_and_shrinks_when_quiet() {
        let (read, write) = pipe(true).unwrap();
        let mut stream = Stream::new(read, false, false);
        let mut grown = 0;
        stream.adapt(PIPE_FULL - 1, &mut grown);
        assert_eq!(grown, 0);
        stream.adapt(PIPE_FULL, &mut grown);
        if stream.fixed {
            // An ordinary user beyond the limit: the kernel refuses it to us too, and nothing is counted.
            assert!(rustix::pipe::fcntl_setpipe_size(&write, PIPE_GROWN).is_err());
            assert_eq!((grown, stream.grown), (0, false));
            return;
        }
        assert_eq!(grown, 1);
        assert_eq!(
            rustix::pipe::fcntl_getpipe_size(&write).unwrap(),
            PIPE_GROWN
        );
        for _ in 0..QUIET_READS {
            stream.adapt(1, &mut grown);
        }
        assert_eq!((grown, stream.grown), (0, false));
    }
}
