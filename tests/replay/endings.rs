//! What ends a run: Ctrl-C, SIGTERM, once and again; and what does not.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::support::{
    program::{Home, LIMIT, PROGRAM, Running, group_of, shell, signal},
    wait_for,
};

/// Ranks that hear nothing but SIGKILL, and say that they are there.
const STUBBORN: &str = "trap '' INT TERM HUP; echo here; while :; do sleep 0.05; done";

#[test]
fn ctrl_c_stops_everything_politely_and_ends_with_130() {
    let home = Home::new();
    let line = "trap 'echo stopped well; exit 0' INT; echo here; while :; do sleep 0.02; done";
    let run = home.start_replay(&group_of(&shell("t", line, "")), &[]);
    run.wait_for_output("t.0 | here");
    run.signal(libc::SIGINT);
    let done = run.finish(Duration::from_secs(5)).ends_with(130);
    assert!(done.stdout.contains("t.0 | stopped well"), "{done:?}");
    assert!(done.stderr.contains("once more to kill"), "{done:?}");
    assert_eq!(home.marked(), []);
    let nobody = || home.processes().is_empty().then_some(());
    wait_for("end of the guardian", Duration::from_secs(3), nobody);
    assert_eq!(home.summary()["outcome"], "interrupted");
}

#[test]
fn a_rank_that_ignores_what_it_is_asked_is_killed_at_the_end_of_its_ladder() {
    let home = Home::new();
    let more = r#"stop: Stop(signal: USR1, grace: "200ms")"#;
    let line =
        "trap 'echo usr1' USR1; trap 'echo term' TERM; echo here; while :; do sleep 0.02; done";
    let run = home.start_replay(&group_of(&shell("t", line, more)), &[]);
    run.wait_for_output("t.0 | here");
    let began = Instant::now();
    run.signal(libc::SIGINT);
    let done = run.finish(Duration::from_secs(5)).ends_with(130);
    assert!(
        began.elapsed() >= Duration::from_millis(400),
        "two graces: {:?}",
        began.elapsed()
    );
    let said = |text: &str| done.stdout.find(&format!("t.0 | {text}\n"));
    assert!(
        said("usr1").is_some() && said("usr1") < said("term"),
        "{done:?}"
    );
    let events = home.events();
    let ended = events
        .iter()
        .find(|it| it["event"] == "process_ended")
        .unwrap();
    assert_eq!(ended["status"]["signal"]["number"], 9, "{ended}");
}

#[test]
fn ctrl_c_again_kills_what_is_stubborn_at_once() {
    let home = Home::new();
    let run = home.start_replay(&group_of(&shell("t", STUBBORN, "replicas: 3")), &[]);
    for rank in 0..3 {
        run.wait_for_output(&format!("t.{rank} | here"));
    }
    run.signal(libc::SIGINT);
    run.wait_for_notice("stopping everything");
    let began = Instant::now();
    run.signal(libc::SIGINT);
    run.finish(Duration::from_secs(5)).ends_with(130);
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(home.marked(), []);
}

#[test]
fn sigterm_ends_with_143() {
    let home = Home::new();
    let run = home.start_replay(&group_of(&shell("t", "echo here; exec sleep 600", "")), &[]);
    run.wait_for_output("t.0 | here");
    run.signal(libc::SIGTERM);
    run.finish(Duration::from_secs(5)).ends_with(143);
    assert_eq!(home.marked(), []);
}

