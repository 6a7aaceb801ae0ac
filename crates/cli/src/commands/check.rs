use std::fmt::Write as _;

use bowline_check::Finding;
use bowline_graph::Graph;

use crate::application;
use crate::args;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::printer::Printer;

/// Renders the application, looks for mistakes and prints them. Findings make the exit code [`Exit::Pending`].
pub(crate) fn run(arguments: &args::Check, printer: Printer) -> Result<Exit, Failure> {
    let mut application = application::load(&arguments.application)?;
    let rendered = application.render()?;
    let set = rendered.request.manifests.with_argo_hooks();
    let findings = bowline_check::check(&Graph::build(&set.flattened(), &application.namespace));
    match arguments.output {
        args::Output::Json => printer.json(&findings),
        args::Output::Text => printer.data(&text(&findings)),
    }
    Ok(if findings.is_empty() { Exit::Ok } else { Exit::Pending })
}

fn text(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let _ = writeln!(text, "{finding}\n");
    }
    let _ = match findings.len() {
        0 => writeln!(text, "no findings"),
        1 => writeln!(text, "1 finding"),
        count => writeln!(text, "{count} findings"),
    };
    text
}
