//! How the queues are drawn.

use std::time::Duration;

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
};

use super::{Queue, flow, item};
use crate::{
    engine::door::Side,
    tui::{
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
        flow::view::draw(&run.queues, theme, area, buffer);
        return None;
    }
    let wide = area.width >= 100;
    let known = run.queues.queues.len() as u16;
    let table_height = (known + 3).min(area.height / 2).max(4).min(area.height);
    let table_width = if wide { area.width * 3 / 5 } else { area.width };
    let upper = Rect {
        height: table_height.max(if wide { 9.min(area.height) } else { 0 }),
        ..area
    };
    let table_area = Rect {
        width: table_width,
        ..upper
    };
    table(run, theme, table_area, buffer);
    let mut y = upper.bottom();
    if wide {
        let side = Rect {
            x: area.x + table_width,
            width: area.width - table_width,
            ..upper
        };
        history(run, theme, side, buffer);
    }
    let mut left = area.bottom().saturating_sub(y);
    if !wide && left >= 12 {
        let place = Rect::new(area.x, y, area.width, 7);
        history(run, theme, place, buffer);
        y += 7;
        left -= 7;
    }
    let lines = flow::view::height(&run.queues, area.width.saturating_sub(2), theme);
    let flow_height = (lines + 2).min(left / 2).max(3).min(left);
    let place = Rect::new(area.x, y, area.width, flow_height);
    flow::view::draw(&run.queues, theme, place, buffer);
    y += flow_height;
    let rest = Rect::new(area.x, y, area.width, area.bottom().saturating_sub(y));
    peek(run, theme, rest, buffer);
    None
}

fn nothing(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let lines = match state.run {
        Some(_) => [
            "no queue was used yet",
            "queues that the session names, and those that programs make, appear here",
        ],
        None => ["nothing runs", "s starts the session"],
    };
    for (row, line) in (0u16..).zip(lines) {
        let y = area.y + area.height / 2 + row;
        let x = area.x + area.width.saturating_sub(columns(line)) / 2;
        if y < area.bottom() {
            put(buffer, x, y, area.width, line, theme.dim);
        }
    }
}

fn table(run: &run::State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let inside = Panel::new("queues").focused(true).draw(buffer, area, theme);
    if inside.height < 2 {
        return;
    }
    let name = (inside.width / 5).clamp(6, 24);
    let depth = 11;
    let rates = 8;
    let oldest = 7;
    let fixed = name + depth + 2 * rates + oldest + 4;
    let (bar_width, waits) = match inside.width.saturating_sub(fixed) {
        free @ 36.. => (free.min(30) / 2 + 2, free - free.min(30) / 2 - 2),
        free => (0, free),
    };
    let mut x = inside.x;
    let y = inside.y;
    for (word, width, is_right) in [
        ("queue", name, false),
        ("", bar_width, false),
        ("depth", depth, true),
        ("put", rates, true),
        ("get", rates, true),
        ("oldest", oldest, true),
        ("  waiting", waits, false),
    ] {
        match is_right {
            true => put_right(buffer, x, y, width, word, theme.dim, theme.glyphs),
            false => put(buffer, x, y, width, word, theme.dim),
        };
        x += width;
    }
    let rows: Vec<&Queue> = run.queues.queues.values().collect();
    let selected = run
        .look
        .queue(&run.queues)
        .map(|queue| queue.sample.name.as_str());
    let at = rows
        .iter()
        .position(|queue| Some(queue.sample.name.as_str()) == selected);
    let body = Rect {
        y: inside.y + 1,
        height: inside.height - 1,
        ..inside
    };
    let view = list::View {
        first: run::view::scrolled(at.unwrap_or(0), rows.len(), usize::from(body.height)),
        selected: at,
        length: rows.len(),
    };
    list::draw(buffer, body, view, theme, |buffer, line, index, _| {
        let queue = rows[index];
        let sample = &queue.sample;
        let mut x = line.x;
        put_cut(
            buffer,
            x,
            line.y,
            name - 1,
            &sample.name,
            theme.text,
            theme.glyphs,
        );
        x += name;
        if bar_width > 1 {
            let place = Rect::new(x, line.y, bar_width - 1, 1);
            let style = match sample.maxsize {
                Some(_) => bar::fullness(share(queue), theme),
                None => theme.bar_full,
            };
            bar::draw(buffer, place, share(queue), style, theme);
            x += bar_width;
        }
        let oldest_text = match sample.depth {
            0 => theme.glyphs.none.to_owned(),
            _ => format::age(Duration::from_millis(sample.oldest_ms)),
        };
        for (text, width) in [
            (
                format::of(sample.depth, sample.maxsize, theme.glyphs),
                depth,
            ),
            (format::rate(queue.put_rate), rates),
            (format::rate(queue.got_rate), rates),
            (oldest_text, oldest),
        ] {
            put_right(buffer, x, line.y, width, &text, theme.text, theme.glyphs);
            x += width;
        }
        let style = if sample.putters > 0 {
            theme.warning
        } else {
            theme.dim
        };
        let width = line.right().saturating_sub(x + 2);
        put_cut(
            buffer,
            x + 2,
            line.y,
            width,
            &waiting(queue),
            style,
            theme.glyphs,
        );
    });
}

