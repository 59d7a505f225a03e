//! `Config` for Python: from a file, a mapping or keywords to the one schema of [`crate::config`].

use std::sync::Arc;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyMapping, PyString, PyTuple, PyType};
use pyo3::{create_exception, intern};
use toml::{Table, Value};

use super::assets;
use super::cache_control::CacheControl;
use super::stores;
use crate::assets::Assets as Files;
use crate::config as schema;
use crate::config::{Settings, Teller, WriteGuard};
use crate::path::Template;
use crate::policy::Policy;
use crate::volatile::Ignore;

create_exception!(
    notmodified,
    ConfigError,
    PyValueError,
    "A configuration is wrong. The text names the file, the line, the key, the value seen and what would be \
     right."
);

/// How deep values may be nested. The schema needs five levels; a list that contains itself has no end.
const MAX_DEPTH: usize = 16;

/// The key whose value may be a client.
const STORE: &str = "store";

/// A configuration, checked.
///
/// `Config(max_body=1_000_000, policy=[...])` says it in keywords, `Config.load(path)` reads a
/// `notmodified.toml` or the table [tool.notmodified] of a `pyproject.toml`, `Config.from_mapping(mapping)`
/// takes the same keys from a mapping. All of them raise `ConfigError` if something is wrong. Immutable.
#[pyclass(frozen, module = "notmodified")]
pub(super) struct Config {
    given: Given,
    checked: schema::Config,
}

/// Settings as they were given, and the objects among them: functions by their template, the client of a store.
#[derive(Default)]
struct Given {
    settings: Settings,
    functions: Option<Py<PyDict>>,
    client: Option<Py<PyAny>>,
}

impl Given {
    fn overlaid(&self, py: Python<'_>, over: Self) -> Self {
        let functions = over.functions.or_else(|| self.functions.as_ref().map(|all| all.clone_ref(py)));
        // The client belongs to the `store` that holds.
        let client = if over.settings.has(STORE) { over.client } else { self.client(py) };
        Self { settings: self.settings.clone().overlaid(over.settings), functions, client }
    }

    fn client(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.client.as_ref().map(|client| client.clone_ref(py))
    }

    /// The validator function of each template: the one that was given, or the one that is named.
    fn functions(&self, py: Python<'_>, config: &schema::Config) -> PyResult<Vec<Py<PyAny>>> {
        let templates = config.validators.routes.as_slice().iter().map(Template::as_str);
        let each = templates.zip(&config.validators.functions).map(|(template, name)| {
            let given = match &self.functions {
                Some(all) => all.bind(py).get_item(template)?,
                None => None,
            };
            match given {
                Some(function) if function.is_callable() => Ok(function.unbind()),
                _ => self.import(py, template, name),
            }
        });
        each.collect()
    }

    fn import(&self, py: Python<'_>, template: &str, name: &str) -> PyResult<Py<PyAny>> {
        let refuse = |reason: String| refused(&self.settings.wrong_validator(template, reason));
        let (module, path) = name.split_once(':').unwrap_or((name, ""));
        let import = py.import(intern!(py, "importlib"))?.getattr(intern!(py, "import_module"))?;
        let found = import.call1((module,));
        let found =
            found.and_then(|found| path.split('.').try_fold(found, |object, part| object.getattr(part)));
        let found = found.map_err(|error| {
            let refusal = refuse(format!("it cannot be imported: {error}"));
            refusal.set_cause(py, Some(error));
            refusal
        })?;
        if found.is_callable() { Ok(found.unbind()) } else { Err(refuse("it is no function".into())) }
    }
}

