//! Which value of a changed list was which before.
//!
//! Owns the pairing of the two lists: equal values by their longest common subsequence, and what changed between two
//! that stayed in its order. Never looks at a text.

use super::Doc;

/// For each new value, the old one that it is or was made of.
pub(super) fn align(old: &[Doc], new: &[Doc]) -> Vec<(Option<usize>, usize)> {
    /// Beyond this the longest common subsequence costs too much.
    const TABLE_MAX: usize = 250_000;
    let prefix = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (&old[prefix..], &new[prefix..]);
    let suffix = old_rest
        .iter()
        .rev()
        .zip(new_rest.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let (a, b) = (
        &old_rest[..old_rest.len() - suffix],
        &new_rest[..new_rest.len() - suffix],
    );
    let mut same: Vec<(usize, usize)> = Vec::new();
    if a.len().saturating_mul(b.len()) <= TABLE_MAX {
        let mut longest = vec![vec![0usize; b.len() + 1]; a.len() + 1];
        for i in (0..a.len()).rev() {
            for j in (0..b.len()).rev() {
                longest[i][j] = if a[i] == b[j] {
                    longest[i + 1][j + 1] + 1
                } else {
                    longest[i + 1][j].max(longest[i][j + 1])
                };
            }
        }
        let (mut i, mut j) = (0, 0);
        while i < a.len() && j < b.len() {
            if a[i] == b[j] {
                same.push((i, j));
                (i, j) = (i + 1, j + 1);
            } else if longest[i + 1][j] >= longest[i][j + 1] {
                i += 1;
            } else {
                j += 1;
            }
        }
    }
    same.push((a.len(), b.len()));
    let mut pairs: Vec<(Option<usize>, usize)> = (0..prefix).map(|at| (Some(at), at)).collect();
    let (mut i, mut j) = (0, 0);
    for (next_i, next_j) in same {
        // Between two values that stayed, changed ones are taken to be in their order.
        while j < next_j {
            let was = (i < next_i).then_some(prefix + i);
            pairs.push((was, prefix + j));
            (i, j) = ((i + 1).min(next_i), j + 1);
        }
        if next_j < b.len() {
            pairs.push((Some(prefix + next_i), prefix + next_j));
        }
        (i, j) = (next_i + 1, next_j + 1);
    }
    let shift = old.len() - suffix;
    pairs.extend((0..suffix).map(|at| (Some(shift + at), new.len() - suffix + at)));
    pairs
}
