//! Past runs as the user meets them, from records on disk and without a terminal.

mod looks;
mod moments;

use std::time::Instant;

use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};
use ratatui::{Terminal, backend::TestBackend, layout::Rect};
use tempfile::TempDir;

use super::*;
use crate::{
    engine::door::wire::{FromEngine, ToEngine},
    model::{
        event::{Command, Outcome, Stamped},
        ids::HostName,
        lifecycle::ProcessState,
    },
    record::{EngineInfo, RunFolder, RunState, Runs, Tally},
    tui::{
        config::Config,
        message::{Effect, Msg},
        overlay::Overlay,
        run::{self, Link},
        state::{State, Tab},
        theme::{Glyphs, Theme},
        update::update,
        view,
    },
};

pub(in crate::tui) const SESSION: &str = r#"Session(version: 1, groups: {"g": ProcessGroup(templates: {
    "a": ProcessTemplate(target: Program("true"), replicas: 2)})})
"#;

/// A folder of records.
pub(in crate::tui) struct Place {
    _folder: TempDir,
    runs: Runs,
}

impl Place {
    pub(in crate::tui) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runs = Runs::at(folder.path().join("runs"));
        Self {
            _folder: folder,
            runs,
        }
    }

    /// A run of ten seconds: `g/a.0` runs from 1 to 4 and fails, `g/a.1` from 2 to 10 and ends well.
    pub(in crate::tui) fn recorded(&self, session: &str, is_over: bool) -> RunFolder {
        let run = RunFolder::create(&self.runs, session, |_| EngineInfo {
            session: "demo".into(),
            folder: "/somewhere".into(),
            cwd: "/elsewhere".into(),
            host_aliases: vec![(HostName::new("node01"), HostName::localhost())],
            ranks: 2,
            started: 1_000,
            ..EngineInfo::of_this_process()
        })
        .unwrap();
        let mut tally = Tally::new(run.id(), "demo", 1_000, 2);
        let events = events(run.id());
        for event in &events {
            tally.see(event);
        }
        run.events().append(&events);
        let sample = |depth: u64, put: u64| {
            serde_json::json!([{"name": "q", "depth": depth, "bytes": 0, "maxsize": 8, "put": put, "got": put - depth,
                "put_bytes": 0, "got_bytes": 0, "getters": 0, "putters": 0, "oldest_ms": 0, "waiting": []}])
        };
        let lines = [(1.0, 1, 1), (3.0, 5, 9), (8.0, 0, 40)];
        let lines = lines
            .map(|(at, depth, put)| serde_json::json!({"at": at, "queues": sample(depth, put)}));
        run.queues().append(&lines);
        if is_over {
            run.finish(&mut tally.summary()).unwrap();
        }
        run
    }

    pub(in crate::tui) fn compared(&self, id: &str) -> compare::Compared {
        compare::read(&self.runs, id, id, 2_000).unwrap()
    }

    pub(in crate::tui) fn opened(&self, id: &str) -> Opened {
        reading::open(&self.runs, id, 2_000).unwrap()
    }
}

fn events(run: &str) -> Vec<Stamped> {
    let started = |rank: u32, at: f64| {
        [
            (
                at,
                format!(
                    r#"{{"event":"process_started","process":"g/a.{rank}","incarnation":0,"pid":7,"host":"localhost","cpus":[],"gpus":null,"channel":"pty"}}"#
                ),
            ),
            (
                at,
                format!(
                    r#"{{"event":"process_changed","process":"g/a.{rank}","incarnation":0,"state":"running"}}"#
                ),
            ),
        ]
    };
    let ended = |rank: u32, at: f64, code: i32| {
        let failure = code != 0;
        [
            (
                at,
                format!(
                    r#"{{"event":"process_ended","process":"g/a.{rank}","incarnation":0,"status":{{"code":{code}}},"failure":{failure},"usage":{{"cpu_seconds":1.5,"peak_memory":1000}},"restart_in":null}}"#
                ),
            ),
            (
                at,
                format!(
                    r#"{{"event":"process_changed","process":"g/a.{rank}","incarnation":0,"state":"ended"}}"#
                ),
            ),
        ]
    };
    let begin = format!(
        r#"{{"event":"run_started","protocol":1,"run":"{run}","session":"demo","pid":1,"host":"h","queue_socket":""}}"#
    );
    let end = r#"{"event":"run_ended","outcome":"failed","first_failure":"g/a.0"}"#.to_owned();
    let mut all = vec![(0.0, begin)];
    all.extend(started(0, 1.0));
    all.extend(started(1, 2.0));
    all.extend(ended(0, 4.0, 3));
    all.extend(ended(1, 10.0, 0));
    all.push((10.0, end));
    all.into_iter()
        .map(|(at, json)| stamped(at, &json))
        .collect()
}

