//! The same requests to the real API server and to ours: the same answers, but for what cannot be the same (times, uids,
//! versions, addresses given out).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::collections::BTreeMap;
use std::fmt::Write;

use bowline_apiserver::{Api, Body};
use bowline_clock::{Clock, Random};
use http::{Request, Response};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use support::Real;

/// Method, path, body, content type and what is accepted (JSON where absent). `NS` is the case's namespace. Method `WAIT`
/// asks the real server until the path is served.
type Step = (String, String, Value, String, String);

fn cases() -> BTreeMap<String, Vec<Step>> {
    let cases: BTreeMap<String, Vec<Vec<Value>>> =
        serde_json::from_str(include_str!("differential/cases.json")).unwrap();
    let text =
        |step: &[Value], at: usize, default: &str| step.get(at).and_then(Value::as_str).unwrap_or(default).to_owned();
    let step = |step: Vec<Value>| {
        let body = step.get(2).cloned().unwrap_or(Value::Null);
        let json = "application/json";
        (text(&step, 0, ""), text(&step, 1, ""), body, text(&step, 3, json), text(&step, 4, json))
    };
    cases.into_iter().map(|(name, steps)| (name, steps.into_iter().map(step).collect())).collect()
}

fn request((method, path, body, content_type, accept): &Step, namespace: &str) -> Request<Vec<u8>> {
    let body = if body.is_null() { Vec::new() } else { body.to_string().replace("NS", namespace).into() };
    let uri = path.replace("NS", namespace);
    let request = Request::builder().method(method.as_str()).uri(uri);
    request
        .header("content-type", content_type)
        .header("accept", accept)
        .header("user-agent", "differential/1")
        .body(body)
        .unwrap()
}

/// An answer as it is compared: code, body, warnings.
#[derive(Debug, PartialEq)]
struct Answer(u16, Value, Vec<String>);

struct Normal {
    namespace: String,
    uids: BTreeMap<String, String>,
    /// Whether `managedFields` are compared.
    owners: bool,
}

impl Normal {
    async fn answer<B>(&mut self, response: Response<B>) -> Answer
    where
        B: http_body::Body,
        B::Error: std::fmt::Debug,
    {
        let code = response.status().as_u16();
        let warnings = response.headers().get_all("warning").iter().map(|w| w.to_str().unwrap().to_owned()).collect();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let mut body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        // The real server puts a definition in force a moment later.
        if body["kind"] == "CustomResourceDefinition" {
            body["status"] = Value::Null;
        }
        Answer(code, self.value("", body), warnings)
    }

    fn value(&mut self, key: &str, value: Value) -> Value {
        match (key, value) {
            ("managedFields", _) if !self.owners => Value::Null,
            ("nodePort", _) => json!("PORT"),
            // Prose.
            ("description", _) => json!(""),
            ("cells", Value::Array(cells)) => cells.into_iter().map(|cell| self.cell(cell)).collect(),
            (_, Value::Object(map)) => map
                .into_iter()
                .map(|(k, v)| {
                    let v = self.value(&k, v);
                    (k, v)
                })
                .collect::<serde_json::Map<_, _>>()
                .into(),
            // Of several reasons that come from a map, the real server's order changes from time to time.
            ("causes", Value::Array(list)) => {
                let mut list: Vec<Value> = list.into_iter().map(|v| self.value("", v)).collect();
                list.sort_by_key(Value::to_string);
                Value::Array(list)
            }
            (key, Value::Array(list)) => list.into_iter().map(|v| self.value(key, v)).collect(),
            ("creationTimestamp" | "deletionTimestamp" | "lastTransitionTime" | "time", Value::String(_)) => {
                json!("TIME")
            }
            ("resourceVersion", Value::String(_)) => json!("VERSION"),
            ("clusterIP" | "clusterIPs", Value::String(ip)) if ip != "None" => json!("ADDRESS"),
            (_, Value::String(text)) => Value::String(self.text(&text)),
            (_, other) => other,
        }
    }

    /// Ages and addresses aside.
    fn cell(&mut self, cell: Value) -> Value {
        let Value::String(text) = cell else { return cell };
        let age = text.strip_suffix(['s', 'd', 'h', 'm']).is_some_and(|n| n.chars().all(|c| c.is_ascii_digit()));
        let ago = text.chars().next().is_some_and(|c| c.is_ascii_digit())
            && text.chars().all(|c| c.is_ascii_digit() || "dhms".contains(c));
        if age || ago && text.chars().any(|c| c.is_ascii_alphabetic()) && text != "2m5s" {
            return json!("AGE");
        }
        if text.starts_with("10.96.") { json!("ADDRESS") } else { Value::String(self.text(&text)) }
    }

