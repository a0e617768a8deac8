//! A picture of a terminal as SVG: the cells as they are, on a grid that no font can bend.
//!
//! Owns the drawing: text is text, frames, bars and backgrounds are shapes. Never runs anything. Start at [`picture`].

use std::{collections::BTreeMap, fmt::Write};

use dragon_tui::term::{Attrs, Color, Screen};

/// Width and height of a cell.
const CELL: (usize, usize) = (8, 17);

/// Between the cells and the edge.
const EDGE: usize = 8;

/// A cell by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// Its character with the marks on it.
    pub text: String,
    /// Columns that it covers.
    pub width: usize,
    looks: Looks,
    behind: Color,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Looks {
    color: String,
    bold: bool,
    dim: bool,
    italic: bool,
    underline: bool,
    strike: bool,
}

impl Cell {
    /// Another character that looks the same.
    pub fn saying(&self, c: char) -> Cell {
        Cell {
            text: c.to_string(),
            ..self.clone()
        }
    }
}

/// The cells of a screen, row by row.
pub fn cells(screen: &Screen) -> Vec<Vec<Cell>> {
    let rows = 0..i32::from(screen.size().rows);
    rows.map(|row| {
        let cells = screen.line(row).map(|cell| {
            let mut text = String::new();
            cell.push_to(&mut text);
            let has = |attrs| cell.attrs.contains(attrs);
            if has(Attrs::HIDDEN) {
                text = " ".repeat(usize::from(cell.width));
            }
            let (front, behind) = match has(Attrs::INVERSE) {
                false => (rgb(cell.fg, "#d8dce4"), cell.bg),
                true => (rgb(cell.bg, "#0f131a"), inverse(cell.fg)),
            };
            Cell {
                text,
                width: usize::from(cell.width),
                looks: Looks {
                    color: front,
                    bold: has(Attrs::BOLD),
                    dim: has(Attrs::DIM),
                    italic: has(Attrs::ITALIC),
                    underline: has(Attrs::UNDERLINE),
                    strike: has(Attrs::STRIKE),
                },
                behind,
            }
        });
        cells.collect()
    })
    .collect()
}

/// The picture of cells, all rows of them equally long.
pub fn picture(title: &str, rows: &[Vec<Cell>]) -> String {
    let (width, height) = size(rows);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\"><title>{}</title>\n",
        escaped(title)
    );
    svg.push_str(STYLE);
    svg.push_str(&drawing(rows, 0, 0));
    svg.push_str("</svg>\n");
    svg
}

/// Several pictures as one, so many side by side; all of one size.
pub fn sheet(title: &str, pictures: &[Vec<Vec<Cell>>], across: usize) -> String {
    let (width, height) = size(&pictures[0]);
    let down = pictures.len().div_ceil(across);
    let gap = EDGE;
    let whole = (across * (width + gap) - gap, down * (height + gap) - gap);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" width=\"{}\" height=\"{}\" role=\"img\">\
         <title>{}</title>\n",
        whole.0,
        whole.1,
        whole.0,
        whole.1,
        escaped(title)
    );
    svg.push_str(STYLE);
    for (at, rows) in pictures.iter().enumerate() {
        let (x, y) = (at % across * (width + gap), at / across * (height + gap));
        svg.push_str(&drawing(rows, x, y));
    }
    svg.push_str("</svg>\n");
    svg
}

const STYLE: &str = "<style>text{font:13.3px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;white-space:pre}\
                     .b{font-weight:bold}.d{opacity:.6}.i{font-style:italic}.u{text-decoration:underline}\
                     .s{text-decoration:line-through}</style>\n";

fn size(rows: &[Vec<Cell>]) -> (usize, usize) {
    let columns = rows[0].iter().map(|cell| cell.width).sum::<usize>();
    (columns * CELL.0 + 2 * EDGE, rows.len() * CELL.1 + 2 * EDGE)
}

