//! An item of a queue in a line of the screen.
//!
//! What an item is, is told by [`Item`]; this owns how it looks here. Nothing is ever unpickled.

use crate::{
    engine::door::PeekedItem,
    model::item::{Item, Kind},
    term::plain_text,
    tui::theme::Glyphs,
};

/// Bytes of an item that are asked for.
pub const HEAD: usize = 512;

/// Bytes shown of one that is no text.
const HEX: usize = 32;

/// What an item is, in a word, and what it holds, in a line.
pub fn describe(item: &PeekedItem, glyphs: &Glyphs) -> (&'static str, String) {
    let begun = Item::begun(&item.head, item.len);
    match begun.kind() {
        Kind::Text(text) if is_plain(text) => {
            let is_json = matches!(text.trim_start().as_bytes().first(), Some(b'{' | b'['))
                && begun.is_whole()
                && serde_json::from_str::<serde_json::Value>(text).is_ok();
            let mut line = plain_text::one_line(text);
            if !begun.is_whole() {
                line.push_str(glyphs.ellipsis);
            }
            (if is_json { "json" } else { "text" }, line)
        }
        Kind::Pickle => {
            let value = begun.value(glyphs.ellipsis);
            let told = value.unwrap_or_else(|| begun.pickle(glyphs.ellipsis));
            ("pickle", plain_text::one_line(&told))
        }
        Kind::Text(_) | Kind::Bytes => ("bytes", begun.hex(HEX, glyphs.ellipsis)),
    }
}

fn is_plain(text: &str) -> bool {
    !text.contains(|c: char| c.is_control() && !c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(bytes: &[u8], len: usize) -> (&'static str, String) {
        let item = PeekedItem {
            head: bytes.to_vec(),
            len: len as u64,
            age_ms: 0,
            returned: 0,
        };
        describe(&item, &Glyphs::ASCII)
    }

    #[test]
    fn items_are_told_apart_without_running_anything() {
        for (bytes, kind, shown) in [
            (&b"hello"[..], "text", "hello"),
            (b"17", "text", "17"),
            (b"{\"a\": 1}", "json", "{\"a\": 1}"),
            (b"{\"a\": 1", "text", "{\"a\": 1"),
            (b"\x80\x05K\x07.", "pickle", "7"),
            (b"\x80\x05}\x94\x8c\x01a\x94K\x01s.", "pickle", "{'a': 1}"),
            (
                b"\x80\x05\xff.",
                "pickle",
                "<pickle 5, 4 bytes, broken off>",
            ),
            (b"\xff\x00", "bytes", "ff 00"),
            (b"two\nlines", "text", "two lines"),
        ] {
            let (is, text) = described(bytes, bytes.len());
            assert_eq!((is, text.as_str()), (kind, shown));
        }
    }

    #[test]
    fn a_beginning_says_that_there_is_more() {
        assert_eq!(described(b"gr\xc3", 6), ("text", "gr~".to_owned()));
        assert_eq!(described(&[0xff; 64], 90).1.len(), 3 * 32 + 1);
    }

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        let (_, shown) = described(b"\x1b[31mred", 8);
        assert!(!shown.contains('\u{1b}'), "{shown:?}");
        let (_, shown) = described(b"\x80\x05\x8c\x05\x1b[31m.", 10);
        assert!(!shown.contains('\u{1b}'), "{shown:?}");
    }
}
