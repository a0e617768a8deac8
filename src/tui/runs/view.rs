//! How past runs are drawn: the list, two of them side by side, and the frame around one that is looked at.
//!
//! Reads the state, changes nothing. Start at [`draw`].

use std::time::Duration;

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
    text::{Line, Span},
};

use super::{reading::Listed, timebar::column_of, update::past as past_of};
use crate::{
    model::event::Outcome,
    record::{RunState, civil::utc_text},
    tui::{
        keymap::{Action, Context, Hint},
        run,
        state::{State, Tab},
        theme::Theme,
        view::Places,
        widget::{
            format, list,
            panel::Panel,
            text::{columns, put, put_cut, put_line, put_right},
        },
    },
};

/// Columns of the id of a run; shown where there is room for it.
const ID: u16 = 14;
const WITH_ID: u16 = 96;

/// The frame around a past run takes a line above and one below; on a very low screen only the one below.
pub fn around(state: &State, body: Rect, places: &mut Places) -> Rect {
    let has_past = past_of(state).is_some();
    if !has_past || !matches!(state.tab, Tab::Run | Tab::Queues | Tab::Hosts) || body.height < 3 {
        return body;
    }
    let above = u16::from(body.height >= 8);
    places.banner = Rect {
        height: above,
        ..body
    };
    places.time = Rect {
        y: body.bottom() - 1,
        height: 1,
        ..body
    };
    Rect {
        y: body.y + above,
        height: body.height - above - 1,
        ..body
    }
}

/// The sign of a run, and its colour.
fn sign(listed: &Listed, theme: &Theme) -> (&'static str, Style) {
    match (&listed.state, listed.outcome) {
        (RunState::RunningHere, _) => (theme.glyphs.running, theme.running),
        (RunState::OnHost(_), _) => (theme.glyphs.unknown, theme.unknown),
        (_, Some(Outcome::Succeeded)) => (theme.glyphs.succeeded, theme.ok),
        (_, Some(Outcome::Interrupted)) => (theme.glyphs.stopped, theme.stopped),
        (_, Some(_)) => (theme.glyphs.failed, theme.error),
        (_, None) => (theme.glyphs.unknown, theme.error),
    }
}

/// Seconds as a clock.
pub(super) fn clock(seconds: f64) -> String {
    format::clock(Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default())
}

/// A short run in tenths: `4.2 s`.
pub(super) fn length(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 59.95 => format!("{:.1} s", seconds.max(0.0)),
        seconds => clock(seconds),
    }
}

/// The line above a past run and the one below it.
pub fn past(state: &State, theme: &Theme, places: &Places, buffer: &mut Buffer) {
    let Some(past) = past_of(state) else { return };
    let listed = &past.listed;
    let (glyph, style) = sign(listed, theme);
    let area = places.banner;
    if !area.is_empty() {
        let took = match listed.seconds {
            Some(seconds) => format!("{} after {}", listed.word(), length(seconds)),
            None => listed.word().into_owned(),
        };
        let left = Line::from(vec![
            Span::styled(" the past ", theme.title.patch(theme.info)),
            Span::styled(format!("{}  ", listed.session), theme.title),
            Span::styled(format!("{glyph} "), style),
            Span::styled(format!("{took}  "), theme.text),
            Span::styled(
                format!("{} UTC  {}", utc_text(listed.started), listed.id),
                theme.dim,
            ),
        ]);
        put_line(buffer, area.x, area.y, area.width, &left);
        let back = state.key(state.context(), Action::Back);
        let right = match &state.aside {
            Some(run) if run.is_live() => format!("{back}: back; a run goes on "),
            _ => format!("{back}: back "),
        };
        let used = u16::try_from(left.width()).unwrap_or(u16::MAX);
        if used.saturating_add(columns(&right) + 1) < area.width {
            let x = area.right() - columns(&right);
            put(buffer, x, area.y, columns(&right), &right, theme.dim);
        }
        buffer.set_style(area, Style::new().bg(ground(theme)));
    }
    let area = places.time;
    if area.is_empty() {
        return;
    }
    let label = label(past.at, past.end);
    // What is shown is still that of the second before.
    let style = if past.is_reading() {
        theme.dim
    } else {
        theme.text
    };
    put(buffer, area.x, area.y, area.width, &label, style);
    let keys = time_keys(state);
    let track = track(state, area, past.end);
    for x in track.left()..track.right() {
        let passed = x - track.x <= column_of(past.at, past.end, track.width);
        let style = if passed { theme.accent } else { theme.border };
        let rule = theme.glyphs.border.horizontal;
        put(buffer, x, track.y, 1, rule, style);
    }
    if !track.is_empty() {
        for failure in &past.failures {
            let x = track.x + column_of(*failure, past.end, track.width);
            put(buffer, x, track.y, 1, theme.glyphs.failed, theme.error);
        }
        let x = track.x + column_of(past.at, past.end, track.width);
        put(buffer, x, track.y, 1, theme.glyphs.running, theme.accent);
    }
    let [moves, ends] = keys;
    let keys = match past.is_reading() {
        true => Line::from(Span::styled("reading the record", theme.dim)),
        false => Line::from(vec![
            Span::styled(moves, theme.key),
            Span::styled(MOVES, theme.dim),
            Span::styled(ends, theme.key),
            Span::styled(ENDS, theme.dim),
        ]),
    };
    let x = track.right() + 2;
    if x < area.right() {
        put_line(buffer, x, area.y, area.right() - x, &keys);
    }
}

