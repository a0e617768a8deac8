//! What flows where: processes, the queues between them, and who is the slowest.
//!
//! Owns how queues are put in a row and what the bottleneck is. Pure; drawn in [`view`]. Start at [`rows`].

pub mod view;

use super::{History, Queue, User};

/// Who stands at one side of a queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Party {
    /// What its tasks have in common.
    pub kind: String,
    /// As it is shown: `generator.0`, `consumer ×3`.
    pub label: String,
    /// Items per second that it moves here.
    pub rate: f64,
}

/// One queue with who feeds it and who drains it.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// Its name.
    pub queue: String,
    /// Who puts.
    pub from: Vec<Party>,
    /// Who gets.
    pub to: Vec<Party>,
    /// Items per second that come and go.
    pub rates: (f64, f64),
    /// Who puts has to wait, or will soon.
    pub is_full: bool,
    /// Who gets waits, and there is nothing.
    pub is_empty: bool,
}

/// Who holds everything up.
#[derive(Debug, Clone, PartialEq)]
pub struct Slowest {
    /// The names of the parties; never empty.
    pub labels: Vec<String>,
    /// Their kinds.
    pub kinds: Vec<String>,
    /// Others wait for them.
    pub is_waited_for: bool,
}

/// Queues that follow each other: who drains one feeds the next, and nobody else does.
pub type Row = Vec<Stage>;

/// From this share of its maximum on a queue counts as full: nobody waits yet, but soon.
const FULL: f64 = 0.9;

fn stage(queue: &Queue, times: &str) -> Stage {
    let sample = &queue.sample;
    let party = |user: &User, rate: f64| Party {
        kind: user.told.kind.clone(),
        label: label(user, times),
        rate,
    };
    let puts = queue.users.iter().filter(|user| user.told.put > 0);
    let gets = queue.users.iter().filter(|user| user.told.got > 0);
    let most = sample.maxsize.unwrap_or(u64::MAX);
    Stage {
        queue: sample.name.clone(),
        from: puts.map(|user| party(user, user.put_rate)).collect(),
        to: gets.map(|user| party(user, user.got_rate)).collect(),
        rates: (queue.put_rate, queue.got_rate),
        is_full: sample.putters > 0 || sample.depth as f64 >= most as f64 * FULL,
        is_empty: sample.getters > 0 && sample.depth == 0,
    }
}

/// A party in a few characters, without its group: a flow seldom crosses groups, and the tree has the names in full.
fn label(user: &User, times: &str) -> String {
    let short = |text: &str| text.rsplit('/').next().unwrap_or(text).to_owned();
    match (user.told.kind.as_str(), user.told.tasks) {
        ("", _) => "others".to_owned(),
        (_, 1) if !user.told.task.is_empty() => short(&user.told.task),
        (kind, 0 | 1) => short(kind),
        (kind, tasks) => format!("{} {times}{tasks}", short(kind)),
    }
}

/// The queues in rows: each begins where nothing known comes from another queue.
pub fn rows(history: &History, times: &str) -> Vec<Row> {
    let mut left: Vec<Stage> = history
        .queues
        .values()
        .map(|queue| stage(queue, times))
        .collect();
    let mut rows = Vec::new();
    while !left.is_empty() {
        // A circle has no begin: any will do.
        let begin = left.iter().position(|stage| before(stage, &left).is_none());
        let mut row = vec![left.remove(begin.unwrap_or(0))];
        while let Some(last) = row.last() {
            let next = left.iter().position(|stage| follows(last, stage));
            let Some(next) = next.filter(|next| only(&left, last, *next)) else {
                break;
            };
            row.push(left.remove(next));
        }
        rows.push(row);
    }
    rows
}

/// The queue that whoever feeds this one drains.
fn before<'s>(stage: &Stage, all: &'s [Stage]) -> Option<&'s Stage> {
    all.iter()
        .find(|other| other.queue != stage.queue && follows(other, stage))
}

/// Whether exactly those who drain one queue feed the other.
fn follows(one: &Stage, other: &Stage) -> bool {
    let [to] = one.to.as_slice() else {
        return false;
    };
    let [from] = other.from.as_slice() else {
        return false;
    };
    one.queue != other.queue && to.kind == from.kind && !to.kind.is_empty()
}

/// Whether no other queue follows as well: a fork is two rows.
fn only(left: &[Stage], last: &Stage, next: usize) -> bool {
    let followers = left.iter().filter(|stage| follows(last, stage));
    followers.count() == 1 && left.get(next).is_some()
}

/// Who is the slowest of a row: who drains the last full queue; without one, who feeds the first empty one.
pub fn slowest(row: &[Stage]) -> Option<Slowest> {
    let full = row.iter().rev().find(|stage| stage.is_full);
    let (parties, is_waited_for) = match full {
        Some(stage) => (&stage.to, true),
        None => (&row.iter().find(|stage| stage.is_empty)?.from, false),
    };
    if parties.is_empty() {
        return None;
    }
    Some(Slowest {
        labels: parties.iter().map(|party| party.label.clone()).collect(),
        kinds: parties.iter().map(|party| party.kind.clone()).collect(),
        is_waited_for,
    })
}

#[cfg(test)]
mod tests;
