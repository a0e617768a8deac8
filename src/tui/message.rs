//! What reaches the screens, and what they ask for.
//!
//! Owns [`Msg`] (everything that may change the state, in the order in which it came) and [`Effect`] (everything that
//! the state may not do itself). Never performs one: that is the event loop's.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crossterm::event::Event as Input;

use super::compose::{
    opening::{Open, Opened},
    pick::{Entry, Listing},
    saving::{Save, Saved},
    swap::Swap,
};
use crate::{
    engine::door::{
        preview::Plan,
        wire::{FromEngine, Opening, ToEngine},
    },
    model::{document::Session, ids::ProcessId},
    tui::{
        run::Line,
        runs::{Answer, Ask},
    },
};

/// Something happened.
#[derive(Debug)]
pub enum Msg {
    /// A key, the mouse, a paste, another size.
    Input(Input),
    /// The engine spoke.
    Engine(Box<FromEngine>),
    /// The end of a log was read: its bytes from `at` on.
    Tail {
        /// Whose.
        process: ProcessId,
        /// Which log: a past run may have a process of the same name.
        path: PathBuf,
        /// Where in the log.
        at: u64,
        /// What.
        bytes: Vec<u8>,
        /// The log was read as if it ended here.
        until: Option<u64>,
    },
    /// The ends of logs were read as one.
    Gathered {
        /// Which question.
        ticket: u64,
        /// Their lines, oldest first.
        lines: Vec<Line>,
        /// They are in the order in which they were written; else rank after rank.
        is_ordered: bool,
    },
    /// So many logs were searched.
    Searching {
        /// Which search.
        ticket: u64,
        /// How many.
        done: usize,
    },
    /// Logs were searched.
    Found {
        /// Which search.
        ticket: u64,
        /// What was found, log after log.
        hits: Vec<Hit>,
        /// The one to be looked at first.
        at: usize,
        /// There was more than is given.
        more: bool,
    },
    /// Whether a file is there that the output is to be written to.
    Looked(PathBuf, bool),
    /// A record was read.
    Runs(Answer),
    /// What is in a folder.
    Listed {
        /// The answer to which question.
        ticket: u64,
        /// What was found.
        entries: Result<Vec<Entry>, String>,
    },
    /// A session that comes with the program was unpacked.
    Unpacked {
        /// Where.
        path: Result<PathBuf, String>,
        /// It is to be started.
        start: bool,
    },
    /// The session was edited as text.
    Edited(String),
    /// The editor failed; what it left, if that is not what it was given.
    EditFailed {
        /// Why.
        why: String,
        /// What it left.
        text: Option<String>,
    },
    /// A session was written, or could not be.
    Saved(Box<Saved>),
    /// A session was read, or could not be.
    Opened(Box<Opened>),
    /// A session was placed on paper.
    Planned(Box<Plan>),
    /// A file was written, or could not be.
    Written(Result<PathBuf, String>),
    /// Something to say of what an effect did.
    Told(String),
    /// The time has come that [`State::due`](super::state::State::due) named.
    Due,
}

/// A line that was searched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Whose.
    pub process: ProcessId,
    /// Its number in the log, from 1.
    pub line: u64,
    /// The line and those around it, escape sequences taken out.
    pub text: Vec<String>,
    /// Which of the lines it is.
    pub at: usize,
}

/// The ticket of the search that is wanted, seen by those that search.
#[derive(Debug, Clone, Default)]
pub struct Wanted(Arc<AtomicU64>);

impl Wanted {
    /// From now on that one; 0: none.
    pub fn set(&self, ticket: u64) {
        self.0.store(ticket, Ordering::Relaxed);
    }

    /// Whether that one is.
    pub fn is(&self, ticket: u64) -> bool {
        self.0.load(Ordering::Relaxed) == ticket
    }
}

impl PartialEq for Wanted {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// Something to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Start an engine.
    Launch(Box<Opening>),
    /// Tell the engine something.
    Send(ToEngine),
    /// The engine is of no use any more.
    Hang,
    /// Read the end of a log; answered by [`Msg::Tail`].
    ReadTail {
        /// Whose.
        process: ProcessId,
        /// Where.
        path: PathBuf,
        /// At most so many bytes.
        bytes: usize,
        /// As if it ended here.
        until: Option<u64>,
    },
    /// Read the ends of logs as one; answered by [`Msg::Gathered`].
    Gather {
        /// Which question.
        ticket: u64,
        /// The folder of the run.
        folder: PathBuf,
        /// Whose, and where each is taken to end.
        logs: Vec<(ProcessId, Option<u64>)>,
    },
    /// Look for a pattern in logs; answered by [`Msg::Searching`] and [`Msg::Found`].
    SearchLogs {
        /// Which search.
        ticket: u64,
        /// The search that is wanted: no other one goes on.
        wanted: Wanted,
        /// A regular expression.
        pattern: String,
        /// Whose logs, and where they are.
        logs: Vec<(ProcessId, PathBuf)>,
        /// Which of them is looked at.
        nearest: usize,
    },
    /// Look whether a file is there before it is written; answered by [`Msg::Looked`].
    Look(PathBuf),
    /// Read the records of runs; answered by [`Msg::Runs`].
    Runs(Ask),
    /// Look what is in a folder; answered by [`Msg::Listed`].
    List {
        /// Which question.
        ticket: u64,
        /// What is looked for.
        what: Listing,
        /// Where.
        path: PathBuf,
    },
    /// Unpack the sessions that come with the program; answered by [`Msg::Unpacked`].
    Unpack {
        /// Where to.
        folder: PathBuf,
        /// Which one is to be opened.
        name: &'static str,
        /// It is to be started.
        start: bool,
    },
    /// Write a session; answered by [`Msg::Saved`].
    Save(Box<Save>),
    /// Read a session; answered by [`Msg::Opened`].
    Open(Open),
    /// Keep what is not saved, or not any more.
    Swap(Swap),
    /// Write a file of our own, without a word.
    Keep {
        /// Where.
        path: PathBuf,
        /// What.
        text: String,
    },
    /// Edit a session as text in `$EDITOR`; answered by [`Msg::Edited`].
    Edit(String),
    /// Place a session on paper, its paths from this folder; answered by [`Msg::Planned`].
    Plan(Box<Session>, PathBuf),
    /// Put text on the user's clipboard (OSC 52).
    Copy(String),
    /// Write a file of the user's.
    Write {
        /// Where.
        path: PathBuf,
        /// What.
        text: String,
    },
    /// Copy a log to a file of the user's.
    CopyFile {
        /// From where.
        from: PathBuf,
        /// To where.
        to: PathBuf,
    },
    /// Show a file in `$PAGER`.
    Page(PathBuf),
    /// Ring the bell, and tell the desktop.
    Alert(String),
    /// Stop until the user takes the program to the foreground again.
    Suspend,
    /// Draw everything anew.
    Redraw,
    /// Leave.
    Quit,
}
