//! How the queues are drawn.
//!
//! Owns the division of the screen ([`areas`]) and the table; the selected queue is drawn in `about`, its items in `items`.

mod about;
mod items;

use std::time::Duration;

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
};

use super::{History, Look, Part, Queue, flow, waiting};
use crate::{
    engine::door::wire::Deed,
    tui::{
        keymap::{Action, Context},
        run,
        state::State,
        theme::Theme,
        widget::{
            bar, format, graph, list,
            panel::Panel,
            text::{columns, put, put_cut, put_right},
        },
    },
};

/// From this width on there are two columns.
const WIDE: u16 = 100;

/// A bar for an unbounded queue is full at this depth, or at the deepest it was of late.
const UNBOUNDED: u64 = 100;

fn share(queue: &Queue) -> f64 {
    let most = queue.sample.maxsize.unwrap_or_else(|| {
        queue
            .depths
            .iter()
            .copied()
            .max()
            .unwrap_or(0)
            .max(UNBOUNDED)
    });
    queue.sample.depth as f64 / most.max(1) as f64
}

/// A queue in one line, for below the tree.
pub fn small(queue: &Queue, area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let sample = &queue.sample;
    let depth = format::of(sample.depth, sample.maxsize, theme.glyphs);
    let right = columns(&depth).max(7) + 1;
    let name = (area.width / 3).clamp(6, 16).min(area.width);
    put_cut(
        buffer,
        area.x,
        area.y,
        name.saturating_sub(1),
        &sample.name,
        theme.text,
        theme.glyphs,
    );
    let wide = area.width.saturating_sub(name + right);
    let spark = (wide / 2).min(14);
    let place = Rect::new(area.x + name, area.y, wide - spark, 1);
    if queue.sample.maxsize.is_some() {
        bar::draw(
            buffer,
            place,
            share(queue),
            bar::fullness(share(queue), theme),
            theme,
        );
    } else {
        bar::draw(buffer, place, share(queue), theme.bar_full, theme);
    }
    let x = place.right() + 1;
    let values = depths(queue, usize::from(spark.saturating_sub(1)));
    let line = Rect::new(x, area.y, spark.saturating_sub(1), 1);
    graph::sparkline(buffer, line, &values, None, theme.graph, theme);
    put_right(
        buffer,
        area.right().saturating_sub(right),
        area.y,
        right,
        &depth,
        theme.text,
        theme.glyphs,
    );
}

fn depths(queue: &Queue, last: usize) -> Vec<f64> {
    let skip = queue.depths.len().saturating_sub(last);
    queue
        .depths
        .iter()
        .skip(skip)
        .map(|depth| *depth as f64)
        .collect()
}

/// Where the parts of the screen are; empty where there is no room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Areas {
    /// All queues.
    pub table: Rect,
    /// How deep the selected one was.
    pub history: Rect,
    /// What flows where.
    pub flow: Rect,
    /// What is in the selected one.
    pub items: Rect,
    /// More about the selected one.
    pub about: Rect,
}

/// Divides the screen.
pub fn areas(look: &Look, history: &History, theme: &Theme, area: Rect) -> Areas {
    let known = u16::try_from(look.shown(history).len()).unwrap_or(u16::MAX);
    let wanted = known.max(1).saturating_add(3);
    let inside = area.width.saturating_sub(2);
    let lines = flow::view::height(&look.flow.1, inside, theme);
    let lines = u16::try_from(lines).unwrap_or(u16::MAX).saturating_add(2);
    match area.width >= WIDE {
        true => wide(wanted, lines.max(3), area),
        false => narrow(wanted, lines.max(3), look.peeked.is_some(), area),
    }
}

fn wide(wanted: u16, lines: u16, area: Rect) -> Areas {
    let upper = wanted.clamp(10, (area.height / 2).max(10)).min(area.height);
    let left = u16::try_from(u32::from(area.width) * 13 / 20).unwrap_or(area.width);
    let [table, history] = beside(
        Rect {
            height: upper,
            ..area
        },
        left,
    );
    let rest = area.height - upper;
    let flow = lines.min(rest / 2).max(3).min(rest);
    let flow = Rect::new(area.x, area.y + upper, area.width, flow);
    let lower = Rect {
        y: flow.bottom(),
        height: area.bottom() - flow.bottom(),
        ..area
    };
    let [items, about] = beside(lower, left);
    Areas {
        table,
        history,
        flow,
        items,
        about,
    }
}

