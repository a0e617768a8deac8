//! `dragon-tui check`: everything that is wrong in session files, in one go. Starts nothing, asks no host.

use std::{io::Write, path::PathBuf};

use super::{args::Format, failures, streams};
use crate::term::plain_text::one_line;
use crate::{
    engine::preflight,
    model::session::{Problem, Session},
};

/// Checks files. Exit code 0: all can be used; 2: at least one cannot.
///
/// # Errors
/// When the result cannot be written.
pub fn run(paths: &[PathBuf], format: Format) -> anyhow::Result<u8> {
    let mut out = streams::stdout();
    let mut errors = 0usize;
    let mut warnings = 0usize;
    for path in paths {
        let text = Session::text_in(path);
        let loaded = match &text {
            Ok(text) => Session::load(path, text.clone()),
            Err(problem) => Err(vec![problem.clone()]),
        };
        let problems = match loaded {
            Err(problems) => problems,
            Ok(loaded) => {
                let mut problems = loaded.warnings.clone();
                let more = loaded
                    .session
                    .validate_to_run()
                    .into_iter()
                    .chain(preflight::without_hosts(&loaded.session));
                for problem in failures::placed(more.collect(), &loaded) {
                    if !problems.contains(&problem) {
                        problems.push(problem);
                    }
                }
                problems
            }
        };
        failures::write(&problems, text.as_deref().ok(), format, &mut out)?;
        errors += problems.iter().filter(|problem| problem.is_error()).count();
        warnings += problems
            .iter()
            .filter(|problem| !problem.is_error())
            .count();
        if format == Format::Text && !problems.iter().any(Problem::is_error) {
            writeln!(out, "{}: ok", one_line(&path.to_string_lossy()))?;
        }
    }
    if errors + warnings > 0 {
        let plural = |count: usize, what: &str| {
            format!("{count} {what}{}", if count == 1 { "" } else { "s" })
        };
        // It never fails.
        let _ = writeln!(
            streams::stderr(),
            "{}, {}",
            plural(errors, "error"),
            plural(warnings, "warning")
        );
    }
    Ok(if errors > 0 { 2 } else { 0 })
}
