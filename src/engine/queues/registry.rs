//! Which queues there are: how they are found, made and forgotten, how many there may be, and what they cost.
//!
//! A queue is a number that is used again after it was forgotten. What happens inside of one is `broker.rs`. Start at
//! [`Broker::queue_if_room`].
use std::sync::Arc;

use super::broker::Broker;
use super::reply::Reply;
use super::state::{Queue, Standing};

/// Undeclared queues that ran empty keep their counters while there are fewer queues than this.
pub(super) const KEEP_COUNTERS: usize = 4096;
/// Most queues that clients can make.
pub(super) const MAX_QUEUES: usize = 65_536;
const MANY_QUEUES: Reply = Reply::error("ERR there are 65536 queues already, more cannot be made");
/// Memory a queue holds by itself in bytes, about: its state, its name twice over, and the chunk that stays.
const QUEUE_COST: u64 = 1024;
/// After so many queues were forgotten the room they leave is given back (in tests all the time).
const SHRINK_EVERY: usize = if cfg!(test) { 5 } else { KEEP_COUNTERS };

impl Broker {
    pub(super) fn find(&self, key: &[u8]) -> Option<u32> {
        self.names.get(key).copied()
    }

    pub(super) fn queue_or_new(&mut self, key: &[u8]) -> u32 {
        if let Some(queue) = self.find(key) {
            return queue;
        }
        let slot = self.free_queues.pop().unwrap_or_else(|| {
            self.queues.push(Queue::default());
            (self.queues.len() - 1) as u32
        });
        let key: Arc<[u8]> = key.into();
        self.births += 1;
        self.queues[slot as usize] = Queue {
            key: key.clone(),
            birth: self.births,
            ..Queue::default()
        };
        self.names.insert(key, slot);
        slot
    }

    /// The same for a client, who may not make any number.
    pub(super) fn queue_if_room(&mut self, key: &[u8]) -> Result<u32, Reply> {
        match self.find(key) {
            Some(queue) => Ok(queue),
            None => {
                self.check_room_for_queues(1)?;
                Ok(self.queue_or_new(key))
            }
        }
    }

    /// Refuses when so many more queues would be too many.
    pub(super) fn check_room_for_queues(&self, more: usize) -> Result<(), Reply> {
        if self.names.len() + more > MAX_QUEUES {
            return Err(MANY_QUEUES);
        }
        Ok(())
    }

    /// Memory that counts against the limit, in bytes.
    pub(super) fn used_memory(&self) -> u64 {
        self.memory + self.in_transit + self.names.len() as u64 * QUEUE_COST
    }

    /// True when so much more than allowed is in use that no further long request is to be read.
    pub fn is_overrun(&self) -> bool {
        self.used_memory() / 2 > self.options.max_memory
    }

    /// Drops a queue nobody would miss: empty, without waiters, undeclared and without counters worth keeping
    /// (`deleted`: whatever its counters and clients say).
    pub(super) fn forget(&mut self, queue: u32, deleted: bool) {
        // A queue may stand twice in a line and be gone at the second time.
        let Some(state) = self.queues.get(queue as usize) else {
            return;
        };
        let unwanted = match state.standing {
            Standing::InUse => deleted || state.put == 0 || self.names.len() > KEEP_COUNTERS,
            Standing::ByClient => deleted,
            Standing::BySession => false,
        };
        if !unwanted || !state.items.is_empty() || state.waits() {
            return;
        }
        let birth = state.birth;
        if self.names.remove(&state.key).is_some() {
            self.forget_users(birth);
            self.queues[queue as usize] = Queue::default();
            self.free_queues.push(queue);
            self.forgotten += 1;
            if self.forgotten == SHRINK_EVERY {
                self.shrink();
            }
        }
    }

    /// Gives back the room of forgotten queues behind the last one.
    fn shrink(&mut self) {
        self.forgotten = 0;
        let last = self.queues.iter().rposition(|queue| !queue.key.is_empty());
        let used = last.map_or(0, |last| last + 1);
        self.queues.truncate(used);
        self.queues.shrink_to(2 * used);
        self.free_queues.retain(|&slot| (slot as usize) < used);
        self.free_queues.shrink_to(2 * used);
        self.names.shrink_to(2 * used);
    }
}
