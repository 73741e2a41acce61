//! Guesses how a CSV file is written, from its beginning.
//!
//! Each delimiter is tried. The best one makes rows of one length, of cells that are numbers,
//! dates, or text without the other delimiters.

use super::{Dialect, records};
use crate::block::MISSING_NUMBERS;
use crate::readers::FileFormat;
use crate::readers::number::NumberFormat;
use std::collections::{HashMap, HashSet};

const DELIMITERS: [char; 4] = [',', '\t', ';', '|'];

/// How many rows are looked at.
const ROWS: usize = 1000;

/// Guesses the format of a file that begins with these bytes, of which it may be all.
pub(in crate::readers) fn guess(sample: &[u8], complete: bool, extension: &str) -> FileFormat {
    let mut best = (f64::NEG_INFINITY, ',', '"', Vec::new());
    for delimiter in DELIMITERS {
        for quote in ['"', '\''] {
            let rows = rows(sample, complete, (delimiter, Some(quote)));
            let favored = delimiter == '\t' && ["tsv", "tab"].contains(&extension);
            // Single quotes are apostrophes as a rule.
            let factor = match quote {
                '"' => 1.0,
                _ if wraps(sample, complete, (delimiter, quote)) => 1.1,
                _ => continue,
            };
            let score = score(&rows) * factor * if favored { 1.5 } else { 1.0 };
            if score > best.0 {
                best = (score, delimiter, quote, rows);
            }
        }
    }
    let (_, delimiter, quote, rows) = best;
    let decimal_comma = has_decimal_commas(&rows);
    let header = has_header(&rows, &Numbers::new(decimal_comma));
    FileFormat::Csv { delimiter, quote: Some(quote), header, decimal_comma }
}

type Row = Vec<String>;

fn rows(sample: &[u8], complete: bool, (delimiter, quote): (char, Option<char>)) -> Vec<Row> {
    let Ok(dialect) = Dialect::new(delimiter, quote) else { return Vec::new() };
    // A row that the sample cuts off is none.
    let end = if complete { sample.len() } else { memchr::memrchr(b'\n', sample).map_or(sample.len(), |at| at + 1) };
    let text = |cell: &Vec<u8>| String::from_utf8_lossy(cell).trim().to_string();
    records(&sample[..end], dialect)
        .map_while(Result::ok)
        .take(ROWS)
        .map(|record| record.cells.iter().map(text).collect())
        .collect()
}

/// Whether cells of many rows stand between two of these quotes, maybe with delimiters inside.
fn wraps(sample: &[u8], complete: bool, (delimiter, quote): (char, char)) -> bool {
    let rows = rows(sample, complete, (delimiter, None));
    let with = |row: &&Row| {
        let begin = row.iter().filter(|cell| cell.starts_with(quote)).count();
        begin > 0 && begin == row.iter().filter(|cell| cell.ends_with(quote)).count()
    };
    let count = rows.iter().filter(with).count();
    count > 0 && count * 3 >= rows.len()
}

/// How a cell that is a number, or stands for a missing one, is told.
struct Numbers(NumberFormat);

impl Numbers {
    fn new(decimal_comma: bool) -> Numbers {
        Numbers(NumberFormat::new(&MISSING_NUMBERS.map(String::from), decimal_comma))
    }

    fn is_number(&self, cell: &str) -> bool {
        self.0.parse(cell.as_bytes()).is_some_and(|number| !number.is_nan())
    }

    fn is_missing(&self, cell: &str) -> bool {
        self.0.parse(cell.as_bytes()).is_some_and(f64::is_nan)
    }
}

/// Whether a cell is made as dates and times are.
fn is_date(cell: &str) -> bool {
    let digits = cell.bytes().filter(u8::is_ascii_digit).count();
    let marks = cell.bytes().filter(|byte| b"-/:".contains(byte)).count();
    digits >= 3 && marks >= 2 && cell.bytes().all(|byte| byte.is_ascii_digit() || b"-/:.+ TZ".contains(&byte))
}

