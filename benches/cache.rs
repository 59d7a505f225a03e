//! What the stores of the validator cache cost: each operation with 1,000 and with 250,000 entries stored, in the
//! memory of one process and in the file of a host; and making a key.
//!
//! `cargo bench --bench cache`

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use divan::Bencher;
use notmodified::cache::host::default_path;
use notmodified::cache::{Entry, HostStore, Key, KeySpace, Name, Outcome, ProcessStore, Store, Target};

fn main() {
    divan::main();
    std::fs::remove_dir_all(directory()).expect("the stores' directory");
}

const OCTETS: usize = 100_000_000;

/// A store, and how many entries are in it.
const SCENES: [(&str, usize); 4] =
    [("process", 1_000), ("process", 250_000), ("host", 1_000), ("host", 250_000)];

fn space() -> &'static KeySpace {
    static SPACE: OnceLock<KeySpace> = OnceLock::new();
    SPACE.get_or_init(|| KeySpace::new(b"4f0c2d1", b"configuration", b"mysite"))
}

fn key(number: usize) -> Key {
    space().key(&Target {
        scheme: b"https",
        host: Some(b"www.example.org"),
        forwarded_host: None,
        forwarded_proto: Some(b"https"),
        script_name: b"",
        path: format!("/articles/{number}/some-title-of-it").as_bytes(),
        query: b"page=2",
    })
}

fn names(number: usize) -> [Name; 4] {
    let path = format!("/articles/{number}/some-title-of-it");
    let path = path.as_bytes();
    [
        Name::path(b"", path),
        Name::uri(b"www.example.org", b"", path, b"page=2"),
        Name::group(b"www.example.org", b"articles"),
        Name::group_anywhere(b"articles"),
    ]
}

/// As an application's: 120 octets of its own, and one of twenty sets of fields.
fn store(store: &dyn Store, number: usize, names: &[Name]) -> Outcome {
    let s0 = store.sequence().expect("a store");
    let shared = [b'a' + u8::try_from(number % 20).expect("small"); 500];
    let entry = Entry { s0, began: 0, keep: 0, names, payload: &[7; 120], shared: &shared };
    store.store(&key(number), &entry).expect("a store")
}

/// Each is filled once, and stays until the process ends.
fn filled((kind, entries): (&str, usize)) -> &'static dyn Store {
    static STORES: [OnceLock<Box<dyn Store>>; SCENES.len()] = [const { OnceLock::new() }; SCENES.len()];
    let at = SCENES.iter().position(|scene| *scene == (kind, entries)).expect("a scene");
    &**STORES[at].get_or_init(|| {
        let made: Box<dyn Store> = match kind {
            "process" => Box::new(ProcessStore::new(OCTETS)),
            _ => Box::new(HostStore::new(directory().join(entries.to_string()), OCTETS as u64)),
        };
        for number in 0..entries {
            assert_eq!(store(&*made, number, &names(number)), Outcome::Stored);
        }
        made
    })
}

fn directory() -> &'static Path {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| {
        let base = default_path().parent().and_then(Path::parent).map(Path::to_owned).expect("a directory");
        let directory = base.join(format!("notmodified-bench-{}", std::process::id()));
        std::fs::create_dir(&directory).expect("a directory");
        directory
    })
}

/// Numbers below `entries`, in no order.
fn numbers(entries: usize) -> impl FnMut() -> usize {
    let mut state = 1_u64;
    move || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        usize::try_from(state >> 33).expect("31 bits") % entries
    }
}

#[divan::bench(args = SCENES, sample_size = 500)]
fn look_up_hit(bencher: Bencher, scene: (&str, usize)) {
    let store = filled(scene);
    let keys: Vec<_> = (0..scene.1).map(key).collect();
    let mut number = numbers(scene.1);
    let mut buffer = Vec::new();
    let mut hits = 0_usize;
    let mut all = 0_usize;
    bencher.bench_local(|| {
        all += 1;
        hits += usize::from(store.look_up(&keys[number()], &mut buffer).expect("a store").found.is_some());
    });
    assert!(hits * 100 >= all * 98, "{hits} of {all}");
}

#[divan::bench(args = SCENES, sample_size = 500)]
fn look_up_miss(bencher: Bencher, scene: (&str, usize)) {
    let store = filled(scene);
    let keys: Vec<_> = (1_000_000..1_010_000).map(key).collect();
    let mut number = numbers(keys.len());
    let mut buffer = Vec::new();
    bencher.bench_local(|| {
        assert!(store.look_up(&keys[number()], &mut buffer).expect("a store").found.is_none());
    });
}

/// An entry over the one that is there, as when its freshness has ended.
#[divan::bench(args = SCENES, sample_size = 500)]
fn store_again(bencher: Bencher, scene: (&str, usize)) {
    let filled = filled(scene);
    let mut number = numbers(scene.1);
    let names: Vec<_> = (0..1_000).map(names).collect();
    bencher.bench_local(|| {
        let number = number();
        assert_eq!(store(filled, number, &names[number % 1_000]), Outcome::Stored);
    });
}

/// Of a path and a URI that no entry bears.
#[divan::bench(args = SCENES, sample_size = 500)]
fn invalidate(bencher: Bencher, scene: (&str, usize)) {
    let store = filled(scene);
    let names = [Name::path(b"", b"/nowhere"), Name::uri(b"www.example.org", b"", b"/nowhere", b"")];
    bencher.bench_local(|| store.invalidate(&names, 0).expect("a store"));
}

#[divan::bench(sample_size = 500)]
fn make_a_key(bencher: Bencher) {
    let mut number = numbers(1_000_000);
    bencher.bench_local(|| key(black_box(number())));
}

#[divan::bench(sample_size = 500)]
fn make_the_names(bencher: Bencher) {
    let mut number = numbers(1_000_000);
    bencher.bench_local(|| names(black_box(number())));
}
