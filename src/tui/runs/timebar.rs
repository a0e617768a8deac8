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
