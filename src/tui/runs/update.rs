//! What keys do on the runs screen, and in a past run.
//!
//! Changes [`State`] and asks for effects; performs none. Start at [`act`] and [`answered`].

use crossterm::event::KeyEvent;

use super::{Answer, Ask, Past, compare, reading::Listed, timebar};
use crate::{
    model::event::Level,
    record::RunState,
    tui::{
        compose,
        keymap::{Action, Context},
        message::Effect,
        overlay::{Overlay, Wish},
        run,
        state::{State, Tab},
        widget::{format, list},
    },
};

/// Shows the list, read anew; a past run is left, and one that is being read is not waited for any more.
pub fn show(state: &mut State) {
    leave(state);
    if state.runs.opening.take().is_some() {
        state.runs.busy = None;
    }
    state.tab = Tab::Runs;
    state.effect(Effect::Runs(Ask::List));
}

/// Out of a past run: what goes on is looked at again, if anything does.
pub fn leave(state: &mut State) {
    if state.is_past() {
        state.run = state.aside.take();
    }
}

/// Opens a run of the past by its id, a part of it, or `last`.
pub fn open(state: &mut State, name: &str) {
    let lives = state.live_run().is_some_and(|run| run.facts.run == name);
    if lives {
        leave(state);
        state.tab = Tab::Run;
        return;
    }
    state.runs.busy = Some(format!("reading {name}"));
    state.tickets += 1;
    state.runs.opening = Some(state.tickets);
    state.effect(Effect::Runs(Ask::Open {
        ticket: state.tickets,
        name: name.to_owned(),
    }));
}

/// Says that the past is as it is.
pub fn refuse(state: &mut State) {
    let context = state.context();
    let [again, leave] = [Action::Start, Action::Back].map(|action| state.key(context, action));
    let text = format!("this is the past: {again} runs it again, {leave} leaves it");
    state.toasts.push(Level::Info, text, state.now);
}

/// Does what a key means while a past run is looked at. False: what it means anywhere.
pub fn act_in_the_past(state: &mut State, action: Action) -> bool {
    if !state.is_past() || !matches!(state.tab, Tab::Run | Tab::Queues | Tab::Hosts) {
        return false;
    }
    let context = state.context();
    let Some(run) = &mut state.run else {
        return false;
    };
    let Some(past) = &mut run.past else {
        return false;
    };
    let to = match action {
        Action::Earlier => timebar::step(past.at, past.end, false),
        Action::Later => timebar::step(past.at, past.end, true),
        Action::Earliest => 0.0,
        Action::Latest => past.end,
        Action::Back => {
            let is_inside = context == Context::Merged || context == Context::Pane || run.zoom;
            let is_flow = state.tab == Tab::Queues && run.look.is_flow;
            if is_flow || state.tab == Tab::Run && is_inside {
                return false;
            }
            show(state);
            return true;
        }
        Action::Start => {
            let listed = past.listed.clone();
            ask_again(state, &listed);
            return true;
        }
        Action::Stop
        | Action::Kill
        | Action::Restart
        | Action::RestartFailed
        | Action::ScaleUp
        | Action::ScaleDown
        | Action::Mute
        | Action::Type
        | Action::TypeAll
        | Action::SaveTimeline
            if state.tab == Tab::Run =>
        {
            refuse(state);
            return true;
        }
        _ => return false,
    };
    go(state, to);
    true
}

/// To a second of the past run that is looked at.
pub fn go(state: &mut State, to: f64) {
    let past = state.run.as_mut().and_then(|run| run.past.as_mut());
    if let Some(ask) = past.and_then(|past| past.go(to)) {
        state.effect(Effect::Runs(ask));
    }
}

