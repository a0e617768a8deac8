//! Which rank goes to which host, cpus and GPUs.
//!
//! Owns the inventory of hosts, the ledger of what is given out, and the rules of Dragon's policies. Pure:
//! no clock, no I/O; the same session and inventory give the same plan. Never starts anything. Start at
//! [`Ledger::place`].
//!
//! What differs from Dragon: counts (`cpus`, `gpus`) are given out exclusively and come back when the
//! process ends; a host may be named by any of its names; a host that does not exist is a [`Refusal`] that
//! names it and those there are, not the end of the runtime.

use std::{collections::BTreeMap, fmt};

use crate::model::{
    cpuset::CpuSet,
    ids::{GroupName, HostName, ProcessId, TemplateName},
    policy::{Distribution, Placement, Policy},
};

/// A host that ranks may be placed on, or that is only described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostFacts {
    /// As the session calls it.
    pub name: HostName,
    /// Its other names: those it calls itself, and aliases of the command line.
    pub aliases: Vec<HostName>,
    /// The cpus that may be used there, by index.
    pub cpus: CpuSet,
    /// The GPUs there, by index.
    pub gpus: CpuSet,
    /// Whether the session (or the command line) lists it; localhost is there even if not.
    pub listed: bool,
    /// Whether processes can be started there now; a declared host can only be planned for.
    pub reachable: bool,
}

impl HostFacts {
    /// Whether the host answers to this name; a short name stands for the full one.
    pub fn is_called(&self, name: &HostName) -> bool {
        let short = |name: &HostName| {
            name.as_str()
                .split('.')
                .next()
                .unwrap_or_default()
                .to_owned()
        };
        self.name == *name
            || self.aliases.contains(name)
            || (!name.as_str().contains('.')
                && self
                    .aliases
                    .iter()
                    .any(|alias| short(alias) == name.as_str()))
    }
}

/// The hosts of a run: the listed ones in their order, and localhost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// All hosts.
    pub hosts: Vec<HostFacts>,
}

/// The place of one rank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// Index of the host in [`Inventory::hosts`].
    pub host: usize,
    /// The cpus it is bound to; empty: all of the host.
    pub cpus: CpuSet,
    /// The GPUs it sees; `None`: nothing was said about GPUs.
    pub gpus: Option<CpuSet>,
}

/// Why a rank cannot be placed: what was asked, what there is, and who holds it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Refusal {
    /// The first rank that found no place.
    pub process: ProcessId,
    /// What was asked.
    pub asked: String,
    /// What there is.
    pub available: String,
    /// Who holds what is missing; empty: nobody, there is no more.
    pub held: Vec<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} cannot be placed: asked for {}; {}",
            self.process, self.asked, self.available
        )?;
        if !self.held.is_empty() {
            let shown = self
                .held
                .iter()
                .take(8)
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(", ");
            write!(f, "; held by {shown}")?;
            if self.held.len() > 8 {
                write!(f, " and {} more", self.held.len() - 8)?;
            }
        }
        Ok(())
    }
}

/// What is given out on one host.
#[derive(Debug, Clone, Default)]
struct Desk {
    cpus: BTreeMap<u32, ProcessId>,
    gpus: BTreeMap<u32, ProcessId>,
    /// How much of the host `Block` counts as used, in cpus.
    filled: u64,
}

/// What is given out on all hosts, and where the round robin stands.
#[derive(Debug, Clone)]
pub struct Ledger {
    inventory: Inventory,
    desks: Vec<Desk>,
    /// Where the next round-robin rank goes; kept for the life of the run, as Dragon does.
    cursor: usize,
}

impl Ledger {
    /// A ledger with nothing given out.
    pub fn new(inventory: Inventory) -> Self {
        let desks = vec![Desk::default(); inventory.hosts.len()];
        Self {
            inventory,
            desks,
            cursor: 0,
        }
    }

    /// The hosts.
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// Places ranks `first..last` of a template under a merged policy. Either all of them get a seat, in the
    /// order of their ranks, or none does.
    ///
    /// # Errors
    /// A [`Refusal`] for the first rank that finds no place.
    pub fn place(
        &mut self,
        group: &GroupName,
        template: &TemplateName,
        ranks: std::ops::Range<u32>,
        policy: &Policy,
    ) -> Result<Vec<Seat>, Refusal> {
        let id = |rank| ProcessId {
            group: group.clone(),
            template: template.clone(),
            rank,
        };
        let hosts = self.candidates(policy, &id(ranks.start))?;
        let mut seats = Vec::with_capacity(ranks.len());
        let before = self.cursor;
        for rank in ranks.clone() {
            match self.seat(&hosts, policy, &id(rank)) {
                Ok(seat) => seats.push(seat),
                Err(refusal) => {
                    for rank in ranks.start..rank {
                        if let Some(seat) = seats.get((rank - ranks.start) as usize) {
                            self.release(&id(rank), seat);
                        }
                    }
                    self.cursor = before;
                    return Err(refusal);
                }
            }
        }
        Ok(seats)
    }

