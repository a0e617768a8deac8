//! What keys do in what lies over a screen.
//!
//! Start at [`act`] and [`typed`].

use std::path::{Path, PathBuf};

use crossterm::event::KeyEvent;

use super::{For, Overlay, Wish};
use crate::{
    engine::door::wire::ToEngine,
    model::{
        document::Session,
        event::{Command, Level},
    },
    tui::{
        alerts, compose,
        keymap::{Action, Context, Keymap},
        message::Effect,
        run,
        runs::{self, Ask},
        state::{Draft, State, Tab},
        timeline,
        update::{abort, perform, quit_now},
        widget::fuzzy,
    },
};

/// Opens the palette over what is there now.
pub fn open_palette(state: &mut State) {
    let of = state.context();
    let mut palette = Overlay::Palette {
        input: Default::default(),
        found: Vec::new(),
        at: 0,
        of,
    };
    find(&mut palette, &state.config.keymap);
    state.overlays.push(palette);
}

/// Opens the list of themes.
pub fn open_themes(state: &mut State) {
    let at = state.themes.iter().position(|name| *name == state.theme);
    state.overlays.push(Overlay::Themes {
        at: at.unwrap_or(0),
        before: state.theme.clone(),
    });
}

fn find(palette: &mut Overlay, keymap: &Keymap) {
    if let Overlay::Palette {
        input,
        found,
        at,
        of,
    } = palette
    {
        let all = keymap.actions(*of);
        let names: Vec<String> = all
            .iter()
            .map(|action| format!("{} {}", action.name(), Keymap::words(*action)))
            .collect();
        *found = fuzzy::rank(input.text(), names.iter().map(String::as_str))
            .into_iter()
            .map(|hit| all[hit.index])
            .collect();
        *at = 0;
    }
}

/// A key that is text.
pub fn typed(state: &mut State, key: &KeyEvent) {
    match state.overlays.last_mut() {
        Some(Overlay::Prompt { input, problem, .. }) => {
            input.key(key);
            *problem = None;
        }
        Some(palette @ Overlay::Palette { .. }) => {
            if let Overlay::Palette { input, .. } = palette
                && input.key(key)
            {
                find(palette, &state.config.keymap);
            }
        }
        Some(Overlay::Pick(picker)) => picker.typed(key),
        _ => {}
    }
}

/// Text from the clipboard.
pub fn pasted(state: &mut State, text: &str) {
    match state.overlays.last_mut() {
        Some(Overlay::Prompt { input, .. }) => input.paste(text),
        Some(Overlay::Pick(picker)) => {
            picker.input.paste(text);
            picker.filter();
        }
        Some(palette @ Overlay::Palette { .. }) => {
            if let Overlay::Palette { input, .. } = palette {
                input.paste(text);
            }
            find(palette, &state.config.keymap);
        }
        _ => {}
    }
}

