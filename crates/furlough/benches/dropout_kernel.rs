//! What the dropout kernel costs by itself: bits, comparison and scaling of 256 × 4096 numbers on
//! one core, in nanoseconds a number, the least of many runs; then the same of the other kinds.
//! `cargo bench --bench dropout_kernel [-- --json]`.

use furlough::compute::{Isa, drop_in_place};
use furlough::nn::{Dropout, DropoutKind, MaskKey, MaskSharing};
use furlough::random::{Key, Stream};
use std::time::Instant;

const ROWS: usize = 256;
const WIDTH: usize = 4096;
const RUNS: u32 = 300;

fn main() -> furlough::Result<()> {
    let json = std::env::args().any(|argument| argument == "--json");
    let examples: Vec<u32> = (0..ROWS as u32).collect();
    let mut values = vec![1.0f32; ROWS * WIDTH];
    for (kind, isa) in
        DropoutKind::ALL.into_iter().flat_map(|kind| Isa::available().into_iter().map(move |isa| (kind, isa)))
    {
        let dropout = Dropout::of(kind, 0.5, MaskSharing::PerExample)?;
        let mut least = f64::INFINITY;
        for step in 0..RUNS {
            values.fill(1.0);
            let site = MaskKey { key: Key::new(0), stream: Stream::Dropout, step, layer: 1 };
            let start = Instant::now();
            drop_in_place(dropout, std::hint::black_box(&mut values), &examples, &site, isa);
            least = least.min(start.elapsed().as_secs_f64());
        }
        let kept = values.iter().filter(|&&value| value == 2.0).count() as f64 / values.len() as f64;
        assert!(!kind.is_bernoulli() || (kept - 0.5).abs() < 0.01, "half are kept, not {kept}");
        let nanoseconds = least * 1e9 / values.len() as f64;
        if json {
            println!("{{\"ns_per_element\":{nanoseconds:.4},\"isa\":\"{}\"}}", isa.name());
            return Ok(()); // the best, which comes first
        }
        println!("{:<9} {:<8} {nanoseconds:.3} ns a number", kind.name(), isa.name());
    }
    Ok(())
}
