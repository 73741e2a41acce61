//! The products of Intel's matrix extension, AMX: tiles of 16 rows of 16 words in registers of
//! their own. In assembler, because the compiler's intrinsics are not stable yet. Intel's Software
//! Developer's Manual, volume 1, chapter 18, describes them.

use crate::compute::cpu::blocking::{AMX_K, BF16_MR};
use crate::compute::cpu::matrix::{MatMut, Rows};
use crate::compute::cpu::simd::cpuid;
use std::arch::asm;
use std::arch::x86_64::_xgetbv;
use std::sync::OnceLock;

/// Returns whether this machine has AMX with bfloat16 and the system permits its use. Asked once.
pub(super) fn is_available() -> bool {
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    *AVAILABLE.get_or_init(|| is_present() && is_permitted())
}

fn is_present() -> bool {
    const BF16_AND_TILE: u32 = 1 << 22 | 1 << 24;
    const TILE_STATE: u64 = 3 << 17;
    if !is_x86_feature_detected!("avx512f") || !is_x86_feature_detected!("xsave") {
        return false;
    }
    #[target_feature(enable = "xsave")]
    fn enabled_state() -> u64 {
        // SAFETY: register 0 exists wherever the instruction does.
        unsafe { _xgetbv(0) }
    }
    // A processor with AVX-512 has leaf 7.
    let features = cpuid(7).edx;
    // SAFETY: detected above.
    features & BF16_AND_TILE == BF16_AND_TILE && unsafe { enabled_state() } & TILE_STATE == TILE_STATE
}

/// Linux saves the tiles' 8 KB only for processes that have asked for it (Linux 5.16). It refuses
/// where the kernel is older, or a thread's stack for signals too small.
fn is_permitted() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_ulong = 0x1023;
    const TILE_DATA: libc::c_ulong = 18;
    // SAFETY: a system call with two numbers; it touches no memory of ours.
    unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA) == 0 }
}

/// Eight tiles of 16 × 64 bytes, as long as this lives, in this thread.
pub(super) struct Configured;

#[repr(C, align(64))]
struct Configuration {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    bytes: [u16; 16],
    rows: [u8; 16],
}

static CONFIGURATION: Configuration = Configuration {
    palette: 1,
    start_row: 0,
    reserved: [0; 14],
    bytes: [64, 64, 64, 64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0],
    rows: [16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0],
};

impl Configured {
    /// # Safety
    /// [`is_available`], and no other of these lives in this thread.
    pub(super) unsafe fn new() -> Self {
        // SAFETY: the machine has the instruction, as promised, and reads 64 bytes of a valid
        // configuration.
        unsafe {
            asm!("ldtilecfg [{}]", in(reg) &raw const CONFIGURATION, options(nostack, readonly, preserves_flags))
        };
        Configured
    }
}

impl Drop for Configured {
    /// Gives the tiles back, so that the system need not save them when it switches threads.
    fn drop(&mut self) {
        // SAFETY: the machine has AMX, or this would not exist.
        unsafe { asm!("tilerelease", options(nostack, nomem, preserves_flags)) };
    }
}

/// The product of a panel with two tiles of rows.
///
/// # Safety
/// A [`Configured`] lives in this thread. Memory may be read and written as [`super::multiply`]
/// says; `out` takes 32 rows of 32 values. The depth is a multiple of [`AMX_K`] and not 0.
pub(super) unsafe fn product(
    depth: usize,
    a: *const u32,
    Rows { first: b, stride: row_words }: Rows,
    MatMut { first: out, stride }: MatMut,
) {
    const WORD: usize = size_of::<u32>();
    let steps = depth / AMX_K;
    // SAFETY: each step reads 16 rows of 128 bytes of `a` and 16 rows of 64 bytes for each tile of
    // `b`, as promised. The tiles are declared as overwritten.
    unsafe {
        asm!(
            "tilezero tmm0",
            "tilezero tmm1",
            "tilezero tmm2",
            "tilezero tmm3",
            "2:",
            "tileloadd tmm4, [{b} + {row}*1]",
            "tileloadd tmm6, [{a} + {panel}*1]",
            "tileloadd tmm7, [{a} + {panel}*1 + 64]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tileloadd tmm5, [{lower} + {row}*1]",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
            "add {a}, 2048",
            "add {b}, 64",
            "add {lower}, 64",
            "dec {steps}",
            "jnz 2b",
            "tilestored [{out} + {stride}*1], tmm0",
            "tilestored [{out} + {stride}*1 + 64], tmm1",
            "tilestored [{under} + {stride}*1], tmm2",
            "tilestored [{under} + {stride}*1 + 64], tmm3",
            a = inout(reg) a => _,
            b = inout(reg) b => _,
            lower = inout(reg) b.add(16 * row_words) => _,
            steps = inout(reg) steps => _,
            row = in(reg) row_words * WORD,
            panel = in(reg) BF16_MR * WORD,
            out = in(reg) out,
            under = in(reg) out.add(16 * stride),
            stride = in(reg) stride * WORD,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        );
    }
}
