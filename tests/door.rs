//! The engine as a process of its own, by the client's side of its door: what comes, in which order, and what is left
//! when one of the two dies.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{
    collections::HashMap,
    os::{fd::OwnedFd, unix::net::UnixStream},
    process::{Command as Program, Stdio},
    time::{Duration, Instant},
};

use dragon_tui::{
    engine::door::{
        CommandError,
        join::LogJoin,
        wire::{Deed, FrameReader, FromEngine, Opening, PROTOCOL, ToEngine, encode},
    },
    model::event::{Command, Event, Outcome, Stamped},
};
use support::{
    program::{Home, LIMIT, lives, shell, signal},
    wait_for,
};
use talk::{SOON, Talk, executable, id, opening, program, session};

#[path = "door/behind.rs"]
mod behind;

#[path = "door/deaths.rs"]
mod deaths;

#[path = "door/floods.rs"]
mod floods;

#[path = "door/talk.rs"]
mod talk;

#[test]
fn a_session_is_started_watched_steered_and_finished() {
    let text = session(
        &shell("t", "echo hello; read line; echo got $line; read line", ""),
        "",
    );
    let mut talk = Talk::opened(&text, false);
    let run = talk.hear("a welcome", |said| match said {
        FromEngine::Welcome { run, folder, .. } => {
            assert!(folder.is_absolute());
            Some(run.clone())
        }
        _ => None,
    });
    assert_eq!(talk.home.the_run().file_name().unwrap(), run.as_str());
    talk.watch(&["g/t.0"]);
    let is_start = |it: &&Stamped| matches!(it.event, Event::ProcessChanged { .. });
    assert!(
        !talk.events().iter().any(is_start),
        "nothing starts by itself"
    );
    talk.wish(Command::Start("g".parse().unwrap()));
    talk.rank_started("g/t.0");
    talk.output("g/t.0", "hello");
    talk.wish(Command::Send("g/t.0".parse().unwrap(), b"you\n".to_vec()));
    talk.output("g/t.0", "got you");
    talk.finish();
    assert!(matches!(talk.events()[0].event, Event::RunStarted { .. }));
    let log = String::from_utf8(talk.home.log("g", "t", 0)).unwrap();
    assert_eq!(String::from_utf8(talk.shown("g/t.0")).unwrap(), log);
    // Its guardian sees the agent's end a moment later.
    wait_for("nobody", SOON, || {
        talk.home.processes().is_empty().then_some(())
    });
    let recorded = talk.home.events();
    let told = talk.events();
    assert_eq!(recorded.len(), told.len(), "all of them, in order");
    for (recorded, told) in recorded.iter().zip(told) {
        assert_eq!(
            recorded["event"],
            serde_json::to_value(told).unwrap()["event"]
        );
    }
}

#[test]
fn a_session_that_is_wrong_is_refused_with_the_place_in_its_text() {
    let wrong = "Session(version: 1, groups: {\n  \"g\": ProcessGroup(templates: { \"t\": ProcessTemplate(targett: Shell(\"x\")) }) })";
    let absent = session(
        "\"t\": ProcessTemplate(target: Program(\"no-such-program\"))",
        "",
    );
    for (text, line, word) in [(wrong, 2, "targett"), (&*absent, 2, "no-such-program")] {
        let mut talk = Talk::opened(text, true);
        let problems = talk.hear("a refusal", |said| match said {
            FromEngine::Refused {
                problems,
                unplaceable: false,
            } => Some(problems.clone()),
            _ => None,
        });
        assert!(
            problems.iter().any(|it| it.to_string().contains(word)),
            "{problems:?}"
        );
        let first = &problems[0];
        assert_eq!(first.at.map(|at| at.line), Some(line), "{first:?}");
        assert_eq!(first.file.as_deref(), Some("s.ron".as_ref()));
        assert_eq!(talk.gone(), "the engine has ended");
        assert!(talk.home.runs().is_empty());
    }
}

