use crate::data::{DatasetRef, Features, Targets};
use crate::nn::Mlp;
use crate::text::hex;
use sha2::{Digest, Sha256};

/// The SHA-256 of `bytes` as 64 lower-case hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(Sha256::digest(bytes).as_slice())
}

/// What a data set is, in 64 hexadecimal digits: equal for equal shape, features, scale, targets,
/// class names and weights, different for anything else. 47 MB of images take some 30 ms where the
/// processor has SHA instructions. Data in a file have [`DiskDataset::fingerprint`], which is
/// another one.
///
/// [`DiskDataset::fingerprint`]: crate::data::DiskDataset::fingerprint
pub fn fingerprint<'a>(data: impl Into<DatasetRef<'a>>) -> String {
    let data = match data.into() {
        DatasetRef::Memory(data) => data,
        DatasetRef::Disk(data) => return data.fingerprint().into(),
    };
    let mut hash = Sha256::new();
    hash.update(b"furlough data 1\n");
    count(&mut hash, data.len());
    count(&mut hash, data.shape().len());
    data.shape().iter().for_each(|&size| count(&mut hash, size));
    match data.inputs() {
        Features::Bytes { rows, scale } => {
            hash.update(b"bytes");
            hash.update(scale.to_le_bytes());
            hash.update(rows.as_slice().expect("standard layout, checked in Dataset::new"));
        }
        Features::Floats(rows) => {
            hash.update(b"floats");
            words(&mut hash, rows.as_slice().expect("standard layout, checked in Dataset::new"), f32::to_le_bytes);
        }
    }
    match data.targets() {
        Targets::Classes { labels, names } => {
            hash.update(b"classes");
            count(&mut hash, names.len());
            for name in names {
                count(&mut hash, name.len());
                hash.update(name.as_bytes());
            }
            words(&mut hash, labels, u32::to_le_bytes);
        }
        Targets::Values(values) => {
            hash.update(b"values");
            count(&mut hash, values.ncols());
            words(&mut hash, values.as_slice().expect("standard layout, checked in Dataset::new"), f32::to_le_bytes);
        }
    }
    if let Some(weights) = data.weights() {
        hash.update(b"weights");
        words(&mut hash, weights, f32::to_le_bytes);
    }
    hex(hash.finalize().as_slice())
}

/// Returns what a network has learned, in 64 hexadecimal digits: equal for the same layers' sizes,
/// parameters and learned drop probabilities, bit for bit.
pub fn weights_fingerprint(mlp: &Mlp) -> String {
    let mut hash = Sha256::new();
    hash.update(b"furlough weights 1\n");
    let specs = mlp.architecture().param_specs();
    count(&mut hash, specs.len());
    for spec in specs {
        count(&mut hash, spec.shape.len());
        spec.shape.iter().for_each(|&size| count(&mut hash, size));
    }
    words(&mut hash, mlp.parameters(), f32::to_le_bytes);
    for logit in mlp.dropout_logits() {
        hash.update(logit.to_le_bytes());
    }
    hex(hash.finalize().as_slice())
}

fn count(hash: &mut Sha256, n: usize) {
    hash.update((n as u64).to_le_bytes());
}

/// Hashes words as little-endian bytes, a few thousand at a time: copying them all would double the
/// memory.
fn words<T: Copy>(hash: &mut Sha256, values: &[T], bytes: fn(T) -> [u8; 4]) {
    let mut buffer = [[0; 4]; 4096];
    for chunk in values.chunks(buffer.len()) {
        for (out, &value) in buffer.iter_mut().zip(chunk) {
            *out = bytes(value);
        }
        hash.update(buffer[..chunk.len()].as_flattened());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Dataset;
    use ndarray::{Array2, array};

    fn classes(labels: &[u32], names: &[&str]) -> Targets {
        Targets::Classes { labels: labels.to_vec(), names: names.iter().map(|n| n.to_string()).collect() }
    }

    #[test]
    fn sha256_of_the_standards_example() {
        assert_eq!(sha256_hex(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn anything_that_differs_shows() {
        let bytes = |rows, scale| Features::Bytes { rows, scale };
        let b = array![[1u8, 2, 3, 4], [5, 6, 7, 8]];
        let f = b.mapv(f32::from);
        let mut other = b.clone();
        other[[1, 3]] = 9;
        let weighted = |weights: [f32; 2]| {
            let data = Dataset::new(bytes(b.clone(), 1.0), classes(&[0, 1], &["a", "b"]), &[4])?;
            data.with_weights(weights.to_vec())
        };
        let sets = [
            weighted([1.0, 1.0]),
            weighted([1.0, 0.5]),
            Dataset::new(bytes(b.clone(), 1.0), classes(&[0, 1], &["a", "b"]), &[4]),
            Dataset::new(bytes(b.clone(), 1.0), classes(&[0, 1], &["a", "b"]), &[2, 2]),
            Dataset::new(bytes(b.clone(), 0.5), classes(&[0, 1], &["a", "b"]), &[4]),
            Dataset::new(bytes(other, 1.0), classes(&[0, 1], &["a", "b"]), &[4]),
            Dataset::new(bytes(b.clone(), 1.0), classes(&[1, 0], &["a", "b"]), &[4]),
            Dataset::new(bytes(b.clone(), 1.0), classes(&[0, 1], &["ab", ""]), &[4]),
            Dataset::new(Features::Floats(f.clone()), classes(&[0, 1], &["a", "b"]), &[4]),
            Dataset::new(Features::Floats(f.clone()), Targets::Values(array![[0.0], [1.0]]), &[4]),
            Dataset::new(Features::Floats(f), Targets::Values(array![[0.0, 1.0], [1.0, 1.0]]), &[4]),
        ];
        let prints: Vec<_> = sets.iter().map(|set| fingerprint(set.as_ref().unwrap())).collect();
        let distinct: std::collections::HashSet<_> = prints.iter().collect();
        assert_eq!(distinct.len(), prints.len());
        assert_eq!(prints[0], fingerprint(&sets[0].as_ref().unwrap().clone()));
    }

    #[test]
    fn words_beyond_one_buffer_count() {
        let set = |last: f32| {
            let mut rows = Array2::<f32>::zeros((3, 4099));
            rows[[2, 4098]] = last;
            fingerprint(&Dataset::new(Features::Floats(rows), classes(&[0, 1, 1], &["a", "b"]), &[4099]).unwrap())
        };
        assert_ne!(set(0.0), set(1.0));
    }
}
