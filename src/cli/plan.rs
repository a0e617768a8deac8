//! `dragon-tui plan`: where every rank would go, and how it would be started. Starts nothing; asks this machine what it
//! has, and takes declared hosts at their word.

use std::{
    io::{self, Write},
    path::Path,
};

use serde::Serialize;

use super::{
    args::{Composing, Format},
    failures, headless, json_output, streams,
};
use crate::term::plain_text::one_line;
use crate::{
    agent::hello,
    engine::{
        door::preview,
        hosts,
        placement::{Inventory, Seat},
        preflight::{self, Trial},
        recipe::gpu_env,
    },
    model::{
        cpuset::CpuSet,
        ids::{GroupName, HostName, ProcessId, TemplateName},
    },
};

/// Ranks of a template that go to the same place are written on one line.
#[derive(Debug, Serialize)]
struct Line {
    process: ProcessId,
    /// The last rank of those that this line is about.
    last_rank: u32,
    host: HostName,
    cpus: CpuSet,
    gpus: Option<CpuSet>,
    env: Vec<(String, String)>,
}

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
        let problems = failures::placed(problems, &loaded);
        failures::tell(&problems, Some(&loaded.text), format);
        return Ok(2);
    }
    let welcome = hello::describe_this_host(preview::wants_gpus(session));
    if let Some(note) = &welcome.gpu_note {
        streams::say(note);
    }
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
    let plan = seats
        .into_iter()
        .flat_map(|(group, template, seats)| lines(&group, &template, seats, &inventory));
    let mut out = streams::stdout();
    let single = session.groups.len() == 1;
    for line in plan {
        match format {
            Format::Json => json_output::write_line(&line, &mut out)?,
            Format::Text => text(&line, single, &mut out)?,
        }
    }
    if refusals.is_empty() {
        return Ok(0);
    }
    let refusals = failures::placed(refusals, &loaded);
    failures::tell(&refusals, Some(&loaded.text), format);
    Ok(3)
}

/// The lines of a template: neighbours that go to the same place share one.
fn lines(
    group: &GroupName,
    template: &TemplateName,
    seats: Vec<Seat>,
    inventory: &Inventory,
) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut ranks = (0u32..).zip(seats).peekable();
    while let Some((rank, seat)) = ranks.next() {
        let mut last_rank = rank;
        while let Some((next, _)) = ranks.next_if(|(_, next)| *next == seat) {
            last_rank = next;
        }
        let process = ProcessId {
            group: group.clone(),
            template: template.clone(),
            rank,
        };
        lines.push(line(process, last_rank, seat, inventory));
    }
    lines
}

fn line(process: ProcessId, last_rank: u32, seat: Seat, inventory: &Inventory) -> Line {
    let host = inventory.hosts[seat.host].name.clone();
    let env = seat.gpus.as_ref().map(gpu_env).unwrap_or_default();
    Line {
        process,
        last_rank,
        host,
        cpus: seat.cpus,
        gpus: seat.gpus,
        env,
    }
}

fn text(line: &Line, single: bool, out: &mut impl Write) -> io::Result<()> {
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
    parts.extend(
        line.env
            .iter()
            .map(|(name, value)| format!("{name}={value}")),
    );
    writeln!(out, "{}", one_line(parts.join(" ").trim_end()))
}
