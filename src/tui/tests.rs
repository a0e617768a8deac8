//! The screens as a whole: drawn into a buffer, by keys, without a terminal and without an engine.

use std::time::{Duration, Instant};

use crossterm::event::{
    Event as Input, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use ratatui::{Terminal, backend::TestBackend, layout::Rect};

mod keys;

use super::{
    config::{Config, Confirm},
    keymap::{Action, Context, Key, Keymap},
    message::{Effect, Found, Hit, LogRead, Msg},
    state::{Draft, State, Tab},
    theme::{Glyphs, Theme},
    update::{perform, settle, update},
    view,
};
use crate::{
    engine::door::wire::{FromEngine, ToEngine},
    model::{
        document::Session,
        event::{Command, Stamped},
        ids::{ProcessId, Selector},
    },
};

mod panes;

const SESSION: &str = r#"Session(version: 1, name: "story", queues: {"numbers": Queue(maxsize: 4)}, groups: {"g": ProcessGroup(templates: {
    "loud": ProcessTemplate(target: Program("yes"), replicas: 3),
    "quiet": ProcessTemplate(target: Program("cat"), stdout: DevNull)})})"#;

fn state(text: &str) -> State {
    let draft = Draft {
        session: Session::parse(text).session,
        ..Draft::empty()
    };
    let mut state = State::new(draft, Config::default(), Glyphs::set(false));
    state.area = Rect::new(0, 0, 120, 40);
    settle(&mut state);
    state
}

fn event(state: &mut State, json: &str) {
    let stamped: Stamped = serde_json::from_str(json).unwrap();
    let message = FromEngine::Event(stamped);
    update(state, Msg::Engine(Box::new(message)), Instant::now());
    settle(state);
}

/// A run of [`SESSION`] that goes on: one rank runs, one has failed.
fn running() -> State {
    let mut state = state(SESSION);
    press(&mut state, "s");
    let welcome = FromEngine::Welcome {
        run: "1".to_owned(),
        folder: "/nowhere".into(),
        queue_socket: "/nowhere/q".into(),
    };
    update(&mut state, Msg::Engine(Box::new(welcome)), Instant::now());
    event(
        &mut state,
        r#"{"at":0.1,"event":"run_started","protocol":1,"run":"1","session":"story","pid":1,"host":"here","queue_socket":""}"#,
    );
    event(
        &mut state,
        r#"{"at":0.1,"event":"host_ready","host":"localhost","hostname":"here","cpus":2,"memory":1000000,"gpus":[]}"#,
    );
    for rank in 0..2 {
        event(
            &mut state,
            &format!(
                r#"{{"at":0.2,"event":"process_started","process":"g/loud.{rank}","incarnation":0,"pid":7,"host":"localhost","cpus":[],"gpus":null,"channel":"pty"}}"#
            ),
        );
        event(
            &mut state,
            &format!(
                r#"{{"at":0.2,"event":"process_changed","process":"g/loud.{rank}","incarnation":0,"state":"ready"}}"#
            ),
        );
    }
    event(
        &mut state,
        r#"{"at":1.5,"event":"process_ended","process":"g/loud.1","incarnation":0,"status":{"code":3},"failure":true,"usage":{"cpu_seconds":0.1,"peak_memory":1},"restart_in":null}"#,
    );
    event(
        &mut state,
        r#"{"at":1.5,"event":"process_changed","process":"g/loud.1","incarnation":0,"state":"ended"}"#,
    );
    state
}

fn press(state: &mut State, key: &str) -> Vec<Effect> {
    let key: Key = key.parse().unwrap();
    let event = KeyEvent::new(key.code(), key.held());
    update(state, Msg::Input(Input::Key(event)), Instant::now())
}

fn resize(state: &mut State, width: u16, height: u16) {
    let input = Input::Resize(width, height);
    update(state, Msg::Input(input), Instant::now());
}

fn drawn(state: &State) -> String {
    let (width, height) = (state.area.width, state.area.height);
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let theme = Theme::bare("", Glyphs::set(false));
    terminal
        .draw(|frame| view::draw(state, &theme, frame))
        .unwrap();
    terminal.backend().to_string()
}

