//! Slurm's hostlist syntax: `node[01-03,07],login1`, `a[1-2]b[3-4]`.
//!
//! Owns its expansion to single names and the folding of names into the short form. Never asks whether a
//! host exists. The syntax is that of `scontrol show hostnames`; the width of a range's first number is the
//! width of all its numbers.

use std::collections::{BTreeMap, BTreeSet, HashSet};

/// The greatest number of hosts that one list may stand for.
pub const HOSTS_MAX: usize = 65_536;

/// A number of more digits is taken as plain text.
const DIGITS_MAX: usize = 18;

/// Why a text is no list of hosts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no list of hosts: {reason}")]
pub struct HostlistError {
    text: String,
    reason: String,
}

/// The greatest length of the name of a host in bytes, as DNS has it.
const NAME_MAX: usize = 253;

/// Whether `text` can be the name of a host (or `user@host`, or an address).
///
/// A name that begins with `-` would be read by `ssh` as an option, so it is none.
pub fn is_host(text: &str) -> bool {
    (1..=NAME_MAX).contains(&text.len())
        && !text.starts_with('-')
        && text.chars().all(is_host_character)
}

fn is_host_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | ':')
}

/// The hosts that a list stands for, in its order, each once.
///
/// # Errors
/// When the text is no list, or stands for more than [`HOSTS_MAX`] hosts; one that is named again counts again.
pub fn expand(text: &str) -> Result<Vec<String>, HostlistError> {
    let fail = |reason: String| HostlistError {
        text: text.chars().take(200).collect(),
        reason,
    };
    let mut room = HOSTS_MAX;
    let (mut hosts, mut seen) = (Vec::new(), HashSet::new());
    for part in split(text).map_err(&fail)? {
        let part = Part::read(part.trim(), room).map_err(&fail)?;
        room -= part.count;
        let mut found = Vec::with_capacity(part.count);
        part.names(&mut String::new(), &part.axes, &mut found);
        for host in found {
            if !is_host(&host) {
                return Err(fail(format!("{host:?} cannot be the name of a host")));
            }
            if seen.insert(host.clone()) {
                hosts.push(host);
            }
        }
    }
    Ok(hosts)
}

fn too_many() -> String {
    format!("it stands for more than {HOSTS_MAX} hosts")
}

/// The parts between the commas that stand outside of brackets.
fn split(text: &str) -> Result<Vec<&str>, String> {
    let mut parts = Vec::new();
    let (mut start, mut inside) = (0, false);
    for (at, c) in text.char_indices() {
        match c {
            '[' if inside => return Err("`[` inside of brackets".to_owned()),
            ']' if !inside => return Err("`]` without `[`".to_owned()),
            '[' => inside = true,
            ']' => inside = false,
            ',' if !inside => {
                parts.push(&text[start..at]);
                start = at + 1;
                if parts.len() > HOSTS_MAX {
                    return Err(too_many());
                }
            }
            _ => {}
        }
    }
    if inside {
        return Err("`[` is never closed".to_owned());
    }
    parts.push(&text[start..]);
    if parts.iter().any(|part| part.trim().is_empty()) {
        return Err("a name is missing".to_owned());
    }
    Ok(parts)
}

/// `a[1-2]b[3-4]c`, which stands for every combination.
struct Part<'t> {
    /// The text before each bracket, and the numbers in it.
    axes: Vec<(&'t str, Vec<String>)>,
    rest: &'t str,
    /// How many names it stands for.
    count: usize,
}

impl<'t> Part<'t> {
    /// Reads it. What stands for more than `room` names, or for one that is too long, is given up as soon as that is
    /// seen: the work stays small however much is meant.
    fn read(part: &'t str, room: usize) -> Result<Self, String> {
        let (mut axes, mut rest) = (Vec::new(), part);
        let (mut count, mut length) = (1usize, 0);
        while let Some((before, after)) = rest.split_once('[') {
            let (ranges, after) = after.split_once(']').ok_or("`[` is never closed")?;
            let numbers = numbers(ranges, room)?;
            count = count.saturating_mul(numbers.len());
            length += before.len() + numbers.iter().map(String::len).max().unwrap_or(0);
            if count > room {
                return Err(too_many());
            }
            if length > NAME_MAX {
                break;
            }
            axes.push((before, numbers));
            rest = after;
        }
        if count > room {
            return Err(too_many());
        }
        if length + rest.len() > NAME_MAX {
            return Err(format!("a name in it is longer than {NAME_MAX} bytes"));
        }
        Ok(Self { axes, rest, count })
    }

    /// The names that begin with `name` and go on with these axes, the last one running fastest.
    fn names(&self, name: &mut String, axes: &[(&str, Vec<String>)], found: &mut Vec<String>) {
        let length = name.len();
        match axes {
            [] => found.push(format!("{name}{}", self.rest)),
            [(before, numbers), inner @ ..] => {
                for number in numbers {
                    name.push_str(before);
                    name.push_str(number);
                    self.names(name, inner, found);
                    name.truncate(length);
                }
            }
        }
    }
}

