//! Batches as tensors: what is gathered arrives, pictures are cut and lit as drawn, and a resident data set gives the same.
//!
//! On whichever devices libtorch computes here; where there is no GPU, that is the CPU alone, and the output says so.
#![cfg(feature = "learn")]

#[path = "support/demonstrations.rs"]
mod demonstrations;
#[path = "support/skipped.rs"]
mod skipped;

use apprentice::data::augment::Augment;
use apprentice::data::batch::{Batch, Resident};
use apprentice::data::{Config, Gathered, Rules, Shape, Windows};
use apprentice::nn::device;
use apprentice::noise::Noise;
use demonstrations::{ROBOT, Said, Scratch, demonstration, picture, said};
use skipped::skipped;
use tch::{Device, IndexOp, Kind, Tensor};

const SHAPE: Shape = Shape { history: 2, chunk: 3 };

/// Pictures whose every pixel tells its column, its row, and when it was.
fn ramps() -> Vec<Said> {
    let ramp = |one: Said| {
        if one.topic != "/front" {
            return one;
        }
        let mut image = picture(one.at, [8, 6]);
        let pixel = |pixel: u32| {
            [(pixel % 8) * 30, (pixel / 8) * 40, one.at as u32 / 10 % 200].map(|value| value as u8)
        };
        image.data = (0..48).flat_map(pixel).collect::<Vec<u8>>().into();
        said(one.at, "/front", &image)
    };
    demonstration(800).into_iter().map(ramp).collect()
}

fn windows() -> anyhow::Result<(Scratch, Windows)> {
    let mut scratch = Scratch::of(ROBOT)?;
    let dataset = scratch.add(&ramps(), &[])?.add(&ramps(), &[])?.open(&Config::default())?;
    Ok((scratch, Windows::new(&dataset, &[0, 1], SHAPE, Rules::default())?))
}

fn rows(tensor: &Tensor) -> Vec<f32> {
    Vec::try_from(tensor.to_device(Device::Cpu).reshape([-1])).expect("it is a row of floats")
}

fn devices(test: &str) -> Vec<Device> {
    let devices = device::all();
    if devices.len() == 1 {
        skipped(test, "no GPU, libtorch sees none: tried on the processor only");
    }
    devices
}

#[test]
fn what_was_gathered_arrives_on_every_device() -> anyhow::Result<()> {
    let (_scratch, windows) = windows()?;
    let mut out = Gathered::default();
    windows.gather(&[3, 30, 7], &mut Noise::new(1), &mut out)?;
    for device in devices("what_was_gathered_arrives_on_every_device") {
        let batch = Batch::of(&out, device);
        assert_eq!((batch.count(), batch.state.size(), batch.goal.size()), (3, vec![3, 2, 2], vec![3, 0]));
        assert_eq!(
            (batch.actions.size(), batch.real.size(), batch.weight.size()),
            (vec![3, 3, 2], vec![3, 3], vec![3])
        );
        assert_eq!((batch.frames[0].size(), batch.frames[0].kind()), (vec![3, 2, 6, 8, 3], Kind::Uint8));
        assert_eq!(
            (rows(&batch.state), rows(&batch.actions), rows(&batch.past)),
            (out.state.clone(), out.actions.clone(), out.past.clone())
        );
        assert_eq!(batch.state.device(), device);
    }
    Ok(())
}

