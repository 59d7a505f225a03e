//! `assets`: the folders of static files, and how their URLs are versioned.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::number::Count;
use super::setting::{Many, One, Setting};
use crate::assets::{Mount, Plan};
use crate::nearest::nearest;

/// The folders of static files, checked but not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetsConfig {
    /// What is built of.
    pub plan: Plan,
    /// The file that the versions are taken from, in place of the folders.
    pub manifest: Option<PathBuf>,
    /// Of how many earlier builds the content is kept beside the manifest.
    pub keep: usize,
    /// Answer with the files, in place of the app.
    pub serve: bool,
}

/// As it was written.
#[derive(Default)]
pub(super) struct AssetsTable {
    mounts: Vec<(String, String)>,
    base_url: Option<String>,
    manifest: Option<String>,
    keep: usize,
    serve: bool,
    trust: Vec<Trust>,
    /// The first key that there is not.
    unknown: Option<String>,
}

/// Whose versions are believed though nothing but their looks speaks for them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    Names,
    Queries,
}

impl Setting for Trust {
    const EXPECTED: &'static str = "\"names\" or \"queries\"";

    fn of_text(text: &str) -> Result<Self, String> {
        match text {
            "names" => Ok(Self::Names),
            "queries" => Ok(Self::Queries),
            _ => Err(format!("expected {}", Self::EXPECTED)),
        }
    }
}

/// A text, with what it should be in the error.
struct Text<const WHAT: usize>(String);

const FOLDER: usize = 0;
const URL: usize = 1;
const FILE: usize = 2;

impl<const WHAT: usize> Setting for Text<WHAT> {
    const EXPECTED: &'static str = match WHAT {
        FOLDER => "a folder in quotes",
        URL => "a URL in quotes, such as \"https://cdn.example\"",
        _ => "the name of a file in quotes",
    };

    fn of_text(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err(format!("expected {}", Self::EXPECTED)) } else { Ok(Self(text.to_owned())) }
    }
}

const KEYS: [&str; 5] = ["base_url", "keep", "manifest", "serve", "trust"];

/// How many earlier builds may be kept.
const MOST_BUILDS: u64 = 100;

impl<'de> Deserialize<'de> for AssetsTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TableVisitor;

        impl<'de> Visitor<'de> for TableVisitor {
            type Value = AssetsTable;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of paths, each with a folder: { \"/static/\" = \"static/\" }")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut keys: A) -> Result<AssetsTable, A::Error> {
                let mut table = AssetsTable::default();
                while let Some(key) = keys.next_key::<String>()? {
                    match key.as_str() {
                        "base_url" => {
                            let One(Text::<URL>(text)) = keys.next_value()?;
                            table.base_url = Some(text);
                        }
                        "manifest" => {
                            let One(Text::<FILE>(text)) = keys.next_value()?;
                            table.manifest = Some(text);
                        }
                        "keep" => {
                            let Count::<MOST_BUILDS>(count) = keys.next_value()?;
                            table.keep = usize::try_from(count).unwrap_or_default();
                        }
                        "serve" => table.serve = keys.next_value()?,
                        "trust" => table.trust = keys.next_value::<Many<Trust>>()?.0,
                        _ if key.starts_with('/') => {
                            let One(Text::<FOLDER>(folder)) = keys.next_value()?;
                            table.mounts.push((key, folder));
                        }
                        _ => {
                            keys.next_value::<IgnoredAny>()?;
                            table.unknown.get_or_insert(key);
                        }
                    }
                }
                Ok(table)
            }
        }

        deserializer.deserialize_map(TableVisitor)
    }
}

impl AssetsTable {
    /// Check what no single key can tell; the error names the key, if it is one. `base` is the folder that
    /// relative ones are in.
    pub(super) fn check(self, base: &Path) -> Result<AssetsConfig, (Option<String>, String)> {
        if let Some(key) = self.unknown {
            let reason = match nearest(&key, KEYS) {
                Some(near) => format!("no such key, did you mean {near}?"),
                None => format!("no such key; there are {}, and paths such as \"/static/\"", KEYS.join(", ")),
            };
            return Err((Some(key), reason));
        }
        let mut mounts: Vec<Mount> = Vec::new();
        for (prefix, folder) in self.mounts {
            if let Some(reason) = wrong_prefix(&prefix) {
                return Err((Some(prefix), reason));
            }
            let other = mounts
                .iter()
                .find(|mount| mount.prefix.starts_with(&prefix) || prefix.starts_with(&mount.prefix));
            if let Some(Mount { prefix: other, .. }) = other {
                let reason = format!("of {other:?} and this one path is within the other: give each its own");
                return Err((Some(prefix), reason));
            }
            mounts.push(Mount { prefix, folder: base.join(folder) });
        }
        if mounts.is_empty() {
            return Err((None, "name a path and its folder: { \"/static/\" = \"static/\" }".into()));
        }
        let base_url = self.base_url.map(|url| url.trim_end_matches('/').to_owned());
        if let Some(url) = &base_url
            && !is_address(url)
        {
            let reason =
                "expected a URL without query, such as \"https://cdn.example\" or \"//cdn.example/x\"";
            return Err((Some("base_url".into()), reason.into()));
        }
        if self.keep > 0 && self.manifest.is_none() {
            let reason =
                "say beside which manifest earlier builds are kept: manifest = \"manifest.json\", too";
            return Err((Some("keep".into()), reason.into()));
        }
        Ok(AssetsConfig {
            plan: Plan {
                mounts,
                base_url,
                trust_names: self.trust.contains(&Trust::Names),
                trust_queries: self.trust.contains(&Trust::Queries),
            },
            manifest: self.manifest.map(|file| base.join(file)),
            keep: self.keep,
            serve: self.serve,
        })
    }
}

