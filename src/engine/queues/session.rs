//! The commands about connections and the server: `HELLO`, `AUTH`, `CLIENT`, `INFO` and their like.
//!
//! Their words follow stock, because clients read them (ioredis waits for `loading:0` in `INFO`, redis-py parses
//! `CLIENT LIST`, redis-benchmark asks `CONFIG GET`). Touches no queue. Start at [`Broker::session_command`].
use std::borrow::Cow;
use std::fmt::Write as _;

use super::broker::{Broker, ClientId, Context};
use super::commands::{shown, wrong_number};
use super::reply::{Protocol, Reply};
use super::request::{Request, number};
use super::table::{COMMANDS, Command, text_is as is};

/// The version whose list commands we follow; clients decide by it what they may ask for.
const COMPATIBLE: &str = "7.0.0";
/// Wrong secrets until the connection is closed.
const MAX_FAILURES: u8 = 3;

/// Longest name of a client or a library in bytes: a task's and a queue's name with room to spare.
const MAX_CLIENT_NAME: usize = 2048;

const LONG_CLIENT_NAME: Reply =
    Reply::error("ERR Client names and library names have at most 2048 bytes.");
const OK: Reply = Reply::Status("OK");
const WRONG_PASSWORD: Reply =
    Reply::error("WRONGPASS invalid username-password pair or user is disabled.");
const BAD_CLIENT_NAME: Reply =
    Reply::error("ERR Client names cannot contain spaces, newlines or special characters.");

/// Compares without telling by its duration where the difference is.
fn same_secret(a: &[u8], b: &[u8]) -> bool {
    let differing = a.iter().zip(b).fold(0u8, |found, (x, y)| found | (x ^ y));
    std::hint::black_box(differing) == 0 && a.len() == b.len()
}

/// A name as stock allows it: printable, without spaces; here of a limited length.
fn client_name(name: &[u8]) -> Result<String, Reply> {
    if name.len() > MAX_CLIENT_NAME {
        return Err(LONG_CLIENT_NAME);
    }
    match std::str::from_utf8(name) {
        Ok(text) if name.iter().all(u8::is_ascii_graphic) => Ok(text.to_owned()),
        _ => Err(BAD_CLIENT_NAME),
    }
}

impl Broker {
    pub(super) fn session_command(
        &mut self,
        cx: Context,
        request: &Request<'_>,
        command: Command,
    ) -> Result<(), Reply> {
        let reply = match command {
            Command::Ping if request.len() == 1 => Reply::Status("PONG"),
            Command::Ping | Command::Echo => {
                Reply::Value(request.item(1, super::items::Tick::at(cx.now)))
            }
            Command::Hello => self.hello(cx, request)?,
            Command::Auth => {
                let user = if request.len() == 3 {
                    request.arg(1)
                } else {
                    b"default"
                };
                if self.options.token.is_none() && request.len() == 2 {
                    return Err(Reply::error(
                        "ERR AUTH <password> called without any password configured for the default user. \
                         Are you sure your configuration is correct?",
                    ));
                }
                self.authenticate(cx, user, request.arg(request.len() - 1))?;
                OK
            }
            Command::Select => match number(request.arg(1)) {
                Some(0) => OK,
                Some(_) => Reply::error("ERR DB index is out of range"),
                None => Reply::error("ERR value is not an integer or out of range"),
            },
            Command::Quit => {
                self.reply(cx.client, OK);
                self.close(cx.client);
                return Ok(());
            }
            Command::Reset => {
                let state = &mut self.clients[cx.client.index()];
                state.name.clear();
                state.protocol = Protocol::Resp2;
                Reply::Status("RESET")
            }
            Command::Client => self.client_command(cx, request)?,
            Command::Info => Reply::Text(Cow::Owned(self.info(cx))),
            Command::Time => {
                let time = self.options.started + cx.now;
                let part = |number: u64| Reply::Text(Cow::Owned(number.to_string()));
                Reply::Array(vec![
                    part(time.as_secs()),
                    part(u64::from(time.subsec_micros())),
                ])
            }
            Command::Config if is(request.arg(1), "GET") => Reply::Map(Vec::new()),
            Command::Config => return Err(unknown_subcommand(request)),
            Command::Table if is(request.arg(1), "COUNT") => Reply::count(COMMANDS),
            Command::Table if is(request.arg(1), "DOCS") => Reply::Map(Vec::new()),
            // The command table: clients that ask for it fall back to their own.
            _ => Reply::Array(Vec::new()),
        };
        self.reply(cx.client, reply);
        Ok(())
    }

