//! A set of indices of cpus or GPUs, written `[0, 2]` or `"0-3,8"` as Linux does.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The greatest index that a set may hold: the kernel's own limit of cpus on a machine is 8,192.
pub const INDEX_MAX: u32 = 8_191;

/// So many cpus or GPUs a host may be described with: as many as there are indices.
pub const COUNT_MAX: u32 = INDEX_MAX + 1;

/// A set of 0-based indices of cpus or GPUs, in ascending order. It takes memory by its ranges, not by its indices.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "CpuSetText", into = "String")]
pub struct CpuSet(
    /// First and last index of each range, ascending, with a gap before the next.
    Vec<(u32, u32)>,
);

/// Why a text is no set of indices.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no list of indices: write [0, 2] or \"0-3,8\", each at most {INDEX_MAX}")]
pub struct CpuSetError(String);

#[derive(Deserialize)]
#[serde(untagged)]
enum CpuSetText {
    List(Vec<u32>),
    Text(String),
}

impl TryFrom<CpuSetText> for CpuSet {
    type Error = CpuSetError;
    fn try_from(text: CpuSetText) -> Result<Self, CpuSetError> {
        match text {
            CpuSetText::List(list) => match list.iter().find(|index| **index > INDEX_MAX) {
                Some(index) => Err(CpuSetError(index.to_string())),
                None => Ok(list.into_iter().collect()),
            },
            // The empty set is written as "" (an event says so of a process that is bound to no cpu).
            CpuSetText::Text(text) if text.is_empty() => Ok(Self::default()),
            CpuSetText::Text(text) => text.parse(),
        }
    }
}

impl From<CpuSet> for String {
    fn from(set: CpuSet) -> String {
        set.to_string()
    }
}

impl CpuSet {
    /// The first `count` indices, at most [`COUNT_MAX`].
    pub fn first(count: u32) -> Self {
        let ranges = count.min(COUNT_MAX).checked_sub(1).map(|last| (0, last));
        Self(ranges.into_iter().collect())
    }

    /// Of ranges in any order, which may overlap.
    fn of_ranges(mut ranges: Vec<(u32, u32)>) -> Self {
        ranges.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::new();
        for (first, last) in ranges {
            match merged.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = (*end).max(last),
                _ => merged.push((first, last)),
            }
        }
        Self(merged)
    }

    /// The indices in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().flat_map(|(first, last)| *first..=*last)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        let counts = self
            .0
            .iter()
            .map(|(first, last)| (last - first) as usize + 1);
        counts.sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the index is one of them.
    pub fn contains(&self, index: u32) -> bool {
        let at = self.0.partition_point(|(_, last)| *last < index);
        self.0.get(at).is_some_and(|(first, _)| *first <= index)
    }
}

impl FromIterator<u32> for CpuSet {
    fn from_iter<I: IntoIterator<Item = u32>>(indices: I) -> Self {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for index in indices {
            match ranges.last_mut() {
                // They mostly come in order.
                Some((_, last)) if last.checked_add(1) == Some(index) => *last = index,
                _ => ranges.push((index, index)),
            }
        }
        Self::of_ranges(ranges)
    }
}

impl FromStr for CpuSet {
    type Err = CpuSetError;

    fn from_str(text: &str) -> Result<Self, CpuSetError> {
        let fail = || CpuSetError(text.chars().take(200).collect());
        let index = |text: &str| match text.trim().parse::<u32>() {
            Ok(index) if index <= INDEX_MAX => Ok(index),
            _ => Err(fail()),
        };
        let mut ranges = Vec::new();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (index(first)?, index(last)?);
            if first > last {
                return Err(fail());
            }
            ranges.push((first, last));
        }
        Ok(Self::of_ranges(ranges))
    }
}

impl fmt::Display for CpuSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (first, last) in &self.0 {
            if first == last {
                write!(f, "{separator}{first}")?;
            } else {
                write!(f, "{separator}{first}-{last}")?;
            }
            separator = ",";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_set_survives_json() {
        let json = serde_json::to_string(&CpuSet::default()).unwrap();
        let back: CpuSet = serde_json::from_str(&json).unwrap();
        assert_eq!(back, CpuSet::default());
    }

    #[test]
    fn a_set_is_read_from_ranges_and_written_in_the_shortest_form() {
        assert_eq!("8,0-2,1,3".parse::<CpuSet>().unwrap().to_string(), "0-3,8");
        assert_eq!(CpuSet::from_iter([5]).to_string(), "5");
        for text in ["", "a", "3-1", "1-", "0-99999999", "1,,2"] {
            assert!(text.parse::<CpuSet>().is_err(), "{text:?}");
        }
    }
    #[test]
    fn ranges_that_overlap_are_one_and_many_of_them_cost_little() {
        let set: CpuSet = ("0-8191,".repeat(2_000_000) + "3").parse().unwrap();
        assert_eq!((set.len(), set.to_string().as_str()), (8192, "0-8191"));
        assert_eq!(CpuSet::first(8192), set);
        assert_eq!(CpuSet::first(u32::MAX), set);
        assert_eq!(CpuSet::first(0), CpuSet::default());
        let set = CpuSet::from_iter([7, 1, 2, 7, 0, 9, 8]);
        assert_eq!(set.to_string(), "0-2,7-9");
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 1, 2, 7, 8, 9]);
        let there: Vec<u32> = (0..12).filter(|index| set.contains(*index)).collect();
        assert_eq!(there, [0, 1, 2, 7, 8, 9]);
        assert_eq!(set, "7-9,0-1,2".parse().unwrap());
    }
}
