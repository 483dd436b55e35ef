//! The arguments of `propcert data import`.

use std::path::PathBuf;

use crate::dataset::{
    CellSeparator, DecimalSign, EncodeRule, FillRule, ImportOptions, TextEncoding, ThousandsSign,
};

use super::output::Force;

/// A CSV, what is said about it, and the place of the data set.
#[derive(Debug, clap::Args)]
pub(crate) struct ImportArguments {
    /// The CSV, packed (`.gz`) or not.
    pub(super) file: PathBuf,
    /// The label column, by name or, where none has that name, by number from 1 [default: `label`].
    #[arg(long, value_name = "COL")]
    label: Option<String>,
    /// The character between cells: `,`, `;`, `tab`, `|`, or `auto`, the one that the rows fit.
    #[arg(long, default_value = "auto")]
    separator: CellSeparator,
    /// The sign before fractions: `point` or `comma`.
    #[arg(long, default_value = "point")]
    decimal: DecimalSign,
    /// The sign between groups of three digits: `none`, `comma`, `point`, `space` or `apostrophe`.
    #[arg(long, default_value = "none")]
    thousands: ThousandsSign,
    /// The encoding: `utf-8`, `latin-1`, `windows-1252` or `utf-16` [default: by the mark at the beginning, else
    /// UTF-8].
    #[arg(long)]
    encoding: Option<TextEncoding>,
    /// Leave a column out, by name or, where none has that name, by number from 1 (may be repeated).
    #[arg(long, value_name = "COL")]
    drop: Vec<String>,
    /// Make numbers of texts: `one-hot` or `ordinal` for every column of texts but dates and identifiers, or
    /// `COL=one-hot`, `COL=ordinal` (may be repeated).
    #[arg(long, value_name = "[COL=]CODE")]
    encode: Vec<EncodeRule>,
    /// A further word for a missing value, beside `NA`, `NaN`, `null`, `?` and their like (may be repeated).
    #[arg(long, value_name = "WORD", allow_hyphen_values = true)]
    missing: Vec<String>,
    /// Missing cells: `refuse`, or `median` for the median of the column (of texts, the most frequent).
    #[arg(long, default_value = "refuse")]
    fill: FillRule,
    /// Declare a direction of a feature: `COL=increasing` or `COL=decreasing` (may be repeated).
    #[arg(long, value_name = "COL=DIRECTION", value_parser = direction)]
    monotone: Vec<(String, String)>,
    /// Where the CSV goes; its meta data goes beside it. - is standard output, without the meta data.
    #[arg(long)]
    pub(super) out: PathBuf,
    #[command(flatten)]
    pub(super) force: Force,
    /// As JSON.
    #[arg(long)]
    pub(super) json: bool,
}

impl ImportArguments {
    /// Everything said about the CSV.
    pub(super) fn options(&self) -> ImportOptions {
        ImportOptions {
            label: self.label.clone(),
            separator: self.separator,
            encoding: self.encoding,
            decimal: self.decimal,
            thousands: self.thousands,
            drop: self.drop.clone(),
            encode: self.encode.clone(),
            missing: self.missing.clone(),
            fill: self.fill,
            monotone: self.monotone.clone(),
        }
    }
}

/// A feature and its direction; the import checks both.
fn direction(text: &str) -> Result<(String, String), String> {
    let (name, direction) = text
        .rsplit_once('=')
        .ok_or("expected `COL=increasing` or `COL=decreasing`, for instance `calls=increasing`")?;
    Ok((name.trim().to_owned(), direction.trim().to_owned()))
}
