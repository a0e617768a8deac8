//! What moves on the connections: requests in, replies out, and who is let go.
//!
//! Reading goes on while replies wait (a pipelining client that reads late must not hang), but commands do not: who has
//! [`MAX_UNSENT`](super::connection::MAX_UNSENT) bytes of replies that the kernel refuses stalls until it reads. Closed
//! is only who sends and sends in that state. Start at [`Server::ready`].
use std::os::fd::AsFd;

use rustix::event::epoll::{self, EventData, EventFlags};

use super::broker::{ClientId, Effect};
use super::commands::OUT_OF_MEMORY;
use super::connection::{Connection, Received};
use super::reply::Reply;
use super::request::ProtocolError;
use super::server::Server;

/// The peer is gone for good, not only done with sending.
const HUNG_UP: EventFlags = EventFlags::HUP.union(EventFlags::ERR);

impl Server {
    fn connection(&mut self, client: ClientId) -> Option<&mut Connection> {
        self.connections.get_mut(client.index())?.as_mut()
    }

    /// Something happened on a client's socket.
    pub fn ready(&mut self, client: ClientId, flags: EventFlags) {
        // Taken again, as what others sent may have taken its time.
        self.now = self.started.elapsed();
        let buffer = &mut self.buffer;
        let Some(connection) = self
            .connections
            .get_mut(client.index())
            .and_then(Option::as_mut)
        else {
            return;
        };
        if flags.contains(EventFlags::OUT) {
            if connection.stalled {
                self.resumed.push_back(client);
            }
            if !std::mem::replace(&mut connection.dirty, true) {
                self.dirty.push(client);
            }
        }
        let gone = HUNG_UP | EventFlags::RDHUP;
        if connection.is_paused() {
            let left = if connection.is_read_out() {
                HUNG_UP
            } else {
                gone
            };
            if flags.intersects(left) {
                self.drop_client(client);
            }
            return;
        }
        if !flags.intersects(EventFlags::IN | gone) {
            return;
        }
        // What came is about to be executed, and what is put is counted then.
        self.broker.in_transit -= std::mem::take(&mut connection.weighed);
        let lent = connection.reader.lend(buffer);
        let received = connection.receive();
        if matches!(received, Ok(Received::Bytes)) {
            self.execute(client);
        }
        if lent
            && let Some(connection) = self
                .connections
                .get_mut(client.index())
                .and_then(Option::as_mut)
        {
            connection.reader.give_back(&mut self.buffer);
        }
        self.weigh(client);
        match received {
            Ok(Received::Bytes) => self.check_input(client),
            Ok(Received::Nothing) => self.watch(client),
            Ok(Received::End) if !flags.intersects(HUNG_UP) => self.read_out(client),
            Ok(Received::End) | Err(_) => self.drop_client(client),
        }
    }

    /// Closes who sends on and on without reading, and who fills the memory with a request that has no end.
    fn check_input(&mut self, client: ClientId) {
        let overrun = self.broker.is_overrun();
        let Some(connection) = self.connection(client) else {
            return;
        };
        if connection.is_flooding() {
            tracing::warn!("a connection to the queues was closed: it does not read its replies");
            return self.drop_client(client);
        }
        if overrun && connection.is_sending_much() && !connection.closing {
            tracing::warn!(
                "a connection to the queues was closed: there is no memory for its request"
            );
            connection.closing = true;
            connection.push(OUT_OF_MEMORY);
            if !std::mem::replace(&mut connection.dirty, true) {
                self.dirty.push(client);
            }
        }
        self.watch(client);
    }

    /// Counts what a connection makes us keep.
    fn weigh(&mut self, client: ClientId) {
        let Some(connection) = self.connection(client) else {
            return;
        };
        let weight = connection.weight();
        let before = std::mem::replace(&mut connection.weighed, weight);
        self.broker.in_transit = self.broker.in_transit - before + weight;
    }

    /// A client will send nothing more but may still read: it gets the replies to what it sent. One that waits is let
    /// go, as most who wait and stop sending are dead.
    fn read_out(&mut self, client: ClientId) {
        let blocked = self.broker.is_blocked(client);
        let Some(connection) = self.connection(client) else {
            return;
        };
        connection.read_out = true;
        if blocked {
            let _ = connection.flush();
            return self.drop_client(client);
        }
        if !std::mem::replace(&mut connection.dirty, true) {
            self.dirty.push(client);
        }
    }

