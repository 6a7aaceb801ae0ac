//! Registries and signatures: what the drop-in pushes and signs the real helm pulls and verifies, and the reverse.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods, dead_code)]

#[path = "support/http.rs"]
mod http;
#[path = "support/registry.rs"]
mod registry;
mod support;
#[path = "support/twins.rs"]
mod twins;

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use http::{Answer, Server};
use registry::{Guard, Keys, Registry};
use twins::{SIDES, Side, Twins};

/// A chart of that version, packed by helm, for both.
fn packed(twins: &Twins, name: &str, version: &str) -> String {
    let more = "description: A chart\nhome: https://example.com\nsources: [https://example.com/src]\nappVersion: \"1<2\"\n\
        maintainers: [{name: Jo, email: jo@example.com}, {name: Mo}]\nannotations: {b: x, org.opencontainers.image.title: no}\n";
    twins.write(&format!("{name}/Chart.yaml"), format!("apiVersion: v2\nname: {name}\nversion: {version}\n{more}"));
    twins.write(&format!("{name}/templates/a.yaml"), "a: b\n");
    let packed = twins.run(Side::Helm, &format!("package {name}"), "");
    assert_eq!(packed.code, Some(0), "{packed:?}");
    let file = format!("{name}-{version}.tgz");
    twins.share(&file);
    // The time of the file is told to the registry.
    for side in SIDES {
        let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
        fs::File::options().write(true).open(twins.work(side).join(&file)).unwrap().set_modified(time).unwrap();
    }
    file
}

#[test]
fn charts_are_pushed_and_pulled() {
    let Some(mut twins) = Twins::new() else { return };
    let Some(registry) = Registry::start(&Guard::Everyone, None) else { return };
    let at = &registry.address;
    let versions = ["0.1.0", "0.2.0", "0.2.1-rc.1", "1.0.0+build.7"];
    for version in versions {
        let file = packed(&twins, "web", version);
        // Both push the same: the second finds everything there, and prints the same digest.
        twins.same(&format!("push {file} oci://{at}/charts --plain-http"));
        // Once more, each to a place of its own: what the registry holds then is the same.
        let helm = twins.run(Side::Helm, &format!("push {file} oci://{at}/by-helm --plain-http"), "");
        let ours = twins.run(Side::Ours, &format!("push {file} oci://{at}/by-ours --plain-http"), "");
        assert_eq!((helm.code, ours.code), (Some(0), Some(0)), "{helm:?} {ours:?}");
        assert_eq!(helm.stdout.replace("by-helm", "X"), ours.stdout.replace("by-ours", "X"));
    }
    for side in SIDES {
        for version in versions {
            fs::remove_file(twins.work(side).join(format!("web-{version}.tgz"))).unwrap();
        }
    }
    for place in ["charts", "by-helm", "by-ours"] {
        for line in [
            "pull oci://AT/web --plain-http",
            "pull oci://AT/web --plain-http --version 0.1.0",
            "pull oci://AT/web:0.2.0 --plain-http",
            "pull oci://AT/web:0.2.0 --plain-http --version 0.1.0",
            "pull oci://AT/web --plain-http --version ^0.1",
            "pull oci://AT/web --plain-http --devel",
            "pull oci://AT/web --plain-http --version 1.0.0+build.7",
            "pull oci://AT/web --plain-http --version 9.9.9",
            "pull oci://AT/web --plain-http --version ^9",
            "pull oci://AT/web --plain-http --version '>>9'",
            "pull oci://AT/none --plain-http",
            "pull oci://AT/none --plain-http --version 1.0.0",
            "pull oci://AT/UPPER --plain-http",
            "pull oci://AT/web --plain-http --untar --version 0.1.0",
            "pull oci://AT/web --plain-http --prov --version 0.1.0",
            "pull oci://AT/web --plain-http --verify --version 0.1.0",
            "show chart oci://AT/web --plain-http --version 0.2.0",
            "template oci://AT/web --plain-http",
        ] {
            twins.same(&line.replace("AT", &format!("{at}/{place}")));
        }
        twins.remove("web");
    }
    twins.both_fail(&format!("pull oci://{at}/charts/web"));
    twins.both_fail("pull oci://127.0.0.1:1/charts/web --plain-http");
    packed(&twins, "web", "0.1.0");
    for line in [
        "push web-0.1.0.tgz AT/charts --plain-http",
        "push web-0.1.0.tgz http://AT/charts --plain-http",
        "push nowhere.tgz oci://AT/charts --plain-http",
        "push web oci://AT/charts --plain-http",
        "push web/Chart.yaml oci://AT/charts --plain-http",
        "push web-0.1.0.tgz oci://AT/UPPER --plain-http",
        "push web-0.1.0.tgz",
    ] {
        twins.same(&line.replace("AT", at));
    }
    twins.finish();
}

