//! The schema a model gets from a data set.
//!
//! ```text
//! mean = Σ x / n        scale = 1 / sqrt(Σ (x − mean)² / n)        over the training rows
//! ```

use super::DatasetError;
use crate::interval::Decimal;
use crate::model::{DataSet, FeatureSpec, Part, Row, Schema};

/// Names, kinds and ranges as declared. Range ends are moved outward to the nearest float if a row with
/// the same text holds that float. Mean and scale of each feature come from the training rows alone,
/// rounded to `f32`. A feature that is constant there has scale 1.
///
/// Refuses a data set without training rows, and names or ranges that contradict themselves.
pub fn schema(data: &DataSet) -> Result<Schema, DatasetError> {
    let meta = data.meta();
    let training = data.part(Part::Train);
    if training.is_empty() {
        return Err(DatasetError::NoTrainingRows { name: meta.name.clone() });
    }
    let declared = meta.features.iter().zip(&meta.kinds).zip(&meta.ranges).enumerate();
    let features = declared.map(|(index, ((name, &kind), (low, high)))| {
        let (mean, scale) = standardisation(training, index);
        let (low, high) = (Some(at_most(low)), Some(at_least(high)));
        FeatureSpec { name: name.clone(), kind, low, high, mean, scale }
    });
    Schema::new(features.collect())
        .map_err(|reason| DatasetError::Schema { name: meta.name.clone(), reason })
}

/// The declared end, or the float nearest to it if that is smaller. A row with the very same decimal
/// holds that float and is no outlier.
fn at_most(low: &Decimal) -> Decimal {
    let float = Decimal::exactly(nearest(low));
    float.filter(|float| float.value() < low.value()).unwrap_or_else(|| low.clone())
}

/// The same for an upper end.
fn at_least(high: &Decimal) -> Decimal {
    let float = Decimal::exactly(nearest(high));
    float.filter(|float| float.value() > high.value()).unwrap_or_else(|| high.clone())
}

/// The float that a cell with the same text is read as.
fn nearest(decimal: &Decimal) -> f64 {
    decimal.to_string().parse().unwrap_or(f64::NAN)
}

/// Mean and 1/(population standard deviation) of one column.
fn standardisation(rows: &[Row], feature: usize) -> (f32, f32) {
    let column = || rows.iter().filter_map(|row| row.values.get(feature).copied());
    let count = rows.len() as f64;
    let mean = column().sum::<f64>() / count;
    // A rounded mean would give a constant column a tiny deviation, so constancy is tested directly.
    let first = column().next();
    if column().all(|x| Some(x) == first) {
        return (mean as f32, 1.0);
    }
    let variance = column().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
    let scale = (1.0 / variance.sqrt()) as f32;
    let is_usable = scale > 0.0 && scale.is_finite();
    (mean as f32, if is_usable { scale } else { 1.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::CsvFile;

    fn read(meta: &str, files: &[&str]) -> DataSet {
        let files: Vec<CsvFile> =
            files.iter().map(|text| CsvFile { name: "f.csv", bytes: text.as_bytes() }).collect();
        DataSet::read(meta.as_bytes(), &files).unwrap()
    }

    const META: &str = r#"{"name":"n","label":"y","features":["a","b"],"kinds":["real","real"],
        "ranges":[["0","9"],["-1","1"]],"files":{"train":"f.csv","test":"g.csv"},"synthetic":true}"#;

    #[test]
    fn mean_and_scale_come_from_training_rows_only() {
        let data = read(META, &["y,a,b\n0,1,5\n1,3,5\n0,2,5\n1,4,6\n", "y,a,b\n0,100,9\n"]);
        let schema = schema(&data).unwrap();
        let training = data.part(Part::Train);
        let column: Vec<f64> = training.iter().map(|row| row.values[0]).collect();
        let count = column.len() as f64;
        let mean = column.iter().sum::<f64>() / count;
        let deviation = (column.iter().map(|x| x * x).sum::<f64>() / count - mean * mean).sqrt();
        let first = &schema.features()[0];
        assert!((f64::from(first.mean) - mean).abs() < 1e-6);
        assert!((f64::from(first.scale) * deviation - 1.0).abs() < 1e-6);
        assert!(first.mean < 4.0, "the test row is far away");
    }

    #[test]
    fn a_constant_feature_has_scale_one() {
        let rows: String = (0..30).map(|k| format!("{},{k},0.1\n", k % 2)).collect();
        let data = read(META, &[&format!("y,a,b\n{rows}"), "y,a,b\n0,1,0.2\n"]);
        assert_eq!(schema(&data).unwrap().features()[1].scale, 1.0);
    }

    #[test]
    fn contradicting_meta_data_is_refused() {
        let twice = META.replace("\"a\",\"b\"", "\"a\",\"a\"");
        let one = [CsvFile { name: "f.csv", bytes: b"y,a,a\n0,1,5\n" }; 2];
        assert!(DataSet::read(twice.as_bytes(), &one).is_err());
        let only_test = META.replace("\"train\":\"f.csv\",", "");
        let data = read(&only_test, &["y,a,b\n0,1,5\n1,3,5\n"]);
        assert!(matches!(schema(&data), Err(DatasetError::NoTrainingRows { .. })));
    }
}
