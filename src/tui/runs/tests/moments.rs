//! What of a record is read when, and what the screens do with an answer that comes late.

use super::*;
use crate::tui::{
    compose::{files, swap::Swap},
    message::{LogPart, LogRead},
};

#[test]
fn a_run_that_was_read_does_not_take_the_screen_from_who_went_on() {
    let place = Place::new();
    let run = place.recorded(SESSION, true);
    let mut state = state();
    press(&mut state, "5");
    listed(&mut state, &place);
    let answer_to = |state: &mut State, ticket: u64| {
        let opened = Box::new(place.opened(run.id()));
        answer(state, Answer::Opened(ticket, Ok(opened)));
    };
    press(&mut state, "enter");
    let first = state.tickets;
    press(&mut state, "1");
    answer_to(&mut state, first);
    assert_eq!((state.tab, state.is_past()), (Tab::Compose, false));
    assert!(shown(&state).contains("you are elsewhere"));
    press(&mut state, "5 enter");
    let older = state.tickets;
    press(&mut state, "enter");
    let newer = state.tickets;
    answer_to(&mut state, older);
    assert!(!state.is_past(), "another one was asked for since");
    answer_to(&mut state, newer);
    assert!(state.is_past());
}

#[test]
fn a_session_that_was_changed_while_another_one_was_read_is_not_lost() {
    let place = Place::new();
    let run = place.recorded(SESSION, true);
    let mut state = state();
    press(&mut state, "5");
    listed(&mut state, &place);
    let again = |state: &mut State| {
        let draft = reading::again(&place.runs, run.id()).unwrap();
        answer(state, Answer::Again(Ok(Box::new(draft))))
    };
    press(&mut state, "r");
    state.draft.session.name = Some("changed".to_owned());
    files::touched(&mut state);
    again(&mut state);
    assert_eq!(state.draft.session.name.as_deref(), Some("changed"));
    assert!(!state.is_live());
    press(&mut state, "r y");
    let effects = again(&mut state);
    assert!(state.is_live());
    let swap_is_gone = effects
        .iter()
        .any(|effect| matches!(effect, Effect::Swap(Swap::Forget { .. })));
    assert!(swap_is_gone, "what was thrown away is not offered again");
}

#[test]
fn output_of_the_past_ends_where_it_did_at_that_second() {
    let place = Place::new();
    let run = place.recorded(SESSION, true);
    let process: crate::model::ids::ProcessId = "g/a.1".parse().unwrap();
    let mut logs = run.logs();
    let zero = Instant::now();
    logs.count_from(zero);
    let log = logs.add(process.clone());
    for second in [2, 5, 9] {
        let now = zero + std::time::Duration::from_secs(second);
        logs.write(log, format!("second {second}\r\n").as_bytes(), now);
    }
    logs.finish(zero);
    let mut state = state();
    look_at(&mut state, place.opened(run.id()));
    let until = |state: &mut State, at: f64| {
        let walk = crate::tui::runs::update::past(state).unwrap().walk.clone();
        let moment = Box::new(walk.moment(at).unwrap());
        let effects = answer(state, Answer::Moment(walk, Ok(moment)));
        let tails = effects.iter().find_map(|effect| match effect {
            Effect::ReadTail {
                process: of, until, ..
            } if *of == process => Some(*until),
            _ => None,
        });
        (tails, state.run.as_ref().unwrap().until(&process))
    };
    let line = "second 2\r\n".len() as u64;
    assert_eq!(until(&mut state, 1.0), (Some(Some(0)), Some(0)));
    assert_eq!(
        until(&mut state, 5.0),
        (Some(Some(2 * line)), Some(2 * line))
    );
    assert_eq!(
        until(&mut state, 6.0),
        (None, Some(2 * line)),
        "nothing came since"
    );
    let tail = |until, text: &str| Msg::Tail {
        process: process.clone(),
        path: run.log_path(&process),
        at: 0,
        bytes: text.as_bytes().to_vec(),
        until,
    };
    update(&mut state, tail(Some(2 * line), "early"), Instant::now());
    update(&mut state, tail(None, "all of it"), Instant::now());
    let mut effects = Vec::new();
    state
        .run
        .as_mut()
        .unwrap()
        .parse(Instant::now(), &mut effects);
    let text = shown(&state);
    assert!(
        text.contains("early") && !text.contains("all of it"),
        "{text}"
    );
    assert_eq!(
        until(&mut state, 10.0),
        (Some(None), None),
        "in the end all of it"
    );
}

