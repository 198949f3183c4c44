// A step of the U-Net on a processor: a convolution over time, its groups normalized, and Mish.
//
// libtorch's own convolution of a short sequence takes up to twice as long as a product, and its Mish, there and back, half as long
// again. Here a convolution is one product of all windows of the sequence, and so is each part of its way back. Where no gradient is
// wanted, nothing but that product is libtorch's: on one sequence its calls cost more than the arithmetic.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/mm.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <c10/util/Exception.h>
#include <torch/csrc/autograd/custom_function.h>

#include "said.h"

// Compiled for processors with wide vectors too; which is there is found out when the program starts.
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__)
#define WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define WIDE
#endif

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

// A sequence's windows: `kernel` steps around each of `steps`, with zeros beyond the ends.
struct Form {
  int64_t batch, steps, from, kernel;

  int64_t row() const { return kernel * from; }
  int64_t rows() const { return batch * steps; }

  // The steps of the window around `at` that there are.
  int64_t first(int64_t at) const { return std::max<int64_t>(0, at - kernel / 2); }
  int64_t after(int64_t at) const { return std::min(steps, at + kernel / 2 + 1); }
  // Where the first of them lies in the window.
  int64_t lead(int64_t at) const { return (first(at) - at + kernel / 2) * from; }
};

// From `[batch, steps, from]` to `[batch * steps, kernel * from]`: neighbouring steps lie side by side, so a window is one run of memory.
template <typename T>
void unfold(const Form &form, const T *x, T *windows) {
  for (int64_t sample = 0; sample < form.batch; ++sample, x += form.steps * form.from) {
    for (int64_t at = 0; at < form.steps; ++at, windows += form.row()) {
      int64_t lead = form.lead(at), count = (form.after(at) - form.first(at)) * form.from;
      std::fill(windows, windows + lead, T(0));
      std::memcpy(windows + lead, x + form.first(at) * form.from, count * sizeof(T));
      std::fill(windows + lead + count, windows + form.row(), T(0));
    }
  }
}

// The way back: adds up what all windows say of each step.
template <typename T>
void fold(const Form &form, const T *windows, T *x) {
  std::fill(x, x + form.rows() * form.from, T(0));
  for (int64_t sample = 0; sample < form.batch; ++sample, x += form.steps * form.from) {
    for (int64_t at = 0; at < form.steps; ++at, windows += form.row()) {
      int64_t count = (form.after(at) - form.first(at)) * form.from;
      T *to = x + form.first(at) * form.from;
      const T *said_of_it = windows + form.lead(at);
      for (int64_t i = 0; i < count; ++i) to[i] += said_of_it[i];
    }
  }
}

// e^x for what lies within 87 of zero, in arithmetic of which a compiler makes vectors (Cephes' polynomial).
inline float power(float x) {
  constexpr float rounding = 12582912.0f;  // 1.5 * 2^23: what is added to it loses what is behind the point.
  float shifted = x * 1.44269504088896341f + rounding, whole = shifted - rounding;
  float rest = (x - whole * 0.693359375f) + whole * 2.12194440e-4f;
  float sum = 1.9875691500e-4f;
  sum = sum * rest + 1.3981999507e-3f;
  sum = sum * rest + 8.3334519073e-3f;
  sum = sum * rest + 4.1665795894e-2f;
  sum = sum * rest + 1.6666665459e-1f;
  sum = sum * rest + 5.0000001201e-1f;
  sum = sum * rest * rest + rest + 1.0f;
  // The last bits of what was shifted are the whole number, also of what is none: a conversion of that would be undefined.
  uint32_t bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  bits = (bits + 127) << 23;
  float scale;
  std::memcpy(&scale, &bits, sizeof scale);
  return sum * scale;
}

inline double power(double x) { return std::exp(x); }

// Mish (Misra 2019) is x · tanh(ln(1 + e^x)); with n = e^x · (e^x + 2) that is x · n / (n + 2). Beyond 20 it is x.
template <typename T>
struct Bent {
  T power_of_x, n;

  explicit Bent(T x) : power_of_x(power(std::min(std::max(x, T(-80)), T(20)))), n(power_of_x * (power_of_x + 2)) {}

