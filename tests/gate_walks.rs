//! The gate over time: what it remembers from tick to tick, in scenes that people know and in walks of chance.
//!
//! The table is tried out elsewhere; what is left are the hands on buttons, waits, and doubt that comes and goes. The statements
//! here look only at signs and modes, and never into the gate.

#[path = "support/scene.rs"]
mod scene;

use apprentice::control::gate::config::{Ask, Human, Leader, Resume};
use apprentice::control::gate::mode::REASONS;
use apprentice::control::gate::{Button, Config, Expert, Gate, Mode, Names, Plan, Reason, Signs};
use apprentice::msg::own::Intervention;
use apprentice::noise::Noise;
use apprentice::time::Stamp;
use scene::{Scene, button, doubting, hold, pressed, well};

#[test]
fn a_pressed_button_drives_within_the_step_and_a_released_one_gives_back() {
    let mut scene = Scene::released(&button());
    assert_eq!(scene.tick(pressed()), Mode::Human);
    assert_eq!(scene.gate.cause(), Intervention::CAUSE_PERSON);
    assert_eq!(scene.tick(well()), Mode::Policy);
    let keeps = Config { human: Human { give_back: false, ..button().human }, ..Config::default() };
    let mut scene = Scene::released(&keeps);
    assert_eq!(scene.tick(pressed()), Mode::Human);
    assert_eq!(scene.ticks(100, well()), hold(Reason::Returned));
    assert_eq!(scene.tick(Signs { resume: true, ..well() }), Mode::Policy);
}

#[test]
fn a_button_that_was_held_at_the_start_does_not_drive() {
    let mut scene = Scene::new(&button());
    assert_eq!(scene.ticks(5, pressed()), hold(Reason::Start));
    assert_eq!(scene.tick(Signs { resume: true, ..pressed() }), hold(Reason::Start), "a hand is on it");
    assert_eq!(scene.tick(well()), hold(Reason::Start));
    assert_eq!(scene.tick(pressed()), Mode::Human);
}

#[test]
fn a_device_that_falls_silent_holds_and_has_to_be_taken_anew() {
    let mut scene = Scene::released(&button());
    scene.tick(pressed());
    let silent = Signs { expert: Expert::Silent, ..pressed() };
    assert_eq!(scene.tick(silent), hold(Reason::ExpertGone));
    assert_eq!(scene.ticks(100, pressed()), hold(Reason::ExpertGone), "holding on is no act");
    assert_eq!(scene.ticks(100, well()), hold(Reason::ExpertGone), "nor is letting go");
    assert_eq!(scene.tick(pressed()), Mode::Human);
}

#[test]
fn what_was_taken_by_service_and_lost_has_to_be_taken_anew() {
    let take = Signs { service: Some(true), ..well() };
    let (silent, bound) =
        (Signs { expert: Expert::Silent, ..well() }, Signs { fault: Some(Reason::Link), ..well() });
    for (loss, reason) in [
        (silent, Reason::ExpertGone),
        (bound, Reason::Link),
        (Signs { stop: true, ..well() }, Reason::Stopped),
    ] {
        let mut scene = Scene::released(&button());
        assert_eq!(scene.tick(take), Mode::Human);
        assert_eq!(scene.tick(loss), hold(reason));
        assert_eq!(scene.ticks(100, well()), hold(reason));
        assert_eq!(scene.tick(take), Mode::Human);
    }
    let mut scene = Scene::released(&button());
    assert_eq!(scene.tick(Signs { service: Some(true), ..bound }), hold(Reason::Link));
    assert_eq!(scene.tick(well()), hold(Reason::Link), "what nobody could grant then is not granted later");
}

#[test]
fn a_gamepad_that_is_unplugged_is_not_a_person_who_lets_go() {
    let mut scene = Scene::released(&button());
    scene.tick(pressed());
    let gone = Signs { button: Button::Unheard, ..well() };
    assert_eq!(scene.tick(gone), hold(Reason::ExpertGone));
    assert_eq!(scene.tick(Signs { resume: true, ..gone }), Mode::Policy, "the operator's word is enough");
    assert_eq!(scene.ticks(5, gone), Mode::Policy);
}

#[test]
fn the_first_word_of_a_device_is_waited_for() {
    let mut scene = Scene::released(&button());
    let quiet = Signs { expert: Expert::Silent, ..pressed() };
    assert_eq!(scene.ticks(3, quiet), hold(Reason::Awaited));
    assert_eq!(scene.tick(pressed()), Mode::Human);
    scene.tick(well());
    let far = Signs { expert: Expert::Disagrees, ..pressed() };
    assert_eq!(scene.ticks(3, far), hold(Reason::Disagrees));
    assert_eq!(scene.tick(pressed()), Mode::Human, "the leader was brought to the robot");
    scene.tick(well());
    scene.tick(far);
    assert_eq!(scene.tick(well()), Mode::Policy, "the person let go");
}

