//! What a shared cache may store, and how long it is fresh (RFC 9111 §3, §4.2, §5.2).
//!
//! There is no heuristic freshness (§4.2.2 allows it, nothing asks for it): where nothing is said, nothing is
//! stored. Ages are counted from the start of the request (§4.2.3), so that a slow answer is no fresher for
//! it. Times are milliseconds since 1970, handed in: there is no clock here.

use smallvec::SmallVec;

use super::cache_control::{CacheControl, MAX_SECONDS, Scope};
use super::date::HttpDate;
use super::field::{self, is_name, trim_ows};
use super::targeted;

/// A time, in milliseconds since 1970 in UTC.
pub type Millis = i64;

/// How many fields a Vary may name. What varies on more is not stored.
pub const MAX_VARY: usize = 16;

/// The names in a Vary: lower-case, sorted, each once.
pub type VaryNames = SmallVec<[String; 4]>;

/// Why a response is not stored. Each has a documented word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Only a 200 is (RFC 9111 §3: a final status that the cache understands).
    Status,
    /// `no-store` (§5.2.2.5), or the request's (§5.2.1.5) where requests are obeyed.
    NoStore,
    /// `private` (§5.2.2.7): this is a shared cache.
    Private,
    /// `no-cache` (§5.2.2.4): each use would have to ask the app first.
    NoCache,
    /// It sets a cookie, which is for one client (§7.3).
    SetCookie,
    /// `Vary: *`, or more than can be compared (§4.1).
    Vary,
    /// The request has Authorization, and nothing allows sharing the answer (§3.5).
    Authorization,
    /// The request has a Cookie, and nothing says that the answer is not made for it.
    Cookie,
    /// No max-age, s-maxage or Expires: there is no heuristic freshness.
    NothingSaid,
    /// Stale from the start: 0 seconds, an Expires in the past, a directive that is no number or comes twice
    /// (§4.2.1).
    Stale,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Status,
        Self::NoStore,
        Self::Private,
        Self::NoCache,
        Self::SetCookie,
        Self::Vary,
        Self::Authorization,
        Self::Cookie,
        Self::NothingSaid,
        Self::Stale,
    ];

    /// The documented word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::NoStore => "no-store",
            Self::Private => "private",
            Self::NoCache => "no-cache",
            Self::SetCookie => "set-cookie",
            Self::Vary => "vary",
            Self::Authorization => "authorization",
            Self::Cookie => "cookie",
            Self::NothingSaid => "nothing-said",
            Self::Stale => "stale",
        }
    }
}

/// What matters of a request when its response may be stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// It has an Authorization field.
    pub authorization: bool,
    /// It has a Cookie field.
    pub cookie: bool,
    /// It says `no-store`, and requests are obeyed.
    pub no_store: bool,
    /// When it came.
    pub at: Millis,
}

/// Which requests a stored response may answer besides those without credentials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sharing {
    /// Those with Authorization: `public`, `s-maxage` or `must-revalidate` says so (RFC 9111 §3.5).
    pub authorization: bool,
    /// Those with a Cookie: `public`, `s-maxage` or the targeted field says so, or Vary names Cookie.
    pub cookie: bool,
}

/// How old a stored response is, and how long it may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// When its age was 0 (§4.2.3).
    pub born: Millis,
    /// How long it is fresh, in seconds of age (§4.2.1).
    pub lifetime: u32,
    /// For how many seconds more it may be used while one request revalidates it (RFC 5861 §3).
    pub while_revalidate: u32,
}

/// What [`Freshness::at`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It may be used.
    Fresh,
    /// It may be used if another request is at work to renew it.
    WhileRevalidate,
    /// It may not be used.
    Stale,
}

impl Freshness {
    /// Whether it may be used at a time. A time before it was born (a clock that was set back) is none to
    /// trust: stale.
    #[must_use]
    pub const fn at(&self, now: Millis) -> State {
        let age = now.saturating_sub(self.born);
        let lifetime = self.lifetime as i64 * 1000;
        if age < 0 {
            State::Stale
        } else if age < lifetime {
            State::Fresh
        } else if age < lifetime + self.while_revalidate as i64 * 1000 {
            State::WhileRevalidate
        } else {
            State::Stale
        }
    }

