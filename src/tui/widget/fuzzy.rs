//! Choosing from many by a few letters: which fit, how well, and where.

use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{CaseMatching, Normalization, Pattern},
};
use ratatui::{
    style::Style,
    text::{Line, Span},
};
use unicode_width::UnicodeWidthChar;

/// An item that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Which item.
    pub index: usize,
    /// How well; more is better.
    pub score: u32,
    /// Which of its characters were asked for, ascending.
    pub at: Vec<u32>,
}

/// At most so many hits have their characters marked: nobody sees more.
const MARKED: usize = 256;

/// The items that fit, best first; those that fit alike stay in their order. Words of the query may fit
/// anywhere and in any order; capitals count when the query has any. A word may begin with `^`, `'` or `!`, or end with `$`, as in fzf: at
/// the beginning, as it stands, not at all, at the end. An empty query fits everything.
pub fn rank<'i>(query: &str, items: impl IntoIterator<Item = &'i str>) -> Vec<Hit> {
    let pattern = Pattern::parse(query, CaseMatching::Smart, Normalization::Smart);
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut letters = Vec::new();
    let mut hits: Vec<(Hit, &str)> = items
        .into_iter()
        .enumerate()
        .filter_map(|(index, item)| {
            let score = pattern.score(characters(item, &mut letters), &mut matcher)?;
            Some((
                Hit {
                    index,
                    score,
                    at: Vec::new(),
                },
                item,
            ))
        })
        .collect();
    hits.sort_by(|(a, _), (b, _)| b.score.cmp(&a.score).then(a.index.cmp(&b.index)));
    for (hit, item) in hits.iter_mut().take(MARKED) {
        pattern.indices(characters(item, &mut letters), &mut matcher, &mut hit.at);
        hit.at.sort_unstable();
        hit.at.dedup();
    }
    hits.into_iter().map(|(hit, _)| hit).collect()
}

/// As characters: `Utf32Str::new` of 0.3 counts bytes in a text whose letters are ASCII and whose accents are not.
fn characters<'l>(item: &'l str, letters: &'l mut Vec<char>) -> Utf32Str<'l> {
    if item.is_ascii() {
        return Utf32Str::Ascii(item.as_bytes());
    }
    letters.clear();
    letters.extend(item.chars());
    Utf32Str::Unicode(letters)
}

/// A text with the characters of a hit in another style.
pub fn marked<'t>(text: &'t str, at: &[u32], style: Style, hit: Style) -> Line<'t> {
    let mut spans = Vec::new();
    let (mut start, mut inside) = (0, false);
    for (index, (byte, c)) in text.char_indices().enumerate() {
        // An accent looks like the letter it stands on.
        if c.width() == Some(0) {
            continue;
        }
        let asked = u32::try_from(index).is_ok_and(|index| at.binary_search(&index).is_ok());
        if asked != inside {
            spans.push((start..byte, inside));
            (start, inside) = (byte, asked);
        }
    }
    spans.push((start..text.len(), inside));
    let span = |(range, inside): (std::ops::Range<usize>, bool)| {
        let piece = text.get(range).unwrap_or_default();
        Span::styled(piece, if inside { style.patch(hit) } else { style })
    };
    Line::from_iter(
        spans
            .into_iter()
            .filter(|(range, _)| !range.is_empty())
            .map(span),
    )
}
