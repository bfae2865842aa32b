"""The rows of the table: what the driver does for each, and how it is counted.

A word of an operation that begins with @ is a module of modules.py. An id is what --rows selects by.
"""

from dataclasses import dataclass

# Stores are replaced after so many instances (outside of what is timed): wasmtime frees instances with their store
# only, and refuses the 10,001st of one.
PER_STORE, PER_STORE_OF_LARGE = "5000", "200"

GROUPS = {
    "call": "Calls from the host into WebAssembly",
    "callback": "Callbacks from WebAssembly into the host",
    "trap": "Traps",
    "instance": "Instances in one store",
    "fresh": "A store of its own for each instance",
    "slope": "Instances by size of the module",
    "object": "Exports, memories, globals and tables",
    "module": "Modules",
    "memory": "Resident memory",
    "process": "The library and the process",
    "thread": "Threads over one shared memory",
    "kernel": "Computation",
    "memory64": "The same, with 64-bit memories",
    "objects": "Objects, casts, references to functions, tail calls",
    "exceptions": "Exceptions",
    "real": "Modules of others",
}


@dataclass
class Row:
    id: str
    title: str
    operation: list
    clock: str = "cpu"  # or wall
    unit: str = "s"  # or B
    repetitions: int = 0  # in one round; 0 is as many as take the time of a round
    total: bool = False  # the result is for all repetitions together
    own_process: bool = False  # for each round
    least_rounds: int = 1
    most_rounds: int = 1000
    shared_repetitions: bool = False  # those of the first library, so that answers can be compared
    compared: bool = True  # whether a ratio says something
    extension: bool = False  # of libwasm, and not of the standard
    v8: list = None  # arguments of v8.mjs

    @property
    def group(self):
        return self.id.split(".")[0]


SIGNATURES = {"none": "() → ()", "externref": "externref", "null": "externref (null)", "funcref": "funcref"}


def calls():
    yield Row("call.none", "call () → ()", ["call", "@calls", "none_0", "none", "0"])
    yield Row("call.i32.0", "call () → i32", ["call", "@calls", "i32_0", "i32", "0"])
    for kind in "i32", "f64", "externref", "null", "funcref":
        export = "externref" if kind == "null" else kind
        label = SIGNATURES.get(kind, kind)
        for count in 2, 8:
            operation = ["call", "@calls", f"{export}_{count}", kind, str(count)]
            yield Row(f"call.{kind}.{count}", f"call ({count} × {label}) → {export}", operation)


def callbacks():
    for environment, words in ("plain", ""), ("env", ", with an environment"):
        for kind in "none", "i32", "f64", "externref", "null", "funcref":
            export = "externref" if kind == "null" else kind
            label = SIGNATURES.get(kind, kind) if kind in ("none", "null") else f"{kind} → {kind}"
            operation = ["callback", f"@callback_{export}", kind, environment]
            yield Row(f"callback.{environment}.{kind}", f"callback {label}{words}", operation)
    yield Row("callback.instance", "call from one instance into another, i32 → i32",
              ["cross", "@callback_i32", "@calls", "increment"])


def traps():
    for export, label in ("unreachable", "unreachable"), ("out_of_bounds", "memory out of bounds"), ("division", "division by zero"):
        yield Row(f"trap.{export}", f"trap: {label}; deleted", ["trap", "@traps", export, "deleted", "1"])
    yield Row("trap.trace", "trap: unreachable; trace taken", ["trap", "@traps", "unreachable", "trace", "1"])
    yield Row("trap.message", "trap: unreachable; message taken", ["trap", "@traps", "unreachable", "message", "1"])
    yield Row("trap.deep", "trap: 10 frames deep; trace taken", ["trap", "@traps", "deep", "trace", "10"])
    yield Row("trap.host", "trap of a host function, through WebAssembly", ["host_trap", "@callback_none"])
    yield Row("trap.new", "trap made and deleted by the host", ["trap_new"])


# The call between making and deleting writes four pages of memory.
SIZES = [("empty", "empty module", PER_STORE), ("small", "small module", PER_STORE),
         ("table_5000", "5,000 functions in a table", PER_STORE_OF_LARGE), ("data_4m", "4 MiB of data", PER_STORE_OF_LARGE)]


