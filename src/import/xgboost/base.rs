//! The base score: a probability in the file, a margin in the sum.

use crate::import::ImportError;

/// `−ln(1/p − 1)`, every step in f32, of a base score as the file spells it: `5E-1`, or since 3.1 a
/// list with an entry per output, `[5E-1]`. The logarithm is the platform's `logf`, which XGBoost
/// calls too; it is not correctly rounded everywhere, so going through f64 would lose last bits.
pub(super) fn margin(text: &str) -> Result<f32, ImportError> {
    let list = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let entry = list.unwrap_or(text).trim();
    if list.is_some() && entry.contains(',') {
        let what = format!("a base_score with {} entries", entry.split(',').count());
        let expected = "only models with one output are read";
        return Err(ImportError::Unsupported { what, expected });
    }
    let probability = entry.parse::<f32>().ok().filter(|&p| 0.0 < p && p < 1.0);
    // −0, the margin of one half, becomes 0
    let margin = probability.map(|p| -(1.0 / p - 1.0).ln() + 0.0);
    let refused = || ImportError::BaseScore { found: text.to_owned() };
    margin.filter(|margin| margin.is_finite()).ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn several_entries_are_several_outputs() {
        let refused = margin("[3E-1,4E-1,3E-1]").unwrap_err();
        assert!(
            matches!(&refused, ImportError::Unsupported { what, .. } if what.contains("3 ent"))
        );
    }

    #[test]
    fn only_probabilities_with_a_finite_margin_are_base_scores() {
        // 1E-40 is a float, but 1/p is infinite; 1 − 1E-9 rounds to 1
        let refused = ["0E0", "1E0", "-0.5", "1.5", "nan", "inf", "", "[]", "[", "half", "1E-40"];
        for text in refused.into_iter().chain(["0.999999999", "{\"p\":0.5}", "[[5E-1]]"]) {
            assert!(matches!(margin(text), Err(ImportError::BaseScore { .. })), "{text}");
        }
    }
}
