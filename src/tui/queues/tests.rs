//! The queues screen, by keys and by its looks.

use std::time::{Duration, Instant};

use crossterm::event::{Event as Input, KeyEvent};
use ratatui::{Terminal, backend::TestBackend};

use super::*;
use crate::{
    engine::door::{
        QueueSample, QueueUser, Side, Waiter,
        wire::{FromEngine, ToEngine},
    },
    model::document::Session,
    tui::{
        config::Config,
        keymap::{Action, Context, Key, Keymap},
        message::{Effect, Msg},
        state::{Draft, State},
        theme::{Glyphs, Theme},
        update::{refused, settle, update as turn},
        view as screen,
    },
};

/// A queue that nobody uses.
pub(super) fn sample(name: &str, depth: u64, maxsize: Option<u64>) -> QueueSample {
    QueueSample {
        name: name.to_owned(),
        depth,
        bytes: 8 * depth,
        maxsize,
        put: depth,
        got: 0,
        put_bytes: 8 * depth,
        got_bytes: 0,
        getters: 0,
        putters: 0,
        oldest_ms: 0,
        waiting: Vec::new(),
        users: Vec::new(),
    }
}

const SESSION: &str = r#"Session(version: 1, name: "flow", queues: {"numbers": Queue(maxsize: 100), "results": Queue()},
    groups: {"demo": ProcessGroup(templates: {
        "generator": ProcessTemplate(target: Program("g")),
        "worker": ProcessTemplate(target: Program("w"), replicas: 3),
        "writer": ProcessTemplate(target: Program("w"))})})"#;

fn user(task: &str, tasks: u64, put: u64, got: u64) -> QueueUser {
    let (kind, rank) = task.rsplit_once('.').unwrap_or((task, ""));
    QueueUser {
        kind: kind.to_owned(),
        task: if rank.is_empty() { "" } else { task }.to_owned(),
        tasks,
        put,
        got,
    }
}

fn waiter(side: Side, task: &str, waiting_ms: u64) -> Waiter {
    Waiter {
        side,
        client: 1,
        task: task.to_owned(),
        pid: 9,
        waiting_ms,
    }
}

/// The queues of [`SESSION`] at a second: 120 numbers come each second, and the first queue fills.
fn queues(second: u64) -> Vec<QueueSample> {
    let (put, got) = (120 * second, 118 * second);
    let depth = (put - got).min(100);
    let numbers = QueueSample {
        put,
        got: put - depth,
        bytes: 24 * depth,
        put_bytes: 24 * put,
        got_bytes: 24 * (put - depth),
        oldest_ms: 500,
        putters: u64::from(depth == 100) * 4,
        waiting: match depth {
            100 => (0..4)
                .map(|_| waiter(Side::Put, "demo/generator.0", 40))
                .collect(),
            _ => Vec::new(),
        },
        users: vec![
            user("demo/generator.0", 1, put, 0),
            user("demo/worker", 3, 0, put - depth),
        ],
        ..sample("numbers", depth, Some(100))
    };
    let results = QueueSample {
        put: 9 * second,
        got: 9 * second,
        put_bytes: 900 * second,
        got_bytes: 900 * second,
        getters: 1,
        waiting: vec![waiter(Side::Get, "demo/writer.0", 110)],
        users: vec![
            user("demo/worker", 3, 9 * second, 0),
            user("demo/writer.0", 1, 0, 9 * second),
        ],
        ..sample("results", 0, None)
    };
    vec![numbers, results]
}

/// The screens over a run, with a clock of their own.
struct Screens {
    state: State,
    begin: Instant,
    second: f64,
    sent: Vec<ToEngine>,
}

