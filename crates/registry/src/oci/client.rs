use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use bowline_chart::{Chart, Constraint, Metadata, Version};
use bowline_yaml::{Value as Plain, quote};
use jiff::Timestamp;
use serde_json::Value;

use super::credentials::{Credentials, Store};
use super::reference::Reference;
use super::session::{Scope, Session, Source, response_error};
use super::{CHART_MEDIA_TYPE, CONFIG_MEDIA_TYPE, INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE};
use super::{OLD_CHART_MEDIA_TYPE, PROVENANCE_MEDIA_TYPE};
use crate::console::Console;
use crate::encode::{self, Ordered};
use crate::error::Error;
use crate::fetch::{Client, Request, Response, Tls};
use crate::provenance::digest;
use crate::url::Url;

/// How long one request to a registry may take: a large chart over a slow line.
const TIMEOUT: Duration = Duration::from_secs(600);
const MAX_MANIFEST: usize = 4 * 1024 * 1024;
/// The most an archive or a provenance file may have.
const MAX_BLOB: usize = 100 * 1024 * 1024;
/// How many manifests of an index are looked at.
const MAX_MANIFESTS: usize = 32;
/// How many pages of tags are asked for.
const MAX_TAG_PAGES: usize = 1000;

const ACCEPT: &str = "application/vnd.docker.distribution.manifest.v2+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.oci.image.index.v1+json, application/vnd.oci.artifact.manifest.v1+json";

const UNDERSCORE: &str = "
OCI artifact references (e.g. tags) do not support the plus sign (+). To support
storing semantic versions, Helm adopts the convention of changing plus (+) to
an underscore (_) in chart version tags when pushing to a registry and back to
a plus (+) when pulling from a registry.
";

/// Pushes charts to registries and pulls them from there.
pub struct RegistryClient {
    client: Client,
    store: Store,
    given: Credentials,
    plain_http: bool,
}

/// What was pulled.
#[derive(Clone, Debug, Default)]
pub struct Pulled {
    /// The archive, where it was asked for.
    pub chart: Vec<u8>,
    /// The provenance file, where it was asked for.
    pub provenance: Vec<u8>,
    /// Digest of the manifest.
    pub digest: String,
}

/// Which parts of a chart are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Chart,
    Provenance,
}

#[derive(Clone, Debug)]
struct Descriptor {
    media_type: String,
    digest: String,
    size: u64,
}

impl Descriptor {
    fn of(media_type: &str, data: &[u8]) -> Self {
        Self { media_type: media_type.to_owned(), digest: format!("sha256:{}", digest(data)), size: data.len() as u64 }
    }

    fn to_ordered(&self) -> Ordered {
        Ordered::Object(vec![
            ("mediaType", self.media_type.as_str().into()),
            ("digest", self.digest.as_str().into()),
            ("size", Ordered::Plain(Plain::Int(i64::try_from(self.size).unwrap_or(i64::MAX)))),
        ])
    }

    fn read(value: &Value) -> Option<Self> {
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let size = value.get("size").and_then(Value::as_u64)?;
        Some(Self { media_type: text("mediaType").unwrap_or_default(), digest: text("digest")?, size })
    }
}

impl RegistryClient {
    /// A client with the credentials of a file (Docker's format), or with those given.
    ///
    /// # Errors
    /// A certificate cannot be used.
    pub fn new(credentials: &Path, tls: &Tls, plain_http: bool, given: Credentials) -> Result<Self, Error> {
        let client = Client::new(tls, TIMEOUT);
        let client = client.map_err(|error| error.after("can't create TLS config for client"))?;
        // Certificates and unencrypted connections exclude each other; Helm takes the certificates.
        let plain_http = plain_http && !tls.is_custom();
        Ok(Self { client, store: Store::new(credentials), given, plain_http })
    }

