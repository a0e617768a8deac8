//! Logs, live bytes and lives, joined to one picture.

use super::*;

const PTY: Ways = Ways {
    channel: Channel::Pty,
    apart: false,
};

const PIPE: Ways = Ways {
    channel: Channel::Pipe,
    apart: false,
};

fn pane() -> Pane {
    pane_by(PTY)
}

fn pane_by(ways: Ways) -> Pane {
    let mut pane = Pane::new("g/a.0".parse().unwrap(), (4, 20), 100, 0);
    pane.ways = Some(ways);
    pane
}

fn live(pane: &mut Pane, at: u64, bytes: &[u8]) {
    pane.live(Incarnation(0), 0, at, 0, bytes.to_vec());
}

fn finish(pane: &mut Pane) -> Vec<u8> {
    let mut replies = Vec::new();
    while pane.has_work() {
        replies.extend(pane.parse());
    }
    assert_eq!(pane.waiting_bytes, 0);
    replies
}

fn shown(pane: &Pane) -> Vec<String> {
    let lines = (0..4).map(|line| pane.screen.line_text(line));
    lines.map(|line| line.trim_end().to_owned()).collect()
}

#[test]
fn what_the_log_gave_is_not_shown_again_when_it_comes_live() {
    let mut pane = pane();
    live(&mut pane, 3, b"two\r\n");
    assert!(!pane.has_work(), "the log comes first");
    pane.loaded(Incarnation(0), 0, b"1\r\ntwo\r\n".to_vec(), false);
    live(&mut pane, 8, b"three");
    finish(&mut pane);
    assert_eq!(shown(&pane), ["1", "two", "three", ""]);
    assert_eq!(pane.skipped, 0);
}

#[test]
fn bytes_that_overlap_in_part_are_joined() {
    let mut pane = pane();
    pane.loaded(Incarnation(0), 0, b"abcdef".to_vec(), false);
    live(&mut pane, 3, b"defghi");
    finish(&mut pane);
    assert_eq!(shown(&pane)[0], "abcdefghi");
}

#[test]
fn a_flood_is_skipped_and_counted_and_its_end_is_shown() {
    let mut pane = pane();
    pane.loaded(Incarnation(0), 0, Vec::new(), false);
    let line = b"0123456789abcdef\r\n".repeat(4_000);
    let mut at = 0;
    for _ in 0..40 {
        live(&mut pane, at, &line);
        at += line.len() as u64;
        assert!(pane.waiting_bytes <= WAITING_MAX + line.len());
    }
    let waiting = pane.waiting_bytes as u64;
    live(&mut pane, at, b"the end");
    finish(&mut pane);
    assert_eq!(pane.skipped, at - waiting);
    assert_eq!(shown(&pane)[3], "the end");
    assert_eq!(pane.shown_until(), at + 7);
}

#[test]
fn what_was_dropped_on_the_way_is_counted_unless_the_log_gave_it() {
    let mut pane = pane();
    pane.loaded(Incarnation(0), 0, b"0123456789".to_vec(), false);
    pane.live(Incarnation(0), 0, 15, 12, b"a".to_vec());
    pane.live(Incarnation(0), 0, 20, 4, b"b".to_vec());
    finish(&mut pane);
    assert_eq!(pane.skipped, 5 + 4);
}

#[test]
fn questions_of_the_past_are_not_answered_and_those_of_now_are() {
    let mut pane = pane();
    pane.loaded(Incarnation(0), 0, b"\x1b[6n".to_vec(), false);
    assert_eq!(finish(&mut pane), b"");
    live(&mut pane, 4, b"\x1b[6n");
    assert_eq!(finish(&mut pane), b"\x1b[1;1R");
}

#[test]
fn what_a_program_asks_at_its_very_start_is_answered_once_from_the_log() {
    let mut pane = pane();
    pane.loaded(Incarnation(0), 0, b"\x1b[6n".to_vec(), true);
    assert_eq!(finish(&mut pane), b"\x1b[1;1R");
    pane.close();
    pane.loaded(Incarnation(0), 4, b"\x1b[6n".to_vec(), false);
    assert_eq!(finish(&mut pane), b"");
}

#[test]
fn lines_of_a_pipe_begin_at_the_left_wherever_their_bytes_are_cut() {
    let text = b"one\ntwo\r\nthree\n\n";
    for cut in 0..=text.len() {
        for logged in [0, cut] {
            let mut pane = pane_by(PIPE);
            pane.loaded(Incarnation(0), 0, text[..logged].to_vec(), false);
            live(&mut pane, logged as u64, &text[logged..cut]);
            live(&mut pane, cut as u64, &text[cut..]);
            finish(&mut pane);
            assert_eq!(shown(&pane), ["two", "three", "", ""], "cut at {cut}");
            assert_eq!(pane.screen.cursor().unwrap().col, 0);
        }
    }
}