#[test]
fn dependencies_come_from_registries() {
    let Some(mut twins) = Twins::new() else { return };
    let Some(registry) = Registry::start(&Guard::Everyone, None) else { return };
    let at = &registry.address;
    for version in ["0.1.0", "0.2.0", "1.0.0"] {
        let file = packed(&twins, "web", version);
        let pushed = twins.run(Side::Ours, &format!("push {file} oci://{at}/charts --plain-http"), "");
        assert_eq!(pushed.code, Some(0), "{pushed:?}");
    }
    for version in ["0.2.0", "~0.1", ">0", "^7", "0.9.9"] {
        let more = format!("dependencies:\n- name: web\n  version: '{version}'\n  repository: oci://{at}/charts\n");
        twins.write("app/Chart.yaml", format!("apiVersion: v2\nname: app\nversion: 1.0.0\n{more}"));
        twins.same("dependency update app --plain-http");
        twins.same("dependency build app --plain-http");
        twins.same("dependency list app");
    }
    twins.finish();
}

#[test]
fn users_log_in_and_out() {
    let Some(mut twins) = Twins::new() else { return };
    let Some(registry) = Registry::start(&Guard::Password("me", "s3cret:x"), None) else { return };
    let at = &registry.address;
    let file = packed(&twins, "web", "0.1.0");
    twins.same(&format!("push {file} oci://{at}/charts --plain-http"));
    twins.same(&format!("pull oci://{at}/charts/web --plain-http"));
    twins.same(&format!("pull oci://{at}/charts/web --plain-http --version 0.1.0"));
    twins.same(&format!("registry login {at} --plain-http -u me -p wrong"));
    twins.same(&format!("registry login {at} --plain-http -u me"));
    twins.same_with(&format!("registry login {at} --plain-http -u me --password-stdin"), "s3cret:x\n");
    twins.same(&format!("registry login {at} --plain-http --username me --password s3cret:x"));
    twins.same(&format!("registry login {at}/path --plain-http --username me --password s3cret:x"));
    twins.same(&format!("push {file} oci://{at}/charts --plain-http"));
    twins.same(&format!("pull oci://{at}/charts/web --plain-http"));
    // Each finds its way with the file that the other wrote.
    for (from, to) in [(Side::Helm, Side::Ours), (Side::Ours, Side::Helm)] {
        let config = |side| twins.home(side).join(".config/helm/registry/config.json");
        fs::copy(config(from), config(to)).unwrap();
        let pulled = twins.run(to, &format!("pull oci://{at}/charts/web --plain-http"), "");
        assert_eq!(pulled.code, Some(0), "{pulled:?}");
    }
    twins.same(&format!("registry logout {at}"));
    twins.same(&format!("registry logout {at}"));
    twins.same("registry logout elsewhere");
    twins.same(&format!("pull oci://{at}/charts/web --plain-http --version 0.1.0"));
    twins.same(&format!("pull oci://{at}/charts/web --plain-http --version 0.1.0 --username me --password s3cret:x"));
    // Docker's file, where Helm's has nothing.
    let auths = format!("{{\"auths\": {{\"http://{at}/v2/\": {{\"auth\": \"bWU6czNjcmV0Ong=\"}}}}}}");
    for side in SIDES {
        fs::create_dir_all(twins.home(side).join(".docker")).unwrap();
        fs::write(twins.home(side).join(".docker/config.json"), &auths).unwrap();
    }
    twins.same(&format!("pull oci://{at}/charts/web --plain-http --version 0.1.0"));
    for side in SIDES {
        fs::write(twins.home(side).join(".config/helm/registry/config.json"), "no json").unwrap();
    }
    twins.both_fail(&format!("registry login {at} --plain-http -u me -p s3cret:x"));
    twins.finish();
}

