use super::*;

mod fuzz;
mod hostile;
mod looking;
mod programs;

pub(super) fn shown(rows: u16, cols: u16, bytes: &[u8]) -> Screen {
    let mut screen = Screen::new(rows, cols, 1000);
    screen.feed(bytes);
    screen
}

/// The view, a line each, without blanks at the end.
pub(super) fn view(screen: &Screen) -> Vec<String> {
    let row = |row| {
        let mut text = String::new();
        screen.row(row).for_each(|cell| cell.push_to(&mut text));
        text.trim_end().to_owned()
    };
    (0..screen.size().rows).map(row).collect()
}

pub(super) fn first(screen: &Screen) -> Cell<'_> {
    screen.row(0).next().unwrap()
}

#[test]
fn a_screen_can_go_to_another_thread() {
    fn sendable<T: Send>(_: &T) {}
    sendable(&Screen::new(1, 2, 0));
}

#[test]
fn text_lands_where_it_is_printed() {
    let screen = shown(3, 10, b"one\r\ntwo");
    assert_eq!(view(&screen), ["one", "two", ""]);
    let shape = CursorShape::Block;
    assert_eq!(
        screen.cursor(),
        Some(Cursor {
            row: 1,
            col: 3,
            shape
        })
    );
}

#[test]
fn a_character_cut_between_two_reads_loses_nothing_of_what_follows() {
    let mut screen = Screen::new(1, 20, 0);
    for bytes in "äx語ö"
        .as_bytes()
        .chunks(1)
        .chain("äx語ö".as_bytes().split_inclusive(|it| *it == 0xc3))
    {
        screen.feed(bytes);
    }
    assert_eq!(view(&screen), ["äx語öäx語ö"]);
}

#[test]
fn the_alternate_screen_has_no_history_and_goes_without_a_trace() {
    let mut screen = shown(2, 10, b"1\r\n2\r\n3");
    for (enter, leave) in [("1049h", "1049l"), ("1047h", "1047l"), ("47h", "47l")] {
        screen.feed(format!("\x1b[?{enter}\x1b[Hfull").as_bytes());
        assert!(screen.modes().alternate_screen);
        assert_eq!(screen.history(), 0);
        assert_eq!(view(&screen)[0], "full");
        screen.feed(format!("\x1b[?{leave}").as_bytes());
        assert_eq!(view(&screen), ["2", "3"]);
        assert_eq!(screen.history(), 1);
    }
}

#[test]
fn questions_are_answered_once() {
    let mut screen = shown(5, 10, b"ab\x1b[6n\x1b[c\x1b[5n\x1b[?2004$p\x1b[18t");
    let replies = screen.take_replies();
    assert_eq!(
        replies,
        b"\x1b[1;3R\x1b[?6c\x1b[0n\x1b[?2004;2$y\x1b[8;5;10t"
    );
    assert_eq!(screen.take_replies(), b"");
}

#[test]
fn the_default_colours_are_told_once_they_are_known() {
    let mut screen = shown(1, 10, b"\x1b]11;?\x1b\\");
    assert_eq!(screen.take_replies(), b"");
    screen.set_colors((255, 255, 255), (0, 16, 32));
    screen.feed(b"\x1b]11;?\x1b\\\x1b]10;?\x07");
    let expected = "\x1b]11;rgb:0000/1010/2020\x1b\\\x1b]10;rgb:ffff/ffff/ffff\x07";
    assert_eq!(screen.take_replies(), expected.as_bytes());
}

#[test]
fn the_modes_that_keys_depend_on_are_told() {
    let off = Modes {
        alternate_scroll: true,
        ..Modes::default()
    };
    let mut screen = shown(1, 10, b"");
    assert_eq!(screen.modes(), off);
    screen.feed(b"\x1b[?1;2004;1004;1002;1006h\x1b[?1007l\x1b=");
    let on = Modes {
        application_cursor: true,
        application_keypad: true,
        bracketed_paste: true,
        mouse: MouseMode::Drag,
        mouse_encoding: MouseEncoding::Sgr,
        alternate_screen: false,
        focus: true,
        alternate_scroll: false,
    };
    assert_eq!(screen.modes(), on);
    screen.feed(b"\x1bc");
    assert_eq!(screen.modes(), off);
}

#[test]
fn a_title_is_one_line_without_controls() {
    let mut screen = shown(1, 10, "\x1b]2; tr\u{9b}a\u{202e}in; ä \x07".as_bytes());
    assert_eq!(screen.title(), "train; ä");
    screen.feed(format!("\x1b]0;{}\x1b\\", "ü".repeat(999)).as_bytes());
    assert_eq!(screen.title(), "ü".repeat(256));
    screen.feed(b"\x1b]0;\x1b\\");
    assert_eq!(screen.title(), "");
}

#[test]
fn titles_can_be_put_aside() {
    let screen = shown(
        1,
        10,
        b"\x1b]2;shell\x07\x1b[22;0t\x1b]2;editor\x07\x1b[23;0t\x1b[23t",
    );
    assert_eq!(screen.title(), "shell");
}

#[test]
fn a_bell_is_told_once_and_one_that_ends_a_title_is_none() {
    let mut screen = shown(1, 10, b"\x1b]2;t\x07");
    assert!(!screen.take_bell());
    screen.feed(b"x\x07");
    assert!(screen.take_bell());
    assert!(!screen.take_bell());
}

