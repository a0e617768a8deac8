//! The end of a run, in order, so that nothing is cut off and nothing is left.

use std::time::Duration;

use super::{HAND_OVER, Runtime, SHUTDOWN};
use crate::{
    agent::{
        guardian,
        wire::{FromAgent, ToAgent},
    },
    engine::output::OutputFact,
    model::event::{Event, Level, Outcome},
    record::Summary,
};

impl Runtime {
    /// The agent ends, and with it everything it started; the rest of the output reaches logs and client; queue totals,
    /// the last event, the summary; at last the client hears of it.
    pub(super) async fn finish(mut self) -> Option<Summary> {
        let (outcome, first_failure) = self.over.clone()?;
        self.end_agent(outcome).await;
        let handed_over = tokio::time::timeout(HAND_OVER, self.hand_over()).await;
        if handed_over.is_ok()
            && let Some(output) = self.parts.output.take()
        {
            let _ = output.join();
        }
        self.count_queues();
        self.emit(Event::RunEnded {
            outcome,
            first_failure,
        });
        self.parts.record.last(std::mem::take(&mut self.to_record));
        let (client, mut outbox, discarded, logged) =
            (self.client, self.outbox, self.discarded, self.logged);
        let parts = self.parts;
        parts.queues.shutdown();
        drop(parts.sockets);
        let summary = parts.record.finish().map(|(folder, mut summary)| {
            summary.outcome = outcome;
            summary.exit_code = outcome.exit_code().into();
            (summary.bytes.shown, summary.bytes.lost) = logged;
            summary.bytes.discarded = discarded;
            if let Err(error) = folder.finish(&mut summary) {
                // Too late for an event: the last one is on its way. The events themselves tell how it went.
                tracing::error!("{error}");
            }
            summary
        });
        if client {
            while let Some(event) = outbox.pop_front() {
                if parts.events.send(event).await.is_err() {
                    break;
                }
            }
        }
        summary
    }

    async fn end_agent(&mut self, outcome: Outcome) {
        if self.linked
            && tokio::time::timeout(SHUTDOWN, self.hear_out())
                .await
                .is_err()
        {
            self.notice(
                Level::Error,
                None,
                "the agent did not end in time; it was killed".to_owned(),
            );
            self.linked = false;
        }
        let agent = self.parts.link.agent();
        if !self.linked {
            // It may hang, or talk nonsense; its guardian ends what it started.
            let _ = agent.kill();
        }
        let _ = agent.wait();
        if !self.linked || outcome == Outcome::HostLost {
            // The guardian does this too; the run does not end before it is done.
            guardian::sweep(&self.parts.mark);
        }
    }

    /// Hears the agent out: sweeps that are under way first, then its end.
    async fn hear_out(&mut self) {
        let mut asked = false;
        let mut messages = Vec::new();
        loop {
            if self.sweeping == 0 && !std::mem::replace(&mut asked, true) {
                self.parts.link.send(&ToAgent::Shutdown);
            }
            if self.parts.link.flush().is_err() {
                return;
            }
            tokio::select! {
                ready = self.parts.link.ready(true) => {
                    let closed = ready.is_err() || self.parts.link.read(&mut messages).is_err();
                    for message in messages.drain(..) {
                        if message == FromAgent::Bye {
                            return;
                        }
                        self.message(message);
                    }
                    if closed {
                        return;
                    }
                }
                fact = self.parts.facts.recv(), if self.telling => match fact {
                    Some(fact) => self.fact(fact),
                    None => self.telling = false,
                },
                () = tokio::time::sleep(Duration::from_secs(3)), if !asked => self.sweeping = 0,
            }
        }
    }

    /// Waits until the output thread has handed everything to logs and client.
    async fn hand_over(&mut self) {
        while let Some(fact) = self.parts.facts.recv().await {
            match fact {
                OutputFact::Closed(written, lost) => self.logged = (written, lost),
                OutputFact::Notice(level, text) => self.notice(level, None, text),
                OutputFact::Eof(_, discarded) => self.discarded += discarded,
                OutputFact::Credit(_)
                | OutputFact::Seen(..)
                | OutputFact::SilenceBroken(_)
                | OutputFact::Captured(..) => {}
            }
        }
    }

    fn count_queues(&mut self) {
        self.sample_queues();
        let Ok(samples) = self.parts.queues.questions().list() else {
            return;
        };
        let totals: indexmap::IndexMap<_, _> = samples
            .iter()
            .filter_map(|queue| {
                Some((
                    queue.name.parse().ok()?,
                    (queue.put, queue.got, queue.depth),
                ))
            })
            .collect();
        if !totals.is_empty() {
            self.emit(Event::QueueTotals { queues: totals });
        }
    }
}
