//! `Chart.yaml`.

use bowline_yaml::{Decoder, Node, Target, Value, is_print, quote};

use crate::Version;
use crate::error::Error;

/// What `Chart.yaml` says, in Go's field order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    /// Name; an alias takes its place.
    pub name: String,
    /// Project page.
    pub home: String,
    /// Pages of the sources.
    pub sources: Vec<String>,
    /// Version of the chart.
    pub version: String,
    /// One sentence.
    pub description: String,
    /// Keywords.
    pub keywords: Vec<String>,
    /// Who maintains it.
    pub maintainers: Vec<Maintainer>,
    /// URL of an image.
    pub icon: String,
    /// `v1` or `v2`.
    pub api_version: String,
    /// Condition under which the chart is enabled.
    pub condition: String,
    /// Tags that enable the chart.
    pub tags: String,
    /// Version of the application in it.
    pub app_version: String,
    /// Not to be used any more.
    pub deprecated: bool,
    /// Anything else, for others; `None` where the field is missing, which templates can tell from empty.
    pub annotations: Option<Vec<(String, String)>>,
    /// Constraint on the cluster's version.
    pub kube_version: String,
    /// Charts that this one needs. `None` where the field is missing: then subcharts are used as they lie there.
    pub dependencies: Option<Vec<Dependency>>,
    /// `application` (or empty) or `library`.
    pub kind: String,
}

/// A maintainer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Maintainer {
    /// Name.
    pub name: String,
    /// Address.
    pub email: String,
    /// Page.
    pub url: String,
}

/// A chart that another needs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dependency {
    /// Name of the chart; after processing, its alias.
    pub name: String,
    /// Constraint on its version.
    pub version: String,
    /// Where it comes from.
    pub repository: String,
    /// Paths of values, the first boolean among which switches it on or off.
    pub condition: String,
    /// Tags that switch it on or off.
    pub tags: Vec<String>,
    /// What condition and tags came to.
    pub enabled: bool,
    /// Values of it that its parent takes over.
    pub import_values: Vec<Value>,
    /// Another name for it.
    pub alias: String,
}

/// Takes over what `field` of the struct says, where the key is that field's.
fn is_field(key: &str, field: &str) -> bool {
    key.eq_ignore_ascii_case(field)
}

/// Where a list has nothing in place of an entry, which Helm refuses when it validates.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Nulls {
    pub(crate) maintainers: bool,
    /// Place of the first.
    pub(crate) dependencies: Option<usize>,
}

impl Metadata {
    /// The names of the fields, as `Chart.yaml` and an index have them. Go matches keys whatever the case of their letters.
    pub const FIELDS: [&'static str; 17] = [
        "name",
        "home",
        "sources",
        "version",
        "description",
        "keywords",
        "maintainers",
        "icon",
        "apiVersion",
        "condition",
        "tags",
        "appVersion",
        "deprecated",
        "annotations",
        "kubeVersion",
        "dependencies",
        "type",
    ];
}

impl Maintainer {
    /// The names of the fields.
    pub const FIELDS: [&'static str; 3] = ["name", "email", "url"];
}

impl Dependency {
    /// The names of the fields.
    pub const FIELDS: [&'static str; 8] =
        ["name", "version", "repository", "condition", "tags", "enabled", "import-values", "alias"];
}

impl Metadata {
    /// Fills in what a document says, over what is there already.
    ///
    /// # Errors
    /// A value of a wrong type.
    pub fn read(&mut self, node: &Node) -> Result<(), bowline_yaml::Error> {
        self.read_noting(node).map(|_| ())
    }

    /// The same, with where lists have nothing.
    pub(crate) fn read_noting(&mut self, node: &Node) -> Result<Nulls, bowline_yaml::Error> {
        let mut decoder = Decoder::new();
        let mut nulls = Nulls::default();
        for (key, value) in decoder.root(node, "v2.Metadata") {
            self.read_field(&mut decoder, key, value, &mut nulls);
        }
        decoder.finish(nulls)
    }

