use std::{fs, time::Duration};

use super::terminal::Terminal;
use crate::support::{
    program::{Home, group_of, shell},
    wait_for,
};

fn quiet(home: &Home) {
    home.write("s.ron", group_of(&shell("a", "sleep 1", "")));
}

/// On the compose screen, the template selected.
fn composing(home: &Home) -> Terminal {
    let mut terminal = Terminal::open(home, &["s.ron"], 30, 120);
    terminal.wait_for("s  start it");
    terminal.keys("1");
    terminal.wait_for("session");
    terminal.keys("jj");
    terminal.wait_for("template a");
    terminal
}

#[test]
fn who_saves_and_leaves_in_one_breath_has_it_saved() {
    let home = Home::new();
    for round in 2..8 {
        quiet(&home);
        let mut terminal = composing(&home);
        terminal.keys(&"+".repeat(round - 1));
        terminal.keys("\x13q");
        assert!(terminal.finish().success());
        let saved = home.read("s.ron");
        assert!(saved.contains(&format!("replicas: {round}")), "{saved}");
        let left = fs::read_dir(home.path()).unwrap().filter_map(Result::ok);
        let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
        let hidden = left
            .iter()
            .filter(|name| name.to_string_lossy().starts_with('.'));
        assert_eq!(hidden.count(), 0, "{left:?}");
    }
}

#[test]
fn a_terminal_that_is_closed_leaves_what_was_not_saved_for_the_next_time() {
    let home = Home::new();
    quiet(&home);
    let mut terminal = composing(&home);
    terminal.keys("++");
    terminal.wait_for("session *");
    let status = terminal.hang_up();
    assert!(status.code().is_some_and(|code| code < 100), "{status}");
    assert!(home.has(".s.ron.swp"));
    let mut terminal = Terminal::open(&home, &["s.ron"], 30, 120);
    terminal.wait_for("changes that were never saved");
    terminal.keys("\r");
    terminal.wait_for("session *");
    terminal.keys("\x13");
    terminal.wait_for("written: s.ron");
    terminal.keys("q");
    assert!(terminal.finish().success());
    assert!(home.read("s.ron").contains("replicas: 3"));
    assert!(!home.has(".s.ron.swp"));
}

#[test]
fn a_session_with_problems_is_opened_mended_and_saved() {
    let home = Home::new();
    let broken = shell("b", "true", "after: [Ended(\"nobody\")]");
    home.write("s.ron", group_of(&(shell("a", "true", "") + &broken)));
    let refused = Terminal::open(&home, &["s.ron", "--start"], 24, 100).finish();
    assert_eq!(refused.code(), Some(2));
    let mut terminal = Terminal::open(&home, &["s.ron"], 30, 120);
    terminal.keys("1");
    terminal.wait_for("session");
    terminal.keys("jjj");
    terminal.wait_for("template b");
    terminal.keys("w");
    terminal.wait_for("nobody");
    terminal.keys("\x1b");
    terminal.wait_gone("nobody");
    terminal.keys("\x7f");
    terminal.wait_for("deleted");
    terminal.keys("\x13");
    terminal.wait_for("written: s.ron");
    terminal.keys("q");
    assert!(terminal.finish().success());
    assert!(!home.read("s.ron").contains("nobody"));
}

#[test]
fn a_save_that_fails_is_said_and_the_program_does_not_leave_without_asking() {
    let home = Home::new();
    quiet(&home);
    let mut terminal = composing(&home);
    terminal.keys("+");
    terminal.wait_for("session *");
    fs::remove_file(home.path().join("s.ron")).unwrap();
    fs::create_dir(home.path().join("s.ron")).unwrap();
    terminal.keys("\x13q");
    terminal.wait_for("cannot be written");
    terminal.keys("q");
    terminal.wait_for("really?");
    terminal.keys("\x1b");
    fs::remove_dir(home.path().join("s.ron")).unwrap();
    terminal.wait_gone("really?");
    terminal.keys("\x13");
    wait_for("the session", Duration::from_secs(10), || {
        home.has("s.ron").then_some(())
    });
    terminal.keys("q");
    assert!(terminal.finish().success());
}
