//! The host's store under several processes that are killed, stopped and restarted at random instants, while its
//! file is deleted and damaged: no answer from before a completed invalidation, and a store that works on.
//!
//! The processes are this very program again (`a_process`). What is true they tell each other by words in a
//! mapped file of their own: the version of each page, and the version up to which its invalidation is complete.

use std::fs::OpenOptions;
use std::os::fd::AsFd;
use std::os::unix::process::{ExitStatusExt, parent_id};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::thread::sleep;
use std::time::{Duration, Instant};

use notmodified::cache::map::Map;
use notmodified::cache::words::Memory;
use notmodified::cache::{Entry, HostStore, Key, KeySpace, Name, Store, Target};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

const PAGES: usize = 64;
const OCTETS: u64 = 256 << 10;

/// What a process says that saw a wrong answer.
const WRONG: i32 = 3;

/// What is true of the pages.
struct Truth(Map);

impl Truth {
    const VERSIONS: usize = 0;
    const ENDED: usize = PAGES;
    const ANSWERS: usize = 2 * PAGES;
    const STORED: usize = Self::ANSWERS + 1;
    const CHANGES: usize = Self::STORED + 1;
    const WORDS: usize = 512;

    fn open(directory: &Path) -> Self {
        let path = directory.join("truth");
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .expect("a file");
        file.set_len(Self::WORDS as u64 * 8).expect("space");
        Self(Map::of_file(file.as_fd(), Self::WORDS).expect("a map"))
    }

    fn word(&self, at: usize) -> &AtomicU64 {
        &self.0.words()[at]
    }

    fn count(&self, at: usize) -> u64 {
        self.word(at).load(SeqCst)
    }
}

fn key(page: usize) -> Key {
    KeySpace::new(b"", b"", b"").key(&Target { path: &page.to_le_bytes(), ..Target::default() })
}

fn name(page: usize) -> Name {
    Name::path(b"", &page.to_le_bytes())
}

/// The payload of a version, of a length of its own, so that a mixture of two is told.
fn payload(page: usize, version: u64) -> Vec<u8> {
    let one = [page as u64, version].map(u64::to_le_bytes).concat();
    one.iter().copied().cycle().take(16 + usize::try_from(version % 400).expect("small")).collect()
}

/// Numbers in no order, other ones in each process.
struct Random(u64);

impl Random {
    fn below(&mut self, count: u64) -> u64 {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        (self.0 >> 33) % count
    }

    fn page(&mut self) -> usize {
        usize::try_from(self.below(PAGES as u64)).expect("small")
    }
}

/// One request. The mutant reads S0 when the application has read the page.
fn request(store: &HostStore, truth: &Truth, page: usize, random: &mut Random, mutant: bool) {
    let ended = truth.word(Truth::ENDED + page).load(SeqCst);
    let mut buffer = Vec::new();
    // Its file may just have been replaced under it: that is an error, and the application answers.
    let Ok(look_up) = store.look_up(&key(page), &mut buffer) else { return };
    if let Some(found) = look_up.found {
        let version =
            found.payload.get(8..16).and_then(|octets| octets.try_into().ok()).map(u64::from_le_bytes);
        let version = version.unwrap_or_default();
        if found.payload != payload(page, version) || found.shared != payload(page, version / 8) {
            eprintln!("page {page}: a mixture: {:?}", found.payload);
            std::process::exit(WRONG);
        }
        if version < ended {
            eprintln!("page {page}: version {version}, but {ended} was complete before the request began");
            std::process::exit(WRONG);
        }
        truth.word(Truth::ANSWERS).fetch_add(1, SeqCst);
        return;
    }
    let version = truth.word(Truth::VERSIONS + page).load(SeqCst);
    if random.below(4) == 0 {
        sleep(Duration::from_micros(random.below(300)));
    }
    let s0 = if mutant { store.sequence().unwrap_or(look_up.sequence) } else { look_up.sequence };
    let (payload, shared) = (payload(page, version), payload(page, version / 8));
    let names = [name(page)];
    if store
        .store(
            &key(page),
            &Entry { s0, began: 0, keep: 0, names: &names, payload: &payload, shared: &shared },
        )
        .is_ok()
    {
        truth.word(Truth::STORED).fetch_add(1, SeqCst);
    }
}

fn change(store: &HostStore, truth: &Truth, page: usize) {
    let version = truth.word(Truth::VERSIONS + page).fetch_add(1, SeqCst) + 1;
    // If that fails, its user hears of it, and nothing is promised.
    if store.invalidate(&[name(page)], 0).is_ok() {
        truth.word(Truth::ENDED + page).fetch_max(version, SeqCst);
        truth.word(Truth::CHANGES).fetch_add(1, SeqCst);
    }
}

