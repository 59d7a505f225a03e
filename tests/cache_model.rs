//! The protocol of the validator cache, explored exhaustively: every order of every step of requests, changes and
//! their invalidations, with evictions and the passing of time in between. A process that is killed or stopped is
//! one that takes no further step: since each state is judged, that is every beginning of an order.
//!
//! All decisions are those of `notmodified::cache::stamps`, the functions by which the stores decide. What must
//! hold is written down here apart from them: which versions a 304 may confirm. Each mutant of the protocol breaks
//! it, and the checker finds how; a protocol that no mutant breaks was not checked.
//! `src/cache/table/races.rs` does the same to the stores' own code, at random.

use notmodified::cache::stamps;
use stateright::{Checker, HasDiscoveries, Model, Property};

/// How long the application says that its answers are fresh.
const FRESH: u64 = 2;

/// What is invalidated: the URI, and two groups of which each version has one.
const URI: usize = 0;
const NAMES: usize = 3;

fn group_of(version: usize) -> usize {
    1 + version % 2
}

/// How the protocol is changed for the worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutant {
    None,
    /// The stamps are read before the entry that they are to judge.
    StampsBeforeEntry,
    /// S0 is read after the application ran.
    S0AfterApplication,
    /// An entry is written over whatever is there.
    OlderOverwrites,
    /// An invalidation returns before the stamps are raised.
    ReturnsTooSoon,
    /// The stamps are raised to the number that the sequence had.
    NumberNotTaken,
    /// Only the URI's stamp is looked at.
    GroupsForgotten,
    /// Freshness is counted from when an answer was stored.
    FreshFromStoring,
    /// Nothing waits for the replica.
    NotSettled,
    /// A store that has lost something goes on as the same run.
    SameRun,
}

