//! Which units are kept: a list for each place where dropout may stand and for each group of rows.

use super::super::Isa;
use super::super::dropout::LayerMask;
use super::super::simd::for_each_isa;
use crate::nn::Architecture;
use std::ops::Range;

pub(super) struct Kept {
    sites: Vec<Site>,
    /// Rows of a whole group.
    size: usize,
    /// Rows of the present batch.
    rows: usize,
}

/// The features (site 0), or the outputs of a block (site 1 and on).
struct Site {
    width: usize,
    /// For each group the units it keeps, in ascending order.
    lists: Vec<Vec<u32>>,
    /// Of the present batch.
    scale: f32,
}

impl Kept {
    /// Room for groups of `size` rows in batches of `batch_size`.
    pub(super) fn new(architecture: &Architecture, batch_size: usize, size: usize) -> Self {
        let widths = std::iter::once(architecture.inputs()).chain(architecture.blocks().iter().map(|b| b.outputs));
        let site = |width: usize| Site {
            width,
            lists: (0..batch_size.div_ceil(size)).map(|_| Vec::with_capacity(width)).collect(),
            scale: 1.0,
        };
        Kept { sites: widths.map(site).collect(), size, rows: 0 }
    }

    /// Draws the lists of a batch of `rows` rows. `masks` has the mask of each site; without one it
    /// keeps all.
    pub(super) fn draw(&mut self, isa: Isa, masks: &[Option<LayerMask>], rows: usize) {
        self.rows = rows;
        let groups = self.groups();
        for (site, mask) in self.sites.iter_mut().zip(masks) {
            site.scale = mask.map_or(1.0, |mask| mask.scale);
            if let Some(mask) = mask {
                for (group, list) in site.lists[..groups].iter_mut().enumerate() {
                    list.resize(site.width, 0);
                    let kept = if mask.drops_all { 0 } else { list_kept(isa, mask, group as u32, list) };
                    list.truncate(kept);
                }
            } else {
                for list in site.lists.iter_mut().take(groups).filter(|list| list.len() < site.width) {
                    list.clear();
                    list.extend(0..site.width as u32);
                }
            }
        }
    }

    pub(super) fn groups(&self) -> usize {
        self.rows.div_ceil(self.size)
    }

    /// The rows of a group.
    pub(super) fn rows(&self, group: usize) -> Range<usize> {
        group * self.size..self.rows.min((group + 1) * self.size)
    }

    /// The group of a row.
    pub(super) fn group_of(&self, row: usize) -> usize {
        row / self.size
    }

    /// The units that a group keeps at a site.
    pub(super) fn list(&self, site: usize, group: usize) -> &[u32] {
        &self.sites[site].lists[group]
    }

    /// How many units a site has.
    pub(super) fn width(&self, site: usize) -> usize {
        self.sites[site].width
    }

    /// What the kept units of a site are multiplied by.
    pub(super) fn scale(&self, site: usize) -> f32 {
        self.sites[site].scale
    }

    /// The places in the list of the units within `range`.
    pub(super) fn places(&self, site: usize, group: usize, range: &Range<usize>) -> Range<usize> {
        let list = self.list(site, group);
        let place = |unit: usize| list.partition_point(|&kept| (kept as usize) < unit);
        place(range.start)..place(range.end)
    }
}

for_each_isa! {
    /// Writes the units that mask `id` keeps to the beginning of `list`, which is as long as there
    /// are units, and returns how many they are.
    fn list_kept(isa, mask: &LayerMask, id: u32, list: &mut [u32]) -> usize {
        let mut kept = 0;
        for first in (0..list.len()).step_by(64) {
            let words = mask.words(id, first as u32 / 64);
            for (unit, word) in (first..list.len()).zip(words) {
                // Written in any case, which spares a branch that nothing could foretell: kept <=
                // unit.
                list[kept] = unit as u32;
                kept += usize::from(word >= mask.threshold);
            }
        }
        kept
    }
}
