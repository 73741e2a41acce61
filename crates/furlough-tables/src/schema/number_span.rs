/// The numbers of a column, which may be none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NumberSpan {
    /// How many different ones there are.
    pub distinct: u64,
    /// Whether they are whole numbers.
    pub whole: bool,
    /// Whether one is written with a leading zero, as codes are.
    pub leading_zero: bool,
    /// The least finite one.
    pub least: f64,
    /// The greatest finite one.
    pub greatest: f64,
}

impl Default for NumberSpan {
    fn default() -> Self {
        let (least, greatest) = (f64::INFINITY, f64::NEG_INFINITY);
        NumberSpan { distinct: 0, whole: true, leading_zero: false, least, greatest }
    }
}

impl NumberSpan {
    /// Adds a number that was not there before, as `text` writes it.
    pub(super) fn add(&mut self, number: f64, text: &str) {
        self.distinct += 1;
        self.add_once_more(number, text);
    }

    /// Adds a number that may have been there before.
    pub(super) fn add_once_more(&mut self, number: f64, text: &str) {
        if number.is_finite() {
            self.whole &= number.fract() == 0.0;
            self.least = self.least.min(number);
            self.greatest = self.greatest.max(number);
        }
        let digits = text.trim().trim_start_matches(['-', '+']).as_bytes();
        self.leading_zero |= digits.len() > 1 && digits[0] == b'0' && digits[1].is_ascii_digit();
    }
}
