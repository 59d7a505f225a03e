//! The recording sorted: a page is seen at hops, at each hop in content codings.

use std::collections::HashMap;

use super::exchange::{Exchange, Hop, Page, Recording, Response};
use super::probe::Probe;
use crate::http::date::HttpDate;
use crate::http::entity_tag::EntityTag;

/// A page and its views, the innermost hop first.
#[derive(Debug)]
pub(super) struct Sight<'a> {
    pub(super) page: &'a Page,
    pub(super) views: Vec<View<'a>>,
}

/// A page at one hop.
#[derive(Debug)]
pub(super) struct View<'a> {
    pub(super) hop: &'a Hop,
    /// One a coding; `identity` first.
    pub(super) series: Vec<Series<'a>>,
}

/// A page at one hop in one coding.
#[derive(Debug)]
pub(super) struct Series<'a> {
    pub(super) hop: &'a Hop,
    pub(super) coding: &'a str,
    /// With their places in the recording.
    pub(super) exchanges: Placed<'a>,
}

/// An exchange and its place in the recording.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken<'a> {
    pub(super) place: usize,
    pub(super) exchange: &'a Exchange,
}

/// Exchanges with their places in the recording.
type Placed<'a> = Vec<(usize, &'a Exchange)>;

/// Sort a recording.
pub(super) fn sights(recording: &Recording) -> Vec<Sight<'_>> {
    // Once for all pages: there may be thousands.
    let mut by_place: HashMap<(&str, &str), Placed<'_>> = HashMap::new();
    for (place, exchange) in recording.exchanges.iter().enumerate() {
        by_place.entry((&exchange.url, &exchange.hop)).or_default().push((place, exchange));
    }
    let sight = |page| Sight {
        page,
        views: recording
            .hops
            .iter()
            .filter_map(|hop| view(hop, by_place.get(&(page.url.as_str(), hop.name.as_str()))?))
            .collect(),
    };
    recording.pages.iter().map(sight).collect()
}

fn view<'a>(hop: &'a Hop, exchanges: &[(usize, &'a Exchange)]) -> Option<View<'a>> {
    let mut series: Vec<Series<'a>> = Vec::new();
    for (place, exchange) in exchanges {
        match series.iter_mut().find(|series| series.coding == exchange.coding) {
            Some(series) => series.exchanges.push((*place, exchange)),
            None => {
                series.push(Series { hop, coding: &exchange.coding, exchanges: vec![(*place, exchange)] });
            }
        }
    }
    series.sort_by_key(|series| series.coding != "identity");
    // What is answered as it is without the coding says nothing new.
    let is_new = |series: &Series<'_>| {
        series.coding == "identity"
            || series.first().is_none_or(|(_, response)| response.fields.has("Content-Encoding"))
    };
    if series.first().is_some_and(|first| first.coding == "identity") {
        series.retain(is_new);
    }
    (!series.is_empty()).then_some(View { hop, series })
}

impl<'a> View<'a> {
    /// What was asked for without content coding, or else the first there is.
    pub(super) fn plain(&self) -> Option<&Series<'a>> {
        self.series.first()
    }
}

impl<'a> Series<'a> {
    /// The first exchange that was made for this.
    pub(super) fn get(&self, probe: Probe) -> Option<Taken<'a>> {
        self.all(probe).next()
    }

    /// All exchanges that were made for this.
    pub(super) fn all(&self, probe: Probe) -> impl Iterator<Item = Taken<'a>> {
        let exchanges = self.exchanges.iter().filter(move |(_, exchange)| exchange.probe == probe);
        exchanges.map(|(place, exchange)| Taken { place: *place, exchange })
    }

    /// The plain GET, if it was answered with 200.
    pub(super) fn first(&self) -> Option<(Taken<'a>, &'a Response)> {
        let taken = self.get(Probe::First)?;
        let response = taken.exchange.answer()?;
        (response.status == 200).then_some((taken, response))
    }

    /// The plain GETs that were answered with 200: the first, its repeats.
    pub(super) fn plain_gets(&self) -> Vec<(Taken<'a>, &'a Response)> {
        let plain = self
            .exchanges
            .iter()
            .filter(|(_, exchange)| matches!(exchange.probe, Probe::First | Probe::Repeat | Probe::Replica));
        plain
            .filter_map(|(place, exchange)| {
                let response = exchange.answer().filter(|response| response.status == 200)?;
                Some((Taken { place: *place, exchange }, response))
            })
            .collect()
    }

    /// The entity-tag of the plain GET, as it was sent.
    pub(super) fn etag(&self) -> Option<&'a str> {
        self.first()?.1.fields.get("ETag")
    }

    /// The entity-tag of the plain GET, if it is well-formed.
    pub(super) fn tag(&self) -> Option<EntityTag<'a>> {
        self.etag().and_then(|tag| EntityTag::parse(tag.as_bytes()))
    }

    /// The Last-Modified of the plain GET.
    pub(super) fn last_modified(&self) -> Option<HttpDate> {
        let (taken, response) = self.first()?;
        HttpDate::parse(response.fields.get("Last-Modified")?.as_bytes(), taken.exchange.date())
    }

    /// Do all plain GETs have the same tag and the same date? Only then more can be asked.
    pub(super) fn is_stable(&self) -> bool {
        let all = self.plain_gets();
        let validators = |response: &Response| {
            ["ETag", "Last-Modified"].map(|name| response.fields.get(name).map(str::to_owned))
        };
        all.windows(2).all(|pair| match pair {
            [(_, one), (_, other)] => validators(one) == validators(other),
            _ => true,
        })
    }
}
