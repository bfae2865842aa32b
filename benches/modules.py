"""The modules that are timed, as binaries, the same on every machine: written here, so that no library reads text."""

I32, I64, F64, FUNCREF, EXTERNREF = 0x7F, 0x7E, 0x7C, 0x70, 0x6F
KINDS = {"i32": I32, "i64": I64, "f64": F64, "funcref": FUNCREF, "externref": EXTERNREF}
FUNC, TABLE, MEMORY, GLOBAL = range(4)
END, LOCAL_GET, LOCAL_SET, CALL, I32_CONST, I32_ADD = 0x0B, 0x20, 0x21, 0x10, 0x41, 0x6A


def u(number):
    """LEB128, unsigned."""
    out = bytearray()
    while True:
        byte, number = number & 0x7F, number >> 7
        if not number:
            return bytes(out + bytes([byte]))
        out.append(byte | 0x80)


def s(number):
    """LEB128, signed."""
    out = bytearray()
    while True:
        byte, number = number & 0x7F, number >> 7
        if number == (-1 if byte & 0x40 else 0):
            return bytes(out + bytes([byte]))
        out.append(byte | 0x80)


def name(text):
    return u(len(text)) + text.encode()


def vector(items):
    return u(len(items)) + b"".join(items)


def get(local):
    return bytes([LOCAL_GET]) + u(local)


def put(local):
    return bytes([LOCAL_SET]) + u(local)


def const(number):
    return bytes([I32_CONST]) + s(number)


class Module:
    """Sections are filled in any order; imports come before functions, as in the index space."""

    def __init__(self):
        self.types, self.imports, self.functions, self.bodies = [], [], [], []
        self.tables, self.memories, self.globals, self.exports = [], [], [], []
        self.elements, self.data = [], []
        self.imported_functions = 0

    def type(self, params, results):
        encoded = b"\x60" + vector([bytes([p]) for p in params]) + vector([bytes([r]) for r in results])
        if encoded not in self.types:
            self.types.append(encoded)
        return self.types.index(encoded)

    def import_function(self, params, results):
        self.imports.append(name("host") + name("f") + b"\x00" + u(self.type(params, results)))
        self.imported_functions += 1
        return len(self.imports) - 1

    def function(self, params, results, body, export=None, own=()):
        index = self.imported_functions + len(self.functions)
        self.functions.append(u(self.type(params, results)))
        code = vector([u(count) + bytes([kind]) for count, kind in own]) + body + bytes([END])
        self.bodies.append(u(len(code)) + code)
        if export:
            self.export(export, FUNC, index)
        return index

    def export(self, label, kind, index):
        self.exports.append(name(label) + bytes([kind]) + u(index))

    def table(self, size, export=None):
        self.tables.append(bytes([FUNCREF, 0]) + u(size))
        if export:
            self.export(export, TABLE, len(self.tables) - 1)

    def memory(self, pages, export=None):
        self.memories.append(b"\x00" + u(pages))
        if export:
            self.export(export, MEMORY, 0)

    def add_global(self, kind, initial, export):
        self.globals.append(bytes([kind, 1]) + initial + bytes([END]))
        self.export(export, GLOBAL, len(self.globals) - 1)

    def fill_table(self, functions):
        self.elements.append(b"\x00" + const(0) + bytes([END]) + vector([u(f) for f in functions]))

    def fill_memory(self, address, content):
        self.data.append(b"\x00" + const(address) + bytes([END]) + u(len(content)) + content)

    def binary(self):
        sections = [(1, self.types), (2, self.imports), (3, self.functions), (4, self.tables), (5, self.memories),
                    (6, self.globals), (7, self.exports), (9, self.elements), (10, self.bodies), (11, self.data)]
        out = b"\0asm\1\0\0\0"
        for number, items in sections:
            if items:
                content = vector(items)
                out += bytes([number]) + u(len(content)) + content
        return out


def empty():
    return Module().binary()


def calls():
    """Functions to be called from outside: numbers give the first argument plus the last, references the last."""
    m = Module()
    m.function([], [], b"", "none_0")
    m.function([], [I32], const(7), "i32_0")
    for kind, add in ("i32", 0x6A), ("f64", 0xA0):
        for count in 2, 8:
            m.function([KINDS[kind]] * count, [KINDS[kind]], get(0) + get(count - 1) + bytes([add]), f"{kind}_{count}")
    for kind in "externref", "funcref":
        for count in 1, 2, 8:
            m.function([KINDS[kind]] * count, [KINDS[kind]], get(count - 1), f"{kind}_{count}")
    m.function([I32], [I32], get(0) + const(1) + bytes([I32_ADD]), "increment")
    itself = answer(m)
    # ask: puts the function into the table and calls it there.
    m.table(1)
    m.fill_table([itself])
    body = const(0) + get(0) + b"\x26\x00" + const(0) + b"\x11" + u(m.type([], [I32])) + b"\x00"
    m.function([FUNCREF], [I32], body, "ask")
    return m.binary()