#[test]
fn what_cannot_be_placed_is_told_from_what_is_wrong_and_a_session_without_a_file_names_none() {
    let home = Home::new();
    let text = session(&shell("t", "true", "policy: Policy(cpus: 100000)"), "");
    let opening = Opening {
        path: None,
        ..opening(&home, &text, true)
    };
    let mut talk = Talk::of(home, opening);
    let (problems, unplaceable) = talk.hear("a refusal", |said| match said {
        FromEngine::Refused {
            problems,
            unplaceable,
        } => Some((problems.clone(), *unplaceable)),
        _ => None,
    });
    assert!(unplaceable, "{problems:?}");
    assert_eq!(problems[0].file, None);
}

#[test]
fn samples_and_queues_come_while_they_are_wanted_and_items_can_be_put_looked_at_and_purged() {
    let text = session(
        &shell("t", "read line", ""),
        "queues: { \"jobs\": Queue(maxsize: 2) },",
    );
    let mut talk = Talk::opened(&text, true);
    talk.welcome();
    talk.rank_started("g/t.0");
    talk.send(ToEngine::SampleEvery(100));
    talk.hear("a sample", |said| match said {
        FromEngine::Samples(samples) => (samples.processes.len() == 1).then_some(()),
        _ => None,
    });
    talk.send(ToEngine::QueuesEvery(50));
    let depth = |said: &FromEngine| match said {
        FromEngine::Queues(queues) => Some(queues[0].depth),
        _ => None,
    };
    assert_eq!(talk.hear("the queues", depth), 0);
    let put = |bytes: &[u8]| ToEngine::Put {
        queue: "jobs".to_owned(),
        bytes: bytes.to_vec(),
    };
    for (item, succeeds) in [(b"one", true), (b"two", true), (b"six", false)] {
        talk.send(put(item));
        let failed = talk.hear("the put", |said| match said {
            FromEngine::Done {
                what: Deed::Put,
                failed,
                ..
            } => Some(*failed),
            _ => None,
        });
        assert_eq!(failed, !succeeds);
    }
    talk.hear("two items", |said| (depth(said) == Some(2)).then_some(()));
    talk.send(ToEngine::Peek {
        queue: "jobs".to_owned(),
        from: 1,
        count: 5,
        head: 2,
    });
    let items = talk.hear("the items", |said| match said {
        FromEngine::Peeked { items, .. } => Some(items.clone()),
        _ => None,
    });
    assert_eq!(
        (items.len(), &*items[0].head, items[0].len),
        (1, &b"tw"[..], 3)
    );
    talk.send(ToEngine::Purge {
        queue: "jobs".to_owned(),
    });
    talk.hear("an empty queue", |said| {
        (depth(said) == Some(0)).then_some(())
    });
    // Nothing moves any more, but that it waits longer and longer.
    talk.send(put(b"one"));
    talk.hear("an old item", |said| match said {
        FromEngine::Queues(queues) => (queues[0].oldest_ms > 900).then_some(()),
        _ => None,
    });
    talk.send(ToEngine::QueuesEvery(0));
    talk.send(ToEngine::SampleEvery(0));
    talk.finish();
}

#[test]
fn a_client_that_opens_a_pane_late_has_every_byte_once_from_the_log_and_live() {
    let line = "i=0; while :; do i=$((i+1)); echo line $i; [ -e STOP ] && break; done; echo end";
    let mut talk = Talk::started(&shell("t", line, ""));
    talk.rank_started("g/t.0");
    let log = || {
        talk.home
            .runs()
            .first()
            .map(|run| run.join("logs/g/t/0.log"))
    };
    let path = wait_for("a log with something in it", LIMIT, || {
        let path = log()?;
        (path.metadata().ok()?.len() > 10_000).then_some(path)
    });
    talk.watch(&["g/t.0"]);
    // Between the two, the log goes on: what is read twice has to be recognised.
    talk.hear("a chunk", |said| {
        matches!(said, FromEngine::Chunk(_)).then_some(())
    });
    let mut seen = std::fs::read(&path).unwrap();
    let mut join = LogJoin::at(seen.len() as u64);
    talk.home.write("STOP", "");
    talk.output("g/t.0", "end\r\n");
    talk.finish();
    for chunk in talk.chunks("g/t.0") {
        let (gap, new) = join.rest(chunk);
        if gap > 0 {
            // It is all in the log; a client that wants it reads it there.
            let log = std::fs::read(&path).unwrap();
            let from = usize::try_from(chunk.offset - gap).unwrap();
            seen.extend_from_slice(&log[from..chunk.offset as usize]);
        }
        seen.extend_from_slice(new);
    }
    assert!(
        seen == std::fs::read(&path).unwrap(),
        "{} bytes",
        seen.len()
    );
}

