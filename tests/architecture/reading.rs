//! Rust as tokens and paths, without comments and strings: as much as the rules need.
//!
//! Owns the reading. Knows no rule and no layer, no types and no macros. Start at [`read`].

#[derive(Debug)]
pub struct Token {
    pub line: usize,
    /// A word, or one character; `::` is one token.
    pub text: String,
    pub in_test: bool,
}

/// A path with at least two parts, or whatever a `use` brings in.
#[derive(Debug)]
pub struct PathUse {
    pub line: usize,
    pub parts: Vec<String>,
    /// The inline modules around it, from the outside.
    pub inline: Vec<String>,
    pub in_test: bool,
}

impl PathUse {
    /// Whether `words` stand in it, one after the other; a `*` at its end may be any of them.
    pub fn is(&self, words: &str) -> bool {
        let words: Vec<&str> = words.split("::").collect();
        (0..self.parts.len()).any(|from| {
            let mut parts = self.parts[from..].iter();
            words
                .iter()
                .enumerate()
                .all(|(index, word)| match parts.next() {
                    Some(part) => part == word || part == "*" && index > 0,
                    None => false,
                })
        })
    }

    pub fn shown(&self) -> String {
        self.parts.join("::")
    }
}

pub struct Read {
    pub tokens: Vec<Token>,
    pub paths: Vec<PathUse>,
}

pub fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

pub fn read(text: &str) -> Read {
    let mut tokens = tokens(text);
    let paths = paths(&mut tokens);
    Read { tokens, paths }
}

/// The tokens outside comments, strings, characters and numbers.
fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut out = Vec::new();
    let mut line = 1;
    let mut at = 0;
    let peek = |at: usize| chars.get(at).copied().unwrap_or('\0');
    // Behind the closing quote of a string whose opening one is at `from`.
    let string_end = |from: usize, hashes: Option<usize>| {
        let mut at = from + 1;
        while at < chars.len() {
            match (chars[at], hashes) {
                ('\\', None) => at += 1,
                ('"', None) => return at + 1,
                ('"', Some(n)) if (1..=n).all(|i| peek(at + i) == '#') => return at + 1 + n,
                _ => {}
            }
            at += 1;
        }
        chars.len()
    };
    while at < chars.len() {
        let begin = at;
        let c = chars[at];
        if c == '/' && peek(at + 1) == '/' {
            while at < chars.len() && chars[at] != '\n' {
                at += 1;
            }
        } else if c == '/' && peek(at + 1) == '*' {
            let mut depth = 0;
            while at < chars.len() {
                if chars[at] == '/' && peek(at + 1) == '*' {
                    depth += 1;
                    at += 2;
                } else if chars[at] == '*' && peek(at + 1) == '/' {
                    depth -= 1;
                    at += 2;
                    if depth == 0 {
                        break;
                    }
                } else {
                    at += 1;
                }
            }
        } else if c == '"' {
            at = string_end(at, None);
        } else if c == '\'' {
            // A character ends with a quote; a lifetime or label has none.
            if peek(at + 1) == '\\' {
                at += 3;
                while at < chars.len() && chars[at] != '\'' {
                    at += 1;
                }
                at += 1;
            } else if peek(at + 2) == '\'' {
                at += 3;
            } else {
                at += 1;
                while peek(at).is_alphanumeric() || peek(at) == '_' {
                    at += 1;
                }
            }
        } else if c.is_alphanumeric() || c == '_' {
            while peek(at).is_alphanumeric() || peek(at) == '_' {
                at += 1;
            }
            let word: String = chars[begin..at].iter().collect();
            let mut hashes = 0;
            while peek(at + hashes) == '#' {
                hashes += 1;
            }
            let raw = matches!(word.as_str(), "r" | "br" | "cr");
            if raw && peek(at + hashes) == '"' {
                at = string_end(at + hashes, Some(hashes));
            } else if matches!(word.as_str(), "b" | "c") && peek(at) == '"' {
                at = string_end(at, None);
            } else if word == "r" && hashes == 1 && is_word(&peek(at + 1).to_string()) {
                // A raw identifier: the word itself follows.
                at += 1;
            } else if is_word(&word) {
                out.push(Token {
                    line,
                    text: word,
                    in_test: false,
                });
            }
        } else if c == ':' && peek(at + 1) == ':' {
            at += 2;
            out.push(Token {
                line,
                text: "::".to_owned(),
                in_test: false,
            });
        } else {
            at += 1;
            if !c.is_whitespace() {
                out.push(Token {
                    line,
                    text: c.to_string(),
                    in_test: false,
                });
            }
        }
        at = at.min(chars.len());
        line += chars[begin..at].iter().filter(|c| **c == '\n').count();
    }
    out
}

