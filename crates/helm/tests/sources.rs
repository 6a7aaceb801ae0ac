//! Repositories, dependencies and archives: the drop-in prints what the real helm prints, and leaves behind the same files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods, dead_code)]

#[path = "support/http.rs"]
mod http;
mod support;
#[path = "support/twins.rs"]
mod twins;

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use http::{Answer, Server};
use twins::{SIDES, Side, Twins};

fn chart(name: &str, version: &str, more: &str) -> String {
    format!("apiVersion: v2\nname: {name}\nversion: {version}\ndescription: A chart called {name}\n{more}")
}

/// A chart with everything in it that an archive may have.
fn full_chart(twins: &Twins, folder: &str) {
    let more = "appVersion: \"1.10\"\nhome: https://example.com\nsources: [https://example.com/src]\nkeywords: [web, \"a: b\"]\n\
        maintainers:\n- name: Jo\n  email: jo@example.com\n- name: Mo\nicon: https://example.com/i.png\nkubeVersion: '>=1.20-0'\n\
        annotations:\n  b: \"2\"\n  a: |\n    two\n    lines\ntype: application\ndependencies:\n- name: inner\n  version: 0.1.x\n  repository: \"\"\n\
        \x20 condition: inner.on,global.on\n  tags: [t]\n  import-values: [data, {child: a, parent: b}]\n  alias: in-ner\n";
    twins.write(&format!("{folder}/Chart.yaml"), chart("full", "1.2.3-rc.1+build.5", more));
    twins.write(&format!("{folder}/values.yaml"), "# a comment\na: 1\n");
    twins.write(&format!("{folder}/values.schema.json"), "{\"type\": \"object\"}\n");
    twins.write(&format!("{folder}/templates/a.yaml"), "{{ .Values.a }}\n");
    twins.write(&format!("{folder}/templates/sub/_b.tpl"), "");
    twins.write(&format!("{folder}/templates/.hidden"), "x");
    twins.write(&format!("{folder}/crds/c.yaml"), "kind: CustomResourceDefinition\n");
    twins.write(&format!("{folder}/files/{}/{}", "d".repeat(90), "f".repeat(60)), "deep");
    twins.write(&format!("{folder}/files/{}", "g".repeat(120)), "long");
    twins.write(&format!("{folder}/files/ümlaut.txt"), "ü");
    twins.write(&format!("{folder}/left.bak"), "no");
    twins.write(&format!("{folder}/.helmignore"), "*.bak\n");
    twins.write(&format!("{folder}/README.md"), "\u{feff}# Full\n");
    twins.write(&format!("{folder}/charts/inner/Chart.yaml"), chart("inner", "0.1.7", ""));
    twins.write(&format!("{folder}/charts/inner/values.yaml"), "b: 2\n");
    twins.write(&format!("{folder}/charts/inner/templates/x.yaml"), "x: y\n");
    let lock = "dependencies:\n- name: inner\n  repository: \"\"\n  version: 0.1.7\ndigest: sha256:abc\ngenerated: \"2023-11-14T22:13:20.5Z\"\n";
    twins.write(&format!("{folder}/Chart.lock"), lock);
}

