//! What clients wish: start, stop, restart, mute, scale; and what is refused.

use std::time::Instant;

use super::{
    Action, Explanation, Supervisor,
    table::{self, At, Ending},
};
use crate::model::{
    event::{Command, Event, Outcome},
    ids::{GroupName, Selector},
    lifecycle::ProcessState,
    template::REPLICAS_MAX,
};

impl Supervisor {
    pub(super) fn command(&mut self, command: Command, now: Instant) {
        match command {
            Command::Start(selector) => self.start(&selector, now),
            Command::Stop(selector) => self.stop(&selector, false, now),
            Command::Kill(selector) => self.stop(&selector, true, now),
            Command::Restart(selector) => self.restart(&selector, now),
            Command::RestartFailed(group) => self.restart_failed(group.as_ref(), now),
            Command::Mute(selector) => self.mute(&selector, true),
            Command::Unmute(selector) => self.mute(&selector, false),
            Command::Scale(selector, replicas) => self.scale(&selector, replicas, now),
            Command::Send(selector, bytes) => {
                for at in self.selected_or_refuse(&selector) {
                    if let Some(child) = self.rank(at).and_then(|rank| rank.child) {
                        self.actions.push(Action::Input(child, bytes.clone()));
                    }
                }
            }
            Command::Resize(process, rows, columns) => {
                for at in self.selected(&process.into()) {
                    let Some(rank) = self.rank_mut(at) else {
                        continue;
                    };
                    rank.size = Some((rows, columns));
                    if let Some(child) = rank.child {
                        self.actions.push(Action::Resize(child, rows, columns));
                    }
                }
            }
            Command::Explain(process) => match self.explain(&process) {
                Some(Explanation { state, because }) => self.emit(Event::Explained {
                    process,
                    state,
                    because,
                }),
                None => {
                    self.emit(Event::Refused {
                        reason: format!("{process} is no process of this session"),
                    });
                }
            },
            Command::Finish | Command::Abort => {
                let kill = command == Command::Abort;
                self.finishing = true;
                let unfinished = self
                    .groups
                    .iter()
                    .any(|group| group.wanted && !group.is_over());
                if unfinished || self.more_to_come {
                    self.outcome.get_or_insert(Outcome::Interrupted);
                }
                for group in 0..self.groups.len() {
                    self.end_group(group, Ending::Asked, kill, now);
                }
            }
        }
    }

    pub(super) fn selected_or_refuse(&mut self, selector: &Selector) -> Vec<At> {
        let found = self.selected(selector);
        if found.is_empty() {
            self.emit(Event::Refused {
                reason: format!("{selector} names no process of this session"),
            });
        }
        found
    }

    pub(super) fn start(&mut self, selector: &Selector, now: Instant) {
        let found = self.selected_or_refuse(selector);
        let Some(first) = found.first().copied() else {
            return;
        };
        let group = &self.groups[first.group];
        if self.finishing {
            self.emit(Event::Refused {
                reason: "the run is ending".to_owned(),
            });
        } else if selector.template.is_none() || !group.wanted {
            if group.wanted && !group.is_over() {
                self.emit(Event::Refused {
                    reason: format!("group {} is already started", selector.group),
                });
            } else {
                self.start_group(first.group);
            }
        } else if self.reopen(first.group, now) {
            for at in found {
                if self
                    .rank(at)
                    .is_some_and(|rank| rank.state.is_over() || rank.state == ProcessState::Idle)
                {
                    self.begin_rank(at);
                }
            }
        }
    }

    pub(super) fn restart(&mut self, selector: &Selector, now: Instant) {
        let found = self.selected_or_refuse(selector);
        let Some(first) = found.first().copied() else {
            return;
        };
        if !self.reopen(first.group, now) {
            return;
        }
        for at in found {
            let Some(state) = self.rank(at).map(|rank| rank.state) else {
                continue;
            };
            if state.is_live() {
                self.ask_stop(at, false, now);
                if let Some(rank) = self.rank_mut(at) {
                    rank.start_again = true;
                }
            } else if state.is_over() {
                self.begin_rank(at);
            } else if state == ProcessState::BackingOff {
                // Now rather than when its wait is over.
                self.new_epoch(at);
                self.queue.push_back(at);
            }
        }
    }

    /// Starts what has failed again. Who runs by now, or is about to, is left alone: wished twice it is done once.
    fn restart_failed(&mut self, group: Option<&GroupName>, now: Instant) {
        for index in 0..self.groups.len() {
            let of = &self.groups[index];
            if group.is_some_and(|name| *name != of.name) {
                continue;
            }
            let failed = of.failed_ranks(index);
            if failed.is_empty() || !self.reopen(index, now) {
                continue;
            }
            for at in failed {
                self.begin_rank(at);
            }
        }
    }

