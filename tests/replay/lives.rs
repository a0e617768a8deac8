//! Starts, readiness, failures, restarts, and what waits for what.

use std::time::{Duration, Instant};

use crate::support::program::{Home, group_of, shell};

/// Two groups, each with these templates.
fn groups(first: &str, second: &str) -> String {
    format!(
        "Session(version: 1, groups: {{ \"first\": ProcessGroup({first}), \"second\": ProcessGroup({second}) }})"
    )
}

#[test]
fn the_first_failure_stops_the_group_and_is_named_with_its_last_lines() {
    let home = Home::new();
    let session = group_of(
        &(shell(
            "bad",
            "for i in $(seq 30); do echo line $i; done; exit 3",
            "",
        ) + &shell("long", "sleep 600", "replicas: 3")),
    );
    let done = home.replay(&session, &[]).ends_with(1);
    for part in [
        "bad.0 failed: exit 3",
        "first failure: g/bad.0",
        "    | line 30",
        "3 stopped",
    ] {
        assert!(done.stderr.contains(part), "{part}: {done:?}");
    }
    let summary = home.summary();
    assert_eq!(summary["ranks"]["failed"], 1, "{summary}");
    assert_eq!(summary["ranks"]["killed"], 3, "{summary}");
}

#[test]
fn with_ignore_error_on_exit_the_rest_goes_on_and_the_run_still_fails() {
    let session =
        group_of(&(shell("bad", "exit 3", "") + &shell("good", "sleep 0.3; echo done", "")))
            .replace("ProcessGroup(", "ProcessGroup(ignore_error_on_exit: true, ");
    Home::new()
        .replay(&session, &[])
        .ends_with(1)
        .prints(&["good.0 | done"])
        .complains("bad.0 failed: exit 3");
}

#[test]
fn a_signal_that_ends_a_rank_is_called_by_its_name() {
    for (name, said) in [
        ("KILL", "SIGKILL"),
        ("SEGV", "SIGSEGV"),
        ("USR1", "SIGUSR1"),
    ] {
        let session = group_of(&shell("t", &format!("ulimit -c 0; kill -{name} $$"), ""));
        Home::new()
            .replay(&session, &[])
            .ends_with(1)
            .complains(&format!("t.0 failed: {said}\n"));
    }
}

#[test]
fn a_rank_that_fails_is_started_again_as_often_as_said() {
    let home = Home::new();
    let line = "echo x >> tries; [ $(wc -l < tries) -ge 3 ] && echo well";
    let session = group_of(&shell("t", line, "restart: OnFailure(max: 5)"));
    let began = Instant::now();
    home.replay(&session, &[])
        .ends_with(0)
        .prints(&["t.0 | well"])
        .complains("t.0 ended (exit 1); it is started again in 0.5 s");
    assert!(
        began.elapsed() >= Duration::from_millis(1500),
        "0.5 s, then 1 s: {:?}",
        began.elapsed()
    );
    assert_eq!(home.read("tries"), "x\nx\nx\n");
    assert_eq!(home.summary()["restarts"], 2);
    let waits: Vec<f64> = home
        .events()
        .iter()
        .filter_map(|it| it["restart_in"].as_f64())
        .collect();
    assert_eq!(waits, [0.5, 1.0]);
}

#[test]
fn a_rank_that_goes_on_failing_fails_the_run_after_the_last_try() {
    let home = Home::new();
    let session = group_of(&shell(
        "t",
        "echo x >> tries; exit 9",
        "restart: OnFailure(max: 1)",
    ));
    home.replay(&session, &[])
        .ends_with(1)
        .complains("t.0 failed: exit 9");
    assert_eq!(home.read("tries"), "x\nx\n");
}

