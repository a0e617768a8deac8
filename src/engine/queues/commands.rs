//! The commands on queues, and stock's words of refusal.
//!
//! Reads arguments and chooses the reply's shape; what happens to queues is `broker.rs`, connections are
//! `session.rs`, statistics `stat.rs`, the names of commands `table.rs`. Start at [`Broker::execute`].
use std::borrow::Cow;
use std::time::Duration;

use super::broker::{Broker, ClientId, Context};
use super::glob;
use super::items::Tick;
use super::reply::{End, Got, GotItems, Reply};
use super::request::{Request, number};
use super::state::{Patience, Standing, Waiting};
use super::table::{Command, find, text_is};

const SYNTAX: Reply = Reply::error("ERR syntax error");
const NOT_INTEGER: Reply = Reply::error("ERR value is not an integer or out of range");
const NOT_COUNT: Reply = Reply::error("ERR value is out of range, must be positive");
const BAD_NAME: Reply = Reply::error("ERR queue name must have 1 to 1024 bytes");
const BAD_TIMEOUT: Reply = Reply::error("ERR timeout is not a float or out of range");
/// Stock's refusal of a put above the limit of memory.
pub(super) const OUT_OF_MEMORY: Reply =
    Reply::error("OOM command not allowed when used memory > 'maxmemory'.");
const LONG_PATTERN: Reply = Reply::error("ERR pattern must have at most 4096 bytes");
const MANY_KEYS: Reply = Reply::error("ERR at most 1024 queues can be waited for at once");

/// Longest queue name in bytes.
const MAX_NAME: usize = 1024;
/// Longest pattern in bytes: matching takes pattern times name.
const MAX_PATTERN: usize = 4096;
/// Most queues one command may wait for.
const MAX_WAITED_FOR: usize = 1024;
/// Longest timeout in seconds.
const MAX_TIMEOUT: f64 = 2_147_483_648.0;

/// Text of a client as it may stand in a reply: at most `limit` bytes.
pub(super) fn shown(bytes: &[u8], limit: usize) -> Cow<'_, str> {
    String::from_utf8_lossy(&bytes[..bytes.len().min(limit)])
}

/// Stock's refusal of a wrong number of arguments.
pub(super) fn wrong_number(name: &str) -> Reply {
    let text = format!("ERR wrong number of arguments for '{name}' command");
    Reply::Error(Cow::Owned(text))
}

/// Stock's refusal of a command it does not know.
fn unknown(request: &Request<'_>) -> Reply {
    let mut args = String::new();
    for arg in request.args(1) {
        if args.len() >= 128 {
            break;
        }
        args.push_str(&format!("'{}' ", shown(arg, 128 - args.len())));
    }
    let name = shown(request.arg(0), 128);
    Reply::Error(Cow::Owned(format!(
        "ERR unknown command '{name}', with args beginning with: {args}"
    )))
}

fn check_name(key: &[u8]) -> Result<(), Reply> {
    if (1..=MAX_NAME).contains(&key.len()) {
        Ok(())
    } else {
        Err(BAD_NAME)
    }
}

pub(super) fn check_pattern(pattern: &[u8]) -> Result<(), Reply> {
    if pattern.len() > MAX_PATTERN {
        return Err(LONG_PATTERN);
    }
    Ok(())
}

/// A timeout in seconds as the moment it ends; `None` for 0, for ever.
fn deadline(arg: &[u8], now: Duration) -> Result<Option<Duration>, Reply> {
    let seconds: f64 = std::str::from_utf8(arg)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or(BAD_TIMEOUT)?;
    if seconds < 0.0 {
        return Err(Reply::error("ERR timeout is negative"));
    }
    if seconds.is_nan() || seconds > MAX_TIMEOUT {
        return Err(BAD_TIMEOUT);
    }
    if seconds == 0.0 {
        return Ok(None);
    }
    Ok(Some(now + Duration::from_secs_f64(seconds)))
}

impl Broker {
    /// Executes one command of `client` at `now` (time since the broker's start). The client must not be blocked.
    pub fn execute(&mut self, client: ClientId, request: &Request<'_>, now: Duration) {
        let cx = Context {
            client,
            now,
            may_block: true,
        };
        self.commands += 1;
        if let Err(refusal) = self.dispatch(cx, request) {
            self.reply(client, refusal);
        }
    }

