//! A client that is slow: nobody else waits for it.

use super::*;

const FLOOD: &str = "exec yes 'a line of a flood that goes on and on'";

/// A log of the one run.
fn size_of_log(home: &Home, template: &str) -> u64 {
    let run = home.the_run();
    let log = run.join(format!("logs/g/{template}/0.log"));
    log.metadata().map_or(0, |log| log.len())
}

#[test]
fn a_client_that_takes_nothing_holds_up_neither_floods_nor_anybody_else() {
    let templates = format!(
        "{}{}{}",
        shell("pty", FLOOD, "terminal: Pty"),
        shell("pipe", FLOOD, "terminal: Pipe"),
        shell(
            "quiet",
            "until [ -e GO ]; do sleep 0.05; done; echo done; touch DONE; sleep 6000",
            ""
        ),
    );
    let mut talk = Talk::started(&templates);
    talk.watch(&["g/pty.0", "g/pipe.0", "g/quiet.0"]);
    // From here on nothing is read. Both floods run on, far beyond everything that could wait anywhere.
    let mut sizes = HashMap::new();
    for round in [1, 2] {
        for (template, portion) in [("pty", 4 << 20), ("pipe", 32 << 20)] {
            let before = sizes.get(template).copied().unwrap_or(0);
            let now = wait_for("a growing log", LIMIT, || {
                let size = size_of_log(&talk.home, template);
                (size > before + portion).then_some(size)
            });
            sizes.insert(template, now);
        }
        if round == 1 {
            talk.home.write("GO", "");
        }
    }
    wait_for("the quiet one", LIMIT, || {
        talk.home.has("DONE").then_some(())
    });
    // A wish is heard, though nothing that it brings about is read.
    talk.client
        .send(ToEngine::Command(Command::Kill("g/pipe".parse().unwrap())))
        .unwrap();
    wait_for("its end", LIMIT, || {
        let all = talk.home.marked();
        let floods = all.iter().filter(|it| it.arguments[0] == "yes");
        (floods.count() == 1).then_some(())
    });
    // Now everything is read: it is as new as it can be, and what is missing is counted.
    talk.output("g/quiet.0", "done");
    let flood = id("g/pipe.0");
    talk.told(
        "the end of the flood",
        |event| matches!(event, Event::ProcessEnded { process, .. } if *process == flood),
    );
    talk.finish();
    for template in ["pty", "pipe"] {
        let log = talk.home.log("g", template, 0);
        let chunks = talk.chunks(&format!("g/{template}.0"));
        let mut at = chunks[0].offset - chunks[0].gap;
        for (index, chunk) in chunks.iter().enumerate() {
            assert_eq!(chunk.offset - chunk.gap, at, "{template} {index}");
            let start = chunk.offset as usize;
            assert!(log[start..].starts_with(&chunk.bytes), "{template} {index}");
            at = chunk.offset + chunk.bytes.len() as u64;
        }
        assert_eq!(at, log.len() as u64, "{template}: its last words too");
        let missing: u64 = chunks.iter().map(|it| it.gap).sum();
        assert!(missing > 1 << 20, "{template}: {missing} bytes");
    }
}

#[test]
fn all_that_was_written_comes_also_when_nobody_writes_any_more() {
    let line = "read line; seq 8000 | head -c 40000; echo; read line; seq 30000 | head -c 150000; echo end";
    let templates: String = (0..4)
        .map(|index| shell(&format!("t{index}"), line, "terminal: Pty, stdin: Pane"))
        .collect();
    let mut talk = Talk::started(&templates);
    let all = ["g/t0.0", "g/t1.0", "g/t2.0", "g/t3.0"];
    talk.watch(&all);
    for process in all {
        talk.rank_started(process);
    }
    // Nothing is read until both portions lie in the rings, larger than what is brought forward at once.
    for least in [40_000, 190_000] {
        for index in 0..4 {
            let to = format!("g/t{index}").parse().unwrap();
            talk.wish(Command::Send(to, b"go\n".to_vec()));
        }
        wait_for("the portion", LIMIT, || {
            let size = |index| size_of_log(&talk.home, &format!("t{index}"));
            (0..4).all(|index| size(index) > least).then_some(())
        });
    }
    for process in all {
        talk.output(process, "end\r\n");
    }
    for (index, process) in all.iter().enumerate() {
        let log = talk.home.log("g", &format!("t{index}"), 0);
        assert!(talk.shown(process) == log, "{process}");
    }
    talk.finish();
}

