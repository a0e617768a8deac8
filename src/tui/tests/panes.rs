//! What panes show and what programs in them are told, by keys and the mouse.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::*;
use crate::{engine::door::Chunk, model::ids::ProcessId, tui::update::refused};

/// Sizes that the engine is told, as `process rows columns`.
fn sizes(effects: &[Effect]) -> Vec<String> {
    let told = effects.iter().filter_map(|effect| match effect {
        Effect::Send(ToEngine::Command(Command::Resize(process, rows, cols))) => {
            Some(format!("{process} {rows} {cols}"))
        }
        _ => None,
    });
    told.collect()
}

/// What is typed into processes, as `selector text`.
fn typed(effects: &[Effect]) -> Vec<String> {
    let sent = commands(effects)
        .into_iter()
        .filter_map(|command| match command {
            Command::Send(to, bytes) => Some(format!(
                "{to} {}",
                String::from_utf8_lossy(&bytes).escape_debug()
            )),
            _ => None,
        });
    sent.collect()
}

fn output(state: &mut State, process: &str, bytes: &str) {
    let process: ProcessId = process.parse().unwrap();
    let run = state.run.as_mut().unwrap();
    run.loaded(&process, 0, Vec::new(), None, Instant::now());
    let chunk = Chunk {
        process: process.into(),
        incarnation: Default::default(),
        stream: 0,
        offset: 0,
        gap: 0,
        bytes: bytes.as_bytes().to_vec(),
    };
    let chunk = FromEngine::Chunk(chunk);
    update(state, Msg::Engine(Box::new(chunk)), Instant::now());
    settle(state);
    let until = Instant::now() + Duration::from_secs(9);
    state.run.as_mut().unwrap().parse(until, &mut Vec::new());
}

fn mouse(
    state: &mut State,
    kind: MouseEventKind,
    process: &str,
    row: u16,
    col: u16,
) -> Vec<Effect> {
    let process: ProcessId = process.parse().unwrap();
    let run = state.run.as_ref().unwrap();
    let mut panes = run.panes.iter();
    let (_, tile) = panes.find(|(pane, _)| pane.process == process).unwrap();
    let event = MouseEvent {
        kind,
        column: tile.x + 1 + col,
        row: tile.y + 1 + row,
        modifiers: KeyModifiers::NONE,
    };
    update(state, Msg::Input(Input::Mouse(event)), Instant::now())
}

#[test]
fn an_engine_is_asked_for_with_the_size_of_the_panes_that_there_will_be() {
    let mut state = state(SESSION);
    let effects = press(&mut state, "s");
    let size = effects.iter().find_map(|effect| match effect {
        Effect::Launch(opening) => Some(opening.size),
        _ => None,
    });
    let pane = state.run.as_ref().unwrap().panes[0].0.screen.size();
    assert_eq!(size, Some((pane.rows, pane.cols)));
    assert_ne!((pane.rows, pane.cols), (40, 120));
}

#[test]
fn a_program_is_told_the_size_of_its_pane_once_and_again_in_its_next_life_or_when_that_was_refused()
{
    let mut state = running();
    // From rank to rank the panes stay.
    press(&mut state, "j");
    press(&mut state, "j");
    let run = state.run.as_mut().unwrap();
    let told = run.panes.iter().all(|(pane, _)| pane.told.is_some());
    assert!(told, "before or after it begins");
    assert_eq!(sizes(&press(&mut state, "j")), [""; 0]);
    let input = Input::Resize(118, 40);
    let wider = sizes(&update(&mut state, Msg::Input(input), Instant::now()));
    assert_eq!(
        wider.len(),
        state.run.as_ref().unwrap().panes.len(),
        "{wider:?}"
    );
    let message: ToEngine = ToEngine::Command(Command::Resize("g/loud.0".parse().unwrap(), 1, 1));
    refused(&mut state, &message, "busy".to_owned(), Instant::now());
    let again = sizes(&press(&mut state, "k"));
    assert_eq!(again.len(), 1, "{again:?}");
    assert!(wider.contains(&again[0]), "{again:?}");
    let started = r#"{"at":2.0,"event":"process_started","process":"g/loud.1","incarnation":1,"pid":8,"host":"localhost","cpus":[],"gpus":null,"channel":"pty"}"#;
    let message = FromEngine::Event(serde_json::from_str(started).unwrap());
    update(&mut state, Msg::Engine(Box::new(message)), Instant::now());
    let next = sizes(&press(&mut state, "j"));
    assert!(next[0].starts_with("g/loud.1 "), "{next:?}");
}