fn stamped(at: f64, json: &str) -> Stamped {
    let mut value: serde_json::Value = serde_json::from_str(json).unwrap();
    value["at"] = at.into();
    serde_json::from_value(value).unwrap()
}

fn state() -> State {
    let mut state = State::new(Draft::empty(), Config::default(), Glyphs::set(false));
    state.area = Rect::new(0, 0, 120, 40);
    state
}

fn press(state: &mut State, keys: &str) -> Vec<Effect> {
    let mut effects = Vec::new();
    for key in keys.split(' ') {
        let (code, modifiers) = match key {
            "enter" => (KeyCode::Enter, KeyModifiers::NONE),
            "esc" => (KeyCode::Esc, KeyModifiers::NONE),
            "ctrl-left" => (KeyCode::Left, KeyModifiers::CONTROL),
            key => (
                KeyCode::Char(key.chars().next().unwrap()),
                KeyModifiers::NONE,
            ),
        };
        let key = Input::Key(KeyEvent::new(code, modifiers));
        effects.extend(update(state, Msg::Input(key), Instant::now()));
    }
    effects
}

fn answer(state: &mut State, answer: Answer) -> Vec<Effect> {
    update(state, Msg::Runs(answer), Instant::now())
}

/// Opens a run as the runs screen does.
pub(in crate::tui) fn look_at(state: &mut State, opened: Opened) -> Vec<Effect> {
    state.tab = Tab::Runs;
    update::open(state, &opened.listed.id.clone());
    let ticket = state.runs.opening.unwrap();
    state.effects.clear();
    answer(state, Answer::Opened(ticket, Ok(Box::new(opened))))
}

pub(in crate::tui) fn listed(state: &mut State, place: &Place) {
    let known = reading::list(&place.runs, 2_000);
    answer(state, Answer::Listed(known, 2_000));
}

fn asks(effects: &[Effect]) -> Vec<Ask> {
    let asks = effects.iter().filter_map(|effect| match effect {
        Effect::Runs(ask) => Some(ask.clone()),
        _ => None,
    });
    asks.collect()
}

fn shown(state: &State) -> String {
    let (width, height) = (state.area.width, state.area.height);
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let theme = Theme::bare("", state.glyphs);
    terminal
        .draw(|frame| view::draw(state, &theme, frame))
        .unwrap();
    terminal.backend().to_string()
}

fn states(run: &run::State) -> Vec<ProcessState> {
    run.facts
        .selected(None)
        .map(|(_, rank)| rank.state)
        .collect()
}

#[test]
fn a_run_is_opened_as_it_was_in_the_end_and_at_any_second_of_it() {
    let place = Place::new();
    let run = place.recorded(SESSION, true);
    let opened = place.opened(run.id());
    let through = opened.through;
    assert_eq!((through.end, through.moment.at), (10.0, 10.0));
    assert_eq!(through.failures, [4.0]);
    assert_eq!(through.moment.facts.outcome, Some(Outcome::Failed));
    assert_eq!(through.moment.queues.queues["q"].sample.put, 40);
    assert_eq!(
        (opened.listed.outcome, opened.listed.failed),
        (Some(Outcome::Failed), Some(1))
    );
    let at = |at: f64| through.walk.moment(at).unwrap();
    let moment = at(3.0);
    let count = moment.facts.count(None);
    assert_eq!((count.live, count.failed, count.total), (2, 0, 2));
    assert_eq!(moment.facts.outcome, None);
    let queue = &moment.queues.queues["q"].sample;
    assert_eq!((queue.depth, queue.put), (5, 9));
    assert_eq!(
        at(4.0).facts.count(None).failed,
        1,
        "that second is part of it"
    );
    assert_eq!(at(0.0).facts.count(None).live, 0);
}