    fn session(&self) -> Session<'_> {
        let given = !self.given.username.is_empty() && !self.given.password.is_empty();
        Session::new(&self.client, if given { Source::Given(&self.given) } else { Source::Store(&self.store) })
    }

    fn base(&self, registry: &str) -> String {
        let host = if registry == "docker.io" { "registry-1.docker.io" } else { registry };
        format!("{}://{host}/v2/", if self.plain_http { "http" } else { "https" })
    }

    fn of_repository(&self, reference: &Reference, path: &str) -> String {
        format!("{}{}/{path}", self.base(&reference.registry), reference.repository)
    }

    /// Checks credentials with a registry, and keeps them.
    ///
    /// # Errors
    /// The registry cannot be reached or refuses them, or they cannot be kept.
    pub fn login(&self, host: &str, credentials: &Credentials, console: &dyn Console) -> Result<(), Error> {
        if let Some((registry, _)) = host.split_once('/') {
            let what = "registry login currently only supports registry hostname, not a repository path";
            console.warn(what, &[("host", host), ("suggested", registry)]);
            return Err(Error::Invalid(format!("invalid reference: invalid registry {}", quote(host))));
        }
        let ping = |oauth| {
            let mut session = Session::new(&self.client, Source::Given(credentials));
            session.oauth = oauth;
            let request =
                Request { method: "GET", url: self.base(host), headers: Vec::new(), body: &[], limit: MAX_MANIFEST };
            let answer = session.send(&request, None)?;
            match answer.status {
                200 => Ok(()),
                404 => Err(Error::NotFound("not found".to_owned())),
                _ => Err(response_error(&request, &answer)),
            }
        };
        if ping(true).is_err() {
            ping(false).map_err(|error| error.after(format!("authenticating to {}", quote(host))))?;
        }
        self.store.put(host, credentials)?;
        console.out("Login Succeeded\n");
        Ok(())
    }

    /// Forgets the credentials of a registry.
    ///
    /// # Errors
    /// The file with them cannot be written.
    pub fn logout(&self, host: &str, console: &dyn Console) -> Result<(), Error> {
        let forgetting = || format!("failed to delete the credential for {host}");
        self.store.delete(host).map_err(|error| error.after(forgetting()))?;
        console.out(&format!("Removing login credentials for {host}\n"));
        Ok(())
    }

    /// The versions that a repository (`host/repository`) has, newest first. Tags that are no versions are left out.
    ///
    /// # Errors
    /// The registry cannot be reached, or has no such repository.
    pub fn tags(&self, repository: &str) -> Result<Vec<String>, Error> {
        let reference = Reference::parse(repository)?;
        let session = self.session();
        let scope = Scope { repository: &reference.repository, actions: "pull" };
        let mut url = self.of_repository(&reference, "tags/list");
        let mut versions = Vec::new();
        for _ in 0..MAX_TAG_PAGES {
            let request =
                Request { method: "GET", url: url.clone(), headers: Vec::new(), body: &[], limit: MAX_MANIFEST };
            let answer = session.send(&request, Some(scope))?;
            if answer.status != 200 {
                return Err(response_error(&request, &answer));
            }
            let body: Value = decoded(&request, &answer)?;
            let tags = body.get("tags").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
            versions.extend(tags.filter_map(|tag| strict_version(&tag.replace('_', "+"))));
            match next_page(&request.url, &answer) {
                Some(next) => url = next,
                None => break,
            }
        }
        versions.sort_by(|a, b| b.compare(a));
        Ok(versions.iter().map(ToString::to_string).collect())
    }

    /// What a reference (`oci://…`) and a wanted version come to: the digest where it is known, and the reference with a tag
    /// or digest.
    ///
    /// # Errors
    /// The two contradict each other, or there is no such version.
    pub(crate) fn resolve(&self, reference: &str, version: &str) -> Result<(String, String), Error> {
        let read = Reference::parse(reference)?;
        let version = match (version, read.tag.as_str()) {
            ("", tag) => tag,
            (version, "") => version,
            (version, tag) if version == tag => version,
            (version, tag) => {
                return Err(Error::Invalid(format!("chart reference and version mismatch: {version} is not {tag}")));
            }
        };
        let place = format!("oci://{}/{}", read.registry, read.repository);
        if !read.digest.is_empty() {
            if version.is_empty() {
                return Ok((String::new(), reference.to_owned()));
            }
            let exact = format!("{place}@{}", read.digest);
            let tagged = Reference { tag: version.replace('+', "_"), digest: String::new(), ..read.clone() };
            return match self.manifest_digest(&tagged) {
                // A digest needs no tag.
                Err(_) => Ok((String::new(), exact)),
                Ok(found) if found != read.digest => {
                    let wanted = &read.digest;
                    Err(Error::Invalid(format!("chart reference digest mismatch: {found} is not {wanted}")))
                }
                Ok(found) => Ok((found, exact)),
            };
        }
        let tag = if Version::parse(version).is_some() {
            version.to_owned()
        } else {
            let tags = self.tags(reference)?;
            if tags.is_empty() {
                let what = format!("unable to locate any tags in provided repository: {reference}");
                return Err(Error::NotFound(what));
            }
            matching_tag(&tags, version)?
        };
        Ok((String::new(), format!("{place}:{tag}")))
    }

    fn manifest_digest(&self, reference: &Reference) -> Result<String, Error> {
        let url = self.of_repository(reference, &format!("manifests/{}", reference.version()));
        let headers = vec![("Accept", ACCEPT.to_owned())];
        let request = Request { method: "HEAD", url, headers, body: &[], limit: 0 };
        let scope = Scope { repository: &reference.repository, actions: "pull" };
        let answer = self.session().send(&request, Some(scope))?;
        match (answer.status, answer.header("docker-content-digest")) {
            (200, Some(digest)) => Ok(digest.to_owned()),
            (404, _) => Err(Error::NotFound(format!("{reference}: not found"))),
            _ => Err(response_error(&request, &answer)),
        }
    }

    /// Pulls a chart's archive, or its provenance file.
    ///
    /// # Errors
    /// The registry cannot be reached, or has no such chart, or what it has is no chart.
    pub(crate) fn pull(&self, reference: &str, part: Part, console: &dyn Console) -> Result<Pulled, Error> {
        let reference = Reference::parse(reference)?;
        let session = self.session();
        let (manifest_digest, descriptors) = self.descriptors(&session, &reference)?;
        let wanted = |kind: &&Descriptor| match part {
            Part::Chart => {
                matches!(kind.media_type.as_str(), CONFIG_MEDIA_TYPE | CHART_MEDIA_TYPE | OLD_CHART_MEDIA_TYPE)
            }
            Part::Provenance => matches!(kind.media_type.as_str(), CONFIG_MEDIA_TYPE | PROVENANCE_MEDIA_TYPE),
        };
        let descriptors: Vec<&Descriptor> = descriptors.iter().filter(wanted).collect();
        // Helm counts the manifest as well.
        let found = descriptors.len() + 1;
        if found < 2 {
            let what = "manifest does not contain minimum number of descriptors";
            return Err(Error::NotFound(format!("{what} (2), descriptors found: {found}")));
        }
        let last = |media_type: &str| descriptors.iter().rfind(|kind| kind.media_type == media_type).copied();
        if last(CONFIG_MEDIA_TYPE).is_none() {
            return Err(Error::NotFound(format!("could not load config with mediatype {CONFIG_MEDIA_TYPE}")));
        }
        let media_type = if part == Part::Chart { CHART_MEDIA_TYPE } else { PROVENANCE_MEDIA_TYPE };
        let layer = last(media_type).or_else(|| {
            let old = last(OLD_CHART_MEDIA_TYPE)?;
            console.out(&format!("Warning: chart media type {OLD_CHART_MEDIA_TYPE} is deprecated\n"));
            Some(old)
        });
        let layer = layer
            .ok_or_else(|| Error::NotFound(format!("manifest does not contain a layer with mediatype {media_type}")))?;
        let data = self.blob(&session, &reference, layer)?;
        let mut pulled = Pulled { digest: manifest_digest, ..Pulled::default() };
        match part {
            Part::Chart => pulled.chart = data,
            Part::Provenance => pulled.provenance = data,
        }
        announce("Pulled", &reference, &pulled.digest, reference.to_string().contains('_'), console);
        Ok(pulled)
    }

    /// The manifest's digest, and what it and the manifests below it consist of.
    fn descriptors(&self, session: &Session<'_>, reference: &Reference) -> Result<(String, Vec<Descriptor>), Error> {
        let mut root = String::new();
        let mut descriptors = Vec::new();
        let mut open = vec![reference.version().to_owned()];
        for at in 0..MAX_MANIFESTS {
            let Some(version) = open.get(at).cloned() else { break };
            let (digest, manifest) = self.manifest(session, reference, &version)?;
            if at == 0 {
                root = digest;
            }
            let listed = |name: &str| manifest.get(name).and_then(Value::as_array).into_iter().flatten();
            descriptors.extend(manifest.get("config").into_iter().chain(listed("layers")).filter_map(Descriptor::read));
            let below = listed("manifests").filter_map(Descriptor::read);
            open.extend(
                below
                    .filter(|d| matches!(d.media_type.as_str(), MANIFEST_MEDIA_TYPE | INDEX_MEDIA_TYPE))
                    .map(|d| d.digest),
            );
        }
        Ok((root, descriptors))
    }

    fn manifest(&self, session: &Session<'_>, reference: &Reference, version: &str) -> Result<(String, Value), Error> {
        let url = self.of_repository(reference, &format!("manifests/{version}"));
        let headers = vec![("Accept", ACCEPT.to_owned())];
        let request = Request { method: "GET", url, headers, body: &[], limit: MAX_MANIFEST };
        let scope = Scope { repository: &reference.repository, actions: "pull" };
        let fetching = |error: Error| error.after("failed to perform \"FetchReference\" on source");
        let answer = session.send(&request, Some(scope)).map_err(fetching)?;
        match answer.status {
            200 => {}
            404 => return Err(fetching(Error::NotFound(format!("{reference}: not found")))),
            _ => return Err(fetching(response_error(&request, &answer))),
        }
        let digest = format!("sha256:{}", digest(&answer.body));
        let claimed = answer.header("docker-content-digest").filter(|claimed| claimed.starts_with("sha256:"));
        let asked = Some(version).filter(|version| version.starts_with("sha256:"));
        if let Some(other) = claimed.into_iter().chain(asked).find(|other| *other != digest) {
            let url = &request.url;
            return Err(fetching(Error::Fetch(format!(
                "GET {}: digest {digest} is not the expected {other}",
                quote(url)
            ))));
        }
        Ok((digest, decoded(&request, &answer)?))
    }

    fn blob(&self, session: &Session<'_>, reference: &Reference, descriptor: &Descriptor) -> Result<Vec<u8>, Error> {
        let url = self.of_repository(reference, &format!("blobs/{}", descriptor.digest));
        let size = usize::try_from(descriptor.size).unwrap_or(usize::MAX);
        if size > MAX_BLOB {
            return Err(Error::Fetch(format!(
                "{reference}: {} has {size} bytes, more than {MAX_BLOB}",
                descriptor.media_type
            )));
        }
        let request = Request { method: "GET", url, headers: Vec::new(), body: &[], limit: size };
        let scope = Scope { repository: &reference.repository, actions: "pull" };
        let answer = session.send(&request, Some(scope))?;
        match answer.status {
            200 => {}
            404 => return Err(Error::NotFound(format!("{}: not found", descriptor.digest))),
            _ => return Err(response_error(&request, &answer)),
        }
        if answer.body.len() != size || format!("sha256:{}", digest(&answer.body)) != descriptor.digest {
            return Err(Error::Fetch(format!("{reference}: the content of {} is another", descriptor.digest)));
        }
        Ok(answer.body)
    }

    /// Pushes an archive, with its provenance file where there is one, to `reference`, whose end has to be
    /// `/NAME:VERSION` of the chart. `created` is when the archive was made.
    ///
    /// # Errors
    /// It is no chart, or the registry refuses it.
    pub(crate) fn push(
        &self,
        archive: &[u8],
        provenance: Option<&[u8]>,
        reference: &str,
        created: &str,
        console: &dyn Console,
    ) -> Result<(), Error> {
        let read = Reference::parse(reference)?;
        let metadata = Chart::from_archive(archive)?.metadata;
        if !reference.ends_with(&format!("/{}:{}", metadata.name, metadata.version)) {
            let what = "strict mode enabled, ref basename and tag must match the chart name and version";
            return Err(Error::Invalid(what.to_owned()));
        }
        let config = Ordered::Object(encode::metadata(&metadata)).to_json().into_bytes();
        let config_descriptor = Descriptor::of(CONFIG_MEDIA_TYPE, &config);
        let mut layers = vec![(Descriptor::of(CHART_MEDIA_TYPE, archive), archive)];
        if let Some(data) = provenance {
            layers.push((Descriptor::of(PROVENANCE_MEDIA_TYPE, data), data));
        }
        layers.sort_by(|(a, _), (b, _)| a.digest.cmp(&b.digest));
        let annotations = annotations(&metadata, created);
        let manifest = Ordered::Object(vec![
            ("schemaVersion", Ordered::Plain(Plain::Int(2))),
            ("config", config_descriptor.to_ordered()),
            ("layers", Ordered::List(layers.iter().map(|(descriptor, _)| descriptor.to_ordered()).collect())),
            ("annotations", Ordered::Plain(Plain::Map(annotations.into_iter().map(|(k, v)| (k, v.into())).collect()))),
        ]);
        let manifest = manifest.to_json().into_bytes();
        let manifest_descriptor = Descriptor::of(MANIFEST_MEDIA_TYPE, &manifest);
        let session = self.session();
        let place = format!("manifests/{}", manifest_descriptor.digest);
        if !self.exists(&session, &read, &place)? {
            let blobs = layers.iter().map(|(descriptor, data)| (descriptor, *data));
            for (descriptor, data) in blobs.chain([(&config_descriptor, &config[..])]) {
                self.upload(&session, &read, descriptor, data)?;
            }
        }
        let url = self.of_repository(&read, &format!("manifests/{}", read.version()));
        let headers = vec![("Content-Type", MANIFEST_MEDIA_TYPE.to_owned())];
        let request = Request { method: "PUT", url, headers, body: &manifest, limit: MAX_MANIFEST };
        let answer = session.send(&request, Some(Self::writing(&read)))?;
        if answer.status != 201 {
            return Err(response_error(&request, &answer));
        }
        announce("Pushed", &read, &manifest_descriptor.digest, read.tag.contains('_'), console);
        Ok(())
    }

    fn writing(reference: &Reference) -> Scope<'_> {
        Scope { repository: &reference.repository, actions: "pull,push" }
    }

    /// Whether the registry has it already.
    fn exists(&self, session: &Session<'_>, reference: &Reference, place: &str) -> Result<bool, Error> {
        let headers = vec![("Accept", ACCEPT.to_owned())];
        let request =
            Request { method: "HEAD", url: self.of_repository(reference, place), headers, body: &[], limit: 0 };
        let checking = |error: Error| error.after("failed to perform \"Exists\" on destination");
        let answer = session.send(&request, Some(Self::writing(reference))).map_err(checking)?;
        match answer.status {
            200 => Ok(true),
            404 => Ok(false),
            _ => Err(checking(response_error(&request, &answer))),
        }
    }

    fn upload(
        &self,
        session: &Session<'_>,
        reference: &Reference,
        descriptor: &Descriptor,
        data: &[u8],
    ) -> Result<(), Error> {
        let scope = Some(Self::writing(reference));
        if self.exists(session, reference, &format!("blobs/{}", descriptor.digest))? {
            return Ok(());
        }
        let pushing = |error: Error| error.after("failed to perform \"Push\" on destination");
        let url = self.of_repository(reference, "blobs/uploads/");
        let start = Request { method: "POST", url, headers: Vec::new(), body: &[], limit: MAX_MANIFEST };
        let answer = session.send(&start, scope).map_err(pushing)?;
        if answer.status != 202 {
            return Err(pushing(response_error(&start, &answer)));
        }
        let location = answer.header("location").unwrap_or_default();
        let url = upload_address(&start.url, location, &descriptor.digest).map_err(pushing)?;
        let headers = vec![("Content-Type", "application/octet-stream".to_owned())];
        let put = Request { method: "PUT", url, headers, body: data, limit: MAX_MANIFEST };
        let answer = session.send(&put, scope).map_err(pushing)?;
        if answer.status != 201 {
            return Err(pushing(response_error(&put, &answer)));
        }
        Ok(())
    }
}

