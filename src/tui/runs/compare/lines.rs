//! In which lines two texts differ.
//!
//! Pure and bounded: what is the same at both ends is set aside, the rest is compared as the longest common sequence of
//! lines. Start at [`differences`].

/// More lines than this on one side are not compared line by line: the table has one cell for each pair.
const LINES_MAX: usize = 2_000;

/// A line that only one of two texts has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The first has it: its number from 1, and the line.
    Old(usize, String),
    /// The second has it.
    New(usize, String),
}

/// The lines that only one of two texts has, in order; of a changed place the old ones first.
pub fn differences(old: &str, new: &str) -> Vec<Change> {
    let old: Vec<&str> = old.lines().map(str::trim_end).collect();
    let new: Vec<&str> = new.lines().map(str::trim_end).collect();
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[head..], &new[head..]);
    let ends = old.iter().rev().zip(new.iter().rev());
    let tail = ends.take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[..old.len() - tail], &new[..new.len() - tail]);
    let mut changes = Vec::new();
    let was = |at: usize| Change::Old(head + at + 1, old[at].to_owned());
    let is = |at: usize| Change::New(head + at + 1, new[at].to_owned());
    let (mut a, mut b) = (0, 0);
    if old.len() <= LINES_MAX && new.len() <= LINES_MAX {
        let common = common_lengths(old, new);
        let at = |a: usize, b: usize| common[a * (new.len() + 1) + b];
        while a < old.len() && b < new.len() {
            if old[a] == new[b] {
                (a, b) = (a + 1, b + 1);
            } else if at(a + 1, b) >= at(a, b + 1) {
                changes.push(was(a));
                a += 1;
            } else {
                changes.push(is(b));
                b += 1;
            }
        }
    }
    changes.extend((a..old.len()).map(was));
    changes.extend((b..new.len()).map(is));
    changes
}

/// How many lines two texts have in common from each pair of places on: one row for each line of the first, and one more.
fn common_lengths(old: &[&str], new: &[&str]) -> Vec<u16> {
    let width = new.len() + 1;
    let mut common = vec![0u16; (old.len() + 1) * width];
    for a in (0..old.len()).rev() {
        for b in (0..new.len()).rev() {
            common[a * width + b] = match old[a] == new[b] {
                true => common[(a + 1) * width + b + 1] + 1,
                false => common[(a + 1) * width + b].max(common[a * width + b + 1]),
            };
        }
    }
    common
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(old: &str, new: &str) -> Vec<String> {
        let changes = differences(old, new).into_iter();
        changes
            .map(|change| match change {
                Change::Old(number, line) => format!("-{number} {line}"),
                Change::New(number, line) => format!("+{number} {line}"),
            })
            .collect()
    }

    #[test]
    fn only_lines_that_differ_are_told_with_their_places() {
        assert_eq!(said("a\nb\nc\n", "a\nb\nc\n"), [""; 0]);
        assert_eq!(said("a\nb\nc\n", "a\nx\nc\n"), ["-2 b", "+2 x"]);
        assert_eq!(said("a\nc\n", "a\nb\nc\nd\n"), ["+2 b", "+4 d"]);
        assert_eq!(said("", "a"), ["+1 a"]);
    }

    #[test]
    fn texts_too_long_to_be_compared_are_told_as_replaced() {
        let old = "a\n".repeat(LINES_MAX + 1);
        assert_eq!(differences(&old, "b").len(), LINES_MAX + 2);
    }

    proptest! {
        #[test]
        fn taking_out_the_old_lines_and_putting_in_the_new_ones_makes_one_text_of_the_other(
            old in proptest::collection::vec("[abc]", 0..12),
            new in proptest::collection::vec("[abc]", 0..12),
        ) {
            let changes = differences(&old.join("\n"), &new.join("\n"));
            let without = |lines: &[String], gone: Vec<usize>| -> Vec<String> {
                let lines = lines.iter().enumerate();
                lines.filter(|(at, _)| !gone.contains(&(at + 1))).map(|(_, line)| line.clone()).collect()
            };
            let olds = changes.iter().filter_map(|c| match c { Change::Old(n, _) => Some(*n), Change::New(..) => None });
            let news = changes.iter().filter_map(|c| match c { Change::New(n, _) => Some(*n), Change::Old(..) => None });
            prop_assert_eq!(without(&old, olds.collect()), without(&new, news.collect()));
        }
    }
}
