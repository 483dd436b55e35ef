//! Said by the caller about a CSV that is imported.

use std::fmt;
use std::str::FromStr;

/// Facts that cannot be read off a CSV, and the treatment of columns that are no numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImportOptions {
    /// The label column, by name; where no column has that name, by number, from 1. `None`: the one called `label`.
    pub label: Option<String>,
    /// The character between cells.
    pub separator: CellSeparator,
    /// The encoding of the text; `None`: by the mark at its beginning, else UTF-8.
    pub encoding: Option<TextEncoding>,
    /// The sign before the fraction of a number.
    pub decimal: DecimalSign,
    /// The sign between groups of three digits of whole parts.
    pub thousands: ThousandsSign,
    /// Columns to leave out, by name; where no column has that name, by number, from 1.
    pub drop: Vec<String>,
    /// Codes of text columns.
    pub encode: Vec<EncodeRule>,
    /// Further words for a missing value, whatever their case.
    pub missing: Vec<String>,
    /// Missing cells.
    pub fill: FillRule,
    /// Directions of features, as they are recorded: `increasing` or `decreasing`.
    pub monotone: Vec<(String, String)>,
}

/// The character between the cells of a CSV.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CellSeparator {
    /// The one with which most rows have as many cells as the header.
    #[default]
    Auto,
    /// `,`
    Comma,
    /// `;`
    Semicolon,
    /// A tab.
    Tab,
    /// `|`
    Bar,
}

impl CellSeparator {
    /// All that are tried; of equally good ones the first.
    pub(super) const TRIED: [Self; 4] = [Self::Comma, Self::Semicolon, Self::Tab, Self::Bar];

    /// The byte; of `Auto` the comma.
    pub(super) fn byte(self) -> u8 {
        match self {
            Self::Auto | Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
            Self::Bar => b'|',
        }
    }

    /// The name in sentences.
    pub(super) fn plural(self) -> &'static str {
        match self {
            Self::Auto | Self::Comma => "commas",
            Self::Semicolon => "semicolons",
            Self::Tab => "tabs",
            Self::Bar => "bars",
        }
    }
}

impl FromStr for CellSeparator {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "," | "comma" => Ok(Self::Comma),
            ";" | "semicolon" => Ok(Self::Semicolon),
            "\t" | "\\t" | "tab" => Ok(Self::Tab),
            "|" | "bar" => Ok(Self::Bar),
            _ => Err("expected `,`, `;`, `tab`, `|` or `auto`".to_owned()),
        }
    }
}

/// The encoding of a text file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextEncoding {
    /// UTF-8, with or without a mark.
    Utf8,
    /// ISO 8859-1: every byte is the character of that number.
    Latin1,
    /// Latin-1 with further signs from 0x80 to 0x9f, as Windows writes western texts.
    Windows1252,
    /// UTF-16, in the order of bytes that its mark says, else that of its first character.
    Utf16,
}

impl TextEncoding {
    /// All, by name.
    const NAMES: [(&str, Self); 4] = [
        ("utf-8", Self::Utf8),
        ("latin-1", Self::Latin1),
        ("windows-1252", Self::Windows1252),
        ("utf-16", Self::Utf16),
    ];

    /// The name on the command line.
    pub(super) fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, own)| *own == self).map_or("", |(name, _)| name)
    }
}

impl FromStr for TextEncoding {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        by_name(&Self::NAMES, text)
    }
}

/// The sign before the fraction of a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DecimalSign {
    /// `1.5`
    #[default]
    Point,
    /// `1,5`
    Comma,
}

impl FromStr for DecimalSign {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        by_name(&[("point", Self::Point), ("comma", Self::Comma)], text)
    }
}

impl fmt::Display for DecimalSign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Comma { "comma" } else { "point" })
    }
}

/// The sign between groups of three digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ThousandsSign {
    /// `1234`
    #[default]
    None,
    /// `1,234`
    Comma,
    /// `1.234`
    Point,
    /// `1 234`, also with blanks that do not break lines.
    Space,
    /// `1'234`
    Apostrophe,
}

impl ThousandsSign {
    /// All, by name.
    pub(super) const NAMES: [(&str, Self); 5] = [
        ("none", Self::None),
        ("comma", Self::Comma),
        ("point", Self::Point),
        ("space", Self::Space),
        ("apostrophe", Self::Apostrophe),
    ];

    /// True if the character is this sign.
    pub(super) fn is(self, letter: char) -> bool {
        match self {
            Self::None => false,
            Self::Comma => letter == ',',
            Self::Point => letter == '.',
            Self::Space => matches!(letter, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}'),
            Self::Apostrophe => matches!(letter, '\'' | '\u{2019}'),
        }
    }
}

impl FromStr for ThousandsSign {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        by_name(&Self::NAMES, text)
    }
}

impl fmt::Display for ThousandsSign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::NAMES.iter().find(|(_, own)| own == self).map_or("", |(name, _)| name))
    }
}

/// Numbers for texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextCode {
    /// A column of 0 and 1 for each text, called `COLUMN_TEXT`.
    OneHot,
    /// One column with the rank of the text among all, from 0.
    Ordinal,
}

impl FromStr for TextCode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        by_name(&[("one-hot", Self::OneHot), ("ordinal", Self::Ordinal)], text)
    }
}

impl fmt::Display for TextCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::OneHot { "one-hot" } else { "ordinal" })
    }
}

/// The code of one text column, or of all that no other rule names.
#[derive(Clone, Debug, PartialEq)]
pub struct EncodeRule {
    /// The column; `None`: every column of texts but dates and identifiers.
    pub column: Option<String>,
    /// Its code.
    pub code: TextCode,
}

impl FromStr for EncodeRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (column, code) = match text.rsplit_once('=') {
            Some((column, code)) => (Some(column.to_owned()), code),
            None => (None, text),
        };
        Ok(Self { column, code: code.parse()? })
    }
}

/// Missing cells of a feature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FillRule {
    /// They are a problem.
    #[default]
    Refuse,
    /// They get the median of the column, or its most frequent text, over all rows that have one.
    Median,
}

impl FromStr for FillRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        by_name(&[("median", Self::Median), ("refuse", Self::Refuse)], text)
    }
}

/// The value of that name.
fn by_name<T: Copy>(names: &[(&str, T)], text: &str) -> Result<T, String> {
    let found = names.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
    let known = || names.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>();
    found.ok_or_else(|| format!("expected one of {}", known().join(", ")))
}