def instances():
    for module, label, per_store in SIZES:
        yield Row(f"instance.{module}", f"instance made and deleted: {label}", ["instance", "@" + module, per_store])
    for module, label, per_store in SIZES[1:]:
        yield Row(f"instance.{module}.touch", f"instance made, called, deleted: {label}",
                  ["instance", "@" + module, per_store, "touch"])
    yield Row("instance.store_life", "instance made, called, deleted; 1,000 and their store",
              ["store_life", "@small", "1000", "touch"])


def fresh():
    yield Row("fresh.store", "store alone", ["store"])
    for module, label, _ in SIZES:
        yield Row(f"fresh.{module}", f"store and instance: {label}", ["fresh", "@" + module])
    for module, label, _ in SIZES[1:]:
        yield Row(f"fresh.{module}.touch", f"store and instance, called: {label}",
                  ["fresh", "@" + module, "touch"])


# Families of modules of one kind: what one more of what is counted adds, and [(module, its size, in words)].
SLOPES = {
    "functions": ("function", [("functions_100", 100, "100 functions"), ("functions_1000", 1000, "1,000 functions"),
                               ("functions_10000", 10000, "10,000 functions")]),
    "entries": ("table entry", [("entries_100", 100, "100 table entries"), ("entries_1000", 1000, "1,000 table entries"),
                                ("entries_10000", 10000, "10,000 table entries")]),
    "data": ("MiB of data", [("data_64k", 1 / 16, "64 KiB of data"), ("data_1024k", 1, "1 MiB of data"),
                             ("data_16384k", 16, "16 MiB of data")]),
}


def slopes():
    for family, (unit, members) in SLOPES.items():
        for module, _, words in members:
            yield Row(f"slope.{module}", f"instance made and deleted: {words}", ["instance", "@" + module, PER_STORE_OF_LARGE])
        yield Row(f"slope.each.{family}", f"slope of these: each {unit} adds", ["slope", family])


def objects():
    yield Row("object.exports", "exports of an instance (9), deleted", ["exports", "@small"])
    yield Row("object.memory_data", "wasm_memory_data", ["memory_data", "@small"])
    yield Row("object.memory_size", "wasm_memory_size", ["memory_size", "@small"])
    yield Row("object.memory_data_size", "wasm_memory_data_size", ["memory_data_size", "@small"])
    for kind in "i32", "i64", "f64", "funcref":
        yield Row(f"object.global_get.{kind}", f"wasm_global_get, {kind}", ["global_get", "@small", f"global_{kind}", kind])
    for kind in "i32", "i64", "f64":
        yield Row(f"object.global_set.{kind}", f"wasm_global_set, {kind}", ["global_set", "@small", f"global_{kind}", kind])
    for function in "get", "set", "size":
        yield Row(f"object.table_{function}", f"wasm_table_{function}", [f"table_{function}", "@small"])


def module_rows(group, name, path, label, artifacts):
    """What can be done with a module, `path` being a word of an operation."""
    yield Row(f"{group}.new.{name}", f"wasm_module_new: {label}", ["module_new", path], clock="wall")
    yield Row(f"{group}.validate.{name}", f"wasm_module_validate: {label}", ["validate", path], clock="wall")
    yield Row(f"{group}.serialize.{name}", f"wasm_module_serialize: {label}", ["serialize", path], clock="wall")
    yield Row(f"{group}.deserialize.{name}", f"wasm_module_deserialize: {label}", ["deserialize", path], clock="wall")
    yield Row(f"{group}.deserialize_file.{name}", f"libwasm_module_deserialize_file: {label}",
              ["deserialize_file", path, f"{artifacts}/{name}.artifact"], clock="wall", extension=True)
    yield Row(f"{group}.artifact.{name}", f"serialized module: {label}", ["artifact", path], unit="B", repetitions=1)


