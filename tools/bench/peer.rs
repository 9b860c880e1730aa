// SPDX-License-Identifier: BSD-3-Clause
//! A peer of the benchmark with Rust's std. See others.c for what it is asked.

use std::process::Command;
use std::time::Instant;

fn main() {
    println!("{}, std::process::Command", env!("RUSTC_VERSION"));
    for line in std::io::stdin().lines() {
        let line = line.expect("a line");
        let (count, program) = line.split_once(' ').expect("two words");
        let count: u32 = count.parse().expect("a count");
        let begun = Instant::now();
        let failures = (0..count)
            .filter(|_| !Command::new(program).status().is_ok_and(|status| status.success()))
            .count();
        println!("{} {failures}", begun.elapsed().as_nanos());
    }
}
