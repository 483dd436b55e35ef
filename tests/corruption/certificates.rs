//! Certificates of small models, one or more for every rule, with everything they are about and
//! the truth of every obligation.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use propcert::certificate::{
    Arithmetic, Cases, CheckError, Checked, Cut, Entry, Header, Hint, Kernel, Leaf, LeafHint, Line,
    Proof, Settings, SplitTree, Step, Subject, Totals, Verdict, check_file,
};
use propcert::defense::Defense;
use propcert::model::{CsvFile, DataSet, Digest, Kind, Model, Part, Point, Row};
use propcert::spec::{Claim, Integers, Lowered, Property, Spec};

use crate::cases::forests::full_pairs;
use crate::cases::{self, halves, leaf, mlp, uniform_hint};
use crate::models::{
    folded_ensemble, folded_network, ridge_network, rising_network, scaled_network, small_ensemble,
    small_network, three_classes, three_outputs, with_upper_tie, with_whole,
};
use crate::said::{Said, said};
use crate::truth::is_true;
use crate::two_points::{Pair, is_witness, pairs};

/// A certificate with everything it is about.
#[derive(Clone)]
pub struct Certified {
    pub name: &'static str,
    pub model: Model,
    pub spec: Spec,
    pub spec_text: String,
    pub data: DataSet,
    pub defense: Option<Defense>,
    pub header: Header,
    pub lines: Vec<Line>,
    /// How many of the first rows it is about, at most.
    pub most: usize,
    /// As the file states them.
    pub totals: Totals,
    /// Per obligation; of a claim about all pairs of rows, whether each pair does not violate it.
    pub truths: Vec<bool>,
    /// What is true of each pair of rows, if the claim is about all of them.
    pub pairs: Vec<(usize, usize, Pair)>,
}

const META: &str = r#"{"name":"made","label":"y","features":["x0","x1"],"kinds":["real","real"],
"ranges":[["-4","4"],["-4","4"]],"files":{"train":"train.csv"},"synthetic":true}"#;

/// 40 rows on a quarter grid, labels from the model except for every ninth.
fn rows(model: &Model) -> Vec<(Vec<f64>, usize)> {
    let row = |k: u32| {
        let mut values = vec![f64::from(k % 8) / 2.0 - 1.75, f64::from(k / 8) / 2.0 - 1.25];
        for (value, feature) in values.iter_mut().zip(model.schema.features()) {
            if feature.kind == Kind::Integer {
                *value = value.round() + 0.0;
            }
        }
        let label = (model.label(&values) + usize::from(k.is_multiple_of(9))) % model.classes;
        (values, label)
    };
    (0..40).map(row).collect()
}

/// A data set of these rows and labels.
pub fn data(rows: &[(Vec<f64>, usize)]) -> DataSet {
    let lines = rows.iter().map(|(x, label)| format!("{},{},{label}\n", x[0], x[1]));
    let csv = "x0,x1,y\n".to_owned() + &lines.collect::<String>();
    let files = [CsvFile { name: "train.csv", bytes: csv.as_bytes() }];
    DataSet::read(META.as_bytes(), &files).unwrap()
}

pub fn poisoning(model: &Model, alpha: &str) -> Defense {
    let target = Digest::of(model.to_json().as_bytes());
    Defense::prediction_poisoning(target, alpha.parse().unwrap()).unwrap()
}

/// The parameters of a map of each kind and form but poisoning.
pub const MAPS: [&str; 12] = [
    r#""kind":"adaptive-misinformation","nu":"8","tau":"0.7","decoy":"uniform""#,
    r#""kind":"adaptive-misinformation","nu":"1000","tau":"0.6","decoy":"mirror""#,
    r#""kind":"adaptive-misinformation","nu":"50","tau":"0.55","decoy":"KEY""#,
    r#""kind":"mixture","alpha":"0.25","eta":["0.5","0.5"]"#,
    r#""kind":"mixture","alpha":"0.125","eta":["0.75","0.25"]"#,
    r#""kind":"rounding","digits":1"#,
    r#""kind":"rounding","digits":3"#,
    r#""kind":"boundary-randomised-response","epsilon":"1","confidence":"0.6","cell":"0.25","units":"raw","key":"KEY""#,
    r#""kind":"vertex-poisoning","alpha":"0.1","vertex":"random","seed":1"#,
    r#""kind":"vertex-poisoning","budget":"0.125","norm":"l1","vertex":"gradient","seed":1"#,
    r#""kind":"vertex-poisoning","budget":"0.125","norm":"l2","vertex":"keeping","seed":1"#,
    r#""kind":"boundary-randomised-response","epsilon":"1","shift":"0.25","norm":"linf","cell":"0.25","units":"raw","key":"KEY""#,
];

