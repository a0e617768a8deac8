//! The records that the supervisor keeps: groups, templates, ranks, and how many of them are in which state.
//!
//! Owns the counts, so that a group of a million ranks is judged without looking at each. Decides nothing.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    agent::wire::ChildKey,
    engine::placement::Seat,
    model::{
        document::Session,
        event::Usage,
        ids::{GroupName, Incarnation, TemplateName},
        lifecycle::{ExitStatus, GroupState, ProcessState},
        policy::Policy,
        template::{After, Alert, ProcessGroup, Restart, Stop},
    },
};

/// Where a rank stands in the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct At {
    pub group: usize,
    pub template: usize,
    pub rank: u32,
}

/// Why a group is being ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    None,
    Asked,
    Failure,
    Critical,
    Walltime,
}

impl Ending {
    pub fn is_none(self) -> bool {
        self == Ending::None
    }
}

#[derive(Debug)]
pub(super) struct Rank {
    pub state: ProcessState,
    pub incarnation: Incarnation,
    pub child: Option<ChildKey>,
    pub seat: Option<Seat>,
    /// The step of the stop ladder that was taken last.
    pub ladder: Option<u8>,
    /// A timer set in an older epoch is void.
    pub epoch: u32,
    /// It was asked to end (true: at once), so that its end is no failure.
    pub stop_asked: Option<bool>,
    /// It is started again as soon as it has ended.
    pub start_again: bool,
    /// Reaped, the rest of its output is on the way.
    pub exited: Option<(ExitStatus, Usage)>,
    pub eof: bool,
    pub status: Option<ExitStatus>,
    pub failed: bool,
    pub restarts: u32,
    pub restarts_in_a_row: u32,
    pub started_at: Option<Instant>,
    pub started_once: bool,
    pub ready_once: bool,
    /// Muted (or opened) by the user; `None`: as the template says.
    pub mute: Option<bool>,
}

impl Rank {
    fn new() -> Self {
        Self {
            state: ProcessState::Idle,
            incarnation: Incarnation::default(),
            child: None,
            seat: None,
            ladder: None,
            epoch: 0,
            stop_asked: None,
            start_again: false,
            exited: None,
            eof: false,
            status: None,
            failed: false,
            restarts: 0,
            restarts_in_a_row: 0,
            started_at: None,
            started_once: false,
            ready_once: false,
            mute: None,
        }
    }

    /// Forgets how the last start ended; the user's mute and the seat stay.
    pub fn renew(&mut self) {
        if self.status.is_some() {
            self.incarnation = self.incarnation.next();
        }
        *self = Rank {
            state: self.state,
            incarnation: self.incarnation,
            seat: self.seat.take(),
            epoch: self.epoch + 1,
            mute: self.mute,
            ..Rank::new()
        };
    }
}

#[derive(Debug)]
pub(super) struct Template {
    pub name: TemplateName,
    pub policy: Policy,
    pub restart: Restart,
    pub critical: bool,
    pub ready_rule: bool,
    pub stop: Stop,
    pub after: Vec<After>,
    pub alerts: Arc<[Alert]>,
    /// How many ranks are wanted; more may still be ending.
    pub replicas: u32,
    pub ranks: Vec<Rank>,
    /// Its ranks wait for what the template comes after.
    pub held: bool,
    counts: [u32; ProcessState::ALL.len()],
    started: u32,
    ready: u32,
    failed: u32,
    skipped: u32,
}

impl Template {
    pub fn count(&self, state: ProcessState) -> u32 {
        self.counts[state as usize]
    }

    pub fn set_state(&mut self, rank: u32, state: ProcessState) -> Option<Incarnation> {
        let rank = self.ranks.get_mut(rank as usize)?;
        if rank.state == state {
            return None;
        }
        debug_assert!(rank.state.may_become(state), "{} -> {state}", rank.state);
        self.counts[rank.state as usize] -= 1;
        self.counts[state as usize] += 1;
        rank.state = state;
        Some(rank.incarnation)
    }

    pub fn mark_started(&mut self, rank: u32) {
        if let Some(rank) = self.ranks.get_mut(rank as usize)
            && !std::mem::replace(&mut rank.started_once, true)
        {
            self.started += 1;
        }
    }

    pub fn mark_ready(&mut self, rank: u32) {
        if let Some(rank) = self.ranks.get_mut(rank as usize)
            && !std::mem::replace(&mut rank.ready_once, true)
        {
            self.ready += 1;
        }
    }

    /// Counts the end of a rank.
    pub fn recount_ended(&mut self, rank: u32) {
        if let Some(rank) = self.ranks.get(rank as usize) {
            self.failed += u32::from(rank.failed);
            self.skipped += u32::from(matches!(rank.status, Some(ExitStatus::Skipped(_))));
        }
    }

    /// Counts everything anew, after ranks were renewed or forgotten.
    pub fn recount(&mut self) {
        self.counts = [0; ProcessState::ALL.len()];
        (self.started, self.ready, self.failed, self.skipped) = (0, 0, 0, 0);
        for rank in &self.ranks {
            self.counts[rank.state as usize] += 1;
            self.started += u32::from(rank.started_once);
            self.ready += u32::from(rank.ready_once);
            if rank.state.is_over() {
                self.failed += u32::from(rank.failed);
                self.skipped += u32::from(matches!(rank.status, Some(ExitStatus::Skipped(_))));
            }
        }
    }

