//! The fields of what is selected, each with what is wrong with it.

use std::borrow::Cow;

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
};

use super::tree::heading;
use crate::{
    model::session::{Part, Problem},
    tui::{
        compose::{
            Focus,
            form::{
                Field, Shown,
                spec::{Complete, Kind},
            },
            node::Node,
            update,
        },
        overlay::view::wrapped,
        run::view::scrolled,
        state::State,
        theme::Theme,
        widget::{
            choice, list,
            panel::Panel,
            text::{columns, cut_left, put, put_cut},
        },
    },
};

/// Columns of the names of fields.
const LABEL: u16 = 10;

/// A line of the form.
enum Line {
    Section(&'static str),
    Field(usize),
    /// What is wrong with the field above; whether it is an error.
    Wrong(String, bool),
}

/// What is drawn, line after line.
fn lines(state: &State, fields: &[Field], width: u16) -> Vec<Line> {
    let node = &state.compose.at;
    let mut wrong: Vec<Vec<(String, bool)>> = vec![Vec::new(); fields.len()];
    for problem in state
        .compose
        .wrong()
        .filter(|problem| node.has(problem) && has_place(node, problem))
    {
        if let Some(list) = wrong.get_mut(field_of(node, fields, problem)) {
            let said = (problem.message.clone(), problem.is_error());
            if !list.contains(&said) {
                list.push(said);
            }
        }
    }
    let mut lines = Vec::new();
    for (index, (field, wrong)) in fields.iter().zip(wrong).enumerate() {
        if !field.spec.section.is_empty() {
            lines.push(Line::Section(field.spec.section));
        }
        lines.push(Line::Field(index));
        let typing = state
            .compose
            .editing
            .as_ref()
            .filter(|_| index == state.compose.field);
        let typed = typing.and_then(|editing| editing.problem.clone());
        let typed = typed.map(|problem| (problem, true));
        // What is being mended need not be complained of.
        let shown = match typing {
            Some(_) => typed.into_iter().collect(),
            None => wrong,
        };
        for (message, is_error) in shown {
            let broken = wrapped(&message, width.saturating_sub(LABEL + 5));
            for (row, text) in broken.into_iter().take(3).enumerate() {
                let mark = if row == 0 { "" } else { "  " };
                lines.push(Line::Wrong(format!("{mark}{text}"), is_error));
            }
        }
    }
    lines
}

/// An empty session has nothing to run: who composes it knows.
fn has_place(node: &Node, problem: &Problem) -> bool {
    *node != Node::Session || problem.is_error()
}

/// The field that a problem is about; the first one, where it is about all of it.
fn field_of(node: &Node, fields: &[Field], problem: &Problem) -> usize {
    let skip = node.path().parts().len();
    let inner: Vec<&str> = problem
        .path
        .parts()
        .iter()
        .skip(skip)
        .filter_map(|part| match part {
            Part::Name(name) => Some(&**name),
            Part::Index(_) => None,
        })
        .collect();
    let key = |field: &Field| field.spec.key.split('.').collect::<Vec<_>>();
    let exact = |field: &Field| !field.spec.key.is_empty() && inner.starts_with(&key(field));
    if let Some(at) = fields.iter().position(exact) {
        return at;
    }
    // A place that is refused: what was asked for says which wish it is.
    let wish = match problem.message.split_once("asked for") {
        Some((_, asked)) if asked.contains("GPU") || asked.contains("gpu") => "policy.gpus",
        Some((_, asked)) if asked.contains("cpu") => "policy.cpus",
        _ => "",
    };
    let found = fields.iter().position(|field| field.spec.key == wish);
    found
        .filter(|_| inner == ["policy"] && !wish.is_empty())
        .or_else(|| {
            fields
                .iter()
                .position(|field| !inner.is_empty() && key(field).starts_with(&inner))
        })
        .unwrap_or(0)
}

/// The lines that are seen, and their places.
fn layout(state: &State, fields: &[Field], inside: Rect) -> (Vec<Line>, usize, Rect) {
    let about = match inside.height {
        14.. => 3,
        8.. => 2,
        _ => 0,
    };
    let rows = Rect {
        height: inside.height - about,
        ..inside
    };
    let lines = lines(state, fields, inside.width);
    let at = lines
        .iter()
        .position(|line| matches!(line, Line::Field(index) if *index == state.compose.field))
        .unwrap_or(0);
    let first = scrolled(at, lines.len(), usize::from(rows.height));
    let first = list::keep_visible(first, at, lines.len(), rows.height);
    (lines, first, rows)
}

/// Draws the form; says where the cursor is to stand.
pub fn draw(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) -> Option<Position> {
    if area.is_empty() {
        return None;
    }
    let node = &state.compose.at;
    let focused = state.compose.focus == Focus::Form;
    let title = node.title(&state.draft.session);
    let inside = Panel::new(title).focused(focused).draw(buffer, area, theme);
    let fields = update::fields(state);
    if fields.is_empty() {
        let mut y = inside.y;
        for line in heading(node) {
            let text = line.to_string();
            for part in wrapped(&text, inside.width.saturating_sub(2)) {
                if y < inside.bottom() {
                    put(
                        buffer,
                        inside.x + 1,
                        y,
                        inside.width.saturating_sub(1),
                        &part,
                        theme.dim,
                    );
                }
                y += 1;
            }
        }
        return None;
    }
    let (lines, first, rows) = layout(state, &fields, inside);
    let scrolls = lines.len() > usize::from(rows.height) && rows.width > 1;
    let width = rows.width.saturating_sub(u16::from(scrolls));
    let mut cursor = None;
    for (line, y) in lines.iter().skip(first).zip(rows.top()..rows.bottom()) {
        let row = Rect::new(rows.x, y, width, 1);
        match line {
            Line::Section(name) => {
                let used = put(
                    buffer,
                    row.x + 1,
                    y,
                    row.width.saturating_sub(1),
                    name,
                    theme.dim,
                );
                let x = row.x + used + 2;
                let rule = theme.glyphs.border.horizontal;
                let left = usize::from(row.right().saturating_sub(x + 1));
                put(buffer, x, y, left as u16, &rule.repeat(left), theme.border);
            }
            Line::Field(index) => {
                let selected = *index == state.compose.field.min(fields.len() - 1);
                if let Some(field) = fields.get(*index) {
                    let at = draw_field(state, field, selected && focused, theme, row, buffer);
                    cursor = cursor.or(at);
                }
            }
            Line::Wrong(text, is_error) => {
                let (sign, style) = match is_error {
                    true => (theme.glyphs.failed, theme.error),
                    false => (theme.glyphs.warning, theme.warning),
                };
                let x = row.x + LABEL + 2;
                if !text.starts_with("  ") {
                    put(buffer, x, y, 1, sign, style);
                }
                let room = row.right().saturating_sub(x + 2);
                put_cut(
                    buffer,
                    x + 2,
                    y,
                    room,
                    text.trim_start(),
                    style,
                    theme.glyphs,
                );
            }
        }
    }
    if scrolls {
        let bar = Rect {
            x: rows.right().saturating_sub(1),
            width: 1,
            ..rows
        };
        list::scroll_bar(buffer, bar, first, lines.len(), theme);
    }
    about(state, &fields, theme, rows, inside, buffer);
    cursor
}

/// A sentence about the selected field, below.
fn about(
    state: &State,
    fields: &[Field],
    theme: &Theme,
    rows: Rect,
    inside: Rect,
    buffer: &mut Buffer,
) {
    let height = inside.bottom() - rows.bottom();
    let Some(field) = fields.get(state.compose.field).filter(|_| height > 0) else {
        return;
    };
    let width = inside.width.saturating_sub(2);
    let chooses = state.compose.editing.is_some() && field.spec.complete != Complete::Nothing;
    let sentence = match chooses {
        true => format!("{}; tab chooses", field.spec.about),
        false => field.spec.about.to_owned(),
    };
    let parts = wrapped(&sentence, width);
    let from = rows.bottom() + u16::from(height > 2);
    for (part, y) in parts.iter().zip(from..inside.bottom()) {
        put_cut(
            buffer,
            inside.x + 1,
            y,
            width,
            part,
            theme.dim,
            theme.glyphs,
        );
    }
}

fn draw_field(
    state: &State,
    field: &Field,
    selected: bool,
    theme: &Theme,
    row: Rect,
    buffer: &mut Buffer,
) -> Option<Position> {
    let label = match selected {
        true => theme.title.patch(theme.accent),
        false => theme.dim,
    };
    if selected {
        put(buffer, row.x, row.y, 1, theme.glyphs.selected, theme.accent);
    }
    put_cut(
        buffer,
        row.x + 1,
        row.y,
        LABEL,
        field.spec.label,
        label,
        theme.glyphs,
    );
    let place = value_of(row);
    if place.is_empty() {
        return None;
    }
    let editing = state.compose.editing.as_ref().filter(|_| selected);
    let value = match selected {
        true => theme.title,
        false => theme.text,
    };
    match field.shown() {
        Shown::Choice(words, at, payload) => {
            let word = words.get(at).copied().unwrap_or_default();
            match (payload, editing) {
                (_, Some(editing)) => {
                    let used = put(buffer, place.x, place.y, place.width, word, theme.dim) + 1;
                    let rest = Rect {
                        x: place.x + used,
                        width: place.width.saturating_sub(used),
                        ..place
                    };
                    editing.input.draw(buffer, rest, true, theme)
                }
                (Some(payload), None) if field.is_typed() => {
                    let (_, more) = choice::number(buffer, place, word, selected, theme);
                    let from = more.right() + 1;
                    let room = place.right().saturating_sub(from);
                    let hint = match (payload.is_empty(), selected) {
                        (false, _) => (payload.as_str(), value),
                        (true, true) => ("enter types it", theme.dim),
                        (true, false) => ("", theme.dim),
                    };
                    // Of a path the end tells more.
                    let hint = match is_path(field, word) {
                        true => (cut_left(hint.0, room, theme.glyphs), hint.1),
                        false => (Cow::Borrowed(hint.0), hint.1),
                    };
                    put_cut(buffer, from, place.y, room, &hint.0, hint.1, theme.glyphs);
                    None
                }
                (inherited, None) => {
                    let rects = choice::words(buffer, place, &words, at, selected, theme);
                    if let Some(inherited) = inherited {
                        let end = rects.iter().map(|rect| rect.right()).max().unwrap_or(0);
                        let text = format!("= {inherited}");
                        if end + 1 + columns(&text) < place.right() {
                            put(buffer, end + 2, place.y, columns(&text), &text, theme.dim);
                        }
                    }
                    None
                }
            }
        }
        _ if editing.is_some() => {
            editing.and_then(|editing| editing.input.draw(buffer, place, true, theme))
        }
        Shown::Number(text, unset) => {
            if selected || !unset {
                choice::number(buffer, place, &text, selected, theme);
            } else {
                put_cut(
                    buffer,
                    place.x + 2,
                    place.y,
                    place.width.saturating_sub(2),
                    &text,
                    theme.dim,
                    theme.glyphs,
                );
            }
            None
        }
        Shown::Text(text, unset) => {
            let style = if unset { theme.dim } else { value };
            let shown = match (&field.spec.kind, unset && selected) {
                (Kind::List(example) | Kind::Map(example), true) => {
                    format!("{text}, or {example}")
                }
                _ if is_path(field, "") => cut_left(&text, place.width, theme.glyphs).into_owned(),
                _ => text,
            };
            put_cut(
                buffer,
                place.x,
                place.y,
                place.width,
                &shown,
                style,
                theme.glyphs,
            );
            None
        }
    }
}

/// Whether a field, of which this word is chosen, holds the path of a file or folder.
fn is_path(field: &Field, word: &str) -> bool {
    match field.spec.complete {
        Complete::Target => word != "shell",
        Complete::File | Complete::Folder => true,
        _ => false,
    }
}

/// A part of a field that can be pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pressed {
    /// A word so many after the one that is chosen.
    Word(i64),
    /// Less or more.
    Arrow(i64),
    /// Anything else.
    Rest,
}

