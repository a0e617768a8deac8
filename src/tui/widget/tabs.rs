//! The first line: what this is, the screens, and how it goes.

use ratatui::{buffer::Buffer, layout::Rect, style::Style, text::Line};

use super::text;
use crate::tui::theme::Theme;

/// Columns that the status gets before there is room for a name.
const STATUS: u16 = 36;

/// The least columns of a name.
const NAME: u16 = 14;

/// The first line.
#[derive(Debug, Clone)]
pub struct Tabs<'a> {
    /// The name of the program or the session; left out first where room is short.
    pub name: Line<'a>,
    /// The screens, each with the key that shows it.
    pub screens: &'a [(&'a str, &'a str)],
    /// The one that is shown.
    pub current: usize,
    /// At the right.
    pub status: Line<'a>,
}

impl Tabs<'_> {
    /// Draws it; gives where each screen's name lies, for the mouse. Where that is depends on nothing but the width: the
    /// name and the status get what is left.
    pub fn draw(&self, buf: &mut Buffer, area: Rect, theme: &Theme) -> Vec<Rect> {
        if area.is_empty() {
            return vec![
                Rect {
                    width: 0,
                    height: 0,
                    ..area
                };
                self.screens.len()
            ];
        }
        let row = Rect { height: 1, ..area };
        let all: u16 = self.screens.iter().map(full).fold(0, u16::saturating_add);
        let left = row.width.saturating_sub(all);
        let middle = (left / 2).min(left.saturating_sub(STATUS));
        let named = middle >= NAME;
        if named {
            let name = self.name.to_string();
            // Its end tells which session it is.
            let name = text::cut_left(&name, middle - 2, theme.glyphs);
            text::put(buf, row.x + 1, row.y, middle - 2, &name, theme.title);
        }
        // Short of room the screens have their keys, and the current one its name behind them.
        let words = left >= 2;
        let mut x = row.x + if named { middle } else { 1 };
        let mut areas = Vec::new();
        for (at, (key, word)) in self.screens.iter().enumerate() {
            let width = match words {
                true => full(&(key, word)),
                false => text::columns(key) + 1,
            };
            let width = width.min(row.right().saturating_sub(x));
            let (key_style, word_style) = styles(at == self.current, theme);
            let mut used = u16::from(words);
            let room = |used: u16| width.saturating_sub(used);
            used += text::put(buf, x + used, row.y, room(used), key, key_style);
            if words {
                used += 1;
                text::put(buf, x + used, row.y, room(used), word, word_style);
            }
            areas.push(Rect::new(x, row.y, width, 1));
            x += width;
        }
        if let Some((_, word)) = self.screens.get(self.current).filter(|_| !words) {
            let room = row.right().saturating_sub(x + 1);
            x += 1 + text::put(buf, x + 1, row.y, room, word, styles(true, theme).1);
        }
        let mut status = self.status.clone();
        let room = row.right().saturating_sub(x + 1);
        // How it goes and what failed are said last to go.
        while columns(&status) > room && status.spans.len() > 1 {
            status.spans.remove(status.spans.len() - 2);
        }
        let used = columns(&status);
        if used > 0 && used <= room {
            text::put_line(buf, row.right() - used - 1, row.y, used, &status);
        }
        areas
    }
}

fn styles(here: bool, theme: &Theme) -> (Style, Style) {
    match here {
        true => (
            theme.accent,
            theme.accent.patch(theme.title).patch(theme.accent),
        ),
        false => (theme.dim, theme.dim),
    }
}

fn full((key, word): &(&str, &str)) -> u16 {
    text::columns(key)
        .saturating_add(text::columns(word))
        .saturating_add(3)
}

fn columns(line: &Line<'_>) -> u16 {
    // Wider than any screen, and small enough to be added to.
    u16::try_from(line.width().min(10_000)).unwrap_or(10_000)
}
