//! The header of every object that a handle of the C API can point to.

/// What a handle of the C API can point to. Every record that has an identity starts with one.
///
/// Invariant: subtracting `owner_offset` bytes from its address gives the [`EntityHeader`](crate::vm::store::entity::EntityHeader) of
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
    /// An object of the heap, or an i31.
    HeapObject,
    Tag,
    Weak,
}

impl ObjectKind {
    /// How many there are.
    pub const COUNT: usize = ObjectKind::Weak as usize + 1;

    /// What messages call an object of this kind.
    pub fn name(self) -> &'static str {
        match self {
            ObjectKind::Func => "a function",
            ObjectKind::Global => "a global",
            ObjectKind::Table => "a table",
            ObjectKind::Memory => "a memory",
            ObjectKind::Instance => "an instance",
            ObjectKind::Module => "a module",
            ObjectKind::Trap => "a trap",
            ObjectKind::Foreign => "a foreign object",
            ObjectKind::HeapObject => "an object of the heap",
            ObjectKind::Tag => "a tag",
            ObjectKind::Weak => "a weak reference",
        }
    }
}
