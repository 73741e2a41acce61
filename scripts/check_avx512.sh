#!/usr/bin/env bash
# Runs tests of the library with AVX-512, AVX512-BF16 and AMX on a machine that has none of them: in Bochs, which emulates an Intel processor
# of 2023 as a whole, and so starts a Linux of its own. It says whether the kernels are right, nothing about how fast they are.
#
#     scripts/check_avx512.sh                              the unit tests of compute, and the modules that compare the step with its definition
#     scripts/check_avx512.sh lib                          the unit tests ("lib"), or these modules of crates/furlough/tests/it
#     scripts/check_avx512.sh properties -- fast_equals    the test of this name in them
#     WITHOUT=amx_bf16 scripts/check_avx512.sh ...         without AMX, so that AVX512-BF16 multiplies; WITHOUT=amx_bf16,avx512bf16 without either
#
# Needs cargo, a C++ compiler, make, patch and Debian 12 on x86_64. It changes nothing in the system and needs no root: the sources of Bochs 3.0
# (Debian 13's), the kernel and what starts it are the distribution's packages, unpacked under target/avx512 (some 270 MB) and used from there.
# Bochs is built once, in two minutes; the tests take some 100 times as long as they would.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$PWD/target/avx512
root=$work/root

missing() {
    echo "check_avx512: $*" >&2
    exit 2
}
for tool in cargo python3 c++ make patch apt-get apt-cache dpkg dpkg-deb; do
    command -v $tool >/dev/null || missing "$tool is missing"
done
[[ $(dpkg --print-architecture) == amd64 ]] || missing "this is not x86_64"

