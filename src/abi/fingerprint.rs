//! What an artifact's code relies on, as numbers, and one hash of all of them that its identity carries.
//!
//! Compiled code has offsets, sizes and codes of this layer built in. An artifact may run under another build of the library
//! only if that build agrees on each of them, so the hash is computed from the layouts themselves and nobody has to raise a
//! version. How an artifact is encoded is not decided here: `build.rs` hashes the sources that write and read one.
//!
//! A test reads the sources of the compiler and of the stubs, and fails if one takes the offset of a field that is not listed.

use crate::abi::*;
use crate::types::{
    FieldType, FuncIndex, GlobalIndex, MemoryIndex, Mutability, StorageType, TableIndex, TagIndex, TrapCode, ValType,
};
use std::mem::offset_of;

/// A number that compiled code relies on, by name.
type Fact = (&'static str, u64);

/// The hash of everything that compiled code relies on.
pub fn fingerprint() -> u64 {
    hash(&facts())
}

/// The 64-bit FNV-1a hash of names and numbers in their order.
fn hash(facts: &[Fact]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut write = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    for (name, number) in facts {
        name.bytes().for_each(&mut write);
        // Ends the name: no name has this byte.
        write(0xff);
        number.to_le_bytes().into_iter().for_each(&mut write);
    }
    hash
}

fn facts() -> Vec<Fact> {
    let traps = TrapCode::ALL.iter().map(|&(name, code)| (name, code.into()));
    [LAYOUTS, LIBCALLS, CONSTANTS]
        .into_iter()
        .flatten()
        .copied()
        .chain(context_arrays())
        .chain(object_layout())
        .chain(traps)
        .collect()
}

/// For each type its size, its alignment and the offsets of its fields.
macro_rules! layouts {
    ($($ty:ident { $($field:ident),* $(,)? })*) => {
        &[$(
            (concat!("size of ", stringify!($ty)), size_of::<$ty>() as u64),
            (concat!("alignment of ", stringify!($ty)), align_of::<$ty>() as u64),
            $((concat!(stringify!($ty), ".", stringify!($field)), offset_of!($ty, $field) as u64),)*
        )*]
    };
}

/// The records that compiled code, trampolines and stubs read and write.
const LAYOUTS: &[Fact] = layouts! {
    Activation {
        store, previous, entry_fp, entry_sp, return_address, exit_fp, exit_pc, exit_callee, flags, host_mode, exception,
    }
    LibcallResult { value, trapped }
    // The entries behind these: see `LIBCALLS`.
    LibcallTable { host_call, end_callback, raise_past_results, table_fill_element, table_materialize }
    ObjectHeader { kind, has_host_info, owner_offset }
    PendingTrap { code, exception, object, fp, pc, exact_pc, memory, address }
    VMAnyContext { store }
    VMContext { store, libcalls, type_ids, raise }
    VMFuncImport { entry, vmctx, func_ref }
    VMFuncRef { object, entry, vmctx, ty, type_id, func_index, heap_index }
    VMFuncType { numeric_to_wasm, slots_to_wasm, num_params, num_results }
    VMGlobal { object, value }
    VMHeap { base, alloc, alloc_end, type_records, funcs, num_funcs }
    VMHostContext { store, call, callback, env }
    VMMemory { base, length }
    VMMemorySlot { base, memory, room, object }
    VMStoreContext {
        libcalls, stack_limit, activation, spare, first, resume, capture_trap_frames, pending_trap, resume_at, heap,
    }
    VMResume { pc, sp, fp, exception }
    VMTable { base, length, written }
    VMTag { object, heap_index }
    VMTypeRecord { display, depth, kind, shape }
};

macro_rules! libcalls {
    ($($(#[$doc:meta])* $name:ident(vmctx $(, $param:ident: $ty:ident)*) $(-> $result:ident)?;)*) => {
        &[$((
            concat!("libcall ", stringify!($name), "(" $(, stringify!($ty), ",")*, ")" $(, stringify!($result))?),
            offset_of!(LibcallTable, $name) as u64,
        ),)*]
    };
}

/// The libcalls of compiled functions, with their signatures: where each lies in the table.
const LIBCALLS: &[Fact] = foreach_libcall!(libcalls);

const CONSTANTS: &[Fact] = &[
    ("GUARDED_RESERVATION", GUARDED_RESERVATION),
    ("GUARD_SIZE", GUARD_SIZE),
    ("header of objects", HEAP_HEADER as u64),
    ("length of arrays", ARRAY_LENGTH as u64),
    ("shift of types in headers", TYPE_SHIFT as u64),
    ("type of the host's objects", EXTERN_TYPE as u64),
    ("bit of the host's objects", heap_bits::BOX as u64),
    ("bit of exceptions", heap_bits::EXCEPTION as u64),
    ("bits of marks", heap_bits::MARK as u64),
    ("area of null", NULL_AREA as u64),
    ("shift of lines", LINE_SHIFT as u64),
    ("largest object allocated inline", LARGEST_INLINE as u64),
    ("supertypes in a record", DISPLAY as u64),
    ("kind of structures", type_kind::STRUCT as u64),
    ("kind of arrays", type_kind::ARRAY as u64),
    ("ObjectKind::Func", ObjectKind::Func as u64),
    ("PendingTrap::OBJECT", PendingTrap::OBJECT as u64),
    ("size of a raw slot", RAW_SLOT as u64),
    ("size of wasm_val_t", VAL as u64),
    ("wasm_val_t.of", VAL_OF as u64),
    ("size of wasm_val_vec_t", VAL_VEC as u64),
    ("wasm_val_vec_t.data", VAL_VEC_DATA as u64),
    ("kind of i32", KIND_I32 as u64),
    ("kind of i64", KIND_I64 as u64),
    ("kind of f32", KIND_F32 as u64),
    ("kind of f64", KIND_F64 as u64),
];

/// Where the fields of a structure lie that has one of each size.
fn object_layout() -> Vec<Fact> {
    let storages = [
        ("field of 1 byte", StorageType::I8),
        ("field of 2 bytes", StorageType::I16),
        ("field of 8 bytes", StorageType::Val(ValType::I64)),
        ("field of a function", StorageType::Val(ValType::FUNCREF)),
        ("field of 16 bytes", StorageType::Val(ValType::V128)),
        ("field of a reference", StorageType::Val(ValType::EXTERNREF)),
    ];
    let fields = storages.map(|(_, storage)| FieldType { storage, mutability: Mutability::Var });
    let (offsets, size) = struct_layout(&fields);
    let names = storages.iter().map(|&(name, _)| name).chain(["size of a structure"]);
    names.zip(offsets.into_iter().chain([size]).map(u64::from)).collect()
}

/// Where the arrays behind a context begin, and how large their elements are.
fn context_arrays() -> Vec<Fact> {
    let counts = ContextCounts {
        imported_globals: 2,
        defined_globals: 3,
        memories: 5,
        tables: 7,
        imported_funcs: 11,
        imported_tags: 2,
        defined_tags: 2,
        func_refs: 13,
    };
    let layout = VMContextLayout::new(&counts).unwrap_or_default();
    let global = |index| match layout.global(GlobalIndex::from_u32(index)) {
        Ok(offset) | Err(offset) => offset,
    };
    let tag = |index| match layout.tag(TagIndex::from_u32(index)) {
        Ok(offset) | Err(offset) => offset,
    };
    let places = [
        ("first imported global", global(0)),
        ("second imported global", global(1)),
        ("first defined global", global(2)),
        ("second defined global", global(3)),
        ("first memory", layout.memory(MemoryIndex::from_u32(0))),
        ("second memory", layout.memory(MemoryIndex::from_u32(1))),
        ("first table", layout.table(TableIndex::from_u32(0))),
        ("second table", layout.table(TableIndex::from_u32(1))),
        ("first imported function", layout.func_import(FuncIndex::from_u32(0))),
        ("second imported function", layout.func_import(FuncIndex::from_u32(1))),
        ("first imported tag", tag(0)),
        ("first defined tag", tag(2)),
        ("second defined tag", tag(3)),
        ("first function reference", layout.func_ref(0)),
        ("second function reference", layout.func_ref(1)),
    ];
    places.into_iter().map(|(name, offset)| (name, offset as u64)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    #[test]
    fn every_fact_counts() {
        let facts = facts();
        let ours = fingerprint();
        assert_eq!(hash(&facts), ours);
        let names: HashSet<_> = facts.iter().map(|fact| fact.0).collect();
        assert_eq!(names.len(), facts.len(), "two facts of one name");
        let mut seen = HashSet::from([ours]);
        for index in 0..facts.len() {
            let mut other = facts.clone();
            other[index].1 ^= 8;
            assert!(seen.insert(hash(&other)), "another {:?}", facts[index]);
            other = facts.clone();
            other.remove(index);
            assert!(seen.insert(hash(&other)), "without {:?}", facts[index]);
            if index > 0 {
                other = facts.clone();
                other.swap(index - 1, index);
                assert!(seen.insert(hash(&other)), "in front of its predecessor: {:?}", facts[index]);
            }
        }
    }

    fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }

    /// `(type, field)` for each `offset_of!` in a text.
    fn offsets_taken(text: &str) -> Vec<(String, String)> {
        let taken = text.split("offset_of!(").skip(1);
        taken
            .map(|rest| {
                let (arguments, _) = rest.split_once(')').expect("closed");
                let (ty, field) = arguments.split_once(',').expect("a type and a field");
                let ty = ty.trim().rsplit("::").next().unwrap();
                (ty.to_owned(), field.trim().to_owned())
            })
            .collect()
    }

    #[test]
    fn every_offset_that_is_built_in_is_a_fact() {
        // Its layout is that of `wasm_val_vec_t`, which the facts name as such.
        let elsewhere = ["ValVec"];
        let names: HashSet<_> = facts().into_iter().map(|fact| fact.0).collect();
        let mut files = Vec::new();
        for folder in ["src/compiler", "src/arch"] {
            sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut files);
        }
        let mut count = 0;
        for file in files {
            for (ty, field) in offsets_taken(&fs::read_to_string(&file).unwrap()) {
                count += 1;
                let listed = names.contains(format!("{ty}.{field}").as_str());
                assert!(
                    listed || elsewhere.contains(&ty.as_str()),
                    "{} takes the offset of {ty}.{field}: list it in src/abi/fingerprint.rs",
                    file.display()
                );
            }
        }
        assert!(count > 50, "{count} offsets: are they taken in another way now?");
    }

    #[test]
    fn offsets_are_found_in_sources() {
        let text = "a = const std::mem::offset_of!($crate::abi::A, b), c(offset_of!(D,\n    e) as i32)";
        let pair = |ty: &str, field: &str| (ty.to_owned(), field.to_owned());
        assert_eq!(offsets_taken(text), [pair("A", "b"), pair("D", "e")]);
    }
}
