//! The compose screen: the parts of a session at the left, the fields of one in the middle, where it would all go at the
//! right.
//!
//! Owns what is selected, what is being typed, and what can be taken back. The session itself is the
//! [`Draft`](super::state::Draft). Never places a rank or touches the disk: a plan is asked for, and answered by a
//! message. Start at [`State`]; `edit` and `form` change sessions, `update` is what keys do.

pub mod command;
pub mod edit;
pub mod files;
pub mod form;
mod history;
pub mod keep;
#[cfg(test)]
mod keeping_tests;
pub mod lists;
pub mod node;
pub mod opening;
pub mod pick;
pub mod pointer;
mod references;
pub mod saving;
pub mod shipped;
pub mod swap;
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
    /// What stood there before.
    pub before: String,
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

impl Planning {
    /// Whether the plan is not that of the session as it is now.
    pub fn is_old(&self) -> bool {
        self.stale || self.asked
    }
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
    /// Since when it has changes that are not kept yet.
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
    /// Which draft it is: another one has another number.
    pub number: u64,
    /// Changes so far.
    pub edits: u64,
    /// A session on its way to be opened.
    pub opening: Option<opening::Opening>,
    /// Where swap files are that cannot lie beside their sessions.
    pub swap_folder: Option<PathBuf>,
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
        self.swap_folder = before.swap_folder;
        self.number = before.number + 1;
        self.edits = before.edits + 1;
    }

    /// The session is another one than it was.
    pub fn touched(&mut self) {
        self.problems = None;
        self.planning.stale = true;
        self.edits += 1;
    }

    /// Everything that is wrong, as far as it is known: with the session, and with its places.
    pub fn wrong(&self) -> impl Iterator<Item = &Problem> {
        let plan = self.planning.plan.as_ref();
        // What was refused before a change may have its place now.
        let refusals = plan.filter(|_| !self.planning.is_old());
        let planned = plan.map(|plan| {
            let refusals = refusals.map(|plan| &plan.refusals);
            plan.problems.iter().chain(refusals.into_iter().flatten())
        });
        self.problems
            .iter()
            .flatten()
            .chain(planned.into_iter().flatten())
    }
}
