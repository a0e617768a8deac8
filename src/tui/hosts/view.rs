//! How the hosts are drawn.
//!
//! Owns the division of the screen ([`areas`]) and the list; what the selected host uses is drawn in `load`, its GPUs in
//! `gpus`, who is there in `ranks`. Counts nothing: the rows are those of the [`Board`](super::Board).

mod gpus;
mod load;
mod ranks;

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
};

use super::{
    Part,
    board::{Host, Standing},
};
use crate::{
    model::ids::HostName,
    tui::{
        facts::HostFacts,
        keymap::{Action, Context},
        run,
        state::State,
        theme::Theme,
        widget::{
            bar, format, list,
            panel::Panel,
            text::{columns, put, put_cut, put_right},
        },
    },
};

/// From this width on there are two columns below the list.
const WIDE: u16 = 100;

/// GPUs of a host that are shown at once.
const GPUS: usize = 8;

/// Where the parts of the screen are; empty where there is no room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Areas {
    /// All hosts.
    pub list: Rect,
    /// What the selected one uses.
    pub load: Rect,
    /// Its GPUs.
    pub gpus: Rect,
    /// Who is there.
    pub ranks: Rect,
}

/// Divides the screen.
pub fn areas(state: &State, area: Rect) -> Areas {
    let mut areas = Areas::default();
    let mut left = area;
    let mut take = |height: u16| {
        let taken = Rect {
            height: height.min(left.height),
            ..left
        };
        left.y += taken.height;
        left.height -= taken.height;
        (taken, left)
    };
    let known = u16::try_from(state.hosts.shown().len()).unwrap_or(u16::MAX);
    let wanted = known.max(1).saturating_add(3);
    let (list, _) = take(wanted.clamp(4, (area.height / 3).max(5)));
    areas.list = list;
    let gpus = selected(state)
        .and_then(|(_, _, facts)| facts)
        .and_then(|facts| facts.sample.as_ref())
        .map_or(0, |sample| sample.gpus.len().min(GPUS));
    if area.width >= WIDE {
        if gpus > 0 {
            (areas.gpus, _) = take(gpus as u16 + 2);
        }
        let (rest, _) = take(u16::MAX);
        let width = area.width / 2;
        areas.load = Rect { width, ..rest };
        areas.ranks = Rect {
            x: rest.x + width,
            width: rest.width - width,
            ..rest
        };
        return areas;
    }
    let (load, rest) = take(if area.height >= 14 { 6 } else { 0 });
    areas.load = load;
    if gpus > 0 && rest.height >= 8 {
        (areas.gpus, _) = take((gpus as u16 + 2).min(rest.height - 5));
    }
    (areas.ranks, _) = take(u16::MAX);
    areas
}

/// The rows of the list.
pub fn list_rows(area: Rect) -> Rect {
    let inside = Panel::inner(area);
    Rect {
        y: inside.y + 1.min(inside.height),
        height: inside.height.saturating_sub(1),
        ..inside
    }
}

/// The selected host, and what the run knows of it.
fn selected(state: &State) -> Option<(usize, &Host, Option<&HostFacts>)> {
    let (at, host) = state.hosts.current()?;
    let facts = state
        .run
        .as_ref()
        .and_then(|run| run.facts.hosts.get(&HostName::new(&host.name)));
    Some((at, host, facts))
}

/// The key of an action here, as a text may name it.
fn key(state: &State, action: Action) -> String {
    let keys = state.config.keymap.keys(Context::Hosts, action);
    keys.first()
        .map_or_else(String::new, |key| key.label(state.glyphs).to_string())
}

