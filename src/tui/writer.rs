//! The one hand that writes for the user: sessions, what is not saved yet, lists of our own.
//!
//! Owns the order of what is asked for: one thread does one thing after the other, so that a session that is opened is
//! the one that was saved before, and of two saves the later one stays. Never touches the state: answers are a [`Msg`].
//! Start at [`Writer::begin`].

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::Duration,
};

use tokio::sync::mpsc;

use super::{
    compose::{
        opening::{Open, Opened, Read},
        saving::{Over, Refused, Save, Saved, Written},
        swap::{self, Swaps},
    },
    message::{Effect, Msg},
};
use crate::model::{
    document::Session,
    session::{self, Problem},
};

/// Deeds that may wait; more are refused: the disk does not answer.
const WAITING: usize = 256;

/// The thread that writes, and the way to it.
pub struct Writer {
    deeds: SyncSender<Effect>,
    over: Receiver<()>,
}

impl Writer {
    /// Begins the thread. `state` is the folder for swap files that cannot lie beside their sessions.
    pub fn begin(state: Option<PathBuf>, answers: mpsc::Sender<Msg>) -> Self {
        let (deeds, asked) = sync_channel::<Effect>(WAITING);
        let (ended, over) = sync_channel(1);
        thread::spawn(move || {
            let mut hand = Hand {
                swaps: Swaps::new(state.clone()),
                state,
                is_told: false,
            };
            for deed in asked {
                if let Some(answer) = hand.perform(deed) {
                    // The screens are gone: nobody waits for it.
                    let _ = answers.blocking_send(answer);
                }
            }
            let _ = ended.send(());
        });
        Self { deeds, over }
    }

    /// Asks for a deed; what comes back is the answer where it cannot even be asked for.
    pub fn ask(&self, deed: Effect) -> Option<Msg> {
        let deed = match self.deeds.try_send(deed) {
            Ok(()) => return None,
            Err(TrySendError::Full(deed) | TrySendError::Disconnected(deed)) => deed,
        };
        let why = "the disk does not answer: nothing was written".to_owned();
        match deed {
            Effect::Save(save) => Some(Msg::Saved(Box::new(save.refused(why)))),
            _ => Some(Msg::Told(why)),
        }
    }

    /// Does what is still asked for, and ends; whoever leaves does not wait longer than this.
    pub fn finish(self, patience: Duration) {
        drop(self.deeds);
        // Where the disk does not answer there is nothing to be done.
        let _ = self.over.recv_timeout(patience);
    }
}

struct Hand {
    swaps: Swaps,
    state: Option<PathBuf>,
    /// That changes cannot be kept was said.
    is_told: bool,
}

impl Hand {
    fn perform(&mut self, deed: Effect) -> Option<Msg> {
        match deed {
            Effect::Save(save) => Some(Msg::Saved(Box::new(self.save(*save)))),
            Effect::Open(open) => Some(Msg::Opened(Box::new(self.open(open)))),
            Effect::Swap(swap) => {
                let error = self.swaps.perform(swap).err()?;
                if std::mem::replace(&mut self.is_told, true) {
                    return None;
                }
                let text = format!("changes that are not saved cannot be kept: {error}");
                Some(Msg::Told(text))
            }
            Effect::Keep { path, text } => {
                // Nobody waits for it, and where it cannot be written there is nothing to be done.
                if let Err(error) = keep(&path, &text) {
                    tracing::debug!("{} is not kept: {error}", path.display());
                }
                None
            }
            Effect::Write { path, text } => {
                let written = session::write_text(&path, &text).map(|()| path);
                Some(Msg::Written(written.map_err(said)))
            }
            _ => None,
        }
    }

    fn save(&mut self, save: Save) -> Saved {
        let written = write(&save);
        if let (Ok(_), Some(of)) = (&written, &save.swap) {
            // Only now: until the disk has it, the swap file has it.
            let forgotten = swap::Swap::Forget { of: of.clone() };
            if let Err(error) = self.swaps.perform(forgotten) {
                tracing::debug!("{} stays: {error}", of.display());
            }
        }
        Saved {
            path: save.path,
            what: save.what,
            result: written,
        }
    }

    fn open(&self, open: Open) -> Opened {
        let result = read(&open.path, self.state.as_deref());
        Opened { open, result }
    }
}

fn said(problem: Problem) -> String {
    match &problem.help {
        Some(help) => format!("{}: {help}", problem.message),
        None => problem.message.clone(),
    }
}

/// Writes a session, if that is as it was thought to be.
fn write(save: &Save) -> Result<Written, Refused> {
    let there = || Session::text_in(&save.path);
    match &save.over {
        Over::Anything => {}
        Over::Nothing if save.path.symlink_metadata().is_err() => {}
        Over::Nothing => return Err(Refused::Exists),
        Over::This(known) => match there() {
            Ok(text) if text != **known => return Err(Refused::Changed),
            // What keeps it from being read is said by the attempt to write.
            _ => {}
        },
    }
    let plain = |folder: &Path| fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let to = save.path.parent().map(plain).unwrap_or_default();
    let from = plain(&save.from);
    let (session, moved) = session::relocated(&save.session, &from, &to);
    let saved = session::save_to(&save.path, &session, save.original.as_deref())
        .map_err(|problem| Refused::Failed(said(problem)))?;
    Ok(Written {
        session,
        text: saved.text.into(),
        anew: saved.anew,
        moved: (moved > 0).then_some((from, to)),
    })
}

/// Reads a session that is to be composed, and what was left of it.
pub fn read(path: &Path, state: Option<&Path>) -> Result<Box<Read>, (Vec<Problem>, String)> {
    let no_file = |about: &fs::Metadata| !about.is_file() && !about.is_dir();
    if fs::metadata(path).as_ref().is_ok_and(no_file) {
        // Whoever opens a pipe waits until somebody writes to it.
        let text = "this is no file, but a pipe or a device";
        let problem = Problem::error(session::FieldPath::root(), text).in_file(path);
        return Err((vec![problem], String::new()));
    }
    let text = Session::text_in(path).map_err(|problem| (vec![problem], String::new()))?;
    let parsed = Session::parse(&text);
    if !parsed.is_faithful() {
        return Err((parsed.problems, text));
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let of = [
        swap::swap_of(Some(path), folder),
        swap::text_of(Some(path), folder),
    ];
    let found = swap::found(&of, &text, state);
    Ok(Box::new(Read {
        session: parsed.session,
        text: Arc::from(text),
        found,
    }))
}

/// A file of our own.
fn keep(path: &Path, text: &str) -> Result<(), Problem> {
    if let Some(parent) = path.parent() {
        let _ = fs::create_dir_all(parent);
    }
    session::write_text(path, text)
}

#[cfg(test)]
mod tests;
