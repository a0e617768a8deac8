//! What keys do on the run screen.
//!
//! Changes [`State`] and asks for effects; performs none. Start at [`act`].

use super::{
    Focus, Link, State as Run, copying, hits,
    tree::{process_of, selector_of},
};
use crate::{
    engine::door::wire::{Opening, ToEngine},
    model::{
        event::{Command, Level},
        ids::{ProcessId, Selector},
        session,
        template::REPLICAS_MAX,
    },
    tui::{
        alerts,
        config::Confirm,
        keymap::Action,
        message::Effect,
        overlay::{For, Overlay, Wish},
        state::{State, Tab},
        timeline,
        update::settle,
        viewer::{Source, Viewer},
    },
};

/// Rows and columns of a pty where there is no room for a pane.
const SIZE: (u16, u16) = (40, 120);

/// Milliseconds between samples of cpu and memory, and of the queues.
const SAMPLE_EVERY: u32 = 1_000;
const QUEUES_EVERY: u32 = 250;

/// Whether something of the run that goes on is alive or about to be. When all has ended the engine only waits for wishes,
/// and another one may take its place.
pub fn is_busy(state: &State) -> bool {
    state.live_run().is_some_and(|run| {
        run.is_live() && (run.link == Link::Starting || run.facts.count(None).is_busy())
    })
}

/// Starts the session that is composed, or shows why it cannot be started.
pub fn launch(state: &mut State) {
    if is_busy(state) {
        state.toasts.push(
            Level::Info,
            "it runs already: stop it first, or restart what is selected",
            state.now,
        );
        return;
    }
    let problems: Vec<_> = state.draft.problems();
    if problems.iter().any(|problem| problem.is_error()) {
        let title = "the session cannot be started";
        let overlay = Overlay::problems(title, &problems, "");
        state.overlays.push(overlay);
        return;
    }
    let draft = &state.draft;
    let session = draft.to_run();
    let mut run = Run::new(&session, state.config.scrollback);
    run.text = session::save(&session, draft.text.as_deref());
    let mut opening = Opening {
        text: run.text.clone(),
        name: draft.name(),
        folder: draft.folder(&state.folder),
        path: draft.path.clone(),
        host_aliases: match &draft.origin {
            Some(origin) => origin.aliases.clone(),
            None => state.aliases.clone(),
        },
        start: true,
        size: SIZE,
        cwd: draft.origin.as_ref().and_then(|origin| origin.cwd.clone()),
    };
    state.run = Some(run);
    state.aside = None;
    state.tab = Tab::Run;
    // Its panes are there before it is.
    settle(state);
    let size = state.run.as_ref().and_then(Run::pane_size);
    opening.size = size.unwrap_or(SIZE);
    state.effect(Effect::Launch(Box::new(opening)));
    state.effect(Effect::Send(ToEngine::SampleEvery(SAMPLE_EVERY)));
    state.effect(Effect::Send(ToEngine::QueuesEvery(QUEUES_EVERY)));
}

/// Does what a key of the run screen means. False: it means nothing here.
pub fn act(state: &mut State, action: Action) -> bool {
    match action {
        Action::Start => start(state),
        Action::Layout | Action::Zoom | Action::NextPage | Action::PreviousPage => {
            return look(state, action);
        }
        _ if state.run.is_none() => return false,
        Action::Stop => stop(state),
        Action::Kill => kill(state),
        Action::Restart => restart(state),
        Action::RestartFailed => restart_failed(state),
        Action::ScaleUp => scale(state, 1),
        Action::ScaleDown => scale(state, -1),
        Action::Mute => mute(state),
        Action::Merged => merge(state),
        Action::Type => begin_typing(state, false),
        Action::TypeAll => begin_typing(state, true),
        Action::Why => why(state),
        Action::FirstFailure => first_failure(state),
        Action::Clear => clear(state),
        Action::SearchNext => hits::step(state, false),
        Action::SearchPrevious => hits::step(state, true),
        Action::Filter => filter(state),
        Action::Alerts => alerts::open(state),
        Action::Follow => follow(state),
        Action::Select => copying::select(state),
        Action::Copy => copying::copy(state),
        Action::Pager => view_with(state, Viewer::Pager),
        Action::Editor => view_with(state, Viewer::Editor),
        Action::SaveTimeline => timeline::ask(state),
        _ => return look(state, action),
    }
    true
}

