//! Workers that race on one table: the table's own code, stopped between its accesses to memory.
//!
//! Each worker is a thread, and one at a time runs: a drawn schedule says which, and after how many accesses it
//! has to wait for others. What must hold is said in plain terms of versions and what ended them. That this can
//! fail is shown by two protocols that are wrong.

use std::cell::RefCell;
use std::sync::atomic::AtomicU64;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::thread;

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestError, TestRng, TestRunner};

use super::*;
use crate::cache::key::{KeySpace, Target};
use crate::cache::layout::{LEAST_WORDS, PAGE};

/// Enough: reading the stamps too soon is caught in one race of 800 or so.
const CASES: u32 = 3000;

/// Who may run, and for how many more accesses.
struct Baton {
    turns: Mutex<Turns>,
    passed: Condvar,
}

struct Turns {
    holder: usize,
    left: usize,
    schedule: std::vec::IntoIter<(usize, usize)>,
    running: Vec<usize>,
}

impl Turns {
    /// The next of the schedule; when that is over each runs to its end.
    fn pass(&mut self) {
        if let Some(&first) = self.running.first() {
            let (chosen, accesses) = self.schedule.next().unwrap_or((0, usize::MAX));
            self.holder = self.running.get(chosen % self.running.len()).copied().unwrap_or(first);
            self.left = accesses;
        }
    }
}

impl Baton {
    fn new(workers: usize, schedule: Vec<(usize, usize)>) -> Arc<Self> {
        let running = (0..workers).collect();
        let mut turns = Turns { holder: 0, left: 0, schedule: schedule.into_iter(), running };
        turns.pass();
        Arc::new(Self { turns: Mutex::new(turns), passed: Condvar::new() })
    }

    fn wait_for(&self, worker: usize, turns: MutexGuard<'_, Turns>) {
        self.passed.notify_all();
        drop(self.passed.wait_while(turns, |turns| turns.holder != worker).expect("no panic"));
    }
}

/// One worker's part in it, until it ends.
struct Worker {
    baton: Arc<Baton>,
    number: usize,
}

thread_local! {
    static WORKER: RefCell<Option<Worker>> = const { RefCell::new(None) };
}

impl Worker {
    fn run(baton: &Arc<Baton>, number: usize, work: impl FnOnce()) {
        baton.wait_for(number, baton.turns.lock().expect("no panic"));
        WORKER.set(Some(Self { baton: Arc::clone(baton), number }));
        work();
        WORKER.set(None);
    }
}

/// Even if it panics: else the others would wait for ever.
impl Drop for Worker {
    fn drop(&mut self) {
        if let Ok(mut turns) = self.baton.turns.lock() {
            turns.running.retain(|&worker| worker != self.number);
            turns.pass();
            self.baton.passed.notify_all();
        }
    }
}

/// Let others run, if the schedule says so.
fn pause() {
    WORKER.with_borrow(|worker| {
        let Some(Worker { baton, number }) = worker else { return };
        let mut turns = baton.turns.lock().expect("no panic");
        if turns.left > 0 {
            turns.left -= 1;
        } else {
            turns.pass();
            baton.wait_for(*number, turns);
        }
    });
}

/// A word; before each access to some of them others may run.
struct Paused {
    word: AtomicU64,
    pauses: bool,
}

impl Paused {
    fn word(&self) -> &AtomicU64 {
        if self.pauses {
            pause();
        }
        &self.word
    }
}

impl Word for Paused {
    fn load(&self, order: std::sync::atomic::Ordering) -> u64 {
        self.word().load(order)
    }

    fn store(&self, value: u64, order: std::sync::atomic::Ordering) {
        self.word().store(value, order);
    }

    fn compare_exchange(&self, now: u64, new: u64, order: std::sync::atomic::Ordering) -> Result<u64, u64> {
        self.word().compare_exchange(now, new, order, Relaxed)
    }

    fn increment(&self, order: std::sync::atomic::Ordering) -> u64 {
        self.word().fetch_add(1, order)
    }

    fn raise(&self, value: u64, order: std::sync::atomic::Ordering) -> u64 {
        self.word().fetch_max(value, order)
    }
}

