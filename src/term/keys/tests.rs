use super::*;

const PLAIN: Mods = Mods::NONE;
const SHIFT: Mods = Mods {
    shift: true,
    ..PLAIN
};
const ALT: Mods = Mods { alt: true, ..PLAIN };
const CTRL: Mods = Mods {
    ctrl: true,
    ..PLAIN
};

fn sent(it: Key, mods: Mods) -> String {
    String::from_utf8(key(it, mods, &Modes::default())).unwrap()
}

#[test]
fn characters_are_sent_as_they_are_and_alt_puts_an_escape_before() {
    assert_eq!(sent(Key::Char('ä'), PLAIN), "ä");
    assert_eq!(sent(Key::Char('A'), SHIFT), "A");
    assert_eq!(sent(Key::Char('x'), ALT), "\x1bx");
    assert_eq!(sent(Key::Enter, PLAIN), "\r");
    assert_eq!(sent(Key::Backspace, ALT), "\x1b\x7f");
}

#[test]
fn control_makes_control_characters_where_there_are_some() {
    let made = |c| key(Key::Char(c), CTRL, &Modes::default());
    assert_eq!(made('c'), [3]);
    assert_eq!(made('C'), [3]);
    assert_eq!(made('z'), [26]);
    assert_eq!(made(' '), [0]);
    assert_eq!(made('['), [27]);
    assert_eq!(made('\\'), [28]);
    assert_eq!(made(']'), [29]);
    assert_eq!(made('^'), [30]);
    assert_eq!(made('_'), [31]);
    assert_eq!(made('/'), [31]);
    assert_eq!(made('?'), [127]);
    assert_eq!(made('1'), b"1");
    assert_eq!(key(Key::Backspace, CTRL, &Modes::default()), [8]);
}

#[test]
fn keys_are_what_the_terminfo_entry_of_xterm_says() {
    // kcbt, kdch1, kich1, kpp, knp, kf1…kf12, kf13, kf25, kDC, kRIT5 of xterm-256color.
    for (it, mods, bytes) in [
        (Key::BackTab, PLAIN, "\x1b[Z"),
        (Key::Tab, SHIFT, "\x1b[Z"),
        (Key::Delete, PLAIN, "\x1b[3~"),
        (Key::Insert, PLAIN, "\x1b[2~"),
        (Key::PageUp, PLAIN, "\x1b[5~"),
        (Key::PageDown, PLAIN, "\x1b[6~"),
        (Key::F(1), PLAIN, "\x1bOP"),
        (Key::F(4), PLAIN, "\x1bOS"),
        (Key::F(5), PLAIN, "\x1b[15~"),
        (Key::F(6), PLAIN, "\x1b[17~"),
        (Key::F(10), PLAIN, "\x1b[21~"),
        (Key::F(11), PLAIN, "\x1b[23~"),
        (Key::F(12), PLAIN, "\x1b[24~"),
        (Key::F(13), PLAIN, "\x1b[1;2P"),
        (Key::F(17), PLAIN, "\x1b[15;2~"),
        (Key::F(25), PLAIN, "\x1b[1;5P"),
        (Key::F(36), PLAIN, "\x1b[24;5~"),
        (Key::F(0), PLAIN, ""),
        (Key::F(37), PLAIN, ""),
        (Key::Delete, SHIFT, "\x1b[3;2~"),
        (Key::Right, CTRL, "\x1b[1;5C"),
        (Key::Home, PLAIN, "\x1b[H"),
        (Key::End, ALT, "\x1b[1;3F"),
    ] {
        assert_eq!(sent(it, mods), bytes, "{it:?} {mods:?}");
    }
}

#[test]
fn arrows_follow_the_cursor_mode_unless_something_is_held() {
    let modes = Modes {
        application_cursor: true,
        ..Modes::default()
    };
    assert_eq!(key(Key::Up, PLAIN, &modes), b"\x1bOA");
    assert_eq!(key(Key::Home, PLAIN, &modes), b"\x1bOH");
    assert_eq!(key(Key::Up, SHIFT, &modes), b"\x1b[1;2A");
    assert_eq!(sent(Key::Up, PLAIN), "\x1b[A");
}

fn at(action: MouseAction, col: u16, row: u16, mods: Mods) -> MouseEvent {
    MouseEvent {
        action,
        row,
        col,
        mods,
    }
}

fn wanting(mouse: MouseMode, mouse_encoding: MouseEncoding) -> Modes {
    Modes {
        mouse,
        mouse_encoding,
        ..Modes::default()
    }
}

