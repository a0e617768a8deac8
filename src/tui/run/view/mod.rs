//! How a run is drawn.
//!
//! Owns the division of the work: the `tree` at the left, a `pane` each at the right, or their lines `merged`. Reads the
//! state, changes nothing. Start at [`draw`].

pub mod hints;
mod merged;
mod pane;
mod tree;

use std::time::Duration;

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
};

pub use self::tree::scrolled;
use super::State as Run;
use crate::{
    model::lifecycle::ExitStatus,
    tui::{
        facts::Rank,
        keymap::Action,
        state::State,
        theme::Theme,
        widget::{
            format,
            panel::Panel,
            text::{self, columns as width},
        },
    },
};

/// Writes into an area of one line.
fn put(buffer: &mut Buffer, area: Rect, shown: &str, style: Style) {
    if !area.is_empty() {
        text::put(buffer, area.x, area.y, area.width, shown, style);
    }
}

/// Bytes with their unit.
fn amount(bytes: u64) -> String {
    let number = format::bytes(bytes);
    match number.find(|c: char| c.is_ascii_alphabetic()) {
        Some(at) => format!("{} {}B", &number[..at], &number[at..]),
        None => format!("{number} B"),
    }
}

/// Seconds of the run as a clock.
fn clock(seconds: f64) -> String {
    format::clock(Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default())
}

/// Things in words: `1 group`, `3 groups`.
fn things(number: u64, name: &str) -> String {
    match (number, name.strip_suffix('s')) {
        (1, _) => format!("1 {name}"),
        (_, Some(_)) => format!("{number} {name}es"),
        _ => format!("{number} {name}s"),
    }
}

/// Draws, and says where the cursor is to stand, if anywhere.
pub fn draw(state: &State, theme: &Theme, buffer: &mut Buffer) -> Option<Position> {
    let Some(run) = &state.run else {
        nothing_runs(state, theme, state.places.body, buffer);
        return None;
    };
    let places = &state.places;
    tree::draw(run, theme, places, buffer);
    queues(run, theme, places.queues, buffer);
    if run.merged.is_some() {
        merged::draw(state, run, theme, places.panes, buffer);
        return None;
    }
    let current = run.current();
    let mut cursor = None;
    for (pane, area) in &run.panes {
        let is_current = current.as_ref() == Some(&pane.process);
        let at = pane::draw(state, run, pane, *area, is_current, theme, buffer);
        cursor = cursor.or(at);
    }
    if run.panes.is_empty() && !places.panes.is_empty() {
        let text = "nothing is selected";
        centred(text, theme.dim, places.panes, buffer);
    }
    cursor
}

fn centred(text: &str, style: Style, area: Rect, buffer: &mut Buffer) {
    let x = area.x + area.width.saturating_sub(width(text)) / 2;
    put(
        buffer,
        Rect::new(
            x,
            area.y + area.height / 2,
            area.right().saturating_sub(x),
            1,
        ),
        text,
        style,
    );
}

/// What a user sees who has not started anything.
fn nothing_runs(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let mut lines: Vec<(String, Style)> = Vec::new();
    if state.draft.session.groups.is_empty() {
        lines.push(("nothing is composed yet".to_owned(), theme.title));
        lines.push((String::new(), theme.text));
        let line = |action, words| (format!("{}  {words}", state.key_here(action)), theme.text);
        lines.push(line(Action::ShowCompose, "compose a group of processes"));
        lines.push(line(Action::Open, "open a session"));
    } else {
        let ranks = state.draft.session.process_count();
        let groups = state.draft.session.groups.len();
        lines.push((state.draft.name(), theme.title));
        lines.push((
            format!(
                "{} in {}",
                things(ranks, "process"),
                things(groups as u64, "group")
            ),
            theme.dim,
        ));
        lines.push((String::new(), theme.text));
        let key = state.key_here(Action::Start);
        lines.push((format!("{key}  start it"), theme.accent));
        let key = state.key_here(Action::ShowCompose);
        let text = format!("{key}  look at how it is composed, or change it");
        lines.push((text, theme.text));
    }
    let key = state.key_here(Action::Help);
    lines.push((format!("{key}  every key"), theme.text));
    let widest = lines.iter().map(|(text, _)| width(text)).max().unwrap_or(0);
    let x = area.x + area.width.saturating_sub(widest) / 2;
    let y = area.y + area.height.saturating_sub(lines.len() as u16) / 2;
    for (row, (text, style)) in (0..).zip(lines) {
        let line = Rect::new(x, y + row, widest, 1).intersection(area);
        put(buffer, line, &text, style);
    }
}

/// Whether it ended well, if it ended by itself.
fn state_of(rank: &Rank) -> Option<bool> {
    match &rank.status {
        _ if rank.failure => Some(false),
        Some(ExitStatus::Code(0)) => Some(true),
        _ => None,
    }
}

/// The queues in small, below the tree.
fn queues(run: &Run, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    if area.height < 3 {
        return;
    }
    let inside = Panel::new("queues").draw(buffer, area, theme);
    let shown = run.queues.queues.values().take(usize::from(inside.height));
    for (row, queue) in (0u16..).zip(shown) {
        let line = Rect::new(inside.x, inside.y + row, inside.width, 1);
        crate::tui::queues::view::small(queue, line, theme, buffer);
    }
}