fn beside(area: Rect, left: u16) -> [Rect; 2] {
    [
        Rect {
            width: left,
            ..area
        },
        Rect {
            x: area.x + left,
            width: area.width - left,
            ..area
        },
    ]
}

fn narrow(wanted: u16, lines: u16, has_items: bool, area: Rect) -> Areas {
    let mut areas = Areas::default();
    let mut left = area;
    let mut take = |height: u16| {
        let taken = Rect {
            height: height.min(left.height),
            ..left
        };
        left.y += taken.height;
        left.height -= taken.height;
        (taken, left.height)
    };
    let (table, rest) = take(wanted.clamp(4, (area.height / 2).max(4)));
    areas.table = table;
    let mut rest = rest;
    if rest >= 14 {
        (areas.history, rest) = take(7);
    }
    // Where there is little room, what was asked for comes first.
    let flow = match (has_items, rest) {
        (true, ..7) => 0,
        (false, ..7) => rest,
        (_, rest) => lines.min(rest / 2).max(3),
    };
    if flow > 2 {
        (areas.flow, rest) = take(flow);
    }
    if rest > 2 {
        (areas.items, _) = take(rest);
    }
    areas
}

/// The rows of the table.
pub fn table_rows(table: Rect) -> Rect {
    let inside = Panel::inner(table);
    Rect {
        y: inside.y + 1.min(inside.height),
        height: inside.height.saturating_sub(1),
        ..inside
    }
}

/// The first row that is shown.
pub fn first_row(selected: usize, length: usize, height: u16) -> usize {
    run::view::scrolled(selected, length, usize::from(height))
}

/// Draws the screen.
pub fn draw(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) -> Option<Position> {
    let Some(run) = state
        .run
        .as_ref()
        .filter(|run| !run.queues.queues.is_empty())
    else {
        nothing(state, theme, area, buffer);
        return None;
    };
    if run.look.is_flow {
        flow::view::draw(&run.look.flow.1, run.look.scroll, theme, area, buffer);
        return None;
    }
    let areas = areas(&run.look, &run.queues, theme, area);
    table(run, theme, areas.table, buffer);
    if let Some(queue) = run.look.queue(&run.queues) {
        about::history(queue, areas.about.is_empty(), theme, areas.history, buffer);
        about::draw(run, queue, theme, areas.about, buffer);
    }
    if areas.flow.height > 2 {
        flow::view::draw(&run.look.flow.1, 0, theme, areas.flow, buffer);
    }
    items::draw(state, run, theme, areas.items, buffer);
    None
}

/// The key of an action here, as a text may name it.
fn key(state: &State, context: Context, action: Action) -> String {
    let keys = state.config.keymap.keys(context, action);
    keys.first()
        .map_or_else(String::new, |key| key.label(state.glyphs).to_string())
}

fn nothing(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let start = format!(
        "{} starts the session",
        key(state, Context::Queues, Action::Start)
    );
    let lines = match state.run {
        Some(_) => [
            "no queue was used yet",
            "queues that the session names, and those that programs make, appear here",
        ],
        None => ["nothing runs", &start],
    };
    for (row, line) in (0u16..).zip(lines) {
        let y = area.y + area.height / 2 + row;
        let x = area.x + area.width.saturating_sub(columns(line)) / 2;
        if y < area.bottom() {
            put_cut(buffer, x, y, area.width, line, theme.dim, theme.glyphs);
        }
    }
}

/// The columns of the table, with the widths that they have.
struct Columns {
    name: u16,
    rate: u16,
    oldest: u16,
    bar: u16,
    /// Bytes, and how much was put and got in all: where there is room.
    bytes: u16,
    totals: u16,
    waits: u16,
}

const DEPTH: u16 = 11;
const RATE: u16 = 8;
const OLDEST: u16 = 8;

impl Columns {
    fn of(run: &run::State, width: u16) -> Self {
        let longest = run.queues.queues.keys().map(|name| columns(name)).max();
        let most = (width / 4).clamp(6, 32);
        let name = longest.unwrap_or(0).saturating_add(2).clamp(7, most.max(7));
        let mut left = width.saturating_sub(name + DEPTH);
        let mut take = |wanted: u16, keep: u16| {
            let taken = if left >= wanted + keep { wanted } else { 0 };
            left -= taken;
            taken
        };
        let rate = take(2 * RATE, 0) / 2;
        let oldest = take(OLDEST, 0);
        let bar = take(11, 20);
        let bytes = take(7, 26);
        let totals = take(14, 26);
        let waits = if left < 10 { 0 } else { left };
        Self {
            name,
            rate,
            oldest,
            bar,
            bytes,
            totals,
            waits,
        }
    }
}

