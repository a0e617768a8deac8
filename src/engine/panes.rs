//! Output on its way to a client.
//!
//! Owns the bytes between the engine's output thread and whoever looks at them, within two rules. A client that
//! follows *everything* (a headless replay) gets every byte: when [`FOLLOW_MAX`] bytes wait, the output thread
//! waits, and with it, by the credit of each process, the processes. A client that looks at *some panes* gets
//! what is newest: at most [`RING_MAX`] bytes per pane, the oldest is dropped and counted as a gap. The
//! logs have everything in either case.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::model::ids::{Incarnation, ProcessId};

/// Bytes that may wait for a client that follows everything.
pub const FOLLOW_MAX: usize = 4 << 20;

/// Bytes kept for a client of one pane.
pub const RING_MAX: usize = 256 << 10;

/// Bytes kept for all panes of a client: where it looks at more than 256, each keeps less.
const RINGS_MAX: usize = 64 << 20;

/// Chunks kept for one pane, however short: bytes that a log lost are never joined.
const CHUNKS_MAX: usize = 4096;

/// Small pieces of one process are joined up to this size.
const JOIN_MAX: usize = 64 << 10;

/// Some output of one process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// The process.
    pub process: Arc<ProcessId>,
    /// Which life of it.
    pub incarnation: Incarnation,
    /// 0: standard output (or both in one), 1: standard error.
    pub stream: u8,
    /// Where the first of the bytes lies in the log of the process, in bytes from its begin. What the log lost stands
    /// at its end as it was then.
    pub offset: u64,
    /// Bytes that were dropped just before these.
    pub gap: u64,
    /// The bytes, as the pty or pipe delivered them.
    pub bytes: Vec<u8>,
}