impl Screens {
    /// A run that goes on, without queues.
    fn new() -> Self {
        let draft = Draft {
            session: Session::parse(SESSION).session,
            ..Draft::empty()
        };
        let state = State::new(draft, Config::default(), &Glyphs::UNICODE);
        let mut screens = Self {
            state,
            begin: Instant::now(),
            second: 0.0,
            sent: Vec::new(),
        };
        screens.resize(120, 40);
        screens.press("s");
        screens.tell(FromEngine::Welcome {
            run: "1".to_owned(),
            folder: "/nowhere".into(),
            queue_socket: "/nowhere/q".into(),
        });
        let started = r#"{"at":0.0,"event":"run_started","protocol":1,"run":"1","session":"flow","pid":1,"host":"here","queue_socket":""}"#;
        screens.tell(FromEngine::Event(serde_json::from_str(started).unwrap()));
        screens.press("3");
        screens.sent.clear();
        screens
    }

    /// With [`queues`] as they are after so many seconds.
    fn after(seconds: u64) -> Self {
        let mut screens = Self::new();
        for second in 0..=seconds {
            screens.second = second as f64;
            screens.tell(FromEngine::Queues(queues(second)));
        }
        screens
    }

    fn take(&mut self, msg: Msg) {
        let now = self.begin + Duration::from_secs_f64(self.second);
        for effect in turn(&mut self.state, msg, now) {
            if let Effect::Send(message) = effect {
                self.sent.push(message);
            }
        }
        settle(&mut self.state);
    }

    fn tell(&mut self, message: FromEngine) {
        self.take(Msg::Engine(Box::new(message)));
    }

    fn resize(&mut self, width: u16, height: u16) {
        self.take(Msg::Input(Input::Resize(width, height)));
    }

    /// Presses keys: their names, divided by blanks.
    fn press(&mut self, keys: &str) {
        for word in keys.split(' ') {
            let key: Key = word.parse().unwrap();
            let event = KeyEvent::new(key.code(), key.held());
            self.take(Msg::Input(Input::Key(event)));
        }
    }

