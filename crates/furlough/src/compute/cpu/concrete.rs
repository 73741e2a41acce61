//! Concrete dropout: rows times their soft masks, and the derivatives by the logits of p.

use super::Isa;
use super::dropout::LayerMask;
use super::simd::for_each_isa;
use super::workers::Workers;
use super::workspace::Shared;
use crate::nn::{Architecture, Concrete, ConcretePrior, Dropout, MaskKey, Mlp};
use std::ops::Range;

/// Weights of one task, some.
const TASK: usize = 1 << 14;

/// The soft masks of one layer in one step: all a kernel needs.
#[derive(Clone, Copy)]
pub(super) struct SoftMask {
    words: LayerMask,
    odds: f32,
    scale: f32,
    p: f32,
    layer: Concrete,
    /// Which of the network's logits.
    number: usize,
}

/// The concrete dropout of a network.
pub(super) struct Concretes {
    /// The masks after each block in the present call.
    masks: Vec<Option<SoftMask>>,
    /// The derivative of the loss by each logit, row by row.
    rows: Shared<f64>,
    /// Parts of the weights that the layers stand before, and their sums of squares.
    tasks: Vec<(usize, Range<usize>)>,
    squares: Shared<f64>,
    /// Of the present step: the derivative by each logit.
    gradients: Vec<f64>,
    /// What the regularizer adds to the decay of each block's weights.
    decays: Vec<f64>,
}

impl Concretes {
    pub(super) fn new(architecture: &Architecture, batch_size: usize) -> Self {
        let blocks = architecture.blocks().len();
        let count = architecture.concrete_blocks().count();
        let parts = |block: usize| {
            let weights = architecture.ranges(block).0;
            weights.clone().step_by(TASK).map(move |start| (block, start..weights.end.min(start + TASK)))
        };
        let tasks: Vec<_> = architecture.concrete_blocks().flat_map(|block| parts(block + 1)).collect();
        Concretes {
            masks: vec![None; blocks],
            rows: Shared::new(batch_size, count),
            squares: Shared::new(tasks.len(), 1),
            tasks,
            gradients: vec![0.0; count],
            decays: vec![0.0; blocks],
        }
    }

    /// Whether there is any.
    pub(super) fn any(&self) -> bool {
        !self.gradients.is_empty()
    }

    /// Decides the masks of a call, at the values of p that `mlp` has come to; without a site there
    /// are none.
    pub(super) fn draw(&mut self, isa: Isa, mlp: &Mlp, site: Option<&MaskKey>) {
        let architecture = mlp.architecture();
        for (number, block) in architecture.concrete_blocks().enumerate() {
            let layer = Concrete::of_logit(mlp.dropout_logits()[number]);
            self.masks[block] =
                site.and_then(|site| SoftMask::new(isa, layer, &MaskKey { layer: block as u32 + 1, ..*site }, number));
        }
    }

    /// The masks after a block.
    pub(super) fn after(&self, block: usize) -> Option<&SoftMask> {
        self.masks[block].as_ref()
    }

    /// Notes the derivative of the loss by a layer's logit that comes from the row at `place` of
    /// the batch.
    ///
    /// # Safety
    /// Nobody else notes anything of this row now.
    pub(super) unsafe fn note(&self, place: usize, mask: &SoftMask, derivative: f64) {
        // SAFETY: as promised.
        unsafe { self.rows.part(place * self.gradients.len() + mask.number, 1)[0] = derivative };
    }

