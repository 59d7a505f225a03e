//! What can be said without a server; `tests/remote_store.rs` has one.

use proptest::prelude::*;

use super::*;

fn names(count: usize) -> Vec<Name> {
    (0..count).map(|number| Name::path(b"", &number.to_le_bytes())).collect()
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        run: u64,
        number: u64,
        count in 0..=MAX_NAMES,
        payload in prop::collection::vec(any::<u8>(), 0..600),
        shared in prop::collection::vec(any::<u8>(), 0..2000),
    ) {
        let names = names(count);
        let s0 = Sequence { run, number };
        let entry = Entry { s0, began: 0, keep: 0, names: &names, payload: &payload, shared: &shared };
        let octets = encoded(&entry).expect("it is not too large");
        let decoded = Decoded::of(&octets).expect("what was written");
        prop_assert_eq!((decoded.run, decoded.s0, decoded.names), (run, number, count + 1));
        prop_assert_eq!((decoded.payload, decoded.shared), (&payload[..], &shared[..]));
    }

    #[test]
    fn no_octets_are_misread(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Some(decoded) = Decoded::of(&octets) {
            prop_assert!(decoded.payload.len() + decoded.shared.len() + HEAD <= octets.len());
        }
    }
}

#[test]
fn what_is_too_large_is_refused() {
    let s0 = Sequence { run: 1, number: 0 };
    let of = |names: &[Name], payload: &[u8]| {
        encoded(&Entry { s0, began: 0, keep: 0, names, payload, shared: b"" }).is_some()
    };
    assert!(of(&names(MAX_NAMES), &[0; MAX_OCTETS]));
    assert!(!of(&names(MAX_NAMES + 1), b""));
    assert!(!of(&[], &[0; MAX_OCTETS + 1]));
}
