//! A set of indices of cpus or GPUs, written `[0, 2]` or `"0-3,8"` as Linux does.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The greatest index that a set may hold: the kernel's own limit of cpus on a machine is 8,192.
pub const INDEX_MAX: u32 = 8_191;

/// A set of 0-based indices of cpus or GPUs, in ascending order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "CpuSetText", into = "String")]
pub struct CpuSet(BTreeSet<u32>);

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
    /// The indices in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().copied()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the index is one of them.
    pub fn contains(&self, index: u32) -> bool {
        self.0.contains(&index)
    }
}

impl FromIterator<u32> for CpuSet {
    fn from_iter<I: IntoIterator<Item = u32>>(indices: I) -> Self {
        Self(indices.into_iter().collect())
    }
}

impl FromStr for CpuSet {
    type Err = CpuSetError;

    fn from_str(text: &str) -> Result<Self, CpuSetError> {
        let fail = || CpuSetError(text.to_owned());
        let index = |text: &str| match text.trim().parse::<u32>() {
            Ok(index) if index <= INDEX_MAX => Ok(index),
            _ => Err(fail()),
        };
        let mut set = BTreeSet::new();
        for part in text.split(',') {
            match part.split_once('-') {
                Some((first, last)) => {
                    let (first, last) = (index(first)?, index(last)?);
                    if first > last {
                        return Err(fail());
                    }
                    set.extend(first..=last);
                }
                None => {
                    set.insert(index(part)?);
                }
            }
        }
        Ok(Self(set))
    }
}

impl fmt::Display for CpuSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut indices = self.iter().peekable();
        let mut separator = "";
        while let Some(first) = indices.next() {
            let mut last = first;
            while indices.next_if_eq(&(last + 1)).is_some() {
                last += 1;
            }
            match last - first {
                0 => write!(f, "{separator}{first}")?,
                _ => write!(f, "{separator}{first}-{last}")?,
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
}
