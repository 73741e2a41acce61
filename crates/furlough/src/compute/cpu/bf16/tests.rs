use super::*;
use crate::compute::cpu::workspace::Shared;

/// Small whole numbers: bfloat16 has them exactly, and their sums are exact in single precision in any order.
fn value(i: usize, j: usize) -> f32 {
    ((i * 31 + j * 17 + i * j % 7) % 13) as f32 - 6.0
}

/// Weights of `outputs` columns in panels.
fn panels(engine: Engine, weights: &[f32], (depth, outputs): (usize, usize)) -> Vec<u32> {
    let panel = slots(depth) * LANES;
    let mut panels = vec![0; outputs.div_ceil(LANES) * panel];
    for (first, words) in (0..).step_by(LANES).zip(panels.chunks_exact_mut(panel)) {
        let shape = (depth, LANES.min(outputs - first));
        pack_row_pairs(engine, (&weights[first..], outputs), shape, words, false);
    }
    panels
}

#[test]
fn every_engine_multiplies_exactly() {
    for isa in Isa::available() {
        for engine in Engine::available(isa) {
            for (rows, outputs, depth) in
                [(1, 1, 1), (16, 32, 32), (17, 33, 31), (32, 32, 64), (64, 256, 784), (47, 10, 2100), (5, 70, 3)]
            {
                for (keep, factor) in [(0.0, 1.0), (1.0, -0.5), (0.5, 2.0), (0.0, 3.0)] {
                    let what = format!("{} {engine:?} {rows}x{outputs}x{depth}, {keep} and {factor}", isa.name());
                    let slots = slots(depth);
                    let weights: Vec<f32> = (0..depth * outputs).map(|k| value(k / outputs, k % outputs)).collect();
                    let inputs: Vec<f32> = (0..rows * depth).map(|k| value(k % depth, 3 + k / depth)).collect();
                    let panels = panels(engine, &weights, (depth, outputs));
                    // What lies in rows that do not matter must not matter.
                    let mut packed = vec![0x7FC0_7FC0; rows.next_multiple_of(GROUP) * slots];
                    pack_rows(engine, &inputs, depth, &mut packed);
                    // Rows are further apart than they are wide, and what lies between them is left alone.
                    let stride = outputs + 3;
                    let mut out: Vec<f32> = (0..rows * stride).map(|k| (k % 5) as f32).collect();
                    let before = out.clone();
                    if keep == 0.0 {
                        out.chunks_mut(stride).for_each(|row| row[..outputs].fill(f32::NAN));
                    }
                    // SAFETY: buffers of these very shapes, and instructions that this machine has.
                    unsafe {
                        let to = Out::of((out.as_mut_ptr(), stride), (keep, factor));
                        let (a, b) = ((panels.as_ptr(), slots * LANES), (packed.as_ptr(), slots));
                        multiply((isa, engine), (rows, outputs, slots), to, a, b);
                    }
                    for (place, (&is, &was)) in out.iter().zip(&before).enumerate() {
                        let (row, output) = (place / stride, place % stride);
                        let mut expected = was;
                        if output < outputs {
                            let products = (0..depth).map(|k| inputs[row * depth + k] * weights[k * outputs + output]);
                            expected = keep * was + factor * products.sum::<f32>();
                        }
                        assert_eq!(is, expected, "{what}: row {row}, output {output}");
                    }
                }
            }
        }
    }
}

#[test]
fn rows_and_columns_pack_to_the_same() {
    for engine in Isa::available().into_iter().flat_map(Engine::available) {
        for (rows, columns) in [(1, 1), (5, 33), (32, 32), (47, 70), (300, 16)] {
            let values: Vec<f32> = (0..rows * columns).map(|k| value(k / columns, k % columns) * 0.37).collect();
            let turned: Vec<f32> = (0..rows * columns).map(|k| values[k % rows * columns + k / rows]).collect();
            // Columns of one are rows of the other.
            let mut of_rows = vec![0; columns * slots(rows)];
            pack_rows(engine, &turned, rows, &mut of_rows);
            let mut of_columns = of_rows.iter().map(|word| !word).collect::<Vec<u32>>();
            // SAFETY: so many words.
            unsafe {
                let to = (of_columns.as_mut_ptr(), slots(rows));
                pack_columns(engine, (&values, columns), (rows, columns), to, false);
            }
            assert_eq!(of_rows, of_columns, "{rows} × {columns}");
            // And so for panels.
            let count = columns.min(LANES);
            let mut of_columns = vec![0; slots(rows) * LANES];
            let mut of_rows = of_columns.clone();
            pack_row_pairs(engine, (&values, columns), (rows, count), &mut of_columns, false);
            pack_panel(engine, (&turned, rows, 0..count), &mut of_rows, false);
            assert_eq!(of_rows, of_columns, "{rows} × {columns}");
            // And past the caches.
            let mut streamed = Shared::<u32>::new(slots(rows), LANES);
            pack_row_pairs(engine, (&values, columns), (rows, count), streamed.all(), true);
            assert_eq!(streamed.all(), of_columns, "{rows} × {columns}");
        }
    }
}

#[test]
#[cfg(target_arch = "x86_64")]
fn pairs_that_are_not_multiplied_change_no_bit() {
    use crate::random::{Key, Stream};
    // Numbers of which `some` of 64 are not zero; some of the zeros are negative.
    let numbers = |count: usize, some: u32, key: u64| -> Vec<f32> {
        let number = |place: usize| {
            let [word, other, ..] = Key::new(key).draw(Stream::Dropout, 0, place as u32, 0, 0);
            if word % 64 < some { other as f32 / 2f32.powi(31) - 1.0 } else { [0.0, -0.0][place % 2] }
        };
        (0..count).map(number).collect()
    };
    for isa in Isa::available().into_iter().filter(|&isa| Engine::available(isa).contains(&Engine::Dot)) {
        let engine = Engine::Dot;
        for (rows, outputs, depth) in
            [(1usize, 33, 200), (64, 256, 784), (47, 70, 2100), (9, 290, 4100), (130, 64, 129)]
        {
            for (some, scale) in [0, 20, 64]
                .into_iter()
                .flat_map(|some| [(0.0, 1.0), (1.0, -0.3), (0.9, -0.3)].map(|scale| (some, scale)))
            {
                let slots = slots(depth);
                let weights = numbers(depth * outputs, 64, 1);
                let panels = panels(engine, &weights, (depth, outputs));
                let mut packed = vec![0; rows.next_multiple_of(GROUP) * slots];
                pack_rows(engine, &numbers(rows * depth, some, 2), depth, &mut packed);
                let before = numbers(rows * outputs, 64, 3);
                let (mut all, mut others) = (before.clone(), before);
                let (shape, b) = ((rows, outputs, slots), packed.as_ptr());
                // SAFETY: buffers of these very shapes, and instructions that this machine has.
                unsafe {
                    let a = (panels.as_ptr(), slots * LANES);
                    dense((isa, engine), shape, Out::of((all.as_mut_ptr(), outputs), scale), a, (b, slots));
                    let panels = Panels { first: a.0.cast(), panels: a.1, depths: LANES };
                    let out = Out::of((others.as_mut_ptr(), outputs), scale);
                    sparse::multiply(Kind::pairs(isa, LANES), shape, out, panels, (b.cast(), slots));
                }
                let differs = all.iter().zip(&others).position(|(a, b)| a.to_bits() != b.to_bits());
                assert_eq!(differs, None, "{rows} × {outputs} × {depth}, {some}, {scale:?}");
            }
        }
    }
}
