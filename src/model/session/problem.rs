//! What is wrong with a session, where, and what to do about it.
//!
//! Owns [`Problem`], the path of a field, and how a problem is shown. Never decides what is wrong: that are
//! `decode` and `validate`. Words that are alike are found in `near`.

mod near;

use std::{borrow::Cow, fmt, path::Path, sync::Arc};

use serde::{Deserialize, Serialize};

pub(super) use self::near::did_you_mean;
pub use self::near::nearest;

use crate::model::ron_text::{self, Lines, Position, Span};

/// How much a problem matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The session can be used as it is.
    Warning,
    /// The session cannot be used.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Severity::Warning => "warning",
            Severity::Error => "error",
        })
    }
}

/// One step into a session.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Part {
    /// A field or the key of a map. Shared, as it may be as long as the file, and many problems may lie in it.
    Name(Arc<str>),
    /// The 0-based index in a list.
    Index(usize),
}

/// The way to a field: `groups.demo.templates.generator.args[0]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldPath(Vec<Part>);

impl FieldPath {
    /// The session itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// The path of a template.
    pub fn template(group: &str, template: &str) -> Self {
        Self::root()
            .name("groups")
            .name(group)
            .name("templates")
            .name(template)
    }

    /// One step further, into a field or to the value of a key.
    pub fn name(&self, name: &str) -> Self {
        self.with(Part::Name(name.into()))
    }

    /// One step further, to a 0-based index.
    pub fn index(&self, index: usize) -> Self {
        self.with(Part::Index(index))
    }

    fn with(&self, part: Part) -> Self {
        let mut path = self.clone();
        path.0.push(part);
        path
    }

    pub(super) fn push(&mut self, part: Part) {
        self.0.push(part);
    }

    pub(super) fn pop(&mut self) {
        self.0.pop();
    }

    /// Its steps.
    pub fn parts(&self) -> &[Part] {
        &self.0
    }
}

/// So many characters of a name are shown: a valid one has no more.
const NAME_SHOWN: usize = crate::model::ids::NAME_MAX;

/// At most so many characters of a text, with a mark where it goes on.
fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        Some((end, _)) => Cow::Owned(format!("{}…", text.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(text),
    }
}

impl fmt::Display for FieldPath {
    /// As a person would write it; names longer than any valid one are cut.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, part) in self.0.iter().enumerate() {
            match part {
                Part::Index(index) => write!(f, "[{index}]")?,
                Part::Name(name) => {
                    let whole = name.chars().nth(NAME_SHOWN).is_none();
                    let name = shortened(name, NAME_SHOWN);
                    let plain = whole
                        && !name.is_empty()
                        && name
                            .chars()
                            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
                    match (plain, at) {
                        (true, 0) => f.write_str(&name)?,
                        (true, _) => write!(f, ".{name}")?,
                        (false, _) => write!(f, "[{name:?}]")?,
                    }
                }
            }
        }
        Ok(())
    }
}

/// The greatest length of a message, and of its help, in characters: they may quote a text that is as long as the file.
const MESSAGE_MAX: usize = 500;

/// Something wrong with a session.
///
/// Displayed as `FILE:LINE:COLUMN: field: message`, without what is not known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Whether the session can be used nevertheless.
    pub severity: Severity,
    /// The file, if it came from one. On a wire its name is text: bytes that are not UTF-8 are replaced.
    #[serde(serialize_with = "file_text")]
    pub file: Option<Arc<Path>>,
    /// The field; the root for the file as a whole.
    pub path: FieldPath,
    /// The bytes of the text that are meant.
    pub span: Option<Span>,
    /// Where the span begins.
    pub at: Option<Position>,
    /// What is wrong, with a guess of what was meant.
    pub message: String,
    /// What to do about it.
    pub help: Option<Box<str>>,
}

fn file_text<S: serde::Serializer>(
    file: &Option<Arc<Path>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    file.as_ref()
        .map(|file| file.to_string_lossy())
        .serialize(serializer)
}

impl Problem {
    /// An error without a place in a text.
    pub fn error(path: FieldPath, message: impl Into<String>) -> Self {
        let message: String = message.into();
        let message = match shortened(&message, MESSAGE_MAX) {
            Cow::Owned(short) => short,
            Cow::Borrowed(_) => message,
        };
        Self {
            severity: Severity::Error,
            file: None,
            path,
            span: None,
            at: None,
            message,
            help: None,
        }
    }

    /// A warning without a place in a text.
    pub fn warning(path: FieldPath, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(path, message)
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<Box<str>>) -> Self {
        let help: Box<str> = help.into();
        self.help = Some(match shortened(&help, MESSAGE_MAX) {
            Cow::Owned(short) => short.into(),
            Cow::Borrowed(_) => help,
        });
        self
    }

    /// Adds its place in the text that `lines` are those of.
    #[must_use]
    pub fn at_span(mut self, text: &str, lines: &Lines, span: Span) -> Self {
        (self.span, self.at) = (Some(span), Some(lines.position(text, span.start)));
        self
    }

    /// Adds the file.
    #[must_use]
    pub fn in_file(mut self, file: &Path) -> Self {
        self.file = Some(file.into());
        self
    }

