//! Values of the test scripts to and from `wasm_val_t`.

use crate::support::*;
use std::collections::HashMap;
use std::ffi::c_void;
use std::ptr;
use wast::core::{AbstractHeapType, HeapType, NanPattern, V128Pattern, WastArgCore, WastRetCore};
use wast::token::{F32, F64};

/// Values that own their references.
pub struct Vals(pub Vec<wasm_val_t>);

impl Vals {
    /// Room for `len` results: what the caller leaves there is of no kind at all.
    pub fn garbage(len: usize) -> Vals {
        Vals(vec![wasm_val_t { kind: 0xaa, of: wasm_val_union { i64: 0x5555_5555_5555_5555 } }; len])
    }
}

impl Drop for Vals {
    fn drop(&mut self) {
        for val in &mut self.0 {
            // SAFETY: the values are owned, and `forget` has been called for those that never were written.
            unsafe { wasm_val_delete(val) };
        }
    }
}

/// The host objects that scripts call `ref.extern n`.
pub struct Foreigns {
    store: *mut wasm_store_t,
    objects: HashMap<u32, *mut wasm_foreign_t>,
}

impl Foreigns {
    pub fn new(store: *mut wasm_store_t) -> Foreigns {
        Foreigns { store, objects: HashMap::new() }
    }

    /// The object for `n`, lent.
    fn get(&mut self, n: u32) -> *mut wasm_ref_t {
        let store = self.store;
        let object = *self.objects.entry(n).or_insert_with(|| {
            // SAFETY: the store is alive.
            let object = unsafe { wasm_foreign_new(store) };
            // SAFETY: `object` is new; its host info is a number in disguise.
            unsafe { wasm_foreign_set_host_info(object, ptr::without_provenance_mut(n as usize + 1)) };
            object
        });
        // SAFETY: `object` lives as long as `self`.
        unsafe { wasm_foreign_as_ref(object) }
    }
}

impl Drop for Foreigns {
    fn drop(&mut self) {
        for &object in self.objects.values() {
            // SAFETY: owned, and not used again.
            unsafe { wasm_foreign_delete(object) };
        }
    }
}

fn val(kind: u8, of: wasm_val_union) -> wasm_val_t {
    wasm_val_t { kind, of }
}

