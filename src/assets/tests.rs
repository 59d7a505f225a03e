//! Whole builds: the same everywhere, and every change seen where it matters.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::fs::File;
use std::io::Write;
use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

pub(super) fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        write(&folder, name, content);
    }
    folder
}

pub(super) fn write(folder: &TempDir, name: &str, content: &[u8]) {
    let path = folder.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

pub(super) fn plan(folder: &TempDir) -> Plan {
    let mount = Mount { prefix: "/static/".into(), folder: folder.path().to_owned() };
    Plan { mounts: vec![mount], ..Plan::default() }
}

pub(super) fn build(folder: &TempDir) -> Assets {
    Assets::build(plan(folder)).unwrap()
}

pub(super) fn versions(assets: &Assets) -> BTreeMap<String, String> {
    assets.iter().map(|asset| (asset.path.clone(), asset.version.clone())).collect()
}

fn text(assets: &Assets, path: &str) -> String {
    let rewritten = assets.get(path).unwrap().rewritten.as_ref().unwrap();
    String::from_utf8(rewritten.content.clone()).unwrap()
}

const SITE: &[(&str, &[u8])] = &[
    (
        "css/app.css",
        b"@import 'base.css';\na{background:url(../img/a.png?x#y)}\n/*# sourceMappingURL=app.css.map */",
    ),
    (
        "css/base.css",
        b"b{background:url( '/static/img/b%20c.svg' ), url(#d), url(data:,x), url(//cdn/img/a.png)}",
    ),
    ("css/app.css.map", b"{}"),
    ("css/plain.css", b"p{color:red}"),
    ("img/a.png", b"png"),
    ("img/b c.svg", b"<svg/>"),
    ("js/a.js", b"import './b.js'"),
    ("js/b.js", b"export default 1"),
    (".secret", b"no"),
];

#[test]
fn versioned_files_refer_to_versioned_files() {
    let site = folder(SITE);
    let assets = build(&site);
    let version = |path: &str| assets.get(path).unwrap().version.clone();
    assert_eq!(
        text(&assets, "/static/css/app.css"),
        format!(
            "@import \"base.{}.css\";\na{{background:url(\"../img/a.{}.png?x#y\")}}\n/*# sourceMappingURL=app.css.{}.map */",
            version("/static/css/base.css"),
            version("/static/img/a.png"),
            version("/static/css/app.css.map"),
        )
    );
    assert_eq!(
        text(&assets, "/static/css/base.css"),
        format!(
            "b{{background:url( \"/static/img/b%20c.{}.svg\" ), url(#d), url(data:,x), url(//cdn/img/a.png)}}",
            version("/static/img/b c.svg"),
        )
    );
    assert!(assets.get("/static/css/plain.css").unwrap().rewritten.is_none());
    assert!(assets.get("/static/.secret").is_none());
    assert_eq!(assets.warnings, []);
    let digest = blake3::hash(text(&assets, "/static/css/app.css").as_bytes()).to_hex();
    assert_eq!(version("/static/css/app.css"), digest[..16]);
    let url = assets.url(assets.find("img/b c.svg").unwrap());
    assert_eq!(url, format!("/static/img/b%20c.{}.svg", version("/static/img/b c.svg")));
}

#[test]
fn a_cdn_stands_before_urls_and_absolute_references() {
    let site = folder(SITE);
    let plan = Plan { base_url: Some("https://cdn.example/x".into()), ..plan(&site) };
    let assets = Assets::build(plan).unwrap();
    assert!(text(&assets, "/static/css/base.css").contains("\"https://cdn.example/x/static/img/b%20c."));
    assert!(text(&assets, "/static/css/app.css").contains("\"base."));
    let map: serde_json::Value = serde_json::from_str(&assets.import_map()).unwrap();
    let b = assets.url(assets.find("js/b.js").unwrap());
    assert_eq!(map["imports"]["https://cdn.example/x/static/js/b.js"], b);
    assert!(
        b.starts_with("https://cdn.example/x/static/js/b.") && map["imports"].as_object().unwrap().len() == 2
    );
}

#[test]
fn what_is_asked_for_is_told_by_the_version() {
    let site = folder(SITE);
    let assets = build(&site);
    let current = name::versioned("/static/img/a.png", &assets.get("/static/img/a.png").unwrap().version);
    let version = &assets.get("/static/img/a.png").unwrap().version;
    let asked = |path: &str, query: &str| assets.asked(path, query).map_or("none", |asked| asked.word());
    for (path, query, want) in [
        (current.as_str(), "", "current"),
        ("/static/img/a.png", &format!("v={version}"), "current"),
        ("/static/img/a.png", "v=0123456789abcdef", "old"),
        ("/static/img/a.png", "v=1.2.3", "plain"),
        ("/static/img/a.png", "", "plain"),
        ("/static/img/a.0123456789abcdef.png", "", "old"),
        ("/static/img/a.0123456789ab.png", "", "old"),
        ("/static/img/none.0123456789abcdef.png", "", "missing"),
        ("/static/img/none.0123456789ab.png", "", "missing"),
        ("/static/img/none.png", "", "none"),
        ("/static/img/../img/a.png", "", "none"),
        ("/static//img/a.png", "", "none"),
        ("/static/img/", "", "none"),
        ("/static", "", "none"),
        ("/static/.secret", "", "none"),
        ("/static/../../etc/passwd", "", "none"),
        ("/static/img/a.png\0", "", "none"),
        ("/other/img/a.0123456789abcdef.png", "", "none"),
    ] {
        assert_eq!(asked(path, query), want, "{path}?{query}");
    }
}

#[test]
fn names_of_others_are_believed_where_that_is_certain_or_wished() {
    let django = br#"{"paths": {"app.css": "app.3f2a1b9c4d5e.css"}, "version": "1.1", "hash": "x"}"#;
    let site = folder(&[
        ("app.3f2a1b9c4d5e.css", b"a{background:url(x.png)}"),
        ("app.css", b"@import 'index-DFf3kQ9z.css'"),
        ("index-DFf3kQ9z.css", b"b{}"),
        ("x.png", b"x"),
        ("staticfiles.json", django),
    ]);
    let is_current = |assets: &Assets, path: &str, query: &str| {
        matches!(assets.asked(path, query), Some(Asked::Current(_)))
    };
    let assets = build(&site);
    assert!(is_current(&assets, "/static/app.3f2a1b9c4d5e.css", ""));
    assert!(assets.get("/static/app.3f2a1b9c4d5e.css").unwrap().rewritten.is_none());
    assert!(!is_current(&assets, "/static/index-DFf3kQ9z.css", ""));
    assert!(!is_current(&assets, "/static/x.png", "v=17"));
    let assets = Assets::build(Plan { trust_names: true, trust_queries: true, ..plan(&site) }).unwrap();
    assert!(is_current(&assets, "/static/index-DFf3kQ9z.css", ""));
    assert_eq!(assets.url(assets.find("index-DFf3kQ9z.css").unwrap()), "/static/index-DFf3kQ9z.css");
    assert!(assets.get("/static/app.css").unwrap().rewritten.is_none());
    assert!(is_current(&assets, "/static/x.png", "v=17"));
    assert!(!is_current(&assets, "/static/x.png", "v=0123456789abcdef"));
}

#[test]
fn what_an_earlier_build_has_written_is_no_file_of_its_own() {
    let site = folder(SITE);
    let before = build(&site).manifest();
    write(&site, "img/a.0123456789abcdef.png", b"old");
    write(&site, "css/app.0123456789abcdef.css", b"old");
    write(&site, "css/app.0123456789abcdef.css.gz", b"old");
    write(&site, "notmodified-assets.json", before.as_bytes());
    assert_eq!(build(&site).manifest(), before);
    // One that is what its name says has what a request for that version names.
    let digest = blake3::hash(b"older").to_hex();
    let (older, gone) = (format!("img/a.{}.png", &digest[..16]), format!("img/gone.{}.png", &digest[..16]));
    write(&site, &older, b"older");
    let mut assets = build(&site);
    assert_eq!(assets.manifest(), before);
    let asked = |assets: &Assets, name: &str| assets.asked(&format!("/static/{name}"), "").unwrap().word();
    assert_eq!(asked(&assets, &older), "old");
    assets.keep_copies();
    assert_eq!(asked(&assets, &older), "kept");
    assert_eq!(asked(&assets, "img/a.0123456789abcdef.png"), "old");
    assert_eq!(asked(&assets, &gone), "missing");
    for asset in assets.iter() {
        let current = Assets::versioned_path(asset);
        assert_eq!(assets.asked(&current, "").unwrap().word(), "current");
    }
    write(&site, "img/other.0123456789abcdef.png", b"somebody else's");
    assert_eq!(build(&site).len(), SITE.len(), "a file of its own");
}

#[test]
fn circles_have_versions_and_a_change_in_one_changes_all() {
    let files: &[(&str, &[u8])] = &[
        ("a.css", b"@import 'b.css';"),
        ("b.css", b"@import 'c.css';"),
        ("c.css", b"@import 'a.css'; @import 'c.css'; @import 'd.css';"),
        ("d.css", b"d{}"),
        ("user.css", b"@import 'a.css';"),
    ];
    let site = folder(files);
    let assets = build(&site);
    let before = versions(&assets);
    assert!(text(&assets, "/static/c.css").contains(&format!("a.{}.css", before["/static/a.css"])));
    assert_eq!(before.values().collect::<BTreeSet<_>>().len(), 5);
    assert_eq!(versions(&build(&folder(files))), before);
    write(&site, "b.css", b"@import 'c.css'; ");
    let after = versions(&build(&site));
    for name in ["a", "b", "c", "user"] {
        let path = format!("/static/{name}.css");
        assert_ne!(before[&path], after[&path], "{name}");
    }
    assert_eq!(before["/static/d.css"], after["/static/d.css"]);
}

pub(super) fn packed(coding: Coding, content: &[u8]) -> Vec<u8> {
    coding.encode(content).unwrap()
}

#[test]
fn siblings_are_taken_if_they_are_what_they_say() {
    let js = b"let a = 1;".repeat(50);
    let css = format!("{} b{{background:url(x.png)}}", "a{color:red}".repeat(50)).into_bytes();
    let site = folder(&[
        ("app.js", &js),
        ("app.js.gz", &packed(Coding::Gzip, &js)),
        ("app.js.zst", &packed(Coding::Zstd, &js)),
        ("app.js.br", b"no brotli"),
        ("app.css", &css),
        ("app.css.gz", &packed(Coding::Gzip, &css)),
        ("old.js", b"new"),
        ("old.js.gz", &packed(Coding::Gzip, b"old")),
        ("x.png", b"x"),
        ("alone.gz", b"alone"),
    ]);
    let assets = build(&site);
    let codings = |path: &str| -> Vec<_> {
        assets.get(path).unwrap().codings.iter().map(|(coding, _)| *coding).collect()
    };
    assert_eq!(codings("/static/app.js"), [Coding::Gzip, Coding::Zstd]);
    assert_eq!(codings("/static/old.js"), []);
    assert!(assets.get("/static/app.js.gz").is_none() && assets.get("/static/alone.gz").is_some());
    let stale: Vec<_> = assets.warnings.iter().map(|warning| (warning.id, warning.path.as_str())).collect();
    assert_eq!(stale, [("stale-sibling", "/static/app.js.br"), ("stale-sibling", "/static/old.js.gz")]);
    // What is compressed on disk is not what is sent, so that is compressed anew.
    let rewritten = assets.get("/static/app.css").unwrap().rewritten.as_ref().unwrap();
    for (coding, packed) in &rewritten.codings {
        let mut read = Vec::new();
        std::io::Read::read_to_end(&mut coding.decoder(&packed[..]).unwrap(), &mut read).unwrap();
        assert_eq!(read, rewritten.content);
    }
    assert_eq!(rewritten.codings.len(), 2);
}

#[test]
fn references_that_lead_nowhere_and_sheets_in_other_encodings_are_told() {
    let site = folder(&[
        ("a.css", b"@import 'none.css'; b{background:url(/elsewhere/x.png)}"),
        ("b.css", b"\xff{}"),
    ]);
    let assets = build(&site);
    let told: Vec<_> = assets.warnings.iter().map(|warning| (warning.id, warning.text.as_str())).collect();
    assert_eq!(
        told,
        [
            ("not-utf-8", "/static/b.css is not UTF-8, so what it refers to stays as it is"),
            ("dangling-reference", "/static/a.css refers to none.css, and there is no /static/none.css"),
        ]
    );
}

#[test]
fn a_manifest_holds_neither_times_nor_orders_nor_places() {
    let site = folder(SITE);
    let manifest = build(&site).manifest();
    let mut other = SITE.to_vec();
    other.reverse();
    let copy = folder(&other);
    for (number, (name, _)) in (1..).zip(SITE) {
        let file = File::options().write(true).open(copy.path().join(name)).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(86_400 * number)).unwrap();
    }
    assert_eq!(build(&copy).manifest(), manifest);
    assert!(!manifest.contains(site.path().to_str().unwrap()));
}

