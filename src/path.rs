//! Path templates, the one syntax of them that there is, and many of them matched at once.
//!
//! # Paths
//!
//! | in a template | stands for |
//! | --- | --- |
//! | `*` | any run of characters within a segment, also none |
//! | `**` | a whole segment of the template: any number of segments, also none |
//! | `{name}` | a whole segment of the template: one segment, not empty |
//! | anything else | itself, letter case and all |
//!
//! The path is matched as a WSGI server gives it in `PATH_INFO`: percent-decoded, each octet a
//! character (PEP 3333). An empty path is `/`.
//!
//! # Speed
//!
//! All templates are one automaton (a lazy DFA over the regular expressions that globset makes of
//! them), walked once a request: the price depends on the length of the path, not on how many
//! templates there are. `benches/policy.rs` measures it beside [`globset::GlobSet`], which tries
//! templates with a common extension one by one.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};

use globset::GlobBuilder;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::util::pool::Pool;
use regex_automata::util::{start, syntax};
use regex_automata::{Anchored, MatchKind, nfa::thompson};
use smallvec::SmallVec;

/// How much memory the automaton may fill with states it has seen, per thread: so much, and so
/// much for each path. Usual requests need a tenth of it; paths made to visit more states start it
/// anew.
const AUTOMATON_BYTES: (usize, usize) = (2 << 20, 4 << 10);

/// A path template, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    regex: String,
    segments: Vec<Segment>,
}

/// A segment of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    /// `**`
    Any,
    /// `{name}`
    Name(String),
    /// Anything else, each octet a character, as in a `PATH_INFO`.
    Text(String),
}

/// Why a template, or a set of them, was refused: one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidPath(pub(crate) String);

impl fmt::Display for InvalidPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidPath {}

fn refuse<T>(sentence: impl Into<String>) -> Result<T, InvalidPath> {
    Err(InvalidPath(sentence.into()))
}

impl Template {
    /// Read a template.
    ///
    /// ```
    /// use notmodified::path::Template;
    ///
    /// assert!(Template::parse("/articles/{slug}/*.html").is_ok());
    /// assert_eq!(
    ///     Template::parse("/static/**.css").unwrap_err().to_string(),
    ///     "`**` must be a segment of its own: write `/static/**/*.css`"
    /// );
    /// ```
    ///
    /// # Errors
    ///
    /// If it does not start with `/`, if `**` or a `{name}` is not a segment of its own, if a name
    /// is malformed or comes twice, or if it has a percent-encoding in it.
    pub fn parse(text: &str) -> Result<Self, InvalidPath> {
        let Some(path) = text.strip_prefix('/') else {
            return refuse(format!("a path starts with `/`: write `/{text}`, or `/**/{text}` for any depth"));
        };
        if let Some(encoded) = percent_encoding(text) {
            return refuse(format!(
                "paths are matched percent-decoded: write the character that `{encoded}` stands for"
            ));
        }
        let mut glob = String::with_capacity(text.len() + 8);
        let mut segments = Vec::new();
        for segment in path.split('/') {
            glob.push('/');
            if segment == "**" {
                glob.push_str("**");
                segments.push(Segment::Any);
            } else if let Some(name) = name_of(segment) {
                if segments.iter().any(|segment| matches!(segment, Segment::Name(other) if other == name)) {
                    return refuse(format!("`{{{name}}}` is there twice: give each segment its own name"));
                }
                segments.push(Segment::Name(name.to_owned()));
                glob.push_str("?*");
            } else if segment.contains("**") {
                let right = text.replace("**", "**/*").replace("/*/*", "/*");
                return refuse(format!("`**` must be a segment of its own: write `{right}`"));
            } else if segment.contains(['{', '}']) {
                return refuse(format!(
                    "`{segment}` is no segment: braces hold the name of a whole one, such as `/{{slug}}/`, \
                     a letter first, then letters, digits and `_`"
                ));
            } else {
                // PEP 3333: each octet of the UTF-8 that clients send is one character.
                let text: String = segment.bytes().map(char::from).collect();
                for character in text.chars() {
                    if matches!(character, '?' | '[' | ']' | '\\') {
                        glob.push('\\');
                    }
                    glob.push(character);
                }
                segments.push(Segment::Text(text));
            }
        }
        let glob = GlobBuilder::new(&glob)
            .literal_separator(true)
            .backslash_escape(true)
            .build()
            .map_err(|error| InvalidPath(error.kind().to_string()))?;
        Ok(Self { text: text.to_owned(), regex: glob.regex().to_owned(), segments })
    }