#[test]
fn panes_that_were_not_watched_because_the_engine_was_busy_are_asked_for_again() {
    let mut state = running();
    // From rank to rank the panes stay.
    press(&mut state, "j");
    press(&mut state, "j");
    let watches = |effects: &[Effect]| {
        let mut effects = effects.iter();
        effects.any(|effect| matches!(effect, Effect::Send(ToEngine::Watch(_))))
    };
    assert!(!watches(&press(&mut state, "j")));
    let message = ToEngine::Watch(Vec::new());
    refused(&mut state, &message, "busy".to_owned(), Instant::now());
    assert!(watches(&press(&mut state, "k")));
}

/// [`running`] with two ranks that live, the first one typed into.
fn typing() -> State {
    let mut state = running();
    event(
        &mut state,
        r#"{"at":2.0,"event":"process_started","process":"g/loud.1","incarnation":0,"pid":8,"host":"localhost","cpus":[],"gpus":null,"channel":"pty"}"#,
    );
    event(
        &mut state,
        r#"{"at":2.0,"event":"process_changed","process":"g/loud.1","incarnation":0,"state":"running"}"#,
    );
    press(&mut state, "j");
    press(&mut state, "j");
    state
}

#[test]
fn who_clicks_on_another_pane_types_into_that_one_and_one_that_takes_no_input_ends_it() {
    let mut state = typing();
    output(&mut state, "g/loud.1", "\x1b[?1h");
    press(&mut state, "i");
    assert_eq!(typed(&press(&mut state, "up")), [r"g/loud.0 \u{1b}[A"]);
    mouse(
        &mut state,
        MouseEventKind::Down(MouseButton::Left),
        "g/loud.1",
        0,
        0,
    );
    assert_eq!(typed(&press(&mut state, "up")), [r"g/loud.1 \u{1b}OA"]);
    mouse(
        &mut state,
        MouseEventKind::Down(MouseButton::Left),
        "g/loud.2",
        0,
        0,
    );
    assert_eq!(state.context(), Context::Pane, "it was never started");
    assert_eq!(typed(&press(&mut state, "up")), [""; 0]);
}

#[test]
fn a_key_for_all_of_a_template_is_what_each_program_understands() {
    let mut state = typing();
    press(&mut state, "I");
    assert_eq!(typed(&press(&mut state, "up")), [r"g/loud \u{1b}[A"]);
    output(&mut state, "g/loud.1", "\x1b[?1h");
    let each = typed(&press(&mut state, "up"));
    assert_eq!(each, [r"g/loud.0 \u{1b}[A", r"g/loud.1 \u{1b}OA"]);
    assert_eq!(typed(&press(&mut state, "x")), ["g/loud x"]);
    mouse(
        &mut state,
        MouseEventKind::Down(MouseButton::Left),
        "g/loud.1",
        0,
        0,
    );
    assert_eq!(
        typed(&press(&mut state, "x")),
        ["g/loud x"],
        "it is one of them"
    );
}

