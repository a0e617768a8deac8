//! What is known of a run: a fold over its events and samples.
//!
//! Owns [`Facts`], for a run that goes on and for one that is past alike. Never asks anybody for anything and has no clock:
//! times are those of the events. Start at [`Facts::apply`].

use std::collections::VecDeque;

use indexmap::IndexMap;

use crate::model::{
    cpuset::CpuSet,
    document::Session,
    event::{Channel, Event, HostSample, Level, Outcome, Samples, Stamped, Usage},
    ids::{GroupName, HostName, Incarnation, ProcessId, Selector, TemplateName},
    lifecycle::{ExitStatus, GroupState, ProcessState},
};

/// Notices that are kept; older ones are in the record.
const NOTICES_MAX: usize = 1_000;

/// One rank.
#[derive(Debug, Clone, PartialEq)]
pub struct Rank {
    /// Where it stands.
    pub state: ProcessState,
    /// Which life of it.
    pub incarnation: Incarnation,
    /// Its process id on its host; 0 before it ran.
    pub pid: u32,
    /// Its host; absent before it ran.
    pub host: Option<HostName>,
    /// The cpus it is bound to; empty: all.
    pub cpus: CpuSet,
    /// The GPUs it sees.
    pub gpus: Option<CpuSet>,
    /// Pty or pipe.
    pub channel: Option<Channel>,
    /// How it ended last.
    pub status: Option<ExitStatus>,
    /// Its last end makes the run fail.
    pub failure: bool,
    /// Its output is thrown away.
    pub muted: bool,
    /// Seconds of the run at which it was muted last.
    pub muted_at: f64,
    /// Bytes thrown away so far.
    pub discarded: u64,
    /// Cores, with its children.
    pub cpu: f32,
    /// Resident bytes, with its children.
    pub memory: u64,
    /// Bytes shown since this life began, and how many come per second now.
    pub shown: u64,
    /// Bytes per second.
    pub rate: f64,
    /// Seconds of the run at which this life began and ended.
    pub began: Option<f64>,
    /// See `began`.
    pub ended: Option<f64>,
    /// What it used in its last life.
    pub usage: Usage,
    /// Seconds of the run at which it is started again.
    pub again_at: Option<f64>,
    /// Something that nobody has looked at yet: an alert.
    pub alert: Option<String>,
}

impl Rank {
    fn new(muted: bool) -> Self {
        Self {
            state: ProcessState::Idle,
            incarnation: Incarnation::default(),
            pid: 0,
            host: None,
            cpus: CpuSet::default(),
            gpus: None,
            channel: None,
            status: None,
            failure: false,
            muted,
            muted_at: 0.0,
            discarded: 0,
            cpu: 0.0,
            memory: 0,
            shown: 0,
            rate: 0.0,
            began: None,
            ended: None,
            usage: Usage::default(),
            again_at: None,
            alert: None,
        }
    }

    /// Whether it ended in a way that makes the run fail, and does not run again.
    pub fn has_failed(&self) -> bool {
        self.failure && !self.state.is_live() && self.again_at.is_none()
    }

    /// How often it was started again.
    pub fn restarts(&self) -> u32 {
        self.incarnation.0
    }
}

/// The ranks of a template, by rank.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TemplateFacts {
    /// Its ranks; those beyond [`replicas`](Self::replicas) were scaled away.
    pub ranks: Vec<Rank>,
    /// How many there are to be.
    pub replicas: u32,
    muted: bool,
}

/// A group.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupFacts {
    /// Where it stands.
    pub state: GroupState,
    /// Its templates, in the order of the session.
    pub templates: IndexMap<TemplateName, TemplateFacts>,
}

/// A host that answered.
#[derive(Debug, Clone, PartialEq)]
pub struct HostFacts {
    /// As it calls itself.
    pub hostname: String,
    /// Cpus that may be used there.
    pub cpus: u32,
    /// Bytes.
    pub memory: u64,
    /// Product names of its GPUs.
    pub gpus: Vec<String>,
    /// Why it is lost.
    pub lost: Option<String>,
    /// What it uses now.
    pub sample: Option<HostSample>,
    /// Its cpu use of late, in cores, oldest first.
    pub history: VecDeque<f32>,
}

