//! What clients ask for while a group runs: stop, restart, scale, mute, finish.

use super::*;

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
    // Who is stopped could not hear of the first one without the second.
    let go_on = Action::Signal(child, Signal::CONT);
    let asked = [Action::Signal(child, Signal::INT), go_on.clone()];
    assert_eq!(ladder(&world), asked);
    world.wait(Duration::from_secs(3));
    let told = [Action::Signal(child, Signal::TERM), go_on];
    assert_eq!(ladder(&world)[2..], told);
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
fn ranks_that_are_added_to_a_muted_template_are_muted() {
    let mut world = World::started(&session(vec![("g", group(vec![("a", template())]))]));
    world.command(Command::Mute("g".parse().unwrap()));
    world.command(Command::Scale("g/a".parse().unwrap(), 2));
    let second = |action: &Action| matches!(action, Action::Spawn { process, mute: Some(true), .. } if process.rank == 1);
    assert!(world.actions.iter().any(second));
}

#[test]
fn a_group_that_was_stopped_is_told_apart_from_one_that_succeeded() {
    let mut world = World::started(&session(vec![("g", group(vec![("a", template())]))]));
    world.command(Command::Stop("g".parse().unwrap()));
    let state = world.supervisor.group_state(&"g".parse().unwrap());
    assert_eq!(state, Some(GroupState::Stopped));
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
fn every_life_begins_with_the_size_that_its_pane_had_last() {
    let mut world = World::new(&session(vec![("g", group(vec![("a", template())]))]));
    world.command(Command::Resize("g/a.0".parse().unwrap(), 11, 74));
    world.command(Command::Start("g".parse().unwrap()));
    world.command(Command::Resize("g/a.0".parse().unwrap(), 38, 120));
    let told = Action::Resize(world.child("g/a.0"), 38, 120);
    assert!(world.actions.contains(&told), "the living one is told");
    world.command(Command::Restart("g/a.0".parse().unwrap()));
    let sizes = world.actions.iter().filter_map(|action| match action {
        Action::Spawn { size, .. } => Some(*size),
        _ => None,
    });
    assert_eq!(sizes.collect::<Vec<_>>(), [Some((11, 74)), Some((38, 120))]);
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

#[test]
fn a_run_goes_on_while_something_is_to_be_started_later() {
    let mut world = World::new(&session(vec![
        ("now", group(vec![("a", template())])),
        ("later", group(vec![("a", template())])),
    ]));
    world.supervisor.set_more_to_come(true);
    world.command(Command::Start("now".parse().unwrap()));
    world.exits("now/a.0", 0);
    assert!(world.over.is_none());
    world.supervisor.set_more_to_come(false);
    world.command(Command::Start("later".parse().unwrap()));
    world.exits("later/a.0", 0);
    assert_eq!(world.outcome(), Outcome::Succeeded);
}

#[test]
fn finishing_before_a_later_start_is_an_interruption() {
    let mut world = World::new(&session(vec![("later", group(vec![("a", template())]))]));
    world.supervisor.set_more_to_come(true);
    world.command(Command::Finish);
    assert_eq!(world.outcome(), Outcome::Interrupted);
}

#[test]
fn a_group_that_was_stopped_is_no_success_for_who_waits_for_it() {
    let second = ProcessGroup {
        after: vec![After::Succeeded("first".to_owned())],
        ..group(vec![("a", template())])
    };
    let mut world = World::started(&session(vec![
        ("first", group(vec![("a", template())])),
        ("second", second),
    ]));
    world.command(Command::Stop("first".parse().unwrap()));
    assert_eq!(
        world.status("second/a.0"),
        "skipped: group first was stopped or did not run"
    );
    assert_eq!(world.outcome(), Outcome::Failed, "not all ranks ended well");
}

#[test]
fn scaling_down_what_has_not_started_gives_its_seats_back_and_tells_the_end_of_each() {
    let policy = Policy {
        cpus: Some(1),
        ..Policy::default()
    };
    let many = ProcessTemplate {
        replicas: 3,
        policy: policy.clone(),
        after: vec![After::Ended("first".to_owned())],
        ..template()
    };
    let mut world = World::started(&session(vec![(
        "g",
        group(vec![("first", template()), ("many", many)]),
    )]));
    world.command(Command::Scale("g/many".parse().unwrap(), 1));
    let ended = |rank: u32| world.status(&format!("g/many.{rank}"));
    assert_eq!(
        (ended(0), ended(1), ended(2)),
        (
            String::new(),
            "skipped: stopped before it started".to_owned(),
            "skipped: stopped before it started".to_owned(),
        )
    );
    world.command(Command::Scale("g/many".parse().unwrap(), 4));
    world.exits("g/first.0", 0);
    assert_eq!(
        world.alive().len(),
        4,
        "all four cpus could be given out again"
    );
}

#[test]
fn a_rank_that_comes_back_by_scaling_has_a_life_and_timers_of_its_own() {
    let mut world = World::started(&session(vec![(
        "g",
        group(vec![(
            "a",
            ProcessTemplate {
                replicas: 2,
                ..template()
            },
        )]),
    )]));
    world.command(Command::Scale("g/a".parse().unwrap(), 1));
    world.command(Command::Scale("g/a".parse().unwrap(), 2));
    let lives: Vec<u32> = world
        .events
        .iter()
        .filter_map(|event| match event {
            Event::ProcessStarted {
                process,
                incarnation,
                ..
            } if process.rank == 1 => Some(incarnation.0),
            _ => None,
        })
        .collect();
    assert_eq!(lives, [0, 1]);
    world.stubborn.push("a".to_owned());
    world.command(Command::Stop("g/a.1".parse().unwrap()));
    world.wait(Duration::from_secs(4));
    let child = world.child("g/a.1");
    assert!(
        !world.actions.contains(&Action::Signal(child, Signal::TERM)),
        "no timer of its former life"
    );
}

#[test]
fn scaling_up_while_the_excess_still_ends_brings_it_back() {
    let mut world = World::started(&session(vec![(
        "g",
        group(vec![(
            "a",
            ProcessTemplate {
                replicas: 3,
                ..template()
            },
        )]),
    )]));
    world.stubborn.push("a".to_owned());
    world.command(Command::Scale("g/a".parse().unwrap(), 1));
    world.command(Command::Scale("g/a".parse().unwrap(), 3));
    world.wait(Duration::from_secs(11));
    assert_eq!(world.alive(), ["g/a.0", "g/a.1", "g/a.2"]);
}

#[test]
fn a_stop_calls_off_a_restart_that_waits_for_the_end() {
    let mut world = World::started(&session(vec![(
        "g",
        group(vec![("a", template()), ("b", template())]),
    )]));
    world.stubborn.push("a".to_owned());
    world.command(Command::Restart("g/a.0".parse().unwrap()));
    world.command(Command::Kill("g/a.0".parse().unwrap()));
    assert_eq!(world.alive(), ["g/b.0"]);
}

#[test]
fn restarting_a_rank_that_backs_off_does_not_wait() {
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
    world.command(Command::Restart("g/a".parse().unwrap()));
    assert_eq!(world.alive(), ["g/a.0"]);
}

#[test]
fn a_failure_counts_although_the_group_is_stopped_before_its_output_is_complete() {
    let mut world = World::started(&session(vec![(
        "g",
        group(vec![
            (
                "main",
                ProcessTemplate {
                    critical: true,
                    ..template()
                },
            ),
            ("b", template()),
        ]),
    )]));
    let b = world.child("g/b.0");
    world.alive.remove(&b);
    world.give(Input::Exited {
        child: b,
        exit: Exit::Code(1),
        usage: Usage::default(),
    });
    world.exits("g/main.0", 0);
    world.give(Input::Eof(b));
    assert_eq!(world.outcome(), Outcome::Failed);
}

#[test]
fn the_walltime_of_a_group_does_not_run_while_it_waits() {
    let second = ProcessGroup {
        after: vec![After::Succeeded("first".to_owned())],
        walltime: Some(Duration::from_secs(10)),
        ..group(vec![("a", template())])
    };
    let mut world = World::started(&session(vec![
        ("first", group(vec![("a", template())])),
        ("second", second),
    ]));
    world.wait(Duration::from_secs(60));
    world.exits("first/a.0", 0);
    world.wait(Duration::from_secs(9));
    assert!(world.over.is_none());
    world.wait(Duration::from_secs(1));
    assert_eq!(world.outcome(), Outcome::Walltime);
}

#[test]
fn the_tree_of_a_stopped_rank_is_ended_also_when_its_output_had_ended_before() {
    let mut world = World::started(&session(vec![(
        "g",
        group(vec![("a", template()), ("b", template())]),
    )]));
    let child = world.child("g/a.0");
    world.give(Input::Eof(child));
    world.command(Command::Stop("g/a.0".parse().unwrap()));
    assert!(world.actions.contains(&Action::KillTree(child)));
}

#[test]
fn all_that_failed_is_started_again_at_once_and_only_once() {
    let many = ProcessTemplate {
        replicas: 50,
        ..template()
    };
    let of = ProcessGroup {
        ignore_error_on_exit: true,
        ..group(vec![("a", many), ("b", template())])
    };
    let mut world = World::started(&session(vec![("g", of)]));
    for rank in 0..49 {
        world.exits(&format!("g/a.{rank}"), 1);
    }
    let spared = world.child("g/a.49");
    world.command(Command::RestartFailed(None));
    assert_eq!(world.alive().len(), 51);
    let again = world.child("g/a.0");
    world.command(Command::RestartFailed(Some(GroupName::new("g").unwrap())));
    assert_eq!(world.child("g/a.0"), again, "it does not fail any more");
    assert_eq!(world.child("g/a.49"), spared);
    world.exits("g/a.3", 1);
    world.command(Command::RestartFailed(Some(
        GroupName::new("other").unwrap(),
    )));
    assert_eq!(world.alive().len(), 50, "another group is not meant");
}
