//! The record thread: events, queue samples and the summary of a run, on a thread that may wait for the disk.
//!
//! Owns the writers of a run's record beside its logs. Never fails the run: trouble is told once, as a fact. Never makes
//! the engine wait before the end of the run: what it cannot take now stays with the engine.

use std::{
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    thread::{self, JoinHandle},
};

use tokio::sync::mpsc;

use super::{output::OutputFact, queues::QueueSample};
use crate::{
    model::event::{Event, Stamped},
    record::{LAST_LINES_MAX, RecordNotice, RunFolder, Summary, Tally, tail_lines},
};

/// Batches of events that may wait for the disk; more stay with the engine, which then listens to its hosts no more.
const BATCHES_MAX: usize = 256;

/// How much of the end of a log is searched for the last lines of a failure, in bytes.
const TAIL: usize = 16 << 10;

enum Item {
    Events(Vec<Stamped>),
    Queues(f64, Vec<QueueSample>),
}

/// The thread, from the engine's side.
pub struct RecordThread {
    items: SyncSender<Item>,
    thread: JoinHandle<(RunFolder, Summary)>,
}

impl RecordThread {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system has no thread to spare.
    pub fn start(
        folder: RunFolder,
        tally: Tally,
        facts: mpsc::WeakSender<OutputFact>,
    ) -> std::io::Result<Self> {
        let (items, received) = sync_channel(BATCHES_MAX);
        let thread = thread::Builder::new()
            .name("record".to_owned())
            .spawn(move || write(folder, tally, &received, &facts))?;
        Ok(Self { items, thread })
    }

    /// Takes events to be recorded, in order; leaves them when too many wait for the disk.
    pub fn take(&self, events: &mut Vec<Stamped>) {
        if events.is_empty() {
            return;
        }
        let batch = Item::Events(std::mem::take(events));
        if let Err(TrySendError::Full(Item::Events(batch))) = self.items.try_send(batch) {
            *events = batch;
        }
    }

    /// Takes the last events, and waits for the disk.
    pub fn last(&self, events: Vec<Stamped>) {
        // The thread only ends after this value; a failed send would mean that it panicked.
        let _ = self.items.send(Item::Events(events));
    }

    /// Records the state of the queues at a moment (seconds since the run began). False: too much waits for the disk.
    pub fn queues(&self, at: f64, samples: Vec<QueueSample>) -> bool {
        self.items.try_send(Item::Queues(at, samples)).is_ok()
    }

    /// Writes what is left and returns the folder and the summary so far.
    pub fn finish(self) -> Option<(RunFolder, Summary)> {
        drop(self.items);
        self.thread.join().ok()
    }
}

fn write(
    folder: RunFolder,
    mut tally: Tally,
    items: &Receiver<Item>,
    facts: &mpsc::WeakSender<OutputFact>,
) -> (RunFolder, Summary) {
    let mut events = folder.events();
    let mut queues = folder.queues();
    let tell = |notice: Option<RecordNotice>| {
        if let Some(notice) = notice
            && let Some(facts) = facts.upgrade()
        {
            // Full: the engine is busy; the same trouble is in the summary.
            let _ = facts.try_send(OutputFact::Notice(notice.level(), notice.to_string()));
        }
    };
    while let Ok(item) = items.recv() {
        match item {
            Item::Events(batch) => {
                for stamped in &batch {
                    let Some(failure) = tally.see(stamped) else {
                        continue;
                    };
                    if let Event::ProcessEnded { process, .. } = &stamped.event {
                        failure.last_lines =
                            tail_lines(&folder.log_path(process), LAST_LINES_MAX, TAIL)
                                .unwrap_or_default();
                    }
                }
                let told: Vec<&Stamped> = batch
                    .iter()
                    .filter(|s| !matches!(s.event, Event::Explained { .. }))
                    .collect();
                tell(events.append(told));
            }
            Item::Queues(at, samples) => {
                tell(queues.append(&[serde_json::json!({ "at": at, "queues": samples })]));
            }
        }
    }
    let mut summary = tally.summary();
    summary.lines_lost = events.lost() + queues.lost();
    (folder, summary)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::Level;

    #[test]
    fn what_a_hanging_disk_does_not_take_stays_with_the_engine_in_order() {
        let (items, received) = sync_channel(1);
        let thread = thread::spawn(|| -> (RunFolder, Summary) { unreachable!("nobody joins it") });
        let record = RecordThread { items, thread };
        let event = |at| Stamped {
            at,
            event: Event::Notice {
                level: Level::Info,
                process: None,
                text: String::new(),
            },
        };
        let mut events = vec![event(1.0)];
        record.take(&mut events);
        assert_eq!(events, []);
        events.push(event(2.0));
        record.take(&mut events);
        events.push(event(3.0));
        record.take(&mut events);
        assert_eq!(events, [event(2.0), event(3.0)]);
        assert!(!record.queues(0.0, Vec::new()));
        drop(received.recv());
        record.take(&mut events);
        assert_eq!(events, []);
    }
}