#[test]
fn registries_speak_tls() {
    let Some(mut twins) = Twins::new() else { return };
    let key = rcgen::KeyPair::generate().unwrap();
    let parameters = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = parameters.self_signed(&key).unwrap().pem();
    let Some(registry) = Registry::start(&Guard::Everyone, Some((&certificate, &key.serialize_pem()))) else { return };
    let at = &registry.address;
    let file = packed(&twins, "web", "0.1.0");
    twins.write("ca.pem", &certificate);
    twins.both_fail(&format!("push {file} oci://{at}/charts"));
    twins.same(&format!("push {file} oci://{at}/charts --ca-file ca.pem"));
    twins.same(&format!("pull oci://{at}/charts/web --ca-file ca.pem"));
    twins.same(&format!("pull oci://{at}/charts/web --insecure-skip-tls-verify"));
    twins.same(&format!("registry login {at} --insecure -u a -p b"));
    twins.same(&format!("push {file} oci://{at}/charts --ca-file nowhere.pem"));
    twins.finish();
}

#[test]
fn archives_are_signed_and_verified() {
    let Some(mut twins) = Twins::new() else { return };
    let (Some(keys), Some(other)) = (Keys::new(), Keys::new()) else { return };
    keys.make("Tess Ter <tess@example.com>", "rsa2048", "");
    keys.make("Ed Ward <ed@example.com>", "ed25519", "");
    keys.make("Pass Phrase <pass@example.com>", "rsa2048", "open sesame");
    other.make("Nobody <nobody@example.com>", "rsa2048", "");
    twins.write("pub.gpg", keys.export(&["--export"]));
    twins.write("sec.gpg", keys.export(&["--passphrase", "open sesame", "--export-secret-keys"]));
    twins.write("pub.asc", keys.export(&["--armor", "--export"]));
    twins.write("other.gpg", other.export(&["--export"]));
    twins.write("two.asc", [other.export(&["--armor", "--export"]), keys.export(&["--armor", "--export"])].concat());
    if let Ok(keybox) = fs::read(keys.folder().join("pubring.kbx")) {
        twins.write("pub.kbx", keybox);
    }
    twins.write("phrase", "open sesame\n");
    twins.write("wrong", "open barley\n");
    twins.write("text", "no keys");
    twins.write("empty", "");
    twins.write(
        "web/Chart.yaml",
        "apiVersion: v2\nname: web\nversion: 0.1.0\ndescription: |\n  - dash \n  trailing blanks   \n",
    );
    for key in ["tess", "Ed Ward <ed@example.com>", "pass@"] {
        let line = format!("package web --sign --key '{key}' --keyring sec.gpg --passphrase-file phrase");
        for signer in SIDES {
            let signed = twins.run(signer, &line, "");
            assert_eq!(signed.code, Some(0), "{key}: {signed:?}");
            // What one signs both verify, with every kind of keyring.
            let from = twins.work(signer);
            for side in SIDES.into_iter().filter(|side| *side != signer) {
                for file in ["web-0.1.0.tgz", "web-0.1.0.tgz.prov"] {
                    fs::copy(from.join(file), twins.work(side).join(file)).unwrap();
                }
            }
            for keyring in ["pub.gpg", "sec.gpg", "pub.asc", "two.asc", "pub.kbx"] {
                let verified = twins.same(&format!("verify web-0.1.0.tgz --keyring {keyring}"));
                assert_eq!(verified.code, Some(0), "{key} {keyring}: {verified:?}");
            }
            let by_gpg = from.join("web-0.1.0.tgz.prov").display().to_string();
            // GnuPG stumbles over the missing line break at the end of helm's.
            if signer == Side::Ours {
                keys.gpg(&["--verify", &by_gpg]);
            }
            let shape = |text: &str| {
                text.lines().take_while(|l| !l.contains("BEGIN PGP SIGNATURE")).map(str::to_owned).collect::<Vec<_>>()
            };
            let provenance = fs::read_to_string(from.join("web-0.1.0.tgz.prov")).unwrap();
            assert_eq!(shape(&provenance)[1], "Hash: SHA512");
            assert!(provenance.contains("\n...\nfiles:\n  web-0.1.0.tgz: sha256:"), "{provenance}");
        }
    }
    for keyring in ["other.gpg", "nowhere.gpg", "text", "empty", "web-0.1.0.tgz.prov"] {
        twins.same(&format!("verify web-0.1.0.tgz --keyring {keyring}"));
    }
    twins.same("verify web --keyring pub.gpg");
    twins.same("verify nowhere.tgz --keyring pub.gpg");
    twins.same("verify web/Chart.yaml --keyring pub.gpg");
    twins.same("template x web-0.1.0.tgz --verify --keyring pub.gpg");
    twins.same("template x web-0.1.0.tgz --verify --keyring other.gpg");
    for line in [
        "package web --sign --key nobody --keyring sec.gpg",
        "package web --sign --key e --keyring sec.gpg",
        "package web --sign --key tess --keyring pub.gpg",
        "package web --sign --key tess --keyring nowhere.gpg",
        "package web --sign --key pass@ --keyring sec.gpg --passphrase-file nowhere",
        "package web --sign --key pass@ --keyring sec.gpg --passphrase-file empty",
        "package web --sign --key pass@ --keyring sec.gpg",
    ] {
        let (helm, ours) = (twins.run(Side::Helm, line, ""), twins.run(Side::Ours, line, ""));
        assert_eq!((helm.code, &helm.stderr, &helm.stdout), (ours.code, &ours.stderr, &ours.stdout), "{line}");
        assert_eq!(helm.code, Some(1), "{line}");
    }
    let wrong = "package web --sign --key pass@ --keyring sec.gpg --passphrase-file wrong";
    assert_eq!(twins.run(Side::Ours, wrong, "").code, Some(1));
    let piped = "package web --sign --key pass@ --keyring sec.gpg --passphrase-file -";
    for side in SIDES {
        assert_eq!(twins.run(side, piped, "open sesame\n").code, Some(0));
    }
    for file in ["web-0.1.0.tgz", "web-0.1.0.tgz.prov"] {
        twins.share(file);
    }
    // Tampered with: the archive, the text, the name.
    let provenance = fs::read_to_string(twins.work(Side::Ours).join("web-0.1.0.tgz.prov")).unwrap();
    let archive = fs::read(twins.work(Side::Ours).join("web-0.1.0.tgz")).unwrap();
    twins.write("other-0.1.0.tgz", &archive);
    twins.write("other-0.1.0.tgz.prov", &provenance);
    twins.same("verify other-0.1.0.tgz --keyring pub.gpg");
    twins.write("web-0.1.0.tgz.prov", provenance.replace("name: web", "name: wab"));
    twins.same("verify web-0.1.0.tgz --keyring pub.gpg");
    twins.write("web-0.1.0.tgz.prov", provenance.replace("-----BEGIN PGP SIGNED", "-----BEGIN PGP SEALED"));
    twins.same("verify web-0.1.0.tgz --keyring pub.gpg");
    twins.write("web-0.1.0.tgz.prov", &provenance);
    twins.write("web-0.1.0.tgz", [archive.as_slice(), b"x"].concat());
    twins.same("verify web-0.1.0.tgz --keyring pub.gpg");
    twins.finish();
}

