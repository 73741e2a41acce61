//! Instruction sets: one kernel source, compiled for each, chosen at run time.

/// An instruction set that this machine has. A value exists only for what was detected, which makes
/// calling its kernels sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Isa(pub(super) Level);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Baseline,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Isa {
    /// Returns whether the kernels may use AVX-512.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn is_avx512(self) -> bool {
        self.0 == Level::Avx512
    }

    /// Returns all that this machine has, best first. The last is what the build was compiled for:
    /// SSE2 on x86-64, NEON on AArch64.
    pub fn available() -> Vec<Isa> {
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            let wide = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl");
            all.extend((avx2 && wide).then_some(Isa(Level::Avx512)));
            all.extend(avx2.then_some(Isa(Level::Avx2)));
        }
        all.push(Isa(Level::Baseline));
        all
    }

    /// Returns the best that this machine has.
    pub fn best() -> Isa {
        Isa::available()[0]
    }

    /// Returns its name, for people.
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => "AVX-512",
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => "AVX2",
            Level::Baseline if cfg!(target_arch = "aarch64") => "NEON",
            Level::Baseline if cfg!(target_arch = "x86_64") => "SSE2",
            Level::Baseline => "portable",
        }
    }
}

/// What the processor says of itself in a leaf of CPUID.
#[cfg(target_arch = "x86_64")]
pub(super) fn cpuid(leaf: u32) -> std::arch::x86_64::CpuidResult {
    // SAFETY: every x86-64 has the instruction. The oldest Rust that will do asks for this, newer
    // ones do not.
    #[allow(unused_unsafe)]
    unsafe {
        std::arch::x86_64::__cpuid_count(leaf, 0)
    }
}

/// Asks for the cache lines of some bytes before they are needed.
#[inline(always)]
pub(super) fn prefetch(first: *const u8, bytes: usize) {
    prefetch_into::<true>(first, bytes);
}

/// The same, where they will not be needed so soon as to be worth room in the first-level cache.
#[inline(always)]
pub(super) fn prefetch_to_second(first: *const u8, bytes: usize) {
    prefetch_into::<false>(first, bytes);
}

#[inline(always)]
fn prefetch_into<const FIRST_LEVEL: bool>(first: *const u8, bytes: usize) {
    #[cfg(target_arch = "x86_64")]
    for line in (0..bytes).step_by(64) {
        use std::arch::x86_64::{_MM_HINT_T0, _MM_HINT_T1, _mm_prefetch};
        let line = first.wrapping_add(line).cast();
        // SAFETY: a prefetch reads nothing that a program could notice, wherever it points.
        unsafe { if FIRST_LEVEL { _mm_prefetch::<_MM_HINT_T0>(line) } else { _mm_prefetch::<_MM_HINT_T1>(line) } };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (first, bytes);
}

/// Defines functions whose first parameter is an [`Isa`] and whose bodies are compiled once for
/// each instruction set. What a body calls must be `#[inline(always)]` to be compiled with it. The
/// arithmetic is the same everywhere: Rust never contracts a multiplication and an addition by
/// itself.
macro_rules! for_each_isa {
    ($(
        $(#[$meta:meta])* $vis:vis fn $name:ident(isa, $($arg:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block
    )*) => {$(
        $(#[$meta])*
        #[allow(clippy::too_many_arguments)]
        $vis fn $name(isa: $crate::compute::Isa, $($arg: $type),*) $(-> $result)? {
            #[inline(always)]
            #[allow(clippy::too_many_arguments)]
            fn body($($arg: $type),*) $(-> $result)? $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
            #[allow(clippy::too_many_arguments)]
            fn avx512($($arg: $type),*) $(-> $result)? { body($($arg),*) }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            #[allow(clippy::too_many_arguments)]
            fn avx2($($arg: $type),*) $(-> $result)? { body($($arg),*) }

            match isa.0 {
                // SAFETY: this Isa exists only where the features were detected.
                #[cfg(target_arch = "x86_64")]
                $crate::compute::cpu::simd::Level::Avx512 => unsafe { avx512($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::compute::cpu::simd::Level::Avx2 => unsafe { avx2($($arg),*) },
                $crate::compute::cpu::simd::Level::Baseline => body($($arg),*),
            }
        }
    )*};
}
pub(super) use for_each_isa;
