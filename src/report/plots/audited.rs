//! The figures of an audit: the frontier, bands over radii, learning curves, exact radii.

use kuva::prelude::{
    BandPlot, Layout, LegendEntry, LegendShape, LinePlot, LineStyle, MarkerShape, Plot,
};

use super::frame::{Curve, Hatch, curves, draw, finish, percent_ticks, without_clip};
use super::frontier::{self, FrontierDot};
use super::{BLUE, Figure, GREEN, ORANGE, PURPLE, VERMILION};
use crate::report::audited::AuditView;
use crate::report::format::integer;
use crate::report::{AuditFindings, Estimate, IntervalFinding, ModelReport, Share};

/// Width of a figure without its labels, in pixels.
pub(super) const WIDTH: f64 = 460.0;
/// Height of a figure without its legend, in pixels.
pub(super) const HEIGHT: f64 = 300.0;

/// Colours and markers of series; dashes follow.
const STYLES: [(&str, MarkerShape); 5] = [
    (BLUE, MarkerShape::Circle),
    (VERMILION, MarkerShape::Square),
    (GREEN, MarkerShape::Triangle),
    (PURPLE, MarkerShape::Diamond),
    (ORANGE, MarkerShape::Circle),
];

/// The bands of rows over the radius, from below.
const BANDS: [&str; 3] = ["proved", "open", "refuted"];

/// A figure whose marks are whole, and whose bytes are always the same.
pub(super) fn whole(figure: Option<Figure>) -> Option<Figure> {
    figure.map(|figure| Figure { body: without_clip(&figure.body), ..figure })
}

/// The model, then its defended selves; `None` if something is missing of the model.
fn frontier_dots(model: &ModelReport, audited: &AuditFindings) -> Option<Vec<FrontierDot>> {
    let main = audited.local.iter().find(|local| local.epsilon == audited.main_epsilon)?;
    let proved = Share::new(main.counts.proved, main.counts.n()).ratio()?;
    let thieves = model.attacks.iter().filter(|attack| attack.budget == audited.defended_budget);
    let stolen = thieves.map(|attack| attack.agreement.heldout.mean).max_by(f64::total_cmp)?;
    let name = format!("{}, undefended", model.name);
    let mut dots = vec![FrontierDot { name, proved, stolen, from: None, kind: None, lost: 0.0 }];
    let claim = model.certificates.iter().find(|one| one.file.as_ref() == Some(&main.file))?;
    for defense in &model.defenses {
        let kept = defense.certificates.iter().find(|kept| kept.claim == claim.claim);
        let proved = kept.and_then(|kept| Share::new(kept.after.proved, kept.after.n()).ratio());
        let stolen = defense.best_thieves().map(|[_, after]| after.1);
        if let (Some(proved), Some(stolen)) = (proved, stolen) {
            let kind = Some(defense.kind.clone());
            let name = defense.kind.clone();
            let lost = frontier::points_lost(defense.accuracy_before, defense.accuracy_after);
            dots.push(FrontierDot { name, proved, stolen, from: Some(0), kind, lost });
        }
    }
    Some(dots)
}

/// The frontier between security and privacy: an arrow leads from the model to each of its defended selves.
pub(in crate::report) fn frontier(model: &ModelReport, audited: &AuditFindings) -> Option<Figure> {
    let description = format!(
        "Right is better (more rows proved), down is better (the best thief with {} queries agrees on fewer \
         held-out rows). The large circle is the model; an arrow leads to each defended self, whose shape tells the kind \
         of defense and whose size the accuracy lost. Proved: by the kernel; agreement: measured.",
        integer(audited.defended_budget)
    );
    let across = format!("rows proved within {} sd", audited.main_epsilon);
    frontier::draw_dots(&frontier_dots(model, audited)?, across, &description)
}

/// The frontier of several audits: a point per model, and arrows to its defended selves. `None` if fewer than two have
/// one, or if they do not ask for the same radius and budget.
pub(in crate::report) fn frontier_of_audits(audits: &[AuditView]) -> Option<Figure> {
    let mut dots: Vec<FrontierDot> = Vec::new();
    let mut asked: Vec<(&str, u64)> = Vec::new();
    for AuditView { name, model, audited } in audits {
        let Some(own) = frontier_dots(model, audited) else { continue };
        let start = dots.len();
        asked.push((&audited.main_epsilon, audited.defended_budget));
        dots.extend(own.into_iter().map(|dot| FrontierDot {
            name: if dot.from.is_none() { name.clone() } else { dot.name },
            from: dot.from.map(|from| from + start),
            ..dot
        }));
    }
    let (epsilon, budget) = *asked.first()?;
    if asked.len() < 2 || asked.iter().any(|other| *other != (epsilon, budget)) {
        return None;
    }
    let description = format!(
        "Right is better (more rows proved), down is better (the best thief with {} queries agrees on fewer held-out rows). \
         A large mark is a model; an arrow leads to each of its defended selves, whose shape tells the kind of defense and \
         whose size the accuracy lost. Proved: by the kernel; agreement: measured.",
        integer(budget)
    );
    frontier::draw_dots(&dots, format!("rows proved within {epsilon} sd"), &description)
}

