//! The safetensors format, as far as model files and checkpoints need it: tensors of f32 and one
//! text beside them. <https://github.com/huggingface/safetensors> defines it: the header's length
//! as a u64, the header as JSON, padded with spaces to a multiple of 8 bytes, and the values, all
//! little-endian. The crate of that name reads and writes the same bytes; the tests hold this
//! module to it. It stays out of the engine because it would bring ten packages with it.

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeMap;

const LENGTH: usize = size_of::<u64>();
/// A header may be this long, as in the reference implementation: a lying length allocates nothing.
const MAX_HEADER: usize = 100_000_000;
const METADATA: &str = "__metadata__";
const F32: &str = "F32";

/// What the header says of a tensor.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TensorInfo {
    dtype: String,
    shape: Vec<usize>,
    /// Where its bytes begin and end, from the end of the header.
    data_offsets: (usize, usize),
}

/// A tensor to be written: its name, its shape and its values in row-major order.
pub(super) struct Tensor<'a> {
    pub name: String,
    pub shape: Vec<usize>,
    pub values: &'a [f32],
}

struct Header<'a> {
    metadata: BTreeMap<&'a str, &'a str>,
    tensors: Vec<(&'a str, TensorInfo)>,
}

impl Serialize for Header<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1 + self.tensors.len()))?;
        map.serialize_entry(METADATA, &self.metadata)?;
        for (name, info) in &self.tensors {
            map.serialize_entry(name, info)?;
        }
        map.end()
    }
}

/// Returns the bytes of a file with `tensors`, in the order of their names, and one metadata entry.
pub(super) fn write(mut tensors: Vec<Tensor<'_>>, key: &str, text: &str) -> serde_json::Result<Vec<u8>> {
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    let mut end = 0;
    let infos = tensors.iter().map(|tensor| {
        let start = end;
        end += size_of_val(tensor.values);
        let info = TensorInfo { dtype: F32.into(), shape: tensor.shape.clone(), data_offsets: (start, end) };
        (&*tensor.name, info)
    });
    let header = Header { tensors: infos.collect(), metadata: BTreeMap::from([(key, text)]) };
    let mut header = serde_json::to_vec(&header)?;
    header.resize(header.len().next_multiple_of(LENGTH), b' ');

    let mut file = Vec::with_capacity(LENGTH + header.len() + end);
    file.extend((header.len() as u64).to_le_bytes());
    file.extend(header);
    for tensor in tensors {
        file.extend(tensor.values.iter().flat_map(|value| value.to_le_bytes()));
    }
    Ok(file)
}

/// A file that was read: nothing of it overlaps, and no byte of it belongs to nothing.
#[derive(Debug)]
pub(super) struct TensorFile<'a> {
    metadata: BTreeMap<String, String>,
    tensors: BTreeMap<String, TensorInfo>,
    values: &'a [u8],
}

impl<'a> TensorFile<'a> {
    /// Returns what `file` holds, or why it is no such file.
    pub fn read(file: &'a [u8]) -> Result<Self, String> {
        let cut = || format!("it is cut short, or has {} bytes that do not belong together", file.len());
        let (length, rest) = file.split_first_chunk::<LENGTH>().ok_or_else(cut)?;
        let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
        if length > MAX_HEADER {
            return Err(format!("its header would be {length} bytes long"));
        }
        let (header, values) = rest.split_at_checked(length).ok_or_else(cut)?;
        let mut entries: BTreeMap<String, serde_json::Value> =
            serde_json::from_slice(header).map_err(|error| format!("its header is no JSON: {error}"))?;
        let wrong = |error: serde_json::Error| format!("its header is not that of tensors: {error}");
        let metadata = entries.remove(METADATA).map_or_else(|| Ok(BTreeMap::new()), serde_json::from_value);
        let tensors = entries.into_iter().map(|(name, info)| Ok((name, serde_json::from_value(info)?)));
        let tensors: BTreeMap<String, TensorInfo> = tensors.collect::<serde_json::Result<_>>().map_err(wrong)?;
        if check(&tensors)? != values.len() {
            return Err(cut());
        }
        Ok(TensorFile { metadata: metadata.map_err(wrong)?, tensors, values })
    }

    /// Returns the metadata entry `key`.
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.metadata.get(key).map(String::as_str)
    }

    /// Returns the number of tensors.
    pub fn len(&self) -> usize {
        self.tensors.len()
    }

    /// Returns the shape of the tensor `name`; none where there is no such tensor.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|info| &*info.shape)
    }

    /// Returns the values of the tensor `name`, which must have this shape, or what is there
    /// instead.
    pub fn values(&self, name: &str, shape: &[usize]) -> Result<impl Iterator<Item = f32> + 'a, String> {
        let info = self.tensors.get(name).ok_or("is missing")?;
        if info.shape != shape || info.dtype != F32 {
            return Err(format!("is {:?} of {}", info.shape, info.dtype));
        }
        let (start, end) = info.data_offsets;
        let (words, _) = self.values[start..end].as_chunks();
        Ok(words.iter().map(|&word| f32::from_le_bytes(word)))
    }
}

