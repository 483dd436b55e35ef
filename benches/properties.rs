//! Every property on our own data: `cargo bench --bench properties [-- DATA… PROPERTY…]`.
//!
//! For each data set (all that are found, unless some are named) a natural network is trained by
//! `recipes/natural-mlp.toml` with seed 0, every claim of [`claims`] (of the properties that are named,
//! if any are) is certified, and the kernel reads each certificate anew: the run ends with a panic if one
//! is not as stated. Printed are tables in Markdown, one line per claim, with the seconds of search and of
//! check on one thread: of the processor where `/proc` tells them, else of the clock.
//!
//! *Closed by* counts the proofs that stand in the certificate. `linear` has default slopes, `slopes`
//! is the linear rule with optimised slopes or those of a linear program, `split` a case
//! distinction. Counterexamples are told apart by who found them: the `attack` comes before any search.

mod measured;

use propcert::certificate::Totals;
use propcert::model::{DataSet, Model, Part};
use propcert::train::{Fit, Recipe};
use propcert::{dataset, source};

use measured::{Asked, DATA, Measured, Site, folder, on_one_thread, seconds, words};

/// Rows of the test part that claims about single rows are made for.
const ROWS: usize = 100;
/// Distinct rows whose pairs `lipschitzness` is about.
const DISTINCT: usize = 15;
/// Rows of a claim about rows and features; the features are those that the data declares monotone, in
/// whichever direction.
const ROWS_OF_FEATURES: usize = 20;
/// Cases of a case distinction per obligation.
const BUDGET_NODES: u64 = 500;
/// The same for a claim about the whole domain, which is one obligation, or one per feature.
const BUDGET_OF_DOMAIN: u64 = 5_000;

fn main() {
    on_one_thread();
    let data_sets = folder("PROPCERT_DATA");
    let is_property = |name: &String| claims(false).iter().any(|asked| asked.property == name);
    let (properties, named): (Vec<String>, Vec<String>) =
        words().into_iter().partition(is_property);
    let names = if named.is_empty() { DATA.map(str::to_owned).to_vec() } else { named.clone() };
    let start = seconds();
    let mut certificates = 0;
    for name in names {
        match source::read(&name, data_sets.as_deref()) {
            Ok(data) => certificates += examine(&name, &data, &properties),
            Err(error) if named.is_empty() => eprintln!("left out: {error}"),
            Err(error) => panic!("{error}"),
        }
    }
    println!(
        "{certificates} certificates, each as stated when the kernel read it anew; {:.0} s in all.",
        seconds() - start
    );
}

/// Trains a network on the data and prints its table; returns the number of certificates.
fn examine(name: &str, data: &DataSet, properties: &[String]) -> usize {
    let model = train(data);
    let site = Site::new(&model, data);
    let test = data.part(Part::Test).len();
    let (features, train) = (model.schema.len(), data.part(Part::Train).len());
    println!("## {name} ({features} features, {train} training rows, {test} test rows)\n");
    println!(
        "| property | settings | n | proved | refuted | undecided | vacuous | invalid | closed by | search s | check s |"
    );
    println!("|---|---|--:|--:|--:|--:|--:|--:|---|--:|--:|");
    let mut claims = claims(name == "cryptojacker");
    claims.retain(|asked| properties.is_empty() || properties.iter().any(|p| p == asked.property));
    for asked in &claims {
        println!("{}", line(asked, &site));
    }
    println!();
    claims.len()
}

fn train(data: &DataSet) -> Model {
    let recipe = Recipe::read(include_bytes!("../recipes/natural-mlp.toml")).expect("a recipe");
    let schema = dataset::schema(data).expect("the data has a schema");
    recipe.fit(&Fit::of(data, &schema, 0), &mut |_| {}).expect("the data can be trained on")
}

/// What is asked of every network: the parameters of published or expected figures where there are
/// such, else three settings from nearly vacuous to nearly always refuted.
fn claims(has_reference: bool) -> Vec<Asked> {
    let mut claims = labels_around_rows(has_reference);
    claims.extend(pairs_of_rows());
    claims.extend(close_points());
    for direction in ["increasing", "decreasing"] {
        claims.extend(monotone(direction));
    }
    for zone in ["axis", "ball"] {
        claims.extend(boundary(zone));
    }
    claims
}

fn labels_around_rows(has_reference: bool) -> Vec<Asked> {
    let asked = |(epsilon, integers)| Asked {
        property: "local-invariance",
        settings: format!("ε {epsilon}, δ 0.5, {integers}"),
        keys: format!("epsilon = '{epsilon}'\ndelta = '0.5'\nintegers = '{integers}'"),
        // the expected figures are about all rows
        rows: Some(ROWS).filter(|_| !(has_reference && epsilon == "0.3")),
    };
    let respecting = ["0.01", "0.1", "0.3"].map(|epsilon| (epsilon, "respect"));
    let relaxing = ["0.1", "0.3"].map(|epsilon| (epsilon, "relax"));
    respecting.into_iter().chain(relaxing).map(asked).collect()
}

