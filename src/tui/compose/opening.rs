//! Another session comes in place of the one that is composed.
//!
//! Owns what is asked first, and everything that is forgotten then. Never reads a file: that is the
//! writer's, after whatever is being saved. Start at [`asked`], [`opened`] and [`replace_draft`].

use std::{path::PathBuf, sync::Arc, time::Duration};

use super::{
    files, lists,
    saving::near,
    swap::{Found, Left, Swap},
};
use crate::{
    model::{document::Session, event::Level, session::Problem},
    tui::{
        message::Effect,
        overlay::{Overlay, Wish},
        run::update::launch,
        state::{Draft, State, Tab},
    },
};

/// A session to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// The answer to an older question is of no use.
    pub ticket: u64,
    /// Where.
    pub path: PathBuf,
    /// It is to be started.
    pub start: bool,
}

/// What was read.
#[derive(Debug, Clone)]
pub struct Opened {
    /// What was asked.
    pub open: Open,
    /// The session; or what is wrong with it, and its text.
    pub result: Result<Box<Read>, (Vec<Problem>, String)>,
}

/// A session that was read.
#[derive(Debug, Clone)]
pub struct Read {
    /// The session, what is wrong with it included.
    pub session: Session,
    /// Its text.
    pub text: Arc<str>,
    /// What was not saved.
    pub found: Found,
}

/// A session that is on its way.
#[derive(Debug, Clone, Copy)]
pub struct Opening {
    ticket: u64,
    /// Changes of the draft that may be thrown away: those so far.
    edits: u64,
}

/// Opens another session; asks first when something would be lost.
pub fn asked(state: &mut State, path: PathBuf, start: bool) {
    if state.has_unsaved() {
        let question =
            "the session has changes that are not saved: open the other one all the same?";
        let wish = Wish::Discard(path);
        state.overlays.push(Overlay::confirm(question, wish));
    } else {
        open(state, path, start);
    }
}

/// Opens it, whatever is lost.
pub fn open(state: &mut State, path: PathBuf, start: bool) {
    state.tickets += 1;
    let ticket = state.tickets;
    state.compose.opening = Some(Opening {
        ticket,
        edits: state.compose.edits,
    });
    let path = state.folder.join(path);
    state.effect(Effect::Open(Open {
        ticket,
        path,
        start,
    }));
}

/// A session was read.
pub fn opened(state: &mut State, opened: Opened) {
    let Opened { open, result } = opened;
    let opening = state.compose.opening;
    let Some(opening) = opening.filter(|opening| opening.ticket == open.ticket) else {
        return;
    };
    state.compose.opening = None;
    match result {
        Ok(read) => {
            if state.has_unsaved() && opening.edits != state.compose.edits {
                return asked(state, open.path, open.start);
            }
            let Read {
                session,
                text,
                found,
            } = *read;
            let start = open.start && found == Found::default();
            replace_draft(state, Draft::read(open.path, session, text));
            if !state.is_live() {
                state.run = None;
                state.aside = None;
            }
            offer(state, found);
            if start {
                launch(state);
            }
        }
        Err((problems, text)) => {
            let shown = near(&open.path, &state.folder).display();
            let title = format!("{shown} cannot be opened");
            let overlay = Overlay::problems(title, &problems, &text);
            state.overlays.push(overlay);
        }
    }
}

/// Puts another draft in place of this one: nothing of what was selected, planned, or could be taken back is about it.
pub fn replace_draft(state: &mut State, draft: Draft) {
    files::forget_swaps(state);
    state.draft = draft;
    state.compose.forget();
    files::remember(state);
}

/// Offers changes that were never saved.
pub fn offer(state: &mut State, found: Found) {
    if found.is_open_elsewhere {
        let text = format!(
            "{} is open in another window too, with changes that are not saved",
            state.draft.name()
        );
        state.toasts.push(Level::Warning, text, state.now);
    }
    // The newest is asked about first.
    for left in found.left.into_iter().rev() {
        let title = format!(
            "{} has changes that were never saved{}",
            state.draft.name(),
            ago(left.age)
        );
        lists::open_unsaved(state, title, left);
    }
}

fn ago(age: Option<Duration>) -> String {
    let Some(age) = age else {
        return String::new();
    };
    let seconds = age.as_secs();
    let (number, word) = match seconds {
        0..60 => return ", of just now".to_owned(),
        60..3_600 => (seconds / 60, "minute"),
        3_600..86_400 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    let plural = if number == 1 { "" } else { "s" };
    format!(", of {number} {word}{plural} ago")
}

/// Takes over what was left.
pub fn recover(state: &mut State, left: Left) {
    state.tab = Tab::Compose;
    files::take_text(state, left.text);
    let [session, text] = files::swaps(state);
    let of = match state.compose.rejected {
        Some(_) => text,
        None => session,
    };
    state.effect(Effect::Swap(Swap::TakenOver {
        of,
        file: left.file,
    }));
}
