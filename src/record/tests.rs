use std::{
    collections::HashMap,
    fs,
    os::unix::fs::{MetadataExt, symlink},
    path::Path,
    thread,
    time::{Duration, Instant, SystemTime},
};

use tempfile::TempDir;

use super::*;
use crate::model::{
    cpuset::CpuSet,
    event::{Channel, Event, Outcome, PROTOCOL, Stamped, Usage},
    ids::{HostName, Incarnation, ProcessId},
    lifecycle::ExitStatus,
};

mod writing;

struct Place {
    _folder: TempDir,
    runs: Runs,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let runs = Runs::at(folder.path().join("state/dragon-tui/runs"));
    Place {
        _folder: folder,
        runs,
    }
}

impl Place {
    fn create(&self) -> RunFolder {
        RunFolder::create(&self.runs, "Session(version: 1)", |id| EngineInfo {
            mark: format!("mark-{id}"),
            session: "demo".into(),
            ranks: 2,
            ..EngineInfo::of_this_process()
        })
        .unwrap()
    }

    /// Until the next run sorts after all those before.
    fn wait_for_a_greater_id(&self) {
        let newest = self.runs.ids().unwrap().swap_remove(0);
        let unix = || {
            SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap()
        };
        while run_id::at(unix()) <= newest {
            thread::yield_now();
        }
    }

    /// A run that ended with logs of so many bytes.
    fn ended(&self, size: u64) -> String {
        let run = self.create();
        let mut summary = Tally::new(run.id(), "demo", 1, 0).summary();
        summary.bytes.shown = size;
        run.finish(&mut summary).unwrap();
        run.id().to_owned()
    }
}

fn process(text: &str) -> ProcessId {
    text.parse().unwrap()
}

fn notice(text: &str) -> Stamped {
    Stamped {
        at: 1.5,
        event: Event::Notice {
            level: Level::Info,
            process: None,
            text: text.into(),
        },
    }
}

fn begin(protocol: u32) -> Stamped {
    Stamped {
        at: 0.0,
        event: Event::RunStarted {
            protocol,
            run: "r".into(),
            session: "demo".into(),
            pid: 1,
            host: "here".into(),
            queue_socket: String::new(),
        },
    }
}

fn ended(name: &str, status: ExitStatus, failure: bool, restart_in: Option<f64>) -> Stamped {
    Stamped {
        at: 2.0,
        event: Event::ProcessEnded {
            process: process(name),
            incarnation: Incarnation(0),
            status,
            failure,
            usage: Usage {
                cpu_seconds: 1.5,
                peak_memory: 100,
            },
            restart_in,
        },
    }
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o777
}

#[test]
fn everything_of_a_run_is_private() {
    let place = place();
    let run = place.create();
    let mut logs = run.logs();
    let id = logs.add(process("g/t.0"));
    assert!(!logs.path(id).unwrap().exists(), "no log before a byte");
    assert!(logs.write(id, b"x", Instant::now()).is_none());
    assert!(run.events().append(&[begin(PROTOCOL)]).is_none());
    let mut summary = Tally::new(run.id(), "demo", 1, 0).summary();
    run.finish(&mut summary).unwrap();
    fn check(path: &Path) {
        let wanted = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(path), wanted, "{}", path.display());
        if path.is_dir() {
            fs::read_dir(path)
                .unwrap()
                .for_each(|e| check(&e.unwrap().path()));
        }
    }
    check(place.runs.root().parent().unwrap());
}

#[test]
fn ids_are_short_and_many_runs_at_once_get_different_ones() {
    let place = place();
    let ids: Vec<String> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    (0..20)
                        .map(|_| place.create().id().to_owned())
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|t| t.join().unwrap())
            .collect()
    });
    let different: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(different.len(), 80);
    assert!(ids.iter().all(|id| id.len() <= 12));
}

#[test]
fn a_run_is_running_while_its_folder_is_held_then_ended_or_dead() {
    let place = place();
    let run = place.create();
    let state = || place.runs.open("last").unwrap().state;
    assert_eq!(state(), RunState::RunningHere);
    assert_eq!(state(), RunState::RunningHere, "looking changes nothing");
    drop(run);
    assert_eq!(state(), RunState::Died);
    place.wait_for_a_greater_id();
    let id = place.ended(0);
    assert_eq!(place.runs.open("last").unwrap().id, id);
    assert_eq!(state(), RunState::Ended);
}

