// SPDX-License-Identifier: BSD-3-Clause
//! What a spawn would do, without a child: the same choices as of one that is made.

#![forbid(unsafe_code)]

use super::{kernel, prepare, staged, way, Failed, Prepared};
use crate::attr::{Attr, Way};
use crate::error::{Error, Step};
use crate::explain::Planned;
use crate::plan::{Few, Plan};
use crate::redirect;
use core::ffi::CStr;

/// Tells it. Where no spawn of this process has shown what kind of kernel this is, it is taken for one that
/// shares memory. `beside`: for a caller that does not wait for the outcome.
pub fn foresee(
    attr: &Attr<'_>,
    beside: bool,
    tell: &mut dyn FnMut(&Planned<'_>, &Attr<'_>),
) -> core::result::Result<(), Failed> {
    let mut prepared = Prepared::default();
    prepare(attr, &mut prepared)?;
    let Prepared { candidates, caller, needs } = &prepared;
    let needs = *needs;
    let may_share = matches!(kernel::memory(), kernel::Memory::Unknown | kernel::Memory::Shared);
    let way = if beside {
        let knows = || may_share && !kernel::clone3_refused();
        way::choose_beside(attr.way, needs, attr.ptrace, knows)?
    } else if way::stages(attr.way, needs, staged::can_do(attr))? && stages(attr, may_share)? {
        Way::Staged
    } else {
        let asked = attr.way.filter(|way| *way != Way::Staged);
        way::choose(asked, needs, kernel::memory())?
    };
    // What the list of files wants is made for a moment: so it is known whether it can be.
    let made = if redirect::is_plain(attr) { None } else { Some(redirect::make(attr)?) };
    let plain = made.as_ref().map(|made| made.attr(attr));
    let attr = plain.as_ref().unwrap_or(attr);
    let mut few = Few::default();
    let plan = Plan::new(attr, candidates, None, caller, way == Way::Staged, &mut few)?;
    let (before, _) = plan.stages();
    let planned = Planned {
        way,
        why: why(attr, way, needs, beside),
        calls: plan.calls(),
        before_stage: (way == Way::Staged).then_some(before.len()),
    };
    tell(&planned, attr);
    Ok(())
}

fn stages(attr: &Attr<'_>, may_share: bool) -> Result<bool, Error> {
    let asked = attr.way.is_some();
    let caller = staged::Caller::look();
    if !may_share || !asked && (kernel::stage_refused() || !caller.survives || !caller.is_large) {
        return Ok(false);
    }
    if caller.survives {
        Ok(true)
    } else {
        Err(Error::new(libc::EPERM, Step::Stage))
    }
}

fn why(attr: &Attr<'_>, way: Way, needs: way::Needs, beside: bool) -> &'static CStr {
    match way {
        _ if attr.way == Some(way) => c"it is asked for",
        Way::Shared => c"nothing forbids to share memory",
        Way::Staged => {
            c"the credentials change, and a copy of the caller's memory would take longer"
        }
        Way::Concurrent => c"the caller does not wait for the exec, or not for ever",
        Way::Piped if needs.maps => c"the caller writes the maps of ids while the child waits",
        Way::Piped if attr.suspend => {
            c"it stands before its exec, and may be given limits meanwhile"
        }
        Way::Piped if beside && attr.ptrace => c"only its tracer can tell of it",
        Way::Copy | Way::Piped if needs.own_memory && !needs.own_memory_later => {
            c"it gets a user or time namespace, and must not share memory"
        }
        Way::Copy | Way::Piped if needs.own_memory => {
            c"its credentials change, and it must not share memory"
        }
        Way::Piped if beside && needs.own_memory_beside => {
            c"memory cannot be shared with a caller that goes on"
        }
        Way::Copy | Way::Piped => c"memory cannot be shared here",
    }
}
