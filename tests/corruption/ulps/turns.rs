//! Claims with one number in them, and where they turn.

use propcert::certificate::{Arithmetic, Hint, Line, Proof, SplitTree};
use propcert::model::{DataSet, Kind, Layer, Model, Point, Precision};

use crate::cases::{ensemble, network};
use crate::certificates::{Certified, data, signed_cases, state};
use crate::models::{folded_network, ridge_network, stump};
use crate::two_points::Pair;

/// A claim with a number to choose, and what is offered for it.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) model: Model,
    /// The spec, `{}` being the number.
    pub(super) text: String,
    pub(super) rows: Vec<(Vec<f64>, usize)>,
    /// One for each obligation.
    pub(super) proofs: Vec<Proof>,
    /// Near the turn.
    pub(super) guess: f64,
    /// Whether larger numbers make the claim true.
    pub(super) holds_above: bool,
}

/// The float `steps` further up.
fn moved(x: f64, steps: i64) -> f64 {
    assert!(x > 0.0, "cases turn at positive numbers");
    f64::from_bits(x.to_bits().checked_add_signed(steps).unwrap())
}

/// These rows first, and one of each label whose key is so large that validation takes it, not them.
pub(super) fn data_with(rows: &[(Vec<f64>, usize)]) -> DataSet {
    let last = [(vec![2.363762, 4.0], 0), (vec![2.220142, 4.0], 1)];
    data(&[rows, &last].concat())
}

impl Case {
    pub(super) fn is_witness(&self) -> bool {
        matches!(self.proofs[0], Proof::Counterexample { .. })
    }

    /// The certificate for the claim with this number, with totals as if it were accepted.
    pub(super) fn stated(&self, number: f64) -> Certified {
        let text = self.text.replace("{}", &number.to_string());
        let proofs = self.proofs.iter().enumerate();
        let lines = proofs.map(|(at, proof)| Line { at, proof: proof.clone() }).collect();
        let mut c = state(
            self.name,
            self.model.clone(),
            None,
            &text,
            (data_with(&self.rows), self.rows.len()),
            lines,
        );
        let n = c.truths.len() as u64;
        if self.is_witness() {
            c.totals.refuted = n;
        } else {
            c.totals.vacuous = c.pairs_that(Pair::Vacuous);
            c.totals.proved = n - c.totals.vacuous;
        }
        c
    }

    /// The float nearest to the turn at which the certificate states the truth, and the next one.
    pub(super) fn turn(&self) -> (f64, f64) {
        let towards_truth = if self.holds_above { 1 } else { -1 };
        let is_true = |steps: i64| {
            self.stated(moved(self.guess, towards_truth * steps)).truths.iter().all(|truth| *truth)
        };
        let (mut low, mut high) = (-1024, 1024);
        assert!(!is_true(low) && is_true(high), "{}: no turn near {}", self.name, self.guess);
        while high - low > 1 {
            let middle = (low + high) / 2;
            if is_true(middle) {
                high = middle;
            } else {
                low = middle;
            }
        }
        let [on_true_side, on_false_side] =
            [high, low].map(|steps| moved(self.guess, towards_truth * steps));
        if self.is_witness() {
            (on_false_side, on_true_side)
        } else {
            (on_true_side, on_false_side)
        }
    }

    /// The number closest to `good` at which the file is accepted, and how many floats lie between.
    pub(super) fn accepted(&self, (good, bad): (f64, f64), arithmetic: Arithmetic) -> (f64, i64) {
        let away = if good > bad { 1 } else { -1 };
        let tries = std::iter::once(0).chain((0..40).map(|k| 1i64 << k));
        let is_accepted = |steps: &i64| {
            let c = self.stated(moved(good, away * steps));
            c.accepts(&c.text(), arithmetic, "the control")
        };
        let mut found = tries.filter(is_accepted).map(|steps| (moved(good, away * steps), steps));
        found.next().unwrap_or_else(|| panic!("{}: never accepted in {arithmetic:?}", self.name))
    }
}

/// A network that is linear where it is looked at: `m = Σ slope_i·x_i + offset`.
fn line(slopes: [f64; 2], offset: f64) -> Model {
    let layers = vec![
        Layer { weights: vec![1.0, 0.0, 0.0, 1.0], bias: vec![4.0, 4.0], inputs: 2 },
        Layer {
            weights: vec![0.0, 0.0, slopes[0], slopes[1]],
            bias: vec![0.0, offset - 4.0 * (slopes[0] + slopes[1])],
            inputs: 2,
        },
    ];
    network(layers, (-4.0, 4.0), Precision::F32)
}

