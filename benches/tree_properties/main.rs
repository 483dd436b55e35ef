//! Every property on ensembles: `cargo bench --bench tree_properties [-- DATA… PROPERTY… MODEL…]`.
//!
//! For each data set (all that are found, unless some are named) natural and monotone ensembles of three
//! sizes are trained with seed 0, the models of the yardstick are imported, and so are those that
//! `benches/train_xgboost.py` wrote to the folder named by `PROPCERT_XGBOOST`, if it is set; every claim of
//! `claims.rs` is certified, and the kernel reads each certificate anew: the run ends with a panic if one
//! is not as stated. A word that is part of a model's name (`10x5`, `natural`) keeps those models, `trained`,
//! `xgboost`, of the latter `published` and `raw`, where models come from, the name of a property its claims.
//! Printed are tables in Markdown; one thread, seconds of the processor where `/proc` tells them, else of the
//! clock.

#[path = "../measured/mod.rs"]
mod measured;
#[path = "../outward.rs"]
mod outward;
#[path = "../../tests/cases/yardstick.rs"]
mod yardstick;

mod claims;
mod models;
mod score;
mod tables;

use propcert::certificate::Subject;
use propcert::certify::{LargestChange, Options, Searcher};
use propcert::model::{Digest, Model, Part, Row};
use propcert::source;
use propcert::spec::{Lowered, Spec};

use measured::{Asked, DATA, Measured, Site, folder, on_one_thread, seconds, words};
use models::Group;
use outward::{down, up};
use score::{End, Scores};
use tables::{Summary, costs, verdict, verdicts};

/// Boxes per obligation.
const BUDGET_NODES: u64 = 20_000;
/// Boxes per claim about the range of the score: boxes of one point cost a thirtieth of boxes of pairs.
const BUDGET_OF_RANGE: u64 = 100_000;
/// Posteriors of `high-confidence` and `redundancy`.
const CONFIDENCES: [&str; 2] = ["0.98", "0.9"];
/// Distances of the largest change of the score.
const NEAR: [&str; 3] = ["0.001", "0.01", "0.1"];

/// What the command line asks for.
struct Wanted(Vec<String>);

impl Wanted {
    /// Whether a word is asked for, or no word for which `is_kind`.
    fn takes(&self, word: &str, is_kind: &dyn Fn(&str) -> bool) -> bool {
        let mut of_kind = self.0.iter().filter(|named| is_kind(named)).peekable();
        of_kind.peek().is_none() || of_kind.any(|named| word.split(' ').any(|part| part == named))
    }

    fn data(&self, name: &str) -> bool {
        self.takes(name, &|word| DATA.contains(&word))
    }

    fn origin(&self, name: &str) -> bool {
        self.takes(name, &|word| ["trained", "xgboost", "published", "raw"].contains(&word))
    }

    fn model(&self, name: &str) -> bool {
        self.takes(name, &|word| ["10x5", "50x6", "200x6"].contains(&word))
            && self.takes(name, &|word| ["natural", "monotone"].contains(&word))
    }

    fn property(&self, name: &str, all: &[Asked]) -> bool {
        self.takes(name, &|word| all.iter().any(|asked| asked.property == word))
    }
}

