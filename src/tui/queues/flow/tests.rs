use super::*;
use crate::engine::door::{QueueSample, QueueUser};

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
        let labels: Vec<&str> = parties.iter().map(|party| party.label.as_str()).collect();
        labels.join("+")
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
    let rows = rows(&pipeline(10, 10), "×");
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
    assert_eq!(rows(&fork, "×").len(), 3);
    let circle = history(&[
        ("a", 1, vec![user("g/x", 1, 5, 0), user("g/y", 1, 0, 5)]),
        ("b", 1, vec![user("g/y", 1, 5, 0), user("g/x", 1, 0, 5)]),
    ]);
    let rows = rows(&circle, "×");
    assert_eq!(drawn(&rows), ["x.0 > a > y.0 | y.0 > b > x.0"]);
}

#[test]
fn who_drains_the_last_full_queue_is_the_slowest() {
    let labels = |history: &History| slowest(&rows(history, "×")[0]).map(|slowest| slowest.labels);
    assert_eq!(labels(&pipeline(100, 10)), Some(vec!["work ×3".to_owned()]));
    assert_eq!(labels(&pipeline(100, 95)), Some(vec!["write.0".to_owned()]));
    assert_eq!(labels(&pipeline(10, 10)), None);
}

#[test]
fn where_nothing_is_full_who_feeds_the_first_empty_queue_is_the_slowest() {
    let found = slowest(&rows(&pipeline(0, 0), "×")[0]).unwrap();
    assert_eq!(
        (found.labels, found.is_waited_for),
        (vec!["load.0".to_owned()], false)
    );
}

#[test]
fn a_queue_of_which_no_user_is_known_is_shown_all_the_same() {
    let rows = rows(&history(&[("old", 100, Vec::new())]), "×");
    assert_eq!(drawn(&rows), [" > old > "]);
    assert_eq!(slowest(&rows[0]), None);
}

#[test]
fn a_row_too_wide_for_the_screen_is_one_line_for_each_queue() {
    use crate::tui::theme::{Glyphs, Theme};
    let theme = Theme::bare("", Glyphs::set(false));
    let history = pipeline(100, 10);
    assert_eq!(view::height(&history, 118, &theme), 1);
    assert_eq!(view::height(&history, 60, &theme), 2);
    for width in 0..120 {
        let area = ratatui::layout::Rect::new(0, 0, width, 4);
        let mut buffer = ratatui::buffer::Buffer::empty(area);
        view::draw(&history, &theme, area, &mut buffer);
    }
}