    /// Its age in whole seconds, for the field Age (§5.1).
    #[must_use]
    pub fn age(&self, now: Millis) -> u32 {
        u32::try_from(now.saturating_sub(self.born).max(0) / 1000).unwrap_or(MAX_SECONDS).min(MAX_SECONDS)
    }

    /// When even the last use ends.
    #[must_use]
    pub const fn ends(&self) -> Millis {
        self.born + (self.lifetime as i64 + self.while_revalidate as i64) * 1000
    }
}

/// What the fields of a response say about storing it, read once.
#[derive(Debug, Default)]
pub struct Said {
    directives: CacheControl,
    is_targeted: bool,
    /// How often the lifetime is given: max-age, s-maxage, Expires.
    given: [usize; 3],
    expires: Option<HttpDate>,
    date: Option<HttpDate>,
    age: Option<u32>,
    /// `None` if it can't be compared.
    vary: Option<VaryNames>,
    sets_cookie: bool,
}

/// What is known of a response that may be stored.
#[derive(Debug)]
pub struct Terms {
    /// How old it is, and for how long it may be used.
    pub freshness: Freshness,
    /// Whom it may answer.
    pub sharing: Sharing,
    /// The request fields that it varies on.
    pub vary: VaryNames,
    /// The fields that it must be stored without: those that `private` or `no-cache` names (§5.2.2.4,
    /// §5.2.2.7), lower-case.
    pub withheld: Vec<String>,
}

