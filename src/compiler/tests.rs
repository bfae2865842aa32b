//! Compiles every kind of instruction in every mode, and compares intermediate code with the files in `golden/`.

use super::*;
use crate::module::{ParsedModule, parse};
use crate::types::ErrorKind;

const MODES: [CompileOptions; 5] = [
    CompileOptions::DEFAULT,
    CompileOptions { guard_pages: false, ..CompileOptions::DEFAULT },
    CompileOptions { signals: false, guard_pages: false, ..CompileOptions::DEFAULT },
    CompileOptions { opt_level: OptLevel::None, ..CompileOptions::DEFAULT },
    CompileOptions { deterministic: true, ..CompileOptions::DEFAULT },
];

fn compile_all(compiler: &Compiler, text: &str) -> Result<Vec<CompiledFunction>> {
    let bytes = wat::parse_str(text).unwrap();
    let ParsedModule { module, bodies } = parse(&bytes, compiler.options.features)?;
    let layout = module.context_layout().unwrap();
    let mut scratch = Scratch::default();
    bodies
        .into_iter()
        .enumerate()
        .map(|(i, (validator, body))| {
            let func = DefinedFuncIndex::from_u32(i as u32);
            compiler.compile_function(&module, &layout, func, &body, validator, &mut scratch)
        })
        .collect()
}

fn check_all_modes(text: &str) {
    for options in MODES {
        let compiler = Compiler::new(options).unwrap();
        for func in compile_all(&compiler, text).unwrap_or_else(|error| panic!("{options:?}: {error}")) {
            assert!(!func.text.is_empty());
            assert!(func.traps.is_sorted_by_key(|site| site.offset));
            assert!(func.addresses.is_sorted_by_key(|site| site.code_offset));
            assert!(func.stack_maps.is_sorted_by_key(|map| map.return_offset));
            if !func.calls.is_empty() || !func.stack_maps.is_empty() {
                assert!(func.vmctx_fp_offset < 0, "{options:?}: no slot for the vmctx");
            }
        }
    }
}

#[test]
fn control() {
    check_all_modes(
        r#"(module
            (type $two (func (param i32 i64) (result i64 i32)))
            (func (export "f") (param i32) (result i32)
                (block $b (result i32)
                    (loop $l
                        (br_if $l (i32.eqz (local.get 0)))
                        (if (local.get 0) (then (br $b (i32.const 1))))
                        (if (local.get 0) (then nop) (else (br $l))))
                    (br_table $b $b (i32.const 3) (local.get 0))))
            (func (type $two) local.get 0 local.get 1
                (if (type $two) (local.get 0) (then drop drop i64.const 1 i32.const 2) (else drop drop i64.const 3 i32.const 4)))
            (func (param i32 i32) (result i32 i32) local.get 0 local.get 1
                (if (param i32 i32) (result i32 i32) (local.get 0) (then i32.const 1 i32.add)))
            (func (param i32) (result i32 i32) (block $x (result i32 i32) i32.const 1 i32.const 2 (local.get 0)
                br_table $x 1 $x 0 unreachable (block (loop (if (i32.const 0) (then) (else)))) br 0))
            (func unreachable (block (result i32) unreachable) drop (if (i32.const 1) (then return) (else br 0)))
            (func (result i32) (loop (result i32) (br 0)))
            (func (param i32 i64 f32 f64 v128 funcref externref)
                (drop (select (local.get 1) (i64.const 1) (local.get 0)))
                (drop (select (local.get 2) (local.get 2) (local.get 0)))
                (drop (select (local.get 3) (local.get 3) (i32.eq (local.get 0) (i32.const 4))))
                (drop (select (local.get 4) (local.get 4) (local.get 0)))
                (drop (select (result funcref) (local.get 5) (ref.null func) (local.get 0)))
                (drop (select (result externref) (local.get 6) (ref.null extern) (local.get 0)))
                (if (local.get 0) (then (return)))))"#,
    );
}

