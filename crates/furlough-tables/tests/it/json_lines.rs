use crate::common::{Scratch, file, message, numbers, texts};
use furlough_tables::{FileFormat::JsonLines, ReadAs, Reader};

furlough_harness::tests![
    keys_are_columns_and_what_a_row_lacks_is_missing,
    values_of_every_type_become_text_or_numbers,
    a_value_that_does_not_fit_is_told_by_its_place,
    broken_lines_are_told_by_their_place,
    a_key_that_comes_late_is_ignored_and_named,
];

const THREADS: [(usize, usize); 3] = [(1, 1 << 20), (2, 1 << 20), (3, 1 << 10)];

fn keys_are_columns_and_what_a_row_lacks_is_missing() {
    let scratch = file("a.jsonl", "{\"a\": 1, \"b\": \"x\"}\r\n\n{\"c\": null, \"b\": \"y\\n\\u00e9\"}\n{}");
    for threads in THREADS {
        let (names, rows) = texts(&scratch.path, &JsonLines, threads).unwrap();
        assert_eq!(names, ["a", "b", "c"]);
        let text = |text: &str| Some(text.to_string());
        assert_eq!(rows, [[text("1"), text("x"), None], [None, text("y\né"), None], [None, None, None]]);
    }
}

fn values_of_every_type_become_text_or_numbers() {
    let scratch = file(
        "a.jsonl",
        "{\"a\":-1}\n{\"a\":2.5}\n{\"a\":\" 3 \"}\n{\"a\":null}\n{\"a\":\"NA\"}\n{\"a\":18446744073709551615}",
    );
    let found = numbers(&scratch.path, &JsonLines, (1, 1 << 20)).unwrap().remove(0);
    assert_eq!(found[..3], [-1.0, 2.5, 3.0]);
    assert!(found[3].is_nan() && found[4].is_nan());
    let scratch = file("a.jsonl", "{\"a\":true}\n{\"a\":18446744073709551615}\n{\"a\":0.1}");
    let (_, rows) = texts(&scratch.path, &JsonLines, (1, 1 << 20)).unwrap();
    assert_eq!(rows.concat().into_iter().flatten().collect::<Vec<_>>(), ["true", "18446744073709551615", "0.1"]);
}

fn number_error(text: &str) -> String {
    let scratch = file("a.jsonl", text);
    let read = |scratch: &Scratch, threads| message(&numbers(&scratch.path, &JsonLines, threads).unwrap_err(), scratch);
    let first = read(&scratch, THREADS[0]);
    assert!(THREADS.iter().all(|&threads| read(&scratch, threads) == first));
    first
}

fn a_value_that_does_not_fit_is_told_by_its_place() {
    assert_eq!(
        number_error("{\"a\":1,\"b\":2}\n\n{\"b\":\"x\"}\n"),
        r#"a.jsonl, row 2 (line 3), column b: "x" is not a number"#
    );
    assert_eq!(number_error("{\"a\":true}"), r#"a.jsonl, row 1 (line 1), column a: "true" is not a number"#);
    assert_eq!(
        number_error("{\"a\":[1,{}]}"),
        "a.jsonl, row 1 (line 1), column a: the value is an array or an object; write its parts as keys of their own"
    );
    assert_eq!(number_error("{\"a\":1,\"a\":2}"), "a.jsonl, row 1 (line 1), column a: the row has this key twice");
}

fn broken_lines_are_told_by_their_place() {
    let begins = |text: &str, message: &str| {
        let found = number_error(text);
        assert!(found.starts_with(message), "{found}");
    };
    begins("{\"a\":1}\n{\"a\":\n", "a.jsonl, line 2: EOF while parsing a value");
    begins("{\"a\":1} 5\n", "a.jsonl, line 1: trailing characters");
    begins("[{\"a\":1},\n", "a.jsonl, line 1: each line must be an object, and this is an array");
    begins("7\n", "a.jsonl, line 1: invalid type: integer `7`, expected an object");
    begins("", "a.jsonl: is empty");
    begins("{}\n{}", "a.jsonl: has no object");
    // Below the first chunk, the row is known too.
    let good = "{\"a\":1}\n".repeat(1 << 17);
    begins(&format!("{good}{{\"a\":nul}}\n"), "a.jsonl, row 131073 (line 131073): expected ident");
}

fn a_key_that_comes_late_is_ignored_and_named() {
    let scratch = file("a.jsonl", format!("{}{{\"a\":1,\"late\":2}}\n", "{\"a\":1}\n".repeat(1000)));
    let mut reader = Reader::open_in_chunks(&scratch.path, &JsonLines, |_| ReadAs::numbers(), (2, 64)).unwrap();
    assert_eq!(reader.by_ref().map(|block| block.unwrap().rows).sum::<usize>(), 1001);
    assert_eq!((reader.names(), reader.ignored()), (&["a".to_string()][..], vec!["late".to_string()]));
}
