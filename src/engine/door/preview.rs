//! Where everything would go, while a session is still being composed.
//!
//! Owns [`Plan`]. Places on paper exactly as a start would, starts nothing and asks no host but this one. Start at [`plan`].

use std::collections::BTreeMap;

use crate::{
    agent::wire::Welcome,
    engine::{
        hosts,
        placement::Seat,
        preflight::{self, Trial},
    },
    model::{
        cpuset::CpuSet,
        document::Session,
        host::HostSpec,
        ids::{GroupName, HostName, TemplateName},
        session::Problem,
    },
};

/// Rows of a host that are kept; nobody reads more.
const ROWS_MAX: usize = 1_000;

/// Templates of more ranks than this, all together, are not placed on paper while they are edited.
pub const RANKS_MAX: u64 = 200_000;

/// Where everything would go.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// The hosts, in the order in which ranks are dealt.
    pub hosts: Vec<PlannedHost>,
    /// What cannot be placed, by the path of the policy that asks for it.
    pub refusals: Vec<Problem>,
    /// What else keeps the session from being run, as far as it can be known without a host.
    pub problems: Vec<Problem>,
    /// It has too many ranks to be tried while it is edited.
    pub too_large: bool,
}

/// A host and what would run there.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedHost {
    /// As the session calls it.
    pub name: HostName,
    /// How many cpus it has.
    pub cpus: usize,
    /// How many GPUs it has.
    pub gpus: usize,
    /// Whether a process can be started there now; one that is only described can be planned for.
    pub reachable: bool,
    /// How many ranks it gets.
    pub ranks: u64,
    /// The ranks, template after template.
    pub rows: Vec<PlannedRanks>,
    /// GPUs that no rank has for itself.
    pub free_gpus: usize,
}

/// Ranks of one template that get the same.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedRanks {
    /// The group.
    pub group: GroupName,
    /// The template.
    pub template: TemplateName,
    /// Which ranks: first and last of each run of them.
    pub ranks: Vec<(u32, u32)>,
    /// The cpus they are bound to; empty: all of the host.
    pub cpus: CpuSet,
    /// The GPUs they see; `None`: nothing was said about GPUs.
    pub gpus: Option<CpuSet>,
}

/// Whether a session says anything about GPUs, so that it matters which there are here.
pub fn wants_gpus(session: &Session) -> bool {
    let here = !session
        .hosts
        .iter()
        .any(|host| matches!(host, HostSpec::Declared(host) if host.gpus > 0));
    session.groups.iter().any(|(name, group)| {
        group.templates.keys().any(|template| {
            let policy = session.policy_of(name, template);
            policy.gpus.is_some_and(|count| count > 0) || (policy.gpu_affinity.is_some() && here)
        })
    })
}

/// Places a session on paper. `this_host` is what this machine says of itself.
pub fn plan(session: &Session, aliases: &hosts::HostAliases, this_host: &Welcome) -> Plan {
    let mut inventory = hosts::inventory(session, aliases, this_host);
    let reachable: Vec<bool> = inventory.hosts.iter().map(|host| host.reachable).collect();
    for host in &mut inventory.hosts {
        host.reachable = true;
    }
    let mut problems = preflight::without_hosts(session);
    problems.extend(preflight::unsupported(session));
    problems.extend(hosts::unknown_aliases(aliases, &inventory));
    let too_large = session.process_count() > RANKS_MAX;
    let Trial { seats, refusals } = match too_large {
        true => Trial::default(),
        false => preflight::trial_in_part(session, &inventory),
    };
    let mut hosts: Vec<PlannedHost> = inventory
        .hosts
        .iter()
        .zip(reachable)
        .map(|(host, reachable)| PlannedHost {
            name: host.name.clone(),
            cpus: host.cpus.len(),
            gpus: host.gpus.len(),
            reachable,
            ranks: 0,
            rows: Vec::new(),
            free_gpus: host.gpus.len(),
        })
        .collect();
    for (group, template, seats) in seats {
        let owned = session
            .policy_of(&group, &template)
            .gpus
            .is_some_and(|count| count > 0);
        for (host, ranks, rows) in by_host(&group, &template, seats) {
            let Some(place) = hosts.get_mut(host) else {
                continue;
            };
            place.ranks += ranks;
            for row in rows {
                if owned {
                    let held = row.gpus.as_ref().map_or(0, CpuSet::len);
                    place.free_gpus = place.free_gpus.saturating_sub(held);
                }
                if place.rows.len() < ROWS_MAX {
                    place.rows.push(row);
                }
            }
        }
    }
    Plan {
        hosts,
        refusals,
        problems,
        too_large,
    }
}

