//! The gate's table, for every mode and every combination of what may be true, against statements that do not know the table.
//!
//! A row that is missing or in the wrong place is a robot that moves when nobody expects it, once in ten thousand ticks. The facts
//! are few enough to try all of them; what the gate remembers between ticks is tried by walks of chance.

use apprentice::config::Settings;
use apprentice::control::gate::config::{Ask, Doubt, Human};
use apprentice::control::gate::mode::REASONS;
use apprentice::control::gate::table::{self, ROWS, Seen, To};
use apprentice::control::gate::{Config, Expert, Gate, Level, Mode, Plan, Reason};

const FAULTS: [Option<Reason>; 5] =
    [None, Some(Reason::Stale(0)), Some(Reason::NoNumber), Some(Reason::Limit(0)), Some(Reason::Blind(0))];
const EXPERTS: [Expert; 3] = [Expert::Silent, Expert::Disagrees, Expert::Ready];
const PLANS: [Plan; 4] = [Plan::Due, Plan::Over, Plan::Slow, Plan::NoPolicy];
const LEVELS: [Level; 4] = [Level::Calm, Level::Unsure, Level::Over, Level::Unknown];

/// What persons can be doing: (takes, let go, asked, it may go on, by the operator's word).
const ACTS: [(bool, bool, bool, bool, bool); 6] = [
    (false, true, false, false, false),
    (false, true, false, true, false),
    (false, true, false, true, true),
    (true, false, false, false, false),
    // A hand that is on the button since before the robot was lost.
    (false, false, false, false, false),
    // An expert whom doubt asked for.
    (false, false, true, false, false),
];

fn modes() -> Vec<Mode> {
    [Mode::Policy, Mode::Human].into_iter().chain(REASONS.map(Mode::Hold)).collect()
}

/// Calls `see` with every case that can be.
fn every_case(mut see: impl FnMut(Mode, &Seen)) -> u64 {
    let mut cases = 0;
    let choices = FAULTS.iter().flat_map(|fault| ACTS.iter().map(move |act| (*fault, *act)));
    for (fault, (takes, let_go, asked, resume, overrules)) in choices {
        for (expert, plan, level) in product() {
            for bits in 0..128_u32 {
                let bit = |at: u32| bits >> at & 1 == 1;
                let seen = Seen {
                    fault,
                    stop: bit(0),
                    resume,
                    overrules,
                    another: bit(6),
                    takes,
                    let_go,
                    asked,
                    expert,
                    plan,
                    level,
                    dwelt: bit(1),
                    short: bit(2),
                    gives_back: bit(3),
                    asks_expert: bit(4),
                    returns: bit(5),
                };
                for mode in modes() {
                    if !asked || mode == Mode::Human {
                        see(mode, &seen);
                        cases += 1;
                    }
                }
            }
        }
    }
    cases
}

fn product() -> impl Iterator<Item = (Expert, Plan, Level)> {
    EXPERTS.into_iter().flat_map(|expert| {
        PLANS.into_iter().flat_map(move |plan| LEVELS.into_iter().map(move |level| (expert, plan, level)))
    })
}

fn next(mode: Mode, seen: &Seen) -> Mode {
    table::find(mode, seen).map_or(mode, |row| ROWS[row].to.mode(mode, seen))
}

/// The first row that fits from that number on.
fn after(mode: Mode, seen: &Seen, number: usize) -> Option<usize> {
    let fits = |row: &table::Row| {
        row.from.iter().any(|from| from.has(mode)) && row.when.iter().all(|fact| fact.holds(seen))
    };
    (number..ROWS.len()).find(|row| fits(&ROWS[*row]))
}

/// How grave a hold is; nothing where somebody drives.
fn held(mode: Mode) -> Option<u8> {
    match mode {
        Mode::Hold(reason) => Some(reason.gravity()),
        Mode::Policy | Mode::Human => None,
    }
}

