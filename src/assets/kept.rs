//! What earlier builds had: the content of their files, each under its digest, and a list of which build had which.
//!
//! It is beside the manifest, which stays as it is. A server finds there what an old version was of.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use blake3::{Hash, Hasher};
use serde::{Deserialize, Serialize};

use super::manifest::{Digest, Packed, Version};
use super::{Asset, AssetError, Assets, Coding, Content};

/// The format that is written and read.
const FORMAT: u32 = 1;

/// What the manifest's name ends with, for the folder beside it.
const SUFFIX: &str = ".kept";

/// The list, in the folder.
const LIST: &str = "builds.json";

/// What the name of a file ends with that is being written.
const PARTIAL: &str = ".part";

/// How the list is had anew.
const REBUILD: &str = "build it with `notmodified assets build`; remove the folder if that refuses it too";

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Builds {
    notmodified_kept: u32,
    /// The latest first: the path of each version with what it was of.
    builds: Vec<BTreeMap<String, Entry>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// The path without the version.
    path: String,
    version: Version,
    digest: Digest,
    size: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    codings: BTreeMap<Coding, Packed>,
}

impl Entry {
    /// All that is to be had of it: the name of each content, and its length.
    fn contents(&self) -> impl Iterator<Item = (String, u64)> {
        let packed = self.codings.values().map(|packed| (packed.digest.name(), packed.size));
        std::iter::once((self.digest.name(), self.size)).chain(packed)
    }
}

/// What is in the folder after a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// How many builds, with the current one.
    pub builds: usize,
    /// How many octets their files have, each content once.
    pub octets: u64,
}

/// The folder beside a manifest.
#[must_use]
pub fn beside(manifest: &Path) -> PathBuf {
    let mut name = manifest.as_os_str().to_owned();
    name.push(SUFFIX);
    name.into()
}

impl Assets {
    /// Keep the content of all files beside a manifest, with that of as many `earlier` builds; what older ones had
    /// is removed. To build the same once more is no further build.
    ///
    /// # Errors
    ///
    /// If something can't be read or written, if a file is no longer what was built, or if the list of what is
    /// kept is none.
    pub fn keep(&self, manifest: &Path, earlier: usize) -> Result<Kept, AssetError> {
        let folder = beside(manifest);
        let failed = |error: io::Error| AssetError::new(&folder, format!("it can't be written: {error}"));
        let mut all = match Builds::read(&folder)? {
            Ok(all) => all,
            Err(_) => Builds { notmodified_kept: FORMAT, builds: Vec::new() },
        };
        fs::create_dir_all(&folder).map_err(failed)?;
        let mut build = BTreeMap::new();
        for asset in self.iter() {
            build.insert(Self::versioned_path(asset), asset.put(&folder)?);
        }
        if all.builds.first().is_some_and(|latest| is_same(latest, &build)) {
            all.builds.remove(0);
        }
        all.builds.insert(0, build);
        all.builds.truncate(earlier.saturating_add(1));
        // As in the manifest, there is nothing that JSON can't say.
        let mut text = serde_json::to_vec(&all).unwrap_or_default();
        text.push(b'\n');
        replace(&folder, LIST, |file| file.write_all(&text)).map_err(failed)?;
        let contents: BTreeMap<String, u64> =
            all.builds.iter().flat_map(BTreeMap::values).flat_map(Entry::contents).collect();
        sweep(&folder, &contents).map_err(failed)?;
        Ok(Kept { builds: all.builds.len(), octets: contents.values().sum() })
    }

    /// Take over what is kept beside a manifest.
    ///
    /// # Errors
    ///
    /// If there is nothing, or something is missing of it.
    pub fn load_kept(&mut self, manifest: &Path) -> Result<(), AssetError> {
        let folder = beside(manifest);
        let list = folder.join(LIST);
        let all = Builds::read(&folder)?
            .map_err(|error| AssetError::new(&list, format!("it can't be read: {error}: {REBUILD}")))?;
        let current: BTreeSet<String> = self.iter().map(Self::versioned_path).collect();
        for (path, entry) in all.builds.into_iter().flatten() {
            if current.contains(&path) || self.kept.contains_key(&path) {
                continue;
            }
            for (name, size) in entry.contents() {
                let file = folder.join(name);
                let reason = match fs::metadata(&file) {
                    Ok(metadata) if metadata.len() == size => continue,
                    Ok(metadata) => format!("it has {} octets, not {size}", metadata.len()),
                    Err(error) => format!("it can't be read: {error}"),
                };
                return Err(AssetError::new(&file, format!("{reason}: {REBUILD}")));
            }
            let content =
                |digest: Digest, size| Content::expected(folder.join(digest.name()), digest.0, size);
            let codings = entry
                .codings
                .into_iter()
                .map(|(coding, packed)| (coding, content(packed.digest, packed.size)))
                .collect();
            let asset = Asset {
                path: entry.path,
                version: entry.version.0,
                content: content(entry.digest, entry.size),
                codings,
                rewritten: None,
                versioned_name: false,
            };
            self.kept.insert(path, Arc::new(asset));
        }
        Ok(())
    }
}