#[pymethods]
impl Config {
    #[new]
    #[pyo3(
        signature = (**options),
        text_signature = "(*, head_as_get=True, tag_suffixes=True, max_body=4194304, max_file=67108864, \
                          tag_key=None, etag=None, accept_weakened=False, validators={}, assets=None, store=None, \
                          store_path=None, store_size=33554432, store_timeout=0.25, release=None, vary_cookies=(), settle=0, \
                          obey_request_directives=False, cache_status=False, explain=False, policy=())"
    )]
    fn new(py: Python<'_>, options: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        Self::of(py, keywords(options)?)
    }

    /// Read a file. One that is called `pyproject.toml` has the settings in its table [tool.notmodified].
    ///
    /// Raises `OSError` if it cannot be read, `ConfigError` if something in it is wrong.
    #[classmethod]
    fn load(_cls: &Bound<'_, PyType>, path: &Bound<'_, PyAny>) -> PyResult<Self> {
        Self::of(path.py(), file(path)?)
    }

    /// Take the settings from a mapping with the keys of the file. None counts as left out.
    #[classmethod]
    fn from_mapping(_cls: &Bound<'_, PyType>, mapping: &Bound<'_, PyMapping>) -> PyResult<Self> {
        Self::of(mapping.py(), from_mapping(mapping)?)
    }

    #[getter]
    fn head_as_get(&self) -> bool {
        self.checked.head_as_get
    }

    #[getter]
    fn tag_suffixes(&self) -> bool {
        self.checked.tag_suffixes
    }

    #[getter]
    fn max_body(&self) -> u64 {
        self.checked.max_body
    }

    #[getter]
    fn max_file(&self) -> u64 {
        self.checked.max_file
    }

    /// Whether tags are made with a key. The key itself is not shown.
    #[getter]
    fn has_tag_key(&self) -> bool {
        self.checked.tag_key.is_some()
    }

    /// What is left out of tags made from the content, unless a policy says otherwise, in words.
    ///
    /// Presets by their names, patterns between slashes.
    #[getter]
    fn ignore(&self) -> Vec<String> {
        self.checked.ignore.as_ref().map(words).unwrap_or_default()
    }

    #[getter]
    fn accept_weakened(&self) -> bool {
        self.checked.accept_weakened
    }

    /// The path templates that have a validator function, in their order, each with the function's name.
    #[getter]
    fn validators<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let all = PyDict::new(py);
        let schema::Validators { routes, functions } = &self.checked.validators;
        for (template, name) in routes.as_slice().iter().zip(functions) {
            all.set_item(template.as_str(), name)?;
        }
        Ok(all)
    }

    /// The folders of static files by their paths, and the other keys of `assets`; None if there are none.
    #[getter]
    fn assets<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let Some(assets) = &self.checked.assets else { return Ok(None) };
        let schema::AssetsConfig { plan, manifest, keep, serve } = assets;
        let all = PyDict::new(py);
        for mount in &plan.mounts {
            all.set_item(&mount.prefix, mount.folder.display().to_string())?;
        }
        all.set_item("base_url", &plan.base_url)?;
        all.set_item("manifest", manifest.as_ref().map(|file| file.display().to_string()))?;
        all.set_item("keep", keep)?;
        all.set_item("serve", serve)?;
        let believed = [(plan.trust_names, "names"), (plan.trust_queries, "queries")];
        let believed: Vec<_> = believed.into_iter().filter_map(|(is, word)| is.then_some(word)).collect();
        all.set_item("trust", believed)?;
        Ok(Some(all))
    }

    /// Where the validator cache keeps what it stores: "process", "host", a URL without what is secret in it,
    /// the name of a client (of its class, if the client itself was given), or None for no cache.
    #[getter]
    fn store(&self) -> Option<String> {
        let cache = &self.checked.cache;
        cache.store.map(|kind| match (kind, &cache.store_address) {
            (_, Some(address)) => address.to_string(),
            (schema::StoreKind::Process, None) => "process".into(),
            (schema::StoreKind::Host | schema::StoreKind::Remote, None) => "host".into(),
        })
    }

    /// The file of the host's store, if it is not the usual one.
    #[getter]
    fn store_path(&self) -> Option<&str> {
        self.checked.cache.store_path.as_deref()
    }

    /// How large the store is, in bytes.
    #[getter]
    fn store_size(&self) -> u64 {
        self.checked.cache.store_size
    }

    /// For how many seconds the answer of a Redis or Valkey server is waited for.
    #[getter]
    fn store_timeout(&self) -> f64 {
        f64::from(self.checked.cache.store_timeout) / 1000.0
    }

    /// What the deployed code is called, as it was found.
    #[getter]
    fn release(&self) -> Option<&str> {
        self.checked.cache.release.as_deref()
    }

    /// The cookies that Vary: Cookie stands for; all if there are none.
    #[getter]
    fn vary_cookies(&self) -> Vec<String> {
        self.checked.cache.vary_cookies.clone()
    }

    /// For how many seconds after an invalidation nothing is stored.
    #[getter]
    fn settle(&self) -> u32 {
        self.checked.cache.settle
    }

    /// Whether the directives of requests are obeyed (RFC 9111 §5.2.1).
    #[getter]
    fn obey_request_directives(&self) -> bool {
        self.checked.cache.obey_request_directives
    }

    /// "off", "on", or "explain" if Cache-Status says why, too.
    #[getter]
    fn cache_status(&self) -> &'static str {
        match (self.checked.cache.cache_status, self.checked.cache.explain) {
            (_, true) => "explain",
            (true, false) => "on",
            (false, false) => "off",
        }
    }

    /// The policies in their order, each a dict with every key of it, what was left out filled in. An empty
    /// list of media types stands for any.
    #[getter]
    fn policies<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let policies = self.checked.policies.as_slice().iter();
        policies.map(|policy| describe(py, policy)).collect()
    }

    /// What becomes of each policy for a request and its response, a word each:
    ///
    /// `applies` for the one they get, `later` for one that would match but comes after it, else what does not
    /// match: `path`, `method`, `status` or `media-type`. `path` is a `PATH_INFO` (PEP 3333): percent-decoded,
    /// each octet a character.
    #[pyo3(signature = (path, *, method = "GET", status = 200, media_type = None))]
    fn explain(&self, path: &str, method: &str, status: u16, media_type: Option<&str>) -> Vec<&'static str> {
        let verdicts = self.checked.policies.explain(method, path, status, media_type);
        verdicts.into_iter().map(crate::policy::Verdict::word).collect()
    }

    /// Whether a policy takes over judging for such a request: If-* and Range are then hidden from the app.
    #[pyo3(signature = (path, *, method = "GET"))]
    fn takes_over(&self, path: &str, method: &str) -> bool {
        let candidates = self.checked.policies.on_the_way_in(method, path);
        self.checked.policies.takes_over(&candidates).is_some()
    }

    /// What is done with a write before the app acts, None if nothing is: `judged_by`, the name of the function
    /// that tells what is current, "get" or None for the app itself; `require`, whether it must have a
    /// precondition; and `policy`, the number of the policy that says so, if one does.
    #[pyo3(signature = (path, *, method))]
    fn guard<'py>(&self, py: Python<'py>, path: &str, method: &str) -> PyResult<Option<Bound<'py, PyDict>>> {
        let WriteGuard { teller, require, policy } = self.checked.guard(method, path);
        let judged_by = match teller {
            Some(Teller::Function(place, _)) => {
                self.checked.validators.functions.get(place).map(String::as_str)
            }
            Some(Teller::Get) => Some("get"),
            None if require => None,
            None => return Ok(None),
        };
        let all = PyDict::new(py);
        all.set_item("judged_by", judged_by)?;
        all.set_item("require", require)?;
        all.set_item("policy", policy)?;
        Ok(Some(all))
    }

    fn __repr__(&self) -> String {
        let Self { checked, .. } = self;
        let word = |yes| if yes { "True" } else { "False" };
        format!(
            "<Config head_as_get={} tag_suffixes={} max_body={} max_file={} has_tag_key={} policies={}>",
            word(checked.head_as_get),
            word(checked.tag_suffixes),
            checked.max_body,
            checked.max_file,
            word(checked.tag_key.is_some()),
            checked.policies.as_slice().len(),
        )
    }
}

