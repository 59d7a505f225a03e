//! The store of many hosts on a real Redis and a real Valkey: its scripts against the functions of `stamps.rs`, and what it does when
//! the server forgets, restarts from a snapshot, or is full.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use notmodified::cache::remote::{Failure, Link, Script};
use notmodified::cache::{
    Entry, Key, KeySpace, Name, Outcome, RemoteStore, Store, StoreError, Target, stamps,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// The programs, and the Debian packages, that each test is run with.
const PROGRAMS: [&str; 2] = ["redis-server", "valkey-server"];

/// A server of the test's own.
struct Server {
    program: &'static str,
    folder: tempfile::TempDir,
    process: Child,
}

impl Server {
    /// One of each program; but none, with the reason, where it is not there. Where it must be that is a failure.
    fn each() -> impl Iterator<Item = Self> {
        PROGRAMS.into_iter().filter_map(Self::start)
    }

    fn start(program: &'static str) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        match Self::launch(program, &folder) {
            Ok(process) => {
                let server = Self { program, folder, process };
                server.connect();
                Some(server)
            }
            Err(error) => {
                let reason = format!("{program} does not start ({error}); Debian: apt-get install {program}");
                assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{reason}");
                println!("skipped: {reason}");
                None
            }
        }
    }

    fn launch(program: &str, folder: &tempfile::TempDir) -> std::io::Result<Child> {
        Command::new(program)
            .args(["--port", "0", "--unixsocket", "socket", "--save", "", "--loglevel", "warning"])
            .current_dir(folder)
            .stdout(Stdio::null())
            .spawn()
    }

    fn restart(&mut self) {
        self.process.kill().expect("it runs");
        self.process.wait().expect("it ends");
        self.process = Self::launch(self.program, &self.folder).expect("it starts");
        self.connect();
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    fn connect(&self) -> Connection {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            if let Ok(stream) = UnixStream::connect(self.socket()) {
                let mut connection = Connection(BufReader::new(stream));
                if connection.call(&[b"PING"]).is_ok() {
                    return connection;
                }
            }
            assert!(Instant::now() < end, "the server does not answer");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn store(&self) -> RemoteStore<Client> {
        RemoteStore::new(Client { connection: Mutex::new(self.connect()), late_by: AtomicU64::new(0) })
    }

    fn call(&self, words: &[&str]) -> Vec<Element> {
        let words: Vec<_> = words.iter().map(|word| word.as_bytes()).collect();
        self.connect().call(&words).expect("an answer")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// One element of a reply.
type Element = Option<Vec<u8>>;

/// As much of RESP as the scripts need.
struct Connection(BufReader<UnixStream>);

impl Connection {
    fn call(&mut self, words: &[&[u8]]) -> Result<Vec<Element>, String> {
        let mut command = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            command.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
            command.extend_from_slice(word);
            command.extend_from_slice(b"\r\n");
        }
        self.0.get_mut().write_all(&command).map_err(|error| error.to_string())?;
        self.read()
    }

    fn read(&mut self) -> Result<Vec<Element>, String> {
        let mut line = String::new();
        self.0.read_line(&mut line).map_err(|error| error.to_string())?;
        let (kind, rest) = line.trim_end().split_at_checked(1).ok_or("no line")?;
        match kind {
            "-" => Err(rest.to_owned()),
            "$" => {
                let Ok(length) = rest.parse::<usize>() else { return Ok(vec![None]) };
                let mut octets = vec![0; length + 2];
                self.0.read_exact(&mut octets).map_err(|error| error.to_string())?;
                octets.truncate(length);
                Ok(vec![Some(octets)])
            }
            "*" => {
                let count: usize = rest.parse().map_err(|_| "a count")?;
                let mut all = Vec::new();
                for _ in 0..count {
                    all.extend(self.read()?);
                }
                Ok(all)
            }
            _ => Ok(vec![Some(rest.as_bytes().to_vec())]),
        }
    }
}

struct Client {
    connection: Mutex<Connection>,
    /// How far this host's clock is behind, in milliseconds.
    late_by: AtomicU64,
}

impl Client {
    fn call(&self, words: &[&[u8]]) -> Result<Vec<Element>, Failure> {
        self.connection.lock().expect("no panic").call(words).map_err(|text| {
            let is_gone = text.contains("os error") || text == "no line";
            Failure { error: StoreError::new(text), is_gone }
        })
    }
}

impl Link for &Client {
    fn run(&self, script: Script, keys: &[&[u8]], arguments: &[&[u8]]) -> Result<Vec<u8>, Failure> {
        let count = keys.len().to_string();
        let mut words = vec![b"EVAL", script.text().as_bytes(), count.as_bytes()];
        words.extend_from_slice(keys);
        words.extend_from_slice(arguments);
        let mut reply = self.call(&words)?;
        assert_eq!(reply.len(), 1);
        Ok(reply.pop().flatten().expect("octets"))
    }

    fn set_if_absent(&self, key: &[u8], milliseconds: u64) -> Result<bool, Failure> {
        let milliseconds = milliseconds.to_string();
        let reply = self.call(&[b"SET", key, b"1", b"NX", b"PX", milliseconds.as_bytes()])?;
        Ok(reply != [None])
    }

    fn now(&self) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
        u64::try_from(now).expect("before the end") - self.late_by.load(Relaxed)
    }
}

impl Link for Client {
    fn run(&self, script: Script, keys: &[&[u8]], arguments: &[&[u8]]) -> Result<Vec<u8>, Failure> {
        (&self).run(script, keys, arguments)
    }

    fn set_if_absent(&self, key: &[u8], milliseconds: u64) -> Result<bool, Failure> {
        (&self).set_if_absent(key, milliseconds)
    }

    fn now(&self) -> u64 {
        (&self).now()
    }
}

fn now() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis())
        .expect("soon")
}

