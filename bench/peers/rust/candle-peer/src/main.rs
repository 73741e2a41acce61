//! The tutorial's job in Candle.

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use candle_core::{D, DType, Device, Result, Tensor, Var};
use candle_nn::loss::cross_entropy;
use candle_nn::{Optimizer, SGD, ops};
use peer::{Examples, Flags, Means, Network, Random, anyhow};
use serde_json::json;

/// A layer's weights are (inputs, outputs), so that neither pass adds up a transposed gradient.
struct Layer {
    weights: Var,
    bias: Var,
}

impl Layer {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x.matmul(&self.weights)?.broadcast_add(&self.bias)
    }
}

struct CandlePeer {
    layers: Vec<Layer>,
    dropout: Vec<f64>,
    own_masks: bool,
    batch_size: usize,
    sgd: SGD,
    random: Random,
    train: (Tensor, Tensor),
    test: (Tensor, Tensor),
}

fn tensors(examples: Examples) -> Result<(Tensor, Tensor)> {
    let rows = examples.len();
    let labels: Vec<u32> = examples.labels.iter().map(|&label| label.into()).collect();
    Ok((Tensor::from_vec(examples.images, (rows, 784), &Device::Cpu)?, Tensor::from_vec(labels, rows, &Device::Cpu)?))
}

impl CandlePeer {
    fn new(flags: &Flags, train: Examples, test: Examples) -> Result<Self> {
        let mut random = Random::new(flags.seed);
        let widths = flags.widths();
        let layers = widths.windows(2).map(|pair| {
            let weights = Tensor::from_vec(random.weights(pair[0] * pair[1]), (pair[0], pair[1]), &Device::Cpu)?;
            let bias = Tensor::zeros(pair[1], DType::F32, &Device::Cpu)?;
            Ok(Layer { weights: Var::from_tensor(&weights)?, bias: Var::from_tensor(&bias)? })
        });
        let layers = layers.collect::<Result<Vec<_>>>()?;
        let parameters = layers.iter().flat_map(|layer| [layer.weights.clone(), layer.bias.clone()]).collect();
        Ok(Self {
            layers,
            dropout: flags.dropout.clone(),
            own_masks: flags.variant != "nn-dropout",
            batch_size: flags.batch_size,
            sgd: SGD::new(parameters, flags.lr)?,
            random,
            train: tensors(train)?,
            test: tensors(test)?,
        })
    }

    fn dropped(&mut self, x: Tensor, p: f64) -> Result<Tensor> {
        match p {
            0.0 => Ok(x),
            p if self.own_masks => {
                let mask = self.random.mask(x.elem_count(), p);
                x.mul(&Tensor::from_vec(mask, x.shape(), x.device())?)
            }
            p => ops::dropout(&x, p as f32),
        }
    }

    fn logits(&mut self, x: &Tensor, training: bool) -> Result<Tensor> {
        let mut x = x.clone();
        for i in 0..self.dropout.len() {
            x = self.layers[i].forward(&x)?.relu()?;
            if training {
                x = self.dropped(x, self.dropout[i])?;
            }
        }
        self.layers[self.dropout.len()].forward(&x)
    }
}

fn correct(logits: &Tensor, labels: &Tensor) -> Result<f64> {
    let correct = logits.argmax(D::Minus1)?.eq(labels)?.to_dtype(DType::F32)?.sum_all()?;
    Ok(correct.to_scalar::<f32>()?.into())
}

impl Network for CandlePeer {
    fn train_epoch(&mut self, mut first_step: Option<fn(f64)>) -> anyhow::Result<Means> {
        let (images, labels) = self.train.clone();
        let examples = labels.elem_count();
        let order = Tensor::from_vec(self.random.order(examples), examples, &Device::Cpu)?;
        let (mut loss_sum, mut correct_sum) = (0.0, 0.0);
        for start in (0..examples).step_by(self.batch_size) {
            let rows = self.batch_size.min(examples - start);
            let batch = order.narrow(0, start, rows)?;
            let (x, y) = (images.index_select(&batch, 0)?, labels.index_select(&batch, 0)?);
            let logits = self.logits(&x, true)?;
            let loss = cross_entropy(&logits, &y)?;
            self.sgd.backward_step(&loss)?;
            // On the CPU a tensor is computed when it is made: reading a number waits for nothing.
            let loss = f64::from(loss.to_scalar::<f32>()?);
            loss_sum += loss * rows as f64;
            correct_sum += correct(&logits, &y)?;
            if let Some(tell) = first_step.take() {
                tell(loss);
            }
        }
        Ok(Means { loss: loss_sum / examples as f64, accuracy: correct_sum / examples as f64 })
    }

    fn evaluate(&mut self) -> anyhow::Result<Means> {
        let (images, labels) = self.test.clone();
        let logits = self.logits(&images, false)?;
        let loss = cross_entropy(&logits, &labels)?.to_scalar::<f32>()?;
        Ok(Means { loss: loss.into(), accuracy: correct(&logits, &labels)? / labels.elem_count() as f64 })
    }
}

fn main() -> anyhow::Result<()> {
    peer::run(|flags, train, test| {
        anyhow::ensure!(
            ["best", "nn-dropout"].contains(&flags.variant.as_str()),
            "{} is no variant of this program",
            flags.variant
        );
        let gemm = if candle_core::utils::has_mkl() { "mkl" } else { "gemm" };
        let framework = json!({"candle": "0.11.1", "backend": gemm, "variant": flags.variant});
        Ok((CandlePeer::new(flags, train, test)?, framework))
    })
}
