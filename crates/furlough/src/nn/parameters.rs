//! The list of a network's parameters: what there is, where it stands, how it begins, and what the
//! optimizer does to it. Initialization, optimizer, checkpoint, model file and reports walk it.

use super::Init;
use crate::random::{Key, Stream, normal};
use std::ops::Range;

/// One tensor of a network's parameters.
///
/// ```
/// use furlough::nn::{Layer::*, Sequential};
/// let network = Sequential::new([Linear(784, 256), Relu, Linear(256, 10)]).validate()?;
/// let told: Vec<_> = network.param_specs().iter().map(|spec| (&*spec.name, &*spec.shape)).collect();
/// let weights = [("linear1.weight", &[784, 256][..]), ("linear2.weight", &[256, 10])];
/// let biases = [("linear1.bias", &[256][..]), ("linear2.bias", &[10])];
/// assert_eq!(told, [weights[0], biases[0], weights[1], biases[1]]);
/// # Ok::<(), furlough::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ParamSpec {
    /// The name that files and messages give it, such as `linear1.weight`.
    pub name: String,
    /// Its shape; weights are inputs × outputs.
    pub shape: Vec<usize>,
    /// Its place in the flat buffer ([`Mlp::parameters`](super::Mlp::parameters)), row-major.
    pub range: Range<usize>,
    /// How it begins.
    pub init: ParamInit,
    /// What it is to the network: learning rate and decay go by it
    /// ([`GroupFactors`](crate::optim::GroupFactors)).
    pub group: ParamGroup,
}

/// How a parameter begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ParamInit {
    /// As [`Init`] says for the weights of the linear layer with this number, from 0.
    Weights {
        /// The layer of the random stream.
        layer: u32,
    },
    /// At 0.
    Zeros,
    /// At 1.
    Ones,
    /// Uniformly within ±`bound`, whatever [`Init`] says: value `i` is `2 bound (w + 1/2) / 2^32 -
    /// bound` for the same word w as that of [`ParamInit::Normal`].
    Uniform {
        /// The layer of the random stream.
        layer: u32,
        /// The bound.
        bound: f64,
    },
    /// At normal numbers of mean 0, whatever [`Init`] says: value `i` is [`normal`] of word `i % 4`
    /// at `c0 = i / 4` of stream input-stage.
    ///
    /// [`normal`]: crate::random::normal
    Normal {
        /// The layer of the random stream.
        layer: u32,
        /// The standard deviation.
        deviation: f64,
    },
}

/// What a parameter is to the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ParamGroup {
    /// The weights of a block, inputs × outputs.
    Weight {
        /// The block's number, from 0.
        block: usize,
    },
    /// The biases of a block, one a unit.
    Bias {
        /// The block's number, from 0.
        block: usize,
    },
    /// The numbers α of a block's parametric activation, one a unit.
    Activation {
        /// The block's number, from 0.
        block: usize,
    },
    /// The embedding of a column, levels × width.
    Embedding {
        /// The column's number, from 0.
        column: usize,
    },
    /// What a periodic column learns.
    Periodic {
        /// The column's number, from 0.
        column: usize,
    },
    /// The factors of the inputs.
    InputScale,
}

impl ParamGroup {
    /// Returns the block that such a parameter belongs to; none for those of the input stage.
    pub fn block(self) -> Option<usize> {
        match self {
            ParamGroup::Weight { block } | ParamGroup::Bias { block } | ParamGroup::Activation { block } => Some(block),
            ParamGroup::Embedding { .. } | ParamGroup::Periodic { .. } | ParamGroup::InputScale => None,
        }
    }
}

impl ParamSpec {
    /// Returns the number of its values.
    #[allow(clippy::len_without_is_empty)] // no parameter is empty
    pub fn len(&self) -> usize {
        self.range.len()
    }

    /// Fills `values`, which are those of this parameter, with what a run with this key begins
    /// with.
    pub(super) fn fill(&self, init: Init, key: Key, values: &mut [f32]) {
        match self.init {
            ParamInit::Weights { layer } => init.fill(key, layer, self.shape[0], self.shape[1], values),
            ParamInit::Zeros => values.fill(0.0),
            ParamInit::Ones => values.fill(1.0),
            ParamInit::Normal { layer, deviation } => {
                each_word(key, layer, values, |word| (f64::from(normal(word)) * deviation) as f32);
            }
            ParamInit::Uniform { layer, bound } => {
                let share = |word: u32| (f64::from(word) + 0.5) / 4_294_967_296.0;
                each_word(key, layer, values, |word| ((2.0 * share(word) - 1.0) * bound) as f32);
            }
        }
    }
}

