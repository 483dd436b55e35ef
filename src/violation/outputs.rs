//! Output regions: the violation of outputs `f` is how deep they lie in an unsafe block,
//! `min over its rows of rhs − y·f`, in units of the rows. With two copies of the network, `f` are the outputs
//! of both, one after the other.

use crate::spec::{Halfspace, OutputBlock};

use super::slopes::Sloped;

/// The depth of outputs in a block and its slopes by the outputs; negative outside, and on the border of a
/// strict row. `None` if the block has no rows.
pub fn depth(block: &OutputBlock, outputs: &[f64]) -> Option<Sloped<1>> {
    let missed = |row: &Halfspace| {
        let products = row.y.iter().zip(outputs).map(|(y, f)| y * f);
        let missed = products.sum::<f64>() - row.rhs.down();
        if row.is_strict && missed == 0.0 { f64::MIN_POSITIVE } else { missed }
    };
    let rows = block.rows.iter().map(|row| (missed(row), row));
    let (missed, row) = rows.max_by(|(a, _), (b, _)| a.total_cmp(b))?;
    Some(Sloped { value: -missed, slopes: [row.y.iter().map(|y| -y).collect()] })
}
