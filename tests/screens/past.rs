//! Runs of the past on the screens, and what was done by hand as a timeline.

use super::support::program::{Home, group_of, shell};
use super::terminal::Terminal;

/// A run that is over: two lines, then exit code 3 after more than a second.
fn failed(home: &Home) {
    let line = "echo one; sleep 1.2; echo two; exit 3";
    home.write("old.ron", group_of(&shell("worker", line, "")));
    home.run(&["--replay", "old.ron", "--quiet"]).ends_with(1);
}

#[test]
fn a_past_run_is_seen_as_it_was_at_any_second_and_run_again() {
    let home = Home::new();
    failed(&home);
    let mut terminal = Terminal::open(&home, &["view", "last"], 24, 100);
    terminal.wait_for("the past old");
    terminal.wait_for("exit 3");
    terminal.wait_for("two");
    terminal.keys("<");
    terminal.wait_for("not started yet");
    // Steps of a tenth of a second.
    terminal.keys(">,,,,,,");
    terminal.wait_for("running");
    // Of what it prints only what was there by then.
    terminal.wait_for("one");
    terminal.wait_gone("two");
    // Nothing is there to be stopped.
    terminal.keys("x");
    terminal.wait_for("this is the past");
    terminal.keys("\x1b");
    terminal.wait_for("past runs");
    terminal.keys("r");
    terminal.wait_for("pid");
    terminal.wait_gone("the past");
    terminal.wait_for("exit 3");
    terminal.keys("q");
    assert!(terminal.finish().success());
    assert_eq!(home.runs().len(), 2);
}

#[test]
fn what_runs_goes_on_while_the_past_is_looked_at() {
    let home = Home::new();
    failed(&home);
    super::ticker(&home);
    let mut terminal = Terminal::open(&home, &["s.ron", "--start"], 24, 120);
    terminal.wait_for("tick 2");
    terminal.keys("5");
    terminal.wait_for("running");
    terminal.wait_for("failed");
    terminal.keys("/old\r");
    terminal.wait_for("1 of 1");
    terminal.keys("\r");
    terminal.wait_for("a run goes on");
    terminal.wait_for("exit 3");
    terminal.keys("2");
    terminal.keys("5");
    terminal.wait_for("past runs");
    terminal.keys("2");
    terminal.wait_for("tick 10");
    terminal.wait_for("2/2");
}

#[test]
fn two_runs_are_compared_and_one_is_deleted() {
    let home = Home::new();
    failed(&home);
    failed(&home);
    let mut terminal = Terminal::open(&home, &[], 24, 100);
    terminal.keys("5");
    terminal.wait_for("1 of 2");
    terminal.keys("cjc");
    terminal.wait_for("two runs");
    terminal.wait_for("g/worker");
    terminal.keys("\x1b");
    terminal.wait_for("2 of 2");
    terminal.keys("D");
    terminal.wait_for("Delete the run");
    terminal.keys("y");
    terminal.wait_for("1 of 1");
    assert_eq!(home.runs().len(), 1);
}

#[test]
fn what_was_done_is_saved_as_a_timeline_and_done_again() {
    let home = Home::new();
    super::ticker(&home);
    let mut terminal = Terminal::open(&home, &["s.ron", "--start"], 24, 100);
    terminal.wait_for("tick 2");
    terminal.keys("jj");
    terminal.keys("m");
    terminal.wait_for("to DEVNULL");
    terminal.keys("T");
    terminal.wait_for("with what was done");
    terminal.keys("\x15");
    terminal.keys("again.ron\r");
    terminal.wait_for("written: again.ron");
    terminal.keys("q");
    terminal.wait_for("really?");
    terminal.keys("y");
    assert!(terminal.finish().success());
    let saved = home.read("again.ron");
    assert!(saved.contains(r#"do: Mute("g/ticker"#), "{saved}");
    let mut terminal = Terminal::open(&home, &["again.ron", "--start"], 24, 100);
    terminal.wait_for("to DEVNULL");
}