#[test]
fn a_step_through_a_long_record_reads_a_small_part_of_it_and_gives_what_all_of_it_would() {
    let place = Place::new();
    let run = RunFolder::create(&place.runs, SESSION, |_| EngineInfo::of_this_process()).unwrap();
    let mut log = run.events();
    let mut samples = run.queues();
    for second in 0..6_000u32 {
        let at = f64::from(second);
        let lived = (0..2).flat_map(|rank| {
            let started = format!(
                r#"{{"event":"process_started","process":"g/a.{rank}","incarnation":{second},"pid":7,"host":"localhost","cpus":[],"gpus":null,"channel":"pty"}}"#
            );
            let ended = format!(
                r#"{{"event":"process_ended","process":"g/a.{rank}","incarnation":{second},"status":{{"code":1}},"failure":true,"usage":{{"cpu_seconds":1.5,"peak_memory":1000}},"restart_in":1.0}}"#
            );
            [stamped(at + 0.25, &started), stamped(at + 0.75, &ended)]
        });
        let mut lived: Vec<Stamped> = lived.collect();
        lived.sort_by(|a, b| a.at.total_cmp(&b.at));
        log.append(&lived);
        samples.append(&[serde_json::json!({"at": at, "queues": []})]);
    }
    let opened = place.opened(run.id());
    let walk = opened.through.walk;
    let all = walk.read();
    assert!(all > 3 << 20, "{all}");
    for at in [5_990.0, 5_989.0, 3_000.5, 2_999.5, 12.0, 4_000.0] {
        let before = walk.read();
        let moment = walk.moment(at).unwrap();
        let read = walk.read() - before;
        assert!(read < all / 3, "{read} of {all} to {at}");
        let fresh = place.opened(run.id()).through.walk;
        fresh.moment(0.0).unwrap();
        assert_eq!(moment.facts, fresh.moment(at).unwrap().facts, "{at}");
    }
    let before = walk.read();
    walk.moment(4_001.0).unwrap();
    assert!(walk.read() - before < 100 << 10, "on from where it was");
}

#[test]
fn the_merged_view_of_the_past_asks_for_the_logs_and_shows_them_in_place_of_those_of_another_second()
 {
    let place = Place::new();
    let run = place.recorded(SESSION, true);
    let mut state = state();
    look_at(&mut state, place.opened(run.id()));
    let asked = |effects: &[Effect]| {
        effects.iter().find_map(|effect| match effect {
            Effect::ReadLogs { number, logs } => Some((*number, logs.clone())),
            _ => None,
        })
    };
    let read = |number, log: &LogPart, bytes: &[u8]| Msg::Logs {
        number,
        logs: vec![LogRead {
            process: log.process.clone(),
            path: log.path.clone(),
            at: 0,
            bytes: bytes.to_vec(),
        }],
    };
    let (number, logs) = asked(&press(&mut state, "a")).unwrap();
    assert_eq!(logs.len(), 2);
    assert!(shown(&state).contains("reading the logs"));
    let end = read(number, &logs[0], b"at the end\n");
    update(&mut state, end, Instant::now());
    assert!(shown(&state).contains("at the end"), "{}", shown(&state));
    let Some(Ask::Moment { walk, at }) = asks(&press(&mut state, ",")).pop() else {
        panic!("nothing was asked");
    };
    let moment = Box::new(walk.moment(at).unwrap());
    let (number, logs) = asked(&answer(&mut state, Answer::Moment(walk, Ok(moment)))).unwrap();
    let before = read(number, &logs[0], b"before it\n");
    update(&mut state, before, Instant::now());
    let text = shown(&state);
    assert!(
        text.contains("before it") && !text.contains("at the end"),
        "{text}"
    );
}