#[test]
fn a_program_on_a_pty_may_go_straight_down_and_its_own_standard_error_may_not() {
    let mut pane = pane();
    pane.loaded(Incarnation(0), 0, Vec::new(), false);
    live(&mut pane, 0, b"ab\ncd\r\n");
    pane.live(Incarnation(0), 1, 7, 0, b"e\nf".to_vec());
    finish(&mut pane);
    assert_eq!(shown(&pane), ["ab", "  cd", "e", "f"]);
}

#[test]
fn bytes_wait_until_it_is_known_by_which_way_they_came() {
    let mut pane = pane();
    pane.ways = None;
    pane.loaded(Incarnation(0), 0, b"a\nb".to_vec(), false);
    assert!(!pane.has_work());
    pane.ways = Some(PIPE);
    finish(&mut pane);
    assert_eq!(shown(&pane)[..2], ["a", "b"]);
}

#[test]
fn while_the_disk_is_full_what_comes_is_shown_all_the_same() {
    let mut pane = pane();
    pane.loaded(Incarnation(0), 0, b"1\r\n".to_vec(), false);
    for line in ["2\r\n", "3\r\n"] {
        live(&mut pane, 3, line.as_bytes());
    }
    finish(&mut pane);
    assert_eq!(shown(&pane)[..3], ["1", "2", "3"]);
    // The disk has room again: the log has a line about what it lost, and goes on.
    live(&mut pane, 40, b"4");
    // Somebody emptied the log.
    live(&mut pane, 1, b"5");
    finish(&mut pane);
    assert_eq!(shown(&pane)[3], "45");
    assert_eq!(pane.skipped, 0);
}

#[test]
fn a_new_life_finds_nothing_of_what_the_last_one_left_behind() {
    let mut pane = pane();
    pane.loaded(
        Incarnation(0),
        0,
        b"first\x1b[31;7m\x1b[?1049h\x1b[?1hvim".to_vec(),
        false,
    );
    pane.live(Incarnation(1), 0, 29, 0, b"second".to_vec());
    finish(&mut pane);
    assert_eq!(shown(&pane)[..3], ["first", "-- restart 1 --", "second"]);
    assert_eq!(pane.screen.modes(), Screen::new(1, 2, 0).modes());
    let cell = pane.screen.row(2).next().unwrap();
    assert_eq!(cell.attrs, crate::term::Attrs::NONE);
}

#[test]
fn a_life_that_writes_nothing_is_seen_to_begin_after_the_last_bytes_of_the_one_before() {
    let mut pane = pane();
    pane.loaded(Incarnation(0), 0, b"first".to_vec(), false);
    finish(&mut pane);
    pane.begins(Incarnation(0));
    pane.begins(Incarnation(1));
    live(&mut pane, 5, b" and last");
    pane.begins(Incarnation(1));
    finish(&mut pane);
    assert_eq!(shown(&pane)[..3], ["first and last", "-- restart 1 --", ""]);
    pane.live(Incarnation(1), 0, 14, 0, b"second".to_vec());
    finish(&mut pane);
    assert_eq!(shown(&pane)[2], "second");
}

#[test]
fn a_pane_that_is_opened_again_goes_on_where_it_was_with_all_that_its_program_switched_on() {
    let mut pane = pane();
    pane.loaded(
        Incarnation(0),
        0,
        b"\x1b[?1049h\x1b[?1h\x1b[Hfull".to_vec(),
        false,
    );
    finish(&mut pane);
    let from = pane.shown_until();
    live(&mut pane, from, b" not parsed");
    pane.close();
    let is_cut = pane.loaded(Incarnation(0), from, b" not parsed, more".to_vec(), false);
    assert!(!is_cut);
    live(&mut pane, from + 11, b", more, now");
    finish(&mut pane);
    assert_eq!(shown(&pane)[..2], ["full not parsed, mor", "e, now"]);
    assert!(pane.screen.modes().application_cursor);
    assert!(!pane.has_more_above());
}

#[test]
fn a_log_that_is_longer_than_what_is_read_begins_with_a_whole_line_and_says_so() {
    let mut pane = pane();
    let is_cut = pane.loaded(
        Incarnation(0),
        1_000,
        b"31mrest\r\nwhole\r\n".to_vec(),
        false,
    );
    finish(&mut pane);
    assert_eq!(shown(&pane)[..2], ["whole", ""]);
    assert!(is_cut && pane.has_more_above());
    assert_eq!(pane.skipped, 0, "nothing was to be seen of it yet");
}

#[test]
fn of_a_pane_that_is_opened_again_too_late_what_is_missing_is_counted() {
    let mut pane = pane();
    pane.loaded(Incarnation(0), 0, b"first\r\n\x1b[31".to_vec(), false);
    finish(&mut pane);
    pane.close();
    pane.loaded(Incarnation(0), 111, b"cut\r\nnext".to_vec(), false);
    finish(&mut pane);
    assert_eq!(shown(&pane)[..2], ["first", "next"]);
    assert_eq!(pane.skipped, 100);
}
