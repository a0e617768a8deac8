//! What the merged view is fed with: which logs are read for it, and whose output comes as it is printed.
//!
//! Owns when it is shown and what is kept of it while it is not. Start at [`State::merge`].

use std::time::Instant;

use super::{
    State,
    merged::{Merged, Part},
    state::Link,
};
use crate::{
    model::ids::{ProcessId, Selector},
    tui::message::{Effect, LogPart, LogRead},
};

/// Bytes that are read before and after a line that was found in a log.
const AROUND: u64 = 64 << 10;

impl State {
    /// Shows all output of these as one: with the lines it had, where it was shown before.
    pub fn merge(&mut self, of: Selector) {
        self.leave_merged();
        let kept = self.merged_before.take();
        let mut merged = match kept.filter(|kept| kept.of == of) {
            Some(kept) => kept,
            None => Merged::new(of, self.next_number()),
        };
        merged.wake();
        self.merged = Some(merged);
    }

    /// Another moment of a past run is looked at: its lines are read anew. A part of a log stays what it is.
    pub(super) fn merge_anew(&mut self, before: Merged) {
        if before.part.is_some() {
            self.merged = Some(before);
            return;
        }
        let mut merged = Merged::new(before.of, self.next_number());
        merged.set_filter(before.filter);
        merged.wake();
        self.merged = Some(merged);
    }

    /// Shows panes again; the lines are kept.
    pub fn leave_merged(&mut self) {
        if let Some(merged) = self.merged.take()
            && merged.part.is_none()
        {
            self.merged_before = Some(merged);
        }
    }

    /// Shows only lines that match; where panes are shown, those of what is selected.
    pub fn filter(&mut self, filter: Option<regex::Regex>) {
        if self.merged.is_none()
            && filter.is_some()
            && let Some(of) = self.selected()
        {
            self.merge(of);
        }
        if let Some(merged) = &mut self.merged {
            merged.set_filter(filter);
        }
    }

    /// Shows the part of a log that is around this line.
    pub fn open_part(&mut self, part: Part) -> Option<Effect> {
        let path = self.log(&part.process)?;
        self.leave_merged();
        let number = self.next_number();
        let log = LogPart {
            process: part.process.clone(),
            path,
            from: part.at.saturating_sub(AROUND),
            to: part.at.saturating_add(AROUND),
            most: 2 * AROUND as usize,
        };
        self.merged = Some(Merged::part(part, number));
        Some(Effect::ReadLogs {
            number,
            logs: vec![log],
        })
    }

    fn next_number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// Asks for what the merged view is to show.
    pub(super) fn arrange_merged(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Some(merged) = &mut self.merged {
            let wanted = merged.follow(&self.facts).to_vec();
            if self.folder.is_some() {
                let wanted = merged.to_read(self.link == Link::Up, &self.watched);
                effects.extend(self.read_logs(wanted));
            }
            self.watch(wanted, &mut effects);
        }
        effects
    }

    /// The engine says that the output of these comes from now on.
    pub fn comes(&mut self, processes: &[ProcessId]) -> Option<Effect> {
        let wanted = self.merged.as_mut()?.comes(processes);
        self.read_logs(wanted)
    }

    fn read_logs(&self, wanted: Vec<(ProcessId, u64)>) -> Option<Effect> {
        let merged = self.merged.as_ref().filter(|_| !wanted.is_empty())?;
        let most = Merged::share(wanted.len());
        let logs = wanted.into_iter().filter_map(|(process, from)| {
            Some(LogPart {
                path: self.log(&process)?,
                to: self.until(&process).unwrap_or(u64::MAX),
                process,
                from,
                most,
            })
        });
        Some(Effect::ReadLogs {
            number: merged.number,
            logs: logs.collect(),
        })
    }

    /// Logs were read for the merged view of that number.
    pub fn logs_read(&mut self, number: u64, mut logs: Vec<LogRead>, now: Instant) {
        // Another run may have processes of the same names.
        logs.retain(|log| self.log(&log.process).as_ref() == Some(&log.path));
        let lives = self.link == Link::Up;
        let shown = self.merged.iter_mut();
        let all = shown.chain(self.merged_before.iter_mut());
        for merged in all.filter(|merged| merged.number == number) {
            merged.read(&logs, lives, now);
        }
    }
}
