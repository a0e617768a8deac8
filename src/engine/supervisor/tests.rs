//! Scenarios as sentences, and random wishes against what must always hold.

use super::*;
use crate::model::{
    policy::Policy,
    template::{After, ProcessGroup, ProcessTemplate, Ready, Restart, Stop},
};
use world::{World, group, session, template};

mod chance;
mod wishes;
mod world;

#[test]
fn a_group_runs_until_all_its_ranks_have_ended_and_the_run_succeeds() {
    let mut world = World::started(&session(vec![(
        "g",
        group(vec![
            (
                "a",
                ProcessTemplate {
                    replicas: 2,
                    ..template()
                },
            ),
            ("b", template()),
        ]),
    )]));
    assert_eq!(world.alive(), ["g/a.0", "g/a.1", "g/b.0"]);
    world.exits("g/a.0", 0);
    world.exits("g/b.0", 0);
    assert!(world.over.is_none());
    world.exits("g/a.1", 0);
    assert_eq!(world.over, Some((Outcome::Succeeded, None)));
    assert!(
        world
            .actions
            .iter()
            .any(|action| matches!(action, Action::Sweep(..))),
        "what it left behind is swept"
    );
}

#[test]
fn with_ignore_error_on_exit_the_rest_goes_on_and_the_run_still_tells() {
    let mut ignoring = group(vec![(
        "a",
        ProcessTemplate {
            replicas: 2,
            ..template()
        },
    )]);
    ignoring.ignore_error_on_exit = true;
    let mut world = World::started(&session(vec![("g", ignoring)]));
    world.exits("g/a.0", 1);
    assert_eq!(world.alive(), ["g/a.1"]);
    world.exits("g/a.1", 0);
    assert_eq!(world.outcome(), Outcome::Failed);
}

#[test]
fn a_long_life_resets_the_back_off() {
    let restart = Restart::Always;
    let mut world = World::started(&session(vec![(
        "g",
        group(vec![(
            "a",
            ProcessTemplate {
                restart,
                ..template()
            },
        )]),
    )]));
    for wait in [500, 1000, 2000] {
        world.exits("g/a.0", 0);
        world.wait(Duration::from_millis(wait));
        assert_eq!(world.alive(), ["g/a.0"]);
    }
    world.wait(Duration::from_secs(60));
    world.exits("g/a.0", 0);
    world.wait(Duration::from_millis(500));
    assert_eq!(world.alive(), ["g/a.0"]);
}

#[test]
fn templates_start_after_what_they_wait_for() {
    let after = |after| ProcessTemplate {
        after: vec![after],
        ..template()
    };
    let mut world = World::started(&session(vec![(
        "g",
        group(vec![
            (
                "server",
                ProcessTemplate {
                    ready: Some(Ready::Line("up".to_owned())),
                    ..template()
                },
            ),
            ("client", after(After::Ready("server".to_owned()))),
            ("report", after(After::Succeeded("client".to_owned()))),
        ]),
    )]));
    assert_eq!(world.alive(), ["g/server.0"]);
    let because = world
        .supervisor
        .explain(&"g/client.0".parse().unwrap())
        .unwrap()
        .because;
    assert!(because.contains("Ready(\"server\")"), "{because}");
    world.give(Input::ReadySeen(world.child("g/server.0")));
    assert_eq!(world.alive(), ["g/client.0", "g/server.0"]);
    world.exits("g/client.0", 0);
    assert_eq!(world.alive(), ["g/report.0", "g/server.0"]);
}

#[test]
fn what_waits_for_something_that_cannot_happen_any_more_is_skipped_and_says_why() {
    let mut failing = group(vec![
        ("a", template()),
        (
            "b",
            ProcessTemplate {
                after: vec![After::Succeeded("a".to_owned())],
                ..template()
            },
        ),
        (
            "c",
            ProcessTemplate {
                after: vec![After::Succeeded("b".to_owned())],
                ..template()
            },
        ),
    ]);
    failing.ignore_error_on_exit = true;
    let mut world = World::started(&session(vec![("g", failing)]));
    world.exits("g/a.0", 1);
    assert_eq!(world.outcome(), Outcome::Failed);
    assert_eq!(world.status("g/b.0"), "skipped: a failed");
    assert_eq!(
        world.status("g/c.0"),
        "skipped: b was stopped or did not run"
    );
}

