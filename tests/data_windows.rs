//! Windows against a plain model of them: what is in each, in which order they come, what they count.
//!
//! Properties hold for any shape and any episode, and an episode that is shorter than a window is the ordinary case here.

#[path = "support/demonstrations.rs"]
mod demonstrations;

use std::sync::{Arc, LazyLock};

use apprentice::data::augment::{Augment, Shift};
use apprentice::data::goal::Goal;
use apprentice::data::weights::Weights;
use apprentice::data::{Config, Dataset, Gaps, Gathered, Interventions, Observation, Rules, Shape, Windows};
use apprentice::msg::own::Intervention;
use apprentice::noise::Noise;
use demonstrations::{Said, Scratch, demonstration, header, said};
use proptest::prelude::*;

/// A data set of three recordings, the second with a gap and the last with a single tick.
struct Kept {
    _scratch: Scratch,
    dataset: Arc<Dataset>,
}

fn kept(config: &Config) -> anyhow::Result<Kept> {
    let mut scratch = Scratch::new()?;
    let mut torn = demonstration(1200);
    torn.retain(|one| !(one.topic == "/joint_states" && (400..600).contains(&one.at)));
    scratch.add(&demonstration(600), &[])?.add(&torn, &[("quality", "0.5")])?.add(&demonstration(0), &[])?;
    let dataset = scratch.open(config)?;
    Ok(Kept { _scratch: scratch, dataset })
}

static ENDED: LazyLock<Kept> = LazyLock::new(|| kept(&Config::default()).expect("it is written and read"));
static DROPPED: LazyLock<Kept> = LazyLock::new(|| {
    kept(&Config { gaps: Gaps::Drop, ..Config::default() }).expect("it is written and read")
});

fn everything(dataset: &Dataset) -> Vec<usize> {
    (0..dataset.episodes.len()).collect()
}

fn gathered(windows: &Windows, wanted: &[u32]) -> Gathered {
    let mut out = Gathered::default();
    windows.gather(wanted, &mut Noise::new(1), &mut out).expect("the cache is there");
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn a_window_holds_its_history_and_what_follows(history in 1_usize..6, chunk in 1_usize..40, chosen in any::<u32>()) {
        let dataset = &ENDED.dataset;
        let windows = Windows::new(dataset, &everything(dataset), Shape { history, chunk }, Rules::default())?;
        prop_assert_eq!(windows.len(), dataset.summary().ticks);
        let window = chosen % windows.len() as u32;
        let (episode, tick, _) = windows.place(window);
        let ticks = dataset.episodes[episode].ticks;
        let out = gathered(&windows, &[window]);
        let seen: Vec<Observation> = (0..history)
            .map(|step| dataset.observation(episode, (tick + step).saturating_sub(history - 1)).expect("it is there"))
            .collect();
        prop_assert_eq!(&out.state, &seen.iter().flat_map(|seen| seen.state.clone()).collect::<Vec<_>>());
        prop_assert_eq!(&out.past, &seen.iter().flat_map(|seen| seen.past.clone()).collect::<Vec<_>>());
        prop_assert_eq!(&out.frames[0], &seen.iter().flat_map(|seen| seen.frames[0].pixels.clone()).collect::<Vec<_>>());
        for step in 0..chunk {
            let (real, due) = (tick + step < ticks, (tick + step).min(ticks - 1));
            prop_assert_eq!(out.real[step], f32::from(u8::from(real)));
            prop_assert_eq!(&out.actions[step * 2..][..2], &dataset.actions(episode)[due * 2..][..2]);
        }
        // On a robot that has seen just this, it is the same window.
        let begun = &seen[seen.len() - history.min(tick + 1)..];
        let on_a_robot = Gathered::seen(&dataset.layout, history, begun);
        prop_assert_eq!((on_a_robot.state, on_a_robot.past, on_a_robot.frames), (out.state, out.past, out.frames));
    }

    #[test]
    fn no_window_touches_a_gap_that_is_to_be_dropped(history in 1_usize..6, chunk in 1_usize..12) {
        let dataset = &DROPPED.dataset;
        let windows = Windows::new(dataset, &everything(dataset), Shape { history, chunk }, Rules::default())?;
        let mut wanted = 0;
        for (number, episode) in dataset.episodes.iter().enumerate() {
            // The second recording is two episodes, with the gap between them.
            let (begins_at_gap, ends_at_gap) = (number == 2, number == 1);
            let lost = if begins_at_gap { history - 1 } else { 0 } + if ends_at_gap { chunk - 1 } else { 0 };
            wanted += episode.ticks.saturating_sub(lost);
        }
        prop_assert_eq!(windows.len(), wanted);
        for window in 0..windows.len() as u32 {
            let (episode, tick, _) = windows.place(window);
            prop_assert!(episode != 1 || tick + chunk <= dataset.episodes[1].ticks);
            prop_assert!(episode != 2 || tick + 1 >= history);
        }
    }

    #[test]
    fn an_epoch_goes_through_every_window_once_and_always_the_same_way(seed in any::<u64>(), epoch in 0_u64..50) {
        let dataset = &ENDED.dataset;
        let windows = Windows::new(dataset, &everything(dataset), Shape { history: 2, chunk: 4 }, Rules::default())?;
        let order = windows.order(seed, epoch);
        prop_assert_eq!(&order, &windows.order(seed, epoch));
        prop_assert_ne!(&order, &windows.order(seed, epoch + 1));
        let mut sorted = order;
        sorted.sort_unstable();
        prop_assert_eq!(sorted, (0..windows.len() as u32).collect::<Vec<_>>());
    }

    #[test]
    fn a_batch_is_its_windows_side_by_side(chosen in proptest::collection::vec(any::<u32>(), 1..9)) {
        let dataset = &ENDED.dataset;
        let windows = Windows::new(dataset, &everything(dataset), Shape { history: 2, chunk: 3 }, Rules::default())?;
        let chosen: Vec<u32> = chosen.iter().map(|window| window % windows.len() as u32).collect();
        let whole = gathered(&windows, &chosen);
        let mut joined = Gathered::default();
        for window in &chosen {
            let one = gathered(&windows, &[*window]);
            joined.state.extend(one.state);
            joined.actions.extend(one.actions);
            joined.weight.extend(one.weight);
            joined.places.resize(1, Vec::new());
            joined.places[0].extend(&one.places[0]);
        }
        prop_assert_eq!((whole.state, whole.actions, whole.weight), (joined.state, joined.actions, joined.weight));
        prop_assert_eq!(&whole.places, &joined.places);
        let mut bytes = vec![0; 8 * 6 * 3];
        for (place, pixels) in whole.places[0].iter().zip(whole.frames[0].chunks(bytes.len())) {
            dataset.picture(0, *place as usize, &mut bytes)?;
            prop_assert_eq!(&bytes, pixels);
        }
    }
}

