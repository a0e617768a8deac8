//! Where everything would go.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use crate::{
    engine::door::preview::{PlannedHost, PlannedRanks},
    tui::{
        compose::{Focus, node::Node},
        overlay::view::wrapped,
        state::State,
        theme::Theme,
        widget::{format, list, panel::Panel, text::put_line},
    },
};

/// Lines of a refusal, at most.
const REFUSAL: usize = 4;

/// Draws the plan.
pub fn draw(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let focused = state.compose.focus == Focus::Plan;
    let inner = Panel::inner(area);
    let lines = lines(state, theme, inner.width.saturating_sub(1));
    let height = usize::from(inner.height);
    let first = state.compose.scroll.min(lines.len().saturating_sub(height));
    let title = match state.compose.planning.is_old() {
        true => "plan: being placed",
        false => "plan",
    };
    let mut panel = Panel::new(title).focused(focused);
    if lines.len() > height {
        panel = panel.footer(format::place(first + height.saturating_sub(1), lines.len()));
    }
    let inside = panel.draw(buffer, area, theme);
    for (line, y) in lines.iter().skip(first).zip(inside.top()..inside.bottom()) {
        put_line(
            buffer,
            inside.x + 1,
            y,
            inside.width.saturating_sub(2),
            line,
        );
    }
    if lines.len() > height && inside.width > 1 {
        let bar = Rect {
            x: inside.right() - 1,
            width: 1,
            ..inside
        };
        list::scroll_bar(buffer, bar, first, lines.len(), theme);
    }
}

/// The last line that it can begin with.
pub fn end(state: &State, area: Rect) -> usize {
    if area.is_empty() {
        return 0;
    }
    let inner = Panel::inner(area);
    // Its length does not depend on the colours.
    let theme = Theme::bare("", state.glyphs);
    let lines = lines(state, &theme, inner.width.saturating_sub(1));
    lines.len().saturating_sub(usize::from(inner.height))
}

fn said(text: &str, sign: &str, style: Style, width: u16) -> Vec<Line<'static>> {
    wrapped(text, width.saturating_sub(3))
        .into_iter()
        .enumerate()
        .map(|(row, part)| {
            let lead = if row == 0 { sign } else { " " };
            Line::from(Span::styled(format!("{lead} {part}"), style))
        })
        .collect()
}

fn lines(state: &State, theme: &Theme, width: u16) -> Vec<Line<'static>> {
    let Some(plan) = &state.compose.planning.plan else {
        return vec![Line::from(Span::styled("placing", theme.dim))];
    };
    let mut lines = Vec::new();
    // What cannot be placed comes first: it is what there is to do. All of it is said in the form, and by w.
    for refusal in &plan.refusals {
        let sign = theme.glyphs.failed;
        let mut parts = said(&refusal.message, sign, theme.error, width);
        if parts.len() > REFUSAL {
            parts.truncate(REFUSAL);
            if let Some(last) = parts.last_mut() {
                last.push_span(Span::styled(theme.glyphs.ellipsis, theme.error));
            }
        }
        lines.extend(parts);
    }
    if !plan.refusals.is_empty() {
        lines.push(Line::default());
    }
    if plan.too_large {
        let text = "so many ranks are placed when they are started, not while they are edited";
        lines.extend(said(text, theme.glyphs.info, theme.dim, width));
    }
    let single = state.draft.session.groups.len() == 1;
    for host in &plan.hosts {
        // The login node is no worker: it is only named when it gets something.
        if host.ranks == 0 && plan.hosts.len() > 1 && host.name.is_localhost() {
            continue;
        }
        lines.push(head(host, theme));
        for rows in host
            .rows
            .chunk_by(|a, b| (&a.group, &a.template) == (&b.group, &b.template))
        {
            let is_at = rows.first().is_some_and(|row| {
                matches!(&state.compose.at, Node::Template(group, template)
                    if *group == row.group && *template == row.template)
            });
            let has_gpus = host.gpus > 0;
            match together(rows) {
                Some(row) => lines.push(ranks(&row, true, single, is_at, has_gpus, theme)),
                None => lines.extend(
                    rows.iter()
                        .map(|row| ranks(row, false, single, is_at, has_gpus, theme)),
                ),
            }
        }
        if host.rows.is_empty() && !plan.too_large {
            lines.push(Line::from(Span::styled("  nothing", theme.dim)));
        }
        let all = host.gpus;
        if all > 0 && host.free_gpus < all {
            let text = format!("  left: {} of {all} gpus", host.free_gpus);
            lines.push(Line::from(Span::styled(text, theme.dim)));
        }
    }
    if plan.hosts.iter().any(is_only_described) {
        lines.push(Line::default());
        let text = "only described: it cannot be reached from here, so this is a plan";
        lines.extend(said(text, theme.glyphs.warning, theme.warning, width));
    }
    lines
}

