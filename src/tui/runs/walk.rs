//! A record that is walked through: how a run was at any second of it.
//!
//! Owns [`Walk`]: the files of one record, read up to a second, and what was known then. Later is a walk on from there;
//! for earlier it goes back to one of a few marks that it left when it went through the whole record first. So a step of
//! the time bar reads a small part of a long record. Blocks while it reads: it is called where that harms nobody.
//! Start at [`Walk::through`] and [`Walk::moment`].

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use serde::Deserialize;

use super::reading::Moment;
use crate::{
    engine::door::QueueSample,
    model::{
        document::Session,
        event::{Event, Stamped},
        ids::ProcessId,
    },
    record::{EventReader, Grown, JsonReader, PastRun, RecordError},
    tui::{facts::Facts, queues::History},
};

/// Marks that are left at most: each holds all facts of that second.
const MARKS_MAX: u64 = 16;

/// The least number of bytes between two of them: less is read before anybody notices.
const MARK_EVERY: u64 = 512 << 10;

/// Failures that the time bar can tell apart.
const FAILURES_MAX: usize = 1_000;

/// How long the logs were at a second.
#[derive(Debug, Clone, Default)]
pub struct Ends {
    numbers: Arc<HashMap<ProcessId, usize>>,
    /// By number; absent: all of each log counts.
    lengths: Option<Vec<u64>>,
}

impl Ends {
    /// How long the log of a process was; absent: that was not written down.
    pub fn of(&self, process: &ProcessId) -> Option<u64> {
        let lengths = self.lengths.as_ref()?;
        let number = *self.numbers.get(process)?;
        Some(lengths.get(number).copied().unwrap_or(0))
    }
}

/// What a walk through a whole record gives beside its end.
#[derive(Debug)]
pub struct Through {
    /// The walk, to go to any second.
    pub walk: Walk,
    /// How it was in the end.
    pub moment: Moment,
    /// The last second of which something is known.
    pub end: f64,
    /// The seconds at which ranks failed; of those close together, one.
    pub failures: Vec<f64>,
    /// Lines of the record that cannot be read.
    pub damaged: u64,
}

/// A record that is walked through. Its clones are the same walk.
#[derive(Debug, Clone)]
pub struct Walk(Arc<Mutex<Walker>>);

impl PartialEq for Walk {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Walk {
    /// Goes through a record to its end.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn through(run: &PastRun, session: &Session) -> Result<Through, RecordError> {
        let mut walker = Walker::new(run, session)?;
        let mut failures = Failures::default();
        walker.walk(None, true, |at| failures.note(at))?;
        let end = walker.fold.at;
        walker.end = end;
        walker.numbers = Arc::new(std::mem::take(&mut walker.named));
        Ok(Through {
            moment: walker.moment(end),
            end,
            failures: failures.at,
            damaged: walker.events.reader.damaged(),
            walk: Walk(Arc::new(Mutex::new(walker))),
        })
    }

    /// How the run was at a second of it, that second included.
    ///
    /// # Errors
    /// When the record cannot be read any more.
    pub fn moment(&self, at: f64) -> Result<Moment, RecordError> {
        let mut walker = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        walker.go(at)?;
        Ok(walker.moment(at))
    }

    /// Bytes that were read by it so far; for tests.
    #[cfg(test)]
    pub fn read(&self) -> u64 {
        self.0.lock().unwrap().read
    }
}

/// The moments of failures, in order. Those that no time bar tells apart are one.
#[derive(Debug)]
struct Failures {
    every: f64,
    at: Vec<f64>,
}

impl Default for Failures {
    fn default() -> Self {
        Self {
            every: 0.01,
            at: Vec::new(),
        }
    }
}

impl Failures {
    fn note(&mut self, at: f64) {
        let bucket = |at: f64, every: f64| (at / every).floor();
        let last = self.at.last().map(|last| bucket(*last, self.every));
        if last == Some(bucket(at, self.every)) {
            return;
        }
        self.at.push(at);
        while self.at.len() > FAILURES_MAX {
            self.every *= 2.0;
            let every = self.every;
            self.at.dedup_by_key(|at| bucket(*at, every));
        }
    }
}

