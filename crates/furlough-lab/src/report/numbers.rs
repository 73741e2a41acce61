//! Numbers as a page writes them.

/// 0.8519 as `85.19 %`, with the narrow space that does not break.
pub(super) fn percent(share: f64) -> String {
    format!("{:.2}\u{202f}%", 100.0 * share)
}

/// A loss or the like: four decimals, or an exponent where these say nothing.
pub(super) fn loss(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-3..1e5).contains(&size) { format!("{value:.3e}") } else { format!("{value:.4}") }
}

/// A figure that may be missing.
pub(super) fn or_dash(value: Option<f64>, show: fn(f64) -> String) -> String {
    value.filter(|value| value.is_finite()).map_or_else(|| "–".into(), show)
}

/// 269322 as `269,322`.
pub(super) fn whole(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `0.41 s`, `12.3 s`, `3 min 20 s`, `2 h 5 min`.
pub(super) fn seconds(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match seconds {
        s if s < 9.995 => format!("{s:.2} s"),
        s if s < 99.95 => format!("{s:.1} s"),
        _ if whole < 3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

/// `1 epoch`, `2 epochs`.
pub(super) fn counted(number: usize, noun: &str) -> String {
    format!("{} {}", whole(number as u64), furlough::noun_of(number, noun))
}

/// `28 × 28`.
pub(super) fn shape(sizes: &[usize]) -> String {
    sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" × ")
}

/// `Test` of `test`.
pub(super) fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}