#[test]
fn a_child_gets_only_the_mouse_events_it_asked_for() {
    let press = MouseAction::Press(MouseButton::Left);
    let drag = MouseAction::Drag(MouseButton::Left);
    for (mode, wanted) in [
        (MouseMode::None, [false, false, false, false]),
        (MouseMode::Click, [true, true, false, false]),
        (MouseMode::Drag, [true, true, true, false]),
        (MouseMode::Motion, [true, true, true, true]),
    ] {
        let modes = wanting(mode, MouseEncoding::Sgr);
        let actions = [press, MouseAction::WheelUp, drag, MouseAction::Move];
        let got = actions.map(|it| !mouse(at(it, 0, 0, PLAIN), &modes).is_empty());
        assert_eq!(got, wanted, "{mode:?}");
    }
}

#[test]
fn mouse_events_are_written_in_the_encoding_asked_for() {
    let sgr = wanting(MouseMode::Motion, MouseEncoding::Sgr);
    let write = |action, mods, modes: &Modes| {
        String::from_utf8(mouse(at(action, 9, 4, mods), modes)).unwrap()
    };
    let left = MouseButton::Left;
    let right = MouseButton::Right;
    assert_eq!(
        write(MouseAction::Press(left), PLAIN, &sgr),
        "\x1b[<0;10;5M"
    );
    assert_eq!(
        write(MouseAction::Release(right), PLAIN, &sgr),
        "\x1b[<2;10;5m"
    );
    assert_eq!(
        write(MouseAction::Drag(right), CTRL, &sgr),
        "\x1b[<50;10;5M"
    );
    assert_eq!(write(MouseAction::Move, PLAIN, &sgr), "\x1b[<35;10;5M");
    assert_eq!(write(MouseAction::WheelDown, SHIFT, &sgr), "\x1b[<69;10;5M");
    let legacy = wanting(MouseMode::Click, MouseEncoding::Legacy);
    assert_eq!(write(MouseAction::Press(left), PLAIN, &legacy), "\x1b[M *%");
    assert_eq!(
        write(MouseAction::Release(left), PLAIN, &legacy),
        "\x1b[M#*%"
    );
}

#[test]
fn positions_that_an_encoding_cannot_say_are_not_sent() {
    let press = MouseAction::Press(MouseButton::Left);
    let legacy = wanting(MouseMode::Click, MouseEncoding::Legacy);
    assert_eq!(mouse(at(press, 222, 0, PLAIN), &legacy), b"\x1b[M \xff!");
    assert_eq!(mouse(at(press, 223, 0, PLAIN), &legacy), b"");
    let utf8 = wanting(MouseMode::Click, MouseEncoding::Utf8);
    assert_eq!(
        mouse(at(press, 223, 0, PLAIN), &utf8),
        "\x1b[M \u{100}!".as_bytes()
    );
    assert_eq!(mouse(at(press, 3000, 0, PLAIN), &utf8), b"");
    let sgr = wanting(MouseMode::Click, MouseEncoding::Sgr);
    assert_eq!(mouse(at(press, 3000, 0, PLAIN), &sgr), b"\x1b[<0;3001;1M");
}

#[test]
fn the_wheel_is_arrows_on_the_alternate_screen_of_a_child_without_mouse() {
    let mut modes = Modes {
        alternate_screen: true,
        alternate_scroll: true,
        application_cursor: true,
        ..Modes::default()
    };
    let up = at(MouseAction::WheelUp, 0, 0, PLAIN);
    assert_eq!(mouse(up, &modes), b"\x1bOA\x1bOA\x1bOA");
    modes.alternate_scroll = false;
    assert_eq!(mouse(up, &modes), b"");
    assert_eq!(mouse(up, &Modes::default()), b"");
}

#[test]
fn a_paste_is_wrapped_only_when_asked_for() {
    assert_eq!(paste("a\nb\r\nc\td", &Modes::default()), b"a\rb\rc\td");
    let modes = Modes {
        bracketed_paste: true,
        ..Modes::default()
    };
    assert_eq!(paste("ä\n", &modes), "\x1b[200~ä\r\x1b[201~".as_bytes());
}

#[test]
fn a_paste_cannot_end_its_own_brackets_or_press_keys() {
    let modes = Modes {
        bracketed_paste: true,
        ..Modes::default()
    };
    for nasty in [
        "x\x1b[201~rm",
        "x\x1b[20\x1b[201~1~rm",
        "x\u{9b}201~rm\x03\x04\x7f",
    ] {
        let bytes = paste(nasty, &modes);
        let inside = &bytes[6..bytes.len() - 6];
        assert!(
            !inside.iter().any(|it| *it < 0x20 || *it == 0x7f),
            "{bytes:?}"
        );
        assert!(!inside.windows(2).any(|it| it == [0xc2, 0x9b]), "{bytes:?}");
    }
}

#[test]
fn focus_is_told_only_when_asked_for() {
    assert_eq!(focus(true, &Modes::default()), b"");
    let modes = Modes {
        focus: true,
        ..Modes::default()
    };
    assert_eq!(focus(true, &modes), b"\x1b[I");
    assert_eq!(focus(false, &modes), b"\x1b[O");
}
