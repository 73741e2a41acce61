use super::{Dataset, DiskDataset, Targets, Task};

/// A data set in memory, or one in a file. Made by `into()`; a function that takes `impl
/// Into<DatasetRef>` takes either.
///
/// ```
/// use furlough::data::{DatasetRef, digits};
/// let train = digits::load()?.train;
/// assert_eq!(DatasetRef::from(&train).len(), train.len());
/// # Ok::<(), furlough::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub enum DatasetRef<'a> {
    /// In memory.
    Memory(&'a Dataset),
    /// In a file.
    Disk(&'a DiskDataset),
}

impl<'a> DatasetRef<'a> {
    /// Returns the number of examples, at least 1.
    #[allow(clippy::len_without_is_empty)] // there is always one
    pub fn len(self) -> usize {
        match self {
            DatasetRef::Memory(data) => data.len(),
            DatasetRef::Disk(data) => data.len(),
        }
    }

    /// Returns a data set that has the shape, the names and the classes of this one: itself, or one
    /// blank row of a file.
    pub fn like(self) -> &'a Dataset {
        match self {
            DatasetRef::Memory(data) => data,
            DatasetRef::Disk(data) => data.like(),
        }
    }

    /// Returns whether classes or numbers are predicted.
    pub fn task(self) -> Task {
        self.like().targets().task()
    }

    /// Returns the sum of the examples' weights, which is their number where there are no weights.
    pub fn total_weight(self) -> f64 {
        match self {
            DatasetRef::Memory(data) => data.total_weight(),
            DatasetRef::Disk(data) => data.total_weight(),
        }
    }

    /// Returns the least and the greatest of each number to predict; none for classes.
    pub fn target_range(self) -> Option<Vec<[f32; 2]>> {
        match (self, self.like().targets()) {
            (_, Targets::Classes { .. }) => None,
            (DatasetRef::Memory(_), Targets::Values(values)) => {
                let range = |[least, most]: [f32; 2], &value: &f32| [least.min(value), most.max(value)];
                let columns = values.columns().into_iter();
                Some(columns.map(|column| column.iter().fold([f32::INFINITY, f32::NEG_INFINITY], range)).collect())
            }
            (DatasetRef::Disk(data), Targets::Values(_)) => Some(data.target_range().to_vec()),
        }
    }

    /// Returns the sum of the weights of each class's examples; nothing for numbers.
    pub fn weight_of_class(self) -> Vec<f64> {
        match self {
            DatasetRef::Memory(data) => {
                let mut of_class = vec![0.0; data.class_names().len()];
                for (example, &label) in data.labels().unwrap_or_default().iter().enumerate() {
                    of_class[label as usize] += f64::from(data.weight(example));
                }
                of_class
            }
            DatasetRef::Disk(data) => data.weight_of_class().to_vec(),
        }
    }
}

impl<'a> From<&'a Dataset> for DatasetRef<'a> {
    fn from(data: &'a Dataset) -> Self {
        DatasetRef::Memory(data)
    }
}

impl<'a> From<&'a DiskDataset> for DatasetRef<'a> {
    fn from(data: &'a DiskDataset) -> Self {
        DatasetRef::Disk(data)
    }
}
