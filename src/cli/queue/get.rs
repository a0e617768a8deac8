//! `queue get`: items out of a queue and onto the standard output.
//!
//! Owns the waiting and the way back for an item that could not be written. Start at [`run`].

use std::{io::Write, time::Duration};

use anyhow::{Result, anyhow, bail};

use super::{
    GetArgs, Patience,
    item::{self, Screen},
    link::{Link, accepted},
};
use crate::{
    cli::{args::Format, json_output::write_line, streams},
    engine::queues::client::Reply,
    term::plain_text::one_line,
};

/// How long an item that could not be written may wait for room in its queue.
const WAY_BACK: Duration = Duration::from_secs(5);

/// Refuses what should not be begun, because an item once got is no longer in the queue.
pub fn check(args: &GetArgs, format: Format, screen: Screen) -> Result<()> {
    if args.raw && format == Format::Json {
        bail!("--raw and --format json exclude each other");
    }
    if args.raw && screen.terminal {
        bail!("--raw would hand control characters to the terminal: redirect the output");
    }
    Ok(())
}

/// Gets and writes items. Exit code 1 when one did not come in time; those before it are written.
pub fn run(
    link: &mut Link,
    args: &GetArgs,
    format: Format,
    screen: Screen,
    out: &mut impl Write,
) -> Result<u8> {
    let patience = args.timeout.unwrap_or(Patience::Endless);
    let queue = args.name.as_bytes();
    if link.stat(&args.name)?.is_none() {
        let note = link.no_such_queue(&args.name)?;
        match patience {
            Patience::None => streams::say(format_args!("{note}")),
            _ => streams::say(format_args!("{note}: waiting for its first item")),
        }
    }
    let word = patience.word();
    for _ in 0..args.count {
        match &word {
            None => link.send(&[b"LPOP", queue])?,
            Some(seconds) => link.send(&[b"BLPOP", queue, seconds.as_bytes()])?,
        }
        let item = match accepted(link.receive(patience.of_reply())?)? {
            Reply::Nil => return Ok(1),
            Reply::Bulk(item) => item,
            Reply::Array(mut pair) => match pair.pop() {
                Some(Reply::Bulk(item)) => item,
                _ => bail!("the queue server answered what is no item"),
            },
            _ => bail!("the queue server answered what is no item"),
        };
        if let Err(error) = write(&item, args, format, screen, out) {
            return Err(match give_back(link, queue, &item) {
                Ok(()) => anyhow!(error).context("cannot write the item; it is back in its queue"),
                Err(why) => anyhow!(
                    "an item of {} bytes was got from queue {:?} and could neither be written ({error}) nor given \
                     back ({why:#}): it is lost",
                    item.len(),
                    one_line(&args.name)
                ),
            });
        }
    }
    Ok(0)
}

/// Writes an item through to the end, so that one that was not written can be told from one that was.
fn write(
    item: &[u8],
    args: &GetArgs,
    format: Format,
    screen: Screen,
    out: &mut impl Write,
) -> std::io::Result<()> {
    match format {
        Format::Json => write_line(&item::to_json(&args.name, item), out)?,
        Format::Text if args.raw => out.write_all(item)?,
        Format::Text => item::write(item, screen, out)?,
    }
    out.flush()
}

/// Puts an item back to the front: who reads our output went away before it came.
fn give_back(link: &mut Link, queue: &[u8], item: &[u8]) -> Result<()> {
    link.send(&[b"LPUSH", queue, item])?;
    // In a queue that has no room by now it would be waiting, and is not put when we go.
    accepted(link.receive(Some(WAY_BACK))?).map(drop)
}
