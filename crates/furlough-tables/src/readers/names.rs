//! The names of columns.

use std::collections::HashMap;

/// What to do about a file that is not UTF-8.
pub(super) const CONVERT: &str = "convert the file, for example with `iconv -f WINDOWS-1252 -t UTF-8`";

/// Names for columns that have none: x0, x1, …
pub(super) fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|index| format!("x{index}")).collect()
}

/// Names from the cells of a header, without the space around them. An empty one is called as
/// [`numbered`] calls it, but the first one as pandas calls it: it is above row numbers. No two are
/// the same.
pub(super) fn of_header(cells: &[Vec<u8>]) -> Result<Vec<String>, String> {
    let name = |(index, cell): (usize, &Vec<u8>)| match std::str::from_utf8(cell) {
        Ok(text) if text.trim().is_empty() && index == 0 => Ok("Unnamed: 0".into()),
        Ok(text) if text.trim().is_empty() => Ok(format!("x{index}")),
        Ok(text) => Ok(text.trim().to_string()),
        Err(_) => Err(format!(
            "the name of column {} is not UTF-8 ({:?}); {CONVERT}",
            index + 1,
            String::from_utf8_lossy(cell)
        )),
    };
    let names = cells.iter().enumerate().map(name).collect::<Result<Vec<_>, _>>()?;
    all_different(&names)?;
    Ok(names)
}

/// Checks that no two columns have the same name.
pub(super) fn all_different(names: &[String]) -> Result<(), String> {
    let mut places = HashMap::new();
    for (index, name) in names.iter().enumerate() {
        if let Some(before) = places.insert(name, index) {
            let places = format!("columns {} and {}", before + 1, index + 1);
            return Err(format!("{places} are both called {name:?}; rename one"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_columns_of_one_name_are_told_by_their_places() {
        let cells = |names: &[&str]| names.iter().map(|name| name.as_bytes().to_vec()).collect::<Vec<_>>();
        assert_eq!(of_header(&cells(&["", " a ", "b"])).unwrap(), ["Unnamed: 0", "a", "b"]);
        let error = of_header(&cells(&["a", "b", "a"])).unwrap_err();
        assert_eq!(error, r#"columns 1 and 3 are both called "a"; rename one"#);
        assert!(of_header(&cells(&["x1", ""])).is_err());
        assert!(of_header(&[b"\xe9".to_vec()]).unwrap_err().contains("column 1 is not UTF-8"));
    }
}
