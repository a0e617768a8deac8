//! What a pickle holds, told without running it.
//!
//! A pickle is a program for a small machine; unpickling runs it, and it may call anything. This only reads its
//! instructions and names the first of them, as `pickletools.dis` does. Start at [`describe`].
//!
//! The instructions and their arguments: CPython, `Lib/pickletools.py`, protocols 0 to 5.

use std::fmt::Write as _;

/// Most instructions that a description names.
const NAMED: usize = 10;
/// Most characters of an argument that a description shows.
const SHOWN: usize = 40;

/// What follows an instruction.
#[derive(Debug, Clone, Copy)]
enum Argument {
    Nothing,
    /// A number of so many bytes, little-endian.
    Unsigned(usize),
    Signed(usize),
    /// A big-endian float of 8 bytes.
    Float,
    /// A length of so many bytes, and text or data.
    Text(usize),
    Data(usize),
    /// A length of so many bytes, and a little-endian number in two's complement.
    Long(usize),
    /// So many lines of text.
    Lines(usize),
}

/// An instruction that tells nothing about the value.
const QUIET: &[&str] = &["PROTO", "FRAME", "MEMOIZE", "BINPUT", "LONG_BINPUT", "PUT"];

#[rustfmt::skip]
fn instruction(code: u8) -> Option<(&'static str, Argument)> {
    use Argument::{Data, Float, Lines, Long, Nothing, Signed, Text, Unsigned};
    Some(match code {
        b'(' => ("MARK", Nothing),
        b'.' => ("STOP", Nothing),
        b'0' => ("POP", Nothing),
        b'1' => ("POP_MARK", Nothing),
        b'2' => ("DUP", Nothing),
        b'F' => ("FLOAT", Lines(1)),
        b'I' => ("INT", Lines(1)),
        b'J' => ("BININT", Signed(4)),
        b'K' => ("BININT1", Unsigned(1)),
        b'L' => ("LONG", Lines(1)),
        b'M' => ("BININT2", Unsigned(2)),
        b'N' => ("NONE", Nothing),
        b'P' => ("PERSID", Lines(1)),
        b'Q' => ("BINPERSID", Nothing),
        b'R' => ("REDUCE", Nothing),
        b'S' => ("STRING", Lines(1)),
        b'T' => ("BINSTRING", Data(4)),
        b'U' => ("SHORT_BINSTRING", Data(1)),
        b'V' => ("UNICODE", Lines(1)),
        b'X' => ("BINUNICODE", Text(4)),
        b'a' => ("APPEND", Nothing),
        b'b' => ("BUILD", Nothing),
        b'c' => ("GLOBAL", Lines(2)),
        b'd' => ("DICT", Nothing),
        b'}' => ("EMPTY_DICT", Nothing),
        b'e' => ("APPENDS", Nothing),
        b'g' => ("GET", Lines(1)),
        b'h' => ("BINGET", Unsigned(1)),
        b'i' => ("INST", Lines(2)),
        b'j' => ("LONG_BINGET", Unsigned(4)),
        b'l' => ("LIST", Nothing),
        b']' => ("EMPTY_LIST", Nothing),
        b'o' => ("OBJ", Nothing),
        b'p' => ("PUT", Lines(1)),
        b'q' => ("BINPUT", Unsigned(1)),
        b'r' => ("LONG_BINPUT", Unsigned(4)),
        b's' => ("SETITEM", Nothing),
        b't' => ("TUPLE", Nothing),
        b')' => ("EMPTY_TUPLE", Nothing),
        b'u' => ("SETITEMS", Nothing),
        b'G' => ("BINFLOAT", Float),
        b'B' => ("BINBYTES", Data(4)),
        b'C' => ("SHORT_BINBYTES", Data(1)),
        0x80 => ("PROTO", Unsigned(1)),
        0x81 => ("NEWOBJ", Nothing),
        0x82 => ("EXT1", Unsigned(1)),
        0x83 => ("EXT2", Unsigned(2)),
        0x84 => ("EXT4", Signed(4)),
        0x85 => ("TUPLE1", Nothing),
        0x86 => ("TUPLE2", Nothing),
        0x87 => ("TUPLE3", Nothing),
        0x88 => ("NEWTRUE", Nothing),
        0x89 => ("NEWFALSE", Nothing),
        0x8a => ("LONG1", Long(1)),
        0x8b => ("LONG4", Long(4)),
        0x8c => ("SHORT_BINUNICODE", Text(1)),
        0x8d => ("BINUNICODE8", Text(8)),
        0x8e => ("BINBYTES8", Data(8)),
        0x8f => ("EMPTY_SET", Nothing),
        0x90 => ("ADDITEMS", Nothing),
        0x91 => ("FROZENSET", Nothing),
        0x92 => ("NEWOBJ_EX", Nothing),
        0x93 => ("STACK_GLOBAL", Nothing),
        0x94 => ("MEMOIZE", Nothing),
        0x95 => ("FRAME", Unsigned(8)),
        0x96 => ("BYTEARRAY8", Data(8)),
        0x97 => ("NEXT_BUFFER", Nothing),
        0x98 => ("READONLY_BUFFER", Nothing),
        _ => return None,
    })
}

