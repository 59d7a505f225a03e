//! Style sheets: rewritten so that what they refer to is versioned, dependencies first.
//!
//! Sheets that refer to each other in a circle, and those that refer to such, have no first one. They are digested
//! together: a change of one of them changes the versions of all.

use std::collections::{BTreeMap, BTreeSet};

use blake3::Hasher;

use super::css::{Reference, references, rewrite};
use super::name::DIGITS;
use super::url;

/// A style sheet that refers to assets.
#[derive(Debug)]
pub(super) struct Sheet {
    text: String,
    references: Vec<Reference>,
    /// The paths that they lead to, as far as they lead to files of the site.
    targets: Vec<Option<String>>,
}

impl Sheet {
    /// Look through a style sheet at a path.
    pub(super) fn new(path: &str, text: String) -> Self {
        let references = references(&text);
        let targets = references.iter().map(|reference| url::target(&reference.value, path)).collect();
        Self { text, references, targets }
    }

    /// Its references, each with the path that it leads to.
    pub(super) fn targets(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.references.iter().zip(&self.targets);
        pairs.filter_map(|(reference, target)| Some((reference.value.as_str(), target.as_deref()?)))
    }

    /// What it is with the versions that are known.
    fn written(&self, path: &str, versions: &BTreeMap<String, String>, base_url: &str) -> String {
        rewrite(&self.text, &self.references, |reference| {
            let target = url::target(reference, path)?;
            Some(url::with_version(reference, &target, versions.get(&target)?, base_url))
        })
    }
}

/// Write the sheets anew, and tell the version of each. `versions` are those of all other files to begin with.
/// `known` versions of the sheets themselves are kept, where there are such.
pub(super) fn written(
    sheets: &BTreeMap<String, Sheet>,
    versions: &mut BTreeMap<String, String>,
    base_url: &str,
    known: bool,
) -> BTreeMap<String, String> {
    if !known {
        number(sheets, versions, base_url);
    }
    let written = |(path, sheet): (&String, &Sheet)| (path.clone(), sheet.written(path, versions, base_url));
    sheets.iter().map(written).collect()
}

fn number(sheets: &BTreeMap<String, Sheet>, versions: &mut BTreeMap<String, String>, base_url: &str) {
    let mut waits_for: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut awaited_by: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut ready = Vec::new();
    for (path, sheet) in sheets {
        let others: BTreeSet<&str> =
            sheet.targets().map(|(_, target)| target).filter(|target| sheets.contains_key(*target)).collect();
        if others.is_empty() {
            ready.push(path.as_str());
            continue;
        }
        for other in &others {
            awaited_by.entry(other).or_default().push(path);
        }
        waits_for.insert(path, others);
    }
    while let Some(path) = ready.pop() {
        let Some(sheet) = sheets.get(path) else { continue };
        let text = sheet.written(path, versions, base_url);
        versions.insert(path.to_owned(), version_of(&blake3::hash(text.as_bytes())));
        for waiting in awaited_by.remove(path).unwrap_or_default() {
            let Some(others) = waits_for.get_mut(waiting) else { continue };
            others.remove(path);
            if others.is_empty() {
                waits_for.remove(waiting);
                ready.push(waiting);
            }
        }
    }
    // The circles, and what refers to them.
    let mut together = Hasher::new();
    for path in waits_for.keys() {
        let Some(sheet) = sheets.get(*path) else { continue };
        for part in [*path, &sheet.written(path, versions, base_url)] {
            together.update(&(part.len() as u64).to_le_bytes());
            together.update(part.as_bytes());
        }
    }
    for path in waits_for.into_keys() {
        let digest = together.clone().update(path.as_bytes()).finalize();
        versions.insert(path.to_owned(), version_of(&digest));
    }
}

/// The version that a digest makes.
pub(super) fn version_of(digest: &blake3::Hash) -> String {
    digest.to_hex().get(..DIGITS).unwrap_or_default().to_owned()
}