/// The numbers of `01-03,07`, at most `room`.
fn numbers(ranges: &str, room: usize) -> Result<Vec<String>, String> {
    let read = |text: &str| -> Result<(u64, usize), String> {
        let plain =
            (1..=DIGITS_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        match text.parse() {
            Ok(number) if plain => Ok((number, text.len())),
            _ => {
                let shown: String = text.chars().take(40).collect();
                Err(format!("{shown:?} is no number"))
            }
        }
    };
    let mut numbers = Vec::new();
    for range in ranges.split(',') {
        let range = range.trim();
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let ((first, width), (last, _)) = (read(first)?, read(last)?);
        if first > last {
            return Err(format!("the range {range} runs backwards"));
        }
        if last - first >= room.saturating_sub(numbers.len()) as u64 {
            return Err(too_many());
        }
        numbers.extend((first..=last).map(|number| format!("{number:0width$}")));
    }
    Ok(numbers)
}

/// A number as it is written: its value first, so that it sorts by value.
type Number = (u64, String);

/// The short form of a set of hosts; [`expand`] gives back the same set. It depends only on the set.
pub fn fold<H: AsRef<str>>(hosts: impl IntoIterator<Item = H>) -> String {
    // Hosts whose text between the numbers is the same are points of one grid, and are merged axis by axis.
    let mut shapes: BTreeMap<Vec<String>, BTreeSet<Vec<BTreeSet<Number>>>> = BTreeMap::new();
    for host in hosts {
        let (shape, point) = take_apart(host.as_ref());
        let point = point
            .into_iter()
            .map(|number| BTreeSet::from([number]))
            .collect();
        shapes.entry(shape).or_default().insert(point);
    }
    let mut parts = Vec::new();
    for (shape, mut blocks) in shapes {
        for axis in (0..shape.len() - 1).rev() {
            blocks = merge(blocks, axis);
        }
        parts.extend(blocks.iter().map(|block| put_together(&shape, block)));
    }
    parts.join(",")
}

/// The texts between the numbers (one more than there are numbers), and the numbers.
fn take_apart(host: &str) -> (Vec<String>, Vec<Number>) {
    let (mut texts, mut numbers) = (vec![String::new()], Vec::new());
    for run in runs(host) {
        let number = (run.len() <= DIGITS_MAX)
            .then(|| run.parse().ok())
            .flatten();
        match (number, texts.last_mut()) {
            (Some(number), _) => {
                numbers.push((number, run.to_owned()));
                texts.push(String::new());
            }
            (None, Some(text)) => text.push_str(run),
            (None, None) => {}
        }
    }
    (texts, numbers)
}

/// The longest runs of digits and of other characters, in turn.
fn runs(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let digits = rest.chars().next()?.is_ascii_digit();
        let end = rest
            .find(|c: char| c.is_ascii_digit() != digits)
            .unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        rest = after;
        Some(run)
    })
}

/// Joins blocks that differ in one axis only.
fn merge(blocks: BTreeSet<Vec<BTreeSet<Number>>>, axis: usize) -> BTreeSet<Vec<BTreeSet<Number>>> {
    let mut joined: BTreeMap<Vec<BTreeSet<Number>>, BTreeSet<Number>> = BTreeMap::new();
    for mut block in blocks {
        let numbers = block.remove(axis);
        joined.entry(block).or_default().extend(numbers);
    }
    let restored = joined.into_iter().map(|(mut block, numbers)| {
        block.insert(axis, numbers);
        block
    });
    restored.collect()
}

fn put_together(shape: &[String], block: &[BTreeSet<Number>]) -> String {
    let mut out = String::new();
    for (at, text) in shape.iter().enumerate() {
        out.push_str(text);
        if let Some(numbers) = block.get(at) {
            out.push_str(&ranges(numbers));
        }
    }
    out
}

/// `[01-03,07]`, or a single number without brackets.
fn ranges(numbers: &BTreeSet<Number>) -> String {
    if let (1, Some((_, text))) = (numbers.len(), numbers.first()) {
        return text.clone();
    }
    // Numbers of one width after the other, or `1, 01, 2, 02` would be four ranges.
    let mut by_width: Vec<&Number> = numbers.iter().collect();
    by_width.sort_by_key(|number| (number.1.len(), number.0));
    let mut found: Vec<(Number, Number)> = Vec::new();
    for number in by_width {
        match found.last_mut() {
            Some((first, last))
                if number.0 == last.0 + 1
                    && number.1 == format!("{:0width$}", number.0, width = first.1.len()) =>
            {
                *last = number.clone();
            }
            _ => found.push((number.clone(), number.clone())),
        }
    }
    found.sort();
    let parts: Vec<String> = found
        .iter()
        .map(|(first, last)| {
            if first == last {
                first.1.clone()
            } else {
                format!("{}-{}", first.1, last.1)
            }
        })
        .collect();
    format!("[{}]", parts.join(","))
}

#[cfg(test)]
mod tests;
