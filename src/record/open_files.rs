//! The few log files that are open: the one used longest ago is closed for another one.

use std::fs::File;

/// No slot.
pub(super) const NONE: u32 = u32::MAX;

#[derive(Debug)]
struct Slot {
    file: File,
    owner: u32,
    newer: u32,
    older: u32,
}

/// Open files, in the order of their last use: a list through the slots, so that a use costs a few
/// writes and no allocation.
#[derive(Debug)]
pub(super) struct OpenFiles {
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    newest: u32,
    oldest: u32,
    open: usize,
    limit: usize,
}

impl OpenFiles {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            newest: NONE,
            oldest: NONE,
            open: 0,
            limit: limit.max(1),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.open
    }

    /// At most so many from now on (at least 1); what is too many is closed by [`Self::evict`].
    pub(super) fn set_limit(&mut self, limit: usize) {
        self.limit = limit.max(1);
    }

    /// How many may be open.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    pub(super) fn is_full(&self) -> bool {
        self.open >= self.limit
    }

    /// The file of a slot, which becomes the newest.
    pub(super) fn touch(&mut self, slot: u32) -> Option<&File> {
        if self.newest != slot {
            self.unlink(slot)?;
            self.link(slot);
        }
        Some(&self.slots.get(slot as usize)?.as_ref()?.file)
    }

    /// Takes a file in as the newest: its slot.
    pub(super) fn insert(&mut self, owner: u32, file: File) -> u32 {
        let slot = Slot {
            file,
            owner,
            newer: NONE,
            older: NONE,
        };
        let index = match self.free.pop() {
            Some(index) => index,
            None => {
                self.slots.push(None);
                u32::try_from(self.slots.len() - 1).unwrap_or(NONE)
            }
        };
        if let Some(place) = self.slots.get_mut(index as usize) {
            *place = Some(slot);
            self.open += 1;
            self.link(index);
        }
        index
    }

    /// Closes a file.
    pub(super) fn remove(&mut self, slot: u32) {
        if self.unlink(slot).is_some() {
            self.slots[slot as usize] = None;
            self.free.push(slot);
            self.open -= 1;
        }
    }

    /// Closes the file used longest ago: its owner.
    pub(super) fn evict(&mut self) -> Option<u32> {
        let slot = self.oldest;
        let owner = self.slots.get(slot as usize)?.as_ref()?.owner;
        self.remove(slot);
        Some(owner)
    }

    fn at(&mut self, slot: u32) -> Option<&mut Slot> {
        self.slots.get_mut(slot as usize)?.as_mut()
    }

    fn unlink(&mut self, slot: u32) -> Option<()> {
        let (newer, older) = {
            let slot = self.at(slot)?;
            (slot.newer, slot.older)
        };
        match self.at(newer) {
            Some(neighbour) => neighbour.older = older,
            None => self.newest = older,
        }
        match self.at(older) {
            Some(neighbour) => neighbour.newer = newer,
            None => self.oldest = newer,
        }
        Some(())
    }

    /// Puts a slot that is in no list before all others.
    fn link(&mut self, slot: u32) {
        let before = self.newest;
        if let Some(slot) = self.at(slot) {
            slot.newer = NONE;
            slot.older = before;
        }
        match self.at(before) {
            Some(neighbour) => neighbour.newer = slot,
            None => self.oldest = slot,
        }
        self.newest = slot;
    }
}
