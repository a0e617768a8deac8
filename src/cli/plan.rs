//! `dragon-tui plan`: where every rank would go, and how it would be started. Starts nothing; asks this machine what it
//! has, and takes declared hosts at their word.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use indexmap::IndexMap;
use serde::Serialize;

use super::{
    args::{Composing, Format},
    failures, headless, json_output, streams,
};
use crate::term::plain_text::one_line;
use crate::{
    agent::{hello, wire::ChildKey},
    engine::{
        door::preview,
        hosts,
        placement::{HostFacts, Inventory, Seat},
        preflight::{self, Trial},
        recipe::{HostSide, Recipes, gpu_env},
    },
    model::{
        cpuset::CpuSet,
        document::Session,
        ids::{GroupName, HostName, ProcessId, TemplateName},
        policy::{Placement, Policy},
        template::ProcessTemplate,
    },
};

/// Ranks of a template that go to the same place are written on one line, unless a variable of theirs holds the rank.
#[derive(Debug, Serialize)]
struct Line {
    process: ProcessId,
    /// The last rank of those that this line is about.
    last_rank: u32,
    host: HostName,
    cpus: CpuSet,
    gpus: Option<CpuSet>,
    /// What the first of these ranks finds in its environment on top of the engine's, each name once; without what only
    /// a run has.
    env: Vec<(String, String)>,
}

/// Variables that get their value when a run begins, or that hold the arguments.
const OF_A_RUN: [&str; 4] = [
    "DRAGON_QUEUE_URL",
    "DRAGON_QUEUE_SOCKET",
    "DRAGON_TUI_RUN",
    "DRAGON_TUI_CALL",
];

/// The seats of the ranks of each template.
type Seats = [(GroupName, TemplateName, Vec<Seat>)];

/// Prints the plan. Exit code 0, 2 for a session with problems, 3 when it cannot be placed.
///
/// # Errors
/// When the result cannot be written.
pub fn run(path: &Path, composing: &Composing, format: Format) -> anyhow::Result<u8> {
    let Some(loaded) = headless::compose(path, composing, format) else {
        return Ok(2);
    };
    let session = &loaded.session;
    let mut problems = preflight::without_hosts(session);
    problems.extend(preflight::unsupported(session));
    if !problems.is_empty() {
        headless::tell_first(problems, &loaded, format);
        return Ok(2);
    }
    let welcome = hello::describe_this_host(preview::wants_gpus(session));
    let mut inventory = hosts::inventory(session, &composing.host_alias, &welcome);
    let unknown = hosts::unknown_aliases(&composing.host_alias, &inventory);
    if !unknown.is_empty() {
        failures::tell(&unknown, None, format);
        return Ok(2);
    }
    // A plan may use what is only declared.
    for host in &mut inventory.hosts {
        host.reachable = true;
    }
    let Trial { seats, refusals } = preflight::trial(session, &inventory);
    if let Some(note) = &welcome.gpu_note
        && asks_here(session, &seats, &inventory)
    {
        streams::say(note);
    }
    let plan = seats.into_iter().filter_map(|(group, template, seats)| {
        let spec = session.template(&group, &template)?;
        let seated = Seated {
            session,
            group,
            name: template,
            template: ProcessTemplate {
                args: Vec::new(),
                kwargs: IndexMap::new(),
                ..spec.clone()
            },
            inventory: &inventory,
        };
        Some(seated.lines(seats))
    });
    let mut out = streams::stdout();
    let single = session.groups.len() == 1;
    for line in plan.flatten() {
        match format {
            Format::Json => json_output::write_line(&line, &mut out)?,
            Format::Text => text(&line, session, single, &mut out)?,
        }
    }
    if refusals.is_empty() {
        return Ok(0);
    }
    headless::tell_first(refusals, &loaded, format);
    Ok(3)
}

