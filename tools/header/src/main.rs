// SPDX-License-Identifier: BSD-3-Clause
//! `header ROOT`: write ROOT/include/forkexec.h from ROOT/src. `header ROOT --check`: compare only.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let root = args.next().expect("usage: header ROOT [--check]");
    let check = args.next().as_deref() == Some("--check");
    let root = Path::new(&root);
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("cbindgen.toml");
    let bindings = cbindgen::Builder::new()
        .with_config(config)
        .with_src(root.join("src/capi/types.rs"))
        .with_src(root.join("src/capi/types/limits.rs"))
        .with_src(root.join("src/capi/spawn.rs"))
        .with_src(root.join("src/capi/child.rs"))
        .with_src(root.join("src/capi/stop.rs"))
        .with_src(root.join("src/capi/communicate.rs"))
        .with_src(root.join("src/capi/explain.rs"))
        .with_src(root.join("src/capi/features.rs"))
        .with_src(root.join("src/capi/error.rs"))
        .with_src(root.join("src/capi.rs"))
        .generate()
        .expect("cbindgen");
    let mut text = Vec::new();
    bindings.write(&mut text);
    let text = wide_flags(&String::from_utf8(text).expect("UTF-8"));
    let path = root.join("include/forkexec.h");
    if !check {
        std::fs::write(&path, &text).expect("write include/forkexec.h");
        return ExitCode::SUCCESS;
    }
    if std::fs::read(&path).ok().as_deref() == Some(text.as_bytes()) {
        return ExitCode::SUCCESS;
    }
    eprintln!("include/forkexec.h is not what src/capi says: run `make header`");
    ExitCode::FAILURE
}

/// Flags are 64 bits wide in C too, or `flags &= ~FE_X` would depend on the width of int: cbindgen
/// writes the bare number.
fn wide_flags(text: &str) -> String {
    let mut wide = String::new();
    for line in text.lines() {
        let mut words = line.split(' ');
        let define = words.next() == Some("#define");
        let name = words.next().unwrap_or_default();
        let number = words.next().unwrap_or_default();
        let value = number.trim_end_matches("ull").parse::<u64>().ok();
        let flag = name.starts_with("FE_")
            && ![
                "FE_STEP_",
                "FE_WAY_",
                "FE_REDIRECT_",
                "FE_RESULT_",
                "FE_STOP_",
                "FE_TREE_",
                "FE_EXPLAIN_",
            ]
            .iter()
            .any(|other| name.starts_with(other));
        match value {
            Some(value) if define && flag => {
                wide.push_str(&format!("#define {name} UINT64_C({value:#x})\n"))
            }
            // A minus sign in front of it would make two.
            None if define && number.parse::<i64>().is_ok() => {
                wide.push_str(&format!("#define {name} ({number})\n"))
            }
            _ => wide.push_str(&format!("{line}\n")),
        }
    }
    wide
}
