//! `--format json`: one JSON object per line, of events and of lines of ranks.
//!
//! Every object has `at` (seconds since the run began) and `event`. Events are those of
//! [`model::event`](crate::model::event) with their own fields; besides, `output` has `process`, `incarnation`, `stream`
//! (`stdout` or `stderr`; both in one on a pty or a merged pipe are `stdout`) and `line` (without its end, bytes that are
//! not UTF-8 replaced), or `gap` (bytes that were skipped); the last object is `summary`. The version of all of it is
//! `protocol` of the first event, `run_started`.
//!
//! Every JSON line that this program writes to standard output is made here ([`write_line`]), so that none of them holds
//! a character that a terminal would obey.

use std::{
    collections::HashMap,
    io::{self, Write},
    sync::Arc,
    time::Instant,
};

use serde::Serialize;
use serde_json::{Serializer, ser::Formatter};

use crate::{
    engine::panes::Chunk,
    model::{event::Stamped, ids::ProcessId},
    record::Summary,
};

/// A line longer than this is given in pieces, in bytes.
const LINE_MAX: usize = 64 << 10;

#[derive(Serialize)]
struct OutputLine<'a> {
    at: f64,
    event: &'static str,
    process: &'a ProcessId,
    incarnation: u32,
    stream: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    gap: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<&'a str>,
}

#[derive(Serialize)]
struct SummaryLine<'a> {
    at: f64,
    event: &'static str,
    #[serde(flatten)]
    summary: &'a Summary,
}

/// Makes JSON lines; keeps the unfinished line of each stream (with the incarnation that began it).
#[derive(Debug, Default)]
pub struct JsonLines {
    rest: HashMap<Arc<ProcessId>, [(u32, Vec<u8>); 2]>,
    /// The time of the newest event and when it was seen, for the time of lines.
    seen: Option<(f64, Instant)>,
}

/// JSON without spaces and without characters that do something to a terminal or to who splits lines. `serde_json`
/// escapes what RFC 8259 demands, which is C0 only.
struct Plain;

impl Formatter for Plain {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + Write,
    {
        let mut written = 0;
        if !fragment.is_ascii() || fragment.contains('\x7f') {
            for (at, odd) in fragment.match_indices(is_odd) {
                writer.write_all(&fragment.as_bytes()[written..at])?;
                // All of them are in the plane that needs no pair of escapes.
                for character in odd.chars() {
                    write!(writer, "\\u{:04x}", u32::from(character))?;
                }
                written = at + odd.len();
            }
        }
        writer.write_all(&fragment.as_bytes()[written..])
    }
}

/// DEL and the C1 controls, what Unicode calls `Bidi_Control`, and its two separators of lines.
fn is_odd(character: char) -> bool {
    matches!(
        character,
        '\u{7f}'..='\u{9f}'
            | '\u{61c}'
            | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
    )
}

fn put(value: &impl Serialize, out: &mut Vec<u8>) {
    let start = out.len();
    match value.serialize(&mut Serializer::with_formatter(&mut *out, Plain)) {
        Ok(()) => out.push(b'\n'),
        // Only a map with keys that are no text, or a path that is none; nothing written here has one.
        Err(_) => out.truncate(start),
    }
}

impl JsonLines {
    fn now(&self) -> f64 {
        match self.seen {
            Some((at, seen)) => ((at + seen.elapsed().as_secs_f64()) * 1e6).round() / 1e6,
            None => 0.0,
        }
    }

    /// Appends an event.
    pub fn event(&mut self, stamped: &Stamped, out: &mut Vec<u8>) {
        self.seen = Some((stamped.at, Instant::now()));
        put(stamped, out);
    }

    /// Appends the lines that a chunk completes.
    pub fn push(&mut self, chunk: &Chunk, out: &mut Vec<u8>) {
        let at = self.now();
        let rests = self.rest.entry(chunk.process.clone()).or_default();
        let (incarnation, rest) = &mut rests[usize::from(chunk.stream != 0)];
        if *incarnation != chunk.incarnation.0 {
            flush(at, &chunk.process, *incarnation, chunk.stream, rest, out);
            *incarnation = chunk.incarnation.0;
        }
        if chunk.gap > 0 {
            flush(at, &chunk.process, *incarnation, chunk.stream, rest, out);
            put(
                &object(
                    at,
                    &chunk.process,
                    *incarnation,
                    chunk.stream,
                    Some(chunk.gap),
                    None,
                ),
                out,
            );
        }
        let mut bytes = &chunk.bytes[..];
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            rest.extend_from_slice(&bytes[..end]);
            bytes = &bytes[end + 1..];
            if rest.last() == Some(&b'\r') {
                rest.pop();
            }
            line(at, &chunk.process, *incarnation, chunk.stream, rest, out);
            rest.clear();
        }
        rest.extend_from_slice(bytes);
        if rest.len() > LINE_MAX {
            flush(at, &chunk.process, *incarnation, chunk.stream, rest, out);
        }
    }

    /// A process ended: its unfinished lines.
    pub fn end(&mut self, process: &ProcessId, out: &mut Vec<u8>) {
        let at = self.now();
        let rests = self.rest.remove(process).into_iter().flatten();
        for (stream, (incarnation, mut rest)) in (0..).zip(rests) {
            flush(at, process, incarnation, stream, &mut rest, out);
        }
    }

    /// The last object.
    pub fn summary(&mut self, summary: &Summary, out: &mut Vec<u8>) {
        put(
            &SummaryLine {
                at: self.now(),
                event: "summary",
                summary,
            },
            out,
        );
    }
}

