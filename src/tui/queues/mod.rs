//! The queues screen: how deep each is, how fast it moves, who waits at it, and what is in it.
//!
//! Owns the history of the queues and what the user looks at of them. Items are only looked at, never taken; purging and
//! putting are wishes to the engine. Start at [`History`].

mod flow;
mod history;
mod item;
pub mod update;
pub mod view;

pub use self::history::{History, Queue, User};
use crate::engine::door::PeekedItem;

/// What the user looks at.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// The queue that is selected, by name.
    pub selected: Option<String>,
    /// Items of a queue as they were: its name and the items.
    pub peeked: Option<(String, Vec<PeekedItem>)>,
    /// Which of the items is the first that is shown.
    pub first: usize,
    /// The flow has the whole screen.
    pub is_flow: bool,
}

impl Look {
    /// The selected queue: the first one when none was chosen or the chosen one is gone.
    pub fn queue<'h>(&self, history: &'h History) -> Option<&'h Queue> {
        let chosen = self
            .selected
            .as_ref()
            .and_then(|name| history.queues.get(name));
        chosen.or_else(|| history.queues.values().next())
    }
}
