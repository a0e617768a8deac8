//! What keys do in what lies over a screen.
//!
//! Start at [`act`] and [`typed`].

use std::path::PathBuf;

use crossterm::event::KeyEvent;

use super::{For, Overlay, Search, Wish};
use crate::{
    engine::door::wire::ToEngine,
    model::{
        event::{Command, Level},
        ids::ProcessId,
    },
    tui::{
        compose::{self, saving::Over},
        config::Confirm,
        keymap::{Action, Context, Keymap},
        message::{Effect, Hit},
        run,
        runs::{self, Ask},
        state::State,
        timeline,
        update::{perform, quit_now},
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
        Some(Overlay::Pick(picker)) => {
            picker.typed(key);
            compose::pick::preview(state);
        }
        _ => {}
    }
}

/// Text from the clipboard.
pub fn pasted(state: &mut State, text: &str) {
    match state.overlays.last_mut() {
        // Each line is a command of its own.
        Some(Overlay::Prompt {
            what: For::Command,
            input,
            ..
        }) if text.trim().contains(['\n', '\r']) => {
            let text = format!("{}{text}", input.text());
            close(state);
            compose::update::pasted(state, &text);
        }
        Some(Overlay::Prompt { input, .. }) => input.paste(text),
        Some(Overlay::Pick(picker)) => {
            picker.input.paste(text);
            picker.filter();
            compose::pick::preview(state);
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
        Overlay::Found(search) => {
            let hits = search.hits.as_deref().unwrap_or_default();
            let last = hits.len().saturating_sub(1);
            match action {
                Action::Up => search.at = search.at.saturating_sub(1),
                Action::Down => search.at = (search.at + 1).min(last),
                Action::PageUp => search.at = search.at.saturating_sub(page),
                Action::PageDown => search.at = (search.at + page).min(last),
                Action::Home => search.at = 0,
                Action::End => search.at = last,
                Action::Enter => {
                    let process = hits.get(search.at).map(|hit| hit.process.clone());
                    close(state);
                    if let (Some(process), Some(run)) = (process, &mut state.run) {
                        run.merged = None;
                        run.go_to(&process);
                    }
                }
                Action::Back => close(state),
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
        Wish::Kill(selector) => state.command(Command::Kill(selector)),
        Wish::Purge(queue) => state.effect(Effect::Send(ToEngine::Purge { queue })),
        Wish::Discard(path) => compose::opening::open(state, path, false),
        Wish::Overwrite(path) => compose::saving::save_to(state, path, Over::Anything),
        Wish::OverwriteTimeline(path) => timeline::save_to(state, path, Over::Anything),
        Wish::DeleteRun(id) => state.effect(Effect::Runs(Ask::Delete(id))),
        Wish::RunAgain(id) => runs::update::again(state, id),
    }
}

/// Does at once what would be asked first, where the user wants to be asked only before work is lost.
pub fn grant_unasked(state: &mut State) {
    if state.config.confirm == Confirm::Always {
        return;
    }
    if let Some(Overlay::Confirm { wish, .. }) = state.overlays.last()
        && let Wish::Kill(_) | Wish::Purge(_) | Wish::DeleteRun(_) = wish
    {
        let wish = wish.clone();
        close(state);
        grant(state, wish);
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
                (For::Search, Some(run)) => run.search = None,
                (_, Some(run)) => set_filter(run, None),
                _ => {}
            }
            return;
        }
        For::Search | For::Filter => match regex::Regex::new(&text) {
            Ok(pattern) => {
                close(state);
                match what {
                    For::Search => search(state, &text, pattern),
                    _ => {
                        if let Some(run) = &mut state.run {
                            set_filter(run, Some(pattern));
                        }
                    }
                }
                return;
            }
            Err(error) => one_line(&error.to_string()),
        },
        _ if text.trim().is_empty() => "type a name, or esc to leave".to_owned(),
        For::SaveAs => {
            close(state);
            compose::saving::save_as(state, text.trim());
            return;
        }
        For::SaveTimeline => {
            close(state);
            let path = state.draft.folder(&state.folder).join(text.trim());
            timeline::save_to(state, path, Over::Nothing);
            return;
        }
        For::SaveOutput => {
            close(state);
            save_output(state, PathBuf::from(text.trim()));
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

fn set_filter(run: &mut run::State, filter: Option<regex::Regex>) {
    if let Some(merged) = &mut run.merged {
        merged.filter = filter;
        merged.offset = 0;
    }
}

/// Looks in the panes, and in the logs of what is selected.
fn search(state: &mut State, text: &str, pattern: regex::Regex) {
    state.tickets += 1;
    let ticket = state.tickets;
    let Some(run) = &mut state.run else { return };
    run.search = Some(pattern);
    let selected = run.selected();
    // Those nearest to what is selected first; not more files than can be read while one waits.
    const LOGS_MAX: usize = 2_000;
    let logs: Vec<(ProcessId, PathBuf)> = run
        .facts
        .selected(selected.as_ref())
        .filter_map(|(process, _)| Some((process.clone(), run.log(&process)?)))
        .take(LOGS_MAX)
        .collect();
    state.overlays.push(Overlay::Found(Search {
        pattern: text.to_owned(),
        ticket,
        hits: None,
        more: false,
        at: 0,
    }));
    state.effect(Effect::SearchLogs {
        ticket,
        pattern: text.to_owned(),
        logs,
    });
}

/// An answer to a search.
pub fn found(state: &mut State, ticket: u64, found: Vec<Hit>, there_is_more: bool) {
    for overlay in &mut state.overlays {
        if let Overlay::Found(search) = overlay
            && search.ticket == ticket
        {
            // The newest are looked for, most of the time.
            search.at = found.len().saturating_sub(1);
            search.more = there_is_more;
            search.hits = Some(found);
            return;
        }
    }
}

fn save_output(state: &mut State, to: PathBuf) {
    let Some(run) = &state.run else { return };
    if let Some(merged) = &run.merged {
        let lines = merged.shown();
        let lines = lines.map(|line| format!("{} | {}\n", line.process, line.text));
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
