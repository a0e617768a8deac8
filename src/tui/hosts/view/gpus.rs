//! The GPUs of one host, a line each: how much is used of what, how warm it is, what it draws, and by whom.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::{
    model::event::{GpuSample, HostSample},
    tui::{
        run,
        theme::Theme,
        widget::{
            bar, format,
            panel::Panel,
            text::{columns, put_cut, put_right},
        },
    },
};

/// Draws them.
pub fn draw(run: &run::State, sample: &HostSample, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    if area.height < 3 {
        return;
    }
    let mut panel = Panel::new("gpus");
    let room = usize::from(area.height - 2);
    if sample.gpus.len() > room {
        panel = panel.footer(format!("{room} of {}", sample.gpus.len()));
    }
    let inside = panel.draw(buffer, area, theme);
    let name = sample.gpus.iter().map(|gpu| columns(&gpu.name)).max();
    let name = match inside.width {
        90.. => name.unwrap_or(0).min(24) + 2,
        _ => 0,
    };
    for (gpu, y) in sample.gpus.iter().zip(inside.top()..inside.bottom()) {
        let line = Rect {
            y,
            height: 1,
            ..inside
        };
        draw_gpu(run, sample, gpu, name, line, theme, buffer);
    }
}

fn draw_gpu(
    run: &run::State,
    sample: &HostSample,
    gpu: &GpuSample,
    name: u16,
    line: Rect,
    theme: &Theme,
    buffer: &mut Buffer,
) {
    let (y, glyphs) = (line.y, theme.glyphs);
    let mut x = line.x;
    put_right(buffer, x, y, 3, &gpu.index.to_string(), theme.text, glyphs);
    x += 4;
    if name > 1 {
        put_cut(buffer, x, y, name - 1, &gpu.name, theme.dim, glyphs);
        x += name;
    }
    let known = |value: Option<String>| value.unwrap_or_else(|| glyphs.none.to_owned());
    let width = if line.width >= 90 { 10 } else { 5 };
    let busy = gpu.utilisation.map(|percent| f64::from(percent) / 100.0);
    let full = gpu
        .memory
        .map(|(used, total)| used as f64 / total.max(1) as f64);
    let memory = gpu
        .memory
        .map(|(used, total)| format!("{} of {}", format::bytes(used), format::bytes(total)));
    // A busy GPU is what one wants; a full one is not.
    for (share, style, text, columns) in [
        (
            busy,
            theme.bar_full,
            known(busy.map(|share| format::percent(share).trim().to_owned())),
            5,
        ),
        (
            full,
            bar::fullness(full.unwrap_or(0.0), theme),
            known(memory),
            14,
        ),
    ] {
        if let Some(share) = share {
            bar::draw(buffer, Rect::new(x, y, width, 1), share, style, theme);
        }
        x += width;
        put_right(buffer, x, y, columns, &text, theme.text, glyphs);
        x += columns + 1;
    }
    let warmth = known(
        gpu.temperature
            .map(|celsius| format!("{celsius}{}C", glyphs.degree)),
    );
    let power = known(gpu.power.map(|watts| format!("{watts:.0} W")));
    for (text, columns) in [(warmth, 5), (power, 6)] {
        put_right(buffer, x, y, columns, &text, theme.text, glyphs);
        x += columns + 1;
    }
    x += 1;
    let room = line.right().saturating_sub(x);
    let users = users(run, sample, gpu);
    let style = if gpu.processes.is_empty() {
        theme.dim
    } else {
        theme.text
    };
    put_cut(buffer, x, y, room, &users, style, glyphs);
}

/// The processes that use it, by the names of their ranks where they are ours.
fn users(run: &run::State, sample: &HostSample, gpu: &GpuSample) -> String {
    if gpu.processes.is_empty() {
        return "no process".to_owned();
    }
    let name = |pid: u32| {
        for (group, in_group) in &run.facts.groups {
            for (template, of_template) in &in_group.templates {
                for (number, rank) in of_template.ranks.iter().enumerate() {
                    if rank.pid == pid
                        && rank.state.is_live()
                        && rank.host.as_ref() == Some(&sample.host)
                    {
                        return format!("{group}/{template}.{number}");
                    }
                }
            }
        }
        format!("pid {pid}")
    };
    let shown = gpu.processes.iter().take(3).map(|(pid, memory)| {
        let name = name(*pid);
        match memory {
            Some(memory) => format!("{name} {}", format::bytes(*memory)),
            None => name,
        }
    });
    let shown: Vec<String> = shown.collect();
    match gpu.processes.len().saturating_sub(3) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
