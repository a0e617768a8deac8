//! Text, characters, numbers and identifiers of RON, read and written.
//!
//! Owns the scanning of literals. Never looks at brackets: that is `parser`.

use super::{Kind, Span, parser::Parser};

/// How far behind its opening quote a character is looked for its closing one: text in single quotes is read too.
const CHARACTER_MAX: usize = 256;

/// Whether `text` can stand as a field or variant without quotes.
pub fn is_identifier(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(starts_identifier) && chars.all(continues_identifier)
}

/// RON takes Unicode's XID_Start; letters are near enough for a text that is then compared with known names.
pub(super) fn starts_identifier(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}

pub(super) fn continues_identifier(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// Writes text in double quotes so that RON reads the same text again.
pub fn write_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0' => out.push_str("\\0"),
            // Marks that change the direction of writing could show another text than is meant.
            c if c.is_control()
                || matches!(c, '\u{200E}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}') =>
            {
                out.push_str(&format!("\\u{{{:x}}}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

impl Parser<'_> {
    /// `"…"` from its opening quote, which is at `self.at`.
    pub(super) fn text(&mut self) -> Kind {
        let start = self.at;
        let Some(end) = self.closing_quote(start + 1) else {
            return self.unclosed_text(start);
        };
        self.at = end + 1;
        Kind::Text(self.unescape(start + 1, end))
    }

    /// Where the text that begins at `from` has its closing quote.
    fn closing_quote(&self, from: usize) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let limit = self.literal_limit(from);
        let mut at = from;
        while at < limit {
            match bytes.get(at)? {
                b'"' => return Some(at),
                b'\\' => at += 2,
                _ => at += 1,
            }
        }
        None
    }

    /// How far a literal may reach. Once a text has been found without an end, later ones are looked for in
    /// their own line only, or a hostile file would be read to its end again and again.
    fn literal_limit(&self, from: usize) -> usize {
        if self.saw_unclosed_text {
            self.line_end(from)
        } else {
            self.text.len()
        }
    }

    fn line_end(&self, from: usize) -> usize {
        let rest = self.text.get(from..).unwrap_or_default();
        rest.find('\n').map_or(self.text.len(), |at| from + at)
    }

    fn unclosed_text(&mut self, start: usize) -> Kind {
        self.saw_unclosed_text = true;
        self.at = self.line_end(start);
        self.problem(
            Span::new(start, start + 1),
            "text that begins here is not closed",
            Some("add the closing `\"`".to_owned()),
        );
        Kind::Broken
    }

    /// `r"…"`, `r#"…"#`: the `r` is at `self.at`.
    pub(super) fn raw_text(&mut self) -> Kind {
        let start = self.at;
        let rest = self.text.get(start + 1..).unwrap_or_default();
        let hashes = rest.bytes().take_while(|b| *b == b'#').count();
        let open = start + 1 + hashes;
        if self.text.as_bytes().get(open) != Some(&b'"') {
            self.at = open;
            self.problem(
                Span::new(start, open),
                "expected `\"` to begin raw text",
                None,
            );
            return Kind::Broken;
        }
        let closing = format!("\"{}", "#".repeat(hashes));
        let limit = self.literal_limit(open + 1);
        let inside = self.text.get(open + 1..limit).unwrap_or_default();
        match inside.find(&closing) {
            Some(length) => {
                self.at = open + 1 + length + closing.len();
                Kind::Text(inside.get(..length).unwrap_or_default().to_owned())
            }
            None => self.unclosed_text(start),
        }
    }

    /// `b"…"`, `br"…"`, `b'x'`: the `b` is at `self.at`.
    pub(super) fn bytes(&mut self) -> Kind {
        self.at += 1;
        let read = match self.peek() {
            Some('"') => self.text(),
            Some('r') => self.raw_text(),
            _ => self.character(),
        };
        if read == Kind::Broken {
            read
        } else {
            Kind::Bytes
        }
    }

    /// `'x'` from its opening quote, which is at `self.at`.
    pub(super) fn character(&mut self) -> Kind {
        let start = self.at;
        let mut next = self.text.get(start + 1..).unwrap_or_default().chars();
        if let (Some(c), Some('\'')) = (next.next().filter(|c| *c != '\\'), next.next()) {
            self.at = start + 2 + c.len_utf8();
            return Kind::Char(c);
        }
        // No further: one on a long line would be looked for to its end each time.
        let near = self.text.get(start + 1..).unwrap_or_default();
        let mut escaped = false;
        let length = near
            .char_indices()
            .take(CHARACTER_MAX)
            .take_while(|(_, c)| *c != '\n')
            .find_map(|(at, c)| {
                let ends = c == '\'' && !escaped;
                escaped = c == '\\' && !escaped;
                ends.then_some(at)
            });
        let Some(length) = length else {
            self.at = start + 1;
            self.problem(
                Span::new(start, start + 1),
                "a character that begins here is not closed",
                Some("text stands in double quotes".to_owned()),
            );
            return Kind::Broken;
        };
        self.at = start + 1 + length + 1;
        let inside = self.unescape(start + 1, start + 1 + length);
        let mut chars = inside.chars();
        match (chars.next(), chars.next()) {
            (Some(c), None) => Kind::Char(c),
            _ => {
                let quoted = write_text(&inside);
                self.problem(
                    Span::new(start, self.at),
                    "text stands in double quotes, not in single ones",
                    Some(format!("write {quoted}")),
                );
                Kind::Text(inside)
            }
        }
    }

    /// What the escaped text between the two offsets means; reports every bad escape.
    fn unescape(&mut self, start: usize, end: usize) -> String {
        let raw = self.text.get(start..end).unwrap_or_default();
        let mut out = String::with_capacity(raw.len());
        let mut rest = raw;
        while let Some(at) = rest.find('\\') {
            let (before, escape) = rest.split_at(at);
            out.push_str(before);
            let place = end - escape.len();
            let (read, used) = read_escape(escape);
            match read {
                Ok(text) => out.push_str(&text),
                Err(message) => self.problem(
                    Span::new(place, place + used),
                    message,
                    Some("known are \\\" \\\\ \\n \\r \\t \\0 \\' \\x41 \\u{1F409}; raw text r\"…\" has no escapes".to_owned()),
                ),
            }
            rest = escape.get(used..).unwrap_or_default();
        }
        out.push_str(rest);
        out
    }

    /// A number: its first character is at `self.at`.
    pub(super) fn number(&mut self) -> Kind {
        let start = self.at;
        let rest = self.text.get(start..).unwrap_or_default();
        let mut previous = ' ';
        let hex = rest.trim_start_matches(['+', '-']).starts_with("0x");
        let length = rest
            .char_indices()
            .find(|(at, c)| {
                let sign =
                    matches!(c, '+' | '-') && (*at == 0 || (matches!(previous, 'e' | 'E') && !hex));
                previous = *c;
                !(sign || continues_identifier(*c) || *c == '.')
            })
            .map_or(rest.len(), |(at, _)| at);
        let literal = rest.get(..length).unwrap_or_default();
        self.at = start + length;
        match read_number(literal) {
            Some(kind) => kind,
            None => {
                let shown: String = literal.chars().take(40).collect();
                self.problem(
                    Span::new(start, self.at),
                    format!("`{shown}` is no number"),
                    Some("text stands in double quotes".to_owned()),
                );
                Kind::Broken
            }
        }
    }
}

/// Reads one escape, which begins with `\`; gives what it means and how many bytes it has.
fn read_escape(escape: &str) -> (Result<String, &'static str>, usize) {
    let mut chars = escape.chars().skip(1);
    let simple = |text: &str| (Ok(text.to_owned()), 2);
    match chars.next() {
        Some('"') => simple("\""),
        Some('\'') => simple("'"),
        Some('\\') => simple("\\"),
        Some('n') => simple("\n"),
        Some('r') => simple("\r"),
        Some('t') => simple("\t"),
        Some('0') => simple("\0"),
        Some('x') => read_byte_escapes(escape),
        Some('u') => {
            let bad = (
                Err("a Unicode escape is written \\u{1F409}, with 1 to 6 hexadecimal digits"),
                2,
            );
            let inside = escape
                .get(2..)
                .and_then(|rest| rest.strip_prefix('{'))
                .unwrap_or_default();
            let length = inside
                .bytes()
                .take_while(u8::is_ascii_hexdigit)
                .take(7)
                .count();
            let digits = inside.get(..length).unwrap_or_default();
            if !(1..=6).contains(&length) || !inside[length..].starts_with('}') {
                return bad;
            }
            let used = 2 + digits.len() + 2;
            match u32::from_str_radix(digits, 16)
                .ok()
                .and_then(char::from_u32)
            {
                Some(c) => (Ok(c.to_string()), used),
                None => (Err("this is no Unicode character"), used),
            }
        }
        // A line that ends in `\` goes on with the first visible character of the next one.
        Some('\n') => continuation(escape, 2),
        Some('\r') if chars.next() == Some('\n') => continuation(escape, 3),
        Some(c) => (Err("unknown escape"), 1 + c.len_utf8()),
        None => (Err("unknown escape"), 1),
    }
}

fn continuation(escape: &str, used: usize) -> (Result<String, &'static str>, usize) {
    let rest = escape.get(used..).unwrap_or_default();
    let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    (Ok(String::new()), used + blank)
}

/// `\x41`, or several in a row that make up one character in UTF-8.
fn read_byte_escapes(escape: &str) -> (Result<String, &'static str>, usize) {
    let mut bytes = Vec::new();
    let mut rest = escape;
    while bytes.len() < 4 {
        let digits = rest.strip_prefix("\\x").and_then(|r| r.get(..2));
        let Some(byte) = digits
            .filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|d| u8::from_str_radix(d, 16).ok())
        else {
            break;
        };
        bytes.push(byte);
        rest = rest.get(4..).unwrap_or_default();
        if let Ok(text) = std::str::from_utf8(&bytes) {
            return (Ok(text.to_owned()), bytes.len() * 4);
        }
    }
    (
        Err("an escape of a byte is written \\x41, and several must make up one character"),
        (bytes.len() * 4).max(2),
    )
}

/// What a literal of digits, signs, dots and letters means.
fn read_number(literal: &str) -> Option<Kind> {
    let (negative, digits) = match literal.as_bytes().first()? {
        b'-' => (true, literal.get(1..)?),
        b'+' => (false, literal.get(1..)?),
        _ => (false, literal),
    };
    let sign = if negative { -1.0 } else { 1.0 };
    match digits {
        "inf" | "inff32" | "inff64" => return Some(Kind::Float(sign * f64::INFINITY)),
        "NaN" | "NaNf32" | "NaNf64" => return Some(Kind::Float(f64::NAN)),
        _ => {}
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(rest) = digits.strip_prefix(prefix) {
            return read_integer(without_suffix(rest), radix, negative);
        }
    }
    let fraction = digits.contains('.');
    // A suffix of whole numbers ends the search for an exponent: there is none in `1u8`.
    if !fraction && let Some(kind) = read_integer(without_suffix(digits), 10, negative) {
        return Some(kind);
    }
    let digits = digits
        .strip_suffix("f32")
        .or_else(|| digits.strip_suffix("f64"))
        .unwrap_or(digits);
    let plain = digits
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-' | b'_'));
    if !plain || digits.starts_with('_') || !digits.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: f64 = digits.replace('_', "").parse().ok()?;
    Some(Kind::Float(sign * number))
}

fn without_suffix(digits: &str) -> &str {
    const SUFFIXES: [&str; 12] = [
        "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128", "usize",
    ];
    SUFFIXES
        .iter()
        .find_map(|suffix| digits.strip_suffix(suffix))
        .unwrap_or(digits)
}

fn read_integer(digits: &str, radix: u32, negative: bool) -> Option<Kind> {
    if digits.is_empty() || digits.starts_with('_') {
        return None;
    }
    let mut number: i128 = 0;
    for c in digits.chars().filter(|c| *c != '_') {
        let digit = i128::from(c.to_digit(radix)?);
        number = number.saturating_mul(i128::from(radix));
        number = if negative {
            number.saturating_sub(digit)
        } else {
            number.saturating_add(digit)
        };
    }
    Some(Kind::Integer(number))
}
