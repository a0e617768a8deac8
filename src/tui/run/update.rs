//! What keys do on the run screen.
//!
//! Changes [`State`] and asks for effects; performs none. Start at [`act`].

use super::{
    Focus, Link, State as Run,
    merged::Merged,
    tree::{process_of, selector_of},
};
use crate::{
    engine::door::wire::{Opening, ToEngine},
    model::{
        event::{Command, Level},
        ids::{ProcessId, Selector},
        template::REPLICAS_MAX,
    },
    tui::{
        keymap::Action,
        message::Effect,
        overlay::{Overlay, Wish},
        state::{State, Tab},
        timeline,
        update::settle,
    },
};

/// Rows and columns of a pty where there is no room for a pane.
const SIZE: (u16, u16) = (40, 120);

/// Milliseconds between samples of cpu and memory, and of the queues.
const SAMPLE_EVERY: u32 = 1_000;
const QUEUES_EVERY: u32 = 250;

/// Whether something of the run that goes on is alive or about to be. When all has ended the engine only waits for wishes,
/// and another one may take its place.
fn is_busy(state: &State) -> bool {
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
    let mut run = Run::new(&draft.session, state.config.scrollback);
    run.text = draft.written();
    let mut opening = Opening {
        text: run.text.clone(),
        name: draft.name(),
        folder: draft.folder(&state.folder),
        path: draft.path.clone(),
        host_aliases: state.aliases.clone(),
        start: true,
        size: SIZE,
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
        Action::Restart => command_on_selected(state, Command::Restart),
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
        Action::Copy => copy(state),
        Action::Pager => pager(state),
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
    let Some(selected) = run.selected() else {
        return;
    };
    if run.facts.count(Some(&selected)).live > 0 || run.is_live() {
        state.command(Command::Stop(selected));
    }
}

fn kill(state: &mut State) {
    let Some(run) = &state.run else { return };
    let Some(selected) = run.selected() else {
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

fn command_on_selected(state: &mut State, command: fn(Selector) -> Command) {
    let selected = state.run.as_ref().and_then(Run::selected);
    if let Some(selected) = selected
        && state.is_live()
    {
        state.command(command(selected));
    } else {
        let text = "nothing runs: s starts the session again";
        state.toasts.push(Level::Info, text, state.now);
    }
}

fn restart_failed(state: &mut State) {
    let Some(run) = &state.run else { return };
    let failed: Vec<Selector> = run
        .facts
        .selected(None)
        .filter(|(_, rank)| rank.has_failed())
        .map(|(process, _)| selector_of(&process))
        .collect();
    if failed.is_empty() || !state.is_live() {
        let text = match failed.is_empty() {
            true => "no rank has failed",
            false => "the run is over: s starts the session again",
        };
        state.toasts.push(Level::Info, text, state.now);
        return;
    }
    // More than the engine takes at once: the rest with the next key.
    const AT_ONCE: usize = 32;
    let now = failed.len().min(AT_ONCE);
    let text = match failed.len() > AT_ONCE {
        true => format!(
            "{now} of {} failed ranks are started again: press it once more for more",
            failed.len()
        ),
        false => format!("{now} failed ranks are started again"),
    };
    state.toasts.push(Level::Info, text, state.now);
    for selector in failed.into_iter().take(AT_ONCE) {
        state.command(Command::Restart(selector));
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

/// Everything that is selected is muted, or opened where all of it is muted already.
fn mute(state: &mut State) {
    let Some(run) = &state.run else { return };
    let selected = match &run.merged {
        Some(merged) => merged.of.clone(),
        None => match run.selected() {
            Some(selected) => selected,
            None => return,
        },
    };
    let all_muted = run
        .facts
        .selected(Some(&selected))
        .all(|(_, rank)| rank.muted);
    state.command(match all_muted {
        true => Command::Unmute(selected),
        false => Command::Mute(selected),
    });
}

fn merge(state: &mut State) {
    let Some(run) = &mut state.run else { return };
    if run.merged.take().is_some() {
        return;
    }
    let Some(selected) = run.selected() else {
        return;
    };
    let of = match selected.rank {
        Some(_) => Selector::group(selected.group),
        None => selected,
    };
    let merged = Merged::new(of);
    // Of the past, the logs are all there is.
    let logs: Vec<Effect> = match run.link {
        Link::Past => merged
            .watched(&run.facts)
            .iter()
            .filter_map(|process| run.read_tail(process))
            .collect(),
        _ => Vec::new(),
    };
    run.merged = Some(merged);
    state.effects.extend(logs);
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
    if run
        .selected()
        .is_some_and(|selected| process_of(&selected).is_none())
    {
        run.go_to(&process);
    }
    run.merged = None;
    if let Some(pane) = run.pane(&process) {
        pane.screen.scroll_to(0);
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
            run.merged = None;
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

/// What the current pane shows.
fn copy(state: &mut State) {
    let Some(run) = &mut state.run else { return };
    let text = if let Some(merged) = &run.merged {
        let lines = merged.shown();
        let lines = lines.map(|line| format!("{} | {}\n", line.process, line.text));
        lines.collect::<String>()
    } else if let Some(pane) = run.current_pane() {
        let rows = i32::from(pane.screen.size().rows);
        let top = -i32::try_from(pane.screen.offset()).unwrap_or(i32::MAX);
        let lines = (0..rows).map(|row| pane.screen.line_text(top + row));
        let lines: Vec<String> = lines.map(|line| line.trim_end().to_owned()).collect();
        lines.join("\n").trim_end().to_owned() + "\n"
    } else {
        return;
    };
    let text_of = format!("{} lines copied", text.lines().count());
    state.toasts.push(Level::Info, text_of, state.now);
    state.effect(Effect::Copy(text));
}

fn pager(state: &mut State) {
    let Some(run) = &state.run else { return };
    let Some(process) = run.current() else { return };
    match run.log(&process) {
        Some(path) if run.facts.rank(&process).is_some() => state.effect(Effect::Page(path)),
        _ => state
            .toasts
            .push(Level::Info, "there is no log yet", state.now),
    }
}

/// Moving about.
fn look(state: &mut State, action: Action) -> bool {
    let height = isize::try_from(state.area.height / 2).unwrap_or(1).max(1);
    let Some(run) = &mut state.run else {
        return false;
    };
    if let Some(merged) = &mut run.merged {
        let by = match action {
            Action::Up => 1,
            Action::Down => -1,
            Action::PageUp => height,
            Action::PageDown => -height,
            Action::Home => isize::MAX,
            Action::End | Action::Follow => isize::MIN,
            Action::Back => {
                run.merged = None;
                return true;
            }
            _ => return false,
        };
        merged.scroll(by, height as usize);
        return true;
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
        Action::Collapse | Action::Toggle => {
            if let Some(selected) = run.tree.selected(facts) {
                run.tree.turn(&selected);
            }
        }
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
        Action::End | Action::Follow => 0,
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
    {
        run.typing = None;
        run.link = Link::Gone(reason.clone());
        let text = format!("the engine is gone: {reason}");
        state.toasts.push(Level::Error, text, state.now);
    }
}
