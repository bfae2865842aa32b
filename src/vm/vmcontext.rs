//! What compiled code reads: the layout of contexts, function references, memories, tables and globals.
//!
//! Everything is `repr(C)`; the compiler uses `offset_of!` on these types and [`VMContextLayout`] for the arrays that
//! trail a [`VMContext`]. Compiled code relies on each invariant stated here; `vm/instance.rs` and `vm/store/` keep them.

use crate::module::Module;
use crate::types::*;
use cranelift_entity::EntityRef;
use std::mem::offset_of;

/// What a handle of the C API can point to. Every record that has an identity starts with one.
///
/// Invariant: subtracting `owner_offset` bytes from its address gives the [`EntityHeader`](crate::vm::entity::EntityHeader) of
/// the allocation the record lives in, which counts the handles of all its records.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
pub struct ObjectHeader {
    pub kind: ObjectKind,
    /// Whether the store has host info for this object.
    pub has_host_info: bool,
    pub reserved: u16,
    pub owner_offset: u32,
}

#[repr(u8)]
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    Func,
    Global,
    Table,
    Memory,
    Instance,
    Module,
    Trap,
    Foreign,
}

/// A function, as references to it and handles on it see it.
///
/// `entry` follows the `tail` convention: first parameter `vmctx`, then the WebAssembly parameters.
#[repr(C)]
#[derive(Debug)]
pub struct VMFuncRef {
    pub object: ObjectHeader,
    pub entry: *const u8,
    /// The callee's context: a [`VMContext`], or a [`VMHostContext`] for a host function.
    pub vmctx: *mut VMAnyContext,
    /// The engine's registration of the function's type; owned by the module or host function that owns this record.
    pub ty: *const super::registry::RegisteredType,
    /// The engine-wide number of the function's type: equal types have equal numbers.
    pub type_id: u32,
    /// The function's index in its module, `u32::MAX` for a host function.
    pub func_index: u32,
}

/// What every context starts with, whoever owns it.
#[repr(C)]
#[derive(Debug)]
pub struct VMAnyContext {
    pub store: *mut VMStoreContext,
}

/// The context of a host function.
#[repr(C)]
#[derive(Debug)]
pub struct VMHostContext {
    pub store: *mut VMStoreContext,
    /// `wasm_func_callback_t`, or `wasm_func_callback_with_env_t` if `with_env` is not 0.
    pub callback: *const u8,
    pub env: *mut u8,
    pub with_env: u64,
}

/// The part of a store that compiled code and the assembly stubs read and write.
#[repr(C)]
#[derive(Debug)]
pub struct VMStoreContext {
    /// The entry points of the libcalls, for trampolines, whose context may be a host function's.
    pub libcalls: *const LibcallTable,
    /// Compiled code traps with a stack overflow when its stack pointer would go below this.
    pub stack_limit: usize,
    /// The innermost activation: the frame of the entry stub, linked to the outer ones. Null when no wasm runs.
    pub activation: *mut u8,
    /// The frame pointer of the youngest wasm frame, as of the last time it called out.
    pub last_exit_fp: usize,
    /// The return address into that frame.
    pub last_exit_pc: usize,
    /// The host function that was called out to, or null for a libcall.
    pub last_exit_callee: *mut VMHostContext,
    /// What raised the trap that is being delivered; see `vm/traps.rs`.
    pub pending_trap: PendingTrap,
    /// The frames the last trap crossed, innermost first, kept by the landing before it drops them. Not for compiled code.
    pub trap_frames: super::unwind::TrapFrames,
}

/// A trap between the instruction that raised it and the entry stub that it lands in.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
pub struct PendingTrap {
    /// A [`TrapCode`], or [`PendingTrap::OBJECT`] if `object` says it all.
    pub code: u32,
    pub _pad: u32,
    /// The trap object a host function or libcall made (owned), or null.
    pub object: *mut u8,
    /// The frame pointer and the pc of the wasm frame that raised it; the pc is that of the faulting instruction for a
    /// signal, and a return address otherwise.
    pub fp: usize,
    pub pc: usize,
    /// 1 if `pc` is a faulting instruction, 0 if it is a return address.
    pub exact_pc: u32,
    pub _pad2: u32,
}

impl PendingTrap {
    pub const OBJECT: u32 = 0xff;

    /// No trap.
    pub const NONE: PendingTrap =
        PendingTrap { code: 0, _pad: 0, object: std::ptr::null_mut(), fp: 0, pc: 0, exact_pc: 0, _pad2: 0 };
}

/// A memory as compiled code sees it.
#[repr(C)]
#[derive(Debug)]
pub struct VMMemory {
    /// Never changes when the memory is reserved.
    pub base: *mut u8,
    /// Length in bytes: a multiple of the page size.
    pub length: usize,
}

