//! Texts of a configuration, and what is said of them.

use toml::Table;

use super::*;
use crate::path::Template;
use crate::policy::{EtagOption, Policy};

fn read(text: &str) -> Result<Config, String> {
    Settings::from_toml(text, "notmodified.toml")
        .and_then(|settings| settings.read(|name| (name == "KEY").then(|| "from the environment".into())))
        .map_err(|error| error.to_string())
}

fn refusal(text: &str) -> String {
    read(text).expect_err(text)
}

pub(super) fn policy(text: &str) -> Policy {
    let config = read(&format!("[[policy]]\n{text}")).expect(text);
    config.policies.as_slice()[0].clone()
}

pub(super) fn policy_refusal(text: &str) -> String {
    let refusal = refusal(&format!("[[policy]]\n{text}"));
    refusal.strip_prefix("notmodified.toml:2: policy[0].").unwrap_or(&refusal).to_owned()
}

#[test]
fn nothing_configured_is_the_defaults() {
    let config = read("").unwrap();
    assert!(config.head_as_get && config.tag_suffixes && config.policies.is_empty());
    assert_eq!((config.max_body, config.max_file), (4_194_304, 67_108_864));
    assert!(config.tag_key.is_none());
    assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()));
}

#[test]
fn every_key_is_read() {
    let config = read(r#"
        head_as_get = false
        tag_suffixes = false
        max_body = 0
        max_file = 1
        tag_key = "sixteen bytes, 1"

        [[policy]]
        path = ["/a/*", "/b"]
        method = ["GET", "POST"]
        status = [200, "4xx"]
        media_type = ["text/html", "image/*"]
        expires = 60
        vary = ["Cookie", "Accept", "cookie"]
        etag = "weak"
        override = true
        cache_control = { public = true, max_age = 60, no_cache = ["Set-Cookie"], private = false, extensions = { community = "U C I", x = true, y = 5, z = false } }

        [[policy]]
        path = "/**"
        take_over = true
        cache_control = "no-cache"
    "#)
    .unwrap();
    assert!(!config.head_as_get && !config.tag_suffixes && config.tag_key.is_some());
    assert_eq!((config.max_body, config.max_file), (0, 1));
    let [first, second] = config.policies.as_slice() else { panic!("two policies") };
    assert_eq!(first.paths.iter().map(Template::as_str).collect::<Vec<_>>(), ["/a/*", "/b"]);
    assert_eq!(first.methods, ["GET", "POST"]);
    assert_eq!(
        first.cache_control.as_deref(),
        Some("public, no-cache=\"set-cookie\", max-age=60, community=\"U C I\", x, y=5")
    );
    assert_eq!((first.expires, first.etag, first.override_app), (Some(60), EtagOption::Weak, true));
    assert_eq!(first.vary, ["Cookie", "Accept"]);
    assert_eq!((second.take_over, second.etag), (true, EtagOption::Content));
    assert_eq!(second.cache_control.as_deref(), Some("no-cache"));
}

#[test]
fn a_secret_is_never_repeated_wherever_it_stands() {
    for text in [
        "tag_keys = \"xyzzy-secret\"",
        "tag_key = [\"xyzzy-secret\"]",
        "[[policyx]]\ntag_key = \"xyzzy-secret\"",
        "[[policy]]\npath = \"/\"\ncache_control = { tagkey = \"xyzzy-secret\" }",
        "[other.table]\ntag_key = \"xyzzy-secret\"",
    ] {
        let said = read(text).unwrap_err();
        assert!(!said.contains("xyzzy"), "{said}");
    }
}

#[test]
fn errors_name_file_line_key_value_and_what_is_right() {
    for (text, want) in [
        ("max_body = -1", "notmodified.toml:1: max_body = -1: expected a whole number of bytes, 0 or more"),
        (
            "\nmax_body = \"4 MiB\"",
            "notmodified.toml:2: max_body = \"4 MiB\": expected a whole number of bytes, 0 or more",
        ),
        ("max_file = 1.5", "notmodified.toml:1: max_file = 1.5: expected a whole number of bytes, 0 or more"),
        ("head_as_get = 1", "notmodified.toml:1: head_as_get = 1: expected true or false"),
        (
            "# x\nhead_as_gte = true",
            "notmodified.toml:2: head_as_gte = true: no such key, did you mean head_as_get?",
        ),
        (
            "unheard = 1",
            "notmodified.toml:1: unheard = 1: no such key; there are head_as_get, tag_suffixes, max_body, max_file, tag_key, etag, accept_weakened, validators, assets, store, store_path, store_size, store_timeout, release, vary_cookies, settle, obey_request_directives, cache_status, explain, policy",
        ),
        (
            "[policy]\npath = \"/\"",
            "notmodified.toml:1: policy: expected a list of tables, each written [[policy]]",
        ),
        ("policy = [5]", "notmodified.toml:1: policy[0] = 5: expected a table, written [[policy]]"),
        ("a = ", "notmodified.toml:1: no TOML: string values must be quoted, expected literal string"),
        (
            "[[policy]]\n[[policy]]\ncache_control = { public = true, max_age = \"60 s\" }",
            "notmodified.toml:3: policy[1].cache_control.max_age = \"60 s\": expected a whole number of seconds, from 0 to 2147483648, or a time such as \"90s\", \"15m\", \"1h\", \"30d\" or \"2w\"",
        ),
        (
            "[[policy]]\n[policy.cache_control]\npublic = true\nmaxage = 60",
            "notmodified.toml:4: policy[0].cache_control.maxage = 60: no such key, did you mean max_age?",
        ),
        (
            "[[policy]]\npath = \"/\"\n\nassets = { \"/static/\" = \"static/\" }",
            "notmodified.toml:4: policy[0].assets = { /static/ = \"static/\" }: no such key here; assets is a key of the file, not of a policy: put it above the first [[policy]]",
        ),
        (
            "[[policy]]\n[policy.cache_control]\nno_cache = true\nstore = \"host\"",
            "notmodified.toml:4: policy[0].cache_control.store = \"host\": no such key here; store is a key of the file, not of a policy: put it above the first [[policy]]",
        ),
        (
            "[[policy]]\nvary = [\n  \"Cookie\",\n  \"Accept\\r\\nX\",\n]",
            "notmodified.toml:4: policy[0].vary[1] = \"Accept\\r\\nX\": expected the name of a field, such as \"Accept-Language\"",
        ),
    ] {
        assert_eq!(refusal(text), want);
    }
}

#[test]
#[allow(clippy::too_many_lines)] // a table
fn a_policy_that_cannot_be_meant_is_refused() {
    for (text, want) in [
        ("path = \"a\"", "path = \"a\": a path starts with `/`: write `/a`, or `/**/a` for any depth"),
        ("path = 5", "path = 5: expected a path in quotes, or a list of such"),
        ("path = []", "path = []: the list is empty: leave the key out, or put something in"),
        ("path = [\"/\", [\"/a\"]]", "path[1] = [\"/a\"]: expected a path in quotes"),
        ("method = \"get\"", "method = \"get\": methods are upper case: write \"GET\""),
        ("method = \"A B\"", "method = \"A B\": expected a method, such as \"GET\""),
        ("status = 99", "status = 99: a status is a number from 200 to 599, or a class such as \"2xx\""),
        ("status = [304]", "status[0] = 304: a 304 counts as the 200 that it stands for: write 200"),
        (
            "status = \"6xx\"",
            "status = \"6xx\": a status is a number from 200 to 599, or a class such as \"2xx\"",
        ),
        (
            "media_type = \"html\"",
            "media_type = \"html\": a media type is written type/subtype, such as \"text/html\", \"image/*\" or \"*/*\"",
        ),
        ("etag = \"strong\"", "etag = \"strong\": expected \"auto\", \"content\", \"weak\" or \"off\""),
        (
            "etag = [\"off\"]",
            "etag = [\"off\"]: expected \"auto\", \"content\", \"weak\" or \"off\", or a table such as { from = \"auto\", ignore = [\"django-csrf\"] }",
        ),
        (
            "etag = { from = \"off\", ignore = [\"csp-nonce\"] }",
            "etag = { from = \"off\", ignore = [\"csp-nonce\"] }: no tag is made, so there is nothing to be left out of it: leave out from, or ignore",
        ),
        (
            "etag = { from = \"strong\" }",
            "etag.from = \"strong\": expected \"auto\", \"content\", \"weak\" or \"off\"",
        ),
        (
            "expires = -1",
            "expires = -1: expected a whole number of seconds, from 0 to 2147483648, or a time such as \"90s\", \"15m\", \"1h\", \"30d\" or \"2w\"",
        ),
        (
            "vary = \"*\"",
            "vary = \"*\": no cache can reuse what varies on everything: say no_store in cache_control instead",
        ),
        (
            "cache_control = 60",
            "cache_control = 60: expected a table such as {public = true, max_age = 60}, or a string such as \"public, max-age=60\"",
        ),
        (
            "cache_control = \"public, maxage=60\"",
            "cache_control = \"public, maxage=60\": maxage is no known directive: did you mean max-age?",
        ),
        (
            "cache_control = \"x=\\\"a\\rb\\\"\"",
            "cache_control = \"x=\\\"a\\rb\\\"\": x has the argument \"a\\rb\": control characters cannot be in a header field",
        ),
        (
            "cache_control = \"public, private\"",
            "cache_control = \"public, private\": private keeps shared caches from storing the response, and public allows them to",
        ),
        (
            "cache_control = {no_store = true, max_age = 60}",
            "cache_control = { no_store = true, max_age = 60 }: no-store forbids keeping the response, so max-age=60 is never used",
        ),
        (
            "cache_control = \"min-fresh=5\"",
            "cache_control = \"min-fresh=5\": min-fresh is a directive of requests, and this is about responses",
        ),
        (
            "cache_control = {extensions = {\"a b\" = true}}",
            "cache_control = { extensions = { a b = true } }: \"a b\" is no directive name: use letters, digits and hyphens",
        ),
        (
            "cache_control = {extensions = {a = \"b\\u0000\"}}",
            "cache_control = { extensions = { a = \"b\\0\" } }: a has the argument \"b\\0\": control characters cannot be in a header field",
        ),
        (
            "cache_control = {private = [\"a b\"]}",
            "cache_control.private[0] = \"a b\": expected the name of a field, such as \"Accept-Language\"",
        ),
        (
            "cache_control = {no_cache = \"x\"}",
            "cache_control.no_cache = \"x\": expected true, false or a list of field names",
        ),
        (
            "expires = 60\ncache_control = \"no-store\"",
            "expires = 60: cache_control \"no-store\" forbids reuse, so this must be 0 or be left out",
        ),
        (
            "expires = 60\ncache_control = \"max-age=5\"",
            "expires = 60: max-age is 5, and what only old caches read must say the same",
        ),
        (
            "take_over = true\nstatus = 200",
            "take_over = true: it is decided before the app runs, when status and media_type are not known: leave those out, or this",
        ),
        (
            "take_over = true\nmethod = [\"GET\", \"PUT\"]",
            "take_over = true: only GET and HEAD are judged: leave the other methods out",
        ),
    ] {
        assert_eq!(policy_refusal(text), want);
    }
}

#[test]
fn what_is_left_out_of_tags_is_said_for_all_and_replaced_by_a_policy() {
    let config = read(r#"
        etag = { ignore = ["csp-nonce", { pattern = 'id=(\d+)' }, { preset = "flask-wtf-csrf", lifetime = 60 }] }

        [[policy]]
        path = "/a"
        etag = { from = "content", ignore = ["django-csrf"] }

        [[policy]]
        path = "/b"
        etag = { ignore = [] }

        [[policy]]
        path = "/c"
        etag = "weak"
    "#)
    .unwrap();
    let shown = |ignore: &Option<Ignore>| {
        ignore
            .as_ref()
            .map(|Ignore(rules)| rules.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
    };
    assert_eq!(
        shown(&config.ignore).as_deref(),
        Some(r"csp-nonce /id=(\d+)/ flask-wtf-csrf (lifetime 60 s)")
    );
    let [a, b, c] = config.policies.as_slice() else { panic!("three policies") };
    assert_eq!((a.etag, shown(&a.ignore).as_deref()), (EtagOption::Content, Some("django-csrf")));
    assert_eq!((b.etag, shown(&b.ignore).as_deref()), (EtagOption::Auto, Some("")));
    assert_eq!((c.etag, shown(&c.ignore)), (EtagOption::Weak, None));
    assert_eq!(read("etag = { ignore = [] }").unwrap().ignore, None);
}

#[test]
fn what_cannot_be_left_out_is_refused_at_its_place() {
    for (text, want) in [
        ("etag = \"weak\"", "1: etag = \"weak\": expected a table such as { ignore = [\"django-csrf\"] }"),
        ("etag = { from = \"weak\" }", "1: etag.from = \"weak\": no such key; there are ignore"),
        (
            "etag = { ignore = \"django-csrf\" }",
            "1: etag.ignore = \"django-csrf\": expected a list of presets and patterns, such as [\"django-csrf\", { pattern = 'id=([0-9]+)' }]",
        ),
        (
            "etag.ignore = [\n\"csp-nonce\",\n\"django\"]",
            "3: etag.ignore[1] = \"django\": no such preset; there are django-csrf, flask-wtf-csrf, csp-nonce; a pattern is written { pattern = '…' }",
        ),
        (
            "etag.ignore = [\"django-crsf\"]",
            "1: etag.ignore[0] = \"django-crsf\": no such preset, did you mean django-csrf?",
        ),
        (
            "etag.ignore = [{ preset = \"django\" }]",
            "1: etag.ignore[0].preset = \"django\": no such preset; there are django-csrf, flask-wtf-csrf, csp-nonce; a pattern is written { pattern = '…' }",
        ),
        (
            "etag.ignore = [5]",
            "1: etag.ignore[0] = 5: expected the name of a preset, or a table such as { pattern = 'id=([0-9]+)' }",
        ),
        (
            "etag.ignore = [{ pattern = '[0-9]*' }]",
            "1: etag.ignore[0].pattern = \"[0-9]*\": it matches nothing at all, or the empty text, which is everywhere: write what must be there",
        ),
        (
            "etag.ignore = [{ pattern = '(' }]",
            "1: etag.ignore[0].pattern = \"(\": no regular expression: unclosed group",
        ),
        (
            "etag.ignore = [{ pattern = '(?:[a-z]{1000}){1000}' }]",
            "1: etag.ignore[0].pattern = \"(?:[a-z]{1000}){1000}\": it is too large: repeat less often, or name fewer things",
        ),
        (
            "etag.ignore = [{ preset = \"flask-wtf-csrf\", lifetime = 1 }]",
            "1: etag.ignore[0].lifetime = 1: expected 2 seconds or more",
        ),
        (
            "etag.ignore = [{ preset = \"csp-nonce\", lifetime = 9 }]",
            "1: etag.ignore[0] = { preset = \"csp-nonce\", lifetime = 9 }: csp-nonce has no lifetime: its tokens are good as long as the secret",
        ),
        (
            "etag.ignore = [{}]",
            "1: etag.ignore[0] = {  }: expected either pattern, or preset and perhaps its lifetime",
        ),
        (
            "etag.ignore = [{ patern = 'a' }]",
            "1: etag.ignore[0].patern = \"a\": no such key, did you mean pattern?",
        ),
        (
            "etag.ignore = [\"csp-nonce\", \"csp-nonce\"]",
            "1: etag.ignore = [\"csp-nonce\", \"csp-nonce\"]: csp-nonce is there twice",
        ),
    ] {
        assert_eq!(refusal(text), format!("notmodified.toml:{want}"));
    }
}

#[test]
fn expires_is_freshness_too() {
    assert_eq!(policy("expires = 60\nversioned = true\ncache_control = \"immutable\"").expires, Some(60));
    assert_eq!(policy("expires = 0\ncache_control = \"no-store\"").expires, Some(0));
    assert_eq!(policy("expires = 60\ncache_control = \"max-age=60\"").expires, Some(60));
    assert_eq!(policy("cache_control = {}").cache_control, None);
}

#[test]
fn a_tag_key_is_long_enough_and_never_repeated() {
    assert!(read("tag_key = \"env:KEY\"").unwrap().tag_key.is_some());
    assert_eq!(
        refusal("tag_key = \"hush\""),
        "notmodified.toml:1: tag_key: the key has 4 bytes: give 16 or more that nobody can guess"
    );
    assert_eq!(
        refusal("tag_key = \"env:NONE\""),
        "notmodified.toml:1: tag_key: the environment has no variable NONE, or it is no text"
    );
    assert!(!format!("{:?}", read("tag_key = \"env:KEY\"").unwrap()).contains("environment"));
}

#[test]
fn pyproject_has_a_table_for_it() {
    let text = "[project]\nname = \"x\"\n\n[tool.notmodified]\nmax_body = 5\n\n[[tool.notmodified.policy]]\npath = \"a\"\n";
    let settings = Settings::from_pyproject(text, "pyproject.toml").unwrap();
    let error = settings.read(|_| None).unwrap_err();
    assert_eq!((error.line, error.key.as_str()), (Some(8), "policy[0].path"));
    assert_eq!(
        Settings::from_pyproject("[[tool.notmodified.policy]]\nstore = \"host\"", "pyproject.toml")
            .unwrap()
            .read(|_| None)
            .unwrap_err()
            .to_string(),
        "pyproject.toml:2: policy[0].store = \"host\": no such key here; store is a key of [tool.notmodified], not of a policy: put it above the first [[tool.notmodified.policy]]"
    );
    assert_eq!(
        Settings::from_pyproject("[tool.x]", "pyproject.toml").unwrap_err().to_string(),
        "pyproject.toml: there is no table [tool.notmodified]"
    );
}

#[test]
fn what_is_laid_over_replaces_whole_keys_and_answers_for_them() {
    let file = Settings::from_toml("max_body = 1\nmax_file = -2", "file").unwrap();
    let over: Table = toml::from_str("max_body = -3").unwrap();
    let both = file.clone().overlaid(Settings::from_table(over, "keyword argument"));
    assert_eq!(
        both.read(|_| None).unwrap_err().to_string(),
        "keyword argument: max_body = -3: expected a whole number of bytes, 0 or more"
    );
    let over: Table = toml::from_str("max_file = 3").unwrap();
    let config = file.overlaid(Settings::from_table(over, "keyword argument")).read(|_| None).unwrap();
    assert_eq!((config.max_body, config.max_file), (1, 3));
}
