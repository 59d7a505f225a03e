//! Policies: their presets, times and fields, and what is refused of them.

use proptest::prelude::*;

use super::preset::Preset;
use super::setting::Setting;
use super::tests::{policy, policy_refusal};
use crate::http::cache_control::{CacheControl, MAX_SECONDS};
use crate::http::targeted;
use crate::policy::{Policy, Reach};

fn sent(policy: &Policy) -> Vec<(&str, &str, Reach)> {
    policy.fields.iter().map(|field| (field.name.as_str(), field.value.as_str(), field.reach)).collect()
}

#[test]
fn a_preset_says_what_to_do() {
    for (preset, cache_control, vary, overrides) in [
        ("static-versioned", "immutable, max-age=31536000", "", false),
        ("static-unversioned", "max-age=300", "", false),
        ("page", "no-cache", "", false),
        ("api", "private, no-cache", "Accept, Authorization", false),
        ("private", "private, no-cache", "", true),
        ("never", "no-store", "", true),
    ] {
        let made = policy(&format!("preset = {preset:?}"));
        assert_eq!(made.cache_control.as_deref(), Some(cache_control), "{preset}");
        assert_eq!((made.vary.join(", ").as_str(), made.override_app), (vary, overrides), "{preset}");
        assert_eq!((made.preset, made.versioned), (Some(preset), preset == "static-versioned"));
        let directives = CacheControl::from_field(cache_control);
        assert!(directives.contradictions().is_empty());
        assert_eq!(Preset::of_text(preset).unwrap().cache_control(), directives);
    }
}

#[test]
fn keys_beside_a_preset_replace_those_that_it_sets() {
    let made = policy("preset = \"api\"\ncache_control = { max_age = \"5m\" }\noverride = true");
    assert_eq!(made.cache_control.as_deref(), Some("max-age=300"));
    assert_eq!(
        (made.vary.as_slice(), made.override_app),
        (&["Accept".into(), "Authorization".into()][..], true)
    );
    let made = policy("preset = \"private\"\noverride = false\nvary = \"Cookie\"");
    assert!(!made.override_app);
    assert_eq!(made.vary, ["Cookie"]);
    let made =
        policy("preset = \"static-versioned\"\ncache_control = { immutable = true, max_age = \"4w\" }");
    assert_eq!(made.cache_control.as_deref(), Some("immutable, max-age=2419200"));
}

#[test]
fn times_have_units() {
    let made = policy(
        "cache_control = { max_age = \"90s\", s_maxage = \"15m\", stale_while_revalidate = \"1h\", \
         stale_if_error = \"2w\" }\nexpires = \"90s\"",
    );
    assert_eq!(
        made.cache_control.as_deref(),
        Some("max-age=90, s-maxage=900, stale-while-revalidate=3600, stale-if-error=1209600")
    );
    assert_eq!(made.expires, Some(90));
    for wrong in [
        "", "s", "1", "1y", "1.5h", "-1h", "+1h", " 1h", "1h ", "1 h", "1H", "1h30m", "é", "٣s", "24856d",
        "ms", "250ms",
    ] {
        let said = policy_refusal(&format!("expires = {wrong:?}"));
        assert!(said.contains("expected a whole number of seconds"), "{wrong}: {said}");
    }
}

proptest! {
    #[test]
    fn a_time_is_its_number_of_units(number in 0u64..5_000_000_000, unit in 0usize..6) {
        let (unit, factor) =
            [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000)][unit];
        let written = format!("[[policy]]\nexpires = \"{number}{unit}\"");
        let settings = super::Settings::from_toml(&written, "").unwrap();
        let read = settings.read(|_| None).ok().map(|config| config.policies.as_slice()[0].expires.unwrap());
        let milliseconds = number.checked_mul(factor).filter(|number| number % 1000 == 0);
        let wanted = milliseconds.and_then(|number| u32::try_from(number / 1000).ok());
        prop_assert_eq!(read, wanted.filter(|seconds| *seconds <= MAX_SECONDS));
    }
}