impl Said {
    /// Read the fields of a response as it leaves. `now` decides the century of old dates.
    pub fn of<'a>(fields: impl Iterator<Item = (&'a str, &'a str)>, now: HttpDate) -> Self {
        let mut said = Self { vary: Some(VaryNames::new()), ..Self::default() };
        let mut targeted: Option<String> = None;
        let date = |value: &str| HttpDate::parse(value.as_bytes(), now);
        for (name, value) in fields {
            match name.len() {
                // Of a list the first member; what is no number is ignored (§5.1).
                3 if is_name(name, "Age") && said.age.is_none() => {
                    said.age = field::elements(value.as_bytes()).next().and_then(delta_seconds);
                }
                4 if is_name(name, "Date") => said.date = date(value),
                4 if is_name(name, "Vary") => {
                    said.vary = said.vary.take().and_then(|names| add_vary(names, value));
                }
                7 if is_name(name, "Expires") => {
                    // What is no date, "0" above all, is in the past (§5.3).
                    said.expires = date(value);
                    said.given[2] += 1;
                }
                10 if is_name(name, "Set-Cookie") => said.sets_cookie = true,
                13 if is_name(name, "Cache-Control") => {
                    said.directives.add_field(value);
                    said.given[0] += count(value, b"max-age");
                    said.given[1] += count(value, b"s-maxage");
                }
                25 if is_name(name, targeted::NAME) => match &mut targeted {
                    Some(lines) => {
                        lines.push_str(", ");
                        lines.push_str(value);
                    }
                    None => targeted = Some(value.to_owned()),
                },
                _ => {}
            }
        }
        if let Some(directives) = targeted.as_deref().and_then(targeted::read) {
            // Its dictionary has each directive once.
            said.given = [directives.max_age.is_some().into(), directives.s_maxage.is_some().into(), 0];
            said.directives = directives;
            said.is_targeted = true;
        }
        said
    }

    /// The names in Vary; `None` if they can't be compared (§4.1).
    #[must_use]
    pub fn vary(&self) -> Option<&VaryNames> {
        self.vary.as_ref()
    }

    /// Whether a shared cache may store the response, and on what terms. `status` is that of the answer that
    /// the fields belong to; a 304 that freshens a stored 200 counts as one.
    ///
    /// # Errors
    ///
    /// The reason why not, the first that holds.
    pub fn terms(self, status: u16, asked: &Asked) -> Result<Terms, Refusal> {
        let Self { directives, date, age, vary, .. } = &self;
        if status != 200 {
            return Err(Refusal::Status);
        }
        // must-understand lifts no-store for a cache that knows what the status means (§5.2.2.3): 200 it does.
        if directives.no_store && !directives.must_understand || asked.no_store {
            return Err(Refusal::NoStore);
        }
        let mut withheld = Vec::new();
        for (scope, refusal) in
            [(&directives.private, Refusal::Private), (&directives.no_cache, Refusal::NoCache)]
        {
            match scope {
                None => {}
                Some(Scope::Everything) => return Err(refusal),
                // Without these there is nothing left to use.
                Some(Scope::Fields(names))
                    if names
                        .iter()
                        .any(|name| matches!(name.as_str(), "etag" | "vary" | "last-modified")) =>
                {
                    return Err(refusal);
                }
                Some(Scope::Fields(names)) => withheld.extend(names.iter().cloned()),
            }
        }
        if self.sets_cookie {
            return Err(Refusal::SetCookie);
        }
        let vary = vary.clone().ok_or(Refusal::Vary)?;
        let says_shared = directives.public || directives.s_maxage.is_some();
        let sharing = Sharing {
            authorization: says_shared || directives.must_revalidate,
            cookie: says_shared || self.is_targeted || vary.iter().any(|name| name == "cookie"),
        };
        if asked.authorization && !sharing.authorization {
            return Err(Refusal::Authorization);
        }
        let lifetime = self.lifetime(asked.at)?;
        if asked.cookie && !sharing.cookie {
            return Err(Refusal::Cookie);
        }
        // A shared cache must not use these when stale (§4.2.4).
        let never_stale =
            directives.must_revalidate || directives.proxy_revalidate || directives.s_maxage.is_some();
        let while_revalidate = directives.stale_while_revalidate.filter(|_| !never_stale).unwrap_or(0);
        // The later of what the response says and what passed here (§4.2.3).
        let by_age = asked.at - i64::from(age.unwrap_or(0)) * 1000;
        let born = date.map_or(by_age, |date| by_age.min(date.unix().saturating_mul(1000)));
        let freshness = Freshness { born, lifetime, while_revalidate };
        if freshness.ends() <= asked.at {
            return Err(Refusal::Stale);
        }
        Ok(Terms { freshness, sharing, vary, withheld })
    }

    /// The freshness lifetime in seconds (§4.2.1): s-maxage, else max-age, else Expires less Date.
    fn lifetime(&self, at: Millis) -> Result<u32, Refusal> {
        let [max_ages, s_maxages, many_expires] = self.given;
        let said = [
            (s_maxages, self.directives.s_maxage),
            (max_ages, self.directives.max_age),
            (
                many_expires,
                self.expires.map(|expires| {
                    let date = self.date.map_or(at.div_euclid(1000), HttpDate::unix);
                    u32::try_from(expires.unix().saturating_sub(date).max(0)).unwrap_or(MAX_SECONDS)
                }),
            ),
        ];
        match said.into_iter().find(|(times, _)| *times > 0) {
            Some((1, lifetime)) => Ok(lifetime.unwrap_or(0).min(MAX_SECONDS)),
            // Twice is stale: who said 0 must not be overruled by who said 3600.
            Some(_) => Err(Refusal::Stale),
            None if self.directives.stale_while_revalidate.is_some() => Ok(0),
            None => Err(Refusal::NothingSaid),
        }
    }
}

/// How often a directive stands in a line.
fn count(value: &str, name: &[u8]) -> usize {
    let is_it = |element: &&[u8]| {
        let end = element.iter().position(|octet| *octet == b'=').unwrap_or(element.len());
        element.get(..end).is_some_and(|found| trim_ows(found).eq_ignore_ascii_case(name))
    };
    field::elements(value.as_bytes()).filter(is_it).count()
}

fn delta_seconds(value: &[u8]) -> Option<u32> {
    (!value.is_empty()).then_some(())?;
    value.iter().try_fold(0_u32, |number, octet| {
        let digit = octet.checked_sub(b'0').filter(|digit| *digit <= 9)?;
        Some(number.saturating_mul(10).saturating_add(u32::from(digit)).min(MAX_SECONDS))
    })
}

