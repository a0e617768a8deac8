//! What a client wants of the queues: answered on a thread of its own, so that a slow answer holds up nothing.
//!
//! Owns that thread. Never interprets an item. Start at [`Errands`].

use std::{
    io,
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    thread,
    time::Duration,
};

use tokio::sync::mpsc;

use super::wire::{Deed, FromEngine};
use crate::engine::queues::{
    QueueQuestions,
    client::{Client, Reply},
};

/// Errands that may wait; the next one is refused.
const WAITING_MAX: usize = 16;

/// Bytes of items in one answer.
const PEEK_MAX: usize = 1 << 20;

/// Items in one answer.
const ITEMS_MAX: usize = 1000;

/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Something to be done at a queue.
#[derive(Debug)]
pub enum Errand {
    /// Look at items: from which, how many, how much of each.
    Peek(usize, usize, usize),
    /// Throw everything away.
    Purge,
    /// Put an item.
    Put(Vec<u8>),
}

impl Errand {
    fn deed(&self) -> Deed {
        match self {
            Errand::Peek(..) => Deed::Peek,
            Errand::Purge => Deed::Purge,
            Errand::Put(_) => Deed::Put,
        }
    }
}

/// The thread, from the side of the door. It ends when this is dropped.
#[derive(Debug)]
pub struct Errands {
    errands: SyncSender<(String, Errand)>,
    answers: mpsc::Receiver<FromEngine>,
}

impl Errands {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system has no thread to spare.
    pub fn start(queues: QueueQuestions) -> io::Result<Self> {
        let (errands, received) = sync_channel(WAITING_MAX);
        let (answer, answers) = mpsc::channel(WAITING_MAX);
        thread::Builder::new()
            .name("errands".to_owned())
            .spawn(move || run(&queues, &received, &answer))?;
        Ok(Self { errands, answers })
    }

    /// Takes an errand; the answer where it is refused.
    pub fn take(&self, queue: String, errand: Errand) -> Option<FromEngine> {
        let (queue, errand, text) = match self.errands.try_send((queue, errand)) {
            Ok(()) => return None,
            Err(TrySendError::Full((queue, errand))) => {
                (queue, errand, "too much is asked of the queues at once")
            }
            Err(TrySendError::Disconnected((queue, errand))) => (queue, errand, "the run is over"),
        };
        Some(done(errand.deed(), queue, Err(text.to_owned())))
    }

    /// The next answer; never again once the thread is gone.
    pub async fn answer(&mut self) -> FromEngine {
        match self.answers.recv().await {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }
}

fn done(what: Deed, queue: String, outcome: Result<&str, String>) -> FromEngine {
    let (failed, text) = match outcome {
        Ok(text) => (false, text.to_owned()),
        Err(text) => (true, text),
    };
    FromEngine::Done {
        what,
        queue,
        failed,
        text,
    }
}

fn run(
    queues: &QueueQuestions,
    errands: &Receiver<(String, Errand)>,
    answers: &mpsc::Sender<FromEngine>,
) {
    while let Ok((queue, errand)) = errands.recv() {
        if answers
            .blocking_send(perform(queues, queue, errand))
            .is_err()
        {
            return;
        }
    }
}

fn perform(queues: &QueueQuestions, queue: String, errand: Errand) -> FromEngine {
    let deed = errand.deed();
    match queues.stat(&queue) {
        Err(error) => return done(deed, queue, Err(error.to_string())),
        Ok(None) => {
            let text = format!("there is no queue {queue:?}");
            return done(deed, queue, Err(text));
        }
        Ok(Some(_)) => {}
    }
    let outcome = match errand {
        Errand::Peek(from, count, head) => {
            let count = count.clamp(1, ITEMS_MAX);
            match queues.peek(&queue, from, count, head.min(PEEK_MAX / count)) {
                Ok(items) => return FromEngine::Peeked { queue, from, items },
                Err(error) => Err(error.to_string()),
            }
        }
        Errand::Purge => match ask(queues, &[b"DEL", queue.as_bytes()]) {
            Ok(_) => Ok("emptied"),
            Err(text) => Err(text),
        },
        Errand::Put(bytes) => match ask(queues, &[b"Q.PUT", queue.as_bytes(), b"NOWAIT", &bytes]) {
            Ok(Reply::Nil) => Err("the queue is full".to_owned()),
            Ok(_) => Ok("put"),
            Err(text) => Err(text),
        },
    };
    done(deed, queue, outcome)
}

/// Asks the server as any client of it does.
fn ask(queues: &QueueQuestions, command: &[&[u8]]) -> Result<Reply, String> {
    let asked = Client::connect(queues.path()).and_then(|mut client| {
        client.set_patience(Some(PATIENCE))?;
        client.command(command)
    });
    match asked {
        Ok(Reply::Error(text)) => Err(text.strip_prefix("ERR ").unwrap_or(&text).to_owned()),
        Ok(reply) => Ok(reply),
        Err(error) => Err(format!("the queue server does not answer: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::queues::{QueueDecl, QueueServer, ServerOptions};

    #[test]
    fn items_are_put_looked_at_and_thrown_away_and_what_cannot_be_is_said() {
        let place = tempfile::tempdir().unwrap();
        let declared = QueueDecl {
            name: "q".to_owned(),
            maxsize: Some(2),
            ..QueueDecl::default()
        };
        let server = QueueServer::start(
            place.path().join("s"),
            vec![declared],
            ServerOptions::default(),
        )
        .unwrap();
        let mut errands = Errands::start(server.questions().clone()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let mut ask = |queue: &str, errand| match errands.take(queue.to_owned(), errand) {
            Some(refusal) => refusal,
            None => runtime.block_on(errands.answer()),
        };
        let text = |answer| match answer {
            FromEngine::Done { failed, text, .. } => (failed, text),
            FromEngine::Peeked { from, items, .. } => {
                let heads: Vec<_> = items.iter().map(|it| it.head.escape_ascii()).collect();
                let heads: Vec<_> = heads.into_iter().map(|it| it.to_string()).collect();
                (false, format!("{from}: {}", heads.join(" ")))
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(
            text(ask("q", Errand::Put(b"one".into()))),
            (false, "put".into())
        );
        ask("q", Errand::Put(b"\0two".into()));
        assert_eq!(
            text(ask("q", Errand::Put(b"three".into()))),
            (true, "the queue is full".into())
        );
        assert_eq!(
            text(ask("q", Errand::Peek(0, 9, 2))),
            (false, "0: on \\x00t".into())
        );
        assert_eq!(
            text(ask("q", Errand::Peek(1, 1, 99))),
            (false, "1: \\x00two".into())
        );
        assert_eq!(text(ask("q", Errand::Purge)), (false, "emptied".into()));
        assert_eq!(text(ask("q", Errand::Peek(0, 9, 9))), (false, "0: ".into()));
        assert_eq!(
            text(ask("p", Errand::Purge)),
            (true, "there is no queue \"p\"".into())
        );
        server.shutdown();
        assert!(text(ask("q", Errand::Purge)).0);
    }
}
