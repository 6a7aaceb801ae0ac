//! Charts that Artifact Hub, or another hub with Monocular's interface, knows.

use serde_json::Value;

use crate::error::Error;
use crate::fetch::TIMEOUT;
use crate::index::MAX_INDEX;
use crate::repositories::Repository;
use crate::repository::get;
use crate::url::{Url, join};

const SEARCH: &str = "api/chartsvc/v1/charts/search";

/// A chart that a hub found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HubChart {
    /// The page about it.
    pub url: String,
    /// Its newest version.
    pub version: String,
    /// The version of what it installs.
    pub app_version: String,
    /// What it is, in a sentence.
    pub description: String,
    /// Address of the repository that has it.
    pub repository_url: String,
    /// Name of that repository.
    pub repository_name: String,
}

/// Asks the hub at an address for charts; `term` is in the hub's own query language.
///
/// # Errors
/// The address is none, or the hub does not answer; in Helm's words.
pub fn search_hub(endpoint: &str, term: &str) -> Result<Vec<HubChart>, Error> {
    let named = bowline_yaml::quote(endpoint);
    let unable = |why: String| Error::Invalid(format!("unable to create connection to {named}: {why}"));
    let url = Url::parse(endpoint).map_err(unable)?;
    if url.hostname().is_empty() {
        return Err(unable("no hostname provided".to_owned()));
    }
    let base = endpoint.split(['?', '#']).next().unwrap_or_default();
    let address = format!("{}?q={}", join(base, SEARCH), escaped(term));
    // Helm keeps the reason to itself.
    let answer = get(&address, &Repository { url: address.clone(), ..Repository::default() }, "", TIMEOUT, MAX_INDEX)
        .map_err(|_| Error::Fetch(format!("unable to perform search against {named}")))?;
    // What is no answer of a hub finds nothing.
    let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
    let found = answer["data"].as_array().into_iter().flatten();
    Ok(found.map(|found| chart(endpoint, found)).collect())
}

fn chart(endpoint: &str, found: &Value) -> HubChart {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let page = text(&found["artifactHub"]["packageUrl"]);
    let newest = &found["relationships"]["latestChartVersion"]["data"];
    let repository = &found["attributes"]["repo"];
    HubChart {
        url: if page.is_empty() { format!("{endpoint}/charts/{}", text(&found["id"])) } else { page },
        version: text(&newest["version"]),
        app_version: text(&newest["app_version"]),
        description: text(&found["attributes"]["description"]),
        repository_url: text(&repository["url"]),
        repository_name: text(&repository["name"]),
    }
}

/// Go's `url.QueryEscape`.
fn escaped(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
    let escape = |b: u8| match b {
        b' ' => "+".to_owned(),
        b if plain(b) => char::from(b).to_string(),
        b => format!("%{b:02X}"),
    };
    text.bytes().map(escape).collect()
}