#[test]
fn what_is_loaded_is_what_was_built() {
    let js = b"let a = 1;".repeat(50);
    let site = folder(SITE);
    write(&site, "app.js", &js);
    write(&site, "app.js.gz", &packed(Coding::Gzip, &js));
    let built = build(&site);
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("manifest.json");
    fs::write(&file, built.manifest()).unwrap();
    let loaded = Assets::load(plan(&site), &file).unwrap();
    assert_eq!(loaded.manifest(), built.manifest());
    for asset in built.iter() {
        let other = loaded.get(&asset.path).unwrap();
        let content = |asset: &Asset| asset.rewritten.as_ref().map(|rewritten| rewritten.content.clone());
        assert_eq!(content(asset), content(other));
        assert!(other.is_unchanged().unwrap());
    }
    // Of equal size: seen when it is first asked for.
    write(&site, "img/a.png", b"gnp");
    let loaded = Assets::load(plan(&site), &file).unwrap();
    assert!(!loaded.get("/static/img/a.png").unwrap().is_unchanged().unwrap());
    for (name, content, want) in [
        ("img/a.png", &b"longer"[..], "files./static/img/a.png: it is of another build: "),
        ("css/app.css", b"x", "files./static/css/app.css: it is of another build: "),
    ] {
        let site = folder(SITE);
        write(&site, "app.js", &js);
        write(&site, "app.js.gz", &packed(Coding::Gzip, &js));
        write(&site, name, content);
        let error = Assets::load(plan(&site), &file).unwrap_err().to_string();
        assert!(error.starts_with(&file.display().to_string()) && error.contains(want), "{error}");
        assert!(error.ends_with("build it anew with `notmodified assets build`"), "{error}");
    }
}

