// SPDX-License-Identifier: BSD-3-Clause
//! The order of the steps, which is a contract.

use super::call::{From, Rule};
use super::*;
use crate::attr::{CStrArray, Chroot, Credential, IdMap, IdMaps};
use crate::error::Step;

fn attr<'a>() -> Attr<'a> {
    Attr {
        program: Program::Path(c"/bin/true"),
        shell_fallback: false,
        argv: CStrArray::environ(),
        envp: CStrArray::environ(),
        dir: None,
        chroot: None,
        files: None,
        actions: &[],
        close_others: false,
        credential: None,
        resetids: false,
        group: Group::Inherit,
        noctty: false,
        pdeathsig: 0,
        dispositions: Dispositions::default(),
        sigmask: None,
        scheduling: None,
        cgroup: None,
        ptrace: false,
        cloneflags: 0,
        keep_propagation: false,
        maps: IdMaps::default(),
        way: None,
        pidfd: false,
    }
}

const CALLER: Caller = Caller { pid: 7, policy: libc::SCHED_OTHER, execfd_cloexec: true };

fn candidates<'a>(attr: &Attr<'a>) -> Candidates<'a> {
    Candidates::of(attr, || None).unwrap()
}

/// The steps of a plan, neighbours of the same step as one.
fn steps(attr: &Attr<'_>) -> Vec<Step> {
    let candidates = candidates(attr);
    let plan = Plan::new(attr, &candidates, CALLER).unwrap();
    let mut steps: Vec<Step> = plan.calls().iter().map(|call| call.step).collect();
    steps.dedup();
    steps
}

#[test]
fn the_default_is_two_calls() {
    assert_eq!(steps(&attr()), [Step::Sigmask, Step::Exec]);
}

#[test]
fn everything_in_the_order_of_the_contract() {
    let groups = [1, 2];
    let files = [1, 0, 5];
    let mut all = attr();
    all.cloneflags = libc::CLONE_NEWNS as u64;
    all.noctty = true;
    all.group = Group::Session { ctty: Some(0) };
    all.chroot = Some(Chroot { path: c"/r", keep_cwd: false });
    all.credential = Some(Credential { uid: 1, gid: 2, groups: Some(&groups) });
    all.dir = Some(c"/d");
    all.files = Some(&files);
    all.close_others = true;
    all.pdeathsig = 9;
    all.ptrace = true;
    let expected = [
        Step::Propagation,
        Step::Noctty,
        Step::Setsid,
        Step::Chroot,
        Step::ChrootChdir,
        Step::Setgroups,
        Step::Setgid,
        Step::Setuid,
        Step::Chdir,
        Step::Files,
        Step::CloseOthers,
        Step::Setctty,
        Step::Pdeathsig,
        Step::ParentAlive,
        Step::Sigmask,
        Step::Ptrace,
        Step::Exec,
    ];
    assert_eq!(steps(&all), expected);

    all.group = Group::Group { pgid: 0, foreground: Some(0) };
    all.noctty = false;
    all.keep_propagation = true;
    all.chroot = Some(Chroot { path: c"/r", keep_cwd: true });
    let mut expected = expected.to_vec();
    expected.retain(|step| !matches!(step, Step::Propagation | Step::Noctty | Step::ChrootChdir));
    expected[0] = Step::Setpgid;
    let place = expected.iter().position(|step| *step == Step::Setctty).unwrap();
    expected[place] = Step::Foreground;
    assert_eq!(steps(&all), expected);
}

#[test]
fn groups_that_are_null_empty_or_denied() {
    let map = [IdMap { container_id: 0, host_id: 0, size: 1 }];
    let mut attr = attr();
    let credential = |groups| Some(Credential { uid: 0, gid: 0, groups });
    attr.credential = credential(None);
    assert!(!steps(&attr).contains(&Step::Setgroups));
    attr.credential = credential(Some(&[]));
    assert!(steps(&attr).contains(&Step::Setgroups));
    attr.maps = IdMaps { uid: &map, gid: &map, allow_setgroups: false };
    assert!(!steps(&attr).contains(&Step::Setgroups));
    attr.maps.allow_setgroups = true;
    assert!(steps(&attr).contains(&Step::Setgroups));
}

#[test]
fn a_register_is_filled_before_it_is_used() {
    let files = [1, 2, 0, 4, 3];
    let mut all = attr();
    all.files = Some(&files);
    all.group = Group::Group { pgid: 0, foreground: Some(0) };
    let candidates = candidates(&all);
    let plan = Plan::new(&all, &candidates, CALLER).unwrap();
    let mut filled = vec![call::Register::Mask];
    for call in plan.calls() {
        assert!(call.argument < 6);
        if call.from != From::None {
            assert!(filled.contains(&call.register), "{call:?}");
        }
        if call.into {
            filled.push(call.register);
        }
    }
}

#[test]
fn the_list_never_grows_and_ends_with_exec() {
    for n in 0..40 {
        let files: Vec<i32> = (0..n).map(|i| i ^ 1).collect();
        let mut all = attr();
        all.files = Some(&files);
        all.close_others = true;
        all.program = Program::Search { name: c"x", list: Some(c"/a:/b:/c") };
        let candidates = candidates(&all);
        let plan = Plan::new(&all, &candidates, CALLER).unwrap();
        let moves = remap::moves(&files).unwrap().len();
        assert!(plan.calls().len() <= moves * 2 + SINGLE_CALLS + 3);
        let last: Vec<Rule> = plan.calls().iter().rev().take(4).map(|c| c.rule).collect();
        assert_eq!(last, [Rule::Exec, Rule::Exec, Rule::Exec, Rule::Must]);
    }
}
