use crate::common::{Rows, Scratch, csv, file, message, numbers, texts};
use furlough_tables::{FileFormat, ReadAs, Reader};
use std::io::Write;

furlough_harness::tests![
    rows_are_read_whatever_ends_them,
    quotes_open_a_cell_only_at_its_beginning,
    delimiters_and_quotes_are_those_of_the_format,
    numbers_are_parsed_and_gaps_are_missing,
    a_decimal_comma_is_read_where_the_format_says_so,
    a_row_of_the_wrong_length_is_told_by_row_and_line,
    a_text_among_numbers_is_told_by_row_line_column_and_value,
    text_that_is_not_utf8_is_told_by_its_place,
    an_unclosed_quote_is_told_by_the_row_that_opens_it,
    a_file_without_rows_is_an_error,
    two_columns_of_one_name_are_an_error,
    a_row_without_end_is_an_error,
    what_is_not_wanted_is_not_looked_at,
    a_delimiter_that_belongs_to_numbers_is_refused,
    a_table_that_takes_more_than_was_allowed_is_an_error,
    a_file_that_changes_while_it_is_read_is_an_error,
    a_reader_that_is_dropped_early_leaves_no_thread_waiting,
];

const THREADS: [(usize, usize); 4] = [(1, 1 << 20), (1, 3), (2, 1), (3, 7)];

fn rows(text: impl AsRef<[u8]>, format: &FileFormat) -> Rows {
    let scratch = file("a.csv", text);
    let first = texts(&scratch.path, format, THREADS[0]).unwrap();
    for threads in THREADS {
        assert_eq!(texts(&scratch.path, format, threads).unwrap(), first);
    }
    first
}

/// Its error, the same for any number of threads and any chunks.
fn error(text: impl AsRef<[u8]>, read: impl Fn(&Scratch, (usize, usize)) -> furlough_tables::Error) -> String {
    let scratch = file("a.csv", text);
    let first = message(&read(&scratch, THREADS[0]), &scratch);
    for threads in THREADS {
        assert_eq!(message(&read(&scratch, threads), &scratch), first);
    }
    first
}

fn text_error(text: impl AsRef<[u8]>) -> String {
    error(text, |scratch, threads| texts(&scratch.path, &csv(), threads).unwrap_err())
}

fn cells(rows: &Rows) -> Vec<Vec<&str>> {
    rows.1.iter().map(|row| row.iter().map(|cell| cell.as_deref().unwrap()).collect()).collect()
}

fn rows_are_read_whatever_ends_them() {
    for text in [
        "a,b\n1,x\n,y\n",
        "a,b\n1,x\n,y",
        "a,b\r\n1,x\r\n,y\r\n",
        "a,b\r\n1,x\r\n,y",
        "\u{feff}a,b\n1,x\n,y",
        "\n\na,b\n\n1,x\r\n\r\n\n,y\n\n",
        "a,b\n1,x\n,y\r",
        "\"a\",\"b\"\n\"1\",\"x\"\n\"\",\"y\"\n",
    ] {
        let rows = rows(text, &csv());
        assert_eq!(rows.0, ["a", "b"]);
        assert_eq!(cells(&rows), [["1", "x"], ["", "y"]], "{text:?}");
    }
}

fn quotes_open_a_cell_only_at_its_beginning() {
    let text = "a,b\n5\" disk,\"x,\n\"\"y\"\"\"\n\"z\"\" \"w,  \"v\"\n\"\r\n\",\"\"\n";
    let rows = rows(text, &csv());
    assert_eq!(cells(&rows), [["5\" disk", "x,\n\"y\""], ["z\" w", "  \"v\""], ["\r\n", ""]]);
}

fn delimiters_and_quotes_are_those_of_the_format() {
    let format = |delimiter, quote, header| FileFormat::Csv { delimiter, quote, header, decimal_comma: false };
    assert_eq!(cells(&rows("a\tb\n1,2\t'x'\n", &format('\t', None, true))), [["1,2", "'x'"]]);
    let quoted = rows("'a;b';c\n'x;\n''y';z\n", &format(';', Some('\''), false));
    assert_eq!(quoted.0, ["x0", "x1"]);
    assert_eq!(cells(&quoted), [["a;b", "c"], ["x;\n'y", "z"]]);
}

