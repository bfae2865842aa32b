//! Valid modules made of the bytes of an input, by wasm-smith. Every function of them ends.

use arbitrary::{Result, Unstructured};
use wasm_smith::{Config, InstructionKind, InstructionKinds, MemoryOffsetChoices, Module};
use wasmparser::{MemArgTarget, MemoryType, Operator, Payload, TypeRef};

/// A module of WebAssembly 2.0, with what the library and the oracle have beyond it. It exports all it has.
pub fn module(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    module_with(u, |_| {})
}

/// Such a module, and whether it may trap by itself; where it must not, it looks before it divides, for one.
pub fn module_and_traps(u: &mut Unstructured<'_>) -> Result<(Vec<u8>, bool)> {
    let mut may_trap = true;
    let binary = module_with(u, |config| may_trap = !config.disallow_traps)?;
    Ok((binary, may_trap))
}

/// A module whose results depend on which NaNs operations make, and on what relaxed vector instructions do. (The oracle does otherwise: it
/// rounds `madd` once.)
pub fn module_of_any_nan(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    module_with(u, |config| {
        config.canonicalize_nans = false;
        config.relaxed_simd_enabled = config.simd_enabled;
    })
}

/// A module that may use all that the library has, for a reference that has as much. (Waits in shared memories, which nobody would end, and
/// `madd`, which the reference rounds once, are taken out: see [`tame`].)
pub fn module_of_everything(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let (gc, exceptions, threads) = (u.ratio(7, 8)?, u.ratio(1, 2)?, u.ratio(1, 4)?);
    let mut binary = module_with(u, |config| {
        config.relaxed_simd_enabled = config.simd_enabled;
        config.reference_types_enabled = true;
        config.gc_enabled = gc;
        config.exceptions_enabled = exceptions;
        config.max_tags = 4;
        config.threads_enabled = threads;
    })?;
    tame(&mut binary);
    Ok(binary)
}

/// Replaces what the reference would do otherwise, or never finish: waits in memories that are shared, by their address, and relaxed `madd`
/// and `nmadd` by their first operand. The binary is valid, before and afterwards, and as long.
fn tame(binary: &mut [u8]) {
    const DROP: u8 = 0x1a;
    const NOP: u8 = 0x01;
    const I32_WRAP_I64: u8 = 0xa7;
    let mut memories = Vec::new();
    let mut changes = Vec::new();
    for payload in wasmparser::Parser::new(0).parse_all(binary).flatten() {
        match payload {
            Payload::ImportSection(imports) => {
                memories.extend(imports.into_imports().flatten().filter_map(|import| match import.ty {
                    TypeRef::Memory(ty) => Some(ty),
                    _ => None,
                }));
            }
            Payload::MemorySection(section) => memories.extend(section.into_iter().flatten()),
            Payload::CodeSectionEntry(body) => {
                let Ok(mut operators) = body.get_operators_reader() else { continue };
                while let Ok((operator, start)) = operators.read_with_offset() {
                    let code: &[u8] = match operator {
                        Operator::MemoryAtomicWait32 { memarg } | Operator::MemoryAtomicWait64 { memarg } => {
                            let MemArgTarget::Memory(memory) = memarg.target else { continue };
                            match &memories[memory as usize] {
                                MemoryType { shared: false, .. } => continue,
                                MemoryType { memory64: true, .. } => &[DROP, DROP, I32_WRAP_I64],
                                _ => &[DROP, DROP],
                            }
                        }
                        Operator::F32x4RelaxedMadd
                        | Operator::F32x4RelaxedNmadd
                        | Operator::F64x2RelaxedMadd
                        | Operator::F64x2RelaxedNmadd => &[DROP, DROP],
                        _ => continue,
                    };
                    changes.push((start as usize..operators.original_position() as usize, code.to_vec()));
                }
            }
            _ => {}
        }
    }
    for (range, code) in changes {
        let (first, rest) = binary[range].split_at_mut(code.len());
        first.copy_from_slice(&code);
        rest.fill(NOP);
    }
}

