//! Hunts for false verdicts with unfriendly numbers.
//!
//! `cargo run --release --example hunt -- [--seconds S] [--from SEED]`: models and claims of every
//! property are drawn from one seed after the other, with numbers from 2⁻¹⁰⁷⁴ to 2¹⁰²³ (`tests/cases/
//! extremes.rs`). Of each obligation, whatever any rule proves in either arithmetic must be refuted by no
//! point; points are decided exactly. Prints what was seen, by property, and the seeds; ends with exit code
//! 1 and the whole case at the first contradiction. S counts processor time of this process [60].

#[path = "../tests/cases/mod.rs"]
mod cases;
#[path = "../tests/cases/effort.rs"]
mod effort;

use std::collections::BTreeMap;
use std::process::ExitCode;

use cases::extremes::{Fate, examine};
use effort::Effort;

/// Seeds between two looks at the time.
const BATCH: u64 = 20;

fn main() -> ExitCode {
    let (mut seconds, mut from) = (60.0, 0);
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    for pair in arguments.chunks(2) {
        let value = pair.get(1).map(String::as_str).unwrap_or_default();
        let is_read = match pair[0].as_str() {
            "--seconds" => value.parse().map(|value| seconds = value).is_ok(),
            "--from" => value.parse().map(|value| from = value).is_ok(),
            _ => false,
        };
        if !is_read {
            eprintln!("found `{}`, expected --seconds S or --from SEED", pair.join(" "));
            return ExitCode::from(2);
        }
    }
    // the search beside the kernel would spread over threads whose time is not counted
    rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build_global().unwrap();
    let effort = Effort::start();
    let (mut seed, mut seen) = (from, BTreeMap::<&str, Fate>::new());
    while effort.seconds() < seconds {
        for _ in 0..BATCH {
            match examine(seed) {
                Ok((property, fate)) => add(seen.entry(property).or_default(), fate),
                Err(contradiction) => {
                    println!("proved and refuted: {contradiction}");
                    return ExitCode::FAILURE;
                }
            }
            seed += 1;
        }
    }
    println!("| property | obligations | proved in f64 | proved in integers | refuted |");
    println!("|---|--:|--:|--:|--:|");
    for (property, Fate { proved: [rounded, exact], refuted, obligations }) in seen {
        println!("| {property} | {obligations} | {rounded} | {exact} | {refuted} |");
    }
    let spent = effort.seconds();
    println!(
        "seeds {from} to {}, {spent:.0} s of processor time: nothing proved and refuted",
        seed - 1
    );
    ExitCode::SUCCESS
}

fn add(sum: &mut Fate, fate: Fate) {
    sum.obligations += fate.obligations;
    sum.refuted += fate.refuted;
    sum.proved.iter_mut().zip(fate.proved).for_each(|(sum, more)| *sum += more);
}