#[test]
fn typing_ends_with_the_process_that_it_went_to_and_does_not_begin_where_nobody_reads() {
    let mut state = typing();
    press(&mut state, "i");
    event(
        &mut state,
        r#"{"at":3.0,"event":"process_changed","process":"g/loud.0","incarnation":0,"state":"ended"}"#,
    );
    assert_eq!(state.context(), Context::Run);
    assert!(
        drawn(&state).contains("g/loud.0 ended"),
        "{}",
        drawn(&state)
    );
    press(&mut state, "i");
    assert_eq!(state.context(), Context::Run);
    assert!(drawn(&state).contains("nobody reads"), "{}", drawn(&state));
    let piped = SESSION.replace("replicas: 3", "replicas: 3, stdin: DevNull");
    let session = Session::parse(&piped).session;
    let mut state = typing();
    state.run.as_mut().unwrap().session = session;
    press(&mut state, "i");
    assert_eq!(state.context(), Context::Run);
    assert!(
        drawn(&state).contains("stdin is DevNull"),
        "{}",
        drawn(&state)
    );
}

#[test]
fn a_paste_that_no_process_could_take_is_refused_with_its_size() {
    let mut state = typing();
    press(&mut state, "i");
    let paste = |state: &mut State, text: String| {
        update(state, Msg::Input(Input::Paste(text)), Instant::now())
    };
    assert_eq!(
        typed(&paste(&mut state, "two\nlines".to_owned())),
        [r"g/loud.0 two\rlines"]
    );
    assert_eq!(typed(&paste(&mut state, "x".repeat(227_000))), [""; 0]);
    assert!(
        drawn(&state).contains("221 KiB is too long"),
        "{}",
        drawn(&state)
    );
}

#[test]
fn programs_get_the_mouse_that_they_asked_for_in_places_of_their_own_and_the_rest_is_ours() {
    let left = MouseButton::Left;
    let mut state = typing();
    output(&mut state, "g/loud.0", &"line\r\n".repeat(99));
    assert_eq!(
        typed(&mouse(
            &mut state,
            MouseEventKind::ScrollUp,
            "g/loud.0",
            2,
            3
        )),
        [""; 0]
    );
    let offset = |state: &State| state.run.as_ref().unwrap().panes[0].0.screen.offset();
    assert!(offset(&state) > 0, "nobody asked for the wheel");
    mouse(&mut state, MouseEventKind::ScrollDown, "g/loud.0", 2, 3);
    assert_eq!(offset(&state), 0);
    output(&mut state, "g/loud.1", "\x1b[?1049h");
    let arrows = typed(&mouse(
        &mut state,
        MouseEventKind::ScrollDown,
        "g/loud.1",
        2,
        3,
    ));
    assert_eq!(arrows, [r"g/loud.1 \u{1b}[B\u{1b}[B\u{1b}[B"]);
    output(&mut state, "g/loud.1", "\x1b[?1000;1006h");
    let turned = typed(&mouse(
        &mut state,
        MouseEventKind::ScrollUp,
        "g/loud.1",
        2,
        3,
    ));
    assert_eq!(turned, [r"g/loud.1 \u{1b}[<64;4;3M"]);
    let first = mouse(&mut state, MouseEventKind::Down(left), "g/loud.1", 2, 3);
    assert_eq!(typed(&first), [""; 0], "it only selects the pane");
    mouse(&mut state, MouseEventKind::Up(left), "g/loud.1", 2, 3);
    let pressed = typed(&mouse(
        &mut state,
        MouseEventKind::Down(left),
        "g/loud.1",
        2,
        3,
    ));
    assert_eq!(pressed, [r"g/loud.1 \u{1b}[<0;4;3M"]);
    // The release is that of the press, wherever the mouse went.
    let released = typed(&mouse(
        &mut state,
        MouseEventKind::Up(left),
        "g/loud.0",
        0,
        5,
    ));
    assert_eq!(released, [r"g/loud.1 \u{1b}[<0;6;1m"]);
}

