//! From the tree of a text to the values of a session, past every problem.
//!
//! Owns the rules of *form*: which fields there are, of which type, in which range. What only makes sense
//! of several fields together is in `validate`. A reader that meets something wrong reports it and leaves
//! the default in place, so that the rest is still checked. The generic readers are here; `fields` and
//! `template` apply them to each type of a session.

mod fields;
mod template;

pub(super) use fields::{
    DECLARED_FIELDS, GROUP_FIELDS, POLICY_FIELDS, QUEUE_FIELDS, SESSION_FIELDS, STOP_FIELDS,
    TEMPLATE_FIELDS,
};

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use super::problem::{FieldPath, Part, Problem, Problems, did_you_mean, nearest};
use crate::model::{
    ron_text::{Body, Item, Kind, Lines, Node, Paren, Span, write_text},
    template::humantime_text,
};

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

    pub(super) fn text(&mut self, node: &Node) -> Option<String> {
        match &node.kind {
            Kind::Text(text) => Some(text.clone()),
            Kind::Name(name) => {
                let help = format!("write {}", write_text(name));
                self.problem_with(node.span, "expected text in double quotes", Some(help));
                None
            }
            _ => {
                self.expected("text", node);
                None
            }
        }
    }

    pub(super) fn boolean(&mut self, node: &Node) -> Option<bool> {
        match &node.kind {
            Kind::Bool(value) => Some(*value),
            Kind::Name(name) => {
                let near = did_you_mean(name, ["true", "false"]);
                self.problem(
                    node.span,
                    format!("expected true or false, found `{name}`{near}"),
                );
                None
            }
            _ => {
                self.expected("true or false", node);
                None
            }
        }
    }

    /// A whole number from `least` to `most`.
    pub(super) fn integer<T: TryFrom<i128>>(
        &mut self,
        node: &Node,
        least: u64,
        most: u64,
    ) -> Option<T> {
        let Kind::Integer(number) = &node.kind else {
            self.expected("a whole number", node);
            return None;
        };
        if (i128::from(least)..=i128::from(most)).contains(number)
            && let Ok(value) = T::try_from(*number)
        {
            return Some(value);
        }
        let field = self.path.parts().iter().rev().find_map(|part| match part {
            Part::Name(name) => Some(name.clone()),
            Part::Index(_) => None,
        });
        // A limit that nobody meets is only named to who does.
        let range = if most >= u64::from(u32::MAX) && *number < i128::from(least) {
            format!("{} or more", grouped(least))
        } else {
            format!("{} to {}", grouped(least), grouped(most))
        };
        let message = format!("{} must be {range}", field.as_deref().unwrap_or("it"));
        self.problem(node.span, message);
        None
    }

    pub(super) fn duration(&mut self, node: &Node) -> Option<Duration> {
        match &node.kind {
            Kind::Text(text) => match humantime_text::parse(text) {
                Ok(duration) => Some(duration),
                Err(message) => {
                    self.problem(node.span, message);
                    None
                }
            },
            Kind::Integer(number) => {
                let help = format!("write \"{number}s\" for seconds");
                self.problem_with(
                    node.span,
                    "expected a duration as text, found a whole number",
                    Some(help),
                );
                None
            }
            _ => {
                self.expected("a duration such as \"5s\"", node);
                None
            }
        }
    }

    /// A text that `read` makes something of, or says why not.
    pub(super) fn parsed<T, E: std::fmt::Display>(
        &mut self,
        node: &Node,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(node)?;
        match read(&text) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.problem(node.span, problem.to_string());
                None
            }
        }
    }

    /// Which of the variants it is, and what stands in its parentheses.
    pub(super) fn variant<'n>(
        &mut self,
        node: &'n Node,
        known: &[Variant],
    ) -> Option<(&'static str, Option<&'n Paren>)> {
        let (name, span, paren) = match &node.kind {
            Kind::Name(name) => (&**name, node.span, None),
            Kind::Paren(paren) if let Some((name, span)) = &paren.name => {
                (&**name, *span, Some(&**paren))
            }
            _ => {
                self.expected(&forms(known), node);
                return None;
            }
        };
        let Some((variant, form)) = known.iter().find(|(variant, _)| *variant == name) else {
            let near = did_you_mean(name, known.iter().map(|(variant, _)| *variant));
            let help = near.is_empty().then(|| format!("write {}", forms(known)));
            self.problem_with(span, format!("unknown variant `{name}`{near}"), help);
            return None;
        };
        let bare = variant == form;
        match paren {
            Some(paren) if bare && !paren.body.items.is_empty() => {
                self.problem(node.span, format!("`{variant}` takes nothing"));
                None
            }
            None if !bare => {
                self.problem_with(
                    node.span,
                    format!("`{variant}` lacks its value"),
                    Some(format!("write {form}")),
                );
                None
            }
            _ => Some((variant, paren)),
        }
    }

    /// The values in a variant's parentheses, exactly `N` of them.
    pub(super) fn values<'n, const N: usize>(
        &mut self,
        variant: &str,
        paren: Option<&'n Paren>,
        form: &str,
    ) -> Option<[&'n Node; N]> {
        let paren = paren?;
        let items = &paren.body.items;
        let span = paren
            .name
            .as_ref()
            .map_or(paren.body.inner, |(_, span)| *span);
        let mut nodes = Vec::with_capacity(N);
        for item in items {
            if let Some(key) = &item.key {
                self.problem_with(
                    key.span,
                    format!("`{variant}` has no named fields"),
                    Some(format!("write {form}")),
                );
                return None;
            }
            nodes.push(&item.value);
        }
        match <[&Node; N]>::try_from(nodes) {
            Ok(nodes) => Some(nodes),
            Err(nodes) => {
                let message = format!(
                    "`{variant}` takes {}, found {}",
                    values(N),
                    values(nodes.len())
                );
                self.problem_with(span, message, Some(format!("write {form}")));
                None
            }
        }
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

fn values(count: usize) -> String {
    if count == 1 {
        "one value".to_owned()
    } else {
        format!("{count} values")
    }
}

/// How the variants are written, as a person lists alternatives.
fn forms(known: &[Variant]) -> String {
    let forms: Vec<&str> = known.iter().map(|(_, form)| *form).collect();
    match forms.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// A number with its thousands apart.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