#[test]
fn deep_nesting() {
    let depth = 20_000;
    let mut body = vec![0];
    for kind in [2, 3, 4, 6] {
        for _ in 0..depth {
            if kind == 4 {
                body.extend([0x41, 1]);
            }
            body.extend([kind, 0x40]);
        }
        body.extend(std::iter::repeat_n(0x0b, depth));
    }
    body.push(0x0b);
    let leb = |mut n: usize| {
        let mut out = Vec::new();
        while n >= 0x80 {
            out.push(n as u8 | 0x80);
            n >>= 7;
        }
        out.push(n as u8);
        out
    };
    let mut code = vec![1];
    code.extend(leb(body.len()));
    code.extend(body);
    let mut bytes = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0a".to_vec();
    bytes.extend(leb(code.len()));
    bytes.extend(code);
    let ParsedModule { module, bodies } = parse(&bytes, Features::DEFAULT).unwrap();
    let layout = module.context_layout().unwrap();
    let compiler = Compiler::new(MODES[3]).unwrap();
    for (validator, body) in bodies {
        let func = DefinedFuncIndex::from_u32(0);
        compiler.compile_function(&module, &layout, func, &body, validator, &mut Scratch::default()).unwrap();
    }
}

#[test]
fn calls_globals_tables_references() {
    check_all_modes(
        r#"(module
            (type $sig (func (param i32 externref) (result externref funcref)))
            (import "" "f" (func $imported (param i64 v128) (result f32)))
            (import "" "g" (global $imported_global (mut externref)))
            (import "" "c" (global $constant i32))
            (import "" "t" (table $imported_table 1 externref))
            (table $funcs 10 10 funcref)
            (table $growing 0 funcref)
            (global $i (mut i32) (i32.const 1)) (global $fixed f64 (f64.const 2.5))
            (global $v (mut v128) (v128.const i64x2 1 2)) (global $r (mut funcref) (ref.null func))
            (elem $e func $callee) (elem $x externref (ref.null extern))
            (func $callee (param i32 externref) (result externref funcref)
                (global.set $r (ref.func $callee))
                (call $callee (i32.const 1) (local.get 1))
                (drop) (drop)
                (call_indirect $funcs (type $sig) (i32.const 1) (local.get 1) (local.get 0)))
            (func (param externref i32) (result i32) (local funcref externref v128 f32 f64 i64)
                (local.set 3 (local.get 0))
                (drop (call $imported (i64.const 1) (global.get $v)))
                (global.set $imported_global (local.tee 3 (global.get $imported_global)))
                (global.set $v (local.get 4))
                (table.set $imported_table (local.get 1) (local.get 3))
                (local.set 2 (table.get $funcs (i32.const 3)))
                (table.set $growing (i32.const 0) (local.get 2))
                (drop (table.grow $growing (local.get 2) (i32.const 3)))
                (drop (table.grow $imported_table (local.get 3) (i32.const 3)))
                (table.fill $growing (i32.const 0) (local.get 2) (i32.const 3))
                (table.fill $imported_table (i32.const 0) (local.get 3) (i32.const 3))
                (table.copy $growing $funcs (i32.const 0) (i32.const 1) (i32.const 3))
                (table.init $growing $e (i32.const 0) (i32.const 1) (i32.const 3))
                (elem.drop $x)
                (drop (f64.add (global.get $fixed) (local.get 6)))
                (i32.add (i32.add (ref.is_null (local.get 2)) (ref.is_null (local.get 3)))
                    (i32.add (table.size $funcs) (global.get $constant)))))"#,
    );
}

#[test]
fn exceptions() {
    check_all_modes(
        r#"(module (type $s (struct (field i32)))
            (import "" "tag" (tag $imported (param externref)))
            (tag $none) (tag $all (param i32 i64 f32 f64 v128 funcref externref (ref $s)))
            (func $callee (param externref) (result i32) (throw $imported (local.get 0)))
            (func (param i32 externref) (result i32) (local exnref)
                (block $h (result externref exnref)
                    try_table (catch_ref $imported $h)
                        (return (call $callee (local.get 1)))
                    end unreachable)
                (local.set 2) drop (throw_ref (local.get 2)))
            (func (param i32 externref) (result i32)
                try $outer (result i32)
                    try (result i32)
                        (call $callee (local.get 1))
                    delegate $outer
                    try (param i32) (result i32)
                        drop (call $callee (local.get 1))
                    catch $imported
                        (call $callee)
                        (if (i32.eqz) (then (rethrow 1)))
                        (call $callee (local.get 1))
                    catch $all
                        drop drop drop drop drop drop drop
                        (throw $none)
                    end
                catch $none
                    try (result i32) (call $callee (local.get 1)) delegate 1
                catch_all
                    try (rethrow 1) delegate 0
                    unreachable
                end)
            (func (result i32)
                try (result i32) i32.const 1 catch $none rethrow 0 catch $all unreachable end
                try (result i32) i32.const 2 br 1 try throw $none delegate 0 catch_all unreachable end
                i32.add))"#,
    );
}

