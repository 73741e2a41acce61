//! JSON Lines: an object a line, whose keys are the columns.
//!
//! The keys of the first chunk (half a MiB, or one row) are the columns, in the order of their
//! first appearance. A key that comes later is ignored, and named by [`Reader::ignored`]. A key
//! that a row lacks is a missing value, as null is.
//!
//! [`Reader::ignored`]: super::Reader::ignored

use super::column::Column;
use super::cut::Cutter;
use super::pipeline::{Fault, Parse, Parsed, Pipeline};
use super::{Ignored, Opened, Threads};
use crate::block::{ReadAs, Values};
use crate::error::{Error, Place, Result};
use crate::source::ByteSource;
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::PoisonError;

/// Opens a file of objects.
pub(super) fn open(source: ByteSource, wanted: &dyn Fn(&str) -> ReadAs, threads: Threads) -> Result<Opened> {
    let (path, watch) = (source.path().to_path_buf(), source.watch());
    let mut cutter = Cutter::new(source, None, threads.chunk);
    let mut first = Keys::default();
    let (mut buffer, mut lines) = (Vec::new(), 0);
    while first.names.is_empty() && cutter.next(&mut buffer)? {
        first.add(&buffer).map_err(|(line, reason)| {
            watch.check().err().unwrap_or_else(|| Error::format(&path, Place::of_line(lines + line), reason))
        })?;
        if first.names.is_empty() {
            lines += memchr::memchr_iter(b'\n', &buffer).count() as u64;
        }
    }
    if first.names.is_empty() {
        return Err(Error::format(&path, Place::default(), if lines == 0 { "is empty" } else { "has no object" }));
    }
    cutter.put_back(&buffer);
    let columns = first.names.iter().map(|name| Column::new(wanted(name))).collect();
    let ignored = Ignored::default();
    let objects = Objects { keys: first.places, columns, ignored: ignored.clone() };
    let blocks = Pipeline::new(cutter, lines, first.names.clone(), objects, threads.count)?;
    Ok(Opened { names: first.names, blocks: Box::new(blocks), ignored })
}

/// Keys in the order of their first appearance.
#[derive(Default)]
struct Keys {
    names: Vec<String>,
    places: HashMap<String, usize>,
}

impl Keys {
    /// Adds the keys of all rows of a chunk. An error has the line, from 0.
    fn add(&mut self, chunk: &[u8]) -> Result<(), (u64, String)> {
        for (line, text) in lines(chunk) {
            let keys: RowKeys = parse(text).map_err(|reason| (line, reason))?;
            for key in keys.0 {
                if !self.places.contains_key(&key) {
                    self.places.insert(key.clone(), self.names.len());
                    self.names.push(key);
                }
            }
        }
        Ok(())
    }
}

/// The lines of a chunk that hold something, by number.
fn lines(chunk: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    (0..).zip(chunk.split(|&byte| byte == b'\n')).filter(|(_, text)| !text.trim_ascii().is_empty())
}

fn parse<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(text).map_err(|error| reason(&error, text))
}

fn reason(error: &serde_json::Error, text: &[u8]) -> String {
    if text.trim_ascii_start().starts_with(b"[") {
        return "each line must be an object, and this is an array; write one object a line, for example with \
                `jq -c '.[]'`"
            .into();
    }
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or(&message);
    format!("{message} (character {} of the line)", error.column())
}

struct RowKeys(Vec<String>);

