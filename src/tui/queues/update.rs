//! What keys do on the queues screen.
//!
//! Start at [`act`]; [`settle`] keeps what is looked at in step with what is known.

use ratatui::layout::Position;

use super::{Part, Peeked, flow, item::HEAD, view, why};
use crate::{
    engine::door::{
        PeekedItem,
        wire::{Deed, ToEngine},
    },
    model::event::Level,
    tui::{
        keymap::Action,
        message::Effect,
        overlay::{self, For, Overlay, Wish},
        state::{State, Tab},
        theme::Theme,
    },
};

/// Items that a peek asks for.
const ITEMS: usize = 200;

/// Does what a key means here. False: nothing.
pub fn act(state: &mut State, action: Action) -> bool {
    let Some(run) = &mut state.run else {
        return false;
    };
    let look = &mut run.look;
    match action {
        Action::Flow => {
            look.is_flow = !look.is_flow;
            look.scroll = 0;
            return true;
        }
        Action::Search => {
            let filter = look.filter.clone();
            state.overlays.push(Overlay::prompt(For::Narrow, &filter));
            return true;
        }
        Action::Back if look.is_flow => {
            look.is_flow = false;
            return true;
        }
        Action::Back if look.part == Part::Items => {
            look.part = Part::Table;
            return true;
        }
        Action::Back if look.peeked.is_some() => {
            look.leave_items();
            return true;
        }
        Action::Back if !look.filter.is_empty() => {
            look.filter.clear();
            return true;
        }
        _ => {}
    }
    if look.is_flow && scroll_flow(state, action) {
        return true;
    }
    let Some(run) = &mut state.run else {
        return false;
    };
    match action {
        Action::NextFocus | Action::PrevFocus => {
            run.look.part = match run.look.part {
                Part::Table => Part::Items,
                Part::Items => Part::Table,
            };
        }
        Action::Left => run.look.part = Part::Table,
        Action::Right => run.look.part = Part::Items,
        Action::Peek | Action::Enter | Action::Purge | Action::Put | Action::Why => {
            on_queue(state, action);
        }
        _ => {
            return match run.look.part {
                Part::Table => in_table(state, action),
                Part::Items => in_items(state, action),
            };
        }
    }
    true
}

/// How far a key moves in something of so many rows, of which so many are seen.
fn step(action: Action, height: usize) -> Option<isize> {
    let page = isize::try_from(height.saturating_sub(1).max(1)).unwrap_or(1);
    Some(match action {
        Action::Up => -1,
        Action::Down => 1,
        Action::PageUp => -page,
        Action::PageDown => page,
        Action::Home => isize::MIN / 2,
        Action::End => isize::MAX / 2,
        _ => return None,
    })
}

/// The parts of the screen as they are drawn.
fn areas(state: &State) -> view::Areas {
    let theme = Theme::bare("", state.glyphs);
    let body = state.places.body;
    match &state.run {
        Some(run) => view::areas(&run.look, &run.queues, &theme, body),
        None => view::Areas::default(),
    }
}

fn scroll_flow(state: &mut State, action: Action) -> bool {
    let theme = Theme::bare("", state.glyphs);
    let body = state.places.body;
    let Some(run) = &mut state.run else {
        return false;
    };
    let height = usize::from(body.height.saturating_sub(2));
    let Some(by) = step(action, height) else {
        return false;
    };
    let width = body.width.saturating_sub(2);
    let lines = flow::view::height(&run.look.flow.1, width, &theme);
    let last = lines.saturating_sub(height);
    run.look.scroll = run.look.scroll.saturating_add_signed(by).min(last);
    true
}

fn in_table(state: &mut State, action: Action) -> bool {
    let height = view::table_rows(areas(state).table).height;
    let Some(run) = &mut state.run else {
        return false;
    };
    let Some(by) = step(action, usize::from(height)) else {
        return false;
    };
    let shown = run.look.shown(&run.queues);
    let at = run.look.current(&run.queues).map_or(0, |(at, _)| at);
    let to = at
        .saturating_add_signed(by)
        .min(shown.len().saturating_sub(1));
    if let Some(queue) = shown.get(to) {
        let name = queue.sample.name.clone();
        select(state, name);
    }
    true
}

/// Another queue is selected: where items were looked at, its own are.
fn select(state: &mut State, name: String) {
    let Some(run) = &mut state.run else { return };
    if run.look.selected.as_ref() == Some(&name) {
        return;
    }
    let peeks = run.look.peeked.is_some() && run.is_live();
    run.look.selected = Some(name.clone());
    run.look.leave_items();
    if peeks {
        peek(state, name, 0);
    }
}

fn in_items(state: &mut State, action: Action) -> bool {
    let height = usize::from(areas(state).items.height.saturating_sub(2));
    let Some(run) = &mut state.run else {
        return false;
    };
    let Some(by) = step(action, height) else {
        return false;
    };
    let last = run.look.depth().saturating_sub(height);
    let first = run.look.first.saturating_add_signed(by).min(last);
    run.look.first = first;
    let Some(peeked) = &run.look.peeked else {
        return true;
    };
    let known = peeked.from..peeked.from + peeked.items.len();
    let wanted = first..(first + height).min(peeked.depth);
    let is_known = known.start <= wanted.start && wanted.end <= known.end;
    if !is_known && run.is_live() {
        let queue = peeked.queue.clone();
        // Some before and some behind, whichever way it goes on.
        peek(state, queue, first.saturating_sub(ITEMS / 2));
    }
    true
}

fn peek(state: &mut State, queue: String, from: usize) {
    state.effect(Effect::Send(ToEngine::Peek {
        queue,
        from,
        count: ITEMS,
        head: HEAD,
    }));
}

