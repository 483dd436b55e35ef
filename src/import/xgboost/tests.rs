use std::io::Write;
use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::fixture::{
    TreeSlot, dart, edited, file, small, three_classes, tree, two_splits, ubjson, without,
};
use super::xgboost;
use crate::import::ImportError;
use crate::model::{
    Family, Feature, FeatureSpec, Kind, Model, Node, Point, Precision, Schema, Tie,
};

const TREE: &str = "/learner/gradient_booster/model/trees/0";

fn import(file: &Value) -> Model {
    xgboost(file.to_string().as_bytes(), None).unwrap()
}

fn served_margin(model: &Model, raw: &[f64]) -> f32 {
    model.served_scores(&Point::from_floats(raw).unwrap())[1]
}

fn nodes(model: &Model) -> &[Node] {
    match &model.family {
        Family::Ensemble(ensemble) => &ensemble.trees[0].nodes,
        Family::Mlp(_) => panic!("an ensemble"),
    }
}

#[test]
fn left_is_strictly_below_the_threshold_and_leaves_are_split_conditions() {
    let model = import(&small());
    let margin = |x0, x1| served_margin(&model, &[x0, x1]);
    assert_eq!(margin(0.4999, 0.0), 1.0);
    assert_eq!(margin(0.5, 0.0), 0.75);
    assert_eq!(margin(0.5, -2.0), 0.75);
    assert_eq!(margin(0.5, -2.0001), -0.25);
    assert_eq!((model.precision, model.tie, model.classes), (Precision::F32, Tie::Lower, 2));
}

#[test]
fn a_margin_of_zero_is_class_zero() {
    let model = import(&file(&[tree(&[TreeSlot::Leaf(0.0)])]));
    assert_eq!(model.label(&[0.0, 0.0]), 0);
}

#[test]
fn a_regression_is_a_plain_score_that_starts_at_its_base() {
    let objectives = [
        ("reg:squarederror", "-2.75E0"),
        ("reg:linear", "[-2.75E0]"),
        ("reg:absoluteerror", "[-2.75E0]"),
        ("reg:pseudohubererror", "-2.75E0"),
        ("reg:quantileerror", "-2.75E0"),
    ];
    for (objective, base) in objectives {
        let mut file = small();
        file["learner"]["objective"]["name"] = json!(objective);
        file["learner"]["learner_model_param"]["base_score"] = json!(base);
        let model = import(&file);
        assert_eq!((model.classes, model.is_plain_score()), (1, true));
        assert_eq!(served_margin(&model, &[0.5, -3.0]), -3.0);
        assert_eq!(Model::read(model.to_json().as_bytes()).unwrap(), model);
    }
}

#[test]
fn the_base_is_added_first() {
    let base = super::base::margin(0.3).unwrap();
    let leaves = [0.100_000_01_f32, 7.3, -7.1, 1e-7];
    let trees: Vec<Value> = leaves.iter().map(|&leaf| tree(&[TreeSlot::Leaf(leaf)])).collect();
    let mut file = file(&trees);
    file["learner"]["learner_model_param"]["base_score"] = json!("3E-1");
    let margin = served_margin(&import(&file), &[0.0, 0.0]);
    let first = leaves.iter().fold(base, |sum, leaf| sum + leaf);
    let last = leaves.iter().fold(0.0, |sum, leaf| sum + leaf) + base;
    assert_eq!(margin.to_bits(), first.to_bits());
    assert_ne!(first.to_bits(), last.to_bits(), "the order shows");
}

#[test]
fn decimals_are_rounded_to_f32_once() {
    // just above the middle of 1 and the next f32: by way of f64 it falls on the middle, then to 1
    let leaf = "1.000000059604644775390625000000001";
    assert_eq!(leaf.parse::<f64>().unwrap() as f32, 1.0);
    let text = file(&[tree(&[TreeSlot::Leaf(3.5)])]).to_string();
    let text =
        text.replace("\"split_conditions\":[3.5]", &format!("\"split_conditions\":[{leaf}]"));
    let model = xgboost(text.as_bytes(), None).unwrap();
    assert_eq!(served_margin(&model, &[0.0, 0.0]), 1f32.next_up());
}

