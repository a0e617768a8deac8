use std::collections::BTreeMap;

use crossterm::event::{KeyCode, KeyEventKind, KeyModifiers};

use super::{table::TABLE, *};
use crate::tui::theme::Glyphs;

fn key(text: &str) -> Key {
    text.parse().unwrap()
}

fn event(text: &str) -> KeyEvent {
    let key = key(text);
    KeyEvent::new(key.code(), key.held())
}

fn wish(context: Context, action: Action, keys: &[&str]) -> Rebinding {
    Rebinding {
        context,
        action,
        keys: keys.iter().map(|text| key(text)).collect(),
    }
}

#[test]
fn every_key_of_the_table_can_be_read_and_is_written_as_it_stands_there() {
    for row in TABLE {
        for text in row.keys.split(' ') {
            assert_eq!(
                text.parse::<Key>().map(|key| key.to_string()),
                Ok(text.to_owned())
            );
        }
        assert!(!row.words.is_empty() && !row.contexts.is_empty());
    }
}

#[test]
fn no_key_does_two_things_in_one_place() {
    let mut seen = BTreeMap::new();
    for it in Keymap::default().bindings {
        let before = seen.insert((it.context, it.key.to_string()), it.action);
        assert_eq!(before, None, "{} in {:?}", it.key, it.context);
    }
}

#[test]
fn every_place_has_its_way_out_and_every_action_its_words() {
    let map = Keymap::default();
    for context in Context::ALL {
        for action in context.needs() {
            assert!(
                !map.keys(*context, *action).is_empty(),
                "{context:?} {action:?}"
            );
        }
    }
    for action in Action::ALL {
        assert_ne!(Keymap::words(*action), "", "{action:?}");
        assert_eq!(Action::named(action.name()), Some(*action));
    }
}

#[test]
fn a_screen_comes_before_what_is_global() {
    let map = Keymap::default();
    assert_eq!(
        map.lookup(Context::Form, &event("ctrl-z")),
        Some(Action::Undo)
    );
    assert_eq!(
        map.lookup(Context::Compose, &event("ctrl-z")),
        Some(Action::Suspend)
    );
    assert_eq!(map.lookup(Context::Run, &event("q")), Some(Action::Quit));
    assert_eq!(map.lookup(Context::Typing, &event("q")), None);
    assert_eq!(map.lookup(Context::Prompt, &event("1")), None);
    assert_eq!(map.lookup(Context::Typing, &event("ctrl-c")), None);
}

#[test]
fn what_a_terminal_sends_in_two_ways_is_one_key() {
    let same = [
        (KeyCode::Char('5'), KeyModifiers::CONTROL, "ctrl-]"),
        (KeyCode::Char(']'), KeyModifiers::CONTROL, "ctrl-]"),
        (KeyCode::BackTab, KeyModifiers::SHIFT, "shift-tab"),
        (KeyCode::BackTab, KeyModifiers::NONE, "shift-tab"),
        (KeyCode::Char('R'), KeyModifiers::SHIFT, "R"),
        (KeyCode::Char('r'), KeyModifiers::SHIFT, "R"),
        (KeyCode::Char('S'), KeyModifiers::CONTROL, "ctrl-s"),
        (KeyCode::Char('?'), KeyModifiers::SHIFT, "?"),
    ];
    for (code, held, text) in same {
        assert_eq!(Key::new(code, held), key(text), "{code:?} {held:?}");
    }
    assert_eq!(key("ctrl--").to_string(), "ctrl--");
    assert_eq!(key("shift-r"), key("R"));
    let mut released = event("q");
    released.kind = KeyEventKind::Release;
    assert_eq!(Keymap::default().lookup(Context::Run, &released), None);
}

#[test]
fn what_is_no_key_is_refused_with_a_guess() {
    let refused = |text: &str| text.parse::<Key>().unwrap_err();
    assert_eq!(
        refused("entr"),
        "no key is called `entr`: did you mean `enter`?"
    );
    assert_eq!(
        refused("ctrl-pagup"),
        "no key is called `ctrl-pagup`: did you mean `pageup`?"
    );
    assert_eq!(refused("f25"), "no key is called `f25`");
    assert_eq!(refused(""), "no key is called ``");
    assert_eq!(
        refused("ctrl-m"),
        "a terminal cannot tell `ctrl-m` from `enter`"
    );
    assert_eq!(refused(" "), "write `space`");
}