#[test]
fn a_window_counts_by_quality_and_by_who_drove() -> anyhow::Result<()> {
    let weights = Weights { human: 3.0, ..Weights::default() };
    let kept = kept(&Config { weights, ..Config::default() })?;
    let windows = Windows::new(
        &kept.dataset,
        &everything(&kept.dataset),
        Shape { history: 1, chunk: 1 },
        Rules::default(),
    )?;
    for window in 0..windows.len() as u32 {
        let (episode, _, weight) = windows.place(window);
        let quality = if kept.dataset.episodes[episode].recording == 1 { 0.5 } else { 1.0 };
        assert_eq!(weight, 3.0 * quality);
    }
    let weights = Weights { even_episodes: true, ..Weights::default() };
    let dataset = self::kept(&Config { weights, ..Config::default() })?;
    let windows = Windows::new(&dataset.dataset, &[0], Shape { history: 1, chunk: 1 }, Rules::default())?;
    let sum: f32 = (0..windows.len() as u32).map(|window| windows.place(window).2).sum();
    assert!((sum - 1.0).abs() < 1e-5, "{sum}");
    Ok(())
}

#[test]
fn an_episode_counts_the_same_however_little_of_it_counts() -> anyhow::Result<()> {
    let mut heard: Vec<Said> = demonstration(800);
    for (at, driver) in [(0, Intervention::POLICY), (600, Intervention::HUMAN)] {
        let told = Intervention { header: header(at), driver, ..Intervention::default() };
        heard.push(said(at, "/cell/intervention", &told));
    }
    heard.sort_by_key(|one| one.at);
    let mut scratch = Scratch::new()?;
    scratch.add(&heard, &[])?;
    for policy in [0.0, 0.5, 3.0] {
        let weights = Weights { policy, even_episodes: true, ..Weights::default() };
        let dataset =
            scratch.open(&Config { weights, interventions: Interventions::Expert, ..Config::default() })?;
        let windows = Windows::new(&dataset, &[0], Shape { history: 1, chunk: 1 }, Rules::default())?;
        let sum: f32 = (0..windows.len() as u32).map(|window| windows.place(window).2).sum();
        assert!((sum - 1.0).abs() < 1e-5, "{policy}: {sum}");
    }
    Ok(())
}

#[test]
fn only_the_persons_part_of_a_chunk_is_real() -> anyhow::Result<()> {
    let mut heard: Vec<Said> = demonstration(800);
    for (at, driver) in [(0, Intervention::POLICY), (200, Intervention::HUMAN), (480, Intervention::POLICY)] {
        heard.push(said(
            at,
            "/intervention",
            &Intervention { header: header(at), driver, ..Intervention::default() },
        ));
    }
    heard.sort_by_key(|one| one.at);
    let mut scratch = Scratch::new()?;
    let dataset = scratch.add(&heard, &[])?.open(&Config::default())?;
    let windows = Windows::new(&dataset, &[0], Shape { history: 3, chunk: 4 }, Rules::default())?;
    assert_eq!(windows.len(), 7, "from 200 to 440 ms");
    let first = gathered(&windows, &[0]);
    assert_eq!((windows.place(0).1, first.real), (5, vec![1.0; 4]));
    assert_eq!(first.state[..2], dataset.observation(0, 3)?.state, "what was seen before it is seen");
    let last = gathered(&windows, &[6]);
    assert_eq!(last.real, [1.0, 0.0, 0.0, 0.0]);
    assert_eq!(last.actions[2..4], last.actions[..2], "the last action that is learned is repeated");
    Ok(())
}

