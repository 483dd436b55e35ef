//! Rows about which nothing is claimed: the values that lie outside the domain of a claim.

use std::fmt::Write;
use std::num::NonZeroUsize;

use serde_json::{Value, json};

use crate::interval::Rational;
use crate::model::{Part, Point, Row, Schema};
use crate::spec::Domain;

use super::witness::nearest;

/// Most rows that are named.
const NAMED: usize = 3;

/// A value outside the domain.
struct ValueOutside {
    /// The row, as it is called in the data.
    row: String,
    feature: String,
    value: f64,
    fault: ValueFault,
}

/// The fault of a value.
enum ValueFault {
    Below(f64),
    Above(f64),
    Fraction,
}

/// The rows outside a domain, each by its first faulty value.
#[derive(Default)]
pub(crate) struct RowsOutside {
    first: Vec<ValueOutside>,
    count: usize,
}

impl RowsOutside {
    /// Looks at the first of every so many rows of a part.
    pub(crate) fn of_part(
        domain: &Domain,
        schema: &Schema,
        (part, step): (Part, NonZeroUsize),
        rows: &[Row],
    ) -> Self {
        let name = |at: usize| format!("row {} of part {}", at * step.get(), part.name());
        let named = rows.iter().enumerate();
        Self::of(domain, schema, named.map(|(at, row)| (name(at), row.values.as_slice())))
    }

    /// Looks at rows with their names.
    pub(crate) fn of<'r>(
        domain: &Domain,
        schema: &Schema,
        rows: impl Iterator<Item = (String, &'r [f64])>,
    ) -> Self {
        let (mut first, mut count) = (Vec::new(), 0);
        for (row, values) in rows {
            let Some((at, value, fault)) = outside(domain, values) else { continue };
            count += 1;
            let feature = schema.features().get(at).filter(|_| first.len() < NAMED);
            first.extend(feature.map(|feature| {
                let feature = feature.name.clone();
                ValueOutside { row, feature, value, fault }
            }));
        }
        Self { first, count }
    }

    /// A line for each of the first rows; nothing if there are none.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for ValueOutside { row, feature, value, fault } in &self.first {
            let fault = match fault {
                ValueFault::Below(bound) => format!("below the lowest declared value {bound:?}"),
                ValueFault::Above(bound) => format!("above the highest declared value {bound:?}"),
                ValueFault::Fraction => "no whole number, as the feature is declared".to_owned(),
            };
            let _ = writeln!(text, "invalid: {row}: `{feature:.60}` is {value:?}, {fault}");
        }
        if let Some(more) = self.count.checked_sub(NAMED).filter(|&more| more > 0) {
            let _ = writeln!(text, "invalid: and {more} more");
        }
        text
    }

    /// The same for machines: the first rows.
    pub(crate) fn json(&self) -> Value {
        let one = |outside: &ValueOutside| {
            let ValueOutside { row, feature, value, fault } = outside;
            let (fault, bound) = match fault {
                ValueFault::Below(bound) => ("below", Some(bound)),
                ValueFault::Above(bound) => ("above", Some(bound)),
                ValueFault::Fraction => ("fraction", None),
            };
            json!({ "row": row, "feature": feature, "value": value, "fault": fault, "bound": bound })
        };
        self.first.iter().map(one).collect()
    }
}

/// The first value outside the domain, with its place.
fn outside(domain: &Domain, values: &[f64]) -> Option<(usize, f64, ValueFault)> {
    let point = Point::from_floats(values)?;
    let limits = domain.sides().iter().zip(domain.is_whole());
    let fault = |x: &Rational, (low, high): &(Option<Rational>, Option<Rational>), is_whole| {
        if let Some(low) = low.as_ref().filter(|low| x < *low) {
            return Some(ValueFault::Below(nearest(low)));
        }
        if let Some(high) = high.as_ref().filter(|high| x > *high) {
            return Some(ValueFault::Above(nearest(high)));
        }
        (is_whole && !x.is_whole()).then_some(ValueFault::Fraction)
    };
    let mut places = point.values().iter().zip(limits).enumerate();
    places.find_map(|(at, (x, (sides, &is_whole)))| {
        Some((at, *values.get(at)?, fault(x, sides, is_whole)?))
    })
}
