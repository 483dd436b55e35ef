//! Reading a native model: no panic, and what is read is written and read back the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use propcert::model::Model;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(model) = Model::read(bytes) {
        let text = model.to_json();
        let again = Model::read(text.as_bytes()).expect("what is written can be read");
        assert_eq!(again, model);
        assert_eq!(again.to_json(), text);
    }
});