    /// Takes back what a rank held.
    pub fn release(&mut self, process: &ProcessId, seat: &Seat) {
        if let Some(desk) = self.desks.get_mut(seat.host) {
            let cpus = desk.cpus.len();
            for cpu in seat.cpus.iter() {
                if desk.cpus.get(&cpu) == Some(process) {
                    desk.cpus.remove(&cpu);
                }
            }
            let freed = (cpus - desk.cpus.len()).max(1) as u64;
            desk.filled = desk.filled.saturating_sub(freed);
            desk.gpus.retain(|_, holder| holder != process);
        }
    }

    fn names(&self) -> String {
        let names: Vec<_> = self
            .inventory
            .hosts
            .iter()
            .take(16)
            .map(|host| host.name.to_string())
            .collect();
        let more = self.inventory.hosts.len().saturating_sub(names.len());
        match more {
            0 => names.join(", "),
            more => format!("{} and {more} more", names.join(", ")),
        }
    }

    /// The hosts that the policy's placement allows, by index.
    fn candidates(&self, policy: &Policy, process: &ProcessId) -> Result<Vec<usize>, Refusal> {
        let refuse = |asked: String, available: String| {
            Err(Refusal {
                process: process.clone(),
                asked,
                available,
                held: Vec::new(),
            })
        };
        let hosts = &self.inventory.hosts;
        let listed = || hosts.iter().enumerate().filter(|(_, host)| host.listed);
        let found: Vec<usize> = match policy.placement.as_ref().unwrap_or(&Placement::Anywhere) {
            Placement::Local => hosts
                .iter()
                .position(|host| host.name.is_localhost())
                .into_iter()
                .collect(),
            Placement::Anywhere => {
                let listed: Vec<_> = listed().map(|(index, _)| index).collect();
                if listed.is_empty() {
                    (0..hosts.len()).collect()
                } else {
                    listed
                }
            }
            Placement::HostName(name) => match hosts.iter().position(|host| host.is_called(name)) {
                Some(index) => vec![index],
                None => {
                    return refuse(
                        format!("host {name}"),
                        format!(
                            "there is no such host, there is {} (--host-alias {name}=HOST lets one stand in)",
                            self.names()
                        ),
                    );
                }
            },
            Placement::HostId(id) => {
                let all: Vec<_> = listed().map(|(index, _)| index).collect();
                let all = if all.is_empty() {
                    (0..hosts.len()).collect()
                } else {
                    all
                };
                match all.get(*id as usize) {
                    Some(index) => vec![*index],
                    None => {
                        return refuse(
                            format!("the host with index {id}"),
                            format!(
                                "there are {}, the first has index 0: {}",
                                all.len(),
                                self.names()
                            ),
                        );
                    }
                }
            }
        };
        if found.is_empty() {
            return refuse("a host".to_owned(), "there is none".to_owned());
        }
        Ok(found)
    }

    /// The cpus of a host that a rank under this policy may use; with a count, only those nobody holds.
    fn free_cpus(&self, host: usize, policy: &Policy) -> Vec<u32> {
        let facts = &self.inventory.hosts[host];
        facts
            .cpus
            .iter()
            .filter(|cpu| {
                policy
                    .cpu_affinity
                    .as_ref()
                    .is_none_or(|set| set.contains(*cpu))
            })
            .filter(|cpu| policy.cpus.is_none() || !self.desks[host].cpus.contains_key(cpu))
            .collect()
    }

    fn free_gpus(&self, host: usize, policy: &Policy) -> Vec<u32> {
        let facts = &self.inventory.hosts[host];
        facts
            .gpus
            .iter()
            .filter(|gpu| {
                policy
                    .gpu_affinity
                    .as_ref()
                    .is_none_or(|set| set.contains(*gpu))
            })
            .filter(|gpu| policy.gpus.is_none() || !self.desks[host].gpus.contains_key(gpu))
            .collect()
    }

    fn fits(&self, host: usize, policy: &Policy) -> bool {
        let cpus = match (policy.cpus, &policy.cpu_affinity) {
            (Some(count), _) => self.free_cpus(host, policy).len() >= count as usize,
            (None, Some(_)) => !self.free_cpus(host, policy).is_empty(),
            (None, None) => true,
        };
        let gpus = match (policy.gpus, &policy.gpu_affinity) {
            (Some(count), _) => self.free_gpus(host, policy).len() >= count as usize,
            (None, Some(set)) => self.free_gpus(host, policy).len() == set.len(),
            (None, None) => true,
        };
        cpus && gpus
    }

