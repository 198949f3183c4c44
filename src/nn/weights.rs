//! Weights by name: made in one order from one stream of chance, so that a seed means the same network everywhere.
//!
//! tch's own store draws from libtorch's hidden generator and keeps its tensors in a hash map; here chance is an argument and the
//! order is the order of making, which is also the order in a checkpoint and of an optimizer's moments.

use std::cell::RefCell;

use tch::{Device, Kind, Tensor};

use crate::noise::Noise;

/// What goes wrong when weights come from elsewhere.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The network has it, what was given has not.
    #[error("the weight {name:?} is missing")]
    Missing {
        /// Its name.
        name: String,
    },
    /// The other way round.
    #[error("the weight {name:?} belongs to another network")]
    Unknown {
        /// Its name.
        name: String,
    },
    /// It has another form.
    #[error("the weight {name:?} is {got:?} where the network has {wanted:?}")]
    Form {
        /// Its name.
        name: String,
        /// What was given.
        got: Vec<i64>,
        /// What the network has.
        wanted: Vec<i64>,
    },
}

/// Every weight of a network.
#[derive(Debug)]
pub struct Weights {
    device: Device,
    kind: Kind,
    made: RefCell<Vec<(String, Tensor)>>,
    noise: RefCell<Noise>,
}

/// A place in a network where weights are made: what stands in front of their names.
#[derive(Clone, Debug)]
pub struct Site<'a> {
    weights: &'a Weights,
    path: String,
}

impl Weights {
    /// No weights yet; those to come are made on `device` from `noise`. `kind` is `Float`, or `Double` where exactness is tested.
    pub fn new(device: Device, kind: Kind, noise: Noise) -> Self {
        Self { device, kind, made: RefCell::new(Vec::new()), noise: RefCell::new(noise) }
    }

    /// The place without a name in front.
    pub fn root(&self) -> Site<'_> {
        Site { weights: self, path: String::new() }
    }

    /// Every weight with its name, in the order of making; they share their memory with the network's.
    pub fn named(&self) -> Vec<(String, Tensor)> {
        self.made.borrow().iter().map(|(name, tensor)| (name.clone(), tensor.shallow_clone())).collect()
    }

    /// Takes the values of `given`, which has every weight of the network and no other. Where it has not, nothing changes.
    pub fn load(&self, given: &[(String, Tensor)]) -> Result<(), Error> {
        let made = self.made.borrow();
        if let Some((name, _)) = given.iter().find(|(name, _)| made.iter().all(|(known, _)| known != name)) {
            return Err(Error::Unknown { name: name.clone() });
        }
        let mut pairs = Vec::with_capacity(made.len());
        for (name, weight) in made.iter() {
            let Some((_, values)) = given.iter().find(|(known, _)| known == name) else {
                return Err(Error::Missing { name: name.clone() });
            };
            let (got, wanted) = (values.size(), weight.size());
            if got != wanted {
                return Err(Error::Form { name: name.clone(), got, wanted });
            }
            pairs.push((weight.shallow_clone(), values));
        }
        tch::no_grad(|| pairs.iter_mut().for_each(|(weight, values)| weight.copy_(values)));
        Ok(())
    }

    /// Where they are.
    pub fn device(&self) -> Device {
        self.device
    }

    /// How many numbers they are.
    pub fn count(&self) -> usize {
        self.made.borrow().iter().map(|(_, tensor)| tensor.numel()).sum()
    }
}

impl Site<'_> {
    /// The place `name` below this one.
    pub fn at(&self, name: impl std::fmt::Display) -> Self {
        let path = if self.path.is_empty() { name.to_string() } else { format!("{}.{name}", self.path) };
        Self { weights: self.weights, path }
    }

    /// Where its weights are.
    pub fn device(&self) -> Device {
        self.weights.device
    }

    /// What its weights are.
    pub fn kind(&self) -> Kind {
        self.weights.kind
    }

    /// Weights from the normal distribution around zero.
    pub fn normal(&self, name: &str, dims: &[i64], deviation: f64) -> Tensor {
        self.drawn(name, dims, |noise| deviation * noise.normal())
    }

    /// Weights spread evenly between `-bound` and `bound`.
    pub fn even(&self, name: &str, dims: &[i64], bound: f64) -> Tensor {
        self.drawn(name, dims, |noise| bound * (2.0 * noise.unit() - 1.0))
    }

    /// Weights that all begin as `value`.
    pub fn constant(&self, name: &str, dims: &[i64], value: f64) -> Tensor {
        self.keep(name, &Tensor::full(dims, value, (Kind::Double, Device::Cpu)))
    }

    fn drawn(&self, name: &str, dims: &[i64], mut draw: impl FnMut(&mut Noise) -> f64) -> Tensor {
        let count = dims.iter().product::<i64>();
        let mut noise = self.weights.noise.borrow_mut();
        let values: Vec<f64> = (0..count).map(|_| draw(&mut noise)).collect();
        self.keep(name, &Tensor::from_slice(&values).reshape(dims))
    }

    fn keep(&self, name: &str, values: &Tensor) -> Tensor {
        let path = self.at(name).path;
        let weight = values.to_device(self.device()).to_kind(self.kind()).set_requires_grad(true);
        let mut made = self.weights.made.borrow_mut();
        debug_assert!(made.iter().all(|(known, _)| *known != path), "two weights are called {path}");
        made.push((path, weight.shallow_clone()));
        weight
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(seed: u64) -> Weights {
        let weights = Weights::new(Device::Cpu, Kind::Float, Noise::new(seed));
        let site = weights.root().at("layer");
        let _made = [site.normal("weight", &[2, 3], 1.0), site.constant("bias", &[2], 0.5)];
        weights
    }

    #[test]
    fn weights_take_the_values_of_others_by_name() -> Result<(), Error> {
        let (one, other) = (made(1), made(2));
        let mut given = other.named();
        given.reverse();
        one.load(&given)?;
        assert!(one.named().iter().zip(other.named()).all(|((_, a), (_, b))| a.equal(&b)));
        Ok(())
    }

    #[test]
    fn weights_of_another_network_are_refused_by_name() {
        let weights = made(1);
        let refused =
            |given: &[(String, Tensor)]| weights.load(given).expect_err("it is another").to_string();
        let mut given = made(2).named();
        assert_eq!(refused(&given[..1]), "the weight \"layer.bias\" is missing");
        given[1].1 = Tensor::zeros([3], (Kind::Float, Device::Cpu));
        assert!(refused(&given).contains("[3] where the network has [2]"));
        given[1].0 = "layer.constant".to_owned();
        assert_eq!(refused(&given), "the weight \"layer.constant\" belongs to another network");
    }
}
