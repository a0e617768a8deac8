//! What a rank waits for at the queues, and which files restart it.
//!
//! Reads what is known of the run, changes nothing.

use std::time::{Duration, Instant};

use super::State;
use crate::{engine::door::Side, model::ids::ProcessId, tui::widget::format};

impl State {
    /// What it waits for at the queues, a sentence each.
    pub fn waits(&self, process: &ProcessId, now: Instant) -> Vec<String> {
        let task = process.to_string();
        let since = (self.seconds(now) - self.queues.taken).max(0.0);
        let mut said = Vec::new();
        for queue in self.queues.queues.values() {
            let sample = &queue.sample;
            for waiter in sample.waiting.iter().filter(|waiter| waiter.task == task) {
                let what = match waiter.side {
                    Side::Get => "an item of",
                    Side::Put => "room in",
                };
                let seconds = waiter.waiting_ms as f64 / 1_000.0 + since;
                said.push(format!(
                    "it waits for {what} {}, since {seconds:.0} s",
                    sample.name
                ));
            }
        }
        said
    }

    /// Which files restart it, and when one did last.
    pub fn watches(&self, process: &ProcessId) -> Vec<String> {
        let group = self.session.groups.get(&process.group);
        let template = group.and_then(|group| group.templates.get(&process.template));
        let files = template.map_or(&[][..], |template| &template.watch);
        if files.is_empty() {
            return Vec::new();
        }
        let mut said = vec![format!(
            "it is restarted when {} changes",
            files.join(" or ")
        )];
        let restarted = format!(
            "changed: {}/{} is restarted",
            process.group, process.template
        );
        let news = self.facts.said.iter().rev();
        if let Some(last) = news.into_iter().find(|it| it.text.ends_with(&restarted)) {
            let clock = format::clock(Duration::try_from_secs_f64(last.at).unwrap_or_default());
            said.push(format!("{clock} {}", last.text));
        }
        said
    }
}
