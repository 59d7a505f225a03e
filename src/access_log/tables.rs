//! Strings that many lines share, kept once: addresses, users, user agents, URLs.

use std::hash::{BuildHasher, Hash};

use foldhash::fast::FixedState;

use super::slots::Slots;

/// Strings and their numbers, in the order of their arrival.
#[derive(Debug, Default)]
pub struct Strings {
    /// All of them, one after the other.
    text: Vec<u8>,
    ends: Vec<usize>,
    numbers: Slots,
}

/// The same in each run, so that a report of the same log is the same.
pub(super) type Hashing = FixedState;

const HASHING: Hashing = Hashing::with_seed(0);

pub(super) fn hash_of<T: Hash + ?Sized>(value: &T) -> u64 {
    HASHING.hash_one(value)
}

/// The half of a hash that tables use.
#[expect(clippy::cast_possible_truncation, reason = "half of a hash is one")]
pub(super) const fn half_of(hash: u64) -> u32 {
    hash as u32
}

impl Strings {
    /// None yet, with room for so many.
    pub(super) fn with_room(many: usize) -> Self {
        Self { text: Vec::new(), ends: Vec::with_capacity(many), numbers: Slots::with_room(many) }
    }

    /// The number of a string, which is kept if it is new.
    pub fn number(&mut self, string: &[u8]) -> u32 {
        self.number_of(half_of(hash_of(string)), string)
    }

    /// The same where the hash is known.
    pub(super) fn number_of(&mut self, hash: u32, string: &[u8]) -> u32 {
        if let Some(number) = self.numbers.find(hash, |number| self.get(number) == string) {
            return number;
        }
        let number = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        self.text.extend_from_slice(string);
        self.ends.push(self.text.len());
        self.numbers.insert(hash, number);
        number
    }

    /// The number of a string that likely has this hash.
    pub(super) fn likely(&self, hash: u32) -> Option<u32> {
        self.numbers.find(hash, |_| true)
    }

    /// Read where a string is looked for, so that it is at hand.
    pub(super) fn touch(&self, hash: u32) -> u64 {
        self.numbers.touch(hash)
    }

    /// Read a little of a string, so that it is at hand.
    pub(super) fn touch_text(&self, number: u32) -> usize {
        let end = self.ends.get(number as usize).copied().unwrap_or_default();
        end ^ usize::from(self.text.get(end.saturating_sub(1)).copied().unwrap_or_default())
    }

    /// The string of a number; empty if there is none.
    #[must_use]
    pub fn get(&self, number: u32) -> &[u8] {
        let number = number as usize;
        let start = number.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied());
        match (start, self.ends.get(number)) {
            (Some(start), Some(end)) => self.text.get(start..*end).unwrap_or_default(),
            _ => &[],
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Is there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All of them by number.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..).take(self.len()).map(|number| self.get(number))
    }

    /// Bytes of memory that they take.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.text.capacity() + self.ends.capacity() * size_of::<usize>() + self.numbers.memory()
    }
}

/// Who asked: an address, a user and a user agent, by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Client {
    /// Into [`Tables::addresses`].
    pub address: u32,
    /// Into [`Tables::users`].
    pub user: u32,
    /// Into [`Tables::agents`].
    pub agent: u32,
}

/// All that events name by number.
#[derive(Debug, Default)]
pub struct Tables {
    /// Clients' addresses.
    pub addresses: Strings,
    /// Users, the first of them nobody.
    pub users: Strings,
    /// User agents.
    pub agents: Strings,
    /// URLs: path and query.
    pub urls: Strings,
    pub(super) clients: Vec<Client>,
}

impl Tables {
    /// All clients by number.
    #[must_use]
    pub fn clients(&self) -> &[Client] {
        &self.clients
    }
}

/// A client's place between 0 and the highest number, by which whole clients are drawn into a sample. The
/// same client has the same place in each log.
#[must_use]
pub fn place_of(address: &[u8], user: &[u8], agent: &[u8]) -> u64 {
    hash_of(&(address, user, agent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_has_one_number() {
        let mut strings = Strings::default();
        assert_eq!([&b"a"[..], b"", b"a", b"bc"].map(|text| strings.number(text)), [0, 1, 0, 2]);
        assert_eq!(
            (strings.get(0), strings.get(1), strings.get(2), strings.get(9)),
            (&b"a"[..], &b""[..], &b"bc"[..], &b""[..])
        );
    }
}
