//! Work on many items with all processors.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// More threads than that only wait for the disk.
const MOST: usize = 16;

/// Do the same with each item; what comes out is in the order of the items. Each thread has one `room` to itself.
pub(super) fn each<T: Sync, Room: Default, R: Send>(
    items: &[T],
    work: impl Fn(&T, &mut Room) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let run = || {
        let (mut room, mut done) = (Room::default(), Vec::new());
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(number) else { return done };
            done.push((number, work(item, &mut room)));
        }
    };
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MOST).min(items.len());
    let mut all = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
        let mut all = run();
        for other in others {
            match other.join() {
                Ok(done) => all.extend(done),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    all.sort_unstable_by_key(|(number, _)| *number);
    all.into_iter().map(|(_, result)| result).collect()
}
