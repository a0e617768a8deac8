//! The steps of a timeline.

use crate::support::program::{Home, group_of, shell};

fn with_timeline(steps: &str, templates: &str) -> String {
    group_of(templates).replacen(
        "version: 1,",
        &format!("version: 1, timeline: [{steps}],"),
        1,
    )
}

/// Says a number every few milliseconds until a file called STOP is there.
const TALKER: &str = "i=0; while ! [ -e STOP ]; do echo $i; i=$((i+1)); sleep 0.02; done";

#[test]
fn what_a_rank_says_between_mute_and_unmute_is_thrown_away_and_counted() {
    let home = Home::new();
    let session = with_timeline(
        r#"(at: "300ms", do: Mute("g/t")), (at: "900ms", do: Unmute("g/t.0")), (at: "1.2s", do: Stop("g"))"#,
        &shell("t", TALKER, ""),
    );
    let done = home.replay(&session, &[]);
    let numbers: Vec<u32> = done
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("t.0 | ")?.parse().ok())
        .collect();
    let gaps = numbers
        .windows(2)
        .filter(|pair| pair[1] > pair[0] + 3)
        .count();
    assert_eq!(gaps, 1, "{numbers:?}");
    assert_eq!(numbers[0], 0);
    let discarded = home.summary()["bytes"]["discarded"].as_u64().unwrap();
    assert!(discarded > 20, "{discarded}");
    let events = home.events();
    let muted: Vec<bool> = events
        .iter()
        .filter_map(|it| it["muted"].as_bool())
        .collect();
    assert_eq!(muted, [true, false]);
    let steps = events
        .iter()
        .filter(|it| it["event"] == "step_done")
        .count();
    assert_eq!(steps, 3);
}

#[test]
fn a_rank_can_be_stopped_and_the_others_go_on() {
    let home = Home::new();
    let line = "echo here; while ! [ -e STOP ]; do sleep 0.02; done; echo went on";
    let session = with_timeline(
        r#"(at: "300ms", do: Stop("g/t.1")), (at: "600ms", do: Kill("g/killed"))"#,
        &(shell("t", line, "replicas: 2")
            + &shell(
                "killed",
                "trap '' INT TERM; while :; do sleep 0.02; done; ",
                "",
            )
            + &shell("end", "sleep 1; touch STOP", "")),
    );
    let done = home.replay(&session, &[]);
    assert!(done.stdout.contains("t.0 | went on"), "{done:?}");
    assert!(!done.stdout.contains("t.1 | went on"), "{done:?}");
    assert_eq!(home.summary()["ranks"]["killed"], 2, "{done:?}");
    assert_eq!(done.code, 0, "what the user stops is no failure: {done:?}");
}

#[test]
fn a_template_can_be_scaled_up_and_down() {
    let home = Home::new();
    let line = "echo of $DRAGON_TUI_NPROC; while ! [ -e STOP ]; do sleep 0.02; done; echo stayed";
    let session = with_timeline(
        r#"(at: "200ms", do: Scale("g/t", 4)), (at: "1s", do: Scale("g/t", 2))"#,
        &(shell("t", line, "") + &shell("end", "sleep 1.7; touch STOP", "")),
    );
    let done = home.replay(&session, &[]).ends_with(0);
    for rank in 0..4 {
        assert!(
            done.stdout.contains(&format!("t.{rank} | of")),
            "{rank}: {done:?}"
        );
        let stayed = done.stdout.contains(&format!("t.{rank} | stayed"));
        assert_eq!(stayed, rank < 2, "{rank}: {done:?}");
    }
    let scaled: Vec<u64> = home
        .events()
        .iter()
        .filter(|it| it["event"] == "scaled")
        .filter_map(|it| it["replicas"].as_u64())
        .collect();
    assert_eq!(scaled, [4, 2]);
}

#[test]
fn what_is_sent_is_typed_into_a_rank() {
    let session = with_timeline(
        r#"(at: "200ms", do: Send("g/t", "first\n")), (at: "300ms", do: Send("g/t.1", "second\n")),
           (at: "400ms", do: Send("g/pipe", "by a pipe\n"))"#,
        &(shell(
            "t",
            "stty -echo; head -$((DRAGON_TUI_RANK + 1))",
            "replicas: 2",
        ) + &shell("pipe", "head -1", "terminal: Pipe, stdin: Pane")),
    );
    Home::new().replay(&session, &[]).ends_with(0).prints(&[
        "t.0 | first",
        "t.1 | first",
        "t.1 | second",
        "pipe.0 | by a pipe",
    ]);
}

#[test]
fn a_group_that_the_timeline_starts_waits_for_its_step() {
    let home = Home::new();
    let session = r#"Session(version: 1, timeline: [(at: "400ms", do: Start("late"))], groups: {
        "early": ProcessGroup(templates: { "t": ProcessTemplate(target: Shell("echo early >> order")) }),
        "late": ProcessGroup(templates: { "t": ProcessTemplate(target: Shell("echo late >> order")) }),
    })"#;
    home.replay(session, &[]).ends_with(0);
    assert_eq!(home.read("order"), "early\nlate\n");
    let events = home.events();
    let started = |group: &str| {
        let of = |it: &&serde_json::Value| {
            it["event"] == "process_started" && it["process"] == format!("{group}/t.0")
        };
        events.iter().find(of).unwrap()["at"].as_f64().unwrap()
    };
    assert!(started("late") >= 0.4 && started("early") < started("late"));
}
