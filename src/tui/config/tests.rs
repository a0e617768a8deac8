use proptest::prelude::*;

use super::*;

fn messages(text: &str) -> Vec<String> {
    check(text).iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_not_written_is_the_default() {
    assert_eq!(
        Config::parse("Config(version: 1)"),
        (Config::default(), Vec::new())
    );
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(Config::load(folder.path()), (Config::default(), Vec::new()));
}

#[test]
fn every_setting_is_read() {
    let text = r#"Config(
    version: 1,
    theme: "nord",
    ascii: Always,
    mouse: false,
    scrollback: 500,
    bell: false,
    desktop_notifications: true,
    confirm: Never,
    keys: { "run": { "stop": ["ctrl-x", "f8"], "search_next": "alt-n" } },
)"#;
    let (config, problems) = Config::parse(text);
    assert_eq!(problems, Vec::new());
    assert_eq!(config.theme, "nord");
    assert_eq!(
        (config.ascii, config.confirm),
        (Ascii::Always, Confirm::Never)
    );
    assert_eq!(
        (config.mouse, config.bell, config.desktop_notifications),
        (false, false, true)
    );
    assert_eq!(config.scrollback, 500);
    let keys = config.keymap.keys(Context::Run, Action::Stop);
    assert_eq!(
        keys.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["ctrl-x", "f8"]
    );
    assert_ne!(config.keymap, Keymap::default());
}

#[test]
fn everything_wrong_is_said_with_its_place_and_the_rest_counts() {
    let text = r#"Config(
    version: 2,
    themes: "nord",
    ascii: Sometimes,
    mouse: "yes",
    scrollback: -1,
    keys: {
        "rum": {},
        "run": {
            "stopp": "x",
            "quit": "x",
            "mute": "contrl-m",
            "zoom": "x",
            "copy": "Y",
        },
        "typing": { "leave-typing": [] },
    },
)"#;
    assert_eq!(
        messages(text),
        [
            "2:14: version: only version 1 is known to this program",
            "3:5: themes: unknown field `themes`: did you mean `theme`?",
            "4:12: ascii: unknown word `Sometimes`",
            "5:12: mouse: expected `true` or `false`, found text",
            "6:17: scrollback: lies between 0 and 1000000",
            "8:9: keys.rum: unknown place `rum`",
            "10:13: keys.run.stopp: unknown action `stopp`: did you mean `stop`?",
            "11:13: keys.run.quit: `quit` has no key in `run`, but in global",
            "12:21: keys.run.mute: no key is called `contrl-m`",
            "13:21: keys.run.zoom: `x` does `stop` in `run` already",
            "16:37: keys.typing.leave-typing: nothing would do `leave-typing` in `typing` any more",
        ]
    );
    let (config, _) = Config::parse(text);
    assert_eq!(config.keymap.keys(Context::Run, Action::Copy).len(), 1);
    assert!(config.mouse);
}

#[test]
fn a_text_that_is_not_ron_has_its_problems_too() {
    assert_eq!(
        messages(""),
        ["1:1: expected a value, found the end of the file"]
    );
    assert!(!messages("Config(version: 1, keys: {").is_empty());
    assert!(!messages("\u{0}\u{1b}[2J").is_empty());
}

#[test]
fn a_file_is_named_in_its_problems() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(FILE), "Config(version: 1, mouse: 3)").unwrap();
    let (_, problems) = Config::load(folder.path());
    assert!(
        problems[0].to_string().contains("config.ron:1:27: mouse: "),
        "{}",
        problems[0]
    );
    std::fs::remove_file(folder.path().join(FILE)).unwrap();
    std::fs::create_dir(folder.path().join(FILE)).unwrap();
    let (config, problems) = Config::load(folder.path());
    assert_eq!((config, problems.len()), (Config::default(), 1));
}

#[test]
fn the_folder_follows_the_xdg_rules() {
    let folder = |xdg: Option<&str>, home: Option<&str>| {
        super::folder(|name| {
            let value = if name == "HOME" { home } else { xdg };
            value.map(str::to_owned)
        })
    };
    let path = |text: &str| Some(PathBuf::from(text));
    assert_eq!(folder(Some("/x"), Some("/h")), path("/x/dragon-tui"));
    assert_eq!(folder(Some("x"), Some("/h")), path("/h/.config/dragon-tui"));
    assert_eq!(folder(None, Some("/h")), path("/h/.config/dragon-tui"));
    assert_eq!(folder(Some(""), None), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_text_is_read_without_a_panic(
        pieces in proptest::collection::vec(
            prop_oneof![
                Just("Config(version: 1, ".to_owned()),
                Just("Theme(version: 1, ".to_owned()),
                Just("keys: {\"run\": {\"stop\": [\"ctrl-".to_owned()),
                Just("palette: {\"a\": (\"#".to_owned()),
                Just("text: (fg: ".to_owned()),
                "[\\PC]{0,4}",
                "[\\[\\](){}\",:#0-9a-f-]{1,6}",
            ],
            0..12,
        )
    ) {
        let text = pieces.concat();
        let (_, problems) = Config::parse(&text);
        let (theme, more) = theme::ThemeFile::parse(&text);
        prop_assert!(!problems.is_empty() || !more.is_empty() || text.starts_with(['C', 'T', '(']));
        theme.theme(theme::Depth::Ansi16, &theme::Glyphs::ASCII);
    }
}
