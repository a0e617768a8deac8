//! What lies over the screens as the user meets it, by keys and by mouse.

use std::time::{Duration, Instant};

use crossterm::event::{
    Event as Input, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use ratatui::{Terminal, backend::TestBackend, layout::Rect};

use super::*;
use crate::{
    engine::door::wire::FromEngine,
    model::{document::Session, event::Level},
    tui::{
        compose::pick::Entry,
        config::Config,
        keymap::Key,
        message::{Effect, Msg},
        runs::Ask,
        state::{Draft, State, Tab},
        theme::{Glyphs, Theme},
        update::{settle, update},
        view as screens,
    },
};

const SESSION: &str = r#"Session(version: 1, groups: {"g": ProcessGroup(templates: {
    "a": ProcessTemplate(target: Program("true"), replicas: 2)})})"#;

fn state() -> State {
    let draft = Draft {
        session: Session::parse(SESSION).session,
        ..Draft::empty()
    };
    let mut state = State::new(draft, Config::default(), Glyphs::set(false));
    state.area = Rect::new(0, 0, 120, 40);
    settle(&mut state);
    state
}

/// One that runs.
fn running() -> State {
    let mut state = state();
    press(&mut state, "s");
    let welcome = FromEngine::Welcome {
        run: "1".to_owned(),
        folder: "/nowhere".into(),
        queue_socket: "/nowhere/q".into(),
    };
    update(&mut state, Msg::Engine(Box::new(welcome)), Instant::now());
    settle(&mut state);
    state
}

fn press(state: &mut State, keys: &str) -> Vec<Effect> {
    let mut effects = Vec::new();
    for key in keys.split(' ') {
        let key: Key = key.parse().unwrap();
        let event = KeyEvent::new(key.code(), key.held());
        effects.extend(update(state, Msg::Input(Input::Key(event)), Instant::now()));
    }
    effects
}

fn write(state: &mut State, text: &str) {
    update(
        state,
        Msg::Input(Input::Paste(text.to_owned())),
        Instant::now(),
    );
}

fn resize(state: &mut State, width: u16, height: u16) {
    update(
        state,
        Msg::Input(Input::Resize(width, height)),
        Instant::now(),
    );
}

fn drawn(state: &State) -> String {
    let mut terminal =
        Terminal::new(TestBackend::new(state.area.width, state.area.height)).unwrap();
    let theme = Theme::bare("", Glyphs::set(false));
    terminal
        .draw(|frame| screens::draw(state, &theme, frame))
        .unwrap();
    terminal.backend().to_string()
}

/// Clicks on the first place where this text stands.
fn click(state: &mut State, text: &str) -> Vec<Effect> {
    let shown = drawn(state);
    let (row, line) = (0..)
        .zip(shown.lines())
        .find(|(_, line)| line.contains(text))
        .unwrap_or_else(|| panic!("no {text} in\n{shown}"));
    let before = line.trim_start_matches('"').split(text).next().unwrap();
    let click = MouseEvent {
        kind: MouseEventKind::Down(MouseButton::Left),
        column: before.chars().count() as u16,
        row,
        modifiers: KeyModifiers::NONE,
    };
    update(state, Msg::Input(Input::Mouse(click)), Instant::now())
}

fn deletion() -> Overlay {
    Overlay::confirm("Delete it?", Wish::DeleteRun("x".to_owned()))
}

fn deletes(effects: &[Effect]) -> bool {
    effects.contains(&Effect::Runs(Ask::Delete("x".to_owned())))
}

#[test]
fn the_help_can_be_searched_and_its_view_moves_back_from_its_end_at_the_first_step() {
    let mut state = state();
    resize(&mut state, 80, 20);
    press(&mut state, "2 ?");
    press(&mut state, "end");
    let end = drawn(&state);
    for _ in 0..5 {
        press(&mut state, "down");
    }
    assert_eq!(drawn(&state), end);
    press(&mut state, "up");
    assert_ne!(drawn(&state), end);
    press(&mut state, "/");
    write(&mut state, "scrolled out");
    let found = drawn(&state);
    assert!(
        found.contains("search the output, what has scrolled out too"),
        "{found}"
    );
    assert!(!found.contains("kill at once"), "{found}");
    press(&mut state, "enter esc");
    assert!(
        drawn(&state).contains("stop: ask it to end"),
        "first out of what is looked for"
    );
    press(&mut state, "esc");
    assert!(state.overlays.is_empty());
}

