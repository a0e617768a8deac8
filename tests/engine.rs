//! The engine by its one door: commands in, events and pane bytes out, with a real agent and real processes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    path::Path,
    time::{Duration, Instant},
};

use dragon_tui::{
    engine::{Engine, EngineHandle, EngineOptions, StartError, panes::Chunk},
    model::{
        event::{Command, Event, Outcome, Stamped},
        ids::ProcessId,
        lifecycle::{ExitStatus, ProcessState},
        session::Session,
    },
    record::{Limits, Runs, Summary},
};

#[path = "support/mod.rs"]
mod support;

#[path = "engine/failed_starts.rs"]
mod failed_starts;

#[path = "engine/watching.rs"]
mod watching;

#[path = "engine/under_load.rs"]
mod under_load;

const LIMIT: Duration = Duration::from_secs(30);

/// How long the engine may be silent before a condition is looked at again.
const LOOK: Duration = Duration::from_millis(20);

/// An engine with what it said so far.
struct World {
    handle: EngineHandle,
    runtime: tokio::runtime::Runtime,
    events: Vec<Stamped>,
    output: Vec<Chunk>,
    _place: tempfile::TempDir,
}

fn options(place: &Path) -> EngineOptions {
    EngineOptions {
        name: "test".to_owned(),
        text: None,
        session_folder: place.to_owned(),
        aliases: Vec::new(),
        agent: env!("CARGO_BIN_EXE_dragon-tui").into(),
        runs: Runs::at(place.join("runs")),
        limits: Limits::default(),
        replay: false,
        follow_all: false,
        size: (24, 80),
        sample_every: 100,
    }
}

fn session(groups: &str) -> Session {
    let text = format!("Session(version: 1, groups: {{ {groups} }})");
    let parsed = Session::parse(&text);
    assert!(parsed.is_usable(), "{:?}", parsed.problems);
    parsed.session
}

fn id(text: &str) -> ProcessId {
    text.parse().unwrap()
}

impl World {
    /// An engine for groups in the words of a session; nothing is started.
    fn new(groups: &str) -> Self {
        let place = tempfile::tempdir().unwrap();
        let handle = Engine::start(session(groups), options(place.path())).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        Self {
            handle,
            runtime,
            events: Vec::new(),
            output: Vec::new(),
            _place: place,
        }
    }

    fn started(groups: &str) -> Self {
        let world = Self::new(groups);
        world.wish(Command::Start("g".parse().unwrap()));
        world
    }

    fn wish(&self, command: Command) {
        self.handle.commands.send(command).unwrap();
    }

    /// Takes what the engine says until `found` is satisfied by everything so far.
    fn until<T>(
        &mut self,
        what: &str,
        mut found: impl FnMut(&[Stamped], &[Chunk]) -> Option<T>,
    ) -> T {
        let deadline = Instant::now() + LIMIT;
        loop {
            self.handle.panes.take(&mut self.output);
            if let Some(found) = found(&self.events, &self.output) {
                return found;
            }
            assert!(
                Instant::now() < deadline,
                "waited in vain for {what}; so far: {:#?}",
                self.events
            );
            let (handle, events) = (&mut self.handle, &mut self.events);
            let said = async {
                tokio::select! {
                    event = handle.events.recv() => events.extend(event),
                    () = handle.panes.arrived() => {}
                }
            };
            // Conditions that nothing tells of (a file, a sample) are looked at again after a while.
            let _ = self
                .runtime
                .block_on(async { tokio::time::timeout(LOOK, said).await });
        }
    }

    fn event<T>(&mut self, what: &str, mut found: impl FnMut(&Event) -> Option<T>) -> T {
        self.until(what, |events, _| {
            events.iter().find_map(|stamped| found(&stamped.event))
        })
    }

