//! Formulas over the figures of a study, and their values with intervals.
//!
//! ```text
//! study/cells.jsonl ── FigureTable ─┐
//! "f1(natural-mlp, none, a) - …" ── StudyFormula ─┴─► FormulaValues: a value per repetition, mean, 95% interval
//! ```
//!
//! The formula is computed repetition by repetition, so that runs with one seed are paired; its mean has a 95% Student-t
//! interval. Figures that have no repetitions (certificates, accuracy) are facts about the models at hand and have no
//! interval. A name may be a variable, which a choice gives a name, or a group, over whose members the mean is taken.

mod figures;
mod measured;
mod reading;

pub(super) use figures::{FigureName, FigureOf, FigureTable};
pub(super) use measured::{FormulaNames, FormulaValues};
pub(super) use reading::StudyFormula;