#[test]
fn a_run_without_an_end_is_told_by_its_events() {
    let place = Place::new();
    let run = place.recorded(SESSION, false);
    let id = run.id().to_owned();
    assert_eq!(place.opened(&id).listed.state, RunState::RunningHere);
    drop(run);
    let opened = place.opened(&id);
    assert_eq!(
        (&*opened.listed.word(), opened.listed.seconds),
        ("died", Some(10.0))
    );
}

#[test]
fn the_screen_reads_the_list_when_it_is_shown_and_enter_opens_the_newest() {
    let place = Place::new();
    let run = place.recorded(SESSION, true);
    let mut state = state();
    assert_eq!(asks(&press(&mut state, "5")), [Ask::List]);
    assert!(shown(&state).contains("reading the records"));
    listed(&mut state, &place);
    let text = shown(&state);
    assert!(
        text.contains("demo") && text.contains("✗") && text.contains("10.0 s"),
        "{text}"
    );
    let opened = asks(&press(&mut state, "enter"));
    let ticket = state.tickets;
    let name = run.id().to_owned();
    assert_eq!(opened, [Ask::Open { ticket, name }]);
    let effects = look_at(&mut state, place.opened(run.id()));
    assert_eq!((state.tab, state.is_past()), (Tab::Run, true));
    let tails = effects.iter().filter(
        |effect| matches!(effect, Effect::ReadTail { path, .. } if path.starts_with(run.path())),
    );
    assert_eq!(tails.count(), 2, "the panes come from the logs");
    let text = shown(&state);
    assert!(
        text.contains("the past demo") && text.contains("10.0 s of 10.0 s"),
        "{text}"
    );
}

#[test]
fn an_empty_list_says_what_to_press_and_a_folder_that_cannot_be_read_why() {
    let mut state = state();
    press(&mut state, "5");
    answer(&mut state, Answer::Listed(Ok(Vec::new()), 0));
    assert!(shown(&state).contains("nothing ran yet"));
    answer(
        &mut state,
        Answer::Listed(Err("no place for records".to_owned()), 0),
    );
    assert!(shown(&state).contains("no place for records"));
}

#[test]
fn moving_through_time_asks_for_one_moment_at_a_time_and_ends_where_the_user_did() {
    let place = Place::new();
    let run = place.recorded(SESSION, true);
    let mut state = state();
    look_at(&mut state, place.opened(run.id()));
    let first = asks(&press(&mut state, ", , , ,"));
    assert!(
        matches!(&first[..], [Ask::Moment { at, .. }] if *at == 9.8),
        "{first:?}"
    );
    assert_eq!(asks(&press(&mut state, "<")), []);
    let come = |state: &mut State, ask: &Ask| {
        let Ask::Moment { walk, at } = ask else {
            panic!("{ask:?}");
        };
        let moment = walk.moment(*at).unwrap();
        asks(&answer(
            state,
            Answer::Moment(walk.clone(), Ok(Box::new(moment))),
        ))
    };
    let next = come(&mut state, &first[0]);
    assert!(
        matches!(&next[..], [Ask::Moment { at: 0.0, .. }]),
        "{next:?}"
    );
    assert_eq!(come(&mut state, &next[0]), []);
    assert_eq!(states(state.run.as_ref().unwrap()), [ProcessState::Idle; 2]);
    assert!(shown(&state).contains("not started yet"));
}

#[test]
fn an_answer_about_another_run_changes_nothing() {
    let place = Place::new();
    let run = place.recorded(SESSION, true);
    let mut state = state();
    look_at(&mut state, place.opened(run.id()));
    let other = place.opened(run.id()).through.walk;
    let moment = other.moment(1.0).unwrap();
    answer(&mut state, Answer::Moment(other, Ok(Box::new(moment))));
    assert_eq!(
        state.run.as_ref().unwrap().facts.outcome,
        Some(Outcome::Failed)
    );
}

