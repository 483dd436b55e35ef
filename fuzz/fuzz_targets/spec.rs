//! Reading a spec: no panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use propcert::spec::Spec;

fuzz_target!(|bytes: &[u8]| {
    let _ = Spec::read(bytes);
});
