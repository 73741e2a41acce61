use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};

/// `y = x·w + b`, with x: examples × inputs, w: inputs × outputs, b: outputs.
pub fn linear(x: ArrayView2<f32>, w: ArrayView2<f32>, b: ArrayView1<f32>) -> Array2<f32> {
    x.dot(&w) + b
}

/// The derivatives of [`linear`], given `dy` = ∂L/∂y: (∂L/∂x = dy·wᵀ, ∂L/∂w = xᵀ·dy, ∂L/∂b = Σ over
/// examples of dy).
pub fn linear_backward(
    x: ArrayView2<f32>,
    w: ArrayView2<f32>,
    dy: ArrayView2<f32>,
) -> (Array2<f32>, Array2<f32>, Array1<f32>) {
    (dy.dot(&w.t()), x.t().dot(&dy), dy.sum_axis(Axis(0)))
}