impl Config {
    pub(super) fn checked(&self) -> &schema::Config {
        &self.checked
    }

    /// The static files of it.
    pub(super) fn files(&self, py: Python<'_>) -> PyResult<Option<Arc<Files>>> {
        let config = self.checked.assets.as_ref();
        config.map(|config| assets::load(py, config, &self.given.settings, false)).transpose()
    }

    /// The client that was given as its store.
    pub(super) fn client(&self) -> Option<&Py<PyAny>> {
        self.given.client.as_ref()
    }

    fn of(py: Python<'_>, given: Given) -> PyResult<Self> {
        let checked = read(py, &given.settings)?;
        Ok(Self { given, checked })
    }
}

/// A configuration, and what of it is Python's.
pub(super) struct Resolved {
    pub(super) settings: Settings,
    pub(super) checked: schema::Config,
    /// The validator functions, in their order.
    pub(super) functions: Vec<Py<PyAny>>,
    /// The client that was given as the store.
    pub(super) client: Option<Py<PyAny>>,
    pub(super) files: Option<Arc<Files>>,
}

/// The configuration that `NotModified(application, config, **options)` means: `config` is a path, a Config, a
/// mapping or None, and the options are laid over it.
pub(super) fn resolve(
    py: Python<'_>,
    config: Option<&Bound<'_, PyAny>>,
    options: Option<&Bound<'_, PyDict>>,
) -> PyResult<Resolved> {
    let given = given_as(py, config)?.overlaid(py, keywords(options)?);
    let checked = read(py, &given.settings)?;
    let functions = given.functions(py, &checked)?;
    stores::check(&checked.cache).map_err(|reason| refused(&given.settings.wrong_store(reason)))?;
    let files = checked.assets.as_ref();
    let files = files.map(|config| assets::load(py, config, &given.settings, false)).transpose()?;
    Ok(Resolved { settings: given.settings, checked, functions, client: given.client, files })
}

