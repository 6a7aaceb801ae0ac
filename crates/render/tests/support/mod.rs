//! One chart, rendered by the real Helm and by us.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

use bowline_chart::{Chart, Compat, UserValues, ValueSources};
use bowline_manifest::{ManifestSet, TemplateOutput};
use bowline_render::{Environment, KubeVersion, Nowhere, Options, RenderError, Templates};

/// Whether the tests of this crate are about Helm 3; so `tests/helm3.rs`.
pub(crate) const IS_HELM3: bool = matches!(env!("CARGO_CRATE_NAME").as_bytes(), b"helm3");

/// The same, as a setting.
pub(crate) const COMPAT: Compat = if IS_HELM3 { Compat::Helm3 } else { Compat::Helm4 };

/// The real Helm that the tests of this crate are about.
pub(crate) fn helm() -> Option<PathBuf> {
    bowline_peers::find(if IS_HELM3 { "helm3" } else { "helm" })
}

/// What Helm's command line says, in both forms.
#[derive(Clone, Default)]
pub(crate) struct Case {
    pub(crate) chart: PathBuf,
    pub(crate) sources: ValueSources,
    pub(crate) parts: TemplateOutput,
    pub(crate) is_upgrade: bool,
    pub(crate) namespace: Option<String>,
    pub(crate) kube_version: Option<String>,
    pub(crate) api_versions: Vec<String>,
    pub(crate) skip_schema_validation: bool,
}

/// What a program said: standard output, or the error behind `Error: `.
pub(crate) type Said = Result<String, String>;

impl Case {
    pub(crate) fn new(chart: impl Into<PathBuf>) -> Self {
        let sources = ValueSources { compat: COMPAT, ..ValueSources::default() };
        Self { chart: chart.into(), sources, ..Self::default() }
    }

    /// The same, for Helm 3.
    pub(crate) fn for_helm3(mut self) -> Self {
        self.sources.compat = Compat::Helm3;
        self
    }

    pub(crate) fn set(mut self, text: &str) -> Self {
        self.sources.set.push(text.to_owned());
        self
    }

    pub(crate) fn file(mut self, path: &Path) -> Self {
        self.sources.files.push(path.to_string_lossy().into_owned());
        self
    }

    pub(crate) fn arguments(&self) -> Vec<String> {
        let mut arguments = vec!["template".to_owned(), "rel".to_owned(), self.chart.to_string_lossy().into_owned()];
        let ValueSources { files, json, set, string, file, literal, compat: _ } = &self.sources;
        let lists = [
            ("-f", files),
            ("--set-json", json),
            ("--set", set),
            ("--set-string", string),
            ("--set-file", file),
            ("--set-literal", literal),
            ("--api-versions", &self.api_versions),
        ];
        for (flag, texts) in lists {
            arguments.extend(texts.iter().flat_map(|text| [flag.to_owned(), text.clone()]));
        }
        let TemplateOutput { crds, no_hooks, skip_tests } = self.parts;
        let switches = [
            ("--include-crds", crds),
            ("--no-hooks", no_hooks),
            ("--skip-tests", skip_tests),
            ("--is-upgrade", self.is_upgrade),
            ("--skip-schema-validation", self.skip_schema_validation),
        ];
        arguments.extend(switches.iter().filter(|(_, on)| *on).map(|(flag, _)| (*flag).to_owned()));
        for (flag, text) in [("--namespace", &self.namespace), ("--kube-version", &self.kube_version)] {
            arguments.extend(text.iter().flat_map(|text| [flag.to_owned(), text.clone()]));
        }
        arguments
    }

    pub(crate) fn helm(&self, helm: &Path) -> Said {
        let output = Command::new(helm).args(self.arguments()).env_remove("KUBECONFIG").output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        if output.status.success() {
            return Ok(text(output.stdout));
        }
        let said = text(output.stderr);
        let error = said.find("Error: ").map_or(said.as_str(), |at| &said[at + "Error: ".len()..]);
        Err(error.trim_end().to_owned())
    }

    fn options(&self) -> Options {
        Options {
            release_name: "rel".to_owned(),
            namespace: self.namespace.clone().unwrap_or_else(|| "default".to_owned()),
            is_upgrade: self.is_upgrade,
            kube_version: self.kube_version(),
            api_versions: self.api_versions.clone(),
            skip_schema_validation: self.skip_schema_validation,
            ..Options::default()
        }
    }

    fn kube_version(&self) -> KubeVersion {
        let given = self.kube_version.as_deref();
        given.map(|text| KubeVersion::of_flag(text, self.sources.compat).unwrap()).unwrap_or_default()
    }

