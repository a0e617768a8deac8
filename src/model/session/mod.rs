//! Sessions in files: read with every problem at once, checked, changed, and written back with their comments.
//!
//! Owns the way between a text and a [`Session`]: `decode` reads, `validate` checks, `encode` and `patch`
//! write, `set` changes single fields by their path, `file` is the only place of this layer that touches the
//! disk. Never asks whether what a session names exists. Start at [`Session::open`] and [`save`].

mod decode;
mod encode;
mod file;
mod patch;
mod problem;
mod relocate;
mod set;
#[cfg(test)]
mod tests;
mod validate;
pub mod written;

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

pub use self::{
    file::{SIZE_MAX, save_to, write_text},
    problem::{FieldPath, PROBLEMS_MAX, Part, Problem, Severity, nearest},
    relocate::relocated,
    set::set,
    validate::Pattern,
};
pub use super::document::Session;

use self::{
    decode::{Decoder, Form},
    problem::Problems,
    validate::{Broken, Names},
};
use super::ron_text::{self, Kind, Lines, Node, Span, Tree};

/// What a text was read as.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The session; where something could not be read, the default stands in its place.
    pub session: Session,
    /// Everything that is wrong, in the order of the text. Only without any error is the session the text's.
    pub problems: Vec<Problem>,
    is_faithful: bool,
    source: Source,
}

/// How a session stands in its text.
#[derive(Debug, Clone)]
struct Source {
    tree: Tree,
    lines: Lines,
    form: Form,
}

/// A session that was read without an error, with the text it came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The session.
    pub session: Session,
    /// The text, to be given to [`save`].
    pub text: String,
    /// The file.
    pub path: PathBuf,
    /// What is odd, but no error.
    pub warnings: Vec<Problem>,
    /// What was changed since, and the fields that were.
    assigned: Vec<(FieldPath, String)>,
    source: Source,
}

impl Session {
    /// Reads a text, past every problem in it.
    pub fn parse(text: &str) -> Parsed {
        read(text)
    }

    /// Makes a session of the text of a file; opens nothing.
    ///
    /// # Errors
    /// Every problem of the text, warnings included, when at least one is an error.
    pub fn load(path: &Path, text: impl Into<String>) -> Result<Loaded, Vec<Problem>> {
        let text = text.into();
        let Parsed {
            session,
            problems,
            source,
            ..
        } = Session::parse(&text);
        let problems: Vec<Problem> = problems
            .into_iter()
            .map(|problem| problem.in_file(path))
            .collect();
        if problems.iter().any(Problem::is_error) {
            return Err(problems);
        }
        Ok(Loaded {
            session,
            text,
            path: path.to_owned(),
            warnings: problems,
            assigned: Vec::new(),
            source,
        })
    }

    /// Reads the session in a file.
    ///
    /// # Errors
    /// Every problem of the file.
    pub fn open(path: &Path) -> Result<Loaded, Vec<Problem>> {
        let text = Session::text_in(path).map_err(|problem| vec![problem])?;
        Session::load(path, text)
    }

    /// The text of a file, to be [loaded](Session::load) and to be shown with its problems: a pipe gives it only once.
    ///
    /// # Errors
    /// When the file cannot be read, is no text, or is larger than [`SIZE_MAX`].
    pub fn text_in(path: &Path) -> Result<String, Problem> {
        file::read(path)
    }

    /// The name of the session; without one, that of its file without the ending.
    pub fn name_in(&self, file: &Path) -> String {
        match &self.name {
            Some(name) => name.clone(),
            None => file
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
        }
    }
}

impl Parsed {
    /// Whether nothing is wrong but warnings.
    pub fn is_usable(&self) -> bool {
        !self.problems.iter().any(Problem::is_error)
    }

    /// Whether the session says all that the text says: what is wrong with it then is wrong with what it says, such as a
    /// name that nothing has.
    pub fn is_faithful(&self) -> bool {
        self.is_faithful
    }

    /// Whether a field has the value of the text, and not a default in its place.
    pub fn is_read(&self, field: &FieldPath) -> bool {
        self.source.form.is_read(field)
    }

