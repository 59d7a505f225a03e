//! From folders to versions.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::content::{Content, Seen};
use super::name::parse;
use super::sheets::{Sheet, version_of, written};
use super::walk::{Found, walk};
use super::{Asset, AssetError, Assets, Coding, Plan, Rewritten, Warning, parallel};
use crate::versioned::in_name;

/// What Django's Manifest storage leaves beside the files that it has named.
const DJANGO_MANIFEST: &str = "staticfiles.json";

/// What our own storage for Django leaves there.
const OUR_MANIFEST: &str = "notmodified-assets.json";

/// A file as it was found and read.
struct Entry {
    found: Found,
    seen: Seen,
    /// It is another one, compressed.
    sibling_of: Option<(Coding, String)>,
}

impl Assets {
    /// Read all files of these folders.
    ///
    /// # Errors
    ///
    /// If a folder or a file can't be read, or has what can't be served: see [`AssetError`].
    pub fn build(plan: Plan) -> Result<Self, AssetError> {
        let mut warnings = Vec::new();
        let mut entries = Vec::new();
        let mut named = BTreeSet::new();
        for mount in &plan.mounts {
            let found = walk(&mount.folder)?;
            named.extend(
                django_names(&mount.folder).into_iter().map(|name| format!("{}{name}", mount.prefix)),
            );
            entries.extend(found.into_iter().map(|found| (format!("{}{}", mount.prefix, found.name), found)));
        }
        // What an earlier build has written under the names of versions.
        let all_paths: BTreeSet<String> = entries.iter().map(|(path, _)| path.clone()).collect();
        entries.retain(|(_, found)| found.name != OUR_MANIFEST);
        let (copies, entries): (Vec<_>, Vec<_>) =
            entries.into_iter().partition(|(path, _)| is_version_of_another(path, &all_paths));
        let copies = copies.into_iter().map(|(path, found)| (path, found.path)).collect();
        let paths: BTreeSet<&str> = entries.iter().map(|(path, _)| path.as_str()).collect();
        let siblings: Vec<_> = entries.iter().map(|(path, _)| sibling_of(path, &paths)).collect();
        let jobs: Vec<_> = entries.iter().zip(&siblings).collect();
        let seen = parallel::each(&jobs, |((path, found), sibling), room| {
            let coding = sibling.as_ref().map(|(coding, _)| *coding);
            Content::read(&found.path, is_sheet(path) && sibling.is_none(), coding, room)
        });
        let mut all = BTreeMap::new();
        for (((path, found), sibling_of), seen) in entries.into_iter().zip(siblings).zip(seen) {
            all.insert(path, Entry { found, seen: seen?, sibling_of });
        }

        let named: BTreeSet<String> = all
            .iter()
            .filter(|(path, entry)| {
                let file = entry.found.name.rsplit('/').next().unwrap_or_default();
                named.contains(*path) || plan.trust_names && in_name(file.as_bytes()).is_some()
            })
            .map(|(path, _)| path.clone())
            .collect();
        // What has a version in its name is referred to by that name, and stays as it is.
        let is_ours = |path: &str, entry: &Entry| entry.sibling_of.is_none() && !named.contains(path);

        let mut sheets = BTreeMap::new();
        for (path, entry) in &mut all {
            let whole = entry.seen.whole.take();
            let Some(whole) = whole.filter(|_| is_ours(path, entry)) else { continue };
            match String::from_utf8(whole) {
                Ok(text) => drop(sheets.insert(path.clone(), Sheet::new(path, text))),
                Err(_) => warnings.push(Warning {
                    id: "not-utf-8",
                    path: path.clone(),
                    text: format!("{path} is not UTF-8, so what it refers to stays as it is"),
                }),
            }
        }
        sheets.retain(|path, sheet| {
            let is_below = |target: &str| plan.mounts.iter().any(|mount| target.starts_with(&mount.prefix));
            for (reference, target) in sheet.targets() {
                if is_below(target) && !all.contains_key(target) {
                    warnings.push(Warning {
                        id: "dangling-reference",
                        path: path.clone(),
                        text: format!("{path} refers to {reference}, and there is no {target}"),
                    });
                }
            }
            sheet.targets().any(|(_, target)| all.get(target).is_some_and(|entry| is_ours(target, entry)))
        });

        let mut versions: BTreeMap<String, String> = all
            .iter()
            .filter(|(path, entry)| is_ours(path, entry) && !sheets.contains_key(*path))
            .map(|(path, entry)| (path.clone(), version_of(&entry.seen.content.digest)))
            .collect();
        let base_url = plan.base_url.clone().unwrap_or_default();
        let mut texts = written(&sheets, &mut versions, &base_url, false);

        let mut files: BTreeMap<String, Asset> = BTreeMap::new();
        let mut compressed = Vec::new();
        for (path, entry) in all {
            if let Some(sibling_of) = entry.sibling_of {
                compressed.push((path, sibling_of, entry.seen));
                continue;
            }
            let version = versions.remove(&path).unwrap_or_else(|| version_of(&entry.seen.content.digest));
            let rewritten =
                texts.remove(&path).map(|text| Rewritten { content: text.into_bytes(), codings: Vec::new() });
            let versioned_name = named.contains(&path);
            let content = entry.seen.content;
            let codings = Vec::new();
            files.insert(path.clone(), Asset { path, version, content, codings, rewritten, versioned_name });
        }
        for (path, (coding, of), seen) in compressed {
            let Some(asset) = files.get_mut(&of) else { continue };
            if seen.decoded == Some(asset.content.digest) {
                asset.codings.push((coding, seen.content));
            } else {
                warnings.push(Warning {
                    id: "stale-sibling",
                    path: path.clone(),
                    text: format!("{path} is not {of} compressed, so it is not sent: compress it anew"),
                });
            }
        }
        for asset in files.values_mut() {
            compress_anew(asset);
        }
        Ok(Self { copies, warnings, ..Self::new(plan, files) })
    }

