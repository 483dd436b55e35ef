//! The ways in which a certificate is corrupted. Each makes a mutant, or says that this certificate
//! has nothing of the kind.

use propcert::certificate::{Cut, Hint, Leaf, LeafHint, Line, Proof, Step, Totals};
use propcert::interval::{format_hexadecimal, parse_hexadecimal};

use crate::cases::draw::Draw;
use crate::certificates::Certified;
use crate::pieces::in_pieces;
use crate::subjects::{another_defense, another_model, moved_rows, wider_region, wrong_labels};
use crate::trees::{cut, cut_short, move_cut, steps, swap_children, tokens};

/// A corrupted file.
pub struct Mutant {
    pub bytes: Vec<u8>,
    /// What it is offered for, where that is something else as well.
    pub subject: Option<Box<Certified>>,
}

type Lane = fn(&Certified, &mut Draw) -> Option<Mutant>;

pub const LANES: [(&str, Lane); 37] = [
    ("an anchor missing", |c, draw| lines(c, draw, |all, at, _| drop(all.remove(at)))),
    ("an anchor twice", |c, draw| lines(c, draw, |all, at, _| all.insert(at, all[at].clone()))),
    ("two anchors swapped", |c, draw| lines(c, draw, |all, at, other| all.swap(at, other))),
    ("the proof of another anchor", |c, draw| {
        lines(c, draw, |all, at, other| all[at].proof = all[other].proof.clone())
    }),
    ("another rule", another_rule),
    ("undecided written as proved", |c, draw| as_proved(c, draw, |proof| *proof == Proof::None)),
    ("refuted written as proved", |c, draw| {
        as_proved(c, draw, |proof| matches!(proof, Proof::Counterexample { .. }))
    }),
    ("totals off by one", totals),
    ("slope 257/256", |c, draw| {
        hints(c, draw, |hint, draw| {
            let at = draw.index(hint.slopes.len());
            hint.slopes.get_mut(at).map(|slope| slope.2 = 257.0 / 256.0)
        })
    }),
    ("all slopes above one", |c, draw| {
        hints(c, draw, |hint, _| {
            hint.slopes.iter_mut().for_each(|slope| slope.2 = 2.0);
            Some(())
        })
    }),
    ("all multipliers' signs", |c, draw| {
        hints(c, draw, |hint, _| {
            hint.split.iter_mut().for_each(|multiplier| multiplier.2 *= -1.0);
            Some(())
        })
    }),
    ("a multiplier of 2^200", huge_multiplier),
    ("a sign's multiplier below zero, or large", |c, draw| {
        hints(c, draw, |hint, draw| {
            let at = draw.index(hint.split.len());
            let value = if draw.is_heads() { -1.0 } else { 1e9 };
            hint.split.get_mut(at).map(|multiplier| multiplier.2 = value)
        })
    }),
    ("a row's weight below zero, or none", |c, draw| {
        hints(c, draw, |hint, draw| {
            let at = draw.index(hint.weights.len());
            let value = if draw.is_heads() { -1.0 } else { 0.0 };
            hint.weights.get_mut(at).map(|weight| *weight = value)
        })
    }),
    ("a condition's multiplier below zero, large, or of none", |c, draw| {
        hints(c, draw, |hint, draw| {
            let at = draw.index(hint.conditions.len());
            let multiplier = hint.conditions.get_mut(at)?;
            *multiplier = draw.pick(&[(0, -1.0), (0, 1e9), (1, 1.0), (7, 1.0)])?;
            Some(())
        })
    }),
    ("witnesses of other pairs", |c, draw| {
        let is_meant = |proof: &Proof| matches!(proof, Proof::AllPairs { .. });
        let edit = |proof: &Proof, draw: &mut Draw| {
            let Proof::AllPairs { witnesses } = proof else { return None };
            let mut witnesses = witnesses.clone();
            let at = draw.index(witnesses.len());
            *witnesses.get_mut(at)? = (draw.index(13), draw.index(13));
            Some(Proof::AllPairs { witnesses })
        };
        with_lines(c, &proof(c, draw, is_meant, edit)?)
    }),
    ("a hint that is not there", |c, draw| {
        steps(c, draw, |steps, draw| {
            let at = draw.index(steps.len());
            let Step::Leaf { hint, .. } = &mut steps[at] else { return };
            *hint = Some(7);
        })
    }),
    ("children swapped", |c, draw| steps(c, draw, |steps, draw| swap_children(steps, draw))),
    ("a leaf dropped", |c, draw| tokens(c, draw, |words, _| drop(words.pop()))),
    ("a leaf too many", |c, draw| tokens(c, draw, |words, _| words.push("I".to_owned()))),
    ("a leaf by a weaker rule", |c, draw| {
        steps(c, draw, |steps, draw| {
            let at = draw.index(steps.len());
            if let Step::Leaf { leaf, hint, .. } = &mut steps[at] {
                (*leaf, *hint) = (Leaf::Interval, None);
            }
        })
    }),
    ("a case distinction cut short", cut_short),
    ("a cut outside", |c, draw| cut(c, draw, |cut, _| move_cut(cut, 100))),
    ("a cut moved", |c, draw| {
        cut(c, draw, |cut, draw| move_cut(cut, if draw.is_heads() { 1 } else { -1 }))
    }),
    ("a cut of another feature", |c, draw| {
        cut(c, draw, |cut, draw| {
            let (Cut::Input { feature, .. } | Cut::Cell { feature, .. }) = cut else { return };
            *feature = if draw.is_heads() { 1 - *feature } else { 2 };
        })
    }),
    ("a share of a bound moved", |c, draw| {
        steps(c, draw, |steps, draw| {
            let by = draw.pick(&[f64::EPSILON, -f64::EPSILON, 0.125, -0.125]).unwrap_or(0.0);
            if let Some(Step::Sum { most, .. }) = steps.first_mut() {
                *most += by;
            }
        })
    }),
    ("a sum of other trees", |c, draw| {
        steps(c, draw, |steps, draw| {
            if let Some(Step::Sum { trees, .. }) = steps.first_mut() {
                *trees = if draw.is_heads() { vec![0] } else { vec![1, 7] };
            }
        })
    }),
    ("a refresh of the output", |c, draw| {
        steps(c, draw, |steps, draw| {
            let at = draw.index(steps.len());
            let (Step::Cut { refresh, .. } | Step::Leaf { refresh, .. }) = &mut steps[at] else {
                return;
            };
            *refresh = Some(1);
        })
    }),
    ("a witness one ulp outside", witness_outside),
    ("a region one ulp wider", wider_region),
    ("rows one ulp away", moved_rows),
    ("wrong labels", wrong_labels),
    ("another model with the digest pasted in", another_model),
    ("another defense, or none", another_defense),
    ("a tree in pieces", in_pieces),
    ("a torn file", |c, draw| {
        let mut bytes = c.text();
        let at = draw.index(bytes.len());
        bytes.truncate(at);
        mutant(c, bytes)
    }),
    ("a flipped bit", |c, draw| {
        let mut bytes = c.text();
        let bit = draw.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        mutant(c, bytes)
    }),
];

