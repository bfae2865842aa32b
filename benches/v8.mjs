// The peer that has no wasm.h: V8, in Node, with the same modules and the same protocol as driver/main.c.
//
//   node v8.mjs kernel MODULE    `ready`, then for each number of repetitions read: nanoseconds of processor time, answer
//   node v8.mjs pause MODULE     the same, with the wall time of the longest of as many calls
//   node v8.mjs once MODULE      what the module's export `answer` returns
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const [operation, path] = process.argv.slice(2);
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

if (operation === "once") {
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
