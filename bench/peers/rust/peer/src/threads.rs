use std::os::unix::process::CommandExt;
use std::{env, process::Command};

/// Every library of the peers reads its number of threads from one of these, some before `main`.
const VARIABLES: [&str; 5] =
    ["RAYON_NUM_THREADS", "CANDLE_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"];

/// Makes the variables say `threads`. If one did not, the program starts itself again in its own place (a millisecond).
pub fn limit(threads: usize) -> anyhow::Result<()> {
    let threads = threads.to_string();
    if VARIABLES.iter().all(|name| env::var(name).as_ref() == Ok(&threads)) {
        return Ok(());
    }
    let failure = Command::new(env::current_exe()?)
        .args(env::args_os().skip(1))
        .envs(VARIABLES.map(|name| (name, &threads)))
        .exec();
    Err(failure.into())
}