#[test]
fn what_is_muted_does_not_come_and_who_is_not_watched_is_not_heard() {
    let chatty = "while :; do echo word; sleep 0.01; done";
    let mut talk = Talk::started(&format!(
        "{}{}",
        shell("a", chatty, ""),
        shell("b", chatty, "")
    ));
    talk.watch(&["g/a.0"]);
    talk.output("g/a.0", "word\r\nword");
    talk.wish(Command::Mute("g/a".parse().unwrap()));
    talk.event("silence", |event| {
        matches!(event, Event::MuteChanged { muted: true, .. }).then_some(())
    });
    talk.wish(Command::Unmute("g/a".parse().unwrap()));
    let discarded = talk.event("a voice", |event| match event {
        Event::MuteChanged {
            muted: false,
            discarded,
            ..
        } => Some(*discarded),
        _ => None,
    });
    let before = talk.shown("g/a.0").len();
    talk.hear("more", |said| {
        matches!(said, FromEngine::Chunk(_)).then_some(())
    });
    assert!(
        talk.shown("g/a.0").len() > before,
        "after {discarded} bytes"
    );
    assert!(talk.chunks("g/b.0").is_empty());
    talk.watch(&["g/b.0"]);
    talk.output("g/b.0", "word");
    talk.finish();
}

#[test]
fn the_engine_has_no_terminal_and_a_session_of_its_own() {
    let mut talk = Talk::started(&shell("t", "read line", ""));
    talk.rank_started("g/t.0");
    let pid = talk.client.pid().unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    let (session, terminal) = (fields[3], fields[4]);
    assert_eq!((session, terminal), (&*pid.to_string(), "0"));
    for fd in [0, 1] {
        let at = std::fs::read_link(format!("/proc/{pid}/fd/{fd}")).unwrap();
        assert_eq!(at.to_str(), Some("/dev/null"), "{fd}");
    }
    signal(pid as i32, libc::SIGHUP);
    talk.wish(Command::Explain(id("g/t.0")));
    talk.event("an answer", |event| {
        matches!(event, Event::Explained { .. }).then_some(())
    });
    talk.finish();
}

#[test]
fn the_engine_writes_its_own_log_when_it_is_asked_to() {
    let home = Home::new();
    let program = program(&home);
    let opening = opening(&home, &session(&shell("t", "read line", ""), ""), true);
    let mut talk = Talk::launched(home, &program, &["--log-level", "trace"], opening);
    talk.welcome();
    assert!(talk.home.the_run().join("engine.log").exists());
    talk.finish();
}

#[test]
fn who_starts_the_engine_by_hand_is_told_what_it_is() {
    let home = Home::new();
    home.run(&["engine"])
        .ends_with(2)
        .complains("started by dragon-tui itself");
}

#[test]
fn a_client_of_another_version_is_told_so() {
    let home = Home::new();
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let mut engine = home
        .command(&["engine"])
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .spawn()
        .unwrap();
    let mut hello = Vec::new();
    let greeting = serde_json::json!({ "hello": { "protocol": PROTOCOL + 1, "opening": 7 } });
    encode(&greeting, &mut hello).unwrap();
    std::io::Write::write_all(&mut ours, &hello).unwrap();
    let mut answer = Vec::new();
    std::io::Read::read_to_end(&mut ours, &mut answer).unwrap();
    let mut reader = FrameReader::default();
    reader.push(&answer);
    let said = reader.next_from_engine().unwrap();
    let Some(FromEngine::Failed { text }) = said else {
        panic!("{said:?}");
    };
    assert!(text.contains("version 2"), "{text}");
    assert!(engine.wait().unwrap().success());
}
