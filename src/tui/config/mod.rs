//! The user's settings: `config.ron` in the configuration folder.
//!
//! Owns [`Config`], its defaults, and reading it past every problem:
//!
//! ```ron
//! Config(
//!     version: 1,
//!     theme: "nord",
//!     ascii: Auto,                  // Always, Never
//!     mouse: true,
//!     scrollback: 2000,             // lines of a pane
//!     bell: true,
//!     desktop_notifications: false,
//!     confirm: Always,              // Never: only quitting while something runs asks
//!     keys: {
//!         "run": { "stop": "ctrl-x", "kill": ["X", "ctrl-k"] },
//!         "global": { "quit": "ctrl-q" },
//!     },
//! )
//! ```
//!
//! Never writes the file. What is wrong is reported with its place and left at its default; the rest counts.

#[cfg(test)]
mod tests;

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{
    keymap::{Action, Context, Keymap, Rebinding},
    reading::Reading,
    theme,
};
use crate::model::{
    ron_text::{Body, Kind, Node, Span},
    session::{FieldPath, Problem},
};

/// The name of the file in the configuration folder.
pub const FILE: &str = "config.ron";

/// The folder of themes in the configuration folder.
pub const THEMES: &str = "themes";

/// The fewest and the most lines that a pane may keep for scrolling back.
pub const SCROLLBACK: std::ops::RangeInclusive<usize> = 0..=1_000_000;

/// The greatest size of the file in bytes.
const SIZE_MAX: u64 = 1024 * 1024;

/// When signs are plain ASCII.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ascii {
    /// When the locale says so.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// When something is asked before it is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Confirm {
    /// Before anything that ends a group or destroys something.
    #[default]
    Always,
    /// Only before leaving, and where something that was written would be lost.
    Never,
}

/// The user's settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The name of the theme.
    pub theme: String,
    /// When signs are plain ASCII.
    pub ascii: Ascii,
    /// Whether the mouse is ours; else the terminal selects text with it.
    pub mouse: bool,
    /// Lines that a pane keeps for scrolling back, in [`SCROLLBACK`].
    pub scrollback: usize,
    /// Whether alerts ring the bell.
    pub bell: bool,
    /// Whether alerts ask the terminal for a notification of the desktop (OSC 9 and 777).
    pub desktop_notifications: bool,
    /// When something is asked before it is done.
    pub confirm: Confirm,
    /// The keys, with the user's own.
    pub keymap: Keymap,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            theme: theme::DEFAULT.to_owned(),
            ascii: Ascii::default(),
            mouse: true,
            scrollback: 2_000,
            bell: true,
            desktop_notifications: false,
            confirm: Confirm::default(),
            keymap: Keymap::default(),
        }
    }
}

/// The folder of the user's settings, by the XDG rules: `$XDG_CONFIG_HOME` if that is absolute, else
/// `~/.config`. `None` without a home.
pub fn folder(variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let absolute = |name: &str| {
        variable(name)
            .map(PathBuf::from)
            .filter(|it| it.is_absolute())
    };
    let base = absolute("XDG_CONFIG_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".config")))?;
    Some(base.join("dragon-tui"))
}

/// Everything that is wrong with a text, with places.
pub fn check(text: &str) -> Vec<Problem> {
    Config::parse(text).1
}

impl Config {
    /// The settings in a folder, and what is wrong with them. No file: the defaults, and nothing is wrong.
    pub fn load(folder: &Path) -> (Config, Vec<Problem>) {
        let path = folder.join(FILE);
        let refused = |message: String| {
            let problem = Problem::error(FieldPath::root(), message).in_file(&path);
            (Config::default(), vec![problem])
        };
        match std::fs::metadata(&path) {
            Ok(about) if !about.is_file() => return refused("is not a file".to_owned()),
            Ok(about) if about.len() > SIZE_MAX => {
                return refused(format!("is larger than {} KiB", SIZE_MAX / 1024));
            }
            _ => {}
        }
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let (config, problems) = Config::parse(&text);
                let problems = problems.into_iter().map(|it| it.in_file(&path));
                (config, problems.collect())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                (Config::default(), Vec::new())
            }
            Err(error) => refused(error.to_string()),
        }
    }

    /// What a text says, and everything that is wrong with it, in the order of the text.
    pub fn parse(text: &str) -> (Config, Vec<Problem>) {
        let (mut reading, root) = Reading::new(text, "Config");
        let mut config = Config::default();
        if let Some(body) = root.as_ref().and_then(|root| reading.root(root)) {
            config.read(&mut reading, body);
        }
        (config, reading.finish())
    }

    fn read(&mut self, reading: &mut Reading<'_>, body: &Body) {
        const FIELDS: [&str; 9] = [
            "version",
            "theme",
            "ascii",
            "mouse",
            "scrollback",
            "bell",
            "desktop_notifications",
            "confirm",
            "keys",
        ];
        for (name, item) in reading.fields("", body) {
            let value = item.value.without_some();
            match name {
                // The reading has seen to it.
                "version" => {}
                "theme" => match &value.kind {
                    Kind::Text(theme) => self.theme = theme.clone(),
                    _ => reading.expected(name, "the name of a theme in double quotes", value),
                },
                "ascii" => {
                    let words = [
                        ("Auto", Ascii::Auto),
                        ("Always", Ascii::Always),
                        ("Never", Ascii::Never),
                    ];
                    word(reading, name, value, &words, &mut self.ascii);
                }
                "confirm" => {
                    let words = [("Always", Confirm::Always), ("Never", Confirm::Never)];
                    word(reading, name, value, &words, &mut self.confirm);
                }
                "mouse" => yes_no(reading, name, value, &mut self.mouse),
                "bell" => yes_no(reading, name, value, &mut self.bell),
                "desktop_notifications" => {
                    yes_no(reading, name, value, &mut self.desktop_notifications);
                }
                "scrollback" => match value.kind {
                    Kind::Integer(lines) => match usize::try_from(lines) {
                        Ok(lines) if SCROLLBACK.contains(&lines) => self.scrollback = lines,
                        _ => {
                            let most = SCROLLBACK.end();
                            reading.say(name, value.span, format!("lies between 0 and {most}"));
                        }
                    },
                    _ => reading.expected(name, "a number of lines", value),
                },
                "keys" => self.keymap = keys(reading, value),
                _ => {
                    let span = item.key.as_ref().map_or(value.span, |key| key.span);
                    reading.unknown(name, span, "field", name, &FIELDS);
                }
            }
        }
    }
}