#[test]
fn a_program_that_asked_for_it_is_told_when_it_is_typed_into() {
    let mut state = typing();
    output(&mut state, "g/loud.0", "\x1b[?1004h");
    assert_eq!(typed(&press(&mut state, "i")), [r"g/loud.0 \u{1b}[I"]);
    assert_eq!(typed(&press(&mut state, "ctrl-]")), [r"g/loud.0 \u{1b}[O"]);
}

#[test]
fn a_pane_comes_back_as_it_was_left_and_cleared_if_it_was_cleared() {
    let mut state = typing();
    let line = |state: &State, process: &str| {
        let run = state.run.as_ref().unwrap();
        let mut panes = run.panes.iter();
        let (pane, _) = panes.find(|(pane, _)| pane.process.to_string() == process)?;
        Some(pane.screen.line_text(0))
    };
    output(&mut state, "g/loud.0", "one");
    output(&mut state, "g/loud.1", "\x1b[?1htwo");
    press(&mut state, "z");
    assert_eq!(line(&state, "g/loud.1"), None);
    press(&mut state, "c");
    press(&mut state, "z");
    assert_eq!(line(&state, "g/loud.0").unwrap(), "");
    assert_eq!(line(&state, "g/loud.1").unwrap(), "two");
    // Even when there was no room to keep it: its log is read from there on.
    let run = state.run.as_mut().unwrap();
    run.panes.clear();
    run.parked.clear();
    let effects = press(&mut state, "k");
    let from = effects.iter().find_map(|effect| match effect {
        Effect::ReadTail { process, from, .. } if process.rank == 0 => Some(*from),
        _ => None,
    });
    assert_eq!(from, Some(3));
}

#[test]
fn who_cannot_wait_for_the_end_may_kill_what_is_left_and_then_leave() {
    let mut state = running();
    press(&mut state, "q");
    press(&mut state, "y");
    assert_eq!(press(&mut state, "q"), []);
    assert!(drawn(&state).contains("Kill the rest"), "{}", drawn(&state));
    assert_eq!(commands(&press(&mut state, "y")), [Command::Abort]);
    assert!(press(&mut state, "q").contains(&Effect::Quit));
}

#[test]
fn a_terminal_of_another_size_than_the_one_told_of_shows_what_fits() {
    let state = running();
    let theme = Theme::bare("", Glyphs::set(false));
    for (width, height) in [(60, 20), (200, 60), (1, 1)] {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal
            .draw(|frame| view::draw(&state, &theme, frame))
            .unwrap();
        let seen = terminal.backend().to_string();
        assert!(width == 1 || seen.contains("dragon-tui"), "{seen}");
    }
}

#[test]
fn a_picture_is_not_drawn_in_the_middle_of_an_update_and_not_waited_for_for_ever() {
    let mut state = typing();
    let torn = |state: &State, now| state.run.as_ref().unwrap().torn_until(now);
    output(&mut state, "g/loud.0", "\x1b[?2026hhalf");
    let now = Instant::now();
    let until = torn(&state, now).unwrap();
    assert!(until <= now + Duration::from_millis(50));
    assert_eq!(torn(&state, until), None);
    output(&mut state, "g/loud.0", " whole\x1b[?2026l");
    assert_eq!(torn(&state, now), None);
}

#[test]
fn a_program_that_asks_for_the_colours_is_told_those_of_the_theme() {
    let mut state = typing();
    state.colours = Theme::default().colours();
    settle(&mut state);
    let run = state.run.as_mut().unwrap();
    let process = "g/loud.0".parse().unwrap();
    run.loaded(&process, 0, Vec::new(), None, Instant::now());
    let pane = run.pane(&process).unwrap();
    pane.live(Default::default(), 0, 0, 0, b"\x1b]11;?\x07".to_vec());
    let mut effects = Vec::new();
    run.parse(Instant::now() + Duration::from_secs(9), &mut effects);
    let answers = typed(&effects);
    assert!(answers[0].contains("]11;rgb:"), "{answers:?}");
}
