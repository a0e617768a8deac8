use super::*;
use crate::{
    engine::door::{QueueSample, QueueUser, Waiter},
    tui::theme::Theme,
};

fn user(kind: &str, tasks: u64, put: u64, got: u64) -> QueueUser {
    QueueUser {
        kind: kind.to_owned(),
        task: if tasks == 1 {
            format!("{kind}.0")
        } else {
            String::new()
        },
        tasks,
        put,
        got,
    }
}

/// A queue after ten seconds of these users at a steady pace.
fn sample(name: &str, depth: u64, second: u64, users: &[QueueUser]) -> QueueSample {
    let users: Vec<QueueUser> = users
        .iter()
        .map(|user| QueueUser {
            put: user.put * second,
            got: user.got * second,
            ..user.clone()
        })
        .collect();
    QueueSample {
        name: name.to_owned(),
        depth,
        bytes: 0,
        maxsize: Some(100),
        put: users.iter().map(|user| user.put).sum(),
        got: users.iter().map(|user| user.got).sum(),
        put_bytes: 0,
        got_bytes: 0,
        getters: u64::from(depth == 0),
        putters: u64::from(depth == 100),
        oldest_ms: 0,
        waiting: Vec::new(),
        users,
    }
}

fn history(queues: &[(&str, u64, Vec<QueueUser>)]) -> History {
    let mut history = History::default();
    for second in 1..=12 {
        let queues = queues.iter();
        let samples = queues.map(|(name, depth, users)| sample(name, *depth, second, users));
        history.take(samples.collect(), second as f64);
    }
    history
}

fn drawn(rows: &[Row]) -> Vec<String> {
    let parties = |parties: &[Party]| {
        let labels = parties.iter().map(|party| party.label(&Glyphs::UNICODE));
        labels.collect::<Vec<_>>().join("+")
    };
    let stage = |stage: &Stage| {
        let (from, to) = (parties(&stage.from), parties(&stage.to));
        format!("{from} > {} > {to}", stage.queue)
    };
    let row = |row: &Row| row.iter().map(stage).collect::<Vec<_>>().join(" | ");
    rows.iter().map(row).collect()
}

fn pipeline(first: u64, second: u64) -> History {
    history(&[
        (
            "b-results",
            second,
            vec![user("g/work", 3, 9, 0), user("g/write", 1, 0, 9)],
        ),
        (
            "numbers",
            first,
            vec![user("g/load", 1, 120, 0), user("g/work", 3, 0, 118)],
        ),
    ])
}

#[test]
fn queues_follow_each_other_as_items_do_whatever_they_are_called() {
    let rows = rows(&pipeline(10, 10));
    assert_eq!(
        drawn(&rows),
        ["load.0 > numbers > work ×3 | work ×3 > b-results > write.0"]
    );
    let rate = rows[0][0].to[0].rate;
    assert!((rate - 118.0).abs() < 1.0, "{rate}");
}

#[test]
fn a_fork_is_several_rows_and_a_circle_is_drawn_once() {
    let fork = history(&[
        ("a", 1, vec![user("g/x", 1, 5, 0), user("g/y", 1, 0, 5)]),
        ("b", 1, vec![user("g/y", 1, 5, 0), user("g/z", 1, 0, 5)]),
        ("c", 1, vec![user("g/y", 1, 5, 0), user("g/z", 1, 0, 5)]),
    ]);
    assert_eq!(rows(&fork).len(), 3);
    let circle = history(&[
        ("a", 1, vec![user("g/x", 1, 5, 0), user("g/y", 1, 0, 5)]),
        ("b", 1, vec![user("g/y", 1, 5, 0), user("g/x", 1, 0, 5)]),
    ]);
    let rows = rows(&circle);
    assert_eq!(drawn(&rows), ["x.0 > a > y.0 | y.0 > b > x.0"]);
}

/// What holds the first row up, in words.
fn found(history: &History) -> Option<String> {
    let rows = rows(history);
    let verdict = verdict(&rows[0])?;
    Some(match verdict {
        Verdict::Slowest {
            parties,
            is_waited_for,
        } => {
            let labels = parties.iter().map(|party| party.label(&Glyphs::UNICODE));
            let who = if is_waited_for { "takes" } else { "gives" };
            format!("{} {who}", labels.collect::<Vec<_>>().join("+"))
        }
        Verdict::NobodyGets(queue) => format!("nobody gets from {queue}"),
        Verdict::NobodyPuts(queue) => format!("nobody puts into {queue}"),
    })
}

