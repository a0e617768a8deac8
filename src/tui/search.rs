//! A search in the logs.
//!
//! Owns the reading of them, one after the other, those nearest to what is looked at first; of each the newest hits are
//! kept. Ends as soon as another search is wanted, or none. Blocks while it reads. Start at [`search`].

use std::{
    collections::VecDeque,
    fs::File,
    io::BufReader,
    path::PathBuf,
    time::{Duration, Instant},
};

use super::{
    deeds::Lines,
    message::{Hit, Wanted},
};
use crate::{model::ids::ProcessId, term::plain_text};

/// What a search gives at most.
const HITS_MAX: usize = 1_000;

/// What each log may give, however many there are.
const HITS_OF_A_LOG: usize = 20;

/// Lines shown before and after a hit.
const CONTEXT: usize = 2;

/// So many lines are read between two looks whether the search is still wanted.
const LOOK_EVERY: u64 = 4_096;

/// How often it is told how far the search is.
const TELL_EVERY: Duration = Duration::from_millis(200);

/// What is searched.
pub struct Wish {
    /// Which search.
    pub ticket: u64,
    /// The one that is wanted.
    pub wanted: Wanted,
    /// A regular expression.
    pub pattern: String,
    /// Whose logs, and where they are.
    pub logs: Vec<(ProcessId, PathBuf)>,
    /// Which of them is looked at.
    pub nearest: usize,
}

/// What came of it.
#[derive(Debug, Default, PartialEq)]
pub struct Found {
    /// The hits, log after log in the order that was given.
    pub hits: Vec<Hit>,
    /// The one to look at first: the newest of the nearest log that has any.
    pub at: usize,
    /// There are more than these.
    pub more: bool,
}

/// Looks for a pattern in logs; `told` hears how many were read. Absent: it is not wanted any more.
pub fn search(wish: &Wish, mut told: impl FnMut(usize)) -> Option<Found> {
    let Ok(pattern) = regex::Regex::new(&wish.pattern) else {
        return Some(Found::default());
    };
    let each = (HITS_MAX / wish.logs.len().max(1)).max(HITS_OF_A_LOG);
    let mut order: Vec<usize> = (0..wish.logs.len()).collect();
    order.sort_by_key(|at| at.abs_diff(wish.nearest));
    let mut of_logs: Vec<(usize, VecDeque<Hit>)> = Vec::new();
    let (mut count, mut more) = (0, false);
    let mut next = Instant::now() + TELL_EVERY;
    for (done, at) in order.into_iter().enumerate() {
        if count >= HITS_MAX {
            more = true;
            break;
        }
        if Instant::now() >= next {
            told(done);
            next = Instant::now() + TELL_EVERY;
        }
        let (hits, more_of_it) = of_log(wish, at, &pattern, each.min(HITS_MAX - count))?;
        more |= more_of_it;
        count += hits.len();
        if !hits.is_empty() {
            of_logs.push((at, hits));
        }
    }
    let nearest = of_logs.first().map(|(at, _)| *at);
    of_logs.sort_by_key(|(at, _)| *at);
    let before = of_logs.iter().take_while(|(at, _)| Some(*at) != nearest);
    let before: usize = before.map(|(_, hits)| hits.len()).sum();
    let own = of_logs.iter().find(|(at, _)| Some(*at) == nearest);
    let own = own.map_or(0, |(_, hits)| hits.len());
    Some(Found {
        at: (before + own).saturating_sub(1),
        hits: of_logs.into_iter().flat_map(|(_, hits)| hits).collect(),
        more,
    })
}

