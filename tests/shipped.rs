//! What is shipped works: every session of `sessions/` passes `check` and does what its head promises, every file of
//! `examples/` is used and compiles.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use support::{
    needs,
    program::{Done, Home, Running},
    wait_for,
};

/// How long a session may take.
const LIMIT: Duration = Duration::from_secs(60);

fn shipped(folder: &str, ending: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == ending))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

fn session(name: &str) -> String {
    format!("{}/sessions/{name}.ron", env!("CARGO_MANIFEST_DIR"))
}

fn replay(home: &Home, name: &str, more: &[&str]) -> Done {
    start(home, name, more).finish(LIMIT)
}

fn start(home: &Home, name: &str, more: &[&str]) -> Running {
    home.start(&[&["--replay", &session(name)], more].concat())
}

/// What each process said, without its name.
fn by_process(done: &Done) -> BTreeMap<&str, Vec<&str>> {
    let mut said: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in done.stdout.lines() {
        let (process, text) = line.split_once(" | ").unwrap_or_else(|| panic!("{line:?}"));
        said.entry(process).or_default().push(text);
    }
    said
}

#[test]
fn every_session_passes_check() {
    let home = Home::new();
    for path in shipped("sessions", "ron") {
        let path = path.to_str().unwrap();
        home.run(&["check", path])
            .ends_with(0)
            .prints(&[&format!("{path}: ok")]);
    }
}

#[test]
fn every_session_has_a_test_here() {
    let ours: BTreeSet<&str> = include_str!("shipped.rs")
        .split("(&home, \"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    for path in shipped("sessions", "ron") {
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(ours.contains(name), "{name} is never replayed: {ours:?}");
    }
}

#[test]
fn every_example_is_used_by_a_session_and_compiles() {
    if !needs("python3") {
        return;
    }
    let sessions: String = shipped("sessions", "ron")
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let home = Home::new();
    for path in shipped("examples", "py") {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(
            sessions.contains(&format!("examples/{name}:")),
            "{name} is used by no session"
        );
        let mut compiler = Command::new("python3");
        home.prepare(&mut compiler);
        // Else the source's folder would get a __pycache__.
        compiler.env("PYTHONPYCACHEPREFIX", home.path());
        compiler.args(["-m", "py_compile"]).arg(&path);
        Running::start(&mut compiler).finish(LIMIT).ends_with(0);
    }
}

#[test]
fn generator_consumer_prints_the_five_lines_of_the_consumer() {
    if !needs("python3") {
        return;
    }
    let home = Home::new();
    let done = replay(&home, "generator_consumer", &[]).ends_with(0);
    let said = by_process(&done);
    assert_eq!(said.keys().collect::<Vec<_>>(), [&"consumer.0"], "{done:?}");
    assert_eq!(said["consumer.0"].len(), 5, "{done:?}");
    for line in &said["consumer.0"] {
        let words: Vec<&str> = line.split(' ').collect();
        let [.., result, "from", "input", input] = words[..] else {
            panic!("{line}");
        };
        let number = |text: &str| text.parse::<u32>().unwrap();
        assert_eq!(number(result), 2 * number(input), "{line}");
    }
    assert!(
        done.stderr.contains("queue numbers: 5 put, 5 got, 0 left"),
        "{done:?}"
    );
    let discarded = home.summary()["bytes"]["discarded"].as_u64().unwrap();
    assert!(
        discarded > 5 * 30,
        "the generator is muted, and counted: {discarded}"
    );
}

#[test]
fn hello_greets_from_four_ranks() {
    if !needs("python3") {
        return;
    }
    let home = Home::new();
    let done = replay(&home, "hello", &[]).ends_with(0);
    let said = by_process(&done);
    assert_eq!(said.len(), 4, "{done:?}");
    for (rank, (process, lines)) in said.iter().enumerate() {
        assert_eq!(*process, format!("hello.{rank}"));
        assert_eq!(lines.len(), 1, "{done:?}");
        assert!(
            lines[0].starts_with(&format!("hello from rank {rank} of 4 on ")),
            "{done:?}"
        );
    }
}

