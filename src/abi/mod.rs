//! What compiled code, the assembly stubs and the virtual machine agree on: object headers, contexts and their layout, the table of
//! libcalls, and the frames of the entry stub.
//!
//! Everything is `repr(C)`. The compiler takes `offset_of!` of these types, and [`VMContextLayout`] for the arrays that trail a
//! [`VMContext`]. Compiled code relies on each invariant stated here; `vm/instance/` and `vm/store/` keep them.
//!
//! This layer knows no module, no compiler and no virtual machine: all of them depend on it.

mod activation;
mod context;
mod fingerprint;
mod frame;
mod heap;
mod layout;
mod libcall;
mod object;
mod records;
mod value;

pub use activation::Activation;
pub use context::{CallHost, PendingTrap, VMAnyContext, VMContext, VMHeap, VMHostContext, VMResume, VMStoreContext};
pub use fingerprint::fingerprint;
pub use frame::{Frame, TrapFrames};
pub use heap::{
    ARRAY_LENGTH, Content, DISPLAY, EXTERN_TYPE, HEAP_HEADER, LARGEST_INLINE, LINE_SHIFT, MOST_TYPES, NULL_AREA, Shape,
    TYPE_SHIFT, VMTypeRecord, array_size, content, exception_fields, heap_bits, last_offset, storage_size,
    struct_layout, type_kind,
};
pub use layout::{ContextCounts, VMContextLayout};
pub(crate) use libcall::foreach_libcall;
pub use libcall::{Libcall, LibcallParam, LibcallResult, LibcallTable};
pub use object::{ObjectHeader, ObjectKind};
pub use records::{
    GUARD_SIZE, GUARDED_RESERVATION, VMFuncImport, VMFuncRef, VMFuncType, VMGlobal, VMMemory, VMMemorySlot, VMTable,
    VMTag,
};
pub use value::{
    Crossing, Form, KIND_F32, KIND_F64, KIND_I32, KIND_I64, LENT_OFFSET, RAW_SLOT, VAL, VAL_OF, VAL_VEC, VAL_VEC_DATA,
    Val, ValVec, numeric_kind,
};
