use std::sync::Arc;

use super::*;
use crate::model::{document::Session, ids::Incarnation};

fn id(text: &str) -> ProcessId {
    text.parse().unwrap()
}

/// All output of ranks 0 and 1, whose logs were empty.
fn merged() -> Merged {
    let mut merged = Merged::new("g".parse().unwrap(), 1);
    for name in ["g/a.0", "g/a.1"] {
        merged.sources.insert(id(name), Source::new());
        merged.followed.push(id(name));
    }
    merged.to_read(false, &[]);
    read(&mut merged, &[("g/a.0", 0, ""), ("g/a.1", 0, "")]);
    merged
}

fn read(merged: &mut Merged, logs: &[(&str, u64, &str)]) {
    let logs: Vec<LogRead> = logs
        .iter()
        .map(|(name, at, text)| LogRead {
            process: id(name),
            path: "/nowhere".into(),
            at: *at,
            bytes: text.as_bytes().to_vec(),
        })
        .collect();
    merged.read(&logs, true, Instant::now());
}

struct From {
    offset: u64,
    stream: u8,
    gap: u64,
}

const START: From = From {
    offset: 0,
    stream: 0,
    gap: 0,
};

fn push(merged: &mut Merged, name: &str, from: From, bytes: &[u8]) {
    let chunk = Chunk {
        process: Arc::new(id(name)),
        incarnation: Incarnation(0),
        stream: from.stream,
        offset: from.offset,
        gap: from.gap,
        bytes: bytes.to_vec(),
    };
    merged.live(chunk, Instant::now());
}

/// Bytes that go on where the log of the process ends.
fn write(merged: &mut Merged, name: &str, bytes: &[u8]) {
    let offset = merged.sources[&id(name)].position;
    push(merged, name, From { offset, ..START }, bytes);
}

fn texts(merged: &Merged) -> Vec<String> {
    let lines = merged.shown();
    lines
        .map(|(_, line)| match &line.process {
            Some(process) => format!("{} {}", process.rank, line.text),
            None => format!("-- {}", line.text),
        })
        .collect()
}

fn visible(merged: &Merged, height: usize) -> Vec<String> {
    let lines = merged.visible(height).into_iter();
    lines.map(|(_, line)| line.text.clone()).collect()
}

#[test]
fn lines_are_whole_whoever_writes_in_between() {
    let mut merged = merged();
    write(&mut merged, "g/a.0", b"hel");
    write(&mut merged, "g/a.1", b"other\r\n");
    write(&mut merged, "g/a.0", b"lo\r\nrest");
    assert_eq!(texts(&merged), ["1 other", "0 hello"]);
}

#[test]
fn two_streams_of_a_rank_do_not_write_into_each_others_lines() {
    let mut merged = merged();
    write(&mut merged, "g/a.0", b"AAAA");
    let error = From {
        offset: 4,
        stream: 1,
        gap: 0,
    };
    push(&mut merged, "g/a.0", error, b"bbbb\n");
    write(&mut merged, "g/a.0", b"AAAA\n");
    assert_eq!(texts(&merged), ["0 bbbb", "0 AAAAAAAA"]);
}

#[test]
fn what_stands_before_and_after_skipped_bytes_is_not_one_line() {
    let mut merged = merged();
    write(&mut merged, "g/a.0", b"begin \x1b[3");
    let after = From {
        offset: 1_009,
        stream: 0,
        gap: 1_000,
    };
    push(&mut merged, "g/a.0", after, b"1 end\n");
    assert_eq!(texts(&merged), ["0 begin ", "0 1 end"]);
    assert_eq!(merged.skipped, 1_000);
}

#[test]
fn the_last_line_of_a_rank_ends_without_a_newline_although_its_end_was_told_first() {
    let mut merged = merged();
    let now = Instant::now();
    write(&mut merged, "g/a.0", b"no new");
    merged.ended(&id("g/a.0"), now);
    write(&mut merged, "g/a.0", b"line at the end");
    let due = merged.due().unwrap();
    assert!(due > now);
    merged.settle(now);
    assert_eq!(texts(&merged), [""; 0], "it may go on");
    merged.settle(Instant::now() + 2 * LATE);
    assert_eq!(texts(&merged), ["0 no newline at the end"]);
    assert_eq!(merged.due(), None);
}

