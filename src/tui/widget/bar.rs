//! A bar: how much of how much, in eighths of a column.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::text;
use crate::tui::theme::Theme;

/// Fills the first line of `area` as far as `share` (0 to 1) says, in the style `full`. Something is never
/// drawn as nothing, and less than all never as all.
pub fn draw(buf: &mut Buffer, area: Rect, share: f64, full: Style, theme: &Theme) {
    if area.is_empty() {
        return;
    }
    let eighths = u32::from(area.width) * 8;
    let share = if share.is_finite() {
        share.clamp(0.0, 1.0)
    } else {
        0.0
    };
    let mut filled = (share * f64::from(eighths)).round() as u32;
    if share > 0.0 {
        filled = filled.max(1);
    }
    if share < 1.0 {
        filled = filled.min(eighths - 1);
    }
    // A theme that gives the rest a ground needs no sign for it.
    let (rest, ground) = match theme.bar_empty.bg {
        Some(ground) => (" ", Style::new().bg(ground)),
        None => (theme.glyphs.bar_empty, Style::new()),
    };
    for column in 0..area.width {
        let part = filled.saturating_sub(u32::from(column) * 8).min(8);
        let (sign, style) = match part
            .checked_sub(1)
            .and_then(|at| theme.glyphs.bar.get(at as usize))
        {
            // ASCII has no sign for a little.
            Some(sign) if *sign != " " => (*sign, full.patch(ground)),
            _ => (rest, theme.bar_empty),
        };
        text::put(buf, area.x + column, area.y, 1, sign, style);
    }
}

/// The style for a bar that is better not full: calm, then a warning from `0.85` on, then an error when full.
pub fn fullness(share: f64, theme: &Theme) -> Style {
    match share {
        _ if share >= 1.0 => theme.error,
        _ if share >= 0.85 => theme.warning,
        _ => theme.bar_full,
    }
}
