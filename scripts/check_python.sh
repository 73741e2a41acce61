#!/usr/bin/env bash
# Builds the Python package's wheel, installs it into a fresh environment, and runs its tests there. Needs Rust, and a Python
# whose pip reaches its registry; what else it needs it installs. Arguments are those of pytest.
#
#   scripts/check_python.sh                 all tests
#   scripts/check_python.sh -k command      some of them
#
# The wheel that is released reads Parquet and Arrow's files too (FURLOUGH_WHEEL_FEATURES=wheel): a minute or two more, for readers
# that have tests of their own.
#
# Exits with 3 where Python or its packages cannot be had.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

python=$work/env/bin/python
"${FURLOUGH_PYTHON_FOR_WHEEL:-python3}" -m venv "$work/env" || exit 3
"$python" -m pip install --quiet 'maturin>=1.9.4,<2' ${FURLOUGH_SKLEARN:-scikit-learn} pandas polars pyarrow pytest || exit 3

# The workspace's own target folder and profile, so that nothing is built twice.
"$work/env/bin/maturin" build --release --locked --quiet --manifest-path "$root/crates/furlough-python/Cargo.toml" \
    --features "${FURLOUGH_WHEEL_FEATURES:-}" --interpreter "$python" --out "$work/wheel"
"$python" -m pip install --quiet --no-index --no-deps "$work"/wheel/*.whl
size=$(stat -c %s "$work"/wheel/*.whl 2>/dev/null || stat -f %z "$work"/wheel/*.whl)
echo "$(basename "$work"/wheel/*.whl): $((size / 1000)) kB"
((size < 15000000)) || { echo "the wheel takes 15 MB or more" >&2; exit 1; }

# From elsewhere, so that the installed package is what is tested.
cd "$work"
"$python" -m pytest --quiet --rootdir "$root" -p no:cacheprovider "$root/python/tests" "$@"
