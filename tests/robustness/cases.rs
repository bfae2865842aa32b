//! What each parameter is given: something good, and everything that is wrong in its own way.

use crate::prototype::{Param, Prototype};
use crate::results::judgement;
use std::fmt::Write;

/// What one call gives for one parameter.
#[derive(Clone)]
struct Given {
    /// A C expression.
    expression: String,
    /// What is wrong with it; empty for what is good.
    wrong: String,
    /// Whether the library must record a reason.
    reason: bool,
}

impl Given {
    fn good(expression: impl Into<String>) -> Given {
        Given { expression: expression.into(), wrong: String::new(), reason: false }
    }

    fn wrong(expression: impl Into<String>, wrong: impl Into<String>, reason: bool) -> Given {
        Given { expression: expression.into(), wrong: wrong.into(), reason }
    }
}

/// Objects that belong to a store.
const STORE_BOUND: [&str; 14] = [
    "store",
    "module",
    "shared_module",
    "shared_memory",
    "instance",
    "func",
    "global",
    "table",
    "memory",
    "tag",
    "trap",
    "foreign",
    "ref",
    "weak",
];

/// Kinds of objects that a `wasm_ref_t*` can be.
const REFERENCES: [&str; 8] = ["func", "global", "table", "memory", "module", "instance", "trap", "foreign"];

/// The opaque types of `libwasm.h`, and vectors of them.
const EXTENSIONS: [&str; 8] =
    ["tag", "shared_memory", "fieldtype", "fieldtype_vec", "deftype", "deftype_vec", "recgroup", "weak"];

/// The `X` of `wasm_X_t*`, and of `libwasm_X_t*` where it is opaque.
fn object(ty: &str) -> Option<&str> {
    let name = ty.strip_suffix("_t*")?;
    let name = match name.strip_prefix("libwasm_") {
        Some(name) if EXTENSIONS.contains(&name) => name,
        _ => name.strip_prefix("wasm_")?,
    };
    Some(match name {
        "name" | "message" => "byte_vec",
        // A keyword of C's.
        "extern" => "extern_",
        name => name,
    })
}

fn store_bound(param: &Param) -> bool {
    object(&param.ty).is_some_and(|name| STORE_BOUND.contains(&name) || name == "extern_")
}

/// Pointers that may be NULL, with the reason why: (function, place of the parameter).
fn may_be_null(function: &Prototype, at: usize) -> bool {
    let param = &function.params[at];
    let vector = param.ty.ends_with("_vec_t*") || matches!(param.ty.as_str(), "wasm_name_t*" | "wasm_message_t*");
    match (function.name.as_str(), at) {
        // Deleting nothing is nothing.
        (name, 0) if name.ends_with("_delete") => true,
        // A null reference.
        ("wasm_table_new" | "wasm_table_set" | "wasm_table_grow", 2) => true,
        // Whoever doesn't want the trap.
        ("wasm_instance_new", 3) => true,
        // The default configuration.
        ("wasm_engine_new_with_config", 0) => true,
        // A text without a name.
        ("libwasm_wat2wasm_named", 1) => true,
        // No supertype.
        ("libwasm_recgroup_set_supertype", 2) => true,
        // The null reference.
        ("libwasm_ref_kind", 0) => true,
        ("libwasm_array_read" | "libwasm_array_write", 3) => false,
        // An environment and host info are anything.
        _ if param.ty == "void*" || param.ty == "void (*)(void*)" => true,
        // An empty vector.
        _ => vector && !param.out,
    }
}

