//! The full-screen program as a user has it: on a real pty, by keys, read through our own terminal.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::time::Duration;

use support::{
    program::{Home, group_of, lives, shell, signal},
    wait_for,
};
use terminal::Terminal;

#[path = "screens/full_screen.rs"]
mod full_screen;
#[path = "screens/keeping.rs"]
mod keeping;
#[path = "screens/outer.rs"]
mod outer;
#[path = "screens/panes.rs"]
mod panes;
#[path = "screens/past.rs"]
mod past;
#[path = "screens/pictures.rs"]
mod pictures;
#[path = "screens/queues.rs"]
mod queues;
#[path = "screens/story.rs"]
mod story;
#[path = "screens/svg.rs"]
mod svg;
#[path = "screens/terminal.rs"]
mod terminal;

/// Counts up, ten lines a second.
const TICKER: &str = "i=0; while :; do i=$((i+1)); echo tick $i; sleep 0.1; done";

fn ticker(home: &Home) {
    let text = group_of(
        &(shell("ticker", TICKER, "")
            + &shell("reader", "while read line; do echo got $line; done", "")),
    );
    home.write("s.ron", text);
}

#[test]
fn a_session_is_started_watched_muted_killed_explained_and_left() {
    let home = Home::new();
    ticker(&home);
    let mut terminal = Terminal::open(&home, &["s.ron"], 40, 120);
    terminal.wait_for("s  start it");
    terminal.keys("s");
    terminal.wait_for("tick ");
    terminal.wait_for("2 of 2 run");
    terminal.is_taken();
    // Down to the first template, then its rank.
    terminal.keys("jj");
    terminal.keys("m");
    terminal.wait_for("to DEVNULL");
    terminal.wait_gone("tick 3\n");
    terminal.keys("m");
    terminal.wait_gone("to DEVNULL");
    terminal.keys("X");
    terminal.wait_for("Kill");
    terminal.keys("y");
    terminal.wait_for("SIGKILL");
    terminal.keys("w");
    terminal.wait_for("why is g/ticker.0 as it is?");
    terminal.keys("\x1b");
    terminal.wait_gone("why is");
    terminal.keys("q");
    terminal.wait_for("really?");
    terminal.keys("y");
    let status = terminal.finish();
    assert!(status.success(), "{status}");
    terminal.is_given_back();
    assert_eq!(home.marked().len(), 0, "nothing is left");
}

#[test]
fn what_is_typed_reaches_the_rank_and_leaving_keeps_the_keys_here() {
    let home = Home::new();
    ticker(&home);
    let mut terminal = Terminal::open(&home, &["s.ron", "--start"], 40, 120);
    terminal.wait_for("tick ");
    terminal.keys("/");
    terminal.wait_for("search");
    terminal.keys("tick 1$\r");
    terminal.wait_for("ticker.0:1 tick 1");
    terminal.keys("\x1b");
    terminal.wait_gone("in the logs");
    // The last row is the reader's rank.
    terminal.keys("G");
    terminal.keys("i");
    terminal.wait_for("typing: ^] leaves");
    terminal.keys("hello q\r");
    terminal.wait_for("got hello q");
    terminal.keys("\x1d");
    terminal.wait_gone("typing: ^] leaves");
    terminal.keys("a");
    terminal.wait_for("all in one");
    terminal.wait_for("ticker.0 │ tick");
    terminal.keys("4");
    terminal.wait_for("localhost");
    terminal.wait_for("cpus");
}

#[test]
fn a_small_terminal_shows_the_tree_above_a_pane_and_any_size_is_survived() {
    let home = Home::new();
    ticker(&home);
    let mut terminal = Terminal::open(&home, &["s.ron", "--start"], 24, 80);
    terminal.wait_for("tick ");
    for (rows, cols) in [(5, 20), (1, 2), (60, 200), (3, 300), (24, 80)] {
        terminal.resize(rows, cols);
        terminal.keys("j");
    }
    terminal.wait_for("? help");
    terminal.wait_for("tick");
}

#[test]
fn a_screen_that_is_killed_takes_its_run_with_it() {
    let home = Home::new();
    ticker(&home);
    for number in [9, 15, 1] {
        let mut terminal = Terminal::open(&home, &["s.ron", "--start"], 24, 80);
        terminal.wait_for("tick ");
        assert!(!home.marked().is_empty());
        let engine = home.part("engine").expect("it is a process of its own").pid;
        signal(terminal.pid(), number);
        if number != 9 {
            terminal.finish();
            terminal.is_given_back();
        }
        wait_for("the end of all", Duration::from_secs(12), || {
            (home.marked().is_empty() && !lives(engine)).then_some(())
        });
    }
}