    /// Whether single ranks of a group may be started: it was started and is not ending. One whose ranks have
    /// all ended counts as running again.
    pub(super) fn reopen(&mut self, index: usize, now: Instant) -> bool {
        let group = &mut self.groups[index];
        let reason = if self.finishing {
            "the run is ending".to_owned()
        } else if !group.wanted {
            format!("group {} was not started", group.name)
        } else if group.is_over() {
            group.ending = Ending::None;
            // From now on each rank gets its seat when it begins.
            group.placed = true;
            group.failed = group.templates.iter().any(table::Template::any_failed);
            self.arm_walltime(index, now);
            return true;
        } else if group.ending.is_none() {
            return true;
        } else {
            format!("group {} is stopping", group.name)
        };
        self.emit(Event::Refused { reason });
        false
    }

    /// Starts a whole group, after the groups that it waits for.
    pub(super) fn start_group(&mut self, index: usize) {
        let group = &mut self.groups[index];
        group.wanted = true;
        group.placed = false;
        group.ending = Ending::None;
        group.failed = false;
        group.cut_short = false;
        group.epoch += 1;
        group.dirty = true;
        for t in 0..self.groups[index].templates.len() {
            self.groups[index].templates[t].held = true;
            for rank in 0..self.groups[index].templates[t].ranks.len() as u32 {
                let at = At {
                    group: index,
                    template: t,
                    rank,
                };
                self.groups[index].templates[t].renew(rank);
                self.set_state(at, ProcessState::Waiting);
            }
        }
    }

    pub(super) fn stop(&mut self, selector: &Selector, kill: bool, now: Instant) {
        let found = self.selected_or_refuse(selector);
        let Some(first) = found.first() else { return };
        if selector.template.is_none() {
            self.end_group(first.group, Ending::Asked, kill, now);
            return;
        }
        for at in found {
            self.ask_stop(at, kill, now);
        }
    }

    pub(super) fn mute(&mut self, selector: &Selector, muted: bool) {
        for at in self
            .selected(selector)
            .into_iter()
            .filter(|_| selector.rank.is_none())
        {
            self.groups[at.group].templates[at.template].mute = Some(muted);
        }
        for at in self.selected_or_refuse(selector) {
            let process = self.id(at);
            let Some(rank) = self.rank_mut(at) else {
                continue;
            };
            rank.mute = Some(muted);
            match rank.child {
                Some(child) => self.actions.push(Action::Mute(child, muted)),
                None => self.emit(Event::MuteChanged {
                    process,
                    muted,
                    discarded: 0,
                }),
            }
        }
    }

    pub(super) fn scale(&mut self, selector: &Selector, replicas: u32, now: Instant) {
        let place = self.groups.iter().enumerate().find_map(|(g, group)| {
            let wanted = (group.name == selector.group).then_some(selector.template.as_ref()?)?;
            Some((
                g,
                group
                    .templates
                    .iter()
                    .position(|template| template.name == *wanted)?,
            ))
        });
        let (Some((g, t)), None, true) =
            (place, selector.rank, (1..=REPLICAS_MAX).contains(&replicas))
        else {
            let reason = format!(
                "cannot scale {selector} to {replicas}: name a template and 1 to {REPLICAS_MAX} replicas"
            );
            self.emit(Event::Refused { reason });
            return;
        };
        let group = &self.groups[g];
        if group.wanted && !group.ending.is_none() && !group.is_over() {
            let reason = format!("cannot scale {selector}: group {} is stopping", group.name);
            self.emit(Event::Refused { reason });
            return;
        }
        let active = group.wanted && !group.is_over();
        let template = &group.templates[t];
        let (present, held) = (template.ranks.len() as u32, template.held);
        let before = template.replicas;
        let mut seats = Vec::new();
        if replicas > present && group.placed && active {
            match self.ledger.place(
                &group.name,
                &template.name,
                present..replicas,
                &template.policy,
            ) {
                Ok(found) => seats = found,
                Err(refusal) => {
                    self.emit(Event::Refused {
                        reason: refusal.to_string(),
                    });
                    return;
                }
            }
        }
        let mut seats = seats.into_iter();
        self.groups[g].templates[t].resize(replicas);
        self.emit(Event::Scaled {
            template: selector.clone(),
            replicas,
        });
        for rank in before..replicas {
            let at = At {
                group: g,
                template: t,
                rank,
            };
            if let Some(rank) = self.rank_mut(at).filter(|_| rank >= present) {
                rank.seat = seats.next();
            }
            let Some(state) = self.rank(at).map(|rank| rank.state) else {
                continue;
            };
            if !active {
            } else if state.is_live() {
                // Still ending since it was scaled away: it comes back.
                if let Some(rank) = self.rank_mut(at) {
                    rank.start_again = true;
                }
            } else if held || !self.groups[g].placed {
                self.set_state(at, ProcessState::Waiting);
            } else {
                self.begin_rank(at);
            }
        }
        for rank in replicas..present {
            self.ask_stop(
                At {
                    group: g,
                    template: t,
                    rank,
                },
                false,
                now,
            );
        }
        self.shrink(g, t);
    }

    /// Forgets ranks beyond the wanted number once they have ended.
    pub(super) fn shrink(&mut self, group: usize, template: usize) {
        self.groups[group].templates[template].shrink();
        self.groups[group].dirty = true;
    }
}