    /// Executes what a client sent, until it waits, does not read, or there is no further whole command.
    pub fn execute(&mut self, client: ClientId) {
        let mut flushed = false;
        loop {
            let Some(connection) = self
                .connections
                .get_mut(client.index())
                .and_then(Option::as_mut)
            else {
                return;
            };
            if self.broker.is_blocked(client) {
                if connection.read_out {
                    self.read_out(client);
                }
                return;
            }
            if connection.closing {
                return;
            }
            if connection.is_congested() {
                // Only what the kernel refuses counts. Tried once a turn, so that a quick reader keeps nobody waiting.
                let tried = std::mem::replace(&mut flushed, true);
                if !tried && connection.flush().is_err() {
                    return self.drop_client(client);
                }
                if tried || connection.is_congested() {
                    connection.stalled = true;
                    return;
                }
            }
            connection.stalled = false;
            match connection
                .reader
                .next_request(self.broker.is_authenticated(client))
            {
                Ok(None) => return,
                Ok(Some(request)) => {
                    // These may have a time limit, which begins now and not when the first of many was read.
                    if matches!(request.arg(0).first(), Some(b'B' | b'b' | b'Q' | b'q')) {
                        self.now = self.started.elapsed();
                    }
                    self.broker.execute(client, &request, self.now);
                    connection.reader.finish_request();
                    connection.protocol = self.broker.protocol(client);
                }
                Err(error) => {
                    connection.closing = true;
                    if let Some(text) = error.reply() {
                        connection.push(Reply::Error(text.into()));
                    }
                    if !std::mem::replace(&mut connection.dirty, true) {
                        self.dirty.push(client);
                    }
                    let quiet = error == ProtocolError::Http
                        && std::mem::replace(&mut self.logged_http, true);
                    if !quiet {
                        tracing::warn!(%error, "a connection to the queues was closed");
                    }
                    return;
                }
            }
            self.pump_from(Some(client));
        }
    }

    /// Carries out what the broker wants done.
    pub fn pump(&mut self) {
        self.pump_from(None);
    }

    /// The same after a command of `current`, who goes on by itself.
    fn pump_from(&mut self, current: Option<ClientId>) {
        let mut let_go = Vec::new();
        for effect in self.broker.effects() {
            let client = match &effect {
                Effect::Reply(client, _) | Effect::Close(client) | Effect::Drop(client) => *client,
            };
            let Some(connection) = self
                .connections
                .get_mut(client.index())
                .and_then(Option::as_mut)
            else {
                continue;
            };
            if !std::mem::replace(&mut connection.dirty, true) {
                self.dirty.push(client);
            }
            match effect {
                Effect::Reply(_, reply) => {
                    connection.push(reply);
                    if current != Some(client) && connection.reader.buffered() > 0 {
                        self.resumed.push_back(client);
                    }
                }
                Effect::Close(_) => connection.closing = true,
                Effect::Drop(_) => let_go.push(client),
            }
        }
        for client in let_go {
            self.drop_client(client);
        }
    }

    /// Runs resumed clients and sends replies until neither leads to the other.
    pub fn finish_turn(&mut self) {
        loop {
            if let Some(client) = self.resumed.pop_front() {
                self.execute(client);
                self.watch(client);
            } else if let Some(client) = self.dirty.pop() {
                self.flush(client);
            } else {
                return;
            }
        }
    }

    fn flush(&mut self, client: ClientId) {
        let Some(connection) = self.connection(client) else {
            return;
        };
        connection.dirty = false;
        let flushed = connection.flush();
        let done = connection.is_done();
        self.weigh(client);
        match flushed {
            Ok(()) if done => self.drop_client(client),
            Ok(()) => self.watch(client),
            Err(_) => self.drop_client(client),
        }
    }

    /// Tells epoll what to watch a connection for.
    fn watch(&mut self, client: ClientId) {
        let blocked = self.broker.is_blocked(client);
        let epoll = self.epoll.as_fd();
        let Some(connection) = self
            .connections
            .get_mut(client.index())
            .and_then(Option::as_mut)
        else {
            return;
        };
        // What is about to be flushed asks for room only if that leaves something.
        if connection.dirty {
            return;
        }
        let wanted = connection.wanted_interest(blocked);
        if wanted != connection.interest {
            connection.interest = wanted;
            let data = EventData::new_u64(client.index() as u64);
            if let Err(error) = epoll::modify(epoll, &connection.socket, data, wanted) {
                tracing::warn!(%error, "the queue server cannot watch a connection");
                self.drop_client(client);
            }
        }
    }

    /// A client is gone: out of every line, and what it was about to get goes back to where it was.
    fn drop_client(&mut self, client: ClientId) {
        let Some(mut connection) = self
            .connections
            .get_mut(client.index())
            .and_then(Option::take)
        else {
            return;
        };
        self.connected -= 1;
        self.broker.in_transit -= connection.weighed;
        self.broker.disconnect(client, self.now);
        self.broker
            .give_back_all(connection.undelivered(), self.now);
        self.pump();
    }
}
