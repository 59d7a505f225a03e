//! The file of a host's store: how it is made, attached to, and told from others.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use rustix::fs::{
    Access, AtFlags, CWD, FallocateFlags, FlockOperation, OFlags, RenameFlags, accessat, fallocate, flock,
    fstat, fstatvfs, renameat_with,
};
use rustix::io::Errno;
use rustix::process::geteuid;
use xxhash_rust::xxh3::xxh3_64;

use crate::cache::counts::Counts;
use crate::cache::layout::{LEAST_WORDS, MAGIC, PAGE, VERSION, head};
use crate::cache::map::Map;
use crate::cache::random;
use crate::cache::store::StoreError;
use crate::cache::table::Table;

const WORD: usize = size_of::<u64>();

/// How often and how long at a time to wait for another who makes the file.
const WAITS: u32 = 100;
const WAIT: Duration = Duration::from_millis(2);

/// What follows the name of a file that is still being made, before a random number.
const NEW: &str = ".new-";

/// How often others may get in between before it is an error.
const TRIES: usize = 32;

/// Where the file of a store is, and how long it is to be.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    words: usize,
}

/// A file that is open, by which the kernel knows it.
#[derive(Debug)]
pub(super) struct Identified {
    file: File,
    device: u64,
    inode: u64,
    octets: u64,
}

