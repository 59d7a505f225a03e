//! Rules on hops: what one made of the response that the hop inside of it gave.

use super::catalogue as kinds;
use super::exchange::Response;
use super::finding::Finding;
use super::freshness::directives;
use super::not_modified::names;
use super::probe::Probe;
use super::view::{Series, Sight, Taken, View};
use crate::http::cache_control::Scope;
use crate::http::entity_tag::EntityTag;

/// Compare each hop of a page with the one inside of it, in each coding that both were asked for.
pub(super) fn compare(sight: &Sight<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for pair in sight.views.windows(2) {
        let [inner, outer] = pair else { continue };
        for pair in pairs(inner, outer) {
            findings.extend(RULES.iter().filter_map(|rule| rule(&pair)));
        }
    }
    findings
}

/// The same page in the same coding at two hops, and the plain GETs.
struct Pair<'s, 'a> {
    inner: &'s Series<'a>,
    outer: &'s Series<'a>,
    before: (Taken<'a>, &'a Response),
    after: (Taken<'a>, &'a Response),
}

fn pairs<'s, 'a>(inner: &'s View<'a>, outer: &'s View<'a>) -> Vec<Pair<'s, 'a>> {
    let pair = |outer: &'s Series<'a>| {
        // Where the inner hop has no such coding it answers as it does without.
        let inner = inner.series.iter().find(|series| series.coding == outer.coding).or(inner.plain())?;
        Some(Pair { inner, outer, before: inner.first()?, after: outer.first()? })
    };
    outer.series.iter().filter_map(pair).collect()
}

impl Pair<'_, '_> {
    fn finding(&self, definition: &'static crate::finding::Definition, says: String) -> Finding {
        Finding::new(definition, self.outer, says).shown_by([self.before.0, self.after.0])
    }

    fn tags(&self) -> (Option<&str>, Option<&str>) {
        (self.before.1.fields.get("ETag"), self.after.1.fields.get("ETag"))
    }

    fn names(&self) -> (&str, &str) {
        (&self.inner.hop.name, &self.outer.hop.name)
    }
}

const RULES: &[fn(&Pair<'_, '_>) -> Option<Finding>] =
    &[stripped, weakened, suffixed, validator_lost, vary_lost, cookie_added, private_shared];

fn stripped(pair: &Pair<'_, '_>) -> Option<Finding> {
    let (Some(tag), None) = pair.tags() else { return None };
    let (inner, outer) = pair.names();
    let is_ill = EntityTag::parse(tag.as_bytes()).is_none();
    let why = if is_ill { ", which is not in double quotes" } else { "" };
    let says = format!("Between {inner} and {outer} the ETag {tag} is removed{why}.");
    Some(pair.finding(&kinds::STRIPPED_TAG, says))
}

fn weakened(pair: &Pair<'_, '_>) -> Option<Finding> {
    let (Some(before), Some(after)) = pair.tags() else { return None };
    let (one, other) = (EntityTag::parse(before.as_bytes())?, EntityTag::parse(after.as_bytes())?);
    let (inner, outer) = pair.names();
    let says = format!("Between {inner} and {outer} the ETag {before} becomes {after}.");
    (one.weak_eq(other) && !one.is_weak() && other.is_weak())
        .then(|| pair.finding(&kinds::TAG_WEAKENED, says))
}

/// A suffix that does no harm is no finding: whoever judges knows it.
fn suffixed(pair: &Pair<'_, '_>) -> Option<Finding> {
    let (Some(before), Some(after)) = pair.tags() else { return None };
    let (one, other) = (EntityTag::parse(before.as_bytes())?, EntityTag::parse(after.as_bytes())?);
    let asked = pair.outer.get(Probe::InmExact)?;
    let (inner, outer) = pair.names();
    let says = format!(
        "Between {inner} and {outer} the ETag {before} becomes {after}, and the suffix is not taken off again: what is \
         compressed never gets a 304."
    );
    (one.is_base_of(other) && asked.exchange.status() == Some(200))
        .then(|| pair.finding(&kinds::TAG_SUFFIXED, says).shown_by([asked]))
}