#[test]
fn archives_are_helms() {
    let Some(mut twins) = Twins::new() else { return };
    full_chart(&twins, "full");
    twins.same("package full");
    twins.same("package full --version 2.0.0 --app-version '3 beta' -d out/below");
    twins.same("package full full --version 2.1.0");
    twins.same("package out/below/full-2.0.0.tgz -d again");
    twins.same("package full --version wrong");
    twins.same("package nowhere");
    twins.same("package");
    twins.same("package full --sign");
    twins.write("file", "x");
    twins.same("package full -d file");
    // The second time from the archive that was made the first time.
    twins.write("outer/Chart.yaml", chart("outer", "1.0.0", "dependencies: [{name: full, version: ^2}]\n"));
    twins.same("package outer");
    for side in SIDES {
        let work = twins.work(side);
        fs::create_dir_all(work.join("outer/charts")).unwrap();
        fs::copy(work.join("full-2.1.0.tgz"), work.join("outer/charts/full-2.1.0.tgz")).unwrap();
        fs::write(work.join("outer/charts/full-2.1.0.tgz.prov"), "kept").unwrap();
    }
    twins.same("package outer");
    twins.write("old/Chart.yaml", "name: old\nversion: 0.1.0\n");
    twins.write("old/requirements.yaml", "dependencies:\n- name: inner\n  version: 0.1.7\n  repository: ''\n");
    twins.write("old/charts/inner/Chart.yaml", "name: inner\nversion: 0.1.7\n");
    twins.same("package old");
    twins.write("bad/Chart.yaml", "apiVersion: v2\nname: ../bad\nversion: 0.1.0\n");
    twins.same("package bad");
    twins.write("bad2/Chart.yaml", chart("bad2", "1.0.0", ""));
    twins.write("bad2/values.schema.json", "{");
    twins.same("package bad2");
    twins.set("SOURCE_DATE_EPOCH", "1000000000");
    twins.same("package full -d epoch");
    twins.same("package outer -d epoch");
    twins.set("SOURCE_DATE_EPOCH", "x");
    twins.same("package full");
    twins.finish();
}

/// Three versions of a chart, and two others, as archives in a folder of their own.
fn repository(twins: &Twins) -> BTreeMap<String, Vec<u8>> {
    let folder = twins.shared().join("repository");
    let mut files = BTreeMap::new();
    let charts = [
        ("web", "1.0.0", "appVersion: \"9.1\"\nkeywords: [http, server]\n"),
        ("web", "1.1.0", "appVersion: \"9.2\"\n"),
        ("web", "2.0.0-rc.1", ""),
        ("db", "0.3.1", "description: Keeps things, with a sentence that is longer than fifty characters are\n"),
        ("webhook", "3.0.0", "description: Other\n"),
    ];
    for (name, version, more) in charts {
        let at = folder.join(format!("src/{name}-{version}"));
        fs::create_dir_all(at.join("templates")).unwrap();
        let more =
            if more.contains("description") { more.to_owned() } else { format!("description: The {name}\n{more}") };
        fs::write(at.join("Chart.yaml"), format!("apiVersion: v2\nname: {name}\nversion: {version}\n{more}")).unwrap();
        fs::write(at.join("templates/a.yaml"), format!("a: {version}\n")).unwrap();
        let line = format!("package {} -d {}", at.display(), folder.display());
        let packaged = twins.run(Side::Helm, &line, "");
        assert_eq!(packaged.code, Some(0), "{packaged:?}");
        let file = format!("{name}-{version}.tgz");
        files.insert(file.clone(), fs::read(folder.join(&file)).unwrap());
    }
    let indexed = twins.run(Side::Helm, &format!("repo index {}", folder.display()), "");
    assert_eq!(indexed.code, Some(0), "{indexed:?}");
    files.insert("index.yaml".to_owned(), fs::read(folder.join("index.yaml")).unwrap());
    files
}

fn serving(files: BTreeMap<String, Vec<u8>>) -> impl Fn(&http::Request) -> Answer + Send + Sync + 'static {
    move |request| {
        let name = request.path.split('?').next().unwrap().trim_start_matches("/charts/").trim_start_matches('/');
        files.get(name).map_or_else(|| Answer::status(404), |data| Answer::ok(data.clone()))
    }
}