/// Whether an item of `len` bytes that begins like this is a pickle: as the Python side tells it, by its first two bytes
/// and its last, where that is known.
pub fn is_pickle(head: &[u8], len: u64) -> bool {
    let begins = matches!(head, [0x80, 2..=5, ..]);
    begins && len > 2 && (len > head.len() as u64 || head.last() == Some(&b'.'))
}

/// `<pickle 5, 15 bytes: BININT1 37, STOP>`: its protocol, its length and its first instructions. Of one of `len` bytes
/// its beginning is enough.
pub fn describe(head: &[u8], len: u64, ellipsis: &str) -> String {
    let protocol = head.get(1).copied().unwrap_or_default();
    let mut text = format!("<pickle {protocol}, {len} bytes");
    let mut rest = head;
    let mut named = 0;
    while !rest.is_empty() {
        if named == NAMED {
            let _ = write!(text, ", {ellipsis}");
            break;
        }
        let Some((name, argument)) = next(&mut rest, ellipsis) else {
            match len > head.len() as u64 {
                true => {
                    let _ = write!(text, ", {ellipsis}");
                }
                false => text.push_str(", broken off"),
            }
            break;
        };
        if QUIET.contains(&name) {
            continue;
        }
        text.push_str(if named == 0 { ": " } else { ", " });
        named += 1;
        text.push_str(name);
        if !argument.is_empty() {
            text.push(' ');
            text.push_str(&argument);
        }
    }
    text.push('>');
    text
}

/// What follows an instruction, as it was read.
pub(super) enum Read<'p> {
    Nothing,
    Int(i128),
    Float(f64),
    Text(&'p [u8]),
    Data(&'p [u8]),
    /// A number too long to be shown: its bytes.
    Long(&'p [u8]),
    /// A line, or two.
    Lines(&'p [u8], Option<&'p [u8]>),
}

/// Takes one instruction off. `None`: there is none, or not all of it.
pub(super) fn read<'p>(rest: &mut &'p [u8]) -> Option<(&'static str, Read<'p>)> {
    let (name, kind) = instruction(*take(rest, 1)?.first()?)?;
    let argument = match kind {
        Argument::Nothing => Read::Nothing,
        Argument::Unsigned(width) => Read::Int(unsigned(take(rest, width)?).into()),
        Argument::Signed(width) => Read::Int(signed(take(rest, width)?)),
        Argument::Float => Read::Float(f64::from_be_bytes(take(rest, 8)?.try_into().ok()?)),
        Argument::Text(width) => Read::Text(sized(rest, width)?),
        Argument::Data(width) => Read::Data(sized(rest, width)?),
        Argument::Long(width) => match sized(rest, width)? {
            long if long.len() <= 16 => Read::Int(signed(long)),
            long => Read::Long(long),
        },
        Argument::Lines(lines) => {
            let first = line(rest)?;
            let second = if lines > 1 { Some(line(rest)?) } else { None };
            Read::Lines(first, second)
        }
    };
    Some((name, argument))
}

/// Takes one instruction off: its name and its argument as text.
fn next(rest: &mut &[u8], ellipsis: &str) -> Option<(&'static str, String)> {
    let (name, argument) = read(rest)?;
    let argument = match argument {
        Read::Nothing => String::new(),
        Read::Int(number) => number.to_string(),
        Read::Float(number) => number.to_string(),
        Read::Text(text) => quoted(text, ellipsis),
        Read::Data(data) if std::str::from_utf8(data).is_ok() => quoted(data, ellipsis),
        Read::Data(data) | Read::Long(data) => format!("of {} bytes", data.len()),
        Read::Lines(first, None) => quoted(first, ellipsis),
        Read::Lines(first, Some(second)) => {
            format!("{} {}", quoted(first, ellipsis), quoted(second, ellipsis))
        }
    };
    Some((name, argument))
}

/// What stands before the next line end.
fn line<'p>(rest: &mut &'p [u8]) -> Option<&'p [u8]> {
    let length = rest.iter().position(|byte| *byte == b'\n')?;
    let line = take(rest, length)?;
    take(rest, 1)?;
    Some(line)
}

