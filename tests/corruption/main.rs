//! Corrupted certificates. Every mutant that is still accepted must state something true, which is
//! decided without the kernel (`truth.rs`). `PROPCERT_MUTANTS` sets the number of mutants (default
//! 2,000), shared out equally among the lanes of `lanes.rs`; each is checked in both arithmetics. Those
//! of `ulps` come on top; below 2,000 they are thinned out as well.

mod behind;
#[path = "../cases/mod.rs"]
mod cases;
mod cells;
mod certificates;
mod lanes;
mod models;
mod pieces;
mod posteriors;
mod said;
mod steps;
mod subjects;
mod trees;
mod truth;
mod two_points;
mod ulps;

use std::collections::BTreeSet;

use cases::draw::Draw;
use certificates::{Certified, certificates, three_lines};
use lanes::{LANES, Mutant};
use models::small_network;
use propcert::certificate::{Arithmetic, CheckError, Entry, Kernel, Proof, Totals, Verdict};
use propcert::model::{Ensemble, Family, Model};
use propcert::spec::Lowered;

const MUTANTS: usize = 2000;

fn asked_for() -> usize {
    std::env::var("PROPCERT_MUTANTS").ok().and_then(|n| n.parse().ok()).unwrap_or(MUTANTS)
}

/// Every how many-th is looked at of the mutants that are listed, not drawn.
fn stride() -> usize {
    (MUTANTS / asked_for().max(1)).max(1)
}

/// What a lane has made of the controls.
#[derive(Debug, Default)]
struct Tally {
    made: usize,
    rejected: usize,
    /// Mutants in which something false is claimed as proved.
    false_claims: usize,
}

/// A mutant of this lane, from the next certificate that has something for it.
fn make<'a>(
    certified: &'a [Certified],
    turn: &mut usize,
    lane: usize,
    draw: &mut Draw,
) -> (&'a Certified, Mutant) {
    for _ in 0..1000 {
        *turn += 1;
        let certificate = &certified[*turn % certified.len()];
        if let Some(mutant) = LANES[lane].1(certificate, draw) {
            return (certificate, mutant);
        }
    }
    panic!("{}: no certificate has anything of the kind", LANES[lane].0)
}

#[test]
fn mutants_state_nothing_false() {
    let certified = certificates();
    let quota = asked_for().div_ceil(LANES.len());
    let (mut draw, mut false_claims) = (Draw(7), 0);
    for (lane, (what, _)) in LANES.iter().enumerate() {
        let (mut tally, mut turn) = (Tally::default(), 0);
        for _ in 0..quota {
            let (certificate, mutant) = make(certified, &mut turn, lane, &mut draw);
            let subject = mutant.subject.as_deref().unwrap_or(certificate);
            let accepted = cases::BOTH.map(|a| subject.accepts(&mutant.bytes, a, what));
            tally.made += 1;
            tally.rejected += usize::from(accepted == [false, false]);
            tally.false_claims += usize::from(claims_something_false(subject, &mutant.bytes));
        }
        println!("{what}: {tally:?}");
        assert!(tally.made > 0, "{what}: no mutant");
        assert!(tally.rejected > 0, "{what}: no mutant of {} is rejected", tally.made);
        false_claims += tally.false_claims;
    }
    // the judge would have had something to find
    assert!(false_claims > quota, "{false_claims} mutants claim something false");
}

/// Whether one of the file's proofs is offered for an obligation that is false.
fn claims_something_false(subject: &Certified, bytes: &[u8]) -> bool {
    bytes.split(|byte| *byte == b'\n').skip(1).any(|text| match Entry::parse(text) {
        Ok(Entry::Line(line)) => {
            let is_proof = !matches!(
                line.proof,
                Proof::None | Proof::Counterexample { .. } | Proof::AllPairs { .. }
            );
            is_proof && subject.truths.get(line.at) == Some(&false)
        }
        _ => false,
    })
}

#[test]
fn controls_are_accepted_and_state_what_is_true() {
    for certificate in certificates() {
        for arithmetic in cases::BOTH {
            let text = certificate.text();
            let control = certificate.check(&text, arithmetic).unwrap();
            assert!(control.is_as_stated(), "{}: {:?}", certificate.name, control.findings);
            assert!(certificate.accepts(&text, arithmetic, "nothing"));
            assert!(control.tally.all.proved > 0, "{}", certificate.name);
        }
    }
}

#[test]
fn a_tree_in_pieces_is_the_same_tree() {
    let mut draw = Draw(11);
    let mut split = 0;
    for certificate in certificates() {
        let text = String::from_utf8(certificate.text()).unwrap();
        for line in text.lines() {
            let Some(both) = pieces::pieces(line, &mut draw) else { continue };
            let [first, second] = both.map(|piece| piece.to_string());
            let bytes = text.replacen(line, &format!("{first}\n{second}"), 1).into_bytes();
            for arithmetic in cases::BOTH {
                assert!(certificate.accepts(&bytes, arithmetic, "pieces"), "{first} {second}");
            }
            split += 1;
        }
    }
    assert!(split > 20, "{split} trees");
}

