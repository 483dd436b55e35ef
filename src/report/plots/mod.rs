//! The figures of the page, drawn by kuva as inline SVG.
//!
//! They are readable without colour: areas differ by hatch, series by marker or dash, and every category is
//! labelled. Proved, sampled and measured figures have plots of their own. The same report gives the same bytes.

pub(super) mod audited;
mod frame;
mod frontier;

use kuva::prelude::{BarPlot, Layout, LineStyle, MarkerShape};

use super::format::claim;
use super::sections::Topic;
use super::{
    CertificateReport, Counts, DefenseReport, Estimate, ModelReport, Run, SettledCurve,
    SettledPoint, Share,
};
pub(super) use frame::Figure;
use frame::{Curve, Frame, Hatch, Series, curves, finish, literal, percent_ticks, without_clip};

// The palette of Okabe and Ito, which every common colour vision can tell apart.
const BLUE: &str = "#0072b2";
const ORANGE: &str = "#e69f00";
const VERMILION: &str = "#d55e00";
const GREEN: &str = "#009e73";
const PURPLE: &str = "#cc79a7";

/// The figures of a section of a run; `prefix` keeps their identifiers apart from others.
pub(super) fn figures(run: &Run, topic: Topic, prefix: &str) -> Vec<Figure> {
    let drawn = match topic {
        Topic::Frontier => vec![frontier::of_run(run)],
        Topic::Accuracy => vec![accuracy(run)],
        Topic::Proved => vec![proved(run, prefix)],
        Topic::Sampled => vec![sampled(run)],
        Topic::Radii => Vec::new(),
        Topic::Stealing => {
            let agreements = run.models.iter().map(|model| agreement(run, model));
            agreements.chain([squared_error(run)]).collect()
        }
        Topic::GivesAway => run.models.iter().map(|model| settled(run, model)).collect(),
        Topic::Defenses => vec![still_proved(run), cost(run)],
    };
    let whole = |figure: Figure| Figure { body: without_clip(&figure.body), ..figure };
    drawn.into_iter().flatten().map(whole).collect()
}

fn accuracy(run: &Run) -> Option<Figure> {
    let points = run.models.iter().filter_map(|m| Some((m.name.clone(), m.accuracy.ratio()?)));
    let (names, shares): (Vec<String>, Vec<f64>) = points.unzip();
    let dots = Series::new("accuracy", BLUE, MarkerShape::Circle, shares);
    let frame = Frame::percent(names, "correct on the test part").zoomed(&[&dots]);
    let description = "One dot per model. Measured.";
    frame.dots("Accuracy of each model", description, vec![dots])
}

fn proved(run: &Run, prefix: &str) -> Option<Figure> {
    let bars: Vec<(String, &CertificateReport)> =
        certificates(run).filter(|(_, certificate)| certificate.counts.n() > 0).collect();
    let fills = [Hatch::Solid, Hatch::Dots, Hatch::Stripes];
    let mut plot = BarPlot::new().with_horizontal(true).with_stacked().with_width(0.62);
    for (label, certificate) in bars.iter().rev() {
        let counts = certificate.counts;
        let parts = [counts.proved, counts.undecided, counts.refuted];
        let share = |part| Share::new(part, counts.n()).ratio().unwrap_or(0.0);
        let parts = parts.iter().zip(fills).map(|(&part, fill)| (share(part), fill.url(prefix)));
        plot = plot.with_group(literal(label), parts.collect::<Vec<_>>());
    }
    let plot = plot.with_legend(vec!["proved", "undecided", "refuted"]);
    let labels = bars.into_iter().map(|(label, _)| label).collect();
    let frame = Frame::percent(labels, "obligations, by what the kernel decided");
    frame.draw(
        "Constraint accuracy: proved, undecided, refuted",
        "One bar per model and claim. Plain: proved; dotted: undecided; striped: refuted. Constraint \
         accuracy lies between the end of the plain part and the start of the striped part.",
        vec![plot.into()],
        fills.map(|fill| fill.definition(prefix)).to_vec(),
    )
}

