use super::*;

mod fuzz;
mod hostile;
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

fn first(screen: &Screen) -> Cell<'_> {
    screen.row(0).next().unwrap()
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
fn colours_and_looks_are_told_in_our_own_words() {
    let looks = |sequence: &str| {
        let screen = shown(1, 10, format!("\x1b[{sequence}mx").as_bytes());
        let cell = first(&screen);
        (cell.fg, cell.bg, cell.attrs)
    };
    let none = Attrs::NONE;
    assert_eq!(looks(""), (Color::Default, Color::Default, none));
    assert_eq!(
        looks("31;104"),
        (Color::Indexed(1), Color::Indexed(12), none)
    );
    assert_eq!(
        looks("38;5;200"),
        (Color::Indexed(200), Color::Default, none)
    );
    assert_eq!(
        looks("48;2;1;2;3"),
        (Color::Default, Color::Rgb(1, 2, 3), none)
    );
    assert_eq!(looks("31;39"), (Color::Default, Color::Default, none));
    let all = [
        ("1", Attrs::BOLD),
        ("2", Attrs::DIM),
        ("3", Attrs::ITALIC),
        ("4", Attrs::UNDERLINE),
        ("4:3", Attrs::UNDERLINE),
        ("7", Attrs::INVERSE),
        ("8", Attrs::HIDDEN),
        ("9", Attrs::STRIKE),
        ("1;3", Attrs::BOLD | Attrs::ITALIC),
    ];
    for (sequence, attrs) in all {
        assert_eq!(looks(sequence).2, attrs, "{sequence}");
    }
}

#[test]
fn a_wide_character_covers_two_columns_and_wraps_whole() {
    let screen = shown(2, 5, "abcd漢x".as_bytes());
    assert_eq!(view(&screen), ["abcd", "漢x"]);
    let cells: Vec<_> = screen
        .row(1)
        .map(|it| (it.column, it.ch, it.width))
        .collect();
    assert_eq!(cells, [(0, '漢', 2), (2, 'x', 1), (3, ' ', 1), (4, ' ', 1)]);
    assert!(screen.is_wrapped(0));
}

#[test]
fn half_of_a_wide_character_is_a_blank() {
    for stream in [
        "漢\rx",
        "漢\x1b[Dx",
        "漢字\r\x1b[P",
        "a漢\r\x1b[4Pb",
        "漢\x1b[2G\x1b[@",
    ] {
        let screen = shown(1, 6, stream.as_bytes());
        let widths: u16 = screen.row(0).map(|it| u16::from(it.width)).sum();
        assert_eq!(widths, 6, "{stream:?}");
        for cell in screen.row(0) {
            let width = unicode_width::UnicodeWidthChar::width(cell.ch);
            assert_eq!(width, Some(usize::from(cell.width)), "{stream:?} {cell:?}");
        }
    }
}