/// A session that runs: started and welcomed, `g/a.0` alive.
fn live(state: &mut State) {
    let session = Session::parse(SESSION).session;
    state.draft = Draft::again(session, SESSION.to_owned(), None);
    run::update::launch(state);
    let said = [
        FromEngine::Welcome {
            run: "live".into(),
            folder: "/live".into(),
            queue_socket: "".into(),
        },
        FromEngine::Event(events("live").swap_remove(1)),
        FromEngine::Event(events("live").swap_remove(2)),
    ];
    for message in said {
        update(state, Msg::Engine(Box::new(message)), Instant::now());
    }
    crate::tui::update::settle(state);
}

#[test]
fn what_runs_is_followed_while_the_past_is_looked_at_and_is_there_again_afterwards() {
    let place = Place::new();
    let run = place.recorded(SESSION, true);
    let mut state = state();
    live(&mut state);
    let effects = look_at(&mut state, place.opened(run.id()));
    assert!(
        effects.contains(&Effect::Send(ToEngine::Watch(Vec::new()))),
        "its output need not come"
    );
    assert!(state.is_live() && state.is_past());
    assert!(shown(&state).contains("a run goes on"));
    for failed in events("live").drain(5..7) {
        let message = FromEngine::Event(failed);
        update(&mut state, Msg::Engine(Box::new(message)), Instant::now());
    }
    assert_eq!(
        state.run.as_ref().unwrap().facts.run,
        run.id(),
        "the past stays"
    );
    assert_eq!(asks(&press(&mut state, "esc")), [Ask::List]);
    assert_eq!((state.tab, state.is_past()), (Tab::Runs, false));
    let effects = press(&mut state, "2");
    let run = state.run.as_ref().unwrap();
    assert_eq!(
        (run.facts.run.as_str(), run.facts.count(None).failed),
        ("live", 1)
    );
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::Send(ToEngine::Watch(of)) if of.len() == 2))
    );
}

#[test]
fn the_run_that_goes_on_is_not_opened_as_a_past_one() {
    let mut state = state();
    live(&mut state);
    update::open(&mut state, "live");
    assert_eq!((state.tab, state.is_past()), (Tab::Run, false));
}

#[test]
fn nothing_is_done_to_the_processes_of_now_by_keys_in_the_past() {
    let place = Place::new();
    let run = place.recorded(SESSION, true);
    let mut state = state();
    live(&mut state);
    look_at(&mut state, place.opened(run.id()));
    let Some(Ask::Moment { walk, .. }) = asks(&press(&mut state, ", <")).pop() else {
        panic!("nothing was asked");
    };
    let moment = walk.moment(3.0).unwrap();
    answer(&mut state, Answer::Moment(walk, Ok(Box::new(moment))));
    let effects = press(&mut state, "x r R m + - i I T s");
    let sent = effects
        .iter()
        .filter(|effect| !matches!(effect, Effect::Runs(_)));
    assert_eq!(sent.collect::<Vec<_>>(), Vec::<&Effect>::new());
    state.command(Command::Finish);
    assert_eq!(
        state.effects.len(),
        1,
        "leaving ends what runs all the same"
    );
}

#[test]
fn an_engine_that_goes_while_the_past_is_looked_at_leaves_the_past_alone() {
    let place = Place::new();
    let run = place.recorded(SESSION, true);
    let mut state = state();
    live(&mut state);
    look_at(&mut state, place.opened(run.id()));
    update(
        &mut state,
        Msg::Engine(Box::new(FromEngine::Gone("killed".into()))),
        Instant::now(),
    );
    assert_eq!(state.run.as_ref().unwrap().link, Link::Past);
    press(&mut state, "5");
    assert_eq!(
        state.run.as_ref().unwrap().link,
        Link::Gone("killed".into())
    );
}

