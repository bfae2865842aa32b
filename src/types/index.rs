//! The index spaces of a module, one newtype each (specification, "Indices").

use cranelift_entity::entity_impl;
use serde::{Deserialize, Serialize};

macro_rules! index_space {
    ($($(#[$doc:meta])* $name:ident, $display:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Copy, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub struct $name(u32);
        entity_impl!($name, $display);
    )*};
}

index_space! {
    /// An index into the types of a module.
    TypeIndex, "type";
    /// An index into the functions of a module, imports first.
    FuncIndex, "func";
    /// An index into the functions a module defines itself: the function index less the number of imports.
    DefinedFuncIndex, "defined_func";
    /// An index into the tables of a module, imports first.
    TableIndex, "table";
    /// An index into the memories of a module, imports first.
    MemoryIndex, "memory";
    /// An index into the globals of a module, imports first.
    GlobalIndex, "global";
    /// An index into the tags of a module, imports first.
    TagIndex, "tag";
    /// An index into the element segments of a module.
    ElemIndex, "elem";
    /// An index into the data segments of a module.
    DataIndex, "data";
}