fn main() {
    on_one_thread();
    let (data_sets, boosters) = (folder("PROPCERT_DATA"), folder("PROPCERT_XGBOOST"));
    let wanted = Wanted(words());
    if wanted.0.iter().any(|word| word == "raw") && boosters.is_none() {
        eprintln!(
            "no models: name the folder that benches/train_xgboost.py wrote in PROPCERT_XGBOOST"
        );
    }
    let start = seconds();
    introduce(&wanted, boosters.is_some());
    let mut summary = Summary::default();
    for name in DATA.into_iter().filter(|name| wanted.data(name)) {
        let data = match source::read(name, data_sets.as_deref()) {
            Ok(data) => data,
            Err(error) => {
                eprintln!("left out: {error}");
                continue;
            }
        };
        let is_wanted = |model: &str| wanted.model(model);
        if wanted.origin("trained") {
            examine(&models::trained(name, data.clone(), &is_wanted), &wanted, "", &mut summary);
        }
        let published = data_sets.as_deref().filter(|_| wanted.origin("xgboost published"));
        if let Some(group) = published.and_then(|at| models::published(name, at, &is_wanted)) {
            examine(&group, &wanted, "XGBoost ", &mut summary);
        }
        if let Some(at) = boosters.as_deref().filter(|_| wanted.origin("xgboost raw")) {
            let group = models::imported(name, data, at, &is_wanted);
            examine(&group, &wanted, "XGBoost raw ", &mut summary);
        }
    }
    summary.print();
    println!("{:.0} s in all.", seconds() - start);
}

/// The command, and the settings that stand nowhere else.
fn introduce(Wanted(words): &Wanted, has_boosters: bool) {
    let words = if words.is_empty() { String::new() } else { format!(" -- {}", words.join(" ")) };
    let boosters = if has_boosters { " and `PROPCERT_XGBOOST`" } else { "" };
    println!("# Properties of ensembles\n");
    println!(
        "`cargo bench --bench tree_properties{words}` with `PROPCERT_DATA`{boosters} set; seed 0, one thread.\n"
    );
    println!(
        "At most {BUDGET_NODES} boxes per obligation. `local-invariance`: the first {} test rows; other claims around \
         rows: {}; `lipschitzness`: all pairs of the first {} distinct test rows; `-t`: all pairs of the first {} \
         training rows; `monotonicity`: features and directions that the data declares; `stability`, \
         `high-confidence`: each of the first {} features; `redundancy`: two neighbours of them at once. Models \
         trained here: learning rate 0.3, of 200x6 0.1. Rows for the published models of XGBoost are the data's divided \
         by the deviations and rounded to f32, dealt into parts anew: not the same rows; models of XGBoost on raw \
         features have the rows, parts and settings of those trained here.\n",
        claims::ROWS,
        claims::FEWER_ROWS,
        claims::DISTINCT,
        claims::ROWS_OF_PAIRS,
        claims::CHANGED
    );
    println!(
        "*Least* and *greatest score* on the declared domain: what some point attains and, where they differ, what is \
         proved, both by claims that the kernel decides (`local-invariance` with a radius beyond the domain, \
         {BUDGET_OF_RANGE} boxes). *Reached*: whether some point has a posterior of class 1 that high; where not, \
         high confidence and redundancy hold emptily. *Largest change* of the score between two points that \
         close: exact, or what it lies between; –: products of trees are too large. Claims about the score are met by shrinking it: see its range first.\n"
    );
    println!(
        "Vacuous pairs are not counted. *Closed by*: `interval` is the root box, `split` a case distinction, `tree pairs` \
         products of trees at their roots or in a few trees, `jumps` threshold by threshold; the `attack` comes \
         before any search.\n"
    );
}

/// Prints the tables of a group.
fn examine(group: &Group, wanted: &Wanted, origin: &str, summary: &mut Summary) {
    let Group { name, data, models } = group;
    if models.is_empty() {
        return;
    }
    let [train, test] = [Part::Train, Part::Test].map(|part| data.part(part).len());
    let width = data.meta().features.len();
    println!("## {name} ({width} features, {train} training rows, {test} test rows)\n");
    let mut all = claims::claims(data);
    describe(group);
    let keep: Vec<bool> = all.iter().map(|asked| wanted.property(asked.property, &all)).collect();
    let mut keep = keep.into_iter();
    all.retain(|_| keep.next().unwrap_or(false));
    let measured: Vec<Vec<Measured>> = models
        .iter()
        .map(|(model_name, model)| {
            let site = Site::new(model, data);
            let measure = |asked| measure(asked, &site, &format!("{name}, {model_name}"));
            all.iter().map(measure).collect()
        })
        .collect();
    verdicts(models, &all, &measured);
    costs(models, &all, &measured);
    for ((model, _), of_model) in models.iter().zip(&measured) {
        for (asked, measured) in all.iter().zip(of_model) {
            summary.add(&format!("{origin}{model}"), asked.property, &measured.totals);
        }
    }
}

