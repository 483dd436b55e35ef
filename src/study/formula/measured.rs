//! The value of a formula on one data set.

use std::collections::BTreeMap;

use crate::report::Estimate;

use super::figures::{FigureName, FigureOf, FigureTable};
use super::reading::StudyFormula;

/// Meanings of the names of a formula that are not names of the study.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct FormulaNames<'n> {
    /// Names that stand for several.
    pub(in super::super) groups: &'n BTreeMap<String, Vec<String>>,
    /// The name that each variable stands for.
    pub(in super::super) choice: &'n BTreeMap<String, String>,
}

/// A formula's values on one data set.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct FormulaValues {
    /// The value of each repetition that has one, by its number; one value for figures without repetitions.
    pub(in super::super) values: BTreeMap<u64, f64>,
    /// Mean and spread; `None` without values.
    pub(in super::super) estimate: Option<Estimate>,
    /// The 95% interval of the mean; `None` for figures without repetitions, and for one repetition.
    pub(in super::super) interval: Option<[f64; 2]>,
    /// True if a figure of the formula has repetitions.
    pub(in super::super) is_repeated: bool,
    /// Reason why a repetition has no value.
    pub(in super::super) missing: Option<String>,
}

impl FormulaValues {
    /// Computes a formula on a data set, by its number.
    pub(in super::super) fn of(
        formula: &StudyFormula,
        names: FormulaNames,
        data: usize,
        table: &FigureTable,
    ) -> Self {
        let is_repeated =
            formula.figures().iter().any(|(figure, _)| figure.of() == FigureOf::Theft);
        let repetitions = if is_repeated { table.header.layout.repetitions } else { 1 };
        let mut values = BTreeMap::new();
        let mut missing = None;
        for repetition in 0..repetitions {
            match Self::once(formula, names, data, table, repetition) {
                Ok(value) => {
                    values.insert(repetition, value);
                }
                Err(reason) => missing = Some(reason),
            }
        }
        let all: Vec<f64> = values.values().copied().collect();
        let estimate = Estimate::from_repetitions(&all).ok();
        let interval = estimate.filter(|_| is_repeated).and_then(|estimate| estimate.interval());
        Self { values, estimate, interval, is_repeated, missing }
    }

    /// Nothing, for a reason.
    pub(in super::super) fn missing(reason: String) -> Self {
        Self {
            values: BTreeMap::new(),
            estimate: None,
            interval: None,
            is_repeated: false,
            missing: Some(reason),
        }
    }

    /// The value of one repetition.
    ///
    /// # Errors
    /// The reason why a figure is not there.
    pub(in super::super) fn once(
        formula: &StudyFormula,
        names: FormulaNames,
        data: usize,
        table: &FigureTable,
        repetition: u64,
    ) -> Result<f64, String> {
        let mut value = |figure: FigureName, given: &[String]| {
            names.mean(given, &|cell| table.get(figure, data, cell, repetition))
        };
        formula.value(&mut value)
    }
}

impl FormulaNames<'_> {
    /// The mean of a figure over the groups among its names.
    fn mean(
        self,
        names: &[String],
        get: &dyn Fn(&[String]) -> Result<f64, String>,
    ) -> Result<f64, String> {
        let mut cells: Vec<Vec<String>> = vec![Vec::new()];
        for name in names {
            let name = self.choice.get(name).unwrap_or(name);
            let alone = std::slice::from_ref(name);
            let members = self.groups.get(name).map_or(alone, Vec::as_slice);
            let longer = |cell: &Vec<String>| -> Vec<Vec<String>> {
                members
                    .iter()
                    .map(|member| [cell.as_slice(), std::slice::from_ref(member)].concat())
                    .collect()
            };
            cells = cells.iter().flat_map(longer).collect();
        }
        let values: Vec<f64> = cells.iter().map(|cell| get(cell)).collect::<Result<_, _>>()?;
        match values.len() {
            0 => Err("a group has no members".to_owned()),
            count => Ok(values.iter().sum::<f64>() / count as f64),
        }
    }
}