#[test]
fn templates_start_after_what_they_wait_for() {
    let home = Home::new();
    let session = group_of(
        &(shell("a", "sleep 0.2; echo a >> order", "")
            + &shell("b", "echo b >> order", r#"after: [Succeeded("a")]"#)
            + &shell("c", "sleep 0.1; echo c >> order", r#"after: [Ended("b")]"#)
            + &shell("d", "echo d >> order", r#"after: [Ended("c")]"#)),
    );
    home.replay(&session, &[]).ends_with(0);
    assert_eq!(home.read("order"), "a\nb\nc\nd\n");
}

#[test]
fn groups_start_after_what_they_wait_for() {
    let home = Home::new();
    let session = groups(
        r#"templates: { "t": ProcessTemplate(target: Shell("sleep 0.2; echo 1 >> order")) }"#,
        r#"after: [Succeeded("first")], templates: { "t": ProcessTemplate(target: Shell("echo 2 >> order")) }"#,
    );
    home.replay(&session, &[]).ends_with(0);
    assert_eq!(home.read("order"), "1\n2\n");
}

#[test]
fn what_waits_for_something_that_cannot_happen_any_more_is_skipped() {
    let home = Home::new();
    let session = groups(
        r#"templates: { "t": ProcessTemplate(target: Shell("exit 1")) }"#,
        r#"after: [Succeeded("first")], templates: { "t": ProcessTemplate(target: Shell("touch RAN")) }"#,
    );
    home.replay(&session, &[])
        .ends_with(1)
        .complains("first/t.0 failed: exit 1");
    assert!(!home.has("RAN"));
    assert_eq!(home.summary()["ranks"]["skipped"], 1);
}

#[test]
fn a_rank_is_ready_when_it_says_so() {
    let home = Home::new();
    let session = group_of(
        &(shell(
            "server",
            "sleep 0.3; echo up >> order; echo listening on port 7; sleep 0.5",
            r#"ready: Line("listening on port [0-9]+")"#,
        ) + &shell(
            "client",
            "echo client >> order",
            r#"after: [Ready("server")]"#,
        )),
    );
    home.replay(&session, &[]).ends_with(0);
    assert_eq!(home.read("order"), "up\nclient\n");
}

#[test]
fn a_rank_is_ready_when_its_port_answers() {
    let home = Home::new();
    // A port that was free a moment ago.
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    home.write(
        "server.py",
        format!(
            "import socket, time, pathlib\ndef serve():\n    time.sleep(0.3)\n    s = socket.socket()\n    \
             s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n    s.bind(('127.0.0.1', {port}))\n    \
             pathlib.Path('order').open('a').write('up\\n')\n    s.listen()\n    \
             while not pathlib.Path('STOP').exists(): time.sleep(0.01)\n"
        ),
    );
    let session = group_of(
        &(format!(
            r#""server": ProcessTemplate(target: Python("server.py:serve"), ready: Tcp("127.0.0.1:{port}")),"#
        ) + &shell(
            "client",
            "echo client >> order; touch STOP",
            r#"after: [Ready("server")]"#,
        )),
    );
    home.replay(&session, &[]).ends_with(0);
    assert_eq!(home.read("order"), "up\nclient\n");
}

#[test]
fn a_rank_is_ready_when_a_command_succeeds() {
    let home = Home::new();
    let session = group_of(
        &(shell(
            "server",
            "sleep 0.3; echo up >> order; touch ready-0; while ! [ -e STOP ]; do sleep 0.02; done",
            r#"ready: Exec(["test", "-e", "ready-{rank}"])"#,
        ) + &shell(
            "client",
            "echo client >> order; touch STOP",
            r#"after: [Ready("server")]"#,
        )),
    );
    home.replay(&session, &[]).ends_with(0);
    assert_eq!(home.read("order"), "up\nclient\n");
}

#[test]
fn walltime_stops_the_group_and_the_run_ends_with_124() {
    let home = Home::new();
    let session = group_of(&shell("t", "sleep 600", "replicas: 2"))
        .replace("ProcessGroup(", r#"ProcessGroup(walltime: "300ms", "#);
    let began = Instant::now();
    home.replay(&session, &[]).ends_with(124);
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(home.summary()["outcome"], "walltime");
}

#[test]
fn the_end_of_a_critical_rank_ends_its_group_well() {
    let home = Home::new();
    let session = group_of(
        &(shell("main", "sleep 0.2", "critical: true")
            + &shell("service", "sleep 600", "replicas: 2")),
    );
    home.replay(&session, &[]).ends_with(0);
    assert_eq!(home.summary()["ranks"]["killed"], 2);
}

#[test]
fn a_rank_that_cannot_be_started_is_named_with_the_reason() {
    let home = Home::new();
    // It is there when the session is checked, and gone when its turn comes.
    home.write("tool", "#!/bin/sh\n");
    std::fs::set_permissions(
        home.path().join("tool"),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let session = group_of(
        &(shell("first", "rm tool", "")
            + r#""second": ProcessTemplate(target: Program("./tool"), after: [Ended("first")])"#),
    );
    home.replay(&session, &[])
        .ends_with(1)
        .complains("second.0 failed: not started: cannot run");
}
