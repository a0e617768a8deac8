//! The broker against a slow, obviously correct one: every put and get stands in one long line, and whoever stands
//! foremost and can go on does, until nobody can.
use std::collections::{BTreeMap, VecDeque};

use proptest::prelude::*;

use super::super::*;
use super::{Bench, plain};

const KEYS: [&str; 3] = ["q", "r", "s"];
const CLIENTS: usize = 5;

#[derive(Debug, Clone)]
enum Op {
    Put {
        client: usize,
        key: usize,
        count: usize,
        left: bool,
        patience: Option<u64>,
    },
    TryPut {
        client: usize,
        key: usize,
        count: usize,
    },
    Pop {
        client: usize,
        key: usize,
        count: Option<usize>,
        right: bool,
        held: bool,
    },
    /// The connection that holds what was popped breaks.
    Break,
    Wait {
        client: usize,
        keys: Vec<usize>,
        right: bool,
        ms: u64,
    },
    Leave {
        client: usize,
    },
    Limit {
        key: usize,
        max: usize,
    },
    Delete {
        key: usize,
    },
    Sleep {
        ms: u64,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let (client, key) = (0..CLIENTS, 0..KEYS.len());
    prop_oneof![
        6 => (client.clone(), key.clone(), 1usize..4, any::<bool>(), prop::option::of(1u64..40))
            .prop_map(|(client, key, count, left, patience)| Op::Put { client, key, count, left, patience }),
        1 => (client.clone(), key.clone(), 1usize..3)
            .prop_map(|(client, key, count)| Op::TryPut { client, key, count }),
        4 => (client.clone(), key.clone(), prop::option::of(0usize..4), any::<bool>(), any::<bool>())
            .prop_map(|(client, key, count, right, held)| Op::Pop { client, key, count, right, held }),
        1 => Just(Op::Break),
        4 => (client.clone(), prop::collection::vec(key.clone(), 1..4), any::<bool>(), 0u64..30)
            .prop_map(|(client, keys, right, ms)| Op::Wait { client, keys, right, ms }),
        1 => client.prop_map(|client| Op::Leave { client }),
        1 => (key.clone(), 0usize..5).prop_map(|(key, max)| Op::Limit { key, max }),
        1 => key.prop_map(|key| Op::Delete { key }),
        2 => (1u64..30).prop_map(|ms| Op::Sleep { ms }),
    ]
}

#[derive(Debug, Clone)]
enum Wish {
    Put {
        key: usize,
        values: Vec<String>,
        left: bool,
    },
    Get {
        keys: Vec<usize>,
        right: bool,
    },
}

/// Somebody in the one long line.
#[derive(Debug, Clone)]
struct Stander {
    client: usize,
    wish: Wish,
    until: Option<u64>,
}

#[derive(Debug, Default)]
struct Oracle {
    now: u64,
    lists: BTreeMap<usize, VecDeque<String>>,
    max: BTreeMap<usize, usize>,
    line: Vec<Stander>,
    said: BTreeMap<usize, Vec<String>>,
}

impl Oracle {
    fn say(&mut self, client: usize, text: String) {
        self.said.entry(client).or_default().push(text);
    }

    fn limit(&self, key: usize) -> usize {
        match self.max.get(&key) {
            None | Some(0) => usize::MAX,
            Some(&max) => max,
        }
    }

    fn depth(&self, key: usize) -> usize {
        self.lists.get(&key).map_or(0, VecDeque::len)
    }

    fn is_waiting(&self, client: usize) -> bool {
        self.line.iter().any(|stander| stander.client == client)
    }

    /// One step forward at any of these, if there is one: room first, then items.
    fn step(&mut self, keys: &[usize]) -> bool {
        for &key in keys {
            let first = self
                .line
                .iter()
                .position(|s| matches!(&s.wish, Wish::Put { key: k, .. } if *k == key));
            if let Some(at) = first
                && let Wish::Put { values, left, .. } = self.line[at].wish.clone()
                && self.depth(key) + values.len() <= self.limit(key)
            {
                let client = self.line.remove(at).client;
                let list = self.lists.entry(key).or_default();
                for value in values {
                    if left {
                        list.push_front(value)
                    } else {
                        list.push_back(value)
                    }
                }
                let depth = list.len();
                self.say(client, depth.to_string());
                return true;
            }
        }
        for &key in keys {
            let name = KEYS[key];
            let first = self
                .line
                .iter()
                .position(|s| matches!(&s.wish, Wish::Get { keys, .. } if keys.contains(&key)));
            if self.depth(key) > 0
                && let Some(at) = first
                && let Wish::Get { right, .. } = self.line[at].wish
            {
                let client = self.line.remove(at).client;
                let list = self.lists.entry(key).or_default();
                let value = if right {
                    list.pop_back()
                } else {
                    list.pop_front()
                };
                self.say(client, format!("[{name} {}]", value.unwrap()));
                return true;
            }
        }
        false
    }

    fn settle(&mut self) {
        while self.step(&[0, 1, 2]) {}
    }

