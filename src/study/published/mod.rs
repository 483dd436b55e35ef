//! Published tables beside the figures of a study: each printed number next to the same figure measured here.
//!
//! ```text
//! published.toml ─ PublishedSheet ─┐   records: a CSV per table, a line per printed number
//! study/cells.jsonl ───────────────┴─► a formula per number, with its interval ─► beside.md, beside.csv
//! ```
//!
//! The sheet:
//!
//! ```text
//! source                the work whose tables they are
//! [groups]              name = ["a", "b"]: in a formula the mean over them
//! [[table]]             name, says, note
//!                       figure     a formula; a name that is a column of the records is what the line has there
//!                       across     the column whose values stand beside each other on the page
//!                       end        `at-least` or `at-most`: the figure is an end of what is proved, rounded outward
//!                       records    a CSV with the columns `data`, `published`, the variables, and if need be
//!                                  `remark` (of the print) and `without` (a reason why there is no such figure here)
//! ```
//!
//! Nothing is ruled on: two numbers differ, and the interval says by how much chance may make them.

mod agreement;
mod compared;
mod page;
mod records;
mod sheet;

pub use compared::{ComparedStudy, PublishedFinding, compare};
pub use page::{BESIDE_COLUMNS, beside_csv, beside_page};
pub use records::RecordsError;
pub use sheet::{PublishedError, PublishedSheet, RoundedEnd};

#[cfg(test)]
mod tests;
