//! Where the queue server is, and one conversation with it.
//!
//! Owns the choice of the socket and the words for everything that goes wrong on the way. Never interprets an item.
//! Start at [`Link::open`].

use std::{
    env, io,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Result, anyhow, bail};

use super::Place;
use crate::{
    engine::queues::client::{Client, Reply},
    model::session::nearest,
    record::{RunState, Runs},
    term::plain_text::one_line,
};

/// How long an answer may take that nothing has to be waited for. Long, because a thousand ranks may ask at once.
pub const PROMPT: Duration = Duration::from_secs(60);

/// A connection to the queues of one run.
#[derive(Debug)]
pub struct Link {
    client: Client,
    path: PathBuf,
}

impl Link {
    /// Connects and introduces itself, so that whoever looks at `queue` sees which process waits there.
    pub fn open(place: &Place, queue: &str) -> Result<Self> {
        let path = find(place)?;
        let client = Client::connect(&path).map_err(|error| unreachable(&path, &error))?;
        let mut link = Self { client, path };
        let task = env::var("DRAGON_TASK").unwrap_or_default();
        link.ask(&[b"CLIENT", b"SETNAME", introduction(&task, queue).as_bytes()])?;
        Ok(link)
    }

    /// Asks what is answered at once; a refusal is an error.
    pub fn ask(&mut self, command: &[&[u8]]) -> Result<Reply> {
        self.send(command)?;
        accepted(self.receive(Some(PROMPT))?)
    }

    /// Sends a command whose reply is received later.
    pub fn send(&mut self, command: &[&[u8]]) -> Result<()> {
        let sent = self.client.send(command);
        sent.map_err(|error| self.broken(&error, None))
    }

    /// Sends a part of one or several commands.
    pub fn send_raw(&mut self, bytes: &[u8]) -> Result<()> {
        let sent = self.client.send_raw(bytes);
        sent.map_err(|error| self.broken(&error, None))
    }

    /// The next reply, a refusal included; waits at most `patience`, `None`: for ever.
    pub fn receive(&mut self, patience: Option<Duration>) -> Result<Reply> {
        let reply = self
            .client
            .set_patience(patience)
            .and_then(|()| self.client.receive());
        reply.map_err(|error| self.broken(&error, patience))
    }

    /// What the server counts of a queue; `None` when there is no such queue.
    pub fn stat(&mut self, queue: &str) -> Result<Option<Vec<(Reply, Reply)>>> {
        match self.ask(&[b"Q.STAT", queue.as_bytes()])? {
            Reply::Nil => Ok(None),
            reply => Ok(Some(reply.pairs())),
        }
    }

    /// `there is no queue "job" (did you mean "jobs"?)`
    pub fn no_such_queue(&mut self, queue: &str) -> Result<String> {
        let names = names(self.ask(&[b"Q.LIST"])?);
        let hint = match nearest(queue, names.iter().map(String::as_str)) {
            Some(near) => format!(" (did you mean {:?}?)", one_line(near)),
            None => String::new(),
        };
        Ok(format!("there is no queue {:?}{hint}", one_line(queue)))
    }

    /// The words for a conversation that broke off; "broken pipe" would say nothing to anybody.
    fn broken(&self, error: &io::Error, patience: Option<Duration>) -> anyhow::Error {
        let path = self.path.display();
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => anyhow!(
                "the queue server at {path} did not answer within {} s",
                patience.unwrap_or_default().as_secs()
            ),
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionReset => {
                anyhow!("the queue server at {path} went away: the run has ended")
            }
            _ => anyhow!("the queue server at {path}: {error}"),
        }
    }
}

/// The reply, unless it is a refusal.
pub fn accepted(reply: Reply) -> Result<Reply> {
    match reply {
        Reply::Error(text) => Err(refused(&text)),
        reply => Ok(reply),
    }
}

/// The error that a refusal is.
pub fn refused(text: &str) -> anyhow::Error {
    let text = one_line(text);
    if text.contains("unknown command 'Q.") {
        return anyhow!("this server is not the one of dragon-tui: {text}");
    }
    anyhow!(
        "the queue server refused: {}",
        text.strip_prefix("ERR ").unwrap_or(&text)
    )
}

/// The names in a reply to `Q.LIST`.
fn names(reply: Reply) -> Vec<String> {
    let Reply::Array(lines) = reply else {
        return Vec::new();
    };
    let name = |line: Reply| match line {
        Reply::Array(fields) => fields
            .first()
            .and_then(Reply::as_bytes)
            .map(|name| String::from_utf8_lossy(name).into_owned()),
        _ => None,
    };
    lines.into_iter().filter_map(name).collect()
}

/// A client's name: `task@queue`, in characters that the server allows there.
fn introduction(task: &str, queue: &str) -> String {
    let task = if task.is_empty() { "dragon-tui" } else { task };
    format!("{task}@{queue}")
        .chars()
        .map(|c| if c.is_ascii_graphic() { c } else { '_' })
        .collect()
}

/// The socket: what the command line says, else what the environment of a rank says.
fn find(place: &Place) -> Result<PathBuf> {
    if let Some(path) = &place.socket {
        return Ok(path.clone());
    }
    if let Some(name) = &place.run {
        return socket_of(&Runs::of_this_user()?, name);
    }
    match env::var_os("DRAGON_QUEUE_SOCKET").filter(|path| !path.is_empty()) {
        Some(path) => Ok(path.into()),
        None => bail!(
            "which queues? Inside a run DRAGON_QUEUE_SOCKET says it; elsewhere write --run RUN \
             (`dragon-tui runs` lists them, `--run last` is the newest)"
        ),
    }
}

/// The socket of a run that goes on, on this host.
pub(super) fn socket_of(runs: &Runs, name: &str) -> Result<PathBuf> {
    let run = runs.open(name)?;
    match &run.state {
        RunState::RunningHere if run.engine.queue_socket.is_empty() => {
            bail!("run {} has no queue server of its own", run.id)
        }
        RunState::RunningHere => Ok(run.engine.queue_socket.into()),
        RunState::OnHost(host) => bail!(
            "run {} is on {host}: its queues can be reached there only",
            run.id,
            host = one_line(host)
        ),
        RunState::Ended | RunState::Died => {
            bail!("run {} has ended, and its queues with it", run.id)
        }
    }
}

fn unreachable(path: &Path, error: &io::Error) -> anyhow::Error {
    let path = path.display();
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            anyhow!("no queue server at {path}: its run has ended")
        }
        io::ErrorKind::PermissionDenied => {
            anyhow!("the queue server at {path} belongs to another user")
        }
        _ => anyhow!("no queue server at {path}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_named_after_its_task_and_its_queue() {
        assert_eq!(introduction("demo/a.0", "jobs"), "demo/a.0@jobs");
        assert_eq!(introduction("", "a b\u{e9}"), "dragon-tui@a_b_");
    }

    #[test]
    fn what_the_command_line_says_comes_before_the_environment() {
        let place = Place {
            run: None,
            socket: Some("/there".into()),
        };
        assert_eq!(find(&place).unwrap(), PathBuf::from("/there"));
    }

    #[test]
    fn a_run_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = socket_of(&Runs::at(folder.path()), "261123-aaaaa").unwrap_err();
        assert!(error.to_string().contains("261123-aaaaa"), "{error}");
    }
}
