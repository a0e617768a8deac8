//! What keys do on the queues screen.

use super::item::HEAD;
use crate::{
    engine::door::{PeekedItem, wire::ToEngine},
    model::event::Level,
    tui::{
        keymap::Action,
        message::Effect,
        overlay::{For, Overlay, Wish},
        state::State,
    },
};

/// Items that a peek asks for.
const ITEMS: usize = 100;

/// Does what a key means here. False: nothing.
pub fn act(state: &mut State, action: Action) -> bool {
    let Some(run) = &mut state.run else {
        return false;
    };
    let names: Vec<String> = run.queues.queues.keys().cloned().collect();
    let selected = run
        .look
        .queue(&run.queues)
        .map(|queue| queue.sample.name.clone());
    let at = names
        .iter()
        .position(|name| Some(name) == selected.as_ref())
        .unwrap_or(0);
    let last = names.len().saturating_sub(1);
    let to = match action {
        Action::Flow => {
            run.look.is_flow = !run.look.is_flow;
            return true;
        }
        Action::Back if run.look.is_flow => {
            run.look.is_flow = false;
            return true;
        }
        Action::Up => at.saturating_sub(1),
        Action::Down => (at + 1).min(last),
        Action::Home => 0,
        Action::End => last,
        Action::PageDown => {
            run.look.first += ITEMS / 10;
            return true;
        }
        Action::PageUp => {
            run.look.first = run.look.first.saturating_sub(ITEMS / 10);
            return true;
        }
        Action::Peek | Action::Enter | Action::Purge | Action::Put => {
            if let Some(queue) = selected {
                on_queue(state, action, queue);
            }
            return true;
        }
        _ => return false,
    };
    if to != at {
        run.look.peeked = None;
        run.look.first = 0;
    }
    run.look.selected = names.into_iter().nth(to);
    true
}

fn on_queue(state: &mut State, action: Action, queue: String) {
    if !state.run.as_ref().is_some_and(|run| run.is_live()) {
        let text = "the run is over: its queues are gone";
        state.toasts.push(Level::Info, text, state.now);
        return;
    }
    match action {
        Action::Purge => {
            let question = format!("Throw away everything that is in {queue}?");
            state
                .overlays
                .push(Overlay::confirm(question, Wish::Purge(queue)));
        }
        Action::Put => state.overlays.push(Overlay::prompt(For::Put, "")),
        _ => state.effect(Effect::Send(ToEngine::Peek {
            queue,
            from: 0,
            count: ITEMS,
            head: HEAD,
        })),
    }
}

/// Puts an item into the selected queue.
pub fn put(state: &mut State, bytes: Vec<u8>) {
    let Some(run) = &state.run else { return };
    let queue = run
        .look
        .queue(&run.queues)
        .map(|queue| queue.sample.name.clone());
    if let Some(queue) = queue {
        state.effect(Effect::Send(ToEngine::Put { queue, bytes }));
    }
}

/// Items came that were asked for.
pub fn peeked(state: &mut State, queue: String, from: usize, items: Vec<PeekedItem>) {
    if let Some(run) = &mut state.run
        && from == 0
    {
        run.look.peeked = Some((queue, items));
        run.look.first = 0;
    }
}
