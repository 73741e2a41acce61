//! The step, plainly: the definitions of [`nn`](crate::nn) one after the other, on whole matrices,
//! in one thread. Slow, and the oracle that the fast step is tested against.

use super::Precision;
use crate::data::{Batch, Targets};
use crate::nn::{
    Concrete, Loss, MaskKey, Mlp, ParamGroup, drop_connect, linear, linear_backward, weighted_squared_error,
};
use crate::optim::{OptimizerState, UpdateRule, clip_factor};
use ndarray::{Array2, ArrayView1, ArrayView2, Axis, s};

/// What the forward pass of a block leaves for the backward pass.
struct Trace {
    input: Array2<f32>,
    pre: Array2<f32>,
    output: Array2<f32>,
}

/// The outputs of the batch within their bounds, one row an example: a sub-network where `masks`
/// gives key, stream and step, else the full network.
pub fn forward(mlp: &Mlp, batch: Batch<'_>, masks: Option<&MaskKey>, precision: Precision) -> Array2<f32> {
    let mut outputs = traced_forward(mlp, batch, masks, precision).0;
    for mut row in outputs.rows_mut() {
        mlp.bound_outputs(row.as_slice_mut().expect("rows of a new array are contiguous"));
    }
    outputs
}

/// The loss of the batch under the masks of `site`, and its derivative by all parameters.
pub fn gradient(mlp: &Mlp, batch: Batch<'_>, loss: &Loss, site: &MaskKey, precision: Precision) -> (f64, Vec<f32>) {
    let (loss, gradient, _) = derivatives(mlp, batch, loss, site, precision);
    (loss, gradient)
}

/// The same, and the derivative by the logits of concrete dropout.
fn derivatives(
    mlp: &Mlp,
    batch: Batch<'_>,
    loss: &Loss,
    site: &MaskKey,
    precision: Precision,
) -> (f64, Vec<f32>, Vec<f64>) {
    let (outputs, traces) = traced_forward(mlp, batch, Some(site), precision);
    let numbers = batch.numbers();
    let weights: Vec<f32> = batch.examples.iter().map(|&example| batch.data.weight(example as usize)).collect();
    let (loss, mut delta) = match batch.data.targets() {
        Targets::Classes { labels, .. } => {
            let labels: Vec<u32> = batch.examples.iter().map(|&example| labels[example as usize]).collect();
            loss.cross_entropy(outputs.view(), &labels, &weights)
        }
        Targets::Values(values) => {
            let rows: Vec<usize> = batch.examples.iter().map(|&example| example as usize).collect();
            weighted_squared_error(outputs.view(), values.select(Axis(0), &rows).view(), &weights)
        }
    };
    let mut gradient = vec![0.0; mlp.parameters().len()];
    let mut by_logits = vec![0.0; mlp.dropout_logits().len()];
    for (index, (block, trace)) in mlp.architecture().blocks().iter().zip(&traces).enumerate().rev() {
        delta = match concrete(mlp, index) {
            Some((number, layer)) => {
                let (y, site) = (trace.output.view(), at(site, index + 1));
                let (delta, by_logit) = layer.backward(y, delta.view(), &numbers, &site);
                by_logits[number] = by_logit;
                delta
            }
            None => block.dropout.backward(delta.view(), &numbers, &at(site, index + 1)),
        };
        delta = match mlp.alphas(index) {
            Some(alphas) => {
                let (delta, by_alpha) = block.activation.parametric_backward(trace.pre.view(), alphas, delta.view());
                let place = mlp.architecture().alpha_spec(index).expect("a parametric activation").range.clone();
                by_alpha.iter().zip(&mut gradient[place]).for_each(|(d, g)| *g = *d);
                delta
            }
            None => block.activation.backward(trace.pre.view(), delta.view()),
        };
        let db = delta.sum_axis(Axis(0));
        let (x, w, d) = (trace.input.view(), connected(mlp, index, mlp.weights(index), Some(site)), delta.view());
        let (x, w, d) = (rounded(x, precision), rounded(w.view(), precision), rounded(d, precision));
        let (dx, dw, _) = linear_backward(x.view(), w.view(), d.view());
        let dw = connected(mlp, index, dw.view(), Some(site));
        let (weights, biases) = mlp.architecture().ranges(index);
        dw.iter().zip(&mut gradient[weights]).for_each(|(d, g)| *g = *d);
        db.iter().zip(&mut gradient[biases]).for_each(|(d, g)| *g = *d);
        delta = dx;
    }
    if mlp.architecture().learns_inputs() {
        let delta = mlp.architecture().input_dropout().backward(delta.view(), &numbers, &at(site, 0));
        stage_backward(mlp, batch, delta.view(), &mut gradient);
    }
    (loss, gradient, by_logits)
}