/// The paths in `tokens`; marks on the way which tokens are inside `#[cfg(test)]` or `#[test]`.
fn paths(tokens: &mut [Token]) -> Vec<PathUse> {
    struct Scope {
        module: Option<String>,
        test: bool,
    }
    let texts: Vec<String> = tokens.iter().map(|token| token.text.clone()).collect();
    let text = |at: usize| texts.get(at).map_or("", String::as_str);
    let mut out: Vec<PathUse> = Vec::new();
    let mut scopes: Vec<Scope> = Vec::new();
    let mut module = None;
    let mut test_ahead = false;
    let mut parentheses = 0;
    let mut at = 0;
    while at < texts.len() {
        let in_test = test_ahead || scopes.iter().any(|scope| scope.test);
        tokens[at].in_test = in_test;
        let line = tokens[at].line;
        let inline = || {
            scopes
                .iter()
                .filter_map(|scope| scope.module.clone())
                .collect::<Vec<_>>()
        };
        match text(at) {
            "#" if text(at + 1) == "[" => {
                let inside: Vec<&str> = (at + 2..texts.len())
                    .map(text)
                    .take_while(|it| *it != "]")
                    .collect();
                let configured = inside.first() == Some(&"cfg") && !inside.contains(&"not");
                let last = inside.len().saturating_sub(1);
                if inside.get(last) == Some(&"test") || configured && inside.contains(&"test") {
                    test_ahead = true;
                    parentheses = 0;
                }
                at += 2;
                // What stands in an attribute ends no item.
                let after = at + inside.len();
                if !inside.contains(&"::") {
                    at = after;
                }
            }
            "mod" if is_word(text(at + 1)) => {
                module = Some(text(at + 1).to_owned());
                at += 2;
            }
            "{" => {
                scopes.push(Scope {
                    module: module.take(),
                    test: test_ahead,
                });
                test_ahead = false;
                at += 1;
            }
            "}" => {
                scopes.pop();
                test_ahead = false;
                at += 1;
            }
            "(" => {
                parentheses += 1;
                at += 1;
            }
            ")" => {
                parentheses -= 1;
                at += 1;
            }
            // The end of a field or a variant, not of a parameter.
            "," if parentheses == 0 => {
                test_ahead = false;
                at += 1;
            }
            ";" => {
                module = None;
                test_ahead = false;
                at += 1;
            }
            // `impl Trait + use<'a>` is no import.
            "use" if text(at + 1) != "<" => {
                let end = (at..texts.len())
                    .find(|i| text(*i) == ";")
                    .unwrap_or(texts.len());
                let mut leaves = Vec::new();
                let mut from = at + 1;
                use_tree(&texts[..end], &mut from, &[], &mut leaves);
                let inline = inline();
                for (index, parts) in leaves {
                    out.push(PathUse {
                        line: tokens[index].line,
                        parts,
                        inline: inline.clone(),
                        in_test,
                    });
                }
                for token in &mut tokens[at..end] {
                    token.in_test = in_test;
                }
                at = end;
            }
            word if is_word(word) => {
                let mut parts = vec![word.to_owned()];
                let mut next = at + 1;
                while text(next) == "::" && is_word(text(next + 1)) {
                    parts.push(text(next + 1).to_owned());
                    next += 2;
                }
                for token in &mut tokens[at..next] {
                    token.in_test = in_test;
                }
                // `<T as Trait>::name` and `vec::<T>::name` go on after a bracket: no new path.
                let goes_on = at > 0 && text(at - 1) == "::" && is_continued(&texts, at - 1);
                if parts.len() > 1 && !goes_on {
                    out.push(PathUse {
                        line,
                        parts,
                        inline: inline(),
                        in_test,
                    });
                }
                at = next;
            }
            _ => at += 1,
        }
    }
    out
}

/// Whether the `::` at `at` follows the bracket of a type, and does not begin a path of its own as
/// in `-> ::std::fs::File`.
fn is_continued(texts: &[String], at: usize) -> bool {
    let before = |n: usize| at.checked_sub(n).map_or("", |i| texts[i].as_str());
    before(1) == "]" || before(1) == ">" && !matches!(before(2), "-" | "=")
}

/// The leaves of a tree as `a::{b, c::*}`, each with the index of its last token.
fn use_tree(
    texts: &[String],
    at: &mut usize,
    prefix: &[String],
    leaves: &mut Vec<(usize, Vec<String>)>,
) {
    let mut path = prefix.to_vec();
    let mut last = *at;
    while let Some(text) = texts.get(*at) {
        match text.as_str() {
            "::" => *at += 1,
            "{" => {
                *at += 1;
                while *at < texts.len() && texts[*at] != "}" {
                    let before = *at;
                    use_tree(texts, at, &path, leaves);
                    if texts.get(*at).is_some_and(|text| text == ",") || *at == before {
                        *at += 1;
                    }
                }
                *at += 1;
                return;
            }
            "," | "}" => break,
            "as" => *at += 2,
            // `a::{self}` is `a`; at the beginning it is where we are.
            "self" if !path.is_empty() => {
                last = *at;
                *at += 1;
            }
            word => {
                path.push(word.to_owned());
                last = *at;
                *at += 1;
            }
        }
    }
    if !path.is_empty() && last < texts.len() {
        leaves.push((last, path));
    }
}
