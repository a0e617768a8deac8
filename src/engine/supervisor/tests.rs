//! Scenarios as sentences, and random wishes against what must always hold.

use proptest::prelude::*;

use super::*;
use crate::model::{
    policy::Policy,
    template::{After, ProcessGroup, ProcessTemplate, Ready, Restart, Stop},
};
use world::{World, group, session, template};

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
fn the_first_failure_stops_the_group_and_is_named() {
    let mut world = World::started(&session(vec![(
        "g",
        group(vec![
            ("a", template()),
            (
                "b",
                ProcessTemplate {
                    replicas: 3,
                    ..template()
                },
            ),
        ]),
    )]));
    world.exits("g/b.1", 7);
    assert!(world.alive().is_empty());
    assert_eq!(
        world.over,
        Some((Outcome::Failed, Some("g/b.1".parse().unwrap())))
    );
    let failures = |event: &&Event| matches!(event, Event::ProcessEnded { failure: true, .. });
    assert_eq!(
        world.events.iter().filter(failures).count(),
        1,
        "ranks that were asked to end are no failures"
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
fn a_stubborn_process_is_asked_then_told_then_killed_within_two_graces() {
    let stop = Stop {
        grace: Duration::from_secs(3),
        ..Stop::default()
    };
    let mut world = World::started(&session(vec![(
        "g",
        group(vec![("a", ProcessTemplate { stop, ..template() })]),
    )]));
    world.stubborn.push("a".to_owned());
    world.command(Command::Stop("g".parse().unwrap()));
    let child = world.child("g/a.0");
    let ladder = |world: &World| {
        world
            .actions
            .iter()
            .filter(|action| matches!(action, Action::Signal(..) | Action::KillTree(_)))
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(ladder(&world), [Action::Signal(child, Signal::INT)]);
    world.wait(Duration::from_secs(3));
    assert_eq!(
        ladder(&world).last(),
        Some(&Action::Signal(child, Signal::TERM))
    );
    world.wait(Duration::from_secs(3));
    assert_eq!(ladder(&world).last(), Some(&Action::KillTree(child)));
    assert_eq!(world.status("g/a.0"), "SIGKILL");
    assert_eq!(world.outcome(), Outcome::Succeeded, "it was asked to end");
}

#[test]
fn a_process_that_not_even_kill_ends_does_not_hold_up_the_run_for_ever() {
    let mut world = World::started(&session(vec![("g", group(vec![("a", template())]))]));
    let child = world.child("g/a.0");
    world.alive.clear();
    world.command(Command::Kill("g".parse().unwrap()));
    assert!(world.over.is_none());
    world.wait(GIVE_UP);
    assert!(world.over.is_some());
    assert!(world.events.iter().any(|e| matches!(
        e,
        Event::Notice {
            level: Level::Error,
            ..
        }
    )));
    world.give(Input::Exited {
        child,
        exit: Exit::Code(0),
        usage: Usage::default(),
    });
    assert_eq!(
        world.status("g/a.0"),
        "SIGKILL",
        "a late report of an old life is ignored"
    );
}

#[test]
fn killing_while_it_is_being_stopped_does_not_wait_for_the_grace() {
    let mut world = World::started(&session(vec![("g", group(vec![("a", template())]))]));
    world.stubborn.push("a".to_owned());
    world.command(Command::Stop("g/a".parse().unwrap()));
    world.command(Command::Kill("g/a.0".parse().unwrap()));
    assert!(world.over.is_some());
}

#[test]
fn a_failed_rank_is_restarted_with_growing_waits_at_most_max_times() {
    let restart = Restart::OnFailure { max: 2 };
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
    world.exits("g/a.0", 1);
    world.wait(Duration::from_millis(499));
    assert!(world.alive().is_empty());
    world.wait(Duration::from_millis(1));
    assert_eq!(world.alive(), ["g/a.0"]);
    world.exits("g/a.0", 1);
    world.wait(Duration::from_millis(999));
    assert!(world.alive().is_empty());
    world.wait(Duration::from_millis(1));
    world.exits("g/a.0", 1);
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
fn a_restart_that_is_waiting_is_called_off_by_a_stop() {
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
    world.exits("g/a.0", 0);
    world.command(Command::Stop("g".parse().unwrap()));
    assert_eq!(world.outcome(), Outcome::Succeeded);
    world.wait(Duration::from_secs(40));
    assert!(world.alive().is_empty());
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
    assert_eq!(world.status("g/c.0"), "skipped: b did not run");
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
fn the_end_of_a_critical_rank_ends_the_group_without_failing_it() {
    let critical = ProcessTemplate {
        critical: true,
        ..template()
    };
    let mut world = World::started(&session(vec![(
        "g",
        group(vec![("main", critical), ("aid", template())]),
    )]));
    world.exits("g/main.0", 0);
    assert_eq!(world.status("g/aid.0"), "SIGINT");
    assert_eq!(world.outcome(), Outcome::Succeeded);
}

#[test]
fn a_group_is_stopped_at_its_walltime() {
    let timed = ProcessGroup {
        walltime: Some(Duration::from_secs(10)),
        ..group(vec![("a", template())])
    };
    let mut world = World::started(&session(vec![("g", timed)]));
    world.wait(Duration::from_secs(9));
    assert!(world.over.is_none());
    world.wait(Duration::from_secs(1));
    assert_eq!(world.outcome(), Outcome::Walltime);
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
fn a_template_is_scaled_up_and_down_while_it_runs() {
    let mut world = World::started(&session(vec![("g", group(vec![("a", template())]))]));
    world.command(Command::Scale("g/a".parse().unwrap(), 3));
    assert_eq!(world.alive(), ["g/a.0", "g/a.1", "g/a.2"]);
    world.command(Command::Scale("g/a".parse().unwrap(), 1));
    assert_eq!(world.alive(), ["g/a.0"]);
    world.command(Command::Scale("g".parse().unwrap(), 1));
    assert!(matches!(world.events.last(), Some(Event::Refused { .. })));
    world.exits("g/a.0", 0);
    assert_eq!(world.outcome(), Outcome::Succeeded);
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
fn restarting_a_running_rank_ends_it_first_and_counts_as_no_failure() {
    let mut world = World::started(&session(vec![("g", group(vec![("a", template())]))]));
    let first = world.child("g/a.0");
    world.command(Command::Restart("g/a.0".parse().unwrap()));
    assert_ne!(world.child("g/a.0"), first);
    let second = |event: &Event| {
        matches!(
            event,
            Event::ProcessStarted {
                incarnation: Incarnation(1),
                ..
            }
        )
    };
    assert!(world.events.iter().any(second), "each life is counted once");
    world.exits("g/a.0", 0);
    assert_eq!(world.outcome(), Outcome::Succeeded);
}

#[test]
fn muting_before_the_start_is_remembered() {
    let mut world = World::new(&session(vec![("g", group(vec![("a", template())]))]));
    world.command(Command::Mute("g/a".parse().unwrap()));
    world.command(Command::Start("g".parse().unwrap()));
    assert!(world.actions.iter().any(|action| matches!(
        action,
        Action::Spawn {
            mute: Some(true),
            ..
        }
    )));
}

#[test]
fn finishing_the_run_stops_everything_and_is_an_interruption() {
    let mut world = World::started(&session(vec![
        ("g", group(vec![("a", template())])),
        ("h", group(vec![("a", template())])),
    ]));
    world.command(Command::Finish);
    assert_eq!(world.outcome(), Outcome::Interrupted);
    world.command(Command::Start("g".parse().unwrap()));
    assert!(
        world.alive().is_empty(),
        "nothing starts when the run is ending"
    );
}

#[test]
fn ten_thousand_ranks_are_asked_for_in_portions_so_that_a_stop_is_felt_at_once() {
    let many = group(vec![(
        "a",
        ProcessTemplate {
            replicas: 10_000,
            ..template()
        },
    )]);
    let mut world = World::new(&session(vec![("g", many)]));
    let actions = world.supervisor.step(
        Input::Command(Command::Start("g".parse().unwrap())),
        world.now,
    );
    let spawned = actions
        .iter()
        .filter(|action| matches!(action, Action::Spawn { .. }))
        .count();
    assert_eq!(spawned, STARTING_MAX);
}

/// What may happen in a random run.
#[derive(Debug, Clone)]
enum Chance {
    Wish(u8, u8),
    Exit(u8, i32),
    Time(u16),
    Stubborn(bool),
}

fn chances() -> impl Strategy<Value = Vec<Chance>> {
    proptest::collection::vec(
        prop_oneof![
            (0u8..8, 0u8..4).prop_map(|(wish, whom)| Chance::Wish(wish, whom)),
            (any::<u8>(), 0i32..2).prop_map(|(who, code)| Chance::Exit(who, code)),
            (0u16..8000).prop_map(Chance::Time),
            any::<bool>().prop_map(Chance::Stubborn),
        ],
        1..40,
    )
}

proptest! {
    #[test]
    fn whatever_happens_a_process_has_one_life_at_a_time_each_end_is_told_once_and_finishing_ends_all(
        chances in chances()
    ) {
        let templates = || group(vec![
            ("a", ProcessTemplate { replicas: 2, restart: Restart::OnFailure { max: 2 }, ..template() }),
            ("b", ProcessTemplate { after: vec![After::Started("a".to_owned())], ..template() }),
            ("c", ProcessTemplate { policy: Policy { cpus: Some(2), ..Policy::default() }, ..template() }),
        ]);
        let mut world = World::new(&session(vec![("g", templates()), ("h", templates())]));
        for chance in chances {
            match chance {
                Chance::Wish(wish, whom) => {
                    let selector: Selector = ["g", "h", "g/a", "h/b.0"][usize::from(whom)].parse().unwrap();
                    world.command(match wish {
                        0 | 1 => Command::Start(selector),
                        2 => Command::Stop(selector),
                        3 => Command::Kill(selector),
                        4 => Command::Restart(selector),
                        5 => Command::Mute(selector),
                        6 => Command::Scale("g/a".parse().unwrap(), u32::from(whom) + 1),
                        _ => Command::Unmute(selector),
                    });
                }
                Chance::Exit(who, code) => {
                    let children: Vec<_> = world.alive.keys().copied().collect();
                    if !children.is_empty() {
                        let child = children[usize::from(who) % children.len()];
                        for input in world.death(child, Exit::Code(code)) {
                            world.give(input);
                        }
                    }
                }
                Chance::Time(ms) => world.wait(Duration::from_millis(ms.into())),
                Chance::Stubborn(yes) => world.stubborn = if yes { vec!["a".to_owned()] } else { Vec::new() },
            }
            let mut lives: Vec<_> = world.alive.values().collect();
            lives.sort();
            let count = lives.len();
            lives.dedup();
            prop_assert_eq!(lives.len(), count, "two lives of one process");
        }
        world.command(Command::Finish);
        world.wait(Duration::from_secs(20));
        prop_assert!(world.alive.is_empty());
        prop_assert!(world.over.is_some());
        prop_assert_eq!(world.supervisor.starting, 0);
        prop_assert!(world.supervisor.children.is_empty());
        let starts = world.events.iter().filter(|e| matches!(e, Event::ProcessStarted { .. })).count();
        let ends = world.events.iter().filter(|e| {
            matches!(e, Event::ProcessEnded { status: ExitStatus::Code(_) | ExitStatus::Signal { .. }, .. })
        }).count();
        prop_assert_eq!(starts, ends, "each life is reported once");
    }
}
