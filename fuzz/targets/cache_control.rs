//! Cache-Control: read, written, read again; the quick questions against the whole reading.
#![no_main]

use libfuzzer_sys::fuzz_target;
use notmodified::http::cache_control::{CacheControl, MAX_EXTENSIONS};

fuzz_target!(|octets: &[u8]| {
    // As a WSGI server hands a value on: each octet a character.
    let latin1: String = octets.iter().copied().map(char::from).collect();
    check(&latin1);
    if let Ok(text) = std::str::from_utf8(octets) {
        check(text);
    }
});

fn check(text: &str) {
    let read = CacheControl::from_field(text);
    let written = read.to_string();
    assert_eq!(CacheControl::from_field(&written), read, "{written:?}");
    assert_eq!(CacheControl::from_field(&written).to_string(), written);
    assert!(!written.contains(['\r', '\n', '\0']), "it would split the head: {written:?}");
    assert_eq!(CacheControl::has_no_store(text), read.no_store);
    assert_eq!(CacheControl::has_no_transform(text), read.no_transform);
    assert!(read.extensions.iter().len() <= MAX_EXTENSIONS);
    assert_eq!(read.is_empty(), written.is_empty());
    for sentence in read.contradictions() {
        assert!(!sentence.is_empty());
    }

    // What is written passes the strict reading too and means the same there, but for an unknown name that
    // looks like a misspelt one.
    match written.parse::<CacheControl>() {
        Ok(strict) => assert_eq!(strict, read),
        Err(error) => assert!(error.to_string().contains("did you mean"), "{written:?}: {error}"),
    }
    if let Ok(strict) = text.parse::<CacheControl>() {
        assert_eq!(strict, read, "strict and lenient differ");
    }

    // Joined or line by line is the same (RFC 9110 §5.3), as long as no quote runs on from one to the next.
    if !text.contains('"')
        && let Some((one, other)) = text.split_once(',')
    {
        let mut lines = CacheControl::from_field(one);
        lines.add_field(other);
        assert_eq!(lines, read);
    }
}