/// Names of controls behind the maps that keep labels.
const BEHIND: [&str; 11] = [
    "behind an even decoy",
    "behind a mirror",
    "behind a decoy that is a model",
    "behind an even mixture",
    "behind a mixture",
    "behind one digit",
    "behind three digits",
    "behind a band of draws",
    "behind vertices",
    "behind vertices on a budget",
    "behind vertices that keep labels",
];

/// A map of [`MAPS`] in front of a model.
pub fn map_of(model: &Model, map: &str) -> Defense {
    let target = Digest::of(model.to_json().as_bytes());
    let map = map.replace("KEY", &Digest::of(b"key").to_string());
    let text = format!("{{\"format\":\"defense/1\",\"target\":\"{target}\",{map}}}");
    Defense::read(text.as_bytes()).unwrap()
}

fn folded_proofs() -> [Vec<Proof>; 2] {
    let slopes = Hint { slopes: vec![(0, 0, 0.5)], ..Hint::default() };
    // on the low side intervals are enough, on the high side they are not
    let cut = |at| Step::Cut { cut: Cut::Input { copy: 0, feature: 0, at }, refresh: None };
    let [low, high] = [Leaf::Interval, Leaf::Linear].map(leaf);
    let steps = vec![cut(0.0), cut(-0.5), low.clone(), low, high];
    let cases = Proof::split(SplitTree::new(steps).unwrap(), Vec::new());
    [vec![Proof::linear(vec![slopes])], vec![cases]]
}

/// The first proof of a list that decides obligation `at`; else a witness; else nothing.
fn prove(kernel: &Kernel, at: usize, offered: &[Proof], witnesses: &[Vec<Vec<String>>]) -> Proof {
    let clears = |proof: &Proof| matches!(kernel.check(at, proof), Ok(Verdict::Proved(_)));
    if let Some(proof) = offered.iter().find(|proof| clears(proof)) {
        return proof.clone();
    }
    if let Some(pairs) = kernel.pairs() {
        let mut witnesses = Vec::new();
        pairs.count(&mut witnesses);
        witnesses.truncate(5);
        return Proof::AllPairs { witnesses };
    }
    let witnesses = witnesses.iter().map(|w| Proof::Counterexample { points: w.clone() });
    let refutes = |proof: &Proof| matches!(kernel.check(at, proof), Ok(Verdict::Refuted(_)));
    witnesses.into_iter().find(refutes).unwrap_or(Proof::None)
}

/// A grid on the region, as witnesses of one point or of a pair.
fn candidates(lowered: &Lowered, at: usize) -> Vec<Vec<Vec<String>>> {
    let obligation = lowered.obligation(at).unwrap();
    let ends: Vec<(f64, f64)> =
        obligation.region.sides().iter().map(|(a, b)| (a.up(), b.down())).collect();
    let along =
        |(low, high): (f64, f64)| (0..=4).map(move |k| low + (high - low) * f64::from(k) / 4.0);
    if ends.is_empty() {
        return Vec::new();
    }
    let points: Vec<[f64; 2]> =
        along(ends[0]).flat_map(|a| along(ends[1]).map(move |b| [a, b])).collect();
    if let Claim::Avoid { copies: 2, .. } = &obligation.claim {
        let others = along(ends[2]).flat_map(|a| along(ends[3]).map(move |b| [a, b]));
        let others: Vec<[f64; 2]> = others.collect();
        let pairs = points.iter().flat_map(|x| others.iter().map(move |y| [x, y]));
        return pairs.map(|pair| pair.map(|x| Point::texts(x)).to_vec()).collect();
    }
    match said(&obligation.claim) {
        Said::Near { reach, .. } => {
            let moved = |x: &[f64; 2]| vec![x[0] + 0.999 * reach[0].down(), x[1]];
            points.iter().map(|x| vec![Point::texts(x), Point::texts(&moved(x))]).collect()
        }
        Said::Lipschitz { boxes, .. } => {
            let ends = boxes.each_ref().map(|part| {
                let sides = part.sides().iter();
                sides.map(|(low, high)| [low.up(), high.down()]).collect::<Vec<_>>()
            });
            let corners = |part: &[[f64; 2]]| {
                let [a, b] = [part[0], part[1]];
                a.map(|x| b.map(|y| vec![x, y])).concat()
            };
            let [first, second] = ends.each_ref().map(|part| corners(part));
            let pairs = first.iter().flat_map(|a| second.iter().map(move |b| [a, b]));
            pairs.map(|pair| pair.map(|x| Point::texts(x)).to_vec()).collect()
        }
        Said::Monotone { feature, .. } => {
            let pair = |x: &[f64; 2]| {
                let mut next = *x;
                next[feature.0] = ends[feature.0].1;
                vec![Point::texts(x), Point::texts(&next)]
            };
            points.iter().map(pair).collect()
        }
        Said::Fuzz { shifts, is_ball: true, .. } => {
            let corners = [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)];
            let pair = |x: &[f64; 2], (a, b): (f64, f64)| {
                let moved = [x[0] + a * shifts[0].down(), x[1] + b * shifts[1].down()];
                vec![Point::texts(x), Point::texts(&moved)]
            };
            points.iter().flat_map(|x| corners.map(|corner| pair(x, corner))).collect()
        }
        _ => points.iter().map(|x| vec![Point::texts(x)]).collect(),
    }
}

