//! The stores that this process is attached to, and how invalidations from outside of a request find them.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{SystemTime, UNIX_EPOCH};

use pyo3::create_exception;
use pyo3::exceptions::{PyLookupError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;

use super::config::Config;
use super::remote::PyLink;
use crate::cache::host::default_path;
use crate::cache::{HostStore, Name, ProcessStore, RemoteStore, Store, StoreError as Failed};
use crate::config::{Address, CacheConfig, StoreKind};
use crate::http::cache_groups::MAX_GROUPS;
use crate::http::freshness::Millis;
use crate::http::reference;

create_exception!(
    notmodified,
    StoreError,
    PyRuntimeError,
    "The store of the validator cache can't be used: what was to be invalidated may not be."
);

pub(super) fn unusable(error: &Failed) -> PyErr {
    StoreError::new_err(error.to_string())
}

/// A store that something in this process uses.
struct Attached {
    kind: StoreKind,
    address: Option<Address>,
    /// Which client was given, if one was. Its store keeps it alive, so that no other is at the same place.
    client: Option<usize>,
    path: Option<String>,
    size: u64,
    settle: Millis,
    store: Weak<dyn Store>,
}

static ATTACHED: Mutex<Vec<Attached>> = Mutex::new(Vec::new());

/// Whether this process has taken in a request. Until then it may be a shell, a cron job or a master, of another user
/// than who will serve.
static SERVES: AtomicBool = AtomicBool::new(false);

/// A request has come.
pub(super) fn serve() {
    if !SERVES.load(Relaxed) {
        SERVES.store(true, Relaxed);
    }
}

/// A store that is to be told of an invalidation.
struct Told {
    store: Arc<dyn Store>,
    settle: Millis,
    /// The file of a host's store.
    file: Option<PathBuf>,
}

impl Told {
    fn new(store: Arc<dyn Store>, kind: StoreKind, path: Option<&String>, settle: Millis) -> Self {
        let file = (kind == StoreKind::Host).then(|| path.map_or_else(default_path, PathBuf::from));
        Self { store, settle, file }
    }
}

/// The time by the wall clock.
pub(super) fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}

/// The store that a configuration names; the same one for all of this process that name the same file.
///
/// Raises `ConfigError` if it is on a server for which there is no client.
pub(super) fn attach(
    py: Python<'_>,
    config: &CacheConfig,
    client: Option<&Py<PyAny>>,
) -> PyResult<Option<Arc<dyn Store>>> {
    let Some(kind) = config.store else { return Ok(None) };
    // Before the lock: it may import what attaches to a store too.
    let link = match &config.store_address {
        Some(address) => Some(PyLink::new(py, address, client, f64::from(config.store_timeout) / 1000.0)?),
        None => None,
    };
    let client = client.map(|client| client.as_ptr() as usize);
    let mut attached = ATTACHED.lock().unwrap_or_else(PoisonError::into_inner);
    attached.retain(|one| one.store.strong_count() > 0);
    let settle = Millis::from(config.settle) * 1000;
    let same = |one: &&mut Attached| {
        kind != StoreKind::Process
            && one.kind == kind
            && one.address == config.store_address
            && one.client == client
            && one.path == config.store_path
            && one.size == config.store_size
    };
    if let Some(one) = attached.iter_mut().find(same)
        && let Some(store) = one.store.upgrade()
    {
        // Whoever wants to wait longer is right: what is not stored is never stale.
        one.settle = one.settle.max(settle);
        return Ok(Some(store));
    }
    let store: Arc<dyn Store> = match (kind, link) {
        (_, Some(link)) => Arc::new(RemoteStore::new(link)),
        (StoreKind::Process, None) => {
            Arc::new(ProcessStore::new(usize::try_from(config.store_size).unwrap_or(usize::MAX)))
        }
        (StoreKind::Host | StoreKind::Remote, None) => Arc::new(host(config)),
    };
    attached.push(Attached {
        kind,
        address: config.store_address.clone(),
        client,
        path: config.store_path.clone(),
        size: config.store_size,
        settle,
        store: Arc::downgrade(&store),
    });
    Ok(Some(store))
}

/// The store of this host. Its file is opened when it is used for the first time: by a worker, as the user that
/// it has then, not by the master that made the application.
fn host(config: &CacheConfig) -> HostStore {
    HostStore::new(config.store_path.as_ref().map(PathBuf::from), config.store_size)
}

/// See whether the store that is configured could be opened, without opening it: this may be a master, before it
/// forks.
///
/// # Errors
///
/// What is wrong with its file.
pub(super) fn check(config: &CacheConfig) -> Result<(), String> {
    if config.store != Some(StoreKind::Host) {
        return Ok(());
    }
    let store = host(config);
    store.check().map_err(|error| {
        // Whoever is told sees the path already, as the value of its key.
        let (text, path) = (error.to_string(), format!("{}: ", store.path().display()));
        text.strip_prefix(&path).map_or(text.clone(), str::to_owned)
    })
}

