//! The hosts screen, by keys and by its looks.

use std::time::{Duration, Instant};

use crossterm::event::{Event as Input, KeyEvent};
use ratatui::{Terminal, backend::TestBackend};

use super::*;
use crate::{
    engine::door::{
        preview::{Plan, PlannedHost, PlannedRanks},
        wire::FromEngine,
    },
    model::{
        document::Session,
        event::{GpuSample, HostSample, ProcessSample, Samples},
        ids::HostName,
    },
    tui::{
        config::Config,
        keymap::{Action, Context, Key, Keymap},
        message::Msg,
        state::{Draft, State, Tab},
        theme::{Glyphs, Theme},
        update::{settle, update as turn},
        view as screen,
    },
};

const SESSION: &str = r#"Session(version: 1, name: "train",
    hosts: [Declared(name: "node01", cpus: 8), Declared(name: "node02", cpus: 64, gpus: 2), Declared(name: "node03", cpus: 8),
        Declared(name: "node04", cpus: 8)],
    groups: {"demo": ProcessGroup(templates: {
        "generator": ProcessTemplate(target: Program("g")),
        "consumer": ProcessTemplate(target: Program("c"), replicas: 9),
        "writer": ProcessTemplate(target: Program("w"))})})"#;

fn draft() -> Draft {
    Draft {
        session: Session::parse(SESSION).session,
        ..Draft::empty()
    }
}

/// The screens over a run, with a clock of their own.
struct Screens {
    state: State,
    begin: Instant,
    second: f64,
}

impl Screens {
    fn new() -> Self {
        let mut screens = Self {
            state: State::new(draft(), Config::default(), &Glyphs::UNICODE),
            begin: Instant::now(),
            second: 0.0,
        };
        screens.resize(120, 40);
        screens
    }