#[test]
fn fields_of_every_kind_are_ready_to_be_sent() {
    let made = policy(
        "cache_groups = [\"b\", \"a\", \"say \\\"x\\\\\", \"a\"]\n\
         targeted = { CDN-Cache-Control = { max_age = \"1h\", private = [\"X\"] }, Example-Cache-Control = \"no-store\" }\n\
         fields = { Surrogate-Control = \"max-age=60\", X-Robots-Tag = \"noindex\", X-Accel-Expires = \"0\" }",
    );
    assert_eq!(
        sent(&made),
        [
            ("CDN-Cache-Control", "private=\"x\", max-age=3600", Reach::Shared),
            ("Example-Cache-Control", "no-store", Reach::Anybody),
            ("Cache-Groups", r#""a", "b", "say \"x\\""#, Reach::Beside),
            ("Surrogate-Control", "max-age=60", Reach::Shared),
            ("X-Accel-Expires", "0", Reach::Anybody),
            ("X-Robots-Tag", "noindex", Reach::Anybody),
        ]
    );
}

#[test]
fn a_policy_has_other_directives_for_responses_with_a_cookie() {
    let made = policy("cache_control = \"max-age=60, s-maxage=600\"\nexpires = 60");
    assert_eq!(made.narrowed.as_deref(), Some("private, max-age=60"));
    assert_eq!(policy("expires = 60").narrowed.as_deref(), Some("private, max-age=60"));
    assert_eq!(policy("preset = \"page\"").narrowed, None);
}

#[test]
fn what_a_policy_can_not_set_is_refused_with_the_reason() {
    for (text, want) in [
        (
            "cache_control = { immutable = true, max_age = 60 }",
            "cache_control = { immutable = true, max_age = 60 }: immutable keeps clients from asking even on reload, so a URL must never get another content: add versioned = true if each of these URLs has a version or digest in it, or leave immutable out",
        ),
        (
            "preset = \"static-unversioned\"\ncache_control = \"immutable, max-age=9\"",
            "cache_control = \"immutable, max-age=9\": immutable keeps clients from asking",
        ),
        (
            "preset = \"statik\"",
            "preset = \"statik\": no such preset; there are static-versioned, static-unversioned, page, api, private, never",
        ),
        ("preset = \"prvate\"", "preset = \"prvate\": no such preset, did you mean private?"),
        (
            "preset = \"never\"\nexpires = 60",
            "expires = 60: cache_control \"no-store\" forbids reuse, so this must be 0 or be left out",
        ),
        (
            "targeted = { CDN-Cache-Control = \"private, s-maxage=60\" }",
            "targeted.CDN-Cache-Control = \"private, s-maxage=60\": private keeps shared caches from storing the response, so s-maxage=60 is never used",
        ),
        (
            "targeted = { CDN-Cache-Control = { immutable = true, max_age = 60 } }",
            "targeted.CDN-Cache-Control = { immutable = true, max_age = 60 }: immutable keeps",
        ),
        (
            "targeted = { CDN-Cache-Control = {} }",
            "targeted.CDN-Cache-Control = {  }: it says nothing, which is as if it were not there: leave it out",
        ),
        (
            "targeted = { CDN-Cache-Control = \"max-age=5, 7up=x\" }",
            "targeted.CDN-Cache-Control = \"max-age=5, 7up=x\": 7up can't be the key of a structured field (RFC 9651 §3.1.2)",
        ),
        (
            "targeted = { CDN-Cache-Control = \"min-fresh=5\" }",
            "targeted.CDN-Cache-Control = \"min-fresh=5\": min-fresh is a directive of requests, and this is about responses",
        ),
        (
            "targeted = { Cache-Control = \"no-store\" }",
            "targeted.Cache-Control = \"no-store\": a policy can't set Cache-Control here: that is what cache_control is for",
        ),
        (
            "targeted = { \"A B\" = \"no-store\" }",
            "targeted.A B = \"no-store\": \"A B\" is no field name: use letters, digits and hyphens",
        ),
        (
            "targeted = { X-Cache-Control = \"no-store\", x-cache-control = \"no-store\" }",
            "targeted.x-cache-control = \"no-store\": it is there twice",
        ),
        (
            "fields = { CDN-Cache-Control = \"max-age=60\" }",
            "fields.CDN-Cache-Control = \"max-age=60\": that is a targeted field, whose directives are checked: write it under targeted",
        ),
        (
            "fields = { X-A = \"b\\r\\nSet-Cookie: c\" }",
            "fields.X-A = \"b\\r\\nSet-Cookie: c\": control characters cannot be in a header field",
        ),
        ("fields = { X-A = \"é\" }", "fields.X-A = \"é\": a field value is ASCII: encode what is not"),
        ("fields = { X-A = \"\" }", "fields.X-A = \"\": an empty field says nothing: leave it out"),
        (
            "fields = { X-A = \" b\" }",
            "fields.X-A = \" b\": space at its ends is not part of a value: leave it out",
        ),
        (
            "fields = { \"X:A\" = \"b\" }",
            "fields.X:A = \"b\": \"X:A\" is no field name: use letters, digits and hyphens",
        ),
        (
            "cache_groups = \"é\"",
            "cache_groups = \"é\": the name of a group is printable ASCII (RFC 9875 §2)",
        ),
        ("cache_groups = \"\"", "cache_groups = \"\": a group without a name can't be told from another"),
        (
            "notmodified_cache_control = \"max-age=5, 7up=x\"",
            "notmodified_cache_control = \"max-age=5, 7up=x\": 7up can't be",
        ),
    ] {
        let said = policy_refusal(text);
        assert!(said.contains(want), "{text}: {said}");
    }
    for name in
        ["Content-Length", "connection", "Transfer-Encoding", "Set-Cookie", "etag", "Vary", "Date", "Trailer"]
    {
        let said = policy_refusal(&format!("fields = {{ {name} = \"x\" }}"));
        assert!(said.contains("a policy can't set"), "{said}");
    }
}

#[test]
fn more_groups_than_are_kept_are_refused() {
    let many =
        |count: u32| format!("cache_groups = {:?}", (0..count).map(|n| n.to_string()).collect::<Vec<_>>());
    assert_eq!(policy(&many(64)).fields.len(), 1);
    assert!(policy_refusal(&many(65)).contains("65 groups are more than are kept, which is 64"));
}

fn directives() -> impl Strategy<Value = CacheControl> {
    let seconds = || proptest::option::of(0..=MAX_SECONDS);
    let flags = any::<[bool; 5]>();
    let extension = proptest::option::of(("[a-z][a-z0-9-]{2,8}", proptest::option::of("[ -~]{0,8}")));
    (flags, [seconds(), seconds(), seconds(), seconds()], extension).prop_map(
        |([public, no_transform, must_revalidate, proxy_revalidate, must_understand], times, extension)| {
            let [max_age, s_maxage, stale_while_revalidate, stale_if_error] = times;
            let mut made = CacheControl {
                public,
                no_transform,
                must_revalidate,
                proxy_revalidate,
                must_understand,
                max_age,
                s_maxage,
                stale_while_revalidate,
                stale_if_error,
                ..CacheControl::default()
            };
            if let Some((name, value)) = extension {
                // A name that is one of the known ones is refused, which leaves none.
                let _ = made.extensions.add(&name, value.as_deref());
            }
            made
        },
    )
}

proptest! {
    #[test]
    fn what_a_targeted_field_says_is_what_its_reader_understands(said in directives()) {
        if let Ok(text) = super::fields::write_targeted(&said) {
            let mut plain = said.clone();
            // Those that the reader has no use for.
            (plain.no_transform, plain.stale_if_error) = (false, None);
            plain.extensions = CacheControl::default().extensions;
            prop_assert_eq!(targeted::read(&text), Some(plain));
        }
    }
}
