//! Weights as safetensors, and back into a network that has exactly those.
//!
//! The format is a table of names, kinds and shapes before plain numbers, so reading one runs nothing. It is packed and unpacked
//! in memory: what is held to a checksum is then the very bytes that are used.

use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use tch::{Device, Kind, Tensor};

use crate::policy::Error;

/// The bytes of a file with these tensors.
pub(super) fn pack(named: &[(String, Tensor)], path: &Path) -> Result<Vec<u8>, Error> {
    let failed = |why: String| Error::Torch { doing: "writing weights", why: format!("{why} ({path:?})") };
    let mut packed = Vec::new();
    for (name, tensor) in named {
        let tensor = tensor.detach().to_device(Device::Cpu).contiguous();
        let dtype = dtype(tensor.kind()).ok_or_else(|| failed(format!("{:?} of {name}", tensor.kind())))?;
        let shape: Vec<usize> = tensor.size().iter().map(|length| *length as usize).collect();
        let mut bytes = vec![0; tensor.numel() * tensor.kind().elt_size_in_bytes()];
        tensor.f_copy_data_u8(&mut bytes, tensor.numel()).map_err(|source| failed(source.to_string()))?;
        packed.push((name.as_str(), dtype, shape, bytes));
    }
    let mut views = Vec::new();
    for (name, dtype, shape, bytes) in &packed {
        let view = TensorView::new(*dtype, shape.clone(), bytes);
        views.push((*name, view.map_err(|source| failed(source.to_string()))?));
    }
    safetensors::serialize(views, None).map_err(|source| failed(source.to_string()))
}

/// Puts the tensors of a file into the network's `weights`, of which it must have each, in its shape, and no other.
pub(super) fn unpack(bytes: &[u8], weights: &[(String, Tensor)], path: &Path) -> Result<(), Error> {
    let damaged = |why: String| Error::Damaged { path: path.to_owned(), why };
    let tensors = SafeTensors::deserialize(bytes).map_err(|source| damaged(source.to_string()))?;
    let stray = tensors.names().into_iter().find(|name| weights.iter().all(|(known, _)| known != name));
    if let Some(stray) = stray {
        return Err(damaged(format!("it has {stray:?}, which the network has not")));
    }
    for (name, weight) in weights {
        let found = tensors.tensor(name).map_err(|_missing| damaged(format!("it lacks {name:?}")))?;
        let shape: Vec<i64> = found.shape().iter().map(|length| *length as i64).collect();
        if shape != weight.size() || Some(found.dtype()) != dtype(weight.kind()) {
            let (found, wanted) = (found.dtype(), weight.kind());
            let why =
                format!("{name:?} is {found:?} {shape:?} where {wanted:?} {:?} is wanted", weight.size());
            return Err(damaged(why));
        }
        let said = |source: tch::TchError| damaged(source.to_string());
        let read = Tensor::f_from_data_size(found.data(), &shape, weight.kind()).map_err(said)?;
        if !all_finite(&read).map_err(said)? {
            return Err(damaged(format!("{name:?} has numbers that are none")));
        }
        // Into the network's own memory: whoever holds the weight sees the new numbers.
        tch::no_grad(|| weight.shallow_clone().f_copy_(&read)).map_err(said)?;
    }
    Ok(())
}

/// The only tensor of a file, which is a table of finite 32-bit numbers called `name`.
pub(super) fn only(bytes: &[u8], name: &str, path: &Path) -> Result<Tensor, Error> {
    let damaged = |why: String| Error::Damaged { path: path.to_owned(), why };
    let tensors = SafeTensors::deserialize(bytes).map_err(|source| damaged(source.to_string()))?;
    let found = tensors.tensor(name).map_err(|_missing| damaged(format!("it lacks {name:?}")))?;
    let shape = found.shape();
    if shape.len() != 2 || shape.contains(&0) || tensors.len() != 1 {
        return Err(damaged(format!("{name:?} is {shape:?} of {} where one table is wanted", tensors.len())));
    }
    let table = Tensor::zeros([shape[0] as i64, shape[1] as i64], (Kind::Float, Device::Cpu));
    unpack(bytes, &[(name.to_owned(), table.shallow_clone())], path)?;
    Ok(table)
}

fn all_finite(tensor: &Tensor) -> Result<bool, tch::TchError> {
    bool::try_from(tensor.f_isfinite()?.f_all()?)
}

/// The kinds that weights have.
fn dtype(kind: Kind) -> Option<Dtype> {
    match kind {
        Kind::Float => Some(Dtype::F32),
        Kind::Double => Some(Dtype::F64),
        Kind::BFloat16 => Some(Dtype::BF16),
        Kind::Half => Some(Dtype::F16),
        _ => None,
    }
}