#[test]
fn every_rule_and_verdict_is_among_the_controls() {
    let mut rules = BTreeSet::new();
    for certificate in certificates() {
        rules.extend(certificate.lines.iter().map(|line| line.proof.rule()));
    }
    for rule in [
        "interval",
        "linear",
        "split",
        "jacobian",
        "jumps",
        "tree-pairs",
        "tree-dual",
        "range",
        "difference",
        "all-pairs",
        "fuzz",
        "counterexample",
        "none",
    ] {
        assert!(rules.contains(rule), "{rule} is not among {rules:?}");
    }
}

#[test]
fn totals_off_by_one_are_not_as_stated() {
    for certificate in certificates() {
        let totals = certificate.totals;
        for change in [
            Totals { proved: totals.proved + 1, ..totals },
            Totals { proved: totals.proved.wrapping_sub(1), ..totals },
            Totals { undecided: totals.undecided + 1, ..totals },
            Totals { refuted: totals.refuted + 1, ..totals },
            Totals { vacuous: 1, ..totals },
            Totals { invalid: totals.invalid + 1, ..totals },
        ] {
            let text = certificate.text_of(&certificate.lines, &change);
            let checked = certificate.check(&text, Arithmetic::Rounded).unwrap();
            assert!(!checked.is_as_stated(), "{}", certificate.name);
        }
    }
}

#[test]
fn another_subject_is_always_refused() {
    for certificate in certificates() {
        let bytes = certificate.text();
        let (model, data) = (&certificate.model, &certificate.data);
        let text = certificate.spec_text.clone() + "# \n";
        let other = certificate.about(model.clone(), text, data.clone());
        let refused = other.check(&bytes, Arithmetic::Rounded);
        assert!(matches!(refused, Err(CheckError::Other { what: "spec", .. })));

        let text = certificate.spec_text.clone();
        let other = certificate.about(shifted(model), text, data.clone());
        let refused = other.check(&bytes, Arithmetic::Rounded);
        assert!(matches!(refused, Err(CheckError::Other { what: "model", .. })));

        if certificate.defense.is_some() {
            let refused = certificate.behind(None).check(&bytes, Arithmetic::Rounded);
            assert!(matches!(refused, Err(CheckError::Other { what: "defense", .. })));
        }
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

/// Header, one obligation and totals. What a bit does to the writer's name and budget is free; to
/// header and totals it is fatal; to the proof it may do anything but let something false be claimed.
#[test]
fn every_bit_of_a_small_file_counts_or_does_not_matter() {
    for certificate in three_lines() {
        let text = certificate.text();
        let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
        assert_eq!(lines.len(), 3, "{}", certificate.name);
        let proof = lines[0].len()..lines[0].len() + lines[1].len();
        let free = ["tool", "budget"].map(|key| value_of(&text, key));
        for bit in 0..text.len() * 8 {
            let mut bytes = text.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let what = format!("bit {} of byte {}", bit % 8, bit / 8);
            let accepted = cases::BOTH.map(|a| certificate.accepts(&bytes, a, &what));
            let is_free = free.iter().chain([&proof]).any(|range| range.contains(&(bit / 8)));
            let shown = String::from_utf8_lossy(&bytes);
            assert!(is_free || accepted == [false, false], "{what}: {shown}");
        }
    }
}

/// Where the value of a header key stands.
fn value_of(text: &[u8], key: &str) -> std::ops::Range<usize> {
    let text = std::str::from_utf8(text).unwrap();
    let start = text.find(&format!("\"{key}\":")).unwrap() + key.len() + 3;
    let length = text[start..].find(['}', ',']).unwrap();
    start..start + length
}

#[test]
fn a_wrong_label_is_not_proved() {
    let certificate = &certificates()[0];
    let model = small_network();
    let mut rows = certificate.rows().to_vec();
    rows.iter_mut().for_each(|row| row.label = 1 - model.label(&row.values));
    let lowered = Lowered::new(&certificate.spec, &model, None, &rows).unwrap();
    for arithmetic in cases::BOTH {
        let kernel = Kernel::new(&model, &lowered, arithmetic);
        for at in 0..rows.len() {
            for line in &certificate.lines {
                assert!(!matches!(kernel.check(at, &line.proof), Ok(Verdict::Proved(_))));
            }
        }
    }
}

#[test]
fn sizes_over_the_limits_are_refused_before_any_work() {
    let certificate = &certificates()[9];
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
        assert!(certificate.check(text.as_bytes(), Arithmetic::Rounded).is_err(), "{:.80}", text);
    }
}
