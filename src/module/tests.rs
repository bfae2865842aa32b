//! Modules that are accepted and refused, and what is known of them afterwards.

use super::*;

fn wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

fn module(text: &str) -> Module {
    parse(&wasm(text), Features::DEFAULT).unwrap().module
}

fn func(index: u32) -> FuncIndex {
    FuncIndex::from_u32(index)
}

#[test]
fn imports_and_exports_in_order() {
    let module = module(
        r#"(module
            (import "a" "g" (global (mut i64)))
            (import "a" "f" (func (param i32) (result f64)))
            (import "b" "m" (memory 1 2))
            (table (export "t") 3 funcref)
            (func (export "f1") (export "f2"))
            (export "m" (memory 0)) (export "g" (global 0)))"#,
    );
    let imports: Vec<_> =
        module.imports.iter().map(|i| format!("{}.{}: {}", i.module, i.name, module.import_type(i))).collect();
    assert_eq!(imports, ["a.g: global (mut i64)", "a.f: func [i32] -> [f64]", "b.m: memory 1 2"]);
    let exports: Vec<_> =
        module.exports.iter().map(|e| format!("{}: {}", e.name, module.entity_type(e.entity))).collect();
    assert_eq!(
        exports,
        ["t: table 3 funcref", "f1: func [] -> []", "f2: func [] -> []", "m: memory 1 2", "g: global (mut i64)"]
    );
    assert_eq!((module.num_imported_funcs, module.num_imported_globals, module.num_imported_memories), (1, 1, 1));
    assert_eq!(module.defined_func(func(0)), None);
    assert_eq!(module.defined_func(func(1)), Some(DefinedFuncIndex::from_u32(0)));
}

#[test]
fn bodies_carry_their_ranges() {
    let bytes = wasm("(module (func) (func (result i32) i32.const 7))");
    let parsed = parse(&bytes, Features::DEFAULT).unwrap();
    assert_eq!(parsed.bodies.len(), 2);
    let range = parsed.module.body(DefinedFuncIndex::from_u32(1));
    assert_eq!(&bytes[range.start as usize..range.end as usize], [0, 0x41, 7, 0x0b]);
    assert_eq!(parsed.bodies[1].1.as_bytes(), [0, 0x41, 7, 0x0b]);
}

#[test]
fn const_exprs() {
    let module = module(
        r#"(module
            (import "" "g" (global i32))
            (func $f)
            (global i32 (i32.sub (i32.mul (global.get 0) (i32.const 3)) (i32.const -1)))
            (global v128 (v128.const i32x4 1 0 0 0))
            (global externref (ref.null extern))
            (global funcref (ref.func $f)))"#,
    );
    let ops: Vec<_> = module.global_inits.iter().map(|expr| expr.ops().to_vec()).collect();
    assert_eq!(
        ops[0],
        [
            ConstOp::GlobalGet(GlobalIndex::from_u32(0)),
            ConstOp::I32(3),
            ConstOp::I32Mul,
            ConstOp::I32(-1),
            ConstOp::I32Sub
        ]
    );
    assert_eq!(ops[1], [ConstOp::V128(1)]);
    assert_eq!(ops[2], [ConstOp::RefNull(HeapType::Extern)]);
    assert_eq!(ops[3], [ConstOp::RefFunc(func(0))]);
}

#[test]
fn segments() {
    let module = module(
        r#"(module
            (memory 1) (table 4 funcref) (func $f) (func $g)
            (data (i32.const 8) "abc") (data "") (data "de")
            (elem (i32.const 1) $g $f)
            (elem funcref (ref.func $f) (ref.null func))
            (elem funcref (ref.func $g) (ref.func $g))
            (elem declare func $f))"#,
    );
    let data = |index| module.data(DataIndex::from_u32(index));
    assert_eq!((data(0), data(1), data(2)), (&b"abc"[..], &b""[..], &b"de"[..]));
    assert!(matches!(module.datas.get(DataIndex::from_u32(1)).unwrap().mode, DataMode::Passive));
    let elems: Vec<_> = module.elems.values().collect();
    assert!(matches!(&elems[0].items, ElemItems::Funcs(funcs) if funcs.iter().eq([func(1), func(0)])));
    assert!(matches!(&elems[1].items, ElemItems::Exprs(exprs) if exprs.len() == 2));
    assert!(matches!(&elems[2].items, ElemItems::Funcs(funcs) if funcs.iter().eq([func(1), func(1)])));
    assert!(matches!(elems[3].mode, ElemMode::Declared));
}

#[test]
fn func_ref_slots_cover_what_can_be_referred_to() {
    let module = module(
        r#"(module
            (func $exported (export "e")) (func $plain) (func $elem) (func $global) (func $declared)
            (table 1 funcref) (elem (i32.const 0) $elem) (elem declare func $declared)
            (global funcref (ref.func $global))
            (func $user (drop (ref.func $declared))))"#,
    );
    let slots = &module.func_ref_slots;
    assert_eq!(slots.len(), 4);
    let mut taken: Vec<_> = [0, 2, 3, 4].map(|index| slots.get(func(index)).unwrap()).into();
    taken.sort();
    assert_eq!(taken, [0, 1, 2, 3]);
    assert_eq!((slots.get(func(1)), slots.get(func(5)), slots.get(func(100))), (None, None, None));
}

