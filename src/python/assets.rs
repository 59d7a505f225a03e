//! Static files for Python: `Assets`, and what the middleware does with a request for one.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use pyo3::exceptions::{PyLookupError, PyOSError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString};

use super::call::call;
use super::config;
use super::learn::decoded;
use crate::assets::{
    Asked, Asset, AssetError, Assets as Files, Coding, Content, Freshness, beside, coding, name,
};
use crate::config::{AssetsConfig, Config, Settings};
use crate::exchange::{Content as Sent, Head};

/// What this process serves, the latest last.
static IN_USE: Mutex<Vec<Weak<Files>>> = Mutex::new(Vec::new());

/// What a version of a file that there is not is answered with.
const NOT_FOUND: &[u8] = b"There is no such file, in this version or any other.\n";

/// Octets of a file that are sent at once.
const BLOCK: usize = 64 << 10;

/// Static files and their versions: those of the folders that `assets` in a configuration names.
///
/// `Assets(config)` takes what `NotModified` takes. Where it names a manifest the versions come from there; with
/// `build=True` all files are read. Raises ConfigError, which names the file, the key and the value, if there are
/// no assets or something is wrong with them. Immutable.
#[pyclass(frozen, module = "notmodified")]
pub(super) struct Assets(pub(super) Arc<Files>);

#[pymethods]
impl Assets {
    #[new]
    #[pyo3(signature = (config = None, *, build = false))]
    fn new(py: Python<'_>, config: Option<&Bound<'_, PyAny>>, build: bool) -> PyResult<Self> {
        config::assets(py, config, build).map(Self)
    }

    /// The URL of a file's current version: of "/static/css/app.css" or "css/app.css". None if there is no such
    /// file.
    fn url(&self, name: &str) -> Option<String> {
        self.0.find(name).map(|asset| self.0.url(asset))
    }

    /// The path of a file's current version, of "/static/css/app.css" or "css/app.css": not percent-encoded, and
    /// without `base_url`. None if there is no such file.
    fn versioned(&self, name: &str) -> Option<String> {
        self.0.find(name).map(Files::versioned_path)
    }

    /// The URL of a file without a version.
    fn plain_url(&self, name: &str) -> String {
        self.0.plain_url(name)
    }

    /// An import map for a `<script type="importmap">`, as JSON: from the URLs of the JavaScript modules to those
    /// of their current versions.
    fn import_map(&self) -> String {
        self.0.import_map()
    }

    /// The manifest, as JSON: the same octets wherever the files are the same.
    fn manifest(&self) -> String {
        self.0.manifest()
    }

    /// Keep the content of all files beside a manifest, in a folder of its name and ".kept", with that of as many
    /// `earlier` builds. Returns how many builds there are by now, with this one, and how many bytes. Raises OSError
    /// if something can't be read or written.
    #[expect(clippy::needless_pass_by_value, reason = "it is what Python's argument becomes")]
    fn keep(&self, py: Python<'_>, manifest: PathBuf, earlier: usize) -> PyResult<(usize, u64)> {
        let kept = py.detach(|| self.0.keep(&manifest, earlier));
        kept.map(|kept| (kept.builds, kept.octets)).map_err(|error| PyOSError::new_err(error.to_string()))
    }

    /// What stands before the paths in URLs, or None.
    #[getter]
    fn base_url(&self) -> Option<&str> {
        self.0.base_url()
    }

    /// What is not as it should be: dicts with `id`, `path` and `text`.
    #[getter]
    fn warnings<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let told = self.0.warnings.iter().map(|warning| {
            let all = PyDict::new(py);
            all.set_item("id", warning.id)?;
            all.set_item("path", &warning.path)?;
            all.set_item("text", &warning.text)?;
            Ok(all)
        });
        told.collect()
    }

    /// What a request for a path is for, in one word, and the Cache-Control that goes with it: `current`, `kept` from an
    /// earlier build, `old` for any other version, `plain` for a file by its own name, `missing` for a version of
    /// what there is not. None if it is for none of these files. `path` and `query` are a `PATH_INFO` and a
    /// `QUERY_STRING` (PEP 3333): percent-decoded, each octet a character.
    #[pyo3(signature = (path, query = ""))]
    fn asked(&self, path: &str, query: &str) -> Option<(&'static str, &'static str)> {
        let path = decoded(path);
        let asked = self.0.asked(&path, query)?;
        Some((asked.word(), asked.freshness().directives(false)))
    }

    /// The files by their paths, each with the path of its current version.
    fn versions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let all = PyDict::new(py);
        for asset in self.0.iter() {
            all.set_item(&asset.path, Files::versioned_path(asset))?;
        }
        Ok(all)
    }

    /// What is sent for a file in place of what is on disk: a style sheet with rewritten references. None where
    /// the file is sent as it is.
    fn rewritten<'py>(&self, py: Python<'py>, name: &str) -> Option<Bound<'py, PyBytes>> {
        let rewritten = self.0.find(name)?.rewritten.as_ref()?;
        Some(PyBytes::new(py, &rewritten.content))
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }
}

