//! The past at any size, and the bar that moves through it.

use super::*;

#[test]
fn the_past_is_drawn_on_screens_of_any_size() {
    let place = Place::new();
    let run = place.recorded(SESSION, true);
    let compared = compare::read(&place.runs, run.id(), run.id(), 2_000).unwrap();
    let mut state = state();
    press(&mut state, "5");
    listed(&mut state, &place);
    for tab in ["5", "c", "2", "3", "4"] {
        match tab {
            "5" => {}
            "c" => drop(answer(
                &mut state,
                Answer::Compared(Ok(Box::new(compared.clone()))),
            )),
            "2" => {
                state.runs.compared = None;
                answer(
                    &mut state,
                    Answer::Opened(Ok(Box::new(place.opened(run.id())))),
                );
            }
            key => drop(press(&mut state, key)),
        }
        for width in 1..=30 {
            for height in 1..=30 {
                let size = Input::Resize(width, height);
                update(&mut state, Msg::Input(size), Instant::now());
                shown(&state);
            }
        }
    }
}

#[test]
fn a_click_on_the_time_bar_goes_to_that_second() {
    let place = Place::new();
    let run = place.recorded(SESSION, true);
    let mut state = state();
    answer(
        &mut state,
        Answer::Opened(Ok(Box::new(place.opened(run.id())))),
    );
    let track = view::places(&state).time;
    let track = super::super::view::track(track, 10.0);
    let click = crossterm::event::MouseEvent {
        kind: crossterm::event::MouseEventKind::Down(crossterm::event::MouseButton::Left),
        column: track.x + track.width / 2,
        row: track.y,
        modifiers: KeyModifiers::NONE,
    };
    let asked = asks(&update(
        &mut state,
        Msg::Input(Input::Mouse(click)),
        Instant::now(),
    ));
    assert!(
        matches!(&asked[..], [Ask::Moment { at, .. }] if (*at - 5.0).abs() < 0.2),
        "{asked:?}"
    );
}

proptest! {
    #[test]
    fn steps_lead_from_one_end_of_any_run_to_the_other(end in 0.01f64..1e6) {
        for (from, to, forward) in [(0.0, end, true), (end, 0.0, false)] {
            let mut at = from;
            for count in 0.. {
                if at == to {
                    break;
                }
                let next = step(at, end, forward);
                prop_assert!((next > at) == forward && next != at, "{} {}", at, next);
                prop_assert!(count < 130, "{} steps", count);
                at = next;
            }
        }
    }

    #[test]
    fn a_column_of_the_time_bar_is_that_of_its_second(end in 0.1f64..1e6, width in 2u16..200, column in 0u16..200) {
        let column = column.min(width - 1);
        prop_assert_eq!(timebar::column_of(second_at(column, end, width), end, width), column);
    }
}

#[test]
fn a_run_on_which_nothing_happened_has_a_time_bar_all_the_same() {
    assert_eq!(step(0.0, 0.0, true), 0.0);
    assert_eq!(timebar::column_of(0.0, 0.0, 10), 9);
    assert!(Duration::try_from_secs_f64(second_at(0, 0.0, 1)).is_ok());
}
