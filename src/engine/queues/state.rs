//! What the broker keeps of a queue and of a client, and the words in which a full queue refuses.
//!
//! Plain data with questions about itself; every change is made in `broker.rs`.
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::broker::ClientId;
use super::items::{Item, Items};
use super::reply::{End, Protocol, Reply};
use super::users::Use;

/// How long a put that finds no room waits.
#[derive(Debug, Clone, Copy)]
pub(super) enum Patience {
    /// As the queue's `FULL` says: for ever, or an error.
    AsDeclared,
    /// Until then (`None`: for ever), then nil.
    Until(Option<Duration>),
    /// Nil at once.
    None,
}

/// Who said that there is such a queue, which decides how it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Standing {
    /// Nobody: it goes when nobody would miss it.
    #[default]
    InUse,
    /// A client: it goes by `DEL`.
    ByClient,
    /// The session: it stays.
    BySession,
}

/// One queue.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pub key: Arc<[u8]>,
    pub items: Items,
    /// Bytes of the items' values.
    pub bytes: u64,
    pub max: Option<u64>,
    pub max_bytes: Option<u64>,
    pub refuse_when_full: bool,
    pub joinable: bool,
    pub standing: Standing,
    /// Waiting clients by ticket: the longest waiting one first.
    pub getters: BTreeMap<u64, ClientId>,
    pub putters: BTreeMap<u64, ClientId>,
    pub put: u64,
    pub got: u64,
    pub put_bytes: u64,
    pub got_bytes: u64,
    pub redelivered: u64,
    pub purged: u64,
    /// A number that no other queue of this broker ever has.
    pub birth: u64,
}

impl Queue {
    /// True when so many values of so many bytes fit now.
    pub fn has_room(&self, count: u64, bytes: u64) -> bool {
        self.max
            .is_none_or(|max| self.items.len() as u64 + count <= max)
            && self.max_bytes.is_none_or(|max| self.bytes + bytes <= max)
    }

    /// The error for values that no empty queue would take.
    pub fn never_fits(&self, count: u64, bytes: u64) -> Option<Reply> {
        let key = String::from_utf8_lossy(&self.key);
        let text = match (self.max, self.max_bytes) {
            (Some(max), _) if count > max => {
                format!("FULL queue '{key}' holds at most {max}: {count} values can never fit")
            }
            (_, Some(max)) if bytes > max => {
                format!("FULL queue '{key}' holds at most {max} bytes: {bytes} bytes can never fit")
            }
            _ => return None,
        };
        Some(Reply::Error(Cow::Owned(text)))
    }

    /// The error for values that find no room now.
    pub fn full(&self, count: u64, bytes: u64) -> Reply {
        let key = String::from_utf8_lossy(&self.key);
        let depth = self.items.len() as u64;
        let text = match (self.max, self.max_bytes) {
            (Some(max), _) if depth + count > max => {
                format!("FULL queue '{key}' holds {depth} of {max}")
            }
            (_, Some(max)) if self.bytes + bytes > max => {
                format!("FULL queue '{key}' holds {} of {max} bytes", self.bytes)
            }
            // There is room, but others came first.
            _ => format!("FULL queue '{key}' has putters waiting"),
        };
        Reply::Error(Cow::Owned(text))
    }

    /// True while anybody waits at this queue.
    pub fn waits(&self) -> bool {
        !self.getters.is_empty() || !self.putters.is_empty()
    }
}

/// What a blocked client waits for.
#[derive(Debug)]
pub(super) enum Waiting {
    /// An item from the first of these queues that has one.
    Get { queues: Vec<u32>, end: End },
    /// Room for these values.
    Put {
        queue: u32,
        end: End,
        values: Vec<Item>,
    },
}

/// A client's place in the lines.
#[derive(Debug)]
pub(super) struct Blocked {
    pub ticket: u64,
    pub since: Duration,
    pub deadline: Option<Duration>,
    pub what: Waiting,
}

/// One connection, as the broker sees it.
#[derive(Debug, Default)]
pub(super) struct Client {
    pub alive: bool,
    /// Counts connections; never used twice.
    pub id: u64,
    pub name: String,
    pub pid: u32,
    pub library: (String, String),
    pub protocol: Protocol,
    pub locked: bool,
    pub failures: u8,
    pub connected: Duration,
    pub last_seen: Duration,
    pub last_command: &'static str,
    pub blocked: Option<Blocked>,
    /// What it did with which queue.
    pub uses: Vec<Use>,
}
