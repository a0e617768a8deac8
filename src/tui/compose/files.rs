//! What of composing goes beyond the session itself: its swap file, the list of recent sessions, those that come with the
//! program, the session as text.
//!
//! Asks for effects and takes their answers; touches no disk but to look for a swap file when a session is opened. Start
//! at [`due`] and [`offer_unsaved`].

use std::path::PathBuf;

use super::{keep, update::change};
use crate::{
    model::{document::Session, event::Level, session::Problem},
    tui::{
        message::Effect,
        overlay::{Overlay, Wish, update as overlays},
        run::update::launch,
        state::State,
    },
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
        Ok(path) => {
            overlays::open_asked(state, path.clone());
            if start && state.draft.path == Some(path) {
                launch(state);
            }
        }
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
        state.effect(Effect::Keep {
            path: file,
            text: Some(text),
        });
    }
}

/// The swap file of the session.
pub fn swap(state: &State) -> PathBuf {
    keep::swap_of(state.draft.path.as_deref(), &state.folder)
}

/// The session was saved, or another one is open: nothing is unsaved.
pub fn is_kept(state: &mut State, swap: PathBuf) {
    state.compose.changed = None;
    state.effect(Effect::Keep {
        path: swap,
        text: None,
    });
}

/// Some time went by: what is not saved is kept beside the session.
pub fn due(state: &mut State) {
    let Some(changed) = state.compose.changed else {
        return;
    };
    if state.now < changed + keep::AFTER {
        return;
    }
    state.compose.changed = None;
    let text = state.draft.is_changed().then(|| state.draft.written());
    let path = swap(state);
    state.effect(Effect::Keep { path, text });
}

/// Offers changes that were never saved.
pub fn offer_unsaved(state: &mut State) {
    let swap = swap(state);
    if let Some(text) = keep::unsaved(&swap, &state.draft.written()) {
        let question = format!(
            "{} has changes that were never saved. Take them?",
            state.draft.name()
        );
        state
            .overlays
            .push(Overlay::confirm(question, Wish::Recover(text)));
    }
}

/// Takes a text in place of the session; it can be taken back.
pub fn take_text(state: &mut State, text: String) {
    let parsed = Session::parse(&text);
    if parsed.problems.iter().any(Problem::is_error) {
        let title = "this text is no session: E edits it again";
        state
            .overlays
            .push(Overlay::problems(title, &parsed.problems, &text));
        state.compose.rejected = Some(text);
        return;
    }
    let at = state.compose.at.clone();
    let changed = change(state, "text", None, |session, _| {
        *session = parsed.session;
        Ok(Some(at))
    });
    if changed {
        state.draft.text = Some(text);
    }
}
