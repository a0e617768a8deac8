//! From a text to its tree, past every problem in it.
//!
//! A recursive descent whose depth is bounded and whose every step moves forward, so that time is linear in
//! the text. After a problem it goes on at the next comma or closing bracket of the same level.

use super::{
    BYTE_ORDER_MARK, Body, DEPTH_MAX, Item, Kind, Node, PROBLEMS_MAX, Paren, Span, SyntaxProblem,
    Tree,
    literal::{continues_identifier, starts_identifier},
};

/// The extensions of RON that a file may enable; all of them are always on here.
const EXTENSIONS: [&str; 4] = [
    "implicit_some",
    "unwrap_newtypes",
    "unwrap_variant_newtypes",
    "explicit_struct_names",
];

/// Reads a text. Never fails: what is no RON becomes a [`SyntaxProblem`].
pub fn parse(text: &str) -> Tree {
    let mut parser = Parser {
        text,
        at: (text.strip_prefix(BYTE_ORDER_MARK)).map_or(0, |rest| text.len() - rest.len()),
        open: Vec::new(),
        comments: Vec::new(),
        problems: Vec::new(),
        saw_unclosed_text: false,
        saw_end: false,
        already_closed: false,
    };
    let root = parser.document();
    Tree {
        root,
        comments: parser.comments,
        problems: parser.problems,
    }
}

pub(super) struct Parser<'t> {
    pub(super) text: &'t str,
    /// Offset of what is read next; always between two characters.
    pub(super) at: usize,
    /// The closing bracket of each value that is being read.
    open: Vec<char>,
    comments: Vec<Span>,
    problems: Vec<SyntaxProblem>,
    pub(super) saw_unclosed_text: bool,
    /// Whether an early end of the text has been reported.
    saw_end: bool,
    /// Whether a bracket of the wrong kind has closed the present value.
    already_closed: bool,
}

/// What follows a value in a list, map or struct.
enum Next {
    Value,
    End,
}

