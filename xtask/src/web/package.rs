//! The files of the package: the layout of an npm package, which a web server can also serve as it is.

use std::{collections::BTreeSet, fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{bindings::Bindings, workspace};

/// The files of the package, besides the text files that are copied.
pub(super) const SCRIPT: &str = "skype-p2p.js";
pub(super) const MODULE: &str = "skype-p2p.mjs";
pub(super) const WASM: &str = "skype-p2p.wasm";

/// The passes of the compression. More of them take longer and gain nothing.
const PASSES: std::num::NonZeroU64 = std::num::NonZeroU64::MIN.saturating_add(2);

/// Replaced by the URL of the server by `skype-p2p serve`, as a JavaScript string.
const ROOT: &str = "/* root */ null";

/// A file of the package, with its contents.
pub(super) type File = (&'static str, Vec<u8>);

/// Writes the package into a folder, whose earlier contents are removed.
pub(super) fn write(
    folder: &Path,
    bindings: &Bindings,
    licenses: &str,
) -> Result<Vec<File>, String> {
    let skype = joined("skype.js")?;
    let version = env!("CARGO_PKG_VERSION");
    let files: Vec<File> = vec![
        (SCRIPT, classic_script(bindings, &skype)?.into_bytes()),
        (MODULE, es_module(bindings, &skype)?.into_bytes()),
        (WASM, bindings.wasm.clone()),
        (
            "index.d.ts",
            read("crates/skype-p2p-web/js/index.d.ts")?.into_bytes(),
        ),
        (
            "package.json",
            read("crates/skype-p2p-web/js/package.json")?
                .replace("0.0.0", version)
                .into_bytes(),
        ),
        (
            "README.md",
            read("crates/skype-p2p-web/js/README.md")?.into_bytes(),
        ),
        ("LICENSE-APACHE", read("LICENSE-APACHE")?.into_bytes()),
        ("LICENSE-MIT", read("LICENSE-MIT")?.into_bytes()),
        ("THIRD-PARTY-LICENSES.txt", licenses.as_bytes().to_vec()),
    ];
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(failed)?;
    }
    fs::create_dir_all(folder).map_err(failed)?;
    for (name, contents) in &files {
        fs::write(folder.join(name), contents).map_err(failed)?;
    }
    Ok(files)
}

fn read(path: &str) -> Result<String, String> {
    fs::read_to_string(workspace().join(path)).map_err(|error| format!("{path}: {error}"))
}

/// The scripts of the package as one script: `name`, after the modules that it imports.
fn joined(name: &str) -> Result<String, String> {
    let mut script = String::new();
    join(
        name,
        &|name| read(&format!("crates/skype-p2p-web/js/{name}")),
        &mut BTreeSet::new(),
        &mut script,
    )?;
    Ok(script)
}

/// Adds a module to a script, after the modules that it imports, and without what only a module may have.
fn join(
    name: &str,
    read: &impl Fn(&str) -> Result<String, String>,
    added: &mut BTreeSet<String>,
    script: &mut String,
) -> Result<(), String> {
    if !added.insert(name.to_owned()) {
        return Ok(());
    }
    let mut own = String::new();
    for line in read(name)?.lines() {
        if line.starts_with("import ") {
            let import = line.split_once(" from \"./");
            let import = import.and_then(|(_, rest)| rest.strip_suffix("\";"));
            let import = import.ok_or_else(|| format!("{name}: cannot join {line}"))?;
            join(import, read, added, script)?;
        } else {
            own.push_str(line.strip_prefix("export ").unwrap_or(line));
            own.push('\n');
        }
    }
    script.push_str(&own);
    Ok(())
}

/// A script without the lines that are comments and without its indentation.
///
/// # Errors
///
/// A line in which a text begins that the next line continues: the indentation there is a part of the text.
fn packed(script: &str) -> Result<String, String> {
    let mut is_comment = false;
    let mut packed = String::new();
    for line in script.lines() {
        let start = line.trim_start();
        is_comment |= start.starts_with("/*");
        if !is_comment && !start.is_empty() && !start.starts_with("//") {
            if continues(start) {
                return Err(format!("cannot pack a text of several lines: {start}"));
            }
            packed.push_str(start);
            packed.push('\n');
        }
        is_comment &= !start.ends_with("*/");
    }
    Ok(packed)
}

/// Whether the next line may continue a text of this line: the line ends with a backslash, or has a backtick and a quote without
/// another. A quote in a regular expression counts, too, so such a line with a template may be refused without need.
fn continues(line: &str) -> bool {
    let mut quote = None;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' if characters.next().is_none() => return true,
            '\\' => {}
            '/' if quote.is_none() && characters.peek() == Some(&'/') => return false,
            '"' | '\'' | '`' if quote.is_none() => quote = Some(character),
            _ if quote == Some(character) => quote = None,
            _ => {}
        }
    }
    quote.is_some() && line.contains('`')
}

