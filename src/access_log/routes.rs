//! From URLs to routes: `/articles/17/edit` and `/articles/18/edit` are one.
//!
//! Three steps. A segment whose shape says that it is a number, a uuid, a digest or a date is folded. A file
//! name with a digest in it keeps the rest of its name. Then segments in one place with more different values
//! than a site has pages by hand are folded, those with one file extension together. What comes out is a path
//! template as policies have it. Templates that the user gives come before all that.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use smallvec::SmallVec;

use super::tables::{Hashing, Strings};
use crate::versioned::{in_name, in_query, is_digest};

/// Different values in one place past which they are taken for a parameter.
const MANY: u32 = 24;

/// Segments of a path that are told apart; the rest is `**`.
const DEEP: usize = 12;

/// Routes of all URLs.
#[derive(Debug)]
pub struct Routes {
    /// The route of each URL, by the URL's number.
    of_url: Vec<u32>,
    /// What is known of each URL by its looks.
    kinds: Vec<UrlKind>,
    /// Templates by the route's number.
    templates: Vec<String>,
}

/// What the looks of a URL say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UrlKind {
    /// It names one version of the content: a digest in the file's name, or `?v=`.
    pub versioned: bool,
    /// Its query is different each time, so that no cache has it: `?_=1700000000`.
    pub busted: bool,
}

impl Routes {
    /// Find the routes of these URLs. `given` tells the template of a path, where the user said one.
    #[must_use]
    pub fn of(urls: &Strings, given: impl Fn(&[u8]) -> Option<String>) -> Self {
        let mut folding = Folding::default();
        let mut kinds = Vec::with_capacity(urls.len());
        let paths: Vec<Path> = urls
            .iter()
            .map(|url| {
                let (path, query) = split(url);
                let mut kind = UrlKind {
                    versioned: query.is_some_and(|query| in_query(query).is_some()),
                    busted: query.is_some_and(is_buster),
                };
                let path = match given(path) {
                    Some(template) => Path::Given(template),
                    None => Path::Segments(folding.segments(path, &mut kind)),
                };
                kinds.push(kind);
                path
            })
            .collect();
        let mut templates = Strings::default();
        let of_url = folding.fold(paths).map(|template| templates.number(template.as_bytes())).collect();
        let templates =
            templates.iter().map(|template| String::from_utf8_lossy(template).into_owned()).collect();
        Self { of_url, kinds, templates }
    }

    /// The route of a URL.
    #[must_use]
    pub fn route(&self, url: u32) -> u32 {
        self.of_url.get(url as usize).copied().unwrap_or_default()
    }

    /// What the looks of a URL say.
    #[must_use]
    pub fn kind(&self, url: u32) -> UrlKind {
        self.kinds.get(url as usize).copied().unwrap_or_default()
    }

    /// The template of a route.
    #[must_use]
    pub fn template(&self, route: u32) -> &str {
        self.templates.get(route as usize).map_or("", String::as_str)
    }

    /// How many routes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.templates.len()
    }

    /// Is there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.templates.is_empty()
    }
}

/// The path and the query of a request target, be it in origin form or absolute.
#[must_use]
pub fn split(target: &[u8]) -> (&[u8], Option<&[u8]>) {
    let target = match memchr::memmem::find(target, b"://") {
        Some(scheme) if !target.starts_with(b"/") => {
            let after = target.get(scheme + 3..).unwrap_or_default();
            memchr::memchr2(b'/', b'?', after).and_then(|at| after.get(at..)).unwrap_or(b"/")
        }
        _ => target,
    };
    match memchr::memchr(b'?', target) {
        Some(at) => (target.get(..at).unwrap_or_default(), target.get(at + 1..)),
        None => (target, None),
    }
}

/// The path of a request as a server gives it to an application: decoded, each octet a character (PEP 3333).
#[must_use]
pub fn path_info(path: &[u8]) -> String {
    percent_encoding::percent_decode(path).map(char::from).collect()
}

enum Path {
    Given(String),
    Segments(SmallVec<[u32; 6]>),
}

#[derive(Default)]
struct Folding {
    segments: Strings,
}

impl Folding {
    fn segments(&mut self, path: &[u8], kind: &mut UrlKind) -> SmallVec<[u32; 6]> {
        let path = path.strip_prefix(b"/").unwrap_or(path);
        let mut numbers = SmallVec::new();
        let mut places = path.split(|octet| *octet == b'/').peekable();
        while let Some(segment) = places.next() {
            if numbers.len() == DEEP {
                numbers.push(self.segments.number(b"**"));
                break;
            }
            let is_last = places.peek().is_none();
            let number = match Shape::of(segment) {
                Shape::Plain => self.segments.number(&escaped(segment)),
                Shape::Parameter(name) => self.segments.number(name.as_bytes()),
                Shape::Versioned(template) => {
                    kind.versioned |= is_last;
                    self.segments.number(&escaped(&template))
                }
            };
            numbers.push(number);
        }
        numbers
    }

