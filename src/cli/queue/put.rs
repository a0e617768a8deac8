//! `queue put`: items from the command line, a file or lines into a queue.
//!
//! Owns reading them with bounded memory and keeping several under way. Start at [`run`].
//!
//! Lines go out in a window: up to [`WINDOW`] are sent before the first reply is read, which is ten times faster than
//! one at a time. With a time limit each line waits for its own reply: were more under way, an item behind the one
//! whose time is up could still find room, and the queue would have a gap. So it is where the queue has a bound of
//! bytes, which may refuse one line and take the next. A server that refuses for another reason (it is out of memory)
//! may leave a gap, and that is said.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Stdin, Write},
    os::unix::ffi::OsStrExt,
};

use anyhow::{Context, Result, bail};

use super::{
    MAX_VALUE, Patience, PutArgs,
    link::{Link, refused},
};
use crate::{
    cli::{args::Format, json_output::write_line, streams},
    engine::queues::{client::Reply, request::encode},
    term::plain_text::one_line,
};

/// Most items sent and not yet answered.
const WINDOW: usize = 64;
/// What is collected before it is sent, in bytes; a longer value is sent by itself, uncopied.
const BATCH: usize = 64 * 1024;

/// Where the items come from.
#[derive(Debug)]
pub enum Items<R> {
    /// There is one.
    One(Vec<u8>),
    /// Every line is one.
    Lines(BufReader<R>),
}

impl Items<Stdin> {
    /// What the arguments ask for; a single item is read whole before anybody is talked to.
    pub fn of(args: &PutArgs) -> Result<Self> {
        if args.lines {
            return Ok(Items::Lines(BufReader::with_capacity(BATCH, io::stdin())));
        }
        if let Some(path) = &args.file {
            let name = || format!("cannot read {}", path.display());
            let file = File::open(path).with_context(name)?;
            return Ok(Items::One(whole(file).with_context(name)?));
        }
        match &args.value {
            Some(value) if value.as_bytes() == b"-" => {
                let item = whole(io::stdin()).context("cannot read the standard input")?;
                Ok(Items::One(item))
            }
            value => Ok(Items::One(
                value
                    .as_deref()
                    .map_or(&b""[..], OsStrExt::as_bytes)
                    .to_vec(),
            )),
        }
    }
}

/// Everything there is to read, at most what one item may be.
fn whole(from: impl Read) -> Result<Vec<u8>> {
    let mut item = Vec::new();
    from.take(MAX_VALUE + 1).read_to_end(&mut item)?;
    check_length(&item)?;
    Ok(item)
}

fn check_length(item: &[u8]) -> Result<()> {
    if item.len() as u64 > MAX_VALUE {
        bail!("an item has at most {} MiB", MAX_VALUE >> 20);
    }
    Ok(())
}

/// Puts all items. Exit code 1 when one found no room in time; those before it are in the queue.
///
/// # Errors
/// Those of the connection and of reading, and a refusal, which names its line.
pub fn run(
    link: &mut Link,
    args: &PutArgs,
    items: Items<impl Read>,
    format: Format,
    out: &mut impl Write,
) -> Result<u8> {
    let found = link.stat(&args.name)?;
    if found.is_none() {
        let note = link.no_such_queue(&args.name)?;
        streams::say(format_args!("{note}: it is made now, without a bound"));
    }
    let patience = args.timeout.unwrap_or(Patience::Endless);
    let has_maxbytes = |(name, value): &(Reply, Reply)| {
        name.as_bytes() == Some(b"maxbytes") && *value != Reply::Int(0)
    };
    let one_at_a_time = patience != Patience::Endless || found.iter().flatten().any(has_maxbytes);
    let window = if one_at_a_time { 1 } else { WINDOW };
    let mut putter = Putter::new(link, &args.name, patience, window);
    let sent = match items {
        Items::One(item) => putter.put(&item),
        Items::Lines(mut from) => putter.put_lines(&mut from),
    };
    // Also after an error: what a client leaves unread may cost it what it has sent.
    putter.settle(0)?;
    sent?;
    let (put, behind, stopped) = (putter.put, putter.behind, putter.stopped);
    if format == Format::Json {
        write_line(&serde_json::json!({ "queue": args.name, "put": put }), out)?;
    }
    let what = if args.lines {
        format!("; {put} lines were put")
    } else {
        String::new()
    };
    let name = one_line(&args.name);
    match stopped {
        None => Ok(0),
        Some(Stop::Full) => {
            let time = match patience {
                Patience::For(time) => format!("stayed full for {} s", time.as_secs_f64()),
                _ => "is full".to_owned(),
            };
            streams::say(format_args!("queue {name:?} {time}{what}"));
            Ok(1)
        }
        Some(Stop::Refused(text)) if args.lines => {
            let gap = if behind > 0 {
                format!(", and {behind} behind it that were already under way")
            } else {
                String::new()
            };
            let (line, before) = (put - behind + 1, put - behind);
            Err(refused(&text).context(format!(
                "queue {name:?}: line {line} was refused; {before} before it were put{gap}"
            )))
        }
        Some(Stop::Refused(text)) => Err(refused(&text).context(format!("queue {name:?}"))),
    }
}

