//! Numbers as columns of a table show them: short, and of a known greatest width.
//!
//! Owns the units. Right-aligning is the matter of who draws, except where a width is part of the answer.

use std::time::Duration;

use crate::tui::theme::Glyphs;

/// Bytes with units of 1024, in at most five columns: `0`, `1023`, `1.2k`, `12M`, `1.1G`.
pub fn bytes(value: u64) -> String {
    short(value as f64, 1024.0)
}

/// A number of things with units of 1000, in at most five columns: `999`, `1.2k`, `12M`.
pub fn count(value: u64) -> String {
    short(value as f64, 1000.0)
}

/// Things a second, in at most seven columns: `0/s`, `0.4/s`, `120/s`, `1.2k/s`.
pub fn rate(per_second: f64) -> String {
    format!("{}/s", rate_number(per_second, 1000.0))
}

/// Bytes a second, in at most nine columns: `0 B/s`, `1.2 kB/s`, `34 MB/s`.
pub fn byte_rate(per_second: f64) -> String {
    let number = rate_number(per_second, 1000.0);
    let (digits, unit) = match number.find(|c: char| c.is_ascii_alphabetic()) {
        Some(at) => number.split_at(at),
        None => (number.as_str(), ""),
    };
    format!("{digits} {unit}B/s")
}

fn rate_number(per_second: f64, base: f64) -> String {
    let value = if per_second.is_finite() {
        per_second.max(0.0)
    } else {
        0.0
    };
    if value > 0.0 && value < 9.95 {
        // A trickle is not nothing.
        let tenths = (value * 10.0).round().max(1.0) / 10.0;
        return if tenths.fract() == 0.0 {
            format!("{tenths:.0}")
        } else {
            format!("{tenths:.1}")
        };
    }
    short(value.round(), base)
}

fn short(value: f64, base: f64) -> String {
    const UNITS: [&str; 6] = ["k", "M", "G", "T", "P", "E"];
    if value < base {
        return format!("{value:.0}");
    }
    let mut value = value;
    let mut unit = "";
    for next in UNITS {
        // 999.6 would be written as 1000.
        if value < 999.5 && !unit.is_empty() {
            break;
        }
        value /= base;
        unit = next;
    }
    let digits = usize::from(value < 9.95);
    format!("{value:.digits$}{unit}")
}

/// A share in four columns: ` 98%`; `100%` is the most that is shown of more than one thing, so more than
/// `9999` is not: `9.9k` stands for it without the sign.
pub fn percent(share: f64) -> String {
    let value = if share.is_finite() {
        (share * 100.0).max(0.0)
    } else {
        0.0
    };
    if value < 999.5 {
        format!("{value:>3.0}%")
    } else {
        format!("{:>4}", short(value.round().min(99_000.0), 1000.0))
    }
}

/// A processor's share in five columns, with a decimal below ten: ` 0.3%`, `  98%`, `1600%`.
pub fn processor(share: f64) -> String {
    let value = if share.is_finite() {
        (share * 100.0).max(0.0)
    } else {
        0.0
    };
    if value < 9.95 {
        format!("{value:>4.1}%")
    } else {
        format!("{:>4.0}%", value.min(9999.0))
    }
}

/// A time that runs, as a clock: `00:12`, `1:02:03`, `2d 03h`. At most eight columns below 10,000 days.
pub fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..3600 => format!("{minutes:02}:{:02}", seconds % 60),
        3600..86_400 => format!("{hours}:{:02}:{:02}", minutes % 60, seconds % 60),
        _ => format!("{days}d {:02}h", hours % 24),
    }
}

/// How old something is, in at most five columns: `5 ms`, `0.5 s`, `12 s`, `3 min`, `4 h`, `2 d`.
pub fn age(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match time.as_secs() {
        _ if time.as_millis() < 100 => format!("{} ms", time.as_millis()),
        0 if seconds < 0.95 => format!("{seconds:.1} s"),
        0..10 if seconds < 9.95 => format!("{seconds:.1} s"),
        0..60 => format!("{seconds:.0} s"),
        whole @ 60..3600 => format!("{} min", whole / 60),
        whole @ 3600..86_400 => format!("{} h", whole / 3600),
        whole => format!("{} d", whole / 86_400),
    }
}

/// How much of how much: `67/100`, `2/∞`.
pub fn of(value: u64, most: Option<u64>, glyphs: &Glyphs) -> String {
    match most {
        Some(most) => format!("{}/{}", count(value), count(most)),
        None => format!("{}/{}", count(value), glyphs.infinity),
    }
}

/// Where in a list: `12 of 340`; nothing for an empty one. `index` is 0-based.
pub fn place(index: usize, length: usize) -> String {
    if length == 0 {
        return String::new();
    }
    format!("{} of {length}", index.saturating_add(1).min(length))
}
