//! Output that means harm, or might as well.

use std::time::{Duration, Instant};

use super::*;
use crate::term::guard::LONGEST_STRING;

/// Far more than any of these needs, and far less than each took without its limit.
const DEADLINE: Duration = Duration::from_secs(10);

fn within_deadline(what: &str, mut work: impl FnMut()) {
    let begin = Instant::now();
    work();
    assert!(
        begin.elapsed() < DEADLINE,
        "{what} took {:?}",
        begin.elapsed()
    );
}

#[test]
fn sixteen_mebibytes_of_a_string_without_an_end_cost_nothing() {
    for kind in ["]0;", "]52;c;", "P", "X", "^", "_G"] {
        within_deadline(kind, || {
            let mut screen = shown(2, 10, format!("ok\x1b{kind}").as_bytes());
            let chunk = vec![b'A'; LONGEST_STRING / 16];
            for _ in 0..15 {
                screen.feed(&chunk);
            }
            assert_eq!(view(&screen), ["ok", ""], "{kind}");
            screen.feed(b"\x1b\\.");
            assert_eq!(view(&screen), ["ok.", ""], "{kind}");
        });
    }
}

#[test]
fn huge_counts_do_not_cost_more_than_the_screen_has_room() {
    let letters = "@ABCDEFGHIJKLMPSTXZabdefgrsu`";
    within_deadline("counts", || {
        let mut screen = Screen::new(20, 80, 100);
        for _ in 0..20 {
            for letter in letters.chars() {
                for count in ["65535", "99999999999", "65535;65535"] {
                    screen.feed(format!("x\x1b[{count}{letter}").as_bytes());
                }
            }
        }
    });
}

#[test]
fn a_repeat_is_one_line_at_most() {
    let mut screen = Screen::new(4, 10, 1000);
    screen.feed(b"x\x1b[65535b");
    assert_eq!(screen.history(), 0);
    assert_eq!(view(&screen), ["xxxxxxxxxx", "x", "", ""]);
}

#[test]
fn tabs_backwards_without_a_stop_end_at_once() {
    within_deadline("back tabs", || {
        let stream = b"\x1b[3g\x1b[999C\x1b[65535Z".repeat(2000);
        shown(2, 200, &stream);
    });
}

#[test]
fn marks_on_one_cell_are_bounded() {
    for base in ["e", "漢", "123456789e", ""] {
        let stream = format!("{base}{}", "\u{301}".repeat(10_000));
        let mut screen = shown(1, 10, stream.as_bytes());
        let marks = |screen: &Screen| screen.row(0).map(|it| it.combining.len()).max();
        assert!(marks(&screen) <= Some(handler::MOST_MARKS), "{base:?}");
        screen.feed("\x1b[H\u{301}\u{302}".repeat(1000).as_bytes());
        assert!(marks(&screen) <= Some(handler::MOST_MARKS), "{base:?}");
    }
}

#[test]
fn what_reorders_the_line_it_stands_in_is_left_out() {
    let screen = shown(1, 20, "a\u{202e}b\u{2066}c\u{200f}d\u{2028}e".as_bytes());
    assert_eq!(view(&screen), ["abcde"]);
    assert!(screen.row(0).all(|it| it.combining.is_empty()));
}

#[test]
fn answers_are_bounded() {
    let mut screen = shown(1, 10, &b"\x1b[c\x1b[6n\x1b[>c".repeat(10_000));
    let replies = screen.take_replies();
    assert!(replies.len() <= handler::MOST_REPLIES);
    assert!(replies.len() > handler::MOST_REPLIES / 2);
    screen.feed(b"\x1b[c");
    assert_eq!(screen.take_replies(), b"\x1b[?6c");
}

#[test]
fn a_title_is_never_typed_back() {
    let mut screen = shown(
        1,
        10,
        b"\x1b]2;rm -rf /\x07\x1b[21t\x1b[20t\x1b]2;?\x07\x1bP+q544e\x1b\\\x05",
    );
    assert_eq!(screen.take_replies(), b"");
}

#[test]
fn the_clipboard_is_neither_written_nor_read() {
    let mut screen = shown(1, 10, b"\x1b]52;c;aGVsbG8=\x07\x1b]52;c;?\x07ok");
    assert_eq!(screen.take_replies(), b"");
    assert_eq!(view(&screen), ["ok"]);
}

#[test]
fn titles_put_aside_are_bounded() {
    within_deadline("titles", || {
        let title = format!("\x1b]2;{}\x07", "x".repeat(4000));
        let mut screen = shown(1, 10, title.as_bytes());
        screen.feed(&b"\x1b[22t".repeat(100_000));
        screen.feed(&b"\x1b[23t".repeat(100_000));
        assert_eq!(screen.title().len(), 256);
    });
}

#[test]
fn links_and_underline_colours_leave_the_text() {
    let screen = shown(
        1,
        10,
        b"\x1b]8;;http://example.org\x1b\\\x1b[4;58;5;9mlink\x1b]8;;\x1b\\",
    );
    assert_eq!(view(&screen), ["link"]);
    let row = &screen.term.grid()[Line(0)];
    assert!((0..10).all(|it| row[Column(it)].extra.is_none()));
}

#[test]
fn an_update_without_an_end_holds_nothing_back() {
    within_deadline("update", || {
        let mut screen = shown(2, 10, b"\x1b[?2026h");
        screen.feed(&b"x\r\n".repeat(100_000));
        assert_eq!(screen.parser.sync_bytes_count(), 0);
        screen.feed(b"end");
        assert_eq!(view(&screen), ["x", "end"]);
    });
}

#[test]
fn a_region_below_the_screen_is_ignored() {
    let mut screen = shown(3, 10, b"\x1b[50;60r\x1b[H1\r\n2\r\n3\r\n4");
    assert_eq!(view(&screen), ["2", "3", "4"]);
    screen.feed(b"\x1b[?6h\x1b[99;99r\x1b[99;99Hx\n\n");
    assert!(screen.cursor().is_some());
}

#[test]
fn a_wide_character_has_room_on_the_smallest_screen() {
    let mut screen = shown(1, 1, "漢字漢".repeat(1000).as_bytes());
    assert_eq!(view(&screen), ["漢"]);
    assert!(screen.history() <= 1000);
    screen.feed("\x1b[?7l漢漢\x1b[4h漢漢".as_bytes());
    assert_eq!(screen.row(0).map(|it| u16::from(it.width)).sum::<u16>(), 2);
}
