//! Importing an ONNX network: no panic, what is imported is a native model, and exporting it and
//! importing that gives the same numbers again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use propcert::import::{onnx, to_onnx};
use propcert::model::{Model, Precision};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(model) = onnx(bytes, None) {
        assert_eq!(Model::read(model.to_json().as_bytes()).ok().as_ref(), Some(&model));
        if model.precision == Precision::F32 {
            let again = to_onnx(&model).expect("networks of precision f32 are written");
            assert_eq!(onnx(&again, None).ok(), Some(model));
        }
    }
});
