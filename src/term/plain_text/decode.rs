//! UTF-8, one byte at a time, with errors as the Unicode standard recommends (a U+FFFD for each maximal
//! part of a broken character). Bytes that are C1 controls on their own are told apart: old programs
//! write them so.

/// What a byte led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// A character is not complete yet.
    More,
    /// A character beyond U+009F: its bytes and how many they are.
    Character([u8; 4], usize),
    /// The character before this byte is broken; the byte is not consumed.
    Broken,
    /// This byte can begin nothing; it is consumed.
    BrokenByte,
    /// A control character (C0, DEL or C1, the latter encoded or as a single byte), or plain ASCII.
    Control(u8),
}

/// The bytes of an unfinished character.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Decoder {
    bytes: [u8; 4],
    have: usize,
    need: usize,
}

impl Decoder {
    /// Whether a character is unfinished.
    pub(super) fn is_inside(&self) -> bool {
        self.have > 0
    }

    /// Forgets an unfinished character: whether there was one.
    pub(super) fn reset(&mut self) -> bool {
        std::mem::take(&mut self.have) > 0
    }

    /// Takes the next byte.
    pub(super) fn step(&mut self, byte: u8) -> Step {
        if self.have == 0 {
            self.need = match byte {
                0x00..=0x9f => return Step::Control(byte),
                0xc2..=0xdf => 2,
                0xe0..=0xef => 3,
                0xf0..=0xf4 => 4,
                _ => return Step::BrokenByte,
            };
        } else {
            // The second byte excludes overlong forms, surrogates and what is beyond U+10FFFF.
            let allowed = match (self.have, self.bytes[0]) {
                (1, 0xe0) => 0xa0..=0xbf,
                (1, 0xed) => 0x80..=0x9f,
                (1, 0xf0) => 0x90..=0xbf,
                (1, 0xf4) => 0x80..=0x8f,
                _ => 0x80..=0xbf,
            };
            if !allowed.contains(&byte) {
                self.have = 0;
                return Step::Broken;
            }
        }
        self.bytes[self.have] = byte;
        self.have += 1;
        if self.have < self.need {
            return Step::More;
        }
        self.have = 0;
        match self.bytes {
            [0xc2, code @ 0x80..=0x9f, ..] => Step::Control(code),
            bytes => Step::Character(bytes, self.need),
        }
    }
}
