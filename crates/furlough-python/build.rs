//! Tells the linker that the interpreter brings its own symbols, where that must be said.

fn main() {
    pyo3_build_config::add_extension_module_link_args();
}