fn commands(effects: &[Effect]) -> Vec<Command> {
    let sent = effects.iter().filter_map(|effect| match effect {
        Effect::Send(ToEngine::Command(command)) => Some(command.clone()),
        _ => None,
    });
    sent.filter(|command| !matches!(command, Command::Resize(..)))
        .collect()
}

#[test]
fn every_screen_and_all_that_lies_over_them_is_drawn_at_any_size() {
    for mut state in [state(""), state(SESSION), running()] {
        let over: [Option<fn(&mut State)>; 7] = [
            None,
            Some(|state| perform(state, Action::Help)),
            Some(|state| perform(state, Action::Palette)),
            Some(|state| perform(state, Action::Theme)),
            Some(|state| perform(state, Action::Notices)),
            Some(|state| perform(state, Action::Search)),
            Some(|state| perform(state, Action::Kill)),
        ];
        for tab in Tab::ALL {
            for open in over {
                state.tab = tab;
                state.overlays.clear();
                if let Some(open) = open {
                    open(&mut state);
                }
                for width in 1..=30 {
                    for height in 1..=30 {
                        if (width * height) % 7 == 0 || width < 4 || height < 4 {
                            resize(&mut state, width, height);
                            drawn(&state);
                        }
                    }
                }
                for (width, height) in [(80, 24), (120, 40), (160, 50), (40, 10), (300, 3)] {
                    resize(&mut state, width, height);
                    drawn(&state);
                }
            }
        }
    }
}

#[test]
fn starting_asks_for_an_engine_and_says_so() {
    let mut state = state(SESSION);
    let effects = press(&mut state, "s");
    let launched = effects
        .iter()
        .any(|effect| matches!(effect, Effect::Launch(_)));
    assert!(launched, "{effects:?}");
    assert!(drawn(&state).contains("starting"));
}

#[test]
fn a_session_with_problems_is_not_started_and_they_are_shown() {
    let text = SESSION.replace(
        "\"quiet\": ProcessTemplate(",
        "\"quiet\": ProcessTemplate(after: [Ended(\"nobody\")], ",
    );
    let mut state = state(&text);
    let effects = press(&mut state, "s");
    assert!(
        !effects
            .iter()
            .any(|effect| matches!(effect, Effect::Launch(_)))
    );
    assert!(drawn(&state).contains("nobody"), "{}", drawn(&state));
}

#[test]
fn mute_stop_and_scale_are_wishes_about_what_is_selected() {
    let mut state = running();
    for _ in 0..2 {
        press(&mut state, "j");
    }
    let rank = "g/loud.0".parse().unwrap();
    assert_eq!(commands(&press(&mut state, "m")), [Command::Mute(rank)]);
    let rank = "g/loud.0".parse().unwrap();
    assert_eq!(commands(&press(&mut state, "x")), [Command::Stop(rank)]);
    let template = "g/loud".parse().unwrap();
    assert_eq!(
        commands(&press(&mut state, "+")),
        [Command::Scale(template, 4)]
    );
}

#[test]
fn a_process_is_told_the_size_of_its_pane_once_even_if_that_changed_before_it_began() {
    let mut state = running();
    settle(&mut state);
    let sizes = |effects: &[Effect]| {
        let sent = effects.iter().filter_map(|effect| match effect {
            Effect::Send(ToEngine::Command(Command::Resize(process, rows, columns))) => {
                Some((process.to_string(), *rows, *columns))
            }
            _ => None,
        });
        sent.collect::<Vec<_>>()
    };
    // The third rank is not there yet.
    state.effects.clear();
    let size = Msg::Input(Input::Resize(100, 30));
    let mut effects = update(&mut state, size, Instant::now());
    settle(&mut state);
    effects.extend(state.effects.drain(..));
    for json in [
        r#"{"at":0.2,"event":"process_started","process":"g/loud.2","incarnation":0,"pid":7,"host":"localhost","cpus":[],"gpus":null,"channel":"pty"}"#,
        r#"{"at":0.2,"event":"process_changed","process":"g/loud.2","incarnation":0,"state":"ready"}"#,
        r#"{"at":0.3,"event":"process_changed","process":"g/loud.2","incarnation":0,"state":"ready"}"#,
    ] {
        let stamped: Stamped = serde_json::from_str(json).unwrap();
        let message = Msg::Engine(Box::new(FromEngine::Event(stamped)));
        effects.extend(update(&mut state, message, Instant::now()));
        settle(&mut state);
        effects.extend(state.effects.drain(..));
    }
    let run = state.run.as_mut().unwrap();
    let pane = run.pane(&"g/loud.2".parse().unwrap()).unwrap();
    let size = pane.screen.size();
    let told = ("g/loud.2".to_owned(), size.rows, size.cols);
    let mut sizes = sizes(&effects);
    sizes.retain(|(process, ..)| *process == told.0);
    assert_eq!(sizes, [told]);
}

