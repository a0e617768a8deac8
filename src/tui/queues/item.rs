//! An item of a queue in a line: text as text, JSON as it is, anything else as bytes. Nothing is ever unpickled.

use crate::{engine::door::PeekedItem, term::plain_text};

/// Bytes of an item that are asked for.
pub const HEAD: usize = 512;

/// Bytes shown of one that is no text.
const HEX: usize = 24;

/// What an item is, in a word, and what it holds, in a line.
pub fn describe(item: &PeekedItem) -> (&'static str, String) {
    let head = &item.head;
    // A head may end within a character.
    let text = match std::str::from_utf8(head) {
        Ok(text) => Some(text),
        Err(error) if error.error_len().is_none() && head.len() as u64 != item.len => {
            std::str::from_utf8(&head[..error.valid_up_to()]).ok()
        }
        Err(_) => None,
    };
    match text {
        Some(text) if !text.contains(|c: char| c.is_control() && !c.is_whitespace()) => {
            let whole = head.len() as u64 == item.len;
            let kind = if whole && serde_json::from_str::<serde_json::Value>(text).is_ok() {
                "json"
            } else {
                "text"
            };
            (kind, plain_text::one_line(text))
        }
        // pickletools: protocol 2 and later begin with 0x80 and the protocol's number.
        _ if matches!(head.as_slice(), [0x80, 2..=5, ..]) => ("pickle", hex(head)),
        _ => ("bytes", hex(head)),
    }
}

fn hex(bytes: &[u8]) -> String {
    let shown = bytes.iter().take(HEX);
    let digits: Vec<String> = shown.map(|byte| format!("{byte:02x}")).collect();
    let more = if bytes.len() > HEX { " …" } else { "" };
    format!("{}{more}", digits.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(bytes: &[u8], len: u64) -> PeekedItem {
        PeekedItem {
            head: bytes.to_vec(),
            len,
            age_ms: 0,
            returned: 0,
        }
    }

    #[test]
    fn items_are_told_apart_without_running_anything() {
        for (bytes, kind, shown) in [
            (&b"hello"[..], "text", "hello"),
            (b"{\"a\": 1}", "json", "{\"a\": 1}"),
            (b"\x80\x05K\x07.", "pickle", "80 05 4b 07 2e"),
            (b"\xff\x00", "bytes", "ff 00"),
            (b"two\nlines", "text", "two lines"),
        ] {
            let (is, text) = describe(&item(bytes, bytes.len() as u64));
            assert_eq!((is, text.as_str()), (kind, shown));
        }
    }

    #[test]
    fn a_head_that_ends_within_a_character_is_text_all_the_same() {
        assert_eq!(describe(&item(b"gr\xc3", 6)).0, "text");
    }

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        let (_, shown) = describe(&item(b"\x1b[31mred", 8));
        assert!(!shown.contains('\u{1b}'), "{shown:?}");
    }
}
