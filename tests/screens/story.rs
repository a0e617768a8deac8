//! The whole story of a first session, by keys only: composed from nothing, run, muted, its queue watched, saved,
//! replayed.

use std::{fs, path::Path};

use super::{
    support::{needs, program::Home},
    terminal::Terminal,
};

/// What ends a list of parts, a form: back to the tree.
const TO_TREE: &str = "\x1b[Z";

/// The functions of the examples, in the folder where the program is started.
pub fn functions(home: &Home) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/generator_consumer.py");
    home.write("generator_consumer.py", fs::read(file).unwrap());
}

/// From an empty session to a generator that makes 500 numbers and a consumer that takes 5, a queue between them.
pub fn compose(terminal: &mut Terminal) {
    terminal.wait_for("compose a group of processes");
    terminal.keys("n");
    terminal.wait_for("tab chooses");
    template(terminal, "data_generator", "generator", 500);
    terminal.keys("T");
    terminal.wait_for("tab chooses");
    template(terminal, "data_consumer", "consumer", 5);
    // The group, which has the consumer as its last.
    terminal.keys("kk\r\r\x15demo\r");
    terminal.wait_for("group demo");
    terminal.keys(TO_TREE);
    terminal.keys("Q");
    terminal.wait_for("queue queue");
    terminal.keys("\x15numbers\rj\r100\r");
    terminal.wait_for("max 100");
    terminal.wait_gone("✗");
    terminal.keys(TO_TREE);
}

/// The new template's function is typed already asked for; then its arguments and its name.
fn template(terminal: &mut Terminal, function: &str, name: &str, count: u32) {
    terminal.keys(&format!("generator_consumer.py:{function}\r"));
    terminal.wait_for("python ▸ generator_consumer.py");
    terminal.keys(&format!("j\rQueue(\"numbers\"), {count}\r"));
    terminal.wait_for(&format!("Queue(\"numbers\"), {count}"));
    terminal.keys(&format!("g\r\x15{name}\r"));
    terminal.wait_for(&format!("template {name}"));
    terminal.keys(TO_TREE);
}

#[test]
fn a_first_session_is_composed_run_muted_watched_saved_and_replayed() {
    if !needs("python3") {
        return;
    }
    let home = Home::new();
    functions(&home);
    let mut terminal = Terminal::open(&home, &[], 36, 120);
    compose(&mut terminal);
    // It is run as it stands there, saved nowhere.
    terminal.keys("s");
    terminal.wait_for("generator feeding");
    terminal.wait_for("consumer computed result");
    terminal.wait_for("1 of 2 run");
    // The group, the generator.
    terminal.keys("jm");
    terminal.wait_for("to DEVNULL");
    terminal.wait_gone("generator feeding");
    terminal.keys("m");
    terminal.wait_gone("to DEVNULL");
    terminal.keys("3");
    terminal.wait_for("100/100");
    terminal.wait_for("put: generator.0");
    terminal.wait_for("[numbers 100/100]");
    // As many as are taken.
    terminal.keys("1");
    terminal.wait_for("queue numbers");
    terminal.keys("gjj\r");
    terminal.wait_for("template generator");
    terminal.keys("gjj\r\x15Queue(\"numbers\"), 5\r");
    terminal.wait_gone("500");
    terminal.keys("\x13");
    terminal.wait_for("save the session as");
    terminal.keys("\x15mine.ron\r");
    terminal.wait_for("written:");
    terminal.keys("q");
    terminal.wait_for("really?");
    terminal.keys("y");
    assert!(terminal.finish().success());
    terminal.is_given_back();
    assert_eq!(home.marked(), []);

    home.run(&["check", "mine.ron"])
        .ends_with(0)
        .prints(&["mine.ron: ok"]);
    let done = home.run(&["--replay", "mine.ron"]).ends_with(0);
    let (consumed, fed): (Vec<&str>, Vec<&str>) = done
        .stdout
        .lines()
        .partition(|line| line.starts_with("consumer.0 | consumer computed result "));
    assert_eq!(consumed.len(), 5, "{done:?}");
    assert!(
        fed.iter()
            .all(|line| line.starts_with("generator.0 | generator feeding ")),
        "{done:?}"
    );
}
