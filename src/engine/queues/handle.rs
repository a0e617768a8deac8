//! The engine's door to the queue server: start it, ask it, stop it, from any plain thread.
//!
//! Owns the thread's life and the socket's file. Questions go over a bounded channel, each with a place for its answer;
//! the latest snapshot lies ready and costs a pointer. Folder checks are the caller's. Start at [`QueueServer::start`].
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use rustix::event::EventfdFlags;
use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use super::broker::{Broker, BrokerOptions};
use super::server::Server;
use super::{PeekedItem, QueueDecl, QueueSample, memory};

/// Questions that may wait for the server at once.
const CONTROLS: usize = 64;
/// How long an answer may take: the server thread only ever works in memory.
const PATIENCE: Duration = Duration::from_secs(5);
/// Most bytes of one item that a peek brings.
const PEEK_HEAD: usize = 64 * 1024;
/// Connections waiting to be accepted.
const BACKLOG: i32 = 4096;
/// Most queues in one snapshot, which is made four times a second.
pub(super) const MAX_SAMPLES: usize = 1000;
/// Longest socket path (`sun_path` with its closing zero).
const LONGEST_PATH: usize = 107;

/// Why the server did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// Its thread ended.
    #[error("the queue server has ended")]
    Ended,
    /// It did not answer in time.
    #[error("the queue server does not answer")]
    Silent,
}

/// What may be said about a server.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Bytes of queued values above which puts are refused; `None` = a quarter of the memory there is.
    pub max_memory: Option<u64>,
    /// Most connections at once.
    pub max_clients: usize,
}

impl Default for ServerOptions {
    fn default() -> Self {
        ServerOptions {
            max_memory: None,
            max_clients: 10_000,
        }
    }
}

/// A question for the server's thread.
#[derive(Debug)]
pub(super) enum Control {
    Stat {
        name: String,
        answer: SyncSender<Option<QueueSample>>,
    },
    List {
        answer: SyncSender<Vec<QueueSample>>,
    },
    Peek {
        name: String,
        from: usize,
        count: usize,
        head: usize,
        answer: SyncSender<Vec<PeekedItem>>,
    },
    Declare {
        declaration: QueueDecl,
        answer: SyncSender<()>,
    },
    Snapshot,
    Stop,
}

/// What both sides touch: the latest snapshot, and the bell that wakes the server.
#[derive(Debug)]
pub(super) struct Shared {
    snapshot: Mutex<Arc<Vec<QueueSample>>>,
    pub wake: OwnedFd,
}

impl Shared {
    /// Replaces the latest snapshot.
    pub fn publish(&self, samples: Vec<QueueSample>) {
        let samples = Arc::new(samples);
        *self.snapshot.lock().unwrap_or_else(PoisonError::into_inner) = samples;
    }

    fn ring(&self) {
        // A full counter means the bell is ringing already.
        let _ = rustix::io::write(&self.wake, &1u64.to_ne_bytes());
    }

    /// Silences the bell.
    pub fn clear_wake(&self) {
        let _ = rustix::io::read(&self.wake, &mut [0u8; 8]);
    }
}

/// The queue server of one run.
#[derive(Debug)]
pub struct QueueServer;

impl QueueServer {
    /// Listens at `path` (mode 0600; at most 107 bytes; a dead socket there is replaced), makes the `declared` queues
    /// and serves on a thread of its own until the handle is shut down or dropped.
    ///
    /// # Errors
    /// Whatever keeps the socket from being made: a path that is too long, taken by a living server, not writable.
    pub fn start(
        path: PathBuf,
        declared: Vec<QueueDecl>,
        options: ServerOptions,
    ) -> io::Result<QueueServerHandle> {
        let listener = listen(&path)?;
        let wake = rustix::event::eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
        let shared = Arc::new(Shared {
            snapshot: Mutex::default(),
            wake,
        });
        let mut broker = Broker::new(BrokerOptions {
            max_memory: options.max_memory.unwrap_or_else(memory::a_quarter),
            token: None,
            started: SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default(),
        });
        for declaration in &declared {
            broker.declare(declaration, Duration::ZERO);
        }
        shared.publish(broker.samples(MAX_SAMPLES, Duration::ZERO));
        let (controls, receiver) = sync_channel(CONTROLS);
        let server = Server::new(
            listener,
            receiver,
            shared.clone(),
            broker,
            options.max_clients,
        )?;
        let thread = std::thread::Builder::new()
            .name("queues".to_owned())
            .spawn(move || server.run())?;
        Ok(QueueServerHandle {
            questions: QueueQuestions {
                shared,
                controls,
                path: path.into(),
            },
            thread: Some(thread),
        })
    }
}

