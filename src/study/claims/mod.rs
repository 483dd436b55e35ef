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
//! are against it.
//!
//! The sheet:
//!
//! ```text
//! [groups]      plain = ["a", "b"]      in a formula: the mean over them; in `for`: each of them
//! [[claim]]     name, says, published, control, data
//!               figure, expect, for     a formula and its variables
//!               where                   a formula that must be below 0 for a comparison to count
//!               undecided = "reason"    nothing can be said, and why; a formula may still show figures
//!               argued = { ruling, because, tests }
//! ```

mod page;
mod ruling;
mod sheet;

pub use page::{CLAIMS_COLUMNS, claims_csv, claims_page};
pub use ruling::{ClaimComparison, ClaimFinding, ClaimSide, ClaimsFindings, Ruling, rule};
pub use sheet::{ClaimSheet, SheetError};

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::StudyGrid;
    use super::super::formula::FigureOf;
    use super::*;

    fn shipped() -> (ClaimSheet, StudyGrid) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("studies");
        let sheet = ClaimSheet::open(&folder.join("claims.toml")).unwrap();
        (sheet, StudyGrid::open(&folder.join("paper.toml")).unwrap().0)
    }

    #[test]
    fn the_shipped_claims_are_about_names_of_the_shipped_grid() {
        let (sheet, grid) = shipped();
        let layout = grid.layout();
        let is_in = |side: &[String], name: &str| {
            let alone = [name.to_owned()];
            let members = sheet.groups.get(name).map_or(&alone[..], Vec::as_slice);
            members.iter().all(|member| side.contains(member))
        };
        for claim in &sheet.claims {
            assert!(claim.data.iter().all(|data| layout.data.contains(data)), "{}", claim.name);
            if let Some(measure) = &claim.measure {
                let figures = measure.formula.figures();
                for (choice, (figure, names)) in
                    measure.choices.iter().flat_map(|one| figures.iter().map(move |f| (one, f)))
                {
                    let given = |at: usize| choice.get(&names[at]).unwrap_or(&names[at]).as_str();
                    let about = format!("{}: {choice:?}", claim.name);
                    assert!(is_in(&layout.models, given(0)), "{about}");
                    assert!(given(1) == "none" || is_in(&layout.defenses, given(1)), "{about}");
                    match figure.of() {
                        FigureOf::Theft => assert!(is_in(&layout.attacks, given(2)), "{about}"),
                        FigureOf::Certificate => {
                            assert!(is_in(&layout.properties, given(2)), "{about}");
                        }
                        FigureOf::Answers => {}
                    }
                }
            }
        }
    }

    #[test]
    fn every_claim_of_the_paper_is_there() {
        let (sheet, _) = shipped();
        for number in 1..=31 {
            let name = format!("C{number}");
            assert!(sheet.names().any(|one| one == name), "{name}");
        }
    }

    #[test]
    fn arguments_rest_on_tests_that_are_there() {
        let sources = include_str!("../../defend/serve/tests.rs");
        let (sheet, _) = shipped();
        assert!(sheet.tests().count() > 0);
        for test in sheet.tests() {
            assert!(sources.contains(&format!("fn {test}()")), "{test}");
        }
    }
}
