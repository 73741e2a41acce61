use furlough::files::open_file;
use furlough_lab::recipe::Recipe;
use serde::Deserialize;
use serde_json::Value;
use std::io::Read;
use std::path::Path;

/// What the head of a checkpoint tells, without a style at its tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glance {
    /// Epochs finished.
    pub epoch: u64,
    /// Steps of the present epoch taken.
    pub step_in_epoch: u64,
    /// Steps taken since the run began.
    pub step: u64,
    /// Features of an example.
    pub inputs: usize,
    /// The network's outputs.
    pub outputs: usize,
}

/// No header of ours is nearly as long.
const LONGEST_HEADER: u64 = 1 << 22;

/// Reads the head of the checkpoint at `path`, as `docs/reference/run-directory.md` has it; none
/// when there is no such checkpoint. The seal is not checked: that would take the whole file, and
/// what is read is only shown.
pub fn glance(path: &Path) -> Option<Glance> {
    let mut file = open_file(path).ok()?;
    let mut length = [0; 8];
    file.read_exact(&mut length).ok()?;
    let length = u64::from_le_bytes(length);
    if length > LONGEST_HEADER {
        return None;
    }
    let mut header = vec![0; length as usize];
    file.read_exact(&mut header).ok()?;
    let header: Value = serde_json::from_slice(&header).ok()?;

    #[derive(Deserialize)]
    struct Metadata {
        progress: furlough::train::Progress,
    }
    let metadata: Metadata = serde_json::from_str(header["__metadata__"]["furlough"].as_str()?).ok()?;
    let size = |layer: usize, axis: usize| header[format!("linear{layer}.weight")]["shape"][axis].as_u64();
    let layers = (1..).take_while(|&layer| size(layer, 0).is_some()).count();
    let progress = metadata.progress;
    Some(Glance {
        epoch: progress.epoch.into(),
        step_in_epoch: progress.step_in_epoch,
        step: progress.step,
        inputs: size(1, 0)? as usize,
        outputs: size(layers, 1)? as usize,
    })
}

impl Glance {
    /// Examples of an epoch: as many as the recipe takes of its data set, if that is a known one
    /// and the steps taken agree with it; otherwise as many as fill the steps of an epoch, once one
    /// is done. The second number says whether they are exact.
    pub fn examples(&self, recipe: &Recipe) -> Option<(usize, bool)> {
        let options = recipe.options();
        let batch = options.batch_size;
        let agrees = |examples: usize| {
            let steps = options.steps_per_epoch(examples as u64);
            self.step == self.epoch * steps + self.step_in_epoch && self.step_in_epoch < steps
        };
        let entry = furlough::data::catalog::get(recipe.data()).ok();
        let known = entry.map(|entry| recipe.partition().train_len(entry.train)).filter(|&train| agrees(train));
        let filled = || (self.step - self.step_in_epoch).checked_div(self.epoch).map(|steps| steps as usize * batch);
        known.map(|train| (train, true)).or_else(|| filled().map(|examples| (examples, false)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_the_recipes_or_those_that_fill_the_steps() {
        let at = |epoch, step_in_epoch, step| Glance { epoch, step_in_epoch, step, inputs: 64, outputs: 10 };
        let examples = |at: Glance, text: &str| {
            let recipe = furlough_lab::recipe::Settings::parse(text, None).unwrap().resolve().unwrap();
            at.examples(&recipe)
        };
        let digits = "data = 'digits'\nbatch_size = 32\n";
        assert_eq!(examples(at(0, 0, 0), digits), Some((1437, true)));
        assert_eq!(examples(at(2, 0, 90), digits), Some((1437, true)));
        assert_eq!(examples(at(2, 3, 93), digits), Some((1437, true)));
        assert_eq!(examples(at(3, 0, 3), "data = 'digits'\nbatch_size = 5000"), Some((1437, true)));
        let fifth = format!("{digits}folds = 5\nfold = 1\n");
        assert_eq!(examples(at(2, 0, 72), &fifth), Some((1437 - (2 * 1437 / 5 - 1437 / 5), true)));
        assert_eq!(examples(at(1, 0, 4), &format!("{digits}train_examples = 100")), Some((100, true)));
        // Other files by the same name, and somebody's own.
        assert_eq!(examples(at(2, 0, 20), digits), Some((320, false)));
        let own = "data = 'idx'\nbatch_size = 32\n";
        assert_eq!(examples(at(2, 1, 21), own), Some((320, false)));
        assert_eq!(examples(at(0, 1, 1), own), None);
    }

    #[test]
    fn what_is_no_checkpoint_tells_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint.safetensors");
        assert_eq!(glance(&path), None);
        for bytes in [&b"short"[..], &[0xFF; 64], b"\x02\0\0\0\0\0\0\0{}", b"\x02\0\0\0\0\0\0\0{"] {
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(glance(&path), None, "{bytes:?}");
        }
    }
}
