//! `dragon-tui check`: everything that is wrong in session files, in one go. Starts nothing, asks no host.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use super::{args::Format, failures, streams};
use crate::term::plain_text::one_line;
use crate::{
    engine::preflight,
    model::session::{FieldPath, Parsed, Part, Problem, Session},
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
        let problems = match &text {
            Ok(text) => of_text(path, text),
            Err(problem) => vec![problem.clone()],
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

/// Everything that is wrong with a session in itself, in the order of its text: also where it cannot be read as a whole,
/// what was read is checked.
pub fn of_text(path: &Path, text: &str) -> Vec<Problem> {
    let parsed = Session::parse(text);
    let more = preflight::without_hosts(&parsed.session);
    let more = more
        .into_iter()
        .filter(|problem| sees_output(&parsed, problem));
    let problems = parsed.problems_to_run(text, more.collect());
    let in_file = problems.into_iter().map(|problem| problem.in_file(path));
    in_file.collect()
}

/// Whether it is known where the output goes that a problem may be about: a standard error that could not be read may have
/// been the pane.
fn sees_output(parsed: &Parsed, problem: &Problem) -> bool {
    match problem.path.parts() {
        [_, Part::Name(group), _, Part::Name(template), ..] => {
            parsed.is_read(&FieldPath::template(group, template).name("stderr"))
        }
        _ => true,
    }
}
