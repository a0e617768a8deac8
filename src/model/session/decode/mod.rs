//! From the tree of a text to the values of a session, past every problem.
//!
//! Owns the rules of *form*: which fields there are, of which type, in which range. What only makes sense
//! of several fields together is in `validate`. A reader that meets something wrong reports it and leaves
//! the default in place, so that the rest is still checked. The readers of structs, maps and lists are here, those of
//! single values in `values`; `fields` and `template` apply them to each type of a session.

mod fields;
mod template;
mod values;

pub(super) use fields::{
    DECLARED_FIELDS, GROUP_FIELDS, POLICY_FIELDS, QUEUE_FIELDS, SESSION_FIELDS, STOP_FIELDS,
    TEMPLATE_FIELDS,
};

pub(super) use values::grouped;

use std::collections::{HashMap, HashSet};

use super::problem::{FieldPath, Part, Problem, Problems, did_you_mean, nearest};
use crate::model::ron_text::{Body, Item, Kind, Lines, Node, Span, write_text};

/// A variant of an enum: its name, and how it is written.
pub(super) type Variant = (&'static str, &'static str);

/// Reads values and collects what is wrong with them.
pub(super) struct Decoder<'t> {
    text: &'t str,
    lines: &'t Lines,
    /// The field that is being read.
    path: FieldPath,
    pub(super) problems: Problems,
    pub(super) form: Form,
}

/// How the values that were read differ from the text.
#[derive(Debug, Clone, Default)]
pub(super) struct Form {
    /// The fields whose value could not be read: a default stands there, and its meaning says nothing.
    pub(super) lost: HashSet<FieldPath>,
    /// The lists that lack an element that could not be read, each with the places of those it has.
    gaps: HashMap<FieldPath, Vec<usize>>,
}

impl<'t> Decoder<'t> {
    pub(super) fn new(text: &'t str, lines: &'t Lines, path: FieldPath) -> Self {
        Self {
            text,
            lines,
            path,
            problems: Problems::default(),
            form: Form::default(),
        }
    }

    /// Reports a problem of the present field, whose value is lost by it.
    pub(super) fn problem(&mut self, span: Span, message: impl Into<String>) {
        self.problem_with(span, message, None);
    }

    pub(super) fn problem_with(
        &mut self,
        span: Span,
        message: impl Into<String>,
        help: Option<String>,
    ) {
        if !self.problems.is_full() {
            self.form.lost.insert(self.path.clone());
        }
        self.remark(span, message, help);
    }

    /// Reports a problem beside the value of the present field, which can be read nevertheless.
    fn remark(&mut self, span: Span, message: impl Into<String>, help: Option<String>) {
        if self.problems.is_full() {
            return;
        }
        let mut problem =
            Problem::error(self.path.clone(), message).at_span(self.text, self.lines, span);
        if let Some(help) = help {
            problem = problem.with_help(help);
        }
        self.problems.push(problem);
    }

    /// Reports that the node is not what it should be. One that could not even be parsed has been reported.
    pub(super) fn expected(&mut self, what: &str, node: &Node) {
        if node.kind != Kind::Broken {
            let message = format!("expected {what}, found {}", node.describe());
            self.problem(node.span, message);
        }
    }

    /// Does something one step further in.
    pub(super) fn within<T>(&mut self, part: Part, act: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(part);
        let result = act(self);
        self.path.pop();
        result
    }

    pub(super) fn field<T>(&mut self, name: &str, act: impl FnOnce(&mut Self) -> T) -> T {
        self.within(Part::Name(name.into()), act)
    }

    fn place(&self, span: Span) -> String {
        let at = self.lines.position(self.text, span.start);
        format!("line {}, column {}", at.line, at.column)
    }

    /// The fields of a struct that are known, each once.
    pub(super) fn fields<'n>(
        &mut self,
        node: &'n Node,
        type_name: &str,
        known: &[&'static str],
    ) -> Vec<(&'static str, &'n Node)> {
        let Kind::Paren(paren) = &node.kind else {
            self.expected(&format!("`{type_name}(…)`"), node);
            return Vec::new();
        };
        if let Some((name, span)) = &paren.name
            && **name != *type_name
        {
            let near = did_you_mean(name, [type_name]);
            let wrong = if near.is_empty() {
                format!("expected `{type_name}(…)`, found `{name}(…)`")
            } else {
                format!("unknown type `{name}`{near}")
            };
            self.remark(*span, wrong, None);
        }
        self.named(&paren.body.items, known)
    }

