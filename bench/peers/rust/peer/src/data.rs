use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, ensure};
use flate2::read::MultiGzDecoder;

pub const PIXELS: usize = 784;
pub const CLASSES: usize = 10;

/// Images as rows of 784 values from 0 to 1, and their classes from 0 to 9.
pub struct Examples {
    pub images: Vec<f32>,
    pub labels: Vec<u8>,
}

impl Examples {
    /// Reads `PART-images-idx3-ubyte` and `PART-labels-idx1-ubyte`, with `.gz` or without.
    pub fn read(folder: &Path, part: &str) -> anyhow::Result<Self> {
        let images = idx(folder, &format!("{part}-images-idx3-ubyte"), &[28, 28])?;
        let labels = idx(folder, &format!("{part}-labels-idx1-ubyte"), &[])?;
        ensure!(images.len() == labels.len() * PIXELS, "{part}: {} labels for other images", labels.len());
        ensure!(labels.iter().all(|&label| usize::from(label) < CLASSES), "{part}: a label above 9");
        Ok(Self { images: images.iter().map(|&pixel| f32::from(pixel) / 255.0).collect(), labels })
    }

    pub fn len(&self) -> usize {
        self.labels.len()
    }

    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }
}

/// The bytes of an IDX file of unsigned bytes, whose items have the shape `item`.
fn idx(folder: &Path, name: &str, item: &[u32]) -> anyhow::Result<Vec<u8>> {
    let packed = folder.join(format!("{name}.gz"));
    let (path, gzip) = if packed.exists() { (packed, true) } else { (folder.join(name), false) };
    let mut file = File::open(&path).with_context(|| path.display().to_string())?;
    let mut bytes = Vec::new();
    if gzip { MultiGzDecoder::new(file).read_to_end(&mut bytes) } else { file.read_to_end(&mut bytes) }
        .with_context(|| path.display().to_string())?;

    let word = |i: usize| bytes.get(4 * i..4 * i + 4).and_then(|word| word.try_into().ok()).map(u32::from_be_bytes);
    let header = 4 * (2 + item.len());
    let magic = 0x0800 | (1 + item.len()) as u32;
    ensure!(word(0) == Some(magic), "{}: not an IDX file of {} dimensions", path.display(), 1 + item.len());
    ensure!((0..item.len()).all(|i| word(i + 2) == Some(item[i])), "{}: items of another shape", path.display());
    let values = word(1).unwrap_or(0) as usize * item.iter().product::<u32>() as usize;
    ensure!(bytes.len() == header + values, "{}: {} bytes", path.display(), bytes.len());
    Ok(bytes.split_off(header))
}
