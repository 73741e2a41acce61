use super::{Activation, DropoutKind, Init, InputStage, MaskSharing, Mlp, Sequential};
use crate::random::Key;
use crate::{Error, Result, counted};

/// A multilayer perceptron in the making; [`Mlp::builder`] begins one.
///
/// Unless told otherwise it has two hidden layers of 256 ReLU units, dropout of 0.2 after the first
/// and 0.5 after the last, as in the tutorial, and weights by Kaiming's rule.
///
/// ```
/// use furlough::nn::{Activation, Mlp};
/// let mlp = Mlp::builder(64, 10).hidden([128, 32]).dropout([0.5]).activation(Activation::Gelu).build()?;
/// assert_eq!(mlp.architecture().blocks()[1].dropout.p(), 0.5);
/// assert_eq!(mlp.parameters().len(), 65 * 128 + 129 * 32 + 33 * 10);
/// # Ok::<(), furlough::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MlpBuilder {
    inputs: usize,
    outputs: usize,
    hidden: Vec<usize>,
    dropout: Option<Vec<f64>>,
    input_dropout: f64,
    kind: DropoutKind,
    sharing: MaskSharing,
    activation: Activation,
    init: Init,
    seed: u64,
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    input_stage: Option<InputStage>,
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "std::ops::Not::not"))]
    parametric: bool,
}

impl Mlp {
    /// Begins a multilayer perceptron from so many features to so many outputs: one for each class,
    /// or one for each number to predict.
    pub fn builder(inputs: usize, outputs: usize) -> MlpBuilder {
        MlpBuilder {
            inputs,
            outputs,
            hidden: vec![256, 256],
            dropout: None,
            input_dropout: 0.0,
            kind: DropoutKind::default(),
            sharing: MaskSharing::default(),
            activation: Activation::Relu,
            init: Init::Kaiming,
            seed: 0,
            input_stage: None,
            parametric: false,
        }
    }
}

impl MlpBuilder {
    /// Sets the widths of the hidden layers, first to last; none makes the network linear.
    pub fn hidden(mut self, widths: impl Into<Vec<usize>>) -> Self {
        self.hidden = widths.into();
        self
    }

    /// Sets the drop probability after each hidden layer, from 0 to 1; a single one is that of all.
    pub fn dropout(mut self, p: impl Into<Vec<f64>>) -> Self {
        self.dropout = Some(p.into());
        self
    }

    /// Sets the drop probability of the features themselves, from 0 to 1.
    pub fn input_dropout(mut self, p: f64) -> Self {
        self.input_dropout = p;
        self
    }

    /// Sets what dropout does to its units.
    pub fn dropout_kind(mut self, kind: DropoutKind) -> Self {
        self.kind = kind;
        self
    }

    /// Sets which examples of a batch share a mask.
    pub fn sharing(mut self, sharing: MaskSharing) -> Self {
        self.sharing = sharing;
        self
    }

    /// Sets the activation of the hidden layers.
    pub fn activation(mut self, activation: Activation) -> Self {
        self.activation = activation;
        self
    }

    /// Sets whether each hidden unit learns how much of the activation it takes
    /// ([`Layer::Parametric`](super::Layer::Parametric)). The identity has nothing to learn.
    ///
    /// ```
    /// use furlough::nn::{Activation, Mlp};
    /// let mlp = Mlp::builder(4, 2).hidden([8]).activation(Activation::Mish).parametric(true).build()?;
    /// assert_eq!(mlp.architecture().param_specs()[4].name, "activation1.alpha");
    /// # Ok::<(), furlough::Error>(())
    /// ```
    pub fn parametric(mut self, parametric: bool) -> Self {
        self.parametric = parametric;
        self
    }

    /// Sets how weights start.
    pub fn init(mut self, init: Init) -> Self {
        self.init = init;
        self
    }

    /// Sets the seed that the first weights are drawn with.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets what becomes of the features before the first layer: one column of the stage for each.
    ///
    /// ```
    /// use furlough::nn::{InputColumn::*, InputStage, Mlp};
    /// let stage = InputStage::new([Number, Category { levels: 12, width: 8 }]).with_scaling();
    /// let mlp = Mlp::builder(2, 3).hidden([64]).input_stage(stage).build()?;
    /// assert_eq!((mlp.architecture().inputs(), mlp.architecture().blocks()[0].inputs), (2, 9));
    /// # Ok::<(), furlough::Error>(())
    /// ```
    pub fn input_stage(mut self, stage: InputStage) -> Self {
        self.input_stage = Some(stage);
        self
    }