    fn dispatch(&mut self, cx: Context, request: &Request<'_>) -> Result<(), Reply> {
        let spec = find(request.arg(0));
        let state = &mut self.clients[cx.client.index()];
        state.last_seen = cx.now;
        if state.locked
            && !spec.is_some_and(|s| {
                matches!(
                    s.command,
                    Command::Auth | Command::Hello | Command::Quit | Command::Reset
                )
            })
        {
            return Err(Reply::error("NOAUTH Authentication required."));
        }
        let spec = spec.ok_or_else(|| unknown(request))?;
        if !(spec.least..=spec.most).contains(&request.len()) {
            return Err(wrong_number(spec.name));
        }
        state.last_command = spec.name;
        let reply = match spec.command {
            Command::Put(end) => return self.push_command(cx, request, end),
            Command::QPut => return self.put_command(cx, request),
            Command::Get(end) => self.get_command(cx, request, end)?,
            Command::GetOrWait(end) => return self.wait_command(cx, request, end),
            Command::Llen => Reply::count(self.depth(request.arg(1))?),
            Command::Lrange => self.range_command(request)?,
            Command::Lindex => self.index_command(request)?,
            Command::Del => self.delete_command(cx, request)?,
            Command::Exists => {
                let depths = request
                    .args(1)
                    .map(|key| self.depth(key))
                    .collect::<Result<Vec<_>, _>>()?;
                Reply::count(depths.iter().filter(|&&depth| depth > 0).count())
            }
            Command::Type => match self.depth(request.arg(1))? {
                0 => Reply::Status("none"),
                _ => Reply::Status("list"),
            },
            Command::Keys => {
                check_pattern(request.arg(1))?;
                Reply::Array(self.keys(request.arg(1)))
            }
            Command::Dbsize => Reply::count(
                self.queues
                    .iter()
                    .filter(|queue| !queue.items.is_empty())
                    .count(),
            ),
            Command::QDeclare => self.declare_command(cx, request)?,
            Command::QStat => self.stat_reply(request.arg(1), cx.now)?,
            Command::QList => self.list_reply(if request.len() > 1 {
                request.arg(1)
            } else {
                b"*"
            })?,
            other => return self.session_command(cx, request, other),
        };
        self.reply(cx.client, reply);
        Ok(())
    }

    pub(super) fn named(&self, key: &[u8]) -> Result<Option<u32>, Reply> {
        check_name(key)?;
        Ok(self.find(key))
    }

    fn depth(&self, key: &[u8]) -> Result<usize, Reply> {
        Ok(self
            .named(key)?
            .map_or(0, |queue| self.queues[queue as usize].items.len()))
    }

    fn keys(&self, pattern: &[u8]) -> Vec<Reply> {
        let filled = self.queues.iter().filter(|queue| !queue.items.is_empty());
        filled
            .filter(|queue| glob::matches(pattern, &queue.key))
            .map(|queue| Reply::Key(queue.key.clone()))
            .collect()
    }

    /// `LPUSH|RPUSH key value [value …]`
    fn push_command(&mut self, cx: Context, request: &Request<'_>, end: End) -> Result<(), Reply> {
        self.put_values(cx, request, 2, end, Patience::AsDeclared)
    }

    /// `Q.PUT key timeout|NOWAIT value [value …]`
    fn put_command(&mut self, cx: Context, request: &Request<'_>) -> Result<(), Reply> {
        let patience = match request.arg(2) {
            word if text_is(word, "NOWAIT") => Patience::None,
            seconds => Patience::Until(deadline(seconds, cx.now)?),
        };
        self.put_values(cx, request, 3, End::Right, patience)
    }

    fn put_values(
        &mut self,
        cx: Context,
        request: &Request<'_>,
        first: usize,
        end: End,
        patience: Patience,
    ) -> Result<(), Reply> {
        check_name(request.arg(1))?;
        let bytes = request.args(first).map(|value| value.len() as u64).sum();
        if self.used_memory() + bytes > self.options.max_memory {
            return Err(OUT_OF_MEMORY);
        }
        let at = Tick::at(cx.now);
        let size = (request.len() - first, bytes);
        self.put(cx, request.arg(1), end, size, patience, |index| {
            request.item(first + index, at)
        })
    }

    /// `LPOP|RPOP key [count]`
    fn get_command(
        &mut self,
        cx: Context,
        request: &Request<'_>,
        end: End,
    ) -> Result<Reply, Reply> {
        let counted = request.len() == 3;
        let count = match number(request.arg(2)).map(usize::try_from) {
            _ if !counted => 1,
            Some(Ok(count)) => count,
            _ => return Err(NOT_COUNT),
        };
        let found = self
            .named(request.arg(1))?
            .filter(|&queue| !self.queues[queue as usize].items.is_empty());
        let Some(queue) = found else {
            return Ok(if counted { Reply::NilArray } else { Reply::Nil });
        };
        let key = self.queues[queue as usize].key.clone();
        let items = if counted {
            GotItems::Many(self.take(cx, queue, end, count))
        } else {
            match self.take_one(cx, queue, end) {
                Some(item) => GotItems::One(item),
                None => return Ok(Reply::Nil),
            }
        };
        Ok(Reply::Got(Got { key, end, items }))
    }

