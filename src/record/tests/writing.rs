//! What is written, and what happens when it cannot be.

use std::os::unix::fs::symlink;

use proptest::prelude::*;

use super::*;

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
        let before = expected.entry(id).or_default();
        if !bytes.is_empty() {
            assert_eq!(logs.began(id), before.len() as u64);
        }
        before.extend(bytes);
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
fn as_many_logs_as_wanted_are_open_again_once_descriptors_are_to_be_had() {
    let place = place();
    let run = place.create();
    let mut logs = run.logs();
    logs.set_open_files(5);
    let ids: Vec<LogId> = (0..8)
        .map(|n| logs.add(process(&format!("g/t.{n}"))))
        .collect();
    // As after a refusal.
    logs.limit_open_files(2);
    let mut open = Vec::new();
    for turn in 0..400 {
        assert!(logs.write(ids[turn % 8], b"x", Instant::now()).is_none());
        open.push(logs.open_now());
    }
    assert_eq!(open[7], 2);
    assert!(open[7..].is_sorted(), "step by step");
    assert_eq!(open.last(), Some(&5));
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
    let mark = fs::metadata(&path).unwrap().len() - 5;
    assert_eq!(logs.began(full), mark, "behind the mark");
    assert!(
        logs.write(full, b"more\n", start + Duration::from_secs(4))
            .is_none()
    );
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "\r\n[dragon-tui: 11 bytes lost here: no space left on device]\r\nback\nmore\n"
    );
    assert_eq!(fs::read(logs.path(fine).unwrap()).unwrap(), b"fine!");
    assert_eq!(logs.began(full), mark + 5);
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
    assert_eq!(logs.began(id), 0, "of the new file");
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

/// What is full at some point, and is not any more later.
enum Disk {
    /// A file system of 64 KiB with something else on it.
    Small(TempDir),
    /// Files that may grow to 40 KB, in a process of its own.
    Limited(TempDir),
}

impl Disk {
    const BALLAST: &str = "ballast";

    /// Absent where this process has neither.
    fn new() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = std::process::Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
            .arg(folder.path());
        if std::env::var_os(LIMITED).is_some() {
            limit_files(Some(40_000));
            return Some(Self::Limited(folder));
        }
        if !mount.output().is_ok_and(|said| said.status.success()) {
            return None;
        }
        fs::write(folder.path().join(Self::BALLAST), vec![0; 20_000]).unwrap();
        Some(Self::Small(folder))
    }

    fn path(&self) -> &Path {
        let (Self::Small(folder) | Self::Limited(folder)) = self;
        folder.path()
    }

    /// How it is said in a log that it is full.
    fn reason(&self) -> &'static str {
        match self {
            Self::Small(_) => "no space left on device",
            Self::Limited(_) => "file too large",
        }
    }

    fn has_room_again(&self) {
        match self {
            Self::Small(folder) => fs::remove_file(folder.path().join(Self::BALLAST)).unwrap(),
            Self::Limited(_) => limit_files(None),
        }
    }
}

fn limit_files(size: Option<u64>) {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Fsize);
    limit.current = size.or(limit.maximum);
    setrlimit(Resource::Fsize, limit).unwrap();
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Self::Small(folder) = self {
            let _ = std::process::Command::new("umount")
                .arg("-l")
                .arg(folder.path())
                .status();
        }
    }
}

/// Set in a process of its own that limits its files.
const LIMITED: &str = "DRAGON_TUI_TEST_LIMITED";

/// The limit is the whole process's, and its signal has to be ignored: in one of its own.
#[test]
fn where_files_may_grow_no_more_everything_but_the_lost_bytes_is_exact() {
    let name = "record::tests::writing::on_a_disk_that_is_really_full_everything_but_the_lost_bytes_is_exact";
    let said = std::process::Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(LIMITED, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    let errors = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success(), "{text}{errors}");
    assert!(text.contains("1 passed"), "{text}");
}