#[derive(Clone)]
struct Words(Arc<[Paused]>);

impl Words {
    /// With pauses at the sequence number, at each stamp, at the start of each set, and at the start of each slot,
    /// where its checksum and S0 are.
    fn new() -> Self {
        let layout = Layout::of_words(LEAST_WORDS).expect("enough");
        let sets = layout.set(0).start..layout.set(layout.sets - 1).end;
        let pauses = |at: usize| {
            let in_set = (at - sets.start.min(at)) % PAGE;
            at == head::SEQUENCE
                || layout.stamps().contains(&at)
                || sets.contains(&at) && (in_set == 0 || in_set >= SET_HEAD && (in_set - SET_HEAD) % SLOT < 2)
        };
        Self((0..LEAST_WORDS).map(|at| Paused { word: AtomicU64::new(0), pauses: pauses(at) }).collect())
    }
}

impl Memory for Words {
    type Word = Paused;

    fn words(&self) -> &[Paused] {
        &self.0
    }
}

/// What a worker does.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// It asks for the page, which is answered from the table, or rendered and stored.
    Request,
    /// It makes a new version and invalidates: the URI and the group of the last version, or only the group.
    Change { uri_too: bool },
}

#[derive(Clone, Debug)]
struct Race {
    /// Whether each worker is a process, with the words mapped for itself (`host`), or a thread (`process`).
    processes: bool,
    workers: Vec<Vec<Act>>,
    /// Who runs, and for how many accesses.
    schedule: Vec<(usize, usize)>,
}

fn races() -> impl Strategy<Value = Race> {
    let act = prop_oneof![3 => Just(Act::Request), 2 => prop::bool::weighted(0.2).prop_map(|uri_too| Act::Change { uri_too })];
    let workers = prop::collection::vec(prop::collection::vec(act, 2..4), 3);
    let schedule = prop::collection::vec((0..3_usize, 0..14_usize), 6..24);
    (any::<bool>(), workers, schedule).prop_map(|(processes, workers, schedule)| Race {
        processes,
        workers,
        schedule,
    })
}

/// What of the protocol is as it should not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutant {
    None,
    /// The stamps are read before the entry that they are to judge: those of the names that its predecessor had.
    StampsBeforeEntry,
    /// S0 is read after the application ran.
    S0AfterApplication,
}

/// A site of one page. Each version bears the name of its URI and of one of two groups, in turn.
struct Site {
    mutant: Mutant,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    version: u8,
    /// The versions that no request which begins now may be told to be current: an invalidation that hits them
    /// has returned.
    ended: u64,
    from_memory: usize,
    not_stored: usize,
    wrong: Vec<String>,
}

fn group_of(version: u8) -> Name {
    Name::group_anywhere(&[b'g', version % 2])
}

fn uri() -> Name {
    Name::path(b"", b"/page")
}

fn key() -> Key {
    KeySpace::new(b"", b"", b"").key(&Target { path: b"/page", ..Target::default() })
}

/// The mutant's look-up, with the parts of the real one.
fn by_earlier_stamps(table: &Table<Words>) -> Option<u8> {
    let (_, first) = table.find(&entry::record_key(&key()))?;
    let decoded = Decoded::of(first.octets())?;
    let (names, ..) = decoded.lengths.split(decoded.own)?;
    let names = names.chain([entry::short(Name::site())]);
    let stamps: Vec<u64> = names.map(|name| table.stamp(name)).collect();
    let (_, record) = table.find(&entry::record_key(&key()))?;
    let decoded = Decoded::of(record.octets())?;
    let (_, payload, _) = decoded.lengths.split(decoded.own)?;
    stamps::is_valid(record.s0(), stamps).then(|| payload.first().copied())?
}

