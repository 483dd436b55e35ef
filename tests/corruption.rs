//! Corrupted certificates. Every mutant that is still accepted must state something true; the
//! judge is a brute-force oracle of its own. `PROPCERT_MUTANTS` sets the number of mutants
//! (default 2,000).

mod cases;

use std::collections::BTreeMap;

use cases::{ensemble, exact_margin, halves, leaf, mlp, network, split, uniform_hint};
use propcert::certificate::{
    Arithmetic, CheckError, Checked, Cut, Header, Kernel, Leaf, Line, Proof, Settings, SplitTree,
    Step, Subject, Totals, Verdict, check_file,
};
use propcert::interval::Rational;
use propcert::model::{
    CsvFile, DataSet, Digest, Ensemble, Family, Kind, Layer, Model, Node, Part, Point, Precision,
    Tree,
};
use propcert::spec::{Integers, Lowered, Semantics, Spec};

/// A certificate with everything it is about.
struct Certified {
    name: &'static str,
    model: Model,
    spec: Spec,
    spec_text: String,
    data: DataSet,
    header: Header,
    lines: Vec<Line>,
    /// Per obligation, by brute force: `Some(true)` if no sampled or enumerated point violates it.
    truths: Vec<bool>,
}

const META: &str = r#"{"name":"made","label":"y","features":["x0","x1"],"kinds":["real","real"],
"ranges":[["-4","4"],["-4","4"]],"files":{"train":"train.csv"},"synthetic":true}"#;

/// 40 rows on a quarter grid, labels from the model except for every ninth.
fn data(model: &Model) -> DataSet {
    let mut csv = "x0,x1,y\n".to_owned();
    for k in 0..40u32 {
        let (a, b) = (f64::from(k % 8) / 2.0 - 1.75, f64::from(k / 8) / 2.0 - 1.25);
        let label = model.label(&[a, b]) ^ usize::from(k % 9 == 0);
        csv += &format!("{a},{b},{label}\n");
    }
    let files = [CsvFile { name: "train.csv", bytes: csv.as_bytes() }];
    DataSet::read(META.as_bytes(), &files).unwrap()
}

fn small_network() -> Model {
    let layers = vec![
        Layer {
            weights: vec![1.5, -0.5, -1.25, 1.0, 0.5, 0.75],
            bias: vec![0.25, 0.0, -0.5],
            inputs: 2,
        },
        Layer {
            weights: vec![-1.0, 0.5, 0.25, 1.0, -0.75, 0.5],
            bias: vec![0.125, -0.125],
            inputs: 3,
        },
    ];
    network(layers, (-4.0, 4.0), Precision::F32)
}

/// Increasing in both inputs: all weights on the paths to class 1 minus class 0 are positive.
fn rising_network() -> Model {
    let layers = vec![
        Layer { weights: vec![1.0, 0.5, 0.25, 1.0], bias: vec![0.0, -0.5], inputs: 2 },
        Layer { weights: vec![-0.5, 0.0, 0.5, 1.0], bias: vec![0.0, 0.0], inputs: 2 },
    ];
    network(layers, (-4.0, 4.0), Precision::F32)
}

fn stump(feature: usize, threshold: f64, below: f64, above: f64) -> Tree {
    let nodes = vec![split(feature, threshold, 1, 2), Node::Leaf(below), Node::Leaf(above)];
    Tree { output: 0, nodes }
}

fn small_ensemble() -> Model {
    let deep = Tree {
        output: 0,
        nodes: vec![
            split(0, -0.5, 1, 2),
            Node::Leaf(-0.75),
            split(1, 0.25, 3, 4),
            Node::Leaf(0.25),
            Node::Leaf(1.0),
        ],
    };
    let trees = vec![stump(0, 0.5, -0.5, 0.5), stump(1, -0.75, -0.25, 0.5), deep];
    ensemble(&[Kind::Real, Kind::Real], (-4.0, 4.0), vec![-0.125], trees)
}

