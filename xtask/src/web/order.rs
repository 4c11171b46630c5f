//! The order of the functions of a module. Compression finds repetitions within 32 KiB, so it gains from functions with similar code
//! next to each other, such as those that the compiler makes of one generic function for several types. Of functions with the same
//! code, one is kept.

use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    convert::Infallible,
};

use wasm_encoder::{
    CodeSection, FunctionSection, Module,
    reencode::{Error, Reencode},
};
use wasmparser::{
    BinaryReaderError, CodeSectionReader, FunctionBody, FunctionSectionReader, Operator, Parser,
    Payload,
};

/// The length of the pieces of code that are compared.
const PIECE: usize = 5;

type Piece = [u8; PIECE];

/// The number of the last functions that the next function is compared with.
const RECENT: usize = 3;

/// A piece of code in more functions than this is not compared: it says little, and takes long.
const COMMON: usize = 200;

/// The module with each of its functions once, and with similar functions next to each other.
pub(super) fn by_code(wasm: &[u8]) -> Result<Vec<u8>, String> {
    let invalid = |error: &dyn std::fmt::Display| format!("the module is not valid: {error}");
    let mut module = wasm.to_vec();
    loop {
        let code = Code::of(&module).map_err(|error| invalid(&error))?;
        let sorted = code.sorted();
        // If functions were removed, those that differed only in the copy of a function that they call now have the same code.
        let is_last = sorted.kept.len() == sorted.indices.len();
        let mut order = if is_last { code.chained() } else { sorted };
        let mut new = Module::new();
        order
            .parse_core_module(&mut new, Parser::new(0), &module)
            .map_err(|error| invalid(&error))?;
        module = new.finish();
        if is_last {
            return Ok(module);
        }
    }
}

/// The functions of a module.
struct Code<'a> {
    /// The number of functions that the module imports, which have the first indices.
    imported: u32,
    types: Vec<u32>,
    bodies: Vec<FunctionBody<'a>>,
}

impl<'a> Code<'a> {
    fn of(wasm: &'a [u8]) -> Result<Self, BinaryReaderError> {
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
                Payload::CodeSectionEntry(body) => bodies.push(body),
                _ => {}
            }
        }
        Ok(Self {
            imported,
            types,
            bodies,
        })
    }

    /// The functions sorted by their code, and each of them once.
    fn sorted(&self) -> Order {
        let bodies = self.bodies.iter().map(FunctionBody::as_bytes);
        let mut functions: Vec<_> = bodies.zip(&self.types).zip(0..).collect();
        functions.sort();
        let (mut kept, mut indices) = (Vec::new(), vec![0; functions.len()]);
        let (mut index, mut last) = (self.imported, None);
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
        Order {
            imported: self.imported,
            kept,
            indices,
        }
    }

    /// All functions, each followed by the one that is most similar to the last ones.
    fn chained(&self) -> Order {
        let pieces: Vec<_> = self.bodies.iter().map(pieces).collect();
        let kept = chain(&pieces);
        let mut indices = vec![0; kept.len()];
        for (index, position) in (self.imported..).zip(&kept) {
            if let Some(place) = indices.get_mut(*position) {
                *place = index;
            }
        }
        Order {
            imported: self.imported,
            kept,
            indices,
        }
    }
}

/// The pieces of the code of a function. They do not tell the callees apart, whose indices change with the order.
fn pieces(body: &FunctionBody<'_>) -> BTreeSet<Piece> {
    let mut code = body.as_bytes().to_vec();
    let start = body.range().start;
    // Code that cannot be read has no pieces to compare.
    let operators = body.get_operators_reader().into_iter();
    let operators = operators.flat_map(|reader| reader.into_iter_with_offsets().flatten());
    for (operator, offset) in operators {
        if matches!(operator, Operator::Call { .. }) {
            // The index is a number of variable length: the first bit of each byte says whether another byte follows.
            for byte in code.iter_mut().skip(offset - start + 1) {
                let is_last = *byte & 0x80 == 0;
                *byte &= 0x80;
                if is_last {
                    break;
                }
            }
        }
    }
    code.windows(PIECE)
        .filter_map(|piece| piece.try_into().ok())
        .collect()
}