fn table(run: &run::State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let rows = run.look.shown(&run.queues);
    let current = run.look.current(&run.queues).map(|(at, _)| at);
    let body = table_rows(area);
    let mut panel = Panel::new("queues").focused(run.look.part == Part::Table);
    if !run.look.filter.is_empty() {
        panel = panel.about(format!("with {:?} in their name", run.look.filter));
    }
    if let Some((what, queue)) = &run.look.under_way {
        let doing = match what {
            Deed::Purge => "emptying",
            Deed::Put => "putting into",
            Deed::Peek => "looking into",
        };
        let doing = format!("{doing} {queue} {}", theme.glyphs.ellipsis);
        panel = panel.right(ratatui::text::Line::styled(doing, theme.accent));
    }
    if rows.len() > usize::from(body.height) {
        panel = panel.footer(format::place(current.unwrap_or(0), rows.len()));
    }
    let inside = panel.draw(buffer, area, theme);
    if inside.height < 2 {
        return;
    }
    if rows.is_empty() {
        let text = "no queue is called so";
        put(buffer, body.x, body.y, body.width, text, theme.dim);
        return;
    }
    let columns = Columns::of(run, inside.width);
    head(&columns, theme, inside, buffer);
    let view = list::View {
        first: first_row(current.unwrap_or(0), rows.len(), body.height),
        selected: current,
        length: rows.len(),
    };
    list::draw(buffer, body, view, theme, |buffer, line, index, _| {
        row(rows[index], &columns, line, theme, buffer);
    });
}

fn head(widths: &Columns, theme: &Theme, inside: Rect, buffer: &mut Buffer) {
    let half = widths.totals / 2;
    let mut x = inside.x;
    for (word, width, is_right) in [
        ("queue", widths.name, false),
        ("", widths.bar, false),
        ("depth", DEPTH, true),
        ("bytes", widths.bytes, true),
        ("put", widths.rate, true),
        ("get", widths.rate, true),
        ("put all", half, true),
        ("got all", half, true),
        ("oldest", widths.oldest, true),
        ("  waiting", widths.waits, false),
    ] {
        match is_right {
            true => put_right(buffer, x, inside.y, width, word, theme.dim, theme.glyphs),
            false => put(buffer, x, inside.y, width, word, theme.dim),
        };
        x += width;
    }
}

fn row(queue: &Queue, widths: &Columns, line: Rect, theme: &Theme, buffer: &mut Buffer) {
    let (sample, y) = (&queue.sample, line.y);
    let mut x = line.x;
    let name = widths.name.saturating_sub(1);
    put_cut(buffer, x, y, name, &sample.name, theme.text, theme.glyphs);
    x += widths.name;
    if widths.bar > 1 {
        let style = match sample.maxsize {
            Some(_) => bar::fullness(share(queue), theme),
            None => theme.bar_full,
        };
        let place = Rect::new(x, y, widths.bar - 1, 1);
        bar::draw(buffer, place, share(queue), style, theme);
        x += widths.bar;
    }
    let oldest = match sample.depth {
        0 => theme.glyphs.none.to_owned(),
        _ => format::age(Duration::from_millis(sample.oldest_ms)),
    };
    let depth = format::of(sample.depth, sample.maxsize, theme.glyphs);
    let half = widths.totals / 2;
    let moves = |rate: f64| if rate > 0.0 { theme.text } else { theme.dim };
    for (text, width, style) in [
        (depth, DEPTH, theme.text),
        (format::bytes(sample.bytes), widths.bytes, theme.text),
        (
            format::rate(queue.put_rate),
            widths.rate,
            moves(queue.put_rate),
        ),
        (
            format::rate(queue.got_rate),
            widths.rate,
            moves(queue.got_rate),
        ),
        (format::count(sample.put), half, theme.dim),
        (format::count(sample.got), half, theme.dim),
        (oldest, widths.oldest, theme.text),
    ] {
        if width > 0 {
            put_right(buffer, x, y, width, &text, style, theme.glyphs);
        }
        x += width;
    }
    let style = match sample.putters {
        0 => theme.dim,
        _ => theme.warning,
    };
    if widths.waits == 0 {
        return;
    }
    let width = line.right().saturating_sub(x + 2);
    let waiting = waiting::in_short(sample, theme.glyphs);
    put_cut(buffer, x + 2, y, width, &waiting, style, theme.glyphs);
}