  T value(T x) const { return x * n / (n + 2); }
  T slope(T x) const { return n / (n + 2) + x * power_of_x / (1 + power_of_x) * (4 * n + 4) / ((n + 2) * (n + 2)); }
};

WIDE void mish(const float *x, float *out, int64_t count) {
  for (int64_t i = 0; i < count; ++i) out[i] = Bent<float>(x[i]).value(x[i]);
}
void mish(const double *x, double *out, int64_t count) {
  for (int64_t i = 0; i < count; ++i) out[i] = Bent<double>(x[i]).value(x[i]);
}
WIDE void mish_back(const float *x, const float *gradient, float *out, int64_t count) {
  for (int64_t i = 0; i < count; ++i) out[i] = gradient[i] * Bent<float>(x[i]).slope(x[i]);
}
void mish_back(const double *x, const double *gradient, double *out, int64_t count) {
  for (int64_t i = 0; i < count; ++i) out[i] = gradient[i] * Bent<double>(x[i]).slope(x[i]);
}

// Calls `work` with a zero of the tensor's kind.
template <typename Work>
void of_kind(const at::Tensor &like, Work work) {
  if (like.scalar_type() == at::kDouble) {
    work(double(0));
  } else {
    work(float(0));
  }
}

at::Tensor windows_of(const Form &form, const at::Tensor &x) {
  at::Tensor windows = at::empty({form.rows(), form.row()}, x.options());
  of_kind(x, [&](auto zero) {
    using T = decltype(zero);
    unfold(form, x.const_data_ptr<T>(), windows.mutable_data_ptr<T>());
  });
  return windows;
}

struct Convolution : Function<Convolution> {
  static at::Tensor forward(AutogradContext *context, const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias,
                            int64_t kernel) {
    Form form{x.size(0), x.size(1), x.size(2), kernel};
    at::Tensor windows = windows_of(form, x.contiguous());
    context->save_for_backward({windows, weight});
    context->saved_data["steps"] = form.steps;
    context->saved_data["kernel"] = kernel;
    return at::addmm(bias, windows, weight.t()).view({form.batch, form.steps, -1});
  }

  static variable_list backward(AutogradContext *context, variable_list gradients) {
    variable_list saved = context->get_saved_variables();
    const at::Tensor &windows = saved[0], &weight = saved[1];
    int64_t steps = context->saved_data["steps"].toInt(), kernel = context->saved_data["kernel"].toInt();
    Form form{windows.size(0) / steps, steps, windows.size(1) / kernel, kernel};
    at::Tensor gradient = gradients[0].contiguous().view({form.rows(), -1}), of_x, of_weight, of_bias;
    if (context->needs_input_grad(1)) of_weight = at::mm(gradient.t(), windows);
    if (context->needs_input_grad(2)) of_bias = gradient.sum(0);
    if (context->needs_input_grad(0)) {
      at::Tensor of_windows = at::mm(gradient, weight);
      of_x = at::empty({form.batch, form.steps, form.from}, gradient.options());
      of_kind(of_x, [&](auto zero) {
        using T = decltype(zero);
        fold(form, of_windows.const_data_ptr<T>(), of_x.mutable_data_ptr<T>());
      });
    }
    return {of_x, of_weight, of_bias, at::Tensor()};
  }
};

struct Mish : Function<Mish> {
  static at::Tensor forward(AutogradContext *context, const at::Tensor &x) {
    at::Tensor dense = x.contiguous(), out = at::empty_like(dense);
    context->save_for_backward({dense});
    of_kind(dense, [&](auto zero) {
      using T = decltype(zero);
      mish(dense.const_data_ptr<T>(), out.mutable_data_ptr<T>(), dense.numel());
    });
    return out;
  }

  static variable_list backward(AutogradContext *context, variable_list gradients) {
    at::Tensor x = context->get_saved_variables()[0], gradient = gradients[0].contiguous(), out = at::empty_like(x);
    of_kind(x, [&](auto zero) {
      using T = decltype(zero);
      mish_back(x.const_data_ptr<T>(), gradient.const_data_ptr<T>(), out.mutable_data_ptr<T>(), x.numel());
    });
    return {out};
  }
};

// What a step is made of.
struct Parts {
  const at::Tensor &weight, &bias, &scale, &shift;
  int64_t kernel, groups;
};

