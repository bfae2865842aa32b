//! What is done with a module, and what is seen of it: the same on every machine.
//!
//! A script makes something for each import, instantiates, calls each exported function a few times, and looks at all memories,
//! tables and globals in the end. Host functions answer according to what they are asked, so they are the same everywhere.

use super::library::{ExternType, Module};
use super::value::{Random, Value};
use std::cell::RefCell;
use std::fmt::Write;
use std::rc::Rc;

/// Something that runs modules: the library in one of its tiers, or the oracle.
pub trait Machine {
    /// Makes the script's imports and instantiates its module. `host` is asked whenever a host function is called.
    fn instantiate(&mut self, script: &Script, host: &Host) -> Result<(), Stop>;
    /// Calls the exported function at this position among the exports.
    fn call(&mut self, script: &Script, export: usize, args: &[Value]) -> Result<Vec<Value>, Stop>;
    /// What imports and, once there is an instance, exports hold.
    fn state(&mut self, script: &Script) -> State;
}

/// Why something did not return.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// A trap with this code, as `libwasm.h` numbers them.
    Trap(u8),
    /// A host function trapped: what it said.
    Host(u64),
    /// An exception that nobody caught: a number that depends on what it carries.
    Exception(u64),
    /// The stack or memory ran out, which machines do at different times: nothing is compared from here on.
    Exhausted,
}

/// What imports and exports hold, in their order; of functions nothing.
#[derive(Debug, Default)]
pub struct State {
    pub memories: Vec<Vec<u8>>,
    pub tables: Vec<Vec<Value>>,
    pub globals: Vec<Value>,
}

/// `LIBWASM_TRAP_INTEGER_DIVIDE_BY_ZERO`.
const INTEGER_DIVIDE_BY_ZERO: u8 = 8;

/// The most elements of a table that are looked at.
pub const SEEN_ELEMENTS: u32 = 64;

/// Something that can be seen from outside.
#[derive(Debug)]
pub enum Event {
    /// A host function was called: the position of its import, and the arguments.
    Host(usize, Vec<Value>),
    Instantiated(Result<(), Stop>),
    /// A call of the export at this position ended.
    Called(usize, Result<Vec<Value>, Stop>),
}

/// The host's functions, and the list of what has happened, which all its clones share.
#[derive(Clone, Debug)]
pub struct Host {
    seed: u64,
    events: Rc<RefCell<Vec<Event>>>,
}

impl Host {
    fn record(&self, event: Event) {
        self.events.borrow_mut().push(event);
    }

    fn recorded(&self) -> usize {
        self.events.borrow().len()
    }

    /// What the function imported at `import` answers: values of the kinds `results`, or a trap.
    pub fn answer(&self, import: usize, args: Vec<Value>, results: &[u8]) -> Result<Vec<Value>, Stop> {
        let asked = args.iter().fold(self.seed, |digest, arg| digest.rotate_left(13) ^ arg.digest());
        let mut random = Random::new(asked ^ (import as u64) << 32 ^ self.recorded() as u64);
        self.record(Event::Host(import, args));
        match random.below(16) {
            0 => Err(Stop::Host(random.below(1000))),
            _ => Ok(results.iter().map(|&kind| random.value(kind, 0)).collect()),
        }
    }
}

/// A module, and what is done with it.
#[derive(Debug)]
pub struct Script {
    /// What is run, to be seen where a script fails.
    #[allow(dead_code, reason = "it is read by `Debug` alone")]
    pub binary: Vec<u8>,
    pub imports: Vec<ExternType>,
    pub exports: Vec<(String, ExternType)>,
    /// How often each function is called.
    pub rounds: usize,
    pub seed: u64,
}

/// What a script showed on a machine.
#[derive(Debug)]
pub struct Outcome {
    events: Vec<Event>,
    /// The number of events before the stack or memory ran out, if it did.
    comparable: Option<usize>,
    state: State,
}

impl Script {
    /// A script for `module`, which `binary` was compiled to.
    pub fn new(binary: Vec<u8>, module: &Module, seed: u64) -> Script {
        Script { binary, imports: module.imports(), exports: module.exports(), rounds: 2, seed }
    }

