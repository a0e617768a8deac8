use proptest::prelude::*;

use super::*;

/// What comes out for a stream cut into `pieces`, with neighbouring passes joined.
#[derive(Debug, Default, PartialEq, Eq)]
struct Out {
    passed: Vec<u8>,
    repeats: Vec<(usize, u16)>,
    commands: Vec<(usize, Vec<u8>, bool)>,
    /// Calls of the guard's closure.
    calls: usize,
}

fn run<'a>(guard: &mut Guard, pieces: impl IntoIterator<Item = &'a [u8]>) -> Out {
    let mut out = Out::default();
    for bytes in pieces {
        guard.feed(bytes, |piece| {
            out.calls += 1;
            let at = out.passed.len();
            match piece {
                Piece::Pass(bytes) => {
                    assert!(!bytes.is_empty(), "an empty slice is no news");
                    out.passed.extend_from_slice(bytes);
                }
                Piece::Repeat(count) => out.repeats.push((at, count)),
                Piece::Command { text, bell } => out.commands.push((at, text.to_vec(), bell)),
            }
        });
    }
    out
}

fn whole(bytes: &[u8]) -> Out {
    run(&mut Guard::default(), [bytes])
}

#[test]
fn ordinary_bytes_pass_in_one_slice_colours_and_all() {
    let line = "\x1b[1;31mred\x1b[0m and \x1b(0lqk\x1b(B äöü\r\n\x1b[2J\x1b7\x1b8".repeat(50);
    let out = whole(line.as_bytes());
    assert_eq!(out.passed, line.as_bytes());
    assert_eq!(out.calls, 1);
}

#[test]
fn every_kind_of_control_string_is_left_out() {
    for kind in [&b"]"[..], b"P", b"X", b"^", b"_"] {
        let stream = [b"a\x1b", kind, b"0;text\n\t more\x1b\\b"].concat();
        assert_eq!(whole(&stream).passed, b"a\x1b\x18\x1b\\b", "{kind:?}");
    }
}

#[test]
fn only_a_command_ends_with_a_bell() {
    assert_eq!(whole(b"\x1b]2;t\x07b").passed, b"\x1b\x18b");
    assert_eq!(whole(b"\x1bP2;t\x07b\x1b\\c").passed, b"\x1b\x18\x1b\\c");
}

#[test]
fn a_command_is_handed_out_where_it_stood_with_how_it_ended() {
    let out = whole(b"a\x1b]2;one\x07b\x1b]2;two\x1b\\c");
    assert_eq!(
        out.commands,
        [(3, b"2;one".to_vec(), true), (6, b"2;two".to_vec(), false)]
    );
}

#[test]
fn a_cancelled_command_is_not_handed_out() {
    for cancel in [CAN, SUB] {
        let out = whole(&[b"\x1b]2;one", &[cancel][..], b"b"].concat());
        assert_eq!((out.commands.len(), out.passed), (0, b"\x1b\x18b".to_vec()));
    }
}

#[test]
fn a_bracket_after_an_intermediate_byte_begins_no_string() {
    assert_eq!(whole(b"\x1b(]text").passed, b"\x1b(]text");
    assert_eq!(whole(b"\x1b[1]text").passed, b"\x1b[1]text");
}

#[test]
fn controls_within_a_sequence_do_not_end_it() {
    assert_eq!(whole(b"\x1b\n]2;t\x07b").passed, b"\x1b\n\x18b");
    assert_eq!(whole(b"\x1b[3\n1mred").passed, b"\x1b[3\n1mred");
}

#[test]
fn a_character_is_passed_whole_however_it_is_cut() {
    let pieces = |stream: &[u8], length: usize| {
        let mut guard = Guard::default();
        let mut passed = Vec::new();
        for bytes in stream.chunks(length) {
            guard.feed(bytes, |piece| match piece {
                Piece::Pass(bytes) => passed.push(bytes.to_vec()),
                other => panic!("{other:?}"),
            });
        }
        passed
    };
    for c in ["ä", "語", "😀"] {
        assert_eq!(pieces(c.as_bytes(), 1), [c.as_bytes()]);
    }
    // What will never be one does not hold up the rest.
    let broken = b"\xe8\xaax\xf0\x9f\x1b[m\xc3\xc3\xa4\x80\xff";
    for length in 1..6 {
        assert_eq!(pieces(broken, length).concat(), broken);
    }
    assert_eq!(pieces(b"ab\xe8\xaa", 9), [b"ab"]);
}

#[test]
fn a_repeat_is_handed_out_with_its_count() {
    let counts =
        |stream: &[u8]| -> Vec<u16> { whole(stream).repeats.iter().map(|it| it.1).collect() };
    assert_eq!(counts(b"x\x1b[7b"), [7]);
    assert_eq!(counts(b"x\x1b[b\x1b[0b"), [1, 1]);
    assert_eq!(counts(b"x\x1b[99999999999999999999b"), [u16::MAX]);
    assert_eq!(counts(b"x\x1b[3;9b"), [3]);
    // Others that end alike are none.
    assert_eq!(
        counts(b"x\x1b[?7b\x1b[7 b\x1b(b\x1b[7\x18b\x1b[31mb"),
        [0; 0]
    );
    assert_eq!(whole(b"x\x1b[7by").passed, b"x\x1b[7\x18y");
}

#[test]
fn a_string_without_an_end_keeps_no_memory_and_ends_after_all() {
    let mut guard = Guard::default();
    let chunk = [b'A'; 8192];
    assert_eq!(run(&mut guard, [&b"\x1b]0;"[..]]).passed, b"\x1b\x18");
    let mut passed = 0;
    for _ in 0..(2 * LONGEST_STRING / chunk.len()) {
        passed += run(&mut guard, [&chunk[..]]).passed.len();
        assert!(guard.command.capacity() <= 2 * LONGEST_KEPT);
    }
    // "0;" counts too.
    assert_eq!(passed, LONGEST_STRING + 2);
}

#[test]
fn a_long_command_is_cut_and_still_ends_where_it_ends() {
    let mut stream = b"\x1b]2;".to_vec();
    stream.resize(3 * LONGEST_KEPT, b'A');
    stream.extend_from_slice(b"\x07after");
    let out = whole(&stream);
    assert_eq!(out.passed, b"\x1b\x18after");
    assert_eq!(out.commands[0].1.len(), LONGEST_KEPT);
}

proptest! {
    #[test]
    fn it_does_not_matter_where_the_stream_is_cut(
        stream in proptest::collection::vec(
            prop_oneof![
                3 => prop::sample::select(&b"\x1b]P[X^_\\\x07\x18\x1ab;5?( \n"[..]),
                1 => any::<u8>(),
            ],
            0..200,
        ),
        length in 1usize..9,
    ) {
        let together = whole(&stream);
        let apart = run(&mut Guard::default(), stream.chunks(length));
        prop_assert_eq!(&together.passed, &apart.passed);
        prop_assert_eq!(&together.repeats, &apart.repeats);
        prop_assert_eq!(&together.commands, &apart.commands);
    }
}