#[test]
fn memory() {
    check_all_modes(
        r#"(module (memory 1) (data $d "abc")
            (func (param i32 i64 f32 f64 v128) (result i32)
                (i32.store8 (local.get 0) (i32.load8_s offset=3 (local.get 0)))
                (i32.store16 (local.get 0) (i32.load16_u offset=70000 (local.get 0)))
                (i64.store8 (local.get 0) (i64.load8_u offset=0xffffffff (local.get 0)))
                (i64.store16 (local.get 0) (i64.load16_s (i32.const 100)))
                (i64.store32 (local.get 0) (i64.load32_u (i32.const -1)))
                (i64.store (local.get 0) (i64.load32_s (i32.const 65532)))
                (f32.store offset=0x1fffffc (local.get 0) (f32.load offset=0x1fffffd (local.get 0)))
                (f64.store offset=0x7fffffff (i32.const 8) (f64.load offset=0x80000000 (local.get 0)))
                (v128.store (local.get 0) (v128.load (local.get 0)))
                (v128.store (local.get 0) (v128.load8x8_s (local.get 0)))
                (v128.store64_lane 1 (local.get 0) (v128.load32_splat (local.get 0)))
                (memory.copy (local.get 0) (i32.const 1) (i32.const 2))
                (memory.fill (local.get 0) (i32.const 1) (i32.const 2))
                (memory.init $d (local.get 0) (i32.const 1) (i32.const 2))
                (data.drop $d)
                (i32.add (memory.size) (memory.grow (local.get 0)))))"#,
    );
}

#[test]
fn memory64_and_table64() {
    check_all_modes(
        r#"(module (memory i64 1) (memory $n 1) (table i64 2 funcref) (table $n 2 funcref) (elem $e func 0) (data $d "abc")
            (type $t (func (param i64 i32 v128) (result i64)))
            (func (type $t)
                (i32.store8 (local.get 0) (i32.load8_s offset=3 (local.get 0)))
                (i64.store16 (local.get 0) (i64.load16_u offset=0xffffffffffffffff (local.get 0)))
                (i64.store32 offset=0xfffffffffffffff8 (local.get 0) (i64.load32_s (i64.const -1)))
                (v128.store offset=0x1fffff0 (local.get 0) (v128.load offset=0x1fffff1 (local.get 0)))
                (v128.store64_lane 1 (local.get 0) (v128.load32_splat (i64.extend_i32_u (local.get 1))))
                (memory.copy 0 $n (local.get 0) (local.get 1) (local.get 1))
                (memory.fill (local.get 0) (local.get 1) (local.get 0))
                (memory.init $d (local.get 0) (local.get 1) (local.get 1))
                (table.set (local.get 0) (table.get (local.get 0)))
                (table.copy $n 0 (local.get 1) (local.get 0) (local.get 1))
                (table.init $e (local.get 0) (local.get 1) (local.get 1))
                (table.fill (local.get 0) (ref.null func) (local.get 0))
                (drop (call_indirect (type $t) (local.get 0) (local.get 1) (local.get 2) (local.get 0)))
                (i64.add (i64.add (memory.size) (memory.grow (local.get 0)))
                    (i64.add (table.size) (table.grow (ref.null func) (local.get 0))))))"#,
    );
}

