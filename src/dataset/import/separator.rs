//! The character between cells: as the file says, or as its rows fit.

use csv::StringRecord;

use super::options::CellSeparator;
use super::texts::{fits, is_blank, needed};

/// Rows by which a separator is chosen.
const LOOKED_AT: usize = 200;

/// The separator that the first line `sep=;` of a file of Excel names, the text below that line, and the number of
/// lines above it.
pub(super) fn told_separator(text: &str) -> (Option<CellSeparator>, &str, u64) {
    let told = text.split_once('\n').and_then(|(first, rest)| {
        let sign = first.trim_end_matches('\r').strip_prefix("sep=")?;
        Some((sign.parse().ok()?, rest))
    });
    match told {
        Some((separator, rest)) => (Some(separator), rest, 1),
        None => (None, text, 0),
    }
}

/// The separator with which the largest share of rows fits a header of several columns; among equal ones that with
/// more columns.
pub(super) fn by_content(text: &str) -> CellSeparator {
    let mut best = (CellSeparator::Comma, 0, 1);
    for separator in CellSeparator::TRIED {
        let mut reader = reader(text, separator);
        let mut records = reader.records().take(LOOKED_AT + 1).map_while(Result::ok);
        let Some(header) = records.next() else { continue };
        let needed = needed(&header);
        let rows: Vec<StringRecord> = records.filter(|record| !is_blank(record)).collect();
        let fitting = rows.iter().filter(|record| fits(record, needed, header.len())).count();
        let share = fitting * 1000 / rows.len().max(1);
        if header.len() > 1 && (best.2 == 1 || (share, header.len()) > (best.1, best.2)) {
            best = (separator, share, header.len());
        }
    }
    best.0
}

/// Splits a text at a separator; rows have any lengths, and the header is the first of them.
pub(super) fn reader(text: &str, separator: CellSeparator) -> csv::Reader<&[u8]> {
    let mut builder = csv::ReaderBuilder::new();
    builder.delimiter(separator.byte()).flexible(true).has_headers(false);
    builder.from_reader(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_separator_is_the_one_that_rows_fit() {
        for (text, separator) in [
            ("a,b\n1,2\n", CellSeparator::Comma),
            ("a;b\n1,5;2,5\n", CellSeparator::Semicolon),
            ("size, cm;b;c\n1,5;2;3\n", CellSeparator::Semicolon),
            ("a,b\n\"1;2;3\",4\n", CellSeparator::Comma),
            ("a\tb\n1,2\t3\n", CellSeparator::Tab),
            ("a|b|c\n1|2|3\n", CellSeparator::Bar),
            ("a;b;\n1;2;\n", CellSeparator::Semicolon),
            ("a;b\n1;2;\n3;4;\n", CellSeparator::Semicolon),
            ("a,b\n1,2,3\n", CellSeparator::Comma),
            ("a\n1\n", CellSeparator::Comma),
            ("", CellSeparator::Comma),
        ] {
            assert_eq!(by_content(text), separator, "{text}");
        }
        assert_eq!(told_separator("sep=;\r\na,b\n"), (Some(CellSeparator::Semicolon), "a,b\n", 1));
        assert_eq!(told_separator("sep=#\na\n"), (None, "sep=#\na\n", 0));
    }
}
