//! Something runs out: room on the disk, descriptors, ptys, processes. It is said, what can go on does.
//!
//! Mounts and other users are made by root, in a mount namespace of their own (unshare(1)); without root these tests
//! are skipped. The machine's own limits are left alone.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::Path,
    process::Command,
    time::Duration,
};

use serde_json::Value;
use support::{
    needs, needs_that,
    program::{Done, Home, LIMIT, PROGRAM, Running, for_everybody, group_of, json, shell},
    wait_for,
};

fn needs_root() -> bool {
    needs("unshare")
        && needs_that(
            rustix::process::geteuid().is_root(),
            "only root can mount and become somebody else",
        )
}

/// Runs this script of bash in a mount namespace of its own; `$0` is the program.
fn in_own_mounts(home: &Home, script: &str) -> Running {
    let mut command = Command::new("unshare");
    home.prepare(&mut command);
    command.args(["-m", "bash", "-c", script, PROGRAM]);
    Running::start(&mut command)
}

fn going_on_after_failures(templates: &str) -> String {
    group_of(templates).replace("ProcessGroup(", "ProcessGroup(ignore_error_on_exit: true, ")
}

/// A rank that says it is there and stays until there is a file GO.
const STAYS: &str = "echo here; while ! [ -e GO ]; do sleep 0.1; done";

/// Objects of a run under way; the last line may not be whole yet.
fn objects(run: &Running) -> Vec<Value> {
    let text = run.stdout();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(json).collect()
}

/// How many ranks were started, and the reasons why the others were not.
fn starts(objects: &[Value]) -> (usize, Vec<String>) {
    let started = objects
        .iter()
        .filter(|it| it["event"] == "process_started")
        .count();
    let refused = objects
        .iter()
        .filter_map(|it| it["status"]["not_started"].as_str().map(str::to_owned));
    (started, refused.collect())
}

/// Waits until all of `ranks` were started or refused, lets those that run end, and gives what became of them.
fn settle(home: &Home, run: Running, ranks: usize) -> (Done, usize, Vec<String>) {
    wait_for("all starts", LIMIT, || {
        let (started, refused) = starts(&objects(&run));
        (started + refused.len() >= ranks).then_some(())
    });
    home.write("GO", "");
    let done = run.finish(LIMIT);
    let (started, refused) = starts(&done.objects());
    assert_eq!(started + refused.len(), ranks, "{done:?}");
    (done, started, refused)
}