#[derive(Clone, Copy, Debug)]
struct Site {
    mutant: Mutant,
    requests: usize,
    /// Of the content: version 0 becomes 1, and so on.
    changes: usize,
    /// Of the clock.
    ticks: u64,
    /// For how many ticks after a change the application may still read what was there before, and for how many
    /// an invalidation says so.
    lag: u64,
    /// How often the store may be lost, and be there again as it was some time ago, or empty: restarted, or a
    /// replica that lagged behind and was promoted.
    losses: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    now: u64,
    /// When each version was replaced; the last was not.
    replaced: Vec<u64>,
    /// The versions that must not be confirmed to a request that begins now, a bit for each: an invalidation that
    /// hits them is complete.
    ended: u32,
    sequence: u64,
    stamps: [u64; NAMES],
    unsettled: [u64; NAMES],
    entry: Option<Stored>,
    /// Which life of the store this is.
    run: u64,
    /// How often it was lost.
    lost: u64,
    /// What the store falls back to.
    snapshot: Option<Snapshot>,
    requests: Vec<Request>,
    changes: Vec<Change>,
    /// A 304 that should not have been.
    wrong: Option<Wrong>,
    went_back: bool,
    hits: bool,
    invalid: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Wrong {
    Invalidated,
    NotFresh,
}

/// All that the store had at some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Snapshot {
    sequence: u64,
    stamps: [u64; NAMES],
    unsettled: [u64; NAMES],
    entry: Option<Stored>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Stored {
    run: u64,
    s0: u64,
    version: usize,
    fresh_from: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Request {
    began: u64,
    /// What was ended when it began.
    ended: u32,
    /// The run that its S0 is of.
    run: u64,
    step: Step,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Step {
    NotBegun,
    /// The entry is still to be read. The mutant has the stamps already.
    Look {
        s0: u64,
        judged_by: Option<Vec<u64>>,
    },
    /// The entry was read, then so many stamps.
    Judge {
        s0: u64,
        entry: Stored,
        stamps: Vec<u64>,
    },
    /// The application is to run.
    Run {
        s0: u64,
    },
    /// It has read a version.
    Ran {
        s0: u64,
        version: usize,
    },
    /// It may be stored in the place of what was there, which was of this S0.
    Write {
        s0: u64,
        version: usize,
        over: Option<u64>,
    },
    Done,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Change {
    /// The versions that its invalidation ends: those before it that bear a name that it hits.
    ends: u32,
    step: Invalidation,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Invalidation {
    NotBegun,
    /// The change is made, and these names are to be hit.
    Made {
        names: Vec<usize>,
    },
    /// The number is taken, and these names are still to be hit.
    Raise {
        number: u64,
        names: Vec<usize>,
    },
    Done,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Action {
    Tick,
    Evict,
    /// What the store has now is what it may fall back to.
    Save,
    /// It falls back to that, or to nothing.
    Lose,
    Request(usize),
    /// The application reads what a replica still has.
    ReadReplica(usize, usize),
    /// It makes the change; its invalidation hits the URI as well, or only the group.
    Change(usize, bool),
    Invalidate(usize),
}

impl State {
    fn version(&self) -> usize {
        self.replaced.len()
    }

    fn read_entry(&mut self, request: usize) {
        let Step::Look { s0, judged_by } = self.requests[request].step.clone() else { unreachable!() };
        // A look-up that is not fresh is none: the entry says until when.
        let entry = self.entry.filter(|entry| self.now < entry.fresh_from + FRESH);
        match (entry, judged_by) {
            (None, _) => self.requests[request].step = Step::Run { s0 },
            (Some(entry), None) => {
                self.requests[request].step = Step::Judge { s0, entry, stamps: vec![] };
            }
            (Some(entry), Some(stamps)) => self.judge(request, s0, entry, stamps),
        }
    }

    fn judge(&mut self, request: usize, s0: u64, entry: Stored, stamps: Vec<u64>) {
        let Request { began, ended, step, .. } = &mut self.requests[request];
        // Whether it is of this run is asked in the same step as what the stamps are.
        if entry.run != self.run || !stamps::is_valid(entry.s0, stamps) {
            self.invalid = true;
            *step = Step::Run { s0 };
            return;
        }
        self.hits = true;
        *step = Step::Done;
        // When it began, what was replaced before may have been fresh still.
        let replaced = self.replaced.get(entry.version);
        if *ended & 1 << entry.version != 0 {
            self.wrong = Some(Wrong::Invalidated);
        } else if replaced.is_some_and(|replaced| *began >= replaced + FRESH) {
            self.wrong = Some(Wrong::NotFresh);
        }
    }
}

impl Site {
    fn names(&self, version: usize) -> Vec<usize> {
        match self.mutant {
            Mutant::GroupsForgotten => vec![URI],
            _ => vec![URI, group_of(version)],
        }
    }

    fn step_request(&self, state: &mut State, number: usize) {
        let s0_now = state.sequence;
        let request = &mut state.requests[number];
        match request.step.clone() {
            Step::NotBegun => {
                request.began = state.now;
                request.ended = state.ended;
                request.run = state.run;
                let mut judged_by = None;
                if self.mutant == Mutant::StampsBeforeEntry
                    && let Some(entry) = state.entry
                {
                    let names = self.names(entry.version);
                    judged_by = Some(names.into_iter().map(|name| state.stamps[name]).collect());
                }
                request.step = Step::Look { s0: s0_now, judged_by };
            }
            Step::Look { .. } => state.read_entry(number),
            Step::Judge { s0, entry, mut stamps } => {
                let names = self.names(entry.version);
                stamps.push(state.stamps[names[stamps.len()]]);
                if stamps.len() == names.len() {
                    state.judge(number, s0, entry, stamps);
                } else {
                    request.step = Step::Judge { s0, entry, stamps };
                }
            }
            Step::Run { s0 } => request.step = Step::Ran { s0, version: state.replaced.len() },
            Step::Ran { s0, version } => {
                let s0 = if self.mutant == Mutant::S0AfterApplication { s0_now } else { s0 };
                let names = self.names(version);
                let may_store = stamps::is_valid(s0, names.iter().map(|&name| state.stamps[name]))
                    && names.iter().all(|&name| stamps::is_settled(request.began, state.unsettled[name]));
                let over = state.entry.map(|entry| entry.s0);
                let may_overwrite = self.mutant == Mutant::OlderOverwrites
                    || over.is_none_or(|over| stamps::may_overwrite(over, s0));
                request.step =
                    if may_store && may_overwrite { Step::Write { s0, version, over } } else { Step::Done };
            }
            // An S0 of another run is refused.
            Step::Write { .. } if request.run != state.run => request.step = Step::Done,
            Step::Write { s0, version, over } => {
                let there = state.entry.map(|entry| entry.s0);
                // The slot is claimed by its S0; a store by one atomic call does no worse.
                if there == over || self.mutant == Mutant::OlderOverwrites {
                    let fresh_from =
                        if self.mutant == Mutant::FreshFromStoring { state.now } else { request.began };
                    state.went_back |= there.is_some_and(|there| there > s0);
                    state.entry = Some(Stored { run: state.run, s0, version, fresh_from });
                }
                request.step = Step::Done;
            }
            Step::Done => {}
        }
    }

    fn step_invalidation(&self, state: &mut State, number: usize) {
        let change = &mut state.changes[number];
        match change.step.clone() {
            Invalidation::Made { names } => {
                if self.lag > 0 && self.mutant != Mutant::NotSettled {
                    for &name in &names {
                        state.unsettled[name] = state.unsettled[name].max(state.now + self.lag);
                    }
                }
                let number = match self.mutant {
                    Mutant::NumberNotTaken => state.sequence,
                    _ => stamps::next(state.sequence),
                };
                state.sequence = number;
                change.step = Invalidation::Raise { number, names };
                if self.mutant == Mutant::ReturnsTooSoon {
                    state.ended |= change.ends;
                }
            }
            Invalidation::Raise { number, mut names } => {
                if let Some(name) = names.pop() {
                    state.stamps[name] = stamps::raised(state.stamps[name], number);
                    change.step = Invalidation::Raise { number, names };
                } else {
                    state.ended |= change.ends;
                    change.step = Invalidation::Done;
                }
            }
            Invalidation::NotBegun | Invalidation::Done => {}
        }
    }
}

impl Model for Site {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            now: 0,
            replaced: vec![],
            ended: 0,
            sequence: 0,
            stamps: [0; NAMES],
            unsettled: [0; NAMES],
            entry: Some(Stored { run: 0, s0: 0, version: 0, fresh_from: 0 }),
            run: 0,
            lost: 0,
            snapshot: None,
            requests: vec![Request { began: 0, ended: 0, run: 0, step: Step::NotBegun }; self.requests],
            changes: vec![Change { ends: 0, step: Invalidation::NotBegun }; self.changes],
            wrong: None,
            went_back: false,
            hits: false,
            invalid: false,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.wrong.is_some() || state.went_back {
            return;
        }
        if state.now < self.ticks {
            actions.push(Action::Tick);
        }
        if state.entry.is_some() {
            actions.push(Action::Evict);
        }
        if state.lost < self.losses {
            if state.snapshot.is_none() {
                actions.push(Action::Save);
            }
            actions.push(Action::Lose);
        }
        for (number, request) in state.requests.iter().enumerate() {
            // Requests are alike: let them begin in order.
            let is_next = number == 0 || state.requests[number - 1].step != Step::NotBegun;
            if request.step == Step::Done || request.step == Step::NotBegun && !is_next {
                continue;
            }
            actions.push(Action::Request(number));
            if let Step::Run { .. } = request.step {
                let behind = |(_, replaced): &(usize, &u64)| **replaced + self.lag > state.now;
                let versions = state.replaced.iter().enumerate().filter(behind);
                actions.extend(versions.map(|(version, _)| Action::ReadReplica(number, version)));
            }
        }
        for (number, change) in state.changes.iter().enumerate() {
            let is_next = number == 0 || state.changes[number - 1].step != Invalidation::NotBegun;
            match change.step {
                Invalidation::NotBegun if is_next => {
                    actions.extend([Action::Change(number, false), Action::Change(number, true)]);
                }
                Invalidation::NotBegun | Invalidation::Done => {}
                Invalidation::Made { .. } | Invalidation::Raise { .. } => {
                    actions.push(Action::Invalidate(number));
                }
            }
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        match action {
            Action::Tick => next.now += 1,
            Action::Evict => next.entry = None,
            Action::Save => {
                let State { sequence, stamps, unsettled, entry, .. } = *state;
                next.snapshot = Some(Snapshot { sequence, stamps, unsettled, entry });
            }
            Action::Lose => {
                let before = state.snapshot.unwrap_or_default();
                (next.sequence, next.stamps) = (before.sequence, before.stamps);
                (next.unsettled, next.entry) = (before.unsettled, before.entry);
                next.lost += 1;
                if self.mutant != Mutant::SameRun {
                    next.run += 1;
                }
            }
            Action::Request(number) => self.step_request(&mut next, number),
            Action::ReadReplica(number, version) => {
                let Step::Run { s0 } = next.requests[number].step else { return None };
                next.requests[number].step = Step::Ran { s0, version };
            }
            Action::Change(number, uri_too) => {
                let group = group_of(next.version());
                next.replaced.push(next.now);
                let version = next.version();
                let names = if uri_too { vec![URI, group] } else { vec![group] };
                let bears = |version: &usize| uri_too || group_of(*version) == group;
                let ends = (0..version).filter(bears).fold(0, |ends, version| ends | 1 << version);
                next.changes[number] = Change { ends, step: Invalidation::Made { names } };
            }
            Action::Invalidate(number) => self.step_invalidation(&mut next, number),
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("no 304 from before a completed invalidation", |_, state: &State| {
                state.wrong != Some(Wrong::Invalidated)
            }),
            Property::always("no 304 beyond the freshness that was granted", |_, state: &State| {
                state.wrong != Some(Wrong::NotFresh)
            }),
            Property::always("no older entry in the place of a newer", |_, state: &State| !state.went_back),
            Property::sometimes("a 304 without the application", |_, state: &State| state.hits),
            Property::sometimes("an entry that was invalidated is found out", |_, state: &State| {
                state.invalid
            }),
        ]
    }
}

const INVALIDATED: &str = "no 304 from before a completed invalidation";
const NOT_FRESH: &str = "no 304 beyond the freshness that was granted";
const WENT_BACK: &str = "no older entry in the place of a newer";

/// Invalidations: time stands still, so that nothing else ends an entry.
const TIMELESS: Site = Site { mutant: Mutant::None, requests: 2, changes: 2, ticks: 0, lag: 0, losses: 0 };
/// Freshness, and what is not invalidated.
const TIMED: Site = Site { changes: 1, ticks: 3, ..TIMELESS };
const REPLICATED: Site = Site { ticks: 2, lag: 1, ..TIMED };
/// A store on a server that is lost: each of its scripts is one step there, so that only this order counts.
const LOST: Site = Site { changes: 1, losses: 1, ..TIMELESS };

fn holds(site: Site) {
    let checker = site.checker().threads(2).spawn_bfs().join();
    checker.assert_properties();
    println!("{site:?}: {} states", checker.unique_state_count());
}

fn is_caught(mutant: Mutant, site: Site, property: &'static str) {
    let site = Site { mutant, ..site };
    let checker = site.checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let path = checker.discovery(property).unwrap_or_else(|| panic!("{mutant:?} breaks nothing"));
    println!("{mutant:?}: {:?}", path.into_actions());
}

#[test]
fn no_order_of_steps_makes_a_304_from_before_an_invalidation() {
    holds(TIMELESS);
}

#[test]
fn no_order_of_steps_makes_a_304_beyond_the_freshness_granted() {
    holds(TIMED);
}

#[test]
fn nor_does_a_replica_that_lags_behind_if_invalidations_wait_for_it() {
    holds(REPLICATED);
}

#[test]
fn nor_does_a_store_that_is_lost_and_restored_from_before() {
    holds(LOST);
}

#[test]
fn a_store_that_was_restored_as_the_same_run_is_caught() {
    is_caught(Mutant::SameRun, LOST, INVALIDATED);
}

#[test]
fn reading_the_stamps_before_the_entry_is_caught() {
    is_caught(Mutant::StampsBeforeEntry, TIMELESS, INVALIDATED);
}

#[test]
fn reading_s0_after_the_application_is_caught() {
    is_caught(Mutant::S0AfterApplication, TIMELESS, INVALIDATED);
}

#[test]
fn writing_an_older_entry_over_a_newer_one_is_caught() {
    is_caught(Mutant::OlderOverwrites, TIMELESS, WENT_BACK);
}

#[test]
fn returning_before_the_stamps_stand_is_caught() {
    is_caught(Mutant::ReturnsTooSoon, TIMELESS, INVALIDATED);
}

#[test]
fn taking_no_number_is_caught() {
    is_caught(Mutant::NumberNotTaken, TIMELESS, INVALIDATED);
}

#[test]
fn forgetting_the_groups_is_caught() {
    is_caught(Mutant::GroupsForgotten, TIMELESS, INVALIDATED);
}

#[test]
fn counting_freshness_from_the_wrong_time_is_caught() {
    is_caught(Mutant::FreshFromStoring, TIMED, NOT_FRESH);
}

#[test]
fn not_waiting_for_a_replica_is_caught() {
    is_caught(Mutant::NotSettled, REPLICATED, INVALIDATED);
}