/// The URL of a static file's current version: `asset_url("css/app.css")` is "/static/css/app.<version>.css".
///
/// The files are those of the middleware in this process. A name without a slash before it is looked for below
/// each path that `assets` names. Of a file that there is not, the URL has no version. Raises LookupError where
/// no assets are configured.
#[pyfunction]
pub(super) fn asset_url(name: &str) -> PyResult<String> {
    let all = in_use();
    let found = all.iter().rev().find_map(|files| Some(files.url(files.find(name)?)));
    let plain = || all.last().map(|files| files.plain_url(name));
    found.or_else(plain).ok_or_else(|| {
        PyLookupError::new_err(
            "no assets are configured in this process: name them with assets in the configuration of NotModified",
        )
    })
}

fn in_use() -> Vec<Arc<Files>> {
    let all = IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
    all.iter().filter_map(Weak::upgrade).collect()
}

/// Have `asset_url` know these.
pub(super) fn use_in_process(files: &Arc<Files>) {
    let mut all = IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
    all.retain(|other| other.strong_count() > 0);
    all.push(Arc::downgrade(files));
}

/// Read the files, or the manifest.
pub(super) fn load(
    py: Python<'_>,
    config: &AssetsConfig,
    settings: &Settings,
    build: bool,
) -> PyResult<Arc<Files>> {
    let plan = config.plan.clone();
    let manifest = config.manifest.as_deref().filter(|_| !build);
    let files = py.detach(|| match manifest {
        Some(file) => Files::load(plan, file).and_then(|mut files| {
            if config.keep > 0 {
                files.load_kept(file)?;
            }
            Ok(files)
        }),
        None if build => Files::build(plan),
        None => Files::build(plan).map(|mut files| {
            files.keep_copies();
            files
        }),
    });
    files
        .map(Arc::new)
        .map_err(|error| config::refused(&settings.wrong_assets(key(config, &error), error.to_string())))
}

/// The key of `assets` that an error is about.
fn key(config: &AssetsConfig, error: &AssetError) -> Option<String> {
    let place = Path::new(&error.place);
    if config.manifest.as_deref() == Some(place) {
        return Some("manifest".into());
    }
    if config.manifest.as_deref().is_some_and(|file| place.starts_with(beside(file))) {
        return Some("keep".into());
    }
    let is_in = |folder: &Path| {
        place.starts_with(folder) || fs::canonicalize(folder).is_ok_and(|folder| place.starts_with(folder))
    };
    let mount = config.plan.mounts.iter().find(|mount| is_in(&mount.folder))?;
    Some(mount.prefix.clone())
}

/// A request for a static file.
#[derive(Debug)]
pub(super) struct AssetRequest {
    /// The file, as it was built; none if there is none.
    asset: Option<Arc<Asset>>,
    freshness: Freshness,
    from: From,
    /// Was it answered by us?
    answered: AtomicBool,
}

/// Where the content comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    /// The app's own handler.
    App,
    /// The file.
    File,
    /// A rewritten style sheet.
    Memory,
    /// There is none, and nobody else to ask.
    Nowhere,
}

impl AssetRequest {
    /// Look whether a GET or HEAD is for a static file. `path` and `query` are as in the environ.
    pub(super) fn new(py: Python<'_>, files: &Files, serve: bool, path: &str, query: &str) -> Option<Self> {
        let path = decoded(path);
        let asked = files.asked(&path, query)?;
        let freshness = asked.freshness();
        let (asset, freshness) = match asked {
            Asked::Current(asset) | Asked::Old(asset) | Asked::Plain(asset) => (asset, freshness),
            Asked::Kept(asset) => {
                // Content that is gone or damaged is as if it had not been kept.
                if is_unchanged(py, asset) {
                    return Some(Self::of(Some(asset), freshness, From::File));
                }
                match files.get(&asset.path) {
                    Some(asset) => (asset, Freshness::Revalidate),
                    None => return Some(Self::missing(serve, &path)),
                }
            }
            Asked::Missing => return Some(Self::missing(serve, &path)),
        };
        let sends_rewritten = asset.rewritten.is_some() && (serve || path != asset.path);
        let from = match sends_rewritten {
            // One that is being worked on is sent as it is by now.
            true if is_unchanged(py, asset) => From::Memory,
            false if !serve => From::App,
            _ => From::File,
        };
        Some(Self::of(Some(asset), freshness, from))
    }