#[test]
fn a_kill_is_asked_for_first() {
    let mut state = running();
    assert_eq!(commands(&press(&mut state, "X")), []);
    assert_eq!(commands(&press(&mut state, "n")), []);
    assert!(state.overlays.is_empty());
    press(&mut state, "X");
    let group = "g".parse().unwrap();
    assert_eq!(commands(&press(&mut state, "y")), [Command::Kill(group)]);
}

#[test]
fn the_first_failure_is_one_key_away_and_all_failed_ranks_are_another() {
    let mut state = running();
    press(&mut state, "e");
    assert!(
        drawn(&state).contains("exit 3 after 00:01"),
        "{}",
        drawn(&state)
    );
    let all = Command::RestartFailed(None);
    assert_eq!(commands(&press(&mut state, "R")), [all]);
}

#[test]
fn many_living_processes_are_stopped_or_restarted_only_after_asking() {
    let mut state = running();
    event(
        &mut state,
        r#"{"at":1.6,"event":"process_changed","process":"g/loud.2","incarnation":0,"state":"ready"}"#,
    );
    let group: Selector = "g".parse().unwrap();
    for (key, command) in [
        ("x", Command::Stop(group.clone())),
        ("r", Command::Restart(group.clone())),
    ] {
        assert_eq!(commands(&press(&mut state, key)), []);
        assert!(
            drawn(&state).contains("the 2 processes of g"),
            "{}",
            drawn(&state)
        );
        assert_eq!(commands(&press(&mut state, "y")), [command]);
    }
    state.config.confirm = Confirm::Never;
    assert_eq!(commands(&press(&mut state, "x")), [Command::Stop(group)]);
}

/// The answers to what is read and searched of logs, as these effects ask for it; logs are these texts.
fn answer(state: &mut State, effects: &[Effect], logs: &[(&str, &str)]) -> Vec<Effect> {
    let mut more = Vec::new();
    for effect in effects {
        let Effect::ReadLogs {
            number,
            logs: asked,
        } = effect
        else {
            continue;
        };
        let read = asked.iter().map(|part| {
            let name = part.process.to_string();
            let text = logs
                .iter()
                .find(|(of, _)| *of == name)
                .map_or("", |(_, text)| text);
            let at = (part.from as usize).min(text.len());
            LogRead {
                process: part.process.clone(),
                path: part.path.clone(),
                at: at as u64,
                bytes: text.as_bytes()[at..].to_vec(),
            }
        });
        let msg = Msg::Logs {
            number: *number,
            logs: read.collect(),
        };
        more.extend(update(state, msg, Instant::now()));
    }
    more
}

fn watching(state: &mut State, effects: &[Effect]) -> Vec<Effect> {
    let wanted = effects.iter().find_map(|effect| match effect {
        Effect::Send(ToEngine::Watch(wanted)) => Some(wanted.clone()),
        _ => None,
    });
    let message = FromEngine::Watching(wanted.expect("something is watched"));
    update(state, Msg::Engine(Box::new(message)), Instant::now())
}

#[test]
fn all_in_one_begins_with_what_was_printed_and_keeps_it_when_it_is_left() {
    let mut state = running();
    let logs = [("g/loud.0", "alive\n"), ("g/loud.1", "died\n")];
    let effects = press(&mut state, "a");
    // Of who has ended nothing comes live any more.
    answer(&mut state, &effects, &logs);
    assert!(drawn(&state).contains("died"), "{}", drawn(&state));
    let effects = watching(&mut state, &effects);
    answer(&mut state, &effects, &logs);
    assert!(drawn(&state).contains("alive"), "{}", drawn(&state));
    press(&mut state, "a");
    assert!(!drawn(&state).contains("all in one"));
    press(&mut state, "a");
    assert!(drawn(&state).contains("alive") && drawn(&state).contains("died"));
    let over = Msg::Engine(Box::new(FromEngine::Over));
    update(&mut state, over, Instant::now());
    let run = state.run.as_mut().unwrap();
    run.merged_before = None;
    run.leave_merged();
    run.merged_before = None;
    let effects = press(&mut state, "a");
    answer(&mut state, &effects, &logs);
    assert!(drawn(&state).contains("alive"), "of a run that is over too");
}