/// How much rows look like a table's: from 0 to 1.
fn score(rows: &[Row]) -> f64 {
    let mut lengths = HashMap::new();
    rows.iter().for_each(|row| *lengths.entry(row.len()).or_insert(0usize) += 1);
    let Some((&columns, &count)) = lengths.iter().max_by_key(|&(&length, &count)| (count, length)) else {
        return 0.0;
    };
    let (points, commas) = (Numbers::new(false), Numbers::new(true));
    let worth = |cell: &String| match cell {
        _ if points.is_number(cell) || commas.is_number(cell) || is_date(cell) => 1.0,
        _ if points.is_missing(cell) => 0.9,
        _ if cell.contains(['\t', ';', '|']) => 0.3,
        _ if cell.contains(',') => 0.6,
        _ => 0.8,
    };
    let cells = rows.iter().map(Vec::len).sum::<usize>().max(1) as f64;
    let worth = rows.iter().flatten().map(worth).sum::<f64>() / cells;
    let consistent = count as f64 / rows.len() as f64;
    let wide = if columns == 1 { 0.05 } else { 1.0 - 0.5 / columns as f64 };
    consistent * consistent * worth * wide
}

/// The cells of each column, without the first row when there are others, and without missing ones.
fn columns<'a>(rows: &'a [Row], numbers: &Numbers) -> Vec<Vec<&'a str>> {
    let (first, below) = (rows.first().map_or(0, Vec::len), &rows[usize::from(rows.len() > 1).min(rows.len())..]);
    let cells = |column| below.iter().filter_map(move |row| row.get(column)).map(String::as_str);
    (0..first).map(|column| cells(column).filter(|cell| !numbers.is_missing(cell)).collect()).collect()
}

/// Whether a column's numbers have a comma where others have a point. With three digits behind each
/// comma it may separate thousands, so that does not count.
fn has_decimal_commas(rows: &[Row]) -> bool {
    let (points, commas) = (Numbers::new(false), Numbers::new(true));
    let columns = columns(rows, &points);
    let all = |cells: &[&str], numbers: &Numbers| !cells.is_empty() && cells.iter().all(|cell| numbers.is_number(cell));
    let decimal = |cell: &&str| cell.split_once(',').is_some_and(|(_, digits)| digits.len() != 3);
    let with_points = |cells: &Vec<&str>| all(cells, &points) && cells.iter().any(|cell| cell.contains('.'));
    columns.iter().any(|cells| all(cells, &commas) && cells.iter().any(decimal)) && !columns.iter().any(with_points)
}

