use crossterm::event::{Event as Input, KeyEvent};
use ratatui::{Terminal, backend::TestBackend, layout::Rect};

use super::{edit::Kind, *};
use crate::{
    model::{
        document::Session,
        session::written,
        template::{Target, Value},
    },
    tui::{
        config::Config,
        keymap::Key,
        message::{Effect, Msg},
        state::{self, Draft, Tab},
        theme::{Glyphs, Theme},
        update::update as turn,
        view as screen,
    },
};

fn session(text: &str) -> Session {
    Session::load("s.ron".as_ref(), text).unwrap().session
}

fn demo() -> Session {
    session(
        r#"Session(version: 1,
            queues: { "numbers": Queue(maxsize: 100) },
            timeline: [(at: "1s", do: Mute("demo/generator.0")), (at: "2s", do: Stop("demo"))],
            groups: {
                "demo": ProcessGroup(templates: {
                    "generator": ProcessTemplate(target: Python("m:f"), args: [[Queue("numbers")]]),
                    "consumer": ProcessTemplate(target: Program("use"), replicas: 3,
                        after: [Started("generator")]),
                }),
                "later": ProcessGroup(after: [Succeeded("demo")], templates: {
                    "writer": ProcessTemplate(target: Program("write")),
                }),
            })"#,
    )
}

fn node(group: &str, template: &str) -> Node {
    Node::Template(group.parse().unwrap(), template.parse().unwrap())
}

/// The screens over a session, for tests.
struct Screens {
    state: state::State,
    effects: Vec<Effect>,
}

impl Screens {
    fn of(session: Session) -> Self {
        let draft = Draft {
            saved: session.clone(),
            session,
            ..Draft::empty()
        };
        let mut state = state::State::new(draft, Config::default(), &Glyphs::UNICODE);
        state.tab = Tab::Compose;
        let mut screens = Screens {
            state,
            effects: Vec::new(),
        };
        screens.resize(120, 40);
        screens
    }

    fn resize(&mut self, width: u16, height: u16) {
        self.tell(Input::Resize(width, height));
    }

    fn tell(&mut self, input: Input) {
        let effects = turn(&mut self.state, Msg::Input(input), Instant::now());
        self.effects.extend(effects);
    }

    /// Presses keys: names of keys divided by blanks, or 'text'.
    fn press(&mut self, keys: &str) {
        for word in keys.split(' ') {
            let key: Key = word.parse().unwrap();
            self.tell(Input::Key(KeyEvent::new(key.code(), key.held())));
        }
    }

    fn write(&mut self, text: &str) {
        for c in text.chars() {
            let code = crossterm::event::KeyCode::Char(c);
            self.tell(Input::Key(code.into()));
        }
    }

    fn template(&self) -> &crate::model::template::ProcessTemplate {
        let Node::Template(group, template) = &self.state.compose.at else {
            panic!("{:?}", self.state.compose.at);
        };
        self.state.draft.session.template(group, template).unwrap()
    }

