//! Axes, marks and hatches that the figures share, and the conversion of a kuva scene for the page.

use std::sync::Arc;

use kuva::prelude::{
    Layout, LegendPosition, LinePlot, LineStyle, MarkerShape, Plot, ScatterPlot, SvgBackend,
    TickFormat, collect_legend_entries, render_multiple,
};
use kuva::render::color::Color;
use kuva::render::render::{PathData, Primitive, Scene};

use super::{GREEN, ORANGE};
use crate::report::Estimate;
use crate::report::format::printable;

/// A plot ready to stand in the page.
#[derive(Clone, Debug)]
pub(in crate::report) struct Figure {
    /// Heading, also the name for a screen reader.
    pub title: String,
    /// Description of the content, and of the way to read it without colour.
    pub description: String,
    /// Natural width, in pixels.
    pub width: f64,
    /// Natural height, in pixels.
    pub height: f64,
    /// Content of the `svg` element; text in it is escaped.
    pub body: String,
}

/// Grey of the rules behind the marks.
const RULE: &str = "#d8dee4";

/// Width of the drawing area without labels, in pixels.
const PLOT_WIDTH: f64 = 325.0;
/// Height of one category, in pixels.
const ROW_HEIGHT: f64 = 34.0;
/// Height of a row of legend entries, in pixels.
const LEGEND_HEIGHT: f64 = 60.0;

/// Removes the clip paths. kuva cuts marks at the ends of the axes and numbers its clip paths through the whole
/// process, but marks at 0% and 100% must stay whole, and the page must stay the same. Quotes are escaped in text,
/// so only attributes match.
pub(super) fn without_clip(body: &str) -> String {
    let mut kept = String::with_capacity(body.len());
    let mut rest = body;
    while let Some((before, after)) = rest.split_once("<clipPath ") {
        kept.push_str(before);
        rest = after.split_once("</clipPath>").map_or("", |(_, after)| after);
    }
    kept.push_str(rest);
    let mut parts = kept.split(" clip-path=\"url(#");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once(")\"").map_or("", |(_, after)| after))
}

/// One value per category, with a half-width where there is a spread.
#[derive(Clone)]
pub(super) struct Series {
    name: &'static str,
    color: &'static str,
    marker: MarkerShape,
    values: Vec<f64>,
    spread: Vec<f64>,
}

impl Series {
    pub(super) fn new(
        name: &'static str,
        color: &'static str,
        marker: MarkerShape,
        values: Vec<f64>,
    ) -> Self {
        Self { name, color, marker, values, spread: Vec::new() }
    }

    pub(super) fn estimates(
        name: &'static str,
        color: &'static str,
        marker: MarkerShape,
        estimates: &[&Estimate],
    ) -> Self {
        let spread = estimates.iter().map(|estimate| estimate.sd.unwrap_or(0.0)).collect();
        let values = estimates.iter().map(|estimate| estimate.mean).collect();
        Self { spread, ..Self::new(name, color, marker, values) }
    }

    /// Both ends of the spread of every value.
    pub(super) fn ends(&self) -> impl Iterator<Item = f64> {
        let spread = self.spread.iter().copied().chain(std::iter::repeat(0.0));
        self.values.iter().zip(spread).flat_map(|(value, spread)| [value - spread, value + spread])
    }
}

/// Categories from top to bottom against one horizontal axis.
pub(super) struct Frame {
    labels: Vec<String>,
    layout: Layout,
    /// Start and end of the axis; a spread is not drawn beyond them.
    range: (f64, f64),
    /// Positions of the vertical rules.
    rules: Vec<f64>,
}

impl Frame {
    pub(super) fn plain(labels: Vec<String>, axis: &str, range: (f64, f64)) -> Self {
        let rows = labels.len() as f64;
        let bottom_up = labels.iter().rev().map(|label| literal(label)).collect();
        let width =
            PLOT_WIDTH + 6.6 * labels.iter().map(|l| l.chars().count()).max().unwrap_or(0) as f64;
        let layout = Layout::new(range, (0.4, rows + 0.6))
            .with_y_categories(bottom_up)
            .with_width(width)
            .with_height(ROW_HEIGHT * rows + 80.0)
            .with_x_label(axis);
        Self { labels, layout: finish(layout), range, rules: Vec::new() }
    }

    /// An axis in percent, from none to all.
    pub(super) fn percent(labels: Vec<String>, axis: &str) -> Self {
        let mut frame = Self::plain(labels, axis, (0.0, 1.0));
        frame.layout =
            frame.layout.with_x_tick_format(TickFormat::Custom(std::sync::Arc::new(|x| {
                format!("{}%", (1e4 * x).round() / 100.0)
            })));
        frame.ruled(0.0)
    }

