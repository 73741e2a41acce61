"""What the figures depend on and a reader needs to know: processor, system, versions, how quiet it was."""

import os
import platform
import re
import subprocess
from pathlib import Path


def cpu_model():
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    except OSError:
        pass
    return said("sysctl", "-n", "machdep.cpu.brand_string") or platform.processor() or platform.machine()


def cpu_vendor():
    """Matters, because PyTorch's dropout draws in parallel on Intel processors and on one core elsewhere."""
    try:
        found = re.search(r"vendor_id\s*:\s*(\S+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1] if found else "unknown"


def simd():
    try:
        flags = set(re.search(r"flags\s*:(.*)", Path("/proc/cpuinfo").read_text())[1].split())
    except (OSError, TypeError):
        return "unknown"
    return next((name for name in ("avx512f", "avx2", "sse2") if name in flags), "none")


def cores():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def binding(threads):
    """What binds a process to as many cores as it has threads; none where that is not possible or not needed."""
    if threads is None or not hasattr(os, "sched_setaffinity") or threads >= cores():
        return None
    chosen = sorted(os.sched_getaffinity(0), key=lambda cpu: (place_in_core(cpu), cpu))[:threads]
    return lambda: os.sched_setaffinity(0, chosen)


def place_in_core(cpu):
    """0 for the first hardware thread of its core, so that threads get cores of their own while there are any."""
    try:
        siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list").read_text()
    except OSError:
        return 0
    ranges = [[int(end) for end in part.split("-")] for part in siblings.split(",")]
    return sorted(one for ends in ranges for one in range(ends[0], ends[-1] + 1)).index(cpu)


def busy_seconds():
    """Processor time that everything on this machine has taken since it started; none where the system does not say."""
    try:
        user, nice, system, _, _, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
    except (OSError, ValueError):
        return None
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def describe(repository):
    changes = said("git", "-C", str(repository), "status", "--porcelain", "--untracked-files=no")
    return {
        "cpu": cpu_model(),
        "cpu_vendor": cpu_vendor(),
        "simd": simd(),
        "gpu": said("nvidia-smi", "--query-gpu=name", "--format=csv,noheader"),
        "cores": cores(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "rustc": said("rustc", "--version"),
        "commit": said("git", "-C", str(repository), "rev-parse", "--short=12", "HEAD"),
        "uncommitted_changes": bool(changes),
    }


def slug(text):
    """A file name of a processor's name: "Intel(R) Xeon(R) Processor" becomes "intel-xeon-processor"."""
    text = re.sub(r"\((r|tm|c)\)|\bcpu\b|@.*", "", text.lower())
    return re.sub(r"[^a-z0-9]+", "-", text).strip("-") or "unknown"


def said(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
