//! What an item of a queue is, by its bytes.
//!
//! Owns the kinds of items and their descriptions, for everybody who shows one. Items come from anybody: a description
//! is bounded, and nothing is ever unpickled. Whoever writes one to a terminal makes it safe for that. Start at
//! [`Item::kind`]; [`pickle`] names the instructions of a pickle, [`value`] tells what they would make.

pub mod pickle;
pub mod value;

use std::fmt::Write as _;

/// An item, or the beginning of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item<'i> {
    head: &'i [u8],
    len: u64,
}

/// What an item is. Python values other than text travel as pickles, which no text begins like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind<'i> {
    /// Text: as much of it as is known.
    Text(&'i str),
    /// A pickle.
    Pickle,
    /// Anything else.
    Bytes,
}

impl<'i> Item<'i> {
    /// All of an item.
    pub fn whole(bytes: &'i [u8]) -> Self {
        Self::begun(bytes, bytes.len() as u64)
    }

    /// The beginning of an item of so many bytes.
    pub fn begun(head: &'i [u8], len: u64) -> Self {
        let len = len.max(head.len() as u64);
        Self { head, len }
    }

    /// Whether all of it is known.
    pub fn is_whole(&self) -> bool {
        self.head.len() as u64 == self.len
    }

    /// What it is.
    pub fn kind(&self) -> Kind<'i> {
        if pickle::is_pickle(self.head, self.len) {
            return Kind::Pickle;
        }
        match std::str::from_utf8(self.head) {
            Ok(text) => Kind::Text(text),
            // A beginning may end within a character.
            Err(error) if error.error_len().is_none() && !self.is_whole() => {
                let (text, _) = self.head.split_at(error.valid_up_to());
                std::str::from_utf8(text).map_or(Kind::Bytes, Kind::Text)
            }
            Err(_) => Kind::Bytes,
        }
    }

    /// The instructions of a pickle: `<pickle 5, 15 bytes: BININT1 37, STOP>`.
    pub fn pickle(&self, ellipsis: &str) -> String {
        pickle::describe(self.head, self.len, ellipsis)
    }

    /// The value of a pickle as Python would write it, see [`value::of`].
    pub fn value(&self, ellipsis: &str) -> Option<String> {
        value::of(self.head, self.is_whole(), ellipsis)
    }

    /// The first bytes: `ff 00 …`.
    pub fn hex(&self, most: usize, ellipsis: &str) -> String {
        let mut text = String::with_capacity(3 * most + 4);
        for byte in self.head.iter().take(most) {
            let blank = if text.is_empty() { "" } else { " " };
            // Writing to a string cannot fail.
            let _ = write!(text, "{blank}{byte:02x}");
        }
        if self.len > most as u64 {
            let _ = write!(text, " {ellipsis}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_told_apart_by_their_bytes() {
        for (bytes, kind) in [
            (&b"hello"[..], Kind::Text("hello")),
            (b"", Kind::Text("")),
            (b"\x80\x05K\x07.", Kind::Pickle),
            (b"\xff\x00", Kind::Bytes),
        ] {
            assert_eq!(Item::whole(bytes).kind(), kind);
        }
    }

    #[test]
    fn a_beginning_that_ends_within_a_character_is_text_all_the_same() {
        assert_eq!(Item::begun(b"gr\xc3", 6).kind(), Kind::Text("gr"));
        assert_eq!(Item::whole(b"gr\xc3").kind(), Kind::Bytes);
    }

    #[test]
    fn bytes_are_shown_up_to_a_bound() {
        assert_eq!(Item::whole(b"\xff\x00").hex(4, "…"), "ff 00");
        assert_eq!(Item::whole(&[1; 9]).hex(2, "~"), "01 01 ~");
        assert_eq!(Item::begun(&[1; 2], 9).hex(2, "~"), "01 01 ~");
    }
}
