//! How processes are brought to their end: the ladder of signals, in bounded time; and the timers that fire.

use std::time::Instant;

use super::{
    Action, GIVE_UP, Supervisor, Timer,
    table::{At, Ending},
};
use crate::model::{
    event::{Level, Outcome, Usage},
    lifecycle::{ExitStatus, ProcessState, STOPPED_EARLY},
    template::Signal,
};

impl Supervisor {
    pub(super) fn end_group(&mut self, index: usize, reason: Ending, kill: bool, now: Instant) {
        let group = &mut self.groups[index];
        if !group.wanted || group.is_over() {
            return;
        }
        if group.ending.is_none() {
            group.ending = reason;
            group.cut_short |= reason == Ending::Asked;
            group.dirty = true;
        }
        for t in 0..self.groups[index].templates.len() {
            self.groups[index].templates[t].held = false;
            for rank in 0..self.groups[index].templates[t].ranks.len() as u32 {
                self.ask_stop(
                    At {
                        group: index,
                        template: t,
                        rank,
                    },
                    kill,
                    now,
                );
            }
        }
    }

    /// Asks a rank to end; one that has ended by itself only loses its next life.
    pub(super) fn ask_stop(&mut self, at: At, kill: bool, now: Instant) {
        let Some(rank) = self.rank_mut(at) else {
            return;
        };
        rank.start_again = false;
        match rank.state {
            ProcessState::Waiting => {
                let status = ExitStatus::Skipped(STOPPED_EARLY.to_owned());
                rank.stop_asked = Some(kill);
                self.end(at, status, Usage::default(), now);
            }
            ProcessState::BackingOff => {
                rank.stop_asked = Some(kill);
                let status = rank.status.clone().unwrap_or(ExitStatus::Code(0));
                self.end(at, status, Usage::default(), now);
            }
            ProcessState::Starting => {
                rank.stop_asked = Some(kill || rank.stop_asked == Some(true));
            }
            ProcessState::Running | ProcessState::Ready | ProcessState::Unknown => {
                rank.stop_asked = Some(kill);
                self.begin_ladder(at, kill, now);
            }
            ProcessState::Stopping if kill && rank.ladder.is_some_and(|stage| stage < 2) => {
                rank.stop_asked = Some(true);
                self.climb(at, 2, now);
            }
            ProcessState::Draining => rank.no_restart = true,
            ProcessState::Stopping
            | ProcessState::Idle
            | ProcessState::Ended
            | ProcessState::Lost => {}
        }
    }

    pub(super) fn begin_ladder(&mut self, at: At, kill: bool, now: Instant) {
        self.set_state(at, ProcessState::Stopping);
        self.climb(at, if kill { 2 } else { 0 }, now);
    }

    /// One step of the ladder: 0 the template's signal, 1 TERM, 2 KILL of the whole tree, 3 given up.
    pub(super) fn climb(&mut self, at: At, stage: u8, now: Instant) {
        let stop = self.groups[at.group].templates[at.template].stop;
        let process = self.id(at);
        let epoch = self.new_epoch(at);
        let Some(rank) = self.rank_mut(at) else {
            return;
        };
        let Some(child) = rank.child else { return };
        let stage = match stage {
            0 if stop.signal == Signal::KILL => 2,
            1 if stop.signal == Signal::TERM => 2,
            stage => stage,
        };
        rank.ladder = Some(stage);
        let (action, wait) = match stage {
            0 => (Action::Signal(child, stop.signal), stop.grace),
            1 => (Action::Signal(child, Signal::TERM), stop.grace),
            2 => (Action::KillTree(child), GIVE_UP),
            _ => {
                let text = "does not end although it was killed: it hangs in the kernel (a dead file system?); \
                            it is left to the host"
                    .to_owned();
                self.notice(Level::Error, Some(process), text);
                self.end(
                    at,
                    ExitStatus::Signal {
                        number: 9,
                        core: false,
                    },
                    Usage::default(),
                    now,
                );
                return;
            }
        };
        let asks = matches!(action, Action::Signal(..));
        self.actions.push(action);
        if asks {
            // Who is stopped could not even hear of it.
            self.actions.push(Action::Signal(child, Signal::CONT));
        }
        if let Some(when) = now.checked_add(wait) {
            self.timer(when, Timer::Ladder(at, epoch));
        }
    }

    pub(super) fn fire(&mut self, now: Instant) {
        while let Some(entry) = self.timers.first_entry() {
            if entry.key().0 > now {
                return;
            }
            let timer = entry.remove();
            match timer {
                Timer::Ladder(at, epoch) => {
                    if let Some(rank) = self.rank(at)
                        && rank.epoch == epoch
                        && rank.state == ProcessState::Stopping
                        && let Some(stage) = rank.ladder
                    {
                        self.climb(at, stage + 1, now);
                    }
                }
                Timer::Drain(at, epoch) => {
                    if let Some(rank) = self.rank(at)
                        && rank.epoch == epoch
                        && rank.state == ProcessState::Draining
                        && let Some(child) = rank.child
                    {
                        self.actions.push(Action::Close(child));
                    }
                }
                Timer::BackOff(at, epoch) => {
                    if self
                        .rank(at)
                        .is_some_and(|r| r.epoch == epoch && r.state == ProcessState::BackingOff)
                    {
                        self.queue.push_back(at);
                    }
                }
                Timer::Walltime(group, epoch) => {
                    if self.groups[group].epoch == epoch && !self.groups[group].is_over() {
                        let name = self.groups[group].name.clone();
                        self.notice(
                            Level::Warning,
                            None,
                            format!("group {name} reached its walltime and is stopped"),
                        );
                        self.outcome.get_or_insert(Outcome::Walltime);
                        self.groups[group].failed = true;
                        self.end_group(group, Ending::Walltime, false, now);
                    }
                }
            }
        }
    }
}
