//! How everything is drawn, and where it is.
//!
//! Owns [`Places`], the division of the screen that drawing, the mouse and the sizes of panes go by. Reads the state,
//! changes nothing. Start at [`draw`].

use std::time::Duration;

use ratatui::{
    Frame,
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
    text::{Line, Span},
};

use super::{
    compose, hosts, overlay, queues, run, runs,
    state::{State, Tab},
    theme::Theme,
    tips,
    widget::{
        format, hints,
        popup::{self, Tone},
        tabs::Tabs,
        text,
    },
};
use crate::model::event::{Level, Outcome};

/// A screen narrower than this has no tree beside its panes.
const NARROW: u16 = 100;

/// Columns of the tree.
const TREE: u16 = 44;

/// Lines of the queues below the tree, at most, with their border.
const QUEUES: u16 = 8;

/// Where things are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// The first line.
    pub top: Rect,
    /// Everything between the first line and the last.
    pub body: Rect,
    /// The last line.
    pub bottom: Rect,
    /// The tree of the run screen; empty where there is no room.
    pub tree: Rect,
    /// The ranks in one line, where there is no tree.
    pub strip: Rect,
    /// The queues in small.
    pub queues: Rect,
    /// The panes.
    pub panes: Rect,
    /// What past run it is; empty where none is looked at.
    pub banner: Rect,
    /// Which moment of it.
    pub time: Rect,
}

/// Divides the screen.
pub fn places(state: &State) -> Places {
    let area = state.area;
    let top = Rect {
        height: area.height.min(1),
        ..area
    };
    let bottom = Rect {
        y: area.bottom().saturating_sub(1),
        height: u16::from(area.height > 1),
        ..area
    };
    let body = Rect {
        y: top.bottom(),
        height: area.height.saturating_sub(2),
        ..area
    };
    let mut places = Places {
        top,
        bottom,
        ..Places::default()
    };
    let body = runs::view::around(state, body, &mut places);
    places.body = body;
    let focus_on_tree = state.run.as_ref().is_some_and(|run| {
        run.focus == run::Focus::Tree && run.typing.is_none() && !run.zoom && run.merged.is_none()
    });
    let zoomed = state.run.as_ref().is_some_and(|run| run.zoom);
    if area.width >= NARROW && !zoomed {
        let width = TREE.min(body.width / 2);
        let known = state.run.as_ref().map_or(0, |run| run.queues.queues.len());
        let wanted = match known {
            0 => 0,
            known => (known as u16).saturating_add(2).min(QUEUES),
        };
        let below = wanted.min(body.height / 3);
        places.tree = Rect {
            width,
            height: body.height - below,
            ..body
        };
        places.queues = Rect {
            y: places.tree.bottom(),
            width,
            height: below,
            ..body
        };
        places.panes = Rect {
            x: body.x + width,
            width: body.width - width,
            ..body
        };
    } else if focus_on_tree && body.height > 8 {
        // Small: the tree above, the pane of what is selected below.
        let height = (body.height / 2).min(10);
        places.tree = Rect { height, ..body };
        places.panes = Rect {
            y: places.tree.bottom(),
            height: body.height - height,
            ..body
        };
    } else {
        places.strip = Rect {
            height: body.height.min(1),
            ..body
        };
        places.panes = Rect {
            y: places.strip.bottom(),
            height: body.height - places.strip.height,
            ..body
        };
    }
    places
}

/// Draws the screen.
pub fn draw(state: &State, theme: &Theme, frame: &mut Frame<'_>) {
    let area = frame.area();
    let buffer = frame.buffer_mut();
    if area == state.area {
        if let Some(cursor) = draw_all(state, theme, buffer) {
            frame.set_cursor_position(cursor);
        }
        return;
    }
    // The terminal has another size already, and the message about it is on its way: what fits is better than nothing.
    let mut all = Buffer::empty(state.area);
    draw_all(state, theme, &mut all);
    text::fill(buffer, area, theme.base());
    for at in area.intersection(state.area).positions() {
        buffer[at] = all[at].clone();
    }
}

