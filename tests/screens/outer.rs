//! The terminal around the program: left for a while, made smaller and larger, slow, and what must never reach it.

use std::time::Duration;

use super::{
    TICKER,
    support::{
        needs,
        program::{Home, PROGRAM, group_of, shell},
        wait_for,
    },
    terminal::Terminal,
    ticker,
};

#[test]
fn ctrl_z_gives_the_shell_its_terminal_and_fg_takes_it_again() {
    if !(needs("bash") && needs("setsid")) {
        return;
    }
    let home = Home::new();
    ticker(&home);
    let mut command = std::process::Command::new("setsid");
    home.prepare(&mut command);
    command
        .args([
            "--ctty",
            "bash",
            "--norc",
            "--noprofile",
            "--noediting",
            "-i",
        ])
        .env("PS1", "\nthe shell: ");
    let mut terminal = Terminal::run(&home, command, 24, 100);
    terminal.wait_for("the shell:");
    terminal.keys(&format!("{PROGRAM} s.ron --start\r"));
    terminal.wait_for("tick 3");
    terminal.is_taken();
    terminal.keys("\x1a");
    terminal.wait_for("Stopped");
    terminal.wait_for("the shell: ");
    terminal.is_given_back();
    // The ranks are not stopped with it.
    let ticks = || home.log("g", "ticker", 0).len();
    let before = ticks();
    wait_for("more ticks", Duration::from_secs(10), || {
        (ticks() > before + 40).then_some(())
    });
    // The shell has the keys.
    terminal.keys("echo $((6 * 7))\r");
    terminal.wait_for("42");
    terminal.keys("fg\r");
    terminal.wait_for("? help");
    terminal.wait_for("tick ");
    terminal.is_taken();
    assert!(
        !terminal.text().contains("the shell"),
        "{}",
        terminal.text()
    );
    terminal.keys("q");
    terminal.wait_for("really?");
    terminal.keys("y");
    terminal.wait_for("the shell: ");
    terminal.is_given_back();
    terminal.keys("exit\r");
    assert!(terminal.finish().success());
    assert_eq!(home.marked(), []);
}

#[test]
fn a_storm_of_sizes_ends_with_the_last_one_in_the_pane_too() {
    let home = Home::new();
    let line = "while :; do stty size; sleep 0.1; done";
    home.write("s.ron", group_of(&shell("sizes", line, "")));
    let mut terminal = Terminal::open(&home, &["s.ron", "--start"], 24, 80);
    terminal.wait_until("a size", |seen| pane_of(seen).is_some());
    for step in 0..300_u16 {
        terminal.resize(5 + step * 7 % 50, 20 + step * 13 % 180);
        if step % 10 == 0 {
            terminal.keys("j");
        }
    }
    terminal.resize(30, 100);
    terminal.wait_for("? help");
    terminal.wait_until("the size of the pane that is seen", |seen| {
        let Some((rows, cols)) = pane_of(seen) else {
            return false;
        };
        seen.contains(&format!("{rows} {cols}\n")) || seen.contains(&format!("{rows} {cols} "))
    });
}

/// Rows and columns inside the frame of the pane whose title has a pid.
fn pane_of(seen: &str) -> Option<(usize, usize)> {
    let mut lines = seen.lines().map(|line| line.chars().collect::<Vec<_>>());
    let top = lines.find(|line| line.iter().collect::<String>().contains("pid"))?;
    let right = top.iter().rposition(|c| *c == '╮')?;
    let left = top[..right].iter().rposition(|c| *c == '╭')?;
    let rows = lines
        .take_while(|line| line.get(left) != Some(&'╰'))
        .count();
    Some((rows, right - left - 1))
}

#[test]
fn in_five_rows_of_twenty_columns_a_run_is_started_watched_and_left() {
    let home = Home::new();
    home.write("s.ron", group_of(&shell("ticker", TICKER, "")));
    let mut terminal = Terminal::open(&home, &["s.ron"], 5, 20);
    terminal.wait_for("1 process");
    terminal.keys("s");
    // There is no room for more than the title of its pane.
    terminal.wait_for("● ticker.0");
    for screen in ["1", "3", "4", "5", "2"] {
        terminal.keys(screen);
    }
    terminal.keys("?");
    terminal.wait_gone("ticker.0");
    terminal.keys("\x1b");
    terminal.wait_for("● ticker.0");
    terminal.keys("q");
    terminal.wait_gone("ticker.0");
    terminal.keys("y");
    assert!(terminal.finish().success());
    terminal.is_given_back();
    assert_eq!(home.marked(), []);
}

/// Writes full lines as fast as they are taken.
const FLOOD: &str =
    "while :; do echo flood xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done";