#[test]
fn repositories_are_added_listed_searched_and_removed() {
    let Some(mut twins) = Twins::new() else { return };
    let server = Server::new(serving(repository(&twins)));
    let url = format!("http://127.0.0.1:{}/charts", server.port);
    for line in ["repo list", "repo update", "repo remove x", "search repo", "repo list -o json", "repo list -o yaml"] {
        twins.same(line);
    }
    twins.same(&format!("repo add one {url}"));
    twins.same(&format!("repo add one {url}"));
    twins.same(&format!("repo add one {url}/"));
    twins.same(&format!("repo add one {url}/ --force-update"));
    twins.same(&format!("repo add two {url} --pass-credentials --username me --password secret"));
    twins.same_with(&format!("repo add three {url} --username me --password-stdin"), "secret\n");
    twins.same(&format!("repo add four {url} --username me"));
    twins.same(&format!("repo add a/b {url}"));
    twins.same(&format!("repo add none http://127.0.0.1:{}/nothing", server.port));
    twins.same("repo add closed http://127.0.0.1:1/charts");
    twins.same("repo add ftp ftp://127.0.0.1/charts");
    twins.same("repo add noscheme charts");
    twins.same("repo add gone https://kubernetes-charts.storage.googleapis.com");
    for line in ["repo list", "repo list --no-headers", "repo ls -o json", "repo list -o yaml", "repo update one"] {
        twins.same(line);
    }
    twins.same("repo update unknown");
    twins.same("repo remove two three unknown");
    twins.same("repo update");
    for line in [
        "search repo",
        "search repo web",
        "search repo WEB -l",
        "search repo web --devel",
        "search repo web --version ^1",
        "search repo web --version ^1 -l -o json",
        "search repo web --version nonsense",
        "search repo http",
        "search repo sentence",
        "search repo sentence --max-col-width 20",
        "search repo sentence --max-col-width 0 -o yaml",
        "search repo 'w.b' -r",
        "search repo '(' -r",
        "search repo '*a' -r",
        "search repo '[a' -r",
        "search repo nothing",
        "search repo nothing --fail-on-no-result",
        "search repo nothing -o json",
        "search repo nothing -o json --fail-on-no-result",
        "search repo a keyword",
    ] {
        twins.same(line);
    }
    for side in SIDES {
        fs::write(twins.home(side).join(".cache/helm/repository/one-index.yaml"), "a: b\n").unwrap();
    }
    twins.same("search repo web");
    twins.same("pull one/web");
    twins.same("repo remove one");
    twins.same("repo list");
    twins.finish();
}

#[test]
fn an_index_is_written_and_merged() {
    let Some(mut twins) = Twins::new() else { return };
    let files = repository(&twins);
    for (name, data) in &files {
        twins.write(&format!("charts/{name}"), data);
    }
    twins.write("charts/below/web-1.1.0.tgz", &files["web-1.1.0.tgz"]);
    twins.write("charts/below/deeper/web-1.1.0.tgz", &files["web-1.1.0.tgz"]);
    twins.write("charts/broken.tgz", "no archive");
    twins.same("repo index charts");
    twins.same("repo index charts --url http://example.com/x/");
    twins.same("repo index charts --url ''");
    twins.same("repo index charts --json");
    twins.same("repo index nowhere");
    let old = "apiVersion: v1\ngenerated: 2023-11-14T22:13:20.123450000Z\nserverInfo: {}\nannotations: {k: v}\npublicKeys: [x]\nentries:\n  old:\n  - name: old\n    version: 1.0.0\n    apiVersion: v1\n    created: 2023-11-14T22:13:20.100Z\n    digest: abc\n    checksum: def\n    engine: gotpl\n    url: http://x\n    urls: [old-1.0.0.tgz]\n    removed: true\n    maintainers: [{name: a}]\n    dependencies: [{name: d, version: 1, repository: r}]\n  web:\n  - name: web\n    version: 1.0.0\n    urls: [elsewhere.tgz]\n  - name: web\n    version: 0.9.0\n    description: 'a<b>&c'\n    urls: []\n";
    twins.write("old.yaml", old);
    twins.same("repo index charts --merge old.yaml");
    twins.same("repo index charts --merge old.yaml --json");
    twins.same("repo index charts --merge made.yaml");
    for (name, text) in [
        ("unknown", "apiVersion: v1\nentries:\n  a:\n  - name: a\n    version: 1.0.0\n    unheard: of\n"),
        ("top", "apiVersion: v1\nwhat: ever\nentries: {}\n"),
        ("empty", ""),
        ("none", "entries: {}\n"),
        ("twice", "apiVersion: v1\napiVersion: v1\nentries: {}\n"),
        ("list", "- a\n"),
        ("wrong", "apiVersion: v1\nentries: []\n"),
        ("number", "apiVersion: v1\nentries:\n  a: 5\n"),
        (
            "invalid",
            "apiVersion: v1\nentries:\n  a:\n  - name: a\n    version: x\n  - null\n  - name: a\n    version: 1.0.0\n  - {}\n",
        ),
        (
            "json",
            "{\"apiVersion\": \"v1\", \"entries\": {\"a\": [{\"name\": \"a\", \"version\": \"1.0.0\", \"unheard\": 1}]}}",
        ),
        ("syntax", "apiVersion: v1\nentries: {\n"),
    ] {
        twins.write(&format!("{name}.yaml"), text);
        twins.same(&format!("repo index charts --merge {name}.yaml"));
    }
    twins.finish();
}