fn certify(name: &'static str, model: Model, text: &str, offered: &[Proof]) -> Certified {
    certify_behind(name, model, None, text, offered)
}

fn certify_behind(
    name: &'static str,
    model: Model,
    defense: Option<Defense>,
    text: &str,
    offered: &[Proof],
) -> Certified {
    let spec = cases::spec(text);
    let data = data(&rows(&model));
    let rows = rows_of(&spec, &data, usize::MAX);
    let lowered = Lowered::new(&spec, &model, defense.as_ref(), rows).unwrap();
    let kernel = Kernel::new(&model, &lowered, Arithmetic::Rounded);
    let lines = (0..lowered.len())
        .map(|at| Line { at, proof: prove(&kernel, at, offered, &candidates(&lowered, at)) })
        .collect();
    let mut certified = state(name, model, defense, text, (data, usize::MAX), lines);
    let checked = certified.check(&certified.text(), Arithmetic::Rounded).unwrap();
    certified.totals = checked.tally.all;
    certified
}

/// These lines as a certificate with empty totals.
pub fn state(
    name: &'static str,
    model: Model,
    defense: Option<Defense>,
    text: &str,
    (data, most): (DataSet, usize),
    lines: Vec<Line>,
) -> Certified {
    let spec = cases::spec(text);
    let is_about_rows = spec.property.is_about_rows();
    let rows = rows_of(&spec, &data, most);
    let lowered = Lowered::new(&spec, &model, defense.as_ref(), rows).unwrap();
    let header = Header {
        schema: "certificate/1".to_owned(),
        tool: "corruption lanes".to_owned(),
        model: Digest::of(model.to_json().as_bytes()),
        spec: Digest::of(text.as_bytes()),
        data: is_about_rows.then(|| data.digest()),
        part: is_about_rows.then_some(Part::Train),
        every: None,
        rows: is_about_rows.then_some(spec.property.count_of(rows)),
        semantics: lowered.semantics(),
        integers: Integers::Respect,
        budget: propcert::certificate::Budget { nodes: 1, seed: 0 },
        defense: defense.as_ref().map(digest_of),
    };
    let (spec_text, totals) = (text.to_owned(), Totals::default());
    let (truths, pairs) = (Vec::new(), Vec::new());
    let mut certified = Certified {
        name,
        model,
        spec,
        spec_text,
        data,
        defense,
        header,
        lines,
        most,
        totals,
        truths,
        pairs,
    };
    certified.find_truths();
    certified
}

/// The rows that the obligations are about: all of the part, or its first few where pairs are.
fn rows_of<'a>(spec: &Spec, data: &'a DataSet, most: usize) -> &'a [Row] {
    let rows = data.part(Part::Train);
    let most = match &spec.property {
        Property::Lipschitzness(_) => most.min(5),
        Property::LipschitznessT(_) | Property::LocalInvarianceT(_) => most.min(12),
        property if property.is_about_rows() => most,
        _ => return &[],
    };
    let count = spec.property.count_of(rows).min(most);
    spec.property.first_rows(rows, Some(count)).unwrap()
}

fn digest_of(defense: &Defense) -> Digest {
    Digest::of(defense.to_json().as_bytes())
}

fn network_proofs(model: &Model) -> Vec<Proof> {
    let hint = |slope| vec![uniform_hint(mlp(model), slope)];
    let mut hints = hint(0.5);
    hints.extend(hint(0.25));
    let leaf = Step::Leaf { leaf: Leaf::Linear, refresh: Some(0), hint: Some(0) };
    // most rows are cut where they are not, and then go on to the next proof
    let cuts = (-8..=8).map(|k| {
        let cut = Step::Cut {
            cut: Cut::Input { copy: 0, feature: 0, at: f64::from(k) / 4.0 },
            refresh: None,
        };
        let tree = SplitTree::new(vec![cut, leaf.clone(), leaf.clone()]).unwrap();
        Proof::split(tree, hints.iter().cloned().map(LeafHint::Shared).collect())
    });
    let mut proofs = vec![Proof::linear(hint(0.5))];
    proofs.extend(cuts);
    proofs.extend([Proof::linear(Vec::new()), Proof::interval()]);
    proofs
}

fn cell_splits() -> Vec<Proof> {
    let cut =
        |feature, number| Step::Cut { cut: Cut::Cell { copy: 0, feature, number }, refresh: None };
    let proof = |steps| Proof::split(SplitTree::new(steps).unwrap(), Vec::new());
    let box_ = || leaf(Leaf::Interval);
    let pairs = (0..2).flat_map(|f| (0..2).map(move |k| (f, k)));
    let nested = vec![cut(0, 0), box_(), cut(0, 1), box_(), box_()];
    std::iter::once(proof(nested))
        .chain(pairs.map(|(f, k)| proof(vec![cut(f, k), box_(), box_()])))
        .collect()
}

