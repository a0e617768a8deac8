//! A client's side of an engine that is a process of its own.
//!
//! Owns the process, the socket to it, what waits to be sent and what came in part. Never waits unless it is awaited,
//! and never holds the terminal: the engine's standard input is the socket, what it complains about goes to memory.
//! Start at [`Client::launch`].

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, ErrorKind},
    os::{
        fd::OwnedFd,
        unix::{fs::FileExt, net::UnixStream as StdStream},
    },
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use rustix::{fs::MemfdFlags, net::Shutdown};
use tokio::{io::Interest, net::UnixStream, time::Instant};

use super::{
    CommandError,
    wire::{self, FrameReader, FromEngine, Opening, PROTOCOL, ToEngine},
};
use crate::engine::COMMANDS_MAX;

/// Bytes of messages that may wait for the engine beside the first one.
const WAITING_MAX: usize = 1 << 20;

/// Bytes read at once.
const READ: usize = 64 << 10;

/// How much of the end of what the engine complained about is told, in bytes.
const LAST_WORDS: usize = 4 << 10;

/// How often a process that closed its socket is asked whether it has ended, and for how long.
const ASK: Duration = Duration::from_millis(10);
const PATIENCE: Duration = Duration::from_secs(2);

/// An engine in a process of its own, from the side of its client. Dropping it closes the socket: the engine then stops
/// everything, within a bound, and ends.
#[derive(Debug)]
pub struct Client {
    socket: UnixStream,
    engine: Option<Child>,
    complaints: File,
    reader: FrameReader,
    /// Bytes that wait to be written, from `written` on, and the end of each message in them.
    waiting: Vec<u8>,
    written: usize,
    ends: VecDeque<usize>,
    /// The first message waits too; it may be as large as a session.
    opening: usize,
    /// The socket gives nothing any more, and why if not because it was closed.
    closed: Option<String>,
    /// Since when the end of a process is waited for that closed its socket.
    since: Option<Instant>,
    gone: Option<String>,
}

impl Client {
    /// Starts `program engine` for a session and returns at once. What becomes of it is told by [`Self::next`]. Must be
    /// called inside of a tokio runtime.
    ///
    /// # Errors
    /// When the program or the folder for it is not there, there is no descriptor to spare, or the session is too large.
    pub fn launch(program: &Path, opening: Opening) -> io::Result<Self> {
        Self::launch_with(program, &[], opening)
    }

    /// The same, with more arguments for the engine (`--log-level LEVEL`).
    ///
    /// # Errors
    /// As [`Self::launch`].
    pub fn launch_with(program: &Path, more: &[&str], opening: Opening) -> io::Result<Self> {
        let cwd = opening.cwd.clone();
        if let Some(cwd) = cwd.as_deref().filter(|cwd| !cwd.is_dir()) {
            let text = format!("the folder {} is not there", cwd.display());
            return Err(io::Error::new(ErrorKind::NotFound, text));
        }
        let (socket, theirs) = StdStream::pair()?;
        socket.set_nonblocking(true)?;
        let complaints: File =
            rustix::fs::memfd_create("dragon-tui engine", MemfdFlags::CLOEXEC)?.into();
        let mut waiting = Vec::new();
        let hello = ToEngine::Hello {
            protocol: PROTOCOL,
            opening: Box::new(opening),
        };
        wire::encode(&hello, &mut waiting).map_err(io::Error::other)?;
        let socket = UnixStream::from_std(socket)?;
        let mut engine = Command::new(program);
        if let Some(cwd) = cwd {
            engine.current_dir(cwd);
        }
        let engine = engine
            .arg("engine")
            .args(more)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(complaints.try_clone()?)
            .spawn()?;
        let mut client = Self {
            socket,
            engine: Some(engine),
            complaints,
            reader: FrameReader::default(),
            opening: waiting.len(),
            waiting,
            written: 0,
            ends: VecDeque::new(),
            closed: None,
            since: None,
            gone: None,
        };
        client.write();
        Ok(client)
    }

    /// The engine's process id; it is one of the operating system's until [`FromEngine::Gone`] was told.
    pub fn pid(&self) -> Option<u32> {
        self.engine.as_ref().map(Child::id)
    }

    /// Hands a message to the engine without waiting. It is on its way when this returns, or goes with the next
    /// [`Self::next`] or [`Self::flush`].
    ///
    /// # Errors
    /// [`CommandError::Busy`] when 64 messages or 1 MiB wait already (a message that is larger than that too);
    /// [`CommandError::Over`] when the engine is gone.
    pub fn send(&mut self, message: ToEngine) -> Result<(), CommandError> {
        if self.closed.is_some() {
            return Err(CommandError::Over);
        }
        self.write();
        let start = self.waiting.len();
        // Only a frame that is far too long for us cannot be encoded.
        wire::encode(&message, &mut self.waiting).map_err(|_| CommandError::Busy)?;
        let others = self.waiting.len() - self.written.max(self.opening);
        if self.ends.len() >= COMMANDS_MAX || others > WAITING_MAX {
            self.waiting.truncate(start);
            return Err(CommandError::Busy);
        }
        self.ends.push_back(self.waiting.len());
        self.write();
        Ok(())
    }

