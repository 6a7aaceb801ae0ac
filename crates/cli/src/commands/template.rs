use crate::application;
use crate::args;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::printer::Printer;

/// Prints the chart's manifests, byte for byte as `helm template` does.
pub(crate) fn run(arguments: &args::Template, printer: Printer) -> Result<Exit, Failure> {
    let application = application::load(&arguments.application)?;
    let (text, warnings) = application.template(arguments)?;
    warnings.iter().for_each(|warning| printer.warn(warning));
    printer.data(&text);
    Ok(Exit::Ok)
}
