//! Long integers times the floats of a layer, summed without a long integer for each term.

use dashu_int::{IBig, Sign};

use super::rational::decode;

/// Number of columns summed at a time; it bounds the memory that the sums take.
const COLUMNS: usize = 64;
/// Bits from one place of a sum to the next.
const PLACE: i64 = 8;

/// `Σⱼ factors[j] · weights[j][i]` for each of the columns `i`, in units of `2^exponent`.
///
/// `weights` is row-major `[factors][columns]`. The exponent ([`decode`]) of every weight other than 0 must be
/// at least `exponent` and below `exponent + spread`; a weight that is not finite counts as 0.
pub(super) fn products(
    factors: &[IBig],
    weights: &[f64],
    columns: usize,
    (exponent, spread): (i64, i64),
) -> Vec<IBig> {
    let factors: Vec<Vec<i64>> = factors.iter().map(digits).collect();
    let longest = factors.iter().map(Vec::len).max().unwrap_or(0);
    let places = 4 * longest + usize::try_from(spread / PLACE).unwrap_or(0) + 1;
    let mut products = Vec::with_capacity(columns);
    let mut sums = vec![0_i128; places * columns.min(COLUMNS)];
    for start in (0..columns).step_by(COLUMNS) {
        sums.fill(0);
        for (digits, row) in factors.iter().zip(weights.chunks_exact(columns)) {
            let row = row.iter().skip(start);
            for (sums, &weight) in sums.chunks_exact_mut(places).zip(row) {
                add_term(digits, weight, exponent, sums);
            }
        }
        let width = COLUMNS.min(columns - start);
        products.extend(sums.chunks_exact(places).take(width).map(joined));
    }
    products
}

/// Adds a factor times a weight to the places of a sum.
fn add_term(digits: &[i64], weight: f64, exponent: i64, sums: &mut [i128]) {
    let (mantissa, e) = decode(weight).unwrap_or((0, exponent));
    if mantissa == 0 {
        return;
    }
    let (place, bits) = ((e - exponent) / PLACE, (e - exponent) % PLACE);
    // the mantissa is below 2^60, its product with a digit below 2^92: 2^34 terms do not overflow
    let mantissa = i128::from(mantissa << bits);
    let place = usize::try_from(place).unwrap_or(usize::MAX);
    let sums = sums.get_mut(place..).unwrap_or_default().iter_mut().step_by(4);
    sums.zip(digits).for_each(|(sum, &digit)| *sum += mantissa * i128::from(digit));
}

/// The digits to the base 2^32, the lowest first, each with the integer's sign.
fn digits(integer: &IBig) -> Vec<i64> {
    let (sign, words) = integer.as_sign_words();
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let magnitudes = bytes
        .chunks(4)
        .map(|digit| digit.iter().rev().fold(0, |number, &byte| number << 8 | i64::from(byte)));
    magnitudes.map(|digit| if sign == Sign::Negative { -digit } else { digit }).collect()
}

/// `Σₖ sums[k] · 2^(8k)`
fn joined(sums: &[i128]) -> IBig {
    let mut carry = 0;
    let mut bytes = Vec::with_capacity(sums.len() + 16);
    for sum in sums {
        let [low, ..] = (sum + carry).to_le_bytes();
        bytes.push(low);
        carry = (sum + carry) >> PLACE;
    }
    bytes.extend(carry.to_le_bytes());
    IBig::from_le_bytes(&bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Any bits that are a finite number.
    fn number() -> impl Strategy<Value = f64> {
        let wild = any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |w| w.is_finite());
        prop_oneof![wild, -2.0..2.0, Just(0.0), Just(f64::MAX), Just(f64::from_bits(1))]
    }

    fn integer() -> impl Strategy<Value = IBig> {
        let bytes = prop_oneof![
            prop::collection::vec(any::<u8>(), 0..40),
            prop::collection::vec(prop_oneof![Just(0_u8), Just(0xff)], 0..300)
        ];
        bytes.prop_map(|bytes| IBig::from_le_bytes(&bytes))
    }

    proptest! {
        #[test]
        fn they_are_what_long_integers_give(
            columns in prop_oneof![1_usize..4, 63_usize..67, 127_usize..130],
            factors in prop::collection::vec(integer(), 0..5),
            drawn in prop::collection::vec(number(), 1..40),
            below in 0_i64..20,
        ) {
            let size = columns * factors.len();
            let weights: Vec<f64> = drawn.iter().cycle().copied().take(size).collect();
            let decoded: Vec<(i64, i64)> = weights.iter().map(|&w| decode(w).unwrap()).collect();
            let exponents = || decoded.iter().filter(|(m, _)| *m != 0).map(|&(_, e)| e);
            let exponent = exponents().min().unwrap_or(0) - below;
            let spread = exponents().max().unwrap_or(0) - exponent + 1;
            let found = products(&factors, &weights, columns, (exponent, spread));
            prop_assert_eq!(found.len(), columns);
            for (column, found) in found.iter().enumerate() {
                let mut sum = IBig::ZERO;
                for (factor, row) in factors.iter().zip(decoded.chunks_exact(columns)) {
                    let (mantissa, e) = row[column];
                    if mantissa != 0 {
                        let bits = usize::try_from(e - exponent).unwrap();
                        sum += (factor * IBig::from(mantissa)) << bits;
                    }
                }
                prop_assert_eq!(found, &sum);
            }
        }
    }
}