/// The cheapest proof that decides obligation `at`, of a list; else a witness; else nothing.
fn prove(kernel: &Kernel, at: usize, offered: &[Proof], witnesses: &[Vec<Vec<String>>]) -> Proof {
    let clears = |proof: &Proof| matches!(kernel.check(at, proof), Ok(Verdict::Proved(_)));
    if let Some(proof) = offered.iter().find(|proof| clears(proof)) {
        return proof.clone();
    }
    let witnesses = witnesses.iter().map(|w| Proof::Counterexample { points: w.clone() });
    let refutes = |proof: &Proof| matches!(kernel.check(at, proof), Ok(Verdict::Refuted(_)));
    witnesses.into_iter().find(refutes).unwrap_or(Proof::None)
}

/// What the model is checked on: all points of a fine grid of each region, exactly.
fn is_true(model: &Model, lowered: &Lowered, at: usize) -> bool {
    use propcert::spec::Claim;
    let obligation = lowered.obligation(at).unwrap();
    let ends: Vec<(f64, f64)> =
        obligation.region.sides().iter().map(|(a, b)| (a.up(), b.down())).collect();
    let along = |(low, high): (f64, f64)| {
        (0..=16)
            .map(move |k| low + (high - low) * f64::from(k) / 16.0)
            .map(move |x| x.clamp(low, high))
    };
    let points: Vec<[f64; 2]> =
        along(ends[0]).flat_map(|a| along(ends[1]).map(move |b| [a, b])).collect();
    let margin = |x: &[f64; 2]| match &model.family {
        Family::Mlp(net) => exact_margin(net, x, 1, 0),
        Family::Ensemble(_) => model.exact_scores(&Point::from_floats(x).unwrap())[1].clone(),
    };
    match &obligation.claim {
        Claim::Label { label } => points.iter().all(|x| {
            let m = margin(x);
            if *label == 1 { m > Rational::ZERO } else { m <= Rational::ZERO }
        }),
        Claim::Posterior { label, threshold, .. } => points.iter().all(|x| {
            let m = margin(x);
            (if *label == 1 { m } else { -m }) > threshold.below
        }),
        Claim::Monotone { feature, .. } => points.iter().all(|x| {
            let mut next = *x;
            let (low, high) = ends[feature.0];
            next[feature.0] = (x[feature.0] + (high - low) / 16.0).min(high);
            margin(x) <= margin(&next)
        }),
        Claim::Fuzz { .. } => true,
    }
}

/// Corners, centre and edge middles of the region, as witnesses of one point or of a pair.
fn candidates(lowered: &Lowered, at: usize) -> Vec<Vec<Vec<String>>> {
    let obligation = lowered.obligation(at).unwrap();
    let ends: Vec<(f64, f64)> =
        obligation.region.sides().iter().map(|(a, b)| (a.up(), b.down())).collect();
    let along = |(low, high): (f64, f64)| [low, (low + high) / 2.0, high];
    let points: Vec<[f64; 2]> =
        along(ends[0]).into_iter().flat_map(|a| along(ends[1]).map(move |b| [a, b])).collect();
    match &obligation.claim {
        propcert::spec::Claim::Monotone { feature, .. } => {
            let pair = |x: &[f64; 2]| {
                let mut next = *x;
                next[feature.0] = ends[feature.0].1;
                vec![Point::texts(x), Point::texts(&next)]
            };
            points.iter().map(pair).collect()
        }
        _ => points.iter().map(|x| vec![Point::texts(x)]).collect(),
    }
}

fn certify(name: &'static str, model: Model, text: &str, offered: &[Proof]) -> Certified {
    let spec = cases::spec(text);
    let data = data(&model);
    let is_about_rows = spec.property.is_about_rows();
    let rows = if is_about_rows { data.part(Part::Train) } else { &[] };
    let lowered = Lowered::new(&spec, &model, None, rows).unwrap();
    let kernel = Kernel::new(&model, &lowered, Arithmetic::Rounded);
    let lines = (0..lowered.len())
        .map(|at| Line { at, proof: prove(&kernel, at, offered, &candidates(&lowered, at)) })
        .collect();
    let truths = (0..lowered.len()).map(|at| is_true(&model, &lowered, at)).collect();
    let header = Header {
        schema: "certificate/1".to_owned(),
        tool: "corruption lanes".to_owned(),
        model: Digest::of(model.to_json().as_bytes()),
        spec: Digest::of(text.as_bytes()),
        data: is_about_rows.then(|| data.digest()),
        part: is_about_rows.then_some(Part::Train),
        rows: is_about_rows.then_some(rows.len()),
        semantics: lowered.semantics(),
        integers: Integers::Respect,
        budget: propcert::certificate::Budget { nodes: 1 },
        defense: None,
    };
    Certified { name, model, spec, spec_text: text.to_owned(), data, header, lines, truths }
}

