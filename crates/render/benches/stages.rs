//! Where the time of `bowline template` goes: loading, compiling and rendering, with the allocations of each.
//!
//! `BOWLINE_CHART=path cargo bench -p bowline-render` takes another chart than kube-prometheus-stack of the public charts.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::LazyLock;

use bowline_chart::{Chart, UserValues, ValueSources};
use bowline_manifest::TemplateOutput;
use bowline_render::{Environment, Nowhere, Options, TemplateText, Templates};
use divan::{AllocProfiler, Bencher};

#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

static CHART: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
    if let Some(path) = std::env::var_os("BOWLINE_CHART") {
        return Some(PathBuf::from(path));
    }
    let folder = bowline_peers::charts_in(Path::new(env!("CARGO_TARGET_TMPDIR")))?;
    Some(folder.join("prometheus-community+helm-charts/kube-prometheus-stack"))
});

fn main() {
    if CHART.is_some() {
        divan::main();
    }
}

fn chart() -> Chart {
    Chart::load(CHART.as_deref().expect("main looks whether there is one")).unwrap()
}

fn values(set: &[&str]) -> UserValues {
    let set = set.iter().map(|text| (*text).to_owned()).collect();
    UserValues::load(&ValueSources { set, ..ValueSources::default() }).unwrap()
}

fn render(templates: &Templates, values: &UserValues) -> TemplateText {
    let nowhere: Rc<dyn Environment> = Rc::new(Nowhere);
    let parts = TemplateOutput { crds: true, ..TemplateOutput::default() };
    templates.template(values, &Options::install("rel", "default"), &nowhere, parts).unwrap()
}

/// Reading the files of the chart.
#[divan::bench]
fn load() -> Chart {
    chart()
}

/// Everything from files to text.
#[divan::bench]
fn first_render() -> TemplateText {
    render(&Templates::new(chart()), &values(&[]))
}

/// Compiling and rendering of a loaded chart.
#[divan::bench]
fn compile_and_render(bencher: Bencher<'_, '_>) {
    bencher.with_inputs(chart).bench_values(|chart| render(&Templates::new(chart), &values(&[])));
}

/// Rendering with other values what is compiled already.
#[divan::bench]
fn second_render(bencher: Bencher<'_, '_>) {
    let templates = Templates::new(chart());
    render(&templates, &values(&[]));
    let other = values(&["nameOverride=other"]);
    bencher.bench_local(|| render(&templates, &other));
}
