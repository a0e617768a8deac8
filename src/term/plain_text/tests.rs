use super::*;
use proptest::prelude::*;

/// All lines, each with its end as it would be printed.
fn filtered(chunks: &[&[u8]]) -> String {
    let mut out = Vec::new();
    let mut sink = |line: &[u8], end: LineEnd| {
        out.extend_from_slice(line);
        out.extend_from_slice(if end == LineEnd::Cut { b"\\\n" } else { b"\n" });
    };
    let mut filter = PlainText::new();
    for chunk in chunks {
        filter.push(chunk, &mut sink);
    }
    filter.finish(&mut sink);
    String::from_utf8(out).expect("clean UTF-8")
}

fn text(input: impl AsRef<[u8]>) -> String {
    let whole = filtered(&[input.as_ref()]);
    let bytes: Vec<&[u8]> = input.as_ref().chunks(1).collect();
    assert_eq!(filtered(&bytes), whole, "byte by byte");
    whole
}

#[test]
fn lines_of_pipes_and_ptys_read_the_same() {
    assert_eq!(text("a\nb\n"), "a\nb\n");
    assert_eq!(text("a\r\nb\r\n"), "a\nb\n");
    assert_eq!(text("a\r\r\n\r\n"), "a\n\n");
    assert_eq!(text("tab\there"), "tab\there\n");
    assert_eq!(text(""), "");
}

#[test]
fn of_a_progress_bar_only_the_last_state_remains() {
    assert_eq!(text("10 %\r55 %\r100 %\ndone\n"), "100 %\ndone\n");
    assert_eq!(text("10 %\r55 %\r"), "55 %\n");
    assert_eq!(text("\r\x1b[K10 %\r\x1b[K20 %"), "20 %\n");
    assert_eq!(text("long before\rx\n"), "x\n");
}

#[test]
fn escape_sequences_of_every_kind_vanish() {
    for (input, expected) in [
        ("\x1b[1;31mred\x1b[0m", "red\n"),
        ("\x1b[?25l\x1b[38:2::1:2:3mx", "x\n"),
        ("\x1b]0;title\x07text", "text\n"),
        ("\x1b]52;c;AAAA\x1b\\text", "text\n"),
        ("\x1b]8;;http://a\x1b\\link\x1b]8;;\x1b\\", "link\n"),
        ("a\x1bP1$r0m\nmore\x1b\\b", "ab\n"),
        ("a\x1bXsos\x1b\\b\x1b^pm\x1b\\c\x1b_apc\x1b\\d", "abcd\n"),
        ("\x1b(B\x1b7\x1b8\x1bc\x1b=x", "x\n"),
        ("\u{9b}31mred\u{9d}0;t\u{9c}x", "redx\n"),
        (
            "bell\x07 null\0 del\x7f vt\x0b ff\x0c",
            "bell null del vt ff\n",
        ),
        ("\x1b", ""),
        ("\x1b[", ""),
        ("\x1b[12\x18kept", "kept\n"),
        ("\x1b[3\nkept", "\nkept\n"),
        ("\x1b\x1b[31mx", "x\n"),
    ] {
        assert_eq!(text(input), expected, "{input:?}");
    }
}

#[test]
fn controls_as_single_bytes_vanish_too() {
    assert_eq!(text(b"a\x9b31mb"), "ab\n");
    assert_eq!(text(b"a\x9d0;title\x9cb"), "ab\n");
    assert_eq!(text(b"a\x90q\nsixel\x9cb"), "ab\n");
    assert_eq!(text(b"a\x85b"), "ab\n");
}

#[test]
fn a_string_that_never_ends_costs_a_line_or_some_kilobytes_but_no_memory() {
    assert_eq!(text("\x1b]0;oops\nnext\n"), "\nnext\n");
    let mut filter = PlainText::new();
    let mut seen = 0;
    filter.push(b"\x1bP", &mut |_, _| {});
    for _ in 0..1000 {
        filter.push(&[b'x'; 1000], &mut |line, _| seen += line.len());
    }
    assert!(filter.line.capacity() <= 2 * LINE_MAX);
    assert!(seen > 800_000, "{seen}");
}

#[test]
fn a_backspace_takes_one_character_back() {
    assert_eq!(text("ab\x08c"), "ac\n");
    assert_eq!(text("aé\x08c"), "ac\n");
    assert_eq!(text("\x08\x08x"), "x\n");
    assert_eq!(text("-\x08\\\x08|\x08/"), "/\n");
}

