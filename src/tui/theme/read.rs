//! From the text of a theme to its roles, past every problem.
//!
//! Owns the form of `themes/*.ron`:
//!
//! ```ron
//! Theme(
//!     version: 1,
//!     // Names for colours; a pair says what 16-colour terminals get instead of the nearest.
//!     palette: { "ink": "#10141b", "violet": ("#b48ead", "magenta") },
//!     background: (bg: "ink"),
//!     text: "#c9d1d9",
//!     title: (fg: "#c9d1d9", bold: true),
//!     ranks: ["violet", "#7aa2f7", "cyan", "208"],
//! )
//! ```
//!
//! A colour is `#rrggbb`, a name of the palette, one of the sixteen by name (`bright-red`), an index of 256 as
//! text or number, or `default`. A role that is not written comes from another one ([`FROM`]). What is wrong is
//! reported with its place and left out; the rest counts.

use std::{collections::BTreeMap, path::Path};

use ratatui::style::{Color, Style};

use super::{ATTRIBUTES, Depth, Glyphs, ROLES, SIZE_MAX, Theme, colour};
use crate::{
    model::{
        ron_text::{Body, Kind, Node, Span},
        session::{FieldPath, Problem},
    },
    tui::reading::Reading,
};

/// A role that is not written, and the one that it is drawn as.
const FROM: [(&str, &str); 17] = [
    ("border", "dim"),
    ("border_focused", "accent"),
    ("title", "text"),
    ("muted", "dim"),
    ("ok", "text"),
    ("info", "text"),
    ("warning", "accent"),
    ("error", "accent"),
    ("starting", "info"),
    ("running", "ok"),
    ("waiting", "dim"),
    ("stopped", "dim"),
    ("unknown", "warning"),
    ("bar_full", "accent"),
    ("bar_empty", "border"),
    ("graph", "accent"),
    ("key", "accent"),
];

/// A colour, and what stands for it where there are only sixteen.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Paint {
    colour: Color,
    of_16: Option<Color>,
}

/// A role as it is written.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Role {
    fg: Option<Paint>,
    bg: Option<Paint>,
    attributes: Style,
}

/// What a file says, before it meets a terminal.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ThemeFile {
    /// The name it gives itself.
    pub name: String,
    roles: BTreeMap<&'static str, Role>,
    ranks: Vec<Paint>,
}

impl ThemeFile {
    /// Reads a file; its stem is the theme's name when it does not say one.
    ///
    /// # Errors
    /// Every problem of it, or the one that kept it from being read.
    pub fn read(path: &Path) -> Result<ThemeFile, Vec<Problem>> {
        let refused =
            |message: String| vec![Problem::error(FieldPath::root(), message).in_file(path)];
        let about = std::fs::metadata(path).map_err(|error| refused(error.to_string()))?;
        if !about.is_file() {
            return Err(refused("is no file".to_owned()));
        }
        let size = about.len();
        if size > SIZE_MAX {
            return Err(refused(format!("is larger than {} KiB", SIZE_MAX / 1024)));
        }
        let text = std::fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
        let (mut file, problems) = ThemeFile::parse(&text);
        if file.name.is_empty()
            && let Some(stem) = path.file_stem()
        {
            file.name = stem.to_string_lossy().into_owned();
        }
        if problems.iter().any(Problem::is_error) {
            return Err(problems.into_iter().map(|it| it.in_file(path)).collect());
        }
        Ok(file)
    }

    /// What a text says, and everything that is wrong with it, in the order of the text.
    pub fn parse(text: &str) -> (ThemeFile, Vec<Problem>) {
        let (reading, root) = Reading::new(text, "Theme");
        let mut reader = Reader {
            reading,
            palette: BTreeMap::new(),
        };
        let mut file = ThemeFile::default();
        if let Some(body) = root.as_ref().and_then(|root| reader.reading.root(root)) {
            reader.theme(body, &mut file);
        }
        let problems = reader.reading.finish();
        (file, problems)
    }