    fn look(&self) -> &Look {
        &self.state.run.as_ref().unwrap().look
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

    /// The items that were asked for arrive.
    fn answer(&mut self, items: &[&[u8]], of: usize) {
        let Some(ToEngine::Peek {
            queue, from, count, ..
        }) = self.sent.pop()
        else {
            panic!("nothing was asked for");
        };
        let items = (from..of.min(from + count)).map(|index| {
            let bytes = items[index % items.len()];
            PeekedItem {
                head: bytes.to_vec(),
                len: bytes.len() as u64,
                age_ms: 500,
                returned: 0,
            }
        });
        let items = items.collect();
        self.tell(FromEngine::Peeked { queue, from, items });
    }
}

#[test]
fn rates_fall_to_nothing_while_everything_else_speaks() {
    let mut screens = Screens::after(10);
    assert!(screens.screen().contains("120/s"), "{}", screens.screen());
    // Ranks go on to print, and samples of them come; the queues rest.
    for tenth in 0..40 {
        screens.second = 10.0 + f64::from(tenth) / 10.0;
        screens.tell(FromEngine::Samples(Default::default()));
    }
    let seen = screens.screen();
    assert!(!seen.contains("120/s") && seen.contains("0/s"), "{seen}");
}

#[test]
fn rates_are_nothing_when_the_run_is_over() {
    let mut screens = Screens::after(10);
    screens.tell(FromEngine::Gone("it was killed".to_owned()));
    assert!(!screens.screen().contains("120/s"), "{}", screens.screen());
}

#[test]
fn a_test_item_goes_into_the_queue_that_was_looked_at() {
    let mut screens = Screens::new();
    screens.tell(FromEngine::Queues(vec![sample("mmm", 0, None)]));
    screens.press("P x");
    assert!(screens.screen().contains("put into mmm"));
    let more = vec![sample("aaa", 0, None), sample("mmm", 0, None)];
    screens.tell(FromEngine::Queues(more));
    screens.press("enter");
    let put = ToEngine::Put {
        queue: "mmm".to_owned(),
        bytes: b"x".to_vec(),
    };
    assert_eq!(screens.sent, [put]);
    assert_eq!(screens.look().selected.as_deref(), Some("mmm"));
}

#[test]
fn who_was_selected_stays_so_until_it_is_gone_and_then_its_neighbour_is() {
    let mut screens = Screens::new();
    let named = |names: &[&str]| {
        let samples = names.iter().map(|name| sample(name, 0, None));
        FromEngine::Queues(samples.collect())
    };
    screens.tell(named(&["b", "c", "d"]));
    screens.press("down");
    screens.tell(named(&["a", "b", "c", "d"]));
    assert_eq!(screens.look().selected.as_deref(), Some("c"));
    screens.tell(named(&["a", "b", "d"]));
    assert_eq!(screens.look().selected.as_deref(), Some("d"));
    screens.tell(named(&["a", "b"]));
    assert_eq!(screens.look().selected.as_deref(), Some("b"));
}

#[test]
fn a_purge_asks_first_and_says_that_it_is_under_way() {
    let mut screens = Screens::after(3);
    screens.press("D");
    assert_eq!(screens.sent, []);
    screens.press("y");
    let queue = "numbers".to_owned();
    assert_eq!(screens.sent, [ToEngine::Purge { queue }]);
    assert!(
        screens.screen().contains("emptying numbers"),
        "{}",
        screens.screen()
    );
    screens.tell(FromEngine::Done {
        what: Deed::Purge,
        queue: "numbers".to_owned(),
        failed: false,
        text: "emptied".to_owned(),
    });
    assert!(!screens.screen().contains("emptying numbers"));
    assert!(screens.screen().contains("numbers: emptied"));
}

#[test]
fn what_the_engine_does_not_get_is_not_under_way() {
    let mut screens = Screens::after(3);
    screens.press("D y");
    let purge = screens.sent.pop().unwrap();
    let now = screens.begin;
    refused(
        &mut screens.state,
        &purge,
        "the run is over".to_owned(),
        now,
    );
    let seen = screens.screen();
    assert!(
        !seen.contains("emptying") && seen.contains("the run is over"),
        "{seen}"
    );
}

#[test]
fn items_are_looked_at_page_by_page_and_anew_after_they_changed() {
    let mut screens = Screens::new();
    screens.tell(FromEngine::Queues(vec![sample("jobs", 5_000, None)]));
    screens.press("enter");
    screens.answer(&[b"job"], 5_000);
    assert!(screens.screen().contains("of 5000, just now"));
    screens.second = 12.0;
    screens.press("right end");
    assert!(
        screens.screen().contains("│5000  …"),
        "{}",
        screens.screen()
    );
    screens.answer(&[b"job"], 5_000);
    let seen = screens.screen();
    assert!(
        seen.contains("│5000  text ") && seen.contains("-5000 of 5000"),
        "{seen}"
    );
    // From the end one step up is one line up.
    let at = screens.look().first;
    screens.press("up");
    assert_eq!(screens.look().first, at - 1);
    assert_eq!(screens.sent, [], "what is known is not asked for again");
    screens.second = 30.0;
    screens.take(Msg::Due);
    assert!(
        screens.screen().contains("18 s ago"),
        "{}",
        screens.screen()
    );
    screens.tell(FromEngine::Done {
        what: Deed::Purge,
        queue: "jobs".to_owned(),
        failed: false,
        text: "emptied".to_owned(),
    });
    screens.tell(FromEngine::Queues(vec![sample("jobs", 0, None)]));
    screens.answer(&[b"job"], 0);
    assert!(screens.screen().contains("it was empty"));
}

#[test]
fn an_answer_about_a_queue_that_was_left_is_not_shown() {
    let mut screens = Screens::after(3);
    screens.press("enter down");
    screens.answer(&[b"job"], 7);
    assert_eq!(screens.look().peeked, None);
    // Where items are looked at, those of the next queue are.
    screens.press("enter");
    screens.answer(&[b"job"], 0);
    screens.press("up");
    let queue = "numbers".to_owned();
    assert!(
        matches!(&screens.sent[..], [ToEngine::Peek { queue: of, .. }] if *of == queue),
        "{:?}",
        screens.sent
    );
}

#[test]
fn it_is_said_who_waits_and_why() {
    let mut screens = Screens::after(60);
    screens.press("w");
    let seen = screens.screen();
    for text in [
        "it is full: it may hold 100 items",
        "4 wait to put, until somebody gets an item:",
        "demo/generator.0 by 4 connections, for 40 ms",
        "worker ×3 takes no more: what comes before waits for that",
    ] {
        assert!(seen.contains(text), "{text:?} in\n{seen}");
    }
    screens.press("esc down w");
    let seen = screens.screen();
    assert!(
        seen.contains("1 waits to get, until somebody puts an item:"),
        "{seen}"
    );
}

#[test]
fn only_queues_of_a_name_are_shown_until_that_is_taken_back() {
    let mut screens = Screens::after(3);
    screens.press("/ r e s enter");
    let rows = |screens: &Screens| {
        let run = screens.state.run.as_ref().unwrap();
        let shown = run.look.shown(&run.queues);
        shown
            .iter()
            .map(|queue| queue.sample.name.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(rows(&screens), ["results"]);
    assert_eq!(screens.look().selected.as_deref(), Some("results"));
    screens.press("esc");
    assert_eq!(rows(&screens), ["numbers", "results"]);
}

#[test]
fn every_key_of_the_queues_does_something() {
    let keymap = Keymap::default();
    let own = keymap.help(Context::Queues).into_iter();
    let own = own.filter(|row| !row.global);
    // Those of the past are of the time bar; the start is everywhere's.
    let elsewhere = [
        Action::Earlier,
        Action::Later,
        Action::Earliest,
        Action::Latest,
        Action::Start,
    ];
    for row in own.filter(|row| !elsewhere.contains(&row.action)) {
        let mut screens = Screens::after(60);
        if row.action == Action::Back {
            screens.press("f");
        }
        assert!(
            update::act(&mut screens.state, row.action),
            "{:?} {}",
            row.keys,
            row.words
        );
    }
    for hint in keymap.hints(Context::Queues) {
        let mut screens = Screens::after(60);
        let before = screens.screen();
        screens.press(&hint.keys[0].to_string());
        let changed = screens.screen() != before || !screens.sent.is_empty();
        assert!(changed, "{}", hint.words);
    }
}

#[test]
fn a_click_selects_a_queue() {
    let mut screens = Screens::after(3);
    let row = screens
        .screen()
        .lines()
        .position(|line| line.contains("│results"));
    let click = crossterm::event::MouseEvent {
        kind: crossterm::event::MouseEventKind::Down(crossterm::event::MouseButton::Left),
        column: 4,
        row: row.unwrap() as u16,
        modifiers: crossterm::event::KeyModifiers::NONE,
    };
    screens.take(Msg::Input(Input::Mouse(click)));
    assert_eq!(screens.look().selected.as_deref(), Some("results"));
}

const ITEMS: &[&[u8]] = &[
    b"{\"job\": 17, \"of\": \"night\"}",
    b"a line of text",
    b"\x80\x05\x95\x19\0\0\0\0\0\0\0}\x94(\x8c\x01a\x94K\x01\x8c\x01b\x94]\x94(K\x02K\x03eu.",
    b"\x80\x02cos\nsystem\nX\x02\0\0\0ls\x85R.",
    b"\xff\xfe\x00\x01",
];

#[test]
fn the_screen_looks_as_it_did() {
    let mut screens = Screens::after(60);
    screens.press("enter");
    screens.answer(ITEMS, 100);
    insta::assert_snapshot!("wide", screens.screen());
    screens.resize(160, 50);
    insta::assert_snapshot!("wider", screens.screen());
    screens.resize(80, 24);
    insta::assert_snapshot!("small", screens.screen());
    screens.resize(40, 10);
    insta::assert_snapshot!("tiny", screens.screen());
    screens.resize(120, 40);
    screens.press("f");
    insta::assert_snapshot!("flow", screens.screen());
}