#[test]
fn keys_are_shown_short() {
    let shown =
        |text: &str| [&Glyphs::UNICODE, &Glyphs::ASCII].map(|glyphs| key(text).label(glyphs));
    assert_eq!(shown("ctrl-s"), ["^S", "^S"]);
    assert_eq!(shown("enter"), ["↵", "enter"]);
    assert_eq!(shown("shift-tab"), ["shift-tab", "shift-tab"]);
    assert_eq!(shown("ctrl-up"), ["ctrl-↑", "ctrl-up"]);
    assert_eq!(shown("ctrl-space"), ["ctrl-space", "ctrl-space"]);
    assert_eq!(shown("alt-s"), ["alt-s", "alt-s"]);
    assert_eq!(shown("-"), ["−", "-"]);
}

#[test]
fn the_help_names_every_key_that_works_and_no_other() {
    let map = Keymap::default();
    for context in Context::ALL {
        let rows = map.help(*context);
        for row in &rows {
            for key in &row.keys {
                assert_eq!(
                    map.action(*context, *key),
                    Some(row.action),
                    "{context:?} {key}"
                );
            }
        }
        let named: usize = rows.iter().map(|row| row.keys.len()).sum();
        let works = map
            .bindings
            .iter()
            .filter(|it| {
                it.context == *context || context.has_global() && it.context == Context::Global
            })
            .filter(|it| map.action(*context, it.key) == Some(it.action))
            .count();
        assert!(named >= 1 || *context == Context::Global);
        assert_eq!(named, works, "{context:?}");
    }
}

#[test]
fn the_last_line_has_few_hints_and_ends_with_the_help() {
    let map = Keymap::default();
    for context in Context::ALL {
        let hints = map.hints(*context);
        assert!(hints.len() <= 8, "{context:?} has {}", hints.len());
        if context.has_global() {
            assert_eq!(hints.last().map(|hint| hint.words), Some("help"));
        }
        assert!(!hints.is_empty(), "{context:?}");
    }
}

#[test]
fn a_user_may_change_keys_and_swap_them() {
    let wishes = [
        wish(Context::Run, Action::Stop, &["X"]),
        wish(Context::Run, Action::Kill, &["x", "ctrl-k", "x"]),
        wish(Context::Run, Action::Pager, &[]),
    ];
    let (map, refused) = Keymap::rebound(&wishes);
    assert_eq!(refused, []);
    assert_eq!(map.lookup(Context::Run, &event("X")), Some(Action::Stop));
    assert_eq!(
        map.keys(Context::Run, Action::Kill),
        [key("x"), key("ctrl-k")]
    );
    assert_eq!(map.lookup(Context::Run, &event("o")), None);
    assert_eq!(map.lookup(Context::Pane, &event("x")), Some(Action::Stop));
    assert_eq!(map.hints(Context::Run)[0].keys, [key("X")]);
}

#[test]
fn a_key_that_is_taken_or_missing_in_a_text_is_refused_and_the_old_one_stays() {
    let wishes = [
        wish(Context::Run, Action::Stop, &["m"]),
        wish(Context::List, Action::Back, &["b"]),
        wish(Context::Typing, Action::LeaveTyping, &["esc"]),
        wish(Context::Queues, Action::Compare, &["v"]),
    ];
    let (map, refused) = Keymap::rebound(&wishes);
    let messages: Vec<&str> = refused.iter().map(|it| it.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "`m` does `mute` in `run` already",
            "`b` is text in `list`",
            "`esc` belongs to the process that is typed to",
            "`compare` is not something to do in `queues`",
        ]
    );
    assert!(map == Keymap::default());
}

#[test]
fn nobody_can_lock_himself_in() {
    let lonely = [
        vec![wish(Context::Global, Action::Quit, &[])],
        vec![wish(Context::Global, Action::Quit, &["x"])],
        vec![wish(Context::Run, Action::Stop, &["q", "ctrl-c"])],
        vec![wish(Context::Typing, Action::LeaveTyping, &[])],
        vec![wish(Context::Prompt, Action::Back, &[])],
        vec![
            wish(Context::Run, Action::Stop, &["?"]),
            wish(Context::Run, Action::Kill, &["f1"]),
        ],
        vec![
            wish(Context::Global, Action::Quit, &["m", "1"]),
            wish(Context::Global, Action::Help, &["q"]),
        ],
    ];
    for wishes in lonely {
        let (map, refused) = Keymap::rebound(&wishes);
        assert!(!refused.is_empty(), "{wishes:?}");
        for context in Context::ALL {
            for need in context.needs() {
                assert!(
                    !map.keys(*context, *need).is_empty(),
                    "{wishes:?} {context:?}"
                );
            }
        }
    }
}
