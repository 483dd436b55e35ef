//! Several properties at once beside each one alone: `cargo bench --bench together [-- WORD…]`, with `PROPCERT_DATA` set.
//! Words choose data sets and families (`trees`, `mlp`).
//!
//! Local invariance ε 0.1 (δ ½), every declared direction, and the boundary property (steps of 0.1 along an axis, within
//! 0.05 of a row, ε 0.1). Each line is one model of `train --hold` by the usual settings, seed 0; accuracy is that on all
//! test rows, obligations are decided by the kernel, of row claims on 300 test rows, at equal steps.

mod measured;

use propcert::certificate::Totals;
use propcert::model::DataSet;
use propcert::spec::Spec;
use propcert::train::{HoldFamily, HoldFigures, HoldOptions, hold};

use measured::{DATA, chosen, opened, words};

const FAMILIES: [(&str, HoldFamily); 2] = [("trees", HoldFamily::Trees), ("mlp", HoldFamily::Mlp)];

const INVARIANCE: &str = "property = 'local-invariance'\nepsilon = '0.1'\ndelta = '0.5'";
const BOUNDARY: &str = "property = 'boundary-fuzz'\nepsilon = '0.1'\nshift = '0.1'\nzone = 'axis'\nscope = 'local'\nradius = '0.05'";

fn main() {
    let words = words();
    let asked = chosen(&words, &FAMILIES.map(|(family, _)| family));
    println!(
        "| data | family | trained for | accuracy | local invariance | directions | boundary |"
    );
    println!("|---|---|---|---|---|---|---|");
    for name in chosen(&words, &DATA) {
        let Some(data) = opened(name) else { continue };
        for (words, family) in FAMILIES.into_iter().filter(|(family, _)| asked.contains(family)) {
            for line in lines(&data, family) {
                println!("| {name} | {words} | {line} |");
            }
        }
    }
}

/// The natural model, one for each property, and one for all.
fn lines(data: &DataSet, family: HoldFamily) -> Vec<String> {
    let groups = [vec![spec(INVARIANCE)], directions(data), vec![spec(BOUNDARY)]];
    let options = HoldOptions { family: Some(family), ..HoldOptions::default() };
    let train = |held: &[usize]| {
        let specs: Vec<Spec> = held.iter().flat_map(|group| groups[*group].clone()).collect();
        hold(data, &specs, &options, &mut |_| {}).map(|held| held.model)
    };
    let names = ["local invariance", "directions", "boundary"];
    let measured = |words: &str, model: &propcert::model::Model| {
        let all = groups.concat();
        let figures =
            HoldFigures::on_test(model, &all, data, &options).expect("it can be certified");
        let mut specs = figures.specs.iter();
        let cells = groups.each_ref().map(|group| share(specs.by_ref().take(group.len())));
        format!("{words} | {:.4} | {}", figures.accuracy(), cells.join(" | "))
    };
    let natural = match family {
        HoldFamily::Trees => propcert::train::Recipe::trees(),
        HoldFamily::Mlp => propcert::train::Recipe::mlp(),
    };
    let natural = natural.train(data, options.seed).expect("it can be trained");
    let mut lines = vec![measured("nothing", &natural)];
    for held in [vec![0], vec![1], vec![2], vec![0, 1, 2]] {
        if held.iter().all(|group| groups[*group].is_empty()) {
            continue;
        }
        let words: Vec<&str> = held.iter().map(|group| names[*group]).collect();
        let words = words.join(", ");
        lines.push(match train(&held) {
            Ok(model) => measured(&words, &model),
            Err(error) => format!("{words} | – | – | – | {error}"),
        });
    }
    lines
}

fn spec(text: &str) -> Spec {
    Spec::read(text.as_bytes()).expect("a spec")
}

/// One spec for each direction that the data declares.
fn directions(data: &DataSet) -> Vec<Spec> {
    let meta = data.meta();
    let one = |(key, direction): (&String, &String)| {
        let name = key.parse::<usize>().map_or(key, |at| &meta.features[at]);
        spec(&format!(
            "property = 'monotonicity'\nfeatures = ['{name}']\ndirection = '{direction}'"
        ))
    };
    meta.monotone.iter().map(one).collect()
}

fn share<'a>(totals: impl Iterator<Item = &'a Totals>) -> String {
    let sum = totals.fold([0; 3], |[proved, open, all], one| {
        [proved + one.proved, open + one.undecided, all + one.n()]
    });
    match sum {
        [_, _, 0] => "–".to_owned(),
        [proved, 0, all] => format!("{proved} of {all}"),
        [proved, open, all] => format!("{proved} of {all} ({open} open)"),
    }
}