/// Whether the first row names the columns.
fn has_header(rows: &[Row], numbers: &Numbers) -> bool {
    let Some(first) = rows.first() else { return true };
    let texts: Vec<_> = first.iter().filter(|cell| !numbers.is_missing(cell)).collect();
    let numbered: Vec<f64> =
        texts.iter().filter_map(|cell| numbers.0.parse(cell.as_bytes())).filter(|number| !number.is_nan()).collect();
    // Columns may be called by years, or by their place.
    let counting = numbered.len() > 2 && numbered.windows(2).all(|pair| pair[1] == pair[0] + 1.0);
    if !(numbered.is_empty() || counting && numbered.len() < first.len()) {
        return false;
    }
    let columns = columns(rows, numbers);
    let typed = |cells: &[&str]| {
        let typed = cells.iter().filter(|cell| numbers.is_number(cell) || is_date(cell)).count();
        !cells.is_empty() && typed * 5 >= cells.len() * 4
    };
    let named = |(name, cells): (&String, &Vec<&str>)| typed(cells) && !is_date(name) && !numbers.is_missing(name);
    if rows.len() > 1 && first.iter().zip(&columns).any(named) {
        return true; // if two names are the same, the reader says so
    }
    let different = texts.iter().collect::<HashSet<_>>().len() == texts.len();
    if rows.len() == 1 || texts.is_empty() || !different {
        return different && !texts.is_empty();
    }
    // All columns are text: names are not among the values.
    let longest = texts.iter().map(|cell| cell.chars().count()).max().unwrap_or(0);
    let again = first.iter().zip(&columns).any(|(name, cells)| !name.is_empty() && cells.contains(&name.as_str()));
    longest <= 80 && !again && !texts.iter().any(|cell| is_date(cell))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: (char, char, bool, bool)) {
        let (delimiter, quote, header, decimal_comma) = expected;
        for complete in [true, false] {
            let found = guess(text.as_bytes(), complete, "csv");
            assert_eq!(found, FileFormat::Csv { delimiter, quote: Some(quote), header, decimal_comma }, "{text}");
        }
    }

    #[test]
    fn delimiters_are_told_by_what_they_make_of_the_rows() {
        check("a,b,c\n1,2,3\n4,,6\n", (',', '"', true, false));
        check("a\tb\n1\tx, y; z\n2\tu, v, w\n", ('\t', '"', true, false));
        check("a;b;c\n1,5;2,25;x\n-3;NA;\"y;z\"\n", (';', '"', true, true));
        check("1,5;2,5\n3,5;4,25\n", (';', '"', false, true));
        check("a|b\n2020-01-01|1.5\n2020-01-02|2.5\n", ('|', '"', true, false));
        check("name,text\nx,\"a;b;c\"\ny,\"d;e;f\"\n", (',', '"', true, false));
        check("name,said\nx,\"a\nb, c\"\"\"\ny,z\n", (',', '"', true, false));
        check("id;text\n1;one, two, three\n2;four, five, six\n", (';', '"', true, false));
        check("a,b\r\n1,2\r\n", (',', '"', true, false));
        check("age\n31\n45\n", (',', '"', true, false));
        // One column, which is read as one.
        check("text\nHello, you; there\nGood day\nSo, so, so\n", ('\t', '"', true, false));
        check("a,b\n'x, y',1\n'z, w',2\n", (',', '\'', true, false));
        check("'a','b'\n'x','1'\n", (',', '\'', true, false));
        check("a,b\nit's,1\n'tis,2\n", (',', '"', true, false));
    }

    #[test]
    fn a_header_is_told_from_rows() {
        for (text, header) in [
            ("5.1,3.5,setosa\n4.9,3.0,setosa\n", false),
            ("p,x,s\ne,x,s\np,b,y\n", false),
            ("class,shape,color\ne,x,s\np,b,y\n", true),
            (",0,1,2\na,0.5,0.25,1\nb,2,1,3\n", true),
            ("country,2010,2011,2012\nX,1.5,2.5,1\nY,2,3,4\n", true),
            ("5,0,0,0,0\n3,0,0,1,0\n", false),
            ("name,city\nAnn,Rome\nBob,Bonn\n", true),
            ("2020-01-01,up\n2020-01-02,down\n", false),
            ("date,move\n2020-01-01,up\n2020-01-02,down\n", true),
            ("a,b\n", true),
            ("1,2\n", false),
            ("a,a\nb,c\n", false),
            ("a,a\n1,2\n", true),
            ("NA,1\n2,3\n", false),
            ("x\n?\n1\n", true),
        ] {
            check(text, (',', '"', header, false));
        }
    }

    #[test]
    fn three_digits_behind_each_comma_may_be_thousands() {
        check("a;b\n1,234;5\n2,345;6\n", (';', '"', true, false));
        check("a;b\n1,234;5\n2,34;6\n", (';', '"', true, true));
        check("a;b\n1,23;5.5\n2,34;6.5\n", (';', '"', true, false));
        check("a,b\n\"1,5\",x\n\"2,5\",y\n", (',', '"', true, true));
    }
}