modules=()
while (($#)) && [[ $1 != -- ]]; do
    modules+=("$1")
    shift
done
filter=${2:-}
if ((!${#modules[@]})); then
    modules=(lib properties plain step predict dropout)
fi

# The distribution's packages, and the sources of its next version, by package lists of our own.
apt=(-qq -o APT::Sandbox::User= -o Dir::State="$work/apt" -o Dir::Cache="$work/apt" -o Dir::Etc="$work/apt/etc")
fetch() {
    rm -rf "$work/apt" "$work/packages" "$root.part"
    mkdir -p "$work"/apt/{lists/partial,archives/partial,etc} "$work/packages" "$root.part"
    cp -r /etc/apt/. "$work/apt/etc"
    local mirror
    mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
        grep -E '^(deb|URIs:) ' | grep -oE 'https?://[^ ]+/debian/?( |$)' | head -n 1) || true
    [[ -n $mirror ]] || missing "no mirror of Debian in /etc/apt"
    echo "deb-src $mirror trixie main" >"$work/apt/etc/sources.list.d/sources-of-bochs.list"
    apt-get "${apt[@]}" update
    local kernel
    kernel=$(apt-cache "${apt[@]}" depends linux-image-cloud-amd64 | sed -n 's/ *Depends: //p')
    cd "$work/packages"
    apt-get "${apt[@]}" download "$kernel" bochsbios vgabios busybox-static isolinux syslinux-common genisoimage libmagic1 cpio
    # The description of the source package is not needed, and some mirrors have it under another name only.
    apt-get "${apt[@]}" source --download-only --only-source bochs || true
    [[ -f $(echo bochs_3.0*.orig.tar.*) ]] || missing "the sources of Bochs 3.0 cannot be had"
    for package in *.deb; do dpkg-deb -x "$package" "$root.part"; done
    tar -xf bochs_3.0*.orig.tar.* -C "$root.part"
    patch --quiet --strip 1 --directory "$root.part/bochs-3.0" <"$OLDPWD/scripts/bochs-3.0.patch"
    cd "$OLDPWD"
    rm -rf "$work/packages"
    mv "$root.part" "$root"
}
[[ -d $root ]] || fetch

bochs=$root/bochs-3.0/bochs
if [[ ! -x $bochs ]]; then
    echo "building Bochs"
    (
        cd "$root/bochs-3.0"
        export CFLAGS="-O3 -march=native" CXXFLAGS="-O3 -march=native"
        ./configure --enable-x86-64 --enable-avx --enable-evex --enable-amx --enable-all-optimizations --with-nogui
        make -j "$(nproc)"
    ) >"$work/bochs-build.log" 2>&1 || missing "Bochs could not be built: $work/bochs-build.log"
fi

# The tests' programs, with the libraries that they need where they look for them.
disk=$work/disk
image=$work/image
rm -rf "$disk" "$image"
mkdir -p "$disk"/{isolinux,} "$image"/{bin,dev,proc,sys,tests,tmp}
cargo test --locked --release -p furlough --lib --test it --no-run --message-format json >"$work/build.json"
python3 - "$work/build.json" >"$work/programs" <<'PYTHON'
import json, sys
for message in map(json.loads, open(sys.argv[1])):
    if message.get("executable") and message["profile"]["test"]:
        print("lib" if "lib" in message["target"]["kind"] else message["target"]["name"], message["executable"])
PYTHON
while read -r name program; do
    objcopy --strip-debug "$program" "$image/tests/$name"
    for library in $(ldd "$program" | grep -o '/[^ ]*'); do
        mkdir -p "$image/$(dirname "$library")"
        cp -L "$library" "$image/$library"
    done
done <"$work/programs"
cp "$root/bin/busybox" "$image/bin"

# What the emulated machine starts: the tests, one at a time, then the end.
{
    cat <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
exec >/dev/ttyS0 2>&1
cd /tmp
grep -m 1 -o -E 'avx512_bf16.* amx_[a-z0-9]+' /proc/cpuinfo
failed=0
INIT
    for module in "${modules[@]}"; do
        program=it
        test=$module::$filter
        if [[ $module == lib ]]; then
            program=lib
            test=${filter:-compute::}
        fi
        printf 'echo "%s:"; /tests/%s --test-threads 1 %s || failed=1\n' "$module" "$program" "${test@Q}"
    done
    cat <<'INIT'
echo "check_avx512: failed=$failed"
sleep 2
poweroff -f
INIT
} >"$image/init"
chmod +x "$image/init"

export PATH="$root/usr/bin:$root/bin:$PATH" LD_LIBRARY_PATH="$root/usr/lib/x86_64-linux-gnu"
(cd "$image" && find . | cpio --quiet -o -H newc | gzip -1) >"$disk/initrd.gz"
cp "$root"/boot/vmlinuz-* "$disk/vmlinuz"
cp "$root/usr/lib/ISOLINUX/isolinux.bin" "$root/usr/lib/syslinux/modules/bios/ldlinux.c32" "$disk/isolinux"
# No five levels of page tables, which its BIOS trips over; no copying by FSRM, which Linux takes to imply ERMS, as it does everywhere else.
cat >"$disk/isolinux/isolinux.cfg" <<'CONFIGURATION'
DEFAULT tests
TIMEOUT 1
LABEL tests
 KERNEL /vmlinuz
 INITRD /initrd.gz
 APPEND quiet panic=1 maxcpus=1 no5lvl clearcpuid=fsrm,aperfmperf mitigations=off nokaslr tsc=reliable random.trust_cpu=on lpj=1000000
CONFIGURATION
genisoimage -quiet -o "$work/tests.iso" -b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table "$disk"
unset LD_LIBRARY_PATH
cat >"$work/bochsrc" <<CONFIGURATION
memory: guest=2048, host=2048, block_size=512
romimage: file=$root/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=$root/usr/share/vgabios/vgabios.bin
cpu: model=sapphire_rapids, exclude_features="waitpkg${WITHOUT:+,$WITHOUT}", count=1, ips=100000000, reset_on_triple_fault=0, ignore_bad_msrs=1
ata0-master: type=cdrom, path="$work/tests.iso", status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=$work/said
log: $work/bochs.log
panic: action=fatal
error: action=ignore
info: action=ignore
display_library: nogui
clock: sync=none
CONFIGURATION

: >"$work/said"
"$bochs" -q -f "$work/bochsrc" </dev/null >"$work/bochs.out" 2>&1 &
emulator=$!
trap 'kill "$emulator" 2>/dev/null || true' EXIT
tail --pid="$emulator" -n +1 -f "$work/said"
grep -q 'check_avx512: failed=0' "$work/said" || {
    echo "check_avx512: a test failed, or the emulated machine did ($work/bochs.log)" >&2
    exit 1
}
