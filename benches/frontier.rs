//! What each property costs and gains at five strengths: `cargo bench --bench frontier [-- WORD…]`, with `PROPCERT_DATA`
//! set. Words choose data sets and properties.
//!
//! Each line is one model of `train --hold` beside the natural one: boosted trees 50x6, or networks 64-64 where no trainer
//! of ensembles holds the property; the usual settings, chosen on validation rows. Accuracy and log-loss are those of
//! all test rows; obligations are decided by the kernel, of row claims on 300 test rows, at equal steps, of pairs about as
//! many. Seed 0; boosting has no chance in it.

mod measured;

use propcert::model::DataSet;
use propcert::spec::Spec;
use propcert::train::{HeldModel, HoldFigures, HoldOptions, hold};

use measured::{DATA, chosen, opened, words};

/// A strength in words, and the specs that state it.
type Strength = (String, Vec<String>);

/// A property, and its specs at five strengths, the weakest first.
struct Frontier {
    property: &'static str,
    specs: fn(&DataSet) -> Vec<Strength>,
}

static FRONTIERS: [Frontier; 10] = [
    Frontier { property: "local-invariance", specs: local_invariance },
    Frontier { property: "monotonicity", specs: monotonicity },
    Frontier { property: "stability", specs: stability },
    Frontier { property: "small-neighborhood", specs: small_neighborhood },
    Frontier { property: "high-confidence", specs: high_confidence },
    Frontier { property: "redundancy", specs: redundancy },
    Frontier { property: "boundary-fuzz", specs: boundary_fuzz },
    Frontier { property: "lipschitzness", specs: lipschitzness },
    Frontier { property: "lipschitzness-t", specs: lipschitzness_t },
    Frontier { property: "local-invariance-t", specs: local_invariance_t },
];

fn main() {
    let words = words();
    let properties = FRONTIERS.iter().map(|frontier| frontier.property).collect::<Vec<_>>();
    let asked = chosen(&words, &properties);
    println!(
        "| data | property | strength | accuracy | points lost | log-loss | score range | proved | held by |"
    );
    println!("|---|---|---|---|--:|---|---|---|---|");
    for name in chosen(&words, &DATA) {
        let Some(data) = opened(name) else { continue };
        for Frontier { property, specs } in
            FRONTIERS.iter().filter(|it| asked.contains(&it.property))
        {
            for (strength, texts) in specs(&data) {
                println!("| {name} | {property} | {strength} | {} |", line(&data, &texts));
            }
        }
    }
}

/// The cells of one strength.
fn line(data: &DataSet, texts: &[String]) -> String {
    let specs: Vec<Spec> =
        texts.iter().map(|text| Spec::read(text.as_bytes()).expect("a spec")).collect();
    match hold(data, &specs, &HoldOptions::default(), &mut |_| {}) {
        Ok(held) => cells(&held),
        Err(error) => format!("– | – | – | – | – | {error}"),
    }
}

fn cells(held: &HeldModel) -> String {
    let [before, after] = &held.test;
    let share = |figures: &HoldFigures| {
        let sum = |count: fn(&propcert::certificate::Totals) -> u64| {
            figures.specs.iter().map(count).sum::<u64>()
        };
        let (proved, open, all) = (sum(|t| t.proved), sum(|t| t.undecided), sum(|t| t.n()));
        let open = if open > 0 { format!(" ({open} open)") } else { String::new() };
        format!("{proved} of {all}{open}")
    };
    let span = |figures: &HoldFigures| {
        let most = figures.scales.iter().filter_map(|scale| Some(scale.span?.most));
        most.reduce(f64::max).map_or("–".to_owned(), |most| format!("{most:.1}"))
    };
    let premise = match after.scales.iter().find_map(|scale| scale.is_premise_met) {
        Some(false) => ", confidence never reached",
        Some(true) | None => "",
    };
    format!(
        "{:.4} → {:.4} | {:.2} | {:.3} → {:.3} | {} → {} | {} → {} | {}{premise}",
        before.accuracy(),
        after.accuracy(),
        100.0 * (before.accuracy() - after.accuracy()),
        before.log_loss,
        after.log_loss,
        span(before),
        span(after),
        share(before),
        share(after),
        held.training(),
    )
}

/// Strengths, each with its words and its one spec.
fn strengths(of: [&str; 5], text: impl Fn(&str) -> (String, String)) -> Vec<Strength> {
    let one = |value| {
        let (words, text) = text(value);
        (words, vec![text])
    };
    of.map(one).into()
}

