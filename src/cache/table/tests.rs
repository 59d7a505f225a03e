//! What a table of any memory does, here of one process.

use std::collections::HashMap;
use std::ops::Range;

use proptest::prelude::*;

use super::*;
use crate::cache::key::{KeySpace, Target};
use crate::cache::map::Map;
use crate::cache::store::{MAX_NAMES, MAX_OCTETS};

const RUN: u64 = 5;

fn table(octets: usize) -> Table<Map> {
    created(Map::anonymous(octets / 8).expect("memory")).expect("enough of it")
}

impl Table<Map> {
    pub(crate) fn wipe(&self) {
        for word in self.memory.words() {
            word.store(0, Relaxed);
        }
    }
}

fn created(memory: Map) -> Option<Table<Map>> {
    Table::create(memory, RUN, &[], Arc::default())
}

fn attached(memory: Map) -> Option<Table<Map>> {
    Table::attach(memory, Arc::default())
}

fn small() -> Table<Map> {
    table(512 << 10)
}

fn key(path: usize) -> Key {
    KeySpace::new(b"", b"", b"").key(&Target { path: &path.to_le_bytes(), ..Target::default() })
}

fn name(number: usize) -> Name {
    Name::group_anywhere(&number.to_le_bytes())
}

fn entry<'a>(s0: u64, names: &'a [Name], payload: &'a [u8], shared: &'a [u8]) -> Entry<'a> {
    Entry { s0: Sequence { run: RUN, number: s0 }, began: 0, keep: 0, names, payload, shared }
}

fn found(table: &Table<Map>, key: &Key) -> Option<(u64, Vec<u8>, Vec<u8>)> {
    let mut buffer = b"of an earlier look-up".to_vec();
    let found = table.look_up(key, &mut buffer).expect("intact").found?;
    Some((found.s0, found.payload.to_vec(), found.shared.to_vec()))
}

#[test]
fn what_is_stored_is_found_by_its_key_alone() {
    let table = small();
    assert_eq!(found(&table, &key(1)), None);
    assert_eq!(table.store(&key(1), &entry(0, &[name(1)], b"own", b"shared")), Ok(Outcome::Stored));
    assert_eq!(found(&table, &key(1)), Some((0, b"own".to_vec(), b"shared".to_vec())));
    assert_eq!(found(&table, &key(2)), None);
}

#[test]
fn an_invalidation_of_any_of_its_names_ends_an_entry_and_no_other() {
    let table = small();
    for number in 0..4 {
        let names = [name(10 + number), name(20 + number)];
        assert_eq!(table.store(&key(number), &entry(0, &names, b"", b"")), Ok(Outcome::Stored));
    }
    assert_eq!(table.invalidate(&[name(11)], 0), Ok(Sequence { run: RUN, number: 1 }));
    assert_eq!(table.invalidate(&[name(22)], 0), Ok(Sequence { run: RUN, number: 2 }));
    let left: Vec<_> = (0..4).filter(|&number| found(&table, &key(number)).is_some()).collect();
    assert_eq!(left, [0, 3]);
    table.invalidate(&[Name::site()], 0).expect("intact");
    assert!((0..4).all(|number| found(&table, &key(number)).is_none()), "all bear the name of the site");
    assert_eq!((table.counts.read().invalidations, table.counts.read().invalid), (3, 6));
}

#[test]
fn a_request_that_began_before_an_invalidation_stores_nothing_after_it() {
    let table = small();
    let s0 = table.sequence().expect("intact").number;
    table.invalidate(&[name(1)], 0).expect("intact");
    assert_eq!(table.store(&key(1), &entry(s0, &[name(2), name(1)], b"", b"")), Ok(Outcome::Invalidated));
    assert_eq!(table.store(&key(2), &entry(s0, &[name(2)], b"", b"")), Ok(Outcome::Stored));
    let mut buffer = Vec::new();
    let s0 = table.look_up(&key(1), &mut buffer).expect("intact").sequence.number;
    assert_eq!(table.store(&key(1), &entry(s0, &[name(2), name(1)], b"", b"")), Ok(Outcome::Stored));
}

#[test]
fn nothing_is_stored_of_requests_that_begin_in_the_time_after_an_invalidation() {
    let table = small();
    table.invalidate(&[name(1)], 1000).expect("intact");
    table.invalidate(&[name(1)], 900).expect("intact");
    let names = [name(1)];
    let at = |began| Entry { began, ..entry(2, &names, b"", b"") };
    assert_eq!(table.store(&key(1), &at(999)), Ok(Outcome::Unsettled));
    assert_eq!(table.store(&key(1), &at(1000)), Ok(Outcome::Stored));
    assert_eq!(table.store(&key(2), &entry(2, &[name(2)], b"", b"")), Ok(Outcome::Stored), "another name");
    table.invalidate(&[Name::site()], 2000).expect("intact");
    assert_eq!(
        table.store(&key(3), &Entry { began: 1999, ..entry(3, &[], b"", b"") }),
        Ok(Outcome::Unsettled)
    );
}

