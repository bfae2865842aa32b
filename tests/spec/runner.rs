//! Runs the directives of a script, in order, in one store, and those of its threads in stores of their own, at the same time.

use crate::expected::Deviation;
use crate::folded_try::{Unfolded, unfold};
use crate::instance::{Failure, Instance, Module, SharedMemories, Trapped, compile, wat2wasm};
use crate::messages::Messages;
use crate::support::*;
use crate::values::{self, Foreigns, Vals};
use crate::{Counts, Engine, Mode};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::thread::{Scope, ScopedJoinHandle};
use wast::core::WastRetCore;
use wast::lexer::Lexer;
use wast::parser::{self, ParseBuffer};
use wast::token::Id;
use wast::{QuoteWat, QuoteWatTest, Wast, WastArg, WastDirective, WastExecute, WastInvoke, WastRet, WastThread, Wat};

/// The stable codes of traps, as `libwasm.h` numbers them, by how the scripts' words for them begin.
const TRAP_CODES: [(&str, u8); 22] = [
    ("unreachable", 1),
    ("out of bounds memory access", 2),
    ("out of bounds table access", 3),
    ("undefined element", 4),
    ("uninitialized element", 5),
    ("indirect call type mismatch", 6),
    ("integer overflow", 7),
    ("integer divide by zero", 8),
    ("invalid conversion to integer", 9),
    ("call stack exhausted", 10),
    ("null reference", 15),
    ("null function reference", 16),
    ("cast failure", 17),
    ("null structure reference", 18),
    ("null array reference", 19),
    ("null i31 reference", 20),
    ("out of bounds array access", 21),
    ("null exception reference", 22),
    ("unaligned atomic", 24),
    ("expected shared memory", 25),
    ("unknown import", LINK),
    ("incompatible import type", LINK),
];
const LINK: u8 = 11;
const EXCEPTION: u8 = 23;

/// What an action gave.
enum Outcome {
    Values(Vals),
    Trap(Trapped),
}

/// What the threads of a script have in common.
struct Script<'a> {
    engine: Engine,
    mode: Mode,
    messages: &'a Messages,
    counts: &'a Counts,
    unfolded: &'a Unfolded<'a>,
    line_starts: Vec<usize>,
    deviations: Mutex<Vec<Deviation>>,
}

/// A thread of a script, or the script itself.
struct Session<'scope, 'env> {
    script: &'env Script<'env>,
    scope: &'scope Scope<'scope, 'env>,
    /// The threads that this one has started and not waited for, by name.
    threads: HashMap<String, ScopedJoinHandle<'scope, ()>>,
    // In the order they are dropped: the store goes first, though everything else is of that store.
    store: Store,
    registry: HashMap<String, Rc<Instance>>,
    named: HashMap<String, Rc<Instance>>,
    current: Option<Rc<Instance>>,
    definitions: HashMap<String, Rc<Module>>,
    definition: Option<Rc<Module>>,
    foreigns: Foreigns,
}

struct Store(*mut wasm_store_t);

impl Drop for Store {
    fn drop(&mut self) {
        // SAFETY: owned, and not used again.
        unsafe { wasm_store_delete(self.0) };
    }
}

/// Runs a script in stores of `engine`, and tells what deviated.
pub fn run_file(engine: Engine, mode: Mode, text: &str, messages: &Messages, counts: &Counts) -> Vec<Deviation> {
    let mut lexer = Lexer::new(text);
    lexer.allow_confusing_unicode(true);
    let unreadable = |err: wast::Error| vec![Deviation { line: 0, what: err.to_string() }];
    let unfolded = match unfold(&lexer) {
        Ok(unfolded) => unfolded,
        Err(err) => return unreadable(err),
    };
    let mut lexer = Lexer::new(&unfolded.text);
    lexer.allow_confusing_unicode(true);
    let buffer = match ParseBuffer::new_with_lexer(lexer) {
        Ok(buffer) => buffer,
        Err(err) => return unreadable(err),
    };
    let directives = match parser::parse::<Wast>(&buffer) {
        Ok(script) => script.directives,
        Err(err) => return unreadable(err),
    };
    let line_starts = text.match_indices('\n').map(|(at, _)| at + 1).collect();
    let script =
        Script { engine, mode, messages, counts, unfolded: &unfolded, line_starts, deviations: Mutex::default() };
    std::thread::scope(|scope| Session::new(&script, scope).run(directives));
    script.deviations.into_inner().expect("no thread panicked")
}

