//! The tree of groups, templates and ranks, and the line that stands for it where there is no room.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::{Run, state_of};
use crate::tui::{
    facts::{Count, Rank},
    run::{Focus, process_of, tree::Row},
    theme::Theme,
    view::Places,
    widget::{format, list, panel::Panel},
};

/// How many of a group or template are where, in a few characters, and the sign for it.
fn summary(count: &Count, theme: &Theme) -> (&'static str, Style, String) {
    let state = if count.stopping > 0 {
        (theme.glyphs.stopping, theme.stopped)
    } else if count.starting > 0 {
        (theme.glyphs.starting, theme.starting)
    } else if count.failed > 0 && count.live == 0 {
        (theme.glyphs.failed, theme.error)
    } else if count.live > 0 {
        (theme.glyphs.running, theme.running)
    } else if count.stopped > 0 {
        (theme.glyphs.stopped, theme.stopped)
    } else if count.well > 0 {
        (theme.glyphs.succeeded, theme.ok)
    } else {
        (theme.glyphs.waiting, theme.waiting)
    };
    let shown = if count.live > 0 {
        count.live
    } else {
        count.well
    };
    (state.0, state.1, format!("{shown}/{}", count.total))
}

/// Draws it.
pub fn draw(run: &Run, theme: &Theme, places: &Places, buffer: &mut Buffer) {
    if places.tree.is_empty() {
        return strip(run, theme, places.strip, buffer);
    }
    let rows = run.tree.rows(&run.facts);
    let selected = run.selected();
    let at = selected.and_then(|selected| rows.position(&selected));
    let title = match &run.facts.session {
        name if name.is_empty() => "ranks".to_owned(),
        name => name.clone(),
    };
    let focused = run.focus == Focus::Tree && run.typing.is_none();
    let footer = at.map_or(String::new(), |at| {
        match rows.len() > usize::from(places.tree.height.saturating_sub(2)) {
            true => format::place(at, rows.len()),
            false => String::new(),
        }
    });
    let frame = Panel::new(title).focused(focused).footer(footer);
    let inside = frame.draw(buffer, places.tree, theme);
    let view = list::View {
        first: scrolled(at.unwrap_or(0), rows.len(), usize::from(inside.height)),
        selected: at,
        length: rows.len(),
    };
    list::draw(buffer, inside, view, theme, |buffer, area, index, _| {
        if let Some(row) = rows.get(index) {
            tree_row(run, &row, area, theme, buffer);
        }
    });
}

/// The first row that is shown, so that the selected one is, two thirds down at most.
pub fn scrolled(selected: usize, rows: usize, height: usize) -> usize {
    let most = rows.saturating_sub(height);
    selected.saturating_sub(height * 2 / 3).min(most)
}

fn tree_row(run: &Run, row: &Row, area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let indent = row.depth * 2;
    let mut spans: Vec<Span<'_>> = Vec::new();
    let fold = match (row.depth, row.folded) {
        (2, _) => " ",
        (_, true) => theme.glyphs.closed,
        (_, false) => theme.glyphs.open,
    };
    spans.push(Span::raw(" ".repeat(usize::from(indent))));
    spans.push(Span::styled(format!("{fold} "), theme.dim));
    let right;
    if let Some(process) = process_of(&row.what) {
        let Some(rank) = run.facts.rank(&process) else {
            return;
        };
        let (glyph, style) = theme.process(rank.state, state_of(rank));
        spans.push(Span::styled(format!("{glyph} "), style));
        spans.push(Span::styled(format!(".{:<3}", process.rank), theme.text));
        right = rank_columns(rank, theme);
    } else {
        let count = run.facts.count(Some(&row.what));
        let (glyph, style, of) = summary(&count, theme);
        let name = row.what.template.as_ref().map_or_else(
            || row.what.group.to_string(),
            |template| template.to_string(),
        );
        let name_style = if row.depth == 0 {
            theme.title
        } else {
            theme.text
        };
        spans.push(Span::styled(name, name_style));
        let mut columns = vec![];
        if count.failed > 0 {
            columns.push(Span::styled(
                format!("{} {} ", count.failed, theme.glyphs.failed),
                theme.error,
            ));
        }
        if count.alerts > 0 {
            columns.push(Span::styled(
                format!("{} {} ", count.alerts, theme.glyphs.warning),
                theme.warning,
            ));
        }
        columns.push(Span::styled(format!("{glyph} "), style));
        columns.push(Span::styled(format!("{of:>7}"), theme.text));
        columns.push(muted_mark(
            count.muted > 0,
            count.muted == count.total,
            theme,
        ));
        right = columns;
    }
    columns(spans, right, area, buffer);
}

