//! From a key to its echo: a command to one quiet rank, and what it answers at the engine's handle, while eight
//! others flood.

use std::{
    collections::HashSet,
    fs::File,
    io::{Read, Write},
    os::fd::AsFd,
    path::Path,
    process::{Command as Process, Stdio},
    time::{Duration, Instant},
};

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};

use dragon_tui::{
    engine::{Engine, EngineHandle, EngineOptions},
    model::{
        document::Session,
        event::{Command, Event},
        ids::{ProcessId, Selector},
    },
    record::{Limits, Runs},
};

use super::{
    flood::{open_pty, start_writer},
    place::{Place, program},
    table::{Table, Target, at},
    writer,
};

/// Keys per measurement.
const KEYS: usize = 500;

/// Between two keys, in milliseconds: not always the same, so that it falls in with nothing.
const PACE: std::ops::Range<u64> = 3..12;

fn options(place: &Place, session: &Path) -> (Session, EngineOptions) {
    let loaded = Session::open(session).unwrap();
    let options = EngineOptions {
        name: loaded.name(),
        text: None,
        session_folder: place.path(""),
        aliases: Vec::new(),
        agent: program(),
        runs: Runs::at(place.runs()),
        limits: Limits::default(),
        replay: true,
        size: (40, 120),
        sample_every: 2_000,
        follow_all: false,
    };
    (loaded.session, options)
}

/// Waits until the rank's output has held `token` twice: when it was there once, and twice; absent after five seconds.
async fn heard(handle: &mut EngineHandle, quiet: &ProcessId, token: &str) -> Option<[Instant; 2]> {
    let mut text = Vec::new();
    let mut chunks = Vec::new();
    let mut echoed = None;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
    loop {
        tokio::select! {
            event = handle.events.recv() => assert!(event.is_some(), "the run ended"),
            () = handle.panes.arrived() => {}
            () = tokio::time::sleep_until(deadline) => return None,
        }
        handle.panes.take(&mut chunks);
        for chunk in chunks.drain(..) {
            if *chunk.process == *quiet {
                text.extend_from_slice(&chunk.bytes);
            }
        }
        let times = String::from_utf8_lossy(&text).matches(token).count();
        if times >= 1 && echoed.is_none() {
            echoed = Some(Instant::now());
        }
        if times >= 2 {
            return Some([echoed?, Instant::now()]);
        }
    }
}

/// Milliseconds from each key to the terminal's echo of it, and to what `cat` made of it.
async fn keys(handle: &mut EngineHandle, quiet: &ProcessId) -> [Vec<f64>; 2] {
    let whom: Selector = quiet.to_string().parse().unwrap();
    let mut found = [Vec::new(), Vec::new()];
    for key in 0..KEYS {
        let until = tokio::time::Instant::now() + Duration::from_millis(pace(key));
        // Events and panes are taken meanwhile, as any client does.
        let mut chunks = Vec::new();
        loop {
            tokio::select! {
                event = handle.events.recv() => assert!(event.is_some(), "the run ended"),
                () = handle.panes.arrived() => { handle.panes.take(&mut chunks); chunks.clear(); }
                () = tokio::time::sleep_until(until) => break,
            }
        }
        let token = format!("<{key:06}>");
        let begin = Instant::now();
        let command = Command::Send(whom.clone(), format!("{token}\n").into_bytes());
        handle.commands.send(command).unwrap();
        let times = heard(handle, quiet, &token).await;
        for (index, list) in found.iter_mut().enumerate() {
            // One that never came counts as five seconds.
            let time = times.map_or(5.0, |times| (times[index] - begin).as_secs_f64());
            list.push(time * 1e3);
        }
    }
    found
}