#[test]
fn a_goal_is_a_later_state_of_the_same_episode() -> anyhow::Result<()> {
    let goal = Some(Goal { stream: "joints".into(), relabel: 1.0, within_s: None });
    let kept = kept(&Config { goal, ..Config::default() })?;
    let (dataset, config) = (
        &kept.dataset,
        Config {
            goal: Some(Goal { stream: "joints".into(), relabel: 1.0, within_s: None }),
            ..Config::default()
        },
    );
    let statistics = dataset.statistics(&everything(dataset));
    let shape = Shape { history: 1, chunk: 2 };
    let learning = Windows::new(dataset, &[0], shape, Rules::learning(&config, &statistics))?;
    let (mut out, mut noise, mut goals) =
        (Gathered::default(), Noise::new(5), std::collections::BTreeSet::new());
    for _ in 0..200 {
        learning.gather(&[4], &mut noise, &mut out)?;
        // Joint a rises with time: by its value one knows when it was.
        goals.insert((f64::from(out.goal[0]) * 1000.0 / 40.0).round() as usize);
    }
    assert_eq!(goals.into_iter().collect::<Vec<_>>(), (5..16).collect::<Vec<_>>());
    let told =
        Config { goal: Some(Goal { stream: "joints".into(), ..Goal::default() }), ..Config::default() };
    let judging = Windows::new(dataset, &[0], shape, Rules::judging(&told))?;
    judging.gather(&[4], &mut noise, &mut out)?;
    assert_eq!(out.goal, dataset.observation(0, 15)?.state, "how the episode ended");
    assert_eq!(dataset.asked(0, 4)?.goal, out.goal, "and that is what a policy is asked");
    let soon = Goal { stream: "joints".into(), relabel: 1.0, within_s: Some(0.08) };
    let soon = Config { goal: Some(soon), ..Config::default() };
    for rules in [Rules::learning(&soon, &statistics), Rules::judging(&soon)] {
        let windows = Windows::new(dataset, &[0], shape, rules)?;
        let drawn = (0..50).map(|_| {
            windows.gather(&[4], &mut noise, &mut out)?;
            Ok((f64::from(out.goal[0]) * 1000.0 / 40.0).round() as usize)
        });
        let drawn = drawn.collect::<anyhow::Result<std::collections::BTreeSet<_>>>()?;
        assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [5, 6], "two ticks of 40 ms, in judging too");
    }
    Ok(())
}

#[test]
fn a_shift_moves_what_is_seen_and_leads_back_to_what_was_done() -> anyhow::Result<()> {
    let dataset = &ENDED.dataset;
    let statistics = dataset.statistics(&everything(dataset));
    let shift = Some(Shift { deviation: 0.5, steps: 4, share: 1.0 });
    let config = Config { augment: Augment { shift, ..Augment::default() }, ..Config::default() };
    let shape = Shape { history: 2, chunk: 8 };
    let moved = Windows::new(dataset, &[0], shape, Rules::learning(&config, &statistics))?;
    let still = Windows::new(dataset, &[0], shape, Rules::judging(&config))?;
    let mut out = Gathered::default();
    moved.gather(&[5], &mut Noise::new(9), &mut out)?;
    let plain = gathered(&still, &[5]);
    let off = |one: &[f32], other: &[f32]| {
        one.iter().zip(other).map(|(one, other)| one - other).collect::<Vec<f32>>()
    };
    let seen = off(&out.state, &plain.state);
    assert!(seen.iter().all(|off| off.abs() > 1e-4), "{seen:?}");
    assert!(
        (seen[0] - seen[2]).abs() < 1e-5 && (seen[1] - seen[3]).abs() < 1e-5,
        "the whole history alike: {seen:?}"
    );
    let done = off(&out.actions, &plain.actions);
    assert!((done[0] / seen[0] - 0.84375).abs() < 1e-3, "{done:?} {seen:?}");
    assert!(done[6..].iter().all(|off| off.abs() < 1e-6), "{done:?}");
    Ok(())
}

#[test]
fn statistics_are_those_of_the_episodes_asked_for() -> anyhow::Result<()> {
    let statistics = ENDED.dataset.statistics(&[0]);
    assert!((statistics.state[0].mean - 0.3).abs() < 1e-6 && (statistics.actions[0].most - 0.7).abs() < 1e-6);
    let all = ENDED.dataset.statistics(&everything(&ENDED.dataset));
    assert!((all.state[0].most - 1.2).abs() < 1e-6, "{}", all.state[0].most);
    let written = serde_json::to_string(&all)?;
    assert_eq!(serde_json::from_str::<apprentice::data::Statistics>(&written)?, all);
    Ok(())
}
