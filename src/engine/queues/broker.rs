//! The queues of a run and everybody who waits at them, as a plain value: command and time in, effects out.
//!
//! Owns the queues, the lines of blocked clients, limits and counters. It never reads a clock (time comes in as the
//! time since the broker's start), never does I/O and never blocks. Commands enter through [`Broker::execute`]
//! (`commands.rs`: queues, `session.rs`: connections, `stat.rs`: what is visible); answers, also those to clients
//! that waited, leave through [`Broker::effects`], in the order in which they are to be sent.
//!
//! Between two calls this holds: a queue with items has no waiting getter, and the first putter in a line has no room.
//! `settle` restores it after every change, so nobody overtakes and no wake-up is lost.
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::items::{Item, Tick};
use super::reply::{End, Got, GotItems, Protocol, Reply};
use super::state::{Blocked, Client, Patience, Queue, Standing, Waiting};
use super::users::Gone;
use super::{QueueDecl, Side};

/// What a broker is made with.
#[derive(Debug, Clone)]
pub struct BrokerOptions {
    /// Memory of queued and waiting values above which puts are refused, in bytes.
    pub max_memory: u64,
    /// The secret that connections marked as such have to name in `AUTH` or `HELLO`.
    pub token: Option<Vec<u8>>,
    /// The broker's start as time since the epoch (for `TIME` and `INFO`).
    pub started: Duration,
}

/// A connected client: a small number, used again after it left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub(super) u32);

impl ClientId {
    /// The number as an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What the broker wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Send this to that client.
    Reply(ClientId, Reply),
    /// Execute nothing more for that client and close its connection once its replies are sent.
    Close(ClientId),
    /// Close that client's connection now, whatever is under way on it.
    Drop(ClientId),
}

/// The circumstances of one command.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context {
    pub client: ClientId,
    pub now: Duration,
    /// False inside a transaction: blocking commands act as if timed out.
    pub may_block: bool,
}

/// The queues of one run. See the module's documentation.
#[derive(Debug)]
pub struct Broker {
    pub(super) options: BrokerOptions,
    pub(super) names: HashMap<Arc<[u8]>, u32>,
    pub(super) queues: Vec<Queue>,
    pub(super) free_queues: Vec<u32>,
    pub(super) forgotten: usize,
    pub(super) clients: Vec<Client>,
    free_clients: Vec<u32>,
    timers: BTreeSet<(Duration, u64, ClientId)>,
    effects: Vec<Effect>,
    next_ticket: u64,
    next_client: u64,
    pub(super) births: u64,
    pub(super) gone: Gone,
    /// Bytes of queued and waiting values.
    pub(super) memory: u64,
    /// Bytes of requests and replies that are on their way; whoever moves them counts them.
    pub in_transit: u64,
    pub(super) changes: u64,
    pub(super) commands: u64,
}

impl Broker {
    /// A broker without queues.
    pub fn new(options: BrokerOptions) -> Self {
        Broker {
            options,
            names: HashMap::new(),
            queues: Vec::new(),
            free_queues: Vec::new(),
            forgotten: 0,
            clients: Vec::new(),
            free_clients: Vec::new(),
            timers: BTreeSet::new(),
            effects: Vec::new(),
            next_ticket: 1,
            next_client: 1,
            births: 0,
            gone: Gone::new(),
            memory: 0,
            in_transit: 0,
            changes: 0,
            commands: 0,
        }
    }

    /// A client came. `pid` is 0 where it is not known; `locked` clients must authenticate first.
    pub fn connect(&mut self, pid: u32, locked: bool, now: Duration) -> ClientId {
        let slot = self.free_clients.pop().unwrap_or_else(|| {
            self.clients.push(Client::default());
            (self.clients.len() - 1) as u32
        });
        self.clients[slot as usize] = Client {
            alive: true,
            id: self.next_client,
            pid,
            locked,
            connected: now,
            last_seen: now,
            last_command: "NULL",
            ..Client::default()
        };
        self.next_client += 1;
        ClientId(slot)
    }

