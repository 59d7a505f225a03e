//! Which format a log is in, from some of its lines.

use super::format::{COMBINED, Format, NOTMODIFIED, Prefix};
use super::record::Field;

/// A share of lines that must be readable for a format to be the one.
const ENOUGH: f64 = 0.5;

/// What could be found out.
#[derive(Debug)]
pub enum Recognised {
    /// It is in this format.
    As(Format),
    /// In none that is known: the first line that the best of them can't read, and that format's name.
    Unknown {
        /// The line.
        line: Vec<u8>,
        /// The format that reads most lines.
        nearest: String,
    },
}

/// Tell the format of these lines.
#[must_use]
pub fn recognise(lines: &[&[u8]]) -> Recognised {
    let lines: Vec<&[u8]> = lines.iter().copied().filter(|line| !line.trim_ascii().is_empty()).collect();
    let mut best: Option<(usize, Format)> = None;
    'formats: for prefix in Prefix::ALL {
        for format in known() {
            let format = format.after(prefix);
            let readable = readable(&format, &lines);
            // The first of equals: the most telling comes first.
            if best.as_ref().is_none_or(|(most, _)| readable > *most) {
                best = Some((readable, format));
            }
            // None can read more than all.
            if readable == lines.len() {
                break 'formats;
            }
        }
    }
    let Some((most, format)) = best else {
        return Recognised::Unknown { line: Vec::new(), nearest: "combined".into() };
    };
    let (most, format) = with_shape(format, most, &lines);
    #[allow(clippy::cast_precision_loss, reason = "a sample is small")]
    if lines.is_empty() || (most as f64) < ENOUGH * lines.len() as f64 {
        let mut room = Vec::new();
        let line = lines.iter().find(|line| format.parse(line, &mut room).is_none());
        let looks_like_json = most == 0 && line.is_some_and(|line| line.starts_with(b"{"));
        return Recognised::Unknown {
            line: line.map(|line| line.to_vec()).unwrap_or_default(),
            nearest: if looks_like_json { "json".into() } else { format.name },
        };
    }
    Recognised::As(with_unit(format, &lines))
}

/// How many of these lines a format can read.
#[must_use]
pub fn readable(format: &Format, lines: &[&[u8]]) -> usize {
    let mut room = Vec::new();
    lines
        .iter()
        .filter(|line| {
            let record = format.parse(line, &mut room);
            record.is_some_and(|record| {
                // A time that is none means that the columns are others.
                record.value(Field::Time).is_some_and(|time| super::time::any(&time).is_some())
            })
        })
        .count()
}

/// Lines of JSON may come from a JSON formatter or from an `access_log_format` that looks like it. The latter's
/// all have one shape; if it reads lines that are no JSON, they do come from one.
fn with_shape(format: Format, most: usize, lines: &[&[u8]]) -> (usize, Format) {
    if format.name != "json" {
        return (most, format);
    }
    let prefix = format.prefix();
    let mut room = Vec::new();
    let mut plain = lines
        .iter()
        .filter(|line| memchr::memchr(b'\\', line).is_none() && format.parse(line, &mut room).is_some());
    let both = plain.next().and_then(|line| {
        let json = Format::compile("json").ok()?.after(prefix);
        json.shaped(line)
    });
    let Some((either, shaped)) = both else { return (most, format) };
    match readable(&shaped, lines) {
        more if more > most => (more, shaped),
        same if same == most => (most, either),
        _ => (most, format),
    }
}

/// The mark for a number at the end whose unit its values must tell.
const A_NUMBER: &str = "%(D)s";

