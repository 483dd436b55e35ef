//! The contents of a data set: counted, not believed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::paper::{CLASSES, paper_set};
use super::table::{keep_words, percent, short, table};
use crate::model::{DataSet, Digest, Kind, Part, Row};

/// The contents of a data set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Description {
    /// Name of the data set.
    pub name: String,
    /// True if the rows were made, not collected.
    pub synthetic: bool,
    /// BLAKE3 of the unpacked files and of the meta file.
    pub digest: Digest,
    /// Rows of all parts.
    pub rows: usize,
    /// Rows per class.
    pub classes: Vec<usize>,
    /// The text of each class's label; empty if the meta file does not tell.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub class_names: Vec<String>,
    /// Rows that equal another row, label included, without counting the first of each.
    pub repeated_rows: usize,
    /// Pairs of distinct rows that differ in the label only.
    pub conflicting_pairs: usize,
    /// Rows whose features also occur with another label.
    pub conflicting_rows: usize,
    /// Rows with a value outside its declared range, or with a fraction where whole numbers are
    /// declared. No property is ever proved at these rows.
    pub invalid_rows: usize,
    /// The four parts.
    pub parts: Vec<PartFacts>,
    /// The features, in order.
    pub features: Vec<FeatureFacts>,
    /// The paper's name of the set with this name or shape, if there is one.
    pub paper: Option<String>,
    /// Figures in which this data and the paper differ.
    pub differences: Vec<PaperDifference>,
}

/// One part.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PartFacts {
    /// The part.
    pub part: Part,
    /// Its rows.
    pub rows: usize,
    /// Rows per class.
    pub classes: Vec<usize>,
    /// Number of its rows with an equal row (label included) in each of the four parts; within the part
    /// itself, the number of rows that repeat an earlier row.
    pub repeated_in: Vec<usize>,
}

/// One feature.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FeatureFacts {
    /// Name as in the header.
    pub name: String,
    /// Declared kind.
    pub kind: Kind,
    /// Declared range, as decimals.
    pub range: (String, String),
    /// Smallest and largest value of all rows.
    pub seen: (f64, f64),
    /// Rows with a value outside the declared range, compared exactly.
    pub outside: usize,
    /// Rows with a fraction although whole numbers are declared.
    pub fractional: usize,
    /// Declared direction of the score, if any.
    pub monotone: Option<String>,
}

/// A figure for which the paper states another value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PaperDifference {
    /// The quantity counted.
    pub what: String,
    /// The paper's value.
    pub paper: String,
    /// The value counted here.
    pub here: String,
}

/// Counts rows, repetitions, conflicts, and violations of the declarations in the meta data.
pub fn describe(data: &DataSet) -> Description {
    let meta = data.meta();
    let all: Vec<&Row> = Part::ALL.iter().flat_map(|&part| data.part(part)).collect();
    let classes = count_classes(&all, data.classes());
    let distinct: BTreeSet<Digest> = all.iter().map(|row| row.key).collect();
    let (conflicting_pairs, conflicting_rows) = conflicts(&all);
    let (features, invalid_rows) = feature_facts(data, &all);
    let mut description = Description {
        name: meta.name.clone(),
        synthetic: meta.synthetic,
        digest: data.digest(),
        rows: all.len(),
        classes,
        class_names: meta.classes.clone(),
        repeated_rows: all.len() - distinct.len(),
        conflicting_pairs,
        conflicting_rows,
        invalid_rows,
        parts: part_facts(data),
        features,
        paper: paper_set(&meta.name).map(|set| set.title.to_owned()),
        differences: Vec::new(),
    };
    description.differences = differences(&description);
    description
}

fn count_classes(rows: &[&Row], classes: usize) -> Vec<usize> {
    let count = |class| rows.iter().filter(|row| row.label == class).count();
    (0..classes).map(count).collect()
}