/// A socket listening at `path` that only its owner may use.
fn listen(path: &Path) -> io::Result<OwnedFd> {
    let length = path.as_os_str().len();
    if length > LONGEST_PATH {
        let text = format!(
            "socket path has {length} bytes, at most {LONGEST_PATH} are possible: {}",
            path.display()
        );
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    // Linux takes the file's mode from the unbound socket. So there is no moment in which others may connect, and no
    // umask is changed under the feet of other threads.
    rustix::fs::fchmod(&socket, Mode::from_raw_mode(0o600))?;
    let address = SocketAddrUnix::new(path)?;
    match rustix::net::bind(&socket, &address) {
        Err(Errno::ADDRINUSE) if is_socket(path)? && is_dead(&address)? => {
            std::fs::remove_file(path)?;
            rustix::net::bind(&socket, &address)?;
        }
        bound => bound?,
    }
    rustix::net::listen(&socket, BACKLOG)?;
    Ok(socket)
}

/// True for a socket itself: whatever else lies in our place, a link included, is not ours to remove.
fn is_socket(path: &Path) -> io::Result<bool> {
    Ok(std::fs::symlink_metadata(path)?.file_type().is_socket())
}

/// True for a socket that nobody serves any more. One whose line is full answers at once, too: it is alive.
fn is_dead(address: &SocketAddrUnix) -> io::Result<bool> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let probe = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    Ok(rustix::net::connect(&probe, address) == Err(Errno::CONNREFUSED))
}

/// What may be asked of a running queue server, from any thread. Does not keep the server alive.
#[derive(Debug, Clone)]
pub struct QueueQuestions {
    shared: Arc<Shared>,
    controls: SyncSender<Control>,
    path: Arc<Path>,
}

impl QueueQuestions {
    /// Where the server listens.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The queues as they were when something last changed (at most 250 ms ago while something does), of very many only
    /// a thousand, the session's first. Costs a pointer.
    pub fn snapshot(&self) -> Arc<Vec<QueueSample>> {
        self.shared
            .snapshot
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Asks for a fresh snapshot without waiting for it (ages and waiting times move while nothing else does).
    pub fn request_snapshot(&self) {
        if self.controls.try_send(Control::Snapshot).is_ok() {
            self.shared.ring();
        }
    }

    /// The present state of one queue, `None` when there is no such queue.
    ///
    /// # Errors
    /// The server ended or does not answer; so for every question below.
    pub fn stat(&self, name: &str) -> Result<Option<QueueSample>, QueueError> {
        self.ask(|answer| Control::Stat {
            name: name.to_owned(),
            answer,
        })
    }

    /// The present state of all queues, by name.
    ///
    /// # Errors
    /// As [`Self::stat`].
    pub fn list(&self) -> Result<Vec<QueueSample>, QueueError> {
        self.ask(|answer| Control::List { answer })
    }

    /// Up to `count` items from index `from` on (at most `head` bytes of each, never more than 64 KiB) without taking
    /// them.
    ///
    /// # Errors
    /// As [`Self::stat`].
    pub fn peek(
        &self,
        name: &str,
        from: usize,
        count: usize,
        head: usize,
    ) -> Result<Vec<PeekedItem>, QueueError> {
        self.ask(|answer| Control::Peek {
            name: name.to_owned(),
            from,
            count,
            head: head.min(PEEK_HEAD),
            answer,
        })
    }

    /// Makes or alters a queue.
    ///
    /// # Errors
    /// As [`Self::stat`].
    pub fn declare(&self, declaration: QueueDecl) -> Result<(), QueueError> {
        self.ask(|answer| Control::Declare {
            declaration,
            answer,
        })
    }

    fn ask<T>(&self, question: impl FnOnce(SyncSender<T>) -> Control) -> Result<T, QueueError> {
        let (answer, answered) = sync_channel(1);
        self.controls
            .try_send(question(answer))
            .map_err(|error| match error {
                TrySendError::Full(_) => QueueError::Silent,
                TrySendError::Disconnected(_) => QueueError::Ended,
            })?;
        self.shared.ring();
        answered
            .recv_timeout(PATIENCE)
            .map_err(|error| match error {
                RecvTimeoutError::Timeout => QueueError::Silent,
                RecvTimeoutError::Disconnected => QueueError::Ended,
            })
    }
}

/// A running queue server. Dropping it shuts it down.
#[derive(Debug)]
pub struct QueueServerHandle {
    questions: QueueQuestions,
    thread: Option<JoinHandle<()>>,
}

impl QueueServerHandle {
    /// What may be asked of it.
    pub fn questions(&self) -> &QueueQuestions {
        &self.questions
    }

    /// Closes every connection, ends the thread and removes the socket.
    pub fn shutdown(mut self) {
        self.stop();
    }

    fn stop(&mut self) {
        let Some(thread) = self.thread.take() else {
            return;
        };
        self.questions.shared.ring();
        // Waits while the channel is full; an error means the thread has ended already.
        let _ = self.questions.controls.send(Control::Stop);
        self.questions.shared.ring();
        if thread.join().is_err() {
            tracing::error!("the queue server panicked");
        }
        let _ = std::fs::remove_file(&*self.questions.path);
    }
}

impl Drop for QueueServerHandle {
    fn drop(&mut self) {
        self.stop();
    }
}