/// A table as compiled code sees it. Elements are `*mut VMFuncRef` (8 bytes) for function references, and 32-bit
/// references into the store's heap (4 bytes) otherwise; null is 0 in both. In a function table 0 may also stand for a function
/// that was not asked for yet: see `vm/table.rs`.
#[repr(C)]
#[derive(Debug)]
pub struct VMTable {
    pub base: *mut u8,
    /// Length in elements.
    pub length: usize,
    /// Not 0 if an element may be other than what its instance's module says, or be a function of another instance. Compiled
    /// code sets it wherever it stores an element.
    pub written: u64,
}

/// A global: a record with an identity, and its value.
#[repr(C, align(16))]
#[derive(Debug)]
pub struct VMGlobal {
    pub object: ObjectHeader,
    pub _pad: u64,
    /// The value: i32, i64, f32, f64 little-endian bits in the low bytes, v128, a `*mut VMFuncRef`, or a 32-bit heap reference.
    pub value: [u8; 16],
}

/// An imported function: what is needed to call it, copied out of its [`VMFuncRef`], and that.
#[repr(C)]
#[derive(Debug)]
pub struct VMFuncImport {
    pub entry: *const u8,
    pub vmctx: *mut VMAnyContext,
    pub func_ref: *mut VMFuncRef,
}

/// A memory an instance uses, its own or an imported one.
#[repr(C)]
#[derive(Debug)]
pub struct VMMemorySlot {
    /// A copy of the memory's base. Valid only where memories are reserved and never move (guard-page mode).
    pub base: *mut u8,
    pub memory: *mut VMMemory,
}

/// The fixed part of an instance's context. The arrays of [`VMContextLayout`] follow it in the same allocation.
#[repr(C, align(16))]
#[derive(Debug)]
pub struct VMContext {
    /// Must be first: [`VMAnyContext`].
    pub store: *mut VMStoreContext,
    pub libcalls: *const LibcallTable,
    /// For each type of the module, the engine-wide number of it.
    pub type_ids: *const u32,
    pub _reserved: u64,
}

const _: () = assert!(offset_of!(VMContext, store) == 0 && offset_of!(VMHostContext, store) == 0);
const _: () = assert!(size_of::<VMContext>() == 32 && size_of::<VMGlobal>() == 32 && size_of::<VMFuncRef>() == 40);

/// Where the arrays lie that trail a [`VMContext`], in bytes from its start.
///
/// In order: defined globals ([`VMGlobal`]), pointers to imported globals, memory slots ([`VMMemorySlot`], imports
/// first), pointers to tables ([`VMTable`], imports first), imported functions ([`VMFuncImport`]), function
/// references ([`VMFuncRef`], one for each slot of [`Module::func_ref_slots`], filled on first use; zero until then).
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct VMContextLayout {
    num_imported_globals: u32,
    globals: u32,
    imported_globals: u32,
    memories: u32,
    tables: u32,
    func_imports: u32,
    func_refs: u32,
    size: u32,
}

impl VMContextLayout {
    /// The layout for `module`; `None` if the context would be larger than 1 GiB.
    pub fn new(module: &Module) -> Option<VMContextLayout> {
        let mut next = size_of::<VMContext>() as u64;
        let mut array = |count: u64, element: usize| {
            let start = next;
            next += count * element as u64;
            u32::try_from(start).ok().filter(|&start| start < 1 << 30)
        };
        let globals = module.globals.len() as u64 - u64::from(module.num_imported_globals);
        Some(VMContextLayout {
            num_imported_globals: module.num_imported_globals,
            globals: array(globals, size_of::<VMGlobal>())?,
            imported_globals: array(module.num_imported_globals.into(), size_of::<*mut VMGlobal>())?,
            memories: array(module.memories.len() as u64, size_of::<VMMemorySlot>())?,
            tables: array(module.tables.len() as u64, size_of::<*mut VMTable>())?,
            func_imports: array(module.num_imported_funcs.into(), size_of::<VMFuncImport>())?,
            func_refs: array(module.func_ref_slots.len().into(), size_of::<VMFuncRef>())?,
            size: array(0, 1)?,
        })
    }

    /// The size of the context and its arrays in bytes.
    pub fn size(&self) -> usize {
        self.size as usize
    }

    /// Where the [`VMGlobal`] of a defined global lies, or for an imported one, `Err` with where the pointer to it lies.
    pub fn global(&self, global: GlobalIndex) -> Result<i32, i32> {
        match global.as_u32().checked_sub(self.num_imported_globals) {
            Some(defined) => Ok((self.globals as usize + defined as usize * size_of::<VMGlobal>()) as i32),
            None => Err((self.imported_globals as usize + global.index() * size_of::<*mut VMGlobal>()) as i32),
        }
    }

    /// Where the [`VMMemorySlot`] of a memory lies.
    pub fn memory(&self, memory: MemoryIndex) -> i32 {
        (self.memories as usize + memory.index() * size_of::<VMMemorySlot>()) as i32
    }

