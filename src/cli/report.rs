//! The summary of a run on standard error, at its end.

use std::{io::Write, path::Path};

use super::{
    lines::grouped,
    quantities::{duration, size},
};
use crate::term::plain_text::one_line;
use crate::{
    model::{event::Outcome, lifecycle::ExitStatus},
    record::{Failure, Summary},
};

/// So many failures are shown in full; the record has more.
const FAILURES_SHOWN: usize = 5;

/// So many of the last lines of a failure are shown.
const LINES_SHOWN: usize = 10;

fn how(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded => "succeeded",
        Outcome::Failed => "failed",
        Outcome::Unplaceable => "could not be placed",
        Outcome::HostLost => "lost a host",
        Outcome::Walltime => "reached its walltime",
        Outcome::Interrupted => "was interrupted",
    }
}

fn failure(failure: &Failure, out: &mut impl Write) -> std::io::Result<()> {
    writeln!(
        out,
        "  {}: {}",
        failure.process,
        one_line(&failure.status.to_string())
    )?;
    if !matches!(failure.status, ExitStatus::NotStarted(_)) {
        let skipped = failure.last_lines.len().saturating_sub(LINES_SHOWN);
        for line in &failure.last_lines[skipped..] {
            writeln!(out, "    | {}", one_line(line))?;
        }
    }
    Ok(())
}

/// Writes the summary of a run whose record is in `folder`.
///
/// # Errors
/// When `out` cannot be written.
pub fn write(summary: &Summary, folder: &Path, out: &mut impl Write) -> std::io::Result<()> {
    let ranks = &summary.ranks;
    let mut counts = vec![format!(
        "{} of {} ranks ended well",
        grouped(ranks.succeeded),
        grouped(ranks.total)
    )];
    for (count, what) in [
        (ranks.failed, "failed"),
        (ranks.killed, "stopped"),
        (ranks.skipped, "did not run"),
    ] {
        if count > 0 {
            counts.push(format!("{} {what}", grouped(count)));
        }
    }
    if summary.restarts > 0 {
        counts.push(format!("{} restarts", grouped(summary.restarts)));
    }
    writeln!(out, "--")?;
    writeln!(
        out,
        "{} {} in {}: {}",
        one_line(&summary.session),
        how(summary.outcome),
        duration(summary.took()),
        counts.join(", ")
    )?;
    if let Some(first) = &summary.first_failure {
        writeln!(out, "first failure: {first}")?;
    }
    for one in summary.failures.iter().take(FAILURES_SHOWN) {
        failure(one, out)?;
    }
    let more = ranks
        .failed
        .saturating_sub(summary.failures.len().min(FAILURES_SHOWN) as u64);
    if more > 0 {
        writeln!(
            out,
            "  and {} more: dragon-tui runs {}",
            grouped(more),
            summary.run
        )?;
    }
    for (queue, (put, got, left)) in &summary.queues {
        writeln!(
            out,
            "queue {queue}: {} put, {} got, {} left",
            grouped(*put),
            grouped(*got),
            grouped(*left)
        )?;
    }
    let shown = &summary.bytes;
    let mut output = vec![format!("{} logged", size(shown.shown))];
    for (count, what) in [
        (shown.discarded, "discarded while muted"),
        (shown.lost, "LOST: could not be written"),
    ] {
        if count > 0 {
            output.push(format!("{} {what}", size(count)));
        }
    }
    writeln!(
        out,
        "output: {}; record: {}",
        output.join(", "),
        one_line(&folder.display().to_string())
    )
}
