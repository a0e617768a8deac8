//! `dragon-tui [SESSION]`: the full-screen program.
//!
//! Owns what must be known before the terminal is taken: the session, or what is wrong with it. Start at [`run`].

use std::{
    io::Write,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use anyhow::Context;

use super::{
    args::{Composing, Format},
    headless, streams,
};
use crate::{
    agent::hello,
    engine::door::preview,
    model::document::Session,
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
}

/// Shows the screens and gives the exit code of the program.
///
/// # Errors
/// When the terminal cannot be used.
pub fn run(screens: Screens) -> anyhow::Result<u8> {
    if !tui::has_terminal() {
        // It never fails.
        let _ = writeln!(
            streams::stderr(),
            "dragon-tui: standard input and output must be a terminal for the screens; without one run a session \
             headless:\n\n    dragon-tui --replay SESSION.ron"
        );
        return Ok(2);
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
    let aliases = screens.composing.host_alias.clone();
    // What this machine has does not change meanwhile; its GPUs are only looked for when a session asks for some.
    let hosts = [OnceLock::new(), OnceLock::new()];
    let planner = move |session: &Session| {
        let with_gpus = preview::wants_gpus(session);
        let here =
            hosts[usize::from(with_gpus)].get_or_init(|| hello::describe_this_host(with_gpus));
        preview::plan(session, &aliases, here)
    };
    tui::open(tui::Options {
        planner: Arc::new(planner),
        draft,
        start: screens.start,
        theme: screens.theme,
        aliases: screens.composing.host_alias,
        folder: std::env::current_dir().context("the working folder is gone")?,
        program: std::env::current_exe().context("this program cannot be found")?,
    })
    .context("the terminal cannot be used")?;
    Ok(0)
}
