//! The lives of ranks: seated, started, ended, and whether another life follows.

use std::time::{Duration, Instant};

use super::{
    Action, DRAIN, STARTING_MAX, Supervisor, Timer,
    table::{At, Ending},
};
use crate::{
    agent::wire::{ChildKey, Exit},
    engine::placement::Seat,
    model::{
        event::{Channel, Event, Level, Outcome, Usage},
        ids::ProcessId,
        lifecycle::{BACK_OFF_RESET, ExitStatus, ProcessState, back_off},
        template::{Alert, Restart},
    },
};

impl Supervisor {
    /// Gives every rank of the group its seat; refuses the whole group when one finds none.
    pub(super) fn place(&mut self, index: usize, now: Instant) -> bool {
        let mut refusals = Vec::new();
        let mut seated: Vec<(At, Seat)> = Vec::new();
        let group = &self.groups[index];
        for (t, template) in group.templates.iter().enumerate() {
            let ranks = 0..template.ranks.len() as u32;
            match self
                .ledger
                .place(&group.name, &template.name, ranks, &template.policy)
            {
                Ok(seats) => {
                    seated.extend((0..).zip(seats).map(|(rank, seat)| {
                        (
                            At {
                                group: index,
                                template: t,
                                rank,
                            },
                            seat,
                        )
                    }));
                }
                Err(refusal) => refusals.push(refusal.to_string()),
            }
        }
        if refusals.is_empty() {
            for (at, seat) in seated {
                match self.rank_mut(at) {
                    Some(rank) if rank.state == ProcessState::Waiting && rank.seat.is_none() => {
                        rank.seat = Some(seat);
                    }
                    // It was stopped while its group waited.
                    _ => self.ledger.release(&self.id(at), &seat),
                }
            }
            self.groups[index].placed = true;
            self.arm_walltime(index, now);
            return true;
        }
        for (at, seat) in &seated {
            self.ledger.release(&self.id(*at), seat);
        }
        for refusal in &refusals {
            self.notice(Level::Error, None, refusal.clone());
        }
        self.outcome.get_or_insert(Outcome::Unplaceable);
        self.groups[index].failed = true;
        self.end_group(index, Ending::Failure, false, now);
        false
    }

    /// Gives a group its time from now on. The time that it waits for others is not counted.
    pub(super) fn arm_walltime(&mut self, index: usize, now: Instant) {
        let group = &mut self.groups[index];
        group.epoch += 1;
        if let Some(when) = group
            .walltime
            .and_then(|walltime| now.checked_add(walltime))
        {
            let epoch = group.epoch;
            self.timer(when, Timer::Walltime(index, epoch));
        }
    }

    /// Puts one rank, which is idle or over, into the line of those that start.
    pub(super) fn begin_rank(&mut self, at: At) {
        let Some(rank) = self.rank(at) else { return };
        if rank.seat.is_none() {
            let group = &self.groups[at.group];
            let template = &group.templates[at.template];
            let ranks = at.rank..at.rank + 1;
            match self
                .ledger
                .place(&group.name, &template.name, ranks, &template.policy)
            {
                Ok(seats) => {
                    if let Some(rank) = self.rank_mut(at) {
                        rank.seat = seats.into_iter().next();
                    }
                }
                Err(refusal) => {
                    self.emit(Event::Refused {
                        reason: refusal.to_string(),
                    });
                    return;
                }
            }
        }
        self.groups[at.group].templates[at.template].renew(at.rank);
        self.set_state(at, ProcessState::Waiting);
        self.queue.push_back(at);
    }

