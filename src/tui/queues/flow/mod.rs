//! What flows where: processes, the queues between them, and who is the slowest.
//!
//! Owns how queues are put in a row and what the bottleneck is. Pure; drawn in [`view`]. Start at [`rows`].

pub mod view;

use std::collections::HashMap;

use super::{History, Queue};
use crate::{engine::door::Side, tui::theme::Glyphs};

/// Who stands at one side of a queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Party {
    /// What its tasks have in common; empty: connections without a name.
    pub kind: String,
    /// The task, if it is one; else empty.
    pub task: String,
    /// How many tasks of it are connected.
    pub tasks: u64,
    /// Items that it moved here.
    pub total: u64,
    /// Items per second that it moves here.
    pub rate: f64,
}

/// One queue with who feeds it and who drains it.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// Its name.
    pub queue: String,
    /// Items in it, and how many there may be.
    pub depth: (u64, Option<u64>),
    /// Who puts.
    pub from: Vec<Party>,
    /// Who gets.
    pub to: Vec<Party>,
    /// Items per second that come and go.
    pub rates: (f64, f64),
    /// Something was put into it.
    pub is_used: bool,
    /// Who puts has to wait, or will soon.
    pub is_full: bool,
    /// Who gets waits, and there is nothing.
    pub is_empty: bool,
}

/// What holds everything up.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// These do.
    Slowest {
        /// Never empty, and all of them are there.
        parties: Vec<Party>,
        /// Those before them wait for them; else those after them do.
        is_waited_for: bool,
    },
    /// A queue is full, and nobody gets from it.
    NobodyGets(String),
    /// Somebody waits at an empty queue, and whoever put into it is gone.
    NobodyPuts(String),
}

/// Queues that follow each other: who drains one feeds the next, and nobody else does.
pub type Row = Vec<Stage>;

/// From this share of its maximum on a queue counts as full: nobody waits yet, but soon.
const FULL: f64 = 0.9;

impl Party {
    /// Whether nobody of it is connected any more.
    pub fn is_gone(&self) -> bool {
        self.tasks == 0 && self.rate == 0.0
    }

    /// In a few characters: `generator.0`, `consumer ×3`. Without its group: a flow seldom crosses groups, and the tree
    /// has the names in full.
    pub fn label(&self, glyphs: &Glyphs) -> String {
        let short = |text: &str| text.rsplit('/').next().unwrap_or(text).to_owned();
        match (self.kind.as_str(), self.tasks) {
            ("", _) => "others".to_owned(),
            (_, 1) if !self.task.is_empty() => short(&self.task),
            (kind, 0 | 1) => short(kind),
            (kind, tasks) => format!("{} {}{tasks}", short(kind), glyphs.times),
        }
    }
}

fn stage(queue: &Queue) -> Stage {
    let sample = &queue.sample;
    let most = sample.maxsize.unwrap_or(u64::MAX);
    Stage {
        queue: sample.name.clone(),
        depth: (sample.depth, sample.maxsize),
        from: parties(queue, Side::Put),
        to: parties(queue, Side::Get),
        rates: (queue.put_rate, queue.got_rate),
        is_used: sample.put > 0,
        is_full: sample.putters > 0 || sample.depth as f64 >= most as f64 * FULL,
        is_empty: sample.getters > 0 && sample.depth == 0,
    }
}

/// Who puts into a queue, or gets from it.
pub fn parties(queue: &Queue, side: Side) -> Vec<Party> {
    let users = queue.users.iter().map(|user| {
        let (total, rate) = match side {
            Side::Put => (user.told.put, user.put_rate),
            Side::Get => (user.told.got, user.got_rate),
        };
        Party {
            kind: user.told.kind.clone(),
            task: user.told.task.clone(),
            tasks: user.told.tasks,
            total,
            rate,
        }
    });
    let mut parties: Vec<Party> = users.filter(|party| party.total > 0).collect();
    // Who waits for its first item has moved none yet, and belongs to the flow all the same.
    let is_there: Vec<bool> = parties.iter().map(|party| party.tasks > 0).collect();
    for task in super::waiting::at(&queue.sample, side).tasks {
        let kind = kind_of(task.name);
        let at = parties.iter().position(|party| party.kind == kind);
        if at.is_some_and(|at| is_there.get(at) == Some(&true)) {
            continue;
        }
        match at.and_then(|at| parties.get_mut(at)) {
            Some(party) => {
                party.tasks += 1;
                let only = if party.tasks == 1 { task.name } else { "" };
                only.clone_into(&mut party.task);
            }
            None => parties.push(Party {
                kind: kind.to_owned(),
                task: task.name.to_owned(),
                tasks: 1,
                total: 0,
                rate: 0.0,
            }),
        }
    }
    parties
}