#[test]
fn a_run_on_another_host_is_said_to_be_there_and_never_judged() {
    let place = place();
    RunFolder::create(&place.runs, "", |_| EngineInfo {
        host: "login7".into(),
        mark: "m".into(),
        ..EngineInfo::default()
    })
    .unwrap();
    let run = place.runs.open("last").unwrap();
    assert_eq!(run.state, RunState::OnHost("login7".into()));
    assert!(place.runs.stale_runs().unwrap().is_empty());
    let none = Limits { runs: 0, bytes: 0 };
    assert!(
        place
            .runs
            .prune(none, SystemTime::now())
            .unwrap()
            .runs
            .is_empty()
    );
}

#[test]
fn a_run_is_found_by_a_part_of_its_id() {
    let place = place();
    let run = place.create();
    let id = run.id();
    for name in [id, &id[..11], &id[7..], "last", &id[..2]] {
        assert_eq!(place.runs.open(name).unwrap().id, id, "{name}");
    }
    let _other = place.create();
    assert!(matches!(
        place.runs.open(&id[..4]),
        Err(RecordError::Ambiguous { .. })
    ));
    for name in ["", "nothing", "../.."] {
        assert!(matches!(
            place.runs.open(name),
            Err(RecordError::NoSuchRun { .. })
        ));
    }
    assert!(Runs::at("/nonexistent").list(9).unwrap().is_empty());
}

#[test]
fn events_come_back_as_they_were_and_a_torn_last_line_is_no_error() {
    let place = place();
    let run = place.create();
    let all = [
        begin(PROTOCOL),
        notice("one\nline \u{1b}[31m"),
        ended("g/t.1", ExitStatus::Code(3), true, None),
    ];
    let mut log = run.events();
    assert!(log.append(&all[..1]).is_none());
    assert!(log.append(&all[1..]).is_none());
    let past = place.runs.open("last").unwrap();
    let path = past.path.join("events.jsonl");
    let whole = fs::read(&path).unwrap();
    for cut in 0..=whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let read: Vec<Stamped> = past.events().unwrap().map(Result::unwrap).collect();
        let lines = whole[..cut].iter().filter(|b| **b == b'\n').count();
        assert_eq!(read, all[..lines], "cut at {cut}");
    }
    // A reader that stands in the middle of a line goes on when the rest arrives.
    fs::write(&path, &whole[..whole.len() - 5]).unwrap();
    let mut reader = past.events().unwrap();
    assert_eq!(reader.by_ref().count(), 2);
    fs::write(&path, &whole).unwrap();
    assert_eq!(reader.next().unwrap().unwrap(), all[2]);
    assert!(reader.next().is_none());
}

#[test]
fn a_damaged_line_is_skipped_and_counted_and_a_newer_version_is_an_error() {
    let place = place();
    let run = place.create();
    let past = place.runs.open("last").unwrap();
    let path = past.path.join("events.jsonl");
    let line = serde_json::to_string(&notice("kept")).unwrap();
    fs::write(&path, format!("{{\"at\":1,\"eve\n{line}\n\n{{}}\n{line}\n")).unwrap();
    let mut reader = past.events().unwrap();
    assert_eq!(reader.by_ref().map(Result::unwrap).count(), 2);
    assert_eq!(reader.damaged(), 2);

    fs::write(&path, "").unwrap();
    assert!(
        run.events()
            .append(&[begin(PROTOCOL + 1), notice("x")])
            .is_none()
    );
    let error = past.events().unwrap().next().unwrap().unwrap_err();
    assert!(matches!(error, RecordError::Newer { found, .. } if found == PROTOCOL + 1));
    assert!(error.to_string().contains("newer dragon-tui"), "{error}");
}

