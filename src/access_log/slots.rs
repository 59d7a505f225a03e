//! Numbers by the hash of what they stand for.
//!
//! Why not `hashbrown`: it looks at two places in memory, of which the first tells the second, and both are far
//! away once there are many clients. Here a place has both, the hash and the number, so that the places of many
//! look-ups can be fetched at once; and growing needs none of the strings that were hashed.

/// Numbers, each with its hash.
#[derive(Debug, Default)]
pub(super) struct Slots {
    /// A power of two of them or none, from each hash on until one is empty.
    slots: Vec<Slot>,
    len: usize,
}

/// The hash, and in the lower half the number and one; 0 if it is empty.
type Slot = u64;

/// Slots of the smallest table.
const LEAST: usize = 16;

fn slot(hash: u32, number: u32) -> Slot {
    u64::from(hash) << 32 | u64::from(number.wrapping_add(1))
}

const fn hash_in(slot: Slot) -> u32 {
    (slot >> 32) as u32
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half")]
const fn number_in(slot: Slot) -> u32 {
    (slot as u32).wrapping_sub(1)
}

impl Slots {
    /// None yet, with room for so many.
    pub(super) fn with_room(many: usize) -> Self {
        let slots = (many / 3 * 4 + LEAST).next_power_of_two();
        Self { slots: std::iter::repeat_n(0, slots).collect(), len: 0 }
    }

    /// The first number of that hash that is the right one.
    pub(super) fn find(&self, hash: u32, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let mut at = hash as usize;
        loop {
            let slot = *self.slots.get(at & self.mask())?;
            if slot == 0 {
                return None;
            }
            if hash_in(slot) == hash && is_it(number_in(slot)) {
                return Some(number_in(slot));
            }
            at += 1;
        }
    }

    /// Keep a number that is not there.
    pub(super) fn insert(&mut self, hash: u32, number: u32) {
        self.len += 1;
        // A quarter of it empty, so that one is near.
        if self.len > self.slots.len() / 4 * 3 {
            let more = (self.slots.len() * 2).max(LEAST);
            // Written, not just zero: to be read before it is written, as it would be, costs each page two faults.
            let empty = std::iter::repeat_n(0, more).collect();
            for slot in std::mem::replace(&mut self.slots, empty) {
                if slot != 0 {
                    self.put(slot);
                }
            }
        }
        self.put(slot(hash, number));
    }

    fn put(&mut self, slot: Slot) {
        let mask = self.mask();
        let mut at = hash_in(slot) as usize;
        while let Some(place) = self.slots.get_mut(at & mask) {
            if *place == 0 {
                *place = slot;
                return;
            }
            at += 1;
        }
    }

    const fn mask(&self) -> usize {
        self.slots.len().wrapping_sub(1)
    }

    /// Read where a hash is looked for, so that it is at hand.
    pub(super) fn touch(&self, hash: u32) -> u64 {
        self.slots.get(hash as usize & self.mask()).copied().unwrap_or_default()
    }

    /// Bytes of memory that they take.
    pub(super) const fn memory(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Hashes that share places, that are alike, and that start at the end of the table.
        #[test]
        fn it_finds_what_a_map_does(
            hashes in prop::collection::vec(prop_oneof![0_u32..8, Just(u32::MAX), any::<u32>()], 0..200),
            others in prop::collection::vec(0_u32..16, 10),
        ) {
            let mut numbers = Slots::default();
            let mut by_hash: HashMap<u32, Vec<u32>> = HashMap::new();
            for (number, hash) in (0..).zip(&hashes) {
                prop_assert_eq!(numbers.find(*hash, |found| found == number), None);
                numbers.insert(*hash, number);
                by_hash.entry(*hash).or_default().push(number);
            }
            for hash in hashes.iter().chain(&others) {
                let known = by_hash.get(hash).map_or(&[][..], Vec::as_slice);
                for number in known {
                    prop_assert_eq!(numbers.find(*hash, |found| found == *number), Some(*number));
                }
                prop_assert_eq!(numbers.find(*hash, |_| true).is_some(), !known.is_empty());
                prop_assert_eq!(numbers.find(*hash, |found| !known.contains(&found)), None);
            }
            prop_assert!(hashes.is_empty() || numbers.memory() >= hashes.len() * 8);
        }
    }
}
