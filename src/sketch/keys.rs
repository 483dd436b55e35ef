//! The keys of each property with values for a model, each with its meaning: the middle of a sketch.

use crate::model::FeatureSpec;

use super::{Sketched, SketchedRange};

/// The lines of the property of that name; `None` for any other name.
pub(super) fn lines(name: &str, of: &Sketched) -> Option<String> {
    Some(match name {
        "label" => label(of),
        "local-invariance" => local_invariance(of),
        "local-invariance-t" => local_invariance_t(of),
        "lipschitzness" => lipschitzness(of),
        "lipschitzness-t" => lipschitzness_t(of),
        "small-neighborhood" => small_neighborhood(of),
        "monotonicity" => monotonicity(of),
        "boundary-fuzz" => boundary_fuzz(of),
        "stability" => stability(of),
        "high-confidence" => high_confidence(of),
        "redundancy" => redundancy(of),
        "output-region" => output_region(of),
        _ => return None,
    })
}

fn label(of: &Sketched) -> String {
    let unit = of.unit();
    format!(
        "# The radius around a row, at least 0, in {unit}; with units = \"raw\" also a radius per\n\
         # feature, {{ age = \"2\", income = \"500\" }}; others stay as they are.\nepsilon = \"0.1\"\n\
         # The distance: linf moves every feature by up to epsilon.\nnorm = \"linf\"  # or \"l1\", \"l2\"\n"
    )
}

fn local_invariance(of: &Sketched) -> String {
    let unit = of.unit();
    format!(
        "# The radius around a row, at least 0, in {unit}; with units = \"raw\" also a radius per\n\
         # feature, {{ age = \"2\", income = \"500\" }}; others stay as they are.\nepsilon = \"0.1\"\n\
         # The posterior of the label stays above 1 - delta; strictly between 0 and 1.\ndelta = \"0.5\"\n\
         # The distance: linf moves every feature by up to epsilon.\nnorm = \"linf\"  # or \"l1\", \"l2\"\n"
    )
}

fn local_invariance_t(of: &Sketched) -> String {
    let unit = of.unit();
    format!(
        "# Two rows are near below this distance (l2), above 0, in {unit}.\nepsilon-1 = \"1\"\n\
         # The divergence that their posteriors stay below, above 0.\nepsilon-2 = \"0.1\"\n"
    )
}

fn lipschitzness(of: &Sketched) -> String {
    let unit = of.unit();
    format!(
        "# The half width of the boxes around the two rows, at least 0, in {unit}.\nepsilon = \"0.1\"\n\
         # The constant, at least 0: change of the posterior per unit of distance.\nconstant = \"1\"\n\
         # The distance of the two points.\nnorm = \"l2\"  # or \"l1\", \"linf\"\n"
    )
}

fn lipschitzness_t(of: &Sketched) -> String {
    let unit = of.unit();
    format!(
        "# The constant, at least 0: change of the posterior per unit of distance (l2, in {unit}).\nconstant = \"1\"\n"
    )
}

fn small_neighborhood(of: &Sketched) -> String {
    let (unit, on) = (of.unit(), of.on());
    format!(
        "# Two points are near within this distance in every feature, above 0, in {unit}.\nepsilon = \"0.1\"\n\
         # Their answers differ by at most constant times epsilon; at least 0.\nconstant = \"1\"\n\
         # The answers: \"posterior\" (strictly less) or \"score\" (at most).\non = \"{on}\"\n"
    )
}

fn monotonicity(of: &Sketched) -> String {
    let (features, direction) = of.directed();
    format!(
        "# The features that are raised one at a time, by name or index.\nfeatures = [{}]\n\
         # The score of class 1 never goes down (\"increasing\") or never up (\"decreasing\").\n\
         direction = \"{direction}\"\n{}\
         # Everywhere in the domain, or (\"local\") within epsilon of rows: then give epsilon too, in {}.\n\
         scope = \"domain\"\n# epsilon = \"0.1\"\n",
        features.join(", "),
        of.class(),
        of.unit(),
    )
}

