//! Safetensors files with a seal: a SHA-256 over the whole file, so that no damage anywhere goes
//! unnoticed.

use super::check_version;
use super::tensors::{self, Tensor, TensorFile};
use crate::nn::{Architecture, Mlp};
use crate::text::hex;
use crate::{Error, Result, counted};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::Path;

/// The one metadata key. One, because the order of several would change from run to run.
const KEY: &str = "furlough";
/// How the seal begins in the file: JSON within JSON, so its quotes are escaped. Text from outside
/// (names, recipes) is escaped twice and cannot look like it.
const MARK: &[u8] = br#"\"sha256\":\""#;
const DIGITS: usize = 64;

#[derive(Serialize, Deserialize)]
struct Envelope<M> {
    // First, so that MARK finds it first.
    sha256: String,
    kind: String,
    version: u32,
    library: String,
    #[serde(flatten)]
    body: M,
}

/// What a sealed file is, and the newest version of its format.
#[derive(Debug, Clone, Copy)]
pub(super) struct FileKind {
    pub name: &'static str,
    pub version: u32,
}

/// A sealed file of `groups`, each with a prefix for its tensors' names ([`ParamSpec::name`]) and
/// as long as the parameters.
///
/// [`ParamSpec::name`]: crate::nn::ParamSpec::name
pub(super) fn seal<M: Serialize>(
    path: &Path,
    kind: FileKind,
    body: &M,
    architecture: &Architecture,
    groups: &[(&str, &[f32])],
) -> Result<Vec<u8>> {
    let groups: Vec<_> = groups.iter().map(|&(prefix, values)| (prefix, architecture, values)).collect();
    seal_networks(path, kind, body, &groups)
}

/// [`seal`] of groups that each have an architecture of their own.
pub(super) fn seal_networks<M: Serialize>(
    path: &Path,
    kind: FileKind,
    body: &M,
    groups: &[(&str, &Architecture, &[f32])],
) -> Result<Vec<u8>> {
    let sha256 = "0".repeat(DIGITS);
    let library = env!("CARGO_PKG_VERSION").into();
    let envelope = Envelope { sha256, kind: kind.name.into(), version: kind.version, library, body };
    let failed = |error: &dyn std::fmt::Display| Error::file(path, format!("cannot be written: {error}"));
    let metadata = serde_json::to_string(&envelope).map_err(|error| failed(&error))?;

    let mut tensors = Vec::new();
    for (prefix, architecture, values) in groups {
        for spec in architecture.param_specs() {
            let name = format!("{prefix}{}", spec.name);
            let values = &values[spec.range.clone()];
            if let Some(value) = values.iter().find(|value| !value.is_finite()) {
                return Err(failed(&format!("{name} has the value {value}. Try a smaller learning rate")));
            }
            tensors.push(Tensor { name, shape: spec.shape.clone(), values });
        }
    }
    let mut file = tensors::write(tensors, KEY, &metadata).map_err(|error| failed(&error))?;
    let at = find_seal(&file).ok_or_else(|| failed(&"it has no seal"))?;
    let digest = digest(&file, at);
    file[at..at + DIGITS].copy_from_slice(digest.as_bytes());
    Ok(file)
}

/// The logits of concrete dropout as they are written.
pub(super) fn logits(path: &Path, mlp: &Mlp) -> Result<Vec<f64>> {
    match mlp.dropout_logits().iter().find(|logit| !logit.is_finite()) {
        Some(logit) => {
            Err(Error::file(path, format!("cannot be written: a dropout probability has the logit {logit}")))
        }
        None => Ok(mlp.dropout_logits().to_vec()),
    }
}

/// Where the seal's digits are.
fn find_seal(file: &[u8]) -> Option<usize> {
    let at = file.windows(MARK.len()).position(|window| window == MARK)? + MARK.len();
    (at + DIGITS <= file.len()).then_some(at)
}