fn network_proofs(model: &Model) -> Vec<Proof> {
    let hint = |slope, multiplier| vec![uniform_hint(mlp(model), slope, multiplier)];
    let mut hints = hint(0.5, 0);
    hints.extend(hint(0.25, 1 << 18));
    let steps = [Leaf::Linear, Leaf::Dual].map(|kind| Step::Leaf {
        leaf: kind,
        refresh: Some(0),
        hint: Some(0),
    });
    let [low, high] = steps;
    // most rows are cut where they are not, and then go on to the next proof
    let cuts = (-8..=8).map(|k| {
        let cut =
            Step::Cut { cut: Cut::Input { feature: 0, at: f64::from(k) / 4.0 }, refresh: None };
        let tree = SplitTree::new(vec![cut, low.clone(), high.clone()]).unwrap();
        Proof::Split { tree, hints: hints.clone() }
    });
    let mut proofs =
        vec![Proof::Dual { hints: hint(0.0, 1 << 19) }, Proof::Linear { hints: hint(0.5, 0) }];
    proofs.extend(cuts);
    proofs.extend([Proof::Linear { hints: Vec::new() }, Proof::Interval]);
    proofs
}

fn cell_splits() -> Vec<Proof> {
    let cut = |feature, number| Step::Cut { cut: Cut::Cell { feature, number }, refresh: None };
    let tree = |feature, number| {
        let steps = vec![cut(feature, number), leaf(Leaf::Interval), leaf(Leaf::Interval)];
        Proof::Split { tree: SplitTree::new(steps).unwrap(), hints: Vec::new() }
    };
    (0..2).flat_map(|f| (0..2).map(move |k| (f, k))).map(|(f, k)| tree(f, k)).collect()
}

fn certificates() -> Vec<Certified> {
    let label = "property = 'label'\nepsilon = '0.25'\nsemantics = 'real'\n";
    let invariance = "property = 'local-invariance'\nepsilon = '0.125'\ndelta = '0.5'\n";
    let rising = "property = 'monotonicity'\nfeatures = [0, 1]\ndirection = 'increasing'\n";
    let local = "property = 'monotonicity'\nscope = 'local'\nepsilon = '0.25'\nfeatures = [0]\n\
                 direction = 'increasing'\n";
    let split_jacobian = Proof::Split {
        tree: halves(0, 0.0, None, Leaf::Jacobian, Leaf::Jacobian),
        hints: Vec::new(),
    };
    let interval_last = |mut proofs: Vec<Proof>| {
        proofs.push(Proof::Interval);
        proofs
    };
    let cut = Step::Cut { cut: Cut::Cell { feature: 1, number: 0 }, refresh: None };
    let tree = SplitTree::new(vec![cut, leaf(Leaf::Interval), leaf(Leaf::Interval)]).unwrap();
    let jumps = [
        Proof::Jumps { trees: BTreeMap::from([(0, tree)]) },
        Proof::Jumps { trees: BTreeMap::new() },
    ];
    let net = small_network();
    let proofs = network_proofs(&net);
    vec![
        certify("network, label", net.clone(), label, &proofs),
        certify("network, served", net, invariance, &proofs),
        certify("network, monotone", rising_network(), rising, &[split_jacobian, Proof::Jacobian]),
        certify("network, local monotone", small_network(), local, &[Proof::Jacobian]),
        certify("ensemble, label", small_ensemble(), label, &interval_last(cell_splits())),
        certify("ensemble, served", small_ensemble(), invariance, &interval_last(cell_splits())),
        certify("ensemble, monotone", small_ensemble(), rising, &jumps),
    ]
}

impl Certified {
    fn totals(&self) -> Totals {
        let checked = self.check(&self.text_with(&Totals::default())).unwrap();
        checked.tally.all
    }

    fn text_with(&self, totals: &Totals) -> Vec<u8> {
        let mut text = self.header.line();
        self.lines.iter().for_each(|line| text += &line.line());
        (text + &totals.line()).into_bytes()
    }

