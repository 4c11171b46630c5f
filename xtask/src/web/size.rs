//! The size of the package, and the crates that it consists of.

use std::{collections::BTreeMap, fmt::Write as _, fs, io::Write as _, path::Path};

use flate2::{Compression, write::GzEncoder};
use wasmparser::{KnownCustom, Name, Parser, Payload};

use super::package::{File, MODULE, SCRIPT, WASM};

/// The largest size of the package in a page, compressed.
pub(super) const LIMIT: usize = 600_000;

/// The crates that the table of the report names.
const SHOWN: usize = 15;

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // Writing to memory cannot fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// The size of the code of each crate in a module that still has the names of its functions, and the size of the data.
pub(super) fn by_crate(module: &Path) -> Result<BTreeMap<String, usize>, String> {
    let bytes = fs::read(module).map_err(|error| format!("{}: {error}", module.display()))?;
    let invalid = |error: wasmparser::BinaryReaderError| format!("{}: {error}", module.display());
    let (mut imports, mut bodies, mut names) = (0, Vec::new(), BTreeMap::new());
    let mut sizes = BTreeMap::new();
    for payload in Parser::new(0).parse_all(&bytes) {
        match payload.map_err(invalid)? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import.map_err(invalid)?;
                    imports += u32::from(matches!(import.ty, wasmparser::TypeRef::Func(_)));
                }
            }
            Payload::CodeSectionEntry(body) => bodies.push(body.range().len()),
            Payload::DataSection(section) => {
                sizes.insert("(data)".to_owned(), section.range().len());
            }
            Payload::CustomSection(section) => {
                let KnownCustom::Name(subsections) = section.as_known() else {
                    continue;
                };
                for subsection in subsections {
                    if let Name::Function(functions) = subsection.map_err(invalid)? {
                        for function in functions {
                            let function = function.map_err(invalid)?;
                            let name = format!("{:#}", rustc_demangle::demangle(function.name));
                            names.insert(function.index, crate_of(&name).to_owned());
                        }
                    }
                }
            }
            _ => {}
        }
    }
    for (index, size) in (imports..).zip(bodies) {
        let name = names.get(&index).map_or("(unnamed)", String::as_str);
        *sizes.entry(name.to_owned()).or_default() += size;
    }
    Ok(sizes)
}

/// The crate of a function, by its name: `<conv_model::a::B as core::c::D>::e` is of `conv_model`.
fn crate_of(function: &str) -> &str {
    let mut path = function;
    while let Some(rest) = ["<", "&", "(", "[", "*", "mut ", "dyn ", "impl ", "const "]
        .iter()
        .find_map(|start| path.strip_prefix(start))
    {
        path = rest;
    }
    let end = path.find(|character: char| !character.is_alphanumeric() && character != '_');
    match end.and_then(|end| path.split_at_checked(end)) {
        Some((name, rest)) if rest.starts_with("::") => name,
        _ => "(others)",
    }
}

/// The sizes of the forms of the package, compressed: what a page loads.
fn forms(compressed: &BTreeMap<&str, usize>) -> [(&'static str, usize); 2] {
    let of = |name| compressed.get(name).copied().unwrap_or_default();
    [
        ("classic script", of(SCRIPT)),
        ("ES module", of(MODULE) + of(WASM)),
    ]
}

/// Whether no form of the package exceeds the limit.
///
/// # Errors
///
/// The forms that exceed it.
fn within_limit(forms: &[(&str, usize)]) -> Result<(), String> {
    let mut errors = String::new();
    for (form, size) in forms.iter().filter(|(_, size)| *size > LIMIT) {
        // Writing to a string cannot fail.
        let _ = writeln!(
            errors,
            "{form}: {size} bytes compressed exceed the limit of {LIMIT} by {}",
            size - LIMIT
        );
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors)
    }
}

/// The report: the sizes of the files, of the forms, and of the crates. Also whether the forms are within the limit.
pub(super) fn report(
    files: &[File],
    crates: &BTreeMap<String, usize>,
) -> (String, Result<(), String>) {
    let mut text = String::from("file                          bytes      gzip\n");
    let mut compressed = BTreeMap::new();
    for (name, contents) in files {
        let size = gzip(contents).len();
        compressed.insert(*name, size);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name:<26} {:>8}  {size:>8}", contents.len());
    }
    let forms = forms(&compressed);
    for (form, size) in forms {
        let _ = writeln!(
            text,
            "{form}: {size} bytes compressed, the limit is {LIMIT}"
        );
    }
    text.push_str("\ncrate                         bytes\n");
    let mut crates: Vec<_> = crates.iter().collect();
    crates.sort_by_key(|(_, size)| std::cmp::Reverse(**size));
    for (name, size) in crates.iter().take(SHOWN) {
        let _ = writeln!(text, "{name:<26} {size:>8}");
    }
    let rest: usize = crates.iter().skip(SHOWN).map(|(_, size)| **size).sum();
    let _ = writeln!(text, "{:<26} {rest:>8}", "(all others)");
    (text, within_limit(&forms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crate_of_a_function_is_the_first_word_of_its_path() {
        for (function, expected) in [
            ("conv_model::roster::add::h0123", "conv_model"),
            (
                "<&mut serde_json::Value as core::fmt::Debug>::fmt",
                "serde_json",
            ),
            ("__wbindgen_malloc", "(others)"),
        ] {
            assert_eq!(crate_of(function), expected, "{function}");
        }
    }

    #[test]
    fn a_form_above_the_limit_is_an_error() {
        let sizes = |script, module| [("classic script", script), ("ES module", module)];
        assert_eq!(within_limit(&sizes(LIMIT, LIMIT)), Ok(()));
        let error = within_limit(&sizes(LIMIT + 75, LIMIT)).unwrap_err();
        assert!(error.starts_with("classic script: 600075 bytes") && error.ends_with("by 75\n"));
        assert!(!error.contains("ES module"), "{error}");
        let error = within_limit(&sizes(0, LIMIT + 1)).unwrap_err();
        assert!(error.starts_with("ES module: "), "{error}");
    }

    /// Bytes that a compression cannot make smaller.
    fn noise(length: usize) -> Vec<u8> {
        let mut state = 1_u32;
        let next = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state.to_le_bytes()[0]
        };
        std::iter::repeat_with(next).take(length).collect()
    }

    #[test]
    fn the_module_counts_with_its_webassembly() {
        let half = noise(LIMIT / 2 + 1);
        let of = |files: &[File]| report(files, &BTreeMap::new()).1;
        let too_large = of(&[(MODULE, half.clone()), (WASM, half.clone())]);
        assert!(too_large.unwrap_err().starts_with("ES module: "));
        assert_eq!(of(&[(SCRIPT, half.clone()), (WASM, half)]), Ok(()));
    }
}
