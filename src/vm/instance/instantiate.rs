//! Instantiation, in the specification's order: match the imports, allocate, evaluate initial values, run active element
//! segments, then active data segments, then the start function. What a failing step already did to imported objects stays.

use crate::abi;
use crate::abi::{ObjectHeader, ObjectKind, VMFuncImport, VMFuncRef, VMGlobal, VMTag};
use crate::module::{ConstExpr, DataMode, ElemItems, ElemMode, EntityIndex, Import};
use crate::types::*;
use crate::vm::compiled_module::CompiledModule;
use crate::vm::engine::types::registered_type;
use crate::vm::func::call;
use crate::vm::global;
use crate::vm::instance::Instance;
use crate::vm::instance::const_eval::{evaluate, evaluate_bits};
use crate::vm::instance::initial::InitialGlobal;
use crate::vm::libcalls::bulk::{init_memory, init_table};
use crate::vm::memory::Memory;
use crate::vm::store::entity::{Handle, store_of};
use crate::vm::store::lifetime::mark_escaped;
use crate::vm::store::{Entered, Store};
use crate::vm::table::Table;
use crate::vm::tag;
use crate::vm::trap::Trap;
use crate::vm::types::extern_matches;
use cranelift_entity::EntityRef;
use std::sync::Arc;

/// Why there is no instance.
pub enum Failure {
    /// Imports do not match, or something ran out, before anything of the module ran.
    Error(Error),
    /// An active segment or the start function trapped.
    Trap(Handle<Trap>),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Error(error)
    }
}

/// Instantiates a module with positional imports.
///
/// # Safety
/// Each import is null or live.
pub unsafe fn instantiate(
    entered: &Entered<'_>,
    module: &Arc<CompiledModule>,
    imports: impl AsRef<[*mut ObjectHeader]>,
) -> Result<Handle<Instance>, Failure> {
    let store = entered.store();
    if !Arc::ptr_eq(store.engine(), module.engine()) {
        return Err(Error::argument("the module belongs to another engine than the store").into());
    }
    // SAFETY: passed on to the caller.
    unsafe { match_imports(store, module, imports.as_ref())? };
    store.collect_if_due();
    if module.module().has_objects {
        store.prepare_heap()?;
        store.keep_types(module.types());
    }
    let instance = Instance::new(store, module)?;
    // SAFETY: the imports match the module's.
    unsafe { link_imports(&instance, imports.as_ref()) };
    // A start function may be left by a jump: nothing may be owned by a frame here then.
    drop(imports);
    let failed = |code: TrapCode| {
        Error::new(ErrorKind::OutOfMemory, format!("an initial value cannot be made: {}", code.message()))
    };
    define_tags(&instance);
    define_globals(&instance).map_err(failed)?;
    fill_tables(&instance).map_err(failed)?;
    if module.initial().makes_elems {
        evaluate_elems(&instance).map_err(failed)?;
    }
    let traps = |(code, message): SegmentTrap| match Trap::new(entered, code, Some(message.into_bytes().into())) {
        Ok(trap) => Failure::Trap(trap),
        Err(error) => Failure::Error(error),
    };
    if let Err(trap) = run_element_segments(&instance) {
        undo_data_segments(&instance);
        return Err(traps(trap));
    }
    run_data_segments(&instance).map_err(traps)?;
    if let Some(start) = module.module().start {
        run_start(entered, &instance, start)?;
    }
    Ok(instance)
}

/// # Safety
/// Each import is null or live.
unsafe fn match_imports(store: &Store, module: &CompiledModule, imports: &[*mut ObjectHeader]) -> Result<()> {
    let description = module.module();
    for (position, import) in description.imports.iter().enumerate() {
        let given = imports.get(position).copied().unwrap_or(std::ptr::null_mut());
        let missing = given.is_null();
        // SAFETY: null or live by the caller's promise.
        unsafe { match_import(store, module, import, given) }.map_err(|(kind, given)| {
            let wanted = description.entity_type(import.entity);
            let words = if missing { "unknown import" } else { "incompatible import type for" };
            let message = format!(
                "{words} {:?}.{:?} (import {position}): expected {wanted}, got {given}",
                import.module, import.name
            );
            Error::new(kind, message)
        })?;
    }
    Ok(())
}

