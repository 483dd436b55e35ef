//! The picture of security against theft: a dot per model, and an arrow to each of its defended selves.

use kuva::prelude::{Layout, MarkerShape, Plot, QuiverPlot, ScatterPlot};

use super::audited::{HEIGHT, WIDTH, whole};
use super::frame::{draw, finish, literal, percent_ticks};
use super::{BLUE, Figure, GREEN, ORANGE, PURPLE, VERMILION};
use crate::report::frontier::{FrontierPoint, frontier_points};
use crate::report::{Run, Share};

const COLORS: [&str; 5] = [BLUE, VERMILION, GREEN, PURPLE, ORANGE];
/// Marks of models. With the colours they tell twenty of them apart.
const MARKERS: [MarkerShape; 4] =
    [MarkerShape::Circle, MarkerShape::Pentagon, MarkerShape::Hexagon, MarkerShape::TriangleDown];
/// Marks of defended selves by kind of defense; they are told apart without colours.
const KINDS: [(&str, MarkerShape); 6] = [
    ("prediction-poisoning", MarkerShape::Square),
    ("adaptive-misinformation", MarkerShape::Triangle),
    ("mixture", MarkerShape::Diamond),
    ("rounding", MarkerShape::Cross),
    ("boundary-randomised-response", MarkerShape::Plus),
    ("vertex-poisoning", MarkerShape::Star),
];
/// Height of an entry of the legend, in pixels.
const ENTRY: f64 = 18.0;
/// Size of the mark of a model, and of a defended self that costs no accuracy.
const SIZES: [f64; 2] = [8.0, 4.0];
/// Most points of accuracy by which a mark grows.
const MOST_LOST: f64 = 6.0;

/// A dot of the picture. Both figures are shares.
pub(super) struct FrontierDot {
    pub(super) name: String,
    /// Rows proved.
    pub(super) proved: f64,
    /// Agreement of the best thief.
    pub(super) stolen: f64,
    /// The place of the undefended model, for a defended one.
    pub(super) from: Option<usize>,
    /// The kind of its defense.
    pub(super) kind: Option<String>,
    /// Points of accuracy that the defense costs, at least 0.
    pub(super) lost: f64,
}

/// The points of accuracy between two shares, at least 0.
pub(super) fn points_lost(before: Share, after: Share) -> f64 {
    let [before, after] = [before, after].map(|share| share.ratio().unwrap_or(0.0));
    (100.0 * (before - after)).max(0.0)
}

/// The models of a run and their defended selves.
pub(super) fn of_run(run: &Run) -> Option<Figure> {
    let frontier = frontier_points(run)?;
    let dot = |point: &FrontierPoint| {
        let name = match &point.defense {
            None => point.model.clone(),
            Some(defense) => format!("{}, {defense}", point.model),
        };
        let (proved, stolen) = (point.proved.ratio()?, point.thief.1);
        let from = point.from.and_then(|from| frontier.points.get(from));
        let lost = from.map_or(0.0, |from| points_lost(from.accuracy, point.accuracy));
        let kind = point.kind.clone();
        Some(FrontierDot { name, proved, stolen, from: point.from, kind, lost })
    };
    let dots: Option<Vec<FrontierDot>> = frontier.points.iter().map(dot).collect();
    let description = "Right is better (more rows proved), down is better (the best thief agrees on fewer held-out \
        rows). A large mark is a model; an arrow leads to each of its defended selves, whose shape tells the kind of \
        defense and whose size the accuracy lost. Proved: by the kernel; agreement: measured, the largest mean over the \
        attacks.";
    draw_dots(&dots?, format!("rows proved, {}", frontier.claim.property), description)
}

