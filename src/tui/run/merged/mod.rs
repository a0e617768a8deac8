//! All output of a group in one pane: lines in the order in which they came, each with the name of its rank.
//!
//! Owns the lines (bounded, the oldest go), which of them is marked, and the filter. Escape sequences are taken out: what
//! one rank does to its terminal must not colour the lines of another. Never asks for bytes: `follow` says whose are
//! wanted, [`following`](super::following) asks. Start at [`Merged::live`].
//!
//! It begins with the ends of the logs, rank after rank: in which order they were written is recorded nowhere. What comes
//! from then on comes in order. A part of one log, with a found line in its midst, is shown in the same way.

mod look;
mod source;
#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use self::source::{Lines, Phase, Source};
use crate::{
    engine::door::Chunk,
    model::ids::{ProcessId, Selector},
    tui::{facts::Facts, message::LogRead},
};

/// Lines that are kept.
const LINES_MAX: usize = 10_000;

/// Lines of the past that it begins with, of all ranks together.
const PAST_LINES: usize = LINES_MAX / 2;

/// Ranks that are followed at once: each has a buffer in the engine, and their names are one message.
const FOLLOWED_MAX: usize = 1_024;

/// Ranks whose logs are read.
const LOGS_MAX: usize = 4_096;

/// Bytes of logs that are read at once, and of one of them.
const BYTES_MAX: usize = 8 << 20;
const TAIL_MAX: usize = 256 << 10;
const TAIL_MIN: usize = 2 << 10;

/// Bytes that may wait while logs are read; the oldest go.
const WAITING_MAX: usize = 8 << 20;

/// Facts overtake output: the last line of a rank may come so much later than its end.
const LATE: Duration = Duration::from_millis(200);

/// What more ranks than this say at once is shown once, unless the user wants otherwise.
const ALIKE_FROM: usize = 32;

/// So many lines back the same is looked for.
const ALIKE_BACK: usize = 64;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Whose; absent: a word of our own between the lines.
    pub process: Option<ProcessId>,
    /// What.
    pub text: String,
    /// Where in its log it begins.
    pub at: u64,
    /// It passes the filter.
    pub fits: bool,
    /// The line that says the same, which another rank of the template wrote a moment before.
    like: Option<u64>,
    /// The other ranks that say the same.
    pub also: Vec<u32>,
}

/// A part of one log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Whose.
    pub process: ProcessId,
    /// Where the line begins that it is shown for, and its number.
    pub at: u64,
    /// See `at`.
    pub line: u64,
}

/// The merged output of what is selected.
#[derive(Debug)]
pub struct Merged {
    /// Of whom.
    pub of: Selector,
    /// Which one it is: an answer for another is ignored.
    pub number: u64,
    /// It shows a part of a log, and follows nothing.
    pub part: Option<Part>,
    /// Only lines that match are shown.
    pub filter: Option<regex::Regex>,
    /// Bytes that were skipped because they came faster than they could be shown.
    pub skipped: u64,
    /// Living ranks that are not followed because there are too many.
    pub left_out: usize,
    /// Columns that the lines are moved to the left.
    pub column: usize,
    /// What the user looked at is gone: so many lines came since.
    pub is_lost: bool,
    lines: VecDeque<Line>,
    /// Lines that are gone from the top: the number of the first one that is left.
    dropped: u64,
    /// The number of the line that is marked; absent: the newest are shown.
    cursor: Option<u64>,
    /// Where a selection of lines begins.
    mark: Option<u64>,
    /// The line that the mouse was pressed on, and whether it was moved to another one since.
    pressed: Option<(u64, bool)>,
    /// The number of the last line that is shown while one is marked.
    bottom: u64,
    sources: HashMap<ProcessId, Source>,
    followed: Vec<ProcessId>,
    /// What came of those whose logs are being read.
    waiting: VecDeque<Chunk>,
    waiting_bytes: usize,
    /// Whose last line may still be on the way, the first to be given up first.
    ending: VecDeque<(Instant, ProcessId)>,
    /// What several ranks say is shown once; absent: where there are many.
    alike: Option<bool>,
    /// It was shown before: what is read now was printed since.
    is_again: bool,
}

