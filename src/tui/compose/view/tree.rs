//! The tree of the session's parts.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
    text::Line,
};

use crate::{
    model::{
        document::Session,
        host::HostSpec,
        session::{Problem, Severity},
    },
    tui::{
        compose::{
            Focus,
            node::{self, Node, Row, host_label},
        },
        run::view::scrolled,
        state::State,
        theme::Theme,
        widget::{
            format, list,
            panel::Panel,
            text::{columns, put, put_cut},
        },
    },
};

/// Draws the tree.
pub fn draw(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let session = &state.draft.session;
    let rows = node::rows(session, &state.compose.folded);
    let at = rows.iter().position(|row| row.node == state.compose.at);
    let title = match state.has_unsaved() {
        true => "session *",
        false => "session",
    };
    let mut panel = Panel::new(title).focused(state.compose.focus == Focus::Tree);
    if rows.len() > usize::from(area.height.saturating_sub(2)) {
        panel = panel.footer(format::place(at.unwrap_or(0), rows.len()));
    }
    let inside = panel.draw(buffer, area, theme);
    let view = list::View {
        first: scrolled(at.unwrap_or(0), rows.len(), usize::from(inside.height)),
        selected: at,
        length: rows.len(),
    };
    list::draw(buffer, inside, view, theme, |buffer, line, index, _| {
        if let Some(row) = rows.get(index) {
            draw_row(state, row, theme, line, buffer);
        }
    });
}

fn draw_row(state: &State, row: &Row, theme: &Theme, line: Rect, buffer: &mut Buffer) {
    let session = &state.draft.session;
    let worst = state
        .compose
        .wrong()
        .filter(|problem| row.node.has(problem) || hides(row, problem))
        .map(|problem| problem.severity)
        .max();
    let (mut name, about, mut style) = words(session, row, theme);
    let sign = match row.folded {
        Some(true) => theme.glyphs.closed,
        Some(false) => theme.glyphs.open,
        None => " ",
    };
    if let Some(severity) = worst {
        style = match severity {
            Severity::Error => theme.error,
            Severity::Warning => theme.warning,
        };
    }
    if name.is_empty() {
        name = "?".to_owned();
    }
    let x = line.x + 1 + row.depth * 2;
    put(buffer, x, line.y, 1, sign, theme.dim);
    let x = x + 2;
    let mark = u16::from(worst.is_some()) * 2;
    let right = columns(&about);
    let room = line.right().saturating_sub(x + 1 + mark);
    // Short of room the name is what counts, then the last thing said about it.
    let short = about.rsplit("  ").next().unwrap_or_default();
    let about = match columns(&name) + 1 + right <= room {
        true => about.as_str(),
        false => short,
    };
    let right = columns(about);
    let right = match columns(&name) + 1 + right <= room {
        true => right,
        false => 0,
    };
    let width = room.saturating_sub(right + u16::from(right > 0));
    put_cut(buffer, x, line.y, width, &name, style, theme.glyphs);
    if right > 0 {
        let from = line.right().saturating_sub(1 + mark + right);
        put_cut(buffer, from, line.y, right, about, theme.dim, theme.glyphs);
    }
    if let Some(severity) = worst {
        let from = line.right().saturating_sub(2);
        let sign = match severity {
            Severity::Error => theme.glyphs.failed,
            Severity::Warning => theme.glyphs.warning,
        };
        put(buffer, from, line.y, 1, sign, style);
    }
}

/// Whether a problem is about something that a folded row does not show.
fn hides(row: &Row, problem: &Problem) -> bool {
    row.folded == Some(true) && problem.path.parts().starts_with(row.node.path().parts())
}

fn words(session: &Session, row: &Row, theme: &Theme) -> (String, String, Style) {
    let times = theme.glyphs.times;
    match &row.node {
        Node::Session => {
            let name = session.name.clone();
            (
                name.unwrap_or_else(|| "session".to_owned()),
                String::new(),
                theme.title,
            )
        }
        Node::Group(name) => {
            let count: u64 = session.groups.get(name).map_or(0, |group| {
                group
                    .templates
                    .values()
                    .map(|template| u64::from(template.replicas))
                    .sum()
            });
            let about = match count {
                1 => "1 rank".to_owned(),
                count => format!("{} ranks", format::count(count)),
            };
            (name.to_string(), about, theme.title)
        }
        Node::Template(group, name) => {
            let policy = session.policy_of(group, name);
            let mut about = Vec::new();
            if let Some(gpus) = policy.gpus.filter(|gpus| *gpus > 0) {
                about.push(format!("gpu {gpus}"));
            }
            if let Some(template) = session.template(group, name) {
                about.push(format!("{times}{}", template.replicas));
            }
            (name.to_string(), about.join("  "), theme.text)
        }
        Node::Queues => (
            "queues".to_owned(),
            counted(session.queues.len()),
            theme.dim,
        ),
        Node::Queue(name) => {
            let most = session.queues.get(name).and_then(|queue| queue.maxsize);
            let about = match most {
                Some(most) => format!("max {}", format::count(most)),
                None => String::new(),
            };
            (name.to_string(), about, theme.text)
        }
        Node::Hosts => ("hosts".to_owned(), counted(session.hosts.len()), theme.dim),
        Node::Host(index) => match session.hosts.get(*index) {
            Some(host) => {
                let about = match host {
                    HostSpec::Declared(host) if host.gpus > 0 => {
                        format!("{}c {}g", host.cpus, host.gpus)
                    }
                    HostSpec::Declared(host) => format!("{}c", host.cpus),
                    HostSpec::Ssh(_) => "ssh".to_owned(),
                    HostSpec::Slurm(_) => String::new(),
                };
                (host_label(host), about, theme.text)
            }
            None => (String::new(), String::new(), theme.text),
        },
    }
}

fn counted(number: usize) -> String {
    match number {
        0 => "none".to_owned(),
        _ => String::new(),
    }
}

/// Which row of the tree is at a place.
pub fn row_at(state: &State, area: Rect, at: Position) -> Option<Node> {
    let inside = Panel::inner(area);
    if !inside.contains(at) {
        return None;
    }
    let rows = node::rows(&state.draft.session, &state.compose.folded);
    let selected = rows.iter().position(|row| row.node == state.compose.at);
    let selected = selected.unwrap_or(0);
    let first = list::keep_visible(
        scrolled(selected, rows.len(), usize::from(inside.height)),
        selected,
        rows.len(),
        inside.height,
    );
    rows.into_iter()
        .nth(first + usize::from(at.y - inside.y))
        .map(|row| row.node)
}

/// A heading that has no fields, in the middle of the screen.
pub fn heading(node: &Node) -> Vec<Line<'static>> {
    let lines: &[&str] = match node {
        Node::Queues => &[
            "queues carry items between processes",
            "",
            "Q adds one; Queue(\"name\") among the arguments of a template gives it to a process",
        ],
        Node::Hosts => &[
            "without hosts everything runs on this machine",
            "",
            "H adds one: a host that is described here, hosts by ssh, or an allocation of Slurm",
        ],
        _ => &[],
    };
    lines.iter().map(|line| Line::from(*line)).collect()
}