    fn authenticate(&mut self, cx: Context, user: &[u8], secret: &[u8]) -> Result<(), Reply> {
        let right = match &self.options.token {
            Some(token) => same_secret(token, secret),
            None => true,
        };
        let state = &mut self.clients[cx.client.index()];
        if right && user == b"default" {
            state.locked = false;
            state.failures = 0;
            return Ok(());
        }
        state.failures += 1;
        if state.failures >= MAX_FAILURES {
            self.close(cx.client);
        }
        Err(WRONG_PASSWORD)
    }

    /// `HELLO [2|3] [AUTH user secret] [SETNAME name]`
    fn hello(&mut self, cx: Context, request: &Request<'_>) -> Result<Reply, Reply> {
        let mut protocol = self.clients[cx.client.index()].protocol;
        if request.len() > 1 {
            protocol = match number(request.arg(1)) {
                Some(2) => Protocol::Resp2,
                Some(3) => Protocol::Resp3,
                Some(_) => return Err(Reply::error("NOPROTO unsupported protocol version")),
                None => {
                    return Err(Reply::error(
                        "ERR Protocol version is not an integer or out of range",
                    ));
                }
            };
        }
        let mut name = None;
        let mut at = 2;
        while at < request.len() {
            let option = request.arg(at);
            if is(option, "AUTH") && at + 2 < request.len() {
                self.authenticate(cx, request.arg(at + 1), request.arg(at + 2))?;
                at += 3;
            } else if is(option, "SETNAME") && at + 1 < request.len() {
                name = Some(client_name(request.arg(at + 1))?);
                at += 2;
            } else {
                let option = shown(option, 128);
                let text = format!("ERR Syntax error in HELLO option '{option}'");
                return Err(Reply::Error(Cow::Owned(text)));
            }
        }
        let state = &mut self.clients[cx.client.index()];
        if state.locked {
            return Err(Reply::error(
                "NOAUTH HELLO must be called with the client already authenticated, otherwise the \
                 HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and \
                 select the RESP protocol version at the same time",
            ));
        }
        if let Some(name) = name {
            state.name = name;
        }
        state.protocol = protocol;
        let version = if protocol == Protocol::Resp3 { 3 } else { 2 };
        let id = i64::try_from(state.id).unwrap_or(i64::MAX);
        let text = |text: &'static str| Reply::Text(Cow::Borrowed(text));
        Ok(Reply::Map(vec![
            ("server", text("dragon-tui")),
            ("version", text(COMPATIBLE)),
            ("proto", Reply::Int(version)),
            ("id", Reply::Int(id)),
            ("mode", text("standalone")),
            ("role", text("master")),
            ("modules", Reply::Array(Vec::new())),
        ]))
    }

    fn client_command(&mut self, cx: Context, request: &Request<'_>) -> Result<Reply, Reply> {
        let word = request.arg(1).to_ascii_uppercase();
        let most = match &word[..] {
            b"ID" | b"GETNAME" | b"INFO" => 2,
            b"SETNAME" | b"NO-EVICT" | b"NO-TOUCH" => 3,
            b"SETINFO" => 4,
            b"LIST" => usize::MAX,
            b"KILL" => usize::MAX,
            _ => return Err(unknown_subcommand(request)),
        };
        let least = match most {
            usize::MAX => 2,
            exact => exact,
        };
        if !(least..=most).contains(&request.len()) {
            let word = shown(request.arg(1), 128).to_lowercase();
            return Err(wrong_number(&format!("client|{word}")));
        }
        let state = &mut self.clients[cx.client.index()];
        Ok(match &word[..] {
            b"ID" => Reply::Int(i64::try_from(state.id).unwrap_or(i64::MAX)),
            b"GETNAME" if state.name.is_empty() => Reply::Nil,
            b"GETNAME" => Reply::Text(Cow::Owned(state.name.clone())),
            b"SETNAME" => {
                state.name = client_name(request.arg(2))?;
                OK
            }
            b"SETINFO" => {
                let value = client_name(request.arg(3)).map_err(|refusal| match refusal {
                    refusal if refusal == LONG_CLIENT_NAME => refusal,
                    _ => Reply::error(
                        "ERR lib-name or lib-ver cannot contain spaces, newlines or special characters.",
                    ),
                })?;
                if is(request.arg(2), "LIB-NAME") {
                    state.library.0 = value;
                } else if is(request.arg(2), "LIB-VER") {
                    state.library.1 = value;
                } else {
                    let option = shown(request.arg(2), 128);
                    let text = format!("ERR Unrecognized option '{option}'");
                    return Err(Reply::Error(Cow::Owned(text)));
                }
                OK
            }
            b"INFO" => Reply::Text(Cow::Owned(self.client_line(cx.client, cx))),
            b"LIST" => {
                let alive = (0..self.clients.len() as u32)
                    .map(ClientId)
                    .filter(|id| self.clients[id.index()].alive);
                Reply::Text(Cow::Owned(
                    alive.map(|id| self.client_line(id, cx)).collect(),
                ))
            }
            b"KILL" => self.kill(cx.client, request)?,
            // NO-EVICT and NO-TOUCH: nothing is ever evicted here.
            _ => OK,
        })
    }

