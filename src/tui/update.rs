//! How the state changes: one message after the other.
//!
//! Owns the order of things in a turn: the message, then where the panes are, then the effects. Does no input or output.
//! Start at [`update`].

use std::time::Instant;

use crossterm::event::{Event as Input, KeyEvent, KeyEventKind};
use ratatui::layout::Rect;

use super::{
    alerts::Voice,
    compose, hosts,
    keymap::{Action, Context},
    message::{Effect, Msg},
    mouse,
    overlay::{self, For, Overlay, Wish},
    queues, run,
    run::Link,
    runs,
    state::{State, Tab},
    view,
};
use crate::{
    engine::door::{
        Chunk,
        wire::{FromEngine, ToEngine},
    },
    model::event::{Command, Event, Level},
    term::keys,
};

/// The longest paste for a process, in bytes: what may wait for one, less the markers around it.
const PASTE_MAX: usize = (64 << 10) - 64;

/// Takes in a message: what is to be done. After one of the engine's, of which thousands may come at once, panes are where
/// they were until [`settle`] is called.
pub fn update(state: &mut State, msg: Msg, now: Instant) -> Vec<Effect> {
    state.is_stale |= matches!(msg, Msg::Engine(_));
    let settles = !matches!(msg, Msg::Engine(_));
    state.now = now;
    state.toasts.expire(now);
    compose::files::due(state);
    match msg {
        Msg::Input(Input::Key(key)) if key.kind != KeyEventKind::Release => {
            key_pressed(state, &key)
        }
        Msg::Input(Input::Paste(text)) => pasted(state, &text),
        Msg::Input(Input::Mouse(event)) => mouse::update(state, &event),
        Msg::Input(Input::Resize(width, height)) => {
            state.area = Rect::new(0, 0, width, height);
            // The terminal moved what was on it, even where it has its old size again by now.
            state.effect(Effect::Redraw);
        }
        Msg::Input(_) => {}
        Msg::Engine(message) => engine(state, *message),
        Msg::Tail {
            process,
            path,
            at,
            bytes,
            until,
        } => {
            if let Some(run) = &mut state.run
                && run.log(&process).as_ref() == Some(&path)
            {
                run.loaded(&process, at, bytes, until, state.now);
            }
        }
        Msg::Runs(answer) => runs::update::answered(state, answer),
        Msg::Listed { ticket, entries } => {
            if !overlay::listed(state, ticket, &entries) {
                compose::pick::listed(state, ticket, entries);
            }
        }
        Msg::Unpacked { path, start } => compose::files::unpacked(state, path, start),
        Msg::Edited(text) => compose::files::take_text(state, text),
        Msg::EditFailed { why, text } => compose::files::edit_failed(state, why, text),
        Msg::Saved(saved) => compose::saving::saved(state, *saved),
        Msg::Opened(opened) => compose::opening::opened(state, *opened),
        Msg::Prepared(Ok(shown)) => state.effect(Effect::Page(shown)),
        Msg::Prepared(Err(text)) => state.toasts.push(Level::Info, text, now),
        Msg::Planned(plan) => compose::update::planned(state, *plan),
        Msg::Logs { number, logs } => {
            if let Some(run) = &mut state.run {
                run.logs_read(number, logs, now);
            }
        }
        Msg::Searched { ticket, logs } => run::hits::searched(state, ticket, logs),
        Msg::Found { ticket, found } => run::hits::found(state, ticket, found),
        Msg::Looked(path, exists) => overlay::update::looked(state, path, exists),
        Msg::Written(Ok(path)) => {
            let text = format!("written: {}", path.display());
            state.toasts.push(Level::Info, text, now);
        }
        Msg::Written(Err(text)) => state.toasts.push(Level::Error, text, now),
        Msg::Told(text) => state.toasts.push(Level::Warning, text, now),
        // What is due is seen to at every turn.
        Msg::Due => {}
    }
    overlay::update::grant_unasked(state);
    if settles {
        settle(state);
    }
    state.effects.drain(..).collect()
}