    /// Waits until everything that was sent is on its way. May be dropped and called again at any time.
    pub async fn flush(&mut self) {
        while self.is_waiting() {
            if self.socket.writable().await.is_err() {
                return;
            }
            self.write();
        }
    }

    /// What the engine says next. Sends what waits meanwhile. May be dropped and called again at any time: nothing is
    /// lost. When the engine's process is gone this gives [`FromEngine::Gone`], again and again.
    pub async fn next(&mut self) -> FromEngine {
        loop {
            match self.reader.next_from_engine() {
                Ok(Some(message)) => return message,
                Ok(None) => {}
                Err(error) => self.close(Some(error.to_string())),
            }
            if self.closed.is_some() {
                return self.last_word().await;
            }
            let interest = if self.is_waiting() {
                Interest::READABLE | Interest::WRITABLE
            } else {
                Interest::READABLE
            };
            if let Err(error) = self.socket.ready(interest).await {
                self.close(Some(error.to_string()));
                continue;
            }
            self.write();
            self.read();
        }
    }

    fn is_waiting(&self) -> bool {
        self.closed.is_none() && self.written < self.waiting.len()
    }

    fn read(&mut self) {
        let mut buffer = [0; READ];
        match self.socket.try_read(&mut buffer) {
            Ok(0) => self.close(None),
            Ok(count) => self.reader.push(&buffer[..count]),
            Err(error) if is_passing(&error) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => self.close(None),
            Err(error) => self.close(Some(error.to_string())),
        }
    }

    /// Writes what the socket takes now. That it takes none any more is found when reading: what the engine said
    /// before it went is still to be read.
    fn write(&mut self) {
        while self.is_waiting() {
            match self.socket.try_write(&self.waiting[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => self.written = self.waiting.len(),
            }
        }
        while self.ends.front().is_some_and(|&end| end <= self.written) {
            self.ends.pop_front();
        }
        if self.written == self.waiting.len() {
            (self.written, self.opening) = (0, 0);
            self.waiting.clear();
        }
    }

    fn close(&mut self, why: Option<String>) {
        // One that goes on and speaks nonsense is to hear that nobody listens.
        let _ = rustix::net::shutdown(&self.socket, Shutdown::Both);
        self.closed = Some(why.unwrap_or_default());
        self.reader = FrameReader::default();
        self.waiting.clear();
        self.written = 0;
        self.ends.clear();
    }

    /// Waits for the end of a process that closed its socket, and puts together what is known of why.
    async fn last_word(&mut self) -> FromEngine {
        let since = *self.since.get_or_insert_with(Instant::now);
        while self.gone.is_none() {
            let status = match &mut self.engine {
                Some(engine) => engine.try_wait(),
                None => Ok(None),
            };
            let ended = match status {
                Ok(None) if since.elapsed() < PATIENCE => {
                    tokio::time::sleep(ASK).await;
                    continue;
                }
                Ok(Some(status)) => {
                    self.engine = None;
                    ended(status)
                }
                Ok(None) => "the engine does not answer any more".to_owned(),
                Err(error) => format!("the engine is gone ({error})"),
            };
            let why = self.closed.iter().filter(|why| !why.is_empty()).cloned();
            let said = self.last_words();
            let said = said.map(|said| format!("it said: {said}"));
            let all: Vec<String> = std::iter::once(ended).chain(why).chain(said).collect();
            self.gone = Some(all.join("; "));
        }
        FromEngine::Gone(self.gone.clone().unwrap_or_default())
    }

    /// The end of what the engine complained about, on one line.
    fn last_words(&self) -> Option<String> {
        let size = self.complaints.metadata().ok()?.len();
        let from = size.saturating_sub(LAST_WORDS as u64);
        let mut bytes = vec![0; LAST_WORDS];
        let count = self.complaints.read_at(&mut bytes, from).ok()?;
        let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
        let lines: Vec<&str> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        (!lines.is_empty()).then(|| lines.join(" / "))
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

fn ended(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(0), _) => "the engine has ended".to_owned(),
        (Some(code), _) => format!("the engine ended with exit code {code}"),
        (None, Some(signal)) => format!("the engine was ended by signal {signal}"),
        (None, None) => "the engine ended".to_owned(),
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let Some(mut engine) = self.engine.take() else {
            return;
        };
        if !matches!(engine.try_wait(), Ok(None)) {
            return;
        }
        // Its end takes a while, and nobody is to wait for it; without a thread it is collected when we end.
        let _ = thread::Builder::new()
            .name("engine's end".to_owned())
            .spawn(move || engine.wait());
    }
}
