//! What is known of the queues: the newest sample of each, its rates, and how deep it was of late.
//!
//! Owns [`History`]. Pure: times come with the samples. Start at [`History::take`].

use std::collections::{HashSet, VecDeque};

use indexmap::IndexMap;

use crate::engine::door::{QueueSample, QueueUser};

/// Values that are kept per queue for its graph.
pub const KEPT: usize = 600;

/// Seconds over which a rate is taken: after so long without an item it is 0.
const WINDOW: f64 = 2.0;

/// What two counters said in the last few seconds, and how fast they grow.
#[derive(Debug, Clone, Default, PartialEq)]
struct Marks(VecDeque<(f64, u64, u64)>);

impl Marks {
    /// Takes in what the counters say; gives by how much they grow each second.
    fn note(&mut self, at: f64, put: u64, got: u64) -> (f64, f64) {
        let marks = &mut self.0;
        // Counters that fell belong to something else of the same name.
        if marks
            .back()
            .is_some_and(|last| put < last.1 || got < last.2)
        {
            marks.clear();
        }
        if marks.back().is_some_and(|last| last.0 >= at) {
            marks.pop_back();
        }
        marks.push_back((at, put, got));
        // The window begins with the newest mark that is as old as it is long.
        while marks.get(1).is_some_and(|mark| at - mark.0 >= WINDOW) {
            marks.pop_front();
        }
        match marks.front() {
            Some(first) if at > first.0 => {
                let rate = |new: u64, old: u64| new.saturating_sub(old) as f64 / (at - first.0);
                (rate(put, first.1), rate(got, first.2))
            }
            _ => (0.0, 0.0),
        }
    }
}

/// One queue.
#[derive(Debug, Clone)]
pub struct Queue {
    /// As it was last.
    pub sample: QueueSample,
    /// Items put and got per second, over the last two.
    pub put_rate: f64,
    /// See `put_rate`.
    pub got_rate: f64,
    /// Its depth of late, oldest first, one value per second.
    pub depths: VecDeque<u64>,
    /// Who uses it, by kind.
    pub users: Vec<User>,
    marks: Marks,
    second: u64,
}

/// Who puts into a queue and gets from it.
#[derive(Debug, Clone, PartialEq)]
pub struct User {
    /// As the engine told last.
    pub told: QueueUser,
    /// Items per second, over the last two.
    pub put_rate: f64,
    /// See `put_rate`.
    pub got_rate: f64,
    marks: Marks,
}

impl User {
    fn note(&mut self, at: f64) {
        (self.put_rate, self.got_rate) = self.marks.note(at, self.told.put, self.told.got);
    }
}

/// All queues.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// By name, in order.
    pub queues: IndexMap<String, Queue>,
    /// Seconds of the run up to which this is known.
    pub at: f64,
    /// Seconds of the run of the newest samples that the engine gave: ages in them are of that moment.
    pub taken: f64,
    /// Grows with every change.
    pub version: u64,
    is_still: bool,
}

impl History {
    /// Takes in how the queues are at a second of the run.
    pub fn take(&mut self, samples: Vec<QueueSample>, at: f64) {
        (self.at, self.taken) = (at, at);
        self.version += 1;
        self.is_still = false;
        let names: HashSet<&str> = samples.iter().map(|sample| sample.name.as_str()).collect();
        self.queues.retain(|name, _| names.contains(name.as_str()));
        for sample in samples {
            let second = at.max(0.0) as u64;
            match self.queues.get_mut(&sample.name) {
                Some(queue) => queue.note(second, sample.depth),
                None => {
                    let queue = Queue {
                        put_rate: 0.0,
                        got_rate: 0.0,
                        depths: VecDeque::from([sample.depth]),
                        users: Vec::new(),
                        marks: Marks::default(),
                        second,
                        sample: sample.clone(),
                    };
                    self.queues.insert(sample.name.clone(), queue);
                }
            }
            if let Some(queue) = self.queues.get_mut(&sample.name) {
                queue.note_users(&sample.users);
                queue.sample = sample;
                queue.note_rates(at);
            }
        }
        self.queues.sort_unstable_keys();
    }

    /// The run is over: nothing moves any more.
    pub fn still(&mut self) {
        if self.is_still {
            return;
        }
        self.is_still = true;
        self.version += 1;
        for queue in self.queues.values_mut() {
            (queue.put_rate, queue.got_rate) = (0.0, 0.0);
            for user in &mut queue.users {
                (user.put_rate, user.got_rate) = (0.0, 0.0);
            }
        }
    }

    /// Time went by and no queue moved: their rates fall.
    pub fn rest(&mut self, at: f64) {
        if at - self.at < 1.0 {
            return;
        }
        self.at = at;
        self.version += 1;
        for queue in self.queues.values_mut() {
            queue.note_rates(at);
            let depth = queue.sample.depth;
            queue.note(at.max(0.0) as u64, depth);
        }
    }
}

impl Queue {
    fn note_users(&mut self, told: &[QueueUser]) {
        let mut before = std::mem::take(&mut self.users);
        for user in told {
            let at = before.iter().position(|old| old.told.kind == user.kind);
            let mut known = match at {
                Some(at) => before.swap_remove(at),
                None => User {
                    told: user.clone(),
                    put_rate: 0.0,
                    got_rate: 0.0,
                    marks: Marks::default(),
                },
            };
            known.told = user.clone();
            self.users.push(known);
        }
    }

    fn note_rates(&mut self, at: f64) {
        let sample = &self.sample;
        (self.put_rate, self.got_rate) = self.marks.note(at, sample.put, sample.got);
        for user in &mut self.users {
            user.note(at);
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
    fn a_rate_is_nothing_two_seconds_after_the_last_item() {
        let mut history = History::default();
        for quarter in 0..=8u32 {
            history.take(
                vec![sample(600, u64::from(quarter) * 75 + 600)],
                f64::from(quarter) / 4.0,
            );
        }
        assert_eq!(history.queues["q"].put_rate, 300.0);
        history.rest(3.0);
        assert_eq!(history.queues["q"].put_rate, 150.0);
        history.rest(4.0);
        assert_eq!(history.queues["q"].put_rate, 0.0);
        history.take(vec![sample(600, 1_300)], 4.25);
        assert!(history.queues["q"].put_rate > 0.0);
        history.still();
        assert_eq!(history.queues["q"].put_rate, 0.0, "the run is over");
    }

    #[test]
    fn a_new_queue_of_an_old_name_begins_anew() {
        let mut history = History::default();
        history.take(vec![sample(0, 1_000)], 1.0);
        history.take(vec![sample(0, 10)], 2.0);
        assert_eq!(history.queues["q"].put_rate, 0.0);
        history.take(vec![sample(0, 20)], 3.0);
        assert_eq!(history.queues["q"].put_rate, 10.0);
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
