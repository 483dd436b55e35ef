//! Stored tensors: dimensions and numbers, in packed, unpacked and raw form.

use crate::import::ImportError;
use crate::model::at_most;

use super::wire::{Fields, Value, broken, packed, text, unsupported};

/// Most dimensions of a tensor.
pub(super) const MAX_DIMENSIONS: usize = 8;
/// Most whole numbers of a tensor; only shapes consist of them.
pub(super) const MAX_WHOLE: usize = 65_536;

/// A stored tensor.
#[derive(Clone, Debug, Default)]
pub(super) struct Tensor<'a> {
    pub(super) name: &'a str,
    /// Row-major.
    pub(super) dimensions: Vec<u64>,
    pub(super) numbers: Numbers,
    /// The texts of a tensor of STRING, which hold the labels of classes.
    pub(super) texts: Vec<&'a [u8]>,
}

/// The numbers of a tensor, in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Numbers {
    /// Numbers of a type that is not read, by its code in `TensorProto.DataType`.
    Other(u64),
    F32(Vec<f32>),
    F64(Vec<f64>),
    /// Of INT64, or of INT32.
    I64(Vec<i64>),
}

impl Default for Numbers {
    fn default() -> Self {
        Self::Other(0)
    }
}

impl Numbers {
    /// How many they are, where they are read.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::F32(numbers) => numbers.len(),
            Self::F64(numbers) => numbers.len(),
            Self::I64(numbers) => numbers.len(),
            Self::Other(_) => 0,
        }
    }
}

impl<'a> Tensor<'a> {
    /// A list of that length, or a single number without a length.
    pub(super) fn of(length: Option<usize>, numbers: Numbers) -> Self {
        let dimensions = length.iter().map(|&length| length as u64).collect();
        Self { dimensions, numbers, ..Self::default() }
    }

    pub(super) fn read(mut fields: Fields<'a>) -> Result<Self, ImportError> {
        let mut tensor = Self::default();
        let (mut kind, mut raw) = (0, None);
        let (mut f32s, mut i64s, mut f64s) = (Vec::new(), Vec::new(), Vec::new());
        let mut i32s: Vec<i64> = Vec::new();
        while let Some((number, value)) = fields.next()? {
            match (number, value) {
                (1, Value::Varint(n)) => tensor.dimensions.push(n),
                (1, Value::Bytes(bytes, at)) => {
                    at_most("bytes of dimensions", bytes.len(), 10 * MAX_DIMENSIONS)?;
                    tensor.dimensions.extend(packed(bytes, at)?);
                }
                (2, Value::Varint(n)) => kind = n,
                (4, Value::Four(bytes)) => f32s.push(f32::from_le_bytes(bytes)),
                (4, Value::Bytes(bytes, at)) => f32s.extend(floats(bytes, at)?),
                (5, Value::Varint(n)) => i32s.push(n.cast_signed()),
                (5, Value::Bytes(bytes, at)) => i32s.extend(whole(bytes, at)?),
                (6, Value::Bytes(bytes, _)) => tensor.texts.push(bytes),
                (7, Value::Varint(n)) => i64s.push(n.cast_signed()),
                (7, Value::Bytes(bytes, at)) => {
                    i64s.extend(whole(bytes, at)?);
                }
                (8, Value::Bytes(bytes, at)) => tensor.name = text(bytes, at)?,
                (9, Value::Bytes(bytes, at)) => raw = Some((bytes, at)),
                (10, Value::Eight(bytes)) => f64s.push(f64::from_le_bytes(bytes)),
                (10, Value::Bytes(bytes, at)) => f64s.extend(doubles(bytes, at)?),
                (13, _) | (14, Value::Varint(1..)) => {
                    let what = "tensors in another file (external data)";
                    let expected = "all numbers inside the file, as torch.onnx.export(…, \
                                    external_data=False) writes it, or a file read with its folder";
                    return Err(unsupported(what, expected));
                }
                _ => {}
            }
            at_most("dimensions of a tensor", tensor.dimensions.len(), MAX_DIMENSIONS)?;
            at_most("whole numbers of a tensor", i64s.len().max(i32s.len()), MAX_WHOLE)?;
            at_most("texts of a tensor", tensor.texts.len(), MAX_WHOLE)?;
        }
        tensor.numbers = match (kind, raw) {
            (1, Some((bytes, at))) => Numbers::F32(floats(bytes, at)?),
            (1, None) => Numbers::F32(f32s),
            // labels may be INT32, which holds nothing else that is read
            (6, Some((bytes, at))) => {
                Numbers::I64(chunks(bytes, at, |four| i32::from_le_bytes(four).into())?)
            }
            (6, None) => Numbers::I64(i32s),
            (7, Some((bytes, at))) => Numbers::I64(chunks(bytes, at, i64::from_le_bytes)?),
            (7, None) => Numbers::I64(i64s),
            (11, Some((bytes, at))) => Numbers::F64(doubles(bytes, at)?),
            (11, None) => Numbers::F64(f64s),
            (other, _) => Numbers::Other(other),
        };
        tensor.check_length()?;
        Ok(tensor)
    }

