//! Bytes → [`ParsedModule`]: one pass over the sections, each validated and then decoded.

use super::convert;
use super::names::NamesBuilder;
use super::zero_copy::FuncRefSlotsBuilder;
use super::*;
use cranelift_entity::EntityRef;
use wasmparser::{
    DataKind, ElementItems, ElementKind, FuncToValidate, FunctionBody, KnownCustom, Operator, Parser, Payload,
    TableInit, TypeRef, ValidPayload, Validator, ValidatorResources, WasmFeatures,
};

/// A module whose function bodies are still to be validated.
pub struct ParsedModule<'a> {
    pub module: Module,
    /// In the order of their indices: each defined function's validator and body.
    pub bodies: Vec<(FuncToValidate<ValidatorResources>, FunctionBody<'a>)>,
}

/// A module of which not all sections are read.
#[derive(Default)]
struct Builder {
    module: Module,
    /// The kinds of the types, also of those of the recursion group that is being read.
    kinds: Vec<CompositeKind>,
    names: NamesBuilder,
    /// Parts of the module, as [`Module::parts`] describes them.
    funcs: Vec<u8>,
    bodies: Vec<u8>,
    elem_funcs: Vec<u8>,
    datas: Vec<u8>,
    data_bytes: Vec<u8>,
}

/// Decodes a module that may use `features`, and validates everything but its function bodies.
pub fn parse(bytes: &[u8], features: Features) -> Result<ParsedModule<'_>> {
    parse_for(bytes, features, true)
}

/// [`parse`]; what only a compiler has to know of the bodies is left out if nothing is going to be compiled.
fn parse_for(bytes: &[u8], features: Features, compiled: bool) -> Result<ParsedModule<'_>> {
    if u32::try_from(bytes.len()).is_err() {
        return Err(Error::limit(format!("module of 4 GiB or more: {} bytes", bytes.len())));
    }
    let mut parser = Parser::new(0);
    parser.set_features(features.validated());
    let mut validator = Validator::new_with_features(features.validated());
    let (mut builder, mut bodies) = (Builder::default(), Vec::new());
    for payload in parser.parse_all(bytes) {
        let payload = payload?;
        match validator.payload(&payload)? {
            ValidPayload::Func(to_validate, body) => {
                let range = body.range();
                // The binary is smaller than 4 GiB.
                push_words(&mut builder.bodies, &[range.start as u32, range.end as u32]);
                if compiled {
                    builder.look_into(&body);
                }
                bodies.push((to_validate, body));
            }
            ValidPayload::Ok => builder.add_section(payload)?,
            ValidPayload::End(_) => {}
            ValidPayload::Parser(_) => return Err(Error::unsupported("components are not supported")),
        }
    }
    Ok(ParsedModule { module: builder.finish(), bodies })
}

/// Validates a whole module, function bodies included. The error says more than the validator's: [`explain`](super::explain).
pub fn validate(bytes: &[u8], features: Features) -> Result<()> {
    let validated = parse_for(bytes, features, false).and_then(|parsed| validate_bodies(parsed.bodies));
    validated.map_err(|error| super::explain(bytes, features, error))
}

