//! The last line: the keys that make sense here.

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use super::text;
use crate::tui::{keymap::Hint, theme::Theme};

/// Draws as many hints as fit, the last of them (the help) before all others, and a line at the right where
/// there is room for it.
pub fn draw(buf: &mut Buffer, area: Rect, hints: &[Hint], right: &Line<'_>, theme: &Theme) {
    if area.is_empty() {
        return;
    }
    let end = area.right();
    let mut x = area.x + 1;
    let reserved = hints.last().map_or(0, |help| width(help, theme) + 2);
    for (index, hint) in hints.iter().enumerate() {
        let last = index + 1 == hints.len();
        let needed = width(hint, theme);
        let limit = if last {
            end
        } else {
            end.saturating_sub(reserved)
        };
        if x.saturating_add(needed) > limit {
            continue;
        }
        for (at, key) in hint.keys.iter().enumerate() {
            x += u16::from(at > 0);
            x += text::put(buf, x, area.y, end - x, &key.label(theme.glyphs), theme.key);
        }
        x += 1;
        x += text::put(buf, x, area.y, end.saturating_sub(x), hint.words, theme.dim);
        x += 2;
    }
    let needed = u16::try_from(right.width()).unwrap_or(u16::MAX);
    if needed > 0 && x.saturating_add(needed) < end {
        let right = right.clone().style(theme.dim.patch(right.style));
        text::put_line(buf, end - needed - 1, area.y, needed, &right);
    }
}

fn width(hint: &Hint, theme: &Theme) -> u16 {
    let keys: u16 = hint
        .keys
        .iter()
        .map(|key| text::columns(&key.label(theme.glyphs)) + 1)
        .sum();
    keys + text::columns(hint.words)
}
