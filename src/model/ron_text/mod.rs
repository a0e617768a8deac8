//! RON as a tree that remembers where everything stands.
//!
//! Owns the syntax of session files (the grammar of `ron` 0.12): every value with its byte span, every
//! comment, and *all* problems of a text in one go, where `ron`'s own reader stops at the first and forgets
//! positions. Knows nothing of sessions, and never fails: any text gives a tree and a list of problems.
//! Start at [`parse`]; the parser is in `parser`, literals are in `literal`.

mod literal;
mod parser;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use literal::{is_identifier, write_text};
pub use parser::parse;

/// How deep values may be nested; deeper ones are reported and skipped. (`ron` itself stops at 128.)
pub const DEPTH_MAX: usize = 64;

/// After so many problems a text is not read any further.
pub const PROBLEMS_MAX: usize = 200;

/// What some editors write at the beginning of a text in UTF-8; it is no part of it.
const BYTE_ORDER_MARK: char = '\u{FEFF}';

/// A range of bytes of a text.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Span {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset after the last byte.
    pub end: usize,
}

impl Span {
    /// The range from `start` to before `end`.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// The piece of `text` that it covers; empty where it does not lie in it.
    pub fn of(self, text: &str) -> &str {
        text.get(self.start..self.end).unwrap_or_default()
    }
}

/// A place in a text as people count it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// 1-based line.
    pub line: u32,
    /// 1-based column, in characters.
    pub column: u32,
}

/// Where the lines of a text begin.
#[derive(Debug, Clone)]
pub struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    /// The lines of `text`.
    pub fn new(text: &str) -> Self {
        let mut starts = vec![0];
        starts.extend(
            text.bytes()
                .enumerate()
                .filter(|(_, b)| *b == b'\n')
                .map(|(at, _)| at + 1),
        );
        Self { starts }
    }

    /// Line and column of a byte offset; one past the end is the last place of the text.
    pub fn position(&self, text: &str, offset: usize) -> Position {
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let mut start = self.starts.get(line - 1).copied().unwrap_or(0);
        if start == 0 && text.starts_with(BYTE_ORDER_MARK) {
            // No editor counts it.
            start = BYTE_ORDER_MARK.len_utf8().min(offset);
        }
        let column = text.get(start..offset).unwrap_or_default().chars().count() + 1;
        let count = |number| u32::try_from(number).unwrap_or(u32::MAX);
        Position {
            line: count(line),
            column: count(column),
        }
    }
}

/// Something in a text that is not RON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxProblem {
    /// Where.
    pub span: Span,
    /// What was expected and what is there.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// A text as a tree.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// The value; absent when the text holds none.
    pub root: Option<Node>,
    /// Every comment, in the order of the text, with its `//` or `/*`.
    pub comments: Vec<Span>,
    /// Every problem, in the order in which they were met.
    pub problems: Vec<SyntaxProblem>,
}

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The bytes of the value, without what surrounds it.
    pub span: Span,
    /// What it is.
    pub kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number; one beyond 128 bits is the nearest that fits.
    Integer(i128),
    /// A number with a fraction or an exponent, `inf`, `NaN`.
    Float(f64),
    /// `'x'`.
    Char(char),
    /// `"…"` or `r#"…"#`, as it is meant.
    Text(String),
    /// `b"…"` or `b'x'`: sessions have no use for bytes, so what they are is not kept.
    Bytes,
    /// A bare identifier: a variant without data, `None`.
    Name(Box<str>),
    /// `Name(…)` or `(…)`: a struct, a variant with data, a tuple, `()`.
    Paren(Box<Paren>),
    /// `[…]`.
    List(Box<Body>),
    /// `{…}`.
    Map(Box<Body>),
    /// Something that could not be read; a problem says why.
    Broken,
}

/// What stands in parentheses, and the name before them.
#[derive(Debug, Clone, PartialEq)]
pub struct Paren {
    /// The name and its place.
    pub name: Option<(Box<str>, Span)>,
    /// Fields (with a [`Kind::Name`] as key) or positional values (without key).
    pub body: Body,
}

/// What stands between two brackets.
#[derive(Debug, Clone, PartialEq)]
pub struct Body {
    /// The bytes between the brackets.
    pub inner: Span,
    /// The values, in the order of the text.
    pub items: Vec<Item>,
}

/// One entry of a list, map or struct.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The key of a map's entry, the name of a field.
    pub key: Option<Node>,
    /// The value.
    pub value: Node,
    /// Where the comma after it stands.
    pub comma: Option<usize>,
}

impl Item {
    /// Key and value together.
    pub fn span(&self) -> Span {
        let start = self
            .key
            .as_ref()
            .map_or(self.value.span.start, |key| key.span.start);
        Span::new(start, self.value.span.end)
    }

    /// The name of the field or the text of the key.
    pub fn key_text(&self) -> Option<&str> {
        match &self.key.as_ref()?.kind {
            Kind::Name(name) => Some(name),
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl Node {
    /// What it is, in words, for messages.
    pub fn describe(&self) -> String {
        match &self.kind {
            Kind::Bool(value) => format!("{value}"),
            Kind::Integer(_) => "a whole number".to_owned(),
            Kind::Float(_) => "a number with a fraction".to_owned(),
            Kind::Char(_) => "a character".to_owned(),
            Kind::Text(_) => "text".to_owned(),
            Kind::Bytes => "bytes".to_owned(),
            Kind::Name(name) => format!("the name `{name}`"),
            Kind::Paren(paren) => match &paren.name {
                Some((name, _)) => format!("`{name}(…)`"),
                None if paren.body.items.is_empty() => "`()`".to_owned(),
                None => "`(…)`".to_owned(),
            },
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a map".to_owned(),
            Kind::Broken => "nothing that can be read".to_owned(),
        }
    }

    /// The value inside of any number of `Some(…)`.
    pub fn without_some(&self) -> &Node {
        let mut node = self;
        while let Kind::Paren(paren) = &node.kind {
            match (&paren.name, paren.body.items.as_slice()) {
                (
                    Some((name, _)),
                    [
                        Item {
                            key: None, value, ..
                        },
                    ],
                ) if &**name == "Some" => {
                    node = value;
                }
                _ => break,
            }
        }
        node
    }

    /// The entries of a list, map, struct or variant with data.
    pub fn body(&self) -> Option<&Body> {
        match &self.kind {
            Kind::Paren(paren) => Some(&paren.body),
            Kind::List(body) | Kind::Map(body) => Some(body),
            _ => None,
        }
    }
}