/// Whether what is given matches; else what kind of mistake it is and what was given.
///
/// # Safety
/// `given` is null or live.
unsafe fn match_import(
    store: &Store,
    module: &CompiledModule,
    import: &Import,
    given: *mut ObjectHeader,
) -> Result<(), (ErrorKind, String)> {
    let mismatch = |given: String| Err((ErrorKind::Link, given));
    if given.is_null() {
        return mismatch("nothing".into());
    }
    // SAFETY: live by the caller's promise.
    if !std::ptr::eq(unsafe { store_of(given) }, store) {
        return Err((ErrorKind::Argument, "an object of another store".into()));
    }
    // Functions are many, and most are of the very type: found out without a type being made.
    // SAFETY: live by the caller's promise.
    if let (EntityIndex::Func(index), ObjectKind::Func) = (import.entity, unsafe { (*given).kind }) {
        // SAFETY: an object of kind `Func` is a `VMFuncRef`.
        let type_id = unsafe { (*given.cast::<VMFuncRef>()).type_id };
        if module.type_ids().get(module.module().type_of(index).index()) == Some(&type_id) {
            return Ok(());
        }
    }
    // SAFETY: live by the caller's promise.
    match unsafe { extern_type(given) } {
        Some(given) if extern_matches(&given, &module.entity_type(import.entity)) => Ok(()),
        Some(given) => mismatch(given.to_string()),
        None => mismatch("an object that is not external".into()),
    }
}

/// The external type of an object; `None` if it is not a function, global, table, memory or tag.
///
/// # Safety
/// `object` is live.
pub unsafe fn extern_type(object: *const ObjectHeader) -> Option<ExternType> {
    // SAFETY: live by the caller's promise.
    let kind = unsafe { (*object).kind };
    Some(match kind {
        ObjectKind::Func => {
            // SAFETY: an object of this kind is a `VMFuncRef`.
            let ty = unsafe { registered_type(object.cast()) };
            ExternType::Func { ty: TypeUse::Defined(ty.defined().id()), func: ty.ty.clone() }
        }
        // SAFETY: an object of this kind is a `VMGlobal`.
        ObjectKind::Global => ExternType::Global(unsafe { global::ty(object.cast()) }),
        // SAFETY: an object of this kind is a `Table`.
        ObjectKind::Table => ExternType::Table(unsafe { (*object.cast::<Table>()).ty() }),
        // SAFETY: an object of this kind is a `Memory`.
        ObjectKind::Memory => ExternType::Memory(unsafe { (*object.cast::<Memory>()).ty() }),
        ObjectKind::Tag => {
            // SAFETY: an object of this kind is a `VMTag`.
            let ty = unsafe { tag::ty(object.cast()) };
            let func = ty.sub_type().as_func()?.clone();
            ExternType::Tag(TagType { ty: TypeUse::Defined(ty.id()), func })
        }
        _ => return None,
    })
}

