//! Claims about a study: sentences such as "models with a property are stolen at higher agreement", each with the
//! formula that would show it, and a ruling.
//!
//! ```text
//! claims.toml ─ ClaimSheet ─┐
//! study/cells.jsonl ────────┴─► comparisons: a formula with its interval ─► ruling per claim ─► claims.md, claims.csv
//! ```
//!
//! A claim is about many comparisons: one per data set and per choice of its variables. The formula of a comparison is
//! computed repetition by repetition, so that runs with one seed are paired; its mean has a 95% Student-t interval.
//! Figures that have no repetitions (certificates, accuracy) are facts about the models at hand and have no interval.
//!
//! | expected | a comparison is for the claim | against it |
//! |---|---|---|
//! | `positive` | its interval lies above 0 | at or below 0 |
//! | `negative` | below 0 | at or above 0 |
//! | `within X` | between −X and X | beyond one of them |
//! | `some-positive` | above 0 | at or below 0 |
//!
//! All others are open. A claim is *supported* if two thirds of its comparisons are for it, *not supported* if so
//! many cannot be for it even if all open ones were, and cannot be decided in between. `some-positive` says that there
//! is such a case: supported if there are more than chance explains (binomial with 0.025 each, at 1%), not supported if all
//! are against it. The rule was fixed before the first study was run through it.
//!
//! The sheet:
//!
//! ```text
//! [groups]      plain = ["a", "b"]      in a formula: the mean over them; in `for`: each of them
//! [[claim]]     name, says, published, control, data
//!               figure, expect, for     a formula and its variables
//!               undecided = "reason"    nothing can be said, and why; a formula may still show figures
//!               argued = { ruling, because, tests }
//! ```

mod figures;
mod formula;
mod page;
mod ruling;
mod sheet;

pub use page::{CLAIMS_COLUMNS, claims_csv, claims_page};
pub use ruling::{ClaimFinding, ClaimsFindings, Comparison, Ruling, Side, rule};
pub use sheet::{ClaimSheet, SheetError};
