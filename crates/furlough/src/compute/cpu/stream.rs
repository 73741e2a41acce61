//! Stores past the caches, for what other cores read next, from its beginning to its end. Before a line that another core has read can be written again it has to be taken
//! back, and that waits: on an EPYC 7 ns a line between cores that share a cache and 28 between others, where a store past the caches takes 2.3 and reading it
//! from memory 1.7 (decision 012). What is stored so may be read by others after [`finish`].

use super::Isa;
#[cfg(target_arch = "x86_64")]
use super::simd::{Level, cpuid};

/// Numbers, or words, of a line of cache.
pub(super) const LINE: usize = 16;

/// Whether this processor is of those that were seen to gain: AMD's. On others it has not been measured.
pub(super) fn pays(isa: Isa) -> bool {
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

/// Copies `count` numbers from the start of each row of `source`, rows `width` apart, into rows of so many. Past the caches if these are whole lines.
pub(super) fn copy_rows(isa: Isa, source: &[f32], width: usize, count: usize, to: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    let past = isa.0 != Level::Baseline && is_at_lines(to.as_ptr(), count);
    let _ = isa;
    for (row, to) in to.chunks_exact_mut(count).enumerate() {
        let from = &source[row * width..][..count];
        #[cfg(target_arch = "x86_64")]
        if past {
            // SAFETY: an Isa exists only where its features were detected, and the lines were looked at.
            unsafe { copy(from, to) };
            continue;
        }
        to.copy_from_slice(from);
    }
}

/// Copies whole lines.
///
/// # Safety
/// `to` begins at a line of cache, is as long as `from` and a whole number of lines.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx")]
#[inline]
unsafe fn copy(from: &[f32], to: &mut [f32]) {
    use std::arch::x86_64::{_mm256_loadu_ps, _mm256_stream_ps};
    for (from, to) in from.as_chunks::<8>().0.iter().zip(to.as_chunks_mut::<8>().0) {
        // SAFETY: vectors of eight; where lines begin, every second of them does.
        unsafe { _mm256_stream_ps(to.as_mut_ptr(), _mm256_loadu_ps(from.as_ptr())) };
    }
}

/// Whether rows so far apart begin at lines of cache.
#[cfg(target_arch = "x86_64")]
pub(super) fn is_at_lines(first: *const f32, apart: usize) -> bool {
    first.addr().is_multiple_of(LINE * size_of::<f32>()) && apart.is_multiple_of(LINE)
}

/// Whatever this thread has stored past the caches comes before all that it stores from now on.
pub(super) fn finish() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 has it.
    unsafe {
        std::arch::x86_64::_mm_sfence()
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compute::cpu::workspace::Shared;

    #[test]
    fn rows_are_copied_wherever_they_lie() {
        for isa in Isa::available() {
            for (count, width, rows, start) in
                [(64, 64, 3, 0), (16, 70, 5, 16), (48, 48, 2, 1), (10, 12, 4, 0), (32, 33, 1, 32)]
            {
                let source: Vec<f32> = (0..rows * width).map(|place| place as f32).collect();
                let mut room = Shared::<f32>::new(rows + 2, 64);
                let room = room.all();
                copy_rows(isa, &source, width, count, &mut room[start..start + rows * count]);
                finish();
                let copied = |place: usize| source[place / count * width + place % count];
                let places =
                    (0..room.len()).map(|place| place.checked_sub(start).filter(|&place| place < rows * count));
                let expected: Vec<f32> = places.map(|place| place.map_or(0.0, copied)).collect();
                assert_eq!(room, expected, "{} {count} of {width}", isa.name());
            }
        }
    }
}