#[test]
fn files_of_all_versions_are_read_alike() {
    let reference = import(&small());
    let spellings = [
        edited("/version", json!([1, 7, 6])),
        edited("/version", json!([2, 1, 4])),
        edited("/learner/learner_model_param/base_score", json!("5E-1")),
        edited("/learner/learner_model_param/base_score", json!(0.5)),
        edited("/learner/objective/name", json!("reg:logistic")),
        edited(&format!("{TREE}/default_left"), json!([true, false, true, false, false])),
        edited(&format!("{TREE}/tree_param/size_leaf_vector"), json!("0")),
        without(&format!("{TREE}/split_type")),
        without(&format!("{TREE}/tree_param/num_deleted")),
        without("/learner/learner_model_param/num_target"),
        without("/learner/learner_model_param/num_class"),
        without("/learner/gradient_booster/model/cats"),
        without("/learner/gradient_booster/model/iteration_indptr"),
        without("/learner/feature_names"),
        edited("/learner/attributes", json!({ "some": ["thing"] })),
    ];
    for spelling in spellings {
        assert_eq!(import(&spelling), reference, "{spelling}");
    }
}

#[test]
fn packed_files_are_read() {
    for bytes in [small().to_string().into_bytes(), ubjson(&small())] {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(&bytes).unwrap();
        assert_eq!(xgboost(&packer.finish().unwrap(), None).unwrap(), import(&small()));
    }
}

#[test]
fn binary_json_holds_the_same_models() {
    let named = edited("/learner/feature_names", json!(["é \"age\"", "income"]));
    let classes = three_classes("[-2.5E-1,0E0,1E0]", &[2, 0, 1], &[0.1, 0.2, -0.3]);
    for file in [small(), named, dart(&[0.3]), classes] {
        assert_eq!(xgboost(&ubjson(&file), None).unwrap(), import(&file));
    }
}

#[test]
fn cut_binary_json_is_refused_with_the_place() {
    let bytes = ubjson(&small());
    for length in 2..bytes.len() {
        match xgboost(&bytes[..length], None) {
            Err(ImportError::Ubjson { at, .. }) => assert!(at <= length, "{at} of {length}"),
            other => panic!("{length}: {other:?}"),
        }
    }
    let followed = [bytes.as_slice(), b"N"].concat();
    let refused = xgboost(&followed, None).unwrap_err().to_string();
    assert!(refused.contains(&format!("byte {}: bytes follow", bytes.len())), "{refused}");
}

#[test]
fn hostile_binary_json_is_refused() {
    let refused = |bytes: &[u8]| {
        let error = xgboost(&[b"{i\x01k", bytes].concat(), None).unwrap_err();
        match error {
            ImportError::Ubjson { .. } | ImportError::Limit(_) => error.to_string(),
            other => panic!("{other}"),
        }
    };
    let huge = i64::MAX.to_be_bytes();
    let claims: [(&[u8], &str); 12] = [
        (&[b"SL".as_slice(), &huge].concat(), "byte 14: a length of more"),
        (b"Si\xff", "a length of more"),
        (&[b"[$d#L".as_slice(), &huge].concat(), "a length of more"),
        (&[b"[$Z#L".as_slice(), &1000u64.to_be_bytes()].concat(), "a length of more"),
        (b"[$Z#i\x01}", "not of numbers"),
        (b"[$di\x01", "without a count"),
        (b"Si\x01\xff}", "byte 7: a text that is not UTF-8"),
        (b"d\x7f\x80\0\0}", "not finite"),
        (b"D\x3f\xb9\x99\x99\x99\x99\x99\x9a}", "no finite 32-bit one"),
        (b"N}", "byte 4: no marker"),
        (b"[#i\x09iii", "a length of more"),
        (&[b'['; 10_000], "depth of UBJSON nesting"),
    ];
    for (bytes, problem) in claims {
        let message = refused(bytes);
        assert!(message.contains(problem), "{problem}: {message}");
    }
}

#[test]
fn dropped_trees_add_their_products() {
    let weight = 0.3_f32;
    let model = import(&dart(&[weight]));
    for (x, leaf) in [([0.0, 0.0], 1.0_f32), ([0.5, -3.0], -0.25), ([0.5, 0.0], 0.75)] {
        assert_eq!(served_margin(&model, &x).to_bits(), (leaf * weight).to_bits());
    }
    assert_eq!(import(&dart(&[1.0])), import(&small()));
}

