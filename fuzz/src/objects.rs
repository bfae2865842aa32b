//! What is compared of objects of WebAssembly: a number that depends on what they are and on what they have in them, to a depth.

use super::support::*;
use super::value::Value;

/// How deep objects are looked into.
pub const DEPTH: u32 = 3;
/// How many elements of an array are looked at.
pub const SEEN_ELEMENTS: u32 = 8;

/// What an object is, apart from what it has in it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    I31,
    Struct,
    Array,
    Exception,
    /// One that is not looked into any more, or something else.
    Other,
}

/// The number of an object: its shape, and the numbers of what it has in it.
pub fn number(shape: Shape, parts: impl IntoIterator<Item = u64>) -> u64 {
    let begin = 0x9e37_79b9_7f4a_7c15u64.wrapping_mul(shape as u64 + 1);
    parts.into_iter().fold(begin, |sum, part| (sum.rotate_left(9) ^ part).wrapping_mul(0xbf58_476d_1ce4_e5b9))
}

/// What a part of an object adds to its number, if it is no object itself.
pub fn part(value: &Value) -> u64 {
    match value {
        // Which function it is is not compared here, nor of which kind a null is.
        Value::Func(Some(_)) => 3,
        value => value.digest(),
    }
}

/// The number of an object of the library's, a reference to which is lent. `value`: what a value is that is no object of WebAssembly.
///
/// # Safety
///
/// The reference is alive, and no null.
pub unsafe fn of_reference(reference: *mut wasm_ref_t, depth: u32, value: &dyn Fn(&wasm_val_t) -> Value) -> u64 {
    // SAFETY: alive by the caller.
    let kind = unsafe { libwasm_ref_kind(reference) };
    let unwritten = wasm_val_t { kind: WASM_I32, of: wasm_val_union { i64: 0 } };
    let field = |index| {
        let mut val = unwritten;
        // SAFETY: alive by the caller; the value is written.
        unsafe { libwasm_struct_get(reference, index, &mut val) }.then(|| take(val, depth, value))
    };
    let element = |index| {
        let mut val = unwritten;
        // SAFETY: alive by the caller; the value is written.
        let is_there = unsafe { libwasm_array_get(reference, index, &mut val) };
        assert!(is_there, "element {index} of an array: {:?}", last_error());
        take(val, depth, value)
    };
    match kind {
        // SAFETY: as the kind says.
        REFKIND_I31 => number(Shape::I31, [unsafe { libwasm_i31_get_s(reference) } as u64]),
        _ if depth == 0 => number(Shape::Other, []),
        REFKIND_STRUCT => number(Shape::Struct, (0..).map_while(field)),
        REFKIND_ARRAY => {
            // SAFETY: as the kind says.
            let length = unsafe { libwasm_array_length(reference) };
            let elements = (0..length.min(SEEN_ELEMENTS)).map(element);
            number(Shape::Array, std::iter::once(u64::from(length)).chain(elements))
        }
        REFKIND_EXCEPTION => {
            let mut args = wasm_val_vec_t::EMPTY;
            // SAFETY: as the kind says; the vector is written.
            assert!(unsafe { libwasm_exception_args(reference, &mut args) }, "an exception: {:?}", last_error());
            // SAFETY: the library filled it.
            let args_of_it = unsafe { args.as_slice() };
            let sum = number(Shape::Exception, args_of_it.iter().map(|val| of_val(val, depth - 1, value)));
            // SAFETY: owned, and not used again.
            unsafe { wasm_val_vec_delete(&mut args) };
            sum
        }
        kind => panic!("a reference of kind {kind} that is no object of WebAssembly"),
    }
}

/// The number of a value that is owned, which is deleted.
fn take(mut val: wasm_val_t, depth: u32, value: &dyn Fn(&wasm_val_t) -> Value) -> u64 {
    let sum = of_val(&val, depth - 1, value);
    // SAFETY: owned by the caller, and not used again.
    unsafe { wasm_val_delete(&mut val) };
    sum
}

fn of_val(val: &wasm_val_t, depth: u32, value: &dyn Fn(&wasm_val_t) -> Value) -> u64 {
    if val.kind < WASM_EXTERNREF {
        return part(&value(val));
    }
    // SAFETY: as the kind says.
    let reference = unsafe { val.of.r#ref };
    // SAFETY: alive, or null.
    match unsafe { libwasm_ref_kind(reference) } {
        REFKIND_NULL | REFKIND_FUNC | REFKIND_FOREIGN => part(&value(val)),
        // SAFETY: alive, and no null.
        _ => unsafe { of_reference(reference, depth, value) },
    }
}