#[test]
fn charts_are_pulled() {
    let Some(mut twins) = Twins::new() else { return };
    let server = Server::new(serving(repository(&twins)));
    let base = format!("http://127.0.0.1:{}", server.port);
    let url = format!("{base}/charts");
    twins.same(&format!("repo add one {url}"));
    for line in [
        "pull one/web",
        "pull one/web --version 1.0.0 -d below",
        "pull one/web --version ~1.0 -d .",
        "pull one/web --version 1.0",
        "pull one/web --devel",
        "pull one/web --version 7",
        "pull one/web --version '>>1'",
        "pull one/nothing",
        "pull two/web",
        "pull web",
        "pull one/web --untar",
        "pull one/web --untar",
        "pull one/web --untar --untardir un/packed --version 1.0.0",
        "pull one/web one/db --untar -d dest --untardir here",
        "pull one/web --verify",
        "pull one/web --prov",
        "pull one/web -d nowhere/below",
    ] {
        for side in SIDES {
            let _ = fs::create_dir(twins.work(side).join("below"));
        }
        twins.same(line);
    }
    twins.same(&format!("pull {url}/web-1.1.0.tgz -d below"));
    twins.same(&format!("pull {base}/charts/db-0.3.1.tgz --untar"));
    twins.same(&format!("pull {base}/other/db.tgz"));
    twins.same(&format!("pull db --repo {url} --version 0.3.1 -d below"));
    twins.same(&format!("pull db --repo {url} --version 9"));
    twins.same(&format!("pull none --repo {url}"));
    twins.same(&format!("pull none --repo {base}/other"));
    twins.same("pull http://127.0.0.1:1/x.tgz");
    twins.same("pull ftp://127.0.0.1/x.tgz");
    twins.same("pull one/db --ca-file nowhere.pem");
    twins.same("pull 'one/d b'");
    twins.same("pull :x");
    twins.finish();
}