/// What the tasks of one template have in common, as the engine tells it: `group/template` of `group/template.rank`.
fn kind_of(task: &str) -> &str {
    match task.rsplit_once('.') {
        Some((kind, rank)) if !rank.is_empty() && rank.bytes().all(|b| b.is_ascii_digit()) => kind,
        _ => task,
    }
}

/// The only party of a side, by what its tasks have in common.
fn only(parties: &[Party]) -> Option<&str> {
    match parties {
        [party] if !party.kind.is_empty() => Some(&party.kind),
        _ => None,
    }
}

/// The queues in rows: each begins where nothing known comes from another queue.
pub fn rows(history: &History) -> Vec<Row> {
    let mut stages: Vec<Option<Stage>> = history.queues.values().map(|q| Some(stage(q))).collect();
    let mut fed: HashMap<String, Vec<usize>> = HashMap::new();
    let mut drained: HashMap<String, Vec<usize>> = HashMap::new();
    for (index, stage) in stages.iter().enumerate() {
        let Some(stage) = stage else { continue };
        if let Some(kind) = only(&stage.from) {
            fed.entry(kind.to_owned()).or_default().push(index);
        }
        if let Some(kind) = only(&stage.to) {
            drained.entry(kind.to_owned()).or_default().push(index);
        }
    }
    let begins: Vec<usize> = (0..stages.len())
        .filter(|index| {
            let kind = stages[*index].as_ref().and_then(|stage| only(&stage.from));
            let before = kind.and_then(|kind| drained.get(kind));
            before.is_none_or(|before| before.iter().all(|other| other == index))
        })
        .collect();
    let mut rows = Vec::new();
    // A circle has no begin: any will do.
    for begin in begins.into_iter().chain(0..stages.len()) {
        let Some(first) = stages[begin].take() else {
            continue;
        };
        let mut row = vec![first];
        while let Some(last) = row.last() {
            // A fork is several rows: whose drainers feed two queues is followed by neither.
            let followers = only(&last.to).and_then(|kind| fed.get(kind));
            let mut left = followers
                .into_iter()
                .flatten()
                .filter(|next| stages[**next].is_some());
            let (Some(next), None) = (left.next(), left.next()) else {
                break;
            };
            let Some(next) = stages[*next].take() else {
                break;
            };
            row.push(next);
        }
        rows.push(row);
    }
    rows
}

/// What holds a row up: who drains the last full queue; without one, who feeds the first empty one. Who is gone is not
/// to blame.
pub fn verdict(row: &[Stage]) -> Option<Verdict> {
    let there = |parties: &[Party]| -> Vec<Party> {
        let there = parties.iter().filter(|party| !party.is_gone());
        there.cloned().collect()
    };
    if let Some(stage) = row.iter().rev().find(|stage| stage.is_full) {
        let parties = there(&stage.to);
        return Some(match parties.is_empty() {
            true => Verdict::NobodyGets(stage.queue.clone()),
            false => Verdict::Slowest {
                parties,
                is_waited_for: true,
            },
        });
    }
    // Before the first item nobody is known who will put one.
    let stage = row.iter().find(|stage| stage.is_empty && stage.is_used)?;
    let parties = there(&stage.from);
    Some(match parties.is_empty() {
        true => Verdict::NobodyPuts(stage.queue.clone()),
        false => Verdict::Slowest {
            parties,
            is_waited_for: false,
        },
    })
}

#[cfg(test)]
mod tests;