    fn of(asset: Option<&Arc<Asset>>, freshness: Freshness, from: From) -> Self {
        Self { asset: asset.cloned(), freshness, from, answered: AtomicBool::new(false) }
    }

    /// A request for a version of a file that there is not.
    fn missing(serve: bool, path: &str) -> Self {
        // What may be a version of somebody else's may be a date as well, in the name of a file of the app's.
        let is_certain = name::parse(path).is_some();
        let from = if serve && is_certain { From::Nowhere } else { From::App };
        Self::of(None, Freshness::NoStore, from)
    }

    /// Is there such a file?
    pub(super) const fn is_there(&self) -> bool {
        self.asset.is_some()
    }

    /// Does the app's own handler answer?
    pub(super) fn is_the_apps(&self) -> bool {
        self.from == From::App
    }

    /// The path that the app is to see, each octet a character, where it is another than the request's.
    pub(super) fn path_info<'py>(&self, py: Python<'py>, asked: &str) -> Option<Bound<'py, PyString>> {
        let path = &self.asset.as_ref().filter(|_| self.from == From::App)?.path;
        let path: Cow<'_, str> =
            if path.is_ascii() { path.into() } else { path.bytes().map(char::from).collect() };
        (path != asked).then(|| PyString::new(py, &path))
    }

    /// What may be said of freshness, now that the content is there. `immutable` only if that is what the version
    /// was made of.
    pub(super) fn freshness(
        &self,
        py: Python<'_>,
        config: &Config,
        head: &Head<'_>,
        content: &Sent,
    ) -> Freshness {
        let is_certain = || match &self.asset {
            // Sent from there, and nowhere else.
            Some(_) if self.from == From::Memory && self.answered.load(Relaxed) => true,
            Some(asset) => is_current(py, asset, config, head, content),
            None => false,
        };
        match self.freshness {
            Freshness::Immutable if !is_certain() => Freshness::Revalidate,
            said => said,
        }
    }

    /// Answer in the app's place. `None` if the file is gone.
    pub(super) fn respond<'py>(
        &self,
        environ: &Bound<'py, PyDict>,
        start_response: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = environ.py();
        if self.from == From::Nowhere {
            return not_found(environ, start_response).map(Some);
        }
        let Some(asset) = &self.asset else { return Ok(None) };
        let accepted = environ.get_item(intern!(py, "HTTP_ACCEPT_ENCODING"))?;
        let accepted = accepted.as_ref().map(|field| field.cast::<PyString>()).transpose()?;
        let accepted = accepted.map(|field| field.to_string_lossy()).unwrap_or_default();
        let rewritten = asset.rewritten.as_ref().filter(|_| self.from == From::Memory);
        let (content, length, coding, varies) = if let Some(rewritten) = rewritten {
            let chosen =
                choose(&accepted, rewritten.codings.iter().map(|(coding, packed)| (*coding, packed)));
            let octets = chosen.map_or(&rewritten.content, |(_, packed)| packed);
            let content = PyList::new(py, [PyBytes::new(py, octets)])?.into_any();
            (content, octets.len() as u64, chosen.map(|(coding, _)| coding), !rewritten.codings.is_empty())
        } else {
            let is_good = |packed: &Content| py.detach(|| packed.is_unchanged().unwrap_or(false));
            // A sibling of what the file no longer is would be the old content.
            let siblings =
                asset.codings.iter().filter(|(_, packed)| is_good(packed) && is_good(&asset.content));
            let chosen = choose(&accepted, siblings.map(|(coding, packed)| (*coding, packed)));
            let file = chosen.map_or(&asset.content, |(_, packed)| packed);
            let Some((content, length)) = open(environ, &file.path)? else { return Ok(None) };
            (content, length, chosen.map(|(coding, _)| coding), !asset.codings.is_empty())
        };
        let mut fields: Vec<(&str, Cow<'_, str>)> = vec![
            ("Content-Type", content_type(&asset.path).into()),
            ("Content-Length", length.to_string().into()),
        ];
        if let Some(coding) = coding {
            fields.push(("Content-Encoding", coding.token().into()));
        }
        if varies {
            fields.push(("Vary", "Accept-Encoding".into()));
        }
        call(start_response, intern!(py, "200 OK").as_any(), PyList::new(py, fields)?.as_any())?;
        self.answered.store(true, Relaxed);
        if is_head(environ)? {
            super::body::close(&content)?;
            return Ok(Some(PyList::empty(py).into_any()));
        }
        Ok(Some(content))
    }
}

