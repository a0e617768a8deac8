use super::*;

fn environment<'e>(pairs: &'e [(&str, &str)]) -> impl Fn(&str) -> Option<String> + use<'e> {
    |name| {
        pairs
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| (*value).to_owned())
    }
}

fn messages(text: &str) -> Vec<String> {
    ThemeFile::parse(text)
        .1
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn every_embedded_theme_is_read_without_a_problem_and_says_its_name() {
    for (name, text) in EMBEDDED {
        let (file, problems) = ThemeFile::parse(text);
        assert_eq!(problems, Vec::new(), "{name}");
        assert_eq!(file.name, name);
        for role in ROLES {
            assert!(
                text.contains(&format!("\n    {role}: ")),
                "{name} does not say {role}"
            );
        }
    }
}

#[test]
fn every_shipped_theme_is_embedded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("themes");
    let files = std::fs::read_dir(folder).unwrap().count();
    assert_eq!(files, EMBEDDED.len());
    assert_eq!(EMBEDDED[0].0, DEFAULT);
}

#[test]
fn every_text_of_every_theme_can_be_read_on_its_ground_at_every_depth() {
    for (name, _) in EMBEDDED {
        for depth in [Depth::Ansi16, Depth::Ansi256, Depth::True] {
            let theme = Theme::embedded(name, depth, &Glyphs::UNICODE).unwrap();
            let Some(ground) = theme.background.bg.and_then(colour::rgb) else {
                assert_eq!(name, "monochrome");
                continue;
            };
            let least = match (depth, name) {
                (Depth::True, "high contrast") => 7.0,
                (Depth::Ansi16, _) => 1.8,
                _ => 3.4,
            };
            let texts = [
                ("text", theme.text),
                ("dim", theme.dim),
                ("accent", theme.accent),
                ("ok", theme.ok),
                ("warning", theme.warning),
                ("error", theme.error),
                ("info", theme.info),
                ("muted", theme.muted),
                ("starting", theme.starting),
                ("running", theme.running),
                ("waiting", theme.waiting),
                ("stopped", theme.stopped),
                ("unknown", theme.unknown),
                ("key", theme.key),
                ("selection", theme.base().patch(theme.selection)),
                ("search_hit", theme.base().patch(theme.search_hit)),
                ("toast", theme.base().patch(theme.toast)),
            ];
            for (role, style) in texts {
                let below = style.bg.and_then(colour::rgb).unwrap_or(ground);
                let above = style.fg.and_then(colour::rgb).unwrap();
                let contrast = colour::contrast(above, below);
                assert!(contrast >= least, "{name} {depth:?} {role}: {contrast:.1}");
            }
            for (rank, colour) in theme.ranks.iter().enumerate() {
                let contrast = colour::contrast(colour::rgb(*colour).unwrap(), ground);
                assert!(
                    contrast >= least,
                    "{name} {depth:?} rank {rank}: {contrast:.1}"
                );
            }
        }
    }
}

#[test]
fn the_ranks_of_a_theme_are_told_apart() {
    for (name, _) in EMBEDDED.iter().filter(|(name, _)| *name != "monochrome") {
        for (depth, least) in [(Depth::True, 10), (Depth::Ansi256, 8), (Depth::Ansi16, 6)] {
            let theme = Theme::embedded(name, depth, &Glyphs::UNICODE).unwrap();
            let mut colours: Vec<String> = theme.ranks.iter().map(ToString::to_string).collect();
            colours.sort();
            colours.dedup();
            assert!(
                colours.len() >= least,
                "{name} {depth:?}: {}",
                colours.len()
            );
        }
    }
}

#[test]
fn at_sixteen_colours_good_bad_and_focus_stay_three() {
    for (name, _) in EMBEDDED.iter().filter(|(name, _)| *name != "monochrome") {
        let theme = Theme::embedded(name, Depth::Ansi16, &Glyphs::UNICODE).unwrap();
        let seen = [theme.ok, theme.warning, theme.error].map(|style| style.fg);
        assert!(
            seen[0] != seen[1] && seen[1] != seen[2] && seen[0] != seen[2],
            "{name}"
        );
        assert_ne!(theme.border.fg, theme.border_focused.fg, "{name}");
        assert_ne!(theme.text.fg, theme.dim.fg, "{name}");
    }
}

