//! Folders of static files: which version each file is at, and what a request for one of them gets.
//!
//! A file's version is the beginning of the BLAKE3 digest of what is sent for it. References in style sheets are
//! rewritten, so that a versioned file refers to versioned files, and the version covers what was rewritten. Knows
//! files and paths; neither HTTP exchanges nor Python.

mod build;
pub mod coding;
pub mod content;
pub mod css;
mod freshness;
mod kept;
mod manifest;
pub mod name;
mod parallel;
mod sheets;
mod url;
mod walk;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::digest::ContentTag;
use crate::file_state::FileState;

pub use self::coding::Coding;
pub use self::content::Content;
pub use self::freshness::Freshness;
pub use self::kept::{Kept, beside};

/// A folder whose files are under a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// The path, with a slash at both ends.
    pub prefix: String,
    /// The folder.
    pub folder: PathBuf,
}

/// What is built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The folders.
    pub mounts: Vec<Mount>,
    /// What stands before the paths in URLs: the address of a CDN.
    pub base_url: Option<String>,
    /// Take names that look as bundlers make them for versioned.
    pub trust_names: bool,
    /// Take a query that looks like a version for one.
    pub trust_queries: bool,
}

/// A file with its version.
#[derive(Debug)]
pub struct Asset {
    /// Its path, without a version, not percent-encoded.
    pub path: String,
    /// Its version.
    pub version: String,
    /// The file as it is on disk.
    pub content: Content,
    /// The same, compressed.
    pub codings: Vec<(Coding, Content)>,
    /// What is sent in its place, if it is a style sheet with references to versioned files.
    pub rewritten: Option<Rewritten>,
    /// Somebody else has put a version into its name.
    pub versioned_name: bool,
}

/// A style sheet whose references are those to versioned files.
#[derive(Debug, Default)]
pub struct Rewritten {
    /// All of it.
    pub content: Vec<u8>,
    /// The same, compressed, where the file on disk was.
    pub codings: Vec<(Coding, Vec<u8>)>,
}

/// Something that is not as it should be, though the files can be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// `dangling-reference`, `stale-sibling` or `not-utf-8`.
    pub id: &'static str,
    /// The path of the file.
    pub path: String,
    /// What is wrong: one sentence.
    pub text: String,
}

/// All files with their versions.
#[derive(Debug, Default)]
pub struct Assets {
    plan: Plan,
    /// Sorted by their paths.
    files: Vec<Arc<Asset>>,
    by_path: HashMap<String, Arc<Asset>, FixedState>,
    /// Versions of earlier builds, by their paths.
    kept: BTreeMap<String, Arc<Asset>>,
    /// Files under the names of versions of others, which were not looked into: their paths, and where they are.
    copies: Vec<(String, PathBuf)>,
    /// What is not as it should be.
    pub warnings: Vec<Warning>,
}

/// What a request for a path below a mount is for.
#[derive(Clone, Debug)]
pub enum Asked<'a> {
    /// The current version, which never changes under this URL.
    Current(&'a Arc<Asset>),
    /// An earlier version whose content was kept.
    Kept(&'a Arc<Asset>),
    /// Another version than the current one.
    Old(&'a Arc<Asset>),
    /// The file, by its name without a version.
    Plain(&'a Arc<Asset>),
    /// A version of a file that there is not.
    Missing,
}

impl Asked<'_> {
    /// One word for it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Current(_) => "current",
            Self::Kept(_) => "kept",
            Self::Old(_) => "old",
            Self::Plain(_) => "plain",
            Self::Missing => "missing",
        }
    }
}

impl Assets {
    fn new(plan: Plan, files: BTreeMap<String, Asset>) -> Self {
        let files: Vec<_> = files.into_values().map(Arc::new).collect();
        let by_path = files.iter().map(|asset| (asset.path.clone(), Arc::clone(asset))).collect();
        Self { plan, files, by_path, ..Self::default() }
    }