/// Does what a key means on the runs screen. False: nothing.
pub fn act(state: &mut State, action: Action) -> bool {
    let page = usize::from(state.area.height / 2).max(1);
    if state.runs.is_filtering {
        match action {
            Action::Enter => state.runs.is_filtering = false,
            Action::Back => {
                state.runs.is_filtering = false;
                state.runs.filter.set("");
            }
            _ => {
                step(state, action, page);
            }
        }
        return true;
    }
    let glyphs = state.glyphs;
    if let Some((compared, first)) = &mut state.runs.compared {
        if let Some(by) = action.rows(page) {
            let length = compare::view::line_count(compared, glyphs);
            let height = compare::view::height(state.places.body);
            *first = list::scrolled(*first, by, length, height);
        } else if matches!(action, Action::Back | Action::Compare) {
            state.runs.compared = None;
        } else {
            return false;
        }
        return true;
    }
    match action {
        Action::Search | Action::Filter => state.runs.is_filtering = true,
        Action::OpenRun
        | Action::Enter
        | Action::RunAgain
        | Action::DeleteRun
        | Action::Compare => {
            if let Some((_, listed)) = state.runs.current() {
                let listed = listed.clone();
                on_run(state, action, &listed);
            }
        }
        Action::Back if !state.runs.filter.is_empty() => state.runs.filter.set(""),
        Action::Back => state.runs.marked = None,
        _ => return step(state, action, page),
    }
    true
}

fn step(state: &mut State, action: Action, page: usize) -> bool {
    let shown = state.runs.shown();
    let last = shown.len().saturating_sub(1);
    let at = state.runs.current().map_or(0, |(at, _)| at);
    let Some(by) = action.rows(page) else {
        return false;
    };
    let to = at.saturating_add_signed(by);
    let chosen = shown.get(to.min(last)).map(|run| run.id.clone());
    state.runs.selected = chosen;
    true
}

fn on_run(state: &mut State, action: Action, listed: &Listed) {
    match action {
        Action::RunAgain => ask_again(state, listed),
        Action::Compare => mark_or_compare(state, listed),
        Action::DeleteRun => {
            let size = format::bytes(listed.size);
            let question = format!(
                "Delete the run {} of {} with its logs ({size})?",
                listed.id, listed.session
            );
            if state.runs.busy.is_some() {
                let text = "it is still working on the wish before";
                state.toasts.push(Level::Info, text, state.now);
                return;
            }
            if listed.state == RunState::RunningHere {
                let text = "it runs: only what is over can be deleted";
                state.toasts.push(Level::Info, text, state.now);
                return;
            }
            let wish = Wish::DeleteRun(listed.id.clone());
            state.overlays.push(Overlay::confirm(question, wish));
        }
        _ => open(state, &listed.id),
    }
}

/// Marks a run, or compares it with the marked one.
fn mark_or_compare(state: &mut State, listed: &Listed) {
    match state.runs.marked.take() {
        None => {
            state.runs.marked = Some(listed.id.clone());
            let key = state.key(Context::Runs, Action::Compare);
            let text = format!(
                "{} is marked: {key} on another one compares the two",
                listed.id
            );
            state.toasts.push(Level::Info, text, state.now);
        }
        Some(marked) if marked == listed.id => {}
        Some(marked) => {
            state.runs.busy = Some("comparing".to_owned());
            // The older one at the left.
            let (a, b) = match marked < listed.id {
                true => (marked, listed.id.clone()),
                false => (listed.id.clone(), marked),
            };
            state.effect(Effect::Runs(Ask::Compare(a, b)));
        }
    }
}

/// Runs a past run again, unless something runs; asks where that would lose something.
fn ask_again(state: &mut State, listed: &Listed) {
    if state.is_live() {
        let text = "a session runs already: stop it first";
        state.toasts.push(Level::Info, text, state.now);
    } else if state.has_unsaved() {
        let question =
            "The session has changes that are not saved: put the one of that run in its place?";
        let wish = Wish::RunAgain(listed.id.clone());
        state.overlays.push(Overlay::confirm(question, wish));
    } else {
        again(state, listed.id.clone());
    }
}

/// Deletes a run.
pub fn delete(state: &mut State, id: String) {
    state.runs.busy = Some(format!("deleting {id}"));
    state.effect(Effect::Runs(Ask::Delete(id)));
}

