//! Gradients that leave out the zeros of the deltas. The kernel that skips leaves out the zeros of one factor of `inputsᵀ · deltas`: those of the inputs, if
//! nothing else is said, as the product then comes out like the weights. But ReLU and dropout make more zeros of the deltas than most pictures have. Where
//! they do, deltas are packed unit by unit, inputs need not be turned, and the product, a row for each unit, is turned back as it meets the
//! weights. Which of the two it is changes no bit.

use super::Precision;
use super::bf16;
use super::features::{Inputs, STRIP};
use super::out::Out;
use super::product::{Product, floats, floats_mut, round};
use super::simd::{for_each_isa, prefetch_to_second};
use super::sparse::{self, MOST};
use super::stream::LINE;
use super::transpose::{turn, turn_to};
use super::zeros::{deltas_left, outputs_left};
use crate::nn::{Architecture, Block};
use std::ops::Range;

/// Units whose products are turned back together: as many as meet the inputs one after the other.
const TOGETHER: usize = sparse::ROWS;

/// Inputs whose products are turned back together.
const SIDE: usize = 16;

/// How many fewer numbers must be left, as turning products back takes time too.
const WORTH: f64 = 0.95;

/// Whether the gradient of a block leaves out the zeros of its deltas, in batches of `rows`, when a part `inputs` of what enters it is not zero.
pub(super) fn pays(product: &Product, block: &Block, rows: usize, inputs: f64) -> bool {
    are_fewer(deltas_left(block), inputs) && product.skips(block.inputs, rows)
}

/// Whether the zeros of the deltas are the ones to leave out, when such parts of them and of the inputs are not zero.
pub(super) fn are_fewer(deltas: f64, inputs: f64) -> bool {
    100.0 * deltas <= MOST as f64 && deltas < WORTH * inputs
}

/// For which blocks of a network it [`pays`], when a part `features` of the features is not zero.
pub(super) fn choose(product: &Product, architecture: &Architecture, rows: usize, features: f64) -> Vec<bool> {
    let blocks = architecture.blocks();
    let inputs = std::iter::once(features).chain(blocks.iter().map(outputs_left));
    blocks.iter().zip(inputs).map(|(block, inputs)| pays(product, block, rows, inputs)).collect()
}

/// Words from one unit's deltas to the next's: whole lines of cache, and an odd number of them, so that units do not share places in a cache.
pub(super) fn apart(product: &Product, rows: usize) -> usize {
    (product.slots(rows).div_ceil(LINE) | 1) * LINE
}

/// Words that all deltas of a block take, with rows of units that only the products with bfloat16 read.
pub(super) fn words(product: &Product, rows: usize, units: usize) -> usize {
    units.next_multiple_of(bf16::GROUP) * apart(product, rows)
}

impl Product {
    /// Words of scratch that [`Self::multiply_units`] takes with so many inputs and examples.
    pub(super) fn unit_scratch(&self, inputs: usize, depth: usize) -> usize {
        self.input_words(inputs, depth) + TOGETHER * inputs.next_multiple_of(LINE)
    }

    /// Words of so many inputs of so many examples.
    fn input_words(&self, inputs: usize, depth: usize) -> usize {
        match self {
            Product::Single(..) => inputs.next_multiple_of(LINE) * depth,
            Product::Bf16(..) => self.panels(inputs) * self.lanes() * self.slots(depth),
        }
    }

    /// Packs `count` columns, from the start of `source`, of `depth` rows `width` apart: each column by itself, columns `to.1` words apart. Past the
    /// caches if `streaming`.
    ///
    /// # Safety
    /// `slots(depth)` words of each column may be written from `to.0` on, and nobody else uses them now.
    pub(super) unsafe fn pack_units(
        &self,
        (source, width): (&[f32], usize),
        (depth, count): (usize, usize),
        (to, apart): (*mut u32, usize),
        streaming: bool,
    ) {
        // SAFETY: as promised.
        unsafe {
            match self {
                Product::Single(isa, _, precision) => {
                    // What is to be rounded is wanted in cache.
                    let streaming = streaming && *precision == Precision::F32;
                    turn_to(*isa, (source, width), (depth, count), (to.cast(), apart), streaming);
                    for unit in 0..count {
                        round(*isa, *precision, std::slice::from_raw_parts_mut(to.add(unit * apart).cast(), depth));
                    }
                }
                Product::Bf16(_, engine) => {
                    bf16::pack_columns(*engine, (source, width), (depth, count), (to, apart), streaming);
                }
            }
        }
    }