#[test]
fn broken_text_shows_a_replacement_and_good_text_stays() {
    assert_eq!(text("grün, 火, 🐉\n"), "grün, 火, 🐉\n");
    assert_eq!(
        text(b"a\xffb\xc0c\xe2\x28d\xf0\x9f"),
        "a\u{fffd}b\u{fffd}c\u{fffd}(d\u{fffd}\n"
    );
    assert_eq!(text(b"\xed\xa0\xbd"), "\u{fffd}\u{fffd}\u{fffd}\n");
}

#[test]
fn bidi_overrides_vanish_and_quotation_marks_stay() {
    assert_eq!(
        text("a\u{202e}b\u{2066}c\u{2069}d “x” … –\n"),
        "abcd “x” … –\n"
    );
}

#[test]
fn a_line_too_long_comes_in_pieces_and_loses_nothing() {
    let long = "é1".repeat(LINE_MAX);
    let shown = filtered(&[long.as_bytes(), b"\n"]);
    assert!(shown.lines().all(|line| line.len() <= LINE_MAX + 1));
    assert_eq!(shown.replace("\\\n", "").trim_end(), long);
    let parts: Vec<&[u8]> = long.as_bytes().chunks(777).collect();
    assert_eq!(filtered(&parts), shown);
}

/// Bytes that are likely to matter.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => "[a-z ]{0,12}".prop_map(String::into_bytes),
        4 => prop::sample::select(vec![
            "\n", "\r\n", "\r", "\x1b", "\x1b[", "\x1b[31m", "\x1b]0;", "\x07", "\x1b\\", "\x1bP", "\x08", "\t",
            "\u{9b}", "\u{9d}", "\u{9c}", "\u{202e}", "é", "火", "🐉", "\x18", "\0", ";", "\u{2066}", "“",
        ]).prop_map(|s| s.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..6),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// Lines of text that are clean but for a rare character.
fn nearly_clean() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        20 => "[a-zé火“ ]{0,9}",
        6 => Just("\n".to_owned()),
        2 => Just("\r\n".to_owned()),
        1 => prop::sample::select(vec!["\u{85}", "\u{9b}", "\u{202e}", "\u{2066}", "\r"]).prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #[test]
    fn cutting_the_input_anywhere_changes_nothing(input in prop_oneof![hostile(), nearly_clean()], sizes in prop::collection::vec(1usize..40, 1..20)) {
        let whole = filtered(&[&input]);
        let mut chunks = Vec::new();
        let mut rest = &input[..];
        for size in sizes.iter().cycle() {
            if rest.is_empty() { break; }
            let (chunk, next) = rest.split_at((*size).min(rest.len()));
            chunks.push(chunk);
            rest = next;
        }
        prop_assert_eq!(filtered(&chunks), whole.clone());
        let bytes: Vec<&[u8]> = input.chunks(1).collect();
        prop_assert_eq!(filtered(&bytes), whole);
    }

    #[test]
    fn nothing_that_a_terminal_obeys_comes_out(input in prop_oneof![hostile(), nearly_clean()]) {
        for c in filtered(&[&input]).chars() {
            prop_assert!(c == '\n' || c == '\t' || !c.is_control(), "{c:?}");
            let bidi = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            prop_assert!(!bidi, "{c:?}");
        }
    }

    #[test]
    fn text_without_controls_is_kept_as_it_is(input in "[^\\p{Cc}\u{202a}-\u{202e}\u{2066}-\u{2069}]{0,80}") {
        prop_assert_eq!(filtered(&[input.as_bytes(), b"\n"]), format!("{input}\n"));
    }
}

#[test]
fn a_whole_text_becomes_one_safe_line_or_safe_lines() {
    let hostile = "a\x1b]0;title\x07b\x1b[31mc\nd\u{9b}2J";
    assert_eq!(one_line(hostile), "abc d");
    assert_eq!(safe_lines(hostile.as_bytes()), b"abc\nd\n");
    assert_eq!(one_line("\n\nx\n"), "x");
    assert_eq!((one_line(""), safe_lines(b"")), (String::new(), Vec::new()));
    let long = "x".repeat(LINE_MAX + 1);
    assert_eq!(one_line(&long), long);
}