#[test]
fn marks_stay_on_their_character_unless_they_change_its_width() {
    let screen = shown(1, 10, "e\u{301}x❤\u{fe0f}👩\u{200d}💻".as_bytes());
    let cells: Vec<_> = screen
        .row(0)
        .map(|it| (it.ch, it.combining.to_vec(), it.width))
        .collect();
    assert_eq!(cells[0], ('e', vec!['\u{301}'], 1));
    assert_eq!(cells[2], ('❤', vec![], 1));
    assert_eq!(cells[3], ('👩', vec!['\u{200d}'], 2));
    assert_eq!(cells[4], ('💻', vec![], 2));
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
fn a_tab_is_blanks() {
    let screen = shown(1, 20, b"a\tb");
    assert_eq!(screen.line_text(0), "a       b");
    assert!(screen.row(0).all(|it| !it.ch.is_control()));
}

#[test]
fn lines_that_scroll_away_are_the_history() {
    let mut screen = shown(2, 10, b"1\r\n2\r\n3\r\n4");
    assert_eq!((screen.history(), screen.offset()), (2, 0));
    assert_eq!(screen.line_text(-2), "1");
    assert_eq!(screen.line_text(1), "4");
    screen.scroll_to(1);
    assert_eq!(view(&screen), ["2", "3"]);
    screen.scroll_to(usize::MAX);
    assert_eq!(
        (view(&screen), screen.offset()),
        (vec!["1".into(), "2".into()], 2)
    );
    assert_eq!(screen.line_text(-3), "");
    assert_eq!(screen.line_text(2), "");
    assert_eq!(
        screen.line(i32::MIN).count() + screen.line(i32::MAX).count(),
        0
    );
    assert_eq!(screen.row(2).count(), 0);
}

#[test]
fn a_view_in_the_history_stays_on_its_lines_when_new_ones_arrive() {
    let mut screen = shown(2, 10, b"1\r\n2\r\n3\r\n4");
    screen.scroll_to(1);
    screen.feed(b"\r\n5\r\n6");
    assert_eq!(view(&screen), ["2", "3"]);
    assert_eq!(screen.offset(), 3);
    assert_eq!(screen.cursor(), None);
    screen.scroll_to(0);
    assert_eq!(view(&screen), ["5", "6"]);
    assert!(screen.cursor().is_some());
}

#[test]
fn a_view_in_the_history_survives_a_program_with_a_fixed_header() {
    let mut screen = shown(4, 10, b"1\r\n2\r\n3\r\n4\r\n5\r\n6");
    screen.scroll_to(2);
    screen.feed(b"\x1b[2;4r\x1b[4;1H");
    screen.feed(&b"more\r\n".repeat(100));
    assert!(screen.offset() <= screen.history());
    assert_eq!(view(&screen).len(), 4);
}

#[test]
fn the_history_is_bounded() {
    let mut screen = Screen::new(2, 10, 5);
    screen.feed(&b"x\r\n".repeat(100));
    assert_eq!(screen.history(), 5);
    let mut screen = Screen::new(2, 1000, usize::MAX);
    screen.feed(&b"\n".repeat(10_000));
    assert_eq!(screen.history(), MOST_HISTORY_CELLS / 1000);
    screen.resize(2, 100);
    screen.feed(&b"\n".repeat(50_000));
    assert_eq!(screen.history(), MOST_HISTORY_CELLS / 100);
    screen.resize(2, 1000);
    assert_eq!(screen.history(), MOST_HISTORY_CELLS / 1000);
}

#[test]
fn wrapped_lines_are_joined_when_the_screen_grows_and_broken_when_it_shrinks() {
    let mut screen = shown(4, 10, b"0123456789abcdef\r\nnext");
    assert_eq!(view(&screen), ["0123456789", "abcdef", "next", ""]);
    assert_eq!([0, 1].map(|it| screen.is_wrapped(it)), [true, false]);
    screen.resize(4, 20);
    assert_eq!(view(&screen), ["0123456789abcdef", "next", "", ""]);
    screen.resize(4, 8);
    assert_eq!(screen.line_text(-1), "01234567");
    assert_eq!(view(&screen), ["89abcdef", "next", "", ""]);
}

#[test]
fn shrinking_a_lot_at_once_loses_nothing() {
    let text: String = ('a'..='z').cycle().take(900).collect();
    let mut screen = shown(3, 1000, text.as_bytes());
    screen.resize(3, 7);
    let all = |screen: &Screen| -> String {
        let lines = -(screen.history() as i32)..3;
        lines.map(|it| screen.line_text(it)).collect()
    };
    assert_eq!(all(&screen), text);
    screen.resize(3, 1000);
    assert_eq!(all(&screen), text);
}

#[test]
fn sizes_out_of_bounds_are_brought_within() {
    let mut screen = Screen::new(0, 0, 0);
    assert_eq!(screen.size(), Size { rows: 1, cols: 2 });
    screen.feed("漢字\r\nx".as_bytes());
    assert_eq!(view(&screen), ["x"]);
    screen.resize(u16::MAX, 1);
    assert_eq!(
        screen.size(),
        Size {
            rows: 1000,
            cols: 2
        }
    );
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
fn a_hidden_cursor_is_none_and_its_shape_is_told() {
    let mut screen = shown(1, 10, b"\x1b[4 q");
    assert_eq!(
        screen.cursor().map(|it| it.shape),
        Some(CursorShape::Underline)
    );
    screen.feed(b"\x1b[6 q");
    assert_eq!(screen.cursor().map(|it| it.shape), Some(CursorShape::Beam));
    screen.feed(b"\x1b[?25l");
    assert_eq!(screen.cursor(), None);
    screen.feed(b"\x1b[?25h\x1b[0 q");
    assert_eq!(screen.cursor().map(|it| it.shape), Some(CursorShape::Block));
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
