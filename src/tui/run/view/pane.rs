//! One pane: the picture of a process's terminal, or why there is none.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::{Color, Modifier, Style},
};

use super::{Run, amount, centred, clock, state_of, width};
use crate::{
    model::lifecycle::ProcessState,
    term::{self, Attrs, Screen},
    tui::{
        facts::Rank,
        keymap::{Action, Context},
        run::{Focus, Link, Pane, Selection},
        state::State,
        theme::Theme,
        widget::panel::Panel,
    },
};

/// Draws it; says where the cursor is to stand, if in it.
pub fn draw(
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
        // A shell sets one for every line; what fills the screen has something to say with it.
        let title = pane.screen.title();
        if pane.screen.modes().alternate_screen && !title.is_empty() {
            about.push_str(&format!(" {} {title}", theme.glyphs.dot));
        }
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
        let keys = format!("{} opens it", state.key_here(Action::Mute));
        let below = Rect::new(
            inside.x,
            inside.y + inside.height / 2,
            inside.width,
            inside.height - inside.height / 2,
        );
        if below.height > 1 {
            centred(
                &keys,
                theme.dim,
                Rect::new(below.x, below.y + 1, below.width, 1),
                buffer,
            );
        }
        return None;
    }
    // Where nobody wrote down when a log grew: what had not begun had written nothing.
    let has_begun = run.link != Link::Past || rank.began.is_some();
    if has_begun {
        screen(&pane.screen, inside, theme, run.search.as_ref(), buffer);
        if let Some(chosen) = &run.selection
            && chosen.process == pane.process
        {
            selection(&pane.screen, chosen, inside, theme, buffer);
        }
    }
    if !has_begun || is_blank(&pane.screen) {
        let text = empty_text(state, run, pane, rank);
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

/// What is chosen to be copied.
fn selection(screen: &Screen, chosen: &Selection, area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let top = -i32::try_from(screen.offset()).unwrap_or(i32::MAX);
    for position in area.positions() {
        let line = top + i32::from(position.y - area.y);
        if chosen.covers(line, position.x - area.x)
            && let Some(cell) = buffer.cell_mut(position)
        {
            cell.set_style(theme.selection);
        }
    }
}

fn empty_text(state: &State, run: &Run, pane: &Pane, rank: &Rank) -> String {
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
            format!("{}: {} says why", rank.state, state.key_here(Action::Why))
        }
        (_, ProcessState::Ended) => match &rank.status {
            Some(status) => format!("no output; {status}"),
            None => format!(
                "was never started: {} says why",
                state.key_here(Action::Why)
            ),
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
        let key = state.key(Context::Typing, Action::LeaveTyping);
        parts.push(format!("typing: {key} leaves"));
    }
    if run
        .selection
        .as_ref()
        .is_some_and(|it| it.process == pane.process)
    {
        parts.push(format!(
            "{} copies what is chosen",
            state.key_here(Action::Copy)
        ));
    } else if pane.paused {
        parts.push(match pane.waiting() {
            0 => "paused".to_owned(),
            waiting => format!("paused, {} wait", amount(waiting as u64)),
        });
    }
    if pane.screen.offset() > 0 {
        parts.push(format!(
            "{} {} lines back",
            theme.glyphs.up,
            pane.screen.offset()
        ));
        if pane.screen.offset() == pane.screen.history() && pane.has_more_above() {
            parts.push("the log has more".to_owned());
        }
    }
    let is_inside = run.past.as_ref().is_some_and(|past| !past.is_at_end());
    if is_inside && rank.state.is_live() && run.until(&pane.process).is_none() {
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
fn screen(
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
