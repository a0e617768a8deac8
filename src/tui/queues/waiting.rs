//! Who waits at a queue: tasks, each with the connections by which it waits.
//!
//! Reads a sample. Pure. Start at [`at`].

use crate::{
    engine::door::{QueueSample, Side},
    tui::theme::Glyphs,
};

/// Tasks that are named in a line.
const NAMED: usize = 3;

/// Who waits at one side of a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting<'s> {
    /// Connections that wait.
    pub number: u64,
    /// The tasks that are known, the longest waiting first.
    pub tasks: Vec<Task<'s>>,
}

/// A task that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task<'s> {
    /// Its name; empty where it has none.
    pub name: &'s str,
    /// By how many connections it waits.
    pub connections: u64,
    /// For how long by the first of them, in milliseconds.
    pub longest_ms: u64,
}

/// Who waits at this side.
pub fn at(sample: &QueueSample, side: Side) -> Waiting<'_> {
    let mut tasks: Vec<Task<'_>> = Vec::new();
    for waiter in sample.waiting.iter().filter(|waiter| waiter.side == side) {
        match tasks.iter_mut().find(|task| task.name == waiter.task) {
            Some(task) => {
                task.connections += 1;
                task.longest_ms = task.longest_ms.max(waiter.waiting_ms);
            }
            None => tasks.push(Task {
                name: &waiter.task,
                connections: 1,
                longest_ms: waiter.waiting_ms,
            }),
        }
    }
    let number = match side {
        Side::Put => sample.putters,
        Side::Get => sample.getters,
    };
    Waiting { number, tasks }
}

impl Task<'_> {
    /// Without its group, and how often: `consumer.0 ×4`.
    pub fn in_short(&self, glyphs: &Glyphs) -> String {
        let name = match self.name {
            "" => "somebody",
            name => name.rsplit('/').next().unwrap_or(name),
        };
        match self.connections {
            1 => name.to_owned(),
            times => format!("{name} {}{times}", glyphs.times),
        }
    }
}

impl Waiting<'_> {
    /// Those that wait and are not among the first so many tasks.
    pub fn beyond(&self, named: usize) -> u64 {
        let told: u64 = self.tasks.iter().map(|task| task.connections).sum();
        if told >= self.number {
            return self.tasks.len().saturating_sub(named) as u64;
        }
        let named: u64 = self
            .tasks
            .iter()
            .take(named)
            .map(|task| task.connections)
            .sum();
        self.number - named
    }

    /// In a line: `consumer.0 ×4, consumer.1 and 7 more`.
    pub fn in_short(&self, glyphs: &Glyphs) -> String {
        if self.tasks.is_empty() {
            return self.number.to_string();
        }
        let names = self
            .tasks
            .iter()
            .take(NAMED)
            .map(|task| task.in_short(glyphs));
        let names: Vec<String> = names.collect();
        match self.beyond(NAMED) {
            0 => names.join(", "),
            more => format!("{} and {more} more", names.join(", ")),
        }
    }
}

/// Everybody who waits, in a line: `put: a.0  get: b.0`.
pub fn in_short(sample: &QueueSample, glyphs: &Glyphs) -> String {
    let mut parts = Vec::new();
    if sample.putters > 0 {
        parts.push(format!("put: {}", at(sample, Side::Put).in_short(glyphs)));
    }
    if sample.getters > 0 {
        parts.push(format!("get: {}", at(sample, Side::Get).in_short(glyphs)));
    }
    parts.join("  ")
}

#[cfg(test)]
mod tests {
    use super::{super::tests::sample, *};
    use crate::engine::door::Waiter;

    fn waiting(getters: u64, tasks: &[&str]) -> QueueSample {
        let waiters = tasks.iter().zip(1..).map(|(task, number)| Waiter {
            side: Side::Get,
            client: number,
            task: (*task).to_owned(),
            pid: 1,
            waiting_ms: number * 10,
        });
        QueueSample {
            getters,
            waiting: waiters.collect(),
            ..sample("q", 0, None)
        }
    }

    fn line(getters: u64, tasks: &[&str]) -> String {
        in_short(&waiting(getters, tasks), &Glyphs::ASCII)
    }

    #[test]
    fn a_task_that_waits_by_several_connections_is_one() {
        let four = ["g/c.0", "g/c.0", "g/c.0", "g/c.0"];
        assert_eq!(line(4, &four), "get: c.0 x4");
        let several = ["g/c.0", "g/c.1", "g/c.0"];
        assert_eq!(line(3, &several), "get: c.0 x2, c.1");
        assert_eq!(at(&waiting(3, &several), Side::Get).tasks[0].longest_ms, 30);
    }

    #[test]
    fn who_is_not_named_is_counted() {
        assert_eq!(
            line(5, &["a.0", "b.0", "c.0", "d.0", "e.0"]),
            "get: a.0, b.0, c.0 and 2 more"
        );
        assert_eq!(line(400, &["a.0", "a.0"]), "get: a.0 x2 and 398 more");
        assert_eq!(line(5, &[]), "get: 5");
        assert_eq!(line(2, &["", ""]), "get: somebody x2");
        assert_eq!(line(0, &[]), "");
    }
}