#[test]
fn dependencies_are_updated_and_built() {
    let Some(mut twins) = Twins::new() else { return };
    let archives = repository(&twins);
    let server = Server::new(serving(archives.clone()));
    let url = format!("http://127.0.0.1:{}/charts", server.port);
    twins.write("lib/Chart.yaml", chart("lib", "0.2.0", "type: library\n"));
    twins.write("lib/templates/_l.tpl", "{{ define \"l\" }}{{ end }}");
    let more = format!(
        "dependencies:\n- name: web\n  version: ^1.0\n  repository: {url}\n  alias: front\n- name: db\n  version: '>0'\n  repository: {url}/\n\
         - name: lib\n  version: 0.x\n  repository: file://../lib\n- name: own\n  version: '*'\n  repository: ''\n"
    );
    twins.write("app/Chart.yaml", chart("app", "1.0.0", &more));
    twins.same("dependency list app");
    twins.same("dependency update app");
    twins.write("app/charts/own/Chart.yaml", chart("own", "3.0.0", ""));
    twins.same("dependency update app");
    twins.same("dependency list app");
    twins.same("dependency list app --max-col-width 10");
    twins.same("dependency build app");
    // Nothing changed: the lock stays, with its time.
    twins.same("dependency update app");
    twins.same(&format!("repo add one {url}"));
    twins.same("dependency build app");
    twins.same("dep up app --skip-refresh");
    // What is not asked for any more goes, what is no chart stays.
    twins.write("app/charts/_rest-1.0.0.txt", "no chart");
    for side in SIDES {
        let charts = twins.work(side).join("app/charts");
        fs::write(charts.join("web-0.0.1.tgz"), &archives["web-1.1.0.tgz"]).unwrap();
    }
    twins.same("dependency list app");
    let alias = |repository: &str| {
        format!(
            "dependencies:\n- name: web\n  version: 1.0.0\n  repository: '{repository}'\n- name: own\n  version: '*'\n"
        )
    };
    twins.write("app/Chart.yaml", chart("app", "1.0.0", &alias("@one")));
    twins.same("dependency build app");
    twins.same("dependency update app");
    twins.same("dependency list app");
    twins.write("app/Chart.yaml", chart("app", "1.0.0", &alias("alias:one")));
    twins.same("dependency update app");
    twins.same("dependency build app");
    for repository in
        ["@two", "stable", "alias:two", "ftp://127.0.0.1/x", "http://127.0.0.1:1/charts", "file://../nowhere"]
    {
        twins.write("app/Chart.yaml", chart("app", "1.0.0", &alias(repository)));
        twins.same("dependency update app");
        twins.same("dependency build app");
    }
    for (name, version) in [("web", "^7"), ("web", "'>>1'"), ("nothing", "1.0.0")] {
        let more = format!("dependencies:\n- name: {name}\n  version: {version}\n  repository: {url}\n");
        twins.write("app/Chart.yaml", chart("app", "1.0.0", &more));
        twins.same("dependency update app");
    }
    twins.write("app/Chart.yaml", chart("app", "1.0.0", "dependencies: [{name: own, version: ^9, repository: ''}]\n"));
    twins.same("dependency update app");
    twins.write("app/Chart.yaml", chart("app", "1.0.0", ""));
    twins.same("dependency update app");
    twins.same("dependency list app");
    twins.same("dependency list nowhere");
    twins.same("dependency update nowhere");
    twins.write("file", "x");
    twins.same("dependency build file");
    // The lock of another, and a link in its place.
    twins.write("app/Chart.yaml", chart("app", "1.0.0", &alias("file://../lib")));
    twins.same("dependency build app");
    twins.remove("app/Chart.lock");
    twins.write(
        "app/Chart.yaml",
        chart("app", "1.0.0", "dependencies: [{name: lib, version: '*', repository: 'file://../lib'}]\n"),
    );
    for side in SIDES {
        std::os::unix::fs::symlink("elsewhere", twins.work(side).join("app/Chart.lock")).unwrap();
    }
    twins.both_fail("dependency update app");
    twins.finish();
}