/// Inside a 304, outside the whole.
fn validator_lost(pair: &Pair<'_, '_>) -> Option<Finding> {
    let (before, after) = pair.tags();
    let (field, probe) = match (before, after) {
        (Some(before), Some(after)) => {
            let (one, other) = (EntityTag::parse(before.as_bytes())?, EntityTag::parse(after.as_bytes())?);
            one.weak_eq(other).then_some(("If-None-Match", Probe::InmExact))?
        }
        (None, None) => {
            let date = |series: &Series<'_>| series.last_modified();
            (date(pair.inner)? == date(pair.outer)?).then_some(("If-Modified-Since", Probe::ImsSame))?
        }
        _ => return None,
    };
    let (asked, again) = (pair.inner.get(probe)?, pair.outer.get(probe)?);
    let (inner, outer) = pair.names();
    let says = format!("{field} gets a 304 at {inner}, and the whole response at {outer}.");
    (asked.exchange.status() == Some(304) && again.exchange.status() == Some(200))
        .then(|| Finding::new(&kinds::VALIDATOR_LOST, pair.outer, says).shown_by([asked, again]))
}

fn vary_lost(pair: &Pair<'_, '_>) -> Option<Finding> {
    let of = |response: &Response| names(&response.fields.joined("Vary").unwrap_or_default());
    let (before, after) = (of(pair.before.1), of(pair.after.1));
    let lost: Vec<String> = before.into_iter().filter(|name| !after.contains(name)).collect();
    let (inner, outer) = pair.names();
    let says = format!("Vary names {} at {inner}, and not at {outer}.", lost.join(", "));
    (!lost.is_empty() && !after.iter().any(|name| name == "*")).then(|| pair.finding(&kinds::VARY_LOST, says))
}

/// Most balancers set their cookie only for who comes without one.
fn cookie_added(pair: &Pair<'_, '_>) -> Option<Finding> {
    let before: Vec<String> = cookies(pair.inner).into_iter().map(|(name, _)| name).collect();
    let (added, taken) = cookies(pair.outer).into_iter().find(|(name, _)| !before.contains(name))?;
    let (inner, outer) = pair.names();
    let says = format!("Between {inner} and {outer} the cookie {added} is added.");
    Some(Finding::new(&kinds::COOKIE_ADDED, pair.outer, says).shown_by([pair.before.0, taken]))
}

/// The cookies that plain GETs were answered with, with and without those of the answer before.
fn cookies<'a>(series: &Series<'a>) -> Vec<(String, Taken<'a>)> {
    let plain = [Probe::First, Probe::Cookieless].into_iter().filter_map(|probe| series.get(probe));
    plain
        .flat_map(|taken| {
            let lines =
                taken.exchange.answer().into_iter().flat_map(|response| response.fields.all("Set-Cookie"));
            lines.map(move |line| (line.split('=').next().unwrap_or_default().trim().to_owned(), taken))
        })
        .collect()
}

/// What must not be shared came out of a cache.
fn private_shared(pair: &Pair<'_, '_>) -> Option<Finding> {
    let directives = directives(&pair.before.1.fields);
    let is_private = directives.no_store || directives.private == Some(Scope::Everything);
    let all = pair.outer.plain_gets();
    let (taken, _) = all.into_iter().find(|(_, response)| is_from_cache(response))?;
    let (inner, outer) = pair.names();
    let says = format!(
        "Between {inner} and {outer} there is a cache that hands out what {inner} says is for one client alone."
    );
    is_private
        .then(|| Finding::new(&kinds::PRIVATE_SHARED, pair.outer, says).shown_by([pair.before.0, taken]))
}