#[test]
fn what_destroys_is_done_by_y_or_after_yes_was_chosen_and_never_by_enter_alone() {
    for (keys, is_done) in [
        ("enter", false),
        ("n", false),
        ("esc", false),
        ("y", true),
        ("right enter", true),
        ("tab enter", true),
        ("left right enter", false),
    ] {
        let mut state = state();
        state.overlays.push(deletion());
        assert_eq!(deletes(&press(&mut state, keys)), is_done, "{keys}");
        assert!(state.overlays.is_empty());
    }
}

#[test]
fn a_question_names_the_keys_that_answer_it_and_can_be_clicked() {
    let text = r#"Config(version: 1, keys: {"confirm": {"yes": "ctrl-y"}})"#;
    let (config, problems) = Config::parse(text);
    assert_eq!(problems.len(), 0, "{problems:?}");
    let mut state = state();
    state.config = config;
    state.overlays.push(deletion());
    assert!(drawn(&state).contains("^Y yes"), "{}", drawn(&state));
    assert!(!deletes(&click(&mut state, "really?")));
    assert!(deletes(&click(&mut state, "yes")));
    state.overlays.push(deletion());
    assert!(!deletes(&click(&mut state, " no ")));
    assert!(state.overlays.is_empty());
}

#[test]
fn a_row_of_a_list_is_chosen_by_a_click() {
    let mut state = state();
    press(&mut state, "ctrl-p");
    write(&mut state, "past r");
    click(&mut state, "past runs");
    assert_eq!((state.tab, state.overlays.len()), (Tab::Runs, 0));
    state.themes = vec![state.theme.clone(), "nord".to_owned()];
    press(&mut state, "t");
    click(&mut state, "nord");
    assert_eq!(
        (state.theme.as_str(), state.overlays.len()),
        ("nord", 1),
        "seen first"
    );
    click(&mut state, "nord");
    assert!(state.overlays.is_empty());
}

#[test]
fn what_was_typed_before_comes_back() {
    let mut state = running();
    for pattern in ["loss", "error"] {
        press(&mut state, "/");
        write(&mut state, pattern);
        press(&mut state, "enter esc");
    }
    let line = |state: &State| match state.overlays.last() {
        Some(Overlay::Prompt { input, .. }) => input.text().to_owned(),
        _ => panic!("no prompt"),
    };
    press(&mut state, "/");
    write(&mut state, "new");
    let mut seen = Vec::new();
    for key in ["up", "up", "up", "down", "down", "down"] {
        press(&mut state, key);
        seen.push(line(&state));
    }
    assert_eq!(seen, ["error", "loss", "loss", "error", "new", "new"]);
    press(&mut state, "ctrl-u l tab");
    assert_eq!(line(&state), "loss");
}

#[test]
fn the_name_of_a_file_is_completed_as_far_as_the_folder_says() {
    let mut state = state();
    press(&mut state, "alt-s ctrl-u");
    write(&mut state, "runs/tr");
    let asked = |effects: Vec<Effect>| {
        let mut asked = effects.into_iter().filter_map(|effect| match effect {
            Effect::List { ticket, path, .. } => Some((ticket, path)),
            _ => None,
        });
        asked.next().unwrap()
    };
    let (ticket, path) = asked(press(&mut state, "tab"));
    assert!(path.ends_with("runs"), "{path:?}");
    let entry = |name: &str, is_folder| Entry {
        name: name.to_owned(),
        is_folder,
    };
    let entries = vec![
        entry("other", true),
        entry("train-1.ron", false),
        entry("train-2.ron", false),
    ];
    let entries = Ok(entries);
    update(&mut state, Msg::Listed { ticket, entries }, Instant::now());
    assert!(drawn(&state).contains("runs/train- "), "{}", drawn(&state));
    let (ticket, _) = asked(press(&mut state, "tab"));
    let entries = Ok(vec![entry("train-é", true), entry("train-è", true)]);
    update(&mut state, Msg::Listed { ticket, entries }, Instant::now());
    assert!(
        drawn(&state).contains("train-é  train-è"),
        "{}",
        drawn(&state)
    );
}

