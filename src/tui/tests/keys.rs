//! Every key that the help names does something, on a screen where it makes sense.

use super::*;
use crate::{
    engine::door::{Chunk, QueueSample},
    model::{event::Level, ids::Incarnation},
    tui::{
        message::{Found, Hit, LogRead},
        overlay::{For, Overlay, Wish},
        runs::{
            Answer,
            tests::{Place, listed, look_at},
        },
    },
};

/// Rows that do nothing yet, and why. Everything else must do something.
const EXCEPTIONS: &[(Context, Action)] = &[
    // The queues and hosts screens get these now.
    (Context::Queues, Action::Why),
    (Context::Queues, Action::Search),
    (Context::Queues, Action::PageUp),
    (Context::Queues, Action::PageDown),
    (Context::Queues, Action::Left),
    (Context::Queues, Action::Right),
    (Context::Hosts, Action::Enter),
    (Context::Hosts, Action::Why),
    (Context::Hosts, Action::NewHost),
    (Context::Hosts, Action::Filter),
    (Context::Hosts, Action::Up),
    (Context::Hosts, Action::Down),
    (Context::Hosts, Action::Left),
    (Context::Hosts, Action::Right),
    (Context::Hosts, Action::PageUp),
    (Context::Hosts, Action::PageDown),
    (Context::Hosts, Action::Home),
    (Context::Hosts, Action::End),
    // The run screen gets these now.
    (Context::Run, Action::SearchNext),
    (Context::Run, Action::SearchPrevious),
    (Context::Pane, Action::SearchNext),
    (Context::Pane, Action::SearchPrevious),
    (Context::Merged, Action::SearchNext),
    (Context::Merged, Action::SearchPrevious),
    (Context::Run, Action::Follow),
    // Nothing is left to go back from, as on every screen at its top.
    (Context::Compose, Action::Back),
    // As enter and the arrows do; left to the composer.
    (Context::Compose, Action::Toggle),
];