/// Both stumps of the folded ensemble give way to each other between their cuts: the bound is ½ for label 1.
fn shares() -> Proof {
    let unit = 1 << 20;
    Proof::TreeDual { shifts: vec![vec![(0, 0, 0, -2 * unit), (1, 0, 1, 2 * unit)]] }
}

/// Four corners, and the box around them: some corners lie beyond a ball that the box around it meets.
fn corners() -> Vec<Proof> {
    let cut =
        |feature, number| Step::Cut { cut: Cut::Cell { copy: 0, feature, number }, refresh: None };
    let box_ = || leaf(Leaf::Interval);
    let corner = |(k, l): (usize, usize)| {
        let steps = vec![cut(0, k), cut(1, l), box_(), box_(), cut(1, l), box_(), box_()];
        Proof::split(SplitTree::new(steps).unwrap(), Vec::new())
    };
    (0..2).flat_map(|k| (0..2).map(move |l| (k, l))).map(corner).collect()
}

/// A case for each sign of the first neuron, of one copy or of two; the signs count with multiplier 1
/// where `neurons` names them.
pub fn signed_cases(tree: &str, neurons: &[usize]) -> Proof {
    let split = neurons.iter().map(|&neuron| (0, neuron, 1.0)).collect();
    let hint = LeafHint::Shared(Hint { split, ..Hint::default() });
    Proof::split(SplitTree::parse(tree).unwrap(), vec![hint])
}

/// Four boxes around places of the plane, and the blocks that they must not reach.
fn region(copies: usize, blocks: &str, rows: &str) -> String {
    let boxes = [(-1.5, 0.5), (0.25, 1.0), (-0.5, -0.75), (1.5, 1.5)].map(|(x, y)| {
        let side = |at: f64| format!("['{}', '{}']", at - 0.375, at + 0.375);
        // of two copies only the first inputs are free
        let height = if copies == 1 { side(y) } else { format!("['{y}', '{y}']") };
        format!("[[input]]\nbox = [{}, {height}]\n{rows}\n", side(x))
    });
    let copies = if copies == 1 { "" } else { "copies = 2\n" };
    format!(
        "property = 'output-region'\nunits = 'raw'\n{copies}unsafe = {blocks}\n{}",
        boxes.concat()
    )
}

fn region_proofs(copies: usize) -> Vec<Proof> {
    let plain = Hint { slopes: vec![(0, 0, 0.5)], ..Hint::default() };
    // two rows of the first block, one of the second
    let weighted = |first: [f64; 2]| {
        Proof::linear(
            [first.to_vec(), vec![1.0]].map(|weights| Hint { weights, ..plain.clone() }).to_vec(),
        )
    };
    let [one, two] = [&[0][..], &[0, if copies == 1 { 1 } else { 3 }]];
    let mut proofs = Vec::new();
    if copies == 2 {
        proofs.push(signed_cases("r0.0 1/r0.0 L#0 L#0 1/r0.0 L#0 L#0", two));
    } else {
        proofs.extend([weighted([1.0, 0.5]), weighted([0.25, 1.0])]);
        proofs.push(signed_cases("r0.0 r0.1!0 L#0 L L#0", two));
    }
    proofs.push(signed_cases("r0.0 L#0 L#0", one));
    proofs.extend([Proof::linear(vec![plain]), Proof::interval()]);
    proofs
}