    fn stand(&mut self, client: usize, wish: Wish, until: Option<u64>) {
        self.line.push(Stander {
            client,
            wish,
            until,
        });
        self.settle();
    }
}

/// Both sides, told the same.
struct Pair {
    bench: Bench,
    ids: Vec<ClientId>,
    said: BTreeMap<usize, Vec<String>>,
    oracle: Oracle,
    next: u32,
    /// What was popped and not read yet, the oldest first: ours, and its queue, values and end.
    held: Vec<(Got, usize, Vec<String>, bool)>,
}

impl Pair {
    fn values(&mut self, count: usize) -> Vec<String> {
        (0..count)
            .map(|_| {
                self.next += 1;
                format!("v{}", self.next)
            })
            .collect()
    }

    fn hear(&mut self) {
        for (id, reply) in self.bench.heard() {
            let client = self.ids.iter().position(|known| *known == id).unwrap();
            self.said.entry(client).or_default().push(plain(&reply));
        }
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Put { client, .. }
            | Op::TryPut { client, .. }
            | Op::Pop { client, .. }
            | Op::Wait { client, .. }
                if self.oracle.is_waiting(client) => {}
            Op::Put {
                client,
                key,
                count,
                left,
                patience,
            } => {
                // Only a plain push can go to the left, and only Q.PUT has a timeout.
                let values = self.values(count);
                let line = match patience {
                    Some(ms) if !left => format!(
                        "Q.PUT {} {} {}",
                        KEYS[key],
                        ms as f64 / 1000.0,
                        values.join(" ")
                    ),
                    _ => format!(
                        "{} {} {}",
                        if left { "LPUSH" } else { "RPUSH" },
                        KEYS[key],
                        values.join(" ")
                    ),
                };
                self.bench.tell_client(self.ids[client], &line);
                if count > self.oracle.limit(key) {
                    self.oracle.say(client, "-FULL".to_owned());
                } else {
                    let until = patience.filter(|_| !left).map(|ms| self.oracle.now + ms);
                    self.oracle
                        .stand(client, Wish::Put { key, values, left }, until);
                }
            }
            Op::TryPut { client, key, count } => {
                let values = self.values(count);
                self.bench.tell_client(
                    self.ids[client],
                    &format!("Q.PUT {} NOWAIT {}", KEYS[key], values.join(" ")),
                );
                if count > self.oracle.limit(key) {
                    return self.oracle.say(client, "-FULL".to_owned());
                }
                self.oracle.stand(
                    client,
                    Wish::Put {
                        key,
                        values,
                        left: false,
                    },
                    None,
                );
                if self.oracle.is_waiting(client) {
                    self.oracle.line.pop();
                    self.oracle.say(client, "nil".to_owned());
                }
            }
            Op::Pop {
                client,
                key,
                count,
                right,
                held,
            } => {
                let word = if right { "RPOP" } else { "LPOP" };
                let said = count.map_or(String::new(), |count| format!(" {count}"));
                self.bench
                    .tell_client(self.ids[client], &format!("{word} {}{said}", KEYS[key]));
                let exists = self.oracle.depth(key) > 0;
                let list = self.oracle.lists.entry(key).or_default();
                let mut taken = Vec::new();
                while taken.len() < count.unwrap_or(1)
                    && let Some(value) = if right {
                        list.pop_back()
                    } else {
                        list.pop_front()
                    }
                {
                    taken.push(value);
                }
                self.oracle.settle();
                self.oracle.say(
                    client,
                    match (exists, count) {
                        (false, _) => "nil".to_owned(),
                        (true, None) => taken[0].clone(),
                        (true, Some(_)) => format!("[{}]", taken.join(" ")),
                    },
                );
                if held && exists {
                    let heard = self.bench.heard();
                    for (id, reply) in heard {
                        if let Reply::Got(got) = &reply
                            && id == self.ids[client]
                        {
                            self.held.push((got.clone(), key, taken.clone(), right));
                        }
                        let heard_by = self.ids.iter().position(|known| *known == id).unwrap();
                        self.said.entry(heard_by).or_default().push(plain(&reply));
                    }
                }
            }
            Op::Break => {
                let mut touched = Vec::new();
                for (_, key, values, right) in self.held.iter().rev() {
                    let list = self.oracle.lists.entry(*key).or_default();
                    for value in values.iter().rev() {
                        if *right {
                            list.push_back(value.clone())
                        } else {
                            list.push_front(value.clone())
                        }
                    }
                    if !values.is_empty() && !touched.contains(key) {
                        touched.push(*key);
                    }
                }
                for key in touched {
                    while self.oracle.step(&[key]) {}
                }
                let gots = std::mem::take(&mut self.held).into_iter().rev();
                self.bench
                    .broker
                    .give_back_all(gots.map(|(got, ..)| got), self.bench.now);
                self.bench.listen();
            }
            Op::Wait {
                client,
                keys,
                right,
                ms,
            } => {
                let names: Vec<&str> = keys.iter().map(|key| KEYS[*key]).collect();
                let word = if right { "BRPOP" } else { "BLPOP" };
                let line = format!("{word} {} {}", names.join(" "), ms as f64 / 1000.0);
                self.bench.tell_client(self.ids[client], &line);
                let until = (ms > 0).then_some(self.oracle.now + ms);
                match keys.iter().find(|key| self.oracle.depth(**key) > 0) {
                    Some(&key) => self.oracle.stand(
                        client,
                        Wish::Get {
                            keys: vec![key],
                            right,
                        },
                        until,
                    ),
                    None => self.oracle.stand(client, Wish::Get { keys, right }, until),
                }
            }
            Op::Leave { client } => {
                self.bench
                    .broker
                    .disconnect(self.ids[client], self.bench.now);
                self.bench.listen();
                self.oracle.line.retain(|stander| stander.client != client);
                self.oracle.settle();
                self.hear();
                self.ids[client] = self.bench.broker.connect(0, false, self.bench.now);
            }
            Op::Limit { key, max } => {
                let declaration = QueueDecl {
                    name: KEYS[key].to_owned(),
                    maxsize: (max > 0).then_some(max as u64),
                    ..QueueDecl::default()
                };
                self.bench.broker.declare(&declaration, self.bench.now);
                self.bench.listen();
                self.oracle.max.insert(key, max);
                let limit = self.oracle.limit(key);
                let never = |stander: &Stander| matches!(&stander.wish, Wish::Put { key: k, values, .. } if *k == key && values.len() > limit);
                let refused: Vec<usize> = self
                    .oracle
                    .line
                    .iter()
                    .filter(|s| never(s))
                    .map(|s| s.client)
                    .collect();
                self.oracle.line.retain(|stander| !never(stander));
                refused
                    .into_iter()
                    .for_each(|client| self.oracle.say(client, "-FULL".to_owned()));
                self.oracle.settle();
            }
            Op::Delete { key } => {
                let client = self.bench.client("deleter");
                self.bench
                    .tell_client(client, &format!("DEL {}", KEYS[key]));
                let heard = self.bench.heard();
                for (id, reply) in heard {
                    if let Some(client) = self.ids.iter().position(|known| *known == id) {
                        self.said.entry(client).or_default().push(plain(&reply));
                    }
                }
                self.oracle.lists.remove(&key);
                self.oracle.settle();
            }
            Op::Sleep { ms } => {
                // One millisecond at a time: both sides then agree on who times out before whom is let in.
                for _ in 0..ms {
                    self.bench.wait(1);
                    self.oracle.now += 1;
                    let now = self.oracle.now;
                    while let Some(at) = self
                        .oracle
                        .line
                        .iter()
                        .position(|s| s.until.is_some_and(|until| until <= now))
                    {
                        let client = self.oracle.line.remove(at).client;
                        self.oracle.say(client, "nil".to_owned());
                        self.oracle.settle();
                    }
                }
            }
        }
    }

