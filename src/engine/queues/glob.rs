//! Patterns of `KEYS` and `Q.LIST`: `*`, `?`, `[a-c]`, `[^a]`, `\x`, as the Redis documentation of `KEYS` has them.
//!
//! Owns matching only, in time linear in pattern × text (a chain of `*` must not explode).

/// True when `text` matches `pattern`.
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where to go on when a literal fails: behind the last `*`, one byte of text further.
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        let step = match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p + 1, t));
                p += 1;
                continue;
            }
            Some(_) => one(&pattern[p..], text[t]),
            None => None,
        };
        match (step, retry) {
            (Some(used), _) => {
                p += used;
                t += 1;
            }
            (None, Some((behind, from))) => {
                retry = Some((behind, from + 1));
                p = behind;
                t = from + 1;
            }
            (None, None) => return false,
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

/// Matches one byte against the first element of a non-empty pattern; how many pattern bytes that took.
fn one(pattern: &[u8], byte: u8) -> Option<usize> {
    match (pattern[0], pattern.get(1)) {
        (b'?', _) => Some(1),
        (b'\\', Some(&literal)) => (literal == byte).then_some(2),
        (b'[', _) => {
            let mut at = 1;
            let negated = pattern.get(at) == Some(&b'^');
            at += usize::from(negated);
            let mut hit = false;
            loop {
                match (pattern.get(at), pattern.get(at + 1), pattern.get(at + 2)) {
                    // An unclosed class ends with the pattern, as in stock.
                    (None, ..) => break,
                    (Some(b']'), ..) => {
                        at += 1;
                        break;
                    }
                    (Some(b'\\'), Some(&literal), _) => {
                        hit |= literal == byte;
                        at += 2;
                    }
                    (Some(&low), Some(b'-'), Some(&high)) => {
                        hit |= (low.min(high)..=low.max(high)).contains(&byte);
                        at += 3;
                    }
                    (Some(&literal), ..) => {
                        hit |= literal == byte;
                        at += 1;
                    }
                }
            }
            (hit != negated).then_some(at)
        }
        (literal, _) => (literal == byte).then_some(1),
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_as_in_stock() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*", "abc", true),
            ("h?llo", "hello", true),
            ("h?llo", "hllo", false),
            ("h[ae]llo", "hallo", true),
            ("h[ae]llo", "hillo", false),
            ("h[^e]llo", "hallo", true),
            ("h[^e]llo", "hello", false),
            ("h[a-b]llo", "hbllo", true),
            (r"a\*c", "a*c", true),
            (r"a\*c", "abc", false),
            ("*run:*", "q:run:t.1", true),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "aXbY", false),
            ("", "", true),
            ("", "a", false),
            ("[a", "a", true),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), text.as_bytes()),
                expected,
                "{pattern} {text}"
            );
        }
    }

    #[test]
    fn many_stars_do_not_explode() {
        let pattern = "a*".repeat(60) + "b";
        assert!(!matches(pattern.as_bytes(), "a".repeat(2000).as_bytes()));
    }
}
