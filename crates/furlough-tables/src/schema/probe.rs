use super::number_span::NumberSpan;
use super::spelling::SpellingProbe;
use super::{DateOrder, boolean_of, is_missing_number, number_of, number_text};
use crate::block::Values;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{DefaultHasher, Hash, Hasher};

/// How many different texts are kept as they are written; of more only how many there are.
const KEPT: usize = 2000;

/// What has been seen of a column so far. Of each different cell it is found out once what it can
/// be.
#[derive(Debug)]
pub(crate) struct ColumnProbe {
    decimal_comma: bool,
    /// Spellings that somebody said are missing.
    said_missing: Vec<String>,
    /// How many cells there were.
    pub cells: u64,
    /// How many of them had the format's own missing value.
    pub null: u64,
    /// By the hash of a cell, its place in `counts`.
    seen: HashMap<u64, usize>,
    /// How often each different cell stands.
    counts: Vec<u64>,
    /// The first different cells, as written.
    texts: Vec<String>,
    /// Those with a usual spelling of a missing number, or one that somebody said, and their places
    /// in `counts`. They are few.
    usual: Vec<(String, usize)>,
    /// The places of all others.
    others: Vec<usize>,
    /// Of the others, the first that is no number: row from 1, and text.
    pub not_number: Option<(u64, String)>,
    /// How they are written, if all are numbers that are not plain.
    pub(super) spellings: SpellingProbe,
    /// The numbers among the others.
    pub numbers: NumberSpan,
    /// Which orders of dates fit all others.
    pub date_orders: [bool; 3],
    /// The earliest and the latest date, order by order.
    pub dates: [[f64; 2]; 3],
    /// The pairs of booleans that the others are of, and which sides of them.
    pub booleans: Option<(usize, [bool; 2])>,
    /// Letters and words of the different others, summed.
    pub letters: u64,
    /// Words.
    pub words: u64,
}

impl ColumnProbe {
    /// Begins with nothing.
    pub fn new(decimal_comma: bool, said_missing: &[String]) -> Self {
        ColumnProbe {
            decimal_comma,
            said_missing: said_missing.to_vec(),
            cells: 0,
            null: 0,
            seen: HashMap::new(),
            counts: Vec::new(),
            texts: Vec::new(),
            usual: Vec::new(),
            others: Vec::new(),
            not_number: None,
            spellings: SpellingProbe::default(),
            numbers: NumberSpan::default(),
            date_orders: [true; 3],
            dates: [[f64::INFINITY, f64::NEG_INFINITY]; 3],
            booleans: None,
            letters: 0,
            words: 0,
        }
    }

    /// Looks at the first `rows` cells of a block.
    pub fn look_at(&mut self, values: &Values, rows: usize) {
        match values {
            Values::Skipped => {}
            Values::Text(texts) => {
                for cell in texts.iter().take(rows) {
                    self.cells += 1;
                    match cell {
                        None => self.null += 1,
                        Some(text) => self.text(text),
                    }
                }
            }
            Values::Numbers(numbers) => {
                for &number in &numbers[..rows.min(numbers.len())] {
                    self.cells += 1;
                    if number.is_nan() { self.null += 1 } else { self.number(number) }
                }
            }
        }
    }

    fn text(&mut self, text: &str) {
        if self.is_new(text) {
            if self.texts.len() < KEPT {
                self.texts.push(text.into());
            }
            let place = self.counts.len() - 1;
            if is_missing_number(text) || self.said_missing.iter().any(|said| said == text) {
                self.usual.push((text.into(), place));
            } else {
                self.others.push(place);
                self.find_out(text);
            }
        }
    }

    fn number(&mut self, number: f64) {
        if self.is_new(number.to_bits()) {
            let text = number_text(number);
            self.others.push(self.counts.len() - 1);
            self.find_out(&text);
            if self.texts.len() < KEPT {
                self.texts.push(text);
            }
        }
    }