fn muted_mark(any: bool, all: bool, theme: &Theme) -> Span<'static> {
    match (any, all) {
        (false, _) => Span::raw("  "),
        (true, true) => Span::styled(format!(" {}", theme.glyphs.muted), theme.muted),
        (true, false) => Span::styled(" m", theme.muted),
    }
}

/// What stands at the right of a rank: where it is, or how it ended, and what it uses.
fn rank_columns(rank: &Rank, theme: &Theme) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    if rank.alert.is_some() {
        spans.push(Span::styled(
            format!("{} ", theme.glyphs.warning),
            theme.warning,
        ));
    }
    if rank.restarts() > 0 {
        spans.push(Span::styled(
            format!("{}{} ", theme.glyphs.times, rank.restarts()),
            theme.warning,
        ));
    }
    if rank.state.is_live() {
        let gpus = rank.gpus.as_ref().filter(|gpus| !gpus.is_empty());
        if let Some(gpus) = gpus {
            spans.push(Span::styled(format!("g{gpus} "), theme.info));
        }
        // Nothing lives in no memory: it was not looked at, now or in that past.
        let (cpu, memory) = match rank.memory {
            0 => (theme.glyphs.none.to_owned(), theme.glyphs.none.to_owned()),
            memory => (format::percent(f64::from(rank.cpu)), format::bytes(memory)),
        };
        spans.push(Span::styled(format!("{cpu:>4}"), theme.text));
        spans.push(Span::styled(format!(" {memory:>5}"), theme.text));
        let rate = match rank.rate {
            rate if rate < 1.0 => String::new(),
            rate => format::bytes(rate as u64),
        };
        spans.push(Span::styled(format!(" {rate:>5}"), theme.dim));
    } else if let Some(status) = &rank.status {
        let style = if rank.failure { theme.error } else { theme.dim };
        spans.push(Span::styled(status.to_string(), style));
    } else {
        spans.push(Span::styled(rank.state.to_string(), theme.dim));
    }
    spans.push(muted_mark(rank.muted, true, theme));
    spans
}

/// A line with something at its left and something at its right; the left is cut first.
fn columns(left: Vec<Span<'_>>, right: Vec<Span<'_>>, area: Rect, buffer: &mut Buffer) {
    let right = Line::from(right);
    let space = area.width.saturating_sub(right.width() as u16);
    let left = Line::from(left);
    buffer.set_line(area.x, area.y, &left, space.max(area.width.min(8)));
    let x = area.x + space;
    buffer.set_line(x, area.y, &right, area.right().saturating_sub(x));
}

/// One line for a small screen: a sign for each rank around the selected one.
fn strip(run: &Run, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let current = run.current();
    let all = run.facts.count(None).total as usize;
    let at = current
        .as_ref()
        .and_then(|current| run.facts.position(None, current));
    let each = 2;
    let fits = usize::from(area.width.saturating_sub(16)) / each;
    let first = scrolled(at.unwrap_or(0), all, fits.max(1));
    let mut spans = Vec::new();
    for process in run.facts.page(None, first, fits) {
        let Some(rank) = run.facts.rank(&process) else {
            continue;
        };
        let (glyph, style) = theme.process(rank.state, state_of(rank));
        let glyph = if rank.muted && rank.state.is_live() {
            theme.glyphs.muted
        } else {
            glyph
        };
        let style = match Some(&process) == current.as_ref() {
            true => style.patch(theme.selection),
            false => style,
        };
        spans.push(Span::styled(glyph, style));
        spans.push(Span::raw(" "));
    }
    let right = format!("{} of {}", at.map_or(0, |at| at + 1), all);
    columns(spans, vec![Span::styled(right, theme.dim)], area, buffer);
}