/// The ways to give the parameter at `at`, the good one first.
fn ways(function: &Prototype, at: usize) -> Vec<Given> {
    let param = &function.params[at];
    let null = Given::wrong("NULL", "NULL", !may_be_null(function, at));
    // What is consumed can't be given twice: the second of a type comes from elsewhere.
    let again = param.own && function.params[..at].iter().any(|other| other.ty == param.ty);
    let home = if again { "there" } else { "here" };
    if let Some(scalars) = scalars(function, param) {
        return scalars;
    }
    let mut ways = vec![pointer(function, param, home)];
    if let Some(name) = object(&param.ty).filter(|_| !param.out) {
        let others = function.params.iter().filter(|other| store_bound(other)).count() > 1;
        let same = function.name.ends_with("_same");
        if store_bound(param) {
            ways.push(Given::wrong(format!("there.{name}"), "of another engine", others && !same));
            // The home of a module and of a shared memory is their engine.
            let obtains = matches!(function.name.as_str(), "wasm_module_obtain" | "libwasm_memory_obtain");
            let at_home = name == "module" || obtains;
            ways.push(Given::wrong(format!("near.{name}"), "of another store", others && !same && !at_home));
        }
        if REFERENCES.contains(&name) || matches!(name, "ref" | "extern_") {
            for other in REFERENCES.iter().filter(|other| **other != name) {
                let fits = match name {
                    "ref" => true,
                    "extern_" => matches!(*other, "func" | "global" | "table" | "memory"),
                    _ => false,
                };
                let handle_only = ["_delete", "_copy"].iter().any(|end| function.name.ends_with(end));
                let reason = !fits && !handle_only;
                ways.push(Given::wrong(format!("(void*)here.{other}"), format!("a {other}"), reason));
            }
        }
        if name == "externtype" {
            for other in ["globaltype", "tabletype", "memorytype", "tagtype"] {
                ways.push(Given::wrong(format!("(void*)here.{other}"), format!("a {other}"), false));
            }
        }
    }
    ways.extend(structs(function, param));
    ways.push(null);
    ways
}

fn scalars(function: &Prototype, param: &Param) -> Option<Vec<Given>> {
    let sizes: &[&str] = match param.ty.as_str() {
        "size_t" if function.name.ends_with("_new_uninitialized") => {
            let mut ways: Vec<_> = ["1", "0"].map(Given::good).into();
            ways.extend(["SIZE_MAX", "SIZE_MAX / 16 + 2"].map(|size| Given::wrong(size, size, true)));
            return Some(ways);
        }
        // As many as the array has.
        "size_t" => &["1", "0"],
        "wasm_valkind_t" => &["WASM_I32", "4", "5", "77", "127", "WASM_FUNCREF", "130", "140", "255"],
        "wasm_mutability_t" => &["WASM_VAR", "WASM_CONST", "2", "255"],
        "wasm_table_size_t" | "wasm_memory_pages_t" => &["0", "1", "65536", "0x80000000u", "UINT32_MAX"],
        "libwasm_storagekind_t" => &["LIBWASM_STORAGE_I8", "LIBWASM_STORAGE_I16", "LIBWASM_STORAGE_VALUE", "3", "255"],
        "bool" => &["true", "false"],
        "uint8_t" | "libwasm_opt_level_t" => &["0", "1", "255"],
        "uint64_t" => &["0", "1", "65536", "UINT64_MAX"],
        // Members of a group, of which one comes before the other.
        "uint32_t" if function.name == "libwasm_recgroup_set_supertype_member" && param.name == "index" => {
            &["2", "0", "3"]
        }
        "uint32_t" => &["0", "1", "UINT32_MAX"],
        // Nanoseconds; nobody ends a wait that has no end.
        "int64_t" => &["0", "1000"],
        "void (*)(void*)" => &["finalizer", "NULL"],
        "libwasm_trace_t" => &["trace", "NULL"],
        "void*" if function.name.starts_with("libwasm_array") => return None,
        "void*" => &["&info", "NULL"],
        "wasm_func_callback_t" => {
            return Some(vec![Given::good("callback"), Given::wrong("NULL", "NULL", true)]);
        }
        "wasm_func_callback_with_env_t" => {
            return Some(vec![Given::good("callback_with_env"), Given::wrong("NULL", "NULL", true)]);
        }
        _ => return None,
    };
    let ways = sizes
        .iter()
        .enumerate()
        .map(|(i, size)| if i == 0 { Given::good(*size) } else { Given::wrong(*size, *size, false) });
    Some(ways.collect())
}