#[test]
fn on_a_disk_that_is_really_full_everything_but_the_lost_bytes_is_exact() {
    let Some(disk) = Disk::new() else {
        // The test above runs this one where no file system needs to be mounted.
        return;
    };
    let runs = Runs::at(disk.path().join("runs"));
    let run = RunFolder::create(&runs, "", |_| EngineInfo::of_this_process()).unwrap();
    let (mut logs, mut events) = (run.logs(), run.events());
    let id = logs.add(process("g/t.0"));
    let start = Instant::now();
    assert!(events.append(&[begin(PROTOCOL)]).is_none());
    let mut said = Vec::new();
    for _ in 0..100 {
        said.extend(logs.write(id, &[b'x'; 1000], start));
    }
    assert!(
        matches!(said[..], [RecordNotice::Paused { .. }]),
        "{said:?}"
    );
    let long = notice(&"y".repeat(90_000));
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

    disk.has_room_again();
    let over = logs.write(id, b"back", start + Duration::from_secs(4));
    assert!(
        matches!(over, Some(RecordNotice::Resumed { lost: n, .. }) if n == lost),
        "{over:?}"
    );
    let log = fs::read_to_string(&path).unwrap();
    let rest = &log[written as usize..];
    let reason = disk.reason();
    assert_eq!(
        rest,
        format!("\r\n[dragon-tui: {lost} bytes lost here: {reason}]\r\nback")
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

#[test]
fn of_every_log_it_is_known_how_long_it_was_at_any_second_and_no_byte_is_told_before_it_was_there()
{
    let place = place();
    let run = place.create();
    let mut logs = run.logs();
    let zero = Instant::now();
    logs.count_from(zero);
    let ids: Vec<LogId> = (0..3)
        .map(|n| logs.add(process(&format!("g/t.{n}"))))
        .collect();
    // Each log: seconds, and its length from then on.
    let mut grew: Vec<Vec<(f64, u64)>> = vec![Vec::new(); 3];
    for turn in 0..400u32 {
        let log = (turn * turn % 3) as usize;
        let at = Duration::from_millis(u64::from(turn) * 37 + 5);
        logs.write(ids[log], b"0123456789", zero + at);
        let before = grew[log].last().map_or(0, |(_, end)| *end);
        grew[log].push((at.as_secs_f64(), before + 10));
    }
    logs.finish(zero + Duration::from_secs(20));
    let run = place.runs.open("last").unwrap();
    let lines: Vec<Grown> = run.growth().unwrap().map(Result::unwrap).collect();
    assert_eq!(lines[0].version, Some(1));
    let names: HashMap<ProcessId, u32> = lines
        .iter()
        .flat_map(|line| {
            line.logs
                .iter()
                .map(|(number, process)| (process.clone(), *number))
        })
        .collect();
    assert_eq!(names.len(), 2, "the third one printed nothing");
    for second in [0.0, 0.1, 1.0, 3.3, 7.77, 20.0] {
        for (log, grew) in grew.iter().enumerate().filter(|(_, grew)| !grew.is_empty()) {
            let number = names[&process(&format!("g/t.{log}"))];
            let told = lines.iter().take_while(|line| line.at <= second);
            let told = told
                .flat_map(|line| &line.ends)
                .filter(|(n, _)| *n == number)
                .last();
            let told = told.map_or(0, |(_, end)| *end);
            let at = |second: f64| {
                let before = grew.iter().take_while(|(at, _)| *at <= second);
                before.last().map_or(0, |(_, end)| *end)
            };
            assert!(told <= at(second), "{second}: {told}");
            assert!(told >= at(second - 0.3), "{second}: {told}");
        }
    }
}

#[test]
fn ten_thousand_logs_that_grow_at_once_are_noted_by_one_write_of_one_file() {
    let place = place();
    let run = place.create();
    let mut logs = run.logs();
    logs.set_open_files(2);
    let zero = Instant::now();
    logs.count_from(zero);
    let ids: Vec<LogId> = (0..10_000)
        .map(|n| logs.add(process(&format!("g/t.{n}"))))
        .collect();
    for id in ids.iter().step_by(50) {
        logs.write(*id, b"x", zero);
    }
    let path = run.path().join("growth.jsonl");
    assert!(
        !path.exists(),
        "nothing is written in the first tenth of a second"
    );
    logs.finish(zero);
    assert_eq!(fs::read_to_string(path).unwrap().lines().count(), 1);
}