    /// A client is gone: it leaves every line at once, and a value it could not put is never put.
    pub fn disconnect(&mut self, client: ClientId, now: Duration) {
        let touched = self.unblock(client);
        self.keep_uses(client);
        let slot = &mut self.clients[client.index()];
        if !std::mem::take(&mut slot.alive) {
            return;
        }
        *slot = Client::default();
        self.free_clients.push(client.0);
        if let Some(Blocked {
            what: Waiting::Put { queue, values, .. },
            ..
        }) = touched
        {
            self.memory -= values.iter().map(Item::cost).sum::<u64>();
            self.settle(queue, now);
        }
    }

    /// Items whose replies could not be sent go back to where they were taken from, in order, bound or not. What was
    /// taken last is to come first, and nobody gets any of them before all are back.
    pub fn give_back_all(&mut self, undelivered: impl Iterator<Item = Got>, now: Duration) {
        let (mut touched, mut seen) = (Vec::new(), HashSet::new());
        for got in undelivered {
            if got.is_empty() {
                continue;
            }
            let queue = self.queue_or_new(&got.key);
            if seen.insert(queue) {
                touched.push(queue);
            }
            let end = got.end;
            for mut item in got.into_items().into_iter().rev() {
                item.count_return();
                self.queues[queue as usize].redelivered += 1;
                self.insert(queue, end, item);
            }
        }
        for queue in touched {
            self.settle(queue, now);
        }
    }

    /// Makes or alters a queue; what the declaration leaves open is unbounded.
    pub fn declare(&mut self, declaration: &QueueDecl, now: Duration) {
        let queue = self.queue_or_new(declaration.name.as_bytes());
        let state = &mut self.queues[queue as usize];
        state.standing = Standing::BySession;
        state.max = declaration.maxsize;
        state.max_bytes = declaration.maxbytes;
        state.joinable = declaration.joinable;
        self.altered(queue, now);
    }

