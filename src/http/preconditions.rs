//! Preconditions (RFC 9110 §13): the five request fields, and their evaluation in the order of §13.2.2.

use super::date::HttpDate;
use super::entity_tag::{self, Element, EntityTag};
use super::field::{MAX_FIELD, trim_ows};

/// Request methods, as far as preconditions tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET, the one method that a Range applies to (§14.2).
    Get,
    /// HEAD: judged as GET is.
    Head,
    /// OPTIONS, TRACE and CONNECT don't select or modify a representation: no precondition applies (§13.2.1).
    Exempt,
    /// Every other method, known or not. It may be unsafe, so a false precondition is a 412.
    Other,
}

impl Method {
    /// The method of this name; names are case-sensitive (§9.1).
    #[must_use]
    pub fn of(name: &str) -> Self {
        match name {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "OPTIONS" | "TRACE" | "CONNECT" => Self::Exempt,
            _ => Self::Other,
        }
    }

    /// GET or HEAD: answered with 304 where others get 412.
    #[must_use]
    pub const fn is_read(self) -> bool {
        matches!(self, Self::Get | Self::Head)
    }
}

/// The validators of the current representation (§8.8). Both may be missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Validators<'a> {
    /// The current entity-tag.
    pub etag: Option<EntityTag<'a>>,
    /// When the representation last changed.
    pub last_modified: Option<LastModified>,
}

/// A Last-Modified date and whether it is a strong validator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastModified {
    /// The date itself.
    pub date: HttpDate,
    /// Known to be at least a second older than the answer's Date, so that nothing can have changed within
    /// the second it names (§8.8.2.2). Only If-Range asks.
    pub strong: bool,
}

/// What the evaluation comes to (§13.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Perform the method: no precondition, or all that apply are true.
    Proceed,
    /// Answer 304 (Not Modified).
    NotModified,
    /// Answer 412 (Precondition Failed).
    PreconditionFailed,
}

/// The precondition fields of one request, as they came; `None` where the field is absent. Repeated lines
/// are expected joined by commas, as servers do it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Preconditions<'a> {
    /// If-Match (§13.1.1).
    pub if_match: Option<&'a [u8]>,
    /// If-None-Match (§13.1.2).
    pub if_none_match: Option<&'a [u8]>,
    /// If-Modified-Since (§13.1.3).
    pub if_modified_since: Option<&'a [u8]>,
    /// If-Unmodified-Since (§13.1.4).
    pub if_unmodified_since: Option<&'a [u8]>,
    /// If-Range (§13.1.5).
    pub if_range: Option<&'a [u8]>,
}

/// What the evaluation may need besides the request and the representation.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// Take `"x-gzip"` in If-None-Match for `"x"` (see [`EntityTag::is_base_of`]).
    pub tag_suffixes: bool,
    /// Take `W/"x"` in If-Match for the strong `"x"` that it was before a proxy weakened it. Against
    /// §13.1.1: for sites behind such a proxy that say so.
    pub accept_weakened: bool,
    /// The time, asked for only to find the century of an RFC 850 date.
    pub now: fn() -> HttpDate,
}

