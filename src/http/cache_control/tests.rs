//! Tests of the module above.

use proptest::prelude::*;

use super::*;

fn read(field: &str) -> CacheControl {
    CacheControl::from_field(field)
}

fn refusal(text: &str) -> String {
    text.parse::<CacheControl>().unwrap_err().to_string()
}

#[test]
fn every_directive_is_read_and_written() {
    let text = "public, private=\"set-cookie, x\", no-cache, no-store, no-transform, \
                must-revalidate, proxy-revalidate, must-understand, immutable, \
                only-if-cached, max-age=1, s-maxage=2, stale-while-revalidate=3, \
                stale-if-error=4, max-stale=5, min-fresh=6, a, b=c, d=\"e f\"";
    assert_eq!(read(text).to_string(), text);
    assert_eq!(text.parse(), Ok(read(text)));
}

/// A directive of the registry (RFC 9111 §5.2.3, §7.1.2), with the sections that define it.
struct Row {
    name: &'static str,
    in_requests: Option<&'static str>,
    in_responses: Option<&'static str>,
    takes: Takes,
}

#[derive(Clone, Copy, PartialEq)]
enum Takes {
    Nothing,
    Seconds,
    SecondsOrNothing,
    FieldsOrNothing,
}

const fn row(
    name: &'static str,
    in_requests: Option<&'static str>,
    in_responses: Option<&'static str>,
    takes: Takes,
) -> Row {
    Row { name, in_requests, in_responses, takes }
}

/// All of the registry. RFC 9213 defines none of its own: a targeted field has those of responses (§2.1).
const REGISTRY: [Row; 16] = {
    use Takes::{FieldsOrNothing, Nothing, Seconds, SecondsOrNothing};
    [
        row("max-age", Some("RFC 9111 §5.2.1.1"), Some("RFC 9111 §5.2.2.1"), Seconds),
        row("max-stale", Some("RFC 9111 §5.2.1.2"), None, SecondsOrNothing),
        row("min-fresh", Some("RFC 9111 §5.2.1.3"), None, Seconds),
        row("no-cache", Some("RFC 9111 §5.2.1.4"), Some("RFC 9111 §5.2.2.4"), FieldsOrNothing),
        row("no-store", Some("RFC 9111 §5.2.1.5"), Some("RFC 9111 §5.2.2.5"), Nothing),
        row("no-transform", Some("RFC 9111 §5.2.1.6"), Some("RFC 9111 §5.2.2.6"), Nothing),
        row("only-if-cached", Some("RFC 9111 §5.2.1.7"), None, Nothing),
        row("must-revalidate", None, Some("RFC 9111 §5.2.2.2"), Nothing),
        row("must-understand", None, Some("RFC 9111 §5.2.2.3"), Nothing),
        row("private", None, Some("RFC 9111 §5.2.2.7"), FieldsOrNothing),
        row("proxy-revalidate", None, Some("RFC 9111 §5.2.2.8"), Nothing),
        row("public", None, Some("RFC 9111 §5.2.2.9"), Nothing),
        row("s-maxage", None, Some("RFC 9111 §5.2.2.10"), Seconds),
        row("stale-while-revalidate", None, Some("RFC 5861 §3"), Seconds),
        row("stale-if-error", Some("RFC 5861 §4"), Some("RFC 5861 §4"), Seconds),
        row("immutable", None, Some("RFC 8246 §2"), Nothing),
    ]
};

