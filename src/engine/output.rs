//! The output thread: from a host's bulk channel to logs, watchers and clients.
//!
//! Owns the logs of a run while it lasts. One blocking thread per host: what a process wrote goes to its log
//! before anybody else sees it, then to watchers of lines and to clients; only then the process gets credit
//! for more, so a slow disk or a slow client slows the writer and nothing grows. Never decides anything: what
//! it finds goes to the engine as an [`OutputFact`]. Start at [`run`].

use std::{
    collections::HashMap,
    io::Read,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::Instant,
};

use tokio::sync::mpsc;

use super::{
    line_watch::{LineWatch, Seen},
    panes::PaneFeed,
};
use crate::{
    agent::wire::{BULK_MAX, Bulk, BulkHeader, CREDIT, ChildKey},
    model::{
        event::Level,
        ids::{Incarnation, ProcessId},
    },
    record::{LogFiles, LogId, RecordNotice},
};

/// Bytes read from the channel at once.
const READ: usize = 512 << 10;

/// Credit is given back in portions of this size, so that a flood costs few messages.
const PORTION: u32 = CREDIT / 4;

/// The most bytes that are kept of a child whose output is an answer for the engine itself.
const CAPTURE_MAX: usize = 1 << 20;

/// What the output thread found.
#[derive(Debug)]
pub enum OutputFact {
    /// These children may send so many bytes more.
    Credit(Vec<(ChildKey, u32)>),
    /// A child's output is complete, in its log and with the client; bytes of it that were thrown away.
    Eof(ChildKey, u64),
    /// The whole output of a child that the engine started for itself.
    Captured(ChildKey, Vec<u8>),
    /// A watched line came.
    Seen(ChildKey, Seen),
    /// A child whose silence was told wrote again.
    SilenceBroken(ChildKey),
    /// The record has trouble, or has none any more.
    Notice(Level, String),
    /// The host's channel is closed; bytes written to logs, and bytes that could not be.
    Closed(u64, u64),
}

/// When output of a child came last, and whether its silence since then was told.
#[derive(Debug, Default)]
pub struct LastOutput {
    /// Milliseconds on the output thread's clock.
    pub at: AtomicU64,
    /// Somebody waits to hear that it writes again.
    pub told: AtomicBool,
}

impl LastOutput {
    /// Output came now. True: it ends a silence that was told.
    pub fn heard(&self, now: u64) -> bool {
        self.at.store(now, SeqCst);
        self.told.swap(false, SeqCst)
    }
}

/// What is to be done with the output of a child.
#[derive(Debug)]
pub enum Route {
    /// It is a rank: log, watchers, clients.
    Rank {
        /// Which.
        process: Arc<ProcessId>,
        /// Which life of it.
        incarnation: Incarnation,
        /// Second 0 of the run.
        zero: Instant,
        /// Lines to look for.
        watch: Option<LineWatch>,
        /// Told when output came.
        last_output: Option<Arc<LastOutput>>,
    },
    /// The engine wants it for itself.
    Capture,
}

/// Where the engine says what is to be done with the output of a child, before it asks for the child.
/// Bounded by the number of living children: the output thread takes a route with the child's first frame, and the
/// engine takes back those of children that never lived.
#[derive(Debug, Clone, Default)]
pub struct Routes(Arc<Mutex<HashMap<ChildKey, Route>>>);

impl Routes {
    /// One more child.
    pub fn add(&self, child: ChildKey, route: Route) {
        self.lock().insert(child, route);
    }

    /// Nothing will come of this child.
    pub fn remove(&self, child: ChildKey) {
        self.lock().remove(&child);
    }

    fn take(&self, child: ChildKey) -> Option<Route> {
        self.lock().remove(&child)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ChildKey, Route>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Child {
    route: Route,
    log: Option<LogId>,
    owed: u32,
    captured: Vec<u8>,
}

struct Output {
    routes: Routes,
    children: HashMap<ChildKey, Child>,
    logs: LogFiles,
    log_of: HashMap<Arc<ProcessId>, LogId>,
    feed: PaneFeed,
    facts: mpsc::Sender<OutputFact>,
    started: Instant,
    seen: Vec<Seen>,
    /// Bytes of children that nobody knows any more.
    unknown: u64,
}

/// Reads a host's bulk channel until it closes. `started` is where this thread's clock begins.
pub fn run(
    mut bulk: impl Read,
    routes: Routes,
    logs: LogFiles,
    feed: PaneFeed,
    facts: mpsc::Sender<OutputFact>,
    started: Instant,
) {
    let mut output = Output {
        routes,
        children: HashMap::new(),
        logs,
        log_of: HashMap::new(),
        feed,
        facts,
        started,
        seen: Vec::new(),
        unknown: 0,
    };
    let mut buffer = vec![0; READ + BulkHeader::SIZE + BULK_MAX];
    let mut filled = 0;
    loop {
        match bulk.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        }
        let Some(used) = output.frames(&buffer[..filled]) else {
            break;
        };
        buffer.copy_within(used..filled, 0);
        filled -= used;
    }
    output.finish();
}

impl Output {
    fn tell(&self, fact: OutputFact) {
        // The engine is gone: there is nobody to tell, and the channel closes soon.
        let _ = self.facts.blocking_send(fact);
    }

