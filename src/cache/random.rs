//! Numbers that no other store has.

use rustix::rand::{GetRandomFlags, getrandom};

use super::store::StoreError;

/// The run of a new store, never 0.
pub(super) fn run() -> Result<u64, StoreError> {
    let mut octets = [0; 8];
    // So few are always read whole (getrandom(2)).
    getrandom(&mut octets, GetRandomFlags::empty())
        .map_err(|error| StoreError::io("no random number for a new store", error))?;
    Ok(u64::from_ne_bytes(octets).max(1))
}
