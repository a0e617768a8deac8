//! How the compose screen is drawn.
//!
//! Reads the state, changes nothing. Owns where its three parts are ([`places`]), which the mouse goes by too. Start at
//! [`draw`].

mod form;
mod plan;
mod tree;

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::{Line, Span},
};

use super::{Focus, update};
use crate::tui::{
    state::State,
    theme::Theme,
    widget::text::{columns, put_line},
};

pub use self::{
    form::{Pressed, field_at},
    plan::end as plan_end,
    tree::row_at,
};

/// From this width on the plan stands beside the form.
const WIDE: u16 = 110;

/// Below this width there is only room for one part.
const NARROW: u16 = 60;

/// Where the three parts are; empty: not shown now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Places {
    /// The tree.
    pub tree: Rect,
    /// The fields.
    pub form: Rect,
    /// The plan.
    pub plan: Rect,
}

/// Divides the screen.
pub fn places(area: Rect, focus: Focus) -> Places {
    let nowhere = Rect { width: 0, ..area };
    let mut places = Places {
        tree: nowhere,
        form: nowhere,
        plan: nowhere,
    };
    if area.width < NARROW {
        match focus {
            Focus::Tree => places.tree = area,
            Focus::Form => places.form = area,
            Focus::Plan => places.plan = area,
        }
        return places;
    }
    let tree = (area.width / 4).clamp(26, 40);
    let plan = match area.width {
        WIDE.. => (area.width / 4).clamp(30, 46),
        _ => 0,
    };
    places.tree = Rect {
        width: tree,
        ..area
    };
    let middle = Rect {
        x: area.x + tree,
        width: area.width - tree - plan,
        ..area
    };
    if plan > 0 {
        places.plan = Rect {
            x: middle.right(),
            width: plan,
            ..area
        };
    }
    match focus {
        Focus::Plan if plan == 0 => places.plan = middle,
        _ => places.form = middle,
    }
    places
}

/// Draws the screen; says where the cursor is to stand.
pub fn draw(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) -> Option<Position> {
    if update::is_first_minute(state) {
        first_minute(theme, area, buffer);
        return None;
    }
    let places = places(area, state.compose.focus);
    tree::draw(state, theme, places.tree, buffer);
    plan::draw(state, theme, places.plan, buffer);
    form::draw(state, theme, places.form, buffer)
}

/// Three things to press, and nothing else.
fn first_minute(theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let lines = [
        ("n", "compose a group of processes"),
        ("o", "open a session"),
        ("e", "run the example"),
    ];
    let width = lines.iter().map(|(_, words)| columns(words) + 4).max();
    let x = area.x + area.width.saturating_sub(width.unwrap_or(0)) / 2;
    let y = area.y + area.height.saturating_sub(5) / 3;
    for ((key, words), row) in lines.iter().zip(0u16..) {
        let y = y + row * 2;
        if y >= area.bottom() {
            return;
        }
        let line = Line::from(vec![
            Span::styled(*key, theme.key),
            Span::styled(format!("   {words}"), theme.text),
        ]);
        put_line(buffer, x, y, area.right().saturating_sub(x), &line);
    }
}