#[test]
fn signatures_travel_with_charts() {
    let Some(mut twins) = Twins::new() else { return };
    let Some(keys) = Keys::new() else { return };
    let Some(registry) = Registry::start(&Guard::Everyone, None) else { return };
    let at = &registry.address;
    keys.make("Tess Ter <tess@example.com>", "rsa2048", "");
    twins.write("pub.gpg", keys.export(&["--export"]));
    twins.write("sec.gpg", keys.export(&["--export-secret-keys"]));
    let file = packed(&twins, "web", "0.1.0");
    let signed = twins.run(Side::Ours, "package web --sign --key tess --keyring sec.gpg", "");
    assert_eq!(signed.code, Some(0), "{signed:?}");
    for file in [&file, &format!("{file}.prov")] {
        fs::copy(twins.work(Side::Ours).join(file), twins.work(Side::Helm).join(file)).unwrap();
    }
    for side in SIDES {
        let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
        fs::File::options().write(true).open(twins.work(side).join(&file)).unwrap().set_modified(time).unwrap();
    }
    twins.same(&format!("push {file} oci://{at}/charts --plain-http"));
    twins.remove(&file);
    twins.remove(&format!("{file}.prov"));
    for line in [
        "pull oci://AT/charts/web --plain-http --version 0.1.0 --verify --keyring pub.gpg",
        "pull oci://AT/charts/web --plain-http --version 0.1.0 --prov",
        "pull oci://AT/charts/web --plain-http --version 0.1.0 --verify --keyring nowhere",
        "template x oci://AT/charts/web --plain-http --version 0.1.0 --verify --keyring pub.gpg",
        "show chart oci://AT/charts/web --plain-http --version 0.1.0 --verify --keyring pub.gpg",
    ] {
        twins.same(&line.replace("AT", at));
    }
    let more = format!("dependencies:\n- name: web\n  version: 0.1.0\n  repository: oci://{at}/charts\n");
    twins.write("app/Chart.yaml", format!("apiVersion: v2\nname: app\nversion: 1.0.0\n{more}"));
    twins.same("dependency update app --plain-http --verify --keyring pub.gpg");
    twins.same("dependency build app --plain-http --verify --keyring pub.gpg");
    twins.same("dependency update app --plain-http --verify --keyring nowhere");
    twins.finish();
}

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// What a registry holds: content by digest, and digests by tag.
#[derive(Clone, Default)]
struct Held {
    content: BTreeMap<String, (&'static str, Vec<u8>)>,
    tags: BTreeMap<&'static str, String>,
}

impl Held {
    fn put(&mut self, kind: &'static str, data: Vec<u8>) -> (String, usize) {
        let (digest, size) = (format!("sha256:{}", bowline_registry::digest(&data)), data.len());
        self.content.insert(digest.clone(), (kind, data));
        (digest, size)
    }

