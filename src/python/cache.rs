//! The validator cache around a request: from an environ to the plain Rust of `crate::cache`, and back.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};
use std::time::Instant;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use smallvec::SmallVec;

use super::evaluate::{Fields, now as now_date};
use super::faults::{Step, trip};
use super::guard::warn;
use super::outgoing::Outgoing;
use super::stores::{self, now, unusable};
use crate::cache::learned::{Learned, Path};
use crate::cache::stored_response::Question;
use crate::cache::validator_cache::{Buffers, Miss, NotStored, Options, Request, ValidatorCache};
use crate::cache::{KeySpace, Sequence, Target};
use crate::config::{Config, StoreKind};
use crate::exchange::{Answer, Arrival, Content, Early, Head, Plan, groups};
use crate::http::cache_control::CacheControl;
use crate::http::cache_groups;
use crate::http::freshness::{Asked, Millis, Refusal};
use crate::http::preconditions::{Context, Method};
use crate::policy::is_safe;

/// Between two lines in the log that say the store is out of order, in milliseconds.
const QUIET: Millis = 10_000;

/// The validator cache of one instance of the middleware.
pub(super) struct Cache {
    validators: ValidatorCache,
    kind: StoreKind,
    learned: Learned,
    is_refused: AtomicBool,
    logged: AtomicI64,
}

/// What is noted of a request before the app runs, which may change the environ.
pub(super) struct Noted {
    /// `None` if nothing will be stored or invalidated, whatever the app says.
    environ: Option<Py<PyDict>>,
    at: Millis,
    started: Instant,
    /// `None` if nothing is to be stored.
    sequence: Option<Sequence>,
    /// The path of a read: whether its answers can be stored is learned.
    path: Option<Path>,
    /// Why a 304 was not made from memory, if one could have been.
    pub(super) missed: Option<Miss>,
    is_unsafe: bool,
    is_stored: AtomicBool,
}

impl Noted {
    /// What is needed to invalidate after a request that could not be taken in. `None` if it is a safe one, or
    /// can't be read at all.
    pub(super) fn blindly(environ: &Bound<'_, PyDict>) -> Option<Self> {
        let method = environ.get_item(intern!(environ.py(), "REQUEST_METHOD")).ok()??;
        let name = method.cast::<PyString>().ok()?.to_str().ok()?;
        Some(Self {
            environ: Some(environ.copy().ok()?.unbind()),
            at: now(),
            started: Instant::now(),
            sequence: None,
            path: None,
            missed: None,
            is_unsafe: !is_safe(name),
            is_stored: AtomicBool::new(false),
        })
        .filter(|noted| noted.is_unsafe)
    }
}

/// What comes of a request before the app runs.
pub(super) enum Found<'py> {
    /// A 304.
    Answer(Outgoing<'py>),
    /// The app runs.
    Nothing(Noted),
    /// The cache has no part in it.
    Apart,
}

impl Cache {
    /// The cache that the configuration asks for, with the client that was given as its store.
    pub(super) fn new(
        application: &Bound<'_, PyAny>,
        config: &Config,
        client: Option<&Py<PyAny>>,
    ) -> PyResult<Option<Self>> {
        let py = application.py();
        let settings = &config.cache;
        let (Some(kind), Some(store)) = (settings.store, stores::attach(py, settings, client)?) else {
            return Ok(None);
        };
        if kind != StoreKind::Process && settings.release.is_none() {
            let message = "no release is configured, and the store outlives this server: after a deployment the \
                           pages of the old code are confirmed until they are stale; set release, such as \
                           release = \"env:GIT_SHA\"";
            warn(py, (message,))?;
        }
        let release = settings.release.as_deref().unwrap_or_default();
        let keys = KeySpace::new(release.as_bytes(), &settings.digest, identity(application)?.as_bytes());
        let options = Options {
            vary_cookies: settings.vary_cookies.clone(),
            settle: Millis::from(settings.settle) * 1000,
            obey_request_directives: settings.obey_request_directives,
        };
        Ok(Some(Self {
            validators: ValidatorCache::new(store, keys, options),
            kind,
            learned: Learned::default(),
            is_refused: AtomicBool::new(false),
            logged: AtomicI64::new(0),
        }))
    }

    /// All counts by name.
    pub(super) fn snapshot(&self) -> Vec<(String, u64)> {
        self.validators.snapshot()
    }

    /// Whether a failure is to be logged now: not each of thousands of requests says the same.
    pub(super) fn may_log(&self) -> bool {
        let (now, last) = (now(), self.logged.load(Relaxed));
        let may = now < last || now - last >= QUIET;
        if may {
            self.logged.store(now, Relaxed);
        }
        may
    }

