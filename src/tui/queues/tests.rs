//! The queues screen, by keys and by its looks.

use crate::engine::door::QueueSample;

/// A queue that nobody uses.
pub(super) fn sample(name: &str, depth: u64, maxsize: Option<u64>) -> QueueSample {
    QueueSample {
        name: name.to_owned(),
        depth,
        bytes: 8 * depth,
        maxsize,
        put: depth,
        got: 0,
        put_bytes: 8 * depth,
        got_bytes: 0,
        getters: 0,
        putters: 0,
        oldest_ms: 0,
        waiting: Vec::new(),
        users: Vec::new(),
    }
}
