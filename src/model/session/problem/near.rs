//! Which known word a misspelt one was most likely meant to be.
//!
//! Owns the measure of likeness. Its work is bounded however long or many the words are.

/// `: did you mean …?` when one of the known words is near, else nothing.
pub(in crate::model::session) fn did_you_mean<'w>(
    word: &str,
    known: impl IntoIterator<Item = &'w str>,
) -> String {
    nearest(word, known)
        .map(|near| format!(": did you mean `{near}`?"))
        .unwrap_or_default()
}

/// The known word that is most like `word`, if one is alike at all. Of very many words only the first are looked at.
pub fn nearest<'w>(word: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    /// Letters of a word that are compared.
    const LONGEST: usize = 64;
    /// Words that are compared.
    const WORDS: usize = 2_000;
    let fold = |text: &str| -> Vec<char> {
        let folded = text.chars().flat_map(char::to_lowercase);
        folded.take(LONGEST).collect()
    };
    let word = fold(word);
    known
        .into_iter()
        .take(WORDS)
        .filter_map(|candidate| {
            let folded = fold(candidate);
            let length = word.len().max(folded.len());
            let most = (length / 3).max(1).min(length.saturating_sub(1));
            let distance = distance(&word, &folded, most)?;
            // One letter more, less or another one makes a word of three another word; two swapped ones do not.
            (length > 3 || distance == 0 || same_letters(&word, &folded))
                .then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn same_letters(a: &[char], b: &[char]) -> bool {
    let sorted = |word: &[char]| {
        let mut letters = word.to_vec();
        letters.sort_unstable();
        letters
    };
    sorted(a) == sorted(b)
}

/// How many letters must be inserted, removed, replaced or swapped with their neighbour (optimal string
/// alignment) to make one word of the other; nothing when it is more than `most`.
fn distance(a: &[char], b: &[char], most: usize) -> Option<usize> {
    if a.len().abs_diff(b.len()) > most {
        return None;
    }
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, cb) in b.iter().enumerate() {
            let replaced = last[j] + usize::from(ca != cb);
            let mut best = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *ca == b[j - 1] && a[i - 1] == *cb {
                best = best.min(before_last[j - 1] + 1);
            }
            row.push(best);
        }
        // A swap reaches back over two rows.
        if row.iter().chain(&last).all(|steps| *steps > most) {
            return None;
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last.last().copied().filter(|steps| *steps <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_word_is_found_and_a_far_one_is_not() {
        let fields = ["replicas", "restart", "ready", "env"];
        assert_eq!(nearest("replica", fields), Some("replicas"));
        assert_eq!(nearest("Replicas", fields), Some("replicas"));
        assert_eq!(nearest("erplicas", fields), Some("replicas"));
        assert_eq!(nearest("evn", fields), Some("env"));
        assert_eq!(nearest("colour", fields), None);
        assert_eq!(nearest("cmd", ["cwd"]), None);
        assert_eq!(nearest("CWD", ["cwd"]), Some("cwd"));
        assert_eq!(nearest("arg", ["args"]), Some("args"));
        assert_eq!(nearest("x", fields), None);
        assert_eq!(nearest("", ["a"]), None);
    }
}
