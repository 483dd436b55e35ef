//! The picture of security against theft: a dot per model, and an arrow to each of its defended selves.

use kuva::prelude::{Layout, MarkerShape, Plot, QuiverPlot, ScatterPlot};

use super::audited::{HEIGHT, WIDTH, whole};
use super::frame::{draw, finish, literal, percent_ticks};
use super::{BLUE, Figure, GREEN, ORANGE, PURPLE, VERMILION};
use crate::report::Run;
use crate::report::frontier::{FrontierPoint, frontier_points};

const COLORS: [&str; 5] = [BLUE, VERMILION, GREEN, PURPLE, ORANGE];
/// With the colours they tell twenty models apart.
const MARKERS: [MarkerShape; 4] =
    [MarkerShape::Circle, MarkerShape::Square, MarkerShape::Triangle, MarkerShape::Diamond];

/// A dot of the picture. Both figures are shares.
pub(super) struct FrontierDot {
    pub(super) name: String,
    /// Rows proved.
    pub(super) proved: f64,
    /// Agreement of the best thief.
    pub(super) stolen: f64,
    /// The place of the undefended model, for a defended one.
    pub(super) from: Option<usize>,
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
        Some(FrontierDot { name, proved, stolen, from: point.from })
    };
    let dots: Option<Vec<FrontierDot>> = frontier.points.iter().map(dot).collect();
    let description = "Right is better (more rows proved), down is better (the best thief agrees on fewer held-out \
        rows). A large mark is a model; an arrow leads to each of its defended selves. Proved: by the kernel; \
        agreement: measured, the largest mean over the attacks.";
    draw_dots(&dots?, format!("rows proved, {}", frontier.claim.property), description)
}

/// Draws dots: each undefended model has a style and a legend of its own. The defended selves of a single model have
/// theirs; those of several models have the style of their model.
pub(super) fn draw_dots(dots: &[FrontierDot], across: String, description: &str) -> Option<Figure> {
    let roots: Vec<usize> = (0..dots.len()).filter(|at| dots[*at].from.is_none()).collect();
    let is_alone = roots.len() < 2;
    let mut plots: Vec<Plot> = vec![arrows(dots).into()];
    // models last, on top of the arrows
    let (defended, models): (Vec<usize>, Vec<usize>) =
        (0..dots.len()).partition(|at| dots[*at].from.is_some());
    for at in defended.into_iter().chain(models) {
        let dot = &dots[at];
        let number = match dot.from {
            Some(from) if !is_alone => roots.iter().position(|root| *root == from)?,
            _ if is_alone => at,
            _ => roots.iter().position(|root| *root == at)?,
        };
        let size = if dot.from.is_none() { 8.0 } else { 5.0 };
        let mark = ScatterPlot::new().with_data(vec![(dot.proved, dot.stolen)]).with_size(size);
        let mark = mark.with_color(COLORS[number % COLORS.len()]);
        let mark = mark.with_marker(marker(number, is_alone));
        plots.push(match is_alone || dot.from.is_none() {
            true => mark.with_legend(literal(&dot.name)).into(),
            false => mark.into(),
        });
    }
    let (x, y) = (ends(dots.iter().map(|dot| dot.proved)), ends(dots.iter().map(|dot| dot.stolen)));
    let layout = Layout::new(x, y)
        .with_width(WIDTH)
        .with_height(HEIGHT)
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

/// Marks change with every dot of a single model, and after each round of colours with several.
fn marker(number: usize, is_alone: bool) -> MarkerShape {
    let round = if is_alone { number } else { number + number / COLORS.len() };
    MARKERS[round % MARKERS.len()]
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
    arrows.with_shaft_width(1.4).with_head_min_px(7.0).with_head_max_px(9.0)
}

/// The ends of an axis, with room around the values and at multiples of 5%.
fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.fold((1.0f64, 0.0f64), |(low, high), x| (low.min(x), high.max(x)));
    let margin = (0.15 * (high - low)).max(0.05);
    let (low, high) =
        (((low - margin) * 20.0).floor() / 20.0, ((high + margin) * 20.0).ceil() / 20.0);
    (low.max(0.0), high.min(1.0))
}
