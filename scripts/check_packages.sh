#!/usr/bin/env bash
# Packs every crate that is published, builds each from its own archive, and runs the archives' tests, away from the repository.
#
#   scripts/check_packages.sh              all of it: some ten minutes on two cores
#   scripts/check_packages.sh -p furlough  the tests of one crate alone: the arguments are those of `cargo test`
set -euo pipefail
cd "$(dirname "$0")/.."
# Not verified by cargo: what follows builds each archive, and its tests too.
cargo package --locked --workspace --exclude furlough-docs --exclude furlough-python --no-verify --quiet

# A workspace of the unpacked archives alone, in which they find each other as they will in the registry.
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
{
    printf '[workspace]\nresolver = "3"\nmembers = ["*-%s"]\n\n[patch.crates-io]\n' "$version"
    for crate in furlough-harness furlough furlough-tables furlough-lab furlough-cli; do
        tar -xzf "target/package/$crate-$version.crate" -C "$place"
        rm -f "$place/$crate-$version/Cargo.lock"
        printf '%s = { path = "%s-%s" }\n' "$crate" "$crate" "$version"
    done
} >"$place/Cargo.toml"
cp Cargo.lock "$place"
CARGO_TARGET_DIR=$PWD/target/packages cargo test --release --manifest-path "$place/Cargo.toml" "${@:---workspace}"