fn boundary_fuzz(of: &Sketched) -> String {
    let unit = of.unit();
    format!(
        "# A point is near the boundary if its label flips within this shift, above 0, in {unit}.\nshift = \"0.1\"\n\
         # There the posterior F has |F|^2 < e^epsilon / (e^epsilon + 1); above 0, without unit.\nepsilon = \"0.1\"\n\
         # The shift: one step along one feature (\"axis\"), or any within it (\"ball\", of zone-norm).\nzone = \"axis\"\n\
         # zone-norm = \"l2\"  # or \"linf\", \"l1\"; with zone = \"ball\"\n\
         # Within a radius of rows, or everywhere in the domain (\"domain\": then without radius and norm).\n\
         scope = \"local\"\nradius = \"0.05\"  # at least 0, in {unit}\nnorm = \"linf\"    # or \"l1\", \"l2\"\n"
    )
}

fn stability(of: &Sketched) -> String {
    let (feature, on) = (of.feature(0), if of.on() == "score" { "" } else { " or \"posterior\"" });
    format!(
        "# The features that are changed one at a time, to any value of the domain; by name or index.\n\
         features = [{feature}]\n\
         # The largest change of the answer, at least 0.\nbound = \"1\"\n\
         # The answer: \"score\"{on}.\non = \"score\"\n"
    )
}

fn high_confidence(of: &Sketched) -> String {
    let feature = of.feature(0);
    format!(
        "# The cheap features, changed one at a time; by name or index.\nfeatures = [{feature}]\n\
         # An answer is confident from this posterior of class 1 on; strictly between 0 and 1.\nconfidence = \"0.98\"\n\
         # The posterior of class 1 that a confident answer keeps; strictly between 0 and 1.\ncutoff = \"0.5\"\n\
         # The values that the feature may take, in its own unit; left out: all of the domain.\n\
         # range = [\"0\", \"1\"]\n"
    )
}

fn redundancy(of: &Sketched) -> String {
    let groups = match of.model.schema.len() {
        1 => format!("[{}]", of.feature(0)),
        _ => format!("[{}, {}]", of.feature(0), of.feature(1)),
    };
    format!(
        "# The groups of features, one changed at a time, all of its features at once; by name or index.\n\
         groups = [{groups}]\n\
         # An answer is confident from this posterior of class 1 on; strictly between 0 and 1.\nconfidence = \"0.98\"\n\
         # The posterior of class 1 that a confident answer keeps; strictly between 0 and 1.\ncutoff = \"0.5\"\n"
    )
}

fn output_region(of: &Sketched) -> String {
    let y = match of.outputs() {
        0 | 1 => "\"1\"".to_owned(),
        outputs => {
            let others = ["\"0\""].into_iter().cycle().take(outputs - 2);
            ["\"-1\"", "\"1\""].into_iter().chain(others).collect::<Vec<_>>().join(", ")
        }
    };
    let side = |(feature, range): (&FeatureSpec, SketchedRange)| {
        let SketchedRange { low, high, .. } = &range;
        format!("  [\"{low}\", \"{high}\"],  # {}: {}\n", feature.name, range.words(feature))
    };
    let sides: String = of.ranges().map(side).collect();
    format!(
        "# The unit of the boxes: \"raw\", that of each feature, or \"standardised\".\nunits = \"raw\"\n\
         # Unsafe outputs: a list of blocks, any of them; a block is a list of rows, all of them. A row is\n\
         # y·f <= rhs, with one coefficient per output; strict = true is <. Here: the first output is the larger.\n\
         unsafe = [[{{ y = [{y}], rhs = \"0\" }}]]\n\n\
         # Each [[input]] is a box, with the ends of every feature in order; narrow them to what is claimed.\n\
         [[input]]\nbox = [\n{sides}]\n\
         # More conditions x·input <= rhs: rows = [{{ x = [\"1\", …], rhs = \"0\" }}]\n"
    )
}