/// Checks that the tensors follow each other without gaps, each as long as its shape says, and
/// returns how many bytes they take.
fn check(tensors: &BTreeMap<String, TensorInfo>) -> Result<usize, String> {
    let mut in_order: Vec<_> = tensors.iter().collect();
    in_order.sort_by_key(|(_, info)| info.data_offsets);
    let mut end = 0_usize;
    for (name, info) in in_order {
        let (from, to) = info.data_offsets;
        if from != end || to < from {
            return Err(format!("the values of {name} are not where those before it end"));
        }
        let values = info.shape.iter().try_fold(size_of::<f32>(), |all, &size| all.checked_mul(size));
        if info.dtype == F32 && values != Some(to - from) {
            return Err(format!("{name} has {} bytes, which its shape does not take", to - from));
        }
        end = to;
    }
    Ok(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use safetensors::tensor::{Dtype, TensorView};
    use std::collections::HashMap;

    /// A file with any header.
    fn file(header: &str, values: usize) -> Vec<u8> {
        let mut file = (header.len() as u64).to_le_bytes().to_vec();
        file.extend(header.bytes());
        file.resize(file.len() + values, 0);
        file
    }

    #[test]
    fn the_reference_implementation_writes_the_same_bytes() {
        let values = [1.0_f32, -0.0, f32::MIN_POSITIVE, 1e30, 5.0, 6.0];
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let view = |shape: &[usize], bytes| TensorView::new(Dtype::F32, shape.to_vec(), bytes).unwrap();
        for text in ["", "a", "ab", "é \"quoted\"\n", "12345678"] {
            let theirs = [("b.weight", view(&[2, 2], &bytes[..16])), ("a.bias", view(&[2], &bytes[16..]))];
            let theirs = safetensors::serialize(theirs, Some(HashMap::from([("key".into(), text.into())]))).unwrap();
            let tensor =
                |name: &str, shape: &[usize], values| Tensor { name: name.into(), shape: shape.to_vec(), values };
            let ours = vec![tensor("b.weight", &[2, 2], &values[..4]), tensor("a.bias", &[2], &values[4..])];
            assert_eq!(write(ours, "key", text).unwrap(), theirs, "{text:?}");
            let read = TensorFile::read(&theirs).unwrap();
            assert_eq!((read.metadata("key"), read.metadata("other"), read.len()), (Some(text), None, 2));
            let same = |name, shape: &[usize], expected: &[f32]| {
                let read = read.values(name, shape).unwrap().map(f32::to_bits).collect::<Vec<_>>();
                assert_eq!(read, expected.iter().map(|value| value.to_bits()).collect::<Vec<_>>());
            };
            same("b.weight", &[2, 2], &values[..4]);
            same("a.bias", &[2], &values[4..]);
        }
    }

    #[test]
    fn what_is_no_tensor_file_is_refused_and_the_reference_refuses_it_too() {
        let tensor = |dtype: &str, shape: &str, from: usize, to: usize| {
            format!("{{\"dtype\":\"{dtype}\",\"shape\":{shape},\"data_offsets\":[{from},{to}]}}")
        };
        let one = |info: &str| format!("{{\"a\":{info}}}");
        let two = |a: &str, b: &str| format!("{{\"a\":{a},\"b\":{b}}}");
        let huge = format!("[{0},{0}]", u64::MAX / 2);
        for (file, expected) in [
            (vec![], "cut short"),
            (vec![0; 7], "cut short"),
            (u64::MAX.to_le_bytes().to_vec(), "bytes long"),
            (9_u64.to_le_bytes().to_vec(), "cut short"),
            (file("{", 0), "no JSON"),
            (file("[]", 0), "no JSON"),
            (file(&one("7"), 0), "not that of tensors"),
            (file("{\"__metadata__\":{\"a\":7}}", 0), "not that of tensors"),
            (file(&one(&tensor("F32", "[-1]", 0, 4)), 4), "not that of tensors"),
            (file(&one(&tensor("F32", "[1]", 4, 8)), 8), "not where those before it end"),
            (file(&one(&tensor("F32", "[1]", 4, 0)), 4), "not where those before it end"),
            (file(&two(&tensor("F32", "[2]", 0, 8), &tensor("F32", "[2]", 4, 12)), 12), "not where"),
            (file(&one(&tensor("F32", "[2]", 0, 4)), 4), "which its shape does not take"),
            (file(&one(&tensor("F32", &huge, 0, 4)), 4), "which its shape does not take"),
            (file(&one(&tensor("F32", "[1]", 0, 4)), 3), "cut short"),
            (file(&one(&tensor("F32", "[1]", 0, 4)), 5), "cut short"),
        ] {
            let error = TensorFile::read(&file).unwrap_err();
            assert!(error.contains(expected), "{error:?} should say {expected:?}");
            assert!(safetensors::SafeTensors::deserialize(&file).is_err(), "{expected}");
        }
    }

    #[test]
    fn another_type_or_shape_is_told() {
        let header = "{\"a\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]}}";
        let file = file(header, 4);
        let read = TensorFile::read(&file).unwrap();
        let told = |name| read.values(name, &[2]).err().unwrap();
        assert_eq!((told("a").as_str(), told("b").as_str()), ("is [2] of F16", "is missing"));
    }
}