    /// Starts those whose turn it is.
    pub(super) fn pump(&mut self, now: Instant) {
        while self.starting < STARTING_MAX {
            let Some(at) = self.queue.pop_front() else {
                return;
            };
            let child = ChildKey(self.next_child);
            let Some(rank) = self.rank(at) else {
                continue;
            };
            let ready = matches!(rank.state, ProcessState::Waiting | ProcessState::BackingOff);
            let (true, Some(seat)) = (ready, rank.seat.clone()) else {
                continue;
            };
            if self.lost_hosts.contains(&seat.host) {
                let status = ExitStatus::NotStarted("its host is lost".to_owned());
                self.end(at, status, Usage::default(), now);
                continue;
            }
            self.new_epoch(at);
            let Some(rank) = self.rank_mut(at) else {
                continue;
            };
            if std::mem::replace(&mut rank.lived, true) {
                rank.incarnation = rank.incarnation.next();
            }
            rank.child = Some(child);
            rank.exited = None;
            rank.eof = false;
            rank.ladder = None;
            let (incarnation, mute, size) = (rank.incarnation, rank.mute, rank.size);
            self.next_child += 1;
            self.starting += 1;
            self.children.insert(child, at);
            self.groups[at.group].uses_host(seat.host);
            self.set_state(at, ProcessState::Starting);
            let nproc = self.groups[at.group].templates[at.template].replicas;
            self.actions.push(Action::Spawn {
                child,
                process: self.id(at),
                incarnation,
                seat,
                nproc,
                mute,
                size,
            });
        }
    }

    pub(super) fn spawned(&mut self, child: ChildKey, pid: u32, channel: Channel, now: Instant) {
        let Some(at) = self.children.get(&child).copied() else {
            return;
        };
        self.starting = self.starting.saturating_sub(1);
        let process = self.id(at);
        let template = &mut self.groups[at.group].templates[at.template];
        let with_rule = template.ready_rule;
        template.mark_started(at.rank);
        let Some(rank) = template.ranks.get_mut(at.rank as usize) else {
            return;
        };
        rank.started_at = Some(now);
        let (incarnation, asked, seat) = (rank.incarnation, rank.stop_asked, rank.seat.clone());
        let Some(seat) = seat else { return };
        let host = self.ledger.inventory().hosts[seat.host].name.clone();
        let Seat { cpus, gpus, .. } = seat;
        self.emit(Event::ProcessStarted {
            process,
            incarnation,
            pid,
            host,
            cpus,
            gpus,
            channel,
        });
        self.set_state(at, ProcessState::Running);
        if !with_rule {
            self.groups[at.group].templates[at.template].mark_ready(at.rank);
        }
        if let Some(kill) = asked {
            self.begin_ladder(at, kill, now);
        }
    }

    pub(super) fn exited(&mut self, child: ChildKey, exit: Exit, usage: Usage, now: Instant) {
        let Some(at) = self.children.get(&child).copied() else {
            return;
        };
        let status = match exit {
            Exit::Code(code) => ExitStatus::Code(code),
            Exit::Signal(number, core) => ExitStatus::Signal { number, core },
        };
        let alone = self.groups[at.group].ending.is_none();
        let epoch = self.new_epoch(at);
        let Some(rank) = self.rank_mut(at) else {
            return;
        };
        let (eof, stopping) = (rank.eof, rank.state == ProcessState::Stopping);
        if stopping && alone {
            // The rest of its tree goes too; when the whole group stops, one sweep does it for all.
            self.actions.push(Action::KillTree(child));
        }
        self.set_state(at, ProcessState::Draining);
        if eof {
            self.end(at, status, usage, now);
        } else if let Some(rank) = self.rank_mut(at) {
            rank.exited = Some((status, usage));
            self.timer(now + DRAIN, Timer::Drain(at, epoch));
        }
    }

    /// How long until the next life of a rank that ended like this; `None`: there is none.
    fn next_life(&mut self, at: At, failed: bool, now: Instant) -> Option<Duration> {
        if !self.groups[at.group].ending.is_none() || self.finishing {
            return None;
        }
        let policy = self.groups[at.group].templates[at.template].restart;
        let replicas = self.groups[at.group].templates[at.template].replicas;
        let seat = self.rank(at)?.seat.as_ref()?.host;
        let lost = self.lost_hosts.contains(&seat);
        let rank = self.rank_mut(at)?;
        let again = match policy {
            Restart::Never => false,
            Restart::OnFailure { max } => failed && rank.restarts < max,
            Restart::Always => true,
        };
        if !again || lost || rank.no_restart || rank.stop_asked.is_some() || at.rank >= replicas {
            return None;
        }
        let lived = rank.started_at.map(|started| now.duration_since(started));
        if lived.is_some_and(|lived| lived >= BACK_OFF_RESET) {
            rank.restarts_in_a_row = 0;
        }
        let wait = back_off(rank.restarts_in_a_row);
        rank.restarts += 1;
        rank.restarts_in_a_row += 1;
        Some(wait)
    }

