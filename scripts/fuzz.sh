#!/usr/bin/env bash
# Runs the fuzz targets of fuzz/ with the coverage of libFuzzer: without a nightly compiler and without cargo-fuzz.
#
#     scripts/fuzz.sh SECONDS [TARGET…]      each target so long, two at a time; all without names
#
# Exit code 1: a target failed, and its input is in fuzz/artifacts/TARGET/. Exit code 3: the targets could not be built here, as
# without a C++ compiler. What each target found out stays in target/fuzz/corpus/, so that the next time goes on from there.
# FUZZ_SEED makes each run begin alike; without it, chance does. `cargo fuzz run TARGET` works too, where that is installed.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:?how many seconds each target has}
shift
host=$(rustc -vV | sed -n 's/^host: //p')
# For the host by name, so that build scripts and macros are built without these flags.
flags='-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters'
flags+=' -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing'
cp Cargo.lock fuzz/Cargo.lock # the same versions, and what only the targets need
RUSTFLAGS=$flags cargo build --release --quiet --manifest-path fuzz/Cargo.toml --target "$host" --target-dir target/fuzz || exit 3
targets=("$@")
if ((${#targets[@]} == 0)); then
    for file in fuzz/fuzz_targets/*.rs; do targets+=("$(basename "$file" .rs)"); done
fi

run() {
    local target=$1 corpus=target/fuzz/corpus/$1 log=target/fuzz/$1.log
    mkdir -p "$corpus" "fuzz/artifacts/$target"
    # Dependencies that are C or C++ have no counters; a leak or a slow input is none of their business.
    if "target/fuzz/$host/release/$target" -max_total_time="$seconds" -seed="${FUZZ_SEED:-0}" -timeout=60 -rss_limit_mb=3000 -max_len=20000 \
        -artifact_prefix="fuzz/artifacts/$target/" "$corpus" $(seeds "$target") >"$log" 2>&1; then
        printf '%-16s ok      %s\n' "$target" "$(grep -E '^Done|cov:' "$log" | tail -n 1 | tr -s '\t ' ' ')"
    else
        printf '%-16s FAILED  %s\n' "$target" "$(grep -E '^(SUMMARY|thread|==|panicked)' "$log" | tail -n 1)"
        tail -n 25 "$log"
        return 1
    fi
}

# Folders with inputs to begin with, made of the fixtures of the tests.
seeds() {
    local folder=target/fuzz/seeds/$1
    mkdir -p "$folder"
    local fixtures=crates/furlough-tables/tests/fixtures version1=crates/furlough-lab/tests/fixtures/version1
    case $1 in
        csv) printf ',\003' | cat - crates/furlough-tables/data/iris.csv | head -c 2000 >"$folder/iris" ;;
        schema_of_file) head -c 2000 crates/furlough-tables/data/iris.csv >"$folder/iris" ;;
        json_lines) printf '{"a": 1, "b": "x"}\n{"a": null, "c": true}\n' >"$folder/two" ;;
        npy) cp "$fixtures"/*.npy "$folder" ;;
        npz) cp "$fixtures"/*.npz "$folder" ;;
        compressed) printf 'a,b\n1,x\n' | gzip -c >"$folder/gzip" ;;
        parquet) cp "$fixtures"/*.parquet "$folder" ;;
        arrow) cp "$fixtures"/*.arrow "$fixtures"/*.feather "$folder" ;;
        idx) gzip -dc crates/furlough/data/digits/labels-idx1-ubyte.gz | head -c 200 >"$folder/labels" ;;
        recipe) cp "$version1"/plain/recipe.toml "$folder" ;;
        study) cp studies/*.toml "$folder" 2>/dev/null || true ;;
        model) cp "$version1"/finished/model.safetensors "$folder" ;;
        checkpoint) cp "$version1"/plain/checkpoint.safetensors "$folder" ;;
    esac
    echo "$folder"
}

failed=0
running=0
for target in "${targets[@]}"; do
    if ((running == 2)); then
        wait -n || failed=1
        running=$((running - 1))
    fi
    run "$target" &
    running=$((running + 1))
done
while ((running)); do
    wait -n || failed=1
    running=$((running - 1))
done
exit "$failed"