/// `m = 1½ − relu(x₀)`.
fn falling() -> Model {
    let layers = vec![
        Layer { weights: vec![1.0, 0.0], bias: vec![0.0], inputs: 2 },
        Layer { weights: vec![0.0, -1.0], bias: vec![0.0, 1.5], inputs: 1 },
    ];
    network(layers, (-4.0, 4.0), Precision::F32)
}

/// `m = relu(x₀) + slope·relu(x₀ + 5) + offset`, least at an end of [−2½, 2½].
fn bent(slope: f64, offset: f64) -> Model {
    let layers = vec![
        Layer { weights: vec![1.0, 0.0, 1.0, 0.0], bias: vec![0.0, 5.0], inputs: 2 },
        Layer { weights: vec![0.0, 0.0, 1.0, slope], bias: vec![0.0, offset], inputs: 2 },
    ];
    network(layers, (-4.0, 4.0), Precision::F32)
}

/// `m = relu(x₀ + 1) − 2·relu(x₀) + relu(x₀ − 1)`.
fn hat() -> Model {
    let layers = vec![
        Layer {
            weights: vec![1.0, 0.0, 1.0, 0.0, 1.0, 0.0],
            bias: vec![1.0, 0.0, -1.0],
            inputs: 2,
        },
        Layer { weights: vec![0.0, 0.0, 0.0, 1.0, -2.0, 1.0], bias: vec![0.0, 0.0], inputs: 3 },
    ];
    network(layers, (-4.0, 4.0), Precision::F32)
}

/// `f₀ = x₀ + 1`, `f₁ = 1 − x₀`.
fn opposed() -> Model {
    let layers = vec![
        Layer { weights: vec![1.0, 0.0], bias: vec![4.0], inputs: 2 },
        Layer { weights: vec![1.0, -1.0], bias: vec![-3.0, 5.0], inputs: 1 },
    ];
    network(layers, (-4.0, 4.0), Precision::F32)
}

fn tree(text: &str) -> Proof {
    Proof::split(SplitTree::parse(text).unwrap(), Vec::new())
}

fn witness(points: &[[f64; 2]]) -> Vec<Proof> {
    let points = points.iter().map(|x| Point::texts(x)).collect();
    vec![Proof::Counterexample { points }]
}

/// An output region on a box of `x₀`, the second input being 0.
pub(super) fn region(copies: usize, blocks: &str, rows: &str) -> String {
    let copies = if copies == 1 { "" } else { "copies = 2\n" };
    format!(
        "property = 'output-region'\nunits = 'raw'\n{copies}unsafe = {blocks}\n\
         [[input]]\nbox = [['-2.5', '2.5'], ['0', '0']]\n{rows}\n"
    )
}