    /// The template as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names in the template, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Name(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// What stands in a path for each `{name}`, as it stands there; `None` if the path does not match. Where
    /// there is a choice, `**` takes as few segments as it can.
    ///
    /// ```
    /// use notmodified::path::Template;
    ///
    /// let template = Template::parse("/{year}/**/{slug}.html");
    /// assert!(template.is_err(), "a name is a segment of its own");
    /// let template = Template::parse("/{year}/**/{slug}/edit").unwrap();
    /// assert_eq!(template.capture("/2026/a/b/c/edit").unwrap()[..], [("year", "2026"), ("slug", "c")]);
    /// ```
    #[must_use]
    pub fn capture<'t, 'p>(&'t self, path: &'p str) -> Option<Captured<'t, 'p>> {
        let path = if path.is_empty() { "/" } else { path };
        let given: SmallVec<[&str; 16]> = path.strip_prefix('/')?.split('/').collect();
        let mut captured = Captured::new();
        let mut runs = self.segments.split(|segment| *segment == Segment::Any);
        let first = runs.next()?;
        let mut at = first.len();
        capture_run(first, given.get(..at)?, &mut captured)?;
        let Some(last) = runs.next_back() else { return (at == given.len()).then_some(captured) };
        for run in runs {
            let tail = given.get(at..)?;
            let (skipped, there) = if run.is_empty() {
                (0, Default::default())
            } else {
                tail.windows(run.len()).enumerate().find(|(_, there)| fits_run(run, there))?
            };
            capture_run(run, there, &mut captured)?;
            at += skipped + run.len();
        }
        // A `**` at the end stands for one segment at least.
        let end = given.len().checked_sub(last.len()).filter(|end| *end >= at)?;
        if last.is_empty() && end == at {
            return None;
        }
        capture_run(last, given.get(end..)?, &mut captured)?;
        Some(captured)
    }
}

fn fits_run(run: &[Segment], there: &[&str]) -> bool {
    run.len() == there.len() && run.iter().zip(there).all(|(segment, text)| segment.fits(text))
}

fn capture_run<'t, 'p>(run: &'t [Segment], there: &[&'p str], captured: &mut Captured<'t, 'p>) -> Option<()> {
    if !fits_run(run, there) {
        return None;
    }
    for (segment, text) in run.iter().zip(there) {
        if let Segment::Name(name) = segment {
            captured.push((name, text));
        }
    }
    Some(())
}

/// The names of a template with what stands for them.
pub type Captured<'t, 'p> = SmallVec<[(&'t str, &'p str); 4]>;

impl Segment {
    fn fits(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Name(_) => !text.is_empty(),
            Self::Text(pattern) => fits(pattern.as_bytes(), text.as_bytes()),
        }
    }
}

/// Does the text fit a pattern with `*` in it? Each `*` first takes nothing; where the rest does not fit, only
/// the last one may take more, so the time is bounded by the product of both lengths.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut last_star = None;
    while let Some(octet) = text.get(t) {
        match pattern.get(p) {
            Some(b'*') => {
                last_star = Some((p, t));
                p += 1;
            }
            Some(wanted) if wanted == octet => (p, t) = (p + 1, t + 1),
            _ => {
                let Some((star, taken)) = last_star else { return false };
                last_star = Some((star, taken + 1));
                (p, t) = (star + 1, taken + 1);
            }
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|octet| *octet == b'*'))
}

/// The name in a segment that is `{name}` and nothing else.
fn name_of(segment: &str) -> Option<&str> {
    let name = segment.strip_prefix('{')?.strip_suffix('}')?;
    let letter_first = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let plain = |character: char| character.is_ascii_alphanumeric() || character == '_';
    (letter_first && name.chars().all(plain)).then_some(name)
}