/// Whether GPUs are asked of this machine: only then is it news that it has none.
fn asks_here(session: &Session, seats: &Seats, inventory: &Inventory) -> bool {
    let here = |host: &HostFacts| host.name.is_localhost();
    let seated = seats.iter().any(|(group, template, seats)| {
        let asks = session
            .policy_of(group, template)
            .gpus
            .is_some_and(|count| count > 0);
        asks && seats.iter().any(|seat| here(&inventory.hosts[seat.host]))
    });
    // What was refused has no seat: it may have been meant for this machine, unless it goes to listed ones.
    let elsewhere = |policy: &Policy| match &policy.placement {
        None | Some(Placement::Anywhere) => inventory
            .hosts
            .iter()
            .any(|host| host.listed && !here(host)),
        Some(Placement::HostId(_)) => inventory.hosts.iter().any(|host| host.listed),
        Some(Placement::HostName(name)) => {
            let named = inventory.hosts.iter().find(|host| host.is_called(name));
            named.is_none_or(|host| !here(host))
        }
        Some(Placement::Local) => false,
    };
    let mut templates = session.groups.iter().flat_map(|(group, spec)| {
        let names = spec.templates.keys();
        names.map(move |name| session.policy_of(group, name))
    });
    let asks = |policy: &Policy| {
        policy.gpus.is_some_and(|count| count > 0) || policy.gpu_affinity.is_some()
    };
    seated || templates.any(|policy| asks(&policy) && !elsewhere(&policy))
}

/// A template whose ranks have seats.
struct Seated<'a> {
    session: &'a Session,
    group: GroupName,
    name: TemplateName,
    /// Without its arguments, which make nothing of its environment but what is left out here.
    template: ProcessTemplate,
    inventory: &'a Inventory,
}

impl Seated<'_> {
    /// Its lines, each made when it is its turn: neighbours that go to the same place share one.
    fn lines(self, seats: Vec<Seat>) -> impl Iterator<Item = Line> {
        let mut values = self.template.env.values();
        let alike = !values.any(|value| value.contains("{rank}"));
        let mut ranks = (0u32..).zip(seats).peekable();
        std::iter::from_fn(move || {
            let (rank, seat) = ranks.next()?;
            let mut last_rank = rank;
            while let Some((next, _)) = ranks.next_if(|(_, next)| alike && *next == seat) {
                last_rank = next;
            }
            let process = ProcessId {
                group: self.group.clone(),
                template: self.name.clone(),
                rank,
            };
            Some(self.line(process, last_rank, seat))
        })
    }

    fn line(&self, process: ProcessId, last_rank: u32, seat: Seat) -> Line {
        let host = HostSide {
            name: self.inventory.hosts[seat.host].name.clone(),
            python_home: String::new(),
        };
        let (session, template) = (self.session, &self.template);
        // The recipe of a run that does not exist yet; what only a run has is left out.
        let recipe = Recipes {
            run: String::new(),
            session_folder: PathBuf::new(),
            python: String::new(),
            queue_socket: String::new(),
            size: headless::SIZE,
        };
        let (child, nproc) = (ChildKey(0), template.replicas);
        let spec = recipe.spec(
            session, template, child, &process, &seat, nproc, None, &host,
        );
        // The last value of a name is the one that counts.
        let env: IndexMap<String, String> = spec.env.into_iter().collect();
        let known = |name: &str| OF_A_RUN.contains(&name) && !template.env.contains_key(name);
        Line {
            process,
            last_rank,
            host: host.name,
            cpus: seat.cpus,
            gpus: seat.gpus,
            env: env.into_iter().filter(|(name, _)| !known(name)).collect(),
        }
    }
}

/// Of the environment, what the policy and the template say.
fn text(line: &Line, session: &Session, single: bool, out: &mut impl Write) -> io::Result<()> {
    let ProcessId {
        group,
        template,
        rank,
    } = &line.process;
    let ranks = if *rank == line.last_rank {
        rank.to_string()
    } else {
        format!("{rank}-{}", line.last_rank)
    };
    let name = if single {
        format!("{template}.{ranks}")
    } else {
        format!("{group}/{template}.{ranks}")
    };
    let cpus = if line.cpus.is_empty() {
        "all".to_owned()
    } else {
        line.cpus.to_string()
    };
    let mut parts = vec![format!(
        "{name:<28} {:<16} cpus {cpus:<8}",
        line.host.as_str()
    )];
    match &line.gpus {
        Some(gpus) if gpus.is_empty() => parts.push("gpus none".to_owned()),
        Some(gpus) => parts.push(format!("gpus {gpus}")),
        None => {}
    }
    let gpu_names: Vec<String> = line
        .gpus
        .iter()
        .flat_map(gpu_env)
        .map(|(name, _)| name)
        .collect();
    let own = session
        .template(group, template)
        .map(|template| &template.env);
    let told = line.env.iter().filter(|(name, _)| {
        gpu_names.contains(name) || own.is_some_and(|own| own.contains_key(name))
    });
    parts.extend(told.map(|(name, value)| format!("{name}={value}")));
    writeln!(out, "{}", one_line(parts.join(" ").trim_end()))
}