/// Read a configuration for the sake of its store alone: a path, a Config, a mapping.
///
/// `release` and `tag_key` matter to no invalidation, and may name variables that this process does not have.
#[pyfunction]
pub(super) fn store_config(config: &Bound<'_, PyAny>) -> PyResult<Config> {
    let mut given = given_as(config.py(), Some(config))?;
    given.settings = given.settings.without(&["release", "tag_key"]);
    Config::of(config.py(), given)
}

/// The static files of a configuration.
pub(super) fn assets(py: Python<'_>, config: Option<&Bound<'_, PyAny>>, build: bool) -> PyResult<Arc<Files>> {
    let given = given_as(py, config)?;
    let checked = read(py, &given.settings)?;
    let Some(config) = &checked.assets else {
        let reason = "name the folders of static files: { \"/static/\" = \"static/\" }".to_owned();
        return Err(refused(&given.settings.wrong_assets(None, reason)));
    };
    assets::load(py, config, &given.settings, build)
}

fn given_as(py: Python<'_>, config: Option<&Bound<'_, PyAny>>) -> PyResult<Given> {
    let Some(config) = config else { return Ok(Given::default()) };
    if let Ok(config) = config.cast::<Config>() {
        Ok(config.get().given.overlaid(py, Given::default()))
    } else if let Ok(mapping) = config.cast::<PyMapping>() {
        from_mapping(mapping)
    } else {
        file(config)
    }
}

/// Check settings, with `os.environ` as the environment.
fn read(py: Python<'_>, settings: &Settings) -> PyResult<schema::Config> {
    let getenv = py.import(intern!(py, "os"))?.getattr(intern!(py, "getenv"))?;
    let environment = |name: &str| getenv.call1((name,)).ok()?.extract().ok();
    let read_file = |path: &str| std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"));
    settings.read_with(environment, read_file).map_err(|error| refused(&error))
}

pub(super) fn refused(error: &schema::ConfigError) -> PyErr {
    ConfigError::new_err(error.to_string())
}

fn keywords(options: Option<&Bound<'_, PyDict>>) -> PyResult<Given> {
    match options {
        Some(options) => given(options.as_mapping(), "keyword argument"),
        None => Ok(Given::default()),
    }
}

fn from_mapping(mapping: &Bound<'_, PyMapping>) -> PyResult<Given> {
    given(mapping, "mapping")
}