impl Site {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic")
    }

    fn act(&self, table: &Table<Words>, act: Act) {
        match act {
            Act::Request => self.request(table),
            Act::Change { uri_too } => self.change(table, uri_too),
        }
    }

    fn request(&self, table: &Table<Words>) {
        let ended = self.state().ended;
        let mut buffer = Vec::new();
        let looked = table.look_up(&key(), &mut buffer).expect("intact");
        let found = match self.mutant {
            Mutant::StampsBeforeEntry => by_earlier_stamps(table),
            _ => looked.found.and_then(|found| found.payload.first().copied()),
        };
        if let Some(version) = found {
            let mut state = self.state();
            state.from_memory += 1;
            if ended & 1 << version != 0 {
                state.wrong.push(format!("version {version} was confirmed after its invalidation"));
            }
            return;
        }
        // The application runs: it takes its time before and after it reads what is there.
        pause();
        let version = self.state().version;
        pause();
        let s0 = match self.mutant {
            Mutant::S0AfterApplication => table.sequence().expect("intact"),
            _ => looked.sequence,
        };
        let names = [uri(), group_of(version)];
        let entry = Entry { s0, began: 0, keep: 0, names: &names, payload: &[version], shared: b"" };
        let outcome = table.store(&key(), &entry).expect("intact");
        self.state().not_stored += usize::from(outcome != Outcome::Stored);
    }

    fn change(&self, table: &Table<Words>, uri_too: bool) {
        let version = {
            let mut state = self.state();
            state.version += 1;
            state.version - 1
        };
        let group = group_of(version);
        let names = [group, uri()];
        table.invalidate(&names[..=usize::from(uri_too)], 0).expect("intact");
        let hit = (0..=version).filter(|&earlier| uri_too || group_of(earlier) == group);
        self.state().ended |= hit.fold(0, |ended, version| ended | 1 << version);
    }
}

/// What became of a race.
fn run(race: &Race, mutant: Mutant) -> State {
    let words = Words::new();
    let table = Table::create(words.clone(), 1, &[], Arc::default()).expect("enough");
    let attached = || Table::attach(words.clone(), Arc::default()).expect("a table");
    let site = Site { mutant, state: Mutex::default() };
    site.request(&table);
    let baton = Baton::new(race.workers.len(), race.schedule.clone());
    thread::scope(|scope| {
        for (number, acts) in race.workers.iter().enumerate() {
            let (baton, site, table) = (&baton, &site, &table);
            let own = race.processes.then(attached);
            scope.spawn(move || {
                let table = own.as_ref().unwrap_or(table);
                Worker::run(baton, number, || acts.iter().for_each(|&act| site.act(table, act)));
            });
        }
    });
    // And what is left is right for whoever comes afterwards.
    site.request(&table);
    site.state.into_inner().expect("no panic")
}

/// The seed is always the same, so that a mutant is caught in each run or in none.
fn is_caught(mutant: Mutant) {
    let config = ProptestConfig {
        cases: CASES,
        max_shrink_iters: 100,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let caught = runner.run(&races(), |race| {
        let state = run(&race, mutant);
        prop_assert!(state.wrong.is_empty(), "{:?}", state.wrong);
        Ok(())
    });
    match caught {
        Err(TestError::Fail(reason, race)) => println!("{mutant:?}: {reason}: {race:?}"),
        other => panic!("{mutant:?} breaks nothing: {other:?}"),
    }
}

#[test]
fn no_race_of_workers_confirms_what_was_invalidated() {
    let seen = RefCell::new((0, 0));
    let mut runner = TestRunner::new(ProptestConfig {
        cases: ProptestConfig::default().cases.max(CASES),
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    runner
        .run(&races(), |race| {
            let state = run(&race, Mutant::None);
            let mut seen = seen.borrow_mut();
            *seen = (seen.0 + state.from_memory, seen.1 + state.not_stored);
            prop_assert!(state.wrong.is_empty(), "{:?}", state.wrong);
            Ok(())
        })
        .expect("nothing wrong");
    let (from_memory, not_stored) = seen.into_inner();
    assert!(from_memory > 0 && not_stored > 0, "{from_memory} from memory, {not_stored} not stored");
}

#[test]
fn reading_the_stamps_before_the_entry_is_caught() {
    is_caught(Mutant::StampsBeforeEntry);
}

#[test]
fn reading_s0_after_the_application_is_caught() {
    is_caught(Mutant::S0AfterApplication);
}
