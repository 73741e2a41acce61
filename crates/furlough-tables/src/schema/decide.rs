//! From what was seen of a column to its kind and role, and the sentence that says why.

use super::names::is_like_an_id;
use super::number_span::NumberSpan;
use super::{CivilTime, ColumnFindings, ColumnProbe, ColumnSchema, DateOrder, Kind, Role, number_text};

/// How many levels a schema lists.
const LISTED: usize = 100;

/// Below so many values it means nothing that all differ.
const FEW: u64 = 10;

impl ColumnProbe {
    /// Decides what a column is. The rules, of which the first that fits holds:
    ///
    /// 1. no value, or one value in all rows: constant, ignored;
    /// 2. all 0/1, or another pair of a boolean: boolean;
    /// 3. all numbers, and none with a leading zero: number, and an id where they are whole, all
    ///    different, none missing, and the name says so;
    /// 4. all dates in one order: date;
    /// 5. all numbers that are not plain, in one spelling: number;
    /// 6. long texts of several words, most of them different: text, ignored;
    /// 7. all different, ten or more or under the name of an id: an id;
    /// 8. category.
    pub fn decide(&self, name: &str, said_missing: &[String]) -> ColumnSchema {
        let missing = self.missing_of_numbers();
        let mut spellings = self.usual_spellings();
        spellings.extend(said_missing.iter().filter(|said| !spellings.contains(said)).cloned().collect::<Vec<_>>());
        let mut column = ColumnSchema {
            name: name.into(),
            kind: Kind::Category,
            role: Role::Feature,
            date_order: None,
            spelling: None,
            missing: spellings,
            why: String::new(),
            found: ColumnFindings { missing, distinct: self.distinct(), ..ColumnFindings::default() },
        };
        let numbers = self.not_number.is_none() && !self.numbers.leading_zero;
        let dates: Vec<DateOrder> = self.fitting_orders();
        if self.distinct() == 0 {
            (column.kind, column.role) = (Kind::Constant, Role::Ignore);
            column.why = "every value is missing".into();
        } else if self.distinct() == 1 && missing == 0 {
            (column.kind, column.role) = (Kind::Constant, Role::Ignore);
            column.why = "it has the same value in each row".into();
        } else if let Some((_, [true, true])) = self.booleans {
            column.kind = Kind::Boolean;
            self.list_levels(&mut column);
            column.why = format!("its only values are {}", quoted_list(&column.found.levels));
        } else if numbers {
            self.decide_number(&mut column, &self.numbers);
        } else if let [order] = dates[..] {
            column.kind = Kind::Date;
            column.date_order = Some(order);
            let place = DateOrder::ALL.iter().position(|&other| other == order).unwrap_or(0);
            column.found.range = Some(self.dates[place].map(|seconds| CivilTime::of(seconds).text()));
            column.why = format!("each value is a date, {}", spelled(order));
        } else if let Some((spelling, span)) = self.spellings.found() {
            self.decide_number(&mut column, span);
            if column.role == Role::Feature {
                column.why += &format!(", with {}", spelling.describe());
            }
            column.spelling = Some(spelling.clone());
        } else {
            self.decide_text(&mut column, said_missing);
        }
        column
    }

    fn fitting_orders(&self) -> Vec<DateOrder> {
        DateOrder::ALL.into_iter().zip(self.date_orders).filter_map(|(order, fits)| fits.then_some(order)).collect()
    }

    fn list_levels(&self, column: &mut ColumnSchema) {
        let levels = self.levels(&column.missing).into_iter().take(LISTED);
        (column.found.levels, column.found.counts) = levels.unzip();
    }

    fn decide_number(&self, column: &mut ColumnSchema, span: &NumberSpan) {
        column.kind = Kind::Number;
        column.found.whole = span.whole;
        if span.least <= span.greatest {
            column.found.range = Some([span.least, span.greatest].map(number_text));
        }
        let each_differs = self.each_differs(&self.usual_spellings()) && self.cells > 1;
        if span.whole && each_differs && is_like_an_id(&column.name) {
            column.role = Role::Id;
            column.why = "its name is that of an id, and it has another whole number in each row".into();
            return;
        }
        let kind = if span.whole { "a whole number" } else { "a number" };
        column.why = match column.found.missing {
            0 => format!("each value is {kind}"),
            _ => format!("each value that is not missing is {kind}"),
        };
    }

    fn decide_text(&self, column: &mut ColumnSchema, said_missing: &[String]) {
        column.missing = vec![String::new()];
        column.missing.extend(said_missing.iter().filter(|said| !said.is_empty()).cloned());
        (column.found.distinct, column.found.missing) = self.distinct_and_missing(&column.missing);
        let (distinct, values) = (column.found.distinct, self.cells - column.found.missing);
        let [letters, words] = self.letters_and_words();
        let nearly_numbers = self.has_nearly_numbers();
        if !nearly_numbers && 2 * distinct > values && letters >= 20 && words >= 3 && values >= FEW {
            (column.kind, column.role) = (Kind::Text, Role::Ignore);
            column.why =
                format!("it is free text: {distinct} of {values} values differ, of {letters} letters on average");
        } else if !nearly_numbers
            && self.each_differs(&column.missing)
            && (values >= FEW || (values > 1 && is_like_an_id(&column.name)))
        {
            column.role = Role::Id;
            column.why = "it has another text in each row".into();
        } else {
            self.list_levels(column);
            column.why = self.why_category(distinct);
        }
    }

    /// Whether nearly all different texts are numbers, but some are not.
    fn has_nearly_numbers(&self) -> bool {
        self.not_number.is_some() && self.share_of_numbers() >= 0.9
    }

    fn why_category(&self, distinct: u64) -> String {
        let orders = self.fitting_orders();
        if orders.len() > 1 {
            return "day and month of its dates cannot be told apart; \
                    set kind to \"date\" and date_order to \"dmy\" or \"mdy\" to have dates"
                .into();
        }
        if self.numbers.leading_zero && self.not_number.is_none() {
            return "its numbers have leading zeros, as codes have".into();
        }
        match &self.not_number {
            Some((row, text)) if self.has_nearly_numbers() => format!(
                "it has numbers, but {text:?} in row {row} is none; \
                 set kind to \"number\" and list in missing what is missing to have numbers"
            ),
            _ => format!("it has {}", furlough::counted(distinct as usize, "different text")),
        }
    }
}

fn quoted_list(texts: &[String]) -> String {
    texts.iter().map(|text| format!("{text:?}")).collect::<Vec<_>>().join(" and ")
}

fn spelled(order: DateOrder) -> &'static str {
    match order {
        DateOrder::Ymd => "with the year first",
        DateOrder::Dmy => "with the day first",
        DateOrder::Mdy => "with the month first",
    }
}
