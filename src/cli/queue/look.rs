//! `queue peek`, `ls`, `stat` and `purge`: seeing what is there, and throwing it away.
//!
//! Owns the tables. Counters are the server's and only grow; a limit of 0 means there is none. Start at [`list`].

use std::{
    fmt::Write as _,
    io::{self, IsTerminal, Write},
};

use anyhow::{Result, bail};
use serde_json::{Map, Value};

use super::{
    item::{self, Screen},
    link::Link,
};
use crate::{
    cli::{args::Format, json_output::write_line, streams},
    engine::queues::client::Reply,
    term::plain_text::one_line,
};

/// The columns of `ls`, as `Q.STAT` names them.
const COLUMNS: [&str; 6] = ["depth", "max", "put", "got", "getters", "putters"];

/// Shows up to `count` of the oldest items; they stay in the queue.
pub fn peek(
    link: &mut Link,
    queue: &str,
    count: u64,
    format: Format,
    screen: Screen,
    out: &mut impl Write,
) -> Result<u8> {
    existing(link, queue)?;
    let last = (count - 1).min(i64::MAX as u64).to_string();
    let items = link.ask(&[b"LRANGE", queue.as_bytes(), b"0", last.as_bytes()])?;
    let Reply::Array(items) = items else {
        bail!("the queue server answered what is no list of items");
    };
    for item in items.iter().filter_map(Reply::as_bytes) {
        match format {
            Format::Text => item::peek(item, screen, out)?,
            Format::Json => write_line(&item::to_json(queue, item), out)?,
        }
    }
    Ok(0)
}

/// Lists all queues: one line, or one object, each.
pub fn list(link: &mut Link, format: Format, screen: Screen, out: &mut impl Write) -> Result<u8> {
    let Reply::Array(lines) = link.ask(&[b"Q.LIST"])? else {
        bail!("the queue server answered what is no list of queues");
    };
    let mut rows = Vec::new();
    for line in lines {
        let Reply::Array(fields) = line else { continue };
        let Some(Reply::Bulk(key)) = fields.into_iter().next() else {
            continue;
        };
        let name = String::from_utf8_lossy(&key).into_owned();
        // One that went away meanwhile is none.
        let Reply::Array(stat) = link.ask(&[b"Q.STAT", &key])? else {
            continue;
        };
        rows.push((name, to_map(Reply::Array(stat).pairs())));
    }
    if format == Format::Json {
        for (name, stat) in rows {
            write_line(&named(&name, stat), out)?;
        }
        return Ok(0);
    }
    let mut table = vec![
        std::iter::once("name")
            .chain(COLUMNS)
            .map(str::to_owned)
            .collect(),
    ];
    for (name, stat) in &rows {
        let number = |&column: &&str| match stat.get(column) {
            Some(Value::Number(number)) => number.to_string(),
            _ => "-".to_owned(),
        };
        let name = if screen.terminal {
            one_line(name)
        } else {
            name.clone()
        };
        table.push(
            std::iter::once(name)
                .chain(COLUMNS.iter().map(number))
                .collect::<Vec<_>>(),
        );
    }
    out.write_all(aligned(&table).as_bytes())?;
    Ok(0)
}

/// Everything that is counted of one queue, and who waits.
pub fn stat(
    link: &mut Link,
    queue: &str,
    format: Format,
    screen: Screen,
    out: &mut impl Write,
) -> Result<u8> {
    let stat = existing(link, queue)?;
    if format == Format::Json {
        write_line(&named(queue, to_map(stat)), out)?;
        return Ok(0);
    }
    let (mut text, mut who) = (String::new(), Value::Null);
    for (name, value) in fields(stat) {
        if name == "who" {
            who = value;
            continue;
        }
        let value = match value {
            Value::Null => "-".to_owned(),
            Value::Bool(flag) => if flag { "yes" } else { "no" }.to_owned(),
            value => value.to_string(),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name:<16}  {value:>8}");
    }
    for waiter in who.as_array().into_iter().flatten() {
        let field = |name| match &waiter[name] {
            Value::String(text) => text.clone(),
            value => value.to_string(),
        };
        let task = match field("task") {
            task if task.is_empty() => "somebody".to_owned(),
            task => task,
        };
        let seconds = waiter["waiting_ms"].as_u64().unwrap_or_default() as f64 / 1e3;
        let line = format!(
            "{task} (pid {}) waits to {} for {seconds:.1} s",
            field("pid"),
            field("side")
        );
        let line = if screen.terminal {
            one_line(&line)
        } else {
            line
        };
        let _ = writeln!(text, "{line}");
    }
    out.write_all(text.as_bytes())?;
    Ok(0)
}

/// Throws away every item of a queue, after asking.
pub fn purge(
    link: &mut Link,
    queue: &str,
    yes: bool,
    format: Format,
    out: &mut impl Write,
) -> Result<u8> {
    let depth = number(&existing(link, queue)?, "depth");
    if !yes && !agreed(queue, depth)? {
        streams::say("nothing was thrown away");
        return Ok(2);
    }
    // Looked at anew: the answer may have taken its time.
    let before = existing(link, queue)?;
    link.ask(&[b"DEL", queue.as_bytes()])?;
    let after = link.stat(queue)?.unwrap_or_default();
    // A queue that nobody declared went away with its items, and with its counter.
    let purged = if after.is_empty() {
        number(&before, "depth")
    } else {
        number(&after, "purged").saturating_sub(number(&before, "purged"))
    };
    match format {
        Format::Json => write_line(
            &serde_json::json!({ "queue": queue, "purged": purged }),
            out,
        )?,
        Format::Text => writeln!(out, "{purged}")?,
    }
    Ok(0)
}