/// Shares of rows over the radius: proved, open and refuted as bands.
pub(in crate::report) fn bands(audited: &AuditFindings, prefix: &str) -> Option<Figure> {
    let points: Vec<(f64, [f64; 3])> = audited
        .local
        .iter()
        .filter_map(|local| {
            let counts = local.counts;
            let share = |count| Share::new(count, counts.n()).ratio();
            let parts = [counts.proved, counts.undecided, counts.refuted].map(share);
            let [Some(proved), Some(open), Some(refuted)] = parts else { return None };
            Some((local.epsilon.parse().ok()?, [proved, open, refuted]))
        })
        .collect();
    let (first, last) = (points.first()?.0, points.last()?.0);
    if points.len() < 2 {
        return None;
    }
    let fills = [Hatch::Solid, Hatch::Dots, Hatch::Stripes];
    let mut plots: Vec<Plot> = Vec::new();
    let mut below = vec![0.0; points.len()];
    for (part, fill) in fills.into_iter().enumerate() {
        let above: Vec<f64> =
            below.iter().zip(&points).map(|(below, (_, parts))| below + parts[part]).collect();
        let xs: Vec<f64> = points.iter().map(|(x, _)| *x).collect();
        let band = BandPlot::new(xs, below.clone(), above.clone());
        let band = band.with_color(fill.url(prefix)).with_opacity(1.0);
        plots.push(band.into());
        below = above;
    }
    let layout = Layout::new((first, last), (0.0, 1.0))
        .with_width(WIDTH)
        .with_height(HEIGHT)
        .with_x_axis_min(first)
        .with_x_axis_max(last)
        .with_y_axis_min(0.0)
        .with_y_axis_max(1.0)
        .with_x_label("radius ε, in standard deviations")
        .with_y_label("test rows")
        .with_y_tick_format(percent_ticks());
    let definitions = fills.map(|fill| fill.definition(prefix)).to_vec();
    // kuva collects no legend of bands
    let entry = |(name, fill): (&str, Hatch)| LegendEntry {
        label: name.to_owned(),
        color: fill.url(prefix),
        shape: LegendShape::Rect,
        dasharray: None,
    };
    let entries = BANDS.into_iter().zip(fills).map(entry).collect();
    let layout = layout.with_height(HEIGHT + 45.0).with_legend_entries(entries);
    whole(draw(
        "Certified accuracy against the radius",
        "Plain: proved to keep the right answer everywhere within ε. Dotted: open. Striped: refuted, by a point nearby \
         or because the row itself is answered wrong. Certified accuracy lies between the upper end of the plain band \
         and the lower end of the striped one.",
        plots,
        finish(layout),
        definitions,
    ))
}

/// The share of rows whose radius is at most so long.
pub(in crate::report) fn radii(audited: &AuditFindings) -> Option<Figure> {
    let radii = audited.radii.as_ref()?;
    let all = radii.lower.len() + usize::try_from(radii.endless).ok()?;
    let last =
        radii.lower.get((radii.lower.len() * 19 / 20).min(radii.lower.len().checked_sub(1)?))?;
    let top = if *last > 0.0 { *last } else { 1.0 };
    let mut points = vec![(0.0, 0.0)];
    for (at, &radius) in radii.lower.iter().enumerate().filter(|(_, radius)| **radius <= top) {
        let share = |count: usize| count as f64 / all as f64;
        points.extend([(radius, share(at)), (radius, share(at + 1))]);
    }
    points.extend(points.last().map(|(_, share)| (top, *share)));
    let line = LinePlot::new().with_data(points).with_color(BLUE).with_stroke_width(2.0);
    let layout = Layout::new((0.0, top), (0.0, 1.0))
        .with_width(WIDTH)
        .with_height(HEIGHT)
        .with_x_axis_min(0.0)
        .with_y_axis_min(0.0)
        .with_y_axis_max(1.0)
        .with_x_label("radius, in standard deviations")
        .with_y_label("rows with at most that radius")
        .with_y_tick_format(percent_ticks());
    let description = "How far test rows lie from the nearest input with another label: the change of the feature \
                       that changes most. Lower ends, each proved; the longest twentieth is cut off.";
    whole(draw("Exact radii", description, vec![line.into()], finish(layout), Vec::new()))
}

/// The name of an attack without its budget.
pub(in crate::report) fn attack_of(name: &str, budget: u64) -> &str {
    name.strip_suffix(&format!("-{budget}")).unwrap_or(name)
}

