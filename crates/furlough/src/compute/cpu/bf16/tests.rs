use super::*;
use crate::compute::Precision;
use crate::compute::cpu::matmul::Matmul;
use crate::compute::cpu::matrix::MatView;
use crate::compute::cpu::workspace::Shared;

/// Small whole numbers: bfloat16 has them exactly, and their sums are exact in single precision in
/// any order.
fn value(i: usize, j: usize) -> f32 {
    ((i * 31 + j * 17 + i * j % 7) % 13) as f32 - 6.0
}

/// The engines of this machine, each with the layouts of its factors.
fn engines() -> impl Iterator<Item = (Engine, Matmul)> {
    let of_isa = |isa| {
        Engine::available(isa).into_iter().map(move |engine| (engine, Matmul::with(isa, Precision::Bf16, Some(engine))))
    };
    Isa::available().into_iter().flat_map(of_isa)
}

/// Weights of `columns` columns in panels.
fn panels(matmul: &Matmul, weights: &[f32], (depth, columns): (usize, usize)) -> Vec<u32> {
    let mut panels = vec![0; matmul.panels(columns, depth)];
    let weights = MatView::contiguous(weights, columns);
    for (first, words) in (0..).step_by(BF16_MR).zip(panels.chunks_exact_mut(matmul.panel(depth))) {
        matmul.pack_panel(weights.part(0, depth, first..columns.min(first + BF16_MR)), words, false);
    }
    panels
}

#[test]
fn every_engine_multiplies_exactly() {
    for (engine, matmul) in engines() {
        assert_eq!(matmul.precision, Precision::Bf16);
        for (rows, columns, depth) in
            [(1, 1, 1), (16, 32, 32), (17, 33, 31), (32, 32, 64), (64, 256, 784), (47, 10, 2100), (5, 70, 3)]
        {
            for (beta, alpha) in [(0.0, 1.0), (1.0, -0.5), (0.5, 2.0), (0.0, 3.0)] {
                let what = format!("{engine:?} {rows}x{columns}x{depth}, {beta} and {alpha}");
                let weights: Vec<f32> = (0..depth * columns).map(|k| value(k / columns, k % columns)).collect();
                let inputs: Vec<f32> = (0..rows * depth).map(|k| value(k % depth, 3 + k / depth)).collect();
                let panels = panels(&matmul, &weights, (depth, columns));
                // What lies in rows that do not matter must not matter.
                let mut scratch = vec![0x7FC0_7FC0; matmul.row_scratch(rows, depth)];
                let packed = matmul.pack_rows(MatView::contiguous(&inputs, depth), &mut scratch);
                // Rows are further apart than they are wide, and what lies between them is left
                // alone.
                let stride = columns + 3;
                let mut out: Vec<f32> = (0..rows * stride).map(|k| (k % 5) as f32).collect();
                let before = out.clone();
                if beta == 0.0 {
                    out.chunks_mut(stride).for_each(|row| row[..columns].fill(f32::NAN));
                }
                let to = MatMut { first: out.as_mut_ptr(), stride };
                let panels = matmul.packed(&panels, matmul.panel(depth));
                // SAFETY: buffers of these very shapes, and instructions that this machine has.
                unsafe {
                    let shape = Shape { rows, columns, depth };
                    matmul.multiply(shape, (to, Scale { alpha, beta }), panels, packed, false);
                }
                for (place, (&is, &was)) in out.iter().zip(&before).enumerate() {
                    let (row, column) = (place / stride, place % stride);
                    let mut expected = was;
                    if column < columns {
                        let products = (0..depth).map(|k| inputs[row * depth + k] * weights[k * columns + column]);
                        expected = beta * was + alpha * products.sum::<f32>();
                    }
                    assert_eq!(is, expected, "{what}: row {row}, column {column}");
                }
            }
        }
    }
}

#[test]
fn rows_and_columns_pack_to_the_same() {
    for (_, matmul) in engines() {
        for (rows, columns) in [(1, 1), (5, 33), (32, 32), (47, 70), (300, 16)] {
            let values: Vec<f32> = (0..rows * columns).map(|k| value(k / columns, k % columns) * 0.37).collect();
            let transposed: Vec<f32> = (0..rows * columns).map(|k| values[k % rows * columns + k / rows]).collect();
            let (source, transposed) = (MatView::contiguous(&values, columns), MatView::contiguous(&transposed, rows));
            // Columns of one are rows of the other.
            let mut of_rows = vec![0; matmul.row_scratch(columns, rows)];
            matmul.pack_rows(transposed, &mut of_rows);
            let mut of_columns = of_rows.iter().map(|word| !word).collect::<Vec<u32>>();
            let stride = matmul.packed_k(rows);
            // SAFETY: so many words.
            unsafe { matmul.pack_columns(source, of_columns.as_mut_ptr(), stride, false) };
            assert_eq!(of_rows[..columns * stride], of_columns[..columns * stride], "{rows} × {columns}");
            // And so for panels, in cache and past the caches.
            let count = columns.min(BF16_MR);
            let [mut of_columns, mut of_rows] = [(); 2].map(|()| vec![0; matmul.panel(rows)]);
            matmul.pack_panel(source.part(0, rows, 0..count), &mut of_columns, false);
            matmul.pack_panel_of_rows(transposed.part(0, count, 0..rows), &mut of_rows, false);
            assert_eq!(of_rows, of_columns, "{rows} × {columns}");
            let mut stored = Shared::<u32>::new(1, matmul.panel(rows));
            matmul.pack_panel(source.part(0, rows, 0..count), stored.all(), true);
            assert_eq!(stored.all(), of_columns, "{rows} × {columns}");
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
    for (_, matmul) in engines().filter(|(_, matmul)| matmul.sparse.is_some()) {
        for (rows, columns, depth) in
            [(1usize, 33, 200), (64, 256, 784), (47, 70, 2100), (9, 290, 4100), (130, 64, 129)]
        {
            let shape = Shape { rows, columns, depth };
            for (some, (beta, alpha)) in [0, 20, 64]
                .into_iter()
                .flat_map(|some| [(0.0, 1.0), (1.0, -0.3), (0.9, -0.3)].map(|scale| (some, scale)))
            {
                let panels = panels(&matmul, &numbers(depth * columns, 64, 1), (depth, columns));
                let panels = matmul.packed(&panels, matmul.panel(depth));
                let mut scratch = vec![0; matmul.row_scratch(rows, depth)];
                let values = numbers(rows * depth, some, 2);
                let packed = matmul.pack_rows(MatView::contiguous(&values, depth), &mut scratch);
                let product = |skip_zeros| {
                    let mut values = numbers(rows * columns, 64, 3);
                    let out = MatMut { first: values.as_mut_ptr(), stride: columns };
                    // SAFETY: buffers of these very shapes, and instructions that this machine has.
                    unsafe { matmul.multiply(shape, (out, Scale { alpha, beta }), panels, packed, skip_zeros) };
                    values
                };
                let (all, others) = (product(false), product(true));
                let differs = all.iter().zip(&others).position(|(a, b)| a.to_bits() != b.to_bits());
                assert_eq!(differs, None, "{shape:?}, {some}, {alpha} and {beta}");
            }
        }
    }
}
