//! How an entry lies in records: its names and payload in one of its own, with what it shares kept elsewhere once.
//!
//! The record of an entry begins with the number of its names, the lengths of payload and shared part, and, if
//! there is more than the record holds, the digest of the rest. Then come the names, 32 bits of each, and the
//! payload. The rest is what of these did not fit, and the shared part. It is kept under its own digest, in as
//! many records as it needs, so that all entries with the same rest have it together.

use super::key::{Key, Name};
use super::record::{CAPACITY, Kind, RecordKey};
use super::store::{Entry, MAX_NAMES, MAX_OCTETS};

const HEAD: usize = 6;
const DIGEST: usize = 16;
const NAME: usize = 4;

/// An entry, encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The record of the entry, at most [`CAPACITY`] octets.
    pub record: Vec<u8>,
    /// What is kept apart; empty if there is nothing.
    pub rest: Vec<u8>,
}

/// What the record of an entry says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decoded<'r> {
    /// How many names, payload octets and shared octets there are in all.
    pub lengths: Lengths,
    /// Names and payload, as far as they are in the record.
    pub own: &'r [u8],
    /// Where the rest is.
    pub rest: Option<Rest>,
}

/// The parts of an entry, once they are all in one place one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths {
    names: usize,
    payload: usize,
    shared: usize,
}

/// The digest and length of what is kept apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rest {
    digest: [u64; 2],
    length: usize,
}

/// The record of an entry's key.
#[must_use]
pub fn record_key(key: &Key) -> RecordKey {
    RecordKey { kind: Kind::Entry, words: words_of(key.octets()) }
}

impl Encoded {
    /// Encode an entry; `None` if it is too large.
    #[must_use]
    pub fn of(entry: &Entry<'_>) -> Option<Self> {
        let names = u8::try_from(entry.names.len()).ok().filter(|&names| usize::from(names) <= MAX_NAMES)?;
        if entry.payload.len() + entry.shared.len() > MAX_OCTETS {
            return None;
        }
        let payload = u16::try_from(entry.payload.len()).ok()?;
        let shared = u16::try_from(entry.shared.len()).ok()?;
        let mut own = Vec::with_capacity(entry.names.len() * NAME + entry.payload.len());
        for name in entry.names {
            own.extend_from_slice(&short(*name).to_le_bytes());
        }
        own.extend_from_slice(entry.payload);

        let lengths = Lengths::of(names, payload, shared);
        let mut record = Vec::with_capacity(CAPACITY);
        record.push(names);
        record.push(0);
        record.extend_from_slice(&payload.to_le_bytes());
        record.extend_from_slice(&shared.to_le_bytes());
        let mut rest = own.split_off(lengths.here());
        rest.extend_from_slice(entry.shared);
        if !rest.is_empty() {
            record.extend_from_slice(&digest_of(&rest));
        }
        record.extend_from_slice(&own);
        Some(Self { record, rest })
    }

    /// The records of the rest.
    pub fn pieces(&self) -> impl Iterator<Item = (RecordKey, &[u8])> {
        let digest = if self.rest.is_empty() { [0; 2] } else { words_of(&digest_of(&self.rest)) };
        self.rest.chunks(CAPACITY).enumerate().map(move |(number, piece)| (piece_key(digest, number), piece))
    }
}

impl Lengths {
    fn of(names: u8, payload: u16, shared: u16) -> Self {
        Self { names: usize::from(names), payload: usize::from(payload), shared: usize::from(shared) }
    }

    fn own(self) -> usize {
        self.names * NAME + self.payload
    }

    /// How many octets of names and payload are in the entry's own record.
    fn here(self) -> usize {
        if self.shared == 0 && HEAD + self.own() <= CAPACITY {
            self.own()
        } else {
            self.own().min(CAPACITY - HEAD - DIGEST)
        }
    }

    /// All octets of an entry, one after the other.
    #[must_use]
    pub fn total(self) -> usize {
        self.own() + self.shared
    }

    /// The names, 32 bits each, the payload and the shared part of an entry whose octets are all there.
    #[must_use]
    pub fn split(self, whole: &[u8]) -> Option<(impl Iterator<Item = u32>, &[u8], &[u8])> {
        let (names, others) = whole.split_at_checked(self.names * NAME)?;
        let (payload, shared) = others.split_at_checked(self.payload)?;
        let names = names.chunks_exact(NAME).map(|octets| {
            let mut name = [0; NAME];
            name.copy_from_slice(octets);
            u32::from_le_bytes(name)
        });
        (shared.len() == self.shared).then_some((names, payload, shared))
    }
}

impl<'r> Decoded<'r> {
    /// Read the record of an entry; `None` if it is none.
    #[must_use]
    pub fn of(record: &'r [u8]) -> Option<Self> {
        let (&[names, zero, p0, p1, s0, s1], after) = record.split_first_chunk::<HEAD>()?;
        let lengths = Lengths::of(names, u16::from_le_bytes([p0, p1]), u16::from_le_bytes([s0, s1]));
        let rest = lengths.total() - lengths.here();
        let (rest, own) = match rest {
            0 => (None, after),
            length => {
                let (digest, own) = after.split_first_chunk::<DIGEST>()?;
                (Some(Rest { digest: words_of(digest), length }), own)
            }
        };
        let possible =
            zero == 0 && own.len() == lengths.here() && lengths.payload + lengths.shared <= MAX_OCTETS;
        possible.then_some(Self { lengths, own, rest })
    }
}

