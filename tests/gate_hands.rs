//! Who may not get the robot: a device in the place of another, a policy that doubts, one behind a person who takes over, one
//! whose stream fell silent while something else was the reason.
//!
//! What a hold hides, or a device that comes, must never stand for somebody's word.

#[path = "support/scene.rs"]
mod scene;

use apprentice::control::gate::config::Ask;
use apprentice::control::gate::{Config, Expert, Mode, Plan, Reason, Signs};
use scene::{Scene, button, doubting, hold, pressed, well};

#[test]
fn another_device_in_the_place_of_his_is_no_word_of_the_person_who_drives() {
    for heir in [well(), pressed()] {
        let mut scene = Scene::released(&button());
        assert_eq!(scene.tick(pressed()), Mode::Human);
        assert_eq!(scene.tick(Signs { another: true, ..heir }), hold(Reason::ExpertGone));
        assert_eq!(scene.ticks(100, heir), hold(Reason::ExpertGone));
        assert_eq!(scene.tick(well()), hold(Reason::ExpertGone));
        assert_eq!(scene.tick(pressed()), Mode::Human, "whoever takes over anew drives");
        let mut scene = Scene::released(&button());
        let apart = Signs { expert: Expert::Disagrees, ..pressed() };
        assert_eq!(scene.tick(apart), hold(Reason::Disagrees));
        assert_eq!(
            scene.tick(Signs { another: true, ..heir }),
            hold(Reason::ExpertGone),
            "nor of one who waits"
        );
        assert_eq!(scene.ticks(100, heir), hold(Reason::ExpertGone));
    }
    let mut scene = Scene::released(&button());
    assert_eq!(scene.tick(Signs { another: true, ..well() }), Mode::Policy, "nobody drives by it");
}

#[test]
fn a_policy_that_may_go_on_by_itself_waits_for_its_doubt_and_the_operators_word_does_not() {
    let doubt = |doubt| Signs { doubt: Some(doubt), ..well() };
    let released = |told| Signs { released: true, ..doubt(told) };
    let mut scene = Scene::new(&doubting(Ask::Hold, false));
    assert_eq!(scene.ticks(100, released(10.0)), hold(Reason::Doubt), "nobody overruled it");
    assert_eq!(scene.ticks(100, released(0.1)), Mode::Policy);
    assert_eq!(scene.tick(doubt(1.1)), hold(Reason::Doubt));
    assert_eq!(scene.tick(Signs { resume: true, ..doubt(10.0) }), Mode::Policy);
    let mut scene = Scene::new(&Config::default());
    assert_eq!(scene.tick(released(0.1)), Mode::Policy);
}

#[test]
fn a_stream_that_fell_silent_waits_for_somebodys_word_whatever_hid_it() {
    let stale = |signs: Signs| Signs { fault: Some(Reason::Stale(0)), ..signs };
    let mut scene = Scene::released(&button());
    let awaits = Signs { expert: Expert::Silent, ..pressed() };
    assert_eq!(scene.tick(awaits), hold(Reason::Awaited));
    assert_eq!(scene.tick(stale(awaits)), hold(Reason::Awaited), "he may drive all the same");
    assert_eq!(scene.tick(stale(well())), hold(Reason::Stale(0)), "he let go");
    assert_eq!(scene.ticks(100, well()), hold(Reason::Stale(0)));
    let mut scene = Scene::released(&doubting(Ask::Hold, false));
    assert_eq!(scene.tick(Signs { doubt: Some(1.1), ..well() }), hold(Reason::Doubt));
    assert_eq!(scene.tick(stale(Signs { doubt: Some(1.1), ..well() })), hold(Reason::Stale(0)));
    assert_eq!(scene.ticks(100, well()), hold(Reason::Stale(0)));
}

#[test]
fn no_policy_goes_on_behind_somebody_who_takes_over() {
    for lack in [Plan::Over, Plan::Slow, Plan::Reload] {
        let mut scene = Scene::released(&button());
        scene.tick(Signs { plan: lack, ..well() });
        let apart = Signs { expert: Expert::Disagrees, ..pressed() };
        assert_eq!(scene.ticks(100, apart), hold(Reason::Disagrees), "a plan came meanwhile");
        assert_eq!(scene.tick(pressed()), Mode::Human);
    }
}
