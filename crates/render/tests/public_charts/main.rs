//! Public charts, rendered by the real Helm and by us: defaults, shipped values files, flags, and changed values.
//!
//! ```text
//!  BOWLINE_CHARTS ─► charts × (defaults, values files) × flags ─┐
//!                └─► charts × seeded changes of their values ───┴─► helm, ours ─► same bytes, same errors
//! ```
//!
//! By default a sample is compared, so that the suite stays quick; `BOWLINE_CHARTS_ALL=1` takes everything. Lines in which
//! two runs of Helm itself differ (passwords, certificates) are masked.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod cases;
mod change;
mod mask;
#[path = "../support/mod.rs"]
mod support;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use cases::{Named, all_charts, shipped, with_flags};
use mask::compare;

fn everything() -> bool {
    std::env::var_os("BOWLINE_CHARTS_ALL").is_some()
}

/// Compares every case, two at a time, and fails with all that differ.
fn compare_all(helm: &Path, what: &str, cases: &[Named]) {
    let next = AtomicUsize::new(0);
    let work = || {
        let (mut different, mut refused) = (Vec::new(), 0);
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(named) = cases.get(at) else { return (different, refused) };
            match compare(&named.case, helm) {
                Ok(said) => refused += usize::from(said.is_err()),
                Err(difference) => different.push(format!("{}: {difference}", named.name)),
            }
        }
    };
    let parts: Vec<(Vec<String>, usize)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..2).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let refused: usize = parts.iter().map(|(_, refused)| refused).sum();
    let mut different: Vec<String> = parts.into_iter().flat_map(|(different, _)| different).collect();
    different.sort();
    eprintln!(
        "{what}: {} of {} cases are identical, {refused} of them refusals",
        cases.len() - different.len(),
        cases.len()
    );
    assert!(different.is_empty(), "{} of {} cases differ\n{}", different.len(), cases.len(), different.join("\n"));
}

/// Every `step`th, from one that depends on the run's seed.
fn sample(cases: Vec<Named>, wanted: usize) -> Vec<Named> {
    if everything() || cases.len() <= wanted {
        return cases;
    }
    let step = cases.len() / wanted;
    let first = support::Random::new(support::seed()).below(step);
    cases.into_iter().skip(first).step_by(step).collect()
}

#[test]
fn public_charts_come_out_as_from_helm() {
    let (Some(helm), Some(charts)) = (bowline_peers::find("helm"), all_charts()) else { return };
    compare_all(&helm, "defaults and values files", &sample(shipped(&charts), 90));
}

/// Helm 3, which differs from Helm 4 in the documents, the kinds' order, values without a value and error texts of many
/// charts.
#[test]
fn public_charts_come_out_as_from_helm_3() {
    let (Some(helm), Some(charts)) = (bowline_peers::find("helm3"), all_charts()) else { return };
    let for_helm3 = |cases: Vec<Named>| -> Vec<Named> {
        cases.into_iter().map(|named| Named { case: named.case.for_helm3(), ..named }).collect()
    };
    let shipped = shipped(&charts);
    let flagged = for_helm3(sample(with_flags(&shipped), 40));
    compare_all(&helm, "Helm 3, defaults and values files", &for_helm3(shipped));
    compare_all(&helm, "Helm 3, flags", &flagged);
    let directory = tempfile::tempdir().unwrap();
    let first = support::seed();
    let changed = (first..first + if everything() { 600 } else { 40 })
        .map(|seed| change::changed(&charts, seed, directory.path()))
        .collect();
    compare_all(&helm, "Helm 3, changed values", &for_helm3(changed));
}

#[test]
fn flags_have_the_same_effect_as_in_helm() {
    let (Some(helm), Some(charts)) = (bowline_peers::find("helm"), all_charts()) else { return };
    compare_all(&helm, "flags", &sample(with_flags(&shipped(&charts)), 50));
}

#[test]
fn changed_values_have_the_same_effect_as_in_helm() {
    let (Some(helm), Some(charts)) = (bowline_peers::find("helm"), all_charts()) else { return };
    let directory = tempfile::tempdir().unwrap();
    let count = std::env::var("BOWLINE_CHANGES").ok().and_then(|text| text.parse().ok());
    let count = count.unwrap_or(if everything() { 600 } else { 100 });
    let first = support::seed();
    let changed: Vec<Named> =
        (first..first + count).map(|seed| change::changed(&charts, seed, directory.path())).collect();
    compare_all(&helm, "changed values", &changed);
}