#[test]
fn a_log_of_the_live_run_is_not_shown_in_a_pane_of_the_past() {
    let place = Place::new();
    let run = place.recorded(SESSION, true);
    let mut state = state();
    look_at(&mut state, place.opened(run.id()));
    let process: crate::model::ids::ProcessId = "g/a.0".parse().unwrap();
    for (path, loading) in [
        ("/live/logs/g/a/0.log".into(), true),
        (run.log_path(&process), false),
    ] {
        let tail = Msg::Tail {
            process: process.clone(),
            path,
            at: 0,
            bytes: b"x".to_vec(),
            until: None,
        };
        update(&mut state, tail, Instant::now());
        let pane = state.run.as_mut().unwrap().pane(&process).unwrap();
        assert_eq!(pane.is_loading(), loading);
    }
}

#[test]
fn the_filter_hides_what_does_not_fit_and_keeps_the_newest_first() {
    let place = Place::new();
    place.recorded(SESSION, true);
    let mut state = state();
    press(&mut state, "5");
    listed(&mut state, &place);
    let mut other = state.runs.known.as_ref().unwrap()[0].clone();
    (other.id, other.session) = ("261123-00000".to_owned(), "train".to_owned());
    state.runs.known.as_mut().unwrap().push(other);
    press(&mut state, "/ t r n enter");
    let names: Vec<&str> = state
        .runs
        .shown()
        .iter()
        .map(|run| run.session.as_str())
        .collect();
    assert_eq!(names, ["train"]);
    press(&mut state, "esc");
    assert_eq!(state.runs.shown().len(), 2);
}

#[test]
fn a_run_is_deleted_only_after_a_yes_and_never_while_it_runs() {
    let place = Place::new();
    let run = place.recorded(SESSION, true);
    let mut state = state();
    press(&mut state, "5");
    listed(&mut state, &place);
    assert_eq!(asks(&press(&mut state, "D n")), []);
    assert_eq!(
        asks(&press(&mut state, "D y")),
        [Ask::Delete(run.id().to_owned())]
    );
    state.runs.known.as_mut().unwrap()[0].state = RunState::RunningHere;
    press(&mut state, "D");
    assert!(state.overlays.is_empty());
    let id = run.id().to_owned();
    drop(run);
    assert!(
        place
            .runs
            .delete(&id, std::time::SystemTime::now())
            .unwrap()
    );
    answer(&mut state, Answer::Deleted(id, Ok(())));
    assert_eq!(state.runs.shown().len(), 0);
}

#[test]
fn two_runs_are_compared_once_one_is_marked() {
    let place = Place::new();
    let old = place.recorded(SESSION, true);
    let changed = SESSION.replace("replicas: 2", "replicas: 3");
    let new = place.recorded(&changed, true);
    let mut state = state();
    press(&mut state, "5");
    listed(&mut state, &place);
    assert_eq!(asks(&press(&mut state, "c")), []);
    let mut ids = [old.id().to_owned(), new.id().to_owned()];
    ids.sort();
    let [first, second] = ids;
    assert_eq!(
        asks(&press(&mut state, "j c")),
        [Ask::Compare(first, second)]
    );
    let compared = compare::read(&place.runs, old.id(), new.id(), 2_000).unwrap();
    let sums = &compared.sides[0].templates["g/a"];
    assert_eq!(
        (sums.ranks, sums.well, sums.failed, sums.restarts),
        (2, 1, 1, 0)
    );
    assert_eq!(
        (sums.longest, sums.mean(), sums.cpu, sums.memory),
        (8.0, Some(5.5), 3.0, 1000)
    );
    assert_eq!(compared.changes.len(), 2, "{:?}", compared.changes);
    answer(&mut state, Answer::Compared(Ok(Box::new(compared))));
    let text = shown(&state);
    assert!(
        text.contains("replicas: 3") && text.contains("1 ✓, 1 ✗ of 2"),
        "{text}"
    );
    press(&mut state, "esc");
    assert!(state.runs.compared.is_none());
}