    pub fn run(&self, machine: &mut impl Machine) -> Outcome {
        let mut random = Random::new(self.seed);
        let host = Host { seed: random.next(), events: Rc::default() };
        let instantiated = machine.instantiate(self, &host);
        host.record(Event::Instantiated(instantiated));
        let comparable = match instantiated {
            Ok(()) => self.call_all(machine, &host, &mut random),
            Err(Stop::Exhausted) => Some(0),
            Err(_) => None,
        };
        Outcome { events: host.events.take(), comparable, state: machine.state(self) }
    }

    /// Calls every exported function in every round. If the stack or memory runs out: the number of events before that call.
    fn call_all(&self, machine: &mut impl Machine, host: &Host, random: &mut Random) -> Option<usize> {
        let funcs = self.exports.iter().filter(|(_, ty)| matches!(ty, ExternType::Func { .. })).count();
        for _ in 0..self.rounds {
            for (export, (_, ty)) in self.exports.iter().enumerate() {
                let ExternType::Func { params, .. } = ty else { continue };
                let args: Vec<_> = params.iter().map(|&kind| random.value(kind, funcs as u32)).collect();
                let before = host.recorded();
                let result = machine.call(self, export, &args);
                if result == Err(Stop::Exhausted) {
                    return Some(before);
                }
                host.record(Event::Called(export, result));
            }
        }
        None
    }

    /// The types of what there is to look at: imports, and exports if there is an instance.
    pub fn items(&self) -> impl Iterator<Item = &ExternType> {
        self.imports.iter().chain(self.exports.iter().map(|(_, ty)| ty))
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        self.agrees(other)
    }
}

impl Outcome {
    /// Whether a call or a start function trapped because of a division by zero.
    pub fn divides_by_zero(&self) -> bool {
        let divides = |event: &Event| {
            let (Event::Called(_, Err(stop)) | Event::Instantiated(Err(stop))) = event else { return false };
            *stop == Stop::Trap(INTEGER_DIVIDE_BY_ZERO)
        };
        self.events.iter().any(divides)
    }

    /// How two outcomes of a script differ, in words.
    pub fn difference(&self, other: &Outcome) -> Option<String> {
        let cut = self.comparable.into_iter().chain(other.comparable).min();
        let count = cut.unwrap_or(self.events.len().max(other.events.len()));
        for index in 0..count {
            let (ours, theirs) = (self.events.get(index), other.events.get(index));
            if !matches!((ours, theirs), (Some(ours), Some(theirs)) if ours == theirs) {
                return Some(format!("event {index} is {ours:?} and {theirs:?}"));
            }
        }
        if cut.is_some() { None } else { self.state.difference(&other.state) }
    }
}

impl PartialEq for Event {
    fn eq(&self, other: &Event) -> bool {
        match (self, other) {
            (Event::Host(import, args), Event::Host(other, others)) => import == other && args == others,
            (Event::Instantiated(result), Event::Instantiated(other)) => result == other,
            (Event::Called(export, result), Event::Called(other, others)) => export == other && result == others,
            _ => false,
        }
    }
}

impl State {
    fn difference(&self, other: &State) -> Option<String> {
        if self.globals != other.globals {
            return Some(format!("globals are {:?} and {:?}", self.globals, other.globals));
        }
        if self.tables != other.tables {
            return Some(format!("tables are {:?} and {:?}", self.tables, other.tables));
        }
        let mut text = String::new();
        for (index, (ours, theirs)) in self.memories.iter().zip(&other.memories).enumerate() {
            if ours != theirs {
                let at = ours.iter().zip(theirs).position(|(a, b)| a != b).unwrap_or(ours.len().min(theirs.len()));
                let (our, their) = (ours.get(at), theirs.get(at));
                let lens = (ours.len(), theirs.len());
                write!(text, "memory {index} of {lens:?} bytes has {our:?} and {their:?} at {at:#x}; ").ok()?;
            }
        }
        (!text.is_empty() || self.memories.len() != other.memories.len()).then_some(text)
    }
}
