//! The file of a host's store, whatever happens to it.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::cache::key::{Key, KeySpace, Name, Target};
use crate::cache::layout::{MAGIC, VERSION, head};
use crate::cache::stamps::Sequence;
use crate::cache::store::{Entry, Outcome, Store};

const OCTETS: u64 = 1 << 20;

struct Scene {
    directory: TempDir,
}

impl Scene {
    fn new() -> Self {
        Self { directory: TempDir::new().expect("a directory") }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("store")
    }

    fn store(&self) -> HostStore {
        HostStore::new(self.path(), OCTETS)
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.directory.path())
            .expect("a directory")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("text"))
            .collect();
        names.sort();
        names
    }

    fn file(&self) -> File {
        OpenOptions::new().read(true).write(true).open(self.path()).expect("a store")
    }

    fn put_word(&self, at: usize, word: u64) {
        self.file().write_all_at(&word.to_ne_bytes(), at as u64 * 8).expect("written");
    }

    fn inode(&self) -> u64 {
        self.path().metadata().expect("a store").ino()
    }
}

fn key() -> Key {
    KeySpace::new(b"", b"", b"").key(&Target::default())
}

fn name() -> Name {
    Name::path(b"", b"/")
}

fn put(store: &HostStore, s0: Sequence, payload: &[u8]) -> Outcome {
    let entry = Entry { s0, began: 0, keep: 0, names: &[name()], payload, shared: b"shared" };
    store.store(&key(), &entry).expect("a store")
}

fn put_now(store: &HostStore, payload: &[u8]) {
    assert_eq!(put(store, store.sequence().expect("a store"), payload), Outcome::Stored);
}

fn found(store: &HostStore) -> Option<Vec<u8>> {
    let mut buffer = Vec::new();
    store.look_up(&key(), &mut buffer).expect("a store").found.map(|found| found.payload.to_vec())
}

fn refusal(store: &HostStore) -> String {
    store.attach().expect_err("it is refused").to_string()
}

#[test]
fn all_processes_of_a_path_have_one_store() {
    let scene = Scene::new();
    let (one, other) = (scene.store(), scene.store());
    put_now(&one, b"one");
    assert_eq!(found(&other), Some(b"one".to_vec()));
    put_now(&other, b"other");
    assert_eq!(found(&one), Some(b"other".to_vec()));
    one.invalidate(&[name()], 0).expect("a store");
    assert_eq!((found(&one), found(&other)), (None, None));
    assert_eq!((one.counters().reattached, other.counters().reattached), (0, 0));
}

#[test]
fn what_was_stored_stays_when_all_processes_have_ended() {
    let scene = Scene::new();
    put_now(&scene.store(), b"own");
    assert_eq!(found(&scene.store()), Some(b"own".to_vec()));
}

#[test]
fn the_file_is_its_owners_alone_and_all_its_blocks_are_reserved() {
    let scene = Scene::new();
    scene.store().attach().expect("a store");
    let metadata = scene.path().metadata().expect("a file");
    assert_eq!((metadata.mode() & 0o777, metadata.len(), metadata.nlink()), (0o600, OCTETS, 1));
    assert!(metadata.blocks() * 512 >= OCTETS);
    assert_eq!(scene.names(), ["store"]);
}

/// Two attached processes, and what happens to the file between them.
fn replaced_while_in_use(what: impl FnOnce(&Scene)) {
    let scene = Scene::new();
    let (one, other) = (scene.store(), scene.store());
    put_now(&one, b"before");
    let s0 = one.sequence().expect("a store");
    assert_eq!(found(&other), Some(b"before".to_vec()));
    what(&scene);
    assert_eq!(found(&other), None);
    assert_eq!(put(&one, s0, b"begun before"), Outcome::OtherRun);
    put_now(&one, b"after");
    assert_eq!(found(&other), Some(b"after".to_vec()));
    other.invalidate(&[name()], 0).expect("a store");
    assert_eq!(found(&one), None);
    assert_eq!((one.counters().reattached, other.counters().reattached), (1, 1));
}

#[test]
fn a_deleted_file_is_noticed_by_all() {
    replaced_while_in_use(|scene| fs::remove_file(scene.path()).expect("deleted"));
}

#[test]
fn a_truncated_file_is_noticed_before_it_is_touched() {
    replaced_while_in_use(|scene| scene.file().set_len(0).expect("truncated"));
    replaced_while_in_use(|scene| scene.file().set_len(4096).expect("truncated"));
}

#[test]
fn a_file_that_was_truncated_and_grew_again_is_noticed() {
    replaced_while_in_use(|scene| {
        scene.file().set_len(0).expect("truncated");
        scene.file().set_len(OCTETS).expect("grown");
    });
}