/// Asks on the terminal.
fn agreed(queue: &str, depth: u64) -> Result<bool> {
    let queue = one_line(queue);
    // The pty of a rank is no user: what it is asked stands in a pane, or in a log.
    if !io::stdin().is_terminal() || std::env::var_os("DRAGON_TASK").is_some() {
        bail!(
            "purging queue {queue:?} throws {depth} items away: write --yes where nobody can be asked"
        );
    }
    // Nobody who does not see the question answers it.
    let _ = write!(
        streams::stderr(),
        "Throw away the {depth} items of queue {queue:?}? [y/N] "
    );
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// What the server counts of a queue that must be there.
fn existing(link: &mut Link, queue: &str) -> Result<Vec<(Reply, Reply)>> {
    match link.stat(queue)? {
        Some(stat) => Ok(stat),
        None => bail!(link.no_such_queue(queue)?),
    }
}

fn number(stat: &[(Reply, Reply)], name: &str) -> u64 {
    let found = stat
        .iter()
        .find(|(key, _)| key.as_bytes() == Some(name.as_bytes()));
    match found {
        Some((_, Reply::Int(number))) => u64::try_from(*number).unwrap_or_default(),
        _ => 0,
    }
}

/// A map of the server's as an object.
fn to_map(pairs: Vec<(Reply, Reply)>) -> Map<String, Value> {
    fields(pairs).collect()
}

/// The fields of a map of the server's, in its order. What it calls a limit of 0 is none.
fn fields(pairs: Vec<(Reply, Reply)>) -> impl Iterator<Item = (String, Value)> {
    pairs.into_iter().filter_map(|(name, value)| {
        let name = String::from_utf8_lossy(name.as_bytes()?).into_owned();
        let value = match (&name[..], to_value(value)) {
            ("who", Value::Array(waiters)) => waiters.into_iter().map(unflatten).collect(),
            ("max" | "maxbytes", Value::Number(limit)) if limit.as_i64() == Some(0) => Value::Null,
            ("joinable", Value::Number(flag)) => Value::Bool(flag.as_i64() == Some(1)),
            (_, value) => value,
        };
        Some((name, value))
    })
}

fn to_value(reply: Reply) -> Value {
    match reply {
        Reply::Int(number) => number.into(),
        Reply::Double(number) => number.into(),
        Reply::Bool(flag) => flag.into(),
        Reply::Status(text) | Reply::Error(text) => text.into(),
        Reply::Bulk(bytes) => String::from_utf8_lossy(&bytes).into(),
        Reply::Array(items) => items.into_iter().map(to_value).collect(),
        Reply::Map(pairs) => Value::Object(to_map(pairs)),
        Reply::Nil => Value::Null,
    }
}

/// Names and values in turn, which is what a map is in RESP2, as an object.
fn unflatten(list: Value) -> Value {
    let Value::Array(items) = list else {
        return list;
    };
    let mut items = items.into_iter();
    let mut map = Map::new();
    while let (Some(name), Some(value)) = (items.next(), items.next()) {
        map.insert(name.as_str().unwrap_or_default().to_owned(), value);
    }
    Value::Object(map)
}

/// An object with the queue's name besides.
fn named(queue: &str, mut stat: Map<String, Value>) -> Value {
    stat.insert("queue".to_owned(), queue.into());
    Value::Object(stat)
}

/// Columns as wide as their widest cell: the first to the left, numbers to the right.
fn aligned(rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in rows {
        for (index, (cell, width)) in row.iter().zip(&widths).enumerate() {
            // Writing to a string cannot fail.
            let _ = match index {
                0 => write!(text, "{cell:<width$}"),
                _ => write!(text, "  {cell:>width$}"),
            };
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_keeps_names_to_the_left_and_numbers_to_the_right() {
        let row = |cells: &[&str]| cells.iter().map(|&cell| cell.to_owned()).collect();
        let table = aligned(&[row(&["name", "depth"]), row(&["a-long-name", "7"])]);
        assert_eq!(table, "name         depth\na-long-name      7\n");
    }

    #[test]
    fn both_dialects_give_the_same_object() {
        let text = |text: &str| Reply::Bulk(text.as_bytes().to_vec());
        let waiter = vec![text("task"), text("g/a.0"), text("pid"), Reply::Int(7)];
        let flat = vec![
            (text("max"), Reply::Int(0)),
            (
                text("who"),
                Reply::Array(vec![Reply::Array(waiter.clone())]),
            ),
        ];
        let waiter = Reply::Array(waiter).pairs();
        let mapped = vec![
            (text("max"), Reply::Int(0)),
            (text("who"), Reply::Array(vec![Reply::Map(waiter)])),
        ];
        let expected = serde_json::json!({"max": null, "who": [{"task": "g/a.0", "pid": 7}]});
        assert_eq!(Value::Object(to_map(flat)), expected);
        assert_eq!(Value::Object(to_map(mapped)), expected);
    }
}
