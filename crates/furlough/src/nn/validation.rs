use super::{Activation, Architecture, Block, Dropout, DropoutKind, InputStage, Layer, MaskSharing};
use crate::{Error, Result, counted};

/// Linear layers that a network can have: a mask's layer has 24 bits (`docs/reference/masks.md`).
const MOST_LINEAR: usize = (1 << 24) - 1;

/// A layer list on its way to an architecture, checked layer by layer.
pub(super) struct Validation<'a> {
    layers: &'a [Layer],
    stage: Option<&'a InputStage>,
    flatten: bool,
    input_dropout: Dropout,
    blocks: Vec<Block>,
    last_linear: usize,
    parameters: usize,
    previous: Option<Layer>,
    first_shared: Option<(usize, MaskSharing)>,
}

impl<'a> Validation<'a> {
    /// Returns the architecture of `layers` behind `stage`, or the first layer that cannot stand
    /// where it stands.
    pub fn run(layers: &'a [Layer], stage: Option<&'a InputStage>) -> Result<Architecture> {
        stage.map_or(Ok(()), InputStage::validate)?;
        let mut validation = Validation {
            layers,
            stage,
            flatten: false,
            input_dropout: Dropout::NONE,
            blocks: Vec::new(),
            last_linear: 0,
            parameters: stage.map_or(0, InputStage::parameters),
            previous: None,
            first_shared: None,
        };
        for (index, layer) in layers.iter().enumerate() {
            validation.push(index, *layer).map_err(|reason| Error::Layer {
                position: index + 1,
                layer: layer.to_string(),
                reason,
            })?;
            validation.previous = Some(*layer);
        }
        validation.end()
    }

    fn push(&mut self, index: usize, layer: Layer) -> Result<(), String> {
        if let Some((kind, p, sharing)) = layer.dropout_parts() {
            return self.dropout(index, kind, p, sharing);
        }
        match layer {
            Layer::Flatten if index > 0 => Err("Flatten comes first, before any other layer".into()),
            Layer::Flatten => {
                self.flatten = true;
                Ok(())
            }
            Layer::Linear(inputs, outputs) => self.linear(index, inputs, outputs),
            _ => self.activation(layer),
        }
    }

    fn dropout(&mut self, index: usize, kind: DropoutKind, p: f64, sharing: MaskSharing) -> Result<(), String> {
        let dropout = Dropout::checked(kind, p, sharing).map_err(|reason| format!("{reason}, not {p}"))?;
        if let (Some(reason), false) = (kind.objection_to_sharing(), sharing.is_per_example()) {
            return Err(reason.into());
        }
        if dropout.is_concrete() && self.blocks.is_empty() {
            return Err("learns its probability after hidden units only; use Dropout on the features".into());
        }
        if self.previous.is_some_and(Layer::is_dropout) {
            return Err("follows another dropout; use one with the combined probability".into());
        }
        if !dropout.sharing().is_per_example() {
            let (place, first) = *self.first_shared.get_or_insert((index, sharing));
            if first != sharing {
                return Err(format!(
                    "shares its masks otherwise than layer {} ({}); give all shared dropout layers the same sharing",
                    place + 1,
                    self.layers[place]
                ));
            }
        }
        match self.blocks.last_mut() {
            None => self.input_dropout = dropout,
            Some(block) => block.dropout = dropout,
        }
        Ok(())
    }

    fn linear(&mut self, index: usize, inputs: usize, outputs: usize) -> Result<(), String> {
        if inputs == 0 || outputs == 0 {
            return Err("needs at least 1 input and 1 output".into());
        }
        if let Some(wide) = [inputs, outputs].into_iter().find(|&units| u32::try_from(units).is_err()) {
            return Err(format!("{wide} units are too many; masks number {} of them", u32::MAX));
        }
        if self.blocks.len() >= MOST_LINEAR {
            return Err(format!("is one Linear too many; masks number {MOST_LINEAR} of them"));
        }
        let total = (inputs + 1).checked_mul(outputs).and_then(|own| own.checked_add(self.parameters));
        self.parameters = total
            .filter(|&total| total <= isize::MAX as usize / 8)
            .ok_or("has, with the layers before it, more weights than any memory holds")?;
        if let Some(before) = self.blocks.last()
            && before.outputs != inputs
        {
            return Err(format!(
                "takes {}, but layer {} ({}) gives {}",
                counted(inputs, "input"),
                self.last_linear + 1,
                self.layers[self.last_linear],
                before.outputs
            ));
        }
        if let (Some(stage), true) = (self.stage, self.blocks.is_empty())
            && stage.width() != inputs
        {
            return Err(format!("takes {}, but the input stage gives {}", counted(inputs, "input"), stage.width()));
        }
        self.blocks.push(Block {
            inputs,
            outputs,
            activation: Activation::Identity,
            parametric: false,
            dropout: Dropout::NONE,
        });
        self.last_linear = index;
        Ok(())
    }

    fn activation(&mut self, layer: Layer) -> Result<(), String> {
        let block = self.blocks.last_mut().ok_or("an activation needs a Linear before it")?;
        match self.previous {
            Some(before) if before.is_dropout() => {
                Err("comes after dropout; put the activation first, then the dropout".into())
            }
            Some(Layer::Linear(..)) => {
                block.activation = layer.activation().unwrap_or(Activation::Identity);
                block.parametric = matches!(layer, Layer::Parametric(_));
                if block.parametric && block.activation == Activation::Identity {
                    return Err("has nothing to learn: leave the layer out".into());
                }
                // No overflow: less than its weights.
                self.parameters += if block.parametric { block.outputs } else { 0 };
                Ok(())
            }
            _ => Err("follows another activation; a layer has one".into()),
        }
    }

    fn end(self) -> Result<Architecture> {
        let Validation { flatten, stage, input_dropout, blocks, .. } = self;
        let bad = |layer: String, reason: &str| {
            Err(Error::Layer { position: self.layers.len().max(1), layer, reason: reason.into() })
        };
        match self.previous {
            Some(Layer::Linear(..)) => Ok(Architecture::new(flatten, stage.cloned(), input_dropout, blocks)),
            None => bad("nothing".into(), "the list is empty; it needs at least one Linear"),
            Some(layer) if layer.is_dropout() && !blocks.is_empty() => {
                bad(layer.to_string(), "dropout after the outputs would drop answers; the list ends with a Linear")
            }
            Some(layer) => bad(
                layer.to_string(),
                "is the last layer, but the list ends with a Linear, whose outputs are the answers",
            ),
        }
    }
}
