use std::{
    collections::HashMap,
    fs,
    os::unix::fs::{MetadataExt, symlink},
    path::Path,
    thread,
    time::{Duration, Instant, SystemTime},
};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::model::{
    event::{Event, Outcome, PROTOCOL, Stamped, Usage},
    ids::{Incarnation, ProcessId},
    lifecycle::ExitStatus,
};

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
        while run_id::draw(unix())[..11] <= newest[..11] {
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
fn logs_are_byte_exact_with_fewer_open_files_than_logs() {
    let place = place();
    let run = place.create();
    let mut logs = run.logs();
    logs.set_open_files(3);
    let ids: Vec<LogId> = (0..10)
        .map(|n| logs.add(process(&format!("g/t.{n}"))))
        .collect();
    let mut expected: HashMap<LogId, Vec<u8>> = HashMap::new();
    for turn in 0..500usize {
        let id = ids[turn * 7 % 10];
        let bytes: Vec<u8> = (0..turn % 97).map(|n| (n * turn) as u8).collect();
        assert!(logs.write(id, &bytes, Instant::now()).is_none());
        expected.entry(id).or_default().extend(bytes);
        if turn == 250 {
            assert!(logs.close(id, Instant::now()).is_none());
        }
    }
    for (id, bytes) in expected {
        assert_eq!(fs::read(logs.path(id).unwrap()).unwrap(), bytes);
        assert_eq!(logs.bytes(id), (bytes.len() as u64, 0));
    }
    assert_eq!(place.runs.open("last").unwrap().logs().len(), 10);
    let open = fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(Result::ok);
    let folder = run.path().join("logs");
    let of_ours = open.filter(|fd| fs::read_link(fd.path()).is_ok_and(|p| p.starts_with(&folder)));
    assert!(of_ours.count() <= 3);
}

#[test]
fn a_full_disk_is_said_once_counted_marked_in_the_log_and_over_once() {
    let place = place();
    let run = place.create();
    let mut logs = run.logs();
    let (full, fine) = (logs.add(process("g/t.0")), logs.add(process("g/t.1")));
    let path = logs.path(full).unwrap();
    let start = Instant::now();
    assert!(logs.write(fine, b"fine", start).is_none());
    symlink("/dev/full", &path).unwrap();
    let first = logs.write(full, b"lost", start).unwrap();
    assert!(first.to_string().contains("No space left"), "{first}");
    assert_eq!(first.level(), Level::Error);
    // Not tried again at once, then tried in vain; the other log goes on.
    assert!(logs.write(full, b"12345", start).is_none());
    assert!(
        logs.write(full, b"6", start + Duration::from_secs(2))
            .is_none()
    );
    assert!(logs.write(fine, b"!", start).is_none());
    fs::remove_file(&path).unwrap();
    assert!(
        logs.write(full, b"7", start + Duration::from_millis(2500))
            .is_none()
    );
    let over = logs
        .write(full, b"back\n", start + Duration::from_secs(4))
        .unwrap();
    assert!(over.to_string().contains("11 bytes are lost"), "{over}");
    assert!(
        logs.write(full, b"more\n", start + Duration::from_secs(4))
            .is_none()
    );
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "\n[dragon-tui: 11 bytes lost here: no space left on device]\nback\nmore\n"
    );
    assert_eq!(fs::read(logs.path(fine).unwrap()).unwrap(), b"fine!");
    assert_eq!(logs.bytes(full), (10, 11));
    assert_eq!(logs.total_bytes(), (15, 11));
}

#[test]
fn a_log_that_cannot_be_opened_pauses_alone() {
    let place = place();
    let run = place.create();
    let mut logs = run.logs();
    let (bad, good) = (logs.add(process("bad/t.0")), logs.add(process("good/t.0")));
    fs::create_dir(run.path().join("logs")).unwrap();
    fs::write(run.path().join("logs/bad"), "a file").unwrap();
    let now = Instant::now();
    assert!(matches!(
        logs.write(bad, b"abc", now),
        Some(RecordNotice::Paused { .. })
    ));
    assert!(logs.write(good, b"abc", now).is_none());
    assert!(logs.close(bad, now).is_none());
    assert_eq!(logs.total_bytes(), (3, 3));
}

#[test]
fn a_folder_removed_under_a_running_engine_comes_back() {
    let place = place();
    let run = place.create();
    let (mut logs, mut events) = (run.logs(), run.events());
    let id = logs.add(process("g/t.0"));
    let start = Instant::now();
    assert!(logs.write(id, b"before", start).is_none());
    assert!(events.append(&[begin(PROTOCOL)]).is_none());
    let lock = run.lock_inode();
    fs::remove_dir_all(run.path()).unwrap();
    let said = logs.write(id, b"after", start + Duration::from_secs(2));
    assert!(
        matches!(said, Some(RecordNotice::Restored { .. })),
        "{said:?}"
    );
    assert!(events.append(&[notice("after")]).is_none());
    assert_eq!(fs::read(logs.path(id).unwrap()).unwrap(), b"after");
    assert_ne!(run.lock_inode(), lock);
    let past = place.runs.open("last").unwrap();
    assert_eq!(past.state, RunState::RunningHere);
    assert_eq!(past.engine.session, "demo");
    assert_eq!(past.events().unwrap().count(), 1);
}