/// Writes the imports into the context.
///
/// # Safety
/// The imports are live and match the module's.
unsafe fn link_imports(instance: &Instance, imports: &[*mut ObjectHeader]) {
    for (import, &object) in instance.module().imports.iter().zip(imports) {
        // SAFETY: live by the caller's promise; the instance's collector edges keep them so.
        unsafe { mark_escaped(object) };
        match import.entity {
            EntityIndex::Func(index) => {
                let func_ref: *mut VMFuncRef = object.cast();
                // SAFETY: an object of kind `Func` is a `VMFuncRef`.
                let &VMFuncRef { entry, vmctx, .. } = unsafe { &*func_ref };
                // SAFETY: within the context.
                unsafe { instance.func_import(index).write(VMFuncImport { entry, vmctx, func_ref }) };
            }
            EntityIndex::Global(index) => {
                if let Some(slot) = instance.global_import(index) {
                    // SAFETY: within the context.
                    unsafe { slot.write(object.cast()) };
                }
            }
            EntityIndex::Table(index) => {
                // SAFETY: an object of kind `Table` is a `Table`.
                let table = unsafe { &*object.cast::<Table>() };
                // SAFETY: within the context.
                unsafe { instance.table_slot(index).write(table.definition()) };
            }
            // SAFETY: an object of kind `Memory` is a `Memory`.
            EntityIndex::Memory(index) => instance.link_memory(index, unsafe { &*object.cast::<Memory>() }),
            EntityIndex::Tag(index) => {
                if let Some(slot) = instance.tag_import(index) {
                    // SAFETY: within the context.
                    unsafe { slot.write(object.cast()) };
                }
            }
        }
    }
}

/// Makes the instance's own tags.
fn define_tags(instance: &Instance) {
    let module = instance.module();
    for index in module.num_imported_tags as usize..module.tags.len() {
        let record = instance.tag(TagIndex::new(index));
        let offset = record as usize - std::ptr::from_ref(instance) as usize;
        // SAFETY: within the context.
        unsafe { record.write(VMTag::new(offset)) };
    }
}

/// Evaluates what may make objects: while that goes on nothing is collected, but before, if it is due, and if there is no room, and then
/// it is evaluated once more.
fn with_room<T>(
    instance: &Instance,
    allocates: bool,
    evaluate: impl Fn() -> Result<T, TrapCode>,
) -> Result<T, TrapCode> {
    if !allocates {
        return evaluate();
    }
    instance.store().collect_heap_if_due();
    match evaluate() {
        Err(TrapCode::OutOfMemory) if instance.store().collect_for_room() => evaluate(),
        outcome => outcome,
    }
}

/// Gives the instance's own globals their initial values.
fn define_globals(instance: &Instance) -> Result<(), TrapCode> {
    let (module, initial) = (instance.module(), instance.compiled().initial().globals());
    let own = || initial.iter().zip(module.num_imported_globals as usize..);
    if module.has_objects {
        // A collection may come before all of them have their values.
        own().for_each(|(global, index)| define_global(instance, index, global, 0));
    }
    for ((global, index), init) in own().zip(&module.global_inits) {
        let value = match global.value {
            Some(value) => value,
            None => u128::from_le_bytes(with_room(instance, init.allocates(), || evaluate(instance, init))?),
        };
        define_global(instance, index, global, value);
    }
    Ok(())
}

fn define_global(instance: &Instance, index: usize, global: &InitialGlobal, value: u128) {
    let record = instance.global(GlobalIndex::new(index));
    let offset = record as usize - std::ptr::from_ref(instance) as usize;
    // SAFETY: within the context.
    unsafe { record.write(VMGlobal::new(offset, global.crossing, global.mutable, value.to_le_bytes())) };
}

/// Evaluates the element segments whose expressions make objects, each of which is made once.
fn evaluate_elems(instance: &Instance) -> Result<(), TrapCode> {
    for (segment, elem) in instance.module().elems.iter() {
        let ElemItems::Exprs(exprs) = &elem.items else { continue };
        if exprs.iter().any(ConstExpr::allocates) {
            let all = || exprs.iter().map(|expr| evaluate_bits(instance, expr)).collect::<Result<_, _>>();
            instance.keep_elems(segment, with_room(instance, true, all)?);
        }
    }
    Ok(())
}

/// Gives the elements of tables that the module initializes their values, and fills those tables that compiled code does not ask about.
fn fill_tables(instance: &Instance) -> Result<(), TrapCode> {
    instance.fill_small_tables();
    for (table, init) in &instance.module().table_inits {
        let table = instance.table_ref(*table);
        let bits = with_room(instance, init.allocates(), || evaluate_bits(instance, init))?;
        if bits != 0 {
            table.fill(0, bits, table.size())?;
        }
    }
    Ok(())
}

