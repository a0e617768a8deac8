//! The mouse over panes: what of it programs get.
//!
//! Owns who got the press of a button, so that it gets the release too. What no program wants stays with the screens.
//! Start at [`for_program`].

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use super::{Focus, State};
use crate::{
    model::ids::ProcessId,
    term::{self, MouseAction, keys},
    tui::message::Effect,
};

/// What a program is to be told of this; none: nobody asked for it. With shift held the mouse is always that of the
/// screens.
pub fn for_program(run: &mut State, event: &MouseEvent) -> Option<Effect> {
    let action = action_of(event.kind)?;
    let at = Position::new(event.column, event.row);
    let holds_on = matches!(action, MouseAction::Release(_) | MouseAction::Drag(_));
    let process = match (run.grabbed.clone(), holds_on) {
        (Some(process), true) => process,
        (None, true) => return None,
        (_, false) => under(run, at)?,
    };
    let is_release = matches!(action, MouseAction::Release(_));
    if is_release {
        run.grabbed = None;
    }
    if event.modifiers.contains(KeyModifiers::SHIFT) && !is_release {
        return None;
    }
    // The first click on a pane only selects it.
    let is_press = matches!(action, MouseAction::Press(_));
    if is_press && run.selected() != Some(super::selector_of(&process)) {
        return None;
    }
    if run.facts.rank(&process).is_some_and(|rank| rank.muted) {
        return None;
    }
    let (pane, tile) = run.panes.iter().find(|(pane, _)| pane.process == process)?;
    // Who looks at what has scrolled away scrolls back with the wheel.
    if pane.screen.offset() > 0 {
        return None;
    }
    let inside = inside(*tile);
    let size = pane.screen.size();
    let with = |modifier| event.modifiers.contains(modifier);
    let told = term::MouseEvent {
        action,
        row: at.y.saturating_sub(inside.y).min(size.rows - 1),
        col: at.x.saturating_sub(inside.x).min(size.cols - 1),
        mods: keys::Mods {
            shift: false,
            alt: with(KeyModifiers::ALT),
            ctrl: with(KeyModifiers::CONTROL),
        },
    };
    let bytes = keys::mouse(told, &pane.screen.modes());
    let effect = run.answer(&process, bytes)?;
    if is_press {
        run.grabbed = Some(process);
        run.focus = Focus::Pane;
    }
    Some(effect)
}

/// The process within whose picture this is.
fn under(run: &State, at: Position) -> Option<ProcessId> {
    let mut panes = run.panes.iter();
    let found = panes.find(|(_, tile)| inside(*tile).contains(at));
    found.map(|(pane, _)| pane.process.clone())
}

/// A pane without its border.
fn inside(tile: Rect) -> Rect {
    Rect {
        x: tile.x + 1,
        y: tile.y + 1,
        width: tile.width.saturating_sub(2),
        height: tile.height.saturating_sub(2),
    }
}

fn action_of(kind: MouseEventKind) -> Option<MouseAction> {
    let button = |button| match button {
        MouseButton::Left => term::MouseButton::Left,
        MouseButton::Middle => term::MouseButton::Middle,
        MouseButton::Right => term::MouseButton::Right,
    };
    Some(match kind {
        MouseEventKind::Down(it) => MouseAction::Press(button(it)),
        MouseEventKind::Up(it) => MouseAction::Release(button(it)),
        MouseEventKind::Drag(it) => MouseAction::Drag(button(it)),
        MouseEventKind::Moved => MouseAction::Move,
        MouseEventKind::ScrollUp => MouseAction::WheelUp,
        MouseEventKind::ScrollDown => MouseAction::WheelDown,
        MouseEventKind::ScrollLeft => MouseAction::WheelLeft,
        MouseEventKind::ScrollRight => MouseAction::WheelRight,
    })
}