    /// Handles the whole frames in `bytes` and says how many bytes they were; `None` when the stream is damaged.
    fn frames(&mut self, bytes: &[u8]) -> Option<usize> {
        let now = Instant::now();
        let mut used = 0;
        let mut credit = Vec::new();
        while let Some((header, rest)) = bytes[used..].split_first_chunk::<{ BulkHeader::SIZE }>() {
            let Ok(header) = BulkHeader::decode(header) else {
                self.tell(OutputFact::Notice(
                    Level::Error,
                    "the output channel of a host is damaged".to_owned(),
                ));
                return None;
            };
            let Some(payload) = rest.get(..header.len as usize) else {
                break;
            };
            used += BulkHeader::SIZE + payload.len();
            match header.kind {
                Bulk::Output => self.output(header, payload, now, &mut credit),
                Bulk::Eof => {
                    if !credit.is_empty() {
                        self.tell(OutputFact::Credit(std::mem::take(&mut credit)));
                    }
                    let discarded = payload
                        .first_chunk()
                        .map_or(0, |count| u64::from_le_bytes(*count));
                    self.eof(header.child, discarded, now);
                }
            }
        }
        if !credit.is_empty() {
            self.tell(OutputFact::Credit(credit));
        }
        Some(used)
    }

    /// Takes in a child whose first frame this is.
    fn meet(&mut self, key: ChildKey) {
        if !self.children.contains_key(&key)
            && let Some(route) = self.routes.take(key)
        {
            let child = Child {
                route,
                log: None,
                owed: 0,
                captured: Vec::new(),
            };
            self.children.insert(key, child);
        }
    }

    fn output(
        &mut self,
        header: BulkHeader,
        payload: &[u8],
        now: Instant,
        credit: &mut Vec<(ChildKey, u32)>,
    ) {
        let since_start = now.duration_since(self.started);
        self.meet(header.child);
        let Some(child) = self.children.get_mut(&header.child) else {
            // It was given up before it wrote. Were it to wait for credit it could not even end.
            self.unknown += u64::from(header.len);
            credit.push((header.child, header.len));
            return;
        };
        child.owed += header.len;
        let due = if child.owed >= PORTION {
            std::mem::take(&mut child.owed)
        } else {
            0
        };
        let mut notice = None;
        let mut broken = false;
        match &mut child.route {
            Route::Capture => {
                let room = CAPTURE_MAX - child.captured.len().min(CAPTURE_MAX);
                child
                    .captured
                    .extend_from_slice(&payload[..payload.len().min(room)]);
            }
            Route::Rank {
                process,
                incarnation,
                zero,
                watch,
                last_output,
            } => {
                if let Some(last) = last_output {
                    broken = last.heard(since_start.as_millis() as u64);
                }
                if let Some(watch) = watch {
                    watch.push(header.stream, payload, &mut self.seen);
                }
                let logs = &mut self.logs;
                let log = *child.log.get_or_insert_with(|| {
                    logs.count_from(*zero);
                    *self
                        .log_of
                        .entry(process.clone())
                        .or_insert_with(|| logs.add((**process).clone()))
                });
                notice = self.logs.write(log, payload, now);
                let offset = self.logs.began(log);
                self.feed
                    .publish(process, *incarnation, header.stream, offset, payload);
            }
        }
        for seen in std::mem::take(&mut self.seen) {
            self.tell(OutputFact::Seen(header.child, seen));
        }
        if broken {
            self.tell(OutputFact::SilenceBroken(header.child));
        }
        self.notice(notice);
        if due > 0 {
            credit.push((header.child, due));
        }
    }

    fn notice(&self, notice: Option<RecordNotice>) {
        if let Some(notice) = notice {
            self.tell(OutputFact::Notice(notice.level(), notice.to_string()));
        }
    }

    fn eof(&mut self, key: ChildKey, discarded: u64, now: Instant) {
        self.meet(key);
        let Some(mut child) = self.children.remove(&key) else {
            return;
        };
        match &mut child.route {
            Route::Capture => self.tell(OutputFact::Captured(
                key,
                std::mem::take(&mut child.captured),
            )),
            Route::Rank { watch, .. } => {
                if let Some(watch) = watch {
                    watch.finish(&mut self.seen);
                    for seen in std::mem::take(&mut self.seen) {
                        self.tell(OutputFact::Seen(key, seen));
                    }
                }
                if let Some(log) = child.log {
                    let notice = self.logs.close(log, now);
                    self.notice(notice);
                }
            }
        }
        self.tell(OutputFact::Eof(key, discarded));
    }

    fn finish(mut self) {
        let notice = self.logs.finish(Instant::now());
        self.notice(notice);
        let (written, lost) = self.logs.total_bytes();
        self.tell(OutputFact::Closed(written, lost + self.unknown));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::panes::panes,
        record::{EngineInfo, RunFolder, Runs},
    };

    #[test]
    fn who_writes_after_it_was_given_up_gets_its_credit_back_and_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let runs = Runs::at(folder.path());
        let run = RunFolder::create(&runs, "", |_| EngineInfo::of_this_process()).unwrap();
        let child = ChildKey(7);
        let frame = |kind, body: &[u8]| {
            let header = BulkHeader {
                kind,
                stream: 0,
                child,
                len: body.len() as u32,
            };
            [&header.encode()[..], body].concat()
        };
        let bytes = [frame(Bulk::Output, b"late"), frame(Bulk::Eof, &[0; 8])].concat();
        let (told, mut facts) = mpsc::channel(9);
        let (_panes, feed) = panes();
        let routes = Routes::default();
        super::run(&bytes[..], routes, run.logs(), feed, told, Instant::now());
        let fact = facts.try_recv().unwrap();
        assert!(matches!(fact, OutputFact::Credit(all) if all == [(child, 4)]));
        let fact = facts.try_recv().unwrap();
        assert!(matches!(fact, OutputFact::Closed(0, 4)), "{fact:?}");
    }
}
