use std::collections::BTreeMap;

use super::{table::TABLE, *};

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