    /// A manifest of a chart, with a signature where there is one.
    fn chart(&mut self, archive: Vec<u8>, signature: Option<&[u8]>) -> String {
        let descriptor = |kind: &str, (digest, size): &(String, usize)| serde_json::json!({"mediaType": kind, "digest": digest, "size": size});
        let config = self.put("application/octet-stream", b"{\"name\":\"web\",\"version\":\"0.1.0\"}".to_vec());
        let archive = self.put("application/octet-stream", archive);
        let mut layers = vec![descriptor("application/vnd.cncf.helm.chart.content.v1.tar+gzip", &archive)];
        if let Some(signature) = signature {
            let signature = self.put("application/octet-stream", signature.to_vec());
            layers.push(descriptor("application/vnd.cncf.helm.chart.provenance.v1.prov", &signature));
        }
        let config = descriptor("application/vnd.cncf.helm.config.v1+json", &config);
        let manifest =
            serde_json::json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers});
        self.put(MANIFEST, manifest.to_string().into_bytes()).0
    }

    fn index(&mut self, manifests: &[&str]) -> String {
        let entry = |digest: &&str| {
            let size = self.content[*digest].1.len();
            serde_json::json!({"mediaType": MANIFEST, "digest": digest, "size": size})
        };
        let manifests: Vec<serde_json::Value> = manifests.iter().map(entry).collect();
        let index = serde_json::json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
        self.put(INDEX, index.to_string().into_bytes()).0
    }

    fn answer(&self, path: &str) -> Answer {
        let path = path.split('?').next().unwrap();
        if path.ends_with("/tags/list") {
            let tags: Vec<&&str> = self.tags.keys().collect();
            return Answer::ok(serde_json::json!({"name": "charts/web", "tags": tags}).to_string());
        }
        let Some((_, last)) = path.rsplit_once('/').filter(|(_, last)| !last.is_empty()) else {
            return Answer::ok("{}");
        };
        let digest = self.tags.get(last).map_or(last, String::as_str);
        let Some((kind, data)) = self.content.get(digest) else { return Answer::status(404) };
        let headers = vec![("Content-Type", (*kind).to_owned()), ("Docker-Content-Digest", digest.to_owned())];
        Answer { status: 200, headers, body: data.clone() }
    }
}

