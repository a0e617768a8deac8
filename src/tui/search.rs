//! Looking for a pattern in the logs of a run.
//!
//! Owns the walk through the logs, and what is kept of it: the newest hits of each, a fair share where there are many. A
//! search that nobody waits for any more ends within a block. Never holds more of a log than a block and a line. Start at
//! [`search`].

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use super::{
    message::{Found, Hit},
    widget::text::untabbed,
};
use crate::{model::ids::ProcessId, term::plain_text::PlainText};

/// Hits that are given at most.
const HITS_MAX: usize = 1_000;

/// Lines shown before and after a hit.
const CONTEXT: usize = 2;

/// Bytes of a line that are shown. It is searched as a whole.
const SHOWN_MAX: usize = 4 << 10;

/// Bytes that are read at once.
const BLOCK: usize = 256 << 10;

/// The search that somebody waits for, by its ticket; 0: none.
static WANTED: AtomicU64 = AtomicU64::new(0);

/// From now on only this search is waited for.
pub fn want(ticket: u64) {
    WANTED.store(ticket, Ordering::Relaxed);
}

/// Whether somebody waits for this search.
pub fn is_wanted(ticket: u64) -> bool {
    WANTED.load(Ordering::Relaxed) == ticket
}

/// Looks into one log after the other. `go_on` hears how many were searched and says whether somebody still waits for
/// the rest; absent: nobody did.
pub fn search(
    pattern: &str,
    logs: &[(ProcessId, PathBuf)],
    go_on: &mut dyn FnMut(usize) -> bool,
) -> Option<Found> {
    let mut found = Found::default();
    let Ok(pattern) = regex::bytes::Regex::new(pattern) else {
        return Some(found);
    };
    let mut each: Vec<VecDeque<Hit>> = Vec::new();
    let mut total = 0;
    for (searched, (process, path)) in logs.iter().enumerate() {
        if !go_on(searched) {
            return None;
        }
        let mut log = Log::new(process, &pattern);
        match log.read(path, &mut || go_on(searched)) {
            Ok(true) => {}
            Ok(false) => return None,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) => found.unread += 1,
        }
        found.left_out += log.left_out;
        total += log.hits.len();
        if !log.hits.is_empty() {
            each.push(log.hits);
        }
        if total > 2 * HITS_MAX {
            total = share(&mut each, &mut found.left_out);
        }
    }
    share(&mut each, &mut found.left_out);
    found.hits = each.into_iter().flatten().collect();
    Some(found)
}

/// Takes the oldest hits of those logs that have most, until there are few enough; gives how many are left.
fn share(each: &mut [VecDeque<Hit>], left_out: &mut u64) -> usize {
    let mut counts: Vec<usize> = each.iter().map(VecDeque::len).collect();
    counts.sort_unstable();
    let (mut room, mut rest) = (HITS_MAX, counts.len());
    let mut most = usize::MAX;
    for count in counts {
        // Those that follow have as many or more.
        if count > room / rest {
            most = (room / rest).max(1);
            break;
        }
        room -= count;
        rest -= 1;
    }
    let mut total = 0;
    for hits in each {
        let old = hits.len().saturating_sub(most);
        hits.drain(..old);
        *left_out += old as u64;
        total += hits.len();
    }
    total
}

/// A log that is being searched.
struct Log<'s> {
    process: &'s ProcessId,
    pattern: &'s regex::bytes::Regex,
    plain: PlainText,
    hits: VecDeque<Hit>,
    left_out: u64,
    /// The number of the line, from 1, and where it begins.
    number: u64,
    offset: u64,
    is_amid: bool,
    before: VecDeque<Vec<u8>>,
}

impl<'s> Log<'s> {
    fn new(process: &'s ProcessId, pattern: &'s regex::bytes::Regex) -> Self {
        Self {
            process,
            pattern,
            plain: PlainText::new(),
            hits: VecDeque::new(),
            left_out: 0,
            number: 1,
            offset: 0,
            is_amid: false,
            before: VecDeque::new(),
        }
    }