#[test]
fn leaks_references() {
    let leaks = |text| module(text).leaks_references;
    assert!(!leaks("(module (func (param i32)) (table 1 funcref) (global (mut funcref) (ref.null func)))"));
    assert!(!leaks(r#"(module (import "" "t" (table 1 externref)) (import "" "g" (global funcref)))"#));
    assert!(leaks(r#"(module (import "" "t" (table 1 funcref)))"#));
    assert!(leaks(r#"(module (import "" "g" (global (mut funcref))))"#));
    assert!(leaks(r#"(module (import "" "f" (func (param funcref))))"#));
    assert!(!leaks("(module (func (param externref) (result externref funcref) (local.get 0) (ref.null func)))"));
    assert!(leaks("(module (type (func (param i32 funcref))))"));
}

#[test]
fn names() {
    let module = module("(module $m (func) (func $second) (func $dritte))");
    assert_eq!(module.name(), Some("m"));
    assert_eq!(module.func_name(func(0)), None);
    assert_eq!(module.func_name(func(1)), Some("second"));
    assert_eq!(module.func_name(func(2)), Some("dritte"));
    assert_eq!(module.func_name(func(3)), None);
}

#[test]
fn malformed_names_are_ignored() {
    let section = |contents: &[u8]| {
        let mut bytes = b"\0asm\x01\0\0\0\0".to_vec();
        bytes.push(contents.len() as u8 + 5);
        bytes.extend_from_slice(b"\x04name");
        bytes.extend_from_slice(contents);
        bytes
    };
    for contents in [
        &b"\x01\x7f"[..],
        b"\x01\x03\x02\x00\x09a",
        b"\x01\x05\x01\x00\x02\xff\xfe",
        b"\x00\x02\x01m\x00\x02\x01n",
        b"\xff\xff\xff\xff\xff\xff",
        // Out of order.
        b"\x01\x07\x02\x05\x01a\x05\x01b",
    ] {
        validate(&section(contents), Features::DEFAULT).unwrap();
    }
    let bytes = section(b"\x00\x02\x01m\x01\x7f");
    assert_eq!(parse(&bytes, Features::DEFAULT).unwrap().module.name(), Some("m"));
}

#[test]
fn errors_have_offsets() {
    let refuse = |bytes: &[u8]| validate(bytes, Features::DEFAULT).expect_err("should be refused");
    assert_eq!(refuse(b"").offset(), Some(0));
    assert_eq!(refuse(b"hello, world").kind(), ErrorKind::Invalid);
    let mut bytes = wasm("(module (func (result i32) i32.const 7))");
    let last = bytes.len() - 1;
    bytes[last - 2] = 0x42;
    let error = refuse(&bytes);
    assert!(error.message().contains("type mismatch"), "{error}");
    assert_eq!(error.offset(), Some(last));
    // Bodies are not looked at by `parse`.
    parse(&bytes, Features::DEFAULT).unwrap();
}

#[test]
fn features_are_exactly_what_is_there() {
    for text in [
        "(module (func (result i32 i64) i32.const 0 i64.const 0))",
        "(module (func (param v128) (result v128) (i8x16.neg (local.get 0))))",
        "(module (memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))))",
        "(module (table 1 externref) (table 1 funcref))",
        "(module (func (param i32) (result i32) (i32.extend8_s (local.get 0))))",
        "(module (func (param f32) (result i32) (i32.trunc_sat_f32_s (local.get 0))))",
        "(module (global i32 (i32.add (i32.const 1) (i32.const 2))))",
        "(module (func $f (return_call $f)))",
        "(module (func (param (ref func))))",
        "(module (type $t (func)) (func (param (ref null $t))))",
        "(module (table 1 funcref (ref.null func)))",
        "(module (func (param i64 i64) (result i64 i64) (i64.mul_wide_s (local.get 0) (local.get 1))))",
        "(module (func (param v128 v128) (result v128) (i8x16.relaxed_swizzle (local.get 0) (local.get 1))))",
        "(module (memory 1) (memory 1))",
        "(module (type (struct)))",
        "(module (func (param anyref)))",
        "(module (global i32 (i32.const 0)) (global i32 (global.get 0)))",
        "(module (memory i64 1) (table i64 1 funcref))",
        "(module (tag))",
        "(module (memory 1 1 shared))",
        "(module (memory 1) (func (param i32) (result i32) (i32.atomic.load (local.get 0))))",
    ] {
        validate(&wasm(text), Features::DEFAULT).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
    for text in [
        "(module (memory 1 shared))",
        "(module (global (shared i32) (i32.const 0)))",
        "(module (memory 1) (func (memory.discard (i32.const 0) (i32.const 0))))",
    ] {
        assert!(validate(&wasm(text), Features::DEFAULT).is_err(), "{text}");
    }
}
