//! Type objects: descriptions of values, functions, globals, tables, memories, tags, imports and exports.
//!
//! A type object owns its parts, in place or behind handles of its own, so what a getter lends lives as long as its parent
//! and stays where it is. The five kinds of external types share one representation, [`TypeObject`]: a `wasm_functype_t*`
//! and the `wasm_externtype_t*` that is a view of it are the same pointer, and each conversion checks the kind.

pub mod exporttype;
pub mod externtype;
pub mod functype;
pub mod globaltype;
pub mod importtype;
pub mod limits;
pub mod memorytype;
pub mod object;
pub mod tabletype;
pub mod tagtype;
pub mod valtype;

pub use object::TypeObject;
