use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{Glyphs, Input, format, fuzzy, theme};

#[test]
fn numbers_are_short_at_every_size() {
    let bytes = [
        (0, "0"),
        (1023, "1023"),
        (1229, "1.2k"),
        (12 << 20, "12M"),
        (1023 << 10, "1.0M"),
        (1180 << 20, "1.2G"),
        (u64::MAX, "16E"),
    ];
    for (value, text) in bytes {
        assert_eq!(format::bytes(value), text);
    }
    assert_eq!(format::count(999), "999");
    assert_eq!(format::count(999_600), "1.0M");
    let rates = [
        (0.0, "0/s"),
        (0.01, "0.1/s"),
        (0.97, "1/s"),
        (1.25, "1.3/s"),
        (119.6, "120/s"),
        (1180.0, "1.2k/s"),
        (f64::NAN, "0/s"),
        (-3.0, "0/s"),
    ];
    for (value, text) in rates {
        assert_eq!(format::rate(value), text);
    }
    assert_eq!(format::byte_rate(1234.0), "1.2 kB/s");
    assert_eq!(format::byte_rate(0.0), "0 B/s");
    assert_eq!(format::percent(0.98), " 98%");
    assert_eq!(format::percent(0.004), "  0%");
    assert_eq!(format::percent(640.0), " 64k");
    assert_eq!(format::processor(0.003), " 0.3%");
    assert_eq!(format::processor(0.98), "  98%");
    assert_eq!(format::processor(16.0), "1600%");
    for value in (0..64).map(|shift| 1u64 << shift) {
        for value in [value - 1, value, value.saturating_mul(999) / 1000] {
            assert!(format::bytes(value).len() <= 5, "{value}");
            assert!(format::count(value).len() <= 5, "{value}");
            assert!(format::rate(value as f64).len() <= 7, "{value}");
            assert!(format::byte_rate(value as f64).len() <= 9, "{value}");
            assert_eq!(format::percent(value as f64 / 100.0).len(), 4, "{value}");
            assert!(
                format::age(Duration::from_millis(value.min(1 << 36))).len() <= 6,
                "{value}"
            );
        }
    }
}

#[test]
fn times_are_read_as_a_clock_and_ages_in_one_unit() {
    let clock = |seconds| format::clock(Duration::from_secs(seconds));
    assert_eq!(clock(12), "00:12");
    assert_eq!(clock(3723), "1:02:03");
    assert_eq!(clock(183_600), "2d 03h");
    let age = |millis| format::age(Duration::from_millis(millis));
    assert_eq!(age(5), "5 ms");
    assert_eq!(age(500), "0.5 s");
    assert_eq!(age(980), "1.0 s");
    assert_eq!(age(12_300), "12 s");
    assert_eq!(age(200_000), "3 min");
    assert_eq!(format::of(67, Some(100), &Glyphs::UNICODE), "67/100");
    assert_eq!(format::of(2, None, &Glyphs::UNICODE), "2/∞");
    assert_eq!(format::place(11, 340), "12 of 340");
    assert_eq!(format::place(0, 0), "");
}

#[test]
fn the_best_fit_comes_first_with_its_letters_marked() {
    let items = [
        "restart all that failed",
        "kill at once",
        "start",
        "next hit",
    ];
    let hits = fuzzy::rank("start", items);
    assert_eq!(hits.iter().map(|hit| hit.index).collect::<Vec<_>>(), [2, 0]);
    assert_eq!(hits[1].at, [2, 3, 4, 5, 6]);
    let all = fuzzy::rank("", items);
    assert_eq!(
        all.iter().map(|hit| hit.index).collect::<Vec<_>>(),
        [0, 1, 2, 3]
    );
    let theme = theme();
    let line = fuzzy::marked(items[0], &hits[1].at, theme.text, theme.accent);
    let pieces: Vec<&str> = line.spans.iter().map(|span| &*span.content).collect();
    assert_eq!(pieces, ["re", "start", " all that failed"]);
    assert_eq!(fuzzy::rank("xyz", items), []);
    let accented = "re\u{301}seau";
    let hits = fuzzy::rank("seau", [accented]);
    let line = fuzzy::marked(accented, &hits[0].at, theme.text, theme.accent);
    let pieces: Vec<&str> = line.spans.iter().map(|span| &*span.content).collect();
    assert_eq!(pieces, ["re\u{301}", "seau"]);
}

fn press(input: &mut Input, code: KeyCode, held: KeyModifiers) -> bool {
    input.key(&KeyEvent::new(code, held))
}

#[test]
fn a_line_of_text_is_edited_as_in_a_shell() {
    let mut input = Input::new("srun -n 4");
    assert_eq!(input.cursor(), 9);
    assert!(press(&mut input, KeyCode::Char('w'), KeyModifiers::CONTROL));
    assert_eq!(input.text(), "srun -n ");
    assert!(press(&mut input, KeyCode::Home, KeyModifiers::NONE));
    assert!(press(&mut input, KeyCode::Right, KeyModifiers::CONTROL));
    assert_eq!(input.cursor(), 4);
    assert!(press(&mut input, KeyCode::Char('X'), KeyModifiers::SHIFT));
    assert_eq!(input.text(), "srunX -n ");
    assert!(press(&mut input, KeyCode::Char('k'), KeyModifiers::CONTROL));
    assert_eq!(input.text(), "srunX");
    assert!(!press(&mut input, KeyCode::Enter, KeyModifiers::NONE));
    assert!(!press(
        &mut input,
        KeyCode::Char('s'),
        KeyModifiers::CONTROL
    ));
    assert_eq!(input.take(), "srunX");
    assert!(input.is_empty());
}

#[test]
fn a_letter_and_its_accents_are_one_and_a_paste_is_one_line() {
    let mut input = Input::new("ae\u{301}👩\u{200d}🔬");
    assert!(press(&mut input, KeyCode::Backspace, KeyModifiers::NONE));
    assert_eq!(input.text(), "ae\u{301}");
    assert!(press(&mut input, KeyCode::Left, KeyModifiers::NONE));
    assert_eq!(input.cursor(), 1);
    input.paste("x\r\ny\u{1b}[2J\n");
    assert_eq!(input.text(), "ax y[2Je\u{301}");
    input.set(&"ä".repeat(40_000));
    assert_eq!(input.text().len(), 64 * 1024);
}
