//! Manifests of static files, and lists of what was kept, out of any text: refused in a sentence that names the file, or
//! leading to nothing but the files that are there.
//!
//! The manifest and the list are divided by a line `---`.
#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use notmodified::assets::{Asked, Asset, Assets, Mount, Plan, beside};

/// A folder of files, and beside it the manifest.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = notmodified_fuzz::folder("asset-manifest");
    for (name, content) in [
        ("static/a.css", "a{background:url(i/b.png)}"),
        ("static/i/b.png", "png"),
        ("static/.secret", "secret"),
        ("outside", "out"),
    ] {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, content).expect("written");
    }
    // What the seeds say was kept: contents under their digests.
    let kept = beside(&folder.join("m.json"));
    fs::create_dir_all(&kept).expect("made");
    for content in ["old", "png"] {
        fs::write(kept.join(blake3::hash(content.as_bytes()).to_hex().as_str()), content).expect("written");
    }
    folder
});

fuzz_target!(|octets: &[u8]| {
    let Ok(text) = std::str::from_utf8(octets) else { return };
    let (text, list) = text.split_once("\n---\n").unwrap_or((text, ""));
    let file = FOLDER.join("m.json");
    let plan = || Plan {
        mounts: vec![Mount { prefix: "/static/".into(), folder: FOLDER.join("static") }],
        ..Plan::default()
    };
    fs::write(&file, text).expect("written");
    let mut assets = match Assets::load(plan(), &file) {
        Ok(assets) => assets,
        Err(error) => {
            assert!(error.to_string().starts_with(FOLDER.to_str().expect("a text")), "{error}");
            Assets::build(plan()).expect("files that hold still")
        }
    };
    check_files(&assets);
    fs::write(beside(&file).join("builds.json"), list).expect("written");
    if let Err(error) = assets.load_kept(&file) {
        let place = beside(&file);
        assert!(error.to_string().starts_with(place.to_str().expect("a text")), "{error}");
    }
    check_files(&assets);
    check_kept(&assets, list);
});

/// Each file is one of the folder, and what is written of them reads back.
fn check_files(assets: &Assets) {
    for asset in assets.iter() {
        let below = asset.path.strip_prefix("/static/").expect("below the mount");
        assert!(["a.css", "i/b.png"].contains(&below), "{below:?}");
        is_below(asset, "static");
        let path = Assets::versioned_path(asset);
        // Somebody else's file may have the name of a version of this one.
        if assets.get(&path).is_none() {
            let Some(Asked::Current(other)) = assets.asked(&path, "") else { panic!("{path:?}") };
            assert_eq!(other.path, asset.path);
        }
    }
    let file = FOLDER.join("again.json");
    fs::write(&file, assets.manifest()).expect("written");
    let mount = Mount { prefix: "/static/".into(), folder: FOLDER.join("static") };
    let again =
        Assets::load(Plan { mounts: vec![mount], ..Plan::default() }, &file).expect("what was written");
    assert_eq!(again.manifest(), assets.manifest());
}

/// What is kept is content of the folder beside the manifest, whatever its path is said to be.
fn check_kept(assets: &Assets, list: &str) {
    let Some(serde_json::Value::Array(builds)) = serde_json::from_str(list)
        .ok()
        .and_then(|mut list: serde_json::Value| Some(list.get_mut("builds")?.take()))
    else {
        return;
    };
    for path in builds.iter().filter_map(serde_json::Value::as_object).flat_map(|build| build.keys()) {
        if let Some(Asked::Kept(asset)) = assets.asked(path, "") {
            is_below(asset, "m.json.kept");
        }
    }
}

fn is_below(asset: &Asset, folder: &str) {
    let all = asset.codings.iter().map(|(_, content)| content).chain([&asset.content]);
    for content in all {
        let at = fs::canonicalize(&content.path).expect("it is there");
        assert!(at.starts_with(FOLDER.join(folder)), "{}", at.display());
    }
}