    fn text_of(&self, process: &str) -> String {
        let process = id(process);
        let bytes: Vec<u8> = self
            .output
            .iter()
            .filter(|chunk| *chunk.process == process)
            .flat_map(|chunk| chunk.bytes.iter().copied())
            .collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn until_text(&mut self, process: &str, text: &str) {
        let wanted = id(process);
        self.until(text, |_, chunks| {
            let bytes: Vec<u8> = chunks
                .iter()
                .filter(|c| *c.process == wanted)
                .flat_map(|c| c.bytes.iter().copied())
                .collect();
            String::from_utf8_lossy(&bytes).contains(text).then_some(())
        });
    }

    fn finish(mut self) -> Summary {
        let _ = self.handle.commands.send(Command::Finish);
        self.event("the end", |event| {
            matches!(event, Event::RunEnded { .. }).then_some(())
        });
        self.handle.join().unwrap()
    }
}

#[test]
fn a_command_reaches_a_process_and_its_answer_comes_back_by_its_pane() {
    let mut world = World::new(
        r#""g": ProcessGroup(templates: { "cat": ProcessTemplate(target: Program("cat")) })"#,
    );
    world.handle.panes.subscribe(id("g/cat.0"));
    world.wish(Command::Start("g".parse().unwrap()));
    world.event("its start", |event| {
        matches!(event, Event::ProcessStarted { .. }).then_some(())
    });
    world.wish(Command::Send("g/cat".parse().unwrap(), b"hello\n".to_vec()));
    world.until_text("g/cat.0", "hello\r\nhello\r\n");
    let summary = world.finish();
    assert_eq!(summary.outcome, Outcome::Interrupted);
    assert_eq!(
        summary.bytes.shown, 14,
        "its log has every byte although it was stopped"
    );
}

#[test]
fn a_process_is_muted_and_opened_while_it_runs_and_what_was_thrown_away_is_counted() {
    let mut world = World::new(
        r#""g": ProcessGroup(templates: {
            "loud": ProcessTemplate(target: Shell("i=0; while :; do i=$((i+1)); echo line $i; done"), terminal: Pipe),
        })"#,
    );
    world.handle.panes.subscribe(id("g/loud.0"));
    world.wish(Command::Start("g".parse().unwrap()));
    world.until_text("g/loud.0", "line 1\n");
    world.wish(Command::Mute("g".parse().unwrap()));
    world.event("the mute", |event| {
        matches!(event, Event::MuteChanged { muted: true, .. }).then_some(())
    });
    world.output.clear();
    let log = world.handle.folder.join("logs/g/loud/0.log");
    let mut size = 0;
    // What was on its way when the mute was told still arrives; then the log stands still.
    world.until("a quiet log", |_, _| {
        let now = log.metadata().map(|found| found.len()).unwrap_or_default();
        (std::mem::replace(&mut size, now) == now && now > 0).then_some(())
    });
    let samples = world.handle.samples.clone();
    world.until("something thrown away", |_, _| {
        let samples = samples.borrow();
        samples
            .processes
            .iter()
            .any(|process| process.discarded > 0)
            .then_some(())
    });
    world.output.clear();
    world.wish(Command::Unmute("g/loud.0".parse().unwrap()));
    let discarded = world.event("the opening", |event| match event {
        Event::MuteChanged {
            muted: false,
            discarded,
            ..
        } => Some(*discarded),
        _ => None,
    });
    assert!(discarded > 0);
    world.until_text("g/loud.0", "line ");
    let summary = world.finish();
    assert!(summary.bytes.discarded >= discarded, "{summary:?}");
}

#[test]
fn why_a_process_does_not_run_is_told_on_request() {
    let mut world = World::started(
        r#""g": ProcessGroup(templates: {
            "server": ProcessTemplate(target: Shell("sleep 600"), ready: Line("listening")),
            "client": ProcessTemplate(target: Program("true"), after: [Ready("server")]),
        })"#,
    );
    world.wish(Command::Explain(id("g/client.0")));
    let (state, because) = world.event("the answer", |event| match event {
        Event::Explained { state, because, .. } => Some((*state, because.clone())),
        _ => None,
    });
    assert_eq!(state, ProcessState::Waiting);
    assert!(because.contains("Ready(\"server\")"), "{because}");
    world.wish(Command::Explain(id("g/nobody.0")));
    world.event("the refusal", |event| {
        matches!(event, Event::Refused { .. }).then_some(())
    });
    world.finish();
}

#[test]
fn a_rank_is_restarted_and_a_template_scaled_while_they_run() {
    let mut world = World::started(
        r#""g": ProcessGroup(templates: { "s": ProcessTemplate(target: Program("sleep"), args: [600]) })"#,
    );
    let first = world.event("its start", |event| match event {
        Event::ProcessStarted { pid, .. } => Some(*pid),
        _ => None,
    });
    world.wish(Command::Restart("g/s.0".parse().unwrap()));
    world.event("its second life", |event| match event {
        Event::ProcessStarted {
            pid, incarnation, ..
        } if incarnation.0 == 1 => Some(*pid).filter(|pid| *pid != first),
        _ => None,
    });
    world.wish(Command::Scale("g/s".parse().unwrap(), 3));
    world.until("three of them", |events, _| {
        let third = |e: &Stamped| matches!(&e.event, Event::ProcessStarted { process, .. } if *process == id("g/s.2"));
        events.iter().any(third).then_some(())
    });
    world.wish(Command::Scale("g/s".parse().unwrap(), 1));
    world.event("the end of the third", |event| match event {
        Event::ProcessEnded {
            process,
            failure: false,
            ..
        } if *process == id("g/s.2") => Some(()),
        _ => None,
    });
    let summary = world.finish();
    assert_eq!(summary.ranks.failed, 0);
}