/// The ranks of a template on each host, those that get the same together.
fn by_host(
    group: &GroupName,
    template: &TemplateName,
    seats: Vec<Seat>,
) -> Vec<(usize, u64, Vec<PlannedRanks>)> {
    let mut hosts: BTreeMap<usize, (u64, Vec<PlannedRanks>)> = BTreeMap::new();
    for (rank, seat) in (0u32..).zip(seats) {
        let (count, rows) = hosts.entry(seat.host).or_default();
        *count += 1;
        let same = rows
            .last_mut()
            .filter(|row| row.cpus == seat.cpus && row.gpus == seat.gpus);
        match same {
            Some(row) => match row.ranks.last_mut() {
                Some((_, last)) if last.checked_add(1) == Some(rank) => *last = rank,
                _ => row.ranks.push((rank, rank)),
            },
            None => rows.push(PlannedRanks {
                group: group.clone(),
                template: template.clone(),
                ranks: vec![(rank, rank)],
                cpus: seat.cpus,
                gpus: seat.gpus,
            }),
        }
    }
    hosts
        .into_iter()
        .map(|(host, (count, rows))| (host, count, rows))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::wire;

    fn here() -> Welcome {
        Welcome {
            version: wire::VERSION,
            hostname: "login1".to_owned(),
            pid: 1,
            guardian: 2,
            cpus: vec![0, 1],
            memory: 1,
            gpus: Vec::new(),
            gpu_note: None,
            python_path: Ok(String::new()),
        }
    }

    fn session(text: &str) -> Session {
        Session::load("s.ron".as_ref(), text).unwrap().session
    }

    #[test]
    fn ranks_stand_below_their_hosts_and_what_finds_no_place_is_told() {
        let session = session(
            r#"Session(version: 1,
                hosts: [Declared(name: "node01", cpus: 4), Declared(name: "node02", cpus: 8, gpus: 2),
                    Declared(name: "node03", cpus: 8, gpus: 2)],
                groups: { "g": ProcessGroup(templates: {
                    "a": ProcessTemplate(target: Program("a"), replicas: 4),
                    "b": ProcessTemplate(target: Program("b"), replicas: 2,
                        policy: Policy(placement: HostName("node02"), gpus: 1)),
                    "c": ProcessTemplate(target: Program("c"), replicas: 3, policy: Policy(gpus: 1, placement: HostName("node03"))),
                }) })"#,
        );
        let plan = plan(&session, &Vec::new(), &here());
        let node = |name: &str| {
            let name = HostName::new(name);
            plan.hosts.iter().find(|host| host.name == name).unwrap()
        };
        let rows = |host: &PlannedHost| -> Vec<(String, Vec<(u32, u32)>)> {
            host.rows
                .iter()
                .map(|row| (row.template.to_string(), row.ranks.clone()))
                .collect()
        };
        assert_eq!(
            rows(node("node01")),
            [("a".to_owned(), vec![(0, 0), (3, 3)])]
        );
        assert_eq!(
            rows(node("node02")),
            [
                ("a".to_owned(), vec![(1, 1)]),
                ("b".to_owned(), vec![(0, 0)]),
                ("b".to_owned(), vec![(1, 1)]),
            ]
        );
        assert_eq!((node("node02").free_gpus, node("node02").ranks), (0, 3));
        assert!(!node("node01").reachable);
        assert_eq!(
            rows(node("node03")),
            [
                ("a".to_owned(), vec![(2, 2)]),
                ("c".to_owned(), vec![(0, 0)]),
                ("c".to_owned(), vec![(1, 1)]),
            ]
        );
        assert_eq!(plan.refusals.len(), 1);
        assert_eq!(
            plan.refusals[0].path.to_string(),
            "groups.g.templates.c.policy"
        );
    }

    #[test]
    fn too_many_ranks_are_not_tried_while_somebody_types() {
        let session = session(
            "Session(version: 1, groups: { \"g\": ProcessGroup(templates: {
                \"a\": ProcessTemplate(target: Program(\"a\"), replicas: 1000000) }) })",
        );
        let plan = plan(&session, &Vec::new(), &here());
        assert!(plan.too_large && plan.hosts[0].rows.is_empty());
    }
}