fn on_queue(state: &mut State, action: Action) {
    let Some(run) = &state.run else { return };
    let Some(queue) = run.look.queue(&run.queues) else {
        return;
    };
    let (name, depth) = (queue.sample.name.clone(), queue.sample.depth);
    if action == Action::Why {
        let lines = why::lines(run, queue, state.glyphs);
        let title = format!("who waits at {name}, and why");
        overlay::update::tell(state, title, lines);
        return;
    }
    if !run.is_live() {
        let text = "the run is over: its queues are gone";
        state.toasts.push(Level::Info, text, state.now);
        return;
    }
    match action {
        Action::Purge => {
            let what = match depth {
                1 => "the item that is".to_owned(),
                depth => format!("all that is ({depth} items now)"),
            };
            let question = format!("Throw away {what} in {name}?");
            let wish = Wish::Purge(name);
            state.overlays.push(Overlay::confirm(question, wish));
        }
        Action::Put => state.overlays.push(Overlay::prompt(For::Put(name), "")),
        _ => {
            let first = run.look.first;
            peek(state, name, first.saturating_sub(ITEMS / 2));
        }
    }
}

/// Puts an item into a queue.
pub fn put(state: &mut State, queue: String, bytes: Vec<u8>) {
    begin(state, Deed::Put, queue.clone());
    state.effect(Effect::Send(ToEngine::Put { queue, bytes }));
}

/// Throws away what is in a queue.
pub fn purge(state: &mut State, queue: String) {
    begin(state, Deed::Purge, queue.clone());
    state.effect(Effect::Send(ToEngine::Purge { queue }));
}

fn begin(state: &mut State, what: Deed, queue: String) {
    if let Some(run) = &mut state.run {
        run.look.under_way = Some((what, queue));
    }
}

/// Shows only queues with this in their name; empty: all.
pub fn narrow(state: &mut State, filter: &str) {
    if let Some(run) = &mut state.run {
        filter.clone_into(&mut run.look.filter);
        run.look.hold(&run.queues);
    }
}

/// Items came that were asked for.
pub fn peeked(state: &mut State, queue: String, from: usize, items: Vec<PeekedItem>) {
    let now = state.now;
    let Some(run) = &mut state.run else { return };
    // Another one was selected meanwhile.
    let Some(known) = run.look.queue(&run.queues) else {
        return;
    };
    if known.sample.name != queue {
        return;
    }
    let seen = from + items.len();
    let depth = match items.len() < ITEMS && (from == 0 || !items.is_empty()) {
        true => seen,
        false => seen.max(known.sample.depth as usize),
    };
    let is_new = run
        .look
        .peeked
        .as_ref()
        .is_none_or(|peeked| peeked.queue != queue);
    if is_new {
        run.look.first = 0;
    }
    // There are fewer by now.
    run.look.first = run.look.first.min(depth.saturating_sub(1));
    run.look.peeked = Some(Peeked {
        queue,
        from,
        items,
        depth,
        at: run.seconds(now),
    });
}

/// Something was done at a queue, or could not be.
pub fn done(state: &mut State, what: Deed, queue: String, failed: bool, text: &str) {
    let level = if failed { Level::Warning } else { Level::Info };
    let (now, is_past) = (state.now, state.is_past());
    state.toasts.push(level, format!("{queue}: {text}"), now);
    let Some(run) = state.live_run_mut() else {
        return;
    };
    if run.look.under_way == Some((what, queue.clone())) {
        run.look.under_way = None;
    }
    // What was looked at is not there any more, or not all that is.
    let is_looked_at = run.look.peeked.as_ref().is_some_and(|it| it.queue == queue);
    if is_looked_at && !failed && what != Deed::Peek && !is_past {
        if what == Deed::Purge {
            run.look.first = 0;
        }
        let from = run.look.first.saturating_sub(ITEMS / 2);
        peek(state, queue, from);
    }
}

/// A wish about a queue did not get as far as the engine.
pub fn refused(state: &mut State, message: &ToEngine) {
    let queue = match message {
        ToEngine::Put { queue, .. } | ToEngine::Purge { queue } => queue,
        _ => return,
    };
    if let Some(run) = state.live_run_mut()
        && run
            .look
            .under_way
            .as_ref()
            .is_some_and(|(_, of)| of == queue)
    {
        run.look.under_way = None;
    }
}

/// A click selects a queue, one on the items goes there.
pub fn clicked(state: &mut State, at: Position) {
    let areas = areas(state);
    let rows = view::table_rows(areas.table);
    let Some(run) = &mut state.run else { return };
    if areas.items.contains(at) {
        run.look.part = Part::Items;
    } else if rows.contains(at) {
        run.look.part = Part::Table;
        let shown = run.look.shown(&run.queues);
        let selected = run.look.current(&run.queues).map_or(0, |(at, _)| at);
        let first = view::first_row(selected, shown.len(), rows.height);
        let name = shown
            .get(first + usize::from(at.y - rows.y))
            .map(|queue| queue.sample.name.clone());
        if let Some(name) = name {
            select(state, name);
        }
    }
}

/// Keeps in step what is looked at with what is known.
pub fn settle(state: &mut State) {
    let now = state.now;
    if let Some(run) = state.live_run_mut() {
        match run.is_live() {
            true => {
                let seconds = run.seconds(now);
                run.queues.rest(seconds);
            }
            false => {
                run.queues.still();
                run.look.under_way = None;
            }
        }
    }
    let is_shown = state.tab == Tab::Queues;
    let Some(run) = &mut state.run else { return };
    run.look.hold(&run.queues);
    let is_stale = run.look.flow.0 != run.queues.version || run.past.is_some();
    if is_shown && is_stale {
        run.look.flow = (run.queues.version, flow::rows(&run.queues));
    }
}
