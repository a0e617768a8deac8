//! The compose screen: the parts of a session at the left, the fields of one in the middle, where it would all go at the
//! right.
//!
//! Owns what is selected, what is being typed, and what can be taken back. The session itself is the
//! [`Draft`](super::state::Draft). Never places a rank or touches the disk: a plan is asked for, and answered by a
//! message. Start at [`State`]; `edit` and `form` change sessions, `update` is what keys do.

pub mod command;
pub mod edit;
pub mod form;
mod history;
pub mod keep;
pub mod node;
pub mod pick;
mod references;
pub mod shipped;
#[cfg(test)]
mod tests;
pub mod update;
pub mod view;

use std::{collections::HashSet, path::PathBuf, time::Instant};

pub use self::history::Snapshot;
use self::{history::History, node::Node};
use super::widget::input::Input;
use crate::{
    engine::door::preview::Plan,
    model::{ids::GroupName, session::Problem},
};

/// Which part of the screen has the keyboard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Focus {
    /// The tree.
    #[default]
    Tree,
    /// The fields.
    Form,
    /// The plan.
    Plan,
}

/// A field that is being typed.
#[derive(Debug, Clone, Default)]
pub struct Editing {
    /// What was typed.
    pub input: Input,
    /// What is wrong with it.
    pub problem: Option<String>,
}

/// The plan, as far as it is known.
#[derive(Debug, Clone, Default)]
pub struct Planning {
    /// The newest answer.
    pub plan: Option<Plan>,
    /// The session has changed since it was asked for.
    pub stale: bool,
    /// It was asked for, and the answer is on its way.
    pub asked: bool,
}

/// What the compose screen knows.
#[derive(Debug, Default)]
pub struct State {
    /// What is selected.
    pub at: Node,
    /// Groups whose templates are hidden.
    pub folded: HashSet<GroupName>,
    /// Where the keyboard is.
    pub focus: Focus,
    /// Which field is selected.
    pub field: usize,
    /// What is being typed into it.
    pub editing: Option<Editing>,
    /// What can be taken back.
    pub history: History,
    /// What is wrong with the session; absent: it was changed since.
    pub problems: Option<Vec<Problem>>,
    /// Where everything would go.
    pub planning: Planning,
    /// First line shown of the plan.
    pub scroll: usize,
    /// When the session was changed last, until that is kept.
    pub changed: Option<Instant>,
    /// Sessions that were open of late.
    pub recent: Vec<PathBuf>,
    /// The file of that list.
    pub recent_file: Option<PathBuf>,
    /// Where the sessions that come with the program are unpacked to.
    pub shipped: Option<PathBuf>,
    /// The user left on purpose: what was not saved is not wanted.
    pub has_left: bool,
    /// A text that was edited and is no session.
    pub rejected: Option<String>,
}

impl State {
    /// Forgets what was about another session.
    pub fn forget(&mut self) {
        let before = std::mem::take(self);
        self.planning.asked = before.planning.asked;
        self.planning.stale = true;
        self.recent = before.recent;
        self.recent_file = before.recent_file;
        self.shipped = before.shipped;
    }

    /// Everything that is wrong, as far as it is known: with the session, and with its places.
    pub fn wrong(&self) -> impl Iterator<Item = &Problem> {
        let plan = self.planning.plan.as_ref();
        let planned = plan.map(|plan| plan.problems.iter().chain(&plan.refusals));
        self.problems
            .iter()
            .flatten()
            .chain(planned.into_iter().flatten())
    }
}
