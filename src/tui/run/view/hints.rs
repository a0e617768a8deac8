//! The last line of the run screen: what makes sense as it stands now.

use crate::tui::{
    keymap::{Action, Context, Hint},
    run::update::is_busy,
    state::State,
};

/// The keys to name; absent: those of the table.
pub fn hints(state: &State) -> Option<Vec<Hint>> {
    let context = state.context();
    if !state.overlays.is_empty()
        || !matches!(context, Context::Run | Context::Pane | Context::Merged)
    {
        return None;
    }
    let run = state.run.as_ref();
    let merged = run.and_then(|run| run.merged.as_ref());
    let is_past = state.is_past();
    let mut wanted: Vec<(Action, &'static str)> = Vec::new();
    if run.is_some_and(|run| run.selection.is_some())
        || merged.is_some_and(|merged| merged.selected().is_some())
    {
        wanted = vec![
            (Action::Up, "more above"),
            (Action::Down, "more below"),
            (Action::Copy, "copy"),
            (Action::Back, "leave"),
        ];
        return Some(named(state, context, wanted));
    }
    let failed = run.map_or(0, |run| run.facts.count(None).failed);
    match run {
        None => wanted.push((Action::Start, "start")),
        Some(_) if is_past => {}
        Some(_) if is_busy(state) => wanted.push((Action::Stop, "stop")),
        Some(_) => {
            wanted.push((Action::Start, "start again"));
            wanted.push((Action::Restart, "restart"));
        }
    }
    if failed > 0 {
        wanted.push((Action::FirstFailure, "first failure"));
        if !is_past {
            wanted.push((Action::RestartFailed, "restart failed"));
        }
    }
    if run.is_some_and(|run| run.search.is_some()) {
        wanted.push((Action::SearchNext, "next hit"));
        wanted.push((Action::SearchPrevious, "hit before"));
    }
    match (run, merged) {
        (None, _) => {}
        (_, Some(merged)) => {
            if merged.part.is_none() {
                wanted.push((Action::Mute, "mute"));
                wanted.push((Action::Filter, "filter"));
                wanted.push((Action::Follow, "hold"));
            }
            wanted.push((Action::Search, "search"));
            wanted.push((Action::Copy, "copy"));
            wanted.push((Action::Back, "back"));
        }
        _ => {
            if is_busy(state) && !is_past {
                wanted.push((Action::Mute, "mute"));
                wanted.push((Action::Type, "type"));
            }
            wanted.push((Action::Zoom, "zoom"));
            wanted.push((Action::Merged, "all-in-one"));
            wanted.push((Action::Search, "search"));
            wanted.push((Action::Why, "why"));
        }
    }
    Some(named(state, context, wanted))
}

fn named(state: &State, context: Context, wanted: Vec<(Action, &'static str)>) -> Vec<Hint> {
    let help = (Action::Help, "help");
    let hints = wanted.into_iter().chain([help]);
    hints
        .filter_map(|(action, words)| {
            let keys = state.config.keymap.keys(context, action);
            let keys: Vec<_> = keys.into_iter().take(1).collect();
            (!keys.is_empty()).then_some(Hint { keys, words })
        })
        .collect()
}
