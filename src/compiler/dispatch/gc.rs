//! Structures, arrays, i31 and casts.

use crate::compiler::ops::gc;
use crate::compiler::translate::FuncTranslator;
use crate::types::Result;
use wasmparser::Operator as Op;

/// Translates one operator; whether it is one of the family.
#[rustfmt::skip]
pub(super) fn translate(t: &mut FuncTranslator<'_>, op: &Op<'_>) -> Result<bool> {
    match *op {
        Op::RefEq => gc::ref_eq(t),
        Op::StructNew { struct_type_index } => gc::struct_new(t, struct_type_index),
        Op::StructNewDefault { struct_type_index } => gc::struct_new_default(t, struct_type_index),
        Op::StructGet { struct_type_index, field_index } => gc::struct_get(t, struct_type_index, field_index, false),
        Op::StructGetS { struct_type_index, field_index } => gc::struct_get(t, struct_type_index, field_index, true),
        Op::StructGetU { struct_type_index, field_index } => gc::struct_get(t, struct_type_index, field_index, false),
        Op::StructSet { struct_type_index, field_index } => gc::struct_set(t, struct_type_index, field_index),
        Op::ArrayNew { array_type_index } => gc::array_new(t, array_type_index),
        Op::ArrayNewDefault { array_type_index } => gc::array_new_default(t, array_type_index),
        Op::ArrayNewFixed { array_type_index, array_size } => gc::array_new_fixed(t, array_type_index, array_size),
        Op::ArrayNewData { array_type_index, array_data_index } => gc::array_new_data(t, array_type_index, array_data_index),
        Op::ArrayNewElem { array_type_index, array_elem_index } => gc::array_new_elem(t, array_type_index, array_elem_index),
        Op::ArrayGet { array_type_index } => gc::array_get(t, array_type_index, false),
        Op::ArrayGetS { array_type_index } => gc::array_get(t, array_type_index, true),
        Op::ArrayGetU { array_type_index } => gc::array_get(t, array_type_index, false),
        Op::ArraySet { array_type_index } => gc::array_set(t, array_type_index),
        Op::ArrayLen => gc::array_len(t),
        Op::ArrayFill { array_type_index } => gc::array_fill(t, array_type_index),
        Op::ArrayCopy { .. } => gc::array_copy(t),
        Op::ArrayInitData { array_data_index, .. } => gc::array_init_data(t, array_data_index),
        Op::ArrayInitElem { array_elem_index, .. } => gc::array_init_elem(t, array_elem_index),
        Op::RefTestNonNull { hty } => gc::ref_test(t, false, hty)?,
        Op::RefTestNullable { hty } => gc::ref_test(t, true, hty)?,
        Op::RefCastNonNull { hty } => gc::ref_cast(t, false, hty)?,
        Op::RefCastNullable { hty } => gc::ref_cast(t, true, hty)?,
        Op::BrOnCast { relative_depth, to_ref_type, .. } => gc::br_on_cast(t, relative_depth, to_ref_type, true)?,
        Op::BrOnCastFail { relative_depth, to_ref_type, .. } => gc::br_on_cast(t, relative_depth, to_ref_type, false)?,
        Op::AnyConvertExtern | Op::ExternConvertAny => gc::convert(t),
        Op::RefI31 => gc::ref_i31(t),
        Op::I31GetS => gc::i31_get_s(t),
        Op::I31GetU => gc::i31_get_u(t),
        _ => return Ok(false),
    }
    Ok(true)
}
