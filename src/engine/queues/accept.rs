//! The door of the server: who may come in, and how many.
//!
//! Only our own user and root; what a client may do inside is the broker's. Start at [`Server::accept`].
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{SendFlags, SocketFlags};

use super::connection::Connection;
use super::server::{LISTENER, Server};

/// Connections accepted per turn, so that a flood of them starves nobody.
const ACCEPTS: usize = 64;
/// How long accepting rests when there are no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

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
                Err(error) => {
                    tracing::warn!(%error, "the queue server cannot accept a connection");
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
        let Ok(peer) = rustix::net::sockopt::socket_peercred(&socket) else {
            return;
        };
        if peer.uid != rustix::process::getuid() && !peer.uid.is_root() {
            tracing::warn!(
                uid = peer.uid.as_raw(),
                "another user's connection to the queues was closed"
            );
            return;
        }
        if self.connected >= self.max_clients {
            let refusal = b"-ERR max number of clients reached\r\n";
            let _ = rustix::net::send(&socket, refusal, SendFlags::NOSIGNAL);
            return;
        }
        let pid = u32::try_from(peer.pid.as_raw_nonzero().get()).unwrap_or(0);
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
}