fn found(state: &mut State, hits: &[(&str, u64, &str)]) {
    let ticket = state.run.as_ref().unwrap().found.as_ref().unwrap().ticket;
    let hits = hits.iter().map(|(process, offset, text)| Hit {
        process: process.parse().unwrap(),
        number: 1,
        offset: *offset,
        text: vec![(*text).to_owned()],
        at: 0,
    });
    let found = Found {
        hits: hits.collect(),
        ..Found::default()
    };
    update(state, Msg::Found { ticket, found }, Instant::now());
}

fn search(state: &mut State, pattern: &str) -> Vec<Effect> {
    press(state, "/");
    for c in pattern.chars() {
        press(state, &c.to_string());
    }
    press(state, "enter")
}

#[test]
fn enter_on_a_hit_goes_to_its_line_and_n_to_the_next_in_whatever_log_it_is() {
    let mut state = running();
    let effects = search(&mut state, "hit");
    let asked = effects.iter().find_map(|effect| match effect {
        Effect::SearchLogs { logs, .. } => Some(logs.len()),
        _ => None,
    });
    assert_eq!(asked, Some(2), "whoever has spoken");
    found(
        &mut state,
        &[("g/loud.0", 3, "hit one"), ("g/loud.1", 0, "hit two")],
    );
    press(&mut state, "up");
    let effects = press(&mut state, "enter");
    let logs = [("g/loud.0", "no\nhit one\nno\n"), ("g/loud.1", "hit two\n")];
    answer(&mut state, &effects, &logs);
    assert!(drawn(&state).contains("log of loud.0"), "{}", drawn(&state));
    let run = state.run.as_ref().unwrap();
    let merged = run.merged.as_ref().unwrap();
    assert_eq!(merged.marked(), Some(&"g/loud.0".parse().unwrap()));
    let effects = press(&mut state, "n");
    answer(&mut state, &effects, &logs);
    assert!(drawn(&state).contains("log of loud.1"), "{}", drawn(&state));
    press(&mut state, "n");
    assert!(
        drawn(&state).contains("this is the last hit"),
        "{}",
        drawn(&state)
    );
    press(&mut state, "esc");
    assert!(!drawn(&state).contains("log of"), "{}", drawn(&state));
}

#[test]
fn leaving_a_search_that_goes_on_stops_it() {
    let mut state = running();
    search(&mut state, "x");
    assert!(press(&mut state, "esc").contains(&Effect::StopSearch));
    assert!(state.run.as_ref().unwrap().found.is_none());
}

#[test]
fn a_rank_is_muted_from_the_merged_view_by_marking_one_of_its_lines() {
    let mut state = running();
    let logs = [("g/loud.0", "alive\n"), ("g/loud.1", "died\n")];
    let effects = press(&mut state, "a");
    let group = "g".parse().unwrap();
    assert_eq!(commands(&press(&mut state, "m")), [Command::Mute(group)]);
    answer(&mut state, &effects, &logs);
    press(&mut state, "up");
    let rank = "g/loud.1".parse().unwrap();
    assert_eq!(commands(&press(&mut state, "m")), [Command::Mute(rank)]);
}

#[test]
fn a_pane_stands_still_when_it_is_wished_and_goes_on_after_that() {
    let mut state = running();
    press(&mut state, "j");
    press(&mut state, "j");
    press(&mut state, "F");
    assert!(drawn(&state).contains("paused"), "{}", drawn(&state));
    press(&mut state, "F");
    assert!(!drawn(&state).contains("paused"), "{}", drawn(&state));
}

#[test]
fn leaving_asks_while_something_runs_and_goes_when_all_has_ended() {
    let mut state = running();
    assert!(!press(&mut state, "q").contains(&Effect::Quit));
    assert!(
        drawn(&state).contains("Stop it and leave?"),
        "{}",
        drawn(&state)
    );
    let effects = press(&mut state, "y");
    assert_eq!(commands(&effects), [Command::Finish]);
    let over = Msg::Engine(Box::new(FromEngine::Over));
    assert!(update(&mut state, over, Instant::now()).contains(&Effect::Quit));
}