/// Not a test of its own: what the processes do that the tests start.
#[test]
fn a_process() {
    let Ok(directory) = std::env::var("CHAOS_DIRECTORY") else { return };
    let directory = PathBuf::from(directory);
    let mutant = std::env::var_os("CHAOS_MUTANT").is_some();
    let truth = Truth::open(&directory);
    let store = HostStore::new(directory.join("store"), OCTETS);
    let mut random = Random(std::process::id().into());
    let parent = parent_id();
    while parent_id() == parent {
        let page = random.page();
        if random.below(20) == 0 {
            change(&store, &truth, page);
            sleep(Duration::from_micros(random.below(500)));
        } else {
            request(&store, &truth, page, &mut random, mutant);
        }
    }
}

struct Scene {
    directory: TempDir,
    mutant: bool,
    children: Vec<Child>,
}

impl Scene {
    fn new(processes: usize, mutant: bool) -> Self {
        let base =
            ["/dev/shm", "/tmp"].into_iter().find(|base| Path::new(base).is_dir()).expect("a directory");
        let directory = tempfile::tempdir_in(base).expect("a directory");
        let mut scene = Self { directory, mutant, children: vec![] };
        scene.children = (0..processes).map(|_| scene.start()).collect();
        scene
    }

    fn start(&self) -> Child {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["--exact", "a_process", "--nocapture"]).env("CHAOS_DIRECTORY", self.directory.path());
        if self.mutant {
            command.env("CHAOS_MUTANT", "1");
        }
        command.stdout(Stdio::null()).spawn().expect("a process")
    }

    fn store(&self) -> PathBuf {
        self.directory.path().join("store")
    }

    /// Those that ended without having been told to, each replaced by another.
    fn ended(&mut self) -> Vec<ExitStatus> {
        let mut ended = vec![];
        for at in 0..self.children.len() {
            if let Some(status) = self.children[at].try_wait().expect("a status") {
                ended.push(status);
                self.children[at] = self.start();
            }
        }
        ended
    }

    fn kill(&mut self, at: usize) {
        self.children[at].kill().expect("killed");
        self.children[at].wait().expect("a status");
        self.children[at] = self.start();
    }

    fn signal(&self, at: usize, signal: Signal) {
        let id = i32::try_from(self.children[at].id()).expect("a process id");
        kill_process(Pid::from_raw(id).expect("a process id"), signal).expect("alive until it is waited for");
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Two seconds; twenty where there is time (`make test-long`).
fn duration() -> Duration {
    Duration::from_secs(if cfg!(debug_assertions) { 2 } else { 20 })
}

/// Kill one, stop another for a while, again and again; and do this to the file each time.
fn chaos(processes: usize, to_the_file: impl Fn(&Path, &mut Random)) {
    let mut scene = Scene::new(processes, false);
    let truth = Truth::open(scene.directory.path());
    let mut random = Random(1);
    let begun = Instant::now();
    let mut killed = 0;
    while begun.elapsed() < duration() {
        let stopped = usize::try_from(random.below(processes as u64)).expect("small");
        scene.signal(stopped, Signal::STOP);
        sleep(Duration::from_millis(random.below(40)));
        to_the_file(&scene.store(), &mut random);
        sleep(Duration::from_millis(random.below(40)));
        scene.signal(stopped, Signal::CONT);
        let other = (stopped + 1) % processes;
        sleep(Duration::from_micros(random.below(2000)));
        scene.kill(other);
        killed += 1;
        for status in scene.ended() {
            // A file that is cut off in the very microsecond in which it is used: the kernel leaves no choice.
            assert_eq!(status.signal(), Some(Signal::BUS.as_raw()), "{status}");
        }
    }
    let (answers, stored, changes) =
        (truth.count(Truth::ANSWERS), truth.count(Truth::STORED), truth.count(Truth::CHANGES));
    println!("{answers} answers, {stored} stored, {changes} changes, {killed} killed");
    assert!(answers > 1_000 && stored > 100 && changes > 100, "{answers}, {stored}, {changes}");

    // And it works on.
    let before = truth.count(Truth::ANSWERS);
    let deadline = Instant::now() + Duration::from_secs(20);
    while truth.count(Truth::ANSWERS) < before + 100 {
        assert!(Instant::now() < deadline, "nobody is answered any more");
        sleep(Duration::from_millis(10));
    }
    let names: Vec<_> = scene.directory.path().read_dir().expect("a directory").flatten().collect();
    assert!(names.len() <= 3, "{names:?}");
}

#[test]
fn processes_may_be_killed_and_stopped_at_any_instant() {
    chaos(4, |_, _| {});
}

#[test]
fn the_file_may_be_deleted_at_any_instant() {
    chaos(4, |path, random| {
        if random.below(2) == 0 {
            // It may be gone already.
            let _ = std::fs::remove_file(path);
        }
    });
}

#[test]
fn the_file_may_be_cut_off_at_any_instant() {
    chaos(4, |path, random| {
        if let Ok(file) = OpenOptions::new().write(true).open(path) {
            file.set_len(random.below(3) * 4096).expect("truncated");
        }
    });
}

#[test]
fn an_s0_that_is_read_after_the_application_is_caught() {
    let mut scene = Scene::new(4, true);
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if scene.ended().iter().any(|status| status.code() == Some(WRONG)) {
            return;
        }
        assert!(Instant::now() < deadline, "it breaks nothing");
        sleep(Duration::from_millis(10));
    }
}
