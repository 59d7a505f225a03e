//! Which paths a process has seen to be storable, so that a page that never is costs next to nothing.
//!
//! A path whose answer could not be stored is neither looked up nor stored for a while: that saves a key and a
//! look at the store, a round trip where it is far. One that was storable once is looked up ever after: its
//! answers to some clients are, and to others are not. All of it is a hint, in a table of fixed size in which a
//! path may take the place of another: what is forgotten is learned again, and where it is wrong the app runs.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use xxhash_rust::xxh3::xxh3_64;

use crate::http::freshness::Millis;

/// How many paths there is room for: 64 KiB.
const PLACES: usize = 8192;

/// For how long a path that is not storable is not looked up, in milliseconds.
const WHILE: Millis = 10_000;

/// The lowest bit: it was storable.
const STORABLE: u64 = 1;
/// The bits of the path.
const PATH: u64 = 0xffff_ffff << 32;

/// What was learned of paths.
#[derive(Debug)]
pub struct Learned(Box<[AtomicU64]>);

/// A path, by its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path(u64);

impl Path {
    /// The path of these octets.
    #[must_use]
    pub fn of(octets: &[u8]) -> Self {
        Self(xxh3_64(octets))
    }
}

impl Default for Learned {
    fn default() -> Self {
        Self((0..PLACES).map(|_| AtomicU64::new(0)).collect())
    }
}

impl Learned {
    fn place(&self, path: Path) -> &AtomicU64 {
        // A remainder is less than the length, which is not 0.
        &self.0[usize::try_from(path.0 % PLACES as u64).unwrap_or_default()]
    }

    /// Whether it is known that nothing is stored for this path.
    #[must_use]
    pub fn is_unstorable(&self, path: Path, now: Millis) -> bool {
        let word = self.place(path).load(Relaxed);
        (word ^ path.0) & PATH == 0 && word & STORABLE == 0 && seconds(now) < (word & !PATH) >> 1
    }

    /// An answer of this path can be stored.
    pub fn storable(&self, path: Path) {
        let (place, word) = (self.place(path), path.0 & PATH | STORABLE);
        // Most often it is known: then nothing is written to what others read.
        if place.load(Relaxed) != word {
            place.store(word, Relaxed);
        }
    }

    /// An answer of this path can't be stored, and no other is likely to be.
    pub fn unstorable(&self, path: Path, now: Millis) {
        let place = self.place(path);
        let word = place.load(Relaxed);
        let is_known = (word ^ path.0) & PATH == 0;
        if !(is_known && word & STORABLE != 0) {
            place.store(path.0 & PATH | seconds(now.saturating_add(WHILE)) << 1, Relaxed);
        }
    }
}

/// 31 bits of seconds.
fn seconds(time: Millis) -> u64 {
    u64::try_from(time / 1000).unwrap_or(0) & 0x7fff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_not_storable_is_left_out_for_a_while() {
        let (learned, path, now) = (Learned::default(), Path::of(b"/x"), 1_800_000_000_000);
        assert!(!learned.is_unstorable(path, now));
        learned.unstorable(path, now);
        assert!(learned.is_unstorable(path, now + 9_000));
        assert!(!learned.is_unstorable(path, now + WHILE));
        assert!(!learned.is_unstorable(Path::of(b"/y"), now));
    }

    #[test]
    fn a_path_that_was_storable_once_is_looked_up_ever_after() {
        let (learned, path, now) = (Learned::default(), Path::of(b"/x"), 1_800_000_000_000);
        learned.unstorable(path, now);
        learned.storable(path);
        assert!(!learned.is_unstorable(path, now));
        learned.unstorable(path, now);
        assert!(!learned.is_unstorable(path, now));
    }
}