/// Where everything is after a change.
pub fn settle(state: &mut State) {
    state.is_stale = false;
    if let Some(text) = state.alerts.take(state.now) {
        state.effect(Effect::Alert(text));
    }
    queues::update::settle(state);
    hosts::update::settle(state);
    state.places = view::places(state);
    compose::update::settle(state);
    if let Some(merged) = state.run.as_mut().and_then(|run| run.merged.as_mut()) {
        merged.settle(state.now);
    }
    if let (Some(run), Tab::Run) = (&mut state.run, state.tab) {
        run.colours = state.colours;
        let effects = run.arrange(state.places.panes, state.now);
        state.effects.extend(effects);
    }
}

fn key_pressed(state: &mut State, key: &KeyEvent) {
    if let Some(until) = state.deaf_until.take()
        && state.now < until
        && !state.overlays.is_empty()
    {
        state.deaf_until = Some(until);
        return;
    }
    let context = state.context();
    match state.config.keymap.lookup(context, key) {
        Some(action) => perform(state, action),
        None if context == Context::Typing => type_key(state, key),
        None if overlay::update::takes_text(state) => overlay::update::typed(state, key),
        None if context == Context::List && state.overlays.is_empty() => {
            runs::update::typed(state, key)
        }
        None if state.overlays.is_empty() && state.tab == Tab::Compose => {
            compose::update::typed(state, key);
        }
        None => {}
    }
}

/// A key on its way to a process.
fn type_key(state: &mut State, key: &KeyEvent) {
    let Some(run) = &mut state.run else { return };
    let Some((key, mods)) = super::terminal::key_of(key) else {
        return;
    };
    for command in run.typed(|modes| keys::key(key, mods, modes)) {
        state.command(command);
    }
}

fn pasted(state: &mut State, text: &str) {
    match state.context() {
        Context::Typing => {
            // Programs that read nothing meanwhile have room for so much, and more would be lost without a word.
            if text.len() > PASTE_MAX {
                let (size, most) = (text.len() >> 10, PASTE_MAX >> 10);
                let text =
                    format!("a paste of {size} KiB is too long to be typed: at most {most} KiB");
                return state.toasts.push(Level::Warning, text, state.now);
            }
            let Some(run) = &mut state.run else { return };
            for command in run.typed(|modes| keys::paste(text, modes)) {
                state.command(command);
            }
        }
        Context::Compose | Context::Form => compose::update::pasted(state, text),
        Context::Prompt if state.overlays.is_empty() => compose::update::pasted(state, text),
        Context::List if state.overlays.is_empty() => runs::update::pasted(state, text),
        Context::Prompt | Context::List => overlay::update::pasted(state, text),
        _ => {}
    }
}

/// Does what an action means here.
pub fn perform(state: &mut State, action: Action) {
    let context = state.context();
    let kept = state.tips.performed(context, action, state.now);
    state.effects.extend(kept);
    if action == Action::Suspend {
        return state.effect(Effect::Suspend);
    }
    if !state.overlays.is_empty() {
        return overlay::update::act(state, action);
    }
    if state.context() == Context::Typing {
        if let (Action::LeaveTyping, Some(run)) = (action, &mut state.run) {
            run.typing = None;
        }
        return;
    }
    if runs::update::act_in_the_past(state, action) {
        return;
    }
    let done = match state.tab {
        Tab::Run => run::update::act(state, action),
        Tab::Queues => queues::update::act(state, action),
        Tab::Compose => compose::update::act(state, action),
        Tab::Runs => runs::update::act(state, action),
        Tab::Hosts => hosts::update::act(state, action),
    };
    if !done {
        anywhere(state, action);
    }
}

