//! Rows of which some are seen: where the view is, and a thin bar that says so.
//!
//! Owns the arithmetic of scrolling. Where the view was is remembered by the state of a screen: it asks
//! [`keep_visible`], and drawing asks the same.

use ratatui::{buffer::Buffer, layout::Rect, style::Modifier};

use super::text;
use crate::tui::theme::Theme;

/// The first row to show, so that the selected one is seen and the view moves as little as it can. There is
/// no empty room below the last row while rows are hidden above.
pub fn keep_visible(first: usize, selected: usize, length: usize, height: u16) -> usize {
    let height = usize::from(height);
    if height == 0 || length <= height {
        return 0;
    }
    let selected = selected.min(length - 1);
    let lowest = selected.saturating_sub(height - 1);
    first.clamp(lowest, selected).min(length - height)
}

/// The first row after scrolling by so many: there is no empty room below the last row, and no step is lost there.
pub fn scrolled(first: usize, by: isize, length: usize, height: usize) -> usize {
    let last = length.saturating_sub(height);
    first.min(last).saturating_add_signed(by).min(last)
}

/// Draws the rows that are seen. `row` is given the line, the index and whether it is selected; the style of a
/// selected row is laid over what it drew. A bar at the right edge takes one column when not all rows fit. Gives
/// the index of the first row.
pub fn draw(
    buf: &mut Buffer,
    area: Rect,
    view: View,
    theme: &Theme,
    mut row: impl FnMut(&mut Buffer, Rect, usize, bool),
) -> usize {
    let first = keep_visible(
        view.first,
        view.selected.unwrap_or(view.first),
        view.length,
        area.height,
    );
    if area.is_empty() {
        return first;
    }
    let scrolls = view.length > usize::from(area.height) && area.width > 1;
    let width = area.width - u16::from(scrolls);
    for (index, y) in (first..view.length).zip(area.top()..area.bottom()) {
        let line = Rect::new(area.x, y, width, 1);
        let selected = view.selected == Some(index);
        row(buf, line, index, selected);
        if selected {
            select(buf, line, theme);
        }
    }
    if scrolls {
        let bar = Rect {
            x: area.right() - 1,
            width: 1,
            ..area
        };
        scroll_bar(buf, bar, first, view.length, theme);
    }
    first
}

/// Gives what is drawn the style of the selected row; the rest of a bar keeps its ground.
pub fn select(buf: &mut Buffer, line: Rect, theme: &Theme) {
    let ground = theme.bar_empty.bg;
    // What matters less can be read here too.
    let style = theme.selection.remove_modifier(Modifier::DIM);
    for position in line.intersection(buf.area).positions() {
        if let Some(cell) = buf.cell_mut(position)
            && (ground.is_none() || ground != Some(cell.bg))
        {
            cell.set_style(style);
        }
    }
}

/// What of a list is seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct View {
    /// The first row of the last frame.
    pub first: usize,
    /// The selected row, if one is.
    pub selected: Option<usize>,
    /// How many rows there are.
    pub length: usize,
}

/// A bar in one column: where `area.height` rows from `first` on lie among `length`. Nothing when all are seen.
pub fn scroll_bar(buf: &mut Buffer, area: Rect, first: usize, length: usize, theme: &Theme) {
    let height = usize::from(area.height);
    if height == 0 || length <= height {
        return;
    }
    let thumb = (height * height / length).clamp(1, height);
    let hidden = length - height;
    // The thumb touches an end only when the view does.
    let free = height - thumb;
    let first = first.min(hidden);
    let mut top = (first * free + hidden / 2) / hidden;
    if first > 0 && first < hidden && free >= 2 {
        top = top.clamp(1, free - 1);
    }
    for (at, y) in (area.top()..area.bottom()).enumerate() {
        let (sign, style) = if (top..top + thumb).contains(&at) {
            (theme.glyphs.thumb, theme.dim)
        } else {
            (theme.glyphs.track, theme.border)
        };
        text::put(buf, area.x, y, 1, sign, style);
    }
}
