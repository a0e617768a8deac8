//! The queues of a run: a broker (pure) and the server that speaks the list commands of the Redis protocol for it.
//!
//! Who reads this for the first time starts at [`broker::Broker`]: everything that decides is there, in `registry.rs`
//! (which queues there are) and in its command files (`commands.rs`, `session.rs`, `stat.rs`). `request.rs` and
//! `reply.rs` are the wire, `server.rs`, `accept.rs`, `traffic.rs` and `connection.rs` the sockets, `handle.rs` the door
//! for the rest of the engine, `client.rs` a small blocking client.
//! This module never knows of screens, groups or processes: a client is a connection with a name and a pid.
use serde::{Deserialize, Serialize};

mod accept;
pub mod broker;
pub mod client;
mod commands;
mod connection;
mod glob;
mod handle;
mod inline;
pub mod items;
mod memory;
mod registry;
pub mod reply;
pub mod request;
mod server;
mod session;
mod stat;
mod state;
mod table;
mod traffic;
mod users;

pub use handle::{QueueError, QueueQuestions, QueueServer, QueueServerHandle, ServerOptions};

/// A queue as the session declares it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct QueueDecl {
    /// Its name, which is its key on the wire.
    pub name: String,
    /// Most items, `None` = unbounded.
    pub maxsize: Option<u64>,
    /// Most bytes of values, `None` = unbounded.
    pub maxbytes: Option<u64>,
    /// Whether consumers acknowledge items and producers may join.
    pub joinable: bool,
}

/// Which side of a queue somebody waits at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// For an item.
    Get,
    /// For room.
    Put,
}

impl Side {
    /// `get` or `put`.
    pub fn word(self) -> &'static str {
        match self {
            Side::Get => "get",
            Side::Put => "put",
        }
    }
}

/// Somebody blocked at a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiter {
    /// What it waits for.
    pub side: Side,
    /// The connection's number, never used twice.
    pub client: u64,
    /// The task by the connection's name; empty when it has none.
    pub task: String,
    /// The process at the other end; 0 when not known.
    pub pid: u32,
    /// For how long, in milliseconds.
    pub waiting_ms: u64,
}

/// Who puts into or gets from a queue: the tasks of one kind together, with those that are gone. Counters only grow.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueUser {
    /// What its tasks have in common: `group/template` of `group/template.rank`; empty: connections without a name.
    pub kind: String,
    /// The task that is connected now, if it is only one; else empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub task: String,
    /// How many tasks of it are connected now.
    pub tasks: u64,
    /// Items they put.
    pub put: u64,
    /// Items they got.
    pub got: u64,
}

/// One queue at one moment. Counters only grow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueSample {
    /// The queue's name (bytes that are not UTF-8 replaced).
    pub name: String,
    /// Items in it.
    pub depth: u64,
    /// Bytes of their values.
    pub bytes: u64,
    /// Most items, `None` = unbounded.
    pub maxsize: Option<u64>,
    /// Items ever put.
    pub put: u64,
    /// Items ever handed out (those that came back are counted again).
    pub got: u64,
    /// Bytes ever put.
    pub put_bytes: u64,
    /// Bytes ever handed out.
    pub got_bytes: u64,
    /// Clients waiting for an item.
    pub getters: u64,
    /// Clients waiting for room.
    pub putters: u64,
    /// Age of the item at the front in milliseconds, to 10 ms; 0 when empty.
    pub oldest_ms: u64,
    /// Up to 100 of those who wait, putters first, the longest waiting first.
    pub waiting: Vec<Waiter>,
    /// Up to 32 of those who used it, by kind; absent in records of older versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<QueueUser>,
}

/// An item as a peek shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeekedItem {
    /// The beginning of the value.
    pub head: Vec<u8>,
    /// Length of the whole value in bytes.
    pub len: u64,
    /// Time since it was put, in milliseconds, to 10 ms.
    pub age_ms: u64,
    /// How often it was handed out and came back.
    pub returned: u8,
}

#[cfg(test)]
mod server_tests;
