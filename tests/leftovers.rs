//! Nothing is left behind, whatever dies first: engine, agent, guardian, one by one or in the same instant.
//!
//! What a run started is known by the mark in its environment; after each murder nothing that carries it may live.
//! Start at [`BAD_HABITS`].

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::time::{Duration, Instant};

use support::{
    program::{Home, LIMIT, PROGRAM, Process, Running, group_of, json, shell},
    wait_for,
};

/// How long the end of everything may take after a murder.
const SOON: Duration = Duration::from_secs(6);

/// A rank that ignores what it is asked, with a child, a grandchild in a session of its own that ignores everything
/// too, and a daemon that forked twice. It says when all of them are there.
const BAD_HABITS: &str = "trap '' INT TERM HUP QUIT
    sleep 6001 &
    setsid sh -c 'trap \"\" INT TERM HUP; sleep 6002' &
    (setsid sh -c 'sleep 6003 & cd /; exec sleep 6003' </dev/null >/dev/null 2>&1 &)
    nohup sleep 6004 >/dev/null 2>&1 &
    echo here
    while :; do sleep 0.1; done";

/// Leaves a process in a session of its own, which is there when this ends: the hang-up of the pty would catch it before.
const DETACHED: &str =
    r#"setsid sleep 6002 & while [ "$(cat /proc/$!/comm)" != sleep ]; do :; done"#;

/// How many sleepers one such rank has.
const SLEEPERS: usize = 5;

struct Scene {
    home: Home,
    run: Running,
    agent: Process,
    guardian: Process,
}

fn sleepers(home: &Home) -> usize {
    let all = home.marked().into_iter();
    all.filter(|it| {
        it.arguments[0] == "sleep"
            && it
                .arguments
                .get(1)
                .is_some_and(|time| time.starts_with("600"))
    })
    .count()
}

/// Two ranks with bad habits under way.
fn scene() -> Scene {
    let home = Home::new();
    let run = home.start_replay(&group_of(&shell("bad", BAD_HABITS, "replicas: 2")), &[]);
    run.wait_for_output("bad.0 | here");
    run.wait_for_output("bad.1 | here");
    wait_for("all sleepers", LIMIT, || {
        (sleepers(&home) == 2 * SLEEPERS).then_some(())
    });
    let part = |role| wait_for(role, LIMIT, || home.part(role));
    let (agent, guardian) = (part("agent"), part("guardian"));
    Scene {
        home,
        run,
        agent,
        guardian,
    }
}

impl Scene {
    #[track_caller]
    fn nothing_marked_lives(&self) {
        nothing_marked_lives(&self.home);
    }

    #[track_caller]
    fn nothing_lives(&self) {
        let began = Instant::now();
        wait_for("end of everything", SOON, || {
            self.home.processes().is_empty().then_some(())
        });
        eprintln!("everything gone after {:?}", began.elapsed());
    }
}