#[test]
fn alerts_tell_of_a_line_of_a_silence_and_of_a_death() {
    let mut world = World::started(
        r#""g": ProcessGroup(ignore_error_on_exit: true, templates: {
            "line": ProcessTemplate(target: Shell("echo all is ERROR here; sleep 600"), alerts: [Line("ERR.R")]),
            "quiet": ProcessTemplate(target: Shell("echo x; sleep 600"), alerts: [Quiet("200ms")]),
            "dead": ProcessTemplate(target: Shell("kill -9 $$"), alerts: [Died]),
        })"#,
    );
    for (process, text) in [
        ("g/line.0", "all is ERROR here"),
        ("g/quiet.0", "wrote nothing for 200ms"),
        ("g/dead.0", "SIGKILL"),
    ] {
        let told = world.event(process, |event| match event {
            Event::Alerted {
                process: one, text, ..
            } if *one == id(process) => Some(text.clone()),
            _ => None,
        });
        assert_eq!(told, text);
    }
    world.finish();
}

#[test]
fn samples_tell_what_a_process_uses_with_its_children() {
    let mut world = World::started(
        r#""g": ProcessGroup(templates: {
            "busy": ProcessTemplate(target: Shell("sh -c 'while :; do :; done' & while :; do :; done")),
        })"#,
    );
    world.event("its start", |event| {
        matches!(event, Event::ProcessStarted { .. }).then_some(())
    });
    let samples = world.handle.samples.clone();
    world.until("a sample of two busy processes", |_, _| {
        let samples = samples.borrow();
        let one = samples.processes.first()?;
        (one.processes == 2 && one.cpu > 0.2 && one.memory > 0 && samples.hosts[0].memory.1 > 0)
            .then_some(())
    });
    world.finish();
}

#[test]
fn a_client_that_goes_away_leaves_nothing_running() {
    let mut world = World::started(
        r#""g": ProcessGroup(templates: { "s": ProcessTemplate(target: Program("sleep"), args: [600]) })"#,
    );
    let pid = world.event("its start", |event| match event {
        Event::ProcessStarted { pid, .. } => Some(*pid),
        _ => None,
    });
    let summary = world.handle.join().unwrap();
    assert_eq!(summary.outcome, Outcome::Interrupted);
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
}

#[test]
fn a_session_with_problems_starts_nothing_and_leaves_no_record() {
    let place = tempfile::tempdir().unwrap();
    let session = session(
        r#""g": ProcessGroup(templates: {
            "a": ProcessTemplate(target: Program("no-such-program-here")),
            "b": ProcessTemplate(target: Program("true"), cwd: "/no/such/folder", policy: Policy(cpus: 100000)),
            "c": ProcessTemplate(target: Program("true"), ready: Exec(["no-such-question", "{rank}"])),
            "d": ProcessTemplate(target: Program("true"), stdout: DevNull, alerts: [Died, Quiet("1s")]),
        })"#,
    );
    let error = Engine::start(session, options(place.path())).unwrap_err();
    let StartError::Problems(problems) = error else {
        panic!("{error}")
    };
    let text: String = problems
        .iter()
        .map(|problem| format!("{problem}\n"))
        .collect();
    for part in [
        "no-such-program-here",
        "/no/such/folder",
        "asked for 100000 cpus",
        "no-such-question",
        "output that goes to the pane",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let left = std::fs::read_dir(place.path().join("runs"))
        .unwrap()
        .count();
    assert_eq!(left, 0);
}

#[test]
fn a_watched_file_that_changes_restarts_its_template() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("model.py");
    std::fs::write(&file, "1").unwrap();
    let mut world = World::started(&format!(
        r#""g": ProcessGroup(templates: {{
            "s": ProcessTemplate(target: Program("sleep"), args: [600], watch: ["{}"]),
        }})"#,
        file.display()
    ));
    world.event("its start", |event| {
        matches!(event, Event::ProcessStarted { .. }).then_some(())
    });
    std::fs::write(&file, "22").unwrap();
    world.event("its second life", |event| match event {
        Event::ProcessStarted { incarnation, .. } if incarnation.0 == 1 => Some(()),
        _ => None,
    });
    world.finish();
}

#[test]
fn what_a_process_said_before_it_failed_is_in_the_summary() {
    let mut world = World::started(
        r#""g": ProcessGroup(templates: {
            "a": ProcessTemplate(target: Shell("echo first; echo last; exit 3")),
        })"#,
    );
    world.event("its end", |event| match event {
        Event::ProcessEnded {
            status: ExitStatus::Code(3),
            failure: true,
            ..
        } => Some(()),
        _ => None,
    });
    assert_eq!(world.text_of("g/a.0"), "", "nobody looked at its pane");
    let summary = world.finish();
    assert_eq!(summary.failures[0].last_lines, ["first", "last"]);
    assert_eq!(summary.first_failure, Some(id("g/a.0")));
}
