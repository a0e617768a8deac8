//! From what a client wants run to an engine that runs it, or to why not.
//!
//! Owns the order of the checks. Starts nothing when anything is wrong. Start at [`open`].

use std::path::{Path, PathBuf};

use super::wire::{FromEngine, Opening};
use crate::{
    engine::{Engine, EngineHandle, EngineOptions, StartError},
    model::{
        document::{Session, Step},
        event::Command,
        ids::Selector,
        session::{Loaded, Problem},
    },
    record::{Limits, Runs},
};

/// What an engine needs beside what its client says.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The program that is the agent: this one.
    pub agent: PathBuf,
    /// Where runs are recorded.
    pub runs: Runs,
    /// How many old runs are kept.
    pub limits: Limits,
}

/// An engine that was opened.
#[derive(Debug)]
pub struct Opened {
    /// The engine.
    pub handle: EngineHandle,
    /// What it is to be told at once.
    pub first: Vec<Command>,
}

/// Starts an engine for a session, on threads of its own. This takes as long as the checks do.
///
/// # Errors
/// The answer to the client when nothing was started.
pub fn open(opening: Opening, surroundings: Surroundings) -> Result<Opened, Box<FromEngine>> {
    let named = opening.path.is_some();
    // Problems name a file; one that there is not is taken out again.
    let path = opening.path.clone().unwrap_or_default();
    let refuse = |problems: Vec<Problem>, unplaceable| {
        let problems = problems.into_iter().map(|problem| match named {
            true => problem,
            false => Problem {
                file: None,
                ..problem
            },
        });
        Box::new(FromEngine::Refused {
            problems: problems.collect(),
            unplaceable,
        })
    };
    let loaded = Session::load(&path, opening.text).map_err(|problems| refuse(problems, false))?;
    let errors: Vec<Problem> = placed(loaded.session.validate_to_run(), &loaded)
        .into_iter()
        .filter(Problem::is_error)
        .collect();
    if !errors.is_empty() {
        return Err(refuse(errors, false));
    }
    let options = EngineOptions {
        name: opening.name,
        text: Some(loaded.text.clone()),
        session_folder: absolute(&opening.folder),
        aliases: opening.host_aliases,
        agent: surroundings.agent,
        runs: surroundings.runs,
        limits: surroundings.limits,
        replay: false,
        follow_all: false,
        size: opening.size,
        sample_every: 0,
    };
    let first = if opening.start {
        starts(&loaded.session)
    } else {
        Vec::new()
    };
    match Engine::start(loaded.session.clone(), options) {
        Ok(handle) => Ok(Opened { handle, first }),
        Err(StartError::Problems(problems)) => Err(refuse(placed(problems, &loaded), false)),
        Err(StartError::Unplaceable(problems)) => Err(refuse(placed(problems, &loaded), true)),
        Err(StartError::Engine(text)) => Err(Box::new(FromEngine::Failed { text })),
    }
}

fn placed(problems: Vec<Problem>, loaded: &Loaded) -> Vec<Problem> {
    let place = |problem| loaded.place(problem);
    problems.into_iter().map(place).collect()
}

fn absolute(folder: &Path) -> PathBuf {
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned())
}

/// Every group but those that the timeline starts.
fn starts(session: &Session) -> Vec<Command> {
    let later = |group: &Selector| {
        let mut steps = session.timeline.iter().map(|entry| &entry.step);
        steps.any(|step| matches!(step, Step::Start(selector) if selector == group))
    };
    let groups = session.groups.keys().cloned().map(Selector::group);
    groups
        .filter(|group| !later(group))
        .map(Command::Start)
        .collect()
}