    /// A rank's life is over: decide whether another one follows.
    pub(super) fn end(&mut self, at: At, status: ExitStatus, usage: Usage, now: Instant) {
        let process = self.id(at);
        let failed = !status.is_success();
        let epoch = self.new_epoch(at);
        let Some(rank) = self.rank_mut(at) else {
            return;
        };
        let (asked, incarnation) = (rank.stop_asked.is_some(), rank.incarnation);
        rank.exited = None;
        if let Some(child) = rank.child.take() {
            self.children.remove(&child);
        }
        let wait = self.next_life(at, failed, now);
        let failure = failed && !asked && wait.is_none();
        let template = &mut self.groups[at.group].templates[at.template];
        let (critical, alerts) = (
            template.critical && at.rank < template.replicas,
            template.alerts.clone(),
        );
        let wanted = at.rank < template.replicas;
        template.note_end(at.rank, status.clone(), failure);
        let group_alive = self.groups[at.group].ending.is_none() && !self.finishing;
        let Some(rank) = self.rank_mut(at) else {
            return;
        };
        rank.started_at = None;
        let start_again =
            std::mem::take(&mut rank.start_again) && group_alive && wanted && wait.is_none();
        if !start_again
            && wait.is_none()
            && let Some(seat) = rank.seat.take()
        {
            self.ledger.release(&process, &seat);
        }
        self.emit(Event::ProcessEnded {
            process: process.clone(),
            incarnation,
            status: status.clone(),
            failure: failure && !start_again,
            usage,
            restart_in: wait
                .map(|wait| wait.as_secs_f64())
                .or(start_again.then_some(0.0)),
        });
        if !asked {
            self.alert(&alerts, &process, &status);
        }
        if let Some(wait) = wait {
            self.set_state(at, ProcessState::BackingOff);
            self.timer(now + wait, Timer::BackOff(at, epoch));
            return;
        }
        let lost = status == ExitStatus::HostLost;
        self.set_state(
            at,
            if lost {
                ProcessState::Lost
            } else {
                ProcessState::Ended
            },
        );
        if start_again {
            self.begin_rank(at);
            return;
        }
        if failure {
            self.failed(at, &status, now);
        }
        if critical {
            self.end_group(at.group, Ending::Critical, false, now);
        }
        self.shrink(at.group, at.template);
    }

    pub(super) fn failed(&mut self, at: At, status: &ExitStatus, now: Instant) {
        let process = self.id(at);
        self.first_failure.get_or_insert(process);
        let outcome = if *status == ExitStatus::HostLost {
            Outcome::HostLost
        } else {
            Outcome::Failed
        };
        self.outcome.get_or_insert(outcome);
        self.groups[at.group].failed = true;
        if !self.groups[at.group].ignore_error_on_exit {
            self.end_group(at.group, Ending::Failure, false, now);
        }
    }

    pub(super) fn alert(&mut self, alerts: &[Alert], process: &ProcessId, status: &ExitStatus) {
        for alert in alerts {
            let hit = match alert {
                Alert::Died => matches!(status, ExitStatus::Signal { .. } | ExitStatus::HostLost),
                Alert::Failed => !status.is_success(),
                Alert::Quiet(_) | Alert::Line(_) => false,
            };
            if hit {
                self.emit(Event::Alerted {
                    process: process.clone(),
                    alert: alert.clone(),
                    text: status.to_string(),
                });
            }
        }
    }

    pub(super) fn host_lost(&mut self, host: usize, reason: &str, now: Instant) {
        let name = self.ledger.inventory().hosts[host].name.clone();
        self.emit(Event::HostLost {
            host: name,
            reason: reason.to_owned(),
        });
        self.outcome.get_or_insert(Outcome::HostLost);
        self.lost_hosts.push(host);
        let mut there: Vec<At> = self
            .children
            .values()
            .copied()
            .filter(|at| {
                self.rank(*at)
                    .and_then(|rank| rank.seat.as_ref())
                    .is_some_and(|seat| seat.host == host)
            })
            .collect();
        there.sort_unstable();
        for at in there {
            if self
                .rank(at)
                .is_some_and(|rank| rank.state == ProcessState::Starting)
            {
                self.starting = self.starting.saturating_sub(1);
            }
            self.end(at, ExitStatus::HostLost, Usage::default(), now);
        }
    }
}