fn start(state: &mut State) {
    let selected = state.run.as_ref().and_then(Run::selected);
    match selected {
        Some(selected) if is_busy(state) => state.command(Command::Start(selected)),
        _ => launch(state),
    }
}

fn stop(state: &mut State) {
    let Some(run) = &state.run else { return };
    let Some(meant) = run.meant() else { return };
    let live = run.facts.count(Some(&meant)).live;
    if live > 0 || run.is_live() {
        let question = format!("Stop the {live} processes of {meant}?");
        ask_if_many(state, live, question, Command::Stop(meant));
    }
}

fn restart(state: &mut State) {
    let meant = state.run.as_ref().and_then(Run::meant);
    let Some(meant) = meant.filter(|_| state.is_live()) else {
        let text = format!(
            "nothing runs: {} starts the session again",
            state.key_here(Action::Start)
        );
        return state.toasts.push(Level::Info, text, state.now);
    };
    let live = state
        .run
        .as_ref()
        .map_or(0, |run| run.facts.count(Some(&meant)).live);
    let question = format!("Stop the {live} processes of {meant} and start them again?");
    ask_if_many(state, live, question, Command::Restart(meant));
}

/// Ends what is alive only after asking where it is more than one process, unless the user wants that done at once.
fn ask_if_many(state: &mut State, live: u32, question: String, command: Command) {
    if live > 1 && state.config.confirm == Confirm::Always && !state.is_past() {
        let wish = Wish::Do(command);
        state.overlays.push(Overlay::confirm(question, wish));
    } else {
        state.command(command);
    }
}

fn kill(state: &mut State) {
    let Some(run) = &state.run else { return };
    let Some(selected) = run.meant() else {
        return;
    };
    let live = run.facts.count(Some(&selected)).live;
    if live == 0 {
        return;
    }
    let question = match live {
        1 => format!("Kill {selected}, without asking it to end first?"),
        live => {
            format!("Kill the {live} processes of {selected}, without asking them to end first?")
        }
    };
    state
        .overlays
        .push(Overlay::confirm(question, Wish::Kill(selected)));
}

/// Which ranks these are the engine knows best: what is known here may be of a moment ago.
fn restart_failed(state: &mut State) {
    let Some(run) = &state.run else { return };
    let failed = run.facts.selected(None);
    let failed = failed.filter(|(_, rank)| rank.has_failed()).count();
    let text = match failed {
        0 => "no rank has failed".to_owned(),
        _ if !state.is_live() => {
            format!(
                "the run is over: {} starts the session again",
                state.key_here(Action::Start)
            )
        }
        1 => "the failed rank is started again".to_owned(),
        many => format!("{many} failed ranks are started again"),
    };
    state.toasts.push(Level::Info, text, state.now);
    if failed > 0 && state.is_live() {
        state.command(Command::RestartFailed(None));
    }
}

fn scale(state: &mut State, by: i64) {
    let Some(run) = &state.run else { return };
    let Some(selected) = run.selected() else {
        return;
    };
    let (Some(template), true) = (&selected.template, state.is_live()) else {
        let text = "select a template or one of its ranks to change how many there are";
        state.toasts.push(Level::Info, text, state.now);
        return;
    };
    let group = run.facts.groups.get(&selected.group);
    let Some(facts) = group.and_then(|group| group.templates.get(template)) else {
        return;
    };
    let wanted = (i64::from(facts.replicas) + by).clamp(1, i64::from(REPLICAS_MAX));
    let selector = Selector {
        rank: None,
        ..selected
    };
    state.command(Command::Scale(selector, wanted as u32));
}

/// Where all are muted they are opened, else all are muted. In the merged view it is the rank whose line is marked.
fn mute(state: &mut State) {
    let Some(run) = &state.run else { return };
    let Some(meant) = run.meant() else { return };
    let all_muted = run.facts.selected(Some(&meant)).all(|(_, rank)| rank.muted);
    state.command(match all_muted {
        true => Command::Unmute(meant),
        false => Command::Mute(meant),
    });
}

