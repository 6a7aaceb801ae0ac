//! Which charts there are, and how each is rendered.

use std::fs;
use std::path::{Path, PathBuf};

use bowline_manifest::TemplateOutput;

use crate::support::{Case, Random};

/// A case and what it is called.
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) case: Case,
}

/// A chart and its name below the folder of charts.
pub(crate) struct PublicChart {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

/// All charts there are; `None` after the skip was reported.
pub(crate) fn all_charts() -> Option<Vec<PublicChart>> {
    // An archive is laid out once, by whichever test comes first.
    static LAYING_OUT: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let folder = {
        let _alone = LAYING_OUT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        bowline_peers::charts_in(Path::new(env!("CARGO_TARGET_TMPDIR")))?
    };
    let mut paths = Vec::new();
    charts_under(&folder, &mut paths);
    let named =
        |path: PathBuf| PublicChart { name: path.strip_prefix(&folder).unwrap().to_string_lossy().into_owned(), path };
    Some(paths.into_iter().map(named).collect())
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
    entries.sort();
    entries
}

fn charts_under(folder: &Path, into: &mut Vec<PathBuf>) {
    if folder.join("Chart.yaml").exists() {
        into.push(folder.to_owned());
        return;
    }
    for entry in entries(folder).into_iter().filter(|entry| entry.is_dir()) {
        charts_under(&entry, into);
    }
}

/// Every chart with its defaults and with each values file it ships.
pub(crate) fn shipped(charts: &[PublicChart]) -> Vec<Named> {
    let mut cases = Vec::new();
    for chart in charts {
        cases.push(Named { name: chart.name.clone(), case: Case::new(&chart.path) });
        let folders = ["ci", "examples", "tests", "."].map(|folder| chart.path.join(folder));
        for file in folders.iter().flat_map(|folder| entries(folder)) {
            let shown = file.file_name().unwrap().to_string_lossy().into_owned();
            let is_yaml = shown.ends_with(".yaml") || shown.ends_with(".yml");
            let in_ci = file.parent().is_some_and(|folder| folder.ends_with("ci"));
            if is_yaml && file.is_file() && shown != "values.yaml" && (in_ci || shown.contains("values")) {
                let name = format!("{} -f {shown}", chart.name);
                cases.push(Named { name, case: Case::new(&chart.path).file(&file) });
            }
        }
    }
    cases
}

/// The same with flags that rotate.
pub(crate) fn with_flags(cases: &[Named]) -> Vec<Named> {
    let mut flagged = Vec::new();
    for (at, named) in cases.iter().enumerate() {
        let case = || named.case.clone();
        let parts = |crds, no_hooks, skip_tests| TemplateOutput { crds, no_hooks, skip_tests };
        let strings = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let version = ["1.19", "v1.25.3", "1.33.0-gke.1", "v1.40.0"][at / 8 % 4].to_owned();
        let (label, case) = match at % 8 {
            0 => ("crds, upgrade", Case { parts: parts(true, false, false), is_upgrade: true, ..case() }),
            1 => ("no hooks", Case { parts: parts(false, true, false), ..case() }),
            2 => ("skip tests", Case { parts: parts(false, false, true), ..case() }),
            3 => ("kube version", Case { kube_version: Some(version), ..case() }),
            4 => (
                "api versions",
                Case {
                    api_versions: strings(&[
                        "monitoring.coreos.com/v1",
                        "monitoring.coreos.com/v1/ServiceMonitor",
                        "cert-manager.io/v1",
                        "route.openshift.io/v1",
                        "autoscaling.k8s.io/v1",
                    ]),
                    ..case()
                },
            ),
            5 => ("namespace", Case { namespace: Some("elsewhere".to_owned()), ..case() }),
            6 => ("skip schema", Case { skip_schema_validation: true, parts: parts(true, false, true), ..case() }),
            _ => {
                let mut case = case();
                let mut random = Random::new(at as u64);
                case.sources.set = strings(&[
                    random.pick(&[
                        "replicaCount=3,image.tag=null",
                        "global.a.b=1,fullnameOverride=x",
                        "nameOverride=y",
                    ]),
                    random.pick(&["serviceMonitor.enabled=true", "ingress.enabled=true", "rbac.create=false,a[2].b=x"]),
                ]);
                case.sources.string = strings(&["image.tag=1.0", "podAnnotations.a\\.b/c=5"]);
                case.sources.json = strings(&[r#"resources={"limits":{"cpu":1,"memory":"1Gi"}}"#]);
                case.sources.literal = strings(&["podLabels.x=a,b={c}"]);
                ("set", case)
            }
        };
        flagged.push(Named { name: format!("{} ({label})", named.name), case });
    }
    flagged
}