#[test]
fn the_end_of_a_log_is_read_without_the_rest() {
    let place = place();
    let run = place.create();
    let mut logs = run.logs();
    let id = logs.add(process("g/t.0"));
    for n in 0..1000 {
        logs.write(id, format!("line {n}\r\n").as_bytes(), Instant::now());
    }
    logs.write(id, b"no end \xff", Instant::now());
    let path = logs.path(id).unwrap();
    assert_eq!(
        tail_lines(&path, 3, 4096).unwrap(),
        ["line 998", "line 999", "no end \u{fffd}"]
    );
    assert_eq!(
        tail_lines(&path, 100, 25).unwrap(),
        ["line 999", "no end \u{fffd}"]
    );
    assert_eq!(tail(&path, 4).unwrap(), b"nd \xff");
    assert!(
        tail_lines(Path::new("/nonexistent/log"), 3, 99)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_summary_counts_each_rank_by_its_last_end() {
    let mut tally = Tally::new("r", "demo", 7, 4);
    assert!(
        tally
            .see(&ended("g/a.0", ExitStatus::Code(1), false, Some(0.5)))
            .is_none()
    );
    assert!(
        tally
            .see(&ended("g/a.0", ExitStatus::Code(0), false, None))
            .is_none()
    );
    let failure = tally.see(&ended("g/a.1", ExitStatus::Code(1), true, None));
    failure.unwrap().last_lines.push("boom".into());
    let killed = ExitStatus::Signal {
        number: 9,
        core: false,
    };
    tally.see(&ended("g/a.2", killed, false, None));
    tally.see(&ended(
        "g/a.3",
        ExitStatus::Skipped("no".into()),
        false,
        None,
    ));
    tally.see(&Stamped {
        at: 9.0,
        event: Event::RunEnded {
            outcome: Outcome::Failed,
            first_failure: Some(process("g/a.1")),
        },
    });
    let summary = tally.summary();
    let ranks = RankCounts {
        total: 4,
        succeeded: 1,
        failed: 1,
        skipped: 1,
        killed: 1,
    };
    assert_eq!(summary.ranks, ranks);
    assert_eq!(summary.failures[0].last_lines, ["boom"]);
    assert_eq!((summary.wall_seconds, summary.cpu_seconds), (9.0, 7.5));
    assert_eq!(
        summary.took(),
        2.0,
        "its last rank ended long before it did"
    );
    let json = serde_json::to_string(&summary).unwrap();
    assert_eq!(serde_json::from_str::<Summary>(&json).unwrap(), summary);
}

#[test]
fn a_run_that_ranks_lived_in_to_its_end_took_all_of_its_time() {
    let started = |name: &str| Stamped {
        at: 1.0,
        event: Event::ProcessStarted {
            process: process(name),
            incarnation: Incarnation(0),
            pid: 7,
            host: HostName::localhost(),
            cpus: CpuSet::default(),
            gpus: None,
            channel: Channel::Pty,
        },
    };
    let mut tally = Tally::new("r", "demo", 7, 3);
    for name in ["g/a.0", "g/a.1"] {
        tally.see(&started(name));
    }
    tally.see(&ended("g/a.0", ExitStatus::Code(0), false, None));
    let late = |event| Stamped { at: 9.0, event };
    tally.see(&late(notice("late").event));
    assert_eq!(tally.summary().took(), 9.0, "one lives");
    tally.see(&ended("g/a.1", ExitStatus::Code(0), false, None));
    let skipped = ended("g/a.2", ExitStatus::Skipped("no".into()), false, None);
    tally.see(&late(skipped.event));
    assert_eq!(tally.summary().took(), 2.0, "who never ran took no time");
    let nobody = Tally::new("r", "demo", 7, 3).summary();
    assert_eq!((nobody.took_seconds, nobody.took()), (None, 0.0));
}

/// The files are as version 1 writes them. Records of runs are read for years: fields may be added with a default, a
/// change of meaning moves the version and adds a file.
#[test]
fn what_stands_beside_the_events_is_read_and_written_as_its_version_says() {
    fn same<T: serde::Serialize + serde::de::DeserializeOwned>(golden: &str) -> T {
        let read: T = serde_json::from_str(golden).unwrap();
        let written = serde_json::to_string_pretty(&read).unwrap();
        assert_eq!(written, golden.trim_end());
        read
    }
    let summary: Summary = same(include_str!("../../tests/formats/record/summary-1.json"));
    assert_eq!(summary.took(), 3.0);
    let engine: EngineInfo = same(include_str!("../../tests/formats/record/engine-1.json"));
    let without = |value: serde_json::Value, fields: &[&str]| {
        let serde_json::Value::Object(mut map) = value else {
            panic!("{value}");
        };
        map.retain(|field, _| !fields.contains(&field.as_str()));
        serde_json::Value::Object(map)
    };
    // As it was before there were these fields.
    let old = without(serde_json::to_value(&summary).unwrap(), &["took_seconds"]);
    let old: Summary = serde_json::from_value(old).unwrap();
    assert_eq!(old.took(), 17.9);
    let old = without(
        serde_json::to_value(&engine).unwrap(),
        &["cwd", "host_aliases"],
    );
    let old: EngineInfo = serde_json::from_value(old).unwrap();
    assert_eq!((old.cwd.as_str(), old.host_aliases.len()), ("", 0));
}

#[test]
fn the_oldest_runs_go_first_and_running_ones_never() {
    let place = place();
    let running = place.create();
    let ids: Vec<String> = (0..6)
        .map(|_| {
            place.wait_for_a_greater_id();
            place.ended(100_000)
        })
        .collect();
    let now = SystemTime::now();
    let limits = |runs, bytes| Limits { runs, bytes };
    assert!(
        place
            .runs
            .prune(Limits::default(), now)
            .unwrap()
            .runs
            .is_empty()
    );
    let pruned = place.runs.prune(limits(4, u64::MAX), now).unwrap();
    assert_eq!(pruned.runs, ids[..2]);
    assert!(pruned.bytes > 200_000 && pruned.problems.is_empty());
    let pruned = place.runs.prune(limits(100, 250_000), now).unwrap();
    assert_eq!(pruned.runs, ids[2..4]);
    let pruned = place.runs.prune(limits(0, 0), now).unwrap();
    assert_eq!(pruned.runs, ids[4..]);
    assert_eq!(place.runs.ids().unwrap(), [running.id()]);
    assert!(running.path().join("session.ron").exists());
}

#[test]
fn runs_that_may_not_go_do_not_count_and_the_own_one_stays() {
    let place = place();
    let foreign: Vec<String> = (0..6)
        .map(|_| {
            let run = RunFolder::create(&place.runs, "", |_| EngineInfo {
                host: "login7".into(),
                mark: "m".into(),
                ..EngineInfo::default()
            });
            run.unwrap().id().to_owned()
        })
        .collect();
    let ids: Vec<String> = (0..3)
        .map(|_| {
            place.wait_for_a_greater_id();
            place.ended(1_000)
        })
        .collect();
    let now = SystemTime::now();
    let limits = |runs, bytes| Limits { runs, bytes };
    let prune = |limits, now| place.runs.prune_but(&ids[2], limits, now).unwrap().runs;
    assert_eq!(prune(limits(3, u64::MAX), now), [""; 0]);
    assert_eq!(prune(limits(2, u64::MAX), now), ids[..1]);
    assert_eq!(prune(limits(9, 10), now), ids[1..2], "not the own one");
    let later = now + Duration::from_secs(31 * 24 * 3600);
    let mut gone = prune(limits(0, 0), later);
    gone.sort();
    assert_eq!(gone, foreign, "nobody has touched them for a month");
    assert_eq!(place.runs.ids().unwrap(), [ids[2].as_str()]);
}

#[test]
fn a_run_whose_lock_was_deleted_runs_as_long_as_its_engine_does() {
    let place = place();
    let run = place.create();
    fs::remove_file(run.path().join("lock")).unwrap();
    let none = Limits { runs: 0, bytes: 0 };
    let is_spared = || {
        assert_eq!(
            place.runs.open("last").unwrap().state,
            RunState::RunningHere
        );
        assert!(place.runs.stale_runs().unwrap().is_empty());
        let pruned = place.runs.prune(none, SystemTime::now()).unwrap();
        assert!(pruned.runs.is_empty());
    };
    is_spared();
    let lock = run.lock_inode();
    fs::remove_file(run.path().join("engine.json")).unwrap();
    assert!(run.events().append(&[begin(PROTOCOL)]).is_none());
    let path = run.path().join("lock");
    assert_ne!(run.lock_inode(), lock, "it holds a new one");
    assert_eq!(fs::metadata(&path).unwrap().ino(), run.lock_inode());
    is_spared();

    let engine = run.path().join("engine.json");
    let edit = |name: &str, value: serde_json::Value| {
        let mut text: serde_json::Value =
            serde_json::from_slice(&fs::read(&engine).unwrap()).unwrap();
        text[name] = value;
        fs::write(&engine, text.to_string()).unwrap();
        place.runs.open("last").unwrap().state
    };
    fs::remove_file(&path).unwrap();
    assert_eq!(edit("pid_start", 1.into()), RunState::Died);
    let own = EngineInfo::of_this_process();
    assert_eq!(
        edit("pid_start", own.pid_start.into()),
        RunState::RunningHere
    );
    assert_eq!(edit("boot", "another".into()), RunState::Died);
}

#[test]
fn a_run_being_made_stays_and_a_link_is_neither_followed_nor_counted() {
    let place = place();
    let id = place.ended(0);
    let root = place.runs.root();
    fs::create_dir(root.join("200101-00000")).unwrap();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("precious"), "x").unwrap();
    symlink(outside.path(), root.join("200101-00001")).unwrap();
    symlink(outside.path(), root.join(".trash-200101-00001")).unwrap();
    symlink(outside.path(), root.join(&id).join("inside")).unwrap();
    let now = SystemTime::now();
    let none = Limits { runs: 0, bytes: 0 };
    assert_eq!(place.runs.prune(none, now).unwrap().runs, [id]);
    assert!(root.join("200101-00000").exists());
    assert!(outside.path().join("precious").exists());
    assert!(place.runs.list(9).unwrap().is_empty());
    let later = now + Duration::from_secs(2 * 3600);
    assert_eq!(
        place.runs.prune(none, later).unwrap().runs,
        ["200101-00000"]
    );
}

#[test]
fn many_pruners_at_once_do_no_harm() {
    let place = place();
    for _ in 0..30 {
        place.ended(10);
    }
    let none = Limits { runs: 0, bytes: 0 };
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let pruned = place.runs.prune(none, SystemTime::now()).unwrap();
                assert!(pruned.problems.is_empty(), "{:?}", pruned.problems);
            });
        }
    });
    assert_eq!(fs::read_dir(place.runs.root()).unwrap().count(), 0);
}

