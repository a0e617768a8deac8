//! What lies over a screen to be read: the help, problems, what was said.
//!
//! Owns [`Sheet`]: the lines of such an overlay and how many of them are seen, the same for drawing and for scrolling, so
//! that the view never runs past its end. Start at [`of`].

use std::time::Duration;

use ratatui::{
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::Overlay;
use crate::{
    model::event::Level,
    tui::{
        keymap::{Action, Context},
        state::State,
        theme::Theme,
        widget::{format, popup, text},
    },
};

/// Columns of the keys in the help.
const KEYS: usize = 22;

/// Lines to be read.
pub struct Sheet {
    /// Above them.
    pub title: String,
    /// Below them.
    pub footer: String,
    /// All of them.
    pub lines: Vec<Line<'static>>,
    /// Columns and rows that are wanted, with the border.
    size: (u16, u16),
    /// A line to type in stands above them.
    pub has_input: bool,
}

impl Sheet {
    /// Columns and rows with the border.
    pub fn size(&self) -> (u16, u16) {
        self.size
    }

    /// Where the lines are, in this area of the screen, below the line that is typed.
    pub fn place(&self, area: Rect) -> Rect {
        let inside = popup::inside(area, self.size);
        let above = u16::from(self.has_input).min(inside.height);
        Rect {
            y: inside.y + above,
            height: inside.height - above,
            ..inside
        }
    }

    /// The first line that is seen when `wanted` is wished for.
    pub fn first(&self, wanted: usize, area: Rect) -> usize {
        let height = usize::from(self.place(area).height);
        wanted.min(self.lines.len().saturating_sub(height))
    }

    fn new(
        title: impl Into<String>,
        footer: String,
        lines: Vec<Line<'static>>,
        width: u16,
    ) -> Self {
        let height = u16::try_from(lines.len()).unwrap_or(u16::MAX);
        Self {
            title: title.into(),
            footer,
            size: (width, height.saturating_add(2)),
            lines,
            has_input: false,
        }
    }
}

/// The sheet of an overlay, if it is one.
pub fn of(state: &State, overlay: &Overlay, theme: &Theme) -> Option<Sheet> {
    let area = state.places.body;
    Some(match overlay {
        Overlay::Help {
            of,
            find,
            is_finding,
            ..
        } => {
            let lines = help(state, *of, find.text(), theme);
            let footer = match is_finding {
                true => String::new(),
                false => format!(
                    "{} search  {}",
                    state.key(Context::Help, Action::Search),
                    closes(state)
                ),
            };
            let mut sheet = Sheet::new(format!("keys: {}", of.name()), footer, lines, 70);
            sheet.has_input = *is_finding || !find.is_empty();
            if sheet.has_input {
                sheet.size.1 += 1;
            }
            sheet
        }
        Overlay::Notices { .. } => {
            let width = area.width.saturating_sub(4).min(110);
            let lines = notices(state, width.saturating_sub(4), theme);
            let footer = format!("{}  {}", lines.len(), closes(state));
            let mut sheet = Sheet::new("what was said", footer, lines, width);
            sheet.size.1 = area.height.saturating_sub(2);
            if sheet.lines.is_empty() {
                let nothing = Span::styled("nothing yet", theme.dim);
                sheet.lines.push(Line::from(nothing));
            }
            sheet
        }
        Overlay::Problems { title, lines, .. } => {
            let width = area.width.saturating_sub(4).min(100);
            let lines = lines.iter().map(|(line, is_error)| {
                let style = if *is_error { theme.error } else { theme.text };
                Line::from(Span::styled(line.clone(), style))
            });
            Sheet::new(title.clone(), closes(state), lines.collect(), width)
        }
        _ => return None,
    })
}

/// How it is left.
pub fn closes(state: &State) -> String {
    format!("{} closes", state.key(Context::Help, Action::Back))
}

/// The keys of a place, those that fit what was typed.
fn help(state: &State, of: Context, find: &str, theme: &Theme) -> Vec<Line<'static>> {
    let rows = state.config.keymap.help(of);
    let find = find.to_lowercase();
    let mut lines = Vec::new();
    for is_global in [false, true] {
        let mut is_first = true;
        for row in rows.iter().filter(|row| row.global == is_global) {
            let keys: Vec<String> = row
                .keys
                .iter()
                .map(|key| key.label(theme.glyphs).to_string())
                .collect();
            let keys = keys.join(" ");
            let text = format!("{keys} {} {}", row.words, row.action.name());
            if !text.to_lowercase().contains(&find) {
                continue;
            }
            if std::mem::take(&mut is_first) && !lines.is_empty() {
                lines.push(Line::default());
            }
            let cut = text::cut(&keys, KEYS as u16 - 2, theme.glyphs);
            let blank = KEYS.saturating_sub(usize::from(text::columns(&cut)));
            lines.push(Line::from(vec![
                Span::styled(cut.into_owned(), theme.key),
                Span::raw(" ".repeat(blank)),
                Span::styled(row.words, theme.text),
            ]));
        }
    }
    if lines.is_empty() {
        let nothing = Span::styled("no key fits", theme.dim);
        lines.push(Line::from(nothing));
    }
    lines
}

/// Something that was said, by the engine or by the screens.
struct Said<'s> {
    /// Where it stands among the others: a second of the run.
    at: f64,
    /// When it was, in a few columns.
    time: String,
    level: Level,
    text: &'s str,
    times: u32,
}

/// All that was said, oldest first. What the screens said beside a run that goes on stands where it was said; else it
/// comes last, with how long ago that was.
fn notices(state: &State, width: u16, theme: &Theme) -> Vec<Line<'static>> {
    let run = state.run.as_ref();
    let clock = run
        .filter(|run| run.is_live())
        .map(|run| run.seconds(state.now));
    let second = |at: f64| format::clock(Duration::try_from_secs_f64(at).unwrap_or_default());
    let mut said: Vec<Said<'_>> = run
        .into_iter()
        .flat_map(|run| &run.facts.said)
        .map(|said| Said {
            at: said.at,
            time: second(said.at),
            level: said.level,
            text: &said.text,
            times: 1,
        })
        .collect();
    said.extend(state.toasts.told().map(|told| {
        let ago = state.now.saturating_duration_since(told.at);
        let at = clock.map(|clock| (clock - ago.as_secs_f64()).max(0.0));
        Said {
            at: at.unwrap_or(f64::INFINITY),
            time: at.map_or_else(|| format::age(ago), second),
            level: told.level,
            text: &told.text,
            times: told.times,
        }
    }));
    said.sort_by(|a, b| a.at.total_cmp(&b.at));
    let mut lines = Vec::new();
    for said in said {
        let (sign, style) = look(said.level, theme);
        let times = match said.times {
            1 => String::new(),
            times => format!(" ({}{times})", theme.glyphs.times),
        };
        let text = format!("{}{times}", said.text);
        let parts = text::wrapped(&text, width.saturating_sub(11));
        for (index, part) in parts.into_iter().enumerate() {
            let (time, sign) = match index {
                0 => (said.time.as_str(), sign),
                _ => ("", ""),
            };
            lines.push(Line::from(vec![
                Span::styled(format!("{time:>8} "), theme.dim),
                Span::styled(format!("{sign:<2}"), style),
                Span::styled(part, theme.text),
            ]));
        }
    }
    lines
}

fn look(level: Level, theme: &Theme) -> (&'static str, Style) {
    match level {
        Level::Info => (theme.glyphs.info, theme.info),
        Level::Warning => (theme.glyphs.warning, theme.warning),
        Level::Error => (theme.glyphs.failed, theme.error),
    }
}