/// Draws the screen.
pub fn draw(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) -> Option<Position> {
    if state.hosts.board.hosts.is_empty() {
        let start = key(state, Action::Start);
        let new = key(state, Action::NewHost);
        let lines = [
            "hosts are known once the session is planned or started".to_owned(),
            format!("{start} starts it, {new} adds a host to it"),
        ];
        for (row, line) in (0u16..).zip(lines) {
            let y = area.y + area.height / 2 + row;
            let x = area.x + area.width.saturating_sub(columns(&line)) / 2;
            if y < area.bottom() {
                put_cut(buffer, x, y, area.width, &line, theme.dim, theme.glyphs);
            }
        }
        return None;
    }
    let areas = areas(state, area);
    hosts(state, theme, areas.list, buffer);
    let (_, host, facts) = selected(state)?;
    load::draw(host, facts, theme, areas.load, buffer);
    if let (Some(sample), Some(run)) = (
        facts.and_then(|facts| facts.sample.as_ref()),
        state.run.as_ref(),
    ) {
        gpus::draw(run, sample, theme, areas.gpus, buffer);
    }
    ranks::draw(state, host, theme, areas.ranks, buffer);
    None
}

/// A sign for how it stands, and a word.
fn standing<'t>(host: &Host, theme: &'t Theme) -> (&'t str, Style, String) {
    let glyphs = theme.glyphs;
    match &host.standing {
        Standing::Used => (glyphs.running, theme.running, "used".to_owned()),
        Standing::Idle if host.over() > 0 => (glyphs.waiting, theme.dim, "done".to_owned()),
        Standing::Idle => (glyphs.waiting, theme.waiting, "idle".to_owned()),
        Standing::Lost(_) => (glyphs.unknown, theme.error, "lost".to_owned()),
        Standing::OutOfReach(_) => (glyphs.none, theme.dim, "not used".to_owned()),
        Standing::Planned(_) => (glyphs.waiting, theme.waiting, "planned".to_owned()),
    }
}

/// The columns of the list.
struct Columns {
    name: u16,
    word: u16,
    bar: u16,
    cpu: u16,
    load: u16,
    memory: u16,
    gpus: u16,
    ranks: u16,
    /// Who they are: where there is room.
    who: u16,
}

impl Columns {
    fn of(state: &State, width: u16) -> Self {
        let longest = state
            .hosts
            .board
            .hosts
            .iter()
            .map(|host| columns(&host.name));
        let most = (width / 5).clamp(8, 28);
        let name = longest.max().unwrap_or(0).saturating_add(2).clamp(8, most);
        let (word, cpu, memory) = (10, 12, 15);
        let mut left = width.saturating_sub(2 + name);
        let mut take = |wanted: u16, keep: u16| {
            let taken = if left >= wanted + keep { wanted } else { 0 };
            left -= taken;
            taken
        };
        let cpu = take(cpu, 0);
        let ranks = take(7, 0);
        let word = take(word, 0);
        let memory = take(memory, 0);
        let load = take(7, 0);
        let gpus = take(6, 0);
        let bar = take(13, 0);
        let who = if left < 12 { 0 } else { left };
        Self {
            name,
            word,
            bar,
            cpu,
            load,
            memory,
            gpus,
            ranks,
            who,
        }
    }
}

fn hosts(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let shown = state.hosts.shown();
    let current = state.hosts.current().map(|(at, _)| at);
    let used = shown
        .iter()
        .filter(|host| host.standing == Standing::Used)
        .count();
    let mut panel = Panel::new("hosts")
        .focused(state.hosts.part == Part::Hosts)
        .right(format!("{used} of {} used", shown.len()));
    if !state.hosts.filter.is_empty() {
        panel = panel.about(format!("with {:?} in their name", state.hosts.filter));
    }
    let body = list_rows(area);
    if shown.len() > usize::from(body.height) {
        panel = panel.footer(format::place(current.unwrap_or(0), shown.len()));
    }
    let inside = panel.draw(buffer, area, theme);
    if inside.height < 2 {
        return;
    }
    if shown.is_empty() {
        let text = "no host is called so";
        put(buffer, body.x, body.y, body.width, text, theme.dim);
        return;
    }
    let widths = Columns::of(state, inside.width);
    head(&widths, theme, inside, buffer);
    let view = list::View {
        first: run::view::scrolled(current.unwrap_or(0), shown.len(), usize::from(body.height)),
        selected: current,
        length: shown.len(),
    };
    list::draw(buffer, body, view, theme, |buffer, line, index, _| {
        row(state, shown[index], &widths, line, theme, buffer);
    });
}