impl Merged {
    /// Nothing yet of these.
    pub fn new(of: Selector, number: u64) -> Self {
        Self {
            of,
            number,
            part: None,
            filter: None,
            skipped: 0,
            left_out: 0,
            column: 0,
            is_lost: false,
            lines: VecDeque::new(),
            dropped: 0,
            cursor: None,
            mark: None,
            pressed: None,
            bottom: 0,
            sources: HashMap::new(),
            followed: Vec::new(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            ending: VecDeque::new(),
            alike: None,
            is_again: false,
        }
    }

    /// The part of a log around one line, which is marked as soon as it is there.
    pub fn part(part: Part, number: u64) -> Self {
        let of = super::selector_of(&part.process);
        Self {
            part: Some(part),
            ..Self::new(of, number)
        }
    }

    /// It is shown again: what came since is read from the logs.
    pub fn wake(&mut self) {
        self.is_again = !self.sources.is_empty();
        self.sources.values_mut().for_each(Source::wake);
        self.waiting.clear();
        self.waiting_bytes = 0;
    }

    /// Whose output is wanted as it comes, sorted: those that live and are not muted. Who has ended stays among them
    /// while there is room, since its last words may be on the way.
    pub fn follow(&mut self, facts: &Facts) -> &[ProcessId] {
        if self.part.is_some() {
            return &self.followed;
        }
        let mut wanted: Vec<ProcessId> = Vec::new();
        let mut ended: Vec<ProcessId> = Vec::new();
        self.left_out = 0;
        for (process, rank) in facts.selected(Some(&self.of)) {
            if rank.muted {
            } else if !rank.state.is_live() {
                let has_spoken = rank.began.is_some() || rank.ended.is_some();
                if has_spoken && ended.len() < LOGS_MAX {
                    ended.push(process);
                }
            } else if wanted.len() < FOLLOWED_MAX {
                wanted.push(process);
            } else {
                self.left_out += 1;
            }
        }
        for process in &wanted {
            if !self.sources.contains_key(process) {
                self.sources.insert(process.clone(), Source::new());
            }
        }
        for process in ended {
            let is_followed = self.followed.binary_search(&process).is_ok();
            if !self.sources.contains_key(&process) && self.sources.len() < LOGS_MAX {
                self.sources.insert(process.clone(), Source::new());
            }
            if is_followed && wanted.len() < FOLLOWED_MAX {
                wanted.push(process);
            }
        }
        wanted.sort_unstable();
        self.followed = wanted;
        &self.followed
    }

    /// Whose logs are to be read now, and from where on; each is given once. Of a run that is `live`, whose output is to
    /// come is read when it is `watched`: none falls between the log and that.
    pub fn to_read(&mut self, live: bool, watched: &[ProcessId]) -> Vec<(ProcessId, u64)> {
        let mut wanted = Vec::new();
        for (process, source) in &mut self.sources {
            let comes = live && self.followed.binary_search(process).is_ok();
            let is_ready = match source.phase {
                Phase::Wanted => !comes || watched.binary_search(process).is_ok(),
                Phase::Asked => !live,
                Phase::Reading | Phase::Read => continue,
            };
            source.phase = match is_ready {
                true => Phase::Reading,
                false => Phase::Asked,
            };
            if is_ready {
                wanted.push((process.clone(), source.position));
            }
        }
        wanted.sort_unstable();
        wanted
    }

    /// The output of these comes from now on: what came before is in their logs, to be read from these places on.
    pub fn comes(&mut self, processes: &[ProcessId]) -> Vec<(ProcessId, u64)> {
        let mut wanted = Vec::new();
        for process in processes {
            let Some(source) = self.sources.get_mut(process) else {
                continue;
            };
            if source.phase == Phase::Reading {
                source.again = true;
            } else {
                source.wake();
                source.phase = Phase::Reading;
                wanted.push((process.clone(), source.position));
            }
        }
        wanted
    }

    /// At most how many bytes of each of so many logs are read.
    pub fn share(logs: usize) -> usize {
        (BYTES_MAX / logs.max(1)).clamp(TAIL_MIN, TAIL_MAX)
    }

    /// Logs were read. `lives`: what they end with may go on.
    pub fn read(&mut self, logs: &[LogRead], lives: bool, now: Instant) {
        if let Some(part) = self.part.clone() {
            return self.read_part(&part, logs);
        }
        let each = (PAST_LINES / logs.len().max(1)).max(1);
        let mut read: Vec<(&ProcessId, Lines)> = Vec::new();
        for log in logs {
            let Some(source) = self.sources.get_mut(&log.process) else {
                continue;
            };
            let mut lines = Vec::new();
            let left_out = source.log(log.at, &log.bytes, &mut lines);
            if std::mem::take(&mut source.again) {
                source.wake();
            }
            if self.is_again {
                self.skipped += left_out;
            }
            if !lives || self.followed.binary_search(&log.process).is_err() {
                source.finish(&mut lines);
            }
            let old = lines.len().saturating_sub(each);
            lines.drain(..old);
            if !lines.is_empty() {
                read.push((&log.process, lines));
            }
        }
        if let (Some((_, first)), many) = (read.first(), read.len() > 1)
            && (many || self.is_again)
            && !first.is_empty()
        {
            let said = match (self.is_again, many) {
                (false, _) => "printed before, rank after rank",
                (true, true) => "printed meanwhile, rank after rank",
                (true, false) => "printed meanwhile",
            };
            self.say(said);
        }
        let any = !read.is_empty();
        for (process, lines) in read {
            self.add(process, lines);
        }
        if any && lives && !self.followed.is_empty() {
            self.say("from here on as it comes");
        }
        let waiting = std::mem::take(&mut self.waiting);
        self.waiting_bytes = 0;
        for chunk in waiting {
            self.live(chunk, now);
        }
    }

    fn read_part(&mut self, part: &Part, logs: &[LogRead]) {
        for log in logs.iter().filter(|log| log.process == part.process) {
            let mut source = Source::new();
            source.position = if log.at == 0 { 0 } else { log.at - 1 };
            let mut lines = Vec::new();
            source.log(log.at, &log.bytes, &mut lines);
            source.finish(&mut lines);
            self.add(&part.process, lines);
        }
        let at = self.lines.iter().rposition(|line| line.at <= part.at);
        let at = at.unwrap_or(0).min(self.lines.len().saturating_sub(1));
        if !self.lines.is_empty() {
            self.go_to(self.dropped + at as u64);
        }
    }

    /// Bytes came.
    pub fn live(&mut self, chunk: Chunk, now: Instant) {
        let Some(source) = self.sources.get_mut(&*chunk.process) else {
            return;
        };
        if source.phase != Phase::Read {
            self.waiting_bytes += chunk.bytes.len();
            self.waiting.push_back(chunk);
            while self.waiting_bytes > WAITING_MAX
                && let Some(oldest) = self.waiting.pop_front()
            {
                self.waiting_bytes -= oldest.bytes.len();
            }
            return;
        }
        let mut lines = Vec::new();
        self.skipped += source.live(&chunk, &mut lines);
        if source.over.is_some() && source.is_amid() {
            // The rest of its last line, or a part of that.
            source.over = Some(now);
            self.ending.push_back((now, (*chunk.process).clone()));
        }
        self.add(&chunk.process, lines);
    }

    /// A process ended: its last line ends too, when it has come.
    pub fn ended(&mut self, process: &ProcessId, now: Instant) {
        if let Some(source) = self.sources.get_mut(process) {
            source.over = Some(now);
            self.ending.push_back((now, process.clone()));
        }
    }

    /// Ends the last lines of those that have said all.
    pub fn settle(&mut self, now: Instant) {
        while let Some((at, _)) = self.ending.front()
            && *at + LATE <= now
            && let Some((at, process)) = self.ending.pop_front()
        {
            let mut lines = Vec::new();
            if let Some(source) = self.sources.get_mut(&process)
                && source.over.is_some_and(|over| over <= at)
            {
                source.finish(&mut lines);
            }
            self.add(&process, lines);
        }
    }

    /// When the next last line is given up.
    pub fn due(&self) -> Option<Instant> {
        self.ending.front().map(|(at, _)| *at + LATE)
    }

    /// Whether logs are being read or will be.
    pub fn is_loading(&self) -> bool {
        let is_read = |source: &Source| source.phase == Phase::Read;
        self.lines.is_empty() && !self.sources.values().all(is_read)
            || self.part.is_some() && self.lines.is_empty()
    }

    fn say(&mut self, text: &str) {
        self.push(Line {
            process: None,
            text: text.to_owned(),
            at: 0,
            fits: self.filter.is_none(),
            like: None,
            also: Vec::new(),
        });
    }

    fn add(&mut self, process: &ProcessId, lines: Lines) {
        for (at, text) in lines {
            let filter = self.filter.as_ref();
            let fits = filter.is_none_or(|filter| filter.is_match(&text));
            let like = self.like(process, &text);
            self.push(Line {
                process: Some(process.clone()),
                fits,
                like,
                also: Vec::new(),
                text,
                at,
            });
        }
    }

    /// The line of another rank that says the same, with none of this one's after it: its own stay in order.
    fn like(&mut self, process: &ProcessId, text: &str) -> Option<u64> {
        if self.sources.len() < 2 {
            return None;
        }
        let first = self.lines.len().saturating_sub(ALIKE_BACK);
        for at in (first..self.lines.len()).rev() {
            let line = &mut self.lines[at];
            let of = line.process.as_ref()?;
            let is_of_template = of.template == process.template && of.group == process.group;
            if is_of_template && (of.rank == process.rank || line.also.contains(&process.rank)) {
                return None;
            }
            if is_of_template && line.like.is_none() && line.text == text {
                line.also.push(process.rank);
                return Some(self.dropped + at as u64);
            }
        }
        None
    }

    fn push(&mut self, line: Line) {
        if self.lines.len() >= LINES_MAX {
            self.lines.pop_front();
            self.dropped += 1;
        }
        self.lines.push_back(line);
        // What the user looks at stays where it is, as long as it is there.
        if let Some(cursor) = &mut self.cursor {
            self.is_lost |= *cursor < self.dropped;
            *cursor = (*cursor).max(self.dropped);
            self.bottom = self.bottom.max(self.dropped);
        }
        self.mark = self.mark.map(|mark| mark.max(self.dropped));
    }
}
