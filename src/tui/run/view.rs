//! How a run is drawn.
//!
//! Reads the state, changes nothing. Start at [`draw`].

use std::time::Duration;

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::{Color, Modifier, Style},
    text::{Line, Span},
};

use super::{Focus, Link, Pane, State as Run, process_of};
use crate::{
    model::{
        ids::ProcessId,
        lifecycle::{ExitStatus, ProcessState},
    },
    term::{self, Attrs, Screen},
    tui::{
        facts::{Count, Rank},
        state::State,
        theme::Theme,
        view::Places,
        widget::{
            format, list,
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
    tree(run, theme, places, buffer);
    queues(run, theme, places.queues, buffer);
    if run.merged.is_some() {
        merged(run, theme, places.panes, buffer);
        return None;
    }
    let current = run.current();
    let mut cursor = None;
    for (pane, area) in &run.panes {
        let is_current = current.as_ref() == Some(&pane.process);
        let at = draw_pane(state, run, pane, *area, is_current, theme, buffer);
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
        lines.push(("1  compose a group of processes".to_owned(), theme.text));
        lines.push(("ctrl-o  open a session".to_owned(), theme.text));
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
        lines.push(("s  start it".to_owned(), theme.accent));
        lines.push((
            "1  look at how it is composed, or change it".to_owned(),
            theme.text,
        ));
    }
    lines.push(("?  every key".to_owned(), theme.text));
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

fn tree(run: &Run, theme: &Theme, places: &Places, buffer: &mut Buffer) {
    if places.tree.is_empty() {
        return strip(run, theme, places.strip, buffer);
    }
    let rows = run.tree.rows(&run.facts);
    let selected = run.selected();
    let at = rows
        .iter()
        .position(|row| Some(&row.what) == selected.as_ref());
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
        tree_row(run, &rows[index], area, theme, buffer);
    });
}

/// The first row that is shown, so that the selected one is, two thirds down at most.
pub fn scrolled(selected: usize, rows: usize, height: usize) -> usize {
    let most = rows.saturating_sub(height);
    selected.saturating_sub(height * 2 / 3).min(most)
}

fn tree_row(run: &Run, row: &super::tree::Row, area: Rect, theme: &Theme, buffer: &mut Buffer) {
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
pub fn columns(left: Vec<Span<'_>>, right: Vec<Span<'_>>, area: Rect, buffer: &mut Buffer) {
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
    let all: Vec<(ProcessId, &Rank)> = run.facts.selected(None).collect();
    let at = all
        .iter()
        .position(|(process, _)| Some(process) == current.as_ref());
    let each = 2;
    let fits = usize::from(area.width.saturating_sub(16)) / each;
    let first = scrolled(at.unwrap_or(0), all.len(), fits.max(1));
    let mut spans = Vec::new();
    for (process, rank) in all.iter().skip(first).take(fits) {
        let (glyph, style) = theme.process(rank.state, state_of(rank));
        let glyph = if rank.muted && rank.state.is_live() {
            theme.glyphs.muted
        } else {
            glyph
        };
        let style = match Some(process) == current.as_ref() {
            true => style.patch(theme.selection),
            false => style,
        };
        spans.push(Span::styled(glyph, style));
        spans.push(Span::raw(" "));
    }
    let right = format!("{} of {}", at.map_or(0, |at| at + 1), all.len());
    columns(spans, vec![Span::styled(right, theme.dim)], area, buffer);
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

fn draw_pane(
    state: &State,
    run: &Run,
    pane: &Pane,
    area: Rect,
    is_current: bool,
    theme: &Theme,
    buffer: &mut Buffer,
) -> Option<Position> {
    let rank = run.facts.rank(&pane.process)?;
    let typing = run.typing.as_ref().filter(|to| to.selects(&pane.process));
    let focused = typing.is_some() || is_current && run.focus == Focus::Pane;
    let label = run.session.label(&pane.process);
    let (glyph, _) = theme.process(rank.state, state_of(rank));
    let title = format!("{glyph} {label}");
    let mut about = String::new();
    if let (Some(host), true) = (&rank.host, rank.state.is_live()) {
        if !host.is_localhost() {
            about.push_str(&format!("{host} {} ", theme.glyphs.dot));
        }
        if let Some(gpus) = rank.gpus.as_ref().filter(|gpus| !gpus.is_empty()) {
            about.push_str(&format!("gpu {gpus} {} ", theme.glyphs.dot));
        }
        about.push_str(&format!("pid {}", rank.pid));
    }
    let right = pane_right(state, run, pane, rank, theme);
    let frame = Panel::new(title).about(about).right(right).focused(focused);
    let inside = frame.draw(buffer, area, theme);
    if is_current && !focused {
        accent_title(area, theme, buffer);
    }
    if inside.is_empty() {
        return None;
    }
    if rank.muted && rank.state.is_live() {
        let text = format!(
            "muted: {} to DEVNULL since {}",
            amount(rank.discarded),
            clock(rank.muted_at)
        );
        centred(&text, theme.muted, inside, buffer);
        let keys = "m opens it";
        let below = Rect::new(
            inside.x,
            inside.y + inside.height / 2,
            inside.width,
            inside.height - inside.height / 2,
        );
        if below.height > 1 {
            centred(
                keys,
                theme.dim,
                Rect::new(below.x, below.y + 1, below.width, 1),
                buffer,
            );
        }
        return None;
    }
    // A log does not say when its lines were written; what had not begun had written nothing.
    let has_begun = run.link != Link::Past || rank.began.is_some();
    if has_begun {
        screen(&pane.screen, inside, theme, run.search.as_ref(), buffer);
    }
    if !has_begun || is_blank(&pane.screen) {
        let text = empty_text(run, pane, rank);
        if !text.is_empty() {
            centred(&text, theme.dim, inside, buffer);
        }
    }
    if typing.is_none() || !is_current {
        return None;
    }
    let cursor = pane.screen.cursor()?;
    let at = Position::new(inside.x + cursor.col, inside.y + cursor.row);
    inside.contains(at).then_some(at)
}

/// The pane that keys are about, although they go to the tree.
fn accent_title(area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let line = Rect::new(area.x, area.y, 1, area.height);
    buffer.set_style(
        line,
        Style::new().fg(theme.accent.fg.unwrap_or(Color::Reset)),
    );
}

fn is_blank(screen: &Screen) -> bool {
    screen.history() == 0
        && (0..screen.size().rows).all(|row| screen.row(row).all(|cell| cell.ch == ' '))
}

fn empty_text(run: &Run, pane: &Pane, rank: &Rank) -> String {
    match (&run.link, rank.state) {
        (Link::Starting, _) => "the engine starts".to_owned(),
        (Link::Gone(why), _) => format!("the engine is gone: {why}"),
        (Link::Past, _)
            if rank.began.is_none() && run.past.as_ref().is_some_and(|past| !past.is_at_end()) =>
        {
            "not started yet at that moment".to_owned()
        }
        _ if pane.is_loading() => "reading the log".to_owned(),
        (_, ProcessState::Idle | ProcessState::Waiting) => {
            format!("{}: w says why", rank.state)
        }
        (_, ProcessState::Ended) => match &rank.status {
            Some(status) => format!("no output; {status}"),
            None => "was never started: w says why".to_owned(),
        },
        _ => String::new(),
    }
}

fn pane_right(state: &State, run: &Run, pane: &Pane, rank: &Rank, theme: &Theme) -> String {
    let mut parts = Vec::new();
    if run
        .typing
        .as_ref()
        .is_some_and(|to| to.selects(&pane.process))
    {
        parts.push("typing: ctrl-] leaves".to_owned());
    }
    if pane.screen.offset() > 0 {
        parts.push(format!(
            "{} {} lines back",
            theme.glyphs.up,
            pane.screen.offset()
        ));
    }
    if run.past.as_ref().is_some_and(|past| !past.is_at_end()) && rank.state.is_live() {
        parts.push("output up to its end".to_owned());
    }
    if pane.skipped > 0 {
        parts.push(format!("{} not shown", amount(pane.skipped)));
    }
    if rank.rate >= 1.0 {
        parts.push(format!("{}/s", amount(rank.rate as u64)));
    }
    match (rank.began, rank.ended, &rank.status) {
        (Some(began), Some(ended), Some(status)) if !rank.state.is_live() => {
            parts.push(format!("{status} after {}", clock(ended - began)));
        }
        (Some(began), _, _) if rank.state.is_live() => {
            parts.push(clock(run.seconds(state.now) - began));
        }
        _ => {}
    }
    parts.join(&format!(" {} ", theme.glyphs.dot))
}

/// A terminal's picture.
pub fn screen(
    screen: &Screen,
    area: Rect,
    theme: &Theme,
    search: Option<&regex::Regex>,
    buffer: &mut Buffer,
) {
    let rows = screen.size().rows.min(area.height);
    let top = -i32::try_from(screen.offset()).unwrap_or(i32::MAX);
    let mut symbol = String::new();
    for row in 0..rows {
        let y = area.y + row;
        for cell in screen.row(row) {
            let x = area.x + cell.column;
            if x + u16::from(cell.width) > area.right() {
                break;
            }
            let Some(target) = buffer.cell_mut(Position::new(x, y)) else {
                break;
            };
            if cell.ch == ' ' && cell.combining.is_empty() {
                target.set_char(' ');
            } else {
                symbol.clear();
                cell.push_to(&mut symbol);
                target.set_symbol(&symbol);
            }
            target.set_style(style_of(&cell));
            if cell.width == 2
                && let Some(covered) = buffer.cell_mut(Position::new(x + 1, y))
            {
                covered.reset();
                covered.set_style(style_of(&cell));
            }
        }
        if let Some(pattern) = search {
            let text = screen.line_text(top + i32::from(row));
            for found in pattern.find_iter(&text).take(64) {
                let from = width(&text[..found.start()]);
                let to = from + width(found.as_str());
                let hit = Rect::new(area.x + from, y, to - from, 1).intersection(area);
                buffer.set_style(hit, theme.search_hit);
            }
        }
    }
}

fn style_of(cell: &term::Cell<'_>) -> Style {
    let mut style = Style::new();
    if let Some(colour) = colour(cell.fg) {
        style = style.fg(colour);
    }
    if let Some(colour) = colour(cell.bg) {
        style = style.bg(colour);
    }
    for (attribute, modifier) in [
        (Attrs::BOLD, Modifier::BOLD),
        (Attrs::DIM, Modifier::DIM),
        (Attrs::ITALIC, Modifier::ITALIC),
        (Attrs::UNDERLINE, Modifier::UNDERLINED),
        (Attrs::INVERSE, Modifier::REVERSED),
        (Attrs::HIDDEN, Modifier::HIDDEN),
        (Attrs::STRIKE, Modifier::CROSSED_OUT),
    ] {
        if cell.attrs.contains(attribute) {
            style = style.add_modifier(modifier);
        }
    }
    style
}

fn colour(colour: term::Color) -> Option<Color> {
    match colour {
        term::Color::Default => None,
        term::Color::Indexed(index) => Some(Color::Indexed(index)),
        term::Color::Rgb(red, green, blue) => Some(Color::Rgb(red, green, blue)),
    }
}

fn merged(run: &Run, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let Some(merged) = &run.merged else { return };
    let mut right = Vec::new();
    if let Some(filter) = &merged.filter {
        right.push(format!("only /{filter}/"));
    }
    match merged.left_out(&run.facts) {
        0 => {}
        count => right.push(format!("{count} more ranks are not followed")),
    }
    if merged.skipped > 0 {
        right.push(format!("{} not shown", amount(merged.skipped)));
    }
    if merged.offset > 0 {
        right.push(format!("{} {} lines back", theme.glyphs.up, merged.offset));
    }
    let title = format!("{} all in one", merged.of);
    let frame = Panel::new(title).right(right.join(" ")).focused(true);
    let inside = frame.draw(buffer, area, theme);
    let height = usize::from(inside.height);
    let lines: Vec<_> = merged
        .shown()
        .rev()
        .skip(merged.offset)
        .take(height)
        .collect();
    let one_group = run.facts.groups.len() == 1;
    let name = |process: &ProcessId| match one_group {
        true => format!("{}.{}", process.template, process.rank),
        false => process.to_string(),
    };
    let longest = lines
        .iter()
        .map(|line| width(&name(&line.process)))
        .max()
        .unwrap_or(0);
    for (row, line) in (0u16..).zip(lines.iter().rev()) {
        let y = inside.y + row;
        let colour = theme.rank(number(&line.process));
        let prefix = format!("{:<1$}", name(&line.process), usize::from(longest));
        put(
            buffer,
            Rect::new(inside.x, y, inside.width, 1),
            &prefix,
            colour,
        );
        let bar = Rect::new(
            inside.x + longest,
            y,
            inside.width.saturating_sub(longest),
            1,
        );
        put(buffer, bar, &format!(" {} ", theme.glyphs.pipe), theme.dim);
        let text = Rect::new(bar.x + 3, y, bar.width.saturating_sub(3), 1);
        put(buffer, text, &line.text, theme.text);
        if let Some(pattern) = &run.search {
            for found in pattern.find_iter(&line.text).take(64) {
                let from = width(&line.text[..found.start()]);
                let hit = Rect::new(text.x.saturating_add(from), y, width(found.as_str()), 1);
                buffer.set_style(hit.intersection(text), theme.search_hit);
            }
        }
    }
    if lines.is_empty() {
        centred("no line yet", theme.dim, inside, buffer);
    }
}

/// A number for the colour of a rank: ranks of one template follow each other.
fn number(process: &ProcessId) -> usize {
    let name = process.template.as_str().bytes();
    let base = name.fold(0usize, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(byte.into())
    });
    base.wrapping_add(process.rank as usize)
}
