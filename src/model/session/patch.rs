//! Changes in a text that leave alone what did not change.
//!
//! The text is read again, its document is compared with the new one, and only the spans that differ are
//! written anew. An entry of a list, map or struct owns its line's comments and those directly above it; they
//! move and go with it, while comments behind a blank line stay. The result is read back: should it mean
//! anything else than the session, less deep values are written anew, as few as will do. Which old value of a list a
//! new one was made of is in `align`.

mod align;

use std::collections::HashMap;

use self::align::align;
use super::{
    Session, decode,
    encode::{self, Doc, STEP},
};
use crate::model::ron_text::{self, Body, Item, Kind, Node, Span, write_text};

/// How deep values are changed in place at first: deeper than any session is.
const DEPTH: usize = ron_text::DEPTH_MAX;

/// Where a changed text is not read back as it was meant, whole values are written anew: first those in this depth (an
/// entry of a template), then those around them, last the fields of the session.
const DEPTH_ANEW: usize = 5;

/// The text with the changes that make it the document, and whether more was written anew than changed; nothing when the
/// text is no session.
pub(super) fn patch(text: &str, new: &Doc) -> Option<(String, bool)> {
    let old = read(text)?;
    if old == *new {
        return Some((text.to_owned(), false));
    }
    std::iter::once(DEPTH)
        .chain((1..=DEPTH_ANEW).rev())
        .filter_map(|depth| Some((at_depth(text, &old, new, depth)?, depth < DEPTH)))
        .find(|(out, _)| read(out).is_some_and(|read| read == *new))
}

/// The text, which says `old`, changed in place down to a depth; what is deeper is written anew where it differs.
pub(super) fn at_depth(text: &str, old: &Doc, new: &Doc, depth: usize) -> Option<String> {
    let tree = ron_text::parse(text);
    let root = tree.root?;
    let patcher = Patcher::new(text, &root, &tree.comments);
    let (before, after) = (text.get(..root.span.start)?, text.get(root.span.end..)?);
    let changed = patcher.node(&root, old, new, depth);
    Some(format!("{before}{changed}{after}"))
}

/// The document of a text whose form is right.
fn read(text: &str) -> Option<Doc> {
    let lines = ron_text::Lines::new(text);
    let tree = ron_text::parse(text);
    let mut decoder = super::Decoder::new(text, &lines, super::FieldPath::root());
    let session: Session = decoder.session(tree.root.as_ref()?);
    (tree.problems.is_empty() && decoder.problems.len() == 0).then(|| encode::session(&session))
}

/// An entry of the text with everything around it that belongs to it.
struct Chunk<'t> {
    /// Comments before it that a blank line keeps apart.
    detached: &'t str,
    /// From there to the entry.
    lead: &'t str,
    /// Between the entry and its comma.
    between: &'t str,
    comma: bool,
    /// From the comma to the end of the line.
    trail: &'t str,
}

/// An entry of the result.
enum Entry {
    /// One of the text, with its bytes from now on.
    Kept(usize, String),
    /// A new one.
    Added(String),
}

struct Patcher<'t> {
    text: &'t str,
    /// In the order of the text.
    comments: &'t [Span],
    /// One step of indentation in this file.
    step: String,
    newline: &'static str,
}

impl<'t> Patcher<'t> {
    fn new(text: &'t str, root: &Node, comments: &'t [Span]) -> Self {
        let mut patcher = Self {
            text,
            comments,
            step: STEP.to_owned(),
            newline: if text.contains("\r\n") { "\r\n" } else { "\n" },
        };
        let first = root.body().and_then(|body| body.items.first());
        if let Some(indent) = first.and_then(|item| patcher.own_indent(item.span().start))
            && !indent.is_empty()
        {
            patcher.step = indent.to_owned();
        }
        patcher
    }