    /// Expects as many numbers as the dimensions state.
    fn check_length(&self) -> Result<(), ImportError> {
        let found = match &self.numbers {
            Numbers::F32(numbers) => numbers.len(),
            Numbers::F64(numbers) => numbers.len(),
            Numbers::I64(numbers) => numbers.len(),
            Numbers::Other(_) => return Ok(()),
        };
        let declared = self.dimensions.iter().try_fold(1u64, |all, &d| all.checked_mul(d));
        if declared == Some(found as u64) {
            return Ok(());
        }
        Err(ImportError::Graph {
            place: format!("tensor `{:.60}`", self.name),
            found: format!("{found} numbers for dimensions {:?}", self.dimensions),
            expected: "one number for each place",
        })
    }

    /// The numbers as `f64`, exactly, all finite; −0 becomes 0.
    pub(super) fn values(&self) -> Result<Vec<f64>, ImportError> {
        let place = || format!("tensor `{:.60}`", self.name);
        let values: Vec<f64> = match &self.numbers {
            Numbers::F32(numbers) => numbers.iter().map(|&x| f64::from(x) + 0.0).collect(),
            Numbers::F64(numbers) => numbers.iter().map(|&x| x + 0.0).collect(),
            Numbers::I64(_) | Numbers::Other(_) => {
                let found = if let Numbers::Other(code) = &self.numbers {
                    format!("numbers of type {code}")
                } else {
                    "whole numbers".to_owned()
                };
                let expected = "FLOAT (1) or DOUBLE (11)";
                return Err(ImportError::Graph { place: place(), found, expected });
            }
        };
        match values.iter().find(|value| !value.is_finite()) {
            None => Ok(values),
            Some(value) => {
                let (found, expected) = (value.to_string(), "finite numbers");
                Err(ImportError::Graph { place: place(), found, expected })
            }
        }
    }
}

/// Numbers of `N` bytes each.
fn chunks<const N: usize, T>(
    bytes: &[u8],
    at: usize,
    number: impl Fn([u8; N]) -> T,
) -> Result<Vec<T>, ImportError> {
    let (whole, rest) = bytes.as_chunks::<N>();
    if !rest.is_empty() {
        return Err(broken(at, "a list of numbers whose last one is cut"));
    }
    Ok(whole.iter().map(|&chunk| number(chunk)).collect())
}

/// A packed list of whole numbers.
pub(super) fn whole(bytes: &[u8], at: usize) -> Result<Vec<i64>, ImportError> {
    at_most("bytes of whole numbers", bytes.len(), 10 * MAX_WHOLE)?;
    Ok(packed(bytes, at)?.into_iter().map(u64::cast_signed).collect())
}

pub(super) fn floats(bytes: &[u8], at: usize) -> Result<Vec<f32>, ImportError> {
    chunks(bytes, at, f32::from_le_bytes)
}

fn doubles(bytes: &[u8], at: usize) -> Result<Vec<f64>, ImportError> {
    chunks(bytes, at, f64::from_le_bytes)
}