    /// The templates of all paths, in their order.
    fn fold(mut self, mut paths: Vec<Path>) -> impl Iterator<Item = String> {
        let mut nodes = vec![0_u32; paths.len()];
        for depth in 0..=DEEP {
            let mut children: HashSet<(u32, u32), Hashing> = HashSet::default();
            let mut many: HashMap<(u32, u32), u32, Hashing> = HashMap::default();
            let mut any = false;
            for (path, node) in paths.iter().zip(&nodes) {
                let Some((segment, is_last)) = at(path, depth) else { continue };
                any = true;
                if children.insert((*node, segment)) && !self.is_folded(segment) {
                    *many.entry((*node, self.place(segment, is_last))).or_default() += 1;
                }
            }
            if !any {
                break;
            }
            let mut next: HashMap<(u32, u32), u32, Hashing> = HashMap::default();
            for (path, node) in paths.iter_mut().zip(&mut nodes) {
                let Some((segment, is_last)) = at(path, depth) else { continue };
                let place = self.place(segment, is_last);
                let is_one_of_many = many.get(&(*node, place)).is_some_and(|count| *count > MANY);
                let segment = if is_one_of_many && !self.is_folded(segment) { place } else { segment };
                if let Path::Segments(segments) = path
                    && let Some(slot) = segments.get_mut(depth)
                {
                    *slot = segment;
                }
                let fresh = u32::try_from(next.len() + 1).unwrap_or(u32::MAX);
                *node = *next.entry((*node, segment)).or_insert(fresh);
            }
        }
        paths.into_iter().map(move |path| self.template(&path))
    }

    /// What a segment becomes if there are many like it: a name, or its extension.
    fn place(&mut self, segment: u32, is_last: bool) -> u32 {
        let text = self.segments.get(segment);
        let extension = memchr::memrchr(b'.', text).and_then(|at| text.get(at + 1..)).filter(|extension| {
            is_last && (1..=5).contains(&extension.len()) && extension.iter().all(u8::is_ascii_alphanumeric)
        });
        match extension {
            Some(extension) => {
                let place = [b"*.", extension].concat();
                self.segments.number(&place)
            }
            None => self.segments.number(b"{name}"),
        }
    }

    fn is_folded(&self, segment: u32) -> bool {
        memchr::memchr2(b'{', b'*', self.segments.get(segment)).is_some()
    }

    fn template(&self, path: &Path) -> String {
        let segments = match path {
            Path::Given(template) => return template.clone(),
            Path::Segments(segments) => segments,
        };
        let mut template = String::new();
        let mut names: SmallVec<[&[u8]; 4]> = SmallVec::new();
        for segment in segments {
            let text = self.segments.get(*segment);
            template.push('/');
            let Some(name) = text.strip_prefix(b"{").and_then(|text| text.strip_suffix(b"}")) else {
                template.push_str(&String::from_utf8_lossy(text));
                continue;
            };
            // A name stands in a template once.
            let count = 1 + names.iter().filter(|known| **known == name).count();
            names.push(name);
            let name = String::from_utf8_lossy(name);
            let number = if count == 1 { String::new() } else { count.to_string() };
            let _ = write!(template, "{{{name}{number}}}");
        }
        template
    }
}

fn at(path: &Path, depth: usize) -> Option<(u32, bool)> {
    match path {
        Path::Segments(segments) => {
            segments.get(depth).map(|segment| (*segment, depth + 1 == segments.len()))
        }
        Path::Given(_) => None,
    }
}

/// A segment as a template has it: braces and stars of its own are any character there.
fn escaped(segment: &[u8]) -> Cow<'_, [u8]> {
    if segment.iter().all(|octet| octet.is_ascii_alphanumeric() || b"-._".contains(octet)) {
        return segment.into();
    }
    let decoded: Vec<u8> = percent_encoding::percent_decode(segment).collect();
    let plain = std::str::from_utf8(&decoded)
        .is_ok_and(|text| !text.contains(['{', '}', '/', '%']) && !text.contains("**"));
    if plain { decoded.into() } else { b"*".into() }
}

