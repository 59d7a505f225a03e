//! What finding the policy of a request costs: none, one and 1,000 rules of several shapes, beside
//! globset's own set of globs.
//!
//! `cargo bench --bench policy`

use divan::{Bencher, black_box};
use globset::{Candidate, Glob, GlobBuilder, GlobSet, GlobSetBuilder};
use notmodified::path::Template;
use notmodified::policy::{Policies, Policy};

fn main() {
    divan::main();
}

const RULES: usize = 1_000;

/// A shape of rules, and a path that the 778th of a thousand matches.
#[derive(Clone, Copy)]
enum Shape {
    Literal,
    Below,
    Named,
    SharedPrefix,
    SharedExtension,
    Anywhere,
}

const SHAPES: [Shape; 6] = [
    Shape::Literal,
    Shape::Below,
    Shape::Named,
    Shape::SharedPrefix,
    Shape::SharedExtension,
    Shape::Anywhere,
];

impl std::fmt::Debug for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.template(777))
    }
}

impl Shape {
    fn template(self, number: usize) -> String {
        match self {
            Self::Literal => format!("/pages/page-{number}.html"),
            Self::Below => format!("/section-{number}/**"),
            Self::Named => format!("/section-{number}/{{slug}}/edit"),
            Self::SharedPrefix => format!("/api/v1/{{user}}/thing-{number}"),
            Self::SharedExtension => format!("/images/*-{number}.png"),
            Self::Anywhere => format!("/**/thing-{number}/**"),
        }
    }

    fn path(self) -> String {
        self.template(777)
            .replace("{slug}", "some-article")
            .replace("{user}", "some-user-name")
            .replace("**", "deeper/down")
            .replace('*', "a-photo")
    }
}

fn policies(shape: Shape, rules: usize) -> Policies {
    let policy = |number| Policy {
        paths: vec![Template::parse(&shape.template(number)).expect("a template")],
        cache_control: Some("public, max-age=60".into()),
        ..Policy::default()
    };
    Policies::new((0..rules).map(policy).collect()).expect("policies")
}

/// A whole request: on the way in, taking over, on the way out.
fn request(policies: &Policies, path: &str) -> bool {
    let candidates = policies.on_the_way_in(black_box("GET"), black_box(path));
    let taken = policies.takes_over(&candidates).is_some();
    taken | policies.on_the_way_out(&candidates, black_box(200), black_box(Some("text/html"))).is_some()
}

#[divan::bench]
fn no_rules(bencher: Bencher) {
    let policies = Policies::default();
    bencher.bench_local(|| request(&policies, "/section-777/some-article/edit"));
}

#[divan::bench]
fn one_rule(bencher: Bencher) {
    let policies = policies(Shape::Below, 1);
    bencher.bench_local(|| request(&policies, "/section-0/some-article"));
}

#[divan::bench(args = SHAPES)]
fn a_thousand_rules(bencher: Bencher, shape: Shape) {
    let (policies, path) = (policies(shape, RULES), shape.path());
    assert!(request(&policies, &path));
    bencher.bench_local(|| request(&policies, &path));
}

#[divan::bench(args = SHAPES)]
fn a_thousand_rules_and_none_matches(bencher: Bencher, shape: Shape) {
    let (policies, path) = (policies(shape, RULES), shape.path() + "/not");
    bencher.bench_local(|| request(&policies, &path));
}

#[divan::bench(args = SHAPES)]
fn a_thousand_rules_in_a_globset(bencher: Bencher, shape: Shape) {
    let glob = |number| -> Glob {
        let text = shape.template(number).replace("{slug}", "?*").replace("{user}", "?*");
        GlobBuilder::new(&text).literal_separator(true).build().expect("a glob")
    };
    let mut set: GlobSetBuilder = GlobSet::builder();
    for number in 0..RULES {
        set.add(glob(number));
    }
    let (set, path, mut found) = (set.build().expect("a set"), shape.path(), Vec::new());
    bencher.bench_local(|| {
        set.matches_candidate_into(&Candidate::new(black_box(&path)), &mut found);
        found.len()
    });
}

#[divan::bench(args = SHAPES, sample_count = 10)]
fn start_with_a_thousand_rules(shape: Shape) -> Policies {
    policies(shape, RULES)
}
