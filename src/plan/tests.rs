// SPDX-License-Identifier: BSD-3-Clause
//! The order of the steps, which is a contract.

use super::call::{From, Rule};
use super::*;
use crate::attr::{
    CStrArray, Chroot, Credential, Filter, IdMap, IdMaps, Policy, Privileges, Restrictions,
    Scheduling,
};
use crate::error::Step;
use crate::sys::Sets;

/// Nothing but a program.
pub fn attr<'a>() -> Attr<'a> {
    Attr::new(Program::Path(c"/bin/true"), CStrArray::environ(), CStrArray::environ())
}

/// One that has done nothing special.
pub static CALLER: Caller = Caller {
    pid: 7,
    policy: libc::SCHED_OTHER,
    nice: 0,
    raised_rlimits: Vec::new(),
    execfd_cloexec: true,
    privileges: None,
    hides: None,
};

fn candidates<'a>(attr: &Attr<'a>) -> Candidates<'a> {
    Candidates::of(attr, || None).unwrap()
}

/// The steps of a plan, neighbours of the same step as one.
fn steps(attr: &Attr<'_>) -> Vec<Step> {
    let sets = Sets { permitted: !0 >> 23, effective: !0 >> 23, inheritable: 0 };
    let root = Capabilities { sets, last: 40, uid: 0, root: true };
    let wanted = attr.restrictions.and_then(|restrictions| restrictions.privileges);
    let privileges = wanted.map(|wanted| Box::new(Wanted::of(attr, &wanted, &root)));
    steps_from(attr, &Caller { pid: 7, execfd_cloexec: true, privileges, ..Caller::default() })
}

/// The same for another caller.
pub fn steps_from(attr: &Attr<'_>, caller: &Caller) -> Vec<Step> {
    let candidates = candidates(attr);
    let mut few = Few::default();
    let plan = Plan::new(attr, &candidates, None, caller, false, &mut few).unwrap();
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
    all.chroot = Some(Chroot { path: c"/r", pivot: false, keep_cwd: false });
    all.credential = Some(Credential { uid: 1, gid: 2, groups: Some(&groups) });
    all.dir = Some(c"/d");
    all.files = Some(&files);
    all.close_others = true;
    all.actions = &[Action::Close(7), Action::Chdir(c"/e")];
    let policy = |policy, priority| Scheduling {
        policy: Some(Policy::Set { policy, priority }),
        ..Scheduling::default()
    };
    let (raised, lowered) = (policy(libc::SCHED_RR, 1), policy(libc::SCHED_IDLE, 0));
    all.scheduling = Some(&raised);
    all.program = Program::Fd(1);
    all.dispositions = Dispositions { default: 1, ignore: 2 };
    all.pdeathsig = 9;
    all.ptrace = true;
    let privileges = Privileges {
        bounding: Some(!4),
        permitted: Some(2),
        inheritable: Some(2),
        ambient: Some(2),
        securebits: Some(1),
        ..Privileges::default()
    };
    let restrictions = Restrictions {
        privileges: Some(privileges),
        no_new_privs: true,
        landlock: Some(Landlock { fd: 9, flags: 0 }),
        filter: Some(Filter { code: &[], flags: 0 }),
    };
    all.restrictions = Some(&restrictions);
    let expected = [
        Step::Propagation,
        Step::Noctty,
        Step::Setsid,
        Step::Scheduling,
        Step::Chroot,
        Step::ChrootChdir,
        Step::Bounding,
        Step::Keepcaps,
        Step::Setgroups,
        Step::Setgid,
        Step::Setuid,
        Step::Inheritable,
        Step::Ambient,
        Step::Securebits,
        Step::Permitted,
        Step::Chdir,
        Step::Execfd,
        Step::Files,
        Step::ActionClose,
        Step::ActionChdir,
        Step::CloseOthers,
        Step::Setctty,
        Step::Pdeathsig,
        Step::ParentAlive,
        Step::Sigaction,
        Step::Sigmask,
        Step::Ptrace,
        Step::NoNewPrivs,
        Step::Landlock,
        Step::Seccomp,
        Step::Exec,
    ];
    assert_eq!(steps(&all), expected);

    all.group = Group::Group { pgid: 0, foreground: Some(0) };
    all.noctty = false;
    all.keep_propagation = true;
    all.chroot = Some(Chroot { path: c"/r", pivot: false, keep_cwd: true });
    all.credential = None;
    all.resetids = true;
    all.scheduling = Some(&lowered);
    let mut expected = expected.to_vec();
    expected.retain(|step| {
        let gone = [Step::Propagation, Step::Noctty, Step::ChrootChdir, Step::Scheduling];
        let not_those = [Step::Setgroups, Step::Setgid, Step::Keepcaps];
        !gone.contains(step) && !not_those.contains(step)
    });
    let place =
        |expected: &[Step], wanted| expected.iter().position(|step| *step == wanted).unwrap();
    expected[0] = Step::Setpgid;
    let at = place(&expected, Step::Setuid);
    expected[at] = Step::Resetids;
    let at = place(&expected, Step::Setctty);
    expected[at] = Step::Foreground;
    expected.insert(at + 1, Step::Scheduling);
    assert_eq!(steps(&all), expected);
}