#[test]
fn an_older_entry_never_takes_the_place_of_a_newer_one() {
    let table = small();
    table.invalidate(&[name(9)], 0).expect("intact");
    assert_eq!(table.store(&key(1), &entry(1, &[], b"new", b"")), Ok(Outcome::Stored));
    assert_eq!(table.store(&key(1), &entry(0, &[], b"old", b"")), Ok(Outcome::Superseded));
    assert_eq!(found(&table, &key(1)), Some((1, b"new".to_vec(), vec![])));
    assert_eq!(table.store(&key(1), &entry(1, &[], b"newer", b"")), Ok(Outcome::Stored));
    assert_eq!(found(&table, &key(1)), Some((1, b"newer".to_vec(), vec![])));
}

#[test]
fn what_is_of_another_run_or_too_large_is_not_stored() {
    let table = small();
    let of_before = Entry { s0: Sequence { run: RUN + 1, number: 0 }, ..entry(0, &[], b"", b"") };
    assert_eq!(table.store(&key(1), &of_before), Ok(Outcome::OtherRun));
    let octets = vec![0; MAX_OCTETS];
    assert_eq!(table.store(&key(1), &entry(0, &[], b"1", &octets)), Ok(Outcome::TooLarge));
    assert_eq!(table.store(&key(1), &entry(0, &[name(1); MAX_NAMES + 1], b"", b"")), Ok(Outcome::TooLarge));
    assert_eq!(table.store(&key(1), &entry(0, &[name(1); MAX_NAMES], &octets, b"")), Ok(Outcome::Stored));
    assert_eq!(found(&table, &key(1)), Some((0, octets, vec![])));
    assert_eq!((table.counts.read().stored, table.counts.read().not_stored), (1, 3));
}

#[test]
fn one_holds_a_lease_until_it_is_over() {
    let table = small();
    assert_eq!(table.lease(&key(1), 1000, 2000), Ok(true));
    assert_eq!(table.lease(&key(1), 1000, 2500), Ok(false));
    assert_eq!(table.lease(&key(1), 1999, 2999), Ok(false));
    assert_eq!(table.lease(&key(1), 2000, 3000), Ok(true));
    assert_eq!(table.lease(&key(2), 1000, u64::MAX), Ok(true), "another key");
    assert_eq!(table.lease(&key(2), 4_000_000_000_000, 5_000_000_000_000), Ok(false));
}

#[test]
fn a_table_that_somebody_wrote_over_is_not_used() {
    let table = small();
    assert_eq!(table.store(&key(1), &entry(0, &[], b"", b"")), Ok(Outcome::Stored));
    table.wipe();
    let mut buffer = Vec::new();
    assert_eq!(table.look_up(&key(1), &mut buffer), Err(Damaged));
    assert_eq!(table.sequence(), Err(Damaged));
    assert_eq!(table.store(&key(1), &entry(0, &[], b"", b"")), Err(Damaged));
    assert_eq!(table.invalidate(&[name(1)], 0), Err(Damaged));
    assert_eq!(table.lease(&key(1), 0, 1), Err(Damaged));
}

#[test]
fn a_table_is_attached_only_to_what_was_created_as_one() {
    let memory = || Map::anonymous(64 << 10).expect("memory");
    assert!(attached(memory()).is_none());
    assert!(created(Map::anonymous(100).expect("memory")).is_none());
    for (at, value) in [(head::MAGIC, 1), (head::VERSION, 99), (head::WORDS, 1 << 20), (head::RUN, 0)] {
        let Table { memory, .. } = created(memory()).expect("enough");
        memory.words()[at].store(value, Relaxed);
        assert!(attached(memory).is_none(), "word {at}");
    }
    let Table { memory, .. } = created(memory()).expect("enough");
    assert_eq!(attached(memory).expect("a table").run, RUN);
}

fn octet(number: usize) -> u8 {
    number.to_le_bytes()[0]
}

/// Entries as a site's: each has an own payload, and one of twenty sets of fields.
fn fill(table: &Table<Map>, numbers: Range<usize>) {
    for number in numbers {
        let names = [name(number), name(number + 1)];
        let payload = [octet(number); 150];
        let outcome = table.store(&key(number), &entry(0, &names, &payload, &[octet(number % 20); 600]));
        assert_eq!(outcome, Ok(Outcome::Stored));
    }
}

