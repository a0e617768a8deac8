//! Where in a past run one is: the arithmetic of the time bar.
//!
//! Pure. Drawn in [`view`](super::view). Start at [`step`].

/// Steps that are easy to say, in seconds.
const STEPS: [f64; 16] = [
    0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0,
    7_200.0,
];

/// A run is crossed in about so many steps.
const CROSSED_IN: f64 = 60.0;

/// The next moment from `at` in a run of `end` seconds: a multiple of a step that suits its length, or its begin or end.
pub fn step(at: f64, end: f64, forward: bool) -> f64 {
    let wanted = end / CROSSED_IN;
    let longest = STEPS[STEPS.len() - 1];
    let step = STEPS.into_iter().find(|step| *step >= wanted);
    let step = step.unwrap_or((wanted / longest).ceil() * longest);
    // Multiples of a tenth are not exact: what is nearer than this is the same moment.
    let near = step / 1_000.0;
    let to = match forward {
        true => ((at + near) / step).floor() + 1.0,
        false => ((at - near) / step).ceil() - 1.0,
    };
    (to * step).clamp(0.0, end)
}

/// The column of a second on a bar of `width` columns.
pub fn column_of(at: f64, end: f64, width: u16) -> u16 {
    let last = width.saturating_sub(1);
    if end <= 0.0 {
        return last;
    }
    let share = (at / end).clamp(0.0, 1.0);
    (share * f64::from(last)).round() as u16
}

/// The second of a column of it.
pub fn second_at(column: u16, end: f64, width: u16) -> f64 {
    let last = width.saturating_sub(1);
    match column >= last {
        true => end,
        false => end * f64::from(column) / f64::from(last),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

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
            prop_assert_eq!(column_of(second_at(column, end, width), end, width), column);
        }
    }

    #[test]
    fn a_run_on_which_nothing_happened_has_a_time_bar_all_the_same() {
        assert_eq!(step(0.0, 0.0, true), 0.0);
        assert_eq!(column_of(0.0, 0.0, 10), 9);
        assert!(Duration::try_from_secs_f64(second_at(0, 0.0, 1)).is_ok());
    }
}