/// The keys that make sense in the past, for the last line; absent: it is not looked at.
pub fn hints(state: &State) -> Option<Vec<Hint>> {
    if state.tab == Tab::Runs && state.runs.compared.is_some() && state.overlays.is_empty() {
        let keys = |action| state.config.keymap.keys(Context::Runs, action);
        let hint = |action, words| Hint {
            keys: keys(action).into_iter().take(1).collect(),
            words,
        };
        return Some(vec![
            hint(Action::Up, "up"),
            hint(Action::Down, "down"),
            hint(Action::Back, "back"),
            hint(Action::Help, "help"),
        ]);
    }
    past_of(state)?;
    let context = state.context();
    if !matches!(
        context,
        Context::Run | Context::Pane | Context::Merged | Context::Queues | Context::Hosts
    ) {
        return None;
    }
    let on_run = state.tab == Tab::Run;
    let wanted: &[(&[Action], &str, bool)] = &[
        (&[Action::Earlier, Action::Later], "earlier, later", true),
        (&[Action::Start], "run again", on_run),
        (&[Action::Zoom], "zoom", on_run),
        (&[Action::Merged], "all-in-one", on_run),
        (&[Action::Search], "search", on_run),
        (&[Action::Why], "why", on_run),
        (&[Action::Back], "back", true),
        (&[Action::Help], "help", true),
    ];
    let wanted = wanted.iter().filter(|(_, _, here)| *here);
    let hints = wanted.map(|(actions, words, _)| Hint {
        keys: actions
            .iter()
            .filter_map(|action| state.config.keymap.keys(context, *action).first().copied())
            .collect(),
        words,
    });
    Some(hints.collect())
}

fn ground(theme: &Theme) -> ratatui::style::Color {
    let base = theme.bar_empty.bg.or(theme.base().bg);
    base.unwrap_or(ratatui::style::Color::Reset)
}

fn label(at: f64, end: f64) -> String {
    let end = length(end);
    let width = usize::from(columns(&end));
    let at = match end.ends_with('s') {
        true => format!("{:.1} s", at.max(0.0)),
        false => clock(at),
    };
    format!(" {at:>width$} of {end} ")
}

/// What the keys beside the time bar do.
const MOVES: &str = " move  ";
const ENDS: &str = " begin, end";

/// The keys beside the time bar: one step, to an end.
fn time_keys(state: &State) -> [String; 2] {
    let context = state.context();
    // Under a question they are those of the screen below.
    let context = match state.overlays.is_empty() {
        true => context,
        false => Context::Run,
    };
    [
        [Action::Earlier, Action::Later],
        [Action::Earliest, Action::Latest],
    ]
    .map(|pair| pair.map(|action| state.key(context, action)).join(" "))
}