#[test]
fn a_person_may_take_over_while_the_policy_sees_nothing_but_not_while_the_robot_is_lost() {
    for fault in [Reason::Stale(0), Reason::NoNumber, Reason::Jump, Reason::Thinking, Reason::Limit(0)] {
        let mut scene = Scene::released(&button());
        let broken = |signs: Signs| Signs { fault: Some(fault), ..signs };
        assert_eq!(scene.tick(broken(well())), hold(fault));
        assert_eq!(scene.tick(broken(pressed())), Mode::Human, "{fault:?}");
        assert_eq!(scene.ticks(50, broken(pressed())), Mode::Human);
        assert_eq!(scene.tick(broken(well())), hold(fault), "given back to a policy that cannot");
    }
    for fault in [Reason::Blind(0), Reason::Link] {
        let mut scene = Scene::released(&button());
        scene.tick(pressed());
        let broken = Signs { fault: Some(fault), ..pressed() };
        assert_eq!(scene.tick(broken), hold(fault));
        assert_eq!(scene.ticks(50, pressed()), hold(fault), "it has to be taken anew");
        scene.tick(well());
        assert_eq!(scene.tick(pressed()), Mode::Human);
    }
}

#[test]
fn faults_wait_for_a_word_and_plans_do_not() {
    for reason in REASONS.into_iter().filter(|reason| reason.gravity() >= 3 && *reason != Reason::NoPolicy) {
        let mut scene = Scene::released(&button());
        assert_eq!(scene.tick(Signs { fault: Some(reason), ..well() }), hold(reason));
        assert_eq!(scene.ticks(1000, well()), hold(reason));
        assert_eq!(scene.tick(Signs { resume: true, ..well() }), Mode::Policy);
    }
    for (plan, reason) in
        [(Plan::Over, Reason::PlanOver), (Plan::Slow, Reason::Slow), (Plan::Reload, Reason::Reload)]
    {
        let mut scene = Scene::released(&button());
        assert_eq!(scene.tick(Signs { plan, ..well() }), hold(reason));
        assert_eq!(scene.ticks(9, well()), hold(reason), "a minimum dwell");
        assert_eq!(scene.tick(well()), Mode::Policy);
    }
}

#[test]
fn a_short_gap_goes_on_by_itself_where_that_is_configured() {
    let gap = Config { resume: Resume { gap_ms: 500.0 }, ..button() };
    let silent = Signs { fault: Some(Reason::Stale(1)), ..well() };
    let after = |config: &Config, ticks: u32| {
        let mut scene = Scene::released(config);
        assert_eq!(scene.ticks(ticks, silent), hold(Reason::Stale(1)));
        scene.ticks(100, well())
    };
    assert_eq!(after(&gap, 40), Mode::Policy);
    assert_eq!(after(&gap, 60), hold(Reason::Stale(1)));
    assert_eq!(after(&button(), 1), hold(Reason::Stale(1)));
}

#[test]
fn doubt_holds_at_its_threshold_and_lets_go_well_below_it() {
    let doubt = |doubt: f32| Signs { doubt: Some(doubt), ..well() };
    let mut scene = Scene::released(&doubting(Ask::Hold, false));
    assert_eq!(scene.ticks(5, doubt(0.99)), Mode::Policy);
    assert_eq!(scene.tick(doubt(1.0)), hold(Reason::Doubt));
    assert_eq!(scene.ticks(100, doubt(0.9)), hold(Reason::Doubt), "between release and threshold");
    assert_eq!(scene.ticks(20, doubt(0.7)), hold(Reason::Doubt), "not for long enough");
    assert_eq!(scene.tick(doubt(0.9)), hold(Reason::Doubt));
    assert_eq!(scene.ticks(20, doubt(0.7)), hold(Reason::Doubt));
    assert_eq!(scene.tick(doubt(0.7)), Mode::Policy);
    for none in [None, Some(f32::NAN), Some(f32::INFINITY)] {
        let mut scene = Scene::released(&doubting(Ask::Hold, false));
        let none = Signs { doubt: none, ..well() };
        assert_eq!(scene.tick(none), hold(Reason::Doubt));
        assert_eq!(scene.tick(Signs { resume: true, ..none }), hold(Reason::Doubt), "nobody overrules that");
    }
    let mut blind = Gate::new(&doubting(Ask::Hold, false), None, Stamp(0));
    assert_eq!(blind.step(&Signs { resume: true, ..well() }, Stamp(1)), hold(Reason::Doubt), "no threshold");
}

