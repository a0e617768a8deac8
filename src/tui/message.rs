//! What reaches the screens, and what they ask for.
//!
//! Owns [`Msg`] (everything that may change the state, in the order in which it came) and [`Effect`] (everything that
//! the state may not do itself). Never performs one: that is the event loop's.

use std::path::PathBuf;

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
        runs::{Answer, Ask},
        viewer::{Shown, Source, Viewer},
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
    /// Logs were read, as [`Effect::ReadLogs`] asked; the one that was written last is the last.
    Logs {
        /// For whom.
        number: u64,
        /// What was read.
        logs: Vec<LogRead>,
    },
    /// A search goes on.
    Searched {
        /// Which search.
        ticket: u64,
        /// So many logs were searched.
        logs: usize,
    },
    /// The logs were searched.
    Found {
        /// Which search.
        ticket: u64,
        /// What was found.
        found: Found,
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
    /// Output can be shown, or not.
    Prepared(Result<Shown, String>),
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
    pub number: u64,
    /// Where in the log it begins.
    pub offset: u64,
    /// The line and those around it, escape sequences taken out.
    pub text: Vec<String>,
    /// Which of the lines it is.
    pub at: usize,
}

impl Hit {
    /// The line itself.
    pub fn line(&self) -> &str {
        self.text.get(self.at).map_or("", String::as_str)
    }
}

/// What a search gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The hits, log after log.
    pub hits: Vec<Hit>,
    /// Older hits that are not among them.
    pub left_out: u64,
    /// Logs that could not be read.
    pub unread: usize,
}

/// A part of a log that is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPart {
    /// Whose.
    pub process: ProcessId,
    /// Where the log is.
    pub path: PathBuf,
    /// The first byte that is wanted.
    pub from: u64,
    /// The first one that is not, or the end of the log.
    pub to: u64,
    /// At most so many bytes: the last ones.
    pub most: usize,
}

/// What was read of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRead {
    /// Whose.
    pub process: ProcessId,
    /// Which log: a past run may have a process of the same name.
    pub path: PathBuf,
    /// Where in the log.
    pub at: u64,
    /// What.
    pub bytes: Vec<u8>,
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
        /// What lies before this place is known.
        from: u64,
        /// At most so many bytes.
        bytes: usize,
        /// As if it ended here.
        until: Option<u64>,
    },
    /// Read parts of many logs; answered by [`Msg::Logs`].
    ReadLogs {
        /// For whom.
        number: u64,
        /// What.
        logs: Vec<LogPart>,
    },
    /// Nobody waits for what is searched for any more.
    StopSearch,
    /// Look for a pattern in logs; answered by [`Msg::Searched`] now and then, and by [`Msg::Found`].
    SearchLogs {
        /// Which search.
        ticket: u64,
        /// A regular expression.
        pattern: String,
        /// Whose logs, and where they are.
        logs: Vec<(ProcessId, PathBuf)>,
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
    /// Make output ready to be shown by another program; answered by [`Msg::Prepared`].
    Prepare {
        /// What.
        source: Source,
        /// In which.
        with: Viewer,
    },
    /// Show it; the terminal is not ours meanwhile.
    Page(Shown),
    /// Ring the bell, and tell the desktop.
    Alert(String),
    /// Stop until the user takes the program to the foreground again.
    Suspend,
    /// Draw everything anew.
    Redraw,
    /// Leave.
    Quit,
}