    fn text(&self) -> Vec<u8> {
        self.text_with(&self.totals())
    }

    fn check(&self, bytes: &[u8]) -> Result<Checked, CheckError> {
        self.check_against(bytes, &self.model, &self.spec, self.spec_text.as_bytes())
    }

    fn check_against(
        &self,
        bytes: &[u8],
        model: &Model,
        spec: &Spec,
        spec_text: &[u8],
    ) -> Result<Checked, CheckError> {
        let subject = Subject {
            model: (model, Digest::of(model.to_json().as_bytes())),
            spec: (spec, Digest::of(spec_text)),
            data: spec.property.is_about_rows().then_some(&self.data),
            defense: None,
        };
        let mut reader = bytes;
        let settings = Settings { arithmetic: Arithmetic::Rounded, first: None, max_work: 1 << 40 };
        check_file(&subject, &mut reader, settings, &mut |_| ())
    }

    /// A mutant may be rejected, or not as stated, or accepted with nothing false in it.
    fn judge(&self, bytes: &[u8], what: &str) -> bool {
        let Ok(checked) = self.check(bytes) else { return false };
        for at in &checked.proved {
            assert!(self.truths[*at], "{}: {what}: obligation {at} is false", self.name);
        }
        let all = checked.tally.all;
        let counted = all.proved + all.refuted + all.undecided + all.invalid;
        assert_eq!(counted, self.truths.len() as u64, "{}: {what}", self.name);
        let falsehoods = self.truths.iter().filter(|t| !**t).count() as u64;
        assert!(all.proved <= self.truths.len() as u64 - falsehoods);
        checked.is_as_stated()
    }
}

/// SplitMix64.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn pick(state: &mut u64, n: usize) -> usize {
    usize::try_from(next(state) % n.max(1) as u64).unwrap()
}