/// Makes each value of the word at its place in stream input-stage.
fn each_word(key: Key, layer: u32, values: &mut [f32], of: impl Fn(u32) -> f32) {
    for (place, four) in values.chunks_mut(4).enumerate() {
        let words = key.draw(Stream::InputStage, layer, place as u32, (place as u64 >> 32) as u32, 0);
        four.iter_mut().zip(words).for_each(|(value, word)| *value = of(word));
    }
}

/// The list of parameters in the making: each stands where the one before it ends.
#[derive(Default)]
pub(super) struct Specs {
    list: Vec<ParamSpec>,
}

impl Specs {
    /// Those of a network whose blocks have so many inputs and outputs, and parametric activations
    /// or not, in the order of the flat buffer: block after block, weights before biases, and then
    /// what activations learn.
    pub(super) fn of_blocks(blocks: impl Iterator<Item = (usize, usize, bool)> + Clone) -> Specs {
        let mut specs = Specs::default();
        for (block, (inputs, outputs, _)) in blocks.clone().enumerate() {
            let (layer, number) = (block as u32, block + 1); // a validated list has fewer than 2^24 blocks
            let weights = (ParamInit::Weights { layer }, ParamGroup::Weight { block });
            specs.add(format!("linear{number}.weight"), vec![inputs, outputs], weights.0, weights.1);
            specs.add(format!("linear{number}.bias"), vec![outputs], ParamInit::Zeros, ParamGroup::Bias { block });
        }
        for (block, (_, outputs, _)) in blocks.enumerate().filter(|(_, (.., parametric))| *parametric) {
            let (name, group) = (format!("activation{}.alpha", block + 1), ParamGroup::Activation { block });
            specs.add(name, vec![outputs], ParamInit::Ones, group);
        }
        specs
    }

    /// Adds one behind the others.
    pub(super) fn add(&mut self, name: String, shape: Vec<usize>, init: ParamInit, group: ParamGroup) {
        let start = self.list.last().map_or(0, |last| last.range.end);
        let range = start..start + shape.iter().product::<usize>();
        self.list.push(ParamSpec { name, shape, range, init, group });
    }

    /// The list.
    pub(super) fn done(self) -> Vec<ParamSpec> {
        self.list
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Activation, Mlp, Sequential};
    use super::*;

    #[test]
    fn the_list_covers_the_buffer_without_gaps() {
        for hidden in [&[][..], &[7], &[7, 3, 5]] {
            let network = Sequential::mlp(11, 2, hidden, Activation::Relu, 0.0, &vec![0.5; hidden.len()]);
            let network = network.validate().unwrap();
            let mut end = 0;
            for spec in network.param_specs() {
                assert_eq!((spec.range.start, spec.len()), (end, spec.shape.iter().product()), "{}", spec.name);
                end = spec.range.end;
            }
            assert_eq!(end, network.parameters());
            for (index, block) in network.blocks().iter().enumerate() {
                let (weights, biases) = network.ranges(index);
                assert_eq!((weights.len(), biases.len()), (block.inputs * block.outputs, block.outputs));
                assert_eq!(weights.end, biases.start);
            }
            let names: std::collections::HashSet<_> = network.param_specs().iter().map(|spec| &spec.name).collect();
            assert_eq!(names.len(), network.param_specs().len(), "no name twice");
        }
    }

    #[test]
    fn a_part_of_a_network_lists_its_own_parameters() {
        let network = Sequential::mlp(4, 2, &[3, 5], Activation::Relu, 0.0, &[0.0; 2]).validate().unwrap();
        let part = network.up_to(1);
        assert_eq!(part.param_specs(), &network.param_specs()[..4]);
        assert_eq!(part.parameters(), 5 * 3 + 4 * 5);
    }

    #[test]
    fn weights_begin_as_told_and_biases_at_0() {
        let network = Sequential::mlp(4, 2, &[3], Activation::Relu, 0.0, &[0.0]).validate().unwrap();
        let mlp = Mlp::new(network, Init::Kaiming, Key::new(3));
        for (index, (inputs, outputs)) in [(4, 3), (3, 2)].into_iter().enumerate() {
            let mut expected = vec![0.0; inputs * outputs];
            Init::Kaiming.fill(Key::new(3), index as u32, inputs, outputs, &mut expected);
            assert!(mlp.weights(index).iter().eq(&expected), "layer {index}");
            assert!(mlp.biases(index).iter().all(|bias| bias.to_bits() == 0), "layer {index}");
        }
    }
}
