//! What the mouse does on the compose screen.
//!
//! Goes by the same places as the drawing. What is being typed is taken first, or stays where it is wrong. Start at
//! [`clicked`] and [`wheel`].

use ratatui::layout::Position;

use super::{
    Focus,
    update::{self, select},
    view::{self, Pressed},
};
use crate::tui::{keymap::Action, state::State};

/// Rows that a turn of the wheel goes over.
const WHEEL: usize = 3;

/// The mouse was pressed.
pub fn clicked(state: &mut State, at: Position) {
    if update::is_first_minute(state) {
        return;
    }
    let places = view::places(state.places.body, state.compose.focus);
    let is_in = [places.tree, places.form, places.plan].map(|place| place.contains(at));
    if !is_in.contains(&true) {
        return;
    }
    let typed_into = state.compose.field;
    if state.compose.editing.is_some() {
        if let Some((field, _)) = view::field_at(state, places.form, at)
            && field == typed_into
        {
            return;
        }
        update::accept(state);
        if state.compose.editing.is_some() {
            return;
        }
    }
    if let Some(node) = view::row_at(state, places.tree, at) {
        let again = state.compose.focus == Focus::Tree && state.compose.at == node;
        state.compose.focus = Focus::Tree;
        select(state, node);
        if again {
            update::fold(state, Action::Toggle);
        }
    } else if let Some((field, part)) = view::field_at(state, places.form, at) {
        let again = state.compose.focus == Focus::Form && state.compose.field == field;
        state.compose.focus = Focus::Form;
        state.compose.field = field;
        match part {
            Pressed::Word(by) => update::step_selected(state, by),
            Pressed::Arrow(by) => update::step_selected(state, by),
            Pressed::Rest if again => {
                update::act(state, Action::Enter);
            }
            Pressed::Rest => {}
        }
    } else if places.plan.contains(at) {
        state.compose.focus = Focus::Plan;
    }
}

/// The wheel was turned: what it is over moves, and what is selected stays selected.
pub fn wheel(state: &mut State, at: Position, up: bool) {
    let places = view::places(state.places.body, state.compose.focus);
    let by = |from: usize| match up {
        true => from.saturating_sub(WHEEL),
        false => from + WHEEL,
    };
    if places.plan.contains(at) {
        state.compose.scroll = by(state.compose.scroll);
    } else if places.tree.contains(at) && state.compose.editing.is_none() {
        let action = if up { Action::Up } else { Action::Down };
        for _ in 0..WHEEL {
            update::in_tree(state, action);
        }
    } else if places.form.contains(at) && state.compose.editing.is_none() {
        let last = update::fields(state).len().saturating_sub(1);
        state.compose.field = by(state.compose.field).min(last);
    }
}
