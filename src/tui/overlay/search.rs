//! A search in the logs, as the user sees it: what is looked for, how far it is, what was found.
//!
//! Owns [`Search`]. Asks for the reading; at most one search goes on, and none that nobody looks at. Start at [`begin`].

use std::path::PathBuf;

use super::Overlay;
use crate::{
    model::ids::ProcessId,
    tui::{
        keymap::Action,
        message::{Effect, Hit},
        state::State,
    },
};

/// A search in the logs.
#[derive(Debug, Clone)]
pub struct Search {
    /// What is looked for.
    pub pattern: regex::Regex,
    /// Which search.
    pub ticket: u64,
    /// How many logs are searched, and how many were so far.
    pub logs: usize,
    /// See `logs`.
    pub done: usize,
    /// What was found; absent: it is still looked for.
    pub hits: Option<Vec<Hit>>,
    /// There is more.
    pub more: bool,
    /// Which one is selected.
    pub at: usize,
}

/// Looks in the panes, and in the logs of what is selected.
pub fn begin(state: &mut State, pattern: regex::Regex) {
    state.tickets += 1;
    let ticket = state.tickets;
    let Some(run) = &mut state.run else { return };
    run.search = Some(pattern.clone());
    let selected = run.selected();
    let logs: Vec<(ProcessId, PathBuf)> = run
        .facts
        .selected(selected.as_ref())
        .filter_map(|(process, _)| Some((process.clone(), run.log(&process)?)))
        .collect();
    let current = run.current();
    let nearest = logs
        .iter()
        .position(|(process, _)| Some(process) == current.as_ref());
    state.wanted.set(ticket);
    state.overlays.push(Overlay::Found(Search {
        pattern: pattern.clone(),
        ticket,
        logs: logs.len(),
        done: 0,
        hits: None,
        more: false,
        at: 0,
    }));
    state.effect(Effect::SearchLogs {
        ticket,
        wanted: state.wanted.clone(),
        pattern: pattern.as_str().to_owned(),
        logs,
        nearest: nearest.unwrap_or(0),
    });
}

fn of_ticket(state: &mut State, ticket: u64) -> Option<&mut Search> {
    state.overlays.iter_mut().find_map(|overlay| match overlay {
        Overlay::Found(search) if search.ticket == ticket => Some(search),
        _ => None,
    })
}

/// So many logs were searched.
pub fn searching(state: &mut State, ticket: u64, done: usize) {
    if let Some(search) = of_ticket(state, ticket) {
        search.done = done;
    }
}

/// An answer to a search.
pub fn found(state: &mut State, ticket: u64, found: Vec<Hit>, at: usize, there_is_more: bool) {
    if let Some(search) = of_ticket(state, ticket) {
        search.at = at.min(found.len().saturating_sub(1));
        search.more = there_is_more;
        search.hits = Some(found);
    }
}

/// Does what a key means in what was found.
pub fn act(state: &mut State, action: Action, page: usize) {
    let Some(Overlay::Found(search)) = state.overlays.last_mut() else {
        return;
    };
    let hits = search.hits.as_deref().unwrap_or_default();
    let last = hits.len().saturating_sub(1);
    match action {
        Action::Enter => {
            let process = hits.get(search.at).map(|hit| hit.process.clone());
            close(state);
            if let (Some(process), Some(run)) = (process, &mut state.run) {
                run.merged = None;
                run.go_to(&process);
            }
        }
        Action::Back => close(state),
        action => {
            if let Some(by) = action.rows(page) {
                search.at = search.at.saturating_add_signed(by).min(last);
            }
        }
    }
}

/// Nobody looks at it any more: it need not go on.
fn close(state: &mut State) {
    state.wanted.set(0);
    state.overlays.pop();
}
