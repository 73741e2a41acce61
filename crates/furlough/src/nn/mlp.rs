use super::parameters::Specs;
use super::{Activation, Concrete, Dropout, Init, InputStage, MaskSharing, ParamSpec, StagePlaces};
use crate::random::Key;
use crate::{Error, Result, counted};
use ndarray::{ArrayView1, ArrayView2};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// One linear layer with what follows it: the unit that the kernels fuse.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Block {
    /// Features that come in.
    pub inputs: usize,
    /// Units.
    pub outputs: usize,
    /// The activation of the units.
    pub activation: Activation,
    /// Whether each unit has a learned part of it
    /// ([`Layer::Parametric`](super::Layer::Parametric)).
    pub parametric: bool,
    /// The dropout after the activation.
    pub dropout: Dropout,
}

/// A validated network without its parameters. Made by
/// [`Sequential::validate`](super::Sequential::validate).
#[derive(Debug, Clone, PartialEq)]
pub struct Architecture {
    flatten: bool,
    stage: Option<(InputStage, StagePlaces)>,
    input_dropout: Dropout,
    blocks: Vec<Block>,
    params: Vec<ParamSpec>,
}

impl Architecture {
    /// Returns the network of these blocks, of which each takes what the one before it gives, and
    /// the first what the stage gives, if there is one.
    pub(super) fn new(flatten: bool, stage: Option<InputStage>, input_dropout: Dropout, blocks: Vec<Block>) -> Self {
        let stage = stage.map(|stage| {
            let places = StagePlaces::of(&stage);
            (stage, places)
        });
        let mut specs = Specs::of_blocks(blocks.iter().map(|block| (block.inputs, block.outputs, block.parametric)));
        if let Some((stage, _)) = &stage {
            stage.add_to(&mut specs);
        }
        Architecture { flatten, stage, input_dropout, blocks, params: specs.done() }
    }

    /// Returns the stage before the first linear layer, if there is one.
    pub fn input_stage(&self) -> Option<&InputStage> {
        self.stage.as_ref().map(|(stage, _)| stage)
    }

    /// Returns the stage and where its parts are.
    pub(crate) fn placed_stage(&self) -> Option<(&InputStage, &StagePlaces)> {
        self.stage.as_ref().map(|(stage, places)| (stage, places))
    }

    /// Whether the stage has anything to learn, so that derivatives by the inputs are needed.
    pub(crate) fn learns_inputs(&self) -> bool {
        self.stage_parameters() > 0
    }

    /// Returns the number of parameters of the stage: the last ones of all.
    pub(crate) fn stage_parameters(&self) -> usize {
        self.stage.as_ref().map_or(0, |(_, places)| places.parameters())
    }

    /// Returns the parameters of the stage in the list of all.
    pub(crate) fn stage_specs(&self) -> &[ParamSpec] {
        let blocks = self.params.iter().take_while(|spec| spec.group.block().is_some()).count();
        &self.params[blocks..]
    }

