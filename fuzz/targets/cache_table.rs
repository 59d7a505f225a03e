//! A store of the validator cache whose memory was written over: what it finds is what was stored, or nothing.
#![no_main]

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use libfuzzer_sys::fuzz_target;
use notmodified::cache::entry::Decoded;
use notmodified::cache::layout::LEAST_WORDS;
use notmodified::cache::map::Map;
use notmodified::cache::stamps::Sequence;
use notmodified::cache::table::Table;
use notmodified::cache::words::Memory;
use notmodified::cache::{Entry, Key, KeySpace, Name, Outcome, Target};

const RUN: u64 = 7;

/// Where a word is written, and what is flipped in it.
const CHANGE: usize = 10;

fuzz_target!(|octets: &[u8]| {
    decode(octets);
    damage(octets);
});

/// Any octets as the record of an entry: it says no more than is there.
fn decode(record: &[u8]) {
    let Some(decoded) = Decoded::of(record) else { return };
    let pieces: usize = decoded.rest.iter().flat_map(|rest| rest.pieces()).map(|(_, length)| length).sum();
    assert_eq!(decoded.own.len() + pieces, decoded.lengths.total());
    let whole = [decoded.own, &vec![0; pieces]].concat();
    let (names, payload, shared) = decoded.lengths.split(&whole).expect("all of it");
    assert_eq!(names.count() * 4 + payload.len() + shared.len(), whole.len());
    assert!(whole.is_empty() || decoded.lengths.split(&whole[1..]).is_none());
}

/// The memory of a table, to be written to from outside too.
struct Shared(Arc<Map>);

impl Memory for Shared {
    type Word = <Map as Memory>::Word;

    fn words(&self) -> &[Self::Word] {
        self.0.words()
    }
}

fn damage(octets: &[u8]) {
    let map = Arc::new(Map::anonymous(LEAST_WORDS).expect("memory"));
    let table = Table::create(Shared(Arc::clone(&map)), RUN, &[], Arc::default()).expect("enough of it");
    for number in 0..8 {
        assert_eq!(table.store(&key(number), &entry(&payload(number), &shared(number))), Ok(Outcome::Stored));
    }
    for change in octets.chunks_exact(CHANGE) {
        let (at, flip) = change.split_at(2);
        let at = usize::from(u16::from_le_bytes(at.try_into().expect("two"))) % LEAST_WORDS;
        map.words()[at].fetch_xor(u64::from_le_bytes(flip.try_into().expect("eight")), Relaxed);
    }
    let mut buffer = Vec::new();
    for number in 0..8 {
        // Damaged as a whole is an answer too.
        let Ok(look_up) = table.look_up(&key(number), &mut buffer) else { continue };
        if let Some(found) = look_up.found {
            assert_eq!((found.payload, found.shared), (&payload(number)[..], &shared(number)[..]));
        }
        // And it can still be stored into, or says why not.
        let again = table.store(&key(number), &entry(&payload(number), &shared(number)));
        if again == Ok(Outcome::Stored) {
            let _ = table.lease(&key(number), 0, 1);
        }
    }
    let _ = table.invalidate(&[Name::site()], 0);
}

fn key(number: u8) -> Key {
    KeySpace::new(b"", b"", b"").key(&Target { path: &[number], ..Target::default() })
}

fn payload(number: u8) -> Vec<u8> {
    vec![number; usize::from(number) * 50]
}

fn shared(number: u8) -> Vec<u8> {
    vec![number % 3; 600]
}

fn entry<'a>(payload: &'a [u8], shared: &'a [u8]) -> Entry<'a> {
    Entry { s0: Sequence { run: RUN, number: 0 }, began: u64::MAX, keep: 0, names: &[], payload, shared }
}
