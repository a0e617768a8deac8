//! What an item looks like to people and to programs.
//!
//! What kinds of items there are is told by [`Item`]; this owns what makes them safe to print. Never unpickles. Start at [`write`].

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use serde_json::{Value, json};

use crate::{
    model::item::{Item, Kind},
    term::plain_text::{one_line, safe_lines},
};

/// Most bytes of an item that a description shows.
const SHOWN: usize = 32;

/// Where something is left out.
const ELLIPSIS: &str = "…";

/// What the output goes to.
#[derive(Debug, Clone, Copy)]
pub struct Screen {
    /// A terminal, which must not be handed control characters.
    pub terminal: bool,
}

/// Writes an item and a line end: text and raw data as they are (to a terminal: text filtered, data described), a
/// pickle by a description.
///
/// # Errors
/// Those of `out`.
pub fn write(item: &[u8], screen: Screen, out: &mut impl Write) -> io::Result<()> {
    match Item::whole(item).kind() {
        Kind::Bytes if !screen.terminal => out.write_all(&[item, b"\n"].concat()),
        _ => peek(item, screen, out),
    }
}

/// Writes an item and a line end, data that is no text always by a description.
///
/// # Errors
/// Those of `out`.
pub fn peek(item: &[u8], screen: Screen, out: &mut impl Write) -> io::Result<()> {
    let description = match Item::whole(item).kind() {
        Kind::Text(text) if screen.terminal => {
            // The last line's end is ours, as if it were piped; of an item that ends with one too an empty line remains.
            return out.write_all(&safe_lines(&[text.as_bytes(), b"\n"].concat()));
        }
        Kind::Text(text) => return out.write_all(&[text.as_bytes(), b"\n"].concat()),
        Kind::Pickle => Item::whole(item).pickle(ELLIPSIS),
        Kind::Bytes => describe_bytes(item),
    };
    writeln!(out, "{}", one_line(&description))
}

/// `<5 bytes: ff 00 …>`
fn describe_bytes(item: &[u8]) -> String {
    let hex = Item::whole(item).hex(SHOWN, ELLIPSIS);
    format!("<{} bytes: {hex}>", item.len())
}

/// An item as an object: `queue`, `bytes` (its length), and what it holds, all of it: `text`, else `hex` (for a pickle
/// `pickle` besides, a description).
pub fn to_json(queue: &str, item: &[u8]) -> Value {
    let hex = || {
        item.iter()
            .fold(String::with_capacity(item.len() * 2), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            })
    };
    match Item::whole(item).kind() {
        Kind::Text(text) => json!({ "queue": queue, "bytes": item.len(), "text": text }),
        Kind::Pickle => json!({
            "queue": queue,
            "bytes": item.len(),
            "pickle": Item::whole(item).pickle(ELLIPSIS),
            "hex": hex(),
        }),
        Kind::Bytes => json!({ "queue": queue, "bytes": item.len(), "hex": hex() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(item: &[u8], terminal: bool) -> Vec<u8> {
        let mut out = Vec::new();
        write(item, Screen { terminal }, &mut out).unwrap();
        out
    }

    #[test]
    fn text_is_written_as_it_is_and_filtered_for_a_terminal() {
        assert_eq!(written(b"a\x1b[31mb\r\n", false), b"a\x1b[31mb\r\n\n");
        assert_eq!(written(b"a\x1b[31mb\x1b]0;x\x07c\nd", true), b"abc\nd\n");
        assert_eq!(written(b"", true), b"\n");
        assert_eq!(written(b"{\"a\": 1}", true), b"{\"a\": 1}\n");
        // Unfinished, the sequence would have eaten the line end.
        assert_eq!(written(b"a\x1b]0;", true), b"a\n");
    }

    #[test]
    fn bytes_that_are_no_text_are_described_where_they_could_do_harm() {
        assert_eq!(written(b"\xff\x1b", false), b"\xff\x1b\n");
        assert_eq!(written(b"\xff\x1b", true), b"<2 bytes: ff 1b>\n");
        let mut out = Vec::new();
        peek(&[0xff; 40], Screen { terminal: false }, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.starts_with("<40 bytes: ff ff") && text.ends_with(" …>\n"),
            "{text}"
        );
    }

    #[test]
    fn a_pickle_is_described_everywhere() {
        for terminal in [false, true] {
            let line = String::from_utf8(written(b"\x80\x05K\x25.", terminal)).unwrap();
            assert_eq!(line, "<pickle 5, 5 bytes: BININT1 37, STOP>\n");
        }
    }

    #[test]
    fn json_has_everything_of_an_item() {
        assert_eq!(
            to_json("q", "ä\n".as_bytes()),
            json!({"queue": "q", "bytes": 3, "text": "ä\n"})
        );
        assert_eq!(
            to_json("q", b"\xff\x00"),
            json!({"queue": "q", "bytes": 2, "hex": "ff00"})
        );
        assert_eq!(to_json("q", b"\x80\x04N.")["hex"], "80044e2e");
    }
}