    /// The theme for a terminal.
    pub fn theme(&self, depth: Depth, glyphs: &'static Glyphs) -> Theme {
        let mut theme = Theme::bare(&self.name, glyphs);
        let colourless = self
            .roles
            .values()
            .all(|role| role.fg.is_none() && role.bg.is_none());
        if depth == Depth::None && !colourless {
            return theme;
        }
        let ground = self.role("background").and_then(|it| it.bg);
        let ground = ground.map(|paint| paint.at(depth));
        for name in ROLES {
            let role = self.role(name);
            if let (Some(role), Some(style)) = (role, theme.role_mut(name)) {
                *style = role.at(depth, ground);
            }
        }
        let ranks: Vec<Color> = self
            .ranks
            .iter()
            .map(|paint| readable(paint.at(depth), ground, depth))
            .collect();
        if !ranks.is_empty() {
            theme.ranks = ranks;
        }
        theme
    }

    /// A role or the one that stands in for it.
    fn role(&self, name: &str) -> Option<Role> {
        let mut name = name;
        // No chain of FROM is longer.
        for _ in 0..FROM.len() {
            if let Some(role) = self.roles.get(name) {
                return Some(*role);
            }
            (_, name) = *FROM.iter().find(|(to, _)| *to == name)?;
        }
        None
    }
}

impl Paint {
    fn at(self, depth: Depth) -> Color {
        match self.of_16 {
            Some(colour) if depth == Depth::Ansi16 => colour,
            _ => colour::at_depth(self.colour, depth),
        }
    }
}

impl Role {
    fn at(self, depth: Depth, ground: Option<Color>) -> Style {
        let mut style = self.attributes;
        if let Some(bg) = self.bg {
            let bg = bg.at(depth);
            style = style.bg(bg);
            // Of sixteen colours, those that meet on a coloured ground are seldom meant for each other.
            if depth == Depth::Ansi16 && Some(bg) != ground {
                style = style.fg(on(bg));
            }
        }
        if let Some(fg) = self.fg {
            style = style.fg(readable(fg.at(depth), style.bg.or(ground), depth));
        }
        style
    }
}

/// Black or white, whichever can be read there.
fn on(ground: Color) -> Color {
    match colour::rgb(ground) {
        Some(rgb) if colour::luminance(rgb) > 0.2 => Color::Black,
        _ => Color::White,
    }
}

/// The colour, or grey where it would be lost in its ground: nearness of few colours makes two into one.
fn readable(fg: Color, ground: Option<Color>, depth: Depth) -> Color {
    if depth != Depth::Ansi16 {
        return fg;
    }
    match (colour::rgb(fg), ground.and_then(colour::rgb)) {
        (Some(colour), Some(below)) if colour::contrast(colour, below) < 1.8 => {
            match colour::luminance(below) {
                light if light > 0.5 => Color::DarkGray,
                dark if dark < 0.05 => Color::DarkGray,
                _ => on(ground.unwrap_or_default()),
            }
        }
        _ => fg,
    }
}

/// Reads the tree of a theme.
struct Reader<'t> {
    reading: Reading<'t>,
    palette: BTreeMap<String, Paint>,
}

