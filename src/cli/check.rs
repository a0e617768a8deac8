//! `dragon-tui check`: everything that is wrong in sessions, themes and settings, in one go. Starts nothing, asks no host.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use super::{args::Format, failures, streams};
use crate::term::plain_text::one_line;
use crate::{
    engine::preflight,
    model::{
        ron_text::{self, Kind},
        session::{FieldPath, Parsed, Part, Problem, Session},
    },
    tui::{config, theme::ThemeFile},
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
            Ok(text) => of_file(path, text),
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

/// Everything that is wrong with a file, whatever it is: the name of its struct says that.
fn of_file(path: &Path, text: &str) -> Vec<Problem> {
    let problems = match &*first_name(text) {
        "Config" => config::check(text),
        "Theme" => ThemeFile::parse(text).1,
        _ => return of_text(path, text),
    };
    let in_file = problems.into_iter().map(|problem| problem.in_file(path));
    in_file.collect()
}

/// The name before the first parenthesis; empty: there is none.
fn first_name(text: &str) -> Box<str> {
    match ron_text::parse(text).root.map(|root| root.kind) {
        Some(Kind::Paren(paren)) => paren.name.map(|(name, _)| name).unwrap_or_default(),
        _ => Box::default(),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_the_name_of_its_struct() {
        for (text, name) in [
            ("Config()", "Config"),
            ("\u{feff}// a /* theme */\n/* of\nmine */ Theme (", "Theme"),
            ("/* a /* b */ c */ Theme()", "Theme"),
            ("/*/ no end yet */ Theme()", "Theme"),
            ("#![enable(implicit_some)]\nConfig(theme: \"x\")", "Config"),
            ("// nothing", ""),
            ("/* nothing", ""),
            ("", ""),
            ("(version: 1)", ""),
        ] {
            assert_eq!(&*first_name(text), name, "{text:?}");
        }
    }

    #[test]
    fn themes_and_settings_are_checked_as_what_they_are() {
        let told = |name: &str, text: &str, word: &str| {
            let problems = of_file(Path::new(name), text);
            let told = problems.iter().any(|it| it.to_string().contains(word));
            assert!(told, "{problems:?}");
        };
        told(
            "t.ron",
            "Theme(name: \"t\", texd: \"red\")",
            "did you mean `text`",
        );
        told("c.ron", "Config(version: 1, mouse: 3)", "mouse");
    }
}
