//! Who waits at a queue, and why, in words.

use std::time::Duration;

use super::{
    Queue,
    flow::{self, Verdict},
    waiting,
};
use crate::{
    engine::door::Side,
    tui::{run, theme::Glyphs, widget::format},
};

/// Tasks that are named.
const NAMED: usize = 12;

/// The lines of the answer.
pub fn lines(run: &run::State, queue: &Queue, glyphs: &Glyphs) -> Vec<String> {
    let sample = &queue.sample;
    let items = |number: u64| match number {
        1 => "1 item".to_owned(),
        number => format!("{number} items"),
    };
    let mut lines = Vec::new();
    lines.push(match (sample.depth, sample.maxsize) {
        (0, _) => "it is empty".to_owned(),
        (depth, Some(most)) if depth >= most => format!("it is full: it may hold {}", items(most)),
        (depth, Some(most)) => format!("it holds {} of at most {most}", items(depth)),
        (depth, None) => format!("it holds {}, and may hold any number", items(depth)),
    });
    if sample.putters > 0 {
        let is_full = sample.maxsize.is_some_and(|most| sample.depth >= most);
        let bytes =
            run.session.queues.iter().find_map(|(name, queue)| {
                (name.to_string() == sample.name).then_some(queue.maxbytes?)
            });
        let until = match bytes {
            _ if is_full => "until somebody gets an item".to_owned(),
            Some(most) => format!(
                "until there is room: it holds {} of at most {} bytes",
                sample.bytes, most
            ),
            None => "until there is room: the items of all queues together use the memory \
                     that they may use"
                .to_owned(),
        };
        lines.push(format!("{} to put, {until}:", wait(sample.putters)));
        name(run, queue, Side::Put, glyphs, &mut lines);
    }
    if sample.getters > 0 {
        lines.push(format!(
            "{} to get, until somebody puts an item:",
            wait(sample.getters)
        ));
        name(run, queue, Side::Get, glyphs, &mut lines);
    }
    if sample.putters + sample.getters == 0 {
        lines.push("nobody waits at it".to_owned());
    }
    let mut rows = flow::rows(&run.queues).into_iter();
    let row = rows.find(|row| row.iter().any(|stage| stage.queue == sample.name));
    match row.as_deref().and_then(flow::verdict) {
        Some(Verdict::Slowest {
            parties,
            is_waited_for,
        }) => {
            let names: Vec<String> = parties.iter().map(|party| party.label(glyphs)).collect();
            let names = names.join(", ");
            lines.push(match is_waited_for {
                true => format!("{names} takes no more: what comes before waits for that"),
                false => format!("{names} gives no more: what comes after waits for that"),
            });
        }
        Some(Verdict::NobodyGets(queue)) => lines.push(format!("nobody gets from {queue}")),
        Some(Verdict::NobodyPuts(queue)) => {
            lines.push(format!("nobody puts into {queue} any more"));
        }
        None => {}
    }
    lines
}

fn wait(number: u64) -> String {
    match number {
        1 => "1 waits".to_owned(),
        number => format!("{number} wait"),
    }
}

fn name(run: &run::State, queue: &Queue, side: Side, glyphs: &Glyphs, lines: &mut Vec<String>) {
    let waiting = waiting::at(&queue.sample, side);
    // Told once, and it has waited on since.
    let since = Duration::try_from_secs_f64(run.queues.at - run.queues.taken).unwrap_or_default();
    for task in waiting.tasks.iter().take(NAMED) {
        let time = Duration::from_millis(task.longest_ms) + since;
        let by = match task.connections {
            1 => String::new(),
            number => format!(" by {number} connections"),
        };
        let name = if task.name.is_empty() {
            "somebody"
        } else {
            task.name
        };
        lines.push(format!(
            "{} {name}{by}, for {}",
            glyphs.dot,
            format::age(time)
        ));
    }
    match waiting.beyond(NAMED) {
        0 => {}
        more => lines.push(format!("{} and {more} more", glyphs.dot)),
    }
}
