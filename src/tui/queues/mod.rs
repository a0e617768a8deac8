//! The queues screen: how deep each is, how fast it moves, who waits at it, and what is in it.
//!
//! Owns the history of the queues and what the user looks at of them. Items are only looked at, never taken; purging and
//! putting are wishes to the engine. Start at [`History`]; [`flow`] finds what holds everything up, [`waiting`] who
//! waits.

pub mod flow;
mod history;
mod item;
#[cfg(test)]
mod tests;
pub mod update;
pub mod view;
pub mod waiting;
mod why;

pub use self::history::{History, Queue};
use crate::engine::door::{PeekedItem, wire::Deed};

/// Which part of the screen has the keyboard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Part {
    /// The table.
    #[default]
    Table,
    /// The items.
    Items,
}

/// Items of a queue as they were.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Peeked {
    /// Whose.
    pub queue: String,
    /// The index of the first one that is known.
    pub from: usize,
    /// Those that are known.
    pub items: Vec<PeekedItem>,
    /// How many there were.
    pub depth: usize,
    /// Seconds of the run at which they were looked at.
    pub at: f64,
}

/// What the user looks at.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// The queue that is selected, by name. Never absent where there is a queue, see [`Look::hold`].
    pub selected: Option<String>,
    /// Which part has the keyboard.
    pub part: Part,
    /// Items of the selected queue.
    pub peeked: Option<Peeked>,
    /// The index of the first item that is shown.
    pub first: usize,
    /// The flow has the whole screen.
    pub is_flow: bool,
    /// The first line of the flow that is shown there.
    pub scroll: usize,
    /// Only queues with this in their name are shown.
    pub filter: String,
    /// What was asked for and not answered yet.
    pub under_way: Option<(Deed, String)>,
    /// The flow, as of a version of the history.
    pub flow: (u64, Vec<flow::Row>),
}

impl Look {
    /// The queues that are shown.
    pub fn shown<'h>(&self, history: &'h History) -> Vec<&'h Queue> {
        let fits = |queue: &&Queue| queue.sample.name.contains(&self.filter);
        history.queues.values().filter(fits).collect()
    }

    /// The selected queue, and its place among those that are shown.
    pub fn current<'h>(&self, history: &'h History) -> Option<(usize, &'h Queue)> {
        let name = self.selected.as_ref()?;
        let shown = self.shown(history);
        let at = shown.iter().position(|queue| queue.sample.name == *name)?;
        shown.get(at).map(|queue| (at, *queue))
    }

    /// The selected queue.
    pub fn queue<'h>(&self, history: &'h History) -> Option<&'h Queue> {
        self.current(history).map(|(_, queue)| queue)
    }

    /// Where nothing is selected, or what is selected is not shown any more, another queue is, by its name: it stays
    /// selected whatever comes and goes before it.
    pub fn hold(&mut self, history: &History) {
        if self.queue(history).is_some() {
            return;
        }
        let shown = self.shown(history);
        let after = self.selected.as_ref().and_then(|name| {
            let mut shown = shown.iter();
            shown.find(|queue| queue.sample.name > *name)
        });
        let name = after
            .or(shown.last())
            .map(|queue| queue.sample.name.clone());
        let first = shown.first().map(|queue| queue.sample.name.clone());
        self.selected = match self.selected {
            Some(_) => name,
            None => first,
        };
        self.leave_items();
    }

    /// The items that were looked at are not of interest any more.
    pub fn leave_items(&mut self) {
        self.peeked = None;
        self.first = 0;
        self.part = Part::Table;
    }

    /// How many items were there when they were looked at.
    pub fn depth(&self) -> usize {
        self.peeked.as_ref().map_or(0, |peeked| peeked.depth)
    }
}
