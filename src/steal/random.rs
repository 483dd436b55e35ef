//! Random queries: all points synthesised, every label paid (Tramèr et al. 2016).

use crate::oracle::Oracle;

use super::infer::CertifiedLabels;
use super::{Attack, Generator, Knowledge, MaskedThief, StealError, Substitute, SubstituteOptions};

/// The attack with its settings. With seed rows, it labels them first.
#[derive(Clone, Debug, PartialEq)]
pub struct Random {
    /// The source of new points.
    pub generator: Generator,
    /// The training of the substitute.
    pub substitute: SubstituteOptions,
}

impl Attack for Random {
    fn steal(
        &self,
        oracle: &mut Oracle,
        known: &Knowledge,
        seed: u64,
    ) -> Result<Substitute, StealError> {
        // the loop of MaskedThief, with every point asked
        let loop_without_inference = MaskedThief {
            generator: self.generator.clone(),
            infers: false,
            cap_factor: 1,
            substitute: self.substitute.clone(),
        };
        let labels = CertifiedLabels::new(known.proved, known.classes);
        let sample = loop_without_inference.collect(oracle, known, &labels, seed)?;
        Substitute::fit(sample, known, &self.substitute, seed)
    }
}