/// The first `%` with two hexadecimal digits after it.
fn percent_encoding(text: &str) -> Option<&str> {
    text.match_indices('%')
        .filter_map(|(at, _)| text.get(at..at + 3))
        .find(|encoded| encoded.bytes().skip(1).all(|digit| digit.is_ascii_hexdigit()))
}

/// Numbers of what has a matching template, ascending.
pub type Numbers = SmallVec<[u32; 8]>;

/// Templates in one automaton, each with a number that several may share.
pub struct Paths {
    dfa: DFA,
    /// A cache for each thread that matches at the same time. It never waits for a lock, so a
    /// fork at any moment leaves it usable.
    caches: Pool<Cache, Box<dyn Fn() -> Cache + Send + Sync + UnwindSafe + RefUnwindSafe>>,
    /// The number that each pattern of the automaton has.
    numbers: Vec<u32>,
}

impl Paths {
    /// Take templates in the order of their numbers; none stands for every path.
    ///
    /// # Errors
    ///
    /// If there are more than one automaton can hold (some ten thousand).
    pub fn new<'t>(
        templates: impl IntoIterator<Item = (u32, Option<&'t Template>)>,
    ) -> Result<Self, InvalidPath> {
        let (numbers, regexes): (Vec<_>, Vec<_>) = templates
            .into_iter()
            .map(|(number, template)| (number, template.map_or(".*$", |template| template.regex.as_str())))
            .unzip();
        let (base, each) = AUTOMATON_BYTES;
        let room = each.saturating_mul(regexes.len()).saturating_add(base);
        let dfa = DFA::builder()
            .configure(
                DFA::config().match_kind(MatchKind::All).cache_capacity(room).skip_cache_capacity_check(true),
            )
            // Octets, as in globset's own use of its expressions; a template has no wildcard for
            // a single character, so octets and characters cannot differ.
            .syntax(syntax::Config::new().unicode(false).utf8(false).dot_matches_new_line(true))
            .thompson(thompson::Config::new().utf8(false))
            .build_many(&regexes)
            .map_err(|error| InvalidPath(format!("the paths cannot be matched together: {error}")))?;
        let maker = dfa.clone();
        Ok(Self { dfa, caches: Pool::new(Box::new(move || maker.create_cache())), numbers })
    }

    /// The numbers that have a template which a path matches, ascending. None if the automaton gives up,
    /// which it is not configured to do.
    #[must_use]
    pub fn matches(&self, path: &str) -> Numbers {
        self.try_matches(path).unwrap_or_default()
    }

    fn try_matches(&self, path: &str) -> Option<Numbers> {
        let path = if path.is_empty() { "/" } else { path };
        let mut cache = self.caches.get();
        let anchored = start::Config::new().anchored(Anchored::Yes);
        let mut state = self.dfa.start_state(&mut cache, &anchored).ok()?;
        for octet in path.bytes() {
            state = self.dfa.next_state(&mut cache, state, octet).ok()?;
            if state.is_dead() {
                return None;
            }
        }
        state = self.dfa.next_eoi_state(&mut cache, state).ok()?;
        let mut found = Numbers::new();
        if state.is_match() {
            for index in 0..self.dfa.match_len(&cache, state) {
                let pattern = self.dfa.match_pattern(&cache, state, index);
                // Patterns come in their order, so those that share a number are neighbours.
                if let Some(&number) = self.numbers.get(pattern.as_usize())
                    && found.last() != Some(&number)
                {
                    found.push(number);
                }
            }
        }
        Some(found)
    }
}

impl fmt::Debug for Paths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paths").field("templates", &self.numbers.len()).finish_non_exhaustive()
    }
}

/// Templates in their order, of which the first that matches counts.
#[derive(Debug, Default)]
pub struct Routes {
    templates: Vec<Template>,
    paths: Option<Paths>,
}

impl Routes {
    /// Take the templates.
    ///
    /// # Errors
    ///
    /// As [`Paths::new`].
    pub fn new(templates: Vec<Template>) -> Result<Self, InvalidPath> {
        let all = || (0u32..).zip(templates.iter().map(Some));
        let paths = if templates.is_empty() { None } else { Some(Paths::new(all())?) };
        Ok(Self { templates, paths })
    }

