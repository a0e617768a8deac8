//! Random wishes, ends and times against what must always hold.

use proptest::prelude::*;

use super::*;

/// What may happen in a random run.
#[derive(Debug, Clone)]
enum Chance {
    Wish(u8, u8),
    Exit(u8, i32),
    Time(u16),
    Stubborn(bool),
}

fn chances() -> impl Strategy<Value = Vec<Chance>> {
    proptest::collection::vec(
        prop_oneof![
            (0u8..8, 0u8..4).prop_map(|(wish, whom)| Chance::Wish(wish, whom)),
            (any::<u8>(), 0i32..2).prop_map(|(who, code)| Chance::Exit(who, code)),
            (0u16..8000).prop_map(Chance::Time),
            any::<bool>().prop_map(Chance::Stubborn),
        ],
        1..40,
    )
}

proptest! {
    #[test]
    fn whatever_happens_a_process_has_one_life_at_a_time_each_end_is_told_once_and_finishing_ends_all(
        chances in chances()
    ) {
        let templates = || group(vec![
            ("a", ProcessTemplate { replicas: 2, restart: Restart::OnFailure { max: 2 }, ..template() }),
            ("b", ProcessTemplate { after: vec![After::Started("a".to_owned())], ..template() }),
            ("c", ProcessTemplate { policy: Policy { cpus: Some(2), ..Policy::default() }, ..template() }),
        ]);
        let mut world = World::new(&session(vec![("g", templates()), ("h", templates())]));
        for chance in chances {
            match chance {
                Chance::Wish(wish, whom) => {
                    let selector: Selector = ["g", "h", "g/a", "h/b.0"][usize::from(whom)].parse().unwrap();
                    world.command(match wish {
                        0 | 1 => Command::Start(selector),
                        2 => Command::Stop(selector),
                        3 => Command::Kill(selector),
                        4 => Command::Restart(selector),
                        5 => Command::Mute(selector),
                        6 => Command::Scale(["g/a", "g/c"][usize::from(whom) % 2].parse().unwrap(), u32::from(whom) + 1),
                        _ => Command::Unmute(selector),
                    });
                }
                Chance::Exit(who, code) => {
                    let children: Vec<_> = world.alive.keys().copied().collect();
                    if !children.is_empty() {
                        let child = children[usize::from(who) % children.len()];
                        for input in world.death(child, Exit::Code(code)) {
                            world.give(input);
                        }
                    }
                }
                Chance::Time(ms) => world.wait(Duration::from_millis(ms.into())),
                Chance::Stubborn(yes) => world.stubborn = if yes { vec!["a".to_owned()] } else { Vec::new() },
            }
            let mut lives: Vec<_> = world.alive.values().collect();
            lives.sort();
            let count = lives.len();
            lives.dedup();
            prop_assert_eq!(lives.len(), count, "two lives of one process");
        }
        world.command(Command::Finish);
        world.wait(Duration::from_secs(20));
        prop_assert!(world.alive.is_empty());
        prop_assert!(world.over.is_some());
        prop_assert_eq!(world.supervisor.starting, 0);
        let mut ledger = world.supervisor.ledger().clone();
        let all = Policy { cpus: Some(4), ..Policy::default() };
        let place = ledger.place(&"x".parse().unwrap(), &"x".parse().unwrap(), 0..1, &all);
        prop_assert!(place.is_ok(), "what was given out came back: {:?}", place);
        prop_assert!(world.supervisor.children.is_empty());
        let lives = |wanted: fn(&Event) -> Option<(ProcessId, Incarnation)>| {
            let mut lives: Vec<_> = world.events.iter().filter_map(wanted).collect();
            let all = lives.len();
            lives.sort();
            lives.dedup();
            (lives, all)
        };
        let (starts, started) = lives(|event| match event {
            Event::ProcessStarted { process, incarnation, .. } => Some((process.clone(), *incarnation)),
            _ => None,
        });
        prop_assert_eq!(starts.len(), started, "no life begins twice");
        // A restart that is called off is told as one more end of the same life.
        let (ends, _) = lives(|event| match event {
            Event::ProcessEnded {
                process, incarnation, status: ExitStatus::Code(_) | ExitStatus::Signal { .. }, ..
            } => Some((process.clone(), *incarnation)),
            _ => None,
        });
        prop_assert_eq!(starts, ends, "each life ends");
    }
}
