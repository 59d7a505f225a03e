//! Style sheets out of any text: what is rewritten is the references, and they lead where they led before.
#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use notmodified::assets::css::{references, rewrite};
use notmodified::assets::{Asked, Assets, Mount, Plan};
use notmodified::http::reference::resolve;

const SHEET: &str = "/static/css/app.css";
const MARK: &str = ".0123456789abcdef";

/// A folder with files that the sheet may refer to.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = notmodified_fuzz::folder("style-sheet");
    for (name, content) in [
        ("a.png", "png"),
        ("css/base.css", "@import 'app.css'; b{background:url(../a.png)}"),
        ("css/b c.png", "png too"),
        ("css/x", "x"),
    ] {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, content).expect("written");
    }
    folder
});

fuzz_target!(|octets: &[u8]| {
    let Ok(css) = std::str::from_utf8(octets) else { return };
    let found = references(css);
    assert_eq!(rewrite(css, &found, |_| None), css);
    let values: Vec<_> = found.iter().map(|reference| reference.value.clone()).collect();
    let marked = rewrite(css, &found, |value| Some(format!("{value}{MARK}")));
    let again: Vec<_> = references(&marked).into_iter().map(|reference| reference.value).collect();
    let wanted: Vec<_> = values.iter().map(|value| format!("{value}{MARK}")).collect();
    assert_eq!(again, wanted, "{marked:?}");
    // And back: only what stands around the references may differ in nothing.
    let back = rewrite(&marked, &references(&marked), |value| value.strip_suffix(MARK).map(str::to_owned));
    let same = rewrite(css, &found, |value| Some(value.to_owned()));
    assert_eq!(back, same);
    if !values.is_empty() {
        build(css, &values);
    }
});

/// The whole build: the sheet that is sent refers to current versions of what the one on disk refers to.
fn build(css: &str, before: &[String]) {
    fs::write(FOLDER.join("css/app.css"), css).expect("written");
    let mount = Mount { prefix: "/static/".into(), folder: FOLDER.clone() };
    let assets =
        Assets::build(Plan { mounts: vec![mount], ..Plan::default() }).expect("files that hold still");
    let sheet = assets.get(SHEET).expect("it is there");
    let Some(rewritten) = &sheet.rewritten else { return };
    let text = std::str::from_utf8(&rewritten.content).expect("a text, as before");
    let after: Vec<_> = references(text).into_iter().map(|reference| reference.value).collect();
    assert_eq!(after.len(), before.len(), "{text:?}");
    for (old, new) in before.iter().zip(&after) {
        if old == new {
            continue;
        }
        let of = |reference: &str| {
            let place = resolve(reference.as_bytes(), SHEET.as_bytes()).expect("of this site");
            assert_eq!(place.host, None);
            (String::from_utf8(place.path).expect("a text"), place.query)
        };
        let ((old_path, old_query), (new_path, new_query)) = (of(old), of(new));
        let Some(Asked::Current(asset)) = assets.asked(&new_path, "") else { panic!("{new_path:?}") };
        assert_eq!((&asset.path, &old_query), (&old_path, &new_query));
    }
}
