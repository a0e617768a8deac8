//! What is known of a run: a fold over its events and samples.
//!
//! Owns [`Facts`], for a run that goes on and for one that is past alike. Never asks anybody for anything and has no clock:
//! times are those of the events. Start at [`Facts::apply`].

mod count;
mod rank;

use std::collections::VecDeque;

use indexmap::IndexMap;

pub use self::{count::Count, rank::Rank};
use crate::model::{
    document::Session,
    event::{Event, HostSample, Level, Outcome, Samples, Stamped},
    ids::{GroupName, HostName, ProcessId, Selector, TemplateName},
    lifecycle::GroupState,
};

/// Notices that are kept; older ones are in the record.
const NOTICES_MAX: usize = 1_000;

/// The ranks of a template, by rank.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TemplateFacts {
    /// Its ranks; those beyond [`replicas`](Self::replicas) were scaled away.
    pub ranks: Vec<Rank>,
    /// How many there are to be.
    pub replicas: u32,
    muted: bool,
    /// How many of those that are [there](Self::is_there) are where.
    count: Count,
}

impl TemplateFacts {
    fn new(replicas: u32, muted: bool) -> Self {
        let mut facts = Self {
            ranks: vec![Rank::new(muted); replicas as usize],
            replicas,
            muted,
            count: Count::default(),
        };
        facts.count_anew();
        facts
    }

    /// Whether a rank is one of its own: it is wanted, or it was and still lives.
    fn is_there(&self, rank: u32) -> bool {
        rank < self.replicas
            || self
                .ranks
                .get(rank as usize)
                .is_some_and(|rank| rank.state.is_live())
    }

    /// Those that are there although they are not wanted any more, from the lowest.
    fn beyond(&self) -> impl Iterator<Item = u32> {
        (self.replicas..self.ranks.len() as u32).filter(|rank| self.is_there(*rank))
    }

    fn count_anew(&mut self) {
        let mut count = Count::default();
        for (rank, facts) in (0..).zip(&self.ranks) {
            if self.is_there(rank) {
                count.add(&Count::of(facts));
            }
        }
        self.count = count;
    }

    /// How many of its ranks come before this one; none: it is not there.
    pub fn position(&self, rank: u32) -> Option<usize> {
        if rank < self.replicas {
            return Some(rank as usize);
        }
        let beyond = self.beyond().position(|other| other == rank)?;
        Some(self.replicas as usize + beyond)
    }

    /// The rank that so many others come before.
    pub fn at(&self, position: usize) -> Option<u32> {
        match position.checked_sub(self.replicas as usize) {
            None => u32::try_from(position).ok(),
            Some(beyond) => self.beyond().nth(beyond),
        }
    }

    /// The positions of those that are selected.
    fn places(&self, selector: Option<&Selector>) -> std::ops::Range<usize> {
        match selector.and_then(|selector| selector.rank) {
            None => 0..self.number(),
            Some(rank) => self.position(rank).map_or(0..0, |at| at..at + 1),
        }
    }

    /// How many of its ranks are there.
    pub fn number(&self) -> usize {
        self.count.total as usize
    }

    /// Changes a rank; a rank that a scaling added is told of before or after the scaling itself.
    fn change(&mut self, rank: u32, how: impl FnOnce(&mut Rank)) {
        let index = rank as usize;
        if index >= self.ranks.len() {
            if index >= crate::model::template::REPLICAS_MAX as usize {
                return;
            }
            self.ranks.resize(index + 1, Rank::new(self.muted));
        }
        if self.is_there(rank) {
            self.count.take(&Count::of(&self.ranks[index]));
        }
        how(&mut self.ranks[index]);
        if self.is_there(rank) {
            self.count.add(&Count::of(&self.ranks[index]));
        }
    }
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
    /// Grows with every change of a rank or a host.
    pub version: u64,
    sampled_at: f64,
    last_end: f64,
}

/// Values of a host that are kept for its graph.
const HISTORY: usize = 240;