/// Take in a line of Vary. `None` for `*`, for what is no field name, and for too many.
fn add_vary(mut names: VaryNames, line: &str) -> Option<VaryNames> {
    for element in field::elements(line.as_bytes()) {
        // `*` is a token as well.
        if element == b"*" || !field::is_token(element) {
            return None;
        }
        let name = std::str::from_utf8(element).ok()?.to_ascii_lowercase();
        if let Err(place) = names.binary_search(&name) {
            names.insert(place, name);
        }
        if names.len() > MAX_VARY {
            return None;
        }
    }
    Some(names)
}

/// Whether the directives of a request allow the use of a stored response (§5.2.1). Only where requests are
/// obeyed: they are advisory, and a browser's reload says `max-age=0`.
#[must_use]
pub fn request_allows(directives: &CacheControl, no_cache: bool, freshness: &Freshness, now: Millis) -> bool {
    let age = freshness.age(now);
    !no_cache
        && directives.no_cache.is_none()
        && directives.max_age.is_none_or(|most| age <= most && most > 0)
        && directives.min_fresh.is_none_or(|least| freshness.lifetime.saturating_sub(age) >= least)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const AT: Millis = 784_111_777_500; // Half a second after DATE.
    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const IN_AN_HOUR: &str = "Sun, 06 Nov 1994 09:49:37 GMT";

    fn said(fields: &[(&str, &str)]) -> Said {
        Said::of(fields.iter().copied(), HttpDate::from_unix(AT / 1000).unwrap())
    }

    fn terms(fields: &[(&str, &str)]) -> Result<Terms, Refusal> {
        said(fields).terms(200, &Asked { at: AT, ..Asked::default() })
    }

    fn lifetime(fields: &[(&str, &str)]) -> Result<u32, Refusal> {
        terms(fields).map(|terms| terms.freshness.lifetime)
    }

    fn directives(value: &str) -> Result<u32, Refusal> {
        lifetime(&[("Cache-Control", value)])
    }

    #[test]
    fn s_maxage_is_before_max_age_and_that_before_expires_as_4_2_1_says() {
        assert_eq!(directives("max-age=60, s-maxage=5"), Ok(5));
        assert_eq!(lifetime(&[("Cache-Control", "max-age=60"), ("Expires", IN_AN_HOUR)]), Ok(60));
        assert_eq!(lifetime(&[("Date", DATE), ("Expires", IN_AN_HOUR)]), Ok(3600));
        assert_eq!(lifetime(&[("Expires", IN_AN_HOUR)]), Ok(3600));
    }

    #[test]
    fn an_expires_counts_from_the_date_of_the_response() {
        let older = [("Date", "Sun, 06 Nov 1994 08:19:37 GMT"), ("Expires", IN_AN_HOUR)];
        let terms = terms(&older).unwrap();
        assert_eq!(terms.freshness.lifetime, 5400);
        assert_eq!(terms.freshness.age(AT), 1800);
    }

    #[test]
    fn with_nothing_said_there_is_no_heuristic() {
        for fields in [&[][..], &[("Last-Modified", DATE)], &[("Cache-Control", "public, must-revalidate")]] {
            assert_eq!(lifetime(fields), Err(Refusal::NothingSaid), "{fields:?}");
        }
    }

    #[test]
    fn what_is_doubtful_is_stale_as_4_2_1_wants() {
        for value in [
            "max-age=1h",
            "max-age=-1",
            "max-age",
            "max-age=60, max-age=60",
            "max-age=0",
            "s-maxage=x, max-age=9",
        ] {
            assert_eq!(directives(value), Err(Refusal::Stale), "{value}");
        }
        let lines = [("Cache-Control", "max-age=3600"), ("Cache-Control", "max-age=0")];
        assert_eq!(lifetime(&lines), Err(Refusal::Stale));
        for value in ["0", "-1", "", "yesterday", DATE, "Sun, 06 Nov 1994 08:49:36 GMT"] {
            assert_eq!(lifetime(&[("Date", DATE), ("Expires", value)]), Err(Refusal::Stale), "{value}");
        }
        assert_eq!(lifetime(&[("Expires", IN_AN_HOUR), ("Expires", IN_AN_HOUR)]), Err(Refusal::Stale));
        assert_eq!(directives("max-age=9999999999999"), Ok(MAX_SECONDS));
    }

    #[test]
    fn a_quoted_lookalike_is_no_directive() {
        assert_eq!(directives("x=\"max-age=1, max-age=2\", max-age=60"), Ok(60));
    }

    #[test]
    fn a_shared_cache_stores_nothing_private_and_nothing_that_must_not_be_reused() {
        for (value, why) in [
            ("no-store, max-age=60", Refusal::NoStore),
            ("private, max-age=60", Refusal::Private),
            ("private=\"etag\", max-age=60", Refusal::Private),
            ("no-cache, max-age=60", Refusal::NoCache),
            ("no-cache=\"Vary\", max-age=60", Refusal::NoCache),
        ] {
            assert_eq!(directives(value), Err(why), "{value}");
        }
        let cookie = [("Cache-Control", "public, max-age=60"), ("Set-Cookie", "a=b")];
        assert_eq!(lifetime(&cookie), Err(Refusal::SetCookie));
        for status in [203, 204, 206, 301, 304, 404, 410, 500] {
            let said = said(&[("Cache-Control", "public, max-age=60")]);
            assert_eq!(said.terms(status, &Asked::default()).unwrap_err(), Refusal::Status, "{status}");
        }
    }

    #[test]
    fn must_understand_lifts_no_store_for_a_status_that_is_understood() {
        assert_eq!(directives("must-understand, no-store, max-age=60"), Ok(60));
    }

    #[test]
    fn named_fields_are_withheld_and_the_rest_is_stored() {
        let terms = terms(&[("Cache-Control", "max-age=60, private=\"X-User\", no-cache=\"X-Cart, link\"")]);
        assert_eq!(terms.unwrap().withheld, ["x-user", "x-cart", "link"]);
    }

    #[test]
    fn credentials_need_a_word_that_allows_sharing() {
        let ask = |value: &str, vary: &str, asked: Asked| {
            said(&[("Cache-Control", value), ("Vary", vary)]).terms(200, &asked).map(|terms| terms.sharing)
        };
        let authorization = Asked { authorization: true, at: AT, ..Asked::default() };
        let cookie = Asked { cookie: true, at: AT, ..Asked::default() };
        assert_eq!(ask("max-age=60", "", authorization), Err(Refusal::Authorization));
        assert_eq!(ask("max-age=60", "Authorization", authorization), Err(Refusal::Authorization));
        for value in ["max-age=60, public", "s-maxage=60", "max-age=60, must-revalidate"] {
            assert!(ask(value, "", authorization).unwrap().authorization, "{value}");
        }
        assert_eq!(ask("max-age=60", "Accept", cookie), Err(Refusal::Cookie));
        assert_eq!(ask("max-age=60, must-revalidate", "", cookie), Err(Refusal::Cookie));
        for (value, vary) in
            [("max-age=60, public", ""), ("s-maxage=60", ""), ("max-age=60", "Accept, Cookie")]
        {
            assert!(ask(value, vary, cookie).unwrap().cookie, "{value} {vary}");
        }
        assert_eq!(ask("max-age=60", "", Asked { at: AT, ..Asked::default() }), Ok(Sharing::default()));
    }

    #[test]
    fn the_targeted_field_replaces_cache_control_and_expires() {
        let with = |targeted| {
            terms(&[
                ("Cache-Control", "no-store, max-age=1"),
                ("Expires", IN_AN_HOUR),
                ("Notmodified-Cache-Control", targeted),
            ])
        };
        let terms = with("max-age=60").unwrap();
        assert_eq!(terms.freshness.lifetime, 60);
        assert_eq!(terms.sharing, Sharing { authorization: false, cookie: true });
        assert_eq!(with("no-store").unwrap_err(), Refusal::NoStore);
        assert_eq!(with("public").unwrap_err(), Refusal::NothingSaid);
        // Empty or malformed: as if it were not there (RFC 9213 §2.1).
        for value in ["", "max-age=60;;"] {
            assert_eq!(with(value).unwrap_err(), Refusal::NoStore, "{value}");
        }
    }

    #[test]
    fn the_age_counts_from_the_start_of_the_request_and_from_upstream() {
        let freshness = |fields| terms(fields).unwrap().freshness;
        let here = freshness(&[("Cache-Control", "max-age=60")]);
        assert_eq!((here.born, here.age(AT + 2999)), (AT, 2));
        let upstream = freshness(&[("Cache-Control", "max-age=60"), ("Age", "50, 1")]);
        assert_eq!(upstream.age(AT), 50);
        assert_eq!(upstream.at(AT + 9999), State::Fresh);
        assert_eq!(upstream.at(AT + 10_000), State::Stale);
        let dated = freshness(&[("Cache-Control", "max-age=60"), ("Age", "old"), ("Date", DATE)]);
        assert_eq!(dated.born, AT - 500);
        // A Date to come makes nothing younger.
        assert_eq!(freshness(&[("Cache-Control", "max-age=60"), ("Date", IN_AN_HOUR)]).born, AT);
        assert_eq!(lifetime(&[("Cache-Control", "max-age=60"), ("Age", "60")]), Err(Refusal::Stale));
    }

    #[test]
    fn a_clock_that_was_set_back_makes_nothing_fresh() {
        let freshness = Freshness { born: AT, lifetime: 60, while_revalidate: 60 };
        assert_eq!(freshness.at(AT - 1), State::Stale);
        assert_eq!(freshness.age(AT - 1), 0);
    }

    #[test]
    fn stale_while_revalidate_is_a_window_after_the_lifetime() {
        let terms = terms(&[("Cache-Control", "max-age=10, stale-while-revalidate=5")]).unwrap();
        let at = |seconds: Millis| terms.freshness.at(AT + seconds * 1000);
        assert_eq!(
            [at(0), at(9), at(10), at(14), at(15)],
            [State::Fresh, State::Fresh, State::WhileRevalidate, State::WhileRevalidate, State::Stale]
        );
        for strict in ["must-revalidate", "proxy-revalidate", "s-maxage=10"] {
            let value = format!("max-age=10, stale-while-revalidate=5, {strict}");
            let fields = [("Cache-Control", value.as_str())];
            assert_eq!(super::tests::terms(&fields).unwrap().freshness.while_revalidate, 0, "{strict}");
        }
    }

    #[test]
    fn vary_is_a_set_of_names_and_a_star_is_never_compared() {
        let vary = |lines: &[&str]| {
            let fields: Vec<_> = lines.iter().map(|line| ("vary", *line)).collect();
            said(&fields).vary().map(|names| names.to_vec())
        };
        assert_eq!(
            vary(&["Cookie, Accept", "ACCEPT,accept-language"]).unwrap(),
            ["accept", "accept-language", "cookie"]
        );
        let many: Vec<_> = (0..=MAX_VARY).map(|number| format!("x-{number}")).collect();
        for line in ["*", "Accept, *", "a b", &many.join(",")] {
            assert_eq!(vary(&[line]), None, "{line}");
        }
    }

    #[test]
    fn a_request_that_is_obeyed_may_ask_for_something_fresher() {
        let freshness = Freshness { born: AT, lifetime: 60, while_revalidate: 0 };
        let allows = |value| request_allows(&CacheControl::from_field(value), false, &freshness, AT + 10_000);
        for value in ["", "max-age=10", "min-fresh=50", "max-stale=99", "no-store"] {
            assert!(allows(value), "{value}");
        }
        for value in ["no-cache", "max-age=0", "max-age=9", "min-fresh=51"] {
            assert!(!allows(value), "{value}");
        }
        assert!(!request_allows(&CacheControl::default(), true, &freshness, AT));
    }

    proptest! {
        #[test]
        fn no_field_panics_and_none_makes_a_response_younger(
            fields in proptest::collection::vec(
                ("(Age|Date|Vary|Expires|Cache-Control|Notmodified-Cache-Control)", "\\PC{0,40}"), 0..6),
            at in any::<i32>(),
        ) {
            let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let at = Millis::from(at) * 1000;
            if let Ok(terms) = said(&fields).terms(200, &Asked { at, ..Asked::default() }) {
                prop_assert!(terms.freshness.born <= at);
                prop_assert!(terms.freshness.ends() > at);
            }
        }
    }
}
