// The same programs on V8, in Node, with Node's WASI: what the host's results and times are compared with.
//
//   node v8.mjs [--dir NAME=PATH]... [--kernels] MODULE [ARGUMENTS]    as host/main.c
import { closeSync, openSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { createInterface } from "node:readline";

process.removeAllListeners("warning"); // that its WASI is experimental
const { WASI } = await import("node:wasi");

const preopens = {};
let kernels = false;
const args = process.argv.slice(2);
while (args[0].startsWith("--")) {
  if (args[0] === "--kernels") kernels = true;
  else if (args[0] === "--dir") {
    args.shift();
    const [name, path] = args[0].split("=");
    preopens[name] = path;
  }
  args.shift();
}

const stdout = kernels ? openSync("/dev/null", "w") : 1;
const wasi = new WASI({ version: "preview1", args: [basename(args[0]), ...args.slice(1)], env: {}, preopens, stdout, returnOnExit: true });
const module = new WebAssembly.Module(readFileSync(args[0]));
const instance = new WebAssembly.Instance(module, wasi.getImportObject());
const status = wasi.start(instance);
if (!kernels) process.exit(status);
closeSync(stdout);

const nanoseconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
};
console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  const [name, repetitions] = line.split(" ");
  const begun = nanoseconds();
  const answer = instance.exports[name](Number(repetitions));
  console.log(`${nanoseconds() - begun} ${answer}`);
}