fn module_with(u: &mut Unstructured<'_>, change: impl FnOnce(&mut Config)) -> Result<Vec<u8>> {
    let fuel = u.int_in_range(10..=2000)?;
    let mut config = config(u)?;
    change(&mut config);
    let mut module = Module::new(config, u)?;
    // Fails for functions of arbitrary bytes only, of which there are none.
    module.ensure_termination(fuel).map_err(|_| arbitrary::Error::IncorrectFormat)?;
    Ok(module.to_bytes())
}

/// Which parts of WebAssembly a module may use, and how large it may be: both are chosen anew for each input, since a module that
/// may use everything seldom uses much of anything.
fn config(u: &mut Unstructured<'_>) -> Result<Config> {
    Ok(Config {
        allow_floats: u.ratio(3, 4)?,
        allow_start_export: u.ratio(1, 2)?,
        allowed_instructions: instructions(u)?,
        bulk_memory_enabled: u.ratio(7, 8)?,
        canonicalize_nans: true,
        relaxed_simd_enabled: false,
        const_expr_fuel: u.int_in_range(1..=20)?,
        disallow_traps: u.ratio(1, 3)?,
        export_everything: true,
        max_data_segments: u.int_in_range(0..=6)?,
        max_element_segments: u.int_in_range(0..=6)?,
        max_elements: u.int_in_range(0..=20)?,
        max_funcs: u.int_in_range(1..=16)?,
        max_globals: u.int_in_range(0..=12)?,
        max_imports: u.int_in_range(0..=12)?,
        max_instructions: u.int_in_range(10..=600)?,
        max_memories: u.int_in_range(1..=3)?,
        max_memory32_bytes: 6 << 16,
        max_memory64_bytes: 6 << 16,
        memory64_enabled: u.ratio(1, 2)?,
        custom_page_sizes_enabled: u.ratio(1, 4)?,
        max_table_elements: 100,
        max_tables: u.int_in_range(0..=4)?,
        max_types: u.int_in_range(1..=12)?,
        max_type_size: u.int_in_range(10..=1000)?,
        memory_max_size_required: true,
        memory_offset_choices: if u.ratio(1, 8)? {
            MemoryOffsetChoices(1, 1, 1)
        } else {
            MemoryOffsetChoices(30, 9, 1)
        },
        min_funcs: 1,
        min_memories: u.int_in_range(0..=1)?,
        min_types: 1,
        min_uleb_size: if u.ratio(1, 16)? { 5 } else { 1 },
        multi_value_enabled: u.ratio(3, 4)?,
        reference_types_enabled: u.ratio(3, 4)?,
        saturating_float_to_int_enabled: u.ratio(7, 8)?,
        sign_extension_ops_enabled: u.ratio(7, 8)?,
        simd_enabled: u.ratio(1, 2)?,
        table_max_size_required: true,
        tail_call_enabled: u.ratio(1, 2)?,
        wide_arithmetic_enabled: u.ratio(1, 2)?,
        // What the library does not have.
        acquire_release_atomics_enabled: false,
        compact_imports_enabled: false,
        custom_descriptors_enabled: false,
        exceptions_enabled: false,
        gc_enabled: false,
        multibyte_array_access_enabled: false,
        shared_everything_threads_enabled: false,
        threads_enabled: false,
        ..Config::default()
    })
}

/// All kinds of instructions, or some.
fn instructions(u: &mut Unstructured<'_>) -> Result<InstructionKinds> {
    use InstructionKind::*;
    if u.ratio(1, 2)? {
        return Ok(InstructionKinds::all());
    }
    let mut kinds = vec![Variable, Control];
    for kind in [Numeric, Vector, Reference, Parametric, Table, Memory, Aggregate] {
        if u.ratio(2, 3)? {
            kinds.push(kind);
        }
    }
    Ok(InstructionKinds::new(&kinds))
}
