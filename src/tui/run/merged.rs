//! All output of a group in one pane: lines in the order in which they came, each with the name of its rank.
//!
//! Owns the lines (bounded, the oldest go) and the unfinished ones. Escape sequences are taken out: what one rank does to
//! its terminal must not colour the lines of another. Start at [`Merged::push`].

use std::collections::{HashMap, VecDeque};

use crate::{
    model::ids::{ProcessId, Selector},
    term::plain_text::PlainText,
    tui::facts::Facts,
};

/// Lines that are kept.
pub const LINES_MAX: usize = 10_000;

/// Bytes of a line that are shown; the log has all of it.
const LINE_MAX: usize = 4 << 10;

/// Ranks that are followed at once: each has a buffer in the engine.
const RANKS_MAX: usize = 256;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Whose.
    pub process: ProcessId,
    /// What.
    pub text: String,
}

/// The merged output of what is selected.
#[derive(Debug)]
pub struct Merged {
    /// Of whom.
    pub of: Selector,
    /// The lines, oldest first.
    pub lines: VecDeque<Line>,
    /// Lines scrolled up from the newest; 0 follows.
    pub offset: usize,
    /// Only lines that match are shown.
    pub filter: Option<regex::Regex>,
    /// Lines that are gone from the top.
    pub dropped: u64,
    /// Bytes that were skipped because they came faster than they could be shown.
    pub skipped: u64,
    /// The question for the logs that is not answered yet.
    pub waiting: Option<u64>,
    /// The lines of the logs stand rank after rank: nobody wrote down when each came.
    pub by_rank: bool,
    open: HashMap<ProcessId, PlainText>,
}

impl Merged {
    /// Nothing yet of these.
    pub fn new(of: Selector) -> Self {
        Self {
            of,
            lines: VecDeque::new(),
            offset: 0,
            filter: None,
            dropped: 0,
            skipped: 0,
            waiting: None,
            by_rank: false,
            open: HashMap::new(),
        }
    }

    /// Whose output is wanted: those that are not muted.
    pub fn watched(&self, facts: &Facts) -> Vec<ProcessId> {
        facts
            .selected(Some(&self.of))
            .filter(|(_, rank)| !rank.muted)
            .map(|(process, _)| process)
            .take(RANKS_MAX)
            .collect()
    }

    /// How many of those wanted are not followed because there are too many.
    pub fn left_out(&self, facts: &Facts) -> usize {
        let wanted = facts
            .selected(Some(&self.of))
            .filter(|(_, rank)| !rank.muted);
        wanted.count().saturating_sub(RANKS_MAX)
    }

    /// Bytes came.
    pub fn push(&mut self, process: &ProcessId, gap: u64, bytes: &[u8]) {
        self.skipped += gap;
        let mut done = Vec::new();
        let plain = self.open.entry(process.clone()).or_default();
        plain.push(bytes, &mut |line, _| done.push(line_of(line)));
        for text in done {
            self.add(process, text);
        }
    }

    /// A process ended: its last line ends too.
    pub fn finish(&mut self, process: &ProcessId) {
        if let Some(mut plain) = self.open.remove(process) {
            let mut done = Vec::new();
            plain.finish(&mut |line, _| done.push(line_of(line)));
            for text in done {
                self.add(process, text);
            }
        }
    }

    fn add(&mut self, process: &ProcessId, text: String) {
        if self.lines.len() >= LINES_MAX {
            self.lines.pop_front();
            self.dropped += 1;
        }
        let shown = self
            .filter
            .as_ref()
            .is_none_or(|filter| filter.is_match(&text));
        self.lines.push_back(Line {
            process: process.clone(),
            text,
        });
        // What the user looks at stays where it is.
        if self.offset > 0 && shown {
            self.offset += 1;
        }
    }

    /// The logs were read. They stand before all that came since; those of a past run in place of those of another moment.
    pub fn gathered(&mut self, ticket: u64, lines: Vec<Line>, is_ordered: bool, is_past: bool) {
        if self.waiting != Some(ticket) {
            return;
        }
        self.waiting = None;
        self.by_rank = !is_ordered;
        if is_past {
            self.lines.clear();
            self.offset = 0;
        }
        let room = LINES_MAX.saturating_sub(self.lines.len());
        let out = lines.len().saturating_sub(room);
        self.dropped += out as u64;
        for line in lines.into_iter().skip(out).rev() {
            self.lines.push_front(line);
        }
    }

    /// The lines that pass the filter.
    pub fn shown(&self) -> impl DoubleEndedIterator<Item = &Line> {
        let filter = self.filter.as_ref();
        self.lines
            .iter()
            .filter(move |line| filter.is_none_or(|filter| filter.is_match(&line.text)))
    }

    /// Scrolls by so many lines; up is positive.
    pub fn scroll(&mut self, by: isize, height: usize) {
        let most = self.shown().count().saturating_sub(height);
        self.offset = self.offset.saturating_add_signed(by).min(most);
    }

    /// Forgets the lines.
    pub fn clear(&mut self) {
        self.lines.clear();
        self.offset = 0;
    }
}

/// A line as it is shown.
pub fn line_of(bytes: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(bytes).into_owned();
    let cut = (0..=LINE_MAX.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at));
    text.truncate(cut.unwrap_or(0));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> ProcessId {
        text.parse().unwrap()
    }

    fn texts(merged: &Merged) -> Vec<String> {
        let lines = merged.shown();
        lines
            .map(|line| format!("{} {}", line.process.rank, line.text))
            .collect()
    }

    fn merged() -> Merged {
        Merged::new("g".parse().unwrap())
    }

    #[test]
    fn lines_are_whole_whoever_writes_in_between() {
        let mut merged = merged();
        merged.push(&id("g/a.0"), 0, b"hel");
        merged.push(&id("g/a.1"), 0, b"other\r\n");
        merged.push(&id("g/a.0"), 0, b"lo\r\nrest");
        assert_eq!(texts(&merged), ["1 other", "0 hello"]);
        merged.finish(&id("g/a.0"));
        assert_eq!(texts(&merged)[2], "0 rest");
    }

    #[test]
    fn colours_and_progress_bars_leave_what_is_read_in_the_end() {
        let mut merged = merged();
        merged.push(&id("g/a.0"), 0, b"10%\r50%\r\x1b[32m100%\x1b[0m\n");
        assert_eq!(texts(&merged), ["0 100%"]);
    }

    #[test]
    fn a_filter_hides_lines_and_forgets_none() {
        let mut merged = merged();
        merged.push(&id("g/a.0"), 0, b"loss 1\nnoise\nloss 2\n");
        merged.filter = Some(regex::Regex::new("loss").unwrap());
        assert_eq!(texts(&merged), ["0 loss 1", "0 loss 2"]);
        merged.filter = None;
        assert_eq!(texts(&merged).len(), 3);
    }

    #[test]
    fn memory_is_bounded_and_what_went_is_counted() {
        let mut merged = merged();
        for _ in 0..LINES_MAX + 5 {
            merged.push(&id("g/a.0"), 0, b"x\n");
        }
        assert_eq!((merged.lines.len(), merged.dropped), (LINES_MAX, 5));
    }

    #[test]
    fn who_looks_at_old_lines_keeps_seeing_them_while_new_ones_come() {
        let mut merged = merged();
        merged.push(&id("g/a.0"), 0, b"1\n2\n3\n");
        merged.scroll(2, 1);
        assert_eq!(merged.offset, 2);
        merged.push(&id("g/a.0"), 0, b"4\n");
        assert_eq!(merged.offset, 3);
    }
}