    /// Counts a cell. Returns whether it is the first of its kind.
    fn is_new(&mut self, cell: impl Hash) -> bool {
        // Its keys are constants: the same cells give the same hashes each time.
        let mut hasher = DefaultHasher::new();
        cell.hash(&mut hasher);
        match self.seen.entry(hasher.finish()) {
            Entry::Occupied(place) => {
                self.counts[*place.get()] += 1;
                false
            }
            Entry::Vacant(place) => {
                place.insert(self.counts.len());
                self.counts.push(1);
                true
            }
        }
    }

    /// Takes note of what a different cell can be.
    fn find_out(&mut self, text: &str) {
        match number_of(text, self.decimal_comma) {
            Some(number) => self.numbers.add(number, text),
            None if self.not_number.is_none() => self.not_number = Some((self.cells, text.into())),
            None => {}
        }
        self.find_spelling(text);
        for (place, order) in DateOrder::ALL.into_iter().enumerate() {
            if self.date_orders[place] {
                match order.parse(text) {
                    Some(seconds) => {
                        let [first, last] = &mut self.dates[place];
                        (*first, *last) = (first.min(seconds), last.max(seconds));
                    }
                    None => self.date_orders[place] = false,
                }
            }
        }
        self.booleans = match (boolean_of(text), self.booleans, self.others.len()) {
            (Some((pair, yes)), None, 1) => Some((pair, [!yes, yes])),
            (Some((pair, yes)), Some((before, sides)), _) if pair == before => {
                Some((pair, [sides[0] || !yes, sides[1] || yes]))
            }
            _ => None,
        };
        self.letters += text.chars().count() as u64;
        self.words += text.split_whitespace().count() as u64;
    }

    /// Takes note of how numbers are written that are not plain.
    fn find_spelling(&mut self, text: &str) {
        if self.spellings.has_begun() {
            self.spellings.look_at(text);
        } else if self.not_number.is_some() {
            let texts = &self.texts;
            let before = self.others.iter().filter_map(|&place| texts.get(place)).map(String::as_str);
            self.spellings.begin(text, self.decimal_comma, before);
        }
    }

    /// Returns how many cells are missing where the usual spellings are.
    pub fn missing_of_numbers(&self) -> u64 {
        self.null + self.usual.iter().map(|(_, place)| self.counts[*place]).sum::<u64>()
    }

    /// Returns the usual spellings of missing values that were found.
    pub fn usual_spellings(&self) -> Vec<String> {
        self.usual.iter().map(|(text, _)| text.clone()).collect()
    }

    /// Returns the levels with their counts, the most frequent first and equally frequent ones by
    /// their spelling. Only what `missing` spells is no level.
    pub fn levels(&self, missing: &[String]) -> Vec<(String, u64)> {
        let text = |&place: &usize| Some((self.texts.get(place)?.clone(), self.counts[place]));
        let mut levels: Vec<_> = self.others.iter().filter_map(text).collect();
        levels.extend(self.counted_usual());
        levels.retain(|(text, _)| !missing.contains(text));
        levels.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        levels
    }

    /// Returns how many different levels there are, and how many cells have none, where only what
    /// `missing` spells is missing.
    pub fn distinct_and_missing(&self, missing: &[String]) -> (u64, u64) {
        let (none, some): (Vec<_>, Vec<_>) = self.counted_usual().partition(|(text, _)| missing.contains(text));
        let cells: u64 = none.iter().map(|(_, count)| count).sum();
        ((self.others.len() + some.len()) as u64, self.null + cells)
    }

    /// Returns how many different cells are not missing by a usual spelling.
    pub fn distinct(&self) -> u64 {
        self.others.len() as u64
    }

    fn counted_usual(&self) -> impl Iterator<Item = (String, u64)> + '_ {
        self.usual.iter().map(|(text, place)| (text.clone(), self.counts[*place]))
    }
}
