//! What one host uses: its processors and how they were used of late, its load, its memory.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use crate::tui::{
    facts::HostFacts,
    hosts::board::{Host, Standing},
    theme::Theme,
    widget::{
        bar, format, graph,
        panel::Panel,
        text::{columns, put, put_cut},
    },
};

/// Columns of the word before a line.
const WORD: u16 = 8;

/// Draws it.
pub fn draw(
    host: &Host,
    facts: Option<&HostFacts>,
    theme: &Theme,
    area: Rect,
    buffer: &mut Buffer,
) {
    if area.height < 3 {
        return;
    }
    let inside = Panel::new(host.name.clone())
        .about(host.hostname.clone())
        .draw(buffer, area, theme);
    let line = |row: u16| Rect {
        y: inside.y + row,
        height: u16::from(row < inside.height),
        ..inside
    };
    match &host.standing {
        Standing::Lost(why) => {
            let text = format!("{} lost: {why}", theme.glyphs.unknown);
            return words("", &text, theme.error, line(0), theme, buffer);
        }
        Standing::OutOfReach(why) => {
            return words("", why, theme.dim, line(0), theme, buffer);
        }
        _ => {}
    }
    let Some((facts, sample)) = facts.and_then(|facts| Some((facts, facts.sample.as_ref()?)))
    else {
        let cpus = format!("{} cpus", host.cpus);
        words("cpu", &cpus, theme.text, line(0), theme, buffer);
        if host.memory > 0 {
            let memory = format::bytes(host.memory);
            words("memory", &memory, theme.text, line(1), theme, buffer);
        }
        let gpus = match host.gpus {
            0 => "none".to_owned(),
            gpus => gpus.to_string(),
        };
        words("gpus", &gpus, theme.text, line(2), theme, buffer);
        return;
    };
    let cpu = f64::from(sample.cpu) / f64::from(host.cpus.max(1));
    let cpu_text = format!("{} of {} cpus", format::percent(cpu).trim(), host.cpus);
    let (used, total) = sample.memory;
    let memory = used as f64 / total.max(1) as f64;
    let memory_text = format!("{} of {}", format::bytes(used), format::bytes(total));
    let right = columns(&cpu_text).max(columns(&memory_text));
    meter("cpu", cpu, &cpu_text, right, line(0), theme, buffer);
    meter(
        "memory",
        memory,
        &memory_text,
        right,
        line(1),
        theme,
        buffer,
    );
    let load = match sample.load {
        Some(load) => format!("{load:.2} on average over the last minute"),
        None => "not known".to_owned(),
    };
    words("load", &load, theme.text, line(2), theme, buffer);
    if sample.gpus.is_empty() {
        let text = "no GPU driver found";
        words("gpus", text, theme.dim, line(3), theme, buffer);
    } else {
        let text = sample.gpus.len().to_string();
        words("gpus", &text, theme.text, line(3), theme, buffer);
    }
    let below = Rect {
        y: inside.y + 5.min(inside.height),
        height: inside.height.saturating_sub(5),
        ..inside
    };
    if below.height >= 3 {
        let values: Vec<f64> = facts.history.iter().map(|cpu| f64::from(*cpu)).collect();
        let top = format!("{} cpus", host.cpus);
        let axis = graph::Axis {
            top: &top,
            bottom: "0",
            oldest: "",
            newest: "now",
        };
        let below = Rect {
            height: below.height.min(12),
            ..below
        };
        let most = Some(f64::from(host.cpus));
        graph::draw(buffer, below, &values, most, axis, theme);
    }
}

/// A word and what it stands for.
fn words(word: &str, text: &str, style: Style, line: Rect, theme: &Theme, buffer: &mut Buffer) {
    if line.height == 0 {
        return;
    }
    let used = if word.is_empty() { 0 } else { WORD };
    put(buffer, line.x, line.y, used, word, theme.dim);
    let width = line.width.saturating_sub(used);
    put_cut(
        buffer,
        line.x + used,
        line.y,
        width,
        text,
        style,
        theme.glyphs,
    );
}

/// A word, a bar and what it shows.
fn meter(
    word: &str,
    share: f64,
    shown: &str,
    right: u16,
    line: Rect,
    theme: &Theme,
    buffer: &mut Buffer,
) {
    if line.height == 0 {
        return;
    }
    put(buffer, line.x, line.y, WORD, word, theme.dim);
    let width = line.width.saturating_sub(WORD + right + 1).min(40);
    let place = Rect::new(line.x + WORD, line.y, width, 1);
    bar::draw(buffer, place, share, bar::fullness(share, theme), theme);
    let from = place.right() + u16::from(width > 0);
    let room = line.right().saturating_sub(from);
    put_cut(buffer, from, line.y, room, shown, theme.text, theme.glyphs);
}