fn drawing(rows: &[Vec<Cell>], x: usize, y: usize) -> String {
    let (width, height) = size(rows);
    // What most cells have behind them is behind the whole.
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for cell in rows.iter().flatten() {
        *seen.entry(rgb(cell.behind, "#0f131a")).or_default() += 1;
    }
    let ground = seen.into_iter().max_by_key(|(_, count)| *count);
    let ground = ground.map(|(color, _)| color).unwrap_or_default();
    let mut svg = format!("<g transform=\"translate({},{})\">", x + EDGE, y + EDGE);
    let _ = writeln!(
        svg,
        "<rect x=\"-{EDGE}\" y=\"-{EDGE}\" width=\"{width}\" height=\"{height}\" rx=\"6\" fill=\"{ground}\"/>"
    );
    svg.push_str(&backgrounds(rows, &ground));
    svg.push_str(&shapes(rows));
    svg.push_str(&texts(rows));
    svg.push_str("</g>\n");
    svg
}

/// One rectangle for each run of cells with the same colour behind them.
fn backgrounds(rows: &[Vec<Cell>], ground: &str) -> String {
    let mut paths: BTreeMap<String, String> = BTreeMap::new();
    for (row, cells) in rows.iter().enumerate() {
        for (column, run) in runs(cells, |cell| rgb(cell.behind, "#0f131a")) {
            let color = rgb(run[0].behind, "#0f131a");
            if color == ground {
                continue;
            }
            let wide = run.iter().map(|cell| cell.width).sum::<usize>() * CELL.0;
            let path = paths.entry(color).or_default();
            let (x, y) = (column * CELL.0, row * CELL.1);
            let _ = write!(path, "M{x} {y}h{wide}v{}h-{wide}z", CELL.1);
        }
    }
    let paths = paths.into_iter();
    paths
        .map(|(color, path)| format!("<path fill=\"{color}\" d=\"{path}\"/>\n"))
        .collect()
}

/// Frames and bars. Fonts leave gaps between them.
fn shapes(rows: &[Vec<Cell>]) -> String {
    let mut lines: BTreeMap<(String, bool), String> = BTreeMap::new();
    let mut blocks: BTreeMap<(String, u8), String> = BTreeMap::new();
    for (row, cells) in rows.iter().enumerate() {
        let y = row * CELL.1;
        for (column, run) in runs(cells, |cell| (cell.text.clone(), cell.looks.color.clone())) {
            let x = column * CELL.0;
            let color = run[0].looks.color.clone();
            let wide = run.len() * CELL.0;
            let shape = run[0].text.chars().next().unwrap_or(' ');
            if shape == '─' || shape == '━' {
                let path = lines.entry((color, shape == '━')).or_default();
                let _ = write!(path, "M{x} {}h{wide}", y as f64 + 8.5);
                continue;
            }
            for at in 0..run.len() {
                let x = x + at * CELL.0;
                if let Some((stroke, bold)) = stroke(shape) {
                    let path = lines.entry((color.clone(), bold)).or_default();
                    let _ = write!(path, "M{x} {y}{stroke}");
                } else if let Some((left, top, width, height, opacity)) = block(shape) {
                    let path = blocks.entry((color.clone(), opacity)).or_default();
                    let (x, y) = (x as f64 + left, y as f64 + top);
                    let _ = write!(path, "M{x} {y}h{width}v{height}h-{width}z");
                }
            }
        }
    }
    let mut svg = String::new();
    for ((color, opacity), path) in blocks {
        let opacity = match opacity {
            4 => String::new(),
            quarters => format!(" opacity=\".{}\"", u32::from(quarters) * 25),
        };
        let _ = writeln!(svg, "<path fill=\"{color}\"{opacity} d=\"{path}\"/>");
    }
    for ((color, bold), path) in lines {
        let width = if bold { " stroke-width=\"2.5\"" } else { "" };
        let _ = writeln!(
            svg,
            "<path fill=\"none\" stroke=\"{color}\"{width} d=\"{path}\"/>"
        );
    }
    svg
}

