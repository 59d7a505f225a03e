//! The atomics of a table, in every order that the memory model allows (loom): the table's own code, with words
//! that loom watches where threads meet.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::{self, Acquire, Relaxed, Release};
use std::sync::{Arc, Mutex};

use loom::sync::atomic::AtomicU64;
use notmodified::cache::layout::{LEAST_WORDS, Layout, SLOT, head};
use notmodified::cache::record::{self, Kind, RecordKey, claim_of};
use notmodified::cache::table::Table;
use notmodified::cache::words::{Memory, Word};
use notmodified::cache::{Entry, Key, KeySpace, Name, Outcome, Target};

/// A word where threads meet, or one that only one of them at a time has to do with.
enum Cell {
    Watched(AtomicU64),
    /// The mutant: every order is relaxed.
    Relaxed(AtomicU64),
    Plain(std::sync::atomic::AtomicU64),
}

impl Cell {
    fn by<T>(
        &self,
        order: Ordering,
        watched: impl FnOnce(&AtomicU64, Ordering) -> T,
        plain: impl FnOnce(&std::sync::atomic::AtomicU64) -> T,
    ) -> T {
        match self {
            Self::Watched(word) => watched(word, order),
            Self::Relaxed(word) => watched(word, Relaxed),
            Self::Plain(word) => plain(word),
        }
    }
}

impl Word for Cell {
    fn load(&self, order: Ordering) -> u64 {
        self.by(order, |word, order| word.load(order), |word| word.load(order))
    }

    fn store(&self, value: u64, order: Ordering) {
        self.by(order, |word, order| word.store(value, order), |word| word.store(value, order));
    }

    fn compare_exchange(&self, current: u64, new: u64, order: Ordering) -> Result<u64, u64> {
        self.by(
            order,
            |word, order| word.compare_exchange(current, new, order, Relaxed),
            |word| word.compare_exchange(current, new, order, Relaxed),
        )
    }

    fn increment(&self, order: Ordering) -> u64 {
        self.by(order, |word, order| word.fetch_add(1, order), |word| word.fetch_add(1, order))
    }

    fn raise(&self, value: u64, order: Ordering) -> u64 {
        self.by(order, |word, order| word.fetch_max(value, order), |word| word.fetch_max(value, order))
    }
}

struct Words(Vec<Cell>);

impl Memory for Words {
    type Word = Cell;

