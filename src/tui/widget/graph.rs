//! A history as columns: one line of it, or a whole panel with an axis.
//!
//! The newest value is always at the right edge. A value that is not a number is a gap: nothing was measured.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::text;
use crate::tui::theme::Theme;

/// One line: the last values that fit, against `most` (or the greatest of them, when `None`).
pub fn sparkline(
    buf: &mut Buffer,
    area: Rect,
    values: &[f64],
    most: Option<f64>,
    style: Style,
    theme: &Theme,
) {
    if !area.is_empty() {
        columns(buf, Rect { height: 1, ..area }, values, most, style, theme);
    }
}

/// Brings a history to a number of columns, each the greatest of what it stands for: peaks stay. One that is
/// short enough stays as it is.
pub fn resample(values: &[f64], columns: usize) -> Vec<f64> {
    if values.len() <= columns || columns == 0 {
        return values
            .iter()
            .copied()
            .skip(if columns == 0 { values.len() } else { 0 })
            .collect();
    }
    (0..columns)
        .map(|column| {
            let from = column * values.len() / columns;
            let to = ((column + 1) * values.len() / columns).max(from + 1);
            values
                .get(from..to)
                .unwrap_or_default()
                .iter()
                .copied()
                .fold(f64::NAN, f64::max)
        })
        .collect()
}

/// What stands beside the columns.
#[derive(Debug, Clone, Copy, Default)]
pub struct Axis<'a> {
    /// At the top of the upright line: what a full column means.
    pub top: &'a str,
    /// At its foot.
    pub bottom: &'a str,
    /// Below the oldest value: how long ago that was.
    pub oldest: &'a str,
    /// Below the newest.
    pub newest: &'a str,
}

/// The columns of a graph with an axis at their left and below. Small areas do without the axis.
pub fn draw(
    buf: &mut Buffer,
    area: Rect,
    values: &[f64],
    most: Option<f64>,
    axis: Axis<'_>,
    theme: &Theme,
) {
    let margin = text::columns(axis.top).max(text::columns(axis.bottom));
    if area.height < 4 || area.width < margin.saturating_add(8) {
        return columns(buf, area, values, most, theme.graph, theme);
    }
    let (glyphs, dim, line) = (theme.glyphs, theme.dim, theme.border);
    let plot = Rect {
        x: area.x + margin + 1,
        width: area.width - margin - 1,
        height: area.height - 2,
        ..area
    };
    let [upright, crossing, flat] = glyphs.axis;
    for y in plot.top()..=plot.bottom() {
        let ticked = y == plot.top() || y == plot.bottom();
        text::put(
            buf,
            plot.x - 1,
            y,
            1,
            if ticked { crossing } else { upright },
            line,
        );
    }
    text::put_right(buf, area.x, plot.y, margin, axis.top, dim, glyphs);
    text::put_right(buf, area.x, plot.bottom(), margin, axis.bottom, dim, glyphs);
    for x in plot.left()..plot.right() {
        text::put(buf, x, plot.bottom(), 1, flat, line);
    }
    let foot = plot.bottom() + 1;
    let half = plot.width / 2;
    text::put_cut(buf, plot.x, foot, half, axis.oldest, dim, glyphs);
    text::put_right(
        buf,
        plot.x + half,
        foot,
        plot.width - half,
        axis.newest,
        dim,
        glyphs,
    );
    columns(buf, plot, values, most, theme.graph, theme);
}

fn columns(
    buf: &mut Buffer,
    area: Rect,
    values: &[f64],
    most: Option<f64>,
    style: Style,
    theme: &Theme,
) {
    let shown = values.len().min(usize::from(area.width));
    let values = values.get(values.len() - shown..).unwrap_or_default();
    let greatest = values.iter().copied().fold(0.0, f64::max);
    let most = most.filter(|most| *most > 0.0).unwrap_or(greatest);
    let first = area
        .right()
        .saturating_sub(u16::try_from(shown).unwrap_or(u16::MAX));
    for (x, value) in (first..).zip(values) {
        if !value.is_finite() {
            continue;
        }
        let share = if most > 0.0 {
            (value / most).clamp(0.0, 1.0)
        } else {
            0.0
        };
        let eighths = (share * f64::from(area.height) * 8.0).round() as u32;
        // A little is not nothing.
        let eighths = if *value > 0.0 { eighths.max(1) } else { 0 };
        for (row, y) in (area.top()..area.bottom()).rev().enumerate() {
            let part = eighths.saturating_sub(row as u32 * 8).min(8);
            let Some(at) = part.checked_sub(1) else { break };
            if let Some(sign) = theme.glyphs.spark.get(at as usize) {
                text::put(buf, x, y, 1, sign, style);
            }
        }
    }
}