/// Where the time bar of a run of so many seconds is, between its label and its keys.
pub fn track(state: &State, area: Rect, end: f64) -> Rect {
    let label = columns(&label(end, end));
    let [moves, ends] = time_keys(state);
    let keys = columns(&moves) + columns(&ends) + columns(MOVES) + columns(ENDS) + 4;
    let keys = match area.width {
        70.. => keys,
        _ => 1,
    };
    Rect {
        x: area.x + label.min(area.width),
        width: area.width.saturating_sub(label + keys),
        ..area
    }
}

/// Draws the screen.
pub fn draw(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) -> Option<Position> {
    let runs = &state.runs;
    if let Some((compared, first)) = &runs.compared {
        super::compare::view::draw(compared, *first, theme, area, buffer);
        return None;
    }
    let known = runs.known.as_deref().unwrap_or_default();
    if known.is_empty() {
        nothing(state, theme, area, buffer);
        return None;
    }
    let shown = runs.shown();
    let (rows, filter) = rows_of(state, area);
    let bytes: u64 = known.iter().map(|run| run.size).sum();
    let at = runs.current().map(|(at, _)| at);
    let panel = Panel::new("past runs")
        .about(format!("{} on disk", format::bytes(bytes)))
        .right(runs.busy.clone().unwrap_or_default())
        .footer(at.map_or(String::new(), |at| format::place(at, shown.len())))
        .focused(true);
    panel.draw(buffer, area, theme);
    let mut cursor = None;
    if !filter.is_empty() {
        let used = put(buffer, filter.x, filter.y, filter.width, "/", theme.key);
        let text = Rect {
            x: filter.x + used + 1,
            width: filter.width.saturating_sub(used + 1),
            ..filter
        };
        cursor = runs.filter.draw(buffer, text, runs.is_filtering, theme);
    }
    let has_id = area.width >= WITH_ID;
    let header = Rect {
        y: rows.y.saturating_sub(1),
        height: u16::from(rows.y > area.y + 1),
        ..rows
    };
    if !header.is_empty() {
        let header = Rect {
            width: header.width.saturating_sub(1),
            ..header
        };
        row_of(&HEADER, None, theme.dim, has_id, header, theme, buffer);
    }
    if shown.is_empty() {
        put(
            buffer,
            rows.x,
            rows.y,
            rows.width,
            &format!(
                "no run fits: {} shows all",
                state.key(state.context(), Action::Back)
            ),
            theme.dim,
        );
        return cursor;
    }
    let view = list::View {
        first: run::view::scrolled(at.unwrap_or(0), shown.len(), usize::from(rows.height)),
        selected: at,
        length: shown.len(),
    };
    list::draw(buffer, rows, view, theme, |buffer, line, index, _| {
        let free = u16::from(line.width == rows.width);
        let line = Rect {
            width: line.width.saturating_sub(free),
            ..line
        };
        let listed = shown[index];
        let none = || theme.glyphs.none.to_owned();
        let failed = listed.failed.map_or_else(none, format::count);
        let cells = [
            format!(
                "{} {:>8}",
                utc_text(listed.started),
                ago_short(listed, runs.read_at)
            ),
            listed.session.clone(),
            listed.word().into_owned(),
            listed.seconds.map_or_else(none, length),
            format::count(listed.ranks),
            failed,
            format::bytes(listed.size),
            listed.id.clone(),
        ];
        let cells = cells.each_ref().map(String::as_str);
        let is_marked = runs.marked.as_ref() == Some(&listed.id);
        let (glyph, style) = sign(listed, theme);
        let mark = if is_marked {
            theme.glyphs.selected
        } else {
            " "
        };
        put(buffer, line.x, line.y, 1, mark, theme.accent);
        let sign = Some((glyph, style));
        row_of(&cells, sign, theme.text, has_id, line, theme, buffer);
    });
    cursor
}

const HEADER: [&str; 8] = [
    "started (UTC)",
    "session",
    "outcome",
    "took",
    "ranks",
    "failed",
    "size",
    "run",
];