/// Claims about output regions, and about two points.
fn certificates_of_points_and_regions() -> Vec<Certified> {
    let single = "[[{y = ['-1', '1'], rhs = '0.25'}]]";
    let double = "[[{y = ['1', '0'], rhs = '-0.25'}, {y = ['0', '1'], rhs = '0.5'}], \
                  [{y = ['0', '-1'], rhs = '-1.5'}]]";
    let paired = "[[{y = ['-1', '1', '1', '-1'], rhs = '-1.75'}]]";
    let below = "rows = [{x = ['1', '1'], rhs = '1.25'}]";
    let rising = "rows = [{x = ['1', '0', '-1', '0'], rhs = '0'}]";
    let bound = "rows = [{x = ['-1', '0', '1', '0'], rhs = '0.25'}, {x = ['2', '0', '-2', '0'], rhs = '0'}]";
    let moved = "[[{y = ['-1', '1', '1', '-1'], rhs = '-0.75'}]]";
    let ridge = "property = 'label'\nepsilon = '0.75'\nsemantics = 'real'\n";
    let near = "property = 'small-neighborhood'\nepsilon = '0.25'\nconstant = '2.75'\n[domain]\n\
                x0 = ['-2', '2']\nx1 = ['-2', '2']\n";
    let score = near.replace("[domain]", "on = 'score'\n[domain]").replace("2.75", "7.5");
    let far = "property = 'lipschitzness'\nepsilon = '0.125'\nconstant = '0.9'\n";
    let rows = "property = 'lipschitzness-t'\nconstant = '0.125'\n";
    let divergence = "property = 'local-invariance-t'\nepsilon-1 = '1.25'\nepsilon-2 = '0.125'\n";
    let jacobians = ["J", "i0:0x0p0 J J", "r0.0 J J", "r0.0 i1:0x0p0 J J r0.1 J J"]
        .map(|tree| Proof::split(SplitTree::parse(tree).unwrap(), Vec::new()));
    let parts = ["i0:0x0p0 i1:0x0p0 L L i1:0x0p0 L L", "i1:0x0p0 L i0:-0x1p-1 L L"];
    let changes = parts.map(|tree| Proof::split(SplitTree::parse(tree).unwrap(), Vec::new()));
    let closer = near.replace("2.75", "2.5");
    let [one, two] = [1, 2].map(region_proofs);
    // the hints of two blocks, with a little of the condition each
    let conditioned: Vec<Proof> = one
        .iter()
        .cloned()
        .map(|mut proof| {
            if let Proof::Cases(Cases { hints, .. }) = &mut proof
                && let [LeafHint::PerRow(hints)] = hints.as_mut_slice()
            {
                hints.iter_mut().for_each(|hint| hint.conditions = vec![(0, 1.0 / 1024.0)]);
            }
            proof
        })
        .collect();
    let bounds = [
        Proof::linear(Vec::new()),
        signed_cases("i0:0x0p0 L#0 1/r0.0 L L", &[0]),
        signed_cases("1/r0.1 L L#0", &[4]),
    ];
    let net = small_network;
    let mut points = vec![Proof::Range];
    points.extend(jacobians);
    points.push(Proof::jacobian());
    vec![
        certify("network, region", net(), &region(1, single, ""), &one),
        certify("network, region of two blocks", net(), &region(1, double, below), &one),
        certify("network, region with a row", net(), &region(1, double, below), &conditioned),
        certify("network, region of two copies", net(), &region(2, paired, rising), &two),
        certify("network, bound copies", net(), &region(2, moved, bound), &bounds),
        certify("network, signs", ridge_network(), ridge, &[signed_cases("r0.0 L#0 L#0", &[0])]),
        certify("network, near", net(), near, &points),
        certify("network, near on the score", net(), &score, &points),
        certify("network, changes", net(), near, &[Proof::difference()]),
        certify("network, changes of the score", net(), &score, &[Proof::difference()]),
        certify("network, changes box by box", net(), &closer, &changes[..1]),
        certify("network, whole changes", with_whole(net()), &closer, &changes[1..]),
        certify("network, boxes of two rows", net(), far, &points),
        certify("network, pairs of rows", net(), rows, &[]),
        certify("network, divergences of rows", net(), divergence, &[]),
    ]
}

/// The controls, made once.
pub fn certificates() -> &'static [Certified] {
    static CONTROLS: LazyLock<Vec<Certified>> = LazyLock::new(controls);
    &CONTROLS
}