#[test]
fn a_file_that_another_made_in_its_place_is_noticed() {
    replaced_while_in_use(|scene| {
        fs::remove_file(scene.path()).expect("deleted");
        put_now(&scene.store(), b"of another");
        scene.store().invalidate(&[name()], 0).expect("a store");
    });
}

#[test]
fn a_file_that_is_moved_aside_is_noticed_though_it_is_still_linked() {
    replaced_while_in_use(|scene| {
        scene.put_word(head::MAGIC, 1);
        scene.store().attach().expect("a store");
        assert_eq!(scene.names(), ["store", "store.replaced"]);
    });
}

/// A file that is found at the start and is not used.
fn replaced_at_open(what: impl FnOnce(&Scene)) -> Scene {
    let scene = Scene::new();
    put_now(&scene.store(), b"before");
    what(&scene);
    let store = scene.store();
    assert_eq!(found(&store), None);
    put_now(&store, b"after");
    assert_eq!(found(&scene.store()), Some(b"after".to_vec()));
    scene
}

#[test]
fn an_older_damaged_or_copied_file_or_one_of_another_boot_is_replaced() {
    for (at, word) in
        [(head::VERSION, VERSION - 1), (head::WORDS, 7), (head::FILE, 7), (head::BOOT, 7), (head::RUN, 0)]
    {
        let scene = replaced_at_open(|scene| scene.put_word(at, word));
        assert_eq!(scene.names(), ["store"], "word {at}");
    }
    replaced_at_open(|scene| scene.file().set_len(0).expect("truncated"));
    replaced_at_open(|scene| scene.file().set_len(OCTETS / 2).expect("truncated"));
    replaced_at_open(|scene| {
        let copy = scene.directory.path().join("copy");
        fs::copy(scene.path(), &copy).expect("copied");
        fs::rename(copy, scene.path()).expect("renamed");
    });
}

#[test]
fn another_programs_file_is_moved_aside() {
    let scene = replaced_at_open(|scene| {
        scene.put_word(head::MAGIC, MAGIC + 1);
    });
    assert_eq!(scene.names(), ["store", "store.replaced"]);
    fs::write(scene.path(), "dear diary").expect("written");
    assert!(refusal(&scene.store()).contains("can't be moved aside"), "there is one aside already");
    assert_eq!(fs::read(scene.path()).expect("a file"), b"dear diary");
}

#[test]
fn a_newer_versions_file_is_left_to_it() {
    let scene = Scene::new();
    put_now(&scene.store(), b"before");
    scene.put_word(head::VERSION, VERSION + 1);
    let inode = scene.inode();
    assert!(refusal(&scene.store()).contains("a newer version"));
    assert_eq!(scene.inode(), inode);
}

#[test]
fn a_file_in_use_keeps_its_size_and_another_gets_the_new_one() {
    let scene = Scene::new();
    let store = scene.store();
    put_now(&store, b"own");
    let larger = || HostStore::new(scene.path(), 2 * OCTETS);
    assert_eq!(found(&larger()), Some(b"own".to_vec()));
    drop(store);
    assert_eq!(found(&larger()), None);
    assert_eq!(scene.path().metadata().expect("a file").len(), 2 * OCTETS);
}

#[test]
fn what_others_can_write_or_is_no_file_is_refused() {
    let scene = Scene::new();
    let target = scene.directory.path().join("target");
    File::create(&target).expect("a file");
    symlink(&target, scene.path()).expect("a link");
    assert!(refusal(&scene.store()).contains("symbolic link"));
    fs::remove_file(scene.path()).expect("deleted");

    fs::create_dir(scene.path()).expect("a directory");
    refusal(&scene.store());
    fs::remove_dir(scene.path()).expect("deleted");

    rustix::fs::mknodat(rustix::fs::CWD, scene.path(), rustix::fs::FileType::Fifo, 0o600.into(), 0)
        .expect("a pipe");
    assert!(refusal(&scene.store()).contains("not a file"));
    fs::remove_file(scene.path()).expect("deleted");

    scene.store().attach().expect("a store");
    fs::set_permissions(scene.path(), fs::Permissions::from_mode(0o660)).expect("changed");
    assert!(refusal(&scene.store()).contains("chmod 600"));
}

#[test]
fn a_full_disk_is_an_error_at_the_start_and_leaves_nothing() {
    let scene = Scene::new();
    let store = HostStore::new(scene.path(), 1 << 43);
    let error = refusal(&store);
    assert!(error.contains("reserving 8796093022208 octets"), "{error}");
    assert!(store.look_up(&key(), &mut Vec::new()).is_err());
    assert!(store.invalidate(&[name()], 0).is_err(), "who invalidates must hear of it");
    assert!(scene.names().is_empty(), "{:?}", scene.names());
}

