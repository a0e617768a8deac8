//! The door of the server: who may come in, and how many.
//!
//! Only our own user and root; what a client may do inside is the broker's. Start at [`Server::accept`].
//!
//! How many is a matter of descriptors. The process's soft limit of them is raised when there are more clients than it
//! has room for, and not before: what the engine starts, the agent with all ranks of this host first of all, is started
//! earlier and must not inherit a limit that programs which still call `select` cannot live with.
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::net::{SendFlags, SocketFlags};
use rustix::process::{Resource, Rlimit};

use super::connection::Connection;
use super::server::{LISTENER, Server};

/// Connections accepted per turn, so that a flood of them starves nobody.
const ACCEPTS: usize = 64;
/// How long accepting rests when there are no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Descriptors left to the rest of the engine; of a small limit a quarter.
const RESERVE: u64 = 256;

/// Finds out who is at the other end of a socket.
///
/// Tokio's way and not rustix's, whose process ids are never 0: 0 is what the kernel says of a process that cannot be
/// seen from here, one outside of our container for instance. The runtime runs nothing; a socket of tokio's needs one.
#[derive(Debug)]
pub(super) struct Peers(Option<tokio::runtime::Runtime>);

impl Peers {
    /// Needs a few descriptors.
    pub fn new() -> io::Result<Self> {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder
            .enable_io()
            .build()
            .map(|runtime| Peers(Some(runtime)))
    }

    /// The socket again, the user and the process (0: not to be seen from here) at its other end.
    fn who(&self, socket: OwnedFd) -> io::Result<(OwnedFd, u32, u32)> {
        let _inside = self.0.as_ref().map(tokio::runtime::Runtime::enter);
        let stream = tokio::net::UnixStream::from_std(UnixStream::from(socket))?;
        let peer = stream.peer_cred()?;
        let pid = peer.pid().and_then(|pid| u32::try_from(pid).ok());
        Ok((stream.into_std()?.into(), peer.uid(), pid.unwrap_or(0)))
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        // A server that could not be started is dropped inside of the engine's runtime, which must not wait for this.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// How many clients fit into a limit of descriptors.
fn room_in(limit: Option<u64>) -> usize {
    let room = limit.map_or(u64::MAX, |limit| limit - RESERVE.min(limit / 4));
    usize::try_from(room).unwrap_or(usize::MAX)
}

/// A descriptor that is given up to tell somebody that there are none left.
pub(super) fn spare() -> Option<OwnedFd> {
    rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()
}

/// How many clients fit into the present limit.
pub(super) fn present_room() -> usize {
    room_in(rustix::process::getrlimit(Resource::Nofile).current)
}

impl Server {
    /// Lets in who waits outside.
    pub fn accept(&mut self) {
        if self.accept_again.take().is_some() {
            let _ = epoll::modify(
                &self.epoll,
                &self.listener,
                EventData::new_u64(LISTENER),
                EventFlags::IN,
            );
        }
        for _ in 0..ACCEPTS {
            match rustix::net::accept_with(
                &self.listener,
                SocketFlags::NONBLOCK | SocketFlags::CLOEXEC,
            ) {
                Ok(socket) => self.admit(socket),
                Err(Errno::AGAIN) => return,
                Err(Errno::INTR | Errno::CONNABORTED) => {}
                // The engine itself may need more than it was left.
                Err(Errno::MFILE) if self.connected < self.max_clients && self.raise_limit() => {}
                Err(Errno::MFILE | Errno::NFILE) if self.spare.take().is_some() => {
                    if let Ok(socket) = rustix::net::accept_with(
                        &self.listener,
                        SocketFlags::NONBLOCK | SocketFlags::CLOEXEC,
                    ) {
                        self.refuse(socket);
                    }
                    self.spare = spare();
                }
                Err(error) => {
                    if !std::mem::replace(&mut self.refusing, true) {
                        tracing::warn!(%error, "the queue server cannot accept a connection");
                    }
                    self.spare = self.spare.take().or_else(spare);
                    let nothing = EventFlags::empty();
                    let _ = epoll::modify(
                        &self.epoll,
                        &self.listener,
                        EventData::new_u64(LISTENER),
                        nothing,
                    );
                    self.accept_again = Some(self.now + ACCEPT_PAUSE);
                    return;
                }
            }
        }
    }

    fn admit(&mut self, socket: OwnedFd) {
        let (socket, uid, pid) = match self.peers.who(socket) {
            Ok(peer) => peer,
            Err(error) => {
                tracing::warn!(%error, "a connection to the queues was closed: whose it is cannot be found out");
                return;
            }
        };
        if uid != rustix::process::getuid().as_raw() && uid != 0 {
            tracing::warn!(uid, "another user's connection to the queues was closed");
            return;
        }
        if self.connected >= self.room && self.connected < self.max_clients {
            self.raise_limit();
        }
        let most = self.room.min(self.max_clients);
        if self.connected >= most {
            return self.refuse(socket);
        }
        // Somebody who comes and goes at the limit is not told of each time.
        self.refusing &= self.connected + 1 >= most - most / 10;
        let client = self.broker.connect(pid, false, self.now);
        let connection = Connection::new(socket);
        let data = EventData::new_u64(client.index() as u64);
        if let Err(error) = epoll::add(&self.epoll, &connection.socket, data, connection.interest) {
            tracing::warn!(%error, "the queue server cannot watch a connection");
            self.broker.disconnect(client, self.now);
            return;
        }
        if self.connections.len() <= client.index() {
            self.connections.resize_with(client.index() + 1, || None);
        }
        self.connections[client.index()] = Some(connection);
        self.connected += 1;
    }

    /// Tells a client that it is one too many.
    fn refuse(&mut self, socket: OwnedFd) {
        if !std::mem::replace(&mut self.refusing, true) {
            tracing::warn!(
                clients = self.connected,
                "the queue server has as many clients as it can"
            );
        }
        let refusal = b"-ERR max number of clients reached\r\n";
        let _ = rustix::net::send(&socket, refusal, SendFlags::NOSIGNAL);
    }

    /// Asks for as many descriptors as the most clients need; true when there are more now.
    fn raise_limit(&mut self) -> bool {
        let Rlimit { current, maximum } = rustix::process::getrlimit(Resource::Nofile);
        let wanted = (self.max_clients as u64).saturating_add(RESERVE);
        let wanted = maximum.map_or(wanted, |maximum| maximum.min(wanted));
        let more = current.is_some_and(|current| current < wanted);
        if more {
            let raised = Rlimit {
                current: Some(wanted),
                maximum,
            };
            if let Err(error) = rustix::process::setrlimit(Resource::Nofile, raised) {
                tracing::warn!(%error, "the queue server cannot raise its limit of descriptors");
                return false;
            }
        }
        self.room = present_room();
        more
    }
}

#[cfg(test)]
mod tests {
    use super::room_in;

    #[test]
    fn the_engine_keeps_descriptors_for_itself() {
        let room = [8, 256, 1024, 20_000].map(|limit| room_in(Some(limit)));
        assert_eq!(room, [6, 192, 768, 19_744]);
        assert!(room_in(None) > 1 << 30);
    }
}
