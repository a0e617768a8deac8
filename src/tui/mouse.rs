//! What the mouse does.
//!
//! Goes by the same places as the drawing. Start at [`update`].

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::{buffer::Buffer, layout::Position};

use super::{
    compose, hosts,
    keymap::Action,
    overlay, queues, run, runs,
    state::{State, Tab},
    theme::Theme,
    update::perform,
    view,
};
use crate::tui::run::Focus;

/// Lines that a turn of the wheel scrolls.
const WHEEL: usize = 3;

/// Takes in what the mouse did.
pub fn update(state: &mut State, event: &MouseEvent) {
    let at = Position::new(event.column, event.row);
    if state.overlays.is_empty()
        && state.tab == Tab::Run
        && let Some(run) = &mut state.run
        && let Some(effect) = run::pointer::for_program(run, event)
    {
        return state.effect(effect);
    }
    match event.kind {
        MouseEventKind::ScrollUp => wheel(state, at, true),
        MouseEventKind::ScrollDown => wheel(state, at, false),
        MouseEventKind::Down(MouseButton::Left) if state.overlays.is_empty() => click(state, at),
        MouseEventKind::Down(MouseButton::Left) => overlay::update::clicked(state, at),
        MouseEventKind::Drag(MouseButton::Left) => drag(state, at),
        MouseEventKind::Up(MouseButton::Left) => release(state),
        _ => {}
    }
}

/// What the mouse is dragged over will be copied.
fn drag(state: &mut State, at: Position) {
    let panes = state.places.panes;
    let Some(run) = state.run.as_mut().filter(|_| state.tab == Tab::Run) else {
        return;
    };
    if let Some(merged) = &mut run.merged {
        let height = usize::from(panes.height.saturating_sub(2));
        let row = usize::from(at.y.saturating_sub(panes.y + 1));
        merged.drag(row, height);
    } else {
        run::copying::drag(run, at);
    }
}

fn release(state: &mut State) {
    let merged = state.run.as_mut().and_then(|run| run.merged.as_mut());
    let Some(merged) = merged else {
        return run::copying::release(state);
    };
    if merged.release() {
        run::copying::copy(state);
    }
}

fn wheel(state: &mut State, at: Position, up: bool) {
    let action = if up { Action::Up } else { Action::Down };
    if state.overlays.is_empty()
        && state.tab == Tab::Run
        && let Some(run) = &mut state.run
        && run.merged.is_none()
        && let Some((pane, _)) = run.panes.iter_mut().find(|(_, area)| area.contains(at))
    {
        let offset = pane.screen.offset();
        let to = match up {
            true => offset + WHEEL,
            false => offset.saturating_sub(WHEEL),
        };
        pane.screen.scroll_to(to.min(pane.screen.history()));
        return;
    }
    if state.overlays.is_empty() && state.tab == Tab::Compose {
        return compose::pointer::wheel(state, at, up);
    }
    let height = usize::from(state.places.panes.height.saturating_sub(2)).max(1);
    if state.overlays.is_empty()
        && state.tab == Tab::Run
        && let Some(merged) = state.run.as_mut().and_then(|run| run.merged.as_mut())
    {
        let by = WHEEL as isize;
        return merged.wheel(if up { -by } else { by }, height);
    }
    for _ in 0..WHEEL {
        perform(state, action);
    }
}

fn click(state: &mut State, at: Position) {
    if state.places.top.contains(at) {
        match tab_at(state, at.x) {
            Some(Tab::Runs) => runs::update::show(state),
            Some(tab) => state.tab = tab,
            None => {}
        }
        return;
    }
    if state.places.time.contains(at) {
        let end = runs::update::past(state).map_or(0.0, |past| past.end);
        let track = runs::view::track(state, state.places.time, end);
        // Beside it are the second and the keys.
        if !track.contains(at) {
            return;
        }
        let column = at.x.saturating_sub(track.x);
        return runs::update::go(state, runs::second_at(column, end, track.width));
    }
    if state.tab == Tab::Compose {
        return compose::pointer::clicked(state, at);
    }
    if state.tab == Tab::Queues {
        return queues::update::clicked(state, at);
    }
    if state.tab == Tab::Hosts {
        return hosts::update::clicked(state, at);
    }
    if state.tab == Tab::Runs {
        return click_run(state, at);
    }
    if state.tab != Tab::Run {
        return;
    }
    let tree = state.places.tree;
    let panes = state.places.panes;
    let Some(run) = &mut state.run else { return };
    run::copying::press(run, at);
    if let Some(merged) = &mut run.merged
        && panes.contains(at)
    {
        let height = usize::from(panes.height.saturating_sub(2));
        return merged.press(usize::from(at.y.saturating_sub(panes.y + 1)), height);
    }
    if let Some((pane, _)) = run.panes.iter().find(|(_, area)| area.contains(at)) {
        let process = pane.process.clone();
        run.retarget(&process);
        run.go_to(&process);
        run.focus = Focus::Pane;
    } else if tree.contains(at) && at.y > tree.y && at.y + 1 < tree.bottom() {
        let height = usize::from(tree.height - 2);
        let rows = run.tree.rows(&run.facts);
        let selected = run.selected();
        let selected = selected.and_then(|selected| rows.position(&selected));
        let first = run::view::scrolled(selected.unwrap_or(0), rows.len(), height);
        if let Some(row) = rows.get(first + usize::from(at.y - tree.y - 1)) {
            let what = row.what.clone();
            if Some(&what) == run.selected().as_ref() && what.rank.is_none() {
                run.tree.turn(&what);
            }
            run.tree.select_row(what);
            run.focus = Focus::Tree;
        }
    }
}

/// A click selects a past run, one on the selected run opens it.
fn click_run(state: &mut State, at: Position) {
    let (rows, _) = runs::view::rows_of(state, state.places.body);
    if state.runs.compared.is_some() || !rows.contains(at) {
        return;
    }
    let selected = state.runs.current().map_or(0, |(at, _)| at);
    let shown = state.runs.shown();
    let first = run::view::scrolled(selected, shown.len(), usize::from(rows.height));
    let row = first + usize::from(at.y - rows.y);
    let Some(id) = shown.get(row).map(|run| run.id.clone()) else {
        return;
    };
    match row == selected {
        true => perform(state, Action::OpenRun),
        false => state.runs.selected = Some(id),
    }
}

fn tab_at(state: &State, x: u16) -> Option<Tab> {
    let top = state.places.top;
    let mut buffer = Buffer::empty(top);
    let places = view::top(state, &Theme::bare("", state.glyphs), top, &mut buffer);
    let at = Position::new(x, top.y);
    let index = places.iter().position(|area| area.contains(at))?;
    Tab::ALL.get(index).copied()
}