    fn named<'n>(
        &mut self,
        items: &'n [Item],
        known: &[&'static str],
    ) -> Vec<(&'static str, &'n Node)> {
        let mut seen: HashMap<&str, Span> = HashMap::new();
        let mut fields = Vec::new();
        for item in items {
            if self.problems.is_full() {
                break;
            }
            let (Some(key), Some(name)) = (&item.key, item.key_text()) else {
                if item.value.kind != Kind::Broken && item.key.is_none() {
                    let message = format!(
                        "expected a field with its name, found {}",
                        item.value.describe()
                    );
                    self.remark(item.value.span, message, None);
                }
                continue;
            };
            if let Some(first) = seen.insert(name, key.span) {
                let message = format!(
                    "duplicate field `{}`, first written at {}",
                    name.escape_debug(),
                    self.place(first)
                );
                self.field(name, |d| d.remark(key.span, message, None));
                seen.insert(name, first);
                continue;
            }
            match known.iter().find(|field| **field == name) {
                Some(field) => fields.push((*field, &item.value)),
                None => {
                    let near = did_you_mean(name, known.iter().copied());
                    let help = near
                        .is_empty()
                        .then(|| format!("known are {}", known.join(", ")));
                    let message = format!("unknown field `{}`{near}", name.escape_debug());
                    self.field(name, |d| d.problem_with(key.span, message, help));
                    // The value of the field that was meant stands here.
                    if let Some(meant) = nearest(name, known.iter().copied()) {
                        self.field(meant, |d| d.form.lost.insert(d.path.clone()));
                    }
                }
            }
        }
        fields
    }

    /// The entries of a map with text as keys, each key once.
    pub(super) fn entries<'n>(
        &mut self,
        node: &'n Node,
        what: &str,
    ) -> Vec<(&'n str, Span, &'n Node)> {
        let Kind::Map(body) = &node.kind else {
            self.expected("a map `{ \"name\": … }`", node);
            return Vec::new();
        };
        let mut seen: HashMap<&str, Span> = HashMap::new();
        let mut entries = Vec::new();
        for item in &body.items {
            if self.problems.is_full() {
                break;
            }
            let Some(key) = &item.key else { continue };
            let name = match &key.kind {
                Kind::Text(name) => name.as_str(),
                Kind::Name(name) => {
                    let help = format!("write {}", write_text(name));
                    self.field(name, |d| {
                        d.problem_with(
                            key.span,
                            format!("a {what} stands in double quotes"),
                            Some(help),
                        )
                    });
                    continue;
                }
                _ => {
                    let found = key.describe();
                    let message = format!("expected a {what} in double quotes, found {found}");
                    self.remark(key.span, message, None);
                    continue;
                }
            };
            if let Some(first) = seen.get(name) {
                let message = format!(
                    "duplicate {what} {name:?}, first written at {}",
                    self.place(*first)
                );
                self.field(name, |d| d.remark(key.span, message, None));
                continue;
            }
            seen.insert(name, key.span);
            entries.push((name, key.span, &item.value));
        }
        entries
    }

    /// The values of a list, each read within its index.
    pub(super) fn list<T>(
        &mut self,
        node: &Node,
        mut read: impl FnMut(&mut Self, &Node) -> Option<T>,
    ) -> Vec<T> {
        let Kind::List(body) = &node.kind else {
            self.expected("a list `[…]`", node);
            return Vec::new();
        };
        self.elements(body, indices(body), |d, item| read(d, &item.value))
    }

    /// The values that the entries of a body stand for, each read one step further in; where some cannot be read,
    /// remembers which are left.
    fn elements<T>(
        &mut self,
        body: &Body,
        parts: impl Iterator<Item = Part>,
        mut read: impl FnMut(&mut Self, &Item) -> Option<T>,
    ) -> Vec<T> {
        let mut values = Vec::with_capacity(body.items.len());
        let mut places = Vec::with_capacity(body.items.len());
        for ((index, item), part) in body.items.iter().enumerate().zip(parts) {
            if self.problems.is_full() {
                break;
            }
            if let Some(value) = self.within(part, |d| read(d, item)) {
                values.push(value);
                places.push(index);
            }
        }
        if places.len() < body.items.len() {
            self.form.gaps.insert(self.path.clone(), places);
        }
        values
    }

    /// A value that may also be `None` or stand in `Some(…)`.
    pub(super) fn optional<T>(
        &mut self,
        node: &Node,
        read: impl FnOnce(&mut Self, &Node) -> Option<T>,
    ) -> Option<T> {
        let node = node.without_some();
        if matches!(&node.kind, Kind::Name(name) if &**name == "None") {
            return None;
        }
        read(self, node)
    }
}

/// The steps to the entries of a list.
fn indices(body: &Body) -> impl Iterator<Item = Part> + use<> {
    (0..body.items.len()).map(Part::Index)
}

impl Form {
    /// Whether neither the field nor anything that holds it was lost.
    pub(super) fn is_read(&self, path: &FieldPath) -> bool {
        let mut outer = FieldPath::root();
        let lost = self.lost.contains(&outer);
        !lost
            && !path.parts().iter().any(|part| {
                outer.push(part.clone());
                self.lost.contains(&outer)
            })
    }

    /// Whether a list, or some element of it, was lost.
    pub(super) fn is_torn(&self, path: &FieldPath) -> bool {
        self.gaps.contains_key(path) || !self.is_read(path)
    }

    /// The path in the text of a field of the session that was read from it.
    pub(super) fn written(&self, path: &FieldPath) -> FieldPath {
        let mut written = FieldPath::root();
        for part in path.parts() {
            let place = match part {
                Part::Index(index) => self
                    .gaps
                    .get(&written)
                    .and_then(|places| places.get(*index)),
                Part::Name(_) => None,
            };
            written.push(place.map_or_else(|| part.clone(), |place| Part::Index(*place)));
        }
        written
    }
}