fn controls() -> Vec<Certified> {
    let label = "property = 'label'\nepsilon = '0.25'\nsemantics = 'real'\n";
    let wide = "property = 'label'\nepsilon = '0.75'\nsemantics = 'real'\n";
    let invariance = "property = 'local-invariance'\nepsilon = '0.125'\ndelta = '0.5'\n";
    let rising = "property = 'monotonicity'\nfeatures = [0, 1]\ndirection = 'increasing'\n";
    let local = "property = 'monotonicity'\nscope = 'local'\nepsilon = '0.25'\nfeatures = [0]\n\
                 direction = 'increasing'\n";
    let fuzz = "property = 'boundary-fuzz'\nscope = 'local'\nradius = '0.25'\nshift = '0.25'\n\
                epsilon = '0.1'\n";
    let split_jacobian =
        Proof::split(halves(0, 0.0, None, Leaf::Jacobian, Leaf::Jacobian), Vec::new());
    let and_interval = |mut proofs: Vec<Proof>| {
        proofs.push(Proof::interval());
        proofs
    };
    let cut = Step::Cut { cut: Cut::Cell { copy: 0, feature: 1, number: 0 }, refresh: None };
    let tree = SplitTree::new(vec![cut, leaf(Leaf::Interval), leaf(Leaf::Interval)]).unwrap();
    let jumps = [Proof::jumps(BTreeMap::from([(0, tree)])), Proof::jumps(BTreeMap::new())];
    let predicted = format!("{label}label = 'predicted'\n");
    let whole = "property = 'label'\nepsilon = '1'\nsemantics = 'real'\nunits = 'raw'\n";
    let ball = format!("{fuzz}zone = 'ball'\nzone-norm = 'linf'\n");
    let tree = SplitTree::parse("1/i0:0x0p0 F F").unwrap();
    let cut_partners = Proof::split(tree, Vec::new());
    let half =
        "property = 'local-invariance'\nepsilon = '0.125'\ndelta = '0.5'\nsemantics = 'real'\n";
    let small_ball = |norm: &str| {
        format!("property = 'label'\nepsilon = '1.25'\nnorm = '{norm}'\nsemantics = 'real'\n")
    };
    let whole_ball = small_ball("l2") + "units = 'raw'\n";
    let (net, trees) = (small_network, small_ensemble);
    let weak = |model: &Model| Some(poisoning(model, "0.1"));
    let proofs = network_proofs(&net());
    let cells = and_interval(cell_splits());
    let [slopes, cases] = folded_proofs();
    let folded = "property = 'label'\nepsilon = '2.5'\nsemantics = 'real'\n";
    let mut all = vec![
        certify("network, label", net(), label, &proofs),
        certify("network, wide label", net(), wide, &proofs),
        certify("network, slopes", folded_network(), folded, &slopes),
        certify("network, cases", folded_network(), folded, &cases),
        certify("network, served", net(), invariance, &proofs),
        certify(
            "network, monotone",
            rising_network(),
            rising,
            &[split_jacobian, Proof::jacobian()],
        ),
        certify("network, local monotone", net(), local, &[Proof::jacobian()]),
        certify("network, fuzz", net(), fuzz, &[Proof::fuzz()]),
        certify("ensemble, label", trees(), label, &cells),
        certify("ensemble, wide label", trees(), wide, &cells),
        certify("ensemble, cases", folded_ensemble(), folded, &cells),
        certify("ensemble, served", trees(), invariance, &cells),
        certify("ensemble, shares", folded_ensemble(), folded, &[shares()]),
        certify("ensemble, monotone", trees(), rising, &jumps),
        certify("ensemble, local monotone", trees(), local, &jumps),
        certify("ensemble, fuzz", trees(), fuzz, &[Proof::tree_pairs(BTreeMap::new())]),
        certify("network, scaled", scaled_network(), label, &proofs),
        certify("network, scaled and served", scaled_network(), invariance, &proofs),
        certify("network, scaled fuzz", scaled_network(), fuzz, &[Proof::fuzz()]),
        certify("network, whole", with_whole(net()), whole, &proofs),
        certify("ensemble, whole", with_whole(trees()), whole, &cells),
        certify("ensemble, whole monotone", with_whole(trees()), rising, &jumps),
        certify("network, three classes", three_classes(), invariance, &proofs),
        certify("network, three classes, label", three_classes(), label, &proofs),
        certify("ensemble, three classes", three_outputs(), invariance, &cells),
        certify("network, upper tie", with_upper_tie(net()), label, &proofs),
        certify("ensemble, upper tie", with_upper_tie(trees()), label, &cells),
        certify("network, ball", rising_network(), &ball, &[Proof::fuzz()]),
        certify("network, cut ball", folded_network(), &ball, &[Proof::fuzz(), cut_partners]),
        certify("network, predicted", net(), &predicted, &proofs),
        certify("ensemble, predicted", trees(), &predicted, &cells),
        certify_behind("network, poisoned", net(), weak(&net()), label, &proofs),
        certify_behind("network, poisoned invariance", net(), weak(&net()), half, &proofs),
        certify_behind("ensemble, poisoned", trees(), weak(&trees()), label, &cells),
        certify("ensemble, l1 ball", trees(), &small_ball("l1"), &corners()),
        certify("ensemble, l2 ball", trees(), &small_ball("l2"), &corners()),
        certify("ensemble, ball of whole numbers", with_whole(trees()), &whole_ball, &corners()),
    ];
    // the last map keeps nothing, so no control is behind it
    for (name, map) in BEHIND.into_iter().zip(MAPS) {
        let [on_network, on_trees] = [net(), trees()].map(|model| Some(map_of(&model, map)));
        all.push(certify_behind(name, net(), on_network.clone(), label, &proofs));
        all.push(certify_behind(name, trees(), on_trees, label, &cells));
        if !map.contains("randomised") {
            all.push(certify_behind(name, net(), on_network, half, &proofs));
        }
    }
    all.extend(certificates_of_points_and_regions());
    all.extend(certificates_of_twins());
    all
}

