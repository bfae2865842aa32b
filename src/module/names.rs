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
                    self.push_funcs(names.into_iter().map_while(Result::ok));
                }
                Ok(_) => {}
                Err(_) => return,
            }
        }
    }

    /// Adds the names of functions, ordered by index. A name map has them in order, but not every tool does; of several names of one
    /// function the first counts.
    fn push_funcs<'a>(&mut self, names: impl Iterator<Item = Naming<'a>>) {
        let mut names: Vec<Naming<'a>> = names.collect();
        names.sort_by_key(|naming| naming.index);
        names.dedup_by_key(|naming| naming.index);
        for Naming { index, name } in names {
            self.text.extend_from_slice(name.as_bytes());
            // The text is part of a binary of less than 4 GiB.
            push_words(&mut self.funcs, &[index, self.text.len() as u32]);
        }
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

    /// A function as messages call it: by its index, and by its name, if it has one.
    pub fn describe_func(&self, func: FuncIndex) -> String {
        match self.func_name(func) {
            Some(name) => {
                let name: String = name.chars().take(100).collect();
                format!("function {} ({name:?})", func.as_u32())
            }
            None => format!("function {}", func.as_u32()),
        }
    }

    /// The name the name section gives the module.
    pub fn name(&self) -> Option<&str> {
        self.names.module.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::{Bytes, Words};

    #[test]
    fn names_out_of_order_are_found() {
        let names = [(7, "seven"), (2, "two"), (7, "again"), (4, "four")];
        let mut builder = NamesBuilder::default();
        builder.push_funcs(names.iter().map(|&(index, name)| Naming { index, name }));
        let names = Names { module: None, text: builder.text.into(), funcs: Words::from(Bytes::from(builder.funcs)) };
        let found = [0, 2, 3, 4, 7, 8].map(|func| names.func(FuncIndex::from_u32(func)));
        assert_eq!(found, [None, Some("two"), None, Some("four"), Some("seven"), None]);
    }
}