    fn read_field(&mut self, decoder: &mut Decoder, key: &str, value: &Node, nulls: &mut Nulls) {
        let mut text = |field: &mut String, path: &str| {
            *field = decoder.string(value, Target { structure: "Metadata", path });
        };
        match key.to_ascii_lowercase().as_str() {
            "name" => text(&mut self.name, "name"),
            "home" => text(&mut self.home, "home"),
            "version" => text(&mut self.version, "version"),
            "description" => text(&mut self.description, "description"),
            "icon" => text(&mut self.icon, "icon"),
            "apiversion" => text(&mut self.api_version, "apiVersion"),
            "condition" => text(&mut self.condition, "condition"),
            "tags" => text(&mut self.tags, "tags"),
            "appversion" => text(&mut self.app_version, "appVersion"),
            "kubeversion" => text(&mut self.kube_version, "kubeVersion"),
            "type" => text(&mut self.kind, "type"),
            "sources" => self.sources = decoder.strings(value, Target { structure: "Metadata", path: "sources" }),
            "keywords" => self.keywords = decoder.strings(value, Target { structure: "Metadata", path: "keywords" }),
            "deprecated" => self.deprecated = decoder.bool(value, Target { structure: "Metadata", path: "deprecated" }),
            "annotations" if !value.is_null() => {
                let target = Target { structure: "Metadata", path: "annotations" };
                self.annotations = Some(decoder.string_map(value, target));
            }
            "maintainers" => {
                let at = Target { structure: "Metadata", path: "maintainers" };
                let items = decoder.items(value, at, "[]*v2.Maintainer");
                nulls.maintainers = items.iter().any(Node::is_null);
                self.maintainers = items.iter().map(|item| Maintainer::read(decoder, item)).collect();
            }
            "dependencies" if !value.is_null() => {
                let (read, null) = Dependency::read_all(decoder, value, "Metadata");
                self.dependencies = Some(read);
                nulls.dependencies = null;
            }
            _ => {}
        }
    }

    /// The dependencies, where the field is there.
    pub fn dependencies(&self) -> &[Dependency] {
        self.dependencies.as_deref().unwrap_or_default()
    }

    /// A library chart has partials alone.
    pub fn is_library(&self) -> bool {
        self.kind.eq_ignore_ascii_case("library")
    }

    /// Cleans up text and checks what has to be there.
    ///
    /// # Errors
    /// In Helm's words.
    pub fn validate(&mut self) -> Result<(), Error> {
        self.validate_noted(Nulls::default())
    }

