//! What there is to count of an exchange, and the counters.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::policy::Narrowed;

/// What became of an exchange, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// 304, made here.
    NotModified,
    /// 304, made from memory: the app did not run.
    Remembered,
    /// The request was conditional and was judged; the whole response goes out.
    Modified,
    /// 206, made here: the part or parts that the client asked for.
    Partial,
    /// 416, made here.
    Unsatisfiable,
    /// 412, made here.
    Failed,
    /// 428, made here: an unconditional write where a policy or a decorator asks for a precondition.
    Required,
    /// 503, made here: the precondition of a write could not be judged.
    Unavailable,
    /// A write whose preconditions were judged, and hold: the app acts.
    Passed,
    /// No precondition; the response has a validator.
    Unconditional,
    /// The app judged for itself: its own 206, 304, 412 or 416.
    App,
    /// Nothing to judge: another method or status, or no validator.
    Bypass,
    /// Our machinery failed; the app's own response goes out.
    Error,
}

impl Outcome {
    /// What may become of the preconditions of a write.
    pub const OF_WRITES: [Self; 4] = [Self::Passed, Self::Failed, Self::Required, Self::Unavailable];

    /// All of them, in their order, [`Outcome::Error`] last.
    pub const ALL: [Self; 13] = [
        Self::NotModified,
        Self::Remembered,
        Self::Modified,
        Self::Partial,
        Self::Unsatisfiable,
        Self::Failed,
        Self::Required,
        Self::Unavailable,
        Self::Passed,
        Self::Unconditional,
        Self::App,
        Self::Bypass,
        Self::Error,
    ];

    /// The documented word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotModified => "not-modified",
            Self::Remembered => "remembered",
            Self::Modified => "modified",
            Self::Partial => "partial",
            Self::Unsatisfiable => "unsatisfiable",
            Self::Failed => "failed",
            Self::Required => "required",
            Self::Unavailable => "unavailable",
            Self::Passed => "passed",
            Self::Unconditional => "unconditional",
            Self::App => "app",
            Self::Bypass => "bypass",
            Self::Error => "error",
        }
    }

    /// The same as the name of a count.
    const fn counted_as(self) -> &'static str {
        match self {
            Self::NotModified => "not_modified",
            other => other.word(),
        }
    }
}

/// What there is to count of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// What became of it.
    pub outcome: Outcome,
    /// Was an entity-tag made?
    pub tag_made: bool,
    /// Was an ill-formed ETag of the app's taken out?
    pub ill_formed_tag: bool,
    /// Bytes of content that a 304 saved, as far as known.
    pub bytes_not_sent: u64,
    /// Was it answered without running the app?
    pub without_app: bool,
    /// Was something of a policy not sent, because the response is for one client?
    pub narrowed: Option<Narrowed>,
}

impl Tally {
    /// The tally of an exchange of which there is no more to say than this.
    #[must_use]
    pub const fn of(outcome: Outcome) -> Self {
        Self {
            outcome,
            tag_made: false,
            ill_formed_tag: false,
            bytes_not_sent: 0,
            without_app: false,
            narrowed: None,
        }
    }
}

/// Counts of what became of exchanges, since the process started.
#[derive(Debug, Default)]
pub struct Counters {
    /// Of each outcome, those for which no entity-tag was made and those for which one was.
    outcomes: [[AtomicU64; 2]; Outcome::ALL.len()],
    /// Failures of ours that changed nothing for a request with another outcome.
    harmless_errors: AtomicU64,
    ill_formed_tags: AtomicU64,
    bytes_not_sent: AtomicU64,
    without_app: AtomicU64,
    narrowed: AtomicU64,
}

impl Counters {
    /// Count an exchange.
    pub fn count(&self, tally: &Tally) {
        if let Some(of_outcome) = self.outcomes.get(tally.outcome as usize) {
            of_outcome[usize::from(tally.tag_made)].fetch_add(1, Relaxed);
        }
        if tally.ill_formed_tag {
            self.ill_formed_tags.fetch_add(1, Relaxed);
        }
        // What is remembered is always without it.
        if tally.without_app && tally.outcome != Outcome::Remembered {
            self.without_app.fetch_add(1, Relaxed);
        }
        if tally.narrowed.is_some() {
            self.narrowed.fetch_add(1, Relaxed);
        }
        if tally.bytes_not_sent > 0 {
            self.bytes_not_sent.fetch_add(tally.bytes_not_sent, Relaxed);
        }
    }

    /// Count a failure of ours that changed nothing for the request, which is counted as what it is.
    pub fn error(&self) {
        self.harmless_errors.fetch_add(1, Relaxed);
    }

    /// All counts by name. A request has one outcome, so `requests` is their sum.
    #[must_use]
    pub fn snapshot(&self) -> Vec<(&'static str, u64)> {
        let load = |counter: &AtomicU64| counter.load(Relaxed);
        let counts: Vec<_> = self.outcomes.iter().map(|of_outcome| of_outcome.each_ref().map(load)).collect();
        let mut all = vec![("requests", counts.as_flattened().iter().sum())];
        let outcomes = Outcome::ALL.iter().zip(&counts);
        all.extend(outcomes.map(|(outcome, count)| (outcome.counted_as(), count.iter().sum())));
        let remembered: u64 =
            counts.get(Outcome::Remembered as usize).map_or(0, |counts| counts.iter().sum());
        let tags_made = counts.iter().map(|[_, made]| made).sum();
        let errors = all.pop().map_or(0, |(_, errors): (_, u64)| errors);
        all.extend([
            ("errors", errors + load(&self.harmless_errors)),
            ("tags_made", tags_made),
            ("ill_formed_tags", load(&self.ill_formed_tags)),
            ("bytes_not_sent", load(&self.bytes_not_sent)),
            ("without_app", remembered + load(&self.without_app)),
            ("narrowed", load(&self.narrowed)),
        ]);
        all
    }
}
