//! Reading a VNN-LIB file: no panic, and the spec of a query is read back to the same numbers.
#![no_main]

use libfuzzer_sys::fuzz_target;
use propcert::import::{spec_text, vnnlib};
use propcert::spec::{OutputRegion, Property, Spec};

fuzz_target!(|bytes: &[u8]| {
    for query in vnnlib(bytes).into_iter().flatten() {
        let spec = Spec::read(spec_text(&query).as_bytes()).expect("a spec");
        let Property::OutputRegion(OutputRegion { copies, input, unsafe_blocks }) = spec.property else {
            panic!("another property")
        };
        assert_eq!(copies, query.copies);
        assert!(input.iter().eq(query.inputs.iter().map(|input| &input.set)));
        assert!(unsafe_blocks.iter().eq(query.blocks.iter().map(|block| &block.rows)));
    }
});