    fn seat(
        &mut self,
        hosts: &[usize],
        policy: &Policy,
        process: &ProcessId,
    ) -> Result<Seat, Refusal> {
        let host = match policy.distribution.unwrap_or(Distribution::RoundRobin) {
            Distribution::RoundRobin => self.next_in_turn(hosts, policy),
            Distribution::Block => hosts
                .iter()
                .copied()
                .find(|host| {
                    let cpus = self.inventory.hosts[*host].cpus.len() as u64;
                    self.desks[*host].filled < cpus && self.fits(*host, policy)
                })
                // All are full: as Dragon, go on in turn.
                .or_else(|| self.next_in_turn(hosts, policy)),
        };
        let Some(host) = host else {
            return Err(self.refusal(hosts, policy, process));
        };
        let take = |free: Vec<u32>, count: Option<u32>| match count {
            Some(count) => free.into_iter().take(count as usize).collect::<CpuSet>(),
            None => free.into_iter().collect(),
        };
        let cpus = match (policy.cpus, &policy.cpu_affinity) {
            (None, None) => CpuSet::default(),
            _ => take(self.free_cpus(host, policy), policy.cpus),
        };
        let gpus = match (policy.gpus, &policy.gpu_affinity) {
            (None, None) => None,
            _ => Some(take(self.free_gpus(host, policy), policy.gpus)),
        };
        let desk = &mut self.desks[host];
        if policy.cpus.is_some() {
            desk.cpus
                .extend(cpus.iter().map(|cpu| (cpu, process.clone())));
        }
        if policy.gpus.is_some() {
            desk.gpus.extend(
                gpus.iter()
                    .flat_map(CpuSet::iter)
                    .map(|gpu| (gpu, process.clone())),
            );
        }
        desk.filled += u64::from(policy.cpus.unwrap_or(1).max(1));
        Ok(Seat { host, cpus, gpus })
    }

    /// The next host in turn on which the rank fits.
    fn next_in_turn(&mut self, hosts: &[usize], policy: &Policy) -> Option<usize> {
        for step in 0..hosts.len() {
            let host = hosts[(self.cursor + step) % hosts.len()];
            if self.fits(host, policy) {
                self.cursor = (self.cursor + step + 1) % hosts.len().max(1);
                return Some(host);
            }
        }
        None
    }

    fn refusal(&self, hosts: &[usize], policy: &Policy, process: &ProcessId) -> Refusal {
        let plural = |count: usize, what: &str| {
            format!("{count} {what}{}", if count == 1 { "" } else { "s" })
        };
        let mut asked = Vec::new();
        match (policy.cpus, &policy.cpu_affinity) {
            (Some(count), Some(set)) => {
                asked.push(format!("{} of {set}", plural(count as usize, "cpu")))
            }
            (Some(count), None) => asked.push(plural(count as usize, "cpu")),
            (None, Some(set)) => asked.push(format!("cpus {set}")),
            (None, None) => {}
        }
        match (policy.gpus, &policy.gpu_affinity) {
            (Some(count), Some(set)) => {
                asked.push(format!("{} of {set}", plural(count as usize, "GPU")))
            }
            (Some(count), None) => asked.push(plural(count as usize, "GPU")),
            (None, Some(set)) => asked.push(format!("GPUs {set}")),
            (None, None) => {}
        }
        let mut available = Vec::new();
        let mut held: BTreeMap<ProcessId, Vec<String>> = BTreeMap::new();
        for host in hosts.iter().take(8) {
            let facts = &self.inventory.hosts[*host];
            let desk = &self.desks[*host];
            let mut parts = Vec::new();
            if policy.cpus.is_some() || policy.cpu_affinity.is_some() {
                let free = facts.cpus.len() - desk.cpus.len();
                parts.push(format!(
                    "{free} of {} free",
                    plural(facts.cpus.len(), "cpu")
                ));
                for (cpu, holder) in &desk.cpus {
                    held.entry(holder.clone())
                        .or_default()
                        .push(format!("cpu {cpu}"));
                }
            }
            if policy.gpus.is_some() || policy.gpu_affinity.is_some() {
                let free = facts.gpus.len() - desk.gpus.len();
                parts.push(format!(
                    "{free} of {} free",
                    plural(facts.gpus.len(), "GPU")
                ));
                for (gpu, holder) in &desk.gpus {
                    held.entry(holder.clone())
                        .or_default()
                        .push(format!("GPU {gpu}"));
                }
            }
            available.push(format!("{} has {}", facts.name, parts.join(" and ")));
        }
        if hosts.len() > 8 {
            available.push(format!("and {} more hosts", hosts.len() - 8));
        }
        Refusal {
            process: process.clone(),
            asked: asked.join(" and "),
            available: available.join(", "),
            held: held
                .into_iter()
                .map(|(holder, what)| format!("{holder} ({})", what.join(", ")))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests;
