//! All hosts, and which ranks are where, template by template.
//!
//! Owns the sums, so that a frame draws rows and counts no ranks: they are made when something has changed, see
//! [`Board::is_of`]. Pure. Start at [`Board::of_run`].

use std::collections::BTreeSet;

use crate::{
    engine::door::preview::Plan,
    model::{
        document::Session,
        host::HostSpec,
        ids::{GroupName, HostName, Selector, TemplateName},
        lifecycle::ProcessState,
    },
    tui::{
        facts::{Facts, Rank},
        run,
    },
};

/// How it stands with a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It answers, and ranks are alive there.
    Used,
    /// It answers, and nothing runs there.
    Idle,
    /// It does not answer any more, and why.
    Lost(String),
    /// Nothing can be started there, and why.
    OutOfReach(&'static str),
    /// Nothing was started yet: so many ranks would go there.
    Planned(u64),
}

/// The ranks of one template on one host.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranks {
    /// The group.
    pub group: GroupName,
    /// The template.
    pub template: TemplateName,
    /// Those that live: the first and the last of each run of them. Where none does, those that were here.
    pub ranges: Vec<(u32, u32)>,
    /// Whether all ranks of the template are here.
    pub is_all: bool,
    /// How many live, how many ended well or were stopped, how many failed or were lost.
    pub live: u32,
    /// See `live`.
    pub ended: u32,
    /// See `live`.
    pub failed: u32,
    /// Cores.
    pub cpu: f32,
    /// Resident bytes.
    pub memory: u64,
    /// The GPUs that they see.
    pub gpus: BTreeSet<u32>,
    gone: Vec<(u32, u32)>,
}

/// One host.
#[derive(Debug, Clone, PartialEq)]
pub struct Host {
    /// As the session calls it.
    pub name: String,
    /// As it calls itself, where that is another name.
    pub hostname: String,
    /// How it stands.
    pub standing: Standing,
    /// Cpus that may be used.
    pub cpus: u32,
    /// Bytes; 0: not known.
    pub memory: u64,
    /// How many GPUs.
    pub gpus: usize,
    /// Whether all ranks of the run are here.
    pub is_all: bool,
    /// Who is there, in the order of the session.
    pub ranks: Vec<Ranks>,
}

impl Host {
    /// How many ranks live there.
    pub fn live(&self) -> u32 {
        self.ranks.iter().map(|ranks| ranks.live).sum()
    }

    /// How many ranks were there and do not live any more.
    pub fn over(&self) -> u32 {
        let over = self.ranks.iter().map(|ranks| ranks.ended + ranks.failed);
        over.sum()
    }
}

/// All hosts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Board {
    /// In the order of the session, this machine first where it says nothing.
    pub hosts: Vec<Host>,
    /// What it was made of.
    of: Option<Of>,
}

#[derive(Debug, Clone, PartialEq)]
struct Of {
    run: String,
    version: u64,
    is_past: bool,
}

impl Of {
    fn run(run: &run::State) -> Self {
        Self {
            run: run.facts.run.clone(),
            version: run.facts.version,
            is_past: run.past.is_some(),
        }
    }
}

const DESCRIBED: &str = "it is only described in the session (Declared): ranks can be planned for it, and nothing can be \
                         started there";
const NOT_YET: &str = "this version starts processes on this machine only";

impl Board {
    /// Whether it is what would be made of this run.
    pub fn is_of(&self, run: &run::State) -> bool {
        self.of.as_ref().is_some_and(|of| {
            of.version == run.facts.version
                && of.is_past == run.past.is_some()
                && of.run == run.facts.run
        })
    }

    /// The hosts of a run.
    pub fn of_run(run: &run::State, aliases: &[(HostName, HostName)]) -> Self {
        let facts = &run.facts;
        let mut hosts: Vec<Host> = facts
            .hosts
            .iter()
            .map(|(name, host)| Host {
                name: name.to_string(),
                hostname: match name.as_str() == host.hostname {
                    true => String::new(),
                    false => host.hostname.clone(),
                },
                standing: match &host.lost {
                    Some(reason) => Standing::Lost(reason.clone()),
                    None => Standing::Idle,
                },
                cpus: host.cpus,
                memory: host.memory,
                gpus: host.gpus.len(),
                is_all: false,
                ranks: Vec::new(),
            })
            .collect();
        place(facts, &mut hosts);
        for host in &mut hosts {
            if host.standing == Standing::Idle && host.live() > 0 {
                host.standing = Standing::Used;
            }
        }
        add_described(&run.session, aliases, &mut hosts);
        Self {
            hosts,
            of: Some(Of::run(run)),
        }
    }

    /// The hosts of a session that was not started, as it is planned.
    pub fn of_plan(plan: &Plan, session: &Session) -> Self {
        let mut hosts: Vec<Host> = plan
            .hosts
            .iter()
            .map(|host| Host {
                name: host.name.to_string(),
                hostname: String::new(),
                standing: match host.reachable {
                    true => Standing::Planned(host.ranks),
                    false => Standing::OutOfReach(DESCRIBED),
                },
                cpus: host.cpus as u32,
                memory: 0,
                gpus: host.gpus,
                is_all: false,
                ranks: planned(host),
            })
            .collect();
        add_described(session, &[], &mut hosts);
        Self { hosts, of: None }
    }
}

