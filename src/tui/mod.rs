//! What is seen and pressed: the full-screen program.
//!
//! A fold over messages: [`update`](update::update) changes the [`State`], [`view`] draws it, the
//! `event_loop` waits, and performs what was asked for. Owns the looks ([`theme`]), the keys ([`keymap`]), the user's
//! settings ([`config`]) and the pieces that screens are drawn with ([`widget`]); each screen has a folder. Never starts
//! or ends a process: facts arrive from the engine, which is a process of its own, and wishes leave as commands. Start at
//! [`open`].

pub mod alerts;
pub mod compose;
pub mod config;
mod deeds;
mod event_loop;
pub mod facts;
mod hosts;
pub mod keymap;
pub mod message;
mod mouse;
pub mod overlay;
mod queues;
mod reading;
pub mod run;
pub mod runs;
mod search;
pub mod state;
mod terminal;
#[cfg(test)]
mod tests;
pub mod theme;
pub mod timeline;
mod tips;
mod toast;
pub mod update;
pub mod view;
pub mod viewer;
pub mod widget;
mod writer;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use config::{Ascii, Config};
use state::{Draft, State};
use terminal::Terminal;
use theme::{Depth, Glyphs, Theme};

use crate::{
    engine::door::preview::Plan,
    model::{document::Session, ids::HostName},
};

/// Places a session on paper, its paths from a folder; may take its time.
pub type Planner = Arc<dyn Fn(&Session, &Path) -> Plan + Send + Sync>;

/// What the command line says.
pub struct Options {
    /// The session to show.
    pub draft: Draft,
    /// Start it at once.
    pub start: bool,
    /// Show this past run, by its id.
    pub view: Option<String>,
    /// The theme, against the user's settings.
    pub theme: Option<String>,
    /// Names that stand for hosts.
    pub aliases: Vec<(HostName, HostName)>,
    /// The folder that paths start from.
    pub folder: PathBuf,
    /// This program, which is the engine too.
    pub program: PathBuf,
    /// Places a session on this machine and those that it names.
    pub planner: Planner,
    /// More arguments for an engine (`--log-level LEVEL`).
    pub engine_arguments: Vec<String>,
}

/// Whether there is a terminal to draw on.
pub fn has_terminal() -> bool {
    Terminal::is_there()
}

/// Shows the screens until the user leaves.
///
/// # Errors
/// When the terminal cannot be used.
pub fn open(options: Options) -> io::Result<()> {
    let variable = |name: &str| std::env::var(name).ok();
    let depth = Depth::of_environment(variable);
    let folder = config::folder(variable);
    let (config, problems) = folder.as_deref().map(Config::load).unwrap_or_default();
    let glyphs = match config.ascii {
        Ascii::Auto => Glyphs::for_locale(variable),
        Ascii::Always => Glyphs::set(true),
        Ascii::Never => Glyphs::set(false),
    };
    let mut state = State::new(options.draft, config, glyphs);
    if let Some(theme) = options.theme {
        state.theme = theme;
    }
    state.aliases = options.aliases;
    state.folder = options.folder;
    let themes = folder.map(|folder| folder.join(config::THEMES));
    let names = Theme::names(themes.as_deref()).into_iter();
    state.themes = names.map(|(name, _)| name).collect();
    if !problems.is_empty() {
        let title = "the settings have problems; what is wrong is as by default";
        let text = String::new();
        state
            .overlays
            .push(overlay::Overlay::problems(title, &problems, &text));
    }
    let theme = |name: &str| match depth {
        Depth::None => (Theme::bare(name, glyphs), None),
        depth => match Theme::load(name, themes.as_deref(), depth, glyphs) {
            Ok(theme) => (theme, None),
            Err(problems) => {
                let theme = Theme::embedded(theme::DEFAULT, depth, glyphs);
                let theme = theme.unwrap_or_else(|| Theme::bare(name, glyphs));
                let why = problems.first().map(|problem| problem.message.clone());
                (theme, why)
            }
        },
    };
    state.compose.shipped = compose::shipped::folder(variable);
    state.compose.recent_file = compose::keep::recent_file(variable);
    if let Some(file) = &state.compose.recent_file {
        state.compose.recent = compose::keep::recent(file);
    }
    state.compose.swap_folder = compose::keep::swap_folder(variable);
    state.tips = tips::load(variable);
    compose::files::remember(&mut state);
    let swaps = compose::files::swaps(&state);
    let found = compose::swap::found(
        &swaps,
        &state.draft.written(),
        state.compose.swap_folder.as_deref(),
    );
    compose::opening::offer(&mut state, found);
    let mut terminal = Terminal::take(state.config.mouse)?;
    let (width, height) = terminal.size()?;
    state.area = ratatui::layout::Rect::new(0, 0, width, height);
    if options.start {
        run::update::launch(&mut state);
    }
    if let Some(id) = &options.view {
        state.tab = state::Tab::Runs;
        state.effect(message::Effect::Runs(runs::Ask::List));
        runs::update::open(&mut state, id);
    }
    let parts = event_loop::Loop {
        program: options.program,
        theme: &theme,
        planner: options.planner,
        swap_folder: state.compose.swap_folder.clone(),
        engine_arguments: options.engine_arguments,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(event_loop::run(&mut state, &mut terminal, parts));
    drop(terminal);
    // A log that is still read must not hold up who leaves.
    runtime.shutdown_background();
    result
}