impl Builds {
    /// Read the list. An error in the inner result: there is none.
    fn read(folder: &Path) -> Result<io::Result<Self>, AssetError> {
        let list = folder.join(LIST);
        let text = match fs::read(&list) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Err(error)),
            Err(error) => return Err(AssetError::reading(&list, &error)),
        };
        let read: Self = serde_json::from_slice(&text).map_err(|error| {
            AssetError::new(&list, format!("it is no list of what was kept ({error}): {REBUILD}"))
        })?;
        if read.notmodified_kept != FORMAT {
            let reason = format!("the format is {}, and this release reads {FORMAT}", read.notmodified_kept);
            return Err(AssetError::at_key(&list, "notmodified_kept", format!("{reason}: {REBUILD}")));
        }
        Ok(Ok(read))
    }
}

impl Asset {
    /// Put what is sent for it into the folder.
    fn put(&self, folder: &Path) -> Result<Entry, AssetError> {
        let mut codings = BTreeMap::new();
        let (digest, size) = if let Some(rewritten) = &self.rewritten {
            for (coding, packed) in &rewritten.codings {
                let (digest, size) = put_octets(folder, packed)?;
                codings.insert(*coding, Packed { digest, size });
            }
            put_octets(folder, &rewritten.content)?
        } else {
            for (coding, packed) in &self.codings {
                let (digest, size) = put_file(folder, packed)?;
                codings.insert(*coding, Packed { digest, size });
            }
            put_file(folder, &self.content)?
        };
        Ok(Entry { path: self.path.clone(), version: Version(self.version.clone()), digest, size, codings })
    }
}

fn put_octets(folder: &Path, octets: &[u8]) -> Result<(Digest, u64), AssetError> {
    let (digest, size) = (Digest(blake3::hash(octets)), octets.len() as u64);
    let name = digest.name();
    if !is_there(folder, &name, size) {
        replace(folder, &name, |file| file.write_all(octets))
            .map_err(|error| AssetError::new(&folder.join(name), format!("it can't be written: {error}")))?;
    }
    Ok((digest, size))
}

fn put_file(folder: &Path, content: &Content) -> Result<(Digest, u64), AssetError> {
    let digest = Digest(content.digest);
    let name = digest.name();
    if !is_there(folder, &name, content.size) {
        let mut from =
            File::open(&content.path).map_err(|error| AssetError::reading(&content.path, &error))?;
        replace(folder, &name, |file| {
            let mut copy = Hashed { file, hasher: Hasher::new() };
            io::copy(&mut from, &mut copy)?;
            let is_as_built = copy.hasher.finalize() == content.digest;
            if is_as_built { Ok(()) } else { Err(io::Error::other("it has changed")) }
        })
        .map_err(|error| {
            let reason = match error.raw_os_error() {
                Some(_) => format!("it can't be copied to {}: {error}", folder.display()),
                None => "it has changed since it was read: build when nothing writes to it any more".into(),
            };
            AssetError::new(&content.path, reason)
        })?;
    }
    Ok((digest, content.size))
}

/// A file that is written, with the digest of what was.
struct Hashed<'f> {
    file: &'f mut File,
    hasher: Hasher,
}