/// Draws dots. Each undefended model has a mark and a legend of its own; defended selves have the colour of their model,
/// the mark of their kind of defense, and grow with the accuracy lost. Those of a single model each have a colour.
pub(super) fn draw_dots(dots: &[FrontierDot], across: String, description: &str) -> Option<Figure> {
    let roots: Vec<usize> = (0..dots.len()).filter(|at| dots[*at].from.is_none()).collect();
    let is_alone = roots.len() < 2;
    let mut plots: Vec<Plot> = vec![arrows(dots).into()];
    // models last, on top of the arrows
    let (defended, models): (Vec<usize>, Vec<usize>) =
        (0..dots.len()).partition(|at| dots[*at].from.is_some());
    let (mut kinds, mut entries): (Vec<&str>, usize) = (Vec::new(), 0);
    for at in defended.into_iter().chain(models) {
        let dot = &dots[at];
        let root = roots.iter().position(|root| *root == dot.from.unwrap_or(at))?;
        let color = COLORS[if is_alone { at } else { root } % COLORS.len()];
        let [large, small] = SIZES;
        let (shape, size) = match dot.from {
            None => (MARKERS[(root + root / COLORS.len()) % MARKERS.len()], large),
            Some(_) => (mark_of(dot.kind.as_deref()), small + dot.lost.min(MOST_LOST)),
        };
        let mark = ScatterPlot::new().with_data(vec![(dot.proved, dot.stolen)]).with_size(size);
        let mark = mark.with_color(color).with_marker(shape);
        let kind = dot.kind.as_deref().unwrap_or(&dot.name);
        let legend = match dot.from {
            Some(_) if is_alone => Some(dot.name.as_str()),
            // a kind of defense once
            Some(_) => (!kinds.contains(&kind)).then_some(kind),
            None => Some(dot.name.as_str()),
        };
        kinds.push(kind);
        entries += usize::from(legend.is_some());
        plots.push(match legend {
            Some(name) => mark.with_legend(literal(name)).into(),
            None => mark.into(),
        });
    }
    let (x, y) = (ends(dots.iter().map(|dot| dot.proved)), ends(dots.iter().map(|dot| dot.stolen)));
    let layout = Layout::new(x, y)
        .with_width(WIDTH)
        .with_height(HEIGHT + ENTRY * entries as f64)
        .with_x_axis_min(x.0)
        .with_x_axis_max(x.1)
        .with_y_axis_min(y.0)
        .with_y_axis_max(y.1)
        .with_x_label(across)
        .with_y_label("best thief's agreement")
        .with_x_tick_format(percent_ticks())
        .with_y_tick_format(percent_ticks());
    whole(draw("Security against theft", description, plots, finish(layout), Vec::new()))
}

/// The mark of a kind of defense.
fn mark_of(kind: Option<&str>) -> MarkerShape {
    let found = KINDS.iter().find(|(known, _)| Some(*known) == kind);
    found.map_or(MarkerShape::TriangleDown, |(_, shape)| *shape)
}

/// Arrows from models to their defended selves, where these lie elsewhere.
fn arrows(dots: &[FrontierDot]) -> QuiverPlot {
    let arrow = |dot: &FrontierDot| {
        let start = dots.get(dot.from?)?;
        let (u, v) = (dot.proved - start.proved, dot.stolen - start.stolen);
        (u.abs() > 1e-9 || v.abs() > 1e-9).then_some((start.proved, start.stolen, u, v))
    };
    let arrows: Vec<(f64, f64, f64, f64)> = dots.iter().filter_map(arrow).collect();
    let arrows = QuiverPlot::new().with_arrows(arrows).with_color("#57606a").with_no_clip();
    // data units: of several models the longest arrow would scale the others
    arrows.with_scale(1.0).with_shaft_width(1.4).with_head_min_px(7.0).with_head_max_px(9.0)
}

/// The ends of an axis, with room around the values and at multiples of 5%.
fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.fold((1.0f64, 0.0f64), |(low, high), x| (low.min(x), high.max(x)));
    let margin = (0.15 * (high - low)).max(0.05);
    let (low, high) =
        (((low - margin) * 20.0).floor() / 20.0, ((high + margin) * 20.0).ceil() / 20.0);
    (low.max(0.0), high.min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_defense_has_its_own_mark() {
        let marks: Vec<String> = KINDS.iter().map(|(_, shape)| format!("{shape:?}")).collect();
        for (at, mark) in marks.iter().enumerate() {
            assert!(!marks[..at].contains(mark), "{mark}");
            assert!(MARKERS.iter().all(|model| format!("{model:?}") != *mark), "{mark}");
        }
    }

    #[test]
    fn arrows_end_where_the_defended_self_is() {
        let dot = |proved, stolen, from: Option<usize>| FrontierDot {
            name: format!("{proved} {stolen}"),
            proved,
            stolen,
            from,
            kind: from.map(|_| "rounding".to_owned()),
            lost: 0.0,
        };
        let dots = [
            dot(0.5, 0.9, None),
            dot(0.1, 0.8, Some(0)),
            dot(0.7, 0.9, None),
            dot(0.6, 0.7, Some(2)),
        ];
        assert_eq!(arrows(&dots).scale, Some(1.0));
        assert_eq!(arrows(&dots).arrows.len(), 2);
        assert!(draw_dots(&dots, "rows".to_owned(), "").is_some());
    }

    #[test]
    fn accuracy_lost_is_in_points_and_not_below_nothing() {
        assert_eq!(points_lost(Share::new(90, 100), Share::new(87, 100)), 3.0000000000000027);
        assert_eq!(points_lost(Share::new(87, 100), Share::new(90, 100)), 0.0);
    }
}
