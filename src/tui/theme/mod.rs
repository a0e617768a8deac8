//! What things look like: a style for every role, and the signs that are drawn.
//!
//! Owns [`Theme`] (what views are given), [`ThemeFile`] (what a file of `themes/` says) and the way from one to
//! the other: colours are brought down to what the terminal has once, when a theme is chosen, never while
//! drawing. Views name roles and never colours. Colour is never the only carrier of meaning: a state has a
//! sign too ([`Theme::process`]). Start at [`Theme`]; `read` reads files, `colour` knows depths, `glyphs` the signs.

mod colour;
mod glyphs;
mod read;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use ratatui::style::{Color, Modifier, Style};

pub use self::{
    colour::Depth,
    glyphs::{Border, Glyphs},
    read::ThemeFile,
};
use crate::model::{
    lifecycle::{GroupState, ProcessState},
    session::{FieldPath, Problem, nearest},
};

/// Makes the struct, the list of names and the way from one to the other, so that they cannot differ.
macro_rules! roles {
    ($($(#[$doc:meta])* $role:ident,)*) => {
        /// How everything is drawn.
        #[derive(Debug, Clone, PartialEq)]
        pub struct Theme {
            /// Its name.
            pub name: String,
            /// The signs.
            pub glyphs: &'static Glyphs,
            /// Colours that are easily told apart: the prefixes of lines, one a rank. Never empty.
            pub ranks: Vec<Color>,
            $($(#[$doc])* pub $role: Style,)*
        }

        /// The names of the roles, as files write them.
        const ROLES: &[&str] = &[$(stringify!($role)),*];

        impl Theme {
            fn role_mut(&mut self, role: &str) -> Option<&mut Style> {
                match role {
                    $(stringify!($role) => Some(&mut self.$role),)*
                    _ => None,
                }
            }
        }
    };
}

roles! {
    /// The whole screen, below everything; of use for its background only.
    background,
    /// Plain text.
    text,
    /// Text that matters less.
    dim,
    /// The one colour that says: here you are.
    accent,
    /// The lines of a panel.
    border,
    /// The lines of the panel that has the keyboard.
    border_focused,
    /// The title of a panel.
    title,
    /// The selected row.
    selection,
    /// Good.
    ok,
    /// Needs a look.
    warning,
    /// Bad.
    error,
    /// Worth knowing.
    info,
    /// Muted output.
    muted,
    /// A process on its way.
    starting,
    /// A process that is alive.
    running,
    /// A process that was not started yet.
    waiting,
    /// A process that ended because it was asked to, or is about to.
    stopped,
    /// A process of which nothing is known.
    unknown,
    /// The filled part of a bar.
    bar_full,
    /// The rest of it.
    bar_empty,
    /// The columns of a graph.
    graph,
    /// A key in a hint.
    key,
    /// What a search found.
    search_hit,
    /// A short message above everything.
    toast,
}

/// The themes that are part of the program: name and text, the default first.
pub const EMBEDDED: [(&str, &str); 8] = [
    (
        "dragon dark",
        include_str!("../../../themes/dragon-dark.ron"),
    ),
    (
        "dragon light",
        include_str!("../../../themes/dragon-light.ron"),
    ),
    (
        "high contrast",
        include_str!("../../../themes/high-contrast.ron"),
    ),
    ("catppuccin", include_str!("../../../themes/catppuccin.ron")),
    ("gruvbox", include_str!("../../../themes/gruvbox.ron")),
    ("nord", include_str!("../../../themes/nord.ron")),
    ("dracula", include_str!("../../../themes/dracula.ron")),
    ("monochrome", include_str!("../../../themes/monochrome.ron")),
];

/// The name of the theme when nobody chose one.
pub const DEFAULT: &str = EMBEDDED[0].0;

/// The greatest size of a theme's file in bytes.
const SIZE_MAX: u64 = 256 * 1024;

impl Default for Theme {
    /// The default theme with all colours and Unicode.
    fn default() -> Self {
        Theme::embedded(DEFAULT, Depth::True, &Glyphs::UNICODE)
            .unwrap_or_else(|| Theme::bare("bare", &Glyphs::UNICODE))
    }
}

impl Theme {
    /// An embedded theme; `None` for a name that is not in [`EMBEDDED`].
    pub fn embedded(name: &str, depth: Depth, glyphs: &'static Glyphs) -> Option<Theme> {
        let (_, text) = EMBEDDED.iter().find(|(known, _)| *known == name)?;
        // A test reads every one of them without a problem.
        let (file, _) = ThemeFile::parse(text);
        Some(file.theme(depth, glyphs))
    }

    /// The theme of a name: `NAME.ron` in the user's folder, else an embedded one. Spaces, `-` and `_` in
    /// names are one, and so are capitals and small letters.
    ///
    /// # Errors
    /// Every problem of the user's file, or one that names the themes there are.
    pub fn load(
        name: &str,
        folder: Option<&Path>,
        depth: Depth,
        glyphs: &'static Glyphs,
    ) -> Result<Theme, Vec<Problem>> {
        let wanted = plain(name);
        let known = Theme::names(folder);
        let own = known.iter().find(|(known, _)| plain(known) == wanted);
        match own {
            Some((_, Some(path))) => ThemeFile::read(path).map(|file| file.theme(depth, glyphs)),
            Some((known, None)) => Ok(Theme::embedded(known, depth, glyphs).unwrap_or_default()),
            None => {
                let names = known.iter().map(|(name, _)| name.as_str());
                let near = nearest(name, names.clone())
                    .map(|near| format!(": did you mean `{near}`?"))
                    .unwrap_or_default();
                let there: Vec<&str> = names.collect();
                Err(vec![
                    Problem::error(FieldPath::root(), format!("no theme `{name}`{near}"))
                        .with_help(format!("there are {}", there.join(", "))),
                ])
            }
        }
    }

    /// All themes: those embedded in the program, then those of the user's folder, by name, with their files.
    /// A file of the user's with the name of an embedded one takes its place.
    pub fn names(folder: Option<&Path>) -> Vec<(String, Option<PathBuf>)> {
        let mut names: Vec<(String, Option<PathBuf>)> = EMBEDDED
            .iter()
            .map(|(name, _)| ((*name).to_owned(), None))
            .collect();
        let mut own: Vec<(String, PathBuf)> = folder
            .and_then(|folder| std::fs::read_dir(folder).ok())
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|it| it == "ron"))
            .filter_map(|path| Some((path.file_stem()?.to_str()?.to_owned(), path)))
            .collect();
        own.sort();
        for (name, path) in own {
            match names
                .iter_mut()
                .find(|(known, _)| plain(known) == plain(&name))
            {
                Some(known) => known.1 = Some(path),
                None => names.push((name, Some(path))),
            }
        }
        names
    }

    /// Without any colour: bold, dim, underlined and reversed say it. What `NO_COLOR` gets.
    pub fn bare(name: &str, glyphs: &'static Glyphs) -> Theme {
        let plain = Style::new();
        let (bold, dim) = (plain.bold(), plain.dim());
        let reversed = plain.reversed();
        Theme {
            name: name.to_owned(),
            glyphs,
            ranks: vec![Color::Reset],
            background: plain,
            text: plain,
            dim,
            accent: bold,
            border: dim,
            border_focused: bold,
            title: bold,
            selection: reversed,
            ok: plain,
            warning: bold,
            error: bold.underlined(),
            info: plain,
            muted: dim,
            starting: plain,
            running: plain,
            waiting: dim,
            stopped: dim,
            unknown: bold,
            bar_full: plain,
            bar_empty: dim,
            graph: plain,
            key: bold,
            search_hit: reversed.bold(),
            toast: reversed,
        }
    }

    /// What every cell of the screen begins as.
    pub fn base(&self) -> Style {
        self.background.patch(self.text)
    }

    /// Foreground and background in red, green and blue, where the theme says both: what programs are told that ask.
    pub fn colours(&self) -> Option<[(u8, u8, u8); 2]> {
        let base = self.base();
        match (base.fg, base.bg) {
            (Some(Color::Rgb(r, g, b)), Some(Color::Rgb(red, green, blue))) => {
                Some([(r, g, b), (red, green, blue)])
            }
            _ => None,
        }
    }

    /// The style of the prefix of a rank's lines.
    pub fn rank(&self, index: usize) -> Style {
        let colour = self.ranks.get(index % self.ranks.len().max(1));
        self.text
            .patch(Style::new().fg(colour.copied().unwrap_or(Color::Reset)))
    }

    /// Sign and style of a process. `ended_well` counts when it has ended: `None` is one that was stopped.
    pub fn process(&self, state: ProcessState, ended_well: Option<bool>) -> (&'static str, Style) {
        use ProcessState::*;
        match state {
            Idle | Waiting => (self.glyphs.waiting, self.waiting),
            Starting | BackingOff => (self.glyphs.starting, self.starting),
            Running | Ready | Draining => (self.glyphs.running, self.running),
            Stopping => (self.glyphs.stopping, self.stopped),
            Unknown => (self.glyphs.unknown, self.unknown),
            Lost => (self.glyphs.unknown, self.error),
            Ended => match ended_well {
                Some(true) => (self.glyphs.succeeded, self.ok),
                Some(false) => (self.glyphs.failed, self.error),
                None => (self.glyphs.stopped, self.stopped),
            },
        }
    }

    /// Sign and style of a group.
    pub fn group(&self, state: GroupState) -> (&'static str, Style) {
        use GroupState::*;
        match state {
            Composed | Idle | Waiting => (self.glyphs.waiting, self.waiting),
            Starting => (self.glyphs.starting, self.starting),
            Running => (self.glyphs.running, self.running),
            Stopping => (self.glyphs.stopping, self.stopped),
            Succeeded => (self.glyphs.succeeded, self.ok),
            Stopped => (self.glyphs.stopped, self.stopped),
            Failed => (self.glyphs.failed, self.error),
        }
    }

    /// The style of a border.
    pub fn edge(&self, focused: bool) -> Style {
        if focused {
            self.border_focused
        } else {
            self.border
        }
    }
}

/// A name as it is compared.
fn plain(name: &str) -> String {
    name.chars()
        .map(|c| {
            if matches!(c, '-' | '_') {
                ' '
            } else {
                c.to_ascii_lowercase()
            }
        })
        .collect()
}

/// The attributes that files may name.
const ATTRIBUTES: [(&str, Modifier); 6] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underlined", Modifier::UNDERLINED),
    ("reversed", Modifier::REVERSED),
    ("crossed_out", Modifier::CROSSED_OUT),
];