    /// Tell whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.templates.is_empty()
    }

    /// The templates in their order.
    #[must_use]
    pub fn as_slice(&self) -> &[Template] {
        &self.templates
    }

    /// The first template that a path matches: its place, and what stands for its names.
    #[must_use]
    pub fn find<'t, 'p>(&'t self, path: &'p str) -> Option<(usize, Captured<'t, 'p>)> {
        let place = *self.paths.as_ref()?.matches(path).first()? as usize;
        Some((place, self.templates.get(place)?.capture(path)?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(template: &str, path: &str) -> bool {
        let template = Template::parse(template).unwrap();
        let found = !Paths::new([(0, Some(&template))]).unwrap().matches(path).is_empty();
        assert_eq!(template.capture(path).is_some(), found, "{template:?} {path:?}");
        found
    }

    fn refusal(template: &str) -> String {
        Template::parse(template).unwrap_err().to_string()
    }

    #[track_caller]
    fn captures(template: &str, path: &str, want: &[(&str, &str)]) {
        assert_eq!(Template::parse(template).unwrap().capture(path).unwrap()[..], *want);
    }

    #[test]
    fn names_stand_for_what_is_in_their_place() {
        captures("/articles/{id}", "/articles/7", &[("id", "7")]);
        captures("/{a}/x*/{b}", "/1/xyz/2", &[("a", "1"), ("b", "2")]);
        captures("/**/{id}", "/a/b/c", &[("id", "c")]);
        captures("/{id}/**", "/a/b/c", &[("id", "a")]);
        captures("/**/x/{a}/**/{b}", "/x/1/x/2/3", &[("a", "1"), ("b", "3")]);
        captures("/fixed", "/fixed", &[]);
    }

    #[test]
    fn the_first_route_wins() {
        let parse = |text: &&str| Template::parse(text).unwrap();
        let routes = Routes::new(["/a/{x}", "/a/b", "/**"].iter().map(parse).collect()).unwrap();
        let place = |path| routes.find(path).map(|(place, _)| place);
        assert_eq!((place("/a/b"), place("/a/b/c"), place("")), (Some(0), Some(2), Some(2)));
        assert!(Routes::default().find("/").is_none() && Routes::default().is_empty());
    }

    #[test]
    fn a_star_stays_within_its_segment() {
        assert!(matches("/a/*", "/a/b"));
        assert!(matches("/a/*", "/a/"));
        assert!(matches("/a/*.css", "/a/.css"));
        assert!(matches("/a/b*d*f", "/a/bcdef"));
        assert!(!matches("/a/*", "/a/b/c"));
        assert!(!matches("/a/*", "/a"));
    }

    #[test]
    fn two_stars_cross_segments() {
        for path in ["/a/", "/a/b", "/a/b/c/"] {
            assert!(matches("/a/**", path), "{path}");
        }
        assert!(!matches("/a/**", "/a"));
        assert!(matches("/**", "/"));
        for path in ["/a/x.css", "/a/b/x.css", "/a/b/c/x.css"] {
            assert!(matches("/a/**/*.css", path), "{path}");
        }
        assert!(!matches("/a/**/*.css", "/ax.css"));
        assert!(matches("/**/a/**", "/b/c/a/d"));
    }

    #[test]
    fn a_name_is_one_segment_and_not_an_empty_one() {
        assert!(matches("/{year}/{slug}", "/2024/hello"));
        assert!(!matches("/{year}/{slug}", "/2024/"));
        assert!(!matches("/{year}/{slug}", "/2024/a/b"));
    }

    #[test]
    fn everything_else_stands_for_itself() {
        assert!(matches("/a?[b]\\c!,-", "/a?[b]\\c!,-"));
        assert!(!matches("/a?", "/ab"));
        assert!(!matches("/[ab]", "/a"));
        assert!(!matches("/A", "/a"));
        assert!(!matches("/a", "/a/"));
        assert!(!matches("/a.b", "/axb"));
        assert!(matches("/a/**", "/a/\n\u{0}"));
    }

    #[test]
    fn a_path_is_compared_as_wsgi_gives_it() {
        let wsgi: String = "/größe/日本".bytes().map(char::from).collect();
        assert!(matches("/größe/日本", &wsgi));
        assert!(matches("/{word}/*", &wsgi));
        assert!(matches("/", ""));
    }

    #[test]
    fn a_template_that_cannot_be_meant_is_refused_with_the_reason() {
        for (template, want) in [
            ("*.css", "a path starts with `/`: write `/*.css`, or `/**/*.css` for any depth"),
            ("/a/**.css", "`**` must be a segment of its own: write `/a/**/*.css`"),
            ("/a/{x}/{x}", "`{x}` is there twice: give each segment its own name"),
            ("/a%20b", "paths are matched percent-decoded: write the character that `%20` stands for"),
        ] {
            assert_eq!(refusal(template), want);
        }
        for template in
            ["/{a,b}", "/{}", "/{1}", "/a-{b}", "/{a", "/a}", "/{a}{b}", "/{a b}", "/***", "/a**", ""]
        {
            assert!(Template::parse(template).is_err(), "{template}");
        }
        assert!(Template::parse("/100%").is_ok());
    }

    /// The same path syntax, read off its definition: segments against segments.
    fn naive(template: &[&str], path: &[&str]) -> bool {
        match template {
            [] => path.is_empty(),
            ["**"] => !path.is_empty(),
            ["**", rest @ ..] => (0..=path.len()).any(|skip| naive(rest, &path[skip..])),
            [segment, rest @ ..] => match path {
                [] => false,
                [first, others @ ..] => {
                    let this = if segment.starts_with('{') {
                        !first.is_empty()
                    } else {
                        naive_segment(segment.as_bytes(), first.as_bytes())
                    };
                    this && naive(rest, others)
                }
            },
        }
    }

    fn naive_segment(template: &[u8], text: &[u8]) -> bool {
        match template {
            [] => text.is_empty(),
            [b'*', rest @ ..] => (0..=text.len()).any(|skip| naive_segment(rest, &text[skip..])),
            [byte, rest @ ..] => text.first() == Some(byte) && naive_segment(rest, &text[1..]),
        }
    }

    fn template() -> impl Strategy<Value = String> {
        let segment = prop_oneof![
            Just("**".to_owned()),
            Just("{}".to_owned()),
            "[ab?\\[\\]\\\\]{0,2}\\*?[ab]{0,2}\\*?",
        ];
        proptest::collection::vec(segment, 1..5).prop_map(|segments| {
            let named = segments.iter().enumerate().map(|(number, segment)| {
                if segment == "{}" { format!("/{{n{number}}}") } else { format!("/{segment}") }
            });
            named.collect::<String>()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn the_automaton_agrees_with_a_plain_matcher(
            templates in proptest::collection::vec(template(), 1..6),
            path in proptest::collection::vec("[ab?\\[\\]\\\\\n]{0,3}", 1..6),
        ) {
            prop_assume!(templates.iter().all(|template| Template::parse(template).is_ok()));
            let parsed: Vec<_> = templates.iter().map(|text| Template::parse(text).unwrap()).collect();
            let paths = Paths::new((0u32..).zip(parsed.iter().map(Some))).unwrap();
            let segments: Vec<&str> = path.iter().map(String::as_str).collect();
            let text = format!("/{}", segments.join("/"));
            let want: Vec<u32> = (0u32..)
                .zip(&templates)
                .filter(|(_, template)| naive(&template[1..].split('/').collect::<Vec<_>>(), &segments))
                .map(|(number, _)| number)
                .collect();
            prop_assert_eq!(paths.matches(&text).to_vec(), &want[..]);
            for (number, template) in (0u32..).zip(&parsed) {
                let captured = template.capture(&text);
                prop_assert_eq!(captured.is_some(), want.contains(&number));
                if let Some(captured) = captured {
                    let names: Vec<_> = captured.iter().map(|(name, _)| *name).collect();
                    prop_assert_eq!(names, template.names().collect::<Vec<_>>());
                    prop_assert!(captured.iter().all(|(_, text)| segments.contains(text)));
                }
            }
        }

        #[test]
        fn no_path_and_no_template_panics(template in any::<String>(), path in any::<String>()) {
            if let Ok(template) = Template::parse(&format!("/{template}"))
                && let Ok(routes) = Routes::new(vec![template])
            {
                let _ = routes.find(&path);
            }
        }
    }
}
