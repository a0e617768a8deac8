//! What the engine does when others do not keep up, or are gone.

use super::*;
use dragon_tui::engine::CommandError;

/// Sends a command although many wait.
fn insist(world: &World, command: &Command) {
    support::wait_for("a place for a command", LIMIT, || {
        match world.handle.commands.send(command.clone()) {
            Ok(()) => Some(()),
            Err(CommandError::Busy) => None,
            Err(error) => panic!("{error}"),
        }
    });
}

#[test]
fn lives_are_followed_although_the_client_takes_no_events() {
    let mut world = World::started(
        r#""g": ProcessGroup(templates: { "s": ProcessTemplate(target: Program("sleep"), args: [600]) })"#,
    );
    let pid = world.event("its start", |event| match event {
        Event::ProcessStarted { pid, .. } => Some(*pid),
        _ => None,
    });
    // Each is refused by an event. More of them wait than the engine holds back for a client that keeps up.
    let nobody = Command::Explain(id("g/nobody.0"));
    for _ in 0..3 * dragon_tui::engine::EVENTS_MAX {
        insist(&world, &nobody);
    }
    let samples = world.handle.samples.clone();
    support::wait_for("a sample of the process", LIMIT, || {
        (samples.borrow().processes.len() == 1).then_some(())
    });
    insist(&world, &Command::Stop("g".parse().unwrap()));
    support::wait_for("its end", LIMIT, || {
        (!Path::new(&format!("/proc/{pid}")).exists()).then_some(())
    });
    support::wait_for("a sample without the process", LIMIT, || {
        samples.borrow().processes.is_empty().then_some(())
    });
    let summary = world.finish();
    assert_eq!(summary.ranks.failed, 0);
}

#[test]
fn a_lost_agent_ends_thousands_of_ranks_that_had_not_started_yet() {
    let mut world = World::started(
        r#""g": ProcessGroup(ignore_error_on_exit: true, templates: {
            "s": ProcessTemplate(target: Program("sleep"), args: [600], replicas: 4000, terminal: Pipe),
        })"#,
    );
    let pid = world.event("a start", |event| match event {
        Event::ProcessStarted { pid, .. } => Some(*pid),
        _ => None,
    });
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let agent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
    support::program::signal(agent.unwrap().trim().parse().unwrap(), 9);
    world.event("the loss", |event| {
        matches!(event, Event::HostLost { .. }).then_some(())
    });
    let summary = world.finish();
    assert_eq!(summary.outcome, Outcome::HostLost);
}