    /// Is this store none for this server, which has several processes? Said once.
    fn is_refused(&self, environ: &Bound<'_, PyDict>) -> PyResult<bool> {
        if self.kind != StoreKind::Process {
            return Ok(false);
        }
        if self.is_refused.load(Relaxed) {
            return Ok(true);
        }
        let py = environ.py();
        let several = environ.get_item(intern!(py, "wsgi.multiprocess"))?;
        if !several.is_some_and(|several| several.is_truthy().unwrap_or(true)) {
            return Ok(false);
        }
        if !self.is_refused.swap(true, Relaxed) {
            let message = "store = \"process\" is for one process, and this server has several: a worker would not \
                           hear of what another one invalidates. The validator cache stays off; set store = \"host\"";
            warn(py, (message,))?;
        }
        Ok(true)
    }

    /// A request has come: answer it from memory, or note what is needed once the app has run.
    #[inline(never)] // Most requests come without a store, and need none of this beside their own.
    pub(super) fn arrive<'py>(
        &self,
        environ: &Bound<'py, PyDict>,
        arrival: &Arrival,
        name: &str,
        fields: &Fields,
        config: &Config,
    ) -> PyResult<Found<'py>> {
        let py = environ.py();
        stores::serve();
        if arrival.method == Method::Exempt || self.is_refused(environ)? {
            return Ok(Found::Apart);
        }
        let at = now();
        // Only where the app runs: an answer from memory needs none of it.
        let noted = |environ: Option<Bound<'py, PyDict>>, sequence, path, missed| -> PyResult<Found<'py>> {
            Ok(Found::Nothing(Noted {
                environ: environ.map(Bound::unbind),
                at,
                started: Instant::now(),
                sequence,
                path,
                missed,
                is_unsafe: !arrival.method.is_read() && !is_safe(name),
                is_stored: AtomicBool::new(false),
            }))
        };
        if !arrival.method.is_read() {
            return noted(Some(environ.copy()?), None, None, None);
        }
        trip(Step::LookUp)?;
        let path = path_of(environ)?;
        if self.learned.is_unstorable(path, at) || !self.validators.admits() {
            return noted(None, None, Some(path), None);
        }
        let preconditions = fields.as_http(py);
        if !preconditions.is_empty() {
            let has = |name| environ.contains(name);
            // Where it can't be told, it has them.
            let cookie = || has(intern!(py, "HTTP_COOKIE")).unwrap_or(true);
            let authorization = || has_authorization(environ).unwrap_or(true);
            let question = Question {
                method: arrival.method,
                preconditions: &preconditions,
                is_special: has(intern!(py, "HTTP_RANGE"))? || has_content(environ)?,
                cookie: &cookie,
                authorization: &authorization,
            };
            if question.is_for_cache() {
                let context =
                    Context { tag_suffixes: config.tag_suffixes, accept_weakened: false, now: now_date };
                let mut buffers = Buffers::default();
                let looked = with_request(environ, at, |request| {
                    self.validators.look_up(request, &question, &context, &mut buffers)
                })?;
                let looked = looked.map_err(|error| unusable(&error))?;
                return match looked.answer {
                    Ok(response) => {
                        let early = Early::remembered(&response, &question, config, at);
                        Ok(Found::Answer(Outgoing::early(py, &early, fields)?))
                    }
                    Err(miss) => noted(Some(environ.copy()?), Some(looked.sequence), Some(path), Some(miss)),
                };
            }
        }
        let sequence = self.validators.sequence().map_err(|error| unusable(&error))?;
        noted(Some(environ.copy()?), Some(sequence), Some(path), None)
    }

    /// The app has answered a read: remember it if that is allowed. `None` if there was nothing to decide.
    #[inline(never)]
    #[expect(clippy::too_many_arguments, reason = "it is all of an exchange")]
    pub(super) fn remember(
        &self,
        py: Python<'_>,
        noted: &Noted,
        arrival: &Arrival,
        config: &Config,
        (head, plan): (&Head<'_>, &Plan<'_>),
        content: &Content,
        answer: &Answer<'_>,
    ) -> PyResult<Option<Result<(), NotStored>>> {
        let Some(path) = noted.path else { return Ok(None) };
        trip(Step::Remember)?;
        if !Arrival::says_something(head, plan) {
            return Ok(Some(Err(self.refused(path, noted.at, NotStored::Refused(Refusal::NothingSaid)))));
        }
        let environ = noted.environ.as_ref().map(|environ| environ.bind(py));
        let mut buffers = Buffers::default();
        let confirmed = match (head.confirms(), environ) {
            (Some(tag), Some(environ)) => {
                with_request(environ, noted.at, |request| self.validators.stored(request, &mut buffers))?
                    .map_err(|error| unusable(&error))?
                    .filter(|stored| stored.has_tag(tag))
            }
            _ => None,
        };
        let asked = match environ {
            Some(environ) => Asked {
                authorization: has_authorization(environ)?,
                cookie: environ.contains(intern!(py, "HTTP_COOKIE"))?,
                no_store: config.cache.obey_request_directives && says_no_store(environ)?,
                at: noted.at,
            },
            // Whether it could be stored for anybody.
            None => Asked { authorization: false, cookie: false, no_store: false, at: noted.at },
        };
        let app_time = u32::try_from(noted.started.elapsed().as_micros()).unwrap_or(u32::MAX);
        let of_the_request = (&asked, app_time);
        let remembered = arrival.remember(
            config,
            head,
            plan,
            content,
            answer,
            confirmed.as_ref(),
            of_the_request,
            now_date(),
        );
        let remembered = match remembered {
            Ok(remembered) => remembered,
            Err(why) => return Ok(Some(Err(self.refused(path, noted.at, why)))),
        };
        let (Some(environ), Some(sequence)) = (environ, noted.sequence) else {
            // It was not looked up: the next one is.
            self.learned.storable(path);
            return Ok(None);
        };
        // What a request with content is answered is not for others (RFC 9110 §9.3.1).
        if has_content(environ)? {
            return Ok(None);
        }
        self.learned.storable(path);
        let stored = with_request(environ, noted.at, |request| {
            self.validators.remember(request, sequence, &remembered)
        })?;
        let stored = stored.map_err(|error| unusable(&error))?;
        noted.is_stored.store(stored.is_ok(), Relaxed);
        Ok(Some(stored))
    }

    /// The app has taken back what it said, or failed over its content: forget it, if it is stored.
    pub(super) fn take_back(&self, py: Python<'_>, noted: &Noted) -> PyResult<()> {
        let Some(environ) = noted.environ.as_ref().filter(|_| noted.is_stored.swap(false, Relaxed)) else {
            return Ok(());
        };
        let taken_back = with_request(environ.bind(py), noted.at, |request| {
            self.validators.invalidate_after(&request.target, true, &[], &[], now())
        })?;
        taken_back.map_err(|error| unusable(&error))
    }

    /// Count and learn why a response is not stored.
    fn refused(&self, path: Path, at: Millis, why: NotStored) -> NotStored {
        if why.is_of_the_page() {
            self.learned.unstorable(path, at);
        }
        self.validators.not_stored(why);
        why
    }

    /// The app has answered an unsafe method: invalidate what it has changed, before the head goes out (RFC 9111
    /// §4.4). `head` is `None` if it could not be read: then the request's own path is.
    pub(super) fn invalidate(&self, py: Python<'_>, noted: &Noted, head: Option<&Head<'_>>) -> PyResult<()> {
        let Some(environ) = noted.environ.as_ref().filter(|_| noted.is_unsafe) else { return Ok(()) };
        let has_changed = head.is_none_or(|head| matches!(head.status(), 200..=399));
        let values = |name| head.map_or(SmallVec::new(), |head| head.all(name).collect::<SmallVec<[_; 2]>>());
        let locations: SmallVec<[Cow<'_, [u8]>; 2]> = ["Location", "Content-Location"]
            .into_iter()
            .flat_map(|name| values(name).into_iter().map(octets))
            .collect();
        let locations: SmallVec<[&[u8]; 2]> = locations.iter().map(AsRef::as_ref).collect();
        let lines = values(cache_groups::INVALIDATION);
        // A list that can't be read is as if it were not there (RFC 9651 §4.2).
        let groups =
            groups(lines.iter().map(|line| (cache_groups::INVALIDATION, *line)), cache_groups::INVALIDATION)
                .unwrap_or_default();
        if !has_changed && groups.is_empty() {
            return Ok(());
        }
        let environ = environ.bind(py);
        let path = with_request(environ, noted.at, |request| {
            let target = &request.target;
            self.validators.invalidate_after(target, has_changed, &locations, &groups, now())?;
            Ok([target.script_name, target.path].concat())
        })?;
        let path = path.map_err(|error| unusable(&error))?;
        trip(Step::Invalidate)?;
        tell(py, has_changed.then(|| String::from_utf8_lossy(&path).into_owned()), &groups)
    }
}

