//! Whoever writes nothing for too long is pointed out, once per silence.
//!
//! Owns when each rank with a `Quiet` alert wrote last, and which silences were told. The output thread notes the
//! moments ([`LastOutput::heard`]) and says when a silence that was told is over; nothing is looked at meanwhile. Times
//! are milliseconds on the output thread's clock. Never reads a clock itself. Start at [`Silences::due`].

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use crate::{
    agent::wire::ChildKey,
    engine::output::LastOutput,
    model::{ids::ProcessId, template::Alert},
};

#[derive(Debug)]
struct Silence {
    process: Arc<ProcessId>,
    alert: Alert,
    after: Duration,
    output: Arc<LastOutput>,
    muted: bool,
    /// When it is looked at next; absent: not before output comes again, or while it is muted.
    due: Option<u64>,
}

/// All ranks that may not be quiet.
#[derive(Debug, Default)]
pub(super) struct Silences {
    ranks: HashMap<ChildKey, Silence>,
    /// Every [`Silence::due`] there is.
    times: BTreeSet<(u64, ChildKey)>,
}

impl Silences {
    /// Listens for the silence of a rank that starts now. The output thread writes to what is returned.
    pub fn add(
        &mut self,
        child: ChildKey,
        process: Arc<ProcessId>,
        alert: Alert,
        after: Duration,
        muted: bool,
        now: u64,
    ) -> Arc<LastOutput> {
        let output = Arc::new(LastOutput {
            at: AtomicU64::new(now),
            told: AtomicBool::new(false),
        });
        let silence = Silence {
            process,
            alert,
            after,
            output: output.clone(),
            muted,
            due: None,
        };
        self.ranks.insert(child, silence);
        if !muted {
            self.look(child, now);
        }
        output
    }

    /// Listens no more.
    pub fn remove(&mut self, child: ChildKey) {
        self.do_not_look(child);
        self.ranks.remove(&child);
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Its output is muted or opened now. A silence that nobody could have heard does not count.
    pub fn mute(&mut self, child: ChildKey, muted: bool, now: u64) {
        let Some(silence) = self.ranks.get_mut(&child) else {
            return;
        };
        silence.muted = muted;
        if muted {
            self.do_not_look(child);
        } else {
            silence.output.at.fetch_max(now, SeqCst);
            silence.output.told.store(false, SeqCst);
            self.look(child, now);
        }
    }

    /// A silence that was told is over.
    pub fn broken(&mut self, child: ChildKey) {
        if let Some(silence) = self.ranks.get(&child)
            && !silence.muted
        {
            let last = silence.output.at.load(SeqCst);
            self.look(child, last);
        }
    }

    /// When somebody is to be looked at.
    pub fn deadline(&self) -> Option<u64> {
        self.times.first().map(|(due, _)| *due)
    }

    /// Who has been silent for too long by now. Silence before `deaf` was not the rank's: output was not listened to.
    pub fn due(&mut self, now: u64, deaf: u64) -> Vec<(ProcessId, Alert, String)> {
        let mut alerts = Vec::new();
        while let Some((due, child)) = self.times.first().copied()
            && due <= now
        {
            self.do_not_look(child);
            let Some(silence) = self.ranks.get(&child) else {
                continue;
            };
            let since = || silence.output.at.load(SeqCst).max(deaf);
            let is_quiet =
                |since: u64| u128::from(now.saturating_sub(since)) >= silence.after.as_millis();
            if !is_quiet(since()) {
                let since = since();
                self.look(child, since);
                continue;
            }
            // In this order: what comes after this mark is told by the output thread, what came before is seen here.
            silence.output.told.store(true, SeqCst);
            let again = since();
            if !is_quiet(again) {
                silence.output.told.store(false, SeqCst);
                self.look(child, again);
                continue;
            }
            let text = format!(
                "wrote nothing for {}",
                humantime::format_duration(silence.after)
            );
            alerts.push(((*silence.process).clone(), silence.alert.clone(), text));
        }
        alerts
    }

    /// Looks at a rank when it will have been silent for its time since then.
    fn look(&mut self, child: ChildKey, since: u64) {
        self.do_not_look(child);
        if let Some(silence) = self.ranks.get_mut(&child) {
            let after = u64::try_from(silence.after.as_millis()).unwrap_or(u64::MAX);
            let due = since.saturating_add(after);
            silence.due = Some(due);
            self.times.insert((due, child));
        }
    }

    fn do_not_look(&mut self, child: ChildKey) {
        if let Some(due) = self.ranks.get_mut(&child).and_then(|s| s.due.take()) {
            self.times.remove(&(due, child));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANK: ChildKey = ChildKey(1);

    fn silences(muted: bool) -> (Silences, Arc<LastOutput>) {
        let mut silences = Silences::default();
        let after = Duration::from_millis(100);
        let process = Arc::new("g/a.0".parse().unwrap());
        let output = silences.add(RANK, process, Alert::Quiet(after), after, muted, 0);
        (silences, output)
    }

    #[test]
    fn a_silence_is_told_once_until_output_comes_again() {
        let (mut silences, output) = silences(false);
        assert_eq!(silences.deadline(), Some(100));
        assert!(!output.heard(60));
        assert_eq!(silences.due(100, 0).len(), 0);
        assert_eq!(silences.deadline(), Some(160));
        assert_eq!(silences.due(160, 0)[0].2, "wrote nothing for 100ms");
        assert_eq!(silences.deadline(), None, "nothing is looked at meanwhile");
        assert!(output.heard(1000), "the end of a silence that was told");
        assert!(!output.heard(1001));
        silences.broken(RANK);
        assert_eq!(silences.deadline(), Some(1101));
        assert_eq!(silences.due(1101, 0).len(), 1);
    }

    #[test]
    fn whoever_is_muted_is_not_called_quiet_and_has_all_its_time_when_it_is_opened() {
        let (mut silences, _output) = silences(true);
        assert_eq!(silences.deadline(), None);
        silences.mute(RANK, false, 500);
        assert_eq!(silences.deadline(), Some(600));
        silences.mute(RANK, true, 550);
        assert_eq!((silences.deadline(), silences.due(700, 0).len()), (None, 0));
    }

    #[test]
    fn nobody_is_called_quiet_while_output_is_not_listened_to() {
        let (mut silences, _output) = silences(false);
        assert_eq!(silences.due(300, 250).len(), 0);
        assert_eq!(silences.deadline(), Some(350));
        silences.remove(RANK);
        assert_eq!(silences.deadline(), None);
    }
}
