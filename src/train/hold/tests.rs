//! The promises of training to hold specs.

use crate::spec::Spec;

use super::*;

fn spec(text: &str) -> Spec {
    Spec::read(text.as_bytes()).unwrap()
}

fn invariance() -> Spec {
    spec("property = 'local-invariance'\nepsilon = '0.1'\ndelta = '0.5'\nsemantics = 'real'")
}

fn held(specs: &[Spec], options: &HoldOptions) -> Result<HeldModel, HoldError> {
    let data = dataset::open("spambase").unwrap();
    hold(&data, specs, options, &mut |_| {})
}

#[test]
fn more_is_proved_than_of_the_natural_model() {
    let options = HoldOptions { rows: 1000, ..HoldOptions::default() };
    let held = held(&[invariance()], &options).unwrap();
    assert!(!held.is_natural() && held.tried.len() == 2);
    for [before, after] in [held.validation(), held.test.each_ref()] {
        assert!(after.proved() > before.proved() + 0.5, "{before:?} {after:?}");
    }
    // with the true label and δ ½, a row that keeps its label in its box is classified correctly
    let [before, after] = held.validation();
    for figures in [before, after] {
        assert_eq!(figures.specs[0].n(), figures.rows);
        assert!(figures.specs[0].proved <= figures.correct, "{figures:?}");
    }
}

/// Labels that are kept in the boxes of both points are not turned between them.
#[test]
fn ensembles_hold_the_boundary_property_by_boxes() {
    let boundary = spec(
        "property = 'boundary-fuzz'\nshift = '0.1'\nepsilon = '0.1'\nradius = '0.05'\nsemantics = 'real'",
    );
    let options = HoldOptions { rows: 60, ..HoldOptions::default() };
    let held = held(&[boundary], &options).unwrap();
    assert!(held.training().contains("robust boosting"), "{}", held.training());
    let [before, after] = held.test.each_ref();
    assert!(after.proved() > 0.9 && before.proved() < 0.5, "{before:?} {after:?}");
}

#[test]
fn nothing_for_nothing() {
    let options = HoldOptions { rows: 20, price: Some(0.0), ..HoldOptions::default() };
    let held = held(&[invariance()], &options).unwrap();
    let [before, after] = held.validation();
    assert!(after.accuracy() >= before.accuracy());
}

#[test]
fn directions_are_held_for_certain() {
    let specs = [spec(
        "property = 'monotonicity'\nfeatures = ['char_freq_dollar']\ndirection = 'increasing'",
    )];
    let held = held(&specs, &HoldOptions::default()).unwrap();
    assert_eq!(held.validation()[1].specs[0].proved, 1);
}

#[test]
fn what_cannot_be_held_is_refused_by_name() {
    let refused =
        |specs: &[Spec], options: &HoldOptions| held(specs, options).unwrap_err().to_string();
    let usual = HoldOptions::default();
    let lipschitz = spec("property = 'lipschitzness'\nepsilon = '0.1'\nconstant = '1'");
    let trees = HoldOptions { family: Some(HoldFamily::Trees), ..usual.clone() };
    assert!(refused(&[lipschitz], &trees).contains("lipschitzness"));
    assert!(
        refused(&[invariance()], &HoldOptions { rows: 0, ..usual.clone() }).contains("--rows 0")
    );
    let price = HoldOptions { price: Some(f64::NAN), ..usual.clone() };
    assert!(refused(&[invariance()], &price).contains("price"));
    let towards = |direction| {
        let features = "features = ['char_freq_dollar']";
        spec(&format!("property = 'monotonicity'\n{features}\ndirection = '{direction}'"))
    };
    let both = [towards("increasing"), towards("decreasing")];
    assert!(refused(&both, &usual).contains("the other direction"));
}

/// A small score reaches no confidence and ranges over little; the yardsticks tell it.
#[test]
fn claims_about_the_score_come_with_its_scale() {
    let data = dataset::open("spambase").unwrap();
    let features = "features = ['char_freq_dollar']";
    let specs = [
        spec(&format!("property = 'stability'\n{features}\nbound = '0.01'")),
        spec(&format!(
            "property = 'high-confidence'\n{features}\nconfidence = '0.98'\ncutoff = '0.5'"
        )),
        invariance(),
    ];
    let options = HoldOptions { rows: 5, ..HoldOptions::default() };
    // the longer it learns, the larger the score
    let [small, large] = [1, 30].map(|trees| {
        let recipe = format!("family = 'trees'\n[training]\ntrees = {trees}\ndepth = 3");
        let model = crate::train::Recipe::read(recipe.as_bytes()).unwrap().train(&data, 0).unwrap();
        HoldFigures::of(&model, &specs, &data, Part::Validation, &options).unwrap()
    });
    let [little, much] = [&small, &large].map(|figures| figures.scales[0].span.unwrap());
    assert!(little.most < much.least, "{little:?} {much:?}");
    assert_eq!(small.scales[1].is_premise_met, Some(false));
    assert_eq!(large.scales[1].is_premise_met, Some(true));
    assert_eq!(large.scales[2], ScoreScale::default());
    assert!(large.auc.unwrap() > small.auc.unwrap());
}