/// One random corruption; says which.
fn corrupt(bytes: &[u8], state: &mut u64) -> (Vec<u8>, &'static str) {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let at = pick(state, lines.len());
    let other = pick(state, lines.len());
    let edit = |lines: Vec<String>, what| ((lines.join("\n") + "\n").into_bytes(), what);
    let replaced = |mut lines: Vec<String>, from: &str, to: &str, what| {
        let found: Vec<usize> = (0..lines.len()).filter(|&i| lines[i].contains(from)).collect();
        if let Some(&line) = found.get(at % found.len().max(1)) {
            lines[line] = lines[line].replacen(from, to, 1);
        }
        edit(lines, what)
    };
    match next(state) % 20 {
        0 => {
            lines.remove(at);
            edit(lines, "a line dropped")
        }
        1 => {
            let line = lines[at].clone();
            lines.insert(at, line);
            edit(lines, "a line doubled")
        }
        2 => {
            lines.swap(at, other);
            edit(lines, "two lines swapped")
        }
        3 => {
            // the proof of one obligation offered for another
            let body = |line: &str| line.split_once(",\"rule\"").map(|(_, b)| b.to_owned());
            if let (Some(body), Some((head, _))) =
                (body(&lines[other]), lines[at].clone().split_once(",\"rule\""))
            {
                lines[at] = format!("{head},\"rule\"{body}");
            }
            edit(lines, "the proof of another obligation")
        }
        4 => {
            if let Some((head, _)) = lines[at].clone().split_once(",\"rule\"") {
                let rules = ["interval", "linear", "dual", "jacobian", "fuzz", "jumps", "none"];
                lines[at] = format!("{head},\"rule\":\"{}\"}}", rules[pick(state, rules.len())]);
            }
            edit(lines, "another rule")
        }
        5 => replaced(lines, "0.5]", "1.00390625]", "slope 257/256"),
        6 => replaced(lines, ",524288]", ",-524288]", "a multiplier's sign"),
        7 => replaced(
            lines,
            ",524288]",
            ",1606938044258990275541962092341162602522202993782792835301376]",
            "a multiplier of 2^200",
        ),
        8 => replaced(lines, "[0,", "[1,", "permuted multipliers"),
        9 => replaced(lines, "\"i0:", "\"i0:-", "a cut moved"),
        10 => replaced(lines, "0x1p-", "0x1.8p4", "a cut outside"),
        11 => replaced(lines, "!0#0 D", "!1#0 D", "a refresh of the output"),
        12 => replaced(lines, "I I", "I", "a leaf dropped"),
        13 => replaced(lines, "#0", "#7", "a hint that is not there"),
        14 => replaced(lines, "c1.0", "c0.0", "a cut of another feature"),
        15 => replaced(lines, "\"proved\":", "\"proved\":1", "more proved in the totals"),
        16 => replaced(lines, "\"none\"", "\"interval\"", "undecided written as proved"),
        17 => replaced(lines, "\"points\":[[\"", "\"points\":[[\"-", "a witness moved"),
        18 => {
            let mut bytes = bytes.to_vec();
            let at = pick(state, bytes.len());
            bytes.truncate(at);
            (bytes, "a torn file")
        }
        _ => {
            let mut bytes = bytes.to_vec();
            let bit = pick(state, bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            (bytes, "a flipped bit")
        }
    }
}

#[test]
fn controls_are_accepted_and_mutants_state_nothing_false() {
    let mutants: usize =
        std::env::var("PROPCERT_MUTANTS").ok().and_then(|n| n.parse().ok()).unwrap_or(2000);
    let certified = certificates();
    let mut state = 7;
    let mut accepted = 0;
    for certificate in &certified {
        let bytes = certificate.text();
        let control = certificate.check(&bytes).unwrap();
        assert!(control.is_as_stated(), "{}: {:?}", certificate.name, control.findings);
        assert!(
            control.tally.all.proved > 0 || certificate.name.contains("local"),
            "{}",
            certificate.name
        );
        let mut left = mutants.div_ceil(certified.len());
        while left > 0 {
            let (mutant, what) = corrupt(&bytes, &mut state);
            // some corruptions find nothing to change in some files
            if mutant != bytes {
                left -= 1;
                accepted += usize::from(certificate.judge(&mutant, what));
            }
        }
    }
    // harmless changes exist (another tool name, a proof that also clears), but they are few
    assert!(accepted < mutants / 4, "{accepted} of {mutants} accepted");
}

#[test]
fn every_rule_is_among_the_controls() {
    let mut rules = std::collections::BTreeSet::new();
    for certificate in certificates() {
        rules.extend(certificate.lines.iter().map(|line| line.proof.rule()));
    }
    for rule in ["interval", "linear", "dual", "split", "jacobian", "jumps", "counterexample"] {
        assert!(rules.contains(rule), "{rule} is not among {rules:?}");
    }
}

#[test]
fn totals_off_by_one_are_not_as_stated() {
    for certificate in certificates() {
        let totals = certificate.totals();
        for change in [
            Totals { proved: totals.proved + 1, ..totals },
            Totals { proved: totals.proved.wrapping_sub(1), ..totals },
            Totals { undecided: totals.undecided + 1, ..totals },
            Totals { refuted: totals.refuted + 1, ..totals },
            Totals { vacuous: 1, ..totals },
            Totals { invalid: totals.invalid + 1, ..totals },
        ] {
            let checked = certificate.check(&certificate.text_with(&change)).unwrap();
            assert!(!checked.is_as_stated(), "{}", certificate.name);
        }
    }
}

#[test]
fn another_subject_is_always_refused() {
    for certificate in certificates() {
        let bytes = certificate.text();
        let wider = certificate
            .spec_text
            .replace("0.25", "0.2500000000000000001")
            .replace("0.125", "0.1250001")
            + "# \n";
        let spec = cases::spec(&wider);
        let refused =
            certificate.check_against(&bytes, &certificate.model, &spec, wider.as_bytes());
        assert!(matches!(refused, Err(CheckError::Other { what: "spec", .. })));

        let other = shifted(&certificate.model);
        let refused = certificate.check_against(
            &bytes,
            &other,
            &certificate.spec,
            certificate.spec_text.as_bytes(),
        );
        assert!(matches!(refused, Err(CheckError::Other { what: "model", .. })));
    }
}

/// The same model with the decision boundary elsewhere.
fn shifted(model: &Model) -> Model {
    let mut other = model.clone();
    match &mut other.family {
        Family::Mlp(net) => net.layers.last_mut().unwrap().bias[1] -= 1.0,
        Family::Ensemble(Ensemble { base, .. }) => base[0] -= 1.0,
    }
    other
}

#[test]
fn a_pasted_digest_does_not_carry_a_proof_to_another_model() {
    for certificate in certificates() {
        let other = shifted(&certificate.model);
        let [old, new] =
            [&certificate.model, &other].map(|m| Digest::of(m.to_json().as_bytes()).to_string());
        let text = String::from_utf8(certificate.text()).unwrap().replace(&old, &new);
        let checked = certificate.check_against(
            text.as_bytes(),
            &other,
            &certificate.spec,
            certificate.spec_text.as_bytes(),
        );
        // cuts may lie elsewhere: a rejection is as good
        let Ok(checked) = checked else { continue };
        let rows = certificate.data.part(Part::Train);
        let rows = if certificate.spec.property.is_about_rows() { rows } else { &[] };
        let lowered = Lowered::new(&certificate.spec, &other, None, rows).unwrap();
        for at in checked.proved {
            assert!(is_true(&other, &lowered, at), "{}: {at}", certificate.name);
        }
    }
}

#[test]
fn a_witness_one_ulp_outside_is_no_witness() {
    let certificates = certificates();
    let mut tried = 0;
    for certificate in &certificates {
        let rows = certificate.data.part(Part::Train);
        let rows = if certificate.spec.property.is_about_rows() { rows } else { &[] };
        let lowered = Lowered::new(&certificate.spec, &certificate.model, None, rows).unwrap();
        let kernel = Kernel::new(&certificate.model, &lowered, Arithmetic::Exact);
        for line in &certificate.lines {
            let Proof::Counterexample { points } = &line.proof else { continue };
            let high = lowered.obligation(line.at).unwrap().region.sides()[1].1.down().next_up();
            let mut moved = points.clone();
            moved.iter_mut().for_each(|p| p[1] = propcert::interval::format_hexadecimal(high));
            let verdict = kernel.check(line.at, &Proof::Counterexample { points: moved }).unwrap();
            assert!(matches!(verdict, Verdict::Undecided(_)), "{}", certificate.name);
            tried += 1;
        }
    }
    assert!(tried > 10, "only {tried} witnesses");
}

#[test]
fn a_wrong_label_is_not_proved() {
    let model = small_network();
    let text = "property = 'label'\nepsilon = '0'\nsemantics = 'real'\n";
    let wrong = |row: &propcert::model::Row| {
        let mut row = row.clone();
        row.label = 1 - model.label(&row.values);
        row
    };
    let rows: Vec<_> = data(&model).part(Part::Train).iter().map(wrong).collect();
    let spec = cases::spec(text);
    let lowered = Lowered::new(&spec, &model, None, &rows).unwrap();
    assert_eq!(lowered.semantics(), Semantics::Real);
    for arithmetic in cases::BOTH {
        let kernel = Kernel::new(&model, &lowered, arithmetic);
        for at in 0..rows.len() {
            for proof in network_proofs(&model) {
                assert!(!matches!(kernel.check(at, &proof), Ok(Verdict::Proved(_))));
            }
        }
    }
}

#[test]
fn sizes_over_the_limits_are_refused_before_any_work() {
    let certificate = &certificates()[4];
    let header = certificate.header.line();
    let deep = format!(
        "{header}{{\"at\":0,\"rule\":\"split\",\"tree\":\"{}\"}}\n",
        "c0.0 ".repeat(250_000)
    );
    let nested = format!("{header}{}\n", "[".repeat(100_000));
    let long = format!("{header}{}\n", " ".repeat(17 << 20));
    let number = format!("{header}{{\"at\":{}}}\n", "1".repeat(100_000));
    let doubled = format!("{header}{{\"at\":0,\"at\":0,\"rule\":\"none\"}}\n");
    let unknown = format!("{header}{{\"at\":0,\"rule\":\"none\",\"note\":1}}\n");
    let decimal = format!(
        "{header}{{\"at\":0,\"rule\":\"counterexample\",\"points\":[[\"1e-9223372036854775808\",\"0\"]]}}\n"
    );
    let bom = format!("\u{feff}{header}");
    for text in [deep, nested, long, number, doubled, unknown, decimal, bom, header, String::new()]
    {
        assert!(certificate.check(text.as_bytes()).is_err(), "{:.80}", text);
    }
}
