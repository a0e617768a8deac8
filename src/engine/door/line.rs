//! The engine's end of the socket to its client.
//!
//! Owns the socket, what came and is not done yet, and what is to be written. Never waits for the client but in
//! [`Line::flush`]. Start at [`Line`].

use std::{
    collections::VecDeque,
    io::{self, ErrorKind},
    os::unix::net::UnixStream as StdStream,
    time::Duration,
};

use tokio::{io::Interest, net::UnixStream, time::timeout};

use super::{
    outgoing::Outgoing,
    wire::{FrameReader, FromEngine, PROTOCOL, ToEngine, WireError},
};

/// How long a client may take nothing of the last messages when the end must not wait for it.
pub const LAST_WORDS: Duration = Duration::from_secs(5);

/// Messages of the client that wait for the engine; then no more are read.
const INBOX_MAX: usize = 64;

/// What the socket holds of bytes for the client: the kernel doubles it, for its own needs (socket(7)). With the output
/// that is brought forward less than 256 KiB, so that an answer is not late for a client that is slow.
const SOCKET_BUFFER: usize = 32 << 10;

/// Bytes read and written before everything else is looked at again.
const READ: usize = 64 << 10;
const WRITE: usize = 512 << 10;

/// The socket with what came and what goes.
pub struct Line {
    socket: UnixStream,
    reader: FrameReader,
    /// Messages that are not done yet.
    pub inbox: VecDeque<ToEngine>,
    /// What is to be written.
    pub out: Outgoing,
    /// The client is gone, or speaks nonsense: nothing is read or written any more.
    pub gone: bool,
}

impl Line {
    /// The client at the other end of a socket. Must be called inside of a tokio runtime.
    ///
    /// # Errors
    /// Those of the system.
    pub fn new(socket: StdStream) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        // Without it there is more of old output ahead of the client, and nothing else.
        let _ = rustix::net::sockopt::set_socket_send_buffer_size(&socket, SOCKET_BUFFER);
        Ok(Self {
            socket: UnixStream::from_std(socket)?,
            reader: FrameReader::default(),
            inbox: VecDeque::new(),
            out: Outgoing::default(),
            gone: false,
        })
    }

    /// One more message for the client.
    pub fn tell(&mut self, message: &FromEngine) {
        if !self.gone
            && let Err(error) = self.out.message(message)
        {
            tracing::error!("a message for the client is lost: {error}");
        }
    }

    /// The client is gone from now on.
    pub fn lose(&mut self) {
        self.gone = true;
        self.inbox.clear();
        self.out = Outgoing::default();
    }

    /// Waits until the socket can be read or written, as far as that is wanted.
    pub async fn ready(&self) {
        let wants_more = self.inbox.len() < INBOX_MAX;
        let interest = match (wants_more, self.out.is_empty()) {
            _ if self.gone => None,
            (true, true) => Some(Interest::READABLE),
            (true, false) => Some(Interest::READABLE | Interest::WRITABLE),
            (false, false) => Some(Interest::WRITABLE),
            (false, true) => None,
        };
        match interest {
            // An error shows when the socket is used.
            Some(interest) => drop(self.socket.ready(interest).await),
            None => std::future::pending().await,
        }
    }

    /// Takes what came, unless enough waits already.
    pub fn read(&mut self) {
        if self.gone || self.inbox.len() >= INBOX_MAX {
            return;
        }
        let mut buffer = [0; READ];
        match self.socket.try_read(&mut buffer) {
            Ok(0) => return self.lose(),
            Ok(count) => self.reader.push(&buffer[..count]),
            Err(error) if is_passing(&error) => return,
            Err(_) => return self.lose(),
        }
        loop {
            match self.reader.next_to_engine() {
                Ok(Some(message)) => self.inbox.push_back(message),
                Ok(None) => return,
                Err(WireError::Version(theirs)) => {
                    let text = format!(
                        "this client speaks version {theirs} of our protocol and the engine version {PROTOCOL}: \
                         install one dragon-tui, and start it anew"
                    );
                    self.tell(&FromEngine::Failed { text });
                    self.inbox.push_back(ToEngine::Bye);
                    return;
                }
                Err(error) => {
                    tracing::error!("{error}");
                    return self.lose();
                }
            }
        }
    }

    /// Writes what the client takes now.
    pub fn write(&mut self) {
        let mut budget = WRITE;
        while !self.gone && budget > 0 && !self.out.is_empty() {
            match self.socket.try_write(self.out.next()) {
                Ok(count) => {
                    self.out.wrote(count);
                    budget = budget.saturating_sub(count.max(1));
                }
                Err(error) if is_passing(&error) => return,
                Err(_) => return self.lose(),
            }
        }
    }

    /// Writes everything that waits, unless the client takes nothing for so long; absent: for as long as it lives. May be
    /// dropped and called again at any time.
    pub async fn flush(&mut self, patience: Option<Duration>) {
        while !self.gone && !self.out.is_empty() {
            let writable = match patience {
                Some(patience) => timeout(patience, self.socket.writable()).await,
                None => Ok(self.socket.writable().await),
            };
            match writable {
                Ok(Ok(())) => self.write(),
                _ => self.lose(),
            }
        }
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
