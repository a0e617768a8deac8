//! What a process wrote, as whole lines that say who wrote them: `generator.0 | text`.
//!
//! Owns [`LineAssembler`] (one per process) and the choice of colours. Never writes anywhere: the lines
//! go into a buffer of the caller. The text comes through [`PlainText`], so the only escape sequences in
//! the buffer are those of the prefix, and there are none without a terminal.

use std::{ffi::OsStr, io::Write};

use crate::term::plain_text::{LineEnd, PlainText};

#[cfg(test)]
mod tests;

/// Stands at the end of a piece of a line that goes on, and at the begin of the next piece.
const CONTINUED: &[u8] = "…".as_bytes();

/// Foreground colours of prefixes (ECMA-48 SGR): none of them black, white, or the red of errors.
const COLOURS: [u8; 8] = [36, 32, 33, 35, 34, 96, 92, 95];

/// Whether colours may be written: to a terminal that knows them, whose user did not set `NO_COLOR` to
/// anything (<https://no-color.org>). A terminal without a name or called `dumb` knows none.
pub fn may_colour(is_terminal: bool, no_color: Option<&OsStr>, term: Option<&OsStr>) -> bool {
    is_terminal
        && no_color.is_none_or(OsStr::is_empty)
        && term.is_some_and(|name| !name.is_empty() && name != "dumb")
}

/// [`may_colour`] by the environment of this process.
pub fn colour_by_environment(is_terminal: bool) -> bool {
    may_colour(
        is_terminal,
        std::env::var_os("NO_COLOR").as_deref(),
        std::env::var_os("TERM").as_deref(),
    )
}

/// The colour of a template: the same one in every run.
fn colour_of(template: &str) -> u8 {
    // FNV-1a: no random seed, unlike the hash tables of std.
    let hash = template.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    COLOURS[usize::try_from(hash % 8).unwrap_or(0)]
}

/// Makes whole lines of the chunks of one process.
#[derive(Debug)]
pub struct LineAssembler {
    prefix: Vec<u8>,
    text: PlainText,
    /// The last piece handed on was cut: the next one continues it.
    continued: bool,
}

impl LineAssembler {
    /// Lines that begin with `label` (as [`Session::label`](crate::model::document::Session::label)
    /// gives it: a plain name), in the colour of `template` if `coloured`.
    pub fn new(label: &str, template: &str, coloured: bool) -> Self {
        let prefix = if coloured {
            format!("\x1b[{}m{label} |\x1b[0m ", colour_of(template))
        } else {
            format!("{label} | ")
        };
        Self {
            prefix: prefix.into_bytes(),
            text: PlainText::new(),
            continued: false,
        }
    }

    /// Takes a chunk and appends the lines that it completes to `out`.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        let Self {
            prefix,
            text,
            continued,
        } = self;
        text.push(chunk, &mut |line, end| {
            write_line(prefix, continued, line, end, out);
        });
    }

    /// Says that `bytes` of output are missing here. An unfinished line is ended first.
    pub fn gap(&mut self, bytes: u64, out: &mut Vec<u8>) {
        self.finish(out);
        out.extend_from_slice(&self.prefix);
        // Writing into a Vec cannot fail.
        let _ = writeln!(out, "… {} bytes not shown …", grouped(bytes));
    }

    /// Ends the unfinished line, if there is one.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        let Self {
            prefix,
            text,
            continued,
        } = self;
        text.finish(&mut |line, end| write_line(prefix, continued, line, end, out));
        self.continued = false;
    }
}

fn write_line(prefix: &[u8], continued: &mut bool, line: &[u8], end: LineEnd, out: &mut Vec<u8>) {
    out.reserve(prefix.len() + line.len() + 2 * CONTINUED.len() + 1);
    out.extend_from_slice(prefix);
    if *continued {
        out.extend_from_slice(CONTINUED);
    }
    out.extend_from_slice(line);
    *continued = end == LineEnd::Cut;
    if *continued {
        out.extend_from_slice(CONTINUED);
    }
    out.push(b'\n');
}

/// A number with a comma between each three digits: `12,345`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
