//! The manifest: all versions in one file, the same octets on every machine.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use blake3::Hash;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::build::compress_anew;
use super::sheets::{Sheet, written};
use super::{Asset, AssetError, Assets, Coding, Content, Plan, Rewritten, name};

/// The format that is written and read.
const FORMAT: u32 = 1;

const REBUILD: &str = "build it anew with `notmodified assets build`";

/// What tells whether the rest can be read.
#[derive(Deserialize)]
struct Format {
    notmodified_assets: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    notmodified_assets: u32,
    files: BTreeMap<String, Entry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    version: Version,
    digest: Digest,
    size: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    codings: BTreeMap<Coding, Packed>,
    /// Its references are rewritten, and the version is of what comes of that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    rewritten: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    versioned_name: bool,
}

/// A compressed file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Packed {
    pub(super) digest: Digest,
    pub(super) size: u64,
}

/// The digest of some content, in hexadecimal digits.
#[derive(Clone, Copy)]
pub(super) struct Digest(pub(super) Hash);

impl Digest {
    /// As it is written.
    pub(super) fn name(self) -> String {
        self.0.to_hex().to_string()
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_hex())
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digest = Hash::from_hex(&text);
        digest.map(Self).map_err(|_| de::Error::custom(format!("{text:?} is not 64 hexadecimal digits")))
    }
}

/// A version, checked when it is read.
#[derive(Serialize)]
pub(super) struct Version(pub(super) String);

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if name::is_version(&text) {
            return Ok(Self(text));
        }
        Err(de::Error::custom(format!("{text:?} is not {} hexadecimal digits", name::DIGITS)))
    }
}

impl Assets {
    /// The manifest, as JSON.
    #[must_use]
    pub fn manifest(&self) -> String {
        let entry = |asset: &Asset| Entry {
            version: Version(asset.version.clone()),
            digest: Digest(asset.content.digest),
            size: asset.content.size,
            codings: asset
                .codings
                .iter()
                .map(|(coding, content)| {
                    (*coding, Packed { digest: Digest(content.digest), size: content.size })
                })
                .collect(),
            rewritten: asset.rewritten.is_some(),
            versioned_name: asset.versioned_name,
        };
        let files = self.iter().map(|asset| (asset.path.clone(), entry(asset))).collect();
        let manifest = Manifest { notmodified_assets: FORMAT, files };
        // JSON fails on maps whose keys are no strings, and on nothing else that is here.
        let mut text = serde_json::to_string_pretty(&manifest).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Take the versions from a manifest. Files are looked at, not read: their content is, when it is first asked
    /// for.
    ///
    /// # Errors
    ///
    /// If it is no manifest, or one of another build: a file is gone or has another size, or a style sheet has
    /// another content.
    pub fn load(plan: Plan, file: &Path) -> Result<Self, AssetError> {
        let text = fs::read_to_string(file).map_err(|error| AssetError::reading(file, &error))?;
        let broken =
            |key: String, reason: String| AssetError::at_key(file, key, format!("{reason}: {REBUILD}"));
        let Format { notmodified_assets } = serde_json::from_str(&text)
            .map_err(|error| broken(String::new(), format!("it is no manifest of assets ({error})")))?;
        if notmodified_assets != FORMAT {
            return Err(broken(
                "notmodified_assets".into(),
                format!("the format is {notmodified_assets}, and this release reads {FORMAT}"),
            ));
        }
        let mut reader = serde_json::Deserializer::from_str(&text);
        let manifest: Manifest = serde_path_to_error::deserialize(&mut reader)
            .map_err(|error| broken(error.path().to_string(), error.inner().to_string()))?;
        let mut roots = Vec::new();
        for mount in &plan.mounts {
            let root = fs::canonicalize(&mount.folder);
            let root = root.map_err(|error| AssetError::reading(&mount.folder, &error))?;
            roots.push((mount.prefix.as_str(), root));
        }
        let mut files: BTreeMap<String, Asset> = BTreeMap::new();
        let mut sheets = BTreeMap::new();
        for (path, entry) in manifest.files {
            let key = || format!("files.{path}");
            let other = |reason: String| broken(key(), format!("it is of another build: {reason}"));
            let of_mount = roots.iter().find_map(|(prefix, root)| Some((root, path.strip_prefix(prefix)?)));
            let Some((root, below)) = of_mount.filter(|(_, below)| is_plain(below)) else {
                return Err(other("no folder is configured for this path".into()));
            };
            let at = |suffix: &str, size: u64| {
                let wanted = root.join(format!("{below}{suffix}"));
                let found = fs::canonicalize(&wanted).map_err(|error| (wanted.clone(), error.to_string()))?;
                let metadata = fs::metadata(&found).map_err(|error| (wanted.clone(), error.to_string()))?;
                match metadata.len() {
                    _ if !found.starts_with(root) => Err((wanted, "it is outside the folder".into())),
                    has if has != size => Err((wanted, format!("it has {has} octets, not {size}"))),
                    _ => Ok(found),
                }
            };
            let told = |(wanted, reason): (std::path::PathBuf, String)| {
                other(format!("{}: {reason}", wanted.display()))
            };
            let file = at("", entry.size).map_err(told)?;
            if entry.rewritten {
                let text = fs::read(&file).map_err(|error| AssetError::reading(&file, &error))?;
                let same = blake3::hash(&text) == entry.digest.0;
                let Some(text) = String::from_utf8(text).ok().filter(|_| same) else {
                    return Err(other(format!("{} has another content", file.display())));
                };
                sheets.insert(path.clone(), Sheet::new(&path, text));
            }
            let mut codings = Vec::new();
            for (coding, packed) in entry.codings {
                let file = at(coding.suffix(), packed.size).map_err(told)?;
                codings.push((coding, Content::expected(file, packed.digest.0, packed.size)));
            }
            let asset = Asset {
                path: path.clone(),
                version: entry.version.0,
                content: Content::expected(file, entry.digest.0, entry.size),
                codings,
                rewritten: None,
                versioned_name: entry.versioned_name,
            };
            files.insert(path, asset);
        }
        let ours = files.iter().filter(|(_, asset)| !asset.versioned_name);
        let mut versions = ours.map(|(path, asset)| (path.clone(), asset.version.clone())).collect();
        let base_url = plan.base_url.clone().unwrap_or_default();
        for (path, text) in written(&sheets, &mut versions, &base_url, true) {
            let Some(asset) = files.get_mut(&path) else { continue };
            asset.rewritten = Some(Rewritten { content: text.into_bytes(), codings: Vec::new() });
            compress_anew(asset);
        }
        Ok(Self::new(plan, files))
    }
}

/// Is this a path below a folder as a build writes it?
fn is_plain(below: &str) -> bool {
    below.split('/').all(|segment| !segment.is_empty() && !segment.starts_with('.'))
}
