//! Functions, their types and signatures, and libcalls.

use super::{FuncEnv, constant_flags};
use crate::abi::{Libcall, VMContext, VMFuncImport};
use crate::compiler::OptLevel;
use crate::compiler::sig::{self, POINTER};
use crate::types::{FuncIndex, TypeIndex};
use cranelift_codegen::ir::{self, ExtFuncData, ExternalName, InstBuilder, SigRef, UserExternalName, Value, types};
use cranelift_codegen::isa::CallConv;
use cranelift_entity::EntityRef;
use cranelift_frontend::FunctionBuilder;
use std::mem::offset_of;

impl FuncEnv<'_> {
    /// The engine-wide number of one of the module's types.
    pub fn type_id(&mut self, builder: &mut FunctionBuilder<'_>, ty: TypeIndex) -> Value {
        let ids = builder.ins().load(POINTER, constant_flags(), self.vmctx, offset_of!(VMContext, type_ids) as i32);
        builder.ins().load(types::I32, constant_flags(), ids, (ty.index() * size_of::<u32>()) as i32)
    }

    /// The signature of one of the module's types.
    pub fn sig(&mut self, builder: &mut FunctionBuilder<'_>, ty: TypeIndex) -> SigRef {
        if let Some(sig) = self.sigs[ty].expand() {
            return sig;
        }
        let sig = builder.import_signature(sig::wasm(self.module.func_type_at(ty)));
        self.sigs[ty] = sig.into();
        sig
    }

    /// A function of this module, as the target of a direct call within its text.
    pub fn direct_func(&mut self, builder: &mut FunctionBuilder<'_>, func: FuncIndex) -> ir::FuncRef {
        if let Some(&func_ref) = self.funcs.get(&func) {
            return func_ref;
        }
        let signature = self.sig(builder, self.module.type_of(func));
        let name = builder.func.declare_imported_user_function(UserExternalName { namespace: 0, index: func.as_u32() });
        let data = ExtFuncData { name: ExternalName::user(name), signature, colocated: true, patchable: false };
        let func_ref = builder.import_function(data);
        self.funcs.insert(func, func_ref);
        func_ref
    }

    /// An imported function: its entry and its context.
    pub fn imported_func(&mut self, builder: &mut FunctionBuilder<'_>, func: FuncIndex) -> (Value, Value) {
        let offset = self.layout.func_import(func);
        let mut field = |field: usize| builder.ins().load(POINTER, constant_flags(), self.vmctx, offset + field as i32);
        (field(offset_of!(VMFuncImport, entry)), field(offset_of!(VMFuncImport, vmctx)))
    }

    /// The reference to an imported function.
    pub fn imported_func_ref(&mut self, builder: &mut FunctionBuilder<'_>, func: FuncIndex) -> Value {
        let offset = self.layout.func_import(func) + offset_of!(VMFuncImport, func_ref) as i32;
        builder.ins().load(POINTER, constant_flags(), self.vmctx, offset)
    }

    /// The address of a libcall's entry.
    pub fn libcall_entry(&mut self, builder: &mut FunctionBuilder<'_>, libcall: Libcall) -> Value {
        let table = match self.libcall_table {
            Some(table) if self.options.opt_level != OptLevel::None => table,
            _ => {
                let offset = offset_of!(VMContext, libcalls) as i32;
                match self.options.opt_level {
                    OptLevel::None => builder.ins().load(POINTER, constant_flags(), self.vmctx, offset),
                    _ => self.hoisted_load(builder, self.vmctx, offset),
                }
            }
        };
        self.libcall_table = Some(table);
        builder.ins().load(POINTER, constant_flags(), table, libcall.offset())
    }

    /// The signature and the address of the stub that raises a trap: it gets the vmctx and the code, and changes no register.
    pub fn raise(&mut self, builder: &mut FunctionBuilder<'_>) -> (SigRef, Value) {
        let sig = *self.raise_sig.get_or_insert_with(|| {
            let mut sig = sig::libcall(Libcall::raise);
            sig.call_conv = CallConv::PreserveAll;
            builder.import_signature(sig)
        });
        let entry = builder.ins().load(POINTER, constant_flags(), self.vmctx, offset_of!(VMContext, raise) as i32);
        (sig, entry)
    }

    pub fn libcall_sig(&mut self, builder: &mut FunctionBuilder<'_>, libcall: Libcall) -> SigRef {
        if let Some(&(_, sig)) = self.libcall_sigs.iter().find(|&&(known, _)| known == libcall) {
            return sig;
        }
        let sig = builder.import_signature(sig::libcall(libcall));
        self.libcall_sigs.push((libcall, sig));
        sig
    }
}