/// Take settings from Python. Functions among the validators and a client as the store stay Python's; the settings
/// have their names.
fn given(mapping: &Bound<'_, PyMapping>, origin: &str) -> PyResult<Given> {
    let py = mapping.py();
    let item =
        |key| if mapping.contains(key)? { mapping.get_item(key) } else { Ok(py.None().into_bound(py)) };
    let store = item(STORE)?;
    if store.hasattr(intern!(py, "execute_command"))? {
        let kind = store.get_type();
        let all = PyDict::new(py);
        all.update(mapping)?;
        all.set_item(STORE, format!("{}:{}", kind.module()?, kind.name()?))?;
        return Ok(Given { client: Some(store.unbind()), ..given(all.as_mapping(), origin)? });
    }
    let key = "validators";
    let written = item(key)?;
    let Ok(written) = written.cast::<PyMapping>() else {
        return Ok(Given { settings: Settings::from_table(table(mapping)?, origin), ..Given::default() });
    };
    let (functions, names) = (PyDict::new(py), PyDict::new(py));
    for pair in written.items()?.iter() {
        let (template, function): (Bound<'_, PyAny>, Bound<'_, PyAny>) = pair.extract()?;
        if function.is_instance_of::<PyString>() {
            names.set_item(&template, function)?;
        } else if function.is_callable() {
            names.set_item(&template, name_of(&function))?;
            functions.set_item(template, function)?;
        } else {
            let kind = function.get_type().name()?;
            return Err(ConfigError::new_err(format!(
                "{origin}: validators.{template}: expected a function, or the name of one, such as \
                 \"package.module:function\", not {kind}"
            )));
        }
    }
    let all = PyDict::new(py);
    all.update(mapping)?;
    all.set_item(key, names)?;
    let settings = Settings::from_table(table(all.as_mapping())?, origin);
    Ok(Given { settings, functions: Some(functions.unbind()), client: None })
}

/// What a function is called, as it would be imported.
fn name_of(function: &Bound<'_, PyAny>) -> String {
    let part = |name: &str| function.getattr(name).ok()?.extract::<String>().ok();
    match (part("__module__"), part("__qualname__")) {
        (Some(module), Some(name)) => format!("{module}:{name}"),
        _ => match function.get_type().fully_qualified_name() {
            Ok(name) => format!("an object:{name}"),
            Err(_) => "an object:callable".into(),
        },
    }
}

/// Read a file with Python's own means, so that what goes wrong raises what it always does there.
fn file(path: &Bound<'_, PyAny>) -> PyResult<Given> {
    let py = path.py();
    let name = py.import(intern!(py, "os"))?.call_method1(intern!(py, "fspath"), (path,)).map_err(|_| {
        let given = path.get_type().name().map(|name| name.to_string()).unwrap_or_default();
        PyTypeError::new_err(format!("config is a path, a Config or a mapping, not {given}"))
    })?;
    let path = py.import(intern!(py, "pathlib"))?.call_method1(intern!(py, "Path"), (&name,))?;
    let bytes: Vec<u8> = path.call_method0(intern!(py, "read_bytes"))?.extract()?;
    let origin: String = path.str()?.extract()?;
    let file_name: String = path.getattr(intern!(py, "name"))?.extract()?;
    let text = String::from_utf8(bytes)
        .map_err(|_| ConfigError::new_err(format!("{origin}: no TOML: the file is not UTF-8")))?;
    let settings = if file_name == "pyproject.toml" {
        Settings::from_pyproject(&text, &origin)
    } else {
        Settings::from_toml(&text, &origin)
    };
    let settings = settings.map_err(|error| refused(&error))?;
    Ok(Given { settings, ..Given::default() })
}

/// A mapping as a table: its keys must be strings, and what is None is left out.
pub(super) fn table(mapping: &Bound<'_, PyMapping>) -> PyResult<Table> {
    nested(mapping, "", 0)
}

fn nested(mapping: &Bound<'_, PyMapping>, place: &str, depth: usize) -> PyResult<Table> {
    let mut values = Table::new();
    for pair in mapping.items()?.iter() {
        let (key, item): (Bound<'_, PyAny>, Bound<'_, PyAny>) = pair.extract()?;
        let Ok(key) = key.cast::<PyString>() else {
            let message = format!("{place}: a key is a string, not {}", key.repr()?);
            return Err(PyTypeError::new_err(message.trim_start_matches(": ").to_owned()));
        };
        let key = key.to_str()?;
        if item.is_none() {
            continue;
        }
        let place = if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") };
        values.insert(key.to_owned(), value(&item, &place, depth)?);
    }
    Ok(values)
}

