//! Hunts for false verdicts with unfriendly numbers.
//!
//! `cargo run --release --example hunt -- [--seconds S] [--from SEED] [--scenes N]`: models and claims of every
//! property are drawn from one seed after the other, with numbers from 2⁻¹⁰⁷⁴ to 2¹⁰²³ (`tests/cases/
//! extremes.rs`). Of each obligation, whatever any rule proves in either arithmetic must be refuted by no
//! point; points are decided exactly. Prints what was seen, by property, and the seeds; ends with exit code
//! 1 and the whole case at the first contradiction. S counts processor time of this process [60;
//! without a limit if N is given]. With N it ends after so many seeds: the same table, whatever the machine.

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
    let (mut seconds, mut from, mut scenes) = (None, 0_u64, None);
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    for pair in arguments.chunks(2) {
        let value = pair.get(1).map(String::as_str).unwrap_or_default();
        let is_read = match pair[0].as_str() {
            "--seconds" => value.parse().map(|value| seconds = Some(value)).is_ok(),
            "--from" => value.parse().map(|value| from = value).is_ok(),
            "--scenes" => value.parse().map(|value| scenes = Some(value)).is_ok(),
            _ => false,
        };
        if !is_read {
            eprintln!(
                "found `{}`, expected --seconds S, --from SEED or --scenes N",
                pair.join(" ")
            );
            return ExitCode::from(2);
        }
    }
    // the search beside the kernel would spread over threads whose time is not counted
    rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build_global().unwrap();
    let seconds: f64 = seconds.unwrap_or(if scenes.is_some() { f64::INFINITY } else { 60.0 });
    let end: u64 = scenes.map_or(u64::MAX, |scenes: u64| from.saturating_add(scenes));
    let effort = Effort::start();
    let (mut seed, mut seen) = (from, BTreeMap::<&str, Fate>::new());
    while effort.seconds() < seconds && seed < end {
        for _ in 0..BATCH.min(end - seed) {
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
        seed.saturating_sub(1)
    );
    ExitCode::SUCCESS
}

fn add(sum: &mut Fate, fate: Fate) {
    sum.obligations += fate.obligations;
    sum.refuted += fate.refuted;
    sum.proved.iter_mut().zip(fate.proved).for_each(|(sum, more)| *sum += more);
}