    /// Three hosts of four answered: the generator and some consumers on the first, most on the second, one on the
    /// third, which is lost.
    fn running() -> Self {
        let mut screens = Self::new();
        screens.press("s");
        screens.tell(FromEngine::Welcome {
            run: "1".to_owned(),
            folder: "/nowhere".into(),
            queue_socket: "/nowhere/q".into(),
        });
        screens.event(r#"{"at":0.0,"event":"run_started","protocol":1,"run":"1","session":"train","pid":1,"host":"here","queue_socket":""}"#);
        for (name, cpus, gpus) in [
            ("node01", 8, "[]"),
            ("node02", 64, r#"["H100","H100"]"#),
            ("node03", 8, "[]"),
        ] {
            screens.event(&format!(
                r#"{{"at":0.1,"event":"host_ready","host":"{name}","hostname":"{name}.site","cpus":{cpus},"memory":68719476736,"gpus":{gpus}}}"#
            ));
        }
        for (process, host, gpus) in [
            ("generator.0", "node01", "null"),
            ("consumer.0", "node01", "null"),
            ("consumer.1", "node02", "[0]"),
            ("consumer.2", "node02", "[0]"),
            ("consumer.3", "node02", "[1]"),
            ("consumer.4", "node02", "[1]"),
            ("consumer.6", "node02", "[1]"),
            ("consumer.5", "node03", "null"),
            ("writer.0", "node02", "null"),
        ] {
            screens.start(&format!("demo/{process}"), host, gpus);
        }
        screens.event(r#"{"at":2.0,"event":"process_ended","process":"demo/writer.0","incarnation":0,"status":{"code":0},"failure":false,"usage":{"cpu_seconds":0.1,"peak_memory":1},"restart_in":null}"#);
        screens.event(r#"{"at":2.0,"event":"process_changed","process":"demo/writer.0","incarnation":0,"state":"ended"}"#);
        screens.event(
            r#"{"at":3.0,"event":"host_lost","host":"node03","reason":"no heartbeat for 30 s"}"#,
        );
        screens.event(r#"{"at":3.0,"event":"process_changed","process":"demo/consumer.5","incarnation":0,"state":"lost"}"#);
        for second in 3..60 {
            screens.second = f64::from(second);
            screens.tell(FromEngine::Samples(samples(second)));
        }
        // What was said of the lost host is read by now.
        screens.second = 120.0;
        screens.press("4");
        screens
    }

    fn start(&mut self, process: &str, host: &str, gpus: &str) {
        let number = process.rsplit('.').next().unwrap_or("0");
        self.event(&format!(
            r#"{{"at":0.2,"event":"process_started","process":"{process}","incarnation":0,"pid":40{number},"host":"{host}","cpus":[],"gpus":{gpus},"channel":"pty"}}"#
        ));
        self.event(&format!(
            r#"{{"at":0.2,"event":"process_changed","process":"{process}","incarnation":0,"state":"ready"}}"#
        ));
    }

    fn take(&mut self, msg: Msg) {
        let now = self.begin + Duration::from_secs_f64(self.second);
        turn(&mut self.state, msg, now);
        settle(&mut self.state);
    }

    fn tell(&mut self, message: FromEngine) {
        self.take(Msg::Engine(Box::new(message)));
    }

    fn event(&mut self, json: &str) {
        let message = FromEngine::Event(serde_json::from_str(json).unwrap());
        self.tell(message);
    }

    fn resize(&mut self, width: u16, height: u16) {
        self.take(Msg::Input(Input::Resize(width, height)));
    }

    fn press(&mut self, keys: &str) {
        for word in keys.split(' ') {
            let key: Key = word.parse().unwrap();
            let event = KeyEvent::new(key.code(), key.held());
            self.take(Msg::Input(Input::Key(event)));
        }
    }

    fn screen(&self) -> String {
        let (width, height) = (self.state.area.width, self.state.area.height);
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let theme = Theme::bare("", &Glyphs::UNICODE);
        terminal
            .draw(|frame| screen::draw(&self.state, &theme, frame))
            .unwrap();
        terminal.backend().to_string()
    }

    fn selected(&self) -> String {
        let (_, host) = self.state.hosts.current().unwrap();
        host.name.clone()
    }

    /// What is selected on the run screen, if that is shown.
    fn shown_in_run(&self) -> Option<String> {
        let selected = self.state.run.as_ref()?.selected()?;
        (self.state.tab == Tab::Run).then(|| selected.to_string())
    }
}

fn samples(second: i32) -> Samples {
    let gpu = |index: u32, percent, pid| GpuSample {
        index,
        name: "NVIDIA H100 80GB HBM3".to_owned(),
        utilisation: Some(percent),
        memory: Some((31 << 30, 80 << 30)),
        temperature: Some(71),
        power: Some(350.4),
        processes: vec![(pid, Some(30 << 30)), (99_999, None)],
    };
    let host = |name: &str, cpu: f32, load, gpus| HostSample {
        host: HostName::new(name),
        cpu,
        memory: (12 << 30, 64 << 30),
        load,
        gpus,
    };
    let wave = ((second % 16) - 8).abs() as f32;
    let process = |rank: u32| ProcessSample {
        process: format!("demo/consumer.{rank}").parse().unwrap(),
        cpu: 0.97,
        memory: 1 << 30,
        processes: 1,
        shown: 0,
        discarded: 0,
    };
    let unknown = GpuSample {
        index: 1,
        name: "NVIDIA H100 80GB HBM3".to_owned(),
        ..GpuSample::default()
    };
    Samples {
        hosts: vec![
            host("node01", wave, Some(3.2), Vec::new()),
            host("node02", 62.0, Some(61.5), vec![gpu(0, 98, 401), unknown]),
        ],
        processes: (1..5).map(process).collect(),
    }
}

#[test]
fn ranks_stand_with_their_group_as_ranges_on_the_host_where_they_are() {
    let mut screens = Screens::running();
    let rows = |screens: &Screens| -> Vec<String> {
        let (_, host) = screens.state.hosts.current().unwrap();
        let row = |row: &board::Ranks| format!("{}/{} {}", row.group, row.template, row.numbers());
        host.ranks.iter().map(row).collect()
    };
    assert_eq!(rows(&screens), ["demo/generator 0", "demo/consumer 0"]);
    screens.press("down");
    assert_eq!(rows(&screens), ["demo/consumer 1-4, 6", "demo/writer 0"]);
    // It is there at once when a rank comes.
    screens.start("demo/consumer.7", "node02", "null");
    assert_eq!(rows(&screens)[0], "demo/consumer 1-4, 6-7");
}

#[test]
fn who_is_where_is_counted_when_it_changed_and_not_for_every_frame() {
    let mut screens = Screens::running();
    let run = screens.state.run.as_ref().unwrap();
    assert!(screens.state.hosts.board.is_of(run));
    let mark = |screens: &mut Screens| screens.state.hosts.board.hosts.clear();
    mark(&mut screens);
    screens.press("down");
    assert_eq!(screens.state.hosts.board.hosts, [], "nothing has changed");
    screens.start("demo/consumer.8", "node01", "null");
    assert_eq!(screens.state.hosts.board.hosts.len(), 4);
}

#[test]
fn enter_leads_to_the_ranks_of_a_host() {
    let mut screens = Screens::running();
    screens.press("enter");
    assert_eq!(screens.shown_in_run().as_deref(), Some("demo/generator"));
    screens.press("4 down enter");
    assert_eq!(screens.shown_in_run().as_deref(), Some("demo/consumer.1"));
    screens.press("4 tab down enter");
    assert_eq!(screens.shown_in_run().as_deref(), Some("demo/writer"));
    screens.press("4 left end enter");
    assert_eq!(screens.shown_in_run(), None, "nothing was started there");
    assert!(screens.screen().contains("no rank was started on node04"));
}

#[test]
fn it_is_said_why_a_host_is_used_or_not() {
    let mut screens = Screens::running();
    for (keys, text) in [
        ("home w", "it is used: 2 ranks live there"),
        ("end w", "only described in the session (Declared)"),
        ("up w", "it is lost: no heartbeat for 30 s"),
    ] {
        screens.press(keys);
        assert!(
            screens.screen().contains(text),
            "{text}\n{}",
            screens.screen()
        );
        screens.press("esc");
    }
}

#[test]
fn a_host_is_selected_by_its_name_and_shown_by_a_part_of_it() {
    let mut screens = Screens::running();
    screens.press("down down");
    assert_eq!(screens.selected(), "node03");
    screens.press("/ 0 2 enter");
    assert_eq!(screens.selected(), "node02");
    assert_eq!(screens.state.hosts.shown().len(), 1);
    screens.press("esc");
    assert_eq!(screens.selected(), "node03");
}

#[test]
fn a_thousand_hosts_scroll_and_say_how_many_there_are() {
    let mut screens = Screens::running();
    for number in 100..1_097 {
        screens.event(&format!(
            r#"{{"at":70.0,"event":"host_ready","host":"node{number}","hostname":"node{number}","cpus":8,"memory":1,"gpus":[]}}"#
        ));
    }
    screens.press("end");
    // Those that answered, then the one that is only described.
    assert!(
        screens.screen().contains("1001 of 1001"),
        "{}",
        screens.screen()
    );
    screens.press("pageup");
    assert!(screens.screen().contains(" of 1001"));
    assert_ne!(screens.selected(), "node04");
}

#[test]
fn a_new_host_is_composed() {
    let mut screens = Screens::running();
    screens.press("n");
    assert_eq!(screens.state.tab, Tab::Compose);
    assert_eq!(screens.state.draft.session.hosts.len(), 5);
}

#[test]
fn before_a_start_the_hosts_of_the_plan_are_shown() {
    let mut screens = Screens::new();
    screens.press("4");
    assert!(
        screens.state.compose.planning.asked,
        "the plan is asked for"
    );
    let planned = PlannedHost {
        name: HostName::new("node02"),
        cpus: 64,
        gpus: 2,
        reachable: true,
        ranks: 3,
        rows: [0, 1]
            .map(|rank| PlannedRanks {
                group: "demo".parse().unwrap(),
                template: "consumer".parse().unwrap(),
                ranks: vec![(rank, rank)],
                cpus: Default::default(),
                gpus: None,
            })
            .to_vec(),
        free_gpus: 2,
    };
    let plan = Plan {
        hosts: vec![planned],
        ..Plan::default()
    };
    screens.take(Msg::Planned(Box::new(plan)));
    let seen = screens.screen();
    assert!(seen.contains("3 would go there"), "{seen}");
    assert!(seen.contains("demo/consumer  0-1"), "{seen}");
    screens.press("w");
    assert!(screens.screen().contains("3 ranks would go there"));
}

#[test]
fn every_key_of_the_hosts_does_something() {
    let keymap = Keymap::default();
    let own = keymap.help(Context::Hosts).into_iter();
    let own = own.filter(|row| !row.global);
    let elsewhere = [
        Action::Earlier,
        Action::Later,
        Action::Earliest,
        Action::Latest,
        Action::Start,
    ];
    for row in own.filter(|row| !elsewhere.contains(&row.action)) {
        let mut screens = Screens::running();
        if row.action == Action::Back {
            screens.press("tab");
        }
        assert!(
            update::act(&mut screens.state, row.action),
            "{:?} {}",
            row.keys,
            row.words
        );
    }
    for hint in keymap.hints(Context::Hosts) {
        let mut screens = Screens::running();
        let before = screens.screen();
        screens.press(&hint.keys[0].to_string());
        assert_ne!(screens.screen(), before, "{}", hint.words);
    }
}

#[test]
fn the_screen_looks_as_it_did() {
    let mut screens = Screens::running();
    screens.press("down");
    insta::assert_snapshot!("wide", screens.screen());
    screens.resize(160, 50);
    insta::assert_snapshot!("wider", screens.screen());
    screens.press("up");
    screens.resize(80, 24);
    insta::assert_snapshot!("small", screens.screen());
    screens.resize(40, 10);
    insta::assert_snapshot!("tiny", screens.screen());
}
