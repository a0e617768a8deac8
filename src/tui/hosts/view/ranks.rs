//! Who is on one host: a line for each template.

use ratatui::{buffer::Buffer, layout::Rect};

use super::key;
use crate::tui::{
    hosts::{
        Part,
        board::{Host, Ranks, Standing},
    },
    keymap::Action,
    run,
    state::State,
    theme::Theme,
    widget::{
        format, list,
        panel::Panel,
        text::{columns, put, put_cut, put_right},
    },
};

/// Draws them.
pub fn draw(state: &State, host: &Host, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    if area.height < 3 {
        return;
    }
    let is_plan = matches!(
        host.standing,
        Standing::Planned(_) | Standing::OutOfReach(_)
    );
    let about = match (&host.standing, host.over()) {
        (Standing::Planned(number), _) => format!("{number} would go there"),
        (_, 0) => format!("{} live", host.live()),
        (_, over) => format!("{} live, {over} over", host.live()),
    };
    let height = usize::from(area.height - 2);
    let mut panel = Panel::new("ranks")
        .about(format!("on {}", host.name))
        .right(about)
        .focused(state.hosts.part == Part::Ranks);
    let at = state.hosts.row.min(host.ranks.len().saturating_sub(1));
    if host.ranks.len() > height {
        panel = panel.footer(format::place(at, host.ranks.len()));
    }
    let inside = panel.draw(buffer, area, theme);
    if host.ranks.is_empty() {
        let text = format!("none: {} says why", key(state, Action::Why));
        put(buffer, inside.x, inside.y, inside.width, &text, theme.dim);
        return;
    }
    let names = host.ranks.iter().map(|row| columns(&name(row)));
    let widest = names.max().unwrap_or(0) + 2;
    let view = list::View {
        first: run::view::scrolled(at, host.ranks.len(), height),
        selected: (state.hosts.part == Part::Ranks).then_some(at),
        length: host.ranks.len(),
    };
    list::draw(buffer, inside, view, theme, |buffer, line, index, _| {
        row(&host.ranks[index], is_plan, widest, line, theme, buffer);
    });
}

fn name(row: &Ranks) -> String {
    format!("{}/{}", row.group, row.template)
}

fn row(row: &Ranks, is_plan: bool, widest: u16, line: Rect, theme: &Theme, buffer: &mut Buffer) {
    let glyphs = theme.glyphs;
    let (sign, style) = match row {
        _ if is_plan => (glyphs.waiting, theme.waiting),
        row if row.failed > 0 => (glyphs.failed, theme.error),
        row if row.live > 0 => (glyphs.running, theme.running),
        _ => (glyphs.succeeded, theme.dim),
    };
    put(buffer, line.x, line.y, 2, sign, style);
    let mut facts = Vec::new();
    if row.live > 0 {
        facts.push(format!("{:>5} live", format::count(row.live.into())));
    }
    if row.failed > 0 {
        facts.push(format!("{} failed", row.failed));
    }
    if row.ended > 0 {
        facts.push(format!("{} ended", row.ended));
    }
    if !row.gpus.is_empty() {
        let gpus: Vec<String> = row.gpus.iter().map(u32::to_string).collect();
        facts.push(format!("gpu {}", gpus.join(",")));
    }
    if row.live > 0 {
        facts.push(format!(
            "{:>5} {:>5}",
            format::processor(row.cpu.into()).trim(),
            format::bytes(row.memory)
        ));
    }
    let facts = facts.join("  ");
    let right = columns(&facts).min(line.width.saturating_sub(14));
    let x = line.x + 2;
    let room = line.width.saturating_sub(2 + right + 1);
    let used = widest.min(room);
    let style = if row.live > 0 || is_plan {
        theme.text
    } else {
        theme.dim
    };
    put_cut(
        buffer,
        x,
        line.y,
        used.saturating_sub(1),
        &name(row),
        style,
        glyphs,
    );
    let numbers = row.numbers();
    put_cut(
        buffer,
        x + used,
        line.y,
        room - used,
        &numbers,
        style,
        glyphs,
    );
    put_right(
        buffer,
        line.right() - right,
        line.y,
        right,
        &facts,
        theme.dim,
        glyphs,
    );
}