fn pairs_of_rows() -> impl Iterator<Item = Asked> {
    let divergence = |(near, limit)| Asked {
        property: "local-invariance-t",
        settings: format!("ε₁ {near}, ε₂ {limit}"),
        keys: format!("epsilon-1 = '{near}'\nepsilon-2 = '{limit}'"),
        rows: None,
    };
    let between_boxes = |constant| Asked {
        property: "lipschitzness",
        settings: format!("ε 0.1, L {constant}"),
        keys: format!("epsilon = '0.1'\nconstant = '{constant}'"),
        rows: Some(DISTINCT),
    };
    let between_rows = |constant| Asked {
        property: "lipschitzness-t",
        settings: format!("L {constant}"),
        keys: format!("constant = '{constant}'"),
        rows: None,
    };
    let divergences = [("0.3", "3"), ("1", "0.1"), ("3", "0.001")].map(divergence);
    let boxes = ["3", "1", "0.3"].map(between_boxes);
    divergences.into_iter().chain(boxes).chain(["3", "0.5", "0.05"].map(between_rows))
}

/// Posteriors are at most √2 apart, so that Lε > √2 holds of every network.
fn close_points() -> impl Iterator<Item = Asked> {
    let settings = [("0.1", "14.2"), ("0.001", "1000"), ("0.001", "50"), ("0.1", "1")];
    settings.into_iter().map(|(epsilon, constant)| Asked {
        property: "small-neighborhood",
        settings: format!("ε {epsilon}, L {constant}"),
        keys: format!("epsilon = '{epsilon}'\nconstant = '{constant}'"),
        rows: None,
    })
}

/// How far around rows a claim is made, as shown and as keys of the spec; `None`: on the domain.
fn scope(name: &str, key: &str, length: Option<&str>) -> (String, String) {
    match length {
        Some(length) => {
            (format!("local {name} {length}"), format!("scope = 'local'\n{key} = '{length}'"))
        }
        None => ("domain".to_owned(), "scope = 'domain'".to_owned()),
    }
}

fn monotone(direction: &'static str) -> impl Iterator<Item = Asked> {
    [Some("0.01"), Some("0.1"), Some("1"), None].into_iter().map(move |epsilon| {
        let (around, keys) = scope("ε", "epsilon", epsilon);
        Asked {
            property: "monotonicity",
            settings: format!("{direction}, {around}"),
            keys: format!("direction = '{direction}'\n{keys}"),
            rows: epsilon.map(|_| ROWS_OF_FEATURES),
        }
    })
}

fn boundary(zone: &'static str) -> impl Iterator<Item = Asked> {
    let settings = [
        (Some("0.05"), "0.01", "0.1"),
        (Some("0.3"), "0.1", "0.1"),
        (Some("0.3"), "0.3", "0.001"),
        (None, "0.01", "5"),
        (None, "0.1", "0.1"),
    ];
    settings.into_iter().map(move |(radius, shift, epsilon)| {
        let (around, keys) = scope("radius", "radius", radius);
        Asked {
            property: "boundary-fuzz",
            settings: format!("{zone}, {around}, Δ {shift}, ε {epsilon}"),
            keys: format!("zone = '{zone}'\nshift = '{shift}'\nepsilon = '{epsilon}'\n{keys}"),
            rows: radius.map(|_| ROWS),
        }
    })
}

/// Certifies one claim, has the kernel read the certificate, and shows both.
fn line(asked: &Asked, site: &Site) -> String {
    let features = match asked.property {
        "monotonicity" => {
            let declared = site.data.meta().monotone.keys().map(|name| format!("'{name}'"));
            let declared: Vec<String> = declared.collect();
            format!("features = [{}]\n", declared.join(", "))
        }
        _ => String::new(),
    };
    let spec = asked.spec(&features);
    let budget = if spec.property.is_about_rows() { BUDGET_NODES } else { BUDGET_OF_DOMAIN };
    let Measured { totals, rungs, search, check, .. } = site.measure(asked, &features, budget);
    let Totals { proved, refuted, undecided, vacuous, invalid } = totals;
    let Asked { property, settings, .. } = asked;
    format!(
        "| {property} | {settings} | {} | {proved} | {refuted} | {undecided} | {vacuous} | {invalid} | {rungs} | {search:.2} | {check:.2} |",
        totals.n()
    )
}