/// The features of the examples, or what the input stage makes of them.
fn inputs(mlp: &Mlp, batch: Batch<'_>) -> Array2<f32> {
    stage_forward(mlp, features(mlp, batch))
}

/// What the input stage makes of features, examples × inputs of the first layer; the features where
/// there is none.
pub(crate) fn stage_forward(mlp: &Mlp, features: Array2<f32>) -> Array2<f32> {
    let Some((stage, places)) = mlp.architecture().placed_stage() else { return features };
    let parameters = mlp.stage_parameters();
    let mut inputs = unscaled_inputs(mlp, features.view());
    if stage.scaling() {
        inputs *= &ArrayView1::from(&parameters[places.scale()]);
    }
    inputs
}

fn features(mlp: &Mlp, batch: Batch<'_>) -> Array2<f32> {
    let mut values = Array2::zeros((batch.examples.len(), mlp.architecture().inputs()));
    for (mut row, &example) in values.rows_mut().into_iter().zip(batch.examples) {
        batch.data.read_row(example as usize, row.as_slice_mut().expect("rows of a new array are contiguous"));
    }
    values
}

/// What the columns of the stage become, before the factors.
fn unscaled_inputs(mlp: &Mlp, features: ArrayView2<'_, f32>) -> Array2<f32> {
    let (stage, places) = mlp.architecture().placed_stage().expect("a network with an input stage");
    let mut inputs = Array2::zeros((features.nrows(), places.width()));
    for (features, mut inputs) in features.rows().into_iter().zip(inputs.rows_mut()) {
        for ((column, place), &value) in stage.columns().iter().zip(places.columns()).zip(features) {
            let parameters = &mlp.stage_parameters()[place.parameters.clone()];
            let inputs = inputs.slice_mut(s![place.inputs.clone()]);
            column.forward(parameters, value, inputs.into_slice().expect("part of a row"), libm::cosf);
        }
    }
    inputs
}

/// The derivatives by the parameters of the stage, given `delta`, those by the inputs.
fn stage_backward(mlp: &Mlp, batch: Batch<'_>, delta: ArrayView2<'_, f32>, gradient: &mut [f32]) {
    let (stage, places) = mlp.architecture().placed_stage().expect("a network with an input stage");
    let features = features(mlp, batch);
    let parameters = mlp.stage_parameters();
    let first = gradient.len() - parameters.len();
    let gradient = &mut gradient[first..];
    let mut delta = delta.to_owned();
    if stage.scaling() {
        let by_scale = (&delta * &unscaled_inputs(mlp, features.view())).sum_axis(Axis(0));
        gradient[places.scale()].iter_mut().zip(&by_scale).for_each(|(gradient, by)| *gradient = *by);
        delta *= &ArrayView1::from(&parameters[places.scale()]);
    }
    for (features, delta) in features.rows().into_iter().zip(delta.rows()) {
        for ((column, place), &value) in stage.columns().iter().zip(places.columns()).zip(features) {
            let delta = delta.slice(s![place.inputs.clone()]);
            let gradient = &mut gradient[place.parameters.clone()];
            let delta = delta.to_slice().expect("part of a row");
            column.backward(&parameters[place.parameters.clone()], value, delta, gradient, libm::sincosf);
        }
    }
}

