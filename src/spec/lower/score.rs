//! Claims that can be made about a plain score, which has neither labels nor a posterior.

use crate::model::{Family, Link};

use super::super::On;
use super::super::property::AnswerKind;
use super::{LowerError, Setting, meaningless, unsupported};

/// Refuses claims about labels or posteriors of a model without classes: its single class always wins, so they
/// would hold emptily. For a network, only claims about its output are made: the rules for the others compare
/// one output with another.
pub(super) fn expect_claim_about_score(setting: &Setting) -> Result<(), LowerError> {
    let profile = setting.spec.property.profile();
    let is_network = matches!(setting.model.family, Family::Mlp(_));
    let answers = profile.answers(setting.model.classes);
    let decided = if is_network { AnswerKind::Outputs } else { AnswerKind::Scores };
    if !setting.model.is_plain_score() || answers == decided {
        return Ok(());
    }
    let on = match profile.on {
        Some(On::Posterior) => "with `on = \"posterior\"` of a plain score",
        Some(On::Score) | None => "of a plain score",
    };
    let what = setting.property(on);
    if is_network && answers == AnswerKind::Scores {
        let why = "of a network with one output `output-region` is; `import onnx --classes 2` makes the \
                   output the logit of class 1, beside a logit 0, whose changes are those of the output";
        return Err(unsupported(what, why));
    }
    let why = match is_network {
        true => "the model has no classes; what can be decided of a network is `output-region`",
        false => {
            "the model has no classes; what can be decided is `monotonicity`, and \
             `small-neighborhood` and `stability` with `on = \"score\"`"
        }
    };
    Err(meaningless(what, why))
}

/// Refuses claims about posteriors of scores that have none.
pub(super) fn expect_posterior(setting: &Setting, is_defended: bool) -> Result<(), LowerError> {
    let model = setting.model;
    let answers = setting.spec.property.profile().answers(model.classes);
    let is_needed = is_defended || answers == AnswerKind::Posteriors;
    if model.link == Link::Softmax || model.is_plain_score() || !is_needed {
        return Ok(());
    }
    let what = match is_defended {
        true => "a defended posterior of this model".to_owned(),
        false => setting.property("of this model"),
    };
    let why = "its link is `none`: the scores (votes of a forest, say) order the classes and have no \
               posterior; what can be decided is `label`, with two classes `monotonicity`, \
               `small-neighborhood` and `stability` with `on = \"score\"`, of networks `output-region`";
    Err(meaningless(what, why))
}