/// `None` if nothing has changed.
pub fn mutant(c: &Certified, bytes: Vec<u8>) -> Option<Mutant> {
    (bytes != c.text()).then_some(Mutant { bytes, subject: None })
}

pub fn with_lines(c: &Certified, lines: &[Line]) -> Option<Mutant> {
    mutant(c, c.text_of(lines, &c.totals))
}

/// Two random lines are edited.
fn lines(
    c: &Certified,
    draw: &mut Draw,
    edit: impl Fn(&mut Vec<Line>, usize, usize),
) -> Option<Mutant> {
    let mut lines = c.lines.clone();
    let [at, other] = [(); 2].map(|()| draw.index(lines.len()));
    edit(&mut lines, at, other);
    with_lines(c, &lines)
}

/// One of the lines whose proof is as asked for gets another proof.
pub fn proof(
    c: &Certified,
    draw: &mut Draw,
    is_meant: impl Fn(&Proof) -> bool,
    edit: impl FnOnce(&Proof, &mut Draw) -> Option<Proof>,
) -> Option<Vec<Line>> {
    let meant: Vec<usize> = (0..c.lines.len()).filter(|&k| is_meant(&c.lines[k].proof)).collect();
    let at = draw.pick(&meant)?;
    let mut lines = c.lines.clone();
    lines[at].proof = edit(&lines[at].proof, draw)?;
    Some(lines)
}

fn rules() -> Vec<Proof> {
    let nothing = Proof::None;
    let points = vec![vec!["0".to_owned(), "0".to_owned()]];
    proving_rules().into_iter().chain([nothing, Proof::Counterexample { points }]).collect()
}