/// A good pointer for the parameter.
fn pointer(function: &Prototype, param: &Param, home: &str) -> Given {
    let expression = match param.ty.as_str() {
        "wasm_trap_t**" => "&out_trap".to_string(),
        "uint8_t*" | "void*" => "bytes".to_string(),
        "char*" => "path".to_string(),
        "wasm_byte_t*" if param.array => "\"x\"".to_string(),
        // The elements of a vector.
        ty if ty.ends_with("_t**") => format!("&here.{}", object(ty.strip_suffix('*').expect(ty)).expect(ty)),
        "wasm_val_t*" if param.array => "&here.val".to_string(),
        ty if param.array => format!("&here.{}", object(ty.strip_suffix('*').expect(ty)).expect(ty)),
        "wasm_val_t*" if param.constant && function.name == "libwasm_val_extern_convert_any" => format!("&{home}.any"),
        "wasm_val_t*" if param.constant && function.name == "libwasm_val_any_convert_extern" => {
            format!("&{home}.external")
        }
        "wasm_val_t*" if param.out || !param.constant && !param.own => "&out_val".to_string(),
        "wasm_val_t*" => "&here.val".to_string(),
        "wasm_limits_t*" => "&limits".to_string(),
        "libwasm_limits_t*" if param.constant => "&exact_limits".to_string(),
        "libwasm_limits_t*" => "&out_limits".to_string(),
        "libwasm_heap_statistics_t*" => "&out_statistics".to_string(),
        "libwasm_deftype_t*" if function.name == "libwasm_deftype_functype" => format!("{home}.func_deftype"),
        "wasm_valtype_t*" if function.name == "libwasm_valtype_is_nullable" => "wasm_valtype_new_funcref()".to_string(),
        "libwasm_deftype_t*" if function.name.starts_with("libwasm_array") => format!("{home}.arraytype"),
        "wasm_val_vec_t*" if function.name == "libwasm_struct_new" => format!("&{home}.fields"),
        "libwasm_recgroup_t*" if function.name == "libwasm_recgroup_type" => format!("{home}.defined_group"),
        ty if param.out => format!("&out_{}", object(ty).expect(ty)),
        _ if function.name == "wasm_module_deserialize" && param.constant && param.ty.contains("byte") => {
            "&here.artifact".to_string()
        }
        ty if function.name.starts_with("libwasm_wat2wasm") && ty.ends_with("_vec_t*") => "&text".to_string(),
        ty if ty.ends_with("_vec_t*") || matches!(ty, "wasm_name_t*" | "wasm_message_t*") => {
            format!("&{home}.{}", object(ty).expect(ty))
        }
        "wasm_memory_t*" if function.name == "libwasm_memory_share" => format!("{home}.view"),
        "wasm_memorytype_t*" if function.name == "libwasm_shared_memory_new" => format!("{home}.shared_memorytype"),
        "wasm_ref_t*" if function.name.contains("exception") => format!("{home}.exception"),
        "wasm_ref_t*" if function.name.contains("_i31_") => format!("{home}.i31"),
        "wasm_ref_t*" if function.name.contains("_struct_") => format!("{home}.structure"),
        "wasm_ref_t*" if function.name.contains("_array_") => format!("{home}.array"),
        ty => format!("{home}.{}", object(ty).unwrap_or_else(|| panic!("{}: no way to give {ty}", function.name))),
    };
    Given::good(expression)
}

