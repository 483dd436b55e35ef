//! What is asked of every ensemble.

use propcert::model::DataSet;

use crate::measured::Asked;

/// Rows of the test part of `local-invariance`.
pub const ROWS: usize = 50;
/// Rows of the other claims around rows.
pub const FEWER_ROWS: usize = 20;
/// Distinct rows whose pairs `lipschitzness` is about: 190 pairs.
pub const DISTINCT: usize = 20;
/// First rows of the training part whose pairs the `-t` properties are about.
pub const ROWS_OF_PAIRS: usize = 2_000;
/// First features that may change, one at a time or two neighbours at once.
pub const CHANGED: usize = 20;

/// The property, how its settings are shown, keys of its spec, and rows.
type Line = (&'static str, String, String, Option<usize>);

/// All claims: three settings or more of every property, from easily met to mostly refuted.
pub fn claims(data: &DataSet) -> Vec<Asked> {
    let width = data.meta().features.len();
    let mut lines: Vec<Line> = Vec::new();
    lines.extend(around_rows());
    lines.extend(pairs_of_rows());
    lines.extend(close_points());
    lines.extend(monotone(data));
    lines.extend(["axis", "ball"].into_iter().flat_map(boundary));
    lines.extend(changed_features(width.min(CHANGED)));
    let asked = |(property, settings, keys, rows)| Asked { property, settings, keys, rows };
    lines.into_iter().map(asked).collect()
}

fn around_rows() -> impl Iterator<Item = Line> {
    ["0.01", "0.05", "0.2"].into_iter().map(|epsilon| {
        let keys = format!("epsilon = '{epsilon}'\ndelta = '0.5'");
        ("local-invariance", format!("ε {epsilon}, δ 0.5"), keys, Some(ROWS))
    })
}

fn pairs_of_rows() -> impl Iterator<Item = Line> {
    let divergence = |(near, limit)| {
        let keys = format!("epsilon-1 = '{near}'\nepsilon-2 = '{limit}'");
        ("local-invariance-t", format!("ε₁ {near}, ε₂ {limit}"), keys, Some(ROWS_OF_PAIRS))
    };
    let boxes = |constant| {
        let keys = format!("epsilon = '0.1'\nconstant = '{constant}'");
        ("lipschitzness", format!("ε 0.1, L {constant}"), keys, Some(DISTINCT))
    };
    let rows = |constant| {
        let keys = format!("constant = '{constant}'");
        ("lipschitzness-t", format!("L {constant}"), keys, Some(ROWS_OF_PAIRS))
    };
    let divergences = [("0.3", "3"), ("1", "0.1"), ("3", "0.001")].map(divergence);
    divergences
        .into_iter()
        .chain(["3", "1", "0.3"].map(boxes))
        .chain(["3", "0.5", "0.05"].map(rows))
}

/// Posteriors are at most √2 apart, so that Lε > √2 holds of every model.
fn close_points() -> impl Iterator<Item = Line> {
    let settings = [
        ("posterior", "0.1", "14.2"),
        ("posterior", "0.1", "12"),
        ("posterior", "0.01", "50"),
        ("score", "0.1", "200"),
        ("score", "0.1", "80"),
        ("score", "0.01", "300"),
    ];
    settings.into_iter().map(|(on, epsilon, constant)| {
        let keys = format!("on = '{on}'\nepsilon = '{epsilon}'\nconstant = '{constant}'");
        ("small-neighborhood", format!("{on}, ε {epsilon}, L {constant}"), keys, None)
    })
}

/// Every feature in the direction that the data declares; where none is declared, all as increasing.
fn monotone(data: &DataSet) -> Vec<Line> {
    let declared = &data.meta().monotone;
    let mut lines = Vec::new();
    for direction in ["increasing", "decreasing"] {
        let named = declared.iter().filter(|(_, to)| *to == direction);
        let named: Vec<String> = named.map(|(name, _)| format!("'{name}'")).collect();
        let features = match (declared.is_empty(), named.is_empty()) {
            (false, false) => named.join(", "),
            (true, _) if direction == "increasing" => indexes(data.meta().features.len()),
            _ => continue,
        };
        let mut add = |around: &str, keys: &str, rows| {
            let keys = format!("features = [{features}]\ndirection = '{direction}'\n{keys}");
            lines.push(("monotonicity", format!("{direction}, {around}"), keys, rows));
        };
        add("local ε 0.1", "scope = 'local'\nepsilon = '0.1'", Some(FEWER_ROWS));
        add("local ε 1", "scope = 'local'\nepsilon = '1'", Some(FEWER_ROWS));
        add("domain", "scope = 'domain'", None);
    }
    lines
}

fn boundary(zone: &'static str) -> impl Iterator<Item = Line> {
    let settings = [
        (Some("0.05"), "0.01", "0.1"),
        (Some("0.3"), "0.1", "0.1"),
        (None, "0.01", "5"),
        (None, "0.1", "0.1"),
    ];
    settings.into_iter().map(move |(radius, shift, epsilon)| {
        let (around, scope) = match radius {
            Some(radius) => {
                (format!("local radius {radius}"), format!("scope = 'local'\nradius = '{radius}'"))
            }
            None => ("domain".to_owned(), "scope = 'domain'".to_owned()),
        };
        let settings = format!("{zone}, {around}, Δ {shift}, ε {epsilon}");
        let keys = format!("zone = '{zone}'\nshift = '{shift}'\nepsilon = '{epsilon}'\n{scope}");
        ("boundary-fuzz", settings, keys, radius.map(|_| FEWER_ROWS))
    })
}

/// One feature of the first ones changed at a time, or two neighbours of them at once.
fn changed_features(count: usize) -> Vec<Line> {
    let features = indexes(count);
    let stable = |(on, bound)| {
        let keys = format!("features = [{features}]\non = '{on}'\nbound = '{bound}'");
        ("stability", format!("{on}, bound {bound}"), keys, None)
    };
    let confident = |confidence| {
        let keys = format!("features = [{features}]\nconfidence = '{confidence}'\ncutoff = '0.5'");
        ("high-confidence", format!("confidence {confidence}, cutoff 0.5"), keys, None)
    };
    let groups: Vec<String> =
        (0..count / 2).map(|k| format!("[{}, {}]", 2 * k, 2 * k + 1)).collect();
    let groups = groups.join(", ");
    let redundant = |confidence| {
        let keys = format!("groups = [{groups}]\nconfidence = '{confidence}'\ncutoff = '0.5'");
        ("redundancy", format!("confidence {confidence}, cutoff 0.5"), keys, None)
    };
    let bounds = [("score", "2"), ("score", "8"), ("posterior", "0.5")];
    bounds
        .map(stable)
        .into_iter()
        .chain(super::CONFIDENCES.map(confident))
        .chain(super::CONFIDENCES.map(redundant))
        .collect()
}

fn indexes(count: usize) -> String {
    (0..count).map(|index| index.to_string()).collect::<Vec<_>>().join(", ")
}