/// The newest hits of a log, and whether there were more. Absent: the search is not wanted any more.
fn of_log(
    wish: &Wish,
    at: usize,
    pattern: &regex::Regex,
    most: usize,
) -> Option<(VecDeque<Hit>, bool)> {
    let mut hits: VecDeque<Hit> = VecDeque::new();
    let mut more = false;
    if !wish.wanted.is(wish.ticket) {
        return None;
    }
    let Some((process, path)) = wish.logs.get(at) else {
        return Some((hits, more));
    };
    let Ok(file) = File::open(path) else {
        return Some((hits, more));
    };
    let mut before: VecDeque<String> = VecDeque::new();
    let lines = Lines(BufReader::with_capacity(256 << 10, file));
    for (number, line) in (1..).zip(lines) {
        if number % LOOK_EVERY == 0 && !wish.wanted.is(wish.ticket) {
            return None;
        }
        let text = plain_text::one_line(&line);
        // Lines after a hit belong to it, until it has enough.
        for hit in hits.iter_mut().rev().take(CONTEXT) {
            if hit.text.len() < hit.at + 1 + CONTEXT {
                hit.text.push(text.clone());
            }
        }
        if pattern.is_match(&text) {
            if hits.len() >= most {
                hits.pop_front();
                more = true;
            }
            let mut around: Vec<String> = before.iter().cloned().collect();
            let at = around.len();
            around.push(text.clone());
            hits.push_back(Hit {
                process: process.clone(),
                line: number,
                text: around,
                at,
            });
        }
        if before.len() >= CONTEXT {
            before.pop_front();
        }
        before.push_back(text);
    }
    Some((hits, more))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(folder: &std::path::Path, texts: &[&str], pattern: &str, nearest: usize) -> Wish {
        let logs = texts.iter().enumerate().map(|(rank, text)| {
            let path = folder.join(format!("{rank}.log"));
            std::fs::write(&path, text).unwrap();
            (format!("g/a.{rank}").parse().unwrap(), path)
        });
        let wanted = Wanted::default();
        wanted.set(1);
        Wish {
            ticket: 1,
            wanted,
            pattern: pattern.to_owned(),
            logs: logs.collect(),
            nearest,
        }
    }

    #[test]
    fn a_search_gives_lines_with_those_around_them_and_says_whose_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let text = "one\r\ntwo\r\n\x1b[31mthree\x1b[0m\r\nfour\nfive\nsix\n";
        let mut wish = wish(folder.path(), &["", text], "^three$", 0);
        wish.logs[0].1 = folder.path().join("none");
        let hit = Hit {
            process: "g/a.1".parse().unwrap(),
            line: 3,
            text: ["one", "two", "three", "four", "five"]
                .map(str::to_owned)
                .to_vec(),
            at: 2,
        };
        let found = Found {
            hits: vec![hit],
            at: 0,
            more: false,
        };
        assert_eq!(search(&wish, |_| {}), Some(found));
    }

    #[test]
    fn of_more_hits_than_anybody_reads_the_newest_are_given() {
        let folder = tempfile::tempdir().unwrap();
        let text: String = (0..HITS_MAX + 5).map(|n| format!("x {n}\n")).collect();
        let found = search(&wish(folder.path(), &[&text], "x", 0), |_| {}).unwrap();
        assert_eq!((found.hits.len(), found.more), (HITS_MAX, true));
        assert_eq!((found.hits[0].line, found.at), (6, HITS_MAX - 1));
    }

    #[test]
    fn every_log_has_its_share_and_the_newest_hit_of_the_nearest_is_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let many = "x\n".repeat(800);
        let logs = [many.as_str(), "x\nx\n", many.as_str(), "none"];
        let found = search(&wish(folder.path(), &logs, "x", 1), |_| {}).unwrap();
        assert_eq!((found.hits.len(), found.more), (502, true));
        let at = &found.hits[found.at];
        assert_eq!((at.process.rank, at.line), (1, 2));
        let ranks: Vec<u32> = found.hits.iter().map(|hit| hit.process.rank).collect();
        assert!(ranks.is_sorted());
    }

    #[test]
    fn a_search_that_nobody_waits_for_any_more_ends() {
        let folder = tempfile::tempdir().unwrap();
        let wish = wish(folder.path(), &["x\n"], "x", 0);
        wish.wanted.set(2);
        assert_eq!(search(&wish, |_| {}), None);
    }
}
