//! Entries that are replaced: who takes the new one, and whether its frames are found where they lie now.

use super::*;
use crate::code::{self, Arena};

/// A module whose functions tell which version of them runs. `$cb` is imported, so `$one` has index 1.
fn text(version: u32) -> String {
    format!(
        r#"(module (import "" "cb" (func $cb)) (memory 1)
            (table 3 funcref) (elem (i32.const 0) $one $two)
            (func $one (export "one") (result i32) (i32.const {version}))
            (func $two (export "two") (param externref i32) (result i32)
                (call $cb)
                (drop (i32.load (local.get 1)))
                (i32.add (i32.const {version}) (ref.is_null (local.get 0))))
            (func (export "directly") (result i32) (call $one))
            (func (export "indirectly") (param i32) (result i32) (call_indirect (result i32) (local.get 0))))"#
    )
}

unsafe extern "C" fn collect(env: *mut c_void, _: *const ValVec, _: *mut ValVec) -> *mut Trap {
    // SAFETY: the test passes its store.
    unsafe { (*env.cast::<Store>()).collect() };
    std::ptr::null_mut()
}

#[test]
fn who_asks_afterwards_takes_the_new_entry() {
    with_store(|entered| {
        let store = entered.store();
        let engine = store.engine();
        let ty = DefinedType::func(FuncType { params: [].into(), results: [].into() }).unwrap();
        let env = env_of(std::ptr::from_ref(store).cast_mut().cast());
        // SAFETY: the callback fits the type, and there is no finalizer.
        let host = unsafe { HostFunc::make(entered, ty.clone(), Callback::WithEnv(collect), env) }.unwrap();
        let imports = [host.as_ptr().cast()];
        let module = compile(engine, &text(10));
        // SAFETY: the import is live.
        let before = unsafe { instantiate(entered, &module, imports) }.ok().unwrap();
        let one = export(&before, "one");
        assert_eq!(call(one, &[], 1).unwrap()[0].of, 10);

        // The first two functions of another version, in an arena of their own, in front of the rest of it.
        let (_, object) = code::link(engine.compiler(), &wat::parse_str(text(20)).unwrap()).unwrap();
        let arena = Arena::reserve(1 << 20).unwrap();
        let appended = arena.append(&object, &[0, 1].map(DefinedFuncIndex::from_u32)).unwrap().unwrap();
        let range = appended.arena().range();
        module.code().replace_entries(appended).unwrap();

        // SAFETY: as above.
        let after = unsafe { instantiate(entered, &module, imports) }.ok().unwrap();
        let result = |name, args: &[Val]| call(export(&after, name), args, 1).map(|results| results[0].of);
        assert_eq!(result("one", &[]).ok(), Some(20));
        assert_eq!(result("indirectly", &[i32(0)]).ok(), Some(20));
        assert_eq!(result("directly", &[]).ok(), Some(10), "bound for good");
        assert_eq!(call(one, &[], 1).unwrap()[0].of, 10, "made before");
        // A function of the old instance that nobody had asked for.
        let null = Val::zero(val::crossing(ValType::EXTERNREF));
        assert_eq!(call(export(&before, "two"), &[null, i32(0)], 1).unwrap()[0].of, 21);

        // It calls out to a collection, which walks its frame, and traps, in the new text.
        assert_eq!(result("two", &[null, i32(0)]).ok(), Some(21));
        let trap = call(export(&after, "two"), &[null, i32(65533)], 1).unwrap_err();
        assert_eq!(trap.code(), TrapCode::MemoryOutOfBounds);
        let frames = trap.frames();
        assert_eq!(frames.len(), 1);
        assert_eq!((frames[0].instance, frames[0].func.as_u32()), (after.as_ptr(), 2));
        assert_ne!(frames[0].module_offset, u32::MAX);
        // SAFETY: a live function.
        assert!(range.contains(&(unsafe { (*export(&after, "two").cast::<VMFuncRef>()).entry } as usize)));
    });
}