#[test]
fn an_answer_does_not_wait_behind_a_flood() {
    let templates: String = (0..4)
        .map(|index| shell(&format!("f{index}"), FLOOD, "terminal: Pipe"))
        .collect();
    let mut talk = Talk::started(&(templates + &shell("quiet", "read line", "")));
    talk.watch(&["g/f0.0", "g/f1.0", "g/f2.0", "g/f3.0"]);
    let mut before_answers = Vec::new();
    for round in 0..10 {
        // Nothing is read until everything on the way is full, and the answer there.
        let size = size_of_log(&talk.home, "f0");
        wait_for("a flood", LIMIT, || {
            (size_of_log(&talk.home, "f0") > size + (4 << 20)).then_some(())
        });
        let muted = round % 2 == 0;
        let of = "g/quiet".parse().unwrap();
        talk.wish(match muted {
            true => Command::Mute(of),
            false => Command::Unmute(of),
        });
        wait_for("the answer in the record", LIMIT, || {
            let text = talk.home.read_run("events.jsonl");
            (text.matches("mute_changed").count() > round).then_some(())
        });
        let before = talk.said.len();
        talk.event("an answer", |event| {
            matches!(event, Event::MuteChanged { muted: it, .. } if *it == muted).then_some(())
        });
        let ahead: usize = talk.said[before..]
            .iter()
            .map(|said| match said {
                FromEngine::Chunk(chunk) => chunk.bytes.len(),
                _ => 0,
            })
            .sum();
        before_answers.push(ahead);
    }
    // What the socket holds and the portion that is being written: of four full rings of 256 KiB each nothing.
    before_answers.sort_unstable();
    let ahead = before_answers[before_answers.len() / 2];
    assert!(
        ahead < 512 << 10,
        "{before_answers:?} bytes came before the answers"
    );
    talk.finish();
}

#[test]
fn events_that_nobody_takes_wait_and_come_whole_and_in_order() {
    let mut talk = Talk::started(&shell("t", "true", "replicas: 400"));
    wait_for("everything to end", LIMIT, || {
        let all = talk.home.marked();
        all.iter().all(|it| it.arguments[0] != "true").then_some(())
    });
    let mut ended = 0;
    talk.event("all ends", |event| {
        ended += usize::from(matches!(event, Event::ProcessEnded { .. }));
        (ended == 400).then_some(())
    });
    let times: Vec<f64> = talk.events().iter().map(|it| it.at).collect();
    assert!(times.is_sorted());
    talk.finish();
}

#[test]
fn a_client_that_sends_too_much_is_told_so_and_nothing_is_lost() {
    let text = session(&shell("t", "read line", ""), "");
    let mut talk = Talk::opened(&text, true);
    // Nothing is taken before the session is checked.
    let mut sent = 0;
    let refused = loop {
        match talk
            .client
            .send(ToEngine::Command(Command::Explain(id("g/t.0"))))
        {
            Ok(()) => sent += 1,
            Err(error) => break error,
        }
        assert!(sent < 100_000);
    };
    assert_eq!(refused, CommandError::Busy);
    let large = vec![b'x'; 2 << 20];
    let error = talk.client.send(ToEngine::Put {
        queue: "q".to_owned(),
        bytes: large,
    });
    assert_eq!(error, Err(CommandError::Busy));
    let mut answers = 0;
    talk.event("all answers", |event| {
        answers += usize::from(matches!(
            event,
            Event::Explained { .. } | Event::Refused { .. }
        ));
        (answers == sent).then_some(())
    });
    talk.finish();
    assert!(!lives(talk.client.pid().unwrap_or(0) as i32));
}
