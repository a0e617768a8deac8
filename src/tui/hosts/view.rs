//! How the hosts are drawn.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
};

use crate::{
    model::{event::GpuSample, ids::HostName},
    tui::{
        facts::HostFacts,
        run,
        state::State,
        theme::Theme,
        widget::{
            bar, format, graph,
            panel::Panel,
            text::{columns, put, put_cut, put_right},
        },
    },
};

/// Lines of a host, with its border, without its GPUs.
const LINES: u16 = 6;

/// Draws the screen.
pub fn draw(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) -> Option<Position> {
    let hosts = state.run.as_ref().filter(|run| !run.facts.hosts.is_empty());
    let Some(run) = hosts else {
        let text = "hosts are known once the session was started: s starts it";
        let x = area.x + area.width.saturating_sub(columns(text)) / 2;
        put(
            buffer,
            x,
            area.y + area.height / 2,
            area.width,
            text,
            theme.dim,
        );
        return None;
    };
    let mut y = area.y;
    for (name, host) in &run.facts.hosts {
        let left = area.bottom().saturating_sub(y);
        if left < 3 {
            break;
        }
        let gpus = host
            .sample
            .as_ref()
            .map_or(host.gpus.len(), |sample| sample.gpus.len());
        let height = (LINES + gpus as u16).min(left);
        let place = Rect::new(area.x, y, area.width, height);
        draw_host(run, name, host, place, theme, buffer);
        y += height;
    }
    None
}

fn draw_host(
    run: &run::State,
    name: &HostName,
    host: &HostFacts,
    area: Rect,
    theme: &Theme,
    buffer: &mut Buffer,
) {
    let live: Vec<String> = run
        .facts
        .selected(None)
        .filter(|(_, rank)| rank.host.as_ref() == Some(name) && rank.state.is_live())
        .map(|(process, _)| format!("{}.{}", process.template, process.rank))
        .collect();
    let about = match name.as_str() == host.hostname {
        true => String::new(),
        false => host.hostname.clone(),
    };
    let count = match live.len() {
        1 => "1 rank".to_owned(),
        many => format!("{many} ranks"),
    };
    let panel = Panel::new(name.to_string()).about(about).right(count);
    let inside = panel.draw(buffer, area, theme);
    let mut lines =
        (inside.top()..inside.bottom()).map(|y| Rect::new(inside.x, y, inside.width, 1));
    if let Some(reason) = &host.lost {
        if let Some(line) = lines.next() {
            let text = format!("{} lost: {reason}", theme.glyphs.unknown);
            put_cut(
                buffer,
                line.x,
                line.y,
                line.width,
                &text,
                theme.error,
                theme.glyphs,
            );
        }
        return;
    }
    let Some(sample) = &host.sample else {
        if let Some(line) = lines.next() {
            let text = format!(
                "{} cpus, {} of memory",
                host.cpus,
                format::bytes(host.memory)
            );
            put(buffer, line.x, line.y, line.width, &text, theme.dim);
        }
        return;
    };
    let cpu_share = f64::from(sample.cpu) / f64::from(host.cpus.max(1));
    let cpu_text = format!("{} of {} cpus", format::processor(cpu_share), host.cpus);
    if let Some(line) = lines.next() {
        meter("cpu", cpu_share, &cpu_text, line, theme, buffer);
        let from = line.x + line.width / 2 + 2;
        let graph_area = Rect::new(from, line.y, line.right().saturating_sub(from), 1);
        let wanted = usize::from(graph_area.width);
        let skip = host.history.len().saturating_sub(wanted);
        let values: Vec<f64> = host
            .history
            .iter()
            .skip(skip)
            .map(|cpu| f64::from(*cpu))
            .collect();
        graph::sparkline(
            buffer,
            graph_area,
            &values,
            Some(f64::from(host.cpus)),
            theme.graph,
            theme,
        );
    }
    let (used, total) = sample.memory;
    let memory_text = format!("{} of {}", format::bytes(used), format::bytes(total));
    if let Some(line) = lines.next() {
        meter(
            "memory",
            used as f64 / total.max(1) as f64,
            &memory_text,
            line,
            theme,
            buffer,
        );
    }
    if sample.gpus.is_empty()
        && let Some(line) = lines.next()
    {
        let text = "gpus    no GPU driver found";
        put(buffer, line.x, line.y, line.width, text, theme.dim);
    }
    for gpu in &sample.gpus {
        if let Some(line) = lines.next() {
            draw_gpu(gpu, line, theme, buffer);
        }
    }
    if let Some(line) = lines.next() {
        let text = match live.is_empty() {
            true => "ranks   none".to_owned(),
            false => format!("ranks   {}", live.join(" ")),
        };
        put_cut(
            buffer,
            line.x,
            line.y,
            line.width,
            &text,
            theme.text,
            theme.glyphs,
        );
    }
}

/// A name, a bar and a number.
fn meter(name: &str, share: f64, shown: &str, line: Rect, theme: &Theme, buffer: &mut Buffer) {
    put(buffer, line.x, line.y, 8, name, theme.dim);
    let width = (line.width / 2).saturating_sub(8 + 20);
    let place = Rect::new(line.x + 8, line.y, width, 1);
    bar::draw(buffer, place, share, bar::fullness(share, theme), theme);
    put(
        buffer,
        place.right() + 1,
        line.y,
        line.right().saturating_sub(place.right() + 1).min(20),
        shown,
        theme.text,
    );
}

fn draw_gpu(gpu: &GpuSample, line: Rect, theme: &Theme, buffer: &mut Buffer) {
    let share = gpu
        .utilisation
        .map_or(0.0, |percent| f64::from(percent) / 100.0);
    let known = |value: Option<String>| value.unwrap_or_else(|| theme.glyphs.none.to_owned());
    let used = known(gpu.utilisation.map(|percent| format!("{percent}%")));
    meter(
        &format!("gpu {}", gpu.index),
        share,
        &used,
        line,
        theme,
        buffer,
    );
    let memory = known(
        gpu.memory
            .map(|(used, total)| format!("{} of {}", format::bytes(used), format::bytes(total))),
    );
    let warmth = known(
        gpu.temperature
            .map(|celsius| format!("{celsius}{}C", theme.glyphs.degree)),
    );
    let power = known(gpu.power.map(|watts| format!("{watts:.0} W")));
    let text = format!(
        "{}  {memory}  {warmth}  {power}  {} processes",
        gpu.name,
        gpu.processes.len()
    );
    let from = line.x + line.width / 2 + 2;
    put_right(
        buffer,
        from,
        line.y,
        line.right().saturating_sub(from),
        &text,
        theme.text,
        theme.glyphs,
    );
}