#[test]
fn pictures_are_cut_at_one_place_for_a_whole_history() -> anyhow::Result<()> {
    let (_scratch, windows) = windows()?;
    let augment = Augment { crop: 0.5, ..Augment::default() };
    let mut out = Gathered::default();
    let wanted: Vec<u32> = (0..32).collect();
    windows.gather(&wanted, &mut Noise::new(1), &mut out)?;
    for device in devices("pictures_are_cut_at_one_place_for_a_whole_history") {
        let batch = Batch::of(&out, device);
        let seen = batch.pictures(0, &augment, Some(&mut Noise::new(2)));
        assert_eq!((seen.size(), seen.kind()), (vec![64, 3, 3, 4], Kind::Float));
        let corner = |picture: i64| rows(&(seen.i((picture, 0..2, 0, 0)) * 255.0));
        let mut corners = std::collections::BTreeSet::new();
        for window in 0..32 {
            assert_eq!(corner(2 * window), corner(2 * window + 1), "one draw for a window");
            corners.insert(corner(2 * window).iter().map(|value| value.round() as u32).collect::<Vec<_>>());
        }
        assert!(corners.len() > 8, "{corners:?}");
        assert!(corners.iter().all(|corner| corner[0] % 30 == 0
            && corner[0] <= 120
            && corner[1] % 40 == 0
            && corner[1] <= 120));
        let middle = batch.pictures(0, &augment, None);
        assert_eq!(
            rows(&(middle.i((5, 0..2, 0, 0)) * 255.0)).iter().map(|value| value.round()).collect::<Vec<_>>(),
            [60.0, 40.0]
        );
        let again = batch.pictures(0, &augment, Some(&mut Noise::new(2)));
        assert!(bool::try_from(again.eq_tensor(&seen).all())?, "a seed means the same pictures");
    }
    Ok(())
}

#[test]
fn light_changes_as_it_was_drawn_and_stays_between_dark_and_full() -> anyhow::Result<()> {
    let (_scratch, windows) = windows()?;
    let mut out = Gathered::default();
    windows.gather(&[4, 9], &mut Noise::new(1), &mut out)?;
    let batch = Batch::of(&out, Device::Cpu);
    let whole = Augment { crop: 1.0, ..Augment::default() };
    let plain = batch.pictures(0, &whole, None);
    let brighter = Augment { brightness: 0.2, ..whole.clone() };
    let lit = batch.pictures(0, &brighter, Some(&mut Noise::new(3)));
    let draw = {
        let mut noise = Noise::new(3);
        [brighter.draw([8, 6], &mut noise), brighter.draw([8, 6], &mut noise)]
    };
    for (window, draw) in (0..).zip(draw) {
        let wanted = (plain.i(window * 2..window * 2 + 2) + f64::from(draw.brightness)).clamp(0.0, 1.0);
        let off = f64::try_from((lit.i(window * 2..window * 2 + 2) - wanted).abs().max())?;
        assert!(off < 1e-6, "{off}");
    }
    let grey = Augment { saturation: 1.0, contrast: 0.5, ..whole };
    let lit = batch.pictures(0, &grey, Some(&mut Noise::new(4)));
    assert!(f64::try_from(lit.min())? >= 0.0 && f64::try_from(lit.max())? <= 1.0);
    Ok(())
}

#[test]
fn a_resident_data_set_gives_the_same_batches() -> anyhow::Result<()> {
    let (_scratch, windows) = windows()?;
    let (mut bytes, mut places) = (Gathered::default(), Gathered::default());
    let wanted = [0, 25, 41, 8];
    windows.gather(&wanted, &mut Noise::new(1), &mut bytes)?;
    windows.gather_places(&wanted, &mut Noise::new(1), &mut places);
    for device in devices("a_resident_data_set_gives_the_same_batches") {
        let held = Resident::load(windows.dataset(), device, 1 << 20)?.expect("it fits");
        let (one, other) = (Batch::of(&bytes, device), held.batch(&places));
        assert_eq!(one.frames[0].size(), other.frames[0].size());
        assert!(bool::try_from(one.frames[0].eq_tensor(&other.frames[0]).all())?);
        assert_eq!((rows(&one.state), rows(&one.real)), (rows(&other.state), rows(&other.real)));
    }
    assert!(
        Resident::load(windows.dataset(), Device::Cpu, 100)?.is_none(),
        "what does not fit stays where it is"
    );
    Ok(())
}
