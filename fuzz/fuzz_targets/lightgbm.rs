//! Importing a model of another tool: no panic, and what is imported is a native model.
#![no_main]

use libfuzzer_sys::fuzz_target;
use propcert::import::Format;
use propcert::model::Model;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(model) = Format::Lightgbm.read(bytes, None) {
        assert_eq!(Model::read(model.to_json().as_bytes()).ok(), Some(model));
    }
});
