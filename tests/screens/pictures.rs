//! The pictures of the README: taken from the program as it runs, written by `tests/screenshots/take`.
//!
//! The tests go the same way always; only with `DRAGON_TUI_PICTURES=FOLDER` the pictures are kept. What differs from one
//! run to the next and says nothing (process ids, dates, names of runs and of this machine) is written over.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use regex::Regex;

use super::{
    story,
    support::{needs, program::Home},
    svg::{self, Cell},
    terminal::Terminal,
};

const ROWS: u16 = 36;
const COLS: u16 = 120;

/// The greatest size of a picture in bytes.
const LARGEST: usize = 40_000;

/// A terminal with all colours.
fn open(home: &Home, arguments: &[&str], rows: u16, cols: u16) -> Terminal {
    let mut command = home.command(arguments);
    command.env("COLORTERM", "truecolor");
    Terminal::run(home, command, rows, cols)
}

/// Waits until the run goes on for so many seconds.
fn wait_for_second(terminal: &mut Terminal, wanted: u32) {
    terminal.wait_until(&format!("second {wanted}"), |seen| {
        let clock = seen.split("running 00:").nth(1);
        let second = clock.and_then(|rest| rest.get(..2)?.parse::<u32>().ok());
        second.is_some_and(|second| second >= wanted)
    });
}

/// What is seen, without what differs from run to run.
fn taken(terminal: &mut Terminal) -> Vec<Vec<Cell>> {
    terminal.wait_for_whole_frame();
    let mut rows = svg::cells(&terminal.screen);
    let mut pid = 4710;
    overwrite(&mut rows, r"pid \d+", || {
        pid += 1;
        format!("pid {pid}")
    });
    overwrite(&mut rows, r"\d{4}-\d\d-\d\d \d\d:\d\d", || {
        "2026-03-14 09:26".to_owned()
    });
    let mut run = 0;
    overwrite(&mut rows, r"\b\d{6}-[0-9a-z]{5}\b", || {
        run += 1;
        format!("260314-0k9a{run}")
    });
    let machine = format!(r"localhost ─ ({}) ─", regex::escape(&machine()));
    overwrite(&mut rows, &machine, || "node01".to_owned());
    rows
}

/// Writes over what fits a pattern, or its first group. What stands right of it stays where it is, as long as there are
/// blanks or a line of a frame between them.
fn overwrite(rows: &mut [Vec<Cell>], pattern: &str, mut with: impl FnMut() -> String) {
    let pattern = Regex::new(pattern).unwrap();
    for row in rows {
        let text: Vec<char> = row.iter().map(first).collect();
        let text: String = text.into_iter().collect();
        let found: Vec<(usize, usize)> = pattern
            .captures_iter(&text)
            .filter_map(|it| it.get(1).or(it.get(0)))
            .map(|it| {
                (
                    text[..it.start()].chars().count(),
                    it.as_str().chars().count(),
                )
            })
            .collect();
        let news: Vec<String> = found.iter().map(|_| with()).collect();
        for ((at, length), new) in found.into_iter().zip(news).rev() {
            let like = row[at + length - 1].clone();
            let new: Vec<Cell> = new.chars().map(|c| like.saying(c)).collect();
            let longer = new.len() as i64 - length as i64;
            let end = at + new.len();
            row.splice(at..at + length, new);
            if longer == 0 {
                continue;
            }
            let is_fill = |cell: &Cell| [" ", "─"].contains(&cell.text.as_str());
            let fill = (end + 1..row.len() - 1)
                .find(|at| is_fill(&row[*at]) && row[*at].text == row[*at + 1].text)
                .expect("something between the parts of a line");
            for _ in 0..longer {
                row.remove(fill);
            }
            for _ in longer..0 {
                let more = row[fill].clone();
                row.insert(fill, more);
            }
        }
    }
}

fn first(cell: &Cell) -> char {
    cell.text.chars().next().unwrap_or(' ')
}

fn machine() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname")
        .unwrap()
        .trim()
        .to_owned()
}

/// Keeps a picture, if that is wished; fails if it would tell of this machine.
fn keep(home: &Home, name: &str, picture: &str) {
    assert!(picture.len() < LARGEST, "{name}: {} bytes", picture.len());
    for told in [
        home.path().to_str().unwrap(),
        "/tmp/",
        env!("CARGO_MANIFEST_DIR"),
    ] {
        assert!(!picture.contains(told), "{name} tells {told}");
    }
    if let Some(folder) = env::var_os("DRAGON_TUI_PICTURES") {
        for told in ["USER", "LOGNAME"]
            .iter()
            .filter_map(|name| env::var(name).ok())
        {
            let told = Regex::new(&format!(r"\b{}\b", regex::escape(&told))).unwrap();
            assert!(!told.is_match(picture), "{name} tells the name of a user");
        }
        fs::write(Path::new(&folder).join(format!("{name}.svg")), picture).unwrap();
    }
}

fn keep_screen(home: &Home, name: &str, title: &str, terminal: &mut Terminal) {
    let rows = taken(terminal);
    keep(home, name, &svg::picture(title, &rows));
}

/// What is shipped, in the folder where the program runs.
fn shipped(home: &Home) {
    for folder in ["sessions", "examples"] {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        fs::create_dir(home.path().join(folder)).unwrap();
        for file in fs::read_dir(from).unwrap() {
            let file = file.unwrap();
            if file.path().is_file() {
                fs::copy(file.path(), home.path().join(folder).join(file.file_name())).unwrap();
            }
        }
    }
}