fn yes_no(reading: &mut Reading<'_>, field: &str, node: &Node, to: &mut bool) {
    match node.kind {
        Kind::Bool(value) => *to = value,
        _ => reading.expected(field, "`true` or `false`", node),
    }
}

fn word<T: Copy>(
    reading: &mut Reading<'_>,
    field: &str,
    node: &Node,
    words: &[(&str, T)],
    to: &mut T,
) {
    let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    match &node.kind {
        Kind::Name(name) => match words.iter().find(|(word, _)| *word == &**name) {
            Some((_, value)) => *to = *value,
            None => reading.unknown(field, node.span, "word", name, &known),
        },
        _ => reading.expected(field, &known.join(" or "), node),
    }
}

/// `{"run": {"stop": "ctrl-x"}}`.
fn keys(reading: &mut Reading<'_>, node: &Node) -> Keymap {
    let Kind::Map(body) = &node.kind else {
        reading.expected(
            "keys",
            "a map `{ \"run\": { \"stop\": \"ctrl-x\" } }`",
            node,
        );
        return Keymap::default();
    };
    let mut wishes = Vec::new();
    let mut places: Vec<(String, Span)> = Vec::new();
    for (name, item) in reading.fields("keys", body) {
        let field = format!("keys.{name}");
        let Some(context) = Context::named(name) else {
            let known: Vec<&str> = Context::ALL.iter().map(|it| it.name()).collect();
            reading.unknown(&field, item.span(), "place", name, &known);
            continue;
        };
        let Kind::Map(body) = &item.value.kind else {
            reading.expected(&field, "a map `{ \"stop\": \"ctrl-x\" }`", &item.value);
            continue;
        };
        for (name, item) in reading.fields(&field, body) {
            let field = format!("{field}.{name}");
            let Some(action) = action_of(reading, &field, item.span(), context, name) else {
                continue;
            };
            if let Some(keys) = keys_of(reading, &field, &item.value) {
                wishes.push(Rebinding {
                    context,
                    action,
                    keys,
                });
                places.push((field, item.value.span));
            }
        }
    }
    let (keymap, refused) = Keymap::rebound(&wishes);
    for refusal in refused {
        if let Some((field, span)) = places.get(refusal.index) {
            reading.say(field, *span, refusal.message);
        }
    }
    keymap
}

fn action_of(
    reading: &mut Reading<'_>,
    field: &str,
    span: Span,
    context: Context,
    name: &str,
) -> Option<Action> {
    let here = Keymap::bindable(context);
    let action = Action::named(name);
    if let Some(action) = action {
        if here.contains(&action) {
            return Some(action);
        }
        let elsewhere: Vec<&str> = Context::ALL
            .iter()
            .filter(|it| Keymap::bindable(**it).contains(&action))
            .map(|it| it.name())
            .collect();
        let message = format!(
            "`{}` has no key in `{}`, but in {}",
            action.name(),
            context.name(),
            elsewhere.join(", ")
        );
        reading.say(field, span, message);
        return None;
    }
    let known: Vec<&str> = here.iter().map(|action| action.name()).collect();
    reading.unknown(field, span, "action", name, &known);
    None
}

/// One key or a list of them.
fn keys_of(reading: &mut Reading<'_>, field: &str, node: &Node) -> Option<Vec<super::keymap::Key>> {
    let nodes: Vec<&Node> = match &node.kind {
        Kind::List(list) => list.items.iter().map(|item| &item.value).collect(),
        _ => vec![node],
    };
    let mut keys = Vec::new();
    for node in nodes {
        match &node.kind {
            Kind::Text(text) => match text.parse() {
                Ok(key) => keys.push(key),
                Err(message) => {
                    reading.say(field, node.span, message);
                    return None;
                }
            },
            _ => {
                reading.expected(field, "a key in double quotes, or a list of them", node);
                return None;
            }
        }
    }
    Some(keys)
}