fn is_assertion(directive: &WastDirective<'_>) -> bool {
    !matches!(
        directive,
        WastDirective::Module(_)
            | WastDirective::ModuleDefinition(_)
            | WastDirective::ModuleInstance { .. }
            | WastDirective::Register { .. }
            | WastDirective::Invoke(_)
            | WastDirective::Thread(_)
            | WastDirective::Wait { .. }
    )
}

/// The binary of a module in a script; text that is quoted goes through the library.
fn binary(mut module: QuoteWat<'_>) -> Result<Vec<u8>, Failure> {
    match module.to_test() {
        Ok(QuoteWatTest::Binary(binary)) => Ok(binary),
        Ok(QuoteWatTest::Text(text)) => wat2wasm(&text),
        Err(err) => Err(Failure::Script(err.to_string())),
    }
}

impl<'scope, 'env> Session<'scope, 'env> {
    fn new(script: &'env Script<'env>, scope: &'scope Scope<'scope, 'env>) -> Session<'scope, 'env> {
        let store = script.engine.new_store();
        Session {
            script,
            scope,
            threads: HashMap::new(),
            store: Store(store),
            registry: HashMap::from([("spectest".to_string(), Rc::new(Instance::spectest(store)))]),
            named: HashMap::new(),
            current: None,
            definitions: HashMap::new(),
            definition: None,
            foreigns: Foreigns::new(store),
        }
    }

    fn run(mut self, directives: Vec<WastDirective<'env>>) {
        for directive in directives {
            let offset = directive.span().offset();
            self.script.counts.directives.fetch_add(1, Ordering::Relaxed);
            if is_assertion(&directive) {
                self.script.counts.assertions.fetch_add(1, Ordering::Relaxed);
            }
            if let Err(what) = self.directive(directive) {
                let offset = self.script.unfolded.original(offset);
                let line = self.script.line_starts.partition_point(|&start| start <= offset) + 1;
                self.script.deviations.lock().expect("no thread panicked").push(Deviation { line, what });
            }
        }
    }

    fn directive(&mut self, directive: WastDirective<'env>) -> Result<(), String> {
        match directive {
            WastDirective::Module(module) => self.module(module),
            WastDirective::ModuleDefinition(module) => self.define(module),
            WastDirective::ModuleInstance { instance, module, .. } => self.instantiate_definition(instance, module),
            WastDirective::Register { name, module, .. } => {
                let instance = self.instance(module)?;
                self.registry.insert(name.to_string(), instance);
                Ok(())
            }
            WastDirective::Invoke(invoke) => match self.invoke(invoke)? {
                Outcome::Values(_) => Ok(()),
                Outcome::Trap(trap) => Err(format!("trapped: {}", trap.message)),
            },
            WastDirective::AssertReturn { exec, results, .. } => self.assert_return(exec, &results),
            WastDirective::AssertTrap { exec, message, .. } => match self.execute(exec)? {
                Outcome::Trap(actual) => self.trapped(&actual, message),
                Outcome::Values(_) => Err(format!("expected trap \"{message}\", but it returned")),
            },
            WastDirective::AssertExhaustion { call, message, .. } => match self.invoke(call)? {
                Outcome::Trap(actual) => self.trapped(&actual, message),
                Outcome::Values(_) => Err(format!("expected exhaustion \"{message}\", but it returned")),
            },
            WastDirective::AssertException { exec, .. } => match self.execute(exec)? {
                Outcome::Trap(trap) if trap.code == EXCEPTION => Ok(()),
                Outcome::Trap(trap) => Err(format!("expected an exception, got trap \"{}\"", trap.message)),
                Outcome::Values(_) => Err("expected an exception, but it returned".into()),
            },
            WastDirective::AssertInvalid { module, message, .. } => self.assert_refused(module, "invalid", message),
            WastDirective::AssertMalformed { module, message, .. } => self.assert_refused(module, "malformed", message),
            WastDirective::AssertUnlinkable { module, message, .. } => self.assert_unlinkable(module, message),
            WastDirective::AssertMalformedCustom { module, message, .. } => {
                self.assert_refused(module, "malformed", message)
            }
            // What a custom section says never makes a module invalid (specification, "Custom Section").
            WastDirective::AssertInvalidCustom { module, .. } => self.define(module),
            WastDirective::Thread(thread) => self.start(thread),
            WastDirective::Wait { thread, .. } => {
                let thread = self.threads.remove(thread.name()).ok_or("no such thread")?;
                thread.join().map_err(|_| "the thread panicked".to_string())
            }
            other => Err(format!("no directive of WebAssembly 3.0: {other:?}")),
        }
    }

