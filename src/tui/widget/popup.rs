//! What lies above a screen: a panel in the middle, and short messages in a corner.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::{panel::Panel, text};
use crate::tui::theme::Theme;

/// A rectangle in the middle of another, as large as wanted where there is room.
pub fn centred(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    // A little above the middle: where the eye looks.
    let above = (area.height - height) / 3;
    Rect::new(
        area.x + (area.width - width) / 2,
        area.y + above,
        width,
        height,
    )
}

/// Clears a rectangle in the middle and draws a panel there; gives what lies inside, with a blank column at
/// either side where there is room.
pub fn draw(
    buf: &mut Buffer,
    area: Rect,
    size: (u16, u16),
    panel: &Panel<'_>,
    theme: &Theme,
) -> Rect {
    let place = centred(area, size.0, size.1);
    text::fill(buf, place, theme.base());
    let inner = panel.clone().focused(true).draw(buf, place, theme);
    if inner.width < 12 {
        return inner;
    }
    Rect {
        x: inner.x + 1,
        width: inner.width - 2,
        ..inner
    }
}

/// What a short message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Worth knowing.
    Info,
    /// It worked.
    Ok,
    /// Needs a look.
    Warning,
    /// It failed.
    Error,
}

impl Tone {
    /// Its sign and style.
    pub fn look(self, theme: &Theme) -> (&'static str, Style) {
        match self {
            Tone::Info => (theme.glyphs.info, theme.info),
            Tone::Ok => (theme.glyphs.succeeded, theme.ok),
            Tone::Warning => (theme.glyphs.warning, theme.warning),
            Tone::Error => (theme.glyphs.failed, theme.error),
        }
    }
}

/// Draws messages from the lower right corner upwards, the newest (the last) lowest, each on one line.
pub fn toasts<'m>(
    buf: &mut Buffer,
    area: Rect,
    messages: impl DoubleEndedIterator<Item = (Tone, &'m str)>,
    theme: &Theme,
) {
    if area.width < 8 {
        return;
    }
    let widest = area.width.saturating_sub(2).min(80);
    for ((tone, message), y) in messages.rev().zip((area.top()..area.bottom()).rev()) {
        let (sign, style) = tone.look(theme);
        let style = theme.toast.patch(Style {
            bg: theme.toast.bg,
            ..style
        });
        let message = text::cut(message, widest - 5, theme.glyphs);
        let width = text::columns(&message) + 5;
        let place = Rect::new(area.right() - width - 1, y, width, 1);
        text::fill(buf, place, theme.base().patch(theme.toast));
        text::put(buf, place.x, y, 1, theme.glyphs.thumb, style);
        text::put(buf, place.x + 2, y, 1, sign, style);
        text::put(buf, place.x + 4, y, width - 5, &message, theme.toast);
    }
}
