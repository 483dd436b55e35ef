//! The first line of a CSV is its header; what else may stand there, and quotes that swallow the rest, are named.

use csv::StringRecord;

use super::options::CellSeparator;
use super::separator::{by_content, reader};
use super::texts::{GivenRow, is_blank, printable};

/// The line on which a quote opens that nothing closes.
pub(super) fn open_quote(text: &str, separator: CellSeparator) -> Option<u64> {
    let (mut line, mut opened, mut is_start) = (1, None, true);
    for byte in text.bytes() {
        match (byte, opened) {
            // a doubled quote inside closes and opens again
            (b'"', Some(_)) => (opened, is_start) = (None, true),
            (b'"', None) if is_start => opened = Some(line),
            (_, Some(_)) => {}
            (_, None) => is_start = byte == separator.byte() || byte == b'\n' || byte == b'\r',
        }
        line += u64::from(byte == b'\n');
    }
    opened
}

/// The fault of a first line that is no header; `text` begins with it.
pub(super) fn fault_of(header: &GivenRow, rows: &[GivenRow], text: &str) -> Option<String> {
    let names: Vec<&str> = header.names().collect();
    let first = names.first().map(|name| printable(name)).unwrap_or_default();
    let width = rows.iter().map(GivenRow::width).find(|&width| width > 1);
    let is_comment = first.starts_with('#') && (names.len() == 1 || width != Some(names.len()));
    if is_comment || names.len() == 1 && is_above_a_table(text) {
        let what = if is_comment { "a comment" } else { "a line of its own" };
        return Some(format!(
            "found `{first}`, {what}, expected the names of the columns; remove what stands above them"
        ));
    }
    let numbers: Vec<&str> = names.iter().copied().filter(|name| is_number(name)).collect();
    (numbers.len() * 2 >= names.len() && !numbers.is_empty() && !are_names(&numbers)).then(|| {
        let shown: Vec<String> = numbers.iter().take(3).map(|text| format!("`{text}`")).collect();
        format!(
            "found {} where names are expected: the file has no header; put a line with a name for each column \
             above the rows",
            shown.join(", ")
        )
    })
}

fn is_number(name: &str) -> bool {
    name.replacen(',', ".", 1).parse::<f64>().is_ok_and(f64::is_finite)
}

/// True for whole numbers that grow, as years and positions do.
fn are_names(numbers: &[&str]) -> bool {
    let whole: Option<Vec<u64>> = numbers.iter().map(|text| text.parse().ok()).collect();
    whole.is_some_and(|whole| whole.windows(2).all(|pair| pair[0] < pair[1]))
}

/// True if the line is followed by rows of several cells, each of as many.
fn is_above_a_table(text: &str) -> bool {
    let Some((_, below)) = text.trim_start().split_once('\n') else { return false };
    let mut reader = reader(below, by_content(below));
    let records = reader.records().map_while(Result::ok).filter(|record| !is_blank(record));
    let widths: Vec<usize> = records.take(3).map(|record: StringRecord| record.len()).collect();
    widths.len() > 1 && widths.iter().all(|&width| width > 1 && width == widths[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_quotes_are_found_by_line() {
        let comma = CellSeparator::Comma;
        for text in ["a,b\n\"1\"\"2\",3\n", "a,b\n1\",2\n", "", "\"a\nb\",c\n", "a,\"\"\n1,2\n"] {
            assert_eq!(open_quote(text, comma), None, "{text}");
        }
        assert_eq!(open_quote("a,b\n1,2\n3,\"4\n5,6\n", comma), Some(3));
        assert_eq!(open_quote("a;\"b\n1;2\n", CellSeparator::Semicolon), Some(1));
        assert_eq!(open_quote("a;\"b\n1;2\n", comma), None);
    }

    #[test]
    fn numbers_that_grow_are_names() {
        assert!(are_names(&["2019", "2021"]) && are_names(&["0", "1", "2"]));
        assert!(!are_names(&["5.1", "6"]) && !are_names(&["1", "1"]) && !are_names(&["-1", "2"]));
    }
}
