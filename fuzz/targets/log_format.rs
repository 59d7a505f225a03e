//! Formats of access logs in Gunicorn's and nginx's notation. The first line is the notation, the others are a log.
#![no_main]

use libfuzzer_sys::fuzz_target;
use notmodified::access_log::{Field, Format};
use notmodified_fuzz::{Lines, log};

fuzz_target!(|octets: &[u8]| {
    let mut lines = Lines::of(octets);
    let Some(notation) = lines.next().and_then(|line| std::str::from_utf8(line).ok()) else { return };
    let format = match Format::compile(notation) {
        Ok(format) => format,
        Err(refusal) => {
            let refusal = refusal.to_string();
            assert!(refusal.contains(notation.trim()) && !refusal.contains('\n'), "{refusal}");
            return;
        }
    };
    let mut room = Vec::new();
    for line in lines {
        if let Some(record) = format.parse(line, &mut room) {
            // One that the format does not have is not there.
            assert!(Field::ALL.iter().all(|field| format.has(*field) || record.raw(*field).is_none()));
        }
    }
    if notation.len() > 1000 || format.name == "json" {
        return;
    }
    // The simplest exchange in this format is read.
    let (line, _) = log::written(log::notation(notation.trim()), &[]);
    let record = format.parse(&line, &mut room);
    let record = record.unwrap_or_else(|| panic!("unreadable: {}", line.escape_ascii()));
    if !record.ambiguous && format.has(Field::Status) {
        assert_eq!(record.status(), Some(200), "{}", line.escape_ascii());
    }
});
