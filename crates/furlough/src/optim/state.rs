use super::{MAX_BUFFERS, Optimizer};

/// What an optimizer keeps from step to step: a buffer as long as the parameters for each name of
/// [`Optimizer::state_buffers`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OptimizerState {
    buffers: Vec<(&'static str, Vec<f32>)>,
}

impl OptimizerState {
    /// Returns the state before the first step, all zeros, for so many parameters.
    pub fn new(optimizer: &Optimizer, parameters: usize) -> Self {
        let buffers = optimizer.state_buffers().iter().map(|&name| (name, vec![0.0; parameters])).collect();
        OptimizerState { buffers }
    }

    /// Returns the state whose buffers `read` gives, each by its name.
    ///
    /// # Errors
    /// What `read` fails with.
    pub fn from_buffers<E>(
        optimizer: &Optimizer,
        mut read: impl FnMut(&'static str) -> Result<Vec<f32>, E>,
    ) -> Result<Self, E> {
        let buffers = optimizer.state_buffers().iter().map(|&name| Ok((name, read(name)?)));
        Ok(OptimizerState { buffers: buffers.collect::<Result<_, E>>()? })
    }

    /// Returns the buffers with their names.
    pub fn buffers(&self) -> impl Iterator<Item = (&'static str, &[f32])> {
        self.buffers.iter().map(|(name, values)| (*name, &values[..]))
    }

    /// Returns all values, one buffer after the other.
    pub fn values(&self) -> impl Iterator<Item = f32> {
        self.buffers.iter().flat_map(|(_, values)| values.iter().copied())
    }

    /// Whether it is a state of this optimizer with so many parameters.
    pub fn fits(&self, optimizer: &Optimizer, parameters: usize) -> bool {
        let names = self.buffers.iter().map(|(name, _)| name);
        names.eq(optimizer.state_buffers()) && self.buffers.iter().all(|(_, values)| values.len() == parameters)
    }

    /// Returns the buffers as a step changes them; those that there are not are empty.
    pub(crate) fn rows_mut(&mut self) -> [&mut [f32]; MAX_BUFFERS] {
        let mut buffers = self.buffers.iter_mut();
        std::array::from_fn(|_| buffers.next().map_or(&mut [][..], |(_, values)| values))
    }
}