#[test]
fn broken_and_hostile_manifests_are_refused_with_the_key() {
    let site = folder(SITE);
    let digest = blake3::hash(b"secret").to_hex();
    let entry = |path: &str, version: &str| {
        format!(
            r#"{{"notmodified_assets": 1, "files": {{"{path}": {{"version": "{version}", "digest": "{digest}", "size": 6}}}}}}"#
        )
    };
    let file = site.path().join("manifest.json");
    for (text, want) in [
        ("", "it is no manifest of assets"),
        ("[]", "it is no manifest of assets"),
        ("{\"paths\": {}}", "it is no manifest of assets"),
        (
            r#"{"notmodified_assets": 2, "files": {}}"#,
            "notmodified_assets: the format is 2, and this release reads 1",
        ),
        (&entry("/static/../outside", "0123456789abcdef"), "no folder is configured for this path"),
        (&entry("/static/.secret", "0123456789abcdef"), "no folder is configured for this path"),
        (&entry("/else/img/a.png", "0123456789abcdef"), "files./else/img/a.png: it is of another build"),
        (&entry("/static/none", "0123456789abcdef"), "files./static/none: it is of another build"),
        (&entry("/static/img/a.png", "nonsense"), "version: \"nonsense\" is not 16 hexadecimal digits"),
        (
            &entry("/static/img/a.png", "0123456789abcdef").replace("digest", "dijest"),
            "unknown field `dijest`",
        ),
    ] {
        fs::write(&file, text).unwrap();
        let error = Assets::load(plan(&site), &file).unwrap_err().to_string();
        assert!(error.contains(want), "{error}");
    }
}