/// Wrong contents of structs and vectors.
fn structs(function: &Prototype, param: &Param) -> Vec<Given> {
    let wrong = |expressions: &[(&str, &str)]| {
        expressions.iter().map(|(expression, what)| Given::wrong(*expression, *what, false)).collect()
    };
    match param.ty.as_str() {
        _ if param.out || param.own || param.array => Vec::new(),
        "char*" => wrong(&[
            ("\"/\"", "a directory"),
            ("\"\"", "empty"),
            ("\"/nowhere/at all\"", "nowhere"),
            ("\"Cargo.toml/below\"", "below a file"),
        ]),
        "wasm_limits_t*" => wrong(&[("&twisted_limits", "a minimum above the maximum"), ("&huge_limits", "huge")]),
        "libwasm_limits_t*" if param.constant => wrong(&[
            ("&twisted_exact_limits", "a minimum above the maximum"),
            ("&huge_exact_limits", "huge"),
            ("&odd_limits", "a page size that is none"),
            ("&reserved_limits", "reserved members that are not 0"),
            ("memset(&out_limits, 0xff, sizeof out_limits)", "random bytes"),
        ]),
        "wasm_val_t*" if param.constant => {
            let kinds = [0, 1, 2, 3, 4, 5, 77, 128, 129, 130, 135, 140, 255];
            let mut ways: Vec<_> =
                kinds.map(|kind| Given::wrong(format!("val_of_kind({kind})"), format!("kind {kind}"), false)).into();
            ways.push(Given::wrong("foreign_as_func()", "a funcref that is no function", false));
            ways.push(Given::wrong("&there.val", "of another store", false));
            ways
        }
        "wasm_val_vec_t*" if param.constant => wrong(&[
            ("vals(0)", "none"),
            ("vals(2)", "too many"),
            ("vals_of_kind(1)", "an i64"),
            ("vals_of_kind(77)", "of no kind"),
            ("vals_of_kind(4)", "a v128 of NULL"),
            ("vals_of_kind(128)", "a null reference"),
            ("&vals_of_nothing", "a size without data"),
        ]),
        "wasm_val_vec_t*" => {
            wrong(&[("vals(0)", "no room"), ("vals(3)", "more room"), ("&vals_of_nothing", "no data")])
        }
        "wasm_extern_vec_t*" => wrong(&[
            ("externs(0, NULL)", "too few"),
            ("externs(1, NULL)", "NULL among them"),
            ("externs(1, (void*)here.memory)", "a memory"),
            ("externs(1, (void*)here.instance)", "an instance"),
            ("externs(1, (void*)there.func)", "of another engine"),
            ("externs(1, (void*)near.func)", "of another store"),
            ("&externs_of_nothing", "a size without data"),
        ]),
        "wasm_byte_vec_t*" if function.name != "wasm_byte_vec_copy" => {
            let source = if function.name.contains("deserialize") { "here.artifact" } else { "here.byte_vec" };
            let mut ways: Vec<_> = wrong(&[("&bytes_of_nothing", "a size without data")]);
            for seed in 1..=24 {
                ways.push(Given::wrong(format!("random_bytes({seed})"), format!("random bytes {seed}"), false));
                let damaged = format!("damaged_bytes(&{source}, {seed})");
                ways.push(Given::wrong(damaged, format!("damaged bytes {seed}"), false));
            }
            ways
        }
        ty if ty.ends_with("_vec_t*") || matches!(ty, "wasm_name_t*" | "wasm_message_t*") => {
            let vector = ty.trim_end_matches('*');
            vec![Given::wrong(format!("&({vector}){{3, NULL}}"), "a size without data", false)]
        }
        _ => Vec::new(),
    }
}

/// C code that calls `function` in every way, a `CASE` each.
pub fn code(function: &Prototype) -> String {
    let good: Vec<Vec<Given>> = (0..function.params.len()).map(|at| ways(function, at)).collect();
    let first: Vec<&Given> = good.iter().map(|ways| &ways[0]).collect();
    let mut text = String::new();
    let judged = judgement(function);
    let mut case = |what: &str, args: &[&Given]| {
        let reason = u8::from(args.iter().any(|given| given.reason));
        let good = args.iter().all(|given| given.wrong.is_empty());
        let args: Vec<_> = args.iter().map(|given| given.expression.as_str()).collect();
        let call = format!("{}({})", function.name, args.join(", "));
        let what = format!("{}: {what}", function.name);
        match &judged {
            None => writeln!(text, "  CASE({what:?}, {reason}, {call})"),
            Some(judged) => {
                let success = if good { &judged.good } else { &judged.unexplained };
                let (result, failed, release) = (&function.result, &judged.failed, &judged.release);
                writeln!(text, "  CASE_OF({what:?}, {reason}, {result}, {failed}, {success}, {release}, {call})")
            }
        }
        .expect("a string takes everything");
    };
    case("as it should be", &first);
    for (at, ways) in good.iter().enumerate() {
        for way in &ways[1..] {
            let mut args = first.clone();
            args[at] = way;
            case(&format!("parameter {at} {}", way.wrong), &args);
        }
    }
    let nulls: Vec<Given> = good
        .iter()
        .enumerate()
        .map(|(at, ways)| {
            let null = ways.iter().find(|way| way.expression == "NULL");
            null.cloned().unwrap_or_else(|| good[at][0].clone())
        })
        .collect();
    if nulls.iter().any(|given| given.expression == "NULL") {
        case("every pointer NULL", &nulls.iter().collect::<Vec<_>>());
    }
    format!("static void try_{}(void) {{\n{text}}}\n\n", function.name)
}