    /// Returns the network as a list of layers.
    ///
    /// # Errors
    /// [`Error::Setting`] `input stage` when it has not one column a feature, `dropout` when there
    /// are neither as many drop probabilities as hidden layers nor one for all, and `parametric`
    /// when the activation is the identity.
    pub fn layers(&self) -> Result<Sequential> {
        if self.parametric && self.activation == Activation::Identity {
            let reason = "the identity has nothing to learn; choose another activation";
            return Err(Error::setting("parametric", true, reason));
        }
        let count = self.hidden.len();
        let p = match self.dropout.as_deref() {
            None => (1..=count).map(|layer| if layer == count { 0.5 } else { 0.2 }).collect(),
            Some([p]) => vec![*p; count],
            Some(p) if p.len() == count => p.to_vec(),
            Some(p) => {
                let reason = format!(
                    "{} for {}; give one for each, or a single one for all",
                    counted(p.len(), "drop probability"),
                    counted(count, "hidden layer")
                );
                return Err(Error::setting("dropout", format!("{p:?}"), reason));
            }
        };
        let inputs = self.input_stage.as_ref().map_or(self.inputs, InputStage::width);
        let list = Sequential::mlp(inputs, self.outputs, &self.hidden, self.activation, self.input_dropout, &p);
        let list = list.with_dropout_kind(self.kind).with_sharing(self.sharing);
        let list = if self.parametric { list.with_parametric_activations() } else { list };
        let Some(stage) = &self.input_stage else { return Ok(list) };
        if stage.features() != self.inputs {
            let (columns, features) = (counted(stage.features(), "column"), counted(self.inputs, "feature"));
            return Err(Error::setting("input stage", columns, format!("the network takes {features}")));
        }
        Ok(list.with_input_stage(stage.clone()))
    }

    /// Returns the network with its first weights, which the seed decides.
    ///
    /// # Errors
    /// [`Error::Setting`] as [`Self::layers`] and for an initialization out of range;
    /// [`Error::Layer`] naming the first layer that cannot stand where it stands.
    pub fn build(&self) -> Result<Mlp> {
        self.init.validate()?;
        Ok(Mlp::new(self.layers()?.validate()?, self.init, Key::new(self.seed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_the_tutorial() {
        let built = Mlp::builder(784, 10).layers().unwrap();
        assert_eq!(built, Sequential::mlp(784, 10, &[256, 256], Activation::Relu, 0.0, &[0.2, 0.5]));
        let plain = Mlp::builder(3, 2).hidden([]).build().unwrap();
        assert_eq!(plain.architecture().blocks().len(), 1);
    }

    #[test]
    fn every_setting_reaches_the_network() {
        let builder = Mlp::builder(4, 3)
            .hidden([8, 8])
            .dropout([0.1, 0.3])
            .input_dropout(0.2)
            .dropout_kind(DropoutKind::Gaussian)
            .sharing(MaskSharing::Batch)
            .activation(Activation::Tanh)
            .init(Init::Xavier)
            .seed(7);
        let mlp = builder.build().unwrap();
        let list = Sequential::mlp(4, 3, &[8, 8], Activation::Tanh, 0.2, &[0.1, 0.3])
            .with_dropout_kind(DropoutKind::Gaussian)
            .with_sharing(MaskSharing::Batch);
        assert_eq!(mlp, Mlp::new(list.validate().unwrap(), Init::Xavier, Key::new(7)));
        assert_ne!(mlp, builder.seed(8).build().unwrap());
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let of = |builder: MlpBuilder| builder.build().unwrap_err().to_string();
        assert!(of(Mlp::builder(4, 3).dropout([0.1, 0.2, 0.3])).contains("3 drop probabilities for 2 hidden layers"));
        assert!(of(Mlp::builder(4, 3).hidden([8, 0])).contains("layer 5 (Linear(8, 0))"));
        assert!(of(Mlp::builder(4, 3).dropout([1.5])).contains("a drop probability lies between"));
        assert!(of(Mlp::builder(4, 3).init(Init::Normal(-1.0))).contains("init"));
        let identity = of(Mlp::builder(4, 3).activation(Activation::Identity).parametric(true));
        assert!(identity.contains("parametric = true: the identity has nothing to learn"), "{identity}");
    }
}
