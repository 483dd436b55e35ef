//! A copy of the crate's sources in a folder of its own, to be changed and built.

use std::path::Path;

/// The folder of this crate.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The sources, and what its manifest names beside them.
pub fn crate_copy() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["src", "tests", "benches", "examples", "data"] {
        copy(&root().join(name), &folder.path().join(name));
    }
    for file in ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml"] {
        std::fs::copy(root().join(file), folder.path().join(file)).unwrap();
    }
    folder
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}