#[test]
fn output_is_not_written_over_a_file_without_a_question() {
    let mut state = running();
    press(&mut state, "S");
    let effects = press(&mut state, "enter");
    let target = PathBuf::from("output.log");
    assert_eq!(effects, [Effect::Look(target.clone())]);
    let free = update(
        &mut state,
        Msg::Looked(target.clone(), false),
        Instant::now(),
    );
    assert!(matches!(free[..], [Effect::CopyFile { .. }]), "{free:?}");
    let taken = update(&mut state, Msg::Looked(target, true), Instant::now());
    assert_eq!(taken, []);
    assert!(drawn(&state).contains("write over it?"));
    state.deaf_until = None;
    let effects = press(&mut state, "y");
    assert!(
        matches!(effects[..], [Effect::CopyFile { .. }]),
        "{effects:?}"
    );
}

#[test]
fn what_opens_by_itself_does_not_take_the_key_that_was_meant_for_something_else() {
    let mut state = state();
    state.now = Instant::now();
    state.open_unasked(deletion());
    assert!(!deletes(&press(&mut state, "y")));
    assert_eq!(state.overlays.len(), 1);
    state.deaf_until = Some(Instant::now() - Duration::from_millis(1));
    assert!(deletes(&press(&mut state, "y")));
}

#[test]
fn a_search_ends_when_nobody_looks_at_it_and_says_how_far_it_is() {
    let mut state = running();
    let run = state.run.as_ref().unwrap();
    let all: Vec<_> = run.facts.selected(None).map(|(it, _)| it).collect();
    for process in all {
        let json = format!(
            r#"{{"at":0.2,"event":"process_started","process":"{process}","incarnation":0,"pid":7,"host":"localhost","cpus":[],"gpus":null,"channel":"pty"}}"#
        );
        let event = FromEngine::Event(serde_json::from_str(&json).unwrap());
        update(&mut state, Msg::Engine(Box::new(event)), Instant::now());
    }
    press(&mut state, "/");
    write(&mut state, "x");
    let effects = press(&mut state, "enter");
    let Some(Effect::SearchLogs { ticket, logs, .. }) = effects
        .into_iter()
        .find(|effect| matches!(effect, Effect::SearchLogs { .. }))
    else {
        panic!("nothing is searched");
    };
    assert_eq!(logs.len(), 2);
    update(
        &mut state,
        Msg::Searched { ticket, logs: 1 },
        Instant::now(),
    );
    assert!(
        drawn(&state).contains("1 of 2 logs searched"),
        "{}",
        drawn(&state)
    );
    assert!(press(&mut state, "esc").contains(&Effect::StopSearch));
}

#[test]
fn what_the_screens_said_can_be_read_again() {
    let mut state = state();
    let text = "the session cannot be written: there is no such folder on this machine".to_owned();
    update(&mut state, Msg::Written(Err(text)), Instant::now());
    for number in 0..60 {
        state
            .toasts
            .push(Level::Info, format!("number {number}"), state.now);
    }
    state
        .toasts
        .expire(Instant::now() + Duration::from_secs(60));
    press(&mut state, "ctrl-n");
    assert!(drawn(&state).contains("number 59"), "{}", drawn(&state));
    press(&mut state, "home");
    assert!(
        drawn(&state).contains("no such folder on this machine"),
        "{}",
        drawn(&state)
    );
}

#[test]
fn what_lies_over_the_screens_looks_as_it_did() {
    let mut state = running();
    let look = |state: &mut State, name: &str| {
        for (width, height) in [(120, 40), (80, 24)] {
            resize(state, width, height);
            insta::assert_snapshot!(format!("{name}_{width}"), drawn(state));
        }
        state.overlays.clear();
    };
    press(&mut state, "?");
    look(&mut state, "help");
    press(&mut state, "ctrl-p");
    write(&mut state, "sto");
    look(&mut state, "palette");
    let question = "2 processes run. Stop them and leave? Changes of the session are not saved.";
    state
        .overlays
        .push(Overlay::confirm(question, Wish::StopAndQuit));
    look(&mut state, "confirm");
}