    /// What happened since the last call, in order.
    pub fn effects(&mut self) -> std::vec::Drain<'_, Effect> {
        self.effects.drain(..)
    }

    /// The dialect a client's replies are to be written in.
    pub fn protocol(&self, client: ClientId) -> Protocol {
        self.clients[client.index()].protocol
    }

    /// True while a client waits: its further commands must not be executed yet.
    pub fn is_blocked(&self, client: ClientId) -> bool {
        self.clients[client.index()].blocked.is_some()
    }

    /// True once a client may send commands of any size.
    pub fn is_authenticated(&self, client: ClientId) -> bool {
        !self.clients[client.index()].locked
    }

    /// Grows whenever something visible changed.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// The next moment at which [`Self::expire`] has something to do.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.timers.first().map(|timer| timer.0)
    }

    /// Answers everyone whose patience ended.
    pub fn expire(&mut self, now: Duration) {
        while let Some(&(deadline, _, client)) = self.timers.first() {
            if deadline > now {
                return;
            }
            match self.unblock(client).map(|blocked| blocked.what) {
                Some(Waiting::Get { .. }) => self.reply(client, Reply::NilArray),
                Some(Waiting::Put { queue, values, .. }) => {
                    self.memory -= values.iter().map(Item::cost).sum::<u64>();
                    self.reply(client, Reply::Nil);
                    self.settle(queue, now);
                }
                // Timers go with their client; this one would otherwise come again for ever.
                None => {
                    self.timers.pop_first();
                }
            }
        }
    }

    pub(super) fn reply(&mut self, client: ClientId, reply: Reply) {
        self.effects.push(Effect::Reply(client, reply));
    }

    pub(super) fn close(&mut self, client: ClientId) {
        self.effects.push(Effect::Close(client));
    }

    pub(super) fn let_go(&mut self, client: ClientId) {
        self.effects.push(Effect::Drop(client));
    }

    /// Puts an item into its place; counts memory only.
    fn insert(&mut self, queue: u32, end: End, item: Item) {
        self.changes += 1;
        self.memory += item.cost();
        let state = &mut self.queues[queue as usize];
        state.bytes += item.len();
        match end {
            End::Left => state.items.push_front(item),
            End::Right => state.items.push_back(item),
        }
    }

    /// Takes an item out of its place; counts memory only.
    fn remove(&mut self, queue: u32, end: End) -> Option<Item> {
        let state = &mut self.queues[queue as usize];
        let item = match end {
            End::Left => state.items.pop_front(),
            End::Right => state.items.pop_back(),
        }?;
        state.bytes -= item.len();
        self.memory -= item.cost();
        self.changes += 1;
        Some(item)
    }

    fn push(&mut self, queue: u32, end: End, item: Item) {
        let state = &mut self.queues[queue as usize];
        state.put += 1;
        state.put_bytes += item.len();
        self.insert(queue, end, item);
    }

    fn pop(&mut self, queue: u32, end: End) -> Option<Item> {
        let item = self.remove(queue, end)?;
        let state = &mut self.queues[queue as usize];
        state.got += 1;
        state.got_bytes += item.len();
        Some(item)
    }

    /// Puts `count` values, `item(i)` being the i-th, together or not at all; answers now or once there was room.
    pub(super) fn put(
        &mut self,
        cx: Context,
        key: &[u8],
        end: End,
        (count, bytes): (usize, u64),
        patience: Patience,
        item: impl Fn(usize) -> Item,
    ) -> Result<(), Reply> {
        let queue = self.queue_if_room(key)?;
        let state = &self.queues[queue as usize];
        if let Some(error) = state.never_fits(count as u64, bytes) {
            return Err(error);
        }
        if state.putters.is_empty() && state.has_room(count as u64, bytes) {
            for index in 0..count {
                self.push(queue, end, item(index));
            }
            self.used(cx.client, queue, Side::Put, count as u64);
            let depth = self.queues[queue as usize].items.len();
            self.reply(cx.client, Reply::count(depth));
            self.settle(queue, cx.now);
            return Ok(());
        }
        let deadline = match patience {
            Patience::AsDeclared if state.refuse_when_full || !cx.may_block => {
                return Err(state.full(count as u64, bytes));
            }
            Patience::AsDeclared => None,
            Patience::Until(deadline) if cx.may_block => deadline,
            Patience::Until(_) | Patience::None => return Err(Reply::Nil),
        };
        let values: Vec<Item> = (0..count).map(item).collect();
        self.memory += values.iter().map(Item::cost).sum::<u64>();
        self.block(cx, deadline, Waiting::Put { queue, end, values });
        Ok(())
    }

    /// Takes up to `count` items at once.
    pub(super) fn take(&mut self, cx: Context, queue: u32, end: End, count: usize) -> Vec<Item> {
        let count = count.min(self.queues[queue as usize].items.len());
        let items: Vec<Item> = (0..count).map_while(|_| self.pop(queue, end)).collect();
        self.used(cx.client, queue, Side::Get, items.len() as u64);
        self.settle(queue, cx.now);
        items
    }

    /// Takes one item.
    pub(super) fn take_one(&mut self, cx: Context, queue: u32, end: End) -> Option<Item> {
        let item = self.pop(queue, end);
        if item.is_some() {
            self.used(cx.client, queue, Side::Get, 1);
        }
        self.settle(queue, cx.now);
        item
    }

    /// Throws away what a queue holds; how many that were.
    pub(super) fn purge(&mut self, queue: u32, now: Duration) -> usize {
        let mut purged = 0;
        while self.remove(queue, End::Left).is_some() {
            purged += 1;
        }
        self.queues[queue as usize].purged += purged as u64;
        self.settle(queue, now);
        purged
    }

    /// Puts a client into the lines of what it waits for.
    pub(super) fn block(&mut self, cx: Context, deadline: Option<Duration>, what: Waiting) {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.changes += 1;
        match &what {
            Waiting::Get { queues, .. } => {
                for &queue in queues {
                    self.queues[queue as usize]
                        .getters
                        .insert(ticket, cx.client);
                }
            }
            Waiting::Put { queue, .. } => {
                self.queues[*queue as usize]
                    .putters
                    .insert(ticket, cx.client);
            }
        }
        if let Some(deadline) = deadline {
            self.timers.insert((deadline, ticket, cx.client));
        }
        self.clients[cx.client.index()].blocked = Some(Blocked {
            ticket,
            since: cx.now,
            deadline,
            what,
        });
    }

    /// Takes a client out of every line it stands in.
    fn unblock(&mut self, client: ClientId) -> Option<Blocked> {
        let blocked = self.clients[client.index()].blocked.take()?;
        self.changes += 1;
        if let Some(deadline) = blocked.deadline {
            self.timers.remove(&(deadline, blocked.ticket, client));
        }
        match &blocked.what {
            Waiting::Get { queues, .. } => {
                for &queue in queues {
                    if let Some(state) = self.queues.get_mut(queue as usize) {
                        state.getters.remove(&blocked.ticket);
                    }
                    self.forget(queue, false);
                }
            }
            Waiting::Put { queue, .. } => {
                self.queues[*queue as usize].putters.remove(&blocked.ticket);
            }
        }
        Some(blocked)
    }

    /// A queue's limits changed: whoever can go on does, whoever never can is told.
    pub(super) fn altered(&mut self, queue: u32, now: Duration) {
        self.changes += 1;
        let waiting: Vec<ClientId> = self.queues[queue as usize]
            .putters
            .values()
            .copied()
            .collect();
        for client in waiting {
            let Some(Waiting::Put { values, .. }) = self.waiting_of(client) else {
                continue;
            };
            let (count, bytes) = (values.len() as u64, values.iter().map(Item::len).sum());
            if let Some(error) = self.queues[queue as usize].never_fits(count, bytes)
                && let Some(Waiting::Put { values, .. }) =
                    self.unblock(client).map(|blocked| blocked.what)
            {
                self.memory -= values.iter().map(Item::cost).sum::<u64>();
                self.reply(client, error);
            }
        }
        self.settle(queue, now);
    }

    pub(super) fn waiting_of(&self, client: ClientId) -> Option<&Waiting> {
        self.clients[client.index()]
            .blocked
            .as_ref()
            .map(|blocked| &blocked.what)
    }

    /// Restores the invariant of one queue: room goes to the longest waiting putters, items to the longest waiting
    /// getters, room before items, until nothing moves.
    pub(super) fn settle(&mut self, queue: u32, now: Duration) {
        loop {
            self.fill(queue, now);
            let state = &self.queues[queue as usize];
            if state.items.is_empty() {
                return self.forget(queue, false);
            }
            let Some((_, &client)) = state.getters.first_key_value() else {
                return;
            };
            let key = state.key.clone();
            let Some(Waiting::Get { end, .. }) = self.unblock(client).map(|blocked| blocked.what)
            else {
                return;
            };
            let Some(item) = self.pop(queue, end) else {
                return;
            };
            self.used(client, queue, Side::Get, 1);
            // The room just made is filled before the getter hears of its item.
            self.fill(queue, now);
            let items = GotItems::WithKey(item);
            self.reply(client, Reply::Got(Got { key, end, items }));
        }
    }

    fn fill(&mut self, queue: u32, now: Duration) {
        while let Some((_, &client)) = self.queues[queue as usize].putters.first_key_value() {
            let Some(Waiting::Put { values, .. }) = self.waiting_of(client) else {
                return;
            };
            let (count, bytes) = (values.len() as u64, values.iter().map(Item::len).sum());
            if !self.queues[queue as usize].has_room(count, bytes) {
                return;
            }
            let Some(Waiting::Put { values, end, .. }) =
                self.unblock(client).map(|blocked| blocked.what)
            else {
                return;
            };
            self.memory -= values.iter().map(Item::cost).sum::<u64>();
            for mut item in values {
                item.restamp(Tick::at(now));
                self.push(queue, end, item);
            }
            self.used(client, queue, Side::Put, count);
            let depth = self.queues[queue as usize].items.len();
            self.reply(client, Reply::count(depth));
        }
    }
}

#[cfg(test)]
#[path = "broker_tests/mod.rs"]
mod tests;
