//! The base score: a probability or margins in the file, margins in the sums.

use crate::import::ImportError;

use super::declared::SumMeaning;

/// The sums before the first tree, from a base score as the file spells it: `5E-1`, or since 3.1 a
/// list with an entry per output, `[5E-1]`. A logistic objective states a probability. Regression and several
/// classes state numbers in the units of the sums, one for all sums or one for each.
pub(super) fn margins(text: &str, outputs: SumMeaning) -> Result<Vec<f32>, ImportError> {
    let list = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let entries: Vec<&str> = match list {
        Some(list) => list.split(',').collect(),
        None => vec![text],
    };
    let sums = outputs.sums();
    if entries.len() != 1 && entries.len() != sums {
        let (place, found) = ("base_score".to_owned(), entries.len());
        return Err(ImportError::Length { place, found, expected: sums });
    }
    let number = |entry: &&str| -> Result<f32, ImportError> {
        let number = entry.trim().parse::<f32>().ok();
        let (margin, expected) = match outputs {
            SumMeaning::Logistic => (
                number.and_then(margin),
                "a probability from 1e-6 to 0.999999 (XGBoost 3 moves others there, 1 and 2 do not)",
            ),
            SumMeaning::Score => (number, "a finite float32"),
            SumMeaning::Softmax { .. } => {
                (number, "a finite float32, or a list with one per class")
            }
        };
        let refused = || ImportError::BaseScore { found: text.to_owned(), expected };
        // −0 becomes 0
        margin.filter(|margin| margin.is_finite()).map(|margin| margin + 0.0).ok_or_else(refused)
    };
    let mut margins = entries.iter().map(number).collect::<Result<Vec<_>, _>>()?;
    let last = margins.last().copied().unwrap_or(0.0);
    margins.resize(sums, last);
    Ok(margins)
}

/// The sum of a logistic model without trees. XGBoost 3.1 and later, which write lists,
/// serve the probability itself as its margin. Files of earlier versions were served by
/// the margin, and are now served by the probability; they are refused.
pub(super) fn of_no_trees(text: &str) -> Result<Vec<f32>, ImportError> {
    if !text.starts_with('[') {
        return Err(ImportError::Unsupported {
            what: "a logistic model without trees, saved before XGBoost 3.1,".to_owned(),
            expected: "its margin depends on the version that serves it; save it with 3.1 or later, or train a tree",
        });
    }
    margins(text, SumMeaning::Logistic)?;
    margins(text, SumMeaning::Score)
}

/// `−ln(1/p − 1)` of a probability, every step in f32. The logarithm is the platform's `logf`, which
/// XGBoost calls too; it is not correctly rounded everywhere, so a detour through f64 would lose last
/// bits. The result is `None` outside `[10⁻⁶, 1 − 10⁻⁶]`: XGBoost 3 clamps to that range and earlier versions do
/// not, so the margin would depend on the version that serves the file.
pub(super) fn margin(probability: f32) -> Option<f32> {
    let is_inside = (1e-6..=1.0 - 1e-6).contains(&probability);
    is_inside.then(|| -(1.0 / probability - 1.0).ln() + 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const THREE: SumMeaning = SumMeaning::Softmax { classes: 3 };

    fn margin(text: &str) -> Result<f32, ImportError> {
        margins(text, SumMeaning::Logistic).map(|margins| margins[0])
    }

    /// Two by hand. p = 1/4: 1/p − 1 = 3 and ln 3 = 1.09861229, whose nearest float is 0x3f8c9f54.
    /// p = 3/4: 1/p rounds up by 2⁻²³/3, so 1/p − 1 = (1 + 2⁻²³)/3 and −ln of it is
    /// 1.09861229 − 2⁻²³ = 1.09861217, nearest 0x3f8c9f53. The others are what glibc 2.36 gives.
    #[test]
    fn margins_have_the_bits_of_f32_steps() {
        let margins = [
            ("5E-1", 0x0000_0000),
            ("2.5E-1", 0xbf8c_9f54),
            ("7.5E-1", 0x3f8c_9f53),
            ("3E-1", 0xbf58_e883),
            ("4.98E-1", 0xbc03_126d),
            ("4.9714285E-1", 0xbc3b_3f0a),
            ("1E-3", 0xc0dd_0422),
            ("9.99999E-1", 0x415b_ec2d),
            ("5.0000006E-1", 0x3480_0001),
        ];
        for (text, bits) in margins {
            assert_eq!(margin(text).unwrap().to_bits(), bits, "{text}");
        }
    }

    #[test]
    fn every_spelling_means_the_same_number() {
        for text in ["0.3", "3E-1", "[3E-1]", "[ 0.3 ]", "3e-1", ".3", "0.3000000"] {
            assert_eq!(margin(text).unwrap().to_bits(), 0xbf58_e883, "{text}");
        }
    }

    #[test]
    fn margins_of_classes_are_stated_once_or_each() {
        let bits = |text| margins(text, THREE).unwrap();
        assert_eq!(bits("5E-1"), [0.5, 0.5, 0.5]);
        assert_eq!(bits("[5E-1]"), [0.5, 0.5, 0.5]);
        assert_eq!(bits("[-2.5E-1,0E0, 1.5]"), [-0.25, 0.0, 1.5]);
        assert_eq!(bits("-0")[0].to_bits(), 0);
        for text in ["nan", "[1,inf,0]", "[1,,0]", "", "1E39", "[1,2,x]"] {
            let refused = margins(text, THREE);
            assert!(matches!(refused, Err(ImportError::BaseScore { .. })), "{text}");
        }
    }

    #[test]
    fn there_are_as_many_entries_as_sums_or_one() {
        let refused = |text, outputs| match margins(text, outputs).unwrap_err() {
            ImportError::Length { found, expected, .. } => (found, expected),
            other => panic!("{other}"),
        };
        assert_eq!(refused("[3E-1,4E-1,3E-1]", SumMeaning::Logistic), (3, 1));
        assert_eq!(refused("[3E-1,4E-1]", THREE), (2, 3));
        assert_eq!(refused("[1,2,3,4]", THREE), (4, 3));
    }

    #[test]
    fn only_probabilities_whose_margin_is_the_same_in_all_versions_are_base_scores() {
        // 1 − 1E-9 rounds to 1
        let refused = [
            "0E0",
            "1E0",
            "-0.5",
            "1.5",
            "nan",
            "inf",
            "",
            "[]",
            "[",
            "half",
            "1E-40",
            "9E-7",
            "9.999999E-1",
        ];
        for text in refused.into_iter().chain(["0.999999999", "{\"p\":0.5}", "[[5E-1]]"]) {
            assert!(matches!(margin(text), Err(ImportError::BaseScore { .. })), "{text}");
        }
    }
}
