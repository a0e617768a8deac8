//! How queued values are kept: [`Item`] (one value, 24 bytes of handle) and [`Items`] (a queue of them).
//!
//! Owns the layout only: nothing here knows keys, limits, clients or clocks. Start at [`Items`].
use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

/// From this length on a value is shared (`Bytes`) instead of copied.
pub const SHARED_FROM: usize = 4096;

/// Items of one chunk: large enough that the chunk's own header does not count, small enough that a queue
/// never holds more than one half-empty chunk at each end.
const CHUNK: usize = 128;

/// One enqueue tick. Ten milliseconds in 32 bits last for 497 days, milliseconds would wrap after 50.
const TICK_MS: u64 = 10;

/// A moment in ticks since the broker's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick(u32);

impl Tick {
    /// The tick of a moment given as time since the broker's start.
    pub fn at(now: Duration) -> Self {
        let ticks = now.as_millis() / u128::from(TICK_MS);
        Tick(u32::try_from(ticks).unwrap_or(u32::MAX))
    }

    /// Milliseconds from this tick to `now`.
    pub fn age_ms(self, now: Duration) -> u64 {
        u64::from(Tick::at(now).0.saturating_sub(self.0)) * TICK_MS
    }
}

/// One queued value, when it came in, and how often it was handed out before.
///
/// Both kinds carry the same two fields so that the discriminant fits in the padding: 24 bytes in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A value copied out of the read buffer, so that it pins nothing.
    Small {
        /// The value.
        data: Box<[u8]>,
        /// When it was put.
        at: Tick,
        /// Failed deliveries so far.
        returned: u8,
    },
    /// A value in an allocation of its own, shared with replies under way.
    Big {
        /// The value.
        data: Box<Bytes>,
        /// When it was put.
        at: Tick,
        /// Failed deliveries so far.
        returned: u8,
    },
}

impl Item {
    /// An item that copies `value`.
    pub fn copied(value: &[u8], at: Tick) -> Self {
        Item::Small {
            data: value.into(),
            at,
            returned: 0,
        }
    }

    /// An item that shares `value`.
    pub fn shared(value: Bytes, at: Tick) -> Self {
        Item::Big {
            data: Box::new(value),
            at,
            returned: 0,
        }
    }

    /// The value.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Item::Small { data, .. } => data,
            Item::Big { data, .. } => data,
        }
    }

    /// The value without a copy, where it is a shared one.
    pub fn as_shared(&self) -> Option<&Bytes> {
        match self {
            Item::Small { .. } => None,
            Item::Big { data, .. } => Some(data),
        }
    }

    /// When the item was put.
    pub fn at(&self) -> Tick {
        match self {
            Item::Small { at, .. } | Item::Big { at, .. } => *at,
        }
    }

    /// Sets when the item was put (a value that waited for room counts from its entry).
    pub fn restamp(&mut self, now: Tick) {
        match self {
            Item::Small { at, .. } | Item::Big { at, .. } => *at = now,
        }
    }

    /// How often the item came back undelivered.
    pub fn returned(&self) -> u8 {
        match self {
            Item::Small { returned, .. } | Item::Big { returned, .. } => *returned,
        }
    }

    /// Counts one failed delivery.
    pub fn count_return(&mut self) {
        match self {
            Item::Small { returned, .. } | Item::Big { returned, .. } => {
                *returned = returned.saturating_add(1);
            }
        }
    }

    /// Length of the value in bytes.
    pub fn len(&self) -> u64 {
        self.bytes().len() as u64
    }

    /// True for a value of no bytes.
    pub fn is_empty(&self) -> bool {
        self.bytes().is_empty()
    }

    /// Memory the item holds, handle and allocator's overhead included, in bytes.
    pub fn cost(&self) -> u64 {
        cost_of(self.bytes().len())
    }
}

/// Memory an item of `len` bytes holds: the handle, and the allocation rounded as malloc rounds it.
pub fn cost_of(len: usize) -> u64 {
    let handle = size_of::<Item>() as u64;
    let own = (len as u64 + 8).next_multiple_of(16).max(32);
    let shared = if len >= SHARED_FROM { 96 } else { 0 };
    handle + own + shared
}