/// The session of that run becomes the draft, and starts.
pub fn again(state: &mut State, id: String) {
    state.runs.busy = Some(format!("reading {id}"));
    state.runs.granted = Some(state.compose.edits);
    state.effect(Effect::Runs(Ask::Again(id)));
}

/// A key that is text of the filter.
pub fn typed(state: &mut State, key: &KeyEvent) {
    state.runs.filter.key(key);
}

/// Text from the clipboard for the filter.
pub fn pasted(state: &mut State, text: &str) {
    state.runs.filter.paste(text);
}

/// A record was read, or could not be.
pub fn answered(state: &mut State, answer: Answer) {
    if let Answer::Opened(ticket, _) = &answer {
        // Another one was asked for since, or none.
        if state.runs.opening != Some(*ticket) {
            return;
        }
        state.runs.opening = None;
    }
    if !matches!(answer, Answer::Moment(..) | Answer::Listed(..)) {
        state.runs.busy = None;
    }
    let failed = match answer {
        Answer::Listed(Ok(known), at) => {
            state.runs.known = Some(known);
            state.runs.read_at = at;
            state.runs.problem = None;
            return;
        }
        Answer::Listed(Err(why), _) => {
            state.runs.known.get_or_insert_default();
            state.runs.problem = Some(why);
            return;
        }
        Answer::Opened(_, Ok(opened)) => {
            if state.tab != Tab::Runs {
                // Keys that are meant for where the user is now would be taken by it.
                let key = state.key(Context::Runs, Action::OpenRun);
                let text = format!(
                    "{} was read, but you are elsewhere: {key} on it opens it again",
                    opened.listed.id
                );
                state.toasts.push(Level::Info, text, state.now);
                return;
            }
            let damaged = opened.through.damaged;
            if damaged > 0 {
                let text = format!("{damaged} lines of its record cannot be read");
                state.toasts.push(Level::Warning, text, state.now);
            }
            let past = run::State::of_the_past(*opened, state.config.scrollback);
            if !state.is_past() {
                let mut before = state.run.take();
                if let Some(run) = &mut before {
                    let effects = run.set_aside();
                    state.effects.extend(effects);
                }
                state.aside = before;
            }
            state.run = Some(past);
            state.tab = Tab::Run;
            return;
        }
        Answer::Moment(walk, moment) => {
            let Some(run) = &mut state.run else { return };
            let Some(past) = run.past.as_mut().filter(|past| past.walk == walk) else {
                return;
            };
            let ask = past.came();
            let why = match moment {
                Ok(moment) => {
                    let effects = run.turn_to(*moment);
                    state.effects.extend(effects);
                    None
                }
                Err(why) => Some(why),
            };
            if let Some(ask) = ask {
                state.effect(Effect::Runs(ask));
            }
            let Some(why) = why else { return };
            why
        }
        Answer::Compared(Ok(compared)) => {
            state.runs.compared = Some((*compared, 0));
            return;
        }
        Answer::Again(Ok(draft)) => {
            let granted = state.runs.granted.take();
            if state.is_live() {
                "a session runs by now: stop it first".to_owned()
            } else if state.has_unsaved() && granted != Some(state.compose.edits) {
                "the session was changed meanwhile: it stays, and nothing was started".to_owned()
            } else {
                leave(state);
                compose::opening::replace_draft(state, *draft);
                run::update::launch(state);
                return;
            }
        }
        Answer::Deleted(id, Ok(())) => {
            if let Some(known) = &mut state.runs.known {
                known.retain(|run| run.id != id);
            }
            if state.runs.marked.as_ref() == Some(&id) {
                state.runs.marked = None;
            }
            state.effect(Effect::Runs(Ask::List));
            return;
        }
        Answer::Opened(_, Err(why))
        | Answer::Compared(Err(why))
        | Answer::Again(Err(why))
        | Answer::Deleted(_, Err(why)) => why,
    };
    state.toasts.push(Level::Warning, failed, state.now);
}

/// The past run that is looked at.
pub fn past(state: &State) -> Option<&Past> {
    state.run.as_ref()?.past.as_deref()
}