/// Something that was said.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// Seconds of the run.
    pub at: f64,
    /// How much it matters.
    pub level: Level,
    /// About whom.
    pub process: Option<ProcessId>,
    /// What.
    pub text: String,
}

/// How many ranks are where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// All.
    pub total: u32,
    /// Starting, running, ready, stopping.
    pub live: u32,
    /// Ended well: returned 0.
    pub well: u32,
    /// Ended otherwise, because they were asked to.
    pub stopped: u32,
    /// Ended badly.
    pub failed: u32,
    /// Asked to end and not gone yet.
    pub stopping: u32,
    /// Waiting for something, or for their next start.
    pub waiting: u32,
    /// Being started.
    pub starting: u32,
    /// Of all: muted.
    pub muted: u32,
    /// Of all: with an alert nobody has seen.
    pub alerts: u32,
}

impl Count {
    fn add(&mut self, rank: &Rank) {
        self.total += 1;
        self.muted += u32::from(rank.muted);
        self.alerts += u32::from(rank.alert.is_some());
        match rank.state {
            ProcessState::Waiting | ProcessState::BackingOff => self.waiting += 1,
            ProcessState::Starting => {
                self.starting += 1;
                self.live += 1;
            }
            ProcessState::Stopping | ProcessState::Draining => {
                self.stopping += 1;
                self.live += 1;
            }
            state if state.is_live() => self.live += 1,
            ProcessState::Ended | ProcessState::Lost if rank.failure => self.failed += 1,
            ProcessState::Lost => self.failed += 1,
            ProcessState::Ended => match rank.status {
                Some(ExitStatus::Code(0)) => self.well += 1,
                Some(_) => self.stopped += 1,
                None => {}
            },
            _ => {}
        }
    }

    /// Whether anything is alive, or will be by itself.
    pub fn is_busy(&self) -> bool {
        self.live + self.waiting > 0
    }
}

/// What is known of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// Its id; empty until the engine answered.
    pub run: String,
    /// What the session is called.
    pub session: String,
    /// The engine's host and process id.
    pub engine: (String, u32),
    /// Its groups, in the order of the session.
    pub groups: IndexMap<GroupName, GroupFacts>,
    /// Its hosts.
    pub hosts: IndexMap<HostName, HostFacts>,
    /// What was said of late, oldest first.
    pub said: VecDeque<Said>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Who failed first.
    pub first_failure: Option<ProcessId>,
    /// Seconds of the run of the newest event.
    pub at: f64,
    sampled_at: f64,
}

/// Values of a host that are kept for its graph.
const HISTORY: usize = 240;

impl Facts {
    /// A run of this session of which nothing is known yet.
    pub fn of(session: &Session) -> Self {
        let groups = session.groups.iter().map(|(name, group)| {
            let templates = group.templates.iter().map(|(name, template)| {
                let muted = template.stdout == crate::model::template::Stdout::DevNull;
                let ranks = vec![Rank::new(muted); template.replicas as usize];
                let facts = TemplateFacts {
                    ranks,
                    replicas: template.replicas,
                    muted,
                };
                (name.clone(), facts)
            });
            let facts = GroupFacts {
                state: GroupState::Composed,
                templates: templates.collect(),
            };
            (name.clone(), facts)
        });
        Self {
            groups: groups.collect(),
            ..Self::default()
        }
    }

    /// A rank, if it is known.
    pub fn rank(&self, process: &ProcessId) -> Option<&Rank> {
        let group = self.groups.get(&process.group)?;
        let template = group.templates.get(&process.template)?;
        template.ranks.get(process.rank as usize)
    }

    fn rank_mut(&mut self, process: &ProcessId) -> Option<&mut Rank> {
        let group = self.groups.get_mut(&process.group)?;
        let template = group.templates.get_mut(&process.template)?;
        let index = process.rank as usize;
        // A rank that a scaling added is told of before or after the scaling itself.
        if index >= template.ranks.len() && index < crate::model::template::REPLICAS_MAX as usize {
            let new = Rank::new(template.muted);
            template.ranks.resize(index + 1, new);
        }
        template.ranks.get_mut(index)
    }

