//! Inferred facts, for people.

use std::fmt;

use super::texts::printable;
use super::{InferredFeature, InferredMeta};
use crate::dataset::table::{keep_words, table};

impl fmt::Display for InferredMeta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<String> =
            self.rows.iter().map(|(part, rows)| format!("{} {rows}", part.name())).collect();
        writeln!(f, "{}: {} features; rows: {}", self.name, self.features.len(), rows.join(", "))?;
        let how = if self.renumbered { "numbered in order" } else { "as they are" };
        writeln!(f, "label `{}`, {how}:", self.label)?;
        for (class, text) in self.classes.iter().enumerate() {
            writeln!(f, "  class {class} = `{}`", printable(text))?;
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        writeln!(f, "Inferred from the training rows (edit the meta file where it is wrong):")?;
        let mut features = table(&["feature", "kind", "low", "high"], 2);
        for InferredFeature { name, kind, range } in &self.features {
            let kind = format!("{kind:?}").to_lowercase();
            features.add_row([name, &kind, &range.0, &range.1]);
        }
        keep_words(&mut features);
        writeln!(f, "{features}")?;
        for (name, direction) in &self.monotone {
            writeln!(f, "declared: `{name}` is {direction}")?;
        }
        write!(f, "{}", self.written)
    }
}
