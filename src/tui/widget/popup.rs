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
    panel.clone().focused(true).draw(buf, place, theme);
    inside(area, size)
}

/// What lies inside of the panel that [`draw`] would draw.
pub fn inside(area: Rect, size: (u16, u16)) -> Rect {
    let inner = Panel::inner(centred(area, size.0, size.1));
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

/// Lines of a message at most.
const LINES_MAX: usize = 3;

/// Draws messages from the lower right corner upwards, the newest (the last) lowest, each on a few lines.
pub fn toasts<'m>(
    buf: &mut Buffer,
    area: Rect,
    messages: impl DoubleEndedIterator<Item = (Tone, &'m str)>,
    theme: &Theme,
) {
    if area.width < 8 {
        return;
    }
    let widest = area.width.saturating_sub(2).min(80) - 5;
    let mut bottom = area.bottom();
    for (tone, message) in messages.rev() {
        let room = usize::from(bottom.saturating_sub(area.top()));
        if room == 0 {
            return;
        }
        let mut lines = text::wrapped(message, widest);
        if lines.len() > room.min(LINES_MAX) {
            lines.truncate(room.min(LINES_MAX));
            if let Some(last) = lines.last_mut() {
                let ellipsis = theme.glyphs.ellipsis;
                while !last.is_empty() && text::columns(last) + text::columns(ellipsis) > widest {
                    last.pop();
                }
                last.push_str(ellipsis);
            }
        }
        let (sign, style) = tone.look(theme);
        let style = theme.toast.patch(Style {
            bg: theme.toast.bg,
            ..style
        });
        let longest = lines.iter().map(|line| text::columns(line)).max();
        let width = longest.unwrap_or(0) + 5;
        let top = bottom - lines.len() as u16;
        for (index, (line, y)) in lines.iter().zip(top..).enumerate() {
            let place = Rect::new(area.right() - width - 1, y, width, 1);
            text::fill(buf, place, theme.base().patch(theme.toast));
            text::put(buf, place.x, y, 1, theme.glyphs.thumb, style);
            if index == 0 {
                text::put(buf, place.x + 2, y, 1, sign, style);
            }
            text::put(buf, place.x + 4, y, width - 5, line, theme.toast);
        }
        bottom = top;
    }
}