impl Write for Hashed<'_> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let written = self.file.write(octets)?;
        self.hasher.update(octets.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Content under its digest is never written in place, so its length tells whether it is whole.
fn is_there(folder: &Path, name: &str, size: u64) -> bool {
    fs::metadata(folder.join(name)).is_ok_and(|metadata| metadata.len() == size)
}

/// Write a file so that whoever reads it has all of it, or what was there before.
fn replace(folder: &Path, name: &str, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let partial = folder.join(format!(".{name}{PARTIAL}"));
    let mut file = File::create(&partial)?;
    let written = write(&mut file).and_then(|()| fs::rename(&partial, folder.join(name)));
    if written.is_err() {
        let _ = fs::remove_file(&partial);
    }
    written
}

/// Remove the content that no build has any more, and what an interrupted build has left; nothing of anybody else's.
fn sweep(folder: &Path, contents: &BTreeMap<String, u64>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let partial = name.strip_prefix('.').and_then(|rest| rest.strip_suffix(PARTIAL));
        let is_content = |name: &str| Hash::from_hex(name).is_ok() && name.len() == 64;
        if is_content(partial.unwrap_or(name)) && !contents.contains_key(name) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Do two builds have the same content under the same paths?
fn is_same(one: &BTreeMap<String, Entry>, other: &BTreeMap<String, Entry>) -> bool {
    let contents = |(path, entry): (&String, &Entry)| (path.clone(), entry.digest.0);
    one.len() == other.len() && one.iter().map(contents).eq(other.iter().map(contents))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::super::Asked;
    use super::super::tests::{build, folder, packed, plan, versions, write};
    use super::*;

    /// A site with a manifest elsewhere, and what its builds had.
    struct Project {
        site: TempDir,
        elsewhere: TempDir,
    }

    impl Project {
        fn new() -> Self {
            let site = folder(&[
                ("app.css", b"a{background:url(i.png)}"),
                ("i.png", b"one"),
                ("steady.js", b"steady"),
                ("gone.js", b"gone"),
            ]);
            Self { site, elsewhere: tempfile::tempdir().unwrap() }
        }

        fn manifest(&self) -> PathBuf {
            self.elsewhere.path().join("m.json")
        }

        fn keep(&self, earlier: usize) -> Kept {
            build(&self.site).keep(&self.manifest(), earlier).unwrap()
        }

        /// As a server has it that starts now.
        fn started(&self) -> Result<Assets, AssetError> {
            fs::write(self.manifest(), build(&self.site).manifest()).unwrap();
            let mut assets = Assets::load(plan(&self.site), &self.manifest())?;
            assets.load_kept(&self.manifest())?;
            Ok(assets)
        }

        fn names(&self) -> BTreeSet<String> {
            let entries = fs::read_dir(beside(&self.manifest())).unwrap();
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
        }
    }

    /// What is kept for a path of a version.
    fn content(assets: &Assets, path: &str) -> Option<String> {
        match assets.asked(path, "") {
            Some(Asked::Kept(asset)) => {
                assert_eq!(Assets::versioned_path(asset), path);
                assert!(asset.is_unchanged().unwrap());
                Some(fs::read_to_string(&asset.content.path).unwrap())
            }
            _ => None,
        }
    }

    fn url_of(assets: &Assets, path: &str) -> String {
        Assets::versioned_path(assets.get(path).unwrap())
    }

    #[test]
    fn the_content_of_earlier_builds_is_there_under_their_versions_and_no_longer_than_asked_for() {
        let project = Project::new();
        let mut urls = Vec::new();
        for (number, image) in [b"one", b"two", b"six", b"ten"].into_iter().enumerate() {
            write(&project.site, "i.png", image);
            let assets = build(&project.site);
            urls.push((url_of(&assets, "/static/i.png"), url_of(&assets, "/static/app.css")));
            assert_eq!(project.keep(2).builds, (number + 1).min(3));
        }
        let assets = project.started().unwrap();
        let image = |number: usize| content(&assets, &urls[number].0);
        assert_eq!((image(0), image(1).as_deref(), image(2).as_deref()), (None, Some("two"), Some("six")));
        // The old style sheet shows the old image.
        let sheet = content(&assets, &urls[1].1).unwrap();
        assert!(sheet.contains(urls[1].0.rsplit('/').next().unwrap()), "{sheet}");
        assert_eq!(content(&assets, &urls[0].1), None);
        // What is current is served as such; what only one build had is removed with it.
        for path in versions(&assets).keys() {
            assert!(matches!(assets.asked(&url_of(&assets, path), ""), Some(Asked::Current(_))));
        }
        // Three images and three style sheets, two scripts, and the list.
        assert_eq!(project.names().len(), 9);
    }

    #[test]
    fn the_query_names_kept_versions_too() {
        let project = Project::new();
        let version = build(&project.site).get("/static/i.png").unwrap().version.clone();
        project.keep(1);
        write(&project.site, "i.png", b"two");
        project.keep(1);
        let assets = project.started().unwrap();
        let asked = assets.asked("/static/i.png", &format!("v={version}"));
        assert!(matches!(asked, Some(Asked::Kept(_))), "{asked:?}");
        let asked = assets.asked("/static/i.png", "v=0123456789abcdef");
        assert!(matches!(asked, Some(Asked::Old(_))), "{asked:?}");
    }

    #[test]
    fn a_file_that_there_is_no_more_is_kept_with_its_compressed_siblings() {
        let project = Project::new();
        let long = b"let a = 1;".repeat(50);
        write(&project.site, "gone.js", &long);
        write(&project.site, "gone.js.gz", &packed(Coding::Gzip, &long));
        let url = url_of(&build(&project.site), "/static/gone.js");
        project.keep(1);
        for name in ["gone.js", "gone.js.gz"] {
            fs::remove_file(project.site.path().join(name)).unwrap();
        }
        project.keep(1);
        let assets = project.started().unwrap();
        let Some(Asked::Kept(asset)) = assets.asked(&url, "") else { panic!("{url}") };
        let [(Coding::Gzip, packed)] = &asset.codings[..] else { panic!("{:?}", asset.codings) };
        assert!(packed.is_unchanged().unwrap());
    }

    #[test]
    fn to_build_the_same_again_drops_nothing_and_writes_the_same() {
        let project = Project::new();
        let old = url_of(&build(&project.site), "/static/i.png");
        project.keep(1);
        write(&project.site, "i.png", b"two");
        let kept = project.keep(1);
        let list = || fs::read(beside(&project.manifest()).join(LIST)).unwrap();
        let before = list();
        for _ in 0..3 {
            assert_eq!(project.keep(1), kept);
            assert_eq!(list(), before);
        }
        assert_eq!(content(&project.started().unwrap(), &old).as_deref(), Some("one"));
        // The same builds elsewhere, in files of another age, come to the same.
        let other = Project::new();
        other.keep(1);
        write(&other.site, "i.png", b"two");
        other.keep(1);
        assert_eq!(fs::read(beside(&other.manifest()).join(LIST)).unwrap(), before);
        assert_eq!(other.names(), project.names());
    }

    #[test]
    fn what_is_gone_or_cut_short_is_told_and_had_again_by_a_build() {
        let project = Project::new();
        let missing = project.started().unwrap_err().to_string();
        assert!(missing.contains("m.json.kept/builds.json: it can't be read"), "{missing}");
        project.keep(1);
        let steady = beside(&project.manifest()).join(blake3::hash(b"steady").to_hex().as_str());
        write(&project.site, "steady.js", b"another");
        project.keep(1);
        for damage in
            [|path: &Path| fs::write(path, "st").unwrap(), |path: &Path| fs::remove_file(path).unwrap()]
        {
            damage(&steady);
            let told = project.started().unwrap_err().to_string();
            assert!(told.starts_with(steady.to_str().unwrap()) && told.ends_with(REBUILD), "{told}");
        }
        fs::write(&steady, "ydaets").unwrap();
        let assets = project.started().unwrap();
        let kept: Vec<_> = assets.kept.values().map(|asset| asset.is_unchanged().unwrap()).collect();
        assert_eq!(kept, [false]);
    }

    #[test]
    fn a_list_that_is_none_is_never_overwritten() {
        let project = Project::new();
        project.keep(1);
        let list = beside(&project.manifest()).join(LIST);
        for (text, want) in [
            ("", "it is no list of what was kept"),
            (r#"{"notmodified_kept": 2, "builds": []}"#, "the format is 2, and this release reads 1"),
            (
                r#"{"notmodified_kept": 1, "builds": [{"/static/x": {"path": "/static/x", "version": "../../x", "digest": "../../etc/passwd", "size": 1}}]}"#,
                "is not 16 hexadecimal digits",
            ),
        ] {
            fs::write(&list, text).unwrap();
            let told = build(&project.site).keep(&project.manifest(), 1).unwrap_err().to_string();
            assert!(told.contains(want) && told.contains("builds.json"), "{told}");
            assert!(project.started().unwrap_err().to_string().contains(want));
            assert_eq!(fs::read_to_string(&list).unwrap(), text);
        }
    }

    #[test]
    fn a_file_that_changes_before_it_is_copied_stops_the_build_and_leaves_nothing_behind() {
        let project = Project::new();
        let assets = build(&project.site);
        write(&project.site, "steady.js", b"ydaets");
        let told = assets.keep(&project.manifest(), 1).unwrap_err().to_string();
        assert!(told.contains("steady.js: it has changed since it was read"), "{told}");
        assert!(project.names().iter().all(|name| !name.starts_with('.') && name != LIST));
        project.keep(1);
    }

    #[test]
    fn only_what_is_ours_is_removed() {
        let project = Project::new();
        project.keep(0);
        let there = beside(&project.manifest());
        let unused = blake3::hash(b"unused").to_hex();
        for name in ["README", ".gitkeep", "abc.part", unused.as_str(), &format!(".{unused}{PARTIAL}")] {
            fs::write(there.join(name), "x").unwrap();
        }
        project.keep(0);
        let names = project.names();
        for name in ["README", ".gitkeep", "abc.part"] {
            assert!(names.contains(name), "{name}");
        }
        assert!(!names.iter().any(|name| name.contains(unused.as_str())), "{names:?}");
    }
}
