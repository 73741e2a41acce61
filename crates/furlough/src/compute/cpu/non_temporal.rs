//! Copies of rows, among them stores past the caches, for what other cores read next from its
//! beginning to its end (docs/internals/packing.md).

use super::Isa;
#[cfg(target_arch = "x86_64")]
use super::blocking::LINE;
use super::matrix::MatView;
use super::simd::for_each_isa;
#[cfg(target_arch = "x86_64")]
use super::simd::{Level, cpuid};

/// Returns whether this processor was seen to gain by such stores: AMD's. Others were not measured.
pub(super) fn is_supported(isa: Isa) -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        let vendor = cpuid(0);
        isa.0 != Level::Baseline
            && [vendor.ebx, vendor.edx, vendor.ecx].map(u32::to_le_bytes).as_flattened() == b"AuthenticAMD"
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = isa;
        false
    }
}

for_each_isa! {
    /// Copies each row of `source` to the beginning of a row of `to`, rows `stride` apart.
    pub(super) fn copy_rows(isa, source: MatView<'_>, to: &mut [f32], stride: usize) {
        // A copy of constant length is a few moves; one of variable length is a call.
        match (stride, source.columns) {
            (64, 64) => copy_rows_of::<64>(source, to),
            (16, 16) => copy_rows_of::<16>(source, to),
            _ => {
                for (row, to) in to.chunks_mut(stride).enumerate().take(source.rows) {
                    to[..source.columns].copy_from_slice(source.row(row));
                }
            }
        }
    }
}

#[inline(always)]
fn copy_rows_of<const COLUMNS: usize>(source: MatView<'_>, to: &mut [f32]) {
    for (row, to) in to.as_chunks_mut::<COLUMNS>().0.iter_mut().enumerate().take(source.rows) {
        to.copy_from_slice(&source.row(row)[..COLUMNS]);
    }
}

/// Copies the rows of `source` one after the other: past the caches if they are whole lines. Others
/// may read them after [`finish`].
pub(super) fn copy_lines(isa: Isa, source: MatView<'_>, to: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    if isa.0 != Level::Baseline && starts_lines(to.as_ptr(), source.columns) {
        for (row, to) in to.chunks_exact_mut(source.columns).enumerate().take(source.rows) {
            // SAFETY: an Isa exists only where its features were detected, and these are lines.
            unsafe { store_lines(source.row(row), to) };
        }
        return;
    }
    copy_rows(isa, source, to, source.columns);
}

/// # Safety
/// `to` begins at a cache line, is as long as `from` and a whole number of lines.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx")]
unsafe fn store_lines(from: &[f32], to: &mut [f32]) {
    use std::arch::x86_64::{_mm256_loadu_ps, _mm256_stream_ps};
    for (from, to) in from.as_chunks::<8>().0.iter().zip(to.as_chunks_mut::<8>().0) {
        // SAFETY: vectors of eight; where lines begin, every second of them does.
        unsafe { _mm256_stream_ps(to.as_mut_ptr(), _mm256_loadu_ps(from.as_ptr())) };
    }
}

/// Returns whether rows so far apart begin at cache lines.
#[cfg(target_arch = "x86_64")]
pub(super) fn starts_lines(first: *const f32, stride: usize) -> bool {
    first.addr().is_multiple_of(LINE * size_of::<f32>()) && stride.is_multiple_of(LINE)
}

/// Orders this thread's non-temporal stores before all its later stores.
pub(super) fn finish() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 has it.
    unsafe {
        std::arch::x86_64::_mm_sfence()
    };
}