    /// Find what a request is for. `None` if it is none of these files. `path` is not percent-encoded.
    #[must_use]
    pub fn asked(&self, path: &str, query: &str) -> Option<Asked<'_>> {
        if !self.plan.mounts.iter().any(|mount| path.starts_with(&mount.prefix)) {
            return None;
        }
        // What most requests are for comes first.
        let parsed = name::parse(path).map(|(plain, version)| (self.get(&plain), version));
        if let Some((Some(asset), version)) = parsed
            && asset.version == version
        {
            return Some(Asked::Current(asset));
        }
        if let Some(asset) = self.get(path) {
            return Some(self.asked_by_query(asset, query));
        }
        if let Some(asset) = self.kept.get(path) {
            return Some(Asked::Kept(asset));
        }
        let asset = match parsed {
            Some((asset, _)) => asset,
            None => self.get(&crate::versioned::django(path)?.0),
        };
        Some(asset.map_or(Asked::Missing, Asked::Old))
    }

    /// Find what a request for a file by its own name is for: the query may say a version.
    fn asked_by_query<'a>(&'a self, asset: &'a Arc<Asset>, query: &str) -> Asked<'a> {
        if asset.versioned_name {
            return Asked::Current(asset);
        }
        let Some(version) = crate::versioned::in_query(query.as_bytes()) else { return Asked::Plain(asset) };
        let version = String::from_utf8_lossy(version);
        if !name::is_version(&version) {
            return if self.plan.trust_queries { Asked::Current(asset) } else { Asked::Plain(asset) };
        }
        if version == asset.version {
            return Asked::Current(asset);
        }
        let kept = self.kept.get(&name::versioned(&asset.path, &version));
        kept.map_or(Asked::Old(asset), Asked::Kept)
    }

    /// What stands before the paths in URLs.
    #[must_use]
    pub fn base_url(&self) -> Option<&str> {
        self.plan.base_url.as_deref()
    }

    /// A file, by its path without a version.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Arc<Asset>> {
        self.by_path.get(path)
    }

    /// All files, sorted by their paths.
    pub fn iter(&self) -> impl Iterator<Item = &Asset> {
        self.files.iter().map(Arc::as_ref)
    }

    /// How many files there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Is there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The path at which a name is: one that begins with a slash as it is, else below the first mount that has it.
    /// `None` if no file is there.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Asset> {
        if name.starts_with('/') {
            return self.get(name).map(Arc::as_ref);
        }
        self.plan.mounts.iter().find_map(|mount| self.find(&format!("{}{name}", mount.prefix)))
    }

    /// The URL of a file's current version, percent-encoded.
    #[must_use]
    pub fn url(&self, asset: &Asset) -> String {
        self.at(&Self::versioned_path(asset))
    }

    /// The path of a file's current version, not percent-encoded.
    #[must_use]
    pub fn versioned_path(asset: &Asset) -> String {
        if asset.versioned_name { asset.path.clone() } else { name::versioned(&asset.path, &asset.version) }
    }

    /// The URL of a name as [`Assets::find`] takes it, without a version.
    #[must_use]
    pub fn plain_url(&self, name: &str) -> String {
        if name.starts_with('/') {
            return self.at(name);
        }
        let prefix = self.plan.mounts.first().map_or("/", |mount| &mount.prefix);
        self.at(&format!("{prefix}{name}"))
    }

    fn at(&self, path: &str) -> String {
        format!("{}{}", self.plan.base_url.as_deref().unwrap_or_default(), url::encoded(path))
    }

    /// An import map (HTML §8.1.5.3) from the modules' URLs without versions to those with them, as JSON: modules
    /// that import each other by relative paths get the versioned ones.
    #[must_use]
    pub fn import_map(&self) -> String {
        let is_module = |asset: &&Arc<Asset>| {
            Path::new(&asset.path).extension().is_some_and(|extension| {
                extension.eq_ignore_ascii_case("js") || extension.eq_ignore_ascii_case("mjs")
            })
        };
        let modules = self.files.iter().filter(is_module).filter(|asset| !asset.versioned_name);
        let imports: BTreeMap<String, String> =
            modules.map(|asset| (self.at(&asset.path), self.url(asset))).collect();
        serde_json::json!({ "imports": imports }).to_string()
    }
}

impl Asset {
    /// Is the file on disk the one that the version was made of?
    ///
    /// # Errors
    ///
    /// If it can't be read.
    pub fn is_unchanged(&self) -> io::Result<bool> {
        self.content.is_unchanged()
    }

    /// Is what has this strong tag, made without a key, what the version is of, compressed or not?
    #[must_use]
    pub fn has_tag(&self, tag: &ContentTag) -> bool {
        self.each_sent().any(|content| tag.is_of(&content.digest))
    }

    /// Is an open file in this state what the version is of? See [`Content::is_in`].
    ///
    /// # Errors
    ///
    /// If the file can't be read.
    pub fn is_in(&self, state: &FileState) -> io::Result<bool> {
        for content in self.each_sent() {
            if content.is_in(state)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The files that are what the version is of: none where that is in memory alone.
    fn each_sent(&self) -> impl Iterator<Item = &Content> {
        let packed = self.codings.iter().map(|(_, packed)| packed);
        std::iter::once(&self.content).chain(packed).filter(|_| self.rewritten.is_none())
    }
}

/// Why assets can't be had: where, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetError {
    /// The file or folder.
    pub place: String,
    /// The key in it, for a manifest.
    pub key: String,
    /// What is wrong, and what would be right.
    pub reason: String,
}

impl AssetError {
    fn new(place: &Path, reason: impl Into<String>) -> Self {
        Self { place: place.display().to_string(), key: String::new(), reason: reason.into() }
    }

    fn at_key(place: &Path, key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { key: key.into(), ..Self::new(place, reason) }
    }

    fn reading(place: &Path, error: &io::Error) -> Self {
        Self::new(place, format!("it can't be read: {error}"))
    }
}

impl fmt::Display for AssetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.reason)
    }
}

impl std::error::Error for AssetError {}

#[cfg(test)]
mod tests;