impl<'de> Deserialize<'de> for RowKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = RowKeys;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RowKeys, A::Error> {
                let mut keys = Vec::new();
                while let Some((key, IgnoredAny)) = map.next_entry::<String, _>()? {
                    keys.push(key);
                }
                Ok(RowKeys(keys))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// What is known of a file before its rows are parsed.
struct Objects {
    keys: HashMap<String, usize>,
    columns: Vec<Column>,
    ignored: Ignored,
}

impl Parse for Objects {
    fn parse(&self, chunk: &[u8]) -> Result<Parsed, Fault> {
        let mut columns: Vec<_> = self.columns.iter().map(Column::empty).collect();
        // The row that has each column's last value, from 1.
        let mut filled = vec![0; columns.len()];
        let mut unknown = BTreeSet::new();
        let mut rows = 0;
        for (line, text) in lines(chunk) {
            let fault = |column, value, reason| Fault { row: rows, line, column, value, reason };
            let mut row = Row {
                objects: self,
                columns: &mut columns,
                filled: &mut filled,
                number: rows + 1,
                unknown: &mut unknown,
                wrong: None,
            };
            let mut deserializer = serde_json::Deserializer::from_slice(text);
            let read = deserializer.deserialize_map(&mut row);
            if let Some((column, value, reason)) = row.wrong {
                return Err(fault(Some(column), value, reason));
            }
            read.and_then(|()| deserializer.end()).map_err(|error| fault(None, None, reason(&error, text)))?;
            rows += 1;
            for (values, filled) in columns.iter_mut().zip(&filled) {
                if *filled < rows {
                    push(values, None);
                }
            }
        }
        if !unknown.is_empty() {
            self.ignored.0.lock().unwrap_or_else(PoisonError::into_inner).append(&mut unknown);
        }
        let lines = memchr::memchr_iter(b'\n', chunk).count() as u64;
        Ok(Parsed { rows, columns, lines })
    }
}

/// Adds a text, or a missing value.
fn push(values: &mut Values, text: Option<&str>) {
    match values {
        Values::Skipped => {}
        Values::Text(cells) => cells.push(text),
        Values::Numbers(numbers) => numbers.push(f64::NAN),
    }
}

/// An object that is being read into the columns.
struct Row<'a> {
    objects: &'a Objects,
    columns: &'a mut [Values],
    filled: &'a mut [usize],
    number: usize,
    unknown: &'a mut BTreeSet<String>,
    /// A value that its column cannot hold.
    wrong: Option<(usize, Option<String>, String)>,
}

impl<'de> Visitor<'de> for &mut Row<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Key(key)) = map.next_key()? {
            let Some(&column) = self.objects.keys.get(key.as_ref()) else {
                self.unknown.insert(key.into_owned());
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if std::mem::replace(&mut self.filled[column], self.number) == self.number {
                self.wrong = Some((column, None, "the row has this key twice".into()));
                return Err(de::Error::custom(""));
            }
            let format = &self.objects.columns[column];
            if matches!(format, Column::Skip) {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let scalar: Scalar = map.next_value()?;
            if let Err((value, reason)) = scalar.put(format, &mut self.columns[column]) {
                self.wrong = Some((column, value, reason));
                return Err(de::Error::custom(""));
            }
        }
        Ok(())
    }
}

/// A key, which is copied only where it has escapes.
struct Key<'a>(std::borrow::Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_str(ScalarVisitor)? {
            Scalar::Text(text) => Ok(Key(text)),
            _ => Err(de::Error::custom("a key is no string")),
        }
    }
}

/// A value of an object.
enum Scalar<'a> {
    Null,
    Boolean(bool),
    Integer(i128),
    Float(f64),
    Text(std::borrow::Cow<'a, str>),
    Nested,
}

impl Scalar<'_> {
    /// Adds the value to its column, or says what is wrong with it.
    fn put(self, format: &Column, values: &mut Values) -> Result<(), (Option<String>, String)> {
        match (self, format, values) {
            (Scalar::Nested, ..) => {
                return Err((None, "the value is an array or an object; write its parts as keys of their own".into()));
            }
            (Scalar::Null, _, values) => push(values, None),
            (Scalar::Text(text), Column::Numbers(format), Values::Numbers(numbers)) => {
                match format.parse(text.as_bytes()) {
                    Some(number) => numbers.push(number),
                    None => return Err((Some(text.into_owned()), "is not a number".into())),
                }
            }
            (Scalar::Boolean(value), Column::Numbers(_), _) => {
                return Err((Some(value.to_string()), "is not a number".into()));
            }
            (Scalar::Integer(value), Column::Numbers(format), Values::Numbers(numbers)) => {
                numbers.push(format.checked(value as f64));
            }
            (Scalar::Float(value), Column::Numbers(format), Values::Numbers(numbers)) => {
                numbers.push(format.checked(value));
            }
            (Scalar::Text(text), _, values) => push(values, Some(&text)),
            (Scalar::Boolean(value), _, values) => push(values, Some(if value { "true" } else { "false" })),
            (Scalar::Integer(value), _, values) => push(values, Some(&value.to_string())),
            (Scalar::Float(value), _, values) => push(values, Some(&value.to_string())),
        }
        Ok(())
    }
}

struct ScalarVisitor;

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Integer(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Integer(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Float(value))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(text.into()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(text.to_string().into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Scalar<'de>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Nested)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Nested)
    }
}
