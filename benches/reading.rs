//! Reads the access log that it is given, once: `make bench-logs` counts what that costs without Python around it.
//!
//! `reading count LOG` takes the lines apart and counts; `reading analyse LOG` makes the whole document of them.

use std::error::Error;
use std::path::PathBuf;

use notmodified::access_log::Source;
use notmodified::access_log::report::{self, Report};
use notmodified::access_log::scan::{Options, count, scan};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, log] = arguments.as_slice() else {
        // `cargo bench` of all benches.
        println!("reading: run by `make bench-logs`");
        return Ok(());
    };
    let threads = std::thread::available_parallelism()?.get();
    let options = Options { format: None, max_memory: 1 << 30, threads };
    let sources = [Source::File(PathBuf::from(log))];
    if what == "count" {
        let totals = count(&sources, options, |_| true)?;
        println!("{} lines, {} bytes", totals.parsed, totals.all().bytes);
    } else {
        let mut log = scan(&sources, options, |_| true)?;
        let analysis = report::Options { risk: 0.01, threads, simulation: None };
        println!("{}", Report::of(&mut log, &analysis, |_| None).to_json()?.len());
    }
    Ok(())
}
