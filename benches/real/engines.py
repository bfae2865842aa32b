"""The engines that run a program: libwasm through the host in C, wasmtime through the same host, and V8 in Node."""

import subprocess
from pathlib import Path

from packages import Failed, run

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def build_host(out, library, engine, compiler):
    """The host, linked with a library: `engine` says which of its two files for what is not standard."""
    folder = out / engine
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "host"
    sources = [path for path in sorted((HERE / "host").glob("*.c")) if not path.stem.startswith("engine_")]
    # The name that the program looks for when it starts is the library's own.
    soname = {"libwasm": "libwasm.so.0"}.get(engine, library.name)
    link = folder / soname
    link.unlink(missing_ok=True)
    link.symlink_to(library)
    run([*compiler, "-std=gnu11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-I", ROOT / "include", *sources, HERE / f"host/engine_{engine}.c",
         "-o", program, link, f"-Wl,-rpath,{folder}", "-pthread", "-lm"])
    return program


class Engine:
    """What starts a module: a command, up to the host's options."""

    def __init__(self, name, command):
        self.name, self.command = name, [str(word) for word in command]

    def run(self, module, *arguments, dirs=(), options=(), **how):
        """Runs a program to its end; what it prints. `dirs` are pairs: the guest's name of a folder, and its path."""
        given = [word for name, path in dirs for word in ("--dir", f"{name}={path}")]
        return run([*self.command, *options, *given, module, *arguments], **how)

    def kernels(self, module, options=()):
        return Kernels(self, module, options)


class Kernels:
    """A process that calls exports of a module, one after the other."""

    def __init__(self, engine, module, options):
        self.name = engine.name
        self.process = subprocess.Popen([*engine.command, *options, "--kernels", str(module)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self._read("ready")

    def _read(self, wanted=None):
        line = self.process.stdout.readline().strip()
        if not line or (wanted and line != wanted):
            said = self.process.stderr.read().strip().splitlines()
            raise Failed(f"{self.name}: {' / '.join(said[:2]) or 'the process has ended'}")
        return line

    def call(self, name, repetitions):
        """Nanoseconds of processor time, and the result."""
        self.process.stdin.write(f"{name} {repetitions}\n")
        self.process.stdin.flush()
        nanoseconds, result = self._read().split()
        return int(nanoseconds), int(result)

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=60)