#[derive(Debug, Default)]
struct Ring {
    chunks: VecDeque<Chunk>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct State {
    follow: bool,
    queue: VecDeque<Chunk>,
    queued: usize,
    rings: IndexMap<ProcessId, Ring>,
    /// The ring whose turn it is when not all can be emptied.
    turn: usize,
    closed: bool,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    room: Condvar,
    arrived: Notify,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A poisoned lock only means that a thread ended in the middle; the bytes are whole chunks.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The client's end.
#[derive(Debug, Default)]
pub struct Panes(Arc<Shared>);

/// The output thread's end.
#[derive(Debug, Clone)]
pub struct PaneFeed(Arc<Shared>);

/// Both ends.
pub fn panes() -> (Panes, PaneFeed) {
    let shared = Arc::new(Shared::default());
    (Panes(shared.clone()), PaneFeed(shared))
}

impl Panes {
    /// Gets every byte of every process from now on.
    pub fn follow_all(&self) {
        self.0.lock().follow = true;
    }

    /// Gets the output of one more process from now on.
    pub fn subscribe(&self, process: ProcessId) {
        self.0.lock().rings.entry(process).or_default();
    }

    /// Gets it no more.
    pub fn unsubscribe(&self, process: &ProcessId) {
        self.0.lock().rings.swap_remove(process);
    }

    /// Waits until something has come. May return early.
    pub async fn arrived(&self) {
        self.0.arrived.notified().await;
    }

    /// Takes everything that has come, in order per process.
    pub fn take(&self, into: &mut Vec<Chunk>) {
        let mut state = self.0.lock();
        into.extend(state.queue.drain(..));
        state.queued = 0;
        for ring in state
            .rings
            .values_mut()
            .filter(|ring| !ring.chunks.is_empty())
        {
            ring.bytes = 0;
            into.extend(ring.chunks.drain(..));
        }
        drop(state);
        self.0.room.notify_all();
    }

    /// Takes about `most` bytes of the subscribed panes (one chunk more at most), a chunk of each in turn, so that none
    /// waits behind the flood of another. What is left goes on being replaced by newer bytes.
    pub fn take_some(&self, most: usize, into: &mut Vec<Chunk>) {
        let mut state = self.0.lock();
        let State { rings, turn, .. } = &mut *state;
        let (mut taken, mut empty) = (0, 0);
        while taken < most && empty < rings.len() {
            *turn = (*turn + 1) % rings.len();
            let Some((_, ring)) = rings.get_index_mut(*turn) else {
                break;
            };
            match ring.chunks.pop_front() {
                Some(chunk) => {
                    ring.bytes -= chunk.bytes.len();
                    taken += chunk.bytes.len();
                    empty = 0;
                    into.push(chunk);
                }
                None => empty += 1,
            }
        }
    }
}

impl Drop for Panes {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        *state = State {
            closed: true,
            ..State::default()
        };
        drop(state);
        self.0.room.notify_all();
    }
}

impl PaneFeed {
    /// Hands output to the client, if it wants it. Waits when the client follows everything and is behind.
    pub fn publish(
        &self,
        process: &Arc<ProcessId>,
        incarnation: Incarnation,
        stream: u8,
        offset: u64,
        bytes: &[u8],
    ) {
        let new = Piece {
            process,
            incarnation,
            stream,
            offset,
            bytes,
        };
        let mut state = self.0.lock();
        let ring_max = RING_MAX.min(RINGS_MAX / state.rings.len().max(1));
        if state.closed {
            return;
        }
        if state.follow {
            while state.queued >= FOLLOW_MAX && !state.closed {
                state = self
                    .0
                    .room
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            state.queued += bytes.len();
            push(&mut state.queue, JOIN_MAX, &new);
        } else if let Some(ring) = state.rings.get_mut(process.as_ref()) {
            ring.bytes += bytes.len();
            push(&mut ring.chunks, JOIN_MAX.min(ring_max / 2), &new);
            while (ring.bytes > ring_max || ring.chunks.len() > CHUNKS_MAX)
                && ring.chunks.len() > 1
                && let Some(oldest) = ring.chunks.pop_front()
            {
                ring.bytes -= oldest.bytes.len();
                if let Some(next) = ring.chunks.front_mut() {
                    next.gap += oldest.gap + oldest.bytes.len() as u64;
                }
            }
        } else {
            return;
        }
        drop(state);
        self.0.arrived.notify_one();
    }
}

/// What was published.
struct Piece<'a> {
    process: &'a Arc<ProcessId>,
    incarnation: Incarnation,
    stream: u8,
    offset: u64,
    bytes: &'a [u8],
}

impl Piece<'_> {
    /// Whether it goes on where the chunk ends. Behind bytes that the log lost nothing does, as it has not grown by them:
    /// of a chunk, the place of every byte is known by that of the first.
    fn continues(&self, last: &Chunk) -> bool {
        Arc::ptr_eq(&last.process, self.process)
            && (last.incarnation, last.stream) == (self.incarnation, self.stream)
            && self.offset == last.offset + last.bytes.len() as u64
    }
}

