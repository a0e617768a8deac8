//! What keys do on the hosts screen.
//!
//! Start at [`act`]; [`settle`] counts anew who is where, when that has changed.

use ratatui::layout::Position;

use super::{Board, Part, view, why};
use crate::{
    model::{event::Level, ids::Selector},
    tui::{
        compose,
        keymap::Action,
        overlay::{self, For, Overlay},
        run,
        state::{State, Tab},
    },
};

/// Does what a key means here. False: nothing.
pub fn act(state: &mut State, action: Action) -> bool {
    match action {
        Action::NewHost => {
            state.tab = Tab::Compose;
            return compose::update::act(state, action);
        }
        Action::Search | Action::Filter => {
            let filter = state.hosts.filter.clone();
            state.overlays.push(Overlay::prompt(For::Narrow, &filter));
        }
        Action::Back if state.hosts.part == Part::Ranks => state.hosts.part = Part::Hosts,
        Action::Back if !state.hosts.filter.is_empty() => state.hosts.filter.clear(),
        Action::Why => explain(state),
        Action::Enter => go_there(state),
        Action::NextFocus | Action::PrevFocus => {
            state.hosts.part = match state.hosts.part {
                Part::Hosts => Part::Ranks,
                Part::Ranks => Part::Hosts,
            };
        }
        Action::Left => state.hosts.part = Part::Hosts,
        Action::Right => state.hosts.part = Part::Ranks,
        _ => return step(state, action),
    }
    true
}

/// Shows only hosts with this in their name; empty: all.
pub fn narrow(state: &mut State, filter: &str) {
    filter.clone_into(&mut state.hosts.filter);
}

fn step(state: &mut State, action: Action) -> bool {
    let areas = view::areas(state, state.places.body);
    let look = &state.hosts;
    let Some((at, host)) = look.current() else {
        return false;
    };
    let (at, length, height) = match look.part {
        Part::Hosts => (at, look.shown().len(), view::list_rows(areas.list).height),
        Part::Ranks => (
            look.row.min(host.ranks.len().saturating_sub(1)),
            host.ranks.len(),
            areas.ranks.height.saturating_sub(2),
        ),
    };
    let page = isize::from(i16::try_from(height.max(2) - 1).unwrap_or(i16::MAX));
    let by = match action {
        Action::Up => -1,
        Action::Down => 1,
        Action::PageUp => -page,
        Action::PageDown => page,
        Action::Home => isize::MIN / 2,
        Action::End => isize::MAX / 2,
        _ => return false,
    };
    let to = at.saturating_add_signed(by).min(length.saturating_sub(1));
    match look.part {
        Part::Hosts => select(state, to),
        Part::Ranks => state.hosts.row = to,
    }
    true
}

fn select(state: &mut State, at: usize) {
    let name = state.hosts.shown().get(at).map(|host| host.name.clone());
    if name.is_some() && name != state.hosts.selected {
        state.hosts.selected = name;
        state.hosts.row = 0;
    }
}

fn explain(state: &mut State) {
    let Some((_, host)) = state.hosts.current() else {
        return;
    };
    let title = format!("{}: is it used, and why not", host.name);
    let lines = why::lines(state, host);
    overlay::update::tell(state, title, lines);
}

/// To the run, at the ranks that are there.
fn go_there(state: &mut State) {
    let look = &state.hosts;
    let Some((_, host)) = look.current() else {
        return;
    };
    let row = match look.part {
        Part::Hosts => host.ranks.first(),
        Part::Ranks => host
            .ranks
            .get(look.row.min(host.ranks.len().saturating_sub(1))),
    };
    // Where all of the run is here, all of it is meant.
    let whole = host.is_all && look.part == Part::Hosts;
    let to = row.map(|row| match whole {
        true => Selector::group(row.group.clone()),
        false => row.selector(),
    });
    let name = host.name.clone();
    let Some(run) = &mut state.run else {
        state.tab = Tab::Compose;
        return;
    };
    let Some(to) = to else {
        let text = format!("no rank was started on {name}");
        return state.toasts.push(Level::Info, text, state.now);
    };
    run.merged = None;
    run.zoom = false;
    run.focus = run::Focus::Tree;
    run.tree.select(to, &run.facts);
    state.tab = Tab::Run;
}

/// A click selects a host, or ranks of it; one on what is selected goes there.
pub fn clicked(state: &mut State, at: Position) {
    let areas = view::areas(state, state.places.body);
    let rows = view::list_rows(areas.list);
    let ranks = crate::tui::widget::panel::Panel::inner(areas.ranks);
    let Some((selected, host)) = state.hosts.current() else {
        return;
    };
    if rows.contains(at) {
        let length = state.hosts.shown().len();
        let first = run::view::scrolled(selected, length, usize::from(rows.height));
        let row = first + usize::from(at.y - rows.y);
        state.hosts.part = Part::Hosts;
        match row == selected {
            true => go_there(state),
            false => select(state, row),
        }
    } else if ranks.contains(at) {
        let length = host.ranks.len();
        let current = state.hosts.row.min(length.saturating_sub(1));
        let first = run::view::scrolled(current, length, usize::from(ranks.height));
        let row = first + usize::from(at.y - ranks.y);
        if row >= length {
            return;
        }
        let again = state.hosts.part == Part::Ranks && row == current;
        state.hosts.part = Part::Ranks;
        state.hosts.row = row;
        if again {
            go_there(state);
        }
    }
}

/// Counts anew who is where, when that is looked at and has changed.
pub fn settle(state: &mut State) {
    if state.tab != Tab::Hosts {
        return;
    }
    match &state.run {
        Some(run) if !run.facts.hosts.is_empty() => {
            if !state.hosts.board.is_of(run) {
                state.hosts.board = Board::of_run(run, &state.aliases);
            }
        }
        _ => {
            compose::update::keep_planned(state);
            state.hosts.board = match &state.compose.planning.plan {
                Some(plan) => Board::of_plan(plan, &state.draft.session),
                None => Board::default(),
            };
        }
    }
}
