//! Reading a CSV with fixed meta data: no panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use propcert::model::{CsvFile, DataSet};

const META: &str = r#"{"name":"made","label":"y","features":["x0","x1"],"kinds":["real","integer"],
"ranges":[["-4","4"],["0","9"]],"files":{"all":"all.csv"},"synthetic":true}"#;

fuzz_target!(|bytes: &[u8]| {
    let _ = DataSet::read(META.as_bytes(), &[CsvFile { name: "all.csv", bytes }]);
});