    fn with_templates<T>(
        &self,
        render: impl FnOnce(&Templates, &UserValues, &Options, &Rc<dyn Environment>) -> Result<T, RenderError>,
    ) -> Result<T, RenderError> {
        let values = UserValues::load(&self.sources)?;
        let chart = Chart::load_as(&self.chart, self.sources.compat)?;
        chart.check_installable()?;
        let nowhere: Rc<dyn Environment> = Rc::new(Nowhere);
        render(&Templates::new(chart), &values, &self.options(), &nowhere)
    }

    pub(crate) fn ours(&self) -> Said {
        let text = self.with_templates(|templates, values, options, nowhere| {
            templates.template(values, options, nowhere, self.parts).map(|text| text.text())
        });
        text.map_err(|error| error.helm_template_text().trim_end().to_owned())
    }

    pub(crate) fn render(&self) -> Result<ManifestSet, RenderError> {
        self.with_templates(Templates::render)
    }

    /// Asserts that both say the same, and that the set of manifests prints the same.
    pub(crate) fn assert_same(&self, helm: &Path) {
        let theirs = self.helm(helm);
        let ours = self.ours();
        let shown = self.arguments().join(" ");
        assert!(theirs == ours, "helm {shown}\n{}", difference(&theirs, &ours));
        if let Ok(text) = theirs {
            assert_eq!(self.render().unwrap().template_output(self.parts), text, "manifests of helm {shown}");
        }
    }
}

/// The first line that differs.
pub(crate) fn difference(theirs: &Said, ours: &Said) -> String {
    let (Ok(theirs), Ok(ours)) = (theirs, ours) else { return format!("helm: {theirs:?}\nours: {ours:?}") };
    let mut lines = theirs.lines().zip(ours.lines()).enumerate();
    match lines.find(|(_, (a, b))| a != b) {
        Some((number, (a, b))) => format!("line {}\nhelm: {a}\nours: {b}", number + 1),
        None => format!("helm: {} lines, ours: {}", theirs.lines().count(), ours.lines().count()),
    }
}

/// Faults of a schema, siblings and listed names in order: Helm visits properties in random order.
pub(crate) fn normal_faults(text: &str) -> String {
    fn indent(line: &str) -> usize {
        line.len() - line.trim_start().len()
    }
    fn sorted(lines: &[&str]) -> Vec<String> {
        let Some(first) = lines.first().map(|line| indent(line)) else { return Vec::new() };
        let mut groups: Vec<Vec<String>> = Vec::new();
        let mut at = 0;
        while at < lines.len() {
            let end = (at + 1..lines.len()).find(|i| indent(lines[*i]) <= first).unwrap_or(lines.len());
            let mut group = vec![names(lines[at])];
            group.extend(sorted(&lines[at + 1..end]));
            groups.push(group);
            at = end;
        }
        groups.sort();
        groups.concat()
    }
    fn names(line: &str) -> String {
        // The validator keeps the place of such a name in memory that it writes over later, in random order.
        if let Some((before, name)) = line.split_once(": invalid propertyName ") {
            return format!("{} invalid propertyName {name}", before.split("at '").next().unwrap_or_default());
        }
        let Some((before, after)) = line.split_once("additional properties ") else { return line.to_owned() };
        let mut names: Vec<&str> = after.trim_end_matches(" not allowed").split(", ").collect();
        names.sort_unstable();
        format!("{before}additional properties {}", names.join(", "))
    }
    // Of several references that lead nowhere, the first in random order is told.
    if ["json-pointer in ", "anchor in ", "failing loading "].iter().any(|broken| text.starts_with(broken)) {
        return "a reference leads nowhere".to_owned();
    }
    let lines: Vec<&str> = text.lines().collect();
    sorted(&lines).join("\n")
}

/// A chart beside these tests.
pub(crate) fn own_chart(name: &str) -> PathBuf {
    Path::new("tests/charts").join(name)
}

/// Numbers that a seed determines.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % (limit.max(1) as u64)).unwrap()
    }

    pub(crate) fn pick<'t, T: ?Sized>(&mut self, items: &[&'t T]) -> &'t T {
        items[self.below(items.len())]
    }
}

/// The seed of this run: `BOWLINE_SEED`, else one of the moment, which a failure shows.
pub(crate) fn seed() -> u64 {
    let given = std::env::var("BOWLINE_SEED").ok().and_then(|text| text.parse().ok());
    given.unwrap_or_else(|| {
        use std::hash::{BuildHasher, Hasher};
        std::collections::hash_map::RandomState::new().build_hasher().finish() % 1_000_000_000
    })
}