    /// `out[j][i] = keep · out[j][i] + factor · Σ_k units[i][k] · inputs[k][j]` for columns `range` of the inputs and `units` of what [`Self::pack_units`] has packed.
    ///
    /// # Safety
    /// `out` may be written: inputs × units, rows so far apart. No element of it is used by anyone else now.
    pub(super) unsafe fn multiply_units(
        &self,
        (inputs, range): (Inputs<'_>, Range<usize>),
        (deltas, apart, units): (&[u32], usize, usize),
        out: (*mut f32, usize),
        scale: (f32, f32),
        words: &mut [u32],
    ) {
        let (count, depth) = (range.len(), inputs.len());
        let stride = count.next_multiple_of(LINE);
        let slots = self.slots(depth);
        assert!(range.end <= inputs.width() && slots <= apart);
        let (packed, sums) = words.split_at_mut(self.input_words(count, depth));
        let sums = floats_mut(&mut sums[..TOGETHER * stride]);
        let panel = slots * self.lanes();
        match self {
            Product::Single(isa, _, precision) => {
                inputs.rows_to(*isa, range, (floats_mut(packed), stride));
                round(*isa, *precision, floats_mut(packed));
            }
            Product::Bf16(isa, engine) => inputs.strips(*isa, range, |first, (values, width)| {
                let rows = STRIP.min(depth - first);
                let starts = (0..count).step_by(self.lanes());
                for (column, panel) in starts.zip(packed.chunks_exact_mut(panel)) {
                    let panel = &mut panel[self.slots(first) * self.lanes()..][..self.slots(rows) * self.lanes()];
                    let shape = (rows, self.lanes().min(count - column));
                    bf16::pack_row_pairs(*engine, (&values[column..], width), shape, panel, false);
                }
            }),
        }
        let mut turned = [0.0; SIDE * TOGETHER];
        for first in (0..units).step_by(TOGETHER) {
            let some = TOGETHER.min(units - first);
            let deltas = &deltas[first * apart..];
            assert!(deltas.len() >= (some - 1) * apart + slots);
            let to = (sums.as_mut_ptr(), stride);
            // The weights come last, and are in cache by then if they are asked for now.
            for input in 0..count {
                prefetch_to_second(out.0.wrapping_add(input * out.1 + first).cast(), size_of::<f32>() * some);
            }
            // SAFETY: matrices of these very shapes, made above; there are more units' rows than some where products with bfloat16 read them.
            unsafe {
                match self {
                    Product::Single(isa, kernels, _) => {
                        let panels = kernels.columns(packed.as_ptr().cast(), stride);
                        let shape = (some, stride, depth);
                        sparse::multiply_rows((*isa, kernels), shape, to, panels, (floats(deltas), apart));
                    }
                    Product::Bf16(isa, engine) => {
                        assert!(deltas.len() >= (some.next_multiple_of(bf16::GROUP) - 1) * apart + slots);
                        let (out, shape) = (Out::of(to, (0.0, 1.0)), (some, count, slots));
                        let b = (deltas.as_ptr(), apart);
                        bf16::multiply((*isa, *engine), shape, out, (packed.as_ptr(), panel), b);
                    }
                }
            }
            let isa = self.isa();
            for input in (0..count).step_by(SIDE) {
                let side = SIDE.min(count - input);
                turn(isa, (&sums[input..], stride), (some, side), (&mut turned, TOGETHER));
                // SAFETY: the rectangle of these inputs and units.
                unsafe {
                    let out = Out::of(out, scale).from(input, first);
                    out.put(isa, (side, some), (turned.as_ptr(), TOGETHER));
                }
            }
        }
    }

    /// The sums of units of single precision that [`Self::pack_units`] has packed, over `depth` examples in their order.
    pub(super) fn sum_units(&self, (deltas, apart): (&[u32], usize), depth: usize, sums: &mut [f32]) {
        let isa = self.isa();
        let mut turned = [0.0; SIDE * TOGETHER];
        for (units, sums) in deltas.chunks(SIDE * apart).zip(sums.chunks_mut(SIDE)) {
            let count = sums.len();
            sums.fill(0.0);
            for first in (0..depth).step_by(TOGETHER) {
                let some = TOGETHER.min(depth - first);
                turn(isa, (&floats(units)[first..], apart), (count, some), (&mut turned, SIDE));
                add_rows(isa, &turned[..some * SIDE], SIDE, sums);
            }
        }
    }
}

for_each_isa! {
    /// Adds to `sums` as many columns of rows `width` apart, one row after the other.
    pub(super) fn add_rows(isa, rows: &[f32], width: usize, sums: &mut [f32]) {
        for row in rows.chunks_exact(width) {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += *value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compute::cpu::workspace::Shared;
    use crate::compute::{Isa, Precision};
    use crate::random::{Key, Stream};

    /// Numbers of which a third are not zero.
    fn numbers(count: usize, key: u64) -> Vec<f32> {
        let number = |place: u32| {
            let [word, other, ..] = Key::new(key).draw(Stream::Dropout, 0, place, 0, 0);
            if word % 3 == 0 { other as f32 / 2f32.powi(31) - 1.0 } else { 0.0 }
        };
        (0..count as u32).map(number).collect()
    }

    #[test]
    fn gradients_by_units_have_the_bits_of_those_by_inputs() {
        for isa in Isa::available() {
            for precision in [Precision::F32, Precision::Bf16] {
                let product = Product::new(isa, precision);
                if !product.skips(usize::MAX, usize::MAX) {
                    continue;
                }
                // Few and many inputs, units and examples, with every kind of rest.
                for (range, units, depth) in
                    [(0..128, 256, 256), (3..100, 130, 200), (7..8, 1, 1), (0..16, 33, 31), (64..192, 600, 1000)]
                {
                    let (width, columns) = (range.end + 5, units + 3);
                    let inputs = numbers(width * depth, 1);
                    let bytes: Vec<u8> = inputs.iter().map(|value| (value.abs() * 255.0) as u8).collect();
                    let examples: Vec<u32> = (0..depth as u32).rev().collect();
                    let deltas = numbers(columns * depth, 2);
                    let apart = apart(&product, depth);
                    let by_bytes = Inputs::Bytes { rows: &bytes, width, scale: 0.3, examples: &examples };
                    for (inputs, streaming) in [(Inputs::Floats(&inputs, width), false), (by_bytes, true)] {
                        let mut by_units = Shared::<u32>::new(1, words(&product, depth, units));
                        // SAFETY: there is room.
                        unsafe {
                            let to = (by_units.at(0), apart);
                            product.pack_units((&deltas, columns), (depth, units), to, streaming);
                        }
                        let lanes = product.lanes();
                        let panel = product.slots(depth) * lanes;
                        let mut panels = vec![0; product.panels(units) * panel];
                        for (first, panel) in (0..units).step_by(lanes).zip(panels.chunks_exact_mut(panel)) {
                            let shape = (depth, lanes.min(units - first));
                            product.pack_depths((&deltas[first..], columns), shape, panel, false);
                        }
                        for scale in [(0.0, 1.0), (1.0, -0.3), (0.9, -0.3)] {
                            let inputs = (inputs, range.clone());
                            let mut one = numbers(range.len() * columns, 3);
                            let mut other = one.clone();
                            let mut scratch = vec![0; product.unit_scratch(range.len(), depth)];
                            let mut packed = vec![0; product.column_words(range.len(), depth)];
                            // SAFETY: rectangles of these shapes.
                            unsafe {
                                let out = (one.as_mut_ptr(), columns);
                                product.multiply_units(
                                    inputs.clone(),
                                    (by_units.all(), apart, units),
                                    out,
                                    scale,
                                    &mut scratch,
                                );
                                let out = (other.as_mut_ptr(), columns);
                                product.multiply_columns(inputs, (&panels, panel, units), out, scale, &mut packed);
                            }
                            let differs = one.iter().zip(&other).position(|(a, b)| a.to_bits() != b.to_bits());
                            let name = product.name();
                            assert_eq!(differs, None, "{name} {precision:?}: {range:?} {units} {depth} {scale:?}");
                        }
                        if product.kernels().is_some() {
                            let mut sums = vec![1.0; units];
                            product.sum_units((by_units.all(), apart), depth, &mut sums);
                            let mut expected = vec![0.0; units];
                            add_rows(isa, &deltas, columns, &mut expected);
                            assert_eq!(sums, expected);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn zeros_are_left_out_where_more_of_them_are() {
        use crate::nn::{Activation, Sequential};
        let product = Product::new(Isa::best(), Precision::F32);
        let choose = |activation, p: f64, rows: usize, features: f64| {
            let network = Sequential::mlp(784, 10, &[256, 256], activation, 0.0, &[p, p]);
            choose(&product, &network.validate().unwrap(), rows, features)
        };
        let possible = product.skips(784, 256);
        assert_eq!(choose(Activation::Relu, 0.5, 256, 0.5), [possible, false, false]);
        assert_eq!(choose(Activation::Relu, 0.5, 256, 0.1), [false; 3], "features have more zeros");
        assert_eq!(choose(Activation::Relu, 0.5, 16, 0.5), [false; 3], "too few rows");
        assert_eq!(choose(Activation::Tanh, 0.0, 256, 1.0), [false; 3], "no zeros");
    }
}
