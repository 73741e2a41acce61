use super::checkpoint::Glance;
use furlough::data::epoch_order;
use furlough::nn::{Dropout, MaskKey};
use furlough::random::{Key, Stream};
use furlough::train::TrainOptions;
use furlough_lab::recipe::Recipe;
use serde::Serialize;
use std::fmt::Write;

/// Rows of the picture.
const EXAMPLES: usize = 16;
/// Units of a layer that are drawn; all are counted.
const DRAWN: usize = 1024;

/// Which units are off in a step. Masks are pure functions, so nothing of this comes from the
/// process that trains.
#[derive(Debug, Serialize)]
pub struct Dropped {
    /// The step, from 0, as in `docs/reference/masks.md`.
    pub step: u64,
    /// Ids of the examples: those the step begins with; or, where the number of examples is not
    /// known, the data set's first.
    pub examples: Vec<u32>,
    /// Whether these examples are the step's.
    pub of_step: bool,
    /// Who shares a mask.
    pub sharing: String,
    /// The features and the hidden layers, as far as they have dropout.
    pub layers: Vec<LayerDropped>,
}

/// The part of one layer.
#[derive(Debug, Serialize)]
pub struct LayerDropped {
    /// How many linear layers stand before it: 0 for the features.
    pub layer: usize,
    /// The drop probability in this step.
    pub p: f64,
    /// Units of the layer.
    pub units: usize,
    /// How many of them are off, example by example.
    pub off: Vec<usize>,
    /// Which ones, example by example, as hexadecimal digits of four units each: the first unit is
    /// the lowest bit of the first digit.
    pub masks: Vec<String>,
}

/// The units that are off in the latest step of a run at this checkpoint; in the first step, if
/// none is taken yet. None while it is not known: with a schedule, how often units are off depends
/// on how many steps there are in all, which for some data shows after an epoch only.
///
/// # Errors
/// When the recipe's network makes no sense with the checkpoint's.
pub fn dropped(recipe: &Recipe, at: &Glance) -> furlough::Result<Option<Dropped>> {
    let options = recipe.options();
    let (examples, exact) = at.examples(recipe).unzip();
    let step = at.step.saturating_sub(1);
    let factor = match (&options.dropout_schedule, examples) {
        (schedule, _) if schedule.is_constant() => 1.0,
        (_, None) => return Ok(None),
        (schedule, Some(count)) => {
            let steps = options.steps_per_epoch(count as u64) * u64::from(options.epochs);
            schedule.factor(step, steps)
        }
    };
    let architecture = recipe.network(at.inputs, &[], at.outputs).validate()?;
    let key = Key::new(options.seed);
    let known = examples.filter(|_| exact == Some(true));
    let examples = match known {
        Some(count) => first_of_step(key, step, count, &options),
        None => (0..EXAMPLES as u32).collect(),
    };
    let hidden = &architecture.blocks()[..architecture.blocks().len() - 1];
    let widths = hidden.iter().map(|block| (block.outputs, block.dropout));
    let places = std::iter::once((architecture.inputs(), architecture.input_dropout())).chain(widths).enumerate();
    let layers = places.filter(|(_, (_, dropout))| !dropout.is_identity()).map(|(layer, (units, dropout))| {
        let site = MaskKey { key, stream: Stream::Dropout, step: step as u32, layer: layer as u32 };
        masks(dropout.times(factor), &site, units, &examples)
    });
    let (layers, sharing) = (layers.collect(), recipe.dropout_sharing().to_string());
    Ok(Some(Dropped { step, of_step: known.is_some(), examples, sharing, layers }))
}

fn first_of_step(key: Key, step: u64, count: usize, options: &TrainOptions) -> Vec<u32> {
    let (steps, batch) = (options.steps_per_epoch(count as u64), options.batch_size.min(count));
    let mut order = vec![0; count];
    epoch_order(key, (step / steps) as u32, &mut order);
    let start = (step % steps) as usize * batch;
    order[start..count.min(start + batch.min(EXAMPLES))].to_vec()
}