/// Does what a key means in the topmost overlay.
pub fn act(state: &mut State, action: Action) {
    let page = usize::from(state.area.height / 2).max(1);
    let Some(top) = state.overlays.last_mut() else {
        return;
    };
    match top {
        Overlay::Help { scroll, .. } | Overlay::Problems { scroll, .. } => match action {
            Action::Up => *scroll = scroll.saturating_sub(1),
            Action::Down => *scroll += 1,
            Action::PageUp => *scroll = scroll.saturating_sub(page),
            Action::PageDown => *scroll += page,
            Action::Home => *scroll = 0,
            Action::Back | Action::Enter | Action::Help | Action::Quit => close(state),
            _ => {}
        },
        Overlay::Notices { scroll } => match action {
            Action::Up => *scroll += 1,
            Action::Down => *scroll = scroll.saturating_sub(1),
            Action::PageUp => *scroll += page,
            Action::PageDown => *scroll = scroll.saturating_sub(page),
            Action::Back | Action::Enter | Action::Notices | Action::Quit => close(state),
            _ => {}
        },
        Overlay::Why(_) => {
            if matches!(
                action,
                Action::Back | Action::Enter | Action::Why | Action::Quit
            ) {
                close(state);
            }
        }
        Overlay::Palette { found, at, .. } => match action {
            Action::Up => *at = at.saturating_sub(1),
            Action::Down => *at = (*at + 1).min(found.len().saturating_sub(1)),
            Action::Back => close(state),
            Action::Enter => {
                let chosen = found.get(*at).copied();
                close(state);
                if let Some(action) = chosen {
                    perform(state, action);
                }
            }
            _ => {}
        },
        Overlay::Themes { at, before } => {
            let last = state.themes.len().saturating_sub(1);
            match action {
                Action::Up => *at = at.saturating_sub(1),
                Action::Down => *at = (*at + 1).min(last),
                Action::Home => *at = 0,
                Action::End => *at = last,
                Action::Enter => return close(state),
                Action::Back => {
                    state.theme = std::mem::take(before);
                    return close(state);
                }
                _ => return,
            }
            // Seen at once: that is how one chooses.
            if let Some(name) = state.themes.get(*at) {
                state.theme.clone_from(name);
            }
        }
        Overlay::Pick(_) => compose::pick::act(state, action),
        Overlay::Confirm { wish, .. } => match action {
            Action::Enter => {
                let wish = wish.clone();
                close(state);
                grant(state, wish);
            }
            Action::Back => close(state),
            _ => {}
        },
        Overlay::Prompt { .. } => match action {
            Action::Enter => answer(state),
            Action::Back => close(state),
            _ => {}
        },
        Overlay::Alerts { .. } => {
            if !alerts::act(state, action) && action == Action::Back {
                close(state);
            }
        }
        Overlay::Found => {
            let Some(search) = state.run.as_mut().and_then(|run| run.found.as_mut()) else {
                return close(state);
            };
            let last = search.hits().len().saturating_sub(1);
            match action {
                Action::Up => search.at = search.at.saturating_sub(1),
                Action::Down => search.at = (search.at + 1).min(last),
                Action::PageUp => search.at = search.at.saturating_sub(page),
                Action::PageDown => search.at = (search.at + page).min(last),
                Action::Home => search.at = 0,
                Action::End => search.at = last,
                Action::Enter => {
                    close(state);
                    run::hits::leave(state);
                    run::hits::go(state);
                    state.tab = Tab::Run;
                }
                Action::Back => {
                    close(state);
                    run::hits::leave(state);
                }
                _ => {}
            }
        }
    }
}

fn close(state: &mut State) {
    state.overlays.pop();
}

/// Does what was asked and said yes to.
fn grant(state: &mut State, wish: Wish) {
    match wish {
        Wish::Quit => state.effect(Effect::Quit),
        Wish::StopAndQuit => quit_now(state),
        Wish::Abort => abort(state),
        Wish::Do(command) => state.command(command),
        Wish::Kill(selector) => state.command(Command::Kill(selector)),
        Wish::Purge(queue) => state.effect(Effect::Send(ToEngine::Purge { queue })),
        Wish::Discard(path) => open_session(state, &path),
        Wish::Overwrite(path) => save_to(state, path),
        Wish::Recover(text) => {
            state.tab = Tab::Compose;
            compose::files::take_text(state, text);
        }
        Wish::OverwriteTimeline(path) => timeline::save_to(state, path),
        Wish::DeleteRun(id) => state.effect(Effect::Runs(Ask::Delete(id))),
        Wish::RunAgain(id) => runs::update::again(state, id),
    }
}