fn take<'p>(rest: &mut &'p [u8], count: usize) -> Option<&'p [u8]> {
    let (taken, left) = rest.split_at_checked(count)?;
    *rest = left;
    Some(taken)
}

/// What stands behind a length of `width` bytes.
fn sized<'p>(rest: &mut &'p [u8], width: usize) -> Option<&'p [u8]> {
    let length = unsigned(take(rest, width)?);
    take(rest, usize::try_from(length).ok()?)
}

fn unsigned(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |sum, &byte| sum << 8 | u64::from(byte))
}

/// A little-endian number in two's complement, of at most 16 bytes.
fn signed(bytes: &[u8]) -> i128 {
    let negative = bytes.last().is_some_and(|last| last & 0x80 != 0);
    let start: i128 = if negative { -1 } else { 0 };
    bytes
        .iter()
        .rev()
        .fold(start, |sum, &byte| sum << 8 | i128::from(byte))
}

/// The beginning of a text with everything escaped that is no plain character.
fn quoted(text: &[u8], ellipsis: &str) -> String {
    // Four bytes a character at most; what is behind them is not looked at.
    let text = &text[..text.len().min(4 * (SHOWN + 1))];
    let text = String::from_utf8_lossy(text);
    let mut quoted = String::from("\"");
    for (index, c) in text.chars().enumerate() {
        if index == SHOWN {
            quoted.push_str(ellipsis);
            break;
        }
        // Writing to a string cannot fail.
        let _ = write!(quoted, "{}", c.escape_debug());
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_pickle(item: &[u8]) -> bool {
        super::is_pickle(item, item.len() as u64)
    }

    fn describe(item: &[u8]) -> String {
        super::describe(item, item.len() as u64, "…")
    }

    #[test]
    fn a_pickle_is_told_by_its_ends() {
        assert!(is_pickle(b"\x80\x05N."));
        assert!(is_pickle(b"\x80\x02."));
        assert!(!is_pickle(b"\x80\x06N."));
        assert!(!is_pickle(b"\x80\x05N"));
        assert!(!is_pickle("text.".as_bytes()));
        assert!(!is_pickle(b""));
    }

    #[test]
    fn values_are_seen_in_the_instructions() {
        // pickle.dumps([1, "a\x1b", -2.5, 2**70, None], 5)
        let pickle = b"\x80\x05\x95\x21\0\0\0\0\0\0\0]\x94(K\x01\x8c\x02a\x1b\x94G\xc0\x04\0\0\0\0\0\0\x8a\x09\0\0\0\0\0\0\0\0@Ne.";
        assert_eq!(
            describe(pickle),
            "<pickle 5, 44 bytes: EMPTY_LIST, MARK, BININT1 1, SHORT_BINUNICODE \"a\\u{1b}\", BINFLOAT -2.5, \
             LONG1 1180591620717411303424, NONE, APPENDS, STOP>"
        );
        // A call is seen and not made.
        assert_eq!(
            describe(b"\x80\x02cos\nsystem\nX\x02\0\0\0ls\x85R."),
            "<pickle 2, 23 bytes: GLOBAL \"os\" \"system\", BINUNICODE \"ls\", TUPLE1, REDUCE, STOP>"
        );
        assert_eq!(
            describe(b"\x80\x04J\xfe\xff\xff\xff."),
            "<pickle 4, 8 bytes: BININT -2, STOP>"
        );
    }

    #[test]
    fn what_only_looks_like_a_pickle_does_no_harm() {
        assert_eq!(
            describe(b"\x80\x05\x8d\xff\xff\xff\xff\xff\xff\xff\xff."),
            "<pickle 5, 12 bytes, broken off>"
        );
        assert_eq!(
            describe(b"\x80\x05\xff."),
            "<pickle 5, 4 bytes, broken off>"
        );
        let long = [&b"\x80\x05"[..], &b"N".repeat(1000), b"."].concat();
        assert!(describe(&long).ends_with("NONE, …>"));
        let text = [&b"\x80\x05X\xe8\x03\0\0"[..], &b"x".repeat(1000), b"."].concat();
        assert!(describe(&text).contains(&format!("\"{}…\"", "x".repeat(SHOWN))));
    }

    #[test]
    fn the_beginning_of_one_is_enough() {
        let long = [&b"\x80\x05X\xe8\x03\0\0"[..], &b"x".repeat(1000), b"."].concat();
        let head = &long[..64];
        assert!(super::is_pickle(head, 1_008));
        assert_eq!(
            super::describe(head, 1_008, "~"),
            "<pickle 5, 1008 bytes, ~>"
        );
    }
}