    /// Take over versions of earlier builds that are still in the folders under their names, as our storage for
    /// Django leaves them there: those whose content is what the name says.
    pub fn keep_copies(&mut self) {
        let current: BTreeSet<String> = self.iter().map(Self::versioned_path).collect();
        let mut copies = std::mem::take(&mut self.copies);
        copies.retain(|(path, _)| !current.contains(path));
        let contents = parallel::each(&copies, |(_, file), room| Content::read(file, false, None, room));
        for ((path, _), seen) in copies.iter().zip(contents) {
            // One that can't be read is as if it were not there.
            let (Some((plain, version)), Ok(Seen { content, .. })) = (parse(path), seen) else { continue };
            if version_of(&content.digest) == version {
                let (version, codings) = (version.to_owned(), Vec::new());
                let asset =
                    Asset { path: plain, version, content, codings, rewritten: None, versioned_name: false };
                self.kept.insert(path.clone(), Arc::new(asset));
            }
        }
    }
}

/// Compress a rewritten sheet whose file was compressed: what is on disk is of another content.
pub(super) fn compress_anew(asset: &mut Asset) {
    let Some(rewritten) = &mut asset.rewritten else { return };
    if asset.codings.is_empty() {
        return;
    }
    let packed =
        Coding::ALL.into_iter().filter_map(|coding| Some((coding, coding.encode(&rewritten.content)?)));
    rewritten.codings = packed.filter(|(_, packed)| packed.len() < rewritten.content.len()).collect();
}

pub(super) fn is_sheet(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("css"))
}

/// Is this a file under the name of its version, beside the file itself?
fn is_version_of_another(path: &str, paths: &BTreeSet<String>) -> bool {
    let of = Coding::of_sibling(path).map_or(path, |(_, of)| of);
    parse(of).is_some_and(|(plain, _)| paths.contains(&plain))
}

/// The file that a path is a compressed sibling of, with the coding.
fn sibling_of(path: &str, paths: &BTreeSet<&str>) -> Option<(Coding, String)> {
    let (coding, of) = Coding::of_sibling(path)?;
    (paths.contains(of) && sibling_of(of, paths).is_none()).then(|| (coding, of.to_owned()))
}

/// The names that Django's Manifest storage has made. None if there is no such list, or none that can be read.
fn django_names(folder: &Path) -> Vec<String> {
    #[derive(serde::Deserialize)]
    struct Manifest {
        paths: BTreeMap<String, String>,
    }
    let text = fs::read(folder.join(DJANGO_MANIFEST)).unwrap_or_default();
    let manifest = serde_json::from_slice::<Manifest>(&text);
    manifest.map(|manifest| manifest.paths.into_values().collect()).unwrap_or_default()
}