    fn slice(&self, start: usize, end: usize) -> &'t str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// The blanks at the beginning of the line that holds this offset.
    fn indent(&self, at: usize) -> &'t str {
        let start = self
            .slice(0, at)
            .rfind('\n')
            .map_or(0, |newline| newline + 1);
        let line = self.slice(start, at);
        line.get(..line.len() - line.trim_start_matches([' ', '\t']).len())
            .unwrap_or_default()
    }

    /// The same, if nothing but blanks stands before the offset in its line.
    fn own_indent(&self, at: usize) -> Option<&'t str> {
        let indent = self.indent(at);
        self.slice(0, at)
            .ends_with(&format!("\n{indent}"))
            .then_some(indent)
    }

    /// A new value, to be written in a line with this indentation.
    fn written(&self, doc: &Doc, indent: &str, used: usize) -> String {
        doc.pretty(indent, &self.step, used)
            .replace('\n', self.newline)
    }

    /// The text of a node that stood for `old` and is to stand for `new`; written anew at a depth of 0.
    fn node(&self, node: &Node, old: &Doc, new: &Doc, depth: usize) -> String {
        let whole = node.span.of(self.text);
        if old == new {
            return whole.to_owned();
        }
        let inner = node.without_some();
        let deeper = depth.checked_sub(1);
        let patched = deeper.and_then(|depth| match (&inner.kind, old, new) {
            (Kind::Paren(paren), Doc::Struct(was, old), Doc::Struct(is, new)) if was == is => {
                self.fields(inner, &paren.body, was, old, new, depth)
            }
            (Kind::Map(body), Doc::Map(old), Doc::Map(new)) => {
                self.map(inner, body, old, new, depth)
            }
            (Kind::List(body), Doc::List(old), Doc::List(new)) => {
                self.list(inner, body, old, new, depth)
            }
            _ => None,
        });
        let patched = patched.unwrap_or_else(|| self.written(new, self.indent(node.span.start), 0));
        let (before, after) = (
            self.slice(node.span.start, inner.span.start),
            self.slice(inner.span.end, node.span.end),
        );
        format!("{before}{patched}{after}")
    }

    /// An entry with its key as it stands, and its value anew.
    fn entry(&self, item: &Item, value: String) -> String {
        let before = self.slice(item.span().start, item.value.span.start);
        format!("{before}{value}")
    }

    fn fields(
        &self,
        node: &Node,
        body: &Body,
        type_name: &str,
        old: &[(&'static str, Doc)],
        new: &[(&'static str, Doc)],
        depth: usize,
    ) -> Option<String> {
        if body.items.iter().any(|item| item.key.is_none()) {
            return None;
        }
        let find = |fields: &'_ [(&'static str, Doc)], name: &str| {
            fields.iter().position(|(field, _)| *field == name)
        };
        let mut entries: Vec<(&str, Entry)> = Vec::new();
        for (index, item) in body.items.iter().enumerate() {
            let name = item.key_text()?;
            let value = match (find(old, name), find(new, name)) {
                (Some(was), Some(is)) => self.node(&item.value, &old[was].1, &new[is].1, depth),
                // The file states a default, and it is still one.
                (None, None) => item.value.span.of(self.text).to_owned(),
                (None, Some(is)) => {
                    self.node(&item.value, &nothing_like(&new[is].1), &new[is].1, depth)
                }
                (Some(_), None) => continue,
            };
            entries.push((name, Entry::Kept(index, self.entry(item, value))));
        }
        let indent = self.entry_indent(node, body);
        // A new field goes behind the one that comes before it in the canonical order.
        let order = canonical_order(type_name);
        for (name, doc) in new {
            if entries.iter().any(|(there, _)| there == name) {
                continue;
            }
            let place = order.iter().position(|field| field == name).unwrap_or(0);
            let behind = order[..place]
                .iter()
                .rev()
                .find_map(|before| entries.iter().position(|(there, _)| there == before));
            let added = format!("{name}: {}", self.written(doc, &indent, name.len() + 2));
            let at = behind.map_or(0, |at| at + 1);
            entries.insert(at, (name, Entry::Added(added)));
        }
        let entries = entries.into_iter().map(|(_, entry)| entry).collect();
        self.body(node, body, entries)
    }

    fn map(
        &self,
        node: &Node,
        body: &Body,
        old: &[(String, Doc)],
        new: &[(String, Doc)],
        depth: usize,
    ) -> Option<String> {
        let places: HashMap<String, usize> = body
            .items
            .iter()
            .enumerate()
            .filter_map(|(index, item)| Some((self.written_key(item.key.as_ref()?), index)))
            .collect();
        let was: HashMap<&str, &Doc> = old.iter().map(|(key, doc)| (key.as_str(), doc)).collect();
        let indent = self.entry_indent(node, body);
        let mut entries = Vec::with_capacity(new.len());
        for (key, doc) in new {
            entries.push(match (places.get(key), was.get(key.as_str())) {
                (Some(index), Some(was)) => {
                    let item = body.items.get(*index)?;
                    Entry::Kept(
                        *index,
                        self.entry(item, self.node(&item.value, was, doc, depth)),
                    )
                }
                _ => Entry::Added(format!(
                    "{key}: {}",
                    self.written(doc, &indent, key.chars().count() + 2)
                )),
            });
        }
        self.body(node, body, entries)
    }

    /// The key as the canonical form writes it.
    fn written_key(&self, key: &Node) -> String {
        match &key.kind {
            Kind::Text(text) => write_text(text),
            Kind::Integer(number) => number.to_string(),
            Kind::Float(number) => format!("{number:?}"),
            _ => key.span.of(self.text).to_owned(),
        }
    }

    fn list(
        &self,
        node: &Node,
        body: &Body,
        old: &[Doc],
        new: &[Doc],
        depth: usize,
    ) -> Option<String> {
        if old.len() != body.items.len() {
            return None;
        }
        let indent = self.entry_indent(node, body);
        let entries = align(old, new).into_iter().map(|(was, is)| {
            let doc = &new[is];
            match was {
                Some(was) => Entry::Kept(
                    was,
                    self.node(&body.items[was].value, &old[was], doc, depth),
                ),
                None => Entry::Added(self.written(doc, &indent, 0)),
            }
        });
        self.body(node, body, entries.collect())
    }

    /// How a new entry of this node is indented.
    fn entry_indent(&self, node: &Node, body: &Body) -> String {
        let mut before = body.inner.start;
        let own = body.items.iter().find_map(|item| {
            let span = item.span();
            // Only an entry that begins a line is looked at: a whole file may stand in one.
            let gap = self.slice(std::mem::replace(&mut before, span.end), span.start);
            gap.contains('\n')
                .then(|| self.own_indent(span.start))
                .flatten()
        });
        own.map_or_else(
            || format!("{}{}", self.indent(node.span.start), self.step),
            str::to_owned,
        )
    }

    /// The text of a node with these entries.
    fn body(&self, node: &Node, body: &Body, entries: Vec<Entry>) -> Option<String> {
        let base = self.indent(node.span.start);
        let indent = self.entry_indent(node, body);
        let (head, mut chunks, tail) = self.chunks(body);
        let inner = body.inner.of(self.text);
        let (head, tail) = if !body.items.is_empty() {
            (head.to_owned(), tail.to_owned())
        } else if inner.trim().is_empty() {
            return None;
        } else {
            // Only comments so far.
            (
                format!("{}{}", inner.trim_end(), self.newline),
                base.to_owned(),
            )
        };
        let tall = head.contains('\n')
            || tail.contains('\n')
            || chunks.iter().any(|chunk| {
                chunk.lead.contains('\n')
                    || chunk.trail.contains('\n')
                    || chunk.detached.contains('\n')
            });
        let trailing_comma = chunks.last().map_or(tall, |chunk| chunk.comma);
        let mut gone: Vec<bool> = vec![true; chunks.len()];
        for entry in &entries {
            if let Entry::Kept(index, _) = entry {
                gone[*index] = false;
            }
        }
        // Comments that stood apart stay when what followed them goes: they pass to the next entry.
        let mut left: Vec<String> = vec![String::new(); chunks.len() + 1];
        let mut pending = String::new();
        for (index, chunk) in chunks.iter_mut().enumerate() {
            if !gone[index] {
                left[index] = std::mem::take(&mut pending);
            } else if !chunk.detached.trim().is_empty() {
                pending.push_str(chunk.detached);
            }
        }
        let mut out = self.slice(node.span.start, body.inner.start).to_owned();
        out.push_str(&head);
        let count = entries.len();
        for (position, entry) in entries.into_iter().enumerate() {
            let comma = position + 1 < count || trailing_comma;
            match entry {
                Entry::Kept(index, text) => {
                    let chunk = &chunks[index];
                    out.push_str(&left[index]);
                    out.push_str(chunk.detached);
                    match (tall, position, index) {
                        (false, 0, 1..) => out.push_str(chunk.lead.trim_start()),
                        (false, 1.., 0) => out.push_str(&format!(" {}", chunk.lead.trim_start())),
                        _ => out.push_str(chunk.lead),
                    }
                    out.push_str(&text);
                    out.push_str(chunk.between);
                    if comma {
                        out.push(',');
                    }
                    out.push_str(chunk.trail);
                }
                Entry::Added(text) if tall => {
                    if !out.ends_with('\n') {
                        out.push_str(self.newline);
                    }
                    out.push_str(&indent);
                    out.push_str(&text);
                    out.push_str(if comma { "," } else { "" });
                    out.push_str(self.newline);
                }
                Entry::Added(text) => {
                    out.push_str(if position > 0 { " " } else { "" });
                    out.push_str(&text);
                    out.push_str(if comma { "," } else { "" });
                }
            }
        }
        out.push_str(&pending);
        if out.ends_with('\n') && tail.trim().is_empty() {
            out.push_str(base);
        } else {
            out.push_str(&tail);
        }
        out.push_str(self.slice(body.inner.end, node.span.end));
        Some(out)
    }

    /// What stands after the opening bracket in its line, the entries, and what stands before the closing one.
    fn chunks(&self, body: &Body) -> (&'t str, Vec<Chunk<'t>>, &'t str) {
        let start = self.line_end(body.inner.start, body.inner.end);
        let head = self.slice(body.inner.start, start);
        let mut cursor = start;
        let mut chunks = Vec::with_capacity(body.items.len());
        for item in &body.items {
            let span = item.span();
            let before = self.slice(cursor, span.start);
            let (detached, lead) = before.split_at(self.after_last_blank_line(cursor, span.start));
            let (between, rest) = match item.comma {
                Some(comma) => (self.slice(span.end, comma), comma + 1),
                None => ("", span.end),
            };
            cursor = self.line_end(rest, body.inner.end);
            chunks.push(Chunk {
                detached,
                lead,
                between,
                comma: item.comma.is_some(),
                trail: self.slice(rest, cursor),
            });
        }
        (head, chunks, self.slice(cursor, body.inner.end))
    }

    /// The end of the line, line break included, if nothing but blanks and comments stand before it; else `from`.
    fn line_end(&self, from: usize, limit: usize) -> usize {
        let mut at = from;
        loop {
            let rest = self.slice(at, limit);
            match rest.chars().next() {
                Some('\n') => return at + 1,
                Some(' ' | '\t' | '\r') => at += 1,
                Some('/') if rest.starts_with("//") => match rest.find('\n') {
                    Some(end) => return at + end + 1,
                    None => return from,
                },
                Some('/') => match rest.split_once("*/") {
                    // One that goes over several lines belongs to what follows.
                    Some((comment, _))
                        if !comment.contains('\n') && comment.matches("/*").count() == 1 =>
                    {
                        at += comment.len() + 2
                    }
                    _ => return from,
                },
                _ => return from,
            }
        }
    }

    /// How far behind `start` the last blank line before `end` ends, 0 without one. A line inside of a comment is none.
    fn after_last_blank_line(&self, start: usize, end: usize) -> usize {
        let (mut after, mut at) = (start, start);
        for line in self.slice(start, end).split_inclusive('\n') {
            let before = at;
            at += line.len();
            // The blanks before the entry are no line of their own.
            if line.ends_with('\n') && line.trim().is_empty() && !self.in_comment(before) {
                after = at;
            }
        }
        after - start
    }

    fn in_comment(&self, at: usize) -> bool {
        let later = self.comments.partition_point(|span| span.start < at);
        later
            .checked_sub(1)
            .and_then(|index| self.comments.get(index))
            .is_some_and(|span| at < span.end)
    }
}

/// The fields of a type in the order in which they are written.
fn canonical_order(type_name: &str) -> &'static [&'static str] {
    match type_name {
        "Session" => decode::SESSION_FIELDS,
        "ProcessGroup" => decode::GROUP_FIELDS,
        "ProcessTemplate" => decode::TEMPLATE_FIELDS,
        "Queue" => decode::QUEUE_FIELDS,
        "Policy" => decode::POLICY_FIELDS,
        "Stop" => decode::STOP_FIELDS,
        "Declared" => decode::DECLARED_FIELDS,
        _ => &[],
    }
}

/// The default that a field of this kind may state in a file: an empty list, map or struct.
fn nothing_like(doc: &Doc) -> Doc {
    match doc {
        Doc::Struct(name, _) => Doc::Struct(name, Vec::new()),
        Doc::List(_) => Doc::List(Vec::new()),
        Doc::Map(_) => Doc::Map(Vec::new()),
        Doc::Leaf(_) | Doc::Variant(..) => Doc::Leaf(String::new()),
    }
}