    /// Whether there is such a rank: it is wanted, or still ends.
    pub fn has(&self, process: &ProcessId) -> bool {
        let group = self.groups.get(&process.group);
        let template = group.and_then(|group| group.templates.get(&process.template));
        template.is_some_and(|template| {
            let rank = template.ranks.get(process.rank as usize);
            rank.is_some_and(|rank| process.rank < template.replicas || rank.state.is_live())
        })
    }

    /// Somebody looked at it.
    pub fn seen(&mut self, process: &ProcessId) {
        if let Some(rank) = self.rank_mut(process) {
            rank.alert = None;
        }
    }

    /// Every rank that is selected, in order.
    pub fn selected<'a>(
        &'a self,
        selector: Option<&'a Selector>,
    ) -> impl Iterator<Item = (ProcessId, &'a Rank)> {
        let groups = self.groups.iter();
        let groups = groups.filter(move |(name, _)| selector.is_none_or(|s| s.group == **name));
        groups.flat_map(move |(group, facts)| {
            let templates = facts.templates.iter().filter(move |(name, _)| {
                selector.is_none_or(|s| s.template.as_ref().is_none_or(|t| t == *name))
            });
            templates.flat_map(move |(template, facts)| {
                let ranks = (0..).zip(&facts.ranks).filter(move |&(rank, facts_of)| {
                    let there = rank < facts.replicas || facts_of.state.is_live();
                    there && selector.is_none_or(|s| s.rank.is_none_or(|r| r == rank))
                });
                ranks.map(move |(rank, facts)| {
                    let process = ProcessId {
                        group: group.clone(),
                        template: template.clone(),
                        rank,
                    };
                    (process, facts)
                })
            })
        })
    }

    /// How many of those selected are where; absent: of all.
    pub fn count(&self, selector: Option<&Selector>) -> Count {
        let mut count = Count::default();
        for (name, group) in &self.groups {
            if selector.is_some_and(|s| s.group != *name) {
                continue;
            }
            for (name, template) in &group.templates {
                if selector.is_some_and(|s| s.template.as_ref().is_some_and(|t| t != name)) {
                    continue;
                }
                for (rank, facts) in (0..).zip(&template.ranks) {
                    let there = rank < template.replicas || facts.state.is_live();
                    if there && selector.is_none_or(|s| s.rank.is_none_or(|r| r == rank)) {
                        count.add(facts);
                    }
                }
            }
        }
        count
    }

    /// Seconds of the run at which the last of its ranks that ended did so.
    pub fn last_end(&self) -> f64 {
        let ranks = self.selected(None);
        ranks.filter_map(|(_, rank)| rank.ended).fold(0.0, f64::max)
    }

    /// Whether anything of it may be alive.
    pub fn is_live(&self) -> bool {
        self.outcome.is_none() && !self.run.is_empty()
    }

    /// Takes in a fact. What it says that the user should hear at once is returned.
    pub fn apply(&mut self, stamped: &Stamped) -> Option<Said> {
        let at = stamped.at;
        self.at = self.at.max(at);
        match &stamped.event {
            Event::RunStarted {
                run,
                session,
                pid,
                host,
                ..
            } => {
                self.run.clone_from(run);
                self.session.clone_from(session);
                self.engine = (host.clone(), *pid);
            }
            Event::HostReady {
                host,
                hostname,
                cpus,
                memory,
                gpus,
            } => {
                let facts = HostFacts {
                    hostname: hostname.clone(),
                    cpus: *cpus,
                    memory: *memory,
                    gpus: gpus.clone(),
                    lost: None,
                    sample: None,
                    history: VecDeque::new(),
                };
                self.hosts.insert(host.clone(), facts);
            }
            Event::HostLost { host, reason } => {
                if let Some(facts) = self.hosts.get_mut(host) {
                    facts.lost = Some(reason.clone());
                }
                let text = format!("host {host} is lost: {reason}");
                return Some(self.say(at, Level::Error, None, text));
            }
            Event::GroupChanged { group, state } => {
                if let Some(facts) = self.groups.get_mut(group) {
                    facts.state = *state;
                }
            }
            Event::ProcessChanged {
                process,
                incarnation,
                state,
            } => {
                if let Some(rank) = self.rank_mut(process) {
                    if *incarnation > rank.incarnation {
                        rank.status = None;
                        rank.failure = false;
                    }
                    rank.incarnation = *incarnation;
                    rank.state = *state;
                    if !state.is_live() {
                        (rank.cpu, rank.memory, rank.rate) = (0.0, 0, 0.0);
                    }
                }
            }
            Event::ProcessStarted {
                process,
                incarnation,
                pid,
                host,
                cpus,
                gpus,
                channel,
            } => {
                if let Some(rank) = self.rank_mut(process) {
                    rank.incarnation = *incarnation;
                    rank.pid = *pid;
                    rank.host = Some(host.clone());
                    rank.cpus.clone_from(cpus);
                    rank.gpus.clone_from(gpus);
                    rank.channel = Some(*channel);
                    rank.began = Some(at);
                    rank.ended = None;
                    rank.again_at = None;
                    rank.status = None;
                    rank.failure = false;
                    rank.shown = 0;
                }
            }
            Event::ProcessEnded {
                process,
                status,
                failure,
                usage,
                restart_in,
                ..
            } => {
                let rank = self.rank_mut(process)?;
                rank.status = Some(status.clone());
                rank.failure = *failure;
                rank.usage = *usage;
                rank.ended = Some(at);
                rank.again_at = restart_in.map(|wait| at + wait);
                if *failure && self.first_failure.is_none() {
                    self.first_failure = Some(process.clone());
                }
                if *failure {
                    let text = format!("{process} failed: {status}");
                    return Some(self.say(at, Level::Error, Some(process.clone()), text));
                }
            }
            Event::MuteChanged {
                process,
                muted,
                discarded,
            } => {
                let rank = self.rank_mut(process)?;
                if rank.muted != *muted {
                    rank.muted_at = at;
                }
                rank.muted = *muted;
                rank.discarded = *discarded;
            }
            Event::Scaled { template, replicas } => {
                let group = self.groups.get_mut(&template.group)?;
                let facts = group.templates.get_mut(template.template.as_ref()?)?;
                facts.replicas = *replicas;
                if facts.ranks.len() < *replicas as usize {
                    let new = Rank::new(facts.muted);
                    facts.ranks.resize(*replicas as usize, new);
                }
            }
            Event::Alerted { process, text, .. } => {
                self.rank_mut(process)?.alert = Some(text.clone());
                let text = format!("{process}: {text}");
                return Some(self.say(at, Level::Warning, Some(process.clone()), text));
            }
            Event::Notice {
                level,
                process,
                text,
            } => return Some(self.say(at, *level, process.clone(), text.clone())),
            Event::Refused { reason } => {
                return Some(self.say(at, Level::Warning, None, reason.clone()));
            }
            Event::RunEnded {
                outcome,
                first_failure,
            } => {
                self.outcome = Some(*outcome);
                self.first_failure = first_failure.clone().or(self.first_failure.take());
            }
            Event::StepDone { .. } | Event::Explained { .. } | Event::QueueTotals { .. } => {}
        }
        None
    }

    fn say(&mut self, at: f64, level: Level, process: Option<ProcessId>, text: String) -> Said {
        let said = Said {
            at,
            level,
            process,
            text,
        };
        if self.said.len() >= NOTICES_MAX {
            self.said.pop_front();
        }
        self.said.push_back(said.clone());
        said
    }

    /// Takes in what everything uses now; `at` in seconds of the run.
    pub fn sample(&mut self, samples: &Samples, at: f64) {
        let since = at - self.sampled_at;
        self.sampled_at = at;
        for sample in &samples.hosts {
            if let Some(host) = self.hosts.get_mut(&sample.host) {
                host.history.push_back(sample.cpu);
                if host.history.len() > HISTORY {
                    host.history.pop_front();
                }
                host.sample = Some(sample.clone());
            }
        }
        for sample in &samples.processes {
            let Some(rank) = self.rank_mut(&sample.process) else {
                continue;
            };
            rank.cpu = sample.cpu;
            rank.memory = sample.memory;
            rank.discarded = sample.discarded;
            if since > 0.0 {
                rank.rate = sample.shown.saturating_sub(rank.shown) as f64 / since;
            }
            rank.shown = sample.shown;
        }
    }
}

#[cfg(test)]
mod tests;