#[test]
fn a_screen_that_is_stopped_costs_the_ranks_nothing_and_shows_what_is_true_when_it_goes_on() {
    let home = Home::new();
    let counter = format!(
        "i=0; while :; do i=$((i+1)); echo count $i {}; done",
        "of many ".repeat(60)
    );
    let steps: String = (0..12)
        .map(|step| {
            let wish = if step % 2 == 0 { "Mute" } else { "Unmute" };
            format!("(at: \"{}ms\", do: {wish}(\"z\")), ", 2_000 + step * 10)
        })
        .collect();
    let templates = shell("counter", &counter, "") + &shell("reader", "read line", "");
    // Whoever mutes ranks that do not run makes as many events as there are.
    let idle = shell("t", "true", "replicas: 2000");
    home.write(
        "s.ron",
        format!(
            "Session(version: 1, timeline: [{steps} (at: \"2500ms\", do: Stop(\"g/reader\")),
                (at: \"10h\", do: Start(\"z\"))], groups: {{
                \"g\": ProcessGroup(templates: {{ {templates} }}),
                \"z\": ProcessGroup(templates: {{ {idle} }}) }})"
        ),
    );
    let mut terminal = Terminal::open(&home, &["s.ron", "--start"], 40, 120);
    terminal.wait_for("count ");
    signal(terminal.pid(), libc::SIGSTOP);
    let log = || home.log("g", "counter", 0);
    let recorded = |what: &str| home.read_run("events.jsonl").matches(what).count();
    wait_for("the timeline", Duration::from_secs(20), || {
        (recorded("mute_changed") == 12 * 2_000 && recorded("process_ended") == 1).then_some(())
    });
    let before = log().len();
    // Far more than could wait on the way to the screen.
    wait_for("the count to go on", Duration::from_secs(60), || {
        (log().len() > before + (3 << 20)).then_some(())
    });
    let text = String::from_utf8(log()).unwrap();
    let then = text.rsplit("count ").nth(1);
    let then = then.and_then(|rest| rest.split(' ').next()?.parse::<u64>().ok());
    let then = then.unwrap();
    signal(terminal.pid(), libc::SIGCONT);
    terminal.wait_until("the present count", |seen| {
        let counts = seen.split("count ").skip(1);
        let mut counts = counts.filter_map(|rest| rest.split_whitespace().next()?.parse().ok());
        counts.any(|shown: u64| shown >= then)
    });
    terminal.wait_for("SIGINT");
    terminal.keys("q");
    terminal.wait_for("really?");
    terminal.keys("y");
    assert!(terminal.finish().success());
}

#[test]
fn the_engine_of_a_screen_writes_its_own_log_when_it_is_asked_to() {
    let home = Home::new();
    ticker(&home);
    let more = ["s.ron", "--start", "--log-level", "trace"];
    let mut terminal = Terminal::open(&home, &more, 24, 100);
    terminal.wait_for("tick ");
    assert!(home.the_run().join("engine.log").exists());
}

#[test]
fn an_engine_that_is_killed_is_told_of_and_the_screen_goes_on() {
    let home = Home::new();
    ticker(&home);
    let mut terminal = Terminal::open(&home, &["s.ron", "--start"], 24, 100);
    terminal.wait_for("tick ");
    signal(home.part("engine").unwrap().pid, 9);
    terminal.wait_for("engine gone");
    terminal.keys("s");
    terminal.wait_for("tick ");
    terminal.wait_for("running");
}

#[test]
fn without_a_terminal_the_way_without_one_is_named() {
    let home = Home::new();
    ticker(&home);
    let done = home.run(&["s.ron"]);
    done.ends_with(2).complains("--replay");
}

#[test]
fn what_is_wrong_with_a_session_is_said_before_the_screen_is_taken() {
    let home = Home::new();
    home.write("s.ron", "Session(version: 1, gruops: {})");
    let mut terminal = Terminal::open(&home, &["s.ron"], 24, 100);
    let status = terminal.finish();
    assert_eq!(status.code(), Some(2));
    assert!(
        terminal.text().contains("did you mean `groups`"),
        "{}",
        terminal.text()
    );
}
