//! THE DEFINITION of dropout. `docs/reference/masks.md` says the same in words and numbers; every
//! fast kernel is tested against this file, and its known answers (`tests/fixtures/masks.json`) are
//! frozen.

use super::{Concrete, DropoutKind, MaskKey, MaskSharing};
use crate::random::{Stream, normal};
use crate::{Error, Result};
use ndarray::{Array2, ArrayView2};

/// Dropout of one [`DropoutKind`]. Unless said otherwise it is inverted dropout with drop
/// probability p, `0 <= p <= 1`: while training, each unit of each example is zero with probability
/// p and `x * 1/(1-p)` otherwise, so that its mean over the masks is x. At inference it is not
/// applied at all.
///
/// Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, "Dropout: a simple way to prevent
/// neural networks from overfitting", JMLR 15 (2014); the inverted form is its section 10's, with
/// the scale in training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dropout {
    kind: DropoutKind,
    p: f64,
    sharing: MaskSharing,
}

impl Dropout {
    /// No dropout.
    pub const NONE: Dropout = Dropout { kind: DropoutKind::Bernoulli, p: 0.0, sharing: MaskSharing::PerExample };

    /// Dropout with drop probability `p` and a mask for each example.
    ///
    /// # Errors
    /// [`Error::Setting`] unless `0 <= p <= 1`.
    pub fn new(p: f64) -> Result<Self> {
        Dropout::of(DropoutKind::Bernoulli, p, MaskSharing::PerExample)
    }

    /// Dropout with drop probability `p` whose masks are shared in training. With p = 0 there is no
    /// mask to share, and the result is [`Self::NONE`].
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn shared(p: f64, sharing: MaskSharing) -> Result<Self> {
        Dropout::of(DropoutKind::Bernoulli, p, sharing)
    }

    /// Dropout of any kind. With p = 0 it is [`Self::NONE`].
    ///
    /// # Errors
    /// [`Error::Setting`] unless `0 <= p <= 1`, or `p < 1` for [`DropoutKind::Gaussian`],
    /// [`DropoutKind::Alpha`] and [`DropoutKind::Concrete`].
    pub fn of(kind: DropoutKind, p: f64, sharing: MaskSharing) -> Result<Self> {
        Dropout::checked(kind, p, sharing).map_err(|reason| Error::setting("dropout", p, reason))
    }