/// All of them where there is time (`make test-long`), else a tenth in a tenth.
#[test]
fn a_quarter_of_a_million_entries_fit_into_100_megabytes() {
    let part = if cfg!(debug_assertions) { 10 } else { 1 };
    let entries = 250_000 / part;
    let table = table(100_000_000 / part);
    fill(&table, 0..entries);
    let held = (0..entries).filter(|&number| found(&table, &key(number)).is_some()).count();
    assert!(held * 1000 >= entries * 990, "{held}");
    assert_eq!(table.counts.read().torn, 0);
}

#[test]
fn a_full_table_keeps_what_is_used() {
    let table = small();
    fill(&table, 0..20);
    for number in 20..3_500 {
        fill(&table, number..number + 1);
        for used in 0..20 {
            let found = found(&table, &key(used));
            assert!(found.is_none_or(|(_, payload, _)| payload == [octet(used); 150]));
        }
    }
    let held = (0..20).filter(|&used| found(&table, &key(used)).is_some()).count();
    assert!(held >= 16, "{held}");
    assert!(table.counts.read().evictions > 1_500);
}

#[test]
fn the_clock_passes_what_was_used_once() {
    assert_eq!(clock(0, 3), (3, 0));
    assert_eq!(clock(0b1_1000, 3), (5, 0));
    assert_eq!(clock(0xffff & !1, 3), (0, 0b110));
    assert_eq!(clock(0xffff, 15), (15, 0));
}

#[derive(Clone, Debug)]
enum Act {
    Store { key: usize, names: Vec<usize>, behind: u64, octets: usize },
    LookUp { key: usize },
    Invalidate { names: Vec<usize> },
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let names = || prop::collection::vec(0..6_usize, 0..4);
    let act =
        prop_oneof![
            (0..6_usize, names(), 0..3_u64, 0..700_usize)
                .prop_map(|(key, names, behind, octets)| Act::Store { key, names, behind, octets }),
            (0..6_usize).prop_map(|key| Act::LookUp { key }),
            names().prop_map(|names| Act::Invalidate { names }),
        ];
    prop::collection::vec(act, 0..60)
}

proptest! {
    /// Beside a map and a list of the invalidations so far, which is all that the table means.
    #[test]
    fn a_table_is_what_a_plain_model_says(acts in acts()) {
        let table = small();
        let mut stored: HashMap<usize, (u64, Vec<usize>, Vec<u8>)> = HashMap::new();
        let mut invalidated: Vec<Vec<usize>> = Vec::new();
        for (step, act) in acts.into_iter().enumerate() {
            let hit_since = |s0: u64, names: &[usize]| {
                invalidated.iter().skip(usize::try_from(s0).expect("few")).flatten().any(|hit| names.contains(hit))
            };
            match act {
                Act::Store { key: number, names, behind, octets } => {
                    let s0 = table.sequence().expect("intact").number.saturating_sub(behind);
                    let payload = vec![octet(step); octets];
                    let all: Vec<_> = names.iter().map(|&number| name(number)).collect();
                    let outcome = table.store(&key(number), &entry(s0, &all, &payload, &payload)).expect("intact");
                    let expected = if hit_since(s0, &names) {
                        Outcome::Invalidated
                    } else if stored.get(&number).is_some_and(|(earlier, ..)| *earlier > s0) {
                        Outcome::Superseded
                    } else {
                        stored.insert(number, (s0, names, payload));
                        Outcome::Stored
                    };
                    prop_assert_eq!(outcome, expected);
                }
                Act::LookUp { key: number } => {
                    let expected = stored.get(&number).filter(|(s0, names, _)| !hit_since(*s0, names));
                    prop_assert_eq!(
                        found(&table, &key(number)),
                        expected.map(|(s0, _, payload)| (*s0, payload.clone(), payload.clone()))
                    );
                }
                Act::Invalidate { names } => {
                    let all: Vec<_> = names.iter().map(|&number| name(number)).collect();
                    table.invalidate(&all, 0).expect("intact");
                    invalidated.push(names);
                }
            }
        }
    }

    /// However many words of it are written over.
    #[test]
    fn a_damaged_table_gives_what_was_stored_or_nothing(damage in prop::collection::vec((0..8192_usize, any::<u64>()), 0..200)) {
        let table = table(64 << 10);
        let payload = |number| vec![octet(number); number * 50];
        let shared = |number| vec![octet(number % 3); 600];
        for number in 0..8 {
            let (names, payload, shared) = ([name(number)], payload(number), shared(number));
            prop_assert_eq!(table.store(&key(number), &entry(0, &names, &payload, &shared)), Ok(Outcome::Stored));
        }
        for (at, word) in damage {
            table.memory.words()[at].store(word, Relaxed);
        }
        let mut buffer = Vec::new();
        for number in 0..8 {
            let Ok(LookUp { found: Some(found), .. }) = table.look_up(&key(number), &mut buffer) else { continue };
            prop_assert_eq!((found.payload, found.shared), (&payload(number)[..], &shared(number)[..]));
        }
    }
}