fn networks_on_regions() -> Vec<Case> {
    let unsafe_below = "[[{y = ['-1', '1'], rhs = '{}'}]]";
    let unsafe_sum = "[[{y = ['-1', '1', '-1', '1'], rhs = '{}'}]]";
    let plane = "property = 'output-region'\nunits = 'raw'\nunsafe = [[{y = ['-1', '1'], rhs = '{}'}]]\n\
                 [[input]]\nbox = [['-2', '2'], ['-1.5', '2']]\n";
    let rows = || vec![(vec![0.0, 0.0], 1)];
    let slope = |slope| {
        Proof::linear(vec![Hint { slopes: vec![(0, 0, slope), (0, 1, 1.0)], ..Hint::default() }])
    };
    let weights = Hint { weights: vec![1.0, 1.0], ..Hint::default() };
    let case = |name, model, text: String, proof: Proof, guess| Case {
        name,
        model,
        text,
        rows: rows(),
        proofs: vec![proof],
        guess,
        holds_above: false,
    };
    let folded = folded_network;
    vec![
        case("slopes", folded(), region(1, unsafe_below, ""), slope(0.5), 0.5),
        case("a slope of one", bent(-2.0, 13.0), region(1, unsafe_below, ""), slope(1.0), 0.5),
        case("a slope of nothing", bent(1.0, -2.0), region(1, unsafe_below, ""), slope(0.0), 0.5),
        case(
            "weights of rows",
            opposed(),
            region(1, "[[{y = ['1', '0'], rhs = '{}'}, {y = ['0', '1'], rhs = '{}'}]]", ""),
            Proof::linear(vec![weights]),
            1.0,
        ),
        case(
            "cuts of an input",
            folded(),
            region(1, unsafe_below, ""),
            tree("i0:0x1p0 i0:0x0p0 L L L"),
            0.5,
        ),
        case(
            "signs with multipliers",
            ridge_network(),
            plane.to_owned(),
            signed_cases("r0.0 L#0 L#0", &[0]),
            0.5,
        ),
        case(
            "cuts of two copies",
            folded(),
            region(2, unsafe_sum, ""),
            tree("i0:0x0p0 1/i0:0x0p0 L L 1/i0:0x0p0 L L"),
            1.0,
        ),
        case(
            "signs of two copies",
            folded(),
            region(2, unsafe_sum, ""),
            signed_cases("r0.0 1/r0.0 L#0 L#0 1/r0.0 L#0 L#0", &[0, 2]),
            1.0,
        ),
        Case {
            holds_above: true,
            ..case(
                "copies that are bound to each other",
                folded(),
                region(
                    2,
                    "[[{y = ['1', '-1', '-1', '1'], rhs = '-{}'}]]",
                    "rows = [{x = ['-2', '0', '2', '0'], rhs = '0.5'}, {x = ['1', '0', '-1', '0'], rhs = '0'}]",
                ),
                Proof::linear(Vec::new()),
                0.25,
            )
        },
        Case {
            proofs: witness(&[[0.75, 0.0]]),
            ..case(
                "a witness on the edge of a condition",
                line([1.0, 0.0], 1.0),
                region(1, unsafe_below, "rows = [{x = ['-1', '0'], rhs = '-0.75'}]"),
                Proof::None,
                1.75,
            )
        },
        Case {
            proofs: witness(&[[0.0, 0.0], [0.0, 0.0]]),
            ..case("a witness of two copies", folded(), region(2, unsafe_sum, ""), Proof::None, 1.0)
        },
    ]
}

fn networks_around_rows() -> Vec<Case> {
    let label = "property = 'label'\nepsilon = '{}'\nsemantics = 'real'\nunits = 'raw'\n";
    let rising = "property = 'monotonicity'\nscope = 'local'\nepsilon = '{}'\nfeatures = [0]\n\
                  direction = 'increasing'\n";
    let fuzz = "property = 'boundary-fuzz'\nscope = 'local'\nradius = '0.25'\nshift = '{}'\n\
                epsilon = '0.1'\n";
    let invariance =
        "property = 'local-invariance'\nepsilon = '0.5'\ndelta = '{}'\nsemantics = 'real'\n";
    let at = |x: f64| vec![(vec![x, 0.0], 1)];
    // 1 − σ(½)
    let delta = 1.0 / (1.0 + 0.5f64.exp());
    let case = |name, model, text: &str, rows, proof, guess| Case {
        name,
        model,
        text: text.to_owned(),
        rows,
        proofs: vec![proof],
        guess,
        holds_above: false,
    };
    let both = || {
        let trees = vec![stump(0, 0.125, -1.0, 1.0), stump(0, 0.5, 1.0, 0.0)];
        ensemble(&[Kind::Real, Kind::Real], (-4.0, 4.0), vec![0.0], trees)
    };
    let level = || {
        let trees = vec![stump(0, 0.5, 1.0, -1.0), stump(1, 0.0, 0.0, 1.0)];
        ensemble(&[Kind::Real, Kind::Real], (-4.0, 4.0), vec![0.5], trees)
    };
    vec![
        case("intervals", falling(), label, at(1.0), Proof::interval(), 0.5),
        Case {
            holds_above: true,
            ..case(
                "a threshold",
                line([1.0, 0.0], 0.0),
                invariance,
                at(1.0),
                Proof::interval(),
                delta,
            )
        },
        case("gradients", folded_network(), rising, at(0.25), Proof::jacobian(), 0.25),
        case("gradients by cases", folded_network(), rising, at(0.25), tree("i0:0x1p-2 J J"), 0.25),
        case("a shift", line([1.0, 0.0], 0.0), fuzz, at(1.0), Proof::fuzz(), 0.75),
        case("a shift by cases", line([1.0, 0.0], 0.0), fuzz, at(1.0), tree("i0:0x1p0 F F"), 0.75),
        case("jumps", both(), rising, at(0.25), Proof::jumps([].into()), 0.25),
        case("boxes of leaves", level(), label, at(0.25), Proof::interval(), 0.25),
        case("cells", level(), label, at(0.25), tree("c1.0 I I"), 0.25),
        Case {
            proofs: witness(&[[1.5, 0.0]]),
            ..case("a witness on the edge of a ball", falling(), label, at(1.0), Proof::None, 0.5)
        },
        Case {
            proofs: witness(&[[0.125, 0.0], [0.5, 0.0]]),
            ..case("a witness of a jump", both(), rising, at(0.25), Proof::None, 0.25)
        },
    ]
}

