//! A client that takes nothing for long: engine, timers and ranks go on, and it catches up when it takes again.

use super::*;
use dragon_tui::{model::session::Session, tui::facts::Facts};

/// More than may wait as they came, and more than an engine ever held back before it stopped its timers.
const EVENTS: usize = 80_000;

/// Ranks of a group that never runs: whoever mutes them makes so many events at once.
const IDLE: usize = 2_000;

fn text() -> String {
    let stubborn = "trap '' INT TERM; while :; do sleep 1; done";
    let templates = shell("flood", "exec yes 'a line of a flood'", "terminal: Pipe")
        + &shell(
            "stubborn",
            stubborn,
            "stop: Stop(signal: INT, grace: \"300ms\")",
        );
    let idle = shell("t", "true", &format!("replicas: {IDLE}"));
    format!(
        "Session(version: 1, timeline: [(at: \"10h\", do: Start(\"z\"))], groups: {{
            \"g\": ProcessGroup(templates: {{ {templates} }}),
            \"z\": ProcessGroup(templates: {{ {idle} }}) }})"
    )
}

fn lines_of_record(home: &Home) -> usize {
    home.read_run("events.jsonl").lines().count()
}

fn size_of_flood(home: &Home) -> u64 {
    let log = home.the_run().join("logs/g/flood/0.log");
    log.metadata().map_or(0, |log| log.len())
}

#[test]
fn a_run_that_is_over_keeps_its_last_words_for_a_client_that_takes_nothing_while_that_lives() {
    let mut talk = Talk::opened(&text(), false);
    talk.welcome();
    let engine = talk.client.pid().unwrap() as i32;
    for round in 0..8 {
        let idle = "z/t".parse().unwrap();
        talk.wish(match round % 2 {
            0 => Command::Mute(idle),
            _ => Command::Unmute(idle),
        });
    }
    talk.wish(Command::Finish);
    talk.flush();
    wait_for("the end of the run", LIMIT, || {
        talk.home
            .the_run()
            .join("summary.json")
            .exists()
            .then_some(())
    });
    assert!(lives(engine), "most of it is still to be told");
    let Talk { client, home, .. } = talk;
    drop(client);
    wait_for("the engine's end", SOON, || {
        home.processes().is_empty().then_some(())
    });
}

#[test]
fn nothing_waits_for_a_client_that_takes_nothing_and_it_is_told_the_present_afterwards() {
    let text = text();
    let mut talk = Talk::opened(&text, true);
    talk.welcome();
    talk.rank_started("g/flood.0");
    talk.rank_started("g/stubborn.0");
    talk.watch(&["g/flood.0"]);
    // From here on nothing is read.
    for round in 0..EVENTS / IDLE {
        let idle = "z/t".parse().unwrap();
        talk.wish(match round % 2 {
            0 => Command::Mute(idle),
            _ => Command::Unmute(idle),
        });
    }
    wait_for("all of it in the record", LIMIT, || {
        (lines_of_record(&talk.home) > EVENTS).then_some(())
    });
    // Timers go on: it is asked, asked again, and killed.
    talk.wish(Command::Stop("g/stubborn".parse().unwrap()));
    wait_for("its end", LIMIT, || {
        let all = talk.home.marked();
        let lives =
            |it: &&support::program::Process| it.arguments.iter().any(|it| it.contains("trap"));
        (all.iter().find(lives).is_none()).then_some(())
    });
    // Output goes on, far beyond everything that could wait anywhere.
    let size = size_of_flood(&talk.home);
    wait_for("a growing log", LIMIT, || {
        (size_of_flood(&talk.home) > size + (64 << 20)).then_some(())
    });
    talk.wish(Command::Kill("g/flood".parse().unwrap()));
    talk.finish();

    let recorded: Vec<Stamped> = talk
        .home
        .events()
        .into_iter()
        .map(|event| serde_json::from_value(event).unwrap())
        .collect();
    let told = talk.events();
    assert!(told.len() < recorded.len() / 2, "{} were told", told.len());
    assert!(told.is_sorted_by(|a, b| a.at <= b.at));
    let fold = |events: &mut dyn Iterator<Item = &Stamped>| {
        let mut facts = Facts::of(&Session::parse(&text).session);
        events.for_each(|event| drop(facts.apply(event)));
        facts
    };
    let known = fold(&mut told.into_iter());
    let true_ones = fold(&mut recorded.iter());
    assert_eq!(known.count(None).total as usize, IDLE + 2);
    assert!(known.selected(None).eq(true_ones.selected(None)));
    assert_eq!(known, true_ones);
    // And what is shown of the flood is its end, with what is missing counted.
    let chunks = talk.chunks("g/flood.0");
    let last = chunks[chunks.len() - 1];
    let log = talk.home.log("g", "flood", 0);
    assert_eq!(last.offset + last.bytes.len() as u64, log.len() as u64);
    let missing: u64 = chunks.iter().map(|it| it.gap).sum();
    assert!(missing > 32 << 20, "{missing} bytes");
}
