#!/usr/bin/env bash
# Compiles the library for 64-bit ARM, and runs the tests of its arithmetic there in an emulator: the NEON kernels, on a machine
# that has none.
#
#     scripts/check_neon.sh                 compile
#     scripts/check_neon.sh properties      compile and run these modules of crates/furlough/tests/it, in the emulator
#
# Needs cargo and Debian 12 on x86_64. It changes nothing in the system and needs no root: the compiler with ARM's standard library, the
# linker and the emulator are the distribution's packages, unpacked under target/neon (some 900 MB) and used from there.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$PWD/target/neon
root=$work/root

missing() {
    echo "check_neon: $*" >&2
    echo "Elsewhere, with rustup: rustup target add aarch64-unknown-linux-gnu, and cargo with that --target." >&2
    exit 2
}
for tool in cargo apt-get apt-cache dpkg dpkg-deb; do
    command -v $tool >/dev/null || missing "$tool is missing"
done
[[ $(dpkg --print-architecture) == amd64 ]] || missing "this is not x86_64"

# Both architectures, in package lists of our own.
apt=(-qq -o APT::Architectures::=amd64 -o APT::Architectures::=arm64 -o APT::Sandbox::User=
    -o Dir::State="$work/apt" -o Dir::Cache="$work/apt")

# The compiler's library and LLVM, and the linker with ARM's C library, under whatever names they have today.
packages() {
    apt-cache "${apt[@]}" depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
        --no-enhances rustc-web gcc-aarch64-linux-gnu libc6-dev-arm64-cross |
        grep -E '^(rustc-web|libstd-rust-web|libllvm[0-9]|[a-z].*-aarch64-linux-gnu|lib(c6|gcc).*-arm64-cross)' | sort -u
}

fetch() {
    rm -rf "$work/apt" "$work/packages" "$root.part"
    mkdir -p "$work/apt/lists/partial" "$work/apt/archives/partial" "$work/packages" "$root.part"
    apt-get "${apt[@]}" update
    packages >"$work/names"
    grep -qx rustc-web "$work/names" || missing "the distribution has no package rustc-web"
    (cd "$work/packages" && xargs apt-get "${apt[@]}" download libstd-rust-web-dev:arm64 qemu-user-static <"$work/names")
    for package in "$work"/packages/*.deb; do dpkg-deb -x "$package" "$root.part"; done
    rm -rf "$work/packages"
    mv "$root.part" "$root"
}
[[ -d $root ]] || fetch

# Programs that are not where they were packaged for need to be told where their libraries are.
wrapper() {
    printf '#!/bin/sh\nexport PATH="%s:$PATH" LD_LIBRARY_PATH="%s"\nexec %s "$@"\n' \
        "$root/usr/bin" "$root/usr/lib/x86_64-linux-gnu" "$2" >"$work/$1"
    chmod +x "$work/$1"
}
gcc=$(cd "$root/usr/bin" && ls aarch64-linux-gnu-gcc-[0-9]* | head -n 1)
wrapper rustc "'$root/usr/bin/rustc' --sysroot '$root/usr'"
wrapper linker "'$root/usr/bin/$gcc' --sysroot='$root' -L'$root/usr/aarch64-linux-gnu/lib'"

export RUSTC="$work/rustc" CARGO_TARGET_DIR="$work/target" CARGO_INCREMENTAL=0
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER="$work/linker"
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="$root/usr/bin/qemu-aarch64-static -L $root/usr/aarch64-linux-gnu"
build=(--locked --release -p furlough --target aarch64-unknown-linux-gnu)
if [[ $# == 0 ]]; then
    cargo check "${build[@]}"
else
    for module in "$@"; do cargo test "${build[@]}" --test it -- "$module::"; done
fi