    fn screen(&self) -> String {
        let area = self.state.area;
        let mut terminal = Terminal::new(TestBackend::new(area.width, area.height)).unwrap();
        let theme = Theme::bare("bare", &Glyphs::UNICODE);
        terminal
            .draw(|frame| screen::draw(&self.state, &theme, frame))
            .unwrap();
        let buffer = terminal.backend().buffer();
        let lines = (0..area.height).map(|y| {
            let cells = (0..area.width).map(|x| buffer[(x, y)].symbol());
            cells.collect::<String>().trim_end().to_owned()
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

#[test]
fn a_session_is_composed_from_nothing_by_keys_only() {
    let mut screens = Screens::of(Session::default());
    assert!(screens.screen().contains("compose a group"));
    screens.press("n");
    screens.write("sleep");
    screens.press("enter down enter");
    screens.write("\"30\"");
    screens.press("enter down down + + up up up up");
    assert_eq!(screens.state.compose.at, node("group", "sleep"));
    screens.press("enter");
    for _ in 0.."sleep".len() {
        screens.press("backspace");
    }
    screens.write("sleeper");
    screens.press("enter");
    assert_eq!(screens.state.compose.at, node("group", "sleeper"));
    let template = screens.template();
    assert_eq!(template.target, Target::Program("sleep".to_owned()));
    assert_eq!(template.args, [Value::Text("30".to_owned())]);
    assert_eq!(template.replicas, 3);
    assert!(screens.state.draft.is_changed());
    let plans = screens.effects.iter();
    assert!(
        plans
            .filter(|effect| matches!(effect, Effect::Plan(_)))
            .count()
            == 1
    );
}

#[test]
fn a_function_of_python_is_understood_where_a_program_is_asked_for() {
    let mut screens = Screens::of(Session::default());
    screens.press("n");
    screens.write("lib.py:work");
    screens.press("enter");
    assert_eq!(screens.state.compose.at, node("group", "work"));
    assert_eq!(
        screens.template().target,
        Target::Python("lib.py:work".to_owned())
    );
}

#[test]
fn every_change_can_be_taken_back_and_made_again() {
    let mut screens = Screens::of(demo());
    let mut seen = vec![screens.state.draft.session.clone()];
    for keys in [
        "j j j d",
        "K",
        "delete",
        "Q esc esc",
        "home j N esc esc",
        "T esc esc",
    ] {
        screens.press(keys);
        seen.push(screens.state.draft.session.clone());
    }
    for before in seen.iter().rev().skip(1) {
        screens.press("u");
        assert!(written::alike(&screens.state.draft.session, before));
    }
    assert!(!screens.state.draft.is_changed());
    for after in seen.iter().skip(1) {
        screens.press("ctrl-r");
        assert!(written::alike(&screens.state.draft.session, after));
    }
}

#[test]
fn a_number_that_is_turned_up_is_taken_back_in_one_step() {
    let mut screens = Screens::of(demo());
    screens.press("j j j + + + +");
    assert_eq!(screens.template().replicas, 7);
    screens.press("u");
    assert_eq!(screens.template().replicas, 3);
}

#[test]
fn what_was_typed_stays_until_it_is_right_or_given_up() {
    let mut screens = Screens::of(demo());
    screens.press("j j j enter down down enter");
    screens.write("oops(");
    screens.press("enter");
    let editing = screens.state.compose.editing.as_ref().unwrap();
    assert!(editing.problem.is_some());
    assert!(screens.screen().contains('✗'), "{}", screens.screen());
    screens.press("esc");
    assert!(screens.template().args.is_empty());
}

#[test]
fn a_plan_is_asked_for_once_at_a_time_and_the_newest_change_is_not_forgotten() {
    let mut screens = Screens::of(demo());
    let asked = |screens: &mut Screens| {
        let plans = screens.effects.drain(..);
        plans
            .filter(|effect| matches!(effect, Effect::Plan(_)))
            .count()
    };
    assert_eq!(asked(&mut screens), 1);
    screens.press("j j + +");
    assert_eq!(asked(&mut screens), 0);
    let answer = Msg::Planned(Box::default());
    let effects = turn(&mut screens.state, answer, Instant::now());
    screens.effects.extend(effects);
    assert_eq!(asked(&mut screens), 1);
    let answer = Msg::Planned(Box::default());
    let effects = turn(&mut screens.state, answer, Instant::now());
    screens.effects.extend(effects);
    assert_eq!(asked(&mut screens), 0);
}

#[test]
fn references_follow_a_new_name() {
    let mut session = demo();
    let text = |session: &Session| crate::model::session::save(session, None);
    edit::rename(&mut session, &node("demo", "generator"), "source").unwrap();
    edit::rename(&mut session, &Node::Group("demo".parse().unwrap()), "first").unwrap();
    edit::rename(&mut session, &Node::Queue("numbers".parse().unwrap()), "q1").unwrap();
    let expected = text(&demo())
        .replace("generator", "source")
        .replace("\"demo", "\"first")
        .replace("numbers", "q1");
    assert_eq!(text(&session), expected);
    assert_eq!(
        session.validate(),
        session
            .validate()
            .iter()
            .filter(|p| !p.is_error())
            .cloned()
            .collect::<Vec<_>>()
    );
    assert!(edit::rename(&mut session, &node("first", "source"), "consumer").is_err());
    assert!(edit::rename(&mut session, &node("first", "source"), "a b").is_err());
}

#[test]
fn a_copy_has_a_name_of_its_own_and_stands_behind_the_original() {
    let mut session = demo();
    let at = edit::duplicate(&mut session, &node("demo", "generator")).unwrap();
    assert_eq!(at, node("demo", "generator-2"));
    let at = edit::duplicate(&mut session, &at).unwrap();
    assert_eq!(at, node("demo", "generator-3"));
    let names: Vec<_> = session.groups["demo"]
        .templates
        .keys()
        .map(|name| name.as_str())
        .collect();
    assert_eq!(
        names,
        ["generator", "generator-2", "generator-3", "consumer"]
    );
    let host = edit::add(&mut session, &Node::Hosts, Kind::Host);
    let second = edit::duplicate(&mut session, &host).unwrap();
    assert_eq!(node::host_label(&session.hosts[1]), "node02");
    assert_eq!(second, Node::Host(1));
}

#[test]
fn what_is_deleted_leaves_its_neighbour_selected() {
    let mut session = demo();
    let at = edit::delete(&mut session, &node("demo", "generator")).unwrap();
    assert_eq!(at, node("demo", "consumer"));
    let at = edit::delete(&mut session, &at).unwrap();
    assert_eq!(at, Node::Group("demo".parse().unwrap()));
    assert_eq!(edit::delete(&mut session, &Node::Queues), None);
}

#[test]
fn a_template_moves_through_its_group_and_into_the_next() {
    let mut session = demo();
    let at = edit::shift(&mut session, &node("demo", "consumer"), false).unwrap();
    assert_eq!(at, node("later", "consumer"));
    let at = edit::shift(&mut session, &at, false).unwrap();
    let names: Vec<_> = session.groups["later"]
        .templates
        .keys()
        .map(|name| name.as_str())
        .collect();
    assert_eq!(names, ["writer", "consumer"]);
    assert_eq!(edit::shift(&mut session, &at, false), None);
    assert_eq!(edit::shift(&mut session, &Node::Session, true), None);
}

#[test]
fn a_plain_command_becomes_a_program_and_one_for_a_shell_stays_a_line() {
    let program = |line: &str| {
        let (name, template) = command::import(line).unwrap();
        let Target::Program(program) = template.target else {
            panic!("{line}");
        };
        let args: Vec<String> = template
            .args
            .iter()
            .map(|arg| match arg {
                Value::Text(text) => text.clone(),
                other => panic!("{other:?}"),
            })
            .collect();
        (name, program, args)
    };
    assert_eq!(
        program("$ python3 -u train.py --name 'two words' a\\ b \"c\\\"d\""),
        (
            "train".to_owned(),
            "python3".to_owned(),
            ["-u", "train.py", "--name", "two words", "a b", "c\"d"]
                .map(str::to_owned)
                .to_vec()
        )
    );
    assert_eq!(program("/usr/bin/my.tool").0, "my");
    assert_eq!(program("python -m pkg.mod").0, "mod");
    let (_, template) = command::import("A=1 B='x y' ./run.sh").unwrap();
    assert_eq!(template.env["B"], "x y");
    for line in [
        "a | b",
        "a > f",
        "a && b",
        "echo $HOME",
        "ls *.txt",
        "a; b",
        "echo `date`",
        "cat <f",
        "cd ~ ",
        "echo {a,b}",
        "it's",
        "A=1",
        "sleep 1 # why",
    ] {
        let (_, template) = command::import(line).unwrap();
        assert_eq!(
            template.target,
            Target::Shell(line.trim().to_owned()),
            "{line}"
        );
    }
    assert_eq!(command::import("  "), None);
    assert_eq!(command::import_all("a 1\nb \\\n 2\n\nc").len(), 3);
}

#[test]
fn words_that_were_joined_are_split_as_they_were() {
    for words in [vec!["a", "b c", "it's", ""], vec!["$HOME", "*", "\"", "\\"]] {
        let line = command::join(words.iter().copied());
        assert_eq!(command::split(&line).unwrap(), words, "{line}");
    }
}

#[test]
fn commands_that_are_pasted_become_templates() {
    let mut screens = Screens::of(demo());
    screens.press("j j");
    screens.tell(Input::Paste("stress -c 4\nls | wc".to_owned()));
    let names: Vec<_> = screens.state.draft.session.groups["demo"]
        .templates
        .keys()
        .map(|name| name.as_str())
        .collect();
    assert_eq!(names, ["generator", "stress", "ls", "consumer"]);
    screens.press("u");
    assert_eq!(screens.state.draft.session, demo());
}

#[test]
fn what_is_wrong_stands_below_its_field_and_marks_its_row_of_the_tree() {
    let mut broken = demo();
    broken.groups["demo"].templates["consumer"].after[0] =
        crate::model::template::After::Started("nobody".to_owned());
    let mut screens = Screens::of(broken);
    screens.press("j j j");
    let screen = screens.screen();
    let row = screen.lines().find(|line| line.contains("×3")).unwrap();
    assert!(row.contains('✗'), "{screen}");
    let lines: Vec<&str> = screen.lines().collect();
    let after = lines
        .iter()
        .position(|line| line.contains("Started("))
        .unwrap();
    assert!(lines[after + 1].contains("nobody"), "{screen}");
}

#[test]
fn it_is_drawn_at_every_size() {
    let mut screens = Screens::of(demo());
    for focus in [Focus::Tree, Focus::Form, Focus::Plan] {
        screens.state.compose.focus = focus;
        for at in [node("demo", "consumer"), Node::Session, Node::Queues] {
            screens.state.compose.at = at;
            for width in (1..40).chain([60, 80, 109, 110, 160]) {
                for height in [1, 2, 3, 5, 8, 12, 24] {
                    screens.resize(width, height);
                    screens.screen();
                }
            }
        }
    }
    assert_eq!(screens.state.area, Rect::new(0, 0, 160, 24));
}

#[test]
fn a_queue_is_chosen_from_a_list_while_arguments_are_typed() {
    let mut screens = Screens::of(demo());
    screens.press("j j j enter down down enter");
    screens.write("5");
    screens.press("tab");
    assert!(
        screens.screen().contains("which queue?"),
        "{}",
        screens.screen()
    );
    screens.press("enter enter");
    assert_eq!(
        screens.template().args,
        [Value::Int(5), Value::Queue("numbers".parse().unwrap())]
    );
}

#[test]
fn something_new_is_chosen_from_a_list_that_begins_with_what_the_cursor_stands_on() {
    let mut screens = Screens::of(demo());
    screens.press("j j n");
    assert!(screens.screen().contains("a template from a shell command"));
    screens.press("enter");
    screens.write("true");
    screens.press("enter");
    assert_eq!(screens.state.compose.at, node("demo", "true"));
    screens.press("esc n");
    screens.write("que");
    screens.press("enter enter");
    assert_eq!(
        screens.state.compose.at,
        Node::Queue("queue".parse().unwrap())
    );
}

#[test]
fn a_file_and_one_of_its_functions_become_a_target() {
    let mut screens = Screens::of(demo());
    screens.state.folder = "/some/where".into();
    screens.press("j j enter down enter ctrl-u tab");
    let answer = |screens: &mut Screens, names: &[&str]| {
        let asked = screens
            .effects
            .iter()
            .rev()
            .find_map(|effect| match effect {
                Effect::List { ticket, path, .. } => Some((*ticket, path.clone())),
                _ => None,
            });
        let (ticket, path) = asked.unwrap();
        let entries = names.iter().map(|name| pick::Entry {
            name: (*name).to_owned(),
            is_folder: false,
        });
        let msg = Msg::Listed {
            ticket,
            entries: Ok(entries.collect()),
        };
        let effects = turn(&mut screens.state, msg, Instant::now());
        screens.effects.extend(effects);
        path
    };
    let folder = answer(&mut screens, &["gen.py", "other"]);
    assert_eq!(folder, std::path::Path::new("/some/where"));
    screens.write("gen");
    screens.press("enter");
    answer(&mut screens, &["produce", "main"]);
    screens.write("prod");
    screens.press("enter enter");
    assert_eq!(
        screens.template().target,
        Target::Python("gen.py:produce".to_owned())
    );
}

#[test]
fn unsaved_changes_are_kept_after_some_seconds_and_forgotten_when_saved() {
    let mut screens = Screens::of(demo());
    screens.state.draft.path = Some("/there/s.ron".into());
    screens.press("j j j +");
    let due = screens.state.due().unwrap();
    let effects = turn(&mut screens.state, Msg::Due, due);
    let text = screens.state.draft.written();
    let swap = std::path::PathBuf::from("/there/.s.ron.swp");
    assert_eq!(
        effects,
        [Effect::Keep {
            path: swap.clone(),
            text: Some(text.clone())
        }]
    );
    assert_eq!(screens.state.due(), None);
    screens.effects.clear();
    screens.press("ctrl-s");
    assert!(screens.effects.contains(&Effect::Keep {
        path: swap,
        text: None
    }));
    let mut again = Screens::of(demo());
    files::take_text(&mut again.state, text);
    assert!(again.state.draft.is_changed());
    again.press("u");
    assert!(!again.state.draft.is_changed());
}

#[test]
fn a_text_that_is_no_session_changes_nothing_and_is_edited_again() {
    let mut screens = Screens::of(demo());
    files::take_text(&mut screens.state, "Session(".to_owned());
    assert!(written::alike(&screens.state.draft.session, &demo()));
    screens.press("esc E");
    let edit = screens
        .effects
        .iter()
        .rev()
        .find_map(|effect| match effect {
            Effect::Edit(text) => Some(text.as_str()),
            _ => None,
        });
    assert_eq!(edit, Some("Session("));
}

#[test]
fn an_empty_session_offers_the_example_and_those_that_are_shipped() {
    let mut screens = Screens::of(Session::default());
    screens.state.compose.shipped = Some("/data".into());
    screens.press("e");
    assert!(screens.effects.iter().any(|effect| matches!(
        effect,
        Effect::Unpack {
            name: "generator_consumer",
            start: true,
            ..
        }
    )));
    screens.press("o");
    assert!(screens.screen().contains("primes"), "{}", screens.screen());
    screens.write("primes");
    screens.press("enter");
    assert!(screens.effects.iter().any(|effect| matches!(
        effect,
        Effect::Unpack {
            name: "primes",
            start: false,
            ..
        }
    )));
}

#[test]
fn the_mouse_selects_parts_and_fields() {
    use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
    let mut screens = Screens::of(demo());
    let screen = screens.screen();
    let click = |screens: &mut Screens, text: &str| {
        let (row, line) = screen
            .lines()
            .enumerate()
            .find(|(_, line)| line.contains(text))
            .unwrap();
        let column = line[..line.find(text).unwrap()].chars().count();
        screens.tell(Input::Mouse(MouseEvent {
            kind: MouseEventKind::Down(MouseButton::Left),
            column: column as u16,
            row: row as u16,
            modifiers: KeyModifiers::NONE,
        }));
    };
    click(&mut screens, "consumer");
    assert_eq!(screens.state.compose.at, node("demo", "consumer"));
    click(&mut screens, "python");
    assert_eq!(screens.state.compose.focus, Focus::Form);
    assert_eq!(screens.state.compose.field, 1);
}

#[test]
fn a_whole_command_line_may_be_typed_as_a_target_and_names_what_has_no_name_yet() {
    let mut screens = Screens::of(Session::default());
    screens.press("n");
    screens.write("SEED=7 python3 train.py --steps 5");
    screens.press("enter");
    assert_eq!(screens.state.compose.at, node("group", "train"));
    let template = screens.template();
    assert_eq!(template.target, Target::Program("python3".to_owned()));
    assert_eq!(
        (template.args.len(), template.env["SEED"].as_str()),
        (3, "7")
    );
    screens.press("enter");
    screens.write("3");
    screens.press("enter");
    assert_eq!(
        screens.state.compose.at,
        node("group", "train"),
        "it has a name now"
    );
    assert_eq!(
        screens.template().target,
        Target::Program("python33".to_owned())
    );
    screens.press("u u");
    assert_eq!(screens.template().target, Target::Program(String::new()));
    screens.press("enter");
    screens.write("ls | wc");
    screens.press("enter");
    assert_eq!(
        screens.template().target,
        Target::Shell("ls | wc".to_owned())
    );
}

/// A plan that has something of everything.
fn plan() -> crate::engine::door::preview::Plan {
    use crate::engine::door::preview::{PlannedHost, PlannedRanks};
    let ranks = |template: &str, ranks: &[(u32, u32)], gpu: Option<u32>| PlannedRanks {
        group: "demo".parse().unwrap(),
        template: template.parse().unwrap(),
        ranks: ranks.to_vec(),
        cpus: Default::default(),
        gpus: gpu.map(|gpu| [gpu].into_iter().collect()),
    };
    let host = |name: &str, gpus, rows: Vec<PlannedRanks>| PlannedHost {
        name: crate::model::ids::HostName::new(name),
        cpus: 8,
        gpus,
        reachable: gpus == 0,
        ranks: rows.len() as u64,
        rows,
        free_gpus: 0,
    };
    let path = node("demo", "consumer").path().name("policy");
    let text = "demo/consumer.2 cannot be placed: asked for 1 GPU; node02 has 0 of 2 GPUs free";
    crate::engine::door::preview::Plan {
        hosts: vec![
            host("node01", 0, vec![ranks("generator", &[(0, 0)], None)]),
            host(
                "node02",
                2,
                vec![
                    ranks("consumer", &[(0, 0)], Some(0)),
                    ranks("consumer", &[(1, 1)], Some(1)),
                ],
            ),
        ],
        refusals: vec![Problem::error(path, text)],
        ..Default::default()
    }
}

#[test]
fn the_screen_looks_as_it_did() {
    let mut session = demo();
    session.groups["demo"].templates["consumer"].policy.gpus = Some(1);
    session.groups["demo"].templates["consumer"].env = [("A".to_owned(), "b c".to_owned())].into();
    let mut screens = Screens::of(session);
    turn(
        &mut screens.state,
        Msg::Planned(Box::new(plan())),
        Instant::now(),
    );
    screens.press("j j j");
    insta::assert_snapshot!("wide", screens.screen());
    screens.resize(80, 24);
    screens.press("enter j j j j j");
    insta::assert_snapshot!("small_form", screens.screen());
    screens.press("tab");
    insta::assert_snapshot!("small_plan", screens.screen());
    screens.resize(40, 10);
    insta::assert_snapshot!("tiny", screens.screen());
    let first = Screens::of(Session::default());
    insta::assert_snapshot!("first_minute", first.screen());
}