    fn check(&mut self) -> Result<(), TestCaseError> {
        self.hear();
        // Of a refusal only the code is compared.
        for reply in self
            .said
            .values_mut()
            .flatten()
            .filter(|reply| reply.starts_with("-FULL"))
        {
            *reply = "-FULL".to_owned();
        }
        prop_assert_eq!(&self.said, &self.oracle.said);
        let mut memory = 0;
        for (index, key) in KEYS.iter().enumerate() {
            let expected = self.oracle.lists.remove(&index).unwrap_or_default();
            let Some(queue) = self.bench.broker.find(key.as_bytes()) else {
                prop_assert!(expected.is_empty());
                continue;
            };
            let queue = &self.bench.broker.queues[queue as usize];
            let kept: Vec<&[u8]> = queue.items.iter().map(Item::bytes).collect();
            prop_assert!(
                kept.iter().eq(expected
                    .iter()
                    .map(|value| value.as_bytes())
                    .collect::<Vec<_>>()
                    .iter())
            );
            let depth = queue.items.len() as u64;
            prop_assert_eq!(
                queue.put + queue.redelivered,
                queue.got + queue.purged + depth,
                "{}",
                key
            );
            prop_assert_eq!(queue.bytes, queue.items.iter().map(Item::len).sum::<u64>());
            memory += queue.items.iter().map(Item::cost).sum::<u64>();
            self.oracle.lists.insert(index, expected);
        }
        for client in &self.bench.broker.clients {
            if let Some(Blocked {
                what: Waiting::Put { values, .. },
                ..
            }) = &client.blocked
            {
                memory += values.iter().map(Item::cost).sum::<u64>();
            }
        }
        prop_assert_eq!(self.bench.broker.memory, memory);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn the_broker_does_what_the_slow_one_does(ops in prop::collection::vec(op(), 1..80)) {
        let mut bench = Bench::new();
        let ids = (0..CLIENTS).map(|_| bench.broker.connect(0, false, bench.now)).collect();
        let mut pair = Pair { bench, ids, said: BTreeMap::new(), oracle: Oracle::default(), next: 0, held: Vec::new() };
        for op in ops {
            let described = format!("{op:?}");
            pair.apply(op);
            if let Err(error) = pair.check() {
                return Err(TestCaseError::fail(format!("after {described}: {error}")));
            }
        }
    }
}
