//! Tables as Helm prints them: columns padded to their widest cell, tabs between.

/// Cells wider than this are cut; 0 for no limit.
pub(crate) fn table(rows: &[Vec<String>], widest: usize) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            let width = cells.map(|cell| cell.split('\n').map(text_width).max().unwrap_or(0)).max().unwrap_or(0);
            if widest > 0 { width.min(widest) } else { width }
        })
        .collect();
    let lines: Vec<String> = rows.iter().map(|row| line(row, &widths)).collect();
    lines.join("\n")
}

/// A row, in as many lines as its highest cell.
fn line(row: &[String], widths: &[usize]) -> String {
    let cells: Vec<Vec<String>> = row
        .iter()
        .zip(widths)
        .map(|(cell, width)| resized(cell, *width).split('\n').map(str::to_owned).collect())
        .collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or(0);
    let lines: Vec<String> = (0..height)
        .map(|at| {
            let parts = cells.iter().zip(widths).map(|(cell, width)| match cell.get(at) {
                Some(text) => resized(text, *width),
                None => " ".repeat(*width),
            });
            parts.collect::<Vec<_>>().join("\t")
        })
        .collect();
    lines.join("\n")
}

fn resized(text: &str, width: usize) -> String {
    let has = text_width(text);
    if width == 0 || has == width {
        return text.to_owned();
    }
    if has < width {
        return format!("{text}{}", " ".repeat(width - has));
    }
    let (mut cut, mut used) = (String::new(), 0);
    for c in text.chars() {
        cut.push(c);
        if used + char_width(c) + 3 >= width {
            break;
        }
        used += char_width(c);
    }
    cut + "..."
}

fn text_width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// Columns of a terminal that a character takes: none for control and combining characters, two for East Asian ones.
fn char_width(c: char) -> usize {
    match u32::from(c) {
        0..0x20 | 0x7f..0xa0 | 0x300..0x370 | 0x200b..0x2010 | 0xfe00..0xfe10 => 0,
        0x1100..0x1160 | 0x2e80..0x303f | 0x3041..0xa4d0 | 0xac00..0xd7a4 | 0xf900..0xfb00 | 0xfe30..0xfe70 => 2,
        0xff00..0xff61 | 0xffe0..0xffe7 | 0x1f300..0x1f650 | 0x1f900..0x1fa00 | 0x20000..0x3fffe => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_they_have_to_be() {
        let rows = [["NAME", "URL"], ["a", "http://x"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(&rows, 0), "NAME\tURL     \na   \thttp://x");
        assert_eq!(table(&rows, 6), "NAME\tURL   \na   \thtt...");
    }
}