/// Agreement against queries, a curve per attack, with intervals.
pub(in crate::report) fn learning(model: &ModelReport, audited: &AuditFindings) -> Option<Figure> {
    let mut attacks: Vec<(&str, Vec<(u64, Estimate)>)> = Vec::new();
    for attack in &model.attacks {
        let name = attack_of(&attack.name, attack.budget);
        let point = (attack.budget, attack.agreement.heldout);
        match attacks.iter_mut().find(|(known, _)| *known == name) {
            Some((_, points)) => points.push(point),
            None => attacks.push((name, vec![point])),
        }
    }
    if attacks.is_empty() {
        return None;
    }
    let budgets = &audited.budgets;
    let count = attacks.len() as f64;
    let dashes = [LineStyle::Solid, LineStyle::Dashed, LineStyle::Dotted, LineStyle::DashDot];
    let styles = dashes.iter().flat_map(|dash| STYLES.iter().map(move |style| (dash, style)));
    let means = model.attacks.iter().map(|attack| attack.agreement.heldout.mean);
    let start = ((means.fold(1.0, f64::min) * 10.0).floor() / 10.0 - 0.1).clamp(0.0, 0.9);
    let (mut drawn, mut plots): (Vec<Curve>, Vec<Plot>) = (Vec::new(), Vec::new());
    for (at, ((name, points), (dash, (color, marker)))) in
        attacks.iter().zip(styles.cycle()).enumerate()
    {
        // side by side, so that intervals do not hide each other
        let offset = 0.3 * ((at as f64 + 0.5) / count - 0.5);
        let place = |(budget, estimate): &(u64, Estimate)| {
            let x = budgets.iter().position(|one| one == budget)? as f64 + 1.0 + offset;
            Some((x, *estimate))
        };
        let points: Vec<(f64, Estimate)> = points.iter().filter_map(place).collect();
        for (x, estimate) in &points {
            if let Some([low, high]) = estimate.interval() {
                let ends = vec![(*x, low.clamp(start, 1.0)), (*x, high.clamp(start, 1.0))];
                let arm = LinePlot::new().with_data(ends).with_color(*color);
                plots.push(arm.with_stroke_width(1.0).into());
            }
        }
        drawn.push(Curve {
            name: (*name).to_owned(),
            color,
            style: dash.clone(),
            marker: *marker,
            points: points.iter().map(|(x, estimate)| (*x, estimate.mean)).collect(),
        });
    }
    let layout = Layout::new((0.5, budgets.len() as f64 + 0.5), (start, 1.0))
        .with_width(WIDTH)
        .with_height(HEIGHT + 40.0 * (count / 3.0).ceil().max(1.0))
        .with_x_categories(budgets.iter().map(|budget| integer(*budget)).collect())
        .with_y_axis_min(start)
        .with_y_axis_max(1.0)
        .with_x_label("queries paid")
        .with_y_label("agreement on held-out rows")
        .with_y_tick_format(percent_ticks());
    let description = "Mean over repetitions with its 95% interval: the share of held-out rows on which a stolen \
                       substitute decides as the model. Told apart by marker, dash and place. Measured.";
    whole(curves("What queries buy", description, (drawn, plots), finish(layout)))
}

/// Label accuracy against the rate of inference, a mark per threshold.
pub(in crate::report) fn inference(audited: &AuditFindings) -> Option<Figure> {
    let place = |one: &IntervalFinding| Some((one.inferred.ratio()?, one.right.ratio()?));
    let mut points: Vec<(f64, f64)> = audited.intervals.iter().filter_map(place).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let least = points.iter().map(|(_, right)| *right).reduce(f64::min)?;
    let most = points.last()?.0;
    let start = ((least * 10.0).floor() / 10.0 - 0.1).clamp(0.0, 0.9);
    let end = ((most * 10.0).ceil() / 10.0).clamp(0.1, 1.0);
    let layout = Layout::new((0.0, end), (start, 1.0))
        .with_width(WIDTH)
        .with_height(HEIGHT)
        .with_x_axis_min(0.0)
        .with_x_axis_max(end)
        .with_y_axis_min(start)
        .with_y_axis_max(1.0)
        .with_x_label("labels inferred, of those of made points")
        .with_y_label("right ones of them")
        .with_x_tick_format(percent_ticks())
        .with_y_tick_format(percent_ticks());
    let name = "by intervals of neighbours' labels".to_owned();
    let (color, style, marker) = (BLUE, LineStyle::Solid, MarkerShape::Circle);
    let curve = Curve { name, color, style, marker, points };
    let description = "A thief infers a label where an interval for the posterior, from the labels of neighbours, is \
                       short. A mark per threshold of the length: longer ones infer more. Measured; nothing is guaranteed.";
    whole(curves(
        "Inferred labels and right ones",
        description,
        (vec![curve], Vec::new()),
        finish(layout),
    ))
}