/// The lines of a frame, from the cell's top left corner.
fn stroke(shape: char) -> Option<(&'static str, bool)> {
    Some(match shape {
        '│' => ("m4 0v17", false),
        '┃' => ("m4 0v17", true),
        '╭' => ("m4 17v-4.5q0-4 4-4", false),
        '╮' => ("m0 8.5q4 0 4 4v4.5", false),
        '╰' => ("m4 0v4.5q0 4 4 4", false),
        '╯' => ("m4 0v4.5q0 4-4 4", false),
        '┌' => ("m4 17v-8.5h4", false),
        '┐' => ("m0 8.5h4v8.5", false),
        '└' => ("m4 0v8.5h4", false),
        '┘' => ("m4 0v8.5h-4", false),
        '├' => ("m4 0v17m0-8.5h4", false),
        '┤' => ("m4 0v17m0-8.5h-4", false),
        '┬' => ("m0 8.5h8m-4 0v8.5", false),
        '┴' => ("m0 8.5h8m-4 0v-8.5", false),
        '┼' => ("m0 8.5h8m-4-8.5v17", false),
        _ => return None,
    })
}

/// Left, top, width and height of a block in its cell, and how much of the colour is seen, in quarters.
fn block(shape: char) -> Option<(f64, f64, f64, f64, u8)> {
    let (width, height) = (CELL.0 as f64, CELL.1 as f64);
    let number = u32::from(shape);
    Some(match shape {
        // One to eight eighths from below.
        '▁'..='█' => {
            let part = height * f64::from(number - 0x2580) / 8.0;
            (0.0, height - part, width, part, 4)
        }
        // Seven to one eighths from the left.
        '▉'..='▏' => (
            0.0,
            0.0,
            width * f64::from(0x2590 - number) / 8.0,
            height,
            4,
        ),
        '▀' => (0.0, 0.0, width, height / 2.0, 4),
        '▐' => (width / 2.0, 0.0, width / 2.0, height, 4),
        '░'..='▓' => (0.0, 0.0, width, height, (number - 0x2590) as u8),
        _ => return None,
    })
}

fn is_shape(text: &str) -> bool {
    let shape = text.chars().next().unwrap_or(' ');
    matches!(shape, '─' | '━') || stroke(shape).is_some() || block(shape).is_some()
}

/// Words, each at its own place; those of the same looks with one blank between them together.
fn texts(rows: &[Vec<Cell>]) -> String {
    let mut svg = String::new();
    for (row, cells) in rows.iter().enumerate() {
        let mut spans = String::new();
        let mut column = 0;
        let mut rest = cells.as_slice();
        while let Some(first) = rest.first() {
            let is_blank = |cell: &Cell| cell.text.trim().is_empty() || is_shape(&cell.text);
            if is_blank(first) {
                column += first.width;
                rest = &rest[1..];
                continue;
            }
            let mut count = 1;
            for at in 1..rest.len() {
                let cell = &rest[at];
                let word =
                    !is_blank(cell) && cell.looks == first.looks && cell.width == first.width;
                let blank = cell.text == " "
                    && first.width == 1
                    && rest.get(at + 1).is_some_and(|next| {
                        !is_blank(next) && next.looks == first.looks && next.width == 1
                    });
                if !(word || blank) {
                    break;
                }
                count = at + 1;
            }
            let (run, after) = rest.split_at(count);
            let text: String = run.iter().map(|cell| cell.text.as_str()).collect();
            let wide = run.iter().map(|cell| cell.width).sum::<usize>();
            spans.push_str(&span(&first.looks, column * CELL.0, wide * CELL.0, &text));
            column += wide;
            rest = after;
        }
        if !spans.is_empty() {
            let _ = writeln!(svg, "<text y=\"{}\">{spans}</text>", row * CELL.1 + 13);
        }
    }
    svg
}

