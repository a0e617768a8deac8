use crate::model::event::Outcome;
use std::time::Duration;

use super::*;
use crate::{
    model::lifecycle::ExitStatus,
    record::{EngineInfo, Failure, RankCounts, RunFolder, Tally},
};

const STARTED: u64 = 1_795_407_420;

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(STARTED + 200)
}

struct Said {
    code: u8,
    out: String,
    err: String,
}

fn said(print: impl FnOnce(&mut Vec<u8>, &mut Vec<u8>) -> Result<u8>) -> Said {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = print(&mut out, &mut err).unwrap();
    Said {
        code,
        out: String::from_utf8(out).unwrap(),
        err: String::from_utf8(err).unwrap(),
    }
}

fn run(runs: &Runs) -> RunFolder {
    RunFolder::create(runs, "Session(version: 1)", |_| EngineInfo {
        session: "demo".into(),
        ranks: 4,
        started: STARTED,
        ..EngineInfo::of_this_process()
    })
    .unwrap()
}

fn failed_run(runs: &Runs) -> RunFolder {
    let run = run(runs);
    let mut summary = Tally::new(run.id(), "de\x1b]0;evil\x07mo", STARTED, 4).summary();
    summary.outcome = Outcome::Failed;
    summary.exit_code = 1;
    summary.wall_seconds = 75.2;
    summary.ranks = RankCounts {
        succeeded: 1,
        failed: 3,
        ..summary.ranks
    };
    summary.failures.push(Failure {
        process: "g/t.3".parse().unwrap(),
        status: ExitStatus::Code(7),
        at: 3.0,
        last_lines: vec!["\x1b[31mboom\x1b[0m".into(), "10 %\r20 %".into()],
    });
    run.finish(&mut summary).unwrap();
    let mut logs = run.logs();
    let log = logs.add("g/t.3".parse().unwrap());
    assert!(
        logs.write(log, b"boom\n", std::time::Instant::now())
            .is_none()
    );
    run
}

#[test]
fn without_runs_it_says_how_to_make_one() {
    let folder = tempfile::tempdir().unwrap();
    let runs = Runs::at(folder.path());
    let said = said(|out, err| list(&runs, Format::Text, 9, now(), out, err));
    assert_eq!((said.code, said.out.as_str()), (0, ""));
    assert!(said.err.contains("dragon-tui --replay"), "{}", said.err);
}

#[test]
fn the_list_has_one_line_per_run() {
    let folder = tempfile::tempdir().unwrap();
    let runs = Runs::at(folder.path());
    failed_run(&runs);
    let running = run(&runs);
    let said = said(|out, err| list(&runs, Format::Text, 9, now(), out, err));
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(
        lines[0].starts_with("RUN           STARTED (UTC)"),
        "{}",
        said.out
    );
    let failed = lines.iter().find(|l| l.contains("failed")).unwrap();
    for part in [
        "2026-11-23 04:17",
        "3 min ago",
        "demo",
        "4",
        "3",
        "1 min 15 s",
    ] {
        assert!(failed.contains(part), "{part} in {failed}");
    }
    let line = lines.iter().find(|l| l.contains(running.id())).unwrap();
    assert!(line.contains("running"), "{line}");
    assert!(!said.out.contains('\x1b') && !said.out.contains("evil"));
}

#[test]
fn in_json_each_run_is_an_object() {
    let folder = tempfile::tempdir().unwrap();
    let runs = Runs::at(folder.path());
    let run = failed_run(&runs);
    let said = said(|out, err| list(&runs, Format::Json, 9, now(), out, err));
    let value: serde_json::Value = serde_json::from_str(said.out.trim_end()).unwrap();
    assert_eq!(value["run"], run.id());
    assert_eq!(value["state"], "ended");
    assert_eq!(value["summary"]["ranks"]["failed"], 3);
    assert!(
        !said.out.contains('\x1b'),
        "JSON escapes control characters"
    );
}

#[test]
fn a_run_in_detail_names_its_failures_with_their_last_lines_and_logs() {
    let folder = tempfile::tempdir().unwrap();
    let runs = Runs::at(folder.path());
    let run = failed_run(&runs);
    let said = said(|out, _| show(&runs, "last", Format::Text, now(), out));
    for part in [
        "g/t.3 failed: exit 7\n  | boom\n  | 20 %\n  log: ",
        "1 succeeded, 3 failed",
        "exit code  1",
        "and 2 more failures",
        run.path().to_str().unwrap(),
    ] {
        assert!(said.out.contains(part), "{part:?} in {}", said.out);
    }
    assert!(!said.out.contains('\x1b'));
    assert!(show(&runs, "nothing", Format::Text, now(), &mut Vec::new()).is_err());
}

#[test]
fn a_run_that_died_is_told_by_its_events() {
    let folder = tempfile::tempdir().unwrap();
    let runs = Runs::at(folder.path());
    drop(run(&runs));
    let said = said(|out, _| show(&runs, "last", Format::Text, now(), out));
    assert!(said.out.contains("state      died"), "{}", said.out);
    assert!(said.out.contains("session    demo"), "{}", said.out);
}

#[test]
fn pruning_names_what_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let runs = Runs::at(folder.path());
    let id = failed_run(&runs).id().to_owned();
    let limits = Limits { runs: 0, bytes: 0 };
    let said = said(|out, err| prune(&runs, limits, now(), out, err));
    assert_eq!((said.code, said.out), (0, format!("{id}\n")));
    assert!(said.err.starts_with("1 runs deleted"), "{}", said.err);
}

#[test]
fn how_long_ago_a_run_was_is_told_in_one_unit() {
    assert_eq!(ago(STARTED + 900, now()), "in the future");
    assert_eq!(ago(STARTED - 90_000, now()), "1 day ago");
}