impl Parser<'_> {
    pub(super) fn peek(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn advance(&mut self) {
        self.at += self.peek().map_or(0, char::len_utf8);
    }

    fn take(&mut self, c: char) -> bool {
        let there = self.peek() == Some(c);
        if there {
            self.advance();
        }
        there
    }

    pub(super) fn problem(&mut self, span: Span, message: impl Into<String>, help: Option<String>) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(SyntaxProblem {
                span,
                message: message.into(),
                help,
            });
            return;
        }
        if self.problems.len() == PROBLEMS_MAX {
            let message = "too many problems: the rest of the file is not read".to_owned();
            self.problems.push(SyntaxProblem {
                span,
                message,
                help: None,
            });
        }
        // Reading on would only fill the memory.
        (self.at, self.saw_end) = (self.text.len(), true);
    }

    /// What stands at `self.at`, for messages, and its span.
    fn found(&self) -> (String, Span) {
        let Some(c) = self.peek() else {
            return (
                "the end of the file".to_owned(),
                Span::new(self.at, self.at),
            );
        };
        let word: String = self
            .rest()
            .chars()
            .take(40)
            .take_while(|c| continues_identifier(*c))
            .collect();
        let shown = match c {
            _ if !word.is_empty() => word,
            '"' => return ("text".to_owned(), Span::new(self.at, self.at + 1)),
            c => c.to_string(),
        };
        let span = Span::new(self.at, self.at + shown.len());
        if shown.chars().any(char::is_control) {
            // It may end up on a terminal.
            return (format!("{shown:?}"), span);
        }
        (format!("`{shown}`"), span)
    }

    fn unexpected(&mut self, expected: &str, help: Option<&str>) {
        let (found, span) = self.found();
        self.problem(
            span,
            format!("expected {expected}, found {found}"),
            help.map(str::to_owned),
        );
    }

    /// Skips blanks and comments.
    fn trivia(&mut self) {
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start_matches(is_blank).len();
            self.at += blank;
            let rest = self.rest();
            let length = if rest.starts_with("//") {
                rest.find('\n').unwrap_or(rest.len())
            } else if rest.starts_with("/*") {
                match block_comment(rest) {
                    Some(length) => length,
                    None => {
                        let span = Span::new(self.at, self.at + 2);
                        if !self.saw_end {
                            self.problem(
                                span,
                                "a comment that begins here is not closed",
                                Some("add `*/`".to_owned()),
                            );
                        }
                        self.saw_end = true;
                        self.at = self.text.len();
                        return;
                    }
                }
            } else {
                return;
            };
            self.comments.push(Span::new(self.at, self.at + length));
            self.at += length;
        }
    }

    fn document(&mut self) -> Option<Node> {
        self.trivia();
        while self.rest().starts_with("#!") {
            self.attribute();
            self.trivia();
        }
        if self.peek().is_none() {
            if !self.saw_end {
                self.unexpected("a value", None);
            }
            return None;
        }
        let root = self.value();
        self.trivia();
        if self.peek().is_some() && root.kind != Kind::Broken {
            self.unexpected("the end of the file", Some("a file holds one value"));
        }
        Some(root)
    }

    /// `#![enable(implicit_some)]`.
    fn attribute(&mut self) {
        let start = self.at;
        self.at += 2;
        let length = self
            .rest()
            .find([']', '\n'])
            .map_or(self.rest().len(), |at| at + 1);
        let inside: String = self
            .rest()
            .get(..length)
            .unwrap_or_default()
            .chars()
            .filter(|c| !is_blank(*c))
            .collect();
        self.at += length;
        let span = Span::new(start, self.at);
        let Some(list) = inside
            .strip_prefix("[enable(")
            .and_then(|rest| rest.strip_suffix(")]"))
        else {
            self.problem(span, "expected `#![enable(…)]`", None);
            return;
        };
        for name in list
            .split(',')
            .filter(|name| !name.is_empty() && !EXTENSIONS.contains(name))
        {
            self.problem(
                span,
                format!("unknown extension `{}`", name.escape_debug()),
                Some(format!("known are {}", EXTENSIONS.join(", "))),
            );
        }
    }

    /// A value that begins at `self.at`. Without one there, nothing is consumed and the node is broken.
    fn value(&mut self) -> Node {
        let start = self.at;
        let kind = match self.peek() {
            Some('(') => self.bracketed(None),
            Some('[' | '{') => self.bracketed(None),
            Some('"') => self.text(),
            Some('\'') => self.character(),
            Some(c) if c.is_ascii_digit() || matches!(c, '+' | '-' | '.') => self.number(),
            Some('r')
                if self.rest().starts_with("r\"")
                    || self.rest().starts_with("r#\"")
                    || self.rest().starts_with("r##") =>
            {
                self.raw_text()
            }
            Some('b')
                if ["b\"", "b'", "br\"", "br#"]
                    .iter()
                    .any(|p| self.rest().starts_with(p)) =>
            {
                self.bytes()
            }
            Some(c) if starts_identifier(c) => self.named(),
            _ => {
                let path = self.rest().starts_with(['/', '~', '$', '.']);
                self.unexpected("a value", path.then_some("text stands in double quotes"));
                Kind::Broken
            }
        };
        Node {
            span: Span::new(start, self.at),
            kind,
        }
    }

    /// An identifier, and the parentheses after it.
    fn named(&mut self) -> Kind {
        let start = self.at;
        if self.rest().starts_with("r#") {
            self.at += 2;
        }
        let from = self.at;
        let length = self
            .rest()
            .find(|c| !continues_identifier(c))
            .unwrap_or(self.rest().len());
        self.at += length;
        let name = self.text.get(from..self.at).unwrap_or_default();
        match name {
            "true" => return Kind::Bool(true),
            "false" => return Kind::Bool(false),
            "inf" => return Kind::Float(f64::INFINITY),
            "NaN" => return Kind::Float(f64::NAN),
            _ => {}
        }
        let (name, span) = (Box::<str>::from(name), Span::new(start, self.at));
        let (after_name, comments) = (self.at, self.comments.len());
        self.trivia();
        if self.peek() == Some('(') {
            return self.bracketed(Some((name, span)));
        }
        // What follows the name belongs to nobody yet.
        self.at = after_name;
        self.comments.truncate(comments);
        Kind::Name(name)
    }

    /// From an opening bracket to its closing one.
    fn bracketed(&mut self, name: Option<(Box<str>, Span)>) -> Kind {
        let open = self.at;
        let (opening, closing) = match self.peek() {
            Some('[') => ('[', ']'),
            Some('{') => ('{', '}'),
            _ => ('(', ')'),
        };
        self.advance();
        if self.open.len() >= DEPTH_MAX {
            self.problem(
                Span::new(open, open + 1),
                format!("values are nested deeper than {DEPTH_MAX}"),
                None,
            );
            self.skip_to(closing);
            return Kind::Broken;
        }
        self.open.push(closing);
        let mut items: Vec<Item> = Vec::new();
        let close = loop {
            match self.next_in(opening, closing, open, items.last()) {
                Next::End if self.already_closed => break self.at - 1,
                Next::End => break self.at,
                Next::Value => {
                    let mut item = self.item(opening, closing);
                    self.after_item(&mut item, closing);
                    items.push(item);
                }
            }
        };
        self.open.pop();
        let inner = Span::new(open + 1, close);
        if !std::mem::take(&mut self.already_closed) {
            self.take(closing);
        }
        let body = Body { inner, items };
        match opening {
            '[' => Kind::List(Box::new(body)),
            '{' => Kind::Map(Box::new(body)),
            _ => Kind::Paren(Box::new(Paren { name, body })),
        }
    }

    /// Passes what is no value, up to the next value or the end of this bracket.
    fn next_in(&mut self, opening: char, closing: char, open: usize, last: Option<&Item>) -> Next {
        loop {
            self.trivia();
            match self.peek() {
                None => {
                    if !self.saw_end {
                        self.saw_end = true;
                        self.problem(
                            Span::new(open, open + 1),
                            format!("`{opening}` is never closed: expected `{closing}`"),
                            None,
                        );
                    }
                    return Next::End;
                }
                Some(c) if c == closing => return Next::End,
                Some(c @ (')' | ']' | '}')) => {
                    self.unexpected(&format!("`{closing}`"), None);
                    if self.open.contains(&c) {
                        return Next::End;
                    }
                    self.advance();
                    let stray = self.rest().trim_start().starts_with(closing);
                    // `[1}` was meant to close this bracket; the second of `[1]]` and that of `(1])` are too many.
                    let twice = last.is_some_and(|item| {
                        item.comma.is_none()
                            && self
                                .text
                                .get(..item.value.span.end)
                                .is_some_and(|text| text.ends_with(c))
                    });
                    if !twice && !stray {
                        self.already_closed = true;
                        return Next::End;
                    }
                }
                Some(',') => {
                    self.unexpected("a value", Some("one comma is enough"));
                    self.advance();
                }
                Some(_) => return Next::Value,
            }
        }
    }

    /// One entry, with its key where the bracket is of a kind that has keys.
    fn item(&mut self, opening: char, closing: char) -> Item {
        let first = self.value();
        if first.kind == Kind::Broken {
            return Item {
                key: None,
                value: first,
                comma: None,
            };
        }
        let (end, comments) = (self.at, self.comments.len());
        self.trivia();
        let colon = match self.peek() {
            Some(':') => true,
            Some('=') => {
                self.unexpected("`:`", None);
                true
            }
            _ => false,
        };
        if !colon {
            self.at = end;
            self.comments.truncate(comments);
            if opening == '{' {
                self.unexpected_after_key(end);
            }
            return Item {
                key: None,
                value: first,
                comma: None,
            };
        }
        let colon = Span::new(self.at, self.at + 1);
        self.advance();
        let mut key = first;
        match (opening, &key.kind) {
            ('[', _) => self.problem(
                colon,
                "a list has no keys",
                Some("a map stands in `{` `}`".to_owned()),
            ),
            ('(', Kind::Name(_)) | ('{', _) => {}
            ('(', Kind::Text(text)) => {
                let (span, text) = (key.span, text.clone());
                self.problem(span, "a field's name stands without quotes", None);
                key.kind = Kind::Name(text.into());
            }
            _ => self.problem(
                key.span,
                format!("expected the name of a field, found {}", key.describe()),
                None,
            ),
        }
        self.trivia();
        let value = match self.peek() {
            Some(c) if c != ',' && c != closing => self.value(),
            _ => {
                self.unexpected("a value", None);
                Node {
                    span: Span::new(self.at, self.at),
                    kind: Kind::Broken,
                }
            }
        };
        Item {
            key: Some(key),
            value,
            comma: None,
        }
    }

    fn unexpected_after_key(&mut self, end: usize) {
        self.trivia();
        self.unexpected(
            "`:` and a value",
            Some("entries of a map are written \"key\": value"),
        );
        self.at = end;
    }

    /// Passes the comma after an entry, or reports what stands there instead.
    fn after_item(&mut self, item: &mut Item, closing: char) {
        self.trivia();
        let broken = item.value.kind == Kind::Broken;
        match self.peek() {
            None | Some(')' | ']' | '}') => return,
            Some(',') => {
                item.comma = Some(self.at);
                self.advance();
                return;
            }
            Some(_) if broken => {}
            Some(c)
                if starts_identifier(c)
                    || c.is_ascii_digit()
                    || matches!(c, '"' | '(' | '[' | '{') =>
            {
                self.unexpected(
                    &format!("`,` or `{closing}`"),
                    Some("put a comma before it"),
                );
                return;
            }
            Some(_) => self.unexpected(&format!("`,` or `{closing}`"), None),
        }
        self.skip_entry();
        if self.take(',') {
            item.comma = Some(self.at - 1);
        }
    }

    /// Passes everything up to the comma or closing bracket of this level.
    fn skip_entry(&mut self) {
        let mut depth = 0usize;
        loop {
            self.trivia();
            match self.peek() {
                None => return,
                Some(',' | ')' | ']' | '}') if depth == 0 => return,
                Some('(' | '[' | '{') => depth += 1,
                Some(')' | ']' | '}') => depth -= 1,
                Some('"') => {
                    self.text();
                    continue;
                }
                Some(_) => {}
            }
            self.advance();
        }
    }

    /// Passes everything up to and including the bracket that closes the present one.
    fn skip_to(&mut self, closing: char) {
        loop {
            self.skip_entry();
            match self.peek() {
                None => return,
                Some(',') => self.advance(),
                Some(c) => {
                    // A bracket of another kind ends it too: reading has gone wrong before.
                    if c == closing || !self.open.contains(&c) {
                        self.advance();
                    }
                    return;
                }
            }
        }
    }
}

/// Whitespace as RON has it.
pub(super) fn is_blank(c: char) -> bool {
    matches!(
        c,
        ' ' | '\t'
            | '\n'
            | '\r'
            | '\x0B'
            | '\x0C'
            | '\u{85}'
            | '\u{200E}'
            | '\u{200F}'
            | '\u{2028}'
            | '\u{2029}'
    )
}

/// The length of the (nested) block comment at the start of `text`; nothing when it is not closed.
fn block_comment(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut level) = (2, 1);
    while level > 0 {
        match (bytes.get(at)?, bytes.get(at + 1)) {
            (b'/', Some(b'*')) => (at, level) = (at + 2, level + 1),
            (b'*', Some(b'/')) => (at, level) = (at + 2, level - 1),
            _ => at += 1,
        }
    }
    Some(at)
}