/// Pairs of distinct rows with equal features, and the rows that belong to such pairs.
fn conflicts(rows: &[&Row]) -> (usize, usize) {
    // A feature vector with several labels is a conflict.
    let mut labels: BTreeMap<Vec<u64>, BTreeMap<usize, usize>> = BTreeMap::new();
    for row in rows {
        let features = row.values.iter().map(|value| value.to_bits()).collect();
        *labels.entry(features).or_default().entry(row.label).or_default() += 1;
    }
    let conflicting = || labels.values().filter(|counts| counts.len() > 1);
    let pairs = conflicting().map(|counts| counts.len() * (counts.len() - 1) / 2).sum();
    (pairs, conflicting().flat_map(BTreeMap::values).sum())
}

fn part_facts(data: &DataSet) -> Vec<PartFacts> {
    let keys = Part::ALL
        .map(|part| -> BTreeSet<Digest> { data.part(part).iter().map(|row| row.key).collect() });
    let facts = |(index, part): (usize, Part)| {
        let rows = data.part(part);
        let repeats = |(other, keys): (usize, &BTreeSet<Digest>)| {
            if other == index {
                rows.len() - keys.len()
            } else {
                rows.iter().filter(|row| keys.contains(&row.key)).count()
            }
        };
        let repeated_in = keys.iter().enumerate().map(repeats).collect();
        let rows: Vec<&Row> = rows.iter().collect();
        let classes = count_classes(&rows, data.classes());
        PartFacts { part, rows: rows.len(), classes, repeated_in }
    };
    Part::ALL.into_iter().enumerate().map(facts).collect()
}

/// Facts per feature, and the number of rows that violate a declaration anywhere.
fn feature_facts(data: &DataSet, rows: &[&Row]) -> (Vec<FeatureFacts>, usize) {
    let meta = data.meta();
    let mut invalid = BTreeSet::new();
    let mut features = Vec::with_capacity(meta.features.len());
    let declared = meta.features.iter().zip(&meta.kinds).zip(&meta.ranges).enumerate();
    for (index, ((name, &kind), (low, high))) in declared {
        // A float lies in the range iff it lies between the outermost floats inside it.
        let inside = low.value().up()..=high.value().down();
        let mut seen = (f64::INFINITY, f64::NEG_INFINITY);
        let (mut outside, mut fractional) = (0, 0);
        for (position, row) in rows.iter().enumerate() {
            let Some(&value) = row.values.get(index) else { continue };
            seen = (seen.0.min(value), seen.1.max(value));
            let is_outside = !inside.contains(&value);
            let is_fractional = kind.is_whole() && value.fract() != 0.0;
            outside += usize::from(is_outside);
            fractional += usize::from(is_fractional);
            if is_outside || is_fractional {
                invalid.insert(position);
            }
        }
        let monotone = meta.monotone.get(name).or_else(|| meta.monotone.get(&index.to_string()));
        features.push(FeatureFacts {
            name: name.clone(),
            kind,
            range: (low.to_string(), high.to_string()),
            seen,
            outside,
            fractional,
            monotone: monotone.cloned(),
        });
    }
    (features, invalid.len())
}

/// Every figure of the paper's table 1 that differs here. The paper has no validation part, so its
/// training rows are compared with `train` and `validation` together.
fn differences(here: &Description) -> Vec<PaperDifference> {
    let Some(paper) = paper_set(&here.name) else { return Vec::new() };
    let size = |wanted: &[Part]| -> usize {
        here.parts.iter().filter(|facts| wanted.contains(&facts.part)).map(|facts| facts.rows).sum()
    };
    let (positive, of) = paper.positive;
    let positive_here = here.classes.get(1).copied().unwrap_or(0);
    let mut found: Vec<PaperDifference> = [
        ("rows", paper.rows, here.rows),
        ("rows of train and validation", paper.train, size(&[Part::Train, Part::Validation])),
        ("rows of test", paper.test, size(&[Part::Test])),
        ("rows of auxiliary", paper.auxiliary, size(&[Part::Auxiliary])),
        ("features", paper.features, here.features.len()),
        ("classes", CLASSES, here.classes.len()),
        ("rows of class 1", positive, positive_here),
    ]
    .into_iter()
    .filter(|(_, stated, counted)| stated != counted)
    .map(|(what, stated, counted)| difference(what, &stated.to_string(), &counted.to_string()))
    .collect();
    let shares = (percent(positive, of), percent(positive_here, here.rows));
    if shares.0 != shares.1 {
        found.push(difference("share of class 1", &shares.0, &shares.1));
    }
    if here.synthetic {
        found.push(difference("origin", "collected", "synthetic"));
    }
    found
}

