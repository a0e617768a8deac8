//! `--format json`: one JSON object per line, of events and of lines of ranks.
//!
//! Every object has `at` (seconds since the run began) and `event`. Events are those of
//! [`model::event`](crate::model::event) with their own fields; besides, `output` has `process`, `incarnation`, `stream`
//! (`stdout` or `stderr`; both in one on a pty or a merged pipe are `stdout`) and `line` (without its end, bytes that are
//! not UTF-8 replaced), or `gap` (bytes that were skipped); the last object is `summary`. The version of all of it is
//! `protocol` of the first event, `run_started`.

use std::{collections::HashMap, io::Write, sync::Arc, time::Instant};

use serde::Serialize;

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

/// Makes JSON lines; keeps the unfinished line of each stream.
#[derive(Debug, Default)]
pub struct JsonLines {
    rest: HashMap<(Arc<ProcessId>, u8), (u32, Vec<u8>)>,
    /// The time of the newest event and when it was seen, for the time of lines.
    seen: Option<(f64, Instant)>,
}

fn put(value: &impl Serialize, out: &mut Vec<u8>) {
    let start = out.len();
    match serde_json::to_writer(&mut *out, value) {
        Ok(()) => out.push(b'\n'),
        // Only a map with keys that are no text cannot be written; none of these has one.
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
        let (incarnation, rest) = self
            .rest
            .entry((chunk.process.clone(), chunk.stream))
            .or_default();
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
        self.rest.retain(|(id, stream), (incarnation, rest)| {
            if **id == *process {
                flush(at, id, *incarnation, *stream, rest, out);
            }
            **id != *process
        });
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

    fn lines(chunks: &[&[u8]]) -> Vec<String> {
        let process: Arc<ProcessId> = Arc::new("g/a.0".parse().unwrap());
        let mut json = JsonLines::default();
        let mut out = Vec::new();
        for bytes in chunks {
            let chunk = Chunk {
                process: process.clone(),
                incarnation: Incarnation(0),
                stream: 0,
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
