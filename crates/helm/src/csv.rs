//! One record of comma-separated values, as Go's `encoding/csv` reads it.

/// The fields of the first record; nothing at all has none.
pub(crate) fn read_record(text: &str) -> Result<Vec<String>, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    // Empty lines before it are skipped.
    let skipped = text.len() - text.trim_start_matches(['\n']).len();
    let mut rest = &text[skipped..];
    if rest.is_empty() {
        return Err("EOF".to_owned());
    }
    let first_line = 1 + skipped;
    let mut place = Place { line: first_line, start: rest, first_line };
    let mut fields = Vec::new();
    loop {
        let Some(quoted) = rest.strip_prefix('"') else {
            let end = rest.find([',', '\n']).unwrap_or(rest.len());
            let field = rest[..end].trim_end_matches('\r');
            if let Some(at) = field.find('"') {
                return Err(place.fault(&rest[at..], "bare \" in non-quoted-field"));
            }
            fields.push(field.to_owned());
            match rest[end..].strip_prefix(',') {
                Some(behind) => rest = behind,
                None => return Ok(fields),
            }
            continue;
        };
        let mut field = String::new();
        rest = quoted;
        loop {
            let Some(at) = rest.find(['"', '\n']) else {
                // The end came before the closing quote.
                return Err(place.fault("", "extraneous or missing \" in quoted-field"));
            };
            field.push_str(&rest[..at]);
            if rest[at..].starts_with('\n') {
                field.push('\n');
                rest = &rest[at + 1..];
                place.line += 1;
                place.start = rest;
                continue;
            }
            let behind = &rest[at + 1..];
            if let Some(behind) = behind.strip_prefix('"') {
                field.push('"');
                rest = behind;
                continue;
            }
            fields.push(field);
            if let Some(behind) = behind.strip_prefix(',') {
                rest = behind;
                break;
            }
            if behind.is_empty() || behind.starts_with(['\n']) || behind.starts_with("\r\n") {
                return Ok(fields);
            }
            return Err(place.fault(&rest[at..], "extraneous or missing \" in quoted-field"));
        }
    }
}

/// Where in the text reading is.
struct Place<'a> {
    line: usize,
    /// From the beginning of that line.
    start: &'a str,
    first_line: usize,
}

impl Place<'_> {
    /// `rest` is the text from the fault on.
    fn fault(&self, rest: &str, what: &str) -> String {
        let line = self.line;
        let column = self.start.len() - rest.len() + 1;
        let record =
            if line == self.first_line { String::new() } else { format!("record on line {}; ", self.first_line) };
        format!("{record}parse error on line {line}, column {column}: {what}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_keep_commas() {
        assert_eq!(read_record("a,\"b,c\",\"d\"\"e\"").unwrap(), ["a", "b,c", "d\"e"]);
        assert_eq!(read_record("").unwrap(), Vec::<String>::new());
        assert_eq!(read_record(",").unwrap(), ["", ""]);
    }

    #[test]
    fn faults_have_a_place() {
        let fault = |text: &str| read_record(text).unwrap_err();
        assert_eq!(fault("a\"b"), "parse error on line 1, column 2: bare \" in non-quoted-field");
        assert_eq!(fault("\"a\"b"), "parse error on line 1, column 3: extraneous or missing \" in quoted-field");
        assert_eq!(fault("\n"), "EOF");
    }
}
