//! `dragon-tui runs`: the runs of the past, one of them in detail, and pruning.
//!
//! Owns what is printed, not how it is asked for. Everything that a process or a file of a record said
//! goes through [`one_line`] first. Start at [`list`].

use std::{
    borrow::Cow,
    fmt::Write as _,
    io::Write,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Result;
use serde::Serialize;

use crate::record::{Limits, PastRun, RunState, Runs, Summary, civil::utc_text};

use super::{
    args::Format,
    json_output,
    lines::grouped,
    quantities::{duration, size},
};
use crate::term::plain_text::one_line;

#[cfg(test)]
mod tests;

/// How many runs are listed unless said otherwise.
pub const LIST_LIMIT: usize = 20;

/// A run as `runs --format json` writes it.
#[derive(Serialize)]
struct Line<'a> {
    run: &'a str,
    session: &'a str,
    /// Seconds since 1970.
    started: u64,
    /// `running`, `on_host`, `ended` or `died`.
    state: &'static str,
    /// The host of its engine.
    host: &'a str,
    folder: Cow<'a, str>,
    /// The whole summary, once it has ended.
    summary: Option<&'a Summary>,
}

/// Prints the newest runs, at most `limit`. Exit code 0; with nothing to list, `err` says how to make a
/// run.
pub fn list(
    runs: &Runs,
    format: Format,
    limit: usize,
    now: SystemTime,
    out: &mut impl Write,
    err: &mut impl Write,
) -> Result<u8> {
    let found = runs.list(limit)?;
    if found.is_empty() {
        writeln!(
            err,
            "no runs yet in {}: `dragon-tui --replay SESSION.ron` makes one",
            one_line(&runs.root().to_string_lossy())
        )?;
        return Ok(0);
    }
    match format {
        Format::Json => {
            for run in &found {
                write_json(run, out)?;
            }
        }
        Format::Text => {
            let header = [
                "RUN",
                "STARTED (UTC)",
                "AGO",
                "SESSION",
                "OUTCOME",
                "RANKS",
                "FAILED",
                "TOOK",
                "SIZE",
            ];
            let mut rows = vec![header.map(str::to_owned)];
            rows.extend(found.iter().map(|run| row(run, now)));
            write_table(&rows, out)?;
        }
    }
    Ok(0)
}

/// Prints one run (its id, a part of it, or `last`): how it went, what failed, where everything is.
pub fn show(
    runs: &Runs,
    name: &str,
    format: Format,
    now: SystemTime,
    out: &mut impl Write,
) -> Result<u8> {
    let run = runs.open(name)?;
    if format == Format::Json {
        write_json(&run, out)?;
        return Ok(0);
    }
    // Of a run without a summary, what its events tell.
    let told = match &run.summary {
        Some(summary) => summary.clone(),
        None => run.tally()?,
    };
    let started = run.engine.started.max(told.started);
    let mut text = String::new();
    let mut field = |name: &str, value: String| {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "{name:<10} {value}");
    };
    field("run", run.id.clone());
    field("session", one_line(session_of(&run)));
    field("state", state_text(&run));
    field(
        "started",
        format!("{} UTC, {}", utc_text(started), ago(started, now)),
    );
    field("took", duration(told.took()));
    field("wall", duration(told.wall_seconds));
    let ranks = told.ranks;
    field(
        "ranks",
        format!(
            "{}: {} succeeded, {} failed, {} skipped, {} killed, {} restarts",
            ranks.total, ranks.succeeded, ranks.failed, ranks.skipped, ranks.killed, told.restarts
        ),
    );
    if run.summary.is_some() {
        let bytes = told.bytes;
        let mut output = format!(
            "{} shown, {} discarded",
            size(bytes.shown),
            size(bytes.discarded)
        );
        if bytes.lost > 0 || told.lines_lost > 0 {
            let (bytes, lines) = (grouped(bytes.lost), grouped(told.lines_lost));
            let _ = write!(output, ", {bytes} bytes and {lines} events LOST");
        }
        field("output", output);
        field("exit code", told.exit_code.to_string());
    }
    field(
        "used",
        format!(
            "{} of cpu, {} at most in one process",
            duration(told.cpu_seconds),
            size(told.peak_memory)
        ),
    );
    for (name, (put, got, left)) in &told.queues {
        field(
            "queue",
            format!("{name}: {put} put, {got} got, {left} left"),
        );
    }
    field("host", one_line(&run.engine.host));
    field("folder", one_line(&run.path.display().to_string()));
    for failure in &told.failures {
        let path = run.log_path(&failure.process);
        let _ = writeln!(
            text,
            "\n{} failed: {}",
            failure.process,
            one_line(&failure.status.to_string())
        );
        for line in &failure.last_lines {
            let _ = writeln!(text, "  | {}", one_line(line));
        }
        if path.exists() {
            let _ = writeln!(text, "  log: {}", one_line(&path.display().to_string()));
        }
    }
    let unnamed = told.ranks.failed.saturating_sub(told.failures.len() as u64);
    if unnamed > 0 {
        let _ = writeln!(text, "\nand {unnamed} more failures");
    }
    out.write_all(text.as_bytes())?;
    Ok(0)
}