    fn words(&self) -> &[Cell] {
        &self.0
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mutant {
    None,
    S0AfterApplication,
    AllRelaxed,
}

fn key() -> Key {
    KeySpace::new(b"", b"", b"").key(&Target::default())
}

fn name() -> Name {
    Name::path(b"", b"/")
}

/// A table of which the sequence number and the stamp of a name are watched.
fn table(mutant: Mutant) -> Table<Words> {
    let layout = Layout::of_words(LEAST_WORDS).expect("enough");
    let cell = usize::try_from(name().bits() & 0xffff_ffff).expect("32 bits") & (layout.cells - 1);
    let stamp = layout.stamps().start + cell;
    let word = |at: usize| match mutant {
        _ if at != head::SEQUENCE && at != stamp => Cell::Plain(0.into()),
        Mutant::AllRelaxed => Cell::Relaxed(AtomicU64::new(0)),
        _ => Cell::Watched(AtomicU64::new(0)),
    };
    Table::create(Words((0..LEAST_WORDS).map(word).collect()), 1, &[], Arc::default()).expect("enough")
}

fn found(table: &Table<Words>) -> Option<u8> {
    let mut buffer = Vec::new();
    table.look_up(&key(), &mut buffer).expect("intact").found.and_then(|found| found.payload.first().copied())
}

/// A request of a page, one that changes it and invalidates, and one that comes when that is done. The page itself
/// is a relaxed word: nothing but the store's own order tells its reader of the change.
fn requests_and_a_change(mutant: Mutant) -> Vec<Option<u8>> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let collected = Arc::clone(&seen);
    loom::model(move || {
        let table = loom::sync::Arc::new(table(mutant));
        let page = loom::sync::Arc::new(AtomicU64::new(0));
        let answered = loom::sync::Arc::new(AtomicU64::new(0));

        let change = {
            let (table, page, answered) = (table.clone(), page.clone(), answered.clone());
            loom::thread::spawn(move || {
                page.store(1, Relaxed);
                table.invalidate(&[name()], 0).expect("intact");
                answered.store(1, Release);
            })
        };
        let request = {
            let (table, page) = (table.clone(), page.clone());
            loom::thread::spawn(move || {
                let mut s0 = table.sequence().expect("intact");
                let version = page.load(Relaxed);
                if mutant == Mutant::S0AfterApplication {
                    s0 = table.sequence().expect("intact");
                }
                let payload = [u8::try_from(version).expect("0 or 1")];
                let entry = Entry { s0, began: 0, keep: 0, names: &[name()], payload: &payload, shared: b"" };
                let outcome = table.store(&key(), &entry).expect("intact");
                assert!(matches!(outcome, Outcome::Stored | Outcome::Invalidated), "{outcome:?}");
            })
        };
        if answered.load(Acquire) == 1 {
            assert_ne!(found(&table), Some(0), "from before a completed invalidation");
        }
        change.join().expect("no panic");
        request.join().expect("no panic");
        let found = found(&table);
        assert_ne!(found, Some(0), "from before a completed invalidation");
        collected.lock().expect("no panic").push(found);
    });
    let seen = seen.lock().expect("no panic");
    seen.clone()
}

#[test]
fn no_order_of_memory_shows_an_entry_from_before_an_invalidation() {
    let seen = requests_and_a_change(Mutant::None);
    assert!(seen.contains(&Some(1)) && seen.contains(&None), "both happen: {}", seen.len());
}

fn is_caught(mutant: Mutant) {
    let caught =
        catch_unwind(AssertUnwindSafe(|| requests_and_a_change(mutant))).expect_err("it breaks nothing");
    let message = caught.downcast_ref::<String>().map_or("", String::as_str);
    assert!(message.contains("from before a completed invalidation"), "{message}");
}

#[test]
fn reading_s0_after_the_application_is_caught() {
    is_caught(Mutant::S0AfterApplication);
}

#[test]
fn orders_that_are_all_relaxed_are_caught() {
    is_caught(Mutant::AllRelaxed);
}

/// Two writers and a reader of one slot, of which the words are watched that they write differently.
#[test]
fn a_record_is_read_whole_or_not_at_all_and_an_older_one_never_takes_a_newers_place() {
    const RUN: u64 = 1;
    const KEY: RecordKey = RecordKey { kind: Kind::Entry, words: [2, 3] };
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(2);
    model.check(|| {
        // The checksum, S0 and the data; the same key is between.
        let cell = |at| {
            if matches!(at, 0 | 1 | 5) { Cell::Watched(AtomicU64::new(0)) } else { Cell::Plain(0.into()) }
        };
        let slot = loom::sync::Arc::new((0..SLOT).map(cell).collect::<Vec<_>>());
        let write = |s0: u8| {
            let slot = slot.clone();
            loom::thread::spawn(move || {
                let claimed = claim_of(&slot);
                claimed < u64::from(s0) && record::write(&slot, claimed, s0.into(), &KEY, &[s0; 8], RUN)
            })
        };
        let read = || match record::read(&slot, &KEY, RUN) {
            Ok(Some(record)) => {
                let s0 = u8::try_from(record.s0()).expect("1 or 2");
                assert!((1..=2).contains(&s0));
                assert_eq!(record.octets(), [s0; 8]);
                Some(s0)
            }
            _ => None,
        };
        let (old, new) = (write(1), write(2));
        read();
        let (_, new) = (old.join().expect("no panic"), new.join().expect("no panic"));
        assert!(new || read() != Some(2));
        assert!(!new || read() != Some(1), "the older one took its place");
    });
}