/// A line was typed and enter pressed.
fn answer(state: &mut State) {
    let Some(Overlay::Prompt { what, input, .. }) = state.overlays.last() else {
        return;
    };
    let (what, text) = (*what, input.text().to_owned());
    let refused = match what {
        For::Search | For::Filter if text.is_empty() => {
            close(state);
            match (what, &mut state.run) {
                (For::Search, _) => run::hits::end(state),
                (_, Some(run)) => run.filter(None),
                _ => {}
            }
            return;
        }
        For::Search | For::Filter => match regex::Regex::new(&text) {
            Ok(pattern) => {
                close(state);
                match what {
                    For::Search => run::hits::begin(state, &text, pattern),
                    _ => {
                        if let Some(run) = &mut state.run {
                            run.filter(Some(pattern));
                        }
                    }
                }
                return;
            }
            Err(error) => one_line(&error.to_string()),
        },
        _ if text.trim().is_empty() => "type a name, or esc to leave".to_owned(),
        For::SaveAs => {
            let path = PathBuf::from(text.trim());
            close(state);
            if path.exists() && state.draft.path.as_deref() != Some(&path) {
                let question = format!("{} is there already: write over it?", path.display());
                state
                    .overlays
                    .push(Overlay::confirm(question, Wish::Overwrite(path)));
            } else {
                save_to(state, path);
            }
            return;
        }
        For::SaveTimeline => {
            let path = PathBuf::from(text.trim());
            close(state);
            if path.exists() {
                let question = format!("{} is there already: write over it?", path.display());
                state
                    .overlays
                    .push(Overlay::confirm(question, Wish::OverwriteTimeline(path)));
            } else {
                timeline::save_to(state, path);
            }
            return;
        }
        For::SaveOutput => {
            close(state);
            save_output(state, PathBuf::from(text.trim()));
            return;
        }
        For::Open => {
            let path = PathBuf::from(text.trim());
            close(state);
            open_asked(state, path);
            return;
        }
        For::Command => {
            close(state);
            compose::update::import(state, &text);
            return;
        }
        For::Put => {
            close(state);
            super::super::queues::update::put(state, text.into_bytes());
            return;
        }
    };
    if let Some(Overlay::Prompt { problem, .. }) = state.overlays.last_mut() {
        *problem = Some(refused);
    }
}

fn one_line(text: &str) -> String {
    let last = text.lines().rfind(|line| !line.trim().is_empty());
    last.unwrap_or_default().trim().to_owned()
}

/// Opens another session; asks first when changes would be lost.
pub fn open_asked(state: &mut State, path: PathBuf) {
    if state.draft.is_changed() {
        let question =
            "the session has changes that are not saved: open the other one all the same?";
        state
            .overlays
            .push(Overlay::confirm(question, Wish::Discard(path)));
    } else {
        open_session(state, &path);
    }
}

/// Opens a session in place of the one that is composed.
pub fn open_session(state: &mut State, path: &Path) {
    match Session::open(path) {
        Ok(loaded) => {
            let swap = compose::files::swap(state);
            compose::files::is_kept(state, swap);
            state.draft = Draft::of(loaded);
            state.compose.forget();
            compose::files::remember(state);
            compose::files::offer_unsaved(state);
            if !state.is_live() {
                state.run = None;
                state.aside = None;
            }
        }
        Err(problems) => {
            let title = format!("{} cannot be opened", path.display());
            let text = std::fs::read_to_string(path).unwrap_or_default();
            state
                .overlays
                .push(Overlay::problems(title, &problems, &text));
        }
    }
}

/// Writes the session.
pub fn save_to(state: &mut State, path: PathBuf) {
    let swap = compose::files::swap(state);
    let text = state.draft.written();
    state.draft.path = Some(path.clone());
    state.draft.text = Some(text.clone());
    state.draft.saved = state.draft.session.clone();
    state.effect(Effect::Write { path, text });
    compose::files::is_kept(state, swap);
    compose::files::remember(state);
}

fn save_output(state: &mut State, to: PathBuf) {
    let Some(run) = &state.run else { return };
    if let Some(merged) = &run.merged {
        let lines = merged.shown();
        let lines = lines.filter_map(|(_, line)| {
            let process = line.process.as_ref()?;
            Some(format!("{process} | {}\n", line.text))
        });
        let text: String = lines.collect();
        state.effect(Effect::Write { path: to, text });
        return;
    }
    match run.current().and_then(|process| run.log(&process)) {
        Some(from) => state.effect(Effect::CopyFile { from, to }),
        None => state
            .toasts
            .push(Level::Info, "there is no log yet", state.now),
    }
}

/// Whether a key is text for the topmost overlay.
pub fn takes_text(state: &State) -> bool {
    matches!(state.overlays.last(), Some(Overlay::Pick(_)))
        || !state.overlays.is_empty() && state.context() == Context::Prompt
}
