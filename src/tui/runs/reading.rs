//! What is read of the records of runs: the list, one run, how it was at a second of it.
//!
//! Owns what is read for each question. Reads files and takes as long as that takes: it is called where that harms
//! nobody. How a record becomes the facts of a second is [`Walk`]'s. Start at [`perform`].

use std::{
    borrow::Cow,
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use super::{
    Answer, Ask, compare,
    walk::{Ends, Through, Walk},
};
use crate::{
    model::{document::Session, event::Outcome},
    record::{PastRun, RecordError, RunState, Runs, Summary},
    tui::{
        facts::Facts,
        queues::History,
        state::{Draft, Origin},
    },
};

/// Runs that are listed; the record keeps fewer unless it was told otherwise.
const LIST_MAX: usize = 2_000;

/// A run in a line.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// Its folder.
    pub path: PathBuf,
    /// The name of its session.
    pub session: String,
    /// When it began: seconds since 1970.
    pub started: u64,
    /// Where it stands.
    pub state: RunState,
    /// How it ended, if it says.
    pub outcome: Option<Outcome>,
    /// How long it took, or takes so far; absent: only its events tell.
    pub seconds: Option<f64>,
    /// How many ranks it has.
    pub ranks: u64,
    /// How many of them failed, once that is counted.
    pub failed: Option<u64>,
    /// Bytes on disk.
    pub size: u64,
}

impl Listed {
    fn of(run: &PastRun, now: u64) -> Self {
        let summary = run.summary.as_ref();
        let started = run
            .engine
            .started
            .max(summary.map_or(0, |summary| summary.started));
        let so_far = (run.state == RunState::RunningHere && started > 0)
            .then(|| now.saturating_sub(started) as f64);
        Self {
            id: run.id.clone(),
            path: run.path.clone(),
            session: summary.map_or_else(
                || run.engine.session.clone(),
                |summary| summary.session.clone(),
            ),
            started,
            state: run.state.clone(),
            outcome: summary.map(|summary| summary.outcome),
            seconds: summary.map(Summary::took).or(so_far),
            ranks: summary.map_or(run.engine.ranks, |summary| summary.ranks.total),
            failed: summary.map(|summary| summary.ranks.failed),
            size: run.size(),
        }
    }

    /// How it ended, in a word.
    pub fn word(&self) -> Cow<'static, str> {
        self.state.word(self.outcome)
    }
}

/// How a run was at a second of it.
#[derive(Debug)]
pub struct Moment {
    /// The second.
    pub at: f64,
    /// What was known then.
    pub facts: Facts,
    /// How the queues were.
    pub queues: History,
    /// How long the logs were.
    pub ends: Ends,
}

/// A run that was opened, at its end.
#[derive(Debug)]
pub struct Opened {
    /// Which.
    pub listed: Listed,
    /// Its session.
    pub session: Session,
    /// How it was in the end, and the way to any other second.
    pub through: Through,
}

/// Does what is asked for.
pub fn perform(ask: Ask) -> Answer {
    let now = SystemTime::now();
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let runs = || Runs::of_this_user().map_err(|error| error.to_string());
    match ask {
        Ask::List => Answer::Listed(runs().and_then(|runs| list(&runs, seconds)), seconds),
        Ask::Open { ticket, name } => {
            let opened = runs().and_then(|runs| open(&runs, &name, seconds));
            Answer::Opened(ticket, opened.map(Box::new))
        }
        Ask::Moment { walk, at } => {
            let moment = walk.moment(at).map_err(said).map(Box::new);
            Answer::Moment(walk, moment)
        }
        Ask::Compare(a, b) => {
            let compared = runs().and_then(|runs| compare::read(&runs, &a, &b, seconds));
            Answer::Compared(compared.map(Box::new))
        }
        Ask::Again(id) => Answer::Again(runs().and_then(|runs| again(&runs, &id)).map(Box::new)),
        Ask::Delete(id) => {
            let deleted = runs().and_then(|runs| delete(&runs, &id, now));
            Answer::Deleted(id, deleted)
        }
    }
}

pub(super) fn said(error: RecordError) -> String {
    error.to_string()
}

/// All runs, newest first.
pub fn list(runs: &Runs, now: u64) -> Result<Vec<Listed>, String> {
    let found = runs.list(LIST_MAX).map_err(said)?;
    Ok(found.iter().map(|run| Listed::of(run, now)).collect())
}

/// A run in a line.
pub(super) fn listed(run: &PastRun, now: u64) -> Listed {
    Listed::of(run, now)
}

/// The session of a run, and its text.
pub(super) fn session_of(run: &PastRun) -> Result<(Session, String), String> {
    let text = run.session_text().map_err(said)?;
    let parsed = Session::parse(&text);
    if parsed.session.groups.is_empty() {
        let why = parsed.problems.iter().find(|problem| problem.is_error());
        if let Some(why) = why {
            return Err(format!(
                "the session of {} cannot be read: {}",
                run.id, why.message
            ));
        }
    }
    Ok((parsed.session, text))
}

/// A run at its end.
pub fn open(runs: &Runs, name: &str, now: u64) -> Result<Opened, String> {
    let run = runs.open(name).map_err(said)?;
    let (session, _) = session_of(&run)?;
    let through = Walk::through(&run, &session).map_err(said)?;
    let mut listed = Listed::of(&run, now);
    if run.summary.is_none() {
        listed.seconds = Some(through.end);
    }
    Ok(Opened {
        listed,
        session,
        through,
    })
}

/// The session of a run as a draft.
pub fn again(runs: &Runs, id: &str) -> Result<Draft, String> {
    let run = runs.open(id).map_err(said)?;
    let (mut session, text) = session_of(&run)?;
    // What can be read of it is enough to look at it. To run that would be to run something else.
    let problems = Session::parse(&text).problems;
    if let Some(why) = problems.iter().find(|problem| problem.is_error()) {
        return Err(format!(
            "the session of {id} cannot be run again: {}",
            why.message
        ));
    }
    // Without its file it would have no name any more.
    if session.name.is_none() && !run.engine.session.is_empty() {
        session.name = Some(run.engine.session.clone());
    }
    let path = |text: &String| (!text.is_empty()).then(|| PathBuf::from(text));
    let mut draft = Draft::again(session, text, path(&run.engine.folder));
    draft.origin = Some(Origin {
        cwd: path(&run.engine.cwd),
        aliases: run.engine.host_aliases,
    });
    Ok(draft)
}

fn delete(runs: &Runs, id: &str, now: SystemTime) -> Result<(), String> {
    match runs.delete(id, now) {
        Ok(true) => Ok(()),
        Ok(false) => Err(format!(
            "{id} stays: it may still run, or what it left behind has not been cleaned up"
        )),
        Err(error) => Err(error.to_string()),
    }
}
