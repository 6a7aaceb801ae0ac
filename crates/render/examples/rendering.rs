//! Times of a library user, in nanoseconds, for `make bench`.
//!
//! `rendering again CHART` prints the medians of a first rendering (reading and compiling included) and of a second one with
//! other values. `rendering calls include|tpl` prints those of renderings with 10,000 and 100,000 calls.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods)]

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bowline_chart::{Chart, UserValues, ValueSources};
use bowline_manifest::TemplateOutput;
use bowline_render::{Environment, Nowhere, Options, Templates};

/// As the shipped program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 15;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let times = match arguments.as_slice() {
        ["again", chart] => again(Path::new(chart)),
        ["calls", function @ ("include" | "tpl")] => calls(function),
        _ => Err("rendering again CHART | rendering calls include|tpl".into()),
    };
    match times {
        Ok(times) => {
            times.iter().for_each(|time| println!("{}", time.as_nanos()));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn values(set: &[&str]) -> Result<UserValues, Box<dyn Error>> {
    let set = set.iter().map(|text| (*text).to_owned()).collect();
    Ok(UserValues::load(&ValueSources { set, ..ValueSources::default() })?)
}

fn render(templates: &Templates, values: &UserValues) -> Result<(), Box<dyn Error>> {
    let nowhere: Rc<dyn Environment> = Rc::new(Nowhere);
    let text =
        templates.template(values, &Options::install("bench", "default"), &nowhere, TemplateOutput::default())?;
    if text.pieces().len() > 1 { Ok(()) } else { Err("nothing was rendered".into()) }
}

fn again(chart: &Path) -> Result<Vec<Duration>, Box<dyn Error>> {
    let (defaults, other) = (values(&[])?, values(&["nameOverride=other"])?);
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let templates = Templates::new(Chart::load(chart)?);
        render(&templates, &defaults)?;
        first.push(start.elapsed());
        let start = Instant::now();
        render(&templates, &other)?;
        second.push(start.elapsed());
    }
    Ok(vec![median(first), median(second)])
}

fn calls(function: &str) -> Result<Vec<Duration>, Box<dyn Error>> {
    [10_000, 100_000].into_iter().map(|count| calls_of(function, count)).collect()
}

/// A rendering with so many calls, each with arguments of its own.
fn calls_of(function: &str, count: usize) -> Result<Duration, Box<dyn Error>> {
    let call = match function {
        "include" => r#"include "number" (dict "n" $i)"#,
        _ => r#"tpl (printf "{{ .n }}-%d" $i) (dict "n" $i)"#,
    };
    let files = [
        ("Chart.yaml", "apiVersion: v2\nname: calls\nversion: 1.0.0\n".to_owned()),
        ("templates/_number.tpl", r#"{{- define "number" }}{{ .n }}-{{ .n }}{{ end }}"#.to_owned()),
        (
            "templates/all.yaml",
            format!("all:\n{{{{- range $i := until {count} }}}}\n- {{{{ {call} }}}}\n{{{{- end }}}}\n"),
        ),
    ];
    let files = files.map(|(name, text)| (name.to_owned(), text.into_bytes()));
    let templates = Templates::new(Chart::from_files(files)?);
    let values = values(&[])?;
    let mut times = Vec::new();
    for _ in 0..5 {
        let start = Instant::now();
        render(&templates, &values)?;
        times.push(start.elapsed());
    }
    Ok(median(times))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
