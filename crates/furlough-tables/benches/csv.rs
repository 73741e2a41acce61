//! Times reading of a CSV file: megabytes a second of text, by threads.
//!
//! ```text
//! cargo bench -p furlough-tables --bench csv -- [FILE] [--write FILE]
//! ```
//!
//! Without a file it writes 200 MB of one to a temporary folder: 18 columns of numbers with gaps,
//! one quoted text, one label. Numbers are parsed, texts are kept, the label is a text. Each line
//! is the best of five turns, in which the numbers of threads alternate. `--write FILE` writes that
//! table and reads nothing, for other programs to read (`bench/read_csv.py`).

use furlough_tables::{FileFormat, ReadAs, Reader, Values};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

const SIZE: usize = 200_000_000;
const NUMBERS: usize = 18;
const TURNS: usize = 5;

/// Numbers that look random and are the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

/// Writes the table: every third column has integers, the others three to eight digits behind the
/// point; one number of 20 is missing.
fn write_table(path: &Path) -> std::io::Result<()> {
    let mut out = BufWriter::new(std::fs::File::create(path)?);
    let mut random = Random(7);
    let header: Vec<_> = (0..NUMBERS).map(|column| format!("n{column}")).collect();
    let mut line = format!("{},note,label\n", header.join(","));
    let mut size = 0;
    while size < SIZE {
        size += line.len();
        out.write_all(line.as_bytes())?;
        line.clear();
        for column in 0..NUMBERS {
            if random.below(20) > 0 {
                let sign = if random.below(4) == 0 { "-" } else { "" };
                let whole = random.below(1000);
                let digits = 3 + column % 6;
                line += &match column % 3 {
                    0 => format!("{sign}{whole}"),
                    _ => format!("{sign}{whole}.{:0digits$}", random.below(10u64.pow(digits as u32))),
                };
            }
            line.push(',');
        }
        let (word, room) = (["spacious", "bright, quiet", "near the station", "as it is"], random.below(90));
        line += &format!("\"{}, room {room}\",class {}\n", word[random.below(4) as usize], random.below(5));
    }
    out.flush()
}

/// Reads a table; returns its rows and a sum over some cells, which takes no time of its own.
fn read(path: &Path, threads: usize) -> furlough_tables::Result<(usize, f64)> {
    let format = FileFormat::Csv { delimiter: ',', quote: Some('"'), header: true, decimal_comma: false };
    let wanted = |name: &str| if name.starts_with('n') && name != "note" { ReadAs::numbers() } else { ReadAs::Text };
    let (mut rows, mut sum) = (0, 0.0);
    for block in Reader::open(path, &format, wanted, threads)? {
        let block = block?;
        rows += block.rows;
        for values in &block.columns {
            match values {
                Values::Numbers(numbers) => sum += numbers.iter().step_by(256).filter(|n| !n.is_nan()).sum::<f64>(),
                Values::Text(text) => sum += text.len() as f64,
                Values::Skipped => {}
            }
        }
    }
    Ok((rows, sum))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let folder = tempfile::tempdir()?;
    let path = match (arguments.next(), arguments.next()) {
        (Some(flag), Some(path)) if flag == "--write" => return Ok(write_table(Path::new(&path))?),
        (Some(path), None) => PathBuf::from(path),
        (None, None) => {
            let path = folder.path().join("table.csv");
            write_table(&path)?;
            path
        }
        _ => return Err("[FILE] [--write FILE]".into()),
    };
    let megabytes = std::fs::metadata(&path)?.len() as f64 / 1e6;
    let mut best = [f64::INFINITY; 2];
    let mut found = None;
    for _ in 0..TURNS {
        for (best, threads) in best.iter_mut().zip([1, 2]) {
            let begin = Instant::now();
            let read = read(&path, threads)?;
            *best = best.min(begin.elapsed().as_secs_f64());
            assert_eq!(*found.get_or_insert(read), read, "threads change what is read");
        }
    }
    println!("{megabytes:.0} MB, {} rows", found.map_or(0, |(rows, _)| rows));
    for (best, threads) in best.iter().zip([1, 2]) {
        println!("{}: {:.0} MB/s, {best:.3} s", furlough::counted(threads, "thread"), megabytes / best);
    }
    Ok(())
}