impl Preconditions<'_> {
    /// Is there none of the four that can decide by themselves? (If-Range only qualifies a Range.)
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.if_match.is_none()
            && self.if_none_match.is_none()
            && self.if_modified_since.is_none()
            && self.if_unmodified_since.is_none()
    }

    /// Evaluate steps 1 to 4 of §13.2.2. `current` is `None` where there is no current representation.
    ///
    /// Only for requests that would be answered 2xx without their preconditions (§13.2.1); that is the
    /// caller's to know. What is malformed never lets a write through: such an If-Match is false, such an
    /// If-None-Match is false for every method but GET and HEAD. Malformed dates are ignored.
    #[must_use]
    pub fn evaluate(&self, method: Method, current: Option<&Validators<'_>>, context: &Context) -> Decision {
        if method == Method::Exempt {
            return Decision::Proceed;
        }
        let last_modified = current.and_then(|validators| validators.last_modified);
        if let Some(field) = self.if_match {
            if !if_match(field, current, context.accept_weakened) {
                return Decision::PreconditionFailed;
            }
        } else if let Some(field) = self.if_unmodified_since
            && let Some(last_modified) = last_modified
            && let Some(since) = HttpDate::parse(field, (context.now)())
            && last_modified.date > since
        {
            return Decision::PreconditionFailed;
        }
        if let Some(field) = self.if_none_match {
            if !if_none_match(field, method, current, context.tag_suffixes) {
                return if method.is_read() { Decision::NotModified } else { Decision::PreconditionFailed };
            }
        } else if let Some(field) = self.if_modified_since
            && method.is_read()
            && let Some(last_modified) = last_modified
            && let Some(since) = HttpDate::parse(field, (context.now)())
            && last_modified.date <= since
        {
            return Decision::NotModified;
        }
        Decision::Proceed
    }

    /// Is the only precondition an If-None-Match of one tag, and that another than the current one? Then it is
    /// true whatever the method is, which need not be known.
    #[must_use]
    pub fn has_just_another_tag(&self, current: Option<&Validators<'_>>, tag_suffixes: bool) -> bool {
        let is_alone = self.if_match.is_none() && self.if_unmodified_since.is_none();
        let Some(field) = self.if_none_match.filter(|field| is_alone && field.len() <= MAX_FIELD) else {
            return false;
        };
        let etag = current.and_then(|validators| validators.etag);
        !etag.is_some_and(|etag| etag.is_written(field))
            && EntityTag::parse(trim_ows(field))
                .is_some_and(|tag| !etag.is_some_and(|etag| etag.is_meant_by(tag, tag_suffixes)))
    }

    /// The tag by which this client knows the representation of `etag`, where it has that only as a proxy
    /// marked it. A 304 has to say this one: by the strong tag in it a cache looks for its stored response
    /// (RFC 9111 §4.3.4).
    ///
    /// Not for `-br`: Apache's `mod_brotli` marks the tag of the 304 too, its `mod_deflate` does not.
    #[must_use]
    pub fn marked_tag(&self, etag: EntityTag<'_>) -> Option<EntityTag<'_>> {
        let field = self.if_none_match.map(trim_ows).filter(|field| field.len() <= MAX_FIELD)?;
        if etag.is_written(field) {
            return None;
        }
        let mut marked = None;
        for element in entity_tag::list(field) {
            match element {
                Element::Tag(tag) if tag.weak_eq(etag) => return None,
                Element::Tag(tag) if etag.is_base_of(tag) && !tag.opaque().ends_with(b"-br") => {
                    marked = marked.or(Some(tag));
                }
                _ => {}
            }
        }
        marked
    }

    /// Step 5 of §13.2.2: may a Range of this request be applied to the current representation? Without
    /// If-Range yes; with a tag only on strong comparison; with a date only if it is exactly Last-Modified
    /// and that is a strong validator (§13.1.5). Range is for GET alone (§14.2).
    #[must_use]
    pub fn range_applies(&self, method: Method, current: &Validators<'_>, context: &Context) -> bool {
        if method != Method::Get {
            return false;
        }
        let Some(field) = self.if_range.map(trim_ows) else { return true };
        if let Some(tag) = EntityTag::parse(field) {
            return current.etag.is_some_and(|etag| etag.strong_eq(tag));
        }
        let since = HttpDate::parse(field, (context.now)());
        current.last_modified.is_some_and(|last| last.strong && Some(last.date) == since)
    }
}

/// Is If-Match true (§13.1.1)? Strong comparison; `*` for any current representation.
fn if_match(field: &[u8], current: Option<&Validators<'_>>, accept_weakened: bool) -> bool {
    let Some(current) = current else { return false };
    let field = trim_ows(field);
    if field == b"*" {
        return true;
    }
    current.etag.is_some_and(|etag| {
        let is_current = |tag: EntityTag<'_>| {
            tag.strong_eq(etag) || accept_weakened && !etag.is_weak() && tag.weak_eq(etag)
        };
        field.len() <= MAX_FIELD && has_in_list(field, is_current) == Some(true)
    })
}