fn local_invariance(_: &DataSet) -> Vec<Strength> {
    strengths(["0.02", "0.05", "0.1", "0.2", "0.3"], |epsilon| {
        let text = format!("property = 'local-invariance'\nepsilon = '{epsilon}'\ndelta = '0.5'");
        (format!("ε {epsilon}"), text)
    })
}

/// The first fifth of the declared directions, two fifths, and so on.
fn monotonicity(data: &DataSet) -> Vec<Strength> {
    let meta = data.meta();
    let name = |key: &String| match key.parse::<usize>() {
        Ok(at) => meta.features[at].clone(),
        Err(_) => key.clone(),
    };
    let declared: Vec<(String, &String)> =
        meta.monotone.iter().map(|(key, direction)| (name(key), direction)).collect();
    let mut counts: Vec<usize> = (1..=5)
        .map(|fifth| (fifth * declared.len()).div_ceil(5))
        .filter(|count| *count > 0)
        .collect();
    counts.dedup();
    let of = |count: usize| {
        let text = |(name, direction): &(String, &String)| {
            format!("property = 'monotonicity'\nfeatures = ['{name}']\ndirection = '{direction}'")
        };
        (format!("{count} features"), declared.iter().take(count).map(text).collect())
    };
    counts.into_iter().map(of).collect()
}

/// Changes of the first five features, one at a time, by at most some of the score.
fn stability(data: &DataSet) -> Vec<Strength> {
    let names = first(data, 5).join("', '");
    strengths(["8", "4", "2", "1", "0.5"], |bound| {
        let text = format!("property = 'stability'\nfeatures = ['{names}']\nbound = '{bound}'");
        (format!("bound {bound}"), text)
    })
}

fn small_neighborhood(_: &DataSet) -> Vec<Strength> {
    strengths(["200", "100", "50", "25", "10"], |constant| {
        let text = format!(
            "property = 'small-neighborhood'\nepsilon = '0.05'\nconstant = '{constant}'\non = 'score'"
        );
        (format!("ε 0.05, constant {constant}"), text)
    })
}

fn high_confidence(data: &DataSet) -> Vec<Strength> {
    let names = first(data, 5).join("', '");
    cutoffs(&format!("property = 'high-confidence'\nfeatures = ['{names}']"))
}

/// The first two features at once, and the next two.
fn redundancy(data: &DataSet) -> Vec<Strength> {
    let names = first(data, 4);
    let groups: Vec<String> =
        names.chunks(2).map(|pair| format!("['{}']", pair.join("', '"))).collect();
    cutoffs(&format!("property = 'redundancy'\ngroups = [{}]", groups.join(", ")))
}

/// What is confident at 0.98 stays above a cutoff.
fn cutoffs(claim: &str) -> Vec<Strength> {
    strengths(["0.1", "0.3", "0.5", "0.7", "0.9"], |cutoff| {
        let text = format!("{claim}\nconfidence = '0.98'\ncutoff = '{cutoff}'");
        (format!("0.98 stays {cutoff}"), text)
    })
}

fn boundary_fuzz(_: &DataSet) -> Vec<Strength> {
    strengths(["5", "2", "1", "0.5", "0.1"], |epsilon| {
        let text = format!(
            "property = 'boundary-fuzz'\nepsilon = '{epsilon}'\nshift = '0.1'\nzone = 'axis'\nscope = 'local'\nradius = '0.05'"
        );
        (format!("ε {epsilon}"), text)
    })
}

fn lipschitzness(_: &DataSet) -> Vec<Strength> {
    strengths(["0.8", "0.4", "0.25", "0.15", "0.1"], |constant| {
        let text = format!(
            "property = 'lipschitzness'\nepsilon = '0.05'\nconstant = '{constant}'\nnorm = 'l2'"
        );
        (format!("ε 0.05, constant {constant}"), text)
    })
}

fn lipschitzness_t(_: &DataSet) -> Vec<Strength> {
    strengths(["0.8", "0.4", "0.2", "0.1", "0.05"], |constant| {
        let text = format!("property = 'lipschitzness-t'\nconstant = '{constant}'");
        (format!("constant {constant}"), text)
    })
}

fn local_invariance_t(_: &DataSet) -> Vec<Strength> {
    strengths(["0.5", "1", "2", "3", "5"], |epsilon| {
        let text =
            format!("property = 'local-invariance-t'\nepsilon-1 = '{epsilon}'\nepsilon-2 = '0.05'");
        (format!("distance {epsilon}"), text)
    })
}

fn first(data: &DataSet, count: usize) -> Vec<String> {
    data.meta().features.iter().take(count).cloned().collect()
}