/// A state, and the keys that lead to where something is to be done.
type Stage = (fn() -> State, &'static str);

fn keys(state: &mut State, keys: &str) -> Vec<Effect> {
    let keys = keys.split(' ').filter(|key| !key.is_empty());
    keys.flat_map(|key| press(state, key)).collect()
}

fn composed() -> State {
    state(SESSION)
}

fn empty() -> State {
    state("")
}

fn sample(name: &str) -> QueueSample {
    serde_json::from_value(
        serde_json::json!({"name": name, "depth": 3, "bytes": 9, "maxsize": 4, "put": 7, "got": 4,
        "put_bytes": 9, "got_bytes": 9, "getters": 0, "putters": 0, "oldest_ms": 5, "waiting": []}),
    )
    .unwrap()
}

/// A run with output, hits, queues, and a hundred ranks that wait.
fn busy() -> State {
    let mut state = running();
    let queues = FromEngine::Queues(["a", "b", "c"].map(sample).to_vec());
    update(&mut state, Msg::Engine(Box::new(queues)), Instant::now());
    let watching = vec!["g/loud.0".parse().unwrap()];
    let watching = FromEngine::Watching(watching);
    let effects = update(&mut state, Msg::Engine(Box::new(watching)), Instant::now());
    settle(&mut state);
    for effect in effects {
        if let Effect::ReadTail { process, path, .. } = effect {
            let tail = Msg::Tail {
                process,
                path,
                at: 0,
                bytes: Vec::new(),
                until: None,
            };
            update(&mut state, tail, Instant::now());
        }
    }
    output(&mut state);
    state
}

/// Many lines of the first rank.
fn output(state: &mut State) {
    let lines: String = (0..300).map(|line| format!("line {line}\r\n")).collect();
    let chunk = Chunk {
        process: std::sync::Arc::new("g/loud.0".parse().unwrap()),
        incarnation: Incarnation(0),
        stream: 0,
        offset: 0,
        gap: 0,
        bytes: lines.into_bytes(),
    };
    let message = FromEngine::Chunk(chunk);
    update(state, Msg::Engine(Box::new(message)), Instant::now());
    settle(state);
    let mut effects = Vec::new();
    let until = Instant::now() + Duration::from_secs(5);
    state.run.as_mut().unwrap().parse(until, &mut effects);
}

/// The lines of all ranks, scrolled up.
fn merged() -> State {
    let mut state = busy();
    let mut effects = keys(&mut state, "a");
    settle(&mut state);
    effects.extend(state.effects.drain(..));
    let run = state.run.as_ref().unwrap();
    let all = run.facts.selected(None).map(|(process, _)| process);
    let watching = FromEngine::Watching(all.collect());
    effects.extend(update(
        &mut state,
        Msg::Engine(Box::new(watching)),
        Instant::now(),
    ));
    // It asks again for what was written while it read.
    while !effects.is_empty() {
        for effect in std::mem::take(&mut effects) {
            let Effect::ReadLogs { number, logs } = effect else {
                continue;
            };
            let read = logs.into_iter().map(|log| LogRead {
                process: log.process,
                path: log.path,
                at: log.from,
                bytes: Vec::new(),
            });
            let logs = read.collect();
            let msg = Msg::Logs { number, logs };
            effects.extend(update(&mut state, msg, Instant::now()));
        }
        settle(&mut state);
        effects.extend(state.effects.drain(..));
    }
    output(&mut state);
    assert!(drawn(&state).contains("line 299"), "{}", drawn(&state));
    keys(&mut state, "pageup pageup");
    state
}

fn past() -> State {
    let place = Place::new();
    let run = place.recorded(crate::tui::runs::tests::SESSION, true);
    let mut state = empty();
    look_at(&mut state, place.opened(run.id()));
    keys(&mut state, ", ,");
    settle(&mut state);
    state
}

fn runs() -> State {
    let place = Place::new();
    place.recorded(crate::tui::runs::tests::SESSION, true);
    let mut state = composed();
    keys(&mut state, "5");
    listed(&mut state, &place);
    let known = state.runs.known.as_mut().unwrap();
    let first = known[0].clone();
    for number in 0..60 {
        let mut run = first.clone();
        run.id = format!("251123-{number:05}");
        known.push(run);
    }
    keys(&mut state, "j j c pagedown");
    state
}

fn filtering() -> State {
    let mut state = runs();
    keys(&mut state, "/ d");
    state
}

fn over(overlay: Overlay) -> State {
    let mut state = busy();
    resize(&mut state, 80, 16);
    state.overlays.push(overlay);
    state
}

fn help() -> State {
    let mut state = over(Overlay::help(Context::Run));
    keys(&mut state, "pagedown");
    state
}

fn finding() -> State {
    let mut state = over(Overlay::help(Context::Run));
    keys(&mut state, "/ pagedown down");
    state
}

fn palette() -> State {
    let mut state = busy();
    keys(&mut state, "ctrl-p pagedown pagedown");
    state
}

fn question() -> State {
    over(Overlay::confirm("Really?", Wish::Quit))
}

fn prompt() -> State {
    let mut state = busy();
    keys(&mut state, "/ x enter esc / y enter esc / up");
    state
}

fn file() -> State {
    over(Overlay::prompt(For::SaveAs, "s"))
}

fn hits() -> State {
    let mut state = busy();
    keys(&mut state, "/ x enter");
    let hit = Hit {
        process: "g/loud.2".parse().unwrap(),
        number: 1,
        offset: 0,
        text: vec!["x".to_owned()],
        at: 0,
    };
    let found = Msg::Found {
        ticket: state.tickets,
        found: Found {
            hits: vec![hit; 100],
            ..Found::default()
        },
    };
    update(&mut state, found, Instant::now());
    keys(&mut state, "pageup pageup");
    state
}

fn notices() -> State {
    let mut state = busy();
    for number in 0..200 {
        state
            .toasts
            .push(Level::Info, number.to_string(), state.now);
    }
    keys(&mut state, "ctrl-n pageup");
    state
}

fn stages(context: Context) -> Vec<Stage> {
    let tree = (busy as fn() -> State, "");
    match context {
        Context::Global => vec![],
        Context::Compose => vec![
            (composed, "1"),
            (composed, "1 j j"),
            (composed, "1 j j +"),
            (composed, "1 j j + u"),
            (composed, "1 end"),
            (composed, "1 j j j"),
            (composed, "1 left"),
            (empty, ""),
        ],
        Context::Form => vec![
            (composed, "1 j j enter"),
            (composed, "1 j j tab"),
            (composed, "1 j j tab j j j"),
            (composed, "1 j j tab +"),
            (composed, "1 j j tab + u"),
            (composed, "1 j j tab end"),
            (composed, "1 j j + tab home j j j j"),
        ],
        Context::Run => vec![
            tree,
            (busy, "j j"),
            (busy, "j"),
            (busy, "j left"),
            (busy, "end"),
            (busy, "z"),
            (busy, "space"),
            (busy, "space space space ]"),
            (busy, "space space space"),
            (composed, "2"),
            (past, ""),
            (past, "<"),
        ],
        Context::Pane => vec![
            (busy, "j j tab"),
            (busy, "j j tab pageup pageup"),
            (busy, "j j z tab"),
            (busy, "j j j tab"),
            (busy, "space space space j j tab"),
            (busy, "space space space j j j tab"),
            (past, "j j tab"),
        ],
        Context::Typing => vec![(busy, "j j i")],
        Context::Merged => vec![(merged, ""), (busy, "j j a"), (past, "a"), (busy, "z a")],
        Context::Queues => vec![
            (busy, "3"),
            (busy, "3 j"),
            (busy, "3 f"),
            (busy, "3 pagedown"),
            (past, "3"),
            (past, "3 <"),
        ],
        Context::Hosts => vec![(busy, "4"), (past, "4"), (past, "4 <")],
        Context::Runs => vec![(runs, ""), (runs, "c"), (runs, "/ d enter"), (compared, "")],
        Context::List => vec![
            (palette, ""),
            (filtering, ""),
            (finding, ""),
            (hits, ""),
            (themes, ""),
        ],
        Context::Prompt => vec![(prompt, ""), (file, "")],
        Context::Confirm => vec![(question, "")],
        Context::Help => vec![(help, ""), (notices, "")],
    }
}

fn themes() -> State {
    let mut state = busy();
    state.themes = (0..30).map(|number| number.to_string()).collect();
    keys(&mut state, "t down");
    state
}

fn compared() -> State {
    let place = Place::new();
    let run = place.recorded(crate::tui::runs::tests::SESSION, true);
    let compared = place.compared(run.id());
    let mut state = runs();
    resize(&mut state, 80, 12);
    let compared = Answer::Compared(Ok(Box::new(compared)));
    update(&mut state, Msg::Runs(compared), Instant::now());
    keys(&mut state, "j");
    state
}

/// Everything that one sees, with its colours, and where the cursor is.
fn picture(state: &State) -> ratatui::buffer::Buffer {
    let (width, height) = (state.area.width, state.area.height);
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let theme = Theme::bare("", Glyphs::set(false));
    terminal
        .draw(|frame| view::draw(state, &theme, frame))
        .unwrap();
    terminal.backend().buffer().clone()
}

/// Whether something is seen or asked for after a key.
fn does_something(stage: &Stage, context: Context, key: &Key) -> bool {
    let (begin, way) = stage;
    let mut state = begin();
    keys(&mut state, way);
    state.deaf_until = None;
    state.toasts = Default::default();
    settle(&mut state);
    state.effects.clear();
    if state.context() != context {
        return false;
    }
    let before = picture(&state);
    let effects = press(&mut state, &key.to_string());
    !effects.is_empty() || state.area != before.area || picture(&state) != before
}

#[test]
fn every_key_that_the_help_names_does_something_where_it_makes_sense() {
    let map = Keymap::default();
    let mut dead = Vec::new();
    let mut works = Vec::new();
    for context in Context::ALL {
        let stages = stages(*context);
        for row in map.help(*context).iter().filter(|row| !row.global) {
            let mut keys = row.keys.iter();
            let lives = match context {
                // On every screen: seen from one of them.
                Context::Global => keys.all(|key| {
                    let from: [Stage; 2] = [(busy, ""), (runs, "")];
                    from.iter().any(|stage| {
                        let context = (stage.0)().context();
                        does_something(stage, context, key)
                    })
                }),
                context => keys.all(|key| {
                    let mut stages = stages.iter();
                    stages.any(|stage| does_something(stage, *context, key))
                }),
            };
            let here = (*context, row.action);
            match EXCEPTIONS.contains(&here) {
                true if lives => works.push(here),
                true => {}
                false if !lives => dead.push(format!("{}: {}", context.name(), row.action.name())),
                false => {}
            }
        }
    }
    assert!(dead.is_empty(), "these do nothing:\n{}", dead.join("\n"));
    // Not held against who made them work: to be taken out of the exceptions.
    eprintln!("exceptions that are none any more: {works:?}");
}