/// Is If-None-Match true (§13.1.2)? Weak comparison; `*` for any current representation.
fn if_none_match(field: &[u8], method: Method, current: Option<&Validators<'_>>, tag_suffixes: bool) -> bool {
    let field = trim_ows(field);
    if field == b"*" {
        return current.is_none();
    }
    if field.len() > MAX_FIELD {
        return method.is_read();
    }
    let etag = current.and_then(|validators| validators.etag);
    // As most clients that have it say it: the list need not be taken apart.
    if etag.is_some_and(|etag| etag.is_written(field)) {
        return false;
    }
    let is_current = |tag: EntityTag<'_>| etag.is_some_and(|etag| etag.is_meant_by(tag, tag_suffixes));
    if method.is_read() {
        // What is malformed beside it takes nothing from a tag that the client has.
        return !entity_tag::list(field)
            .any(|element| matches!(element, Element::Tag(tag) if is_current(tag)));
    }
    has_in_list(field, is_current) == Some(false)
}

/// Is there such a tag in the list? `None` if it is no list by the letter.
fn has_in_list(field: &[u8], is_wanted: impl Fn(EntityTag<'_>) -> bool) -> Option<bool> {
    entity_tag::list(field).try_fold(false, |found, element| match element {
        Element::Tag(tag) if tag.is_well_formed() => Some(found || is_wanted(tag)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: fn() -> HttpDate = || HttpDate::from_unix(1_790_000_000).unwrap();
    const CONTEXT: Context = Context { tag_suffixes: true, accept_weakened: false, now: NOW };
    const EARLIER: &[u8] = b"Sun, 06 Nov 1994 08:49:36 GMT";
    const DATE: &[u8] = b"Sun, 06 Nov 1994 08:49:37 GMT";
    const LATER: &[u8] = b"Sun, 06 Nov 1994 08:49:38 GMT";

    fn validators(etag: &'static str) -> Validators<'static> {
        Validators {
            etag: EntityTag::parse(etag.as_bytes()),
            last_modified: HttpDate::parse(DATE, NOW()).map(|date| LastModified { date, strong: true }),
        }
    }

    #[track_caller]
    fn judge(method: &str, fields: Preconditions<'_>, etag: &'static str, expected: Decision) {
        let current = validators(etag);
        assert_eq!(fields.evaluate(Method::of(method), Some(&current), &CONTEXT), expected);
    }

    const NONE: Preconditions<'_> = Preconditions {
        if_match: None,
        if_none_match: None,
        if_modified_since: None,
        if_unmodified_since: None,
        if_range: None,
    };

    #[test]
    fn if_match_compares_strongly_and_if_none_match_weakly() {
        let with_match = Preconditions { if_match: Some(br#"W/"a""#), ..NONE };
        judge("GET", with_match, r#"W/"a""#, Decision::PreconditionFailed);
        judge("PUT", Preconditions { if_match: Some(br#""b","a""#), ..NONE }, r#""a""#, Decision::Proceed);
        let none_match = Preconditions { if_none_match: Some(br#"W/"a""#), ..NONE };
        judge("GET", none_match, r#""a""#, Decision::NotModified);
        judge("HEAD", none_match, r#""a""#, Decision::NotModified);
        judge("PUT", none_match, r#""a""#, Decision::PreconditionFailed);
        judge("OPTIONS", none_match, r#""a""#, Decision::Proceed);
    }

    #[test]
    fn just_another_tag_lets_every_method_through() {
        let is_just = |field: &'static [u8], etag| {
            Preconditions { if_none_match: Some(field), ..NONE }
                .has_just_another_tag(Some(&validators(etag)), true)
        };
        assert!(is_just(br#" "b" "#, r#""a""#) && is_just(br#"W/"b""#, r#""a""#));
        for field in
            [&br#""a""#[..], br#"W/"a""#, br#""a-gzip""#, br#""b","c""#, b"*", b"b", b"", br#""b" c"#]
        {
            assert!(!is_just(field, r#""a""#), "{}", String::from_utf8_lossy(field));
        }
        let beside = Preconditions { if_match: Some(b"*"), if_none_match: Some(br#""b""#), ..NONE };
        assert!(!beside.has_just_another_tag(Some(&validators(r#""a""#)), true));
    }

    proptest::proptest! {
        #[test]
        fn what_is_just_another_tag_is_judged_so_at_length(
            field in r#"[ \t]?(W/)?"[ab]{0,2}(-gzip)?"[ ,*b"]{0,2}"#, etag in r#"(W/)?"[ab]{0,2}""#, suffixes: bool,
        ) {
            let fields = Preconditions { if_none_match: Some(field.as_bytes()), ..NONE };
            let current = Validators { etag: EntityTag::parse(etag.as_bytes()), last_modified: None };
            let context = Context { tag_suffixes: suffixes, ..CONTEXT };
            for current in [None, Some(&current)] {
                if fields.has_just_another_tag(current, suffixes) {
                    for method in [Method::Get, Method::Head, Method::Other, Method::Exempt] {
                        let decision = fields.evaluate(method, current, &context);
                        proptest::prop_assert_eq!(decision, Decision::Proceed);
                    }
                }
            }
        }
    }

    #[test]
    fn a_weakened_tag_satisfies_if_match_only_where_it_is_accepted_and_the_current_one_is_strong() {
        let accepting = Context { accept_weakened: true, ..CONTEXT };
        let judge = |field: &'static [u8], etag| {
            let fields = Preconditions { if_match: Some(field), ..NONE };
            let current = validators(etag);
            [CONTEXT, accepting].map(|context| fields.evaluate(Method::Other, Some(&current), &context))
        };
        let (no, yes) = (Decision::PreconditionFailed, Decision::Proceed);
        assert_eq!(judge(br#"W/"a""#, r#""a""#), [no, yes]);
        assert_eq!(judge(br#"W/"a""#, r#"W/"a""#), [no, no]);
        assert_eq!(judge(br#""a""#, r#"W/"a""#), [no, no]);
        assert_eq!(judge(br#"W/"b""#, r#""a""#), [no, no]);
        assert_eq!(judge(br#"W/"a-gzip""#, r#""a""#), [no, no]);
    }

    #[test]
    fn dates_are_looked_at_only_without_their_tag_field() {
        let both = Preconditions { if_none_match: Some(b"\"b\""), if_modified_since: Some(DATE), ..NONE };
        judge("GET", both, "\"a\"", Decision::Proceed);
        let both = Preconditions { if_match: Some(b"\"a\""), if_unmodified_since: Some(EARLIER), ..NONE };
        judge("PUT", both, "\"a\"", Decision::Proceed);
        let since = |date| Preconditions { if_modified_since: Some(date), ..NONE };
        judge("GET", since(DATE), "\"a\"", Decision::NotModified);
        judge("GET", since(LATER), "\"a\"", Decision::NotModified);
        judge("GET", since(EARLIER), "\"a\"", Decision::Proceed);
        judge("POST", since(DATE), "\"a\"", Decision::Proceed);
        let unmodified = |date| Preconditions { if_unmodified_since: Some(date), ..NONE };
        judge("PUT", unmodified(EARLIER), "\"a\"", Decision::PreconditionFailed);
        judge("PUT", unmodified(DATE), "\"a\"", Decision::Proceed);
        judge("PUT", unmodified(b"nonsense"), "\"a\"", Decision::Proceed);
    }

    #[test]
    fn the_first_step_that_is_false_decides() {
        let fields = Preconditions { if_match: Some(b"\"b\""), if_none_match: Some(b"\"a\""), ..NONE };
        judge("GET", fields, "\"a\"", Decision::PreconditionFailed);
        let fields =
            Preconditions { if_unmodified_since: Some(EARLIER), if_none_match: Some(b"\"a\""), ..NONE };
        judge("GET", fields, "\"a\"", Decision::PreconditionFailed);
    }

    #[test]
    fn the_star_means_any_representation_and_only_alone() {
        let fields = Preconditions { if_none_match: Some(b" * "), ..NONE };
        assert_eq!(
            fields.evaluate(Method::Get, Some(&Validators::default()), &CONTEXT),
            Decision::NotModified
        );
        assert_eq!(fields.evaluate(Method::Other, None, &CONTEXT), Decision::Proceed);
        let fields = Preconditions { if_match: Some(b"*"), ..NONE };
        assert_eq!(fields.evaluate(Method::Other, None, &CONTEXT), Decision::PreconditionFailed);
        assert_eq!(fields.evaluate(Method::Other, Some(&Validators::default()), &CONTEXT), Decision::Proceed);
        judge("GET", Preconditions { if_none_match: Some(b"\"*\""), ..NONE }, "\"a\"", Decision::Proceed);
        judge("GET", Preconditions { if_none_match: Some(b"*,*"), ..NONE }, "\"a\"", Decision::Proceed);
        judge(
            "PUT",
            Preconditions { if_match: Some(b"*,\"a\""), ..NONE },
            "\"a\"",
            Decision::PreconditionFailed,
        );
    }

    #[test]
    fn what_is_malformed_or_endless_never_lets_a_write_through() {
        let endless = ",".repeat(MAX_FIELD + 1);
        for field in [&b"a"[..], b"\"a", b"a\"", b"\"a\" x", b"\"x\" \"a\"", endless.as_bytes()] {
            judge(
                "PUT",
                Preconditions { if_match: Some(field), ..NONE },
                "\"a\"",
                Decision::PreconditionFailed,
            );
            judge(
                "PUT",
                Preconditions { if_none_match: Some(field), ..NONE },
                "\"b\"",
                Decision::PreconditionFailed,
            );
            judge("GET", Preconditions { if_none_match: Some(field), ..NONE }, "\"b\"", Decision::Proceed);
        }
        for empty in [&b""[..], b" , ,"] {
            judge(
                "PUT",
                Preconditions { if_match: Some(empty), ..NONE },
                "\"a\"",
                Decision::PreconditionFailed,
            );
            judge("PUT", Preconditions { if_none_match: Some(empty), ..NONE }, "\"a\"", Decision::Proceed);
        }
        judge(
            "GET",
            Preconditions { if_none_match: Some(b"x, \"a\""), ..NONE },
            "\"a\"",
            Decision::NotModified,
        );
    }

    #[test]
    fn a_coding_suffix_counts_for_if_none_match_only() {
        judge(
            "GET",
            Preconditions { if_none_match: Some(b"\"a-gzip\""), ..NONE },
            "\"a\"",
            Decision::NotModified,
        );
        judge(
            "GET",
            Preconditions { if_match: Some(b"\"a-gzip\""), ..NONE },
            "\"a\"",
            Decision::PreconditionFailed,
        );
        let off = Context { tag_suffixes: false, ..CONTEXT };
        let fields = Preconditions { if_none_match: Some(b"\"a-gzip\""), ..NONE };
        assert_eq!(fields.evaluate(Method::Get, Some(&validators("\"a\"")), &off), Decision::Proceed);
    }

    #[test]
    fn a_304_says_the_tag_that_the_client_has_where_a_proxy_marked_it() {
        let marked = |field: &'static str| {
            let fields = Preconditions { if_none_match: Some(field.as_bytes()), ..NONE };
            fields.marked_tag(EntityTag::parse(b"\"a\"").unwrap()).map(EntityTag::to_field)
        };
        assert_eq!(marked(r#" "b", "a-gzip", "a;gzip" "#).as_deref(), Some(r#""a-gzip""#));
        assert_eq!(marked(r#"W/"a--gzip""#).as_deref(), Some(r#"W/"a--gzip""#));
        for unmarked in [r#""a""#, r#"W/"a""#, r#""a-gzip", "a""#, r#""b""#, r#""a-br""#, "*", ""] {
            assert_eq!(marked(unmarked), None);
        }
        assert_eq!(NONE.marked_tag(EntityTag::parse(b"\"a\"").unwrap()), None);
    }

    #[test]
    fn if_range_is_strong_and_exact() {
        let applies = |field: Option<&'static [u8]>, method, current| {
            Preconditions { if_range: field, ..NONE }.range_applies(method, &current, &CONTEXT)
        };
        assert!(applies(None, Method::Get, validators("\"a\"")));
        assert!(!applies(None, Method::Head, validators("\"a\"")));
        assert!(applies(Some(b"\"a\""), Method::Get, validators("\"a\"")));
        assert!(!applies(Some(b"W/\"a\""), Method::Get, validators("W/\"a\"")));
        assert!(applies(Some(DATE), Method::Get, validators("\"a\"")));
        assert!(!applies(Some(LATER), Method::Get, validators("\"a\"")));
        assert!(!applies(Some(b"nonsense"), Method::Get, validators("\"a\"")));
        let mut weak = validators("\"a\"");
        weak.last_modified = weak.last_modified.map(|last| LastModified { strong: false, ..last });
        assert!(!applies(Some(DATE), Method::Get, weak));
    }
}
