//! Queues and hosts on the screens: watched while they fill, looked into, given an item by hand, emptied.

use super::support::program::{Home, shell};
use super::terminal::Terminal;

/// A queue that fills, and a rank that waits at another one.
fn filling(home: &Home) {
    let templates = shell(
        "filler",
        "seq 1 20 | dragon-tui queue put jobs --lines; dragon-tui queue put jobs late",
        "",
    ) + &shell(
        "taker",
        "while item=$(dragon-tui queue get wishes); do echo took $item; done",
        "",
    );
    home.write(
        "s.ron",
        format!(
            "Session(version: 1, queues: {{ \"jobs\": Queue(maxsize: 20), \"wishes\": Queue() }},
            groups: {{ \"g\": ProcessGroup(templates: {{\n{templates}\n}}) }})"
        ),
    );
}

#[test]
fn a_queue_is_watched_as_it_fills_looked_into_given_an_item_and_emptied() {
    let home = Home::new();
    filling(&home);
    let mut terminal = Terminal::open(&home, &["s.ron", "--start"], 40, 120);
    terminal.keys("3");
    terminal.wait_for("20/20");
    terminal.wait_for("put: filler.0");
    terminal.wait_for("nobody gets from jobs");
    terminal.keys("w");
    terminal.wait_for("1 waits to put, until somebody gets an item:");
    terminal.keys("\x1b");
    terminal.wait_gone("until somebody");
    terminal.keys("\r");
    terminal.wait_for("of 20, ");
    terminal.wait_for("  1  text       1 ");
    // The other queue: who waits there gets what is typed here.
    terminal.keys("jP");
    terminal.wait_for("put into wishes");
    terminal.keys("by hand\r");
    terminal.wait_for("wishes: put");
    terminal.keys("2");
    terminal.wait_for("took by hand");
    terminal.keys("3gD");
    terminal.wait_for("Throw away all that is (20 items now) in jobs?");
    terminal.keys("y");
    terminal.wait_for("jobs: emptied");
    // Whoever waited for room has it now.
    terminal.wait_for("1/20");
    terminal.wait_gone("put: filler.0");
}

#[test]
fn a_host_leads_to_its_ranks() {
    let home = Home::new();
    filling(&home);
    let mut terminal = Terminal::open(&home, &["s.ron", "--start"], 24, 80);
    terminal.keys("4");
    terminal.wait_for("localhost");
    terminal.wait_for("2 live");
    terminal.keys("w");
    terminal.wait_for("it is used: 2 ranks live there");
    terminal.keys("\x1b");
    terminal.wait_gone("it is used");
    terminal.keys("\tj\r");
    terminal.wait_for("taker.0");
    terminal.wait_for("pid");
}