    /// Starts a thread with a store of its own, in which a module that is shared has its shared memories.
    fn start(&mut self, thread: WastThread<'env>) -> Result<(), String> {
        let shared = match thread.shared_module {
            Some(id) => Some((id.name().to_string(), SharedMemories::of(&*self.instance(Some(id))?))),
            None => None,
        };
        let (script, scope, name) = (self.script, self.scope, thread.name.name().to_string());
        let run = move || {
            let mut session = Session::new(script, scope);
            if let Some((name, memories)) = shared {
                session.named.insert(name, Rc::new(memories.obtain(session.store.0)));
            }
            session.run(thread.directives);
        };
        self.threads.insert(name, scope.spawn(run));
        Ok(())
    }

    fn module(&mut self, module: QuoteWat<'_>) -> Result<(), String> {
        let name = module.name().map(|id| id.name().to_string());
        self.current = None;
        let instance = self.load(module).map_err(|failure| failure.to_string())?;
        self.enter(name, instance);
        Ok(())
    }

    fn enter(&mut self, name: Option<String>, instance: Instance) {
        let instance = Rc::new(instance);
        if let Some(name) = name {
            self.named.insert(name, instance.clone());
        }
        self.current = Some(instance);
    }

    fn load(&self, module: QuoteWat<'_>) -> Result<Instance, Failure> {
        let module = compile(self.store.0, self.script.mode, &binary(module)?)?;
        Instance::new(self.store.0, &module, &self.registry)
    }

    fn define(&mut self, module: QuoteWat<'_>) -> Result<(), String> {
        let name = module.name().map(|id| id.name().to_string());
        let module = binary(module).and_then(|binary| compile(self.store.0, self.script.mode, &binary));
        let module = Rc::new(module.map_err(|failure| failure.to_string())?);
        if let Some(name) = name {
            self.definitions.insert(name, module.clone());
        }
        self.definition = Some(module);
        Ok(())
    }

    fn instantiate_definition(&mut self, name: Option<Id<'_>>, module: Option<Id<'_>>) -> Result<(), String> {
        let module = match module {
            Some(id) => self.definitions.get(id.name()),
            None => self.definition.as_ref(),
        };
        let module = module.ok_or("no such module definition")?;
        let instance = Instance::new(self.store.0, module, &self.registry).map_err(|failure| failure.to_string())?;
        self.enter(name.map(|id| id.name().to_string()), instance);
        Ok(())
    }

    fn instance(&self, id: Option<Id<'_>>) -> Result<Rc<Instance>, String> {
        let found = match id {
            Some(id) => self.named.get(id.name()),
            None => self.current.as_ref(),
        };
        found.cloned().ok_or_else(|| "no such instance".to_string())
    }

    fn export(&self, id: Option<Id<'_>>, name: &str) -> Result<*mut wasm_extern_t, String> {
        let instance = self.instance(id)?;
        instance.exports.get(name).copied().ok_or_else(|| format!("no export \"{name}\""))
    }

    fn execute(&mut self, exec: WastExecute<'_>) -> Result<Outcome, String> {
        match exec {
            WastExecute::Invoke(invoke) => self.invoke(invoke),
            WastExecute::Wat(module) => match self.load(QuoteWat::Wat(module)) {
                Ok(_) => Ok(Outcome::Values(Vals(Vec::new()))),
                Err(Failure::Instance(trap)) => Ok(Outcome::Trap(trap)),
                Err(failure) => Err(failure.to_string()),
            },
            WastExecute::Get { module, global, .. } => {
                // SAFETY: the export is alive.
                let global = unsafe { wasm_extern_as_global(self.export(module, global)?) };
                if global.is_null() {
                    return Err("the export is no global".into());
                }
                let mut out = Vals::garbage(1);
                // SAFETY: the global is alive, `out` is written.
                unsafe { wasm_global_get(global, out.0.as_mut_ptr()) };
                Ok(Outcome::Values(out))
            }
        }
    }

