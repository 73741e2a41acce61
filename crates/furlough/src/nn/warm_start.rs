use super::{Architecture, Block, Mlp};
use crate::counted;

impl Architecture {
    /// Returns why a network of this architecture cannot begin with what one of `other` has
    /// learned; none where it can. Layers must have the same sizes and activations, and the input
    /// stage the same columns; dropout may differ.
    ///
    /// ```
    /// use furlough::nn::{Layer::*, Sequential};
    /// let of = |units| Sequential::new([Linear(4, units), Relu, Dropout(0.5), Linear(units, 2)]).validate();
    /// assert_eq!(of(8)?.obstacle_to_weights_of(&of(8)?), None);
    /// let why = of(8)?.obstacle_to_weights_of(&of(9)?).unwrap();
    /// assert_eq!(why, "it has 9 units in hidden layer 1, not 8");
    /// # Ok::<(), furlough::Error>(())
    /// ```
    pub fn obstacle_to_weights_of(&self, other: &Architecture) -> Option<String> {
        if other.inputs() != self.inputs() {
            return Some(format!("it takes {} an example, not {}", counted(other.inputs(), "feature"), self.inputs()));
        }
        if other.input_stage() != self.input_stage() {
            return Some("it makes other inputs of its columns".into());
        }
        if other.outputs() != self.outputs() {
            return Some(format!("it has {}, not {}", counted(other.outputs(), "output"), self.outputs()));
        }
        let hidden = |architecture: &Architecture| architecture.blocks().len() - 1;
        if hidden(other) != hidden(self) {
            return Some(format!("it has {}, not {}", counted(hidden(other), "hidden layer"), hidden(self)));
        }
        let layers = self.blocks().iter().zip(other.blocks()).zip(1..);
        layers.take(hidden(self)).find_map(|((own, theirs), layer)| {
            if theirs.outputs != own.outputs {
                let units = counted(theirs.outputs, "unit");
                return Some(format!("it has {units} in hidden layer {layer}, not {}", own.outputs));
            }
            let name = |block: &Block| {
                let parametric = if block.parametric { "parametric " } else { "" };
                format!("{parametric}{}", block.activation.name())
            };
            let (theirs, own) = (name(theirs), name(own));
            (theirs != own).then(|| format!("it has {theirs} after hidden layer {layer}, not {own}"))
        })
    }
}

impl Mlp {
    /// Takes over what `learned` has learned: weights, biases, and the drop probabilities where
    /// both learn them for the same layers.
    ///
    /// # Panics
    /// When there is an [obstacle](Architecture::obstacle_to_weights_of).
    pub fn take_weights(&mut self, learned: &Mlp) {
        let obstacle = self.architecture().obstacle_to_weights_of(learned.architecture());
        assert_eq!(obstacle, None, "networks with the same weights");
        self.parameters_mut().copy_from_slice(learned.parameters());
        if self.architecture().concrete_blocks().eq(learned.architecture().concrete_blocks()) {
            self.dropout_logits_mut().copy_from_slice(learned.dropout_logits());
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::{Activation, Init, Layer, Layer::*, Mlp, Sequential};
    use crate::random::Key;

    fn mlp(layers: &[Layer], seed: u64) -> Mlp {
        Mlp::new(Sequential::new(layers.to_vec()).validate().unwrap(), Init::Kaiming, Key::new(seed))
    }

    #[test]
    fn what_differs_is_named() {
        let own = mlp(&[Linear(4, 3), Relu, Linear(3, 2)], 0);
        for (layers, expected) in [
            (vec![Linear(5, 3), Relu, Linear(3, 2)], "it takes 5 features an example, not 4"),
            (vec![Linear(4, 3), Relu, Linear(3, 1)], "it has 1 output, not 2"),
            (vec![Linear(4, 2)], "it has 0 hidden layers, not 1"),
            (vec![Linear(4, 1), Relu, Linear(1, 2)], "it has 1 unit in hidden layer 1, not 3"),
            (vec![Linear(4, 3), Tanh, Linear(3, 2)], "it has tanh after hidden layer 1, not relu"),
            (
                vec![Linear(4, 3), Parametric(Activation::Relu), Linear(3, 2)],
                "it has parametric relu after hidden layer 1, not relu",
            ),
        ] {
            let other = mlp(&layers, 1);
            assert_eq!(own.architecture().obstacle_to_weights_of(other.architecture()).as_deref(), Some(expected));
        }
    }

    #[test]
    fn dropout_may_differ_and_what_it_learned_goes_with_the_weights() {
        let plain = mlp(&[Linear(4, 3), Relu, Linear(3, 2)], 0);
        let mut learned = mlp(&[Linear(4, 3), Relu, ConcreteDropout(0.1), Linear(3, 2)], 1);
        learned.dropout_logits_mut()[0] = 0.25;
        let mut other = plain.clone();
        other.take_weights(&learned);
        assert_eq!(other.parameters(), learned.parameters());
        let mut concrete = mlp(&[Linear(4, 3), Relu, ConcreteDropout(0.4), Linear(3, 2)], 2);
        concrete.take_weights(&plain);
        assert_eq!(concrete.learned_dropout().next().map(|(_, p)| (1e6 * p).round()), Some(4e5), "as it was to begin");
        concrete.take_weights(&learned);
        assert_eq!((concrete.parameters(), concrete.dropout_logits()), (learned.parameters(), &[0.25][..]));
    }
}