/// One optimizer step by the definitions of [`optim`](crate::optim), parameter by parameter.
/// Returns the batch's loss before it. A batch whose weights sum to 0 changes nothing, nor does a
/// gradient that is to be clipped and is not finite.
pub fn step(
    mlp: &mut Mlp,
    state: &mut OptimizerState,
    rule: &UpdateRule,
    batch: Batch<'_>,
    minimized: &Loss,
    site: &MaskKey,
    precision: Precision,
) -> f64 {
    let (loss, mut gradient, by_logits) = derivatives(mlp, batch, minimized, site, precision);
    if minimized.normalizer(batch) == 0.0 {
        return loss;
    }
    if let Some(bound) = rule.clip_norm {
        let norm = gradient.iter().map(|&g| f64::from(g).powi(2)).sum::<f64>().sqrt();
        if !norm.is_finite() {
            return loss;
        }
        let factor = clip_factor(norm, bound);
        gradient.iter_mut().for_each(|g| *g *= factor);
    }
    let UpdateRule { optimizer, learning_rate, regularizers, .. } = rule;
    let mut decays = vec![0.0; mlp.architecture().blocks().len()];
    let mut logits = mlp.dropout_logits().to_vec();
    for index in 0..decays.len() {
        if let Some((number, layer)) = concrete(mlp, index) {
            let weights = mlp.weights(index + 1);
            let squares = weights.iter().map(|&w| f64::from(w).powi(2)).sum();
            let (prior, examples) = (regularizers.concrete, batch.data.whole_len());
            let (by_logit, decay) = layer.regularizer(prior, weights.nrows(), examples, squares);
            decays[index + 1] += decay;
            let moved = logits[number] - learning_rate * (by_logits[number] + by_logit);
            logits[number] = moved.clamp(-Concrete::LARGEST_LOGIT, Concrete::LARGEST_LOGIT);
        }
    }
    mlp.dropout_logits_mut().copy_from_slice(&logits);
    let architecture = mlp.architecture().clone();
    let corrections = optimizer.corrections(site.step);
    for spec in architecture.param_specs() {
        let decay = if let ParamGroup::Weight { block } = spec.group { decays[block] } else { 0.0 };
        let (w, g) = (&mut mlp.parameters_mut()[spec.range.clone()], &mut gradient[spec.range.clone()]);
        let factors = rule.factors.of(spec);
        let update = optimizer.row_update(learning_rate * factors.learning_rate, corrections, factors.decay);
        let state = state.rows_mut().map(|row| row.get_mut(spec.range.clone()).unwrap_or_default());
        update.update_row(w, state, g, regularizers.penalties(factors.decay, decay));
    }
    for index in 0..decays.len() {
        let weights = architecture.ranges(index).0;
        let hidden = index + 1 < architecture.blocks().len();
        if let (true, Some(bound)) = (hidden, regularizers.max_norm) {
            let units = architecture.blocks()[index].outputs;
            for unit in 0..units {
                let column = || weights.clone().skip(unit).step_by(units);
                let parameters = mlp.parameters_mut();
                let norm = column().map(|place| parameters[place].powi(2)).sum::<f32>().sqrt();
                if norm > bound as f32 {
                    column().for_each(|place| parameters[place] *= bound as f32 / norm);
                }
            }
        }
    }
    loss
}

/// A factor of a product.
fn rounded(values: ArrayView2<'_, f32>, precision: Precision) -> Array2<f32> {
    values.mapv(|value| precision.round(value))
}

fn traced_forward(
    mlp: &Mlp,
    batch: Batch<'_>,
    masks: Option<&MaskKey>,
    precision: Precision,
) -> (Array2<f32>, Vec<Trace>) {
    let (architecture, numbers) = (mlp.architecture(), batch.numbers());
    let mut values = inputs(mlp, batch);
    if let Some(site) = masks {
        values = architecture.input_dropout().forward(values.view(), &numbers, &at(site, 0));
    }
    let mut traces = Vec::new();
    for (index, block) in architecture.blocks().iter().enumerate() {
        let w = connected(mlp, index, mlp.weights(index), masks);
        let (x, w) = (rounded(values.view(), precision), rounded(w.view(), precision));
        let pre = linear(x.view(), w.view(), mlp.biases(index));
        let mut output = match mlp.alphas(index) {
            Some(alphas) => block.activation.parametric_forward(pre.view(), alphas),
            None => block.activation.forward(pre.view()),
        };
        if let Some(site) = masks {
            let (x, site) = (output.view(), at(site, index + 1));
            output = match concrete(mlp, index) {
                Some((_, layer)) => layer.forward(x, &numbers, &site),
                None => block.dropout.forward(x, &numbers, &site),
            };
        }
        traces.push(Trace { input: values, pre, output: output.clone() });
        values = output;
    }
    (values, traces)
}

/// The concrete dropout after block `index`, at the p it has come to, and which of the logits is
/// its own.
fn concrete(mlp: &Mlp, index: usize) -> Option<(usize, Concrete)> {
    let number = mlp.architecture().concrete_blocks().position(|block| block == index)?;
    Some((number, Concrete::of_logit(mlp.dropout_logits()[number])))
}

/// What DropConnect leaves of values that belong to the weights of block `index`.
fn connected(mlp: &Mlp, index: usize, values: ArrayView2<'_, f32>, masks: Option<&MaskKey>) -> Array2<f32> {
    match masks.zip(mlp.architecture().drop_connect(index)) {
        Some((site, dropout)) => drop_connect(dropout, values, &at(site, index)),
        None => values.to_owned(),
    }
}

fn at(site: &MaskKey, layer: usize) -> MaskKey {
    MaskKey { layer: layer as u32, ..*site }
}