/// A line of the record of the queues.
#[derive(Debug, Deserialize)]
struct QueueLine {
    at: f64,
    queues: Vec<QueueSample>,
}

/// One of the files, with what was read of it and not used.
#[derive(Debug)]
struct Stream<R: Records> {
    reader: R,
    next: Option<R::Value>,
    /// Where `next` begins.
    offset: u64,
}

/// A file of a record.
trait Records: Iterator<Item = Result<Self::Value, RecordError>> {
    type Value;
    fn at(value: &Self::Value) -> f64;
    fn offset(&self) -> u64;
    fn seek(&mut self, offset: u64) -> Result<(), RecordError>;
}

impl Records for EventReader {
    type Value = Stamped;
    fn at(value: &Stamped) -> f64 {
        value.at
    }
    fn offset(&self) -> u64 {
        self.offset()
    }
    fn seek(&mut self, offset: u64) -> Result<(), RecordError> {
        self.seek(offset)
    }
}

impl Records for JsonReader<QueueLine> {
    type Value = QueueLine;
    fn at(value: &QueueLine) -> f64 {
        value.at
    }
    fn offset(&self) -> u64 {
        self.offset()
    }
    fn seek(&mut self, offset: u64) -> Result<(), RecordError> {
        self.seek(offset)
    }
}

impl Records for JsonReader<Grown> {
    type Value = Grown;
    fn at(value: &Grown) -> f64 {
        value.at
    }
    fn offset(&self) -> u64 {
        self.offset()
    }
    fn seek(&mut self, offset: u64) -> Result<(), RecordError> {
        self.seek(offset)
    }
}

impl<R: Records> Stream<R> {
    fn new(reader: R) -> Self {
        Self {
            reader,
            next: None,
            offset: 0,
        }
    }

    /// The second of what comes next.
    fn peek(&mut self) -> Result<Option<f64>, RecordError> {
        if self.next.is_none() {
            self.offset = self.reader.offset();
            self.next = self.reader.next().transpose()?;
        }
        Ok(self.next.as_ref().map(R::at))
    }

    /// Where the walk stands in the file.
    fn place(&self) -> u64 {
        match self.next {
            Some(_) => self.offset,
            None => self.reader.offset(),
        }
    }

    fn go(&mut self, offset: u64) -> Result<(), RecordError> {
        self.next = None;
        self.reader.seek(offset)
    }
}

/// What is known at a place of the record.
#[derive(Debug, Clone)]
struct Fold {
    facts: Facts,
    queues: History,
    lengths: Vec<u64>,
    /// From here on nothing is known of the logs.
    is_full: bool,
    /// The second of the last thing that was taken in.
    at: f64,
}

#[derive(Debug)]
struct Walker {
    run: PastRun,
    events: Stream<EventReader>,
    queues: Stream<JsonReader<QueueLine>>,
    growth: Stream<JsonReader<Grown>>,
    fold: Fold,
    /// Where it can go back to, in order; the first is the begin.
    marks: Vec<(Fold, [u64; 3])>,
    /// The logs that are named so far, and in the end.
    named: HashMap<ProcessId, usize>,
    numbers: Arc<HashMap<ProcessId, usize>>,
    end: f64,
    #[cfg(test)]
    read: u64,
}

impl Walker {
    fn new(run: &PastRun, session: &Session) -> Result<Self, RecordError> {
        let fold = Fold {
            facts: Facts::of(session),
            queues: History::default(),
            lengths: Vec::new(),
            is_full: false,
            at: 0.0,
        };
        Ok(Self {
            events: Stream::new(run.events()?),
            queues: Stream::new(run.queue_samples()?),
            growth: Stream::new(run.growth()?),
            marks: vec![(fold.clone(), [0; 3])],
            fold,
            named: HashMap::new(),
            numbers: Arc::default(),
            end: 0.0,
            run: run.clone(),
            #[cfg(test)]
            read: 0,
        })
    }

    fn places(&self) -> [u64; 3] {
        [
            self.events.place(),
            self.queues.place(),
            self.growth.place(),
        ]
    }

