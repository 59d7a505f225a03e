//! What the child of a fork has of a store.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use notmodified::cache::{Entry, HostStore, Key, KeySpace, Outcome, ProcessStore, Store, Target};

// From libc, which is linked anyway.
unsafe extern "C" {
    fn fork() -> i32;
    fn waitpid(process: i32, status: *mut i32, options: i32) -> i32;
    fn _exit(status: i32) -> !;
}

/// Whether this is true in the child of a fork.
fn in_a_child(is_so: impl FnOnce() -> bool) -> bool {
    // SAFETY: the child only uses a store, which holds no lock that a thread of the parent could have taken with
    // it, and leaves by `_exit`.
    let child = unsafe { fork() };
    assert!(child >= 0);
    if child == 0 {
        let status = i32::from(!is_so());
        // SAFETY: it ends this process, with nothing run.
        unsafe { _exit(status) };
    }
    let mut status = -1;
    // SAFETY: `status` is there to be written to.
    assert_eq!(unsafe { waitpid(child, &raw mut status, 0) }, child);
    status == 0
}

fn key() -> Key {
    KeySpace::new(b"", b"", b"").key(&Target::default())
}

fn holds(store: &dyn Store) -> bool {
    store.look_up(&key(), &mut Vec::new()).is_ok_and(|look_up| look_up.found.is_some())
}

fn put(store: &dyn Store) -> bool {
    let Ok(s0) = store.sequence() else { return false };
    let entry = Entry { s0, began: 0, keep: 0, names: &[], payload: b"own", shared: b"shared" };
    store.store(&key(), &entry).is_ok_and(|outcome| outcome == Outcome::Stored)
}

#[test]
fn the_child_of_a_fork_begins_with_nothing_and_its_parent_keeps_what_it_has() {
    let store = ProcessStore::new(1 << 20);
    assert!(put(&store));
    assert!(in_a_child(|| !holds(&store) && put(&store) && holds(&store)));
    assert!(holds(&store));
}

#[test]
fn the_child_of_a_fork_opens_a_hosts_file_for_itself() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("store");
    let store = HostStore::new(path.clone(), 1 << 20);
    assert!(put(&store));
    assert!(in_a_child(|| holds(&store)));
    // What the parent has mapped is no use to a child that may not open it, as one that became another user.
    std::fs::set_permissions(&path, Permissions::from_mode(0o640)).expect("changed");
    assert!(holds(&store));
    assert!(in_a_child(|| store.look_up(&key(), &mut Vec::new()).is_err()));
}