#[test]
fn the_pictures_of_the_tour_are_taken() {
    if !needs("python3") {
        return;
    }
    let home = Home::new();
    story::functions(&home);
    let mut terminal = open(&home, &[], ROWS, COLS);
    story::compose(&mut terminal);
    terminal.keys("gjj\r");
    terminal.wait_for("template generator");
    keep_screen(
        &home,
        "compose",
        "Compose: a session as a tree, a form for each part, and where all would go",
        &mut terminal,
    );
    terminal.keys("\x1b[Zs");
    terminal.wait_for("consumer computed result");
    wait_for_second(&mut terminal, 2);
    terminal.keys("jmg");
    terminal.wait_for("to DEVNULL");
    wait_for_second(&mut terminal, 4);
    terminal.wait_for("consumer computed result");
    keep_screen(
        &home,
        "muted",
        "Run: the generator is muted, the consumer has ended",
        &mut terminal,
    );
    terminal.keys("3\r");
    terminal.wait_for("put: generator.0");
    terminal.wait_for("pickle");
    wait_for_second(&mut terminal, 6);
    keep_screen(
        &home,
        "queues",
        "Queues: the depth of each, who waits, what flows where, and the items",
        &mut terminal,
    );
}

#[test]
fn the_pictures_of_the_screens_are_taken() {
    if !needs("python3") {
        return;
    }
    let home = Home::new();
    shipped(&home);
    let session = "sessions/generator_consumer.ron";
    home.run(&["--replay", session, "--quiet"]).ends_with(0);
    let mut terminal = open(&home, &["sessions/mixed.ron", "--start"], ROWS, COLS);
    terminal.wait_for("job 3 is done");
    wait_for_second(&mut terminal, 5);
    keep_screen(&home, "run", "Run: a pane for each rank", &mut terminal);
    // The feeder is muted, the rest is one stream.
    terminal.keys("jm");
    terminal.wait_for("to DEVNULL");
    terminal.keys("ga");
    terminal.wait_for("all in one");
    terminal.wait_for("job 7 is done");
    keep_screen(
        &home,
        "merged",
        "Run: all ranks as one stream",
        &mut terminal,
    );
    terminal.keys("a4");
    terminal.wait_for("cpus");
    terminal.wait_for("clerk");
    keep_screen(
        &home,
        "hosts",
        "Hosts: what each has, and which ranks are there",
        &mut terminal,
    );
    terminal.keys("2gx");
    terminal.wait_for("Stop the");
    terminal.keys("y");
    terminal.wait_for("stopped 00:");
    terminal.keys("q");
    assert!(terminal.finish().success());
    let alias = "pinoak0033=localhost";
    home.run(&[
        "--replay",
        "sessions/train.ron",
        "--quiet",
        "--host-alias",
        alias,
    ])
    .ends_with(0);
    let mut terminal = open(&home, &["view", "last"], ROWS, COLS);
    terminal.wait_for("the past");
    terminal.keys("\x1b");
    terminal.wait_for("past runs");
    terminal.wait_for("1 of 3");
    keep_screen(
        &home,
        "runs",
        "Runs: what ran, and how it ended",
        &mut terminal,
    );
    terminal.keys("\r");
    terminal.wait_for("the past");
    terminal.wait_for("Result: y = ");
    keep_screen(
        &home,
        "past",
        "A past run, with a time bar below",
        &mut terminal,
    );
}

#[test]
fn the_picture_of_the_themes_is_taken() {
    if !needs("python3") {
        return;
    }
    let home = Home::new();
    shipped(&home);
    let mut terminal = open(&home, &["sessions/primes.ron", "--start"], 14, 72);
    terminal.wait_for("all ended well");
    // All of them in the order of the list, which begins with the one that is there.
    let mut pictures = vec![taken(&mut terminal)];
    for _ in 1..8 {
        terminal.keys("t");
        terminal.wait_for("monochrome");
        terminal.keys("\x1b[B\r");
        terminal.wait_gone("monochrome");
        pictures.push(taken(&mut terminal));
    }
    let distinct = pictures
        .iter()
        .enumerate()
        .all(|(at, it)| !pictures[..at].contains(it));
    assert!(distinct, "a theme that changes nothing");
    keep(&home, "themes", &svg::sheet("The themes", &pictures, 2));
}

#[test]
fn the_readme_shows_each_picture_that_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let shown = Regex::new(r"\((tests/screenshots/[a-z]+\.svg)\)").unwrap();
    let shown: BTreeSet<PathBuf> = shown
        .captures_iter(&readme)
        .map(|it| root.join(&it[1]))
        .collect();
    let files = fs::read_dir(root.join("tests/screenshots")).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let files: BTreeSet<PathBuf> = files
        .filter(|it| it.extension().is_some_and(|it| it == "svg"))
        .collect();
    assert_eq!(shown, files);
    for file in files {
        let size = fs::metadata(&file).unwrap().len();
        assert!(size < LARGEST as u64, "{}: {size} bytes", file.display());
    }
}

#[test]
fn what_is_written_over_leaves_the_rest_of_its_line_where_it_was() {
    let mut screen = dragon_tui::term::Screen::new(3, 32, 0);
    screen.feed("╭ a ─ pid 7 ───── 00:01 ─╮\r\n│                       │\r\n╭ b ─ pid 123456 ───── 00:02 ─╮".as_bytes());
    let mut rows = svg::cells(&screen);
    overwrite(&mut rows, r"pid \d+", || "pid 4711".to_owned());
    let text = |row: &[Cell]| {
        row.iter()
            .map(first)
            .collect::<String>()
            .trim_end()
            .to_owned()
    };
    assert_eq!(text(&rows[0]), "╭ a ─ pid 4711 ── 00:01 ─╮");
    assert_eq!(text(&rows[1]), "│                       │");
    assert_eq!(text(&rows[2]), "╭ b ─ pid 4711 ─────── 00:02 ─╮");
}
