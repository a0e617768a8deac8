//! The runs screen: what ran before, and a way into it.
//!
//! Owns the list, what is selected, marked and compared ([`Screen`]), what is read of a record ([`reading`]) and the
//! moment of a past run that is looked at ([`Past`]). A past run is shown on the same screens as one that goes on: its
//! events are folded into the same [`Facts`](super::facts::Facts). Never reads the disk itself: an [`Ask`] goes out, an
//! [`Answer`] comes in. Start at [`Screen`] and [`update`].

pub mod compare;
mod past;
pub mod reading;
mod timebar;
pub mod update;
pub mod view;
mod walk;

pub use self::{
    past::Past,
    timebar::{second_at, step},
    walk::{Ends, Walk},
};
use super::{state::Draft, widget::fuzzy, widget::input::Input};
use compare::Compared;
use reading::{Listed, Moment, Opened};

use std::path::PathBuf;

use crate::model::document::Session;

/// Something that is wanted of the records; each is answered once.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// All runs.
    List,
    /// One run, at its end.
    Open {
        /// Which question: only the newest one counts.
        ticket: u64,
        /// Its id, the begin of it, or `last`.
        name: String,
    },
    /// How a run was at a second of it.
    Moment {
        /// Its record.
        walk: Walk,
        /// The second.
        at: f64,
    },
    /// The difference of two runs, by their ids.
    Compare(String, String),
    /// The session of a run, to be run again.
    Again(String),
    /// A run is to be gone.
    Delete(String),
}

/// What came of an [`Ask`].
#[derive(Debug)]
pub enum Answer {
    /// The runs, newest first, as they were at this second since 1970.
    Listed(Result<Vec<Listed>, String>, u64),
    /// A run, for the question of this ticket.
    Opened(u64, Result<Box<Opened>, String>),
    /// How the run of this record was.
    Moment(Walk, Result<Box<Moment>, String>),
    /// Two runs.
    Compared(Result<Box<Compared>, String>),
    /// A session.
    Again(Result<Box<Draft>, String>),
    /// The run of this id is gone, or why it is not.
    Deleted(String, Result<(), String>),
}

/// What the screen knows.
#[derive(Debug, Default)]
pub struct Screen {
    /// The runs, newest first; absent: not read yet.
    pub known: Option<Vec<Listed>>,
    /// Why they cannot be read.
    pub problem: Option<String>,
    /// When they were read: seconds since 1970.
    pub read_at: u64,
    /// The id of the selected one.
    pub selected: Option<String>,
    /// Only those that fit are shown.
    pub filter: Input,
    /// Keys are text of the filter.
    pub is_filtering: bool,
    /// The id of the one that another is to be compared with.
    pub marked: Option<String>,
    /// Two runs side by side, and the first line that is shown.
    pub compared: Option<(Compared, usize)>,
    /// What is being read, in words.
    pub busy: Option<String>,
    /// The ticket of the run that is being opened.
    pub opening: Option<u64>,
    /// The session that may be replaced by one that is run again, as it was when that was asked for.
    pub replaced: Option<Session>,
}

impl Screen {
    /// The runs that the filter lets through, newest first.
    pub fn shown(&self) -> Vec<&Listed> {
        let known = self.known.as_deref().unwrap_or_default();
        let text = self.filter.text().trim();
        if text.is_empty() {
            return known.iter().collect();
        }
        let names: Vec<String> = known
            .iter()
            .map(|run| format!("{} {} {}", run.session, run.word(), run.id))
            .collect();
        let mut hits = fuzzy::rank(text, names.iter().map(String::as_str));
        // Which one is newer says more than which one fits better.
        hits.sort_by_key(|hit| hit.index);
        hits.iter().map(|hit| &known[hit.index]).collect()
    }

    /// The selected run and its place among those shown: the newest when none was chosen, or it is hidden.
    pub fn current(&self) -> Option<(usize, &Listed)> {
        let shown = self.shown();
        let chosen = self.selected.as_ref();
        let at = shown.iter().position(|run| Some(&run.id) == chosen);
        let at = at.unwrap_or(0);
        shown.get(at).map(|run| (at, *run))
    }

    /// A run by its id.
    pub fn run(&self, id: &str) -> Option<&Listed> {
        let known = self.known.as_deref().unwrap_or_default();
        known.iter().find(|run| run.id == id)
    }
}

impl Draft {
    /// The session of a past run as it was run: in no file, its paths from where they were.
    pub fn again(session: Session, text: String, folder: Option<PathBuf>) -> Self {
        Self {
            saved: session.clone(),
            session,
            text: Some(text),
            path: None,
            base: folder,
            origin: None,
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