fn value(item: &Bound<'_, PyAny>, place: &str, depth: usize) -> PyResult<Value> {
    if depth > MAX_DEPTH {
        return Err(PyValueError::new_err(format!("{place}: nested too deep")));
    }
    // A bool is an int for Python, so it is asked first.
    if let Ok(yes) = item.cast::<PyBool>() {
        Ok(Value::Boolean(yes.is_true()))
    } else if item.cast::<PyInt>().is_ok() {
        let number = item.extract().map_err(|_| {
            PyValueError::new_err(format!("{place}: the number is greater than any that is right here"))
        })?;
        Ok(Value::Integer(number))
    } else if let Ok(text) = item.cast::<PyString>() {
        Ok(Value::String(text.to_str()?.to_owned()))
    } else if let Ok(number) = item.cast::<PyFloat>() {
        Ok(Value::Float(number.value()))
    } else if let Ok(directives) = item.cast::<CacheControl>() {
        Ok(Value::String(directives.get().0.to_string()))
    } else if let Ok(mapping) = item.cast::<PyMapping>() {
        Ok(Value::Table(nested(mapping, place, depth + 1)?))
    } else if item.cast::<PyList>().is_ok() || item.cast::<PyTuple>().is_ok() {
        let items = item.try_iter()?.enumerate();
        let items = items.map(|(index, item)| value(&item?, &format!("{place}[{index}]"), depth + 1));
        Ok(Value::Array(items.collect::<PyResult<_>>()?))
    } else {
        // Its type alone: what it shows of itself may be a secret.
        let kind = item.get_type().name()?;
        Err(PyTypeError::new_err(format!(
            "{place}: {kind} is no setting: give a str, int, bool, list, tuple or mapping"
        )))
    }
}

fn words(ignore: &Ignore) -> Vec<String> {
    ignore.0.iter().map(ToString::to_string).collect()
}

fn describe<'py>(py: Python<'py>, policy: &Policy) -> PyResult<Bound<'py, PyDict>> {
    let or = |written: Vec<String>, default: &[&str]| {
        if written.is_empty() { default.iter().map(|text| (*text).to_owned()).collect() } else { written }
    };
    let strings = |items: &mut dyn Iterator<Item = String>| items.collect::<Vec<_>>();
    let paths = strings(&mut policy.paths.iter().map(Template::as_str).map(str::to_owned));
    let statuses = strings(&mut policy.statuses.iter().map(ToString::to_string));
    let media_types = strings(&mut policy.media_types.iter().map(ToString::to_string));
    let all = PyDict::new(py);
    all.set_item("path", or(paths, &["/**"]))?;
    all.set_item("method", or(policy.methods.clone(), &["GET"]))?;
    all.set_item("status", or(statuses, &["2xx"]))?;
    all.set_item("media_type", media_types)?;
    all.set_item("preset", policy.preset)?;
    all.set_item("versioned", policy.versioned)?;
    all.set_item("cache_control", &policy.cache_control)?;
    all.set_item("with_cookies", &policy.narrowed)?;
    all.set_item("notmodified_cache_control", &policy.notmodified_cache_control)?;
    let fields = PyDict::new(py);
    for field in &policy.fields {
        fields.set_item(&field.name, &field.value)?;
    }
    all.set_item("fields", fields)?;
    all.set_item("expires", policy.expires)?;
    all.set_item("vary", &policy.vary)?;
    all.set_item("etag", policy.etag.word())?;
    all.set_item("ignore", policy.ignore.as_ref().map(words))?;
    all.set_item("take_over", policy.take_over)?;
    all.set_item("override", policy.override_app)?;
    all.set_item("preconditions", policy.guard.get.then_some("get"))?;
    all.set_item("require", policy.guard.require)?;
    Ok(all)
}
