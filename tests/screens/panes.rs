//! Panes as programs and their users have them: sizes, lines, restarts, and where keys and the mouse go.

use std::{fs, time::Duration};

use super::support::{
    program::{Home, group_of, shell, signal},
    wait_for,
};
use super::terminal::Terminal;

/// A session of these templates, started, in a terminal of 40 × 120: the panes have 74 columns.
fn started(home: &Home, templates: &str) -> Terminal {
    home.write("s.ron", group_of(templates));
    Terminal::open(home, &["s.ron", "--start"], 40, 120)
}

#[test]
fn lines_of_a_pipe_begin_at_the_left() {
    let home = Home::new();
    let line = "echo one; echo two; echo three; sleep 60";
    let mut terminal = started(&home, &shell("a", line, "terminal: Pipe"));
    terminal.wait_for("│three");
    assert!(terminal.text().contains("│two"), "{}", terminal.text());
}

#[test]
fn a_program_finds_the_size_of_its_pane_when_it_begins_in_every_life_and_after_a_change() {
    let home = Home::new();
    let line =
        "say() { echo size $(stty size); }; trap say WINCH; say; while :; do sleep 0.1; done";
    let mut terminal = started(&home, &shell("a", line, ""));
    terminal.wait_for("size 36 74");
    terminal.keys("r");
    terminal.wait_for("-- restart 1 --");
    terminal.wait_until("the size in the second life", |seen| {
        let (_, second) = seen.split_once("restart 1").unwrap_or_default();
        second.contains("size 36 74")
    });
    assert!(!terminal.text().contains("40 120"), "{}", terminal.text());
    terminal.resize(30, 110);
    signal(terminal.pid(), 28);
    terminal.wait_for("size 26 64");
    terminal.keys("r");
    terminal.wait_until("the new size in the third life", |seen| {
        let (_, third) = seen.split_once("restart 2").unwrap_or_default();
        third.contains("size 26 64")
    });
}

#[test]
fn a_program_that_is_started_again_finds_a_screen_without_what_the_last_one_left_behind() {
    let home = Home::new();
    let line = r"if [ -e again ]; then echo second; else touch again; printf 'first\r\n\033[?1049h\033[31;7mfull'; fi; sleep 60";
    let mut terminal = started(&home, &shell("a", line, ""));
    terminal.wait_for("full");
    terminal.keys("r");
    terminal.wait_for("│second");
    let text = terminal.text();
    assert!(
        text.contains("│-- restart 1 --") && text.contains("│first"),
        "{text}"
    );
    assert!(!text.contains("full"), "{text}");
}

#[test]
fn a_click_while_typing_takes_the_keys_along() {
    let home = Home::new();
    let reader = |name: &str| {
        let line = format!("echo {name} there; while read line; do echo {name} got $line; done");
        shell(name, &line, "")
    };
    let mut terminal = started(&home, &(reader("one") + &reader("two")));
    terminal.wait_for("two there");
    terminal.keys("jj");
    terminal.keys("i");
    terminal.wait_for("typing: ^] leaves");
    terminal.keys("hello\r");
    terminal.wait_for("one got hello");
    // In the lower pane.
    terminal.keys("\x1b[<0;80;30M\x1b[<0;80;30m");
    terminal.keys("secret\r");
    terminal.wait_for("two got secret");
    assert!(!terminal.text().contains("one got secret"));
}

#[test]
fn a_program_that_asks_for_the_mouse_gets_it_in_places_of_its_own() {
    let home = Home::new();
    let line = r"stty raw -echo; printf '\033[?1000;1006hready'; cat -v";
    let mut terminal = started(&home, &shell("a", line, ""));
    terminal.wait_for("ready");
    // Its first column is the 46th of the screen, its first row the third.
    terminal.keys("\x1b[<64;80;10M");
    terminal.wait_for("^[[<64;35;8M");
}

#[test]
fn who_comes_back_to_a_terminal_of_another_size_sees_everything() {
    let home = Home::new();
    let mut terminal = started(&home, &shell("a", "echo there; sleep 60", ""));
    terminal.wait_for("│there");
    terminal.keys("\x1a");
    let stat = format!("/proc/{}/stat", terminal.pid());
    wait_for("stop", Duration::from_secs(20), || {
        fs::read_to_string(&stat)
            .unwrap()
            .contains(") T ")
            .then_some(())
    });
    terminal.read_all();
    assert!(!terminal.screen.modes().alternate_screen);
    terminal.resize(24, 100);
    signal(terminal.pid(), 18);
    terminal.wait_for("? help");
    terminal.wait_for("│there");
}

#[test]
fn every_signal_that_can_be_heard_gives_the_terminal_back() {
    let home = Home::new();
    for number in [3, 6, 10, 14] {
        let mut terminal = Terminal::open(&home, &[], 24, 80);
        terminal.wait_for("Compose");
        signal(terminal.pid(), number);
        terminal.finish();
        let modes = terminal.screen.modes();
        assert!(!modes.alternate_screen, "signal {number}");
        assert_eq!(modes.mouse, dragon_tui::term::MouseMode::None);
    }
}

#[test]
fn a_pane_that_was_hidden_comes_back_with_what_its_program_switched_on() {
    let home = Home::new();
    // An arrow is told from one in the mode that was switched on long before.
    let line = r"stty raw -echo; printf '\033[?1hbegun'; while [ ! -e go ]; do sleep 0.05; done; i=0; while [ $i -lt 6000 ]; do i=$((i+1)); echo 0123456789 0123456789 0123456789 0123456789; done; printf 'ready\r\n'; cat -v";
    let other = shell("b", "echo other; sleep 60", "");
    let mut terminal = started(&home, &(shell("a", line, "") + &other));
    terminal.wait_for("begun");
    home.write("go", "");
    terminal.wait_for("ready");
    terminal.wait_for("other");
    terminal.keys("Gz");
    terminal.wait_gone("ready");
    terminal.keys("z");
    terminal.wait_for("ready");
    terminal.keys("gjj");
    terminal.keys("i");
    terminal.wait_for("typing: ^] leaves");
    terminal.keys("\x1b[A");
    terminal.wait_for("^[OA");
}