/// A registry that wants tokens, and gives them to those whom `who` lets in by the `Authorization` of the request for one.
fn with_tokens(held: Held, who: impl Fn(&str) -> bool + Send + Sync + 'static) -> Server {
    let port = Arc::new(Mutex::new(0_u16));
    let known = Arc::clone(&port);
    let server = Server::new(move |request| {
        if request.path.starts_with("/token") {
            if request.method == "POST" || !request.path.contains("service=tests") {
                return Answer::status(404);
            }
            let allowed = who(&request.authorization);
            return if allowed { Answer::ok("{\"token\": \"t0ken\"}") } else { Answer::status(401) };
        }
        if request.authorization == "Bearer t0ken" {
            return held.answer(&request.path);
        }
        let realm = format!("http://127.0.0.1:{}/token", known.lock().unwrap());
        let challenge = format!("Bearer realm=\"{realm}\",service=\"tests\",scope=\"repository:charts/web:pull\"");
        Answer { status: 401, headers: vec![("WWW-Authenticate", challenge)], body: Vec::new() }
    });
    *port.lock().unwrap() = server.port;
    server
}

/// Docker's file, for both.
fn write_docker(twins: &Twins, config: &str) {
    for side in SIDES {
        fs::create_dir_all(twins.home(side).join(".docker")).unwrap();
        fs::write(twins.home(side).join(".docker/config.json"), config).unwrap();
    }
}

/// A registry's content: one chart, `0.1.0`.
fn held(twins: &Twins) -> Held {
    let file = packed(twins, "web", "0.1.0");
    let mut held = Held::default();
    let digest = held.chart(fs::read(twins.work(Side::Helm).join(&file)).unwrap(), None);
    held.tags.insert("0.1.0", digest);
    twins.remove(&file);
    held
}