/// Claims about two points of an ensemble: with every cut, with none, and some pairs that may violate them.
fn certificates_of_twins() -> Vec<Certified> {
    let near = "property = 'small-neighborhood'\nepsilon = '0.25'\nconstant = '7'\non = 'score'\n";
    let close = "property = 'small-neighborhood'\nepsilon = '0.25'\nconstant = '2.6'\n";
    let stable = "property = 'stability'\nfeatures = [0, 1]\nbound = '1.5'\n";
    let sure = "property = 'high-confidence'\nfeatures = [1, 0]\nconfidence = '0.6'\ncutoff = '0.5'\n\
                range = ['-0.5', '4']\n";
    let spare =
        "property = 'redundancy'\ngroups = [[0, 1], [1]]\nconfidence = '0.8'\ncutoff = '0.3'\n";
    let far = "property = 'lipschitzness'\nepsilon = '0.125'\nconstant = '0.9'\n";
    let fuzz = "property = 'boundary-fuzz'\nscope = 'domain'\nshift = '0.25'\nepsilon = '0.02'\n";
    // what the stumps and the deep tree change by, each on its own
    let parts =
        "property = 'small-neighborhood'\nepsilon = '0.25'\nconstant = '14'\non = 'score'\n";
    let in_parts = {
        let sum = |most, trees: &[usize]| Step::Sum { most, trees: trees.to_vec() };
        let steps = vec![sum(1.75, &[0, 1]), leaf(Leaf::Pairs), leaf(Leaf::Pairs)];
        let tree = SplitTree::new(steps).unwrap();
        Proof::split(tree, Vec::new())
    };
    let pairs = [([-4.0, 0.0], [4.0, 0.0]), ([0.0, 4.0], [0.0, -0.5]), ([4.0, 4.0], [-4.0, -4.0])];
    let points = |(a, b): &([f64; 2], [f64; 2])| Proof::Counterexample {
        points: [a, b].map(|x| Point::texts(x)).to_vec(),
    };
    let twins = |name, model: Model, text: &str| {
        let spec = cases::spec(text);
        let data = data(&rows(&model));
        let lowered = Lowered::new(&spec, &model, None, rows_of(&spec, &data, usize::MAX)).unwrap();
        let kernel = Kernel::new(&model, &lowered, Arithmetic::Rounded);
        let mut offered = vec![Proof::tree_pairs(BTreeMap::new())];
        let obligations = (0..lowered.len()).map(|at| lowered.obligation(at).unwrap());
        offered.extend(obligations.map(|obligation| full_pairs(&kernel, &obligation)));
        offered.extend(pairs.iter().map(points));
        certify(name, model.clone(), text, &offered)
    };
    vec![
        twins("ensemble, near", small_ensemble(), near),
        certify("ensemble, near, in parts", small_ensemble(), parts, &[in_parts]),
        twins("ensemble, near posteriors", small_ensemble(), close),
        twins("ensemble, whole and near", with_whole(small_ensemble()), near),
        twins("ensemble, stable", small_ensemble(), stable),
        twins("ensemble, confident", small_ensemble(), sure),
        twins("ensemble, redundant", folded_ensemble(), spare),
        twins("ensemble, distances", small_ensemble(), far),
        twins("ensemble, shifts", folded_ensemble(), fuzz),
    ]
}

/// Certificates of one obligation each: a proof with a case distinction, a witness, cells.
pub fn three_lines() -> Vec<Certified> {
    let rising = |feature: usize| {
        format!("property = 'monotonicity'\nfeatures = [{feature}]\ndirection = 'increasing'\n")
    };
    let tree = halves(0, 0.0, None, Leaf::Jacobian, Leaf::Jacobian);
    let cases = Proof::split(tree, Vec::new());
    let cut = Step::Cut { cut: Cut::Cell { copy: 0, feature: 1, number: 0 }, refresh: None };
    let tree = SplitTree::new(vec![cut, leaf(Leaf::Interval), leaf(Leaf::Interval)]).unwrap();
    let jumps = Proof::jumps(BTreeMap::from([(0, tree)]));
    vec![
        certify("rising network", rising_network(), &rising(0), &[cases]),
        certify("turning network", small_network(), &rising(0), &[]),
        certify("rising ensemble", small_ensemble(), &rising(0), &[jumps]),
    ]
}

impl Certified {
    /// The rows that the obligations are about.
    pub fn rows(&self) -> &[Row] {
        rows_of(&self.spec, &self.data, self.most)
    }

