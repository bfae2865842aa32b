//! The name section: what functions and the module are called, for traces.
//!
//! Names decide nothing, so a malformed name section is never an error: what was read before the damage is kept.

use super::{Module, Names};
use crate::types::FuncIndex;
use wasmparser::{Name, NameSectionReader, Naming};

impl Names {
    /// Reads a name section into `self`.
    pub(super) fn read(&mut self, section: NameSectionReader<'_>) {
        for name in section {
            match name {
                Ok(Name::Module { name, .. }) => self.module = Some(name.to_owned()),
                Ok(Name::Function(names)) if self.funcs.is_empty() => {
                    for naming in names {
                        let Ok(Naming { index, name }) = naming else { return };
                        self.push_func(FuncIndex::from_u32(index), name);
                    }
                }
                Ok(_) => {}
                Err(_) => return,
            }
        }
    }

    /// Adds the name of a function with a higher index than all before.
    fn push_func(&mut self, func: FuncIndex, name: &str) {
        self.text.push_str(name);
        // The text is part of a binary of less than 4 GiB.
        self.funcs.push((func, self.text.len() as u32));
    }

    fn func(&self, func: FuncIndex) -> Option<&str> {
        let position = self.funcs.binary_search_by_key(&func, |&(func, _)| func).ok()?;
        let start = position.checked_sub(1).map_or(0, |before| self.funcs[before].1);
        self.text.get(start as usize..self.funcs[position].1 as usize)
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
