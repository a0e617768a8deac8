//! What real programs send, as it was recorded.

use super::*;

/// Python's curses (ncurses 6.4, xterm-256color, 30 columns): a frame, coloured text, a window, a line.
const NCURSES: &[u8] = include_bytes!("ncurses.bin");
const NCURSES_END: &[u8] = include_bytes!("ncurses_end.bin");

#[test]
fn ncurses_draws_its_frames() {
    let mut screen = shown(12, 30, b"$ python3 frames.py\r\n");
    screen.feed(NCURSES);
    let expected = [
        "┌────────────────────────────┐",
        "│ hello                      │",
        "│                            │",
        "│   ┌──────────┐             │",
        "│   │aaaaaaaa  │             │",
        "│   │wörld     │             │",
        "│   └──────────┘             │",
        "│                            │",
        "├────────────────────────────┤",
        "│                            │",
        "│                            │",
        "└────────────────────────────┘",
    ];
    assert_eq!(view(&screen), expected);
    let hello = screen.row(1).nth(2).unwrap();
    assert_eq!((hello.fg, hello.bg), (Color::Indexed(1), Color::Indexed(4)));
    assert!(hello.attrs.contains(Attrs::BOLD));
    let modes = screen.modes();
    assert!(modes.alternate_screen && modes.application_cursor && modes.application_keypad);
    assert_eq!(screen.cursor().map(|it| (it.row, it.col)), Some((9, 3)));
    screen.feed(NCURSES_END);
    assert_eq!(view(&screen)[0], "$ python3 frames.py");
    let modes = screen.modes();
    assert!(!modes.alternate_screen && !modes.application_cursor && !modes.application_keypad);
}

#[test]
fn a_progress_bar_stays_on_its_line() {
    let mut screen = Screen::new(3, 40, 100);
    for percent in 0..=100 {
        let bar = "█".repeat(percent / 10);
        screen.feed(format!("\r{percent:3}%|{bar:<10}| {percent}/100\x1b[K").as_bytes());
    }
    screen.feed(b"\r\ndone\r\n");
    assert_eq!(view(&screen), ["100%|██████████| 100/100", "done", ""]);
    assert_eq!(screen.history(), 0);
}

#[test]
fn nested_progress_bars_go_up_and_down() {
    let mut screen = Screen::new(4, 40, 100);
    screen.feed(b"outer 0/2\n\rinner 0/9\x1b[A\router 1/2\n\rinner 9/9\n\r");
    assert_eq!(view(&screen), ["outer 1/2", "inner 9/9", "", ""]);
}

#[test]
fn a_pager_scrolls_within_its_region() {
    let mut screen = shown(
        4,
        10,
        b"\x1b[?1049h\x1b[1;3r\x1b[4;1Hstatus\x1b[1;1Ha\r\nb\r\nc",
    );
    screen.feed(b"\r\nd\x1b[H\x1bMz");
    assert_eq!(view(&screen), ["z", "b", "c", "status"]);
}
