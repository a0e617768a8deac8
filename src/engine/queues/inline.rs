//! Words of inline commands: what a person types into `nc -U`, with stock's quotes and escapes.
//!
//! Works in place on the connection's buffer; lines and limits are `request.rs`.

/// Unquotes the word at `at` to `write`; (behind the word, behind what was written), `None` for unbalanced quotes.
pub fn unquote(
    buf: &mut [u8],
    mut at: usize,
    to: usize,
    mut write: usize,
) -> Option<(usize, usize)> {
    let mut quote = None;
    loop {
        if at >= to {
            return quote.is_none().then_some((at, write));
        }
        let byte = buf[at];
        at += 1;
        let out = match (quote, byte) {
            (None, b'"' | b'\'') => {
                quote = Some(byte);
                continue;
            }
            (None, _) if is_space(byte) => return Some((at, write)),
            (Some(open), _) if open == byte => {
                // A closing quote must end the word.
                return (at >= to || is_space(buf[at])).then_some((at, write));
            }
            (Some(b'\''), b'\\') if at < to && buf[at] == b'\'' => {
                at += 1;
                b'\''
            }
            (Some(b'"'), b'\\') if at < to => {
                if let Some(value) = hex_escape(&buf[at..to]) {
                    at += 3;
                    value
                } else {
                    let escaped = buf[at];
                    at += 1;
                    match escaped {
                        b'n' => b'\n',
                        b'r' => b'\r',
                        b't' => b'\t',
                        b'b' => 8,
                        b'a' => 7,
                        other => other,
                    }
                }
            }
            _ => byte,
        };
        buf[write] = out;
        write += 1;
    }
}

fn hex_escape(text: &[u8]) -> Option<u8> {
    let [b'x', high, low, ..] = text else {
        return None;
    };
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

/// What separates words.
pub fn is_space(byte: u8) -> bool {
    byte == 0 || byte == 0x0b || byte.is_ascii_whitespace()
}

/// The first words of a browser tricked into talking to us.
pub fn is_http(word: &[u8], rest: &[u8]) -> bool {
    word.eq_ignore_ascii_case(b"POST")
        || word.eq_ignore_ascii_case(b"Host:")
        || (word.eq_ignore_ascii_case(b"GET") && rest.trim_ascii_start().starts_with(b"/"))
}