fn merge(state: &mut State) {
    let Some(run) = &mut state.run else { return };
    if run.merged.is_some() {
        return run.leave_merged();
    }
    let Some(selected) = run.selected() else {
        return;
    };
    let of = match selected.rank {
        Some(_) => Selector::group(selected.group),
        None => selected,
    };
    run.merge(of);
}

/// Asks for what lines must match. A pane is a terminal and has no lines: its output is shown as lines then.
fn filter(state: &mut State) {
    let merged = state.run.as_ref().and_then(|run| run.merged.as_ref());
    let filter = merged.and_then(|merged| merged.filter.as_ref());
    let text = filter.map_or(String::new(), ToString::to_string);
    let prompt = Overlay::prompt(For::Filter, &text);
    state.overlays.push(prompt);
}

/// What is shown stands still, or goes on with the newest.
fn follow(state: &mut State) {
    let Some(run) = &mut state.run else { return };
    if let Some(merged) = &mut run.merged {
        merged.pause();
    } else if let Some(pane) = run.current_pane() {
        pane.paused = !pane.paused && pane.screen.offset() == 0;
        pane.screen.scroll_to(0);
    }
}

fn begin_typing(state: &mut State, to_all: bool) {
    let Some(run) = &mut state.run else { return };
    let Some(process) = run.current() else { return };
    if let Err(why) = run.takes_input(&process) {
        state.toasts.push(Level::Info, why, state.now);
        return;
    }
    let mut to = selector_of(&process);
    if to_all {
        to.rank = None;
    }
    let is_selected = run.selected().as_ref().and_then(process_of).as_ref() == Some(&process);
    if !is_selected {
        run.go_to(&process);
    }
    run.leave_merged();
    if let Some(pane) = run.pane(&process) {
        pane.screen.scroll_to(0);
        pane.paused = false;
    }
    run.typing = Some(to);
}

fn why(state: &mut State) {
    let Some(run) = &mut state.run else { return };
    let Some(process) = run.current() else { return };
    run.because = None;
    let lives = run.is_live();
    state.overlays.push(Overlay::Why(process.clone()));
    if lives {
        state.command(Command::Explain(process));
    }
}

fn first_failure(state: &mut State) {
    let Some(run) = &mut state.run else { return };
    match run.facts.first_failure.clone() {
        Some(process) => {
            run.leave_merged();
            run.go_to(&process);
        }
        None => state
            .toasts
            .push(Level::Info, "no rank has failed", state.now),
    }
}

fn clear(state: &mut State) {
    let Some(run) = &mut state.run else { return };
    match &mut run.merged {
        Some(merged) => merged.clear(),
        None => run.clear_current(),
    }
}

/// Shows output in a program of the user's: the log of a rank, or the merged lines where none is marked.
fn view_with(state: &mut State, with: Viewer) {
    let Some(run) = &state.run else { return };
    let merged = run
        .merged
        .as_ref()
        .filter(|merged| merged.marked().is_none());
    let source = match (merged, run.current()) {
        (Some(merged), _) => {
            let lines = merged.shown().filter_map(|(_, line)| {
                let process = line.process.as_ref()?;
                Some(format!("{} | {}\n", run.session.label(process), line.text))
            });
            Some(Source::Lines(lines.collect()))
        }
        (None, Some(process)) => run.log(&process).map(Source::Log),
        (None, None) => None,
    };
    match source {
        Some(source) => state.effect(Effect::Prepare { source, with }),
        None => state
            .toasts
            .push(Level::Info, "there is no log yet", state.now),
    }
}

