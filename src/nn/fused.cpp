// What libtorch can do to many weights at once and tch does not pass on: AdamW with clipping, averages, forgetting gradients,
// and autocast to a chosen kind.
//
// One call per weight and operation costs more than the arithmetic on small weights. Every function takes the tensors as torch-sys
// holds them, keeps none of them, and turns a C++ exception into words: it must not cross into Rust.

#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_lerp.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/clamp_min.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/logical_not.h>
#include <ATen/ops/stack.h>
#include <c10/util/Exception.h>

#include "said.h"

// As in ATen/autocast_mode.h, which would bring every operator's header with it; a mistake here does not link.
namespace at::autocast {
TORCH_API bool is_autocast_enabled(at::DeviceType device);
TORCH_API void set_autocast_enabled(at::DeviceType device, bool enabled);
TORCH_API at::ScalarType get_autocast_dtype(at::DeviceType device);
TORCH_API void set_autocast_dtype(at::DeviceType device, at::ScalarType kind);
TORCH_API int increment_nesting();
TORCH_API int decrement_nesting();
TORCH_API void clear_cache();
}  // namespace at::autocast

using Borrowed = const at::Tensor *;

namespace {

std::vector<at::Tensor> list(const Borrowed *tensors, size_t count) {
  std::vector<at::Tensor> copied;
  copied.reserve(count);
  for (size_t i = 0; i < count; ++i) copied.push_back(*tensors[i]);
  return copied;
}

// The fused kernel walks through memory and not through indices: a gradient has to lie as its weight does.
at::Tensor gradient_like(const at::Tensor &weight) {
  const at::Tensor &gradient = weight.grad();
  if (gradient.strides() == weight.strides() || (gradient.is_contiguous() && weight.is_contiguous())) return gradient;
  at::Tensor moved = at::empty_like(weight);
  moved.copy_(gradient);
  return moved;
}

void check_alike(const at::Tensor &weight, const at::Tensor &moment) {
  TORCH_CHECK(weight.is_non_overlapping_and_dense() && weight.sizes() == moment.sizes() &&
                  weight.strides() == moment.strides() && weight.scalar_type() == moment.scalar_type() &&
                  weight.device() == moment.device(),
              "a weight of ", weight.sizes(), " has a moment of ", moment.sizes(), " or of another kind, place or layout");
}

// Weights with a gradient, with what belongs to them.
struct Group {
  std::vector<at::Tensor> weights, gradients, first, second, steps;
};

// Many at once, and none of it is learned from.
template <typename Work>
bool done(char *words, size_t room, Work work) noexcept {
  return said(words, room, [&] {
    c10::NoGradGuard no_gradients;
    work();
  });
}

}  // namespace

extern "C" {

struct AdamW {
  double rate, beta1, beta2, epsilon, decay, limit;
};

// One step down for `count` weights, of which the first `decayed` decay. `step` holds the number of this step, `norm` gets
// the norm of all gradients; nothing moves where that is not finite. No number comes back to the host.
bool apprentice_adamw(const Borrowed *weights, const Borrowed *first, const Borrowed *second, size_t count, size_t decayed,
                      Borrowed step, Borrowed norm, const AdamW *how, char *words, size_t room) {
  return done(words, room, [&] {
    Group groups[2];
    std::vector<at::Tensor> gradients;
    for (size_t i = 0; i < count; ++i) {
      if (!weights[i]->grad().defined()) continue;
      check_alike(*weights[i], *first[i]);
      check_alike(*weights[i], *second[i]);
      Group &group = groups[i < decayed ? 0 : 1];
      at::Tensor gradient = gradient_like(*weights[i]);
      gradients.push_back(gradient);
      group.gradients.push_back(std::move(gradient));
      group.weights.push_back(*weights[i]);
      group.first.push_back(*first[i]);
      group.second.push_back(*second[i]);
      group.steps.push_back(*step);
    }
    if (gradients.empty()) return;
    at::Tensor whole = at::linalg_vector_norm(at::stack(at::_foreach_norm(gradients, 2)), 2);
    norm->copy_(whole);
    at::Tensor unfit = at::logical_not(at::isfinite(whole)).to(at::kFloat);
    at::Tensor scale = at::clamp_min(whole.div(how->limit), 1.0).to(at::kFloat);
    for (Group &group : groups) {
      if (group.weights.empty()) continue;
      double decay = &group == groups ? how->decay : 0.0;
      at::_fused_adamw_(group.weights, group.gradients, group.first, group.second, {}, group.steps, how->rate, how->beta1,
                        how->beta2, decay, how->epsilon, false, false, scale, unfit);
    }
  });
}

// Moves each average by `share` of the way to its weight.
bool apprentice_lerp(const Borrowed *averages, const Borrowed *weights, size_t count, double share, char *words,
                     size_t room) {
  return done(words, room, [&] { at::_foreach_lerp_(list(averages, count), list(weights, count), share); });
}

// Forgets the gradients; the next way back brings new ones and adds to nothing.
bool apprentice_forget(const Borrowed *weights, size_t count, char *words, size_t room) {
  return done(words, room, [&] {
    for (size_t i = 0; i < count; ++i) weights[i]->mutable_grad().reset();
  });
}

// Begins to compute in bfloat16 what can be, on CUDA or the CPU; says in `before` what was set, for the way out.
// Whether something else than the weights' kind is computed in.
bool apprentice_autocasts(bool cuda) { return at::autocast::is_autocast_enabled(cuda ? at::kCUDA : at::kCPU); }

bool apprentice_autocast_begin(bool cuda, int *before, char *words, size_t room) {
  return done(words, room, [&] {
    at::DeviceType device = cuda ? at::kCUDA : at::kCPU;
    before[0] = at::autocast::is_autocast_enabled(device);
    before[1] = static_cast<int>(at::autocast::get_autocast_dtype(device));
    at::autocast::set_autocast_dtype(device, at::kBFloat16);
    at::autocast::set_autocast_enabled(device, true);
    at::autocast::increment_nesting();
  });
}

// Computes as before again.
bool apprentice_autocast_end(bool cuda, const int *before, char *words, size_t room) {
  return done(words, room, [&] {
    at::DeviceType device = cuda ? at::kCUDA : at::kCPU;
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(device, before[0] != 0);
    at::autocast::set_autocast_dtype(device, static_cast<at::ScalarType>(before[1]));
  });
}

}  // extern "C"
