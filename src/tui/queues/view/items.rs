//! The items of the selected queue, as they were when they were looked at.

use std::time::Duration;

use ratatui::{buffer::Buffer, layout::Rect};

use super::key;
use crate::tui::{
    keymap::{Action, Context},
    queues::{Part, Peeked, item},
    run,
    state::State,
    theme::Theme,
    widget::{
        format, list,
        panel::Panel,
        text::{columns, put, put_cut},
    },
};

/// Draws them.
pub fn draw(state: &State, run: &run::State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    if area.height < 3 {
        return;
    }
    let focused = run.look.part == Part::Items;
    let Some(peeked) = &run.look.peeked else {
        let inside = Panel::new("items")
            .focused(focused)
            .draw(buffer, area, theme);
        let text = match run.is_live() {
            true => format!(
                "{} looks at the items without taking them",
                key(state, Context::Queues, Action::Peek)
            ),
            false => "the run is over: its queues are gone".to_owned(),
        };
        put_cut(
            buffer,
            inside.x,
            inside.y,
            inside.width,
            &text,
            theme.dim,
            theme.glyphs,
        );
        return;
    };
    let height = usize::from(area.height - 2);
    let first = run.look.first.min(peeked.depth.saturating_sub(height));
    let age = run.seconds(state.now) - peeked.at;
    let panel = Panel::new(peeked.queue.clone())
        .about("items, the next one to be got first")
        .focused(focused)
        .footer(footer(peeked, first, height, age));
    let mut inside = panel.draw(buffer, area, theme);
    if peeked.depth == 0 {
        put(
            buffer,
            inside.x,
            inside.y,
            inside.width,
            "it was empty",
            theme.dim,
        );
        return;
    }
    if peeked.depth > height && inside.width > 1 {
        let bar = Rect {
            x: inside.right() - 1,
            width: 1,
            ..inside
        };
        list::scroll_bar(buffer, bar, first, peeked.depth, theme);
        inside.width -= 1;
    }
    let digits = columns(&peeked.depth.to_string()).max(3);
    for (index, y) in (first..peeked.depth).zip(inside.top()..inside.bottom()) {
        let number = format!("{:>width$}  ", index + 1, width = usize::from(digits));
        let line = Rect { y, ..inside };
        let used = put(buffer, line.x, y, line.width, &number, theme.dim);
        let known = index
            .checked_sub(peeked.from)
            .and_then(|at| peeked.items.get(at));
        let Some(known) = known else {
            let rest = line.width - used;
            put(
                buffer,
                line.x + used,
                y,
                rest,
                theme.glyphs.ellipsis,
                theme.dim,
            );
            continue;
        };
        let (kind, text) = item::describe(known, theme.glyphs);
        let waited = Duration::from_millis(known.age_ms);
        let facts = format!(
            "{kind:<6} {:>5}  {:>6}  ",
            format::bytes(known.len),
            format::age(waited)
        );
        let at = used
            + put(
                buffer,
                line.x + used,
                y,
                line.width - used,
                &facts,
                theme.dim,
            );
        put_cut(
            buffer,
            line.x + at,
            y,
            line.width - at,
            &text,
            theme.text,
            theme.glyphs,
        );
    }
}

/// `1-20 of 5000, 12 s ago`.
fn footer(peeked: &Peeked, first: usize, height: usize, age: f64) -> String {
    let when = match age {
        ..1.0 => "just now".to_owned(),
        age => {
            let age = Duration::try_from_secs_f64(age).unwrap_or_default();
            format!("{} ago", format::age(age))
        }
    };
    let last = (first + height).min(peeked.depth);
    match peeked.depth {
        0 => when,
        depth => format!("{}-{last} of {depth}, {when}", first + 1),
    }
}