#[test]
fn trampolines() {
    use crate::types::ValType::{self, *};
    let many = vec![I32, I64, F32, F64, I32, I64, F32, F64, I32, I64, F32, F64, I64, I64, I64, I64, I64, I64, I64, I64];
    let all = [vec![], vec![I32], many, vec![V128, ValType::FUNCREF, ValType::EXTERNREF, F32], vec![I32; 1000]];
    for options in MODES {
        let compiler = Compiler::new(options).unwrap();
        let mut scratch = Scratch::default();
        for params in &all {
            for results in &all {
                let ty = FuncType { params: params.clone().into(), results: results.clone().into() };
                for func in [
                    compiler.compile_host_to_wasm(&ty, &mut scratch).unwrap(),
                    compiler.compile_wasm_to_host(&ty, &mut scratch).unwrap(),
                ] {
                    assert!(!func.text.is_empty() && func.calls.is_empty());
                }
            }
        }
    }
}

#[test]
fn errors_do_not_spoil_the_scratch() {
    let compiler = Compiler::new(MODES[0]).unwrap();
    let bytes =
        wat::parse_str("(module (func (result i32) i32.const 1) (func (result i64) i32.const 1 i32.const 2 i32.add))")
            .unwrap();
    let mut scratch = Scratch::default();
    for _ in 0..2 {
        let ParsedModule { module, bodies } = parse(&bytes, Features::DEFAULT).unwrap();
        let layout = module.context_layout().unwrap();
        for (i, (validator, body)) in bodies.into_iter().enumerate() {
            let func = DefinedFuncIndex::from_u32(i as u32);
            let result = compiler.compile_function(&module, &layout, func, &body, validator, &mut scratch);
            match i {
                0 => assert!(result.is_ok()),
                _ => {
                    let error = result.unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::Invalid);
                    assert_eq!(error.offset(), Some(bytes.len() - 1));
                }
            }
        }
    }
}

#[test]
fn metadata() {
    let compiler = Compiler::new(MODES[0]).unwrap();
    let funcs = compile_all(
        &compiler,
        r#"(module
            (import "" "gc" (func $gc))
            (memory 1)
            (func $leaf (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
            (func (param i32 externref funcref) (result externref funcref)
                (drop (call $leaf (local.get 0) (i32.load (local.get 0))))
                (call $gc)
                (local.get 1) (local.get 2)))"#,
    )
    .unwrap();
    let [leaf, other] = &funcs[..] else { panic!() };
    assert_eq!((leaf.vmctx_fp_offset, leaf.traps.len(), leaf.calls.len()), (0, 0, 0));
    assert_eq!(other.calls.len(), 1);
    assert_eq!((other.calls[0].callee.as_u32(), other.calls[0].addend), (1, -4));
    let codes: Vec<_> = other.traps.iter().map(|trap| trap.code).collect();
    assert!(codes.contains(&TrapCode::StackOverflow) && codes.contains(&TrapCode::MemoryOutOfBounds));
    assert_eq!(other.stack_maps.len(), 2);
    for map in &other.stack_maps {
        assert_eq!((map.heap_refs.len(), map.func_refs.len()), (1, 1));
        assert!(map.heap_refs[0] < map.frame_size && map.func_refs[0] < map.frame_size);
    }
    assert!(other.addresses.len() > 3);
}

#[test]
fn fingerprints_differ() {
    let mut prints: Vec<_> =
        MODES.iter().map(|&options| Compiler::new(options).unwrap().fingerprint().to_owned()).collect();
    assert!(prints[0].contains("x86_64"));
    let layouts = format!("\nlayouts={:016x}\n", crate::abi::fingerprint());
    assert!(prints.iter().all(|print| print.contains(&layouts)));
    prints.sort();
    prints.dedup();
    assert_eq!(prints.len(), MODES.len());
}

#[test]
fn who_keeps_a_vmctx() {
    let compiler = Compiler::new(MODES[0]).unwrap();
    let funcs = compile_all(
        &compiler,
        r#"(module (memory 1)
            (func $direct (result i32) (i32.load (i32.const 0)))
            (func $exported (export "e") (result i32) (i32.load (i32.const 0)))
            (func $referred (result i32) (i32.load (i32.const 0)))
            (elem declare func $referred)
            (func $start (drop (i32.load (i32.const 0))))
            (start $start)
            (func $calls (result i32) (call $direct)))"#,
    )
    .unwrap();
    let keeps: Vec<_> = funcs.iter().map(|func| func.vmctx_fp_offset < 0).collect();
    assert_eq!(keeps, [false, true, true, true, true]);
    assert!(!funcs[0].traps.is_empty());
}