/// How long ago, in a few columns.
fn ago_short(listed: &Listed, now: u64) -> String {
    match now.saturating_sub(listed.started) {
        0..60 => "now".to_owned(),
        age => format::age(Duration::from_secs(age)),
    }
}

/// A line of the list: when, session, outcome, time, ranks, failed, size, id.
fn row_of(
    cells: &[&str; 8],
    sign: Option<(&str, Style)>,
    style: Style,
    has_id: bool,
    line: Rect,
    theme: &Theme,
    buffer: &mut Buffer,
) {
    let [when, session, word, took, ranks, failed, size, id] = cells;
    let glyphs = theme.glyphs;
    let mut x = line.x + 2;
    let wide = line.width >= 88;
    // Without room, how long ago says enough.
    let (when, width) = match (wide, sign) {
        (true, _) => (*when, 26),
        (false, None) => ("ago", 8),
        (false, Some(_)) => (when.get(16..).unwrap_or_default().trim_start(), 8),
    };
    put_cut(buffer, x, line.y, width, when, theme.dim, glyphs);
    x += width + 1;
    if let Some((glyph, style)) = sign {
        put(buffer, x, line.y, 2, glyph, style);
    }
    x += 2;
    let rest = 12 + 9 + 7 + 8 + 7 + if has_id { ID } else { 0 };
    let name = line.right().saturating_sub(x + rest);
    put_cut(
        buffer,
        x,
        line.y,
        name.saturating_sub(1),
        session,
        style,
        glyphs,
    );
    x += name;
    let word_style = sign.map_or(style, |(_, style)| style);
    put_cut(buffer, x, line.y, 11, word, word_style, glyphs);
    x += 12;
    let bad = failed.bytes().any(|digit| (b'1'..=b'9').contains(&digit));
    let bad = if bad && sign.is_some() {
        theme.error
    } else {
        style
    };
    for (text, width, style) in [
        (took, 9, style),
        (ranks, 7, style),
        (failed, 8, bad),
        (size, 7, style),
    ] {
        put_right(buffer, x, line.y, width, text, style, glyphs);
        x += width;
    }
    if has_id {
        put_right(buffer, x, line.y, ID, id, theme.dim, glyphs);
    }
}

/// Where the rows of the list are, and the line of the filter (empty: there is none).
pub fn rows_of(state: &State, area: Rect) -> (Rect, Rect) {
    let inside = Panel::inner(area);
    let has_filter = state.runs.is_filtering || !state.runs.filter.is_empty();
    let filter = Rect {
        height: u16::from(has_filter).min(inside.height),
        ..inside
    };
    let used = filter.height + u16::from(inside.height > filter.height + 1);
    let rows = Rect {
        y: inside.y + used,
        height: inside.height.saturating_sub(used),
        ..inside
    };
    (rows, filter)
}

fn nothing(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let key = |action, words: &str| format!("{}  {words}", state.key(Context::Runs, action));
    let compose = match state.draft.session.groups.is_empty() {
        true => key(Action::ShowCompose, "compose a session"),
        false => key(Action::ShowRun, "the session, to start it"),
    };
    let open = key(Action::Open, "open a session");
    let mut lines = vec![];
    match (&state.runs.known, &state.runs.problem) {
        (_, Some(why)) => lines.push((why.as_str(), theme.error)),
        (None, None) => lines.push(("reading the records", theme.dim)),
        (Some(_), None) => {
            lines.push(("nothing ran yet", theme.title));
            lines.push(("", theme.text));
            lines.push((compose.as_str(), theme.text));
            lines.push((open.as_str(), theme.text));
            lines.push(("", theme.text));
            lines.push(("every run is recorded and stands here", theme.dim));
        }
    }
    let widest = lines.iter().map(|(text, _)| columns(text)).max();
    let x = area.x + area.width.saturating_sub(widest.unwrap_or(0)) / 2;
    let y = area.y + area.height.saturating_sub(lines.len() as u16) / 2;
    for ((text, style), y) in lines.into_iter().zip(y..area.bottom()) {
        put(buffer, x, y, area.right().saturating_sub(x), text, style);
    }
}
