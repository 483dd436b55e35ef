//! Shapes of computed values. They are those of one point: a free batch dimension counts as 1.

use super::tensor::MAX_DIMENSIONS;

/// The shape found, and the shape expected instead.
type Mismatch = (String, &'static str);

/// Dimensions; `None` if the file does not declare them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shape(Option<Vec<u64>>);

impl Shape {
    /// The shape of the input; free dimensions are 1.
    pub(super) fn declared(dimensions: Option<&[Option<u64>]>) -> Self {
        Self(dimensions.map(|all| all.iter().map(|one| one.unwrap_or(1)).collect()))
    }

    /// The same for a single row, where the first of several dimensions is a number of rows above 1.
    pub(super) fn of_one_row(self) -> Option<Self> {
        match self.0?.split_first() {
            Some((&rows, rest)) if rows > 1 && !rest.is_empty() => {
                Some(Self(Some([&[1], rest].concat())))
            }
            _ => None,
        }
    }

    /// `Flatten`: joins the dimensions before `axis` into one, and the others into one.
    pub(super) fn flattened(&self, axis: i64) -> Result<Self, Mismatch> {
        let Some(dimensions) = &self.0 else { return Ok(Self(None)) };
        let rank = i64::try_from(dimensions.len()).unwrap_or(i64::MAX);
        let from_front = if axis < 0 { axis + rank } else { axis };
        let cut = usize::try_from(from_front).ok().and_then(|cut| dimensions.split_at_checked(cut));
        let (before, after) = cut.ok_or((format!("axis {axis}"), "an axis of the operand"))?;
        Ok(Self(Some(vec![product(before)?, product(after)?])))
    }

    /// True if a tensor of that rank whose dimensions start at `axis` takes the last dimensions.
    pub(super) fn is_last(&self, axis: i64, rank: usize) -> bool {
        let Some(dimensions) = &self.0 else { return false };
        let all = dimensions.len();
        let start = if axis < 0 { axis.saturating_add_unsigned(all as u64) } else { axis };
        usize::try_from(start).is_ok_and(|start| start.checked_add(rank) == Some(all))
    }

    /// Expects the numbers of one point to lie along the last dimension.
    pub(super) fn expect_row(&self) -> Result<(), Mismatch> {
        let dimensions = self.0.as_deref().unwrap_or_default();
        match dimensions.split_last() {
            Some((_, others)) if others.iter().all(|size| *size == 1) => Ok(()),
            _ => Err((format!("dimensions {dimensions:?}"), "one row with a logit for each class")),
        }
    }

    /// True if the first dimension is 1.
    pub(super) fn is_one_row(&self) -> bool {
        self.0.as_deref().is_some_and(|dimensions| dimensions.first() == Some(&1))
    }

    /// The same numbers after an operation with a stored tensor of so many dimensions, which may add some in front.
    pub(super) fn beside(&self, rank: usize) -> Self {
        let raised = |dimensions: &Vec<u64>| {
            let added = rank.saturating_sub(dimensions.len());
            [vec![1; added], dimensions.clone()].concat()
        };
        Self(self.0.as_ref().map(raised))
    }

    /// Number of dimensions; `None` if the file does not declare them.
    pub(super) fn rank(&self) -> Option<usize> {
        self.0.as_ref().map(Vec::len)
    }

    /// `Reshape`: 0 copies a dimension, and one −1 takes the rest.
    pub(super) fn reshaped(&self, target: &[i64]) -> Result<Self, Mismatch> {
        if target.len() > MAX_DIMENSIONS {
            return Err((format!("{} dimensions", target.len()), "at most 8 dimensions"));
        }
        let Some(dimensions) = &self.0 else { return Ok(Self(None)) };
        let mismatch = || {
            (format!("dimensions {dimensions:?} to {target:?}"), "as many numbers before and after")
        };
        let fixed = |(position, &size): (usize, &i64)| match size {
            0 => dimensions.get(position).copied().map(Some),
            -1 => Some(None),
            size => u64::try_from(size).ok().map(Some),
        };
        let all: Option<Vec<Option<u64>>> = target.iter().enumerate().map(fixed).collect();
        let all = all.ok_or_else(mismatch)?;
        let open = all.iter().filter(|size| size.is_none()).count();
        let rest = product(&all.iter().flatten().copied().collect::<Vec<_>>())?;
        let total = product(dimensions)?;
        if open > 1 || rest == 0 || total % rest != 0 || (open == 0 && rest != total) {
            return Err(mismatch());
        }
        Ok(Self(Some(all.into_iter().map(|size| size.unwrap_or(total / rest)).collect())))
    }

    /// `Squeeze`: drops the dimensions that `axes` name, which must be 1, or all that are 1.
    pub(super) fn squeezed(&self, axes: Option<&[i64]>) -> Result<Self, Mismatch> {
        let Some(dimensions) = &self.0 else { return Ok(Self(None)) };
        let rank = i64::try_from(dimensions.len()).unwrap_or(i64::MAX);
        let from_front = |axis: &i64| if *axis < 0 { axis.saturating_add(rank) } else { *axis };
        let dropped: Vec<i64> = match axes {
            Some(axes) => axes.iter().map(from_front).collect(),
            None => (0..rank).filter(|at| dimensions[*at as usize] == 1).collect(),
        };
        let is_one = |axis: &i64| {
            usize::try_from(*axis).ok().and_then(|axis| dimensions.get(axis)) == Some(&1)
        };
        if !dropped.iter().all(is_one) {
            let found = format!("axes {dropped:?} of dimensions {dimensions:?}");
            return Err((found, "axes of dimension 1"));
        }
        let kept = (0..rank).zip(dimensions).filter(|(at, _)| !dropped.contains(at));
        Ok(Self(Some(kept.map(|(_, size)| *size).collect())))
    }

    /// The shape after a matrix `[outputs][inputs]` on the last dimension; all other dimensions must be 1.
    pub(super) fn through_matrix(&self, inputs: usize, outputs: usize) -> Result<Self, Mismatch> {
        let outputs = outputs as u64;
        let Some(dimensions) = &self.0 else { return Ok(Self(Some(vec![1, outputs]))) };
        let (last, others) = match dimensions.split_last() {
            Some((last, others)) => (*last, others),
            None => (1, &[][..]),
        };
        if last != inputs as u64 || others.iter().any(|size| *size != 1) {
            let found = format!("dimensions {dimensions:?} for a matrix with {inputs} inputs");
            return Err((found, "one row with as many numbers as the matrix has inputs"));
        }
        Ok(Self(Some([others, &[outputs]].concat())))
    }

    /// The shape after `W·v` with `W` stored `[outputs][inputs]`: `v` is a list, or a column.
    pub(super) fn through_left_matrix(
        &self,
        inputs: usize,
        outputs: usize,
    ) -> Result<Self, Mismatch> {
        match self.0.as_deref() {
            Some(&[all]) if all == inputs as u64 => Ok(Self(Some(vec![outputs as u64]))),
            Some(&[all, 1]) if all == inputs as u64 => Ok(Self(Some(vec![outputs as u64, 1]))),
            _ => {
                let found = format!("dimensions {:?} behind a matrix with {inputs} inputs", self.0);
                Err((found, "a list or a column with as many numbers as the matrix has inputs"))
            }
        }
    }

    /// Turns a row into a column, or a column into a row.
    pub(super) fn turned(&self) -> Result<Self, Mismatch> {
        match self.0.as_deref() {
            Some(&[rows, columns]) if rows == 1 || columns == 1 => {
                Ok(Self(Some(vec![columns, rows])))
            }
            _ => Err((format!("dimensions {:?} with transA", self.0), "one row or one column")),
        }
    }

    /// One stored number for each entry of a row.
    pub(super) fn channels(&self, stored: &[u64], numbers: Vec<f64>) -> Result<Vec<f64>, Mismatch> {
        match (self.0.as_deref(), stored) {
            (Some(&[1, channels]), &[length]) if channels == length => Ok(numbers),
            _ => {
                let found = format!("dimensions {stored:?} on {:?}", self.0);
                Err((found, "a number for each entry of a row"))
            }
        }
    }

    /// A stored tensor spread over the shape; it must have the same dimensions, or one number.
    pub(super) fn broadcast(
        &self,
        stored: &[u64],
        numbers: Vec<f64>,
    ) -> Result<Vec<f64>, Mismatch> {
        let Some(dimensions) = &self.0 else {
            return Err(("an input of unknown shape".to_owned(), "a declared shape"));
        };
        let total = product(dimensions)?;
        if without_leading_ones(stored) == without_leading_ones(dimensions) {
            return Ok(numbers);
        }
        match (numbers.as_slice(), usize::try_from(total)) {
            (&[number], Ok(total)) if total <= MAX_WIDTH => Ok(vec![number; total]),
            _ => {
                let found = format!("dimensions {stored:?} on {dimensions:?}");
                Err((found, "the same dimensions, or one number"))
            }
        }
    }
}

/// Most features, or neurons of a layer.
pub(super) const MAX_WIDTH: usize = 65_536;

fn product(dimensions: &[u64]) -> Result<u64, Mismatch> {
    let product = dimensions.iter().try_fold(1u64, |all, &size| all.checked_mul(size));
    product.ok_or_else(|| (format!("dimensions {dimensions:?}"), "fewer than 2^64 numbers"))
}

fn without_leading_ones(dimensions: &[u64]) -> &[u64] {
    let ones = dimensions.iter().take_while(|size| **size == 1).count();
    dimensions.get(ones..).unwrap_or(&[])
}