fn pairs_of_points() -> Vec<Case> {
    let far = "property = 'lipschitzness'\nepsilon = '0'\nconstant = '{}'\n";
    let meeting = far.replace("'0'", "'1'");
    let near = "property = 'small-neighborhood'\nepsilon = '1e-12'\nconstant = '{}'\n[domain]\n\
                x0 = ['-1', '1']\nx1 = ['0', '0']\n";
    let score = near.replace("[domain]", "on = 'score'\n[domain]").replace("1e-12", "0.5");
    let hats = score.replace("'-1', '1'", "'-2', '2'").replace("'0.5'", "'0.25'");
    let rates = "property = 'lipschitzness-t'\nconstant = '{}'\n";
    let reach = "property = 'local-invariance-t'\nepsilon-1 = '{}'\nepsilon-2 = '1e-9'\n";
    let divergence = "property = 'local-invariance-t'\nepsilon-1 = '3'\nepsilon-2 = '{}'\n";
    let root = 2f64.sqrt();
    let sigmoid = |m: f64| 1.0 / (1.0 + (-m).exp());
    let all = |witnesses: &[(usize, usize)]| Proof::AllPairs { witnesses: witnesses.to_vec() };
    let rows = || vec![(vec![0.0, 0.0], 0), (vec![1.0, 0.0], 1)];
    let three = || [rows(), vec![(vec![2.0, 0.0], 1)]].concat();
    let case = |name, text: &str, rows, proof, guess| Case {
        name,
        model: line([1.0, 0.0], 0.0),
        text: text.to_owned(),
        rows,
        proofs: vec![proof],
        guess,
        holds_above: true,
    };
    // from 1/2 to σ(2); the largest of the six
    let widest = (2.0 + (-2f64).exp().ln_1p()) - root.ln() * 2.0 - 1.0;
    let gap = root * (sigmoid(1.0) - 0.5);
    vec![
        case("ranges", far, rows(), Proof::Range, gap),
        case("rates of two boxes", &meeting, rows(), Proof::jacobian(), root / 4.0),
        case("rates by cases", &meeting, rows(), tree("i0:0x0p0 J r0.0 J J"), root / 4.0),
        case("rates near each other", near, rows(), Proof::difference(), root / 4.0),
        case("rates of scores", &score, rows(), tree("J"), 1.0),
        case("changes", &score, rows(), Proof::difference(), 1.0),
        Case {
            model: hat(),
            ..case("changes box by box", &hats, rows(), tree("i0:-0x1p-1 L i0:0x1p-1 L L"), 1.0)
        },
        case("scores by cases", &score, rows(), tree("i0:0x1p-3 J J"), 1.0),
        case("pairs of rows", rates, three(), all(&[]), gap),
        Case { holds_above: false, ..case("pairs in reach", reach, rows(), all(&[]), 1.0) },
        case("divergences of rows", divergence, three(), all(&[]), widest),
        Case {
            proofs: witness(&[[0.0, 0.0], [1.0, 0.0]]),
            ..case("a witness of two rows", far, rows(), Proof::None, gap)
        },
        Case {
            proofs: witness(&[[0.0, 0.0], [0.5, 0.0]]),
            ..case("a witness of a score", &score, rows(), Proof::None, 1.0)
        },
    ]
}

/// All of them.
pub(super) fn cases() -> Vec<Case> {
    networks_on_regions()
        .into_iter()
        .chain(networks_around_rows())
        .chain(pairs_of_points())
        .collect()
}
