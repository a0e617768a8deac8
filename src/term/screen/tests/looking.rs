//! What a screen is read as: cells, lines, history, view.

use super::*;

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
