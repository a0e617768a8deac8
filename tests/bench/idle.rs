//! A thousand ranks that sleep: what all our processes use meanwhile.

use std::{
    collections::VecDeque,
    fs,
    process::Child,
    thread,
    time::{Duration, Instant},
};

use super::{
    place::Place,
    table::{Table, Target},
};

const RANKS: usize = 1_000;

/// How long is watched.
const WATCH: Duration = Duration::from_secs(20);

fn pause(time: Duration) {
    let until = Instant::now() + time;
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        thread::park_timeout(left);
    }
}

fn children(pid: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten();
    tasks
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("children")).ok())
        .flat_map(|text| {
            text.split_whitespace()
                .map(|pid| pid.parse().unwrap())
                .collect::<Vec<u32>>()
        })
        .collect()
}

/// Engine, agent, guardian; and how many ranks there are.
fn ours(engine: u32) -> (Vec<u32>, usize) {
    let (mut ours, mut ranks) = (Vec::new(), 0);
    let mut open = VecDeque::from([engine]);
    while let Some(pid) = open.pop_front() {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        // The agent starts its guardian by `/proc/self/exe`.
        if matches!(name.trim(), "dragon-tui" | "exe") {
            ours.push(pid);
            open.extend(children(pid));
        } else {
            ranks += 1;
        }
    }
    (ours, ranks)
}

/// Nanoseconds on a cpu, all threads.
fn cpu(pid: u32) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten();
    tasks
        .filter_map(|task| {
            let text = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
            text.split_whitespace().next()?.parse::<u64>().ok()
        })
        .sum()
}

/// KiB, shared pages by share.
fn memory(pid: u32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let number = line.unwrap().split_whitespace().next().unwrap();
    number.parse().unwrap()
}

fn end(mut engine: Child) {
    let pid = rustix::process::Pid::from_child(&engine);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    engine.wait().unwrap();
}

/// By ptys and by pipes; one round each, for nothing in it is noisy.
pub fn sleepers(place: &Place, _rounds: usize, table: &mut Table) {
    for terminal in ["Pty", "Pipe"] {
        let template = format!(
            "\"t\": ProcessTemplate(target: Program(\"/bin/sleep\"), args: [\"600\"], replicas: {RANKS}, \
             terminal: {terminal})"
        );
        let session = place.session("sleepers", &template);
        let engine = place.start(&session, &["--quiet"]);
        let deadline = Instant::now() + Duration::from_secs(60);
        let processes = loop {
            let (processes, ranks) = ours(engine.id());
            if ranks == RANKS {
                break processes;
            }
            assert!(Instant::now() < deadline, "{ranks} of {RANKS} ranks run");
            pause(Duration::from_millis(50));
        };
        pause(Duration::from_secs(1));
        let used = || processes.iter().map(|&pid| cpu(pid)).sum::<u64>();
        let before = used();
        pause(WATCH);
        let busy = (used() - before) as f64 / WATCH.as_nanos() as f64 * 100.0;
        let kib: Vec<f64> = processes.iter().map(|&pid| memory(pid)).collect();
        let begin = Instant::now();
        end(engine);
        let ended = begin.elapsed().as_secs_f64();
        place.clear();
        let name = format!("1,000 idle, {terminal}");
        table.value(&format!("{name}: cpu"), "%", &[busy], Target::AtMost(0.5));
        let each = kib.iter().sum::<f64>() / RANKS as f64;
        let parts: Vec<String> = kib.iter().map(|kib| format!("{kib:.0}")).collect();
        let what = format!("{name}: memory a rank ({})", parts.join("+"));
        table.value(&what, "KiB", &[each], Target::AtMost(32.0));
        table.value(&format!("{name}: all stopped"), "s", &[ended], Target::None);
    }
}
