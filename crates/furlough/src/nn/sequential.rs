use super::validation::Validation;
use super::{Activation, Architecture, Dropout, DropoutKind, InputStage, Layer, MaskSharing};
use crate::Result;

/// A network as its layers, first to last.
///
/// ```
/// use furlough::nn::{Layer::*, Sequential};
/// let network = Sequential::new([Flatten, Linear(784, 256), Relu, Dropout(0.2), Linear(256, 10)]);
/// assert_eq!(network.validate()?.parameters(), 203_530);
///
/// let wrong = Sequential::new([Linear(784, 256), Relu, Linear(128, 10)]);
/// let error = wrong.validate().unwrap_err().to_string();
/// assert_eq!(error, "layer 3 (Linear(128, 10)): takes 128 inputs, but layer 1 (Linear(784, 256)) gives 256");
/// # Ok::<(), furlough::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Sequential {
    layers: Vec<Layer>,
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    input_stage: Option<InputStage>,
}

impl Sequential {
    /// A list of layers, not yet looked at.
    pub fn new(layers: impl Into<Vec<Layer>>) -> Self {
        Sequential { layers: layers.into(), input_stage: None }
    }

    /// The same list behind a stage that makes inputs of the columns of the data ([`InputStage`]):
    /// the first linear layer takes [`InputStage::width`] of them.
    pub fn with_input_stage(self, stage: InputStage) -> Self {
        Sequential { input_stage: Some(stage), ..self }
    }

    /// The stage before the layers, if there is one.
    pub fn input_stage(&self) -> Option<&InputStage> {
        self.input_stage.as_ref()
    }

    /// The multilayer perceptron of the tutorial: Flatten, then for each width of `hidden` a linear
    /// layer, the activation and its dropout, then the linear output layer. Dropout with p = 0 is
    /// left out.
    ///
    /// # Panics
    /// When there is not one dropout per hidden layer.
    pub fn mlp(
        inputs: usize,
        outputs: usize,
        hidden: &[usize],
        activation: Activation,
        input_dropout: f64,
        dropout: &[f64],
    ) -> Self {
        assert_eq!(hidden.len(), dropout.len(), "one drop probability a hidden layer");
        let mut layers = vec![Layer::Flatten];
        let mut width = inputs;
        let drop = |p: f64| (p != 0.0).then_some(Layer::Dropout(p));
        layers.extend(drop(input_dropout));
        for (&units, &p) in hidden.iter().zip(dropout) {
            layers.push(Layer::Linear(width, units));
            layers.extend(Layer::of(activation));
            layers.extend(drop(p));
            width = units;
        }
        layers.push(Layer::Linear(width, outputs));
        Sequential::new(layers)
    }

    /// The same list with all its dropout layers sharing their masks so.
    ///
    /// ```
    /// use furlough::nn::{Layer::*, Sequential, MaskSharing};
    /// let list = Sequential::new([Linear(784, 4096), Relu, Dropout(0.5), Linear(4096, 10)]);
    /// let list = list.with_sharing(MaskSharing::Batch);
    /// assert_eq!(list.layers()[2], SharedDropout(0.5, MaskSharing::Batch));
    /// ```
    pub fn with_sharing(mut self, sharing: MaskSharing) -> Self {
        for layer in &mut self.layers {
            if let Some((kind, p, _)) = layer.dropout_parts() {
                *layer = Layer::dropout(kind, p, sharing);
            }
        }
        self
    }

    /// The same list with all its dropout layers of this kind, but dropout of the features stays as
    /// it is where the kind is [`DropoutKind::Concrete`].
    ///
    /// ```
    /// use furlough::nn::{DropoutKind, Layer::*, Sequential};
    /// let list = Sequential::new([Linear(784, 256), Relu, Dropout(0.5), Linear(256, 10)]);
    /// let list = list.with_dropout_kind(DropoutKind::Gaussian);
    /// assert_eq!(list.layers()[2], GaussianDropout(0.5));
    /// ```
    pub fn with_dropout_kind(mut self, kind: DropoutKind) -> Self {
        let mut features = true;
        for layer in &mut self.layers {
            features &= !matches!(layer, Layer::Linear(..));
            if let Some((_, p, sharing)) = layer.dropout_parts().filter(|_| !(features && kind.is_learned())) {
                *layer = Layer::dropout(kind, p, sharing);
            }
        }
        self
    }