/// Is what is sent what a version is of?
///
/// Its digest tells, or the state of the open file that it is: there is no time for a change in between. Else the
/// file is looked at, which is after the content was opened.
fn is_current(py: Python<'_>, asset: &Asset, config: &Config, head: &Head<'_>, content: &Sent) -> bool {
    match (content.tag, &content.file) {
        (Some((tag, false)), file) if config.tag_key.is_none() && content.divisible => {
            if asset.has_tag(&tag) {
                return true;
            }
            // What the app compresses while it sends it has a digest that nobody knows.
            if file.is_some() || !head.is_coded() {
                return false;
            }
        }
        (_, Some(state)) => return py.detach(|| asset.is_in(state).unwrap_or(false)),
        _ => {}
    }
    // What the app sends of a style sheet is not what the version is of.
    asset.rewritten.is_none() && is_unchanged(py, asset)
}

/// Say that there is no such file. No other handler is asked: one that answers everything with a page would have the
/// client take that for a script or a style sheet.
fn not_found<'py>(
    environ: &Bound<'py, PyDict>,
    start_response: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = environ.py();
    let fields = [
        ("Content-Type", "text/plain; charset=utf-8".to_owned()),
        ("Content-Length", NOT_FOUND.len().to_string()),
    ];
    call(start_response, intern!(py, "404 Not Found").as_any(), PyList::new(py, fields)?.as_any())?;
    let content = (!is_head(environ)?).then(|| PyBytes::new(py, NOT_FOUND));
    Ok(PyList::new(py, content)?.into_any())
}

fn is_head(environ: &Bound<'_, PyDict>) -> PyResult<bool> {
    let method = environ.get_item(intern!(environ.py(), "REQUEST_METHOD"))?;
    Ok(method.is_some_and(|method| method.eq("HEAD").unwrap_or(false)))
}

/// The coding that the client wants most; of equals the shortest, with what is compressed.
fn choose<'c, C: Length>(
    accepted: &str,
    codings: impl Iterator<Item = (Coding, &'c C)>,
) -> Option<(Coding, &'c C)> {
    let weighed = codings.map(|(coding, packed)| (coding::weight(accepted, coding), coding, packed));
    let wanted = weighed.filter(|(weight, ..)| *weight > 0);
    let best = wanted.max_by_key(|(weight, _, packed)| (*weight, std::cmp::Reverse(packed.length())));
    best.map(|(_, coding, packed)| (coding, packed))
}

trait Length {
    fn length(&self) -> u64;
}

impl Length for Vec<u8> {
    fn length(&self) -> u64 {
        self.len() as u64
    }
}

impl Length for Content {
    fn length(&self) -> u64 {
        self.size
    }
}

fn is_unchanged(py: Python<'_>, asset: &Asset) -> bool {
    py.detach(|| asset.is_unchanged().unwrap_or(false))
}

/// A file in the server's wrapper, so that it goes out by sendfile, and its length.
fn open<'py>(environ: &Bound<'py, PyDict>, path: &Path) -> PyResult<Option<(Bound<'py, PyAny>, u64)>> {
    let py = environ.py();
    let opened = py.import(intern!(py, "io"))?.call_method1(intern!(py, "open"), (path, "rb"));
    let Ok(file) = opened else { return Ok(None) };
    let length = file.call_method1(intern!(py, "seek"), (0, 2))?.extract()?;
    file.call_method1(intern!(py, "seek"), (0,))?;
    let wrapper = match environ.get_item(intern!(py, "wsgi.file_wrapper"))? {
        Some(wrapper) => wrapper,
        None => py.import(intern!(py, "wsgiref.util"))?.getattr(intern!(py, "FileWrapper"))?,
    };
    Ok(Some((wrapper.call1((file, BLOCK))?, length)))
}

/// The media type of a file, by its extension: the same on every machine.
fn content_type(path: &str) -> &'static str {
    let extension =
        path.rsplit('/').next().and_then(|file| file.rsplit_once('.')).map(|(_, extension)| extension);
    match extension.unwrap_or_default().to_ascii_lowercase().as_str() {
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "html" | "htm" => "text/html; charset=utf-8",
        "txt" => "text/plain; charset=utf-8",
        "md" => "text/markdown; charset=utf-8",
        "csv" => "text/csv; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "xml" => "application/xml",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "ico" => "image/x-icon",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "ttf" => "font/ttf",
        "otf" => "font/otf",
        "wasm" => "application/wasm",
        "pdf" => "application/pdf",
        "mp3" => "audio/mpeg",
        "ogg" => "audio/ogg",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "vtt" => "text/vtt; charset=utf-8",
        "zip" => "application/zip",
        _ => "application/octet-stream",
    }
}
