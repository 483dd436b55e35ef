//! Tables in the terminal: at most 100 columns wide, the same for every terminal.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets};

use crate::text::digits::nearest;

/// Widest line, in characters.
const WIDTH: u16 = 100;

/// An empty table; columns after the first `texts` are numbers and flush right.
pub(super) fn table(header: &[&str], texts: usize) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::ASCII_MARKDOWN)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH)
        .force_no_tty()
        .set_header(header.to_vec());
    for column in table.column_iter_mut().skip(texts) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Keeps words whole: no column gets narrower than its longest word, provided all of them fit.
pub(crate) fn keep_words(table: &mut Table) {
    let longest = |text: &str| text.split([' ', '\n']).map(|word| word.chars().count()).max();
    let columns = table.column_iter().count();
    let mut widths = vec![0; columns];
    let header = table.header().into_iter();
    for row in header.chain(table.row_iter()) {
        for (width, cell) in widths.iter_mut().zip(row.cell_iter()) {
            *width = longest(&cell.content()).unwrap_or(0).max(*width);
        }
    }
    let room = table.width().unwrap_or(WIDTH);
    // the text between columns: padding, and a border or a space
    let between = table.column_iter().map(|column| usize::from(column.padding_width()) + 1);
    let needed: usize = widths.iter().sum::<usize>() + between.sum::<usize>();
    if needed > usize::from(room) {
        return;
    }
    for (column, width) in table.column_iter_mut().zip(widths) {
        let width = u16::try_from(width).unwrap_or(WIDTH) + column.padding_width();
        if column.constraint().is_none() {
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width)));
        }
    }
}

/// A value in five significant digits; whole numbers in full.
pub(super) fn short(value: f64) -> String {
    let size = value.abs();
    if value.fract() == 0.0 && size < 1e15 {
        return format!("{value}");
    }
    let rounded = nearest(value, 5);
    if (1e-4..1e15).contains(&size) { format!("{rounded}") } else { format!("{rounded:e}") }
}

/// A share of a whole in per cent, with one decimal.
pub(super) fn percent(part: usize, whole: usize) -> String {
    if whole == 0 { "-".to_owned() } else { format!("{:.1}%", part as f64 * 100.0 / whole as f64) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_short() {
        let texts = [0.0, -3.0, 1e14, 1.0 / 3.0, 7.691666666666666, 1.5e-9].map(short);
        assert_eq!(texts, ["0", "-3", "100000000000000", "0.33333", "7.6917", "1.5e-9"]);
    }

    #[test]
    fn tables_stay_within_the_width() {
        let mut table = table(&["a", "b"], 1);
        table.add_row([&"long word ".repeat(40), "1"]);
        assert!(table.lines().all(|line| line.chars().count() <= usize::from(WIDTH)));
    }
}