#[test]
fn when_all_has_ended_the_session_can_be_started_again_as_it_is_composed_now() {
    let mut state = running();
    let launches = |effects: &[Effect]| {
        let mut effects = effects.iter();
        effects.any(|effect| matches!(effect, Effect::Launch(_)))
    };
    assert!(!launches(&press(&mut state, "s")), "one rank runs");
    event(
        &mut state,
        r#"{"at":2.5,"event":"process_ended","process":"g/loud.0","incarnation":0,"status":{"signal":{"number":2,"core":false}},"failure":false,"usage":{"cpu_seconds":0.1,"peak_memory":1},"restart_in":null}"#,
    );
    event(
        &mut state,
        r#"{"at":2.5,"event":"process_changed","process":"g/loud.0","incarnation":0,"state":"ended"}"#,
    );
    assert!(launches(&press(&mut state, "s")));
}

#[test]
fn every_action_of_the_table_may_be_wished_for_on_every_screen() {
    for context in Context::ALL {
        for action in Keymap::default().actions(*context) {
            for tab in Tab::ALL {
                let mut state = running();
                state.tab = tab;
                perform(&mut state, action);
                settle(&mut state);
                drawn(&state);
            }
        }
    }
}

#[test]
fn the_palette_does_what_is_chosen() {
    let mut state = running();
    press(&mut state, "ctrl-p");
    for key in ["a", "l", "l", "-", "i", "n"] {
        press(&mut state, key);
    }
    press(&mut state, "enter");
    assert!(state.overlays.is_empty());
    assert!(
        state.run.as_ref().unwrap().merged.is_some(),
        "{}",
        drawn(&state)
    );
}

#[test]
fn a_theme_is_seen_while_it_is_chosen_and_the_old_one_comes_back() {
    let mut state = state(SESSION);
    state.themes = vec![state.theme.clone(), "nord".to_owned()];
    let before = state.theme.clone();
    press(&mut state, "t");
    press(&mut state, "down");
    assert_eq!(state.theme, "nord");
    press(&mut state, "esc");
    assert_eq!(state.theme, before);
    assert!(state.overlays.is_empty());
    // A few letters are enough.
    press(&mut state, "t");
    press(&mut state, "n");
    assert_eq!(state.theme, "nord");
    press(&mut state, "enter");
    assert_eq!((state.theme.as_str(), state.overlays.len()), ("nord", 0));
}

#[test]
fn nothing_wakes_who_shows_nothing_that_moves() {
    let state = state(SESSION);
    assert_eq!(state.due(), None);
    let running = running();
    let due = running.due().unwrap();
    assert!(
        due > Instant::now() + Duration::from_millis(500),
        "a second at a time"
    );
}

fn mouse(state: &mut State, kind: MouseEventKind, column: u16, row: u16) -> Vec<Effect> {
    let event = MouseEvent {
        kind,
        column,
        row,
        modifiers: KeyModifiers::NONE,
    };
    update(state, Msg::Input(Input::Mouse(event)), Instant::now())
}

#[test]
fn what_the_mouse_is_dragged_over_in_a_pane_is_copied() {
    let mut state = running();
    let process: ProcessId = "g/loud.0".parse().unwrap();
    let path = state.run.as_ref().unwrap().log(&process).unwrap();
    let message = FromEngine::Watching(vec![process.clone()]);
    update(&mut state, Msg::Engine(Box::new(message)), Instant::now());
    let tail = Msg::Tail {
        process: process.clone(),
        path,
        at: 0,
        bytes: b"first line\r\nsecond line\r\n".to_vec(),
        until: None,
    };
    update(&mut state, tail, Instant::now());
    let run = state.run.as_mut().unwrap();
    run.parse(Instant::now() + Duration::from_secs(5), &mut Vec::new());
    let panes = run.panes.iter();
    let area = panes
        .clone()
        .find(|(pane, _)| pane.process == process)
        .unwrap()
        .1;
    let (x, y) = (area.x + 1, area.y + 1);
    let left = MouseButton::Left;
    mouse(&mut state, MouseEventKind::Down(left), x + 6, y);
    mouse(&mut state, MouseEventKind::Drag(left), x + 5, y + 1);
    let effects = mouse(&mut state, MouseEventKind::Up(left), x + 5, y + 1);
    assert!(
        effects.contains(&Effect::Copy("line\nsecond\n".to_owned())),
        "{effects:?}"
    );
    let run = state.run.as_mut().unwrap();
    assert!(run.selection.is_none() && !run.pane(&process).unwrap().paused);
    // A click alone copies nothing.
    mouse(&mut state, MouseEventKind::Down(left), x + 6, y);
    assert_eq!(mouse(&mut state, MouseEventKind::Up(left), x + 6, y), []);
}

