//! The order of the functions of a module. Compression finds repetitions within 32 KiB, so it gains from functions with similar code
//! next to each other, such as those that the compiler makes of one generic function for several types. Of functions with the same
//! code, one is kept.

use std::convert::Infallible;

use wasm_encoder::{
    CodeSection, FunctionSection, Module,
    reencode::{Error, Reencode},
};
use wasmparser::{
    BinaryReaderError, CodeSectionReader, FunctionBody, FunctionSectionReader, Parser, Payload,
};

/// The module with its functions sorted by their code, and each of them once.
pub(super) fn by_code(wasm: &[u8]) -> Result<Vec<u8>, String> {
    let invalid = |error: &dyn std::fmt::Display| format!("the module is not valid: {error}");
    let mut order = Order::of(wasm).map_err(|error| invalid(&error))?;
    let mut module = Module::new();
    order
        .parse_core_module(&mut module, Parser::new(0), wasm)
        .map_err(|error| invalid(&error))?;
    Ok(module.finish())
}

/// A new order of the functions that a module defines.
struct Order {
    /// The functions that the module imports, which have the first indices.
    imported: u32,
    /// The present positions of the functions that are kept, in the new order.
    kept: Vec<usize>,
    /// The index of each function in the new order, by its present position.
    indices: Vec<u32>,
}

impl Order {
    fn of(wasm: &[u8]) -> Result<Self, BinaryReaderError> {
        let (mut imported, mut types, mut bodies) = (0, Vec::new(), Vec::new());
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        imported += u32::from(matches!(import?.ty, wasmparser::TypeRef::Func(_)));
                    }
                }
                Payload::FunctionSection(section) => {
                    types = section.into_iter().collect::<Result<_, _>>()?;
                }
                Payload::CodeSectionEntry(body) => bodies.push(body.as_bytes()),
                _ => {}
            }
        }
        let mut functions: Vec<_> = bodies.iter().zip(&types).zip(0..).collect();
        functions.sort();
        let (mut kept, mut indices) = (Vec::new(), vec![0; functions.len()]);
        let (mut index, mut last) = (imported, None);
        for (function, position) in functions {
            if last.is_some_and(|last| last != function) {
                index += 1;
            }
            if last != Some(function) {
                kept.push(position);
            }
            last = Some(function);
            if let Some(place) = indices.get_mut(position) {
                *place = index;
            }
        }
        Ok(Self {
            imported,
            kept,
            indices,
        })
    }

    /// The items of the functions that are kept, in the new order.
    fn apply<T: Clone>(&self, items: &[T]) -> Vec<T> {
        let items = self.kept.iter().map(|position| items.get(*position));
        items.flatten().cloned().collect()
    }
}

impl Reencode for Order {
    type Error = Infallible;

    fn function_index(&mut self, index: u32) -> Result<u32, Error<Infallible>> {
        let position = index.checked_sub(self.imported);
        let new = position.and_then(|position| self.indices.get(position as usize));
        Ok(new.copied().unwrap_or(index))
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        let types: Vec<u32> = section.into_iter().collect::<Result<_, _>>()?;
        for function in self.apply(&types) {
            functions.function(self.type_index(function)?);
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: CodeSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        let bodies: Vec<FunctionBody<'_>> = section.into_iter().collect::<Result<_, _>>()?;
        for body in self.apply(&bodies) {
            self.parse_function_body(code, body)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{ExportKind, ExportSection, Function, Instruction, TypeSection};

    use super::*;

    /// A module with a function for each list of instructions, of which it exports the last one.
    fn module(functions: &[&[Instruction<'_>]]) -> Vec<u8> {
        let (mut types, mut section) = (TypeSection::new(), FunctionSection::new());
        types.ty().function([], []);
        let mut code = CodeSection::new();
        for instructions in functions {
            section.function(0);
            let mut function = Function::new([]);
            for instruction in *instructions {
                function.instruction(instruction);
            }
            function.instruction(&Instruction::End);
            code.function(&function);
        }
        let mut exports = ExportSection::new();
        let last = u32::try_from(functions.len()).unwrap() - 1;
        exports.export("last", ExportKind::Func, last);
        let mut module = Module::new();
        module.section(&types).section(&section);
        module.section(&exports).section(&code);
        module.finish()
    }

    #[test]
    fn functions_are_sorted_and_each_is_kept_once() {
        let nop = Instruction::Nop;
        let before = module(&[
            &[nop.clone(), nop.clone()],
            &[Instruction::Call(0)],
            &[Instruction::Unreachable],
            &[nop.clone(), nop.clone()],
        ]);
        let mut expected = module(&[
            &[Instruction::Unreachable],
            &[nop.clone(), nop],
            &[Instruction::Call(1)],
        ]);
        // The export names the function with the two instructions.
        let export = expected.windows(6).position(|at| at == b"last\0\x02");
        expected[export.unwrap() + 5] = 1;
        assert_eq!(by_code(&before).unwrap(), expected);
    }

    #[test]
    fn bytes_that_are_no_module_are_an_error() {
        assert!(by_code(b"no module").is_err());
    }
}