#[test]
fn every_class_has_its_own_sum() {
    let model = import(&three_classes("5E-1", &[0, 1, 2, 1], &[0.1, 0.2, 0.3, 0.1]));
    let scores = model.served_scores(&Point::from_floats(&[0.0, 0.0]).unwrap());
    assert_eq!(scores, [0.5 + 0.1, 0.5 + 0.2 + 0.1, 0.5 + 0.3_f32]);
    assert_eq!((model.classes, model.tie), (3, Tie::Lower));
    assert_eq!(Model::read(model.to_json().as_bytes()).unwrap(), model);
    let mut labels = three_classes("5E-1", &[0, 1, 2], &[0.1, 0.2, 0.2]);
    labels["learner"]["objective"]["name"] = json!("multi:softmax");
    assert_eq!(import(&labels).label(&[0.0, 0.0]), 1, "the first of the largest");
}

#[test]
fn deleted_nodes_are_dropped_and_the_rest_renumbered() {
    use TreeSlot::{Deleted, Leaf, Split};
    let pruned =
        [Split(0, 0.5, 5, 2), Deleted, Split(1, -2.0, 4, 6), Deleted, Leaf(-0.25), Leaf(1.0)];
    let slots: Vec<TreeSlot> = pruned.into_iter().chain([Leaf(0.75)]).collect();
    assert_eq!(import(&file(&[tree(&slots)])), import(&small()));
}

#[test]
fn directions_of_missing_values_are_kept() {
    let model = import(&edited(&format!("{TREE}/default_left"), json!([0, 0, 1, 0, 0])));
    let kept = nodes(&model).iter().filter_map(|node| match node {
        Node::Split { feature, default_left, .. } => Some((*feature, *default_left)),
        Node::Leaf(_) => None,
    });
    assert_eq!(kept.collect::<Vec<_>>(), [(Feature(0), false), (Feature(1), true)]);
}

#[test]
fn features_are_named_by_the_file_or_by_number() {
    let names = |file: &Value| -> Vec<String> {
        import(file).schema.features().iter().map(|feature| feature.name.clone()).collect()
    };
    assert_eq!(names(&small()), ["f0", "f1"]);
    let named = edited("/learner/feature_names", json!(["age", "income"]));
    assert_eq!(names(&named), ["age", "income"]);
    let schema = import(&named).schema;
    let plain = &schema.features()[0];
    assert_eq!((plain.kind, plain.mean, plain.scale), (Kind::Real, 0.0, 1.0));
    assert_eq!((&plain.low, &plain.high), (&None, &None));
}

#[test]
fn a_schema_that_fits_is_taken_over() {
    let feature = |name: &str| FeatureSpec {
        name: name.to_owned(),
        kind: Kind::Integer,
        low: None,
        high: None,
        mean: 3.0,
        scale: 0.5,
    };
    let schema = Schema::new(vec![feature("age"), feature("income")]).unwrap();
    for file in [small(), edited("/learner/feature_names", json!(["age", "income"]))] {
        let model = xgboost(file.to_string().as_bytes(), Some(&schema)).unwrap();
        assert_eq!(model.schema, schema);
        assert_eq!(served_margin(&model, &[0.5, 0.0]), 0.75, "thresholds stay as they are");
    }
}

#[test]
fn what_is_imported_reads_back_as_a_native_model() {
    let model = import(&file(&[tree(&two_splits()), tree(&[TreeSlot::Leaf(-0.0)])]));
    assert_eq!(Model::read(model.to_json().as_bytes()).unwrap(), model);
}

/// Trees grown by splitting random leaves, their slots shuffled, pruned slots among them.
fn shuffled_tree() -> impl Strategy<Value = Vec<TreeSlot>> {
    let grown =
        proptest::collection::vec((any::<prop::sample::Index>(), 0..2i64, -4f32..4.0), 0..12)
            .prop_map(|splits| {
                let mut slots = vec![TreeSlot::Leaf(0.0)];
                for (place, feature, threshold) in splits {
                    let is_leaf = |index: &usize| matches!(slots[*index], TreeSlot::Leaf(_));
                    let leaves: Vec<usize> = (0..slots.len()).filter(is_leaf).collect();
                    let next = slots.len() as i64;
                    slots[*place.get(&leaves)] =
                        TreeSlot::Split(feature, threshold, next, next + 1);
                    slots.extend([
                        TreeSlot::Leaf(threshold * 0.3),
                        TreeSlot::Leaf(threshold * -0.7),
                    ]);
                }
                slots
            });
    (grown, 0..4usize).prop_flat_map(|(slots, deleted)| {
        let count = slots.len() + deleted;
        Just((1..count).collect::<Vec<_>>()).prop_shuffle().prop_map(move |order| {
            let place = |index: i64| if index == 0 { 0 } else { order[index as usize - 1] };
            let mut shuffled = vec![TreeSlot::Deleted; count];
            for (index, slot) in slots.iter().enumerate() {
                shuffled[place(index as i64)] = match *slot {
                    TreeSlot::Split(feature, threshold, left, right) => {
                        TreeSlot::Split(feature, threshold, place(left) as i64, place(right) as i64)
                    }
                    ref leaf => leaf.clone(),
                };
            }
            shuffled
        })
    })
}

