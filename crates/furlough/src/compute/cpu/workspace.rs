//! The memory of a step, allocated once.

use super::matmul::Matmul;
use crate::nn::{Activation, Architecture, Block};
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::NonNull;

/// Plain numbers.
///
/// # Safety
/// All zero bytes are a value of the type, and it needs no drop.
pub(super) unsafe trait Plain: 'static {}
// SAFETY: zero is a number.
unsafe impl Plain for f32 {}
// SAFETY: zero is a number.
unsafe impl Plain for f64 {}
// SAFETY: zero is a word.
unsafe impl Plain for u32 {}
// SAFETY: two numbers.
unsafe impl Plain for super::StepSums {}

/// A borrowed buffer whose parts are written by different threads at the same time.
pub(super) struct Borrowed<'a, T = f32> {
    first: NonNull<T>,
    len: usize,
    owner: PhantomData<&'a mut [T]>,
}

// SAFETY: like a mutable slice, which may go to another thread.
unsafe impl<T: Plain + Send> Send for Borrowed<'_, T> {}
// SAFETY: all access goes through `part`, `read` and `at`, whose callers promise that no element is
// written by one thread while another has it.
unsafe impl<T: Plain + Send + Sync> Sync for Borrowed<'_, T> {}

impl<'a, T: Plain> Borrowed<'a, T> {
    pub(super) fn new(values: &'a mut [T]) -> Self {
        Borrowed { len: values.len(), first: NonNull::from(values).cast(), owner: PhantomData }
    }

    /// Returns elements `start .. start + len`.
    ///
    /// # Safety
    /// While the result lives no other reference to any of these elements is used by any thread.
    #[allow(clippy::mut_from_ref)]
    pub(super) unsafe fn part(&self, start: usize, len: usize) -> &mut [T] {
        assert!(start <= self.len && len <= self.len - start, "part of a buffer");
        // SAFETY: in range, and nobody else's, as promised.
        unsafe { std::slice::from_raw_parts_mut(self.first.as_ptr().add(start), len) }
    }

    /// Returns elements `start .. start + len`, to be read by anyone.
    ///
    /// # Safety
    /// While the result lives no element of it is written.
    pub(super) unsafe fn read(&self, start: usize, len: usize) -> &[T] {
        assert!(start <= self.len && len <= self.len - start, "part of a buffer");
        // SAFETY: in range, and not written, as promised.
        unsafe { std::slice::from_raw_parts(self.first.as_ptr().add(start), len) }
    }

    /// Returns all elements from `start` on.
    ///
    /// # Safety
    /// As [`Self::read`].
    pub(super) unsafe fn read_from(&self, start: usize) -> &[T] {
        // SAFETY: as promised.
        unsafe { self.read(start, self.len - start) }
    }