    /// Starts the axis at the tenth below the smallest value instead of at 0.
    pub(super) fn zoomed(self, series: &[&Series]) -> Self {
        let least = series.iter().flat_map(|series| series.ends()).fold(1.0, f64::min);
        let start = ((10.0 * least - 0.1).floor() / 10.0).clamp(0.0, 0.9);
        // below one half, ticks stand at even tenths
        self.ruled(if start < 0.5 { (5.0 * start + 1e-9).floor() / 5.0 } else { start })
    }

    /// Draws the axis from `start` to 1, with a rule at every tick; kuva draws none between categories.
    pub(super) fn ruled(mut self, start: f64) -> Self {
        let step = match start {
            start if start < 0.5 => 0.2,
            start if start < 0.8 => 0.05,
            _ => 0.02,
        };
        self.range = (start, 1.0);
        let ticks = ((1.0 - start) / step).floor() as u32;
        self.rules = (1..=ticks).map(|tick| start + step * f64::from(tick)).collect();
        self.layout =
            self.layout.with_x_axis_min(start).with_x_axis_max(1.0).with_x_tick_step(step);
        self
    }

    /// Draws every series as markers, side by side within a category.
    pub(super) fn dots(
        self,
        title: &str,
        description: &str,
        series: Vec<Series>,
    ) -> Option<Figure> {
        let count = series.len();
        let rows = self.labels.len();
        let is_alone = count == 1;
        let (start, end) = self.range;
        let plot = |(position, series): (usize, Series)| {
            let arms = series.values.iter().zip(&series.spread).map(|(&value, &spread)| {
                (spread.min(value - start).max(0.0), spread.min(end - value).max(0.0))
            });
            let arms: Vec<(f64, f64)> = arms.collect();
            let offset = 0.22 * ((count as f64 - 1.0) / 2.0 - position as f64);
            let at = |row: usize| (rows - row) as f64 + offset;
            let points = series.values.iter().enumerate().map(|(row, &value)| (value, at(row)));
            let dots = ScatterPlot::new()
                .with_data(points.collect::<Vec<_>>())
                .with_x_err_asymmetric(arms)
                .with_color(series.color)
                .with_marker(series.marker)
                .with_size(5.0);
            if is_alone { dots.into() } else { dots.with_legend(series.name).into() }
        };
        let plots = series.into_iter().enumerate().map(plot).collect();
        self.draw(title, description, plots, Vec::new())
    }

    pub(super) fn draw(
        self,
        title: &str,
        description: &str,
        plots: Vec<Plot>,
        definitions: Vec<String>,
    ) -> Option<Figure> {
        if self.labels.is_empty() {
            return None;
        }
        // Rules first, so that marks stand on them.
        let ends = [0.4, self.labels.len() as f64 + 0.6];
        let rule = |&at: &f64| {
            let line = LinePlot::new().with_data(ends.map(|end| (at, end)));
            line.with_color(RULE).with_stroke_width(1.0).into()
        };
        let plots = self.rules.iter().map(rule).chain(plots).collect();
        draw(title, description, plots, self.layout, definitions)
    }
}

/// Ticks such as `2.5%`, without superfluous digits.
pub(super) fn percent_ticks() -> TickFormat {
    TickFormat::Custom(Arc::new(|share| format!("{}%", (1e4 * share).round() / 100.0)))
}

/// The layout settings that every figure shares.
pub(super) fn finish(layout: Layout) -> Layout {
    layout
        .with_legend_position(LegendPosition::OutsideBottomColumns)
        .with_legend_box(false)
        .with_font_family("system-ui, sans-serif")
}

/// A line through points. Dash and marker tell curves apart.
pub(super) struct Curve {
    pub(super) name: String,
    pub(super) color: &'static str,
    pub(super) style: LineStyle,
    pub(super) marker: MarkerShape,
    pub(super) points: Vec<(f64, f64)>,
}

/// Curves with a legend that shows dash and marker of each; `below` is drawn before them.
pub(super) fn curves(
    title: &str,
    description: &str,
    (curves, below): (Vec<Curve>, Vec<Plot>),
    layout: Layout,
) -> Option<Figure> {
    let mut plots = below;
    for Curve { name, color, style, marker, points } in &curves {
        let line = LinePlot::new().with_data(points.clone()).with_color(*color);
        let line = line.with_stroke_width(2.0).with_line_style(style.clone());
        plots.push(line.with_legend(literal(name)).into());
        let dots = ScatterPlot::new().with_data(points.clone()).with_color(*color);
        plots.push(dots.with_marker(*marker).with_size(4.5).into());
    }
    if plots.is_empty() {
        return None;
    }
    let mut scene = rendered(plots, layout);
    // kuva's legend shows only the line; each entry is a text followed by its line
    for Curve { name, color, marker, .. } in &curves {
        let (is_entry, mut found) = (|text: &str| text == literal(name) || text == name, None);
        let mut follows_name = false;
        for element in &mut scene.elements {
            if let Primitive::Line { x1, x2, y1, .. } = element
                && follows_name
            {
                // long enough to show dashes on both sides of the marker
                *x1 -= 26.0;
                found = Some(((*x1 + *x2) / 2.0, *y1));
            }
            follows_name = matches!(element, Primitive::Text { content, .. } if is_entry(content));
        }
        scene.elements.extend(found.map(|at| mark(*marker, at, color)));
    }
    figure(title, description, scene)
}