fn head(widths: &Columns, theme: &Theme, inside: Rect, buffer: &mut Buffer) {
    let mut x = inside.x + 2;
    for (word, width, is_right) in [
        ("host", widths.name, false),
        ("", widths.word, false),
        ("cpu", widths.bar, false),
        (if widths.bar == 0 { "cpu" } else { "" }, widths.cpu, true),
        ("load", widths.load, true),
        ("memory", widths.memory, true),
        ("gpus", widths.gpus, true),
        ("ranks", widths.ranks, true),
        ("  who", widths.who, false),
    ] {
        match is_right {
            true => put_right(buffer, x, inside.y, width, word, theme.dim, theme.glyphs),
            false => put(buffer, x, inside.y, width, word, theme.dim),
        };
        x += width;
    }
}

fn row(
    state: &State,
    host: &Host,
    widths: &Columns,
    line: Rect,
    theme: &Theme,
    buffer: &mut Buffer,
) {
    let y = line.y;
    let (sign, style, word) = standing(host, theme);
    put(buffer, line.x, y, 2, sign, style);
    let mut x = line.x + 2;
    let name = widths.name.saturating_sub(1);
    put_cut(buffer, x, y, name, &host.name, theme.text, theme.glyphs);
    x += widths.name;
    put(buffer, x, y, widths.word, &word, style);
    x += widths.word;
    if let Standing::Lost(why) = &host.standing {
        let width = line.right().saturating_sub(x);
        put_cut(buffer, x, y, width, why, theme.error, theme.glyphs);
        return;
    }
    if let Standing::OutOfReach(why) = &host.standing {
        let width = line.right().saturating_sub(x);
        put_cut(buffer, x, y, width, why, theme.dim, theme.glyphs);
        return;
    }
    let facts = state
        .run
        .as_ref()
        .and_then(|run| run.facts.hosts.get(&HostName::new(&host.name)));
    let sample = facts.and_then(|facts| facts.sample.as_ref());
    let none = theme.glyphs.none;
    let share = sample.map(|sample| f64::from(sample.cpu) / f64::from(host.cpus.max(1)));
    if widths.bar > 1 {
        if let Some(share) = share {
            let place = Rect::new(x, y, widths.bar - 1, 1);
            bar::draw(buffer, place, share, bar::fullness(share, theme), theme);
        }
        x += widths.bar;
    }
    let cpu = match share {
        Some(share) => format!("{} of {:>3}", format::percent(share), host.cpus),
        None => format!("{} cpus", host.cpus),
    };
    let memory = match (sample, host.memory) {
        (Some(sample), _) => {
            let (used, total) = sample.memory;
            format!("{} of {:>4}", format::bytes(used), format::bytes(total))
        }
        (None, 0) => none.to_owned(),
        (None, memory) => format::bytes(memory),
    };
    let load = sample.and_then(|sample| sample.load);
    let ranks = match host.standing {
        Standing::Planned(number) => number,
        _ => host.live().into(),
    };
    for (text, width) in [
        (cpu, widths.cpu),
        (
            load.map_or_else(|| none.to_owned(), |load| format!("{load:.1}")),
            widths.load,
        ),
        (memory, widths.memory),
        (
            match host.gpus {
                0 => none.to_owned(),
                gpus => gpus.to_string(),
            },
            widths.gpus,
        ),
        (format::count(ranks), widths.ranks),
    ] {
        if width > 0 {
            put_right(buffer, x, y, width, &text, theme.text, theme.glyphs);
        }
        x += width;
    }
    if widths.who > 0 {
        let alive = host
            .ranks
            .iter()
            .filter(|row| row.live > 0 || matches!(host.standing, Standing::Planned(_)));
        let who: Vec<String> = alive
            .take(4)
            .map(|row| format!("{}/{} {}", row.group, row.template, row.numbers()))
            .collect();
        let width = line.right().saturating_sub(x + 2);
        let who = who.join(", ");
        put_cut(buffer, x + 2, y, width, &who, theme.dim, theme.glyphs);
    }
}