def answer(m):
    """A function that gives 42, and one that gives a reference to it."""
    index = m.function([], [I32], const(42), "answer")
    m.function([], [FUNCREF], b"\xd2" + u(index), "self")
    return index


def callback(kind):
    """run: (n, x) calls the host n times, each time with its last result; without x for the kind `none`."""
    m = Module()
    kinds = [] if kind == "none" else [KINDS[kind]]
    host = m.import_function(kinds, kinds)
    call = get(1) + bytes([CALL]) + u(host) + put(1) if kinds else bytes([CALL]) + u(host)
    count_down = get(0) + const(-1) + bytes([I32_ADD]) + b"\x22\x00\x0d\x00"
    body = b"\x03\x40" + call + count_down + bytes([END]) + (get(1) if kinds else b"")
    m.function([I32] + kinds, kinds, body, "run")
    answer(m)
    return m.binary()


def traps():
    m = Module()
    m.function([], [], b"\x00", "unreachable")
    m.memory(1)
    m.function([], [], const(65536) + b"\x28\x02\x00\x1a", "out_of_bounds")
    m.function([], [], const(1) + const(0) + b"\x6d\x1a", "division")
    # deep: nine calls, then unreachable; recursion on a local, so that no call can be compiled away.
    deep = len(m.functions)
    m.function([I32], [I32], get(0) + b"\x45\x04\x40\x00\x0b" + get(0) + const(-1) + bytes([I32_ADD, CALL]) + u(deep) +
               const(1) + bytes([I32_ADD]))
    m.function([], [], const(8) + bytes([CALL]) + u(deep) + b"\x1a", "deep")
    return m.binary()


def touch(m, pages):
    """touch: (i32) -> i32 writes its argument to `pages` pages of 4 KiB, and reads it back from the last."""
    store = b"".join(const(4096 * page) + get(0) + b"\x36\x02\x00" for page in range(pages))
    m.function([I32], [I32], store + const(4096 * (pages - 1)) + b"\x28\x02\x00", "touch")


def small():
    """A few functions, a page of memory, a little data, a small table, globals."""
    m = Module()
    host = m.import_function([], [])
    touch(m, 4)
    m.function([I32, I32], [I32], get(0) + get(1) + bytes([I32_ADD]), "add")
    m.function([], [], bytes([CALL]) + u(host), "call_host")
    index = answer(m)
    m.table(4, "table")
    m.fill_table([index] * 4)
    m.memory(1, "memory")
    m.fill_memory(1024, b"libwasm's benchmark has a little data, too" + bytes(range(86)))
    m.add_global(I32, const(1), "global_i32")
    m.add_global(I64, b"\x42\x01", "global_i64")
    m.add_global(F64, b"\x44" + bytes(8), "global_f64")
    m.add_global(FUNCREF, b"\xd0\x70", "global_funcref")
    return m.binary()


def functions(count, table=0):
    """Many functions, and a table that refers to them, over and over if it is larger."""
    m = Module()
    m.import_function([], [])
    first = 1
    for index in range(count):
        m.function([I32], [I32], get(0) + const(index) + bytes([I32_ADD]))
    touch(m, 4)
    m.memory(1)
    if table:
        m.table(table)
        m.fill_table([first + index % count for index in range(table)])
    return m.binary()


def random_bytes(size):
    out, state = bytearray(), 1
    while len(out) < size:
        state = state * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
        out += (state >> 8 | 1 << 55).to_bytes(8, "little")
    return bytes(out[:size])


