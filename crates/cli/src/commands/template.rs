use crate::application;
use crate::args;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::printer::Printer;

/// Prints the chart's manifests, byte for byte as `helm template` does.
pub(crate) fn run(arguments: &args::Template, printer: Printer) -> Result<Exit, Failure> {
    let application = application::load(&arguments.application)?;
    let text = application.template(arguments)?;
    text.warnings.iter().for_each(|warning| printer.warn(warning));
    printer.rendered(&text);
    // The process ends now: to give back a large chart's memory piece by piece would be a good part of its time.
    std::mem::forget((application, text));
    Ok(Exit::Ok)
}
