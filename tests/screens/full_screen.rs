//! Programs that have a terminal for themselves: in a pane they behave as in one.

use std::time::Duration;

use super::{
    support::{needs, program::Home, wait_for},
    terminal::Terminal,
};

/// The program in a pane, which has the keys.
fn typing_into(home: &Home, program: &str, args: &[&str]) -> Terminal {
    let session = format!(
        "Session(version: 1, groups: {{ \"g\": ProcessGroup(templates: {{ \"it\": ProcessTemplate(\
         target: Program({program:?}), args: {args:?}) }}) }})"
    );
    home.write("s.ron", session);
    let mut terminal = Terminal::open(home, &["s.ron", "--start"], 30, 100);
    terminal.wait_for("─ pid ");
    terminal.keys("Gi");
    terminal.wait_for("typing: ^] leaves");
    terminal
}

/// Columns inside the frame of its pane.
fn columns(seen: &str) -> Option<usize> {
    let title = seen.lines().find(|line| line.contains("it.0 ─"))?;
    let title: Vec<char> = title.chars().collect();
    let right = title.iter().rposition(|c| *c == '╮')?;
    let left = title.iter().rposition(|c| *c == '╭')?;
    right.checked_sub(left + 1)
}

/// It ended well, and left the pane as a program leaves a terminal.
fn ended_well(terminal: &mut Terminal) {
    terminal.wait_for("exit 0");
    // Keys that come too late for it are no commands.
    terminal.keys("q\x1d");
    terminal.wait_gone("typing: ^] leaves");
    terminal.keys("q");
    assert!(terminal.finish().success());
    terminal.is_given_back();
}

#[test]
fn vim_edits_a_file_and_learns_the_size_of_its_pane() {
    if !needs("vim") {
        return;
    }
    let home = Home::new();
    // A status line is drawn with every size; an answer to a question would be wiped by the next.
    let status = r"set laststatus=2 statusline=columns=%{&columns}\ .";
    let arguments = [
        "-N", "-u", "NONE", "-i", "NONE", "-n", "-c", status, "note.txt",
    ];
    let mut terminal = typing_into(&home, "vim", &arguments);
    terminal.wait_for("~");
    terminal.keys("i");
    terminal.wait_for("-- INSERT --");
    terminal.keys("hello from vim\rand once more");
    terminal.wait_for("and once more");
    terminal.keys("\x1b");
    terminal.wait_gone("-- INSERT --");
    terminal.keys(":w\r");
    terminal.wait_for("written");
    assert_eq!(home.read("note.txt"), "hello from vim\nand once more\n");
    for (rows, cols) in [(40, 140), (20, 90)] {
        terminal.resize(rows, cols);
        terminal.wait_until("its pane at the right edge", |seen| {
            let mut titles = seen.lines().filter(|line| line.contains("it.0 ─"));
            titles.any(|line| line.ends_with('╮') && line.chars().count() == usize::from(cols))
        });
        terminal.wait_until("the columns of its pane", |seen| {
            columns(seen).is_some_and(|wide| seen.contains(&format!("columns={wide} ")))
        });
    }
    // Arrows are those of a full-screen program.
    terminal.keys("gg\x1b[Bx");
    terminal.wait_for("nd once more");
    terminal.keys(":q!\r");
    ended_well(&mut terminal);
}

#[test]
fn less_pages_searches_and_leaves() {
    if !needs("less") {
        return;
    }
    let home = Home::new();
    let lines: String = (1..=500)
        .map(|number| format!("line {number} of it\n"))
        .collect();
    home.write("long.txt", lines);
    let mut terminal = typing_into(&home, "less", &["long.txt"]);
    terminal.wait_for("line 1 of it");
    terminal.keys("G");
    terminal.wait_for("line 500 of it");
    terminal.keys("g");
    terminal.wait_for("line 1 of it");
    terminal.keys("/line 250\r");
    terminal.wait_for("line 250 of it");
    terminal.resize(40, 120);
    // More than there was room for.
    terminal.wait_for("line 280 of it");
    terminal.keys("q");
    ended_well(&mut terminal);
}

#[test]
fn top_and_htop_draw_and_take_keys() {
    for (program, seen) in [("top", "%Cpu"), ("htop", "Load average")] {
        if !needs(program) {
            continue;
        }
        let home = Home::new();
        let mut terminal = typing_into(&home, program, &[]);
        terminal.wait_for(seen);
        terminal.wait_for("PID");
        terminal.resize(35, 130);
        terminal.wait_for("TIME+");
        terminal.keys("q");
        ended_well(&mut terminal);
    }
}

#[test]
fn a_python_prompt_answers_is_interrupted_and_ends_with_ctrl_d() {
    if !needs("python3") {
        return;
    }
    let home = Home::new();
    let mut terminal = typing_into(&home, "python3", &["-q"]);
    terminal.wait_for(">>> ");
    terminal.keys("print('six', 6 * 7)\r");
    terminal.wait_for("six 42");
    terminal.keys("while True: pass\r\r");
    terminal.wait_for("... ");
    terminal.keys("\x03");
    terminal.wait_for("KeyboardInterrupt");
    terminal.keys("import os; os.get_terminal_size().columns\r");
    terminal.wait_until("the columns of its pane", |seen| {
        columns(seen).is_some_and(|wide| seen.contains(&format!("│{wide} ")))
    });
    terminal.keys("\x04");
    ended_well(&mut terminal);
}

#[test]
fn a_bar_that_is_drawn_over_and_over_stays_one_line_and_the_log_has_every_state() {
    let home = Home::new();
    let line = r"i=0; while [ $i -lt 100 ]; do i=$((i+1)); printf '\r%3d%% of it' $i; sleep 0.01; done; echo; read end";
    let mut terminal = typing_into(&home, "/bin/sh", &["-c", line]);
    terminal.wait_for("100% of it");
    assert_eq!(terminal.text().matches("% of it").count(), 1);
    let log = home.log("g", "it", 0);
    let states = String::from_utf8(log).unwrap();
    assert_eq!(states.matches("% of it").count(), 100, "{states}");
    terminal.keys("\r");
    ended_well(&mut terminal);
    wait_for("nothing is left", Duration::from_secs(10), || {
        home.marked().is_empty().then_some(())
    });
}
