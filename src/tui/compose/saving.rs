//! The session goes to its file.
//!
//! Owns what is on its way there, and what the answer changes: nothing counts as saved before the disk has it, and then
//! exactly what was written counts. Never writes: that is the writer's. Start at [`save`] and
//! [`saved`].

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::files;
use crate::{
    model::{document::Session, event::Level, session::relocated},
    tui::{
        message::Effect,
        overlay::{For, Overlay, Wish},
        state::State,
        update::quit,
    },
};

/// What a file may hold that is written over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Over {
    /// It must not be there yet.
    Nothing,
    /// It says this, or is gone.
    This(Arc<str>),
    /// The user knows of it.
    Anything,
}

/// Whose session is saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// That of the draft of this number.
    Draft(u64),
    /// The one that was run, with what was done since.
    Timeline,
}

/// A session on its way to a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Save {
    /// Where.
    pub path: PathBuf,
    /// Which.
    pub what: What,
    /// What.
    pub session: Session,
    /// The text whose comments are kept.
    pub original: Option<Arc<str>>,
    /// The folder that its relative paths start from now.
    pub from: PathBuf,
    /// What may be there.
    pub over: Over,
    /// The swap file that is of no use then.
    pub swap: Option<PathBuf>,
}

impl Save {
    /// The answer, where it cannot be done.
    pub fn refused(self, why: String) -> Saved {
        Saved {
            path: self.path,
            what: self.what,
            result: Err(Refused::Failed(why)),
        }
    }
}

/// What became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Saved {
    /// Where.
    pub path: PathBuf,
    /// Which.
    pub what: What,
    /// What the disk has now, or why not.
    pub result: Result<Written, Refused>,
}

/// What was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// The session, its relative paths as they are right there.
    pub session: Session,
    /// The text.
    pub text: Arc<str>,
    /// Comments could not be kept.
    pub anew: bool,
    /// Its paths start from the second folder now, and started from the first.
    pub moved: Option<(PathBuf, PathBuf)>,
}

/// Why nothing was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// There is a file already.
    Exists,
    /// The file is not as it was when it was read or written.
    Changed,
    /// The disk refuses.
    Failed(String),
}

/// What is on its way.
#[derive(Debug, Default)]
pub struct Saving {
    /// A session is being written.
    pub is_under_way: bool,
    /// The text whose comments it keeps.
    original: Option<Arc<str>>,
    /// What is to be written after it.
    next: Option<(PathBuf, Over)>,
    /// The user wants to leave when it is written.
    pub leaves: bool,
}

/// Saves the session to its file; asks for one where it has none.
pub fn save(state: &mut State) {
    let draft = &state.draft;
    match (draft.path.clone(), draft.saved_text.clone()) {
        (Some(path), Some(text)) => save_to(state, path, Over::This(text)),
        (Some(path), None) => save_to(state, path, Over::Nothing),
        (None, _) => ask(state),
    }
}

/// Asks for a file.
pub fn ask(state: &mut State) {
    let draft = &state.draft;
    let path = match (&draft.path, &draft.base) {
        (Some(path), _) => path.display().to_string(),
        (None, Some(base)) => base.join("session.ron").display().to_string(),
        (None, None) => "session.ron".to_owned(),
    };
    state.overlays.push(Overlay::prompt(For::SaveAs, &path));
}

/// Saves it to a file that was named; where it starts from is the folder of the session.
pub fn save_as(state: &mut State, name: &str) {
    let path = state.draft.folder(&state.folder).join(name);
    let own = state.draft.path.as_ref() == Some(&path);
    match state.draft.saved_text.clone().filter(|_| own) {
        Some(text) => save_to(state, path, Over::This(text)),
        None => save_to(state, path, Over::Nothing),
    }
}

/// Saves it to this file.
pub fn save_to(state: &mut State, path: PathBuf, over: Over) {
    if state.saving.is_under_way {
        // The last one that was wished for is done after it; what is under way cannot be called back.
        state.saving.next = Some((path, over));
        return;
    }
    state.saving.is_under_way = true;
    let draft = &state.draft;
    state.saving.original.clone_from(&draft.text);
    let save = Save {
        path,
        what: What::Draft(state.compose.number),
        session: draft.session.clone(),
        original: draft.text.clone(),
        from: draft.folder(&state.folder),
        over,
        swap: Some(files::swap(state)),
    };
    state.effect(Effect::Save(Box::new(save)));
}

