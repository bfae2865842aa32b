// Runs a module with the JavaScript that its package brings, in V8, and records all that passes between the two: so that a host without
// JavaScript can do the same with it (host/replay.c) and see whether it computes the same.
//
//   node record.mjs WORKLOAD TRACE [ARGUMENTS]    WORKLOAD is a module of workloads/; what it gives is printed
//
// A trace is a list of events, little-endian, each an opcode and what belongs to it:
//
//   PATCH address:u64 size:u32 bytes    JavaScript has written to the memory
//   GROW pages:u64                      JavaScript has grown it
//   CALL name args                      JavaScript calls an export ...
//   CALL_TABLE name index:u32 args      ... or an element of a table
//   IMPORT index:u32 args               the module calls its import of that index
//   RETURN values                       the call that was begun last has returned: what was called is known from the nesting
//   THROW                               ... or has thrown
//   SUM size:u64 crc:u32                what the memory's size and CRC-32 are here
//   END
//
// A name is its size (u32) and bytes; values are their number (u32) and for each a tag (u8) and 8 bytes: 0 undefined, 1 a Number, 2 a BigInt.
import { closeSync, openSync, writeSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { crc32 } from "node:zlib";

const [PATCH, GROW, CALL, CALL_TABLE, IMPORT, RETURN, THROW, SUM, END] = [1, 2, 3, 4, 5, 6, 7, 8, 9];
const PAGE = 65536;
const SUM_EVERY = 50; // calls from outside

class Trace {
  constructor(path) {
    this.fd = openSync(path, "w");
    this.pending = [];
    this.size = 0;
    this.calls = 0;
  }

  bytes(bytes) {
    this.pending.push(Buffer.from(bytes));
    this.size += bytes.length;
    if (this.size > 1 << 20) this.flush();
  }

  flush() {
    writeSync(this.fd, Buffer.concat(this.pending));
    this.pending = [];
    this.size = 0;
  }

  number(value, size) {
    const bytes = Buffer.alloc(size);
    if (size === 8) bytes.writeBigUInt64LE(BigInt(value));
    else if (size === 4) bytes.writeUInt32LE(value);
    else bytes.writeUInt8(value);
    this.bytes(bytes);
  }

  name(name) {
    this.number(Buffer.byteLength(name), 4);
    this.bytes(Buffer.from(name));
  }

  values(values) {
    this.number(values.length, 4);
    for (const value of values) {
      const bytes = Buffer.alloc(9);
      if (typeof value === "bigint") {
        bytes[0] = 2;
        bytes.writeBigInt64LE(BigInt.asIntN(64, value), 1);
      } else if (typeof value === "number" || typeof value === "boolean" || value === null) {
        bytes[0] = 1;
        bytes.writeDoubleLE(Number(value), 1);
      } else if (value !== undefined) {
        throw new Error(`a ${typeof value} passes between JavaScript and the module: that is not recorded`);
      }
      this.bytes(bytes);
    }
  }
}

// The memory as it was when the module was left last: what JavaScript changes is known by comparing.
class Shadow {
  constructor(trace) {
    this.trace = trace;
    this.copy = Buffer.alloc(0);
  }

  get now() {
    return Buffer.from(this.memory.buffer);
  }

  left() {
    if (!this.memory) return;
    const now = this.now;
    if (this.copy.length !== now.length) this.copy = Buffer.alloc(now.length);
    now.copy(this.copy);
  }

  entered() {
    if (!this.memory) return;
    const now = this.now;
    if (now.length > this.copy.length) {
      this.trace.number(GROW, 1);
      this.trace.number((now.length - this.copy.length) / PAGE, 8);
      this.copy = Buffer.concat([this.copy], now.length);
    }
    for (let page = 0; page < now.length; page += PAGE) {
      if (now.compare(this.copy, page, page + PAGE, page, page + PAGE) !== 0) this.patch(now, page);
    }
  }

  // The part of a page that has changed.
  patch(now, page) {
    let first = page;
    let last = page + PAGE;
    while (now[first] === this.copy[first]) first++;
    while (now[last - 1] === this.copy[last - 1]) last--;
    this.trace.number(PATCH, 1);
    this.trace.number(first, 8);
    this.trace.number(last - first, 4);
    this.trace.bytes(now.subarray(first, last));
  }

  sum() {
    if (!this.memory) return;
    const now = this.now;
    this.trace.number(SUM, 1);
    this.trace.number(now.length, 8);
    this.trace.number(crc32(now), 4);
  }
}

class Recorder {
  constructor(path) {
    this.trace = new Trace(path);
    this.shadow = new Shadow(this.trace);
    this.depth = 0;
  }

  // A function of the module's, called by JavaScript: `begin` writes what is called.
  outer(func, begin) {
    return (...given) => {
      const args = given.slice(0, func.length);
      while (args.length < func.length) args.push(undefined);
      this.shadow.entered();
      begin();
      this.trace.values(args);
      this.depth++;
      let result;
      try {
        result = func(...args);
      } catch (error) {
        this.depth--;
        this.trace.number(THROW, 1);
        this.shadow.left();
        throw error;
      }
      this.depth--;
      this.trace.number(RETURN, 1);
      this.trace.values(result === undefined ? [] : [result]);
      if (this.depth === 0 && this.trace.calls++ % SUM_EVERY === 0) this.shadow.sum();
      this.shadow.left();
      return result;
    };
  }

  // A function of JavaScript's, called by the module.
  inner(func, index) {
    return (...args) => {
      this.trace.number(IMPORT, 1);
      this.trace.number(index, 4);
      this.trace.values(args);
      this.shadow.left();
      let result;
      try {
        result = func(...args);
      } catch (error) {
        this.shadow.entered();
        this.trace.number(THROW, 1);
        throw error;
      }
      this.shadow.entered();
      this.trace.number(RETURN, 1);
      this.trace.values(result === undefined ? [] : [result]);
      return result;
    };
  }

  table(name, table) {
    return new Proxy(table, {
      get: (_, property) => {
        if (property === "length") return table.length;
        if (property !== "get") throw new Error(`JavaScript uses ${String(property)} of a table: that is not recorded`);
        return (index) => {
          const func = table.get(index);
          if (!func) return func;
          return this.outer(func, () => {
            this.trace.number(CALL_TABLE, 1);
            this.trace.name(name);
            this.trace.number(index, 4);
          });
        };
      },
    });
  }

  instantiate(module, imports) {
    const wrapped = {};
    WebAssembly.Module.imports(module).forEach(({ module: from, name, kind }, index) => {
      const value = imports[from][name];
      if (kind === "memory") this.shadow.memory = value;
      (wrapped[from] ??= {})[name] = kind === "function" ? this.inner(value, index) : value;
    });
    const { exports } = new WebAssembly.Instance(module, wrapped);
    const made = {};
    for (const [name, value] of Object.entries(exports)) {
      if (value instanceof WebAssembly.Memory) this.shadow.memory = value;
      if (typeof value === "function") {
        made[name] = this.outer(value, () => {
          this.trace.number(CALL, 1);
          this.trace.name(name);
        });
      } else made[name] = value instanceof WebAssembly.Table ? this.table(name, value) : value;
    }
    this.shadow.left();
    return made;
  }

  end() {
    this.shadow.entered();
    this.shadow.sum();
    this.trace.number(END, 1);
    this.trace.flush();
    closeSync(this.trace.fd);
  }
}

const [workload, path, ...given] = process.argv.slice(2);
const recorder = new Recorder(path);
WebAssembly.instantiate = async (source, imports) => {
  const module = source instanceof WebAssembly.Module ? source : new WebAssembly.Module(source);
  const instance = { exports: recorder.instantiate(module, imports) };
  return source instanceof WebAssembly.Module ? instance : { module, instance };
};
WebAssembly.instantiateStreaming = undefined;
const { run } = await import(pathToFileURL(workload));
console.log(await run(...given));
recorder.end();
process.exit(0);