#[test]
fn old_charts_keep_their_requirements() {
    let Some(mut twins) = Twins::new() else { return };
    let server = Server::new(serving(repository(&twins)));
    let url = format!("http://127.0.0.1:{}/charts", server.port);
    twins.same(&format!("repo add one {url}"));
    twins.write("old/Chart.yaml", "apiVersion: v1\nname: old\nversion: 0.1.0\n");
    twins.write("old/requirements.yaml", format!("dependencies:\n- name: web\n  version: 1.x\n  repository: {url}\n"));
    twins.same("dependency list old");
    twins.same("dependency update old");
    twins.same("dependency build old");
    twins.same("dependency list old");
    twins.same("package old");
    twins.same("package -u old -d out");
    // A lock of Helm 2, whose checksum is over less.
    let asked = format!("{{\"dependencies\":[{{\"name\":\"web\",\"version\":\"1.x\",\"repository\":\"{url}\"}}]}}");
    let sum = bowline_registry::digest(asked.as_bytes());
    let lock = format!(
        "dependencies:\n- name: web\n  repository: {url}\n  version: 1.0.0\ndigest: sha256:{sum}\ngenerated: 2023-11-14T22:13:20Z\n"
    );
    twins.write("old/requirements.lock", lock);
    twins.same("dependency build old");
    twins.write("old/requirements.lock", "dependencies: []\ndigest: sha256:x\ngenerated: 2023-11-14T22:13:20Z\n");
    twins.same("dependency build old");
    twins.finish();
}

#[test]
fn credentials_go_where_they_belong() {
    let Some(mut twins) = Twins::new() else { return };
    let files = repository(&twins);
    let other = Server::new(serving(files.clone()));
    let elsewhere = format!("http://127.0.0.1:{}/charts/web-1.1.0.tgz", other.port);
    let index =
        String::from_utf8(files["index.yaml"].clone()).unwrap().replace("- web-1.1.0.tgz", &format!("- {elsewhere}"));
    let serve = serving(files);
    let guarded = Server::new(move |request: &http::Request| {
        // me:secret
        if request.authorization != "Basic bWU6c2VjcmV0" {
            return Answer::status(401);
        }
        if request.path == "/charts/index.yaml" { Answer::ok(index.clone()) } else { serve(request) }
    });
    let url = format!("http://127.0.0.1:{}/charts", guarded.port);
    twins.same(&format!("repo add one {url}"));
    twins.same(&format!("repo add one {url} --username me --password wrong"));
    twins.same(&format!("repo add one {url} --username me --password secret"));
    twins.same("pull one/web --version 1.0.0");
    other.seen();
    twins.same("pull one/web");
    assert!(other.seen().iter().all(|request| request.authorization.is_empty()), "credentials went to another port");
    twins.same(&format!("repo add one {url} --username me --password secret --pass-credentials --force-update"));
    twins.same("pull one/web");
    assert_eq!(other.seen().iter().filter(|request| !request.authorization.is_empty()).count(), 2);
    twins.same(&format!("pull web --repo {url} --username me --password secret --version 1.0.0"));
    twins.same(&format!("pull web --repo {url} --version 1.0.0"));
    twins.finish();
}

#[test]
fn redirects_and_large_answers_have_limits() {
    let Some(mut twins) = Twins::new() else { return };
    let files = repository(&twins);
    let serve = serving(files.clone());
    let server = Server::new(move |request: &http::Request| match request.path.as_str() {
        "/around/index.yaml" => Answer::redirect("/around/index.yaml"),
        "/moved/index.yaml" => Answer::redirect(format!("http://{}/charts/index.yaml", request.host)),
        path if path.starts_with("/moved/") => Answer::redirect(path.replace("/moved/", "../charts/")),
        _ => serve(request),
    });
    let base = format!("http://127.0.0.1:{}", server.port);
    twins.same(&format!("repo add moved {base}/moved"));
    twins.same("pull moved/web");
    twins.both_fail(&format!("repo add around {base}/around"));
    twins.finish();
}

/// A certificate authority, and a certificate of it for this machine: PEM of the authority, of the certificate, of its key.
struct Certificates {
    authority: String,
    certificate: rcgen::CertifiedKey<rcgen::KeyPair>,
    client: rcgen::CertifiedKey<rcgen::KeyPair>,
}

