//! Queues as a session declares them.

use serde::{Deserialize, Serialize};

/// A named FIFO between processes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename = "Queue")]
pub struct QueueSpec {
    /// The greatest number of items, at least 1; absent: unbounded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maxsize: Option<u64>,
    /// The greatest number of bytes of all items together, at least 1; absent: unbounded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maxbytes: Option<u64>,
    /// Whether items must be acknowledged before `join()` returns.
    pub joinable: bool,
}

/// What serves the queues of a session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum QueueServer {
    /// The engine itself, on a unix socket.
    #[default]
    Embedded,
    /// A Redis or Valkey by URL.
    Redis(String),
}
