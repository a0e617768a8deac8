//! The ends of many logs, read as one.
//!
//! Owns the merging of lines by the time at which they were written, which the record keeps beside the logs. Where it does
//! not (an older record), every rank gets an even share, one after the other. Blocks while it reads. Start at [`gather`].

use std::{collections::HashMap, path::Path};

use super::{
    deeds::tail,
    run::{LINES_MAX, Line, TAIL, line_of},
};
use crate::{
    model::ids::ProcessId,
    record::{growth_of, log_path},
    term::plain_text::PlainText,
};

/// Bytes that are read of all logs together, and of one at least.
const BYTES_MAX: usize = 32 << 20;
const BYTES_MIN: usize = 4 << 10;

/// A line, and where in its log it ends.
struct Place {
    end: u64,
    text: String,
}

/// The last lines of these logs of a run, each taken to end where it is said, and whether they are in the order in which
/// they were written.
pub fn gather(run: &Path, logs: &[(ProcessId, Option<u64>)]) -> (Vec<Line>, bool) {
    let bytes = (BYTES_MAX / logs.len().max(1)).clamp(BYTES_MIN, TAIL);
    let ends: Vec<Vec<Place>> = logs
        .iter()
        .map(|(process, until)| lines(&log_path(run, process), bytes, *until))
        .collect();
    let times = times(run, logs);
    let is_known = ends
        .iter()
        .zip(&times)
        .all(|(lines, times)| lines.is_empty() || !times.is_empty());
    let mut all: Vec<(f64, Line)> = Vec::new();
    for (((process, _), mut lines), times) in logs.iter().zip(ends).zip(&times) {
        if !is_known {
            let share = (LINES_MAX / logs.len().max(1)).max(1);
            lines.drain(..lines.len().saturating_sub(share));
        }
        all.extend(lines.into_iter().map(|place| {
            // The first time at which the log was so long that the line was in it.
            let at = times.partition_point(|(_, end)| *end < place.end);
            let at = match is_known {
                true => times.get(at).map_or(f64::INFINITY, |(at, _)| *at),
                false => 0.0,
            };
            let line = Line {
                process: process.clone(),
                text: place.text,
            };
            (at, line)
        }));
    }
    // What came within one line of the record stays rank after rank.
    all.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let out = all.len().saturating_sub(LINES_MAX);
    let lines = all.into_iter().skip(out).map(|(_, line)| line).collect();
    (lines, is_known)
}

/// When each log was how long, as far as it was written down.
fn times(run: &Path, logs: &[(ProcessId, Option<u64>)]) -> Vec<Vec<(f64, u64)>> {
    let places: HashMap<&ProcessId, usize> = logs
        .iter()
        .enumerate()
        .map(|(at, (process, _))| (process, at))
        .collect();
    let mut times = vec![Vec::new(); logs.len()];
    let Ok(growth) = growth_of(run) else {
        return times;
    };
    let mut by_number: HashMap<u32, usize> = HashMap::new();
    for line in growth.map_while(Result::ok) {
        for (number, process) in &line.logs {
            if let Some(at) = places.get(process) {
                by_number.insert(*number, *at);
            }
        }
        for (number, end) in &line.ends {
            if let Some(times) = by_number.get(number).and_then(|at| times.get_mut(*at)) {
                times.push((line.at, *end));
            }
        }
    }
    times
}

/// The last lines of a log; one that was cut at its begin is left out.
fn lines(path: &Path, bytes: usize, until: Option<u64>) -> Vec<Place> {
    let (begin, bytes) = tail(path, bytes, until).unwrap_or_default();
    let mut at = begin;
    let mut lines = Vec::new();
    let mut plain = PlainText::new();
    let mut is_whole = begin == 0;
    for part in bytes.split_inclusive(|byte| *byte == b'\n') {
        at += part.len() as u64;
        if std::mem::replace(&mut is_whole, true) {
            let mut add = |line: &[u8], _| {
                lines.push(Place {
                    end: at,
                    text: line_of(line),
                });
            };
            plain.push(part, &mut add);
        }
    }
    plain.finish(&mut |line, _| {
        lines.push(Place {
            end: at,
            text: line_of(line),
        });
    });
    lines
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::record::{EngineInfo, RunFolder, Runs};

    fn id(rank: u32) -> ProcessId {
        format!("g/a.{rank}").parse().unwrap()
    }

    /// Two ranks that print in turn, a second apart.
    fn recorded() -> (tempfile::TempDir, RunFolder) {
        let folder = tempfile::tempdir().unwrap();
        let runs = Runs::at(folder.path());
        let run = RunFolder::create(&runs, "", |_| EngineInfo::of_this_process()).unwrap();
        let mut logs = run.logs();
        let ids = [logs.add(id(0)), logs.add(id(1))];
        let zero = Instant::now();
        logs.count_from(zero);
        for turn in 0..6u32 {
            let now = zero + Duration::from_secs(turn.into());
            let line = format!("\x1b[31m{turn}\x1b[0m\r\n");
            logs.write(ids[turn as usize % 2], line.as_bytes(), now);
        }
        logs.finish(zero);
        (folder, run)
    }

    fn told((lines, is_ordered): (Vec<Line>, bool)) -> (String, bool) {
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        (texts.join(" "), is_ordered)
    }

    #[test]
    fn lines_of_many_logs_stand_in_the_order_in_which_they_were_written() {
        let (_folder, run) = recorded();
        let all = [(id(0), None), (id(1), None)];
        assert_eq!(
            told(gather(run.path(), &all)),
            ("0 1 2 3 4 5".to_owned(), true)
        );
        let length = |lines: u64| Some(lines * "\x1b[31m0\x1b[0m\r\n".len() as u64);
        let early = [(id(0), length(2)), (id(1), length(1))];
        assert_eq!(told(gather(run.path(), &early)), ("0 1 2".to_owned(), true));
    }

    #[test]
    fn without_times_each_rank_has_its_share_and_that_is_said() {
        let (_folder, run) = recorded();
        std::fs::remove_file(run.path().join("growth.jsonl")).unwrap();
        let all = [(id(0), None), (id(1), None)];
        assert_eq!(
            told(gather(run.path(), &all)),
            ("0 2 4 1 3 5".to_owned(), false)
        );
    }
}
