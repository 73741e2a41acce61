use crate::common::{Scratch, csv, file, message, texts};
use furlough_tables::{FileFormat, sniff};
use std::io::Write;

furlough_harness::tests![
    content_decides_whatever_the_name_says,
    what_is_no_table_is_told_with_what_to_do,
    what_is_guessed_is_what_reads_the_file,
    formats_that_are_not_built_in_are_told_with_how_to_get_them,
];

fn content_decides_whatever_the_name_says() {
    let jsonl = "{\"a\": 1}\n{\"a\": 2}\n";
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(jsonl.as_bytes()).unwrap();
    assert_eq!(sniff(&file("a.csv", encoder.finish().unwrap()).path).unwrap(), FileFormat::JsonLines);
    assert_eq!(sniff(&file("a.txt", format!("\n{jsonl}")).path).unwrap(), FileFormat::JsonLines);
    assert_eq!(sniff(&file("a.jsonl", "a,b\n").path).unwrap(), FileFormat::JsonLines);
    assert_eq!(sniff(&file("a.dat", "a,b\n1,2\n").path).unwrap(), csv());
    // One column, and a name that says what separates others.
    let FileFormat::Csv { delimiter, .. } = sniff(&file("a.tsv", "a\nb\nc\n").path).unwrap() else { panic!() };
    assert_eq!(delimiter, '\t');
}

fn what_is_no_table_is_told_with_what_to_do() {
    for (bytes, told) in [
        (&b""[..], "a.json: is empty"),
        (b"\n\n", "a.json: is empty"),
        (b"[{\"a\": 1}]", "a.json: is JSON, but not an object a line"),
        (b"\x89HDF\r\n", "a.json: is HDF5"),
        (b"SQLite format 3\0", "a.json: is a database"),
        (b"\x89PNG\r\n\x1a\n\0\0", "a.json: is no text"),
        (b"FEA1", "a.json: is Feather of version 1, which is not read"),
    ] {
        let scratch = file("a.json", bytes);
        let error = message(&sniff(&scratch.path).unwrap_err(), &scratch);
        assert!(error.starts_with(told), "{error}");
    }
    let missing = sniff("/nowhere/a.csv".as_ref()).unwrap_err().to_string();
    assert!(missing.starts_with("cannot read /nowhere/a.csv"), "{missing}");
}

fn what_is_guessed_is_what_reads_the_file() {
    let read = |scratch: &Scratch| texts(&scratch.path, &sniff(&scratch.path).unwrap(), (2, 64)).unwrap();
    let rows: String = (0..30_000).map(|row| format!("{row};{},5;\"name; {row}\"\n", row % 7)).collect();
    let (names, rows) = read(&file("a.csv", format!("id;size;name\n{rows}")));
    assert_eq!((names, rows.len()), (vec!["id".into(), "size".into(), "name".into()], 30_000));
    assert_eq!(rows[29_999].clone().into_iter().flatten().collect::<String>(), "299994,5name; 29999");
}

fn formats_that_are_not_built_in_are_told_with_how_to_get_them() {
    for (bytes, format, name, built_in) in [
        (&b"PAR1PAR1"[..], FileFormat::Parquet, "Parquet", cfg!(feature = "parquet")),
        (b"ARROW1\0\0", FileFormat::Arrow, "Arrow", cfg!(feature = "arrow")),
    ] {
        let scratch = file("a.csv", bytes);
        assert_eq!(sniff(&scratch.path).unwrap(), format);
        let error = message(&texts(&scratch.path, &format, (1, 1)).unwrap_err(), &scratch);
        let how = format!("run `cargo install furlough-cli --features {}`", name.to_lowercase());
        let told = error.starts_with(&format!("a.csv: is {name}, which is not built in")) && error.contains(&how);
        assert_eq!(told, !built_in, "{error}");
    }
}
