//! Who puts into and gets from each queue: a counter on each connection, summed when somebody looks.
//!
//! An operation costs its client one comparison and one addition. What a client did is kept with the queue when it
//! leaves, by what its tasks have in common, so that thousands of short-lived ranks stay one number. Bounded: what is too
//! much is left out here, never in the queues' own counters. Start at [`Broker::used`].
use std::collections::{BTreeMap, btree_map::Entry};

use super::broker::{Broker, ClientId};
use super::state::Queue;
use super::{QueueUser, Side};

/// Queues that are counted per connection; whoever uses more is counted for the first ones only. (The connections of
/// our own clients belong to one queue each.)
const QUEUES_MAX: usize = 16;

/// Users that are told per queue, those that moved most.
const USERS_MAX: usize = 32;

/// Users that are remembered when their connections are gone, of all queues together; what further ones did is in the
/// counters of the queues only.
const GONE_MAX: usize = 4_096;

/// Longer names are no tasks of a session: two names of 64 bytes and a number.
const TASK_MAX: usize = 140;

/// What one connection did with one queue.
#[derive(Debug, Clone, Copy)]
pub(super) struct Use {
    queue: u32,
    /// Numbers of queues are used again, births are not.
    birth: u64,
    put: u64,
    got: u64,
}

/// Items put and got.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Done {
    put: u64,
    got: u64,
}

/// What those did who are gone, by the birth of the queue and their kind.
pub(super) type Gone = BTreeMap<(u64, Box<str>), Done>;

/// The task by the name of a connection: clients are named `task@queue`.
pub(super) fn task_of(name: &str) -> &str {
    let task = name.split('@').next().unwrap_or_default();
    if task.len() <= TASK_MAX { task } else { "" }
}

/// What the tasks of one kind have in common: `group/template` of `group/template.rank`.
fn kind_of(task: &str) -> &str {
    match task.rsplit_once('.') {
        Some((kind, rank)) if !rank.is_empty() && rank.bytes().all(|b| b.is_ascii_digit()) => kind,
        _ => task,
    }
}

impl Broker {
    /// A client moved so many items.
    pub(super) fn used(&mut self, client: ClientId, queue: u32, side: Side, items: u64) {
        let birth = self.queues[queue as usize].birth;
        let uses = &mut self.clients[client.index()].uses;
        let at = uses.iter().position(|used| used.birth == birth);
        let used = match at {
            Some(at) => &mut uses[at],
            None if uses.len() < QUEUES_MAX => {
                uses.push(Use {
                    queue,
                    birth,
                    put: 0,
                    got: 0,
                });
                let last = uses.len() - 1;
                &mut uses[last]
            }
            None => return,
        };
        match side {
            Side::Put => used.put += items,
            Side::Get => used.got += items,
        }
    }

    /// A client leaves: what it did is kept for the queues that are still there.
    pub(super) fn keep_uses(&mut self, client: ClientId) {
        let state = &mut self.clients[client.index()];
        let uses = std::mem::take(&mut state.uses);
        let kind: Box<str> = kind_of(task_of(&state.name)).into();
        for used in uses {
            let queue = self.queues.get(used.queue as usize);
            if queue.is_none_or(|queue| queue.birth != used.birth) {
                continue;
            }
            let has_room = self.gone.len() < GONE_MAX;
            let done = match self.gone.entry((used.birth, kind.clone())) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) if has_room => new.insert(Done::default()),
                Entry::Vacant(_) => continue,
            };
            done.put += used.put;
            done.got += used.got;
        }
    }

    /// A queue is gone, and so is who used it.
    pub(super) fn forget_users(&mut self, birth: u64) {
        let from = (birth, Box::default());
        while let Some(((_, kind), _)) = self
            .gone
            .range(from.clone()..)
            .next()
            .filter(|((of, _), _)| *of == birth)
        {
            let key = (birth, kind.clone());
            self.gone.remove(&key);
        }
    }

    /// What every connection did with these queues (their births), by queue and task.
    fn uses(&self, births: &[u64]) -> Vec<(u64, &str, Done)> {
        let mut all = Vec::new();
        for client in self.clients.iter().filter(|client| client.alive) {
            for used in &client.uses {
                if births.binary_search(&used.birth).is_ok() {
                    let done = Done {
                        put: used.put,
                        got: used.got,
                    };
                    all.push((used.birth, task_of(&client.name), done));
                }
            }
        }
        all.sort_unstable_by_key(|&(birth, task, _)| (birth, task));
        all
    }

    /// Who used these queues, for each of them those that moved most, by name.
    pub(super) fn users<'q>(
        &self,
        queues: impl Iterator<Item = &'q Queue>,
    ) -> BTreeMap<u64, Vec<QueueUser>> {
        let mut told: BTreeMap<u64, BTreeMap<&str, QueueUser>> = BTreeMap::new();
        for queue in queues {
            let users = told.entry(queue.birth).or_default();
            let from = (queue.birth, Box::default());
            let gone = self.gone.range(from..);
            for ((_, kind), done) in gone.take_while(|((birth, _), _)| *birth == queue.birth) {
                let user = users.entry(kind).or_default();
                user.put += done.put;
                user.got += done.got;
            }
        }
        let births: Vec<u64> = told.keys().copied().collect();
        let mut before = None;
        for (birth, task, done) in self.uses(&births) {
            let Some(users) = told.get_mut(&birth) else {
                continue;
            };
            let user = users.entry(kind_of(task)).or_default();
            user.put += done.put;
            user.got += done.got;
            // Several connections of a task come one after the other.
            if before.replace((birth, task)) != Some((birth, task)) {
                user.tasks += 1;
                user.task.clear();
                user.task.push_str(if user.tasks == 1 { task } else { "" });
            }
        }
        let finish = |users: BTreeMap<&str, QueueUser>| {
            let named = users.into_iter().map(|(kind, user)| QueueUser {
                kind: kind.to_owned(),
                ..user
            });
            let mut users: Vec<QueueUser> = named.filter(|user| user.put + user.got > 0).collect();
            if users.len() > USERS_MAX {
                users.sort_by_key(|user| std::cmp::Reverse(user.put + user.got));
                users.truncate(USERS_MAX);
                users.sort_by(|a, b| a.kind.cmp(&b.kind));
            }
            users
        };
        let told = told.into_iter();
        told.map(|(birth, users)| (birth, finish(users))).collect()
    }
}
