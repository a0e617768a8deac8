//! How the flow is drawn: process, queue, process, with rates; the slowest is marked.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::{Party, Row, Slowest, Stage, rows, slowest};
use crate::tui::{
    queues::History,
    theme::Theme,
    widget::{
        format,
        panel::Panel,
        text::{put_line, put_right},
    },
};

/// Parties that are named at one side of a queue.
const NAMED: usize = 3;

/// Draws the flow.
pub fn draw(history: &History, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let inside = Panel::new("flow").draw(buffer, area, theme);
    let rows = rows(history, theme.glyphs.times);
    let lines = rows
        .iter()
        .flat_map(|row| lines(row, history, inside.width, theme));
    for ((line, mark), y) in lines.zip(inside.top()..inside.bottom()) {
        let used = put_line(buffer, inside.x, y, inside.width, &line);
        if let Some((text, style)) = mark {
            let free = inside.width.saturating_sub(used + 2);
            put_right(
                buffer,
                inside.x + used + 2,
                y,
                free,
                &text,
                style,
                theme.glyphs,
            );
        }
    }
}

/// How many lines the flow takes at this width.
pub fn height(history: &History, width: u16, theme: &Theme) -> u16 {
    let rows = rows(history, theme.glyphs.times);
    let lines = rows
        .iter()
        .map(|row| lines(row, history, width, theme).len());
    u16::try_from(lines.sum::<usize>()).unwrap_or(u16::MAX)
}

/// A line, and what stands at its right: who is the slowest.
type Drawn<'t> = (Line<'t>, Option<(String, Style)>);

/// A row in one line where it fits, else one line for each queue.
fn lines<'t>(row: &Row, history: &History, width: u16, theme: &'t Theme) -> Vec<Drawn<'t>> {
    let slowest = slowest(row);
    let whole = line(row, history, slowest.as_ref(), theme);
    if whole.width() <= usize::from(width) || row.len() == 1 {
        return vec![(whole, mark(slowest.as_ref(), theme))];
    }
    let parts = row.iter().enumerate().map(|(index, stage)| {
        let line = line(
            std::slice::from_ref(stage),
            history,
            slowest.as_ref(),
            theme,
        );
        let mark = mark(slowest.as_ref(), theme).filter(|_| index + 1 == row.len());
        (line, mark)
    });
    parts.collect()
}

fn mark(slowest: Option<&Slowest>, theme: &Theme) -> Option<(String, Style)> {
    let slowest = slowest?;
    let style = match slowest.is_waited_for {
        true => theme.warning,
        false => theme.dim,
    };
    Some((format!("slowest: {}", slowest.labels.join(", ")), style))
}

fn line<'t>(
    row: &[Stage],
    history: &History,
    slowest: Option<&Slowest>,
    theme: &'t Theme,
) -> Line<'t> {
    let mut spans = Vec::new();
    for (index, stage) in row.iter().enumerate() {
        // Who drained the queue before stands there already.
        if index == 0 {
            parties(&stage.from, slowest, theme, &mut spans);
        }
        arrow(stage.rates.0, theme, &mut spans);
        spans.push(queue(stage, history, theme));
        arrow(stage.rates.1, theme, &mut spans);
        parties(&stage.to, slowest, theme, &mut spans);
    }
    Line::from(spans)
}

fn parties<'t>(
    parties: &[Party],
    slowest: Option<&Slowest>,
    theme: &'t Theme,
    spans: &mut Vec<Span<'t>>,
) {
    // Those that move most are named.
    let mut order: Vec<&Party> = parties.iter().collect();
    order.sort_by(|a, b| b.rate.total_cmp(&a.rate));
    for (index, party) in order.iter().take(NAMED).enumerate() {
        if index > 0 {
            spans.push(Span::styled(", ", theme.dim));
        }
        let is_slowest = slowest
            .is_some_and(|slowest| slowest.is_waited_for && slowest.kinds.contains(&party.kind));
        let style = if is_slowest {
            theme.warning
        } else {
            theme.text
        };
        spans.push(Span::styled(party.label.clone(), style));
    }
    if order.len() > NAMED {
        let more = format!(" and {} more", order.len() - NAMED);
        spans.push(Span::styled(more, theme.dim));
    }
    if order.is_empty() {
        spans.push(Span::styled(theme.glyphs.none, theme.dim));
    }
}

/// ` ──120/s──▶ `.
fn arrow<'t>(rate: f64, theme: &'t Theme, spans: &mut Vec<Span<'t>>) {
    let rule = theme.glyphs.border.horizontal.repeat(2);
    spans.push(Span::styled(format!(" {rule}"), theme.dim));
    spans.push(Span::styled(format::rate(rate), theme.text));
    spans.push(Span::styled(format!("{} ", theme.glyphs.flow), theme.dim));
}

fn queue<'t>(stage: &Stage, history: &History, theme: &'t Theme) -> Span<'t> {
    let depth = history
        .queues
        .get(&stage.queue)
        .map_or_else(String::new, |queue| {
            format::of(queue.sample.depth, queue.sample.maxsize, theme.glyphs)
        });
    let style = match stage.is_full {
        true => theme.warning,
        false => theme.accent,
    };
    Span::styled(format!("[{} {depth}]", stage.queue), style)
}
