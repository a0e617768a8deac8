//! Reading the files that a user writes for the screens: themes and settings.
//!
//! Owns what both have in common: a struct with a version, fields that are known and written once, and problems
//! with their places, all in one go. Never stops at the first, and never decides what a value means.

use crate::model::{
    ron_text::{self, Body, Item, Kind, Lines, Node, Span},
    session::{FieldPath, Problem, nearest},
};

/// The only version of either that there is.
const VERSION: i128 = 1;

/// A text that is read, and what is wrong with it.
pub(super) struct Reading<'t> {
    text: &'t str,
    lines: Lines,
    /// The name of the struct.
    name: &'static str,
    problems: Vec<Problem>,
}

impl<'t> Reading<'t> {
    /// Parses a text that holds one struct of that name.
    pub fn new(text: &'t str, name: &'static str) -> (Self, Option<Node>) {
        let tree = ron_text::parse(text);
        let mut reading = Self {
            text,
            lines: Lines::new(text),
            name,
            problems: Vec::new(),
        };
        for it in tree.problems {
            let mut problem = Problem::error(FieldPath::root(), it.message).at_span(
                text,
                &reading.lines,
                it.span,
            );
            problem.help = it.help.map(Into::into);
            reading.problems.push(problem);
        }
        (reading, tree.root)
    }

    /// What stands in the struct; says so when it is another one, or of another version.
    pub fn root<'n>(&mut self, root: &'n Node) -> Option<&'n Body> {
        let Kind::Paren(paren) = &root.kind else {
            self.expected("", &format!("`{}(…)`", self.name), root);
            return None;
        };
        if let Some((name, span)) = &paren.name
            && **name != *self.name
        {
            self.say(
                "",
                *span,
                format!("expected `{}(…)`, found `{name}(…)`", self.name),
            );
            return None;
        }
        let version = paren
            .body
            .items
            .iter()
            .find(|item| item.key_text() == Some("version"));
        match version {
            None => {
                let start = Span::new(root.span.start, root.span.start);
                self.say(
                    "version",
                    start,
                    format!("missing: write `version: {VERSION}`"),
                );
            }
            Some(item) if item.value.kind != Kind::Integer(VERSION) => {
                let message = format!("only version {VERSION} is known to this program");
                self.say("version", item.value.span, message);
            }
            Some(_) => {}
        }
        Some(&paren.body)
    }

    /// The fields of a struct or the entries of a map, each once.
    pub fn fields<'n>(&mut self, field: &str, body: &'n Body) -> Vec<(&'n str, &'n Item)> {
        let mut seen: Vec<(&str, &Item)> = Vec::new();
        for item in &body.items {
            match item.key_text() {
                None if item.key.is_some() => {
                    self.say(
                        field,
                        item.span(),
                        "expected text before the colon".to_owned(),
                    );
                }
                None => self.expected(field, "a field with its name", &item.value),
                Some(name) if seen.iter().any(|(known, _)| *known == name) => {
                    let message = format!("`{}` is written twice", name.escape_debug());
                    self.say(field, item.span(), message);
                }
                Some(name) => seen.push((name, item)),
            }
        }
        seen
    }

    /// Reports something about a field, whose path is written with dots.
    pub fn say(&mut self, field: &str, span: Span, message: String) {
        let path = field
            .split('.')
            .filter(|part| !part.is_empty())
            .fold(FieldPath::root(), |path, part| path.name(part));
        self.problems
            .push(Problem::error(path, message).at_span(self.text, &self.lines, span));
    }

    /// Reports that something else should stand there. What could not even be parsed has been reported.
    pub fn expected(&mut self, field: &str, what: &str, node: &Node) {
        if node.kind != Kind::Broken {
            let message = format!("expected {what}, found {}", node.describe());
            self.say(field, node.span, message);
        }
    }

    /// Reports a name that nobody knows, with a guess or else the names there are.
    pub fn unknown(&mut self, field: &str, span: Span, what: &str, name: &str, known: &[&str]) {
        let near = nearest(name, known.iter().copied());
        let guess = near.map_or_else(String::new, |near| format!(": did you mean `{near}`?"));
        self.say(
            field,
            span,
            format!("unknown {what} `{}`{guess}", name.escape_debug()),
        );
        if near.is_none()
            && let Some(problem) = self.problems.last_mut()
        {
            problem.help = Some(format!("known are {}", known.join(", ")).into());
        }
    }

    /// Everything that is wrong, in the order of the text.
    pub fn finish(mut self) -> Vec<Problem> {
        self.problems
            .sort_by_key(|it| it.span.map(|span| span.start));
        self.problems
    }
}
