//! All lines of a group as they came.

use ratatui::{buffer::Buffer, layout::Rect};

use super::{Run, amount, centred, put, width};
use crate::{
    model::{cpuset::CpuSet, ids::ProcessId},
    tui::{
        keymap::Action,
        run::{Line, Link, Merged},
        state::State,
        theme::Theme,
        widget::{panel::Panel, text},
    },
};

/// Draws them.
pub fn draw(state: &State, run: &Run, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let Some(merged) = &run.merged else { return };
    let title = match &merged.part {
        Some(part) => format!(
            "log of {}, around line {}",
            run.session.label(&part.process),
            part.line
        ),
        None => format!("{} all in one", merged.of),
    };
    let right = right(merged, theme);
    let frame = Panel::new(title).right(right).focused(true);
    let inside = frame.draw(buffer, area, theme);
    let lines = merged.visible(usize::from(inside.height));
    if lines.is_empty() {
        return centred(&empty(state, run, merged), theme.dim, inside, buffer);
    }
    let name = |line: &Line| {
        line.process
            .as_ref()
            .map_or(String::new(), |process| name(run, merged, process, line))
    };
    let longest = lines.iter().map(|(_, line)| width(&name(line))).max();
    let longest = longest.unwrap_or(0).min(inside.width / 2);
    let selected = merged.selected();
    for (row, (number, line)) in (0u16..).zip(&lines) {
        let y = inside.y + row;
        let all = Rect::new(inside.x, y, inside.width, 1);
        let Some(process) = &line.process else {
            rule(&line.text, theme, all, buffer);
            continue;
        };
        let colour = theme.rank(number_of(process));
        text::put_cut(buffer, all.x, y, longest, &name(line), colour, theme.glyphs);
        let x = all.x + longest;
        let bar = Rect::new(x, y, all.right().saturating_sub(x), 1);
        put(buffer, bar, &format!(" {} ", theme.glyphs.pipe), theme.dim);
        let room = Rect::new(bar.x + 3, y, bar.width.saturating_sub(3), 1);
        let shown = text::slice(&line.text, merged.column, room.width, theme.glyphs);
        put(buffer, room, &shown, theme.text);
        if let Some(pattern) = &run.search {
            for found in pattern.find_iter(&shown).take(64) {
                let from = width(&shown[..found.start()]);
                let hit = Rect::new(room.x.saturating_add(from), y, width(found.as_str()), 1);
                buffer.set_style(hit.intersection(room), theme.search_hit);
            }
        }
        let is_chosen = selected.is_some_and(|(from, to)| (from..=to).contains(number));
        if is_chosen || merged.cursor() == Some(*number) {
            buffer.set_style(all.intersection(buffer.area), theme.selection);
        }
    }
}

/// Whose line it is: the rank, or all that say so.
fn name(run: &Run, merged: &Merged, process: &ProcessId, line: &Line) -> String {
    let one_group = run.facts.groups.len() == 1;
    let group = match one_group {
        true => String::new(),
        false => format!("{}/", process.group),
    };
    if line.also.is_empty() || !merged.is_alike() {
        return format!("{group}{}.{}", process.template, process.rank);
    }
    let ranks: CpuSet = line.also.iter().copied().chain([process.rank]).collect();
    let count = line.also.len() + 1;
    let ranks = ranks.to_string();
    // More than a few pieces say less than their number.
    match ranks.len() <= 12 {
        true => format!("{group}{}.{ranks} ×{count}", process.template),
        false => format!("{group}{} ×{count}", process.template),
    }
}

fn right(merged: &Merged, theme: &Theme) -> String {
    let mut parts = Vec::new();
    if let Some(filter) = &merged.filter {
        parts.push(format!("only /{filter}/"));
    }
    if merged.left_out > 0 {
        parts.push(format!("{} more ranks are not followed", merged.left_out));
    }
    if merged.skipped > 0 {
        parts.push(format!("{} not shown", amount(merged.skipped)));
    }
    if merged.column > 0 {
        parts.push(format!("from column {}", merged.column + 1));
    }
    if !merged.is_following() && merged.part.is_none() {
        if merged.is_lost {
            parts.push("what you looked at is gone".to_owned());
        }
        parts.push(match merged.newer() {
            0 => "paused".to_owned(),
            newer => format!("paused, {newer} newer lines"),
        });
    }
    parts.join(&format!(" {} ", theme.glyphs.dot))
}

fn empty(state: &State, run: &Run, merged: &Merged) -> String {
    let ranks = || run.facts.selected(Some(&merged.of));
    match &merged.filter {
        _ if merged.is_loading() => "reading the logs".to_owned(),
        Some(filter) if merged.counts().0 > 0 => format!("no line matches /{filter}/"),
        _ if ranks().all(|(_, rank)| rank.muted) => {
            format!(
                "all of them are muted: {} opens them",
                state.key_here(Action::Mute)
            )
        }
        _ if merged.counts().1 > 0 => "cleared: what comes from now on is shown here".to_owned(),
        _ => match run.link {
            Link::Up | Link::Starting if run.is_live() => "nothing was printed yet".to_owned(),
            _ => "nothing was printed".to_owned(),
        },
    }
}

/// A word of our own between the lines.
fn rule(said: &str, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let line = theme.glyphs.border.horizontal;
    let rule = line.repeat(usize::from(area.width));
    put(buffer, area, &rule, theme.border);
    let said = format!(" {said} ");
    let x = area.x + area.width.saturating_sub(width(&said)) / 2;
    put(
        buffer,
        Rect::new(x, area.y, area.right().saturating_sub(x), 1),
        &said,
        theme.dim,
    );
}

/// A number for the colour of a rank: ranks of one template follow each other.
fn number_of(process: &ProcessId) -> usize {
    let name = process.template.as_str().bytes();
    let base = name.fold(0usize, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(byte.into())
    });
    base.wrapping_add(process.rank as usize)
}