#[test]
fn on_a_full_disk_the_run_goes_on_and_what_was_written_before_is_intact() {
    if !needs_root() {
        return;
    }
    let home = Home::new();
    let flood = "i=0; while [ $i -lt 60000 ]; do echo line $i, which is not as short as it might be; i=$((i+1)); done";
    home.write(
        "s.ron",
        group_of(
            &(shell("flood", flood, "")
                + &shell("after", "echo still here", r#"after: [Ended("flood")]"#)),
        ),
    );
    let script = r#"mount -t tmpfs -o size=1m tmpfs state || exit 99
        "$0" --replay s.ron; code=$?
        cp -r state kept; exit $code"#;
    let done = in_own_mounts(&home, script).finish(LIMIT).ends_with(0);
    assert!(
        done.stdout.contains("after.0 | still here\n"),
        "{:?}",
        done.stderr
    );
    let lines = done
        .stdout
        .lines()
        .filter(|line| line.starts_with("flood.0 | "))
        .count();
    assert_eq!(lines, 60_000, "the reader gets everything");
    assert!(
        done.stderr.to_lowercase().contains("no space left"),
        "{:?}",
        done.stderr
    );
    assert!(
        done.stderr.contains("LOST: could not be written"),
        "{:?}",
        done.stderr
    );
    let run = fs::read_dir(home.path().join("kept/dragon-tui/runs"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let log = fs::read_to_string(run.join("logs/g/flood/0.log")).unwrap();
    let whole = log.lines().take(1000).enumerate();
    for (number, line) in whole {
        assert_eq!(
            line,
            format!("line {number}, which is not as short as it might be")
        );
    }
    let recorded = fs::read_to_string(run.join("session.ron")).unwrap();
    assert_eq!(recorded, home.read("s.ron"));
    let events = fs::read_to_string(run.join("events.jsonl")).unwrap();
    let first = json(events.lines().next().unwrap());
    assert_eq!(first["event"], "run_started");
}

#[test]
fn a_disk_that_is_full_from_the_start_is_named_and_nothing_starts() {
    if !needs_root() {
        return;
    }
    let home = Home::new();
    home.write("s.ron", group_of(&shell("t", "touch STARTED", "")));
    let script = r#"mount -t tmpfs -o size=16k tmpfs state || exit 99
        cat /dev/zero > state/filler 2>/dev/null
        exec "$0" --replay s.ron"#;
    let done = in_own_mounts(&home, script).finish(LIMIT);
    assert!(done.code != 0 && done.code != 99, "{done:?}");
    assert!(
        done.stderr.contains("the run cannot be recorded"),
        "{done:?}"
    );
    assert!(
        done.stderr.to_lowercase().contains("no space left"),
        "{done:?}"
    );
    assert!(!home.has("STARTED"));
}

#[test]
fn a_run_whose_folder_is_removed_goes_on() {
    let home = Home::new();
    let line = "echo before; while ! [ -e GO ]; do sleep 0.05; done; echo after";
    let run = home.start_replay(&group_of(&shell("t", line, "")), &[]);
    run.wait_for_output("t.0 | before");
    fs::remove_dir_all(home.the_run()).unwrap();
    home.write("GO", "");
    let done = run.finish(LIMIT).ends_with(0);
    assert_eq!(done.stdout, "t.0 | before\nt.0 | after\n", "{done:?}");
}

#[test]
fn without_free_descriptors_some_ranks_are_not_started_and_the_others_finish() {
    if !needs("prlimit") {
        return;
    }
    let home = Home::new();
    home.write(
        "s.ron",
        going_on_after_failures(&shell("t", STAYS, "replicas: 100")),
    );
    let mut command = Command::new("prlimit");
    home.prepare(&mut command);
    command.args([
        "--nofile=64:64",
        PROGRAM,
        "--replay",
        "s.ron",
        "--format",
        "json",
    ]);
    let (done, started, refused) = settle(&home, Running::start(&mut command), 100);
    assert!(started > 10 && !refused.is_empty(), "{started} started");
    for reason in refused {
        assert!(reason.contains("no free descriptors"), "{reason}");
    }
    assert_eq!(done.code, 1, "{done:?}");
    let summary = home.summary();
    assert_eq!(summary["ranks"]["succeeded"], started, "{summary}");
    assert_eq!(home.marked(), []);
}

#[test]
fn without_ptys_to_spare_ranks_get_a_pipe_with_a_notice() {
    if !needs_root() {
        return;
    }
    let home = Home::new();
    home.write(
        "s.ron",
        group_of(&shell(
            "t",
            &format!("[ -t 1 ] && echo pty || echo pipe; {STAYS}"),
            "replicas: 10",
        )),
    );
    let script = r#"mount -t devpts -o newinstance,ptmxmode=0666,max=4 devpts /dev/pts &&
        mount --bind /dev/pts/ptmx /dev/ptmx || exit 99
        exec "$0" --replay s.ron --format json"#;
    let (done, started, _) = settle(&home, in_own_mounts(&home, script), 10);
    assert_eq!((done.code, started), (0, 10), "{done:?}");
    let objects = done.objects();
    let by = |channel: &str| objects.iter().filter(|it| it["channel"] == channel).count();
    assert!(
        by("pty") >= 3 && by("pipe") >= 6,
        "{} by pty, {} by pipe",
        by("pty"),
        by("pipe")
    );
    let said = |line: &str| objects.iter().filter(|it| it["line"] == line).count();
    assert_eq!((said("pty"), said("pipe")), (by("pty"), by("pipe")));
    let notices: Vec<&str> = objects
        .iter()
        .filter(|it| it["event"] == "notice")
        .filter_map(|it| it["text"].as_str())
        .filter(|text| text.contains("no pty to spare on this host"))
        .collect();
    assert_eq!(notices.len(), 1, "said once: {notices:?}");
}

#[test]
fn a_pty_that_was_asked_for_and_is_not_to_be_had_fails_that_rank() {
    if !needs_root() {
        return;
    }
    let home = Home::new();
    home.write(
        "s.ron",
        going_on_after_failures(&shell("t", STAYS, "replicas: 10, terminal: Pty")),
    );
    let script = r#"mount -t devpts -o newinstance,ptmxmode=0666,max=4 devpts /dev/pts &&
        mount --bind /dev/pts/ptmx /dev/ptmx || exit 99
        exec "$0" --replay s.ron --format json"#;
    let (done, started, refused) = settle(&home, in_own_mounts(&home, script), 10);
    assert_eq!(done.code, 1, "{done:?}");
    assert!(started >= 3 && !refused.is_empty(), "{done:?}");
    for reason in refused {
        assert!(reason.contains("no pty to spare"), "{reason}");
    }
}

/// Somebody who has no other process; his limit counts all of them.
fn as_somebody(home: &Home, user: u32, processes: u32) -> Running {
    let program = for_everybody(home);
    fn give(path: &Path, user: u32) {
        chown(path, Some(user), Some(user)).unwrap();
        if path.is_dir() {
            for entry in fs::read_dir(path).unwrap() {
                give(&entry.unwrap().path(), user);
            }
        }
    }
    give(home.path(), user);
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new("setpriv");
    home.prepare(&mut command);
    command.args([
        &format!("--reuid={user}"),
        &format!("--regid={user}"),
        "--clear-groups",
    ]);
    command.args(["bash", "-c"]);
    command.arg(format!(
        r#"ulimit -u {processes}; exec "$0" --replay s.ron --format json"#
    ));
    command.arg(program);
    Running::start(&mut command)
}

#[test]
fn where_fork_is_refused_some_ranks_are_not_started_and_the_others_finish() {
    if !needs_root() || !needs("setpriv") {
        return;
    }
    const USER: u32 = 54_321;
    let home = Home::new();
    // It needs no process beside itself: at the limit a shell could not start one.
    home.write("stay.py", "import os, time\nprint('here', flush=True)\nwhile not os.path.exists('GO'):\n    time.sleep(0.05)\n");
    home.write(
        "s.ron",
        going_on_after_failures(
            r#""t": ProcessTemplate(target: Program("python3"), args: ["stay.py"], replicas: 40)"#,
        ),
    );
    let (done, started, refused) = settle(&home, as_somebody(&home, USER, 30), 40);
    assert!(
        started >= 10 && !refused.is_empty(),
        "{started} started: {done:?}"
    );
    for reason in refused {
        assert!(
            reason.contains("fork refused: the limit of processes"),
            "{reason}"
        );
    }
    assert_eq!(done.code, 1);
    assert_eq!(home.summary()["ranks"]["succeeded"], started);
    let _ = fs::remove_dir(format!("/tmp/dragon-tui-{USER}"));
}

#[test]
fn where_not_even_the_agent_can_be_started_that_is_said() {
    if !needs_root() || !needs("setpriv") {
        return;
    }
    const USER: u32 = 54_322;
    for processes in 1..=4 {
        let home = Home::new();
        home.write("s.ron", group_of(&shell("t", "touch STARTED", "")));
        let done = as_somebody(&home, USER, processes).finish(Duration::from_secs(15));
        assert!(done.code == 4 || done.code == 2, "{processes}: {done:?}");
        assert!(
            done.stderr.starts_with("dragon-tui: "),
            "{processes}: {done:?}"
        );
        assert!(!done.stderr.contains("panicked"), "{processes}: {done:?}");
        assert!(
            home.runs().is_empty() && !home.has("STARTED"),
            "{processes}: {done:?}"
        );
    }
    let _ = fs::remove_dir(format!("/tmp/dragon-tui-{USER}"));
}
