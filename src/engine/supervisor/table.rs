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
    /// A timer set in an older epoch is void; no two ranks ever have the same one but 0.
    pub epoch: u64,
    /// It was started at least once: the next start is another life.
    pub lived: bool,
    /// It was asked to end (true: at once), so that its end is no failure.
    pub stop_asked: Option<bool>,
    /// It is started again as soon as it has ended.
    pub start_again: bool,
    /// It ended by itself, and was then asked to end: no restart follows, and how it ended still counts.
    pub no_restart: bool,
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
    /// Rows and columns of its pane, as told last: every life begins with them. `None`: nobody looked at it yet.
    pub size: Option<(u16, u16)>,
}

impl Rank {
    fn new(incarnation: Incarnation) -> Self {
        Self {
            state: ProcessState::Idle,
            incarnation,
            child: None,
            seat: None,
            ladder: None,
            epoch: 0,
            lived: false,
            stop_asked: None,
            start_again: false,
            no_restart: false,
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
            size: None,
        }
    }

    /// Forgets how the last start ended; the user's mute, the size of its pane and the seat stay.
    fn renew(&mut self) {
        *self = Rank {
            state: self.state,
            seat: self.seat.take(),
            epoch: self.epoch,
            lived: self.lived,
            mute: self.mute,
            size: self.size,
            ..Rank::new(self.incarnation)
        };
    }
}

/// What is counted of one rank.
#[derive(Debug, Clone, Copy, Default)]
struct Weight {
    started: bool,
    ready: bool,
    failed: bool,
    succeeded: bool,
}

impl Weight {
    fn of(rank: &Rank) -> Self {
        Self {
            started: rank.started_once,
            ready: rank.ready_once,
            failed: rank.failed,
            succeeded: rank.status.as_ref().is_some_and(ExitStatus::is_success) && !rank.failed,
        }
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
    /// Muted or opened by the user as a whole: ranks that are added are so too.
    pub mute: Option<bool>,
    /// Its ranks wait for what the template comes after.
    pub held: bool,
    counts: [u32; ProcessState::ALL.len()],
    started: u32,
    ready: u32,
    failed: u32,
    succeeded: u32,
    /// The first life of ranks that are added: later than any life of one that was forgotten.
    first_life: Incarnation,
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
        self.change(rank, |rank| rank.started_once = true);
    }

    pub fn mark_ready(&mut self, rank: u32) {
        self.change(rank, |rank| rank.ready_once = true);
    }

    /// Changes what is counted of a rank. The counts are kept by difference: a template may have a million ranks.
    fn change(&mut self, rank: u32, change: impl FnOnce(&mut Rank)) {
        let Some(rank) = self.ranks.get_mut(rank as usize) else {
            return;
        };
        let before = Weight::of(rank);
        change(rank);
        let after = Weight::of(rank);
        self.count_change(before, after);
    }

    fn count_change(&mut self, before: Weight, after: Weight) {
        let add = |count: &mut u32, before: bool, after: bool| {
            *count = *count + u32::from(after) - u32::from(before);
        };
        add(&mut self.started, before.started, after.started);
        add(&mut self.ready, before.ready, after.ready);
        add(&mut self.failed, before.failed, after.failed);
        add(&mut self.succeeded, before.succeeded, after.succeeded);
    }

    /// Forgets how the last start of a rank ended.
    pub fn renew(&mut self, rank: u32) {
        self.change(rank, Rank::renew);
    }

    /// Notes how a rank ended.
    pub fn note_end(&mut self, rank: u32, status: ExitStatus, failed: bool) {
        self.change(rank, |rank| {
            rank.status = Some(status);
            rank.failed = failed;
        });
    }

    pub fn resize(&mut self, replicas: u32) {
        self.replicas = replicas;
        while (self.ranks.len() as u32) < replicas {
            let mute = self.mute;
            self.ranks.push(Rank {
                mute,
                ..Rank::new(self.first_life)
            });
            self.counts[ProcessState::Idle as usize] += 1;
        }
    }

    /// Forgets ranks beyond the wanted number that have ended or never ran.
    pub fn shrink(&mut self) {
        while self.ranks.len() as u32 > self.replicas
            && let Some(rank) = self.ranks.last()
            && (rank.state.is_over() || rank.state == ProcessState::Idle)
        {
            let (weight, state) = (Weight::of(rank), rank.state);
            if rank.lived {
                self.first_life = self.first_life.max(rank.incarnation.next());
            }
            self.ranks.pop();
            self.counts[state as usize] -= 1;
            self.count_change(weight, Weight::default());
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

    fn all_succeeded(&self) -> bool {
        self.succeeded as usize >= self.ranks.len()
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
    /// It was stopped on request, or some of it never ran: its end is no success for who waits for it.
    pub cut_short: bool,
    pub state: GroupState,
    /// Something in it changed since its state was derived.
    pub dirty: bool,
    /// Its walltime of an older epoch is void.
    pub epoch: u64,
    /// Hosts that it ran on, by index.
    hosts: Vec<usize>,
}

impl Group {
    /// Its ranks that have failed and do not run; `index` is its own place in the table.
    pub fn failed_ranks(&self, index: usize) -> Vec<At> {
        let mut found = Vec::new();
        for (template, of) in self.templates.iter().enumerate() {
            if !of.any_failed() {
                continue;
            }
            let failed = |rank: &Rank| rank.state.is_over() && rank.failed;
            let ranks = (0..).zip(&of.ranks).filter(|(_, rank)| failed(rank));
            found.extend(ranks.map(|(rank, _)| At {
                group: index,
                template,
                rank,
            }));
        }
        found
    }

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
                    mute: None,
                    held: false,
                    counts: [0; ProcessState::ALL.len()],
                    started: 0,
                    ready: 0,
                    failed: 0,
                    succeeded: 0,
                    first_life: Incarnation::default(),
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
            cut_short: false,
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
            } else if self.cut_short {
                GroupState::Stopped
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
            After::Succeeded(name) if over && !other.all_succeeded() => {
                Err(format!("{name} was stopped or did not run"))
            }
            After::Succeeded(_) | After::Ended(_) => Ok(over),
        }
    }
}
