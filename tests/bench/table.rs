//! The table: one line per thing measured, printed as soon as it is known.
//!
//! Owns medians, ratios and the comparison with a target.

/// What is hoped for.
#[derive(Clone, Copy)]
pub enum Target {
    /// This much or less.
    AtMost(f64),
    /// This much or more.
    AtLeast(f64),
    /// Only to be known.
    None,
}

/// Rounds of one measurement.
#[derive(Default)]
pub struct Rounds {
    limit: Vec<f64>,
    ours: Vec<f64>,
}

impl Rounds {
    /// One round: the limit and ours.
    pub fn push(&mut self, limit: f64, ours: f64) {
        self.limit.push(limit);
        self.ours.push(ours);
    }

    fn ratios(&self) -> Vec<f64> {
        let pairs = self.ours.iter().zip(&self.limit);
        pairs.map(|(ours, limit)| ours / limit).collect()
    }

    fn differences(&self) -> Vec<f64> {
        let pairs = self.ours.iter().zip(&self.limit);
        pairs.map(|(ours, limit)| ours - limit).collect()
    }
}

/// The value in the middle.
pub fn median(values: &[f64]) -> f64 {
    at(values, 0.5)
}

/// The value below which this share of all lies.
pub fn at(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    sorted
        .get((last as f64 * share).round() as usize)
        .copied()
        .unwrap_or(f64::NAN)
}

/// Prints lines.
pub struct Table;

impl Table {
    /// Prints the head.
    pub fn begin() -> Self {
        println!(
            "{:44} {:>12} {:>12} {:>8} {:>15} {:>8}",
            "", "limit", "ours", "ratio", "(least, most)", "target"
        );
        Self
    }

    /// Ours as a part or a multiple of the limit.
    pub fn ratio(&mut self, what: &str, unit: &str, rounds: &Rounds, target: Target) {
        self.line(what, unit, rounds, &rounds.ratios(), target);
    }

    /// By how much ours is more than the limit.
    pub fn difference(&mut self, what: &str, unit: &str, rounds: &Rounds, target: Target) {
        self.line(what, unit, rounds, &rounds.differences(), target);
    }

    /// A number that has no limit beside it: medians over rounds.
    pub fn value(&mut self, what: &str, unit: &str, values: &[f64], target: Target) {
        let rounds = Rounds {
            limit: Vec::new(),
            ours: values.to_vec(),
        };
        self.line(what, unit, &rounds, values, target);
    }

    fn line(&mut self, what: &str, unit: &str, rounds: &Rounds, scores: &[f64], target: Target) {
        let score = median(scores);
        let (bound, met) = match target {
            Target::AtMost(most) => (format!("≤ {most}"), score <= most),
            Target::AtLeast(least) => (format!("≥ {least}"), score >= least),
            Target::None => (String::new(), true),
        };
        let limit = match rounds.limit.is_empty() {
            true => "-".to_owned(),
            false => format!("{} {unit}", short(median(&rounds.limit))),
        };
        let ours = format!("{} {unit}", short(median(&rounds.ours)));
        let spread = format!("({}, {})", short(at(scores, 0.0)), short(at(scores, 1.0)));
        let mark = if met { "" } else { "  MISSED" };
        println!(
            "{what:44} {limit:>12} {ours:>12} {:>8} {spread:>15} {bound:>8}{mark}",
            short(score)
        );
    }
}

fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