impl Rest {
    /// The records that it is in, and how long each is.
    pub fn pieces(self) -> impl Iterator<Item = (RecordKey, usize)> {
        (0..self.length.div_ceil(CAPACITY)).map(move |number| {
            (piece_key(self.digest, number), (self.length - number * CAPACITY).min(CAPACITY))
        })
    }
}

/// What of a name an entry has.
#[must_use]
pub fn short(name: Name) -> u32 {
    (name.bits() & 0xffff_ffff) as u32
}

fn digest_of(rest: &[u8]) -> [u8; DIGEST] {
    let mut digest = [0; DIGEST];
    digest.copy_from_slice(&blake3::hash(rest).as_bytes()[..DIGEST]);
    digest
}

/// The key of a piece: the digest, moved on for each so that they lie in different sets.
fn piece_key([high, low]: [u64; 2], number: usize) -> RecordKey {
    let step = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    RecordKey { kind: Kind::Piece, words: [high, low.wrapping_add(step)] }
}

fn words_of(octets: &[u8; 16]) -> [u64; 2] {
    let mut words = [0; 2];
    for (word, octets) in words.iter_mut().zip(octets.chunks_exact(8)) {
        let mut eight = [0; 8];
        eight.copy_from_slice(octets);
        *word = u64::from_le_bytes(eight);
    }
    words
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cache::stamps::Sequence;

    fn entry<'a>(names: &'a [Name], payload: &'a [u8], shared: &'a [u8]) -> Entry<'a> {
        Entry { s0: Sequence { run: 1, number: 0 }, began: 0, keep: 0, names, payload, shared }
    }

    fn names(count: usize) -> Vec<Name> {
        (0..count).map(|number| Name::path(b"", &number.to_le_bytes())).collect()
    }

    /// What is read of what was written.
    fn round(names: &[Name], payload: &[u8], shared: &[u8]) -> Option<Encoded> {
        let encoded = Encoded::of(&entry(names, payload, shared))?;
        assert!(encoded.record.len() <= CAPACITY);
        let decoded = Decoded::of(&encoded.record).expect("what was written");
        let mut whole = decoded.own.to_vec();
        let pieces: Vec<_> = encoded.pieces().collect();
        let expected: Vec<_> = decoded.rest.iter().flat_map(|rest| rest.pieces()).collect();
        assert_eq!(expected, pieces.iter().map(|(key, piece)| (*key, piece.len())).collect::<Vec<_>>());
        for (_, piece) in pieces {
            whole.extend_from_slice(piece);
        }
        assert_eq!(whole.len(), decoded.lengths.total());
        let (short_names, read_payload, read_shared) = decoded.lengths.split(&whole).expect("all of it");
        assert!(short_names.eq(names.iter().copied().map(short)));
        assert_eq!((read_payload, read_shared), (payload, shared));
        Some(encoded)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            count in 0..=MAX_NAMES,
            payload in prop::collection::vec(any::<u8>(), 0..600),
            shared in prop::collection::vec(any::<u8>(), 0..2000),
        ) {
            prop_assert!(round(&names(count), &payload, &shared).is_some());
        }

        #[test]
        fn no_octets_are_misread(record in prop::collection::vec(any::<u8>(), 0..=CAPACITY), whole in prop::collection::vec(any::<u8>(), 0..500)) {
            if let Some(decoded) = Decoded::of(&record) {
                prop_assert!(decoded.own.len() <= record.len());
                if let Some((names, payload, shared)) = decoded.lengths.split(&whole) {
                    prop_assert_eq!(names.count() * NAME + payload.len() + shared.len(), whole.len());
                }
            }
        }
    }

    #[test]
    fn a_typical_entry_is_one_record_and_its_fields_are_kept_once() {
        let shared = [b'f'; 500];
        let one = round(&names(3), &[1; 170], &shared).expect("it fits");
        let other = round(&names(4), &[2; 120], &shared).expect("it fits");
        assert_eq!(one.rest, shared);
        assert!(one.pieces().eq(other.pieces()));
    }

    #[test]
    fn what_is_short_needs_no_other_record() {
        let encoded = round(&names(3), &[1; CAPACITY - HEAD - 3 * NAME], b"").expect("it fits");
        assert_eq!((encoded.record.len(), encoded.rest.len()), (CAPACITY, 0));
    }

    #[test]
    fn every_length_around_a_records_end_is_read() {
        for payload in CAPACITY - 60..CAPACITY + 60 {
            for shared in [0, 1, CAPACITY - 1, CAPACITY, CAPACITY + 1] {
                assert!(round(&names(2), &vec![7; payload], &vec![8; shared]).is_some());
            }
        }
    }

    #[test]
    fn what_is_too_large_is_refused() {
        assert!(round(&names(MAX_NAMES), &[1; 4096], &[2; MAX_OCTETS - 4096]).is_some());
        assert!(Encoded::of(&entry(&names(1), &[1; 4096], &[2; MAX_OCTETS - 4095])).is_none());
        assert!(Encoded::of(&entry(&names(MAX_NAMES + 1), b"", b"")).is_none());
    }
}
