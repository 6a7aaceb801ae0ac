//! Indices, lists of repositories, locks, keyrings and provenance files nobody would write: none makes a reader panic, hang
//! or eat memory.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../../fuzz/mod.rs"]
mod fuzz;

use bowline_registry::{Index, Keyring, Lock, Repositories, SearchIndex, Silent, check};
use fuzz::{cases, jumble, mutated, mutated_text, on_a_small_stack};
use proptest::prelude::*;

const INDEX: &str = "apiVersion: v1\ngenerated: 2023-11-14T22:13:20.5Z\nentries:\n  web:\n  - name: web\n    version: 1.2.3\n    urls: [web-1.2.3.tgz]\n\
    \x20   created: 2023-11-14T22:13:20Z\n    digest: abc\n    keywords: [a]\n    maintainers: [{name: x}]\n    annotations: {a: b}\n\
    \x20   dependencies: [{name: d, version: ^1, repository: r, tags: [t], import-values: [{child: a, parent: b}]}]\n\
    \x20 - name: web\n    version: 1.0.0\n    deprecated: true\n    urls: []\n  db: []\nserverInfo: {}\npublicKeys: [x]\n";
const JSON: &str = r#"{"apiVersion":"v1","entries":{"a":[{"name":"a","version":"1.0.0","urls":["a.tgz"],"created":"2023-11-14T22:13:20Z"}]}}"#;
const REPOSITORIES: &str = "apiVersion: v1\ngenerated: 2023-11-14T22:13:20Z\nrepositories:\n- name: a\n  url: http://x\n  caFile: ''\n\
    \x20 insecure_skip_tls_verify: true\n  pass_credentials_all: false\n- name: b\n";
const LOCK: &str = "dependencies:\n- name: web\n  repository: http://x\n  version: 1.0.0\ndigest: sha256:abc\ngenerated: 2023-11-14T22:13:20Z\n";
const SIGNED: &str = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nname: web\n\n...\nfiles:\n  a.tgz: sha256:abc\n-----BEGIN PGP SIGNATURE-----\n\n\
    wsBzBAEBCgAnBQJlU+/wCRAAAAAAAAAAABYhBAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n=AAAA\n-----END PGP SIGNATURE-----\n";

/// What was read is written, read again, searched and looked up.
fn index(data: &[u8]) {
    let Ok(read) = Index::parse(data, "fuzz", &Silent) else { return };
    let again = Index::parse(read.to_json().as_bytes(), "json", &Silent);
    assert!(again.is_ok(), "{}", again.unwrap_err());
    for name in ["web", "a", ""] {
        for version in ["", "1.0.0", "^1", "x"] {
            let _ = read.get(name, version, &Silent);
        }
    }
    let mut merged = read.clone();
    merged.merge(&read);
    let mut search = SearchIndex::default();
    search.add("repo", &read, true);
    let _ = search.search("a", false, ">0.0.0-0", true);
}

fn signed(data: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ring");
    std::fs::write(&file, data).unwrap();
    let empty = folder.path().join("empty");
    std::fs::write(&empty, "").unwrap();
    let now = jiff::Timestamp::UNIX_EPOCH;
    for ring in [&file, &empty] {
        if let Ok(ring) = Keyring::load(ring) {
            let _ = check(b"x", data, "a.tgz", &ring, now);
            let _ = check(b"x", SIGNED.as_bytes(), "a.tgz", &ring, now);
        }
    }
}

/// A keybox with one blob, and an old keyring with one RSA key's head.
fn rings() -> Vec<Vec<u8>> {
    let mut keybox = vec![0, 0, 0, 32, 1, 1, 0, 2];
    keybox.extend(b"KBXf");
    keybox.resize(32, 0);
    let key =
        [&[0x99, 0, 13, 4, 0x65, 0x53, 0xf0, 0, 1, 0, 8, 0xff, 0, 2, 3][..], &[0xb4, 3, b'a', b' ', b'b']].concat();
    let mut blob = vec![0, 0, 0, 20 + key.len() as u8, 2, 1, 0, 0, 0, 0, 0, 20, 0, 0, 0, key.len() as u8, 0, 0, 0, 0];
    blob.extend(&key);
    keybox.extend(&blob);
    vec![keybox, key]
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn indices(text in mutated_text(&[INDEX, JSON])) {
        on_a_small_stack(move || index(text.as_bytes()));
    }

    #[test]
    fn jumbled_indices(text in jumble(&["apiVersion: v1\n", "entries:\n", "  a:\n", "  - name: a\n", "    version: 1\n", "- ", "{", "}", "[", "]", "null", ": ", "&a ", "*a ", "\n"], 40)) {
        on_a_small_stack(move || index(text.as_bytes()));
    }

    #[test]
    fn repositories_and_locks(text in mutated_text(&[REPOSITORIES, LOCK])) {
        let _ = Repositories::parse(&text);
        if let Ok(lock) = Lock::parse(&text) {
            let _ = lock.to_yaml();
        }
    }

    #[test]
    fn keyrings(data in mutated(rings())) {
        on_a_small_stack(move || signed(&data));
    }

    #[test]
    fn provenance_files(text in mutated_text(&[SIGNED])) {
        on_a_small_stack(move || signed(text.as_bytes()));
    }
}

#[test]
fn an_index_nests_no_deeper_than_yaml_may() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let yaml = format!("apiVersion: v1\nserverInfo: {}\n", nested(100_000));
    on_a_small_stack(move || index(yaml.as_bytes()));
    let json = format!("{{\"apiVersion\":\"v1\",\"serverInfo\":{}}}", nested(100));
    on_a_small_stack(move || index(json.as_bytes()));
}