#[test]
fn it_begins_with_the_ends_of_the_logs_and_goes_on_with_what_comes_once_each() {
    let mut merged = Merged::new("g".parse().unwrap(), 1);
    for name in ["g/a.0", "g/a.1"] {
        merged.sources.insert(id(name), Source::new());
        merged.followed.push(id(name));
    }
    let wanted = merged.to_read(false, &[]);
    assert_eq!(wanted, [(id("g/a.0"), 0), (id("g/a.1"), 0)]);
    // While the logs are read.
    push(&mut merged, "g/a.1", From { offset: 2, ..START }, b"B\nC\n");
    assert!(merged.is_loading());
    read(
        &mut merged,
        &[("g/a.0", 0, "one\ntwo\n"), ("g/a.1", 0, "A\nB\n")],
    );
    let before = "-- printed before, rank after rank";
    let now = "-- from here on as it comes";
    let shown = [before, "0 one", "0 two", "1 A", "1 B", now, "1 C"];
    assert_eq!(texts(&merged), shown);
}

#[test]
fn the_end_of_a_long_log_begins_with_a_whole_line() {
    let mut merged = Merged::new("g/a.0".parse().unwrap(), 1);
    merged.sources.insert(id("g/a.0"), Source::new());
    merged.to_read(false, &[]);
    read(&mut merged, &[("g/a.0", 7_000, "f a line\nwhole\n")]);
    assert!(texts(&merged).contains(&"0 whole".to_owned()));
    assert!(!texts(&merged).contains(&"0 f a line".to_owned()));
}

#[test]
fn shown_again_it_has_its_lines_and_reads_on_where_it_was_left() {
    let mut merged = merged();
    write(&mut merged, "g/a.0", b"one\ntw");
    merged.wake();
    let wanted = merged.to_read(true, &[id("g/a.0")]);
    assert_eq!(wanted, [(id("g/a.0"), 6)]);
    read(&mut merged, &[("g/a.0", 6, "o\nthree\n")]);
    let lines = texts(&merged);
    assert_eq!(lines[0], "0 one");
    assert_eq!(lines[2..4], ["0 two", "0 three"], "{lines:?}");
}

#[test]
fn bytes_that_the_log_had_no_room_for_are_shown_all_the_same() {
    let mut merged = merged();
    write(&mut merged, "g/a.0", b"1\n");
    for text in ["2\n", "3\n"] {
        push(
            &mut merged,
            "g/a.0",
            From { offset: 2, ..START },
            text.as_bytes(),
        );
    }
    assert_eq!(texts(&merged), ["0 1", "0 2", "0 3"]);
}

#[test]
fn colours_and_progress_bars_leave_what_is_read_in_the_end_and_tabs_stay_apart() {
    let mut merged = merged();
    write(&mut merged, "g/a.0", b"10%\r50%\r\x1b[32m100%\x1b[0m\n");
    write(&mut merged, "g/a.0", b"name\tvalue\n");
    assert_eq!(texts(&merged), ["0 100%", "0 name    value"]);
}

#[test]
fn a_filter_hides_lines_and_forgets_none_and_stays_where_one_looked() {
    let mut merged = merged();
    write(
        &mut merged,
        "g/a.0",
        b"loss 1\nnoise\nloss 2\nnoise\nloss 3\n",
    );
    merged.step(-2, 10);
    merged.set_filter(Some(regex::Regex::new("loss").unwrap()));
    assert_eq!(texts(&merged), ["0 loss 1", "0 loss 2", "0 loss 3"]);
    assert_eq!(merged.line(merged.cursor.unwrap()).unwrap().text, "loss 2");
    write(&mut merged, "g/a.0", b"noise\nloss 4\n");
    assert_eq!(texts(&merged).len(), 4);
    merged.set_filter(None);
    assert_eq!(texts(&merged).len(), 7);
    assert_eq!(merged.line(merged.cursor.unwrap()).unwrap().text, "loss 2");
}

#[test]
fn memory_is_bounded_and_what_went_is_counted() {
    let mut merged = merged();
    for _ in 0..LINES_MAX + 5 {
        write(&mut merged, "g/a.0", b"x\n");
    }
    assert_eq!(merged.counts(), (LINES_MAX, 5));
}

#[test]
fn who_looks_at_old_lines_keeps_seeing_them_until_they_are_gone_and_then_the_oldest() {
    let mut merged = merged();
    write(&mut merged, "g/a.0", b"1\n2\n3\n4\n5\n");
    merged.step(-1, 2);
    merged.step(-2, 2);
    assert_eq!(visible(&merged, 2), ["3", "4"]);
    write(&mut merged, "g/a.0", b"6\n");
    assert_eq!(visible(&merged, 2), ["3", "4"]);
    assert_eq!(merged.newer(), 2);
    for _ in 0..LINES_MAX {
        write(&mut merged, "g/a.0", b"flood\n");
    }
    assert!(merged.is_lost);
    assert_eq!(visible(&merged, 3), ["flood"; 3]);
}