/// What an action means on every screen.
fn anywhere(state: &mut State, action: Action) {
    match action {
        Action::Quit => quit(state),
        Action::Help => {
            let of = state.context();
            state.overlays.push(Overlay::help(of));
        }
        Action::Palette => overlay::update::open_palette(state),
        Action::Theme => compose::lists::open_themes(state),
        Action::Notices => state.overlays.push(Overlay::Notices { scroll: usize::MAX }),
        Action::ShowCompose => compose::update::show(state),
        Action::ShowRun => state.tab = Tab::Run,
        Action::ShowQueues => state.tab = Tab::Queues,
        Action::ShowHosts => state.tab = Tab::Hosts,
        Action::ShowRuns => runs::update::show(state),
        Action::Save => compose::saving::save(state),
        Action::SaveAs => compose::saving::ask(state),
        Action::Open => compose::pick::open_sessions(state),
        Action::Search if state.run.is_some() => {
            state.overlays.push(Overlay::prompt(For::Search, ""));
        }
        Action::Filter if state.run.is_some() => {
            state.overlays.push(Overlay::prompt(For::Filter, ""));
        }
        Action::SaveOutput if state.run.is_some() => {
            state
                .overlays
                .push(Overlay::prompt(For::SaveOutput, "output.log"));
        }
        Action::Start => run::update::launch(state),
        Action::Redraw => state.effect(Effect::Redraw),
        _ => {}
    }
}

/// The user wants to leave: asked first when that ends something. Who asks again while that takes its time may kill what
/// is left, and then leave at once.
pub fn quit(state: &mut State) {
    if state.leaving {
        match state.aborting {
            true => state.effect(Effect::Quit),
            false => state.overlays.push(Overlay::confirm(
                "Not everything has ended yet. Kill the rest and leave?",
                Wish::Abort,
            )),
        }
        return;
    }
    if compose::saving::waits(state) {
        return;
    }
    let live = state.live_run().map_or(0, |run| run.facts.count(None).live);
    if live > 0 {
        let question = match live {
            1 => "One process runs. Stop it and leave?".to_owned(),
            live => format!("{live} processes run. Stop them and leave?"),
        };
        let question = match state.has_unsaved() {
            true => format!("{question} Changes of the session are not saved."),
            false => question,
        };
        state
            .overlays
            .push(Overlay::confirm(question, Wish::StopAndQuit));
    } else if state.has_unsaved() {
        let question = "The session has changes that are not saved. Leave all the same?";
        state.overlays.push(Overlay::confirm(question, Wish::Quit));
    } else {
        quit_now(state);
    }
}

/// Stops everything by its ladder; the program leaves when the run is over.
pub fn quit_now(state: &mut State) {
    state.leaving = true;
    state.command(Command::Finish);
    state.toasts.push(
        Level::Info,
        "stopping; the program leaves when everything has ended",
        state.now,
    );
    if !state.is_live() {
        state.effect(Effect::Quit);
    }
}

/// Kills everything; the program leaves when the run is over, or when the user has enough of waiting for that.
pub fn abort(state: &mut State) {
    state.leaving = true;
    state.aborting = true;
    state.command(Command::Abort);
    let text = "killing what is left; to leave without waiting for it, leave once more";
    state.toasts.push(Level::Warning, text, state.now);
}

