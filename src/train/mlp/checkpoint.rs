//! The state of an unfinished training, from which it goes on to the same bytes.
//!
//! ```text
//! epochs, steps        the order of rows is shuffled again as often as before
//! network, moments     Adam's, bit for bit
//! streams              places in the streams of chance
//! best                 the network that the referee would keep, with its score, and the epochs since
//! witnesses            counterexamples found so far
//! ```
//!
//! Numbers are written as the bits of an `f64`, which holds every `f32`. The bytes say nothing of the data, the recipe or
//! the seed: whoever keeps them must.

use ndarray::NdFloat;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::train::TrainError;

use super::adam::Adam;
use super::network::FloatNetwork;
use super::objective::TrainingLoss;
use super::referee::{BestNetwork, Referee};
use super::witness::Witness;

/// The place of an unfinished training.
pub struct Checkpoints<'a> {
    /// The state to go on from.
    pub from: Option<String>,
    /// Epochs between two states; at least 1.
    pub every: usize,
    /// Keeps a state in place of the one before.
    pub keep: &'a mut dyn FnMut(&str) -> Result<(), TrainError>,
}

/// The parts of a training that change from step to step.
pub(super) struct Running<F> {
    pub(super) network: FloatNetwork<F>,
    pub(super) adam: Adam<F>,
    /// Gradient steps and epochs so far.
    pub(super) done: u64,
    pub(super) epochs: u64,
    pub(super) witnesses: Vec<Witness>,
}

impl<F: NdFloat> Running<F> {
    /// A training before its first step.
    pub(super) fn new(network: FloatNetwork<F>) -> Self {
        let adam = Adam::new(&network);
        Self { network, adam, done: 0, epochs: 0, witnesses: Vec::new() }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MlpState {
    done: u64,
    epochs: u64,
    network: String,
    moments: [String; 2],
    streams: Vec<String>,
    best: Option<BestState>,
    epochs_since_best: usize,
    witnesses: Vec<Witness>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BestState {
    network: String,
    score: String,
    loss: String,
}

/// The state as text.
pub(super) fn written<F: NdFloat>(
    running: &Running<F>,
    objective: &mut TrainingLoss<F>,
    referee: &Referee<F>,
) -> Result<String, TrainError> {
    let best = referee.best.as_ref().map(|best| BestState {
        network: bits(&best.network),
        score: hex(best.score),
        loss: hex(best.loss),
    });
    let state = MlpState {
        done: running.done,
        epochs: running.epochs,
        network: bits(&running.network),
        moments: running.adam.moments().map(bits),
        streams: objective.streams().map(|rng| rng.get_word_pos().to_string()).collect(),
        best,
        epochs_since_best: referee.epochs_since_best,
        witnesses: running.witnesses.clone(),
    };
    serde_json::to_string(&state).map_err(|error| damaged(&error.to_string()))
}

/// Goes back to a state.
pub(super) fn restore<F: NdFloat>(
    text: &str,
    running: &mut Running<F>,
    objective: &mut TrainingLoss<F>,
    referee: &mut Referee<F>,
) -> Result<(), TrainError> {
    let state: MlpState =
        serde_json::from_str(text).map_err(|error| damaged(&error.to_string()))?;
    let mut moments = [running.network.zeros_like(), running.network.zeros_like()];
    for (network, bits) in moments.iter_mut().zip(&state.moments) {
        fill(network, bits)?;
    }
    fill(&mut running.network, &state.network)?;
    running.adam = Adam::resumed(moments, state.done);
    (running.done, running.epochs) = (state.done, state.epochs);
    let mut streams: Vec<&mut ChaCha8Rng> = objective.streams().collect();
    if streams.len() != state.streams.len() {
        return Err(damaged("it has other streams of chance"));
    }
    for (rng, place) in streams.iter_mut().zip(&state.streams) {
        rng.set_word_pos(place.parse().map_err(|_| damaged("a place in a stream is no number"))?);
    }
    referee.best = state
        .best
        .map(|best| {
            let mut network = running.network.zeros_like();
            fill(&mut network, &best.network)?;
            let [score, loss] = [number(&best.score)?, number(&best.loss)?];
            let loss = F::from(loss).ok_or_else(|| damaged("a loss is no float"))?;
            Ok::<_, TrainError>(BestNetwork { network, score, loss })
        })
        .transpose()?;
    referee.epochs_since_best = state.epochs_since_best;
    running.witnesses = state.witnesses;
    Ok(())
}

fn damaged(reason: &str) -> TrainError {
    TrainError::Checkpoint { reason: reason.to_owned() }
}

/// 16 digits: the bits of the number as an `f64`.
fn hex<F: NdFloat>(x: F) -> String {
    format!("{:016x}", x.to_f64().unwrap_or(f64::NAN).to_bits())
}

fn number(text: &str) -> Result<f64, TrainError> {
    let bits = u64::from_str_radix(text, 16).map_err(|_| damaged("a number is not 16 digits"))?;
    Ok(f64::from_bits(bits))
}

fn bits<F: NdFloat>(network: &FloatNetwork<F>) -> String {
    network.tensors().flatten().map(|x| hex(*x)).collect()
}

fn fill<F: NdFloat>(network: &mut FloatNetwork<F>, text: &str) -> Result<(), TrainError> {
    let places = network.tensors().flatten().count();
    if text.len() != 16 * places || !text.is_ascii() {
        return Err(damaged("a network has another number of parameters"));
    }
    for (at, slot) in network.tensors_mut().flatten().enumerate() {
        let x = number(&text[16 * at..16 * (at + 1)])?;
        *slot = F::from(x).ok_or_else(|| damaged("a parameter is no float"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn numbers_are_read_back_to_the_bit() {
        let network =
            FloatNetwork::<f32>::he_uniform(&[3, 4, 2], &mut ChaCha8Rng::seed_from_u64(2));
        let mut read = network.zeros_like();
        fill(&mut read, &bits(&network)).unwrap();
        assert_eq!(read, network);
        for x in [f64::NEG_INFINITY, -0.0, 5e-324, f64::MAX] {
            assert_eq!(number(&hex(x)).unwrap().to_bits(), x.to_bits());
        }
    }

    #[test]
    fn a_damaged_state_is_refused() {
        let network =
            FloatNetwork::<f32>::he_uniform(&[3, 4, 2], &mut ChaCha8Rng::seed_from_u64(2));
        let text = bits(&network);
        let mut slot = network.zeros_like();
        assert!(fill(&mut slot, &text[..text.len() - 16]).is_err());
        assert!(fill(&mut slot, &text.replace(&text[..1], "x")).is_err());
        assert!(number("12").is_ok() && number("1.5").is_err());
    }
}
