use std::os::unix::process::CommandExt;
use std::{env, process::Command};

/// Every library of the peers reads its number of threads from one of these, some before `main`.
const VARIABLES: [&str; 4] = ["RAYON_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"];

/// Candle's own pool, for what is not a matrix product. Its workers spin: one thread is faster
/// there, and far faster where other work takes a core.
const CANDLE: (&str, &str) = ("CANDLE_NUM_THREADS", "1");

/// Makes the variables say `threads`. If one did not, the program starts itself again in its own
/// place (a millisecond).
pub fn limit(threads: usize) -> anyhow::Result<()> {
    let threads = threads.to_string();
    let wanted = VARIABLES.map(|name| (name, threads.as_str())).into_iter().chain([CANDLE]);
    if wanted.clone().all(|(name, value)| env::var(name).as_deref() == Ok(value)) {
        return Ok(());
    }
    let failure = Command::new(env::current_exe()?).args(env::args_os().skip(1)).envs(wanted).exec();
    Err(failure.into())
}