#[test]
fn somebodys_word_overrules_doubt_until_it_was_low_once() {
    let doubt = |doubt: f32| Signs { doubt: Some(doubt), ..well() };
    let mut scene = Scene::released(&doubting(Ask::Hold, false));
    scene.tick(doubt(1.5));
    assert_eq!(scene.tick(Signs { resume: true, ..doubt(1.5) }), Mode::Policy);
    assert_eq!(scene.ticks(100, doubt(1.5)), Mode::Policy);
    assert_eq!(scene.tick(doubt(0.5)), Mode::Policy);
    assert_eq!(scene.tick(doubt(1.5)), hold(Reason::Doubt));
}

#[test]
fn an_expert_who_can_be_asked_drives_at_once_and_gives_back_only_where_that_is_configured() {
    let doubt = |doubt: f32| Signs { doubt: Some(doubt), ..well() };
    for returns in [false, true] {
        let mut scene = Scene::released(&doubting(Ask::Expert, returns));
        assert_eq!(scene.tick(doubt(1.2)), Mode::Human);
        assert_eq!(scene.gate.cause(), Intervention::CAUSE_DOUBT);
        let after = if returns { Mode::Policy } else { Mode::Human };
        assert_eq!(scene.ticks(100, doubt(0.2)), after);
        assert_eq!(scene.tick(Signs { resume: true, ..doubt(0.2) }), Mode::Policy);
        let alone = Signs { expert: Expert::Silent, ..doubt(1.2) };
        assert_eq!(scene.tick(alone), hold(Reason::Doubt), "nobody is there to be asked");
        assert_eq!(scene.tick(doubt(1.2)), Mode::Human);
        assert_eq!(scene.tick(Signs { button: Button::Held, ..doubt(0.2) }), Mode::Human);
        assert_eq!(
            scene.ticks(100, Signs { button: Button::Held, ..doubt(0.2) }),
            Mode::Human,
            "by hand now"
        );
        assert_eq!(scene.tick(doubt(0.2)), Mode::Policy, "and so it is the hand that gives back");
    }
}

#[test]
fn a_leader_that_is_moved_keeps_the_robot_until_it_is_given_back() {
    let leader = Some(Leader { moved: 0.05, rest_ms: 500.0 });
    let config = Config { human: Human { leader, ..Human::default() }, ..Config::default() };
    let moved = Signs { moved: true, ..well() };
    for back in [Signs { service: Some(false), ..moved }, Signs { resume: true, ..moved }] {
        let mut scene = Scene::released(&config);
        assert_eq!(scene.tick(moved), Mode::Human);
        assert_eq!(scene.ticks(1000, well()), Mode::Human, "an arm that lies still may well be held");
        assert_eq!(scene.tick(back), Mode::Policy);
        assert_eq!(scene.ticks(5, moved), Mode::Policy, "laying it down is no act");
        assert_eq!(scene.tick(well()), Mode::Policy);
        assert_eq!(scene.tick(moved), Mode::Human);
    }
    let mut deaf = Scene::released(&button());
    assert_eq!(deaf.tick(moved), Mode::Policy, "only what is configured takes over");
    let mut served = Scene::released(&button());
    assert_eq!(served.tick(Signs { service: Some(true), ..well() }), Mode::Human);
    assert_eq!(served.ticks(10, well()), Mode::Human);
    assert_eq!(served.tick(Signs { service: Some(false), ..well() }), Mode::Policy);
}

#[test]
fn the_message_says_who_drives_and_why() {
    let mut scene = Scene::released(&doubting(Ask::Hold, false));
    let names = Names { streams: vec!["front".to_owned()], joints: Vec::new() };
    scene.tick(Signs { fault: Some(Reason::Stale(0)), doubt: Some(0.5), ..well() });
    let said = scene.gate.intervention(&names, Stamp(7_000_000_001));
    assert_eq!((said.driver, said.cause), (Intervention::HOLD, Intervention::CAUSE_STALE));
    assert_eq!((&*said.reason, said.doubt, said.threshold), ("\"front\" fell silent", 0.5, 1.0));
    assert_eq!((said.header.stamp.sec, said.header.stamp.nanosec), (7, 1));
}