/// Tell those who asked to be told (`notmodified.on_invalidate`), if anybody did.
fn tell(py: Python<'_>, path: Option<String>, groups: &[String]) -> PyResult<()> {
    let module = py.import(intern!(py, "notmodified.invalidation"))?;
    if module.getattr(intern!(py, "_hooks"))?.is_truthy()? {
        let paths: SmallVec<[String; 1]> = path.into_iter().collect();
        module.call_method1(intern!(py, "tell_of_request"), (paths.to_vec(), groups.to_vec()))?;
    }
    Ok(())
}

/// The octets of a header value, of which each character is one (PEP 3333).
fn octets(text: &str) -> Cow<'_, [u8]> {
    if text.is_ascii() {
        return Cow::Borrowed(text.as_bytes());
    }
    let latin = text.chars().map(|character| u8::try_from(u32::from(character)).ok());
    latin.collect::<Option<Vec<u8>>>().map_or(Cow::Borrowed(text.as_bytes()), Cow::Owned)
}

fn read<'a>(text: Option<&'a Bound<'_, PyString>>) -> PyResult<Option<Cow<'a, [u8]>>> {
    text.map(|text| text.to_str().map(octets)).transpose()
}

/// The path alone, by which is learned what can be stored.
fn path_of(environ: &Bound<'_, PyDict>) -> PyResult<Path> {
    let path = environ.get_item(intern!(environ.py(), "PATH_INFO"))?;
    let path = path.as_ref().map(|path| path.cast::<PyString>()).transpose()?;
    Ok(Path::of(path.map(|path| path.to_str()).transpose()?.unwrap_or_default().as_bytes()))
}