    /// Everything that keeps the session from being run now, with what was found of its values elsewhere: what is about
    /// a value that could not be read is left out. In the order of `text`, which is the one that was parsed.
    pub fn problems_to_run(&self, text: &str, more: Vec<Problem>) -> Vec<Problem> {
        let mut found = Problems::default();
        let nothing = self.session.nothing_to_run().filter(|_| self.is_usable());
        // Groups without a template are no news then.
        let known = self.problems.iter().filter(|_| nothing.is_none());
        known.cloned().for_each(|problem| found.push(problem));
        for mut problem in nothing.into_iter().chain(more) {
            problem.path = self.source.form.written(&problem.path);
            if self.source.form.is_read(&problem.path) && !found.is_full() {
                found.push(self.source.place(problem, text));
            }
        }
        found.into_sorted(text, &self.source.lines)
    }
}

impl Source {
    fn place(&self, problem: Problem, text: &str) -> Problem {
        match &self.tree.root {
            Some(root) => {
                let span = locate(root, &problem.path);
                problem.at_span(text, &self.lines, span)
            }
            None => problem,
        }
    }
}

impl Loaded {
    /// The name of the session; without one, that of its file without the ending.
    pub fn name(&self) -> String {
        self.session.name_in(&self.path)
    }

    /// Changes one field of the session, as [`set()`] does; the text stays as it is.
    ///
    /// # Errors
    /// When there is no such field, or the value is none for it; the session is then as it was.
    pub fn set(&mut self, assignment: &str) -> Result<(), Problem> {
        let field = set(&mut self.session, assignment)?;
        self.assigned.push((field, assignment.to_owned()));
        Ok(())
    }

    /// Adds file, line and column to a problem of this session that knows only its field. One of a value that was
    /// [set](Self::set) is not in the text: it is told which assignment it comes from.
    pub fn place(&self, problem: Problem) -> Problem {
        let parts = problem.path.parts();
        let mut assigned = self.assigned.iter().rev();
        if let Some((_, by)) = assigned.find(|(field, _)| parts.starts_with(field.parts())) {
            let help = match &problem.help {
                Some(help) => format!("{help}; set by {by}"),
                None => format!("set by {by}"),
            };
            return problem.with_help(help);
        }
        self.source.place(problem, &self.text).in_file(&self.path)
    }
}

fn read(text: &str) -> Parsed {
    let tree = ron_text::parse(text);
    let lines = Lines::new(text);
    let mut problems = Problems::default();
    for found in &tree.problems {
        let mut problem = Problem::error(FieldPath::root(), found.message.clone());
        if let Some(help) = &found.help {
            problem = problem.with_help(help.as_str());
        }
        problems.push(problem.at_span(text, &lines, found.span));
    }
    // A part that was skipped may have held what seems to be missing.
    let torn = !tree.problems.is_empty();
    let before = problems.len();
    let mut source = Source {
        tree,
        lines,
        form: Form::default(),
    };
    let mut session = Session::default();
    let mut is_faithful = false;
    if let Some(root) = source.tree.root.as_ref().filter(|_| !problems.is_full()) {
        let mut decoder = Decoder::new(text, &source.lines, FieldPath::root());
        decoder.problems = problems;
        session = decoder.session(root);
        problems = std::mem::take(&mut decoder.problems);
        source.form = decoder.form;
        is_faithful = !torn && !problems.is_full() && !problems.iter().any(Problem::is_error);
        if !problems.is_full() {
            let warn = !torn && problems.len() == before;
            let broken = broken_names(root, &session, &source.form, &problems);
            for mut problem in session.validate_beside(&broken).into_iter() {
                problem.path = source.form.written(&problem.path);
                if source.form.is_read(&problem.path) && (problem.is_error() || warn) {
                    problems.push(source.place(problem, text));
                }
            }
        }
    }
    Parsed {
        session,
        problems: problems.into_sorted(text, &source.lines),
        is_faithful,
        source,
    }
}

