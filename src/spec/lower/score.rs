//! What can be said of a plain score, which has neither labels nor a posterior.

use crate::model::Model;

use super::super::{On, Property, Spec};
use super::LowerError;

/// Refuses claims about labels or posteriors of a model without classes: with a single class, which
/// always wins, they would hold emptily.
pub(super) fn expect_claim_about_score(spec: &Spec, model: &Model) -> Result<(), LowerError> {
    if !model.is_plain_score() || is_about_score(&spec.property) {
        return Ok(());
    }
    let on = match &spec.property {
        Property::SmallNeighborhood { .. } | Property::Stability { .. } => {
            " with `on = \"posterior\"`"
        }
        _ => "",
    };
    Err(LowerError::Meaningless {
        what: format!("property `{}`{on} of a plain score", spec.property.name()),
        why: "the model has no classes; what can be decided is `monotonicity`, and `small-neighborhood` and \
         `stability` with `on = \"score\"`",
    })
}

/// Exhaustive, so that a new property has to say what it is about.
fn is_about_score(property: &Property) -> bool {
    match property {
        Property::Monotonicity { .. } => true,
        Property::SmallNeighborhood { on, .. } | Property::Stability { on, .. } => *on == On::Score,
        Property::Label { .. }
        | Property::LocalInvariance { .. }
        | Property::LocalInvarianceT { .. }
        | Property::Lipschitzness { .. }
        | Property::LipschitznessT { .. }
        | Property::BoundaryFuzz { .. }
        | Property::OutputRegion { .. }
        | Property::HighConfidence { .. }
        | Property::Redundancy { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Claim, Lowered};
    use crate::model::{Digest, Model, Row};
    use crate::spec::Spec;

    const SCORE: &str = r#"{"format":"model/1","family":"ensemble","precision":"f32","tie":"lower",
        "classes":1,"features":[{"name":"x","kind":"real","low":"0","high":"1"}],"base":[0.5],
        "trees":[]}"#;

    fn lowered(spec: &str, check: impl Fn(Lowered<'_>)) {
        let model = Model::read(SCORE.as_bytes()).unwrap();
        let spec = Spec::read(spec.as_bytes()).unwrap_or_else(|error| panic!("{spec}: {error}"));
        // a target is no class, and no claim about a score looks at it
        let rows = [Row { values: vec![0.25], label: 7, key: Digest::of(b"") }];
        check(Lowered::new(&spec, &model, None, &rows).unwrap());
    }

    #[test]
    fn claims_about_the_score_are_made() {
        let made = |spec: &str, is_expected: fn(&Claim) -> bool| {
            lowered(spec, |lowered| {
                let claim = lowered.obligation(0).unwrap().claim;
                assert!(is_expected(&claim), "{spec}: {claim:?}");
            });
        };
        let near = "property = 'small-neighborhood'\nepsilon = '0.1'\nconstant = '5'\non = 'score'";
        made(near, |claim| matches!(claim, Claim::Near { .. }));
        let stable = "property = 'stability'\nfeatures = ['x']\nbound = '1'";
        made(stable, |claim| matches!(claim, Claim::Stable { .. }));
        let monotone = "property = 'monotonicity'\nfeatures = ['x']\ndirection = 'increasing'";
        made(monotone, |claim| matches!(claim, Claim::Monotone { class: 1, .. }));
        made(&format!("{monotone}\nscope = 'local'\nepsilon = '0.1'"), |claim| {
            matches!(claim, Claim::Monotone { class: 1, .. })
        });
    }

    #[test]
    fn one_class_fits_an_ensemble_with_one_sum_only() {
        let read = |text: String| Model::read(text.as_bytes()).map_err(|error| error.to_string());
        assert!(read(SCORE.to_owned()).unwrap().is_plain_score());
        for (from, to) in
            [("[0.5]", "[0.5,0.5]"), ("[0.5]", "[]"), ("\"classes\":1", "\"classes\":0")]
        {
            let refusal = read(SCORE.replace(from, to)).unwrap_err();
            assert!(refusal.contains("classes"), "{to}: {refusal}");
        }
        let network = r#"{"format":"model/1","family":"mlp","precision":"f32","tie":"lower",
            "classes":1,"features":[{"name":"x","kind":"real"}],
            "layers":[{"weights":[[1.0]],"bias":[0.0]}]}"#;
        assert!(read(network.to_owned()).unwrap_err().contains("classes"));
    }
}