#[cfg(test)]
mod tests {
    use super::super::{Aim, Bonds, Claim, Lowered, Pair};
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
        made(near, |claim| matches!(claim.pair(), Some(Pair { bonds: Bonds::Within { .. }, .. })));
        let stable = "property = 'stability'\nfeatures = ['x']\nbound = '1'";
        made(stable, |claim| matches!(claim.pair(), Some(Pair { bonds: Bonds::Moved(_), .. })));
        let monotone = "property = 'monotonicity'\nfeatures = ['x']\ndirection = 'increasing'";
        let is_of_score = |claim: &Claim| {
            matches!(claim.pair(), Some(Pair { aim: Aim::Order { class: 1, .. }, .. }))
        };
        made(monotone, is_of_score);
        made(&format!("{monotone}\nscope = 'local'\nepsilon = '0.1'"), is_of_score);
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
        assert!(read(NETWORK.to_owned()).unwrap().is_plain_score());
        for (from, to) in [
            ("[[1.0]],\"bias\":[0.5]", "[[1.0],[2.0]],\"bias\":[0.5,0.0]"),
            ("\"classes\":1", "\"classes\":0"),
            ("\"classes\":1", "\"classes\":2"),
        ] {
            let refusal = read(NETWORK.replace(from, to)).unwrap_err();
            assert!(refusal.contains("classes"), "{to}: {refusal}");
        }
    }

    /// `x + ½`.
    const NETWORK: &str = r#"{"format":"model/1","family":"mlp","precision":"f32","tie":"lower",
        "classes":1,"features":[{"name":"x","kind":"real","low":"0","high":"1"}],
        "layers":[{"weights":[[1.0]],"bias":[0.5]}]}"#;

    /// With one class every label wins and every posterior is 1: no such claim is made.
    #[test]
    fn of_a_network_with_one_output_nothing_is_claimed_but_its_output() {
        let model = Model::read(NETWORK.as_bytes()).unwrap();
        let rows = [Row { values: vec![0.25], label: 0, key: Digest::of(b"") }];
        let lowered = |text: &str| {
            let spec =
                Spec::read(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
            Lowered::new(&spec, &model, None, &rows).map(|_| ()).map_err(|error| error.to_string())
        };
        let confident = "confidence = '0.9'\ncutoff = '0.5'";
        for (property, keys) in [
            ("label", "epsilon = '0.1'"),
            ("local-invariance", "epsilon = '0.1'\ndelta = '0.5'"),
            ("local-invariance-t", "epsilon-1 = '1'\nepsilon-2 = '0.1'"),
            ("lipschitzness", "epsilon = '0.1'\nconstant = '1'"),
            ("lipschitzness-t", "constant = '1'"),
            ("small-neighborhood", "epsilon = '0.1'\nconstant = '1'"),
            ("small-neighborhood", "epsilon = '0.1'\nconstant = '9'\non = 'score'"),
            ("monotonicity", "features = ['x']\ndirection = 'increasing'"),
            ("monotonicity", "features = ['x']\ndirection = 'decreasing'\nclass = 0"),
            (
                "monotonicity",
                "features = ['x']\ndirection = 'increasing'\nscope = 'local'\nepsilon = '1'",
            ),
            ("boundary-fuzz", "shift = '0.1'\nepsilon = '0.1'\nradius = '0.3'"),
            ("boundary-fuzz", "shift = '0.1'\nepsilon = '0.1'\nscope = 'domain'"),
            ("stability", "features = ['x']\nbound = '9'"),
            ("stability", "features = ['x']\nbound = '9'\non = 'posterior'"),
            ("high-confidence", &format!("features = ['x']\n{confident}")),
            ("redundancy", &format!("groups = [['x']]\n{confident}")),
        ] {
            let refusal = lowered(&format!("property = '{property}'\n{keys}")).unwrap_err();
            for part in [property, "plain score", "output-region"] {
                assert!(refusal.contains(part), "{property}: {refusal}");
            }
        }
        let region = "property = 'output-region'\nunsafe = [[{y = ['1'], rhs = '0'}]]\n[[input]]\nbox = [['0', '1']]";
        assert_eq!(lowered(region), Ok(()));
        assert_eq!(
            lowered(&format!("copies = 2\n{}", region.replace("['1'], ", "['1', '-1'], "))),
            Ok(())
        );
        let two = lowered(&region.replace("['1'], ", "['1', '0'], ")).unwrap_err();
        assert!(two.contains("found 2") && two.contains("1"), "{two}");
    }

    /// Votes order the classes; what a softmax would make of them is no posterior.
    #[test]
    fn of_votes_nothing_is_claimed_that_needs_a_posterior() {
        let text = SCORE.replace("\"classes\":1", "\"classes\":2,\"link\":\"none\"");
        let model = Model::read(text.as_bytes()).unwrap();
        assert!(!model.has_posterior());
        assert_eq!(Model::read(model.to_json().as_bytes()).unwrap(), model);
        let rows = [Row { values: vec![0.25], label: 1, key: Digest::of(b"") }];
        let lowered = |text: &str| {
            let spec = Spec::read(text.as_bytes()).unwrap();
            Lowered::new(&spec, &model, None, &rows).map(|_| ()).map_err(|error| error.to_string())
        };
        let confident = "confidence = '0.9'\ncutoff = '0.5'";
        for (property, keys) in [
            ("local-invariance", "epsilon = '0.1'\ndelta = '0.5'"),
            ("local-invariance-t", "epsilon-1 = '1'\nepsilon-2 = '0.1'"),
            ("lipschitzness", "epsilon = '0.1'\nconstant = '1'"),
            ("lipschitzness-t", "constant = '1'"),
            ("small-neighborhood", "epsilon = '0.1'\nconstant = '1'"),
            ("boundary-fuzz", "shift = '0.1'\nepsilon = '0.1'\nradius = '0.3'"),
            ("stability", "features = ['x']\nbound = '9'\non = 'posterior'"),
            ("high-confidence", &format!("features = ['x']\n{confident}")),
            ("redundancy", &format!("groups = [['x']]\n{confident}")),
        ] {
            let refusal = lowered(&format!("property = '{property}'\n{keys}")).unwrap_err();
            assert!(refusal.contains(property) && refusal.contains("link is `none`"), "{refusal}");
        }
        for spec in [
            "property = 'label'\nepsilon = '0.1'",
            "property = 'monotonicity'\nfeatures = ['x']\ndirection = 'increasing'",
            "property = 'stability'\nfeatures = ['x']\nbound = '1'",
            "property = 'small-neighborhood'\nepsilon = '0.1'\nconstant = '5'\non = 'score'",
        ] {
            assert_eq!(lowered(spec), Ok(()), "{spec}");
        }
        // a defense changes posteriors
        let alpha = "0.1".parse().unwrap();
        let defense =
            crate::defense::Defense::prediction_poisoning(Digest::of(b""), alpha).unwrap();
        assert!(defense.check_model(&model).is_err());
        let spec = Spec::read(b"property = 'label'\nepsilon = '0.1'").unwrap();
        assert!(Lowered::new(&spec, &model, Some(&defense), &rows).is_err());
    }
}