/// A marker of the legend.
fn mark(marker: MarkerShape, (x, y): (f64, f64), color: &str) -> Primitive {
    let corners: &[(f64, f64)] = match marker {
        MarkerShape::Square => &[(-4.0, -4.0), (4.0, -4.0), (4.0, 4.0), (-4.0, 4.0)],
        MarkerShape::Triangle => &[(0.0, -5.0), (4.5, 4.0), (-4.5, 4.0)],
        MarkerShape::Diamond => &[(0.0, -5.5), (5.5, 0.0), (0.0, 5.5), (-5.5, 0.0)],
        _ => {
            return Primitive::Circle {
                cx: x,
                cy: y,
                r: 4.5,
                fill: Color::from(color),
                fill_opacity: None,
                stroke: None,
                stroke_width: None,
            };
        }
    };
    let corners: Vec<String> =
        corners.iter().map(|(dx, dy)| format!("{} {}", x + dx, y + dy)).collect();
    Primitive::Path(Box::new(PathData {
        d: format!("M {} Z", corners.join(" L ")),
        fill: Some(Color::from(color)),
        stroke: Color::from(color),
        stroke_width: 0.0,
        opacity: None,
        stroke_dasharray: None,
    }))
}

pub(super) fn draw(
    title: &str,
    description: &str,
    plots: Vec<Plot>,
    layout: Layout,
    definitions: Vec<String>,
) -> Option<Figure> {
    if plots.is_empty() {
        return None;
    }
    let mut scene = rendered(plots, layout);
    scene.defs.extend(definitions);
    figure(title, description, scene)
}

fn rendered(plots: Vec<Plot>, layout: Layout) -> Scene {
    let legend = collect_legend_entries(&plots);
    let layout = match (legend.is_empty(), layout.height) {
        (true, _) => layout,
        // kuva takes the legend's space from the height of the drawing, so the height is increased
        (false, height) => layout
            .with_height(height.unwrap_or_default() + LEGEND_HEIGHT)
            .with_legend_entries(legend),
    };
    render_multiple(plots, layout)
}

fn figure(title: &str, description: &str, scene: Scene) -> Option<Figure> {
    let svg = SvgBackend::new().render_scene(&scene);
    // the page writes its own svg element, with viewBox and title, around kuva's content
    let body = svg.split_once('>')?.1.strip_suffix("</svg>")?.to_owned();
    let (width, height) = (scene.width.ceil(), scene.height.ceil());
    Some(Figure {
        title: title.to_owned(),
        description: description.to_owned(),
        width,
        height,
        body,
    })
}

/// A name as it stands. kuva sets text between dollar signs as mathematics, so the dollar sign is escaped.
pub(super) fn literal(text: &str) -> String {
    printable(text).replace('$', "\\$")
}

/// Fill of an area, which can be told apart without colour.
#[derive(Clone, Copy)]
pub(super) enum Hatch {
    Solid,
    Dots,
    Stripes,
}

impl Hatch {
    pub(super) fn id(self, prefix: &str) -> String {
        let name = match self {
            Self::Solid => "solid",
            Self::Dots => "dots",
            Self::Stripes => "stripes",
        };
        format!("{prefix}-{name}")
    }

    pub(super) fn url(self, prefix: &str) -> String {
        format!("url(#{})", self.id(prefix))
    }

    /// The SVG pattern: a coloured ground with a mark on it.
    pub(super) fn definition(self, prefix: &str) -> String {
        let (ground, mark) = match self {
            Self::Solid => (GREEN, ""),
            Self::Dots => ("#e8e8e8", r##"<circle cx="4" cy="4" r="1.3" fill="#555"/>"##),
            Self::Stripes => (
                ORANGE,
                r##"<path d="M-2,2 l4,-4 M0,8 l8,-8 M6,10 l4,-4" stroke="#000" stroke-width="1.4"/>"##,
            ),
        };
        format!(
            r#"<pattern id="{}" patternUnits="userSpaceOnUse" width="8" height="8"><rect width="8" height="8" fill="{ground}"/>{mark}</pattern>"#,
            self.id(prefix)
        )
    }
}