    /// Whether the session cannot be used because of it.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// Several lines for a person: the problem, the line of the text it is about with a mark below, the help.
    pub fn render(&self, text: &str) -> String {
        let mut out = format!("{self}\n");
        if let Some((at, span)) = self.at.zip(self.span) {
            out.push_str(&excerpt(text, at, span));
        }
        if let Some(help) = &self.help {
            out.push_str(&format!("  help: {help}\n"));
        }
        out
    }
}

/// How many characters of a long line are shown, and how many of them before the mark.
const SHOWN: (usize, usize) = (120, 60);

/// The line that a span begins on, with a mark below it. Looks at no more of the text than it shows.
fn excerpt(text: &str, at: Position, span: Span) -> String {
    let mut start = span.start.min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let (before, after) = text.split_at(start);
    let column = at.column as usize - 1;
    let shown_before = if column < SHOWN.0 { column } else { SHOWN.1 };
    let visible = |c: char| if c.is_control() { ' ' } else { c };
    let mut line: Vec<char> = before
        .chars()
        .rev()
        .take(shown_before)
        .map(visible)
        .collect();
    line.reverse();
    let rest = after
        .chars()
        .take_while(|c| *c != '\n')
        .take(SHOWN.0 - shown_before)
        .map(visible);
    line.extend(rest);
    let shown: String = line.iter().collect();
    let number = at.line.to_string();
    let room = (line.len() - shown_before.min(line.len())).max(1);
    // The mark covers what lies on this line; bytes are near enough to characters for a mark.
    let width = span.end.saturating_sub(span.start).clamp(1, room);
    let gutter = " ".repeat(number.len());
    format!(
        "{gutter} |\n{number} | {}\n{gutter} | {}{}\n",
        shown.trim_end(),
        " ".repeat(shown_before),
        "^".repeat(width)
    )
}

impl std::error::Error for Problem {}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.at) {
            (Some(file), Some(at)) => write!(f, "{}:{}:{}: ", file.display(), at.line, at.column)?,
            (Some(file), None) => write!(f, "{}: ", file.display())?,
            (None, Some(at)) => write!(f, "{}:{}: ", at.line, at.column)?,
            (None, None) => {}
        }
        if self.severity == Severity::Warning {
            f.write_str("warning: ")?;
        }
        if !self.path.parts().is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// So many problems of a text are told, errors and warnings each; more would say nothing new.
pub const PROBLEMS_MAX: usize = ron_text::PROBLEMS_MAX;

/// What was found so far, never more than is told.
#[derive(Debug, Default)]
pub(super) struct Problems {
    list: Vec<Problem>,
    errors: usize,
}

impl Problems {
    pub(super) fn push(&mut self, problem: Problem) {
        let warnings = self.list.len() - self.errors;
        if problem.is_error() && !self.is_full() {
            self.errors += 1;
            self.list.push(problem);
        } else if !problem.is_error() && warnings < PROBLEMS_MAX {
            self.list.push(problem);
        }
    }

    /// Whether no further error is told: there is no need to look for one.
    pub(super) fn is_full(&self) -> bool {
        self.errors >= PROBLEMS_MAX
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.list.iter()
    }

    pub(super) fn into_iter(self) -> impl Iterator<Item = Problem> {
        self.list.into_iter()
    }

    /// All of them, and that there may be more.
    pub(super) fn into_list(self) -> Vec<Problem> {
        let full = self.is_full();
        let mut list = self.list;
        if full {
            list.push(Problem::error(FieldPath::root(), TOO_MANY));
        }
        list
    }

    /// The same in the order of the text; what has no place in it comes last.
    pub(super) fn into_sorted(self, text: &str, lines: &Lines) -> Vec<Problem> {
        let full = self.is_full();
        let mut list = self.list;
        list.sort_by_key(|problem| {
            let span = problem.span.map(|span| (span.start, span.end));
            span.unwrap_or((usize::MAX, usize::MAX))
        });
        if full {
            let end = Span::new(text.len(), text.len());
            list.push(Problem::error(FieldPath::root(), TOO_MANY).at_span(text, lines, end));
        }
        list
    }
}

/// The last line of those that are told.
const TOO_MANY: &str = "too many problems: what else may be wrong is not told";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_written_as_a_person_would() {
        let path = FieldPath::template("demo", "generator")
            .name("args")
            .index(0);
        assert_eq!(path.to_string(), "groups.demo.templates.generator.args[0]");
        assert_eq!(
            FieldPath::root().name("env").name("a\u{1b}b").to_string(),
            "env[\"a\\u{1b}b\"]"
        );
    }

    #[test]
    fn a_problem_is_shown_with_its_line_and_a_mark() {
        let text = "(\n    replica: 3,\n)";
        let problem = Problem::error(FieldPath::root().name("replica"), "unknown field `replica`")
            .at_span(text, &Lines::new(text), Span::new(6, 13))
            .in_file(Path::new("s.ron"))
            .with_help("known are replicas");
        assert_eq!(
            problem.render(text),
            "s.ron:2:5: replica: unknown field `replica`\n  |\n2 |     replica: 3,\n  |     ^^^^^^^\n  help: known are replicas\n"
        );
    }
}