fn difference(what: &str, paper: &str, here: &str) -> PaperDifference {
    PaperDifference { what: what.to_owned(), paper: paper.to_owned(), here: here.to_owned() }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.synthetic { "SYNTHETIC rows" } else { "rows" };
        writeln!(f, "{}: {} {kind}, {} features", self.name, self.rows, self.features.len())?;
        writeln!(f, "digest {}", self.digest)?;
        for (class, &count) in self.classes.iter().enumerate() {
            let name = self.class_names.get(class);
            let name = name.map(|name| format!(" (`{name:.40}`)")).unwrap_or_default();
            writeln!(f, "class {class}{name}: {count} rows, {}", percent(count, self.rows))?;
        }
        writeln!(f, "repeated rows (equal an earlier one, label too): {}", self.repeated_rows)?;
        let pairs = if self.conflicting_pairs == 1 { "pair" } else { "pairs" };
        writeln!(
            f,
            "conflicts (equal features, other label): {} {pairs}, {} rows",
            self.conflicting_pairs, self.conflicting_rows
        )?;
        writeln!(f, "rows outside what is declared: {}", self.invalid_rows)?;
        writeln!(f, "\n{}", self.parts_table())?;
        writeln!(f, "\n{}", self.features_table())?;
        match &self.paper {
            None => write!(f, "\nThe paper has no data set of this name."),
            Some(title) if self.differences.is_empty() => {
                write!(f, "\nAgrees with the paper's {title} in every figure of its table 1.")
            }
            Some(title) => {
                writeln!(f, "\nDifferences from the paper's {title}:")?;
                write!(f, "{}", self.differences_table())
            }
        }
    }
}

impl Description {
    /// Sizes, class shares, the number of rows of a part that repeat an earlier row of it, and the number
    /// that are also in another part.
    fn parts_table(&self) -> comfy_table::Table {
        let also_in = Part::ALL.map(|part| format!("also in {}", part.name()));
        let mut header = vec!["part", "rows", "share of classes", "repeated"];
        header.extend(also_in.iter().map(String::as_str));
        let mut table = table(&header, 1);
        for (own, facts) in self.parts.iter().enumerate() {
            let shares: Vec<String> =
                facts.classes.iter().map(|&count| percent(count, facts.rows)).collect();
            let mut cells =
                vec![facts.part.name().to_owned(), facts.rows.to_string(), shares.join(" ")];
            cells.extend(facts.repeated_in.get(own).map(usize::to_string));
            let others = facts.repeated_in.iter().enumerate();
            cells.extend(others.map(
                |(other, rows)| {
                    if other == own { "-".to_owned() } else { rows.to_string() }
                },
            ));
            table.add_row(cells);
        }
        keep_words(&mut table);
        table
    }

    fn features_table(&self) -> comfy_table::Table {
        let header =
            ["feature", "kind", "monotone", "declared", "found", "outside", "with fraction"];
        let mut table = table(&header, 3);
        for facts in &self.features {
            let declared = [&facts.range.0, &facts.range.1]
                .map(|text| text.parse().map_or(text.clone(), short))
                .join("..");
            table.add_row([
                facts.name.clone(),
                format!("{:?}", facts.kind).to_lowercase(),
                facts.monotone.clone().unwrap_or_default(),
                declared,
                format!("{}..{}", short(facts.seen.0), short(facts.seen.1)),
                facts.outside.to_string(),
                facts.fractional.to_string(),
            ]);
        }
        keep_words(&mut table);
        table
    }

    fn differences_table(&self) -> comfy_table::Table {
        let mut table = table(&["", "paper", "here"], 1);
        for difference in &self.differences {
            table.add_row([&difference.what, &difference.paper, &difference.here]);
        }
        table
    }
}
