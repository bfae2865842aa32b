"""A kernel with a 64-bit memory: the same program, in which what is an address has 64 bits, as a compiler of C makes it.

Addresses are the operands of accesses, and the locals and parameters that such an operand is, or a sum or difference with. Other
numbers stay 32 bits wide, and are extended where they take part in an address.
"""

import re

SUMS = {"i32.add", "i32.sub"}
# What is computed with 64 bits if an address takes part, and with 32 and extended otherwise.
OTHERS = {"i32.and", "i32.or", "i32.xor", "i32.shr_u", "i32.mul"}
COMPARISONS = re.compile(r"i32\.(eq|ne|[lg][te]_[su])$")
ACCESS = re.compile(r"(i32|i64|f32|f64|v128)\.(load|store|atomic\.)")


def parse(text):
    """Nested lists of words; comments are left out."""
    text = re.sub(r";;[^\n]*", "", text)
    stack = [[]]
    for word in re.findall(r'"(?:[^"\\]|\\.)*"|[()]|[^\s()]+', text):
        if word == "(":
            stack.append([])
        elif word == ")":
            done = stack.pop()
            stack[-1].append(done)
        else:
            stack[-1].append(word)
    return stack[0][0]


def show(tree):
    return tree if isinstance(tree, str) else "(" + " ".join(map(show, tree)) + ")"


def nodes(tree):
    if isinstance(tree, list):
        yield tree
        for part in tree:
            yield from nodes(part)


def operands(tree):
    return [part for part in tree[1:] if isinstance(part, list)]


def summed(tree):
    """The locals that an address is, or is a sum or difference of."""
    head = tree[0]
    if head == "local.get":
        yield tree[1]
    elif head == "local.tee":
        yield tree[1]
        yield from summed(tree[2])
    elif head in SUMS:
        for part in operands(tree):
            yield from summed(part)


class Function:
    def __init__(self, tree, widened):
        self.tree, self.widened = tree, widened
        self.name = tree[1] if isinstance(tree[1], str) else None
        self.params = [part[1] for part in tree[1:] if part[0] == "param"]
        self.addresses = set()

    def find(self):
        """Adds what is an address; whether there was something."""
        before = len(self.addresses)
        for node in nodes(self.tree):
            head = node[0] if isinstance(node[0], str) else ""
            if ACCESS.match(head):
                self.addresses.update(summed(operands(node)[0]))
            elif head in ("local.set", "local.tee") and node[1] in self.addresses:
                self.addresses.update(summed(node[2]))
            elif head == "call" and node[1] in self.widened:
                callee = self.widened[node[1]]
                for param, argument in zip(callee.params, operands(node)):
                    if param in callee.addresses:
                        self.addresses.update(summed(argument))
        return len(self.addresses) > before

    def has_address(self, tree):
        return any(node[0] in ("local.get", "local.tee") and node[1] in self.addresses for node in self.values(tree))

    def values(self, tree):
        """The parts of an expression that its value is computed of: not those of the addresses that it loads from."""
        yield tree
        if not ACCESS.match(tree[0]) and tree[0] != "call":
            for part in operands(tree):
                yield from self.values(part)

    def wide(self, tree):
        """A 32-bit expression with 64 bits."""
        head = tree[0]
        if head == "i32.const":
            return ["i64.const", tree[1]]
        if head == "local.get" and tree[1] in self.addresses:
            return tree
        if head == "local.tee" and tree[1] in self.addresses:
            return [*tree[:2], self.wide(tree[2])]
        if head in SUMS or head == "i32.shl" or head in OTHERS and self.has_address(tree):
            return [head.replace("i32", "i64"), *map(self.wide, operands(tree))]
        if head == "i32.load":
            # An address in memory, in a slot of eight bytes.
            return ["i64.load", *self.access(tree)[1:]]
        return ["i64.extend_i32_u", self.narrow(tree)]

    def access(self, tree):
        address = operands(tree)[0]
        return [self.wide(part) if part is address else self.narrow(part) for part in tree]

    def narrow(self, tree):
        """Anything else, with the types it has."""
        if isinstance(tree, str):
            return tree
        head = tree[0] if isinstance(tree[0], str) else ""
        if ACCESS.match(head):
            return self.access(tree)
        if head == "memory.fill":
            to, value, length = operands(tree)
            return [head, self.wide(to), self.narrow(value), self.wide(length)]
        if head == "memory.copy":
            return [head, *map(self.wide, operands(tree))]
        if COMPARISONS.match(head) and self.has_address(tree):
            return [head.replace("i32", "i64"), *map(self.wide, operands(tree))]
        if head in ("local.get", "local.tee") and tree[1] in self.addresses:
            return ["i32.wrap_i64", self.wide(tree)]
        if head == "local.set" and tree[1] in self.addresses:
            return [*tree[:2], self.wide(tree[2])]
        if head in ("param", "local") and tree[1] in self.addresses:
            return [head, tree[1], "i64"]
        if head == "call" and tree[1] in self.widened:
            callee = self.widened[tree[1]]
            wide = [self.wide if param in callee.addresses else self.narrow for param in callee.params]
            return [head, tree[1], *(convert(part) for convert, part in zip(wide, operands(tree)))]
        return [self.narrow(part) for part in tree]


def widen(text):
    """The text of a kernel with a 64-bit memory; None if it has no memory."""
    module = parse(text)
    if not any(part[0] == "memory" for part in module[1:]):
        return None
    functions, named = [], {}
    for part in module[1:]:
        if part[0] == "func":
            functions.append(Function(part, named))
            if functions[-1].name:
                named[functions[-1].name] = functions[-1]
    while any([function.find() for function in functions]):
        pass
    out, functions = ["module"], iter(functions)
    for part in module[1:]:
        if part[0] == "memory":
            part = ["memory", "i64", *part[1:]]
        elif part[0] == "data":
            part = ["data", ["i64.const", part[1][1]], *part[2:]]
        elif part[0] == "func":
            function = next(functions)
            part = function.narrow(part)
        out.append(part)
    return show(out) + "\n"
