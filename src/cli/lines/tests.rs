use super::*;
use crate::term::plain_text::LINE_MAX;
use proptest::prelude::*;

fn lines(label: &str, chunks: &[&[u8]]) -> String {
    let mut assembler = LineAssembler::new(label, "generator", false);
    let mut out = Vec::new();
    for chunk in chunks {
        assembler.push(chunk, &mut out);
    }
    assembler.finish(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn each_line_says_who_wrote_it() {
    assert_eq!(
        lines("generator.0", &[b"one\r\ntw", b"o\r\n\r\nthree"]),
        "generator.0 | one\ngenerator.0 | two\ngenerator.0 | \ngenerator.0 | three\n"
    );
}

#[test]
fn an_unfinished_line_waits_and_is_ended_only_once() {
    let mut assembler = LineAssembler::new("a.0", "a", false);
    let mut out = Vec::new();
    assembler.push(b"not yet", &mut out);
    assert!(out.is_empty());
    assembler.finish(&mut out);
    assembler.finish(&mut out);
    assert_eq!(out, b"a.0 | not yet\n");
}

#[test]
fn a_gap_is_counted_and_never_joins_what_it_separates() {
    let mut assembler = LineAssembler::new("a.0", "a", false);
    let mut out = Vec::new();
    assembler.push(b"before \x1b]0;cut off in a title", &mut out);
    assembler.gap(12345, &mut out);
    assembler.push(b"after\n", &mut out);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "a.0 | before \na.0 | … 12,345 bytes not shown …\na.0 | after\n"
    );
}

#[test]
fn a_line_too_long_is_cut_with_a_mark() {
    let long = "x".repeat(LINE_MAX + 5);
    let shown = lines("a.0", &[long.as_bytes(), b"\nnext\n"]);
    let shown: Vec<&str> = shown.lines().collect();
    assert_eq!(shown[0], format!("a.0 | {}…", "x".repeat(LINE_MAX)));
    assert_eq!(shown[1..], ["a.0 | …xxxxx", "a.0 | next"]);
}

#[test]
fn a_colour_belongs_to_a_template_and_ends_before_the_text() {
    let mut out = Vec::new();
    LineAssembler::new("a.0", "a", true).push(b"\x1b[31mtext\n", &mut out);
    let out = String::from_utf8(out).unwrap();
    let (prefix, text) = out.split_once("\x1b[0m ").unwrap();
    assert!(
        prefix.starts_with("\x1b[") && prefix.ends_with("ma.0 |"),
        "{prefix:?}"
    );
    assert_eq!(text, "text\n");
    assert_eq!(colour_of("generator"), colour_of("generator"));
    let used: std::collections::BTreeSet<u8> =
        (0..100).map(|n| colour_of(&format!("t{n}"))).collect();
    assert_eq!(used.len(), 8);
}

#[test]
fn colours_are_for_terminals_whose_user_wants_them() {
    let some = |text: &'static str| Some(OsStr::new(text));
    assert!(may_colour(true, None, some("xterm-256color")));
    assert!(may_colour(true, some(""), some("xterm")));
    assert!(!may_colour(false, None, some("xterm")));
    assert!(!may_colour(true, some("1"), some("xterm")));
    assert!(!may_colour(true, None, some("dumb")));
    assert!(!may_colour(true, None, None));
}

#[test]
fn big_numbers_are_grouped() {
    for (number, text) in [
        (0, "0"),
        (999, "999"),
        (1000, "1,000"),
        (1_234_567, "1,234,567"),
    ] {
        assert_eq!(grouped(number), text);
    }
}

proptest! {
    #[test]
    fn chunks_do_not_matter_and_no_escape_comes_out(
        input in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(vec![0x1b, b'\n', b'\r', b'[', b'm', b'a'])], 0..400),
        at in prop::collection::vec(0usize..400, 0..6),
    ) {
        let mut cuts: Vec<usize> = at.into_iter().map(|n| n.min(input.len())).collect();
        cuts.extend([0, input.len()]);
        cuts.sort_unstable();
        let chunks: Vec<&[u8]> = cuts.windows(2).map(|w| &input[w[0]..w[1]]).collect();
        let whole = lines("g.0", &[&input]);
        prop_assert_eq!(lines("g.0", &chunks), whole.clone());
        prop_assert!(!whole.contains('\x1b'));
        prop_assert!(whole.lines().all(|line| line.starts_with("g.0 | ")));
    }
}
