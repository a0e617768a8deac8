//! What the engine watches of a process while it lives: readiness, silence, samples.

use super::*;

fn count(events: &[Stamped], is: impl Fn(&Event) -> bool) -> usize {
    events.iter().filter(|stamped| is(&stamped.event)).count()
}

#[test]
fn that_readiness_cannot_be_asked_for_is_told_with_the_name_of_the_rank() {
    let mut world = World::started(
        r#""g": ProcessGroup(templates: {
            "s": ProcessTemplate(target: Program("sleep"), args: [600], ready: Exec(["no-program-{rank}"])),
        })"#,
    );
    let is_told = |event: &Event| match event {
        Event::Notice {
            process: Some(process),
            text,
            ..
        } => *process == id("g/s.0") && text.contains("no-program-0"),
        _ => false,
    };
    world.event("the notice", |event| is_told(event).then_some(()));
    world.wish(Command::Stop("g".parse().unwrap()));
    world.event("its end", |event| {
        matches!(event, Event::ProcessEnded { .. }).then_some(())
    });
    assert_eq!(count(&world.events, is_told), 1);
    world.finish();
}

#[test]
fn nobody_asks_whether_a_process_is_ready_that_did_not_start() {
    let place = tempfile::tempdir().unwrap();
    let asked = |name: &str| {
        let text = std::fs::read_to_string(place.path().join(name)).unwrap_or_default();
        text.lines().count()
    };
    let ask = |name: &str| {
        let file = place.path().join(name);
        format!(
            r#"ready: Exec(["sh", "-c", "echo asked >> {}; exit 1"])"#,
            file.display()
        )
    };
    let mut world = World::started(&format!(
        r#""g": ProcessGroup(ignore_error_on_exit: true, templates: {{
            "never": ProcessTemplate(target: Program("true"), stdout: File("/no/such/{{rank}}"), {}),
            "lives": ProcessTemplate(target: Program("sleep"), args: [600], {}),
        }})"#,
        ask("never"),
        ask("lives")
    ));
    world.event("the failure", |event| match event {
        Event::ProcessEnded {
            status: ExitStatus::NotStarted(_),
            ..
        } => Some(()),
        _ => None,
    });
    world.until("many questions", |_, _| (asked("lives") >= 6).then_some(()));
    assert!(asked("never") <= 1, "{}", asked("never"));
    world.finish();
}

#[test]
fn a_silence_is_told_once_until_it_is_broken_and_never_of_whoever_is_muted() {
    let mut world = World::new(
        r#""g": ProcessGroup(templates: {
            "cat": ProcessTemplate(target: Program("cat"), alerts: [Quiet("100ms")]),
            "muted": ProcessTemplate(target: Program("cat"), alerts: [Quiet("100ms")]),
            "clock": ProcessTemplate(target: Shell("while :; do echo x; sleep 0.3; done"), alerts: [Quiet("100ms")]),
        })"#,
    );
    world.wish(Command::Mute("g/muted".parse().unwrap()));
    world.wish(Command::Start("g".parse().unwrap()));
    let quiet = |events: &[Stamped], name: &str| {
        count(
            events,
            |event| matches!(event, Event::Alerted { process, .. } if *process == id(name)),
        )
    };
    world.until("many silences", |events, _| {
        (quiet(events, "g/clock.0") >= 4 && quiet(events, "g/cat.0") >= 1).then_some(())
    });
    assert_eq!(quiet(&world.events, "g/cat.0"), 1);
    assert_eq!(quiet(&world.events, "g/muted.0"), 0);
    world.wish(Command::Send("g/cat".parse().unwrap(), b"hello\n".to_vec()));
    world.until("another silence", |events, _| {
        (quiet(events, "g/cat.0") == 2).then_some(())
    });
    world.wish(Command::Unmute("g/muted".parse().unwrap()));
    world.until("a silence that can be heard", |events, _| {
        (quiet(events, "g/muted.0") == 1).then_some(())
    });
    world.finish();
}

#[test]
fn a_process_that_closed_its_output_still_has_its_name() {
    let place = tempfile::tempdir().unwrap();
    let closed = place.path().join("closed");
    let mut world = World::started(&format!(
        r#""g": ProcessGroup(templates: {{
            "s": ProcessTemplate(target: Shell("exec >/dev/null 2>&1; touch {}; exec sleep 600"), terminal: Pipe),
        }})"#,
        closed.display()
    ));
    world.until("closed output", |_, _| closed.exists().then_some(()));
    let mut samples = world.handle.samples.clone();
    for _ in 0..3 {
        samples.mark_unchanged();
        world.until("a sample", |_, _| {
            samples.has_changed().unwrap().then_some(())
        });
    }
    assert_eq!(samples.borrow().processes.len(), 1);
    world.finish();
}