    fn invoke(&mut self, invoke: WastInvoke<'_>) -> Result<Outcome, String> {
        // SAFETY: the export is alive.
        let func = unsafe { wasm_extern_as_func(self.export(invoke.module, invoke.name)?) };
        if func.is_null() {
            return Err(format!("\"{}\" is no function", invoke.name));
        }
        let mut args = Vals(Vec::new());
        for arg in &invoke.args {
            let WastArg::Core(arg) = arg else { return Err("an argument of the component model".into()) };
            args.0.push(values::argument(arg, &mut self.foreigns)?);
        }
        // SAFETY: the function is alive.
        let mut results = Vals::garbage(unsafe { wasm_func_result_arity(func) });
        let mut vector = Vector { size: results.0.len(), data: results.0.as_mut_ptr() };
        // SAFETY: everything is alive; the results have room.
        let trap = unsafe { wasm_func_call(func, &Vector::borrow(&args.0), &mut vector) };
        if trap.is_null() {
            return Ok(Outcome::Values(results));
        }
        let untouched = results.0.iter().all(|val| val.kind == 0xaa);
        results.0.clear();
        // SAFETY: the call gave the trap away.
        let trap = unsafe { Trapped::take(trap) };
        if !untouched {
            return Err(format!("trapped, and touched the results: {}", trap.message));
        }
        Ok(Outcome::Trap(trap))
    }

    fn assert_return(&mut self, exec: WastExecute<'_>, expected: &[WastRet<'_>]) -> Result<(), String> {
        let actual = match self.execute(exec)? {
            Outcome::Values(actual) => actual,
            Outcome::Trap(trap) => return Err(format!("trapped: {}", trap.message)),
        };
        let mut same = actual.0.len() == expected.len();
        for (expected, actual) in expected.iter().zip(&actual.0) {
            let WastRet::Core(expected) = expected else { return Err("a result of the component model".into()) };
            same &= self.matches(expected, actual)?;
        }
        if same {
            return Ok(());
        }
        let shown: Vec<_> = actual.0.iter().map(values::show).collect();
        Err(format!("expected {expected:?}, got {shown:?}"))
    }

    fn matches(&mut self, expected: &WastRetCore<'_>, actual: &wasm_val_t) -> Result<bool, String> {
        values::matches(expected, actual, self.script.mode.nans(), &mut self.foreigns)
    }

    /// The module must be refused: by the text format if it is quoted, else by the binary's decoder and validator.
    fn assert_refused(&mut self, module: QuoteWat<'_>, assertion: &str, message: &str) -> Result<(), String> {
        match binary(module).and_then(|binary| compile(self.store.0, self.script.mode, &binary)) {
            Ok(_) => Err(format!("expected \"{message}\", but it compiled")),
            Err(Failure::Text(reason)) => self.script.messages.compare(assertion, message, "text", &reason),
            Err(Failure::Module(kind, reason)) => {
                let by = match kind {
                    1 => "invalid",
                    2 => "unsupported",
                    3 => "limit",
                    kind => return Err(format!("expected \"{message}\", got kind {kind}: {reason}")),
                };
                self.script.messages.compare(assertion, message, by, &reason)
            }
            Err(failure) => Err(format!("expected \"{message}\" of a module, got: {failure}")),
        }
    }

    fn assert_unlinkable(&mut self, module: Wat<'_>, message: &str) -> Result<(), String> {
        match self.load(QuoteWat::Wat(module)) {
            Ok(_) => Err(format!("expected \"{message}\", but it linked")),
            Err(Failure::Instance(trap)) if trap.code == LINK => self.trapped(&trap, message),
            Err(failure) => Err(format!("expected \"{message}\" of an import, got: {failure}")),
        }
    }

    /// A trap must have the words and the code of what was expected.
    fn trapped(&self, trap: &Trapped, message: &str) -> Result<(), String> {
        let assertion = if trap.code == LINK { "unlinkable" } else { "trap" };
        self.script.messages.compare(assertion, message, "trap", &trap.message)?;
        match TRAP_CODES.iter().find(|(words, _)| message.starts_with(words)) {
            Some((_, code)) if *code == trap.code => Ok(()),
            Some((_, code)) => Err(format!("expected code {code} of \"{message}\", got {}", trap.code)),
            None => Err(format!("no code is known of \"{message}\"")),
        }
    }
}