#[test]
fn the_others_are_all_but_what_is_named() {
    let others = |files: Option<&[i32]>, actions: &[Action<'_>]| {
        let mut all = attr();
        (all.files, all.actions, all.close_others) = (files, actions, true);
        Others::of(&all, None).unwrap().0
    };
    let open = |fd| Action::Open { fd, path: c"/", flags: 0, mode: 0 };
    let dup = |to| Action::Dup2 { from: 0, to };
    assert_eq!(others(None, &[]), [(3, u32::MAX)]);
    assert_eq!(others(Some(&[0, 1, 2, 3, 4]), &[]), [(5, u32::MAX)]);
    assert_eq!(others(None, &[open(3), dup(4)]), [(5, u32::MAX)]);
    assert_eq!(others(None, &[dup(9), open(5), dup(9)]), [(3, 4), (6, 8), (10, u32::MAX)]);
    assert_eq!(others(None, &[dup(1), Action::Close(7), Action::Fchdir(8)]), [(3, u32::MAX)]);
    assert_eq!(others(None, &[dup(i32::MAX)]), [(3, i32::MAX as u32 - 1)]);
    let mut all = attr();
    all.actions = &[Action::Close(7)];
    assert_eq!(Others::of(&all, None).unwrap().0, []);
    all.close_others = true;
    assert_eq!(Others::of(&all, Some(3)).unwrap().0, [(4, u32::MAX)]);
    assert_eq!(Others::of(&all, Some(9)).unwrap().0, [(3, 8), (10, u32::MAX)]);
}

#[test]
fn what_exec_needs_is_held_only_when_its_number_is_lost() {
    let held = |change: fn(&mut Attr<'static>)| {
        let mut all = attr();
        all.program = Program::Fd(5);
        change(&mut all);
        steps(&all).contains(&Step::Execfd)
    };
    assert!(!held(|_| {}));
    assert!(held(|all| all.close_others = true));
    assert!(held(|all| all.files = Some(&[0, 1, 2, 3, 4, 5])));
    assert!(!held(|all| all.files = Some(&[0, 1, 2, 3, 4])));
    assert!(held(|all| all.actions = &[Action::Closefrom(3)]));
    assert!(!held(|all| all.actions = &[Action::Closefrom(6)]));
    assert!(held(|all| all.actions = &[Action::Dup2 { from: 0, to: 5 }]));
    // A source only is not lost, but nobody is to find what is not the child's.
    assert!(held(|all| all.actions = &[Action::Dup2 { from: 5, to: 0 }]));
    assert!(!held(|all| all.actions = &[Action::Chdir(c"/")]));
}