fn announce(what: &str, reference: &Reference, digest: &str, underscore: bool, console: &dyn Console) {
    console.out(&format!("{what}: {reference}\nDigest: {digest}\n"));
    if underscore {
        console.out(&format!("{reference} contains an underscore.\n{UNDERSCORE}"));
    }
}

/// Where content goes: the address that the registry answered with, which must be its own.
fn upload_address(start: &str, location: &str, digest: &str) -> Result<String, Error> {
    let parsed = |text: &str| Url::parse(text).map_err(Error::Fetch);
    let from = parsed(start)?;
    let mut to = from.resolve(&parsed(location)?);
    if from.hostname() == to.hostname() && from.host.ends_with(":443") && !to.host.contains(':') {
        to.host.push_str(":443");
    }
    if from.hostname() != to.hostname() || from.port() != to.port() {
        let (to, from) = (quote(&to.host), quote(&from.host));
        return Err(Error::Fetch(format!("blob upload Location {to} is on a different host than the registry {from}")));
    }
    if from.scheme == "https" && to.scheme != "https" {
        return Err(Error::Fetch(format!("blob upload Location {} downgrades scheme from https", quote(&to.host))));
    }
    let digest = format!("digest={}", digest.replace(':', "%3A"));
    to.query =
        Some(to.query.filter(|query| !query.is_empty()).map_or(digest.clone(), |query| format!("{query}&{digest}")));
    Ok(to.to_string())
}

