//! What is visible of the queues: `Q.STAT`, `Q.LIST`, and the samples a screen draws.
//!
//! Reads the broker, changes nothing. Counters only grow; rates are differences made by whoever draws them.
use std::borrow::Cow;
use std::time::Duration;

use super::broker::{Broker, ClientId};
use super::commands::check_pattern;
use super::glob;
use super::reply::Reply;
use super::state::{Queue, Standing};
use super::users::task_of;
use super::{PeekedItem, QueueSample, Side, Waiter};

/// Most waiters named per queue.
const MAX_WAITERS: usize = 100;

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn int(number: u64) -> Reply {
    Reply::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

impl Queue {
    fn oldest_ms(&self, now: Duration) -> u64 {
        self.items.front().map_or(0, |item| item.at().age_ms(now))
    }

    /// Worth showing: declared, in use, or used before.
    fn is_visible(&self) -> bool {
        self.standing != Standing::InUse || self.put > 0 || !self.items.is_empty() || self.waits()
    }
}

impl Broker {
    /// The state of up to `most` queues, by name; those of the session are never left out for others.
    pub fn samples(&self, most: usize, now: Duration) -> Vec<QueueSample> {
        let visible = |of_session: bool| {
            self.queues.iter().filter(move |queue| {
                (queue.standing == Standing::BySession) == of_session && queue.is_visible()
            })
        };
        let queues: Vec<&Queue> = visible(true).chain(visible(false)).take(most).collect();
        let mut users = self.users(queues.iter().copied());
        let sample = |queue: &&Queue| QueueSample {
            users: users.remove(&queue.birth).unwrap_or_default(),
            ..self.sample_of(queue, now)
        };
        let mut samples: Vec<QueueSample> = queues.iter().map(sample).collect();
        samples.sort_by(|a, b| a.name.cmp(&b.name));
        samples
    }

    /// The state of one queue.
    pub fn sample(&self, name: &str, now: Duration) -> Option<QueueSample> {
        let queue = &self.queues[self.find(name.as_bytes())? as usize];
        let mut users = self.users(std::iter::once(queue));
        Some(QueueSample {
            users: users.remove(&queue.birth).unwrap_or_default(),
            ..self.sample_of(queue, now)
        })
    }

    /// Up to `count` items from index `from` on, at most `head` bytes of each; they stay in the queue.
    pub fn peek(
        &self,
        name: &str,
        from: usize,
        count: usize,
        head: usize,
        now: Duration,
    ) -> Vec<PeekedItem> {
        let Some(queue) = self.find(name.as_bytes()) else {
            return Vec::new();
        };
        let items = &self.queues[queue as usize].items;
        let range = from..from.saturating_add(count).min(items.len());
        let peeked = range
            .filter_map(|index| items.get(index))
            .map(|item| PeekedItem {
                head: item.bytes()[..item.bytes().len().min(head)].to_vec(),
                len: item.len(),
                age_ms: item.at().age_ms(now),
                returned: item.returned(),
            });
        peeked.collect()
    }

    fn sample_of(&self, queue: &Queue, now: Duration) -> QueueSample {
        QueueSample {
            name: String::from_utf8_lossy(&queue.key).into_owned(),
            depth: queue.items.len() as u64,
            bytes: queue.bytes,
            maxsize: queue.max,
            put: queue.put,
            got: queue.got,
            put_bytes: queue.put_bytes,
            got_bytes: queue.got_bytes,
            getters: queue.getters.len() as u64,
            putters: queue.putters.len() as u64,
            oldest_ms: queue.oldest_ms(now),
            waiting: self.waiters(queue, now),
            users: Vec::new(),
        }
    }

    /// The longest waiting putters and getters of a queue.
    fn waiters(&self, queue: &Queue, now: Duration) -> Vec<Waiter> {
        let getters = queue.getters.values().map(|&client| (Side::Get, client));
        let putters = queue.putters.values().map(|&client| (Side::Put, client));
        let waiter = |(side, client): (Side, ClientId)| {
            let state = &self.clients[client.index()];
            Waiter {
                side,
                client: state.id,
                task: task_of(&state.name).to_owned(),
                pid: state.pid,
                waiting_ms: self.waiting_ms(client, now),
            }
        };
        putters
            .chain(getters)
            .take(MAX_WAITERS)
            .map(waiter)
            .collect()
    }

    fn waiting_ms(&self, client: ClientId, now: Duration) -> u64 {
        let blocked = self.clients[client.index()].blocked.as_ref();
        blocked.map_or(0, |blocked| ms(now.saturating_sub(blocked.since)))
    }

    /// `Q.STAT key`; nil for a queue that does not exist.
    pub(super) fn stat_reply(&self, key: &[u8], now: Duration) -> Result<Reply, Reply> {
        let Some(queue) = self.named(key)? else {
            return Ok(Reply::NilArray);
        };
        let queue = &self.queues[queue as usize];
        let longest =
            |line: Option<&ClientId>| int(line.map_or(0, |&client| self.waiting_ms(client, now)));
        let who = self.waiters(queue, now).into_iter().map(|waiter| {
            Reply::Map(vec![
                ("side", Reply::Text(Cow::Borrowed(waiter.side.word()))),
                ("client", int(waiter.client)),
                ("task", Reply::Text(Cow::Owned(waiter.task))),
                ("pid", int(u64::from(waiter.pid))),
                ("waiting_ms", int(waiter.waiting_ms)),
            ])
        });
        let limit = |limit: Option<u64>| int(limit.unwrap_or(0));
        Ok(Reply::Map(vec![
            ("depth", Reply::count(queue.items.len())),
            ("bytes", int(queue.bytes)),
            ("max", limit(queue.max)),
            ("maxbytes", limit(queue.max_bytes)),
            ("joinable", Reply::Int(i64::from(queue.joinable))),
            // Leases do not exist yet, so nothing is taken, acknowledged or dead.
            ("taken", Reply::Int(0)),
            ("put", int(queue.put)),
            ("got", int(queue.got)),
            ("acked", Reply::Int(0)),
            ("redelivered", int(queue.redelivered)),
            ("dead", Reply::Int(0)),
            ("put_bytes", int(queue.put_bytes)),
            ("got_bytes", int(queue.got_bytes)),
            ("getters", Reply::count(queue.getters.len())),
            ("putters", Reply::count(queue.putters.len())),
            ("oldest_getter_ms", longest(queue.getters.values().next())),
            ("oldest_putter_ms", longest(queue.putters.values().next())),
            ("oldest_item_ms", int(queue.oldest_ms(now))),
            ("purged", int(queue.purged)),
            ("who", Reply::Array(who.collect())),
        ]))
    }

    /// `Q.LIST [pattern]`: `[name, depth, getters, putters]` of each, by name.
    pub(super) fn list_reply(&self, pattern: &[u8]) -> Result<Reply, Reply> {
        check_pattern(pattern)?;
        let mut found: Vec<&Queue> = self
            .queues
            .iter()
            .filter(|queue| queue.is_visible() && glob::matches(pattern, &queue.key))
            .collect();
        found.sort_by(|a, b| a.key.cmp(&b.key));
        let line = |queue: &Queue| {
            Reply::Array(vec![
                Reply::Key(queue.key.clone()),
                Reply::count(queue.items.len()),
                Reply::count(queue.getters.len()),
                Reply::count(queue.putters.len()),
            ])
        };
        Ok(Reply::Array(found.into_iter().map(line).collect()))
    }
}
