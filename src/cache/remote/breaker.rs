//! Whether it is worth asking a store that may be gone: a circuit breaker.
//!
//! After a failure nobody asks for a while, then one asks for all (a probe). While the probes fail the pauses get
//! longer, and each is of random length so that the processes do not all ask at once.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// The first pause, in milliseconds.
const FIRST: u64 = 1_000;

/// The longest, before it is made random: half of it to one and a half of it.
const LONGEST: u64 = 10_000;

/// For how long one probe keeps others from asking.
const PROBE: u64 = 5_000;

const CLOSED: u64 = 0;
const PROBING: u64 = 1;

/// Times are milliseconds by a clock of the caller's that only goes on.
#[derive(Debug, Default)]
pub struct Breaker {
    /// [`CLOSED`], or until when nobody asks; the lowest bit is set while somebody does for all.
    state: AtomicU64,
    failures: AtomicU32,
    opened: AtomicU64,
    skipped: AtomicU64,
}

impl Breaker {
    /// Whether the caller may ask; it is to tell what came of it.
    pub fn admits(&self, now: u64) -> bool {
        let state = self.state.load(Relaxed);
        if state == CLOSED {
            return true;
        }
        let probe = (now + PROBE) << 1 | PROBING;
        let may = state >> 1 <= now && self.state.compare_exchange(state, probe, Relaxed, Relaxed).is_ok();
        if !may {
            self.skipped.fetch_add(1, Relaxed);
        }
        may
    }

    /// The store has answered.
    pub fn succeeded(&self) {
        if self.state.load(Relaxed) != CLOSED {
            self.state.store(CLOSED, Relaxed);
            self.failures.store(0, Relaxed);
        }
    }

    /// It has not. `random` makes the length of the pause.
    pub fn failed(&self, now: u64, random: u64) {
        let state = self.state.load(Relaxed);
        // Several were asking when it went: one failure, not several.
        if state != CLOSED && state & PROBING == 0 {
            return;
        }
        let failures = self.failures.load(Relaxed);
        let pause = FIRST.checked_shl(failures).unwrap_or(LONGEST).min(LONGEST);
        let until = now + pause / 2 + random % pause;
        if self.state.compare_exchange(state, (until << 1).max(2), Relaxed, Relaxed).is_ok() {
            self.failures.store((failures + 1).min(8), Relaxed);
            if state == CLOSED {
                self.opened.fetch_add(1, Relaxed);
            }
        }
    }

    /// How often it was opened.
    pub fn opened(&self) -> u64 {
        self.opened.load(Relaxed)
    }

    /// How often the caller was not to ask.
    pub fn skipped(&self) -> u64 {
        self.skipped.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_asks_after_a_failure_and_then_one_does() {
        let breaker = Breaker::default();
        assert!(breaker.admits(0));
        breaker.failed(0, 0);
        assert!(!breaker.admits(499));
        assert!(breaker.admits(500));
        assert!(!breaker.admits(501), "the probe is under way");
        assert!(breaker.admits(500 + PROBE), "the probe never ended");
        breaker.succeeded();
        assert!(breaker.admits(501) && breaker.admits(501));
        assert_eq!((breaker.opened(), breaker.skipped()), (1, 2));
    }

    #[test]
    fn the_pauses_get_longer_and_are_of_random_length() {
        for (random, pauses) in
            [(0, [500, 1000, 2000, 4000, 5000, 5000]), (999, [1499, 1999, 2999, 4999, 5999, 5999])]
        {
            let breaker = Breaker::default();
            let mut now = 7;
            for pause in pauses {
                assert!(breaker.admits(now));
                breaker.failed(now, random);
                assert!(!breaker.admits(now + pause - 1));
                now += pause;
            }
        }
    }

    #[test]
    fn many_that_fail_at_once_are_one_failure() {
        let breaker = Breaker::default();
        for _ in 0..8 {
            breaker.failed(0, 0);
        }
        assert!(breaker.admits(500));
        assert_eq!(breaker.opened(), 1);
    }
}