    /// The blocks that concrete dropout stands after, first to last.
    pub fn concrete_blocks(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.blocks.len()).filter(|&index| self.blocks[index].dropout.is_concrete())
    }

    /// Number of features of an example. The first block has as many inputs, unless there is an
    /// [`InputStage`].
    pub fn inputs(&self) -> usize {
        self.input_stage().map_or(self.blocks[0].inputs, InputStage::features)
    }

    /// Number of outputs: logits or predictions.
    pub fn outputs(&self) -> usize {
        self.blocks[self.blocks.len() - 1].outputs
    }

    /// The blocks, first to last; at least one.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// Dropout of the features themselves.
    pub fn input_dropout(&self) -> Dropout {
        self.input_dropout
    }

    /// The same network with each drop probability multiplied by `factor`, as [`Dropout::times`]
    /// does.
    ///
    /// # Panics
    /// Unless `0 <= factor <= 1`.
    pub fn with_dropout_times(&self, factor: f64) -> Architecture {
        let mut scaled = self.clone();
        scaled.input_dropout = scaled.input_dropout.times(factor);
        scaled.blocks.iter_mut().for_each(|block| block.dropout = block.dropout.times(factor));
        scaled
    }

    /// Which examples of a batch the shared dropout layers share their masks among;
    /// [`MaskSharing::PerExample`] when there is none.
    pub fn sharing(&self) -> MaskSharing {
        let dropouts = std::iter::once(self.input_dropout).chain(self.blocks.iter().map(|block| block.dropout));
        dropouts.map(Dropout::sharing).find(|sharing| !sharing.is_per_example()).unwrap_or_default()
    }

    /// Whether the list began with Flatten, so that examples may have any shape.
    pub fn flattens(&self) -> bool {
        self.flatten
    }

    /// Returns the list of the parameters, in the order of the flat buffer. Whatever does something
    /// to each parameter walks this list.
    pub fn param_specs(&self) -> &[ParamSpec] {
        &self.params
    }

    /// Number of parameters.
    pub fn parameters(&self) -> usize {
        self.params.last().map_or(0, |last| last.range.end)
    }

    /// The network that ends after the activation of block `index`, so that its outputs are that
    /// block's units.
    pub(crate) fn up_to(&self, index: usize) -> Architecture {
        Architecture::new(self.flatten, self.input_stage().cloned(), self.input_dropout, self.blocks[..=index].to_vec())
    }

    /// Where the weights (inputs × outputs, row-major) and the biases of block `index` stand in the
    /// parameters.
    ///
    /// # Panics
    /// When there is no such block.
    pub fn ranges(&self, index: usize) -> (Range<usize>, Range<usize>) {
        // Block after block, weights before biases.
        (self.params[2 * index].range.clone(), self.params[2 * index + 1].range.clone())
    }

    /// Returns the α of block `index` in the list of all parameters, if its activation is
    /// parametric.
    pub(crate) fn alpha_spec(&self, index: usize) -> Option<&ParamSpec> {
        if !self.blocks[index].parametric {
            return None;
        }
        // After those of all blocks.
        let before = self.blocks[..index].iter().filter(|block| block.parametric).count();
        Some(&self.params[2 * self.blocks.len() + before])
    }

    fn alpha_range(&self, index: usize) -> Option<Range<usize>> {
        self.alpha_spec(index).map(|spec| spec.range.clone())
    }
}

/// A multilayer perceptron: an architecture and one flat buffer of parameters, which
/// [`Architecture::param_specs`] lists.
#[derive(Debug, Clone, PartialEq)]
pub struct Mlp {
    architecture: Architecture,
    parameters: Vec<f32>,
    /// Of the concrete dropout layers.
    dropout_logits: Vec<f64>,
    /// Of the outputs, or none.
    pub(super) output_bounds: Vec<[f32; 2]>,
    revision: Revision,
}

/// Which contents the parameters have: a number that no other contents in this process have had.
/// Copies share it until one is changed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Revision(u64);

impl Revision {
    fn next() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        Revision(COUNT.fetch_add(1, Ordering::Relaxed))
    }

    /// Whether the contents are the very same; others may still be equal.
    pub(crate) fn is(self, other: Revision) -> bool {
        self.0 == other.0
    }
}

/// Networks are equal by their parameters, however they came by them.
impl PartialEq for Revision {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Mlp {
    /// The network as a run with this key begins.
    pub fn new(architecture: Architecture, init: Init, key: Key) -> Self {
        let mut parameters = vec![0.0; architecture.parameters()];
        for spec in architecture.param_specs() {
            spec.fill(init, key, &mut parameters[spec.range.clone()]);
        }
        Mlp::from_parameters(architecture, parameters)
    }

    /// The network with given parameters. Concrete dropout begins at its first p.
    ///
    /// # Panics
    /// When `parameters` is not [`Architecture::parameters`] long.
    pub fn from_parameters(architecture: Architecture, parameters: Vec<f32>) -> Self {
        assert_eq!(parameters.len(), architecture.parameters(), "parameters of this architecture");
        let first = |block: usize| Concrete::of_p(architecture.blocks[block].dropout.p()).logit();
        let dropout_logits = architecture.concrete_blocks().map(first).collect();
        Mlp { architecture, parameters, dropout_logits, output_bounds: Vec::new(), revision: Revision::next() }
    }