#[test]
fn a_missing_directory_is_an_error() {
    let store = HostStore::new(PathBuf::from("/nonexistent/notmodified/store"), OCTETS);
    assert!(refusal(&store).starts_with("/nonexistent/notmodified/store: "), "{}", refusal(&store));
}

#[test]
fn what_was_left_half_made_by_a_killed_process_is_swept_away() {
    let scene = Scene::new();
    fs::write(scene.directory.path().join("store.new-0123"), "half").expect("written");
    let living = scene.directory.path().join("store.new-4567");
    let living = File::create(&living).expect("a file");
    rustix::fs::flock(&living, rustix::fs::FlockOperation::LockExclusive).expect("locked");
    scene.store().attach().expect("a store");
    assert_eq!(scene.names(), ["store", "store.new-4567"]);
}

#[test]
fn many_threads_and_stores_attach_at_once_to_one_file() {
    let scene = Scene::new();
    let stores = [scene.store(), scene.store()];
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|number| {
                let store = &stores[number % 2];
                scope.spawn(|| store.sequence().expect("a store").run)
            })
            .collect();
        let runs: Vec<_> = threads.into_iter().map(|thread| thread.join().expect("no panic")).collect();
        assert!(runs.iter().all(|run| *run == runs[0]), "{runs:?}");
    });
    assert_eq!(scene.names(), ["store"]);
}

#[test]
fn the_default_place_is_the_users_own() {
    let path = default_path();
    let user = rustix::process::geteuid().as_raw().to_string();
    assert!(path.ends_with(format!("notmodified-{user}/store")), "{}", path.display());
    assert_eq!(HostStore::new(None, OCTETS).path(), path);
}

#[test]
fn what_is_wrong_with_a_place_is_told_without_opening_anything() {
    let scene = Scene::new();
    let check = |path: PathBuf| HostStore::new(path, OCTETS).check().map_err(|error| error.to_string());
    check(scene.path()).expect("a place for a store");
    check(PathBuf::from("store")).expect("a place in the folder where we are");
    HostStore::new(None, OCTETS).check().expect("the usual place");
    assert!(scene.names().is_empty());
    scene.store().attach().expect("a store");
    check(scene.path()).expect("a store");
    let reason = |path| check(path).expect_err("it is refused");
    assert!(reason(PathBuf::from("/nonexistent/store")).contains("its directory"));
    assert!(reason(scene.path().join("store")).contains("is no directory"));
    assert!(reason(PathBuf::from("/")).contains("it has no name"));
    fs::set_permissions(scene.path(), fs::Permissions::from_mode(0o640)).expect("changed");
    assert!(reason(scene.path()).contains("chmod 600"));
}

fn is_there(store: &HostStore) -> bool {
    Store::is_there(store).expect("it can be told")
}

#[test]
fn to_look_for_a_store_makes_none() {
    let scene = Scene::new();
    assert!(!is_there(&scene.store()));
    assert!(!is_there(&HostStore::new(scene.path().join("no/folder"), OCTETS)));
    assert!(scene.names().is_empty());
    put_now(&scene.store(), b"own");
    let finder = scene.store();
    assert!(is_there(&finder));
    finder.invalidate(&[name()], 0).expect("a store");
    assert_eq!(found(&scene.store()), None);
    fs::remove_file(scene.path()).expect("deleted");
    assert!(!is_there(&finder), "it was deleted meanwhile");
    assert!(scene.names().is_empty());
}

#[test]
fn who_looks_for_a_store_takes_it_as_large_as_it_is() {
    let scene = Scene::new();
    put_now(&scene.store(), b"own");
    let (inode, finder) = (scene.inode(), HostStore::new(scene.path(), 2 * OCTETS));
    assert!(is_there(&finder), "nobody uses it, and somebody will again");
    finder.invalidate(&[name()], 0).expect("a store");
    assert_eq!((scene.inode(), found(&scene.store())), (inode, None));
}

#[test]
fn what_an_older_version_uses_it_hears_is_no_good_and_what_is_no_store_stays() {
    let scene = Scene::new();
    let older = scene.store();
    put_now(&older, b"own");
    scene.put_word(head::VERSION, VERSION - 1);
    assert!(!is_there(&scene.store()));
    assert!(scene.names().is_empty());
    fs::write(scene.path(), "dear diary").expect("written");
    fs::set_permissions(scene.path(), fs::Permissions::from_mode(0o600)).expect("changed");
    assert!(!is_there(&scene.store()));
    assert_eq!(scene.names(), ["store"]);
}

#[test]
fn a_store_that_cannot_be_looked_at_is_an_error() {
    let scene = Scene::new();
    scene.store().attach().expect("a store");
    fs::set_permissions(scene.path(), fs::Permissions::from_mode(0o660)).expect("changed");
    assert!(
        Store::is_there(&scene.store()).expect_err("others may write it").to_string().contains("chmod 600")
    );
}