/// Why no further item is put.
enum Stop {
    /// The time was up.
    Full,
    /// The server's own words.
    Refused(String),
}

struct Putter<'l> {
    link: &'l mut Link,
    /// The command without its value.
    head: Vec<u8>,
    patience: Patience,
    window: usize,
    unsent: Vec<u8>,
    under_way: usize,
    put: u64,
    /// Of these the ones behind the item that was refused.
    behind: u64,
    stopped: Option<Stop>,
}

impl<'l> Putter<'l> {
    fn new(link: &'l mut Link, queue: &str, patience: Patience, window: usize) -> Self {
        let word = patience.word().unwrap_or_else(|| "NOWAIT".to_owned());
        let mut head = encode(&[b"Q.PUT", queue.as_bytes(), word.as_bytes(), b""]);
        // The value, which follows, is not empty as the one just written.
        head.truncate(head.len() - b"$0\r\n\r\n".len());
        Self {
            link,
            head,
            patience,
            window,
            unsent: Vec::new(),
            under_way: 0,
            put: 0,
            behind: 0,
            stopped: None,
        }
    }

    fn put_lines(&mut self, from: &mut BufReader<impl Read>) -> Result<()> {
        let mut line = Vec::new();
        while self.stopped.is_none() {
            line.clear();
            if memchr::memchr(b'\n', from.buffer()).is_none() {
                // The next line may take its time: what there is goes out, and is known to be there.
                self.settle(0)?;
            }
            let most = MAX_VALUE + 2;
            from.by_ref()
                .take(most)
                .read_until(b'\n', &mut line)
                .context("cannot read the standard input")?;
            if line.is_empty() {
                break;
            }
            if line.last() == Some(&b'\n') {
                line.pop();
            }
            check_length(&line)?;
            self.put(&line)?;
            line.shrink_to(BATCH);
        }
        Ok(())
    }

    /// Puts one item, or sends it at least.
    fn put(&mut self, item: &[u8]) -> Result<()> {
        self.unsent.extend_from_slice(&self.head);
        self.unsent
            .extend_from_slice(format!("${}\r\n", item.len()).as_bytes());
        if item.len() < BATCH {
            self.unsent.extend_from_slice(item);
        } else {
            self.flush()?;
            self.link.send_raw(item)?;
        }
        self.unsent.extend_from_slice(b"\r\n");
        self.under_way += 1;
        if self.unsent.len() >= BATCH {
            self.flush()?;
        }
        self.settle(self.window - 1)
    }

    fn flush(&mut self) -> Result<()> {
        let sent = self.link.send_raw(&self.unsent);
        self.unsent.clear();
        sent
    }

    /// Reads replies until at most `rest` are missing.
    fn settle(&mut self, rest: usize) -> Result<()> {
        if self.under_way > rest {
            self.flush()?;
        }
        while self.under_way > rest {
            let reply = self.link.receive(self.patience.of_reply())?;
            self.under_way -= 1;
            match reply {
                Reply::Nil | Reply::Error(_) if self.stopped.is_some() => {}
                Reply::Nil => self.stopped = Some(Stop::Full),
                Reply::Error(text) => self.stopped = Some(Stop::Refused(text)),
                _ => {
                    self.put += 1;
                    self.behind += u64::from(self.stopped.is_some());
                }
            }
        }
        Ok(())
    }
}