/// Take a request as the cache sees it out of an environ.
fn with_request<'py, T>(
    environ: &Bound<'py, PyDict>,
    at: Millis,
    act: impl FnOnce(&Request<'_>) -> T,
) -> PyResult<T> {
    let py = environ.py();
    let text = |key: &Bound<'py, PyString>| -> PyResult<Option<Bound<'py, PyString>>> {
        environ.get_item(key)?.map(|value| value.cast_into().map_err(Into::into)).transpose()
    };
    let scheme = text(intern!(py, "wsgi.url_scheme"))?;
    let host = text(intern!(py, "HTTP_HOST"))?;
    let forwarded_host = text(intern!(py, "HTTP_X_FORWARDED_HOST"))?;
    let forwarded_proto = text(intern!(py, "HTTP_X_FORWARDED_PROTO"))?;
    let script_name = text(intern!(py, "SCRIPT_NAME"))?;
    let path = text(intern!(py, "PATH_INFO"))?;
    let query = text(intern!(py, "QUERY_STRING"))?;
    let (scheme, host, script_name) =
        (read(scheme.as_ref())?, read(host.as_ref())?, read(script_name.as_ref())?);
    let (forwarded_host, forwarded_proto) = (read(forwarded_host.as_ref())?, read(forwarded_proto.as_ref())?);
    let (path, query) = (read(path.as_ref())?, read(query.as_ref())?);
    let mut also: SmallVec<[(&'static str, Vec<u8>); 2]> = SmallVec::new();
    for (name, key) in [
        ("forwarded", intern!(py, "HTTP_FORWARDED")),
        ("x-forwarded-port", intern!(py, "HTTP_X_FORWARDED_PORT")),
        ("x-forwarded-prefix", intern!(py, "HTTP_X_FORWARDED_PREFIX")),
        ("x-forwarded-protocol", intern!(py, "HTTP_X_FORWARDED_PROTOCOL")),
        ("x-forwarded-ssl", intern!(py, "HTTP_X_FORWARDED_SSL")),
        ("x-script-name", intern!(py, "HTTP_X_SCRIPT_NAME")),
        ("x-original-url", intern!(py, "HTTP_X_ORIGINAL_URL")),
        ("x-rewrite-url", intern!(py, "HTTP_X_REWRITE_URL")),
        ("x-http-method-override", intern!(py, "HTTP_X_HTTP_METHOD_OVERRIDE")),
    ] {
        if let Some(value) = text(key)? {
            also.push((name, octets(value.to_str()?).into_owned()));
        }
    }
    let (script_name, path) =
        (script_name.as_deref().unwrap_or_default(), path.as_deref().unwrap_or_default());
    let query = query.as_deref().unwrap_or_default();
    // The target before it was decoded, which tells `/a%2Fb` from `/a/b` for who looks there.
    for (name, key) in [("raw-uri", intern!(py, "RAW_URI")), ("request-uri", intern!(py, "REQUEST_URI"))] {
        if let Some(value) = text(key)? {
            let raw = octets(value.to_str()?);
            if !says_no_more(&raw, script_name, path, query) {
                also.push((name, raw.into_owned()));
            }
        }
    }
    let field = |name: &str| {
        let mut key = String::with_capacity(name.len() + 5);
        if !matches!(name, "content-type" | "content-length") {
            key.push_str("HTTP_");
        }
        key.extend(name.chars().map(|letter| if letter == '-' { '_' } else { letter.to_ascii_uppercase() }));
        let value = environ.get_item(key).ok()??;
        // What is no text is no field either; a server that gives such a thing is none of PEP 3333.
        value.cast::<PyString>().ok()?.to_str().ok().map(|value| octets(value).into_owned())
    };
    Ok(act(&Request {
        target: Target {
            scheme: scheme.as_deref().unwrap_or_default(),
            host: host.as_deref(),
            forwarded_host: forwarded_host.as_deref(),
            forwarded_proto: forwarded_proto.as_deref(),
            script_name,
            path,
            query,
        },
        also: &also,
        field: &field,
        at,
    }))
}

/// Is a raw target just these parts, so that it need not be in the key besides?
fn says_no_more(raw: &[u8], script_name: &[u8], path: &[u8], query: &[u8]) -> bool {
    let rest = raw.strip_prefix(script_name).and_then(|rest| rest.strip_prefix(path));
    match rest {
        Some([b'?', rest @ ..]) => !rest.is_empty() && rest == query,
        Some(rest) => rest.is_empty() && query.is_empty(),
        None => false,
    }
}

/// Does the request have content? Its key has nothing of that.
fn has_content(environ: &Bound<'_, PyDict>) -> PyResult<bool> {
    let py = environ.py();
    if environ.contains(intern!(py, "HTTP_TRANSFER_ENCODING"))? {
        return Ok(true);
    }
    let Some(length) = environ.get_item(intern!(py, "CONTENT_LENGTH"))? else { return Ok(false) };
    let length = length.cast::<PyString>().ok().and_then(|text| text.to_str().ok()).unwrap_or("?");
    Ok(!matches!(length, "" | "0"))
}

/// Does the request have credentials, in Authorization or known by the server?
fn has_authorization(environ: &Bound<'_, PyDict>) -> PyResult<bool> {
    let py = environ.py();
    Ok(environ.contains(intern!(py, "HTTP_AUTHORIZATION"))?
        || environ.get_item(intern!(py, "REMOTE_USER"))?.is_some_and(|user| user.is_truthy().unwrap_or(true)))
}

fn says_no_store(environ: &Bound<'_, PyDict>) -> PyResult<bool> {
    let value = environ.get_item(intern!(environ.py(), "HTTP_CACHE_CONTROL"))?;
    let value = value.as_ref().and_then(|value| value.cast::<PyString>().ok());
    Ok(value.and_then(|value| value.to_str().ok()).is_some_and(CacheControl::has_no_store))
}

/// What tells this application from others of this user that share a store: where it runs and what it is.
fn identity(application: &Bound<'_, PyAny>) -> PyResult<String> {
    let py = application.py();
    let named = if application.hasattr(intern!(py, "__qualname__"))? {
        application.clone()
    } else {
        application.get_type().into_any()
    };
    // Of Flask, whose applications are of one class: which module made it.
    let owner = application.getattr(intern!(py, "__self__")).unwrap_or_else(|_| application.clone());
    let import_name = owner.getattr(intern!(py, "import_name")).and_then(|name| name.extract::<String>());
    let word = |name: &str| named.getattr(name).and_then(|word| word.str()).map(|word| word.to_string());
    let os = py.import(intern!(py, "os"))?;
    let settings = os.call_method1(intern!(py, "getenv"), ("DJANGO_SETTINGS_MODULE", ""))?;
    // Without a folder to be in, as good as in the root.
    let folder = os.call_method0(intern!(py, "getcwd")).and_then(|folder| folder.str());
    let parts = [
        env!("CARGO_PKG_VERSION").to_owned(),
        word("__module__").unwrap_or_default(),
        word("__qualname__").unwrap_or_default(),
        import_name.unwrap_or_default(),
        settings.str()?.to_string(),
        folder.map(|folder| folder.to_string()).unwrap_or_default(),
    ];
    Ok(parts.join("\0"))
}
