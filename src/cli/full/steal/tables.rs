//! The figures of a theft, as CSV and in words.

use crate::steal::{Figures, Repetition, Scores};

use crate::text::csv_of;

/// The columns of `metrics.csv`. The counts are empty in the rows of baselines, and what is said of inferred labels
/// where none was inferred.
const COLUMNS: [&str; 22] = [
    "seed",
    "run",
    "queries",
    "labelled",
    "inferred",
    "wrong",
    "duplicates",
    "steps",
    "agreement_heldout",
    "agreement_uniform",
    "agreement_boundary",
    "mse",
    "f1",
    "inference_rate",
    "label_accuracy",
    "majority_accuracy",
    "nearest_accuracy",
    "nearest5_accuracy",
    "substitute_accuracy",
    "intervals",
    "intervals_holding",
    "intervals_saying_nothing",
];

fn counts(figures: &Figures) -> [String; 6] {
    let Figures { queries, labelled, inferred, wrong, duplicates, steps, .. } = figures;
    [*queries, *labelled, *inferred, *wrong, *duplicates, *steps as usize]
        .map(|count| count.to_string())
}

fn scores(scores: &Scores) -> [String; 5] {
    let agreement = scores.agreement;
    let boundary = agreement.boundary.map_or(String::new(), |boundary| boundary.to_string());
    let [held_out, uniform, mse, f1] =
        [agreement.held_out, agreement.uniform, scores.mse, scores.f1].map(|x| x.to_string());
    [held_out, uniform, boundary, mse, f1]
}

fn inference(figures: &Figures) -> Vec<String> {
    let Some(found) = figures.inference else { return nothing(6).collect() };
    let shares = [
        found.rate,
        found.accuracy,
        found.majority,
        found.nearest,
        found.nearest_5,
        found.substitute,
    ];
    shares.map(|share| share.to_string()).to_vec()
}

fn intervals(figures: &Figures) -> Vec<String> {
    let Some(found) = figures.intervals else { return nothing(3).collect() };
    let shares = [found.holding, found.saying_nothing].map(|share| share.to_string());
    std::iter::once(found.points.to_string()).chain(shares).collect()
}

fn nothing(columns: usize) -> impl Iterator<Item = String> {
    std::iter::repeat_n(String::new(), columns)
}

/// The CSV, a line per repetition and run.
pub(super) fn table(repetitions: &[Repetition]) -> String {
    let mut records: Vec<Vec<String>> = vec![COLUMNS.iter().copied().map(str::to_owned).collect()];
    for repetition in repetitions {
        let seed = repetition.seed.to_string();
        let runs = [
            ("attack", Some(repetition.attack)),
            ("without-inference", Some(repetition.without_inference)),
            ("same-steps", repetition.same_steps),
        ];
        for (name, figures) in runs.into_iter().filter_map(|(name, run)| Some((name, run?))) {
            let row = [seed.clone(), name.to_owned()];
            let row = row.into_iter().chain(counts(&figures)).chain(scores(&figures.scores));
            let row = row.chain(inference(&figures)).chain(intervals(&figures));
            records.push(row.collect());
        }
        let baselines = [
            ("ceiling", repetition.ceiling),
            ("majority", Some(repetition.majority)),
            ("seeds-only", repetition.seeds_only),
        ];
        for (name, found) in baselines.into_iter().filter_map(|(name, run)| Some((name, run?))) {
            let row = [seed.clone(), name.to_owned()];
            let row = row.into_iter().chain(nothing(6)).chain(scores(&found));
            records.push(row.chain(nothing(9)).collect());
        }
    }
    csv_of(records)
}

/// A line per repetition.
pub(super) fn summary(repetitions: &[Repetition], guarantee: &str) -> String {
    let mut text = String::new();
    for repetition in repetitions {
        let figures = &repetition.attack;
        text.push_str(&format!(
            "seed {}: asked {} inferred {} wrong {} agreement {:.4}{} mse {:.4} f1 {:.4}\n",
            repetition.seed,
            figures.queries,
            figures.inferred,
            figures.wrong,
            figures.scores.agreement.held_out,
            compared(repetition),
            figures.scores.mse,
            figures.scores.f1,
        ));
        if let Some(chosen) = &repetition.chosen {
            text.push_str(&format!(
                "  length {} chosen of {} by {} ({:.4}); asked by all of them {}\n",
                chosen.value,
                chosen.tried,
                chosen.by.name(),
                chosen.figure,
                chosen.asked
            ));
        }
        if let Some(found) = &figures.inference {
            text.push_str(&format!(
                "  guarantee {guarantee}: inference rate {:.3}, label accuracy {:.4} beside majority {:.4}, 1-NN {:.4}, \
                 5-NN {:.4}, substitute of the paid labels {:.4}\n",
                found.rate,
                found.accuracy,
                found.majority,
                found.nearest,
                found.nearest_5,
                found.substitute
            ));
        }
        if let Some(found) = &figures.intervals {
            text.push_str(&format!(
                "  {} intervals: {:.1}% hold the posterior, {:.1}% are all of [0, 1] (sampled; η is no guarantee)\n",
                found.points,
                100.0 * found.holding,
                100.0 * found.saying_nothing
            ));
        }
    }
    text
}

/// The agreement of the runs that an attack is paired with, where they differ from it. Without inferred labels none
/// differs, and boosting takes no gradient steps that could be held equal.
fn compared(repetition: &Repetition) -> String {
    let Repetition { attack, without_inference: paid, same_steps, ceiling, .. } = repetition;
    let held_out = |figures: &Figures| figures.scores.agreement.held_out;
    if attack.inferred == 0 {
        return String::new();
    }
    let mut text = format!(" (every label paid {:.4}", held_out(paid));
    if let Some(same_steps) = same_steps.as_ref().filter(|same_steps| *same_steps != paid) {
        text += &format!(", equal steps {:.4}", held_out(same_steps));
    }
    if let Some(ceiling) = ceiling {
        text += &format!(", true labels {:.4}", ceiling.agreement.held_out);
    }
    text + ")"
}
