//! A small blocking client of the queue server: for the command line inside a rank, and for tests.
//!
//! One request, one reply, RESP2 or RESP3; pipelining by [`Client::send`] and [`Client::receive`]. It never
//! interprets values. Start at [`Client::connect`].
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::request::encode;

/// Longest value accepted from a server, in bytes (stock's limit).
const MAX_BULK: usize = 512 * 1024 * 1024;
/// Deepest nesting accepted from a server.
const MAX_DEPTH: usize = 32;

/// A reply as it came.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// A short word such as `OK`.
    Status(String),
    /// The server's refusal, code first.
    Error(String),
    /// A number.
    Int(i64),
    /// A value.
    Bulk(Vec<u8>),
    /// A list; a RESP2 server's map comes as this too.
    Array(Vec<Reply>),
    /// Names and values of a RESP3 server.
    Map(Vec<(Reply, Reply)>),
    /// Nothing.
    Nil,
    /// A floating point number of a RESP3 server.
    Double(f64),
    /// A truth value of a RESP3 server.
    Bool(bool),
}

impl Reply {
    /// The pairs of a map, in either dialect; empty for anything else.
    pub fn pairs(self) -> Vec<(Reply, Reply)> {
        match self {
            Reply::Map(pairs) => pairs,
            Reply::Array(items) => {
                let mut items = items.into_iter();
                std::iter::from_fn(|| Some((items.next()?, items.next()?))).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The bytes of a value or a word.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Reply::Bulk(bytes) => Some(bytes),
            Reply::Status(text) => Some(text.as_bytes()),
            _ => None,
        }
    }
}

/// A connection to a queue server.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<UnixStream>,
}

fn bad(what: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("not a RESP reply: {what}"),
    )
}

impl Client {
    /// Connects to the server's socket.
    ///
    /// # Errors
    /// Those of connecting.
    pub fn connect(path: impl AsRef<Path>) -> io::Result<Self> {
        Ok(Client {
            stream: BufReader::new(UnixStream::connect(path)?),
        })
    }

    /// How long a reply may take; `None` = for ever, as at first.
    ///
    /// # Errors
    /// Zero is not a time.
    pub fn set_patience(&self, patience: Option<Duration>) -> io::Result<()> {
        self.stream.get_ref().set_read_timeout(patience)
    }

    /// Sends one command and waits for its reply. A refusal by the server is a [`Reply::Error`].
    ///
    /// # Errors
    /// Those of the connection, and a reply that is none.
    pub fn command(&mut self, args: &[&[u8]]) -> io::Result<Reply> {
        self.send(args)?;
        self.receive()
    }

    /// Sends one command; its reply is to be received later, in order.
    ///
    /// # Errors
    /// Those of the connection.
    pub fn send(&mut self, args: &[&[u8]]) -> io::Result<()> {
        self.stream.get_mut().write_all(&encode(args))
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// Those of the connection.
    pub fn send_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// The next reply.
    ///
    /// # Errors
    /// Those of the connection (its end is `UnexpectedEof`), and a reply that is none.
    pub fn receive(&mut self) -> io::Result<Reply> {
        self.reply(0)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        self.stream
            .by_ref()
            .take(64 * 1024)
            .read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let text = line
            .strip_suffix(b"\r\n")
            .ok_or_else(|| bad("unfinished line"))?;
        Ok(String::from_utf8_lossy(text).into_owned())
    }

    fn reply(&mut self, depth: usize) -> io::Result<Reply> {
        if depth > MAX_DEPTH {
            return Err(bad("too deep"));
        }
        let line = self.line()?;
        let (kind, rest) = line.split_at_checked(1).ok_or_else(|| bad("empty line"))?;
        let number = || rest.parse::<i64>().map_err(|_| bad(&line));
        match kind {
            "+" => Ok(Reply::Status(rest.to_owned())),
            "-" => Ok(Reply::Error(rest.to_owned())),
            ":" => Ok(Reply::Int(number()?)),
            "_" => Ok(Reply::Nil),
            "#" => Ok(Reply::Bool(rest == "t")),
            "," => Ok(Reply::Double(rest.parse().map_err(|_| bad(&line))?)),
            "$" | "*" | "%" | "~" | ">" if number()? < 0 => Ok(Reply::Nil),
            "$" | "=" => {
                let len = usize::try_from(number()?).map_err(|_| bad(&line))?;
                if len > MAX_BULK {
                    return Err(bad("value too long"));
                }
                let mut bytes = Vec::new();
                self.stream
                    .by_ref()
                    .take(len as u64 + 2)
                    .read_to_end(&mut bytes)?;
                if bytes.len() < len + 2 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                bytes.truncate(len);
                Ok(Reply::Bulk(bytes))
            }
            "*" | "~" | ">" => (0..number()?)
                .map(|_| self.reply(depth + 1))
                .collect::<io::Result<_>>()
                .map(Reply::Array),
            "%" => {
                let mut pairs = Vec::new();
                for _ in 0..number()? {
                    pairs.push((self.reply(depth + 1)?, self.reply(depth + 1)?));
                }
                Ok(Reply::Map(pairs))
            }
            _ => Err(bad(&line)),
        }
    }
}