    /// Adds up the derivatives by the logits over `rows` rows, in their order, with those of the
    /// regularizer at the present weights, `examples` being all there are to learn from.
    pub(super) fn differentiate(
        &mut self,
        isa: Isa,
        workers: &mut Workers,
        mlp: &Mlp,
        prior: ConcretePrior,
        (rows, examples): (usize, usize),
    ) {
        if !self.any() {
            return;
        }
        let (tasks, squares) = (&self.tasks, &self.squares);
        workers.run(tasks.len(), &|task, _| {
            let values = &mlp.parameters()[tasks[task].1.clone()];
            // SAFETY: each task has its own place.
            unsafe { squares.part(task, 1)[0] = sum_squares(isa, values) };
        });
        let Concretes { rows: noted, squares, tasks, gradients, decays, masks, .. } = self;
        let (noted, squares) = (&*noted.all(), &*squares.all());
        for (block, mask) in masks.iter().enumerate() {
            let Some(SoftMask { layer, number, .. }) = mask else { continue };
            let own = tasks.iter().zip(squares).filter(|((of, _), _)| *of == block + 1);
            let squares = own.map(|(_, sum)| sum).sum();
            let inputs = mlp.architecture().blocks()[block].outputs;
            let (by_logit, decay) = layer.regularizer(prior, inputs, examples, squares);
            gradients[*number] = noted.iter().skip(*number).step_by(gradients.len()).take(rows).sum::<f64>() + by_logit;
            decays[block + 1] = decay;
        }
    }

    /// What to add to the weight decay of a block in the present step.
    pub(super) fn decay(&self, block: usize) -> f64 {
        self.decays[block]
    }

    /// Plain gradient descent of the logits.
    pub(super) fn descend(&self, mlp: &mut Mlp, rate: f64) {
        for (logit, gradient) in mlp.dropout_logits_mut().iter_mut().zip(&self.gradients) {
            *logit = (*logit - rate * gradient).clamp(-Concrete::LARGEST_LOGIT, Concrete::LARGEST_LOGIT);
        }
    }
}

impl SoftMask {
    /// Of the layer where it begins.
    pub(super) fn beginning(isa: Isa, dropout: Dropout, site: &MaskKey) -> Option<Self> {
        SoftMask::new(isa, Concrete::of_p(dropout.p()), site, 0)
    }

    /// None for a p that draws no words, which no logit has.
    fn new(isa: Isa, layer: Concrete, site: &MaskKey, number: usize) -> Option<Self> {
        let words = LayerMask::new(isa, Dropout::new(layer.p()).ok()?, site, site.layer)?;
        Some(SoftMask { words, odds: layer.odds(), scale: layer.scale(), p: layer.p() as f32, layer, number })
    }
}

/// [`Concrete::kept`], which this is to the bit.
#[inline(always)]
fn kept(word: u32, odds: f32) -> f32 {
    let odds = (word as f32 + 0.5) / ((u32::MAX - word) as f32 + 0.5) * odds;
    let square = odds * odds;
    let fourth = square * square;
    1.0 / (1.0 + fourth * fourth * square)
}

for_each_isa! {
    /// A row under the soft mask of an example, in place.
    pub(super) fn soften(isa, row: &mut [f32], mask: &SoftMask, example: u32) {
        let SoftMask { words, odds, scale, .. } = mask;
        for (block, values) in row.chunks_mut(64).enumerate() {
            let words = words.words(example, block as u32);
            for (value, word) in values.iter_mut().zip(words) {
                *value *= kept(word, *odds) * *scale;
            }
        }
    }

    /// A row of ∂L/∂y becomes one of ∂L/∂x, and ∂L/∂(logit p) of the row is returned. `output` is
    /// y, what [`soften`] left.
    pub(super) fn soften_back(isa, row: &mut [f32], output: &[f32], mask: &SoftMask, example: u32) -> f64 {
        let SoftMask { words, odds, scale, p, .. } = mask;
        let mut sums = [0.0f32; 64];
        for (block, (values, outputs)) in row.chunks_mut(64).zip(output.chunks(64)).enumerate() {
            let words = words.words(example, block as u32);
            for (((value, output), word), sum) in values.iter_mut().zip(outputs).zip(words).zip(&mut sums) {
                let kept = kept(word, *odds);
                *sum += *value * *output * (*p - 10.0 * (1.0 - kept));
                *value *= kept * *scale;
            }
        }
        sums.iter().map(|&sum| f64::from(sum)).sum()
    }

    /// The sum of the squares, in an order that depends on their number only.
    fn sum_squares(isa, values: &[f32]) -> f64 {
        let mut all = 0.0;
        for values in values.chunks(4096) {
            let mut sums = [0.0f32; 32];
            for values in values.chunks(32) {
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum += *value * *value;
                }
            }
            all += sums.iter().map(|&sum| f64::from(sum)).sum::<f64>();
        }
        all
    }
}