#[track_caller]
fn nothing_marked_lives(home: &Home) {
    let began = Instant::now();
    while !home.marked().is_empty() {
        assert!(began.elapsed() < SOON, "left behind: {:?}", home.marked());
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

#[test]
fn a_run_that_ends_well_takes_along_what_its_ranks_left_behind() {
    let home = Home::new();
    let line = format!("sleep 6001 & {DETACHED}; {DETACHED}; echo done");
    let done = home
        .replay(&group_of(&shell("t", &line, "replicas: 2")), &[])
        .ends_with(0);
    assert_eq!(home.marked(), [], "{done:?}");
    assert!(done.stdout.contains("t.0 | done"), "{done:?}");
    assert!(done.stderr.contains("group g had left"), "{done:?}");
}

#[test]
fn a_finished_group_is_swept_while_another_goes_on() {
    let home = Home::new();
    let session = r##"Session(version: 1, groups: {
        "short": ProcessGroup(templates: { "t": ProcessTemplate(target: Shell(r#"DETACHED; echo here"#)) }),
        "long": ProcessGroup(templates: { "t": ProcessTemplate(target: Shell("while ! [ -e GO ]; do sleep 0.05; done")) }),
    })"##;
    let run = home.start_replay(&session.replace("DETACHED", DETACHED), &[]);
    run.wait_for_notice("group short had left");
    assert_eq!(sleepers(&home), 0);
    home.write("GO", "");
    run.finish(LIMIT).ends_with(0);
}

#[test]
fn when_the_engine_is_killed_nothing_is_left() {
    let scene = scene();
    scene.run.signal(libc::SIGKILL);
    scene.nothing_marked_lives();
    scene.nothing_lives();
    assert_eq!(Running::finish(scene.run, LIMIT).code, 128 + libc::SIGKILL);
}

#[test]
fn when_the_agent_is_killed_the_host_is_lost_and_nothing_is_left() {
    let scene = scene();
    scene.agent.kill();
    scene.nothing_marked_lives();
    let done = scene.run.finish(SOON).ends_with(4);
    assert!(
        done.stderr
            .contains("host localhost is lost: its agent is gone"),
        "{done:?}"
    );
    assert!(done.stderr.contains("lost a host"), "{done:?}");
    let summary = scene.home.summary();
    assert_eq!(
        (&summary["outcome"], &summary["exit_code"]),
        (&"host_lost".into(), &4.into())
    );
    assert_eq!(scene.home.marked(), []);
}

#[test]
fn a_guardian_that_is_killed_is_replaced_and_the_next_murder_leaves_nothing() {
    let scene = scene();
    scene.guardian.kill();
    wait_for("a new guardian", LIMIT, || {
        scene
            .home
            .part("guardian")
            .filter(|it| it.pid != scene.guardian.pid)
    });
    assert_eq!(sleepers(&scene.home), 2 * SLEEPERS, "the run goes on");
    scene.agent.kill();
    scene.nothing_marked_lives();
    scene.run.finish(SOON).ends_with(4);
}

#[test]
fn when_engine_and_agent_are_killed_at_once_nothing_is_left() {
    let scene = scene();
    scene.run.signal(libc::SIGKILL);
    scene.agent.kill();
    scene.nothing_marked_lives();
    scene.nothing_lives();
}

#[test]
fn when_engine_and_guardian_are_killed_at_once_nothing_is_left() {
    let scene = scene();
    scene.run.signal(libc::SIGKILL);
    scene.guardian.kill();
    scene.nothing_marked_lives();
    scene.nothing_lives();
}

#[test]
fn when_all_three_are_killed_at_once_the_next_start_sweeps_what_is_left() {
    let scene = scene();
    let engine = std::fs::read_to_string(scene.home.the_run().join("engine.json")).unwrap();
    let socket = json(&engine)["queue_socket"].as_str().unwrap().to_owned();
    // Stopped first: none of them sees another one die.
    for pid in [scene.run.pid(), scene.agent.pid, scene.guardian.pid] {
        support::program::signal(pid, libc::SIGSTOP);
    }
    scene.guardian.kill();
    scene.agent.kill();
    scene.run.signal(libc::SIGKILL);
    let mut run = scene.run;
    wait_for("death of the engine", LIMIT, || run.is_over().then_some(()));
    assert!(sleepers(&scene.home) > 0, "else this test shows nothing");
    scene
        .home
        .replay(&group_of(&shell("t", "echo next", "")), &[])
        .ends_with(0)
        .prints(&["t.0 | next"]);
    assert_eq!(scene.home.marked(), []);
    let socket = std::path::PathBuf::from(socket);
    assert!(!socket.parent().unwrap().exists(), "{}", socket.display());
    let list = scene.home.run(&["runs"]).ends_with(0);
    assert!(
        list.stdout.contains("died") && list.stdout.contains("succeeded"),
        "{list:?}"
    );
}

#[test]
fn a_run_whose_lock_was_deleted_is_left_alone_by_the_next_start() {
    let home = Home::new();
    let line = "echo here; while ! [ -e GO ]; do sleep 0.05; done; echo done";
    let run = home.start_replay(&group_of(&shell("t", line, "")), &[]);
    run.wait_for_output("t.0 | here");
    std::fs::remove_file(home.the_run().join("lock")).unwrap();
    home.replay(&group_of(&shell("next", "true", "")), &[])
        .ends_with(0);
    home.write("GO", "");
    run.finish(LIMIT)
        .ends_with(0)
        .prints(&["t.0 | here", "t.0 | done"]);
}

#[test]
fn a_run_inside_a_run_that_is_killed_from_outside_leaves_nothing() {
    let home = Home::new();
    home.write("inner.ron", group_of(&shell("bad", BAD_HABITS, "")));
    let session = group_of(&shell(
        "outer",
        &format!("exec {PROGRAM} --replay inner.ron"),
        "",
    ));
    let run = home.start_replay(&session, &[]);
    run.wait_for_output("outer.0 | bad.0 | here");
    wait_for("all sleepers", LIMIT, || {
        (sleepers(&home) == SLEEPERS).then_some(())
    });
    run.signal(libc::SIGKILL);
    nothing_marked_lives(&home);
    wait_for("end of everything", SOON, || {
        home.processes().is_empty().then_some(())
    });
}

#[test]
fn a_run_inside_a_run_ends_with_ctrl_c_and_leaves_nothing() {
    let home = Home::new();
    home.write(
        "inner.ron",
        group_of(&shell("t", "setsid sleep 6001 & echo here; sleep 6002", "")),
    );
    let session = group_of(&shell(
        "outer",
        &format!("exec {PROGRAM} --replay inner.ron"),
        "",
    ));
    let run = home.start_replay(&session, &[]);
    run.wait_for_output("outer.0 | t.0 | here");
    run.signal(libc::SIGINT);
    let done = run.finish(Duration::from_secs(8)).ends_with(130);
    assert!(
        done.stdout.contains("outer.0 | s was interrupted")
            || done.stdout.contains("inner was interrupted"),
        "the inner one ended by itself: {done:?}"
    );
    assert_eq!(home.marked(), []);
}