/// The disk answered.
pub fn saved(state: &mut State, saved: Saved) {
    let Saved { path, what, result } = saved;
    if let What::Draft(_) = what {
        state.saving.is_under_way = false;
    }
    match result {
        Ok(written) => {
            let mut text = format!("written: {}", near(&path, &state.folder).display());
            if written.moved.is_some() {
                text.push_str("; its paths lead to the same places from there");
            }
            state.toasts.push(Level::Info, text, state.now);
            if written.anew {
                let text = "its comments could not be kept";
                state.toasts.push(Level::Warning, text, state.now);
            }
            match what {
                What::Draft(number) if number == state.compose.number => take(state, path, written),
                What::Draft(_) => {}
                What::Timeline => become_of_timeline(state, &path, written),
            }
        }
        Err(why) => {
            state.saving.leaves = false;
            state.saving.next = None;
            refused(state, path, what, why);
        }
    }
    if let Some((path, over)) = state.saving.next.take() {
        // It is known again what is there.
        let over = match (over, &state.draft.saved_text) {
            (Over::This(_), Some(text)) if state.draft.path.as_ref() == Some(&path) => {
                Over::This(text.clone())
            }
            (over, _) => over,
        };
        save_to(state, path, over);
    } else if std::mem::take(&mut state.saving.leaves) {
        quit(state);
    }
}

/// What was written is what is saved; what was changed meanwhile is not.
fn take(state: &mut State, path: PathBuf, written: Written) {
    let before = files::swaps(state);
    // Taking back goes to what was saved, not past it.
    state.compose.history.pause();
    let was_elsewhere = state.draft.path.as_ref() != Some(&path);
    if let Some((from, to)) = &written.moved {
        state.draft.session = relocated(&state.draft.session, from, to).0;
        let history = &mut state.compose.history;
        history.each(|session| relocated(session, from, to).0);
        state.compose.planning.stale = true;
    }
    let draft = &mut state.draft;
    draft.path = Some(path);
    // Unless it was edited meanwhile.
    if draft.text == state.saving.original {
        draft.text = Some(written.text.clone());
    }
    draft.saved = written.session;
    draft.saved_text = Some(written.text);
    draft.base = None;
    if was_elsewhere && state.compose.rejected.is_some() {
        // Its swap file has the name of the session.
        let [_, of] = before;
        state.effect(Effect::Swap(super::swap::Swap::Forget { of }));
    }
    let unsaved = state.has_unsaved();
    state.compose.changed = unsaved.then_some(state.now);
    files::remember(state);
}

/// Where the timeline went to the file of the session that is composed, it is that session now.
fn become_of_timeline(state: &mut State, path: &Path, written: Written) {
    if state.draft.path.as_deref() == Some(path) && !state.draft.is_changed() {
        let draft = &mut state.draft;
        draft.session = written.session.clone();
        draft.saved = written.session;
        draft.text = Some(written.text.clone());
        draft.saved_text = Some(written.text);
        state.compose.touched();
    }
}

fn refused(state: &mut State, path: PathBuf, what: What, why: Refused) {
    let shown = near(&path, &state.folder).display().to_string();
    let question = match why {
        Refused::Failed(why) => {
            let text = format!("{shown} cannot be written: {why}");
            return state.toasts.push(Level::Error, text, state.now);
        }
        Refused::Exists => format!("{shown} is there already: write over it?"),
        Refused::Changed => {
            format!("{shown} was changed by somebody else since it was read: write over it?")
        }
    };
    let wish = match what {
        What::Draft(number) if number == state.compose.number => Wish::Overwrite(path),
        What::Draft(_) => return,
        What::Timeline => Wish::OverwriteTimeline(path),
    };
    state.open_unasked(Overlay::confirm(question, wish));
}

/// A path as it is called from where the program was started, if it is below.
pub fn near<'p>(path: &'p Path, here: &Path) -> &'p Path {
    match path.strip_prefix(here) {
        Ok(below) if !here.as_os_str().is_empty() && !below.as_os_str().is_empty() => below,
        _ => path,
    }
}

/// The program wants to end while a session is being written. True: it waits for that.
pub fn waits(state: &mut State) -> bool {
    if !state.saving.is_under_way {
        return false;
    }
    if std::mem::replace(&mut state.saving.leaves, true) {
        let question = "The session is still being written. Leave all the same?";
        state.overlays.push(Overlay::confirm(question, Wish::Quit));
    } else {
        let text = "the session is being written; then the program leaves";
        state.toasts.push(Level::Info, text, state.now);
    }
    true
}
