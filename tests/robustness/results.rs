//! What each function gives: the default of its type where it fails, and then there is a reason; otherwise something.

use crate::prototype::Prototype;

/// How the result of a call is judged: C expressions over `result`.
pub struct Judgement {
    /// Whether it is what a call gives that has failed.
    pub failed: String,
    /// Whether it is what a call can give that was as it should be.
    pub good: String,
    /// Whether it is what any other call can give that recorded no reason.
    pub unexplained: String,
    /// A statement that deletes it.
    pub release: String,
}

/// How the result of a function is judged; `None` if it has none.
pub fn judgement(function: &Prototype) -> Option<Judgement> {
    let name = function.name.as_str();
    if function.result == "void" {
        return None;
    }
    let pointer = function.result.ends_with('*');
    let default = match (pointer, function.result.as_str()) {
        (true, _) => "NULL",
        (_, "bool") => "false",
        _ => "0",
    };
    let failed = match name {
        // These give a trap in any case.
        "wasm_func_call" => "result && libwasm_trap_code(result) == LIBWASM_TRAP_BAD_CALL".to_string(),
        "wasm_trap_new" => "result && libwasm_trap_code(result) == LIBWASM_TRAP_HOST".to_string(),
        // A number of another kind is taken for its bits.
        "wasm_global_new" => "result == NULL || reason_says(\" was made with a value of kind \")".to_string(),
        "libwasm_trap_code" => "result == LIBWASM_TRAP_BAD_CALL".to_string(),
        "libwasm_last_error_message" | "libwasm_version" => "false".to_string(),
        _ if function.result == "libwasm_wait_result_t" => "result == LIBWASM_WAIT_FAILED".to_string(),
        _ => format!("result == {default}"),
    };
    let something = match name {
        // No trap is what should be.
        "wasm_func_call" => "result == NULL".to_string(),
        "wasm_trap_new" => "result && libwasm_trap_code(result) == LIBWASM_TRAP_HOST".to_string(),
        // The last error is none.
        "libwasm_last_error_message" => "*result == 0".to_string(),
        "libwasm_last_error_offset" => "result == SIZE_MAX".to_string(),
        // The frame's function is the first that the module defines, and so on: their tests look at the numbers.
        _ if function.result == "libwasm_wait_result_t" => "result == LIBWASM_WAIT_TIMED_OUT".to_string(),
        _ if !pointer && default == "0" => "true".to_string(),
        // Nothing was attached; the reference is one to a function, the type one of a function, the element null, and
        // the trap no exception's.
        _ if name.ends_with("_get_host_info") => "result == NULL".to_string(),
        _ if !fits(name) => "result == NULL".to_string(),
        _ => format!("result != {default}"),
    };
    // A call whose function traps gives that trap.
    let anything = name == "wasm_func_call" || silent(name) || !pointer && default == "0";
    let unexplained = if anything { "true".to_string() } else { something.clone() };
    let release = match function.result.strip_suffix("_t*") {
        Some(object) if function.result_own => format!("{object}_delete(result)"),
        _ => "(void)result".to_string(),
    };
    Some(Judgement { failed, good: something, unexplained, release })
}

/// Whether the good argument is of the kind that the function asks for: `here.ref` and `here.extern_` are functions, `here.externtype`
/// is a function's type, `here.table` has null elements, `here.trap` is no exception's, and `here.deftype` has no
/// supertype, `here.valtype` no name.
fn fits(name: &str) -> bool {
    let views = ["wasm_ref_as_", "wasm_extern_as_", "wasm_externtype_as_"];
    let kind = views.iter().find_map(|view| name.strip_prefix(view)).map(|kind| kind.trim_end_matches("_const"));
    let is_function = matches!(kind, None | Some("extern" | "func" | "functype" | "ref"));
    is_function
        && !matches!(
            name,
            "wasm_table_get" | "libwasm_trap_exception" | "libwasm_deftype_supertype" | "libwasm_valtype_deftype"
        )
}

/// Whether NULL or false says something of its own: not the same, not matching, of another kind, nothing attached, a null element, of no
/// defined type.
fn silent(name: &str) -> bool {
    name == "libwasm_ref_deftype"
        || name.ends_with("_matches")
        || name.ends_with("_same")
        || name.ends_with("_copy")
        || name.contains("_as_")
        || name.ends_with("_get_host_info")
}