fn numbers_are_parsed_and_gaps_are_missing() {
    let text = "a,b,c\n1,-2.5e3,\n NA , \"7\" ,?\n\"8.5\",.5,inf\n,,\n";
    let text = text.replace(" \"7\" ", "\"7\"");
    let scratch = file("a.csv", text);
    let nan = f64::NAN;
    let expected = [[1.0, nan, 8.5, nan], [-2500.0, 7.0, 0.5, nan], [nan, nan, f64::INFINITY, nan]];
    for threads in THREADS {
        let found = numbers(&scratch.path, &csv(), threads).unwrap();
        for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
            assert!(found == expected || found.is_nan() && expected.is_nan(), "{found} {expected}");
        }
    }
}

fn a_decimal_comma_is_read_where_the_format_says_so() {
    let format = FileFormat::Csv { delimiter: ';', quote: Some('"'), header: true, decimal_comma: true };
    let scratch = file("a.csv", "a;b\n1,5;-2\n\"0,25\";3e2\n");
    assert_eq!(numbers(&scratch.path, &format, (2, 1)).unwrap(), [[1.5, 0.25], [-2.0, 300.0]]);
}

fn a_row_of_the_wrong_length_is_told_by_row_and_line() {
    assert_eq!(
        text_error("a,b\n1,\"x\ny\"\n\n2\n3,z\n"),
        "a.csv, row 2 (line 5): the row has 1 cell, and the table 2 columns"
    );
    assert_eq!(
        text_error("a,b\n1,2\n3,4,\"5,\n\",6\n"),
        "a.csv, row 2 (line 3): the row has 4 cells, and the table 2 columns"
    );
    assert_eq!(text_error("a\n1\n2,3"), "a.csv, row 2 (line 3): the row has 2 cells, and the table 1 column");
    assert_eq!(text_error("a,b,c\n1,2"), "a.csv, row 1 (line 2): the row has 2 cells, and the table 3 columns");
}