/// Do its fields say that it came out of a cache?
fn is_from_cache(response: &Response) -> bool {
    let hit =
        |name| response.fields.joined(name).is_some_and(|field| field.to_ascii_lowercase().contains("hit"));
    let aged = response.fields.get("Age").is_some_and(|age| age.parse::<u64>().is_ok_and(|age| age > 0));
    aged || hit("X-Cache")
        || hit("X-Cache-Status")
        || hit("X-Proxy-Cache")
        || hit("Cache-Status")
        || hit("CF-Cache-Status")
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, findings};

    /// The findings, and the hop that each is said to be of.
    fn told(inner: &Sample, outer: &Sample) -> Vec<(String, String)> {
        findings(&Sample::hops(&[("origin", inner), ("client", outer)]).report())
            .into_iter()
            .map(|finding| {
                (finding["id"].as_str().unwrap().to_owned(), finding["hop"].as_str().unwrap().to_owned())
            })
            .collect()
    }

    fn at_client(ids: &[&str]) -> Vec<(String, String)> {
        ids.iter().map(|id| ((*id).to_owned(), "client".to_owned())).collect()
    }

    #[test]
    fn what_a_hop_did_is_told_of_that_hop() {
        let page = Sample::page();
        let with_vary = || Sample::page().with("Vary", "Cookie").with_304("Vary", "Cookie");
        let unjudged = [("ETag", "\"a\"")];
        assert_eq!(told(&page, &Sample::page()), []);
        assert_eq!(
            told(&page, &Sample::page().with("ETag", "W/\"a\"").with_304("ETag", "W/\"a\"")),
            at_client(&["tag-weakened"])
        );
        assert_eq!(told(&with_vary(), &page), at_client(&["vary-lost"]));
        assert_eq!(told(&page, &Sample::page().with("Set-Cookie", "lb=1")), at_client(&["cookie-added"]));
        let for_newcomers = Sample::page().answer("cookieless", 200, &[("Set-Cookie", "lb=1")], "content");
        assert_eq!(told(&page, &for_newcomers), at_client(&["cookie-added"]));
        assert_eq!(
            told(&page, &Sample::page().without("ETag").without("Last-Modified")),
            at_client(&["tag-stripped"])
        );
        let lost = Sample::page().without("Last-Modified").answer("inm-exact", 200, &unjudged, "content");
        assert_eq!(told(&Sample::page().without("Last-Modified"), &lost), at_client(&["validator-lost"]));
        let dated = || Sample::page().without("ETag");
        let lost = dated().answer("ims-same", 200, &[], "content");
        assert_eq!(told(&dated(), &lost), at_client(&["validator-lost"]));
    }

    #[test]
    fn a_defect_of_the_application_is_told_of_it_and_not_of_the_proxy() {
        let page = || Sample::page().answer("inm-comma", 200, &[("ETag", "\"a\"")], "content");
        let report = Sample::hops(&[("origin", &page()), ("client", &page())]).report();
        let all = findings(&report);
        assert_eq!(all.len(), 1);
        assert_eq!((&all[0]["hop"], &all[0]["also_at"]), (&"origin".into(), &serde_json::json!(["client"])));
    }

    #[test]
    fn what_is_private_and_comes_from_a_cache_is_told() {
        let private = || Sample::page().with("Cache-Control", "private, no-cache");
        assert_eq!(told(&private(), &private().with("X-Cache", "HIT")), at_client(&["private-shared"]));
        assert_eq!(told(&Sample::page(), &Sample::page().with("Age", "7")), []);
    }

    #[test]
    fn a_suffix_that_is_not_taken_off_again_is_told() {
        let gzip = |tag| [("ETag", tag), ("Content-Encoding", "gzip"), ("Vary", "accept-encoding")];
        let inner = Sample::page().with("Vary", "accept-encoding").with_304("Vary", "accept-encoding");
        let outer = inner.clone();
        let inner = inner.coded("gzip", &gzip("\"z\""));
        let outer = outer.coded("gzip", &gzip("\"z-gzip\"")).answer_coded(
            "gzip",
            "inm-exact",
            200,
            &gzip("\"z-gzip\""),
        );
        assert_eq!(told(&inner, &outer), at_client(&["tag-suffixed"]));
    }
}
