//! What is wrong with a session, where, and what to do about it.
//!
//! Owns [`Problem`], the path of a field, and how a problem is shown. Never decides what is wrong: that are
//! `decode` and `validate`.

use std::{fmt, path::Path, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::model::ron_text::{Lines, Position, Span};

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
    /// A field or the key of a map.
    Name(String),
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
        self.with(Part::Name(name.to_owned()))
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

    /// Whether this is `outer` or something inside of it.
    pub fn is_within(&self, outer: &FieldPath) -> bool {
        self.0.starts_with(&outer.0)
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, part) in self.0.iter().enumerate() {
            match part {
                Part::Index(index) => write!(f, "[{index}]")?,
                Part::Name(name) => {
                    let plain = !name.is_empty()
                        && name
                            .chars()
                            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
                    match (plain, at) {
                        (true, 0) => f.write_str(name)?,
                        (true, _) => write!(f, ".{name}")?,
                        (false, _) => write!(f, "[{name:?}]")?,
                    }
                }
            }
        }
        Ok(())
    }
}

/// The greatest length of a message in characters.
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
        let mut message: String = message.into();
        // A message may quote a text of the file, which may be as long as the file.
        if let Some((end, _)) = message.char_indices().nth(MESSAGE_MAX) {
            message.truncate(end);
            message.push('…');
        }
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
        self.help = Some(help.into());
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
            let line = Lines::new(text).line(text, at.line).to_owned();
            out.push_str(&excerpt(&line, at, span));
        }
        if let Some(help) = &self.help {
            out.push_str(&format!("  help: {help}\n"));
        }
        out
    }
}

/// How many characters of a long line are shown, and how many of them before the mark.
const SHOWN: (usize, usize) = (120, 60);

fn excerpt(line: &str, at: Position, span: Span) -> String {
    let column = at.column as usize;
    let skipped = if column > SHOWN.0 {
        column - SHOWN.1
    } else {
        0
    };
    let visible = |c: char| if c.is_control() { ' ' } else { c };
    let shown: String = line
        .chars()
        .skip(skipped)
        .take(SHOWN.0)
        .map(visible)
        .collect();
    let number = at.line.to_string();
    let before = column - 1 - skipped;
    let room = shown.chars().count().saturating_sub(before).max(1);
    // The mark covers what lies on this line; bytes are near enough to characters for a mark.
    let width = span.end.saturating_sub(span.start).clamp(1, room);
    let gutter = " ".repeat(number.len());
    format!(
        "{gutter} |\n{number} | {shown}\n{gutter} | {}{}\n",
        " ".repeat(before),
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

/// Sorts by place in the text; problems without a place come last, in the order they were found.
pub(super) fn sort(problems: &mut [Problem]) {
    problems.sort_by_key(|problem| {
        problem
            .span
            .map_or((usize::MAX, usize::MAX), |span| (span.start, span.end))
    });
}

/// `: did you mean …?` when one of the known words is near, else nothing.
pub(super) fn did_you_mean<'w>(word: &str, known: impl IntoIterator<Item = &'w str>) -> String {
    nearest(word, known)
        .map(|near| format!(": did you mean `{near}`?"))
        .unwrap_or_default()
}

/// The known word that is most like `word`, if one is alike at all.
pub fn nearest<'w>(word: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    const LONGEST: usize = 64;
    let fold = |text: &str| -> Vec<char> { text.to_lowercase().chars().take(LONGEST).collect() };
    let word = fold(word);
    known
        .into_iter()
        .map(|candidate| (distance(&word, &fold(candidate)), candidate))
        .filter(|(distance, candidate)| {
            let length = word.len().max(candidate.chars().count());
            *distance <= (length / 3).max(1) && *distance < length
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters must be inserted, removed, replaced or swapped with their neighbour (optimal string
/// alignment) to make one word of the other.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, cb) in b.iter().enumerate() {
            let replaced = last[j] + usize::from(ca != cb);
            let mut best = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *ca == b[j - 1] && a[i - 1] == *cb {
                best = best.min(before_last[j - 1] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_word_is_found_and_a_far_one_is_not() {
        let fields = ["replicas", "restart", "ready", "env"];
        assert_eq!(nearest("replica", fields), Some("replicas"));
        assert_eq!(nearest("Replicas", fields), Some("replicas"));
        assert_eq!(nearest("erplicas", fields), Some("replicas"));
        assert_eq!(nearest("evn", fields), Some("env"));
        assert_eq!(nearest("colour", fields), None);
        assert_eq!(nearest("x", fields), None);
        assert_eq!(nearest("", ["a"]), None);
    }

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