fn push(queue: &mut VecDeque<Chunk>, join_max: usize, new: &Piece) {
    if let Some(last) = queue.back_mut()
        && last.bytes.len() + new.bytes.len() <= join_max
        && new.continues(last)
    {
        last.bytes.extend_from_slice(new.bytes);
        return;
    }
    queue.push_back(Chunk {
        process: new.process.clone(),
        incarnation: new.incarnation,
        stream: new.stream,
        offset: new.offset,
        gap: 0,
        bytes: new.bytes.to_vec(),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(name: &str) -> Arc<ProcessId> {
        Arc::new(name.parse().unwrap())
    }

    fn taken(panes: &Panes) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        panes.take(&mut chunks);
        chunks
    }

    #[test]
    fn a_pane_keeps_the_newest_bytes_and_counts_what_was_dropped() {
        let (panes, feed) = panes();
        let a = process("g/a.0");
        panes.subscribe((*a).clone());
        let piece = vec![7; JOIN_MAX];
        let pieces = 3 * RING_MAX / JOIN_MAX;
        for _ in 0..pieces {
            feed.publish(&a, Incarnation(0), 0, 0, &piece);
        }
        let chunks = taken(&panes);
        let kept: usize = chunks.iter().map(|chunk| chunk.bytes.len()).sum();
        let dropped: u64 = chunks.iter().map(|chunk| chunk.gap).sum();
        assert!(kept <= RING_MAX);
        assert_eq!(kept as u64 + dropped, (pieces * JOIN_MAX) as u64);
        assert_eq!(chunks[0].gap, dropped, "the gap stands before what is left");
    }

    #[test]
    fn of_what_is_taken_in_part_every_pane_has_its_share() {
        let (panes, feed) = panes();
        let ids: Vec<_> = (0..3).map(|rank| process(&format!("g/a.{rank}"))).collect();
        for id in &ids {
            panes.subscribe((**id).clone());
        }
        for _ in 0..4 {
            feed.publish(&ids[0], Incarnation(0), 0, 0, &[0; JOIN_MAX]);
        }
        feed.publish(&ids[1], Incarnation(0), 0, 0, b"one");
        feed.publish(&ids[2], Incarnation(0), 1, 7, b"two");
        let mut chunks = Vec::new();
        panes.take_some(JOIN_MAX + 6, &mut chunks);
        let mut ranks: Vec<u32> = chunks.iter().map(|chunk| chunk.process.rank).collect();
        ranks.sort_unstable();
        assert_eq!(ranks, [0, 1, 2]);
        chunks.clear();
        panes.take_some(usize::MAX, &mut chunks);
        assert_eq!(chunks.len(), 3);
        panes.take_some(usize::MAX, &mut chunks);
        assert_eq!(chunks.len(), 3);
    }

    #[test]
    fn pieces_are_joined_when_one_lies_behind_the_other_in_the_log() {
        let (panes, feed) = panes();
        let a = process("g/a.0");
        panes.subscribe((*a).clone());
        for (offset, bytes) in [
            (10, b"ab"),
            (12, b"cd"),
            (14, b"ef"),
            (14, b"gh"),
            (99, b"ij"),
        ] {
            feed.publish(&a, Incarnation(0), 0, offset, bytes);
        }
        let chunks = taken(&panes);
        let told: Vec<_> = chunks.iter().map(|it| (it.offset, &*it.bytes)).collect();
        assert_eq!(
            told,
            [(10, &b"abcdef"[..]), (14, &b"gh"[..]), (99, &b"ij"[..])],
            "ef was lost to the log"
        );
    }

    #[test]
    fn what_a_full_disk_does_not_take_is_kept_for_a_pane_within_the_bound() {
        let (panes, feed) = panes();
        let a = process("g/a.0");
        panes.subscribe((*a).clone());
        for _ in 0..2 * CHUNKS_MAX {
            feed.publish(&a, Incarnation(0), 0, 14, b"x");
        }
        let chunks = taken(&panes);
        assert_eq!(chunks.len(), CHUNKS_MAX);
        assert_eq!(chunks[0].gap, CHUNKS_MAX as u64);
    }

    #[test]
    fn nobody_pays_for_a_pane_that_nobody_looks_at() {
        let (panes, feed) = panes();
        feed.publish(&process("g/a.0"), Incarnation(0), 0, 0, b"unseen");
        assert_eq!(taken(&panes), []);
    }

    #[test]
    fn who_follows_everything_gets_every_byte_and_holds_the_writer_back() {
        let (panes, feed) = panes();
        panes.follow_all();
        let a = process("g/a.0");
        let total = 4 * FOLLOW_MAX;
        let writer = std::thread::spawn(move || {
            for _ in 0..total / 1024 {
                feed.publish(&a, Incarnation(0), 0, 0, &[1; 1024]);
            }
        });
        let mut seen = 0;
        while seen < total {
            let chunks = taken(&panes);
            let batch: usize = chunks.iter().map(|chunk| chunk.bytes.len()).sum();
            assert!(batch <= FOLLOW_MAX + 1024, "{batch} bytes waited");
            seen += batch;
        }
        writer.join().unwrap();
    }

    #[test]
    fn a_client_that_goes_away_does_not_hold_the_writer_up() {
        let (panes, feed) = panes();
        panes.follow_all();
        let a = process("g/a.0");
        let writer = std::thread::spawn(move || {
            for _ in 0..3 {
                feed.publish(&a, Incarnation(0), 0, 0, &vec![1; FOLLOW_MAX]);
            }
        });
        drop(panes);
        writer.join().unwrap();
    }
}