    /// Where the pointer to the [`VMTable`] of a table lies.
    pub fn table(&self, table: TableIndex) -> i32 {
        (self.tables as usize + table.index() * size_of::<*mut VMTable>()) as i32
    }

    /// Where the [`VMFuncImport`] of an imported function lies.
    pub fn func_import(&self, func: FuncIndex) -> i32 {
        (self.func_imports as usize + func.index() * size_of::<VMFuncImport>()) as i32
    }

    /// Where the [`VMFuncRef`] in `slot` lies.
    pub fn func_ref(&self, slot: u32) -> i32 {
        (self.func_refs as usize + slot as usize * size_of::<VMFuncRef>()) as i32
    }
}

/// What a libcall returns in two registers: a value, and whether the stub must unwind to the entry stub because the
/// callee left a trap in [`VMStoreContext::pending_trap`].
#[repr(C)]
#[derive(Copy, Clone, Debug)]
pub struct LibcallResult {
    pub value: u64,
    pub trapped: u64,
}

/// Calls `$each!` with one table of all libcalls: name, parameters (the context always comes first; i32 parameters are
/// zero-extended by the callee's declaration), result. At most six parameters, all in registers.
/// Compiled code calls `LibcallTable::name` with the C convention; `vm/libcalls.rs` implements them.
macro_rules! foreach_libcall {
    ($each:ident) => {
        $each! {
            /// `memory.grow`: the old size in pages, or -1.
            memory_grow(vmctx, memory: i32, delta: i64) -> i64;
            memory_copy(vmctx, dst_memory: i32, dst: i64, src_memory: i32, src: i64, len: i64);
            memory_fill(vmctx, memory: i32, dst: i64, byte: i32, len: i64);
            memory_init(vmctx, memory: i32, segment: i32, dst: i64, src: i64, len: i64);
            data_drop(vmctx, segment: i32);
            /// `table.grow`: the old size, or -1. References are passed as 64 bits.
            table_grow(vmctx, table: i32, delta: i64, init: i64) -> i64;
            table_copy(vmctx, dst_table: i32, dst: i64, src_table: i32, src: i64, len: i64);
            table_init(vmctx, table: i32, segment: i32, dst: i64, src: i64, len: i64);
            table_fill(vmctx, table: i32, dst: i64, value: i64, len: i64);
            elem_drop(vmctx, segment: i32);
            /// `ref.func`: the pointer to the function's `VMFuncRef`.
            ref_func(vmctx, func: i32) -> i64;
            /// Raises the trap with this `TrapCode`. Does not return.
            raise(vmctx, code: i32);
        }
    };
}
pub(crate) use foreach_libcall;

macro_rules! define_libcall_table {
    ($($(#[$doc:meta])* $name:ident(vmctx $(, $param:ident: $ty:ident)*) $(-> $result:ident)?;)*) => {
        /// The entry points of the libcalls: assembly stubs in `vm/sys` that record the exit frame.
        #[repr(C)]
        #[derive(Debug)]
        pub struct LibcallTable {
            $($(#[$doc])* pub $name: *const u8,)*
            /// Called by wasm→host trampolines whose signature has references: `(host context, values)` where `values` is
            /// one array of `wasm_val_t` that holds raw arguments and receives raw results. Host-side table only.
            pub host_call: *const u8,
            /// Called by wasm→host trampolines when the callback returned a trap: `(host context, wasm_trap_t*)`. Does not return.
            pub raise_object: *const u8,
            /// As `raise`, for a tail call by a function whose results do not fit into registers: `(results, context, code)`.
            pub raise_past_results: *const u8,
            /// `(context, table, index)`: fills an element that is 0, if the table is lazy. This and the next change no register, have
            /// no result and do not trap: calls of them, in cold blocks, leave the code around them as it is.
            pub table_fill_element: *const u8,
            /// `(context, table)`: fills a table, so that 0 in it means null.
            pub table_settle: *const u8,
        }
        /// A libcall that compiled functions use.
        #[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
        #[allow(non_camel_case_types, reason = "the variants are the names of the functions")]
        pub enum Libcall { $($name,)* }

        impl Libcall {
            /// The offset of its entry in [`LibcallTable`].
            pub fn offset(self) -> i32 {
                match self { $(Libcall::$name => offset_of!(LibcallTable, $name) as i32,)* }
            }

            /// Its parameters after the context, and whether it has a 64-bit result.
            pub fn signature(self) -> (&'static [LibcallParam], bool) {
                match self {
                    $(Libcall::$name => (&[$(LibcallParam::$ty,)*], libcall_has_result!($($result)?)),)*
                }
            }
        }
    };
}
macro_rules! libcall_has_result {
    () => {
        false
    };
    ($result:ident) => {
        true
    };
}

/// The type of a libcall's parameter.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[allow(non_camel_case_types, reason = "the variants are Cranelift's names of the types")]
pub enum LibcallParam {
    i32,
    i64,
}

foreach_libcall!(define_libcall_table);