#[test]
fn a_terminal_that_takes_little_gets_fewer_frames_and_keys_still_count() {
    let home = Home::new();
    let flood = shell("flood", FLOOD, "replicas: 2") + &shell("ticker", TICKER, "");
    home.write("s.ron", group_of(&flood));
    let mut terminal = Terminal::open(&home, &["s.ron", "--start"], 40, 120);
    terminal.speed = Some(100_000);
    terminal.wait_for("flood ");
    terminal.wait_for("tick ");
    terminal.keys("m");
    terminal.wait_for("to DEVNULL");
    terminal.keys("m");
    terminal.wait_gone("to DEVNULL");
    terminal.keys("4");
    terminal.wait_for("cpus");
    terminal.keys("2q");
    terminal.wait_for("really?");
    terminal.keys("y");
    assert!(terminal.finish().success());
    terminal.is_given_back();
}

#[test]
fn while_the_terminal_takes_nothing_the_ranks_go_on_and_afterwards_all_is_shown() {
    let home = Home::new();
    let flood = shell("flood", FLOOD, "") + &shell("ticker", TICKER, "");
    home.write("s.ron", group_of(&flood));
    let mut terminal = Terminal::open(&home, &["s.ron", "--start"], 40, 120);
    terminal.wait_for("tick 3");
    // From here on nobody reads.
    let size = |template| home.log("g", template, 0).len();
    let (flooded, ticks) = (size("flood"), size("ticker"));
    wait_for("both ranks go on", Duration::from_secs(20), || {
        (size("ticker") > ticks + 120 && size("flood") > flooded + 1_000_000).then_some(())
    });
    // What is pressed meanwhile is not lost.
    terminal.keys("Gm");
    let told = String::from_utf8_lossy(&home.log("g", "ticker", 0)).into_owned();
    let last = told.lines().rev().nth(1).unwrap().trim().to_owned();
    terminal.wait_for("to DEVNULL");
    terminal.keys("m");
    terminal.wait_gone("to DEVNULL");
    let number = |line: &str| {
        line.rsplit(' ')
            .next()
            .and_then(|it| it.parse::<u32>().ok())
    };
    let last = number(&last).unwrap();
    terminal.wait_until("ticks later than those", |seen| {
        let ticks = seen.split("tick ").skip(1);
        let mut numbers = ticks.filter_map(|rest| number(rest.split_whitespace().next()?));
        numbers.any(|tick| tick > last)
    });
}

/// A title, a clipboard, a notice, a palette, a bell, a link, a window, a mouse, a screen of its own and questions.
const HOSTILE: &str = r#"stty -echo -icanon
printf '\033]0;EVIL-TITLE\007\033]2;EVIL-TITLE\033\\'
printf '\033]52;c;RVZJTA==\007\033]9;EVIL\007\033]777;notify;EVIL;EVIL\007\033]4;1;rgb:ff/00/ff\007\007'
printf '\033]8;;http://evil.example\007link\033]8;;\007 \033P+q544e\033\\ \033_EVIL\033\\ \033[3;1t\033[21t'
printf '\033[?1003h\033[?1004h\033[?2004h\033[?1049h\033[2J\033[H\033[c\033[>c\033[?u\033[>1u\033]11;?\007\033[5n\033[6n'
answer=$(dd bs=1 count=4 2>/dev/null | od -An -c)
printf '\033[2J\033[Hanswered:%s\n' "$answer"
sleep 60"#;

#[test]
fn what_a_rank_asks_of_its_terminal_never_reaches_the_outer_one() {
    let home = Home::new();
    home.write("s.ron", group_of(&shell("hostile", HOSTILE, "")));
    let mut terminal = Terminal::open(&home, &["s.ron", "--start"], 24, 80);
    // It is answered all the same, by its pane.
    terminal.wait_for("answered: 033   [   ?   6");
    let taken = terminal.bytes.clone();
    terminal.keys("q");
    terminal.wait_for("really?");
    terminal.keys("y");
    assert!(terminal.finish().success());
    terminal.is_given_back();
    let said = String::from_utf8_lossy(&terminal.bytes).into_owned();
    // No command to a terminal at all but those of the program: no OSC, no DCS, no APC, no bell, no question.
    for command in [
        "\x1b]", "\x1bP", "\x1b_", "\x07", "\x1b[c", "\x1b[>", "\x1b[5n", "\x1b[6n", "\x1b[?u",
    ] {
        assert!(!said.contains(command), "{command:?} in {said:?}");
    }
    // Its own alternate screen did not end ours.
    let taken = String::from_utf8_lossy(&taken).into_owned();
    assert_eq!(taken.matches("\x1b[?1049h").count(), 1);
    assert_eq!(taken.matches("\x1b[?1049l").count(), 0);
    assert_eq!(taken.matches("\x1b[?1004h").count(), 0);
}