#[test]
fn tokens_are_got_as_registries_ask_for_them() {
    let Some(mut twins) = Twins::new() else { return };
    let held = held(&twins);
    // Anybody gets one.
    let server = with_tokens(held.clone(), str::is_empty);
    let at = format!("127.0.0.1:{}", server.port);
    twins.same(&format!("pull oci://{at}/charts/web --plain-http --version 0.1.0"));
    twins.same(&format!("pull oci://{at}/charts/web --plain-http"));
    twins.same(&format!("pull oci://{at}/charts/web --plain-http --version 0.9.0"));
    let asked = server.seen().iter().filter(|request| request.path.starts_with("/token")).count();
    assert!(asked >= 6, "{asked} tokens");
    // Only who is known: by flags, by Docker's file, and by a helper program.
    let server = with_tokens(held, |authorization| authorization == "Basic bWU6czNjcmV0");
    let at = format!("127.0.0.1:{}", server.port);
    let pull = format!("pull oci://{at}/charts/web --plain-http --version 0.1.0");
    twins.same(&pull);
    twins.same(&format!("{pull} --username me --password s3cret"));
    twins.same(&format!("{pull} --username me --password wrong"));
    write_docker(&twins, &format!("{{\"auths\": {{\"{at}\": {{\"auth\": \"bWU6czNjcmV0\"}}}}}}"));
    assert_eq!(twins.same(&pull).code, Some(0));
    let programs = tempfile::tempdir().unwrap();
    let helper = programs.path().join("docker-credential-tests");
    let answer = format!(
        "read host; [ \"$1 $host\" = \"get {at}\" ] || {{ echo credentials not found in native keychain; exit 1; }}"
    );
    fs::write(&helper, format!("#!/bin/sh\n{answer}\necho '{{\"Username\": \"me\", \"Secret\": \"s3cret\"}}'\n"))
        .unwrap();
    fs::set_permissions(&helper, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    write_docker(&twins, &format!("{{\"credHelpers\": {{\"{at}\": \"tests\"}}}}"));
    let path = format!("{}:{}", programs.path().display(), std::env::var("PATH").unwrap());
    twins.set("PATH", path);
    assert_eq!(twins.same(&pull).code, Some(0));
    write_docker(&twins, "{\"credsStore\": \"tests\"}");
    assert_eq!(twins.same(&pull).code, Some(0));
    write_docker(&twins, "{\"credsStore\": \"absent\"}");
    twins.both_fail(&pull);
    twins.finish();
}

#[test]
fn charts_come_by_digest_and_from_indices_with_their_signatures() {
    let Some(mut twins) = Twins::new() else { return };
    let mut held = held(&twins);
    let chart = held.tags["0.1.0"].clone();
    let archive =
        held.content.values().map(|(_, data)| data).find(|data| data.starts_with(b"\x1f\x8b")).unwrap().clone();
    let signed = held.chart(archive, Some(b"no signature at all\n"));
    held.tags.insert("0.2.0", signed);
    let index = held.index(&[&chart]);
    held.tags.insert("0.3.0", index);
    let server = Server::new(move |request| held.answer(&request.path));
    let at = format!("127.0.0.1:{}", server.port);
    let other = format!("sha256:{}", "ab".repeat(32));
    for line in [
        format!("pull oci://{at}/charts/web@{chart} --plain-http"),
        format!("pull oci://{at}/charts/web:0.1.0@{chart} --plain-http"),
        format!("pull oci://{at}/charts/web@{other} --plain-http"),
        format!("pull oci://{at}/charts/web@sha256:short --plain-http"),
        format!("pull oci://{at}/charts/web@md5:abcd --plain-http"),
        format!("pull oci://{at}/charts/web@x --plain-http"),
        format!("pull oci://{at}/charts/web@{} --plain-http", chart.to_uppercase().replace("SHA", "sha")),
        format!("pull oci://{at}/charts/web --version 0.2.0 --plain-http"),
        format!("pull oci://{at}/charts/web --version 0.2.0 --plain-http --prov"),
        format!("pull oci://{at}/charts/web --version 0.1.0 --plain-http --prov"),
        format!("pull oci://{at}/charts/web --version 0.3.0 --plain-http"),
        format!("show chart oci://{at}/charts/web --version 0.1.0 --plain-http"),
        format!("template oci://{at}/charts/web@{chart} --plain-http"),
    ] {
        twins.same(&line);
    }
    twins.finish();
}

#[test]
fn a_registry_that_has_no_time_is_asked_again() {
    let Some(twins) = Twins::new() else { return };
    let held = held(&twins);
    for (status, times, header) in [(429, 1, Some("1")), (503, 2, None), (500, 1, None)] {
        let mut attempts = Vec::new();
        for side in SIDES {
            let (held, left) = (held.clone(), AtomicUsize::new(times));
            let server = Server::new(move |request| {
                let busy = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
                if !busy {
                    return held.answer(&request.path);
                }
                let headers = header.map(|seconds: &str| ("Retry-After", seconds.to_owned())).into_iter().collect();
                Answer { status, headers, body: Vec::new() }
            });
            let line = format!("pull oci://127.0.0.1:{}/charts/web --plain-http --version 0.1.0", server.port);
            let started = std::time::Instant::now();
            let pulled = twins.run(side, &line, "");
            assert_eq!(pulled.code, Some(0), "{status}: {pulled:?}");
            assert!(header.is_none() || started.elapsed().as_secs() >= 1, "what the registry asks for is waited");
            let paths: Vec<String> = server.seen().into_iter().map(|r| format!("{} {}", r.method, r.path)).collect();
            attempts.push(paths);
        }
        assert_eq!(attempts[0][..=times], attempts[1][..=times], "{status}");
    }
}