fn drawn(noise: &mut Noise) -> Signs {
    let rare = |noise: &mut Noise, share: f64| noise.chance(share);
    let fault = rare(noise, 0.03).then(|| REASONS[noise.below(REASONS.len())]);
    Signs {
        button: [Button::Free, Button::Held, Button::Unheard][noise.below(3)],
        service: rare(noise, 0.05).then(|| noise.chance(0.5)),
        moved: rare(noise, 0.2),
        another: rare(noise, 0.03),
        expert: if rare(noise, 0.1) {
            [Expert::Silent, Expert::Disagrees][noise.below(2)]
        } else {
            Expert::Ready
        },
        plan: if rare(noise, 0.05) {
            [Plan::Over, Plan::Slow, Plan::NoPolicy][noise.below(3)]
        } else {
            Plan::Due
        },
        doubt: [Some(0.1), Some(0.1), Some(0.9), Some(1.1), Some(f32::NAN)][noise.below(5)],
        fault,
        resume: rare(noise, 0.1),
        released: false,
        stop: rare(noise, 0.02),
    }
}

#[test]
fn no_walk_leads_from_a_person_or_a_fault_to_the_policy_without_somebodys_act() {
    let mut noise = Noise::new(11);
    let mut seen = [0_u64; 4];
    for walk in 0..4000 {
        let bit = |at: u32| walk >> at & 1 == 1;
        let leader = bit(0).then_some(Leader { moved: 0.05, rest_ms: 500.0 });
        let human = Human { leader, give_back: bit(1), ..button().human };
        let doubt = doubting(if bit(2) { Ask::Expert } else { Ask::Hold }, bit(3)).doubt;
        let config = Config { human, doubt: doubt.filter(|_| bit(4)), ..Config::default() };
        let mut gate = Gate::new(&config, Some(1.0), Stamp(0));
        let (mut heard, mut now, mut asked) = (Button::Held, 0, false);
        for _ in 0..300 {
            let signs = drawn(&mut noise);
            // Now and then time begins anew.
            now = if noise.chance(0.01) { 0 } else { now + noise.below(50_000_000) as i64 };
            let from = gate.mode();
            let to = gate.step(&signs, Stamp(now));
            let free = signs.button != Button::Held;
            let by_hand = heard == Button::Held && signs.button == Button::Free;
            let by_service = signs.service == Some(false) && free;
            let by_word = signs.resume && free;
            let told = format!("walk {walk}: {from:?} to {to:?} with {signs:?}");
            if (from, to) == (Mode::Human, Mode::Policy) {
                let returns = asked && config.doubt.is_some_and(|doubt| doubt.returns);
                assert!(by_hand || by_service || by_word || returns, "{told}");
                seen[0] += 1;
            }
            if let (Mode::Hold(reason), Mode::Policy) = (from, to) {
                assert!(by_word || reason.gravity() < 3, "{told}");
                seen[1] += 1;
            }
            if from != Mode::Human && to == Mode::Human {
                assert!(signs.expert == Expert::Ready, "{told}");
                seen[2] += 1;
            }
            if signs.stop || signs.fault.is_some_and(Reason::binds_all) {
                assert!(matches!(to, Mode::Hold(_)), "{told}");
                seen[3] += 1;
            }
            let calm = config.doubt.is_none() || signs.doubt.is_some_and(f32::is_finite);
            let may = signs.fault.is_none() && signs.plan == Plan::Due && calm;
            assert!(to != Mode::Policy || may, "{told}");
            asked = gate.asked();
            heard = if signs.button == Button::Unheard && !by_word { heard } else { signs.button };
        }
    }
    assert!(seen.iter().all(|count| *count > 1000), "{seen:?}");
}

#[test]
fn a_hand_that_stays_on_the_button_never_takes_a_robot_it_lost() {
    let mut noise = Noise::new(12);
    let mut lost = 0;
    for _ in 0..4000 {
        let mut gate = Gate::new(&button(), None, Stamp(0));
        let mut dead_hand = true;
        for tick in 0..200 {
            let signs = Signs { service: None, ..drawn(&mut noise) };
            // Long stretches of one button.
            let signs = Signs { button: [Button::Free, Button::Held, Button::Held][tick / 10 % 3], ..signs };
            let from = gate.mode();
            dead_hand &= signs.button == Button::Held;
            let to = gate.step(&signs, Stamp(tick as i64 * 10_000_000));
            assert!(!dead_hand || to != Mode::Human, "{from:?} to {to:?} with {signs:?}");
            let loses = from == Mode::Human && to != Mode::Human;
            lost += u32::from(loses && signs.button == Button::Held);
            let bound = signs.stop || signs.fault.is_some_and(Reason::binds_all);
            dead_hand |= (loses || bound) && signs.button == Button::Held;
        }
    }
    assert!(lost > 1000, "{lost}");
}