/// A script that defines the global object `Skype`. It contains the WebAssembly, compressed, so that it works from any origin.
fn classic_script(bindings: &Bindings, skype: &str) -> Result<String, String> {
    let mut compressed = Vec::new();
    let options = zopfli::Options {
        iteration_count: PASSES,
        ..Default::default()
    };
    zopfli::compress(
        options,
        zopfli::Format::Gzip,
        &*bindings.wasm,
        &mut compressed,
    )
    .map_err(|error| format!("cannot compress the module: {error}"))?;
    let wasm = STANDARD.encode(compressed);
    Ok(format!(
        r#"{NOTICE}(function (root) {{
"use strict";
{bindings}
{skype}
const wasm = "{wasm}";

async function load() {{
  const compressed = Uint8Array.from(atob(wasm), (character) => character.charCodeAt(0));
  const stream = new Blob([compressed]).stream().pipeThrough(new DecompressionStream("gzip"));
  await wasm_bindgen({{ module_or_path: await new Response(stream).arrayBuffer() }});
  return wasm_bindgen;
}}

globalThis.Skype = createSkype(load, root);
}})({ROOT});
"#,
        bindings = packed(&bindings.script)?,
        skype = packed(skype)?,
    ))
}

/// A module that exports `Skype`. It loads the WebAssembly from the file beside it.
fn es_module(bindings: &Bindings, skype: &str) -> Result<String, String> {
    Ok(format!(
        r#"{NOTICE}{bindings}
{skype}
async function load() {{
  await wasm_bindgen({{ module_or_path: new URL("{WASM}", import.meta.url) }});
  return wasm_bindgen;
}}

export const Skype = createSkype(load, null);
export default Skype;
"#,
        bindings = packed(&bindings.script)?,
        skype = packed(skype)?,
    ))
}

const NOTICE: &str = "// skype-p2p. License: MIT or Apache-2.0. The licenses of its parts are in THIRD-PARTY-LICENSES.txt.\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_joined_once_and_after_those_that_it_imports() {
        let read = |name: &str| {
            Ok(match name {
                "a.js" => {
                    "import { b } from \"./b.js\";\nimport { c } from \"./c.js\";\na(b, c);\n"
                }
                "b.js" => "import { c } from \"./c.js\";\nexport const b = c;\n",
                // It imports a module that imports it.
                _ => "import { b } from \"./b.js\";\nexport function c() {\n  b();\n}\n",
            }
            .to_owned())
        };
        let mut script = String::new();
        join("a.js", &read, &mut BTreeSet::new(), &mut script).unwrap();
        assert_eq!(
            script,
            "function c() {\n  b();\n}\nconst b = c;\na(b, c);\n"
        );
    }

    #[test]
    fn an_import_of_another_form_is_an_error() {
        let read = |_: &str| Ok("import * as b from \"b\";\n".to_owned());
        let joined = join("a.js", &read, &mut BTreeSet::new(), &mut String::new());
        assert!(joined.unwrap_err().contains("import * as b"));
    }

    #[test]
    fn comments_and_indentation_are_left_out_and_code_is_kept() {
        let script = "// one\na(`x`, {\n  /** two\n   * three\n   */\n\n  b: \"  it's\", // don't\n});\n/* five */\n\tc();\n";
        let expected = "a(`x`, {\nb: \"  it's\", // don't\n});\nc();\n";
        assert_eq!(packed(script).unwrap(), expected);
    }

    #[test]
    fn a_text_of_several_lines_is_not_packed() {
        for text in [
            "`one\n  two`",
            "`${\"`\"} one\n  two`",
            "\"`\" + `one\n  two`",
            "\"one\\\n  two\"",
        ] {
            let refused = packed(&format!("a();\nb({text});\n"));
            assert!(refused.unwrap_err().contains("b("), "{text}");
        }
        for text in [
            r#"/["']/"#,
            "`one ${a(`two`)} three`",
            r"'\'', `\``, '`'",
            "\"//\", 1",
        ] {
            let line = format!("b({text});\n");
            assert_eq!(packed(&line).unwrap(), line);
        }
    }
}