    /// `CLIENT KILL ID id`: the number of connections closed. Another's is closed at once: it leaves every line before
    /// the next command, and what it was about to get goes back.
    fn kill(&mut self, own: ClientId, request: &Request<'_>) -> Result<Reply, Reply> {
        if request.len() != 4 || !is(request.arg(2), "ID") {
            return Err(Reply::error("ERR syntax error"));
        }
        let Some(id) = number(request.arg(3)).and_then(|id| u64::try_from(id).ok()) else {
            return Err(Reply::error("ERR client-id should be greater than 0"));
        };
        let slot = self
            .clients
            .iter()
            .position(|client| client.alive && client.id == id);
        if let Some(slot) = slot {
            match ClientId(slot as u32) {
                client if client == own => self.close(client),
                client => self.let_go(client),
            }
        }
        Ok(Reply::Int(i64::from(slot.is_some())))
    }

    /// One line of `CLIENT LIST`, in stock's words as far as they mean something here.
    fn client_line(&self, client: ClientId, cx: Context) -> String {
        let state = &self.clients[client.index()];
        format!(
            "id={} addr=pid:{} name={} age={} idle={} flags={} db=0 sub=0 psub=0 multi=-1 cmd={} user=default \
             lib-name={} lib-ver={} resp={}\n",
            state.id,
            state.pid,
            state.name,
            cx.now.saturating_sub(state.connected).as_secs(),
            cx.now.saturating_sub(state.last_seen).as_secs(),
            if state.blocked.is_some() { "b" } else { "N" },
            state.last_command,
            state.library.0,
            state.library.1,
            if state.protocol == Protocol::Resp3 {
                3
            } else {
                2
            },
        )
    }

    fn info(&self, cx: Context) -> String {
        let alive = self.clients.iter().filter(|client| client.alive);
        let blocked = alive
            .clone()
            .filter(|client| client.blocked.is_some())
            .count();
        let keys = self
            .queues
            .iter()
            .filter(|queue| !queue.items.is_empty())
            .count();
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "# Server\r\nredis_version:{COMPATIBLE}\r\nredis_mode:standalone\r\nserver_name:dragon-tui\r\n\
             dragon_tui_version:{version}\r\nprocess_id:{pid}\r\nuptime_in_seconds:{uptime}\r\n\r\n\
             # Clients\r\nconnected_clients:{clients}\r\nblocked_clients:{blocked}\r\n\r\n\
             # Memory\r\nused_memory:{memory}\r\nmaxmemory:{max}\r\nmaxmemory_policy:noeviction\r\n\r\n\
             # Persistence\r\nloading:0\r\n\r\n\
             # Stats\r\ntotal_commands_processed:{commands}\r\n\r\n\
             # Replication\r\nrole:master\r\nconnected_slaves:0\r\n\r\n\
             # Keyspace\r\n",
            version = env!("CARGO_PKG_VERSION"),
            pid = std::process::id(),
            uptime = cx.now.as_secs(),
            clients = alive.count(),
            memory = self.used_memory(),
            max = self.options.max_memory,
            commands = self.commands,
        );
        if keys > 0 {
            let _ = write!(text, "db0:keys={keys},expires=0,avg_ttl=0\r\n");
        }
        text
    }
}

fn unknown_subcommand(request: &Request<'_>) -> Reply {
    let command = shown(request.arg(0), 128).to_uppercase();
    let word = shown(request.arg(1), 128);
    Reply::Error(Cow::Owned(format!(
        "ERR unknown subcommand '{word}'. Try {command} HELP."
    )))
}
