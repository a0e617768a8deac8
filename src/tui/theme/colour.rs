//! How many colours a terminal has, and a colour for fewer of them.
//!
//! Owns [`Depth`] and the way down from 24 bits to 256 and to 16 colours. Pure functions: the environment is
//! given, nothing is read. A colour given by name or index is the user's own choice and stays as it is.

use ratatui::style::Color;

/// How many colours a terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Depth {
    /// None, or the user wants none: attributes only.
    None,
    /// The sixteen whose look the terminal's own settings decide.
    Ansi16,
    /// Those, the cube of 6×6×6 and 24 greys.
    Ansi256,
    /// 24 bits.
    True,
}

impl Depth {
    /// What an environment says about the terminal. `NO_COLOR` (set and not empty, no-color.org) wins over
    /// everything.
    pub fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Depth {
        let value = |name: &str| variable(name).unwrap_or_default().to_ascii_lowercase();
        let term = value("TERM");
        if !value("NO_COLOR").is_empty() || term == "dumb" {
            return Depth::None;
        }
        let colours = value("COLORTERM");
        // Terminals that have them all and of which some do not say so.
        let modern = ["kitty", "alacritty", "wezterm", "ghostty", "foot", "direct"]
            .iter()
            .any(|name| term.contains(name));
        // GNU screen hands on what the terminal outside of it says, and has only 256; tmux brings colours down.
        let screen = term.starts_with("screen") && value("TMUX").is_empty();
        let all = colours.contains("truecolor") || colours.contains("24bit") || modern;
        if all && !screen {
            Depth::True
        } else if term.contains("256color") || value("TERM_PROGRAM") == "apple_terminal" {
            Depth::Ansi256
        } else if matches!(term.as_str(), "vt100" | "vt102" | "vt220" | "ansi-m" | "") {
            Depth::None
        } else {
            Depth::Ansi16
        }
    }
}

/// The sixteen, as xterm shows them.
const SIXTEEN: [Color; 16] = [
    Color::Black,
    Color::Red,
    Color::Green,
    Color::Yellow,
    Color::Blue,
    Color::Magenta,
    Color::Cyan,
    Color::Gray,
    Color::DarkGray,
    Color::LightRed,
    Color::LightGreen,
    Color::LightYellow,
    Color::LightBlue,
    Color::LightMagenta,
    Color::LightCyan,
    Color::White,
];

/// The names by which themes call the sixteen, and `default`: the terminal's own.
pub(super) const NAMES: [&str; 17] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
    "bright-black",
    "bright-red",
    "bright-green",
    "bright-yellow",
    "bright-blue",
    "bright-magenta",
    "bright-cyan",
    "bright-white",
    "default",
];

/// One of [`NAMES`].
pub(super) fn named(name: &str) -> Option<Color> {
    let at = NAMES.iter().position(|known| *known == name)?;
    Some(SIXTEEN.get(at).copied().unwrap_or(Color::Reset))
}

/// `#rrggbb`.
pub(super) fn hex(text: &str) -> Option<Color> {
    let digits = text.strip_prefix('#')?;
    if digits.len() != 6 || !digits.bytes().all(|it| it.is_ascii_hexdigit()) {
        return None;
    }
    let value = u32::from_str_radix(digits, 16).ok()?;
    let [_, r, g, b] = value.to_be_bytes();
    Some(Color::Rgb(r, g, b))
}

/// The colour at a depth. What is not a 24-bit colour is left alone, except that 16 colours have no others.
pub(super) fn at_depth(colour: Color, depth: Depth) -> Color {
    match (depth, colour) {
        (Depth::None, _) => Color::Reset,
        (Depth::Ansi256, Color::Rgb(r, g, b)) => Color::Indexed(nearest_256(r, g, b)),
        (Depth::Ansi16, Color::Rgb(r, g, b)) => nearest_16(r, g, b),
        (Depth::Ansi16, Color::Indexed(index)) => {
            let (r, g, b) = rgb_256(index);
            SIXTEEN
                .get(usize::from(index))
                .copied()
                .unwrap_or_else(|| nearest_16(r, g, b))
        }
        _ => colour,
    }
}