#[test]
fn running_again_makes_the_session_as_run_the_draft_and_starts_it_where_it_was() {
    let place = Place::new();
    let run = place.recorded(SESSION, true);
    let mut state = state();
    look_at(&mut state, place.opened(run.id()));
    assert_eq!(
        asks(&press(&mut state, "s")),
        [Ask::Again(run.id().to_owned())]
    );
    let draft = reading::again(&place.runs, run.id()).unwrap();
    let effects = answer(&mut state, Answer::Again(Ok(Box::new(draft))));
    assert!(!state.is_past() && state.is_live());
    let opening = effects.iter().find_map(|effect| match effect {
        Effect::Launch(opening) => Some(opening),
        _ => None,
    });
    let opening = opening.unwrap();
    assert_eq!(
        (opening.folder.to_str(), opening.name.as_str()),
        (Some("/somewhere"), "demo")
    );
    assert_eq!(opening.cwd.as_deref(), Some("/elsewhere".as_ref()));
    assert_eq!(opening.host_aliases[0].0, HostName::new("node01"));
    assert_eq!(
        state.draft.session.groups,
        Session::parse(SESSION).session.groups
    );
}

#[test]
fn a_session_that_this_version_cannot_read_whole_is_looked_at_but_not_run_again() {
    let place = Place::new();
    let newer = SESSION.replace("ProcessTemplate(", "ProcessTemplate(unheard_of: 1, ");
    let run = place.recorded(&newer, true);
    assert_eq!(place.opened(run.id()).session.groups.len(), 1);
    let why = reading::again(&place.runs, run.id()).unwrap_err();
    assert!(why.contains("unheard_of"), "{why}");
}

#[test]
fn changes_that_are_not_saved_are_not_lost_by_running_another_session_again() {
    let place = Place::new();
    let run = place.recorded(SESSION, true);
    let mut state = state();
    state.draft.session.name = Some("changed".to_owned());
    press(&mut state, "5");
    listed(&mut state, &place);
    assert_eq!(asks(&press(&mut state, "r")), []);
    assert!(matches!(state.overlays[..], [Overlay::Confirm { .. }]));
    assert_eq!(
        asks(&press(&mut state, "y")),
        [Ask::Again(run.id().to_owned())]
    );
}

#[test]
fn the_past_is_drawn_on_screens_of_any_size() {
    let place = Place::new();
    let run = place.recorded(SESSION, true);
    let compared = compare::read(&place.runs, run.id(), run.id(), 2_000).unwrap();
    let mut state = state();
    press(&mut state, "5");
    listed(&mut state, &place);
    for tab in ["5", "c", "2", "3", "4"] {
        match tab {
            "5" => {}
            "c" => drop(answer(
                &mut state,
                Answer::Compared(Ok(Box::new(compared.clone()))),
            )),
            "2" => {
                state.runs.compared = None;
                look_at(&mut state, place.opened(run.id()));
            }
            key => drop(press(&mut state, key)),
        }
        for width in 1..=30 {
            for height in 1..=30 {
                let size = Input::Resize(width, height);
                update(&mut state, Msg::Input(size), Instant::now());
                shown(&state);
            }
        }
    }
}

#[test]
fn a_click_on_the_time_bar_goes_to_that_second() {
    let place = Place::new();
    let run = place.recorded(SESSION, true);
    let mut state = state();
    look_at(&mut state, place.opened(run.id()));
    let track = view::places(&state).time;
    let bar = track;
    let track = super::view::track(&state, track, 10.0);
    let mut click = crossterm::event::MouseEvent {
        kind: crossterm::event::MouseEventKind::Down(crossterm::event::MouseButton::Left),
        column: track.x + track.width / 2,
        row: track.y,
        modifiers: KeyModifiers::NONE,
    };
    let asked = asks(&update(
        &mut state,
        Msg::Input(Input::Mouse(click)),
        Instant::now(),
    ));
    assert!(
        matches!(&asked[..], [Ask::Moment { at, .. }] if (*at - 5.0).abs() < 0.2),
        "{asked:?}"
    );
    let at = super::update::past(&state).unwrap().at;
    for beside in [bar.x, bar.right() - 1] {
        click.column = beside;
        update(&mut state, Msg::Input(Input::Mouse(click)), Instant::now());
        assert_eq!(super::update::past(&state).unwrap().at, at, "{beside}");
    }
}
