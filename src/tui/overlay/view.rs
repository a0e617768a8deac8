//! How what lies over a screen is drawn.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::{Line, Span},
};

pub use crate::tui::widget::text::wrapped;

use super::{Overlay, sheet};
use crate::tui::{
    alerts,
    compose::pick::Picker,
    keymap::{Action, Context, Keymap},
    state::State,
    theme::Theme,
    widget::{
        format, fuzzy, list,
        panel::Panel,
        popup,
        text::{columns, cut_left, put, put_cut, put_line},
    },
};

/// Draws one of them; says where the cursor is to stand.
pub fn draw(
    state: &State,
    overlay: &Overlay,
    theme: &Theme,
    area: Rect,
    buffer: &mut Buffer,
) -> Option<Position> {
    match overlay {
        Overlay::Help { scroll, .. }
        | Overlay::Notices { scroll }
        | Overlay::Problems { scroll, .. } => {
            return to_read(state, overlay, *scroll, theme, area, buffer);
        }
        Overlay::Palette {
            input, found, of, ..
        } => {
            let panel = Panel::new("what do you want to do?");
            let inside = popup::draw(buffer, area, PALETTE, &panel, theme);
            let cursor = input.draw(buffer, inside, true, theme);
            let (rows, view) = rows(state, overlay, area).unwrap_or_default();
            list::draw(buffer, rows, view, theme, |buffer, line, index, _| {
                let action = found[index];
                let keys: Vec<String> = state
                    .config
                    .keymap
                    .keys(*of, action)
                    .iter()
                    .take(2)
                    .map(|key| key.label(theme.glyphs).to_string())
                    .collect();
                let keys = keys.join(" ");
                let width = line.width.saturating_sub(columns(&keys) + 1);
                put_cut(
                    buffer,
                    line.x,
                    line.y,
                    width,
                    Keymap::words(action),
                    theme.text,
                    theme.glyphs,
                );
                let x = line.right().saturating_sub(columns(&keys));
                put(buffer, x, line.y, columns(&keys), &keys, theme.key);
            });
            return cursor;
        }
        Overlay::Pick(picker) => return pick(state, overlay, picker, theme, area, buffer),
        Overlay::Confirm { question, yes, .. } => {
            let (size, lines) = question_size(question, area);
            let panel = Panel::new("really?");
            let inside = popup::draw(buffer, area, size, &panel, theme);
            for (line, y) in lines.iter().zip(inside.top()..inside.bottom()) {
                put(buffer, inside.x, y, inside.width, line, theme.text);
            }
            let [on_yes, on_no] = answers(state, overlay, area)?;
            for (place, action, word, is_chosen) in [
                (on_yes, Action::Yes, "yes", *yes),
                (on_no, Action::Back, "no", !*yes),
            ] {
                let line = Line::from(vec![
                    Span::styled(
                        format!(" {}", state.key(Context::Confirm, action)),
                        theme.key,
                    ),
                    Span::styled(format!(" {word} "), theme.dim),
                ]);
                put_line(buffer, place.x, place.y, place.width, &line);
                if is_chosen {
                    list::select(buffer, place, theme);
                }
            }
        }
        Overlay::Prompt {
            what,
            input,
            problem,
            ..
        } => {
            let panel = Panel::new(what.title());
            let height = if problem.is_some() { 4 } else { 3 };
            let inside = popup::draw(buffer, area, (72, height), &panel, theme);
            let cursor = input.draw(buffer, inside, true, theme);
            if let Some(problem) = problem
                && inside.height > 1
            {
                let y = inside.y + 1;
                put_cut(
                    buffer,
                    inside.x,
                    y,
                    inside.width,
                    problem,
                    theme.error,
                    theme.glyphs,
                );
            }
            return cursor;
        }
        Overlay::Why(process) => why(state, process, theme, area, buffer),
        Overlay::Found => found(state, overlay, theme, area, buffer),
        Overlay::Alerts { at } => alerts::draw(state, *at, theme, area, buffer),
    }
    None
}

/// Columns and rows of the palette.
const PALETTE: (u16, u16) = (64, 18);

fn pick_size(picker: &Picker, area: Rect) -> (u16, u16) {
    let width = area.width.saturating_sub(4).min(84);
    let wanted = u16::try_from(picker.items.len()).unwrap_or(u16::MAX);
    (width, wanted.saturating_add(4).clamp(6, 24))
}

fn found_size(area: Rect) -> (u16, u16) {
    (
        area.width.saturating_sub(4).min(120),
        area.height.saturating_sub(2),
    )
}

/// The size of a question, and its lines.
fn question_size(question: &str, area: Rect) -> ((u16, u16), Vec<String>) {
    let width = (columns(question) + 6).max(32).min(area.width);
    let lines = wrapped(question, width.saturating_sub(4));
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    ((width, height.saturating_add(4)), lines)
}