constexpr double epsilon = 1e-5;

// Normalizes the groups of `[steps, channels]` in place.
template <typename T>
void normalize(const Parts &parts, int64_t steps, int64_t channels, T *x) {
  const T *scale = parts.scale.const_data_ptr<T>(), *shift = parts.shift.const_data_ptr<T>();
  int64_t width = channels / parts.groups;
  for (int64_t from = 0; from < channels; from += width) {
    double sum = 0, squares = 0;
    for (int64_t at = 0; at < steps; ++at) {
      for (int64_t i = from; i < from + width; ++i) sum += x[at * channels + i];
    }
    double mean = sum / double(steps * width);
    for (int64_t at = 0; at < steps; ++at) {
      for (int64_t i = from; i < from + width; ++i) squares += (x[at * channels + i] - mean) * (x[at * channels + i] - mean);
    }
    T middle = T(mean), factor = T(1 / std::sqrt(squares / double(steps * width) + epsilon));
    for (int64_t at = 0; at < steps; ++at) {
      T *row = x + at * channels;
      for (int64_t i = from; i < from + width; ++i) row[i] = (row[i] - middle) * factor * scale[i] + shift[i];
    }
  }
}

at::Tensor without_gradient(const at::Tensor &x, const Parts &parts) {
  Form form{x.size(0), x.size(1), x.size(2), parts.kernel};
  at::Tensor out = at::addmm(parts.bias, windows_of(form, x.contiguous()), parts.weight.t());
  of_kind(out, [&](auto zero) {
    using T = decltype(zero);
    int64_t channels = out.size(1);
    T *values = out.mutable_data_ptr<T>();
    for (int64_t sample = 0; sample < form.batch; ++sample) {
      normalize(parts, form.steps, channels, values + sample * form.steps * channels);
    }
    mish(values, values, out.numel());
  });
  return out.view({form.batch, form.steps, -1});
}

at::Tensor with_gradient(const at::Tensor &x, const Parts &parts) {
  at::Tensor out = Convolution::apply(x, parts.weight, parts.bias, parts.kernel);
  // As a picture of one row whose channels come last, which libtorch normalizes without moving anything.
  at::Tensor picture = out.transpose(1, 2).unsqueeze(2);
  picture = at::group_norm(picture, parts.groups, parts.scale, parts.shift, epsilon, true);
  return Mish::apply(picture.squeeze(2).transpose(1, 2));
}

}  // namespace

extern "C" {

// What becomes of `x: [B, steps, from]`, a tensor that is the caller's from then on; `weight` is `[to, kernel * from]`.
bool apprentice_step(const at::Tensor *x, const at::Tensor *weight, const at::Tensor *bias, const at::Tensor *scale,
                     const at::Tensor *shift, int64_t kernel, int64_t groups, at::Tensor **out, char *words, size_t room) {
  return said(words, room, [&] {
    TORCH_CHECK(kernel > 0 && kernel % 2 == 1, "a window of ", kernel, " steps has no middle");
    TORCH_CHECK(x->dim() == 3 && x->size(1) > 0 && weight->dim() == 2 && weight->size(1) == kernel * x->size(2),
                "a window of ", kernel, " steps of ", x->sizes(), " does not meet a weight of ", weight->sizes());
    int64_t to = weight->size(0);
    TORCH_CHECK(groups > 0 && to % groups == 0, to, " channels do not fall into ", groups, " groups");
    for (const at::Tensor *part : {weight, bias, scale, shift}) {
      TORCH_CHECK(part->is_cpu() && part->is_contiguous() && part->scalar_type() == x->scalar_type(), "parts of two kinds");
      TORCH_CHECK(part == weight || part->numel() == to, "a part of ", part->sizes(), " for ", to, " channels");
    }
    TORCH_CHECK(x->is_cpu() && (x->scalar_type() == at::kFloat || x->scalar_type() == at::kDouble), "floats on a processor");
    Parts parts{*weight, *bias, *scale, *shift, kernel, groups};
    *out = new at::Tensor(at::GradMode::is_enabled() ? with_gradient(*x, parts) : without_gradient(*x, parts));
  });
}

}  // extern "C"