fn masks(dropout: Dropout, site: &MaskKey, units: usize, examples: &[u32]) -> LayerDropped {
    let row = |(place, &example): (usize, &u32)| {
        let owner = dropout.mask_id(site, place as u32, example);
        let off: Vec<bool> = (0..units as u32).map(|unit| !dropout.keeps(site, owner, unit)).collect();
        let mut digits = String::new();
        for four in off[..units.min(DRAWN)].chunks(4) {
            let digit = four.iter().rev().fold(0, |digit, &off| 2 * digit + u8::from(off));
            let _ = write!(digits, "{digit:x}");
        }
        (off.into_iter().filter(|&off| off).count(), digits)
    };
    let (off, masks) = examples.iter().enumerate().map(row).unzip();
    LayerDropped { layer: site.layer as usize, p: dropout.p(), units, off, masks }
}

#[cfg(test)]
mod tests {
    use super::*;
    use furlough_lab::recipe::Settings;

    fn recipe(text: &str) -> Recipe {
        Settings::parse(text, None).unwrap().resolve().unwrap()
    }

    fn at(epoch: u64, step: u64) -> Glance {
        Glance { epoch, step_in_epoch: 0, step, inputs: 64, outputs: 10 }
    }

    /// The masks that the trainer's definition gives for the examples of the very step.
    #[test]
    fn they_are_the_definitions() {
        let recipe = recipe("data = 'digits'\nhidden = [40, 8]\ndropout = [0.5, 0]\ninput_dropout = 0.2\nseed = 3");
        let told = dropped(&recipe, &at(2, 90)).unwrap().unwrap();
        assert_eq!((told.step, told.of_step, told.examples.len()), (89, true, 16));
        let mut order = vec![0; 1437];
        epoch_order(Key::new(3), 1, &mut order);
        assert_eq!(told.examples, order[44 * 32..44 * 32 + 16]);
        let layers: Vec<_> = told.layers.iter().map(|layer| (layer.layer, layer.p, layer.units)).collect();
        assert_eq!(layers, [(0, 0.2, 64), (1, 0.5, 40)]);
        let ones = ndarray::Array2::ones((16, 40));
        let site = MaskKey { key: Key::new(3), stream: Stream::Dropout, step: 89, layer: 1 };
        let y = Dropout::new(0.5).unwrap().forward(ones.view(), &told.examples, &site);
        for (row, values) in y.rows().into_iter().enumerate() {
            let off = |unit: usize| {
                let digit = told.layers[1].masks[row].as_bytes()[unit / 4] as char;
                digit.to_digit(16).unwrap() >> (unit % 4) & 1 == 1
            };
            assert!((0..40).all(|unit| off(unit) == (values[unit] == 0.0)));
            assert_eq!(told.layers[1].off[row], (0..40).filter(|&unit| off(unit)).count());
        }
    }

    #[test]
    fn shared_masks_are_shared() {
        let recipe = recipe("data = 'digits'\nhidden = 40\ndropout_sharing = 4\nbatch_size = 30\n");
        let masks = &dropped(&recipe, &at(0, 0)).unwrap().unwrap().layers[0].masks;
        assert!(masks.chunks(4).all(|group| group.iter().all(|mask| *mask == group[0])));
        assert_ne!(masks[0], masks[4]);
    }

    #[test]
    fn a_schedule_counts() {
        let text =
            "data = 'digits'\nhidden = 40\ndropout = 0.5\nepochs = 4\nbatch_size = 32\ndropout_schedule = 'ramp:1'\n";
        let at_step = |epoch, step| dropped(&recipe(text), &at(epoch, step)).unwrap().unwrap();
        let ramp = recipe(text).dropout_schedule().clone();
        for (epoch, step) in [(0, 0), (1, 45), (3, 135)] {
            let told = at_step(epoch, step);
            assert_eq!(told.layers[0].p, 0.5 * ramp.factor(told.step, 180));
        }
        assert!(at_step(0, 0).layers[0].off.iter().all(|&off| off == 0));
        let unknown = recipe("data = 'idx'\nhidden = 40\ndropout_schedule = 'decay'\n");
        let somewhere = Glance { epoch: 0, step_in_epoch: 2, step: 2, inputs: 64, outputs: 10 };
        assert!(dropped(&unknown, &somewhere).unwrap().is_none());
    }

    #[test]
    fn without_the_number_of_examples_it_is_the_first_ones() {
        let recipe = recipe("data = 'idx'\nhidden = 2000\nbatch_size = 30\n");
        let told = dropped(&recipe, &at(1, 7)).unwrap().unwrap();
        assert_eq!((told.of_step, told.step), (false, 6));
        assert_eq!(told.examples, (0..16).collect::<Vec<_>>());
        assert_eq!((told.layers[0].units, told.layers[0].masks[0].len()), (2000, 256));
    }
}
