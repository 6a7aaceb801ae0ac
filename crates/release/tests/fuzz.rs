//! Records nobody would store: no text makes the decoder panic, hang or eat memory.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../../fuzz/mod.rs"]
mod fuzz;

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bowline_release::{Release, decode, encode};
use flate2::Compression;
use flate2::write::GzEncoder;
use fuzz::{cases, mutated, mutated_text, on_a_small_stack};
use proptest::prelude::*;

const RECORD: &str = r#"{"name":"web","version":3,"namespace":"demo","manifest":"---\n","future":1,
"info":{"first_deployed":"2024-05-06T07:08:09.123456789+02:00","last_deployed":"2024-05-06T07:08:09Z","deleted":"",
"status":"superseded","description":"Upgrade complete","notes":"hi","later":{"x":[]}},
"chart":{"metadata":{"name":"web","version":"1.2.3","appVersion":"9"},"lock":null,"templates":[]},"config":null,
"hooks":[{"name":"m","kind":"Job","path":"p","manifest":"","events":["pre-install"],"weight":-5,
"last_run":{"started_at":"","completed_at":"0001-01-01T00:00:00Z","phase":""},"delete_policies":null}],"labels":{"a":"b"}}"#;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

/// What can be read can be written, and reads back as the same.
fn round_trip(release: &Release) {
    let again = decode(&encode(release).unwrap()).unwrap();
    assert_eq!(&again, release);
    let _ = (release.chart.title(), release.chart.app_version());
}

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn any_json_is_a_record_or_an_error(json in mutated_text(&[RECORD])) {
        if let Ok(release) = decode(&STANDARD.encode(json)) {
            round_trip(&release);
        }
    }

    #[test]
    fn any_gzip_is_a_record_or_an_error(bytes in mutated(vec![gzip(RECORD.as_bytes())])) {
        if let Ok(release) = decode(&STANDARD.encode(bytes)) {
            round_trip(&release);
        }
    }

    #[test]
    fn any_text_is_a_record_or_an_error(text in mutated_text(&[&STANDARD.encode(gzip(RECORD.as_bytes()))])) {
        let _ = decode(&text).is_ok();
    }
}

#[test]
fn a_record_that_unpacks_to_gigabytes_is_refused() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    let block = vec![b' '; 1 << 20];
    for _ in 0..512 {
        gzip.write_all(&block).unwrap();
    }
    let bomb = STANDARD.encode(gzip.finish().unwrap());
    assert!(decode(&bomb).unwrap_err().contains("larger than"));
}

#[test]
fn deep_records_are_errors_on_a_small_stack() {
    for json in ["[".repeat(500_000), "{\"info\":".repeat(500_000), format!("{{\"x\":{}", "[".repeat(500_000))] {
        let text = STANDARD.encode(json);
        assert!(on_a_small_stack(move || decode(&text)).is_err());
    }
}
