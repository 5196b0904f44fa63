//! Classifiers of small images on libtorch: the only file that names tch.
//!
//! libtorch's own generator is one for the whole process; here every draw is the worker's own, so that miners of one
//! process train side by side and each the same way every time.
use std::sync::Once;

use crypto::{Hotkey, hash};
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt, SeedableRng};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView, serialize};
use tch::nn::{Adam, OptimizerConfig, VarStore};
use tch::{Device, Kind, TchError, Tensor, no_grad};

use super::profile::{Architecture, Profile};
use crate::task::digits::data::{BRIGHTEST, Digit, LABELS, PIXELS};
use crate::task::digits::distortion::distort;
use crate::task::digits::miner::{Shard, images};
use crate::task::{Error, Progress, Worker};

/// Images of one optimiser step.
const BATCH: usize = 32;

/// Classes told apart.
const CLASSES: i64 = LABELS as i64;

/// Widest layer that weights from outside may ask for.
const WIDTH_MAX: i64 = 1024;

/// Most bytes of weights from outside, four times what the widest hidden layer takes.
const WEIGHTS_BYTES_MAX: usize = 64 << 20;

/// Adam's rate at the first step, falling to nothing: high, for trainings of a fraction of a second.
const RATE: f64 = 1e-2;

/// Progress is reported once in so many steps.
const REPORT_EVERY: u32 = 20;

/// A classifier of digits and what it learns from.
pub(crate) struct Classifier {
    profile: Profile,
    shard: Shard,
    seed: [u8; 32],
    network: Option<Network>,
    loaded: bool,
}

/// An architecture and its weights.
struct Network {
    architecture: Architecture,
    store: VarStore,
}

impl Classifier {
    /// The untrained classifier of `hotkey` at `rung` of the ladder.
    pub(crate) fn new(seed: u64, hotkey: &Hotkey, rung: usize) -> Result<Self, Error> {
        let profile = Profile::of(rung);
        Ok(Self {
            profile,
            shard: Shard::of(hotkey, profile.labels, profile.share),
            seed: hash("neuron v1 classifier", &[&seed.to_le_bytes(), &hotkey.0]).0,
            network: None,
            loaded: false,
        })
    }
}

impl Worker for Classifier {
    fn describe(&self) -> String {
        match &self.network {
            Some(network) if self.loaded => format!("{}, weights of its own", network.architecture),
            _ => self.profile.to_string(),
        }
    }

    fn train(&mut self, report: &mut dyn FnMut(Progress)) -> Result<(), Error> {
        let mut rng = Xoshiro256PlusPlus::from_seed(self.seed);
        let network = Network::drawn(self.profile.architecture, &mut rng)?;
        let mut optimiser = Adam::default().build(&network.store, RATE)?;
        let steps = self.profile.steps;
        for step in 1..=steps {
            let (images, labels) = batch(self.shard.digits(), &mut rng);
            let loss = network.loss(&images, &labels);
            optimiser.set_lr(RATE * f64::from(steps - step + 1) / f64::from(steps));
            optimiser.backward_step(&loss);
            if step % REPORT_EVERY == 0 || step == steps {
                report(Progress { step, steps, loss: loss.double_value(&[]) });
            }
        }
        self.network = Some(network);
        self.loaded = false;
        Ok(())
    }

    fn answer(&mut self, question: &[u8]) -> Result<Vec<u8>, Error> {
        let network = self.network.as_ref().ok_or(Error::Untrained)?;
        let best =
            no_grad(|| network.logits(&tensor(images(question)?)).f_argmax(-1, false).map_err(Error::from))?;
        let labels = Vec::<i64>::try_from(&best)?;
        Ok(labels.into_iter().map(|label| label as u8).collect())
    }

    fn save(&self) -> Result<Vec<u8>, Error> {
        self.network.as_ref().ok_or(Error::Untrained)?.save()
    }