#[test]
fn below_the_newest_line_it_follows_again() {
    let mut merged = merged();
    write(&mut merged, "g/a.0", b"1\n2\n3\n");
    merged.oldest(2);
    assert_eq!(visible(&merged, 2), ["1", "2"]);
    merged.step(2, 2);
    assert_eq!(visible(&merged, 2), ["2", "3"]);
    assert!(!merged.is_following());
    merged.step(1, 2);
    assert!(merged.is_following());
    merged.wheel(-1, 2);
    assert_eq!(visible(&merged, 2), ["1", "2"]);
    merged.wheel(3, 2);
    merged.wheel(3, 2);
    assert!(merged.is_following());
}

#[test]
fn hits_are_gone_through_in_both_directions_from_the_newest_on() {
    let mut merged = merged();
    write(&mut merged, "g/a.0", b"hit a\nno\nhit b\nno\nhit c\n");
    let pattern = regex::Regex::new("hit").unwrap();
    let marked = |merged: &Merged| merged.line(merged.cursor.unwrap()).unwrap().text.clone();
    assert!(merged.search(&pattern, false));
    assert_eq!(marked(&merged), "hit c");
    assert!(merged.search(&pattern, true) && merged.search(&pattern, true));
    assert_eq!(marked(&merged), "hit a");
    assert!(!merged.search(&pattern, true));
    assert!(merged.search(&pattern, false));
    assert_eq!(marked(&merged), "hit b");
    assert!(merged.find(&id("g/a.0"), 0));
    assert_eq!(marked(&merged), "hit a");
    assert!(!merged.find(&id("g/a.1"), 0));
}

#[test]
fn lines_are_selected_from_the_marked_one_on() {
    let mut merged = merged();
    write(&mut merged, "g/a.0", b"1\n2\n3\n4\n");
    merged.step(-2, 10);
    merged.select();
    merged.step(-1, 10);
    let copied = |merged: &Merged| {
        let lines = merged.to_copy(10);
        lines
            .iter()
            .map(|line| line.text.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(copied(&merged), ["2", "3"]);
    assert!(merged.unselect());
    assert_eq!(copied(&merged), ["1", "2", "3", "4"], "what is seen");
}

#[test]
fn living_ranks_are_followed_first_and_those_that_ended_before_are_read_from_their_logs() {
    let text = r#"Session(version: 1, groups: {"g": ProcessGroup(templates: {
        "a": ProcessTemplate(target: Program("a"), replicas: 3000)})})"#;
    let mut facts = Facts::of(&Session::parse(text).session);
    let mut tell = |json: String| {
        facts.apply(&serde_json::from_str(&json).unwrap());
    };
    for rank in 0..3000 {
        let state = if rank < 2990 { "ended" } else { "running" };
        tell(format!(
            r#"{{"at":1,"event":"process_started","process":"g/a.{rank}","incarnation":0,"pid":7,"host":"localhost","cpus":[],"gpus":null,"channel":"pipe"}}"#
        ));
        tell(format!(
            r#"{{"at":1,"event":"process_changed","process":"g/a.{rank}","incarnation":0,"state":"{state}"}}"#
        ));
    }
    let mut merged = Merged::new("g".parse().unwrap(), 1);
    assert_eq!(merged.follow(&facts).len(), 10);
    assert_eq!(merged.left_out, 0);
    assert!(merged.followed.contains(&id("g/a.2999")));
    assert_eq!(merged.to_read(false, &[]).len(), 3000);
    // Who ends while it is followed has last words.
    facts.apply(&serde_json::from_str(r#"{"at":2,"event":"process_changed","process":"g/a.2999","incarnation":0,"state":"ended"}"#).unwrap());
    assert_eq!(merged.follow(&facts).len(), 10);
}

#[test]
fn what_several_ranks_say_is_shown_once_with_their_numbers_or_line_by_line() {
    let mut merged = merged();
    for line in ["step 1\n", "step 2\n"] {
        write(&mut merged, "g/a.0", line.as_bytes());
        write(&mut merged, "g/a.1", line.as_bytes());
    }
    write(&mut merged, "g/a.1", b"step 2\n");
    assert_eq!(texts(&merged).len(), 5, "there are few");
    merged.turn_alike();
    assert_eq!(texts(&merged), ["0 step 1", "0 step 2", "1 step 2"]);
    assert_eq!(merged.shown().next().unwrap().1.also, [1]);
    merged.turn_alike();
    assert_eq!(texts(&merged).len(), 5);
}