fn measure(asked: &Asked, site: &Site, name: &str) -> Measured {
    let measured = site.measure(asked, "", BUDGET_NODES);
    let Measured { search, check, .. } = measured;
    let shown = verdict(&measured.totals);
    eprintln!("{name}: {} {}: {shown}, {search:.2} + {check:.2} s", asked.property, asked.settings);
    measured
}

/// What the models are, and what their scores do.
fn describe(Group { data, models, .. }: &Group) {
    println!(
        "| model | accuracy | log-loss | least score | greatest score | P ≥ 0.98, ≥ 0.9 reached | largest change at ε {} | s |",
        NEAR.join(", ")
    );
    println!("|---|--:|--:|--:|--:|---|---|--:|");
    for (name, model) in models {
        let start = seconds();
        let (accuracy, loss) = quality(model, data.part(Part::Test));
        let scores = Scores { model, data, budget_nodes: BUDGET_OF_RANGE };
        let (least, most) = (scores.most(true), scores.most(false));
        let reached = CONFIDENCES.map(|confidence| match scores.is_reached(confidence) {
            Some(true) => "yes",
            Some(false) => "no",
            None => "open",
        });
        let changes = NEAR.map(|epsilon| largest_change(model, epsilon));
        println!(
            "| {name} | {accuracy:.4} | {loss:.4} | {} | {} | {} | {} | {:.1} |",
            shown(least, -1.0),
            shown(most, 1.0),
            reached.join(", "),
            changes.join(", "),
            seconds() - start
        );
        eprintln!("{name}: described in {:.1} s", seconds() - start);
    }
    println!();
}

/// An end of the range to a hundredth, or what is attained and what is proved.
fn shown(End { attained, proved }: End, sign: f64) -> String {
    if proved - attained <= 0.02 {
        format!("{:.2}", sign * attained)
    } else {
        let end = |number: f64, is_outer: bool| match is_outer == (sign > 0.0) {
            true => up(sign * number, 2),
            false => down(sign * number, 2),
        };
        format!("{} (proved {})", end(attained, false), end(proved, true))
    }
}

/// Accuracy, and mean of `ln(1 + e^{∓m})`.
fn quality(model: &Model, rows: &[Row]) -> (f64, f64) {
    let (mut hits, mut loss) = (0_u32, 0.0);
    for row in rows {
        hits += u32::from(model.label(&row.values) == row.label);
        let margin = model.margin(&row.values);
        let agreement = if row.label == 1 { margin } else { -margin };
        loss += (-agreement).max(0.0) + (-agreement.abs()).exp().ln_1p();
    }
    let count = rows.len().max(1) as f64;
    (f64::from(hits) / count, loss / count)
}

/// The largest change of the score between two points closer than ε, or what it lies between.
fn largest_change(model: &Model, epsilon: &str) -> String {
    let text = format!(
        "property = 'small-neighborhood'\nepsilon = '{epsilon}'\nconstant = '1'\non = 'score'\n"
    );
    let spec = Spec::read(text.as_bytes()).expect("a spec");
    let lowered = Lowered::new(&spec, model, None, &[]).expect("a claim");
    let digest = Digest::of(text.as_bytes());
    let subject = Subject { model: (model, digest), spec: &spec, data: None, defense: None };
    let options = Options { budget_nodes: BUDGET_NODES, ..Options::default() };
    let change = Searcher::new(subject, &lowered, &[], options).largest_change(0);
    match change {
        Some(LargestChange { most, is_exact: true, .. }) => format!("{most:.3}"),
        Some(LargestChange { least, most, .. }) => format!("{} to {}", down(least, 3), up(most, 3)),
        None => "–".to_owned(),
    }
}