    /// [`Self::of`], or what is wrong with p.
    pub(super) fn checked(kind: DropoutKind, p: f64, sharing: MaskSharing) -> Result<Self, &'static str> {
        match kind.objection(p) {
            Some(reason) => Err(reason),
            None if p == 0.0 => Ok(Dropout::NONE),
            None => Ok(Dropout { kind, p, sharing }),
        }
    }

    /// What the layer does to its units.
    pub fn kind(self) -> DropoutKind {
        self.kind
    }

    /// Which examples of a batch share a mask in training.
    pub fn sharing(self) -> MaskSharing {
        self.sharing
    }

    /// Whose mask row `row` of a batch, the example with id `example`, takes: its own, or that of
    /// its group, whose number is `row / rows` (0 for a whole batch). Sampled predictions average
    /// over sub-networks that must differ from example to example, so with [`Stream::MonteCarlo`]
    /// nothing is shared.
    pub fn mask_id(self, site: &MaskKey, row: u32, example: u32) -> u32 {
        match (site.stream, self.sharing) {
            (Stream::MonteCarlo, _) | (_, MaskSharing::PerExample) => example,
            (_, MaskSharing::Rows(rows)) => row / rows,
            (_, MaskSharing::Batch) => 0,
        }
    }

    /// The drop probability.
    pub fn p(self) -> f64 {
        self.p
    }

    /// Dropout with drop probability `p · factor` (one f64 product), otherwise the same: what a
    /// step of a [`Schedule`](crate::optim::Schedule) has. With a factor of 0 it is
    /// [`Self::NONE`].
    ///
    /// # Panics
    /// Unless `0 <= factor <= 1`.
    pub fn times(self, factor: f64) -> Self {
        assert!((0.0..=1.0).contains(&factor), "a factor from 0 to 1, not {factor}");
        let dropout = Dropout { p: self.p * factor, ..self };
        if dropout.is_identity() { Dropout::NONE } else { dropout }
    }

    /// T = round(p · 2^32), from 0 to 2^32: a unit is dropped iff its word is below T.
    pub fn threshold(self) -> u64 {
        (self.p * 4_294_967_296.0).round() as u64
    }

    /// What a kept value is multiplied by: 1/(1-p), rounded once to f32; 0 for p = 1, where nothing
    /// is kept. For alpha dropout `a = 1/sqrt((1-p)(1 + p α'²))`, likewise rounded, with α' =
    /// [`DropoutKind::ALPHA_DROPPED`]. Gaussian dropout, concrete dropout and DropConnect have no
    /// such number for units, and 1 in its place.
    pub fn scale(self) -> f32 {
        match self.kind {
            DropoutKind::Bernoulli if self.p == 1.0 => 0.0,
            DropoutKind::Bernoulli => (1.0 / (1.0 - self.p)) as f32,
            DropoutKind::Gaussian | DropoutKind::DropConnect | DropoutKind::Concrete => 1.0,
            DropoutKind::Alpha => self.affine().0 as f32,
        }
    }

    /// a and b of alpha dropout.
    fn affine(self) -> (f64, f64) {
        let (p, dropped) = (self.p, DropoutKind::ALPHA_DROPPED);
        let a = 1.0 / ((1.0 - p) * (1.0 + p * (dropped * dropped))).sqrt();
        (a, -(a * p * dropped))
    }

    /// What alpha dropout adds to a kept value after its scale, `b = -a p α'`, and what a dropped
    /// unit becomes, `a α' + b`; each rounded once to f32.
    pub fn alpha_shifts(self) -> (f32, f32) {
        let (a, b) = self.affine();
        (b as f32, (a * DropoutKind::ALPHA_DROPPED + b) as f32)
    }

    /// Standard deviation of what a unit is multiplied by: sqrt(p/(1-p)), rounded once to f32.
    /// Without an end at p = 1.
    pub fn deviation(self) -> f32 {
        (self.p / (1.0 - self.p)).sqrt() as f32
    }

    /// Whether p is learned, and only begins at [`Self::p`].
    pub fn is_concrete(self) -> bool {
        self.kind.is_learned() && !self.is_identity()
    }

    /// Whether the layer does nothing, because no word is below T and the scale is 1.
    pub fn is_identity(self) -> bool {
        self.p == 0.0
    }

    /// Whether `unit` is kept by the mask of `mask_id`: an example's id, or the number of a group
    /// ([`Self::mask_id`]). Gaussian dropout, concrete dropout and DropConnect keep all units.
    pub fn keeps(self, site: &MaskKey, mask_id: u32, unit: u32) -> bool {
        match self.kind {
            DropoutKind::Bernoulli | DropoutKind::Alpha => u64::from(site.word(mask_id, unit)) >= self.threshold(),
            DropoutKind::Gaussian | DropoutKind::DropConnect | DropoutKind::Concrete => true,
        }
    }

    /// What the unit is multiplied by, and its derivative in the backward pass: 0 or
    /// [`Self::scale`]; for gaussian dropout `1 + deviation · normal(word)`, a product and a sum in
    /// f32; for concrete dropout [`Concrete::factor`] where p begins.
    pub fn factor(self, site: &MaskKey, mask_id: u32, unit: u32) -> f32 {
        if self.is_identity() {
            1.0
        } else if self.kind == DropoutKind::Gaussian {
            1.0 + self.deviation() * normal(site.word(mask_id, unit))
        } else if self.kind == DropoutKind::Concrete {
            Concrete::of_p(self.p).factor(site.word(mask_id, unit))
        } else if self.keeps(site, mask_id, unit) {
            self.scale()
        } else {
            0.0
        }
    }

    /// What becomes of the value `x` of a unit. A dropped unit does not depend on what it was,
    /// infinite or NaN too: it is +0, with alpha dropout the number that [`Self::alpha_shifts`]
    /// gives.
    pub fn value(self, x: f32, site: &MaskKey, mask_id: u32, unit: u32) -> f32 {
        match self.kind {
            _ if self.is_identity() => x, // even x * 1 would change a signaling NaN
            DropoutKind::DropConnect => x,
            DropoutKind::Gaussian | DropoutKind::Concrete => x * self.factor(site, mask_id, unit),
            DropoutKind::Bernoulli if self.keeps(site, mask_id, unit) => x * self.scale(),
            DropoutKind::Bernoulli => 0.0,
            DropoutKind::Alpha if self.keeps(site, mask_id, unit) => x * self.scale() + self.alpha_shifts().0,
            DropoutKind::Alpha => self.alpha_shifts().1,
        }
    }

    /// Dropout of `x` (examples × units), a batch whose row i is the example with id `examples[i]`:
    /// [`Self::value`] of each unit.
    ///
    /// ```
    /// use furlough::{nn::{Dropout, MaskKey}, random::{Key, Stream}};
    /// let site = MaskKey { key: Key::new(1), stream: Stream::Dropout, step: 0, layer: 1 };
    /// let y = Dropout::new(0.5)?.forward(ndarray::Array2::ones((4, 8)).view(), &[0, 1, 2, 3], &site);
    /// assert!(y.iter().all(|&v| v == 0.0 || v == 2.0));
    /// # Ok::<(), furlough::Error>(())
    /// ```
    ///
    /// # Panics
    /// When there are not as many ids as rows.
    pub fn forward(self, x: ArrayView2<f32>, examples: &[u32], site: &MaskKey) -> Array2<f32> {
        assert_eq!(x.nrows(), examples.len(), "one example id a row");
        Array2::from_shape_fn(x.dim(), |(row, unit)| {
            self.value(x[[row, unit]], site, self.mask_id(site, row as u32, examples[row]), unit as u32)
        })
    }

    /// ∂L/∂x, given `dy` = ∂L/∂y for y = forward(x): the same mask, drawn again, and
    /// [`Self::factor`] of each kept unit.
    ///
    /// # Panics
    /// When there are not as many ids as rows.
    pub fn backward(self, dy: ArrayView2<f32>, examples: &[u32], site: &MaskKey) -> Array2<f32> {
        assert_eq!(dy.nrows(), examples.len(), "one example id a row");
        Array2::from_shape_fn(dy.dim(), |(row, unit)| {
            let (mask_id, unit, dy) = (self.mask_id(site, row as u32, examples[row]), unit as u32, dy[[row, unit]]);
            match self.keeps(site, mask_id, unit) {
                _ if self.is_identity() => dy,
                true => dy * self.factor(site, mask_id, unit),
                false => 0.0, // not a product, so that it stops a NaN too
            }
        })
    }
}
