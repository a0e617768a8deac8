//! The first line: what this is, the screens, and how it goes.

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use super::text;
use crate::tui::theme::Theme;

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
    /// Draws it; gives where each screen's name lies, for the mouse.
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
        let status = columns(&self.status);
        let name = columns(&self.name);
        let all: u16 = self.screens.iter().map(full).fold(0, u16::saturating_add);
        let free = row.width.saturating_sub(status + 2);
        // Short of room only the current screen has its name, the others their keys.
        let words = all <= free;
        let tabs = self.screens.iter().enumerate().map(|(at, it)| {
            if words || at == self.current {
                full(it)
            } else {
                text::columns(it.0) + 2
            }
        });
        let tabs: Vec<u16> = tabs.collect();
        let needed = tabs.iter().copied().fold(0, u16::saturating_add);
        let mut x = row.x + 1;
        if needed.saturating_add(name + 3) <= free {
            let name = self.name.clone().style(theme.title.patch(self.name.style));
            x += text::put_line(buf, x, row.y, row.width, &name) + 2;
            // In the middle, where that is free.
            x = x.max(row.x + (row.width.saturating_sub(needed)) / 2);
            x = x.min((row.x + free).saturating_sub(needed));
        }
        let mut areas = Vec::new();
        for (at, ((key, word), width)) in self.screens.iter().zip(tabs).enumerate() {
            let width = width.min(row.right().saturating_sub(x));
            let here = at == self.current;
            let (key_style, word_style) = if here {
                (
                    theme.accent,
                    theme.accent.patch(theme.title).patch(theme.accent),
                )
            } else {
                (theme.dim, theme.dim)
            };
            let mut used = 1;
            used += text::put(
                buf,
                x + used,
                row.y,
                width.saturating_sub(used),
                key,
                key_style,
            );
            if words || here {
                used += 1;
                text::put(
                    buf,
                    x + used,
                    row.y,
                    width.saturating_sub(used),
                    word,
                    word_style,
                );
            }
            areas.push(Rect::new(x, row.y, width, 1));
            x += width;
        }
        if status > 0 && x + status < row.right() {
            let x = row.right() - status - 1;
            text::put_line(buf, x, row.y, status, &self.status);
        }
        areas
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
