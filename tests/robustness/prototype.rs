//! Prototypes read from text: the standard's table and the generated header.

/// A C function.
pub struct Prototype {
    pub name: String,
    /// The type of the result, without `own`; `void` if there is none.
    pub result: String,
    /// Whether the result is the caller's.
    pub result_own: bool,
    pub params: Vec<Param>,
}

/// A parameter: its type without `own` and `const`, and its name.
pub struct Param {
    /// `wasm_store_t*`, `size_t`, `void (*)(void*)`…; arrays are pointers.
    pub ty: String,
    /// Its name; empty if it has none.
    pub name: String,
    /// Whether ownership passes.
    pub own: bool,
    /// Whether what it points to is only read.
    pub constant: bool,
    /// Whether it is an array of elements, whose number another parameter says.
    pub array: bool,
    /// Whether it is written, whatever was there.
    pub out: bool,
}

/// The standard's functions, out of `tests/abi/prototypes.tsv`: a name, a tab and a prototype in each line.
pub fn standard(table: &str) -> Vec<Prototype> {
    let lines = table.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(|line| parse(line.split_once('\t').expect(line).1).expect(line)).collect()
}

/// The functions a header declares whose names begin with `prefix`.
pub fn declared(header: &str, prefix: &str) -> Vec<Prototype> {
    let mut text = String::new();
    let mut rest = header;
    while let Some((code, comment)) = rest.split_once("/*") {
        text.push_str(code);
        rest = comment.split_once("*/").expect("a comment that ends").1;
    }
    text.push_str(rest);
    let code: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).map(uncommented).collect();
    let code = code.join(" ");
    let declarations = code.split([';', '{', '}']).map(str::trim);
    let functions = declarations.filter(|text| text.contains('(') && !text.starts_with("typedef"));
    functions.filter_map(parse).filter(|function| function.name.starts_with(prefix)).collect()
}

fn uncommented(line: &str) -> &str {
    line.split_once("//").map_or(line, |(code, _)| code)
}

/// Reads `RESULT NAME(PARAMETERS)`.
fn parse(text: &str) -> Option<Prototype> {
    let (head, params) = text.split_once('(')?;
    let params = params.trim().strip_suffix(')')?;
    let at = head.trim_end().rfind(|c: char| !c.is_alphanumeric() && c != '_')? + 1;
    let (result, name) = head.trim_end().split_at(at);
    let result_own = words(result).any(|word| word == "own");
    let result = words(result).filter(|word| !matches!(*word, "own" | "extern" | "struct" | "WASM_API_EXTERN"));
    let result = result.collect::<Vec<_>>().join(" ").replace(" *", "*");
    let params = top_level(params).iter().filter(|param| param.trim() != "void").map(|text| param(text)).collect();
    Some(Prototype { name: name.to_string(), result, result_own, params })
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace()
}

/// The parts between commas that stand in no parentheses.
fn top_level(params: &str) -> Vec<String> {
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for c in params.chars() {
        depth += match c {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        if c == ',' && depth == 0 {
            parts.push(String::new());
        } else {
            parts.last_mut().expect("a part").push(c);
        }
    }
    parts.retain(|part| !part.trim().is_empty());
    parts
}

fn param(text: &str) -> Param {
    if text.contains("(*") {
        // A function pointer: the name, if any, stands behind the star.
        let (ty, name) = ("void (*)(void*)".into(), String::new());
        return Param { ty, name, own: false, constant: false, array: false, out: false };
    }
    let array = text.contains("[]");
    let spaced = text.replace("[]", "").replace('*', " * ");
    let own = words(&spaced).any(|word| word == "own");
    let constant = words(&spaced).any(|word| word == "const");
    let mut kept: Vec<&str> = words(&spaced).filter(|word| !matches!(*word, "own" | "const" | "struct")).collect();
    let stars = kept.iter().filter(|word| **word == "*").count() + usize::from(array);
    let name = kept.iter().rposition(|word| *word != "*").filter(|&at| at > 0).map(|at| kept.remove(at));
    let base: Vec<&str> = kept.iter().copied().filter(|word| *word != "*").collect();
    let ty = format!("{}{}", base.join(" "), "*".repeat(stars));
    Param { ty, own, constant, array, out: name == Some("out"), name: name.unwrap_or_default().into() }
}