    pub fn lowered(&self) -> Lowered<'_> {
        Lowered::new(&self.spec, &self.model, self.defense.as_ref(), self.rows()).unwrap()
    }

    fn find_truths(&mut self) {
        let lowered = self.lowered();
        let (truths, found) = if lowered.pair_bound().is_some() {
            let found = pairs(&self.model, &lowered);
            (found.iter().map(|(_, _, pair)| *pair != Pair::Fails).collect(), found)
        } else {
            let is_true = |at| is_true(&self.model, &lowered, at);
            ((0..lowered.len()).map(is_true).collect(), Vec::new())
        };
        (self.truths, self.pairs) = (truths, found);
    }

    /// How many of the pairs of rows are that.
    pub fn pairs_that(&self, kind: Pair) -> u64 {
        self.pairs.iter().filter(|(_, _, pair)| *pair == kind).count() as u64
    }

    /// The file.
    pub fn text(&self) -> Vec<u8> {
        self.text_of(&self.lines, &self.totals)
    }

    /// The file with other lines and totals.
    pub fn text_of(&self, lines: &[Line], totals: &Totals) -> Vec<u8> {
        let lines: String = lines.iter().map(Line::line).collect();
        (self.header.line() + &lines + &totals.line()).into_bytes()
    }

    /// The same lines offered for another subject, whose digests are pasted into the header.
    pub fn about(&self, model: Model, spec_text: String, data: DataSet) -> Self {
        let mut other = self.clone();
        other.header.model = Digest::of(model.to_json().as_bytes());
        other.header.spec = Digest::of(spec_text.as_bytes());
        other.header.data = other.header.data.map(|_| data.digest());
        if let Some(defense) = &mut other.defense {
            defense.target = other.header.model;
            other.header.defense = Some(digest_of(defense));
        }
        other.spec = cases::spec(&spec_text);
        (other.model, other.spec_text, other.data) = (model, spec_text, data);
        other.find_truths();
        other
    }

    /// The same lines offered for the model behind another defense, or none.
    pub fn behind(&self, defense: Option<Defense>) -> Self {
        let mut other = self.clone();
        other.header.defense = defense.as_ref().map(digest_of);
        other.defense = defense;
        other.find_truths();
        other
    }

    pub fn check(&self, bytes: &[u8], arithmetic: Arithmetic) -> Result<Checked, CheckError> {
        let subject = Subject {
            model: (&self.model, Digest::of(self.model.to_json().as_bytes())),
            spec: &self.spec,
            data: self.spec.property.is_about_rows().then_some(&self.data),
            defense: self.defense.as_ref().map(|defense| (defense, digest_of(defense))),
        };
        let mut reader = bytes;
        let settings = Settings { arithmetic, max_work: 1 << 40, ..Settings::default() };
        check_file(&subject, &mut reader, settings, &mut |_| ())
    }

    /// Whether a mutant is accepted. It may be, if nothing false is in it.
    pub fn accepts(&self, bytes: &[u8], arithmetic: Arithmetic, what: &str) -> bool {
        let Ok(checked) = self.check(bytes, arithmetic) else { return false };
        for at in &checked.proved {
            assert!(self.truths[*at], "{}: {what}: obligation {at} is false", self.name);
        }
        if checked.header.rows != self.header.rows {
            // other rows than those of the truths: lines or totals must be missing
            assert!(!checked.is_as_stated(), "{}: {what}", self.name);
            return false;
        }
        let all = checked.tally.all;
        let is_nothing_counted = all == Totals { undecided: 1, ..Totals::default() };
        if !self.pairs.is_empty() && is_nothing_counted {
            return checked.is_as_stated();
        }
        let counted = all.proved + all.refuted + all.undecided + all.invalid + all.vacuous;
        assert_eq!(counted, self.truths.len() as u64, "{}: {what}", self.name);
        if checked.is_as_stated() {
            self.expect_witnesses(bytes, what);
        }
        if !self.pairs.is_empty() {
            self.expect_counts(&all, what);
        }
        // of zone ball and of two points the judge knows some falsehoods only
        if ["ball", "'lipschitzness'", "'small-neighborhood'"]
            .iter()
            .any(|p| self.spec_text.contains(p))
        {
            return checked.is_as_stated();
        }
        let falsehoods = self.truths.iter().filter(|t| !**t).count() as u64;
        assert!(all.refuted <= falsehoods, "{}: {what}: something true is refuted", self.name);
        checked.is_as_stated()
    }

    /// Every point that is offered as a witness in an accepted file is one.
    fn expect_witnesses(&self, bytes: &[u8], what: &str) {
        let mut lowered = None;
        for text in bytes.split(|byte| *byte == b'\n').skip(1) {
            let Ok(Entry::Line(line)) = Entry::parse(text) else { continue };
            let told = match &line.proof {
                Proof::Counterexample { points } => {
                    let lowered = lowered.get_or_insert_with(|| self.lowered());
                    is_witness(&self.model, lowered, line.at, points)
                }
                Proof::AllPairs { witnesses } => {
                    let fails =
                        |(a, b): &(usize, usize)| self.pairs.contains(&(*a, *b, Pair::Fails));
                    Some(witnesses.iter().all(fails))
                }
                _ => None,
            };
            let at = line.at;
            assert!(told != Some(false), "{}: {what}: obligation {at}: no witness", self.name);
        }
    }

    /// Pairs of rows are counted as what they are.
    fn expect_counts(&self, all: &Totals, what: &str) {
        let name = self.name;
        assert!(all.proved <= self.pairs_that(Pair::Holds), "{name}: {what}: {all:?}");
        assert!(all.refuted <= self.pairs_that(Pair::Fails), "{name}: {what}: {all:?}");
        assert_eq!(all.vacuous, self.pairs_that(Pair::Vacuous), "{name}: {what}");
        assert_eq!(all.invalid, self.pairs_that(Pair::Invalid), "{name}: {what}");
    }
}