fn decoded(request: &Request<'_>, answer: &Response) -> Result<Value, Error> {
    serde_json::from_slice(&answer.body).map_err(|error| {
        Error::Fetch(format!("{} {}: failed to decode response: {error}", request.method, quote(&request.url)))
    })
}

/// The `Link: <…>; rel="next"` of a list.
fn next_page(url: &str, answer: &Response) -> Option<String> {
    let link = answer.header("link")?;
    let (address, _) = link.strip_prefix('<')?.split_once('>')?;
    Some(Url::parse(url).ok()?.resolve(&Url::parse(address).ok()?).to_string())
}

/// A version with all three parts and no `v` before it.
fn strict_version(text: &str) -> Option<Version> {
    let version = Version::parse(text)?;
    let core = text.split(['-', '+']).next()?;
    (core.split('.').count() == 3 && !core.starts_with('v')).then_some(version)
}

fn matching_tag(tags: &[String], version: &str) -> Result<String, Error> {
    if !version.is_empty() && tags.iter().any(|tag| tag == version) {
        return Ok(version.to_owned());
    }
    let constraint = Constraint::parse(if version.is_empty() { "*" } else { version }).map_err(Error::Invalid)?;
    let found = tags.iter().find(|tag| Version::parse(tag).is_some_and(|version| constraint.check(&version)));
    let missing = || format!("could not locate a version matching provided version string {version}");
    found.cloned().ok_or_else(|| Error::NotFound(missing()))
}

