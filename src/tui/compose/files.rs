//! What of composing goes beyond the session itself: its swap file, the list of recent sessions, those that come with the
//! program, the session as text.
//!
//! Asks for effects and takes their answers; touches no disk. Start at [`due`] and [`take_text`].

use std::path::PathBuf;

use super::{
    keep, opening,
    swap::{self, Swap},
    update::change_text,
};
use crate::{
    model::{document::Session, event::Level},
    tui::{message::Effect, overlay::Overlay, state::State},
};

/// Opens one of the sessions that come with the program.
pub fn open_shipped(state: &mut State, name: &'static str, start: bool) {
    match state.compose.shipped.clone() {
        Some(folder) => state.effect(Effect::Unpack {
            folder,
            name,
            start,
        }),
        None => {
            let text = "there is no home folder to unpack the sessions to";
            state.toasts.push(Level::Warning, text, state.now);
        }
    }
}

/// One of them was unpacked.
pub fn unpacked(state: &mut State, result: Result<PathBuf, String>, start: bool) {
    match result {
        Ok(path) => opening::asked(state, path, start),
        Err(problem) => state.toasts.push(Level::Warning, problem, state.now),
    }
}

/// The session that is open now is the last one of those of late.
pub fn remember(state: &mut State) {
    let Some(path) = &state.draft.path else {
        return;
    };
    let path = state.folder.join(path);
    let compose = &mut state.compose;
    if keep::remember(&mut compose.recent, &path)
        && let Some(file) = compose.recent_file.clone()
    {
        let text = keep::list(&compose.recent);
        state.effect(Effect::Keep { path: file, text });
    }
}

/// The swap file of the session.
pub fn swap(state: &State) -> PathBuf {
    swap::swap_of(state.draft.path.as_deref(), &state.folder)
}

/// The swap files of the session, and of a text that is none.
pub fn swaps(state: &State) -> [PathBuf; 2] {
    let text = swap::text_of(state.draft.path.as_deref(), &state.folder);
    [swap(state), text]
}

/// Nothing of the session that is not saved is wanted any more.
pub fn forget_swaps(state: &mut State) {
    state.compose.changed = None;
    for of in swaps(state) {
        state.effect(Effect::Swap(Swap::Forget { of }));
    }
}

/// Something was changed that is not kept yet.
pub fn touched(state: &mut State) {
    state.compose.touched();
    state.compose.changed.get_or_insert(state.now);
}

/// Some time went by: what is not saved is kept beside the session.
pub fn due(state: &mut State) {
    let is_due = |changed| state.now >= changed + keep::AFTER;
    if state.compose.changed.is_some_and(is_due) {
        keep_now(state);
    }
}

/// What is not saved is kept beside the session.
pub fn keep_now(state: &mut State) {
    state.compose.changed = None;
    let draft = state.draft.is_changed().then(|| state.draft.written());
    let texts = [draft, state.compose.rejected.clone()];
    for (of, text) in swaps(state).into_iter().zip(texts) {
        state.effect(Effect::Swap(match text {
            Some(text) => Swap::Keep { of, text },
            None => Swap::Forget { of },
        }));
    }
}

/// Takes a text in place of the session; it can be taken back. What is wrong with what it says is shown beside the
/// fields; one that cannot be read as a session is kept until it can.
pub fn take_text(state: &mut State, text: String) {
    let parsed = Session::parse(&text);
    if !parsed.is_faithful() {
        let title = "this text is no session: E edits it again";
        state
            .overlays
            .push(Overlay::problems(title, &parsed.problems, &text));
        reject(state, text);
        return;
    }
    if state.compose.rejected.take().is_some() {
        state.compose.changed.get_or_insert(state.now);
    }
    if state.draft.written() == text {
        return;
    }
    change_text(state, parsed.session, text.into());
}

/// An editor failed; what it left is not lost.
pub fn edit_failed(state: &mut State, why: String, text: Option<String>) {
    let said = match text {
        Some(_) => format!("{why}; E goes on with what was written"),
        None => why,
    };
    state.toasts.push(Level::Warning, said, state.now);
    if let Some(text) = text {
        reject(state, text);
    }
}

fn reject(state: &mut State, text: String) {
    state.compose.rejected = Some(text);
    state.compose.edits += 1;
    state.compose.changed.get_or_insert(state.now);
}