fn validate_bodies(bodies: Vec<(FuncToValidate<ValidatorResources>, FunctionBody<'_>)>) -> Result<()> {
    let mut allocations = Default::default();
    for (to_validate, body) in bodies {
        let mut validator = to_validate.into_validator(allocations);
        validator.validate(&body)?;
        allocations = validator.into_allocations();
    }
    Ok(())
}

/// Validates a whole module by the rules of other features. Nothing of it is kept.
pub(super) fn validate_with(bytes: &[u8], features: WasmFeatures) -> Result<()> {
    let mut parser = Parser::new(0);
    parser.set_features(features);
    let (mut validator, mut bodies) = (Validator::new_with_features(features), Vec::new());
    for payload in parser.parse_all(bytes) {
        if let ValidPayload::Func(to_validate, body) = validator.payload(&payload?)? {
            bodies.push((to_validate, body));
        }
    }
    validate_bodies(bodies)
}

impl Builder {
    /// Adds what a section says that the validator has accepted.
    fn add_section(&mut self, payload: Payload<'_>) -> Result<()> {
        match payload {
            Payload::TypeSection(section) => {
                for group in section {
                    self.add_rec_group(&group?)?;
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    self.add_import(import?)?;
                }
            }
            Payload::FunctionSection(section) => {
                for ty in section {
                    self.add_func(ty?);
                }
            }
            Payload::TableSection(section) => {
                for table in section {
                    let table = table?;
                    let index = self.module.tables.push(convert::table_type(&self.kinds, table.ty)?);
                    if let TableInit::Expr(init) = table.init {
                        self.module.table_inits.push((index, ConstExpr::decode(&self.kinds, &init)?));
                    }
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    self.module.memories.push(convert::memory_type(memory?));
                }
            }
            Payload::TagSection(section) => {
                for tag in section {
                    self.module.tags.push(TypeIndex::from_u32(tag?.func_type_idx));
                }
            }
            Payload::GlobalSection(section) => {
                for global in section {
                    let global = global?;
                    self.module.globals.push(convert::global_type(&self.kinds, global.ty)?);
                    self.module.global_inits.push(ConstExpr::decode(&self.kinds, &global.init_expr)?);
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    let entity = convert::entity_index(export.kind, export.index);
                    self.module.exports.push(Export { name: export.name.to_owned(), entity });
                }
            }
            Payload::StartSection { func, .. } => self.module.start = Some(FuncIndex::from_u32(func)),
            Payload::ElementSection(section) => {
                for elem in section {
                    let elem = self.decode_elem(elem?)?;
                    self.module.elems.push(elem);
                }
            }
            Payload::DataSection(section) => self.add_datas(section)?,
            Payload::CustomSection(section) => {
                if let KnownCustom::Name(names) = section.as_known() {
                    self.names.read(names);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Notes what has to be known of all bodies before any is compiled: which functions are called in tail position, and whether there
    /// are instructions on objects of the heap. A body that is not valid is refused when it is compiled.
    fn look_into(&mut self, body: &FunctionBody<'_>) {
        /// The opcode of `return_call`, and the first byte of those of objects and casts. It takes far less time to look for such bytes
        /// than to decode.
        const WANTED: [u8; 2] = [0x12, 0xfb];
        let bytes = body.as_bytes();
        if !bytes.iter().any(|byte| WANTED.contains(byte)) {
            return;
        }
        let Ok(mut operators) = body.get_operators_reader() else { return };
        while let Ok((operator, offset)) = operators.read_with_offset() {
            if let Operator::ReturnCall { function_index } = operator {
                self.module.tail_called.insert(FuncIndex::from_u32(function_index));
            }
            let first = (offset - body.range().start) as usize;
            self.module.has_objects |= bytes.get(first) == Some(&WANTED[1]);
        }
    }

    fn add_rec_group(&mut self, group: &wasmparser::RecGroup) -> Result<()> {
        for ty in group.types() {
            self.kinds.push(convert::composite_kind(ty)?);
        }
        for ty in group.types() {
            self.module.types.push(convert::sub_type(&self.kinds, ty)?);
        }
        self.module.rec_groups.push(self.module.types.len() as u32);
        Ok(())
    }

    fn add_func(&mut self, ty: u32) -> FuncIndex {
        push_words(&mut self.funcs, &[ty]);
        FuncIndex::new(self.funcs.len() / 4 - 1)
    }

    fn add_import(&mut self, import: wasmparser::Import<'_>) -> Result<()> {
        let entity = match import.ty {
            TypeRef::Func(ty) | TypeRef::FuncExact(ty) => {
                self.module.num_imported_funcs += 1;
                EntityIndex::Func(self.add_func(ty))
            }
            TypeRef::Table(ty) => {
                self.module.num_imported_tables += 1;
                EntityIndex::Table(self.module.tables.push(convert::table_type(&self.kinds, ty)?))
            }
            TypeRef::Memory(ty) => {
                self.module.num_imported_memories += 1;
                EntityIndex::Memory(self.module.memories.push(convert::memory_type(ty)))
            }
            TypeRef::Global(ty) => {
                self.module.num_imported_globals += 1;
                EntityIndex::Global(self.module.globals.push(convert::global_type(&self.kinds, ty)?))
            }
            TypeRef::Tag(ty) => {
                self.module.num_imported_tags += 1;
                EntityIndex::Tag(self.module.tags.push(TypeIndex::from_u32(ty.func_type_idx)))
            }
        };
        self.module.imports.push(Import { module: import.module.to_owned(), name: import.name.to_owned(), entity });
        Ok(())
    }

    fn add_datas(&mut self, section: wasmparser::DataSectionReader<'_>) -> Result<()> {
        // All segments' bytes lie within the section.
        let range = section.range();
        let most = (range.end - range.start) as usize;
        self.data_bytes
            .try_reserve_exact(most)
            .map_err(|_| Error::out_of_memory(format!("no memory for the data segments: {most} bytes")))?;
        for data in section {
            let data = data?;
            let mode = match data.kind {
                DataKind::Passive => DataMode::Passive,
                DataKind::Active { memory_index, offset_expr } => DataMode::Active {
                    memory: MemoryIndex::from_u32(memory_index),
                    offset: ConstExpr::decode(&self.kinds, &offset_expr)?,
                },
            };
            let start = self.data_bytes.len();
            self.data_bytes.extend_from_slice(data.data);
            let bytes = start..self.data_bytes.len();
            self.module.datas.push(&mut self.datas, DataSegment { bytes, mode });
        }
        Ok(())
    }

    /// Computes what follows from all sections together.
    fn finish(self) -> Module {
        let mut module = self.module;
        let mut slots = FuncRefSlotsBuilder::default();
        for export in &module.exports {
            if let EntityIndex::Func(func) = export.entity {
                slots.insert(func);
            }
        }
        let elem_funcs = Words::from(Bytes::from(self.elem_funcs));
        elem_funcs.range(0..elem_funcs.len()).for_each(|func| slots.insert(FuncIndex::from_u32(func)));
        let exprs = module.elems.values().flat_map(|elem| match &elem.items {
            ElemItems::Funcs(_) => &[],
            ElemItems::Exprs(exprs) => &exprs[..],
        });
        let table_inits = module.table_inits.iter().map(|(_, init)| init);
        exprs
            .chain(&module.global_inits)
            .chain(table_inits)
            .flat_map(ConstExpr::funcs)
            .for_each(|func| slots.insert(func));
        let (count, slots) = slots.finish();
        module.func_ref_slots.count = count;
        module.datas.num_memories = module.memories.len() as u32;
        module.leaks_references = module.can_leak_references();
        module.has_objects |= module.names_objects() || !module.tags.is_empty();
        module.names.module = self.names.module;
        module.set_parts([
            self.funcs.into(),
            self.bodies.into(),
            slots.into(),
            elem_funcs.into(),
            self.datas.into(),
            self.names.funcs.into(),
            self.names.text.into(),
            self.data_bytes.into(),
        ]);
        module
    }

    fn decode_elem(&mut self, elem: wasmparser::Element<'_>) -> Result<ElemSegment> {
        let mode = match elem.kind {
            ElementKind::Passive => ElemMode::Passive,
            ElementKind::Declared => ElemMode::Declared,
            ElementKind::Active { table_index, offset_expr } => ElemMode::Active {
                table: TableIndex::from_u32(table_index.unwrap_or(0)),
                offset: ConstExpr::decode(&self.kinds, &offset_expr)?,
            },
        };
        let start = self.elem_funcs.len() / 4;
        let (ty, exprs) = match elem.items {
            ElementItems::Functions(funcs) => {
                for func in funcs {
                    push_words(&mut self.elem_funcs, &[func?]);
                }
                (RefType::FUNCREF, None)
            }
            ElementItems::Expressions(ty, exprs) => {
                let exprs = exprs
                    .into_iter()
                    .map(|expr| ConstExpr::decode(&self.kinds, &expr?))
                    .collect::<Result<Box<[_]>>>()?;
                // The compact form, where the expressions say no more than it can.
                let exprs = match exprs.iter().map(ConstExpr::as_ref_func).collect::<Option<Vec<_>>>() {
                    Some(funcs) => {
                        funcs.iter().for_each(|func| push_words(&mut self.elem_funcs, &[func.as_u32()]));
                        None
                    }
                    None => Some(exprs),
                };
                (convert::ref_type(&self.kinds, ty)?, exprs)
            }
        };
        let items = match exprs {
            Some(exprs) => ElemItems::Exprs(exprs),
            None => ElemItems::Funcs(FuncList::new(start..self.elem_funcs.len() / 4)),
        };
        Ok(ElemSegment { ty, items, mode })
    }
}

impl Module {
    /// Whether anything outside of function bodies is of a type of objects of the heap, or a function type may have subtypes: whether a
    /// function is of such a type is looked up where the types of objects are.
    fn names_objects(&self) -> bool {
        let is_object =
            |ty: ValType| matches!(ty, ValType::Ref(ty) if !matches!(ty.heap.top(), HeapType::Func | HeapType::Extern));
        let tables = self.tables.values().map(|ty| ValType::Ref(ty.element));
        let elems = self.elems.values().map(|elem| ValType::Ref(elem.ty));
        let globals = self.globals.values().map(|ty| ty.content);
        let types = self.types.values();
        types.clone().any(|ty| ty.kind() != CompositeKind::Func || !ty.is_final || ty.composite.vals().any(is_object))
            || tables.chain(elems).chain(globals).any(is_object)
    }

    /// See [`Module::leaks_references`]. A function that returns a reference leaks none: whoever can call it is the host, which counts
    /// what it gets, or has been handed the function, which marks its instance as escaped. External references do not name
    /// functions unless the host makes one of a function, which marks it too.
    fn can_leak_references(&self) -> bool {
        let tables = self.tables.values().take(self.num_imported_tables as usize);
        let globals = self.globals.values().take(self.num_imported_globals as usize);
        tables.into_iter().any(|table| table.element.is_func())
            || globals.into_iter().any(|ty| ty.mutability == Mutability::Var && ty.content.is_func_ref())
            || self.types.values().any(|ty| match &ty.composite {
                CompositeType::Func(ty) => ty.params.iter().any(|ty| ty.is_func_ref()),
                CompositeType::Struct(_) | CompositeType::Array(_) => true,
            })
    }
}
