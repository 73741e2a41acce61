use super::TableRecipe;
use furlough::data::Task;

/// Returns the recipe for so many training rows and features. Small tables take small batches and
/// many epochs, so that each has some thousand steps.
///
/// ```
/// use furlough::data::Task;
/// let recipe = furlough_tables::model::defaults(500, 12, Task::Classification);
/// assert_eq!((recipe.hidden, recipe.batch_size), (vec![64, 64], 32));
/// ```
pub fn defaults(rows: usize, features: usize, task: Task) -> TableRecipe {
    let (width, batch_size) = match rows {
        0..1_000 => (64, 32),
        1_000..5_000 => (128, 64),
        5_000..50_000 => (256, 128),
        _ => (256, 512),
    };
    // Many features want wider layers, as far as rows can teach them.
    let width = if features > width && rows >= 1_000 { 256 } else { width };
    const STEPS: usize = 6_000;
    let steps_per_epoch = rows.div_ceil(batch_size).max(1);
    let epochs = (STEPS / steps_per_epoch).clamp(20, 200) as u32;
    TableRecipe {
        hidden: vec![width, width],
        dropout: if task == Task::Classification { 0.2 } else { 0.1 },
        batch_size,
        epochs,
        patience: (epochs / 5).max(10),
        ..TableRecipe::PLAIN
    }
}