#[test]
fn without_colours_every_theme_is_the_one_without() {
    let bare = Theme::embedded("monochrome", Depth::True, &Glyphs::UNICODE).unwrap();
    assert_eq!(bare, Theme::bare("monochrome", &Glyphs::UNICODE));
    for (name, _) in EMBEDDED {
        let theme = Theme::embedded(name, Depth::None, &Glyphs::UNICODE).unwrap();
        assert_eq!(
            theme,
            Theme {
                name: name.to_owned(),
                ..bare.clone()
            }
        );
    }
}

#[test]
fn everything_wrong_in_a_theme_is_said_with_its_place_and_the_rest_counts() {
    let text = r##"Theme(
    version: 1,
    palette: { "ink": "#101010", "red": "#ff0000", "bad": "#12345" },
    background: (bg: "ink"),
    texd: "white",
    dim: "inc",
    accent: (fg: 300, blink: true),
    ok: ("#00ff00", "gren"),
    ok: "green",
    error: (fg: "bright-red", bold: 1),
    ranks: ["208", 3, "default"],
)"##;
    assert_eq!(
        messages(text),
        [
            "3:34: palette.red: `red` is a colour already",
            "3:59: palette.bad: `#12345` is not of the form #rrggbb",
            "5:5: texd: unknown field `texd`: did you mean `text`?",
            "6:10: dim: unknown colour `inc`",
            "7:18: accent.fg: an index lies between 0 and 255",
            "7:23: accent.blink: unknown field `blink`",
            "8:21: ok: unknown colour of the sixteen `gren`: did you mean `green`?",
            "9:5: `ok` is written twice",
            "10:37: error.bold: expected `true` or `false`, found a whole number",
        ]
    );
    let theme = ThemeFile::parse(text)
        .0
        .theme(Depth::True, &Glyphs::UNICODE);
    assert_eq!(theme.background.bg, Some(Color::Rgb(16, 16, 16)));
    assert_eq!(
        theme.ranks,
        [Color::Indexed(208), Color::Indexed(3), Color::Reset]
    );
    assert_eq!(theme.running.fg, Some(Color::Rgb(0, 255, 0)));
    assert_eq!(
        messages("Theme(name: \"x\")"),
        ["1:1: version: missing: write `version: 1`"]
    );
    assert_eq!(
        messages(""),
        ["1:1: expected a value, found the end of the file"]
    );
    assert_eq!(
        messages("Config(version: 1)"),
        ["1:1: expected `Theme(…)`, found `Config(…)`"]
    );
}

#[test]
fn a_role_that_is_not_written_comes_from_another() {
    let text = r##"Theme(version: 1, text: "white", dim: "8", accent: "#ff00ff")"##;
    let theme = ThemeFile::parse(text)
        .0
        .theme(Depth::True, &Glyphs::UNICODE);
    assert_eq!(theme.border, theme.dim);
    assert_eq!(theme.key, theme.accent);
    assert_eq!(theme.unknown, theme.accent);
    assert_eq!(theme.selection, Style::new().reversed());
}

#[test]
fn the_environment_says_how_many_colours_there_are() {
    let depth = |pairs: &[(&str, &str)]| Depth::of_environment(environment(pairs));
    assert_eq!(depth(&[("TERM", "xterm-256color")]), Depth::Ansi256);
    assert_eq!(
        depth(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]),
        Depth::True
    );
    assert_eq!(depth(&[("TERM", "xterm-kitty")]), Depth::True);
    assert_eq!(depth(&[("TERM", "xterm-direct")]), Depth::True);
    assert_eq!(depth(&[("TERM", "xterm")]), Depth::Ansi16);
    let screen = [("TERM", "screen-256color"), ("COLORTERM", "truecolor")];
    assert_eq!(depth(&screen), Depth::Ansi256);
    assert_eq!(
        depth(&[screen[0], screen[1], ("TMUX", "/tmp/tmux-1/default,1,0")]),
        Depth::True
    );
    assert_eq!(depth(&[("TERM", "linux")]), Depth::Ansi16);
    assert_eq!(depth(&[("TERM", "vt100")]), Depth::None);
    assert_eq!(
        depth(&[("TERM", "dumb"), ("COLORTERM", "truecolor")]),
        Depth::None
    );
    assert_eq!(
        depth(&[("TERM", "xterm-256color"), ("NO_COLOR", "1")]),
        Depth::None
    );
    assert_eq!(
        depth(&[("TERM", "xterm-256color"), ("NO_COLOR", "")]),
        Depth::Ansi256
    );
    assert_eq!(depth(&[]), Depth::None);
}