fn key(number: u8) -> Key {
    KeySpace::new(b"", b"", b"").key(&Target { path: &[number], ..Target::default() })
}

fn name(number: u8) -> Name {
    Name::path(b"", &[number])
}

fn entry(s0: stamps::Sequence, names: &[Name]) -> Entry<'_> {
    Entry { s0, began: now(), keep: 60_000, names, payload: b"own", shared: b"shared" }
}

fn finds(store: &impl Store, number: u8) -> bool {
    let mut buffer = Vec::new();
    let found = store.look_up(&key(number), &mut buffer).expect("an answer").found;
    found.is_some_and(|found| found.payload == b"own" && found.shared == b"shared")
}

/// Put the number 0 into the place of the test's choice and see that it is found there.
fn puts(store: &impl Store, number: u8) -> stamps::Sequence {
    let s0 = store.sequence().expect("an answer");
    assert_eq!(store.store(&key(number), &entry(s0, &[name(number)])).expect("an answer"), Outcome::Stored);
    assert!(finds(store, number));
    s0
}

/// One step of the random walk.
#[derive(Clone, Debug)]
enum Step {
    Note,
    Store { noted: prop::sample::Index, key: u8, names: Vec<u8> },
    Invalidate { names: Vec<u8> },
    LookUp { key: u8 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let names = || prop::collection::vec(0..4_u8, 1..4);
    let step = prop_oneof![
        Just(Step::Note),
        (any::<prop::sample::Index>(), 0..3_u8, names()).prop_map(|(noted, key, names)| Step::Store {
            noted,
            key,
            names
        }),
        names().prop_map(|names| Step::Invalidate { names }),
        (0..3_u8).prop_map(|key| Step::LookUp { key }),
    ];
    prop::collection::vec(step, 1..40)
}

#[test]
fn the_scripts_decide_as_the_stamp_functions_do() {
    for server in Server::each() {
        let store = server.store();
        let run = |steps: Vec<Step>| {
            server.call(&["FLUSHALL"]);
            // A plain model of it, which decides by the functions alone.
            let mut sequence = 0;
            let mut stamps = [0; 4];
            let mut entries: [Option<(u64, Vec<u8>)>; 3] = Default::default();
            let mut noted = vec![store.sequence().expect("an answer")];
            for step in steps {
                match step {
                    Step::Note => {
                        let s0 = store.sequence().expect("an answer");
                        prop_assert_eq!(s0.number, sequence);
                        noted.push(s0);
                    }
                    Step::Store { noted: which, key: at, names } => {
                        let s0 = *which.get(&noted);
                        let expected = if !stamps::is_valid(
                            s0.number,
                            names.iter().map(|&at| stamps[usize::from(at)]),
                        ) {
                            Outcome::Invalidated
                        } else if let Some((stored, _)) = &entries[usize::from(at)]
                            && !stamps::may_overwrite(*stored, s0.number)
                        {
                            Outcome::Superseded
                        } else {
                            entries[usize::from(at)] = Some((s0.number, names.clone()));
                            Outcome::Stored
                        };
                        let names: Vec<_> = names.into_iter().map(name).collect();
                        prop_assert_eq!(
                            store.store(&key(at), &entry(s0, &names)).expect("an answer"),
                            expected
                        );
                    }
                    Step::Invalidate { names } => {
                        sequence = stamps::next(sequence);
                        for &at in &names {
                            let stamp = &mut stamps[usize::from(at)];
                            *stamp = stamps::raised(*stamp, sequence);
                        }
                        let names: Vec<_> = names.into_iter().map(name).collect();
                        prop_assert_eq!(store.invalidate(&names, 0).expect("an answer").number, sequence);
                    }
                    Step::LookUp { key } => {
                        let expected = entries[usize::from(key)].as_ref().is_some_and(|(s0, names)| {
                            stamps::is_valid(*s0, names.iter().map(|&at| stamps[usize::from(at)]))
                        });
                        prop_assert_eq!(finds(&store, key), expected);
                    }
                }
            }
            Ok(())
        };
        TestRunner::new(Config { failure_persistence: None, ..Config::default() })
            .run(&steps(), run)
            .expect("the scripts decide as the functions do");
    }
}

#[test]
fn what_is_unsettled_is_judged_by_the_servers_clock() {
    for server in Server::each() {
        let writer = server.store();
        let client = Client { connection: Mutex::new(server.connect()), late_by: AtomicU64::new(3_600_000) };
        let late = RemoteStore::new(&client);
        writer.invalidate(&[name(0)], now() + 60_000).expect("an answer");
        for (began, outcome) in
            [(0, Outcome::Unsettled), (59_000, Outcome::Unsettled), (60_500, Outcome::Stored)]
        {
            // On a host whose clock is an hour behind, requests that begin so long after the invalidation.
            let s0 = late.sequence().expect("an answer");
            let began = Link::now(&&client) + began;
            let of = Entry { began, ..entry(s0, &[]) };
            assert_eq!(late.store(&key(1), &of).expect("an answer"), Outcome::Stored, "another name");
            let names = [name(0)];
            let of = Entry { began, ..entry(s0, &names) };
            assert_eq!(late.store(&key(0), &of).expect("an answer"), outcome);
        }
    }
}

#[test]
fn entries_expire_by_the_servers_clock() {
    for server in Server::each() {
        let client = Client { connection: Mutex::new(server.connect()), late_by: AtomicU64::new(3_600_000) };
        let late = RemoteStore::new(&client);
        let s0 = late.sequence().expect("an answer");
        let began = Link::now(&&client);
        assert_eq!(
            late.store(&key(0), &Entry { began, keep: 300, ..entry(s0, &[]) }).expect("an answer"),
            Outcome::Stored
        );
        assert!(finds(&late, 0));
        std::thread::sleep(Duration::from_millis(400));
        assert!(!finds(&late, 0));
        // What comes too late is not stored at all.
        let of = Entry { began: began - 1000, keep: 500, ..entry(s0, &[]) };
        assert_eq!(late.store(&key(0), &of).expect("an answer"), Outcome::Contended);
    }
}

#[test]
fn a_server_that_forgot_is_another_run() {
    for mut server in Server::each() {
        let store = server.store();
        let s0 = puts(&store, 0);

        // The stamps alone, as an eviction would.
        server.call(&["DEL", "{notmodified}:1:state"]);
        assert!(!finds(&store, 0));
        assert_eq!(store.store(&key(0), &entry(s0, &[])).expect("an answer"), Outcome::OtherRun);
        let s1 = puts(&store, 0);
        assert_ne!(s0.run, s1.run);

        server.call(&["FLUSHALL"]);
        assert!(!finds(&store, 0));

        // A snapshot, then an invalidation that is not in it.
        let s2 = puts(&store, 0);
        server.call(&["SAVE"]);
        store.invalidate(&[name(0)], 0).expect("an answer");
        server.restart();
        let store = server.store();
        assert_ne!(
            server.call(&["EXISTS", "{notmodified}:1:state"]),
            [Some(b"0".to_vec())],
            "it was restored"
        );
        assert!(!finds(&store, 0));
        assert_ne!(store.sequence().expect("an answer").run, s2.run);
        assert_eq!(store.store(&key(0), &entry(s2, &[])).expect("an answer"), Outcome::OtherRun);
        puts(&store, 0);
    }
}

#[test]
fn a_replica_answers_nothing_and_a_promoted_one_is_another_run() {
    for (first, second) in Server::each().zip(Server::each()) {
        let (one, other) = (first.store(), second.store());
        puts(&other, 0);
        // It need not find its primary to be a replica.
        second.call(&["REPLICAOF", "127.0.0.1", "1"]);
        let error = other.sequence().expect_err("a replica").to_string();
        assert!(error.starts_with("READONLY"), "{error}");
        // Of another name: it is made up for later, and must not be what ends the entry.
        assert!(other.invalidate(&[name(1)], 0).is_err());
        second.call(&["REPLICAOF", "NO", "ONE"]);
        assert!(!finds(&other, 0));
        puts(&one, 0);
    }
}

#[test]
fn an_invalidation_for_which_there_is_no_memory_forgets_everything() {
    for server in Server::each() {
        let store = server.store();
        puts(&store, 0);
        server.call(&["CONFIG", "SET", "maxmemory", "1"]);
        assert!(finds(&store, 0));
        let s0 = store.sequence().expect("an answer");
        assert!(store.store(&key(1), &entry(s0, &[])).is_err());
        store.invalidate(&[name(1)], 0).expect("it is done, and more");
        server.call(&["CONFIG", "SET", "maxmemory", "0"]);
        assert!(!finds(&store, 0));
        puts(&store, 0);
    }
}

#[test]
fn an_invalidation_that_failed_is_made_up_for_before_anything_is_answered() {
    for server in Server::each() {
        let store = server.store();
        puts(&store, 0);
        puts(&store, 1);
        server.call(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
        store.invalidate(&[name(0)], 0).expect_err("it can't be written");
        assert_eq!(store.counters().postponed, 1);
        assert!(store.sequence().is_err(), "nothing is told while it stands to be done");
        server.call(&["CONFIG", "SET", "min-replicas-to-write", "0"]);
        assert!(!finds(&store, 0));
        assert!(finds(&store, 1));
    }
}

#[test]
fn one_caller_has_the_lease() {
    for server in Server::each() {
        let store = server.store();
        assert!(store.lease(&key(0), 0, 200).expect("an answer"));
        assert!(!store.lease(&key(0), 0, 200).expect("an answer"));
        assert!(store.lease(&key(1), 0, 200).expect("an answer"));
        std::thread::sleep(Duration::from_millis(300));
        assert!(store.lease(&key(0), 0, 200).expect("an answer"));
    }
}

#[test]
fn many_threads_never_find_what_was_invalidated() {
    for server in Server::each() {
        // The number that was invalidated last, and what was stored by whoever began after that.
        let done = AtomicU64::new(0);
        let end = Instant::now() + Duration::from_secs(2);
        let hits = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let store = server.store();
                    let mut buffer = Vec::new();
                    while Instant::now() < end {
                        let at_least = done.load(Relaxed);
                        let looked = store.look_up(&key(0), &mut buffer).expect("an answer");
                        let sequence = looked.sequence;
                        if let Some(found) = looked.found {
                            assert!(found.s0 >= at_least, "{} was found after {at_least}", found.s0);
                            hits.fetch_add(1, Relaxed);
                        } else {
                            store.store(&key(0), &entry(sequence, &[name(0)])).expect("an answer");
                        }
                    }
                });
            }
            scope.spawn(|| {
                let store = server.store();
                while Instant::now() < end {
                    done.store(store.invalidate(&[name(0)], 0).expect("an answer").number, Relaxed);
                    std::thread::sleep(Duration::from_millis(1));
                }
            });
        });
        assert!(hits.into_inner() > 100);
    }
}