#[test]
fn the_table_is_the_registry_and_names_the_sections_that_define_each_directive() {
    let names = |all: &[&'static str]| all.iter().copied().collect::<std::collections::BTreeSet<_>>();
    assert_eq!(names(&KNOWN.map(|(name, _)| name)), names(&REGISTRY.map(|row| row.name)));
    let source = include_str!("../cache_control.rs");
    for Row { name, in_requests, in_responses, .. } in REGISTRY {
        let field = format!("    pub {}: ", name.replace('-', "_"));
        let before: Vec<_> = source.lines().take_while(|line| !line.starts_with(&field)).collect();
        let comment = before.last().expect("a line before the field");
        assert!(comment.trim_start().starts_with(&format!("/// `{name}`")), "{name}: {comment}");
        let said: Vec<_> = comment.split(['(', ')', ',', ' ']).filter(|word| !word.is_empty()).collect();
        let mut sections: Vec<_> = in_requests.into_iter().chain(in_responses).collect();
        sections.dedup();
        for (rfc, section) in sections.iter().map(|place| place.rsplit_once(' ').unwrap()) {
            assert!(
                comment.contains(rfc) && said.contains(&section),
                "{name}: {section} of {rfc}: {comment}"
            );
        }
        assert_eq!(said.iter().filter(|word| word.starts_with('§')).count(), sections.len(), "{comment}");
    }
}

#[test]
fn each_directive_takes_what_its_section_says() {
    for Row { name, takes, .. } in REGISTRY {
        let (alone, number) = (name.to_owned(), format!("{name}=7"));
        let fields = format!("{name}=\"set-cookie\"");
        let accepted = |text: &String| text.parse::<CacheControl>().is_ok();
        assert_eq!(accepted(&alone), takes != Takes::Seconds, "{alone}");
        assert_eq!(accepted(&number), takes != Takes::Nothing, "{number}");
        assert_eq!(accepted(&fields), takes == Takes::FieldsOrNothing, "{fields}");
        for text in [alone, number, fields].into_iter().filter(accepted) {
            assert_eq!(read(&text).to_string().replace('"', ""), text.replace('"', ""));
        }
    }
}

#[test]
fn each_directive_is_of_requests_of_responses_or_of_both_as_its_sections_are() {
    for Row { name, in_requests, in_responses, takes } in REGISTRY {
        let said = read(&if takes == Takes::Nothing { name.to_owned() } else { format!("{name}=7") });
        assert_eq!(said.request_only(), in_responses.is_none().then_some(name));
        assert_eq!(said.response_only(), in_requests.is_none().then_some(name));
    }
}

#[test]
fn a_targeted_field_has_the_directives_of_responses_and_none_of_requests() {
    // What a cache without content has no use for.
    let of_no_use = ["no-transform", "immutable", "stale-if-error"];
    for Row { name, in_responses, takes, .. } in REGISTRY {
        let argument = if takes == Takes::Seconds || takes == Takes::SecondsOrNothing { "=7" } else { "" };
        let text = format!("{name}{argument}");
        let said = crate::http::targeted::read(&text).unwrap();
        let wanted = in_responses.is_some() && !of_no_use.contains(&name);
        assert_eq!(said, if wanted { read(&text) } else { CacheControl::default() }, "{text}");
    }
}

#[test]
fn names_are_compared_without_regard_to_case() {
    assert_eq!(read("MAX-AGE=1, No-Cache"), read("max-age=1,no-cache"));
}

#[test]
fn token_and_quoted_arguments_are_the_same() {
    assert_eq!(read("max-age=\"60\""), read("max-age=60"));
    assert_eq!(read("private=Set-Cookie"), read("private=\"set-cookie\""));
    assert_eq!(read("x=\"a\\b\""), read("x=ab"));
}

#[test]
fn an_overflow_is_the_greatest_number() {
    for digits in ["2147483648", "2147483649", "4294967296", "99999999999999999999999"] {
        assert_eq!(read(&format!("max-age={digits}")).max_age, Some(MAX_SECONDS));
    }
    assert_eq!(read("max-age=2147483647").max_age, Some(MAX_SECONDS - 1));
    assert_eq!(read("max-age=00060").max_age, Some(60));
}

#[test]
fn a_freshness_that_is_no_number_is_stale() {
    for argument in ["=-1", "=1.5", "=x", "=", "", "=\"\"", "= 5", "=5 5", "=\"5", "=+5", "=٣"] {
        assert_eq!(read(&format!("max-age{argument}")).max_age, Some(0), "{argument}");
        assert_eq!(read(&format!("s-maxage{argument}")).s_maxage, Some(0), "{argument}");
    }
}

#[test]
fn another_number_that_cannot_be_read_is_absent() {
    let field = read("stale-while-revalidate=x, stale-if-error, max-stale=x, min-fresh=-1");
    assert!(field.is_empty());
    assert_eq!(read("max-stale").max_stale, Some(MaxStale::Any));
}

#[test]
fn of_two_numbers_the_first_wins() {
    assert_eq!(read("max-age=1, max-age=2").max_age, Some(1));
    assert_eq!(read("max-age=x, max-age=2").max_age, Some(0));
    assert_eq!(read("x=1, X=2").to_string(), "x=1");
}

#[test]
fn of_two_scopes_the_wider_wins() {
    assert_eq!(read("private=\"a\", private").private, Some(Scope::Everything));
    assert_eq!(read("private, private=\"a\"").private, Some(Scope::Everything));
    assert_eq!(read("private=\"a\", private=\"b\"").to_string(), "private=\"a, b\"");
}

#[test]
fn a_list_of_fields_that_cannot_be_read_is_everything() {
    for field in ["no-cache=\"\"", "no-cache=\"a b\"", "no-cache=\"a, b c\"", "no-cache=", "no-cache=\",\""] {
        assert_eq!(read(field).no_cache, Some(Scope::Everything), "{field}");
    }
}

#[test]
fn commas_in_quotes_do_not_separate() {
    assert_eq!(
        read("a=\"x, no-store\", b=\"\\\", no-store\"").to_string(),
        "a=\"x, no-store\", b=\"\\\", no-store\""
    );
}

#[test]
fn a_quote_that_is_never_closed_hides_nothing() {
    let field = read("max-age=60, a=\"x, no-store");
    assert!(field.no_store);
    assert_eq!(field.max_age, Some(60));
}

#[test]
fn malformed_elements_are_passed_over() {
    assert!(read(",, ,=,=x,\"\",a b,é,x=\u{1},\\").is_empty());
    assert_eq!(read(" ,\t no-store \t,").to_string(), "no-store");
    assert!(read("no-store =x").no_store);
}

#[test]
fn nothing_that_splits_a_header_is_written() {
    let field = read("x=\"a\r\nset-cookie: y\", private=\"a\r\nb\"");
    assert_eq!(field.to_string(), "private");
}

#[test]
fn further_lines_are_added() {
    let mut field = read("max-age=1");
    field.add_field("no-cache, max-age=2");
    assert_eq!(field, read("max-age=1, no-cache"));
}

#[test]
fn configuration_is_told_what_is_wrong() {
    for (text, want) in [
        ("max-age=-1", "max-age has the argument \"-1\": give a whole number of seconds, 0 or more"),
        ("max-age", "max-age has no argument: give a whole number of seconds, 0 or more"),
        ("public=1", "public has the argument \"1\": it takes none"),
        (
            "no-cache=\"a b\"",
            "no-cache has the argument \"a b\": give none, or field names in quotes such as \"Set-Cookie\"",
        ),
        ("max_age=1", "max_age is no known directive: did you mean max-age?"),
        ("maxage=1", "maxage is no known directive: did you mean max-age?"),
        ("s-max-age=1", "s-max-age is no known directive: did you mean s-maxage?"),
        ("nostore", "nostore is no known directive: did you mean no-store?"),
        ("max-age=1, Max-Age=2", "Max-Age is given twice"),
        ("max-age = 1", "\"max-age = 1\" is no directive: write `name`, `name=token` or `name=\"text\"`"),
        ("a b", "\"a b\" is no directive: write `name`, `name=token` or `name=\"text\"`"),
        ("x=\"a", "\"x=\\\"a\" is no directive: write `name`, `name=token` or `name=\"text\"`"),
        ("x=\"\u{1}\"", "x has the argument \"\\u{1}\": control characters cannot be in a header field"),
    ] {
        assert_eq!(refusal(text), want);
    }
    assert!("community=\"UCI\", x".parse::<CacheControl>().is_ok());
    assert!("".parse::<CacheControl>().is_ok_and(|read| read.is_empty()));
}

#[test]
fn of_thousands_of_unknown_directives_the_first_are_kept() {
    let field = (0..100_000).fold(String::new(), |all, number| all + &format!("x{number},"));
    assert_eq!(read(&(field + "no-store")).extensions.iter().len(), MAX_EXTENSIONS);
}

#[test]
fn contradictions_are_told() {
    for (field, want) in [
        ("no-store, max-age=60", "no-store forbids keeping the response, so max-age=60 is never used"),
        ("no-store, public", "no-store forbids keeping the response, and public allows everybody to"),
        ("no-store, immutable", "no-store forbids keeping the response, so immutable is never used"),
        (
            "private, public",
            "private keeps shared caches from storing the response, and public allows them to",
        ),
        (
            "private, s-maxage=5",
            "private keeps shared caches from storing the response, so s-maxage=5 is never used",
        ),
        (
            "private, proxy-revalidate",
            "private keeps shared caches from storing the response, so proxy-revalidate is never used",
        ),
        ("no-cache, max-age=60", "no-cache makes every use a revalidation, so max-age=60 is never used"),
        (
            "no-cache, immutable",
            "no-cache makes every use a revalidation, and immutable forbids revalidation",
        ),
        (
            "must-revalidate, max-age=1, stale-if-error=9",
            "must-revalidate forbids every use of a stale response, so stale-if-error=9 is never used",
        ),
        ("immutable", "immutable holds while the response is fresh, and no max-age makes it fresh"),
        (
            "immutable, max-age=0",
            "immutable holds while the response is fresh, and no max-age makes it fresh",
        ),
        ("only-if-cached, no-cache", "only-if-cached asks for a stored response, and no-cache refuses one"),
        ("only-if-cached, public", "only-if-cached is a directive of requests and public one of responses"),
    ] {
        assert_eq!(read(field).contradictions(), [want], "{field}");
    }
}

#[test]
fn what_is_only_said_twice_is_no_contradiction() {
    for field in [
        "",
        "max-age=0, no-cache, no-store, must-revalidate, private",
        "public, max-age=31536000, immutable",
        "s-maxage=60, stale-while-revalidate=300, stale-if-error=86400",
        "must-understand, no-store, max-age=60",
        "no-cache=\"set-cookie\", max-age=60",
        "private=\"set-cookie\", s-maxage=60, public",
        "max-stale=60, min-fresh=5, no-transform",
    ] {
        assert!(read(field).contradictions().is_empty(), "{field}");
    }
}

fn field() -> impl Strategy<Value = String> {
    let argument =
        prop_oneof![Just(String::new()), "=[0-9]{0,12}", "=-?[a-z]{0,3}", "=\"[a-zA-Z, \\\\\"=]{0,9}\"?",];
    let name = prop_oneof![
        proptest::sample::select(KNOWN.map(|(name, _)| name.to_owned()).to_vec()),
        "[a-zA-Z-]{1,5}",
        "\\PC{0,3}",
    ];
    let element = (name, argument).prop_map(|(name, argument)| name + &argument);
    proptest::collection::vec(element, 0..8).prop_map(|elements| elements.join(", "))
}

proptest! {
    #[test]
    fn what_is_read_is_written_and_read_again(field in prop_oneof![field(), any::<String>()]) {
        let once = read(&field);
        prop_assert_eq!(&read(&once.to_string()), &once);
        prop_assert_eq!(CacheControl::has_no_store(&field), once.no_store);
        prop_assert_eq!(CacheControl::has_no_transform(&field), once.no_transform);
        prop_assert!(once.to_string().bytes().all(is_field_text));
    }

    #[test]
    fn what_configuration_accepts_is_read_alike_off_the_wire(field in field()) {
        if let Ok(strict) = field.parse::<CacheControl>() {
            prop_assert_eq!(strict, read(&field));
        }
    }
}
