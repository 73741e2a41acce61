//! The short ways to a model file and back.

use super::{DataInfo, ModelInfo, load_model, save_model};
use crate::Result;
use crate::nn::Mlp;
use crate::train::Trainer;
use std::path::Path;

impl Mlp {
    /// Writes the network alone to a model file, whole or not at all. It does not say what its
    /// outputs are called; [`Trainer::save`] does.
    ///
    /// ```
    /// use furlough::nn::Mlp;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("net.safetensors");
    /// let mlp = Mlp::builder(4, 3).hidden([16]).build()?;
    /// mlp.save(&path)?;
    /// assert_eq!(Mlp::load(&path)?, mlp);
    /// # Ok::<(), furlough::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`save_model`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let data = DataInfo::of_shape(&[self.architecture().inputs()]);
        save_model(path.as_ref(), self, &ModelInfo::new(data, ""))
    }

    /// Reads the network of a model file, with every parameter bit for bit. [`load_model`] reads
    /// what the file says beside it too.
    ///
    /// # Errors
    /// As [`load_model`].
    pub fn load(path: impl AsRef<Path>) -> Result<Mlp> {
        Ok(load_model(path.as_ref())?.0)
    }
}

impl Trainer<'_> {
    /// Writes what has been learned so far to a model file, whole or not at all, with the shape and
    /// the classes of the data.
    ///
    /// # Errors
    /// As [`save_model`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let info = ModelInfo::new(DataInfo::of(self.data()), "");
        save_model(path.as_ref(), &self.state().mlp, &info)
    }
}
