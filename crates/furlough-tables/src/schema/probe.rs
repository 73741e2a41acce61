use super::number_span::NumberSpan;
use super::spelling::SpellingProbe;
use super::{DateOrder, boolean_of, is_missing_number, number_of, number_text};
use crate::block::Values;
use crate::hashing::{self, ByHash, HashSample};
use std::collections::hash_map::Entry;

/// How many different texts are kept as they are written; of more only how many there are.
const KEPT: usize = 2000;

/// How many different cells are told apart at most. How many there are of more is estimated by a
/// sample of so many hashes.
const TOLD_APART: usize = 1 << 17;
const SAMPLED: usize = 4096;

/// What has been seen of a column so far. Of each different cell it is found out once what it can
/// be, in flat memory: of those past the first [`TOLD_APART`] different ones each time.
#[derive(Debug)]
pub(crate) struct ColumnProbe {
    decimal_comma: bool,
    told_apart: usize,
    /// Spellings that somebody said are missing.
    said_missing: Vec<String>,
    /// How many cells there were.
    pub cells: u64,
    /// How many of them had the format's own missing value.
    pub null: u64,
    /// By the hash of a cell, its place in `counts`.
    seen: ByHash<usize>,
    /// What tells how many different cells there are, more than are told apart.
    sample: HashSample,
    /// How often each different cell stands.
    counts: Vec<u64>,
    /// The first different cells, as written.
    texts: Vec<String>,
    /// Those with a usual spelling of a missing number, or one that somebody said, and their places
    /// in `counts`. They are few.
    usual: Vec<(String, usize)>,
    /// The places of all others.
    others: Vec<usize>,
    /// Whether no more cells are told apart.
    is_full: bool,
    /// How often it was found out what a cell can be.
    found_out: u64,
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
    /// Letters of the different others, summed.
    letters: u64,
    /// Words of the different others, summed.
    words: u64,
}

impl ColumnProbe {
    /// Begins with nothing, and tells so many different cells apart, as far as that is sensible.
    pub fn new(decimal_comma: bool, said_missing: &[String], cells: Option<u64>) -> Self {
        ColumnProbe {
            decimal_comma,
            told_apart: cells.map_or(TOLD_APART, |cells| (cells as usize).clamp(KEPT, TOLD_APART)),
            said_missing: said_missing.to_vec(),
            cells: 0,
            null: 0,
            seen: ByHash::default(),
            sample: HashSample::new(SAMPLED),
            counts: Vec::new(),
            texts: Vec::new(),
            usual: Vec::new(),
            others: Vec::new(),
            is_full: false,
            found_out: 0,
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
        let is_usual = is_missing_number(text) || self.said_missing.iter().any(|said| said == text);
        match self.sort_in(hashing::of_text(text), is_usual) {
            Place::Known => {}
            Place::NoRoom => match number_of(text, self.decimal_comma) {
                Some(number) if self.are_numbers() => self.numbers.add_once_more(number, text),
                _ => self.find_out_once_more(text),
            },
            Place::New(place) => {
                if self.texts.len() < KEPT {
                    self.texts.push(text.into());
                }
                if is_usual {
                    self.usual.push((text.into(), place));
                } else {
                    self.others.push(place);
                    self.find_out(text);
                }
            }
        }
    }

    fn number(&mut self, number: f64) {
        match self.sort_in(hashing::of_number(number), false) {
            Place::Known => {}
            Place::NoRoom if self.are_numbers() => self.numbers.add_once_more(number, ""),
            Place::NoRoom => self.find_out_once_more(&number_text(number)),
            Place::New(place) => {
                let text = number_text(number);
                self.others.push(place);
                self.find_out(&text);
                if self.texts.len() < KEPT {
                    self.texts.push(text);
                }
            }
        }
    }

    /// Whether all so far are numbers and can be nothing else: then a cell tells nothing but the
    /// span of numbers.
    fn are_numbers(&self) -> bool {
        self.not_number.is_none() && self.date_orders == [false; 3]
    }

    /// Counts a cell by its hash. There is always room for a spelling of missing values.
    fn sort_in(&mut self, hash: u64, is_usual: bool) -> Place {
        if !is_usual {
            self.sample.add(hash);
        }
        match self.seen.entry(hash) {
            Entry::Occupied(place) => {
                self.counts[*place.get()] += 1;
                Place::Known
            }
            Entry::Vacant(_) if self.is_full && !is_usual => Place::NoRoom,
            Entry::Vacant(entry) => {
                let place = *entry.insert(self.counts.len());
                self.counts.push(1);
                self.is_full |= self.counts.len() == self.told_apart;
                Place::New(place)
            }
        }
    }

    /// Takes note of what a cell can be that may have been there before.
    fn find_out_once_more(&mut self, text: &str) {
        let distinct = self.numbers.distinct;
        self.find_out(text);
        self.numbers.distinct = distinct;
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
        self.found_out += 1;
        self.letters += text.chars().count() as u64;
        self.words += text.split_whitespace().count() as u64;
    }

    /// Takes note of how numbers are written that are not plain.
    fn find_spelling(&mut self, text: &str) {
        if self.spellings.has_begun() {
            self.spellings.look_at(text);
        } else if self.not_number.is_some() {
            if self.is_full || self.others.iter().any(|&place| place >= KEPT) {
                return self.spellings.refuse();
            }
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
        (self.estimated(self.others.len() + some.len()), self.null + cells)
    }

    /// Returns how many different cells are not missing by a usual spelling.
    pub fn distinct(&self) -> u64 {
        self.estimated(self.others.len())
    }

    /// Returns how many different cells there are where `count` were told apart.
    fn estimated(&self, count: usize) -> u64 {
        if self.is_full { self.sample.distinct().max(count as u64) } else { count as u64 }
    }

    /// Whether no two cells are the same, where only what `missing` spells is missing, and no cell
    /// is. Where not all are told apart, the sample of hashes decides for the rest.
    pub fn each_differs(&self, missing: &[String]) -> bool {
        let is_missing = self.null > 0 || self.usual.iter().any(|(text, _)| missing.contains(text));
        !is_missing && self.counts.iter().all(|&count| count == 1) && self.sample.repeated() == 0
    }

    /// Returns which share of the different cells that were told apart are numbers, at most 1.
    pub fn share_of_numbers(&self) -> f64 {
        self.numbers.distinct as f64 / self.others.len().max(1) as f64
    }

    /// Returns how many letters and words a different cell has on average.
    pub fn letters_and_words(&self) -> [u64; 2] {
        [self.letters, self.words].map(|sum| sum / self.found_out.max(1))
    }

    fn counted_usual(&self) -> impl Iterator<Item = (String, u64)> + '_ {
        self.usual.iter().map(|(text, place)| (text.clone(), self.counts[*place]))
    }
}

/// Where a cell stands among the different ones.
enum Place {
    /// It was there before.
    Known,
    /// It is the first of its kind.
    New(usize),
    /// It may have been there before: no more are told apart.
    NoRoom,
}
