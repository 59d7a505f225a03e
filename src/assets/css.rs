//! References in style sheets: `url()`, `src()`, `@import`, `image-set()`, and the `sourceMappingURL` of comments
//! (CSS Syntax 3, CSS Values 4 §4.5). Which of the text is which is cssparser's business.

use std::fmt::Write;
use std::ops::Range;

use cssparser::{ParseError, Parser, Token, serialize_string};

/// Blocks in blocks that are looked into.
const DEEP: u8 = 100;

/// A reference, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// What it says, without quotes and escapes.
    pub value: String,
    /// The octets that are replaced when it shall say something else.
    place: Range<usize>,
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `url(a.png)`, all of it.
    Url,
    /// `"a.png"`, with its quotes.
    Text,
    /// As it stands, in a comment.
    Comment,
}

/// Find the references in a style sheet, in their order.
///
/// ```
/// use notmodified::assets::css::references;
///
/// let css = "@import 'b.css'; a { background: url(i.png) } /* url(not.png) */";
/// let found: Vec<_> = references(css).into_iter().map(|reference| reference.value).collect();
/// assert_eq!(found, ["b.css", "i.png"]);
/// ```
#[must_use]
pub fn references(css: &str) -> Vec<Reference> {
    let mut parser = Parser::new(css);
    parser.set_nested_block_limit(DEEP);
    let mut found = Vec::new();
    look_into(&mut parser, false, &mut found);
    found
}

/// Write a style sheet anew: `other` tells what a reference shall say instead, if it shall.
pub fn rewrite(css: &str, found: &[Reference], other: impl Fn(&str) -> Option<String>) -> String {
    let mut written = String::with_capacity(css.len() + css.len() / 16);
    let mut at = 0;
    for reference in found {
        let Some(value) = other(&reference.value) else { continue };
        let Some(before) = css.get(at..reference.place.start) else { continue };
        written.push_str(before);
        at = reference.place.end;
        // Writing to a String never fails.
        let _: std::fmt::Result = match reference.form {
            Form::Comment => written.write_str(&value),
            Form::Text => serialize_string(&value, &mut written),
            Form::Url => {
                written.push_str("url(");
                serialize_string(&value, &mut written).and_then(|()| written.write_str(")"))
            }
        };
    }
    written.push_str(css.get(at..).unwrap_or_default());
    written
}

/// Look through a block. `strings` are references in it.
fn look_into(parser: &mut Parser<'_>, strings: bool, found: &mut Vec<Reference>) {
    let mut imports = false;
    loop {
        let start = parser.position();
        let Ok(token) = parser.next_including_whitespace_and_comments() else { return };
        let mut inside = None;
        let mut is_import = false;
        let reference = match token {
            Token::WhiteSpace(_) => continue,
            Token::Comment(text) => {
                if let Some((value, at)) = source_map(text) {
                    // After `/*`.
                    let at = start.byte_index() + 2 + at;
                    let place = at..at + value.len();
                    found.push(Reference { value: value.to_owned(), place, form: Form::Comment });
                }
                continue;
            }
            Token::AtKeyword(name) => {
                is_import = name.eq_ignore_ascii_case("import");
                None
            }
            Token::UnquotedUrl(value) => Some((value.to_string(), Form::Url)),
            Token::QuotedString(value) if strings || imports => Some((value.to_string(), Form::Text)),
            Token::Function(name) => {
                let holds = ["url", "src", "image-set", "-webkit-image-set"];
                inside = Some(holds.iter().any(|holder| name.eq_ignore_ascii_case(holder)));
                None
            }
            Token::ParenthesisBlock | Token::CurlyBracketBlock | Token::SquareBracketBlock => {
                inside = Some(false);
                None
            }
            _ => None,
        };
        imports = is_import;
        if let Some((value, form)) = reference {
            let place = start.byte_index()..parser.position().byte_index();
            found.push(Reference { value, place, form });
        }
        if let Some(strings) = inside {
            let nested: Result<(), ParseError<()>> = parser.parse_nested_block(|parser| {
                look_into(parser, strings, found);
                Ok(())
            });
            // What is nested deeper than anybody writes is looked through as if it were not: a string may come next.
            imports |= nested.is_err() && strings;
        }
    }
}

/// The URL in a comment `# sourceMappingURL=…`, and where in it that stands.
fn source_map(comment: &str) -> Option<(&str, usize)> {
    let after = comment.strip_prefix(['#', '@'])?;
    let named = after.trim_start().strip_prefix("sourceMappingURL=")?;
    let value = named.split_ascii_whitespace().next()?;
    let at = comment.len() - named.len() + named.find(value)?;
    Some((value, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(css: &str) -> Vec<String> {
        references(css).into_iter().map(|reference| reference.value).collect()
    }

    #[test]
    fn every_form_of_a_reference_is_found_and_nothing_else() {
        let css = r#"
            @charset "no.css"; @import "a.css" screen; @import url(b.css); @import/**/url( "c.css" );
            @namespace svg "no";
            @media print { a::before { content: "no.png"; background: URL(d.png), url('e.png') } }
            b { src: local("no"), url(f.woff2?#iefix) format("woff2"); width: calc((1px) * 2) }
            c { background: image-set("g.png" 1x, url(h.png) 2x, "i.avif" type("image/avif")) }
            d { background: url(j\(1\).png); --x: { url(k.png) } }
            /* url(no.png) @import "no.css" */
            e[href="no.png"] { background: url( l.png ) }
            /*# sourceMappingURL=app.css.map */"#;
        let want = [
            "a.css",
            "b.css",
            "c.css",
            "d.png",
            "e.png",
            "f.woff2?#iefix",
            "g.png",
            "h.png",
            "i.avif",
            "j(1).png",
            "k.png",
            "l.png",
            "app.css.map",
        ];
        assert_eq!(values(css), want);
    }

    #[test]
    fn what_is_replaced_is_the_reference_alone() {
        let css = "@import 'a';b{c:url(d)}/*# sourceMappingURL=e */\n/* tail */";
        let written = rewrite(css, &references(css), |value| Some(format!("{value}\"2")));
        assert_eq!(
            written,
            "@import \"a\\\"2\";b{c:url(\"d\\\"2\")}/*# sourceMappingURL=e\"2 */\n/* tail */"
        );
        assert_eq!(rewrite(css, &references(css), |_| None), css);
    }

    #[test]
    fn broken_and_hostile_sheets_end() {
        for css in
            ["url(", "@import", "a{b:url('", "/*# sourceMappingURL=", "}}}url(a)", "\u{feff}@import 'a'"]
        {
            assert!(references(css).len() < 2, "{css}");
        }
        assert_eq!(values("}}} a { b: url(x) }"), ["x"]);
        assert_eq!(values(&format!("{}url(a)", "(".repeat(100_000))), ["a"]);
        for deep in 97..=103 {
            let css = format!("{}url(a) url( 'b') 'c'", "(".repeat(deep));
            assert_eq!(values(&css), ["a", "b"], "{deep}");
            let written = rewrite(&css, &references(&css), |value| Some(format!("{value}{value}")));
            assert_eq!(values(&written), ["aa", "bb"], "{deep}");
        }
        assert_eq!(values(&format!("{} url(a)", "{}".repeat(10_000))), ["a"]);
    }
}