/// A double-ended queue of items in chunks: no doubling copy of a long queue, no empty half after it.
///
/// Invariant: no chunk is empty, and all but the first and the last are full (so `get` is arithmetic).
#[derive(Debug, Default)]
pub struct Items {
    chunks: VecDeque<VecDeque<Item>>,
    len: usize,
}

impl Items {
    /// Number of items.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds at the back.
    pub fn push_back(&mut self, item: Item) {
        self.len += 1;
        match self.chunks.back_mut() {
            Some(chunk) if chunk.len() < CHUNK => chunk.push_back(item),
            _ => self.chunks.push_back(VecDeque::from([item])),
        }
    }

    /// Adds at the front.
    pub fn push_front(&mut self, item: Item) {
        self.len += 1;
        match self.chunks.front_mut() {
            Some(chunk) if chunk.len() < CHUNK => chunk.push_front(item),
            _ => self.chunks.push_front(VecDeque::from([item])),
        }
    }

    /// Takes from the front.
    pub fn pop_front(&mut self) -> Option<Item> {
        let chunk = self.chunks.front_mut()?;
        let item = chunk.pop_front()?;
        self.len -= 1;
        // The last chunk stays: a queue that swings between empty and one item must not allocate each time.
        if chunk.is_empty() && self.chunks.len() > 1 {
            self.chunks.pop_front();
        }
        Some(item)
    }

    /// Takes from the back.
    pub fn pop_back(&mut self) -> Option<Item> {
        let chunk = self.chunks.back_mut()?;
        let item = chunk.pop_back()?;
        self.len -= 1;
        if chunk.is_empty() && self.chunks.len() > 1 {
            self.chunks.pop_back();
        }
        Some(item)
    }

    /// The item at `index`, 0 = front.
    pub fn get(&self, index: usize) -> Option<&Item> {
        let first = self.chunks.front()?;
        if index < first.len() {
            return first.get(index);
        }
        let rest = index - first.len();
        self.chunks.get(1 + rest / CHUNK)?.get(rest % CHUNK)
    }

    /// The item at the front.
    pub fn front(&self) -> Option<&Item> {
        self.chunks.front()?.front()
    }

    /// All items from the front.
    pub fn iter(&self) -> impl Iterator<Item = &Item> {
        self.chunks.iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_handle_of_an_item_is_24_bytes() {
        assert_eq!(size_of::<Item>(), 24);
    }

    #[test]
    fn a_queued_64_byte_item_is_reckoned_at_no_more_than_110_bytes() {
        assert!(cost_of(64) <= 110, "{}", cost_of(64));
    }

    #[test]
    fn the_age_of_an_item_is_right_to_a_tick() {
        let put = Tick::at(Duration::from_millis(1234));
        let age = put.age_ms(Duration::from_millis(5234));
        assert!((3990..=4010).contains(&age), "{age}");
    }

    proptest! {
        #[test]
        fn the_chunked_queue_behaves_as_a_plain_one(ops in prop::collection::vec((0u8..6, 1usize..200), 1..60)) {
            let mut ours = Items::default();
            let mut plain: VecDeque<Item> = VecDeque::new();
            let mut next = 0u32;
            for (op, times) in ops {
                for _ in 0..times {
                    next += 1;
                    let item = Item::copied(&next.to_be_bytes(), Tick(next));
                    match op {
                        0 | 1 => { ours.push_back(item.clone()); plain.push_back(item); }
                        2 | 3 => { ours.push_front(item.clone()); plain.push_front(item); }
                        4 => prop_assert_eq!(ours.pop_front(), plain.pop_front()),
                        _ => prop_assert_eq!(ours.pop_back(), plain.pop_back()),
                    }
                }
                prop_assert_eq!(ours.len(), plain.len());
                prop_assert!(ours.iter().eq(plain.iter()));
                prop_assert_eq!(ours.front(), plain.front());
                for index in [0, 1, plain.len() / 2, plain.len().saturating_sub(1), plain.len()] {
                    prop_assert_eq!(ours.get(index), plain.get(index));
                }
            }
        }
    }
}