enum Shape {
    Plain,
    /// A `{name}` for it.
    Parameter(&'static str),
    /// A file name with a `*` for its digest.
    Versioned(Vec<u8>),
}

impl Shape {
    fn of(segment: &[u8]) -> Self {
        if segment.is_empty() {
            return Self::Plain;
        }
        if segment.iter().all(u8::is_ascii_digit) {
            return match segment {
                [b'1', b'9', _, _] | [b'2', b'0', _, _] => Self::Parameter("{year}"),
                _ => Self::Parameter("{id}"),
            };
        }
        if is_date(segment) {
            return Self::Parameter("{date}");
        }
        if is_uuid(segment) {
            return Self::Parameter("{uuid}");
        }
        if is_digest(segment) {
            return Self::Parameter("{digest}");
        }
        match in_name(segment) {
            Some((name, extension)) => Self::Versioned([name, b"*", extension].concat()),
            None => Self::Plain,
        }
    }
}

fn is_date(text: &[u8]) -> bool {
    matches!(text, [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2]
        if [y1, y2, y3, y4, m1, m2, d1, d2].iter().all(|digit| digit.is_ascii_digit()))
}

fn is_uuid(text: &[u8]) -> bool {
    text.len() == 36
        && text.iter().enumerate().all(|(at, octet)| match at {
            8 | 13 | 18 | 23 => *octet == b'-',
            _ => octet.is_ascii_hexdigit(),
        })
}

fn parameters(query: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    query.split(|octet| *octet == b'&').map(|pair| match memchr::memchr(b'=', pair) {
        Some(at) => (pair.get(..at).unwrap_or_default(), pair.get(at + 1..).unwrap_or_default()),
        None => (pair, &b""[..]),
    })
}

/// A parameter that holds the time or a random number, so that the URL is never the same twice.
fn is_buster(query: &[u8]) -> bool {
    parameters(query).any(|(name, value)| {
        matches!(
            name,
            b"_" | b"cb"
                | b"cachebust"
                | b"cachebuster"
                | b"nocache"
                | b"no_cache"
                | b"rand"
                | b"rnd"
                | b"random"
                | b"ts"
                | b"t"
                | b"timestamp"
                | b"_dc"
        ) && value.len() >= 8
            && value.iter().filter(|octet| **octet != b'.').all(u8::is_ascii_digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn templates(urls: &[&str]) -> Vec<String> {
        let mut strings = Strings::default();
        let numbers: Vec<u32> = urls.iter().map(|url| strings.number(url.as_bytes())).collect();
        let routes = Routes::of(&strings, |_| None);
        numbers.into_iter().map(|url| routes.template(routes.route(url)).to_owned()).collect()
    }

    #[test]
    fn what_looks_like_a_parameter_is_folded() {
        assert_eq!(
            templates(&[
                "/articles/17/edit?x=1",
                "/articles/17/comments/3",
                "/u/123e4567-e89b-12d3-a456-426614174000",
                "/blobs/3f2a1b9cdd01",
                "/2015/05/17",
                "/on/2015-05-17",
                "/static/app.3f2a1b9c.js",
                "/static/app-DFf3kQ9z.css",
                "/static/jquery-3.1.4.js",
                "/",
                "http://example.org/a",
                "/gr%C3%B6%C3%9Fe/a%20b",
                "/{x}/y",
            ]),
            [
                "/articles/{id}/edit",
                "/articles/{id}/comments/{id2}",
                "/u/{uuid}",
                "/blobs/{digest}",
                "/{year}/{id}/{id2}",
                "/on/{date}",
                "/static/app.*.js",
                "/static/app-*.css",
                "/static/jquery-3.1.4.js",
                "/",
                "/a",
                "/größe/a b",
                "/*/y",
            ]
        );
    }

    #[test]
    fn many_values_in_one_place_are_a_parameter() {
        let urls: Vec<String> = (0..30)
            .flat_map(|n| {
                let word: String =
                    format!("{n}").chars().map(|digit| char::from(digit as u8 - b'0' + b'a')).collect();
                [format!("/blog/x{word}"), format!("/img/x{word}.png"), format!("/blog/x{word}/comments")]
            })
            .chain(["/blog/tags/".into(), "/img/logo.svg".into()])
            .collect();
        let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
        let mut all = templates(&urls);
        all.sort();
        all.dedup();
        assert_eq!(
            all,
            ["/blog/{name}", "/blog/{name}/", "/blog/{name}/comments", "/img/*.png", "/img/logo.svg"]
        );
    }

    #[test]
    fn busters_are_told_by_the_query() {
        assert!(is_buster(b"_=1700000000000") && is_buster(b"a=1&cb=0.123456789"));
        assert!(!is_buster(b"t=5") && !is_buster(b"q=1700000000000"));
    }

    #[test]
    fn a_template_of_the_user_comes_first() {
        let mut strings = Strings::default();
        let url = strings.number(b"/articles/on-caching");
        let routes =
            Routes::of(&strings, |path| path.starts_with(b"/articles/").then(|| "/articles/{slug}".into()));
        assert_eq!(routes.template(routes.route(url)), "/articles/{slug}");
    }
}
