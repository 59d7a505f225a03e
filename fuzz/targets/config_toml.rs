//! Configurations out of any text: refused in a sentence, or usable.
#![no_main]

use libfuzzer_sys::fuzz_target;
use notmodified::config::{ConfigError, Settings};

fuzz_target!(|octets: &[u8]| {
    let Ok(text) = std::str::from_utf8(octets) else { return };
    read(text, Settings::from_toml(text, "fuzz.toml"));
    read(text, Settings::from_pyproject(text, "fuzz.toml"));
});

fn read(text: &str, settings: Result<Settings, ConfigError>) {
    let settings = match settings {
        Ok(settings) => settings,
        Err(error) => return check_error(text, &error),
    };
    if let Err(error) = settings.read_directives() {
        check_error(text, &error);
    }
    let environment = |name: &str| (name == "KEY").then(|| "sixteen octets or more".to_owned());
    let config = match settings.read(environment) {
        Ok(config) => config,
        Err(error) => return check_error(text, &error),
    };
    for policy in config.policies.as_slice() {
        for text in policy.vary.iter().chain(&policy.cache_control) {
            assert!(!text.contains(['\r', '\n', '\0']), "it would split the head: {text:?}");
        }
    }
    for path in ["", "/", "/a/b.css", "/static/x/y", "/\u{e9}", "no path"] {
        for method in ["GET", "HEAD", "PUT"] {
            let candidates = config.policies.on_the_way_in(method, path);
            let verdicts = config.policies.explain(method, path, 200, Some("text/html; charset=utf-8"));
            assert_eq!(verdicts.len(), config.policies.as_slice().len());
            let applied = config.policies.on_the_way_out(&candidates, 200, Some("text/html; charset=utf-8"));
            assert_eq!(
                applied.is_some(),
                verdicts.iter().any(|verdict| verdict.word() == "applies"),
                "explained otherwise than served"
            );
        }
    }
    // Laid over itself it is itself.
    assert!(settings.clone().overlaid(settings).read(environment).is_ok());
}

fn check_error(text: &str, error: &ConfigError) {
    let said = error.to_string();
    assert!(said.starts_with("fuzz.toml:"), "{said}");
    assert!(!error.reason.is_empty());
    assert!(error.line.is_none_or(|line| (1..=text.lines().count() + 1).contains(&line)), "{said}");
    // A secret that stands nowhere else in the text stands in no message.
    let secret = "xyzzy-secret-xyzzy";
    assert!(
        text.matches(secret).count() != 1
            || !text.contains(&format!("tag_key = \"{secret}\""))
            || !said.contains(secret),
        "{said}"
    );
}
