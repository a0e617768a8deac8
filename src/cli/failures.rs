//! How problems of sessions and failures of the program are told.

use std::{io::Write, path::Path, process::ExitCode};

use super::{args::Format, json_output, streams};
use crate::model::session::{Loaded, Problem};
use crate::term::plain_text::{one_line, safe_lines};

/// Reports an error that ended the program and gives its exit code, 2.
pub fn report(error: &anyhow::Error) -> ExitCode {
    streams::say(format_args!("{error:#}"));
    ExitCode::from(2)
}

/// Tells problems on standard error.
pub fn tell(problems: &[Problem], text: Option<&str>, format: Format) {
    // It never fails.
    let _ = write(problems, text, format, &mut streams::stderr());
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
            Format::Text => {
                let problem = safe(problem);
                let rendered = match text {
                    Some(text) => problem.render(text),
                    None => format!("{problem}\n"),
                };
                out.write_all(&safe_lines(rendered.as_bytes()))?;
            }
            Format::Json => {
                let object = serde_json::json!({
                    "severity": problem.severity.to_string(),
                    "file": problem.file.as_ref().map(|file| file.to_string_lossy()),
                    "line": problem.at.map(|at| at.line),
                    "column": problem.at.map(|at| at.column),
                    "field": problem.path.to_string(),
                    "message": problem.message,
                    "help": problem.help,
                });
                json_output::write_line(&object, out)?;
            }
        }
    }
    Ok(())
}

/// The problem with every text in it on one safe line: names of files and words of interpreters may hold anything, line
/// ends too, which would let them look like another problem.
fn safe(problem: &Problem) -> Problem {
    let file = problem.file.as_ref();
    let file = file.map(|file| Path::new(&one_line(&file.to_string_lossy())).into());
    Problem {
        file,
        message: one_line(&problem.message),
        help: problem.help.as_deref().map(|help| one_line(help).into()),
        ..problem.clone()
    }
}

/// Gives problems that were found later their place in the file.
pub fn placed(problems: Vec<Problem>, loaded: &Loaded) -> Vec<Problem> {
    problems
        .into_iter()
        .map(|problem| loaded.place(problem))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::session::FieldPath;

    fn hostile() -> Problem {
        let mut problem = Problem::error(FieldPath::root().name("a\x1bc"), "x\x1b[2J\ns.ron: ok");
        problem.file = Some(Path::new("\x1b]0;t\x07s\u{9b}31m.ron").into());
        problem.help = Some("\u{202e}help\nmore".into());
        problem
    }

    fn written(format: Format, text: Option<&str>) -> String {
        let mut out = Vec::new();
        write(&[hostile()], text, format, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn names_and_words_of_others_cannot_reach_the_terminal_or_look_like_another_line() {
        let told = "s.ron: [\"a\\u{1b}c\"]: x s.ron: ok\n";
        assert_eq!(written(Format::Text, None), told);
        assert_eq!(
            written(Format::Text, Some("")),
            format!("{told}  help: help more\n")
        );
        let json = written(Format::Json, None);
        assert!(
            !json.chars().any(|c| c.is_control() && c != '\n'),
            "{json:?}"
        );
    }
}
