//! The end of a run, in order, so that nothing is cut off and nothing is left.

use super::*;

impl Runtime {
    /// The end of a run, in order: the agent ends and with it everything it started; the rest of the output
    /// reaches logs and client; queues, totals, summary; the last event; the socket.
    pub(super) async fn finish(mut self) -> Option<Summary> {
        let (outcome, first_failure) = self.over.clone()?;
        if self.linked {
            self.parts.link.send(&ToAgent::Shutdown);
            if tokio::time::timeout(SHUTDOWN, self.farewell())
                .await
                .is_err()
            {
                self.notice(
                    Level::Error,
                    None,
                    "the agent did not end in time; it was killed".to_owned(),
                );
                let _ = self.parts.link.agent().kill();
            }
        }
        let reaped = self.parts.link.agent().try_wait();
        if !matches!(reaped, Ok(Some(_))) {
            let _ = self.parts.link.agent().wait();
        }
        if !self.linked || outcome == Outcome::HostLost {
            // The guardian does this too; the run does not end before it is done.
            guardian::sweep(&self.parts.mark);
        }
        let hand_over = async {
            while let Some(fact) = self.parts.facts.recv().await {
                match fact {
                    OutputFact::Closed(written, lost) => self.logged = (written, lost),
                    OutputFact::Notice(level, text) => {
                        let micros = self.parts.started.elapsed().as_micros() as u64;
                        let event = Event::Notice {
                            level,
                            process: None,
                            text,
                        };
                        self.to_record.push(Stamped {
                            at: micros as f64 / 1e6,
                            event: event.clone(),
                        });
                        self.outbox.push_back(Stamped {
                            at: micros as f64 / 1e6,
                            event,
                        });
                    }
                    OutputFact::Eof(_, shown) => self.shown += shown,
                    _ => {}
                }
            }
        };
        let _ = tokio::time::timeout(HAND_OVER, hand_over).await;
        if let Some(output) = self.parts.output.take() {
            let _ = output.join();
        }
        self.sample_queues_at_end();
        let ended = Event::RunEnded {
            outcome,
            first_failure,
        };
        let micros = self.parts.started.elapsed().as_micros() as u64;
        let stamped = Stamped {
            at: micros as f64 / 1e6,
            event: ended,
        };
        self.outbox.push_back(stamped.clone());
        self.to_record.push(stamped);
        self.parts
            .record
            .events(std::mem::take(&mut self.to_record));
        self.parts.queues.shutdown();
        drop(self.parts.sockets);
        let summary = self.parts.record.finish().map(|(folder, mut summary)| {
            summary.outcome = outcome;
            summary.exit_code = outcome.exit_code().into();
            summary.bytes.shown = self.logged.0;
            summary.bytes.lost = self.logged.1;
            let discarded = self.discarded.values().sum();
            summary.bytes.discarded = summary.bytes.discarded.max(discarded);
            if let Err(error) = folder.finish(&mut summary) {
                let micros = self.parts.started.elapsed().as_micros() as u64;
                let text = error.to_string();
                let event = Event::Notice {
                    level: Level::Error,
                    process: None,
                    text,
                };
                self.outbox.insert(
                    self.outbox.len().saturating_sub(1),
                    Stamped {
                        at: micros as f64 / 1e6,
                        event,
                    },
                );
            }
            summary
        });
        for event in std::mem::take(&mut self.outbox) {
            if self.parts.events.send(event).await.is_err() {
                break;
            }
        }
        summary
    }

    pub(super) fn sample_queues_at_end(&mut self) {
        self.sample_queues();
        let Ok(samples) = self.parts.queues.list() else {
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

    /// Hears the agent out until it closes its channel.
    pub(super) async fn farewell(&mut self) {
        loop {
            if self.parts.link.flush().is_err() {
                return;
            }
            let mut messages = Vec::new();
            tokio::select! {
                ready = self.parts.link.ready() => {
                    if ready.is_err() || self.parts.link.read(&mut messages).is_err() {
                        return;
                    }
                    for message in messages {
                        match message {
                            FromAgent::Bye => return,
                            FromAgent::Muted { child, discarded, .. } => {
                                self.discarded.insert(child, discarded);
                            }
                            FromAgent::Swept(group, killed) if killed > 0 => {
                                let text =
                                    format!("group {group} had left {killed} processes behind; they were ended");
                                self.notice(Level::Info, None, text);
                            }
                            _ => {}
                        }
                    }
                }
                fact = self.parts.facts.recv() => match fact {
                    Some(fact) => self.fact(fact),
                    None => tokio::time::sleep(Duration::from_millis(5)).await,
                },
            }
        }
    }
}