fn span(looks: &Looks, x: usize, wide: usize, text: &str) -> String {
    let mut class: Vec<&str> = Vec::new();
    let all = [
        (looks.bold, "b"),
        (looks.dim, "d"),
        (looks.italic, "i"),
        (looks.underline, "u"),
        (looks.strike, "s"),
    ];
    class.extend(all.iter().filter(|(is, _)| *is).map(|(_, class)| *class));
    let class = match class.is_empty() {
        true => String::new(),
        false => format!(" class=\"{}\"", class.join(" ")),
    };
    let length = match text.chars().count() {
        1 => String::new(),
        _ => format!(" textLength=\"{wide}\""),
    };
    format!(
        "<tspan x=\"{x}\"{length} fill=\"{}\"{class}>{}</tspan>",
        looks.color,
        escaped(text)
    )
}

/// Runs of cells of which `key` says the same, with the column where each begins.
fn runs<K: PartialEq>(cells: &[Cell], key: impl Fn(&Cell) -> K) -> Vec<(usize, &[Cell])> {
    let mut column = 0;
    let chunks = cells.chunk_by(|a, b| key(a) == key(b));
    chunks
        .map(|run| {
            let at = column;
            column += run.iter().map(|cell| cell.width).sum::<usize>();
            (at, run)
        })
        .collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn inverse(color: Color) -> Color {
    match color {
        Color::Default => Color::Rgb(0xd8, 0xdc, 0xe4),
        other => other,
    }
}

fn rgb(color: Color, default: &str) -> String {
    const BASIC: [&str; 16] = [
        "#1d2129", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#c8ccd4",
        "#5c6370", "#f0707c", "#a9d48a", "#f2d08b", "#7cc0ff", "#d78bee", "#6bcbd6", "#ffffff",
    ];
    match color {
        Color::Default => default.to_owned(),
        Color::Rgb(red, green, blue) => format!("#{red:02x}{green:02x}{blue:02x}"),
        Color::Indexed(index @ 0..16) => BASIC[usize::from(index)].to_owned(),
        Color::Indexed(index @ 16..232) => {
            let level = |part: u8| if part == 0 { 0 } else { 55 + 40 * part };
            let at = index - 16;
            let (red, green, blue) = (level(at / 36), level(at / 6 % 6), level(at % 6));
            format!("#{red:02x}{green:02x}{blue:02x}")
        }
        Color::Indexed(index) => {
            let grey = 8 + 10 * (index - 232);
            format!("#{grey:02x}{grey:02x}{grey:02x}")
        }
    }
}

#[test]
fn colours_looks_frames_and_wide_characters_are_drawn_where_they_stand() {
    let mut screen = Screen::new(2, 12, 0);
    screen.feed(
        "╭──╮\x1b[1;31ma<b\x1b[0m \x1b[7mxy\x1b[0m\r\n漢字 \x1b[38;2;1;2;3mok  far".as_bytes(),
    );
    let svg = picture("a & b", &cells(&screen));
    for part in [
        "<title>a &amp; b</title>",
        "viewBox=\"0 0 112 50\"",
        // The corner, the line as one, the other corner.
        "M0 0m4 17v-4.5q0-4 4-4M8 8.5h16M24 0m0 8.5q4 0 4 4v4.5",
        "<tspan x=\"32\" textLength=\"24\" fill=\"#e06c75\" class=\"b\">a&lt;b</tspan>",
        // Behind the reversed ones.
        "<path fill=\"#d8dce4\" d=\"M64 0h16v17h-16z\"/>",
        "<tspan x=\"64\" textLength=\"16\" fill=\"#0f131a\">xy</tspan>",
        "<tspan x=\"0\" textLength=\"32\" fill=\"#d8dce4\">漢字</tspan>",
        "<tspan x=\"40\" textLength=\"16\" fill=\"#010203\">ok</tspan>",
        "<tspan x=\"72\" textLength=\"24\" fill=\"#010203\">far</tspan>",
    ] {
        assert!(svg.contains(part), "no {part} in\n{svg}");
    }
}
