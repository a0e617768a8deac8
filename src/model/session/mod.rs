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
mod set;
#[cfg(test)]
mod tests;
mod validate;

use std::path::{Path, PathBuf};

pub use self::{
    file::{SIZE_MAX, save_to},
    problem::{FieldPath, Part, Problem, Severity, nearest},
    set::set,
    validate::Pattern,
};
pub use super::document::Session;

use self::{decode::Decoder, validate::Broken};
use super::{
    ids::is_name,
    ron_text::{self, Kind, Lines, Node, Span, Tree},
};

/// What a text was read as.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The session; where something could not be read, the default stands in its place.
    pub session: Session,
    /// Everything that is wrong, in the order of the text. Only without any error is the session the text's.
    pub problems: Vec<Problem>,
    tree: Tree,
    lines: Lines,
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
    tree: Tree,
    lines: Lines,
}

impl Session {
    /// Reads a text, past every problem in it.
    pub fn parse(text: &str) -> Parsed {
        let (session, problems, tree, lines) = read(text);
        Parsed {
            session,
            problems,
            tree,
            lines,
        }
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
            tree,
            lines,
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
            tree,
            lines,
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
}

impl Loaded {
    /// The name of the session; without one, that of its file without the ending.
    pub fn name(&self) -> String {
        self.session.name_in(&self.path)
    }

    /// Adds file, line and column to a problem of this session that knows only its field.
    pub fn place(&self, problem: Problem) -> Problem {
        match self.tree.root.as_ref() {
            Some(root) => problem.at_span_of(root, &self.text, &self.lines),
            None => problem,
        }
        .in_file(&self.path)
    }
}

impl Problem {
    fn at_span_of(self, root: &Node, text: &str, lines: &Lines) -> Self {
        let span = locate(root, &self.path);
        self.at_span(text, lines, span)
    }
}

fn read(text: &str) -> (Session, Vec<Problem>, Tree, Lines) {
    let tree = ron_text::parse(text);
    let lines = Lines::new(text);
    let mut problems: Vec<Problem> = tree
        .problems
        .iter()
        .map(|found| {
            let mut problem = Problem::error(FieldPath::root(), found.message.clone())
                .at_span(text, &lines, found.span);
            problem.help = found.help.as_deref().map(Into::into);
            problem
        })
        .collect();
    let mut session = Session::default();
    if let Some(root) = &tree.root {
        let mut decoder = Decoder::new(text, &lines, FieldPath::root());
        session = decoder.session(root);
        let form = decoder.problems;
        let meaning = session.validate_beside(&broken_names(root, &session));
        // Where the form is wrong, the meaning of the default that stands there says nothing.
        let known: std::collections::HashSet<&FieldPath> =
            form.iter().map(|problem| &problem.path).collect();
        let fresh = |path: &FieldPath| {
            let mut outer = FieldPath::root();
            !path.parts().iter().any(|part| {
                outer.push(part.clone());
                known.contains(&outer)
            })
        };
        // A part that was skipped may have held what seems to be missing.
        let torn = !problems.is_empty();
        let meaning: Vec<Problem> = meaning
            .into_iter()
            .filter(|problem| {
                fresh(&problem.path) && (problem.is_error() || (!torn && form.is_empty()))
            })
            .map(|problem| problem.at_span_of(root, text, &lines))
            .collect();
        problems.extend(form);
        problems.extend(meaning);
    }
    problem::sort(&mut problems);
    (session, problems, tree, lines)
}

/// The names that stand in the text and are not in the session.
fn broken_names(root: &Node, session: &Session) -> Broken {
    let mut broken = Broken::default();
    let keys = |node: Option<&Node>| -> Vec<(String, Node)> {
        let items = node
            .and_then(Node::body)
            .map(|body| body.items.as_slice())
            .unwrap_or_default();
        items
            .iter()
            .filter_map(|item| Some((item.key_text()?.to_owned(), item.value.clone())))
            .collect()
    };
    for (name, _) in keys(child(root, "queues")) {
        if !session.queues.contains_key(name.as_str()) {
            broken.queues.insert(name);
        }
    }
    for (group, node) in keys(child(root, "groups")) {
        match session.groups.get(group.as_str()) {
            None => drop(broken.groups.insert(group)),
            Some(read) => {
                for (name, _) in keys(child(&node, "templates")) {
                    if !is_name(&name) || !read.templates.contains_key(name.as_str()) {
                        broken.templates.insert((group.clone(), name));
                    }
                }
            }
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
            Part::Name(name) => body.items.iter().find(|item| item.key_text() == Some(name)),
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
    /// Whether nothing of the text before could be kept: its comments and its layout are gone, and whoever saves says so.
    pub anew: bool,
}

/// Writes a session, only what differs from the defaults.
///
/// With the text that it was read from, what did not change keeps its bytes: order, layout and comments. What
/// was taken out goes with its own comments (those on its line and directly above it).
pub fn saved(session: &Session, original: Option<&str>) -> Saved {
    let doc = encode::session(session);
    match original.and_then(|text| patch::patch(text, &doc)) {
        Some(text) => Saved { text, anew: false },
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
