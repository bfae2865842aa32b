// The peer that has no wasm.h: V8, in Node, with the same modules and the same protocol as driver/main.c.
//
//   node v8.mjs kernel MODULE    `ready`, then for each number of repetitions read: nanoseconds of processor time, answer
//   node v8.mjs pause MODULE     the same, with the wall time of the longest of as many calls
//   node v8.mjs once MODULE      what the module's export `answer` returns
//   node v8.mjs threads MODULE EXPORT COUNT    the same for threads over one shared memory, in nanoseconds of wall time
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { Worker, isMainThread, workerData } from "node:worker_threads";

const [operation, path, name, count] = process.argv.slice(2);
const module = new WebAssembly.Module(readFileSync(path));
// Instances of a module share its code, so that one of them can warm up for another, which then has no history.
const instantiate = () => new WebAssembly.Instance(module, { host: { f() {} } }).exports;

const nanoseconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
};

// Calls until the optimizing compiler, which works beside, has replaced the code of the first one.
async function warmUp(run) {
  let n = 1;
  for (const end = Date.now() + 400; Date.now() < end; ) {
    const begun = Date.now();
    run(n);
    if (Date.now() - begun < 5 && n < 1 << 28) n *= 2;
    await new Promise((resume) => setTimeout(resume, 2));
  }
}

// Each thread runs the export when the main one says so: words of the control say which round it is, how often, and how many are done.
const [ROUND, REPETITIONS, DONE] = [0, 1, 2];

function workOn({ module, memory, control, number }) {
  const run = new WebAssembly.Instance(module, { host: { memory } }).exports[name];
  for (let round = 0; ; ) {
    Atomics.wait(control, ROUND, round);
    round = Atomics.load(control, ROUND);
    run(Atomics.load(control, REPETITIONS), number);
    Atomics.add(control, DONE, 1);
    Atomics.notify(control, DONE);
  }
}

async function threads() {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const control = new Int32Array(new SharedArrayBuffer(12));
  const words = new Uint32Array(memory.buffer);
  const run = new WebAssembly.Instance(module, { host: { memory } }).exports[name];
  const others = Number(count) - 1;
  for (let number = 1; number <= others; number++) {
    const worker = new Worker(new URL(import.meta.url), { workerData: { module, memory, control, number }, argv: process.argv.slice(2) });
    await new Promise((resume) => worker.on("online", resume));
  }
  const round = (n) => {
    const before = words[0];
    Atomics.store(control, DONE, 0);
    Atomics.store(control, REPETITIONS, n);
    Atomics.add(control, ROUND, 1);
    Atomics.notify(control, ROUND);
    run(n, 0);
    for (let done; (done = Atomics.load(control, DONE)) < others; ) Atomics.wait(control, DONE, done);
    if (words[0] - before >>> 0 !== n * (others + 1) >>> 0) throw new Error("the threads have not done what they had to");
  };
  for (const end = Date.now() + 400; Date.now() < end; ) {
    round(1000);
    await new Promise((resume) => setTimeout(resume, 2));
  }
  console.log("ready");
  for await (const line of createInterface({ input: process.stdin })) {
    const begun = process.hrtime.bigint();
    round(Number(line));
    console.log(`${process.hrtime.bigint() - begun} ${count}`);
  }
  process.exit(0);
}

if (!isMainThread) {
  workOn(workerData);
} else if (operation === "threads") {
  await threads();
} else if (operation === "once") {
  console.log(instantiate().answer());
} else if (operation === "pause") {
  const run = Object.values(instantiate())[0];
  run(1);
  console.log("ready");
  for await (const line of createInterface({ input: process.stdin })) {
    let longest = 0;
    let answer;
    for (let i = Number(line); i > 0; i--) {
      const begun = performance.now();
      answer = run(1);
      longest = Math.max(longest, performance.now() - begun);
    }
    console.log(`${longest * 1e6} ${answer}`);
  }
} else {
  await warmUp(Object.values(instantiate())[0]);
  const run = Object.values(instantiate())[0];
  console.log("ready");
  for await (const line of createInterface({ input: process.stdin })) {
    const begun = nanoseconds();
    const answer = run(Number(line));
    console.log(`${nanoseconds() - begun} ${answer}`);
  }
}
