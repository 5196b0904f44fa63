#!/bin/sh
# Fetches libtorch once per user and links it into this checkout as `.libtorch`, where cargo looks for it.
#
# What is fetched is a slice of the torch wheel: its CPU libraries and headers. They were linked in a CUDA
# build, and serve alone if libcudart and libcupti lie beside them and nothing asks for libtorch_cuda.
set -eu

version=2.13.0
cache=${XDG_CACHE_HOME:-$HOME/.cache}/neuron
dir=$cache/libtorch-$version
link=$(cd "$(dirname "$0")/.." && pwd)/.libtorch

main() {
    [ -z "${LIBTORCH:-}${LIBTORCH_USE_PYTORCH:-}" ] || exit 0 # the user's own
    [ -f "$dir/build-version" ] || fetch
    [ "$(readlink "$link")" = "$dir" ] || ln -sfn "$dir" "$link"
}

fetch() {
    [ "$(uname -sm)" = "Linux x86_64" ] || fail "there is none here for $(uname -sm), only for Linux x86_64"
    mkdir -p "$cache"
    work=$(mktemp -d "$cache/libtorch.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    trap 'exit 130' INT TERM
    echo "libtorch $version: fetching 540 MB, once for this user, into $dir"
    wheels || archive || fail "neither pip nor the PyTorch site gave it (network? disk space?)"
    echo "$version" >"$work/slice/build-version"
    mv -T "$work/slice" "$dir" || [ -f "$dir/build-version" ] || fail "$dir is in the way: remove it"
    echo "libtorch $version: ready"
}

# Asks for these exact files, whatever the local Python is; pip compares the sums.
wheels() {
    python3 -m pip --version >/dev/null 2>&1 || return 1
    cat >"$work/wheels.txt" <<'EOF'
torch==2.13.0 --hash=sha256:60fcdcb2f3876e21146cb4524ef06397d727ca9ad5f020818547e25075fe3cb7
nvidia-cuda-runtime==13.0.96 --hash=sha256:7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548
nvidia-cuda-cupti==13.0.85 --hash=sha256:4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8
EOF
    python3 -m pip download --disable-pip-version-check --no-input --no-cache-dir --no-deps \
        --only-binary=:all: --python-version 3.11 --implementation cp --abi cp311 \
        --platform manylinux_2_28_x86_64 --platform manylinux_2_25_x86_64 \
        --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
        --dest "$work" --require-hashes --requirement "$work/wheels.txt" && slice
}

slice() {
    python3 - "$work" <<'EOF' && echo 'INPUT(-ltorch_cpu)' >"$work/slice/lib/libtorch.so"
import pathlib, re, shutil, sys, zipfile

work = pathlib.Path(sys.argv[1])
wanted = re.compile(r"torch/(include/.*[^/])|(?:torch|nvidia/cu13)/(lib/lib(?:torch_cpu|c10|gomp|cudart|cupti)\.so.*)")
for wheel in work.glob("*.whl"):
    with zipfile.ZipFile(wheel) as files:
        for match in filter(None, map(wanted.fullmatch, files.namelist())):
            path = work / "slice" / (match[1] or match[2])
            path.parent.mkdir(parents=True, exist_ok=True)
            with files.open(match[0]) as source, path.open("wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
EOF
}

# For machines without pip: the official CPU build (no published sum to compare with).
archive() {
    url=https://download.pytorch.org/libtorch/cpu/libtorch-shared-with-deps-$version%2Bcpu.zip
    echo "libtorch $version: no wheel by pip, trying $url"
    curl --fail --location --progress-bar --output "$work/libtorch.zip" "$url" &&
        { unzip -q "$work/libtorch.zip" -d "$work" || python3 -m zipfile -e "$work/libtorch.zip" "$work"; } &&
        mv "$work/libtorch" "$work/slice"
}

fail() {
    echo "libtorch $version: $1; install it yourself and set LIBTORCH=<its directory>" >&2
    exit 1
}

main