/// Sheets that refer to each other and to images at random.
fn sites() -> impl Strategy<Value = Vec<(String, BTreeSet<usize>)>> {
    let name = |number: usize| {
        if number.is_multiple_of(3) { format!("f{number}.png") } else { format!("d/f{number}.css") }
    };
    (2..12_usize).prop_flat_map(move |count| {
        let references = prop::collection::vec(prop::collection::btree_set(0..count, 0..3), count);
        references.prop_map(move |all| all.into_iter().enumerate().map(|(at, to)| (name(at), to)).collect())
    })
}

fn content(site: &[(String, BTreeSet<usize>)], number: usize, mark: &str) -> Vec<u8> {
    let mut content = format!("/* {number}{mark} */").into_bytes();
    if let Some((name, references)) = site.get(number)
        && build::is_sheet(name)
    {
        for other in references {
            write!(content, "@import url(../{});", site[*other].0).unwrap();
        }
    }
    content
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_changed_octet_changes_the_url_of_the_file_and_of_all_that_refer_to_it(
        site in sites(),
        changed in any::<prop::sample::Index>(),
    ) {
        let changed = changed.index(site.len());
        let folder = folder(&[]);
        for (number, (name, _)) in site.iter().enumerate() {
            write(&folder, name, &content(&site, number, ""));
        }
        let before = versions(&build(&folder));
        write(&folder, &site[changed].0, &content(&site, changed, "x"));
        let after = versions(&build(&folder));
        // Whoever refers to it, or to who does.
        let mut touched = BTreeSet::from([changed]);
        loop {
            let more: BTreeSet<usize> = (0..site.len())
                .filter(|number| build::is_sheet(&site[*number].0) && !touched.contains(number))
                .filter(|number| site[*number].1.iter().any(|other| touched.contains(other)))
                .collect();
            if more.is_empty() {
                break;
            }
            touched.extend(more);
        }
        let has_circle = |from: usize| {
            let mut seen = BTreeSet::new();
            let mut next = vec![from];
            while let Some(number) = next.pop() {
                if build::is_sheet(&site[number].0) {
                    for other in &site[number].1 {
                        if *other == from && build::is_sheet(&site[from].0) {
                            return true;
                        }
                        if seen.insert(*other) {
                            next.push(*other);
                        }
                    }
                }
            }
            false
        };
        let any_circle = (0..site.len()).any(has_circle);
        for (number, (name, _)) in site.iter().enumerate() {
            let path = format!("/static/{name}");
            if touched.contains(&number) {
                prop_assert_ne!(&before[&path], &after[&path], "{}", path);
            } else if !any_circle {
                prop_assert_eq!(&before[&path], &after[&path], "{}", path);
            }
        }
    }
}