fn wrong_prefix(prefix: &str) -> Option<String> {
    if !prefix.ends_with('/') {
        return Some(format!("a path of a folder ends with a slash: write \"{prefix}/\""));
    }
    let is_plain = |segment: &str| !segment.is_empty() && !segment.starts_with('.');
    let inner = prefix.trim_start_matches('/').trim_end_matches('/');
    let segments = prefix.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')).unwrap_or_default();
    if prefix.contains(['*', '{', '%', '?', '#', '\\'])
        || segments != inner
        || !segments.split('/').all(is_plain)
    {
        return Some("expected a path such as \"/static/\", percent-decoded, without wildcards".into());
    }
    None
}

fn is_address(url: &str) -> bool {
    let place = ["https://", "http://", "//"].iter().find_map(|scheme| url.strip_prefix(scheme));
    let has_host = place.is_some_and(|place| !place.is_empty() && !place.starts_with('/'));
    let is_plain = |letter: char| letter.is_ascii_graphic() && !"\"'<>\\?#".contains(letter);
    // A path: this very site, under a prefix that the app does not know.
    let is_path = url.starts_with('/') && !url.starts_with("//");
    (has_host || is_path) && url.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    fn read(text: &str) -> Result<Option<AssetsConfig>, String> {
        let settings = Settings::from_toml(text, "conf/notmodified.toml").unwrap();
        settings.read(|_| None).map(|config| config.assets).map_err(|error| error.to_string())
    }

    #[test]
    fn folders_are_beside_the_file() {
        let config = read("assets = { \"/static/\" = \"static/\" }").unwrap().unwrap();
        let mount = Mount { prefix: "/static/".into(), folder: "conf/static/".into() };
        assert_eq!((config.plan.mounts, config.serve, config.manifest), (vec![mount], false, None));
        let text = "[assets]\n\"/s/\" = \"/srv/s\"\n\"/t/\" = \"t\"\nbase_url = \"https://cdn.example/\"\nmanifest = \"m.json\"\nkeep = 2\nserve = true\ntrust = [\"names\"]";
        let config = read(text).unwrap().unwrap();
        let folders: Vec<_> = config.plan.mounts.iter().map(|mount| mount.folder.to_str().unwrap()).collect();
        assert_eq!(folders, ["/srv/s", "conf/t"]);
        assert_eq!(config.plan.base_url.as_deref(), Some("https://cdn.example"));
        assert_eq!((config.manifest, config.keep), (Some("conf/m.json".into()), 2));
        assert!(config.serve && config.plan.trust_names && !config.plan.trust_queries);
        assert_eq!(read("").unwrap(), None);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, want) in [
            (
                "assets = 1",
                "1: assets = 1: expected a table of paths, each with a folder: { \"/static/\" = \"static/\" }",
            ),
            ("assets = {}", "1: assets = {  }: name a path and its folder: { \"/static/\" = \"static/\" }"),
            (
                "[assets]\n\"/s\" = \"x\"",
                "2: assets./s = \"x\": a path of a folder ends with a slash: write \"/s/\"",
            ),
            (
                "[assets]\n\"/s*/\" = \"x\"",
                "2: assets./s*/ = \"x\": expected a path such as \"/static/\", percent-decoded, without wildcards",
            ),
            (
                "[assets]\n\"//\" = \"x\"",
                "2: assets.// = \"x\": expected a path such as \"/static/\", percent-decoded, without wildcards",
            ),
            (
                "[assets]\n\"/a/../\" = \"x\"",
                "2: assets./a/../ = \"x\": expected a path such as \"/static/\", percent-decoded, without wildcards",
            ),
            (
                "[assets]\n\"/a/\" = \"x\"\n\"/a/b/\" = \"y\"",
                "3: assets./a/b/ = \"y\": of \"/a/\" and this one path is within the other: give each its own",
            ),
            ("[assets]\n\"/a/\" = 5", "2: assets./a/ = 5: expected a folder in quotes"),
            ("[assets]\n\"/a/\" = \"\"", "2: assets./a/ = \"\": expected a folder in quotes"),
            (
                "[assets]\n\"/a/\" = \"x\"\nserv = true",
                "3: assets.serv = true: no such key, did you mean serve?",
            ),
            ("[assets]\n\"/a/\" = \"x\"\nserve = 1", "3: assets.serve = 1: expected true or false"),
            (
                "[assets]\n\"/a/\" = \"x\"\nmanifest = \"m\"\nkeep = 101",
                "4: assets.keep = 101: expected a whole number from 0 to 100",
            ),
            (
                "[assets]\n\"/a/\" = \"x\"\nkeep = 2",
                "3: assets.keep = 2: say beside which manifest earlier builds are kept: manifest = \"manifest.json\", too",
            ),
            (
                "[assets]\n\"/a/\" = \"x\"\ntrust = \"all\"",
                "3: assets.trust = \"all\": expected \"names\" or \"queries\"",
            ),
            (
                "[assets]\n\"/a/\" = \"x\"\nbase_url = \"cdn\"",
                "3: assets.base_url = \"cdn\": expected a URL without query, such as \"https://cdn.example\" or \"//cdn.example/x\"",
            ),
        ] {
            assert_eq!(read(text).unwrap_err(), format!("conf/notmodified.toml:{want}"));
        }
    }
}