/// The rows of a list that lies over the screen: where they are and what of them is seen.
pub fn rows(state: &State, overlay: &Overlay, area: Rect) -> Option<(Rect, list::View)> {
    let below = |inside: Rect, lines: u16| Rect {
        y: inside.y + lines.min(inside.height),
        height: inside.height.saturating_sub(lines),
        ..inside
    };
    let (rows, at, length) = match overlay {
        Overlay::Palette { found, at, .. } => {
            (below(popup::inside(area, PALETTE), 2), *at, found.len())
        }
        Overlay::Pick(picker) => {
            let inside = popup::inside(area, pick_size(picker, area));
            (below(inside, 2), picker.at, picker.found.len())
        }
        Overlay::Found => {
            let search = state.run.as_ref()?.found.as_ref()?;
            // The lines around the selected one below, the hits above.
            let inside = popup::inside(area, found_size(area));
            let rows = Rect {
                height: inside.height - context_of(inside),
                ..inside
            };
            (rows, search.at, search.hits().len())
        }
        _ => return None,
    };
    let view = list::View {
        first: at.saturating_sub(usize::from(rows.height) / 2),
        selected: (length > 0).then_some(at),
        length,
    };
    Some((rows, view))
}

/// Lines around a hit, with the rule above them.
fn context_of(inside: Rect) -> u16 {
    6.min(inside.height / 3)
}

/// Where yes and no are, of a question.
pub fn answers(state: &State, overlay: &Overlay, area: Rect) -> Option<[Rect; 2]> {
    let Overlay::Confirm { question, .. } = overlay else {
        return None;
    };
    let inside = popup::inside(area, question_size(question, area).0);
    if inside.height < 2 {
        return None;
    }
    let width =
        |action, word: &str| columns(&state.key(Context::Confirm, action)) + columns(word) + 3;
    let yes = Rect {
        y: inside.bottom() - 1,
        width: width(Action::Yes, "yes"),
        height: 1,
        ..inside
    };
    let no = Rect {
        x: yes.right() + 1,
        width: width(Action::Back, "no"),
        ..yes
    };
    Some([yes.intersection(inside), no.intersection(inside)])
}

/// Lines to be read.
fn to_read(
    state: &State,
    overlay: &Overlay,
    scroll: usize,
    theme: &Theme,
    area: Rect,
    buffer: &mut Buffer,
) -> Option<Position> {
    let sheet = sheet::of(state, overlay, theme)?;
    let place = sheet.place(area);
    let first = sheet.first(scroll, area);
    let hidden = sheet.lines.len() > usize::from(place.height);
    let footer = match hidden {
        true => {
            let last = first + usize::from(place.height).saturating_sub(1);
            format!(
                "{}  {}",
                format::place(last, sheet.lines.len()),
                sheet.footer
            )
        }
        false => sheet.footer.clone(),
    };
    let panel = Panel::new(sheet.title.clone()).footer(footer);
    let inside = popup::draw(buffer, area, sheet.size(), &panel, theme);
    let mut cursor = None;
    if let Overlay::Help {
        find, is_finding, ..
    } = overlay
        && sheet.has_input
        && !inside.is_empty()
    {
        let used = put(buffer, inside.x, inside.y, inside.width, "/", theme.key);
        let line = Rect {
            x: inside.x + used + 1,
            width: inside.width.saturating_sub(used + 1),
            ..inside
        };
        cursor = find.draw(buffer, line, *is_finding, theme);
    }
    for (line, y) in sheet
        .lines
        .iter()
        .skip(first)
        .zip(place.top()..place.bottom())
    {
        put_line_cut(
            buffer,
            Rect {
                y,
                height: 1,
                ..place
            },
            line,
            theme,
        );
    }
    cursor
}

/// A line, with an ellipsis where it does not fit.
fn put_line_cut(buffer: &mut Buffer, place: Rect, line: &Line<'_>, theme: &Theme) {
    put_line(buffer, place.x, place.y, place.width, line);
    if line.width() > usize::from(place.width) && !place.is_empty() {
        let x = place.right() - 1;
        put(buffer, x, place.y, 1, theme.glyphs.ellipsis, theme.dim);
    }
}

/// A list to choose from, with a line to type in above.
fn pick(
    state: &State,
    overlay: &Overlay,
    picker: &Picker,
    theme: &Theme,
    area: Rect,
    buffer: &mut Buffer,
) -> Option<Position> {
    let (width, height) = pick_size(picker, area);
    let mut panel = Panel::new(picker.title.clone());
    if picker.found.len() > usize::from(height.saturating_sub(4)) {
        panel = panel.footer(format::place(picker.at, picker.found.len()));
    }
    let inside = popup::draw(buffer, area, (width, height), &panel, theme);
    let cursor = picker.input.draw(buffer, inside, true, theme);
    let (rows, view) = rows(state, overlay, area).unwrap_or_default();
    if picker.found.is_empty() {
        let text = match picker.waiting {
            Some(_) => "looking",
            None => "nothing fits",
        };
        if rows.height > 0 {
            put(buffer, rows.x, rows.y, rows.width, text, theme.dim);
        }
    }
    list::draw(buffer, rows, view, theme, |buffer, line, index, _| {
        let Some(hit) = picker.found.get(index) else {
            return;
        };
        let Some(item) = picker.items.get(hit.index) else {
            return;
        };
        let about = columns(&item.about).min(line.width / 2);
        let room = line.width.saturating_sub(about + 2);
        let label = fuzzy::marked(&item.label, &hit.at, theme.text, theme.search_hit);
        match columns(&item.label) <= room {
            true => put_line(buffer, line.x, line.y, room, &label),
            // The end of a path says more than its beginning.
            false => put(
                buffer,
                line.x,
                line.y,
                room,
                &cut_left(&item.label, room, theme.glyphs),
                theme.text,
            ),
        };
        put_cut(
            buffer,
            line.right().saturating_sub(about),
            line.y,
            about,
            &item.about,
            theme.dim,
            theme.glyphs,
        );
    });
    cursor
}