type Statement = (&'static str, fn(Mode, Mode, &Seen) -> bool);

/// What must be true of every step from a mode to the next.
const STATEMENTS: &[Statement] = &[
    ("a policy never drives with a fault", |_, to, seen| to != Mode::Policy || seen.fault.is_none()),
    ("nobody drives with a fault of the robot", |_, to, seen| {
        !seen.fault.is_some_and(Reason::binds_all) || held(to).is_some()
    }),
    ("a stop holds until somebody's word", |_, to, seen| {
        !seen.stop || held(to).is_some_and(|gravity| gravity >= 3)
    }),
    ("doubt that is no number never drives", |_, to, seen| {
        to != Mode::Policy || seen.level != Level::Unknown
    }),
    ("doubt at the threshold drives only by somebody's word", |_, to, seen| {
        to != Mode::Policy || seen.level != Level::Over || seen.overrules
    }),
    ("a policy without a plan does not drive", |_, to, seen| to != Mode::Policy || seen.plan == Plan::Due),
    ("a person may take over from anything but a fault of the robot", |from, to, seen| {
        let his = !(seen.another && is_taking(from));
        let may = his && !seen.stop && !seen.fault.is_some_and(Reason::binds_all);
        !(may && seen.takes && seen.expert == Expert::Ready) || to == Mode::Human
    }),
    ("nobody becomes the driver with a silent or distant device", |from, to, seen| {
        from == Mode::Human || to != Mode::Human || seen.expert == Expert::Ready
    }),
    ("nobody becomes the driver but by an act, or because doubt asks", |from, to, seen| {
        let doubts = matches!(seen.level, Level::Over | Level::Unknown);
        from == Mode::Human || to != Mode::Human || seen.takes || (seen.asks_expert && doubts)
    }),
    ("who wants to drive and cannot yet stops the policy, and none goes on behind him", |_, to, seen| {
        !seen.takes || to != Mode::Policy
    }),
    ("another's device is no word of the person who drives or is about to", |from, to, seen| {
        !(seen.another && is_taking(from)) || held(to).is_some_and(|gravity| gravity >= 3)
    }),
    ("who let go hides nothing that is wrong", |from, to, seen| {
        !lets_go(from, seen) || seen.fault.is_none() || !is_taking(to)
    }),
    ("doubt hides nothing that is wrong", |from, to, seen| {
        from != Mode::Hold(Reason::Doubt) || to != from || seen.fault.is_none()
    }),
    ("a person's silence is never giving back", |from, to, seen| {
        from != Mode::Human || seen.let_go || seen.expert != Expert::Silent || held(to).is_some()
    }),
    ("a policy takes over from a person only by his act, or where that is configured", |from, to, seen| {
        let by_act = seen.let_go && (seen.gives_back || seen.resume);
        from != Mode::Human || to != Mode::Policy || by_act || (seen.asked && seen.returns)
    }),
    (
        "a person who drives is disturbed only by silence, another's device, his own act, a stop, or the robot",
        |from, to, seen| {
            let disturbed = seen.expert == Expert::Silent
                || seen.let_go
                || seen.another
                || seen.stop
                || (seen.asked && seen.returns && seen.level == Level::Calm)
                || seen.fault.is_some_and(Reason::binds_all);
            from != Mode::Human || disturbed || to == Mode::Human
        },
    ),
    ("a grave hold ends only by somebody's word", |from, to, seen| {
        let grave = held(from).is_some_and(|gravity| gravity >= 3);
        let stays = held(to).is_some_and(|gravity| gravity >= 3);
        !grave || stays || seen.resume || (to == Mode::Human && seen.takes)
    }),
    ("nothing goes on by itself before it dwelt", |from, to, seen| {
        let by_itself = !seen.resume && !lets_go(from, seen);
        from == Mode::Policy || to != Mode::Policy || !by_itself || seen.dwelt
    }),
    ("a stream that was silent for long waits for somebody's word", |from, to, seen| {
        !matches!(from, Mode::Hold(Reason::Stale(_))) || to != Mode::Policy || seen.short || seen.resume
    }),
    ("doubt that has not passed waits for somebody's word", |from, to, seen| {
        let waits = from == Mode::Hold(Reason::Doubt) && to == Mode::Policy;
        !waits || seen.level == Level::Calm || seen.resume
    }),
    ("a policy that is well drives on", |from, to, seen| {
        let well = seen.fault.is_none() && !seen.stop && !seen.takes && seen.plan == Plan::Due;
        let sure = matches!(seen.level, Level::Calm | Level::Unsure);
        from != Mode::Policy || !(well && sure) || to == Mode::Policy
    }),
];

/// Whether somebody lets go who drives or was about to.
fn lets_go(from: Mode, seen: &Seen) -> bool {
    seen.let_go && is_taking(from)
}

/// Whether somebody drives or is about to.
fn is_taking(mode: Mode) -> bool {
    [Mode::Human, Mode::Hold(Reason::Awaited), Mode::Hold(Reason::Disagrees)].contains(&mode)
}

#[test]
fn every_step_is_as_the_statements_say() {
    let cases = every_case(|from, seen| {
        let to = next(from, seen);
        for (statement, holds) in STATEMENTS {
            assert!(holds(from, to, seen), "{statement}: from {from:?} to {to:?} with {seen:?}");
        }
    });
    assert_eq!(cases, 3_870_720);
}

#[test]
fn every_row_decides_somewhere_and_none_could_be_left_out() {
    let (mut fired, mut needed) = ([0_u64; ROWS.len()], [false; ROWS.len()]);
    every_case(|mode, seen| {
        let Some(row) = table::find(mode, seen) else { return };
        fired[row] += 1;
        if !needed[row] {
            let without = after(mode, seen, row + 1).map(|row| ROWS[row]);
            let outcome = |to: To| (to.mode(mode, seen), to == To::Asked);
            let stays = (mode, seen.asked);
            needed[row] = without.map_or(stays, |row| outcome(row.to)) != outcome(ROWS[row].to);
        }
    });
    for row in 0..ROWS.len() {
        assert!(fired[row] > 0, "row {row} is shadowed: {:?}", ROWS[row]);
        assert!(needed[row], "row {row} changes nothing: {:?}", ROWS[row]);
    }
}

#[test]
fn the_statements_notice_when_a_row_is_lost() {
    let mut broken = [false; ROWS.len()];
    every_case(|mode, seen| {
        let Some(lost) = table::find(mode, seen).filter(|row| !broken[*row]) else { return };
        let to = after(mode, seen, lost + 1).map_or(mode, |row| ROWS[row].to.mode(mode, seen));
        broken[lost] = !STATEMENTS.iter().all(|(_, holds)| holds(mode, to, seen));
    });
    for (row, broken) in ROWS.iter().zip(broken) {
        // Without a row that lets the policy go on, or asks an expert, the robot only stands longer.
        assert_eq!(broken, !matches!(row.to, To::Policy | To::Asked), "{row:?}");
    }
}

#[test]
fn the_architecture_shows_the_table_as_it_is() {
    let shown = include_str!("../ARCHITECTURE.md");
    assert!(shown.contains(&table::text()), "put this into ARCHITECTURE.md:\n{}", table::text());
}

#[test]
fn a_gate_begins_held() {
    let gate = Gate::new(&Config::default(), None, apprentice::time::Stamp(0));
    assert_eq!(gate.mode(), Mode::Hold(Reason::Start));
}

#[test]
fn the_settings_read_as_they_are_written() {
    let settings = |gate: &str| {
        let text = format!(
            "robot: {{name: a, joints: [b]}}\nobserve: {{rate_hz: 30, streams: {{joints: {{topic: /j, type: \
             sensor_msgs/msg/JointState, fields: [position], align: linear, max_age_ms: 50}}}}}}\ncontrol: \
             {{gate: {gate}}}"
        );
        Settings::parse(&text, "robot.yaml")
    };
    let read = |gate: &str| settings(gate).expect("it reads").control.gate;
    let refused = |gate: &str| settings(gate).expect_err("it is wrong").to_string();
    assert_eq!(read("{}"), Config::default());
    let gate = read("{human: {button: 4}, doubt: {false_alarms: 0.1}}");
    assert_eq!(gate.human, Human { button: Some(4), ..Human::default() });
    let doubt =
        Doubt { false_alarms: 0.1, by: None, release: 0.8, dwell_ms: 500.0, ask: Ask::Hold, returns: false };
    assert_eq!(gate.doubt, Some(doubt));
    let whole = "{human: {button: 4, joy: /joy, service: true, leader: {moved: 0.05}, give_back: false}, expert: \
                 expert/command, doubt: {false_alarms: 0.1, dwell_ms: 300, release: 0.7, ask: expert, returns: true}, \
                 resume: {gap_ms: 200}, dwell_ms: 50, blend_ms: 250, agree: {angle: 0.3, length: 0.02}}";
    assert_eq!(read(whole).agree.bounds(&[false, true]), [0.3, 0.02]);
    assert!(refused("{human: {knob: 4}}").contains("control.gate.human.knob: unknown field"));
    for (wrong, rule) in [
        ("{doubt: {false_alarms: 1}}", "between 0 and 1"),
        ("{doubt: {false_alarms: 0.1, release: 2}}", "above 0 and at most 1"),
        ("{blend_ms: -1}", "0 or more"),
        ("{human: {leader: {moved: 0}}}", "above 0"),
        ("{doubt: {}}", "false_alarms"),
    ] {
        assert!(refused(wrong).contains(rule), "{}", refused(wrong));
    }
}