/// An order of functions with these pieces. The next function is the one with the most pieces in common with the last ones, in proportion
/// to its size; if none has any, the first of the functions that are left.
fn chain(functions: &[BTreeSet<Piece>]) -> Vec<usize> {
    let mut users: HashMap<Piece, Vec<usize>> = HashMap::new();
    for (function, pieces) in functions.iter().enumerate() {
        for piece in pieces {
            users.entry(*piece).or_default().push(function);
        }
    }
    users.retain(|_, users| (2..=COMMON).contains(&users.len()));

    // For each function that is left, the number of pieces in common.
    let mut common: Vec<Option<u32>> = vec![Some(0); functions.len()];
    let (mut order, mut recent) = (Vec::new(), VecDeque::new());
    let mut first = 0;
    while order.len() < functions.len() {
        let (mut candidates, mut seen) = (Vec::new(), HashSet::new());
        for piece in recent.iter().flat_map(|pieces: &&BTreeSet<_>| *pieces) {
            let Some(users) = users.get(piece) else {
                continue;
            };
            if seen.insert(piece) {
                for user in users {
                    if let Some(Some(count)) = common.get_mut(*user) {
                        if *count == 0 {
                            candidates.push(*user);
                        }
                        *count += 1;
                    }
                }
            }
        }
        let mut best = (0.0, None);
        for candidate in candidates {
            let Some(Some(count)) = common.get_mut(candidate) else {
                continue;
            };
            let size = functions.get(candidate).map_or(0, BTreeSet::len);
            let score = f64::from(std::mem::take(count)) / weight(size);
            if score > best.0 {
                best = (score, Some(candidate));
            }
        }
        while common.get(first) == Some(&None) {
            first += 1;
        }
        let next = best.1.unwrap_or(first);
        order.push(next);
        if let Some(count) = common.get_mut(next) {
            *count = None;
        }
        recent.extend(functions.get(next));
        if recent.len() > RECENT {
            recent.pop_front();
        }
    }
    order
}

/// The weight of a function's size: its power of 3/4. Square roots have the same digits on every machine.
fn weight(size: usize) -> f64 {
    let root = f64::from(u32::try_from(size).unwrap_or(u32::MAX)).sqrt();
    root * root.sqrt()
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
    fn each_function_is_kept_once() {
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
    fn functions_that_call_equal_functions_are_equal() {
        let nop = Instruction::Nop;
        let sorted = by_code(&module(&[
            std::slice::from_ref(&nop),
            std::slice::from_ref(&nop),
            &[Instruction::Call(0)],
            &[Instruction::Call(1)],
            &[Instruction::Call(2), nop.clone()],
            &[Instruction::Call(3), nop.clone()],
        ]));
        assert_eq!(Code::of(&sorted.unwrap()).unwrap().bodies.len(), 3);
    }

    #[test]
    fn a_function_is_followed_by_the_most_similar_one() {
        let pieces = |letters: &str| letters.bytes().map(|letter| [letter; PIECE]).collect();
        let functions = ["abcd", "xyz", "abc", "xyzw", "ab", "q"].map(pieces);
        assert_eq!(chain(&functions), [0, 2, 4, 1, 3, 5]);
        // The large function has one piece more in common, in twenty times the size.
        let large = ('A'..='Z').chain("abc".chars()).collect::<String>();
        assert_eq!(chain(&["abcd", &large, "ab"].map(pieces)), [0, 2, 1]);
    }

    #[test]
    fn pieces_do_not_tell_callees_apart() {
        let nop = Instruction::Nop;
        let module = module(&[
            &[Instruction::Call(0), nop.clone(), nop.clone(), nop.clone()],
            &[Instruction::Call(1), nop.clone(), nop.clone(), nop.clone()],
            &[Instruction::GlobalGet(1), nop.clone(), nop.clone(), nop],
        ]);
        let code = Code::of(&module).unwrap();
        let pieces: Vec<_> = code.bodies.iter().map(pieces).collect();
        assert!(!pieces[0].is_empty() && pieces[0] == pieces[1] && pieces[0] != pieces[2]);
    }

    #[test]
    fn bytes_that_are_no_module_are_an_error() {
        assert!(by_code(b"no module").is_err());
    }
}