fn why(
    state: &State,
    process: &crate::model::ids::ProcessId,
    theme: &Theme,
    area: Rect,
    buffer: &mut Buffer,
) {
    let Some(run) = &state.run else { return };
    let width = area.width.saturating_sub(4).min(76);
    let mut lines = Vec::new();
    if let Some(rank) = run.facts.rank(process) {
        lines.push(format!("it is {}", rank.state));
        if let Some(status) = &rank.status {
            lines.push(format!("its last life ended with {status}"));
        }
    }
    match &run.because {
        Some((of, because)) if of == process => lines.push(because.clone()),
        _ if run.is_live() => lines.push("asking the engine".to_owned()),
        _ => {}
    }
    lines.extend(run.waits(process, state.now));
    lines.extend(run.watches(process));
    let said = run.facts.said.iter().rev();
    let said = said
        .filter(|said| said.process.as_ref() == Some(process))
        .take(5);
    lines.extend(said.map(|said| said.text.clone()));
    let lines: Vec<String> = lines
        .iter()
        .flat_map(|line| wrapped(line, width.saturating_sub(4)))
        .collect();
    let panel = Panel::new(format!("why is {process} as it is?")).footer(sheet::closes(state));
    let inside = popup::draw(buffer, area, (width, lines.len() as u16 + 2), &panel, theme);
    for (line, y) in lines.iter().zip(inside.top()..inside.bottom()) {
        put(buffer, inside.x, y, inside.width, line, theme.text);
    }
}

fn found(state: &State, overlay: &Overlay, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let Some(run) = &state.run else { return };
    let Some(search) = &run.found else { return };
    let hits = search.hits();
    let logs = |number: usize| match number {
        1 => "1 log".to_owned(),
        number => format!("{} logs", format::count(number as u64)),
    };
    let footer = match &search.found {
        None => format!(
            "{} of {} searched  {} ends it",
            format::count(search.searched as u64),
            logs(search.logs),
            state.key(Context::List, Action::Back)
        ),
        Some(found) => {
            let mut parts = vec![format!(
                "{} in {}",
                format::place(search.at, hits.len()),
                logs(search.logs)
            )];
            if found.left_out > 0 {
                parts.push(format!("{} older ones are left out", found.left_out));
            }
            if found.unread > 0 {
                parts.push(format!("{} cannot be read", logs(found.unread)));
            }
            parts.join(&format!(" {} ", theme.glyphs.dot))
        }
    };
    let panel = Panel::new(format!("/{}/ in the logs", search.pattern)).footer(footer);
    let inside = popup::draw(buffer, area, found_size(area), &panel, theme);
    if hits.is_empty() {
        let text = match search.found {
            Some(_) => format!("not found in {}", logs(search.logs)),
            None => "looking".to_owned(),
        };
        put(buffer, inside.x, inside.y, inside.width, &text, theme.dim);
        return;
    }
    let context = context_of(inside);
    let (rows, view) = rows(state, overlay, area).unwrap_or_default();
    list::draw(buffer, rows, view, theme, |buffer, line, index, _| {
        let hit = &hits[index];
        let label = run.session.label(&hit.process);
        let head = format!("{label}:{} ", hit.number);
        let used = put(buffer, line.x, line.y, line.width, &head, theme.dim);
        let text = hit.line();
        let width = line.width.saturating_sub(used);
        put_cut(
            buffer,
            line.x + used,
            line.y,
            width,
            text,
            theme.text,
            theme.glyphs,
        );
        let pattern = run.search.as_ref();
        if let Some(found) = pattern.and_then(|pattern| pattern.find(text)) {
            let from = columns(&text[..found.start()]);
            let mark = Rect::new(line.x + used + from, line.y, columns(found.as_str()), 1);
            buffer.set_style(mark.intersection(line), theme.search_hit);
        }
    });
    let below = Rect {
        y: rows.bottom(),
        height: context,
        ..inside
    };
    if let Some(hit) = hits.get(search.at)
        && below.height > 1
    {
        let rule = theme
            .glyphs
            .border
            .horizontal
            .repeat(usize::from(below.width));
        put(buffer, below.x, below.y, below.width, &rule, theme.border);
        for ((index, text), y) in hit.text.iter().enumerate().zip(below.y + 1..below.bottom()) {
            let style = if index == hit.at {
                theme.text
            } else {
                theme.dim
            };
            put_cut(buffer, below.x, y, below.width, text, style, theme.glyphs);
        }
    }
}