    fn load(&mut self, weights: &[u8]) -> Result<(), Error> {
        self.network = Some(Network::load(weights)?);
        self.loaded = true;
        Ok(())
    }
}

impl Network {
    /// A network of drawn weights.
    fn drawn(architecture: Architecture, rng: &mut impl Rng) -> Result<Self, Error> {
        Self::new(architecture, |_, shape| {
            let inputs: i64 = shape[1..].iter().product();
            let bound = if shape.len() == 1 { 0.0 } else { (inputs as f32).recip().sqrt() };
            let count = shape.iter().product::<i64>();
            Ok((0..count).map(|_| rng.random_range(-1.0..=1.0) * bound).collect())
        })
    }

    fn load(weights: &[u8]) -> Result<Self, Error> {
        if weights.len() > WEIGHTS_BYTES_MAX {
            return Err(Error::BadWeights(format!("{} bytes, at most {WEIGHTS_BYTES_MAX}", weights.len())));
        }
        let file = SafeTensors::deserialize(weights)
            .map_err(|e| Error::BadWeights(format!("no safetensors: {e}")))?;
        Self::new(architecture(&file)?, |name, shape| floats(&file, name, shape))
    }

    /// A network whose tensors `values` gives, by name and shape.
    fn new(
        architecture: Architecture,
        mut values: impl FnMut(&str, &[i64]) -> Result<Vec<f32>, Error>,
    ) -> Result<Self, Error> {
        one_thread();
        let store = VarStore::new(Device::cuda_if_available());
        for (layer, part, shape) in tensors(architecture) {
            let values = values(&format!("{layer}.{part}"), &shape)?;
            let tensor = Tensor::f_from_slice(&values)?.f_reshape(&shape)?;
            let _ = (store.root() / layer).f_var_copy(part, &tensor)?;
        }
        Ok(Self { architecture, store })
    }

    fn save(&self) -> Result<Vec<u8>, Error> {
        let mut tensors = Vec::new();
        for (name, tensor) in self.store.variables() {
            let values = Vec::<f32>::try_from(tensor.f_detach()?.f_flatten(0, -1)?)?;
            let bytes: Vec<u8> = values.into_iter().flat_map(f32::to_le_bytes).collect();
            tensors.push((name, tensor.size().iter().map(|&n| n as usize).collect(), bytes));
        }
        let views = tensors.iter().map(|(name, shape, bytes): &(String, Vec<usize>, Vec<u8>)| {
            Ok((name, TensorView::new(Dtype::F32, shape.clone(), bytes)?))
        });
        views
            .collect::<Result<Vec<_>, _>>()
            .and_then(|views| serialize(views, &None))
            .map_err(|error| Error::Failed(error.to_string()))
    }

    /// The mean loss over images `[batch, 64]` with labels `[batch]`, nats.
    fn loss(&self, images: &Tensor, labels: &Tensor) -> Tensor {
        self.logits(images).cross_entropy_for_logits(&labels.to_device(self.store.device()))
    }

    /// From images `[batch, 64]` to `[batch, 10]`.
    fn logits(&self, images: &Tensor) -> Tensor {
        let images = images.to_device(self.store.device());
        match self.architecture {
            Architecture::Mlp(_) => {
                let hidden = self.linear("hidden", &images).relu();
                self.linear("out", &hidden)
            }
            Architecture::Cnn(_) => {
                let edges = self.conv("conv", &images.view([-1, 1, 8, 8]));
                let shapes = self.conv("deep", &edges);
                self.linear("out", &shapes.flatten(1, -1))
            }
        }
    }

    fn linear(&self, layer: &str, input: &Tensor) -> Tensor {
        input.linear(&self.tensor(layer, "weight"), Some(self.tensor(layer, "bias")))
    }

    /// A 3x3 convolution, rectified, at half the width and height.
    fn conv(&self, layer: &str, input: &Tensor) -> Tensor {
        input
            .conv2d(&self.tensor(layer, "weight"), Some(self.tensor(layer, "bias")), 1, 1, 1, 1)
            .relu()
            .max_pool2d_default(2)
    }