    /// The logits of the drop probabilities that concrete dropout has learned, one for each of
    /// [`Architecture::concrete_blocks`].
    pub fn dropout_logits(&self) -> &[f64] {
        &self.dropout_logits
    }

    /// The same, to be changed.
    pub fn dropout_logits_mut(&mut self) -> &mut [f64] {
        &mut self.dropout_logits
    }

    /// The blocks that concrete dropout stands after, each with the drop probability that it has
    /// come to.
    pub fn learned_dropout(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        self.architecture.concrete_blocks().zip(self.dropout_logits.iter().map(|&logit| Concrete::of_logit(logit).p()))
    }

    /// The same network with these logits.
    ///
    /// # Errors
    /// [`Error::Setting`] unless there is one for each concrete layer, each within
    /// [`Concrete::LARGEST_LOGIT`].
    pub fn with_dropout_logits(mut self, logits: Vec<f64>) -> Result<Self> {
        let bound = Concrete::LARGEST_LOGIT;
        if logits.len() != self.dropout_logits.len() || !logits.iter().all(|logit| (-bound..=bound).contains(logit)) {
            let reason = format!("needs {} from -{bound} to {bound}", counted(self.dropout_logits.len(), "number"));
            return Err(Error::setting("dropout_logits", format!("{logits:?}"), reason));
        }
        self.dropout_logits = logits;
        Ok(self)
    }

    /// The network that ends after the activation of block `index`, so that its outputs are that
    /// block's units.
    pub(crate) fn up_to(&self, index: usize) -> Mlp {
        self.part(self.architecture.up_to(index))
    }

    /// The network that ends before the activation of block `index`.
    pub(crate) fn before_activation(&self, index: usize) -> Mlp {
        let mut architecture = self.architecture.up_to(index);
        let last = &mut architecture.blocks[index];
        *last = Block { activation: Activation::Identity, parametric: false, dropout: Dropout::NONE, ..*last };
        let Architecture { flatten, stage, input_dropout, blocks, .. } = architecture;
        self.part(Architecture::new(flatten, stage.map(|(stage, _)| stage), input_dropout, blocks))
    }

    /// A network whose parameters are some of these.
    fn part(&self, architecture: Architecture) -> Mlp {
        let all = self.architecture.param_specs();
        let same = |part: &ParamSpec| all.iter().find(|spec| spec.name == part.name).expect("a part of the network");
        let values = |part| &self.parameters[same(part).range.clone()];
        let parameters = architecture.param_specs().iter().flat_map(values).copied().collect();
        Mlp::from_parameters(architecture, parameters)
    }

    /// The architecture.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// All parameters; [`Architecture::param_specs`] says which is which.
    pub fn parameters(&self) -> &[f32] {
        &self.parameters
    }

    /// The parameters of the input stage: the last ones.
    pub(crate) fn stage_parameters(&self) -> &[f32] {
        &self.parameters[self.parameters.len() - self.architecture.stage_parameters()..]
    }

    /// All parameters, to be changed.
    pub fn parameters_mut(&mut self) -> &mut [f32] {
        self.revision = Revision::next();
        &mut self.parameters
    }

    /// Changes with every use of [`Self::parameters_mut`].
    pub(crate) fn revision(&self) -> Revision {
        self.revision
    }

    /// The weights of block `index`, inputs × outputs.
    pub fn weights(&self, index: usize) -> ArrayView2<'_, f32> {
        let Block { inputs, outputs, .. } = self.architecture.blocks[index];
        let values = &self.parameters[self.architecture.ranges(index).0];
        ArrayView2::from_shape((inputs, outputs), values).expect("as many weights as the shape says")
    }

    /// What each unit of block `index` has learned of its activation; none where that is not
    /// parametric.
    pub fn alphas(&self, index: usize) -> Option<ArrayView1<'_, f32>> {
        Some(ArrayView1::from(&self.parameters[self.architecture.alpha_range(index)?]))
    }

    /// The biases of block `index`.
    pub fn biases(&self, index: usize) -> ArrayView1<'_, f32> {
        ArrayView1::from(&self.parameters[self.architecture.ranges(index).1])
    }
}
