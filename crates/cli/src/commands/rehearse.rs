use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use bowline_app::RehearsedPod;
use bowline_controlplane::node::{Script, Scripts};
use bowline_rehearse::{Entry, Moment, Outcome, Rehearsal, Scenario};

use crate::application;
use crate::args;
use crate::databases;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::printer::Printer;
use crate::progress;

/// Plays the first install under virtual time. Anything but a deployed release makes the exit code [`Exit::Pending`].
pub(crate) fn run(arguments: &args::Rehearse, printer: Printer) -> Result<Exit, Failure> {
    let mut application = application::load(&arguments.application)?;
    let mut request = application.render()?.request;
    request.options.timeout = arguments.carry.timeout;
    request.options.order = arguments.carry.order.into();
    request.options.schema_gate = databases::rehearsed_gate(&application.app)?;
    let scenario = Scenario { request, scripts: scripts(&application.app.rehearse), seed: arguments.seed };
    let rehearsal = scenario.play().map_err(|error| Failure::because(Exit::Failed, "rehearse the install", &error))?;
    match arguments.output {
        args::Output::Json => printer.json(&json(&application.name, &rehearsal)),
        args::Output::Text => printer.data(&text(&application.name, arguments, &rehearsal)),
    }
    Ok(if rehearsal.outcome.is_deployed() { Exit::Ok } else { Exit::Pending })
}

fn scripts(pods: &BTreeMap<String, RehearsedPod>) -> Scripts {
    let seconds = |value: f64| Duration::try_from_secs_f64(value).unwrap_or_default();
    let script = |pod: &RehearsedPod| {
        let default = Script::default();
        Script {
            ready_after: pod.ready_after.map_or(default.ready_after, seconds),
            exit_after: pod.exit_after.map(seconds),
            exit_code: pod.exit_code,
            log: pod.log.clone(),
            ..default
        }
    };
    let by_image = pods.iter().map(|(image, pod)| (image.clone(), script(pod))).collect();
    Scripts { by_image, default: Script::default() }
}

fn json(release: &str, rehearsal: &Rehearsal) -> serde_json::Value {
    let (outcome, message) = match &rehearsal.outcome {
        Outcome::Deployed { revision } => ("deployed", format!("revision {revision}")),
        Outcome::Hang(failure) => ("hang", failure.message.clone()),
        Outcome::Fail(failure) => ("fail", failure.message.clone()),
        Outcome::Refused(message) => ("refused", message.clone()),
    };
    serde_json::json!({
        "release": release,
        "outcome": outcome,
        "message": message,
        "seconds": rehearsal.duration.as_secs_f64(),
        "cause": rehearsal.outcome.failure().map(|failure| &failure.cause),
        "explanation": rehearsal.explanation,
        "timeline": rehearsal.timeline,
    })
}

fn text(release: &str, arguments: &args::Rehearse, rehearsal: &Rehearsal) -> String {
    let mut text = String::new();
    for moment in &rehearsal.timeline {
        if let Some(line) = moment_line(moment) {
            let _ = writeln!(text, "{:>9}  {line}", clock(moment.after));
        }
    }
    let _ = writeln!(text);
    let after = clock(rehearsal.duration);
    let _ = match &rehearsal.outcome {
        Outcome::Deployed { revision } => {
            writeln!(text, "{release} would be deployed as revision {revision} after {after} of virtual time")
        }
        Outcome::Hang(_) => {
            let timeout = clock(arguments.carry.timeout);
            writeln!(text, "{release} would hang until its timeout ({timeout}) and then fail:")
        }
        Outcome::Fail(_) => writeln!(text, "{release} would fail after {after}:"),
        Outcome::Refused(message) => writeln!(text, "{release} would be refused: {message}"),
    };
    if let Some(failure) = rehearsal.outcome.failure() {
        let _ = writeln!(text, "\n{}\n", failure.cause.render());
        for finding in &rehearsal.explanation {
            let _ = writeln!(text, "{finding}\n");
        }
        let later = rehearsal.explanation.iter().any(|finding| finding.rule == "hook-needs-later-object");
        if later && arguments.carry.order == args::Order::Helm {
            let path = arguments.application.path.display();
            let _ =
                writeln!(text, "hint: `bowline rehearse {path} --order graph` puts what a hook needs before the hook");
        }
    }
    text
}

fn moment_line(moment: &Moment) -> Option<String> {
    match &moment.entry {
        Entry::Engine { event } => progress::line(&event.what),
        Entry::Pod { pod, state, message } if message.is_empty() => Some(format!("Pod/{pod}: {state}")),
        Entry::Pod { pod, state, message } => Some(format!("Pod/{pod}: {state}: {message}")),
    }
}

/// `4m05.250s`, as timelines show it.
fn clock(time: Duration) -> String {
    let (minutes, seconds) = (time.as_secs() / 60, time.as_secs_f64() % 60.0);
    if minutes == 0 { format!("{seconds:.3}s") } else { format!("{minutes}m{seconds:06.3}s") }
}