    fn tensor(&self, layer: &str, part: &str) -> Tensor {
        (self.store.root() / layer).get(part).expect("every tensor of the architecture is in the store")
    }
}

/// The tensors of an architecture: layer, part, shape.
fn tensors(architecture: Architecture) -> Vec<(&'static str, &'static str, Vec<i64>)> {
    let layers = match architecture {
        Architecture::Mlp(width) => {
            vec![("hidden", vec![width, PIXELS as i64]), ("out", vec![CLASSES, width])]
        }
        Architecture::Cnn(width) => vec![
            ("conv", vec![width, 1, 3, 3]),
            ("deep", vec![2 * width, width, 3, 3]),
            ("out", vec![CLASSES, 2 * width * 4]),
        ],
    };
    let parts =
        |(layer, shape): (_, Vec<i64>)| [(layer, "weight", shape.clone()), (layer, "bias", vec![shape[0]])];
    layers.into_iter().flat_map(parts).collect()
}

/// Which architecture the tensors of a file are for, by its first layer.
fn architecture(file: &SafeTensors<'_>) -> Result<Architecture, Error> {
    let width =
        |name| file.tensor(name).ok().and_then(|view| view.shape().first().map(|&width| width as i64));
    let architecture = match (width("hidden.weight"), width("conv.weight")) {
        (Some(width), _) => Architecture::Mlp(width),
        (None, Some(width)) => Architecture::Cnn(width),
        (None, None) => {
            return Err(Error::BadWeights("neither hidden.weight (MLP) nor conv.weight (CNN)".into()));
        }
    };
    let (Architecture::Mlp(width) | Architecture::Cnn(width)) = architecture;
    if (1..=WIDTH_MAX).contains(&width) {
        Ok(architecture)
    } else {
        Err(Error::BadWeights(format!("a layer of {width}, not 1 to {WIDTH_MAX}")))
    }
}

/// The values of a tensor that has exactly this shape.
fn floats(file: &SafeTensors<'_>, name: &str, shape: &[i64]) -> Result<Vec<f32>, Error> {
    let view = file.tensor(name).map_err(|_| Error::BadWeights(format!("{name} is missing")))?;
    let found: Vec<i64> = view.shape().iter().map(|&n| n as i64).collect();
    if view.dtype() != Dtype::F32 || found != shape {
        let fault = format!("{name} is {:?} {found:?}, not F32 {shape:?}", view.dtype());
        return Err(Error::BadWeights(fault));
    }
    let (values, _) = view.data().as_chunks();
    Ok(values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

/// A drawn batch, distorted as questions are: images `[32, 64]`, labels `[32]`.
fn batch(digits: &[Digit], rng: &mut impl Rng) -> (Tensor, Tensor) {
    let mut images = Vec::with_capacity(BATCH);
    let mut labels = Vec::with_capacity(BATCH);
    for _ in 0..BATCH {
        let digit = digits.choose(rng).expect("a shard has at least one image");
        images.push(distort(&digit.pixels, rng));
        labels.push(i64::from(digit.label));
    }
    (tensor(&images), Tensor::from_slice(&labels))
}

/// Images as `[batch, 64]`, each pixel 0 to 1.
fn tensor(images: &[[u8; PIXELS]]) -> Tensor {
    let pixels = Tensor::from_slice(images.as_flattened()).to_kind(Kind::Float);
    pixels.view([images.len() as i64, PIXELS as i64]) / f64::from(BRIGHTEST)
}

/// The thread count is the process's and must be set before its first operation; miners are many, cores are few.
fn one_thread() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tch::set_num_threads(1));
}

impl From<TchError> for Error {
    fn from(error: TchError) -> Self {
        Self::Failed(error.to_string().lines().next().unwrap_or_default().into())
    }
}

#[cfg(test)]
mod tests;