    /// Takes in everything up to a second, that second included; absent: all there is.
    fn walk(
        &mut self,
        until: Option<f64>,
        marks: bool,
        mut failed: impl FnMut(f64),
    ) -> Result<(), RecordError> {
        let every = (self.run.lines_size() / MARKS_MAX).max(MARK_EVERY);
        #[cfg(test)]
        let begin: u64 = self.places().iter().sum();
        loop {
            let [events, queues, growth] = [
                self.events.peek()?,
                self.queues.peek()?,
                self.growth.peek()?,
            ]
            .map(|at| at.unwrap_or(f64::INFINITY));
            let at = events.min(queues).min(growth);
            if at == f64::INFINITY || until.is_some_and(|until| at > until) {
                break;
            }
            self.fold.at = self.fold.at.max(at);
            if events <= at {
                if let Some(event) = self.events.next.take() {
                    if let Event::ProcessEnded { failure: true, .. } = &event.event {
                        failed(event.at);
                    }
                    self.fold.facts.apply(&event);
                }
            } else if queues <= at {
                if let Some(line) = self.queues.next.take() {
                    self.fold.queues.take(line.queues, line.at);
                }
            } else if let Some(line) = self.growth.next.take() {
                self.grown(line);
            }
            if marks {
                let places = self.places();
                let marked = self
                    .marks
                    .last()
                    .map_or(0, |(_, places)| places.iter().sum());
                if places.iter().sum::<u64>() >= marked + every {
                    self.marks.push((self.fold.clone(), places));
                }
            }
        }
        #[cfg(test)]
        {
            self.read += self.places().iter().sum::<u64>().saturating_sub(begin);
        }
        Ok(())
    }

    fn grown(&mut self, line: Grown) {
        for (number, process) in line.logs {
            if self.numbers.is_empty() {
                self.named.insert(process, number as usize);
            }
        }
        let lengths = &mut self.fold.lengths;
        for (number, length) in line.ends {
            let number = number as usize;
            // A damaged line is not to take all memory.
            if number > crate::model::template::REPLICAS_MAX as usize * 16 {
                continue;
            }
            if lengths.len() <= number {
                lengths.resize(number + 1, 0);
            }
            lengths[number] = length;
        }
        self.fold.is_full |= line.full;
    }

    /// To a second: on from here, or from the nearest mark before it.
    fn go(&mut self, at: f64) -> Result<(), RecordError> {
        let mark = self.marks.iter().rev().find(|(fold, _)| fold.at <= at);
        let mark = mark.or(self.marks.first());
        let is_here = self.fold.at <= at;
        if let Some((fold, places)) = mark
            && (!is_here || fold.at > self.fold.at)
        {
            self.fold = fold.clone();
            let [events, queues, growth] = *places;
            self.events.go(events)?;
            self.queues.go(queues)?;
            self.growth.go(growth)?;
        }
        self.walk(Some(at), false, |_| {})
    }

    fn moment(&self, at: f64) -> Moment {
        let mut facts = self.fold.facts.clone();
        let mut queues = self.fold.queues.clone();
        queues.rest(at);
        // Of a moment before the engine's first word, the run is known all the same.
        if facts.run.is_empty() {
            facts.run.clone_from(&self.run.id);
            facts.session.clone_from(&self.run.engine.session);
        }
        // What was written last may not have been noted: in the end it is all there.
        let knows = at < self.end && !self.fold.is_full && !self.numbers.is_empty();
        let ends = Ends {
            numbers: self.numbers.clone(),
            lengths: knows.then(|| self.fold.lengths.clone()),
        };
        Moment {
            at,
            facts,
            queues,
            ends,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_that_are_too_many_to_tell_apart_cover_all_of_the_run() {
        let mut failures = Failures::default();
        for number in 0..90_000 {
            failures.note(f64::from(number) * 0.28);
        }
        assert!(failures.at.len() <= FAILURES_MAX && failures.at.len() > FAILURES_MAX / 4);
        let gaps = failures.at.windows(2).map(|pair| pair[1] - pair[0]);
        assert!(gaps.fold(0.0, f64::max) < 25_200.0 / 200.0);
        assert!(failures.at.last().unwrap() > &25_000.0);
    }
}