/// Why an active segment traps, in words.
type SegmentTrap = (TrapCode, String);

fn run_element_segments(instance: &Instance) -> Result<(), SegmentTrap> {
    let module = instance.module();
    let first = instance.compiled().initial().first_elem;
    for (segment, elem) in module.elems.iter().skip(first.index()) {
        if let ElemMode::Active { table, offset } = &elem.mode {
            if table.as_u32() < module.num_imported_tables {
                // SAFETY: the instance is live; the store is entered.
                unsafe { mark_escaped(std::ptr::from_ref(instance).cast()) };
            }
            let dst = evaluate_bits(instance, offset).map_err(|code| (code, code.message().to_owned()))?;
            let len = elem.items.len() as u64;
            init_table(instance, *table, segment, dst, 0, len).map_err(|code| {
                let (words, size) = (code.message(), instance.table_ref(*table).size());
                let (segment, table) = (segment.as_u32(), table.as_u32());
                (code, format!("{words}: element segment {segment}: {len} elements at {dst}, table {table} has {size}"))
            })?;
        }
        if !matches!(elem.mode, ElemMode::Passive) {
            instance.drop_elem(segment);
        }
    }
    Ok(())
}

fn run_data_segments(instance: &Instance) -> Result<(), SegmentTrap> {
    let first = instance.compiled().initial().first_data;
    for (segment, data) in instance.module().datas.iter().skip(first.index()) {
        if let DataMode::Active { memory, offset } = &data.mode {
            let dst = evaluate_bits(instance, offset).map_err(|code| (code, code.message().to_owned()))?;
            let len = data.bytes.len() as u64;
            init_memory(instance, *memory, segment, dst, 0, len).map_err(|code| {
                let (words, size) = (code.message(), instance.memory_ref(*memory).byte_len());
                let (segment, memory) = (segment.as_u32(), memory.as_u32());
                (
                    code,
                    format!(
                        "{words}: data segment {segment}: {len} bytes at {dst:#x}, memory {memory} has {size:#x} bytes"
                    ),
                )
            })?;
            instance.drop_data(segment);
        }
    }
    Ok(())
}

/// Takes the data segments that images have written back: an element segment has trapped before their turn.
#[cold]
fn undo_data_segments(instance: &Instance) {
    let module = instance.module();
    for (position, memory) in instance.own_memories().enumerate() {
        let Some(contents) = instance.compiled().initial().memory(module, position) else { continue };
        for range in contents.image.ranges(module) {
            // SAFETY: an instance's own memories live at least as long as it does.
            unsafe { (*memory).fill(range, 0) };
        }
    }
    instance.restore_data_segments();
}

fn run_start(entered: &Entered<'_>, instance: &Handle<Instance>, start: FuncIndex) -> Result<(), Failure> {
    let handle = instance.as_ptr().cast::<ObjectHeader>();
    let module = instance.compiled();
    instance.touch();
    let Some(defined) = module.module().defined_func(start) else {
        // SAFETY: within the context; the import is live.
        let func = unsafe { (*instance.func_import(start)).func_ref };
        // SAFETY: a live function without parameters.
        return unsafe { call::start(entered, func, handle) }.map_err(Failure::Trap);
    };
    // The start function need not have a slot for its reference: make one for this call.
    let Some(ty) = module.func_type(start) else {
        return Err(Error::argument("the start function is of no function type").into());
    };
    let vmctx = Instance::vmctx(instance.as_ptr());
    let func = VMFuncRef {
        object: ObjectHeader::new(abi::ObjectKind::Func, 0),
        entry: module.code().func_entry(defined),
        vmctx: vmctx.cast(),
        ty: Arc::as_ptr(ty).cast(),
        type_id: ty.id(),
        func_index: start.as_u32(),
        heap_index: 0,
        _pad: 0,
    };
    // SAFETY: a function without parameters; the record is only called through, never handed out.
    unsafe { call::start(entered, &func, handle) }.map_err(Failure::Trap)
}