impl Identified {
    fn of(file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self { device: metadata.dev(), inode: metadata.ino(), octets: metadata.len(), file })
    }

    /// Whether it is still linked and as long as it was, and the descriptor still its.
    pub(super) fn is_in_place(&self) -> bool {
        fstat(&self.file).is_ok_and(|now| {
            now.st_nlink > 0
                && now.st_ino == self.inode
                && now.st_dev == self.device
                && u64::try_from(now.st_size) == Ok(self.octets)
        })
    }

    fn is_linked(&self) -> bool {
        fstat(&self.file).is_ok_and(|now| now.st_nlink > 0)
    }

    /// Whether it is the same file as another.
    pub(super) fn is(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

/// What is to be done with a file that was found.
enum Found {
    Ours(Table<Map>),
    /// It is to be replaced; it may be something of the user's.
    Foreign,
    /// It is to be replaced: an older, a damaged, an unused one of another size; or somebody is just doing so.
    Useless,
}

/// Where the store of this user is by default: `/dev/shm`, which is memory, or else `/tmp`, in a directory of the
/// user's own. It depends on nothing in the environment, so that a shell finds what a service uses.
#[must_use]
pub fn default_path() -> PathBuf {
    let shared_memory = Path::new("/dev/shm");
    let base = if shared_memory.is_dir() { shared_memory } else { Path::new("/tmp") };
    base.join(format!("notmodified-{}", geteuid().as_raw())).join("store")
}

impl Place {
    pub(super) fn new(path: PathBuf, octets: u64) -> Self {
        let words = usize::try_from(octets).unwrap_or(usize::MAX) / WORD;
        Self { path, words: words.max(LEAST_WORDS) / PAGE * PAGE }
    }

    /// Open the file, or replace it, or make it.
    pub(super) fn attach(&self, counts: &Arc<Counts>) -> Result<(Identified, Table<Map>), StoreError> {
        if self.path == default_path() {
            self.own_directory()?;
        }
        for _ in 0..TRIES {
            match self.open()? {
                None => self.create(counts)?,
                Some(file) => match self.judge(&file, counts, Some(self.words))? {
                    Found::Ours(table) => return Ok((file, table)),
                    // What has lost its place already has made room for another.
                    _ if !file.is_linked() => {}
                    Found::Foreign => self.move_aside()?,
                    Found::Useless => self.unlink()?,
                },
            }
        }
        Err(self.replaced_again_and_again())
    }

    /// Open the file if it is there, whatever its length, and make none. What is useless is unlinked all the same:
    /// an older version's processes may be using it, and must hear that it is no good any more.
    pub(super) fn find(&self, counts: &Arc<Counts>) -> Result<Option<(Identified, Table<Map>)>, StoreError> {
        if self.path == default_path()
            && let Some(directory) = self.path.parent()
        {
            match directory.symlink_metadata() {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                found => self.refuse_directory(directory, found)?,
            }
        }
        for _ in 0..TRIES {
            let Some(file) = self.open()? else { return Ok(None) };
            match self.judge(&file, counts, None)? {
                Found::Ours(table) => return Ok(Some((file, table))),
                _ if !file.is_linked() => {}
                Found::Foreign => return Ok(None),
                Found::Useless => self.unlink()?,
            }
        }
        Err(self.replaced_again_and_again())
    }

    fn replaced_again_and_again(&self) -> StoreError {
        self.error("it is being replaced again and again: is another program using this name?")
    }

    /// What can be told without opening or making anything. Root may become another user, so that whose the file
    /// is says nothing yet.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        if self.path == default_path() {
            return Ok(()); // its directory is made when it is needed
        }
        let directory = match self.path.parent() {
            Some(directory) if !directory.as_os_str().is_empty() => directory,
            _ => Path::new("."),
        };
        if self.path.file_name().is_none() {
            return Err(self.error("it has no name"));
        }
        let metadata = directory.metadata().map_err(|error| self.io("its directory", error))?;
        if !metadata.is_dir() {
            return Err(self.error(&format!("{} is no directory", directory.display())));
        }
        let opened = File::open(directory);
        if let Ok(opened) = &opened {
            self.refuse_network(opened)?;
        }
        match self.path.symlink_metadata() {
            Ok(found) if found.is_symlink() => Err(self.is_symlink()),
            Ok(found) => {
                let user = geteuid();
                self.refuse_others_of(&found, if user.is_root() { found.uid() } else { user.as_raw() })
            }
            Err(_) => accessat(CWD, directory, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS)
                .map_err(|error| self.io("making it in its directory", error)),
        }
    }

    fn is_symlink(&self) -> StoreError {
        self.error("it is a symbolic link; set `store_path` to where it leads")
    }

    /// The directory of the default path: made if it is not there, and nobody else's.
    fn own_directory(&self) -> Result<(), StoreError> {
        let Some(directory) = self.path.parent() else { return Ok(()) };
        match DirBuilder::new().mode(0o700).create(directory) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(self.io("making the store's directory", error));
            }
            _ => {}
        }
        self.refuse_directory(directory, directory.symlink_metadata())
    }

    fn refuse_directory(&self, directory: &Path, found: io::Result<Metadata>) -> Result<(), StoreError> {
        let metadata = found.map_err(|error| self.io("the store's directory", error))?;
        if !metadata.is_dir() || metadata.uid() != geteuid().as_raw() || metadata.mode() & 0o077 != 0 {
            return Err(self.error(&format!(
                "{} must be a directory of this user's alone (chmod 700); or set `store_path`",
                directory.display()
            )));
        }
        Ok(())
    }

    fn open(&self) -> Result<Option<Identified>, StoreError> {
        match read_and_write().open(&self.path) {
            Ok(file) => Identified::of(file).map(Some).map_err(|error| self.io("the store", error)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => Err(self.is_symlink()),
            Err(error) => Err(self.io("opening the store", error)),
        }
    }

    /// What a file is. One that nobody uses is useless unless it has so many words as are `wanted`, if it matters.
    fn judge(
        &self,
        file: &Identified,
        counts: &Arc<Counts>,
        wanted: Option<usize>,
    ) -> Result<Found, StoreError> {
        let metadata = file.file.metadata().map_err(|error| self.io("the store", error))?;
        self.refuse_others(&file.file, &metadata)?;

        let mut page = [0; 8 * WORD];
        let read = file.file.read_at(&mut page, 0).map_err(|error| self.io("reading the store", error))?;
        let word = |at: usize| {
            page.get(at * WORD..)
                .and_then(|octets| octets.first_chunk())
                .map_or(0, |&octets| u64::from_ne_bytes(octets))
        };
        let nothing = page.iter().take(read).all(|&octet| octet == 0);
        if word(head::MAGIC) != MAGIC {
            return Ok(if nothing { Found::Useless } else { Found::Foreign });
        }
        if word(head::VERSION) > VERSION {
            return Err(self.error(
                "a newer version of notmodified uses it; this one has no store until it is upgraded",
            ));
        }
        let words = usize::try_from(file.octets / WORD as u64).unwrap_or_default();
        let ours = word(head::VERSION) == VERSION
            && word(head::WORDS) == words as u64
            && word(head::FILE) == mark_of(&metadata)
            && word(head::BOOT) == boot();
        // Whoever is attached holds it shared, so exclusively it is held only if nobody is: then its size may change.
        let may_change = || flock(&file.file, FlockOperation::NonBlockingLockExclusive).is_ok();
        if !ours || wanted.is_some_and(|wanted| words != wanted) && may_change() {
            return Ok(Found::Useless);
        }
        // Who holds it exclusively is about to unlink it, or was stopped before it could.
        if flock(&file.file, FlockOperation::NonBlockingLockShared).is_err() {
            return Ok(Found::Useless);
        }
        self.reserve(&file.file, file.octets)?;
        let map =
            Map::of_file(file.file.as_fd(), words).map_err(|error| self.io("mapping the store", error))?;
        let table = Table::attach(map, Arc::clone(counts));
        Ok(table.filter(|_| file.is_in_place()).map_or(Found::Useless, Found::Ours))
    }

    /// What is not ours alone is not touched, and is an error.
    fn refuse_others(&self, file: &File, metadata: &Metadata) -> Result<(), StoreError> {
        self.refuse_others_of(metadata, geteuid().as_raw())?;
        self.refuse_network(file)
    }

    fn refuse_others_of(&self, metadata: &Metadata, ours: u32) -> Result<(), StoreError> {
        if !metadata.is_file() {
            return Err(self.error("it is not a file"));
        }
        let theirs = metadata.uid();
        if theirs != ours {
            return Err(
                self.error(&format!("it belongs to user {theirs}, and this process runs as user {ours}"))
            );
        }
        if metadata.mode() & 0o077 != 0 {
            return Err(self.error("others may read or write it: chmod 600, or delete it"));
        }
        Ok(())
    }

    /// Memory is not shared across a network, nor is `fstat` the truth there.
    #[cfg(target_os = "linux")]
    fn refuse_network(&self, file: &File) -> Result<(), StoreError> {
        // From statfs(2) and the kernel's linux/magic.h.
        const NETWORK: [(i64, &str); 14] = [
            (0x6969, "NFS"),
            (0x517b, "SMB"),
            (0xfe53_4d42, "SMB"),
            (0xff53_4d42, "CIFS"),
            (0x0102_1997, "9P"),
            (0x6573_5546, "FUSE"),
            (0x5346_414f, "AFS"),
            (0x00c3_6400, "Ceph"),
            (0x0116_1970, "GFS2"),
            (0x7461_636f, "OCFS2"),
            (0x0bd0_0bd0, "Lustre"),
            (0x4750_4653, "GPFS"),
            (0x1983_0326, "BeeGFS"),
            (0x786f_4256, "vboxsf"),
        ];
        let kind =
            rustix::fs::fstatfs(file).map_err(|error| self.io("the file system of the store", error))?.f_type;
        // Some of these numbers have the sign bit of 32 set, and the field is signed.
        let kind = kind & 0xffff_ffff;
        match NETWORK.iter().find(|(magic, _)| *magic == kind) {
            None => Ok(()),
            Some((_, name)) => Err(self.error(&format!(
                "it is on {name}, which processes can't share memory by; set `store_path` to a place on this host"
            ))),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn refuse_network(&self, _: &File) -> Result<(), StoreError> {
        Ok(())
    }

    /// Reserve all blocks of the file. Asked for more than there is, the kernel takes all that there is before it
    /// gives up, and whoever writes to the same disk meanwhile finds it full: so what can't be had is not asked
    /// for.
    fn reserve(&self, file: &File, octets: u64) -> Result<(), StoreError> {
        let failed = |error| self.io(&format!("reserving {octets} octets for the store"), error);
        let reserved = fstat(file).map_err(failed)?.st_blocks;
        let missing = octets.saturating_sub(u64::try_from(reserved).unwrap_or_default() * 512);
        let disk = fstatvfs(file).map_err(failed)?;
        if missing > disk.f_bavail.saturating_mul(disk.f_frsize) {
            return Err(failed(Errno::NOSPC));
        }
        loop {
            match fallocate(file, FallocateFlags::empty(), 0, octets) {
                Err(Errno::INTR) => {}
                done => return done.map_err(failed),
            }
        }
    }

    /// Make a new file under another name and rename it into its place, unless there is one by then.
    fn create(&self, counts: &Arc<Counts>) -> Result<(), StoreError> {
        let Some(_turn) = self.turn() else { return Ok(()) };
        self.sweep();
        let run = random::run()?;
        let name = self.path.file_name().ok_or_else(|| self.error("it has no name"))?;
        let mut new = name.to_os_string();
        new.push(format!("{NEW}{run:016x}"));
        let new = Temporary(self.path.with_file_name(new));
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new.0)
            .map_err(|error| self.io("making the store", error))?;
        // Whatever the umask took away.
        file.set_permissions(fs::Permissions::from_mode(0o600))
            .map_err(|error| self.io("making the store", error))?;
        self.refuse_network(&file)?;
        // So that nobody sweeps it away.
        let _ = flock(&file, FlockOperation::NonBlockingLockExclusive);
        let octets = (self.words * WORD) as u64;
        self.reserve(&file, octets)?;
        let metadata = file.metadata().map_err(|error| self.io("making the store", error))?;
        let map =
            Map::of_file(file.as_fd(), self.words).map_err(|error| self.io("mapping the store", error))?;
        let marks = [(head::FILE, mark_of(&metadata)), (head::BOOT, boot())];
        Table::create(map, run, &marks, Arc::clone(counts)).ok_or_else(|| self.error("it is too small"))?;
        flock(&file, FlockOperation::Unlock).map_err(|error| self.io("making the store", error))?;
        // Not linked and then unlinked: who was killed in between would leave it with two names for ever.
        match rename_unless_there(&new.0, &self.path) {
            // There is one by now, or ours was swept away: see what is there.
            Err(Errno::EXIST | Errno::NOENT) => Ok(()),
            renamed => renamed.map_err(|error| self.io("putting the store into its place", error)),
        }
    }

    /// Wait for one's turn to make the file, a moment at most; `None` if there is one by then. All workers begin at
    /// once, and files of all of them may not fit on the disk. Who was stopped while it was its turn is passed.
    fn turn(&self) -> Option<Turn> {
        let directory = self.path.parent().and_then(|directory| File::open(directory).ok());
        let turn = Turn(directory);
        for _ in 0..WAITS {
            if turn.is_taken() || self.path.symlink_metadata().is_ok() {
                break;
            }
            thread::sleep(WAIT);
        }
        self.path.symlink_metadata().is_err().then_some(turn)
    }

    /// Unlink what was left by those who were killed while they made a store: nobody holds it.
    fn sweep(&self) {
        let (Some(directory), Some(name)) = (self.path.parent(), self.path.file_name()) else { return };
        let Ok(others) = fs::read_dir(directory) else { return };
        for other in others.flatten() {
            let file_name = other.file_name();
            let octets = file_name.as_encoded_bytes();
            let is_new = octets
                .strip_prefix(name.as_encoded_bytes())
                .is_some_and(|rest| rest.starts_with(NEW.as_bytes()));
            if is_new
                && let Ok(file) = read_and_write().open(other.path())
                && flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok()
            {
                let _ = fs::remove_file(other.path());
            }
        }
    }

    fn unlink(&self) -> Result<(), StoreError> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(self.io("replacing the store", error))
            }
            _ => Ok(()),
        }
    }

    fn move_aside(&self) -> Result<(), StoreError> {
        let mut aside = self.path.clone().into_os_string();
        aside.push(".replaced");
        match rename_unless_there(&self.path, Path::new(&aside)) {
            Err(Errno::NOENT) => Ok(()),
            renamed => renamed
                .map_err(|error| self.io("it is no store, and can't be moved aside to ….replaced", error)),
        }
    }

    fn error(&self, what: &str) -> StoreError {
        StoreError::new(format!("{}: {what}", self.path.display()))
    }

    fn io(&self, what: &str, error: impl Into<io::Error>) -> StoreError {
        StoreError::io(format!("{}: {what}", self.path.display()), error)
    }
}