impl Facts {
    /// A run of this session of which nothing is known yet.
    pub fn of(session: &Session) -> Self {
        let groups = session.groups.iter().map(|(name, group)| {
            let templates = group.templates.iter().map(|(name, template)| {
                let muted = template.stdout == crate::model::template::Stdout::DevNull;
                (name.clone(), TemplateFacts::new(template.replicas, muted))
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

    fn template_mut(&mut self, process: &ProcessId) -> Option<&mut TemplateFacts> {
        let group = self.groups.get_mut(&process.group)?;
        group.templates.get_mut(&process.template)
    }

    /// Changes what is known of a rank, and with it how many are where.
    fn change(&mut self, process: &ProcessId, how: impl FnOnce(&mut Rank)) {
        if let Some(template) = self.template_mut(process) {
            template.change(process.rank, how);
            self.version += 1;
        }
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
        if self.rank(process).is_some_and(|rank| rank.alert.is_some()) {
            self.change(process, |rank| rank.alert = None);
        }
    }

    /// Every rank that is selected, in order.
    pub fn selected<'a>(
        &'a self,
        selector: Option<&'a Selector>,
    ) -> impl Iterator<Item = (ProcessId, &'a Rank)> {
        let rank = selector.and_then(|selector| selector.rank);
        self.templates(selector)
            .flat_map(move |(group, name, template)| {
                let ranks = match rank {
                    Some(rank) => rank..rank.saturating_add(1),
                    None => 0..template.ranks.len() as u32,
                };
                ranks.filter_map(move |rank| {
                    let facts = template.ranks.get(rank as usize)?;
                    let process = ProcessId {
                        group: group.clone(),
                        template: name.clone(),
                        rank,
                    };
                    template.is_there(rank).then_some((process, facts))
                })
            })
    }

    /// The templates that a selector names, or has ranks of.
    fn templates<'a>(
        &'a self,
        selector: Option<&'a Selector>,
    ) -> impl Iterator<Item = (&'a GroupName, &'a TemplateName, &'a TemplateFacts)> {
        let groups = self.groups.iter();
        let groups = groups.filter(move |(name, _)| selector.is_none_or(|s| s.group == **name));
        groups.flat_map(move |(group, facts)| {
            let templates = facts.templates.iter().filter(move |(name, _)| {
                selector.is_none_or(|s| s.template.as_ref().is_none_or(|t| t == *name))
            });
            templates.map(move |(name, facts)| (group, name, facts))
        })
    }

    /// How many of those selected are where; absent: of all.
    pub fn count(&self, selector: Option<&Selector>) -> Count {
        let mut count = Count::default();
        let rank = selector.and_then(|selector| selector.rank);
        for (_, _, template) in self.templates(selector) {
            match rank {
                None => count.add(&template.count),
                Some(rank) if template.is_there(rank) => {
                    if let Some(rank) = template.ranks.get(rank as usize) {
                        count.add(&Count::of(rank));
                    }
                }
                Some(_) => {}
            }
        }
        count
    }

    /// How many of the selected come before this one, which need not be of them.
    pub fn position(&self, selector: Option<&Selector>, process: &ProcessId) -> Option<usize> {
        let mut before = 0;
        for (group, name, template) in self.templates(selector) {
            if *group == process.group && *name == process.template {
                let places = template.places(selector);
                let at = template.position(process.rank)?;
                return places.contains(&at).then(|| before + at - places.start);
            }
            before += template.places(selector).len();
        }
        None
    }

    /// So many of the selected, from this position on.
    pub fn page(&self, selector: Option<&Selector>, from: usize, many: usize) -> Vec<ProcessId> {
        let mut page = Vec::new();
        let mut skip = from;
        for (group, name, template) in self.templates(selector) {
            let mut places = template.places(selector);
            let here = places.len();
            places.start += skip.min(here);
            skip -= skip.min(here);
            let ranks = places.filter_map(|position| template.at(position));
            page.extend(ranks.take(many - page.len()).map(|rank| ProcessId {
                group: group.clone(),
                template: name.clone(),
                rank,
            }));
            if page.len() >= many {
                break;
            }
        }
        page
    }

    /// Seconds of the run at which the last of its ranks that ended did so.
    pub fn last_end(&self) -> f64 {
        self.last_end
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
                self.version += 1;
            }
            Event::HostLost { host, reason } => {
                self.version += 1;
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
                self.change(process, |rank| {
                    if *incarnation > rank.incarnation {
                        rank.status = None;
                        rank.failure = false;
                    }
                    rank.incarnation = *incarnation;
                    rank.state = *state;
                    if !state.is_live() {
                        (rank.cpu, rank.memory, rank.rate) = (0.0, 0, 0.0);
                    }
                });
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
                self.change(process, |rank| {
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
                });
            }
            Event::ProcessEnded {
                process,
                incarnation,
                status,
                failure,
                usage,
                restart_in,
            } => {
                self.rank(process)?;
                self.last_end = self.last_end.max(at);
                self.change(process, |rank| {
                    rank.incarnation = rank.incarnation.max(*incarnation);
                    rank.status = Some(status.clone());
                    rank.failure = *failure;
                    rank.usage = *usage;
                    rank.ended = Some(at);
                    rank.again_at = restart_in.map(|wait| at + wait);
                });
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
                self.change(process, |rank| {
                    if rank.muted != *muted {
                        rank.muted_at = at;
                    }
                    rank.muted = *muted;
                    rank.discarded = *discarded;
                });
            }
            Event::Scaled { template, replicas } => {
                let group = self.groups.get_mut(&template.group)?;
                let facts = group.templates.get_mut(template.template.as_ref()?)?;
                self.version += 1;
                facts.replicas = *replicas;
                if facts.ranks.len() < *replicas as usize {
                    let new = Rank::new(facts.muted);
                    facts.ranks.resize(*replicas as usize, new);
                }
                facts.count_anew();
            }
            Event::Alerted { process, text, .. } => {
                self.change(process, |rank| rank.alert = Some(text.clone()));
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
        self.version += 1;
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
            // Nothing of it is counted.
            let template = self.template_mut(&sample.process);
            let rank = template.and_then(|it| it.ranks.get_mut(sample.process.rank as usize));
            let Some(rank) = rank else { continue };
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