/// Whether ranks would go to a host that nothing can be started on.
fn is_only_described(host: &PlannedHost) -> bool {
    !host.reachable && host.ranks > 0
}

fn head(host: &PlannedHost, theme: &Theme) -> Line<'static> {
    let mut about = format!("  {} cpu", host.cpus);
    if host.gpus > 0 {
        about.push_str(&format!("  {} gpu", host.gpus));
    }
    if host.ranks > 1 {
        about.push_str(&format!("  {} ranks", format::count(host.ranks)));
    }
    let mark = match is_only_described(host) {
        true => format!(" {}", theme.glyphs.warning),
        false => String::new(),
    };
    Line::from(vec![
        Span::styled(host.name.to_string(), theme.title),
        Span::styled(mark, theme.warning),
        Span::styled(about, theme.dim),
    ])
}

/// Ranks as a person counts them: `0-3,7`.
fn numbers(ranks: &[(u32, u32)]) -> String {
    const SHOWN: usize = 6;
    let mut parts: Vec<String> = ranks
        .iter()
        .take(SHOWN)
        .map(|(first, last)| match first == last {
            true => first.to_string(),
            false => format!("{first}-{last}"),
        })
        .collect();
    if ranks.len() > SHOWN {
        parts.push(format!("and {} more", ranks.len() - SHOWN));
    }
    parts.join(",")
}

/// Very many ranks of a template that each get something of their own, as one.
fn together(rows: &[PlannedRanks]) -> Option<PlannedRanks> {
    const EACH: usize = 8;
    let first = rows.first().filter(|_| rows.len() > EACH)?;
    let mut all = first.clone();
    all.ranks = rows.iter().flat_map(|row| row.ranks.clone()).collect();
    all.cpus = rows.iter().flat_map(|row| row.cpus.iter()).collect();
    all.gpus = rows
        .iter()
        .map(|row| row.gpus.as_ref())
        .collect::<Option<Vec<_>>>()
        .map(|sets| sets.into_iter().flat_map(|set| set.iter()).collect());
    Some(all)
}

fn ranks(
    row: &PlannedRanks,
    together: bool,
    single: bool,
    is_at: bool,
    has_gpus: bool,
    theme: &Theme,
) -> Line<'static> {
    let name = match single {
        true => row.template.to_string(),
        false => format!("{}/{}", row.group, row.template),
    };
    let numbers = match together {
        true => {
            let count: u64 = row
                .ranks
                .iter()
                .map(|(first, last)| u64::from(last - first) + 1)
                .sum();
            format!(" {}{}", theme.glyphs.times, format::count(count))
        }
        false => format!(".{}", numbers(&row.ranks)),
    };
    let mut about = Vec::new();
    if !row.cpus.is_empty() {
        about.push(format!("cpu {}", row.cpus));
    }
    match &row.gpus {
        Some(gpus) if gpus.is_empty() && has_gpus => about.push("no gpu".to_owned()),
        Some(gpus) if !gpus.is_empty() => about.push(format!("gpu {gpus}")),
        _ => {}
    }
    let style = if is_at { theme.accent } else { theme.text };
    Line::from(vec![
        Span::styled(format!("  {name}{numbers}"), style),
        Span::styled(format!("  {}", about.join(" ")), theme.dim),
    ])
}