#[test]
fn what_may_look_different_is_dirty() {
    let mut screen = shown(2, 10, b"");
    assert!(screen.take_dirty());
    assert!(!screen.is_dirty());
    screen.feed(b"");
    screen.scroll_to(0);
    screen.resize(2, 10);
    assert!(!screen.is_dirty());
    screen.feed(b"x");
    assert!(screen.take_dirty());
    screen.resize(3, 10);
    assert!(screen.take_dirty());
}

#[test]
fn clearing_forgets_picture_and_history_and_keeps_the_modes() {
    let mut screen = shown(2, 10, b"\x1b[?2004h\x1b[41m1\r\n2\r\n3");
    screen.scroll_to(1);
    screen.clear();
    assert_eq!(view(&screen), ["", ""]);
    assert_eq!((screen.history(), screen.offset()), (0, 0));
    assert_eq!(first(&screen).bg, Color::Default);
    assert!(screen.modes().bracketed_paste);
    screen.feed(b"4");
    assert_eq!(view(&screen), ["4", ""]);
    assert_eq!(first(&screen).bg, Color::Indexed(1));
    screen.feed(&b"\r\nx".repeat(50));
    assert_eq!(screen.history(), 49);
}

#[test]
fn clearing_the_alternate_screen_clears_what_is_behind_it_but_not_the_picture_there() {
    let mut screen = shown(2, 10, b"1\r\n2\r\n3\x1b[?1049hfull");
    screen.clear();
    assert_eq!(view(&screen), ["", ""]);
    screen.feed(b"\x1b[?1049l");
    assert_eq!(screen.history(), 0);
    assert_eq!(view(&screen), ["2", "3"]);
}

#[test]
fn clearing_frees_a_pane_from_a_string_without_an_end() {
    let mut screen = shown(1, 10, b"\x1bXlost");
    screen.feed(b"lost too");
    screen.clear();
    screen.feed(b"back");
    assert_eq!(view(&screen), ["back"]);
}

#[test]
fn after_a_gap_nothing_half_done_colours_what_follows() {
    for cut in [
        "\x1b[31;1m",
        "\x1b[3",
        "\x1b",
        "\x1b]2;ti",
        "\x1bPq",
        "\x1b(0",
        "\x0e\x1b)0",
        "\x1b[4h",
        "\u{e4}",
    ] {
        let mut screen = Screen::new(1, 10, 0);
        screen.feed(&cut.as_bytes()[..cut.len().min(7)]);
        screen.gap();
        screen.feed(b"\rqx\ry");
        assert_eq!(view(&screen), ["yx"], "{cut:?}");
        assert_eq!(
            (first(&screen).fg, first(&screen).attrs),
            (Color::Default, Attrs::NONE)
        );
    }
}

#[test]
fn a_synchronized_update_is_told_and_not_waited_for() {
    let mut screen = shown(1, 10, b"\x1b[?2026hab");
    assert!(screen.is_updating());
    assert_eq!(view(&screen), ["ab"]);
    screen.feed(b"c\x1b[?2026l");
    assert!(!screen.is_updating());
    assert_eq!(view(&screen), ["abc"]);
}

#[test]
fn repeat_draws_the_last_character_again() {
    assert_eq!(view(&shown(1, 10, b"ab\x1b[3bc")), ["abbbbc"]);
    assert_eq!(view(&shown(1, 10, b"\x1b(0q\x1b[3b")), ["────"]);
    assert_eq!(view(&shown(1, 10, "漢\x1b[2b".as_bytes())), ["漢漢漢"]);
    assert_eq!(view(&shown(1, 10, b"\x1b[3bx")), ["x"]);
}

#[test]
fn the_next_program_finds_nothing_of_what_the_last_one_switched_on_but_what_it_printed() {
    let fresh = shown(3, 20, b"").modes();
    let mut screen = shown(
        3,
        20,
        b"first\x1b[31;7m red\x1b[?25l\x1b[?1h\x1b[2;3r\x1b]2;t\x07",
    );
    screen.feed(
        b"\x1b(0\x1b[?1049h\x1b[?1000;1002;1003;1004;1006;2004;6h\x1b=\x1b[4;20hfull\x1b]2;cut",
    );
    screen.new_life();
    assert_eq!(screen.modes(), fresh);
    assert_eq!(screen.title(), "");
    let cursor = screen.cursor().unwrap();
    assert_eq!((cursor.row, cursor.col), (1, 0));
    screen.feed(b"q\n2");
    assert_eq!(view(&screen), ["first red", "q", " 2"]);
    let second = screen.row(1).next().unwrap();
    assert_eq!((second.fg, second.attrs), (Color::Default, Attrs::NONE));
    screen.new_life();
    assert_eq!(
        view(&screen),
        ["q", " 2", ""],
        "it scrolls where there is no room"
    );
    assert_eq!(screen.history(), 1);
}

#[test]
fn a_program_that_begins_on_an_empty_screen_begins_at_its_top() {
    let mut screen = shown(3, 20, b"");
    screen.new_life();
    screen.feed(b"x");
    assert_eq!(view(&screen), ["x", "", ""]);
}

#[test]
fn fewer_lines_of_history_give_their_memory_back() {
    let mut screen = shown(3, 20, &b"line\r\n".repeat(1_000));
    assert_eq!(screen.history(), 998);
    let before = screen.cells();
    screen.set_scrollback(10);
    assert_eq!(screen.history(), 10);
    screen.feed(&b"line\r\n".repeat(1_000));
    assert_eq!(screen.history(), 10);
    screen.set_scrollback(0);
    assert!(screen.cells() < before / 100, "{}", screen.cells());
}