fn rename_unless_there(from: &Path, to: &Path) -> Result<(), Errno> {
    renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)
}

fn read_and_write() -> OpenOptions {
    // NONBLOCK: what is there may be a pipe.
    let flags = OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    options.read(true).write(true).custom_flags(i32::try_from(flags.bits()).unwrap_or_default());
    options
}

/// The turn to make a file in a directory, if it could be had.
struct Turn(Option<File>);

impl Turn {
    fn is_taken(&self) -> bool {
        let exclusively = FlockOperation::NonBlockingLockExclusive;
        self.0.as_ref().is_none_or(|directory| flock(directory, exclusively).is_ok())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // By hand, for the child of a fork may have the same descriptor open for long.
        if let Some(directory) = &self.0 {
            let _ = flock(directory, FlockOperation::Unlock);
        }
    }
}

/// A name that is unlinked in the end.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // If it is gone, so much the better.
        let _ = fs::remove_file(&self.0);
    }
}

/// What tells a file from its copies: its inode, and when it was made, for inodes are used again.
fn mark_of(metadata: &Metadata) -> u64 {
    let made =
        metadata.created().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    let mut octets = [0; 24];
    octets[..8].copy_from_slice(&metadata.ino().to_le_bytes());
    octets[8..].copy_from_slice(&made.as_nanos().to_le_bytes());
    xxh3_64(&octets)
}

/// Which boot of the machine this is; 0 where it does not say.
fn boot() -> u64 {
    let Ok(id) = fs::read("/proc/sys/kernel/random/boot_id") else { return 0 };
    xxh3_64(&id)
}