fn certificates() -> Certificates {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "tests");
    let authority = parameters.self_signed(&key).unwrap().pem();
    let issuer = rcgen::Issuer::new(parameters, key);
    let signed = |name: &str| {
        let signing_key = rcgen::KeyPair::generate().unwrap();
        let mut parameters =
            rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, name);
        rcgen::CertifiedKey { cert: parameters.signed_by(&signing_key, &issuer).unwrap(), signing_key }
    };
    Certificates { authority, certificate: signed("server"), client: signed("client") }
}

#[test]
fn certificates_are_checked() {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let Some(mut twins) = Twins::new() else { return };
    let Certificates { authority, certificate, client } = certificates();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
    let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .build()
        .unwrap();
    let config = |strict: bool| {
        let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder =
            if strict { builder.with_client_cert_verifier(verifier.clone()) } else { builder.with_no_client_auth() };
        let key = PrivateKeyDer::from_pem_slice(certificate.signing_key.serialize_pem().as_bytes()).unwrap();
        builder.with_single_cert(vec![certificate.cert.der().clone()], key).unwrap()
    };
    let files = repository(&twins);
    let open = Server::with_tls(config(false), serving(files.clone()));
    let strict = Server::with_tls(config(true), serving(files));
    twins.write("ca.pem", &authority);
    twins.write("cert.pem", client.cert.pem());
    twins.write("key.pem", client.signing_key.serialize_pem());
    twins.write("other.pem", rcgen::KeyPair::generate().unwrap().serialize_pem());
    let url = format!("https://127.0.0.1:{}/charts", open.port);
    twins.same(&format!("repo add plain {url}"));
    twins.same(&format!("repo add open {url} --ca-file ca.pem"));
    twins.same(&format!("repo add careless {url} --insecure-skip-tls-verify"));
    twins.same("pull open/web");
    twins.same(&format!("pull web --repo {url} --ca-file ca.pem"));
    let url = format!("https://127.0.0.1:{}/charts", strict.port);
    twins.both_fail(&format!("repo add strict {url} --ca-file ca.pem"));
    twins.same(&format!("repo add strict {url} --ca-file ca.pem --cert-file cert.pem --key-file key.pem"));
    twins.same("pull strict/web --version 1.0.0");
    twins.same("repo update strict open");
    twins.same(&format!("repo add wrong {url} --ca-file key.pem"));
    twins.same(&format!("repo add wrong {url} --ca-file nowhere.pem --cert-file nowhere.pem --key-file key.pem"));
    twins.both_fail(&format!("repo add wrong {url} --ca-file ca.pem --cert-file cert.pem --key-file other.pem"));
    twins.finish();
}

#[test]
fn values_come_from_the_web() {
    let Some(mut twins) = Twins::new() else { return };
    twins.write("app/Chart.yaml", "apiVersion: v2\nname: app\nversion: 0.1.0\n");
    twins.write("app/values.yaml", "a: 1\n");
    twins.write("app/templates/a.yaml", "v: {{ .Values | toJson }}\n");
    let server = Server::new(|request| match request.path.as_str() {
        "/values.yaml?x=1" | "/values.yaml" => Answer::ok("a: 2\nb: {c: 3}\n"),
        "/guarded.yaml" if request.authorization == "Basic bWU6czNjcmV0" => Answer::ok("b: guarded\n"),
        "/guarded.yaml" => Answer::status(401),
        "/moved" => Answer::redirect("/values.yaml"),
        "/broken" => Answer::ok("a: [\n"),
        "/text" => Answer::ok("line\n"),
        _ => Answer::status(404),
    });
    let at = format!("127.0.0.1:{}", server.port);
    for line in [
        "template app -f http://AT/values.yaml",
        "template app -f http://AT/values.yaml?x=1 --set a=3",
        "template app -f http://AT/moved",
        "template app -f http://AT/broken",
        "template app -f http://AT/nothing",
        "template app -f http://me:s3cret@AT/guarded.yaml",
        "template app --set-file d=http://AT/text",
        "template app --set-file d=http://AT/nothing",
        "template app -f http://127.0.0.1:1/values.yaml",
        "template app -f ftp://AT/values.yaml",
        "lint app -f http://AT/values.yaml",
        "lint app -f http://AT/nothing",
    ] {
        twins.same(&line.replace("AT", &at));
    }
    // Helm shows the password.
    let (_, ours) = twins.both_fail(&format!("template app -f http://me:wrong@{at}/guarded.yaml"));
    assert!(ours.stderr.contains("guarded.yaml : 401 Unauthorized") && !ours.stderr.contains("wrong"), "{ours:?}");
    assert!(server.seen().len() >= 2 * 11, "both asked");
    twins.finish();
}

