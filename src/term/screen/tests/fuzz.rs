//! Random streams, cut anywhere, on screens of changing size.

use alacritty_terminal::event::VoidListener;
use proptest::prelude::*;

use super::*;

/// Everything that can be seen of a screen.
fn everything(screen: &mut Screen) -> String {
    use std::fmt::Write as _;
    let (replies, bell) = (screen.take_replies(), screen.take_bell());
    let mut all = format!(
        "{:?} {} {} {:?} {:?} {:?} {:?} {}\n",
        screen.size(),
        screen.history(),
        screen.offset(),
        screen.cursor(),
        screen.modes(),
        screen.title(),
        replies,
        bell,
    );
    for line in -(screen.history() as i32)..i32::from(screen.size().rows) {
        let cells: Vec<_> = screen
            .line(line)
            .filter(|it| it.ch != ' ' || it.bg != Color::Default)
            .collect();
        let _ = writeln!(all, "{line} {} {cells:?}", screen.is_wrapped(line));
    }
    all
}

/// What must hold of any screen at any time.
fn check(screen: &Screen) {
    let size = screen.size();
    assert!(screen.offset() <= screen.history());
    assert!(screen.title().chars().count() <= 256);
    if let Some(cursor) = screen.cursor() {
        assert!(
            cursor.row < size.rows && cursor.col < size.cols,
            "{cursor:?} of {size:?}"
        );
    }
    for row in 0..size.rows {
        let mut next = 0;
        for cell in screen.row(row) {
            assert_eq!(cell.column, next, "every column is covered once");
            next += u16::from(cell.width);
            let mut text = String::new();
            cell.push_to(&mut text);
            let width = unicode_width::UnicodeWidthStr::width(text.as_str());
            assert_eq!(width, usize::from(cell.width), "{text:?}");
            assert!(!text.chars().any(char::is_control), "{text:?}");
            assert!(cell.combining.len() <= handler::MOST_MARKS);
        }
        assert_eq!(next, size.cols);
    }
}

/// Bytes that lead somewhere more often than random ones do.
fn token() -> impl Strategy<Value = Vec<u8>> {
    let fixed: Vec<&[u8]> = vec![
        b"\x1b",
        b"\x1b[",
        b"\x1b]",
        b"\x1bP",
        b"\x1b_",
        b"\x1b\\",
        b"\x07",
        b"\x18",
        b"\r",
        b"\n",
        b"\t",
        b"\x08",
        b"\x1b[?1049h",
        b"\x1b[?1049l",
        b"\x1b[?7l",
        b"\x1b[?7h",
        b"\x1b[?6h",
        b"\x1b[4h",
        b"\x1b[4l",
        b"\x1bc",
        b"\x1b[2J",
        b"\x1b[3J",
        b"\x1b[J",
        b"\x1b[1J",
        b"\x1b[K",
        b"\x1b7",
        b"\x1b8",
        b"\x1bM",
        b"\x1bD",
        b"\x1bE",
        b"\x1b(0",
        b"\x1b(B",
        b"\x0e",
        b"\x0f",
        b"\x1b[3g",
        b"\x1bH",
        b"\x1b]2;t\x07",
        b"\x1b[?2026h",
        b"\x1b[!p",
        b"\x1b#8",
        b"\x1b[?3h",
        b"\x1b[r",
        b"\x1b[0m",
        b"\xc2",
        b"\xe2\x82",
        b"\xf0\x9f\x98",
        b"\x80",
        b"\xff",
        b"\x1b[20h",
        b"\x1b[?69h",
    ];
    let letters = &b"@ABCDEFGHIJKLMPSTXZabcdefghlmnprstu"[..];
    prop_oneof![
        4 => prop::sample::select(fixed).prop_map(<[u8]>::to_vec),
        4 => (prop_oneof![0u32..30, 0u32..70_000], 0u32..40, prop::sample::select(letters)).prop_map(|(a, b, letter)| {
            format!("\x1b[{a};{b}{}", char::from(letter)).into_bytes()
        }),
        3 => "[a-z 0-9]{1,30}".prop_map(String::into_bytes),
        2 => prop::sample::select(vec!["漢", "😀", "é", "e\u{301}", "\u{200d}", "\u{fe0f}", "ä", "\u{202e}", "\u{ad}", "\u{85}", "🇩🇪", "각", "\u{1100}\u{1161}"])
            .prop_map(|it| it.as_bytes().to_vec()),
        2 => proptest::collection::vec(any::<u8>(), 1..12),
    ]
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(token(), 0..80).prop_map(|it| it.concat())
}

