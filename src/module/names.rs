//! The name section: what functions and the module are called, for traces.
//!
//! Names decide nothing, so a malformed name section is never an error: what was read before the damage is kept.

use super::{Module, Names, numbers, push_words};
use crate::types::FuncIndex;
use cranelift_entity::EntityRef;
use wasmparser::{Name, NameSectionReader, Naming};

/// Names as they are read.
#[derive(Default)]
pub(super) struct NamesBuilder {
    pub module: Option<String>,
    /// As [`Names`] has them.
    pub text: Vec<u8>,
    pub funcs: Vec<u8>,
}

impl NamesBuilder {
    /// Reads a name section into `self`.
    pub fn read(&mut self, section: NameSectionReader<'_>) {
        for name in section {
            match name {
                Ok(Name::Module { name, .. }) => self.module = Some(name.to_owned()),
                Ok(Name::Function(names)) if self.funcs.is_empty() => {
                    for naming in names {
                        let Ok(Naming { index, name }) = naming else { return };
                        self.push_func(index, name);
                    }
                }
                Ok(_) => {}
                Err(_) => return,
            }
        }
    }

    /// Adds the name of a function with a higher index than all before.
    fn push_func(&mut self, func: u32, name: &str) {
        self.text.extend_from_slice(name.as_bytes());
        // The text is part of a binary of less than 4 GiB.
        push_words(&mut self.funcs, &[func, self.text.len() as u32]);
    }
}

impl Names {
    fn func(&self, func: FuncIndex) -> Option<&str> {
        let funcs = self.funcs.records::<2>();
        let position = funcs.binary_search_by_key(&func.index(), |func| numbers(func)[0] as usize).ok()?;
        let start = position.checked_sub(1).map_or(0, |before| numbers(&funcs[before])[1]);
        let [_, end] = numbers(&funcs[position]);
        std::str::from_utf8(self.text.get(start as usize..end as usize)?).ok()
    }
}

impl Module {
    /// The name the name section gives a function.
    pub fn func_name(&self, func: FuncIndex) -> Option<&str> {
        self.names.func(func)
    }

    /// The name the name section gives the module.
    pub fn name(&self) -> Option<&str> {
        self.names.module.as_deref()
    }
}