#[test]
fn primes_loses_nothing_though_its_workers_crash_three_times() {
    if !needs("python3") {
        return;
    }
    let home = Home::new();
    let done = replay(&home, "primes", &[]).ends_with(0);
    let report = &by_process(&done)["report.0"];
    assert_eq!(
        report[report.len() - 2..],
        [
            "report: 303 primes below 2000, 61 pairs of twins",
            "report: nothing was lost"
        ],
        "{done:?}"
    );
    assert_eq!(home.summary()["restarts"], 3, "{done:?}");
}

#[test]
fn mixed_leaves_none_of_its_sleepers_behind() {
    if !needs("python3") {
        return;
    }
    let home = Home::new();
    let run = start(&home, "mixed", &[]);
    run.wait_for_output("clerk.0 | job 1 is done");
    run.wait_for_output("feeder.0 | fed job 3");
    run.wait_for_output("| worked on job 2");
    let sleepers = || {
        let all = home.processes();
        all.into_iter()
            .filter(|it| it.arguments == ["sleep", "300"])
            .count()
    };
    // Two of the feeder, two of each worker, two of the clerk.
    wait_for("sleepers", LIMIT, || (sleepers() == 8).then_some(()));
    run.signal(libc::SIGINT);
    run.finish(Duration::from_secs(20)).ends_with(130);
    assert_eq!(home.marked(), []);
}

#[test]
fn flood_delivers_every_line_and_the_quiet_rank_does_not_drown() {
    if !needs("python3") {
        return;
    }
    let home = Home::new();
    let done = replay(&home, "flood", &[]).ends_with(0);
    let said = by_process(&done);
    let loud = &said["loud.0"];
    let end = loud.last().unwrap();
    let lines = loud.len() - 1;
    assert!(
        end.starts_with(&format!("loud: {lines} lines, ")),
        "{end}, of {lines}"
    );
    for (number, line) in loud[..lines].iter().enumerate() {
        assert!(
            line.starts_with(&format!("step {number:08} loss ")),
            "{number}: {line}"
        );
    }
    let quiet = &said["quiet.0"];
    assert!(quiet.len() > 1, "{quiet:?}");
    assert_eq!(quiet[0], format!("quiet line 1 of {}", quiet.len()));
}

#[test]
fn thousand_starts_a_thousand_ranks_and_each_says_its_own_number() {
    let home = Home::new();
    let done = replay(&home, "thousand", &[]).ends_with(0);
    let said = by_process(&done);
    assert_eq!(said.len(), 1000);
    for (process, lines) in said {
        let rank = process.strip_prefix("echo.").unwrap();
        assert_eq!(lines, [format!("hello from rank {rank}")]);
    }
}

#[test]
fn a_thousand_sleepers_are_there_at_once_and_gone_after_ctrl_c() {
    let home = Home::new();
    let run = start(&home, "sleepers", &["--format", "json"]);
    wait_for("a thousand ranks", LIMIT, || {
        (run.stdout().matches("\"process_started\"").count() == 1000).then_some(())
    });
    assert_eq!(home.marked().len(), 1000);
    run.signal(libc::SIGINT);
    run.finish(Duration::from_secs(20)).ends_with(130);
    assert_eq!(home.marked(), []);
    let ranks = home.summary()["ranks"].clone();
    assert_eq!(
        (&ranks["total"], &ranks["killed"]),
        (&1000.into(), &1000.into()),
        "{ranks}"
    );
}

#[test]
fn train_finds_the_sine_where_this_machine_stands_in_for_the_one_with_the_gpus() {
    if !needs("python3") {
        return;
    }
    let home = Home::new();
    replay(&home, "train", &[])
        .ends_with(3)
        .complains("--host-alias pinoak0033=localhost");
    let done = replay(&home, "train", &["--host-alias", "pinoak0033=localhost"]).ends_with(0);
    let trainer = &by_process(&done)["trainer.0"];
    let result = trainer.last().unwrap();
    assert!(result.starts_with("Result: y = "), "{done:?}");
    // The loss of the last step is below that of the first one.
    let loss = |line: &&str| {
        line.split_once(' ')
            .and_then(|(_, loss)| loss.parse::<f64>().ok())
    };
    let losses: Vec<f64> = trainer[1..trainer.len() - 1]
        .iter()
        .filter_map(loss)
        .collect();
    assert_eq!(losses.len(), 20, "{done:?}");
    assert!(losses[19] < losses[0], "{losses:?}");
}