/// The annotations of a chart's manifest: what `Chart.yaml` says, by the image specification's keys, and its own
/// annotations.
fn annotations(metadata: &Metadata, created: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut put = |key: &str, value: &str| {
        if !value.trim().is_empty() {
            found.insert(format!("org.opencontainers.image.{key}"), value.to_owned());
        }
    };
    put("description", &metadata.description);
    put("title", &metadata.name);
    put("version", &metadata.version);
    put("url", &metadata.home);
    put("created", created);
    if let Some(source) = metadata.sources.first() {
        put("source", source);
    }
    let authors: Vec<String> = metadata
        .maintainers
        .iter()
        .map(|maintainer| match (maintainer.name.as_str(), maintainer.email.as_str()) {
            (name, "") => name.to_owned(),
            (name, email) => format!("{name} ({email})"),
        })
        .collect();
    put("authors", &authors.join(", "));
    let fixed = ["org.opencontainers.image.version", "org.opencontainers.image.title"];
    for (key, value) in metadata.annotations.iter().flatten().filter(|(key, _)| !fixed.contains(&key.as_str())) {
        found.insert(key.clone(), value.clone());
    }
    found
}

/// A time as annotations have it: RFC 3339 with whole seconds.
pub(crate) fn created(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uploads_stay_with_the_registry() {
        let start = "https://r:443/v2/a/blobs/uploads/";
        let address = upload_address(start, "/v2/a/blobs/uploads/1?state=x", "sha256:1").unwrap();
        assert_eq!(address, "https://r:443/v2/a/blobs/uploads/1?state=x&digest=sha256%3A1");
        assert!(upload_address(start, "https://r/up", "sha256:1").unwrap().starts_with("https://r:443/up?"));
        assert!(upload_address(start, "https://elsewhere/up", "sha256:1").is_err());
        assert!(upload_address("https://r/x", "http://r:443/up", "sha256:1").is_err());
    }

    #[test]
    fn versions_of_tags_are_strict() {
        assert!(strict_version("1.2.3-a+b").is_some());
        assert!(strict_version("v1.2.3").is_none() && strict_version("1.2").is_none());
        let tags: Vec<String> = ["2.0.0-rc.1", "1.2.0", "1.1.0"].map(String::from).to_vec();
        assert_eq!(matching_tag(&tags, "").unwrap(), "1.2.0");
        assert_eq!(matching_tag(&tags, "~1.1").unwrap(), "1.1.0");
        assert_eq!(matching_tag(&tags, ">0-0").unwrap(), "2.0.0-rc.1");
        assert!(matching_tag(&tags, "^3").is_err());
    }
}