    /// The same list with all its activations parametric ([`Layer::Parametric`]).
    ///
    /// ```
    /// use furlough::nn::{Activation, Layer::*, Sequential};
    /// let list = Sequential::new([Linear(8, 256), Mish, Linear(256, 1)]).with_parametric_activations();
    /// assert_eq!(list.layers()[1], Parametric(Activation::Mish));
    /// assert_eq!(list.validate()?.param_specs()[4].name, "activation1.alpha");
    /// # Ok::<(), furlough::Error>(())
    /// ```
    pub fn with_parametric_activations(mut self) -> Self {
        for layer in &mut self.layers {
            if let Some(activation) = layer.activation() {
                *layer = Layer::Parametric(activation);
            }
        }
        self
    }

    /// The layers.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Checks the list and turns it into the blocks that are computed.
    ///
    /// # Errors
    /// [`Error::Layer`](crate::Error::Layer) naming the first layer that cannot stand where it
    /// stands, and [`Error::Setting`](crate::Error::Setting) naming the first column of the input
    /// stage that makes no sense.
    pub fn validate(&self) -> Result<Architecture> {
        Validation::run(&self.layers, self.input_stage.as_ref())
    }
}

/// The list of layers that gives this architecture.
///
/// ```
/// use furlough::nn::{Layer::*, Sequential};
/// let list = Sequential::new([Flatten, Dropout(0.1), Linear(784, 256), Relu, Dropout(0.2), Linear(256, 10)]);
/// assert_eq!(Sequential::from(&list.validate()?), list);
/// # Ok::<(), furlough::Error>(())
/// ```
impl From<&Architecture> for Sequential {
    fn from(architecture: &Architecture) -> Self {
        let dropout = |d: Dropout| (d.p() != 0.0).then(|| Layer::dropout(d.kind(), d.p(), d.sharing()));
        let mut layers = Vec::new();
        layers.extend(architecture.flattens().then_some(Layer::Flatten));
        layers.extend(dropout(architecture.input_dropout()));
        for block in architecture.blocks() {
            layers.push(Layer::Linear(block.inputs, block.outputs));
            layers.extend(Layer::activated(block.activation, block.parametric));
            layers.extend(dropout(block.dropout));
        }
        Sequential { layers, input_stage: architecture.input_stage().cloned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Layer::*;

    #[test]
    fn refuses_lists_that_make_no_sense() {
        let cases = vec![
            (vec![], "layer 1 (nothing): the list is empty"),
            (vec![Flatten], "layer 1 (Flatten): is the last layer"),
            (vec![Relu, Linear(2, 2)], "layer 1 (Relu): an activation needs a Linear before it"),
            (
                vec![Linear(2, 3), Linear(2, 2)],
                "layer 2 (Linear(2, 2)): takes 2 inputs, but layer 1 (Linear(2, 3)) gives 3",
            ),
            (vec![Linear(2, 3), Flatten, Linear(3, 2)], "layer 2 (Flatten): Flatten comes first"),
            (vec![Linear(2, 0)], "layer 1 (Linear(2, 0)): needs at least 1 input and 1 output"),
            (vec![Linear(1 << 32, 1)], "4294967296 units are too many"),
            (vec![Linear(u32::MAX as usize, u32::MAX as usize)], "more weights than any memory"),
            // Each would fit by itself; together they wrap around.
            (vec![Linear(1 << 30, 1 << 29), Linear(1 << 29, 1 << 30), Linear(1 << 30, 1 << 29)], "layer 2 (Linear"),
            (
                vec![Linear(1 << 30, 1 << 29), Linear(1 << 29, 1 << 30)],
                "layer 2 (Linear(536870912, 1073741824)): has, with the layers before it, more",
            ),
            (
                vec![Linear(2, 3), Relu, Dropout(1.5), Linear(3, 2)],
                "layer 3 (Dropout(1.5)): a drop probability lies between",
            ),
            (vec![Linear(2, 3), Dropout(f64::NAN), Linear(3, 2)], "layer 2 (Dropout(NaN))"),
            (vec![Linear(2, 3), Dropout(-0.1), Linear(3, 2)], "layer 2 (Dropout(-0.1))"),
            (
                vec![Linear(2, 3), Relu, Dropout(0.1), Dropout(0.1), Linear(3, 2)],
                "layer 4 (Dropout(0.1)): follows another dropout",
            ),
            (
                vec![Linear(2, 3), Relu, DropConnect(1.5), Linear(3, 2)],
                "layer 3 (DropConnect(1.5)): a drop probability lies",
            ),
            (
                vec![Linear(2, 3), Dropout(0.1), DropConnect(0.1), Linear(3, 2)],
                "layer 3 (DropConnect(0.1)): follows another",
            ),
            (vec![Linear(2, 3), DropConnect(0.1)], "layer 2 (DropConnect(0.1)): dropout after the outputs"),
            (
                vec![Linear(2, 3), DropoutWith(DropoutKind::DropConnect, 0.1, MaskSharing::Batch), Linear(3, 2)],
                "layer 2 (DropoutWith(dropconnect, 0.1, batch)): dropconnect always has one mask",
            ),
            (
                vec![Linear(2, 3), ConcreteDropout(1.0), Linear(3, 2)],
                "layer 2 (ConcreteDropout(1)): concrete dropout learns",
            ),
            (
                vec![ConcreteDropout(0.1), Linear(2, 3)],
                "layer 1 (ConcreteDropout(0.1)): learns its probability after hidden",
            ),
            (vec![Linear(2, 3), Dropout(0.1), Relu, Linear(3, 2)], "layer 3 (Relu): comes after dropout"),
            (vec![Linear(2, 3), Relu, Tanh, Linear(3, 2)], "layer 3 (Tanh): follows another activation"),
            (vec![Linear(2, 3), Dropout(0.1)], "layer 2 (Dropout(0.1)): dropout after the outputs"),
            (vec![Linear(2, 3), Relu], "layer 2 (Relu): is the last layer"),
            (
                vec![Linear(2, 3), SharedDropout(1.5, MaskSharing::Batch), Linear(3, 2)],
                "layer 2 (SharedDropout(1.5, batch)): a drop",
            ),
            (
                vec![Linear(2, 3), SharedDropout(0.5, MaskSharing::Batch), Relu, Linear(3, 2)],
                "layer 3 (Relu): comes after dropout",
            ),
            (
                vec![
                    SharedDropout(0.1, MaskSharing::Batch),
                    Linear(2, 3),
                    Dropout(0.5),
                    Linear(3, 3),
                    SharedDropout(0.5, MaskSharing::rows(8).unwrap()),
                    Linear(3, 2),
                ],
                "layer 5 (SharedDropout(0.5, 8)): shares its masks otherwise than layer 1 (SharedDropout(0.1, batch)); \
                 give all",
            ),
        ];
        refused(cases);
    }

    #[test]
    fn refuses_activations_that_have_nothing_to_learn_or_no_place() {
        refused(vec![
            (vec![Linear(2, 3), Parametric(Activation::Selu)], "layer 2 (Parametric(Selu)): is the last layer"),
            (
                vec![Linear(2, 3), Parametric(Activation::Identity), Linear(3, 2)],
                "layer 2 (Parametric(Identity)): has nothing to learn",
            ),
            (
                vec![Linear(2, 3), Tanh, Parametric(Activation::Tanh), Linear(3, 2)],
                "layer 3 (Parametric(Tanh)): follows another",
            ),
        ]);
    }

    fn refused(cases: Vec<(Vec<Layer>, &str)>) {
        for (layers, expected) in cases {
            let error = Sequential::new(layers.clone()).validate().unwrap_err().to_string();
            assert!(error.contains(expected), "{layers:?}: {error:?} should mention {expected:?}");
        }
    }

    #[test]
    fn an_architecture_gives_back_every_layer() {
        for kind in [DropoutKind::Gaussian, DropoutKind::Concrete, DropoutKind::DropConnect] {
            let list = Sequential::mlp(5, 2, &[4, 3], Activation::Tanh, 0.25, &[0.5, 0.0]).with_dropout_kind(kind);
            assert_eq!(Sequential::from(&list.validate().unwrap()), list);
        }
        let shared = Sequential::mlp(5, 2, &[4], Activation::Identity, 0.0, &[0.5]).with_sharing(MaskSharing::Batch);
        assert_eq!(Sequential::from(&shared.validate().unwrap()), shared);
    }

    #[test]
    fn the_mlp_is_the_list_one_would_write() {
        let written = Sequential::new([
            Flatten,
            Dropout(0.1),
            Linear(784, 256),
            Relu,
            Dropout(0.2),
            Linear(256, 64),
            Relu,
            Linear(64, 10),
        ]);
        let built = Sequential::mlp(784, 10, &[256, 64], Activation::Relu, 0.1, &[0.2, 0.0]);
        assert_eq!(written, built);
        let architecture = built.validate().unwrap();
        assert_eq!((architecture.inputs(), architecture.outputs()), (784, 10));
        assert_eq!(
            architecture.ranges(1),
            (785 * 256..785 * 256 + 256 * 64, 785 * 256 + 256 * 64..785 * 256 + 257 * 64)
        );
        assert_eq!(architecture.parameters(), 785 * 256 + 257 * 64 + 65 * 10);
    }
}
