//! What a map answers, told from its file and its formula alone: whether the answered label is the one claimed.

use propcert::defense::Defense;
use propcert::interval::{Decimal, Rational};
use propcert::model::Tie;

/// Which answers are the label that is claimed, by its margin over the other class.
#[derive(Clone, Debug)]
pub enum Behind {
    /// The label itself, wherever it is the model's.
    Itself,
    /// The model's label from this margin on, below it the other one.
    Turned { from: f64 },
    /// The same, but beyond the margin, and at 0 the model's label.
    Mirrored { beyond: f64 },
    /// Class 0 above one margin of its own, class 1 above one of its own.
    Shifted { above: [f64; 2] },
    /// The model's label from this margin on, else the one that wins ties.
    Rounded { from: f64 },
    /// The model's label beyond this margin; else either, by chance or by choice.
    Drawn { beyond: f64 },
}

/// A little less: what is no rational counts with its safer end.
fn safer(margin: f64) -> f64 {
    margin - margin.abs() * 1e-12
}

fn logit(p: f64) -> f64 {
    (p / (1.0 - p)).ln()
}

impl Behind {
    pub fn of(defense: &Defense) -> Self {
        let file: serde_json::Value = serde_json::from_str(&defense.to_json()).unwrap();
        let number = |value: &serde_json::Value| -> f64 {
            value.as_str().unwrap().parse::<Decimal>().unwrap().value().down()
        };
        match file["kind"].as_str().unwrap() {
            "prediction-poisoning" => {
                Self::Turned { from: safer(-(1.0 - 2.0 * number(&file["alpha"])).ln()) }
            }
            "adaptive-misinformation" if file["decoy"] == "uniform" => Self::Itself,
            "adaptive-misinformation" if file["decoy"] != "mirror" => {
                let (nu, tau) = (number(&file["nu"]), number(&file["tau"]));
                // (1 − a)·p > ½, whatever the decoy answers
                let is_enough = |p: f64| p / (1.0 + (nu * (tau - p)).exp()) > 0.5;
                let (mut low, mut high) = (0.5, 1.0);
                for _ in 0..60 {
                    let middle = 0.5 * (low + high);
                    if is_enough(middle) { high = middle } else { low = middle }
                }
                Self::Drawn { beyond: safer(logit(low)) }
            }
            "adaptive-misinformation" => {
                let tau = number(&file["tau"]);
                if tau == 0.5 { Self::Itself } else { Self::Mirrored { beyond: safer(logit(tau)) } }
            }
            "mixture" => {
                let (alpha, eta) = (number(&file["alpha"]), &file["eta"]);
                let eta = [number(&eta[0]), number(&eta[1])];
                if alpha == 0.0 || eta[0] == eta[1] {
                    return Self::Itself;
                }
                let above = eta.map(|eta| {
                    let p = (0.5 - alpha * eta) / (1.0 - alpha);
                    match p {
                        p if p <= 0.0 => f64::NEG_INFINITY,
                        p if p >= 1.0 => f64::INFINITY,
                        p => safer(logit(p)),
                    }
                });
                Self::Shifted { above }
            }
            "rounding" => {
                let digits = file["digits"].as_i64().unwrap() as i32;
                Self::Rounded { from: safer(logit(0.5 + 0.5 * 10_f64.powi(-digits))) }
            }
            "boundary-randomised-response" => {
                let beyond = file.get("confidence").map_or(f64::INFINITY, |tau| logit(number(tau)));
                Self::Drawn { beyond: safer(beyond) }
            }
            "vertex-poisoning" if file["vertex"] == "keeping" => Self::Itself,
            // to any vertex: (1 − α)·p > (1 − α)(1 − p) + α, or 2p − 1 > e
            "vertex-poisoning" => {
                let above = match (&file["alpha"], file["norm"].as_str()) {
                    (alpha, None) => 0.5 / (1.0 - number(alpha)),
                    (_, Some("l1")) => (1.0 + number(&file["budget"])) / 2.0,
                    (_, other) => panic!("no judge for a budget in {other:?}"),
                };
                Self::Drawn { beyond: safer(logit(above)) }
            }
            other => panic!("no judge for {other}"),
        }
    }

    /// Whether the answer is class `label`, whose margin over the other class this is: the number of the piece of margins
    /// that have this answer, or nothing.
    pub fn piece(&self, label: usize, margin: &Rational, tie: Tie) -> Option<u8> {
        let wins_ties = (label == 1) == (tie == Tie::Upper);
        let is_own = *margin > Rational::ZERO || (*margin == Rational::ZERO && wins_ties);
        let size = margin.clone().abs().up();
        match *self {
            Self::Itself => is_own.then_some(1),
            Self::Turned { from } => match is_own {
                true => (size >= from).then_some(1),
                false => (size < from).then_some(0),
            },
            Self::Mirrored { beyond } => match is_own {
                true if size == 0.0 => Some(2),
                true => (size > beyond).then_some(1),
                false => (size > 0.0 && size <= beyond).then_some(0),
            },
            Self::Shifted { above } => (margin.up() > above[label]).then_some(1),
            Self::Rounded { from } => match (is_own, wins_ties) {
                (true, true) => Some(1),
                (false, true) => (size < from).then_some(1),
                (true, false) => (size >= from).then_some(1),
                (false, false) => None,
            },
            Self::Drawn { beyond } => (is_own && size > beyond).then_some(1),
        }
    }

    /// The same for an answer above ½.
    pub fn piece_above_half(&self, label: usize, margin: &Rational, tie: Tie) -> Option<u8> {
        let is_even = *margin == Rational::ZERO;
        match *self {
            Self::Rounded { from } => (margin.down() > 0.0 && margin.up() >= from).then_some(1),
            Self::Itself | Self::Mirrored { .. } | Self::Drawn { .. } if is_even => None,
            Self::Turned { from } if is_even && from == 0.0 => None,
            _ => self.piece(label, margin, tie),
        }
    }
}