/// SHA-256 of the file with the seal's digits as zeros.
fn digest(file: &[u8], at: usize) -> String {
    let mut hash = Sha256::new();
    hash.update(&file[..at]);
    hash.update([b'0'; DIGITS]);
    hash.update(&file[at + DIGITS..]);
    hex(hash.finalize().as_slice())
}

/// Opens a sealed file: its metadata and tensors, with every byte known to be as it was written.
pub(super) fn open<'a, M: DeserializeOwned>(
    path: &Path,
    kind: FileKind,
    file: &'a [u8],
) -> Result<(M, TensorFile<'a>)> {
    let file = SealedFile::open(path, kind, file)?;
    Ok((file.body(path)?, file.tensors))
}

/// A sealed file, with every byte known to be as it was written.
pub(super) struct SealedFile<'a> {
    /// What it says beside its tensors.
    metadata: String,
    pub tensors: TensorFile<'a>,
}

impl<'a> SealedFile<'a> {
    pub(super) fn open(path: &Path, kind: FileKind, file: &'a [u8]) -> Result<Self> {
        let bad = |reason: String| Error::file(path, reason);
        let tensors = TensorFile::read(file).map_err(|how| damaged(path, &how))?;
        let metadata = tensors.metadata(KEY).map(String::from);
        let (Some(metadata), Some(at)) = (metadata, find_seal(file)) else {
            return Err(bad(format!("is not a {} of furlough's: its metadata is missing", kind.name)));
        };
        if file[at..at + DIGITS] != *digest(file, at).as_bytes() {
            return Err(damaged(path, "its SHA-256 is not the one it was written with"));
        }
        #[derive(Deserialize)]
        struct Label {
            kind: String,
            version: u32,
        }
        let label: Label = serde_json::from_str(&metadata).map_err(|error| damaged(path, &error.to_string()))?;
        if label.kind != kind.name {
            return Err(bad(format!("is a {}, not a {}", label.kind, kind.name)));
        }
        check_version(path, label.version, kind.version)?;
        Ok(SealedFile { metadata, tensors })
    }

    /// Reads what it says beside its tensors.
    pub(super) fn body<M: DeserializeOwned>(&self, path: &Path) -> Result<M> {
        let envelope = serde_json::from_str::<Envelope<M>>(&self.metadata);
        Ok(envelope.map_err(|error| damaged(path, &error.to_string()))?.body)
    }
}

fn damaged(path: &Path, how: &str) -> Error {
    Error::file(path, format!("is damaged: {how}. Restore it from a copy, or train again in another folder"))
}

/// Checks that a file has the tensors of `groups` groups, and no other.
pub(super) fn check_count(
    path: &Path,
    tensors: &TensorFile<'_>,
    architecture: &Architecture,
    groups: usize,
) -> Result<()> {
    check_tensors(path, tensors, architecture.param_specs().len() * groups)
}

/// Checks that a file has so many tensors.
pub(super) fn check_tensors(path: &Path, tensors: &TensorFile<'_>, expected: usize) -> Result<()> {
    if tensors.len() == expected {
        return Ok(());
    }
    let reason = format!("belongs to another network: it has {}, not {expected}", counted(tensors.len(), "tensor"));
    Err(Error::file(path, reason))
}

/// The values of the tensors of one group, as long as the parameters.
pub(super) fn values(
    path: &Path,
    tensors: &TensorFile<'_>,
    architecture: &Architecture,
    prefix: &str,
) -> Result<Vec<f32>> {
    let mut values = Vec::with_capacity(architecture.parameters());
    for spec in architecture.param_specs() {
        let (name, shape) = (format!("{prefix}{}", spec.name), &spec.shape);
        let found = tensors.values(&name, shape).map_err(|found| {
            Error::file(path, format!("belongs to another network: {name} should be {shape:?}, but {found}"))
        })?;
        let from = values.len();
        values.extend(found);
        if let Some(value) = values[from..].iter().find(|value| !value.is_finite()) {
            return Err(Error::file(path, format!("{name} has the value {value}; it cannot be used")));
        }
    }
    Ok(values)
}
