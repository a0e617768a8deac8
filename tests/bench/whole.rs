//! What the whole program costs, as ratios to the least that would do, limit and ours in the same round.
//!
//! Owns the choice of measurements and their table. Writes nothing into the repository: sessions, runs and
//! logs live in a temporary folder (`TMPDIR`), which is emptied after each measurement. Never judges code:
//! a machine that is busy with something else moves single rounds by a third, so read the medians.
//!
//! ```text
//! cargo bench --bench whole                          everything
//! cargo bench --bench whole -- launch flood-pipe     these (by the beginning of their names)
//! cargo bench --bench whole -- --rounds 9 launch
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod flood;
mod idle;
mod latency;
mod launch;
mod many;
mod place;
mod table;
mod writer;

use place::Place;
use table::Table;

/// A measurement: its name, what it measures, and how.
type Measurement = (&'static str, fn(&Place, usize, &mut Table));

const ALL: &[Measurement] = &[
    ("launch", launch::thousand),
    ("hello", launch::hello),
    ("flood-pty", flood::pty),
    ("flood-pipe", flood::pipe),
    ("many-pty", many::ptys),
    ("many-pipe", many::pipes),
    ("latency", latency::echoes),
    ("idle", idle::sleepers),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == writer::MODE) {
        writer::run(&arguments[1..]);
        return;
    }
    let mut rounds = 5;
    let mut wanted = Vec::new();
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--rounds" => rounds = arguments.next().unwrap().parse().unwrap(),
            // What cargo adds.
            "--bench" => {}
            name => wanted.push(name.to_owned()),
        }
    }
    let place = Place::new();
    let mut table = Table::begin();
    for (name, measure) in ALL {
        if wanted.is_empty() || wanted.iter().any(|start| name.starts_with(start.as_str())) {
            measure(&place, rounds, &mut table);
        }
    }
}
