//! The order of things: what may start now, what cannot any more, which state follows for a group, and whether the
//! run is over.

use std::time::Instant;

use super::{
    Action, Supervisor,
    table::{self, At},
};
use crate::model::{
    event::{Event, Outcome, Usage},
    lifecycle::{ExitStatus, ProcessState},
    template::After,
};

impl Supervisor {
    /// Starts what may start now, derives the states of groups, and sees whether the run is over.
    pub(super) fn reconcile(&mut self, now: Instant) {
        loop {
            let mut moved = false;
            for index in 0..self.groups.len() {
                moved |= self.advance_group(index, now);
            }
            self.pump(now);
            for index in 0..self.groups.len() {
                moved |= self.derive_group(index);
            }
            if !moved {
                break;
            }
        }
        let idle = self
            .groups
            .iter()
            .all(|group| !group.wanted || group.is_over());
        let done = self.finishing
            || (self.options.end_when_done
                && !self.more_to_come
                && self.groups.iter().any(|group| group.wanted));
        if idle && done && !self.over {
            self.over = true;
            let outcome = self.outcome.unwrap_or(Outcome::Succeeded);
            self.actions.push(Action::Over {
                outcome,
                first_failure: self.first_failure.clone(),
            });
        }
    }

    /// Whether a condition holds (`Ok(true)`), may still come true (`Ok(false)`), or cannot any more (why not).
    pub(super) fn group_condition(&self, after: &After) -> Result<bool, String> {
        let Some(group) = self
            .groups
            .iter()
            .find(|group| group.name.as_str() == after.name())
        else {
            return Err(format!("there is no group {}", after.name()));
        };
        if !group.wanted {
            return Ok(false);
        }
        let over = group.is_over();
        match after {
            After::Started(name) => {
                match group.templates.iter().all(table::Template::all_started) {
                    false if over => {
                        Err(format!("group {name} ended before all of it had started"))
                    }
                    all => Ok(all),
                }
            }
            After::Ready(name) => match group.templates.iter().all(table::Template::all_ready) {
                false if over => Err(format!("group {name} ended before all of it was ready")),
                all => Ok(all),
            },
            After::Succeeded(name) if over && group.failed => Err(format!("group {name} failed")),
            After::Succeeded(name) if over && group.cut_short => {
                Err(format!("group {name} was stopped or did not run"))
            }
            After::Succeeded(_) | After::Ended(_) => Ok(over),
        }
    }

    pub(super) fn advance_group(&mut self, index: usize, now: Instant) -> bool {
        let group = &self.groups[index];
        if !group.wanted || group.is_over() || !group.ending.is_none() {
            return false;
        }
        if !group.placed {
            let conditions: Vec<_> = group
                .after
                .iter()
                .map(|after| self.group_condition(after))
                .collect();
            if let Some(why) = conditions
                .iter()
                .find_map(|condition| condition.as_ref().err())
            {
                let why = why.clone();
                self.skip_group(index, &why, now);
                return true;
            }
            if !conditions.iter().all(|condition| *condition == Ok(true)) || !self.place(index, now)
            {
                return false;
            }
        }
        let mut moved = false;
        for t in 0..self.groups[index].templates.len() {
            if !self.groups[index].templates[t].held {
                continue;
            }
            let conditions = self.groups[index].template_conditions(t);
            if let Some(why) = conditions
                .iter()
                .find_map(|condition| condition.as_ref().err())
            {
                let why = why.clone();
                self.groups[index].templates[t].held = false;
                self.skip_template(index, t, &why, now);
                moved = true;
            } else if conditions.iter().all(|condition| *condition == Ok(true)) {
                let template = &mut self.groups[index].templates[t];
                template.held = false;
                let ranks = 0..template.ranks.len() as u32;
                self.queue.extend(ranks.map(|rank| At {
                    group: index,
                    template: t,
                    rank,
                }));
                moved = true;
            }
        }
        moved
    }

    pub(super) fn skip_group(&mut self, index: usize, why: &str, now: Instant) {
        for t in 0..self.groups[index].templates.len() {
            self.skip_template(index, t, why, now);
        }
    }

    /// What waits for something that cannot happen any more ends without having run. Nobody asked for that, so the
    /// run is no success.
    pub(super) fn skip_template(&mut self, index: usize, template: usize, why: &str, now: Instant) {
        for rank in 0..self.groups[index].templates[template].ranks.len() as u32 {
            let at = At {
                group: index,
                template,
                rank,
            };
            if let Some(rank) = self.rank_mut(at)
                && rank.state == ProcessState::Waiting
            {
                rank.stop_asked = Some(false);
                self.end(
                    at,
                    ExitStatus::Skipped(why.to_owned()),
                    Usage::default(),
                    now,
                );
                let process = self.id(at);
                self.first_failure.get_or_insert(process);
                self.outcome.get_or_insert(Outcome::Failed);
                self.groups[index].failed = true;
                self.groups[index].cut_short = true;
            }
        }
    }

    pub(super) fn derive_group(&mut self, index: usize) -> bool {
        let group = &mut self.groups[index];
        if !std::mem::take(&mut group.dirty) {
            return false;
        }
        let state = group.derive();
        if state == group.state {
            return false;
        }
        group.state = state;
        let name = group.name.clone();
        if state.is_over() {
            group.epoch += 1;
            let hosts = group.take_hosts();
            if !hosts.is_empty() {
                self.actions.push(Action::Sweep(name.clone(), hosts));
            }
        }
        self.emit(Event::GroupChanged { group: name, state });
        true
    }
}