    /// Returns where element `start` is. Reading or writing there needs what [`Self::part`] needs.
    pub(super) fn at(&self, start: usize) -> *mut T {
        assert!(start <= self.len, "place in a buffer");
        // SAFETY: within the buffer or one past its end.
        unsafe { self.first.as_ptr().add(start) }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// A buffer of its own, on a cache line, so that no vector straddles two.
pub(super) struct Shared<T: Plain>(Borrowed<'static, T>);

impl<T: Plain> Deref for Shared<T> {
    type Target = Borrowed<'static, T>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T: Plain> Shared<T> {
    /// Allocates `rows` times `width` zeros. The memory is touched only when it is used.
    ///
    /// # Panics
    /// When so many do not fit the address space: offsets into a buffer never wrap around.
    pub(super) fn new(rows: usize, width: usize) -> Self {
        let len = rows.checked_mul(width).expect("a buffer that fits the address space");
        let layout = Self::layout(len);
        let first = match layout.size() {
            0 => Some(NonNull::dangling()),
            // SAFETY: the size is not 0, and all zeros is a value of T.
            _ => NonNull::new(unsafe { alloc_zeroed(layout) }.cast()),
        };
        let Some(first) = first else { handle_alloc_error(layout) };
        Shared(Borrowed { first, len, owner: PhantomData })
    }

    fn layout(len: usize) -> Layout {
        let layout = Layout::array::<T>(len).and_then(|layout| layout.align_to(64));
        layout.expect("a buffer that fits the address space")
    }

    /// Returns all elements: `&mut self` says that nobody else has any.
    pub(super) fn all(&mut self) -> &mut [T] {
        // SAFETY: as above.
        unsafe { self.part(0, self.len) }
    }
}

impl<T: Plain> Drop for Shared<T> {
    fn drop(&mut self) {
        let layout = Self::layout(self.len);
        if layout.size() != 0 {
            // SAFETY: allocated in `new` with this layout, and freed once.
            unsafe { dealloc(self.first.as_ptr().cast(), layout) };
        }
    }
}

/// Scratch memory of each worker.
pub(super) struct Scratch {
    words: Shared<u32>,
    size: usize,
}

impl Scratch {
    /// Allocates at least so many words for each worker, whole cache lines.
    pub(super) fn new(workers: usize, words: usize) -> Self {
        let size = words.next_multiple_of(super::blocking::LINE);
        Scratch { words: Shared::new(workers, size), size }
    }

    /// Returns the words of a worker.
    ///
    /// # Safety
    /// Nothing else uses them while the result lives.
    #[allow(clippy::mut_from_ref)]
    pub(super) unsafe fn of(&self, worker: usize) -> &mut [u32] {
        // SAFETY: as promised.
        unsafe { self.words.part(worker * self.size, self.size) }
    }
}

/// Row-major buffers of `rows` rows each.
pub(super) struct Workspace {
    pub(super) rows: usize,
    /// The features as they enter the first block, dropped and scaled. After the first phase of a
    /// step some rows may be gone
    /// ([`StepPlan::input_rows_per_worker`](super::plan::StepPlan::input_rows_per_worker)).
    pub(super) input: Shared<f32>,
    /// ∂L/∂input where there is an input stage that learns; else empty.
    pub(super) input_deltas: Shared<f32>,
    /// What each block gives.
    pub(super) outputs: Vec<Shared<f32>>,
    /// xW + b of each block whose backward pass needs it; empty for the others and at inference.
    pub(super) pre: Vec<Shared<f32>>,
    /// ∂L/∂(xW + b) of each block; none at inference.
    pub(super) deltas: Vec<Shared<f32>>,
    /// The same, packed for the gradient: in panels of units whose depth is examples, or unit by
    /// unit.
    pub(super) packed_deltas: Vec<Shared<u32>>,
}

impl Workspace {
    pub(super) fn for_training(architecture: &Architecture, rows: usize, matmul: &Matmul) -> Self {
        // Behind ReLU an output that was not only dropped or kept does not say whether the unit was
        // active.
        let needs_pre = |block: &Block| match block.activation {
            _ if block.parametric => true,
            Activation::Identity => false,
            Activation::Relu => block.dropout.kind().is_of_units() && !block.dropout.kind().is_bernoulli(),
            _ => true,
        };
        Workspace {
            input_deltas: Shared::new(
                if architecture.learns_inputs() { rows } else { 0 },
                architecture.blocks()[0].inputs,
            ),
            pre: architecture
                .blocks()
                .iter()
                .map(|b| Shared::new(if needs_pre(b) { rows } else { 0 }, b.outputs))
                .collect(),
            deltas: architecture.blocks().iter().map(|b| Shared::new(rows, b.outputs)).collect(),
            packed_deltas: architecture
                .blocks()
                .iter()
                .map(|b| {
                    let panels = matmul.panels(b.outputs, rows);
                    Shared::new(1, panels.max(matmul.packed_rows(b.outputs, rows)))
                })
                .collect(),
            ..Workspace::for_inference(architecture, rows)
        }
    }

    pub(super) fn for_inference(architecture: &Architecture, rows: usize) -> Self {
        Workspace {
            rows,
            input: Shared::new(rows, architecture.blocks()[0].inputs),
            input_deltas: Shared::new(0, 0),
            outputs: architecture.blocks().iter().map(|b| Shared::new(rows, b.outputs)).collect(),
            pre: architecture.blocks().iter().map(|_| Shared::new(0, 0)).collect(),
            deltas: Vec::new(),
            packed_deltas: Vec::new(),
        }
    }
}
