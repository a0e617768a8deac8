//! What is known of the queues: the newest sample of each, its rates, and how deep it was of late.
//!
//! Owns [`History`]. Pure: times come with the samples. Start at [`History::take`].

use std::collections::VecDeque;

use indexmap::IndexMap;

use crate::engine::door::{QueueSample, QueueUser};

/// Values that are kept per queue for its graph.
pub const KEPT: usize = 600;

/// One queue.
#[derive(Debug, Clone)]
pub struct Queue {
    /// As it was last.
    pub sample: QueueSample,
    /// Items put and got per second, smoothed.
    pub put_rate: f64,
    /// See `put_rate`.
    pub got_rate: f64,
    /// Its depth of late, oldest first, one value per second.
    pub depths: VecDeque<u64>,
    /// Who uses it, by kind.
    pub users: Vec<User>,
    second: u64,
}

/// Who puts into a queue and gets from it.
#[derive(Debug, Clone, PartialEq)]
pub struct User {
    /// As the engine told last.
    pub told: QueueUser,
    /// Items per second, smoothed.
    pub put_rate: f64,
    /// See `put_rate`.
    pub got_rate: f64,
}

/// All queues.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// By name, in order.
    pub queues: IndexMap<String, Queue>,
    /// Seconds of the run of the newest samples.
    pub at: f64,
}

impl History {
    /// Takes in how the queues are at a second of the run.
    pub fn take(&mut self, samples: Vec<QueueSample>, at: f64) {
        let since = at - self.at;
        self.at = at;
        self.queues
            .retain(|name, _| samples.iter().any(|sample| sample.name == *name));
        for sample in samples {
            let second = at.max(0.0) as u64;
            match self.queues.get_mut(&sample.name) {
                Some(queue) => {
                    if since > 0.0 {
                        let rate = |new: u64, old: u64| new.saturating_sub(old) as f64 / since;
                        queue.put_rate =
                            smooth(queue.put_rate, rate(sample.put, queue.sample.put), since);
                        queue.got_rate =
                            smooth(queue.got_rate, rate(sample.got, queue.sample.got), since);
                    }
                    queue.note(second, sample.depth);
                    queue.note_users(&sample.users, since);
                    queue.sample = sample;
                }
                None => {
                    let mut queue = Queue {
                        put_rate: 0.0,
                        got_rate: 0.0,
                        depths: VecDeque::new(),
                        users: Vec::new(),
                        second,
                        sample,
                    };
                    queue.note_users(&queue.sample.users.clone(), 0.0);
                    queue.depths.push_back(queue.sample.depth);
                    self.queues.insert(queue.sample.name.clone(), queue);
                }
            }
        }
        self.queues.sort_unstable_keys();
    }

    /// Time went by and no queue moved: their rates fall.
    pub fn rest(&mut self, at: f64) {
        let since = at - self.at;
        if since < 1.0 {
            return;
        }
        self.at = at;
        for queue in self.queues.values_mut() {
            queue.put_rate = smooth(queue.put_rate, 0.0, since);
            queue.got_rate = smooth(queue.got_rate, 0.0, since);
            for user in &mut queue.users {
                user.put_rate = smooth(user.put_rate, 0.0, since);
                user.got_rate = smooth(user.got_rate, 0.0, since);
            }
            let depth = queue.sample.depth;
            queue.note(at.max(0.0) as u64, depth);
        }
    }
}

impl Queue {
    fn note_users(&mut self, told: &[QueueUser], since: f64) {
        let mut before = std::mem::take(&mut self.users);
        for user in told {
            let at = before.iter().position(|old| old.told.kind == user.kind);
            let mut known = match at {
                Some(at) => before.swap_remove(at),
                None => User {
                    told: user.clone(),
                    put_rate: 0.0,
                    got_rate: 0.0,
                },
            };
            if since > 0.0 {
                let rate = |new: u64, old: u64| new.saturating_sub(old) as f64 / since;
                let (put, got) = (
                    rate(user.put, known.told.put),
                    rate(user.got, known.told.got),
                );
                known.put_rate = smooth(known.put_rate, put, since);
                known.got_rate = smooth(known.got_rate, got, since);
            }
            known.told = user.clone();
            self.users.push(known);
        }
    }

    /// The deepest value of each second counts: a short jam is to be seen.
    fn note(&mut self, second: u64, depth: u64) {
        if second <= self.second {
            if let Some(last) = self.depths.back_mut() {
                *last = (*last).max(depth);
            }
            return;
        }
        let missed = (second - self.second - 1).min(KEPT as u64);
        let before = self.sample.depth;
        for value in std::iter::repeat_n(before, missed as usize).chain([depth]) {
            if self.depths.len() >= KEPT {
                self.depths.pop_front();
            }
            self.depths.push_back(value);
        }
        self.second = second;
    }
}

/// A rate that settles within about two seconds, and is 0 when nothing moves.
fn smooth(old: f64, new: f64, since: f64) -> f64 {
    let weight = (since / 1.5).clamp(0.0, 1.0);
    let rate = old + (new - old) * weight;
    if rate < 0.05 { 0.0 } else { rate }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(depth: u64, put: u64) -> QueueSample {
        QueueSample {
            name: "q".to_owned(),
            depth,
            bytes: 0,
            maxsize: None,
            put,
            got: put - depth,
            put_bytes: 0,
            got_bytes: 0,
            getters: 0,
            putters: 0,
            oldest_ms: 0,
            waiting: Vec::new(),
            users: Vec::new(),
        }
    }

    #[test]
    fn rates_settle_on_what_goes_through_and_fall_when_nothing_does() {
        let mut history = History::default();
        for second in 0..10u64 {
            history.take(vec![sample(0, second * 50)], second as f64);
        }
        let rate = history.queues["q"].put_rate;
        assert!((rate - 50.0).abs() < 1.0, "{rate}");
        for second in 10..20 {
            history.rest(f64::from(second));
        }
        assert_eq!(history.queues["q"].put_rate, 0.0);
    }

    #[test]
    fn each_second_has_one_value_and_it_is_the_deepest() {
        let mut history = History::default();
        for (at, depth) in [(0.0, 1), (0.2, 7), (0.9, 2), (1.1, 3), (4.0, 5)] {
            history.take(vec![sample(depth, 100)], at);
        }
        assert_eq!(history.queues["q"].depths, [7, 3, 3, 3, 5]);
    }

    #[test]
    fn a_queue_that_is_gone_is_forgotten_and_history_is_bounded() {
        let mut history = History::default();
        history.take(vec![sample(1, 1)], 0.0);
        history.take(vec![sample(1, 1)], 1e9);
        assert!(history.queues["q"].depths.len() <= KEPT);
        history.take(Vec::new(), 1e9 + 1.0);
        assert!(history.queues.is_empty());
    }
}
