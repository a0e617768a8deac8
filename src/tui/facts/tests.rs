//! What is known of a run, sentence by sentence.

use super::*;
use crate::model::event::ProcessSample;

fn facts() -> Facts {
    let text = r#"Session(version: 1, groups: {"g": ProcessGroup(templates: {
        "a": ProcessTemplate(target: Program("a"), replicas: 2),
        "b": ProcessTemplate(target: Program("b"), stdout: DevNull)})})"#;
    Facts::of(&Session::parse(text).session)
}

fn event(at: f64, json: &str) -> Stamped {
    let mut value: serde_json::Value = serde_json::from_str(json).unwrap();
    value["at"] = at.into();
    serde_json::from_value(value).unwrap()
}

fn id(text: &str) -> ProcessId {
    text.parse().unwrap()
}

const STARTED: &str = r#"{"event":"process_started","process":"g/a.1","incarnation":0,"pid":7,"host":"localhost","cpus":[],"gpus":null,"channel":"pty"}"#;
const RUNNING: &str =
    r#"{"event":"process_changed","process":"g/a.1","incarnation":0,"state":"ready"}"#;
const FAILED: &str = r#"{"event":"process_ended","process":"g/a.1","incarnation":0,"status":{"code":3},"failure":true,"usage":{"cpu_seconds":0.1,"peak_memory":1},"restart_in":null}"#;
const ENDED: &str =
    r#"{"event":"process_changed","process":"g/a.1","incarnation":0,"state":"ended"}"#;

#[test]
fn a_rank_is_followed_from_its_start_to_its_failure() {
    let mut facts = facts();
    assert_eq!(facts.count(None).total, 3);
    assert_eq!(facts.count(None).muted, 1, "muted from birth");
    facts.apply(&event(1.0, STARTED));
    facts.apply(&event(1.0, RUNNING));
    assert_eq!(facts.count(None).live, 1);
    let said = facts.apply(&event(2.5, FAILED)).unwrap();
    assert_eq!(said.text, "g/a.1 failed: exit 3");
    facts.apply(&event(2.5, ENDED));
    assert_eq!(facts.first_failure, Some(id("g/a.1")));
    let rank = facts.rank(&id("g/a.1")).unwrap();
    assert!(rank.has_failed());
    assert_eq!((rank.began, rank.ended), (Some(1.0), Some(2.5)));
    assert_eq!(facts.count(Some(&"g/a".parse().unwrap())).failed, 1);
}

#[test]
fn a_new_life_forgets_how_the_old_one_ended() {
    let mut facts = facts();
    for json in [STARTED, FAILED, ENDED] {
        facts.apply(&event(1.0, json));
    }
    let again = STARTED.replace("\"incarnation\":0", "\"incarnation\":1");
    facts.apply(&event(3.0, &again));
    let rank = facts.rank(&id("g/a.1")).unwrap();
    assert_eq!(
        (rank.restarts(), rank.status.clone(), rank.failure),
        (1, None, false)
    );
}

#[test]
fn scaling_up_adds_ranks_and_scaling_down_hides_those_that_have_ended() {
    let mut facts = facts();
    let scaled = r#"{"event":"scaled","template":"g/a","replicas":4}"#;
    facts.apply(&event(1.0, scaled));
    assert_eq!(facts.selected(Some(&"g/a".parse().unwrap())).count(), 4);
    facts.apply(&event(1.0, &STARTED.replace("a.1", "a.3")));
    facts.apply(&event(1.0, &RUNNING.replace("a.1", "a.3")));
    facts.apply(&event(2.0, &scaled.replace('4', "1")));
    let a = "g/a".parse().unwrap();
    let left: Vec<_> = facts.selected(Some(&a)).collect();
    let left: Vec<u32> = left.iter().map(|(process, _)| process.rank).collect();
    assert_eq!(left, [0, 3], "what still runs is shown");
}

#[test]
fn rates_come_from_the_difference_of_two_samples() {
    let mut facts = facts();
    facts.apply(&event(0.0, STARTED));
    facts.apply(&event(0.0, RUNNING));
    let sample = |shown| Samples {
        hosts: Vec::new(),
        processes: vec![ProcessSample {
            process: id("g/a.1"),
            cpu: 0.5,
            memory: 10,
            processes: 1,
            shown,
            discarded: 0,
        }],
    };
    facts.sample(&sample(100), 1.0);
    facts.sample(&sample(300), 3.0);
    assert_eq!(facts.rank(&id("g/a.1")).unwrap().rate, 100.0);
    facts.apply(&event(4.0, ENDED));
    assert_eq!(
        facts.rank(&id("g/a.1")).unwrap().rate,
        0.0,
        "nothing comes of the dead"
    );
}

#[test]
fn an_event_about_a_stranger_changes_nothing() {
    let mut facts = facts();
    let before = facts.clone();
    facts.apply(&event(0.0, &RUNNING.replace("g/a", "x/y")));
    assert_eq!(facts, before);
}

/// What a walk over all ranks finds.
fn walked(facts: &Facts, selector: Option<&Selector>) -> (Count, Vec<ProcessId>) {
    let mut count = Count::default();
    let ranks = facts.selected(selector).map(|(process, rank)| {
        count.add(&Count::of(rank));
        process
    });
    let ranks = ranks.collect();
    (count, ranks)
}

#[test]
fn what_is_counted_without_a_walk_is_what_a_walk_finds() {
    let mut facts = facts();
    let mut at = 0.0;
    let states = [
        "waiting", "starting", "running", "stopping", "ended", "lost",
    ];
    for step in 0_u32..400 {
        at += 0.1;
        let mixed = step.wrapping_mul(2_654_435_761);
        let rank = (mixed >> 8) % 7;
        let process = format!("\"process\":\"g/a.{rank}\",\"incarnation\":{}", step / 90);
        let state = states[(mixed >> 16) as usize % states.len()];
        let json = match mixed >> 29 {
            0 => format!(
                r#"{{"event":"scaled","template":"g/a","replicas":{}}}"#,
                1 + (mixed >> 20) % 6
            ),
            1 => format!(
                r#"{{"event":"mute_changed",{process},"muted":{},"discarded":0}}"#,
                rank % 2 == 0
            ),
            2 => format!(r#"{{"event":"alerted",{process},"alert":"Died","text":"quiet"}}"#),
            3 => FAILED.replace("\"process\":\"g/a.1\",\"incarnation\":0", &process),
            4 => {
                facts.seen(&id(&format!("g/a.{rank}")));
                continue;
            }
            _ => format!(r#"{{"event":"process_changed",{process},"state":"{state}"}}"#),
        };
        facts.apply(&event(at, &json));
        let selectors = ["g", "g/a", "g/b", "g/a.3", "g/a.6"].map(|it| it.parse().unwrap());
        for selector in selectors.iter().map(Some).chain([None]) {
            let (count, ranks) = walked(&facts, selector);
            assert_eq!(
                facts.count(selector),
                count,
                "{step}: {selector:?} after {json}"
            );
            assert_eq!(
                facts.page(selector, 0, 100),
                ranks,
                "{step}: {selector:?} after {json}"
            );
            for (place, process) in ranks.iter().enumerate() {
                assert_eq!(facts.position(selector, process), Some(place));
                assert_eq!(
                    facts.page(selector, place, 1),
                    std::slice::from_ref(process)
                );
            }
        }
        let ended = facts.selected(None).filter_map(|(_, rank)| rank.ended);
        assert!(facts.last_end() >= ended.fold(0.0, f64::max));
    }
    assert!(facts.count(None).total > 2);
}