#[test]
fn a_group_starts_after_another_and_uses_what_that_one_gave_back() {
    let policy = Policy {
        cpus: Some(4),
        ..Policy::default()
    };
    let greedy = || {
        group(vec![(
            "a",
            ProcessTemplate {
                policy: policy.clone(),
                ..template()
            },
        )])
    };
    let second = ProcessGroup {
        after: vec![After::Succeeded("first".to_owned())],
        ..greedy()
    };
    let mut world = World::started(&session(vec![("second", second), ("first", greedy())]));
    assert_eq!(world.alive(), ["first/a.0"]);
    assert_eq!(
        world.supervisor.group_state(&"second".parse().unwrap()),
        Some(GroupState::Waiting)
    );
    world.exits("first/a.0", 0);
    assert_eq!(world.alive(), ["second/a.0"]);
    world.exits("second/a.0", 0);
    assert_eq!(world.outcome(), Outcome::Succeeded);
}

#[test]
fn a_group_that_cannot_be_placed_starts_nothing_and_says_what_was_asked() {
    let policy = Policy {
        gpus: Some(1),
        ..Policy::default()
    };
    let world = World::started(&session(vec![(
        "g",
        group(vec![
            ("a", template()),
            (
                "b",
                ProcessTemplate {
                    policy,
                    ..template()
                },
            ),
        ]),
    )]));
    assert!(world.alive.is_empty());
    assert_eq!(world.outcome(), Outcome::Unplaceable);
    let said =
        |e: &Event| matches!(e, Event::Notice { text, .. } if text.contains("asked for 1 GPU"));
    assert!(world.events.iter().any(said));
}

#[test]
fn a_process_that_cannot_be_started_fails_the_run_with_its_reason() {
    let mut world = World::new(&session(vec![(
        "g",
        group(vec![("a", template()), ("b", template())]),
    )]));
    world.unstartable.push("a".to_owned());
    world.command(Command::Start("g".parse().unwrap()));
    assert_eq!(world.outcome(), Outcome::Failed);
    assert_eq!(world.status("g/a.0"), "not started: no");
}

#[test]
fn a_host_that_is_lost_costs_what_ran_on_it_and_nothing_is_started_there_again() {
    let restart = Restart::Always;
    let mut world = World::started(&session(vec![(
        "g",
        group(vec![(
            "a",
            ProcessTemplate {
                restart,
                ..template()
            },
        )]),
    )]));
    world.alive.clear();
    world.give(Input::HostLost {
        host: 0,
        reason: "gone".to_owned(),
    });
    assert_eq!(world.outcome(), Outcome::HostLost);
    world.wait(Duration::from_secs(60));
    assert!(world.alive().is_empty());
}

#[test]
fn the_output_of_an_ended_process_is_waited_for_two_seconds_and_then_closed() {
    let mut world = World::started(&session(vec![("g", group(vec![("a", template())]))]));
    let child = world.child("g/a.0");
    world.give(Input::Exited {
        child,
        exit: Exit::Code(0),
        usage: Usage::default(),
    });
    assert!(world.over.is_none(), "its output may still come");
    world.wait(DRAIN);
    assert!(world.actions.contains(&Action::Close(child)));
    assert_eq!(world.outcome(), Outcome::Succeeded);
}

#[test]
fn what_waits_for_a_group_that_did_not_run_does_not_run_either() {
    let after = |name: &str| ProcessGroup {
        after: vec![After::Succeeded(name.to_owned())],
        ..group(vec![("a", template())])
    };
    let mut world = World::started(&session(vec![
        ("first", group(vec![("a", template())])),
        ("second", after("first")),
        ("third", after("second")),
    ]));
    world.exits("first/a.0", 1);
    assert_eq!(world.status("third/a.0"), "skipped: group second failed");
    assert_eq!(world.outcome(), Outcome::Failed);
}

#[test]
fn readiness_that_is_told_after_the_exit_still_counts() {
    let mut world = World::started(&session(vec![(
        "g",
        group(vec![
            (
                "init",
                ProcessTemplate {
                    ready: Some(Ready::Line("done".to_owned())),
                    ..template()
                },
            ),
            (
                "main",
                ProcessTemplate {
                    after: vec![After::Ready("init".to_owned())],
                    ..template()
                },
            ),
        ]),
    )]));
    let child = world.child("g/init.0");
    world.alive.remove(&child);
    world.give(Input::Exited {
        child,
        exit: Exit::Code(0),
        usage: Usage::default(),
    });
    world.give(Input::ReadySeen(child));
    world.give(Input::Eof(child));
    assert_eq!(world.alive(), ["g/main.0"]);
}

#[test]
fn ranks_that_were_not_started_when_their_host_was_lost_end_at_once() {
    let mut many = group(vec![(
        "a",
        ProcessTemplate {
            replicas: 2_000,
            ..template()
        },
    )]);
    many.ignore_error_on_exit = true;
    let mut world = World::new(&session(vec![("g", many)]));
    world.supervisor.step(
        Input::Command(Command::Start("g".parse().unwrap())),
        world.now,
    );
    world.give(Input::HostLost {
        host: 0,
        reason: "gone".to_owned(),
    });
    assert_eq!(world.outcome(), Outcome::HostLost);
}
