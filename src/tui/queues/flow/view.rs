//! How the flow is drawn: process, queue, process, with rates; the slowest is marked.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::{Party, Row, Stage, Verdict, verdict};
use crate::tui::{
    theme::Theme,
    widget::{
        format, list,
        panel::Panel,
        text::{columns, put_line, put_right},
    },
};

/// Parties that are named at one side of a queue.
const NAMED: usize = 3;

/// Draws the flow from a line of it on.
pub fn draw(rows: &[Row], scroll: usize, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let all = height(rows, Panel::inner(area).width, theme);
    let mut panel = Panel::new("flow");
    if all > usize::from(Panel::inner(area).height) {
        panel = panel.footer(format!(
            "{} queues",
            rows.iter().map(Vec::len).sum::<usize>()
        ));
    }
    let mut inside = panel.draw(buffer, area, theme);
    let scrolls = all > usize::from(inside.height) && inside.width > 1;
    let first = scroll.min(all.saturating_sub(usize::from(inside.height)));
    if scrolls {
        let bar = Rect {
            x: inside.right() - 1,
            width: 1,
            ..inside
        };
        list::scroll_bar(buffer, bar, first, all, theme);
        inside.width -= 1;
    }
    let lines = rows.iter().flat_map(|row| lines(row, inside.width, theme));
    for ((line, mark), y) in lines.skip(first).zip(inside.top()..inside.bottom()) {
        let used = put_line(buffer, inside.x, y, inside.width, &line);
        if let Some((text, style)) = mark {
            let gap = if used == 0 { 0 } else { used + 2 };
            let free = inside.width.saturating_sub(gap);
            put_right(buffer, inside.x + gap, y, free, &text, style, theme.glyphs);
        }
    }
}

/// How many lines the flow takes at this width.
pub fn height(rows: &[Row], width: u16, theme: &Theme) -> usize {
    let lines = rows.iter().map(|row| lines(row, width, theme).len());
    lines.sum()
}

/// A line, and what stands at its right: what holds everything up.
type Drawn<'t> = (Line<'t>, Option<(String, Style)>);

/// A row in one line where it fits, else one line for each queue. The mark has a line of its own where there is no room
/// beside the last one.
fn lines<'t>(row: &Row, width: u16, theme: &'t Theme) -> Vec<Drawn<'t>> {
    let verdict = verdict(row);
    let whole = line(row, verdict.as_ref(), theme);
    let mut lines: Vec<Drawn<'_>> = match whole.width() <= usize::from(width) {
        true => vec![(whole, None)],
        false => row
            .iter()
            .map(|stage| {
                let stage = std::slice::from_ref(stage);
                (line(stage, verdict.as_ref(), theme), None)
            })
            .collect(),
    };
    if let Some(mark) = mark(verdict.as_ref(), theme) {
        let room = usize::from(width.saturating_sub(columns(&mark.0) + 2));
        match lines.last_mut() {
            Some((line, place)) if line.width() <= room => *place = Some(mark),
            _ => lines.push((Line::default(), Some(mark))),
        }
    }
    lines
}

fn mark(verdict: Option<&Verdict>, theme: &Theme) -> Option<(String, Style)> {
    let sign = theme.glyphs.warning;
    Some(match verdict? {
        Verdict::Slowest {
            parties,
            is_waited_for,
        } => {
            let labels = parties.iter().take(NAMED);
            let labels: Vec<String> = labels.map(|party| party.label(theme.glyphs)).collect();
            let more = match parties.len().saturating_sub(NAMED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let text = format!("slowest: {}{more}", labels.join(", "));
            match is_waited_for {
                true => (text, theme.warning),
                false => (text, theme.dim),
            }
        }
        Verdict::NobodyGets(queue) => (format!("{sign} nobody gets from {queue}"), theme.error),
        Verdict::NobodyPuts(queue) => (format!("nobody puts into {queue} any more"), theme.dim),
    })
}

fn line<'t>(row: &[Stage], verdict: Option<&Verdict>, theme: &'t Theme) -> Line<'t> {
    let mut spans = Vec::new();
    for (index, stage) in row.iter().enumerate() {
        // Who drained the queue before stands there already.
        if index == 0 {
            parties(&stage.from, verdict, theme, &mut spans);
        }
        arrow(stage.rates.0, theme, &mut spans);
        spans.push(queue(stage, theme));
        arrow(stage.rates.1, theme, &mut spans);
        parties(&stage.to, verdict, theme, &mut spans);
    }
    Line::from(spans)
}

fn parties<'t>(
    parties: &[Party],
    verdict: Option<&Verdict>,
    theme: &'t Theme,
    spans: &mut Vec<Span<'t>>,
) {
    let blamed = |party: &Party| match verdict {
        Some(Verdict::Slowest {
            parties,
            is_waited_for: true,
        }) => parties.iter().any(|slow| slow.kind == party.kind),
        _ => false,
    };
    // Those that move most are named.
    let mut order: Vec<&Party> = parties.iter().collect();
    order.sort_by(|a, b| b.rate.total_cmp(&a.rate));
    for (index, party) in order.iter().take(NAMED).enumerate() {
        if index > 0 {
            spans.push(Span::styled(", ", theme.dim));
        }
        let style = match party {
            party if party.is_gone() => theme.dim,
            party if blamed(party) => theme.warning,
            _ => theme.text,
        };
        spans.push(Span::styled(party.label(theme.glyphs), style));
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
    let style = if rate > 0.0 { theme.text } else { theme.dim };
    spans.push(Span::styled(format::rate(rate), style));
    spans.push(Span::styled(format!("{} ", theme.glyphs.flow), theme.dim));
}

fn queue<'t>(stage: &Stage, theme: &'t Theme) -> Span<'t> {
    let (depth, most) = stage.depth;
    let depth = format::of(depth, most, theme.glyphs);
    let style = match stage.is_full {
        true => theme.warning,
        false => theme.accent,
    };
    Span::styled(format!("[{} {depth}]", stage.queue), style)
}
