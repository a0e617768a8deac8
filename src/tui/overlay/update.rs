//! What keys do in what lies over a screen.
//!
//! Start at [`act`] and [`typed`].

use std::path::PathBuf;

use crossterm::event::KeyEvent;
use ratatui::layout::Position;

use super::{For, Overlay, Wish, prompt, sheet, view};
use crate::{
    model::event::{Command, Level},
    tui::{
        alerts,
        compose::{self, saving::Over},
        config::Confirm,
        hosts,
        keymap::{Action, Keymap},
        message::Effect,
        queues, run, runs,
        state::{State, Tab},
        theme::Theme,
        timeline,
        update::{abort, perform, quit_now},
        widget::{fuzzy, list, text::wrapped},
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
        Some(Overlay::Prompt {
            input,
            problem,
            before,
            ..
        }) => {
            if input.key(key) {
                *before = None;
            }
            *problem = None;
        }
        Some(Overlay::Help { find, scroll, .. }) => {
            find.key(key);
            *scroll = 0;
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
        Some(Overlay::Help { find, .. }) => find.paste(text),
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
    if let Some(by) = action.rows(page)
        && scroll(state, by)
    {
        return;
    }
    let Some(top) = state.overlays.last_mut() else {
        return;
    };
    match top {
        Overlay::Help {
            find,
            is_finding,
            scroll,
            ..
        } => match action {
            Action::Search => *is_finding = true,
            Action::Enter if *is_finding => *is_finding = false,
            // First out of what is looked for.
            Action::Back if *is_finding || !find.is_empty() => {
                *is_finding = false;
                find.set("");
                *scroll = 0;
            }
            Action::Back | Action::Enter | Action::Help | Action::Quit => close(state),
            _ => {}
        },
        Overlay::Problems { .. } => {
            if matches!(action, Action::Back | Action::Enter | Action::Quit) {
                close(state);
            }
        }
        Overlay::Notices { .. } => {
            if matches!(
                action,
                Action::Back | Action::Enter | Action::Notices | Action::Quit
            ) {
                close(state);
            }
        }
        Overlay::Why(_) => {
            if matches!(
                action,
                Action::Back | Action::Enter | Action::Why | Action::Quit
            ) {
                close(state);
            }
        }
        Overlay::Palette { found, at, .. } => {
            if let Some(by) = action.rows(page) {
                let last = found.len().saturating_sub(1);
                *at = at.saturating_add_signed(by).min(last);
            } else if action == Action::Enter {
                let chosen = found.get(*at).copied();
                close(state);
                if let Some(action) = chosen {
                    perform(state, action);
                }
            } else if action == Action::Back {
                close(state);
            }
        }
        Overlay::Pick(_) => compose::pick::act(state, action),
        Overlay::Confirm { wish, yes, .. } => match action {
            Action::Left | Action::Right => *yes = !*yes,
            Action::Enter if !*yes => close(state),
            Action::Enter | Action::Yes => {
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
            _ => {
                prompt::act(state, action);
            }
        },
        Overlay::Alerts { .. } => {
            if !alerts::act(state, action, page) && action == Action::Back {
                close(state);
            }
        }
        Overlay::Found => {
            let Some(search) = state.run.as_mut().and_then(|run| run.found.as_mut()) else {
                return close(state);
            };
            let last = search.hits().len().saturating_sub(1);
            match (action, action.rows(page)) {
                (_, Some(by)) => search.at = search.at.saturating_add_signed(by).min(last),
                (Action::Enter, _) => {
                    close(state);
                    run::hits::leave(state);
                    run::hits::go(state);
                    state.tab = Tab::Run;
                }
                (Action::Back, _) => {
                    close(state);
                    run::hits::leave(state);
                }
                _ => {}
            }
        }
    }
}

/// Scrolls what is to be read. False: the topmost overlay is a list or something else.
fn scroll(state: &mut State, by: isize) -> bool {
    let theme = Theme::bare("", state.glyphs);
    let Some(overlay) = state.overlays.last() else {
        return false;
    };
    let Some(sheet) = sheet::of(state, overlay, &theme) else {
        return false;
    };
    let height = usize::from(sheet.place(state.places.body).height);
    if let Some(
        Overlay::Help { scroll, .. }
        | Overlay::Problems { scroll, .. }
        | Overlay::Notices { scroll },
    ) = state.overlays.last_mut()
    {
        *scroll = list::scrolled(*scroll, by, sheet.lines.len(), height);
    }
    true
}

/// A click: chooses what it is on.
pub fn clicked(state: &mut State, at: Position) {
    let area = state.places.body;
    let Some(overlay) = state.overlays.last() else {
        return;
    };
    if let Some([yes, no]) = view::answers(state, overlay, area) {
        if yes.contains(at) {
            act(state, Action::Yes);
        } else if no.contains(at) {
            act(state, Action::Back);
        }
        return;
    }
    let Some((rows, list)) = view::rows(state, overlay, area) else {
        return;
    };
    if !rows.contains(at) {
        return;
    }
    let selected = list.selected.unwrap_or(0);
    let first = list::keep_visible(list.first, selected, list.length, rows.height);
    let to = first + usize::from(at.y - rows.y);
    if to >= list.length {
        return;
    }
    let by = (to as isize).saturating_sub(selected as isize);
    let is_chosen = match state.overlays.last_mut() {
        Some(Overlay::Palette { at, .. }) => {
            *at = to;
            true
        }
        Some(Overlay::Pick(picker)) => {
            picker.at = to;
            // What is seen while it is selected is looked at first.
            picker.before.is_none() || by == 0
        }
        Some(Overlay::Found) => {
            if let Some(search) = state.run.as_mut().and_then(|run| run.found.as_mut()) {
                search.at = to;
            }
            by == 0
        }
        Some(Overlay::Alerts { at }) => {
            *at = to;
            by == 0
        }
        _ => false,
    };
    compose::pick::preview(state);
    if is_chosen {
        act(state, Action::Enter);
    }
}

/// Shows lines to be read.
pub fn tell(state: &mut State, title: impl Into<String>, lines: Vec<String>) {
    let width = state.area.width.saturating_sub(8).min(92);
    let lines = lines.iter().flat_map(|line| wrapped(line, width));
    state.overlays.push(Overlay::Problems {
        title: title.into(),
        lines: lines.map(|line| (line, false)).collect(),
        scroll: 0,
    });
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
        Wish::Purge(queue) => queues::update::purge(state, queue),
        Wish::Discard(path) => compose::opening::open(state, path, false),
        Wish::Overwrite(path) => compose::saving::save_to(state, path, Over::Anything),
        Wish::OverwriteTimeline(path) => timeline::save_to(state, path, Over::Anything),
        Wish::OverwriteOutput(path) => save_output(state, path),
        Wish::DeleteRun(id) => runs::update::delete(state, id),
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
    let (what, text) = (what.clone(), input.text().to_owned());
    state.typed.remember(&what, &text);
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
        For::Narrow => {
            close(state);
            return match state.tab {
                Tab::Hosts => hosts::update::narrow(state, text.trim()),
                _ => queues::update::narrow(state, text.trim()),
            };
        }
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
            let path = PathBuf::from(text.trim());
            state.effect(Effect::Look(path));
            return;
        }
        For::Command => {
            close(state);
            compose::update::import(state, &text);
            return;
        }
        For::Put(queue) => {
            close(state);
            queues::update::put(state, queue, text.into_bytes());
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

/// Whether a file is there that the output is to be written to: written, or asked about first.
pub fn looked(state: &mut State, path: PathBuf, exists: bool) {
    if !exists {
        return save_output(state, path);
    }
    let question = format!("{} is there already: write over it?", path.display());
    state.open_unasked(Overlay::confirm(question, Wish::OverwriteOutput(path)));
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
    match state.overlays.last() {
        Some(Overlay::Pick(_) | Overlay::Palette { .. } | Overlay::Prompt { .. }) => true,
        Some(Overlay::Help { is_finding, .. }) => *is_finding,
        _ => false,
    }
}