#[test]
fn a_hang_up_ends_it_and_under_nohup_it_does_not() {
    let home = Home::new();
    home.write(
        "s.ron",
        group_of(&shell(
            "t",
            "echo here; while ! [ -e GO ]; do sleep 0.02; done; echo went on",
            "",
        )),
    );
    let mut command = Command::new("sh");
    home.prepare(&mut command);
    command.args(["-c", r#"trap '' HUP; exec "$0" --replay s.ron"#, PROGRAM]);
    let run = Running::start(&mut command);
    run.wait_for_output("t.0 | here");
    run.signal(libc::SIGHUP);
    home.write("GO", "");
    let done = run.finish(LIMIT).ends_with(0);
    assert!(done.stdout.contains("t.0 | went on"), "{done:?}");
    std::fs::remove_file(home.path().join("GO")).unwrap();

    let run = home.start(&["--replay", "s.ron"]);
    run.wait_for_output("t.0 | here");
    run.signal(libc::SIGHUP);
    run.finish(Duration::from_secs(5)).ends_with(143);
    assert_eq!(home.marked(), []);
}

#[test]
fn a_reader_that_goes_away_does_not_stop_the_run() {
    let home = Home::new();
    let line = "i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done; touch ENDED";
    home.write("s.ron", group_of(&shell("t", line, "")));
    let mut command = Command::new("bash");
    home.prepare(&mut command);
    command.args([
        "-c",
        r#""$0" --replay s.ron | head -1; exit ${PIPESTATUS[0]}"#,
        PROGRAM,
    ]);
    let done = Running::start(&mut command).finish(LIMIT).ends_with(0);
    assert_eq!(done.stdout, "t.0 | line 0\n");
    assert!(home.has("ENDED"));
    let log = String::from_utf8(home.log("g", "t", 0)).unwrap();
    assert_eq!(log.lines().count(), 2000);
}

#[test]
fn a_reader_that_reads_nothing_holds_ctrl_c_back_from_nobody() {
    let home = Home::new();
    home.write("s.ron", group_of(&shell("t", "yes", "")));
    let mut child = home
        .command(&["--replay", "s.ron"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let rank = || home.marked().into_iter().find(|it| it.arguments == ["yes"]);
    wait_for("the rank", LIMIT, rank);
    // Nobody ever reads the pipe. The second insists, and then the wait is bounded.
    let pid = child.id() as i32;
    crate::support::program::signal(pid, libc::SIGINT);
    wait_for("end of the rank", Duration::from_secs(10), || {
        rank().is_none().then_some(())
    });
    crate::support::program::signal(pid, libc::SIGINT);
    crate::support::program::signal(pid, libc::SIGINT);
    let status = wait_for("end", Duration::from_secs(15), || child.try_wait().unwrap());
    assert_eq!(status.code(), Some(130));
}

#[test]
fn sigterm_is_heard_though_nobody_reads_stdout_or_stderr_and_the_second_leaves_with_143() {
    let home = Home::new();
    home.write("s.ron", group_of(&shell("t", "yes", "")));
    let mut command = Command::new("bash");
    home.prepare(&mut command);
    // Both are one pipe that is full and stays so.
    command
        .args(["-c", r#"exec "$0" --replay s.ron 2>&1"#, PROGRAM])
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let pid = child.id() as i32;
    let rank = || home.marked().into_iter().find(|it| it.arguments == ["yes"]);
    wait_for("the rank", LIMIT, rank);
    let folder = format!("/proc/{pid}/task");
    let threads = || {
        let threads = std::fs::read_dir(&folder).unwrap().flatten();
        threads.map(|it| std::fs::read_to_string(it.path().join("comm")).unwrap_or_default())
    };
    // All of the 64 KiB (pipe(7)) but what a page may leave unused.
    let pipe = child.stdout.as_ref().unwrap();
    let is_full = || rustix::io::ioctl_fionread(pipe).unwrap() > 60_000;
    wait_for("a full pipe", LIMIT, || is_full().then_some(()));
    crate::support::program::signal(pid, libc::SIGTERM);
    wait_for("end of the engine", Duration::from_secs(20), || {
        (!threads().any(|name| name == "engine\n")).then_some(())
    });
    assert_eq!(home.marked(), []);
    assert_eq!(home.summary()["outcome"], "interrupted");
    assert!(
        child.try_wait().unwrap().is_none(),
        "it still wants to be read"
    );
    // Two within 20 ms are one wish (`timeout` sends it twice), and all this may have taken less.
    let over = Instant::now();
    wait_for("a wish of its own", LIMIT, || {
        (over.elapsed() > Duration::from_millis(40)).then_some(())
    });
    let began = Instant::now();
    crate::support::program::signal(pid, libc::SIGTERM);
    let status = wait_for("end", LIMIT, || child.try_wait().unwrap());
    assert_eq!(status.code(), Some(143));
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
}

/// A session whose check on this host takes until the file `GO` is there.
fn slow_to_check(home: &Home, end: &str) {
    use std::os::unix::fs::PermissionsExt;
    let script =
        format!("#!/bin/sh\ntouch CHECKING; while ! [ -e GO ]; do sleep 0.02; done; {end}\n");
    let python = home.write("slow-python", script);
    std::fs::set_permissions(&python, PermissionsExt::from_mode(0o755)).unwrap();
    home.write("m.py", "def f():\n    import time; time.sleep(600)\n");
    let session = group_of("\"t\": ProcessTemplate(target: Python(\"m.py:f\")),\n");
    let python = format!("version: 1, python: {:?},", python.display().to_string());
    home.write("s.ron", session.replacen("version: 1,", &python, 1));
}

#[test]
fn ctrl_c_while_the_session_is_checked_leaves_nothing_behind() {
    for (end, signal, code) in [
        ("exit 1", libc::SIGINT, 130),
        (r#"exec python3 "$@""#, libc::SIGTERM, 143),
    ] {
        let home = Home::new();
        slow_to_check(&home, end);
        let run = home.start(&["--replay", "s.ron"]);
        wait_for("the check", LIMIT, || home.has("CHECKING").then_some(()));
        run.signal(signal);
        run.wait_for_notice("stopping everything");
        home.write("GO", "");
        run.finish(Duration::from_secs(10)).ends_with(code);
        let nobody = || home.processes().is_empty().then_some(());
        wait_for("end of everything", Duration::from_secs(5), nobody);
        // Whatever began was recorded to its end.
        for run in home.runs() {
            assert!(run.join("summary.json").exists(), "{run:?}");
        }
    }
}

#[test]
fn an_agent_that_does_not_answer_is_told_of_and_so_is_its_return() {
    let home = Home::new();
    let run = home.start_replay(&group_of(&shell("t", "echo here; exec sleep 600", "")), &[]);
    run.wait_for_output("t.0 | here");
    let agent = wait_for("agent", LIMIT, || home.part("agent"));
    signal(agent.pid, libc::SIGSTOP);
    run.wait_for_notice("the agent on localhost does not answer since 5s");
    signal(agent.pid, libc::SIGCONT);
    run.wait_for_notice("the agent on localhost answers again");
    run.signal(libc::SIGINT);
    let done = run.finish(LIMIT).ends_with(130);
    assert_eq!(done.stderr.matches("does not answer").count(), 1);
}

#[test]
fn ranks_that_end_while_the_engine_is_stopped_are_heard_of_when_it_goes_on() {
    let home = Home::new();
    let line = "echo here; while ! [ -e GO ]; do sleep 0.2; done";
    let session = group_of(&shell("t", line, "replicas: 300, terminal: Pipe"));
    let run = home.start_replay(&session, &["--quiet"]);
    let ranks = || home.marked().len();
    wait_for("all ranks", LIMIT, || (ranks() >= 300).then_some(()));
    run.signal(libc::SIGSTOP);
    home.write("GO", "");
    wait_for("end of all ranks", LIMIT, || {
        home.marked().is_empty().then_some(())
    });
    run.signal(libc::SIGCONT);
    run.finish(LIMIT).ends_with(0);
}
