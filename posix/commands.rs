// SPDX-License-Identifier: BSD-3-Clause
//! std::process::Command in the ways that Rust programs use it; prints what came of each. Nothing that differs
//! from run to run is printed, so that two runs can be compared.
//!
//! Without pre_exec, uid or gid, and with no new PATH for a program that is searched for, std uses posix_spawn.

use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus, Output, Stdio};

fn say(what: &str, status: ExitStatus) {
    println!("{what}: code {:?}, signal {:?}", status.code(), status.signal());
}

fn text(out: &Output) -> String {
    String::from_utf8_lossy(&out.stdout).into_owned()
}

fn failed(what: &str, command: &mut Command) {
    match command.spawn() {
        Ok(mut child) => println!("{what}: spawned, {:?}", child.wait()),
        Err(error) => println!("{what}: {:?}, errno {:?}", error.kind(), error.raw_os_error()),
    }
}

fn shell(script: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]);
    command
}

fn ends() -> std::io::Result<()> {
    let out = shell("echo to stdout; echo to stderr >&2; exit 3").output()?;
    say("output()", out.status);
    println!("  {:?} {:?}", text(&out), String::from_utf8_lossy(&out.stderr));

    say("status() of true", Command::new("true").status()?);
    say("status() of false, by path", Command::new("/bin/false").status()?);
    say("status() of a child that kills itself", shell("kill -KILL $$").status()?);

    let mut child = shell("exit 42").spawn()?;
    say("spawn() and wait()", child.wait()?);
    let mut child = Command::new("sleep").arg("1000").spawn()?;
    println!("try_wait() of one that sleeps: {:?}", child.try_wait()?);
    child.kill()?;
    say("kill()", child.wait()?);
    Ok(())
}

fn failures() -> std::io::Result<()> {
    failed("a missing path", &mut Command::new("/nonexistent/program"));
    failed("a missing name", &mut Command::new("no-such-program-anywhere"));
    failed("a directory", &mut Command::new("/tmp"));
    failed("a file that is not executable", &mut Command::new("/etc/passwd"));
    failed("a missing current_dir", Command::new("true").current_dir("/nonexistent"));
    std::fs::write("garbage", b"\0\0\0\0")?;
    shell("chmod 755 garbage").status()?;
    failed("a file of no known format", &mut Command::new("./garbage"));
    failed("a process_group that is none of ours", Command::new("true").process_group(1));
    Ok(())
}

fn environments() -> std::io::Result<()> {
    print!("current_dir: {}", text(&Command::new("pwd").current_dir("/usr/share").output()?));
    let out = Command::new("/usr/bin/env").env_clear().env("A", "1").env("B", "x y").output()?;
    println!("env_clear and env: {:?}", text(&out));
    let out = shell("echo ${A-unset} ${HOME-unset}").env("A", "2").env_remove("HOME").output()?;
    println!("env and env_remove: {:?}", text(&out));
    println!("arg0: {:?}", text(&shell("echo $0").arg0("another name").output()?));

    let out = shell("ps -o pid=,pgid= -p $$").process_group(0).output()?;
    let ids = text(&out);
    let ids: Vec<&str> = ids.split_whitespace().collect();
    println!("process_group(0): {} ids, its own leader: {}", ids.len(), ids.first() == ids.get(1));

    // Of itself, not of a shell around it: that blocks signals while it starts a program.
    let out = Command::new("grep").args(["-E", "^Sig(Blk|Ign)", "/proc/self/status"]).output()?;
    for line in text(&out).lines() {
        let (what, mask) = line.split_once(":\t").unwrap_or((line, ""));
        // Without 32 and 33, which glibc keeps for itself: its posix_spawn leaves them ignored.
        let mask = u64::from_str_radix(mask, 16).map(|mask| mask & !(3 << 31));
        println!("signals: {what} {mask:x?}");
    }
    println!("descriptors: {:?}", text(&shell("ls /proc/$$/fd").output()?));
    Ok(())
}

fn streams() -> std::io::Result<()> {
    let mut child = Command::new("tr")
        .args(["a-z", "A-Z"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    child.stdin.take().expect("piped").write_all(b"through two pipes")?;
    let mut read = String::new();
    child.stdout.take().expect("piped").read_to_string(&mut read)?;
    say(&format!("stdin and stdout piped: {read:?}"), child.wait()?);

    let mut first = shell("seq 1 100000").stdout(Stdio::piped()).spawn()?;
    let between = first.stdout.take().expect("piped");
    let out = Command::new("cksum").stdin(between).output()?;
    say(&format!("a pipeline: {:?}", text(&out)), first.wait()?);

    let file = std::fs::File::create("out.txt")?;
    shell("echo one; echo two >&2").stderr(file.try_clone()?).stdout(file).status()?;
    println!("stdout and stderr to a file: {:?}", std::fs::read_to_string("out.txt")?);
    println!("stdin null: {:?}", text(&Command::new("cat").stdin(Stdio::null()).output()?));
    std::io::stdout().flush()?;
    shell("echo stdout is inherited").status()?;
    Ok(())
}

fn exits_with(code: i32) -> bool {
    shell(&format!("exit {code}")).status().ok().and_then(|status| status.code()) == Some(code)
}

fn threads() {
    let threads: Vec<_> = (0..8)
        .map(|n| std::thread::spawn(move || (0..25).filter(|_| exits_with(n)).count()))
        .collect();
    let right: usize = threads.into_iter().map(|thread| thread.join().unwrap_or(0)).sum();
    println!("8 threads, 25 each: {right} right");
}

/// Of all threads; None where the kernel doesn't say.
fn children_left() -> Option<usize> {
    let mut count = 0;
    for task in std::fs::read_dir("/proc/self/task").ok()?.flatten() {
        let children = std::fs::read_to_string(task.path().join("children")).ok()?;
        count += children.split_whitespace().count();
    }
    Some(count)
}

fn main() -> std::io::Result<()> {
    let scratch = std::env::args().nth(1).expect("a directory");
    std::env::set_current_dir(&scratch)?;
    ends()?;
    failures()?;
    environments()?;
    streams()?;
    threads();
    println!("children left: {}", children_left().map_or("unknown".into(), |n| n.to_string()));
    Ok(())
}
