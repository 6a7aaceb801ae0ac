//! The sample application's charts, rehearsed: as its team wrote it, and corrected.
// Helpers of tests fail the test.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use bowline_chart::{Chart, UserValues};
use bowline_controlplane::node::{Script, Scripts};
use bowline_engine::DeployRequest;
use bowline_plan::Order;
use bowline_rehearse::{Entry, Outcome, Rehearsal, Scenario};
use bowline_render::{Environment, Nowhere, Options};

fn scenario(chart: &str) -> Scenario {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(chart).join("chart");
    let chart = Chart::load(&path).unwrap();
    let nowhere: Rc<dyn Environment> = Rc::new(Nowhere);
    let options = Options::install("todo-app", "todo-app");
    let manifests = bowline_render::render(&chart, &UserValues::default(), &options, &nowhere).unwrap();
    let request = DeployRequest::new("todo-app", "todo-app", manifests);
    Scenario { request, scripts: Scripts::default(), seed: 7 }
}

fn trace(rehearsal: &Rehearsal) -> String {
    serde_json::to_string(&rehearsal.timeline).unwrap()
}

#[test]
fn the_first_install_as_written_hangs_until_its_timeout() {
    let mut scenario = scenario("todo-app-as-written");
    scenario.request.options.timeout = Duration::from_secs(420);
    scenario.request.options.order = Order::Helm;
    let rehearsal = scenario.play().unwrap();
    let Outcome::Hang(failure) = &rehearsal.outcome else { panic!("{:?}", rehearsal.outcome) };
    assert_eq!(rehearsal.duration.as_secs(), 420, "of virtual time");
    let chain: Vec<&str> = failure.cause.steps.iter().map(|step| step.object.as_str()).collect();
    assert_eq!(
        (chain[0], chain[1], chain[chain.len() - 1]),
        ("release todo-app", "Job/todo-app-migrate", "Secret/todo-app-secrets")
    );
    let rules: Vec<&str> = rehearsal.explanation.iter().map(|finding| finding.rule).collect();
    assert!(rules.contains(&"hook-needs-later-object"), "{rules:?}");
}

#[test]
fn the_order_of_the_graph_lets_it_through() {
    let mut scenario = scenario("todo-app-as-written");
    scenario.request.options.order = Order::Graph;
    let rehearsal = scenario.play().unwrap();
    assert!(rehearsal.outcome.is_deployed(), "{:?}", rehearsal.outcome);
}

#[test]
fn the_corrected_chart_is_deployed() {
    let rehearsal = scenario("todo-app").play().unwrap();
    assert!(matches!(rehearsal.outcome, Outcome::Deployed { revision: 1 }), "{:?}", rehearsal.outcome);
    assert!(rehearsal.explanation.is_empty());
    let ready = |entry: &Entry| matches!(entry, Entry::Pod { pod, state, .. } if pod.starts_with("todo-backend-") && state == "Running, ready");
    assert!(rehearsal.timeline.iter().any(|moment| ready(&moment.entry)));
}

#[test]
fn a_script_decides_how_pods_behave() {
    let mut scenario = scenario("todo-app");
    let fails = Script {
        exit_after: Some(Duration::from_secs(1)),
        exit_code: 1,
        log: vec!["relation \"tasks\" already exists".to_owned()],
        ..Script::default()
    };
    scenario.scripts.by_image.insert("todo-migrate".to_owned(), fails);
    let rehearsal = scenario.play().unwrap();
    let failure = rehearsal.outcome.failure().unwrap();
    assert!(failure.cause.render().contains("relation \"tasks\" already exists"), "{}", failure.cause.render());
}

#[test]
fn the_same_seed_gives_the_same_trace_and_another_gives_other_names() {
    let first = scenario("todo-app").play().unwrap();
    let second = scenario("todo-app").play().unwrap();
    assert_eq!(trace(&first), trace(&second));
    let mut other = scenario("todo-app");
    other.seed = 8;
    let other = other.play().unwrap();
    assert_ne!(trace(&first), trace(&other), "pods are called otherwise");
    assert_eq!(first.duration, other.duration);
}