    /// `BLPOP|BRPOP key [key …] timeout`
    fn wait_command(&mut self, cx: Context, request: &Request<'_>, end: End) -> Result<(), Reply> {
        let keys = 1..request.len() - 1;
        let deadline = deadline(request.arg(request.len() - 1), cx.now)?;
        if keys.len() > MAX_WAITED_FOR {
            return Err(MANY_KEYS);
        }
        keys.clone()
            .try_for_each(|index| check_name(request.arg(index)))?;
        for index in keys.clone() {
            let Some(queue) = self.find(request.arg(index)) else {
                continue;
            };
            let key = self.queues[queue as usize].key.clone();
            if let Some(item) = self.take_one(cx, queue, end) {
                let items = GotItems::WithKey(item);
                self.reply(cx.client, Reply::Got(Got { key, end, items }));
                return Ok(());
            }
        }
        if !cx.may_block {
            return Err(Reply::NilArray);
        }
        self.check_room_for_queues(keys.len())?;
        let queues = keys
            .map(|index| self.queue_or_new(request.arg(index)))
            .collect();
        self.block(cx, deadline, Waiting::Get { queues, end });
        Ok(())
    }

    /// `LRANGE key start stop`
    fn range_command(&self, request: &Request<'_>) -> Result<Reply, Reply> {
        let start = number(request.arg(2)).ok_or(NOT_INTEGER)?;
        let stop = number(request.arg(3)).ok_or(NOT_INTEGER)?;
        let Some(queue) = self.named(request.arg(1))? else {
            return Ok(Reply::Array(Vec::new()));
        };
        let items = &self.queues[queue as usize].items;
        let len = items.len() as i64;
        let from_end = |index: i64| {
            if index < 0 {
                index.saturating_add(len)
            } else {
                index
            }
        };
        let (start, stop) = (from_end(start).max(0), from_end(stop).min(len - 1));
        let range = (start..=stop).filter_map(|index| items.get(usize::try_from(index).ok()?));
        Ok(Reply::Array(range.cloned().map(Reply::Value).collect()))
    }

    /// `LINDEX key index`
    fn index_command(&self, request: &Request<'_>) -> Result<Reply, Reply> {
        let index = number(request.arg(2)).ok_or(NOT_INTEGER)?;
        let Some(queue) = self.named(request.arg(1))? else {
            return Ok(Reply::Nil);
        };
        let items = &self.queues[queue as usize].items;
        let index = if index < 0 {
            index.saturating_add(items.len() as i64)
        } else {
            index
        };
        let item = usize::try_from(index)
            .ok()
            .and_then(|index| items.get(index));
        Ok(item.cloned().map_or(Reply::Nil, Reply::Value))
    }

    /// `DEL|UNLINK key [key …]`
    fn delete_command(&mut self, cx: Context, request: &Request<'_>) -> Result<Reply, Reply> {
        request.args(1).try_for_each(check_name)?;
        let mut deleted = 0;
        for key in request.args(1) {
            if let Some(queue) = self.find(key) {
                deleted += usize::from(self.purge(queue, cx.now) > 0);
                self.forget(queue, true);
            }
        }
        Ok(Reply::count(deleted))
    }

    /// `Q.DECLARE key [IFNEW] [MAX n] [MAXBYTES b] [FULL BLOCK|ERROR] [JOINABLE]`: alters what it names; a limit of 0
    /// is none. With `IFNEW` a queue that was declared before stays as it is, and the reply is nil.
    fn declare_command(&mut self, cx: Context, request: &Request<'_>) -> Result<Reply, Reply> {
        check_name(request.arg(1))?;
        let (mut max, mut max_bytes, mut refuse, mut joinable) = (None, None, None, false);
        let mut if_new = false;
        let mut at = 2;
        while at < request.len() {
            let value = request.arg(at + 1);
            let limit = || {
                number(value)
                    .and_then(|limit| u64::try_from(limit).ok())
                    .ok_or(NOT_COUNT)
            };
            let word = request.arg(at);
            if text_is(word, "JOINABLE") || text_is(word, "IFNEW") {
                joinable |= text_is(word, "JOINABLE");
                if_new |= text_is(word, "IFNEW");
                at += 1;
                continue;
            }
            if at + 1 >= request.len() {
                return Err(SYNTAX);
            }
            if text_is(word, "MAX") {
                max = Some(limit()?);
            } else if text_is(word, "MAXBYTES") {
                max_bytes = Some(limit()?);
            } else if text_is(word, "FULL") && text_is(value, "BLOCK") {
                refuse = Some(false);
            } else if text_is(word, "FULL") && text_is(value, "ERROR") {
                refuse = Some(true);
            } else {
                return Err(SYNTAX);
            }
            at += 2;
        }
        let queue = self.queue_if_room(request.arg(1))?;
        let state = &mut self.queues[queue as usize];
        if if_new && state.standing != Standing::InUse {
            return Ok(Reply::Nil);
        }
        let limit =
            |said: Option<u64>, before| said.map_or(before, |limit| (limit > 0).then_some(limit));
        if state.standing == Standing::InUse {
            state.standing = Standing::ByClient;
        }
        state.max = limit(max, state.max);
        state.max_bytes = limit(max_bytes, state.max_bytes);
        state.refuse_when_full = refuse.unwrap_or(state.refuse_when_full);
        state.joinable |= joinable;
        self.altered(queue, cx.now);
        Ok(Reply::Status("OK"))
    }
}