#[derive(Debug, Clone)]
enum Step {
    Feed(Vec<u8>),
    Resize(u16, u16),
    ScrollTo(usize),
    Clear,
    Gap,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => stream().prop_map(Step::Feed),
        3 => (0u16..20, 0u16..30).prop_map(|(rows, cols)| Step::Resize(rows, cols)),
        1 => (0u16..120, 0u16..300).prop_map(|(rows, cols)| Step::Resize(rows, cols)),
        1 => (0usize..60).prop_map(Step::ScrollTo),
        1 => Just(Step::Clear),
        1 => Just(Step::Gap),
    ]
}

/// The text of the emulator without guard and limits.
fn unguarded(rows: u16, cols: u16, bytes: &[u8]) -> Vec<String> {
    let size = Size { rows, cols };
    let mut term = Term::new(config(1000, cols), &size, VoidListener);
    Processor::<Unbuffered>::new().advance(&mut term, bytes);
    let row = |line| {
        let cells = Cells::new(Some(&term.grid()[Line(line)]));
        cells.map(|it| it.ch).collect::<String>()
    };
    (0..i32::from(rows)).map(row).collect()
}

proptest! {
    #[test]
    fn any_bytes_on_any_size_keep_the_screen_whole(
        rows in 0u16..12, cols in 0u16..24, scrollback in 0usize..50,
        steps in proptest::collection::vec(step(), 1..12),
    ) {
        let mut screen = Screen::new(rows, cols, scrollback);
        for step in steps {
            match step {
                Step::Feed(bytes) => screen.feed(&bytes),
                Step::Resize(rows, cols) => screen.resize(rows, cols),
                Step::ScrollTo(offset) => screen.scroll_to(offset),
                Step::Clear => screen.clear(),
                Step::Gap => screen.gap(),
            }
            check(&screen);
            prop_assert!(screen.history() <= scrollback);
        }
    }

    #[test]
    fn feeding_in_pieces_is_feeding_whole(
        bytes in stream(), rows in 1u16..8, cols in 2u16..16, length in 1usize..7,
    ) {
        let mut whole = Screen::new(rows, cols, 20);
        let mut pieces = Screen::new(rows, cols, 20);
        for screen in [&mut whole, &mut pieces] {
            screen.feed(b"1\r\n2\r\n3\r\n4\r\n5\r\n6\r\n7\r\n8\r\n9");
        }
        whole.feed(&bytes);
        bytes.chunks(length).for_each(|it| pieces.feed(it));
        prop_assert_eq!(everything(&mut whole), everything(&mut pieces));
    }

    #[test]
    fn the_guard_changes_nothing_of_an_honest_stream(
        tokens in proptest::collection::vec(prop_oneof![
            4 => "[a-z 0-9]{1,20}".prop_map(String::into_bytes),
            1 => prop::sample::select(vec!["漢", "ä", "\r\n", "\t", "\x1b(0", "\x1b(B", "\x1b7", "\x1b8", "\x1bM", "\x1b[K", "\x1b[3b", "\x1b[1;3r"])
                .prop_map(|it| it.as_bytes().to_vec()),
            2 => prop::sample::select(vec![
                "\x1b]2;title\x07", "\x1b]8;;uri\x1b\\", "\x1bPq#0;1;0\x1b\\", "\x1b_Gi=1;AAAA\x1b\\", "\x1b^x\x1b\\", "\x1bXx\x1b\\",
                "\x1b]2;cut\x18", "\x1bPcut\x1b[1;1H", "\x1b]1;cut\x1bM",
            ]).prop_map(|it| it.as_bytes().to_vec()),
            2 => (1u32..12, 1u32..12, prop::sample::select(&b"ABCDGHJLMPSTX@"[..]))
                .prop_map(|(a, b, letter)| format!("\x1b[{a};{b}{}", char::from(letter)).into_bytes()),
        ], 0..60),
        rows in 2u16..8, cols in 4u16..16,
    ) {
        let bytes = [b"x", &tokens.concat()[..]].concat();
        let screen = shown(rows, cols, &bytes);
        let text = |row| screen.row(row).map(|it| it.ch).collect::<String>();
        let guarded: Vec<String> = (0..rows).map(text).collect();
        prop_assert_eq!(guarded, unguarded(rows, cols, &bytes));
    }
}
