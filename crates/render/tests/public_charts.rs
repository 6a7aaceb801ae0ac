//! Public charts, with their defaults and the values files they ship, rendered by the real Helm and by us.
//!
//! `BOWLINE_CHARTS_ALL=1` takes every values file; without it a sample is compared, so that the suite stays quick.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use support::{Case, difference};

/// Charts that make up passwords, salts or certificates: no two runs of Helm itself are alike.
const KNOWN_TO_DIFFER: &[&str] = &[
    "grafana+helm-charts/lgtm-distributed",
    "grafana+helm-charts/loki-distributed",
    "prometheus-community+helm-charts/kube-prometheus-stack",
    "prometheus-community+helm-charts/prometheus-kafka-exporter",
    "prometheus-community+helm-charts/prometheus-pushgateway",
];

fn charts_under(folder: &Path, into: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    if folder.join("Chart.yaml").exists() {
        into.push(folder.to_owned());
        return;
    }
    for entry in entries.into_iter().filter(|entry| entry.is_dir()) {
        charts_under(&entry, into);
    }
}

fn cases(folder: &Path) -> Vec<(String, Case)> {
    let mut charts = Vec::new();
    charts_under(folder, &mut charts);
    let mut cases = Vec::new();
    for chart in charts {
        let name = chart.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
        cases.push((name.clone(), Case::new(&chart)));
        let files = fs::read_dir(chart.join("ci")).into_iter().flatten().map(|entry| entry.unwrap().path());
        let mut files: Vec<PathBuf> = files.filter(|file| file.extension().is_some_and(|e| e == "yaml")).collect();
        files.sort();
        for file in files {
            let shown = file.file_name().unwrap().to_string_lossy().into_owned();
            cases.push((format!("{name} {shown}"), Case::new(&chart).file(&file)));
        }
    }
    cases
}

#[test]
fn public_charts_come_out_as_from_helm() {
    let (Some(helm), Some(found)) =
        (bowline_peers::find("helm"), bowline_peers::charts_in(Path::new(env!("CARGO_TARGET_TMPDIR"))))
    else {
        return;
    };
    let all = cases(&found);
    let total = all.len();
    // Every third case meets every repository and all sizes of chart.
    let step = if std::env::var_os("BOWLINE_CHARTS_ALL").is_some() { 1 } else { 3 };
    let chosen: Vec<(String, Case)> = all.into_iter().step_by(step).collect();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let compare = || {
        let mut different = Vec::new();
        loop {
            let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let Some((name, case)) = chosen.get(at) else { return different };
            let (theirs, ours) = (case.helm(&helm), case.ours());
            if theirs != ours {
                different.push((name.clone(), difference(&theirs, &ours)));
            }
        }
    };
    let mut different: Vec<(String, String)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..2).map(|_| scope.spawn(compare)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    different.sort();
    eprintln!(
        "public charts: {} of {} compared cases are identical ({total} in all)",
        chosen.len() - different.len(),
        chosen.len()
    );
    let chart = |name: &str| name.split(' ').next().unwrap_or_default().to_owned();
    different.retain(|(name, _)| !KNOWN_TO_DIFFER.contains(&chart(name).as_str()));
    let shown: Vec<String> = different.iter().map(|(name, difference)| format!("{name}: {difference}")).collect();
    assert!(different.is_empty(), "{} cases differ\n{}", different.len(), shown.join("\n"));
}