impl Reader<'_> {
    fn theme(&mut self, body: &Body, file: &mut ThemeFile) {
        let fields = self.reading.fields("", body);
        // Colours are named before they are used, wherever the palette stands.
        for (_, item) in fields.iter().filter(|(name, _)| *name == "palette") {
            self.palette(&item.value);
        }
        for (name, item) in fields {
            let value = item.value.without_some();
            match name {
                // The reading has seen to the version.
                "palette" | "version" => {}
                "name" => match &value.kind {
                    Kind::Text(text) => file.name = text.clone(),
                    _ => self.reading.expected(name, "text", value),
                },
                "ranks" => match &value.kind {
                    Kind::List(list) => {
                        file.ranks = list
                            .items
                            .iter()
                            .filter_map(|item| self.paint(name, &item.value))
                            .collect();
                    }
                    _ => self.reading.expected(name, "a list of colours", value),
                },
                _ => match ROLES.iter().find(|role| **role == name) {
                    Some(role) => {
                        if let Some(read) = self.role(role, value) {
                            file.roles.insert(role, read);
                        }
                    }
                    None => {
                        let mut known = ROLES.to_vec();
                        known.extend(["version", "name", "palette", "ranks"]);
                        let span = item.key.as_ref().map_or(item.value.span, |key| key.span);
                        self.reading.unknown(name, span, "field", name, &known);
                    }
                },
            }
        }
    }

    fn palette(&mut self, node: &Node) {
        let Kind::Map(body) = &node.kind else {
            return self
                .reading
                .expected("palette", "a map `{ \"name\": \"#rrggbb\" }`", node);
        };
        for (name, item) in self.reading.fields("palette", body) {
            let field = format!("palette.{name}");
            if colour::named(name).is_some() || name.starts_with('#') {
                let message = format!("`{}` is a colour already", name.escape_debug());
                self.reading.say(&field, item.span(), message);
            } else if let Some(paint) = self.paint(&field, &item.value) {
                self.palette.insert(name.to_owned(), paint);
            }
        }
    }

    /// A text colour alone, or `(fg: …, bg: …, bold: true)`.
    fn role(&mut self, role: &str, node: &Node) -> Option<Role> {
        let Kind::Paren(paren) = &node.kind else {
            let fg = self.paint(role, node)?;
            return Some(Role {
                fg: Some(fg),
                ..Role::default()
            });
        };
        if paren.body.items.iter().any(|item| item.key.is_none()) {
            let fg = self.paint(role, node)?;
            return Some(Role {
                fg: Some(fg),
                ..Role::default()
            });
        }
        let mut read = Role::default();
        for (name, item) in self.reading.fields(role, &paren.body) {
            let field = format!("{role}.{name}");
            let value = item.value.without_some();
            let attribute = ATTRIBUTES.iter().find(|(known, _)| *known == name);
            match (name, attribute) {
                ("fg", _) => read.fg = self.paint(&field, value),
                ("bg", _) => read.bg = self.paint(&field, value),
                (_, Some((_, modifier))) => match value.kind {
                    Kind::Bool(true) => read.attributes = read.attributes.add_modifier(*modifier),
                    Kind::Bool(false) => {}
                    _ => self.reading.expected(&field, "`true` or `false`", value),
                },
                _ => {
                    let mut known = vec!["fg", "bg"];
                    known.extend(ATTRIBUTES.iter().map(|(name, _)| *name));
                    self.reading
                        .unknown(&field, item.span(), "field", name, &known);
                }
            }
        }
        Some(read)
    }

    /// A colour, or a colour and the one for sixteen.
    fn paint(&mut self, field: &str, node: &Node) -> Option<Paint> {
        let node = node.without_some();
        if let Kind::Paren(paren) = &node.kind
            && paren.name.is_none()
            && let [colour, of_16] = paren.body.items.as_slice()
        {
            let paint = self.paint(field, &colour.value)?;
            let of_16 = match &of_16.value.kind {
                Kind::Text(name) if colour::named(name).is_some() => colour::named(name),
                Kind::Text(name) => {
                    let span = of_16.value.span;
                    self.reading.unknown(
                        field,
                        span,
                        "colour of the sixteen",
                        name,
                        &colour::NAMES,
                    );
                    None
                }
                _ => {
                    self.reading.expected(
                        field,
                        "the name of one of the sixteen colours",
                        &of_16.value,
                    );
                    None
                }
            };
            return Some(Paint { of_16, ..paint });
        }
        match &node.kind {
            Kind::Integer(index) => match u8::try_from(*index) {
                Ok(index) => Some(Color::Indexed(index).into()),
                Err(_) => {
                    self.reading.say(
                        field,
                        node.span,
                        "an index lies between 0 and 255".to_owned(),
                    );
                    None
                }
            },
            Kind::Text(text) => self.colour(field, node.span, text),
            _ => {
                self.reading
                    .expected(field, "a colour: \"#rrggbb\", a name or an index", node);
                None
            }
        }
    }

    fn colour(&mut self, field: &str, span: Span, text: &str) -> Option<Paint> {
        if let Some(paint) = self.palette.get(text) {
            return Some(*paint);
        }
        let colour = colour::hex(text)
            .or_else(|| colour::named(text))
            .or_else(|| Some(Color::Indexed(text.parse().ok()?)));
        if let Some(colour) = colour {
            return Some(colour.into());
        }
        if text.starts_with('#') {
            let message = format!("`{}` is not of the form #rrggbb", text.escape_debug());
            self.reading.say(field, span, message);
        } else {
            let own: Vec<String> = self.palette.keys().cloned().collect();
            let mut known: Vec<&str> = own.iter().map(String::as_str).collect();
            known.extend(colour::NAMES);
            self.reading.unknown(field, span, "colour", text, &known);
        }
        None
    }
}

impl From<Color> for Paint {
    fn from(colour: Color) -> Self {
        Paint {
            colour,
            of_16: None,
        }
    }
}
