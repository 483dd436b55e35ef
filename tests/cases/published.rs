//! The published network with its points and bounds: `mlp/` of `PROPCERT_DATA`.

#![allow(dead_code, reason = "every test file uses its own part")]

use std::path::PathBuf;

use propcert::import::Format;
use propcert::model::{Family, Mlp};

/// Where it is, if anywhere.
pub fn folder() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("PROPCERT_DATA")?).join("mlp");
    folder.exists().then_some(folder)
}

/// The network, if it is there.
pub fn network() -> Option<Mlp> {
    let bytes = std::fs::read(folder()?.join("mlp_25_64_64_2.onnx")).ok()?;
    match Format::Onnx.read(&bytes, None).expect("the published network is read").family {
        Family::Mlp(mlp) => Some(mlp),
        Family::Ensemble(_) => None,
    }
}
