//! The promises of repair.

use crate::dataset;
use crate::model::Part;
use crate::train::Recipe;

use super::*;
use crate::model::Row;

fn spec(text: &str) -> Spec {
    Spec::read(text.as_bytes()).unwrap()
}

fn small() -> Model {
    let recipe = "family = 'trees'\n[training]\ntrees = 10\ndepth = 4";
    Recipe::read(recipe.as_bytes()).unwrap().train(&dataset::open("spambase").unwrap(), 0).unwrap()
}

fn accuracy(model: &Model, rows: &[Row]) -> f64 {
    let hits = rows.iter().filter(|row| model.label(&row.values) == row.label).count();
    hits as f64 / rows.len() as f64
}

/// Each kind of claim that is refuted before is proved after.
#[test]
fn claims_about_the_whole_domain_are_proved_afterwards() {
    let data = dataset::open("spambase").unwrap();
    let cheap = "features = ['word_freq_free', 'char_freq_exclamation', 'word_freq_remove']";
    let specs = [
        format!("property = 'monotonicity'\n{cheap}\ndirection = 'increasing'"),
        format!("property = 'stability'\n{cheap}\nbound = '1.5'"),
        format!("property = 'high-confidence'\n{cheap}\nconfidence = '0.9'\ncutoff = '0.5'"),
        "property = 'small-neighborhood'\nepsilon = '0.05'\nconstant = '80'\non = 'score'"
            .to_owned(),
    ];
    for text in &specs {
        let specs = [spec(text)];
        let train = data.part(Part::Train);
        let natural = small();
        let options = RepairOptions::default();
        let mut first = None;
        let repaired = repair(natural.clone(), &specs, &data, &options, &mut |round| {
            first.get_or_insert(round.refuted);
        })
        .unwrap();
        assert!(first > Some(0), "{text}: nothing to repair");
        let totals = repaired.totals[0];
        assert_eq!((totals.refuted, totals.undecided), (0, 0), "{text}: {totals}");
        let [before, after] = [&natural, &repaired.model].map(|model| accuracy(model, train));
        assert!(after > before - 0.1, "{text}: {after} after {before}");
    }
}

#[test]
fn a_model_that_holds_is_left_alone() {
    let data = dataset::open("spambase").unwrap();
    let specs = [spec("property = 'stability'\nfeatures = ['word_freq_free']\nbound = '1000'")];
    let natural = small();
    let options = RepairOptions::default();
    let repaired = repair(natural.clone(), &specs, &data, &options, &mut |_| {}).unwrap();
    assert_eq!((repaired.model, repaired.rounds, repaired.rows), (natural, 1, 0));
}

/// The largest factor: all is proved, labels stay, and a little more would not do.
#[test]
fn a_score_is_made_no_smaller_than_needed() {
    let data = dataset::open("spambase").unwrap();
    let specs = [spec("property = 'stability'\nfeatures = ['word_freq_free']\nbound = '0.5'")];
    let (natural, options) = (small(), RepairOptions::default());
    let shrunk = shrink(&natural, &specs, &data, &options).unwrap().unwrap();
    let refuted = |model: &Model| {
        let nothing = LeafNumbers::default();
        decide(model, &specs, &data, (&nothing, &options)).unwrap().totals[0].refuted
    };
    assert_eq!((refuted(&natural), refuted(&shrunk)), (1, 0));
    let test = data.part(Part::Test);
    assert!(test.iter().all(|row| natural.label(&row.values) == shrunk.label(&row.values)));
    let base = |model: &Model| match &model.family {
        Family::Ensemble(ensemble) => ensemble.base[0],
        Family::Mlp(_) => panic!("an ensemble"),
    };
    let factor = base(&shrunk) / base(&natural);
    let mut larger = natural.clone();
    if let Family::Ensemble(ensemble) = &mut larger.family {
        for node in ensemble.trees.iter_mut().flat_map(|tree| &mut tree.nodes) {
            if let Node::Leaf(value) = node {
                *value *= 1.03 * factor;
            }
        }
    }
    assert!(factor < 1.0 && refuted(&larger) == 1, "{factor}");
}