/// Draws everything; says where the cursor is to stand.
fn draw_all(state: &State, theme: &Theme, buffer: &mut Buffer) -> Option<Position> {
    text::fill(buffer, state.area, theme.base());
    let places = &state.places;
    top(state, theme, places.top, buffer);
    let mut cursor = match state.tab {
        Tab::Run => run::view::draw(state, theme, buffer),
        Tab::Queues => queues::view::draw(state, theme, places.body, buffer),
        Tab::Hosts => hosts::view::draw(state, theme, places.body, buffer),
        Tab::Compose => compose::view::draw(state, theme, places.body, buffer),
        Tab::Runs => runs::view::draw(state, theme, places.body, buffer),
    };
    runs::view::past(state, theme, places, buffer);
    let own = match state.tab {
        Tab::Run => run::view::hints::hints(state),
        _ => runs::view::hints(state),
    };
    let hints_of = match own {
        Some(hints) => hints,
        None => state.config.keymap.hints(state.context()),
    };
    let right = Line::from(bottom_right(state));
    hints::draw(buffer, places.bottom, &hints_of, &right, theme);
    for overlay in &state.overlays {
        cursor = overlay::view::draw(state, overlay, theme, places.body, buffer);
    }
    let toasts: Vec<(Tone, String)> = state
        .toasts
        .iter()
        .map(|toast| {
            let tone = match toast.level {
                Level::Info => Tone::Info,
                Level::Warning => Tone::Warning,
                Level::Error => Tone::Error,
            };
            let times = match toast.times {
                1 => String::new(),
                times => format!(" ({}{times})", theme.glyphs.times),
            };
            (tone, format!("{}{times}", toast.text))
        })
        .collect();
    let toasts = toasts.iter().map(|(tone, text)| (*tone, text.as_str()));
    popup::toasts(buffer, places.body, toasts, theme);
    cursor
}

fn bottom_right(state: &State) -> String {
    let Some(run) = &state.run else {
        return String::new();
    };
    match state.tab {
        Tab::Run if run.pages > 1 && run.merged.is_none() => {
            format!("page {} of {}", run.page + 1, run.pages)
        }
        Tab::Run => tips::text(state).unwrap_or_default(),
        _ => String::new(),
    }
}

/// Draws the first line; gives where the name of each screen is.
pub fn top(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) -> Vec<Rect> {
    let changed = if state.draft.is_changed() { " *" } else { "" };
    let session = match runs::update::past(state) {
        Some(past) => past.listed.session.clone(),
        None => state.draft.name() + changed,
    };
    let name = format!("dragon-tui {} {session}", theme.glyphs.closed);
    let screens: Vec<(&str, &str)> = ["1", "2", "3", "4", "5"]
        .into_iter()
        .zip(Tab::ALL.map(Tab::name))
        .collect();
    let current = Tab::ALL.iter().position(|tab| *tab == state.tab);
    Tabs {
        name: Line::from(name),
        screens: &screens,
        current: current.unwrap_or(0),
        status: status(state, theme),
    }
    .draw(buffer, area, theme)
}

/// How it goes, in a few words.
fn status<'t>(state: &State, theme: &'t Theme) -> Line<'t> {
    let Some(run) = &state.run else {
        return Line::default();
    };
    let count = run.facts.count(None);
    // It stands still when nothing is alive, although the engine waits for what is wished next.
    let seconds = match count.is_busy() || run.facts.outcome.is_some() || run.past.is_some() {
        true => run.seconds(state.now),
        false => run.facts.last_end(),
    };
    let clock = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    let clock = format::clock(clock);
    let died = run
        .past
        .as_ref()
        .is_some_and(|past| past.listed.word() == "died" && past.is_at_end());
    let (sign, style, word): (&str, Style, &str) = match (&run.link, run.facts.outcome) {
        (run::Link::Past, None) if died => (theme.glyphs.unknown, theme.error, "engine died"),
        (run::Link::Gone(_), _) => (theme.glyphs.unknown, theme.error, "engine gone"),
        (run::Link::Starting, _) => (theme.glyphs.starting, theme.starting, "starting"),
        (_, Some(Outcome::Succeeded)) => (theme.glyphs.succeeded, theme.ok, "succeeded"),
        (_, Some(Outcome::Interrupted)) => (theme.glyphs.stopped, theme.stopped, "stopped"),
        (_, Some(Outcome::Walltime)) => (theme.glyphs.failed, theme.error, "walltime is over"),
        (_, Some(_)) => (theme.glyphs.failed, theme.error, "failed"),
        (_, None) if count.starting > 0 => (theme.glyphs.starting, theme.starting, "starting"),
        (_, None) if count.stopping > 0 => (theme.glyphs.stopping, theme.stopped, "stopping"),
        (_, None) if count.live > 0 => (theme.glyphs.running, theme.running, "running"),
        (_, None) if count.failed > 0 => (theme.glyphs.failed, theme.error, "ended"),
        (_, None) if count.well == count.total => {
            (theme.glyphs.succeeded, theme.ok, "all ended well")
        }
        (_, None) if count.stopped > 0 => (theme.glyphs.stopped, theme.stopped, "stopped"),
        (_, None) if count.well > 0 => (theme.glyphs.stopped, theme.stopped, "ended"),
        (_, None) => (theme.glyphs.waiting, theme.waiting, "nothing runs"),
    };
    let failed = if count.failed > 0 {
        theme.error
    } else {
        theme.dim
    };
    Line::from(vec![
        Span::styled(format!("{sign} {word} "), style),
        Span::styled(format!("{clock}  "), theme.text),
        Span::styled(
            format!("{} of {} run  ", count.live, count.total),
            theme.text,
        ),
        Span::styled(format!("{} {}", count.failed, theme.glyphs.failed), failed),
    ])
}
