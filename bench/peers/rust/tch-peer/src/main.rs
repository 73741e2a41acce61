//! The tutorial's job in tch, which is libtorch behind a thin layer of Rust.

use peer::{Examples, Flags, Means, Network, Random, anyhow};
use serde_json::json;
use tch::nn::{self, Init, LinearConfig, Module, Optimizer, OptimizerConfig, VarStore};
use tch::{Device, Kind, Reduction, Tensor};

struct TchPeer {
    layers: Vec<nn::Linear>,
    dropout: Vec<f64>,
    own_masks: Option<Random>,
    batch_size: i64,
    sgd: Optimizer,
    train: (Tensor, Tensor),
    test: (Tensor, Tensor),
}

fn tensors(examples: &Examples) -> (Tensor, Tensor) {
    let labels: Vec<i64> = examples.labels.iter().map(|&label| label.into()).collect();
    (Tensor::from_slice(&examples.images).view([-1, 784]), Tensor::from_slice(&labels))
}

impl TchPeer {
    fn new(flags: &Flags, own_masks: bool, train: &Examples, test: &Examples) -> anyhow::Result<Self> {
        tch::set_num_threads(flags.threads.try_into()?);
        tch::manual_seed(flags.seed as i64);
        let variables = VarStore::new(Device::Cpu);
        let init = LinearConfig {
            ws_init: Init::Randn { mean: 0.0, stdev: 0.01 },
            bs_init: Some(Init::Const(0.0)),
            bias: true,
        };
        let widths = flags.widths();
        let layers = widths.windows(2).enumerate();
        let layers =
            layers.map(|(i, pair)| nn::linear(variables.root() / i, pair[0] as i64, pair[1] as i64, init)).collect();
        Ok(Self {
            layers,
            dropout: flags.dropout.clone(),
            own_masks: own_masks.then(|| Random::new(flags.seed)),
            batch_size: flags.batch_size as i64,
            sgd: nn::Sgd::default().build(&variables, flags.lr)?,
            train: tensors(train),
            test: tensors(test),
        })
    }

    fn logits(&mut self, x: &Tensor, training: bool) -> Tensor {
        let mut x = x.shallow_clone();
        for (layer, &p) in self.layers.iter().zip(&self.dropout) {
            x = layer.forward(&x).relu();
            x = match &mut self.own_masks {
                _ if !training || p == 0.0 => x,
                Some(random) => &x * Tensor::from_slice(&random.mask(x.numel(), p)).view_as(&x),
                None => x.dropout(p, true),
            };
        }
        self.layers[self.dropout.len()].forward(&x)
    }
}

fn correct(logits: &Tensor, labels: &Tensor) -> Tensor {
    logits.detach().argmax(1, false).eq_tensor(labels).sum(Kind::Int64)
}

impl Network for TchPeer {
    fn train_epoch(&mut self, mut first_step: Option<fn(f64)>) -> anyhow::Result<Means> {
        let (images, labels) = (self.train.0.shallow_clone(), self.train.1.shallow_clone());
        let examples = labels.size1()?;
        let mut loss_sum = Tensor::zeros([], (Kind::Double, Device::Cpu));
        let mut correct_sum = Tensor::zeros([], (Kind::Int64, Device::Cpu));
        for batch in Tensor::randperm(examples, (Kind::Int64, Device::Cpu)).split(self.batch_size, 0) {
            let (x, y) = (images.index_select(0, &batch), labels.index_select(0, &batch));
            let logits = self.logits(&x, true);
            let loss = logits.cross_entropy_loss::<Tensor>(&y, None, Reduction::Mean, -100, 0.0);
            self.sgd.backward_step(&loss);
            loss_sum += loss.detach() * batch.size1()?;
            correct_sum += correct(&logits, &y);
            if let Some(tell) = first_step.take() {
                tell(loss.double_value(&[]));
            }
        }
        let examples = examples as f64;
        Ok(Means { loss: loss_sum.double_value(&[]) / examples, accuracy: correct_sum.double_value(&[]) / examples })
    }

    fn evaluate(&mut self) -> anyhow::Result<Means> {
        let (images, labels) = (self.test.0.shallow_clone(), self.test.1.shallow_clone());
        let logits = tch::no_grad(|| self.logits(&images, false));
        let loss = logits.cross_entropy_loss::<Tensor>(&labels, None, Reduction::Mean, -100, 0.0);
        let accuracy = correct(&logits, &labels).double_value(&[]) / labels.size1()? as f64;
        Ok(Means { loss: loss.double_value(&[]), accuracy })
    }
}

fn main() -> anyhow::Result<()> {
    peer::run(|flags, train, test| {
        let own_masks = match flags.variant.as_str() {
            "best" | "own-masks" => true,
            "dropout" => false,
            other => anyhow::bail!("{other} is no variant of this program"),
        };
        let network = TchPeer::new(flags, own_masks, &train, &test)?;
        Ok((network, json!({"tch": "0.26.0", "backend": "libtorch 2.13.0", "variant": flags.variant})))
    })
}
