//! How problems and failures are told on standard error.

use std::{io::Write, process::ExitCode};

use super::args::Format;
use crate::model::session::{Loaded, Problem};

/// Reports an error that ended the program and gives its exit code: 2, or 0 for a reader that went away.
pub fn report(error: &anyhow::Error) -> ExitCode {
    let gone = error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
    });
    if gone {
        return ExitCode::SUCCESS;
    }
    eprintln!("dragon-tui: {error:#}");
    ExitCode::from(2)
}

/// Writes problems, each with the line of the file that it is about where that is known.
///
/// # Errors
/// When `out` cannot be written.
pub fn write(
    problems: &[Problem],
    text: Option<&str>,
    format: Format,
    out: &mut impl Write,
) -> std::io::Result<()> {
    for problem in problems {
        match format {
            Format::Text => match text {
                Some(text) => write!(out, "{}", problem.render(text))?,
                None => writeln!(out, "{problem}")?,
            },
            Format::Json => {
                let line = serde_json::json!({
                    "severity": problem.severity.to_string(),
                    "file": problem.file,
                    "line": problem.at.map(|at| at.line),
                    "column": problem.at.map(|at| at.column),
                    "field": problem.path.to_string(),
                    "message": problem.message,
                    "help": problem.help,
                });
                writeln!(out, "{line}")?;
            }
        }
    }
    Ok(())
}

/// Gives problems that were found later their place in the file.
pub fn placed(problems: Vec<Problem>, loaded: &Loaded) -> Vec<Problem> {
    problems
        .into_iter()
        .map(|problem| loaded.place(problem))
        .collect()
}
