//! The confusion matrix, each row shaded by its own sum, so that rare classes show as well as
//! common ones.

use super::canvas::{Canvas, Drawn, GRID, INK, PALE, shorten};
use super::scene::{TEST, TRAIN};
use ndarray::Array2;
use plotters::prelude::{DrawingBackend, WHITE};
use plotters::style::text_anchor::HPos;

const LEFT: f64 = 150.0;
const TOP: f64 = 60.0;

/// The side of a cell: less where there are many classes.
fn cell(classes: usize) -> f64 {
    (960.0 / classes.max(1) as f64).clamp(5.0, 48.0).floor()
}

pub(super) fn size(names: &[String]) -> (u32, u32) {
    let side = cell(names.len()) * names.len() as f64;
    ((LEFT + side + 20.0) as u32, (TOP + side + 20.0) as u32)
}

pub(super) fn draw<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, names: &[String], counts: &Array2<u64>) -> Drawn<DB> {
    let side = cell(names.len());
    let label = (side * 0.3).clamp(5.0, 13.0);
    canvas.text("taken for", (LEFT, 18.0), 14.0, INK, HPos::Left)?;
    canvas.text("true class", (LEFT - 10.0, 18.0), 14.0, INK, HPos::Right)?;
    for (place, name) in names.iter().enumerate() {
        let middle = (place as f64 + 0.5) * side;
        canvas.text(
            &format!("{} {place}", shorten(name, 16)),
            (LEFT - 10.0, TOP + middle),
            label,
            PALE,
            HPos::Right,
        )?;
        canvas.text(&place.to_string(), (LEFT + middle, TOP - 12.0), label, PALE, HPos::Center)?;
    }
    for ((class, taken), &count) in counts.indexed_iter() {
        let whole = counts.row(class).sum().max(1) as f64;
        let (left, top) = (LEFT + taken as f64 * side, TOP + class as f64 * side);
        let share = count as f64 / whole;
        let (from, to) = ((left + 1.0, top + 1.0), (left + side - 1.0, top + side - 1.0));
        canvas.block(from, to, GRID, 0.5)?;
        if count > 0 {
            canvas.block(from, to, if class == taken { TRAIN } else { TEST }, shade(share))?;
        }
        if count > 0 && side >= 24.0 {
            let ink = if shade(share) > 0.6 { WHITE } else { INK };
            canvas.text(&count.to_string(), (left + side / 2.0, top + side / 2.0), label, ink, HPos::Center)?;
        }
    }
    Ok(())
}

/// How dark a share is: its root, since a share of 2 % is worth seeing.
fn shade(share: f64) -> f64 {
    share.sqrt()
}