/// The users are gone: they have no connection any more, and move nothing.
fn gone(mut history: History) -> History {
    let samples = history.queues.values().map(|queue| {
        let mut sample = queue.sample.clone();
        for user in &mut sample.users {
            (user.tasks, user.task) = (0, String::new());
        }
        sample
    });
    let samples: Vec<QueueSample> = samples.collect();
    for second in 20..24 {
        history.take(samples.clone(), f64::from(second));
    }
    history
}

#[test]
fn who_drains_the_last_full_queue_is_the_slowest() {
    let named = |history: History| found(&history);
    assert_eq!(named(pipeline(100, 10)).as_deref(), Some("work ×3 takes"));
    assert_eq!(named(pipeline(100, 95)).as_deref(), Some("write.0 takes"));
    assert_eq!(named(pipeline(10, 10)), None);
}

#[test]
fn where_nothing_is_full_who_feeds_the_first_empty_queue_is_the_slowest() {
    assert_eq!(found(&pipeline(0, 0)).as_deref(), Some("load.0 gives"));
}

#[test]
fn a_full_queue_that_nobody_gets_from_is_the_worst_of_all() {
    let put = vec![user("g/put", 1, 5, 0)];
    let never = history(&[("full", 100, put)]);
    assert_eq!(found(&never).as_deref(), Some("nobody gets from full"));
    let unknown = history(&[("old", 100, Vec::new())]);
    assert_eq!(drawn(&rows(&unknown)), [" > old > "]);
    assert_eq!(found(&unknown).as_deref(), Some("nobody gets from old"));
    let ended = gone(pipeline(100, 100));
    assert_eq!(found(&ended).as_deref(), Some("nobody gets from b-results"));
}

#[test]
fn who_is_gone_is_not_blamed_for_an_empty_queue() {
    let ended = gone(pipeline(0, 0));
    assert_eq!(found(&ended).as_deref(), Some("nobody puts into numbers"));
    assert_eq!(
        drawn(&rows(&ended)),
        ["load > numbers > work | work > b-results > write"]
    );
}

#[test]
fn who_waits_for_its_first_item_is_part_of_the_flow() {
    let mut history = history(&[("q", 0, vec![user("g/put", 1, 5, 0)])]);
    let mut sample = history.queues["q"].sample.clone();
    sample.getters = 2;
    sample.waiting = ["g/c.0", "g/c.1"]
        .map(|task| Waiter {
            side: Side::Get,
            client: 1,
            task: task.to_owned(),
            pid: 1,
            waiting_ms: 5,
        })
        .to_vec();
    history.take(vec![sample], 13.0);
    assert_eq!(drawn(&rows(&history)), ["put.0 > q > c ×2"]);
    // Whoever came back by another connection waits, and is there.
    let mut back = gone(history);
    let mut sample = back.queues["q"].sample.clone();
    sample.putters = 1;
    sample.waiting = vec![Waiter {
        side: Side::Put,
        client: 2,
        task: "g/put.4".to_owned(),
        pid: 1,
        waiting_ms: 5,
    }];
    back.take(vec![sample], 30.0);
    assert_eq!(drawn(&rows(&back)), ["put.4 > q > "]);
}

#[test]
fn a_row_too_wide_for_the_screen_is_one_line_for_each_queue() {
    let theme = Theme::bare("", Glyphs::set(false));
    let rows = rows(&pipeline(100, 10));
    assert_eq!(view::height(&rows, 130, &theme), 1);
    assert_eq!(view::height(&rows, 92, &theme), 2, "the mark stands below");
    assert_eq!(view::height(&rows, 60, &theme), 3);
    for width in 0..120 {
        let area = ratatui::layout::Rect::new(0, 0, width, 4);
        let mut buffer = ratatui::buffer::Buffer::empty(area);
        view::draw(&rows, 1, &theme, area, &mut buffer);
    }
}

#[test]
fn a_thousand_queues_are_put_in_rows_at_once() {
    let names: Vec<String> = (0..1_000).map(|number| format!("q{number:04}")).collect();
    let queues: Vec<(&str, u64, Vec<QueueUser>)> = names
        .iter()
        .enumerate()
        .map(|(number, name)| {
            let from = user(&format!("g/t{number}"), 1, 1, 0);
            let to = user(&format!("g/t{}", number + 1), 1, 0, 1);
            (name.as_str(), 1, vec![from, to])
        })
        .collect();
    let rows = rows(&history(&queues));
    assert_eq!((rows.len(), rows[0].len()), (1, 1_000));
}
