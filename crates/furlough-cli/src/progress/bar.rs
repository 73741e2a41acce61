use crate::terminal::Style;

const WIDTH: usize = 28;

/// A row that says how far it is: what is running, the share that is done, and more about it.
pub fn bar(label: &str, share: f64, note: &str, style: Style) -> String {
    let share = share.clamp(0.0, 1.0);
    let done = (share * WIDTH as f64) as usize;
    let left = WIDTH - done;
    let drawn = match (style.unicode, style.color) {
        (true, true) => format!("\x1b[36m{}\x1b[38;5;238m{}\x1b[0m", "━".repeat(done), "━".repeat(left)),
        (true, false) => "━".repeat(done) + &"─".repeat(left),
        (false, _) => {
            let head = usize::from(left > 0);
            "=".repeat(done) + &">".repeat(head) + &"-".repeat(left - head)
        }
    };
    format!("  {label:>8}   {drawn} {:>3.0} %   {}", (100.0 * share).floor(), style.dim(note))
}