fn a_text_among_numbers_is_told_by_row_line_column_and_value() {
    let read = |scratch: &Scratch, threads| numbers(&scratch.path, &csv(), threads).unwrap_err();
    assert_eq!(
        error("price,b\n1,\"2\n\"\n3,\"4\"\n\n\"n\"\"a\",5\n6,7\n", read),
        r#"a.csv, row 3 (line 6), column price: "n\"a" is not a number"#
    );
    assert_eq!(error("a,b\n1,\"1,234\"\n", read), r#"a.csv, row 1 (line 2), column b: "1,234" is not a number"#);
    assert_eq!(error("a,b\n1,2x\n", read), r#"a.csv, row 1 (line 2), column b: "2x" is not a number"#);
}

fn text_that_is_not_utf8_is_told_by_its_place() {
    let found = text_error(b"a,b\n1,ok\n\"2\n\",caf\xe9\n");
    assert!(found.starts_with("a.csv, row 2 (line 3), column b: \"caf\u{fffd}\" is not UTF-8; convert"), "{found}");
    assert!(text_error(b"a,\xe9\n1,2\n").starts_with("a.csv, line 1: the name of column 2 is not UTF-8"));
}

fn an_unclosed_quote_is_told_by_the_row_that_opens_it() {
    assert_eq!(
        text_error("a,b\n1,2\n3,\"4\n5,6\n"),
        "a.csv, row 2 (line 3), column b: a quote is opened in this row and never closed"
    );
    assert_eq!(text_error("a,\"b\n1,2\n"), "a.csv, line 1: a quote is opened in this row and never closed");
    assert!(text_error("a\n\"x\"\"").contains("never closed"));
}

fn a_file_without_rows_is_an_error() {
    assert_eq!(text_error(""), "a.csv: is empty");
    assert_eq!(text_error("\r\n\n"), "a.csv: is empty");
    assert_eq!(text_error("a,b\n"), "a.csv: has columns but no rows");
    assert_eq!(text_error("a,b"), "a.csv: has columns but no rows");
}

fn two_columns_of_one_name_are_an_error() {
    assert_eq!(text_error("\na,b,a\n1,2,3\n"), r#"a.csv, line 2: columns 1 and 3 are both called "a"; rename one"#);
}

fn a_row_without_end_is_an_error() {
    let scratch = file("a.csv", [b"a,b\n1,\"".to_vec(), vec![b'x'; 140 << 20]].concat());
    let found = message(&texts(&scratch.path, &csv(), (2, 1 << 20)).unwrap_err(), &scratch);
    assert_eq!(
        found,
        "a.csv: a row has more than 64 MiB, the most there may be; a quote is opened in it and not closed"
    );
}

fn what_is_not_wanted_is_not_looked_at() {
    let scratch = file("a.csv", b"a,b,c\n1,\xff\"x,3\n4,\"\xff\n,\",6\n");
    let wanted = |name: &str| if name == "b" { ReadAs::Skip } else { ReadAs::numbers() };
    let blocks: Vec<_> = Reader::open(&scratch.path, &csv(), wanted, 2).unwrap().map(Result::unwrap).collect();
    assert_eq!(blocks.len(), 1);
    assert_eq!(format!("{:?}", blocks[0].columns), "[Numbers([1.0, 4.0]), Skipped, Numbers([3.0, 6.0])]");
}

fn a_delimiter_that_belongs_to_numbers_is_refused() {
    let scratch = file("a.csv", "a,b\n1,2\n");
    for (delimiter, quote) in [('.', None), ('e', None), ('\n', None), ('é', None), (',', Some(',')), (',', Some('1'))]
    {
        let format = FileFormat::Csv { delimiter, quote, header: true, decimal_comma: false };
        let found = texts(&scratch.path, &format, (1, 1)).unwrap_err().to_string();
        assert!(found.contains("cannot be one") || found.contains("must differ"), "{found}");
    }
}

fn a_table_that_takes_more_than_was_allowed_is_an_error() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&[b"a\n".to_vec(), b"0\n".repeat(4 << 20)].concat()).unwrap();
    let scratch = file("a.csv", encoder.finish().unwrap());
    assert!(std::fs::metadata(&scratch.path).unwrap().len() < 20_000);
    let read = |limit| {
        let reader = Reader::open(&scratch.path, &csv(), |_| ReadAs::numbers(), 2).unwrap().at_most(limit);
        reader.map(|block| block.map(|block| block.rows)).sum::<Result<usize, _>>()
    };
    assert_eq!(read(32 << 20).unwrap(), 4 << 20);
    let found = message(&read(1 << 20).unwrap_err(), &scratch);
    assert!(found.contains("takes more than the 1048576 bytes that were allowed; the file is compressed"), "{found}");
}

fn a_file_that_changes_while_it_is_read_is_an_error() {
    for threads in [1, 2] {
        let scratch = file("a.csv", [b"a,b\n".to_vec(), b"1,2\n".repeat(1 << 20)].concat());
        let mut reader = Reader::open(&scratch.path, &csv(), |_| ReadAs::Text, threads).unwrap();
        assert!(reader.next_block().unwrap().is_some());
        let mut file = std::fs::OpenOptions::new().append(true).open(&scratch.path).unwrap();
        file.write_all(b"3").unwrap();
        let last = reader.by_ref().last().unwrap().unwrap_err();
        assert_eq!(
            message(&last, &scratch),
            "a.csv: changed while it was read; read it again when nothing writes to it"
        );
        assert!(reader.next_block().unwrap().is_none());
    }
}

fn a_reader_that_is_dropped_early_leaves_no_thread_waiting() {
    let scratch = file("a.csv", [b"a,b\n".to_vec(), b"1,2\n".repeat(1 << 18)].concat());
    for taken in [0, 1, 3] {
        let mut reader = Reader::open_in_chunks(&scratch.path, &csv(), |_| ReadAs::Text, (3, 1 << 10)).unwrap();
        assert_eq!(reader.by_ref().take(taken).filter(Result::is_ok).count(), taken);
    }
}
