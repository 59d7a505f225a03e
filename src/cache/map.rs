//! Mapped memory as a row of atomic words: the one place of the cache with `unsafe` in it.

use std::io;
use std::os::fd::BorrowedFd;
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::atomic::AtomicU64;

use rustix::mm::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap};

use super::words::Memory;

/// Words that are mapped as long as this lives.
#[derive(Debug)]
pub struct Map {
    start: NonNull<AtomicU64>,
    words: usize,
}

// SAFETY: a `Map` is the only owner of its mapping, which stays where it is until it is dropped, in whichever
// thread that is; all access to it is by shared references to atomics.
unsafe impl Send for Map {}
// SAFETY: the same.
unsafe impl Sync for Map {}

impl Map {
    /// Words of this process that are 0, and become memory when they are first used. On Linux they are 0 again in
    /// the child of a fork.
    pub fn anonymous(words: usize) -> io::Result<Self> {
        let octets = octets_of(words)?;
        // SAFETY: the address is left to the kernel, which maps what nobody else has.
        let start = unsafe {
            mmap_anonymous(ptr::null_mut(), octets, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE)
        }?;
        let map = Self::of(start.cast(), words)?;
        // SAFETY: the range is the mapping that was just made. The advice changes nothing in this process, and the
        // child of a fork may find 0 in any word.
        #[cfg(target_os = "linux")]
        unsafe { rustix::mm::madvise(start, octets, rustix::mm::Advice::LinuxWipeOnFork) }?;
        Ok(map)
    }

    /// The first so many words of a file, shared with whoever else has mapped it. The file must have them: where
    /// it ends before, the process gets SIGBUS when it looks.
    pub fn of_file(file: BorrowedFd<'_>, words: usize) -> io::Result<Self> {
        let octets = octets_of(words)?;
        // SAFETY: the address is left to the kernel, which maps what nobody else has. Other processes may write
        // there at any time: it is only ever seen as atomics, for which any bits are a value.
        let start = unsafe {
            mmap(ptr::null_mut(), octets, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED, file, 0)
        }?;
        Self::of(start.cast(), words)
    }

    fn of(start: *mut AtomicU64, words: usize) -> io::Result<Self> {
        let start = NonNull::new(start).ok_or_else(|| io::Error::other("mapped at the address 0"))?;
        Ok(Self { start, words })
    }
}

fn octets_of(words: usize) -> io::Result<usize> {
    words.checked_mul(size_of::<u64>()).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))
}

impl Memory for Map {
    type Word = AtomicU64;

    #[inline]
    fn words(&self) -> &[AtomicU64] {
        // SAFETY: so many words are mapped there, page-aligned, readable and writable, until `self` is dropped,
        // and nothing but shared references to atomics is made of them.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.words) }
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        // SAFETY: exactly what was mapped, and nobody has a reference into it, for each borrows `self`.
        // That it fails cannot be: the range is one that mmap(2) returned.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), self.words * size_of::<u64>()) };
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;
    use std::sync::atomic::Ordering::Relaxed;

    use super::*;

    #[test]
    fn two_maps_of_one_file_are_the_same_words() {
        let file = tempfile::tempfile().expect("a file");
        file.set_len(4096).expect("space");
        let one = Map::of_file(file.as_fd(), 512).expect("a map");
        let other = Map::of_file(file.as_fd(), 512).expect("a map");
        drop(file);
        one.words()[511].store(7, Relaxed);
        assert_eq!(other.words()[511].load(Relaxed), 7);
        drop(one);
        assert_eq!(other.words().len(), 512);
        assert_eq!(other.words()[511].load(Relaxed), 7);
    }

    #[test]
    fn what_cannot_be_mapped_is_an_error() {
        assert!(Map::anonymous(0).is_err());
        assert!(Map::anonymous(usize::MAX).is_err());
        assert!(Map::anonymous(1 << 59).is_err());
    }
}