/// Which field is at a place, and which part of it.
pub fn field_at(state: &State, area: Rect, at: Position) -> Option<(usize, Pressed)> {
    let fields = update::fields(state);
    let (lines, first, rows) = layout(state, &fields, Panel::inner(area));
    if !rows.contains(at) {
        return None;
    }
    let index = match lines.get(first + usize::from(at.y - rows.y)) {
        Some(Line::Field(index)) => *index,
        _ => return None,
    };
    let scrolls = lines.len() > usize::from(rows.height) && rows.width > 1;
    let row = Rect {
        y: at.y,
        height: 1,
        width: rows.width.saturating_sub(u16::from(scrolls)),
        ..rows
    };
    let part = fields.get(index).map(|field| {
        let selected = index == state.compose.field && state.compose.focus == Focus::Form;
        part_at(state, field, selected, value_of(row), at)
    });
    Some((index, part.unwrap_or(Pressed::Rest)))
}

/// Where the value of a field is, in its row.
fn value_of(row: Rect) -> Rect {
    let x = row.x + LABEL + 2;
    Rect {
        x,
        width: row.right().saturating_sub(x + 1),
        ..row
    }
}

fn part_at(state: &State, field: &Field, selected: bool, place: Rect, at: Position) -> Pressed {
    // Drawn once more, to see where everything is.
    let mut buffer = Buffer::empty(place);
    let theme = Theme::bare("", state.glyphs);
    let arrow = |(less, more): (Rect, Rect)| {
        let hit = |rect: Rect, by| rect.contains(at).then_some(Pressed::Arrow(by));
        hit(less, -1).or_else(|| hit(more, 1))
    };
    let part = match field.shown() {
        Shown::Choice(words, chosen, payload) if field.is_typed() && payload.is_some() => {
            let word = words.get(chosen).copied().unwrap_or_default();
            arrow(choice::number(&mut buffer, place, word, selected, &theme))
        }
        Shown::Choice(words, chosen, _) => {
            let places = choice::words(&mut buffer, place, &words, chosen, selected, &theme);
            let hit = places.iter().position(|place| place.contains(at));
            hit.map(|hit| Pressed::Word(hit as i64 - chosen as i64))
        }
        Shown::Number(text, unset) if selected || !unset => {
            arrow(choice::number(&mut buffer, place, &text, selected, &theme))
        }
        Shown::Number(..) | Shown::Text(..) => None,
    };
    part.unwrap_or(Pressed::Rest)
}