fn proving_rules() -> [Proof; 8] {
    [
        Proof::interval(),
        Proof::linear(Vec::new()),
        Proof::jacobian(),
        Proof::jumps([].into()),
        Proof::tree_pairs([].into()),
        Proof::fuzz(),
        Proof::Range,
        Proof::difference(),
    ]
}

fn another_rule(c: &Certified, draw: &mut Draw) -> Option<Mutant> {
    let lines = proof(c, draw, |_| true, |_, draw| draw.pick(&rules()))?;
    with_lines(c, &lines)
}

/// A proof is put where there is none, and the totals count it.
fn as_proved(c: &Certified, draw: &mut Draw, from: fn(&Proof) -> bool) -> Option<Mutant> {
    let offered: Vec<Proof> =
        c.lines.iter().map(|line| line.proof.clone()).filter(|proof| !from(proof)).collect();
    let edit = |_: &Proof, draw: &mut Draw| {
        if draw.is_heads() { draw.pick(&offered) } else { draw.pick(&proving_rules()) }
    };
    let lines = proof(c, draw, from, edit)?;
    let taken = u64::from(from(&Proof::None));
    let totals = Totals {
        proved: c.totals.proved + 1,
        undecided: c.totals.undecided.checked_sub(taken)?,
        refuted: c.totals.refuted.checked_sub(1 - taken)?,
        ..c.totals
    };
    mutant(c, c.text_of(&lines, &totals))
}

fn totals(c: &Certified, draw: &mut Draw) -> Option<Mutant> {
    let mut totals = c.totals;
    let Totals { proved, refuted, undecided, vacuous, invalid } = &mut totals;
    let counts = [proved, refuted, undecided, vacuous, invalid];
    let at = draw.index(counts.len());
    *counts[at] = if draw.is_heads() { *counts[at] + 1 } else { counts[at].saturating_sub(1) };
    mutant(c, c.text_of(&c.lines, &totals))
}

/// One hint of one line is edited.
fn hints(
    c: &Certified,
    draw: &mut Draw,
    edit: impl Fn(&mut Hint, &mut Draw) -> Option<()>,
) -> Option<Mutant> {
    let has_hints = |proof: &Proof| matches!(proof, Proof::Cases(cases) if !cases.hints.is_empty());
    let edit = |proof: &Proof, draw: &mut Draw| {
        let mut proof = proof.clone();
        let Proof::Cases(cases) = &mut proof else { return None };
        match &mut cases.hints[0] {
            LeafHint::Shared(hint) => edit(hint, draw)?,
            LeafHint::PerRow(hints) => edit(hints.first_mut()?, draw)?,
        }
        Some(proof)
    };
    with_lines(c, &self::proof(c, draw, has_hints, edit)?)
}

fn huge_multiplier(c: &Certified, draw: &mut Draw) -> Option<Mutant> {
    let text = String::from_utf8(c.text()).unwrap();
    let (_, split) = text.split_once("\"split\":[")?;
    let start = text.len() - split.len();
    let places: Vec<usize> = split.match_indices(",1.0]").map(|(at, _)| start + at).collect();
    let at = draw.pick(&places)?;
    let huge = ",1606938044258990275541962092341162602522202993782792835301376]";
    mutant(c, [&text[..at], huge, &text[at + ",1.0]".len()..]].concat().into_bytes())
}

/// One coordinate of a witness leaves its region.
fn witness_outside(c: &Certified, draw: &mut Draw) -> Option<Mutant> {
    let refuted: Vec<&Line> =
        c.lines.iter().filter(|line| matches!(line.proof, Proof::Counterexample { .. })).collect();
    let line = draw.pick(&refuted)?;
    let lowered = c.lowered();
    let region = lowered.obligation(line.at)?.region;
    let feature = draw.index(2);
    let (low, high) = &region.sides()[feature];
    let outside = if draw.is_heads() { high.down().next_up() } else { low.up().next_down() };
    let mut lines = c.lines.clone();
    if let Proof::Counterexample { points } = &mut lines[line.at].proof {
        points.iter_mut().for_each(|point| point[feature] = format_hexadecimal(outside));
        assert_eq!(parse_hexadecimal(&points[0][feature]), Some(outside));
    }
    with_lines(c, &lines)
}