/// Deletes old runs by the limits and says what is gone. Exit code 1 if something could not be deleted.
pub fn prune(
    runs: &Runs,
    limits: Limits,
    now: SystemTime,
    out: &mut impl Write,
    err: &mut impl Write,
) -> Result<u8> {
    let pruned = runs.prune(limits, now)?;
    for id in &pruned.runs {
        writeln!(out, "{id}")?;
    }
    writeln!(
        err,
        "{} runs deleted, {} freed; kept are at most {} runs and {}",
        pruned.runs.len(),
        size(pruned.bytes),
        limits.runs,
        size(limits.bytes)
    )?;
    for problem in &pruned.problems {
        writeln!(err, "{}", one_line(&problem.to_string()))?;
    }
    Ok(u8::from(!pruned.problems.is_empty()))
}

fn write_json(run: &PastRun, out: &mut impl Write) -> Result<()> {
    let line = Line {
        run: &run.id,
        session: session_of(run),
        started: run.engine.started,
        state: match run.state {
            RunState::RunningHere => "running",
            RunState::OnHost(_) => "on_host",
            RunState::Ended => "ended",
            RunState::Died => "died",
        },
        host: &run.engine.host,
        folder: run.path.to_string_lossy(),
        summary: run.summary.as_ref(),
    };
    Ok(json_output::write_line(&line, out)?)
}

fn row(run: &PastRun, now: SystemTime) -> [String; 9] {
    let absent = || "-".to_owned();
    let summary = run.summary.as_ref();
    let of = |value: &dyn Fn(&Summary) -> String| summary.map_or_else(absent, value);
    let started = run.engine.started.max(summary.map_or(0, |s| s.started));
    [
        run.id.clone(),
        utc_text(started),
        ago(started, now),
        one_line(session_of(run)),
        state_text(run),
        summary
            .map_or(run.engine.ranks, |s| s.ranks.total)
            .to_string(),
        of(&|s| s.ranks.failed.to_string()),
        of(&|s| duration(s.took())),
        of(&|s| size(s.size)),
    ]
}

/// Columns as wide as their widest cell, the last one without padding.
fn write_table(rows: &[[String; 9]], out: &mut impl Write) -> Result<()> {
    let mut widths = [0; 9];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in rows {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(row) {
            let _ = write!(line, "{cell:<width$}  ");
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn session_of(run: &PastRun) -> &str {
    match &run.summary {
        Some(summary) => &summary.session,
        None => &run.engine.session,
    }
}

fn state_text(run: &PastRun) -> String {
    let outcome = run.summary.as_ref().map(|summary| summary.outcome);
    one_line(&run.state.word(outcome))
}

/// How long ago a moment is (seconds since 1970): `3 min ago`.
fn ago(then: u64, now: SystemTime) -> String {
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let Some(age) = now.checked_sub(then) else {
        return "in the future".to_owned();
    };
    match age {
        0..60 => "just now".to_owned(),
        60..3600 => format!("{} min ago", age / 60),
        3600..86_400 => format!("{} h ago", age / 3600),
        86_400..172_800 => "1 day ago".to_owned(),
        _ => format!("{} days ago", age / 86_400),
    }
}
