//! The ids of runs: `261123-4hm7q`, the day in UTC and a number within it.
//!
//! Twelve characters: a socket path holds 107 bytes, and the id is part of it. Ids sort by time: after the
//! day come five digits of base 32 for the moment (a step is 2.6 ms). Two engines that begin in the same
//! step on one shared home are told apart by mkdir(2), of which only one succeeds; the other takes the next.

use std::time::Duration;

use super::civil::Civil;

/// The length of every id.
pub const LENGTH: usize = 12;

/// Crockford's base 32 in lower case: sorted as ASCII is, without i, l, o and u.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Steps of a day: as many as five digits of base 32 count.
const STEPS: u128 = 1 << 25;

/// The id of a run that begins at `since_epoch` (unix time).
pub fn at(since_epoch: Duration) -> String {
    let date = Civil::from_unix(since_epoch.as_secs());
    let in_day = since_epoch.as_nanos() % 86_400_000_000_000;
    let step = usize::try_from(in_day * STEPS / 86_400_000_000_000).unwrap_or(0);
    let mut id = format!(
        "{:02}{:02}{:02}-",
        date.year.rem_euclid(100),
        date.month,
        date.day
    );
    for shift in [20, 15, 10, 5, 0] {
        id.push(char::from(DIGITS[step >> shift & 31]));
    }
    id
}

/// Whether this is the form of an id.
pub fn is_run_id(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == LENGTH
        && bytes[..6].iter().all(u8::is_ascii_digit)
        && bytes[6] == b'-'
        && bytes[7..].iter().all(|byte| DIGITS.contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_id_shows_its_day() {
        let id = at(Duration::from_secs(1_795_407_420));
        assert!(id.starts_with("261123-") && is_run_id(&id), "{id}");
        for text in [
            "",
            "261123-4hm7",
            "261123-4hm7Q",
            "261123_4hm7q",
            "../../../etc",
        ] {
            assert!(!is_run_id(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn later_runs_have_greater_ids(start in 0u64..4_000_000_000, later in 3u64..100_000_000) {
            let first = Duration::from_secs(start);
            let (a, b) = (at(first), at(first + Duration::from_millis(later)));
            // Two digits of a year begin anew each century.
            prop_assume!(a[..2] <= b[..2]);
            prop_assert!(a < b, "{} {}", a, b);
        }
    }
}
