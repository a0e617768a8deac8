//! How what lies over a screen is drawn.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::{Line, Span},
};

use super::Overlay;
use crate::{
    model::event::Level,
    tui::{
        alerts,
        compose::pick::Picker,
        facts::Said,
        keymap::{Context, Keymap},
        state::State,
        theme::Theme,
        widget::{
            format, fuzzy, list,
            panel::Panel,
            popup,
            text::{columns, cut_left, put, put_cut, put_line},
        },
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
        Overlay::Help { of, scroll } => help(state, *of, *scroll, theme, area, buffer),
        Overlay::Palette {
            input,
            found,
            at,
            of,
        } => {
            let panel = Panel::new("what do you want to do?");
            let inside = popup::draw(buffer, area, (64, 18), &panel, theme);
            let cursor = input.draw(buffer, inside, true, theme);
            let rows = Rect {
                y: inside.y + 2.min(inside.height),
                height: inside.height.saturating_sub(2),
                ..inside
            };
            let view = list::View {
                first: (*at).saturating_sub(usize::from(rows.height) / 2),
                selected: (!found.is_empty()).then_some(*at),
                length: found.len(),
            };
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
        Overlay::Themes { at, .. } => {
            let height = state.themes.len() as u16 + 2;
            let panel = Panel::new("theme");
            let inside = popup::draw(buffer, area, (32, height), &panel, theme);
            let view = list::View {
                first: 0,
                selected: Some(*at),
                length: state.themes.len(),
            };
            list::draw(buffer, inside, view, theme, |buffer, line, index, _| {
                put(
                    buffer,
                    line.x,
                    line.y,
                    line.width,
                    &state.themes[index],
                    theme.text,
                );
            });
        }
        Overlay::Pick(picker) => return pick(picker, theme, area, buffer),
        Overlay::Notices { scroll } => notices(state, *scroll, theme, area, buffer),
        Overlay::Confirm { question, .. } => {
            let width = (columns(question) + 6).max(32).min(area.width);
            let lines = wrapped(question, width.saturating_sub(4));
            let panel = Panel::new("really?");
            let height = lines.len() as u16 + 4;
            let inside = popup::draw(buffer, area, (width, height), &panel, theme);
            for (line, y) in lines.iter().zip(inside.top()..inside.bottom()) {
                put(buffer, inside.x, y, inside.width, line, theme.text);
            }
            if inside.height > 1 {
                let keys = Line::from(vec![
                    Span::styled("y", theme.key),
                    Span::styled(" yes   ", theme.dim),
                    Span::styled("n", theme.key),
                    Span::styled(" no", theme.dim),
                ]);
                put_line(buffer, inside.x, inside.bottom() - 1, inside.width, &keys);
            }
        }
        Overlay::Prompt {
            what,
            input,
            problem,
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
        Overlay::Found => found(state, theme, area, buffer),
        Overlay::Alerts { at } => alerts::draw(state, *at, theme, area, buffer),
        Overlay::Problems {
            title,
            lines,
            scroll,
        } => {
            let width = area.width.saturating_sub(4).min(100);
            let height = (lines.len() as u16).saturating_add(2).min(area.height);
            let panel = Panel::new(title.clone()).footer("esc closes");
            let inside = popup::draw(buffer, area, (width, height), &panel, theme);
            let first = (*scroll).min(lines.len().saturating_sub(usize::from(inside.height)));
            for ((line, is_error), y) in lines.iter().skip(first).zip(inside.top()..inside.bottom())
            {
                let style = if *is_error { theme.error } else { theme.text };
                put_cut(buffer, inside.x, y, inside.width, line, style, theme.glyphs);
            }
        }
    }
    None
}

/// A list to choose from, with a line to type in above.
fn pick(picker: &Picker, theme: &Theme, area: Rect, buffer: &mut Buffer) -> Option<Position> {
    let width = area.width.saturating_sub(4).min(84);
    let wanted = u16::try_from(picker.items.len()).unwrap_or(u16::MAX);
    let height = wanted.saturating_add(4).clamp(6, 24);
    let mut panel = Panel::new(picker.title.clone());
    if picker.found.len() > usize::from(height.saturating_sub(4)) {
        panel = panel.footer(format::place(picker.at, picker.found.len()));
    }
    let inside = popup::draw(buffer, area, (width, height), &panel, theme);
    let cursor = picker.input.draw(buffer, inside, true, theme);
    let rows = Rect {
        y: inside.y + 2.min(inside.height),
        height: inside.height.saturating_sub(2),
        ..inside
    };
    if picker.found.is_empty() {
        let text = match picker.waiting {
            Some(_) => "looking",
            None => "nothing fits",
        };
        if rows.height > 0 {
            put(buffer, rows.x, rows.y, rows.width, text, theme.dim);
        }
    }
    let view = list::View {
        first: picker.at.saturating_sub(usize::from(rows.height) / 2),
        selected: (!picker.found.is_empty()).then_some(picker.at),
        length: picker.found.len(),
    };
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

fn help(state: &State, of: Context, scroll: usize, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let rows = state.config.keymap.help(of);
    let panel = Panel::new(format!("keys: {}", of.name())).footer("esc closes");
    let (own, global): (Vec<_>, Vec<_>) = rows.iter().partition(|row| !row.global);
    let mut lines: Vec<Option<(String, &str)>> = Vec::new();
    for rows in [own, global] {
        if !lines.is_empty() && !rows.is_empty() {
            lines.push(None);
        }
        for row in rows {
            let keys: Vec<String> = row
                .keys
                .iter()
                .map(|key| key.label(theme.glyphs).to_string())
                .collect();
            lines.push(Some((keys.join(" "), row.words)));
        }
    }
    let height = (lines.len() as u16 + 2).min(area.height);
    let inside = popup::draw(buffer, area, (70, height), &panel, theme);
    let first = scroll.min(lines.len().saturating_sub(usize::from(inside.height)));
    for (line, y) in lines.iter().skip(first).zip(inside.top()..inside.bottom()) {
        if let Some((keys, words)) = line {
            put_cut(buffer, inside.x, y, 20, keys, theme.key, theme.glyphs);
            let width = inside.width.saturating_sub(22);
            put_cut(
                buffer,
                inside.x + 22,
                y,
                width,
                words,
                theme.text,
                theme.glyphs,
            );
        }
    }
}

fn notices(state: &State, scroll: usize, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let told = state.run.iter().flat_map(|run| &run.facts.said);
    let mut said: Vec<&Said> = told.chain(&state.news).collect();
    said.sort_by(|a, b| a.at.total_cmp(&b.at));
    let count = said.len();
    let panel = Panel::new("what was said").footer(format!("{count}"));
    let size = (
        area.width.saturating_sub(4).min(110),
        area.height.saturating_sub(2),
    );
    let inside = popup::draw(buffer, area, size, &panel, theme);
    if said.is_empty() {
        put(
            buffer,
            inside.x,
            inside.y,
            inside.width,
            "nothing yet",
            theme.dim,
        );
        return;
    }
    let height = usize::from(inside.height);
    let last = count.saturating_sub(scroll.min(count.saturating_sub(height)));
    let first = last.saturating_sub(height);
    for (said, y) in said[first..last].iter().zip(inside.top()..inside.bottom()) {
        let (sign, style) = match said.level {
            Level::Info => (theme.glyphs.info, theme.info),
            Level::Warning => (theme.glyphs.warning, theme.warning),
            Level::Error => (theme.glyphs.failed, theme.error),
        };
        let time =
            format::clock(std::time::Duration::try_from_secs_f64(said.at).unwrap_or_default());
        put(
            buffer,
            inside.x,
            y,
            inside.width,
            &format!("{time:>8} "),
            theme.dim,
        );
        put(buffer, inside.x + 9, y, 2, sign, style);
        let width = inside.width.saturating_sub(11);
        put_cut(
            buffer,
            inside.x + 11,
            y,
            width,
            &said.text,
            theme.text,
            theme.glyphs,
        );
    }
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
    let panel = Panel::new(format!("why is {process} as it is?")).footer("esc closes");
    let inside = popup::draw(buffer, area, (width, lines.len() as u16 + 2), &panel, theme);
    for (line, y) in lines.iter().zip(inside.top()..inside.bottom()) {
        put(buffer, inside.x, y, inside.width, line, theme.text);
    }
}

fn found(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let search = state.run.as_ref().and_then(|run| run.found.as_ref());
    let Some(search) = search else { return };
    let size = (
        area.width.saturating_sub(4).min(120),
        area.height.saturating_sub(2),
    );
    let hits = search.hits();
    let footer = match &search.found {
        None => format!("looking: {} of {} logs", search.searched, search.logs),
        Some(found) => {
            let mut parts = vec![format::place(search.at, hits.len())];
            if found.left_out > 0 {
                parts.push(format!("{} older ones are left out", found.left_out));
            }
            if found.unread > 0 {
                parts.push(format!("{} logs cannot be read", found.unread));
            }
            parts.join(&format!(" {} ", theme.glyphs.dot))
        }
    };
    let panel = Panel::new(format!("/{}/ in the logs", search.pattern)).footer(footer);
    let inside = popup::draw(buffer, area, size, &panel, theme);
    if hits.is_empty() {
        let text = match search.found {
            Some(_) => format!("not found in {} logs", search.logs),
            None => "looking".to_owned(),
        };
        put(buffer, inside.x, inside.y, inside.width, &text, theme.dim);
        return;
    }
    // The lines around the selected one below, the hits above.
    let context = 6.min(inside.height / 3);
    let rows = Rect {
        height: inside.height - context,
        ..inside
    };
    let pattern = regex::Regex::new(&search.pattern).ok();
    let view = list::View {
        first: search.at.saturating_sub(usize::from(rows.height) / 2),
        selected: Some(search.at),
        length: hits.len(),
    };
    list::draw(buffer, rows, view, theme, |buffer, line, index, _| {
        let hit = &hits[index];
        let label = match &state.run {
            Some(run) => run.session.label(&hit.process),
            None => hit.process.to_string(),
        };
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
        if let Some(found) = pattern.as_ref().and_then(|pattern| pattern.find(text)) {
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

/// A text in lines of at most so many columns, broken between words.
pub fn wrapped(text: &str, width: u16) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(line) = lines.last_mut() else { break };
        if line.is_empty() {
            line.push_str(word);
        } else if columns(line) + 1 + columns(word) <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}