    pub fn resize(&mut self, replicas: u32) {
        self.replicas = replicas;
        while (self.ranks.len() as u32) < replicas {
            self.ranks.push(Rank::new());
            self.counts[ProcessState::Idle as usize] += 1;
        }
    }

    pub fn shrink(&mut self) {
        let mut shrunk = false;
        while self.ranks.len() as u32 > self.replicas
            && self
                .ranks
                .last()
                .is_some_and(|rank| !rank.state.is_live() && rank.child.is_none())
        {
            self.ranks.pop();
            shrunk = true;
        }
        if shrunk {
            self.recount();
        }
    }

    pub fn all_started(&self) -> bool {
        self.started as usize >= self.ranks.len()
    }

    pub fn all_ready(&self) -> bool {
        self.ready as usize >= self.ranks.len()
    }

    /// Whether none of its ranks is alive or will be; one that was added and not started counts as over.
    pub fn all_over(&self) -> bool {
        use ProcessState::{Ended, Idle, Lost};
        (self.count(Ended) + self.count(Lost) + self.count(Idle)) as usize == self.ranks.len()
    }

    pub fn any_failed(&self) -> bool {
        self.failed > 0
    }
}

#[derive(Debug)]
pub(super) struct Group {
    pub name: GroupName,
    pub templates: Vec<Template>,
    pub after: Vec<After>,
    pub walltime: Option<Duration>,
    pub ignore_error_on_exit: bool,
    /// It was asked to run.
    pub wanted: bool,
    /// Its ranks have their seats.
    pub placed: bool,
    pub ending: Ending,
    pub failed: bool,
    pub state: GroupState,
    /// Something in it changed since its state was derived.
    pub dirty: bool,
    /// Its walltime of an older epoch is void.
    pub epoch: u32,
    /// Hosts that it ran on, by index.
    hosts: Vec<usize>,
}

impl Group {
    pub fn new(session: &Session, name: &GroupName, spec: &ProcessGroup) -> Self {
        let templates = spec
            .templates
            .iter()
            .map(|(template, spec)| {
                let mut made = Template {
                    name: template.clone(),
                    policy: session.policy_of(name, template),
                    restart: spec.restart,
                    critical: spec.critical,
                    ready_rule: spec.ready.is_some(),
                    stop: spec.stop,
                    after: spec.after.clone(),
                    alerts: spec.alerts.clone().into(),
                    replicas: 0,
                    ranks: Vec::new(),
                    held: false,
                    counts: [0; ProcessState::ALL.len()],
                    started: 0,
                    ready: 0,
                    failed: 0,
                    skipped: 0,
                };
                made.resize(spec.replicas);
                made
            })
            .collect();
        Self {
            name: name.clone(),
            templates,
            after: spec.after.clone(),
            walltime: spec.walltime,
            ignore_error_on_exit: spec.ignore_error_on_exit,
            wanted: false,
            placed: false,
            ending: Ending::None,
            failed: false,
            state: GroupState::Composed,
            dirty: false,
            epoch: 0,
            hosts: Vec::new(),
        }
    }

    pub fn is_over(&self) -> bool {
        self.wanted && self.templates.iter().all(Template::all_over)
    }

    /// Its state, from the states of its ranks.
    pub fn derive(&self) -> GroupState {
        if !self.wanted {
            return GroupState::Composed;
        }
        let any = |state| {
            self.templates
                .iter()
                .any(|template| template.count(state) > 0)
        };
        if self.is_over() {
            if self.failed {
                GroupState::Failed
            } else {
                GroupState::Succeeded
            }
        } else if !self.ending.is_none() {
            GroupState::Stopping
        } else if !self.placed {
            GroupState::Waiting
        } else if any(ProcessState::Waiting) || any(ProcessState::Starting) {
            GroupState::Starting
        } else {
            GroupState::Running
        }
    }

    /// Notes that something of it runs on this host.
    pub fn uses_host(&mut self, host: usize) {
        if !self.hosts.contains(&host) {
            self.hosts.push(host);
        }
    }

    /// The hosts to sweep at the end, once.
    pub fn take_hosts(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.hosts)
    }

    /// What a template of this group waits for: holds, may still, or cannot any more.
    pub fn template_conditions(&self, index: usize) -> Vec<Result<bool, String>> {
        self.templates[index]
            .after
            .iter()
            .map(|after| self.template_condition(after))
            .collect()
    }

    fn template_condition(&self, after: &After) -> Result<bool, String> {
        let Some(other) = self
            .templates
            .iter()
            .find(|template| template.name.as_str() == after.name())
        else {
            return Err(format!("there is no template {}", after.name()));
        };
        let over = !other.held && other.all_over();
        match after {
            After::Started(name) => match other.all_started() {
                false if over => Err(format!("{name} ended before all of it had started")),
                all => Ok(all),
            },
            After::Ready(name) => match other.all_ready() {
                false if over => Err(format!("{name} ended before all of it was ready")),
                all => Ok(all),
            },
            After::Succeeded(name) if other.any_failed() => Err(format!("{name} failed")),
            After::Succeeded(name) if over && other.skipped > 0 => {
                Err(format!("{name} did not run"))
            }
            After::Succeeded(_) | After::Ended(_) => Ok(over),
        }
    }
}