#[test]
fn signs_are_ascii_where_the_locale_is_not_utf8() {
    let ascii = |pairs: &[(&str, &str)]| *Glyphs::for_locale(environment(pairs)) == Glyphs::ASCII;
    assert!(!ascii(&[("LANG", "en_US.UTF-8")]));
    assert!(!ascii(&[("LANG", "C"), ("LC_ALL", "C.utf8")]));
    assert!(ascii(&[("LANG", "en_US.UTF-8"), ("LC_ALL", "C")]));
    assert!(!ascii(&[("LANG", "en_US.UTF-8"), ("LC_ALL", "")]));
    assert!(ascii(&[("LANG", "en_US.UTF-8"), ("TERM", "linux")]));
    assert!(ascii(&[]));
}

#[test]
fn fewer_colours_keep_the_hue() {
    let nearest = |text| colour::at_depth(colour::hex(text).unwrap(), Depth::Ansi16);
    assert_eq!(nearest("#8fcb6b"), Color::LightGreen);
    assert_eq!(nearest("#f0707c"), Color::LightRed);
    assert_eq!(nearest("#fab387"), Color::LightYellow);
    assert_eq!(nearest("#3f7d20"), Color::Green);
    assert_eq!(nearest("#0f131a"), Color::Black);
    assert_eq!(nearest("#fafaf7"), Color::White);
    assert_eq!(nearest("#6c788a"), Color::DarkGray);
    let nearest = |text| colour::at_depth(colour::hex(text).unwrap(), Depth::Ansi256);
    assert_eq!(nearest("#ff0000"), Color::Indexed(196));
    assert_eq!(nearest("#808080"), Color::Indexed(244));
}

#[test]
fn a_users_theme_is_found_by_its_name_and_takes_the_place_of_an_embedded_one() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("nord.ron", "Theme(version: 1, text: \"red\")");
    write(
        "my-own.ron",
        "Theme(version: 1, name: \"mine\", text: \"blue\")",
    );
    write("broken.ron", "Theme(version: 1, text: nothing)");
    write("notes.txt", "");
    let load = |name| Theme::load(name, Some(folder.path()), Depth::True, &Glyphs::UNICODE);
    assert_eq!(load("Nord").unwrap().text.fg, Some(Color::Red));
    assert_eq!(load("my own").unwrap().text.fg, Some(Color::Blue));
    assert_eq!(load("dragon-dark").unwrap(), Theme::default());
    let problems = load("broken").unwrap_err();
    assert!(problems[0].to_string().ends_with(
        "broken.ron:1:25: text: expected a colour: \"#rrggbb\", a name or an index, found the name `nothing`"
    ));
    let problems = load("nrd").unwrap_err();
    assert_eq!(problems[0].message, "no theme `nrd`: did you mean `nord`?");
    assert_eq!(Theme::names(Some(folder.path())).len(), EMBEDDED.len() + 2);
}

#[test]
fn every_state_of_a_process_has_a_sign_and_those_that_matter_their_own() {
    let theme = Theme::default();
    let ended = |well| theme.process(ProcessState::Ended, well).0;
    let signs = [
        theme.process(ProcessState::Idle, None).0,
        theme.process(ProcessState::Starting, None).0,
        theme.process(ProcessState::Ready, None).0,
        theme.process(ProcessState::Stopping, None).0,
        theme.process(ProcessState::Lost, None).0,
        ended(Some(true)),
        ended(Some(false)),
        ended(None),
    ];
    let mut unique = signs.to_vec();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), signs.len());
}
