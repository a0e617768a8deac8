//! From a key to its echo: a command to one quiet rank, and what it answers at the engine's handle, while eight
//! others flood.

use std::{
    collections::HashSet,
    path::PathBuf,
    time::{Duration, Instant},
};

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
    place::{PROGRAM, Place},
    table::{Table, Target, at},
    writer,
};

/// Keys per measurement.
const KEYS: usize = 500;

/// Between two keys, in milliseconds: not always the same, so that it falls in with nothing.
const PACE: std::ops::Range<u64> = 3..12;

fn options(place: &Place, session: &PathBuf) -> (Session, EngineOptions) {
    let loaded = Session::open(session).unwrap();
    let options = EngineOptions {
        name: loaded.name(),
        text: None,
        session_folder: place.path(""),
        aliases: Vec::new(),
        agent: PathBuf::from(PROGRAM),
        runs: Runs::at(place.runs()),
        limits: Limits::default(),
        replay: true,
        size: (40, 120),
        sample_every: 2_000,
    };
    (loaded.session, options)
}

/// Waits for the `count`-th time that the rank's output holds `token`; false after five seconds.
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
        let pace = PACE.start + key as u64 * 7 % (PACE.end - PACE.start);
        let until = tokio::time::Instant::now() + Duration::from_millis(pace);
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

/// Idle, then beside eight floods by ptys, not looked at and looked at, then by pipes.
pub fn echoes(place: &Place, rounds: usize, table: &mut Table) {
    let own = std::env::current_exe().unwrap();
    let quiet = "\"quiet\": ProcessTemplate(target: Program(\"/bin/cat\"), terminal: Pty)";
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
        ("8 ptys flood, all watched", flood("Pty"), 8, true, p50, p99),
        ("8 pipes flood", flood("Pipe"), 8, false, no, no),
    ] {
        let mut echo = [Vec::new(), Vec::new()];
        let mut answer = [Vec::new(), Vec::new()];
        // Floods fill the disk by a gigabyte a second where they are piped.
        let times = if floods == 0 || what.contains("pipes") {
            1
        } else {
            rounds
        };
        for _ in 0..times {
            let found = measure(place, &templates, floods, watched);
            for (list, found) in [&mut echo, &mut answer].into_iter().zip(&found) {
                list[0].push(at(found, 0.5));
                list[1].push(at(found, 0.99));
            }
        }
        let name = format!("key to answer, {what}");
        table.value(&format!("{name}: p50"), "ms", &answer[0], p50);
        table.value(&format!("{name}: p99"), "ms", &answer[1], p99);
        table.value("  … to the pty's echo: p50", "ms", &echo[0], no);
        table.value("  … to the pty's echo: p99", "ms", &echo[1], no);
    }
}
