//! `dragon-tui [SESSION]`: the full-screen program.
//!
//! Owns what must be known before the terminal is taken: the session, or what is wrong with it. Start at [`run`].

use std::{
    io::Write,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use anyhow::Context;
use tracing::level_filters::LevelFilter;

use super::{
    args::{Composing, Format},
    headless, streams,
};
use crate::{
    agent::hello,
    engine::door::preview,
    model::{document::Session, ids::HostName},
    record::Runs,
    tui::{self, state::Draft},
};

/// What is asked for on the command line.
#[derive(Debug)]
pub struct Screens {
    /// The session file, if one is named.
    pub session: Option<PathBuf>,
    /// What changes it.
    pub composing: Composing,
    /// Start it at once.
    pub start: bool,
    /// The theme by name.
    pub theme: Option<String>,
    /// What the engine writes of itself.
    pub log_level: Option<LevelFilter>,
}

/// Shows the screens and gives the exit code of the program.
///
/// # Errors
/// When the terminal cannot be used.
pub fn run(screens: Screens) -> anyhow::Result<u8> {
    if let Some(code) = refused() {
        return Ok(code);
    }
    let draft = match &screens.session {
        None => Draft::empty(),
        Some(path) => match headless::compose(path, &screens.composing, Format::Text) {
            Some(mut loaded) => {
                loaded.path = std::path::absolute(&loaded.path)?;
                Draft::of(loaded)
            }
            None => return Ok(2),
        },
    };
    let aliases = screens.composing.host_alias;
    let options = options(draft, aliases.clone())?;
    open(tui::Options {
        start: screens.start,
        theme: screens.theme,
        aliases,
        engine_arguments: match screens.log_level {
            Some(level) => vec!["--log-level".to_owned(), level.to_string()],
            None => Vec::new(),
        },
        ..options
    })
}

/// Shows a past run in the screens: by its id, the begin of it, or `last`.
///
/// # Errors
/// When there is no such run, or the terminal cannot be used.
pub fn view(run: &str, theme: Option<String>) -> anyhow::Result<u8> {
    if let Some(code) = refused() {
        return Ok(code);
    }
    let found = Runs::of_this_user()?.open(run)?;
    open(tui::Options {
        view: Some(found.id),
        theme,
        ..options(Draft::empty(), Vec::new())?
    })
}

/// Without a terminal there is nothing to show.
fn refused() -> Option<u8> {
    if tui::has_terminal() {
        return None;
    }
    // It never fails.
    let _ = writeln!(
        streams::stderr(),
        "dragon-tui: standard input and output must be a terminal for the screens; without one run a session \
         headless:\n\n    dragon-tui --replay SESSION.ron"
    );
    Some(2)
}

fn options(draft: Draft, aliases: Vec<(HostName, HostName)>) -> anyhow::Result<tui::Options> {
    // What this machine has does not change meanwhile; its GPUs are only looked for when a session asks for some.
    let hosts = [OnceLock::new(), OnceLock::new()];
    let planner = move |session: &Session| {
        let with_gpus = preview::wants_gpus(session);
        let here =
            hosts[usize::from(with_gpus)].get_or_init(|| hello::describe_this_host(with_gpus));
        preview::plan(session, &aliases, here)
    };
    Ok(tui::Options {
        planner: Arc::new(planner),
        draft,
        start: false,
        view: None,
        theme: None,
        aliases: Vec::new(),
        engine_arguments: Vec::new(),
        folder: std::env::current_dir().context("the working folder is gone")?,
        program: std::env::current_exe().context("this program cannot be found")?,
    })
}

fn open(options: tui::Options) -> anyhow::Result<u8> {
    tui::open(options).context("the terminal cannot be used")?;
    Ok(0)
}