#[test]
fn hubs_are_searched() {
    let Some(mut twins) = Twins::new() else { return };
    let found = r#"{"data": [{"id": "stable/phpmyadmin", "type": "chart", "artifactHub": {"packageUrl": "https://hub/packages/helm/stable/phpmyadmin"},
        "attributes": {"name": "phpmyadmin", "repo": {"name": "stable", "url": "https://charts.example.com"}, "description": "phpMyAdmin is a <mysql> administration frontend, for all that it is worth in these days"},
        "relationships": {"latestChartVersion": {"data": {"version": "3.0.0", "app_version": "4.9.0-1"}}}},
        {"id": "b/c", "attributes": {"description": "short"}, "relationships": {"latestChartVersion": {"data": {"version": "0.1.0"}}}}]}"#;
    let server = Server::new(move |request| match request.path.split_once('?') {
        Some(("/api/chartsvc/v1/charts/search", "q=maria")) => Answer::ok(found),
        Some(("/hub/api/chartsvc/v1/charts/search", "q=maria+db%2Fx")) => Answer::ok(found),
        Some((_, "q=none")) => Answer::ok("{\"data\": []}"),
        Some((_, "q=odd")) => Answer::ok("no json"),
        _ => Answer::status(404),
    });
    let at = format!("http://127.0.0.1:{}", server.port);
    for line in [
        "search hub maria --endpoint AT",
        "search hub maria --endpoint AT --max-col-width 20 --list-repo-url",
        "search hub maria --endpoint AT --max-col-width 0",
        "search hub maria db/x --endpoint AT/hub",
        "search hub maria --endpoint AT/ -o yaml",
        "search hub maria --endpoint AT -o json",
        "search hub none --endpoint AT",
        "search hub none --endpoint AT -o json",
        "search hub none --endpoint AT --fail-on-no-result",
        "search hub none --endpoint AT -o yaml --fail-on-no-result",
        "search hub odd --endpoint AT",
        "search hub elsewhere --endpoint AT",
        "search hub maria --endpoint http://127.0.0.1:1",
        "search hub maria --endpoint nowhere",
        "search hub maria --endpoint ''",
    ] {
        twins.same(&line.replace("AT", &at));
    }
    assert!(server.seen().len() >= 2 * 12, "both asked");
    twins.finish();
}

#[test]
fn missing_dependencies_are_fetched_when_asked() {
    let Some(mut twins) = Twins::new() else { return };
    let server = Server::new(serving(repository(&twins)));
    let url = format!("http://127.0.0.1:{}/charts", server.port);
    let chart = |name: &str, more: &str| {
        format!(
            "apiVersion: v2\nname: {name}\nversion: 0.1.0\n{more}dependencies:\n- name: web\n  version: ^1\n  repository: {url}\n"
        )
    };
    twins.write("app/Chart.yaml", chart("app", ""));
    twins.write("app/templates/a.yaml", "a: {{ .Subcharts | len }}\n");
    twins.write("shelf/Chart.yaml", chart("shelf", "type: library\n"));
    twins.write("lost/Chart.yaml", chart("lost", "").replace("^1", "^9"));
    twins.same("template app");
    twins.same("template shelf --dependency-update");
    twins.same("template lost --dependency-update");
    twins.same("template app --dependency-update");
    twins.same("template app --dependency-update");
    twins.same("template app");
    twins.finish();
}