/// Red, green and blue as a person sees them, without a table of the terminal's own: `None` for `default`.
pub(super) fn rgb(colour: Color) -> Option<(u8, u8, u8)> {
    match colour {
        Color::Rgb(r, g, b) => Some((r, g, b)),
        Color::Indexed(index) => Some(rgb_256(index)),
        _ => {
            let at = SIXTEEN.iter().position(|it| *it == colour)?;
            Some(rgb_256(u8::try_from(at).ok()?))
        }
    }
}

/// How light a colour looks, from 0 to 1 (relative luminance, WCAG 2).
pub(super) fn luminance((r, g, b): (u8, u8, u8)) -> f64 {
    let linear = |value: u8| {
        let value = f64::from(value) / 255.0;
        if value <= 0.04045 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
}

/// How well two colours can be told apart, from 1 to 21 (contrast ratio, WCAG 2).
pub(super) fn contrast(a: (u8, u8, u8), b: (u8, u8, u8)) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Steps of the cube of xterm's 256 colours.
const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

fn rgb_256(index: u8) -> (u8, u8, u8) {
    // xterm's defaults.
    const FIRST: [(u8, u8, u8); 16] = [
        (0, 0, 0),
        (205, 0, 0),
        (0, 205, 0),
        (205, 205, 0),
        (0, 0, 238),
        (205, 0, 205),
        (0, 205, 205),
        (229, 229, 229),
        (127, 127, 127),
        (255, 0, 0),
        (0, 255, 0),
        (255, 255, 0),
        (92, 92, 255),
        (255, 0, 255),
        (0, 255, 255),
        (255, 255, 255),
    ];
    match index {
        0..16 => FIRST[usize::from(index)],
        16..232 => {
            let at = index - 16;
            let step = |digit: u8| STEPS[usize::from(digit % 6)];
            (step(at / 36), step(at / 6), step(at))
        }
        _ => {
            let grey = 8 + 10 * (index - 232);
            (grey, grey, grey)
        }
    }
}

/// The nearest of the cube and the greys: the sixteen look different everywhere.
fn nearest_256(r: u8, g: u8, b: u8) -> u8 {
    (16..=255)
        .min_by_key(|index| distance((r, g, b), rgb_256(*index)))
        .unwrap_or(16)
}

/// Squared distance, weighted by how the eye sees the three ("redmean").
fn distance(a: (u8, u8, u8), b: (u8, u8, u8)) -> i64 {
    let mean = (i64::from(a.0) + i64::from(b.0)) / 2;
    let square = |a: u8, b: u8| (i64::from(a) - i64::from(b)).pow(2);
    (((512 + mean) * square(a.0, b.0)) >> 8)
        + 4 * square(a.1, b.1)
        + (((767 - mean) * square(a.2, b.2)) >> 8)
}

/// By hue where there is one, by lightness where there is not: the nearest by distance turns every soft
/// colour into grey.
fn nearest_16(r: u8, g: u8, b: u8) -> Color {
    let (most, least) = (r.max(g).max(b), r.min(g).min(b));
    let chroma = most - least;
    if most < 64 || chroma < 44 {
        return match most {
            0..64 => Color::Black,
            64..160 => Color::DarkGray,
            160..236 => Color::Gray,
            _ => Color::White,
        };
    }
    let part = |value: i32| 60.0 * f64::from(value) / f64::from(chroma);
    let (r, g, b) = (i32::from(r), i32::from(g), i32::from(b));
    let hue = if i32::from(most) == r {
        part(g - b).rem_euclid(360.0)
    } else if i32::from(most) == g {
        part(b - r) + 120.0
    } else {
        part(r - g) + 240.0
    };
    let bright = most >= 192;
    let (dark, light) = match hue as u16 {
        0..18 | 335.. => (Color::Red, Color::LightRed),
        18..70 => (Color::Yellow, Color::LightYellow),
        70..160 => (Color::Green, Color::LightGreen),
        160..205 => (Color::Cyan, Color::LightCyan),
        205..256 => (Color::Blue, Color::LightBlue),
        _ => (Color::Magenta, Color::LightMagenta),
    };
    if bright { light } else { dark }
}