#[test]
fn the_shell_comes_last_and_only_if_asked_for() {
    let mut all = attr();
    all.program = Program::Search { name: c"x", list: Some(c"/a:/b") };
    assert!(!steps(&all).contains(&Step::Shell));
    all.shell_fallback = true;
    let candidates = candidates(&all);
    let mut few = Few::default();
    let plan = Plan::new(&all, &candidates, None, &CALLER, false, &mut few).unwrap();
    let last: Vec<Rule> = plan.calls().iter().rev().take(3).map(|c| c.rule).collect();
    assert_eq!(last, [Rule::Shell, Rule::Exec, Rule::Exec]);
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
    attr.maps = IdMaps { uid: &map, gid: &map, allow_setgroups: false, by_helpers: false };
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
    all.program = Program::At { dir: 3, path: c"x" };
    all.resetids = true;
    all.actions = &[
        Action::Open { fd: 3, path: c"/", flags: 0, mode: 0 },
        Action::Tcsetpgrp(3),
        Action::Dup2 { from: 1, to: 2 },
    ];
    let candidates = candidates(&all);
    let mut few = Few::default();
    let plan = Plan::new(&all, &candidates, None, &CALLER, false, &mut few).unwrap();
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
fn few_calls_or_many_end_with_exec() {
    let mut took = [false; 2];
    for n in 0..40 {
        let files: Vec<i32> = (0..n).map(|i| i ^ 1).collect();
        let mut all = attr();
        all.files = Some(&files);
        all.close_others = true;
        all.program = Program::Search { name: c"x", list: Some(c"/a:/b:/c") };
        let candidates = candidates(&all);
        let mut few = Few::default();
        let plan = Plan::new(&all, &candidates, None, &CALLER, false, &mut few).unwrap();
        let last: Vec<Rule> = plan.calls().iter().rev().take(4).map(|c| c.rule).collect();
        assert_eq!(last, [Rule::Exec, Rule::Exec, Rule::Exec, Rule::Must]);
        let moves = remap::moves(&files).unwrap().len();
        assert!(plan.calls().len() > moves + 4);
        assert!(plan.calls().iter().all(|call| call.step != Step::None));
        // Memory is only for what is more.
        assert_eq!(plan.many.is_empty(), plan.calls().len() <= FEW);
        took[usize::from(plan.many.is_empty())] = true;
    }
    assert_eq!(took, [true; 2]);
}

#[test]
fn what_is_fetched_comes_first() {
    let files = [900, 1];
    let mut all = attr();
    (all.files, all.close_others) = (Some(&files[..]), true);
    all.group = Group::Session { ctty: None };
    let table = Table::of(&all, || Some(7)).unwrap().unwrap();
    let candidates = candidates(&all);
    let mut few = Few::default();
    let plan = Plan::new(&all, &candidates, Some(&table), &CALLER, false, &mut few).unwrap();
    let first: Vec<Step> = plan.calls().iter().map(|call| call.step).take(7).collect();
    assert_eq!(first, [[Step::UnshareFiles; 6].as_slice(), &[Step::Setsid]].concat());
    // Nothing of the plan knows the number that it has in the caller.
    let dup = plan
        .calls()
        .iter()
        .find(|call| call.nr == libc::SYS_dup3 as usize && call.step == Step::Files)
        .unwrap();
    assert_eq!(dup.args[..2], [65, 0]);
}

#[test]
fn the_stages_are_the_whole() {
    let all = Attr { resetids: true, files: Some(&[0, 1]), ..attr() };
    let candidates = candidates(&all);
    for (staged, before) in [(true, 3), (false, 0)] {
        let mut few = Few::default();
        let plan = Plan::new(&all, &candidates, None, &CALLER, staged, &mut few).unwrap();
        let (first, second) = plan.stages();
        assert_eq!((first.len(), second.len()), (before, plan.calls().len() - before));
    }
}