def data(size):
    """Initialized memory, none of it zero for long."""
    m = Module()
    m.import_function([], [])
    touch(m, 4)
    m.memory(size // 65536 + 1)
    m.fill_memory(0, random_bytes(size))
    return m.binary()


class Code:
    """Function bodies with everything that code is made of, chosen by a generator of numbers."""

    BINARY = [0x6A, 0x6B, 0x6C, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x46, 0x47, 0x48, 0x4B]
    UNARY = [0x67, 0x68, 0x69, 0x45, 0xC0, 0xC1]

    def __init__(self):
        self.state = 20_000_101

    def below(self, bound):
        self.state = self.state * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
        return (self.state >> 33) % bound

    def expression(self, depth):
        choice = self.below(10) if depth else self.below(2)
        if choice == 0:
            return const(self.below(1 << 20))
        if choice == 1:
            return get(self.below(6))
        if choice == 2:
            return self.expression(depth - 1) + bytes([self.UNARY[self.below(len(self.UNARY))]])
        if choice == 3:
            address = self.expression(depth - 1) + const(0xFFFC) + b"\x71"
            return address + b"\x28\x02" + u(self.below(60000))
        pair = self.expression(depth - 1) + self.expression(depth - 1)
        return pair + bytes([self.BINARY[self.below(len(self.BINARY))]])

    def statement(self, depth, callee):
        choice = self.below(9)
        if choice == 0:
            return self.expression(1) + const(0xFFFC) + b"\x71" + self.expression(2) + b"\x36\x02" + u(self.below(60000))
        if choice == 1 and depth:
            arms = self.statements(2, depth - 1, callee), self.statements(2, depth - 1, callee)
            return self.expression(2) + b"\x04\x40" + arms[0] + b"\x05" + arms[1] + bytes([END])
        if choice == 2 and depth:
            step = get(6) + const(1) + b"\x6b\x22\x06\x0d\x00"
            return const(self.below(20) + 1) + put(6) + b"\x03\x40" + self.statements(2, depth - 1, callee) + step + bytes([END])
        if choice == 3 and callee:
            return self.expression(1) + self.expression(1) + bytes([CALL]) + u(self.below(callee)) + put(self.below(6))
        if choice == 4:
            wide = get(7) + self.expression(2) + b"\xad\x7c" + b"\x42" + s(self.below(1 << 30)) + b"\x7e" + put(7)
            return wide
        if choice == 5:
            return get(8) + self.expression(1) + b"\xb7\xa0" + put(8)
        return self.expression(3) + put(self.below(6))

    def statements(self, count, depth, callee):
        return b"".join(self.statement(depth, callee) for _ in range(count))

    def body(self, callee):
        result = get(0) + get(7) + b"\xa7\x6a" + get(8) + b"\xfc\x02\x6a"
        return self.statements(8 + self.below(40), 2, callee) + result


def large(count):
    """Real bodies: arithmetic, memory, branches, loops and calls."""
    m, code = Module(), Code()
    m.memory(2)
    own = [(5, I32), (1, I64), (1, F64)]
    for index in range(count):
        # Two parameters and five locals of i32 are 0 to 6; 6 counts loops; 7 is the i64 and 8 the f64.
        m.function([I32, I32], [I32], code.body(index), f"f{index}" if index % 50 == 0 else None, own)
    answer(m)
    return m.binary()


def threads():
    """What threads do to one shared memory, each with (n, its number): `add` adds 1 to the first word n times, atomically; `pass` waits n
    times for the second word to say that it is the thread's turn, of two, and passes the turn on. Both leave the sum of all n in
    the first word."""
    m = Module()
    m.imports.append(name("host") + name("memory") + bytes([MEMORY, 3]) + u(1) + u(1))
    load, store, add, wait, notify = (b"\xfe" + bytes([code]) + b"\x02\x00" for code in (0x10, 0x17, 0x1E, 0x01, 0x00))
    increment = const(0) + const(1) + add + b"\x1a"
    count_down = get(0) + const(1) + b"\x6b\x22\x00\x0d\x00"
    m.function([I32, I32], [], b"\x03\x40" + increment + count_down + bytes([END]), "add")
    # 2: the turn, which counts on and on. While its last bit is not the thread's number: sleep as long as it stays so.
    sleep = const(64) + get(2) + b"\x42\x7f" + wait + b"\x1a\x0c\x01"
    turn = const(64) + load + b"\x22\x02" + const(1) + b"\x71" + get(1) + b"\x47"
    await_turn = b"\x03\x40" + turn + b"\x04\x40" + sleep + bytes([END, END])
    pass_on = const(64) + get(2) + const(1) + bytes([I32_ADD]) + store + const(64) + const(1) + notify + b"\x1a"
    m.function([I32, I32], [], b"\x03\x40" + await_turn + increment + pass_on + count_down + bytes([END]), "pass", [(1, I32)])
    return m.binary()


# By the name of the file; made when a row asks for it.
MODULES = {
    "empty": empty,
    "calls": calls,
    "traps": traps,
    "small": small,
    "table_5000": lambda: functions(5000, 5000),
    "data_4m": lambda: data(4 << 20),
    "large": lambda: large(1500),
    "threads": threads,
    **{f"callback_{kind}": lambda kind=kind: callback(kind) for kind in ("none", "i32", "f64", "externref", "funcref")},
    **{f"functions_{count}": lambda count=count: functions(count) for count in (100, 1000, 10000)},
    **{f"entries_{size}": lambda size=size: functions(100, size) for size in (100, 1000, 10000)},
    **{f"data_{size >> 10}k": lambda size=size: data(size) for size in (64 << 10, 1 << 20, 16 << 20)},
}
