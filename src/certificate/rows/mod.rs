//! Rules about rows of data.

mod all_pairs;
mod coordinates;
mod defended;
mod exact;
mod floats;
mod site;

pub use all_pairs::Pairs;
