//! The tutorial's job in Burn.

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use burn::module::{Module, Param};
use burn::nn::loss::{CrossEntropyLoss, CrossEntropyLossConfig};
use burn::nn::{Dropout, DropoutConfig, Linear};
use burn::optim::{GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Int, Tensor, TensorData};
use peer::{Examples, Flags, Means, Network, Random, anyhow};
use serde_json::json;

#[derive(Module, Debug)]
struct Mlp {
    layers: Vec<Linear>,
    dropout: Vec<Dropout>,
}

/// With `own_masks`, dropout by those instead of Burn's. Burn's own does nothing unless the device
/// records gradients.
fn logits(mlp: &Mlp, mut x: Tensor<2>, mut own_masks: Option<&mut Random>) -> Tensor<2> {
    for (layer, dropout) in mlp.layers.iter().zip(&mlp.dropout) {
        x = relu(layer.forward(x));
        x = match &mut own_masks {
            Some(_) if dropout.prob == 0.0 => x,
            Some(random) => {
                let mask = random.mask(x.shape().num_elements(), dropout.prob);
                let mask = Tensor::from_data(TensorData::new(mask, x.shape()), &x.device().inner());
                x * Tensor::from_inner(mask)
            }
            None => dropout.forward(x),
        };
    }
    mlp.layers[mlp.dropout.len()].forward(x)
}

struct BurnPeer {
    mlp: Mlp,
    sgd: ModuleOptimizer,
    learning_rate: f64,
    cross_entropy: CrossEntropyLoss,
    own_masks: bool,
    batch_size: usize,
    random: Random,
    device: Device,
    train: (Tensor<2>, Tensor<1, Int>),
    test: (Tensor<2>, Tensor<1, Int>),
}

fn tensors(examples: Examples, device: &Device) -> (Tensor<2>, Tensor<1, Int>) {
    let rows = examples.len();
    let labels: Vec<i32> = examples.labels.iter().map(|&label| label.into()).collect();
    let images = TensorData::new(examples.images, [rows, 784]);
    (Tensor::from_data(images, device), Tensor::from_data(TensorData::new(labels, [rows]), device))
}

impl BurnPeer {
    /// Data lie on `device`, which records nothing; parameters where gradients are recorded.
    fn new(flags: &Flags, device: Device, own_masks: bool, train: Examples, test: Examples) -> Self {
        device.seed(flags.seed);
        let mut random = Random::new(flags.seed);
        let recording = device.clone().autodiff();
        let widths = flags.widths();
        let layers = widths.windows(2).map(|pair| {
            let weights = TensorData::new(random.weights(pair[0] * pair[1]), [pair[0], pair[1]]);
            Linear {
                weight: Param::from_data(weights, &recording),
                bias: Some(Param::from_tensor(Tensor::zeros([pair[1]], &recording))),
            }
        });
        let layers = layers.collect();
        let dropout = flags.dropout.iter().map(|&p| DropoutConfig::new(p).init()).collect();
        Self {
            mlp: Mlp { layers, dropout },
            sgd: SgdConfig::new().init(),
            learning_rate: flags.lr,
            cross_entropy: CrossEntropyLossConfig::new().init(&device),
            own_masks,
            batch_size: flags.batch_size,
            random,
            train: tensors(train, &device),
            test: tensors(test, &device),
            device,
        }
    }
}

fn correct(logits: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1, Int> {
    logits.argmax(1).flatten::<1>(0, 1).equal(labels).int().sum()
}

impl Network for BurnPeer {
    fn train_epoch(&mut self, mut first_step: Option<fn(f64)>) -> anyhow::Result<Means> {
        let (images, labels) = self.train.clone();
        let [examples] = labels.dims();
        let order: Vec<i32> = self.random.order(examples).into_iter().map(|example| example as i32).collect();
        let order: Tensor<1, Int> = Tensor::from_data(TensorData::new(order, [examples]), &self.device);
        let mut loss_sum: Tensor<1> = Tensor::zeros([1], &self.device);
        let mut correct_sum: Tensor<1, Int> = Tensor::zeros([1], &self.device);
        for start in (0..examples).step_by(self.batch_size) {
            let rows = self.batch_size.min(examples - start);
            let batch = order.clone().narrow(0, start, rows);
            let x = images.clone().select(0, batch.clone());
            let y = labels.clone().select(0, batch);
            let logits = logits(&self.mlp, Tensor::from_inner(x), self.own_masks.then_some(&mut self.random));
            let loss = self.cross_entropy.forward(logits.clone(), Tensor::from_inner(y.clone()));
            let gradients = GradientsParams::from_grads(loss.backward(), &self.mlp);
            self.mlp = self.sgd.step(self.learning_rate, self.mlp.clone(), gradients);
            let loss = loss.inner();
            loss_sum = loss_sum + loss.clone() * rows as f32;
            correct_sum = correct_sum + correct(logits.inner(), y);
            if let Some(tell) = first_step.take() {
                tell(loss.into_scalar());
            }
        }
        Ok(Means {
            loss: loss_sum.into_scalar::<f64>() / examples as f64,
            accuracy: correct_sum.into_scalar::<f64>() / examples as f64,
        })
    }

    fn evaluate(&mut self) -> anyhow::Result<Means> {
        let (images, labels) = self.test.clone();
        let [examples] = labels.dims();
        let logits = logits(&self.mlp.valid(), images, None);
        let loss = self.cross_entropy.forward(logits.clone(), labels.clone());
        let correct: f64 = correct(logits, labels).into_scalar();
        Ok(Means { loss: loss.into_scalar(), accuracy: correct / examples as f64 })
    }
}

fn device(variant: &str) -> Option<Device> {
    match variant {
        #[cfg(feature = "flex")]
        "best" | "flex" | "flex-own-masks" => Some(Device::flex()),
        #[cfg(feature = "ndarray")]
        #[allow(deprecated)] // measured because it is there
        "ndarray" | "ndarray-own-masks" => Some(Device::ndarray()),
        _ => None,
    }
}

fn main() -> anyhow::Result<()> {
    peer::run(|flags, train, test| {
        let Some(device) = device(&flags.variant) else {
            anyhow::bail!("{} is no variant of this build", flags.variant)
        };
        let own_masks = flags.variant == "best" || flags.variant.ends_with("own-masks");
        let framework = json!({"burn": "0.22.1", "backend": format!("{device:?}"), "variant": flags.variant});
        Ok((BurnPeer::new(flags, device, own_masks, train, test), framework))
    })
}