/// Invalidate at once, in every store that this process is attached to, or in the one that `config` names.
///
/// `target` is a path or a URL, `groups` are RFC 9875 cache groups of any origin, `everything` is all there is.
/// Returns the files of the host's stores, each with whether it is there; nothing in a process that has served, for
/// others make none that is missing. Raises ValueError for a target that is neither, LookupError if there is no store,
/// StoreError if one can't be used.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "it comes out of Python")]
#[pyo3(signature = (target = None, *, groups = Vec::new(), everything = false, config = None))]
pub(super) fn invalidate_stores(
    py: Python<'_>,
    target: Option<&str>,
    groups: Vec<String>,
    everything: bool,
    config: Option<&Bound<'_, Config>>,
) -> PyResult<Vec<(PathBuf, bool)>> {
    let mut names = Vec::new();
    if everything {
        names.push(Name::site());
    }
    if let Some(target) = target {
        names.push(name_of(target)?);
    }
    names.extend(groups.iter().map(|group| Name::group_anywhere(group.as_bytes())));
    if names.is_empty() {
        return Err(PyValueError::new_err(
            "nothing to invalidate: give a path, a URL, groups or everything=True",
        ));
    }
    let stores = config.map_or_else(|| Ok(attached()), |config| configured(py, config.get()))?;
    if stores.is_empty() {
        return Err(PyLookupError::new_err("no store is attached to this process"));
    }
    // One that fails keeps no other from hearing of it.
    let (mut files, mut failure) = (Vec::new(), None);
    for Told { store, settle, file } in stores {
        if !SERVES.load(Relaxed) {
            match py.detach(|| store.is_there()) {
                Ok(is_there) => {
                    files.extend(file.map(|file| (file, is_there)));
                    if !is_there {
                        continue;
                    }
                }
                Err(error) => {
                    failure = Some(error);
                    continue;
                }
            }
        }
        let until = if settle == 0 { 0 } else { u64::try_from(now() + settle).unwrap_or(0) };
        // In portions, for a store may bound what it takes at once.
        for names in names.chunks(MAX_GROUPS) {
            if let Err(error) = py.detach(|| store.invalidate(names, until)) {
                failure = Some(error);
            }
        }
    }
    failure.map_or(Ok(files), |error| Err(unusable(&error)))
}

/// The stores that this process uses.
fn attached() -> Vec<Told> {
    let attached = ATTACHED.lock().unwrap_or_else(PoisonError::into_inner);
    let told = attached
        .iter()
        .filter_map(|one| Some(Told::new(one.store.upgrade()?, one.kind, one.path.as_ref(), one.settle)));
    told.collect()
}

/// The store that a configuration names, which this process may not use yet.
fn configured(py: Python<'_>, config: &Config) -> PyResult<Vec<Told>> {
    let (client, config) = (config.client(), &config.checked().cache);
    if config.store == Some(StoreKind::Process) {
        return Err(PyLookupError::new_err(
            "store = \"process\": each process has a store of its own, which no other can reach; with \
             store = \"host\" all processes of this host share one",
        ));
    }
    match (config.store, attach(py, config, client)?) {
        (Some(kind), Some(store)) => {
            let settle = Millis::from(config.settle) * 1000;
            Ok(vec![Told::new(store, kind, config.store_path.as_ref(), settle)])
        }
        _ => Err(PyLookupError::new_err("the configuration names no store")),
    }
}

/// Whether anything in this process uses a store; with `shared`, one that other processes use too.
#[pyfunction]
#[pyo3(signature = (*, shared = false))]
pub(super) fn has_stores(shared: bool) -> bool {
    let attached = ATTACHED.lock().unwrap_or_else(PoisonError::into_inner);
    attached.iter().any(|one| one.store.strong_count() > 0 && !(shared && one.kind == StoreKind::Process))
}

/// A path with every host, query and variant of it; a URL with every variant.
fn name_of(target: &str) -> PyResult<Name> {
    let place = reference::resolve(target.as_bytes(), b"/");
    match place {
        Some(place) if target.starts_with('/') && place.host.is_none() => Ok(Name::path(b"", &place.path)),
        Some(reference::Place { host: Some(host), path, query }) if !target.starts_with('/') => {
            Ok(Name::uri(&host, b"", &path, &query))
        }
        _ => Err(PyValueError::new_err(format!(
            "give a path that starts with one slash, or a URL with http:// or https://, not {target:?}"
        ))),
    }
}