/// Who waits, and what for.
fn waiting(queue: &Queue) -> String {
    let named = |side: Side, number: u64| {
        let mut names: Vec<&str> = queue
            .sample
            .waiting
            .iter()
            .filter(|waiter| waiter.side == side)
            .map(|waiter| match waiter.task.as_str() {
                "" => "somebody",
                task => task.rsplit('/').next().unwrap_or(task),
            })
            .collect();
        names.dedup();
        let shown = names.len().min(3);
        let more = number.saturating_sub(shown as u64);
        let mut text = names[..shown].join(", ");
        if more > 0 {
            text.push_str(&format!(" and {more} more"));
        }
        text
    };
    let mut parts = Vec::new();
    if queue.sample.putters > 0 {
        parts.push(format!("put: {}", named(Side::Put, queue.sample.putters)));
    }
    if queue.sample.getters > 0 {
        parts.push(format!("get: {}", named(Side::Get, queue.sample.getters)));
    }
    parts.join("  ")
}

fn history(run: &run::State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let Some(queue) = run.look.queue(&run.queues) else {
        return;
    };
    let inside = Panel::new(queue.sample.name.clone())
        .about("depth of late")
        .draw(buffer, area, theme);
    let values = depths(queue, super::history::KEPT);
    let top = match queue.sample.maxsize {
        Some(most) => most,
        None => queue.depths.iter().copied().max().unwrap_or(0).max(1),
    };
    let oldest = format!("{} s ago", queue.depths.len());
    let top_text = format::count(top);
    let axis = graph::Axis {
        top: &top_text,
        bottom: "0",
        oldest: &oldest,
        newest: "now",
    };
    graph::draw(buffer, inside, &values, Some(top as f64), axis, theme);
}

fn peek(run: &run::State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    if area.height < 3 {
        return;
    }
    let Some((name, items)) = &run.look.peeked else {
        let inside = Panel::new("items").draw(buffer, area, theme);
        put(
            buffer,
            inside.x,
            inside.y,
            inside.width,
            "enter looks at the items without taking them",
            theme.dim,
        );
        return;
    };
    let panel = Panel::new(name.clone())
        .about("items as they were, the next one to be got first")
        .footer(format::place(
            run.look.first.min(items.len().saturating_sub(1)),
            items.len(),
        ));
    let inside = panel.draw(buffer, area, theme);
    if items.is_empty() {
        put(
            buffer,
            inside.x,
            inside.y,
            inside.width,
            "it was empty",
            theme.dim,
        );
    }
    let first = run
        .look
        .first
        .min(items.len().saturating_sub(usize::from(inside.height)));
    for ((index, item), y) in items
        .iter()
        .enumerate()
        .skip(first)
        .zip(inside.top()..inside.bottom())
    {
        let (kind, text) = item::describe(item);
        let number = format!("{index:>4}  {kind:<6} {:>6}  ", format::bytes(item.len));
        let used = put(buffer, inside.x, y, inside.width, &number, theme.dim);
        put_cut(
            buffer,
            inside.x + used,
            y,
            inside.width - used,
            &text,
            theme.text,
            theme.glyphs,
        );
    }
}
