//! The event loop: one thread, one epoll, all connections of a run.
//!
//! One turn: wait; read each ready socket once and execute all it sent; send every connection's replies in one write.
//! No command has a task or a channel of its own. Everything that decides is the broker's; what moves on the single
//! connections is `traffic.rs`, who may come in `accept.rs`. Start at [`Server::run`].
use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use rustix::event::epoll::{self, Event, EventData, EventFlags};
use rustix::io::Errno;

use super::accept;
use super::broker::{Broker, ClientId};
use super::connection::Connection;
use super::handle::{Control, MAX_SAMPLES, Shared};
use super::request::READ_SIZE;

pub(super) const LISTENER: u64 = u64::MAX;
const WAKE: u64 = u64::MAX - 1;
/// Events taken per turn.
const EVENTS: usize = 256;
/// Least time between two snapshots.
const SNAPSHOT_EVERY: Duration = Duration::from_millis(250);
/// Longest wait, within what every epoll can express.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// The state of the event loop.
pub(super) struct Server {
    pub epoll: OwnedFd,
    pub listener: OwnedFd,
    pub controls: Receiver<Control>,
    pub shared: Arc<Shared>,
    pub broker: Broker,
    pub max_clients: usize,
    pub started: Instant,
    pub now: Duration,
    pub connections: Vec<Option<Connection>>,
    pub connected: usize,
    /// Connections with something to send.
    pub dirty: Vec<ClientId>,
    /// Clients that waited and may have further commands, in the order in which they were served.
    pub resumed: VecDeque<ClientId>,
    /// The read buffer of all connections that have nothing half-read.
    pub buffer: Vec<u8>,
    pub accept_again: Option<Duration>,
    pub peers: accept::Peers,
    /// How many clients the limit of descriptors has room for.
    pub room: usize,
    /// Given up for a moment to refuse a client when no other descriptor is left.
    pub spare: Option<OwnedFd>,
    /// Somebody was refused lately, and it was told of.
    pub refusing: bool,
    pub logged_http: bool,
    snapshot_at: Duration,
    snapshot_of: u64,
    stopping: bool,
}

impl Server {
    /// A server for a listening, non-blocking socket.
    pub fn new(
        listener: OwnedFd,
        controls: Receiver<Control>,
        shared: Arc<Shared>,
        broker: Broker,
        max_clients: usize,
    ) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(
            &epoll,
            &listener,
            EventData::new_u64(LISTENER),
            EventFlags::IN,
        )?;
        epoll::add(
            &epoll,
            &shared.wake,
            EventData::new_u64(WAKE),
            EventFlags::IN,
        )?;
        Ok(Server {
            epoll,
            listener,
            controls,
            shared,
            // Nothing is published yet, whatever the broker has been told before.
            snapshot_of: u64::MAX,
            broker,
            max_clients,
            started: Instant::now(),
            now: Duration::ZERO,
            connections: Vec::new(),
            connected: 0,
            dirty: Vec::new(),
            resumed: VecDeque::new(),
            buffer: Vec::with_capacity(READ_SIZE),
            accept_again: None,
            peers: accept::Peers::new()?,
            room: accept::present_room(),
            spare: accept::spare(),
            refusing: false,
            logged_http: false,
            snapshot_at: Duration::ZERO,
            stopping: false,
        })
    }

    /// Serves until told to stop.
    pub fn run(mut self) {
        let mut events: Vec<Event> = Vec::with_capacity(EVENTS);
        while !self.stopping {
            self.publish();
            let timeout = self.timeout();
            events.clear();
            let waited = epoll::wait(
                &self.epoll,
                rustix::buffer::spare_capacity(&mut events),
                timeout.as_ref(),
            );
            match waited {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => {
                    tracing::error!(%error, "the queue server cannot wait for its sockets");
                    break;
                }
            }
            self.now = self.started.elapsed();
            self.broker.expire(self.now);
            self.pump();
            let (mut accept, mut control) = (false, false);
            for event in &events {
                match event.data.u64() {
                    LISTENER => accept = true,
                    WAKE => control = true,
                    slot => self.ready(ClientId(slot as u32), event.flags),
                }
            }
            if control {
                self.obey();
            }
            self.finish_turn();
            // After the others, so that a slot freed in this turn is not mixed up with its old events.
            if accept || self.accept_again.is_some_and(|at| at <= self.now) {
                self.accept();
            }
        }
        self.connections
            .iter_mut()
            .flatten()
            .for_each(|connection| drop(connection.flush()));
    }

    /// How long nothing is due.
    fn timeout(&self) -> Option<rustix::time::Timespec> {
        let snapshot = (self.broker.changes() != self.snapshot_of)
            .then_some(self.snapshot_at + SNAPSHOT_EVERY);
        let due = [self.broker.next_deadline(), self.accept_again, snapshot]
            .into_iter()
            .flatten()
            .min()?;
        let mut wait = due.saturating_sub(self.started.elapsed()).min(LONGEST_WAIT);
        if !wait.is_zero() {
            // Older kernels wait in whole milliseconds and would come back too early, over and over.
            wait = Duration::from_millis(wait.as_micros().div_ceil(1000) as u64);
        }
        rustix::time::Timespec::try_from(wait).ok()
    }

    fn publish(&mut self) {
        let changes = self.broker.changes();
        let now = self.started.elapsed();
        if changes == self.snapshot_of
            || (self.snapshot_at + SNAPSHOT_EVERY > now && self.snapshot_of != u64::MAX)
        {
            return;
        }
        self.publish_now(now);
    }

    fn publish_now(&mut self, now: Duration) {
        self.snapshot_of = self.broker.changes();
        self.snapshot_at = now;
        self.shared.publish(self.broker.samples(MAX_SAMPLES, now));
    }

    fn obey(&mut self) {
        self.shared.clear_wake();
        while let Ok(control) = self.controls.try_recv() {
            // A caller that gave up waiting is no error here.
            match control {
                Control::Stat { name, answer } => {
                    drop(answer.send(self.broker.sample(&name, self.now)))
                }
                Control::List { answer } => {
                    drop(answer.send(self.broker.samples(usize::MAX, self.now)))
                }
                Control::Peek {
                    name,
                    from,
                    count,
                    head,
                    answer,
                } => {
                    drop(answer.send(self.broker.peek(&name, from, count, head, self.now)));
                }
                Control::Declare {
                    declaration,
                    answer,
                } => {
                    self.broker.declare(&declaration, self.now);
                    self.pump();
                    let _ = answer.send(());
                }
                Control::Snapshot => self.publish_now(self.now),
                Control::Stop => self.stopping = true,
            }
        }
    }
}
