//! The `propcert` program; everything is in the library.

fn main() -> std::process::ExitCode {
    propcert::cli::main()
}
