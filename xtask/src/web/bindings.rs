//! The JavaScript classes of the handles, by the library of the tool `wasm-bindgen`.

use std::path::Path;

use wasm_bindgen_cli_support::Bindgen;

use super::order;

/// The bindings of a module.
pub(super) struct Bindings {
    /// A script that defines the function `wasm_bindgen`.
    pub(super) script: String,
    /// The module, with the imports that the script provides.
    pub(super) wasm: Vec<u8>,
}

pub(super) fn generate(module: &Path) -> Result<Bindings, String> {
    let mut output = Bindgen::new()
        .input_path(module)
        .no_modules(true)
        .and_then(|bindgen| {
            bindgen
                .typescript(false)
                .omit_default_module_path(true)
                .remove_name_section(true)
                .remove_producers_section(true)
                .generate_output()
        })
        .map_err(|error| format!("cannot generate the bindings: {error:#}"))?;
    Ok(Bindings {
        script: output.js().to_owned(),
        wasm: order::by_code(&output.wasm_mut().emit_wasm())?,
    })
}