fn sampled(run: &Run) -> Option<Figure> {
    let points = certificates(run).filter_map(|(label, certificate)| {
        Some((label, certificate.sampled.as_ref()?.satisfied.ratio()?))
    });
    let (labels, shares): (Vec<String>, Vec<f64>) = points.unzip();
    let dots = Series::new("no violation found", ORANGE, MarkerShape::Diamond, shares);
    let frame = Frame::percent(labels, "no violation among the points tried (not a proof)");
    let frame = frame.zoomed(&[&dots]);
    let description = "One diamond per model and claim. Sampled: an upper guess, not a proof.";
    frame.dots("Constraint accuracy, sampled", description, vec![dots])
}

fn agreement(run: &Run, model: &ModelReport) -> Option<Figure> {
    let series = agreement_series(model);
    // the axis of every model is that of all models, so that the figures can be compared
    let all: Vec<Series> = run.models.iter().flat_map(agreement_series).collect();
    let baselines = model.baselines.iter().map(|b| format!("({})", b.name));
    let names = baselines.chain(model.attacks.iter().map(|attack| attack.name.clone())).collect();
    let frame = Frame::percent(names, "agreement with the target");
    let frame = frame.zoomed(&all.iter().collect::<Vec<_>>());
    let description = "Mean and standard deviation (drawn up to 0% and 100%) over repetitions on held-out \
                       rows (circle), uniform points (square) and boundary points (triangle). Measured.";
    frame.dots(&format!("Agreement after stealing {}", model.name), description, series.to_vec())
}

/// A series per evaluation set: baselines first, then attacks.
fn agreement_series(model: &ModelReport) -> [Series; 3] {
    let baselines = model.baselines.iter().map(|baseline| baseline.agreement);
    let attacks = model.attacks.iter().map(|attack| attack.agreement);
    let agreements: Vec<_> = baselines.chain(attacks).collect();
    let of_set = |set: usize| agreements.iter().map(move |a| a.named()[set].1).collect::<Vec<_>>();
    [
        Series::estimates("held-out", BLUE, MarkerShape::Circle, &of_set(0)),
        Series::estimates("uniform", ORANGE, MarkerShape::Square, &of_set(1)),
        Series::estimates("boundary", GREEN, MarkerShape::Triangle, &of_set(2)),
    ]
}

fn squared_error(run: &Run) -> Option<Figure> {
    let points = run.models.iter().flat_map(|model| {
        let baselines = model.baselines.iter().map(|b| (format!("({})", b.name), b.mse));
        let attacks = model.attacks.iter().map(|attack| (attack.name.clone(), attack.mse));
        let name = |(attack, mse)| (format!("{}: {attack}", model.name), mse);
        baselines.chain(attacks).map(name)
    });
    let (names, errors): (Vec<String>, Vec<Estimate>) = points.unzip();
    let errors: Vec<&Estimate> = errors.iter().collect();
    let dots = Series::estimates("MSE", PURPLE, MarkerShape::Diamond, &errors);
    // A mean of squares of differences of posteriors is at most 1.
    let top = dots.ends().fold(0.001, f64::max).min(1.0);
    let frame = Frame::plain(names, "mean squared difference of posteriors", (0.0, 1.08 * top));
    let description = "Mean and standard deviation over repetitions, held-out points; smaller means a \
                       closer copy. Measured.";
    frame.dots("Posterior error of the stolen models", description, vec![dots])
}