/// The engine spoke.
fn engine(state: &mut State, message: FromEngine) {
    let now = state.now;
    let is_past = state.is_past();
    let run = match is_past {
        true => state.aside.as_mut(),
        false => state.run.as_mut(),
    };
    let Some(run) = run else { return };
    match message {
        FromEngine::Welcome {
            run: id, folder, ..
        } => {
            run.facts.run = id;
            run.welcomed(&folder);
        }
        FromEngine::Refused {
            problems,
            unplaceable,
        } => {
            *state.live_place() = None;
            state.effect(Effect::Hang);
            let title = match unplaceable {
                true => "the session cannot be placed",
                false => "the session cannot be started",
            };
            let text = state.draft.written();
            state.open_unasked(Overlay::problems(title, &problems, &text));
        }
        FromEngine::Failed { text } | FromEngine::Gone(text) => {
            run::update::lost(state, text);
            state.effect(Effect::Hang);
            if state.leaving {
                state.effect(Effect::Quit);
            }
        }
        FromEngine::Event(stamped) => {
            if let Event::Explained {
                process, because, ..
            } = &stamped.event
            {
                run.because = Some((process.clone(), because.clone()));
            }
            if let (Event::ProcessEnded { process, .. }, Some(merged)) =
                (&stamped.event, &mut run.merged)
            {
                merged.ended(process, now);
            }
            let voice = match &stamped.event {
                Event::Alerted { process, alert, .. } => Some(state.alerts.voice(process, alert)),
                _ => None,
            };
            if voice == Some(Voice::Off) {
                return;
            }
            let over = matches!(stamped.event, Event::RunEnded { .. });
            let said = run.apply(&stamped, now);
            if let Event::ProcessChanged { process, .. } = &stamped.event
                && run.typing_ends(process)
            {
                let text = format!("{process} ended: what is typed now goes to these screens");
                state.toasts.push(Level::Info, text, now);
            }
            let seen = state.tab == Tab::Run && !is_past;
            if let Some(said) = said {
                if voice == Some(Voice::Loud) || said.level == Level::Error && !seen {
                    state.alerts.push(said.text.clone());
                }
                state.toasts.show(said.level, said.text, now);
            }
            if over {
                ended(state);
            }
        }
        FromEngine::Samples(samples) => {
            let seconds = run.seconds(now);
            run.facts.sample(&samples, seconds);
        }
        FromEngine::Queues(samples) => {
            let seconds = run.seconds(now);
            run.queues.take(samples, seconds);
        }
        FromEngine::Watching(processes) => {
            let tails: Vec<Effect> = processes
                .iter()
                .filter(|process| run.panes.iter().any(|(pane, _)| pane.process == **process))
                .filter_map(|process| run.read_tail(process))
                .collect();
            let logs = run.comes(&processes);
            state.effects.extend(tails.into_iter().chain(logs));
        }
        FromEngine::Chunk(chunk) => bytes(run, chunk, now),
        // Asked for before a past run was opened.
        FromEngine::Peeked { .. } if is_past => {}
        FromEngine::Peeked { queue, from, items } => {
            queues::update::peeked(state, queue, from, items)
        }
        FromEngine::Done {
            what,
            queue,
            failed,
            text,
        } => queues::update::done(state, what, queue, failed, &text),
        FromEngine::Over => {
            if run.link == Link::Up {
                run.link = Link::Over;
            }
            state.effect(Effect::Hang);
            if state.leaving {
                state.effect(Effect::Quit);
            } else if state.tab == Tab::Runs {
                // Its record is whole only now.
                state.effect(Effect::Runs(runs::Ask::List));
            }
        }
    }
}

fn bytes(run: &mut run::State, chunk: Chunk, now: Instant) {
    if let Some(merged) = &mut run.merged {
        merged.live(chunk, now);
    } else if let Some(pane) = run.pane(&chunk.process) {
        let (life, stream) = (chunk.incarnation, chunk.stream);
        pane.live(life, stream, chunk.offset, chunk.gap, chunk.bytes);
    }
}

fn ended(state: &mut State) {
    let Some(run) = state.live_run() else { return };
    let Some(outcome) = run.facts.outcome else {
        return;
    };
    let count = run.facts.count(None);
    let first_failure = state.key(Context::Run, Action::FirstFailure);
    let (level, text) = match outcome {
        crate::model::event::Outcome::Succeeded => {
            (Level::Info, format!("all {} ranks ended well", count.total))
        }
        _ => match &run.facts.first_failure {
            Some(process) => (
                Level::Error,
                match state.tab {
                    Tab::Run => format!("{process} failed first: {first_failure} goes there"),
                    _ => format!("{process} failed first"),
                },
            ),
            None => (Level::Warning, "the run was ended".to_owned()),
        },
    };
    state.toasts.push(level, text.clone(), state.now);
    // Who ended it by leaving knows.
    if !state.leaving {
        state.alerts.push(text);
    }
}

/// Something for the engine that was not taken.
pub fn refused(state: &mut State, message: &ToEngine, why: String, now: Instant) {
    // A size or a set of panes is asked for again with the next change; samples are asked for by every start.
    if let ToEngine::Command(Command::Resize(..))
    | ToEngine::Watch(_)
    | ToEngine::SampleEvery(_)
    | ToEngine::QueuesEvery(_) = message
    {
        if let Some(run) = state.live_run_mut() {
            run.refused(message);
        }
        return;
    }
    queues::update::refused(state, message);
    state.toasts.push(Level::Warning, why, now);
}