    /// False: nobody waits for it any more.
    fn read(&mut self, path: &Path, go_on: &mut dyn FnMut() -> bool) -> io::Result<bool> {
        let file = File::open(path)?;
        // It may grow faster than it is read.
        let size = file.metadata()?.len();
        let mut reader = BufReader::with_capacity(BLOCK, file.take(size));
        let mut at = 0;
        loop {
            let block = match reader.fill_buf() {
                Ok(block) => block,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if block.is_empty() {
                break;
            }
            self.block(at, block);
            at += block.len() as u64;
            let used = block.len();
            reader.consume(used);
            if !go_on() {
                return Ok(false);
            }
        }
        let mut plain = std::mem::take(&mut self.plain);
        plain.finish(&mut |line, _| self.line(line));
        Ok(true)
    }

    fn block(&mut self, at: u64, block: &[u8]) {
        let (mut at, mut rest) = (at, block);
        let mut plain = std::mem::take(&mut self.plain);
        while !rest.is_empty() {
            let newline = memchr::memchr(b'\n', rest);
            let (segment, next) = rest.split_at(newline.map_or(rest.len(), |end| end + 1));
            if !self.is_amid {
                self.offset = at;
            }
            plain.push(segment, &mut |line, _| self.line(line));
            self.is_amid = newline.is_none();
            self.number += u64::from(newline.is_some());
            at += segment.len() as u64;
            rest = next;
        }
        self.plain = plain;
    }

    fn line(&mut self, line: &[u8]) {
        // Lines after a hit belong to it, until it has enough.
        for hit in self.hits.iter_mut().rev().take(CONTEXT) {
            if hit.text.len() < hit.at + 1 + CONTEXT {
                hit.text.push(shown(line));
            }
        }
        if self.pattern.is_match(line) {
            if self.hits.len() >= HITS_MAX {
                self.hits.pop_front();
                self.left_out += 1;
            }
            let mut text: Vec<String> = self.before.iter().map(|line| shown(line)).collect();
            let at = text.len();
            text.push(shown(line));
            self.hits.push_back(Hit {
                process: self.process.clone(),
                number: self.number,
                offset: self.offset,
                text,
                at,
            });
        }
        let mut last = match self.before.len() >= CONTEXT {
            true => self.before.pop_front().unwrap_or_default(),
            false => Vec::new(),
        };
        last.clear();
        last.extend_from_slice(&line[..line.len().min(SHOWN_MAX)]);
        self.before.push_back(last);
    }
}

fn shown(line: &[u8]) -> String {
    let cut = &line[..line.len().min(SHOWN_MAX)];
    untabbed(String::from_utf8_lossy(cut).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(folder: &Path, rank: u32, text: &str) -> (ProcessId, PathBuf) {
        let path = folder.join(format!("{rank}.log"));
        std::fs::write(&path, text).unwrap();
        (format!("g/a.{rank}").parse().unwrap(), path)
    }

    fn all(pattern: &str, logs: &[(ProcessId, PathBuf)]) -> Found {
        search(pattern, logs, &mut |_| true).unwrap()
    }

    #[test]
    fn a_search_gives_lines_with_those_around_them_and_says_where_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let text = "one\r\ntwo\r\n\x1b[31mthree\x1b[0m\r\nfour\nfive\nsix\n";
        let gone = ("g/a.1".parse().unwrap(), folder.path().join("none.log"));
        let logs = [gone, log(folder.path(), 0, text)];
        let hit = Hit {
            process: logs[1].0.clone(),
            number: 3,
            offset: 10,
            text: ["one", "two", "three", "four", "five"]
                .map(str::to_owned)
                .to_vec(),
            at: 2,
        };
        let found = all("^three$", &logs);
        assert_eq!(
            (found.hits, found.left_out, found.unread),
            (vec![hit], 0, 0)
        );
    }

    #[test]
    fn of_more_hits_than_anybody_reads_the_newest_are_given_and_the_rest_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let many: String = (0..HITS_MAX + 5).map(|it| format!("hit {it}\n")).collect();
        let found = all("hit", &[log(folder.path(), 0, &many)]);
        assert_eq!((found.hits.len(), found.left_out), (HITS_MAX, 5));
        assert_eq!(found.hits[HITS_MAX - 1].line(), "hit 1004");
    }

    #[test]
    fn a_noisy_log_does_not_hide_the_hits_of_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let noise = "hit\n".repeat(HITS_MAX);
        let mut logs: Vec<_> = (0..4).map(|it| log(folder.path(), it, &noise)).collect();
        logs.insert(2, log(folder.path(), 4, "one hit\n"));
        let found = all("hit", &logs);
        assert!(found.hits.len() <= HITS_MAX && found.hits.len() > HITS_MAX - 10);
        assert!(found.hits.iter().any(|hit| hit.line() == "one hit"));
        assert_eq!(found.left_out as usize, 4 * HITS_MAX + 1 - found.hits.len());
        let of = |rank: u32| {
            found
                .hits
                .iter()
                .filter(move |hit| hit.process.rank == rank)
        };
        assert_eq!(of(0).count(), of(3).count());
    }

    #[test]
    fn the_end_of_a_long_line_is_searched_too() {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("{}needle\n", "x".repeat(20_000));
        assert_eq!(all("needle", &[log(folder.path(), 0, &text)]).hits.len(), 1);
    }

    #[test]
    fn a_search_that_nobody_waits_for_ends_within_a_block() {
        let folder = tempfile::tempdir().unwrap();
        let logs = [log(folder.path(), 0, &"line\n".repeat(200_000))];
        let mut asked = 0;
        let found = search("x", &logs, &mut |_| {
            asked += 1;
            asked < 3
        });
        assert!(found.is_none());
        assert_eq!(asked, 3);
    }
}
