//! The kinds of values that the standard does not name.

/// The kinds of values that `enum wasm_valkind_enum` does not name, as `wasm_valtype_kind` gives them.
#[repr(C)]
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum libwasm_valkind_enum {
    /// A vector of 128 bits. The `of.ref` of such a value points to 16 bytes that the value owns, or is NULL for zero; see
    /// `libwasm_val_new_v128`.
    LIBWASM_V128 = 4,
    LIBWASM_ANYREF = 130,
    LIBWASM_EQREF = 131,
    LIBWASM_I31REF = 132,
    LIBWASM_STRUCTREF = 133,
    LIBWASM_ARRAYREF = 134,
    LIBWASM_EXNREF = 135,
    LIBWASM_NULLREF = 136,
    LIBWASM_NULLFUNCREF = 137,
    LIBWASM_NULLEXTERNREF = 138,
    LIBWASM_NULLEXNREF = 139,
    /// The same as LIBWASM_ANYREF, but never null.
    LIBWASM_REF_ANY = 142,
    /// The same as LIBWASM_EQREF, but never null.
    LIBWASM_REF_EQ = 143,
    /// The same as LIBWASM_I31REF, but never null.
    LIBWASM_REF_I31 = 144,
    /// The same as LIBWASM_STRUCTREF, but never null.
    LIBWASM_REF_STRUCT = 145,
    /// The same as LIBWASM_ARRAYREF, but never null.
    LIBWASM_REF_ARRAY = 146,
    /// The same as LIBWASM_EXNREF, but never null.
    LIBWASM_REF_EXN = 147,
    /// The same as LIBWASM_NULLREF, but never null.
    LIBWASM_REF_NONE = 148,
    /// The same as LIBWASM_NULLFUNCREF, but never null.
    LIBWASM_REF_NOFUNC = 149,
    /// The same as LIBWASM_NULLEXTERNREF, but never null.
    LIBWASM_REF_NOEXTERN = 150,
    /// The same as LIBWASM_NULLEXNREF, but never null.
    LIBWASM_REF_NOEXN = 151,
    /// The same as WASM_EXTERNREF, but never null.
    LIBWASM_REF_EXTERN = 152,
    /// The same as WASM_FUNCREF, but never null.
    LIBWASM_REF_FUNC = 153,
}

#[cfg(test)]
mod tests {
    use super::libwasm_valkind_enum::*;
    use crate::types::{HeapType, RefType, ValType};
    use crate::vm::val::kind_of;

    #[test]
    fn kinds_are_those_of_the_types() {
        assert_eq!(LIBWASM_V128 as u8, kind_of(ValType::V128));
        for (kind, nullable, heap) in [
            (LIBWASM_ANYREF, true, HeapType::Any),
            (LIBWASM_EQREF, true, HeapType::Eq),
            (LIBWASM_I31REF, true, HeapType::I31),
            (LIBWASM_STRUCTREF, true, HeapType::Struct),
            (LIBWASM_ARRAYREF, true, HeapType::Array),
            (LIBWASM_EXNREF, true, HeapType::Exn),
            (LIBWASM_NULLREF, true, HeapType::None),
            (LIBWASM_NULLFUNCREF, true, HeapType::NoFunc),
            (LIBWASM_NULLEXTERNREF, true, HeapType::NoExtern),
            (LIBWASM_NULLEXNREF, true, HeapType::NoExn),
            (LIBWASM_REF_ANY, false, HeapType::Any),
            (LIBWASM_REF_EQ, false, HeapType::Eq),
            (LIBWASM_REF_I31, false, HeapType::I31),
            (LIBWASM_REF_STRUCT, false, HeapType::Struct),
            (LIBWASM_REF_ARRAY, false, HeapType::Array),
            (LIBWASM_REF_EXN, false, HeapType::Exn),
            (LIBWASM_REF_NONE, false, HeapType::None),
            (LIBWASM_REF_NOFUNC, false, HeapType::NoFunc),
            (LIBWASM_REF_NOEXTERN, false, HeapType::NoExtern),
            (LIBWASM_REF_NOEXN, false, HeapType::NoExn),
            (LIBWASM_REF_EXTERN, false, HeapType::Extern),
            (LIBWASM_REF_FUNC, false, HeapType::Func),
        ] {
            assert_eq!(kind as u8, kind_of(ValType::Ref(RefType { nullable, heap })));
        }
    }
}