    fn text(&mut self, text: &str) -> String {
        let mut text = text.replace(&self.namespace, "NS");
        // Words that show Go's own structures, or a library's: what is wrong is compared, not how it is dumped.
        for (from, until) in [
            ("\n@@", None),
            ("\n- \"", None),
            ("Invalid value: {", Some(": field is immutable")),
            ("Unsupported value: {", Some(": supported")),
        ] {
            if let Some(start) = text.find(from) {
                let end = until.and_then(|until| text[start..].find(until)).map_or(text.len(), |at| start + at);
                text.replace_range(start..end, "DUMP");
            }
        }
        if let Some(start) = text.find("continue key is not valid: ") {
            text.truncate(start);
        }
        // Several reasons: the causes are compared one by one.
        if let Some(start) = text.find("is invalid: [") {
            text.truncate(start);
        }
        let uid = |word: &str| word.len() == 36 && word.as_bytes()[8] == b'-' && word.as_bytes()[23] == b'-';
        let words: Vec<String> =
            text.split_inclusive(|c: char| !c.is_ascii_alphanumeric() && c != '-').map(str::to_owned).collect();
        let mut whole = String::new();
        for word in words {
            let bare = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
            if uid(bare) {
                let count = self.uids.len();
                let name = self.uids.entry(bare.to_owned()).or_insert_with(|| format!("UID{count}"));
                whole.push_str(&word.replace(bare, name));
            } else if bare.starts_with("gen-") && bare.len() == 9 {
                whole.push_str(&word.replace(bare, "gen-SUFFIX"));
            } else {
                whole.push_str(&word);
            }
        }
        whole
    }
}

async fn ask_ours(api: &Api, request: Request<Vec<u8>>) -> Response<Body> {
    let request = request.map(|body| http_body_util::Full::new(bytes::Bytes::from(body)));
    tower::ServiceExt::oneshot(api.service(), request).await.unwrap()
}

async fn ask_real(client: &kube::Client, request: Request<Vec<u8>>) -> Response<kube::client::Body> {
    client.send(request.map(kube::client::Body::from)).await.unwrap()
}

/// Where two values differ, by path.
fn differences(path: &str, real: &Value, ours: &Value, out: &mut String) {
    match (real, ours) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let nothing = json!("(absent)");
                differences(
                    &format!("{path}.{key}"),
                    a.get(key).unwrap_or(&nothing),
                    b.get(key).unwrap_or(&nothing),
                    out,
                );
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (at, (a, b)) in a.iter().zip(b).enumerate() {
                differences(&format!("{path}[{at}]"), a, b, out);
            }
        }
        (a, b) if a != b => writeln!(out, "    {path}\n      real {a}\n      ours {b}").unwrap(),
        _ => {}
    }
}

#[tokio::test]
async fn answers_are_those_of_the_real_api_server() {
    let Some(kubernetes) = bowline_peers::find("kubernetes") else { return };
    let real = Real::start(&kubernetes).await;
    let client = real.client();
    let api = Api::new(Clock::system(), Random::seeded(1));
    let mut report = String::new();
    let mut count = 0;
    for (name, steps) in cases() {
        let namespace = format!("t-{}", name.replace(' ', "-"));
        // Ownership is kept in terms of the stored version here, of the version written in the real server.
        let owners = name != "versions";
        let mut normals = [(); 2].map(|()| Normal { namespace: namespace.clone(), uids: BTreeMap::new(), owners });
        let json = || "application/json".to_owned();
        let own = |path: &str, body: Value| ("POST".to_owned(), path.to_owned(), body, json(), json());
        let setup = [
            own("/api/v1/namespaces", json!({"metadata": {"name": namespace}})),
            own("/api/v1/namespaces/NS/serviceaccounts", json!({"metadata": {"name": "default"}})),
        ];
        for step in &setup {
            ask_ours(&api, request(step, &namespace)).await;
            ask_real(&client, request(step, &namespace)).await;
        }
        for step in &steps {
            if step.0 == "WAIT" {
                let get = ("GET".to_owned(), step.1.clone(), Value::Null, step.3.clone(), step.4.clone());
                while ask_real(&client, request(&get, &namespace)).await.status() != 200 {
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
                continue;
            }
            count += 1;
            let theirs = normals[0].answer(ask_real(&client, request(step, &namespace)).await).await;
            let ours = normals[1].answer(ask_ours(&api, request(step, &namespace)).await).await;
            if theirs != ours {
                writeln!(report, "{name}: {} {} {}", step.0, step.1, step.2).unwrap();
                let all = |a: &Answer| json!({"code": a.0, "body": a.1, "warnings": a.2});
                differences("", &all(&theirs), &all(&ours), &mut report);
            }
        }
    }
    assert!(report.is_empty(), "of {count} answers these differ:\n{report}");
}