/// The rows of a plan: the same template once, whatever each rank gets.
fn planned(host: &crate::engine::door::preview::PlannedHost) -> Vec<Ranks> {
    let mut all: Vec<Ranks> = Vec::new();
    for row in &host.rows {
        let gpus = row.gpus.iter().flat_map(|gpus| gpus.iter());
        match all.last_mut() {
            Some(last) if last.group == row.group && last.template == row.template => {
                for (first, end) in &row.ranks {
                    extend(&mut last.ranges, *first, *end);
                }
                last.gpus.extend(gpus);
            }
            _ => all.push(Ranks {
                ranges: row.ranks.clone(),
                gpus: gpus.collect(),
                ..Ranks::new(row.group.clone(), row.template.clone())
            }),
        }
    }
    all
}

impl Ranks {
    fn new(group: GroupName, template: TemplateName) -> Self {
        Self {
            group,
            template,
            ranges: Vec::new(),
            is_all: false,
            live: 0,
            ended: 0,
            failed: 0,
            cpu: 0.0,
            memory: 0,
            gpus: BTreeSet::new(),
            gone: Vec::new(),
        }
    }

    fn add(&mut self, number: u32, rank: &Rank) {
        if rank.state.is_live() {
            self.live += 1;
            self.cpu += rank.cpu;
            self.memory += rank.memory;
            self.gpus
                .extend(rank.gpus.iter().flat_map(|gpus| gpus.iter()));
            extend(&mut self.ranges, number, number);
            return;
        }
        match rank.failure || rank.state == ProcessState::Lost {
            true => self.failed += 1,
            false => self.ended += 1,
        }
        extend(&mut self.gone, number, number);
    }

    /// Which ranks, in a few characters: `0-2, 5`.
    pub fn numbers(&self) -> String {
        let range = |(first, last): &(u32, u32)| match first == last {
            true => first.to_string(),
            false => format!("{first}-{last}"),
        };
        let ranges: Vec<String> = self.ranges.iter().take(8).map(range).collect();
        let more = if self.ranges.len() > 8 { ", ..." } else { "" };
        ranges.join(", ") + more
    }

    /// What stands for them in the tree of the run: the template where all of it is here, else the first of them.
    pub fn selector(&self) -> Selector {
        let first = self.ranges.first().map(|(first, _)| *first);
        Selector {
            group: self.group.clone(),
            template: Some(self.template.clone()),
            rank: first.filter(|_| !self.is_all),
        }
    }
}

/// A rank more; neighbours become one range.
fn extend(ranges: &mut Vec<(u32, u32)>, first: u32, last: u32) {
    match ranges.last_mut() {
        Some(before) if before.1.checked_add(1) == Some(first) => before.1 = last,
        _ => ranges.push((first, last)),
    }
}

/// Puts every rank to its host.
fn place(facts: &Facts, hosts: &mut [Host]) {
    let names: Vec<&HostName> = facts.hosts.keys().collect();
    let mut elsewhere = vec![false; hosts.len()];
    for (group, in_group) in &facts.groups {
        for (template, of_template) in &in_group.templates {
            // Few hosts, many ranks, and neighbours are on one host most of the time.
            let mut rows: Vec<Option<Ranks>> = vec![None; hosts.len()];
            let mut last = 0;
            let mut placed = 0;
            for (number, rank) in (0..).zip(&of_template.ranks) {
                let is_there = number < of_template.replicas || rank.state.is_live();
                let Some(host) = rank.host.as_ref().filter(|_| is_there) else {
                    continue;
                };
                if names.get(last) != Some(&host) {
                    match names.iter().position(|name| *name == host) {
                        Some(at) => last = at,
                        None => continue,
                    }
                }
                placed += 1;
                if let Some(row) = rows.get_mut(last) {
                    let row =
                        row.get_or_insert_with(|| Ranks::new(group.clone(), template.clone()));
                    row.add(number, rank);
                }
            }
            for (at, row) in rows.into_iter().enumerate() {
                let Some(mut row) = row else {
                    if let (Some(place), true) = (elsewhere.get_mut(at), placed > 0) {
                        *place = true;
                    }
                    continue;
                };
                row.is_all = row.live + row.ended + row.failed == placed;
                if let (Some(place), false) = (elsewhere.get_mut(at), row.is_all) {
                    *place = true;
                }
                if row.ranges.is_empty() {
                    row.ranges = std::mem::take(&mut row.gone);
                }
                if let Some(host) = hosts.get_mut(at) {
                    host.ranks.push(row);
                }
            }
        }
    }
    for (host, elsewhere) in hosts.iter_mut().zip(elsewhere) {
        host.is_all = !elsewhere;
    }
}

/// Hosts that the session lists and that are not there.
fn add_described(session: &Session, aliases: &[(HostName, HostName)], hosts: &mut Vec<Host>) {
    for spec in &session.hosts {
        let (name, cpus, gpus, why) = match spec {
            HostSpec::Declared(host) => (&host.name, host.cpus, host.gpus, DESCRIBED),
            HostSpec::Ssh(text) | HostSpec::Slurm(text) => (&HostName::new(text), 0, 0, NOT_YET),
        };
        let alias = aliases.iter().find(|(alias, _)| alias == name);
        let name = alias.map_or(name, |(_, host)| host);
        let is_known = |host: &Host| host.name == name.as_str() || host.hostname == name.as_str();
        if hosts.iter().any(is_known) {
            continue;
        }
        hosts.push(Host {
            name: name.to_string(),
            hostname: String::new(),
            standing: Standing::OutOfReach(why),
            cpus,
            memory: 0,
            gpus: gpus as usize,
            is_all: false,
            ranks: Vec::new(),
        });
    }
}
