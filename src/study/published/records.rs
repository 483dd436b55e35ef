//! The printed numbers of a table, a line each.

use std::collections::BTreeMap;

/// Reasons why a file holds no printed numbers. Lines count from 1.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// The file is not a CSV.
    #[error(transparent)]
    Csv(#[from] csv::Error),
    /// A column that is needed.
    #[error(
        "line 1: there is no column `{column}`; expected `data`, `published` and the variables of the formula"
    )]
    NoColumn {
        /// Its name.
        column: &'static str,
    },
    /// A column that the formula does not use.
    #[error(
        "line 1: the formula does not use the column `{column:.80}`; expected its names, `data`, `published`, `remark`, `without`"
    )]
    Unused {
        /// Its name.
        column: String,
    },
    /// A cell that is no number.
    #[error("line {line}: `published` is {found:.80?}; expected a finite number")]
    Number {
        /// The line.
        line: u64,
        /// The text.
        found: String,
    },
    /// A line about the cell of another one.
    #[error("line {line}: the same cell as line {first}; expected each once")]
    Twice {
        /// The line.
        line: u64,
        /// The earlier line.
        first: u64,
    },
    /// A column that stands twice.
    #[error("line 1: the column `{column:.80}` stands twice")]
    Column {
        /// Its name.
        column: String,
    },
    /// No line but the header.
    #[error("there is no record; expected a line per printed number")]
    Nothing,
    /// A cell without a name.
    #[error("line {line}: `{column:.80}` is empty; expected a name")]
    Empty {
        /// The line.
        line: u64,
        /// The column.
        column: String,
    },
}

/// A number as it was printed: how much of it is known stands in its last digit.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PrintedNumber {
    pub(super) text: String,
    pub(super) value: f64,
}

impl PrintedNumber {
    fn read(text: &str) -> Option<Self> {
        let value: f64 = text.parse().ok()?;
        value.is_finite().then(|| Self { text: text.to_owned(), value })
    }

    /// Half a unit of the last digit.
    pub(super) fn half_unit(&self) -> f64 {
        let decimals = self.text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        0.5 * 10f64.powi(-i32::try_from(decimals).unwrap_or(i32::MAX))
    }
}

/// A printed number, with the cells that it is about.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PublishedRecord {
    pub(super) data: String,
    /// The name that each variable stands for.
    pub(super) choice: BTreeMap<String, String>,
    /// As printed, or as read where the remark says so.
    pub(super) published: PrintedNumber,
    pub(super) remark: Option<String>,
    /// Reason why there is no such figure here.
    pub(super) without: Option<String>,
}

/// Reads the records of a formula that uses the given names.
pub(super) fn read(bytes: &[u8], names: &[String]) -> Result<Vec<PublishedRecord>, RecordsError> {
    const OWN: [&str; 4] = ["data", "published", "remark", "without"];
    let mut reader = csv::Reader::from_reader(bytes);
    let header = reader.headers()?.clone();
    let doubled = |at: usize| header.iter().take(at).any(|one| Some(one) == header.get(at));
    if let Some(column) = (0..header.len()).find(|at| doubled(*at)).and_then(|at| header.get(at)) {
        return Err(RecordsError::Column { column: column.to_owned() });
    }
    let place = |column: &str| header.iter().position(|one| one == column);
    let needed = |column: &'static str| place(column).ok_or(RecordsError::NoColumn { column });
    let (data, published) = (needed("data")?, needed("published")?);
    let variables: Vec<(usize, &str)> =
        header.iter().enumerate().filter(|(_, name)| !OWN.contains(name)).collect();
    if let Some((_, column)) =
        variables.iter().find(|(_, column)| !names.iter().any(|name| name == column))
    {
        return Err(RecordsError::Unused { column: (*column).to_owned() });
    }
    let optional = |record: &csv::StringRecord, column: &str| {
        let text = place(column).and_then(|at| record.get(at)).unwrap_or_default();
        (!text.is_empty()).then(|| text.to_owned())
    };
    let (mut records, mut seen) = (Vec::new(), BTreeMap::new());
    for record in reader.records() {
        let record = record?;
        let line = record.position().map_or(0, csv::Position::line);
        let name = |at: usize, column: &str| match record.get(at).unwrap_or_default() {
            "" => Err(RecordsError::Empty { line, column: column.to_owned() }),
            name => Ok(name.to_owned()),
        };
        let text = record.get(published).unwrap_or_default();
        let choice =
            variables.iter().map(|&(at, column)| Ok((column.to_owned(), name(at, column)?)));
        let refused = || RecordsError::Number { line, found: text.to_owned() };
        let (data, choice) = (name(data, "data")?, choice.collect::<Result<_, RecordsError>>()?);
        if let Some(first) = seen.insert((data.clone(), BTreeMap::clone(&choice)), line) {
            return Err(RecordsError::Twice { line, first });
        }
        records.push(PublishedRecord {
            data,
            choice,
            published: PrintedNumber::read(text).ok_or_else(refused)?,
            remark: optional(&record, "remark"),
            without: optional(&record, "without"),
        });
    }
    if records.is_empty() { Err(RecordsError::Nothing) } else { Ok(records) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Vec<PublishedRecord>, String> {
        let names = ["target".to_owned(), "none".to_owned()];
        read(text.as_bytes(), &names).map_err(|error| error.to_string())
    }

    #[test]
    fn each_line_is_a_number_with_its_names() {
        let found = read_text("data,target,published,remark\nd,m,1.5,\nd,n,-2,odd\n").unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].published.value, found[0].remark.as_deref()), (1.5, None));
        assert_eq!([0, 1].map(|at: usize| found[at].published.half_unit()), [0.05, 0.5]);
        assert_eq!((found[1].choice["target"].as_str(), found[1].published.value), ("n", -2.0));
        assert_eq!(found[1].remark.as_deref(), Some("odd"));
        assert_eq!(found[1].without, None);
    }

    #[test]
    fn faults_are_told_with_their_line() {
        for (text, fact) in [
            ("data,target\nd,m\n", "no column `published`"),
            ("target,published\nm,1\n", "no column `data`"),
            ("data,published,tarqet\nd,1,m\n", "does not use the column `tarqet`"),
            ("data,published\nd,1\ne,one\n", "line 3: `published` is \"one\""),
            ("data,published\nd,nan\n", "line 2: `published` is \"nan\""),
            ("data,published\nd,1e999\n", "line 2"),
            ("data,published\n,1\n", "line 2: `data` is empty"),
            ("data,published,target\nd,1,\n", "line 2: `target` is empty"),
            ("data,published\nd,1,2\n", "line: 2"),
            ("data,published\nd\u{0},\"1\n", "published"),
            ("", "no column `data`"),
            ("data,published\n", "there is no record"),
            ("data,target,published\nd,m,1\nd,n,1\nd,m,2\n", "line 4: the same cell as line 2"),
            ("data,published,data\nd,1,d\n", "the column `data` stands twice"),
        ] {
            let message = read_text(text).unwrap_err();
            assert!(message.contains(fact), "{text}\n{message}");
        }
    }
}