#[test]
fn an_alert_that_was_turned_off_is_not_told() {
    let text = SESSION.replace("replicas: 3", "replicas: 3, alerts: [Died, Failed]");
    let mut state = state(&text);
    press(&mut state, "s");
    let alerted =
        r#"{"at":1,"event":"alerted","process":"g/loud.0","alert":"Died","text":"killed"}"#;
    event(&mut state, alerted);
    assert!(drawn(&state).contains("killed"), "{}", drawn(&state));
    press(&mut state, "A");
    assert!(drawn(&state).contains("loud"), "{}", drawn(&state));
    for _ in 0..2 {
        press(&mut state, "enter");
    }
    press(&mut state, "esc");
    event(&mut state, &alerted.replace("killed", "again"));
    assert!(!drawn(&state).contains("again"), "{}", drawn(&state));
}

#[test]
fn a_warning_can_be_read_again_among_the_notices_when_its_toast_is_gone() {
    let mut state = state(SESSION);
    update(&mut state, Msg::Told("no pager".to_owned()), Instant::now());
    update(
        &mut state,
        Msg::Due,
        Instant::now() + Duration::from_secs(60),
    );
    assert!(!drawn(&state).contains("no pager"));
    perform(&mut state, Action::Notices);
    assert!(drawn(&state).contains("no pager"), "{}", drawn(&state));
}

#[test]
fn the_last_line_follows_how_the_run_is() {
    let mut fresh = state(SESSION);
    let last = |state: &State| {
        drawn(state)
            .lines()
            .rev()
            .find(|line| line.contains("help"))
            .unwrap()
            .to_owned()
    };
    assert!(
        last(&fresh).contains("s start") && !last(&fresh).contains("stop"),
        "{}",
        last(&fresh)
    );
    let mut state = running();
    assert!(
        last(&state).contains("x stop") && last(&state).contains("restart failed"),
        "{}",
        last(&state)
    );
    press(&mut state, "a");
    assert!(last(&state).contains("f filter"), "{}", last(&state));
    fresh.tab = Tab::Compose;
    settle(&mut fresh);
    assert!(!last(&fresh).contains("f filter"));
}

#[test]
fn why_a_rank_does_not_go_on_may_be_a_queue() {
    let mut state = running();
    let sample = r#"{"name":"numbers","depth":0,"bytes":0,"maxsize":4,"put":0,"got":0,"put_bytes":0,"got_bytes":0,"getters":1,"putters":0,"oldest_ms":0,"waiting":[{"side":"get","client":1,"task":"g/loud.0","pid":7,"waiting_ms":3000}],"users":[]}"#;
    let samples = vec![serde_json::from_str(sample).unwrap()];
    let message = FromEngine::Queues(samples);
    update(&mut state, Msg::Engine(Box::new(message)), Instant::now());
    press(&mut state, "w");
    assert!(
        drawn(&state).contains("it waits for an item of numbers, since 3 s"),
        "{}",
        drawn(&state)
    );
}

#[test]
fn that_an_engine_has_ended_does_not_hide_why_it_failed() {
    let mut state = state(SESSION);
    super::run::update::launch(&mut state);
    let failed = FromEngine::Failed {
        text: "no place for the record".to_owned(),
    };
    for message in [failed, FromEngine::Gone("the engine has ended".to_owned())] {
        update(&mut state, Msg::Engine(Box::new(message)), Instant::now());
    }
    let run = state.run.as_ref().unwrap();
    assert_eq!(
        run.link,
        super::run::Link::Gone("no place for the record".to_owned())
    );
}