    /// The same of what was read with nothing in some places of lists.
    pub(crate) fn validate_noted(&mut self, nulls: Nulls) -> Result<(), Error> {
        let fields = [
            &mut self.name,
            &mut self.description,
            &mut self.home,
            &mut self.icon,
            &mut self.condition,
            &mut self.tags,
            &mut self.app_version,
            &mut self.kube_version,
        ];
        for field in fields.into_iter().chain(&mut self.sources).chain(&mut self.keywords) {
            *field = sanitized(field);
        }
        let fail = |text: String| Err(Error::chart(format!("validation: {text}")));
        if self.api_version.is_empty() {
            return fail("chart.metadata.apiVersion is required".to_owned());
        }
        if self.name.is_empty() {
            return fail("chart.metadata.name is required".to_owned());
        }
        if self.name == "." || self.name == ".." {
            return fail(format!("chart.metadata.name {} is not allowed", quote(&self.name)));
        }
        if self.name.contains('/') {
            return fail(format!("chart.metadata.name {} is invalid", quote(&self.name)));
        }
        if self.version.is_empty() {
            return fail("chart.metadata.version is required".to_owned());
        }
        if Version::parse(&self.version).is_none() {
            return fail(format!("chart.metadata.version {} is invalid", quote(&self.version)));
        }
        if !matches!(self.kind.as_str(), "" | "application" | "library") {
            return fail("chart.metadata.type must be application or library".to_owned());
        }
        if nulls.maintainers {
            return fail("maintainers must not contain empty or null nodes".to_owned());
        }
        for Maintainer { name, email, url } in &mut self.maintainers {
            for field in [name, email, url] {
                *field = sanitized(field);
            }
        }
        let mut keys: Vec<&str> = Vec::new();
        for (place, dependency) in self.dependencies.iter_mut().flatten().enumerate() {
            if nulls.dependencies == Some(place) {
                return fail("dependencies must not contain empty or null nodes".to_owned());
            }
            dependency.sanitize();
            let is_alias_char = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
            if !dependency.alias.bytes().all(is_alias_char) {
                let name = quote(&dependency.name);
                return fail(format!("dependency {name} has disallowed characters in the alias"));
            }
            let key = if dependency.alias.is_empty() { &dependency.name } else { &dependency.alias };
            if keys.contains(&key.as_str()) {
                return fail(format!("more than one dependency with name or alias {}", quote(key)));
            }
            keys.push(key);
        }
        Ok(())
    }
}

impl Maintainer {
    fn read(decoder: &mut Decoder, node: &Node) -> Self {
        let mut read = Self::default();
        let at = Target { structure: "Metadata", path: "maintainers" };
        for (key, value) in decoder.entries(node, at, "v2.Maintainer") {
            for (field, name) in [(&mut read.name, "name"), (&mut read.email, "email"), (&mut read.url, "url")] {
                if is_field(key, name) {
                    let path = format!("maintainers.{name}");
                    *field = decoder.string(value, Target { structure: "Maintainer", path: &path });
                }
            }
        }
        read
    }
}

impl Dependency {
    /// Fills in what one item of `dependencies` says; what does not fit is `decoder`'s error.
    pub fn read(decoder: &mut Decoder, node: &Node) -> Self {
        Self::read_in(decoder, node, "Metadata")
    }

    /// The dependencies of a structure, and the place of the first that is null.
    pub(crate) fn read_all(decoder: &mut Decoder, node: &Node, structure: &str) -> (Vec<Self>, Option<usize>) {
        let items = decoder.items(node, Target { structure, path: "dependencies" }, "[]*v2.Dependency");
        let read = items.iter().map(|item| Self::read_in(decoder, item, structure)).collect();
        (read, items.iter().position(Node::is_null))
    }

    fn read_in(decoder: &mut Decoder, node: &Node, structure: &str) -> Self {
        let mut read = Self::default();
        let at = Target { structure, path: "dependencies" };
        for (key, value) in decoder.entries(node, at, "v2.Dependency") {
            let texts = [
                (&mut read.name, "name"),
                (&mut read.version, "version"),
                (&mut read.repository, "repository"),
                (&mut read.condition, "condition"),
                (&mut read.alias, "alias"),
            ];
            for (field, name) in texts {
                if is_field(key, name) {
                    let path = format!("dependencies.{name}");
                    *field = decoder.string(value, Target { structure: "Dependency", path: &path });
                }
            }
            let target = |path| Target { structure: "Dependency", path };
            if is_field(key, "tags") {
                read.tags = decoder.strings(value, target("dependencies.tags"));
            } else if is_field(key, "enabled") {
                read.enabled = decoder.bool(value, target("dependencies.enabled"));
            } else if is_field(key, "import-values") {
                let items = decoder.items(value, target("dependencies.import-values"), "[]interface {}");
                read.import_values = items.iter().map(Node::to_value).collect();
            }
        }
        read
    }

    fn sanitize(&mut self) {
        let texts = [&mut self.name, &mut self.version, &mut self.repository, &mut self.condition];
        for field in texts.into_iter().chain(&mut self.tags) {
            *field = sanitized(field);
        }
    }
}

/// All spaces are spaces, and what does not print is gone.
fn sanitized(text: &str) -> String {
    let clean = |c: char| if c.is_whitespace() { Some(' ') } else { Some(c).filter(|c| is_print(*c)) };
    text.chars().filter_map(clean).collect()
}