#[test]
fn events_that_cannot_be_written_are_counted_and_said_once() {
    let place = place();
    let run = place.create();
    let mut events = run.events();
    let path = run.path().join("events.jsonl");
    symlink("/dev/full", &path).unwrap();
    assert!(matches!(
        events.append(&[notice("a")]),
        Some(RecordNotice::Paused { .. })
    ));
    assert!(events.append(&[notice("b"), notice("c")]).is_none());
    fs::remove_file(&path).unwrap();
    let said = events.append(&[notice("d")]);
    assert!(
        matches!(said, Some(RecordNotice::Resumed { lost: 3, .. })),
        "{said:?}"
    );
    assert_eq!(events.lost(), 3);
    assert_eq!(
        place.runs.open("last").unwrap().events().unwrap().count(),
        1
    );
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
    let json = serde_json::to_string(&summary).unwrap();
    assert_eq!(serde_json::from_str::<Summary>(&json).unwrap(), summary);
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
    let pruned = place.runs.prune(limits(5, u64::MAX), now).unwrap();
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

/// A file system of 64 KiB, where this user may mount one; unmounted at the end.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = std::process::Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
            .arg(folder.path());
        let mounted = mount.output().is_ok_and(|said| said.status.success());
        mounted.then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount")
            .arg("-l")
            .arg(self.0.path())
            .status();
    }
}

#[test]
fn on_a_disk_that_is_really_full_everything_but_the_lost_bytes_is_exact() {
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("skipped: this user may not mount a file system");
        return;
    };
    let runs = Runs::at(disk.0.path().join("runs"));
    let run = RunFolder::create(&runs, "", |_| EngineInfo::of_this_process()).unwrap();
    let (mut logs, mut events) = (run.logs(), run.events());
    let id = logs.add(process("g/t.0"));
    let start = Instant::now();
    assert!(events.append(&[begin(PROTOCOL)]).is_none());
    let ballast = disk.0.path().join("ballast");
    fs::write(&ballast, vec![0; 20_000]).unwrap();
    let mut said = Vec::new();
    for _ in 0..100 {
        said.extend(logs.write(id, &[b'x'; 1000], start));
    }
    assert!(
        matches!(said[..], [RecordNotice::Paused { .. }]),
        "{said:?}"
    );
    let long = notice(&"y".repeat(9000));
    assert!(matches!(
        events.append(&[notice("a"), long]),
        Some(RecordNotice::Paused { .. })
    ));
    assert!(
        logs.write(id, b"z", start + Duration::from_secs(2))
            .is_none()
    );
    let (written, lost) = logs.bytes(id);
    assert_eq!(written + lost, 100_001);
    let path = logs.path(id).unwrap();
    assert_eq!(
        fs::read(&path).unwrap(),
        vec![b'x'; written as usize],
        "no half mark"
    );

    fs::remove_file(&ballast).unwrap();
    let over = logs.write(id, b"back", start + Duration::from_secs(4));
    assert!(
        matches!(over, Some(RecordNotice::Resumed { lost: n, .. }) if n == lost),
        "{over:?}"
    );
    let log = fs::read_to_string(&path).unwrap();
    let rest = &log[written as usize..];
    assert_eq!(
        rest,
        format!("\n[dragon-tui: {lost} bytes lost here: no space left on device]\nback")
    );
    assert!(matches!(
        events.append(&[notice("b")]),
        Some(RecordNotice::Resumed { .. })
    ));
    let mut read = runs.open("last").unwrap().events().unwrap();
    let whole: Vec<Stamped> = read.by_ref().map(Result::unwrap).collect();
    assert_eq!(
        (whole.first(), whole.last()),
        (Some(&begin(PROTOCOL)), Some(&notice("b")))
    );
    assert_eq!(events.lost() as usize, 4 - whole.len());
}

/// Not a check but a measurement: `cargo test --release --lib record -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn how_fast_logs_are_written() {
    let old = place();
    for _ in 0..200 {
        old.ended(10);
    }
    let now = Instant::now();
    old.runs
        .prune(Limits::default(), SystemTime::now())
        .unwrap();
    println!("prune 200 runs, nothing to do: {:?}", now.elapsed());
    for (logs_count, limit) in [(1, 64), (50, 64), (100, 64)] {
        let place = place();
        let run = place.create();
        let mut logs = run.logs();
        logs.set_open_files(limit);
        let ids: Vec<_> = (0..logs_count)
            .map(|n| logs.add(process(&format!("g/t.{n}"))))
            .collect();
        let chunk = [b'x'; 16 * 1024];
        let now = Instant::now();
        let rounds = 20_000;
        for round in 0..rounds {
            logs.write(ids[round % ids.len()], &chunk, now);
        }
        let seconds = now.elapsed().as_secs_f64();
        let rate = (rounds * chunk.len()) as f64 / seconds / 1e6;
        println!(
            "{logs_count} logs, {limit} open: {rate:.0} MB/s, {:.2} us a chunk",
            seconds * 1e6 / rounds as f64
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn whatever_the_order_each_log_holds_its_own_bytes(
        writes in prop::collection::vec((0usize..8, prop::collection::vec(any::<u8>(), 0..40), any::<bool>()), 0..120),
        limit in 1usize..6,
    ) {
        let place = place();
        let run = place.create();
        let mut logs = run.logs();
        logs.set_open_files(limit);
        let ids: Vec<_> = (0..8).map(|n| logs.add(process(&format!("g{}/t.{n}", n % 3)))).collect();
        let mut expected = vec![Vec::new(); 8];
        for (which, bytes, close) in writes {
            prop_assert!(logs.write(ids[which], &bytes, Instant::now()).is_none());
            expected[which].extend(bytes);
            if close { logs.close(ids[which], Instant::now()); }
        }
        for (id, bytes) in ids.iter().zip(expected) {
            let path = logs.path(*id).unwrap();
            prop_assert_eq!(fs::read(path).unwrap_or_default(), bytes);
        }
    }
}
