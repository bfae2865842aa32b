"""Functions that are easy to write and hard to compile: each shape as a binary of about a given size."""

from modules import EXTERNREF, I32, END, LOCAL_GET, Module, const, get, put, u

BLOCK, LOOP, IF, EMPTY = b"\x02", b"\x03", b"\x04", b"\x40"
END_ = bytes([END])
CALL = b"\x10"


def chained(operand, unit):
    """Operators that each take the result of the one before."""

    def body(size):
        return operand + unit * (size // len(unit)), 0

    return body


def stores(size):
    return b"".join(get(0) + get(1) + b"\x36\x02" + u(4 * k) for k in range(size // 8)) + get(0), 0


def unreachable(size):
    return (get(0) + IF + EMPTY + b"\x00" + END_) * (size // 6) + get(0), 0


def nested(size):
    count = size // 5
    return (get(0) + IF + EMPTY) * count + END_ * count + get(0), 0


def nested_locals(size):
    """Each `if` sets a local of its own, and all are read behind."""
    count = size // 17
    opened = b"".join(get(0) + IF + EMPTY + const(1) + put(k + 2) for k in range(count))
    read = b"".join(get(k + 2) + b"\x6a" for k in range(count))
    return opened + END_ * count + const(0) + read, count


def ifs_in_a_loop(size):
    count = size // 12
    ifs = b"".join(get(k + 2) + IF + EMPTY + get(0) + put(k + 2) + END_ for k in range(count))
    return LOOP + EMPTY + ifs + get(0) + b"\x0d\x00" + END_ + get(0), count


def loops(size):
    """As many loops as locals."""
    count = size // 14
    each = (LOOP + EMPTY + get(k + 2) + const(1) + b"\x6a\x22" + u(k + 2) + b"\x0d\x00" + END_ for k in range(count))
    return b"".join(each) + get(0), count


def nested_loops(size):
    """Loops in loops, and locals that are read in the innermost."""
    count = size // 7
    read = b"".join(get(k + 2) + b"\x1a" for k in range(count))
    return (LOOP + EMPTY) * count + read + END_ * count + get(0), count


def module(body, locals_=0):
    m = Module()
    m.memory(1)
    m.function([I32, I32], [I32], body, own=[(locals_, I32)] if locals_ else ())
    return m.binary()


def references(size):
    """As many references as calls that they live across."""
    count, m = size // 10, Module()
    give, take = m.import_function([], [EXTERNREF]), m.import_function([EXTERNREF], [])
    made = b"".join(CALL + u(give) + put(k) for k in range(count))
    used = b"".join(get(k) + CALL + u(take) for k in range(count))
    m.function([], [], made + used, own=[(count, EXTERNREF)])
    return m.binary()


def references_in_branches(size):
    """References that are all there at once, each used in a branch of its own."""
    count, m = size // 13, Module()
    give, take = m.import_function([], [EXTERNREF]), m.import_function([EXTERNREF], [])
    made = b"".join(CALL + u(give) + put(k + 1) for k in range(count))
    used = b"".join(get(0) + IF + EMPTY + get(k + 1) + CALL + u(take) + END_ for k in range(count))
    m.function([I32], [], made + used, own=[(count, EXTERNREF)])
    return m.binary()


def handlers(size):
    """Legacy handlers in each other, each of which may throw its exception again behind the calls of those within."""
    count, m = size // 15, Module()
    call = m.import_function([], [])
    opened = b"\x06\x40" + CALL + u(call) + b"\x19"
    closed = b"".join(get(0) + const(k) + b"\x46" + IF + EMPTY + b"\x09\x01" + END_ + END_ for k in range(count))
    m.function([I32], [], opened * count + closed)
    return m.binary()


def delegates(size):
    """Calls that each leave their exceptions to all the blocks around."""
    count, m = size // 6, Module()
    call = m.import_function([], [])
    m.function([], [], b"\x06\x40" * count + (CALL + u(call) + b"\x18\x00") * count)
    return m.binary()


def simple(make):
    return lambda size: module(*make(size))


SHAPES = {
    "i32.div_s": simple(chained(get(0), get(1) + b"\x6d")),
    "if unreachable": simple(unreachable),
    "i32.load": simple(chained(get(0), b"\x28\x02\x00")),
    "i32.store": simple(stores),
    "i32.trunc_f32_s": simple(chained(get(0), b"\xb2\xa8")),
    "nested if": simple(nested),
    "nested if, a local each": simple(nested_locals),
    "ifs in a loop, a local each": simple(ifs_in_a_loop),
    "loops, a local each": simple(loops),
    "nested loops, locals in the innermost": simple(nested_loops),
    "references across calls": references,
    "references in branches": references_in_branches,
    "legacy handlers": handlers,
    "legacy delegates": delegates,
}
