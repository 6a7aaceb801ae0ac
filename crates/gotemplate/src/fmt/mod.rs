//! Go's `fmt`: `print`, `println` and `printf` over [`Value`]s.

mod flags;
mod float;
mod printer;
mod quote;

pub use float::{append_float, format_float};
pub use quote::{is_print, quoted, quoted_ascii, quoted_rune, unicode_name};

use crate::Value;
use printer::Printer;

/// `fmt.Sprintf`
pub fn sprintf(format: &[u8], args: &[Value]) -> Vec<u8> {
    let mut printer = Printer::new(Vec::with_capacity(format.len() + 16));
    printer.printf(format, args);
    printer.out
}

/// What `print` writes, or an error where that is more than a call may print.
pub(crate) fn checked(print: impl FnOnce(&mut Printer)) -> Result<Vec<u8>, String> {
    let mut printer = Printer::new(Vec::new());
    print(&mut printer);
    if printer.stopped { Err("too much text: the values have no end in practice".to_owned()) } else { Ok(printer.out) }
}

/// `fmt.Sprint`: spaces between operands of which neither is a string.
pub fn sprint(args: &[Value]) -> Vec<u8> {
    let mut printer = Printer::new(Vec::new());
    printer.print(args);
    printer.out
}

/// `fmt.Sprintln`: spaces between operands, and a line end.
pub fn sprintln(args: &[Value]) -> Vec<u8> {
    let mut printer = Printer::new(Vec::new());
    printer.println(args);
    printer.out
}

/// Appends one value as `%v`.
pub fn append_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Text(text) => out.extend_from_slice(text),
        _ => {
            let mut printer = Printer::new(std::mem::take(out));
            printer.print(std::slice::from_ref(value));
            *out = printer.out;
        }
    }
}