fn measure(place: &Place, templates: &str, floods: usize, watched: bool) -> [Vec<f64>; 2] {
    let session = place.session("latency", templates);
    let (session, options) = options(place, &session);
    let mut handle = Engine::start(session, options).unwrap();
    let quiet: ProcessId = "g/quiet.0".parse().unwrap();
    handle.panes.subscribe(quiet.clone());
    if watched {
        for rank in 0..floods {
            handle
                .panes
                .subscribe(format!("g/t.{rank}").parse().unwrap());
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let found = runtime.block_on(async {
        let mut started = HashSet::new();
        while started.len() <= floods {
            let event = handle.events.recv().await.unwrap();
            if let Event::ProcessStarted { process, .. } = event.event {
                started.insert(process);
            }
        }
        let settled = tokio::time::Instant::now() + Duration::from_millis(500);
        tokio::time::sleep_until(settled).await;
        let found = keys(&mut handle, &quiet).await;
        handle.commands.send(Command::Abort).unwrap();
        while handle.events.recv().await.is_some() {}
        found
    });
    handle.join();
    place.clear();
    found
}

/// The limit: one loop that writes the key, reads 8 KiB of each ready pty in turn, and throws all of it away. The
/// same two times.
fn bare_keys() -> [Vec<f64>; 2] {
    let epoll = epoll::create(CreateFlags::CLOEXEC).unwrap();
    let mut floods: Vec<_> = (0..8)
        .map(|rank| start_writer(rank, 0, "block", true))
        .collect();
    let (master, slave) = open_pty();
    let mut cat = Process::new("/bin/cat")
        .stdin(Stdio::from(slave.as_fd().try_clone_to_owned().unwrap()))
        .stdout(Stdio::from(slave))
        .spawn()
        .unwrap();
    let cat_pty = File::from(master);
    let ptys = floods.iter().map(|(_, pty)| pty).chain([&cat_pty]);
    for (index, pty) in ptys.clone().enumerate() {
        rustix::io::ioctl_fionbio(pty, true).unwrap();
        let data = EventData::new_u64(index as u64);
        epoll::add(&epoll, pty, data, EventFlags::IN).unwrap();
    }
    let mut ptys: Vec<&File> = ptys.collect();
    let mut found = [Vec::new(), Vec::new()];
    let mut buffer = vec![0; 8 << 10];
    let mut events = Vec::with_capacity(64);
    let mut due = Instant::now() + Duration::from_millis(500);
    let mut sent: Option<(String, Instant)> = None;
    let mut text = Vec::new();
    while found[1].len() < KEYS {
        events.clear();
        let now = Instant::now();
        if sent.is_none() && now >= due {
            let token = format!("<{:06}>", found[1].len());
            sent = Some((token.clone(), now));
            writeln!(&cat_pty, "{token}").unwrap();
        }
        let wait = rustix::time::Timespec {
            tv_sec: 0,
            tv_nsec: 1_000_000,
        };
        let into = rustix::buffer::spare_capacity(&mut events);
        epoll::wait(&epoll, into, Some(&wait)).unwrap();
        for event in &events {
            let index = event.data.u64() as usize;
            let Ok(count) = ptys[index].read(&mut buffer) else {
                continue;
            };
            let (8, Some((token, begin))) = (index, &sent) else {
                continue;
            };
            text.extend_from_slice(&buffer[..count]);
            let times = String::from_utf8_lossy(&text)
                .matches(token.as_str())
                .count();
            let passed = begin.elapsed().as_secs_f64() * 1e3;
            if times >= 1 && found[0].len() == found[1].len() {
                found[0].push(passed);
            }
            if times >= 2 {
                found[1].push(passed);
                due = Instant::now() + Duration::from_millis(pace(found[1].len()));
                sent = None;
                text.clear();
            }
        }
    }
    for child in floods.iter_mut().map(|(child, _)| child).chain([&mut cat]) {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    found
}

/// Milliseconds to wait before a key.
fn pace(key: usize) -> u64 {
    PACE.start + key as u64 * 7 % (PACE.end - PACE.start)
}

/// Idle, then beside eight floods by ptys, not looked at and looked at, then by pipes.
pub fn echoes(place: &Place, rounds: usize, table: &mut Table) {
    let own = std::env::current_exe().unwrap();
    let quiet =
        "\"quiet\": ProcessTemplate(target: Program(\"/bin/cat\"), terminal: Pty, stdin: Pane)";
    let flood = |terminal: &str| {
        format!(
            "\"t\": ProcessTemplate(target: Program({own:?}), args: {}, terminal: {terminal}, replicas: 8), {quiet}",
            writer::arguments(0, "block")
        )
    };
    let no = Target::None;
    let (p50, p99) = (Target::AtMost(2.0), Target::AtMost(8.0));
    for (what, templates, floods, watched, p50, p99) in [
        ("idle", quiet.to_owned(), 0, false, no, no),
        ("8 ptys flood", flood("Pty"), 8, false, p50, p99),
        ("8 ptys flood, watched", flood("Pty"), 8, true, p50, p99),
        ("8 pipes flood", flood("Pipe"), 8, false, no, no),
    ] {
        let bare = what == "8 ptys flood";
        // p50 and p99 of the answer and of the echo.
        let (mut limit, mut ours) = (<[Vec<f64>; 4]>::default(), <[Vec<f64>; 4]>::default());
        // Floods fill the disk by a gigabyte a second where they are piped.
        let once = floods == 0 || what.contains("pipes");
        for _ in 0..if once { 1 } else { rounds } {
            let note = |into: &mut [Vec<f64>; 4], [echo, answer]: [Vec<f64>; 2]| {
                for (list, value) in into.iter_mut().zip([
                    at(&answer, 0.5),
                    at(&answer, 0.99),
                    at(&echo, 0.5),
                    at(&echo, 0.99),
                ]) {
                    list.push(value);
                }
            };
            if bare {
                note(&mut limit, bare_keys());
            }
            note(&mut ours, measure(place, &templates, floods, watched));
        }
        let names = [
            "answer: p50",
            "answer: p99",
            "pty's echo: p50",
            "pty's echo: p99",
        ];
        for (index, (name, target)) in names.into_iter().zip([p50, p99, no, no]).enumerate() {
            let values = &ours[index];
            table.value(&format!("{what}, key to {name}"), "ms", values, target);
            if bare {
                table.value("  … a bare loop", "ms", &limit[index], no);
            }
        }
    }
}