/// One figure per model, all with the same axes. It has a curve per reference set, and one for the points that the
/// answers settle alone.
fn settled(run: &Run, model: &ModelReport) -> Option<Figure> {
    type Settled = fn(SettledPoint) -> Share;
    const STYLES: [(&str, LineStyle, MarkerShape); 4] = [
        (BLUE, LineStyle::Solid, MarkerShape::Circle),
        (VERMILION, LineStyle::Dotted, MarkerShape::Square),
        (GREEN, LineStyle::Dashed, MarkerShape::Triangle),
        (PURPLE, LineStyle::DashDot, MarkerShape::Diamond),
    ];
    let lines = |curve: &SettledCurve| {
        [
            (curve.reference.clone(), SettledPoint::unasked as Settled, curve.points.clone()),
            (
                format!("{}, without proofs", curve.reference),
                SettledPoint::unasked_by_answers_alone as Settled,
                curve.points.clone(),
            ),
        ]
    };
    let all = model.gives_away.iter().flat_map(|gives_away| &gives_away.settled).flat_map(lines);
    let mut drawn = Vec::new();
    for ((name, share, points), (color, style, marker)) in all.zip(STYLES.iter().cycle()) {
        let place = |point: &SettledPoint| Some((point.queries as f64, share(*point).ratio()?));
        let points: Vec<(f64, f64)> = points.iter().filter_map(place).collect();
        drawn.push(Curve { name, color, style: style.clone(), marker: *marker, points });
    }
    let models = run.models.iter().flat_map(|model| &model.gives_away);
    let all_points = models.flat_map(|gives_away| &gives_away.settled).flat_map(|c| &c.points);
    let corner = all_points.fold((1.0f64, 0.05f64), |most, point| {
        let share = point.unasked().ratio().unwrap_or(0.0);
        (most.0.max(point.queries as f64), most.1.max(1.05 * share))
    });
    let layout = Layout::new((0.0, corner.0), (0.0, corner.1.min(1.0)))
        .with_width(485.0)
        .with_height(280.0)
        .with_x_label("queries paid")
        .with_y_label("settled, not asked")
        .with_y_tick_format(percent_ticks());
    curves(
        &format!("Labels of {} settled as queries are paid", model.name),
        "Share of the reference points not asked whose label follows from the certificate and the \
         answers, and what the same number of answers settles without proofs. Told apart by marker and \
         dash.",
        (drawn, Vec::new()),
        finish(layout),
    )
}

fn still_proved(run: &Run) -> Option<Figure> {
    let points = defenses(run).flat_map(|(model, defense)| {
        defense.certificates.iter().filter_map(move |kept| {
            let share = |counts: Counts| Share::new(counts.proved, counts.n()).ratio();
            let label = format!("{model}, {}: {}", defense.strength, claim(&kept.claim));
            Some((label, (share(kept.before)?, share(kept.after)?)))
        })
    });
    let (labels, shares): (Vec<String>, Vec<(f64, f64)>) = points.unzip();
    let (before, after) = shares.into_iter().unzip();
    let series = vec![
        Series::new("undefended", BLUE, MarkerShape::Circle, before),
        Series::new("defended", VERMILION, MarkerShape::Square, after),
    ];
    let frame = Frame::percent(labels, "proved by the kernel");
    let description =
        "Share proved of the undefended model (circle) and of the defended one (square).";
    frame.dots("What is still proved under a defense", description, series)
}

fn cost(run: &Run) -> Option<Figure> {
    let points = defenses(run).flat_map(|(model, defense)| {
        let name = format!("{model}, {}", defense.strength);
        let accuracy = (defense.accuracy_before.ratio(), defense.accuracy_after.ratio());
        let accuracy = accuracy.0.zip(accuracy.1).map(|ends| (format!("{name}: accuracy"), ends));
        let thieves = defense.attacks.iter().map(move |attack| {
            let ends = (attack.before.heldout.mean, attack.after.heldout.mean);
            (format!("{name}: agreement of {}", attack.attack), ends)
        });
        accuracy.into_iter().chain(thieves)
    });
    let (labels, shares): (Vec<String>, Vec<(f64, f64)>) = points.unzip();
    let (before, after) = shares.into_iter().unzip();
    let series = vec![
        Series::new("undefended", BLUE, MarkerShape::Circle, before),
        Series::new("defended", VERMILION, MarkerShape::Square, after),
    ];
    let frame = Frame::percent(labels, "measured on held-out rows");
    let frame = frame.zoomed(&series.iter().collect::<Vec<_>>());
    let description = "Accuracy of the model and held-out agreement of thieves, undefended (circle) and \
                       defended (square). A good defense moves agreement and leaves accuracy.";
    frame.dots("What a defense costs, and what it takes from thieves", description, series)
}

fn certificates(run: &Run) -> impl Iterator<Item = (String, &CertificateReport)> {
    run.models.iter().flat_map(|model| {
        let label = |certificate: &CertificateReport| {
            format!("{}: {}", model.name, claim(&certificate.claim))
        };
        model.certificates.iter().map(move |certificate| (label(certificate), certificate))
    })
}

fn defenses(run: &Run) -> impl Iterator<Item = (&str, &DefenseReport)> {
    run.models
        .iter()
        .flat_map(|model| model.defenses.iter().map(move |defense| (model.name.as_str(), defense)))
}