#[test]
fn a_run_that_died_is_stale_until_swept_and_kept_until_then() {
    let place = place();
    let id = place.create().id().to_owned();
    let running = place.create();
    let stale = place.runs.stale_runs().unwrap();
    assert_eq!(stale.len(), 1);
    assert_eq!(stale[0].engine.mark, format!("mark-{id}"));
    let none = Limits { runs: 0, bytes: 0 };
    let now = SystemTime::now();
    assert!(place.runs.prune(none, now).unwrap().runs.is_empty());
    place.runs.mark_swept(&id, now).unwrap();
    assert!(place.runs.stale_runs().unwrap().is_empty());
    assert_eq!(place.runs.prune(none, now).unwrap().runs, [id.as_str()]);
    place.runs.mark_swept(&id, now).unwrap();
    assert!(running.path().exists());
}

#[test]
fn the_state_folder_follows_the_xdg_rules() {
    let folder = |state: Option<&str>, home: Option<&str>| {
        paths::runs_folder(state.map(Into::into), home.map(Into::into))
    };
    let is = |path: &str| PathBuf::from(path);
    assert_eq!(
        folder(Some("/s"), Some("/h")).unwrap(),
        is("/s/dragon-tui/runs")
    );
    let in_home = is("/h/.local/state/dragon-tui/runs");
    assert_eq!(folder(None, Some("/h")).unwrap(), in_home);
    assert_eq!(folder(Some("relative"), Some("/h")).unwrap(), in_home);
    assert!(matches!(folder(None, None), Err(RecordError::NoHome)));
}
