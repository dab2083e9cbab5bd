// SPDX-License-Identifier: GPL-2.0

use proptest::prelude::*;

use super::*;

fn rule(line: &str) -> Rule {
    line.parse()
        .unwrap_or_else(|error| panic!("{line}: {error}"))
}

fn plan_of(line: &str) -> Plan {
    match rule(line).body {
        Body::Command(_, plan) => plan,
        body => panic!("{line}: {body:?}"),
    }
}

#[test]
fn a_command_can_be_held_at_each_stage() {
    for stage in Stage::ALL {
        let name = stage.name();
        let held = plan_of(&format!("write : hold={name}"));
        assert_eq!(held.hold, Some(Hold { stage, ms: None }));
        let late = plan_of(&format!("write : hold={name}/500"));
        assert_eq!(
            late.hold,
            Some(Hold {
                stage,
                ms: Some(500)
            })
        );
    }
}

#[test]
fn a_command_can_be_answered_like_this() {
    let answer = Answer {
        status: Status::CCR_IN_PROGRESS,
        result: 0,
    };
    assert_eq!(plan_of("ccr : answer=0x13f").reply, Reply::Instead(answer));
    let answer = Answer {
        status: Status::SUCCESS,
        result: 1,
    };
    assert_eq!(plan_of("ccr : complete=0/1").reply, Reply::But(answer));
    assert_eq!(plan_of("any : ignore").reply, Reply::Never);
    let abortable = plan_of("ccr : ignore=until-abort");
    assert_eq!(abortable.reply, Reply::UntilAbort);
}

#[test]
fn actions_can_be_combined() {
    let plan = plan_of("ccr : hold=before-execution/9 disconnect=before-completion complete=6");
    assert_eq!(plan.hold.unwrap().stage, Stage::BeforeExecution);
    assert_eq!(plan.disconnect, Some(Stage::BeforeCompletion));
    assert!(matches!(plan.reply, Reply::But(_)));
}

#[test]
fn keys_say_what_a_rule_is_about() {
    let rule =
        rule("write port=1 cntlid=2 queue=io nsid=2 slba=0x10 times=3 skip=4 : hold=before-data");
    assert_eq!(
        rule.filter,
        Filter {
            port: Some(1),
            cntlid: Some(2),
            queue: Some(QueueFilter::Io),
            slba: Some(16),
            nsid: Some(2),
            ..Filter::default()
        }
    );
    assert_eq!((rule.left, rule.skip), (Some(3), 4));
}

#[test]
fn other_subjects_have_their_own_actions() {
    for (line, body) in [
        ("event : lose", Body::Event(EventFault::Lose)),
        ("event : delay=5", Body::Event(EventFault::Delay { ms: 5 })),
        ("event event=ccr : double", Body::Event(EventFault::Double)),
        (
            "reset : fail",
            Body::Reset(ResetFault::Fail(Failure::default())),
        ),
        ("reset : never", Body::Reset(ResetFault::Never)),
        ("reset : after=5", Body::Reset(ResetFault::After { ms: 5 })),
        ("kato : ignore", Body::KeepAlive),
        ("quiesce : ignore", Body::Quiesce),
        ("disable : ignore", Body::Disable),
        ("shutdown : ignore", Body::Shutdown(ShutdownFault::Ignore)),
        ("shutdown : never", Body::Shutdown(ShutdownFault::Never)),
        ("move port=2 : ignore", Body::Move),
    ] {
        assert_eq!(rule(line).body, body, "{line}");
    }
    let entry = EntryFault {
        ciu: Some(9),
        omit: true,
        ..EntryFault::default()
    };
    assert_eq!(rule("entry icid=1 : ciu=9 omit").body, Body::Entry(entry));
}

#[test]
fn a_lost_entry_has_its_own_fields() {
    let entry = LostEntryFault {
        cntlid: Some(7),
        lc: Some(255),
        keep: true,
        ..LostEntryFault::default()
    };
    let rule = rule("lost-entry cntlid=1 : cntlid=7 lc=0xff keep");
    assert_eq!(rule.filter.cntlid, Some(1));
    assert_eq!(rule.body, Body::LostEntry(entry));
}

#[test]
fn a_reset_can_fail_in_several_ways() {
    let failure = Failure {
        validated: true,
        initiated: true,
        retry: Some(3),
        acid: Some(2),
    };
    assert_eq!(
        rule("reset : fail v clri retry=3 acid=2").body,
        Body::Reset(ResetFault::Fail(failure))
    );
}

#[test]
fn a_controller_can_be_called_otherwise() {
    let old = Assignment {
        cntlid: Some(AssignedId::Old),
        cleanup: true,
        identity: AssignedIdentity::Same,
    };
    let body = rule("assign port=1 : cntlid=old cleanup identity=same").body;
    assert_eq!(body, Body::Assign(old));
    let number = Assignment {
        cntlid: Some(AssignedId::Number(9)),
        ..Assignment::default()
    };
    assert_eq!(rule("assign : cntlid=9").body, Body::Assign(number));
}

#[test]
fn what_has_no_meaning_is_refused() {
    for (line, message) in [
        ("", "a rule is"),
        ("write", "a rule is"),
        ("write :", "a rule is"),
        (": ignore", "a rule is"),
        ("scribble : ignore", "what is \"scribble\"?"),
        ("write icid=1 : ignore", "what is \"icid=1\"?"),
        ("identify lid=1 : ignore", "what is \"lid=1\"?"),
        ("kato slba=1 : ignore", "what is \"slba=1\"?"),
        ("write port=x : ignore", "port cannot be \"x\""),
        ("write port=65536 : ignore", "port cannot be \"65536\""),
        ("write queue=admin : ignore", "queue cannot be \"admin\""),
        ("write : hold=now", "hold cannot be \"now\""),
        ("write : hold=before-data/soon", "hold cannot be"),
        ("write : answer=0x10000", "answer cannot be"),
        ("write : answer=0 complete=0", "exactly one of these"),
        ("write : ignore hold=before-data", "exactly one of these"),
        ("write : ignore ignore=until-abort", "exactly one of these"),
        (
            "write : ignore=until-abort hold=before-data",
            "exactly one of these",
        ),
        ("write : ignore=now", "ignore cannot be \"now\""),
        ("event : lose double", "exactly one of these"),
        ("entry : colour=1", "what is \"colour=1\"?"),
        ("lost-entry : icid=1", "what is \"icid=1\"?"),
        ("reset : fail retry=4", "retry cannot be \"4\""),
        ("reset : never retry=1", "what is \"retry=1\"?"),
        ("assign : cntlid=0", "cntlid cannot be \"0\""),
        ("assign : cntlid=0xfff0", "cntlid cannot be \"0xfff0\""),
        ("assign : identity=old", "identity cannot be \"old\""),
        ("assign : identity=new", "exactly one of these"),
        ("shutdown : ignore never", "exactly one of these"),
    ] {
        let error = line.parse::<Rule>().unwrap_err().to_string();
        assert!(error.starts_with(message), "{line:?}: {error}");
    }
}

proptest! {
    #[test]
    fn any_line_is_a_rule_or_an_error(line in "[a-z0-9=/: -]{0,60}") {
        if let Ok(rule) = line.parse::<Rule>() {
            prop_assert_eq!(rule.text(), line.trim());
        }
    }
}