def modules(kernels, artifacts):
    yield from module_rows("module", "small", "@small", "small", artifacts)
    yield from module_rows("module", "large", "@large", "large (1,500 functions)", artifacts)
    yield Row("module.new.kernels", f"wasm_module_new: the {len(kernels)} kernels", ["module_new", *kernels], clock="wall")
    yield Row("module.share", "wasm_module_share and _obtain: small", ["share", "@small"])


def memory(count):
    def alive(module, label, count, per_store):
        return Row(f"memory.alive.{module}.{count}", f"each of {count:,} instances alive: {label}",
                   ["alive", "@" + module, per_store], unit="B", repetitions=count, own_process=True)

    def growth(name, label, per_store):
        return Row(f"memory.growth.{name}", f"growth by {count:,} instances made and deleted, {label}",
                   ["growth", "@small", per_store, "touch"], unit="B", repetitions=count, total=True,
                   own_process=True, compared=False, most_rounds=1)

    yield alive("empty", "empty module", 1000, PER_STORE)
    yield alive("small", "small module", 1000, PER_STORE)
    yield alive("table_5000", "5,000 functions in a table", 100, PER_STORE)
    yield alive("data_4m", "4 MiB of data", 100, PER_STORE)
    yield alive("empty", "empty module", 20000, PER_STORE)
    yield alive("small", "small module", 20000, PER_STORE)
    yield growth("one_store", "all in one store", "0")
    yield growth("stores", "a new store after each 5,000", PER_STORE)


def threads():
    for export, threads, label in (("add", 1, "atomic addition, one thread"), ("add", 2, "atomic addition to one word, two threads at once, each"),
                                   ("pass", 2, "two threads pass a turn to each other by wait and notify: there and back")):
        yield Row(f"thread.{export}.{threads}", label, ["threads", "@threads", export, str(threads)], clock="wall", extension=True,
                  v8=["threads", "@threads", export, str(threads)])


def kernel_rows(group, kernels):
    for path in kernels:
        name = path.rsplit("/", 1)[-1].removesuffix(".wasm")
        yield Row(f"{group}.{name}", name, ["kernel", path], shared_repetitions=True, v8=["kernel", path])


# Kernels in benches/objects with a group of their own.
EXCEPTIONS = ["throw_1", "throw_10", "try_only"]


def objects_rows(paths):
    """Kernels of WebAssembly 3.0. The longest pause is not the time of a repetition."""
    names = {path.rsplit("/", 1)[-1].removesuffix(".wasm"): path for path in paths}
    pause = names.pop("pause", None)
    yield from kernel_rows("objects", [path for name, path in names.items() if name not in EXCEPTIONS])
    if pause:
        yield Row("objects.pause", "longest of 2,000 steps of 10,000 objects each, 100 MB live", ["pause", pause], repetitions=2000,
                  total=True, most_rounds=5, v8=["pause", pause])
    yield from kernel_rows("exceptions", [path for name, path in names.items() if name in EXCEPTIONS])


def all_rows(kernels, wide_kernels, object_kernels, others, artifacts, churned):
    """`kernels`, `wide_kernels` (those with a memory, which is a 64-bit one), `object_kernels` and `others` are paths of binaries. Sizes and
    slopes are found without the driver."""
    for rows in calls(), callbacks(), traps(), instances(), fresh(), slopes(), objects(), modules(kernels, artifacts):
        yield from rows
    yield from memory(churned)
    for path in others:
        name = path.rsplit("/", 1)[-1].removesuffix(".wasm")
        yield from module_rows("real", name, path, name, artifacts)
        yield Row(f"real.instance.{name}", f"instance made and deleted, imports as stubs: {name}", ["instance", path, PER_STORE_OF_LARGE])
    yield Row("process.size", "size of the library", ["size"], unit="B")
    yield Row("process.stripped", "size of the library, stripped", ["stripped"], unit="B")
    yield Row("process.start", "process start to the first result", ["spawn"], clock="wall", repetitions=1, least_rounds=15, v8=["once", "@small"])
    yield from threads()
    yield from kernel_rows("kernel", kernels)
    yield from kernel_rows("memory64", wide_kernels)
    yield from objects_rows(object_kernels)