/// The slow twin: follows the slots of the file.
fn value(slots: &[TreeSlot], at: usize, x: &[f32; 2]) -> f32 {
    match slots[at] {
        TreeSlot::Leaf(value) => value,
        TreeSlot::Split(feature, threshold, left, right) => {
            let is_left = x[feature as usize] < threshold;
            value(slots, if is_left { left } else { right } as usize, x)
        }
        TreeSlot::Deleted => panic!("a deleted node is reached"),
    }
}

proptest! {
    #[test]
    fn margins_are_those_of_the_slots_in_the_file(
        trees in proptest::collection::vec(shuffled_tree(), 1..5),
        points in proptest::collection::vec([-4f32..4.0, -4f32..4.0], 8),
    ) {
        let texts: Vec<Value> = trees.iter().map(|slots| tree(slots)).collect();
        let model = import(&file(&texts));
        prop_assert_eq!(&Model::read(model.to_json().as_bytes()).unwrap(), &model);
        for x in &points {
            let expected = trees.iter().fold(0f32, |sum, slots| sum + value(slots, 0, x));
            let found = served_margin(&model, &x.map(f64::from));
            prop_assert_eq!(found.to_bits(), (expected + 0.0).to_bits());
        }
    }

    #[test]
    fn damaged_files_are_refused_or_give_a_readable_model(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        digits in proptest::bool::ANY,
        form in 0..4,
    ) {
        let mut bytes = match form {
            0 => small().to_string().into_bytes(),
            1 => dart(&[0.5]).to_string().into_bytes(),
            2 => ubjson(&small()),
            _ => ubjson(&three_classes("[1,2,3]", &[0, 1, 2], &[0.1, 0.2, 0.3])),
        };
        for (place, byte) in damage {
            let digit = b"0123456789-,[]eE."[usize::from(byte) % 17];
            *place.get_mut(&mut bytes) = if digits { digit } else { byte };
        }
        if let Ok(model) = xgboost(&bytes, None) {
            prop_assert!(Model::read(model.to_json().as_bytes()).is_ok());
        }
    }
}

/// Says that nothing was tested, past the harness, which keeps what passing tests print.
fn skipped(why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
}

/// Every model and point of the yardstick in `PROPCERT_DATA/xgboost`.
#[test]
fn published_margins_are_met_to_the_last_bit() {
    let Some(folder) = std::env::var_os("PROPCERT_DATA").filter(|folder| !folder.is_empty()) else {
        skipped("published_margins_are_met_to_the_last_bit: PROPCERT_DATA is not set");
        return;
    };
    let folder = Path::new(&folder).join("xgboost");
    if !folder.is_dir() {
        skipped("published_margins_are_met_to_the_last_bit: no xgboost in PROPCERT_DATA");
        return;
    }
    let mut compared = 0;
    for data in ["cryptojacker", "social_honeypot"] {
        let points = rows(&folder.join(format!("points/{data}.csv")));
        let margins = rows(&folder.join(format!("margin_bits_{data}.csv")));
        for (column, config) in margins[0].iter().enumerate().skip(1) {
            let model = published_model(&folder, &format!("{data}_{config}"));
            for (point, bits) in points.iter().zip(&margins).skip(1) {
                assert_eq!(point[0], bits[0], "the same row");
                let x = Point::parse(&point[2..], model.schema.len()).unwrap();
                let found = model.served_scores(&x)[1].to_bits();
                assert_eq!(
                    format!("{found:08x}"),
                    bits[column],
                    "{data}_{config}, row {}",
                    bits[0]
                );
                compared += 1;
            }
        }
    }
    eprintln!("{compared} margins are equal to the last bit");
    assert!(compared >= 1400, "7 models at 200 points each, found {compared} margins");
}

/// The lines of a CSV, header first.
fn rows(path: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

fn published_model(folder: &Path, name: &str) -> Model {
    let plain = std::fs::read(folder.join(format!("{name}.json")));
    let bytes = plain.or_else(|_| std::fs::read(folder.join(format!("{name}.json.gz")))).unwrap();
    xgboost(&bytes, None).unwrap()
}
