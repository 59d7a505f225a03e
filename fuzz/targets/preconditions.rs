//! Preconditions, judged. The first line is the method, then come field lines in any order: the five
//! preconditions, `ETag` and `Last-Modified` of the representation, `Gone:` if there is none, `Exact:` if no
//! suffixes of codings are recognised.
#![no_main]

use libfuzzer_sys::fuzz_target;
use notmodified::http::date::HttpDate;
use notmodified::http::entity_tag::EntityTag;
use notmodified::http::field::MAX_FIELD;
use notmodified::http::preconditions::{Context, Decision, LastModified, Method, Preconditions, Validators};
use notmodified_fuzz::{Lines, field, now, plain, take_precondition};

fuzz_target!(|octets: &[u8]| {
    let mut lines = Lines::of(octets);
    let method = String::from_utf8_lossy(lines.next().unwrap_or_default());
    let mut preconditions = Preconditions::default();
    let mut validators = Validators::default();
    let (mut exists, mut tag_suffixes) = (true, true);
    for line in lines {
        if take_precondition(&mut preconditions, line) {
            continue;
        }
        match field(line) {
            Some((b"ETag", value)) => validators.etag = EntityTag::parse(value),
            Some((b"Last-Modified", value)) => {
                validators.last_modified =
                    HttpDate::parse(value, now()).map(|date| LastModified { date, strong: true });
            }
            Some((b"Gone", _)) => exists = false,
            Some((b"Exact", _)) => tag_suffixes = false,
            _ => {}
        }
    }
    let method = Method::of(&method);
    let context = Context { tag_suffixes, accept_weakened: false, now };
    let current = exists.then_some(&validators);
    let decision = preconditions.evaluate(method, current, &context);
    assert_eq!(decision, preconditions.evaluate(method, current, &context));
    let judge = Judge { preconditions, method, current, tag_suffixes };
    judge.check(decision);
    judge.check_range(preconditions.range_applies(method, &validators, &context));
    assert_eq!(
        Preconditions { if_range: None, ..preconditions }.evaluate(method, current, &context),
        decision
    );
});

struct Judge<'a> {
    preconditions: Preconditions<'a>,
    method: Method,
    current: Option<&'a Validators<'a>>,
    tag_suffixes: bool,
}

impl Judge<'_> {
    /// What RFC 9110 and our own words say of each decision, each said alone and so easily checked.
    fn check(&self, decision: Decision) {
        let fields = &self.preconditions;
        let is_read = self.method.is_read();
        if self.method == Method::Exempt || fields.is_empty() {
            assert_eq!(decision, Decision::Proceed);
            return;
        }
        match decision {
            Decision::NotModified => {
                assert!(is_read, "a 304 for another method than GET and HEAD");
                assert!(self.current.is_some(), "a 304 for what there is not");
                assert!(
                    if fields.if_none_match.is_some() {
                        self.none_match_finds()
                    } else {
                        self.is_not_newer()
                    },
                    "a 304 without a reason"
                );
            }
            Decision::PreconditionFailed => {
                let refused_match = fields.if_match.is_some() && !self.match_holds();
                let refused_date = fields.if_match.is_none() && fields.if_unmodified_since.is_some();
                let refused_none_match = !is_read && fields.if_none_match.is_some();
                assert!(refused_match || refused_date || refused_none_match, "a 412 without a reason");
            }
            Decision::Proceed => {
                if fields.if_match.is_some() {
                    assert!(self.match_holds(), "If-Match does not hold");
                }
                if fields.if_none_match.is_some() {
                    assert!(!self.none_match_finds(), "If-None-Match finds the tag");
                    if !is_read {
                        let field = fields.if_none_match.unwrap_or_default();
                        let plain = plain::list(field).is_some() && plain::trim(field).len() <= MAX_FIELD;
                        let star = plain::trim(field) == b"*";
                        assert!(plain || star, "a write proceeds on a malformed If-None-Match");
                    }
                } else if is_read && fields.if_modified_since.is_some() {
                    assert!(!self.is_not_newer(), "not newer, and yet sent");
                }
            }
        }
    }

    /// §13.1.1: `*` and something there, or a list by the letter with the tag in it, strong both.
    fn match_holds(&self) -> bool {
        let (Some(field), Some(current)) = (self.preconditions.if_match, self.current) else { return false };
        let field = plain::trim(field);
        if field == b"*" {
            return true;
        }
        let (Some(etag), Some(tags)) = (current.etag, plain::list(field)) else { return false };
        field.len() <= MAX_FIELD && !etag.is_weak() && tags.contains(&(etag.opaque(), false))
    }

    /// §13.1.2: does the field name the current tag, weakly or by a coding's suffix? A tag counts if nothing
    /// but a comma or an end stands beside it.
    fn none_match_finds(&self) -> bool {
        let (Some(field), Some(current)) = (self.preconditions.if_none_match, self.current) else {
            return false;
        };
        let field = plain::trim(field);
        if field == b"*" {
            return true;
        }
        let Some(etag) = current.etag else { return false };
        if field.len() > MAX_FIELD {
            return false;
        }
        let mut wanted = vec![etag.opaque().to_vec()];
        if self.tag_suffixes {
            for separator in ["-", "--", ";"] {
                for coding in ["gzip", "br", "zstd", "deflate"] {
                    wanted.push([etag.opaque(), separator.as_bytes(), coding.as_bytes()].concat());
                }
            }
        }
        if let Some(tags) = plain::list(field) {
            return tags.iter().any(|(opaque, _)| wanted.iter().any(|wanted| wanted == opaque));
        }
        // Where the list is broken, which tags still count is for its own tests; but none can that is not in
        // there at all.
        let quoted = |opaque: &Vec<u8>| [b"\"", opaque.as_slice(), b"\""].concat();
        let is_in = |tag: &[u8]| field.windows(tag.len()).any(|window| window == tag);
        let found = notmodified::http::entity_tag::list(field).any(|element| {
            matches!(element, notmodified::http::entity_tag::Element::Tag(tag)
                if wanted.iter().any(|wanted| wanted == tag.opaque()))
        });
        assert!(!found || wanted.iter().any(|wanted| is_in(&quoted(wanted))));
        found
    }

    /// §13.1.3, the other way about.
    fn is_not_newer(&self) -> bool {
        let date = self.preconditions.if_modified_since.and_then(|field| HttpDate::parse(field, now()));
        let last = self.current.and_then(|current| current.last_modified);
        matches!((date, last), (Some(date), Some(last)) if last.date <= date)
    }

    /// §13.1.5 and §14.2.
    fn check_range(&self, applies: bool) {
        if !applies {
            return;
        }
        assert_eq!(self.method, Method::Get);
        if let Some(field) = self.preconditions.if_range {
            assert!(!plain::trim(field).starts_with(b"W/"), "a weak tag in If-Range");
        }
    }
}