/// The names that stand in the text, or may stand there, and are not in the session.
fn broken_names(root: &Node, session: &Session, form: &Form, problems: &Problems) -> Broken {
    let wrong: HashSet<&FieldPath> = problems.iter().map(|problem| &problem.path).collect();
    let at = FieldPath::root();
    // All names of a map are in doubt where the map itself was misread, or what was meant to be it.
    let names = |holder: &Node, path: &FieldPath, field: &str, read: &dyn Fn(&str) -> bool| {
        let items = child(holder, field).and_then(Node::body);
        let keys = items.into_iter().flat_map(|body| &body.items);
        let path = path.name(field);
        Names {
            all: wrong.contains(&path) || !form.is_read(&path),
            some: keys
                .filter_map(|item| item.key_text())
                .filter(|name| !read(name))
                .map(str::to_owned)
                .collect(),
        }
    };
    let mut broken = Broken {
        queues: names(root, &at, "queues", &|name| {
            session.queues.contains_key(name)
        }),
        groups: names(root, &at, "groups", &|name| {
            session.groups.contains_key(name)
        }),
        hosts: form.is_torn(&at.name("hosts")),
        timeline: form.is_torn(&at.name("timeline")),
        lost: form.lost.clone(),
        ..Broken::default()
    };
    let groups = child(root, "groups").and_then(Node::body);
    for item in groups.into_iter().flat_map(|body| &body.items) {
        let read = item
            .key_text()
            .and_then(|name| session.groups.get_key_value(name));
        if let Some((group, read)) = read {
            let path = at.name("groups").name(group.as_str());
            let templates = names(&item.value, &path, "templates", &|name| {
                read.templates.contains_key(name)
            });
            broken.templates.insert(group.to_string(), templates);
        }
    }
    broken
}

fn child<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    let body = node.without_some().body()?;
    body.items
        .iter()
        .find(|item| item.key_text() == Some(name))
        .map(|item| &item.value)
}

/// The span of a field; of what holds it, where it is not in the text.
fn locate(root: &Node, path: &FieldPath) -> Span {
    let mut node = root;
    let mut span = match &root.kind {
        Kind::Paren(paren) => paren.name.as_ref().map_or(
            Span::new(root.span.start, root.span.start + 1),
            |(_, span)| *span,
        ),
        _ => root.span,
    };
    for (depth, part) in path.parts().iter().enumerate() {
        let Some(body) = node.without_some().body() else {
            break;
        };
        let item = match part {
            Part::Name(name) => (body.items.iter()).find(|item| item.key_text() == Some(name)),
            Part::Index(index) => body.items.get(*index),
        };
        // `Exec([…])`: the list stands in the parentheses of its variant.
        let Some(item) = item else { break };
        node = &item.value;
        let last = depth + 1 == path.parts().len();
        span = match &item.key {
            Some(key) if !last => key.span,
            _ => one_line(&item.value),
        };
    }
    span
}

/// The span of a value, or only of its name where it has entries of its own.
fn one_line(node: &Node) -> Span {
    match &node.kind {
        Kind::Paren(paren) if paren.body.items.iter().any(|item| item.key.is_some()) => {
            paren.name.as_ref().map_or(
                Span::new(node.span.start, node.span.start + 1),
                |(_, span)| *span,
            )
        }
        Kind::List(body) | Kind::Map(body) if body.items.len() > 1 => {
            Span::new(node.span.start, node.span.start + 1)
        }
        _ => node.span,
    }
}

/// The text that a session was written as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The text.
    pub text: String,
    /// Whether parts of the text before could not be kept although they did not change: comments in them are gone, and
    /// whoever saves says so.
    pub anew: bool,
}

/// Writes a session, only what differs from the defaults.
///
/// With the text that it was read from, what did not change keeps its bytes: order, layout and comments. What
/// was taken out goes with its own comments (those on its line and directly above it).
pub fn saved(session: &Session, original: Option<&str>) -> Saved {
    let doc = encode::session(session);
    match original.and_then(|text| patch::patch(text, &doc)) {
        Some((text, anew)) => Saved { text, anew },
        None => Saved {
            text: doc.document(),
            anew: original.is_some_and(|text| !text.trim().is_empty()),
        },
    }
}

/// The text of [`saved`].
pub fn save(session: &Session, original: Option<&str>) -> String {
    saved(session, original).text
}
