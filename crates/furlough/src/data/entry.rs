/// A data set as the catalog tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// What it is called on the command line and in recipes.
    pub name: &'static str,
    /// What its makers call it.
    pub title: &'static str,
    /// What it is, in a line.
    pub description: &'static str,
    /// Number of training examples.
    pub train: usize,
    /// Number of test examples.
    pub test: usize,
    /// The shape of one example.
    pub shape: &'static [usize],
    /// The classes' names, in order.
    pub classes: &'static [&'static str],
    /// The license and its holders.
    pub license: &'static str,
    /// Where it comes from.
    pub source: &'static str,
}