fn object<'a>(
    at: f64,
    process: &'a ProcessId,
    incarnation: u32,
    stream: u8,
    gap: Option<u64>,
    line: Option<&'a str>,
) -> OutputLine<'a> {
    let stream = if stream == 0 { "stdout" } else { "stderr" };
    OutputLine {
        at,
        event: "output",
        process,
        incarnation,
        stream,
        gap,
        line,
    }
}

fn line(
    at: f64,
    process: &ProcessId,
    incarnation: u32,
    stream: u8,
    bytes: &[u8],
    out: &mut Vec<u8>,
) {
    let text = String::from_utf8_lossy(bytes);
    put(
        &object(at, process, incarnation, stream, None, Some(&text)),
        out,
    );
}

fn flush(
    at: f64,
    process: &ProcessId,
    incarnation: u32,
    stream: u8,
    rest: &mut Vec<u8>,
    out: &mut Vec<u8>,
) {
    if !rest.is_empty() {
        line(at, process, incarnation, stream, rest, out);
        rest.clear();
    }
}

/// Writes one JSON object and the end of its line.
///
/// # Errors
/// When `out` cannot be written.
pub fn write_line(value: &impl Serialize, out: &mut impl Write) -> std::io::Result<()> {
    let mut line = Vec::new();
    put(value, &mut line);
    out.write_all(&line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::Incarnation;

    #[test]
    fn what_a_terminal_obeys_or_a_reader_splits_at_is_escaped_and_the_rest_stays() {
        let text = "aé\u{9b}火\x7f\u{85}\u{202e}\u{2066}\u{200f}\u{2028}“🐉”\x1b\"\\";
        let value = HashMap::from([(text, text)]);
        let mut out = Vec::new();
        write_line(&value, &mut out).unwrap();
        let line = String::from_utf8(out).unwrap();
        let string = r#""aé\u009b火\u007f\u0085\u202e\u2066\u200f\u2028“🐉”\u001b\"\\""#;
        assert_eq!(line, format!("{{{string}:{string}}}\n"));
        assert_eq!(
            serde_json::from_str::<HashMap<String, String>>(&line).unwrap()[text],
            text
        );
    }

    #[test]
    fn the_end_of_a_process_tells_what_is_left_of_both_streams_and_nothing_of_others() {
        let mut json = JsonLines::default();
        let mut out = Vec::new();
        for (process, stream) in [("g/a.0", 1), ("g/a.1", 0), ("g/a.0", 0)] {
            let chunk = Chunk {
                process: Arc::new(process.parse().unwrap()),
                incarnation: Incarnation(2),
                stream,
                offset: 0,
                gap: 0,
                bytes: format!("{process} {stream}").into_bytes(),
            };
            json.push(&chunk, &mut out);
        }
        assert!(out.is_empty());
        let id = "g/a.0".parse().unwrap();
        json.end(&id, &mut out);
        json.end(&id, &mut out);
        let text = String::from_utf8(out).unwrap();
        let told: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let said: Vec<_> = told.iter().map(|it| (&it["stream"], &it["line"])).collect();
        assert_eq!(
            said,
            [
                (&"stdout".into(), &"g/a.0 0".into()),
                (&"stderr".into(), &"g/a.0 1".into())
            ]
        );
        assert!(told.iter().all(|it| it["incarnation"] == 2));
    }

    fn lines(chunks: &[&[u8]]) -> Vec<String> {
        let process: Arc<ProcessId> = Arc::new("g/a.0".parse().unwrap());
        let mut json = JsonLines::default();
        let mut out = Vec::new();
        for bytes in chunks {
            let chunk = Chunk {
                process: process.clone(),
                incarnation: Incarnation(0),
                stream: 0,
                offset: 0,
                gap: 0,
                bytes: bytes.to_vec(),
            };
            json.push(&chunk, &mut out);
        }
        json.end(&process, &mut out);
        let text = String::from_utf8(out).unwrap();
        text.lines()
            .map(|line| {
                let value: serde_json::Value = serde_json::from_str(line).unwrap();
                assert_eq!(value["event"], "output");
                assert_eq!(value["process"], "g/a.0");
                value["line"].as_str().unwrap().to_owned()
            })
            .collect()
    }

    #[test]
    fn a_line_is_one_object_however_it_came_and_control_characters_are_escaped() {
        assert_eq!(
            lines(&[b"a", b"b\r\nc\x1b[31m\nrest"]),
            ["ab", "c\u{1b}[31m", "rest"]
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced_and_long_lines_cut() {
        assert_eq!(lines(&[b"\xff\n"]), ["\u{fffd}"]);
        let long = vec![b'x'; LINE_MAX + 1];
        assert_eq!(lines(&[&long, b"y\n"]).len(), 2);
    }
}