/// Moving about.
fn look(state: &mut State, action: Action) -> bool {
    let height = isize::try_from(state.area.height / 2).unwrap_or(1).max(1);
    let inside = usize::from(state.places.panes.height.saturating_sub(2)).max(1);
    let Some(run) = &mut state.run else {
        return false;
    };
    if run.merged.is_some() {
        return look_at_lines(run, action, inside);
    }
    if run.selection.is_some() {
        return copying::extend(run, action, height);
    }
    if run.focus == Focus::Pane && scroll(run, action, height) {
        return true;
    }
    let facts = &run.facts;
    match action {
        Action::Up => run.tree.step(facts, -1),
        Action::Down => run.tree.step(facts, 1),
        Action::PageUp => run.tree.step(facts, -height),
        Action::PageDown => run.tree.step(facts, height),
        Action::Home => run.tree.step(facts, isize::MIN / 2),
        Action::End => run.tree.step(facts, isize::MAX / 2),
        Action::Left => run.tree.left(facts),
        Action::Right => run.tree.right(facts),
        Action::Collapse => run.tree.turn_all(facts),
        Action::NextFocus | Action::PrevFocus | Action::Enter => {
            run.focus = match run.focus {
                Focus::Tree => Focus::Pane,
                Focus::Pane => Focus::Tree,
            };
        }
        Action::Back if run.zoom => run.zoom = false,
        Action::Back => run.focus = Focus::Tree,
        Action::Zoom => run.zoom = !run.zoom,
        Action::Layout => {
            run.layout = run.layout.next();
            let text = format!("panes: {}", run.layout.name());
            state.toasts.push(Level::Info, text, state.now);
        }
        Action::NextPage => turn_page(run, 1),
        Action::PreviousPage => turn_page(run, -1),
        _ => return false,
    }
    if let Some(process) = run.tree.selected(&run.facts).as_ref().and_then(process_of) {
        run.facts.seen(&process);
    }
    true
}

/// Moving about in the merged lines.
fn look_at_lines(run: &mut Run, action: Action, height: usize) -> bool {
    let marked = run.current();
    let Some(merged) = &mut run.merged else {
        return false;
    };
    let page = isize::try_from(height).unwrap_or(1);
    match action {
        Action::Up => merged.step(-1, height),
        Action::Down => merged.step(1, height),
        Action::PageUp => merged.wheel(-page, height),
        Action::PageDown => merged.wheel(page, height),
        Action::Home => merged.oldest(height),
        Action::End => merged.newest(),
        Action::Left => merged.sideways(-1),
        Action::Right => merged.sideways(1),
        Action::Collapse => merged.turn_alike(),
        Action::Back if merged.unselect() => {}
        Action::Back => run.leave_merged(),
        Action::Enter => {
            let is_marked = !merged.is_following();
            run.leave_merged();
            if let (Some(process), true) = (marked, is_marked) {
                run.go_to(&process);
                run.focus = Focus::Pane;
            }
        }
        _ => return false,
    }
    true
}

fn scroll(run: &mut Run, action: Action, height: isize) -> bool {
    let neighbour = match action {
        Action::Left => Some(-1),
        Action::Right => Some(1),
        _ => None,
    };
    if let Some(by) = neighbour {
        step_pane(run, by);
        return true;
    }
    let Some(pane) = run.current_pane() else {
        return false;
    };
    let offset = pane.screen.offset() as isize;
    let to = match action {
        Action::Up => offset + 1,
        Action::Down => offset - 1,
        Action::PageUp => offset + height,
        Action::PageDown => offset - height,
        Action::Home => isize::MAX,
        Action::End => 0,
        _ => return false,
    };
    let history = pane.screen.history();
    pane.screen
        .scroll_to(to.clamp(0, history as isize) as usize);
    true
}

/// To the rank before or after the current one.
pub fn step_pane(run: &mut Run, by: isize) {
    let Some(current) = run.current() else { return };
    let scope = Selector::group(current.group.clone());
    let all: Vec<ProcessId> = run
        .facts
        .selected(Some(&scope))
        .map(|(process, _)| process)
        .collect();
    let at = all.iter().position(|process| *process == current);
    let to = at.unwrap_or(0).saturating_add_signed(by);
    if let Some(process) = all.get(to.min(all.len().saturating_sub(1))) {
        let process = process.clone();
        run.go_to(&process);
    }
}

fn turn_page(run: &mut Run, by: isize) {
    let each = run.panes.len().max(1) as isize;
    let on_rank = run.selected().is_some_and(|s| process_of(&s).is_some());
    if on_rank {
        step_pane(run, by * each);
    } else {
        run.page = run.page.saturating_add_signed(by).min(run.pages - 1);
    }
}

/// The engine is gone: the run cannot go on.
pub fn lost(state: &mut State, reason: String) {
    if let Some(run) = state.live_run_mut()
        && run.facts.outcome.is_none()
        // The first reason is the cause.
        && !matches!(run.link, Link::Gone(_))
    {
        run.typing = None;
        run.link = Link::Gone(reason.clone());
        let text = format!("the engine is gone: {reason}");
        state.toasts.push(Level::Error, text, state.now);
    }
}
