//! What was searched for, and the way from hit to hit.
//!
//! Owns [`Search`], which stays with the run after its list is closed. Looks in no log itself: that is a deed. Start at
//! [`begin`] and [`step`].

use std::path::PathBuf;

use super::{Focus, State as Run, merged::Part};
use crate::{
    model::{event::Level, ids::ProcessId},
    term::Screen,
    tui::{
        message::{Effect, Found, Hit},
        overlay::Overlay,
        state::State,
        widget::text::columns,
    },
};

/// A search in the logs.
#[derive(Debug, Clone)]
pub struct Search {
    /// What was looked for.
    pub pattern: String,
    /// Which search.
    pub ticket: u64,
    /// How many logs there are to be searched, and how many were.
    pub logs: usize,
    /// See `logs`.
    pub searched: usize,
    /// What was found; absent: it is still looked for.
    pub found: Option<Found>,
    /// Which hit is selected.
    pub at: usize,
}

impl Search {
    /// What was found so far.
    pub fn hits(&self) -> &[Hit] {
        self.found.as_ref().map_or(&[], |found| &found.hits)
    }
}

/// Looks in the panes and in the logs of all ranks; what is found comes as a list.
pub fn begin(state: &mut State, text: &str, pattern: regex::Regex) {
    state.tickets += 1;
    let ticket = state.tickets;
    let Some(run) = &mut state.run else { return };
    run.search = Some(pattern);
    let logs: Vec<(ProcessId, PathBuf)> = run
        .facts
        .selected(None)
        .filter(|(_, rank)| rank.began.is_some() || rank.ended.is_some())
        .filter_map(|(process, _)| Some((process.clone(), run.log(&process)?)))
        .collect();
    run.found = Some(Search {
        pattern: text.to_owned(),
        ticket,
        logs: logs.len(),
        searched: 0,
        found: None,
        at: 0,
    });
    state.overlays.push(Overlay::Found);
    state.effect(Effect::SearchLogs {
        ticket,
        pattern: text.to_owned(),
        logs,
    });
}

/// Nothing is searched for any more.
pub fn end(state: &mut State) {
    if let Some(run) = &mut state.run {
        run.search = None;
        run.found = None;
    }
    state.effect(Effect::StopSearch);
}

/// The list was left: what was found stays, what is still looked for is not waited for.
pub fn leave(state: &mut State) {
    let search = state.run.as_ref().and_then(|run| run.found.as_ref());
    if search.is_some_and(|search| search.found.is_none()) {
        if let Some(run) = &mut state.run {
            run.found = None;
        }
        state.effect(Effect::StopSearch);
    }
}

/// So many logs were searched.
pub fn searched(state: &mut State, ticket: u64, logs: usize) {
    if let Some(search) = search_of(state, ticket) {
        search.searched = logs;
    }
}

/// An answer to a search.
pub fn found(state: &mut State, ticket: u64, found: Found) {
    let current = state.run.as_ref().and_then(Run::current);
    let Some(search) = search_of(state, ticket) else {
        return;
    };
    // The newest are looked for, most of the time, and first of all those of the rank that is looked at.
    let of_current = |hit: &Hit| Some(&hit.process) == current.as_ref();
    let last = found.hits.len().saturating_sub(1);
    search.at = found.hits.iter().rposition(of_current).unwrap_or(last);
    search.searched = search.logs;
    search.found = Some(found);
}

fn search_of(state: &mut State, ticket: u64) -> Option<&mut Search> {
    let search = state.run.as_mut()?.found.as_mut()?;
    (search.ticket == ticket).then_some(search)
}

/// To the next hit, or the one before; in the merged view to the next line that matches.
pub fn step(state: &mut State, back: bool) {
    let Some(run) = &mut state.run else { return };
    let Some(pattern) = run.search.clone() else {
        let text = "nothing was searched for yet";
        return state.toasts.push(Level::Info, text, state.now);
    };
    if let Some(merged) = run.merged.as_mut().filter(|merged| merged.part.is_none()) {
        if !merged.search(&pattern, back) {
            let text = match back {
                true => "no hit above",
                false => "no hit below",
            };
            state.toasts.push(Level::Info, text, state.now);
        }
        return;
    }
    let Some(search) = run.found.as_mut().filter(|it| !it.hits().is_empty()) else {
        let text = format!("/{pattern}/ was not found in the logs");
        return state.toasts.push(Level::Info, text, state.now);
    };
    let count = search.hits().len();
    let to = match back {
        true => search.at.checked_sub(1),
        false => Some(search.at + 1).filter(|at| *at < count),
    };
    let Some(to) = to else {
        let text = match back {
            true => "this is the first hit",
            false => "this is the last hit",
        };
        return state.toasts.push(Level::Info, text, state.now);
    };
    search.at = to;
    let text = format!("hit {} of {count}", to + 1);
    state.toasts.push(Level::Info, text, state.now);
    go(state);
}

/// To the hit that is selected: in the merged view, else in its pane, else in its log.
pub fn go(state: &mut State) {
    let Some(run) = &mut state.run else { return };
    let Some(search) = &run.found else { return };
    let (at, hits) = (search.at, search.hits());
    let Some(hit) = hits.get(at) else { return };
    // A screen knows no places of a log: of several lines that say the same it is the one with as many behind it.
    let later = hits[at + 1..].iter();
    let same = |other: &&Hit| other.process == hit.process && other.line() == hit.line();
    let behind = later.filter(same).count();
    let hit = hit.clone();
    if let Some(merged) = run.merged.as_mut().filter(|merged| merged.part.is_none())
        && merged.find(&hit.process, hit.offset)
    {
        return;
    }
    run.go_to(&hit.process);
    run.focus = Focus::Pane;
    if let Some(pane) = run.pane(&hit.process)
        && !pane.has_work()
        && !pane.is_loading()
        && let Some(line) = line_of(&pane.screen, hit.line(), behind)
    {
        let rows = i32::from(pane.screen.size().rows);
        // Two thirds down, so that what led to it is seen.
        let top = line - rows * 2 / 3;
        let offset = usize::try_from(-top).unwrap_or(0);
        pane.screen.scroll_to(offset.min(pane.screen.history()));
        run.leave_merged();
        return;
    }
    let part = Part {
        process: hit.process,
        at: hit.offset,
        line: hit.number,
    };
    let effect = run.open_part(part);
    state.effects.extend(effect);
}

/// The line of a screen that shows this text and has so many like it below.
fn line_of(screen: &Screen, text: &str, behind: usize) -> Option<i32> {
    let text = text.trim_end();
    let fits = columns(text) <= screen.size().cols;
    let rows = i32::from(screen.size().rows);
    let first = -i32::try_from(screen.history()).unwrap_or(i32::MAX);
    let is_it = |line: &i32| {
        let shown = screen.line_text(*line);
        let shown = shown.trim_end();
        match fits {
            true => shown == text,
            // It is broken: this is its first row.
            false => !shown.is_empty() && screen.is_wrapped(*line) && text.starts_with(shown),
        }
    };
    (first..rows).rev().filter(is_it).nth(behind)
}
