//! How the runs screen and two runs side by side are drawn.

use super::*;

#[test]
fn the_view_of_two_runs_moves_back_from_its_end_at_the_first_step() {
    let place = Place::new();
    let run = place.recorded(SESSION, true);
    let compared = compare::read(&place.runs, run.id(), run.id(), 2_000).unwrap();
    let mut state = state();
    update(
        &mut state,
        Msg::Input(Input::Resize(80, 12)),
        Instant::now(),
    );
    press(&mut state, "5");
    answer(&mut state, Answer::Compared(Ok(Box::new(compared))));
    press(&mut state, "G");
    let end = shown(&state);
    press(&mut state, "k");
    assert_ne!(shown(&state), end);
    press(&mut state, "j");
    assert_eq!(shown(&state), end);
}

/// Runs as a list may have them.
fn known() -> Vec<Listed> {
    let one = |number: u32, session: &str, outcome, state, seconds| Listed {
        id: format!("261123-{number:05}"),
        path: "/runs".into(),
        session: session.to_owned(),
        started: 1_795_000_000 - u64::from(number) * 40_000,
        state,
        outcome,
        seconds,
        ranks: u64::from(number) * 37,
        failed: outcome.map(|_| u64::from(number % 3)),
        size: u64::from(number) * 1_234_567,
    };
    vec![
        one(1, "train", None, RunState::RunningHere, Some(75.0)),
        one(
            2,
            "train",
            Some(Outcome::Failed),
            RunState::Ended,
            Some(4_000.0),
        ),
        one(
            3,
            "generator-consumer",
            Some(Outcome::Succeeded),
            RunState::Ended,
            Some(4.2),
        ),
        one(
            4,
            "a-session-with-a-rather-long-name-of-its-own",
            None,
            RunState::Died,
            None,
        ),
        one(
            5,
            "train",
            Some(Outcome::Interrupted),
            RunState::Ended,
            Some(90_000.0),
        ),
        one(
            6,
            "train",
            None,
            RunState::OnHost("login-node-07".to_owned()),
            None,
        ),
    ]
}

#[test]
fn the_screen_looks_as_it_did() {
    let place = Place::new();
    let run = place.recorded(SESSION, true);
    let changed = SESSION.replace("replicas: 2", "replicas: 3");
    let other = place.recorded(&changed, true);
    let mut compared = compare::read(&place.runs, run.id(), other.id(), 2_000).unwrap();
    for (side, id) in compared
        .sides
        .iter_mut()
        .zip(["261123-00001", "261123-00002"])
    {
        side.listed.id = id.to_owned();
        side.listed.started = 1_795_000_000;
    }
    let mut state = state();
    state.tab = Tab::Runs;
    answer(&mut state, Answer::Listed(Ok(known()), 1_795_000_000));
    let look = |state: &mut State, name: &str| {
        for (width, height) in [(120, 40), (80, 24)] {
            let size = Input::Resize(width, height);
            update(state, Msg::Input(size), Instant::now());
            insta::assert_snapshot!(format!("{name}_{width}"), shown(state));
        }
    };
    press(&mut state, "j");
    look(&mut state, "list");
    press(&mut state, "D");
    look(&mut state, "delete");
    press(&mut state, "n");
    answer(&mut state, Answer::Compared(Ok(Box::new(compared))));
    look(&mut state, "compare");
}