fn known() -> impl Iterator<Item = Format> {
    let endings = [
        format!(" {A_NUMBER}"),
        format!(r#" "{A_NUMBER}""#),
        " %(L)s".into(),
        r#" "%(L)s""#.into(),
        r#" "%({x-forwarded-for}i)s""#.into(),
        r#" "%({x-forwarded-for}i)s" %(L)s"#.into(),
    ];
    let named = |name: &str, notation: &str| {
        Format::compile(notation).ok().map(|mut format| {
            name.clone_into(&mut format.name);
            format
        })
    };
    let with_ending = endings.into_iter().filter_map(move |ending| {
        let mut format = Format::compile(&format!("{COMBINED}{ending}")).ok()?;
        format.name = format!("combined{ending}");
        Some(format.unsure())
    });
    named("notmodified", NOTMODIFIED)
        .into_iter()
        .chain(with_ending)
        .chain(Format::compile("combined").ok())
        .chain(Format::compile("common").ok())
        .chain(Format::compile("json").ok())
}

/// A whole number at the end is seconds, milliseconds or microseconds, and the line does not say which. Its
/// size does where it is large enough; where it does not, nothing is claimed.
fn with_unit(format: Format, lines: &[&[u8]]) -> Format {
    if !format.name.starts_with("combined") || !format.name.contains(A_NUMBER) {
        return format;
    }
    let mut room = Vec::new();
    let mut numbers: Vec<u64> = lines
        .iter()
        .filter_map(|line| {
            let record = format.parse(line, &mut room)?;
            std::str::from_utf8(record.raw(Field::Microseconds)?).ok()?.parse().ok()
        })
        .collect();
    numbers.sort_unstable();
    let atom = match (numbers.get(numbers.len() / 2), numbers.last()) {
        // Half of the requests take a millisecond or more, and hardly any of them seconds.
        (Some(1000..), _) => return format,
        (Some(0), Some(0..=60)) => "%(T)s",
        _ => "%({unit-unknown}e)s",
    };
    let prefix = format.prefix();
    let notation = format.name.replace("combined", COMBINED).replace(A_NUMBER, atom);
    match Format::compile(&notation) {
        Ok(mut known) => {
            known.name = format.name.replace(A_NUMBER, atom);
            known.unsure().after(prefix)
        }
        Err(_) => format,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn name_of(lines: &[&str]) -> String {
        let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
        match recognise(&lines) {
            Recognised::As(format) => format.name,
            Recognised::Unknown { .. } => "unknown".into(),
        }
    }

    const LINE: &str =
        r#"10.0.0.1 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 203023 "-" "Mozilla/5.0 (X11)""#;

    #[test]
    fn the_usual_formats_are_recognised() {
        assert_eq!(name_of(&[LINE]), "combined");
        assert_eq!(name_of(&[&format!("{LINE} 1234"), &format!("{LINE} 9999")]), "combined %(D)s");
        assert_eq!(name_of(&[&format!("{LINE} 0.001234")]), "combined %(L)s");
        assert_eq!(name_of(&[&format!("{LINE} \"1234\"")]), r#"combined "%(D)s""#);
        assert_eq!(name_of(&[&format!("{LINE} 0"), &format!("{LINE} 0")]), "combined %(T)s");
        assert_eq!(name_of(&[&format!("{LINE} 0"), &format!("{LINE} 70")]), "combined %({unit-unknown}e)s");
        assert_eq!(
            name_of(&[r#"10.0.0.1 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 12"#]),
            "common"
        );
        assert_eq!(
            name_of(&[
                r#"{"remote_addr":"1.2.3.4","time":"2015-05-17T10:05:03Z","status":200,"method":"GET","path":"/"}"#
            ]),
            "json"
        );
        assert_eq!(name_of(&["what is this?"]), "unknown");
    }

    #[test]
    fn json_that_a_server_s_format_wrote_is_read_as_that() {
        let line = |agent: &str| {
            format!(
                r#"{{"h": "::1", "t": "2015-05-17T10:05:03Z", "s": 200, "r": "GET / HTTP/1.1", "a": "{agent}", "x": {{"b": 5}}}}"#
            )
        };
        let (good, quote, broken) = (line("good"), line(r#"a \"b\""#), line(r"C:\q\"));
        let lines: Vec<&[u8]> = vec![good.as_bytes(), quote.as_bytes(), broken.as_bytes()];
        let Recognised::As(format) = recognise(&lines) else { panic!("no format") };
        assert_eq!(format.name, "a JSON-shaped access_log_format");
        let mut room = Vec::new();
        let mut value = |text: &str| {
            let record = format.parse(text.as_bytes(), &mut room).expect("a record");
            (
                record.value(Field::UserAgent).map(std::borrow::Cow::into_owned),
                record.bytes(),
                record.ambiguous,
            )
        };
        assert_eq!(value(&quote), (Some(br#"a "b""#.to_vec()), Some(5), false));
        assert_eq!(value(&broken), (Some(br"C:\q\".to_vec()), Some(5), false));
        // Nothing shows who wrote the first lines: then a backslash may be one or an escape.
        let Recognised::As(format) = recognise(&lines[..2]) else { panic!("no format") };
        assert_eq!(format.name, "json");
        let mut room = Vec::new();
        let mut is_ambiguous =
            |text: &str| format.parse(text.as_bytes(), &mut room).map(|record| record.ambiguous);
        assert_eq!([&good, &quote, &broken].map(|line| is_ambiguous(line)), [Some(false); 3]);
        assert_eq!(is_ambiguous(&line(r"C:\new")), Some(true));
    }

    #[test]
    fn what_a_collector_put_before_is_read_over() {
        for before in [
            "Nov 24 13:00:00 host gunicorn[12]: ",
            "2026-11-24T13:00:00.123456789Z stdout F ",
            "2026-11-24T13:00:00.123456789Z ",
            "[pod/web-0/gunicorn] ",
            "web-1  | ",
        ] {
            assert_eq!(name_of(&[&format!("{before}{LINE}")]), "combined", "{before}");
        }
    }
}