/// The kind that values of a heap type's hierarchy have. A type of a module is one of objects, or of functions: both have no name here,
/// so null of one is looked for among both.
fn heap_kinds(heap: &HeapType<'_>) -> Result<&'static [u8], String> {
    use AbstractHeapType::*;
    match heap {
        HeapType::Abstract { ty: Func | NoFunc, .. } => Ok(&[WASM_FUNCREF]),
        HeapType::Abstract { ty: Extern | NoExtern, .. } => Ok(&[WASM_EXTERNREF]),
        HeapType::Abstract { ty: Any | Eq | Struct | Array | I31 | None, .. } => Ok(&[LIBWASM_ANYREF]),
        HeapType::Abstract { ty: Exn | NoExn, .. } => Ok(&[LIBWASM_EXNREF]),
        HeapType::Concrete(_) => Ok(&[LIBWASM_ANYREF, WASM_FUNCREF]),
        other => Err(format!("no such reference type in WebAssembly 3.0: {other:?}")),
    }
}

/// Whether a value is a reference to something of a kind's type.
fn is_a(actual: &wasm_val_t, kind: u8) -> bool {
    // SAFETY: takes any kind.
    let ty = unsafe { wasm_valtype_new(kind) };
    // SAFETY: the value is a reference, and the type is alive.
    actual.kind == LIBWASM_ANYREF && !reference(actual).is_null() && unsafe { libwasm_ref_test(reference(actual), ty) }
}

/// An argument, owned by the caller.
pub fn argument(arg: &WastArgCore<'_>, foreigns: &mut Foreigns) -> Result<wasm_val_t, String> {
    Ok(match arg {
        WastArgCore::I32(x) => val(WASM_I32, wasm_val_union { i32: *x }),
        WastArgCore::I64(x) => val(WASM_I64, wasm_val_union { i64: *x }),
        WastArgCore::F32(x) => val(WASM_F32, wasm_val_union { f32: x.bits }),
        WastArgCore::F64(x) => val(WASM_F64, wasm_val_union { f64: x.bits }),
        WastArgCore::V128(x) => {
            let mut out = val(0xaa, wasm_val_union { i64: 0 });
            // SAFETY: 16 bytes are read, `out` is written.
            unsafe { libwasm_val_new_v128(x.to_le_bytes().as_ptr(), &mut out) };
            out
        }
        WastArgCore::RefNull(heap) => val(heap_kinds(heap)?[0], wasm_val_union { r#ref: ptr::null_mut() }),
        WastArgCore::RefExtern(n) | WastArgCore::RefHost(n) => {
            let kind = if matches!(arg, WastArgCore::RefHost(_)) { LIBWASM_ANYREF } else { WASM_EXTERNREF };
            // SAFETY: the object is alive; the copy is the caller's.
            val(kind, wasm_val_union { r#ref: unsafe { wasm_ref_copy(foreigns.get(*n)) } })
        }
    })
}

/// Whether `actual` is what `expected` describes.
pub fn matches(
    expected: &WastRetCore<'_>,
    actual: &wasm_val_t,
    nans: Nans,
    foreigns: &mut Foreigns,
) -> Result<bool, String> {
    let kind = actual.kind;
    Ok(match expected {
        // SAFETY: as the kind says.
        WastRetCore::I32(x) => kind == WASM_I32 && unsafe { actual.of.i32 } == *x,
        // SAFETY: as the kind says.
        WastRetCore::I64(x) => kind == WASM_I64 && unsafe { actual.of.i64 } == *x,
        // SAFETY: as the kind says.
        WastRetCore::F32(x) => kind == WASM_F32 && matches_f32(x, nans, unsafe { actual.of.f32 }),
        // SAFETY: as the kind says.
        WastRetCore::F64(x) => kind == WASM_F64 && matches_f64(x, nans, unsafe { actual.of.f64 }),
        WastRetCore::V128(x) => kind == LIBWASM_V128 && matches_v128(x, nans, v128(actual)?),
        WastRetCore::RefNull(heap) => {
            let known = match heap {
                Some(heap) => heap_kinds(heap)?.contains(&kind),
                None => kind >= WASM_EXTERNREF,
            };
            known && reference(actual).is_null()
        }
        WastRetCore::RefExtern(None) => kind == WASM_EXTERNREF && !reference(actual).is_null(),
        WastRetCore::RefExtern(Some(n)) | WastRetCore::RefHost(n) => {
            let wanted = foreigns.get(*n);
            let info: *mut c_void = ptr::without_provenance_mut(*n as usize + 1);
            let internal = matches!(expected, WastRetCore::RefHost(_));
            kind == if internal { LIBWASM_ANYREF } else { WASM_EXTERNREF }
                && !reference(actual).is_null()
                // SAFETY: both are alive.
                && unsafe { wasm_ref_same(reference(actual), wanted) }
                // SAFETY: alive.
                && unsafe { wasm_ref_get_host_info(reference(actual)) } == info
        }
        WastRetCore::RefFunc(_) => {
            // SAFETY: the reference is null or alive.
            kind == WASM_FUNCREF && !unsafe { wasm_ref_as_func(reference(actual)) }.is_null()
        }
        WastRetCore::RefAny => is_a(actual, LIBWASM_ANYREF),
        WastRetCore::RefEq => is_a(actual, LIBWASM_EQREF),
        WastRetCore::RefStruct => is_a(actual, LIBWASM_STRUCTREF),
        WastRetCore::RefArray => is_a(actual, LIBWASM_ARRAYREF),
        WastRetCore::RefI31 => is_a(actual, LIBWASM_I31REF),
        WastRetCore::Either(cases) => {
            let mut any = false;
            for case in cases {
                any |= matches(case, actual, nans, foreigns)?;
            }
            any
        }
        other => return Err(format!("no such result in WebAssembly 3.0: {other:?}")),
    })
}

fn reference(val: &wasm_val_t) -> *mut wasm_ref_t {
    // SAFETY: called for reference kinds; every bit pattern is a pointer.
    unsafe { val.of.r#ref }
}

fn v128(val: &wasm_val_t) -> Result<[u8; 16], String> {
    let mut bytes = [0xaa; 16];
    // SAFETY: `val` is a value of the library's, `bytes` takes 16 bytes.
    if unsafe { libwasm_val_v128(val, bytes.as_mut_ptr()) } {
        Ok(bytes)
    } else {
        Err("a v128 value without bytes".into())
    }
}

/// Which NaNs an operation may make.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Nans {
    /// Those that the script says.
    Any,
    /// The canonical positive one.
    One,
}

fn matches_f32(pattern: &NanPattern<F32>, nans: Nans, bits: u32) -> bool {
    match pattern {
        NanPattern::CanonicalNan | NanPattern::ArithmeticNan if nans == Nans::One => bits == 0x7fc0_0000,
        NanPattern::CanonicalNan => bits & 0x7fff_ffff == 0x7fc0_0000,
        NanPattern::ArithmeticNan => bits & 0x7fc0_0000 == 0x7fc0_0000,
        NanPattern::Value(x) => x.bits == bits,
    }
}

fn matches_f64(pattern: &NanPattern<F64>, nans: Nans, bits: u64) -> bool {
    match pattern {
        NanPattern::CanonicalNan | NanPattern::ArithmeticNan if nans == Nans::One => bits == 0x7ff8_0000_0000_0000,
        NanPattern::CanonicalNan => bits & 0x7fff_ffff_ffff_ffff == 0x7ff8_0000_0000_0000,
        NanPattern::ArithmeticNan => bits & 0x7ff8_0000_0000_0000 == 0x7ff8_0000_0000_0000,
        NanPattern::Value(x) => x.bits == bits,
    }
}

fn matches_v128(pattern: &V128Pattern, nans: Nans, bytes: [u8; 16]) -> bool {
    /// Compares the lanes of `bytes`, `N` bytes each, with `lanes`.
    fn lanes<T, const N: usize>(bytes: [u8; 16], lanes: &[T], same: impl Fn(&T, [u8; N]) -> bool) -> bool {
        let (chunks, rest) = bytes.as_chunks::<N>();
        assert!(rest.is_empty() && chunks.len() == lanes.len());
        lanes.iter().zip(chunks).all(|(lane, &chunk)| same(lane, chunk))
    }
    match pattern {
        V128Pattern::I8x16(x) => lanes(bytes, x, |x, b| *x == i8::from_le_bytes(b)),
        V128Pattern::I16x8(x) => lanes(bytes, x, |x, b| *x == i16::from_le_bytes(b)),
        V128Pattern::I32x4(x) => lanes(bytes, x, |x, b| *x == i32::from_le_bytes(b)),
        V128Pattern::I64x2(x) => lanes(bytes, x, |x, b| *x == i64::from_le_bytes(b)),
        V128Pattern::F32x4(x) => lanes(bytes, x, |x, b| matches_f32(x, nans, u32::from_le_bytes(b))),
        V128Pattern::F64x2(x) => lanes(bytes, x, |x, b| matches_f64(x, nans, u64::from_le_bytes(b))),
    }
}

/// A value for a message.
pub fn show(val: &wasm_val_t) -> String {
    match val.kind {
        // SAFETY: as the kind says.
        WASM_I32 => format!("i32:{}", unsafe { val.of.i32 }),
        // SAFETY: as the kind says.
        WASM_I64 => format!("i64:{}", unsafe { val.of.i64 }),
        // SAFETY: as the kind says.
        WASM_F32 => format!("f32:{:?} ({:#010x})", f32::from_bits(unsafe { val.of.f32 }), unsafe { val.of.f32 }),
        // SAFETY: as the kind says.
        WASM_F64 => format!("f64:{:?} ({:#018x})", f64::from_bits(unsafe { val.of.f64 }), unsafe { val.of.f64 }),
        LIBWASM_V128 => format!("v128:{:02x?}", v128(val)),
        kind => format!("kind {kind}: reference {:p}", reference(val)),
    }
}
